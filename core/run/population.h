/* population.h -- scores that need all architectures at once, after their rows are in.
 * Room: core/run. */
#ifndef CORE_POPULATION_H
#define CORE_POPULATION_H

#include "config/config.h"
#include "run/wire.h"
#include "store/store.h"

struct client;
/* Computes the plan's population columns from what the store holds of their inputs, and puts
 * them into the store.  c: a client that is down, started when there is such a column and
 * stopped at the end, and started again `retries` times when it dies; memory: its
 * address-space limit in bytes, 0 none. */
tcet_status population_scores(struct store *store, const struct config *config,
                              const struct wire_plan *plan, struct client *c, size_t memory,
                              int64_t retries, struct error *err);

#endif
