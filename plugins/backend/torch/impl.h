/* impl.h -- what backend_torch.so (no libtorch inside) takes from backend_torch_impl.so.
 * Room: plugins/backend/torch. */
#ifndef BACKEND_TORCH_IMPL_H
#define BACKEND_TORCH_IMPL_H

#include <tcet/draft/backend.h>

struct executor; /* an open device */

struct torch_impl {
    /* kernels: KERNELS_*.  Errors are reported through cx. */
    tcet_status (*open)(tcet_ctx *cx, const char *device, int32_t threads, int32_t kernels,
                        struct executor **out);
    void (*close)(struct executor *x);
    tcet_status (*info)(tcet_ctx *cx, struct executor *x, tcet_backend_info *out);
    tcet_status (*prepare)(tcet_ctx *cx, struct executor *x, const tcet_graph *graph,
                           tcet_model **out);
    tcet_status (*run)(tcet_ctx *cx, struct executor *x, tcet_model *model, tcet_run *run);
    void (*release)(tcet_model *model);
    tcet_status (*collect)(tcet_ctx *cx, tcet_model *model, tcet_run *run);
    tcet_status (*train_open)(tcet_ctx *cx, struct executor *x, tcet_model *model,
                              const tcet_train *how, const float *params, const uint8_t *decay,
                              tcet_training **out);
    tcet_status (*train_step)(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, double lr,
                              double wd, int64_t step, tcet_train_result *out);
    tcet_status (*train_eval)(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, uint32_t ema,
                              tcet_train_result *out, double *logits);
    void (*train_sizes)(const tcet_training *t, int64_t *counts);
    /* write: from the caller's memory; else to it. */
    tcet_status (*train_move)(tcet_ctx *cx, tcet_training *t, uint32_t state, void *numbers,
                              int write);
    void (*train_close)(tcet_training *t);
};

#define TORCH_IMPL_SYMBOL "tcet_torch_impl_v1"
typedef const struct torch_impl *torch_impl_entry(void);

#endif
