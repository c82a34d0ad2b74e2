/* images.h -- the images of a dataset in memory: those to train on, those to test on.
 *
 * Room: core/train.  Stands on core/plugin and batch.h.  Runs plugin code: in a worker. */
#ifndef CORE_IMAGES_H
#define CORE_IMAGES_H

#include "plugin/instance.h"
#include "train/batch.h"

struct images {
    uint8_t *pixels; /* all that were read */
    int64_t *labels;
    struct batch_images train, test; /* parts of them; test.count 0: there is none */
    char identity[300];              /* of the bytes and how they are split, a line */
};

struct images_options {
    int32_t height, width, classes; /* of the network; images may have fewer classes */
    int64_t holdout;                /* 0: none; else the last so many of the training split are
                                       the test images, whatever test split there is */
};

/* Reads both splits of an opened dataset; images_free() afterwards, not after an error.  Errors:
 * TCET_E_UNSUPPORTED where the dataset cannot be read so, TCET_E_ARG for too many to hold out
 * or too few classes; the plugin's own. */
tcet_status images_read(struct instance *dataset, const struct images_options *o,
                        struct images *out, struct error *err);
void images_free(struct images *images);

#endif
