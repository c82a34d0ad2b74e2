/* shard.h -- which part of a run's architectures, or of a search's seeds, is ours.  Room: core/run.
 *
 * Shard i of n has the items whose ordinal, from 0, is i - 1 modulo n: cheap and dear
 * neighbours of a space spread evenly, and which shard has what depends on nothing else. */
#ifndef CORE_SHARD_H
#define CORE_SHARD_H

#include "base/error.h"
#include "base/mem.h"

struct shard {
    int index, count; /* 1-based; {0, 0}: not a shard */
};

/* "2/8", or "auto": the place of this task in its Slurm job array (SLURM_ARRAY_TASK_ID,
 * _COUNT, _MIN, _MAX, _STEP).  Errors say what is allowed. */
tcet_status shard_parse(const char *text, struct shard *out, struct error *err);

/* What a shard has; all in the arena. */
struct shard_part {
    const char *const *item;
    size_t count;
    const char *text;   /* as stored: "2/4 of 100, list SHA-256"; "" of what is no shard */
    const char *folder; /* its own, below the whole's: shard-2-of-4 */
};
/* Of items and of the whole's folder. */
struct shard_part shard_take(struct shard shard, const char *const *items, size_t count,
                             const char *folder, struct arena *a);
/* The digest of a whole's items, as such a text has it. */
void shard_digest(const char *const *items, size_t count, char out[65]);

#endif
