/* test_plugins_examples.c -- the SDK's examples give the numbers of their papers' formulas, on
 * layers small enough to work out by hand. */
#include "fake_host.h"

#define EXAMPLE(name) "../../../tests/examples/" name

static double reduced(struct fake_plugin f, const double *s, int64_t rows, int64_t cols)
{
    const tcet_aggregator_ops *ops = f.ops;
    tcet_view v = F64(s, rows, cols);
    double out = -1;

    assert_int_equal(ops->reduce(fake_begin(), f.self, &v, &out), TCET_OK);
    return out;
}

/* Three neurons on two images: active on both, on the second, on the first. */
static void test_swap(void **state)
{
    static const uint64_t bits[2] = {0x5, 0x3}; /* a word an image; neuron u is bit u */
    static const double again[6] = {3, 2, 1, 3, 2, 2}, nan[2] = {1, NAN};
    struct fake_plugin f = fake_new(EXAMPLE("swap"), "swap", "images=2");
    struct fake_plugin count = fake_new(EXAMPLE("swap"), "distinct", "");
    const tcet_saliency_ops *ops = f.ops;
    tcet_layer in = {.struct_size = sizeof in,
                     .batch = 2,
                     .units = 3,
                     .pattern = fake_view(bits, TCET_U64, SHAPE(2, 1), 2)};
    tcet_pass pass = {.struct_size = sizeof pass};
    tcet_request request = {.struct_size = sizeof request, .pass = &pass};
    double s[3] = {0};
    int64_t rows, cols;
    tcet_view out = F64(s, 1, 3);

    (void)state;
    assert_int_equal(ops->describe(fake_begin(), f.self, &request), TCET_OK);
    assert_int_equal(pass.samples, 2);
    assert_int_equal(ops->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(cols, 3);
    assert_int_equal(ops->layer(fake_begin(), f.self, &in, &out), TCET_OK);
    assert_near(s[0], 3);
    assert_near(s[1], 2);
    assert_near(s[2], 1);
    assert_near(reduced(count, s, 1, 3), 3);
    assert_near(reduced(count, again, 1, 6), 3);
    assert_near(reduced(count, again, 1, 0), 0);
    assert_near(reduced(count, nan, 1, 2), NAN);
    in.batch = 54; /* a double has no bit for the last image */
    assert_int_equal(ops->layer(fake_begin(), f.self, &in, &out), TCET_E_ARG);
    fake_free(f);
    fake_free(count);
}

static void test_swap_regular(void **state)
{
    struct fake_plugin f = fake_new(EXAMPLE("swap"), "swap_regular", "mu=2 sigma=4 unit=1000");
    const tcet_combiner_ops *ops = f.ops;
    tcet_metric swap = {.struct_size = sizeof swap, .value = 100}, size = swap;
    const tcet_metric *list[] = {&swap, &size};
    double out;

    (void)state;
    size.value = 2000;
    assert_int_equal(ops->score(fake_begin(), f.self, list, 2, &out), TCET_OK);
    assert_near(out, 100);
    size.value = 4000; /* two units off: e^-1 */
    assert_int_equal(ops->score(fake_begin(), f.self, list, 2, &out), TCET_OK);
    assert_near(out, 100 * exp(-1));
    fake_free(f);
}

static double saliency(struct fake_plugin f, const float *x, int64_t n, int64_t c, int64_t w,
                       int order)
{
    const tcet_saliency_ops *ops = f.ops;
    tcet_layer in = {
        .struct_size = sizeof in, .order = order, .batch = n, .output = F32(x, n, c, 1, w)};
    double s = 0;
    tcet_view out = F64(&s, 1, 1);

    assert_int_equal(ops->layer(fake_begin(), f.self, &in, &out), TCET_OK);
    return s;
}

/* Two channels of correlation r have eigenvalues 1 - |r| and 1 + |r|. */
static void test_meco(void **state)
{
    static const float half[6] = {1, 2, 3, 1, 3, 2}, same[6] = {1, 2, 3, 3, 2, 1};
    static const float flat[6] = {1, 2, 3, 5, 5, 5}, one[3] = {1, 2, 4};
    struct fake_plugin f = fake_new(EXAMPLE("meco"), "meco", "");

    (void)state;
    assert_near(saliency(f, half, 1, 2, 3, 0), 0.5);
    assert_near(saliency(f, same, 1, 2, 3, 0), 0);
    assert_near(saliency(f, one, 1, 1, 3, 0), 1);
    assert_near(saliency(f, flat, 1, 2, 3, 0), 0); /* diag(1, 0) */
    assert_int_equal(fake_guards("meco_flat_channel"), 1);
    assert_near(saliency(f, NULL, 0, 0, 0, -1), 0);
    assert_int_equal(fake_guards("meco_unused_layer"), 1);
    fake_free(f);
}

/* Uncorrelated channels of equal variance share evenly: ln c.  Equal channels leave one
 * component: 0.  (Both but for the 1e-8 in the logarithm.) */
static void test_az_entropy(void **state)
{
    static const float even[8] = {1, 1, -1, -1, 1, -1, 1, -1}, equal[6] = {1, 2, 3, 1, 2, 3};
    static const float flat[4] = {7, 7, 7, 7};
    struct fake_plugin f = fake_new(EXAMPLE("aznas"), "az_entropy", "");

    (void)state;
    assert_true(fabs(saliency(f, even, 1, 2, 4, 0) - log(2)) < 1e-7);
    assert_true(fabs(saliency(f, equal, 1, 2, 3, 0)) < 1e-7);
    assert_near(saliency(f, flat, 1, 2, 2, 0), 0);
    assert_int_equal(fake_guards("az_flat_features"), 1);
    fake_free(f);
}

static void test_az_progress(void **state)
{
    static const double rising[4] = {1, 3, 4, 6}, falling[3] = {5, 2, 9}, nan[3] = {1, NAN, 2};
    struct fake_plugin f = fake_new(EXAMPLE("aznas"), "az_progress", "");
    const tcet_aggregator_ops *ops = f.ops;
    double out;

    (void)state;
    assert_near(reduced(f, rising, 1, 1), 1);
    assert_int_equal(ops->finish(fake_begin(), f.self, rising, 4, &out), TCET_OK);
    assert_near(out, 1);
    assert_int_equal(ops->finish(fake_begin(), f.self, falling, 3, &out), TCET_OK);
    assert_near(out, -3);
    assert_int_equal(ops->finish(fake_begin(), f.self, nan, 3, &out), TCET_OK);
    assert_near(out, NAN);
    assert_int_equal(ops->finish(fake_begin(), f.self, rising, 1, &out), TCET_OK);
    assert_near(out, 0);
    assert_int_equal(fake_guards("az_one_layer"), 1);
    fake_free(f);
}

static double near_of(struct fake_plugin f, uint32_t site, const float *x, int64_t n, int64_t c,
                      int64_t h, int64_t w)
{
    const tcet_saliency_ops *ops = f.ops;
    tcet_layer in = {.struct_size = sizeof in,
                     .site = site,
                     .batch = n,
                     .output = h ? F32(x, n, c, h, w) : F32(x, n, c)};
    double s = -1;
    tcet_view out = F64(&s, 1, 1);

    assert_int_equal(ops->layer(fake_begin(), f.self, &in, &out), TCET_OK);
    return s;
}

/* Singular values 1 and t have the effective rank (1 + t) / t^(t / (1 + t)). */
static double two(double t)
{
    return (1 + t) / pow(t, t / (1 + t));
}

static void test_near(void **state)
{
    static const float one[4] = {1, 2, 2, 4}, equal[9] = {0, 3, 0, 0, 0, 3, -3, 0, 0};
    static const float unequal[4] = {4, 0, 0, -1}, zero[4] = {0}, nan[4] = {1, NAN, 2, 3};
    static const float few[3] = {1, 2, 2};
    struct fake_plugin f = fake_new(EXAMPLE("near"), "near", "");
    uint32_t weight = TCET_SITE_WEIGHT, relu = TCET_SITE_ACTIVATION;

    (void)state;
    assert_near(near_of(f, weight, one, 2, 2, 0, 0), 1);   /* rank one */
    assert_near(near_of(f, weight, equal, 3, 3, 0, 0), 3); /* orthogonal, equally long */
    assert_near(near_of(f, weight, unequal, 2, 2, 0, 0), two(0.25));
    assert_near(near_of(f, relu, equal, 3, 3, 0, 0), 2); /* behind the ReLU */
    assert_near(near_of(f, relu, unequal, 2, 2, 0, 0), 1);
    assert_near(near_of(f, relu, nan, 2, 2, 0, 0), NAN);
    assert_near(near_of(f, weight, zero, 2, 2, 0, 0), 0);
    assert_int_equal(fake_guards("near_zero_features"), 1);
    assert_int_equal(fake_guards("near_few_rows"), 0);
    assert_near(near_of(f, weight, few, 1, 3, 0, 0), 1);
    assert_int_equal(fake_guards("near_few_rows"), 1);
    assert_near(saliency(f, NULL, 0, 0, 0, -1), 0);
    assert_int_equal(fake_guards("near_unused_layer"), 1);
    fake_free(f);
}

/* Two channels of 3 x 3 pixels: a first column of pixels of rank one, a second of rank two; the
 * third is no beginning. */
static void test_near_rows(void **state)
{
    static const float x[18] = {1, 3, 0, 1, 0, 0, 1, 0, 0,  /* channel 0 */
                                2, 0, 0, 2, 3, 0, 2, 0, 0}; /* channel 1 */
    struct fake_plugin first = fake_new(EXAMPLE("near"), "near", "rows=first");
    struct fake_plugin random = fake_new(EXAMPLE("near"), "near", "");

    (void)state;
    fake.random = 0;
    assert_near(near_of(random, TCET_SITE_WEIGHT, x, 1, 2, 3, 3), 1);
    assert_int_equal(fake.random, 1);
    assert_near(near_of(random, TCET_SITE_WEIGHT, x, 1, 2, 3, 3), 2);
    fake.random = 0;
    assert_near(near_of(random, TCET_SITE_ACTIVATION, x, 1, 2, 3, 3), 2);
    assert_near(near_of(first, TCET_SITE_WEIGHT, x, 1, 2, 3, 3), 1);
    assert_int_equal(fake.random, 2);
    fake_free(first);
    fake_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap),        cmocka_unit_test(test_swap_regular),
        cmocka_unit_test(test_meco),        cmocka_unit_test(test_az_entropy),
        cmocka_unit_test(test_az_progress), cmocka_unit_test(test_near),
        cmocka_unit_test(test_near_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
