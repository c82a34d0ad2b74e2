/* inspect.h -- what a worker tells of a space and of one of its architectures (WIRE_SPACE).
 * Room: core/run.  Stands on core/plan, core/graph and core/net. */
#ifndef CORE_INSPECT_H
#define CORE_INSPECT_H

#include "plan/plan.h"

/* A question is a list of texts, as the answer is.  An architecture may be index:N.
 *
 * about                      size (-1: no number), 1 where they are numbered, channels, height, width and
 *                            classes of the task, an example, its targets in words
 * random COUNT SEED          so many
 * mutate ARCH COUNT SEED     so many of one parent
 * canonical ARCH             key, official number (-1: none), encoding
 * layers ARCH                encoding, parameters, MACs, live, alive, depth; then INSPECT_FIELDS an
 *                            operation, in order of execution: name, operation, shape of the weight,
 *                            parameters, MACs, shape of the output; kernel and stride, 1 where it is a
 *                            conv or linear layer, its cell, numbers of the operations that it reads
 * check ARCH...              an error for each, "" where there is none
 * net ARCH PATH              writes the drawn network to a file (net.h): encoding, parameters */
enum { INSPECT_HEAD = 6, INSPECT_FIELDS = 10, INSPECT_COUNT_MAX = 100000 };

tcet_status inspect_space(struct plan *p, const char *const *ask, size_t count, struct arena *a,
                          const char *const **out, size_t *out_count, struct error *err);

#endif
