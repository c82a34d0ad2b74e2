/* Protects: tables, loader and statistics together reproduce known correlations of zero-cost
 * scores with trained accuracy.  The expected figures were computed from the tables' sources,
 * independently of this code, and cut to four digits, hence DIGIT.  For CIFAR-100 and
 * ImageNet16-120 they stem from means whose rounding errors split equal accuracies, which the table,
 * with its four decimals, does not: split() adds errors of that size. */
#include "table/table.h" /* before cmocka, whose macro fail() would rename a member */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/stats.h"

#define DIGIT    2e-4
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct table *load(const char *name)
{
    struct arena a = {0};
    struct error err = {0};
    struct table *t = NULL;
    const char *path;

    if (table_path(name, TCET_TEST_BUILD "/share/tcet", &a, &path, &err) ||
        table_load(path, NULL, &t, &err))
        fail_msg("%s", err.text);
    arena_free(&a);
    return t;
}

static const double *column(const struct table *t, const char *name)
{
    struct error err = {0};
    const double *v = NULL;

    if (table_column(t, name, &v, &err))
        fail_msg("%s", err.text);
    return v;
}

static void near(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s: %.5f is not %.4f", what, value, expected);
}

/* v with equal values told apart at random, as by rounding errors; the caller frees it. */
static double *split(const double *v, size_t n, uint64_t random)
{
    double *out = malloc(n * sizeof *out);

    for (size_t i = 0; i < n; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        out[i] = v[i] + 1e-9 * ((double)(random >> 11) * 0x1p-53);
    }
    return out;
}

struct figure {
    const char *score, *accuracy;
    double tau, rho; /* rho 0: not known */
};

static void compare(const struct figure *f, const double *x, const double *y, size_t n,
                    double tolerance)
{
    near(f->score, stats_kendall(x, y, n), f->tau, tolerance);
    if (f->rho != 0)
        near(f->score, stats_spearman(x, y, n), f->rho, tolerance);
}

static void check(const struct table *t, const struct figure *f, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        compare(&f[i], column(t, f[i].score), column(t, f[i].accuracy), t->rows, tolerance);
}

/* The same of accuracies that are split, on either side. */
static void check_split(const struct table *t, const struct figure *f, size_t count,
                        double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        const double *x = column(t, f[i].score);
        double *y = split(column(t, f[i].accuracy), t->rows, 1), *accuracy = NULL;

        if (!strncmp(f[i].score, "val_", 4) || !strncmp(f[i].score, "test_", 5))
            x = accuracy = split(x, t->rows, 2);
        compare(&f[i], x, y, t->rows, tolerance);
        free(accuracy);
        free(y);
    }
}

/* NASLib's count of FLOPs of a cell, in millions: it has every architecture, the column only those
 * without a dead edge. */
static double naslib_flops(const char *arch)
{
    static const struct {
        const char *op;
        double more; /* than a 1 x 1 convolution */
    } ops[] = {{"none", -4.36224},
               {"skip_connect", -4.36224},
               {"nor_conv_3x3", 31.45728},
               {"avg_pool_3x3", -3.072}};
    double sum = 34.117312;

    for (size_t i = 0; i < COUNT(ops); i++) {
        for (const char *p = arch; (p = strstr(p, ops[i].op)); p++)
            sum += ops[i].more;
    }
    return sum;
}

/* all 15,625 cells */
static void nats_tss(void **state)
{
    static const struct figure cifar10[] = {
        {"params", "test_cifar10", .5764, .7513},  {"flops", "test_cifar10", .5764, .7513},
        {"depth", "test_cifar10", .5786, 0},       {"nbsz_zen_cifar10", "test_cifar10", .2962, 0},
        {"val_cifar10", "test_cifar10", .8790, 0},
    };
    static const struct figure others[] = {
        {"params", "test_cifar100", .5518, .7265},
        {"params", "test_ImageNet16-120", .5191, .6904},
        {"depth", "test_cifar100", .5917, 0},
        {"depth", "test_ImageNet16-120", .5730, 0},
        {"nbsz_zen_cifar100", "test_cifar100", .2822, 0},
        {"nbsz_zen_ImageNet16-120", "test_ImageNet16-120", .2945, 0},
        {"val_cifar100", "test_cifar100", .9573, 0},
        {"val_ImageNet16-120", "test_ImageNet16-120", .9649, 0},
    };
    static const struct figure rough[] = {
        {"test_cifar10", "test_cifar100", .874, 0},
        {"test_cifar10", "test_ImageNet16-120", .835, 0},
    };
    static const struct figure flops[] = {{"NASLib's FLOPs", "test_cifar10", .5396, 0},
                                          {"NASLib's FLOPs", "test_cifar100", .5156, 0},
                                          {"NASLib's FLOPs", "test_ImageNet16-120", .4854, 0}};
    struct table *t = load("nats_tss");
    const double *known = column(t, "nbsz_flops_cifar10");
    double *mine = malloc(t->rows * sizeof *mine);

    (void)state;
    assert_int_equal(t->rows, 15625);
    check(t, cifar10, COUNT(cifar10), DIGIT);
    for (size_t i = 0; i < t->rows; i++) {
        mine[i] = naslib_flops(t->arch[i]);
        if (!isnan(known[i]))
            near(t->arch[i], mine[i], known[i], 1e-5);
    }
    for (size_t i = 0; i < COUNT(flops); i++) {
        const double *exact = column(t, flops[i].accuracy);
        double *y = split(exact, t->rows, 1);

        compare(&flops[i], mine, i ? y : exact, t->rows, DIGIT); /* CIFAR-10's are not split */
        free(y);
    }
    check_split(t, others, COUNT(others), DIGIT);
    check_split(t, rough, COUNT(rough), 1e-3);
    free(mine);
    table_free(t);
}

/* a column over the 9,445 cells without a dead edge */
static double *pack(const struct table *t, const char *name)
{
    const double *live = column(t, "all_edges_live"), *v = column(t, name);
    double *out = malloc(t->rows * sizeof *out);
    size_t n = 0;

    for (size_t i = 0; i < t->rows; i++) {
        if (live[i] != 0) {
            assert_false(isnan(v[i]));
            out[n++] = v[i];
        }
    }
    assert_int_equal(n, 9445);
    return out;
}

static double *proxy(const struct table *t, const char *name, const char *data)
{
    char text[64];

    snprintf(text, sizeof text, "nbsz_%s_%s", name, data);
    return pack(t, text);
}

static void live_cells(void **state)
{
    static const struct {
        const char *proxy;
        double cifar10, imagenet; /* 0: not known */
    } f[] = {
        {"nwot", .6226, .6139},    {"params", .6213, .5467},  {"jacov", .6139, .6024},
        {"synflow", .5783, .5386}, {"epe_nas", .5768, .2168}, {"flops", .5721, .5005},
        {"l2_norm", .5498, .5455}, {"snip", .4415, .4038},    {"grad_norm", .4398, .4043},
        {"fisher", .3994, .3582},  {"grasp", .3770, .3742},   {"zen", .1091, .0919},
        {"plain", -.2334, 0},
    };
    struct table *t = load("nats_tss");
    double *c10 = pack(t, "test_cifar10"), *in16 = pack(t, "test_ImageNet16-120");
    double *in16_split = split(in16, 9445, 1);

    (void)state;
    for (size_t i = 0; i < COUNT(f); i++) {
        double *a = proxy(t, f[i].proxy, "cifar10"), *b = proxy(t, f[i].proxy, "ImageNet16-120");

        near(f[i].proxy, stats_kendall(a, c10, 9445), f[i].cifar10, DIGIT);
        if (f[i].imagenet != 0)
            near(f[i].proxy, stats_kendall(b, in16_split, 9445), f[i].imagenet, DIGIT);
        free(a);
        free(b);
    }
    free(c10);
    free(in16);
    free(in16_split);
    table_free(t);
}

/* partial tau of two scores, the accuracy held fixed */
static void partial(void **state)
{
    static const struct {
        const char *a, *b;
        double value;
    } f[] = {
        {"synflow", "nwot", .3146},   {"snip", "synflow", .2480}, {"snip", "nwot", .4490},
        {"snip", "grad_norm", .8850}, {"zen", "synflow", .1997},  {"jacov", "nwot", .3670},
    };
    struct table *t = load("nats_tss");
    double *y = pack(t, "test_cifar10");

    (void)state;
    for (size_t i = 0; i < COUNT(f); i++) {
        double *a = proxy(t, f[i].a, "cifar10"), *b = proxy(t, f[i].b, "cifar10");
        double ab = stats_kendall(a, b, 9445), ay = stats_kendall(a, y, 9445);

        near(f[i].a, stats_partial(ab, ay, stats_kendall(b, y, 9445)), f[i].value, DIGIT);
        free(a);
        free(b);
    }
    free(y);
    table_free(t);
}

/* mean of ranks, and of their logarithms */
static void rank_average(void **state)
{
    static const struct {
        const char *data, *a, *b;
        double mean, log;
    } f[] = {
        {"cifar10", "synflow", "nwot", .6543, .6607},
        {"cifar10", "jacov", "synflow", .7070, .7189},
        {"cifar10", "jacov", "flops", .7354, .7525},
        {"ImageNet16-120", "synflow", "nwot", .6288, .6325},
        {"ImageNet16-120", "jacov", "synflow", .6685, .6780},
        {"ImageNet16-120", "jacov", "flops", .6757, .6893},
    };
    struct table *t = load("nats_tss");
    double ra[9445], rb[9445];

    (void)state;
    for (size_t i = 0; i < COUNT(f); i++) {
        double *a = proxy(t, f[i].a, f[i].data), *b = proxy(t, f[i].b, f[i].data), *exact, *y;
        char name[64];

        snprintf(name, sizeof name, "test_%s", f[i].data);
        exact = pack(t, name);
        y = split(exact, 9445, 1);
        stats_rank(a, 9445, STATS_AVERAGE, ra);
        stats_rank(b, 9445, STATS_AVERAGE, rb);
        for (size_t k = 0; k < 9445; k++) {
            a[k] = ra[k] + rb[k];
            b[k] = log(ra[k]) + log(rb[k]);
        }
        near(f[i].a, stats_kendall(a, y, 9445), f[i].mean, DIGIT);
        near(f[i].a, stats_kendall(b, y, 9445), f[i].log, DIGIT);
        free(a);
        free(b);
        free(exact);
        free(y);
    }
    table_free(t);
}

static void top(void **state)
{
    static const struct {
        const char *proxy, *data;
        double best[3]; /* of the first 1, 10, 100 */
    } f[] = {
        {"synflow", "cifar10", {93.76, 94.36, 94.37}},
        {"nwot", "cifar10", {93.32, 93.63, 93.89}},
        {"snip", "cifar10", {82.04, 91.39, 93.63}},
        {"nwot", "ImageNet16-120", {45.90, 45.90, 46.55}},
        {"synflow", "ImageNet16-120", {41.44, 46.34, 46.83}},
        {"snip", "ImageNet16-120", {20.56, 33.10, 45.39}},
    };
    struct table *t = load("nats_tss");

    (void)state;
    for (size_t i = 0; i < COUNT(f); i++) {
        char name[64];
        double *x = proxy(t, f[i].proxy, f[i].data), *y;
        size_t k = 1;

        snprintf(name, sizeof name, "test_%s", f[i].data);
        y = pack(t, name);
        for (int j = 0; j < 3; j++, k *= 10) {
            struct stats_top s;

            stats_top_k(x, y, 9445, k, &s);
            near(f[i].proxy, s.best, f[i].best[j], .011);
        }
        free(x);
        free(y);
    }
    table_free(t);
}

static void nb_macro(void **state)
{
    static const struct figure f[] = {
        {"params", "test_cifar10", .2176, .3179},
        {"flops", "test_cifar10", .5560, .7478},
        {"depth", "test_cifar10", .6933, .8323},
    };
    struct table *t = load("nb_macro");

    (void)state;
    assert_int_equal(t->rows, 6561);
    check(t, f, COUNT(f), DIGIT);
    near("22212220", column(t, "test_cifar10")[table_row(t, "22212220")], 93.1267, 1e-9);
    table_free(t);
}

static void transnas(void **state)
{
    static const struct figure micro[] = {
        {"nbsz_synflow_class_scene", "val_class_scene", .532, 0},
        {"nbsz_synflow_class_object", "val_class_object", .325, 0},
        {"nbsz_synflow_jigsaw", "val_jigsaw", .319, 0},
        {"nbsz_synflow_room_layout", "val_room_layout", .178, 0},
        {"nbsz_zen_class_scene", "val_class_scene", .523, 0},
        {"nbsz_zen_class_object", "val_class_object", .372, 0},
        {"nbsz_zen_jigsaw", "val_jigsaw", .352, 0},
        {"nbsz_zen_normal", "val_normal", .521, 0},
        {"nbsz_zen_segmentsemantic", "val_segmentsemantic", .473, 0},
        {"nbsz_zen_room_layout", "val_room_layout", .247, 0},
        {"nbsz_zen_autoencoder", "val_autoencoder", .091, 0},
    };
    static const struct figure macro[] = {
        {"nbsz_synflow_class_scene", "val_class_scene", .188, 0},
        {"nbsz_synflow_class_object", "val_class_object", .082, 0},
        {"nbsz_synflow_jigsaw", "val_jigsaw", .237, 0},
        {"nbsz_zen_class_scene", "val_class_scene", .182, 0},
        {"nbsz_zen_class_object", "val_class_object", .066, 0},
        {"nbsz_zen_jigsaw", "val_jigsaw", .165, 0},
    };
    struct table *t = load("transnas_micro");

    (void)state;
    assert_int_equal(t->rows, 4096);
    assert_true(table_row(t, "64-41414-3_33_333") >= 0);
    check(t, micro, COUNT(micro), 6e-4); /* three digits */
    table_free(t);
    t = load("transnas_macro");
    assert_int_equal(t->rows, 3256);
    assert_true(table_row(t, "64-111114-basic") >= 0);
    check(t, macro, COUNT(macro), 6e-4);
    table_free(t);
}

/* rows in the official order, and the published optimum */
static void nats_sss(void **state)
{
    struct table *t = load("nats_sss");
    const double *v = column(t, "val_cifar100");
    double best = 0;

    (void)state;
    assert_int_equal(t->rows, 32768);
    assert_int_equal(table_row(t, "8:8:8:8:8"), 0);
    assert_int_equal(table_row(t, "64:64:64:64:64"), 32767);
    for (size_t i = 0; i < t->rows; i++)
        best = v[i] > best ? v[i] : best;
    near("best", best, 70.92, 1e-9);
    table_free(t);
}

/* NASLib's 725 of the DARTS space, its scores with the surrogate's accuracy */
static void nb301(void **state)
{
    static const struct figure figures[] = {
        {"nbsz_synflow", "val_cifar10", .146, 0},    {"nbsz_snip", "val_cifar10", -.024, 0},
        {"nbsz_grad_norm", "val_cifar10", -.011, 0}, {"nbsz_grasp", "val_cifar10", .202, 0},
        {"nbsz_fisher", "val_cifar10", -.205, 0},    {"nbsz_jacov", "val_cifar10", -.026, 0},
        {"nbsz_nwot", "val_cifar10", .391, 0},       {"nbsz_params", "val_cifar10", .367, 0},
        {"nbsz_flops", "val_cifar10", .336, 0},      {"nbsz_l2_norm", "val_cifar10", .366, 0},
    };
    struct table *t = load("nb301");
    const double *v = column(t, "val_cifar10");
    double low = INFINITY, high = 0;

    (void)state;
    assert_int_equal(t->rows, 725);
    assert_true(table_is_trained(t, "val_cifar10") && !table_is_trained(t, "nbsz_synflow"));
    check(t, figures, COUNT(figures), 6e-4); /* three digits */
    for (size_t i = 0; i < t->rows; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    near("worst", low, 91.24, 5e-3);
    near("best", high, 94.49, 5e-3);
    table_free(t);
}

/* NASLib's 500 of NAS-Bench-101, its scores with the validation accuracy */
static void nb101(void **state)
{
    static const struct figure figures[] = {
        {"nbsz_synflow", "val_cifar10", .452, 0},   {"nbsz_snip", "val_cifar10", .298, 0},
        {"nbsz_grad_norm", "val_cifar10", .242, 0}, {"nbsz_grasp", "val_cifar10", -.009, 0},
        {"nbsz_fisher", "val_cifar10", .238, 0},    {"nbsz_jacov", "val_cifar10", -.339, 0},
        {"nbsz_params", "val_cifar10", .518, 0},    {"nbsz_flops", "val_cifar10", .520, 0},
        {"nbsz_l2_norm", "val_cifar10", .377, 0},
    };
    struct table *t = load("nb101");

    (void)state;
    assert_int_equal(t->rows, 500);
    assert_true(table_is_trained(t, "val_cifar10") && !table_is_trained(t, "nbsz_synflow"));
    check(t, figures, COUNT(figures), 6e-4); /* three digits */
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nats_tss),     cmocka_unit_test(live_cells), cmocka_unit_test(partial),
        cmocka_unit_test(rank_average), cmocka_unit_test(top),        cmocka_unit_test(nb_macro),
        cmocka_unit_test(transnas),     cmocka_unit_test(nats_sss),   cmocka_unit_test(nb301),
        cmocka_unit_test(nb101),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
