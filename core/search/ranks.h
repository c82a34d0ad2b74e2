/* ranks.h -- scores over a population (a rank average, say) inside a search, where the population is not
 * known: the place of a newcomer in a reference population, or in all that was scored so far.
 *
 * Room: core/search. */
#ifndef CORE_SEARCH_RANKS_H
#define CORE_SEARCH_RANKS_H

#include "plan/plan.h"

struct ranks {
    struct plan *plan;
    int score;        /* of the plan */
    double **columns; /* [inputs][count], and room for a newcomer */
    size_t count, room;
    double *out; /* scratch [room] */
};

/* column: a population column of the plan. */
void ranks_open(struct ranks *r, struct plan *plan, int column);
void ranks_close(struct ranks *r);
/* values: one a column of the plan.  Does one of the inputs lack its value? */
int ranks_lacks(const struct ranks *r, const double *values);
/* Adds to the population. */
void ranks_add(struct ranks *r, const double *values);
/* The score of one that is not (or not yet) of the population. */
tcet_status ranks_score(struct ranks *r, const double *values, double *out, struct error *err);
/* The scores of the whole population, in the order in which they were added; borrowed. */
tcet_status ranks_all(struct ranks *r, const double **out, struct error *err);

#endif
