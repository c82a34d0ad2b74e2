/* test_base_clock.c -- protects timeouts and times: the clock goes on, in seconds.  Room: tests. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void goes_on(void **state)
{
    double start = clock_now(), spent;

    (void)state;
    usleep(20000);
    spent = clock_now() - start;
    assert_true(spent >= 0.019 && spent < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goes_on)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
