/* test_result_guards.c -- protects guard counts on their way into a store and back.  Room: tests. */
#include "result/guards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void comes_back(void **state)
{
    struct guards g = {.count = 0}, read;
    struct arena a = {0};
    struct buf b = {0};

    (void)state;
    guards_write(&b, &g);
    assert_string_equal(b.data, "");
    guards_add(&g, "zero_sigma", 2);
    guards_add(&g, "a \"b\"", 1);
    guards_add(&g, "zero_sigma", 1);
    guards_write(&b, &g);
    assert_string_equal(b.data, "{\"zero_sigma\":3,\"a \\\"b\\\"\":1}");
    assert_int_equal(guards_read(&read, b.data, &a), 0);
    assert_int_equal(read.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(read.item[i].name, g.item[i].name);
        assert_int_equal(read.item[i].count, g.item[i].count);
    }
    assert_int_equal(guards_read(&read, "", &a), 0);
    assert_int_equal(read.count, 0);
    assert_int_equal(guards_read(&read, "{\"a\":}", &a), -1);
    buf_free(&b);
    arena_free(&a);
}

/* More names than there are places are counted together, and a sum does not go over. */
static void limits(void **state)
{
    struct guards g = {.count = 0};
    char names[40][8];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "g%d", i);
        guards_add(&g, names[i], 1);
    }
    assert_int_equal(g.count, GUARDS_MAX);
    assert_string_equal(g.item[GUARDS_MAX - 1].name, "other");
    assert_int_equal(g.item[GUARDS_MAX - 1].count, 40 - (GUARDS_MAX - 1));
    guards_add(&g, "g0", INT64_MAX);
    assert_int_equal(g.item[0].count, INT64_MAX);
    guards_sum(&g.item[1].count, INT64_MIN);
    guards_sum(&g.item[1].count, INT64_MIN);
    assert_int_equal(g.item[1].count, INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back), cmocka_unit_test(limits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
