/* costs.h -- what each column of an architecture took, in seconds.
 *
 * Room: core/score.  Shared work counts whole for each column that needs it: a column's seconds
 * are those of computing it alone. */
#ifndef CORE_SCORE_COSTS_H
#define CORE_SCORE_COSTS_H

#include "plan/plan.h"

/* What a pass took. */
struct pass_cost {
    double forward; /* its own, or that of the pass whose forward it uses */
    double hvp, rest;
};

struct costs {
    const struct plan *plan;
    struct pass_cost *pass;   /* one a pass */
    double forward, backward; /* of all passes that were run */
    uint8_t *used;            /* scratch: one a pass */
};

void costs_open(struct costs *c, const struct plan *p);
void costs_close(struct costs *c);
/* Another architecture begins: nothing has cost anything. */
void costs_begin(struct costs *c);
/* A pass was run, or submitted, in so many seconds; before: the pass whose forward it may have used,
 * -1 none. */
void costs_take_run(struct costs *c, int pass, int before, const tcet_run *run, double seconds);
/* Sets the seconds of every value that was computed: those of its networks, and of its passes.
 * Of values that were known before, c->pass has nothing: what is left of their seconds is taken
 * for their pass's. */
void costs_charge(struct costs *c, double networks, const uint8_t *needed,
                  struct result_value *values);

#endif
