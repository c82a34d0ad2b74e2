/* counted.h -- the backend's kernels, each call of which is timed; what kernels.c of this folder reads.
 *
 * Room: bench.  The program is linked with --wrap, so that the executor gets these in place of its own
 * table and of libtorch's convolutions.  One thread. */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

#include "../plugins/backend/torch/kernels.h"

enum { COUNTED_SHAPE = 64 };

/* All calls of one kernel for one shape. */
struct counted {
    const char *kernel;
    char shape[COUNTED_SHAPE];
    int64_t calls;
    double seconds; /* of the thread's CPU */
    double flop, bytes;
    double bare; /* seconds of libtorch's convolution of the shape, where it was replayed */
};

/* A convolution that was asked for, ours or libtorch's: a forward, or gradients of weights (dw), of
 * the input (dx) or of both. */
struct counted_conv {
    struct ts_conv s;
    int forward, dw, dx;
};

/* Numbers of a convolution's input, output and filters, and terms of each output's sum. */
static inline int64_t counted_inputs(const struct ts_conv *s)
{
    return s->n * s->c * s->h * s->w;
}

static inline int64_t counted_outputs(const struct ts_conv *s)
{
    return s->n * s->oc * s->oh * s->ow;
}

static inline int64_t counted_terms(const struct ts_conv *s)
{
    return s->c / s->groups * s->kh * s->kw;
}

static inline int64_t counted_weights(const struct ts_conv *s)
{
    return s->oc * counted_terms(s);
}

/* Seconds of this thread's CPU. */
double counted_now(void);
/* What was counted since the last reset; the array is the callee's until the next call of a kernel. */
struct counted *counted_all(size_t *count);
const struct counted_conv *counted_convs(size_t *count);
void counted_reset(void);
void counted_reset_convs(void);
/* 1: kernels are run and not counted; 0: they are. */
void counted_pause(int pause);
/* Runs one of them in libtorch, not counted but as `bare` of its rows; apart: both gradients in calls
 * of their own.  Gives its seconds; x, w, y, dw are memory of at least its sizes.  < 0: it failed. */
double counted_bare(const struct counted_conv *c, void *x, void *w, void *y, void *dw, int apart);

#endif
