/* test_store_export.c -- core/store: exports, byte for byte, however the work went.
 * Room: tests.  Goldens in tests/data/store were made apart from the store, from
 * store.h, with Python's formatting of numbers. */
#include "test_store_fixture.h"

#include <math.h>

static const struct store_export plain = {.layers = 0}, layered = {.layers = 1},
                                 timed = {.layers = 1, .times = 1};

static char *export_as(struct store *s, struct fixture *f, const char *name,
                       const struct store_export *options)
{
    char path[160];
    struct error err;

    snprintf(path, sizeof path, "%s/%s", f->top, name);
    OK(store_export(s, path, options, &err));
    return slurp(path);
}

static void same_as_file(const char *text, const char *name)
{
    char path[512];
    char *want;

    snprintf(path, sizeof path, "%s/store/%s", TCET_TEST_DATA, name);
    want = slurp(path);
    assert_string_equal(text, want);
    free(want);
}

static void exports_golden(struct store *s, struct fixture *f)
{
    char path[160];
    char *text;

    text = export_as(s, f, "out.jsonl", &layered);
    same_as_file(text, "layers.jsonl");
    free(text);
    text = export_as(s, f, "out.jsonl", &plain);
    same_as_file(text, "plain.jsonl");
    free(text);
    text = export_as(s, f, "out.csv", &layered);
    same_as_file(text, "scores.csv");
    free(text);
    snprintf(path, sizeof path, "%s/out.layers.csv", f->top);
    text = slurp(path);
    same_as_file(text, "scores.layers.csv");
    free(text);
}

/* The run of the goldens: row 0 complete, row 1 with non-finite values, row 2 failed after
 * one value.  Puts `count` of the row's values from `first` on. */
static void put_golden(struct store *s, int arch, int first, int count)
{
    struct result_row dead = result_failure(archs[2], "worker: \"signal\" 11");
    struct sample x;
    struct error err;

    sample_fill(&x, arch);
    if (arch == 1) {
        x.value[0].value = NAN;
        x.layers[0][1] = -INFINITY;
        x.value[2].value = INFINITY;
    }
    if (arch == 2) {
        x.row.status = RESULT_FAILED;
        x.row.message = dead.message;
        count = first == 0 ? 1 : 0;
    }
    x.row.values = x.value + first;
    x.row.value_count = (size_t)count;
    OK(store_put(s, &x.row, &err));
    if (arch == 2)
        OK(store_put(s, &dead, &err));
}

static void put_rank(struct store *s)
{
    double rank[ARCHS] = {0.5, 1, NAN};
    struct error err;

    OK(store_put_population(s, RANK, rank, &err));
}

/* The bytes of the contract, and again from a store opened to read. */
static void golden(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);

    set_run(s);
    for (int i = 0; i < ARCHS; i++)
        put_golden(s, i, 0, 3);
    put_rank(s);
    exports_golden(s, f);
    store_close(s);
    s = open_store(f->folder, STORE_READ);
    exports_golden(s, f);
    store_close(s);
}

/* A store that tcet-host made before rows were structs holds the same, and can be gone on with. */
static void older_store(void **state)
{
    struct fixture *f = *state;
    struct result_row row;
    struct arena a = {0};
    struct store *s;
    struct error err;

    fixture_copy(f, "format1.db");
    s = open_store(f->folder, STORE_READ);
    exports_golden(s, f);
    store_close(s);
    s = open_store(f->folder, STORE_RESUME);
    set_run(s);
    for (size_t i = 0; i < ARCHS; i++) {
        OK(store_take(s, i, &a, &row, &err));
        OK(store_put(s, &row, &err));
    }
    put_rank(s);
    exports_golden(s, f);
    store_close(s);
    arena_free(&a);
}

/* Another order of work, batches, a resume, and first a run of other columns and
 * architectures in the same folder: the same bytes. */
static void same_bytes_by_another_way(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct result_column other[2] = {
        columns[NWOT],
        {.name = "gone", .key = "key gone", .direction = 1, .layered = RESULT_ROW_LAYERS}};
    const char *list[2] = {"another", archs[1]};
    struct sample x;
    struct error err;

    OK(store_set_columns(s, other, 2, &err));
    OK(store_set_archs(s, list, 2, &err));
    sample_fill(&x, 1);
    x.value[0] = x.value[1]; /* lnwot as in the golden run */
    x.value[0].column = 0;
    x.value[1] = (struct result_value){1, 9, x.layers[0], LAYERS, {{{"gone", 4}}, 1}, 0};
    x.row.value_count = 2;
    OK(store_put(s, &x.row, &err));
    x.row.params = 7; /* a network of another configuration under the same line */
    x.row.values = x.value + 1;
    x.row.value_count = 1;
    OK(store_put(s, &x.row, &err));
    store_close(s);

    s = open_store(f->folder, STORE_RESUME);
    set_run(s);
    OK(store_begin(s, &err));
    put_golden(s, 2, 0, 3);
    OK(store_commit(s, &err));
    put_golden(s, 1, 2, 1);
    put_golden(s, 1, 0, 1);
    store_close(s);

    s = open_store(f->folder, STORE_RESUME);
    set_run(s);
    OK(store_begin(s, &err));
    put_golden(s, 0, 1, 2);
    put_golden(s, 0, 0, 1);
    put_rank(s);
    OK(store_commit(s, &err));
    exports_golden(s, f);
    store_close(s);
}

/* What is not there is said to be missing; times only when asked for. */
static void missing_rows_and_times(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    char *text;

    set_run(s);
    put_golden(s, 0, 1, 2);
    text = export_as(s, f, "out.jsonl", &timed);
    same_as_file(text, "missing_times.jsonl");
    free(text);
    text = export_as(s, f, "out.csv", &plain);
    same_as_file(text, "missing.csv");
    free(text);
    assert_false(exists(f->top, "out.layers.csv"));
    store_close(s);
}

/* Layers of another length than the network's are kept, but stand in no layer. */
static void other_layers(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    double relu[3] = {1, 2, 3};
    struct result_column other[COLUMNS];
    struct arena a = {0};
    struct result_value v;
    struct sample x;
    struct error err;
    char *text;
    int found;

    set_run(s);
    memcpy(other, columns, sizeof columns);
    other[NWOT].layered = RESULT_OTHER_LAYERS;
    OK(store_set_columns(s, other, COLUMNS, &err));
    sample_fill(&x, 0);
    x.value[1].layers = relu;
    x.value[1].layer_count = 3;
    OK(store_put(s, &x.row, &err));
    OK(store_get(s, archs[0], NWOT, &a, &v, &found, &err));
    assert_int_equal(v.layer_count, 3);
    text = export_as(s, f, "out.jsonl", &layered);
    assert_non_null(strstr(text, "\"metrics\":{\"snip_snr\":"));
    assert_null(strstr(text, ",\"lnwot\":0"));
    assert_null(strstr(text, ",\"lnwot\":1"));
    free(text);
    store_close(s);
    arena_free(&a);
}

/* Accuracies stand behind the scores, under names that nothing else has; what the table has not is
 * empty, or left out.  Whoever exports may bring others. */
static void accuracies(void **state)
{
    static const double acc[ARCHS] = {93.5, NAN, INFINITY}, params[ARCHS] = {NAN, 7, 8},
                        theirs[ARCHS] = {1, NAN, NAN};
    static const struct store_accuracy own[] = {{"tcet", "t", "0", acc},
                                                {"params", "t", "0", params},
                                                {"=acc", "t", "0", acc}},
                                       other = {"a\"b", "u", "1", theirs};
    const struct store_export given = {.accuracies = &other, .accuracy_count = 1},
                              none = {.accuracies = &other};
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct error err;
    char *text;

    set_run(s);
    OK(store_set_accuracies(s, own, 3, &err));
    text = export_as(s, f, "out.csv", &plain);
    assert_string_equal(text, "arch,status,params,macs,snip_snr,lnwot,tcet,rank,table.tcet,"
                              "table.params,'=acc\n"
                              "|conv~0|,missing,,,,,,,93.5,,93.5\n"
                              "\"a,\"\"b\"\"\",missing,,,,,,,,7,\n"
                              "|none~0|,missing,,,,,,,inf,8,inf\n");
    free(text);
    text = export_as(s, f, "out.jsonl", &plain);
    assert_non_null(strstr(text,
                           "\"arch\":\"|conv~0|\",\"scores\":{},\"accuracies\":{\"tcet\":93.5,"
                           "\"=acc\":93.5},\"guards\":{}"));
    assert_non_null(strstr(text, "\"accuracies\":{\"params\":7},"));
    assert_non_null(
        strstr(text, "\"accuracies\":{\"tcet\":\"inf\",\"params\":8,\"=acc\":\"inf\"},"));
    free(text);
    text = export_as(s, f, "out.jsonl", &given);
    assert_non_null(strstr(text, "\"accuracies\":{\"a\\\"b\":1},"));
    assert_non_null(strstr(text, "\"accuracies\":{},"));
    assert_null(strstr(text, "tcet"));
    free(text);
    text = export_as(s, f, "out.jsonl", &none);
    assert_null(strstr(text, "accuracies"));
    free(text);
    store_close(s);
}

/* A target that cannot be written is named, and no half file stays. */
static void bad_targets(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    char path[160], *text;
    struct error err;

    set_run(s);
    snprintf(path, sizeof path, "%s/out.json", f->top);
    assert_int_equal(store_export(s, path, &plain, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, ".jsonl"));
    snprintf(path, sizeof path, "%s/none/out.csv", f->top);
    assert_int_equal(store_export(s, path, &plain, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No such file"));
    snprintf(path, sizeof path, "%s/taken.csv", f->top);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(store_export(s, path, &plain, &err), TCET_E_IO);
    store_close(s);
    snprintf(path, sizeof path, "ls %s/*.tmp-* >%s/list 2>/dev/null", f->top, f->top);
    assert_int_not_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/list", f->top);
    text = slurp(path);
    assert_string_equal(text, "");
    free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_make, fixture_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(golden),
        T(older_store),
        T(same_bytes_by_another_way),
        T(missing_rows_and_times),
        T(other_layers),
        T(bad_targets),
        T(accuracies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
