/* test_store_untrusted.c -- protects whoever exports a scores.db that came from elsewhere:
 * any changed or lost row is found, what is not JSON is not copied into JSON, counts do not overflow,
 * and a file with views or triggers is not opened. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "store_seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h> /* last: it makes a macro of `fail` */

static char folder[64], exported[128], database[128];

static int setup(void **state)
{
    static const struct result_column column = {
        .name = "m", .key = "k", .direction = 1, .layered = RESULT_ROW_LAYERS};
    static const char *const arch = "a";
    static const struct result_layer layer = {"l", "conv", "1,2"};
    static const double layers[] = {0.5};
    struct result_value value = {
        .value = 1, .layers = layers, .layer_count = 1, .guards = {{{"a \"b\"", 1}}, 1}};
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
    static const double accuracy = 93.5;
    static const struct store_accuracy accuracies = {"acc", "table", "digest", &accuracy};
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
    assert_int_equal(store_set_meta(s, "space", "toy", &err), TCET_OK);
    assert_int_equal(store_put(s, &row, &err), TCET_OK);
    assert_int_equal(store_set_accuracies(s, &accuracies, 1, &err), TCET_OK);
    store_close(s);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"scores.db", "scores.db-wal", "scores.db-shm",
                                        "lock",      "out.jsonl",     "keep"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* Changes the store behind its back; seal: with checksums that fit, as a forger would. */
static void alter(const char *sql, int seal)
{
    sqlite3 *db = store_seal_open(database);
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    if (seal)
        store_seal(db);
    sqlite3_close(db);
}

static void change(const char *sql)
{
    alter(sql, 1);
}

static tcet_status export_all(struct error *err)
{
    const struct store_export all = {.layers = 1, .times = 1};
    struct store *s;
    tcet_status st;

    st = store_open(folder, STORE_READ, &s, err);
    if (st < 0)
        return st;
    st = store_export(s, exported, &all, err);
    store_close(s);
    return st;
}

/* Exports after a change. */
static tcet_status after(const char *sql, struct error *err)
{
    change(sql);
    return export_all(err);
}

/* Whoever takes its first row, to put it into another store. */
static tcet_status take_first(struct error *err)
{
    struct arena a = {0};
    struct result_row row;
    struct store *s;
    tcet_status st = store_open(folder, STORE_READ, &s, err);

    if (st < 0)
        return st;
    st = store_take(s, 0, &a, &row, err);
    store_close(s);
    arena_free(&a);
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
    assert_int_equal(after("UPDATE value SET guards = '{\"a\":-1.5e-3,\"b\\u001f\":0}'", &err),
                     TCET_OK);
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
        snprintf(sql, sizeof sql, "UPDATE layer_line SET shape = '%s'", bad[i]);
        refuses(sql, "damaged (a layer's shape)");
    }
    assert_int_equal(after("UPDATE layer_line SET shape = ''", &err), TCET_OK);
}

/* A list of layers is numbers of lines that are there, from 1. */
static void test_lists(void **state)
{
    static const char *const bad[] = {"0",  "01",  "1,", ",1", "1,,1", "1,01", "-1", "+1",
                                      "1 ", "1.5", "a",  "[",  "1]",   ",",    "1,0"};
    static const char *const lacking[] = {"2", "1,2", "99999999999999999999",
                                          "9223372036854775807"};
    char sql[256];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(sql, sizeof sql, "UPDATE network SET layers = '%s'", bad[i]);
        refuses(sql, "damaged (table network, row 1: not what such a row may hold)");
    }
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
        snprintf(sql, sizeof sql, "UPDATE network SET layers = '%s'", lacking[i]);
        refuses(sql, "damaged (table network, row 1: what belongs to it is not there)");
    }
    change("UPDATE layer_line SET id = 9223372036854775807");
    assert_int_equal(after("UPDATE network SET layers = '9223372036854775807'", &err), TCET_OK);
}

/* Rows that nobody puts, with checksums that fit: a text twice, another architecture's network, a name of two lines. */
static void test_forged(void **state)
{
    static const struct {
        const char *sql, *why;
    } forged[] = {
        {"INSERT INTO arch SELECT 2, hash, text, 0 FROM arch WHERE id = 1",
         "damaged (table arch, row 2: what belongs to it is not there)"},
        {"DELETE FROM arch WHERE id = 2;"
         " INSERT INTO arch VALUES(2, tcet_sum('z'), 'z', 0);"
         " INSERT INTO network SELECT 2, 2, params + 1, macs, x_sum, w_sum, layers, 0 FROM network;"
         " UPDATE value_block SET network = 2",
         "what belongs to it is not there"},
        {"UPDATE value_block SET network = 1; UPDATE outcome SET network = 2",
         "damaged (table outcome, row 1: what belongs to it is not there)"},
        {"UPDATE outcome SET network = NULL;"
         " UPDATE layer_line SET name = 'a' || char(10) || 'b' WHERE id = 1",
         "damaged (table layer_line, row 1: not what such a row may hold)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++)
        refuses(forged[i].sql, forged[i].why);
}

/* What is said of a layer is there once, however often a list names it: else a small file could ask for any memory. */
static void test_long_list(void **state)
{
    struct arena a = {0};
    struct result_row row;
    struct store *s;
    struct error err;

    (void)state;
    change("UPDATE network SET layers = '1,1,1';"
           " UPDATE value_block SET data = zeroblob(24); UPDATE value SET layers = 3");
    assert_int_equal(store_open(folder, STORE_READ, &s, &err), TCET_OK);
    assert_int_equal(store_take(s, 0, &a, &row, &err), TCET_OK);
    assert_int_equal(row.layer_count, 3);
    assert_ptr_equal(row.layers[0].name, row.layers[2].name);
    assert_string_equal(row.layers[2].kind, "conv");
    store_close(s);
    arena_free(&a);
}

/* After the largest number there is none for another line. */
static void test_last_line(void **state)
{
    static const struct result_layer layer = {"new", "conv", "1"};
    const struct result_row row = {.arch = "b",
                                   .status = RESULT_OK,
                                   .message = "",
                                   .params = 1,
                                   .layers = &layer,
                                   .layer_count = 1};
    struct store *s;
    struct error err;

    (void)state;
    change("UPDATE layer_line SET id = 9223372036854775807;"
           " UPDATE network SET layers = '9223372036854775807'");
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_put(s, &row, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "numbers are used up"));
    store_close(s);
    assert_int_equal(export_all(&err), TCET_OK);
}

static void see_stock(void *arg, const struct store_stock *stock)
{
    double *value = arg;

    assert_int_equal(stock->ordinal, 0);
    assert_int_equal(stock->status, RESULT_OK);
    *value = stock->has[0] ? stock->value[0] : -1;
}

/* Ordinals leave some out where damaged rows were dropped: values stay with their architecture. */
static void test_ordinals(void **state)
{
    struct store *s;
    struct error err;
    double value = 0;

    (void)state;
    change("UPDATE run_arch SET ordinal = 5");
    assert_int_equal(store_open(folder, STORE_READ, &s, &err), TCET_OK);
    assert_int_equal(store_survey(s, see_stock, &value, NULL, &err), TCET_OK);
    assert_true(value == 1);
    store_close(s);
    assert_int_equal(export_all(&err), TCET_OK);
}

static void see_nothing(void *arg, const struct store_stock *stock)
{
    (void)arg, (void)stock;
}

/* 2^53 a thousand times and more is beyond an int64. */
static void test_counts(void **state)
{
    struct store_cost cost[8];
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
    assert_in_range(store_column_count(s), 1, TCET_COUNT(cost));
    assert_int_equal(store_survey(s, see_nothing, NULL, cost, &err), TCET_OK);
    assert_int_equal(cost[0].guards, INT64_MAX);
    store_close(s);
}

/* Every cell of every table, changed to another of its kind, is found, with its table. */
static int change_cell(void *user, int count, char **cell, char **name)
{
    static const char *const others[] = {"%s + 1", "%s || 'x'",        "%s || x'00'",
                                         "NULL",   "CAST(%s AS BLOB)", "1e99"};
    struct error err = {0};
    char *sql, want[64];

    (void)count, (void)name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *other = sqlite3_mprintf(others[i], cell[1]);
        sqlite3 *db = store_seal_open(database);
        tcet_status st;

        sql = sqlite3_mprintf("UPDATE OR IGNORE %s SET %s = %s WHERE %s IS NOT %s", cell[0],
                              cell[1], other, cell[1], other);
        sqlite3_free(other);
        snprintf(want, sizeof want, "damaged (table %s, row ", cell[0]);
        (void)sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
        if (sqlite3_total_changes(db) == 0) { /* NOT NULL, or no such value */
            sqlite3_close(db);
            sqlite3_free(sql);
            continue;
        }
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        sqlite3_close(db);
        st = export_all(&err);
        if (st != TCET_E_IO || !strstr(err.text, want) || !strstr(err.text, database))
            fail_msg("%s: %d \"%s\" lacks \"%s\"", sql, (int)st, st < 0 ? err.text : "", want);
        sqlite3_free(sql);
        ++*(int *)user;
        { /* as it was */
            char command[400];

            snprintf(command, sizeof command, "cp %s/keep %s", folder, database);
            assert_int_equal(system(command), 0);
        }
    }
    return 0;
}

static void test_any_cell(void **state)
{
    char command[400];
    sqlite3 *db;
    int changed = 0;

    (void)state;
    snprintf(command, sizeof command, "cp %s %s/keep", database, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    snprintf(command, sizeof command, "ATTACH '%s/keep' AS k", folder);
    store_seal_run(db, command);
    assert_int_equal(sqlite3_exec(db,
                                  "SELECT m.name, c.name FROM k.sqlite_master m,"
                                  " pragma_table_info(m.name) c WHERE m.type = 'table'",
                                  change_cell, &changed, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_true(changed > 140);
}

/* What a forger seals is still asked whether it can be: types, ranges, names, references. */
static void test_sealed(void **state)
{
    static const struct {
        const char *sql, *undo, *why;
    } forged[] = {
        {"UPDATE run_column SET layered = 3", "UPDATE run_column SET layered = 1", "may hold"},
        {"UPDATE run_column SET direction = 2", "UPDATE run_column SET direction = 1", "may hold"},
        {"UPDATE run_column SET population = NULL", "UPDATE run_column SET population = 0",
         "may hold"},
        {"UPDATE run_column SET name = 'a' || char(0) || 'b'", "UPDATE run_column SET name = 'm'",
         "may hold"},
        {"UPDATE run_column SET key = 9", "UPDATE run_column SET key = 1", "is not there"},
        {"UPDATE run_arch SET arch = -9223372036854775808", "UPDATE run_arch SET arch = 1",
         "is not there"},
        {"UPDATE arch SET hash = hash + 1", "UPDATE arch SET hash = hash - 1", "is not there"},
        {"UPDATE value SET value = 'abc'", "UPDATE value SET value = 1.0", "may hold"},
        {"UPDATE value SET block = 7", "UPDATE value SET block = 1", "is not there"},
        {"UPDATE value SET block = NULL", "UPDATE value SET block = 1", "is not there"},
        {"UPDATE value SET layers = 2", "UPDATE value SET layers = 1", "is not there"},
        {"UPDATE value SET layers = -1", "UPDATE value SET layers = 1", "may hold"},
        {"UPDATE value SET layers = NULL", "UPDATE value SET layers = 1", "may hold"},
        {"UPDATE value SET place = 1", "UPDATE value SET place = 0", "is not there"},
        {"UPDATE value SET place = -1", "UPDATE value SET place = 0", "may hold"},
        {"UPDATE value SET place = 9223372036854775807", "UPDATE value SET place = 0",
         "is not there"},
        {"UPDATE value SET us = -1", "UPDATE value SET us = 0", "may hold"},
        {"UPDATE outcome SET build = NULL", "UPDATE outcome SET build = 0", "may hold"},
        {"UPDATE value_block SET network = 7", "UPDATE value_block SET network = 1",
         "is not there"},
        {"UPDATE value_block SET arch = 7", "UPDATE value_block SET arch = 1", "is not there"},
        {"UPDATE value_block SET data = x'00'", "UPDATE value_block SET data = zeroblob(8)",
         "may hold"},
        {"UPDATE outcome SET status = 'done'", "UPDATE outcome SET status = 'ok'", "may hold"},
        {"UPDATE value SET layers = 3; UPDATE value_block SET data = zeroblob(24)",
         "UPDATE value SET layers = 1; UPDATE value_block SET data = zeroblob(8)",
         "not one for each layer"},
        {"UPDATE accuracy SET value = 'abc'", "UPDATE accuracy SET value = 93.5", "may hold"},
        {"UPDATE accuracy SET value = NULL", "UPDATE accuracy SET value = 93.5", "may hold"},
        {"UPDATE accuracy SET arch = 7", "UPDATE accuracy SET arch = 1", "is not there"},
        {"UPDATE accuracy SET column_id = 2", "UPDATE accuracy SET column_id = 1", "is not there"},
        {"UPDATE accuracy_column SET count = 2", "UPDATE accuracy_column SET count = 1",
         "is not there"},
        {"UPDATE accuracy_column SET id = 65", "UPDATE accuracy_column SET id = 1", "may hold"},
        {"UPDATE accuracy_column SET name = ''", "UPDATE accuracy_column SET name = 'acc'",
         "may hold"},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        refuses(forged[i].sql, forged[i].why);
        if (take_first(&err) >= 0 || !strstr(err.text, forged[i].why))
            fail_msg("%s: taken, or \"%s\" lacks \"%s\"", forged[i].sql, err.text, forged[i].why);
        if (after(forged[i].undo, &err) != TCET_OK)
            fail_msg("%s: %s", forged[i].undo, err.text);
    }
}

/* A row that is gone is missed by what belongs to it. */
static void test_deleted(void **state)
{
    static const char *const tables[] = {"arch",           "key",   "run_arch", "run_column",
                                         "run_size",       "meta",  "network",  "layer_line",
                                         "value_block",    "value", "outcome",  "accuracy",
                                         "accuracy_column"};
    struct error err;
    char text[400];

    (void)state;
    snprintf(text, sizeof text, "cp %s %s/keep", database, folder);
    assert_int_equal(system(text), 0);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        tcet_status st;

        snprintf(text, sizeof text, "DELETE FROM %s", tables[i]);
        alter(text, 0);
        st = export_all(&err);
        if (st != TCET_E_IO || !strstr(err.text, "damaged (table "))
            fail_msg("%s: %d %s", tables[i], (int)st, st < 0 ? err.text : "");
        snprintf(text, sizeof text, "cp %s/keep %s", folder, database);
        assert_int_equal(system(text), 0);
    }
}

/* Who goes on with a damaged store finds the damaged rows missing, and nothing else. */
static void test_mended(void **state)
{
    struct store *s;
    struct error err;
    uint8_t missing = 0;
    int64_t rows = -1;

    (void)state;
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_was_damaged(s, &rows), 0);
    assert_int_equal(store_missing(s, 0, 0, &missing, &err), TCET_OK);
    assert_int_equal(missing, 0);
    store_close(s);
    alter("UPDATE value_block SET data = zeroblob(8)", 0);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_was_damaged(s, &rows), 1);
    assert_int_equal(rows, 2); /* and the value that it belongs to */
    assert_int_equal(store_missing(s, 0, 0, &missing, &err), TCET_OK);
    assert_int_equal(missing, 1);
    assert_string_equal(store_arch(s, 0), "a");
    assert_string_equal(store_meta(s, "space"), "toy");
    store_close(s);
    assert_int_equal(export_all(&err), TCET_E_IO); /* its outcome says that there is a value */
    /* How it ended is part of it: without that, all of it is missing. */
    alter("DELETE FROM outcome", 0);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    missing = 0;
    assert_int_equal(store_missing(s, 0, 0, &missing, &err), TCET_OK);
    assert_int_equal(missing, 1);
    store_close(s);
}

/* Which values a failed architecture had nobody knows: it is tried again. */
static void test_failed_mended(void **state)
{
    struct store *s;
    struct error err;
    uint8_t missing = 0;

    (void)state;
    alter("UPDATE outcome SET status = 'failed', message = 'why'", 1);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_missing(s, 0, 0, &missing, &err), TCET_OK);
    assert_int_equal(missing, 0);
    store_close(s);
    alter("UPDATE value_block SET data = zeroblob(8)", 0);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_missing(s, 0, 0, &missing, &err), TCET_OK);
    assert_int_equal(missing, 1);
    store_close(s);
}

/* A store of nothing but failures refers to no network, and that is no damage. */
static void test_failures_alone(void **state)
{
    const struct result_row row = result_failure("a", "killed");
    struct store *s;
    struct error err;

    (void)state;
    alter("DELETE FROM outcome; DELETE FROM value_block; DELETE FROM value; DELETE FROM network;"
          " DELETE FROM layer_line",
          0);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_put(s, &row, &err), TCET_OK);
    store_close(s);
    if (export_all(&err) != TCET_OK)
        fail_msg("%s", err.text);
}

static void test_foreign_schema(void **state)
{
    static const char why[] = "did not make";
    struct error err;

    (void)state;
    refuses("CREATE TRIGGER t AFTER INSERT ON value BEGIN DELETE FROM arch; END", why);
    change("DROP TRIGGER t");
    refuses("CREATE VIEW v AS SELECT 1", why);
    change("DROP VIEW v");
    refuses("DROP INDEX network_arch", "damaged (a table, an index or a view is not there)");
    change("CREATE INDEX network_arch ON network(arch)");
    /* a table of ours that is a view without end */
    alter("DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE r(name) AS (SELECT 'space' UNION"
          " ALL SELECT name FROM r) SELECT name, name AS value FROM r",
          0);
    assert_true(export_all(&err) < 0);
    assert_non_null(strstr(err.text, why));
}

/* A file whose texts SQLite would turn into UTF-16 while they are bound is no new store. */
static void test_encoding(void **state)
{
    struct store *s;
    struct error err;
    sqlite3 *db;

    (void)state;
    assert_int_equal(unlink(database), 0);
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); DROP TABLE t",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_true(store_open(folder, STORE_FRESH, &s, &err) < 0);
    assert_non_null(strstr(err.text, "its texts are not in UTF-8"));
}

/* A large store is not looked at again while its file is as it was, and is as soon as it is not: also when its
 * size and time of writing are the same. */
static void test_seen(void **state)
{
    char *large = calloc(1, (2 << 20) + 1);
    struct store *s;
    struct error err;
    struct stat before, now;

    (void)state;
    memset(large, 'x', 2 << 20);
    assert_int_equal(store_open(folder, STORE_RESUME, &s, &err), TCET_OK);
    assert_int_equal(store_set_meta(s, "large", large, &err), TCET_OK);
    store_close(s);
    free(large);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(folder, STORE_READ, &s, &err), TCET_OK);
        store_close(s);
    }
    assert_int_equal(stat(database, &before), 0);
    alter("UPDATE outcome SET status = 'xx'", 0);
    assert_int_equal(stat(database, &now), 0);
    assert_int_equal(now.st_size, before.st_size);
    assert_int_equal(
        utimensat(AT_FDCWD, database, (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
    assert_int_equal(store_open(folder, STORE_READ, &s, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "damaged (table outcome, row 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ordinals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_cell, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(test_encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seen, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
