/* test_store_rows.c -- core/store: what is put comes back, merges, and is known as done.
 * Room: tests. */
#include "test_store_fixture.h"

#include <math.h>

/* Values and layers come back bit for bit, after closing and opening too. */
static void round_trip(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct arena a = {0};
    struct sample x;
    struct error err;

    set_run(s);
    put_sample(s, 1);
    for (int pass = 0; pass < 2; pass++) {
        sample_fill(&x, 1);
        for (int k = 0; k < 3; k++) {
            struct result_value v = {.layer_count = 99};
            int found = 0;

            OK(store_get(s, archs[1], x.value[k].column, &a, &v, &found, &err));
            assert_int_equal(found, 1);
            assert_int_equal(v.column, x.value[k].column);
            assert_memory_equal(&v.value, &x.value[k].value, sizeof v.value);
            assert_true(v.seconds == x.value[k].seconds);
            assert_int_equal(v.layer_count, x.value[k].layers ? LAYERS : 0);
            if (x.value[k].layers)
                assert_memory_equal(v.layers, x.value[k].layers, LAYERS * sizeof *v.layers);
        }
        assert_int_equal(store_arch_count(s), ARCHS);
        assert_string_equal(store_arch(s, 1), archs[1]);
        assert_null(store_arch(s, ARCHS));
        assert_int_equal(store_column_count(s), COLUMNS);
        assert_string_equal(store_column_at(s, RANK)->name, "rank");
        assert_string_equal(store_column_at(s, RANK)->key, "key rank");
        assert_int_equal(store_column_at(s, RANK)->direction, -1);
        assert_int_equal(store_column_at(s, RANK)->population, 1);
        assert_int_equal(store_column_at(s, SNIP)->layered, 1);
        assert_null(store_column_at(s, COLUMNS));
        assert_string_equal(store_meta(s, "space"), "toy");
        assert_null(store_meta(s, "nothing"));
        store_close(s);
        s = open_store(f->folder, STORE_READ);
    }
    store_close(s);
    arena_free(&a);
}

/* What no number can hold survives: NaN is a value, not a lack; -0.0 keeps its sign. */
static void odd_numbers(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 5e-324, 1e308, 4.0};
    uint8_t missing[COLUMNS];
    struct arena a = {0};
    struct error err;

    set_run(s);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct result_value v = {.value = 7};
        struct sample x;
        int found;

        sample_fill(&x, 0);
        x.value[0].value = x.layers[0][0] = odd[i];
        OK(store_put(s, &x.row, &err));
        OK(store_get(s, archs[0], SNIP, &a, &v, &found, &err));
        assert_true(found);
        assert_true(isnan(odd[i]) ? isnan(v.value) : !memcmp(&v.value, &odd[i], sizeof v.value));
        assert_memory_equal(&v.layers[0], &odd[i], sizeof odd[i]);
        OK(store_missing(s, 0, 0, missing, &err));
        assert_int_equal(missing[SNIP], 0);
    }
    store_close(s);
    arena_free(&a);
}

/* What a survey says of one architecture. */
struct surveyed {
    size_t ordinal, met, columns;
    enum result_status status;
    uint8_t has[8];
    double value[8];
};

static void see(void *arg, const struct store_stock *stock)
{
    struct surveyed *to = arg;
    size_t n = stock->ordinal == to->ordinal ? 8 : 0;

    assert_int_equal(stock->ordinal, to->met++);
    if (n)
        to->status = stock->status;
    for (size_t i = 0; i < n && i < to->columns; i++) {
        to->has[i] = stock->has[i];
        to->value[i] = stock->value[i];
    }
}

/* The survey of all says what is asked of one, and has its values. */
static void survey_agrees(struct store *s, int arch)
{
    struct surveyed all = {.ordinal = (size_t)arch, .columns = store_column_count(s)};
    uint8_t missing[8];
    struct error err;

    OK(store_missing(s, (size_t)arch, 1, missing, &err));
    OK(store_survey(s, see, &all, NULL, &err));
    assert_int_equal(all.met, store_arch_count(s));
    for (int c = 0; c < (int)store_column_count(s); c++) {
        double values[ARCHS];

        if (!store_column_at(s, (size_t)c)->population)
            assert_int_equal(all.has[c], !missing[c]);
        OK(store_column_values(s, c, values, &err));
        assert_memory_equal(&all.value[c], &values[arch], sizeof *values);
    }
}

static void missing_is(struct store *s, int arch, int retry, const char *pattern)
{
    uint8_t missing[8];
    char got[9] = "";
    struct error err;

    survey_agrees(s, arch);

    OK(store_missing(s, (size_t)arch, retry, missing, &err));
    for (size_t i = 0; i < store_column_count(s); i++)
        got[i] = missing[i] ? '1' : '0';
    assert_string_equal(got, pattern);
}

/* A second run with one more metric lacks only that one; a changed key lacks its column. */
static void merge(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct result_column more[COLUMNS + 1], fewer[1];
    struct result_value value = {.column = COLUMNS, .value = 3.5};
    struct store_summary sum;
    struct arena a = {0};
    struct result_value v;
    struct sample x;
    struct error err;
    int found;

    set_run(s);
    put_sample(s, 0);
    missing_is(s, 0, 0, "0000");
    missing_is(s, 1, 0, "1110");
    store_close(s);

    s = open_store(f->folder, STORE_RESUME);
    memcpy(more, columns, sizeof columns);
    more[COLUMNS] = (struct result_column){.name = "zen", .key = "key zen", .direction = 1};
    OK(store_set_columns(s, more, COLUMNS + 1, &err));
    missing_is(s, 0, 0, "00001");
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.done, 0);
    assert_int_equal(sum.missing, ARCHS);
    sample_fill(&x, 0);
    x.row.values = &value;
    x.row.value_count = 1;
    OK(store_put(s, &x.row, &err));
    missing_is(s, 0, 0, "00000");
    OK(store_get(s, archs[0], SNIP, &a, &v, &found, &err));
    assert_true(found && v.value == 1.0 / 7 && v.layer_count == LAYERS);
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.done, 1);
    store_close(s);

    /* In another order and under other names, keys are what counts. */
    s = open_store(f->folder, STORE_RESUME);
    fewer[0] = more[COLUMNS];
    fewer[0].name = "other";
    OK(store_set_columns(s, fewer, 1, &err));
    missing_is(s, 0, 0, "0");
    fewer[0].key = "key zen of an edited plugin";
    OK(store_set_columns(s, fewer, 1, &err));
    missing_is(s, 0, 0, "1");
    OK(store_get(s, archs[0], 0, &a, &v, &found, &err));
    assert_false(found);
    store_close(s);
    arena_free(&a);
}

/* Two columns of one key share the value; the one without layers does not take them away. */
static void shared_key(void **state)
{
    enum { MANY = 200 }; /* more than one block of values holds */
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct result_column two[2] = {columns[SNIP], columns[SNIP]};
    struct result_value value[2] = {{.column = 0, .value = 2.5}, {.column = 1, .value = 2.5}};
    struct result_layer layer[MANY];
    double numbers[MANY];
    struct arena a = {0};
    struct result_value v;
    struct sample x;
    struct error err;
    int found;

    two[1].name = "renamed";
    two[1].is_score = 1;
    OK(store_set_columns(s, two, 2, &err));
    OK(store_set_archs(s, archs, ARCHS, &err));
    for (size_t i = 0; i < MANY; i++) {
        numbers[i] = (double)i;
        layer[i] = (struct result_layer){"l", "conv", "1"};
    }
    sample_fill(&x, 0);
    x.row.values = value;
    x.row.value_count = 2;
    x.row.layers = layer;
    value[0].layers = numbers;
    for (size_t layers = 1; layers <= MANY; layers += MANY - 1) {
        x.row.layer_count = value[0].layer_count = layers;
        OK(store_put(s, &x.row, &err));
        OK(store_get(s, archs[0], 0, &a, &v, &found, &err));
        assert_true(found && v.value == 2.5 && v.layer_count == layers);
        assert_memory_equal(v.layers, numbers, layers * sizeof *numbers);
    }
    two[1].name = two[0].name;
    assert_int_equal(store_set_columns(s, two, 2, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "snip_snr"));
    assert_int_equal(store_column_count(s), 2);
    two[0].population = 1; /* whose values are dropped, blocks and all */
    OK(store_set_columns(s, two, 1, &err));
    store_close(s);
    s = open_store(f->folder, STORE_READ);
    store_close(s);
    arena_free(&a);
}

/* A failed row is not tried again unless asked, or unless other columns are asked for. */
static void failed_rows(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct result_row row = {.arch = archs[2], .status = RESULT_FAILED, .message = "killed by 11"};
    struct result_column changed[COLUMNS];
    struct surveyed all = {.ordinal = 2};
    struct store_summary sum;
    struct sample x;
    struct error err;

    set_run(s);
    sample_fill(&x, 2);
    x.row.value_count = 1;
    x.row.status = RESULT_FAILED;
    OK(store_put(s, &x.row, &err));
    missing_is(s, 2, 0, "0000");
    missing_is(s, 2, 1, "0110");
    OK(store_put(s, &row, &err)); /* failed again, with nothing: the value stays */
    missing_is(s, 2, 1, "0110");
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.failed, 1);
    assert_int_equal(sum.missing, 2);
    OK(store_survey(s, see, &all, NULL, &err));
    assert_int_equal(all.status, RESULT_FAILED);
    memcpy(changed, columns, sizeof columns);
    changed[NWOT].key = "key nwot, mended";
    OK(store_set_columns(s, changed, COLUMNS, &err));
    missing_is(s, 2, 0, "0110");
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.failed, 0);
    OK(store_set_columns(s, columns, COLUMNS, &err));
    put_sample(s, 2);
    missing_is(s, 2, 1, "0000");
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.done, 1);
    store_close(s);
}

/* Rows that make no sense are refused before anything is written. */
static void bad_rows(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const struct result_layer bad_shape[] = {{"a", "conv", "16,3]"}, {"b", "conv", "1"}};
    struct store_summary sum;
    struct sample x;
    struct error err;

    set_run(s);
    OK(store_begin(s, &err));
    put_sample(s, 0);
    sample_fill(&x, 1);
    x.row.status = RESULT_MISSING;
    assert_int_equal(store_put(s, &x.row, &err), TCET_E_ARG);
    sample_fill(&x, 1);
    x.value[2].column = COLUMNS;
    assert_int_equal(store_put(s, &x.row, &err), TCET_E_ARG);
    sample_fill(&x, 1);
    x.row.layers = bad_shape;
    assert_int_equal(store_put(s, &x.row, &err), TCET_E_ARG);
    sample_fill(&x, 1);
    x.value[1].guards.item[0].count = INT64_C(1) << 54; /* no number of JSON */
    assert_int_equal(store_put(s, &x.row, &err), TCET_E_ARG);
    OK(store_commit(s, &err));
    OK(store_summarise(s, &sum, &err));
    assert_int_equal(sum.done, 1);
    assert_int_equal(sum.missing, 2);
    assert_int_equal(store_commit(s, &err), TCET_E_ARG);
    store_close(s);
}

/* One column by ordinal, NaN where lacking; a line that stands twice has its value twice. */
static void whole_columns(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    const char *list[] = {archs[1], archs[0], archs[1]};
    double got[3], rank[3] = {2, NAN, 1};
    struct arena a = {0};
    struct result_value v;
    struct error err;
    int found;

    set_run(s);
    OK(store_set_archs(s, list, 3, &err));
    put_sample(s, 1);
    OK(store_column_values(s, SNIP, got, &err));
    assert_true(got[0] == 1.0 / 8 && isnan(got[1]) && got[2] == 1.0 / 8);
    OK(store_put_population(s, RANK, rank, &err));
    OK(store_column_values(s, RANK, got, &err));
    assert_true(got[0] == 1 && isnan(got[1]) && got[2] == 1);
    OK(store_get(s, archs[0], RANK, &a, &v, &found, &err));
    assert_false(found); /* nothing is known of this one: NaN was no value */
    rank[0] = rank[2] = NAN;
    OK(store_put_population(s, RANK, rank, &err));
    OK(store_get(s, archs[1], RANK, &a, &v, &found, &err));
    assert_true(found && isnan(v.value));
    /* The next run's population may be another: old ranks do not outlive the columns. */
    OK(store_set_columns(s, columns, COLUMNS, &err));
    OK(store_get(s, archs[1], RANK, &a, &v, &found, &err));
    assert_false(found);
    assert_int_equal(store_column_values(s, COLUMNS, got, &err), TCET_E_ARG);
    store_close(s);
    arena_free(&a);
}

/* FRESH makes its folder, goes on with an empty store, and never touches results. */
static void fresh(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct store *none = NULL;
    struct error err;

    set_run(s);
    store_close(s);
    assert_true(exists(f->folder, "lock"));
    assert_false(exists(f->folder, "scores.db-wal"));
    s = open_store(f->folder, STORE_FRESH);
    assert_int_equal(store_arch_count(s), 0);
    assert_null(store_meta(s, "space"));
    set_run(s);
    put_sample(s, 0);
    put_sample(s, 1);
    store_close(s);
    assert_int_equal(store_open(f->folder, STORE_FRESH, &none, &err), TCET_E_ARG);
    assert_null(none);
    assert_non_null(strstr(err.text, f->folder));
    assert_non_null(strstr(err.text, "holds results of an earlier run (2 architectures); use "
                                     "--resume to go on with it, or choose another run.output"));
    s = open_store(f->folder, STORE_RESUME);
    assert_int_equal(store_arch_count(s), ARCHS);
    missing_is(s, 0, 0, "0000");
    store_close(s);
}

/* RESUME starts what is missing, empty or half made; READ wants something to read. */
static void resume_from_nothing(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct store *s = NULL;
    struct error err;

    assert_int_equal(store_open(f->folder, STORE_READ, &s, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "scores.db: no such file"));
    assert_int_equal(store_open("", STORE_RESUME, &s, &err), TCET_E_ARG);
    s = open_store(f->folder, STORE_RESUME);
    store_close(s);
    snprintf(path, sizeof path, "%s/scores.db", f->folder);
    assert_int_equal(truncate(path, 0), 0); /* killed before its tables */
    s = NULL;
    assert_int_equal(store_open(f->folder, STORE_READ, &s, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "holds no results yet"));
    s = open_store(f->folder, STORE_RESUME);
    set_run(s);
    put_sample(s, 0);
    store_close(s);
    s = open_store(f->folder, STORE_READ);
    assert_int_equal(store_arch_count(s), ARCHS);
    assert_true(store_set_meta(s, "space", "other", &err) < 0);
    store_close(s);
}

/* Odd folder names are only names: relative ones, slashes, what means something in a URI. */
static void folder_names(void **state)
{
    static const char *const names[] = {"file:x?mode=memory", "a%20b#c/d", "e//f///"};
    struct fixture *f = *state;
    char here[256];

    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(f->top), 0);
    for (int i = 0; i < 3; i++) {
        store_close(open_store(names[i], STORE_FRESH));
        assert_true(exists(names[i], "scores.db"));
        store_close(open_store(names[i], STORE_READ));
    }
    assert_int_equal(chdir(here), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(round_trip), T(odd_numbers),   T(merge), T(shared_key),          T(failed_rows),
        T(bad_rows),   T(whole_columns), T(fresh), T(resume_from_nothing), T(folder_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
