/* kernels.h -- the table of everything that the executor needs beside libtorch's convolutions: one
 * filled by the fused CPU kernels (kernels.c, once an instruction set and type), one by those of a
 * CUDA device (kernels_cuda.c), one by plain libtorch calls (kernels_aten.c, any device; what the
 * others are tested against).
 *
 * Room: plugins/backend/torch.  Images are NHWC, elements of the table's type, in the
 * device's memory; a pixel is its c channels.  Functions return 0, or a negative status with
 * the reason in d->message (the CPU's always 0).  The order of every sum is fixed by its
 * shape alone: same input, same bits. */
#ifndef BACKEND_TORCH_KERNELS_H
#define BACKEND_TORCH_KERNELS_H

#include "sweep.h"
#include "torch_shim.h"

/* Sums over the pixels of a batch norm of input x and output gradient g, [c] each; R is the
 * derivative along a direction of the weights, "_x" a product with x - mean. */
struct ts_norm_sums {
    const double *rx, *rx_x, *g, *g_x, *g_rx, *rg, *rg_x;
};

/* What a table has of a convolution. */
enum { KERNELS_FORWARD = 1, KERNELS_WEIGHTS = 2, KERNELS_INPUT = 4 };

struct tcet_graph;

struct kernels {
    const char *name;
    int32_t f64;
    int32_t packs; /* 1: bits are packed words in CPU memory; 0: `agreement` reads numbers */

    /* NCHW float32 images to NHWC, and between NHWC and NCHW of the same type. */
    int (*load)(struct ts_device *d, const float *x, int64_t n, int64_t c, int64_t hw, void *out);
    int (*to_nchw)(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw, void *out);
    int (*from_nchw)(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw,
                     void *out);
    /* raw = the sum of the terms from left to right, act = max(raw, 0), bits = signs of raw;
     * outputs not wanted are NULL.  raw may be the x of one of the first three terms.  No terms: zeros. */
    int (*combine)(struct ts_device *d, const struct ts_term *t, int32_t count, int64_t n,
                   int64_t hw, int64_t c, void *raw, void *act, uint64_t *bits);
    /* out = sum of plain + (mask > 0 ? sum of masked : 0), not written where NULL; with it
     * s1[c] = sum over pixels of out (where not NULL), and the sums of ts_sum. */
    int (*gather)(struct ts_device *d, const void *const *plain, int32_t plain_count,
                  const void *const *masked, int32_t masked_count, const void *mask, int64_t pixels,
                  int64_t c, void *out, double *s1, const struct ts_sum *sums, int32_t sum_count);
    /* Batch statistics (biased variance), a and b from them, running statistics += momentum *
     * (batch - running), of the unbiased variance; bits = signs of x, or NULL. */
    int (*norm_train)(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                      const struct ts_norm *s, uint64_t *bits);
    /* The same of several parts of the pixels; NULL: this table cannot.  One part's moments; and what
     * norm_train makes, of all of them. */
    int (*norm_moments)(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                        uint64_t *bits, double *moments);
    int (*norm_merge)(struct ts_device *d, int64_t c, const struct ts_norm_part *part,
                      int32_t parts, const struct ts_norm *s);
    /* combine, gather and norm_moments as sweeps (sweep.h) that a convolution may drive, NULL after d->message; what
     * they read and write stays until they are ended or dropped, and gather's `out` may be one of its parts.  NULL: this table has none. */
    struct sweep *(*combine_sweep)(struct ts_device *d, const struct ts_term *t, int32_t count,
                                   int64_t n, int64_t hw, int64_t c, void *raw, void *act,
                                   uint64_t *bits);
    struct sweep *(*gather_sweep)(struct ts_device *d, const void *const *plain,
                                  int32_t plain_count, const void *const *masked,
                                  int32_t masked_count, const void *mask, int64_t pixels, int64_t c,
                                  void *out, double *s1, const struct ts_sum *sums,
                                  int32_t sum_count);
    struct sweep *(*moments_sweep)(struct ts_device *d, const void *x, int64_t n, int64_t hw,
                                   int64_t c, uint64_t *bits, double *moments);
    /* a and b from the running statistics, which are 0 and 1 where s has none. */
    int (*norm_eval)(struct ts_device *d, int64_t c, const struct ts_norm *s);
    /* From the sums of gather over `pixels` pixels: dx = k1 g + k2 x + k3, and dgamma (added
     * to; may be NULL).  k2 NULL: the statistics are constants, and dx = k1 g. */
    int (*norm_slope)(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *s,
                      const double *s1, const double *s2, void *k1, void *k2, void *k3,
                      void *dgamma);
    int (*avg_pool)(struct ts_device *d, const struct ts_pool *s, const void *x, void *y);
    int (*avg_pool_back)(struct ts_device *d, const struct ts_pool *s, const void *g, void *dx);
    int (*max_pool)(struct ts_device *d, const struct ts_pool *s, const void *x, void *y);
    /* To the first of the largest, in row order. */
    int (*max_pool_back)(struct ts_device *d, const struct ts_pool *s, const void *x, const void *g,
                         void *dx);
    int (*global_pool)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x,
                       void *y);
    int (*global_pool_back)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                            void *dx);
    /* A step (TS_FORWARD ...) of an operation of kernels_plain.inc into out; R only where its row
     * says so and the table has tangents. */
    int (*plain)(struct ts_device *d, uint32_t step, const struct ts_plain *s, void *out);
    /* y = x * s, s of x's shape or (spread) one number a channel and image. */
    int (*multiply)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread,
                    const void *x, const void *s, void *y);
    /* ds[n, c] = sum over pixels of g * x, for a spread factor. */
    int (*multiply_back)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                         const void *x, void *ds);
    int (*window)(struct ts_device *d, const struct ts_window *s, const void *x, void *y);
    int (*zero)(struct ts_device *d, void *x, size_t bytes);
    /* Gradient of the loss by the network's outputs z. */
    int (*loss)(struct ts_device *d, const struct ts_loss *s, const void *z, void *g);
    /* Training.  result[3]: the sum over images of -sum_c t log softmax(logits)_c, how many have the
     * class of their largest target first among the logits, and among the first five; g (NULL: not
     * wanted) = the gradient of the mean over `whole` images.  targets[n, c] is the host's memory, result the device's. */
    int (*soft_loss)(struct ts_device *d, const void *logits, const double *targets, int64_t n,
                     int64_t whole, int64_t c, void *g, double *result);
    /* out[c] += the sum over rows of sums[rows, c]. */
    int (*add_sums)(struct ts_device *d, const double *sums, int64_t rows, int64_t c, void *out);
    /* g *= min(1, most / (|g| + 1e-6)) */
    int (*clip)(struct ts_device *d, void *g, int64_t count, double most);
    int (*update)(struct ts_device *d, const struct ts_update *u);
    /* mean = decay mean + (1 - decay) x */
    int (*average)(struct ts_device *d, const void *x, int64_t count, double decay, void *mean);
    /* Tangents, for tangent.c; NULL: this table has none, and autograd does it.
     * raw = the sum of the terms (at least one), act = mask > 0 ? raw : 0; not written where
     * NULL, one of them is not.  pixels = n hw. */
    int (*combine_gated)(struct ts_device *d, const struct ts_term *t, int32_t count,
                         int64_t pixels, int64_t c, const void *mask, void *raw, void *act);
    /* A batch norm's backward dx, and R dx, as lines[6, c] of norm_tangent_back. */
    int (*norm_tangent)(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *s,
                        const struct ts_norm_sums *sums, void *lines);
    /* dx (NULL: not wanted) = l0 g + l1 x + l2, rdx = l0 rg + l1 rx + l3 g + l4 x + l5; rdx may
     * be rg. */
    int (*norm_tangent_back)(struct ts_device *d, int64_t pixels, int64_t c, const void *lines,
                             const void *g, const void *rg, const void *x, const void *rx, void *dx,
                             void *rdx);
    /* ry = rx at the first of the largest x, in row order. */
    int (*max_pool_tangent)(struct ts_device *d, const struct ts_pool *s, const void *x,
                            const void *rx, void *ry);
    /* R of loss's g, from R of z. */
    int (*loss_tangent)(struct ts_device *d, const struct ts_loss *s, const void *z, const void *rz,
                        void *rg);
    /* Convolutions faster than libtorch's; conv_takes() says which of the three (KERNELS_FORWARD ...) a shape has
     * (NULL: none has any).  bias may be NULL; w and dw are [oc, c, kh, kw]; dw is added to. */
    uint32_t (*conv_takes)(const struct ts_device *d, const struct ts_conv *s);
    int (*conv_forward)(struct ts_device *d, const struct ts_conv *s, const void *x, const void *w,
                        const void *bias, void *y);
    int (*conv_weights)(struct ts_device *d, const struct ts_conv *s, const void *g, const void *x,
                        void *dw);
    int (*conv_input)(struct ts_device *d, const struct ts_conv *s, const void *g, const void *w,
                      void *dx);
    /* Before a forward, where not NULL and d->own_conv: what these want of all parameters at once, into as many numbers beside
     * them, both kept until the next call on this device. */
    int (*use_params)(struct ts_device *d, const struct tcet_graph *g, const void *params,
                      void *beside);
    /* dw += and dx = the gradients (NULL: not wanted) from one of y that is still a batch norm's backward, and g's
     * sums, for the shapes of which conv_takes_norm() says 1 (NULL: none); x may be NULL without dw. */
    int (*conv_takes_norm)(const struct ts_conv *s);
    int (*conv_norm_back)(struct ts_device *d, const struct ts_conv *s,
                          const struct ts_norm_back *g, const void *x, const void *w, void *dw,
                          void *dx);
    /* packs: bits[n, words] = signs of x[n, units]. */
    void (*pack)(const void *x, int64_t n, int64_t units, uint64_t *bits);
    /* packs: k[n, n] += units - popcount(bits_i ^ bits_j), *positive += popcount. */
    void (*agreement_bits)(const uint64_t *bits, int64_t n, int64_t units, double *k,
                           double *positive);
    /* not packs: the same from numbers. */
    int (*agreement)(struct ts_device *d, const void *x, int64_t n, int64_t units, double *k,
                     double *positive);
};

/* Which kernels: "auto" is the widest instruction set of this CPU. */
enum {
    KERNELS_AUTO = 0,
    KERNELS_BASELINE = 1,
    KERNELS_AVX2 = 2,
    KERNELS_AVX512 = 3,
    KERNELS_ATEN = 4,
    KERNELS_OWN = 5 /* auto, and convolutions of a CUDA device too */
};

/* NULL where this CPU, or this build, lacks it. */
const struct kernels *kernels_cpu(int32_t which, int32_t f64);
const struct kernels *kernels_aten(int32_t f64);
/* For devices with d->code and d->scratch. */
const struct kernels *kernels_cuda(int32_t f64);

/* Sweeps that go along with a convolution, NULL: none. */
static inline struct sweep *sweep_before(const struct ts_conv *s)
{
    return s->along ? s->along->before : NULL;
}

static inline struct sweep *sweep_after(const struct ts_conv *s)
{
    return s->along ? s->along->after : NULL;
}

static inline int64_t kernels_words(int64_t units)
{
    return (units + 63) / 64;
}

#endif
