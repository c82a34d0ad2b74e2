/* dataset.c -- rules of datasets: who they say they are, and the numbers they draw.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/dataset.h>

#include "check/internal.h"

static int is_open(const struct probe *p, const struct instance *i)
{
    for (size_t k = 0; k < TCET_COUNT(p->opened); k++) {
        if (p->opened[k] == i)
            return 1;
    }
    return 0;
}

/* open(), once an instance, and info(). */
static tcet_status open_it(struct probe *p, struct instance *i, tcet_data_info *info,
                           struct error *err)
{
    if (!is_open(p, i)) {
        probe_stage("open()");
        TRY(probe_end(i, dataset_open(probe_enter(p, i), err), err));
        p->opened[p->opened_count++ % TCET_COUNT(p->opened)] = i;
    }
    *info = (tcet_data_info){.count = 0};
    probe_stage("info()");
    TRY(probe_end(i, dataset_info(probe_enter(p, i), info, err), err));
    return TCET_OK;
}

/* A small request of the natural sizes, or of CIFAR-10's. */
static tcet_data_request request_of(const tcet_data_info *info, uint64_t seed)
{
    tcet_data_request r = {.struct_size = sizeof r, .batch = 4, .batches = 2, .seed = seed};

    r.channels = info->channels ? info->channels : 3;
    r.height = info->height ? info->height : 32;
    r.width = info->width ? info->width : 32;
    r.classes = info->classes ? info->classes : 10;
    if (info->count && info->count < r.batch * r.batches) {
        r.batch = info->count;
        r.batches = 1;
    }
    return r;
}

/* Draws, checks, and adds the images as numbers to out. */
static tcet_status draw(struct probe *p, struct instance *i, const tcet_data_request *r,
                        struct buf *out, struct error *err)
{
    int64_t images = r->batch * r->batches;
    int64_t floats = images * r->channels * r->height * r->width;
    float *x;
    int64_t *y;

    memory_reset();
    x = memory_new(p, "the images", (size_t)floats * sizeof *x, 0);
    y = memory_new(p, "the labels", (size_t)images * sizeof *y, 0);
    for (int64_t k = 0; k < images; k++)
        y[k] = -1;
    probe_stage("draw() of %lld images", (long long)images);
    TRY(probe_end(i, dataset_draw(probe_enter(p, i), r, x, y, err), err));
    TRY(memory_intact(err));
    for (int64_t k = 0; k < images; k++) {
        if (y[k] < 0 || y[k] >= r->classes)
            return error_set(err, TCET_E_PLUGIN,
                             "draw() gives image %lld the label %lld, where there are %d classes",
                             (long long)k, (long long)y[k], r->classes);
    }
    for (int64_t k = 0; k < floats; k++) {
        double v = x[k];

        if (!isfinite(v))
            return error_set(err, TCET_E_PLUGIN, "draw() gives %g in image %lld", v,
                             (long long)(k / (floats / images)));
        buf_add(out, &v, sizeof v);
    }
    for (int64_t k = 0; k < images; k++) {
        double v = (double)y[k];

        buf_add(out, &v, sizeof v);
    }
    return TCET_OK;
}

/* Draws targets of a kind, checks, and adds them to out. */
static tcet_status draw_targets(struct probe *p, struct instance *i, const tcet_data_request *r,
                                struct buf *out, struct error *err)
{
    int64_t numbers = tcet_target_numbers(r->target, r->classes, r->height, r->width);
    int64_t count = r->batch * r->batches * numbers;
    float *t;

    memory_reset();
    t = memory_new(p, "the targets", (size_t)count * sizeof *t, 0);
    for (int64_t k = 0; k < count; k++)
        t[k] = NAN;
    probe_stage("targets() of kind %u", r->target);
    TRY(probe_end(i, dataset_targets(probe_enter(p, i), r, t, err), err));
    TRY(memory_intact(err));
    for (int64_t k = 0; k < count; k++) {
        double v = (double)t[k];
        int fits = r->target == TCET_TARGET_PIXELS ? v >= 0 && v < r->classes && v == floor(v)
                                                   : isfinite(v);

        if (!fits || (r->target == TCET_TARGET_SHARES && v < 0))
            return error_set(err, TCET_E_PLUGIN, "targets() of kind %u gives %g to image %lld",
                             r->target, v, (long long)(k / numbers));
        buf_add(out, &v, sizeof v);
    }
    return TCET_OK;
}

/* Images, labels and all kinds of targets. */
static tcet_status draw_all(struct probe *p, struct instance *i, const tcet_data_info *info,
                            const tcet_data_request *request, struct buf *out, struct error *err)
{
    tcet_data_request r = *request;

    TRY(draw(p, i, &r, out, err));
    for (r.target = TCET_TARGET_SHARES; r.target <= TCET_TARGET_MAP; r.target++) {
        if (!(info->targets & TCET_TARGET_BIT(r.target)))
            continue;
        TRY(draw(p, i, &r, out, err));
        TRY(draw_targets(p, i, &r, out, err));
    }
    return TCET_OK;
}

tcet_status dataset_exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                             struct error *err)
{
    tcet_data_info info;
    tcet_data_request r;

    (void)s;
    TRY(open_it(p, i, &info, err));
    r = request_of(&info, 7);
    return draw_all(p, i, &info, &r, out, err);
}

tcet_status dataset_identity(struct probe *p, struct error *err)
{
    tcet_data_info info;
    struct instance *i;
    const char *at;

    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    TRY(open_it(p, i, &info, err));
    if (!memchr(info.identity, '\0', sizeof info.identity) ||
        !memchr(info.description, '\0', sizeof info.description))
        return error_set(err, TCET_E_PLUGIN, "identity or description has no end");
    if (!*info.identity || !*info.description || strpbrk(info.identity, "\r\n") ||
        strpbrk(info.description, "\r\n"))
        return error_set(err, TCET_E_PLUGIN, "identity and description must be a line each");
    for (at = info.identity; (at = strchr(at, '/')); at++) {
        if (at == info.identity || strchr(" =:\"'", at[-1]))
            return error_set(err, TCET_E_PLUGIN,
                             "the identity \"%s\" holds a path: it goes into keys and exports",
                             info.identity);
    }
    if (info.channels < 0 || info.height < 0 || info.width < 0 || info.classes < 0 ||
        info.count < 0)
        return error_set(err, TCET_E_PLUGIN, "info() gives a negative size");
    if (info.targets & ~(2 * TCET_TARGET_BIT(TCET_TARGET_MAP) - 1))
        return error_set(err, TCET_E_PLUGIN, "info() names targets that do not exist");
    if (info.targets && !OPS(tcet_dataset_ops, i)->targets)
        return error_set(err, TCET_E_PLUGIN, "info() names targets, and there is no targets()");
    instance_free(i);
    return TCET_OK;
}

tcet_status dataset_numbers(struct probe *p, struct error *err)
{
    p->guarding = GUARD_ENDS;
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct buf one = {0}, two = {0};
        tcet_data_info info;
        tcet_data_request r;
        struct instance *i;

        TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
        TRY(open_it(p, i, &info, err));
        r = request_of(&info, seed);
        TRY(draw_all(p, i, &info, &r, &one, err));
        TRY(draw_all(p, i, &info, &r, &two, err));
        if (memcmp(one.data, two.data, one.len))
            return error_set(err, TCET_E_PLUGIN, "two draws of seed %llu differ",
                             (unsigned long long)seed);
        buf_free(&one);
        buf_free(&two);
        instance_free(i);
    }
    return TCET_OK;
}

/* Some images of a split into images and labels, which are the probe's guarded memory. */
static tcet_status read_some(struct probe *p, struct instance *i, const tcet_data_splits *s,
                             const tcet_read_request *r, uint8_t **images, int64_t **labels,
                             struct error *err)
{
    size_t image = (size_t)s->channels * (size_t)s->height * (size_t)s->width;

    *images = memory_new(p, "the images", (size_t)r->n * image, 0);
    *labels = memory_new(p, "the labels", (size_t)r->n * sizeof **labels, 0);
    for (int64_t k = 0; k < r->n; k++)
        (*labels)[k] = -1;
    probe_stage("read() of %lld images", (long long)r->n);
    TRY(probe_end(i, dataset_read(probe_enter(p, i), r, *images, *labels, err), err));
    TRY(memory_intact(err));
    for (int64_t k = 0; k < r->n; k++) {
        if ((*labels)[k] < 0 || (*labels)[k] >= s->classes)
            return error_set(err, TCET_E_PLUGIN,
                             "read() gives image %lld the label %lld, where there are %d classes",
                             (long long)k, (long long)(*labels)[k], s->classes);
    }
    return TCET_OK;
}

/* The first images of a split, then the same ones backwards by number. */
static tcet_status read_split(struct probe *p, struct instance *i, const tcet_data_splits *s,
                              uint32_t split, struct error *err)
{
    enum { MOST = 6 };
    size_t image = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    int64_t order[MOST], n = s->count[split] < MOST ? s->count[split] : MOST;
    tcet_read_request r = {.struct_size = sizeof r, .split = split, .n = n};
    uint8_t *one, *two;
    int64_t *y, *z;

    memory_reset();
    TRY(read_some(p, i, s, &r, &one, &y, err));
    for (int64_t k = 0; k < n; k++)
        order[k] = n - 1 - k;
    r.indices = order;
    TRY(read_some(p, i, s, &r, &two, &z, err));
    for (int64_t k = 0; k < n; k++) {
        size_t at = (size_t)order[k];

        if (y[at] != z[k] || memcmp(one + at * image, two + (size_t)k * image, image) != 0)
            return error_set(err, TCET_E_PLUGIN, "image %zu is another one when it is read again",
                             at);
    }
    return TCET_OK;
}

tcet_status dataset_reading(struct probe *p, struct error *err)
{
    enum { SIDE_MAX = 4096 };
    tcet_data_info info;
    tcet_data_splits s;
    struct instance *i;
    tcet_status st;

    p->guarding = GUARD_ENDS;
    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    if (!OPS(tcet_dataset_ops, i)->splits != !OPS(tcet_dataset_ops, i)->read)
        return error_set(err, TCET_E_PLUGIN, "splits() and read() come together, or not at all");
    if (!OPS(tcet_dataset_ops, i)->read) {
        instance_free(i);
        return TCET_OK;
    }
    TRY(open_it(p, i, &info, err));
    probe_stage("splits()");
    st = probe_end(i, dataset_splits(probe_enter(p, i), &s, err), err);
    if (st == TCET_E_UNSUPPORTED)
        return probe_note(p, CHECK_SKIP, "training does not read such images: %s", err->text);
    TRY(st);
    if (s.channels < 1 || s.channels > TCET_READ_CHANNELS_MAX || s.height < 1 || s.width < 1 ||
        s.height > SIDE_MAX || s.width > SIDE_MAX || s.classes < 1 ||
        s.count[TCET_SPLIT_TRAIN] < 1 || s.count[TCET_SPLIT_TEST] < 0)
        return error_set(
            err, TCET_E_PLUGIN, "splits() gives %lld and %lld images of %d x %d x %d, %d classes",
            (long long)s.count[0], (long long)s.count[1], s.channels, s.height, s.width, s.classes);
    if (!memchr(s.identity, '\0', sizeof s.identity) || !*s.identity)
        return error_set(err, TCET_E_PLUGIN, "splits() gives no identity, or one without an end");
    for (int32_t c = 0; c < s.channels; c++) {
        if (!isfinite(s.mean[c]) || !(s.std[c] > 0) || !isfinite(s.std[c]))
            return error_set(err, TCET_E_PLUGIN, "splits() gives channel %d mean %g, deviation %g",
                             c, (double)s.mean[c], (double)s.std[c]);
    }
    for (uint32_t split = 0; split < TCET_SPLITS; split++) {
        if (s.count[split] > 0)
            TRY(read_split(p, i, &s, split, err));
    }
    instance_free(i);
    return TCET_OK;
}
