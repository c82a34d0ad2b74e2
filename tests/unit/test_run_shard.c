/* test_run_shard.c -- protects against two tasks that score the same part, or none: what --shard
 * accepts, and how a place in a Slurm job array becomes a shard.  Room: tests. */
#include "run/shard.h" /* before cmocka, which takes the word fail */
#include "run/rank.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void given(void **state)
{
    static const char *const bad[] = {
        "",     "/",   "1",     "1/",    "/1",  "0/1",        "2/1",
        "-1/2", "1/0", "1/2/3", "1 /2x", "a/b", "1/99999999", "9223372036854775808/1"};
    struct shard s = {9, 9};
    struct error err;

    (void)state;
    assert_int_equal(shard_parse("2/8", &s, &err), TCET_OK);
    assert_int_equal(s.index, 2);
    assert_int_equal(s.count, 8);
    assert_int_equal(shard_parse("1/1", &s, &err), TCET_OK);
    for (size_t i = 0; i < TCET_COUNT(bad); i++) {
        s = (struct shard){9, 9};
        if (shard_parse(bad[i], &s, &err) != TCET_E_ARG || s.index != 9)
            fail_msg("\"%s\" is accepted", bad[i]);
        assert_non_null(strstr(err.text, "I/N"));
    }
}

static void set(const char *id, const char *count, const char *min, const char *max,
                const char *step)
{
    const char *const name[] = {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT",
                                "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX",
                                "SLURM_ARRAY_TASK_STEP"};
    const char *const value[] = {id, count, min, max, step};

    for (size_t i = 0; i < TCET_COUNT(name); i++) {
        if (value[i])
            setenv(name[i], value[i], 1);
        else
            unsetenv(name[i]);
    }
}

static void from_slurm(void **state)
{
    static const struct {
        const char *id, *count, *min, *max, *step;
        int index, of; /* 0: refused */
    } cases[] = {
        {"1", "4", "1", "4", "1", 1, 4},
        {"4", "4", "1", "4", "1", 4, 4},
        {"0", "4", "0", "3", "1", 1, 4}, /* --array=0-3 */
        {"6", "4", "0", "6", "2", 4, 4}, /* --array=0-6:2 */
        {"6", "4", "0", "7", "2", 4, 4}, /* --array=0-7:2 */
        {"3", "4", NULL, NULL, NULL, 3, 4},
        {"7", "2", "7", "9", "1", 0, 0}, /* --array=7,9 */
        {"9", "2", "7", "9", "1", 0, 0},
        {"5", "4", "0", "6", "2", 0, 0},
        {"5", "4", "1", "4", "1", 0, 0},
        {"x", "4", "1", "4", "1", 0, 0},
        {"1", "0", "1", "4", "1", 0, 0},
        {"1", "4", "1", "4", "0", 0, 0},
        {NULL, "4", "1", "4", "1", 0, 0},
        {"1", NULL, "1", "4", "1", 0, 0},
        {"1", "1", "-9223372036854775808", "1", "1", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(cases); i++) {
        struct shard s = {0, 0};
        struct error err;

        set(cases[i].id, cases[i].count, cases[i].min, cases[i].max, cases[i].step);
        if ((shard_parse("auto", &s, &err) == TCET_OK) != (cases[i].index > 0) ||
            s.index != cases[i].index || s.count != cases[i].of)
            fail_msg("case %zu: %d/%d", i, s.index, s.count);
    }
    set(NULL, NULL, NULL, NULL, NULL);
}

/* Which rank we are, as the launchers of three MPIs tell. */
static void ranks(void **state)
{
    int n;

    (void)state;
    assert_int_equal(rank_own(&n), 0);
    assert_int_equal(n, 1);
    setenv("PMI_RANK", "3", 1);
    setenv("PMI_SIZE", "4", 1);
    assert_int_equal(rank_own(&n), 3);
    assert_int_equal(n, 4);
    setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    assert_int_equal(rank_own(&n), 0);
    assert_int_equal(n, 2);
    setenv("OMPI_COMM_WORLD_RANK", "2", 1); /* nonsense: of 2, there is none */
    unsetenv("PMI_RANK");
    assert_int_equal(rank_own(&n), 0);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(given), cmocka_unit_test(from_slurm),
                                       cmocka_unit_test(ranks)};
    static const char *const launchers[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};

    for (size_t i = 0; i < TCET_COUNT(launchers); i++)
        unsetenv(launchers[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
