/* plan.c -- see plan.h: the steps from a config to a plan.  Room: core/plan. */
#include "plan/plan_parts.h"

#include "base/sha256.h"
#include "base/names.h"
#include "base/text.h"

#include "num/linalg.h"
#include "plan/expand.h"
#include "plan/presets.h"
#include "plugin/calls.h"

#include <stdlib.h>
#include <string.h>

static tcet_status open_registry(struct plan *p, struct error *err)
{
    struct config_key *k = config_get(p->config, "plugins", "", "path");
    const char *const *parts = NULL, **dirs;
    size_t n = k ? text_split(&p->arena, k->value, ':', &parts) : 0;
    struct buf joined = {0};

    dirs = arena_alloc(&p->arena, (n + 1) * sizeof *dirs);
    for (size_t i = 0; i < n; i++) {
        struct config_key part = *k;

        part.value = parts[i];
        dirs[i] = config_path(&p->arena, &part);
        buf_printf(&joined, "%s%s", i ? ":" : "", dirs[i]);
    }
    if (k) /* the resolved config is read from another folder */
        config_replace(k, joined.len ? joined.data : "");
    buf_free(&joined);
    if (registry_open(dirs, n, &p->registry, err) < 0)
        return config_error_at(err, k);
    return TCET_OK;
}

/* Adds one section; a cell that an ablation made and that cannot be is noted and left out. */
static tcet_status add_section(struct plan *p, const struct config_section *s, struct error *err)
{
    int is_metric = !strcmp(s->kind, "metric");
    size_t saliencies = p->saliency_count;
    const char *reason;
    tcet_status st = is_metric ? plan_add_metric(p, s, err) : plan_add_score(p, s, err);

    if (st != TCET_E_UNSUPPORTED || !expand_made(p->config, s))
        return st;
    while (p->saliency_count > saliencies)
        instance_free(p->saliencies[--p->saliency_count].instance);
    if (!is_metric) {
        instance_free(p->scores[p->score_count].combiner);
        instance_free(p->scores[p->score_count].aggregator);
        p->scores[p->score_count] = (struct plan_score){.name = NULL};
    }
    reason = strstr(err->text, ": "); /* without the place: that of a whole list */
    p->skips[p->skip_count++] =
        (struct plan_skip){s->name, arena_strdup(&p->arena, reason ? reason + 2 : err->text)};
    return TCET_OK;
}

static tcet_status add_sections(struct plan *p, struct error *err)
{
    static const char *const kinds[] = {"metric", "score"};
    size_t n = p->config->section_count;

    p->columns = arena_alloc(&p->arena, (n + 1) * sizeof *p->columns);
    p->metrics = arena_alloc(&p->arena, (n + 1) * sizeof *p->metrics);
    p->saliencies = arena_alloc(&p->arena, (n + 1) * sizeof *p->saliencies);
    p->scores = arena_alloc(&p->arena, (n + 1) * sizeof *p->scores);
    p->skips = arena_alloc(&p->arena, (n + 1) * sizeof *p->skips);
    for (size_t k = 0; k < TCET_COUNT(kinds); k++) {
        for (size_t i = 0; i < n; i++) {
            if (!strcmp(p->config->sections[i]->kind, kinds[k]))
                TRY(add_section(p, p->config->sections[i], err));
        }
    }
    if (!p->column_count)
        return error_set(err, TCET_E_ARG,
                         "%s: nothing to compute; add a section such as [metric snip] with "
                         "saliency = snip and aggregator = sum",
                         p->config->path);
    return TCET_OK;
}

/* What the summary ranks by: the last score that the config spells out, else its last metric,
 * else the last cell; of repeated ones the mean. */
static void choose_main(struct plan *p)
{
    const char *mean;
    int best = -1, rank = 0;

    for (size_t i = 0; i < p->column_count; i++) {
        const struct result_column *c = &p->columns[i];
        const struct config_section *s =
            config_section(p->config, c->is_score ? "score" : "metric", c->name);
        int written = s && !expand_made(p->config, s);
        int this_rank = written ? 2 + c->is_score : !strchr(c->name, '@');

        if (this_rank >= rank) {
            best = (int)i;
            rank = this_rank;
        }
    }
    p->main_column = best;
    mean = arena_printf(&p->arena, "%s@mean", p->columns[best].name);
    for (size_t i = 0; i < p->column_count; i++) {
        if (!strcmp(p->columns[i].name, mean))
            p->main_column = (int)i;
    }
}

/* [saliency ID] and the like set defaults; the plugin must exist. */
static tcet_status check_defaults(struct plan *p, struct error *err)
{
    for (size_t i = 0; i < p->config->section_count; i++) {
        const struct config_section *s = p->config->sections[i];
        tcet_kind kind = kind_from_name(s->kind);
        const struct plugin_info *info;
        struct bindings b = {.count = 0};

        if (kind != TCET_SALIENCY && kind != TCET_AGGREGATOR && kind != TCET_COMBINER &&
            kind != TCET_DATASET && kind != TCET_STRATEGY)
            continue;
        if (registry_find(p->registry, kind, s->name, &info, err) < 0)
            return config_section_error_at(err, s);
        TRY(plan_bind_section(&b, s, "", NULL, 0, err));
        TRY(params_check(info, b.item, b.count, arena_printf(&p->arena, "%s %s", s->kind, s->name),
                         err));
    }
    return TCET_OK;
}

/* [reference] and the like have a number, WHAT, for columns alone. */
static tcet_status check_reference(const struct plan *p, const char *kind, const char *what,
                                   struct error *err)
{
    const struct config_section *s = config_section(p->config, kind, "");
    const char **names = mem_alloc((p->column_count + 1) * sizeof *names);
    char hint[128];
    double value;

    err->status = TCET_OK;
    for (size_t i = 0; i < p->column_count; i++)
        names[i] = p->columns[i].name;
    for (size_t i = 0; s && i < s->key_count && err->status >= 0; i++) {
        const struct config_key *k = s->keys[i];

        if (!names_has(names, p->column_count, k->name))
            config_error(err, k, "[%s] names \"%s\", which is neither a metric nor a score%s", kind,
                         k->name, text_suggest(hint, sizeof hint, k->name, names, p->column_count));
        else if (text_to_f64(k->value, &value) < 0)
            config_error(err, k, "%s = \"%.80s\": expected a number, %s", k->name, k->value, what);
    }
    free(names);
    return err->status;
}

/* [run] init and init_bias. */
static tcet_status choose_init(struct plan *p, struct error *err)
{
    static const char *const weights[] = {
        "none", "kaiming", "kaiming_fan_out", "xavier", "xavier_linear", "gaussian", "zero", NULL};
    static const char *const biases[] = {"none", "zero", NULL};
    int init;

    TRY(config_choice(p->config, "run", "", "init", weights, 0, &init, err));
    TRY(config_choice(p->config, "run", "", "init_bias", biases, 0, &p->zero_bias, err));
    p->init = (enum graph_init)init;
    p->init_text = init || p->zero_bias ? arena_printf(&p->arena, " init=%s init_bias=%s",
                                                       weights[init], biases[p->zero_bias])
                                        : "";
    return TCET_OK;
}

/* [run] prune and share. */
static tcet_status choose_networks(struct plan *p, struct error *err)
{
    static const char *const prunes[] = {"none", "dead", NULL};
    static const char *const shares[] = {"none", "equal", "canonical", NULL};
    int share;

    TRY(config_choice(p->config, "run", "", "prune", prunes, 0, &p->prune, err));
    TRY(config_choice(p->config, "run", "", "share", shares, SHARE_EQUAL, &share, err));
    p->share = (enum plan_share)share;
    return TCET_OK;
}

static tcet_status make_space(struct plan *p, struct error *err)
{
    int64_t seed;

    TRY(open_registry(p, err));
    TRY(config_i64(p->config, "run", "", "seed", 1, 0, INT64_MAX, &seed, err));
    p->seed = (uint64_t)seed;
    TRY(choose_init(p, err));
    TRY(choose_networks(p, err));
    return plan_open_space(p, err);
}

static tcet_status make(struct plan *p, struct error *err)
{
    static const char *const policies[] = {"keep", "drop", "fail", NULL};
    static const char *const cpus[] = {"same", "any", NULL};
    int64_t in_flight;
    int policy;

    TRY(config_check_sections(p->config, err));
    TRY(make_space(p, err));
    TRY(check_defaults(p, err));
    TRY(config_choice(p->config, "run", "", "on_nonfinite", policies, 0, &policy, err));
    p->nonfinite = (enum plan_nonfinite)policy;
    TRY(config_i64(p->config, "run", "", "in_flight", 1, 1, IN_FLIGHT_MAX, &in_flight, err));
    p->in_flight = (int)in_flight;
    TRY(config_choice(p->config, "run", "", "cpu", cpus, 0, &p->any_cpu, err));
    p->instructions = p->any_cpu ? "any" : "";
    TRY(plan_make_backend(p, err));
    TRY(presets_add(p->config, err));
    TRY(expand_config(p->config, p->registry, err));
    TRY(plan_open_first_data(p, err));
    TRY(add_sections(p, err));
    TRY(check_reference(p, "reference", "a published Kendall tau", err));
    TRY(check_reference(p, "reference_hours", "published hours for the whole space", err));
    TRY(plan_merge_passes(p, err));
    for (size_t i = 0; i < p->data_count; i++)
        TRY(plan_draw_data(p, &p->data[i], err));
    choose_main(p);
    plan_make_keys(p);
    return TCET_OK;
}

/* What a network's training stands on. */
static tcet_status make_train(struct plan *p, struct error *err)
{
    static const char *const cpus[] = {"same", "any", NULL};
    char target[PLAN_TARGET_TEXT];

    TRY(config_check_sections(p->config, err));
    TRY(make_space(p, err));
    if (p->task.target != TCET_TARGET_CLASS)
        return error_set(
            err, TCET_E_UNSUPPORTED,
            "training knows the loss of classes alone, and this task of space %s has %s",
            p->space->plugin->desc.id, plan_target_text(p, p->task.target, target));
    TRY(check_defaults(p, err));
    TRY(choose_init(p, err));
    TRY(config_choice(p->config, "run", "", "cpu", cpus, 0, &p->any_cpu, err));
    p->instructions = p->any_cpu ? "any" : "";
    TRY(plan_make_backend(p, err));
    TRY(plan_open_first_data(p, err));
    p->identity = arena_printf(&p->arena, "space=%s{%s}\ndata=%s{%s} %s\nbackend=%s{%s}\n",
                               p->space->plugin->desc.id, p->space->params_text, p->data[0].id,
                               p->data[0].dataset->params_text, p->data[0].info.identity,
                               p->backend->plugin->desc.id, p->backend->params_text);
    return TCET_OK;
}

static tcet_status make_with(struct config *config,
                             tcet_status (*steps)(struct plan *p, struct error *err),
                             struct plan **out, struct error *err)
{
    struct plan *p = mem_alloc(sizeof *p);
    tcet_status st;

    p->config = config;
    st = steps(p, err);
    if (st < 0) {
        plan_free(p);
        return st;
    }
    *out = p;
    return TCET_OK;
}

tcet_status plan_make(struct config *config, struct plan **out, struct error *err)
{
    return make_with(config, make, out, err);
}

tcet_status plan_make_space(struct config *config, struct plan **out, struct error *err)
{
    return make_with(config, make_space, out, err);
}

tcet_status plan_make_train(struct config *config, struct plan **out, struct error *err)
{
    return make_with(config, make_train, out, err);
}

/* What this machine's processor, and the environment, make of a choice that numbers depend on: the
 * backend's, and that of the linear algebra which plugins ask the host for. */
static void name_instructions(struct plan *p)
{
    const char *of_backend = p->backend_info.instructions;
    const struct linalg *la;
    struct error none;

    if (p->any_cpu)
        return;
    p->instructions =
        arena_printf(&p->arena, "%s%slinalg=%s", of_backend, *of_backend ? " " : "",
                     linalg_get(paths_linalg(), &la, &none) < 0 ? "none" : la->core());
}

tcet_status plan_open_backend(struct plan *p, struct error *err)
{
    struct config_key *device = config_get(p->config, "backend", "", "device");

    if (backend_open(p->backend, err) < 0)
        return config_error_at(err, device);
    TRY(backend_info(p->backend, &p->backend_info, err));
    if (!config_get(p->config, "run", "", "in_flight") && p->backend_info.in_flight > 1)
        p->in_flight = p->backend_info.in_flight < IN_FLIGHT_MAX ? (int)p->backend_info.in_flight
                                                                 : IN_FLIGHT_MAX;
    if (*p->backend_info.code)
        TRY(sha256_file(p->backend_info.code, SHA256_CODE_MAX, p->backend_code, err));
    name_instructions(p);
    plan_make_keys(p);
    return TCET_OK;
}

static int is_built_in(const struct instance *i)
{
    return !i || (i->plugin->info && i->plugin->info->builtin);
}

enum plan_share plan_shares(const struct plan *p)
{
    int built_in = is_built_in(p->backend) && is_built_in(p->space);

    for (size_t i = 0; i < p->saliency_count; i++)
        built_in &= is_built_in(p->saliencies[i].instance);
    for (size_t i = 0; i < p->metric_count; i++)
        built_in &= is_built_in(p->metrics[i].aggregator);
    for (size_t i = 0; i < p->score_count; i++)
        built_in &= is_built_in(p->scores[i].combiner) && is_built_in(p->scores[i].aggregator);
    return p->pass_count && (built_in || p->share == SHARE_CANONICAL) ? p->share : SHARE_NONE;
}

/* Does a saliency ask for layers by their names?  Of built-in ones: with a parameter that is a text and
 * not empty (nwot's `twice`). */
static int asks_names(const struct plan *p)
{
    for (size_t i = 0; i < p->saliency_count; i++) {
        const struct instance *s = p->saliencies[i].instance;
        const tcet_plugin *d = &s->plugin->desc;

        for (uint32_t k = 0; k < d->param_count; k++) {
            const char *text;

            if (d->params[k].type != TCET_P_TEXT)
                continue;
            memcpy(&text, (const char *)s->self + d->params[k].offset, sizeof text);
            if (text && *text)
                return 1;
        }
    }
    return 0;
}

struct graph_strict plan_strictness(const struct plan *p)
{
    struct graph_strict how = {.names = asks_names(p)};

    for (size_t i = 0; i < p->saliency_count; i++)
        how.sums |= (p->saliencies[i].request.wants & TCET_WANT_HVP) != 0;
    return how;
}

void plan_draw_weights(const struct plan *p, const struct graph *g, uint64_t seed, float *params)
{
    tcet_rng rng;

    rng_seed(&rng, seed);
    graph_draw(g, &rng, params);
    graph_draw_again(g, p->init, p->zero_bias, &rng, params);
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->score_count; i++) {
        instance_free(p->scores[i].combiner);
        instance_free(p->scores[i].aggregator);
    }
    for (size_t i = 0; i < p->metric_count; i++)
        instance_free(p->metrics[i].aggregator);
    for (size_t i = 0; i < p->saliency_count; i++)
        instance_free(p->saliencies[i].instance);
    instance_free(p->backend);
    for (size_t i = 0; i < p->data_count; i++) {
        instance_free(p->data[i].dataset);
        free(p->data[i].x);
        free(p->data[i].thin);
        free(p->data[i].y);
        free(p->data[i].own_targets);
    }
    instance_free(p->space);
    registry_close(p->registry);
    arena_free(&p->arena);
    free(p);
}
