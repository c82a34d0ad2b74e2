/* batch.c -- see batch.h: slots of a ring, which threads fill in order.
 *
 * Room: core/train.  Stands on augment, draws, core/base and pthreads.  Batches are numbered through
 * all epochs; batch g is made in slot g % ring once batch g - ring is given back.  The lock covers the
 * numbers alone: a batch is made without it. */
#include "train/batch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "train/draws.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct batch batch;
    float *x;
    double *targets;
    int64_t *labels, *indices;
    bool ready;
};

/* What a thread needs of its own to make batches. */
struct maker {
    struct batch_loader *loader;
    pthread_t thread;
    int32_t *order; /* of epoch order_epoch */
    int64_t order_epoch;
    uint8_t *image, *scratch;
    float *mixed; /* x before mixup; NULL without */
    double *soft;
    int32_t *partner;
};

/* What each byte of each channel becomes. */
struct levels {
    float of[BATCH_CHANNELS_MAX][256];
};

struct batch_loader {
    struct batch_options o;
    struct batch_images images;
    struct levels levels;
    int64_t per_epoch, pixels; /* batches; numbers of an image */
    int64_t first_epoch, next; /* next: to be claimed by a thread */
    int64_t given;             /* the batch that the caller has, -1: none yet */
    struct slot *slots;
    int32_t ring;
    struct maker *makers;
    int32_t started; /* threads */
    bool stopping;
    double waited;
    pthread_mutex_t lock;
    pthread_cond_t made, wanted;
};

int64_t batch_count(const struct batch_options *o, int64_t images)
{
    return o->drop_last ? images / o->batch : (images + o->batch - 1) / o->batch;
}

/* -- One batch ---------------------------------------------------------------------------- */

static void set_levels(const struct batch_images *s, struct levels *out)
{
    for (int32_t c = 0; c < s->shape.channels; c++) {
        for (int v = 0; v < 256; v++)
            out->of[c][v] = ((float)v / 255.0f - s->mean[c]) / s->std[c];
    }
}

static void normalise(const struct augment_shape *s, const struct levels *levels, const uint8_t *in,
                      float *x)
{
    int64_t plane = (int64_t)s->h * s->w;

    for (int32_t c = 0; c < s->channels; c++) {
        for (int64_t i = 0; i < plane; i++)
            x[c * plane + i] = levels->of[c][in[c * plane + i]];
    }
}

static void fill_hole(const struct augment_shape *s, const struct augment_hole *hole, float *x)
{
    for (int32_t c = 0; c < s->channels && hole->w > 0; c++) {
        for (int32_t row = hole->top; row < hole->top + hole->h; row++)
            memset(x + ((int64_t)c * s->h + row) * s->w + hole->left, 0,
                   (size_t)hole->w * sizeof *x);
    }
}

static void set_order(struct maker *m, int64_t epoch)
{
    const struct batch_loader *l = m->loader;
    uint64_t state = draws_start(l->o.seed, DRAWS_ORDER, epoch, 0);

    if (m->order_epoch == epoch)
        return;
    m->order_epoch = epoch;
    if (l->o.shuffle)
        draws_permutation(&state, m->order, (int32_t)l->images.count);
    else
        for (int32_t i = 0; i < l->images.count; i++)
            m->order[i] = i;
}

/* Image i of the batch becomes gamma of itself and 1 - gamma of its partner's; targets alike. */
static void mix(struct maker *m, struct slot *s, uint64_t *state)
{
    const struct batch_loader *l = m->loader;
    int64_t n = s->batch.n, pixels = l->pixels, classes = l->images.classes;
    double gamma = draws_beta(state, l->o.mixup);
    float share = (float)gamma, rest = (float)(1 - gamma);

    s->batch.gamma = gamma;
    draws_permutation(state, m->partner, (int32_t)n);
    memcpy(m->mixed, s->x, (size_t)(n * pixels) * sizeof *m->mixed);
    memcpy(m->soft, s->targets, (size_t)(n * classes) * sizeof *m->soft);
    for (int64_t i = 0; i < n; i++) {
        const float *other = m->mixed + m->partner[i] * pixels;
        const double *soft = m->soft + m->partner[i] * classes;

        for (int64_t k = 0; k < pixels; k++)
            s->x[i * pixels + k] = s->x[i * pixels + k] * share + other[k] * rest;
        for (int64_t k = 0; k < classes; k++)
            s->targets[i * classes + k] =
                s->targets[i * classes + k] * gamma + soft[k] * (1 - gamma);
    }
}

/* Batch g of the stream, into its slot. */
static void make(struct maker *m, int64_t g)
{
    struct batch_loader *l = m->loader;
    const struct batch_images *images = &l->images;
    struct slot *s = &l->slots[g % l->ring];
    int64_t epoch = l->first_epoch + g / l->per_epoch, number = g % l->per_epoch;
    int64_t at = number * l->o.batch, left = images->count - at;
    int32_t classes = images->classes;
    struct augment_hole holes[AUGMENT_HOLES];
    uint64_t state;

    s->batch = (struct batch){.epoch = epoch,
                              .number = number,
                              .n = left < l->o.batch ? left : l->o.batch,
                              .x = s->x,
                              .targets = s->targets,
                              .labels = s->labels,
                              .indices = s->indices,
                              .gamma = 1};
    set_order(m, epoch);
    for (int64_t i = 0; i < s->batch.n; i++) {
        int64_t index = m->order[at + i];
        float *x = s->x + i * l->pixels;
        double *t = s->targets + i * classes;

        s->indices[i] = index;
        s->labels[i] = images->labels[index];
        augment_image(&l->o.augment, &images->shape,
                      draws_start(l->o.seed, DRAWS_IMAGE, epoch, index),
                      images->pixels + index * l->pixels, m->image, m->scratch, holes);
        normalise(&images->shape, &l->levels, m->image, x);
        for (int k = 0; k < AUGMENT_HOLES; k++)
            fill_hole(&images->shape, &holes[k], x);
        for (int32_t k = 0; k < classes; k++)
            t[k] = l->o.smoothing / classes;
        t[s->labels[i]] += 1 - l->o.smoothing;
    }
    state = draws_start(l->o.seed, DRAWS_MIXUP, epoch, number);
    if (l->o.mixup > 0)
        mix(m, s, &state);
}

void batch_plain(const struct batch_images *images, int64_t first, int64_t n, float *x)
{
    int64_t pixels = (int64_t)augment_scratch(&images->shape);
    struct levels levels;

    set_levels(images, &levels);
    for (int64_t i = 0; i < n; i++)
        normalise(&images->shape, &levels, images->pixels + (first + i) * pixels, x + i * pixels);
}

/* -- Threads ------------------------------------------------------------------------------ */

static void *work(void *arg)
{
    struct maker *m = arg;
    struct batch_loader *l = m->loader;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        int64_t g;

        while (!l->stopping && l->next - l->given >= l->ring)
            pthread_cond_wait(&l->wanted, &l->lock);
        if (l->stopping)
            break;
        g = l->next++;
        pthread_mutex_unlock(&l->lock);
        make(m, g);
        pthread_mutex_lock(&l->lock);
        l->slots[g % l->ring].ready = true;
        pthread_cond_broadcast(&l->made);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

const struct batch *batch_next(struct batch_loader *l)
{
    int64_t g = l->given + 1;
    struct slot *s = &l->slots[g % l->ring];
    double begin = clock_now();

    if (l->o.threads == 0) {
        l->given = g;
        make(l->makers, g);
    } else {
        pthread_mutex_lock(&l->lock);
        if (l->given >= 0)
            l->slots[l->given % l->ring].ready = false;
        l->given = g;
        pthread_cond_broadcast(&l->wanted);
        while (!s->ready)
            pthread_cond_wait(&l->made, &l->lock);
        pthread_mutex_unlock(&l->lock);
    }
    l->waited += clock_now() - begin;
    return &s->batch;
}

double batch_waited(const struct batch_loader *l)
{
    return l->waited;
}

/* Signals are for the caller's threads. */
static tcet_status start(struct batch_loader *l, struct error *err)
{
    sigset_t all, before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (l->started < l->o.threads && !failed) {
        struct maker *m = &l->makers[l->started];

        failed = pthread_create(&m->thread, NULL, work, m);
        l->started += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_set(err, TCET_E_IO, "cannot start thread %d of %d for batches: %s",
                              l->started + 1, l->o.threads, strerror(failed))
                  : TCET_OK;
}

void batch_close(struct batch_loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->wanted);
    pthread_mutex_unlock(&l->lock);
    for (int32_t i = 0; i < l->started; i++)
        pthread_join(l->makers[i].thread, NULL);
    for (int32_t i = 0; i < l->ring; i++) {
        free(l->slots[i].x);
        free(l->slots[i].targets);
        free(l->slots[i].labels);
        free(l->slots[i].indices);
    }
    for (int32_t i = 0; i < (l->o.threads ? l->o.threads : 1); i++) {
        free(l->makers[i].order);
        free(l->makers[i].image);
        free(l->makers[i].scratch);
        free(l->makers[i].mixed);
        free(l->makers[i].soft);
        free(l->makers[i].partner);
    }
    pthread_cond_destroy(&l->made);
    pthread_cond_destroy(&l->wanted);
    pthread_mutex_destroy(&l->lock);
    free(l->slots);
    free(l->makers);
    free(l);
}

/* -- Opening ------------------------------------------------------------------------------ */

static tcet_status check(const struct batch_options *o, const struct batch_images *images,
                         struct error *err)
{
    const struct augment_shape *s = &images->shape;

    if (images->count < 1 || images->count > INT32_MAX)
        return error_set(err, TCET_E_ARG, "%lld images to train on, want 1 to %d",
                         (long long)images->count, INT32_MAX);
    if (s->channels < 1 || s->channels > BATCH_CHANNELS_MAX || s->h < 1 || s->w < 1)
        return error_set(err, TCET_E_ARG,
                         "images of %d x %d x %d cannot be trained on, want 1 to %d channels",
                         s->channels, s->h, s->w, BATCH_CHANNELS_MAX);
    if (o->augment.auto_augment && s->channels != 3)
        return error_set(
            err, TCET_E_ARG,
            "auto_augment is for images of red, green and blue, these have %d channels",
            s->channels);
    if (o->batch < 1 || (o->drop_last && o->batch > images->count))
        return error_set(err, TCET_E_ARG, "batch = %lld, want 1 to %lld, the images there are",
                         (long long)o->batch, (long long)images->count);
    if (!(o->smoothing >= 0 && o->smoothing < 1) || !(o->mixup >= 0 && o->mixup <= 1e6))
        return error_set(
            err, TCET_E_ARG,
            "label_smoothing = %g, mixup = %g: want 0 up to less than 1, and 0 or more",
            o->smoothing, o->mixup);
    if (o->threads < 0 || o->threads > BATCH_THREADS_MAX || o->ring < 0 || o->ring > BATCH_RING_MAX)
        return error_set(err, TCET_E_ARG, "%d threads and %d batches ahead, want at most %d and %d",
                         o->threads, o->ring, BATCH_THREADS_MAX, BATCH_RING_MAX);
    for (int64_t i = 0; i < images->count; i++) {
        if (images->labels[i] < 0 || images->labels[i] >= images->classes)
            return error_set(err, TCET_E_ARG,
                             "image %lld has label %lld, the network has %d classes", (long long)i,
                             (long long)images->labels[i], images->classes);
    }
    return TCET_OK;
}

static bool room_for_slot(const struct batch_loader *l, struct slot *s)
{
    size_t n = (size_t)l->o.batch;

    s->x = mem_try(n * (size_t)l->pixels, sizeof *s->x);
    s->targets = mem_try(n * (size_t)l->images.classes, sizeof *s->targets);
    s->labels = mem_try(n, sizeof *s->labels);
    s->indices = mem_try(n, sizeof *s->indices);
    return s->x && s->targets && s->labels && s->indices;
}

static bool room_for_maker(struct batch_loader *l, struct maker *m)
{
    size_t n = (size_t)l->o.batch;

    m->loader = l;
    m->order_epoch = -1;
    m->order = mem_try((size_t)l->images.count, sizeof *m->order);
    m->image = mem_try((size_t)l->pixels, 1);
    m->scratch = mem_try(augment_scratch(&l->images.shape), 1);
    if (!m->order || !m->image || !m->scratch)
        return false;
    if (!(l->o.mixup > 0))
        return true;
    m->mixed = mem_try(n * (size_t)l->pixels, sizeof *m->mixed);
    m->soft = mem_try(n * (size_t)l->images.classes, sizeof *m->soft);
    m->partner = mem_try(n, sizeof *m->partner);
    return m->mixed && m->soft && m->partner;
}

tcet_status batch_open(const struct batch_options *o, const struct batch_images *images,
                       int64_t epoch, struct batch_loader **out, struct error *err)
{
    struct batch_loader *l;
    int32_t makers = o->threads ? o->threads : 1;
    bool room = true;
    tcet_status st;

    TRY(check(o, images, err));
    l = mem_alloc(sizeof *l);
    l->o = *o;
    if (l->o.batch > images->count)
        l->o.batch = images->count;
    l->images = *images;
    set_levels(images, &l->levels);
    l->per_epoch = batch_count(&l->o, images->count);
    l->pixels = (int64_t)augment_scratch(&images->shape);
    l->first_epoch = epoch;
    l->given = -1;
    l->ring = !o->threads ? 1 : o->ring ? o->ring : o->threads + 2;
    l->slots = mem_alloc((size_t)l->ring * sizeof *l->slots);
    l->makers = mem_alloc((size_t)makers * sizeof *l->makers);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->made, NULL);
    pthread_cond_init(&l->wanted, NULL);
    for (int32_t i = 0; i < l->ring && room; i++)
        room = room_for_slot(l, &l->slots[i]);
    for (int32_t i = 0; i < makers && room; i++)
        room = room_for_maker(l, &l->makers[i]);
    st = room ? start(l, err)
              : error_set(err, TCET_E_MEMORY, "no memory for %d batches of %lld images", l->ring,
                          (long long)l->o.batch);
    if (st < 0)
        batch_close(l);
    else
        *out = l;
    return st;
}
