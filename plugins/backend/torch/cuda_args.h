/* cuda_args.h -- what the kernels of cuda_kernels.inc are given, as the host and the device see it: each takes
 * one structure by value.
 *
 * Room: plugins/backend/torch.  Compiled as C with kernels_cuda.c and, in front of cuda_kernels.inc, by NVRTC: it
 * includes nothing.  Pointers are to the device's memory; numbers are of the type that the kernels were
 * compiled for unless they are said to be double; images are NHWC. */
#ifndef BACKEND_TORCH_CUDA_ARGS_H
#define BACKEND_TORCH_CUDA_ARGS_H

enum {
    CUDA_THREADS = 256, /* of a block, at most */
    CUDA_TERMS = 8,     /* of a sum */
    CUDA_SUMS = 4,      /* over pixels, beside that of a gradient itself */
    CUDA_ALL = CUDA_SUMS + 1,
    CUDA_FILTERS = 128,    /* convolutions whose filters a launch turns */
    CUDA_PARTS = 1 << 20,  /* doubles of scratch */
    CUDA_COLUMNS = 1 << 12 /* counters of scratch */
};

/* What the blocks of a sweep leave for the last of them: partial sums, and how many have come, 0 between
 * kernels. */
struct cuda_scratch {
    double *part;        /* [CUDA_PARTS] */
    unsigned int *count; /* [CUDA_COLUMNS] */
};

/* combine of kernels.h */
struct cuda_combine {
    const void *x[CUDA_TERMS], *a[CUDA_TERMS], *b[CUDA_TERMS];
    void *raw, *act;
    long long pixels;
    int count, c;
};

/* gather */
struct cuda_gather {
    const void *plain[CUDA_TERMS], *masked[CUDA_TERMS], *mask;
    void *out;
    double *s1, *s2[CUDA_SUMS];
    const void *x[CUDA_SUMS], *mean[CUDA_SUMS];
    struct cuda_scratch scratch;
    long long pixels;
    int plains, maskeds, sums, c;
};

/* norm_train, norm_eval (x NULL), norm_slope (s1, s2, k1 to k3, dgamma) */
struct cuda_norm {
    const void *x, *gamma, *beta;
    void *mean, *invstd, *a, *b, *running_mean, *running_var;
    const double *s1, *s2;
    void *k1, *k2, *k3, *dgamma;
    struct cuda_scratch scratch;
    double eps, momentum;
    long long pixels;
    int c;
};

/* max_pool and avg_pool from x to y; their gradients from g, of y, to y, of x. */
struct cuda_pool {
    const void *x, *g;
    void *y;
    int n, c, h, w, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, count_padding;
};

/* y[n, c] = factor * the sum over hw of x times g (NULL: 1) */
struct cuda_total {
    const void *x, *g;
    void *y;
    double factor;
    long long n, hw;
    int c;
};

/* y[n, hw, c] = factor * x (NULL: 1) * s, of x's shape or (spread) [n, c] */
struct cuda_multiply {
    const void *x, *s;
    void *y;
    double factor;
    long long n, hw;
    int c, spread;
};

/* window: extents of the destination, then of the source, where the block begins in both, and the block's. */
struct cuda_window {
    const void *x;
    void *y;
    long long n;
    int dh, dw, dc, sh, sw, sc, dst_h, dst_w, dst_c, src_h, src_w, src_c, h, w, c, clear;
};

/* agreement, in two steps: bits[n, words] of x[n, units], and from them k and positive. */
struct cuda_agreement {
    const void *x;
    unsigned int *bits;
    double *k, *positive;
    long long n, units, words;
};

/* soft_loss; loss of classes (labels in place of targets) */
struct cuda_loss {
    const void *z;
    const double *targets;
    const long long *labels;
    void *g;
    double *result;
    double temperature, share; /* a row's gradient is divided by share */
    long long n, only;         /* the one image that has a gradient, -1: all */
    int c;
};

/* add_sums */
struct cuda_add {
    const double *sums;
    void *out;
    long long rows, c;
};

/* update, average (from w to first by `momentum`) */
struct cuda_update {
    void *w, *first, *second;
    const void *g, *decay;
    double lr, wd, momentum, beta1, beta2, eps, unbias1, unbias2;
    long long count;
    int adamw, nesterov;
};

/* A convolution's filters, and how they go over an image. */
struct cuda_taps {
    int kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

/* A convolution from in [n, ih, iw, ic] to out [n, oh, ow, oc], of filters as the kernel `filters` leaves them; or
 * its gradient by the input, from the output's (in) to the input's (out), of the same filters. */
struct cuda_conv {
    const void *in, *filters, *bias;
    void *out;
    int n, ic, ih, iw, oc, oh, ow;
    struct cuda_taps by;
};

/* to[kh * kw, c, oc] of w [oc, c, kh * kw], for several convolutions, each from number `at` of both on. */
struct cuda_filters {
    const void *w;
    void *to;
    int count; /* blocks by y */
    struct {
        long long at;
        int oc, c, taps;
    } of[CUDA_FILTERS];
};

/* The gradient by the filters, in two steps: part[split, oc, kh * kw * c] of `each` pixels of g a split, and
 * dw [oc, c, kh * kw] += their sum. */
struct cuda_weigh {
    const void *g, *x;
    void *part, *dw;
    long long pixels, each;
    int splits, n, c, h, w, oc, oh, ow;
    struct cuda_taps by;
};

/* The kernels, by their names in cuda_kernels.inc. */
#define CUDA_KERNELS(each)                                                                         \
    each(combine) each(gather) each(gather_sums) each(norm_train) each(norm_eval) each(norm_slope) \
        each(max_pool) each(max_pool_back) each(avg_pool) each(avg_pool_back) each(total)          \
            each(multiply) each(window) each(signs) each(agree) each(soft_loss) each(class_loss)   \
                each(add_sums) each(update) each(average) each(filters) each(conv_16)              \
                    each(conv_32) each(conv_64) each(conv_128) each(back_16) each(back_32)         \
                        each(back_64) each(back_128) each(weigh_16) each(weigh_32) each(weigh_64)  \
                            each(weigh_128) each(add_parts)

#endif
