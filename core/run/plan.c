/* plan.c -- see plan.h: from config keys to instances, merged passes, columns and keys.
 * Room: core/run. */
#include "run/expand.h"
#include "run/plan.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 1 << 20 };

/* -- Which sections and keys exist ------------------------------------------------------ */

/* Keys that the host itself reads; the rest of a section goes to its plugin. */
static const char *const RUN_KEYS[] = {"space", "archs", "seed", "classes", "output", "workers",
                                       "timeout", "retries", "memory", "on_nonfinite", "top", "repeats"};
static const char *const BACKEND_KEYS[] = {"plugin", "precision"};
static const char *const DATA_KEYS[] = {"plugin", "batch", "seed", "resolution"};
static const char *const BENCHMARK_KEYS[] = {"table", "column", "population"};
static const char *const ABLATION_KEYS[] = {"saliency", "aggregator", "combiner", "with",
                                            "partition", "seed", "batch", "data"};
static const char *const PLUGINS_KEYS[] = {"path"};
static const char *const EXPORT_KEYS[] = {"files", "layers", "times"};

static const struct {
    const char *kind;
    int named;               /* [kind NAME] */
    const char *const *keys; /* NULL: a plugin's parameters too */
    size_t count;
} SECTIONS[] = {
    {"run", 0, RUN_KEYS, TCET_COUNT(RUN_KEYS)},
    {"backend", 0, NULL, 0},
    {"data", 0, NULL, 0},
    {"space", 0, NULL, 0},
    {"metric", 1, NULL, 0},
    {"score", 1, NULL, 0},
    {"saliency", 1, NULL, 0},
    {"aggregator", 1, NULL, 0},
    {"combiner", 1, NULL, 0},
    {"dataset", 1, NULL, 0},
    {"ablation", 0, ABLATION_KEYS, TCET_COUNT(ABLATION_KEYS)},
    {"reference", 0, NULL, 0},
    {"benchmark", 0, BENCHMARK_KEYS, TCET_COUNT(BENCHMARK_KEYS)},
    {"plugins", 0, PLUGINS_KEYS, TCET_COUNT(PLUGINS_KEYS)},
    {"export", 0, EXPORT_KEYS, TCET_COUNT(EXPORT_KEYS)},
};

static int is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(name, list[i]))
            return 1;
    }
    return 0;
}

static void join(struct buf *out, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", list[i]);
}

static tcet_status check_section(const struct config_section *s, struct error *err)
{
    const char *kinds[TCET_COUNT(SECTIONS)];
    char hint[128];

    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        kinds[k] = SECTIONS[k].kind;
        if (strcmp(s->kind, SECTIONS[k].kind))
            continue;
        if (SECTIONS[k].named && !*s->name)
            return config_section_error(err, s, "section [%s] needs a name: [%s NAME]", s->kind,
                                        s->kind);
        if (!SECTIONS[k].named && *s->name)
            return config_section_error(err, s, "section [%s] takes no name", s->kind);
        for (size_t i = 0; SECTIONS[k].keys && i < s->key_count; i++) {
            if (!is_one_of(s->keys[i]->name, SECTIONS[k].keys, SECTIONS[k].count)) {
                struct buf all = {0};
                tcet_status st;

                join(&all, SECTIONS[k].keys, SECTIONS[k].count);
                st = config_error(err, s->keys[i], "[%s] has no key \"%s\"%s; keys: %s", s->kind,
                                  s->keys[i]->name,
                                  text_suggest(hint, sizeof hint, s->keys[i]->name,
                                               SECTIONS[k].keys, SECTIONS[k].count),
                                  all.data);
                buf_free(&all);
                return st;
            }
        }
        return TCET_OK;
    }
    return config_section_error(
        err, s,
        "unknown section [%s]%s; sections: run, backend, data, space, metric NAME, score NAME, "
        "saliency ID, aggregator ID, combiner ID, dataset ID, ablation, benchmark, reference, plugins, export",
        s->kind, text_suggest(hint, sizeof hint, s->kind, kinds, TCET_COUNT(SECTIONS)));
}

tcet_status plan_check_unused(const struct config *c, struct error *err)
{
    for (size_t i = 0; i < c->section_count; i++)
        TRY(check_section(c->sections[i], err));
    return TCET_OK;
}

/* -- Plugins ---------------------------------------------------------------------------- */

/* The plugin that a key names, or the default where the key is absent. */
static tcet_status find_plugin(struct plan *p, tcet_kind kind, const struct config_key *k,
                               const char *fallback, struct plugin **out, struct error *err)
{
    const struct plugin_info *info;
    const char *id = k ? k->value : fallback;

    if (registry_find(p->registry, kind, id, &info, err) < 0)
        return k ? config_error(err, k, "%s", arena_strdup(&p->arena, err->text)) : err->status;
    return registry_load(info, &p->arena, out, err);
}

struct bindings {
    struct binding item[128];
    size_t count;
};

static tcet_status bind_add(struct bindings *b, const char *name, struct config_key *k,
                            struct error *err)
{
    if (b->count == TCET_COUNT(b->item))
        return config_error(err, k, "too many keys in one section (at most %u)",
                            TCET_COUNT(b->item));
    b->item[b->count++] = (struct binding){name, k};
    return TCET_OK;
}

/* Every key of a section that the host does not read itself.  prefix: only keys that begin
 * with it, and without it. */
static tcet_status bind_section(struct bindings *b, const struct config_section *s,
                                const char *prefix, const char *const *own, size_t own_count,
                                struct error *err)
{
    size_t n = strlen(prefix);

    for (size_t i = 0; s && i < s->key_count; i++) {
        const char *name = s->keys[i]->name;

        if (strncmp(name, prefix, n) || is_one_of(name, own, own_count))
            continue;
        if (!n && strchr(name, '.') && is_one_of("aggregator", own, own_count))
            continue; /* aggregator.KEY of a [score] */
        TRY(bind_add(b, name + n, s->keys[i], err));
    }
    return TCET_OK;
}

/* An instance from the defaults of [kind ID] and a section's own keys. */
static tcet_status make_instance(struct plan *p, const struct plugin *plugin,
                                 const struct config_section *s, const char *prefix,
                                 const char *const *own, size_t own_count,
                                 struct instance **out, struct error *err)
{
    struct bindings b = {.count = 0};
    const char *kind = kind_name(plugin->desc.kind);
    char *who = arena_printf(&p->arena, "%s %s", kind, plugin->desc.id);

    TRY(bind_section(&b, config_section(p->config, kind, plugin->desc.id), "", NULL, 0, err));
    TRY(bind_section(&b, s, prefix, own, own_count, err));
    return instance_new(plugin, b.item, b.count, who, &p->arena, out, err);
}

/* "snip/1.0.0/SHA256{ddof=1}": identifies a plugin and its parameters in a key. */
static const char *instance_key(struct plan *p, const struct instance *i)
{
    return arena_printf(&p->arena, "%s/%s/%s{%s}", i->plugin->desc.id, i->plugin->desc.version,
                        i->plugin->info ? i->plugin->info->sha256 : "", i->params_text);
}

/* -- Space, data, backend --------------------------------------------------------------- */

static tcet_status open_space(struct plan *p, struct error *err)
{
    struct config_key *k = config_get(p->config, "run", "", "space");
    struct config_key *resolution = config_get(p->config, "data", "", "resolution");
    struct plugin *plugin;
    int64_t classes, side;

    if (!k)
        return error_set(err, TCET_E_ARG,
                         "%s: [run] space is missing; `tcet-host list spaces` shows the choices",
                         p->config->path);
    TRY(find_plugin(p, TCET_SPACE, k, NULL, &plugin, err));
    TRY(make_instance(p, plugin, config_section(p->config, "space", ""), "", NULL, 0, &p->space,
                      err));
    p->task.struct_size = sizeof p->task;
    TRY(call_end(&p->space->cx,
                 OPS(tcet_space_ops, p->space)
                     ->task(call_begin(&p->space->cx), p->space->self, &p->task),
                 err));
    TRY(config_i64(p->config, "run", "", "classes", p->task.classes, 1, 100000, &classes, err));
    p->task.classes = (int32_t)classes;
    TRY(config_i64(p->config, "data", "", "resolution", p->task.height, 1, 4096, &side, err));
    p->task.height = (int32_t)side;
    if (resolution)
        p->task.width = p->task.height;
    return TCET_OK;
}

/* What a dataset refuses has a place in the config: the section that asks for the dataset. */
static tcet_status data_error(struct plan *p, const struct plan_data *d, struct error *err)
{
    return d->section ? config_section_error(err, d->section, "%s",
                                             arena_strdup(&p->arena, err->text))
                      : err->status;
}

/* Opens one dataset for the section that asks.  section: its parameters, [data], or NULL for
 * another dataset named by a metric. */
static tcet_status open_data(struct plan *p, const struct config_section *asks,
                             const struct config_key *k, const char *fallback,
                             const struct config_section *section, int64_t batch,
                             struct error *err)
{
    struct plan_data *d = &p->data[p->data_count];
    const tcet_dataset_ops *ops;
    struct plugin *plugin;
    int64_t seed;

    TRY(find_plugin(p, TCET_DATASET, k, fallback, &plugin, err));
    TRY(make_instance(p, plugin, section, "", DATA_KEYS, TCET_COUNT(DATA_KEYS), &d->dataset, err));
    p->data_count++;
    TRY(config_i64(p->config, "data", "", "seed", 0, 0, INT64_MAX, &seed, err));
    d->id = plugin->desc.id;
    d->section = asks;
    d->seed = (uint64_t)seed;
    d->batch = batch;
    d->batches = 1;
    ops = OPS(tcet_dataset_ops, d->dataset);
    if (call_end(&d->dataset->cx, ops->open(call_begin(&d->dataset->cx), d->dataset->self), err) <
        0)
        return data_error(p, d, err);
    d->info.struct_size = sizeof d->info;
    TRY(call_end(&d->dataset->cx,
                 ops->info(call_begin(&d->dataset->cx), d->dataset->self, &d->info), err));
    d->info.identity[sizeof d->info.identity - 1] = '\0';
    d->info.description[sizeof d->info.description - 1] = '\0';
    return TCET_OK;
}

static tcet_status open_first_data(struct plan *p, struct error *err)
{
    const struct config_section *section = config_section(p->config, "data", "");
    int64_t batch;

    /* Every metric may name one of its own. */
    p->data = arena_alloc(&p->arena, (p->config->section_count + 1) * sizeof *p->data);
    TRY(config_i64(p->config, "data", "", "batch", 64, 1, BATCH_MAX, &batch, err));
    return open_data(p, section, config_get(p->config, "data", "", "plugin"), "cifar10", section,
                     batch, err);
}

/* The data that a metric's keys `data` and `batch` select. */
static tcet_status metric_data(struct plan *p, const struct config_section *s, int *out,
                               struct error *err)
{
    struct config_key *k = config_get(p->config, s->kind, s->name, "data");
    const char *id = k ? k->value : p->data[0].id;
    int64_t batch;

    TRY(config_i64(p->config, s->kind, s->name, "batch", p->data[0].batch, 1, BATCH_MAX, &batch,
                   err));
    for (size_t i = 0; i < p->data_count; i++) {
        if (!strcmp(p->data[i].id, id) && p->data[i].batch == batch) {
            *out = (int)i;
            return TCET_OK;
        }
    }
    *out = (int)p->data_count;
    return open_data(p, s, k, p->data[0].id,
                     strcmp(id, p->data[0].id) ? NULL : config_section(p->config, "data", ""),
                     batch, err);
}

/* Draws the mini-batches once; every architecture sees the same. */
static tcet_status draw_data(struct plan *p, struct plan_data *d, struct error *err)
{
    tcet_data_request want = {.struct_size = sizeof want,
                              .channels = p->task.channels,
                              .height = p->task.height,
                              .width = p->task.width,
                              .classes = p->task.classes,
                              .batch = d->batch,
                              .batches = d->batches,
                              .seed = d->seed};
    int64_t image = (int64_t)want.channels * want.height * want.width, total;

    if (__builtin_mul_overflow(image * d->batch, d->batches, &total) || total > INT64_C(1) << 33)
        return error_set(err, TCET_E_ARG,
                         "[data] %lld mini-batches of %lld images of %dx%dx%d are too large",
                         (long long)d->batches, (long long)d->batch, want.channels, want.height,
                         want.width);
    d->x = mem_try((size_t)total, sizeof *d->x);
    d->y = mem_try((size_t)(d->batch * d->batches), sizeof *d->y);
    if (!d->x || !d->y)
        return error_set(err, TCET_E_MEMORY, "no memory for the mini-batches");
    if (call_end(&d->dataset->cx,
                 OPS(tcet_dataset_ops, d->dataset)
                     ->draw(call_begin(&d->dataset->cx), d->dataset->self, &want, d->x, d->y),
                 err) < 0)
        return data_error(p, d, err);
    for (int64_t i = 0; i < d->batch * d->batches; i++) {
        if (d->y[i] < 0 || d->y[i] >= p->task.classes)
            return error_set(err, TCET_E_PLUGIN,
                             "dataset %s gave label %lld where there are %d classes", d->id,
                             (long long)d->y[i], p->task.classes);
    }
    for (int64_t i = 0; i < image * d->batch; i++)
        d->x_sum += (double)d->x[i];
    d->key = arena_printf(&p->arena, "%s %s batch=%lld seed=%llu %dx%dx%d classes=%d",
                          instance_key(p, d->dataset), d->info.identity, (long long)d->batch,
                          (unsigned long long)d->seed, want.channels, want.height, want.width,
                          want.classes);
    return TCET_OK;
}

static tcet_status make_backend(struct plan *p, struct error *err)
{
    static const char *const precisions[] = {"f32", "f64", NULL};
    struct config_key *k = config_get(p->config, "backend", "", "plugin");
    struct plugin *plugin;
    int precision;

    TRY(config_choice(p->config, "backend", "", "precision", precisions, 0, &precision, err));
    p->precision = precision ? TCET_PRECISION_F64 : TCET_PRECISION_F32;
    TRY(find_plugin(p, TCET_BACKEND, k, "torch", &plugin, err));
    return make_instance(p, plugin, config_section(p->config, "backend", ""), "", BACKEND_KEYS,
                         TCET_COUNT(BACKEND_KEYS), &p->backend, err);
}

/* -- Saliencies and passes -------------------------------------------------------------- */

static tcet_status check_request(const struct plan *p, const struct plan_saliency *s,
                                 struct error *err)
{
    const tcet_pass *a = &s->asked;
    int64_t batch = p->data[s->data].batch;
    const char *id = s->instance->plugin->desc.id;

    if (a->weights > TCET_WEIGHTS_GAUSSIAN || a->input > TCET_INPUT_MIXUP ||
        a->norm > TCET_NORM_REMOVED || a->loss > TCET_LOSS_SUM ||
        a->gradient > TCET_GRADIENT_SAMPLE || a->precision > TCET_PRECISION_F64 ||
        a->source > TCET_SOURCE_PARTS || s->request.form > TCET_FORM_CUSTOM ||
        s->request.merge > TCET_MERGE_SUM || !s->request.sites ||
        s->request.sites >= TCET_SITE_LOGITS << 1 || s->request.pass != a)
        return error_set(err, TCET_E_PLUGIN, "saliency %s describes a pass that does not exist",
                         id);
    if (a->batches > 4096 || a->samples > batch)
        return error_set(err, TCET_E_ARG,
                         "saliency %s asks for %u mini-batches and %u images of each; [data] batch "
                         "is %lld, and 4096 mini-batches are the most",
                         id, a->batches, a->samples, (long long)batch);
    if (a->source == TCET_SOURCE_PARTS && a->batches && batch % a->batches)
        return error_set(err, TCET_E_ARG,
                         "saliency %s cuts the mini-batch into %u parts, which does not divide "
                         "the batch of %lld",
                         id, a->batches, (long long)batch);
    if (a->gradient && !a->loss)
        return error_set(err, TCET_E_PLUGIN, "saliency %s asks for a gradient of no loss", id);
    if (s->request.form == TCET_FORM_CUSTOM && !OPS(tcet_saliency_ops, s->instance)->shape)
        return error_set(err, TCET_E_PLUGIN, "saliency %s has a form of its own but no shape()",
                         id);
    return TCET_OK;
}

static int needs_backend(const struct plan_saliency *s)
{
    return s->request.wants || s->asked.loss || s->asked.gradient;
}

/* Fills in what describe() left open, and drops what makes no difference, so that equal
 * needs have equal passes. */
static void normalise(struct plan *p, struct plan_saliency *s)
{
    tcet_pass *a = &s->asked;
    struct plan_data *d = &p->data[s->data];

    if (!a->batches)
        a->batches = 1;
    if (a->batches == 1)
        a->source = TCET_SOURCE_LOADER;
    if (a->samples == d->batch)
        a->samples = 0;
    if (a->precision == TCET_PRECISION_RUN)
        a->precision = p->precision;
    if (!needs_backend(s) || a->input == TCET_INPUT_ONES)
        s->data = 0;
    if (!needs_backend(s))
        s->seed = 0;
    if (needs_backend(s) && a->input == TCET_INPUT_BATCH && a->source == TCET_SOURCE_LOADER &&
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

    TRY(make_instance(p, plugin, section, "saliency.", NULL, 0, &i, err));
    *s = (struct plan_saliency){.instance = i, .key = instance_key(p, i), .pass = -1,
                                .seed = seed, .data = data};
    s->asked.struct_size = sizeof s->asked;
    s->request = (tcet_request){.struct_size = sizeof s->request,
                                .sites = TCET_SITE_WEIGHT,
                                .pass = &s->asked};
    st = call_end(&i->cx,
                  OPS(tcet_saliency_ops, i)->describe(call_begin(&i->cx), i->self, &s->request),
                  err);
    if (st >= 0)
        st = check_request(p, s, err);
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

/* Distinct passes: larger ones first, so that forward-only requests find what covers them. */
static tcet_status merge_passes(struct plan *p, struct error *err)
{
    p->passes = arena_alloc(&p->arena, p->saliency_count * sizeof *p->passes);
    for (int gradient = 1; gradient >= 0; gradient--) {
        for (size_t i = 0; i < p->saliency_count; i++) {
            struct plan_saliency *s = &p->saliencies[i];
            struct plan_pass *at = NULL;
            const char *why;

            if (!needs_backend(s) || (s->asked.loss != TCET_LOSS_NONE) != gradient)
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
                at->text = arena_strdup(&p->arena, text.data);
                buf_free(&text);
            }
            at->sites |= s->request.sites;
            at->wants |= s->request.wants;
            at->reasons = at->reasons ? arena_printf(&p->arena, "%s, %s", at->reasons, why) : why;
        }
    }
    for (size_t k = 0; k < p->pass_count; k++) {
        struct plan_pass *at = &p->passes[k];

        if (call_end(&p->backend->cx,
                     OPS(tcet_backend_ops, p->backend)
                         ->supports(call_begin(&p->backend->cx), p->backend->self, &at->pass,
                                    at->sites, at->wants),
                     err) < 0)
            return error_prefix(err, "%s: ", at->reasons);
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

static struct plan_column *add_column(struct plan *p, const char *name, int is_score, size_t index)
{
    struct plan_column *c = &p->columns[p->column_count++];

    c->name = name;
    c->is_score = is_score;
    c->index = (int)index;
    return c;
}

static const struct config_key *required(const struct plan *p, const struct config_section *s,
                                         const char *key, const char *what, struct error *err)
{
    const struct config_key *k = config_get(p->config, s->kind, s->name, key);

    if (!k)
        config_section_error(err, s, "[%s %s] has no \"%s =\"; it names %s", s->kind, s->name, key,
                             what);
    return k;
}

static const char *const METRIC_KEYS[] = {"saliency", "aggregator", "partition", "seed", "batch",
                                          "data"};

static tcet_status add_metric(struct plan *p, const struct config_section *s, struct error *err)
{
    static const char *const partitions[] = {"layer", "network", NULL};
    static const char *const forms[] = {"vector", "rows", "kernel", "scalar", "custom"};
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

        if (!is_one_of(name, METRIC_KEYS, TCET_COUNT(METRIC_KEYS)) &&
            strncmp(name, "saliency.", 9) && strncmp(name, "aggregator.", 11))
            return config_error(err, s->keys[i],
                                "[metric %s] has no key \"%s\"%s; keys: saliency, aggregator, "
                                "partition, seed, batch, data, saliency.KEY, aggregator.KEY",
                                s->name, name,
                                text_suggest(hint, sizeof hint, name, METRIC_KEYS,
                                             TCET_COUNT(METRIC_KEYS)));
    }
    m->name = s->name;
    if (!(saliency = required(p, s, "saliency", "a saliency plugin", err)) ||
        !(aggregator = required(p, s, "aggregator", "an aggregator plugin", err)))
        return err->status;
    TRY(find_plugin(p, TCET_SALIENCY, saliency, NULL, &plugin, err));
    TRY(config_i64(p->config, "metric", s->name, "seed", (int64_t)p->seed, 0, INT64_MAX, &seed,
                   err));
    TRY(metric_data(p, s, &data, err));
    TRY(add_saliency(p, plugin, s, (uint64_t)seed, data, &m->saliency, err));
    TRY(find_plugin(p, TCET_AGGREGATOR, aggregator, NULL, &plugin, err));
    TRY(make_instance(p, plugin, s, "aggregator.", NULL, 0, &m->aggregator, err));
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
        st = config_error(err, aggregator,
                          "aggregator %s reduces a saliency matrix of form %s, but %s gives a %s",
                          plugin->desc.id, want.len ? want.data : "unknown", saliency->value,
                          forms[r->form]);
        buf_free(&want);
        instance_free(m->aggregator);
        return impossible(err, st);
    }
    if (m->network)
        p->saliencies[m->saliency].keep = 1;
    m->direction = OPS(tcet_saliency_ops, p->saliencies[m->saliency].instance)->direction *
                   (ops->direction ? ops->direction : 1);
    m->column = (int)p->column_count;
    add_column(p, m->name, 0, p->metric_count)->layered = !m->network;
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
            return config_error(err, list, "%s \"%s\" is a score; %s",
                                sc->combiner ? sc->combiner->plugin->desc.id : "a renamed metric:",
                                names[i],
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
    TRY(find_plugin(p, TCET_AGGREGATOR, k, NULL, &plugin, err));
    TRY(make_instance(p, plugin, s, "aggregator.", NULL, 0, &sc->aggregator, err));
    for (size_t i = 0; i < sc->input_count; i++)
        p->saliencies[p->metrics[p->columns[sc->inputs[i]].index].saliency].keep = 1;
    return TCET_OK;
}

static tcet_status add_score(struct plan *p, const struct config_section *s, struct error *err)
{
    struct plan_score *sc = &p->scores[p->score_count];
    const struct config_key *list, *combiner = config_get(p->config, "score", s->name, "combiner");
    const tcet_combiner_ops *ops = NULL;
    struct plan_column *column;
    struct plugin *plugin;

    TRY(check_name(p, s, err));
    sc->name = s->name;
    if (!(list = required(p, s, "metrics", "the metrics it joins", err)))
        return err->status;
    if (combiner) {
        TRY(find_plugin(p, TCET_COMBINER, combiner, NULL, &plugin, err));
        TRY(make_instance(p, plugin, s, "", SCORE_KEYS, TCET_COUNT(SCORE_KEYS), &sc->combiner,
                          err));
        ops = OPS(tcet_combiner_ops, sc->combiner);
        sc->scope = ops->scope;
    }
    TRY(resolve_inputs(p, sc, list, err));
    if (!combiner && sc->input_count != 1)
        return config_section_error(
            err, s, "[score %s] joins %zu metrics but has no \"combiner =\"; `tcet-host list "
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
    column->layered = sc->scope == TCET_SCOPE_PARAMETER;
    p->score_count++;
    return TCET_OK;
}

/* -- Keys ------------------------------------------------------------------------------- */

static void make_keys(struct plan *p)
{
    const char *space = arena_printf(&p->arena, "space %s task=%dx%dx%d/%d",
                                     instance_key(p, p->space), p->task.channels, p->task.height,
                                     p->task.width, p->task.classes);
    static const char *const nonfinite[] = {"keep", "drop", "fail"};

    for (size_t i = 0; i < p->metric_count; i++) {
        struct plan_metric *m = &p->metrics[i];
        const struct plan_saliency *s = &p->saliencies[m->saliency];
        const char *pass = "static";

        if (s->pass >= 0) {
            struct buf b = {0};

            pass_text(&s->asked, &b);
            pass = arena_printf(&p->arena, "pass{%s} seed=%llu data{%s} backend{%s %s %s}", b.data,
                                (unsigned long long)s->seed,
                                s->asked.input == TCET_INPUT_ONES ? "ones" : p->data[s->data].key,
                                instance_key(p, p->backend), p->backend_info.version,
                                p->backend_info.device);
            buf_free(&b);
        }
        m->key = arena_printf(&p->arena,
                              "%s | %s | saliency %s | aggregator %s | partition=%s nonfinite=%s",
                              space, pass, s->key, instance_key(p, m->aggregator),
                              m->network ? "network" : "layer", nonfinite[p->nonfinite]);
        p->columns[m->column].key = m->key;
        p->columns[m->column].direction = m->direction;
    }
    for (size_t i = 0; i < p->score_count; i++) {
        struct plan_score *sc = &p->scores[i];
        struct buf b = {0};

        buf_printf(&b, "score %s %s", sc->combiner ? instance_key(p, sc->combiner) : "=",
                   sc->aggregator ? instance_key(p, sc->aggregator) : "");
        for (size_t k = 0; k < sc->input_count; k++)
            buf_printf(&b, " (%s %s)", p->columns[sc->inputs[k]].name,
                       p->columns[sc->inputs[k]].key);
        sc->key = arena_strdup(&p->arena, b.data);
        buf_free(&b);
        p->columns[sc->column].key = sc->key;
        p->columns[sc->column].direction = sc->direction;
    }
}

/* -- The whole -------------------------------------------------------------------------- */

static tcet_status open_registry(struct plan *p, struct error *err)
{
    struct config_key *k = config_get(p->config, "plugins", "", "path");
    const char *const *parts = NULL, **dirs;
    size_t n = k ? text_split(&p->arena, k->value, ':', &parts) : 0;

    dirs = arena_alloc(&p->arena, (n + 1) * sizeof *dirs);
    for (size_t i = 0; i < n; i++) {
        struct config_key part = *k;

        part.value = parts[i];
        dirs[i] = config_path(&p->arena, &part);
    }
    if (registry_open(dirs, n, &p->registry, err) < 0)
        return k ? config_error(err, k, "%s", arena_strdup(&p->arena, err->text)) : err->status;
    return TCET_OK;
}

/* Adds one section; a cell that an ablation made and that cannot be is noted and left out. */
static tcet_status add_section(struct plan *p, const struct config_section *s, struct error *err)
{
    int is_metric = !strcmp(s->kind, "metric");
    size_t saliencies = p->saliency_count;
    const char *reason;
    tcet_status st = is_metric ? add_metric(p, s, err) : add_score(p, s, err);

    if (st != TCET_E_UNSUPPORTED || !expand_made(p->config, s))
        return st;
    while (p->saliency_count > saliencies)
        instance_free(p->saliencies[--p->saliency_count].instance);
    if (!is_metric) {
        instance_free(p->scores[p->score_count].combiner);
        instance_free(p->scores[p->score_count].aggregator);
        p->scores[p->score_count] = (struct plan_score){.name = NULL};
    }
    reason = strstr(err->text, ": "); /* without the place, which nobody wrote */
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

/* What the summary ranks by: the last score of the config, or its mean over repeats; without
 * a score the last metric. */
static void choose_main(struct plan *p)
{
    const char *name = NULL, *mean;

    p->main_column = (int)p->column_count - 1;
    for (size_t i = 0; i < p->column_count; i++) {
        const struct config_section *s = config_section(
            p->config, p->columns[i].is_score ? "score" : "metric", p->columns[i].name);

        if (p->columns[i].is_score && !(s && expand_made(p->config, s))) {
            p->main_column = (int)i;
            name = p->columns[i].name;
        }
    }
    mean = name ? arena_printf(&p->arena, "%s.mean", name) : "";
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
            kind != TCET_DATASET)
            continue;
        if (registry_find(p->registry, kind, s->name, &info, err) < 0)
            return config_section_error(err, s, "%s", arena_strdup(&p->arena, err->text));
        TRY(bind_section(&b, s, "", NULL, 0, err));
        TRY(params_check(info, b.item, b.count,
                         arena_printf(&p->arena, "%s %s", s->kind, s->name), err));
    }
    return TCET_OK;
}

static tcet_status make_space(struct plan *p, struct error *err)
{
    int64_t seed;

    TRY(open_registry(p, err));
    TRY(config_i64(p->config, "run", "", "seed", 1, 0, INT64_MAX, &seed, err));
    p->seed = (uint64_t)seed;
    return open_space(p, err);
}

static tcet_status make(struct plan *p, struct error *err)
{
    static const char *const policies[] = {"keep", "drop", "fail", NULL};
    int policy;

    TRY(plan_check_unused(p->config, err));
    TRY(make_space(p, err));
    TRY(check_defaults(p, err));
    TRY(config_choice(p->config, "run", "", "on_nonfinite", policies, 0, &policy, err));
    p->nonfinite = (enum plan_nonfinite)policy;
    TRY(make_backend(p, err));
    TRY(expand_config(p->config, p->registry, err));
    TRY(open_first_data(p, err));
    TRY(add_sections(p, err));
    TRY(merge_passes(p, err));
    for (size_t i = 0; i < p->data_count; i++)
        TRY(draw_data(p, &p->data[i], err));
    choose_main(p);
    make_keys(p);
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

tcet_status plan_open_backend(struct plan *p, struct error *err)
{
    const tcet_backend_ops *ops = OPS(tcet_backend_ops, p->backend);
    struct config_key *device = config_get(p->config, "backend", "", "device");

    if (call_end(&p->backend->cx, ops->open(call_begin(&p->backend->cx), p->backend->self), err) <
        0)
        return device ? config_error(err, device, "%s", arena_strdup(&p->arena, err->text))
                      : err->status;
    p->backend_info.struct_size = sizeof p->backend_info;
    TRY(call_end(&p->backend->cx,
                 ops->info(call_begin(&p->backend->cx), p->backend->self, &p->backend_info), err));
    make_keys(p);
    return TCET_OK;
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
        free(p->data[i].y);
    }
    instance_free(p->space);
    registry_close(p->registry);
    arena_free(&p->arena);
    free(p);
}

void plan_print(const struct plan *p, struct buf *out)
{
    buf_printf(out, "space    %s %s: %d classes, %dx%dx%d\n", p->space->plugin->desc.id,
               p->space->params_text, p->task.classes, p->task.channels, p->task.height,
               p->task.width);
    for (size_t i = 0; i < p->data_count; i++) {
        const struct plan_data *d = &p->data[i];

        buf_printf(out, "data     %s: %s; %lld mini-batch%s of %lld, seed %llu\n", d->id,
                   d->info.description, (long long)d->batches, d->batches == 1 ? "" : "es",
                   (long long)d->batch, (unsigned long long)d->seed);
    }
    buf_printf(out, "weights  seed %llu\n", (unsigned long long)p->seed);
    buf_printf(out, "backend  %s, precision %s\n", p->backend->plugin->desc.id,
               p->precision == TCET_PRECISION_F64 ? "f64" : "f32");
    buf_puts(out, "\nmetrics\n");
    for (size_t i = 0; i < p->metric_count; i++) {
        const struct plan_metric *m = &p->metrics[i];
        const struct plan_saliency *s = &p->saliencies[m->saliency];
        char where[32];

        snprintf(where, sizeof where, "pass %d", s->pass + 1);
        buf_printf(out, "  %-20s %s{%s} -> %s{%s}%s, %s\n", m->name,
                   s->instance->plugin->desc.id, s->instance->params_text,
                   m->aggregator->plugin->desc.id, m->aggregator->params_text,
                   m->network ? ", whole network" : "", s->pass < 0 ? "no pass" : where);
    }
    if (p->score_count)
        buf_puts(out, "\nscores\n");
    for (size_t i = 0; i < p->score_count; i++) {
        const struct plan_score *sc = &p->scores[i];

        buf_printf(out, "  %-20s %s%s%s%s (", sc->name,
                   sc->combiner ? sc->combiner->plugin->desc.id : "is",
                   sc->combiner ? "{" : "", sc->combiner ? sc->combiner->params_text : "",
                   sc->combiner ? "}" : "");
        for (size_t k = 0; k < sc->input_count; k++)
            buf_printf(out, "%s%s", k ? ", " : "", p->columns[sc->inputs[k]].name);
        buf_printf(out, ")%s%s\n", sc->aggregator ? " -> " : "",
                   sc->aggregator ? sc->aggregator->plugin->desc.id : "");
    }
    if (p->skip_count)
        buf_puts(out, "\nskipped\n");
    for (size_t i = 0; i < p->skip_count; i++)
        buf_printf(out, "  %-20s %s\n", p->skips[i].name, p->skips[i].reason);
    buf_printf(out, "\npasses: %zu asked for, %zu will run per architecture\n", p->passes_asked,
               p->pass_count);
    for (size_t i = 0; i < p->pass_count; i++)
        buf_printf(out, "  pass %zu: %s\n          for %s\n", i + 1, p->passes[i].text,
                   p->passes[i].reasons);
}
