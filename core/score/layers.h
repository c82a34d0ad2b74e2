/* layers.h -- a layer to its numbers: saliency -> S^l -> aggregator, for every metric.
 *
 * Room: core/score.  Runs saliencies and aggregators.  A metric that fails costs its own value, a
 * saliency that fails those of its metrics; neither costs anything else. */
#ifndef CORE_SCORE_LAYERS_H
#define CORE_SCORE_LAYERS_H

#include "score/network.h"
#include "plan/plan.h"

/* S^l of one layer, kept after the pass. */
struct kept {
    double *data; /* arena of the architecture; NULL: layer not seen */
    int64_t rows, cols;
};

/* What one saliency gave for the current architecture. */
struct outcome {
    int active;                    /* some wanted metric needs it */
    int failed;                    /* its pass or its code failed: its metrics have no value */
    size_t count;                  /* layers over its sites */
    size_t site_at[REQUEST_SITES]; /* first position of each site */
    struct kept *kept;             /* [count], when the plan keeps S^l */
    struct guards guards;
};

struct layers {
    struct subject *subject;
    struct network *networks;    /* [2], by TCET_NETWORK_* */
    struct result_value *values; /* of the row: where layers' numbers go */
    uint8_t *needed;             /* columns to compute */
    struct outcome *outcomes;    /* one a saliency */
    uint8_t *given_up;           /* one a metric: its own numbers failed, its saliency did not */
    double *matrix;              /* S^l of the current layer */
    size_t matrix_cap;
};

void layers_open(struct layers *l, struct subject *s, struct network *networks);
void layers_close(struct layers *l);
/* Another architecture begins: memory for every saliency and metric that takes part.  Networks
 * that they need are made.  values and needed: one a column, borrowed; values that are known say
 * so and stay, but for those with another number of layers than the network has: these are needed. */
void layers_begin(struct layers *l, struct result_value *values, uint8_t *needed);

/* The network that a saliency looks at. */
struct network *layers_network(const struct layers *l, int saliency);
/* Is there a saliency that reads this pass? */
int layers_read_pass(const struct layers *l, int pass);
/* A layer of a pass: shown to every saliency that reads it. */
void layers_take(struct layers *l, int pass, const tcet_layer *layer);
/* Saliencies that need no pass are shown every module of their sites. */
void layers_take_static(struct layers *l);
/* A pass failed, and with it all saliencies that read it. */
void layers_fail_pass(struct layers *l, int pass, const struct error *err);

/* A row-major matrix as a view; shape: memory for its extents and strides. */
tcet_view matrix_view(double *data, int64_t rows, int64_t cols, int64_t shape[4]);

#endif
