/* Protects: tau-b, rho and their relatives against definitions written out pair by pair, on
 * columns with many ties; ranks; the two kinds of interval; top-k; degenerate inputs; speed at
 * the size of NAS-Bench-101.  */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "num/rng.h"
#include "num/stats.h"

static void close_to(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12))
        fail_msg("%.17g is not %.17g", value, expected);
}

static double sign(double v)
{
    return (v > 0) - (v < 0);
}

/* tau-b by its definition; item `without` left out */
static double slow_kendall(const double *x, const double *y, size_t n, size_t without)
{
    double balance = 0, untied_x = 0, untied_y = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double a = sign(x[i] - x[j]), b = sign(y[i] - y[j]);

            if (i == without || j == without)
                continue;
            balance += a * b;
            untied_x += a * a;
            untied_y += b * b;
        }
    }
    return balance / sqrt(untied_x * untied_y);
}

static void kendall_by_definition(void **state)
{
    uint64_t seed = 3;
    double x[150], y[150];

    (void)state;
    for (size_t round = 0; round < 300; round++) {
        size_t n = 2 + rng_mix(&seed) % 149;
        uint64_t levels = round % 3 == 0 ? 4 : round % 3 == 1 ? 20 : UINT64_C(1) << 40;

        for (size_t i = 0; i < n; i++) {
            x[i] = (double)(rng_mix(&seed) % levels) - 2;
            y[i] = x[i] * (double)(round % 5) - (double)(rng_mix(&seed) % levels) * 1e-3;
        }
        x[0] = x[1] + 1; /* no constant column */
        y[0] = y[1] - 1;
        close_to(stats_kendall(x, y, n), slow_kendall(x, y, n, n));
    }
}

static void known_values(void **state)
{
    static const double a[] = {12, 2, 1, 12, 2}, b[] = {1, 4, 7, 1, 0};
    static const double c[] = {1, 2, 3, 4, 5}, d[] = {5, 6, 7, 8, 7};
    static const double zeros[] = {-0.0, 0.0, 1, INFINITY, -INFINITY};

    (void)state;
    close_to(stats_kendall(a, b, 5), -0.47140452079103173); /* scipy's manual */
    close_to(stats_spearman(c, d, 5), 0.8207826816681233);  /* scipy's manual */
    close_to(stats_pearson(c, d, 5), 6 / sqrt(10 * 5.2));
    close_to(stats_kendall(c, c, 5), 1);
    close_to(stats_kendall(zeros, zeros, 5), 1);
    close_to(stats_partial(.5, .4, .3), .38 / sqrt(.84 * .91));
    assert_true(isnan(stats_partial(1, 1, 1)));
}

static void undefined_values(void **state)
{
    static const double one[] = {1, 1, 1}, other[] = {1, 2, 3};
    struct stats_interval v;
    struct stats_moments m;

    (void)state;
    assert_true(isnan(stats_kendall(one, other, 3)));
    assert_true(isnan(stats_kendall(other, one, 3)));
    assert_true(isnan(stats_spearman(one, other, 3)));
    assert_true(isnan(stats_pearson(other, one, 3)));
    for (size_t n = 0; n < 2; n++) {
        assert_true(isnan(stats_kendall(other, other, n)));
        assert_true(isnan(stats_spearman(other, other, n)));
        assert_true(isnan(stats_pearson(other, other, n)));
        assert_true(isnan(stats_kendall_interval(other, other, n, 0, 1).low));
    }
    v = stats_kendall_interval(one, other, 3, 0, 1);
    assert_true(isnan(v.low) && isnan(v.high));
    m = stats_moments(one, 3);
    assert_true(m.mean == 1 && m.std == 0 && isnan(m.ratio));
    m = stats_moments(one, 0);
    assert_true(isnan(m.mean) && isnan(m.std));
}

static void ranks(void **state)
{
    static const double x[] = {3, -1, 3, 0, -0.0, 7, 3};
    static const double average[] = {5, 1, 5, 2.5, 2.5, 7, 5}, dense[] = {3, 1, 3, 2, 2, 4, 3};
    static const double least[] = {4, 1, 4, 2, 2, 7, 4};
    double r[7];

    (void)state;
    stats_rank(x, 7, STATS_AVERAGE, r);
    assert_memory_equal(r, average, sizeof r);
    stats_rank(x, 7, STATS_DENSE, r);
    assert_memory_equal(r, dense, sizeof r);
    stats_rank(x, 7, STATS_MIN, r);
    assert_memory_equal(r, least, sizeof r);
    stats_rank(x, 0, STATS_MIN, r);
}

/* a request for more replicates than there is time for selects the jackknife at any n */
static void jackknife_by_definition(void **state)
{
    enum { N = 60 };
    uint64_t seed = 8;
    double x[N], y[N], tau[N], mean = 0, squares = 0, all, error;
    struct stats_interval v;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (double)(rng_mix(&seed) % 9);
        y[i] = x[i] + (double)(rng_mix(&seed) % 12);
    }
    all = slow_kendall(x, y, N, N);
    for (size_t i = 0; i < N; i++) {
        tau[i] = slow_kendall(x, y, N, i);
        mean += tau[i] / N;
    }
    for (int i = 0; i < N; i++)
        squares += (tau[i] - mean) * (tau[i] - mean);
    error = 1.959963984540054 * sqrt((N - 1.0) / N * squares);
    v = stats_kendall_interval(x, y, N, SIZE_MAX, 1);
    assert_string_equal(v.method, "jackknife");
    close_to(v.low, all - error);
    close_to(v.high, all + error);
}

/* Each item's own tau without it stands at its place, with ties in both columns; and a difference of two
 * columns on the same items is judged by theirs. */
static void without_each(void **state)
{
    enum { N = 60 };
    uint64_t seed = 8;
    double x[N], worse[N], noise[N], y[N], out[N], of_worse[N], of_noise[N], all, tau, low;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (double)(rng_mix(&seed) % 9);
        y[i] = x[i] + (double)(rng_mix(&seed) % 12);
        worse[i] = x[i] + (double)(rng_mix(&seed) % 2);
        noise[i] = (double)(rng_mix(&seed) % 100);
    }
    all = stats_kendall_without(x, y, N, out);
    close_to(all, slow_kendall(x, y, N, N));
    for (size_t i = 0; i < N; i++)
        close_to(out[i], slow_kendall(x, y, N, i));
    tau = stats_kendall_without(worse, y, N, of_worse);
    low = stats_kendall_without(noise, y, N, of_noise);
    assert_true(low < tau && tau < all);
    assert_true(stats_is_better(out, all, of_noise, low, N));
    assert_false(stats_is_better(of_noise, low, out, all, N));
    assert_false(stats_is_better(out, all, of_worse, tau, N));
    assert_false(stats_is_better(out, all, out, all, N));
    for (int i = 0; i < N; i++) /* one number that differs: nothing is left without it */
        noise[i] = i == 7;
    low = stats_kendall_without(noise, y, N, of_noise);
    assert_true(isnan(of_noise[7]) && stats_is_better(out, all, of_noise, low, N));
    assert_true(isnan(stats_kendall_without(x, y, 2, out)) && isnan(out[0]) && isnan(out[1]));
}

static void bootstrap_interval(void **state)
{
    enum { N = 400 };
    uint64_t seed = 9;
    double x[N], y[N], tau;
    struct stats_interval a, b, c, d;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (double)(rng_mix(&seed) >> 40);
        y[i] = x[i] + (double)(rng_mix(&seed) >> 40);
    }
    tau = stats_kendall(x, y, N);
    a = stats_kendall_interval(x, y, N, 0, 1);
    b = stats_kendall_interval(x, y, N, 1000, 1);
    c = stats_kendall_interval(x, y, N, 0, 2);
    d = stats_kendall_interval(x, y, N, SIZE_MAX, 1);
    assert_string_equal(a.method, "bootstrap 1000");
    assert_true(a.low == b.low && a.high == b.high); /* the seed decides */
    assert_true(a.low != c.low);
    assert_true(a.low < tau && tau < a.high);
    assert_true(fabs(a.low - d.low) < .01 &&
                fabs(a.high - d.high) < .01); /* two ways, one answer */
    assert_true(fabs(a.low - c.low) < .01 && fabs(a.high - c.high) < .01);
}

static void relation_is_the_parts(void **state)
{
    enum { N = 300 };
    uint64_t seed = 4;
    double x[N], y[N];
    struct stats_relation r;
    struct stats_interval v;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (double)(rng_mix(&seed) % 30);
        y[i] = x[i] - (double)(rng_mix(&seed) % 50);
    }
    stats_relate(x, y, N, 100, 7, NULL, &r);
    v = stats_kendall_interval(x, y, N, 100, 7);
    assert_true(r.kendall == stats_kendall(x, y, N));
    assert_true(r.spearman == stats_spearman(x, y, N));
    assert_true(r.interval.low == v.low && r.interval.high == v.high);
    assert_string_equal(r.interval.method, "bootstrap 100");
    stats_relate(x, y, 1, 0, 7, NULL, &r);
    assert_true(isnan(r.kendall) && isnan(r.spearman) && isnan(r.interval.low));
}

/* An order that is kept between columns changes no number, also where the second column is another one, of
 * another length. */
static void a_kept_order_is_no_other(void **state)
{
    enum { N = 200 };
    uint64_t seed = 9;
    double x[N], y[N], z[N];
    struct stats_order kept = {.n = 0};

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (double)(rng_mix(&seed) % 40);
        y[i] = x[i] - (double)(rng_mix(&seed) % 60);
        z[i] = y[i] + (double)(i % 3);
    }
    for (int round = 0; round < 4; round++) {
        const double *other = round == 2 ? z : y;
        size_t n = round == 3 ? N - 7 : N;
        struct stats_relation with, without;

        stats_relate(x, other, n, 100, 7, &kept, &with);
        stats_relate(x, other, n, 100, 7, NULL, &without);
        assert_true(with.kendall == without.kendall && with.spearman == without.spearman);
        assert_true(with.interval.low == without.interval.low);
        assert_int_equal(kept.n, n);
    }
    stats_order_free(&kept);
    assert_null(kept.y);
}

static void top_k(void **state)
{
    static const double score[] = {1, 5, 5, 5, -2}, accuracy[] = {90, 70, 80, 95, 99};
    struct stats_top t;

    (void)state;
    stats_top_k(score, accuracy, 5, 2, &t); /* two of three equal scores, on average */
    assert_int_equal(t.k, 2);
    close_to(t.best, (80 + 95 + 95) / 3.0);
    close_to(t.regret, 9);
    close_to(t.mean, (70 + 80 + 95) / 3.0);
    stats_top_k(score, accuracy, 5, 4, &t); /* all three and one more */
    assert_true(t.k == 4 && t.best == 95 && t.regret == 4);
    close_to(t.mean, 83.75);
    stats_top_k(score, accuracy, 5, 100, &t);
    assert_true(t.k == 5 && t.best == 99 && t.regret == 0);
    close_to(t.mean, 86.8);
    stats_top_k(score, accuracy, 5, 0, &t);
    assert_true(t.k == 0 && isnan(t.best) && isnan(t.regret));
    stats_top_k(score, accuracy, 0, 3, &t);
    assert_true(t.k == 0 && isnan(t.mean));
}

/* No order of the rows changes a bit of what is said of the k best, however many scores tie. */
static void top_k_of_reordered_rows(void **state)
{
    enum { N = 500 };
    static double score[N], accuracy[N];
    static const size_t ks[] = {1, 10, 100, 200};
    struct stats_top want[4], got;
    uint64_t noise = 3;

    (void)state;
    for (int i = 0; i < N; i++) {
        score[i] = (double)(rng_mix(&noise) % 7);
        accuracy[i] = (double)(rng_mix(&noise) % 1000) / 7;
    }
    for (int round = 0; round < 20; round++) {
        for (int k = 0; k < 4; k++) {
            stats_top_k(score, accuracy, N, ks[k], &got);
            if (!round)
                want[k] = got;
            assert_memory_equal(&got, &want[k], sizeof got);
        }
        for (int i = N - 1; i > 0; i--) { /* another order */
            int j = (int)(rng_mix(&noise) % (uint64_t)(i + 1));
            double s = score[i], a = accuracy[i];

            score[i] = score[j];
            accuracy[i] = accuracy[j];
            score[j] = s;
            accuracy[j] = a;
        }
    }
}

/* Numbers of any size: what has no unit is the same to the bit as of the same numbers times a power
 * of two, what has one is that power larger. */
static void numbers_of_any_size(void **state)
{
    static const double x[] = {1, 2, 4, 3.5, -1.25}, y[] = {3, 1, 5, 4, 0.5};
    static const int powers[] = {-1060, -600, -100, 100, 600, 1020};
    double want = stats_pearson(x, y, 5), large[5];
    struct stats_moments m = stats_moments(x, 5), other = stats_moments(y, 5), l;

    (void)state;
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        for (int k = 0; k < 5; k++)
            large[k] = ldexp(x[k], powers[i]);
        assert_true(stats_pearson(large, y, 5) == want);
        assert_true(stats_pearson(y, large, 5) == want);
        l = stats_moments(large, 5);
        assert_true(l.ratio == m.ratio);
        assert_true(isfinite(stats_product_share(l, l)));
        if (powers[i] < -1000) /* a mean has fewer bits there than a double */
            continue;
        assert_true(l.mean == ldexp(m.mean, powers[i]) && l.std == ldexp(m.std, powers[i]));
        close_to(stats_product_share(l, other), stats_product_share(m, other));
    }
}

/* Orders of many: numbers that differ in their last bits alone, equal ones, both signs, the same in
 * their first bits by the hundred and by the few; and the first of them. */
static void orders_of_many(void **state)
{
    enum { N = 6000 };
    static double x[N], rank[N], accuracy[N];
    static const size_t ks[] = {1, 100, 128, 129, 5000};
    uint64_t noise = 1;

    (void)state;
    for (int i = 0; i < N; i++) {
        double v = (double)(rng_mix(&noise) % 3000) * 0x1p-50; /* ties among 3000 neighbours */

        x[i] = i % 3 == 0 ? 1 + v : i % 3 == 1 ? -1 - v : (double)i / 7 * (i % 2 ? 1 : -1);
        accuracy[i] = (double)(rng_mix(&noise) >> 40);
    }
    stats_rank(x, N, STATS_MIN, rank);
    for (int i = 0; i < N; i += 31) {
        size_t below = 0;

        for (int k = 0; k < N; k++)
            below += x[k] < x[i];
        assert_true(rank[i] == (double)(below + 1));
    }
    for (size_t k = 0; k < sizeof ks / sizeof *ks; k++) {
        double sum = 0;
        struct stats_top t;

        for (int i = 0; i < N;
             i++) { /* of equals the first: whole numbers, so any order sums alike */
            size_t before = 0;

            for (int j = 0; j < N && before < ks[k]; j++)
                before += x[j] > x[i] || (x[j] == x[i] && j < i);
            sum += before < ks[k] ? accuracy[i] : 0;
        }
        stats_top_k(x, accuracy, N, ks[k], &t);
        assert_true(t.mean == sum / (double)ks[k]);
    }
}

static void moments_and_product(void **state)
{
    static const double wide[] = {1, 2, 3, 4}, narrow[] = {100, 101, 99, 100};
    struct stats_moments a, b;

    (void)state;
    a = stats_moments(wide, 4);
    b = stats_moments(narrow, 4);
    close_to(a.mean, 2.5);
    close_to(a.std, sqrt(5.0 / 3));
    close_to(a.ratio, 2.5 / sqrt(5.0 / 3));
    assert_true(stats_product_share(a, b) > .999); /* the part with the smaller mean/std */
    close_to(stats_product_share(a, b) + stats_product_share(b, a), 1);
    close_to(stats_product_share(a, a), .5);
}

/* `correlate` answers at once even on 423,624 rows; the bound is generous for slow machines and
 * sanitizers, an O(n^2) slip would take minutes */
static void large_tables(void **state)
{
    size_t n = 423624;
    double *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    uint64_t seed = 5;
    struct stats_relation r;
    clock_t start;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(rng_mix(&seed) >> 11);
        y[i] = (i % 2 ? x[i] : -x[i]) + (double)(rng_mix(&seed) >> 11);
    }
    start = clock();
    stats_relate(x, y, n, 0, 1, NULL, &r);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
    assert_string_equal(r.interval.method, "jackknife");
    assert_true(r.interval.low < r.kendall && r.kendall < r.interval.high);
    assert_true(r.interval.high - r.interval.low < .01);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kendall_by_definition),
        cmocka_unit_test(known_values),
        cmocka_unit_test(undefined_values),
        cmocka_unit_test(ranks),
        cmocka_unit_test(jackknife_by_definition),
        cmocka_unit_test(without_each),
        cmocka_unit_test(bootstrap_interval),
        cmocka_unit_test(relation_is_the_parts),
        cmocka_unit_test(a_kept_order_is_no_other),
        cmocka_unit_test(top_k),
        cmocka_unit_test(orders_of_many),
        cmocka_unit_test(moments_and_product),
        cmocka_unit_test(top_k_of_reordered_rows),
        cmocka_unit_test(numbers_of_any_size),
        cmocka_unit_test(large_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
