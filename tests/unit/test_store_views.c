/* test_store_views.c -- protects what other programs read of a store by its views: the numbers that were
 * put, to the bit, under the names that they were put under, with SQLite's own functions and an untrusted
 * schema; and that a view of these names which says something else is not taken for ours. */
#include "test_store_fixture.h"

#include "store_other.h"

#include <math.h>

enum { ODD = 14 };
static const double odd[ODD] = {0.0,
                                -0.0,
                                5e-324,
                                -5e-324,
                                2.225073858507201e-308,
                                2.2250738585072014e-308,
                                1.7976931348623157e308,
                                INFINITY,
                                -INFINITY,
                                NAN,
                                1.0 / 3,
                                -40759.58231061032,
                                9007199254740993.0,
                                4503599627370497.5};

static void run_of_three(const char *folder)
{
    struct store *s = open_store(folder, STORE_FRESH);

    set_run(s);
    for (int i = 0; i < ARCHS; i++)
        put_sample(s, i);
    store_close(s);
}

static void shows_the_sample(const char *folder)
{
    says(folder,
         "SELECT arch, name, kind, direction, params, macs, guards, seconds, value * 8"
         " FROM scores WHERE ordinal = 1 ORDER BY seconds DESC",
         "a,\"b\"|snip_snr|metric|1|101|1001|NULL|0.5|1.0\n"
         "a,\"b\"|lnwot|metric|1|101|1001|{\"zero\":2,\"equal_rows\":1}|0.25|326084.658484883\n"
         "a,\"b\"|tcet|score|1|101|1001|{\"zero\":1}|0.0|-1.6e-299\n");
    says(folder, "SELECT count(*), count(DISTINCT arch), count(value) FROM scores", "9|3|9\n");
    says(folder,
         "SELECT metric, layer, name, kind, shape, value FROM layers WHERE ordinal = 1"
         " ORDER BY metric DESC, layer",
         "snip_snr|0|stem.0|conv|[16,3,3,3]|0.25\nsnip_snr|1|head|linear|[10,16]|2.0e+44\n"
         "lnwot|0|stem.0|conv|[16,3,3,3]|0.0\nlnwot|1|head|linear|[10,16]|4.94065645841247e-324\n");
    says(folder, "SELECT count(*), sum(arch = '|none~0|') FROM layers", "12|4\n");
}

static void views_show_the_run(void **state)
{
    struct fixture *f = *state;

    run_of_three(f->folder);
    shows_the_sample(f->folder);
}

/* Every kind of float64, and names that are no JSON. */
static void numbers_to_the_bit(void **state)
{
    struct fixture *f = *state;
    struct result_layer layers[ODD];
    struct result_value value = {.column = SNIP, .value = NAN, .layers = odd, .layer_count = ODD};
    struct result_row row = {.arch = archs[0],
                             .status = RESULT_OK,
                             .message = "",
                             .params = 1,
                             .macs = 1,
                             .layers = layers,
                             .layer_count = ODD,
                             .values = &value,
                             .value_count = 1};
    char names[ODD][32];
    struct store *s = open_store(f->folder, STORE_FRESH);
    sqlite3_stmt *stmt;
    struct error err;
    sqlite3 *db;

    for (int i = 0; i < ODD; i++) {
        snprintf(names[i], sizeof names[i], "l\\n\"%d\\\",\xc3\xa4", i);
        layers[i] = (struct result_layer){names[i], "conv", "1,2"};
    }
    set_run(s);
    OK(store_put(s, &row, &err));
    store_close(s);
    says(f->folder, "SELECT name, value FROM scores", "snip_snr|NULL\n");
    db = open_other(f->folder, SQLITE_OPEN_READWRITE);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT name, value FROM layers ORDER BY layer", -1, &stmt, NULL),
        SQLITE_OK);
    for (int i = 0; i < ODD; i++) {
        double got;

        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_string_equal(sqlite3_column_text(stmt, 0), names[i]);
        got = sqlite3_column_double(stmt, 1);
        assert_int_equal(isnan(odd[i]) != 0, sqlite3_column_type(stmt, 1) == SQLITE_NULL);
        if (!isnan(odd[i]) && memcmp(&got, &odd[i], sizeof got) != 0)
            fail_msg("layer %d: %a, want %a", i, got, odd[i]);
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* What is dropped with a damaged row is made again with its views. */
static void mended_store_has_views(void **state)
{
    struct fixture *f = *state;
    struct store *s;

    run_of_three(f->folder);
    change(f->folder, "UPDATE value SET value = 7.0 WHERE arch = 1 AND key = 1");
    s = open_store(f->folder, STORE_RESUME);
    put_sample(s, 0);
    store_close(s);
    shows_the_sample(f->folder);
}

static void foreign_view(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct error err;

    run_of_three(f->folder);
    change(f->folder, "DROP VIEW scores; CREATE VIEW scores AS SELECT 1 AS arch");
    assert_true(store_open(f->folder, STORE_READ, &s, &err) < 0);
    assert_non_null(strstr(err.text, "did not make"));
    assert_true(store_open(f->folder, STORE_RESUME, &s, &err) < 0);
    assert_non_null(strstr(err.text, "did not make"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(views_show_the_run, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(numbers_to_the_bit, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(mended_store_has_views, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(foreign_view, fixture_make, fixture_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
