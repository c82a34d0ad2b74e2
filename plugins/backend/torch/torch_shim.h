/* torch_shim.h -- the C face of libtorch: everything the executor takes from it.
 *
 * Room: plugins/backend/torch.  Pointers, integers and floating-point numbers only; no
 * exception leaves a function.  Unless said otherwise a function returns 0, or a negative
 * tcet_status with the reason in d->message, and outputs are then untouched.  Tensors are
 * contiguous, images in NHWC order, elements of the device's type, all in the device's
 * memory.  One thread at a time. */
#ifndef BACKEND_TORCH_SHIM_H
#define BACKEND_TORCH_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_code;

/* Where tensors live and what they hold. */
struct ts_device {
    int32_t cuda;     /* 0: CPU memory, 1: CUDA */
    int32_t index;    /* of the CUDA device */
    int32_t f64;      /* 1: double, 0: float */
    int32_t conv;     /* TS_CONV_*: numbers that CUDA convolutions of floats compute with */
    int32_t own_conv; /* CUDA: convolutions by our kernels, where these take them */
    int64_t stream;   /* CUDA: that everything is queued on, of ts_stream; 0: the default one */
    void *queue;      /* CUDA: the same as the driver's CUstream */
    void *scratch;    /* CUDA: what the stream's kernels share, see cuda.h */
    struct cuda_code
        *code; /* CUDA: our kernels, for this type; NULL: libtorch's operations alone */
    const void *params, *filters; /* CUDA: of use_params of kernels.h; NULL: none */
    size_t param_bytes;
    char message[512]; /* of the last failure */
};

enum { TS_CONV_FULL, TS_CONV_TF32, TS_CONV_BF16 };

typedef struct ts_tensor ts_tensor; /* owned by whoever got it; ts_free */

struct along;

/* A two-dimensional convolution of n images. */
struct ts_conv {
    int64_t n, c, h, w; /* input */
    int64_t oc, oh, ow; /* output */
    int64_t kh, kw;     /* weight is [oc, c / groups, kh, kw] */
    int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
    const struct along *along; /* of sweep.h, for our own CPU kernels; NULL: nothing goes along */
};

/* A pooling window; sizes as in ts_conv, oc = c. */
struct ts_pool {
    int64_t n, c, h, w, oh, ow;
    int64_t kh, kw, stride_h, stride_w, pad_h, pad_w;
    int64_t count_padding; /* average: padding counts as zeros */
};

/* One summand a[c] * x + b[c]; a NULL is 1, b NULL is 0. */
struct ts_term {
    const void *x, *a, *b;
    uint64_t *bits; /* CPU kernels: where the packed signs of x go, or NULL */
};

/* One batch norm whose backward sums are made in a sweep over g: s2[c] = sum of g * (x - mean[c]). */
struct ts_sum {
    const void *x, *mean;
    double *s2;
};

/* Copies a block of channels, rows and columns of n images between two tensors; rows and
 * columns of the destination outside the block are zeroed where `clear`. */
struct ts_window {
    int64_t n, h, w, c; /* the block */
    int64_t sh, sw, sc; /* source extents, and where the block begins in it */
    int64_t src_h, src_w, src_c;
    int64_t dh, dw, dc; /* the same for the destination */
    int64_t dst_h, dst_w, dst_c;
    int64_t clear;
};

/* Per-channel numbers of one batch norm call, elements of the device's type. */
struct ts_norm {
    const void *gamma, *beta;         /* NULL: 1, 0 */
    void *mean, *invstd;              /* of the batch */
    void *a, *b;                      /* the norm as a[c] * x + b[c] */
    void *running_mean, *running_var; /* updated from the batch; without its statistics read: NULL
                                         is 0, and 1 */
    double eps, momentum;
};

/* A batch norm's backward before it is computed: g k1[c] + x k2[c] + k3[c], of its output's gradient g and
 * its input x; elements of the device's type. */
struct ts_norm_back {
    const void *g, *x;
    const void *k1, *k2, *k3;
    double *sums; /* c of them: where each channel's sum of it is written; NULL: not wanted */
};

/* Means, then biased variances, of c channels over a part of the pixels. */
struct ts_norm_part {
    int64_t pixels;
    double *moments;
};

/* One call of an operation that is a kernel alone, on n images; everything in NHWC. */
enum { TS_INPUTS = 2 };
struct tcet_node;
struct ts_plain {
    const struct tcet_node *node, *in[TS_INPUTS]; /* the operation, and its inputs' shapes */
    int64_t n;
    int32_t k; /* backward: the input whose gradient is asked for */
    /* Values of the inputs and of the output; backward those that the operation's row says it
     * reads, others may be NULL. */
    const void *x[TS_INPUTS], *y;
    const void *w, *b;         /* parameters, NULL: none */
    const void *rx[TS_INPUTS]; /* R of the inputs, NULL: 0; R as in ops.h */
    const void *g, *rg;        /* gradient of the output, and R of it */
};
/* Steps: y; from g the gradient of input k; from rx R of y; from g, rg and rx R of that gradient; from
 * g the gradient of w, which is added to. */
enum { TS_FORWARD, TS_BACK, TS_TANGENT, TS_TANGENT_BACK, TS_WEIGHT, TS_STEPS };

/* A loss of the outputs z [n, hw, c] of n images, their mean; or with only >= 0 that image's own.  z is
 * divided by `temperature` before all.  Kinds are TCET_LOSS_SUM and the targets of tcet/plugin.h, whose
 * numbers are here, in the host's memory, as a dataset gives them. */
enum { TS_LOSS_CLASS, TS_LOSS_SHARES, TS_LOSS_NUMBERS, TS_LOSS_PIXELS, TS_LOSS_MAP, TS_LOSS_SUM };
struct ts_loss {
    uint32_t kind;
    int64_t n, c, hw;
    const int64_t *labels; /* [n], of CLASS */
    const float *targets;  /* [n, target_numbers], of others */
    int64_t target_numbers;
    double temperature, share_epsilon;
    int64_t only; /* -1: all */
};

/* One optimiser step over `count` parameters w with gradients g, numbers of the device's type; see
 * tcet_train (tcet/draft/backend.h), whose names these are.  decay: 1 where wd holds, 0 elsewhere. */
struct ts_update {
    int64_t count;
    int32_t adamw, nesterov;
    void *w, *first, *second; /* second: AdamW's */
    const void *g, *decay;
    double lr, wd, momentum, beta1, beta2, eps;
    double unbias1, unbias2; /* 1 - beta^k */
};

/* -- the library and its memory ------------------------------------------------------- */

/* How many threads operators that the calling thread calls have from now on; gives how many they
 * had.  No thread pool is made or ended. */
int32_t ts_threads_here(int32_t threads);
/* The same of the BLAS, whoever calls it. */
void ts_threads_blas(int32_t threads);
/* Version text into out; also makes libtorch deterministic, and quiet about threads. */
void ts_setup(int32_t threads, char *version, size_t cap);
/* The instruction sets that libtorch and its libraries use on this CPU, each as " NAME=VALUE". */
void ts_instructions(char *out, size_t cap);
/* Number of CUDA devices, -1 where this libtorch was built without CUDA. */
int32_t ts_cuda_devices(void);
int ts_cuda_name(struct ts_device *d, char *out, size_t cap);
/* CUDA: one of libtorch's streams for d->stream.  What is allocated on a stream is used and freed
 * on it alone. */
int ts_stream(struct ts_device *d, int64_t *out);
/* CUDA: the driver's word for d->stream. */
int ts_queue(struct ts_device *d, void **out);
/* Every CPU tensor allocates through these (get gives 64-byte alignment, or NULL). */
void ts_use_pool(void *(*get)(size_t bytes), void (*put)(void *data));
/* CUDA: `bytes` of device memory, owned by the tensor. */
ts_tensor *ts_alloc(struct ts_device *d, size_t bytes, void **data);
/* CUDA: page-locked host memory, which copies reach without the host's waiting. */
ts_tensor *ts_alloc_host(struct ts_device *d, size_t bytes, void **data);
void ts_free(ts_tensor *t); /* which may be NULL */
/* Where its numbers are. */
void *ts_data(const ts_tensor *t);
/* Between host and device memory, in bytes.  Nothing that brings host memory to the device waits
 * for it, and the memory is the caller's again.  ts_to_host does not wait where `to` is of
 * ts_alloc_host: ts_synchronize does, for the stream. */
int ts_to_device(struct ts_device *d, void *to, const void *from, size_t bytes);
int ts_to_host(struct ts_device *d, void *to, const void *from, size_t bytes);
int ts_synchronize(struct ts_device *d);

/* -- convolution and linear ----------------------------------------------------------- */

/* y = conv(x, w) + bias; the output tensor is libtorch's own, its memory *data.  bias may
 * be NULL. */
ts_tensor *ts_conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                           const void *w, const void *bias, void **data);
/* dx (where asked: dx and data not NULL) is libtorch's own; dw [oc, c/groups, kh, kw] is
 * added to the caller's where not NULL.  x may be NULL where dw is. */
int ts_conv_backward(struct ts_device *d, const struct ts_conv *s, const void *g, const void *x,
                     const void *w, void *dw, ts_tensor **dx, void **data);
/* y[n, out] = x[n, in] w^T + bias */
int ts_linear(struct ts_device *d, int64_t n, int64_t in, int64_t out, const void *x, const void *w,
              const void *bias, void *y);
/* dx[n, in] = g w and dw[out, in] += g^T x, each where not NULL. */
int ts_linear_back(struct ts_device *d, int64_t n, int64_t in, int64_t out, const void *g,
                   const void *x, const void *w, void *dx, void *dw);

/* -- the plain form of every other operation, for any device -------------------------- */
/* Same contracts as struct kernels in kernels.h, which documents them. */

int ts_load(struct ts_device *d, const float *x, int64_t n, int64_t c, int64_t hw, void *out);
int ts_to_nchw(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw, void *out);
int ts_from_nchw(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw, void *out);
int ts_combine(struct ts_device *d, const struct ts_term *t, int32_t count, int64_t n, int64_t hw,
               int64_t c, void *raw, void *act, uint64_t *bits);
int ts_gather(struct ts_device *d, const void *const *plain, int32_t plain_count,
              const void *const *masked, int32_t masked_count, const void *mask, int64_t pixels,
              int64_t c, void *out, double *s1, const struct ts_sum *sums, int32_t sum_count);
int ts_norm_train(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                  const struct ts_norm *s, uint64_t *bits);
int ts_norm_eval(struct ts_device *d, int64_t c, const struct ts_norm *s);
int ts_norm_slope(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *s,
                  const double *s1, const double *s2, void *k1, void *k2, void *k3, void *dgamma);
int ts_avg_pool(struct ts_device *d, const struct ts_pool *s, const void *x, void *y);
int ts_avg_pool_back(struct ts_device *d, const struct ts_pool *s, const void *g, void *dx);
int ts_max_pool(struct ts_device *d, const struct ts_pool *s, const void *x, void *y);
int ts_max_pool_back(struct ts_device *d, const struct ts_pool *s, const void *x, const void *g,
                     void *dx);
int ts_global_pool(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x, void *y);
int ts_global_pool_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                        void *dx);
int ts_plain_step(struct ts_device *d, uint32_t step, const struct ts_plain *s, void *out);
int ts_multiply(struct ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread,
                const void *x, const void *s, void *y);
int ts_multiply_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                     const void *x, void *ds);
int ts_window_copy(struct ts_device *d, const struct ts_window *s, const void *x, void *y);
int ts_zero(struct ts_device *d, void *x, size_t bytes);
int ts_loss_back(struct ts_device *d, const struct ts_loss *s, const void *z, void *g);
int ts_agreement(struct ts_device *d, const void *x, int64_t n, int64_t units, double *k,
                 double *positive);
int ts_soft_loss(struct ts_device *d, const void *logits, const double *targets, int64_t n,
                 int64_t whole, int64_t c, void *g, double *result);
int ts_add_sums(struct ts_device *d, const double *sums, int64_t rows, int64_t c, void *out);
int ts_clip(struct ts_device *d, void *g, int64_t count, double most);
int ts_update_step(struct ts_device *d, const struct ts_update *u);
int ts_average(struct ts_device *d, const void *x, int64_t count, double decay, void *mean);

/* -- autograd, for Hessian-vector products alone -------------------------------------- */

/* A copy of n, c, h, w (or fewer) numbers from NCHW host float32 as a leaf. */
ts_tensor *ts_leaf(struct ts_device *d, const float *x, const int64_t *shape, int32_t ndim,
                   int32_t wants_gradient);
/* One graph operation on tensors in NCHW; w, b may be NULL.  norm is a TCET_NORM_*. */
ts_tensor *ts_apply(struct ts_device *d, const struct tcet_node *op, ts_tensor *const *in,
                    int32_t count, ts_tensor *w, ts_tensor *b, uint32_t norm);
/* Of outputs [n, c, h, w] or [n, c]. */
ts_tensor *ts_loss_value(struct ts_device *d, const struct ts_loss *s, ts_tensor *z);
/* sum += other, as one value for ts_hessian. */
int ts_add_to(struct ts_device *d, ts_tensor *sum, const ts_tensor *other);
/* H g for each of the weights, g the gradient over all of them, to host out[i] (elements of
 * the device's type).  Weights that the loss does not reach get zeros.  keep: another loss of
 * the same recording follows; else the recording's memory may go. */
int ts_hessian(struct ts_device *d, ts_tensor *loss, ts_tensor *const *weights, int32_t count,
               int32_t keep, void *const *out);

#ifdef __cplusplus
}
#endif
#endif
