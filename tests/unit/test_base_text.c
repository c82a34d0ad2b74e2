/* test_base_text.c -- protects lines of long texts and what is shown where two texts differ.
 * Room: tests. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lines(void **state)
{
    static const char text[] = "1,a\n\n12,b";
    const char *end = text + strlen(text), *at = text_line_end(text, end);

    (void)state;
    assert_ptr_equal(at, text + 3);
    at = text_line_end(at + 1, end);
    assert_ptr_equal(at, text + 4);
    assert_null(text_line_end(at + 1, end)); /* the last one has no end */
    assert_null(text_line_end(end, end));
    assert_true(text_begins(text + 5, end, "12,", 3));
    assert_false(text_begins(text + 5, end, "1,", 2));
    assert_false(text_begins(text + 8, end, "b, and more", 11)); /* which has fewer */
}

static struct text_difference differ(const char *one, const char *other)
{
    return text_difference(one, strlen(one), other, strlen(other));
}

#define assert_shown(text, n, want)                    \
    do {                                               \
        assert_int_equal(n, strlen(want));             \
        assert_memory_equal(text, want, strlen(want)); \
    } while (0)

static void differences(void **state)
{
    struct text_difference d = differ("same\nbudget = 5\nend\n", "same\nbudget = 60\nend\n");
    char one[400], other[400];

    (void)state;
    assert_shown(d.one, d.one_n, "budget = 5");
    assert_shown(d.other, d.other_n, "budget = 60");
    d = differ("same\n", "same\nmore\n"); /* one is the other's beginning */
    assert_shown(d.one, d.one_n, "");
    assert_shown(d.other, d.other_n, "more");

    /* A long line is shown where it differs, not where it begins. */
    memset(one, 'x', sizeof one);
    one[sizeof one - 1] = '\0';
    memcpy(other, one, sizeof one);
    one[300] = 'a';
    other[300] = 'b';
    d = differ(one, other);
    assert_true(d.one <= one + 300 && d.one + d.one_n > one + 300 && d.one_n <= 110);
    assert_true(d.other <= other + 300 && d.other + d.other_n > other + 300 && d.other_n <= 110);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
