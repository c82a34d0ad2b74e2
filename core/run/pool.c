/* pool.c -- see pool.h.  Room: core/run. */
#include "run/pool.h"

#include "base/text.h"
#include "plan/plan.h"
#include "run/process.h"
#include "run/remote.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING_MAX = 8192 }; /* bytes of a job for a worker that may not be reading */

/* An architecture for a worker to score. */
struct pool_job {
    size_t item;
    const char *arch; /* its text, once it was sent; the owner's */
    int tries;        /* that failed */
};

/* What one worker has: as many as it may have in flight, and one that waits in its socket, so that
 * it need not wait for us. */
struct workload {
    struct pool_job job[IN_FLIGHT_MAX + 1]; /* the oldest first */
    int count;
    int alone;  /* one that is tried again: nothing else may be blamed, or be harmed */
    int polled; /* its two places among what is waited for */
};

static void log_text(const struct pool *p, int level, const char *text)
{
    if (p->owner.log)
        p->owner.log(p->owner.log_arg, level, text);
}

static int stopping(const struct pool *p)
{
    return p->owner.stop && *p->owner.stop;
}

static tcet_status assign(struct pool *p, int client, struct error *err)
{
    struct client *c = &p->clients[client];
    struct workload *w = &p->workloads[client];
    struct pool_job job;
    struct wire_job j = {0};
    struct buf b = {0};

    w->alone = p->retry_count > 0;
    if (p->retry_count)
        job = p->retry[--p->retry_count];
    else if (p->head < p->tail)
        job = p->queue[p->head++];
    else
        return TCET_OK;
    arena_reset(&p->arena);
    TRY(p->owner.job(p->owner.arg, job.item, &p->arena, &j, err));
    job.arch = j.arch;
    wire_pack_job(&b, &j);
    if (w->count && b.len > WAITING_MAX) {
        p->head--; /* for when the worker reads: until then it might not fit the socket */
    } else {
        w->job[w->count++] = job;
        c->state = CLIENT_BUSY;
        (void)!client_send(c, WIRE_JOB, &b, err); /* a dead one is met when its socket is read */
    }
    buf_free(&b);
    return TCET_OK;
}

/* All that a worker had is to be tried again, the oldest first. */
static void requeue(struct pool *p, struct workload *w)
{
    while (w->count) {
        if (p->retry_count == p->retry_room) {
            p->retry_room = p->retry_room ? 2 * p->retry_room : 64;
            p->retry = mem_resize(p->retry, p->retry_room * sizeof *p->retry);
        }
        p->retry[p->retry_count++] = w->job[--w->count];
    }
}

/* A worker died or was killed while at work: try again, or record the reason.  Where it had several
 * architectures nobody knows whose end it was: each is tried again alone, and that is no try of
 * its own. */
static tcet_status worker_lost(struct pool *p, int client, const char *prefix, struct error *err)
{
    struct client *c = &p->clients[client];
    struct workload *w = &p->workloads[client];
    struct pool_job *job = &w->job[0];
    int was = c->state;
    char how[1536];
    struct buf why = {0};
    tcet_status st = TCET_OK;

    client_end(c, how, sizeof how);
    buf_printf(&why, "%s%s", prefix, how);
    if (c->state == CLIENT_LOST) { /* its machine's fault, not the architecture's */
        log_text(p, TCET_LOG_WARN, why.data);
        requeue(p, w);
    } else if (was != CLIENT_BUSY) {
        log_text(p, TCET_LOG_WARN, why.data);
        if (was == CLIENT_GREETED && ++p->broken_starts > 3)
            st = error_set(err, TCET_E_PLUGIN, "workers cannot start: the last one %s", how);
    } else if (w->count > 1) {
        buf_printf(&why, "; each of the %d architectures that it had is tried again alone",
                   w->count);
        log_text(p, TCET_LOG_WARN, why.data);
        requeue(p, w);
    } else if (job->tries++ < p->retries) {
        log_text(p, TCET_LOG_WARN, why.data);
        requeue(p, w);
    } else {
        st = p->owner.failed(p->owner.arg, job->item, why.data, err);
    }
    w->count = 0;
    buf_free(&why);
    return st;
}

static tcet_status take_row(struct pool *p, int client, const char *data, size_t n,
                            struct error *err)
{
    struct client *c = &p->clients[client];
    struct workload *w = &p->workloads[client];
    struct pool_job job = w->job[0];
    struct result_row row;
    tcet_status st;

    arena_reset(&p->arena);
    if (c->state != CLIENT_BUSY ||
        wire_unpack_row(data, n, p->plan->column_count, &p->arena, &row, err) < 0)
        return worker_lost(p, client, "sent nonsense and ", err);
    if (strcmp(row.arch, job.arch) != 0)
        return worker_lost(p, client, "sent the row of another architecture and ", err);
    memmove(w->job, w->job + 1, (size_t)--w->count * sizeof *w->job);
    c->state = w->count ? CLIENT_BUSY : CLIENT_IDLE;
    st = p->owner.row(p->owner.arg, job.item, &row, err);
    if (st == TCET_E_ARG) {
        const char *why = arena_strdup(&p->arena, err->text);

        return p->owner.failed(p->owner.arg, job.item, why, err);
    }
    return st;
}

static const char *word_at(struct arena *a, const char *text)
{
    size_t n = strcspn(text, " ");

    return n < 100 ? arena_strndup(a, text, n) : arena_printf(a, "%.*s...", 100, text);
}

void run_key_words(const char *one, const char *other, struct arena *a, const char **word_one,
                   const char **word_other)
{
    size_t same = 0, start;

    while (one[same] && one[same] == other[same])
        same++;
    for (start = same; start && one[start - 1] != ' '; start--)
        continue;
    *word_one = word_at(a, one + start);
    *word_other = word_at(a, other + start);
}

/* A worker's plan must be the first one's: else its values would stand under wrong keys. */
static tcet_status same_plan(struct pool *p, const char *data, size_t n, struct error *err)
{
    const struct wire_plan *ours = p->plan;
    struct wire_plan theirs = {.column_count = 0};
    const char *there, *here;

    arena_reset(&p->arena);
    TRY(wire_unpack_plan(data, n, &p->arena, &theirs, err));
    if (theirs.column_count != ours->column_count)
        return error_set(err, TCET_E_PLUGIN,
                         "a worker has %zu columns, the first one %zu: the "
                         "config's files changed",
                         theirs.column_count, ours->column_count);
    for (size_t i = 0; i < theirs.column_count; i++) {
        if (!strcmp(theirs.columns[i].key, ours->columns[i].key))
            continue;
        run_key_words(theirs.columns[i].key, ours->columns[i].key, &p->arena, &there, &here);
        return error_set(err, TCET_E_PLUGIN,
                         "%s means something else to a new worker than to the first: a plugin's "
                         "file changed, or another machine has other versions (%s there, %s here)",
                         theirs.columns[i].name, there, here);
    }
    return TCET_OK;
}

static tcet_status take(struct pool *p, int client, uint32_t type, const char *data, size_t n,
                        struct error *err)
{
    struct client *c = &p->clients[client];

    if (type == WIRE_ROW)
        return take_row(p, client, data, n, err);
    if (type == WIRE_PLAN && c->state == CLIENT_GREETED) {
        TRY(same_plan(p, data, n, err));
        c->state = CLIENT_IDLE;
        p->broken_starts = 0;
        return TCET_OK;
    }
    if (type == WIRE_ERROR && c->state == CLIENT_GREETED)
        return wire_unpack_error(data, n, err);
    return worker_lost(p, client, "sent nonsense and ", err);
}

size_t pool_pending(const struct pool *p)
{
    return p->tail - p->head + p->retry_count;
}

/* Reads what one worker sent. */
static tcet_status listen(struct pool *p, int client, struct error *err)
{
    struct client *c = &p->clients[client];
    const char *data;
    uint32_t type;
    int have = 0;
    size_t n;

    while (client_up(c) && (have = client_take(c, &type, &data, &n)) > 0)
        TRY(take(p, client, type, data, n, err));
    if (client_up(c) && have < 0)
        return worker_lost(
            p, client, have == LINK_OVER ? "the worker " : "the worker sent nonsense and ", err);
    return TCET_OK;
}

static tcet_status check_timeouts(struct pool *p, struct error *err)
{
    char prefix[128];

    for (int i = 0; i < p->client_count; i++) {
        struct client *c = &p->clients[i];
        size_t n;

        if (!client_up(c) || c->state == CLIENT_IDLE || !client_late(c, prefix, sizeof prefix))
            continue;
        n = strlen(prefix);
        snprintf(prefix + n, sizeof prefix - n, "the worker ");
        TRY(worker_lost(p, i, prefix, err));
    }
    return TCET_OK;
}

static tcet_status check_memory(struct pool *p, struct error *err)
{
    int largest = client_largest(p->clients, p->client_count);

    return largest < 0 ? TCET_OK : worker_lost(p, largest, "the worker ", err);
}

/* Gives every idle worker something to do and starts those that are needed. */
static tcet_status assign_idle(struct pool *p, struct error *err)
{
    for (int i = 0; i < p->client_count; i++) {
        struct client *c = &p->clients[i];

        if (stopping(p) || !pool_pending(p))
            return TCET_OK;
        if (c->state == CLIENT_DOWN)
            TRY(client_start(c, p->config, &(struct wire_hello){.open_backend = 1}, p->memory,
                             err));
        else if (c->state == CLIENT_IDLE)
            TRY(assign(p, i, err));
    }
    return TCET_OK;
}

/* Workers that are on their way to their first architecture. */
static size_t starting(const struct pool *p)
{
    size_t n = 0;

    for (int i = 0; i < p->client_count; i++)
        n += p->clients[i].state == CLIENT_GREETED;
    return n;
}

/* Then gives the busy ones more, those with the least first, but for what waits for workers that
 * are being started; and for no one while something is to be tried alone, so that all come to be
 * idle. */
tcet_status pool_assign(struct pool *p, struct error *err)
{
    TRY(assign_idle(p, err));
    for (int held = 1; held < p->depth; held++) {
        for (int i = 0; i < p->client_count; i++) {
            const struct workload *w = &p->workloads[i];

            if (stopping(p) || p->retry_count || pool_pending(p) <= starting(p))
                return TCET_OK;
            if (p->clients[i].state == CLIENT_BUSY && w->count == held && !w->alone)
                TRY(assign(p, i, err));
        }
    }
    return TCET_OK;
}

int pool_busy(const struct pool *p)
{
    int n = 0;

    for (int i = 0; i < p->client_count; i++)
        n += p->clients[i].state == CLIENT_BUSY;
    return n;
}

/* Cores that we may use: fewer than the machine's under a batch system. */
int64_t pool_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;

    return n > 0 ? n : 1;
}

/* [run] memory: MiB of address space a worker, or P% of a machine's memory for all its workers. */
tcet_status pool_memory_limits(const struct config *config, size_t *space, double *share,
                               struct error *err)
{
    const struct config_key *k = config_get(config, "run", "", "memory");
    size_t n = k ? strlen(k->value) : 0;
    char number[32];
    double percent;
    int64_t mib = 0;

    *space = 0;
    *share = CLIENT_SHARE;
    if (!k)
        return TCET_OK;
    if (n && n < sizeof number && k->value[n - 1] == '%') {
        snprintf(number, sizeof number, "%.*s", (int)n - 1, k->value);
        if (text_to_f64(text_strip(number), &percent) == 0 && percent > 0 && percent <= 100) {
            *share = percent / 100;
            return TCET_OK;
        }
    } else if (text_to_i64(k->value, &mib) == 0 && mib >= 0 && mib <= 1 << 24) {
        *space = (size_t)mib << 20;
        *share = mib ? CLIENT_SHARE : 0;
        return TCET_OK;
    }
    return config_error(err, k,
                        "memory = \"%.80s\": expected an integer from 0 to %d, MiB a worker, or a "
                        "percentage of the machine's memory up to 100%%, all workers together",
                        k->value, 1 << 24);
}

tcet_status pool_open(struct pool *p, const struct config *config, int ranks,
                      const struct pool_owner *owner, struct error *err)
{
    int64_t workers, usual = ranks > 1 ? 1 : pool_cores();

    *p = (struct pool){.config = config, .owner = *owner, .ranks = ranks};
    TRY(config_i64(config, "run", "", "workers", usual, 1, 1024, &workers, err));
    TRY(config_i64(config, "run", "", "retries", 1, 0, 100, &p->retries, err));
    TRY(pool_memory_limits(config, &p->memory, &p->share, err));
    p->each = (int)workers;
    return TCET_OK;
}

struct client pool_client(const struct pool *p, struct link link)
{
    return (struct client){
        .link = link, .stop = p->owner.stop, .log = p->owner.log, .log_arg = p->owner.log_arg};
}

/* The workers to be, here and on the other ranks. */
static tcet_status make_clients(struct pool *p, struct error *err)
{
    int here = p->each;

    p->client_count = here;
    if (p->ranks > 1) {
        TRY(remote_open(p->ranks, here, &p->remote, err));
        p->client_count += remote_count(p->remote);
    }
    p->clients = mem_alloc((size_t)p->client_count * sizeof *p->clients);
    p->workloads = mem_alloc((size_t)p->client_count * sizeof *p->workloads);
    for (int i = 0; i < p->client_count; i++)
        p->clients[i] = pool_client(p, i < here ? process_link(p->share)
                                                : remote_link_of(p->remote, i - here, p->share));
    return TCET_OK;
}

/* Did the first worker fail for want of memory, as far as can be told? */
static int wants_memory(const struct client *first, const struct error *err)
{
    static const char *const words[] = {"failed to map segment", "llocate memory", "out of memory",
                                        "no memory"};
    int found = err->status == TCET_E_MEMORY;

    if (!client_up(first)) /* it died, unless it was ended for its silence */
        return strncmp(err->text, "no answer", 9) != 0;
    for (size_t i = 0; i < TCET_COUNT(words); i++)
        found |= strstr(err->text, words[i]) != NULL;
    return found;
}

/* Where a limit on memory stands behind a first worker that failed, the limit is what to name. */
static tcet_status name_memory_limit(struct pool *p, struct error *err)
{
    const struct config_key *k = config_get(p->config, "run", "", "memory");

    if (!p->memory || err->status == TCET_E_CANCELLED || !wants_memory(&p->clients[0], err))
        return err->status;
    return config_error(
        err, k, "memory = %s may be too little, MiB a worker with all it loads%s: %s", k->value,
        p->memory >> 20 <= 100 ? arena_printf(&p->arena, " (did you mean %s%%?)", k->value) : "",
        arena_strdup(&p->arena, err->text));
}

/* The first worker says what the config means.  One that dies of something else than the
 * config (kill -9, say) is started again. */
tcet_status pool_plan(struct pool *p, int want_archs, struct arena *a, struct wire_plan *out,
                      struct error *err)
{
    tcet_status st = TCET_OK;
    struct client *first;
    const char *data;
    int64_t tries = 0;
    size_t n;

    TRY(make_clients(p, err));
    first = &p->clients[0];
    do {
        TRY(client_start(first, p->config,
                         &(struct wire_hello){.open_backend = 1, .want_archs = want_archs},
                         p->memory, err));
        st = client_wait(first, WIRE_PLAN, &data, &n, err);
    } while (st < 0 && st != TCET_E_CANCELLED && !client_up(first) && tries++ < p->retries);
    if (st < 0)
        return name_memory_limit(p, err);
    TRY(wire_unpack_plan(data, n, a, out, err));
    if (out->in_flight > IN_FLIGHT_MAX)
        return error_set(err, TCET_E_PLUGIN, "a worker with %d architectures in flight",
                         out->in_flight);
    p->plan = out;
    p->depth = out->in_flight > 1 ? out->in_flight + 1 : 1;
    return TCET_OK;
}

void pool_limit(struct pool *p, size_t most)
{
    if ((size_t)p->client_count > most)
        p->client_count = most ? (int)most : 1;
}

void pool_add(struct pool *p, size_t item)
{
    if (p->head == p->tail)
        p->head = p->tail = 0;
    if (p->tail == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->queue = mem_resize(p->queue, p->room * sizeof *p->queue);
    }
    p->queue[p->tail++] = (struct pool_job){.item = item};
}

int pool_waits(struct pool *p, struct pollfd *out)
{
    int n = 0;

    for (int i = 0; i < p->client_count; i++) {
        if (!client_up(&p->clients[i]))
            continue;
        p->workloads[i].polled = n;
        out[n++] = (struct pollfd){p->clients[i].link.child.fd, POLLIN, 0};
        out[n++] = (struct pollfd){p->clients[i].link.child.output, POLLIN, 0};
    }
    return n;
}

tcet_status pool_listen(struct pool *p, const struct pollfd *polled, struct error *err)
{
    for (int i = 0; i < p->client_count; i++) {
        const struct pollfd *of = polled + p->workloads[i].polled;
        struct link *l = &p->clients[i].link;
        tcet_status st;

        if (!client_up(&p->clients[i]) ||
            !(of[0].revents || of[1].revents || l->child.in.len > l->read))
            continue;
        l->child.quiet = !of[1].revents;
        st = listen(p, i, err);
        l->child.quiet = 0;
        TRY(st);
    }
    TRY(check_timeouts(p, err));
    return check_memory(p, err);
}

void pool_close(struct pool *p)
{
    char how[64];

    for (int i = 0; i < p->client_count; i++) {
        if (p->clients[i].state == CLIENT_IDLE)
            client_stop(&p->clients[i]);
        else if (client_up(&p->clients[i]))
            client_end(&p->clients[i], how, sizeof how);
    }
    remote_close(p->remote);
    free(p->clients);
    free(p->workloads);
    free(p->queue);
    free(p->retry);
    arena_free(&p->arena);
}
