/* plan_plugins.c -- a plan's plugins: found, bound, and the space, data and backend opened
 * (plan.h).  Room: core/plan. */
#include "plan/plan_parts.h"

#include "base/names.h"
#include "base/text.h"
#include "plugin/calls.h"
#include "plugin/request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Keys that the host itself reads; the rest of the section goes to its plugin. */
static const char *const BACKEND_KEYS[] = {"plugin", "precision"};
static const char *const DATA_KEYS[] = {"plugin", "batch", "seed", "resolution", "fewer_classes"};

/* The plugin that a key names, or the default where the key is absent. */
tcet_status plan_find_plugin(struct plan *p, tcet_kind kind, const struct config_key *k,
                             const char *fallback, struct plugin **out, struct error *err)
{
    const struct plugin_info *info;
    const char *id = k ? k->value : fallback;

    if (registry_find(p->registry, kind, id, &info, err) < 0)
        return config_error_at(err, k);
    return registry_load(info, &p->arena, out, err);
}

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
tcet_status plan_bind_section(struct bindings *b, const struct config_section *s,
                              const char *prefix, const char *const *own, size_t own_count,
                              struct error *err)
{
    size_t n = strlen(prefix);

    for (size_t i = 0; s && i < s->key_count; i++) {
        const char *name = s->keys[i]->name;

        if (strncmp(name, prefix, n) || names_has(own, own_count, name))
            continue;
        if (!n && strchr(name, '.') && names_has(own, own_count, "aggregator"))
            continue; /* aggregator.KEY of a [score] */
        TRY(bind_add(b, name + n, s->keys[i], err));
    }
    return TCET_OK;
}

/* An instance from the defaults of [kind ID] and a section's own keys. */
tcet_status plan_make_instance(struct plan *p, const struct plugin *plugin,
                               const struct config_section *s, const char *prefix,
                               const char *const *own, size_t own_count, struct instance **out,
                               struct error *err)
{
    struct bindings b = {.count = 0};
    const char *kind = kind_name(plugin->desc.kind);
    char *who = arena_printf(&p->arena, "%s %s", kind, plugin->desc.id);

    TRY(plan_bind_section(&b, config_section(p->config, kind, plugin->desc.id), "", NULL, 0, err));
    TRY(plan_bind_section(&b, s, prefix, own, own_count, err));
    return instance_new(plugin, b.item, b.count, who, &p->arena, out, err);
}

/* "snip/1.0.0/SHA256{ddof=1}": identifies a plugin and its parameters in a key. */
const char *plan_instance_key(struct plan *p, const struct instance *i)
{
    return arena_printf(&p->arena, "%s/%s/%s{%s}", i->plugin->desc.id, i->plugin->desc.version,
                        i->plugin->info ? i->plugin->info->sha256 : "", i->params_text);
}

/* -- Space, data, backend --------------------------------------------------------------- */

/* [data] resolution: N for N x N, or HxW; without it the space's own. */
static tcet_status read_resolution(struct plan *p, struct error *err)
{
    enum { SIDE_MAX = 4096 };
    const struct config_key *k = config_get(p->config, "data", "", "resolution");
    unsigned h = 0, w = 0;
    char rest;
    int n;

    if (!k)
        return TCET_OK;
    n = strspn(k->value, "0123456789x") == strlen(k->value)
            ? sscanf(k->value, "%9ux%9u%c", &h, &w, &rest)
            : 0;
    if (n == 1 && !strchr(k->value, 'x'))
        w = h;
    else if (n != 2)
        h = 0;
    if (h < 1 || w < 1 || h > SIDE_MAX || w > SIDE_MAX)
        return config_error(
            err, k,
            "[data] resolution = \"%s\": want a whole number from 1 to %d, or two as "
            "HEIGHTxWIDTH",
            k->value, SIDE_MAX);
    p->task.height = (int32_t)h;
    p->task.width = (int32_t)w;
    return TCET_OK;
}

/* The space's, or that of the run's first architecture. */
static tcet_status natural_task(struct plan *p, struct error *err)
{
    char arch[TCET_ARCH_MAX] = "";

    if (OPS(tcet_space_ops, p->space)->task_of)
        TRY(plan_first_arch(p, arch, err));
    return *arch ? space_task_of(p->space, arch, &p->task, err)
                 : space_task(p->space, &p->task, err);
}

tcet_status plan_open_space(struct plan *p, struct error *err)
{
    struct config_key *k = config_get(p->config, "run", "", "space");
    struct plugin *plugin;
    int64_t classes;

    if (!k)
        return error_set(err, TCET_E_ARG,
                         "%s: [run] space is missing; `tcet-host list spaces` shows the choices",
                         p->config->path);
    TRY(plan_find_plugin(p, TCET_SPACE, k, NULL, &plugin, err));
    TRY(plan_make_instance(p, plugin, config_section(p->config, "space", ""), "", NULL, 0,
                           &p->space, err));
    TRY(natural_task(p, err));
    TRY(config_i64(p->config, "run", "", "classes", p->task.classes, 1, 100000, &classes, err));
    p->task.classes = (int32_t)classes;
    if (p->task.target > TCET_TARGET_SELF || !(p->task.share_epsilon >= 0))
        return error_set(err, TCET_E_PLUGIN, "space %s: its task has targets that do not exist",
                         p->space->plugin->desc.id);
    if (p->task.target == TCET_TARGET_SELF && p->task.classes != p->task.channels)
        return error_set(err, TCET_E_ARG,
                         "space %s makes images of %d channels of theirs, not %d: leave [run] "
                         "classes out",
                         p->space->plugin->desc.id, p->task.channels, p->task.classes);
    return read_resolution(p, err);
}

/* Opens one dataset for the section that asks.  section: its parameters, [data], or NULL for
 * another dataset named by a metric. */
static tcet_status open_data(struct plan *p, const struct config_section *asks,
                             const struct config_key *k, const char *fallback,
                             const struct config_section *section, int64_t batch, int64_t seed,
                             struct error *err)
{
    struct plan_data *d = &p->data[p->data_count];
    struct plugin *plugin;

    TRY(plan_find_plugin(p, TCET_DATASET, k, fallback, &plugin, err));
    TRY(plan_make_instance(p, plugin, section, "", DATA_KEYS, TCET_COUNT(DATA_KEYS), &d->dataset,
                           err));
    p->data_count++;
    d->id = plugin->desc.id;
    d->section = asks;
    d->seed = (uint64_t)seed;
    d->batch = batch;
    d->batches = 1;
    if (dataset_open(d->dataset, err) < 0)
        return config_section_error_at(err, d->section);
    TRY(dataset_info(d->dataset, &d->info, err));
    d->info.identity[sizeof d->info.identity - 1] = '\0';
    d->info.description[sizeof d->info.description - 1] = '\0';
    return TCET_OK;
}

tcet_status plan_open_first_data(struct plan *p, struct error *err)
{
    const struct config_section *section = config_section(p->config, "data", "");
    int64_t batch, seed;

    /* Every metric may name one of its own. */
    p->data = arena_alloc(&p->arena, (p->config->section_count + 1) * sizeof *p->data);
    TRY(config_i64(p->config, "data", "", "batch", 64, 1, REQUEST_IMAGES_MAX, &batch, err));
    TRY(config_i64(p->config, "data", "", "seed", 0, 0, INT64_MAX, &seed, err));
    return open_data(p, section, config_get(p->config, "data", "", "plugin"), "cifar10", section,
                     batch, seed, err);
}

/* The data that a metric's keys `data`, `batch` and `data_seed` select. */
tcet_status plan_metric_data(struct plan *p, const struct config_section *s, int *out,
                             struct error *err)
{
    struct config_key *k = config_get(p->config, s->kind, s->name, "data");
    const char *id = k ? k->value : p->data[0].id;
    int64_t batch, seed;

    TRY(config_i64(p->config, s->kind, s->name, "batch", p->data[0].batch, 1, REQUEST_IMAGES_MAX,
                   &batch, err));
    TRY(config_i64(p->config, s->kind, s->name, "data_seed", (int64_t)p->data[0].seed, 0, INT64_MAX,
                   &seed, err));
    for (size_t i = 0; i < p->data_count; i++) {
        if (!strcmp(p->data[i].id, id) && p->data[i].batch == batch &&
            p->data[i].seed == (uint64_t)seed) {
            *out = (int)i;
            return TCET_OK;
        }
    }
    *out = (int)p->data_count;
    return open_data(p, s, k, p->data[0].id,
                     strcmp(id, p->data[0].id) ? NULL : config_section(p->config, "data", ""),
                     batch, seed, err);
}

/* Is there a pass of these images, on thin networks (or on any)? */
static int is_read(const struct plan *p, const struct plan_data *d, int thin)
{
    for (size_t i = 0; i < p->pass_count; i++) {
        const tcet_pass *a = &p->passes[i].pass;

        if ((!thin || a->network == TCET_NETWORK_THIN) && a->input == TCET_INPUT_BATCH &&
            &p->data[p->passes[i].data] == d)
            return 1;
    }
    return 0;
}

/* Is there a pass whose loss takes the labels of these images? */
static int is_labelled(const struct plan *p, const struct plan_data *d)
{
    for (size_t i = 0; i < p->pass_count; i++) {
        if (p->passes[i].pass.loss == TCET_LOSS_CROSS_ENTROPY && &p->data[p->passes[i].data] == d)
            return 1;
    }
    return 0;
}

/* What images' targets are for the losses: as the task says, but shares of classes where the images have
 * those and no class. */
static uint32_t target_of(const struct plan *p, const struct plan_data *d)
{
    uint32_t has = d->info.targets, target = p->task.target;

    if (target == TCET_TARGET_SELF)
        return TCET_TARGET_MAP;
    if (target == TCET_TARGET_CLASS && has & TCET_TARGET_BIT(TCET_TARGET_SHARES) &&
        !(has & TCET_TARGET_BIT(TCET_TARGET_CLASS)))
        return TCET_TARGET_SHARES;
    return target;
}

/* Are these images' targets of the kind that the losses take? */
static tcet_status check_target(const struct plan *p, const struct plan_data *d, struct error *err)
{
    uint32_t has = d->info.targets ? d->info.targets : TCET_TARGET_BIT(TCET_TARGET_CLASS);
    char target[PLAN_TARGET_TEXT];

    if (p->task.target == TCET_TARGET_SELF || has & TCET_TARGET_BIT(d->target) ||
        !is_labelled(p, d))
        return TCET_OK;
    error_set(err, TCET_E_ARG,
              "the loss of space %s takes %s, which the images of dataset %s do not have; set "
              "[data] plugin = npy with such an array y%s, or gaussian",
              p->space->plugin->desc.id, plan_target_text(p, d->target, target), d->id,
              p->task.target == TCET_TARGET_CLASS && has & TCET_TARGET_BIT(TCET_TARGET_NUMBERS)
                  ? " (shares of classes are numbers of which none is below 0)"
                  : "");
    return config_section_error_at(err, d->section);
}

/* Networks of 100 classes on labels of 10 are scored on a task that nobody meant, unless the config
 * says that it is meant. */
static tcet_status check_classes(struct plan *p, const struct plan_data *d, struct error *err)
{
    static const char *const rules[] = {"error", "allow", NULL};
    const char *space = p->space->plugin->desc.id, *remedy;
    int own = OPS(tcet_space_ops, p->space)->task_of != NULL, allowed;

    TRY(config_choice(p->config, "data", "", "fewer_classes", rules, 0, &allowed, err));
    if (allowed || !d->info.classes || d->info.classes >= p->task.classes || !is_labelled(p, d) ||
        d->target != TCET_TARGET_CLASS)
        return TCET_OK;
    if (own)
        TRY(plan_named(p, err));
    remedy = own ? "score networks of" : "set [run] classes ="; /* which changes none of these */
    error_set(err, TCET_E_ARG,
              "networks of space %s have %d classes here, the images of dataset %s %d; %s %d, or "
              "another [data] plugin, or [data] fewer_classes = allow",
              space, p->task.classes, d->dataset->plugin->desc.id, d->info.classes, remedy,
              d->info.classes);
    return config_section_error_at(err, d->section);
}

/* Images for thin networks: a random window of a random channel of each (TE-NAS). */
static tcet_status cut_thin(struct plan *p, struct plan_data *d, struct error *err)
{
    int32_t h = p->task.height, w = p->task.width, channels = p->task.channels;
    int64_t images = d->batch * d->batches, side, area;
    tcet_task task = p->task;
    tcet_rng rng;

    graph_thin_task(&task);
    side = task.height;
    area = side * side;
    if (h < side || w < side)
        return error_set(err, TCET_E_ARG,
                         "thin networks want images of %lld x %lld, these are %d x %d",
                         (long long)side, (long long)side, h, w);
    d->thin = mem_try((size_t)(images * area), sizeof *d->thin);
    if (!d->thin)
        return error_set(err, TCET_E_MEMORY, "no memory for the mini-batches");
    rng_seed(&rng, d->seed);
    for (int64_t i = 0; i < images; i++) {
        int64_t top, left, channel;
        const float *from;

        rng_randint(&rng, &top, 1, 0, h - side + 1);
        rng_randint(&rng, &left, 1, 0, w - side + 1);
        rng_randint(&rng, &channel, 1, 0, channels);
        from = d->x + ((i * channels + channel) * h + top) * w + left;
        for (int64_t k = 0; k < area; k++)
            d->thin[i * area + k] = from[k / side * w + k % side];
    }
    return TCET_OK;
}

/* What no loss can take. */
static tcet_status check_numbers(const struct plan *p, const struct plan_data *d, int64_t count,
                                 struct error *err)
{
    char target[PLAN_TARGET_TEXT];

    for (int64_t i = 0; i < count; i++) {
        double v = (double)d->targets[i];
        int fits = d->target == TCET_TARGET_PIXELS
                       ? v >= 0 && v < p->task.classes && v == floor(v)
                       : isfinite(v) && (d->target != TCET_TARGET_SHARES || v >= 0);

        if (!fits)
            return error_set(err, TCET_E_PLUGIN, "dataset %s gave %g among %s", d->id, v,
                             plan_target_text(p, d->target, target));
    }
    return TCET_OK;
}

/* The targets that losses read, where these are more than classes. */
static tcet_status draw_targets(struct plan *p, struct plan_data *d, const tcet_data_request *want,
                                struct error *err)
{
    int64_t numbers = tcet_target_numbers(d->target, want->classes, want->height, want->width),
            total;

    if (!numbers || !is_labelled(p, d))
        return TCET_OK;
    if (p->task.target == TCET_TARGET_SELF) {
        d->targets = d->x;
        return TCET_OK;
    }
    if (__builtin_mul_overflow(numbers, d->batch * d->batches, &total) || total > INT64_C(1)
                                                                                      << 33) {
        error_set(err, TCET_E_ARG, "targets of %lld numbers of %lld images are too large",
                  (long long)numbers, (long long)(d->batch * d->batches));
        return config_section_error_at(err, d->section);
    }
    d->targets = d->own_targets = mem_try((size_t)total, sizeof *d->own_targets);
    if (!d->targets)
        return error_set(err, TCET_E_MEMORY, "no memory for the mini-batches");
    if (dataset_targets(d->dataset, want, d->own_targets, err) < 0)
        return config_section_error_at(err, d->section);
    return check_numbers(p, d, total, err);
}

static tcet_status draw_images(struct plan *p, struct plan_data *d, struct error *err)
{
    tcet_data_request want = {.struct_size = sizeof want,
                              .channels = p->task.channels,
                              .height = p->task.height,
                              .width = p->task.width,
                              .classes = p->task.classes,
                              .batch = d->batch,
                              .batches = d->batches,
                              .seed = d->seed,
                              .target = p->task.target == TCET_TARGET_SELF ? TCET_TARGET_CLASS
                                                                           : d->target};
    int64_t image = (int64_t)want.channels * want.height * want.width, total;
    int unread = p->task.target == TCET_TARGET_SELF; /* labels of any classes do */

    if (unread && d->info.classes > want.classes)
        want.classes = d->info.classes;
    if (__builtin_mul_overflow(image * d->batch, d->batches, &total) || total > INT64_C(1) << 33) {
        error_set(err, TCET_E_ARG, "%lld mini-batches of %lld images of %dx%dx%d are too large",
                  (long long)d->batches, (long long)d->batch, want.channels, want.height,
                  want.width);
        return config_section_error_at(err, d->section);
    }
    d->x = mem_try((size_t)total, sizeof *d->x);
    d->y = mem_try((size_t)(d->batch * d->batches), sizeof *d->y);
    if (!d->x || !d->y)
        return error_set(err, TCET_E_MEMORY, "no memory for the mini-batches");
    if (dataset_draw(d->dataset, &want, d->x, d->y, err) < 0)
        return config_section_error_at(err, d->section);
    for (int64_t i = 0; i < d->batch * d->batches; i++) {
        if (unread)
            d->y[i] = 0;
        if (d->y[i] < 0 || d->y[i] >= p->task.classes)
            return error_set(err, TCET_E_PLUGIN,
                             "dataset %s gave label %lld where there are %d classes", d->id,
                             (long long)d->y[i], p->task.classes);
    }
    for (int64_t i = 0; i < image * d->batch; i++)
        d->x_sum += (double)d->x[i];
    TRY(draw_targets(p, d, &want, err));
    return is_read(p, d, 1) ? cut_thin(p, d, err) : TCET_OK;
}

/* Draws the mini-batches once; every architecture sees the same.  Those of metrics whose images
 * are noise are for their number alone; the first are drawn also then, for x_sum. */
tcet_status plan_draw_data(struct plan *p, struct plan_data *d, struct error *err)
{
    const char *target = "";

    d->target = target_of(p, d);
    TRY(check_target(p, d, err));
    if (d == p->data || is_read(p, d, 0))
        TRY(draw_images(p, d, err));
    TRY(check_classes(p, d, err));
    if (d->target != TCET_TARGET_CLASS)
        target = arena_printf(&p->arena, " target=%u e=%.17g", p->task.target | d->target << 4,
                              p->task.share_epsilon);
    d->key = arena_printf(&p->arena, "%s %s batch=%lld seed=%llu %dx%dx%d classes=%d%s",
                          plan_instance_key(p, d->dataset), d->info.identity, (long long)d->batch,
                          (unsigned long long)d->seed, p->task.channels, p->task.height,
                          p->task.width, p->task.classes, target);
    return TCET_OK;
}

tcet_status plan_make_backend(struct plan *p, struct error *err)
{
    static const char *const precisions[] = {"f32", "f64", NULL};
    struct config_key *k = config_get(p->config, "backend", "", "plugin");
    struct plugin *plugin;
    int precision;

    TRY(config_choice(p->config, "backend", "", "precision", precisions, 0, &precision, err));
    p->precision = precision ? TCET_PRECISION_F64 : TCET_PRECISION_F32;
    TRY(plan_find_plugin(p, TCET_BACKEND, k, "torch", &plugin, err));
    return plan_make_instance(p, plugin, config_section(p->config, "backend", ""), "", BACKEND_KEYS,
                              TCET_COUNT(BACKEND_KEYS), &p->backend, err);
}

tcet_status plan_make_strategy(struct plan *p, const char *id, const struct config_key *k,
                               struct instance **out, struct error *err)
{
    struct plugin *plugin;

    TRY(plan_find_plugin(p, TCET_STRATEGY, k, id, &plugin, err));
    return plan_make_instance(p, plugin, NULL, "", NULL, 0, out, err);
}
