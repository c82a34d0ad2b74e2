/* measure.h -- how well a network classifies images.
 *
 * Room: core/train.  Runs the backend. */
#ifndef CORE_TRAIN_MEASURE_H
#define CORE_TRAIN_MEASURE_H

#include "plan/plan.h"
#include "train/batch.h"

struct measure {
    struct plan *plan;
    struct batch_images images; /* borrowed */
    int64_t batch;              /* images at once */
    float *x;
    double *targets;
};

struct measured {
    double loss;       /* mean cross-entropy */
    double top1, top5; /* percent */
};

/* Room for batches; measure_close afterwards, after an error too. */
tcet_status measure_open(struct measure *m, struct plan *p, const struct batch_images *images,
                         int64_t batch, struct error *err);
/* Measures the network in training with its running statistics; ema: its moving average.  alive is
 * called after each batch; a negative status of it stops. */
tcet_status measure_run(struct measure *m, tcet_training *t, int ema,
                        tcet_status (*alive)(void *arg, struct error *err), void *arg,
                        struct measured *out, struct error *err);
void measure_close(struct measure *m); /* {0} is fine */

#endif
