/* test_table_nds.c -- protects NDS's files as tables: which entry comes first, what of it is a value,
 * and that a file cut anywhere is an error with its line. */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/tcet-nds-XXXXXX.json";

static int make_path(void **state)
{
    int fd = mkstemps(path, 5);

    (void)state;
    return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static tcet_status load(const char *content, size_t n, struct table **t, struct error *err)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, n, f), n);
    fclose(f);
    return table_load(path, NULL, t, err);
}

static const double *column(const struct table *t, const char *name)
{
    const double *values;
    struct error err;

    assert_int_equal(table_column(t, name, &values, &err), TCET_OK);
    return values;
}

#define NET(d)                                                                              \
    "{\"block_type\":\"res_basic_block\",\"ds\":[1," d ",1,1],\"ws\":[16,16,24,32],\"ss\":" \
    "[1,1,2,2],\"bot_muls\":[],\"num_gs\":[]}"

/* The file has "mid" first, an entry of it once more, and a NaN. */
static void values(void **state)
{
    struct table *t;
    struct error err = {0};

    (void)state;
    assert_int_equal(table_load(TCET_TEST_DATA "/table/nds.json", NULL, &t, &err), TCET_OK);
    assert_true(t->rows == 3 && t->duplicates == 1);
    assert_int_equal(table_row(t, NET("1")), 0);
    assert_int_equal(table_row(t, NET("2")), 1);
    assert_int_equal(table_row(t, NET("3")), 2);
    assert_true(column(t, "test")[0] == 91.5 && column(t, "test_best")[0] == 91.75);
    assert_true(isnan(column(t, "test")[1]) && column(t, "test_best")[1] == 91);
    assert_true(column(t, "test")[2] == 80 && column(t, "test_best")[2] == 80.5);
    assert_true(column(t, "params")[2] == 3000 && column(t, "flops")[2] == 3e6);
    assert_true(table_is_trained(t, "test") && !table_is_trained(t, "params"));
    table_free(t);
}

static void cut(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = fopen(TCET_TEST_DATA "/table/nds.json", "r");
    struct table *t;

    (void)state;
    assert_non_null(f);
    assert_true(getdelim(&text, &n, '\0', f) > 0);
    fclose(f);
    n = strlen(text) - 1; /* the newline may be missing */
    for (size_t stop = 0; stop <= n; stop++) {
        struct error err = {0};
        tcet_status st = load(text, stop, &t, &err);

        assert_int_equal(st, stop < n ? TCET_E_ARG : TCET_OK);
        if (st >= 0)
            table_free(t);
        else if (!strstr(err.text, ".json:"))
            fail_msg("cut at %zu: \"%s\" names no line", stop, err.text);
    }
    free(text);
}

static void wrong(void **state)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"3", ":1: entry 1: a list of entries, or \"top\" and \"mid\", is expected"},
        {"[]", ": holds no entry"},
        {"{}", ": holds no entry"},
        {"[{\"params\": 1}]", ":1: entry 1: its \"net\" is expected"},
        {"[{\"net\": {}},\n7]", ":2: entry 2: an object is expected"},
        {"[{\"net\": {}, \"net\": {}}]", ":1: entry 1: one \"net\" is expected"},
        {"{\"low\": []}", ":1: entry 1: \"top\" or \"mid\" is expected"},
        {"{\"top\": 3}", ":1: entry 1: a list of entries is expected"},
        {"[{\"net\": {}}] 3", ":1: entry 2: nothing is expected behind the value"},
        {"[{\"net\": {\"ds\": [1 2]}}]", ":1: entry 1: ',' or ']' is expected"},
        {"[{\"net\": {}, \"test_ep_top1\": \"6.5\"}]",
         ":1: entry 1: a number, or a list of them is expected"},
        {"[{\"net\": {}, \"test_ep_top1\": [7, \"6.5\"]}]",
         ":1: entry 1: a number, or a list of them is expected"},
        {"[{\"net\": {}, \"test_ep_top1\": {}}]",
         ":1: entry 1: a number, or a list of them is expected"},
    };
    struct table *t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};

        assert_int_equal(load(rows[i].json, strlen(rows[i].json), &t, &err), TCET_E_ARG);
        if (!strstr(err.text, rows[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].json, err.text, rows[i].want);
    }
}

/* What else a table may be told. */
static void options(void **state)
{
    static const struct table_options key = {.key = "params"};
    static const struct table_options error = {.duplicates = TABLE_DUPLICATES_ERROR};
    struct error err = {0};
    struct table *t;

    (void)state;
    assert_int_equal(table_load(TCET_TEST_DATA "/table/nds.json", &key, &t, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "the architectures of a .json are its entries' \"net\""));
    assert_int_equal(table_load(TCET_TEST_DATA "/table/nds.json", &error, &t, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "stands in line"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(cut),
        cmocka_unit_test(wrong),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
