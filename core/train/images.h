/* images.h -- a dataset's images in memory, to train on and to measure on.
 *
 * Room: core/train.  Runs the dataset plugin. */
#ifndef CORE_TRAIN_IMAGES_H
#define CORE_TRAIN_IMAGES_H

#include "plan/plan.h"
#include "train/batch.h"

struct images {
    struct batch_images images;
    uint8_t *pixels; /* what images points to */
    int64_t *labels;
};

enum images_split { IMAGES_TRAIN, IMAGES_TEST };

/* All images of a split of the plan's first dataset, or with limit the first so many.  Errors: the
 * dataset's; TCET_E_ARG where it has no such images, or they do not fit the network. */
tcet_status images_open(struct plan *p, enum images_split split, int64_t limit, struct images *out,
                        struct error *err);
void images_close(struct images *i); /* {0} is fine */

#endif
