/* seek.c -- see seek.h.  Room: core/run. */
#include "run/seek.h"

#include "base/clock.h"
#include "base/text.h"
#include "run/findings.h"
#include "run/ledger.h"
#include "run/pool.h"
#include "run/population.h"
#include "run/process.h"
#include "run/stored.h"
#include "run/supervise.h"
#include "search/lines.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEEKERS_MOST = 256, LOST_MOST = 10 };

/* One search. */
struct quest {
    int64_t seed;
    struct buf ahead; /* lines that cannot be written before those of the seeds before it */
    struct search_state state;
    int begun, ended;
    const char
        *stored; /* lines of it that were there and whose scores were not sent ahead; or NULL */
};

/* A score that is being computed, and for whom. */
struct item {
    size_t seeker;
    size_t quest;
    int64_t number, again;
    const char *arch;
};

struct seeker_client {
    struct client client;
    int searching;
    size_t quest;
    size_t owed; /* wants that it waits for */
};

struct seek {
    struct config *config;
    const struct search_settings *settings;
    const struct seek_options *o;
    struct seek_result *r;
    struct wire_plan plan;
    struct pool pool;
    int has_pool;
    struct store *store;
    struct ledger ledger;
    struct quest *quests;
    size_t quest_count, next, writing; /* to be begun; whose lines are written */
    const char *shard;                 /* struct shard_part's text */
    struct seeker_client *seekers;
    size_t seeker_count;
    struct item *items;
    size_t item_count;
    const char *const *warm; /* of a run's folder */
    size_t warm_count;
    uint8_t *wanted; /* all columns but a population's */
    double started, committed, shown;
    int dirty;
    int scored,
        lost; /* some architecture was; so many cost their workers, for which they were given up */
    struct arena arena; /* of one message */
};

static int stopping(const struct seek *s)
{
    return s->o->stop && *s->o->stop;
}

/* -- store -------------------------------------------------------------------------------- */

/* The name under which the store keeps scores of another weight seed. */
static const char *stored_name(const struct item *i, struct arena *a)
{
    return i->again ? arena_printf(a, "%s @seed+%lld", i->arch, (long long)i->again) : i->arch;
}

static tcet_status put(struct seek *s, const struct item *i, const struct result_row *row,
                       struct error *err)
{
    struct result_row named = *row;

    named.arch = stored_name(i, &s->pool.arena);
    if (!s->dirty)
        TRY(store_begin(s->store, err));
    s->dirty = 1;
    return store_put(s->store, &named, err);
}

/* Scores before the lines that hold them. */
static tcet_status commit(struct seek *s, struct error *err)
{
    s->committed = clock_now();
    if (s->dirty) {
        s->dirty = 0;
        TRY(store_commit(s->store, err));
    }
    return ledger_sync(&s->ledger, err);
}

static tcet_status open_store(struct seek *s, struct error *err)
{
    const struct config_key *output = config_get(s->config, "run", "", "output");
    const struct config_key *column = config_get(s->config, "benchmark", "", "column");
    const char *space;
    struct buf header = {0};
    tcet_status st;

    if (store_open(s->r->folder, s->o->resume ? STORE_RESUME : STORE_FRESH, &s->store, err) < 0)
        return output ? config_error(err, output, "%s", arena_strdup(&s->r->arena, err->text))
                      : err->status;
    space = store_meta(s->store, "space");
    if (space && strcmp(space, s->plan.space))
        return error_set(err, TCET_E_ARG,
                         "%s holds results of space %s, and this search is of space %s: give it a "
                         "folder of its own",
                         s->r->folder, space, s->plan.space);
    if (store_arch_count(s->store) &&
        access(arena_printf(&s->r->arena, "%s/search.csv", s->r->folder), F_OK))
        return error_set(err, TCET_E_ARG,
                         "%s holds the results of a run, whose list a search would replace; choose "
                         "another run.output (`warm` begins a search with them)",
                         s->r->folder);
    line_header(s->settings, column ? column->value : "", &header);
    st = ledger_open(&s->ledger, s->r->folder, header.data, s->o->resume, err);
    buf_free(&header);
    TRY(st);
    TRY(store_begin(s->store, err));
    TRY(store_set_columns(s->store, s->plan.columns, s->plan.column_count, err));
    for (size_t i = 0; i < s->plan.meta_count; i++)
        TRY(store_set_meta(s->store, s->plan.meta[i].name, s->plan.meta[i].value, err));
    TRY(store_set_meta(s->store, "space", s->plan.space, err));
    TRY(store_set_meta(s->store, "config", s->plan.config, err));
    TRY(store_set_meta(s->store, "shard", s->shard, err));
    TRY(store_set_meta(s->store, FINDINGS_ENDED, "", err));
    if (store_meta(s->store, STORE_MERGING)) /* what a merge left is this search's to finish */
        TRY(store_set_meta(s->store, STORE_MERGING, "", err));
    TRY(store_commit(s->store, err));
    /* Of a search that is gone on with when its lines were seen to be the same: what is refused
     * changes nothing. */
    return s->ledger.old_len > s->ledger.compared ? TCET_OK
                                                  : stored_write(s->r->folder, s->plan.config, err);
}

/* warm = a run's folder: its architectures. */
static tcet_status read_warm_folder(struct seek *s, struct error *err)
{
    struct config_key *k = config_get(s->config, "search", "", "warm");
    const char *path = s->settings->warm ? config_path(&s->r->arena, k) : NULL;
    struct store *from = NULL;
    struct stat info;
    tcet_status st;

    if (!path)
        return TCET_OK;
    config_replace(k, path); /* the resolved config is read from another folder */
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return TCET_OK;
    if (store_open(path, STORE_READ, &from, err) < 0)
        return config_error_at(err, k);
    s->warm_count = store_arch_count(from);
    st = store_archs(from, &s->r->arena, &s->warm, err);
    store_close(from);
    TRY(st);
    return s->warm_count ? TCET_OK
                         : config_error(err, k, "%s holds no architecture of a run", path);
}

/* -- scores ------------------------------------------------------------------------------- */

static void send_told(struct seeker_client *k, int64_t number, const struct result_row *row)
{
    const struct wire_told t = {number, *row};
    struct buf b = {0};
    struct error ignored;

    wire_pack_told(&b, &t);
    (void)!client_tell(&k->client, WIRE_TOLD, &b, &ignored); /* too long: as good as dead */
    buf_free(&b);
}

static void tell(struct seek *s, const struct item *i, const struct result_row *row)
{
    struct seeker_client *k = &s->seekers[i->seeker];

    if (!k->searching || k->quest != i->quest)
        return;
    send_told(k, i->number, row);
    k->owed--;
}

static tcet_status find_stored(struct seek *s, const struct item *i, struct result_row *out,
                               struct error *err)
{
    TRY(store_find(s->store, stored_name(i, &s->arena), &s->arena, out, err));
    out->arch = i->arch;
    out->x_sum = out->w_sum = NAN;
    return TCET_OK;
}

/* What the store has of an item goes to its seeker; *found: it is all there, or has failed. */
static tcet_status tell_stored(struct seek *s, const struct item *i, int *found, struct error *err)
{
    struct result_row row;

    TRY(find_stored(s, i, &row, err));
    *found = row.status != RESULT_MISSING;
    s->scored |= row.status == RESULT_OK;
    if (*found)
        tell(s, i, &row);
    return TCET_OK;
}

/* The scores that a search will want if it asks as it did, from its lines: so that repeating it does
 * not wait for one after the other.  Not those of a key met again, which only the search knows. */
static tcet_status send_ahead(struct seek *s, struct seeker_client *k, struct error *err)
{
    struct quest *q = &s->quests[k->quest];

    while (q->stored && k->searching && s->has_pool) {
        const char *end = ledger_line_end(&s->ledger, q->stored), *field[LINE_SCORE];
        struct item i = {.quest = k->quest};
        struct result_row row;
        int64_t seed;

        arena_reset(&s->arena);
        if (!end ||
            line_split(arena_strndup(&s->arena, q->stored, (size_t)(end - q->stored)), field,
                       LINE_SCORE) != LINE_SCORE ||
            text_to_i64(field[LINE_SEED], &seed) < 0 || seed != q->seed ||
            text_to_i64(field[LINE_ASK], &i.number) < 0) {
            q->stored = NULL;
            return TCET_OK;
        }
        if (i.number > q->state.asks + SEARCH_AHEAD)
            return TCET_OK;
        q->stored = end + 1;
        i.arch = field[LINE_ARCH];
        if (strcmp(field[LINE_STATUS], "scored"))
            continue;
        TRY(find_stored(s, &i, &row, err));
        if (row.status != RESULT_MISSING)
            send_told(k, i.number, &row);
    }
    return TCET_OK;
}

static tcet_status make_job(void *arg, size_t item, struct arena *a, struct wire_job *out,
                            struct error *err)
{
    struct seek *s = arg;

    (void)a;
    (void)err;
    out->arch = s->items[item].arch;
    out->again = s->items[item].again;
    out->wanted = s->wanted;
    out->column_count = s->plan.column_count;
    return TCET_OK;
}

/* What is told is what is stored, so that a resumed search is told the same. */
static tcet_status take_row(void *arg, size_t item, const struct result_row *row, struct error *err)
{
    struct seek *s = arg;
    struct item i = s->items[item];
    int found;

    TRY(put(s, &i, row, err));
    s->r->computed++;
    arena_reset(&s->arena);
    TRY(tell_stored(s, &i, &found, err));
    if (!found)
        return error_set(err, TCET_E_PLUGIN, "a worker's row of %.200s lacks a value", i.arch);
    return TCET_OK;
}

/* What ends every worker is no architecture's fault, and each costs [run] retries, and perhaps timeout. */
static tcet_status take_failure(void *arg, size_t item, const char *why, struct error *err)
{
    struct seek *s = arg;
    struct result_row row = result_failure(s->items[item].arch, why);

    TRY(take_row(arg, item, &row, err));
    TRY(commit(s,
               err)); /* another execution might have a score where the line says that it failed */
    if (s->scored || ++s->lost < LOST_MOST)
        return TCET_OK;
    return error_set(
        err, TCET_E_PLUGIN,
        "none of the first %d architectures has a score, all of them failed, the last one: "
        "%s",
        s->lost, row.message);
}

static tcet_status take_want(struct seek *s, size_t seeker, const struct search_want *w,
                             struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];
    struct item i = {seeker, k->quest, w->number, w->again, w->arch};
    int found;

    k->owed++;
    TRY(tell_stored(s, &i, &found, err));
    if (found)
        return TCET_OK;
    if (!(s->item_count & (s->item_count - 1)))
        s->items = mem_resize(s->items, (s->item_count ? 2 * s->item_count : 1) * sizeof *s->items);
    i.arch = arena_strdup(&s->r->arena, w->arch);
    s->items[s->item_count] = i;
    pool_add(&s->pool, s->item_count++);
    return TCET_OK;
}

/* -- lines -------------------------------------------------------------------------------- */

/* Lines of the seed whose turn it is are written, those of later ones kept. */
static tcet_status take_lines(struct seek *s, struct quest *q, const struct wire_asks *m,
                              struct error *err)
{
    if (q != &s->quests[s->writing])
        buf_add(&q->ahead, m->lines, m->lines_len);
    else
        TRY(ledger_add(&s->ledger, m->lines, m->lines_len, err));
    while (s->writing + 1 < s->quest_count && s->quests[s->writing].ended) {
        struct quest *next = &s->quests[++s->writing];

        if (next->ahead.len)
            TRY(ledger_add(&s->ledger, next->ahead.data, next->ahead.len, err));
        buf_free(&next->ahead);
    }
    return TCET_OK;
}

static tcet_status take_asks(struct seek *s, size_t seeker, const char *data, size_t n,
                             struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];
    struct quest *q = &s->quests[k->quest];
    struct wire_asks m;

    arena_reset(&s->arena);
    if (!k->searching)
        return error_set(err, TCET_E_PLUGIN, "a seeker without a search answers");
    TRY(wire_unpack_asks(data, n, &s->arena, &m, err));
    q->state = m.state;
    if (m.state.ended) {
        q->ended = 1;
        k->searching = 0;
        client_answered(&k->client);
        s->r->why[k->quest] = arena_strdup(&s->r->arena, m.state.why);
    }
    TRY(take_lines(s, q, &m, err));
    if (m.want_count && !s->has_pool)
        return error_set(err, TCET_E_PLUGIN, "a search that needs no worker wants a score");
    for (size_t i = 0; i < m.want_count; i++)
        TRY(take_want(s, seeker, &m.wants[i], err));
    return send_ahead(s, k, err);
}

/* -- seekers ------------------------------------------------------------------------------ */

static tcet_status begin_quest(struct seek *s, size_t seeker, struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];
    struct quest *q = &s->quests[s->next];
    const struct wire_seek w = {q->seed, ledger_stored(&s->ledger, q->seed, &q->stored), s->warm,
                                s->warm_count};
    struct buf b = {0};
    struct error ignored;

    k->quest = s->next++;
    k->searching = q->begun = 1;
    k->owed = 0;
    wire_pack_seek(&b, &w);
    (void)!client_send(&k->client, WIRE_SEEK, &b, &ignored);
    buf_free(&b);
    return send_ahead(s, k, err);
}

static tcet_status seeker_lost(struct seek *s, size_t seeker, const char *prefix, struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];
    char how[1536];

    client_end(&k->client, how, sizeof how);
    return error_set(err, TCET_E_PLUGIN, "%sthe search's process %s; --resume goes on", prefix,
                     how);
}

static tcet_status take(struct seek *s, size_t seeker, uint32_t type, const char *data, size_t n,
                        struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];

    if (type == WIRE_ERROR)
        return wire_unpack_error(data, n, err);
    if (type == WIRE_ASKS)
        return take_asks(s, seeker, data, n, err);
    if (type != WIRE_PLAN || k->client.state != CLIENT_GREETED)
        return seeker_lost(s, seeker, "sent nonsense; ", err);
    k->client.state = CLIENT_IDLE;
    return TCET_OK;
}

static tcet_status listen(struct seek *s, size_t seeker, struct error *err)
{
    struct seeker_client *k = &s->seekers[seeker];
    char why[96];
    const char *data;
    uint32_t type;
    int have = 0;
    size_t n;

    while (client_up(&k->client) && (have = client_take(&k->client, &type, &data, &n)) > 0)
        TRY(take(s, seeker, type, data, n, err));
    if (client_up(&k->client) && have < 0)
        return seeker_lost(s, seeker, "", err);
    if (!client_up(&k->client) || (k->client.state == CLIENT_IDLE && !k->searching) || k->owed)
        return TCET_OK;
    return client_late(&k->client, why, sizeof why) ? seeker_lost(s, seeker, why, err) : TCET_OK;
}

/* Starts seekers, and gives those that are idle a search. */
static tcet_status assign(struct seek *s, struct error *err)
{
    const struct wire_hello how = {.space_only = !s->has_pool};

    for (size_t i = 0; i < s->seeker_count && s->next < s->quest_count; i++) {
        struct seeker_client *k = &s->seekers[i];

        if (k->client.state == CLIENT_DOWN)
            TRY(client_start(&k->client, s->config, &how, 0, err));
        else if (k->client.state == CLIENT_IDLE && !k->searching)
            TRY(begin_quest(s, i, err));
    }
    return TCET_OK;
}

/* As many as keep the workers busy; of searches that need none as many as there are cores. */
static void open_seekers(struct seek *s)
{
    int64_t workers = s->has_pool ? (int64_t)s->pool.client_count * s->pool.depth : s->pool.each;
    int64_t each = s->has_pool ? s->settings->window : 1, n = (workers + each - 1) / each;

    n = n > SEEKERS_MOST ? SEEKERS_MOST : n;
    s->seeker_count = (size_t)n < s->quest_count ? (size_t)n : s->quest_count;
    s->seekers = mem_alloc(s->seeker_count * sizeof *s->seekers);
    for (size_t i = 0; i < s->seeker_count; i++)
        s->seekers[i].client = pool_client(&s->pool, process_link(s->pool.share));
}

/* -- the whole ---------------------------------------------------------------------------- */

static void show(struct seek *s, int force)
{
    struct seek_progress *p = &s->r->progress;
    double t = clock_now();
    const struct search_settings *b = s->settings;

    if (!force && t - s->shown < 0.1)
        return;
    s->shown = t;
    *p = (struct seek_progress){.seeds = s->quest_count, .seconds = t - s->started, .best = NAN};
    for (size_t i = 0; i < s->quest_count; i++) {
        const struct quest *q = &s->quests[i];

        p->ended += (size_t)q->ended;
        p->asks += q->state.asks;
        p->scored += q->state.scored;
        p->reused += q->state.reused;
        p->failed += q->state.failed;
        p->rejected += q->state.rejected;
        if (q->begun && q->state.asks)
            p->best = q->state.best;
    }
    p->budget = (b->iterations ? b->iterations : b->evaluations) * (int64_t)s->quest_count;
    p->of_budget = b->iterations ? p->asks : p->scored;
    if (s->o->progress)
        s->o->progress(s->o->arg, p);
}

static tcet_status loop(struct seek *s, struct error *err)
{
    size_t most = (size_t)(s->has_pool ? s->pool.client_count : 0) + s->seeker_count;
    struct pollfd *p = arena_alloc(&s->r->arena, 2 * most * sizeof *p);

    s->started = s->committed = clock_now();
    while (s->r->progress.ended < s->quest_count && !stopping(s)) {
        int n = 0;

        TRY(assign(s, err));
        if (s->has_pool) {
            TRY(pool_assign(&s->pool, err));
            n = pool_waits(&s->pool, p);
        }
        for (size_t i = 0; i < s->seeker_count; i++) {
            struct client *c = &s->seekers[i].client;

            if (!client_up(c))
                continue;
            client_flush(c);
            p[n++] = (struct pollfd){c->link.child.fd,
                                     (short)(POLLIN | (client_unsent(c) ? POLLOUT : 0)), 0};
            p[n++] = (struct pollfd){c->link.child.output, POLLIN, 0};
        }
        poll(p, (nfds_t)n, WAITING_LOOK_MS);
        if (s->has_pool)
            TRY(pool_listen(&s->pool, p, err));
        for (size_t i = 0; i < s->seeker_count; i++)
            TRY(listen(s, i, err));
        if (clock_now() - s->committed > 0.5)
            TRY(commit(s, err));
        s->r->progress.ended = 0;
        for (size_t i = 0; i < s->quest_count; i++)
            s->r->progress.ended += (size_t)s->quests[i].ended;
        show(s, 0);
    }
    s->r->stopped = stopping(s);
    show(s, 1);
    return commit(s, err);
}

/* What is found, and its files.  A shard is not the population: merging makes scores over it. */
static tcet_status conclude(struct seek *s, struct error *err)
{
    const char *table = config_text(s->config, "benchmark", "", "table", "");
    struct found *f = &s->r->found;
    struct client last;

    if (!s->r->stopped) {
        TRY(ledger_end(&s->ledger, err));
        TRY(stored_write(s->r->folder, s->plan.config, err));
    }
    TRY(findings_read(s->r->folder, s->settings, s->plan.columns, s->plan.column_count, f, err));
    TRY(store_begin(s->store, err));
    if (s->has_pool)
        TRY(findings_list(f, s->store, err));
    if (!s->r->stopped)
        TRY(store_set_meta(s->store, FINDINGS_ENDED, "1", err));
    TRY(store_commit(s->store, err));
    if (s->r->stopped)
        return TCET_OK;
    TRY(findings_reasons(f, s->store, &f->arena, &s->r->reasons, err));
    TRY(findings_write(s->r->folder, s->settings, *table != 0, f, err));
    if (!s->has_pool || s->o->shard.count)
        return TCET_OK;
    last = pool_client(&s->pool, process_link(s->pool.share));
    return population_scores(s->store, s->config, &s->plan, &last, s->pool.memory, s->pool.retries,
                             err);
}

static tcet_status make_plan(struct seek *s, struct error *err)
{
    const struct pool_owner owner = {.job = make_job,
                                     .row = take_row,
                                     .failed = take_failure,
                                     .stop = s->o->stop,
                                     .log = s->o->log,
                                     .log_arg = s->o->arg,
                                     .arg = s};

    TRY(pool_open(&s->pool, s->config, s->o->ranks, &owner, err));
    s->has_pool = search_needs_workers(s->settings);
    if (!s->has_pool) {
        struct client c = pool_client(&s->pool, process_link(s->pool.share));
        const char *data;
        size_t n;
        tcet_status st;

        TRY(client_start(&c, s->config, &(struct wire_hello){.space_only = 1}, 0, err));
        st = client_wait(&c, WIRE_PLAN, &data, &n, err);
        if (st >= 0)
            st = wire_unpack_plan(data, n, &s->r->arena, &s->plan, err);
        client_stop(&c);
        return st;
    }
    TRY(pool_plan(&s->pool, 0, &s->r->arena, &s->plan, err));
    s->wanted = arena_alloc(&s->r->arena, s->plan.column_count + 1);
    for (size_t i = 0; i < s->plan.column_count; i++)
        s->wanted[i] = !s->plan.columns[i].population;
    return TCET_OK;
}

/* The searches to be made: all, or whole ones by the shard. */
static tcet_status take_seeds(struct seek *s, struct error *err)
{
    const struct search_settings *b = s->settings;
    struct shard shard = s->o->shard;
    size_t all = search_seed_count(b);
    struct shard_part part =
        shard_take(shard, search_seed_texts(b, &s->r->arena), all, s->r->folder, &s->r->arena);
    int64_t *seeds = arena_alloc(&s->r->arena, (part.count + 1) * sizeof *seeds);

    if (!part.count)
        return error_set(err, TCET_E_ARG,
                         "--shard %d/%d has no search: whole seeds are handed out, of which there "
                         "%s %zu ([search] seeds)",
                         shard.index, shard.count, all == 1 ? "is" : "are", all);
    s->quests = mem_alloc(part.count * sizeof *s->quests);
    s->quest_count = part.count;
    for (size_t i = 0; i < part.count; i++) {
        (void)!text_to_i64(part.item[i], &seeds[i]);
        s->quests[i].seed = seeds[i];
    }
    s->r->seeds = seeds;
    s->shard = part.text;
    s->r->folder = part.folder;
    return TCET_OK;
}

static tcet_status run(struct seek *s, struct error *err)
{
    TRY(run_folder(s->config, &s->r->arena, &s->r->folder, err));
    TRY(stored_takes(s->r->folder, 0, err));
    TRY(take_seeds(s, err));
    TRY(read_warm_folder(s, err));
    TRY(make_plan(s, err));
    TRY(open_store(s, err));
    s->r->why = arena_alloc(&s->r->arena, s->quest_count * sizeof *s->r->why);
    open_seekers(s);
    s->r->workers = s->has_pool ? s->pool.client_count : (int)s->seeker_count;
    TRY(loop(s, err));
    return conclude(s, err);
}

tcet_status seek_run(struct config *config, const struct search_settings *settings,
                     const struct seek_options *options, struct seek_result *result,
                     struct error *err)
{
    struct seek s = {.config = config, .settings = settings, .o = options, .r = result};
    struct error late;
    tcet_status st;
    char how[64];

    memset(result, 0, sizeof *result);
    s.ledger.fd = -1;
    st = run(&s, err);
    if (st == TCET_E_CANCELLED) {
        result->stopped = 1;
        st = TCET_OK;
    }
    for (size_t i = 0; i < s.seeker_count; i++) {
        if (s.seekers[i].client.state == CLIENT_IDLE && !s.seekers[i].searching)
            client_stop(&s.seekers[i].client);
        else if (client_up(&s.seekers[i].client))
            client_end(&s.seekers[i].client, how, sizeof how);
    }
    pool_close(&s.pool);
    if (s.store && st < 0)
        commit(&s, &late); /* what was computed is kept */
    ledger_close(&s.ledger);
    store_close(s.store);
    for (size_t i = 0; i < s.quest_count; i++)
        buf_free(&s.quests[i].ahead);
    free(s.quests);
    free(s.seekers);
    free(s.items);
    arena_free(&s.arena);
    if (st < 0)
        seek_result_free(result);
    return st;
}

void seek_result_free(struct seek_result *r)
{
    found_free(&r->found);
    arena_free(&r->arena);
}
