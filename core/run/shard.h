/* shard.h -- which part of a run's architectures is ours.  Room: core/run.
 *
 * Shard i of n has the architectures whose ordinal, from 0, is i - 1 modulo n: cheap and dear
 * neighbours of a space spread evenly, and which shard has what depends on nothing else. */
#ifndef CORE_SHARD_H
#define CORE_SHARD_H

#include "base/error.h"

struct shard {
    int index, count; /* 1-based; {0, 0}: not a shard */
};

/* "2/8", or "auto": the place of this task in its Slurm job array (SLURM_ARRAY_TASK_ID,
 * _COUNT, _MIN, _MAX, _STEP).  Errors say what is allowed. */
tcet_status shard_parse(const char *text, struct shard *out, struct error *err);

#endif
