/* test_base_clock.c -- protects timeouts and times: the clock goes on, in seconds.  Room: tests. */
#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
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

/* A wait counts the time in which both could run: a long time between two looks is a stop of ours,
 * and a child that is stopped is not silent. */
static void stops_are_no_wait(void **state)
{
    struct waiting w;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        pause();
        _exit(0);
    }
    waiting_start(&w);
    for (int i = 0; i < 10; i++) {
        usleep(20000);
        waiting_look(&w, pid);
    }
    assert_true(w.spent >= 0.19 && w.spent < 10);
    waiting_start(&w);
    usleep(1500000);
    assert_true(waiting_look(&w, 0) < 1);
    kill(pid, SIGSTOP);
    usleep(50000);
    w.spent = 0;
    for (int i = 0; i < 10; i++) {
        usleep(20000);
        waiting_look(&w, pid);
    }
    assert_true(w.spent == 0 && w.halted >= 0.19);
    kill(pid, SIGCONT);
    usleep(50000);
    assert_true(waiting_look(&w, pid) > 0 && w.halted == 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid); /* looking took nothing away */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goes_on),
                                       cmocka_unit_test(stops_are_no_wait)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
