/* score.h -- one architecture to its row: build, count, draw weights, run the distinct
 * passes, saliency -> aggregator -> combiner.
 *
 * Room: core/score.  Lives in a worker.  A scorer owns the memory that is reused from one
 * architecture to the next; what it returns is borrowed until the next call.  A plan's scorers may
 * each have an architecture in flight, between scorer_begin and scorer_end. */
#ifndef CORE_SCORE_H
#define CORE_SCORE_H

#include "plan/plan.h"

/* One column's value of one architecture. */
struct score_value {
    int have; /* 0: not computed, not given */
    double value;
    const double *layers; /* one a layer of its site, or NULL */
    size_t layer_count;
    struct guards guards;
    double seconds; /* build, weights, and the passes it needs */
};

/* A conv or linear layer, for exports. */
struct score_layer {
    const char *name, *kind, *shape;
};

struct score_row {
    struct graph_counts counts;
    double x_sum, w_sum;
    const struct score_layer *layers;
    size_t layer_count;
    struct score_value *values; /* one a column */
    double seconds_build, seconds_init, seconds_forward, seconds_backward, seconds_total;
};

struct scorer;
struct scorer *scorer_new(struct plan *p);
void scorer_free(struct scorer *s);

/* Begins to score arch: graph and weights, and where the plan has several architectures in flight
 * the passes, up to where their results would have to be waited for.  wanted[column]: 1 = compute.
 * known: NULL, or one entry a column, `have` set where the store already holds the value that a
 * wanted score needs; its layers are borrowed until scorer_end. */
void scorer_begin(struct scorer *s, const char *arch, const uint8_t *wanted,
                  const struct score_value *known);
/* Ends it.  On failure the row holds everything that does not depend on what failed, and the
 * error is the first. */
tcet_status scorer_end(struct scorer *s, struct score_row **out, struct error *err);

/* Facts that need no pass. */
struct arch_facts {
    struct graph_counts counts;
    tcet_traits traits;
};
tcet_status scorer_facts(struct scorer *s, const char *arch, struct arch_facts *out,
                         struct error *err);

/* Runs a population score over columns[input][count]; out[count]. */
tcet_status score_population(struct plan *p, int score, const double *const *columns, size_t count,
                             double *out, struct error *err);

#endif
