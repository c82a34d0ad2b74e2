/* process.h -- a link to a worker that is a process of this machine.
 *
 * Room: core/run.  The worker's memory is watched, and which plugin's code ran last is known when
 * it crashes. */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include "run/link.h"

/* A link without a worker.  share: struct link's. */
struct link process_link(double share);
/* Is there a worker? */
int process_up(const struct link *l);
/* Where the workers among count links that are processes of ours hold more memory than they may:
 * the one that holds the most, to be ended; else -1.  at(list, i) is the i-th link.  Looks twenty
 * times a second at most. */
int process_largest(struct link *(*at)(void *list, int i), void *list, int count);

#endif
