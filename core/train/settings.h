/* settings.h -- [train] of a config: what is trained, how long, how.
 *
 * Room: core/train.  Reads the config alone: the supervisor, which runs no plugin code, and the trainer
 * see the same. */
#ifndef CORE_TRAIN_SETTINGS_H
#define CORE_TRAIN_SETTINGS_H

#include "config/config.h"
#include "train/batch.h"
#include "train/schedule.h"

#include <tcet/draft/backend.h>

enum train_test { TEST_TEST, TEST_TRAIN, TEST_NONE };

struct train_settings {
    const struct config_key *arch;       /* an encoding, or best:FOLDER */
    int64_t first_seed, last_seed;       /* of weights, order and draws; a training each */
    int64_t epochs, images, test_images; /* the first so many alone; 0: all */
    int64_t holdout;                     /* the last so many training images are the test images */
    int test;                            /* enum train_test: what the network is measured on */
    int64_t eval_every, checkpoint_every;
    int log_steps;    /* a line of train.csv is a step's, not an epoch's */
    int default_init; /* init = default: as the layers' constructors draw, not as the space trains */
    int decay_all;    /* weight decay reaches biases and norms too */
    double weight_decay;
    double lr_per_256; /* 0: schedule.peak is given */
    struct batch_options batch;
    struct schedule schedule;
    tcet_train how;
};

/* Errors name file, line, key and what is allowed.  *out borrows from c. */
tcet_status train_settings_read(const struct config *c, struct train_settings *out,
                                struct error *err);
/* All that a training's numbers depend on of the settings but the seed and architecture, a line each:
 * what a checkpoint must agree with. */
void train_settings_print(const struct train_settings *s, struct buf *out);

#endif
