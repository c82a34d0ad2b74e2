/* settings.c -- see settings.h.  Room: core/search. */
#include "search/settings.h"

#include "base/names.h"
#include "base/text.h"
#include "plan/presets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EVALUATIONS = 1000, WINDOW_MOST = 256, SEEDS_MOST = 10000 };
#define BUDGET_MOST INT64_C(1000000000000) /* times so many seeds is an int64_t too */

const char *const SEARCH_COUNT_NAMES[SEARCH_COUNTS + 1] = {"layers", "size", "flops",
                                                           "params", "macs", NULL};

/* -- objectives --------------------------------------------------------------------------- */

static tcet_status read_objective(struct search_settings *s, const struct config_key *k,
                                  const char *text, struct error *err)
{
    struct search_objective *o = &s->objective[s->objective_count];
    char hint[128];

    if (s->objective_count == SEARCH_OBJECTIVES)
        return config_error(err, k, "%s: more than %d objectives", k->name, SEARCH_OBJECTIVES);
    *o = (struct search_objective){.key = k, .smaller = *text == '-'};
    o->written = o->name = arena_strdup(&s->arena, text + o->smaller);
    if (!strcmp(o->name, "noise")) {
        o->source = SEARCH_NOISE;
    } else if (!strncmp(o->name, "column:", 7)) {
        o->source = SEARCH_TABLE;
        o->name += 7;
    } else if (!strncmp(o->name, "count:", 6)) {
        o->source = SEARCH_COUNT;
        o->name += 6;
        if (!names_has(SEARCH_COUNT_NAMES, SEARCH_COUNTS, o->name))
            return config_error(
                err, k,
                "%s: there is no count \"%.80s\"%s; counts: layers, size, flops, "
                "params, macs",
                k->name, o->name,
                text_suggest(hint, sizeof hint, o->name, SEARCH_COUNT_NAMES, SEARCH_COUNTS));
    }
    if (!*o->name)
        return config_error(err, k,
                            "%s = \"%.80s\": expected a metric or score, column:NAME of the "
                            "[benchmark] table, count:NAME, or noise",
                            k->name, k->value);
    s->objective_count++;
    return TCET_OK;
}

static tcet_status read_objectives(const struct config *c, struct search_settings *s,
                                   struct error *err)
{
    const struct config_key *score = config_get(c, "search", "", "score");
    const struct config_key *list = config_get(c, "search", "", "objectives");
    const char *const *names;
    size_t n = list ? text_split(&s->arena, list->value, ',', &names) : 0;

    for (size_t i = 0; i < n; i++)
        TRY(read_objective(s, list, names[i], err));
    if (n && score && *score->value)
        return config_error(err, score,
                            "score and objectives are both given: the first objective "
                            "is the score");
    if (!n && score)
        TRY(read_objective(s, score, score->value, err));
    if (!s->objective_count)
        return error_set(err, TCET_E_ARG,
                         "%s: [search] score is missing: a metric or score of the config, "
                         "column:NAME of the [benchmark] table, count:NAME, or noise",
                         c->path);
    return TCET_OK;
}

/* -- limits ------------------------------------------------------------------------------- */

static tcet_status read_limit(const struct config *c, struct search_settings *s, const char *side,
                              size_t count, double *out, struct error *err)
{
    const char *name = arena_printf(&s->arena, "%s_%s", side, SEARCH_COUNT_NAMES[count]);
    const struct config_key *k = config_get(c, "search", "", name);

    if (!k || !*k->value)
        return TCET_OK;
    if (text_to_f64(k->value, out) < 0 || !isfinite(*out) || *out < 0)
        return config_error(err, k, "%s = \"%.80s\": expected a number from 0; empty: no limit",
                            name, k->value);
    return TCET_OK;
}

static tcet_status read_limits(const struct config *c, struct search_settings *s, struct error *err)
{
    for (size_t i = 0; i < SEARCH_COUNTS; i++) {
        struct search_limit *l = &s->limit[i];

        *l = (struct search_limit){-INFINITY, INFINITY};
        TRY(read_limit(c, s, "min", i, &l->min, err));
        TRY(read_limit(c, s, "max", i, &l->max, err));
        if (l->min > l->max)
            return config_error(
                err,
                config_get(c, "search", "",
                           arena_printf(&s->arena, "min_%s", SEARCH_COUNT_NAMES[i])),
                "min_%s is above max_%s: nothing can be within", SEARCH_COUNT_NAMES[i],
                SEARCH_COUNT_NAMES[i]);
    }
    return TCET_OK;
}

/* -- the rest ----------------------------------------------------------------------------- */

/* ranks = reference:N | history */
static tcet_status read_ranks(const struct config *c, struct search_settings *s, struct error *err)
{
    const struct config_key *k = config_get(c, "search", "", "ranks");
    const char *text = k ? k->value : "reference:500";

    if (!strcmp(text, "history")) {
        s->ranks = RANKS_HISTORY;
        return TCET_OK;
    }
    if (!strncmp(text, "reference:", 10) && text_to_i64(text + 10, &s->reference) == 0 &&
        s->reference >= 2 && s->reference <= 100000)
        return TCET_OK;
    return config_error(err, k,
                        "ranks = \"%.80s\": expected history, or reference:N with N from 2 to "
                        "100000",
                        text);
}

/* hypervolume_from = A, B: the worst of two objectives. */
static tcet_status read_from(const struct config *c, struct search_settings *s, struct error *err)
{
    const struct config_key *k = config_get(c, "search", "", "hypervolume_from");
    const char *const *part;
    size_t n = k ? text_split(&s->arena, k->value, ',', &part) : 0;

    if (!n)
        return TCET_OK;
    s->has_from = n == 2 && s->objective_count == 2 && text_to_f64(part[0], &s->from[0]) == 0 &&
                  text_to_f64(part[1], &s->from[1]) == 0;
    return s->has_from ? TCET_OK
                       : config_error(err, k,
                                      "hypervolume_from = \"%.80s\": expected two numbers, one for "
                                      "each of two objectives",
                                      k->value);
}

static tcet_status read_budget(const struct config *c, struct search_settings *s, struct error *err)
{
    int64_t usual = config_get(c, "search", "", "iterations") ? 0 : EVALUATIONS;

    TRY(config_i64(c, "search", "", "evaluations", usual, 0, BUDGET_MOST, &s->evaluations, err));
    TRY(config_i64(c, "search", "", "iterations", 0, 0, BUDGET_MOST, &s->iterations, err));
    TRY(config_i64(c, "search", "", "patience", 0, 0, BUDGET_MOST, &s->patience, err));
    TRY(config_i64(c, "search", "", "time", 0, 0, INT32_MAX, &s->seconds, err));
    if (s->evaluations || s->iterations || s->patience || s->seconds ||
        !strcmp(s->strategy, "exhaustive"))
        return TCET_OK;
    return error_set(err, TCET_E_ARG,
                     "%s: [search] never ends: give evaluations, iterations, patience or time",
                     c->path);
}

static tcet_status read_all(const struct config *c, struct search_settings *s, struct error *err)
{
    static const char *const rejects[] = {"count", "redraw", NULL};
    static const char *const repeats[] = {"reuse", "score", NULL};
    const struct config_key *warm = config_get(c, "search", "", "warm");

    if (!config_section(c, "search", ""))
        return error_set(err, TCET_E_ARG, "%s: there is no [search]; `tcet-host help search`",
                         c->path);
    s->strategy_key = config_get(c, "search", "", "strategy");
    s->strategy = s->strategy_key ? s->strategy_key->value : "evolution";
    s->warm = warm && *warm->value ? warm : NULL;
    TRY(read_objectives(c, s, err));
    TRY(read_limits(c, s, err));
    TRY(read_budget(c, s, err));
    TRY(config_choice(c, "search", "", "reject", rejects, 0, &s->redraw, err));
    TRY(config_choice(c, "search", "", "repeat", repeats, 0, &s->again, err));
    TRY(config_i64(c, "search", "", "window", 8, 1, WINDOW_MOST, &s->window, err));
    TRY(config_i64(c, "search", "", "top", 10, 1, 10000, &s->top, err));
    TRY(config_range(c, "search", "", "seeds", 1, SEEDS_MOST, &s->first_seed, &s->last_seed, err));
    TRY(read_ranks(c, s, err));
    return read_from(c, s, err);
}

tcet_status search_settings_read(const struct config *c, struct search_settings *out,
                                 struct error *err)
{
    tcet_status st;

    memset(out, 0, sizeof *out);
    st = read_all(c, out, err);
    if (st < 0)
        arena_free(&out->arena);
    return st;
}

void search_settings_free(struct search_settings *s)
{
    arena_free(&s->arena);
}

size_t search_seed_count(const struct search_settings *s)
{
    return (size_t)(s->last_seed - s->first_seed + 1);
}

const char *const *search_seed_texts(const struct search_settings *s, struct arena *a)
{
    size_t n = search_seed_count(s);
    const char **texts = arena_alloc(a, n * sizeof *texts);

    for (size_t i = 0; i < n; i++)
        texts[i] = arena_printf(a, "%lld", (long long)s->first_seed + (long long)i);
    return texts;
}

int search_needs_workers(const struct search_settings *s)
{
    for (size_t i = 0; i < s->objective_count; i++) {
        if (s->objective[i].source == SEARCH_COLUMN)
            return 1;
    }
    return 0;
}

/* -- what of the config is needed --------------------------------------------------------- */

static int is_column(const struct config_section *s)
{
    return !strcmp(s->kind, "metric") || !strcmp(s->kind, "score");
}

/* Adds the sections behind a name; those that a score joins too. */
static void need(const struct config *c, const char *name, struct arena *a, const char **names,
                 size_t *count)
{
    const struct config_key *metrics = config_get(c, "score", name, "metrics");
    const char *const *parts;
    size_t n = metrics ? text_split(a, metrics->value, ',', &parts) : 0;

    if (names_has(names, *count, name) || *count == c->section_count)
        return;
    if (!config_section(c, "metric", name) && !config_section(c, "score", name))
        return;
    names[(*count)++] = name;
    for (size_t i = 0; i < n; i++)
        need(c, parts[i], a, names, count);
}

/* The names of all sections that the objectives need, and the proxies that stand in no section. */
static tcet_status find_needed(const struct config *c, const struct search_settings *s,
                               struct arena *a, const char **names, size_t *count,
                               struct buf *proxies, struct error *err)
{
    for (size_t i = 0; i < s->objective_count; i++) {
        const struct search_objective *o = &s->objective[i];
        struct buf text = {0};

        if (o->source != SEARCH_COLUMN)
            continue;
        if (config_section(c, "metric", o->name) || config_section(c, "score", o->name)) {
            need(c, o->name, a, names, count);
            continue;
        }
        if (presets_text(o->name, &text, err) < 0)
            return config_error(err, o->key,
                                "\"%.80s\" is no metric or score of the config, and %s", o->name,
                                arena_strdup(a, err->text));
        buf_free(&text);
        buf_printf(proxies, "%s%s", proxies->len ? ", " : "", o->name);
    }
    return TCET_OK;
}

/* Cells of an ablation have names of their own making. */
tcet_status search_prune(struct config *c, const struct search_settings *s, struct error *err)
{
    struct arena a = {0};
    const char **names = arena_alloc(&a, (c->section_count + 1) * sizeof *names);
    const struct config_key *from = s->objective[0].key;
    size_t count = 0, kept = 0;
    struct buf proxies = {0};
    tcet_status st = TCET_OK;

    if (config_section(c, "ablation", ""))
        return TCET_OK;
    st = find_needed(c, s, &a, names, &count, &proxies, err);
    for (size_t i = 0; i < c->section_count && st >= 0; i++) {
        struct config_section *section = c->sections[i];

        if (is_column(section) && !names_has(names, count, section->name))
            c->key_count -= section->key_count;
        else
            c->sections[kept++] = section;
    }
    if (st >= 0) {
        c->section_count = kept;
        if (proxies.len || config_get(c, "run", "", "proxy"))
            config_put(c, "run", "", "proxy", proxies.len ? proxies.data : "", from->file,
                       from->dir, from->line);
    }
    buf_free(&proxies);
    arena_free(&a);
    return st;
}
