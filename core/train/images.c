/* images.c -- see images.h.  Room: core/train.  Stands on core/plugin. */
#include "train/images.h"

#include "base/mem.h"
#include "plugin/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tcet_status check(struct instance *dataset, const struct images_options *o,
                         const tcet_data_splits *s, struct error *err)
{
    const char *id = dataset->plugin->desc.id;

    if (s->channels < 1 || s->channels > TCET_READ_CHANNELS_MAX || s->height < 1 || s->width < 1 ||
        s->classes < 1 || s->count[TCET_SPLIT_TRAIN] < 1 || s->count[TCET_SPLIT_TEST] < 0 ||
        !memchr(s->identity, '\0', sizeof s->identity))
        return error_set(err, TCET_E_PLUGIN, "%s: splits() gives what cannot be", id);
    if (s->classes > o->classes)
        return error_set(err, TCET_E_ARG, "the network has %d classes, %s has %d", o->classes, id,
                         s->classes);
    if (o->holdout >= s->count[TCET_SPLIT_TRAIN])
        return error_set(err, TCET_E_ARG,
                         "holdout = %lld leaves nothing of %lld images to train on",
                         (long long)o->holdout, (long long)s->count[TCET_SPLIT_TRAIN]);
    return TCET_OK;
}

static tcet_status read_split(struct instance *dataset, uint32_t split, int64_t n,
                              const struct images_options *o, uint8_t *pixels, int64_t *labels,
                              struct error *err)
{
    tcet_read_request r = {
        .struct_size = sizeof r, .split = split, .height = o->height, .width = o->width, .n = n};

    return n ? dataset_read(dataset, &r, pixels, labels, err) : TCET_OK;
}

tcet_status images_read(struct instance *dataset, const struct images_options *o,
                        struct images *out, struct error *err)
{
    const tcet_dataset_ops *ops = OPS(tcet_dataset_ops, dataset);
    struct images images = {.pixels = NULL};
    tcet_data_splits s;
    int64_t train, test, image;
    tcet_status st;

    if (!ops->splits || !ops->read)
        return error_set(err, TCET_E_UNSUPPORTED,
                         "the dataset %s has no images to train on: it only draws mini-batches",
                         dataset->plugin->desc.id);
    TRY(dataset_splits(dataset, &s, err));
    TRY(check(dataset, o, &s, err));
    train = s.count[TCET_SPLIT_TRAIN];
    test = o->holdout ? 0 : s.count[TCET_SPLIT_TEST]; /* held-out images are the test images */
    images.train.shape = (struct augment_shape){s.channels, o->height ? o->height : s.height,
                                                o->width ? o->width : s.width};
    image = (int64_t)augment_scratch(&images.train.shape);
    images.pixels = mem_try((size_t)(train + test), (size_t)image);
    images.labels = mem_try((size_t)(train + test), sizeof *images.labels);
    st = images.pixels && images.labels
             ? TCET_OK
             : error_set(err, TCET_E_MEMORY, "no memory for %lld images of %lld bytes",
                         (long long)(train + test), (long long)image);
    if (st >= 0)
        st = read_split(dataset, TCET_SPLIT_TRAIN, train, o, images.pixels, images.labels, err);
    if (st >= 0)
        st = read_split(dataset, TCET_SPLIT_TEST, test, o, images.pixels + train * image,
                        images.labels + train, err);
    if (st < 0) {
        images_free(&images);
        return st;
    }
    images.train.pixels = images.pixels;
    images.train.labels = images.labels;
    images.train.classes = o->classes;
    memcpy(images.train.mean, s.mean, sizeof images.train.mean);
    memcpy(images.train.std, s.std, sizeof images.train.std);
    images.test = images.train;
    images.train.count = train - o->holdout;
    images.test.count = test + o->holdout;
    images.test.pixels += images.train.count * image;
    images.test.labels += images.train.count;
    snprintf(images.identity, sizeof images.identity, "%s holdout=%lld", s.identity,
             (long long)o->holdout);
    *out = images;
    return TCET_OK;
}

void images_free(struct images *images)
{
    free(images->pixels);
    free(images->labels);
    *images = (struct images){.pixels = NULL};
}
