/* set.h -- what every dataset of stored images does alike: order, mini-batches, normalising, labels,
 * the splits that training reads.  A dataset is one file: parameters, an open() that fills struct set,
 * and pixels(), which gets images from where they are.
 *
 * Room: plugins/dataset/common.  Stands on the SDK and libc. */
#ifndef DATASET_SET_H
#define DATASET_SET_H

#include <stdint.h>
#include <stdio.h>
#include <tcet/dataset.h>
#include <tcet/failf.h>

#include "common/jigsaw.h"

/* Of an image; training reads those of at most TCET_READ_CHANNELS_MAX. */
enum { SET_CHANNELS_MAX = 65536 };

/* The first member of a plugin's instance: the functions below take the instance as `self`. */
struct set {
    char where[512];       /* file or folder, for messages; its end is cut where it is longer */
    char name[64];         /* the identity's beginning, a word or two */
    const char *test_hint; /* what to do where there are no test images: "set path to ..." */
    const char
        *channels_hint;    /* what to do for a network of other channels: "; set ..."; or NULL */
    int32_t hint_channels; /* the hint is of networks of so many; 0: of all */
    int32_t channels; /* of an image, 1 .. SET_CHANNELS_MAX; an image has less than 2^28 numbers */
    int32_t height, width; /* natural size */
    int32_t resizes;       /* 1: pixels() makes any size; 0: the natural one, from which sizes that
                              divide it are made by averaging boxes */
    int32_t floats;        /* 0: bytes, whose value is byte / 255; 1: float32, taken as they are */
    int32_t classes;       /* labels are in [0, classes) */
    int32_t first_label;   /* 1: the plugin has a key of this name, and it is 0 */
    int32_t padding;       /* more than 0: random crops after so much black, and random flips */
    int32_t balance;       /* 1: as many images of every class in a mini-batch */
    float *mean, *std;     /* [channels]: set_statistics(), set_normalise() */
    uint32_t targets;      /* TCET_TARGET_BIT of what images have beside a label; 0: nothing */
    int32_t target_channels; /* of a target, whose planes, if any, are as large as the images */

    int64_t count[TCET_SPLITS];
    int32_t *label[TCET_SPLITS]; /* of each image; malloc'd, freed by set_forget() */
    int64_t capacity[TCET_SPLITS];
    int32_t top_label[TCET_SPLITS]; /* the largest that occurs */
    uint64_t checksum[TCET_SPLITS]; /* of what determines the images: set_hash() */
    int32_t test_known;

    /* n images of a split, each in [0, count[split]), as planes: uint8_t or, where `floats`, float
     * [n, channels, h, w]; h x w is the natural size unless `resizes`.  Errors name the file. */
    tcet_status (*pixels)(tcet_ctx *cx, void *self, uint32_t split, const int64_t *images,
                          int64_t n, int32_t h, int32_t w, void *out);
    /* With permutations: what is drawn are puzzles, nine tiles of an image side by side as channels, and
     * the class is that of their order.  jigsaw_close() is the plugin's. */
    struct jigsaw jigsaw;

    /* With `targets`: a training image's, [target_channels] or planes of the natural size. */
    tcet_status (*target)(tcet_ctx *cx, void *self, int64_t image, float *out);
    /* Optional: images that can be read in several ways are read as the request wants them, or, without
     * one, as they are read of themselves.  Called before anything is asked of the set. */
    tcet_status (*suit)(tcet_ctx *cx, void *self, const tcet_data_request *request);
    /* Optional: adds the test split; called once, when splits are asked for. */
    tcet_status (*find_test)(tcet_ctx *cx, void *self);
};

/* Empties a split, or frees all. */
void set_clear(struct set *s, uint32_t split);
void set_forget(struct set *s);

/* One more image, with its label; it is in [0, INT32_MAX). */
tcet_status set_add(tcet_ctx *cx, struct set *s, uint32_t split, int64_t label);

/* FNV-1a of n bytes, going on from hash (SET_HASH at first). */
#define SET_HASH UINT64_C(0xcbf29ce484222325)
uint64_t set_hash(uint64_t hash, const void *data, size_t n);

/* The parameters mean and std: of each channel, or one number for all, parted by blanks or commas; or
 * "computed" both: over all training images at height x width, each image weighing the same. */
tcet_status set_statistics(tcet_ctx *cx, struct set *s, const char *mean, const char *std);

/* The same as numbers, [channels] each, which are copied. */
tcet_status set_normalise(tcet_ctx *cx, struct set *s, const float *mean, const float *std);

/* A whole file in memory, at most `most` bytes of it or an error that says so; free() it. */
tcet_status set_file(tcet_ctx *cx, const char *path, int64_t most, unsigned char **bytes,
                     size_t *size);

/* The functions of tcet_dataset_ops. */
tcet_status set_info(tcet_ctx *cx, void *self, tcet_data_info *out);
tcet_status set_draw(tcet_ctx *cx, void *self, const tcet_data_request *request, float *x,
                     int64_t *y);
tcet_status set_targets(tcet_ctx *cx, void *self, const tcet_data_request *request, float *t);
tcet_status set_splits(tcet_ctx *cx, void *self, tcet_data_splits *out);
tcet_status set_read(tcet_ctx *cx, void *self, const tcet_read_request *request, uint8_t *images,
                     int64_t *labels);

#define SET_OPS(opens)                                                                   \
    {                                                                                    \
        .struct_size = sizeof(tcet_dataset_ops), .open = (opens), .info = set_info,      \
        .draw = set_draw, .splits = set_splits, .read = set_read, .targets = set_targets \
    }

#endif
