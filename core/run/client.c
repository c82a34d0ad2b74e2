/* client.c -- see client.h.  Room: core/run. */
#include "run/client.h"

#include "base/clock.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "proc/memory.h"
#include "run/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A page that outlives the worker, in which it notes whose code it runs.  Its descriptor is
 * inherited; without it (no memfd) crashes are only less well named. */
static void share_trace(struct client *c)
{
    int fd = memfd_create("tcet-trace", MFD_CLOEXEC);

    c->trace = NULL;
    c->trace_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 16);
    if (fd >= 0)
        close(fd);
    if (c->trace_fd < 0)
        return;
    if (ftruncate(c->trace_fd, CALL_TRACE) == 0) {
        void *page = mmap(NULL, CALL_TRACE, PROT_READ | PROT_WRITE, MAP_SHARED, c->trace_fd, 0);

        c->trace = page == MAP_FAILED ? NULL : page;
    }
}

static void unshare_trace(struct client *c)
{
    if (c->trace)
        munmap(c->trace, CALL_TRACE);
    if (c->trace_fd >= 0)
        close(c->trace_fd);
    c->trace = NULL;
    c->trace_fd = -1;
}

int client_up(const struct client *c)
{
    return c->state != CLIENT_DOWN && c->state != CLIENT_LOST;
}

tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err)
{
    c->since = clock_now();
    return frame_send(c->child.fd, type, b->data ? b->data : "", b->len, err);
}

tcet_status client_launch(struct client *c, size_t memory, struct error *err)
{
    char trace[16];
    char *args[] = {"tcet-host", "worker", trace, NULL};
    tcet_status st;

    share_trace(c);
    snprintf(trace, sizeof trace, "%d", c->trace_fd);
    st = child_start(&c->child, paths_self(), args, memory, c->trace_fd, err);
    if (st < 0) {
        unshare_trace(c);
        return st;
    }
    c->read = 0;
    c->state = CLIENT_GREETED;
    c->held = 0;
    c->allowed = c->share > 0 ? (uint64_t)(c->share * (double)memory_total() / remote_beside()) : 0;
    return TCET_OK;
}

static void link_launch(struct client *c, size_t memory)
{
    struct link_start start = {memory, c->share};
    struct error ignored;

    c->child = (struct child){.fd = c->link, .output = -1};
    c->ended[0] = '\0';
    c->read = 0;
    c->state = CLIENT_GREETED;
    (void)!frame_send(c->link, LINK_START, &start, sizeof start, &ignored);
}

tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err)
{
    struct buf packed = {0}, hello = {0};
    struct wire_hello h = *how;
    struct error ignored;

    if (c->link)
        link_launch(c, memory);
    else
        TRY(client_launch(c, memory, err));
    config_pack(config, &packed);
    h.config = packed.data;
    h.config_len = packed.len;
    wire_pack_hello(&hello, &h);
    (void)!client_send(c, WIRE_HELLO, &hello, &ignored);
    buf_free(&packed);
    buf_free(&hello);
    return TCET_OK;
}

/* The next frame among the bytes gathered so far. */
static int gathered(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    struct buf *in = &c->child.in;
    size_t used;
    int got = frame_take(in, c->read, type, data, n, &used);

    if (got > 0) {
        c->read += used;
    } else if (got == 0 && c->read) {
        memmove(in->data, in->data + c->read, in->len - c->read);
        in->len -= c->read;
        c->read = 0;
    }
    if (got <= 0 || !c->link || *type != LINK_ENDED)
        return got;
    snprintf(c->ended, sizeof c->ended, "%.*s", (int)(*n < sizeof c->ended ? *n : sizeof c->ended),
             *data);
    return CLIENT_ENDED;
}

int client_frame(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    int got = gathered(c, type, data, n), gone;

    if (got)
        return got;
    gone = child_read(&c->child) < 0;
    got = gathered(c, type, data, n);
    return got == 0 && gone ? CLIENT_ENDED : got;
}

int client_take(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    /* A plugin that logs without end must not keep us from all else. */
    for (int i = 0; i < 1000; i++) {
        int got = client_frame(c, type, data, n);
        uint32_t level;

        if (got <= 0 || *type != WIRE_LOG)
            return got;
        if (!c->log || *n < sizeof level)
            continue;
        memcpy(&level, *data, sizeof level);
        c->log(c->log_arg, (int)level, *data + sizeof level);
    }
    return 0;
}

tcet_status client_wait(struct client *c, uint32_t type, double seconds, const char **data,
                        size_t *n, struct error *err)
{
    char how[1536];

    for (;;) {
        struct pollfd p[2] = {{c->child.fd, POLLIN, 0}, {c->child.output, POLLIN, 0}};
        uint32_t got;
        int have = client_take(c, &got, data, n);

        if (have > 0 && got == WIRE_ERROR)
            return wire_unpack_error(*data, *n, err);
        if (have > 0 && got == type)
            return TCET_OK;
        /* Nonsense, an answer to nothing asked, no answer at all, or the memory is gone. */
        if (have || client_glutton(c, 1) == 0) {
            client_bury(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN, "the worker process %s", how);
        }
        if (c->stop && *c->stop) {
            client_bury(c, how, sizeof how);
            return error_set(err, TCET_E_CANCELLED, "interrupted");
        }
        if (seconds > 0 && clock_now() - c->since > seconds) {
            client_bury(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN,
                             "no answer within %.3g s ([run] timeout); the "
                             "worker process %s",
                             seconds, how);
        }
        poll(p, 2, 50);
    }
}

int client_glutton(struct client *list, int count)
{
    double t = clock_now();
    uint64_t all = 0, most = 0;
    int worst = -1;

    if (!list->allowed || t - list->weighed < 0.05)
        return -1;
    list->weighed = t;
    for (int i = 0; i < count; i++) {
        uint64_t held = client_up(&list[i]) && !list[i].link ? memory_held(list[i].child.pid) : 0;

        all += held;
        if (held <= most)
            continue;
        most = held;
        worst = i;
    }
    if (all <= list->allowed)
        return -1;
    list[worst].held = all;
    return worst;
}

/* Waits for word that the remote worker has ended. */
static void link_bury(struct client *c, char *how, size_t cap)
{
    double until = clock_now() + 10; /* a rank answers in milliseconds */
    struct error ignored;
    const char *data;
    uint32_t type;
    size_t n;
    int got = 0;

    if (!*c->ended)
        (void)!frame_send(c->link, LINK_STOP, "", 0, &ignored);
    while (!*c->ended && got >= 0 && clock_now() < until) {
        struct pollfd p = {c->link, POLLIN, 0};

        poll(&p, 1, 100);
        while ((got = client_frame(c, &type, &data, &n)) > 0)
            continue;
    }
    c->state = *c->ended ? CLIENT_DOWN : CLIENT_LOST;
    snprintf(how, cap, "%s", *c->ended ? c->ended : "is on a rank that does not answer");
    buf_free(&c->child.in);
}

void client_bury(struct client *c, char *how, size_t cap)
{
    char who[CALL_WHO] = "", foreign[CALL_WHO] = "", ended[1200];

    if (c->link) {
        link_bury(c, how, cap);
        return;
    }
    if (c->trace) {
        memcpy(who, c->trace, sizeof who - 1);
        memcpy(foreign, c->trace + CALL_WHO, sizeof foreign - 1);
        who[sizeof who - 1] = foreign[sizeof foreign - 1] = '\0';
    }
    child_stop(&c->child, ended, sizeof ended);
    if (c->held)
        snprintf(ended, sizeof ended,
                 "was ended: this machine's workers held %llu MiB, [run] memory = %.4g%% allows "
                 "%llu MiB",
                 (unsigned long long)c->held >> 20, 100 * c->share,
                 (unsigned long long)c->allowed >> 20);
    unshare_trace(c);
    c->state = CLIENT_DOWN;
    c->read = 0;
    if (!strcmp(foreign, who))
        foreign[0] = '\0';
    snprintf(how, cap, "%s%s%s%s%s", ended, *who ? "; the plugin that ran last is " : "", who,
             *foreign ? ", the last that is not built in " : "", foreign);
}

void client_stop(struct client *c)
{
    struct error ignored;

    if (!client_up(c))
        return;
    c->state = CLIENT_DOWN;
    if (c->link) {
        (void)!frame_send(c->link, LINK_STOP, "", 0, &ignored);
        buf_free(&c->child.in);
        return;
    }
    child_finish(&c->child, 2.0);
    unshare_trace(c);
}

tcet_status client_plan(const struct config *config, int want_archs, struct arena *a,
                        struct wire_plan *out, struct error *err)
{
    struct client c = {.state = CLIENT_DOWN, .share = CLIENT_SHARE};
    const char *data;
    size_t n;
    tcet_status st;

    TRY(client_start(&c, config, &(struct wire_hello){.want_archs = want_archs}, 0, err));
    st = client_wait(&c, WIRE_PLAN, 0, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_plan(data, n, a, out, err);
    client_stop(&c);
    return st;
}

tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err)
{
    struct client c = {.state = CLIENT_DOWN, .share = CLIENT_SHARE};
    struct buf request = {0};
    const char *data;
    size_t n, got = 0;
    tcet_status st;

    TRY(client_start(&c, config, &(struct wire_hello){.space_only = 1}, 0, err));
    st = client_wait(&c, WIRE_PLAN, 0, &data, &n, err);
    if (st >= 0) {
        wire_pack_texts(&request, archs, count);
        st = client_send(&c, WIRE_FACTS, &request, err);
        buf_free(&request);
    }
    if (st >= 0)
        st = client_wait(&c, WIRE_FACTS_ANSWER, 0, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_facts(data, n, a, out, &got, err);
    if (st >= 0 && got != count)
        st = error_set(err, TCET_E_PLUGIN, "the worker answered for %zu of %zu architectures", got,
                       count);
    client_stop(&c);
    return st;
}
