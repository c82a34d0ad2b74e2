/* Protects: the host's random stream is PyTorch's to the last bit, so that weights, inputs and
 * data orders drawn here are those of the Python originals.
 *
 * The expected values were printed by torch 1.13.1 on CPU: for each test the calls in its
 * comment, then the values (.hex() for floats) or the FNV-1a 64 hash of tensor.numpy().tobytes().
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "num/rng.h"

#define COUNT(a) (int64_t)(sizeof(a) / sizeof((a)[0]))

static uint64_t fnv(const void *data, size_t bytes)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const unsigned char *p = data; bytes--; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

/* manual_seed(0); x = randn(64, 3, 32, 32); y = randint(0, 10, (64,)) */
static void batch(void **state)
{
    static const int64_t labels[] = {5, 8, 0, 9, 0, 9, 4, 7};
    size_t n = 64 * 3 * 32 * 32;
    float *x = malloc(n * sizeof *x);
    int64_t y[64];
    tcet_rng r;

    (void)state;
    rng_seed(&r, 0);
    rng_normal(&r, x, (int64_t)n, 0, 1);
    rng_randint(&r, y, COUNT(y), 0, 10);
    assert_true(x[0] == -0x1.20370ap+0f && x[1] == -0x1.270114p+0f);
    assert_true(fnv(x, n / 4 * sizeof *x) == UINT64_C(0x4c31026b6dd07620));
    assert_true(fnv(x, n * sizeof *x) == UINT64_C(0xc19fe3217760211));
    assert_memory_equal(y, labels, sizeof labels);
    assert_true(fnv(y, sizeof y) == UINT64_C(0xc71c7c0fd4f12b01));
    free(x);
}

/* manual_seed(7); empty(50003).normal_(.3, 1.7): the last 16 are drawn twice; then 15 of (.3,
 * 1.7), 8 of (-2, .1), randn(16), randn(17), randn(1): the second value of a double pair waits
 * over the calls between. */
static void normal_of_odd_lengths(void **state)
{
    float *x = malloc(50003 * sizeof *x), s[57];
    tcet_rng r;

    (void)state;
    rng_seed(&r, 7);
    rng_normal(&r, x, 50003, .3, 1.7);
    assert_true(fnv(x, 50003 * sizeof *x) == UINT64_C(0xa226bf7a893b4b5c));
    rng_normal(&r, s, 15, .3, 1.7);
    rng_normal(&r, s + 15, 8, -2, .1);
    rng_normal(&r, s + 23, 16, 0, 1);
    rng_normal(&r, s + 39, 17, 0, 1);
    rng_normal(&r, s + 56, 1, 0, 1);
    assert_true(fnv(s, sizeof s) == UINT64_C(0x839de7a33146353e));
    free(x);
}

/* manual_seed(9); three times randn(1); and a new seed forgets the waiting value */
static void normal_one_by_one(void **state)
{
    static const float expected[] = {0x1.6e6872p-5f, 0x1.e946f6p+0f, -0x1.d926bap-3f};
    float x;
    tcet_rng r;

    (void)state;
    rng_seed(&r, 9);
    for (int i = 0; i < 3; i++) {
        rng_normal(&r, &x, 1, 0, 1);
        assert_true(x == expected[i]);
    }
    rng_seed(&r, 9);
    rng_normal(&r, &x, 1, 0, 1);
    assert_true(x == expected[0]);
}

/* manual_seed(123456789012345); empty(10007).uniform_(-b, b), b = .11785113019775793 */
static void uniform(void **state)
{
    static const float first[] = {-0x1.8524f2p-4f, 0x1.d6d34ap-4f, -0x1.ac6ac0p-4f,
                                  -0x1.b8dfcap-5f};
    float x[10007], again[10007];
    tcet_rng r;

    (void)state;
    rng_seed(&r, UINT64_C(123456789012345));
    rng_uniform(&r, x, COUNT(x), -.11785113019775793, .11785113019775793);
    assert_memory_equal(x, first, sizeof first);
    assert_true(fnv(x, sizeof x) == UINT64_C(0xa7786566e571e2bd));

    /* pieces of any length give the same stream */
    rng_seed(&r, UINT64_C(123456789012345));
    for (int64_t at = 0, n = 1; at < COUNT(x); at += n, n = n * 3 % 1009) {
        n = n < COUNT(x) - at ? n : COUNT(x) - at;
        rng_uniform(&r, again + at, n, -.11785113019775793, .11785113019775793);
    }
    assert_memory_equal(x, again, sizeof x);
}

/* manual_seed(5); randperm(10), randperm(320), randperm(50000), randint(0, 2**31-1) */
static void permutation(void **state)
{
    static const int64_t ten[] = {1, 4, 9, 6, 3, 5, 0, 2, 8, 7};
    int64_t *p = malloc(50000 * sizeof *p), next;
    tcet_rng r;

    (void)state;
    rng_seed(&r, 5);
    rng_permutation(&r, p, 10);
    assert_memory_equal(p, ten, sizeof ten);
    rng_permutation(&r, p, 320);
    assert_true(fnv(p, 320 * sizeof *p) == UINT64_C(0x9a94bedcd3f799ed));
    rng_permutation(&r, p, 50000);
    assert_true(fnv(p, 50000 * sizeof *p) == UINT64_C(0x7c7574dc38c9e07d));
    rng_randint(&r, &next, 1, 0, INT32_MAX);
    assert_int_equal(next, 1215569484);
    rng_permutation(&r, p, 1); /* draws nothing, writes 0 */
    assert_int_equal(p[0], 0);
    rng_permutation(&r, p, 0);
    free(p);
}

/* manual_seed(6); randint(-5, 1 << 40, (3,)) takes 64 bits each; randint(0, 2**31-1, (3,));
 * randint(-3, 4, (5,)) */
static void integers(void **state)
{
    static const int64_t expected[] = {
        596699967069, 975829121199, 455473615118, 179085647, 1589607786, 462381904, 3,
        -2,           -1,           -1,           1};
    int64_t v[11];
    tcet_rng r;

    (void)state;
    rng_seed(&r, 6);
    rng_randint(&r, v, 3, -5, INT64_C(1) << 40);
    rng_randint(&r, v + 3, 3, 0, INT32_MAX);
    rng_randint(&r, v + 6, 5, -3, 4);
    assert_memory_equal(v, expected, sizeof expected);
}

/* init programs skip draws that an official model makes and throws away */
static void discard_equals_drawing(void **state)
{
    static const int64_t counts[] = {0, 1, 623, 624, 625, 5000};

    (void)state;
    for (int64_t k = 0; k < COUNT(counts); k++) {
        tcet_rng a, b;

        rng_seed(&a, 11);
        b = a;
        rng_discard(&a, counts[k]);
        for (int64_t i = 0; i < counts[k]; i++)
            rng_u32(&b);
        assert_true(rng_u64(&a) == rng_u64(&b));
    }
}

/* Stored sample choices and seeds depend on these staying what they are: splitmix64's published
 * first outputs, and texts that differ little. */
static void mixing(void **state)
{
    uint64_t s = 1234567;

    (void)state;
    assert_true(rng_mix(&s) == UINT64_C(6457827717110365317));
    assert_true(rng_mix(&s) == UINT64_C(3203168211198807973));
    assert_true(rng_hash(1, "abc") == rng_hash(1, "abc"));
    assert_true(rng_hash(1, "abc") != rng_hash(2, "abc"));
    assert_true(rng_hash(1, "abc") != rng_hash(1, "acb"));
    assert_true(rng_hash(1, "") != rng_hash(1, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch),
        cmocka_unit_test(normal_of_odd_lengths),
        cmocka_unit_test(normal_one_by_one),
        cmocka_unit_test(uniform),
        cmocka_unit_test(permutation),
        cmocka_unit_test(integers),
        cmocka_unit_test(discard_equals_drawing),
        cmocka_unit_test(mixing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
