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

/* The two numbers beside it. */
static tcet_status toy_neighbours(tcet_ctx *cx, void *space, const char *from, int64_t index,
                                  int64_t *count, char *text, size_t cap)
{
    *count = 2;
    return index < 0 ? TCET_OK : toy_at(cx, space, atoll(from) + (index ? 1 : -1), text, cap);
}

static const tcet_space_view toy = {.struct_size = sizeof toy,
                                    .value_count = 1,
                                    .size = 3,
                                    .at = toy_at,
                                    .random = toy_random,
                                    .mutate = toy_mutate,
                                    .crossover = toy_cross,
                                    .neighbours = toy_neighbours};

static int64_t ask_number;

static tcet_status ask_status(struct fake_plugin f, const tcet_space_view *space, tcet_ask *out)
{
    static char text[TCET_ARCH_MAX];
    const tcet_strategy_ops *ops = f.ops;

    text[0] = '\0';
    *out = (tcet_ask){
        .struct_size = sizeof *out, .number = ++ask_number, .text = text, .cap = sizeof text};
    return ops->ask(fake_begin(), f.self, space, out);
}

/* The text asked for, "wait" or "end". */
static const char *ask_of(struct fake_plugin f, const tcet_space_view *space)
{
    tcet_ask a;

    assert_int_equal(ask_status(f, space, &a), TCET_OK);
    return a.answer == TCET_ASK_WAIT ? "wait" : a.answer == TCET_ASK_END ? "end" : a.text;
}

static const char *ask(struct fake_plugin f)
{
    return ask_of(f, &toy);
}

/* The same ask once more: the text before was rejected, and nothing is told of it. */
static const char *ask_again(struct fake_plugin f)
{
    ask_number--;
    return ask(f);
}

/* Outcome of an ask of the strategy's own; the number is that of the text. */
static void tell_as(struct fake_plugin f, uint32_t status, int asked, const char *text,
                    double value, double second)
{
    const tcet_strategy_ops *ops = f.ops;
    double values[2] = {value, second};
    tcet_told t = {.struct_size = sizeof t,
                   .status = status,
                   .asked = asked,
                   .number = atoll(text),
                   .value_count = status <= TCET_TOLD_REUSED ? 2 : 0,
                   .values = values,
                   .violation = status == TCET_TOLD_REJECTED ? value : 0,
                   .text = text,
                   .reason = ""};

    assert_int_equal(ops->tell(fake_begin(), f.self, &t), TCET_OK);
}

static void tell(struct fake_plugin f, const char *text, double value)
{
    tell_as(f, TCET_TOLD_SCORED, 1, text, value, 0);
}

/* What the search began with. */
static void give(struct fake_plugin f, const char *text, double value)
{
    tell_as(f, TCET_TOLD_SCORED, 0, text, value, 0);
}

/* random never ends; exhaustive goes through 0, 1, 2 and refuses an endless space. */
static void test_sampling(void **state)
{
    struct fake_plugin random = fake_new("strategy_sampling", "random", "");
    struct fake_plugin all = fake_new("strategy_sampling", "exhaustive", "");
    tcet_space_view endless = toy;
    tcet_ask a;

    (void)state;
    next_random = 100;
    assert_string_equal(ask(random), "100");
    tell(random, "100", 1.0);
    assert_string_equal(ask(all), "0");
    assert_string_equal(ask(all), "1");
    assert_string_equal(ask(all), "2");
    assert_string_equal(ask(all), "end");
    endless.size = -1;
    assert_int_equal(ask_status(all, &endless, &a), TCET_E_UNSUPPORTED);
    fake_free(random);
    fake_free(all);
}

/* A population of three random ones: those not told yet count, rejected and failed ones do not.
 * Then the best of three drawn (0, 1, 2: all of them) is the parent, and the oldest leaves. */
static void test_aging(void **state)
{
    struct fake_plugin f = fake_new("strategy_evolution", "evolution", "population=3 sample=3");
    tcet_ask a;

    (void)state;
    next_random = 100;
    fake.random = 0;
    assert_string_equal(ask(f), "100");
    assert_string_equal(ask(f), "101");
    tell(f, "100", 9);
    tell_as(f, TCET_TOLD_REJECTED, 1, "101", 1, 0);
    assert_string_equal(ask(f), "102");
    assert_string_equal(ask(f), "103");
    tell_as(f, TCET_TOLD_FAILED, 1, "102", 0, 0);
    assert_string_equal(ask(f), "104");
    assert_string_equal(ask(f), "101"); /* three are, or may become members: 100 mutated */
    tell(f, "103", 5);
    tell(f, "104", 7);
    assert_int_equal(ask_status(f, &toy, &a), TCET_OK);
    assert_string_equal(a.text, "101");
    assert_string_equal(a.origin, "mutation");
    assert_int_equal(a.parents[0], 100);
    tell(f, "101", 1); /* 100 leaves: the oldest, though the best */
    assert_string_equal(ask(f), "105");
    fake_free(f);
}

/* initial: mutations begin with a population that is not full; what the search began with counts. */
static void test_initial(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=9 initial=2 sample=1");

    (void)state;
    next_random = 100;
    fake.random = 0;
    tell_as(f, TCET_TOLD_SCORED, 0, "500", 1, 0);
    assert_string_equal(ask(f), "100");
    tell(f, "100", 2);
    assert_string_equal(ask(f), "501");
    fake_free(f);
}

/* evict = worst: 300 leaves and the best stays the parent. */
static void test_worst(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=3 sample=3 evict=worst");

    (void)state;
    fake.random = 0;
    give(f, "100", 9);
    give(f, "300", 5);
    give(f, "400", 7);
    give(f, "500", 8);
    assert_string_equal(ask(f), "101");
    give(f, "600", 1); /* itself the worst */
    assert_string_equal(ask(f), "101");
    fake_free(f);
}

/* parents = best:2: of five members any of the two best, and no other. */
static void test_best(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=5 parents=best:2");

    (void)state;
    fake.random = 0;
    for (int i = 1; i <= 5; i++)
        give(f, (const char *[]){"100", "200", "300", "400", "500"}[i - 1], i == 2 ? 9 : i);
    assert_string_equal(ask(f), "201");
    assert_string_equal(ask(f), "501");
    assert_string_equal(ask(f), "201");
    fake_free(f);
}

/* Other values for members that are there: another parent. */
static void test_rescored(void **state)
{
    struct fake_plugin f = fake_new("strategy_evolution", "evolution", "population=2 sample=2");
    const tcet_strategy_ops *ops = f.ops;
    const double value = 7;
    const tcet_told t = {.struct_size = sizeof t,
                         .number = 200,
                         .value_count = 1,
                         .values = &value,
                         .text = "200",
                         .reason = ""};

    (void)state;
    fake.random = 0;
    give(f, "100", 3);
    give(f, "200", 1);
    assert_string_equal(ask(f), "101");
    assert_int_equal(ops->rescored(fake_begin(), f.self, &t), TCET_OK);
    assert_string_equal(ask(f), "201");
    fake_free(f);
}

/* Two different parents make a child; a space without crossover is refused. */
static void test_crossover(void **state)
{
    struct fake_plugin f =
        fake_new("strategy_evolution", "evolution", "population=3 sample=1 crossover=1");
    tcet_space_view barren = toy;
    tcet_ask a;

    (void)state;
    give(f, "100", 1);
    give(f, "200", 2);
    give(f, "300", 3);
    fake.random = 0; /* parent 0, then the coin, then parent 2 */
    assert_int_equal(ask_status(f, &toy, &a), TCET_OK);
    assert_string_equal(a.text, "100+300");
    assert_int_equal(a.parents[0], 100);
    assert_int_equal(a.parents[1], 300);
    barren.crossover = NULL;
    assert_int_equal(ask_status(f, &barren, &a), TCET_E_UNSUPPORTED);
    fake_free(f);
}

/* Both neighbours of a random start, then on from the better one; where none is better, another
 * start.  It waits for what was asked for. */
static void test_local(void **state)
{
    struct fake_plugin f = fake_new("strategy_local", "local", "");
    int seen;

    (void)state;
    next_random = 100;
    assert_string_equal(ask(f), "100");
    assert_string_equal(ask(f), "wait");
    tell(f, "100", 5);
    seen = atoi(ask(f));
    seen += atoi(ask(f));
    assert_int_equal(seen, 99 + 101);
    assert_string_equal(ask(f), "wait");
    tell(f, "99", 4);
    tell(f, "101", 6);
    seen = atoi(ask(f));
    seen += atoi(ask(f));
    assert_int_equal(seen, 100 + 102);
    tell(f, "100", 5);
    tell(f, "102", 6); /* no better */
    assert_string_equal(ask(f), "101");
    fake_free(f);
}

/* Two generations of two: of four the two that dominate stay, and of a rejected one and a scored
 * one the scored one. */
static void test_nsga2(void **state)
{
    struct fake_plugin f = fake_new("strategy_nsga2", "nsga2", "population=2 crossover=0");
    int from;

    (void)state;
    next_random = 100;
    fake.random = 0;
    assert_string_equal(ask(f), "100");
    assert_string_equal(ask(f), "101");
    assert_string_equal(ask(f), "wait");
    tell_as(f, TCET_TOLD_REJECTED, 1, "100", 3, 0);
    tell_as(f, TCET_TOLD_SCORED, 1, "101", 1, 1);
    ask(f);
    ask(f);
    assert_string_equal(ask(f), "wait");
    tell_as(f, TCET_TOLD_SCORED, 1, "200", 2, 3);
    tell_as(f, TCET_TOLD_SCORED, 1, "300", 3, 2);
    for (int i = 0; i < 2; i++) { /* 100 and 101 are gone */
        from = atoi(ask(f));
        assert_true(from == 201 || from == 301);
    }
    fake_free(f);
}

/* Asks that are drawn again count once: a generation has its members, and no one waits for what is never
 * told. */
static void test_redraw(void **state)
{
    static const struct {
        const char *file, *id, *params;
    } all[] = {{"strategy_evolution", "evolution", "population=3 sample=2"},
               {"strategy_local", "local", ""},
               {"strategy_nsga2", "nsga2", "population=3 crossover=0"}};

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(all); i++) {
        struct fake_plugin f = fake_new(all[i].file, all[i].id, all[i].params);
        char text[3][TCET_ARCH_MAX];

        for (int round = 0; round < 20; round++) {
            int asks = 0;

            for (; asks < 3; asks++) {
                const char *got = ask(f);

                for (int k = 0; k < 4 && strcmp(got, "wait") != 0; k++)
                    got = ask_again(f);
                if (!strcmp(got, "wait"))
                    break;
                snprintf(text[asks], sizeof *text, "%s", got);
            }
            assert_int_not_equal(asks, 0);
            for (int k = 0; k < asks; k++)
                tell(f, text[k], round + k);
        }
        fake_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampling),  cmocka_unit_test(test_aging),
        cmocka_unit_test(test_initial),   cmocka_unit_test(test_worst),
        cmocka_unit_test(test_best),      cmocka_unit_test(test_rescored),
        cmocka_unit_test(test_crossover), cmocka_unit_test(test_local),
        cmocka_unit_test(test_nsga2),     cmocka_unit_test(test_redraw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
