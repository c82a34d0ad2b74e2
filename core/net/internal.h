/* internal.h -- the tensors of a network, shared by the files of this room.  Room: core/net; no other
 * room includes it. */
#ifndef CORE_NET_INTERNAL_H
#define CORE_NET_INTERNAL_H

#include "net/net.h"

/* One of a state_dict. */
struct tensor {
    const char *name;
    int32_t module; /* that it is of */
    int32_t ndim;
    int64_t shape[4];
    int64_t count;                                            /* elements */
    enum { TENSOR_PARAM, TENSOR_RUNNING, TENSOR_STEPS } kind; /* steps: int64, others float32 */
    float initial;                                            /* running statistics */
    int64_t place; /* of its first element in params or running */
};

/* In the order of modules, each: weight, bias, running_mean, running_var, num_batches_tracked. */
struct tensors {
    struct tensor *list;
    size_t count;
    int64_t running; /* length of the running statistics */
};
void net_tensors(const struct graph *g, struct arena *a, struct tensors *out);

/* Its bytes, little-endian. */
size_t net_tensor_bytes(const struct tensor *t);
void net_add_tensor(const struct net *n, const struct tensor *t, struct buf *out);

tcet_status net_pack_safetensors(const struct net *n, struct buf *out, struct error *err);
tcet_status net_pack_pth(const struct net *n, struct buf *out, struct error *err);
tcet_status net_pack_onnx(const struct net *n, struct buf *out, struct error *err);

#endif
