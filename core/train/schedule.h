/* schedule.h -- the learning rate as a function of the images seen.  Room: core/train.  Stands on libc
 * and libm; no errors, any thread. */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_STEP, SCHEDULE_CONSTANT };
enum { SCHEDULE_STEPS_MAX = 16 };

struct schedule {
    enum schedule_kind kind;
    double peak;   /* the rate after the warm-up */
    double target; /* cosine, linear: the rate at the end */
    double warmup; /* epochs of rising from 0; 0: none.  At most `epochs` */
    int64_t epochs;
    int64_t
        images; /* in an epoch: all of the training split, also those that drop_last leaves out */
    /* step: times `factor` from each of these epochs on */
    double step[SCHEDULE_STEPS_MAX], factor;
    int32_t steps;
};

/* seen: images seen including those of the batch at hand, counted from epoch * images at each
 * epoch's start (schedule_seen).  With N = images, W = warmup, E = epochs:
 *   seen < W N: peak (seen + 1) / (W N)
 *   cosine:     target + (peak - target) (1 + cos(pi r)) / 2, r = (seen - W N + 1) / ((E - W) N),
 *               which passes 1 at the last batch as ZenNAS's does
 *   linear:     target + (peak - target) (1 - min(r, 1))
 *   step:       peak factor^k, where k of the `step`s are at or before (seen - 1) / N
 *   constant:   peak */
double schedule_rate(const struct schedule *s, int64_t seen);
/* Images seen at batch `number` (from 0) of an epoch, of n images where each before had `batch`. */
int64_t schedule_seen(const struct schedule *s, int64_t epoch, int64_t number, int64_t batch,
                      int64_t n);

#endif
