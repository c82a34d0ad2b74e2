/* test_report_lines.c -- protects the table of proxies: no figure stands where there is no
 * information, and what machines read has every digit.  Room: tests. */
#include "report/report.h" /* before cmocka, whose macro fail() would rename a member */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 12 };
static const double accuracy[N] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static struct report make(const struct report_series *columns, size_t count, int pairs,
                          struct report_input *in)
{
    struct error err = {0};
    struct report r;

    *in = (struct report_input){.series = columns,
                                .series_count = count,
                                .count = N,
                                .accuracy = accuracy,
                                .accuracy_name = "acc",
                                .population = "all"};
    if (report_make(in, pairs, &r, &err))
        fail_msg("%s", err.text);
    return r;
}

static const char *printed(const struct report_series *columns, size_t count, int pairs,
                           enum report_format format)
{
    static char text[4096];
    struct report_input in;
    struct report r = make(columns, count, pairs, &in);
    struct buf b = {0};

    report_print(&in, &r, format, 0, &b);
    snprintf(text, sizeof text, "%s", b.data);
    buf_free(&b);
    report_free(&r);
    return text;
}

/* Scores that are all equal or no numbers name no best; some numbers name as many. */
static void nothing_to_rank_by(void **state)
{
    double none[N], tied[N], some[N];
    struct report_series columns[] = {{.column = {.name = "none", .direction = 1}, .values = none},
                                      {.column = {.name = "tied", .direction = 1}, .values = tied},
                                      {.column = {.name = "some", .direction = 1}, .values = some}};
    struct report_input in;
    struct report r;
    const char *text;

    (void)state;
    for (int i = 0; i < N; i++) {
        none[i] = NAN;
        tied[i] = 3;
        some[i] = i < 3 ? i : NAN;
    }
    r = make(columns, 3, 0, &in);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(r.lines[0].top[k].k, 0);
        assert_int_equal(r.lines[1].top[k].k, 0);
        assert_int_equal(r.lines[2].top[k].k, k == 0);
    }
    assert_true(r.lines[2].top[0].best == 3);
    report_free(&r);
    text = printed(columns, 2, 0, REPORT_TEXT);
    assert_null(strstr(text, "nan "));
    assert_non_null(strstr(text, "none "));
    for (const char *line = strstr(text, "none"); *line && *line != '\n'; line++)
        assert_true(*line != '.'); /* no figure */
}

/* One number above NaN that ranks lowest is a best; Pearson is that of the finite scores; a published
 * 0 is a number; and fewer than ten have no interval. */
static void few_numbers(void **state)
{
    double one[N], line[N];
    struct report_series columns[] = {
        {.column = {.name = "one", .direction = 1}, .values = one},
        {.column = {.name = "line", .direction = 1}, .values = line, .has_published = 1}};
    struct report_input in;
    struct report r;
    const char *text;

    (void)state;
    for (int i = 0; i < N; i++) {
        one[i] = i == 5 ? 1 : NAN;
        line[i] = 2 * i;
    }
    line[3] = NAN;
    line[0] = -INFINITY;
    r = make(columns, 2, 0, &in);
    assert_false(isnan(r.lines[0].relation.kendall));
    assert_int_equal(r.lines[0].top[0].k, 1);
    assert_true(r.lines[0].top[0].best == 6);
    in.count = 9;
    report_free(&r);
    assert_int_equal(report_make(&in, 0, &r, &(struct error){0}), TCET_OK);
    assert_true(isnan(r.lines[1].relation.interval.low));
    report_free(&r);
    text = printed(columns, 2, 0, REPORT_CSV);
    assert_non_null(strstr(text, ",published"));
    text = printed(columns, 2, 0, REPORT_JSON);
    assert_non_null(strstr(text, "\"pearson\":1,"));
    assert_non_null(strstr(text, "\"published\":0"));
}

/* Fractions keep the digits that tell them apart. */
static void fractions(void **state)
{
    double x[N], fraction[N];
    struct report_series column = {.column = {.name = "x", .direction = 1}, .values = x};
    struct report_input in;
    struct report r;
    struct buf b = {0};

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = i;
        fraction[i] = 0.9 + 0.001 * i;
    }
    x[10] = 100;
    r = make(&column, 1, 0, &in);
    in.accuracy = fraction;
    report_free(&r);
    assert_int_equal(report_make(&in, 0, &r, &(struct error){0}), TCET_OK);
    report_print(&in, &r, REPORT_TEXT, 0, &b);
    assert_non_null(strstr(b.data, " 0.9100 "));
    assert_non_null(strstr(b.data, " 0.0010 "));
    buf_free(&b);
    report_free(&r);
}

/* Seeds of which one gave no numbers agree on nothing. */
static void stability(void **state)
{
    double a[N], b[N], none[N];
    struct report_series columns[] = {{.column = {.name = "x"}, .values = a},
                                      {.column = {.name = "x@2"}, .values = none},
                                      {.column = {.name = "x@3"}, .values = b}};
    struct report_stability s;

    (void)state;
    for (int i = 0; i < N; i++) {
        a[i] = i;
        b[i] = i < 6 ? NAN : -i; /* the six both have, in the opposite order */
        none[i] = NAN;
    }
    s = report_stability(columns, 2, N, "x", 1);
    assert_int_equal(s.pairs, 1);
    assert_int_equal(s.compared, 0);
    assert_true(isnan(s.tau));
    s = report_stability(columns, 3, N, "x", 1);
    assert_int_equal(s.compared, 1);
    assert_true(fabs(s.tau + 1) < 1e-12);
    assert_int_equal(report_stability(columns, 3, N, "y", 1).pairs, 0);
    assert_int_equal(report_stability(columns, 3, N, "x", 0).pairs, s.pairs - 2);
}

/* CSV: every digit, nothing where there is nothing, one table. */
static void csv(void **state)
{
    double x[N], none[N];
    struct report_series columns[] = {{.column = {.name = "x", .direction = 1}, .values = x},
                                      {.column = {.name = "none", .direction = 1}, .values = none}};
    const char *text, *line;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = i * i % 7;
        none[i] = NAN;
    }
    text = printed(columns, 2, 0, REPORT_CSV);
    line = strstr(text, "\nx,");
    assert_non_null(line);
    assert_true(strcspn(line + 3, ",") > strlen("0.1234"));
    assert_non_null(strstr(text, "\nnone,,,,,,,,,,12,12\n"));
    text = printed(columns, 2, 1, REPORT_CSV);
    assert_true(!strncmp(text, "x,y,", 4));
    assert_null(strstr(text, "proxy"));
}

/* A column of numbers keeps its right edge where one is lacking; encodings are text. */
static void alignment(void **state)
{
    static const char *const cells[] = {"a",     "tau", "arch", "x",   "0.1234",
                                        "00112", "y",   "-",    "8:16"};
    struct buf b = {0};

    (void)state;
    report_table(&b, cells, 3, 3, REPORT_TEXT, 0);
    assert_string_equal(b.data, "a     tau  arch\n"
                                "x  0.1234  00112\n"
                                "y       -  8:16\n");
    buf_free(&b);
}

/* Names of any kind stay in their cell of a Markdown table, and are no markup. */
static void markdown(void **state)
{
    static const char *const cells[] = {
        "arch", "a*b*", "|nor_conv_1x1~0|+|none~0|none~1|", "[x](y)", "\\|`<i>_&amp;_", "a_b"};
    struct buf b = {0};

    (void)state;
    report_table(&b, cells, 3, 2, REPORT_MARKDOWN, 0);
    assert_string_equal(b.data, "| arch                                     | a\\*b\\*  |\n"
                                "|---|---|\n"
                                "| \\|nor_conv_1x1\\~0\\|+\\|none\\~0\\|none\\~1\\| | "
                                "\\[x](y) |\n"
                                "| \\\\\\|\\`\\<i>\\_\\&amp;\\_                     | a_b     |\n");
    b.len = 0;
    report_table(&b, cells, 3, 2, REPORT_CSV, 0);
    assert_non_null(strstr(b.data, "\n|nor_conv_1x1~0|+|none~0|none~1|,[x](y)\n"));
    buf_free(&b);
}

/* A paper's tau of a pair stands beside the plain one, under that name. */
static void published_pair(void **state)
{
    double x[N], y[N];
    const struct report_series columns[] = {{.column = {.name = "x", .direction = 1}, .values = x},
                                            {.column = {.name = "y", .direction = 1}, .values = y}};
    const struct report_published published = {"y", "x", .94};
    struct report_input in;
    struct report r;
    struct buf b = {0};

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = i;
    }
    r = make(columns, 2, 0, &in);
    report_free(&r);
    in.published = &published;
    in.published_count = 1;
    assert_int_equal(report_make(&in, 0, &r, &(struct error){0}), TCET_OK);
    assert_int_equal(r.pair_count, 1);
    assert_true(fabs(report_tau(&r.pairs[0]) - 1) < 1e-12);
    assert_true(r.pairs[0].published == .94);
    report_print(&in, &r, REPORT_CSV, 0, &b);
    assert_true(!strncmp(b.data, "x,y,\"tau(x,y)\",\"published tau(x,y)\",partial tau,", 46));
    assert_non_null(strstr(b.data, ",0.94,"));
    b.len = 0;
    report_print(&in, &r, REPORT_JSON, 0, &b);
    assert_non_null(strstr(b.data, "\"published_tau\":0.9"));
    report_free(&r);
    buf_free(&b);
}

/* What is wider than the screen goes on below, each part with the first column. */
static void folded(void **state)
{
    static const char *const cells[] = {"proxy", "tau", "rho", "n", "a", "0.1", "0.25", "10"};
    struct buf b = {0};

    (void)state;
    report_table(&b, cells, 2, 4, REPORT_TEXT, 14);
    assert_string_equal(b.data, "proxy  tau\n"
                                "a      0.1\n"
                                "\n"
                                "proxy   rho\n"
                                "a      0.25\n"
                                "\n"
                                "proxy   n\n"
                                "a      10\n");
    b.len = 0;
    report_table(&b, cells, 2, 4, REPORT_TEXT, 16);
    assert_string_equal(b.data, "proxy  tau   rho\n"
                                "a      0.1  0.25\n"
                                "\n"
                                "proxy   n\n"
                                "a      10\n");
    b.len = 0;
    report_table(&b, cells, 2, 4, REPORT_CSV, 3);
    assert_string_equal(b.data, "proxy,tau,rho,n\na,0.1,0.25,10\n");
    buf_free(&b);
}

/* Taus of every two scores and the accuracy, where both are numbers; less is better is turned. */
static void matrix(void **state)
{
    static const double up[] = {1, 2, 3, 4}, mixed[] = {1, 3, 2, NAN}, cost[] = {4, 3, 2, 1};
    static const double accuracy[] = {1, 2, 4, 3};
    const struct report_series columns[] = {
        {.column = {.name = "up", .direction = 1}, .values = up},
        {.column = {.name = "mixed", .direction = 1}, .values = mixed},
        {.column = {.name = "cost", .direction = -1}, .values = cost},
        {.column = {.name = "up@2", .direction = 1}, .values = up, .repeat = 1}};
    struct report_input in = {.series = columns,
                              .series_count = 4,
                              .count = 4,
                              .accuracy = accuracy,
                              .accuracy_name = "acc",
                              .population = "all (4)"};
    struct buf b = {0};

    (void)state;
    report_matrix(&in, REPORT_TEXT, &b);
    assert_string_equal(b.data, "tau        up   mixed    cost     acc\n"
                                "up     1.0000  0.3333  1.0000  0.6667\n"
                                "mixed  0.3333  1.0000  0.3333  0.3333\n"
                                "cost   1.0000  0.3333  1.0000  0.6667\n"
                                "acc    0.6667  0.3333  0.6667  1.0000\n");
    in.accuracy = NULL;
    in.series_count = 2;
    b.len = 0;
    report_matrix(&in, REPORT_JSON, &b);
    assert_non_null(
        strstr(b.data, "\"names\":[\"up\",\"mixed\"],\"matrix\":[[1,0.333333333333333"));
    in.count = 1; /* nothing to compare */
    b.len = 0;
    report_matrix(&in, REPORT_CSV, &b);
    assert_string_equal(b.data, "tau,up,mixed\nup,,\nmixed,,\n");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_rank_by),
        cmocka_unit_test(few_numbers),
        cmocka_unit_test(fractions),
        cmocka_unit_test(stability),
        cmocka_unit_test(csv),
        cmocka_unit_test(alignment),
        cmocka_unit_test(markdown),
        cmocka_unit_test(published_pair),
        cmocka_unit_test(folded),
        cmocka_unit_test(matrix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
