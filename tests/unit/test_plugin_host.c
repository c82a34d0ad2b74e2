/* The host table as a plugin meets it: scratch, messages, guards, random numbers, linear
 * algebra; and what becomes of a call's status. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/rng.h"
#include "plugin/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */
#undef fail

/* Under AddressSanitizer, too, memory that is not there is NULL and not the end. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static struct call call;

static int setup(void **state)
{
    (void)state;
    call_init(&call, "saliency x");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    call_free(&call);
    call_log = NULL;
    call_trace = NULL;
    return 0;
}

static void table_is_complete(void **state)
{
    const tcet_host *host = call_begin(&call, "layer")->host;
    void (*function)(void);

    (void)state;
    assert_int_equal(host->struct_size, sizeof *host);
    assert_int_equal(host->abi_major, TCET_ABI_MAJOR);
    assert_int_equal(host->abi_minor, TCET_ABI_MINOR);
    for (size_t at = offsetof(tcet_host, log); at < sizeof *host; at += sizeof function) {
        memcpy(&function, (const char *)host + at, sizeof function);
        assert_non_null(function);
    }
    assert_null(host->extension(&call.pub, "tcet.autograd/1"));
    assert_string_equal(host->data_dir(&call.pub), paths_data());
}

/* Aligned, zeroed, fresh in every call; a request beyond all memory is refused, not fatal. */
static void scratch_memory(void **state)
{
    static const size_t sizes[] = {0, 1, 64, 65, 100000, 256 * 1024, 10000000};

    (void)state;
    for (int round = 0; round < 3; round++) {
        tcet_ctx *cx = call_begin(&call, "layer");

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            unsigned char *p = cx->host->scratch(cx, sizes[i]);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            for (size_t n = 0; n < sizes[i]; n++)
                assert_int_equal(p[n], 0);
            memset(p, 0xff, sizes[i]);
        }
    }
    assert_null(call.pub.host->scratch(&call.pub, SIZE_MAX));
    assert_null(call.pub.host->scratch(&call.pub, SIZE_MAX - 63));
    assert_null(call.pub.host->scratch(&call.pub, SIZE_MAX / 2));
}

/* Runs one call that records `text` (NULL: none) with `code` and returns `st`. */
static void check_end(tcet_status code, const char *text, tcet_status st, tcet_status result,
                      const char *message)
{
    struct error err = {0};
    tcet_ctx *cx = call_begin(&call, "layer");

    if (text)
        assert_int_equal(cx->host->fail(cx, code, text), code);
    assert_int_equal(call_end(&call, st, &err), result);
    assert_string_equal(err.text, message);
    if (result < 0)
        assert_int_equal(err.status, result);
}

static void statuses_become_errors(void **state)
{
    (void)state;
    check_end(0, NULL, TCET_OK, TCET_OK, "");
    check_end(TCET_E_ARG, "ignored in the end", TCET_OK, TCET_OK, "");
    check_end(TCET_E_NUMERIC, "no answer", TCET_E_NUMERIC, TCET_E_NUMERIC, "saliency x: no answer");
    check_end(TCET_E_NUMERIC, "no answer", TCET_E_ARG, TCET_E_ARG, "saliency x: no answer");
    check_end(0, NULL, TCET_E_CANCELLED, TCET_E_CANCELLED, "saliency x: cancelled");
    check_end(0, NULL, TCET_E_MEMORY, TCET_E_PLUGIN,
              "saliency x: misbehaves: it failed (out of memory) without a message");
    check_end(TCET_E_ARG, "", TCET_E_ARG, TCET_E_PLUGIN,
              "saliency x: misbehaves: it failed (bad input) without a message");
    check_end(0, NULL, 7, TCET_E_PLUGIN,
              "saliency x: misbehaves: it returned 7, which is no status");
    check_end(0, NULL, -99, TCET_E_PLUGIN,
              "saliency x: misbehaves: it returned -99, which is no status");
    /* messages are one clean line, whatever the plugin sends */
    check_end(TCET_E_ARG, "two\nlines\xff \xc3\xa9 \x1b[31m", TCET_E_ARG, TCET_E_ARG,
              "saliency x: two lines? \xc3\xa9  [31m");
}

static void long_messages_are_cut(void **state)
{
    char text[5000];
    struct error err;
    tcet_ctx *cx = call_begin(&call, "layer");

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cx->host->fail(cx, TCET_E_ARG, text);
    call_end(&call, TCET_E_ARG, &err);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static char logged[256];

static void keep_log(int level, const char *who, const char *text)
{
    snprintf(logged, sizeof logged, "%d|%s|%s", level, who, text);
}

static void logs(void **state)
{
    tcet_ctx *cx = call_begin(&call, "layer");

    (void)state;
    cx->host->log(cx, TCET_LOG_INFO, "nobody listens");
    call_log = keep_log;
    cx->host->log(cx, TCET_LOG_INFO, "a\nb");
    assert_string_equal(logged, "1|saliency x|a b");
    cx->host->log(cx, 99, NULL);
    assert_string_equal(logged, "2|saliency x|");
}

/* A crash is blamed on the innermost call: a backend that calls a saliency gets its name back. */
static void trace_names_the_innermost_call(void **state)
{
    struct call_trace page = {.calls = 0};
    struct call inner;
    struct error err;

    (void)state;
    call_init(&inner,
              "saliency with a name that is longer than the sixty-three letters of a trace");
    call_trace = &page;
    call_begin(&call, "layer");
    assert_string_equal(page.now.who, "saliency x");
    call_begin(&inner, "reduce");
    assert_int_equal(strlen(page.now.who), sizeof page.now.who - 1);
    assert_string_equal(page.now.function, "reduce");
    call_end(&inner, TCET_OK, &err);
    assert_string_equal(page.now.who, "saliency x");
    assert_string_equal(page.now.function, "layer");
    call_end(&call, TCET_OK, &err);
    assert_string_equal(page.now.who, "");
    assert_string_equal(page.foreign, "");
    assert_int_equal(page.calls, 4);
    call.foreign = 1;
    call_begin(&call, "layer");
    call_end(&call, TCET_OK, &err);
    call.foreign = 0;
    assert_string_equal(page.now.who, "");
    assert_string_equal(page.foreign, "saliency x"); /* stays: it may have spoilt the heap */
    call_free(&inner);
}

static void guards_are_counted(void **state)
{
    char name[40][8];
    struct guards g = {0};
    tcet_ctx *cx = call_begin(&call, "layer");

    (void)state;
    cx->host->guard(cx, "nobody_counts");
    call.guards = &g;
    for (int i = 0; i < 3; i++)
        cx->host->guard(cx, "zero_sigma");
    cx->host->guard(cx, "singular");
    cx->host->guard(cx, NULL);
    assert_int_equal(g.count, 2);
    assert_string_equal(g.item[0].name, "zero_sigma");
    assert_int_equal(g.item[0].count, 3);
    assert_int_equal(g.item[1].count, 1);
    for (int i = 0; i < 40; i++) {
        snprintf(name[i], sizeof name[i], "g%d", i);
        guards_add(&g, name[i], 2);
    }
    assert_int_equal(g.count, 32);
    assert_string_equal(g.item[31].name, "other");
    assert_int_equal(g.item[31].count, 2 * (40 - 29));
    guards_add(&g, "zero_sigma", 1);
    assert_int_equal(g.item[0].count, 4);
}

static void cancellation(void **state)
{
    volatile int stop = 0;
    tcet_ctx *cx = call_begin(&call, "layer");

    (void)state;
    assert_int_equal(cx->host->cancelled(cx), 0);
    call.stop = &stop;
    assert_int_equal(cx->host->cancelled(cx), 0);
    stop = 2;
    assert_int_equal(cx->host->cancelled(cx), 1);
}

/* Random numbers follow from the state alone, and are not reset by a new call. */
static void random_numbers(void **state)
{
    uint64_t seed = 42;
    float ours[100], theirs[100];
    int64_t n[10], m[10];
    tcet_rng r, *q;
    tcet_ctx *cx;

    (void)state;
    call.random_state = seed;
    for (int i = 0; i < 5; i++) {
        cx = call_begin(&call, "layer");
        assert_true(cx->host->random(cx) == rng_mix(&seed));
    }
    q = cx->host->rng(cx, 7);
    rng_seed(&r, 7);
    cx->host->rng_normal(q, ours, 100, 0, 1);
    rng_normal(&r, theirs, 100, 0, 1);
    assert_memory_equal(ours, theirs, sizeof ours);
    cx->host->rng_uniform(q, ours, 100, -1, 1);
    rng_uniform(&r, theirs, 100, -1, 1);
    assert_memory_equal(ours, theirs, sizeof ours);
    cx->host->rng_randint(q, n, 10, 0, 1000);
    rng_randint(&r, m, 10, 0, 1000);
    assert_memory_equal(n, m, sizeof n);
    cx->host->rng_permutation(q, n, 10);
    rng_permutation(&r, m, 10);
    assert_memory_equal(n, m, sizeof n);
}

static void linear_algebra(void **state)
{
    const double a[] = {2, 1, 1, 3}, zero[] = {0, 0, 0, 0}, b[] = {1, 0, 0, 1, 1, 1};
    double logabs = 9, pivot, values[2], cond, c[6] = {0};
    struct error err;
    int32_t sign = 9;
    tcet_ctx *cx = call_begin(&call, "layer");
    const tcet_host *host = cx->host;

    (void)state;
    assert_int_equal(host->logdet(cx, a, 2, &logabs, &sign, &pivot), TCET_OK);
    assert_true(fabs(logabs - log(5)) < 1e-12);
    assert_int_equal(sign, 1);
    assert_true(pivot > 0);
    assert_int_equal(host->logdet(cx, zero, 2, &logabs, &sign, NULL), TCET_OK);
    assert_true(isinf(logabs) && logabs < 0 && sign == 0);
    assert_int_equal(host->eigvalsh(cx, a, 2, values), TCET_OK);
    assert_true(fabs(values[0] * values[1] - 5) < 1e-12);
    assert_true(values[0] < values[1]);
    assert_int_equal(host->svdvals(cx, a, 2, 2, values), TCET_OK);
    assert_true(values[0] > values[1]);
    assert_int_equal(host->cond(cx, a, 2, 2, &cond), TCET_OK);
    assert_true(fabs(cond - values[0] / values[1]) < 1e-12);
    assert_int_equal(host->cond(cx, zero, 2, 2, &cond), TCET_OK);
    assert_true(isinf(cond));
    /* c = b a, b is 3 x 2 */
    assert_int_equal(host->gemm(cx, 0, 0, 3, 2, 2, 1, b, a, 0, c), TCET_OK);
    assert_true(fabs(c[4] - 3) < 1e-12);
    assert_true(fabs(c[5] - 4) < 1e-12);
    logabs = 9;
    assert_int_equal(call_end(&call, host->logdet(cx, a, -1, &logabs, &sign, NULL), &err),
                     TCET_E_ARG);
    assert_string_equal(err.text, "saliency x: a matrix of negative size");
    assert_true(logabs == 9);
    assert_int_equal(host->cond(cx, a, 0, 2, &cond), TCET_E_ARG);
    assert_int_equal(host->gemm(cx, 0, 0, 2, 2, -1, 1, a, a, 0, c), TCET_E_ARG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table_is_complete),     TEST(scratch_memory), TEST(statuses_become_errors),
        TEST(long_messages_are_cut), TEST(logs),           TEST(trace_names_the_innermost_call),
        TEST(guards_are_counted),    TEST(cancellation),   TEST(random_numbers),
        TEST(linear_algebra),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
