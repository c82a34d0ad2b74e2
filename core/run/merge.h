/* merge.h -- the folders of a run's shards made one, as if it had never been cut.
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

/* Merges count folders into `out`, which must hold no results: rows, columns, config, and
 * population scores computed anew when no architecture is missing.  Shards that are not
 * finished are fine: a run with --resume on `out` does the rest.  One that was killed is repeated by
 * the same call, which finds `out` unfinished and begins it anew, or finished and leaves it.  Refused, before anything is
 * written: shards of other configs, plugins or lists of architectures, an architecture in two
 * folders or in none.  The errors name the folders and the difference. */
tcet_status run_merge(const char *out, const char *const *in, size_t count,
                      const struct merge_options *options, struct store_summary *summary,
                      struct error *err);

#endif
