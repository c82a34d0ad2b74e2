/* test_run_share.c -- protects who waits for whom among architectures that are alike (share.h): one of
 * them leads, the others go on when it is stored, and one by one where it failed.  Room: tests. */
#include "run/share.h" /* before cmocka, which takes the word fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { ITEMS = 5 };

/* Items 0, 2, 4 are alike, 1 and 3 alone. */
static struct share made(void)
{
    static const char *const archs[ITEMS] = {"a", "b", "c", "d", "e"};
    struct share s;

    share_open(&s, archs, ITEMS);
    s.of[2] = s.of[4] = 0;
    return s;
}

static void all_wait_for_one(void **state)
{
    struct share s = made();

    (void)state;
    assert_int_equal(share_add(&s, 0), 1);
    assert_int_equal(share_add(&s, 1), 1);
    assert_int_equal(share_add(&s, 2), 0);
    assert_int_equal(share_add(&s, 4), 0);
    assert_true(share_source(&s, 2) == SHARE_NOBODY);
    assert_true(share_next(&s, 1, 1) == SHARE_NOBODY);
    assert_true(share_next(&s, 0, 1) == 2);
    assert_true(share_next(&s, 0, 1) == 4);
    assert_true(share_next(&s, 0, 1) == SHARE_NOBODY);
    assert_true(share_source(&s, 2) == 0 && share_source(&s, 4) == 0);
    assert_true(share_source(&s, 0) == SHARE_NOBODY && share_source(&s, 1) == SHARE_NOBODY);
    assert_true(share_next(&s, 2, 1) == SHARE_NOBODY); /* who takes values leads nobody */
    share_close(&s);
}

/* What one fails at, the next one tries. */
static void failures(void **state)
{
    struct share s = made();

    (void)state;
    share_add(&s, 0);
    share_add(&s, 2);
    share_add(&s, 4);
    assert_true(share_next(&s, 0, 0) == 2);
    assert_true(share_next(&s, 0, 0) == SHARE_NOBODY);
    assert_true(share_source(&s, 2) == SHARE_NOBODY);
    assert_true(share_next(&s, 2, 1) == 4);
    assert_true(share_next(&s, 2, 1) == SHARE_NOBODY);
    assert_true(share_source(&s, 4) == 2);
    share_close(&s);

    s = made();
    share_add(&s, 0);
    assert_true(share_next(&s, 0, 0) == SHARE_NOBODY);
    assert_int_equal(share_add(&s, 2), 1); /* nobody leads any more */
    share_close(&s);
}

/* Values that are stored are there at once. */
static void stored(void **state)
{
    struct share s = made();

    (void)state;
    share_stored(&s, 2);
    share_stored(&s, 4);
    assert_int_equal(share_add(&s, 0), 1);
    assert_true(share_source(&s, 0) == 2);
    share_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_wait_for_one),
                                       cmocka_unit_test(failures), cmocka_unit_test(stored)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
