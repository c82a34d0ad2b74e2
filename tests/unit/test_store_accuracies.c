/* test_store_accuracies.c -- protects the accuracies beside a run's scores: they are read as they were
 * put, to the bit, by the store and by the view; putting what is there writes nothing, anything else
 * replaces it; a store of an older format has none and can get some; a row that was changed or is gone
 * is found, and goes with its column when the run goes on. */
#include "test_store_fixture.h"

#include "store/internal.h"
#include "store_other.h"

#include <math.h>

static const double trained[ARCHS] = {93.5, NAN, -0.0}, odd[ARCHS] = {INFINITY, 1.0 / 3, NAN};
static const struct store_accuracy both[] = {
    {.name = "test", .table = "toy", .sha256 = "ab", .values = trained},
    {.name = "val, \"x\"", .table = "toy", .sha256 = "ab", .values = odd},
};
enum { BOTH = 2 };

static void set(struct store *s, const struct store_accuracy *columns, size_t count)
{
    struct error err;

    OK(store_set_accuracies(s, columns, count, &err));
}

/* Are these the columns of the store, with their values to the bit? */
static void holds(struct store *s, const struct store_accuracy *want, size_t count)
{
    const struct store_accuracy *got;
    struct arena a = {0};
    struct error err;
    size_t n;

    OK(store_accuracies(s, &a, &got, &n, &err));
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(got[i].name, want[i].name);
        assert_string_equal(got[i].table, want[i].table);
        assert_string_equal(got[i].sha256, want[i].sha256);
        for (size_t k = 0; k < store_arch_count(s); k++) {
            const double *x = &got[i].values[k], *y = &want[i].values[k];

            if (memcmp(x, y, sizeof *x) != 0 && !(isnan(*x) && isnan(*y)))
                fail_msg("%s of %zu: %a, want %a", got[i].name, k, *x, *y);
        }
    }
    arena_free(&a);
}

static void make(const char *folder)
{
    struct store *s = open_store(folder, STORE_FRESH);

    set_run(s);
    put_sample(s, 0);
    set(s, both, BOTH);
    store_close(s);
}

static void read_holds(const char *folder, const struct store_accuracy *want, size_t count)
{
    struct store *s = open_store(folder, STORE_READ);

    holds(s, want, count);
    store_close(s);
}

static void put_and_read(void **state)
{
    struct fixture *f = *state;

    make(f->folder);
    read_holds(f->folder, both, BOTH);
    says(f->folder,
         "SELECT arch, name, value, table_name, ordinal, table_sha256 FROM accuracies"
         " ORDER BY name, ordinal",
         "|conv~0||test|93.5|toy|0|ab\n|none~0||test|0.0|toy|2|ab\n"
         "|conv~0||val, \"x\"|Inf|toy|0|ab\na,\"b\"|val, \"x\"|0.333333333333333|toy|1|ab\n");
}

/* The same again leaves the file alone; another value, name, table or digest replaces it. */
static void put_again(void **state)
{
    struct fixture *f = *state;
    struct store_accuracy other = both[0];
    double more[ARCHS] = {93.5, 1, -0.0};
    struct store *s;

    make(f->folder);
    s = open_store(f->folder, STORE_RESUME);
    set(s, both, BOTH);
    assert_int_equal(sqlite3_total_changes(s->db), 0);
    for (int i = 0; i < 4; i++) {
        other = both[0];
        switch (i) {
        case 0: other.name = "else"; break;
        case 1: other.table = "else"; break;
        case 2: other.sha256 = "else"; break;
        default: other.values = more;
        }
        set(s, &other, 1);
        holds(s, &other, 1);
        set(s, both, BOTH);
        holds(s, both, BOTH);
    }
    set(s, NULL, 0);
    holds(s, NULL, 0);
    store_close(s);
    says(f->folder, "SELECT count(*) FROM accuracy", "0\n");
    read_holds(f->folder, NULL, 0);
}

/* By architecture, not by place: an architecture that stands twice in the list, or elsewhere than
 * before. */
static void another_list(void **state)
{
    static const char *const list[] = {"new", "|none~0|", "|conv~0|", "|none~0|"};
    static const double first[] = {NAN, -0.0, 93.5, -0.0}, then[] = {7, -0.0, 93.5, -0.0};
    struct fixture *f = *state;
    struct store_accuracy want = both[0];
    struct store *s;
    struct error err;

    make(f->folder);
    s = open_store(f->folder, STORE_RESUME);
    set(s, both, 1);
    OK(store_set_archs(s, list, 4, &err));
    want.values = first;
    holds(s, &want, 1);
    want.values = then;
    set(s, &want, 1);
    holds(s, &want, 1);
    store_close(s);
    want.values = then;
    read_holds(f->folder, &want, 1);
}

static void too_many(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct error err;

    set_run(s);
    assert_int_equal(store_set_accuracies(s, both, STORE_ACCURACIES_MAX + 1, &err), TCET_E_ARG);
    store_close(s);
}

static void older_formats(void **state)
{
    static const char *const back[] = {
        "DROP VIEW accuracies; DROP TABLE accuracy; DROP TABLE accuracy_column;"
        " PRAGMA user_version = 3",
        "DROP VIEW scores; DROP VIEW layers; DROP VIEW accuracies; DROP TABLE accuracy;"
        " DROP TABLE accuracy_column; PRAGMA user_version = 2"};
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        struct store *s;

        fixture_copy(f, "format4.db");
        change(f->folder, back[i]);
        read_holds(f->folder, NULL, 0);
        says(f->folder, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'accurac%'", "0\n");
        s = open_store(f->folder, STORE_RESUME);
        holds(s, NULL, 0);
        set(s, both, BOTH);
        store_close(s);
        says(f->folder, "PRAGMA user_version", "5\n");
        says(f->folder, "SELECT count(*) FROM accuracies", "4\n");
        read_holds(f->folder, both, BOTH);
        fixture_empty(f);
    }
}

static void format_1(void **state)
{
    struct fixture *f = *state;
    struct store *s;

    fixture_copy(f, "format1.db");
    read_holds(f->folder, NULL, 0);
    s = open_store(f->folder, STORE_RESUME);
    set(s, both, BOTH);
    store_close(s);
    read_holds(f->folder, both, BOTH);
}

/* What is changed is an error of who reads; who goes on loses the column, and nothing else. */
static void changed_rows(void **state)
{
    static const struct {
        const char *sql, *why;
        size_t left;
    } changes[] = {
        {"UPDATE accuracy SET value = 94.5 WHERE column_id = 1 AND arch = 1", "table accuracy, row",
         1},
        {"UPDATE accuracy SET arch = 2 WHERE column_id = 1 AND arch = 1", "table accuracy, row", 1},
        {"DELETE FROM accuracy WHERE column_id = 1 AND arch = 3", "table accuracy_column, row 1",
         1},
        {"DELETE FROM accuracy_column WHERE id = 1", "table accuracy, row", 1},
        {"DELETE FROM accuracy", "table accuracy_column, row 1", 0},
        {"UPDATE accuracy_column SET name = 'tset' WHERE id = 1", "table accuracy_column, row 1",
         1},
        {"UPDATE accuracy_column SET table_sha256 = 'ac' WHERE id = 1",
         "table accuracy_column, row 1", 1},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct store *s = NULL;
        struct error err;

        make(f->folder);
        change(f->folder, changes[i].sql);
        assert_int_equal(store_open(f->folder, STORE_READ, &s, &err), TCET_E_IO);
        if (!strstr(err.text, changes[i].why))
            fail_msg("%s: %s", changes[i].sql, err.text);
        s = open_store(f->folder, STORE_RESUME);
        holds(s, both + 1, changes[i].left);
        set(s, both, BOTH);
        store_close(s);
        read_holds(f->folder, both, BOTH);
        says(f->folder, "SELECT count(*) FROM scores", "3\n");
        fixture_empty(f);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(put_and_read),  T(put_again), T(another_list), T(too_many),
        T(older_formats), T(format_1),  T(changed_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
