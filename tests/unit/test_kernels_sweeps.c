/* test_kernels_sweeps.c -- protects the sweeps that something else drives (sweep.h), in float and double and on every
 * instruction set of this CPU: however far they are driven at a time, and however many blocks go together, they give the bits
 * of the whole kernel without vectors, and a gradient may be gathered into the memory of any of its parts, or nowhere.
 * Room: tests. */
#include "every_isa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 3, PARTS = 5, TYPES = 2 };

static struct ts_device device;
static const struct kernels *tables[TYPES], *plain_loops[TYPES];
static uint64_t noise;

static uint64_t next(void)
{
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return noise >> 33;
}

/* Memory for that many numbers of a table's type, from -1 to 1. */
static void *drawn(int64_t count, int f64)
{
    char *x = malloc((size_t)count * (f64 ? sizeof(double) : sizeof(float)));

    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) {
        double v = (double)(int64_t)next() / (1 << 30) - 1;

        if (next() % 16 == 0)
            v = v < 0 ? -0.0 : 0;

        if (f64)
            ((double *)(void *)x)[i] = v;
        else
            ((float *)(void *)x)[i] = (float)v;
    }
    return x;
}

static void *copy_of(const void *x, size_t bytes)
{
    void *y = malloc(bytes);

    assert_non_null(y);
    memcpy(y, x, bytes);
    return y;
}

/* Drives it in steps of any size, as far as `before` it is asked, or what is there `after` it is written; now and
 * then like a driver that fetches what it reads. */
static void drive(struct sweep *s, int before)
{
    assert_non_null(s);
    if (next() % 2)
        s->run = s->run_fetched;
    for (int64_t to = 0; to < s->total;) {
        to += (int64_t)(next() % 97);
        if (before)
            sweep_make(s, to);
        else
            sweep_take(s, to < s->total ? to : s->total);
        assert_true(before ? s->done >= (to < s->total ? to : s->total) : s->done <= to);
    }
    sweep_end(s);
}

struct shape {
    int64_t hw, c;
};

static const struct shape shapes[] = {{1, 1},  {9, 3},   {49, 16}, {121, 24}, {64, 64},
                                      {25, 7}, {30, 96}, {5, 600}, {121, 17}, {1600, 16}};

static void sums(void **state)
{
    (void)state;
    for (size_t k = 0; k < TYPES * sizeof shapes / sizeof *shapes; k++) {
        struct shape s = shapes[k / TYPES];
        int f64 = k % TYPES;
        const struct kernels *t = tables[f64], *whole = plain_loops[f64];
        int64_t count = IMAGES * s.hw * s.c, words = IMAGES * ((s.hw * s.c + 63) / 64);
        size_t bytes = (size_t)count * (f64 ? 8 : 4), bit_bytes = (size_t)words * 8;
        struct ts_term terms[PARTS];
        void *x[PARTS], *line[2] = {drawn(s.c, f64), drawn(s.c, f64)}, *raw[2], *act[2];
        uint64_t *bits[2], *term_bits[2];

        for (int i = 0; i < PARTS; i++) {
            x[i] = drawn(count, f64);
            terms[i] = (struct ts_term){
                .x = x[i], .a = i % 2 ? line[0] : NULL, .b = i % 3 ? line[1] : NULL};
        }
        for (int i = 0; i < 2; i++) {
            raw[i] = calloc(1, bytes);
            act[i] = calloc(1, bytes);
            bits[i] = calloc(1, bit_bytes);
            term_bits[i] = calloc(1, bit_bytes);
        }
        for (int n = 1; n <= PARTS; n++) {
            for (int want = 0; want < 4; want++) { /* the sum itself, and with ReLU */
                void *to[2] = {want & 1 ? raw[0] : NULL, want & 1 ? raw[1] : NULL},
                     *relu[2] = {want & 2 ? act[0] : NULL, want & 2 ? act[1] : NULL};

                terms[0].bits = term_bits[0];
                assert_int_equal(
                    whole->combine(&device, terms, n, IMAGES, s.hw, s.c, to[0], relu[0], bits[0]),
                    0);
                terms[0].bits = term_bits[1];
                drive(
                    t->combine_sweep(&device, terms, n, IMAGES, s.hw, s.c, to[1], relu[1], bits[1]),
                    n % 2);
                assert_memory_equal(raw[0], raw[1], bytes);
                assert_memory_equal(act[0], act[1], bytes);
                assert_memory_equal(bits[0], bits[1], bit_bytes);
                assert_memory_equal(term_bits[0], term_bits[1], bit_bytes);
            }
        }
        for (int i = 0; i < PARTS; i++)
            free(x[i]);
        for (int i = 0; i < 2; i++) {
            free(line[i]);
            free(raw[i]);
            free(act[i]);
            free(bits[i]);
            free(term_bits[i]);
        }
    }
}

static void moments(void **state)
{
    (void)state;
    for (size_t k = 0; k < TYPES * sizeof shapes / sizeof *shapes; k++) {
        struct shape s = shapes[k / TYPES];
        int f64 = k % TYPES;
        const struct kernels *t = tables[f64], *whole = plain_loops[f64];
        size_t words = (size_t)(IMAGES * ((s.hw * s.c + 63) / 64));
        void *x = drawn(IMAGES * s.hw * s.c, f64);
        uint64_t *bits[2] = {calloc(words, 8), calloc(words, 8)};
        double *part[2] = {calloc((size_t)s.c, 16), calloc((size_t)s.c, 16)};

        assert_int_equal(whole->norm_moments(&device, x, IMAGES, s.hw, s.c, bits[0], part[0]), 0);
        drive(t->moments_sweep(&device, x, IMAGES, s.hw, s.c, bits[1], part[1]), 0);
        assert_memory_equal(part[0], part[1], (size_t)s.c * 16);
        assert_memory_equal(bits[0], bits[1], words * 8);
        free(x);
        for (int i = 0; i < 2; i++) {
            free(bits[i]);
            free(part[i]);
        }
    }
}

enum { NOWHERE = -2, APART = -1 };

/* Of `plain` parts and `masked` ones, driven, into the memory of one of them (own), memory of its own or none. */
static void one_gradient(struct shape s, int f64, int plain, int masked, int sum_count, int own)
{
    const struct kernels *t = tables[f64], *whole = plain_loops[f64];
    int64_t pixels = IMAGES * s.hw, count = pixels * s.c;
    size_t bytes = (size_t)count * (f64 ? 8 : 4);
    void *x[2][PARTS], *of[PARTS], *mean = drawn(s.c, f64), *mask = drawn(count, f64), *out[2];
    double *s1[2], *s2[2];
    struct ts_sum sums[2][PARTS];

    for (int i = 0; i < PARTS; i++) {
        x[0][i] = drawn(count, f64);
        x[1][i] = copy_of(x[0][i], bytes);
        of[i] = drawn(count, f64);
    }
    for (int way = 0; way < 2; way++) {
        out[way] = way && own >= 0 ? x[1][own] : calloc(1, bytes);
        s1[way] = calloc((size_t)s.c, sizeof(double));
        s2[way] = calloc((size_t)s.c * PARTS, sizeof(double));
        for (int i = 0; i < sum_count; i++)
            sums[way][i] = (struct ts_sum){.x = of[i], .mean = mean, .s2 = s2[way] + i * s.c};
    }
    assert_int_equal(whole->gather(&device, (const void *const *)x[0], plain,
                                   (const void *const *)x[0] + plain, masked, masked ? mask : NULL,
                                   pixels, s.c, own == NOWHERE ? NULL : out[0], s1[0], sums[0],
                                   sum_count),
                     0);
    drive(t->gather_sweep(&device, (const void *const *)x[1], plain,
                          (const void *const *)x[1] + plain, masked, masked ? mask : NULL, pixels,
                          s.c, own == NOWHERE ? NULL : out[1], s1[1], sums[1], sum_count),
          0);
    assert_memory_equal(out[0], out[1], bytes);
    assert_memory_equal(s1[0], s1[1], (size_t)s.c * sizeof(double));
    assert_memory_equal(s2[0], s2[1], (size_t)s.c * PARTS * sizeof(double));
    for (int i = 0; i < PARTS; i++) {
        if (i != own)
            assert_memory_equal(x[0][i], x[1][i], bytes);
        free(x[0][i]);
        free(x[1][i]);
        free(of[i]);
    }
    for (int way = 0; way < 2; way++) {
        if (way == 0 || own < 0)
            free(out[way]);
        free(s1[way]);
        free(s2[way]);
    }
    free(mean);
    free(mask);
}

static void gradients(void **state)
{
    (void)state;
    for (size_t k = 0; k < TYPES * sizeof shapes / sizeof *shapes; k++) {
        for (int plain = 0; plain <= 3; plain++) {
            for (int masked = plain == 0; masked + plain <= PARTS && masked <= 3; masked++)
                for (int own = NOWHERE; own < plain + masked; own++)
                    one_gradient(shapes[k / TYPES], k % TYPES, plain, masked,
                                 (plain + masked + own + 2) % (PARTS + 1), own);
        }
    }
}

/* All of it on one instruction set. */
static int check(const struct kernels *(*isa)(int32_t f64))
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums), cmocka_unit_test(moments),
                                       cmocka_unit_test(gradients)};

    for (int f64 = 0; f64 < TYPES; f64++) {
        tables[f64] = isa(f64);
        plain_loops[f64] = kernels_baseline(f64);
    }
    return cmocka_run_group_tests_name(tables[0]->name, tests, NULL, NULL);
}

int main(void)
{
    return every_isa(check);
}
