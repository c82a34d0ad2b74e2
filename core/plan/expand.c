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

/* One cell of the cross product; NULL: not varied. */
struct cell {
    const char *saliency, *aggregator, *partition, *seed, *batch, *data;
};

struct lists {
    const char *const *saliency,
        *const *aggregator, *const *combiner, *const *with, *const *partition, *const *seed,
                                                                                   *const *batch,
                                                                                       *const *data;
    size_t saliencies, aggregators, combiners, withs, partitions, seeds, batches, datas;
};

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

static size_t list(struct config *c, const char *key, const char *const **out)
{
    struct config_key *k = config_get(c, "ablation", "", key);

    *out = NULL;
    return k ? text_split(&c->arena, k->value, ',', out) : 0;
}

/* What a cell's seed, batch and data add to a name; empty unless their lists vary. */
static void suffix(struct buf *b, const struct lists *l, const struct cell *at)
{
    if (at->seed && l->seeds > 1)
        buf_printf(b, "@%s", at->seed);
    if (at->batch && l->batches > 1)
        buf_printf(b, "_b%s", at->batch);
    if (at->data && l->datas > 1)
        buf_printf(b, "_%s", at->data);
}

static void put_setting(struct config *c, const char *name, const struct cell *at)
{
    if (at->seed)
        put(c, "metric", name, "seed", at->seed, "seed");
    if (at->batch)
        put(c, "metric", name, "batch", at->batch, "batch");
    if (at->data)
        put(c, "metric", name, "data", at->data, "data");
}

/* The metric `base` under a cell's seed, batch and data: itself, or a copy. */
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
    if (!s || (!strcmp(name, base) && !at->seed && !at->batch && !at->data))
        return base;
    if (!strcmp(name, base))
        name = arena_printf(&c->arena, "%s_cell", base);
    if (config_section(c, "metric", name))
        return name;
    for (size_t i = 0; i < s->key_count; i++)
        copy(c, "metric", name, s->keys[i]);
    put_setting(c, name, at);
    return name;
}

static const char *add_metric(struct config *c, const struct lists *l, const struct cell *at)
{
    struct buf b = {0};
    const char *name;

    buf_printf(&b, "%s_%s", at->saliency, at->aggregator);
    if (at->partition && !strcmp(at->partition, "network"))
        buf_puts(&b, "_network");
    suffix(&b, l, at);
    name = arena_strdup(&c->arena, b.data);
    buf_free(&b);
    if (config_section(c, "metric", name) || config_section(c, "score", name))
        return name; /* written out in the config: that one counts */
    put(c, "metric", name, "saliency", at->saliency, "saliency");
    put(c, "metric", name, "aggregator", at->aggregator, "aggregator");
    if (at->partition)
        put(c, "metric", name, "partition", at->partition, "partition");
    put_setting(c, name, at);
    return name;
}

static tcet_status add_scores(struct config *c, const struct registry *r, const struct lists *l,
                              const struct cell *at, const char *metric, struct error *err)
{
    struct config_key *k = config_get(c, "ablation", "", "combiner");

    for (size_t i = 0; i < l->combiners; i++) {
        const char *name = arena_printf(&c->arena, "%s_%s", l->combiner[i], metric);
        const struct plugin_info *info;
        struct buf metrics = {0};

        if (registry_find(r, TCET_COMBINER, l->combiner[i], &info, err) < 0)
            return config_error_at(err, k);
        if (config_section(c, "score", name))
            continue;
        buf_puts(&metrics, metric);
        for (size_t w = 0; w < l->withs; w++) {
            if (strcmp(l->with[w], metric))
                buf_printf(&metrics, ", %s", variant(c, l->with[w], l, at));
        }
        put(c, "score", name, "combiner", l->combiner[i], "combiner");
        put(c, "score", name, "metrics", metrics.data, "with");
        if (info->scope == TCET_SCOPE_PARAMETER)
            put(c, "score", name, "aggregator", at->aggregator, "aggregator");
        buf_free(&metrics);
    }
    return TCET_OK;
}

/* "" stands for "not varied" where a list is empty. */
static const char *nth(const char *const *list, size_t i)
{
    return list ? list[i] : NULL;
}

static size_t at_least_one(size_t n)
{
    return n ? n : 1;
}

static tcet_status ablation(struct config *c, const struct registry *r, struct error *err)
{
    const struct config_section *s = config_section(c, "ablation", "");
    struct lists l;
    struct cell at;

    if (!s)
        return TCET_OK;
    l.saliencies = list(c, "saliency", &l.saliency);
    l.aggregators = list(c, "aggregator", &l.aggregator);
    l.combiners = list(c, "combiner", &l.combiner);
    l.withs = list(c, "with", &l.with);
    l.partitions = list(c, "partition", &l.partition);
    l.seeds = list(c, "seed", &l.seed);
    l.batches = list(c, "batch", &l.batch);
    l.datas = list(c, "data", &l.data);
    if (!l.saliencies || !l.aggregators)
        return config_section_error(err, s,
                                    "[ablation] needs lists \"saliency =\" and "
                                    "\"aggregator =\"");
    if (l.combiners && !l.withs)
        return config_section_error(err, s,
                                    "[ablation] has combiners but no \"with =\": the metrics "
                                    "that each cell is joined with");
    for (size_t w = 0; w < l.withs; w++) {
        if (!config_section(c, "metric", l.with[w]))
            return config_error(err, config_get(c, "ablation", "", "with"),
                                "there is no [metric %s]", l.with[w]);
    }
    for (size_t d = 0; d < at_least_one(l.datas); d++)
        for (size_t b = 0; b < at_least_one(l.batches); b++)
            for (size_t e = 0; e < at_least_one(l.seeds); e++)
                for (size_t i = 0; i < l.saliencies; i++)
                    for (size_t k = 0; k < l.aggregators; k++)
                        for (size_t t = 0; t < at_least_one(l.partitions); t++) {
                            const char *metric;

                            at = (struct cell){l.saliency[i],  l.aggregator[k], nth(l.partition, t),
                                               nth(l.seed, e), nth(l.batch, b), nth(l.data, d)};
                            metric = add_metric(c, &l, &at);
                            TRY(add_scores(c, r, &l, &at, metric, err));
                        }
    return TCET_OK;
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
