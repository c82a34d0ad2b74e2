/* subject.h -- the architecture that is being scored, as all parts of scoring see it.
 *
 * Room: core/score.  score.c fills it; the parts borrow it. */
#ifndef CORE_SCORE_SUBJECT_H
#define CORE_SCORE_SUBJECT_H

#include "plan/plan.h"

struct subject {
    struct plan *plan;
    const char *arch;   /* its encoding */
    uint64_t again;     /* added to the seeds of weights */
    uint64_t random;    /* what random streams of it begin from: its seed's and text's hash */
    struct arena arena; /* dies with it */
    struct error first; /* the first failure, once one was noted */
    int failed;
};

/* One thing failed; what does not depend on it goes on. */
void subject_fail(struct subject *s, const struct error *err);
/* The instance, to be called (calls.h) with this architecture's random stream and these guard
 * counters (NULL: none). */
struct instance *subject_call(const struct subject *s, struct instance *i, struct guards *g);
/* A non-finite number is counted, and kept, dropped (a layer's counts as 0, a network's is no
 * value) or refused as the config says.  name: of the metric or score; layer: NULL for the
 * network's number. */
tcet_status subject_admit(const struct subject *s, const char *name, const char *layer, double *v,
                          struct guards *g, struct error *err);

#endif
