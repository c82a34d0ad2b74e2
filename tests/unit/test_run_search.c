/* test_run_search.c -- protects what searches leave: lines written are lines read, the best, the
 * front, its hypervolume and the curve are what they should be, and search.csv is gone on with, or
 * refused. */
#include "run/ledger.h"
#include "search/found.h"
#include "search/lines.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tcet-search.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/search.csv", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct buf read_file(void)
{
    struct buf b = {0};
    FILE *f = fopen(path, "r");
    char chunk[4096];
    size_t n;

    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&b, chunk, n);
    fclose(f);
    return b;
}

/* A line of a search of two objectives. */
static void add_line(struct buf *b, int64_t seed, int64_t ask, const char *arch, const char *status,
                     double one, double two, double best)
{
    const double values[] = {one, two};
    struct line l = {.seed = seed,
                     .ask = ask,
                     .arch = arch,
                     .parents = {ask > 1, 0},
                     .origin = "random",
                     .status = status,
                     .values = values,
                     .value_count = 2,
                     .params = 1e6,
                     .macs = NAN,
                     .counts = {.of = {3, 0.5, -0.0, NAN, NAN}},
                     .best = best,
                     .accuracy = 93.25};

    line_write(&l, b);
}

/* Texts with commas and quotes, signed zeros, whole numbers, infinities and what is not known. */
static void lines_are_read_as_written(void **state)
{
    const double sign[] = {1, -1};
    struct search_settings s = {.objective_count = 2,
                                .objective = {{.written = "a"}, {.written = "b,c"}}};
    struct buf b = {0};
    struct found f;
    struct error err;

    (void)state;
    line_header(&s, "test", &b);
    assert_string_equal(b.data,
                        "seed,ask,arch,parents,origin,status,score,\"b,c\",params,macs,size,"
                        "layers,flops,best,test\n");
    add_line(&b, 1, 1, "(4, 0, \"3\")", "scored", 0.1, INFINITY, 0.1);
    add_line(&b, 1, 2, "=x", "over:size", NAN, NAN, 0.1);
    add_line(&b, 1, 3, "y", "reused", -3, 12345678901234., -3);
    write_text(b.data);
    assert_int_equal(found_read(path, 2, sign, &f, &err), TCET_OK);
    assert_int_equal(f.count, 3);
    assert_string_equal(f.asks[0].arch, "(4, 0, \"3\")");
    assert_true(f.asks[0].values[0] == 0.1 && f.asks[0].values[1] == INFINITY);
    assert_true(f.asks[0].params == 1e6 && isnan(f.asks[0].macs));
    assert_true(f.asks[0].counts.of[COUNT_LAYERS] == 3 && f.asks[0].counts.of[COUNT_SIZE] == 0.5);
    assert_true(signbit(f.asks[0].counts.of[COUNT_FLOPS]));
    assert_true(f.asks[0].scored && f.asks[0].has && f.asks[0].accuracy == 93.25);
    assert_string_equal(f.asks[1].arch, "=x");
    assert_true(!f.asks[1].has && isnan(f.asks[1].values[0]));
    assert_true(!f.asks[2].scored && f.asks[2].has && f.asks[2].values[1] == 12345678901234.);
    found_free(&f);
    write_text("seed,ask\n1,1,x\n");
    assert_int_equal(found_read(path, 2, sign, &f, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "search.csv:2: no line of a search"));
    buf_free(&b);
}

/* Larger first, smaller second: (3, 5) and (2, 1) dominate (2, 5) and (1, 9), and equal the second
 * (3, 5) that is another encoding. */
static void the_front_is_what_nobody_dominates(void **state)
{
    const double sign[] = {1, -1}, from[] = {0, 10};
    const struct found_ask **list;
    struct search_settings s = {.objective_count = 2,
                                .objective = {{.written = "a"}, {.written = "b"}}};
    struct buf b = {0};
    struct found f;
    struct error err;
    size_t count;

    (void)state;
    line_header(&s, "", &b);
    add_line(&b, 1, 1, "low", "scored", 1, 9, 1);
    add_line(&b, 1, 2, "mid", "scored", 2, 5, 2);
    add_line(&b, 1, 3, "top", "scored", 3, 5, 3);
    add_line(&b, 2, 1, "slim", "scored", 2, 1, 2);
    add_line(&b, 2, 2, "twin", "scored", 3, 5, 3);
    add_line(&b, 2, 3, "top", "reused", 3, 5, 3);
    write_text(b.data);
    assert_int_equal(found_read(path, 2, sign, &f, &err), TCET_OK);
    list = found_front(&f, &count);
    assert_int_equal(count, 3);
    assert_string_equal(list[0]->arch, "top");
    assert_string_equal(list[1]->arch, "twin");
    assert_string_equal(list[2]->arch, "slim");
    assert_true(found_hypervolume(&f, from, -1) == 3 * 5 + 2 * 4);
    assert_true(found_hypervolume(&f, from, 1) == 3 * 5);
    assert_string_equal(found_best(&f)->arch, "top");
    list = found_top(&f, 3, &count);
    assert_int_equal(count, 3);
    assert_string_equal(list[2]->arch, "slim"); /* the second objective parts equals of the first */
    found_free(&f);
    buf_free(&b);
}

/* Only what was scored counts as an evaluation; a search that is shorter has no part in later ones. */
static void a_curve_is_over_searches(void **state)
{
    const double sign[] = {1, 1};
    const struct found_point *p;
    struct search_settings s = {.objective_count = 2,
                                .objective = {{.written = "a"}, {.written = "b"}}};
    struct buf b = {0};
    struct found f;
    struct error err;
    size_t count;

    (void)state;
    line_header(&s, "", &b);
    add_line(&b, 1, 1, "a", "scored", 1, 0, 1);
    add_line(&b, 1, 2, "a", "reused", 1, 0, 1);
    add_line(&b, 1, 3, "b", "scored", 4, 0, 4);
    add_line(&b, 2, 1, "c", "over:size", NAN, NAN, NAN);
    add_line(&b, 2, 2, "d", "scored", 3, 0, 3);
    write_text(b.data);
    assert_int_equal(found_read(path, 2, sign, &f, &err), TCET_OK);
    p = found_curve(&f, 0, &count);
    assert_int_equal(count, 2);
    assert_true(p[0].evaluations == 1 && p[0].n == 2 && p[0].mean == 2 && p[0].median == 2);
    assert_true(p[0].low == 1.5 && p[0].high == 2.5 && fabs(p[0].std - sqrt(2)) < 1e-15);
    assert_true(p[1].evaluations == 2 && p[1].n == 1 && p[1].mean == 4 && isnan(p[1].std));
    found_free(&f);
    buf_free(&b);
}

static void expect_file(const char *want)
{
    struct buf b = read_file();

    assert_string_equal(b.data, want);
    buf_free(&b);
}

/* What a kill cut off is gone; equal lines are not written again; others are an error, and what was
 * there stays. */
static void a_ledger_goes_on(void **state)
{
    const char *first;
    struct ledger l;
    struct error err;

    (void)state;
    unlink(path);
    assert_int_equal(ledger_open(&l, folder, "h\n", 0, &err), TCET_OK);
    assert_int_equal(ledger_add(&l, "1,1\n1,2\n", 8, &err), TCET_OK);
    assert_int_equal(ledger_sync(&l, &err), TCET_OK);
    ledger_close(&l);
    expect_file("h\n1,1\n1,2\n");
    assert_int_equal(ledger_open(&l, folder, "h\n", 0, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "use --resume"));
    ledger_close(&l);
    write_text("h\n1,1\n1,2\n12,");
    assert_int_equal(ledger_open(&l, folder, "h\n", 1, &err), TCET_OK);
    assert_int_equal(ledger_stored(&l, 1, &first), 2);
    assert_string_equal(first, "1,1\n1,2\n");
    assert_int_equal(ledger_stored(&l, 12, &first), 0);
    assert_null(first);
    assert_int_equal(ledger_add(&l, "1,1\n", 4, &err), TCET_OK);
    assert_int_equal(ledger_add(&l, "1,2\n12,1\n", 9, &err), TCET_OK);
    ledger_close(&l);
    expect_file("h\n1,1\n1,2\n12,1\n");
    assert_int_equal(ledger_open(&l, folder, "h\n", 1, &err), TCET_OK);
    assert_int_equal(ledger_add(&l, "1,1\n1,3\n", 8, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "it has \"1,2\" where this one gives \"1,3\""));
    ledger_close(&l);
    assert_int_equal(ledger_open(&l, folder, "other\n", 1, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "its columns are not those of this search"));
    ledger_close(&l);
    expect_file("h\n1,1\n1,2\n12,1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_read_as_written, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(the_front_is_what_nobody_dominates, make_folder,
                                        drop_folder),
        cmocka_unit_test_setup_teardown(a_curve_is_over_searches, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_ledger_goes_on, make_folder, drop_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
