/* test_store_many.c -- protects rows of many values, which the store puts several at a time: each number of
 * them comes back to the bit, merges into what is there, and fits its checksum and what SQLite demands
 * of the tables; columns that the tables would not hold are refused; numbers of rows of a dropped batch
 * do no harm. */
#include "test_store_fixture.h"

#include "store/internal.h"
#include "store_other.h"

#include <math.h>

enum { MOST = 70, NUMBERS = 3 };

static struct result_column many[MOST];
static char names[MOST][16], keys[MOST][16];
static double numbers[MOST][NUMBERS];
static struct result_value values[MOST];

/* Every third column has no layers, every fifth guards; value 7 is none. */
static void make_many(int shift)
{
    for (int i = 0; i < MOST; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i);
        snprintf(keys[i], sizeof keys[i], "key %d", i);
        many[i] = (struct result_column){
            .name = names[i], .key = keys[i], .layered = i % 3 ? RESULT_ROW_LAYERS : 0};
        for (int k = 0; k < NUMBERS; k++)
            numbers[i][k] = (i - 3.0) / (k + 7) + shift;
        values[i] = (struct result_value){.column = i,
                                          .value = i == 7 ? NAN : (i + shift) / 3.0,
                                          .layers = i % 3 ? numbers[i] : NULL,
                                          .layer_count = i % 3 ? NUMBERS : 0,
                                          .seconds = i * 0.25};
        if (i % 5 == 0)
            values[i].guards = (struct guards){{{"zero", i + 1}}, 1};
    }
}

static const struct result_layer three[NUMBERS] = {
    {"a", "conv", "4,3,3,3"}, {"b", "conv", "4,4,1,1"}, {"c", "linear", "10,4"}};

static void put(struct store *s, const char *arch, struct result_value *v, size_t count)
{
    struct result_row row = {.arch = arch,
                             .status = RESULT_OK,
                             .message = "",
                             .params = 5,
                             .macs = 50,
                             .layers = three,
                             .layer_count = NUMBERS,
                             .values = v,
                             .value_count = count,
                             .times = {.build = NAN, .init = -1, .forward = 1e300, .total = 2.5}};
    struct error err;

    OK(store_put(s, &row, &err));
}

static void holds(struct store *s, const char *arch, size_t count)
{
    struct arena a = {0};
    struct error err;

    for (size_t i = 0; i < MOST; i++) {
        struct result_value v;
        int found;

        OK(store_get(s, arch, (int)i, &a, &v, &found, &err));
        assert_int_equal(found, i < count);
        if (!found)
            continue;
        assert_true(isnan(values[i].value) ? isnan(v.value)
                                           : !memcmp(&v.value, &values[i].value, sizeof v.value));
        assert_true(v.seconds == values[i].seconds);
        assert_int_equal(v.layer_count, values[i].layer_count);
        if (v.layer_count)
            assert_memory_equal(v.layers, values[i].layers, NUMBERS * sizeof *v.layers);
    }
    arena_free(&a);
}

static void is_sound(const char *folder)
{
    char *text = rows(folder, "PRAGMA integrity_check");

    assert_string_equal(text, "ok\n");
    free(text);
    store_close(open_store(folder, STORE_READ)); /* which looks at every checksum */
}

static void each_number(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    char text[MOST][16];
    const char *list[MOST];
    struct error err;

    make_many(0);
    for (int i = 0; i < MOST; i++) {
        snprintf(text[i], sizeof text[i], "net %d", i);
        list[i] = text[i];
    }
    OK(store_set_columns(s, many, MOST, &err));
    OK(store_set_archs(s, list, MOST, &err));
    for (size_t n = 1; n <= MOST; n++)
        put(s, list[n - 1], values, n);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t n = 1; n <= MOST; n++)
            holds(s, list[n - 1], n);
        store_close(s);
        is_sound(f->folder);
        s = open_store(f->folder, STORE_RESUME);
    }
    store_close(s);
}

/* Of a row some values are there, with their guards, and some are new. */
static void merges(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *list[] = {"net"};
    struct error err;
    char *guards;

    make_many(0);
    OK(store_set_columns(s, many, MOST, &err));
    OK(store_set_archs(s, list, 1, &err));
    put(s, "net", values + 20, 1);
    put(s, "net", values + 33, 2);
    make_many(1);
    for (int i = 0; i < MOST; i++)
        values[i].guards.count = 0;
    put(s, "net", values, MOST);
    holds(s, "net", MOST);
    store_close(s);
    guards = rows(f->folder, "SELECT name, guards FROM scores WHERE guards IS NOT NULL");
    assert_string_equal(guards, "m20|{\"zero\":21}\n");
    free(guards);
    is_sound(f->folder);
}

/* Values that are put together share a block, as long as it is short; one that no value needs any more is gone. */
static void blocks(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *list[] = {"net", "long"};
    double line[40];
    struct error err;

    make_many(0);
    OK(store_set_columns(s, many, MOST, &err));
    OK(store_set_archs(s, list, 2, &err));
    put(s, "net", values, 16);
    put(s, "net", values + 16, 10);
    says(f->folder, "SELECT id, length(data) FROM value_block", "1|240\n2|168\n");
    put(s, "net", values + 16, 9); /* of the second one is left */
    says(f->folder, "SELECT id FROM value_block", "1\n2\n3\n");
    put(s, "net", values + 25, 1);
    says(f->folder, "SELECT id FROM value_block", "1\n3\n4\n");
    put(s, "net", values, 26);
    says(f->folder, "SELECT id FROM value_block", "5\n6\n");
    holds(s, "net", 26);
    memset(line, 0, sizeof line);
    for (int i = 0; i < 16; i++) {
        values[i].layers = i % 3 ? line : NULL;
        values[i].layer_count = i % 3 ? 40 : 0;
    }
    put(s, "long", values, 16);
    says(f->folder, "SELECT length(data) FROM value_block WHERE arch = 2", "960\n960\n960\n320\n");
    store_close(s);
    is_sound(f->folder);
}

/* Seconds that no clock gives are none. */
static void odd_times(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *list[] = {"net"};
    struct error err;
    char *times;

    make_many(0);
    OK(store_set_columns(s, many, 1, &err));
    OK(store_set_archs(s, list, 1, &err));
    put(s, "net", values, 1);
    store_close(s);
    times = rows(f->folder, "SELECT build, init, forward, backward, total FROM outcome");
    assert_string_equal(times, "0|0|0|0|2500000\n");
    free(times);
    is_sound(f->folder);
}

static void bad_columns(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const struct result_column bad[] = {
        {.name = "", .key = "k"},
        {.name = "a", .key = "k", .is_score = 2},
        {.name = "a", .key = "k", .population = -1},
        {.name = "a", .key = "k", .direction = 2},
        {.name = "a", .key = "k", .layered = (enum result_layered)3},
    };
    const struct store_accuracy nameless = {.name = "", .table = "t", .sha256 = "", .values = NULL};
    struct error err;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(store_set_columns(s, &bad[i], 1, &err), TCET_E_ARG);
    assert_int_equal(store_set_accuracies(s, &nameless, 1, &err), TCET_E_ARG);
    assert_int_equal(store_column_count(s), 0);
    store_close(s);
    is_sound(f->folder);
}

/* A list that names an architecture twice, and one that grows: each text has one row. */
static void lists(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *first[] = {"a", "b", "a", "c"}, *second[] = {"d", "c", "e", "b"};
    struct error err;
    char *text;

    OK(store_set_archs(s, first, 4, &err));
    OK(store_set_archs(s, second, 4, &err));
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(store_arch(s, i), second[i]);
    store_close(s);
    text = rows(f->folder, "SELECT id, text FROM arch ORDER BY id");
    assert_string_equal(text, "1|a\n2|b\n3|c\n4|d\n5|e\n");
    free(text);
    is_sound(f->folder);
}

/* What a dropped batch added is added again, under numbers of its own. */
static void dropped_batch(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct error err;

    set_run(s);
    OK(store_begin(s, &err));
    put_sample(s, 0);
    assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_commit(s, &err) < 0);
    put_sample(s, 0);
    put_sample(s, 1);
    store_close(s);
    is_sound(f->folder);
}

static void see_nothing(void *arg, const struct store_stock *stock)
{
    (void)arg, (void)stock;
}

static void lacks(struct store *s, size_t ordinal, int lacking)
{
    uint8_t missing[COLUMNS];
    struct error err;

    OK(store_missing(s, ordinal, 1, missing, &err));
    for (int c = 0; c < COLUMNS; c++)
        assert_int_equal(missing[c], lacking && !columns[c].population);
}

static void put_first(struct store *s)
{
    struct sample x;
    struct error err;

    sample_fill(&x, 0);
    OK(store_put_at(s, 0, &x.row, &err));
}

/* After a survey it is known of whom nothing is stored; not any more once something is, under whatever
 * ordinal, and a network is met again. */
static void known_blank(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *twice[] = {archs[0], archs[1], archs[0]};
    struct result_row failed = result_failure(archs[1], "no");
    struct sample x;
    struct error err;
    char *count;

    OK(store_set_columns(s, columns, COLUMNS, &err));
    OK(store_set_archs(s, twice, 3, &err));
    OK(store_survey(s, see_nothing, NULL, NULL, &err));
    for (size_t i = 0; i < 3; i++)
        lacks(s, i, 1);
    OK(store_begin(s, &err));
    put_first(s);
    lacks(s, 2, 0);
    assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_commit(s, &err) < 0);
    lacks(s, 0, 1);
    put_first(s);
    put_first(s);
    lacks(s, 0, 0);
    lacks(s, 1, 1);
    lacks(s, 2, 0);
    OK(store_put_at(s, 1, &failed, &err));
    lacks(s, 1, 1); /* and is tried again, since that was asked for */
    assert_int_equal(store_put_at(s, 3, &failed, &err), TCET_E_ARG);
    sample_fill(&x, 0);
    x.row.params++; /* another network */
    OK(store_put_at(s, 2, &x.row, &err));
    store_close(s);
    count = rows(f->folder, "SELECT count(*) FROM network");
    assert_string_equal(count, "2\n");
    free(count);
    is_sound(f->folder);
}

/* Nor is a list of architectures that went with its batch put to use. */
static void dropped_list(void **state)
{
    static const char *const others[] = {"other a", "other b"};
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct result_row row = {.arch = "other a", .status = RESULT_FAILED, .message = "m"};
    struct error err;

    set_run(s);
    put_sample(s, 0);
    OK(store_begin(s, &err));
    OK(store_set_archs(s, others, 2, &err));
    assert_int_equal(sqlite3_exec(s->db, "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_put_at(s, 0, &row, &err) < 0);
    assert_int_equal(sqlite3_exec(s->db, "PRAGMA query_only = 0", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_put_at(s, 0, &row, &err) < 0);
    assert_non_null(strstr(err.text, "no architecture 0"));
    store_close(s);
    is_sound(f->folder);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_number), T(merges),        T(blocks),       T(odd_times),   T(bad_columns),
        T(lists),       T(dropped_batch), T(dropped_list), T(known_blank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
