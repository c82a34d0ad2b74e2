/* test_run_supervise.c -- protects a run's results from its workers: a row of another architecture
 * than was asked for, or with values that the run has no columns for, is not stored; it costs that
 * architecture and no other.  The workers are this very program (process.c runs /proc/self/exe),
 * which behaves as $FAKE says.  Room: tests. */
#include "proc/child.h"
#include "run/supervise.h" /* before cmocka, which takes the word fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const archs[] = {"a", "b", "c"};
enum { ARCHS = 3 };

/* -- The worker's side -------------------------------------------------------------------- */

static uint64_t nonce; /* of the last request */

static void answer_plan(void)
{
    static const struct result_column column = {.name = "m", .key = "key m", .direction = 1};
    struct wire_plan p = {.columns = &column,
                          .column_count = 1,
                          .archs = archs,
                          .arch_count = ARCHS,
                          .text = "",
                          .config = "",
                          .space = "toy",
                          .in_flight = 1};
    struct buf b = {0};
    struct error err;

    buf_add(&b, &nonce, sizeof nonce);
    wire_pack_plan(&b, &p);
    (void)!frame_send(CHILD_FD, WIRE_PLAN, b.data, b.len, &err);
    buf_free(&b);
}

/* A row; about "b" it lies. */
static void answer_row(const char *how, const char *arch)
{
    static uint64_t last; /* the job's before this */
    uint64_t number = nonce;
    struct result_value value = {.value = *arch};
    struct result_row row = {.arch = arch,
                             .status = RESULT_OK,
                             .params = 1,
                             .values = &value,
                             .value_count = 1,
                             .times = {.total = 1}};
    struct buf b = {0};
    struct error err;

    if (!strcmp(how, "other") && !strcmp(arch, "b"))
        row.arch = "a";
    if (!strcmp(how, "column") && !strcmp(arch, "b"))
        value.column = 1;
    if (!strcmp(how, "forged") && !strcmp(arch, "b")) /* by one who cannot know the number */
        number = 1;
    if (!strcmp(how, "stale") && !strcmp(arch, "b"))
        number = last;
    last = nonce;
    buf_add(&b, &number, sizeof number);
    wire_pack_row(&b, &row);
    (void)!frame_send(CHILD_FD, WIRE_ROW, b.data, b.len, &err);
    if (!strcmp(how, "twice") && !strcmp(arch, "b")) /* the second is not "c"'s */
        (void)!frame_send(CHILD_FD, WIRE_ROW, b.data, b.len, &err);
    buf_free(&b);
}

static int fake_worker(const char *how)
{
    struct buf in = {0};
    struct arena a = {0};
    struct wire_job job;
    struct error err;
    uint32_t type;

    while (frame_recv(CHILD_FD, &type, &in, &err) >= 0) {
        memcpy(&nonce, in.data, sizeof nonce);
        if (type == WIRE_HELLO)
            answer_plan();
        else if (wire_unpack_job(in.data + sizeof nonce, in.len - sizeof nonce, &a, &job, &err) >=
                 0)
            answer_row(how, job.arch);
    }
    buf_free(&in);
    arena_free(&a);
    return 0;
}

/* -- The supervisor's side ---------------------------------------------------------------- */

/* The run's end, and in values the column "m". */
static void run(const char *how, struct run_result *result, double values[ARCHS])
{
    const struct run_options options = {.resume = 0};
    char folder[] = "/tmp/tcet-supervise-XXXXXX", path[64];
    struct config *config;
    struct store *s;
    struct error err;
    FILE *f;

    setenv("FAKE", how, 1);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.ini", folder);
    f = fopen(path, "w");
    fprintf(f, "[run]\noutput = %s/out\nworkers = 1\n", folder);
    fclose(f);
    if (config_load(path, &config, &err) < 0 || run_supervise(config, &options, result, &err) < 0)
        fail_msg("%s", err.text);
    if (store_open(result->folder, STORE_READ, &s, &err) < 0 ||
        store_column_values(s, 0, values, &err) < 0)
        fail_msg("%s", err.text);
    store_close(s);
    config_free(config);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    assert_int_equal(system(path), 0);
}

static void honest(void **state)
{
    struct run_result r;
    double values[ARCHS];

    (void)state;
    run("honest", &r, values);
    assert_int_equal(r.failed, 0);
    assert_int_equal(r.progress.done, ARCHS);
    for (int i = 0; i < ARCHS; i++)
        assert_true(values[i] == *archs[i]);
    run_result_free(&r);
}

static void lies(const char *how, const char *reason)
{
    struct run_result r;
    double values[ARCHS];

    run(how, &r, values);
    assert_int_equal(r.progress.done, ARCHS);
    assert_int_equal(r.failed, 1);
    assert_int_equal(r.reasons.count, 1);
    assert_string_equal(r.reasons.item[0].text, reason);
    assert_true(values[0] == 'a' && values[2] == 'c');
    assert_true(values[1] != values[1]); /* NaN: nothing was stored */
    run_result_free(&r);
}

static void row_of_another(void **state)
{
    (void)state;
    lies("other", "sent the row of another architecture and was killed by signal 9 (Killed)");
}

static void row_of_no_column(void **state)
{
    (void)state;
    lies("column", "sent nonsense and was killed by signal 9 (Killed)");
}

/* The right architecture, but not the job's number: it was not asked for. */
static void forged_row(void **state)
{
    (void)state;
    lies("forged", "the worker sent nonsense and was killed by signal 9 (Killed)");
    lies("stale", "the worker sent nonsense and was killed by signal 9 (Killed)");
}

/* An answer too many is no one's. */
static void row_twice(void **state)
{
    struct run_result r;
    double values[ARCHS];

    (void)state;
    run("twice", &r, values);
    assert_int_equal(r.failed, 0);
    for (int i = 0; i < ARCHS; i++)
        assert_true(values[i] == *archs[i]);
    run_result_free(&r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(honest), cmocka_unit_test(row_of_another),
                                       cmocka_unit_test(row_of_no_column),
                                       cmocka_unit_test(forged_row), cmocka_unit_test(row_twice)};

    if (argc > 2 && !strcmp(argv[1], "worker"))
        return fake_worker(getenv("FAKE"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
