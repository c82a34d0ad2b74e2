/* passes.h -- the plan's passes on one architecture: weights, inputs, submission, collection.
 *
 * Room: core/score.  Runs the backend; layers.h takes what it shows. */
#ifndef CORE_SCORE_PASSES_H
#define CORE_SCORE_PASSES_H

#include "score/costs.h"
#include "score/layers.h"

/* Floats that are used again, as many as cap. */
struct floats {
    float *data;
    size_t cap;
};

/* A pass that was submitted, until it is collected. */
struct submitted {
    tcet_run run;
    tcet_status status;
    struct error err;
};

struct passes {
    struct subject *subject;
    struct network *networks; /* [2] */
    struct layers *layers;
    struct costs *costs;
    int defer;             /* 1: passes_begin submits, passes_run collects; 0: it does all */
    tcet_model *models[2]; /* of the networks; NULL until a pass needs it */
    struct floats absolute, gaussian, images;
    tcet_rng rng;                /* of the pass in hand */
    struct submitted *submitted; /* one a pass */
    int last;                    /* that was run, and whose forward may serve the next; -1 */
    int at;                      /* the one in hand */
};

void passes_open(struct passes *p, struct subject *s, struct network *networks,
                 struct layers *layers, struct costs *costs);
/* Releases models that were not collected, too. */
void passes_close(struct passes *p);
/* Another architecture's passes begin, its layers being ready.  Where passes are deferred: submits
 * those that some saliency reads. */
void passes_begin(struct passes *p);
/* Runs, or collects, them in the order of the plan.  One that fails costs what reads it. */
void passes_run(struct passes *p);

#endif
