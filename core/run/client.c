/* client.c -- see client.h.  Room: core/run. */
#include "run/client.h"

#include "base/clock.h"
#include "run/process.h"

#include <poll.h>
#include <string.h>

struct client client_here(double share)
{
    return (struct client){.link = process_link(share)};
}

int client_up(const struct client *c)
{
    return c->state != CLIENT_DOWN && c->state != CLIENT_LOST;
}

tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err)
{
    c->since = clock_now();
    return frame_send(c->link.child.fd, type, b->data ? b->data : "", b->len, err);
}

tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err)
{
    struct buf packed = {0}, hello = {0};
    struct wire_hello h = *how;
    struct error ignored;

    TRY(c->link.ops->start(&c->link, memory, err));
    c->state = CLIENT_GREETED;
    config_pack(config, &packed);
    h.config = packed.data;
    h.config_len = packed.len;
    wire_pack_hello(&hello, &h);
    (void)!client_send(c, WIRE_HELLO, &hello, &ignored);
    buf_free(&packed);
    buf_free(&hello);
    return TCET_OK;
}

int client_take(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    /* A plugin that logs without end must not keep us from all else. */
    for (int i = 0; i < 1000; i++) {
        int got = c->link.ops->frame(&c->link, type, data, n);
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
        struct pollfd p[2] = {{c->link.child.fd, POLLIN, 0}, {c->link.child.output, POLLIN, 0}};
        uint32_t got;
        int have = client_take(c, &got, data, n);

        if (have > 0 && got == WIRE_ERROR)
            return wire_unpack_error(*data, *n, err);
        if (have > 0 && got == type)
            return TCET_OK;
        /* Nonsense, an answer to nothing asked, no answer at all, or the memory is gone. */
        if (have || client_largest(c, 1) == 0) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN, "the worker process %s", how);
        }
        if (c->stop && *c->stop) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_CANCELLED, "interrupted");
        }
        if (seconds > 0 && clock_now() - c->since > seconds) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN,
                             "no answer within %.3g s ([run] timeout); the "
                             "worker process %s",
                             seconds, how);
        }
        poll(p, 2, 50);
    }
}

static struct link *link_at(void *list, int i)
{
    return &((struct client *)list)[i].link;
}

int client_largest(struct client *list, int count)
{
    return process_largest(link_at, list, count);
}

void client_end(struct client *c, char *how, size_t cap)
{
    c->state = c->link.ops->end(&c->link, how, cap) < 0 ? CLIENT_LOST : CLIENT_DOWN;
}

void client_stop(struct client *c)
{
    if (!client_up(c))
        return;
    c->state = CLIENT_DOWN;
    c->link.ops->finish(&c->link);
}

tcet_status client_plan(const struct config *config, int want_archs, struct arena *a,
                        struct wire_plan *out, struct error *err)
{
    struct client c = client_here(CLIENT_SHARE);
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

/* Asks a worker that knows the space about architectures. */
static tcet_status ask(struct client *c, uint32_t request, uint32_t answer,
                       const char *const *archs, size_t count, const char **data, size_t *n,
                       struct error *err)
{
    struct buf b = {0};
    tcet_status st;

    wire_pack_texts(&b, archs, count);
    st = client_send(c, request, &b, err);
    buf_free(&b);
    return st < 0 ? st : client_wait(c, answer, 0, data, n, err);
}

static tcet_status start_for_space(struct client *c, const struct config *config, struct error *err)
{
    const char *data;
    size_t n;

    *c = client_here(CLIENT_SHARE);
    TRY(client_start(c, config, &(struct wire_hello){.space_only = 1}, 0, err));
    return client_wait(c, WIRE_PLAN, 0, &data, &n, err);
}

static tcet_status check_count(size_t got, size_t count, struct error *err)
{
    return got == count ? TCET_OK
                        : error_set(err, TCET_E_PLUGIN,
                                    "the worker answered for %zu of %zu architectures", got, count);
}

tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err)
{
    struct client c;
    const char *data;
    size_t n, got = 0;
    tcet_status st = start_for_space(&c, config, err);

    if (st >= 0)
        st = ask(&c, WIRE_FACTS, WIRE_FACTS_ANSWER, archs, count, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_facts(data, n, a, out, &got, err);
    if (st >= 0)
        st = check_count(got, count, err);
    client_stop(&c);
    return st;
}

tcet_status client_space(const struct config *config, const char *const *texts, size_t count,
                         struct arena *a, const char *const **out, size_t *out_count,
                         struct error *err)
{
    struct client c;
    const char *data;
    size_t n;
    tcet_status st = start_for_space(&c, config, err);

    if (st >= 0)
        st = ask(&c, WIRE_SPACE, WIRE_SPACE_ANSWER, texts, count, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_texts(data, n, a, out, out_count, err);
    client_stop(&c);
    return st;
}

tcet_status client_keys(const struct config *config, const char *const *archs, size_t count,
                        struct arena *a, const char *const **out, struct error *err)
{
    enum { AT_ONCE = 10000 }; /* tables may hold a whole space */
    const char **all = arena_alloc(a, (count + 1) * sizeof *all);
    struct client c;
    tcet_status st = start_for_space(&c, config, err);

    for (size_t at = 0; at < count && st >= 0; at += AT_ONCE) {
        size_t some = count - at < AT_ONCE ? count - at : AT_ONCE, n, got = 0;
        const char *const *part;
        const char *data;

        st = ask(&c, WIRE_KEYS, WIRE_KEYS_ANSWER, archs + at, some, &data, &n, err);
        if (st >= 0)
            st = wire_unpack_texts(data, n, a, &part, &got, err);
        if (st >= 0)
            st = check_count(got, some, err);
        for (size_t i = 0; i < some && st >= 0; i++)
            all[at + i] = part[i];
    }
    *out = all;
    client_stop(&c);
    return st;
}
