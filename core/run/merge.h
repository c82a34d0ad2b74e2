/* merge.h -- the folders of a run's or a search's shards made one, as if it had never been cut.
 * Room: core/run. */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include "run/shard.h"
#include "store/store.h"

struct merge_options {
    const char *const *plugins; /* folders, absolute, whose plugins may be opened; those that the
                                   shards' configs name are not */
    size_t plugin_count;
    const volatile int *stop;
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

struct merge_summary {
    struct store_summary rows;
    size_t seeds; /* of a search; 0: a run */
    size_t asks, scored;
    int ended; /* all its seeds have */
};

/* Merges count folders into `out`, which must hold no results: rows, columns, config, and
 * population scores computed anew when no architecture is missing; of a search search.csv and what is
 * made of it.  Shards that are not finished are fine: the command with --resume on `out` does the rest.  One that was killed is repeated by
 * the same call, which finds `out` unfinished and begins it anew, or finished and leaves it.  Refused, before anything is
 * written: shards of other configs, plugins or lists of architectures, an architecture or a seed in two
 * folders or in none.  *stop: TCET_E_CANCELLED, as a kill.  The errors name the folders and the difference. */
tcet_status run_merge(const char *out, const char *const *in, size_t count,
                      const struct merge_options *options, struct merge_summary *summary,
                      struct error *err);

#endif
