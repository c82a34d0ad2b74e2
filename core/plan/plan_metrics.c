/* plan_metrics.c -- metrics, scores, and the distinct passes they need (plan.h).
 * Room: core/plan. */
#include "plan/plan_parts.h"

#include "base/names.h"
#include "base/text.h"
#include "plan/expand.h"
#include "plugin/calls.h"
#include "plugin/request.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Saliencies and passes -------------------------------------------------------------- */

/* Noise has as many images as are asked for. */
static int draws_images(const tcet_pass *a)
{
    return a->input == TCET_INPUT_GAUSSIAN || a->input == TCET_INPUT_MIXUP;
}

/* What a pass asks of the space and of its mini-batches of so many images. */
static tcet_status check_images(const struct plan *p, const tcet_pass *a, const char *id,
                                int64_t batch, const struct config_section *metric,
                                struct error *err)
{
    if (a->network == TCET_NETWORK_THIN && !OPS(tcet_space_ops, p->space)->build_thin)
        return config_section_error(
            err, metric,
            "saliency %s wants the thin network of an architecture, which space %s does not build; "
            "set saliency.network = full",
            id, p->space->plugin->desc.id);
    if (a->samples && !draws_images(a) &&
        (a->samples > batch || (a->samples < batch && a->batches > 1))) /* they are contiguous */
        return config_section_error(
            err, metric,
            "saliency %s wants %u images of a mini-batch of %lld: set batch = %u in [metric %s]",
            id, a->samples, (long long)batch, a->samples, metric->name);
    if (a->source == TCET_SOURCE_PARTS && a->batches && batch % a->batches)
        return config_section_error(
            err, metric, "saliency %s wants %u parts, which do not divide the batch of %lld", id,
            a->batches, (long long)batch);
    return TCET_OK;
}

/* What a saliency asked for, and whether this space and these mini-batches can give it. */
static tcet_status check_asked(struct plan *p, const struct plan_saliency *s,
                               const struct config_section *metric, struct error *err)
{
    const char *id = s->instance->plugin->desc.id;
    int has_shape = OPS(tcet_saliency_ops, s->instance)->shape != NULL;
    tcet_status st = request_check(&s->request, &s->asked, has_shape, err);

    if (st < 0) {
        config_section_error(err, metric, "saliency %s: %s", id,
                             arena_strdup(&p->arena, err->text));
        return err->status = st;
    }
    return check_images(p, &s->asked, id, p->data[s->data].batch, metric, err);
}

/* Fills in what describe() left open, and drops what makes no difference, so that equal
 * needs have equal passes. */
static void normalise(struct plan *p, struct plan_saliency *s)
{
    tcet_pass *a = &s->asked;
    struct plan_data *d = &p->data[s->data];
    int needs_pass = request_needs_pass(&s->request);

    pass_fill(a);
    if (a->batches == 1)
        a->source = TCET_SOURCE_LOADER;
    if (a->samples == d->batch)
        a->samples = 0;
    if (a->precision == TCET_PRECISION_RUN)
        a->precision = p->precision;
    if (!needs_pass || a->input == TCET_INPUT_ONES)
        s->data = 0;
    if (!needs_pass)
        s->seed = 0;
    if (needs_pass && a->input == TCET_INPUT_BATCH && a->source == TCET_SOURCE_LOADER &&
        a->batches > d->batches)
        d->batches = a->batches;
}

/* Index of the saliency with this plugin, parameters, seed and data, made when it is new. */
static tcet_status add_saliency(struct plan *p, const struct plugin *plugin,
                                const struct config_section *section, uint64_t seed, int data,
                                int *out, struct error *err)
{
    struct plan_saliency *s = &p->saliencies[p->saliency_count];
    struct instance *i;
    tcet_status st;

    TRY(plan_make_instance(p, plugin, section, "saliency.", NULL, 0, &i, err));
    *s = (struct plan_saliency){
        .instance = i, .key = plan_instance_key(p, i), .pass = -1, .seed = seed, .data = data};
    request_init(&s->request, &s->asked);
    st = saliency_describe(i, &s->request, err);
    if (st >= 0)
        st = check_asked(p, s, section, err);
    if (st < 0) {
        instance_free(i);
        return st;
    }
    normalise(p, s);
    for (size_t k = 0; k < p->saliency_count; k++) {
        const struct plan_saliency *o = &p->saliencies[k];

        if (!strcmp(o->key, s->key) && o->seed == s->seed && o->data == s->data) {
            instance_free(i);
            *out = (int)k;
            return TCET_OK;
        }
    }
    *out = (int)p->saliency_count++;
    return TCET_OK;
}

static const char *saliency_reason(struct plan *p, int saliency)
{
    struct buf b = {0};
    const char *text;

    for (size_t m = 0; m < p->metric_count; m++) {
        if (p->metrics[m].saliency == saliency)
            buf_printf(&b, "%s%s", b.len ? ", " : "", p->metrics[m].name);
    }
    text = arena_printf(&p->arena, "%s (%s)", p->saliencies[saliency].instance->plugin->desc.id,
                        b.len ? b.data : "");
    buf_free(&b);
    return text;
}

/* Exchanges pass k and the one after it. */
static void swap_passes(struct plan *p, size_t k)
{
    struct plan_pass at = p->passes[k];

    p->passes[k] = p->passes[k + 1];
    p->passes[k + 1] = at;
    for (size_t i = 0; i < p->saliency_count; i++) {
        int *pass = &p->saliencies[i].pass;

        *pass = *pass == (int)k ? (int)k + 1 : *pass == (int)k + 1 ? (int)k : *pass;
    }
}

static int shares_forward(const struct plan_pass *a, const struct plan_pass *b)
{
    return a->seed == b->seed && a->data == b->data && pass_same_forward(&a->pass, &b->pass);
}

/* Brings passes of one forward together, the one that wants most first: what its backward
 * reads of the forward, the others' read too. */
static void group_passes(struct plan *p)
{
    for (size_t k = 0; k < p->pass_count; k++) {
        size_t first = 0, to;

        while (!shares_forward(&p->passes[first], &p->passes[k]))
            first++;
        to = first;
        while (to < k && shares_forward(&p->passes[to], &p->passes[k]) &&
               __builtin_popcount(p->passes[to].wants) >= __builtin_popcount(p->passes[k].wants))
            to++;
        for (size_t at = k; at > to; at--)
            swap_passes(p, at - 1);
    }
    for (size_t k = 0; k < p->pass_count; k++) {
        int together = k > 0 && shares_forward(&p->passes[k - 1], &p->passes[k]);

        p->passes[k].forward = together ? p->passes[k - 1].forward : (int)k;
    }
}

/* Does this round of plan_merge_passes, from the largest to the smallest, take the request? */
static int in_round(const tcet_pass *asked, int round)
{
    return round == (asked->hvp ? 2 : asked->loss != TCET_LOSS_NONE);
}

/* What a backend refuses has a place in the config: the first metric that asks for the pass. */
static tcet_status pass_error(struct plan *p, int pass, struct error *err)
{
    tcet_status st = err->status;
    size_t m = 0;

    while (p->saliencies[p->metrics[m].saliency].pass != pass)
        m++;
    config_section_error(err, config_section(p->config, "metric", p->metrics[m].name), "%s: %s",
                         p->passes[pass].reasons, arena_strdup(&p->arena, err->text));
    return err->status = st;
}

/* Distinct passes: larger ones first, so that smaller requests find what covers them. */
tcet_status plan_merge_passes(struct plan *p, struct error *err)
{
    p->passes = arena_alloc(&p->arena, p->saliency_count * sizeof *p->passes);
    for (int round = 2; round >= 0; round--) {
        for (size_t i = 0; i < p->saliency_count; i++) {
            struct plan_saliency *s = &p->saliencies[i];
            struct plan_pass *at = NULL;
            const char *why;

            if (!request_needs_pass(&s->request) || !in_round(&s->asked, round))
                continue;
            p->passes_asked++;
            why = saliency_reason(p, (int)i);
            for (size_t k = 0; k < p->pass_count && !at; k++) {
                if (p->passes[k].seed == s->seed && p->passes[k].data == s->data &&
                    pass_covers(&p->passes[k].pass, &s->asked)) {
                    at = &p->passes[k];
                    s->pass = (int)k;
                }
            }
            if (!at) {
                struct buf text = {0};

                s->pass = (int)p->pass_count;
                at = &p->passes[p->pass_count++];
                at->pass = s->asked;
                at->seed = s->seed;
                at->data = s->data;
                pass_text(&at->pass, &text);
                if (s->seed != p->seed)
                    buf_printf(&text, " seed=%llu", (unsigned long long)s->seed);
                if (s->data)
                    buf_printf(&text, " data=%s batch=%lld", p->data[s->data].id,
                               (long long)p->data[s->data].batch);
                if (p->data[s->data].seed != p->data[0].seed)
                    buf_printf(&text, " data_seed=%llu", (unsigned long long)p->data[s->data].seed);
                at->text = arena_strdup(&p->arena, text.data);
                buf_free(&text);
            }
            at->sites |= s->request.sites;
            at->wants |= s->request.wants;
            at->reasons = at->reasons ? arena_printf(&p->arena, "%s, %s", at->reasons, why) : why;
        }
    }
    group_passes(p);
    for (size_t k = 0; k < p->pass_count; k++) {
        struct plan_pass *at = &p->passes[k];

        if (backend_supports(p->backend, &at->pass, at->sites, at->wants, err) < 0)
            return pass_error(p, (int)k, err);
    }
    return TCET_OK;
}

/* -- Metrics and scores ----------------------------------------------------------------- */

/* A combination that cannot be, as against one that is misspelt: a cell of an ablation is
 * skipped for it. */
static tcet_status impossible(struct error *err, tcet_status st)
{
    return err->status = st < 0 ? TCET_E_UNSUPPORTED : st;
}

static tcet_status check_name(const struct plan *p, const struct config_section *s,
                              struct error *err)
{
    for (const char *c = s->name; *c; c++) {
        if (strchr(",\"'\\;#[]{}()= \t", *c))
            return config_section_error(err, s, "the name \"%s\" may not hold \"%c\"", s->name, *c);
    }
    for (size_t i = 0; i < p->column_count; i++) {
        if (!strcmp(p->columns[i].name, s->name))
            return config_section_error(err, s, "the name \"%s\" is taken by another %s", s->name,
                                        p->columns[i].is_score ? "score" : "metric");
    }
    return TCET_OK;
}

/* Whose layers a saliency's are. */
static enum result_layered layers_of(const struct plan *p, int saliency)
{
    const struct plan_saliency *s = &p->saliencies[saliency];

    return s->request.sites == TCET_SITE_WEIGHT && s->asked.network == TCET_NETWORK_FULL
               ? RESULT_ROW_LAYERS
               : RESULT_OTHER_LAYERS;
}

static struct result_column *add_column(struct plan *p, const char *name, int is_score,
                                        size_t index)
{
    struct result_column *c = &p->columns[p->column_count++];

    c->name = name;
    c->is_score = is_score;
    c->index = (int)index;
    return c;
}

/* The section of this kind that was meant, where a --set made one by a misspelt name. */
static const char *meant_section(const struct plan *p, const struct config_section *s, char *hint,
                                 size_t cap)
{
    const char **names = mem_alloc((p->config->section_count + 1) * sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < p->config->section_count; i++) {
        const struct config_section *o = p->config->sections[i];

        if (o != s && !strcmp(o->kind, s->kind) && !expand_made(p->config, o))
            names[n++] = o->name;
    }
    text_suggest(hint, cap, s->name, names, n);
    free(names);
    return hint;
}

static const struct config_key *required(const struct plan *p, const struct config_section *s,
                                         const char *key, const char *what, struct error *err)
{
    const struct config_key *k = config_get(p->config, s->kind, s->name, key);
    char hint[128];

    if (!k)
        config_section_error(err, s, "[%s %s] has no \"%s =\"; it names %s%s", s->kind, s->name,
                             key, what, s->line ? "" : meant_section(p, s, hint, sizeof hint));
    return k;
}

static const char *const METRIC_KEYS[] = {"saliency", "aggregator", "partition", "seed",
                                          "batch",    "data",       "data_seed"};

/* The relative rounding of the numbers that S^l is computed in. */
static double epsilon_of(const struct plan_saliency *s)
{
    int f32 = s->request.pass && s->asked.precision == TCET_PRECISION_F32;

    return f32 ? FLT_EPSILON : DBL_EPSILON;
}

tcet_status plan_add_metric(struct plan *p, const struct config_section *s, struct error *err)
{
    static const char *const partitions[] = {"layer", "network", NULL};
    static const char *const forms[] = {"vector", "rows", "kernel", "scalar", "custom"};
    static const char *const given[] = {"a vector", "rows", "a kernel", "a scalar",
                                        "a form of its own"};
    struct plan_metric *m = &p->metrics[p->metric_count];
    const struct config_key *saliency, *aggregator;
    const tcet_aggregator_ops *ops;
    struct plugin *plugin;
    const tcet_request *r;
    int64_t seed;
    int data;

    TRY(check_name(p, s, err));
    for (size_t i = 0; i < s->key_count; i++) {
        const char *name = s->keys[i]->name;
        char hint[128];

        if (!names_has(METRIC_KEYS, TCET_COUNT(METRIC_KEYS), name) &&
            strncmp(name, "saliency.", 9) && strncmp(name, "aggregator.", 11))
            return config_error(
                err, s->keys[i],
                "[metric %s] has no key \"%s\"%s; keys: saliency, aggregator, "
                "partition, seed, batch, data, data_seed, saliency.KEY, aggregator.KEY",
                s->name, name,
                config_key_hint(hint, sizeof hint, name, METRIC_KEYS, TCET_COUNT(METRIC_KEYS)));
    }
    m->name = s->name;
    if (!(saliency = required(p, s, "saliency", "a saliency plugin", err)) ||
        !(aggregator = required(p, s, "aggregator", "an aggregator plugin", err)))
        return err->status;
    TRY(plan_find_plugin(p, TCET_SALIENCY, saliency, NULL, &plugin, err));
    TRY(config_i64(p->config, "metric", s->name, "seed", (int64_t)p->seed, 0, INT64_MAX, &seed,
                   err));
    TRY(plan_metric_data(p, s, &data, err));
    TRY(add_saliency(p, plugin, s, (uint64_t)seed, data, &m->saliency, err));
    TRY(plan_find_plugin(p, TCET_AGGREGATOR, aggregator, NULL, &plugin, err));
    TRY(plan_make_instance(p, plugin, s, "aggregator.", NULL, 0, &m->aggregator, err));
    TRY(config_choice(p->config, "metric", s->name, "partition", partitions, 0, &m->network, err));
    r = &p->saliencies[m->saliency].request;
    ops = OPS(tcet_aggregator_ops, m->aggregator);
    if (ops->forms && !(ops->forms & TCET_FORM_BIT(r->form))) {
        struct buf want = {0};
        tcet_status st;

        for (uint32_t f = 0; f < TCET_COUNT(forms); f++) {
            if (ops->forms & TCET_FORM_BIT(f))
                buf_printf(&want, "%s%s", want.len ? " or " : "", forms[f]);
        }
        st = config_error(
            err, aggregator, "aggregator %s reduces a saliency matrix of form %s, but %s gives %s",
            plugin->desc.id, want.len ? want.data : "unknown", saliency->value, given[r->form]);
        buf_free(&want);
        instance_free(m->aggregator);
        return impossible(err, st);
    }
    m->aggregator->cx.epsilon = epsilon_of(&p->saliencies[m->saliency]);
    if (m->network)
        p->saliencies[m->saliency].keep = 1;
    m->direction = OPS(tcet_saliency_ops, p->saliencies[m->saliency].instance)->direction *
                   (ops->direction ? ops->direction : 1);
    m->column = (int)p->column_count;
    add_column(p, m->name, 0, p->metric_count)->layered =
        m->network ? RESULT_NO_LAYERS : layers_of(p, m->saliency);
    p->metric_count++;
    return TCET_OK;
}

/* Index of the column that a [score] names, or -1 with an error. */
static int find_column(const struct plan *p, const struct config_key *k, const char *name,
                       struct error *err)
{
    const char **names = mem_alloc((p->column_count + 1) * sizeof *names);
    char hint[128];
    int at = -1;

    for (size_t i = 0; i < p->column_count; i++) {
        names[i] = p->columns[i].name;
        if (!strcmp(names[i], name))
            at = (int)i;
    }
    for (size_t i = 0; at < 0 && i < p->skip_count; i++) {
        if (!strcmp(p->skips[i].name, name)) {
            impossible(err, config_error(err, k, "metric %s is skipped", name));
            free(names);
            return -1;
        }
    }
    if (at < 0)
        config_error(err, k, "there is no metric \"%s\"%s; a score joins metrics%s", name,
                     text_suggest(hint, sizeof hint, name, names, p->column_count),
                     " (or scores that stand above it)");
    free(names);
    return at;
}

static const char *const SCORE_KEYS[] = {"combiner", "metrics", "aggregator"};

static tcet_status resolve_inputs(struct plan *p, struct plan_score *sc,
                                  const struct config_key *list, struct error *err)
{
    const char *const *names;
    size_t n = text_split(&p->arena, list->value, ',', &names);
    int *inputs = arena_alloc(&p->arena, (n + 1) * sizeof *inputs);

    for (size_t i = 0; i < n; i++) {
        inputs[i] = find_column(p, list, names[i], err);
        if (inputs[i] < 0)
            return err->status;
        if (p->columns[inputs[i]].population)
            return config_error(err, list,
                                "\"%s\" is a score of the whole population and cannot be an input",
                                names[i]);
        if (p->columns[inputs[i]].is_score && sc->scope < TCET_SCOPE_NETWORK)
            return config_error(
                err, list, "%s \"%s\" is a score; %s",
                sc->combiner ? sc->combiner->plugin->desc.id : "a renamed metric:", names[i],
                sc->combiner ? "this combiner joins metrics layer by layer"
                             : "only a metric can be renamed");
    }
    sc->inputs = inputs;
    sc->input_count = n;
    return TCET_OK;
}

/* A parameter-scope combiner takes S^l of equal shapes, and an aggregator for the result. */
static tcet_status parameter_scope(struct plan *p, struct plan_score *sc,
                                   const struct config_section *s, struct error *err)
{
    const struct config_key *k = required(p, s, "aggregator", "what reduces the combined S^l", err);
    struct plugin *plugin;

    if (!k)
        return err->status;
    TRY(plan_find_plugin(p, TCET_AGGREGATOR, k, NULL, &plugin, err));
    TRY(plan_make_instance(p, plugin, s, "aggregator.", NULL, 0, &sc->aggregator, err));
    for (size_t i = 0; i < sc->input_count; i++) {
        struct plan_saliency *in =
            &p->saliencies[p->metrics[p->columns[sc->inputs[i]].index].saliency];

        in->keep = 1;
        sc->aggregator->cx.epsilon = fmax(sc->aggregator->cx.epsilon, epsilon_of(in));
    }
    return TCET_OK;
}

tcet_status plan_add_score(struct plan *p, const struct config_section *s, struct error *err)
{
    struct plan_score *sc = &p->scores[p->score_count];
    const struct config_key *list, *combiner = config_get(p->config, "score", s->name, "combiner");
    const tcet_combiner_ops *ops = NULL;
    struct result_column *column;
    struct plugin *plugin;

    TRY(check_name(p, s, err));
    sc->name = s->name;
    if (!(list = required(p, s, "metrics", "the metrics it joins", err)))
        return err->status;
    if (combiner) {
        TRY(plan_find_plugin(p, TCET_COMBINER, combiner, NULL, &plugin, err));
        TRY(plan_make_instance(p, plugin, s, "", SCORE_KEYS, TCET_COUNT(SCORE_KEYS), &sc->combiner,
                               err));
        ops = OPS(tcet_combiner_ops, sc->combiner);
        sc->scope = ops->scope;
    }
    TRY(resolve_inputs(p, sc, list, err));
    if (!combiner && sc->input_count != 1)
        return config_section_error(
            err, s,
            "[score %s] joins %zu metrics but has no \"combiner =\"; `tcet-host list "
            "combiners` shows the choices",
            s->name, sc->input_count);
    if (!combiner && s->key_count > 1)
        return config_error(err, s->keys[!strcmp(s->keys[0]->name, "metrics")],
                            "[score %s] renames a metric and takes no key but \"metrics\"",
                            s->name);
    if (ops) {
        int64_t least = ops->min_metrics ? ops->min_metrics : 2;

        if ((int64_t)sc->input_count < least ||
            (ops->max_metrics && (int64_t)sc->input_count > ops->max_metrics))
            return impossible(
                err, config_error(err, list, "combiner %s joins %s%lld metrics; %zu given",
                                  plugin->desc.id, ops->max_metrics == least ? "" : "at least ",
                                  (long long)least, sc->input_count));
        if (sc->scope == TCET_SCOPE_PARAMETER)
            TRY(parameter_scope(p, sc, s, err));
        for (size_t i = 0; sc->scope != TCET_SCOPE_PARAMETER && i < s->key_count; i++) {
            if (!strncmp(s->keys[i]->name, "aggregator", 10))
                return config_error(err, s->keys[i],
                                    "combiner %s joins numbers and takes no aggregator",
                                    plugin->desc.id);
        }
        for (size_t i = 0; sc->scope == TCET_SCOPE_LAYER && i < sc->input_count; i++) {
            if (p->metrics[p->columns[sc->inputs[i]].index].network)
                return impossible(
                    err, config_error(err, list,
                                      "combiner %s joins layer by layer, but metric %s has "
                                      "partition = network",
                                      plugin->desc.id, p->columns[sc->inputs[i]].name));
        }
    }
    sc->direction = ops && ops->direction ? ops->direction : p->columns[sc->inputs[0]].direction;
    sc->column = (int)p->column_count;
    column = add_column(p, sc->name, 1, p->score_count);
    column->population = sc->scope == TCET_SCOPE_POPULATION;
    column->layered = sc->scope == TCET_SCOPE_PARAMETER
                          ? layers_of(p, p->metrics[p->columns[sc->inputs[0]].index].saliency)
                          : RESULT_NO_LAYERS;
    column->inputs = sc->inputs;
    column->input_count = sc->input_count;
    p->score_count++;
    return TCET_OK;
}
