/* counted.c -- see counted.h.  Room: bench. */
#include "counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct counted *rows;
static size_t row_count, row_cap;
static struct counted_conv *convs;
static size_t conv_count, conv_cap;

static int paused;

static const struct kernels *inner;
static struct kernels outer;

double counted_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *grown(void *x, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return x;
    *cap = *cap ? 2 * *cap : 64;
    x = realloc(x, *cap * size);
    if (!x)
        abort();
    return x;
}

static struct counted *row_of(const char *kernel, const char *shape)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].kernel == kernel && !strcmp(rows[i].shape, shape))
            return &rows[i];
    rows = grown(rows, row_count, &row_cap, sizeof *rows);
    rows[row_count] = (struct counted){.kernel = kernel};
    snprintf(rows[row_count].shape, COUNTED_SHAPE, "%s", shape);
    return &rows[row_count++];
}

static void note(const char *kernel, const char *shape, double start, double flop, double bytes)
{
    double seconds = counted_now() - start;
    struct counted *r;

    if (paused)
        return;
    r = row_of(kernel, shape);
    r->calls++;
    r->seconds += seconds;
    r->flop += flop;
    r->bytes += bytes;
}

/* A sweep that reads and writes `streams` tensors of c channels by `pixels`. */
static void note_sweep(const char *kernel, int64_t streams, int64_t c, int64_t pixels, double start)
{
    char shape[COUNTED_SHAPE];

    snprintf(shape, sizeof shape, "%lld of %lld x %lld", (long long)streams, (long long)c,
             (long long)pixels);
    note(kernel, shape, start, 0, 4.0 * (double)(streams * c * pixels));
}

struct counted *counted_all(size_t *count)
{
    *count = row_count;
    return rows;
}

const struct counted_conv *counted_convs(size_t *count)
{
    *count = conv_count;
    return convs;
}

void counted_reset(void)
{
    row_count = 0;
}

void counted_pause(int pause)
{
    paused = pause;
}

void counted_reset_convs(void)
{
    conv_count = 0;
}

/* -- convolutions ------------------------------------------------------------------------ */

enum conv_step { CONV_FORWARD, CONV_WEIGHTS, CONV_INPUT };
static const char *const ours_name[] = {"conv forward", "conv weights", "conv input"},
                         *const torch_name[] = {"libtorch forward", "libtorch weights",
                                                "libtorch input"};

static void conv_shape(const struct ts_conv *s, char out[COUNTED_SHAPE])
{
    int n = snprintf(out, COUNTED_SHAPE, "%lld to %lld, %lldx%lld on %lldx%lld", (long long)s->c,
                     (long long)s->oc, (long long)s->kh, (long long)s->kw, (long long)s->h,
                     (long long)s->w);

    if (s->stride_h != 1)
        n += snprintf(out + n, (size_t)(COUNTED_SHAPE - n), " /%lld", (long long)s->stride_h);
    if (s->dilation_h != 1)
        n += snprintf(out + n, (size_t)(COUNTED_SHAPE - n), " dil %lld", (long long)s->dilation_h);
    if (s->groups != 1)
        snprintf(out + n, (size_t)(COUNTED_SHAPE - n), " in %lld groups", (long long)s->groups);
}

/* products: how many sums over all channels and taps of each output. */
static void note_conv(const struct ts_conv *s, const char *name, double start, int products)
{
    char shape[COUNTED_SHAPE];

    conv_shape(s, shape);
    note(name, shape, start, 2.0 * products * (double)counted_outputs(s) * (double)counted_terms(s),
         4.0 * (double)(counted_inputs(s) + counted_outputs(s) + counted_weights(s)));
}

static void record(const struct ts_conv *s, int forward, int dw, int dx)
{
    struct counted_conv *last = conv_count ? &convs[conv_count - 1] : NULL;
    struct ts_conv shape = *s;

    shape.along = NULL;
    if (dx && !dw && last && last->dw && !last->dx && !memcmp(&last->s, &shape, sizeof shape)) {
        last->dx = 1; /* the other half of one backward */
        return;
    }
    convs = grown(convs, conv_count, &conv_cap, sizeof *convs);
    convs[conv_count++] = (struct counted_conv){shape, forward, dw, dx};
}

static int conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x, const void *w,
                        const void *bias, void *y)
{
    double start = counted_now();
    int status = inner->conv_forward(d, s, x, w, bias, y);

    note_conv(s, ours_name[CONV_FORWARD], start, 1);
    record(s, 1, 0, 0);
    return status;
}

static int conv_weights(struct ts_device *d, const struct ts_conv *s, const void *g, const void *x,
                        void *dw)
{
    double start = counted_now();
    int status = inner->conv_weights(d, s, g, x, dw);

    note_conv(s, ours_name[CONV_WEIGHTS], start, 1);
    record(s, 0, 1, 0);
    return status;
}

static int conv_input(struct ts_device *d, const struct ts_conv *s, const void *g, const void *w,
                      void *dx)
{
    double start = counted_now();
    int status = inner->conv_input(d, s, g, w, dx);

    note_conv(s, ours_name[CONV_INPUT], start, 1);
    record(s, 0, 0, 1);
    return status;
}

static int conv_norm_back(struct ts_device *d, const struct ts_conv *s,
                          const struct ts_norm_back *g, const void *x, const void *w, void *dw,
                          void *dx)
{
    double start = counted_now();
    int status = inner->conv_norm_back(d, s, g, x, w, dw, dx);

    note_conv(s, "conv norm back", start, (dw != NULL) + (dx != NULL));
    record(s, 0, dw != NULL, dx != NULL);
    return status;
}

/* The names that --wrap gives. */
ts_tensor *__real_ts_conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                                  const void *w, const void *bias, void **data);
ts_tensor *__wrap_ts_conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                                  const void *w, const void *bias, void **data);
int __real_ts_conv_backward(struct ts_device *d, const struct ts_conv *s, const void *g,
                            const void *x, const void *w, void *dw, ts_tensor **dx, void **data);
int __wrap_ts_conv_backward(struct ts_device *d, const struct ts_conv *s, const void *g,
                            const void *x, const void *w, void *dw, ts_tensor **dx, void **data);
const struct kernels *__real_kernels_cpu(int32_t which, int32_t f64);
const struct kernels *__wrap_kernels_cpu(int32_t which, int32_t f64);

ts_tensor *__wrap_ts_conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                                  const void *w, const void *bias, void **data)
{
    double start = counted_now();
    ts_tensor *t = __real_ts_conv_forward(d, s, x, w, bias, data);

    note_conv(s, torch_name[CONV_FORWARD], start, 1);
    record(s, 1, 0, 0);
    return t;
}

/* In two calls, so that each has its time. */
int __wrap_ts_conv_backward(struct ts_device *d, const struct ts_conv *s, const void *g,
                            const void *x, const void *w, void *dw, ts_tensor **dx, void **data)
{
    double start = counted_now();
    int status = dw ? __real_ts_conv_backward(d, s, g, x, w, dw, NULL, NULL) : 0;

    if (dw)
        note_conv(s, torch_name[CONV_WEIGHTS], start, 1);
    start = counted_now();
    if (dx && status == 0)
        status = __real_ts_conv_backward(d, s, g, x, w, NULL, dx, data);
    if (dx)
        note_conv(s, torch_name[CONV_INPUT], start, 1);
    record(s, 0, dw != NULL, dx != NULL);
    return status;
}

static void note_bare(const struct ts_conv *s, enum conv_step step, double seconds)
{
    char shape[COUNTED_SHAPE];

    conv_shape(s, shape);
    for (size_t i = 0; i < row_count; i++) {
        int is = rows[i].kernel == ours_name[step] || rows[i].kernel == torch_name[step];

        if (is && !strcmp(rows[i].shape, shape))
            rows[i].bare += seconds;
    }
}

double counted_bare(const struct counted_conv *c, void *x, void *w, void *y, void *dw, int apart)
{
    struct ts_device d = {.cuda = 0};
    double start = counted_now(), middle = start, end;
    ts_tensor *t = NULL;
    void *data;
    int failed;

    if (c->forward) {
        t = __real_ts_conv_forward(&d, &c->s, x, w, NULL, &data);
        failed = !t;
    } else if (apart && c->dw && c->dx) {
        failed = __real_ts_conv_backward(&d, &c->s, y, x, w, dw, NULL, NULL);
        middle = counted_now();
        failed |= __real_ts_conv_backward(&d, &c->s, y, x, w, NULL, &t, &data);
    } else {
        failed = __real_ts_conv_backward(&d, &c->s, y, x, w, c->dw ? dw : NULL, c->dx ? &t : NULL,
                                         &data);
        middle = c->dx ? start : counted_now();
    }
    ts_free(t);
    end = counted_now();
    if (c->forward)
        note_bare(&c->s, CONV_FORWARD, end - start);
    if (c->dw)
        note_bare(&c->s, CONV_WEIGHTS, middle - start);
    if (c->dx)
        note_bare(&c->s, CONV_INPUT, end - middle);
    return failed ? -1 : end - start;
}

/* -- sweeps ------------------------------------------------------------------------------ */

static int load(struct ts_device *d, const float *x, int64_t n, int64_t c, int64_t hw, void *out)
{
    double start = counted_now();
    int status = inner->load(d, x, n, c, hw, out);

    note_sweep("load", 2, c, n * hw, start);
    return status;
}

static int combine(struct ts_device *d, const struct ts_term *t, int32_t count, int64_t n,
                   int64_t hw, int64_t c, void *raw, void *act, uint64_t *bits)
{
    double start = counted_now();
    int status = inner->combine(d, t, count, n, hw, c, raw, act, bits);

    note_sweep("combine", count + (raw != NULL) + (act != NULL), c, n * hw, start);
    return status;
}

static int gather(struct ts_device *d, const void *const *plain, int32_t plain_count,
                  const void *const *masked, int32_t masked_count, const void *mask, int64_t pixels,
                  int64_t c, void *out, double *s1, const struct ts_sum *sums, int32_t sum_count)
{
    double start = counted_now();
    int status = inner->gather(d, plain, plain_count, masked, masked_count, mask, pixels, c, out,
                               s1, sums, sum_count);

    note_sweep("gather",
               plain_count + masked_count + (masked_count > 0) + (out != NULL) + sum_count, c,
               pixels, start);
    return status;
}

static int norm_train(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                      const struct ts_norm *s, uint64_t *bits)
{
    double start = counted_now();
    int status = inner->norm_train(d, x, n, hw, c, s, bits);

    note_sweep("norm_train", 1, c, n * hw, start);
    return status;
}

#define POOL(name, in, out)                                                                  \
    static int name(struct ts_device *d, const struct ts_pool *s, const void *in, void *out) \
    {                                                                                        \
        double start = counted_now();                                                        \
        int status = inner->name(d, s, in, out);                                             \
                                                                                             \
        note_sweep(#name, 1, s->c, s->n *(s->h * s->w + s->oh * s->ow), start);              \
        return status;                                                                       \
    }
POOL(avg_pool, x, y)
POOL(avg_pool_back, g, dx)
POOL(max_pool, x, y)

static int max_pool_back(struct ts_device *d, const struct ts_pool *s, const void *x, const void *g,
                         void *dx)
{
    double start = counted_now();
    int status = inner->max_pool_back(d, s, x, g, dx);

    note_sweep("max_pool_back", 1, s->c, s->n * (2 * s->h * s->w + s->oh * s->ow), start);
    return status;
}

static int global_pool(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x,
                       void *y)
{
    double start = counted_now();
    int status = inner->global_pool(d, n, hw, c, x, y);

    note_sweep("global_pool", 1, c, n * hw, start);
    return status;
}

static int global_pool_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                            void *dx)
{
    double start = counted_now();
    int status = inner->global_pool_back(d, n, hw, c, g, dx);

    note_sweep("global_pool_back", 1, c, n * hw, start);
    return status;
}

static int window(struct ts_device *d, const struct ts_window *s, const void *x, void *y)
{
    double start = counted_now();
    int status = inner->window(d, s, x, y);

    note_sweep("window", 1, s->dc, s->n * (s->h * s->w + s->dh * s->dw), start);
    return status;
}

static int multiply(struct ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread,
                    const void *x, const void *s, void *y)
{
    double start = counted_now();
    int status = inner->multiply(d, n, hw, c, spread, x, s, y);

    note_sweep("multiply", 2 + !spread, c, n * hw, start);
    return status;
}

static int multiply_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                         const void *x, void *ds)
{
    double start = counted_now();
    int status = inner->multiply_back(d, n, hw, c, g, x, ds);

    note_sweep("multiply_back", 2, c, n * hw, start);
    return status;
}

static int zero(struct ts_device *d, void *x, size_t bytes)
{
    double start = counted_now();
    int status = inner->zero(d, x, bytes);

    note("zero", "", start, 0, (double)bytes);
    return status;
}

static void pack(const void *x, int64_t n, int64_t units, uint64_t *bits)
{
    double start = counted_now();

    inner->pack(x, n, units, bits);
    note_sweep("pack", 1, 1, n * units, start);
}

static void agreement_bits(const uint64_t *bits, int64_t n, int64_t units, double *k,
                           double *positive)
{
    double start = counted_now();

    inner->agreement_bits(bits, n, units, k, positive);
    note("agreement", "", start, 0, (double)(n * units) / 8);
}

const struct kernels *__wrap_kernels_cpu(int32_t which, int32_t f64)
{
    const struct kernels *real = __real_kernels_cpu(which, f64);

    if (f64 || !real)
        return real;
    inner = real;
    outer = *real;
    outer.load = load;
    outer.combine = combine;
    outer.gather = gather;
    outer.norm_train = norm_train;
    outer.avg_pool = avg_pool;
    outer.avg_pool_back = avg_pool_back;
    outer.max_pool = max_pool;
    outer.max_pool_back = max_pool_back;
    outer.global_pool = global_pool;
    outer.global_pool_back = global_pool_back;
    outer.window = window;
    outer.multiply = multiply;
    outer.multiply_back = multiply_back;
    outer.zero = zero;
    outer.pack = pack;
    outer.agreement_bits = agreement_bits;
    outer.conv_forward = conv_forward;
    outer.conv_weights = conv_weights;
    outer.conv_input = conv_input;
    outer.conv_norm_back = conv_norm_back;
    return &outer;
}
