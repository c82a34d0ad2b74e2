/* expand.c -- see expand.h.  Room: core/plan. */
#include "plan/expand.h"

#include "base/text.h"

#include <tcet/combiner.h>

#include <stdio.h>
#include <string.h>

int expand_made(const struct config *c, const struct config_section *s)
{
    (void)c;
    return !strcmp(s->file, CONFIG_DERIVED);
}

/* Keys of a metric that say under what it is computed, in the order of their suffixes; suffix: what stands
 * before a value in a name. */
static const struct {
    enum expand_factor factor;
    const char *suffix;
} settings[] = {
    {EXPAND_SEED, "@"}, {EXPAND_BATCH, "_b"}, {EXPAND_DATA, "_"}, {EXPAND_DATA_SEED, "@draw"}};

enum { SETTINGS = sizeof settings / sizeof *settings };

/* One cell of the cross product; NULL: not varied. */
struct cell {
    const char *saliency, *aggregator, *partition, *setting[SETTINGS];
};

struct list {
    const char *const *item;
    size_t count;
};

struct lists {
    struct list saliency, aggregator, combiner, with, partition, setting[SETTINGS];
};

static const char *setting_key(size_t k)
{
    return expand_factor(settings[k].factor);
}

/* A key of a cell, made from a list of [ablation]. */
static void put(struct config *c, const char *kind, const char *name, const char *key,
                const char *value, const char *list)
{
    config_derive(c, kind, name, key, value, config_get(c, "ablation", "", list));
}

/* A copy of another section's key. */
static void copy(struct config *c, const char *kind, const char *name, const struct config_key *k)
{
    config_derive(c, kind, name, k->name, k->value, k);
}

static struct list list(const struct config *c, struct arena *a, const char *key)
{
    struct config_key *k = config_get(c, "ablation", "", key);
    struct list l = {NULL, 0};

    if (k)
        l.count = text_split(a, k->value, ',', &l.item);
    return l;
}

static struct lists all_lists(const struct config *c, struct arena *a)
{
    struct lists l = {.saliency = list(c, a, "saliency"),
                      .aggregator = list(c, a, "aggregator"),
                      .combiner = list(c, a, "combiner"),
                      .with = list(c, a, "with"),
                      .partition = list(c, a, "partition")};

    for (size_t k = 0; k < SETTINGS; k++)
        l.setting[k] = list(c, a, setting_key(k));
    return l;
}

static size_t at_least_one(size_t n)
{
    return n ? n : 1;
}

static size_t cell_count(const struct lists *l)
{
    size_t n = l->saliency.count * l->aggregator.count * at_least_one(l->partition.count);

    for (size_t k = 0; k < SETTINGS; k++)
        n *= at_least_one(l->setting[k].count);
    return n;
}

/* The value of one list for cell *i, whose number goes on to the next list; NULL: not varied. */
static const char *digit(const struct list *l, size_t *i)
{
    size_t at = *i % at_least_one(l->count);

    *i /= at_least_one(l->count);
    return l->count ? l->item[at] : NULL;
}

/* Cell i of the cross product: partitions vary fastest, images slowest. */
static struct cell nth_cell(const struct lists *l, size_t i)
{
    struct cell at;

    at.partition = digit(&l->partition, &i);
    at.aggregator = digit(&l->aggregator, &i);
    at.saliency = digit(&l->saliency, &i);
    for (size_t k = 0; k < SETTINGS; k++)
        at.setting[k] = digit(&l->setting[k], &i);
    return at;
}

/* What a cell's settings add to a name; empty unless their lists vary. */
static void suffix(struct buf *b, const struct lists *l, const struct cell *at)
{
    for (size_t k = 0; k < SETTINGS; k++) {
        if (at->setting[k] && l->setting[k].count > 1)
            buf_printf(b, "%s%s", settings[k].suffix, at->setting[k]);
    }
}

static int has_settings(const struct cell *at)
{
    int has = 0;

    for (size_t k = 0; k < SETTINGS; k++)
        has |= at->setting[k] != NULL;
    return has;
}

static void put_settings(struct config *c, const char *name, const struct cell *at)
{
    for (size_t k = 0; k < SETTINGS; k++) {
        if (at->setting[k])
            put(c, "metric", name, setting_key(k), at->setting[k], setting_key(k));
    }
}

/* The metric `base` under a cell's settings: itself, or a copy. */
static const char *variant(struct config *c, const char *base, const struct lists *l,
                           const struct cell *at)
{
    const struct config_section *s = config_section(c, "metric", base);
    struct buf b = {0};
    const char *name;

    buf_puts(&b, base);
    suffix(&b, l, at);
    name = arena_strdup(&c->arena, b.data);
    buf_free(&b);
    if (!s || (!strcmp(name, base) && !has_settings(at)))
        return base;
    if (!strcmp(name, base))
        name = arena_printf(&c->arena, "%s_cell", base);
    if (config_section(c, "metric", name))
        return name;
    for (size_t i = 0; i < s->key_count; i++)
        copy(c, "metric", name, s->keys[i]);
    put_settings(c, name, at);
    return name;
}

static const char *metric_name(struct arena *a, const struct lists *l, const struct cell *at)
{
    struct buf b = {0};
    const char *name;

    buf_printf(&b, "%s_%s", at->saliency, at->aggregator);
    if (at->partition && !strcmp(at->partition, "network"))
        buf_puts(&b, "_network");
    suffix(&b, l, at);
    name = arena_strdup(a, b.data);
    buf_free(&b);
    return name;
}

static const char *score_name(struct arena *a, const char *combiner, const char *metric)
{
    return arena_printf(a, "%s_%s", combiner, metric);
}

static const char *add_metric(struct config *c, const struct lists *l, const struct cell *at)
{
    const char *name = metric_name(&c->arena, l, at);

    if (config_section(c, "metric", name) || config_section(c, "score", name))
        return name; /* written out in the config: that one counts */
    put(c, "metric", name, "saliency", at->saliency, "saliency");
    put(c, "metric", name, "aggregator", at->aggregator, "aggregator");
    if (at->partition)
        put(c, "metric", name, "partition", at->partition, "partition");
    put_settings(c, name, at);
    return name;
}

static tcet_status add_scores(struct config *c, const struct registry *r, const struct lists *l,
                              const struct cell *at, const char *metric, struct error *err)
{
    struct config_key *k = config_get(c, "ablation", "", "combiner");

    for (size_t i = 0; i < l->combiner.count; i++) {
        const char *combiner = l->combiner.item[i], *name = score_name(&c->arena, combiner, metric);
        const struct plugin_info *info;
        struct buf metrics = {0};

        if (registry_find(r, TCET_COMBINER, combiner, &info, err) < 0)
            return config_error_at(err, k);
        if (config_section(c, "score", name))
            continue;
        buf_puts(&metrics, metric);
        for (size_t w = 0; w < l->with.count; w++) {
            if (strcmp(l->with.item[w], metric))
                buf_printf(&metrics, ", %s", variant(c, l->with.item[w], l, at));
        }
        put(c, "score", name, "combiner", combiner, "combiner");
        put(c, "score", name, "metrics", metrics.data, "with");
        if (info->scope == TCET_SCOPE_PARAMETER)
            put(c, "score", name, "aggregator", at->aggregator, "aggregator");
        buf_free(&metrics);
    }
    return TCET_OK;
}

static tcet_status ablation(struct config *c, const struct registry *r, struct error *err)
{
    const struct config_section *s = config_section(c, "ablation", "");
    struct lists l = all_lists(c, &c->arena);

    if (!s)
        return TCET_OK;
    if (!l.saliency.count || !l.aggregator.count)
        return config_section_error(err, s,
                                    "[ablation] needs lists \"saliency =\" and "
                                    "\"aggregator =\"");
    if (l.combiner.count && !l.with.count)
        return config_section_error(err, s,
                                    "[ablation] has combiners but no \"with =\": the metrics "
                                    "that each cell is joined with");
    for (size_t w = 0; w < l.with.count; w++) {
        if (!config_section(c, "metric", l.with.item[w]))
            return config_error(err, config_get(c, "ablation", "", "with"),
                                "there is no [metric %s]", l.with.item[w]);
    }
    for (size_t i = 0; i < cell_count(&l); i++) {
        struct cell at = nth_cell(&l, i);

        TRY(add_scores(c, r, &l, &at, add_metric(c, &l, &at), err));
    }
    return TCET_OK;
}

size_t expand_cells(const struct config *c, struct arena *a, const struct expand_cell **out)
{
    struct lists l = all_lists(c, a);
    size_t metrics = cell_count(&l), n = 0;
    struct expand_cell *cells =
        arena_alloc(a, (metrics * (1 + l.combiner.count) + 1) * sizeof *cells);

    for (size_t i = 0; i < metrics; i++) {
        struct cell at = nth_cell(&l, i);
        const char *name = metric_name(a, &l, &at);

        for (size_t k = 0; k <= l.combiner.count; k++) {
            const char *combiner = k ? l.combiner.item[k - 1] : NULL;

            cells[n] = (struct expand_cell){combiner ? score_name(a, combiner, name) : name,
                                            {combiner, at.saliency, at.aggregator, at.partition}};
            for (size_t q = 0; q < SETTINGS; q++)
                cells[n].factor[settings[q].factor] = at.setting[q];
            n++;
        }
    }
    *out = cells;
    return n;
}

const char *expand_factor(enum expand_factor factor)
{
    static const char *const names[] = {"combiner", "saliency", "aggregator", "partition",
                                        "batch",    "data",     "data_seed",  "seed"};

    _Static_assert(sizeof names / sizeof *names == EXPAND_FACTORS, "a name each");
    return names[factor];
}

/* Is NAME a metric or score that gets repeats?  Population scores rank the means instead. */
static int repeatable(const struct config *c, const struct registry *r,
                      const struct config_section *s)
{
    const struct plugin_info *info;
    struct error ignored;
    const char *combiner = config_text(c, s->kind, s->name, "combiner", NULL);

    if (!strcmp(s->kind, "metric"))
        return 1;
    if (strcmp(s->kind, "score"))
        return 0;
    return !combiner || registry_find(r, TCET_COMBINER, combiner, &info, &ignored) < 0 ||
           info->scope != TCET_SCOPE_POPULATION;
}

static const char *repeat_name(struct config *c, const char *name, int64_t seed)
{
    return arena_printf(&c->arena, "%s@%lld", name, (long long)seed);
}

static void add_repeat(struct config *c, const struct config_section *s, int64_t seed,
                       int64_t offset)
{
    const char *name = repeat_name(c, s->name, seed);

    for (size_t i = 0; i < s->key_count; i++) {
        const struct config_key *k = s->keys[i];
        const char *const *names;
        struct buf list = {0};
        size_t n;

        if (!strcmp(s->kind, "metric") && !strcmp(k->name, "seed"))
            continue;
        if (strcmp(s->kind, "score") || strcmp(k->name, "metrics")) {
            copy(c, s->kind, name, k);
            continue;
        }
        n = text_split(&c->arena, k->value, ',', &names);
        for (size_t j = 0; j < n; j++)
            buf_printf(&list, "%s%s", j ? ", " : "", repeat_name(c, names[j], seed));
        config_derive(c, "score", name, "metrics", list.len ? list.data : "", k);
        buf_free(&list);
    }
    if (!strcmp(s->kind, "metric")) {
        int64_t own;
        char text[32];

        if (text_to_i64(config_text(c, "metric", s->name, "seed", ""), &own) == 0)
            seed = own + offset;
        snprintf(text, sizeof text, "%lld", (long long)seed);
        config_derive(c, "metric", name, "seed", text, config_get(c, "run", "", "repeats"));
    }
}

static void add_moment(struct config *c, const char *of, const char *moment, int64_t first,
                       int64_t n)
{
    const struct config_key *repeats = config_get(c, "run", "", "repeats");
    const char *name = arena_printf(&c->arena, "%s@%s", of, moment);
    struct buf list = {0};

    buf_puts(&list, of);
    for (int64_t i = 1; i < n; i++)
        buf_printf(&list, ", %s", repeat_name(c, of, first + i));
    config_derive(c, "score", name, "combiner", "repeats", repeats);
    config_derive(c, "score", name, "metrics", list.data, repeats);
    config_derive(c, "score", name, "moment", moment, repeats);
    buf_free(&list);
}

static tcet_status repeats(struct config *c, const struct registry *r, struct error *err)
{
    size_t sections = c->section_count;
    int64_t n, seed;

    TRY(config_i64(c, "run", "", "repeats", 1, 1, 1000, &n, err));
    TRY(config_i64(c, "run", "", "seed", 1, 0, INT64_MAX - 1000, &seed, err));
    for (int64_t i = 1; i < n; i++) {
        for (size_t k = 0; k < sections; k++) {
            if (repeatable(c, r, c->sections[k]))
                add_repeat(c, c->sections[k], seed + i, i);
        }
    }
    for (size_t k = 0; n > 1 && k < sections; k++) {
        if (!repeatable(c, r, c->sections[k]))
            continue;
        add_moment(c, c->sections[k]->name, "mean", seed, n);
        add_moment(c, c->sections[k]->name, "std", seed, n);
    }
    return TCET_OK;
}

tcet_status expand_config(struct config *c, const struct registry *r, struct error *err)
{
    TRY(ablation(c, r, err));
    return repeats(c, r, err);
}
