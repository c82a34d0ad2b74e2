/* test_store_untrusted.c -- protects whoever exports a scores.db that came from elsewhere:
 * what is not JSON is not copied into JSON, counts do not overflow, and a file with views or
 * triggers is not opened. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h> /* last: it makes a macro of `fail` */

static char folder[64], exported[128], database[128];

static int setup(void **state)
{
    static const struct result_column column = {.name = "m", .key = "k", .direction = 1};
    static const char *const arch = "a";
    static const struct result_layer layer = {"l", "conv", "1,2"};
    struct result_value value = {.value = 1, .guards = {{{"a \"b\"", 1}}, 1}};
    const struct result_row row = {.arch = "a",
                                   .status = RESULT_OK,
                                   .message = "",
                                   .params = 1,
                                   .macs = 1,
                                   .layers = &layer,
                                   .layer_count = 1,
                                   .times = {.total = 0.5},
                                   .values = &value,
                                   .value_count = 1};
    struct store *s;
    struct error err;

    (void)state;
    strcpy(folder, "/tmp/tcet-store.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(exported, sizeof exported, "%s/out.jsonl", folder);
    snprintf(database, sizeof database, "%s/scores.db", folder);
    assert_int_equal(store_open(folder, STORE_FRESH, &s, &err), TCET_OK);
    assert_int_equal(store_set_columns(s, &column, 1, &err), TCET_OK);
    assert_int_equal(store_set_archs(s, &arch, 1, &err), TCET_OK);
    assert_int_equal(store_put(s, &row, &err), TCET_OK);
    store_close(s);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"scores.db", "scores.db-wal", "scores.db-shm", "lock",
                                        "out.jsonl"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void change(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;

    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* Exports after a change. */
static tcet_status after(const char *sql, struct error *err)
{
    const struct store_export all = {.layers = 1, .times = 1};
    struct store *s;
    tcet_status st;

    change(sql);
    st = store_open(folder, STORE_READ, &s, err);
    if (st < 0)
        return st;
    st = store_export(s, exported, &all, err);
    store_close(s);
    return st;
}

static void refuses(const char *sql, const char *why)
{
    struct error err = {0};

    assert_true(after(sql, &err) < 0);
    if (!strstr(err.text, why))
        fail_msg("%s: \"%s\" lacks \"%s\"", sql, err.text, why);
}

static void test_json(void **state)
{
    static const char *const bad[] = {"{\"t\":01}",      "{\"t\":1.}",        "{\"t\":.5}",
                                      "{\"t\":+1}",      "{\"t\":1e}",        "{\"t\":-}",
                                      "{\"t\":1e999}",   "{\"\\q\":1}",       "{\"\xff\":1}",
                                      "{\"\\u12g4\":1}", "{\"t\":1},\"x\":{}"};
    char sql[256];
    struct error err;

    (void)state;
    assert_int_equal(after("UPDATE outcome SET times = '{\"a\":-1.5e-3,\"b\\u001f\":0}'", &err),
                     TCET_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(sql, sizeof sql, "UPDATE outcome SET times = '%s'", bad[i]);
        refuses(sql, "damaged (times)");
    }
    change("UPDATE outcome SET times = NULL");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(sql, sizeof sql, "UPDATE value SET guards = '%s'", bad[i]);
        refuses(sql, "damaged (guards)");
    }
}

static void test_shapes(void **state)
{
    static const char *const bad[] = {"1]", "1,", ",1", "01", "1,,2", "-1", "1.5"};
    char sql[256];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(sql, sizeof sql,
                 "UPDATE layer_list SET text = 'l' || char(10) || 'conv' ||"
                 " char(10) || '%s' || char(10)",
                 bad[i]);
        refuses(sql, "damaged (a layer's shape)");
    }
    assert_int_equal(after("UPDATE layer_list SET text = 'l' || char(10) || 'conv' || char(10)"
                           " || char(10)",
                           &err),
                     TCET_OK);
}

/* 2^53 a thousand times and more is beyond an int64. */
static void test_counts(void **state)
{
    struct store_cost cost;
    struct store *s;
    struct error err;
    struct buf sql = {0};

    (void)state;
    buf_puts(&sql, "UPDATE value SET guards = '{");
    for (int i = 0; i < 1100; i++)
        buf_printf(&sql, "%s\"g\":9007199254740992", i ? "," : "");
    buf_puts(&sql, "}'");
    assert_int_equal(after(sql.data, &err), TCET_OK);
    buf_free(&sql);
    assert_int_equal(store_open(folder, STORE_READ, &s, &err), TCET_OK);
    assert_int_equal(store_column_cost(s, 0, &cost, &err), TCET_OK);
    assert_int_equal(cost.guards, INT64_MAX);
    store_close(s);
}

static void test_foreign_schema(void **state)
{
    static const char why[] = "did not make";

    (void)state;
    refuses("CREATE TRIGGER t AFTER INSERT ON value BEGIN DELETE FROM arch; END", why);
    change("DROP TRIGGER t");
    refuses("CREATE VIEW v AS SELECT 1", why);
    change("DROP VIEW v");
    /* a table of ours that is a view without end */
    refuses("DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE r(name) AS (SELECT 'space' UNION"
            " ALL SELECT name FROM r) SELECT name, name AS value FROM r",
            why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_schema, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
