/* client.c -- see client.h.  Room: core/run. */
#include "run/client.h"

#include "plugin/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

double client_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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

tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err)
{
    c->since = client_clock();
    return frame_send(c->child.fd, type, b->data ? b->data : "", b->len, err);
}

tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err)
{
    char trace[16];
    char *args[] = {"tcet-host", "worker", trace, NULL};
    struct buf packed = {0}, hello = {0};
    struct wire_hello h = *how;
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
    config_pack(config, &packed);
    h.config = packed.data;
    h.config_len = packed.len;
    wire_pack_hello(&hello, &h);
    st = client_send(c, WIRE_HELLO, &hello, err);
    buf_free(&packed);
    buf_free(&hello);
    return st;
}

int client_take(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    struct buf *in = &c->child.in;
    size_t used;

    for (;;) {
        int got = frame_take(in, c->read, type, data, n, &used);

        if (got < 0)
            return -1;
        if (got == 0)
            break;
        c->read += used;
        if (*type != WIRE_LOG)
            return 1;
        if (c->log && *n >= sizeof(uint32_t)) {
            uint32_t level;

            memcpy(&level, *data, sizeof level);
            c->log(c->log_arg, (int)level, *data + sizeof level);
        }
    }
    if (c->read) {
        memmove(in->data, in->data + c->read, in->len - c->read);
        in->len -= c->read;
        c->read = 0;
    }
    return 0;
}

tcet_status client_wait(struct client *c, uint32_t type, const char **data, size_t *n,
                        struct error *err)
{
    int gone = 0;

    for (;;) {
        struct pollfd p[2] = {{c->child.fd, POLLIN, 0}, {c->child.output, POLLIN, 0}};
        uint32_t got;
        int have = client_take(c, &got, data, n);

        if (have > 0 && got == WIRE_ERROR)
            return wire_unpack_error(*data, *n, err);
        if (have > 0 && got == type)
            return TCET_OK;
        if (have || gone) { /* nonsense, an answer to nothing asked, or no answer at all */
            char how[1536];

            client_bury(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN, "the worker process %s", how);
        }
        poll(p, 2, -1);
        gone = child_read(&c->child) < 0;
    }
}

void client_bury(struct client *c, char *how, size_t cap)
{
    char who[CALL_TRACE] = "", ended[1200];

    if (c->trace) {
        memcpy(who, c->trace, sizeof who - 1);
        who[sizeof who - 1] = '\0';
    }
    child_stop(&c->child, ended, sizeof ended);
    unshare_trace(c);
    c->state = CLIENT_DOWN;
    c->read = 0;
    snprintf(how, cap, "%s%s%s", ended, *who ? "; the plugin that ran last is " : "", who);
}

void client_stop(struct client *c)
{
    if (c->state == CLIENT_DOWN)
        return;
    child_finish(&c->child, 2.0);
    unshare_trace(c);
    c->state = CLIENT_DOWN;
}

tcet_status client_plan(const struct config *config, int want_archs, struct arena *a,
                        struct wire_plan *out, struct error *err)
{
    struct client c = {.state = CLIENT_DOWN};
    const char *data;
    size_t n;
    tcet_status st;

    TRY(client_start(&c, config, &(struct wire_hello){.want_archs = want_archs}, 0, err));
    st = client_wait(&c, WIRE_PLAN, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_plan(data, n, a, out, err);
    client_stop(&c);
    return st;
}

tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err)
{
    struct client c = {.state = CLIENT_DOWN};
    struct buf request = {0};
    const char *data;
    size_t n, got = 0;
    tcet_status st;

    TRY(client_start(&c, config, &(struct wire_hello){.space_only = 1}, 0, err));
    st = client_wait(&c, WIRE_PLAN, &data, &n, err);
    if (st >= 0) {
        wire_pack_texts(&request, archs, count);
        st = client_send(&c, WIRE_FACTS, &request, err);
        buf_free(&request);
    }
    if (st >= 0)
        st = client_wait(&c, WIRE_FACTS_ANSWER, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_facts(data, n, a, out, &got, err);
    if (st >= 0 && got != count)
        st = error_set(err, TCET_E_PLUGIN, "the worker answered for %zu of %zu architectures", got,
                       count);
    client_stop(&c);
    return st;
}
