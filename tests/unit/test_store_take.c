/* test_store_take.c -- protects merged results: a row taken from one store and put into another is
 * exported with the same bytes; and that all rows are seen.  Room: tests. */
#include "test_store_fixture.h"

static tcet_status count_row(void *arg, const struct result_row *row, struct error *err)
{
    int *seen = arg;

    assert_string_equal(row->arch, *seen < ARCHS ? archs[*seen] : "of no list");
    ++*seen;
    return *seen > ARCHS ? error_set(err, TCET_E_CANCELLED, "enough") : TCET_OK;
}

/* Rows that are of no list are seen too, and a failure ends it. */
static void all_rows(void **state)
{
    struct fixture *f = *state;
    struct store *s = open_store(f->folder, STORE_FRESH);
    struct sample x;
    struct error err;
    int seen = 0;

    set_run(s);
    for (int i = 0; i < 2; i++) {
        sample_fill(&x, 0);
        x.row.arch = i ? "and another" : "of no list";
        OK(store_put(s, &x.row, &err));
    }
    assert_int_equal(store_each(s, count_row, &seen, &err), TCET_E_CANCELLED);
    assert_int_equal(seen, ARCHS + 1);
    store_close(s);
}

static void same_bytes(void **state)
{
    struct fixture *f = *state;
    struct store *from = open_store(f->folder, STORE_FRESH), *into;
    const struct store_export all = {.layers = 1, .times = 1};
    double rank[ARCHS] = {1, 2, 3};
    char other[128], one[160], two[160];
    struct arena a = {0};
    struct result_row row;
    struct sample x;
    struct error err;
    char *text, *copy;

    set_run(from);
    put_sample(from, 0);
    sample_fill(&x, 1);
    x.row.status = RESULT_FAILED;
    x.row.message = "line \"two\"";
    x.row.value_count = 1;
    OK(store_put(from, &x.row, &err));
    OK(store_put_population(from, RANK, rank, &err));

    snprintf(other, sizeof other, "%s/runs/two", f->top);
    into = open_store(other, STORE_FRESH);
    /* other columns first, so that ids differ */
    OK(store_set_columns(into, &columns[TCET], 1, &err));
    OK(store_set_columns(into, columns, COLUMNS, &err));
    OK(store_set_archs(into, archs, ARCHS, &err));
    OK(store_copy_meta(into, from, &err));
    assert_string_equal(store_meta(into, "space"), "toy");
    for (size_t i = 0; i < ARCHS; i++) {
        OK(store_take(from, i, &a, &row, &err));
        assert_string_equal(row.arch, archs[i]);
        assert_int_equal(row.status, i == 0 ? RESULT_OK : i == 1 ? RESULT_FAILED : RESULT_MISSING);
        for (size_t k = 0; k < row.value_count; k++)
            assert_int_not_equal(row.values[k].column, RANK);
        if (i < 2)
            OK(store_put(into, &row, &err));
        else
            assert_int_equal(store_put(into, &row, &err), TCET_E_ARG);
    }
    OK(store_put_population(into, RANK, rank, &err));
    snprintf(one, sizeof one, "%s/one.jsonl", f->top);
    snprintf(two, sizeof two, "%s/two.jsonl", f->top);
    OK(store_export(from, one, &all, &err));
    OK(store_export(into, two, &all, &err));
    text = slurp(one);
    copy = slurp(two);
    assert_non_null(strstr(text, "equal_rows"));
    assert_string_equal(text, copy);
    free(text);
    free(copy);
    assert_int_equal(store_take(from, ARCHS, &a, &row, &err), TCET_E_ARG);
    store_close(from);
    store_close(into);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_bytes, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(all_rows, fixture_make, fixture_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
