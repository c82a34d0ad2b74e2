/* test_kernels_cuda.c -- protects the kernels of CUDA devices where there is none: run on the CPU thread by
 * thread (cuda_emulated.c), launched by the table that launches them on a device, against the CPU's table in the
 * same type.  Room: tests. */
#include "../../plugins/backend/torch/kernels_isa.h"
#include "cuda_emulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tcet/draft/backend.h>

#include <cmocka.h>
#include <math.h>

/* -- a device of this process's memory ------------------------------------------------------- */

static char scratch[CUDA_SCRATCH];
static struct ts_device device = {.own_conv = 1, .scratch = scratch};
static int launches;

int cuda_launch(struct ts_device *d, enum cuda_kernel kernel, const struct cuda_grid *grid,
                void *argument)
{
    assert_in_range(grid->threads[0] * grid->threads[1], 1, CUDA_THREADS);
    assert_in_range(grid->blocks[1], 1, 65535);
    (d->f64 ? cuda_emulated_double : cuda_emulated_float)(kernel, grid, argument);
    launches++;
    return 0;
}

struct ts_tensor {
    void *data;
};

ts_tensor *ts_alloc(struct ts_device *d, size_t bytes, void **data)
{
    ts_tensor *t = malloc(sizeof *t);

    (void)d;
    t->data = *data = malloc(bytes);
    memset(t->data, 0xff, bytes);
    return t;
}

void ts_free(ts_tensor *t)
{
    free(t->data);
    free(t);
}

void *ts_data(const ts_tensor *t)
{
    return t->data;
}

int ts_to_device(struct ts_device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    memcpy(to, from, bytes);
    return 0;
}

/* What the table leaves to libtorch is not tested here: a call fails. */
#define LEFT(name, ...)                          \
    int name(__VA_ARGS__)                        \
    {                                            \
        fail_msg("%s: left to libtorch", #name); \
        return -1;                               \
    }
/* clang-format off */
#define ANY __attribute__((unused))
LEFT(ts_load, ANY struct ts_device *d, ANY const float *x, ANY int64_t n, ANY int64_t c, ANY int64_t hw, ANY void *out)
LEFT(ts_to_nchw, ANY struct ts_device *d, ANY const void *x, ANY int64_t n, ANY int64_t c, ANY int64_t hw, ANY void *out)
LEFT(ts_from_nchw, ANY struct ts_device *d, ANY const void *x, ANY int64_t n, ANY int64_t c, ANY int64_t hw, ANY void *out)
LEFT(ts_combine, ANY struct ts_device *d, ANY const struct ts_term *t, ANY int32_t count, ANY int64_t n, ANY int64_t hw, ANY int64_t c, ANY void *raw, ANY void *act, ANY uint64_t *bits)
LEFT(ts_gather, ANY struct ts_device *d, ANY const void *const *plain, ANY int32_t plain_count, ANY const void *const *masked, ANY int32_t masked_count, ANY const void *mask, ANY int64_t pixels, ANY int64_t c, ANY void *out, ANY double *s1, ANY const struct ts_sum *sums, ANY int32_t sum_count)
LEFT(ts_norm_train, ANY struct ts_device *d, ANY const void *x, ANY int64_t n, ANY int64_t hw, ANY int64_t c, ANY const struct ts_norm *s, ANY uint64_t *bits)
LEFT(ts_global_pool, ANY struct ts_device *d, ANY int64_t n, ANY int64_t hw, ANY int64_t c, ANY const void *x, ANY void *y)
LEFT(ts_multiply_back, ANY struct ts_device *d, ANY int64_t n, ANY int64_t hw, ANY int64_t c, ANY const void *g, ANY const void *x, ANY void *ds)
LEFT(ts_plain_step, ANY struct ts_device *d, ANY uint32_t step, ANY const struct ts_plain *s, ANY void *out)
LEFT(ts_zero, ANY struct ts_device *d, ANY void *x, ANY size_t bytes)
LEFT(ts_loss_back, ANY struct ts_device *d, ANY const struct ts_loss *s, ANY const void *z, ANY void *g)
LEFT(ts_clip, ANY struct ts_device *d, ANY void *g, ANY int64_t count, ANY double most)
LEFT(ts_agreement, ANY struct ts_device *d, ANY const void *x, ANY int64_t n, ANY int64_t units, ANY double *k, ANY double *positive)
/* clang-format on */

/* -- numbers --------------------------------------------------------------------------------- */

static const struct kernels *tables[2]; /* the CPU's, and the device's */

#define EACH(t) for (int t = 0; t < 2; t++)

static size_t size(void)
{
    return device.f64 ? sizeof(double) : sizeof(float);
}

static double number_at(const void *x, int64_t i)
{
    return device.f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void set_number(void *x, int64_t i, double v)
{
    if (device.f64)
        ((double *)x)[i] = v;
    else
        ((float *)x)[i] = (float)v;
}

static uint64_t noise = 1;

/* Numbers in [shift - 1, shift + 1) of the type in hand; the caller's to free. */
static void *numbers(int64_t count, double shift)
{
    void *x = calloc((size_t)count + 1, size());

    for (int64_t i = 0; i < count; i++) {
        noise = noise * 6364136223846793005u + 1442695040888963407u;
        set_number(x, i, (double)(int32_t)(noise >> 32) / 2147483648.0 + shift);
    }
    return x;
}

/* Two outputs of the type that nobody has written. */
static void outputs(void *out[2], int64_t count)
{
    void *x = numbers(count, 7);

    EACH(t)
    {
        out[t] = calloc((size_t)count + 1, size());
        memcpy(out[t], x, (size_t)count * size());
    }
    free(x);
}

/* Checks that both are the same to `bound` roundings of the largest, and frees them. */
static void same(const char *what, int64_t c, void *out[2], int64_t count, double bound)
{
    double largest = 0, apart = 0, rounding = device.f64 ? 2.3e-16 : 1.2e-7;

    for (int64_t i = 0; i < count; i++) {
        double a = number_at(out[0], i), b = number_at(out[1], i);

        largest = fmax(largest, isfinite(a) ? fabs(a) : 0);
        if (!(a == b || (isnan(a) && isnan(b))))
            apart = fmax(apart, isfinite(a - b) ? fabs(a - b) : INFINITY);
    }
    if (!(apart <= bound * rounding * largest))
        fail_msg("%s, %d channels, %s: %g apart, of %g", what, (int)c,
                 device.f64 ? "double" : "float", apart, largest);
    EACH(t) free(out[t]);
}

static void same_sums(const char *what, int64_t c, double *const sums[2], int64_t count)
{
    double largest = 0;

    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(sums[0][i]));
    for (int64_t i = 0; i < count; i++) {
        if (!(fabs(sums[0][i] - sums[1][i]) <= (device.f64 ? 1e-13 : 2e-5) * largest))
            fail_msg("%s, %d channels: %.17g and %.17g", what, (int)c, sums[0][i], sums[1][i]);
    }
}

/* Channels that fill rows of threads or do not; pixels for one block and for several. */
static const int64_t channels[] = {1, 3, 16, 24, 37, 70};
enum { CHANNELS = sizeof channels / sizeof *channels };

static int64_t pixels_of(int64_t c)
{
    return c % 2 ? 21000 / c : 77;
}

/* -- tests ----------------------------------------------------------------------------------- */

static void combines(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS * 8; k++) {
        int64_t c = channels[k / 8], hw = pixels_of(c), n = 2 * hw * c;
        int32_t count = k % 8 + 1;
        struct ts_term terms[8];
        void *raw[2], *act[2], *made[24];

        for (int32_t p = 0; p < 8; p++) {
            made[3 * p] = numbers(n, 0);
            made[3 * p + 1] = numbers(c, 0);
            made[3 * p + 2] = numbers(c, .3);
            terms[p] = (struct ts_term){.x = made[3 * p],
                                        .a = p == 1 ? NULL : made[3 * p + 1],
                                        .b = p == 2 ? NULL : made[3 * p + 2]};
        }
        outputs(raw, n);
        outputs(act, n);
        EACH(t)
        assert_int_equal(tables[t]->combine(&device, terms, count, 2, hw, c,
                                            k % 3 == 1 ? NULL : raw[t], k % 3 == 2 ? NULL : act[t],
                                            NULL),
                         0);
        same("combine", c, raw, n, 8);
        same("combine, rectified", c, act, n, 8);
        for (int p = 0; p < 24; p++)
            free(made[p]);
    }
}

static void gathers(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS * 16; k++) {
        int64_t c = channels[k / 16], pixels = pixels_of(c), n = pixels * c;
        int32_t plain = k % 4, masked = k / 4 % 4, sums = plain + masked ? k % 3 + (k % 16 > 8) : 0;
        void *x[6], *at[3], *mean[3], *mask = numbers(n, 0), *out[2];
        double *s[4][2];

        if (plain + masked == 0) {
            free(mask);
            continue;
        }
        for (int p = 0; p < 6; p++)
            x[p] = numbers(n, .1);
        for (int p = 0; p < 3; p++) {
            at[p] = numbers(n, 1);
            mean[p] = numbers(c, .2);
        }
        outputs(out, n);
        EACH(t)
        {
            struct ts_sum sum[3];

            for (int p = 0; p < 4; p++)
                s[p][t] = calloc((size_t)c, sizeof(double));
            for (int p = 0; p < 3; p++)
                sum[p] = (struct ts_sum){at[p], p == 1 ? NULL : mean[p], s[p][t]};
            assert_int_equal(tables[t]->gather(&device, (const void *const *)x, plain,
                                               (const void *const *)x + 3, masked, mask, pixels, c,
                                               k % 5 ? out[t] : NULL, k % 7 ? s[3][t] : NULL, sum,
                                               sums),
                             0);
        }
        same("gather", c, out, n, 8);
        for (int p = 0; p < 4; p++) {
            same_sums("sums of gather", c, s[p], c);
            EACH(t) free(s[p][t]);
        }
        for (int p = 0; p < 6; p++)
            free(x[p]);
        for (int p = 0; p < 3; p++) {
            free(at[p]);
            free(mean[p]);
        }
        free(mask);
    }
}

/* A norm's per-channel numbers, one array of 7 c with the outputs a .. dgamma behind. */
enum { GAMMA, BETA, MEAN, INVSTD, A, B, RUN_MEAN, RUN_VAR, K1, K2, K3, DGAMMA, PARTS };

static struct ts_norm norm_of(void *all, int64_t c, int k)
{
    char *at = all;
    size_t line = (size_t)c * size();

    return (struct ts_norm){.gamma = k % 2 ? at + GAMMA * line : NULL,
                            .beta = k % 2 ? at + BETA * line : NULL,
                            .mean = at + MEAN * line,
                            .invstd = at + INVSTD * line,
                            .a = at + A * line,
                            .b = at + B * line,
                            .running_mean = k % 3 ? at + RUN_MEAN * line : NULL,
                            .running_var = k % 3 ? at + RUN_VAR * line : NULL,
                            .eps = 1e-5,
                            .momentum = .1};
}

static void norms(void **state)
{
    (void)state;
    for (int k = 0; k < CHANNELS * 6; k++) {
        int64_t c = channels[k / 6], hw = pixels_of(c);
        void *x = numbers(2 * hw * c, 30), *all[2];
        double *s = calloc((size_t)(2 * c), sizeof *s);

        for (int64_t i = 0; i < 2 * c; i++)
            s[i] = (double)(i % 17) - 5;
        outputs(all, PARTS * c);
        EACH(t)
        {
            struct ts_norm norm = norm_of(all[t], c, k);
            char *at = all[t];
            size_t line = (size_t)c * size();

            assert_int_equal(tables[t]->norm_train(&device, x, 2, hw, c, &norm, NULL), 0);
            assert_int_equal(tables[t]->norm_slope(&device, c, 2 * hw, &norm, s, s + c,
                                                   at + K1 * line, k % 2 ? at + K2 * line : NULL,
                                                   at + K3 * line,
                                                   k % 3 ? at + DGAMMA * line : NULL),
                             0);
        }
        same("norm_train, norm_slope", c, all, PARTS * c, 64);
        outputs(all, PARTS * c);
        EACH(t)
        {
            struct ts_norm norm = norm_of(all[t], c, k);

            assert_int_equal(tables[t]->norm_eval(&device, c, &norm), 0);
        }
        same("norm_eval", c, all, PARTS * c, 4);
        free(x);
        free(s);
    }
}

/* Few different numbers, so that most windows have equal ones, with infinities and NaNs. */
static void *few(int64_t count)
{
    static const double values[] = {-2, -1, 0, 1, 2, 3, -INFINITY, INFINITY, NAN};
    void *x = numbers(count, 1);

    for (int64_t i = 0; i < count; i++)
        set_number(x, i, values[(int)(4.5 * number_at(x, i))]);
    return x;
}

static void pools(void **state)
{
    (void)state;
    for (int64_t k = 0; k < 7 * 3 * 3; k++) {
        struct ts_pool s = {.n = 2,
                            .c = channels[k % CHANNELS],
                            .h = 7 + k % 5,
                            .w = 6 + k % 7,
                            .kh = k % 7 + 1,
                            .kw = k % 11 % 6 + 1,
                            .stride_h = k / 7 % 3 + 1,
                            .stride_w = (k + k / 21) % 3 + 1,
                            .count_padding = k % 2};
        int64_t in, out;
        void *x, *ties, *g, *y[2], *dx[2];

        s.pad_h = k / 21 % 2 ? s.kh / 2 : 0;
        s.pad_w = k % 2 ? s.kw / 2 : 0;
        s.oh = (s.h + 2 * s.pad_h - s.kh) / s.stride_h + 1;
        s.ow = (s.w + 2 * s.pad_w - s.kw) / s.stride_w + 1;
        in = s.n * s.h * s.w * s.c;
        out = s.n * s.oh * s.ow * s.c;
        x = numbers(in, 0);
        ties = few(in);
        g = numbers(out, 0);
        outputs(y, out);
        EACH(t) assert_int_equal(tables[t]->avg_pool(&device, &s, x, y[t]), 0);
        same("avg_pool", s.c, y, out, 8);
        outputs(dx, in);
        EACH(t) assert_int_equal(tables[t]->avg_pool_back(&device, &s, g, dx[t]), 0);
        same("avg_pool_back", s.c, dx, in, 8);
        outputs(y, out);
        EACH(t) assert_int_equal(tables[t]->max_pool(&device, &s, ties, y[t]), 0);
        same("max_pool", s.c, y, out, 0);
        outputs(dx, in);
        EACH(t) assert_int_equal(tables[t]->max_pool_back(&device, &s, ties, g, dx[t]), 0);
        same("max_pool_back", s.c, dx, in, 8);
        outputs(y, s.n * s.c);
        EACH(t)
        assert_int_equal(tables[t]->global_pool(&device, s.n, s.h * s.w, s.c, x, y[t]), 0);
        same("global_pool", s.c, y, s.n * s.c, 4);
        outputs(dx, in);
        EACH(t)
        assert_int_equal(tables[t]->global_pool_back(&device, s.n, s.h * s.w, s.c, g, dx[t]), 0);
        same("global_pool_back", s.c, dx, in, 4);
        free(x);
        free(ties);
        free(g);
    }
}

static void products_and_windows(void **state)
{
    enum { HW = 35, N = 3 };

    (void)state;
    for (int k = 0; k < CHANNELS * 4; k++) {
        int64_t c = channels[k / 4], n = N * HW * c;
        struct ts_window w = {.n = N,
                              .h = 2,
                              .w = 3,
                              .c = c > 2 ? c - 2 : c,
                              .sh = 5,
                              .sw = 7,
                              .sc = c,
                              .src_h = 2,
                              .src_w = 1,
                              .src_c = c > 2,
                              .dh = 5,
                              .dw = 7,
                              .dc = c,
                              .dst_h = 1,
                              .dst_w = 4,
                              .dst_c = c > 2 ? 2 : 0,
                              .clear = k / 2 % 2};
        void *x = numbers(n, 0), *s = numbers(n, 0), *y[2], *ds[2];

        outputs(y, n);
        EACH(t)
        assert_int_equal(tables[t]->multiply(&device, N, HW, c, k % 2, x, s, y[t]), 0);
        same("multiply", c, y, n, 1);
        outputs(ds, N * c);
        EACH(t) assert_int_equal(tables[t]->multiply_back(&device, N, HW, c, x, s, ds[t]), 0);
        same("multiply_back", c, ds, N * c, 8);
        outputs(y, n);
        EACH(t) assert_int_equal(tables[t]->window(&device, &w, x, y[t]), 0);
        same("window", c, y, n, 0);
        free(x);
        free(s);
    }
}

/* A convolution by its definition: calls `each` with the places in x, w and y that meet, for all that do. */
static void definition(const struct ts_conv *s,
                       void (*each)(void *arg, int64_t x, int64_t w, int64_t y), void *arg)
{
    for (int64_t i = 0; i < s->n * s->oh * s->ow * s->oc; i++) {
        int64_t o = i % s->oc, p = i / s->oc, image = p / (s->oh * s->ow);
        int64_t oy = p / s->ow % s->oh, ox = p % s->ow;

        for (int64_t k = 0; k < s->c * s->kh * s->kw; k++) {
            int64_t c = k / (s->kh * s->kw), y, x;

            y = oy * s->stride_h - s->pad_h + k / s->kw % s->kh * s->dilation_h;
            x = ox * s->stride_w - s->pad_w + k % s->kw * s->dilation_w;
            if (y >= 0 && y < s->h && x >= 0 && x < s->w)
                each(arg, ((image * s->h + y) * s->w + x) * s->c + c, o * s->c * s->kh * s->kw + k,
                     i);
        }
    }
}

/* What the three meet in: to += a b, each at its place. */
struct meeting {
    const void *a, *b;
    double *to;
};

static void meet_forward(void *arg, int64_t x, int64_t w, int64_t y)
{
    struct meeting *m = arg;

    m->to[y] += number_at(m->a, x) * number_at(m->b, w);
}

static void meet_input(void *arg, int64_t x, int64_t w, int64_t y)
{
    struct meeting *m = arg;

    m->to[x] += number_at(m->a, y) * number_at(m->b, w);
}

static void meet_weights(void *arg, int64_t x, int64_t w, int64_t y)
{
    struct meeting *m = arg;

    m->to[w] += number_at(m->a, y) * number_at(m->b, x);
}

/* `got`, to be freed, against the definition of a and b on top of `before` (a bias, repeated; or what was there). */
static void meets(const char *what, const struct ts_conv *s, void *got,
                  void (*each)(void *arg, int64_t x, int64_t w, int64_t y), const void *a,
                  const void *b, const void *before, int64_t repeated, int64_t count)
{
    double *want = calloc((size_t)count, sizeof *want);
    struct meeting m = {a, b, want};
    void *out[2] = {numbers(count, 0), got};

    for (int64_t i = 0; before && i < count; i++)
        want[i] = number_at(before, i % repeated);
    definition(s, each, &m);
    for (int64_t i = 0; i < count; i++)
        set_number(out[0], i, want[i]);
    same(what, s->c, out, count, 400);
    free(want);
}

static void one_convolution(struct ts_conv s)
{
    int64_t in, out, weights = s.oc * s.c * s.kh * s.kw;
    void *x, *w = numbers(weights, 0), *g, *bias = numbers(s.oc, 3), *before = numbers(weights, 0);
    void *y, *dx, *dw = numbers(weights, 0);

    s.groups = 1;
    s.oh = (s.h + 2 * s.pad_h - s.dilation_h * (s.kh - 1) - 1) / s.stride_h + 1;
    s.ow = (s.w + 2 * s.pad_w - s.dilation_w * (s.kw - 1) - 1) / s.stride_w + 1;
    in = s.n * s.h * s.w * s.c;
    out = s.n * s.oh * s.ow * s.oc;
    x = numbers(in, 0);
    g = numbers(out, 0);
    y = numbers(out, 5);
    dx = numbers(in, 5);
    memcpy(dw, before, (size_t)weights * size());
    assert_int_equal(tables[1]->conv_takes(&device, &s), 7);
    assert_int_equal(tables[1]->conv_forward(&device, &s, x, w, bias, y), 0);
    assert_int_equal(tables[1]->conv_input(&device, &s, g, w, dx), 0);
    assert_int_equal(tables[1]->conv_weights(&device, &s, g, x, dw), 0);
    meets("convolution", &s, y, meet_forward, x, w, bias, s.oc, out);
    meets("its input's gradient", &s, dx, meet_input, g, w, NULL, 1, in);
    meets("its weights' gradient", &s, dw, meet_weights, g, x, before, weights, weights);
    free(x);
    free(w);
    free(g);
    free(bias);
    free(before);
}

/* Each tile's kernel, filled and not; strides, dilations, windows that are not square or larger than the image. */
static void convolutions(void **state)
{
    /* n, c, h, w, oc, -, -, kh, kw, strides, padding, dilations */
    static const struct ts_conv shapes[] = {
        {2, 3, 9, 7, 5, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, NULL},
        {1, 16, 8, 8, 16, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, NULL},
        {3, 8, 9, 9, 24, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1, 1, NULL},
        {2, 20, 7, 5, 40, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, NULL},
        {2, 17, 6, 6, 64, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 1, NULL},
        {1, 64, 6, 6, 70, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, NULL},
        {2, 4, 10, 11, 6, 0, 0, 3, 2, 2, 1, 2, 1, 2, 1, 1, NULL},
        {2, 5, 8, 8, 7, 0, 0, 5, 7, 1, 1, 2, 3, 1, 1, 1, NULL},
        {1, 3, 2, 2, 4, 0, 0, 7, 7, 1, 1, 3, 3, 1, 1, 1, NULL},
        {20, 6, 8, 8, 9, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, NULL},
    };

    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        one_convolution(shapes[k]);
    if (device.f64)
        return;
    /* the largest tiles, which are for images that fill a device */
    one_convolution((struct ts_conv){44, 2, 28, 28, 64, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, NULL});
    one_convolution((struct ts_conv){44, 64, 28, 28, 2, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, NULL});
}

static void agreements(void **state)
{
    static const int64_t units[] = {1, 31, 32, 65, 3000};

    (void)state;
    for (int k = 0; k < 10; k++) {
        int64_t n = k < 5 ? 5 : 33, u = units[k % 5];
        void *x = numbers(n * u, .1);
        uint64_t *bits = calloc((size_t)(n * kernels_words(u)), sizeof *bits);
        double *out = calloc((size_t)(2 * n * n + 2), sizeof *out);
        double *square[2] = {out, out + n * n},
               *positive[2] = {out + 2 * n * n, out + 2 * n * n + 1};

        for (int64_t i = 0; i < 2 * n * n + 2; i++)
            out[i] = 4; /* which is added to */
        tables[0]->pack(x, n, u, bits);
        tables[0]->agreement_bits(bits, n, u, square[0], positive[0]);
        assert_int_equal(tables[1]->agreement(&device, x, n, u, square[1], positive[1]), 0);
        assert_memory_equal(square[0], square[1], (size_t)(n * n) * sizeof *out);
        assert_true(*positive[0] == *positive[1]);
        free(x);
        free(bits);
        free(out);
    }
}

static void losses(void **state)
{
    (void)state;
    for (int k = 0; k < 16; k++) {
        int64_t n = k & 4 ? 300 : 5, c = k & 1 ? 3 : 120,
                *labels = calloc((size_t)n, sizeof *labels);
        struct ts_loss s = {.kind = TS_LOSS_CLASS,
                            .n = n,
                            .c = c,
                            .hw = 1,
                            .labels = labels,
                            .temperature = k & 2 ? 3 : 1,
                            .only = k & 8 ? 2 : -1};
        void *z = numbers(n * c, 0), *g[2];
        double *targets = calloc((size_t)(n * c), sizeof *targets), result[2][3];
        double *results[2] = {result[0], result[1]};

        for (int64_t i = 0; i < n; i++) {
            labels[i] = i % c;
            targets[i * c + i % c] = .9;
            targets[i * c + (i + 1) % c] = .1;
        }
        outputs(g, n * c);
        EACH(t) assert_int_equal(tables[t]->loss(&device, &s, z, g[t]), 0);
        same("loss", c, g, n * c, 4);
        outputs(g, n * c);
        EACH(t)
        assert_int_equal(
            tables[t]->soft_loss(&device, z, targets, n, 2 * n, c, k & 8 ? NULL : g[t], result[t]),
            0);
        same("soft_loss", c, g, n * c, 4);
        same_sums("results of soft_loss", c, results, 3);
        free(labels);
        free(targets);
        free(z);
    }
}

static void trainings(void **state)
{
    enum { COUNT = 5000 };

    (void)state;
    for (int k = 0; k < 4; k++) {
        void *g = numbers(COUNT, 0), *decay = numbers(COUNT, 0), *w[2], *first[2], *second[2];
        double *sums = calloc((size_t)(3 * COUNT), sizeof *sums);

        for (int i = 0; i < COUNT; i++)
            set_number(decay, i, i % 2);
        for (int i = 0; i < 3 * COUNT; i++)
            sums[i] = i % 11;
        outputs(w, COUNT);
        outputs(first, COUNT);
        outputs(second, COUNT);
        EACH(t)
        {
            const struct ts_update u = {.count = COUNT,
                                        .adamw = k > 1,
                                        .nesterov = k % 2,
                                        .w = w[t],
                                        .first = first[t],
                                        .second = second[t],
                                        .g = g,
                                        .decay = decay,
                                        .lr = .1,
                                        .wd = .05,
                                        .momentum = .9,
                                        .beta1 = .9,
                                        .beta2 = .99,
                                        .eps = 1e-8,
                                        .unbias1 = .1,
                                        .unbias2 = .01};

            assert_int_equal(tables[t]->update(&device, &u), 0);
            assert_int_equal(tables[t]->average(&device, w[t], COUNT, .75, second[t]), 0);
            assert_int_equal(tables[t]->add_sums(&device, sums, 3, COUNT, first[t]), 0);
        }
        same("update", 1, w, COUNT, 8);
        same("first", 1, first, COUNT, 8);
        same("second", 1, second, COUNT, 8);
        free(g);
        free(decay);
        free(sums);
    }
}

/* Every call is one launch, of agreement two: what a network costs a device's host. */
static void launches_are_few(void **state)
{
    void *x = numbers(32 * 16, 0), *y = numbers(32 * 16, 0);
    struct ts_term terms[3] = {{.x = x}, {.x = x}, {.x = x}};
    double sums[3 * 16], square[4] = {0}, positive = 0;
    struct ts_sum sum[2] = {{.x = x, .s2 = sums + 16}, {.x = y, .s2 = sums + 32}};
    const void *plain[1] = {x};

    (void)state;
    launches = 0;
    assert_int_equal(tables[1]->combine(&device, terms, 3, 2, 16, 16, y, y, NULL), 0);
    assert_int_equal(tables[1]->gather(&device, plain, 1, plain, 1, x, 32, 16, y, sums, sum, 2), 0);
    assert_int_equal(launches, 2);
    assert_int_equal(tables[1]->agreement(&device, x, 2, 256, square, &positive), 0);
    assert_int_equal(launches, 4);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combines),
        cmocka_unit_test(gathers),
        cmocka_unit_test(norms),
        cmocka_unit_test(pools),
        cmocka_unit_test(products_and_windows),
        cmocka_unit_test(convolutions),
        cmocka_unit_test(agreements),
        cmocka_unit_test(losses),
        cmocka_unit_test(trainings),
        cmocka_unit_test(launches_are_few),
    };
    int failed = 0;

    EACH(f64)
    {
        device.f64 = f64;
        tables[0] = kernels_baseline(f64);
        tables[1] = kernels_cuda(f64);
        failed += cmocka_run_group_tests_name(f64 ? "double" : "float", tests, NULL, NULL);
    }
    return failed;
}
