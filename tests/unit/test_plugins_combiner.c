/* test_plugins_combiner.c -- each combiner against values worked out by hand. */
#include "fake_host.h"

#include <unistd.h>

static const int32_t modules_a[] = {10, 11, 12}, modules_b[] = {12, 10, 30}, modules_c[] = {40, 41},
                     in_order[] = {0, 1, 2}, shuffled[] = {2, 0, 1}, partly[] = {-1, 1, 0};
static const double values_a[] = {2, 3, 5}, values_b[] = {7, 11, 13};

static tcet_metric metric(const int32_t *module, const int32_t *order, const double *values,
                          int64_t n, int activation)
{
    return (tcet_metric){.struct_size = sizeof(tcet_metric),
                         .direction = 1,
                         .name = "m",
                         .layers = n,
                         .module = module,
                         .order = order,
                         .values = values,
                         .activation = activation};
}

static tcet_status score(struct fake_plugin f, const tcet_metric *a, const tcet_metric *b,
                         double *out)
{
    const tcet_combiner_ops *ops = f.ops;
    const tcet_metric *list[] = {a, b};

    return ops->score(fake_begin(), f.self, list, 2, out);
}

/* Modules 10 and 12 meet, wherever each metric lists them; 11 and 30 stand alone. */
static void test_by_module(void **state)
{
    struct fake_plugin f = fake_new("combiner_layerdot", "layerdot", "");
    tcet_metric a = metric(modules_a, in_order, values_a, 3, 0);
    tcet_metric b = metric(modules_b, in_order, values_b, 3, 1);
    tcet_metric c = metric(modules_c, in_order, values_b, 2, 1);
    double out;

    (void)state;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, 2 * 11 + 5 * 7);
    b.module = modules_a;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, 2 * 7 + 3 * 11 + 5 * 13);
    assert_int_equal(score(f, &a, &c, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "in common"));
    c.layers = 0;
    assert_int_equal(score(f, &a, &c, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "partition"));
    fake_free(f);
}

/* The official toolkit: activations as executed (11, 13, 7) against creation (2, 3, 5). */
static void test_by_order(void **state)
{
    struct fake_plugin f = fake_new("combiner_layerdot", "layerdot", "match=order");
    tcet_metric a = metric(modules_a, shuffled, values_a, 3, 0);
    tcet_metric b = metric(modules_a, shuffled, values_b, 3, 1);
    double out;

    (void)state;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, 2 * 11 + 3 * 13 + 5 * 7);
    assert_int_equal(fake_guards("layerdot_uneven_lists"), 0);
    b.order = partly;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, 2 * 13 + 3 * 11);
    assert_int_equal(fake_guards("layerdot_uneven_lists"), 1);
    assert_int_equal(score(f, &b, &a, &out), TCET_OK);
    assert_near(out, 2 * 13 + 3 * 11);
    fake_free(f);
}

static void test_network(void **state)
{
    struct fake_plugin product = fake_new("combiner_product", "product", "");
    struct fake_plugin wproduct = fake_new("combiner_product", "wproduct", "alpha=0.5");
    struct fake_plugin sum = fake_new("combiner_product", "sum", "");
    struct fake_plugin weighted = fake_new("combiner_product", "sum", "weights=2,-0.5");
    struct fake_plugin three = fake_new("combiner_product", "sum", "weights=1,2,3");
    struct fake_plugin bad;
    tcet_metric a = {.struct_size = sizeof a, .direction = 1, .value = 4};
    tcet_metric b = {.struct_size = sizeof b, .direction = 1, .value = 3};
    tcet_status st;
    double out = 0;

    (void)state;
    assert_int_equal(score(product, &a, &b, &out), TCET_OK);
    assert_near(out, 12);
    assert_int_equal(score(wproduct, &a, &b, &out), TCET_OK);
    assert_near(out, 6);
    assert_int_equal(score(sum, &a, &b, &out), TCET_OK);
    assert_near(out, 7);
    assert_int_equal(score(weighted, &a, &b, &out), TCET_OK);
    assert_near(out, 6.5);
    b.direction = -1;
    assert_int_equal(score(sum, &a, &b, &out), TCET_OK);
    assert_near(out, 1);
    assert_int_equal(score(three, &a, &b, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "3 numbers for 2 metrics"));
    for (size_t i = 0; i < 4; i++) {
        static const char *const texts[] = {"weights=1,,2", "weights=1,x", "weights=1,",
                                            "weights=nan,1"};

        bad = fake_try("combiner_product", "sum", texts[i], &st);
        assert_int_equal(st, TCET_E_ARG);
        assert_non_null(strstr(fake.message, texts[i] + 8));
        free(bad.self);
    }
    fake_free(product);
    fake_free(wproduct);
    fake_free(sum);
    fake_free(weighted);
    fake_free(three);
}

/* Logs weighted; smaller is better counts negative; what has no log is worst, and counted. */
static void test_logsum(void **state)
{
    struct fake_plugin f = fake_new("combiner_product", "logsum", "weights=2,0.5");
    struct fake_plugin plus = fake_new("combiner_product", "logsum", "transform=log1p");
    struct fake_plugin sign = fake_new("combiner_product", "logsum", "transform=signed");
    tcet_metric a = {.struct_size = sizeof a, .direction = 1, .value = 4};
    tcet_metric b = {.struct_size = sizeof b, .direction = -1, .value = 3};
    double out = 0;

    (void)state;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, 2 * log(4) - 0.5 * log(3));
    assert_int_equal(score(plus, &a, &b, &out), TCET_OK);
    assert_near(out, log(5) - log(4));
    a.value = -4;
    assert_int_equal(score(sign, &a, &b, &out), TCET_OK);
    assert_near(out, -log(5) - log(4));
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_true(isinf(out) && out < 0);
    fake_free(f);
    fake_free(plus);
    fake_free(sign);
}

/* Ranks among a population of a file: between two linear, mean rank where equal, more is higher beyond
 * both ends; its columns are found by name, quoted or not, and text is no column of numbers. */
static void test_reference(void **state)
{
    static const char text[] = "# two metrics\narch,\"a\",b\n\"x,y\",1,5\nz,3,5\nw,2,\nv,3,nan\n";
    char path[] = "/tmp/tcet-reference-XXXXXX", settings[128];
    int fd = mkstemp(path);
    struct fake_plugin f, mean;
    tcet_metric a = {.struct_size = sizeof a, .direction = 1, .name = "a", .value = 2};
    tcet_metric b = {.struct_size = sizeof b, .direction = -1, .name = "b", .value = 5};
    tcet_metric arch = {.struct_size = sizeof arch, .direction = 1, .name = "arch", .value = 1};
    double out = 0, higher;
    tcet_status st;

    (void)state;
    assert_true(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    snprintf(settings, sizeof settings, "reference=%s", path);
    f = fake_new("combiner_reference", "refrank", settings);
    snprintf(settings, sizeof settings, "reference=%s log=0", path);
    mean = fake_new("combiner_reference", "refrank", settings);
    /* a: 1, 2, 3, 3: 2 is second of four.  b: 5, 5: its mean rank, 1.5 of two, from above. */
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_near(out, log(2.0 / 5) + log(1 - 1.5 / 3));
    a.value = 2.5; /* halfway from rank 2 to the mean of 3 and 4 */
    assert_int_equal(score(mean, &a, &b, &out), TCET_OK);
    assert_near(out, (2.75 / 5 + 0.5) / 2);
    out = -INFINITY;
    for (a.value = -3; a.value < 9; a.value += 0.25) {
        assert_int_equal(score(f, &a, &b, &higher), TCET_OK);
        assert_true(higher >= out && isfinite(higher));
        assert_true(higher > out || a.value == 3);
        out = higher;
    }
    a.value = NAN;
    assert_int_equal(score(f, &a, &b, &out), TCET_OK);
    assert_true(isnan(out));
    assert_int_equal(score(f, &b, &arch, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "no numbers in column \"arch\""));
    arch.name = "c";
    assert_int_equal(score(f, &b, &arch, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "no column \"c\""));
    fake_free(f);
    fake_free(mean);
    snprintf(settings, sizeof settings, "reference=%s", path);
    assert_int_equal(truncate(path, sizeof text - 6), 0); /* the last line is "v,3" */
    f = fake_try("combiner_reference", "refrank", settings, &st);
    assert_int_equal(st, TCET_E_ARG);
    assert_non_null(strstr(fake.message, ":6: fewer fields"));
    free(f.self);
    f = fake_try("combiner_reference", "refrank", "reference=/tmp", &st);
    assert_int_equal(st, TCET_E_ARG);
    free(f.self);
    unlink(path);
}

static void test_elements(void **state)
{
    static const double x[] = {1, 2, 3, 4}, y[] = {5, -6, 7, 0};
    struct fake_plugin f = fake_new("combiner_product", "param_product", "");
    const tcet_combiner_ops *ops = f.ops;
    double z[4] = {9, 9, 9, 9};
    tcet_view vx = F64(x, 2, 2), vy = F64(y, 2, 2), vz = F64(z, 2, 2);
    const tcet_view *list[] = {&vx, &vy};

    (void)state;
    assert_int_equal(ops->elements(fake_begin(), f.self, list, 2, &vz), TCET_OK);
    assert_near(z[0], 5);
    assert_near(z[1], -12);
    assert_near(z[2], 21);
    assert_near(z[3], 0);
    fake_free(f);
}

static void ranks(const char *id, const char *settings, const double *a, int da, const double *b,
                  int db, int64_t n, double *out)
{
    struct fake_plugin f = fake_new("combiner_rank", id, settings);
    const tcet_combiner_ops *ops = f.ops;
    tcet_column ca = {.struct_size = sizeof ca, .direction = da, .count = n, .values = a};
    tcet_column cb = {.struct_size = sizeof cb, .direction = db, .count = n, .values = b};
    const tcet_column *list[] = {&ca, &cb};

    assert_int_equal(ops->rank(fake_begin(), f.self, list, 2, out), TCET_OK);
    fake_free(f);
}

static void check(const double *got, const double *want, int n)
{
    for (int i = 0; i < n; i++)
        assert_near(got[i], want[i]);
}

/* Column a: 10 20 20 nan inf -> ranks 2 3.5 3.5 1 5; b, smaller is better: 1 2 3 4 5 ->
 * 5 4 3 2 1. */
static void test_ranks(void **state)
{
    static const double a[] = {10, 20, 20, NAN, INFINITY}, b[] = {1, 2, 3, 4, 5};
    double out[5];

    (void)state;
    ranks("rankave", "", a, 1, b, -1, 5, out);
    check(out, (const double[]){3.5, 3.75, 3.25, 1.5, 3}, 5);
    ranks("rankave", "ties=min", a, 1, b, -1, 5, out);
    check(out, (const double[]){3.5, 3.5, 3, 1.5, 3}, 5);
    ranks("rankave", "ties=dense", a, 1, b, -1, 5, out);
    check(out, (const double[]){3.5, 3.5, 3, 1.5, 2.5}, 5);
    ranks("logrank", "", a, 1, b, -1, 5, out);
    check(out,
          (const double[]){log(0.4), log(0.7) + log(0.8), log(0.7) + log(0.6), log(0.2) + log(0.4),
                           log(0.2)},
          5);
    ranks("rankave", "", a, 1, b, -1, 0, out);
}

/* 1.2345 and 1.2312 are equal to three digits, 1.24 is not; NaN stays the worst. */
static void test_tenas(void **state)
{
    static const double a[] = {1.2345, 1.2312, 1.24, NAN}, b[] = {100, 200, 300, 400};
    double out[4];

    (void)state;
    ranks("tenas", "", a, -1, b, 1, 4, out);
    check(out, (const double[]){3 + 1, 3 + 2, 2 + 3, 1 + 4}, 4);
    ranks("tenas", "digits=4", a, -1, b, 1, 4, out);
    check(out, (const double[]){3 + 1, 4 + 2, 2 + 3, 1 + 4}, 4);
}

/* Duels of three: 0 beats 2 on both columns, 0 and 1 draw, 1 beats 2 by one and a tie. */
static void test_vote(void **state)
{
    static const double a[] = {3, 2, 1}, b[] = {2, 3, 1}, tie[] = {1, 1, 1};
    double out[3];

    (void)state;
    ranks("vote", "", a, 1, b, 1, 3, out);
    check(out, (const double[]){0.75, 0.75, 0}, 3);
    ranks("vote", "", a, 1, tie, 1, 3, out);
    check(out, (const double[]){1, 0.5, 0}, 3);
    ranks("vote", "", a, -1, tie, 1, 3, out);
    check(out, (const double[]){0, 0.5, 1}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_module), cmocka_unit_test(test_by_order),
        cmocka_unit_test(test_network),   cmocka_unit_test(test_logsum),
        cmocka_unit_test(test_reference), cmocka_unit_test(test_elements),
        cmocka_unit_test(test_ranks),     cmocka_unit_test(test_tenas),
        cmocka_unit_test(test_vote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
