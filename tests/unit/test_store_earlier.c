/* test_store_earlier.c -- protects folders that earlier versions left (formats 2 to 4; format 1 has its test beside the
 * exports'): they are read as they are, are gone on with, show the same by the views then, and where they are damaged
 * lose what is damaged and nothing else.  Room: tests. */
#include "test_store_fixture.h"

#include "store_other.h"
#include "store_seal.h"

static const char *const back[] = {
    [2] = "DROP VIEW scores; DROP VIEW layers; DROP VIEW accuracies; DROP TABLE accuracy;"
          " DROP TABLE accuracy_column; PRAGMA user_version = 2",
    [3] = "DROP VIEW accuracies; DROP TABLE accuracy; DROP TABLE accuracy_column;"
          " PRAGMA user_version = 3",
    [4] = "SELECT 1",
};

/* What the version before wrote of its own store, with layers and times; formats without accuracies lack those. */
static void exports_the_same(struct fixture *f, struct store *s, int format)
{
    static const struct store_export all = {.layers = 1, .times = 1};
    char path[160], *text, *want, *p;
    struct error err;

    snprintf(path, sizeof path, "%s/out.jsonl", f->top);
    OK(store_export(s, path, &all, &err));
    text = slurp(path);
    want = slurp(TCET_TEST_DATA "/store/format4.jsonl");
    while (format < 4 && (p = strstr(want, ",\"accuracies\":"))) {
        char *end = strchr(p, '}') + 1;

        memmove(p, end, strlen(end) + 1);
    }
    assert_string_equal(text, want);
    free(text);
    free(want);
}

static void is_read(void **state)
{
    struct fixture *f = *state;

    for (int format = 2; format <= 4; format++) {
        struct store *s;
        char version[16];

        fixture_copy(f, "format4.db");
        change(f->folder, back[format]);
        for (int i = 0; i < 2; i++) {
            s = open_store(f->folder, STORE_READ);
            exports_the_same(f, s, format);
            store_close(s);
        }
        snprintf(version, sizeof version, "%d\n", format);
        says(f->folder, "PRAGMA user_version", version);
        fixture_empty(f);
    }
}

static void goes_on(void **state)
{
    struct fixture *f = *state;

    for (int format = 2; format <= 4; format++) {
        struct arena a = {0};
        struct result_row row;
        struct error err;
        struct store *s;
        int64_t dropped;

        fixture_copy(f, "format4.db");
        change(f->folder, back[format]);
        s = open_store(f->folder, STORE_RESUME);
        assert_int_equal(store_was_damaged(s, &dropped), 0);
        exports_the_same(f, s, format);
        OK(store_find(s, "of no list", &a, &row, &err));
        assert_int_equal(row.params, 7);
        put_sample(s, 0);
        exports_the_same(f, s, format);
        store_close(s);
        says(f->folder, "PRAGMA user_version", "5\n");
        says(f->folder, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%old%'", "0\n");
        says(f->folder, "SELECT name FROM layer_line", "stem.0\nhead\n");
        says(f->folder,
             "SELECT name, guards, seconds, params FROM scores WHERE ordinal = 1 AND kind = "
             "'metric'",
             "snip_snr|NULL|0.5|101\nlnwot|{\"zero\":2,\"equal_rows\":1}|0.25|101\n");
        says(f->folder, "SELECT metric, layer, name, value FROM layers WHERE ordinal = 1",
             "snip_snr|0|stem.0|0.25\nsnip_snr|1|head|2.0e+44\n"
             "lnwot|0|stem.0|0.0\nlnwot|1|head|4.94065645841247e-324\n");
        s = open_store(f->folder, STORE_RESUME);
        exports_the_same(f, s, format);
        store_close(s);
        s = open_store(f->folder, STORE_READ);
        exports_the_same(f, s, format);
        store_close(s);
        arena_free(&a);
        fixture_empty(f);
    }
}

/* Damage is an error of who reads; who goes on loses it with what belongs to it, and has a sound store. */
static void is_mended(void **state)
{
    static const struct {
        const char *sql, *why;
        int rows; /* dropped, with how a failed one ended and its value; -1: several */
        int kept; /* architectures that are done */
    } damage[] = {
        {"UPDATE value SET value = 7.0 WHERE arch = 1 AND key = 1", "table value, row", 4, 1},
        {"UPDATE layer_value SET data = zeroblob(16) WHERE arch = 1 AND key = 1",
         "table layer_value, row", 4, 1},
        {"DELETE FROM layer_value WHERE arch = 1 AND key = 1", "table value, row", 3, 1},
        {"UPDATE layer_list SET text = 'x'", "table layer_list, row", -1, 0},
        {"UPDATE outcome SET times = '' WHERE arch = 1", "table outcome, row", -1, 1},
        {"DELETE FROM network WHERE arch = 1", "is not there", -1, 1},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct store_summary sum;
        struct error err = {0};
        struct store *s = NULL;
        int64_t dropped = 0;
        char path[160];
        sqlite3 *db;

        fixture_copy(f, "format4.db");
        snprintf(path, sizeof path, "%s/scores.db", f->folder);
        db = store_seal_open(path);
        store_seal_run(db, damage[i].sql);
        sqlite3_close(db);
        assert_true(store_open(f->folder, STORE_READ, &s, &err) < 0);
        if (!strstr(err.text, damage[i].why))
            fail_msg("%s: \"%s\" lacks \"%s\"", damage[i].sql, err.text, damage[i].why);
        s = open_store(f->folder, STORE_RESUME);
        assert_int_equal(store_was_damaged(s, &dropped), 1);
        if (damage[i].rows >= 0)
            assert_int_equal(dropped, damage[i].rows);
        OK(store_summarise(s, &sum, &err));
        if ((int)sum.done != damage[i].kept)
            fail_msg("%s: %zu are done", damage[i].sql, sum.done);
        for (int k = 0; k < ARCHS; k++)
            put_sample(s, k);
        OK(store_summarise(s, &sum, &err));
        assert_int_equal(sum.done, ARCHS);
        store_close(s);
        store_close(open_store(f->folder, STORE_READ));
        fixture_empty(f);
    }
}

/* With checksums that fit: texts that are no layers, times that are none. */
static void is_forged(void **state)
{
    static const struct {
        const char *sql, *why;
    } forged[] = {
        {"UPDATE layer_list SET text = 'x'", "damaged (layer list)"},
        {"UPDATE layer_list SET text = 'a' || char(10) || 'b' || char(10)", "damaged (layer list)"},
        {"UPDATE layer_list SET text = 'a' || char(10) || 'b' || char(10) || '1]' || char(10)",
         "damaged (layer list)"},
        {"UPDATE outcome SET times = '{\"t\":01}'", "damaged (times)"},
        {"CREATE TRIGGER t AFTER INSERT ON value BEGIN DELETE FROM arch; END", "did not make"},
        {"CREATE VIEW v AS SELECT 1", "did not make"},
        {"DROP INDEX network_arch", "is not there"},
    };
    static const enum store_mode modes[] = {STORE_READ, STORE_RESUME};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2 * (sizeof forged / sizeof *forged); i++) {
        struct error err = {0};
        struct store *s = NULL;
        char path[160];
        sqlite3 *db;

        fixture_copy(f, "format4.db");
        snprintf(path, sizeof path, "%s/scores.db", f->folder);
        db = store_seal_open(path);
        store_seal_run(db, forged[i / 2].sql);
        if (i / 2 < 4)
            store_seal(db);
        sqlite3_close(db);
        assert_true(store_open(f->folder, modes[i % 2], &s, &err) < 0);
        if (!strstr(err.text, forged[i / 2].why) || !strstr(err.text, path))
            fail_msg("%s: \"%s\" lacks \"%s\"", forged[i / 2].sql, err.text, forged[i / 2].why);
        says(f->folder, "PRAGMA user_version", "4\n");
        fixture_empty(f);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {T(is_read), T(goes_on), T(is_mended), T(is_forged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
