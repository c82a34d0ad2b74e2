/* client.c -- see client.h.  Room: core/run. */
#include "run/client.h"

#include "run/process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

void (*client_log)(void *arg, int level, const char *text);

struct client client_here(double share)
{
    return (struct client){.link = process_link(share), .log = client_log};
}

int client_up(const struct client *c)
{
    return c->state != CLIENT_DOWN && c->state != CLIENT_LOST;
}

/* A number that cannot be guessed; several are asked of the system at once. */
static uint64_t new_nonce(void)
{
    static uint64_t numbers[32], count;
    static size_t left;

    if (!left && getrandom(numbers, sizeof numbers, 0) != (ssize_t)sizeof numbers)
        return ++count;
    left = left ? left - 1 : TCET_COUNT(numbers) - 1;
    return numbers[left];
}

int client_unsent(const struct client *c)
{
    return c->sent < c->unsent.len;
}

static void forget_unsent(struct client *c)
{
    buf_free(&c->unsent);
    c->sent = 0;
}

void client_flush(struct client *c)
{
    while (client_unsent(c)) {
        ssize_t k = send(c->link.child.fd, c->unsent.data + c->sent, c->unsent.len - c->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (k <= 0) /* it died, which is met where its answer is read */
            break;
        c->sent += (size_t)k;
    }
    forget_unsent(c);
}

/* A worker that died is no error here: how is known to who waits for its answer. */
static tcet_status send_numbered(struct client *c, uint64_t nonce, uint32_t type,
                                 const struct buf *b, int wait, struct error *err)
{
    struct buf whole = {0};
    tcet_status st;

    buf_add(&whole, &nonce, sizeof nonce);
    if (b->len)
        buf_add(&whole, b->data, b->len);
    if (wait && !client_unsent(c)) {
        st = frame_send(c->link.child.fd, type, whole.data, whole.len, err);
    } else { /* behind what waits */
        st = frame_pack(&c->unsent, type, whole.data, whole.len, err);
        client_flush(c);
    }
    buf_free(&whole);
    return st == TCET_E_IO ? TCET_OK : st;
}

tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err)
{
    if (c->asked_count == CLIENT_ASKED_MAX)
        return error_set(err, TCET_E_ARG, "a worker has %d requests to answer already",
                         CLIENT_ASKED_MAX);
    if (!c->asked_count)
        waiting_start(&c->waited);
    c->asked[c->asked_count] = new_nonce();
    return send_numbered(c, c->asked[c->asked_count++], type, b, 1, err);
}

tcet_status client_tell(struct client *c, uint32_t type, const struct buf *b, struct error *err)
{
    waiting_start(&c->waited);
    return send_numbered(c, c->asked_count ? c->asked[0] : 0, type, b, 0, err);
}

tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err)
{
    struct buf packed = {0}, hello = {0};
    struct wire_hello h = *how;
    struct error ignored;
    int64_t timeout;

    TRY(config_i64(config, "run", "", "timeout", 600, 1, 864000, &timeout, err));
    TRY(c->link.ops->start(&c->link, memory, err));
    c->timeout = (double)timeout;
    c->state = CLIENT_GREETED;
    c->asked_count = 0;
    forget_unsent(c);
    config_pack(config, &packed);
    h.config = packed.data;
    h.config_len = packed.len;
    wire_pack_hello(&hello, &h);
    (void)!client_send(c, WIRE_HELLO, &hello, &ignored);
    buf_free(&packed);
    buf_free(&hello);
    return TCET_OK;
}

void client_answered(struct client *c)
{
    if (c->asked_count)
        memmove(c->asked, c->asked + 1, (size_t)--c->asked_count * sizeof *c->asked);
}

/* Takes the oldest request's number off an answer; 0, or -1 where it has another. */
static int take_nonce(struct client *c, uint32_t type, const char **data, size_t *n)
{
    uint64_t nonce;

    if (!c->asked_count || *n < sizeof nonce)
        return -1;
    memcpy(&nonce, *data, sizeof nonce);
    if (nonce != c->asked[0])
        return -1;
    if (type != WIRE_ASKS && type != WIRE_TRAINED) /* which come in parts */
        client_answered(c);
    waiting_start(&c->waited); /* for the next part, or the next request, which is now the oldest */
    *data += sizeof nonce;
    *n -= sizeof nonce;
    return 0;
}

/* Once, however many workers open the file. */
static void say_foreign(const struct client *c, const char *data, size_t n)
{
    static struct buf said; /* lines, up to a bound: a worker may say anything */
    struct buf line = {0};
    int known = said.len > 1 << 20;

    buf_printf(&line, "%.*s\n", (int)n, data);
    for (const char *p = said.data; p && !known && (p = strstr(p, line.data)); p++)
        known = p == said.data || p[-1] == '\n';
    if (!known && c->log) {
        buf_puts(&said, line.data);
        line.data[line.len - 1] = '\0';
        c->log(c->log_arg, TCET_LOG_INFO, line.data);
    }
    buf_free(&line);
}

int client_take(struct client *c, uint32_t *type, const char **data, size_t *n)
{
    /* A plugin that logs without end must not keep us from all else. */
    for (int i = 0; i < 1000; i++) {
        int got = c->link.ops->frame(&c->link, type, data, n);
        uint32_t level;

        if (got <= 0)
            return got;
        if (*type == WIRE_FOREIGN) {
            say_foreign(c, *data, *n);
            continue;
        }
        if (*type != WIRE_LOG)
            return take_nonce(c, *type, data, n) < 0 ? LINK_NONSENSE : 1;
        if (!c->log || *n < sizeof level)
            continue;
        memcpy(&level, *data, sizeof level);
        c->log(c->log_arg, (int)level, *data + sizeof level);
    }
    return 0;
}

/* A worker that somebody stopped is waited for; that must be seen. */
static void note_stopped(struct client *c)
{
    char text[160];

    if (c->waited.halted < c->timeout || !c->log)
        return;
    c->waited.halted = 0;
    snprintf(text, sizeof text,
             "worker process %ld has been stopped for %.3g s and is waited for; kill -CONT %ld "
             "lets it go on",
             (long)c->link.child.pid, c->timeout, (long)c->link.child.pid);
    c->log(c->log_arg, TCET_LOG_WARN, text);
}

/* How long a call of code that is not built in, if one runs, has been running as far as we saw. */
static double foreign_call(struct client *c, double now)
{
    const struct call_trace *t = c->link.trace;
    int runs = t && *t->now.who && !strncmp(t->now.who, t->foreign, sizeof t->foreign);

    if (!runs || t->calls != c->call)
        c->call_began = now;
    c->call = t ? t->calls : 0;
    return now - c->call_began;
}

/* Making a plan loads libtorch and images, and that is no plugin's fault, however short the config's
 * timeout and however loaded the machine: but what is not built in has no more than that a call. */
int client_late(struct client *c, char *why, size_t cap)
{
    const double starting = 60;
    double silent = waiting_look(&c->waited, c->link.child.pid), limit = c->timeout;
    int held = c->asked_count > 1 ? c->asked_count : 1;

    note_stopped(c);
    if (c->state != CLIENT_GREETED)
        silent /= held; /* the oldest one's answer may wait until the others are begun */
    else if (foreign_call(c, silent) <= limit && limit < starting)
        limit = starting;
    if (silent <= limit)
        return 0;
    snprintf(why, cap, "no answer within %.3g s ([run] timeout)%s; ", limit,
             held > 1 ? " an architecture" : "");
    return 1;
}

tcet_status client_wait(struct client *c, uint32_t type, const char **data, size_t *n,
                        struct error *err)
{
    char how[1536], late[96];

    for (;;) {
        struct pollfd p[2] = {{c->link.child.fd, POLLIN, 0}, {c->link.child.output, POLLIN, 0}};
        uint32_t got;
        int have = client_take(c, &got, data, n);

        if (have > 0 && got == WIRE_ERROR)
            return wire_unpack_error(*data, *n, err);
        if (have > 0 && got == type) {
            c->state = CLIENT_IDLE;
            return TCET_OK;
        }
        /* Nonsense, an answer to nothing asked, no answer at all, or the memory is gone. */
        if (have || client_largest(c, 1) == 0) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN, "the worker process %s", how);
        }
        if (c->stop && *c->stop) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_CANCELLED, "interrupted");
        }
        if (client_late(c, late, sizeof late)) {
            client_end(c, how, sizeof how);
            return error_set(err, TCET_E_PLUGIN, "%sthe worker process %s", late, how);
        }
        poll(p, 2, WAITING_LOOK_MS);
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
    forget_unsent(c);
    c->state = c->link.ops->end(&c->link, how, cap) < 0 ? CLIENT_LOST : CLIENT_DOWN;
}

void client_stop(struct client *c)
{
    if (!client_up(c))
        return;
    c->state = CLIENT_DOWN;
    forget_unsent(c);
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
    st = client_wait(&c, WIRE_PLAN, &data, &n, err);
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
    return st < 0 ? st : client_wait(c, answer, data, n, err);
}

static tcet_status start_for_space(struct client *c, const struct config *config,
                                   const volatile int *stop, struct error *err)
{
    const char *data;
    size_t n;

    *c = client_here(CLIENT_SHARE);
    c->stop = stop;
    TRY(client_start(c, config, &(struct wire_hello){.space_only = 1}, 0, err));
    return client_wait(c, WIRE_PLAN, &data, &n, err);
}

static tcet_status check_count(size_t got, size_t count, struct error *err)
{
    return got == count ? TCET_OK
                        : error_set(err, TCET_E_PLUGIN,
                                    "the worker answered for %zu of %zu architectures", got, count);
}

/* Tables may hold a whole space, and a worker has [run] timeout for one answer. */
static size_t part_of(size_t count, size_t at, size_t most)
{
    return count - at < most ? count - at : most;
}

tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err)
{
    enum { AT_ONCE = 100 };
    struct wire_fact *all = arena_alloc(a, (count + 1) * sizeof *all);
    struct client c;
    tcet_status st = start_for_space(&c, config, NULL, err);

    for (size_t at = 0; at < count && st >= 0; at += AT_ONCE) {
        size_t some = part_of(count, at, AT_ONCE), n, got = 0;
        const struct wire_fact *part;
        const char *data;

        st = ask(&c, WIRE_FACTS, WIRE_FACTS_ANSWER, archs + at, some, &data, &n, err);
        if (st >= 0)
            st = wire_unpack_facts(data, n, a, &part, &got, err);
        if (st >= 0)
            st = check_count(got, some, err);
        if (st >= 0)
            memcpy(all + at, part, some * sizeof *all);
    }
    *out = all;
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
    tcet_status st = start_for_space(&c, config, NULL, err);

    if (st >= 0)
        st = ask(&c, WIRE_SPACE, WIRE_SPACE_ANSWER, texts, count, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_texts(data, n, a, out, out_count, err);
    client_stop(&c);
    return st;
}

/* A text of each architecture; of those that no answer came for NULL. */
static tcet_status ask_texts(struct client *c, uint32_t request, uint32_t answer,
                             const char *const *archs, size_t count, struct arena *a,
                             const char *const **out, struct error *err)
{
    enum { AT_ONCE = 1000 };
    const char **all = arena_alloc(a, (count + 1) * sizeof *all);
    tcet_status st = TCET_OK;

    *out = all;
    for (size_t at = 0; at < count && st >= 0; at += AT_ONCE) {
        size_t some = part_of(count, at, AT_ONCE), n, got = 0;
        const char *const *part;
        const char *data;

        st = ask(c, request, answer, archs + at, some, &data, &n, err);
        if (st >= 0)
            st = wire_unpack_texts(data, n, a, &part, &got, err);
        if (st >= 0)
            st = check_count(got, some, err);
        if (st >= 0)
            memcpy(all + at, part, some * sizeof *all);
    }
    return st;
}

tcet_status client_keys(const struct config *config, const char *const *archs, size_t count,
                        const volatile int *stop, struct arena *a, const char *const **out,
                        struct error *err)
{
    struct client c;
    tcet_status st = start_for_space(&c, config, stop, err);

    if (st >= 0)
        st = ask_texts(&c, WIRE_KEYS, WIRE_KEYS_ANSWER, archs, count, a, out, err);
    client_stop(&c);
    return st;
}

tcet_status client_alike(struct client *c, const char *const *archs, size_t count, struct arena *a,
                         const char *const **out, struct error *err)
{
    return ask_texts(c, WIRE_ALIKE, WIRE_ALIKE_ANSWER, archs, count, a, out, err);
}
