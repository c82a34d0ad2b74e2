/* test_report_discover.c -- protects the search for combinations: all are tried once, a planted one is found,
 * and a score is what its name says.  Room: tests. */
#include "report/discover.h" /* before cmocka, whose macro fail() would rename a member */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { N = 60, WIDTH = 2, ALL = (1 << DISCOVER_FORMS) - 1 };

/* Metrics: a and b, whose product is the accuracy; noise; and less, of which less is better. */
static double a[N], b[N], noise[N], less[N], accuracy[N], layers_a[N * WIDTH], layers_b[N * WIDTH];
static struct discover_metric metric[4];
static const double *accuracies[] = {accuracy};

static struct discover_set planted(void)
{
    uint32_t x = 12345;

    for (size_t i = 0; i < N; i++) {
        double u[3];

        for (int k = 0; k < 3; k++)
            u[k] = (double)((x = x * 1664525u + 1013904223u) >> 8) / 16777216.0;
        a[i] = exp(2 * u[0]);
        b[i] = exp(2 * u[1]);
        noise[i] = 1 + u[2];
        less[i] = 2 - u[2];
        accuracy[i] = a[i] * b[i];
        layers_a[2 * i] = a[i];
        layers_a[2 * i + 1] = 1;
        layers_b[2 * i] = 2;
        layers_b[2 * i + 1] = b[i];
    }
    metric[0] = (struct discover_metric){"a", 1, a, layers_a};
    metric[1] = (struct discover_metric){"b", 1, b, layers_b};
    metric[2] = (struct discover_metric){"noise", 1, noise, NULL};
    metric[3] = (struct discover_metric){"less", -1, less, NULL};
    return (struct discover_set){N, WIDTH, 4, metric, accuracies, 1};
}

static struct discover_options options(void)
{
    return (struct discover_options){
        .forms = ALL, .most = 2, .weight = {1, 2, 4}, .weight_count = 3, .keep = 500};
}

static size_t best(const struct discover_set *s, const struct discover_options *o,
                   struct arena *mem, struct discover_candidate **out, size_t *count)
{
    struct error err = {0};
    size_t tried;

    if (discover_best(s, o, mem, out, count, &tried, &err) < 0)
        fail_msg("%s", err.text);
    return tried;
}

/* Four alone; six pairs with logsum's weights 1:1, 1:2, 1:4, 2:1, 4:1 (2:2, 2:4 ... order as these do),
 * logrank, rankave; one pair has layers.  No two are the same. */
static void all_are_tried_once(void **state)
{
    struct discover_set s = planted();
    struct discover_options o = options();
    struct discover_candidate *c;
    struct arena mem = {0};
    size_t count;

    (void)state;
    assert_int_equal(best(&s, &o, &mem, &c, &count), 4 + 6 * 7 + 1);
    assert_int_equal(count, 4 + 6 * 7 + 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || c[i].tau <= c[i - 1].tau);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(discover_name(&s, &c[i], &mem), discover_name(&s, &c[k], &mem));
    }
    o.most = 3;
    o.forms = 1u << DISCOVER_LOGRANK;
    assert_int_equal(best(&s, &o, &mem, &c, &count), 6 + 4);
    arena_free(&mem);
}

/* Also where few networks rank all first. */
static void the_planted_product_is_found(void **state)
{
    struct discover_set s = planted();
    struct discover_options o = options();
    struct discover_candidate *c;
    struct arena mem = {0};
    size_t count;

    (void)state;
    o.most = 4;
    o.keep = 3;
    for (o.screen = 0; o.screen <= 20; o.screen += 20) {
        best(&s, &o, &mem, &c, &count);
        assert_int_equal(count, 3);
        assert_string_equal(discover_name(&s, &c[0], &mem), "logsum(a, b)");
        assert_true(c[0].tau == 1.0);
        assert_true(c[1].tau < 1.0);
    }
    arena_free(&mem);
}

/* Near to noise, of all that the product is not better than: itself alone, and what it ties with; near to it,
 * of candidates that are all alike, the one with its order. */
static void the_nearest_of_equals(void **state)
{
    struct discover_set s = planted();
    struct discover_options o = options();
    struct discover_candidate *c;
    struct arena mem = {0};
    const volatile int stop = 1;
    struct error err = {0};
    double product[N];
    size_t count, all;

    (void)state;
    all = best(&s, &o, &mem, &c, &count);
    assert_int_equal(count, all);
    assert_int_equal(discover_nearest(&s, noise, NULL, c, &count, &err), TCET_OK);
    assert_in_range(count, 1, 3); /* the weighted products are worse by far */
    for (size_t i = 0; i < count; i++)
        assert_true(c[i].tau > 0.9);

    for (size_t i = 0; i < N; i++) /* by noise nothing is told from anything */
        accuracy[i] = less[i] > 1.5 ? noise[i] : 3 - noise[i];
    for (size_t i = 0; i < N; i++)
        product[i] = a[i] * b[i];
    best(&s, &o, &mem, &c, &count);
    all = count;
    assert_int_equal(discover_nearest(&s, product, NULL, c, &count, &err), TCET_OK);
    assert_in_range(count, 2, all);
    for (size_t i = 1; i < count; i++)
        assert_true(c[i - 1].agreement >= c[i].agreement);
    assert_int_equal(discover_nearest(&s, product, &stop, c, &count, &err), TCET_E_CANCELLED);
    arena_free(&mem);
}

static void check(const struct discover_set *s, enum discover_form form, const int *metrics,
                  size_t count, const double *weight, const double *want)
{
    struct discover_candidate c = {.form = form, .count = count};
    double got[N];

    memcpy(c.metric, metrics, count * sizeof *metrics);
    memcpy(c.weight, weight, count * sizeof *weight);
    discover_values(s, &c, got);
    for (size_t i = 0; i < s->count; i++)
        assert_true(got[i] == want[i] || fabs(got[i] - want[i]) < 1e-12);
}

/* Scores of three networks by hand: turned where less is better, NaN and what has no log worst. */
static void scores_are_what_they_say(void **state)
{
    static const double x[] = {4, NAN, 1}, y[] = {3, 1, 0}, lx[] = {1, 2, 3, 0, 5, 0},
                        ly[] = {2, 1, 4, 9, 1, 7}, one[] = {1, 1}, two[] = {2, 1};
    const struct discover_metric m[] = {{"x", 1, x, lx}, {"y", -1, y, ly}};
    const struct discover_set s = {3, 2, 2, m, NULL, 0};
    const int both[] = {0, 1};

    (void)state;
    check(&s, DISCOVER_SINGLE, both, 1, one, (const double[]){4, -INFINITY, 1});
    check(&s, DISCOVER_SINGLE, both + 1, 1, one, (const double[]){-3, -1, -0.0});
    check(&s, DISCOVER_LAYERDOT, both, 2, one, (const double[]){4, 12, 5});
    check(&s, DISCOVER_LOGSUM, both, 2, two,
          (const double[]){2 * log(4) - log(3), -INFINITY, -INFINITY});
    check(&s, DISCOVER_LOGRANK, both, 2, one,
          (const double[]){log(1.0 / 3), log(1.0 / 3) + log(2.0 / 3), log(2.0 / 3)});
    check(&s, DISCOVER_RANKAVE, both, 2, (const double[]){0.5, 0.5}, (const double[]){2, 1.5, 2.5});
}

/* A part has the chosen architectures' values, layers and accuracies, in the order asked for. */
static void parts_are_parts(void **state)
{
    struct discover_set s = planted(), part;
    const size_t index[] = {7, 3};
    struct arena mem = {0};

    (void)state;
    part = discover_part(&s, index, 2, &mem);
    assert_int_equal(part.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(part.metrics[2].values[i] == noise[index[i]]);
        assert_true(part.accuracy[0][i] == accuracy[index[i]]);
        assert_true(part.metrics[1].layers[2 * i + 1] == b[index[i]]);
    }
    assert_null(part.metrics[2].layers);
    arena_free(&mem);
}

static void a_stop_is_an_error(void **state)
{
    struct discover_set s = planted();
    struct discover_options o = options();
    struct discover_candidate *c;
    struct error err = {0};
    struct arena mem = {0};
    int stop = 1;
    size_t count, tried;

    (void)state;
    o.stop = &stop;
    assert_int_equal(discover_best(&s, &o, &mem, &c, &count, &tried, &err), TCET_E_CANCELLED);
    arena_free(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_tried_once),    cmocka_unit_test(the_planted_product_is_found),
        cmocka_unit_test(the_nearest_of_equals), cmocka_unit_test(scores_are_what_they_say),
        cmocka_unit_test(parts_are_parts),       cmocka_unit_test(a_stop_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
