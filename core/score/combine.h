/* combine.h -- layers' numbers to metrics, and metrics to scores.
 *
 * Room: core/score.  Runs aggregators and combiners, when all layers have been taken. */
#ifndef CORE_SCORE_COMBINE_H
#define CORE_SCORE_COMBINE_H

#include "score/layers.h"

struct combine {
    struct subject *subject;
    const struct layers *layers; /* what the saliencies gave, and of which networks */
    struct result_value *values; /* of the row */
    const uint8_t *needed;       /* columns to compute */
};

/* Every metric that is needed and whose layers did not fail.  What fails is noted in the subject,
 * and has no value. */
void combine_metrics(struct combine *c);
/* Every score that is needed and whose inputs all have a value, but those of a population. */
void combine_scores(struct combine *c);

#endif
