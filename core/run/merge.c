/* merge.c -- see merge.h.  Room: core/run. */
#include "run/merge_parts.h"

#include "base/sha256.h"
#include "base/text.h"
#include "run/pool.h"
#include "run/population.h"
#include "run/stored.h"
#include "run/supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Looking at the parts --------------------------------------------------------------- */

/* "2/4 of 100, list SHA-256", struct shard_part's text: 0, else -1. */
static int parse_shard(char *text, struct part *p)
{
    char *of = strstr(text, " of "), *list = strstr(text, ", list ");
    uint64_t total;
    struct error err;

    if (!of || !list || list < of || !strchr(text, '/'))
        return -1;
    *of = *list = '\0';
    list += strlen(", list ");
    if (shard_parse(text, &p->shard, &err) < 0 || text_to_u64(of + strlen(" of "), &total) < 0 ||
        total > INT64_MAX / 2 || strlen(list) != 64 || list[strspn(list, "0123456789abcdef")])
        return -1;
    p->total = (size_t)total;
    p->list = list;
    return 0;
}

/* The architectures that the store lists. */
static tcet_status take_archs(struct merge *m, struct part *p, struct error *err)
{
    p->item_count = store_arch_count(p->store);
    return store_archs(p->store, &m->arena, &p->item, err);
}

/* What was noted when the whole was cut; what never was is shard 1/1.  The folder holds as many as such a
 * shard has. */
static tcet_status read_shard(struct merge *m, struct part *p, struct error *err)
{
    const char *text = store_meta(p->store, "shard");
    uint64_t count;

    p->shard = (struct shard){1, 1};
    p->total = p->lines ? search_seed_count(&p->settings) : store_arch_count(p->store);
    p->list = "";
    if (text && *text && parse_shard(arena_strdup(&m->arena, text), p) < 0)
        return error_set(err, TCET_E_IO, "%s: damaged (shard \"%.100s\")", p->folder, text);
    if (p->lines)
        merge_take_seeds(m, p);
    else
        TRY(take_archs(m, p, err));
    count = (uint64_t)p->shard.count;
    if ((p->total + count - (uint64_t)p->shard.index) / count != p->item_count)
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
        TRY(stored_read(p->folder, o->plugins, o->plugin_count, &p->config, &p->forgotten, err));
        TRY(merge_read_search(p, err));
        TRY(read_shard(m, p, err));
        TRY(store_accuracies(p->store, &m->arena, &p->accuracies, &p->accuracy_count, err));
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

static const char *item_name(const struct merge *m)
{
    return m->part[0].lines ? "seed" : "architecture";
}

static tcet_status compare(struct merge *m, struct error *err)
{
    const struct part *a = &m->part[0];

    for (size_t i = 1; i < m->count; i++) {
        const struct part *b = &m->part[i];

        TRY(within(a, b, err));
        TRY(within(b, a, err));
        TRY(same_columns(a, b, &m->arena, err));
        if (!a->lines != !b->lines)
            return error_set(err, TCET_E_ARG, "%s and %s: one is of a search, the other of a run",
                             a->folder, b->folder);
        if (a->total != b->total || strcmp(a->list, b->list))
            return error_set(err, TCET_E_ARG,
                             "%s and %s are not of one run: their lists of "
                             "%ss differ (%zu in all, %zu in all)",
                             a->folder, b->folder, item_name(m), a->total, b->total);
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
    char digest[65];

    if (!*p->list)
        return TCET_OK;
    shard_digest(m->items, p->total, digest);
    if (strcmp(digest, p->list))
        return error_set(err, TCET_E_IO,
                         "%s: damaged (the %ss are not those of the list that was cut)", p->folder,
                         item_name(m));
    return TCET_OK;
}

static tcet_status take_items(struct merge *m, size_t part, size_t room, struct error *err)
{
    const struct part *p = &m->part[part], *other;

    for (size_t i = 0; i < p->item_count; i++) {
        size_t at = ordinal(p, i);

        if (at >= p->total || !p->item[i])
            return error_set(err, TCET_E_IO, "%s: damaged (list of %ss)", p->folder, item_name(m));
        if (at >= room)
            continue;
        if (m->owner[at]) {
            other = &m->part[m->owner[at] - 1];
            return error_set(err, TCET_E_ARG, "%s and %s both hold %s %zu: shards %d/%d and %d/%d",
                             other->folder, p->folder, item_name(m), at, other->shard.index,
                             other->shard.count, p->shard.index, p->shard.count);
        }
        m->owner[at] = part + 1;
        m->items[at] = p->item[i];
    }
    return TCET_OK;
}

/* An item that nobody holds: which shards are not here. */
static tcet_status say_missing(const struct merge *m, size_t item, struct error *err)
{
    int n = m->part[0].shard.count, lacking = 0;
    struct buf b = {0};

    for (int i = 1; i <= n; i++) {
        int here = 0;

        for (size_t k = 0; k < m->count; k++)
            here |= m->part[k].shard.index == i;
        if (!here && lacking++ < 8)
            buf_printf(&b, "%s%d/%d", b.len ? ", " : "", i, n);
    }
    if (lacking > 8)
        buf_printf(&b, " and %d more", lacking - 8);
    if (lacking)
        error_set(err, TCET_E_ARG, "no folder is shard %s", b.data);
    else
        error_set(err, TCET_E_IO, "damaged: no folder holds %s %zu of %zu", item_name(m), item + 1,
                  m->part[0].total);
    buf_free(&b);
    return err->status;
}

/* Who holds what: every item once. */
static tcet_status cover(struct merge *m, struct error *err)
{
    size_t total = m->part[0].total, held = 0, room;

    for (size_t k = 0; k < m->count; k++)
        held += m->part[k].item_count;
    /* Where there are fewer than there should be, one of the first held + 1 lacks. */
    room = total > held ? held + 1 : total;
    m->items = arena_alloc(&m->arena, (room + 1) * sizeof *m->items);
    m->owner = arena_alloc(&m->arena, (room + 1) * sizeof *m->owner);
    for (size_t k = 0; k < m->count; k++)
        TRY(take_items(m, k, room, err));
    for (size_t i = 0; i < room; i++) {
        if (!m->owner[i])
            return say_missing(m, i, err);
    }
    return check_list(m, err);
}

/* -- Writing the whole ------------------------------------------------------------------ */

/* Puts a row that the whole has not; of several searches two may have scored one architecture. */
static tcet_status copy_row(void *arg, const struct result_row *row, struct error *err)
{
    struct merge *m = arg;
    struct result_row had = {.status = RESULT_MISSING};
    struct arena a = {0};
    tcet_status st = TCET_OK;

    if (m->o->stop && *m->o->stop)
        return error_set(err, TCET_E_CANCELLED, "interrupted");
    if (m->part[0].lines)
        st = store_find(m->out, row->arch, &a, &had, err);
    arena_free(&a);
    if (st < 0 || had.status == RESULT_OK || row->status == RESULT_MISSING)
        return st;
    return store_put(m->out, row, err);
}

/* Of a run the architectures of its list; of a search all, since their names say under which seed they
 * were scored, or they are of a reference population. */
static tcet_status copy_rows(struct merge *m, struct error *err)
{
    struct arena a = {0};
    tcet_status st = TCET_OK;

    for (size_t k = 0; k < m->count && st >= 0; k++) {
        struct store *from = m->part[k].store;

        if (m->part[k].lines)
            st = store_each(from, copy_row, m, err);
        for (size_t i = 0; !m->part[k].lines && i < store_arch_count(from) && st >= 0; i++) {
            struct result_row row;

            arena_reset(&a);
            st = store_take(from, i, &a, &row, err);
            if (st >= 0)
                st = copy_row(m, &row, err);
        }
    }
    arena_free(&a);
    return st;
}

/* Have all parts accuracies of the same columns of the same table? */
static int same_accuracies(const struct merge *m)
{
    const struct part *a = &m->part[0];

    for (size_t k = 1; k < m->count; k++) {
        const struct part *b = &m->part[k];

        if (b->accuracy_count != a->accuracy_count)
            return 0;
        for (size_t i = 0; i < a->accuracy_count; i++) {
            const struct store_accuracy *x = &a->accuracies[i], *y = &b->accuracies[i];

            if (strcmp(x->name, y->name) || strcmp(x->table, y->table) ||
                strcmp(x->sha256, y->sha256))
                return 0;
        }
    }
    return 1;
}

/* What is not of one table, a resume puts anew. */
static tcet_status merge_accuracies(struct merge *m, struct error *err)
{
    const struct part *first = &m->part[0];
    struct store_accuracy *whole =
        arena_alloc(&m->arena, (first->accuracy_count + 1) * sizeof *whole);

    if (!same_accuracies(m)) {
        if (m->o->log)
            m->o->log(
                m->o->arg, TCET_LOG_WARN,
                "the folders' accuracies are not of one table, or one has none: they are left "
                "out; tcet-host run CONFIG --resume puts them");
        return store_set_accuracies(m->out, NULL, 0, err);
    }
    for (size_t i = 0; i < first->accuracy_count; i++) {
        double *values = arena_alloc(&m->arena, (first->total + 1) * sizeof *values);

        for (size_t k = 0; k < m->count; k++) {
            const struct part *p = &m->part[k];

            for (size_t at = 0; at < p->item_count; at++)
                values[ordinal(p, at)] = p->accuracies[i].values[at];
        }
        whole[i] = first->accuracies[i];
        whole[i].values = values;
    }
    return store_set_accuracies(m->out, whole, first->accuracy_count, err);
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
    if (!m->part[0].lines)
        TRY(store_set_archs(m->out, m->items, m->part[0].total, err));
    TRY(store_copy_meta(m->out, first, err));
    TRY(store_set_meta(m->out, "shard", "", err));
    TRY(store_set_meta(m->out, STORE_MERGING, "1", err)); /* until population scores are in */
    TRY(copy_rows(m, err));
    if (!m->part[0].lines)
        TRY(merge_accuracies(m, err));
    return store_commit(m->out, err);
}

/* The worker's plan says what a population score joins. */
static tcet_status populate(struct merge *m, struct error *err)
{
    struct client c = client_here(CLIENT_SHARE);
    size_t count = store_column_count(m->out), n;
    struct wire_plan plan;
    const char *data;
    int any = 0;
    tcet_status st;

    c.stop = m->o->stop;
    c.log = m->o->log;
    c.log_arg = m->o->arg;
    for (size_t i = 0; i < count; i++)
        any |= store_column_at(m->out, i)->population;
    if (!any)
        return TCET_OK;
    TRY(client_start(&c, m->part[0].config, &(struct wire_hello){0}, 0, err));
    st = client_wait(&c, WIRE_PLAN, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_plan(data, n, &m->arena, &plan, err);
    if (st < 0) {
        client_stop(&c);
        return stored_error(m->part[0].folder, m->part[0].forgotten, err);
    }
    for (size_t i = 0; i < count && st >= 0; i++) {
        if (plan.column_count != count ||
            strcmp(plan.columns[i].name, store_column_at(m->out, i)->name))
            st = error_set(err, TCET_E_PLUGIN,
                           "%s/config.ini gives other columns than the folder "
                           "holds",
                           m->part[0].folder);
    }
    if (st < 0) {
        client_stop(&c);
        return st;
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
        sha256_add(&hash, m->items[i], strlen(m->items[i]) + 1);
    for (size_t i = 0; i < store_column_count(first); i++) {
        const struct result_column *c = store_column_at(first, i);

        sha256_add(&hash, c->name, strlen(c->name) + 1);
        sha256_add(&hash, c->key, strlen(c->key) + 1);
    }
    for (size_t k = 0; k < m->count; k++) {
        for (size_t i = 0; i < m->part[k].accuracy_count; i++) {
            const struct store_accuracy *c = &m->part[k].accuracies[i];

            sha256_add(&hash, c->name, strlen(c->name) + 1);
            sha256_add(&hash, c->sha256, strlen(c->sha256) + 1);
        }
    }
    for (size_t k = 0; k < m->count; k++) {
        struct store_summary sum;
        size_t number[4];

        TRY(store_summarise(m->part[k].store, &sum, err));
        memcpy(number,
               (size_t[4]){(size_t)m->part[k].shard.index, sum.done, sum.failed, sum.missing},
               sizeof number);
        sha256_add(&hash, number, sizeof number);
        if (m->part[k].lines)
            sha256_add(&hash, m->part[k].lines, m->part[k].lines_len);
    }
    sha256_hex(&hash, out);
    return TCET_OK;
}

static tcet_status summarise(const struct merge *m, const char *out, struct store *s,
                             struct merge_summary *summary, struct error *err)
{
    TRY(store_summarise(s, &summary->rows, err));
    return m->part[0].lines ? merge_count_search(m, out, s, summary, err) : TCET_OK;
}

/* Did a merge of the same end, but for saying so?  Then it need not be done again. */
static int is_merged(const struct merge *m, const char *out, const char *what,
                     struct merge_summary *summary)
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
    same = same && !(text && *text) && summarise(m, out, s, summary, &err) >= 0;
    store_close(s);
    return same;
}

static tcet_status merge(struct merge *m, const char *out, const char *const *in,
                         struct merge_summary *summary, struct error *err)
{
    const char *config;
    char what[65];

    *summary = (struct merge_summary){.ended = 1};
    TRY(open_parts(m, in, m->o, err));
    TRY(compare(m, err));
    TRY(cover(m, err));
    TRY(digest(m, what, err));
    if (is_merged(m, out, what, summary))
        return TCET_OK;
    TRY(stored_takes(out, 0, err));
    TRY(store_open(out, STORE_MERGE, &m->out, err));
    TRY(write_all(m, err));
    config = store_meta(m->out, "config");
    TRY(stored_write(out, config ? config : "", err));
    if (m->part[0].lines)
        TRY(merge_searches(m, out, err));
    TRY(summarise(m, out, m->out, summary, err));
    if (!summary->rows.missing && summary->ended)
        TRY(populate(m, err));
    TRY(store_begin(m->out, err));
    TRY(store_set_meta(m->out, "merged", what, err));
    TRY(store_set_meta(m->out, STORE_MERGING, "", err));
    return store_commit(m->out, err);
}

tcet_status run_merge(const char *out, const char *const *in, size_t count,
                      const struct merge_options *options, struct merge_summary *summary,
                      struct error *err)
{
    struct merge m = {.o = options, .count = count};
    tcet_status st;

    m.part = arena_alloc(&m.arena, count * sizeof *m.part);
    st = merge(&m, out, in, summary, err);
    store_close(m.out);
    for (size_t i = 0; i < count; i++) {
        store_close(m.part[i].store);
        config_free(m.part[i].config);
        search_settings_free(&m.part[i].settings);
        free(m.part[i].lines);
    }
    arena_free(&m.arena);
    return st;
}
