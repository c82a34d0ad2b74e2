/* batch.h -- the mini-batches of training: ordered, augmented, normalised, mixed, with soft targets,
 * made by threads of their own.
 *
 * Room: core/train.  Stands on core/num and core/base.  A batch's content depends on the options,
 * the epoch and its number, not on how many threads make it or who asks when. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "base/error.h"
#include "train/augment.h"

enum { BATCH_CHANNELS_MAX = 4, BATCH_THREADS_MAX = 64, BATCH_RING_MAX = 64 };

/* Images in memory, borrowed for as long as whoever uses them lives. */
struct batch_images {
    struct augment_shape shape;
    int64_t count;
    const uint8_t *pixels; /* [count, channels, h, w] */
    const int64_t *labels; /* [count], each in [0, classes) */
    int32_t classes;
    float mean[BATCH_CHANNELS_MAX], std[BATCH_CHANNELS_MAX]; /* x = (byte / 255 - mean) / std */
};

struct batch_options {
    int64_t batch;     /* images in each; the last of an epoch may have fewer */
    int32_t shuffle;   /* 1: every epoch in a random order of its own; 0: as they stand */
    int32_t drop_last; /* 1: a last batch of fewer images is left out */
    struct augment augment;
    double smoothing; /* targets (1 - smoothing) onehot + smoothing / classes */
    double mixup;     /* a of Beta(a, a); 0: none */
    uint64_t seed;
    int32_t threads; /* that make batches ahead; 0: made when asked for */
    int32_t ring;    /* batches made ahead at most; 0: threads + 2 */
};

struct batch {
    int64_t epoch, number;  /* number counts from 0 in each epoch */
    int64_t n;              /* images */
    const float *x;         /* [n, channels, h, w] */
    const double *targets;  /* [n, classes], each row's sum is 1 */
    const int64_t *labels;  /* [n]: of the image itself, where mixup joins a second one */
    const int64_t *indices; /* [n]: which images these are */
    double gamma;           /* share of the image itself; 1 without mixup */
};

/* Batches of an epoch. */
int64_t batch_count(const struct batch_options *o, int64_t images);

struct batch_loader;
/* From epoch `epoch`, its first batch, on, without end.  images is borrowed.  Errors: TCET_E_ARG
 * (what of the options cannot be; a label out of range), TCET_E_MEMORY, TCET_E_IO (no thread). */
tcet_status batch_open(const struct batch_options *o, const struct batch_images *images,
                       int64_t epoch, struct batch_loader **out, struct error *err);
/* The next batch, valid until the next call; waits for it.  One thread. */
const struct batch *batch_next(struct batch_loader *l);
/* Seconds that batch_next has waited so far: what of the loader was on the critical path. */
double batch_waited(const struct batch_loader *l);
/* Ends the threads, waits for them and frees all; NULL is fine. */
void batch_close(struct batch_loader *l);

/* n images from `first` on as they stand, without any change, for evaluation: x [n, channels, h, w].
 * Any thread. */
void batch_plain(const struct batch_images *images, int64_t first, int64_t n, float *x);

#endif
