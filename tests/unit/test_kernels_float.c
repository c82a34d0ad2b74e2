/* test_kernels_float.c -- protects the fused kernels in float, one by one and on every instruction
 * set of this CPU: against the same in double, which test_backend_torch.c holds against libtorch's
 * plain operators.  Bounds are a few roundings of the largest number of an output, so that a wrong
 * term shows even where a network would drown it.  Room: tests. */
#include "every_isa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcet/draft/backend.h>

#include <cmocka.h>
#include <math.h>

static struct ts_device device;
static const struct kernels *tables[2]; /* float, double */

/* The same numbers in both types. */
struct both {
    int64_t count;
    void *of[2];
    struct both *next;
};

static struct both *all; /* to be freed */

static uint64_t noise = 1;

/* Uniform in [-1, 1), as a float has it. */
static float uniform(void)
{
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(noise >> 32) / 2147483648.0f;
}

static struct both *numbers(int64_t count, float scale, float shift)
{
    struct both *t = calloc(1, sizeof *t);

    t->count = count;
    t->of[0] = calloc((size_t)count + 1, sizeof(float));
    t->of[1] = calloc((size_t)count + 1, sizeof(double));
    for (int64_t i = 0; i < count; i++) {
        float v = scale * uniform() + shift;

        ((float *)t->of[0])[i] = v;
        ((double *)t->of[1])[i] = (double)v;
    }
    t->next = all;
    all = t;
    return t;
}

static struct both *some(int64_t count)
{
    return numbers(count, 1, 0);
}

/* The double's numbers as the float kernels' input. */
static struct both *rounded(const struct both *from)
{
    struct both *t = some(from->count);

    for (int64_t i = 0; i < t->count; i++) {
        ((float *)t->of[0])[i] = (float)((const double *)from->of[1])[i];
        ((double *)t->of[1])[i] = (double)((float *)t->of[0])[i];
    }
    return t;
}

static int free_all(void **state)
{
    (void)state;
    while (all) {
        struct both *t = all;

        all = t->next;
        free(t->of[0]);
        free(t->of[1]);
        free(t);
    }
    return 0;
}

/* bound: of a difference, in roundings of a float at the largest number; 0: the same numbers. */
static void near(const char *what, int64_t c, const struct both *t, double bound)
{
    double size = 0, apart = 0;

    for (int64_t i = 0; i < t->count; i++) {
        double a = (double)((const float *)t->of[0])[i], b = ((const double *)t->of[1])[i];

        size = fmax(size, fabs(b));
        apart = fmax(apart, isfinite(a) && isfinite(b) ? fabs(a - b) : INFINITY);
    }
    if (!(size > 0 && apart <= bound * size / 8388608))
        fail_msg("%s %s, %d channels: %g apart, of %g", tables[0]->name, what, (int)c, apart, size);
}

static void near_sums(const char *what, int64_t c, double *const sums[2], int64_t count,
                      double bound)
{
    double size = 0, apart = 0;

    for (int64_t i = 0; i < count; i++) {
        size = fmax(size, fabs(sums[1][i]));
        apart = fmax(apart, fabs(sums[0][i] - sums[1][i]));
    }
    if (!(size > 0 && apart <= bound * size / 8388608))
        fail_msg("%s %s, %d channels: %g apart, of %g", tables[0]->name, what, (int)c, apart, size);
}

#define EACH(t) for (int t = 0; t < 2; t++)

/* Channels that fill a block or do not, and more than it holds; pixels for many blocks. */
static const int64_t channels[] = {1, 3, 16, 37, 64, 530};
enum { CHANNELS = sizeof channels / sizeof *channels, MOST = 530, IMAGES = 3 };

static int64_t pixels_of(int64_t c)
{
    return c < 16 ? 7000 : 40000 / c + 3;
}

static void signs_are(const uint64_t *bits, const float *x, int64_t n, int64_t each)
{
    for (int64_t i = 0; i < n * each; i++) {
        uint64_t word = bits[i / each * kernels_words(each) + i % each / 64];

        assert_int_equal(word >> (i % each % 64) & 1, x[i] > 0);
    }
}

static void moves(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS; k++) {
        int64_t c = channels[k], hw = 35, n = IMAGES * c * hw;
        struct both *x = some(n), *y = some(n), *z = some(n), *loaded = some(n);
        uint64_t *bits = calloc((size_t)(IMAGES * kernels_words(c * hw)), sizeof *bits);
        struct ts_window w = {.n = IMAGES,
                              .h = 2,
                              .w = 3,
                              .c = c,
                              .sh = 5,
                              .sw = 7,
                              .sc = c,
                              .src_h = 2,
                              .src_w = 1,
                              .dh = 5,
                              .dw = 7,
                              .dc = c,
                              .dst_h = 1,
                              .dst_w = 4,
                              .clear = 1};

        EACH(t)
        {
            assert_int_equal(tables[t]->load(&device, x->of[0], IMAGES, c, hw, loaded->of[t]), 0);
            assert_int_equal(tables[t]->to_nchw(&device, x->of[t], IMAGES, c, hw, y->of[t]), 0);
            assert_int_equal(tables[t]->from_nchw(&device, y->of[t], IMAGES, c, hw, z->of[t]), 0);
        }
        near("load", c, loaded, 0);
        near("to_nchw", c, y, 0);
        assert_memory_equal(z->of[0], x->of[0], (size_t)n * sizeof(float));
        tables[0]->pack(x->of[0], IMAGES, c * hw, bits);
        signs_are(bits, x->of[0], IMAGES, c * hw);
        EACH(t)
        assert_int_equal(tables[t]->window(&device, &w, x->of[t], y->of[t]), 0);
        near("window", c, y, 0);
        free(bits);
    }
}

/* Sums of one to five lines, with gates and without. */
static void combine(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS; k++) {
        int64_t c = channels[k], hw = pixels_of(c), n = IMAGES * c * hw;
        struct both *x[5], *a[5], *b[5], *raw = some(n), *act = some(n), *mask = some(n);
        uint64_t *bits = calloc((size_t)(IMAGES * kernels_words(c * hw)), sizeof *bits);
        uint64_t *of_x = calloc((size_t)(IMAGES * kernels_words(c * hw)), sizeof *bits);

        for (int p = 0; p < 5; p++) {
            x[p] = some(n);
            a[p] = some(c);
            b[p] = numbers(c, 0.5f, 0.3f);
        }
        for (int32_t count = 1; count <= 5; count++) {
            EACH(t)
            {
                struct ts_term terms[5];

                for (int p = 0; p < count; p++)
                    terms[p] = (struct ts_term){x[p]->of[t], p == 1 ? NULL : a[p]->of[t],
                                                p == 2 ? NULL : b[p]->of[t], NULL};
                terms[count - 1].bits = t ? NULL : of_x;
                assert_int_equal(tables[t]->combine(&device, terms, count, IMAGES, hw, c,
                                                    raw->of[t], act->of[t], t ? NULL : bits),
                                 0);
            }
            near("combine", c, raw, 4);
            near("combine, rectified", c, act, 4);
            signs_are(bits, raw->of[0], IMAGES, c * hw);
            signs_are(of_x, x[count - 1]->of[0], IMAGES, c * hw);
            EACH(t)
            {
                struct ts_term terms[5];

                for (int p = 0; p < count; p++)
                    terms[p] = (struct ts_term){x[p]->of[t], a[p]->of[t],
                                                p == 1 ? NULL : b[p]->of[t], NULL};
                assert_int_equal(
                    tables[t]->combine_gated(&device, terms, count, IMAGES * hw, c, mask->of[t],
                                             count % 2 ? NULL : raw->of[t], act->of[t]),
                    0);
            }
            near("combine_gated", c, raw, 4);
            near("combine_gated, gated", c, act, 4);
        }
        free(bits);
        free(of_x);
    }
}

static void gather_case(int64_t c, int32_t plain, int32_t masked, int32_t sums, int kept)
{
    int64_t pixels = pixels_of(c), n = pixels * c;
    struct both *x[6], *at[3], *mean[3], *mask = some(n), *out = some(n);
    double *s1[2], *s2[3][2];

    for (int p = 0; p < 6; p++)
        x[p] = numbers(n, 1, 0.1f);
    for (int p = 0; p < 3; p++) {
        at[p] = some(n);
        mean[p] = numbers(c, 0.3f, 0.2f);
    }
    EACH(t)
    {
        const void *plains[3] = {x[0]->of[t], x[1]->of[t], x[2]->of[t]};
        const void *maskeds[3] = {x[3]->of[t], x[4]->of[t], x[5]->of[t]};
        struct ts_sum sum[3];

        s1[t] = calloc((size_t)c, sizeof(double));
        for (int p = 0; p < 3; p++) {
            s2[p][t] = calloc((size_t)c, sizeof(double));
            sum[p] = (struct ts_sum){at[p]->of[t], p == 1 ? NULL : mean[p]->of[t], s2[p][t]};
        }
        assert_int_equal(tables[t]->gather(&device, plains, plain, maskeds, masked, mask->of[t],
                                           pixels, c, kept ? out->of[t] : NULL, s1[t], sum, sums),
                         0);
    }
    if (kept)
        near("gather", c, out, 4);
    near_sums("gather, s1", c, s1, c, 16);
    for (int p = 0; p < sums; p++)
        near_sums("gather, s2", c, s2[p], c, 40);
    EACH(t)
    {
        free(s1[t]);
        for (int p = 0; p < 3; p++)
            free(s2[p][t]);
    }
}

static void gather(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS; k++) {
        for (int mode = 0; mode < 16; mode++) {
            int32_t plain = mode % 4, masked = mode / 4;

            if (plain + masked)
                gather_case(channels[k], plain, masked, mode % 3 + (mode > 8),
                            mode % 5 || plain + masked > 1);
            free_all(NULL);
        }
    }
}

/* A batch norm's numbers from those of x: in both types from the same. */
struct norm {
    struct both *gamma, *beta, *mean, *invstd, *a, *b, *running;
};

static struct norm new_norm(int64_t c)
{
    return (struct norm){numbers(c, 0.5f, 1), some(c), some(c), some(c), some(c), some(c),
                         numbers(c, 0.5f, 1)};
}

static struct ts_norm norm_of(const struct norm *m, int t, int affine)
{
    return (struct ts_norm){.gamma = affine ? m->gamma->of[t] : NULL,
                            .beta = affine ? m->beta->of[t] : NULL,
                            .mean = m->mean->of[t],
                            .invstd = m->invstd->of[t],
                            .a = m->a->of[t],
                            .b = m->b->of[t],
                            .running_var = m->running->of[t],
                            .eps = 1e-5,
                            .momentum = 0.1};
}

static void norms(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * CHANNELS; k++) {
        int64_t c = channels[k / 2], hw = pixels_of(c), n = IMAGES * c * hw;
        struct both *x = numbers(n, 0.4f, 3), *g = some(n), *rx = some(n), *rg = some(n);
        struct both *k1 = some(c), *k2 = some(c), *k3 = some(c), *dgamma = some(c);
        struct both *lines = some(6 * c), *used, *dx = some(n), *rdx = some(n);
        struct norm m = new_norm(c);
        uint64_t *bits = calloc((size_t)(IMAGES * kernels_words(c * hw)), sizeof *bits);
        double *sums = calloc((size_t)(7 * c), sizeof *sums);

        EACH(t)
        {
            struct ts_norm s = norm_of(&m, t, k % 2);

            assert_int_equal(
                tables[t]->norm_train(&device, x->of[t], IMAGES, hw, c, &s, t ? NULL : bits), 0);
        }
        signs_are(bits, x->of[0], IMAGES, c * hw);
        near("norm_train, mean", c, m.mean, 4);
        near("norm_train, invstd", c, m.invstd, 10);
        near("norm_train, running_var", c, m.running, 4);
        near("norm_train, a", c, m.a, 10);
        near("norm_train, b", c, m.b, 16);
        /* sums that differ from channel to channel; the float's are of its own numbers */
        for (int64_t i = 0; i < 7 * c; i++)
            sums[i] = (double)(IMAGES * hw) * (double)uniform();
        EACH(t)
        {
            struct ts_norm s = norm_of(&m, t, k % 2);
            const struct ts_norm_sums of = {sums,         sums + c,     sums + 2 * c, sums + 3 * c,
                                            sums + 4 * c, sums + 5 * c, sums + 6 * c};

            assert_int_equal(tables[t]->norm_slope(&device, c, IMAGES * hw, &s, sums, sums + c,
                                                   k1->of[t], k2->of[t], k3->of[t], dgamma->of[t]),
                             0);
            assert_int_equal(
                tables[t]->norm_tangent(&device, c, IMAGES * hw, &s, &of, lines->of[t]), 0);
        }
        near("norm_slope, k1", c, k1, 10);
        near("norm_slope, k2", c, k2, 24);
        near("norm_slope, k3", c, k3, 24);
        near("norm_slope, dgamma", c, dgamma, 8);
        for (int64_t line = 0; line < 6; line++) {
            struct both one = *lines;

            one.count = c;
            one.of[0] = (float *)lines->of[0] + line * c;
            one.of[1] = (double *)lines->of[1] + line * c;
            near("norm_tangent", c, &one, 24);
        }
        used = rounded(lines);
        EACH(t)
        assert_int_equal(tables[t]->norm_tangent_back(&device, IMAGES * hw, c, used->of[t],
                                                      g->of[t], rg->of[t], x->of[t], rx->of[t],
                                                      dx->of[t], rdx->of[t]),
                         0);
        near("norm_tangent_back, dx", c, dx, 4);
        near("norm_tangent_back, rdx", c, rdx, 4);
        EACH(t)
        {
            struct ts_norm s = norm_of(&m, t, k % 2);

            assert_int_equal(tables[t]->norm_eval(&device, c, &s), 0);
            assert_int_equal(tables[t]->norm_slope(&device, c, IMAGES * hw, &s, sums, sums + c,
                                                   k1->of[t], NULL, NULL, NULL),
                             0);
        }
        near("norm_eval, invstd", c, m.invstd, 2);
        near("norm_eval, a", c, m.a, 4);
        near("norm_slope of constants", c, k1, 4);
        free(bits);
        free(sums);
        free_all(NULL);
    }
}

static void pools(void **state)
{
    static const struct ts_pool shapes[] = {
        {.h = 9, .w = 7, .kh = 3, .kw = 3, .stride_h = 1, .stride_w = 1, .pad_h = 1, .pad_w = 1},
        {.h = 9,
         .w = 7,
         .kh = 3,
         .kw = 3,
         .stride_h = 1,
         .stride_w = 1,
         .pad_h = 1,
         .pad_w = 1,
         .count_padding = 1},
        {.h = 8, .w = 9, .kh = 2, .kw = 3, .stride_h = 2, .stride_w = 2, .pad_h = 0, .pad_w = 1},
        {.h = 5,
         .w = 5,
         .kh = 5,
         .kw = 5,
         .stride_h = 1,
         .stride_w = 1,
         .pad_h = 2,
         .pad_w = 2,
         .count_padding = 1},
    };

    (void)state;
    for (int k = 0; k < CHANNELS * 4; k++) {
        struct ts_pool s = shapes[k % 4];
        int64_t c = channels[k / 4], in, out;
        struct both *x, *rx, *g, *y, *dx;

        s.n = IMAGES;
        s.c = c;
        s.oh = (s.h + 2 * s.pad_h - s.kh) / s.stride_h + 1;
        s.ow = (s.w + 2 * s.pad_w - s.kw) / s.stride_w + 1;
        in = s.n * s.h * s.w * c;
        out = s.n * s.oh * s.ow * c;
        x = some(in);
        rx = some(in);
        g = some(out);
        y = some(out);
        dx = some(in);
        EACH(t) assert_int_equal(tables[t]->avg_pool(&device, &s, x->of[t], y->of[t]), 0);
        near("avg_pool", c, y, 6);
        EACH(t) assert_int_equal(tables[t]->avg_pool_back(&device, &s, g->of[t], dx->of[t]), 0);
        near("avg_pool_back", c, dx, 6);
        EACH(t) assert_int_equal(tables[t]->max_pool(&device, &s, x->of[t], y->of[t]), 0);
        near("max_pool", c, y, 0);
        EACH(t)
        assert_int_equal(tables[t]->max_pool_tangent(&device, &s, x->of[t], rx->of[t], y->of[t]),
                         0);
        near("max_pool_tangent", c, y, 0);
        EACH(t)
        assert_int_equal(tables[t]->max_pool_back(&device, &s, x->of[t], g->of[t], dx->of[t]), 0);
        near("max_pool_back", c, dx, 6);
        y = some(s.n * c);
        EACH(t)
        assert_int_equal(tables[t]->global_pool(&device, s.n, s.h * s.w, c, x->of[t], y->of[t]), 0);
        near("global_pool", c, y, 2);
        EACH(t)
        assert_int_equal(
            tables[t]->global_pool_back(&device, s.n, s.h * s.w, c, y->of[t], dx->of[t]), 0);
        near("global_pool_back", c, dx, 4);
        free_all(NULL);
    }
}

enum { CURVE = 5001 };

/* A step of an operation that works element by element, on CURVE numbers. */
static int curve(int t, uint32_t step, uint32_t op, const struct both *x, const struct both *g,
                 struct both *y)
{
    const tcet_node node = {.op = op, .input_count = 1, .c = CURVE, .h = 1, .w = 1};
    const struct ts_plain s = {
        .node = &node, .in = {&node}, .n = 1, .x = {x->of[t]}, .g = g->of[t]};

    return tables[t]->plain(&device, step, &s, y->of[t]);
}

static void curves(void **state)
{
    static const uint32_t ops[] = {TCET_OP_SIGMOID, TCET_OP_SWISH, TCET_OP_HSWISH, TCET_OP_RELU6};
    enum { HW = 35 };

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct both *x = numbers(CURVE, 8, 0), *g = some(CURVE), *y = some(CURVE);

        EACH(t) assert_int_equal(curve(t, TS_FORWARD, ops[k], x, g, y), 0);
        near("curve", k, y, 1);
        EACH(t) assert_int_equal(curve(t, TS_BACK, ops[k], x, g, y), 0);
        near("curve_back", k, y, 1);
    }
    for (int k = 0; k < 2 * CHANNELS; k++) {
        int64_t c = channels[k / 2], n = IMAGES * c * HW;
        struct both *x = some(n), *s = some(n), *y = some(n), *ds = some(IMAGES * c);

        EACH(t)
        {
            assert_int_equal(
                tables[t]->multiply(&device, IMAGES, HW, c, k % 2, x->of[t], s->of[t], y->of[t]),
                0);
            assert_int_equal(
                tables[t]->multiply_back(&device, IMAGES, HW, c, s->of[t], x->of[t], ds->of[t]), 0);
        }
        near("multiply", c, y, 1);
        near("multiply_back", c, ds, 2);
    }
}

static void losses(void **state)
{
    enum { N = 5, HWS = 4, TARGETS = N * 120 * HWS };
    const int64_t labels[N] = {0, 2, 1, 0, 2};
    static float targets[TARGETS];

    (void)state;
    for (int i = 0; i < TARGETS; i++)
        targets[i] = (float)(i % 3);
    for (int k = 0; k < 48; k++) {
        struct ts_loss s = {.kind = (uint32_t)k / 8,
                            .n = N,
                            .c = k & 1 ? 3 : 120,
                            .hw = k / 8 < TS_LOSS_PIXELS ? 1 : HWS,
                            .labels = labels,
                            .targets = targets,
                            .temperature = k & 4 ? 3 : 1,
                            .share_epsilon = k & 2 ? 1e-5 : 0,
                            .only = k & 2 ? 3 : -1};
        int64_t count = N * s.c * s.hw;
        struct both *z = numbers(count, 6, 0), *rz = some(count), *g = some(count);

        s.target_numbers = s.kind == TS_LOSS_MAP      ? s.c * s.hw
                           : s.kind == TS_LOSS_PIXELS ? s.hw
                                                      : s.c;
        EACH(t)
        assert_int_equal(tables[t]->loss(&device, &s, z->of[t], g->of[t]), 0);
        near("loss", s.c, g, 1);
        if (s.kind >= TS_LOSS_MAP) /* its tangent is zero */
            continue;
        EACH(t)
        assert_int_equal(tables[t]->loss_tangent(&device, &s, z->of[t], rz->of[t], g->of[t]), 0);
        near("loss_tangent", s.c, g, 1);
    }
}

/* Where the largest number of output o's window stands, by the definition: the first of equals, row by row, and
 * the last NaN. */
static int64_t largest(const struct ts_pool *s, const double *x, int64_t o, int64_t k)
{
    int64_t i = o / s->ow % s->oh * s->stride_h - s->pad_h, j = o % s->ow * s->stride_w - s->pad_w,
            at = -1;

    for (int64_t r = i; r < i + s->kh; r++) {
        for (int64_t q = j; q < j + s->kw; q++) {
            int64_t here = ((o / (s->oh * s->ow) * s->h + r) * s->w + q) * s->c + k;

            if (r < 0 || q < 0 || r >= s->h || q >= s->w)
                continue;
            if (at < 0 || x[here] > x[at] || isnan(x[here]))
                at = here;
        }
    }
    return at;
}

static double number_of(const struct both *b, int t, int64_t i)
{
    return t ? ((const double *)b->of[1])[i] : (double)((const float *)b->of[0])[i];
}

/* Few different numbers, so that most windows have equal ones, with infinities and NaNs. */
static struct both *few(int64_t count)
{
    static const double values[] = {-2, -1, 0, 1, 2, 3, -INFINITY, INFINITY, NAN};
    struct both *b = numbers(count, 0, 0);

    for (int64_t i = 0; i < count; i++) {
        double v = values[(int)(4.0F * (uniform() + 1)) + (uniform() > 0.9F)];

        ((float *)b->of[0])[i] = (float)v;
        ((double *)b->of[1])[i] = v;
    }
    return b;
}

static void one_max_pool(const struct ts_pool *s)
{
    int64_t in = s->n * s->h * s->w * s->c, out = s->n * s->oh * s->ow * s->c;
    struct both *x = few(in), *rx = numbers(in, 0, 0), *g = numbers(out, 0, 0), *y = some(out),
                *ry = some(out), *dx = some(in);

    for (int64_t i = 0; i < in; i++) {
        ((float *)rx->of[0])[i] = (float)(i % 1000);
        ((double *)rx->of[1])[i] = (double)(i % 1000);
    }
    for (int64_t i = 0; i < out; i++) {
        ((float *)g->of[0])[i] = (float)(i % 31 - 15);
        ((double *)g->of[1])[i] = (double)(i % 31 - 15);
    }
    EACH(t)
    {
        double *want = calloc((size_t)in, sizeof *want);

        assert_int_equal(tables[t]->max_pool(&device, s, x->of[t], y->of[t]), 0);
        assert_int_equal(tables[t]->max_pool_tangent(&device, s, x->of[t], rx->of[t], ry->of[t]),
                         0);
        assert_int_equal(tables[t]->max_pool_back(&device, s, x->of[t], g->of[t], dx->of[t]), 0);
        for (int64_t i = 0; i < out; i++) {
            int64_t at = largest(s, x->of[1], i / s->c, i % s->c);
            double v = number_of(x, 1, at), got = number_of(y, t, i);

            assert_true(got == v || (isnan(got) && isnan(v)));
            assert_true(number_of(ry, t, i) == number_of(rx, 1, at));
            want[at] += number_of(g, 1, i);
        }
        for (int64_t i = 0; i < in; i++)
            assert_true(number_of(dx, t, i) == want[i]);
        free(want);
    }
    free_all(NULL);
}

static void max_pools_by_definition(void **state)
{
    static const int64_t channels[] = {1, 5, 24, 33};

    (void)state;
    for (int64_t k = 0; k < 7 * 3 * 3; k++) {
        struct ts_pool s = {.n = 2,
                            .c = channels[k % 4],
                            .h = 7 + k % 5,
                            .w = 6 + k % 7,
                            .kh = k % 7 + 1,
                            .kw = k % 11 % 7 + 1,
                            .stride_h = k / 7 % 3 + 1,
                            .stride_w = (k + k / 21) % 3 + 1};

        s.kw = s.kw > s.w ? s.w : s.kw;
        s.pad_h = k / 21 % 2 ? s.kh / 2 : 0;
        s.pad_w = k % 2 ? s.kw / 2 : 0;
        s.oh = (s.h + 2 * s.pad_h - s.kh) / s.stride_h + 1;
        s.ow = (s.w + 2 * s.pad_w - s.kw) / s.stride_w + 1;
        one_max_pool(&s);
    }
}

/* All of it on one instruction set. */
static int check(const struct kernels *(*isa)(int32_t f64))
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(moves, free_all),  cmocka_unit_test_teardown(combine, free_all),
        cmocka_unit_test_teardown(gather, free_all), cmocka_unit_test_teardown(norms, free_all),
        cmocka_unit_test_teardown(pools, free_all),  cmocka_unit_test_teardown(curves, free_all),
        cmocka_unit_test_teardown(losses, free_all), cmocka_unit_test(max_pools_by_definition),
    };

    tables[0] = isa(0);
    tables[1] = isa(1);
    return cmocka_run_group_tests_name(tables[0]->name, tests, NULL, NULL);
}

int main(void)
{
    return every_isa(check);
}
