/* test_proc_child.c -- protects a parent from its children: it learns how each ended and what it
 * last printed, is never kept waiting by one, and takes them along when it dies.  The children
 * are /bin/sh.  Room: tests. */
#include "base/clock.h"
#include "proc/child.h" /* before cmocka, which takes the word fail */

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void start(struct child *c, const char *script, size_t memory)
{
    char *args[] = {"sh", "-c", (char *)script, NULL};
    struct error err;

    if (child_start(c, "/bin/sh", args, memory, -1, &err) != TCET_OK)
        fail_msg("%s", err.text);
}

/* Reads until the child has closed its socket; at most 10 seconds. */
static void read_all(struct child *c)
{
    double until = clock_now() + 10;

    while (child_read(c) == 0) {
        struct pollfd p = {c->fd, POLLIN, 0};

        if (clock_now() > until)
            fail_msg("the child goes on");
        poll(&p, 1, 50);
    }
}

static void ends(const char *script, const char *want)
{
    struct child c;
    char how[1200];

    start(&c, script, 0);
    read_all(&c);
    child_stop(&c, how, sizeof how);
    assert_string_equal(how, want);
    assert_int_equal(c.pid, 0);
}

static void says_how(void **state)
{
    (void)state;
    ends("exit 0", "exited with code 0");
    ends("echo first; echo last line >&2; exit 7",
         "exited with code 7; it last printed: last line");
    ends("kill -SEGV $$", "was killed by signal 11 (Segmentation fault)");
    ends("printf 'a\\tb\\033[1m\\n\\n'; exit 1", "exited with code 1; it last printed: a b [1m");
}

static void speaks_by_its_socket(void **state)
{
    struct child c;

    (void)state;
    start(&c, "printf hello >&3", 0);
    read_all(&c);
    assert_int_equal(c.in.len, 5);
    assert_memory_equal(c.in.data, "hello", 5);
    child_stop(&c, NULL, 0);
}

/* One that never stops printing and sending is read in portions. */
static void floods(void **state)
{
    struct child c;
    double from = clock_now();
    char how[1200];

    (void)state;
    start(&c, "yes >&3 & exec yes 0123456789", 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(child_read(&c), 0);
    assert_true(clock_now() - from < 9);
    child_stop(&c, how, sizeof how);
    assert_non_null(strstr(how, "was killed by signal 9"));
}

static void hangs(void **state)
{
    struct child c;
    double from = clock_now();
    char how[1200];

    (void)state;
    start(&c, "exec sleep 60", 0);
    child_stop(&c, how, sizeof how);
    assert_string_equal(how, "was killed by signal 9 (Killed)");
    start(&c, "exec sleep 60", 0); /* told to go, it does not */
    child_finish(&c, 0.2);
    assert_int_equal(c.pid, 0);
    assert_true(clock_now() - from < 9);
}

static void has_its_limits(void **state)
{
    (void)state;
    ends("read line; echo got=$line", "exited with code 0; it last printed: got=");
    ends("kill -INT $$; echo alive", "exited with code 0; it last printed: alive");
}

static void memory_is_limited(void **state)
{
    struct child c;
    char how[1200];

    (void)state;
    start(&c, "ulimit -v", 1u << 30);
    read_all(&c);
    child_stop(&c, how, sizeof how);
    assert_string_equal(how, "exited with code 0; it last printed: 1048576");
}

static void not_there(void **state)
{
    char *args[] = {"none", NULL};
    struct child c;
    struct error err;
    char how[1200];

    (void)state;
    assert_int_equal(child_start(&c, "/nonexistent/none", args, 0, -1, &err), TCET_OK);
    read_all(&c);
    child_stop(&c, how, sizeof how);
    assert_string_equal(how, "exited with code 127");
}

/* kill -9 of the parent takes its children along. */
static void dies_with_its_parent(void **state)
{
    int out[2];
    pid_t parent, child = 0;

    (void)state;
    assert_int_equal(pipe(out), 0);
    parent = fork();
    if (parent == 0) {
        char *args[] = {"sh", "-c", "exec sleep 60", NULL};
        struct child c;
        struct error err;

        if (child_start(&c, "/bin/sh", args, 0, -1, &err) != TCET_OK)
            _exit(1);
        usleep(200000); /* past its own start */
        (void)!write(out[1], &c.pid, sizeof c.pid);
        pause();
        _exit(0);
    }
    assert_int_equal(read(out[0], &child, sizeof child), sizeof child);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    for (int i = 0; i < 100 && kill(child, 0) == 0; i++) {
        char path[64], state_line[512] = "";
        FILE *f;

        /* where nobody reaps orphans it stays, dead */
        snprintf(path, sizeof path, "/proc/%ld/stat", (long)child);
        f = fopen(path, "r");
        if (!f)
            break;
        if (fgets(state_line, sizeof state_line, f) && strstr(state_line, ") Z")) {
            fclose(f);
            break;
        }
        fclose(f);
        assert_true(i < 99);
        usleep(50000);
    }
    close(out[0]);
    close(out[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how),       cmocka_unit_test(speaks_by_its_socket),
        cmocka_unit_test(floods),         cmocka_unit_test(hangs),
        cmocka_unit_test(has_its_limits), cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(not_there),      cmocka_unit_test(dies_with_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
