/* supervise.c -- see supervise.h.  Room: core/run. */
#include "run/supervise.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "plan/plan.h"
#include "run/pool.h"
#include "run/population.h"
#include "run/process.h"
#include "run/share.h"
#include "run/stored.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct supervisor {
    const struct config *config;
    const struct run_options *o;
    struct run_result *r;
    struct store *store;
    struct pool pool; /* its items are ordinals */
    struct share share;
    const char *const *whole; /* the list of which this run's may be a shard */
    size_t whole_count;
    const char *shard; /* struct shard_part's text */
    uint8_t *missing;  /* scratch: one a column */
    double started, committed, shown;
    int dirty; /* a batch is open */
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
    struct shard_part part =
        shard_take(s->o->shard, p->archs, p->arch_count, s->r->folder, &s->r->arena);

    s->whole = p->archs;
    s->whole_count = p->arch_count;
    p->archs = part.item;
    p->arch_count = part.count;
    s->shard = part.text;
    s->r->folder = part.folder;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int same_list(const char *const *a, const char *const *b, size_t n)
{
    size_t i = 0;

    while (i < n && !strcmp(a[i], b[i]))
        i++;
    return i == n;
}

/* How many architectures the folder has that this run's list has not. */
static tcet_status count_left_out(const struct supervisor *s, size_t *left, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    size_t count = store_arch_count(s->store);
    const char *const *had;
    struct arena a = {0};
    const char **ours;
    tcet_status st = store_archs(s->store, &a, &had, err);

    *left = 0;
    if (st >= 0 && !(count == p->arch_count && same_list(had, p->archs, count))) {
        ours = arena_alloc(&a, (p->arch_count + 1) * sizeof *ours);
        if (p->arch_count)
            memcpy(ours, p->archs, p->arch_count * sizeof *ours);
        qsort(ours, p->arch_count, sizeof *ours, by_text);
        for (size_t i = 0; i < count; i++)
            *left += !bsearch(&had[i], ours, p->arch_count, sizeof *ours, by_text);
    }
    arena_free(&a);
    return st;
}

/* A folder goes on with its own space.  Its list may change; that architectures leave it is
 * mentioned, since it may be a mistake. */
static tcet_status check_resumed(const struct supervisor *s, struct error *err)
{
    const char *space = store_meta(s->store, "space");
    size_t left;
    char text[256];

    TRY(count_left_out(s, &left, err));
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
    run_key_words(had, have, &s->r->arena, &one, &other);
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

/* What is read and put until the next commit is one batch: each by itself would take the file's locks. */
static tcet_status hold(struct supervisor *s, struct error *err)
{
    if (!s->dirty)
        TRY(store_begin(s->store, err));
    s->dirty = 1;
    return TCET_OK;
}

static tcet_status put(struct supervisor *s, size_t item, const struct result_row *row,
                       struct error *err)
{
    TRY(hold(s, err));
    return store_put_at(s->store, item, row, err);
}

/* A row is in the store. */
static void count_row(struct supervisor *s, const struct result_row *row)
{
    s->r->progress.done++;
    s->r->progress.failed += row->status == RESULT_FAILED;
}

/* -- Sharing ------------------------------------------------------------------------------ */

static int is_canonical(const struct supervisor *s)
{
    return s->r->plan.share == SHARE_CANONICAL;
}

/* The row of `source` in the form of another's: it took no time. */
static tcet_status take_stored(struct supervisor *s, size_t source, struct arena *a,
                               struct result_row *row, struct error *err)
{
    struct result_value *v;

    TRY(store_take(s->store, source, a, row, err));
    v = arena_alloc(a, (row->value_count + 1) * sizeof *v);
    for (size_t i = 0; i < row->value_count; i++) {
        v[i] = row->values[i];
        v[i].seconds = 0;
    }
    row->values = v;
    row->times = (struct result_times){.total = 0};
    return TCET_OK;
}

/* With `canonical` an item's row is that of the architecture that stands for it, failures included. */
static tcet_status copy_row(struct supervisor *s, size_t source, size_t item, struct error *err)
{
    struct arena a = {0};
    struct result_row row;
    tcet_status st = take_stored(s, source, &a, &row, err);

    row.arch = s->r->plan.archs[item];
    if (st >= 0)
        st = put(s, item, &row, err);
    if (st >= 0) {
        count_row(s, &row);
        s->r->progress.shared++;
    }
    arena_free(&a);
    return st;
}

/* An item is done with; those that waited for it go on. */
static tcet_status release(struct supervisor *s, size_t item, int ok, struct error *err)
{
    size_t next;

    while ((next = share_next(&s->share, item, ok || is_canonical(s))) != SHARE_NOBODY) {
        if (is_canonical(s))
            TRY(copy_row(s, item, next, err));
        else
            pool_add(&s->pool, next);
    }
    return TCET_OK;
}

static tcet_status put_failure(void *arg, size_t item, const char *why, struct error *err)
{
    struct supervisor *s = arg;
    struct result_row row = result_failure(s->r->plan.archs[item], why);

    TRY(put(s, item, &row, err));
    count_row(s, &row);
    return release(s, item, 0, err);
}

/* A row that cannot be stored costs its architecture, not the run. */
static tcet_status take_row(void *arg, size_t item, const struct result_row *row, struct error *err)
{
    struct supervisor *s = arg;
    struct result_row own = *row;

    own.arch = s->r->plan.archs[item];
    TRY(put(s, item, &own, err));
    count_row(s, &own);
    s->r->progress.shared += share_source(&s->share, item) != SHARE_NOBODY;
    return release(s, item, own.status == RESULT_OK, err);
}

/* Values that an equal network has got; *from: its columns. */
static tcet_status shared_values(struct supervisor *s, size_t source, struct arena *a,
                                 struct wire_job *j, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct result_value *known = arena_alloc(a, (p->column_count + 1) * sizeof *known);
    struct result_row row;

    TRY(take_stored(s, source, a, &row, err));
    j->known = (struct score_known){.value = known, .w_sum = row.w_sum};
    for (size_t c = 0; c < p->column_count; c++) {
        for (size_t i = 0; s->missing[c] && i < row.value_count; i++) {
            if (strcmp(p->columns[c].key, p->columns[row.values[i].column].key) != 0)
                continue;
            known[j->known.count] = row.values[i];
            known[j->known.count++].column = (int)c;
            break;
        }
    }
    return TCET_OK;
}

/* -- Assignment --------------------------------------------------------------------------- */

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

/* What the run's architectures have stored and lack. */
struct inventory {
    struct supervisor *s;
    uint8_t *lacks, *whole; /* [architectures]: a column is to be computed; none is missing */
    uint8_t *lacked;        /* [columns]: by architectures that have some */
};

static void take_stock(void *arg, const struct store_stock *stock)
{
    struct inventory *k = arg;
    struct run_result *r = k->s->r;
    size_t missing = 0, stored = 0, item = stock->ordinal;

    for (size_t c = 0; c < r->plan.column_count; c++) {
        missing += !stock->has[c] && !r->plan.columns[c].population;
        stored += stock->has[c] && !r->plan.columns[c].population;
    }
    k->whole[item] = !missing;
    k->lacks[item] = missing && (stock->status != RESULT_FAILED || k->s->o->retry_failed);
    r->failed += stock->status == RESULT_FAILED;
    if (!k->lacks[item])
        return;
    r->progress.total++;
    r->completed += stored > 0;
    for (size_t c = 0; c < r->plan.column_count; c++)
        k->lacked[c] |= stored && !stock->has[c] && !r->plan.columns[c].population;
}

/* Finds out who is alike, and of whom the store has all values. */
static tcet_status find_alike(struct supervisor *s, const struct inventory *k, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    const struct shard *part = &s->o->shard;
    int whole = is_canonical(s) || !part->count;

    if (p->share == SHARE_NONE || s->whole_count < 2)
        return TCET_OK;
    TRY(share_ask(&s->share, &s->pool, is_canonical(s), whole ? s->whole : p->archs,
                  whole ? s->whole_count : p->arch_count,
                  whole && part->count ? (size_t)part->index - 1 : 0,
                  whole && part->count ? (size_t)part->count : 1, &s->r->arena, err));
    for (size_t i = 0; i < p->arch_count; i++) {
        if (!k->lacks[i] && k->whole[i]) /* rather than failed */
            share_stored(&s->share, i);
    }
    return TCET_OK;
}

/* Hands every architecture that lacks a column to the pool, but for those that wait for another, or
 * take its row at once. */
static tcet_status hand_out(struct supervisor *s, const uint8_t *lacks, struct error *err)
{
    for (size_t i = 0; i < s->r->plan.arch_count; i++) {
        if (!lacks[i] || !share_add(&s->share, i))
            continue;
        if (is_canonical(s) && share_source(&s->share, i) != SHARE_NOBODY)
            TRY(copy_row(s, share_source(&s->share, i), i, err));
        else
            pool_add(&s->pool, i);
    }
    return TCET_OK;
}

/* Queues every architecture that lacks a column. */
static tcet_status fill_queue(struct supervisor *s, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct inventory k = {.s = s,
                          .lacks = arena_alloc(&s->r->arena, p->arch_count + 1),
                          .whole = arena_alloc(&s->r->arena, p->arch_count + 1),
                          .lacked = arena_alloc(&s->r->arena, p->column_count + 1)};

    s->missing = mem_alloc(p->column_count + 1);
    share_open(&s->share, p->archs, p->arch_count);
    TRY(hold(s, err));
    TRY(store_survey(s->store, take_stock, &k, NULL, err));
    s->r->lacked = name_lacked(s, k.lacked);
    s->r->progress.stored = p->arch_count - s->r->progress.total;
    if (s->r->progress.total)
        TRY(find_alike(s, &k, err));
    return hand_out(s, k.lacks, err);
}

/* Stored values that a lacking score needs travel with the job. */
static tcet_status known_values(struct supervisor *s, const char *arch, struct arena *a,
                                struct wire_job *j, struct error *err)
{
    const struct wire_plan *p = &s->r->plan;
    struct result_value *known;
    uint8_t *asked;
    size_t inputs = 0;

    for (size_t c = 0; c < p->column_count; c++)
        inputs += s->missing[c] ? p->columns[c].input_count : 0;
    if (!inputs)
        return TCET_OK;
    j->known.value = known = arena_alloc(a, (p->column_count + 1) * sizeof *known);
    asked = arena_alloc(a, p->column_count + 1);
    for (size_t c = 0; c < p->column_count; c++) {
        for (size_t i = 0; s->missing[c] && i < p->columns[c].input_count; i++) {
            int in = p->columns[c].inputs[i], found;

            if (s->missing[in] || asked[in])
                continue;
            asked[in] = 1;
            TRY(store_get(s->store, arch, in, a, &known[j->known.count], &found, err));
            j->known.count += (size_t)found;
        }
    }
    return TCET_OK;
}

static tcet_status make_job(void *arg, size_t item, struct arena *a, struct wire_job *out,
                            struct error *err)
{
    struct supervisor *s = arg;
    const char *arch = s->r->plan.archs[item];
    size_t source = share_source(&s->share, item);

    out->arch = s->share.stands[item];
    TRY(hold(s, err));
    TRY(store_missing(s->store, item, 1, s->missing, err));
    out->wanted = s->missing;
    out->column_count = s->r->plan.column_count;
    return source == SHARE_NOBODY ? known_values(s, arch, a, out, err)
                                  : shared_values(s, source, a, out, err);
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

static tcet_status loop(struct supervisor *s, struct error *err)
{
    struct pool *pool = &s->pool;
    struct pollfd *p = arena_alloc(&s->r->arena, (size_t)pool->client_count * 2 * sizeof *p);

    s->started = s->committed = clock_now();
    show(s, 1);
    while ((pool_pending(pool) || pool_busy(pool)) && !stopping(s)) {
        TRY(pool_assign(pool, err));
        poll(p, (nfds_t)pool_waits(pool, p), WAITING_LOOK_MS);
        TRY(pool_listen(pool, p, err));
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

static tcet_status run(struct supervisor *s, struct error *err)
{
    const struct pool_owner owner = {.job = make_job,
                                     .row = take_row,
                                     .failed = put_failure,
                                     .stop = s->o->stop,
                                     .log = s->o->log,
                                     .log_arg = s->o->arg,
                                     .arg = s};
    struct client last;

    TRY(pool_open(&s->pool, s->config, s->o->ranks, &owner, err));
    TRY(run_folder(s->config, &s->r->arena, &s->r->folder, err));
    TRY(stored_takes(s->r->folder, 0, err));
    TRY(pool_plan(&s->pool, 1, &s->r->arena, &s->r->plan, err));
    if (s->o->accept)
        TRY(s->o->accept(s->o->arg, &s->r->plan, err));
    take_shard(s);
    TRY(open_store(s, err));
    if (s->o->opened)
        TRY(s->o->opened(s->o->arg, s->store, err));
    TRY(fill_queue(s, err));
    pool_limit(&s->pool, s->r->progress.total);
    s->r->workers = s->pool.client_count;
    TRY(loop(s, err));
    show(s, 1);
    if (s->r->progress.total) /* else all is as it was found */
        TRY(store_count_failed(s->store, &s->r->failed, err));
    if (s->r->failed)
        TRY(reasons_read(s->store, &s->r->arena, &s->r->reasons, err));
    if (s->r->stopped || s->o->shard.count) /* a shard is not the population: merging makes them */
        return TCET_OK;
    last = pool_client(&s->pool, process_link(s->pool.share));
    return population_scores(s->store, s->config, &s->r->plan, &last, s->pool.memory,
                             s->pool.retries, err);
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
    pool_close(&s.pool);
    if (s.store && st < 0)
        commit(&s, &late); /* what was computed is kept */
    store_close(s.store);
    share_close(&s.share);
    free(s.missing);
    if (st < 0)
        run_result_free(result);
    return st;
}

void run_result_free(struct run_result *r)
{
    arena_free(&r->arena);
}
