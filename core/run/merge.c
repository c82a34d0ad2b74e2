/* merge.c -- see merge.h.  Room: core/run. */
#include "run/merge.h"

#include "base/sha256.h"
#include "base/text.h"
#include "run/pool.h"
#include "run/population.h"
#include "run/stored.h"
#include "run/supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One shard's folder. */
struct part {
    const char *folder;
    struct store *store;
    struct config *config;
    const char *forgotten; /* stored.h's */
    struct shard shard;
    size_t total;     /* architectures of the whole run */
    const char *list; /* their digest */
};

struct merge {
    struct arena arena;
    struct part *part;
    size_t count;
    const char **archs; /* of the whole, by ordinal */
    size_t *owner;      /* 1 + part that holds it, 0: none */
    struct store *out;
};

/* -- Looking at the parts --------------------------------------------------------------- */

/* "2/4 of 100, list SHA-256", of which the folder holds as many as such a shard has: 0, else -1. */
static int parse_shard(char *text, struct part *p)
{
    char *of = strstr(text, " of "), *list = strstr(text, ", list ");
    uint64_t total, count, index;
    struct error err;

    if (!of || !list || list < of || !strchr(text, '/'))
        return -1;
    *of = *list = '\0';
    list += strlen(", list ");
    if (shard_parse(text, &p->shard, &err) < 0 || text_to_u64(of + strlen(" of "), &total) < 0 ||
        total > INT64_MAX / 2 || strlen(list) != 64 || list[strspn(list, "0123456789abcdef")])
        return -1;
    count = (uint64_t)p->shard.count;
    index = (uint64_t)p->shard.index;
    if ((total + count - index) / count != store_arch_count(p->store))
        return -1;
    p->total = (size_t)total;
    p->list = list;
    return 0;
}

/* What supervise.c noted; a run that was never cut is shard 1/1. */
static tcet_status read_shard(struct merge *m, struct part *p, struct error *err)
{
    const char *text = store_meta(p->store, "shard");

    p->shard = (struct shard){1, 1};
    p->total = store_arch_count(p->store);
    p->list = "";
    if (!text || !*text)
        return TCET_OK;
    if (parse_shard(arena_strdup(&m->arena, text), p) < 0)
        return error_set(err, TCET_E_IO, "%s: damaged (shard \"%.100s\")", p->folder, text);
    return TCET_OK;
}

static tcet_status open_parts(struct merge *m, const char *const *in, const struct merge_options *o,
                              struct error *err)
{
    for (size_t i = 0; i < m->count; i++) {
        struct part *p = &m->part[i];

        p->folder = in[i];
        TRY(store_open(p->folder, STORE_READ, &p->store, err));
        TRY(read_shard(m, p, err));
        TRY(stored_read(p->folder, o->plugins, o->plugin_count, &p->config, &p->forgotten, err));
    }
    return TCET_OK;
}

/* Keys that say how a run is run, not what comes out. */
static int changes_no_value(const struct config_section *s, const char *key)
{
    static const char *const keys[] = {"output", "workers", "timeout", "retries", "memory", "top"};

    if (!strcmp(s->kind, "export"))
        return 1;
    for (size_t i = 0; !strcmp(s->kind, "run") && i < TCET_COUNT(keys); i++) {
        if (!strcmp(key, keys[i]))
            return 1;
    }
    return 0;
}

/* Every key of `a` is in `b` with the same value. */
static tcet_status within(const struct part *a, const struct part *b, struct error *err)
{
    for (size_t i = 0; i < a->config->section_count; i++) {
        const struct config_section *s = a->config->sections[i];
        const struct config_section *t = config_section(b->config, s->kind, s->name);

        for (size_t k = 0; k < s->key_count; k++) {
            const struct config_key *x = s->keys[k];
            const struct config_key *y = t ? config_section_key(t, x->name) : NULL;

            if (changes_no_value(s, x->name) || (y && !strcmp(x->value, y->value)))
                continue;
            return error_set(err, TCET_E_ARG,
                             "%s and %s are not of one run: [%s%s%s] %s is \"%s\" "
                             "in the first, %s%s%s in the second",
                             a->folder, b->folder, s->kind, *s->name ? " " : "", s->name, x->name,
                             x->value, y ? "\"" : "", y ? y->value : "not set", y ? "\"" : "");
        }
    }
    return TCET_OK;
}

static tcet_status same_columns(const struct part *a, const struct part *b, struct arena *arena,
                                struct error *err)
{
    size_t n = store_column_count(a->store), k = store_column_count(b->store);
    const char *one, *other;

    for (size_t i = 0; i < n && i < k; i++) {
        const struct result_column *x = store_column_at(a->store, i);
        const struct result_column *y = store_column_at(b->store, i);

        if (strcmp(x->name, y->name))
            return error_set(err, TCET_E_ARG,
                             "%s and %s are not of one run: column %zu is %s in "
                             "the first, %s in the second",
                             a->folder, b->folder, i + 1, x->name, y->name);
        if (x->is_score != y->is_score || x->population != y->population ||
            x->direction != y->direction || x->layered != y->layered)
            return error_set(err, TCET_E_ARG,
                             "%s and %s are not of one run: %s is another kind of column in the "
                             "first than in the second",
                             a->folder, b->folder, x->name);
        if (strcmp(x->key, y->key)) {
            run_key_words(x->key, y->key, arena, &one, &other);
            return error_set(err, TCET_E_ARG,
                             "%s and %s hold different things as %s (another "
                             "plugin, backend, data or processor): %s in the first, %s in "
                             "the second",
                             a->folder, b->folder, x->name, one, other);
        }
    }
    if (n != k)
        return error_set(err, TCET_E_ARG,
                         "%s and %s are not of one run: %zu columns in the first, "
                         "%zu in the second",
                         a->folder, b->folder, n, k);
    return TCET_OK;
}

static tcet_status compare(struct merge *m, struct error *err)
{
    const struct part *a = &m->part[0];

    for (size_t i = 1; i < m->count; i++) {
        const struct part *b = &m->part[i];

        TRY(within(a, b, err));
        TRY(within(b, a, err));
        TRY(same_columns(a, b, &m->arena, err));
        if (a->total != b->total || strcmp(a->list, b->list))
            return error_set(err, TCET_E_ARG,
                             "%s and %s are not of one run: their lists of "
                             "architectures differ (%zu in all, %zu in all)",
                             a->folder, b->folder, a->total, b->total);
    }
    return TCET_OK;
}

static size_t ordinal(const struct part *p, size_t i)
{
    return i * (size_t)p->shard.count + (size_t)p->shard.index - 1;
}

/* Is the list that of which the shards were made? */
static tcet_status check_list(const struct merge *m, struct error *err)
{
    const struct part *p = &m->part[0];
    struct sha256 hash;
    char digest[65];

    if (!*p->list)
        return TCET_OK;
    sha256_init(&hash);
    for (size_t i = 0; i < p->total; i++)
        sha256_add(&hash, m->archs[i], strlen(m->archs[i]) + 1);
    sha256_hex(&hash, digest);
    if (strcmp(digest, p->list))
        return error_set(err, TCET_E_IO,
                         "%s: damaged (the architectures are not those of the list that was cut)",
                         p->folder);
    return TCET_OK;
}

/* Who holds what: every architecture once. */
static tcet_status cover(struct merge *m, struct error *err)
{
    size_t total = m->part[0].total, held = 0, room;

    for (size_t k = 0; k < m->count; k++)
        held += store_arch_count(m->part[k].store);
    /* Where there are fewer than there should be, one of the first held + 1 lacks. */
    room = total > held ? held + 1 : total;
    m->archs = arena_alloc(&m->arena, (room + 1) * sizeof *m->archs);
    m->owner = arena_alloc(&m->arena, (room + 1) * sizeof *m->owner);
    for (size_t k = 0; k < m->count; k++) {
        const struct part *p = &m->part[k];

        for (size_t i = 0; i < store_arch_count(p->store); i++) {
            size_t at = ordinal(p, i);
            const char *arch = store_arch(p->store, i);

            if (at >= total || !arch)
                return error_set(err, TCET_E_IO, "%s: damaged (list of architectures)", p->folder);
            if (at >= room)
                continue;
            if (m->owner[at])
                return error_set(err, TCET_E_ARG,
                                 "%s and %s both hold architecture %zu: shards "
                                 "%d/%d and %d/%d",
                                 m->part[m->owner[at] - 1].folder, p->folder, at,
                                 m->part[m->owner[at] - 1].shard.index,
                                 m->part[m->owner[at] - 1].shard.count, p->shard.index,
                                 p->shard.count);
            m->owner[at] = k + 1;
            m->archs[at] = arena_strdup(&m->arena, arch);
        }
    }
    for (size_t i = 0; i < room; i++) {
        int n = m->part[0].shard.count;

        if (!m->owner[i])
            return error_set(err, TCET_E_ARG,
                             "no folder holds architecture %zu of %zu: is shard "
                             "%d/%d missing?",
                             i, total, (int)(i % (size_t)n) + 1, n);
    }
    return check_list(m, err);
}

/* -- Writing the whole ------------------------------------------------------------------ */

static tcet_status copy_rows(struct merge *m, struct error *err)
{
    struct arena a = {0};
    tcet_status st = TCET_OK;

    for (size_t k = 0; k < m->count && st >= 0; k++) {
        struct store *from = m->part[k].store;

        for (size_t i = 0; i < store_arch_count(from) && st >= 0; i++) {
            struct result_row row;

            arena_reset(&a);
            st = store_take(from, i, &a, &row, err);
            if (st >= 0 && row.status != RESULT_MISSING)
                st = store_put(m->out, &row, err);
        }
    }
    arena_free(&a);
    return st;
}

static tcet_status write_all(struct merge *m, struct error *err)
{
    struct store *first = m->part[0].store;
    size_t count = store_column_count(first);
    struct result_column *columns = arena_alloc(&m->arena, (count + 1) * sizeof *columns);

    for (size_t i = 0; i < count; i++)
        columns[i] = *store_column_at(first, i);
    TRY(store_begin(m->out, err));
    TRY(store_set_columns(m->out, columns, count, err));
    TRY(store_set_archs(m->out, m->archs, m->part[0].total, err));
    TRY(store_copy_meta(m->out, first, err));
    TRY(store_set_meta(m->out, "shard", "", err));
    TRY(store_set_meta(m->out, STORE_MERGING, "1", err)); /* until population scores are in */
    TRY(copy_rows(m, err));
    return store_commit(m->out, err);
}

/* The worker's plan says what a population score joins. */
static tcet_status populate(struct merge *m, const struct merge_options *o, struct error *err)
{
    struct client c = client_here(CLIENT_SHARE);
    size_t count = store_column_count(m->out);
    struct wire_plan plan;
    int any = 0;

    c.stop = o->stop;
    c.log = o->log;
    c.log_arg = o->arg;
    for (size_t i = 0; i < count; i++)
        any |= store_column_at(m->out, i)->population;
    if (!any)
        return TCET_OK;
    if (client_plan(m->part[0].config, 0, &m->arena, &plan, err) < 0)
        return stored_error(m->part[0].folder, m->part[0].forgotten, err);
    for (size_t i = 0; i < count; i++) {
        if (plan.column_count != count ||
            strcmp(plan.columns[i].name, store_column_at(m->out, i)->name))
            return error_set(err, TCET_E_PLUGIN,
                             "%s/config.ini gives other columns than the folder "
                             "holds",
                             m->part[0].folder);
    }
    return population_scores(m->out, m->part[0].config, &plan, &c, 0, 1, err);
}

/* What is merged: the list, the columns, and how far each part was. */
static tcet_status digest(const struct merge *m, char out[65], struct error *err)
{
    struct store *first = m->part[0].store;
    struct sha256 hash;

    sha256_init(&hash);
    for (size_t i = 0; i < m->part[0].total; i++)
        sha256_add(&hash, m->archs[i], strlen(m->archs[i]) + 1);
    for (size_t i = 0; i < store_column_count(first); i++) {
        const struct result_column *c = store_column_at(first, i);

        sha256_add(&hash, c->name, strlen(c->name) + 1);
        sha256_add(&hash, c->key, strlen(c->key) + 1);
    }
    for (size_t k = 0; k < m->count; k++) {
        struct store_summary sum;
        size_t number[4];

        TRY(store_summarise(m->part[k].store, &sum, err));
        memcpy(number,
               (size_t[4]){(size_t)m->part[k].shard.index, sum.done, sum.failed, sum.missing},
               sizeof number);
        sha256_add(&hash, number, sizeof number);
    }
    sha256_hex(&hash, out);
    return TCET_OK;
}

/* Did a merge of the same end, but for saying so?  Then it need not be done again. */
static int is_merged(const char *out, const char *what, struct store_summary *summary)
{
    struct store *s;
    struct error err;
    const char *text;
    int same;

    if (store_open(out, STORE_READ, &s, &err) < 0)
        return 0;
    text = store_meta(s, "merged");
    same = text && !strcmp(text, what);
    text = store_meta(s, STORE_MERGING);
    same = same && !(text && *text) && store_summarise(s, summary, &err) >= 0;
    store_close(s);
    return same;
}

static tcet_status merge(struct merge *m, const char *out, const char *const *in,
                         const struct merge_options *o, struct store_summary *summary,
                         struct error *err)
{
    const char *config;
    char what[65];

    TRY(open_parts(m, in, o, err));
    TRY(compare(m, err));
    TRY(cover(m, err));
    TRY(digest(m, what, err));
    if (is_merged(out, what, summary))
        return TCET_OK;
    TRY(store_open(out, STORE_MERGE, &m->out, err));
    TRY(write_all(m, err));
    config = store_meta(m->out, "config");
    TRY(stored_write(out, config ? config : "", err));
    TRY(store_summarise(m->out, summary, err));
    if (!summary->missing)
        TRY(populate(m, o, err));
    TRY(store_begin(m->out, err));
    TRY(store_set_meta(m->out, "merged", what, err));
    TRY(store_set_meta(m->out, STORE_MERGING, "", err));
    return store_commit(m->out, err);
}

tcet_status run_merge(const char *out, const char *const *in, size_t count,
                      const struct merge_options *options, struct store_summary *summary,
                      struct error *err)
{
    struct merge m = {.count = count};
    tcet_status st;

    m.part = arena_alloc(&m.arena, count * sizeof *m.part);
    st = merge(&m, out, in, options, summary, err);
    store_close(m.out);
    for (size_t i = 0; i < count; i++) {
        store_close(m.part[i].store);
        config_free(m.part[i].config);
    }
    arena_free(&m.arena);
    return st;
}
