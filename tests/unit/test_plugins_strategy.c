/* test_plugins_strategy.c -- search strategies on a toy space whose architectures are
 * numbers: random counts up from 100, mutation adds 1, crossover joins with "+". */
#include "fake_host.h"

static int64_t next_random;

static tcet_status toy_at(tcet_ctx *cx, void *space, int64_t i, char *text, size_t cap)
{
    (void)cx;
    (void)space;
    snprintf(text, cap, "%lld", (long long)i);
    return TCET_OK;
}

static tcet_status toy_random(tcet_ctx *cx, void *space, char *text, size_t cap)
{
    return toy_at(cx, space, next_random++, text, cap);
}

static tcet_status toy_mutate(tcet_ctx *cx, void *space, const char *from, char *text, size_t cap)
{
    return toy_at(cx, space, atoll(from) + 1, text, cap);
}

static tcet_status toy_cross(tcet_ctx *cx, void *space, const char *a, const char *b, char *text,
                             size_t cap)
{
    (void)cx;
    (void)space;
    snprintf(text, cap, "%s+%s", a, b);
    return TCET_OK;
}

static const tcet_space_view toy = {.struct_size = sizeof toy,
                                    .size = 3,
                                    .at = toy_at,
                                    .random = toy_random,
                                    .mutate = toy_mutate,
                                    .crossover = toy_cross};

static const char *ask(struct fake_plugin f, const tcet_space_view *space, int32_t *done)
{
    static char text[64];
    const tcet_strategy_ops *ops = f.ops;

    text[0] = '\0';
    assert_int_equal(ops->ask(fake_begin(), f.self, space, text, sizeof text, done), TCET_OK);
    return text;
}

static void tell(struct fake_plugin f, const char *text, double score)
{
    const tcet_strategy_ops *ops = f.ops;

    assert_int_equal(ops->tell(fake_begin(), f.self, text, score), TCET_OK);
}

/* random never ends; exhaustive goes through 0, 1, 2 and refuses an endless space. */
static void test_sampling(void **state)
{
    struct fake_plugin random = fake_new("strategy_sampling", "random", "");
    struct fake_plugin all = fake_new("strategy_sampling", "exhaustive", "");
    const tcet_strategy_ops *ops = all.ops;
    tcet_space_view endless = toy;
    char text[64];
    int32_t done = 1;

    (void)state;
    next_random = 100;
    assert_string_equal(ask(random, &toy, &done), "100");
    assert_int_equal(done, 0);
    tell(random, "100", 1.0);
    assert_string_equal(ask(all, &toy, &done), "0");
    assert_string_equal(ask(all, &toy, &done), "1");
    assert_string_equal(ask(all, &toy, &done), "2");
    assert_int_equal(done, 0);
    ask(all, &toy, &done);
    assert_int_equal(done, 1);
    endless.size = -1;
    assert_int_equal(ops->ask(fake_begin(), all.self, &endless, text, sizeof text, &done),
                     TCET_E_UNSUPPORTED);
    fake_free(random);
    fake_free(all);
}

/* A population of three random ones (a failed one does not count); then the best of three
 * drawn (0, 1, 2: all of them) is the parent, and the oldest leaves. */
static void test_aging(void **state)
{
    struct fake_plugin f = fake_new("strategy_evolution", "evolution", "population=3 sample=3");
    int32_t done;

    (void)state;
    next_random = 100;
    fake.random = 0;
    assert_string_equal(ask(f, &toy, &done), "100");
    tell(f, "100", 9);
    tell(f, "200", NAN);
    tell(f, "300", 5);
    assert_string_equal(ask(f, &toy, &done), "101");
    tell(f, "400", 7);
    assert_string_equal(ask(f, &toy, &done), "101"); /* 100 mutated */
    assert_int_equal(done, 0);
    tell(f, "101", 1); /* 100 leaves: the oldest, though the best */
    assert_string_equal(ask(f, &toy, &done), "401");
    fake_free(f);
}

/* evict = worst: 300 leaves and the best stays the parent. */
static void test_worst(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=3 sample=3 evict=worst");
    int32_t done;

    (void)state;
    fake.random = 0;
    tell(f, "100", 9);
    tell(f, "300", 5);
    tell(f, "400", 7);
    tell(f, "500", 8);
    assert_string_equal(ask(f, &toy, &done), "101");
    tell(f, "600", 1); /* itself the worst */
    assert_string_equal(ask(f, &toy, &done), "101");
    fake_free(f);
}

/* Two different parents make a child; a space without crossover is refused. */
static void test_crossover(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=3 sample=1 crossover=1");
    const tcet_strategy_ops *ops = f.ops;
    tcet_space_view barren = toy;
    char text[64];
    int32_t done;

    (void)state;
    tell(f, "100", 1);
    tell(f, "200", 2);
    tell(f, "300", 3);
    fake.random = 0; /* parent 0, then the coin, then parent 2 */
    assert_string_equal(ask(f, &toy, &done), "100+300");
    barren.crossover = NULL;
    assert_int_equal(ops->ask(fake_begin(), f.self, &barren, text, sizeof text, &done),
                     TCET_E_UNSUPPORTED);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_aging),
        cmocka_unit_test(test_worst),
        cmocka_unit_test(test_crossover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
