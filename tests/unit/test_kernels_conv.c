/* test_kernels_conv.c -- protects the convolutions of the fused kernels, in float and double and on every
 * instruction set of this CPU, against plain loops in double: all shapes that a table says it takes, with
 * odd sizes, channels that fill no vector, strides, margins, dilations and groups.  In float the sets
 * must give the same bits.  Bounds are a few roundings of the largest number of an output, of windows of
 * 5 x 5 and 7 x 7, which Winograd's way loses more of, some more.  Sweeps that go along with a convolution change no bits.
 * Room: tests. */
#include "every_isa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static struct ts_device device;
static const struct kernels *tables[2]; /* float, double */

#define MAP(c_, oc_, h_, w_, k, down, across, pad, dilation, groups_)             \
    {                                                                             \
        .c = c_, .oc = oc_, .h = h_, .w = w_, .kh = k, .kw = k, .stride_h = down, \
        .stride_w = across, .pad_h = pad, .pad_w = pad, .dilation_h = dilation,   \
        .dilation_w = dilation, .groups = groups_                                 \
    }
#define SQUARE(c, oc, size, k, stride, pad, dilation, groups) \
    MAP(c, oc, size, size, k, stride, stride, pad, dilation, groups)

/* The first `FAST` must be taken in float wherever anything is. */
static const struct ts_conv shapes[] = {
    SQUARE(16, 32, 16, 3, 1, 1, 1, 1),
    SQUARE(16, 32, 7, 3, 1, 1, 1, 1),
    SQUARE(48, 32, 16, 3, 1, 1, 1, 1),
    SQUARE(48, 32, 7, 3, 1, 1, 1, 1),
    SQUARE(16, 32, 16, 1, 1, 0, 1, 1),
    SQUARE(16, 32, 7, 1, 1, 0, 1, 1),
    SQUARE(48, 32, 16, 1, 1, 0, 1, 1),
    SQUARE(48, 32, 7, 1, 1, 0, 1, 1),
    /* channels that are no units */
    SQUARE(8, 24, 9, 3, 1, 1, 1, 1),
    SQUARE(40, 8, 6, 3, 1, 1, 1, 1),
    SQUARE(56, 17, 5, 3, 1, 1, 1, 1),
    SQUARE(13, 56, 8, 3, 1, 1, 1, 1),
    SQUARE(8, 24, 9, 1, 1, 0, 1, 1),
    SQUARE(40, 8, 6, 1, 1, 0, 1, 1),
    SQUARE(56, 17, 5, 1, 1, 0, 1, 1),
    SQUARE(13, 56, 11, 1, 1, 0, 1, 1),
    SQUARE(20, 150, 12, 1, 1, 0, 1, 1),
    /* halves of vectors: a half, one and a half; and rows that would share sets of the cache */
    SQUARE(24, 8, 9, 1, 1, 0, 1, 1),
    SQUARE(8, 8, 7, 3, 1, 1, 1, 1),
    SQUARE(9, 24, 7, 3, 1, 1, 1, 1),
    SQUARE(30, 29, 8, 1, 1, 0, 1, 1),
    SQUARE(512, 8, 7, 1, 1, 0, 1, 1),
    SQUARE(8, 512, 7, 1, 1, 0, 1, 1),
    /* strips of several slices, and gradients of weights that are summed turned */
    SQUARE(72, 24, 20, 1, 1, 0, 1, 1),
    /* strides: strips that end inside a row, rows and columns behind the last, rows apart, no sweep driven */
    SQUARE(32, 48, 25, 1, 2, 0, 1, 1),
    SQUARE(40, 24, 20, 1, 3, 0, 1, 1),
    SQUARE(512, 16, 9, 1, 2, 0, 1, 1),
    SQUARE(16, 512, 6, 1, 2, 0, 1, 1),
    SQUARE(64, 64, 40, 1, 2, 0, 1, 1),
    MAP(24, 40, 9, 70, 1, 1, 4, 0, 1, 1),
    /* filters of many channels: blocks of more tiles */
    SQUARE(128, 144, 9, 3, 1, 1, 1, 1),
    /* windows of 5 x 5 */
    SQUARE(16, 32, 16, 5, 1, 2, 1, 1),
    SQUARE(24, 24, 9, 5, 1, 2, 1, 1),
    SQUARE(13, 56, 4, 5, 1, 2, 1, 1),
    SQUARE(128, 144, 9, 5, 1, 2, 1, 1),
    /* of 7 x 7 */
    SQUARE(16, 32, 16, 7, 1, 3, 1, 1),
    SQUARE(24, 24, 9, 7, 1, 3, 1, 1),
    SQUARE(17, 56, 8, 7, 1, 3, 1, 1),
    SQUARE(128, 144, 9, 7, 1, 3, 1, 1),
    /* these, in bands of rows that end inside an image and behind it, of tiles that do */
    MAP(12, 9, 37, 10, 7, 1, 1, 3, 1, 1),
    MAP(16, 24, 65, 7, 5, 1, 1, 2, 1, 1),
    /* in groups */
    SQUARE(16, 16, 9, 3, 1, 1, 1, 2),
    SQUARE(48, 64, 10, 3, 1, 1, 1, 2),
    SQUARE(99, 72, 6, 3, 1, 1, 1, 3),
    SQUARE(32, 48, 7, 5, 1, 2, 1, 2),
    SQUARE(48, 64, 9, 7, 1, 3, 1, 2),
    /* a filter each channel */
    SQUARE(32, 32, 9, 3, 1, 1, 1, 32),
    SQUARE(16, 16, 8, 5, 1, 2, 1, 16),
    SQUARE(24, 24, 7, 7, 1, 3, 1, 24),
    SQUARE(5, 5, 11, 3, 2, 1, 1, 5),
    SQUARE(33, 33, 8, 5, 2, 2, 1, 33),
    SQUARE(16, 16, 9, 3, 1, 2, 2, 16),
    SQUARE(40, 40, 10, 5, 1, 4, 2, 40),
    SQUARE(17, 17, 12, 3, 2, 2, 2, 17),
    SQUARE(6, 6, 17, 1, 3, 0, 1, 6),
    SQUARE(9, 9, 6, 4, 1, 0, 1, 9),
    SQUARE(2, 2, 300, 2, 1, 1, 1, 2),
    SQUARE(24, 24, 13, 7, 1, 3, 1, 24),
    SQUARE(20, 20, 19, 3, 1, 1, 1, 20),
    SQUARE(13, 13, 17, 5, 1, 2, 1, 13),
    SQUARE(23, 23, 12, 3, 1, 2, 2, 23),
    SQUARE(4, 4, 21, 5, 1, 4, 2, 4),
    SQUARE(8, 8, 14, 7, 1, 6, 2, 8),
    SQUARE(24, 24, 30, 2, 1, 0, 11, 24),
    SQUARE(8, 8, 52, 3, 1, 0, 21, 8),
    {.c = 18,
     .oc = 18,
     .h = 5,
     .w = 13,
     .kh = 3,
     .kw = 5,
     .stride_h = 2,
     .stride_w = 1,
     .pad_h = 1,
     .pad_w = 3,
     .dilation_h = 1,
     .dilation_w = 2,
     .groups = 18},
    /* patches: strides, dilation, wide windows, margins that hold whole windows */
    SQUARE(8, 16, 9, 3, 2, 1, 1, 1),
    SQUARE(13, 32, 32, 3, 2, 1, 1, 1),
    SQUARE(16, 16, 9, 3, 1, 2, 2, 1),
    SQUARE(16, 32, 8, 1, 2, 0, 1, 1),
    SQUARE(24, 40, 17, 3, 2, 1, 1, 1),
    SQUARE(16, 16, 9, 7, 1, 3, 1, 1),
    SQUARE(9, 64, 30, 7, 2, 3, 1, 1),
    SQUARE(9, 24, 11, 4, 3, 2, 1, 1),
    SQUARE(20, 17, 7, 2, 3, 0, 1, 1),
    SQUARE(16, 16, 5, 1, 1, 2, 1, 1),
    SQUARE(10, 9, 6, 3, 2, 4, 1, 1),
    {.c = 18,
     .oc = 20,
     .h = 1,
     .w = 40,
     .kh = 3,
     .kw = 5,
     .stride_h = 1,
     .stride_w = 2,
     .pad_h = 2,
     .pad_w = 2,
     .dilation_h = 2,
     .dilation_w = 1,
     .groups = 1},
    /* of small maps, pixel by pixel */
    SQUARE(32, 32, 3, 3, 1, 1, 1, 1),
    SQUARE(40, 24, 2, 3, 1, 1, 1, 1),
    SQUARE(128, 144, 1, 3, 1, 1, 1, 1),
    SQUARE(16, 24, 4, 3, 2, 1, 1, 1),
    SQUARE(16, 24, 2, 5, 1, 2, 1, 1),
    SQUARE(16, 16, 1, 1, 1, 1, 1, 1),
    SQUARE(24, 16, 3, 3, 1, 2, 2, 1),
    /* libtorch's in float: few channels, groups, strides with dilation */
    SQUARE(16, 4, 9, 3, 2, 1, 1, 1),
    SQUARE(3, 16, 9, 3, 1, 1, 1, 1),
    SQUARE(16, 16, 9, 3, 1, 1, 1, 4),
    SQUARE(16, 16, 9, 3, 2, 2, 2, 1),
};
enum { SHAPES = sizeof shapes / sizeof *shapes, FAST = SHAPES - 4, IMAGES = 3 };

static uint64_t noise;

/* Uniform in [-1, 1), as a float has it. */
static double uniform(void)
{
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return (double)((float)(int32_t)(noise >> 32) / 2147483648.0f);
}

/* Numbers, in a block that ends where they do. */
static void *typed(int64_t count, int f64, const double *from)
{
    void *x = calloc((size_t)count, f64 ? sizeof(double) : sizeof(float));

    assert_non_null(x);
    for (int64_t i = 0; from && i < count; i++) {
        if (f64)
            ((double *)x)[i] = from[i];
        else
            ((float *)x)[i] = (float)from[i];
    }
    return x;
}

static double *drawn(int64_t count)
{
    double *x = typed(count, 1, NULL);

    for (int64_t i = 0; i < count; i++)
        x[i] = uniform();
    return x;
}

/* One convolution: inputs, and what is expected. */
struct trial {
    struct ts_conv s;
    int64_t in, out, of; /* numbers in x, y and w */
    double *x, *w, *bias, *g, *y, *dx, *dw;
    double *after, *norm,
        *lines[3]; /* g is after lines[0] + norm lines[1] + lines[2], channel by channel */
};

/* Plain loops: y, and what g makes of x and w; dw begins with what `start` says. */
static void expect(struct trial *t)
{
    const struct ts_conv *s = &t->s;
    int64_t each = s->c / s->groups, outs = s->oc / s->groups, taps = s->kh * s->kw;

    for (int64_t at = 0; at < t->out; at++) {
        int64_t o = at % s->oc, j = at / s->oc % s->ow, i = at / s->oc / s->ow % s->oh,
                n = at / s->oc / s->ow / s->oh;

        t->y[at] = t->bias ? t->bias[o] : 0;
        for (int64_t k = 0; k < each * taps; k++) {
            int64_t r = i * s->stride_h - s->pad_h + k % taps / s->kw * s->dilation_h,
                    q = j * s->stride_w - s->pad_w + k % s->kw * s->dilation_w,
                    from = ((n * s->h + r) * s->w + q) * s->c + o / outs * each + k / taps,
                    w = o * each * taps + k;

            if (r < 0 || r >= s->h || q < 0 || q >= s->w)
                continue;
            t->y[at] += t->x[from] * t->w[w];
            t->dx[from] += t->g[at] * t->w[w];
            t->dw[w] += t->g[at] * t->x[from];
        }
    }
}

static struct trial new_trial(int k)
{
    struct trial t = {.s = shapes[k]};
    struct ts_conv *s = &t.s;

    s->n = IMAGES;
    s->oh = (s->h + 2 * s->pad_h - s->dilation_h * (s->kh - 1) - 1) / s->stride_h + 1;
    s->ow = (s->w + 2 * s->pad_w - s->dilation_w * (s->kw - 1) - 1) / s->stride_w + 1;
    t.in = s->n * s->h * s->w * s->c;
    t.out = s->n * s->oh * s->ow * s->oc;
    t.of = s->oc * s->c / s->groups * s->kh * s->kw;
    t.x = drawn(t.in);
    t.w = drawn(t.of);
    t.bias = k % 4 ? drawn(s->oc) : NULL;
    t.g = drawn(t.out);
    t.after = drawn(t.out);
    t.norm = drawn(t.out);
    for (int i = 0; i < 3; i++)
        t.lines[i] = drawn(s->oc);
    for (int64_t i = 0; i < t.out; i++)
        t.g[i] = t.after[i] * t.lines[0][i % s->oc] + t.norm[i] * t.lines[1][i % s->oc] +
                 t.lines[2][i % s->oc];
    t.y = typed(t.out, 1, NULL);
    t.dx = typed(t.in, 1, NULL);
    t.dw = drawn(t.of);
    return t;
}

static void free_trial(struct trial *t)
{
    double *all[] = {t->x,  t->w,     t->bias, t->g,        t->y,        t->dx,
                     t->dw, t->after, t->norm, t->lines[0], t->lines[1], t->lines[2]};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void near(const char *what, int k, int f64, const void *is, const double *expected,
                 int64_t count)
{
    int points =
        !f64 && shapes[k].groups < shapes[k].c && shapes[k].kh > 3; /* 8 of them and more */
    double roundings = points ? 60 : 40, size = 0, apart = 0, rounding = f64 ? 0x1p-52 : 0x1p-23;

    for (int64_t i = 0; i < count; i++) {
        double a = f64 ? ((const double *)is)[i] : (double)((const float *)is)[i];

        size = fmax(size, fabs(expected[i]));
        apart = fmax(apart, isfinite(a) ? fabs(a - expected[i]) : INFINITY);
    }
    if (!(size > 0 && apart <= roundings * size * rounding))
        fail_msg("%s %s of shape %d, float%d: %g apart, of %g", tables[0]->name, what, k,
                 f64 ? 64 : 32, apart, size);
}

static uint64_t digest(uint64_t sum, const void *x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ ((const unsigned char *)x)[i]) * 1099511628211u;
    return sum;
}

/* Of each shape in float, by the first set that takes it. */
static uint64_t digests[SHAPES];

static void try_table(const struct trial *t, const struct trial *inputs, int k, int f64)
{
    const struct kernels *table = tables[f64];
    uint32_t takes = table->conv_takes(&device, &t->s);
    void *x = typed(t->in, f64, t->x), *w = typed(t->of, f64, t->w),
         *bias = t->bias ? typed(t->s.oc, f64, t->bias) : NULL, *g = typed(t->out, f64, t->g),
         *y = typed(t->out, f64, NULL), *dx = typed(t->in, f64, NULL),
         *dw = typed(t->of, f64, inputs->dw);
    uint64_t sum = 14695981039346656037u;

    assert_true(takes & KERNELS_FORWARD);
    assert_int_equal(table->conv_forward(&device, &t->s, x, w, bias, y), 0);
    near("conv_forward", k, f64, y, t->y, t->out);
    if (takes & KERNELS_WEIGHTS) {
        assert_int_equal(table->conv_weights(&device, &t->s, g, x, dw), 0);
        near("conv_weights", k, f64, dw, t->dw, t->of);
    }
    if (takes & KERNELS_INPUT) {
        assert_int_equal(table->conv_input(&device, &t->s, g, w, dx), 0);
        near("conv_input", k, f64, dx, t->dx, t->in);
    }
    if (!f64) {
        sum = digest(sum, y, (size_t)t->out * sizeof(float));
        sum = digest(sum, dx, (size_t)t->in * sizeof(float));
        sum = digest(sum, dw, (size_t)t->of * sizeof(float));
        assert_true(digests[k] == 0 || digests[k] == sum);
        digests[k] = sum;
    }
    free(x);
    free(w);
    free(bias);
    free(g);
    free(y);
    free(dx);
    free(dw);
}

/* Terms and sums that go along with a convolution, and what they write: t->x is made of `from`, the gradient of x
 * gathered with `other` behind a mask. */
struct company {
    void *from, *other, *line;
    struct ts_term term;
    double *moments, *s1, *s2;
    struct ts_sum sum;
    struct along along;
};

static struct company company_of(const struct trial *t, int f64)
{
    struct company c = {.from = typed(t->in, f64, t->x),
                        .other = typed(t->in, f64, t->dx),
                        .line = typed(t->s.c, f64, t->w),
                        .moments = calloc((size_t)t->s.oc, 16),
                        .s1 = calloc((size_t)t->s.c, 8),
                        .s2 = calloc((size_t)t->s.c, 8)};

    c.term = (struct ts_term){.x = c.from, .a = c.line};
    c.sum = (struct ts_sum){.x = c.from, .mean = c.line, .s2 = c.s2};
    return c;
}

static void part_company(struct company *c)
{
    sweep_end(c->along.before);
    sweep_end(c->along.after);
    c->along.before = c->along.after = NULL;
}

static void free_company(struct company *c)
{
    free(c->from);
    free(c->other);
    free(c->line);
    free(c->moments);
    free(c->s1);
    free(c->s2);
}

/* A sweep that makes x, one that reads y, one that gathers dx: the same bits as one after the other. */
static void try_along(const struct trial *t, int f64)
{
    const struct kernels *table = tables[f64];
    uint32_t takes = table->conv_takes(&device, &t->s);
    size_t size = f64 ? 8 : 4, in = (size_t)t->in * size, out = (size_t)t->out * size;
    int64_t pixels = t->s.n * t->s.h * t->s.w, outs = t->s.oh * t->s.ow;
    void *w = typed(t->of, f64, t->w), *g = typed(t->out, f64, t->g), *x[2], *y[2], *dx[2];
    struct company c[2] = {company_of(t, f64), company_of(t, f64)};
    struct ts_conv s = t->s;

    for (int way = 0; way < 2; way++) {
        const void *masked[1];

        x[way] = typed(t->in, f64, NULL);
        y[way] = typed(t->out, f64, NULL);
        dx[way] = typed(t->in, f64, NULL);
        c[way].along.before =
            table->combine_sweep(&device, &c[way].term, 1, s.n, s.h * s.w, s.c, NULL, x[way], NULL);
        c[way].along.after =
            table->moments_sweep(&device, y[way], s.n, outs, s.oc, NULL, c[way].moments);
        s.along = way ? &c[way].along : NULL;
        if (!way)
            sweep_make(c[way].along.before, pixels);
        assert_int_equal(table->conv_forward(&device, &s, x[way], w, NULL, y[way]), 0);
        assert_true(c[way].along.before->done == pixels);
        part_company(&c[way]);
        if (!(takes & KERNELS_INPUT))
            continue;
        masked[0] = dx[way];
        c[way].along.after =
            table->gather_sweep(&device, (const void *const *)&c[way].other, 1, masked, 1,
                                c[way].from, pixels, s.c, dx[way], c[way].s1, &c[way].sum, 1);
        assert_int_equal(table->conv_input(&device, &s, g, w, dx[way]), 0);
        part_company(&c[way]);
    }
    assert_memory_equal(x[0], x[1], in);
    assert_memory_equal(y[0], y[1], out);
    assert_memory_equal(dx[0], dx[1], in);
    assert_memory_equal(c[0].moments, c[1].moments, (size_t)t->s.oc * 16);
    assert_memory_equal(c[0].s1, c[1].s1, (size_t)t->s.c * 8);
    assert_memory_equal(c[0].s2, c[1].s2, (size_t)t->s.c * 8);
    for (int way = 0; way < 2; way++) {
        free(x[way]);
        free(y[way]);
        free(dx[way]);
        free_company(&c[way]);
    }
    free(w);
    free(g);
}

/* The same of conv_norm_back. */
static void try_norm_back_along(const struct trial *t, const struct ts_norm_back *back,
                                const float *x, const float *w)
{
    size_t in = (size_t)t->in * sizeof(float), of = (size_t)t->of * sizeof(float);
    struct company c[2] = {company_of(t, 0), company_of(t, 0)};
    struct ts_conv s = t->s;
    float *dx[2], *dw[2];

    for (int way = 0; way < 2; way++) {
        const void *plain[2];

        dx[way] = typed(t->in, 0, NULL);
        dw[way] = typed(t->of, 0, NULL);
        plain[0] = c[way].other;
        plain[1] = dx[way];
        c[way].along.after =
            tables[0]->gather_sweep(&device, plain, 2, NULL, 0, NULL, s.n * s.h * s.w, s.c, dx[way],
                                    c[way].s1, &c[way].sum, 1);
        s.along = way ? &c[way].along : NULL;
        assert_int_equal(tables[0]->conv_norm_back(&device, &s, back, x, w, dw[way], dx[way]), 0);
        part_company(&c[way]);
    }
    assert_memory_equal(dx[0], dx[1], in);
    assert_memory_equal(dw[0], dw[1], of);
    assert_memory_equal(c[0].s1, c[1].s1, (size_t)t->s.c * 8);
    assert_memory_equal(c[0].s2, c[1].s2, (size_t)t->s.c * 8);
    for (int way = 0; way < 2; way++) {
        free(dx[way]);
        free(dw[way]);
        free_company(&c[way]);
    }
}

/* The gradients again, from a gradient that is still a batch norm's backward, and its sums; each alone, and none. */
static void try_norm_back(const struct trial *t, const struct trial *inputs, int k)
{
    float *x = typed(t->in, 0, t->x), *w = typed(t->of, 0, t->w), *g = typed(t->out, 0, t->after),
          *norm = typed(t->out, 0, t->norm), *lines[3];
    double *sums = calloc((size_t)t->s.oc, sizeof *sums);
    struct ts_norm_back back = {.g = g, .x = norm};

    for (int64_t i = 0; i < t->out; i++)
        sums[i % t->s.oc] += t->g[i];

    for (int i = 0; i < 3; i++)
        lines[i] = typed(t->s.oc, 0, t->lines[i]);
    back.k1 = lines[0];
    back.k2 = lines[1];
    back.k3 = lines[2];
    try_norm_back_along(t, &back, x, w);
    for (int wanted = 0; wanted < 8; wanted++) {
        float *dw = wanted & 1 ? typed(t->of, 0, inputs->dw) : NULL,
              *dx = wanted & 2 ? typed(t->in, 0, NULL) : NULL;
        float *narrow;

        back.sums = wanted & 4 ? drawn(t->s.oc) : NULL; /* written over */
        assert_int_equal(tables[0]->conv_norm_back(&device, &t->s, &back, dw ? x : NULL, w, dw, dx),
                         0);
        narrow = typed(t->s.oc, 0, back.sums);
        if (back.sums)
            near("conv_norm_back, sums,", k, 0, narrow, sums, t->s.oc);
        free(back.sums);
        free(narrow);
        if (dw)
            near("conv_norm_back, w,", k, 0, dw, t->dw, t->of);
        if (dx)
            near("conv_norm_back, x,", k, 0, dx, t->dx, t->in);
        free(dw);
        free(dx);
    }
    for (int i = 0; i < 3; i++)
        free(lines[i]);
    free(x);
    free(w);
    free(g);
    free(norm);
    free(sums);
}

static void convolutions(void **state)
{
    (void)state;
    noise = 1;
    for (int k = 0; k < SHAPES; k++) {
        struct trial t = new_trial(k), inputs = t;

        inputs.dw = typed(t.of, 1, t.dw); /* gradients of weights are added to */
        expect(&t);
        for (int f64 = 0; f64 < 2; f64++) {
            int takes = tables[f64]->conv_takes && tables[f64]->conv_takes(&device, &t.s) != 0;

            if (f64 ? t.s.groups == 1 : tables[0]->conv_takes && k < FAST)
                assert_true(takes);
            if (takes) {
                try_table(&t, &inputs, k, f64);
                try_along(&t, f64);
            }
            if (tables[f64]->conv_takes_norm && tables[f64]->conv_takes_norm(&t.s))
                try_norm_back(&t, &inputs, k);
        }
        free(inputs.dw);
        free_trial(&t);
    }
}

/* All of it on one instruction set. */
static int check(const struct kernels *(*isa)(int32_t f64))
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(convolutions)};

    tables[0] = isa(0);
    tables[1] = isa(1);
    return cmocka_run_group_tests_name(tables[0]->name, tests, NULL, NULL);
}

int main(void)
{
    return every_isa(check);
}
