/* test_plugins_aggregator.c -- each aggregator's number against closed forms, its degenerate
 * cases against their named rules. */
#include "fake_host.h"

static double reduce(struct fake_plugin f, const double *data, int64_t rows, int64_t cols)
{
    const tcet_aggregator_ops *ops = f.ops;
    tcet_view s = F64(data, rows, cols);
    double out = -12345.0;

    assert_int_equal(ops->reduce(fake_begin(), f.self, &s, &out), TCET_OK);
    return out;
}

/* One plugin, one matrix, one number. */
static double once(const char *file, const char *id, const char *settings, const double *data,
                   int64_t rows, int64_t cols)
{
    struct fake_plugin f = fake_new(file, id, settings);
    double v = reduce(f, data, rows, cols);

    if (f.plugin->fini)
        f.plugin->fini(f.self);
    free(f.self);
    return v;
}

static double finish(struct fake_plugin f, const double *values, int64_t n)
{
    const tcet_aggregator_ops *ops = f.ops;
    double out = -12345.0;

    assert_int_equal(ops->finish(fake_begin(), f.self, values, n, &out), TCET_OK);
    return out;
}

static void refuses(const char *file, const char *id, const char *settings, int64_t rows,
                    int64_t cols, const char *word)
{
    static const double zero[16];
    struct fake_plugin f = fake_new(file, id, settings);
    const tcet_aggregator_ops *ops = f.ops;
    tcet_view s = F64(zero, rows, cols);
    double out = 5.0;

    assert_int_equal(ops->reduce(fake_begin(), f.self, &s, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, word));
    assert_near(out, 5.0);
    fake_free(f);
}

/* Sizes around the eight lanes: no element is lost or counted twice. */
static void test_totals(void **state)
{
    double x[40];

    (void)state;
    for (int n = 0; n <= 40; n++) {
        double sum = 0, squares = 0;

        for (int i = 0; i < n; i++) {
            x[i] = i % 3 ? i + 0.5 : -i;
            sum += x[i];
            squares += x[i] * x[i];
        }
        assert_near(once("aggregator_sum", "sum", "", x, 1, n), sum);
        assert_near(once("aggregator_sum", "l2", "", x, 1, n), sqrt(squares));
        assert_near(once("aggregator_sum", "mean", "", x, 1, n), n ? sum / n : 0);
    }
    x[0] = 3;
    x[1] = 4;
    assert_near(once("aggregator_sum", "log_sum", "", x, 1, 2), log(7));
    x[1] = -3;
    assert_near(once("aggregator_sum", "log_sum", "", x, 1, 2), 0);
    assert_int_equal(fake_guards("log_of_nonpositive"), 1);
}

/* Synflow in deep networks: squares leave the range of a double, results must not. */
static void test_extremes(void **state)
{
    static const double big[] = {3e200, 4e200}, small[] = {3e-200, 4e-200}, bad[] = {1, NAN, 2},
                        endless[] = {1, INFINITY};

    (void)state;
    assert_near(once("aggregator_sum", "l2", "", big, 1, 2) / 1e200, 5);
    assert_near(once("aggregator_sum", "l2", "", small, 1, 2) * 1e200, 5);
    assert_near(once("aggregator_snr", "std", "ddof=0", big, 1, 2) / 1e200, 0.5);
    assert_near(once("aggregator_snr", "snr", "ddof=0", big, 1, 2), 14);
    assert_near(once("aggregator_snr", "snr", "ddof=0", small, 1, 2), 14);
    assert_near(once("aggregator_sum", "sum", "", bad, 1, 3), NAN);
    assert_near(once("aggregator_sum", "l2", "", bad, 1, 3), NAN);
    assert_near(once("aggregator_snr", "snr", "", bad, 1, 3), NAN);
    assert_near(once("aggregator_snr", "log_snr", "", bad, 1, 3), NAN);
    assert_near(once("aggregator_snr", "snr", "", endless, 1, 2), NAN);
    assert_near(once("aggregator_sum", "l2", "", endless, 1, 2), INFINITY);
}

/* 1, 2, 3, 4: sum 10, squared distances 5. */
static void test_snr(void **state)
{
    static const double x[] = {1, 2, 3, 4}, minus[] = {-1, -2, -3, -4};

    (void)state;
    assert_near(once("aggregator_snr", "std", "", x, 1, 4), sqrt(5.0 / 3));
    assert_near(once("aggregator_snr", "std", "ddof=0", x, 1, 4), sqrt(5.0 / 4));
    assert_near(once("aggregator_snr", "snr", "", x, 1, 4), 10 / sqrt(5.0 / 3));
    assert_near(once("aggregator_snr", "snr", "ddof=0", x, 1, 4), 10 / sqrt(5.0 / 4));
    assert_near(once("aggregator_snr", "log_snr", "", x, 1, 4), log(10 / sqrt(5.0 / 3)));
    assert_near(once("aggregator_snr", "log1p_snr", "", x, 1, 4), log(1 + 10 / sqrt(5.0 / 3)));
    assert_int_equal(fake_guards("zero_sigma"), 0);
    assert_near(once("aggregator_snr", "log_snr", "", minus, 1, 4), 0);
    assert_int_equal(fake_guards("log_of_nonpositive"), 1);
    assert_near(once("aggregator_snr", "log1p_snr", "", minus, 1, 4), 0);
    assert_int_equal(fake_guards("log_of_nonpositive"), 1);
}

/* std 0: the plain sum or nothing, always counted.  0.1 nine times must not become a spread
 * of rounding errors. */
static void test_zero_sigma(void **state)
{
    static const double dead[9];
    double same[9], one = 7;

    (void)state;
    for (int i = 0; i < 9; i++)
        same[i] = 0.1;
    assert_near(once("aggregator_snr", "std", "", same, 1, 9), 0);
    assert_near(once("aggregator_snr", "snr", "", same, 1, 9), 0.9);
    assert_int_equal(fake_guards("zero_sigma"), 1);
    assert_near(once("aggregator_snr", "snr", "zero_sigma=skip", same, 1, 9), 0);
    assert_int_equal(fake_guards("zero_sigma"), 1);
    assert_near(once("aggregator_snr", "log_snr", "", same, 1, 9), log(0.9));
    assert_near(once("aggregator_snr", "snr", "", &one, 1, 1), 7);
    assert_int_equal(fake_guards("zero_sigma"), 1);
    assert_near(once("aggregator_snr", "snr", "", dead, 1, 9), 0);
    assert_near(once("aggregator_snr", "log_snr", "", dead, 1, 9), 0);
    assert_int_equal(fake_guards("zero_sigma"), 1);
    assert_int_equal(fake_guards("log_of_nonpositive"), 1);
}

/* Many blocks, a large mean: against the two-pass formula in long double. */
static void test_accuracy(void **state)
{
    enum { N = 20011 };
    static double x[N];
    long double sum = 0, m2 = 0, mean;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = 1e6 + (double)(i * 7919 % 1009) / 1009;
        sum += x[i];
    }
    mean = sum / N;
    for (int i = 0; i < N; i++)
        m2 += (x[i] - mean) * (x[i] - mean);
    assert_near(once("aggregator_snr", "std", "", x, 1, N), (double)sqrtl(m2 / (N - 1)));
    assert_near(once("aggregator_snr", "snr", "", x, 1, N), (double)(sum / sqrtl(m2 / (N - 1))));
}

/* Rows (1,2,3) and (2,4,9).  columns: each row, averaged.  rows: each column, summed. */
static void test_axis(void **state)
{
    static const double x[] = {1, 2, 3, 2, 4, 9};
    double row0 = 6 / 1.0, row1 = 15 / sqrt(13.0);

    (void)state;
    assert_near(once("aggregator_snr", "snr", "", x, 2, 3), (row0 + row1) / 2);
    assert_near(once("aggregator_snr", "snr", "axis=rows", x, 2, 3),
                3 / sqrt(0.5) + 6 / sqrt(2) + 12 / sqrt(18));
    assert_near(once("aggregator_snr", "std", "axis=rows ddof=0", x, 2, 3), 0.5 + 1 + 3);
    refuses("aggregator_snr", "snr", "axis=rows", 1, 4, "two rows");
}

/* norm: sum of layers over their population std; untouched where that is 0. */
static void test_norm_finish(void **state)
{
    static const double layers[] = {1, 2, 3, 4}, same[] = {2, 2};
    struct fake_plugin f = fake_new("aggregator_snr", "norm_snr", "");

    (void)state;
    assert_near(finish(f, layers, 4), 10 / sqrt(1.25));
    assert_near(finish(f, same, 2), 4);
    assert_int_equal(fake_guards("norm_zero_sigma"), 1);
    fake_free(f);
}

static void test_logdet(void **state)
{
    static const double k[] = {2, 1, 1, 2}, twins[] = {4, 4, 1, 4, 4, 1, 1, 1, 4},
                        /* +-1 patterns of 2 units for 4 images, all different: rank 3 */
        deficient[] = {2, 1, 1, 0, 1, 2, 0, 1, 1, 0, 2, 1, 0, 1, 1, 2}, zero[4];

    (void)state;
    assert_near(once("aggregator_logdet", "logdet", "", k, 2, 2), log(3));
    assert_near(once("aggregator_logdet", "logdet", "", twins, 3, 3), 0);
    assert_int_equal(fake_guards("logdet_equal_rows"), 1);
    assert_near(once("aggregator_logdet", "logdet", "", deficient, 4, 4), 0);
    assert_int_equal(fake_guards("logdet_small_pivot"), 1);
    assert_near(once("aggregator_logdet", "logdet", "", zero, 2, 2), 0);
    assert_int_equal(fake_guards("logdet_equal_rows"), 1);
    assert_near(once("aggregator_logdet", "logdet", "", zero, 1, 1), 0);
    assert_int_equal(fake_guards("logdet_small_pivot"), 1);
    assert_near(once("aggregator_logdet", "logdet", "singular=lapack", k, 2, 2), log(3));
    assert_near(once("aggregator_logdet", "logdet", "singular=lapack", twins, 3, 3), 0);
    assert_int_equal(fake_guards("logdet_singular"), 1);
    refuses("aggregator_logdet", "logdet", "", 1, 4, "square");
}

static void test_regions(void **state)
{
    static const double k[] = {4, 4, 1, 4, 4, 1, 1, 1, 4}, all[] = {4, 1, 1, 4};

    (void)state;
    assert_near(once("aggregator_logdet", "regions", "", k, 3, 3), 2);
    assert_near(once("aggregator_logdet", "regions", "", all, 2, 2), 2);
    refuses("aggregator_logdet", "regions", "", 2, 3, "square");
}

/* Rows are counted once however far apart their likes stand; 0 and -0 are one number. */
static void test_distinct(void **state)
{
    static const double rows[] = {1, 2, 3, 0, 1, 2, 3, -0.0, 0, 0, 1, 2};
    static double many[1000];

    (void)state;
    for (int i = 0; i < 1000; i++)
        many[i] = i % 37;
    assert_near(once("aggregator_logdet", "distinct", "", rows, 6, 2), 3);
    assert_near(once("aggregator_logdet", "distinct", "", many, 1000, 1), 37);
    assert_near(once("aggregator_logdet", "distinct", "", many, 4, 250), 4);
    assert_near(once("aggregator_logdet", "distinct", "", rows, 0, 2), 0);
}

/* Two batches: mean|g| / std = (|a| + |b|) / |a - b|; equal gradients are left out. */
static void test_zico(void **state)
{
    static const double g[] = {1, -2, 3, 2, 2, 3}, three[] = {1, 2, 6}, same[] = {1, 2, 1, 2};

    (void)state;
    assert_near(once("aggregator_zico", "zico", "", g, 2, 3), log(3 + 1));
    assert_int_equal(fake_guards("zico_zero_sigma"), 1);
    assert_near(once("aggregator_zico", "zico", "", three, 3, 1), log(3 / sqrt(14.0 / 3)));
    assert_int_equal(fake_guards("zico_zero_sigma"), 0);
    assert_near(once("aggregator_zico", "zico", "", same, 2, 2), 0);
    assert_int_equal(fake_guards("zico_zero_layer"), 1);
    refuses("aggregator_zico", "zico", "", 1, 4, "two rows");
}

/* Eigenvalues of (2 1; 1 2) are 1 and 3; those of all ones 0 and 2. */
static void test_cond(void **state)
{
    static const double k[] = {2, 1, 1, 2}, ones[] = {1, 1, 1, 1}, bad[] = {1, NAN, NAN, 1},
                        nearly[] = {1, 0, 0, 5e-8}, none[4];
    const tcet_aggregator_ops *ops;
    struct fake_plugin f = fake_new("aggregator_spectrum", "cond", "");

    (void)state;
    ops = f.ops;
    assert_int_equal(ops->direction, -1);
    fake_free(f);
    assert_near(once("aggregator_spectrum", "cond", "", k, 2, 2), 3);
    assert_near(once("aggregator_spectrum", "cond", "", ones, 2, 2), INFINITY);
    assert_int_equal(fake_guards("cond_singular"), 1);
    assert_near(once("aggregator_spectrum", "cond", "", nearly, 2, 2), 2e7);
    fake.epsilon = FLT_EPSILON; /* noise in the last places of float32 is singular too */
    assert_near(once("aggregator_spectrum", "cond", "", nearly, 2, 2), INFINITY);
    assert_int_equal(fake_guards("cond_singular"), 1);
    fake.epsilon = 0;
    once("aggregator_spectrum", "cond", "singular=ratio", ones, 2, 2);
    assert_int_equal(fake_guards("cond_singular"), 0);
    assert_near(once("aggregator_spectrum", "cond", "", bad, 2, 2), NAN);
    assert_near(once("aggregator_spectrum", "cond", "singular=ratio", none, 2, 2), NAN);
    assert_near(once("aggregator_spectrum", "cond", "nan=1e5", bad, 2, 2), 1e5);
    assert_int_equal(fake_guards("cond_nan"), 1);
    assert_near(once("aggregator_spectrum", "cond", "singular=ratio nan=1e5", none, 2, 2), 1e5);
    assert_near(once("aggregator_spectrum", "cond", "nan=1e5", none, 2, 2), INFINITY);
    assert_near(once("aggregator_spectrum", "cond", "nan=1e5", k, 2, 2), 3);
    assert_int_equal(fake_guards("cond_nan"), 0);
    refuses("aggregator_spectrum", "cond", "", 1, 4, "square");
}

/* (0,1,2) and (0,1,-1) correlate by -1/2: eigenvalues 1/2 and 3/2. */
static void test_jacob_cov(void **state)
{
    static const double j[] = {0, 1, 2, 0, 1, -1}, flat[] = {0, 1, 2, 3, 3, 3};
    double k = 1e-5, want = -(log(0.5 + k) + 1 / (0.5 + k) + log(1.5 + k) + 1 / (1.5 + k));

    (void)state;
    assert_near(once("aggregator_spectrum", "jacob_cov", "", j, 2, 3), want);
    assert_near(once("aggregator_spectrum", "jacob_cov", "k=1", j, 2, 3),
                -(log(1.5) + 1 / 1.5 + log(2.5) + 1 / 2.5));
    assert_near(once("aggregator_spectrum", "jacob_cov", "", flat, 2, 3), NAN);
}

/* The smallest eigenvalue, negative ones too; a NaN in S is a NaN, no error of LAPACK's. */
static void test_eig_min(void **state)
{
    static const double s[] = {2, 1, 0, 1, 2, 0, 0, 0, 1.5}, odd[] = {0, 3, 3, 0},
                        nan[] = {1, NAN, NAN, 1};

    (void)state;
    assert_near(once("aggregator_spectrum", "eig_min", "", s, 3, 3), 1.0);
    assert_near(once("aggregator_spectrum", "eig_min", "", odd, 2, 2), -3.0);
    assert_near(once("aggregator_spectrum", "eig_min", "", nan, 2, 2), NAN);
    refuses("aggregator_spectrum", "eig_min", "", 2, 3, "square");
    assert_near(once("aggregator_spectrum", "eig_min", "", s, 0, 0), 0.0);
}

/* Entropy of (3, 1) / 4 whatever the size of the elements; n equal ones give ln n, rank one and a
 * matrix of zeros 0. */
static void test_spectral_entropy(void **state)
{
    static const double tall[] = {3, 0, 0, 0, 0, -1}, huge[] = {3e100, 0, 0, 1e100},
                        one[] = {1, 2, 3, 2, 4, 6}, zero[4], eye[] = {1, 0, 0, 1},
                        infinite[] = {1, INFINITY};
    double want = -(0.75 * log(0.75) + 0.25 * log(0.25));

    (void)state;
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", tall, 3, 2), want);
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", huge, 2, 2), want);
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", eye, 2, 2), log(2.0));
    assert_true(fabs(once("aggregator_spectrum", "spectral_entropy", "", one, 2, 3)) < 1e-6);
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", zero, 2, 2), 0.0);
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", zero, 0, 2), 0.0);
    assert_near(once("aggregator_spectrum", "spectral_entropy", "", infinite, 1, 2), NAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_snr),
        cmocka_unit_test(test_zero_sigma),
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_axis),
        cmocka_unit_test(test_norm_finish),
        cmocka_unit_test(test_logdet),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_zico),
        cmocka_unit_test(test_cond),
        cmocka_unit_test(test_jacob_cov),
        cmocka_unit_test(test_eig_min),
        cmocka_unit_test(test_spectral_entropy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
