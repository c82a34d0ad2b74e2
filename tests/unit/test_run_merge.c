/* test_run_merge.c -- protects a merge from shards whose columns have one name and one key and are not
 * of one kind, as somebody's change makes them: what was merged would not be sound.  Room: tests. */
#include "run/merge.h" /* before cmocka, which takes the word fail */

#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/tcet-merge-XXXXXX";
static const char *const archs[] = {"a", "b"};

/* Shard i of two, whose one column is like that. */
static void make_shard(int i, const struct result_column *column)
{
    struct result_value value = {.value = 1};
    struct result_row row = {.arch = archs[i - 1],
                             .status = RESULT_OK,
                             .message = "",
                             .params = 1,
                             .macs = 1,
                             .values = &value,
                             .value_count = column->population ? 0 : 1};
    char folder[64], path[80], shard[128], digest[65];
    struct sha256 hash;
    struct store *s;
    struct error err;
    FILE *f;

    sha256_init(&hash);
    for (int k = 0; k < 2; k++)
        sha256_add(&hash, archs[k], strlen(archs[k]) + 1);
    sha256_hex(&hash, digest);
    snprintf(folder, sizeof folder, "%s/%d", top, i);
    snprintf(shard, sizeof shard, "%d/2 of 2, list %s", i, digest);
    if (store_open(folder, STORE_RESUME, &s, &err) < 0 ||
        store_set_columns(s, column, 1, &err) < 0 ||
        store_set_archs(s, &archs[i - 1], 1, &err) < 0 ||
        store_set_meta(s, "shard", shard, &err) < 0 || store_put(s, &row, &err) < 0)
        fail_msg("%s", err.text);
    store_close(s);
    snprintf(path, sizeof path, "%s/config.ini", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("[run]\nspace = toy\n", f);
    fclose(f);
}

static tcet_status merge_with(const struct result_column *second, struct error *err)
{
    const struct result_column first = {.name = "m", .key = "km", .direction = 1};
    const struct merge_options options = {.plugin_count = 0};
    char in[2][64], out[64], command[160];
    const char *const list[] = {in[0], in[1]};
    struct merge_summary summary;
    tcet_status st;

    make_shard(1, &first);
    make_shard(2, second);
    snprintf(in[0], sizeof in[0], "%s/1", top);
    snprintf(in[1], sizeof in[1], "%s/2", top);
    snprintf(out, sizeof out, "%s/out", top);
    st = run_merge(out, list, 2, &options, &summary, err);
    assert_true(st < 0 || summary.rows.done == 2);
    snprintf(command, sizeof command, "rm -rf %s/1 %s/2 %s/out", top, top, top);
    assert_int_equal(system(command), 0);
    return st;
}

static void kinds_of_columns(void **state)
{
    const struct result_column others[] = {
        {.name = "m", .key = "km", .direction = 1, .population = 1, .is_score = 1},
        {.name = "m", .key = "km", .direction = -1},
        {.name = "m", .key = "km", .direction = 1, .is_score = 1},
        {.name = "m", .key = "km", .direction = 1, .layered = 1}};
    const struct result_column same = {.name = "m", .key = "km", .direction = 1};
    struct error err;

    (void)state;
    assert_int_equal(merge_with(&same, &err), TCET_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(merge_with(&others[i], &err), TCET_E_ARG);
        assert_non_null(strstr(err.text, "are not of one run: m is another kind of column"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_of_columns)};
    int rc;

    if (!mkdtemp(top))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(top);
    return rc;
}
