/* test_run_client.c -- protects the supervisor from its workers: one that crashes, lies, floods, stays
 * silent or cannot start is met with words and in time, and can be started again.  The workers
 * are this very program (process.c runs /proc/self/exe), which behaves as $FAKE says.
 * Room: tests. */
#include "plugin/instance.h" /* before cmocka, which takes the word fail */
#include "run/client.h"
#include "run/remote.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { EATEN = 300 << 20 }; /* bytes that a worker takes which takes much */

/* -- The worker's side -------------------------------------------------------------------- */

static uint64_t nonce; /* of the last request */

static tcet_status take_request(uint32_t *type, struct buf *in)
{
    struct error err;

    TRY(frame_recv(CHILD_FD, type, in, &err));
    memcpy(&nonce, in->data, sizeof nonce);
    return TCET_OK;
}

static void answer(uint32_t type, const char *text)
{
    struct error err;

    (void)!frame_send(CHILD_FD, type, text, strlen(text), &err);
}

static void answer_plan(uint64_t number)
{
    struct wire_plan p = {.text = "", .config = "", .space = "toy"};
    struct buf b = {0};
    struct error err;

    buf_add(&b, &number, sizeof number);
    wire_pack_plan(&b, &p);
    (void)!frame_send(CHILD_FD, WIRE_PLAN, b.data, b.len, &err);
    buf_free(&b);
}

static void note(const char *who, const char *function, const char *foreign, int fd)
{
    struct call_trace *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (t == MAP_FAILED)
        return;
    strcpy(t->now.who, who);
    strcpy(t->now.function, function);
    strcpy(t->foreign, foreign);
}

static int fake_worker(const char *how, int trace)
{
    struct buf in = {0}, error = {0};
    struct error err;
    uint32_t type;

    if (!strcmp(how, "exit"))
        return 5;
    if (take_request(&type, &in) < 0)
        return 6;
    if (!strcmp(how, "crash")) {
        note("saliency bad", "layer", "", trace);
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    } else if (!strcmp(how, "silent")) {
        pause();
    } else if (!strcmp(how, "nonsense")) {
        buf_add(&error, &nonce, sizeof nonce);
        buf_puts(&error, "no plan");
        (void)!frame_send(CHILD_FD, WIRE_PLAN, error.data, error.len, &err);
        pause();
    } else if (!strcmp(how, "header")) {
        (void)!write(CHILD_FD, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        pause();
    } else if (!strcmp(how, "flood")) {
        for (;;)
            answer(WIRE_LOG, "again and again");
    } else if (!strcmp(how, "error")) {
        buf_add(&error, &nonce, sizeof nonce);
        pack_u32(&error, (uint32_t)TCET_E_ARG);
        pack_text(&error, "run.ini:3: no such plugin");
        (void)!frame_send(CHILD_FD, WIRE_ERROR, error.data, error.len, &err);
        pause();
    } else if (!strcmp(how, "eat")) {
        note("saliency bad", "layer", "", trace);
        memset(mmap(NULL, EATEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1,
               EATEN);
        pause();
    } else if (!strcmp(how, "describe") || !strcmp(how, "slow")) {
        note("saliency bad", "describe", "saliency bad", trace);
        if (!strcmp(how, "describe"))
            pause();
        note("backend torch", "open", "saliency bad", trace); /* whoever ran before */
        sleep(2);
        answer_plan(nonce);
        pause();
    } else if (!strcmp(how, "forged")) {
        answer_plan(nonce + 1);
        pause();
    } else if (!strcmp(how, "stale")) {
        answer_plan(nonce);
        answer_plan(nonce);
        pause();
    } else if (!strcmp(how, "ended")) {
        answer(REMOTE_ENDED, "a lie");
        pause();
    } else {
        answer(WIRE_LOG, "x"); /* too short to be one */
        answer_plan(nonce);
        while (frame_recv(CHILD_FD, &type, &in, &err) >= 0)
            continue;
    }
    buf_free(&in);
    return 0;
}

/* -- The supervisor's side ---------------------------------------------------------------- */

static struct client greet_for(const char *how, const char *seconds)
{
    struct client c = client_here(1);
    struct config *config = config_new();
    struct error err;

    setenv("FAKE", how, 1);
    config_put(config, "run", "", "timeout", seconds, "test", "/", 0);
    if (client_start(&c, config, &(struct wire_hello){0}, 0, &err) != TCET_OK)
        fail_msg("%s", err.text);
    config_free(config);
    return c;
}

static struct client greet(const char *how)
{
    return greet_for(how, "60");
}

/* Greets a worker that behaves so; the error must hold the text, and the client be usable. */
static void fails(const char *how, const char *want)
{
    struct client c = greet_for(how, "1");
    const char *data;
    struct error err;
    size_t n;

    c.state = CLIENT_BUSY; /* what it was asked first is not a plan, which has longer */
    if (!strcmp(how, "describe"))
        c.state = CLIENT_GREETED;
    assert_true(client_wait(&c, WIRE_PLAN, &data, &n, &err) < 0);
    if (!strstr(err.text, want))
        fail_msg("%s: \"%s\" lacks \"%s\"", how, err.text, want);
    client_stop(&c);
    assert_int_equal(c.state, CLIENT_DOWN);
}

static void bad_workers(void **state)
{
    (void)state;
    fails("exit", "exited with code 5");
    fails("crash", "was killed by signal 11 (Segmentation fault); the plugin that ran last is "
                   "saliency bad (in layer)");
    fails("describe", "no answer within 1 s ([run] timeout); the worker process was killed by "
                      "signal 9 (Killed); the plugin that ran last is saliency bad (in describe)");
    fails("forged", "was killed by signal 9");
    fails("silent", "no answer within 1 s ([run] timeout)");
    fails("header", "was killed by signal 9");
    fails("flood", "no answer within 1 s");
    fails("error", "run.ini:3: no such plugin");
    fails("ended", "was killed by signal 9"); /* only a rank may say so */
}

/* Of all the one that holds the most is ended, and says why. */
static void without_memory(void **state)
{
    struct client c[3];
    const char *data;
    struct error err;
    char how[1536];
    int largest = -1;
    size_t n;

    (void)state;
    setenv("TCET_MEMORY", "250", 1);
    for (int i = 0; i < 3; i++)
        c[i] = greet(i < 2 ? "eat" : "silent");
    for (int i = 0; i < 200 && largest < 0; i++) {
        usleep(50000);
        largest = client_largest(c, 3);
    }
    assert_in_range(largest, 0, 1);
    client_end(&c[largest], how, sizeof how);
    assert_non_null(strstr(how, "was ended: "));
    largest = 1 - largest;
    assert_int_equal(client_wait(&c[largest], WIRE_PLAN, &data, &n, &err), TCET_E_PLUGIN);
    assert_non_null(strstr(err.text, "the worker process was ended: this machine's workers held "));
    assert_non_null(strstr(err.text,
                           " MiB, [run] memory = 100% allows 250 MiB; the plugin that ran "
                           "last is saliency bad (in layer)"));
    client_end(&c[2], how, sizeof how);
    assert_string_equal(how, "was killed by signal 9 (Killed)");
    unsetenv("TCET_MEMORY");
}

static void malformed_plan(void **state)
{
    struct client c = greet("nonsense");
    struct wire_plan plan;
    struct arena a = {0};
    const char *data;
    struct error err;
    size_t n;

    (void)state;
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_OK);
    assert_int_equal(wire_unpack_plan(data, n, &a, &plan, &err), TCET_E_PLUGIN);
    client_end(&c, (char[64]){0}, 64);
    arena_free(&a);
}

static void good_worker(void **state)
{
    struct client c = greet("good");
    struct wire_plan plan;
    struct arena a = {0};
    const char *data;
    struct error err;
    size_t n;

    (void)state;
    if (client_wait(&c, WIRE_PLAN, &data, &n, &err) != TCET_OK ||
        wire_unpack_plan(data, n, &a, &plan, &err) != TCET_OK)
        fail_msg("%s", err.text);
    assert_string_equal(plan.space, "toy");
    client_stop(&c);
    assert_int_equal(c.state, CLIENT_DOWN);
    arena_free(&a);
}

/* One that was killed while it had nothing to do is met as such by the next request, not as a broken
 * pipe: who asks may then start another. */
static void died_idle(void **state)
{
    struct client c = greet("good");
    struct buf b = {0};
    const char *data;
    struct error err;
    siginfo_t info;
    size_t n;

    (void)state;
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_OK);
    assert_int_equal(kill(c.link.child.pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)c.link.child.pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(client_send(&c, WIRE_POPULATION, &b, &err), TCET_OK);
    assert_int_equal(client_wait(&c, WIRE_VALUES, &data, &n, &err), TCET_E_PLUGIN);
    assert_non_null(strstr(err.text, "was killed by signal 9"));
    assert_false(client_up(&c));
}

/* What is told to a worker that does not read now, since it writes to us, say, waits without us. */
static void told_while_deaf(void **state)
{
    struct client c = greet("silent");
    struct buf b = {0};
    struct error err;
    char how[256];

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_puts(&b, "0123456789");
    alarm(20); /* it waited for ever once */
    for (int i = 0; i < 500; i++)
        assert_int_equal(client_tell(&c, WIRE_TOLD, &b, &err), TCET_OK);
    client_flush(&c);
    alarm(0);
    assert_true(client_unsent(&c));
    client_end(&c, how, sizeof how);
    assert_false(client_unsent(&c));
    buf_free(&b);
}

/* Loading what is built in may take longer than a short timeout; an answer twice is one too many. */
static void slow_and_stale(void **state)
{
    struct client c = greet_for("slow", "1");
    const char *data;
    struct error err;
    size_t n;

    (void)state;
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_OK);
    client_end(&c, (char[64]){0}, 64);
    c = greet("stale");
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_OK);
    assert_int_equal(client_send(&c, WIRE_FACTS, &(struct buf){0}, &err), TCET_OK);
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_E_PLUGIN);
    assert_int_equal(c.state, CLIENT_DOWN);
}

static int noted;

static void keep_note(void *arg, int level, const char *text)
{
    (void)arg;
    noted += level == TCET_LOG_WARN && strstr(text, "has been stopped for 1 s and is waited for");
}

/* Who was stopped is not silent, is named, and has its time when it goes on. */
static void stopped_worker(void **state)
{
    struct client c = greet_for("silent", "1");
    char why[128];
    double start;

    (void)state;
    c.log = keep_note;
    c.state = CLIENT_BUSY;
    usleep(200000);
    kill(c.link.child.pid, SIGSTOP);
    for (start = clock_now(); clock_now() - start < 1.8; usleep(20000))
        assert_false(client_late(&c, why, sizeof why));
    assert_int_equal(noted, 1);
    kill(c.link.child.pid, SIGCONT);
    for (start = clock_now(); clock_now() - start < 5 && !client_late(&c, why, sizeof why);)
        usleep(20000);
    assert_in_range((int)(10 * (clock_now() - start)), 5, 40);
    assert_string_equal(why, "no answer within 1 s ([run] timeout); ");
    client_end(&c, (char[64]){0}, 64);
}

static void interrupted(void **state)
{
    volatile int stop = 1;
    struct client c = greet("silent");
    const char *data;
    struct error err;
    size_t n;

    (void)state;
    c.stop = &stop;
    assert_int_equal(client_wait(&c, WIRE_PLAN, &data, &n, &err), TCET_E_CANCELLED);
    assert_int_equal(c.state, CLIENT_DOWN);
}

/* -- A worker on another rank: the test plays the rank ------------------------------------- */

static void expect_frame(int fd, uint32_t want)
{
    struct buf in = {0};
    struct error err;
    uint32_t type;

    assert_int_equal(frame_recv(fd, &type, &in, &err), TCET_OK);
    assert_int_equal(type, want);
    if (type == WIRE_HELLO)
        memcpy(&nonce, in.data, sizeof nonce);
    buf_free(&in);
}

/* What a worker there answers to the last greeting. */
static void send_answer(int fd, uint32_t type)
{
    struct error err;

    assert_int_equal(frame_send(fd, type, &nonce, sizeof nonce, &err), TCET_OK);
}

static void remote_worker(void **state)
{
    struct config *config = config_new();
    struct client c = {.state = CLIENT_DOWN};
    int pair[2];
    char how[128];
    const char *data;
    struct error err;
    size_t n;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    c.link = remote_link(pair[0], 0);
    assert_int_equal(client_start(&c, config, &(struct wire_hello){0}, 1 << 20, &err), TCET_OK);
    expect_frame(pair[1], REMOTE_START);
    expect_frame(pair[1], WIRE_HELLO);

    /* It dies of itself; what it said before is still heard. */
    send_answer(pair[1], WIRE_VALUES);
    assert_int_equal(frame_send(pair[1], REMOTE_ENDED, "exited with code 3", 18, &err), TCET_OK);
    assert_int_equal(client_wait(&c, WIRE_VALUES, &data, &n, &err), TCET_OK);
    assert_int_equal(client_wait(&c, WIRE_ROW, &data, &n, &err), TCET_E_PLUGIN);
    assert_string_equal(err.text, "the worker process exited with code 3");
    assert_int_equal(c.state, CLIENT_DOWN);

    /* Again; this time it is ended by us, and what the old one still says is not heard. */
    assert_int_equal(client_start(&c, config, &(struct wire_hello){0}, 0, &err), TCET_OK);
    expect_frame(pair[1], REMOTE_START);
    expect_frame(pair[1], WIRE_HELLO);
    send_answer(pair[1], WIRE_VALUES);
    assert_int_equal(frame_send(pair[1], REMOTE_ENDED, "was killed", 10, &err), TCET_OK);
    client_end(&c, how, sizeof how);
    assert_string_equal(how, "was killed");
    expect_frame(pair[1], REMOTE_STOP);
    assert_int_equal(client_start(&c, config, &(struct wire_hello){0}, 0, &err), TCET_OK);
    expect_frame(pair[1], REMOTE_START);
    expect_frame(pair[1], WIRE_HELLO);
    send_answer(pair[1], WIRE_ROW);
    assert_int_equal(client_wait(&c, WIRE_ROW, &data, &n, &err), TCET_OK);

    /* The rank is gone: for good. */
    close(pair[1]);
    assert_int_equal(client_wait(&c, WIRE_ROW, &data, &n, &err), TCET_E_PLUGIN);
    assert_int_equal(c.state, CLIENT_LOST);
    assert_false(client_up(&c));
    close(pair[0]);
    config_free(config);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_workers),     cmocka_unit_test(malformed_plan),
        cmocka_unit_test(good_worker),     cmocka_unit_test(interrupted),
        cmocka_unit_test(slow_and_stale),  cmocka_unit_test(died_idle),
        cmocka_unit_test(told_while_deaf), cmocka_unit_test(stopped_worker),
        cmocka_unit_test(remote_worker),   cmocka_unit_test(without_memory),
    };

    if (argc > 2 && !strcmp(argv[1], "worker"))
        return fake_worker(getenv("FAKE"), atoi(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
