/* net.h -- a network with its weights as a file that other programs read: safetensors, PyTorch's .pth,
 * ONNX; and safetensors back.
 *
 * Room: core/net.  Stands on core/graph and core/base.  Tensors have the names that the official
 * PyTorch model's state_dict has: a module's full name, then weight, bias, running_mean, running_var or
 * num_batches_tracked.  Equal networks give equal bytes.  Any thread. */
#ifndef CORE_NET_H
#define CORE_NET_H

#include "graph/graph.h"

/* A trained or drawn network, all of it borrowed. */
struct net {
    const struct graph *graph;
    const float *params; /* [graph_view()->param_floats] */
    const float
        *running;  /* [net_running(graph)]: means of a batch norm's c channels, then c variances,
                             of every module of tracked batch norms in the order of modules; NULL: 0
                             and 1 */
    int64_t steps; /* batches that the running statistics have seen */
    /* Metadata; NULL: left out. */
    const char *space, *arch;
    const char *digest; /* of what the weights come from */
    const char *epoch;  /* of a training, after so many epochs */
};

/* Length of the running statistics. */
int64_t net_running(const struct graph *g);

enum net_format { NET_SAFETENSORS, NET_PTH, NET_ONNX };
/* By the ending of a file's name: .safetensors, .pth, .onnx.  Errors name path and these. */
tcet_status net_format_of(const char *path, enum net_format *out, struct error *err);
/* The file, written beside, synced and renamed.  Errors name path. */
tcet_status net_write(const struct net *n, enum net_format format, const char *path,
                      struct error *err);
/* The file's bytes, added to out; an ONNX file's path_name is the graph's name. */
tcet_status net_pack(const struct net *n, enum net_format format, struct buf *out,
                     struct error *err);

/* Metadata of a safetensors file, "" what it does not say. */
struct net_about {
    char space[128], digest[128], arch[TCET_ARCH_MAX];
};
/* What a safetensors file says of its network, before a graph of it is there. */
tcet_status net_read_about(const char *path, struct net_about *out, struct error *err);
/* Weights of g from a safetensors file of float32 with just its tensors: params and running as in
 * struct net; steps may be NULL.  Errors name path and tensor: TCET_E_ARG for a file that is none or
 * another network's. */
tcet_status net_read(const char *path, const struct graph *g, float *params, float *running,
                     int64_t *steps, struct error *err);
/* Both of n bytes in memory. */
tcet_status net_unpack_about(const void *data, size_t n, struct net_about *out, struct error *err);
tcet_status net_unpack(const void *data, size_t n, const struct graph *g, float *params,
                       float *running, int64_t *steps, struct error *err);

#endif
