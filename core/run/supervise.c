/* supervise.c -- see supervise.h.  Room: core/run. */
#include "run/supervise.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "plan/plan.h"
#include "run/client.h"
#include "run/population.h"
#include "run/process.h"
#include "run/remote.h"
#include "run/stored.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITING_MAX = 8192 }; /* bytes of a job for a worker that may not be reading */

/* An architecture for a worker to score. */
struct job {
    size_t arch; /* ordinal */
    int tries;   /* that failed */
};

/* What one worker has: as many as it may have in flight, and one that waits in its socket, so that
 * it need not wait for us. */
struct workload {
    struct job job[IN_FLIGHT_MAX + 1]; /* the oldest first */
    int count;
    int alone; /* one that is tried again: nothing else may be blamed, or be harmed */
};

struct supervisor {
    const struct config *config;
    const struct run_options *o;
    struct run_result *r;
    struct store *store;
    struct remote *remote; /* NULL: all workers are here */
    struct client *clients;
    int client_count;
    size_t memory; /* address space of a worker, 0: no limit */
    double share;  /* struct link's */
    int64_t retries;
    const char *shard; /* as stored: "" or "2/4 of 100, list SHA-256" */
    struct job *queue; /* pending jobs are [head, tail) */
    size_t head, tail;
    struct job *retry; /* to be tried again, taken first */
    size_t retry_count;
    struct workload *workloads; /* one a client */
    int depth;                  /* jobs of a workload at most */
    uint8_t *missing;           /* scratch: one a column */
    struct arena arena;         /* of one message */
    double started, committed, shown;
    int dirty;         /* rows since the last commit */
    int broken_starts; /* workers that died before they were ready, in a row */
};

static void log_text(const struct supervisor *s, int level, const char *text)
{
    if (s->o->log)
        s->o->log(s->o->arg, level, text);
}

static int stopping(const struct supervisor *s)
{
    return s->o->stop && *s->o->stop;
}

/* -- Store ------------------------------------------------------------------------------ */

/* Leaves only this shard's architectures, and notes of what they are a part. */
static void take_shard(struct supervisor *s)
{
    struct wire_plan *p = &s->r->plan;
    struct shard shard = s->o->shard;
    struct sha256 hash;
    const char **ours;
    char digest[65];
    size_t n = 0;

    s->shard = "";
    if (!shard.count)
        return;
    ours = arena_alloc(&s->r->arena, (p->arch_count / (size_t)shard.count + 2) * sizeof *ours);
    sha256_init(&hash);
    for (size_t i = 0; i < p->arch_count; i++) {
        sha256_add(&hash, p->archs[i], strlen(p->archs[i]) + 1);
        if (i % (size_t)shard.count == (size_t)shard.index - 1)
            ours[n++] = p->archs[i];
    }
    sha256_hex(&hash, digest);
    s->shard = arena_printf(&s->r->arena, "%d/%d of %zu, list %s", shard.index, shard.count,
                            p->arch_count, digest);
    s->r->folder =
        arena_printf(&s->r->arena, "%s/shard-%d-of-%d", s->r->folder, shard.index, shard.count);
    p->archs = ours;
    p->arch_count = n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many architectures the folder has that this run's list has not. */
static size_t count_left_out(const struct supervisor *s)
{
    const struct wire_plan *p = &s->r->plan;
    const char **ours = mem_alloc((p->arch_count + 1) * sizeof *ours), *had;
    size_t left = 0;

    if (p->arch_count)
        memcpy(ours, p->archs, p->arch_count * sizeof *ours);
    qsort(ours, p->arch_count, sizeof *ours, by_text);
    for (size_t i = 0; i < store_arch_count(s->store); i++) {
        had = store_arch(s->store, i);
        left += had && !bsearch(&had, ours, p->arch_count, sizeof *ours, by_text);
    }
    free(ours);
    return left;
}

/* A folder goes on with its own space.  Its list may change; that architectures leave it is
 * mentioned, since it may be a mistake. */
static tcet_status check_resumed(const struct supervisor *s, struct error *err)
{
    const char *space = store_meta(s->store, "space");
    size_t left = count_left_out(s);
    char text[256];

    if (space && strcmp(space, s->r->plan.space) != 0)
        return error_set(err, TCET_E_ARG,
                         "%s holds results of space %s, and this run is of space %s: give it a "
                         "folder of its own",
                         s->r->folder, space, s->r->plan.space);
    if (left) {
        snprintf(text, sizeof text,
                 "the list has changed: %zu of the folder's %zu architectures are not in it and "
                 "leave the results; their values are kept for when they come back",
                 left, store_arch_count(s->store));
        log_text(s, TCET_LOG_INFO, text);
    }
    return TCET_OK;
}

/* Values of other instruction sets have other keys: that they are computed again must be seen. */
static void note_instructions(struct supervisor *s)
{
    const char *had = store_meta(s->store, "instructions"), *have = "", *one, *other;
    char text[512];

    for (size_t i = 0; i < s->r->plan.meta_count; i++) {
        if (!strcmp(s->r->plan.meta[i].name, "instructions"))
            have = s->r->plan.meta[i].value;
    }
    if (!had || !*had || !*have || !strcmp(had, have))
        return;
    run_key_words(had, have, &s->arena, &one, &other);
    snprintf(
        text, sizeof text,
        "the folder's values are of other instruction sets than this processor's (%s there, %s "
        "here): what passes of the network give is computed anew ([run] cpu says more)",
        one, other);
    log_text(s, TCET_LOG_WARN, text);
}

static void note_damage(const struct supervisor *s)
{
    char text[256];
    int64_t rows;

    if (!store_was_damaged(s->store, &rows))
        return;
    snprintf(
        text, sizeof text,
        "the folder's scores.db was damaged: %lld row%s did not fit the checksum, or what belongs "
        "to it, and %s dropped; what is lacking is computed anew",
        (long long)rows, rows == 1 ? "" : "s", rows == 1 ? "is" : "are");
    log_text(s, TCET_LOG_WARN, text);
}

static tcet_status open_store(struct supervisor *s, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct config_key *output = config_get(s->config, "run", "", "output");

    if (store_open(s->r->folder, s->o->resume ? STORE_RESUME : STORE_FRESH, &s->store, err) < 0)
        return output ? config_error(err, output, "%s", arena_strdup(&s->r->arena, err->text))
                      : err->status;
    note_damage(s);
    note_instructions(s);
    TRY(check_resumed(s, err));
    TRY(store_begin(s->store, err));
    TRY(store_set_columns(s->store, p->columns, p->column_count, err));
    TRY(store_set_archs(s->store, p->archs, p->arch_count, err));
    for (size_t i = 0; i < p->meta_count; i++)
        TRY(store_set_meta(s->store, p->meta[i].name, p->meta[i].value, err));
    TRY(store_set_meta(s->store, "config", p->config, err));
    TRY(store_set_meta(s->store, "shard", s->shard, err));
    if (store_meta(s->store, STORE_MERGING)) /* what a merge left is this run's to finish */
        TRY(store_set_meta(s->store, STORE_MERGING, "", err));
    TRY(store_commit(s->store, err));
    return stored_write(s->r->folder, p->config, err);
}

static tcet_status commit(struct supervisor *s, struct error *err)
{
    s->committed = clock_now();
    if (!s->dirty)
        return TCET_OK;
    s->dirty = 0;
    return store_commit(s->store, err);
}

static tcet_status put(struct supervisor *s, const struct result_row *row, struct error *err)
{
    if (!s->dirty)
        TRY(store_begin(s->store, err));
    s->dirty = 1;
    return store_put(s->store, row, err);
}

static tcet_status put_failure(struct supervisor *s, size_t arch, const char *why,
                               struct error *err)
{
    struct result_row row = result_failure(s->r->plan.archs[arch], why);

    s->r->progress.failed++;
    s->r->progress.done++;
    return put(s, &row, err);
}

/* -- Assignment --------------------------------------------------------------------------- */

/* How many columns an architecture lacks, and how many it has. */
static size_t count_lacks(const struct supervisor *s, size_t *has)
{
    const struct wire_plan *p = &s->r->plan;
    size_t lacks = 0;

    *has = 0;
    for (size_t c = 0; c < p->column_count; c++) {
        lacks += s->missing[c];
        *has += !s->missing[c] && !p->columns[c].population;
    }
    return lacks;
}

/* The columns that architectures with part of their values lack, as a list with an end. */
static const char *name_lacked(struct supervisor *s, const uint8_t *lacked)
{
    const struct wire_plan *p = &s->r->plan;
    struct buf b = {0};
    const char *text;
    size_t n = 0;

    for (size_t c = 0; c < p->column_count; c++) {
        if (lacked[c] && n++ < 3)
            buf_printf(&b, "%s%s", n > 1 ? ", " : "", p->columns[c].name);
    }
    if (n > 3)
        buf_printf(&b, " and %zu more", n - 3);
    text = arena_strdup(&s->r->arena, b.len ? b.data : "");
    buf_free(&b);
    return text;
}

/* Queues every architecture that lacks a column. */
static tcet_status fill_queue(struct supervisor *s, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    uint8_t *lacked = arena_alloc(&s->r->arena, p->column_count + 1);

    s->queue = mem_alloc((p->arch_count + 1) * sizeof *s->queue);
    s->retry = mem_alloc((p->arch_count + 1) * sizeof *s->retry);
    s->missing = mem_alloc(p->column_count + 1);
    for (size_t i = 0; i < p->arch_count; i++) {
        size_t has;

        TRY(store_missing(s->store, p->archs[i], s->o->retry_failed, s->missing, err));
        if (!count_lacks(s, &has))
            continue;
        s->queue[s->tail++] = (struct job){.arch = i};
        s->r->completed += has > 0;
        for (size_t c = 0; c < p->column_count; c++)
            lacked[c] |= has && s->missing[c];
    }
    s->r->lacked = name_lacked(s, lacked);
    s->r->progress.total = s->tail;
    s->r->progress.stored = p->arch_count - s->tail;
    return TCET_OK;
}

/* Stored values that a lacking score needs travel with the job. */
static tcet_status known_values(struct supervisor *s, const char *arch, struct wire_job *j,
                                struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct result_value *known = arena_alloc(&s->arena, (p->column_count + 1) * sizeof *known);
    uint8_t *asked = arena_alloc(&s->arena, p->column_count + 1);

    j->known = known;
    for (size_t c = 0; c < p->column_count; c++) {
        for (size_t i = 0; s->missing[c] && i < p->columns[c].input_count; i++) {
            int in = p->columns[c].inputs[i], found;

            if (s->missing[in] || asked[in])
                continue;
            asked[in] = 1;
            TRY(store_get(s->store, arch, in, &s->arena, &known[j->known_count], &found, err));
            j->known_count += (size_t)found;
        }
    }
    return TCET_OK;
}

static tcet_status assign(struct supervisor *s, int client, struct error *err)
{
    struct client *c = &s->clients[client];
    struct workload *w = &s->workloads[client];
    struct job job;
    struct wire_job j = {0};
    struct buf b = {0};

    w->alone = s->retry_count > 0;
    if (s->retry_count)
        job = s->retry[--s->retry_count];
    else if (s->head < s->tail)
        job = s->queue[s->head++];
    else
        return TCET_OK;
    arena_reset(&s->arena);
    j.arch = s->r->plan.archs[job.arch];
    TRY(store_missing(s->store, j.arch, 1, s->missing, err));
    TRY(known_values(s, j.arch, &j, err));
    j.wanted = s->missing;
    j.column_count = s->r->plan.column_count;
    wire_pack_job(&b, &j);
    if (w->count && b.len > WAITING_MAX) {
        s->head--; /* for when the worker reads: until then it might not fit the socket */
    } else {
        w->job[w->count++] = job;
        c->state = CLIENT_BUSY;
        (void)!client_send(c, WIRE_JOB, &b, err); /* a dead one is met when its socket is read */
    }
    buf_free(&b);
    return TCET_OK;
}

/* All that a worker had is to be tried again, the oldest first. */
static void requeue(struct supervisor *s, struct workload *w)
{
    while (w->count)
        s->retry[s->retry_count++] = w->job[--w->count];
}

/* A worker died or was killed while at work: try again, or record the reason.  Where it had several
 * architectures nobody knows whose end it was: each is tried again alone, and that is no try of
 * its own. */
static tcet_status worker_lost(struct supervisor *s, int client, const char *prefix,
                               struct error *err)
{
    struct client *c = &s->clients[client];
    struct workload *w = &s->workloads[client];
    struct job *job = &w->job[0];
    int was = c->state;
    char how[1536];
    struct buf why = {0};
    tcet_status st = TCET_OK;

    client_end(c, how, sizeof how);
    buf_printf(&why, "%s%s", prefix, how);
    if (c->state == CLIENT_LOST) { /* its machine's fault, not the architecture's */
        log_text(s, TCET_LOG_WARN, why.data);
        requeue(s, w);
    } else if (was != CLIENT_BUSY) {
        log_text(s, TCET_LOG_WARN, why.data);
        if (was == CLIENT_GREETED && ++s->broken_starts > 3)
            st = error_set(err, TCET_E_PLUGIN, "workers cannot start: the last one %s", how);
    } else if (w->count > 1) {
        buf_printf(&why, "; each of the %d architectures that it had is tried again alone",
                   w->count);
        log_text(s, TCET_LOG_WARN, why.data);
        requeue(s, w);
    } else if (job->tries++ < s->retries) {
        log_text(s, TCET_LOG_WARN, why.data);
        requeue(s, w);
    } else {
        st = put_failure(s, job->arch, why.data, err);
    }
    w->count = 0;
    buf_free(&why);
    return st;
}

static tcet_status take_row(struct supervisor *s, int client, const char *data, size_t n,
                            struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct client *c = &s->clients[client];
    struct workload *w = &s->workloads[client];
    struct job job = w->job[0];
    struct result_row row;
    tcet_status st;

    arena_reset(&s->arena);
    if (c->state != CLIENT_BUSY ||
        wire_unpack_row(data, n, p->column_count, &s->arena, &row, err) < 0)
        return worker_lost(s, client, "sent nonsense and ", err);
    if (strcmp(row.arch, p->archs[job.arch]) != 0)
        return worker_lost(s, client, "sent the row of another architecture and ", err);
    memmove(w->job, w->job + 1, (size_t)--w->count * sizeof *w->job);
    c->state = w->count ? CLIENT_BUSY : CLIENT_IDLE;
    st = put(s, &row, err);
    if (st == TCET_E_ARG) { /* a row that cannot be stored costs its architecture, not the run */
        const char *why = arena_strdup(&s->arena, err->text);

        return put_failure(s, job.arch, why, err);
    }
    s->r->progress.done++;
    s->r->progress.failed += row.status == RESULT_FAILED;
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
static tcet_status same_plan(struct supervisor *s, const char *data, size_t n, struct error *err)
{
    const struct wire_plan *ours = &s->r->plan;
    struct wire_plan p = {.column_count = 0};
    const char *there, *here;

    arena_reset(&s->arena);
    TRY(wire_unpack_plan(data, n, &s->arena, &p, err));
    if (p.column_count != ours->column_count)
        return error_set(err, TCET_E_PLUGIN,
                         "a worker has %zu columns, the first one %zu: the "
                         "config's files changed",
                         p.column_count, ours->column_count);
    for (size_t i = 0; i < p.column_count; i++) {
        if (!strcmp(p.columns[i].key, ours->columns[i].key))
            continue;
        run_key_words(p.columns[i].key, ours->columns[i].key, &s->arena, &there, &here);
        return error_set(err, TCET_E_PLUGIN,
                         "%s means something else to a new worker than to the first: a plugin's "
                         "file changed, or another machine has other versions (%s there, %s here)",
                         p.columns[i].name, there, here);
    }
    return TCET_OK;
}

static tcet_status take(struct supervisor *s, int client, uint32_t type, const char *data, size_t n,
                        struct error *err)
{
    struct client *c = &s->clients[client];

    if (type == WIRE_ROW)
        return take_row(s, client, data, n, err);
    if (type == WIRE_PLAN && c->state == CLIENT_GREETED) {
        TRY(same_plan(s, data, n, err));
        c->state = CLIENT_IDLE;
        s->broken_starts = 0;
        return TCET_OK;
    }
    if (type == WIRE_ERROR && c->state == CLIENT_GREETED)
        return wire_unpack_error(data, n, err);
    return worker_lost(s, client, "sent nonsense and ", err);
}

static size_t pending(const struct supervisor *s)
{
    return s->tail - s->head + s->retry_count;
}

/* Reads what one worker sent. */
static tcet_status listen(struct supervisor *s, int client, struct error *err)
{
    struct client *c = &s->clients[client];
    const char *data;
    uint32_t type;
    int have = 0;
    size_t n;

    while (client_up(c) && (have = client_take(c, &type, &data, &n)) > 0)
        TRY(take(s, client, type, data, n, err));
    if (client_up(c) && have < 0)
        return worker_lost(
            s, client, have == LINK_OVER ? "the worker " : "the worker sent nonsense and ", err);
    return TCET_OK;
}

static tcet_status check_timeouts(struct supervisor *s, struct error *err)
{
    char prefix[128];

    for (int i = 0; i < s->client_count; i++) {
        struct client *c = &s->clients[i];
        size_t n;

        if (!client_up(c) || c->state == CLIENT_IDLE || !client_late(c, prefix, sizeof prefix))
            continue;
        n = strlen(prefix);
        snprintf(prefix + n, sizeof prefix - n, "the worker ");
        TRY(worker_lost(s, i, prefix, err));
    }
    return TCET_OK;
}

static tcet_status check_memory(struct supervisor *s, struct error *err)
{
    int largest = client_largest(s->clients, s->client_count);

    return largest < 0 ? TCET_OK : worker_lost(s, largest, "the worker ", err);
}

static void show(struct supervisor *s, int force)
{
    double t = clock_now();

    s->r->progress.seconds = t - s->started;
    if (!s->o->progress || (!force && t - s->shown < 0.1))
        return;
    s->shown = t;
    s->o->progress(s->o->arg, &s->r->progress);
}

/* Gives every idle worker something to do and starts those that are needed. */
static tcet_status assign_idle(struct supervisor *s, struct error *err)
{
    for (int i = 0; i < s->client_count; i++) {
        struct client *c = &s->clients[i];

        if (stopping(s) || !pending(s))
            return TCET_OK;
        if (c->state == CLIENT_DOWN)
            TRY(client_start(c, s->config, &(struct wire_hello){.open_backend = 1}, s->memory,
                             err));
        else if (c->state == CLIENT_IDLE)
            TRY(assign(s, i, err));
    }
    return TCET_OK;
}

/* Workers that are on their way to their first architecture. */
static size_t starting(const struct supervisor *s)
{
    size_t n = 0;

    for (int i = 0; i < s->client_count; i++)
        n += s->clients[i].state == CLIENT_GREETED;
    return n;
}

/* Then gives the busy ones more, those with the least first, but for what waits for workers that
 * are being started; and for no one while something is to be tried alone, so that all come to be
 * idle. */
static tcet_status assign_all(struct supervisor *s, struct error *err)
{
    TRY(assign_idle(s, err));
    for (int held = 1; held < s->depth; held++) {
        for (int i = 0; i < s->client_count; i++) {
            const struct workload *w = &s->workloads[i];

            if (stopping(s) || s->retry_count || pending(s) <= starting(s))
                return TCET_OK;
            if (s->clients[i].state == CLIENT_BUSY && w->count == held && !w->alone)
                TRY(assign(s, i, err));
        }
    }
    return TCET_OK;
}

static int busy(const struct supervisor *s)
{
    int n = 0;

    for (int i = 0; i < s->client_count; i++)
        n += s->clients[i].state == CLIENT_BUSY;
    return n;
}

static tcet_status loop(struct supervisor *s, struct error *err)
{
    struct pollfd *p = arena_alloc(&s->r->arena, (size_t)s->client_count * 2 * sizeof *p);

    s->started = s->committed = clock_now();
    show(s, 1);
    while ((pending(s) || busy(s)) && !stopping(s)) {
        int n = 0;

        TRY(assign_all(s, err));
        for (int i = 0; i < s->client_count; i++) {
            if (!client_up(&s->clients[i]))
                continue;
            p[n++] = (struct pollfd){s->clients[i].link.child.fd, POLLIN, 0};
            p[n++] = (struct pollfd){s->clients[i].link.child.output, POLLIN, 0};
        }
        poll(p, (nfds_t)n, WAITING_LOOK_MS);
        for (int i = 0; i < s->client_count; i++) {
            if (client_up(&s->clients[i]))
                TRY(listen(s, i, err));
        }
        TRY(check_timeouts(s, err));
        TRY(check_memory(s, err));
        if (clock_now() - s->committed > 0.5)
            TRY(commit(s, err));
        show(s, 0);
    }
    s->r->stopped = stopping(s);
    return commit(s, err);
}

/* -- The whole -------------------------------------------------------------------------- */

tcet_status run_folder(const struct config *config, struct arena *a, const char **out,
                       struct error *err)
{
    struct config_key *k = config_get(config, "run", "", "output"), here;
    char cwd[PATH_MAX];

    if (!k)
        return error_set(err, TCET_E_ARG,
                         "%s: [run] output is missing; it names the folder for the results",
                         config->path);
    here = *k;
    TRY(file_here(cwd, err));
    here.dir = cwd;
    *out = config_path(a, &here);
    return TCET_OK;
}

/* Cores that we may use: fewer than the machine's under a batch system. */
static int64_t cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;

    return n > 0 ? n : 1;
}

/* [run] memory: MiB of address space a worker, or P% of a machine's memory for all its workers. */
static tcet_status memory_limits(const struct config *config, size_t *space, double *share,
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

static tcet_status settings(struct supervisor *s, struct error *err)
{
    int64_t workers, usual = s->o->ranks > 1 ? 1 : cores();

    TRY(config_i64(s->config, "run", "", "workers", usual, 1, 1024, &workers, err));
    TRY(config_i64(s->config, "run", "", "retries", 1, 0, 100, &s->retries, err));
    TRY(memory_limits(s->config, &s->memory, &s->share, err));
    s->r->workers = (int)workers;
    return run_folder(s->config, &s->r->arena, &s->r->folder, err);
}

static struct client new_client(const struct supervisor *s, struct link link)
{
    return (struct client){
        .link = link, .stop = s->o->stop, .log = s->o->log, .log_arg = s->o->arg};
}

/* The workers to be, here and on the other ranks. */
static tcet_status make_clients(struct supervisor *s, struct error *err)
{
    int here = s->r->workers;

    s->client_count = here;
    if (s->o->ranks > 1) {
        TRY(remote_open(s->o->ranks, here, &s->remote, err));
        s->client_count += remote_count(s->remote);
    }
    s->clients = mem_alloc((size_t)s->client_count * sizeof *s->clients);
    s->workloads = mem_alloc((size_t)s->client_count * sizeof *s->workloads);
    for (int i = 0; i < s->client_count; i++)
        s->clients[i] = new_client(s, i < here ? process_link(s->share)
                                               : remote_link_of(s->remote, i - here, s->share));
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
static tcet_status name_memory_limit(struct supervisor *s, struct error *err)
{
    const struct config_key *k = config_get(s->config, "run", "", "memory");

    if (!s->memory || err->status == TCET_E_CANCELLED || !wants_memory(&s->clients[0], err))
        return err->status;
    return config_error(
        err, k, "memory = %s may be too little, MiB a worker with all it loads%s: %s", k->value,
        s->memory >> 20 <= 100 ? arena_printf(&s->r->arena, " (did you mean %s%%?)", k->value) : "",
        arena_strdup(&s->r->arena, err->text));
}

/* The first worker says what the config means.  One that dies of something else than the
 * config (kill -9, say) is started again. */
static tcet_status make_plan(struct supervisor *s, struct error *err)
{
    struct client *first = &s->clients[0];
    tcet_status st = TCET_OK;
    const char *data;
    int64_t tries = 0;
    size_t n;

    do {
        TRY(client_start(first, s->config, &(struct wire_hello){.open_backend = 1, .want_archs = 1},
                         s->memory, err));
        st = client_wait(first, WIRE_PLAN, &data, &n, err);
    } while (st < 0 && st != TCET_E_CANCELLED && !client_up(first) && tries++ < s->retries);
    if (st < 0)
        return name_memory_limit(s, err);
    TRY(wire_unpack_plan(data, n, &s->r->arena, &s->r->plan, err));
    if (s->r->plan.in_flight > IN_FLIGHT_MAX)
        return error_set(err, TCET_E_PLUGIN, "a worker with %d architectures in flight",
                         s->r->plan.in_flight);
    s->depth = s->r->plan.in_flight > 1 ? s->r->plan.in_flight + 1 : 1;
    return TCET_OK;
}

static tcet_status run(struct supervisor *s, struct error *err)
{
    struct store_summary sum;
    struct client last;

    TRY(settings(s, err));
    TRY(make_clients(s, err));
    TRY(make_plan(s, err));
    if (s->o->accept)
        TRY(s->o->accept(s->o->arg, &s->r->plan, err));
    take_shard(s);
    TRY(open_store(s, err));
    TRY(fill_queue(s, err));
    if ((size_t)s->client_count > s->tail)
        s->client_count = s->tail ? (int)s->tail : 1;
    s->r->workers = s->client_count;
    TRY(loop(s, err));
    show(s, 1);
    TRY(store_summarise(s->store, &sum, err));
    s->r->failed = sum.failed;
    if (sum.failed)
        TRY(reasons_read(s->store, &s->r->arena, &s->r->reasons, err));
    if (s->r->stopped || s->o->shard.count) /* a shard is not the population: merging makes them */
        return TCET_OK;
    last = new_client(s, process_link(s->share));
    return population_scores(s->store, s->config, &s->r->plan, &last, s->memory, s->retries, err);
}

tcet_status run_supervise(struct config *config, const struct run_options *options,
                          struct run_result *result, struct error *err)
{
    struct supervisor s = {.config = config, .o = options, .r = result};
    struct error late;
    tcet_status st;

    memset(result, 0, sizeof *result);
    st = run(&s, err);
    if (st == TCET_E_CANCELLED) { /* stopped while it waited for a worker */
        result->stopped = 1;
        st = TCET_OK;
    }
    for (int i = 0; i < s.client_count; i++) {
        char how[64];

        if (s.clients[i].state == CLIENT_IDLE)
            client_stop(&s.clients[i]);
        else if (client_up(&s.clients[i]))
            client_end(&s.clients[i], how, sizeof how);
    }
    remote_close(s.remote);
    if (s.store && st < 0)
        commit(&s, &late); /* what was computed is kept */
    store_close(s.store);
    free(s.clients);
    free(s.workloads);
    free(s.queue);
    free(s.retry);
    free(s.missing);
    arena_free(&s.arena);
    if (st < 0)
        run_result_free(result);
    return st;
}

void run_result_free(struct run_result *r)
{
    arena_free(&r->arena);
}

tcet_status score_once(const struct config *config, struct arena *a, struct wire_plan *plan,
                       struct result_row *row, void (*log)(void *arg, int level, const char *text),
                       void *log_arg, struct error *err)
{
    struct client c = client_here(0);
    struct wire_job j = {0};
    struct buf b = {0};
    const char *data;
    uint8_t *wanted;
    size_t n, memory;
    tcet_status st;

    c.log = log;
    c.log_arg = log_arg;
    TRY(memory_limits(config, &memory, &c.link.share, err));
    TRY(client_start(&c, config, &(struct wire_hello){.open_backend = 1, .want_archs = 1}, memory,
                     err));
    st = client_wait(&c, WIRE_PLAN, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_plan(data, n, a, plan, err);
    if (st >= 0) {
        wanted = arena_alloc(a, plan->column_count + 1);
        memset(wanted, 1, plan->column_count);
        j = (struct wire_job){
            .arch = plan->archs[0], .wanted = wanted, .column_count = plan->column_count};
        wire_pack_job(&b, &j);
        st = client_send(&c, WIRE_JOB, &b, err);
        buf_free(&b);
    }
    if (st >= 0)
        st = client_wait(&c, WIRE_ROW, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_row(data, n, plan->column_count, a, row, err);
    if (st >= 0 && strcmp(row->arch, plan->archs[0]) != 0)
        st = error_set(err, TCET_E_PLUGIN, "the worker sent the row of another architecture");
    client_stop(&c);
    return st;
}
