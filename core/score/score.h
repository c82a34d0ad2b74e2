/* score.h -- one architecture to its row: build, count, draw weights, run the distinct
 * passes, saliency -> aggregator -> combiner.
 *
 * Room: core/score.  Lives in a worker.  A scorer owns the memory that is reused from one
 * architecture to the next; what it returns is borrowed until the next call.  A plan's scorers may
 * each have an architecture in flight, between scorer_begin and scorer_end. */
#ifndef CORE_SCORE_H
#define CORE_SCORE_H

#include "plan/plan.h"

struct scorer;
struct scorer *scorer_new(struct plan *p);
void scorer_free(struct scorer *s);

/* Values that are not to be computed: the store's that a wanted score needs, and wanted ones that
 * another architecture has got for the same network.  w_sum: of the weights of the latter. */
struct score_known {
    const struct result_value *value;
    size_t count;
    double w_sum;
};

/* Begins to score arch, with the weights of the plan's seeds plus `again` (0 but where a search scores an
 * architecture once more): graph and weights, and where the plan has several architectures in flight
 * the passes, up to where their results would have to be waited for.  wanted[column]: 1 = compute.
 * arch is borrowed as long as the row is read; wanted, and the known values with their layers, until
 * scorer_end. */
void scorer_begin(struct scorer *s, const char *arch, uint64_t again, const uint8_t *wanted,
                  const struct score_known *known);
/* Ends it: the row with the wanted values, its status and message.  On failure it holds everything
 * that does not depend on what failed, and the message is of the first failure. */
const struct result_row *scorer_end(struct scorer *s);

/* Facts that need no pass. */
struct arch_facts {
    struct graph_counts counts;
    tcet_traits traits;
};
tcet_status scorer_facts(struct scorer *s, const char *arch, struct arch_facts *out,
                         struct error *err);

/* What is equal for architectures that [run] share scores once (plan_shares): with `equal` the digest of
 * the networks that are scored, with `canonical` the space's key with their counts. */
tcet_status scorer_alike(struct scorer *s, const char *arch, struct buf *out, struct error *err);

/* Runs a population score over columns[input][count]; out[count]. */
tcet_status score_population(struct plan *p, int score, const double *const *columns, size_t count,
                             double *out, struct error *err);

#endif
