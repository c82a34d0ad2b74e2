/* supervise.h -- a run: workers, architectures to score, committed rows, resume.
 *
 * Room: core/run.  The supervisor runs no plugin code and prints nothing: progress and log
 * lines go to the caller.  Workers that die or hang cost one architecture a retry; then it
 * is recorded as failed with its reason and the run goes on. */
#ifndef CORE_SUPERVISE_H
#define CORE_SUPERVISE_H

#include "config/config.h"
#include "run/reasons.h"
#include "run/shard.h"
#include "run/wire.h"
#include "store/store.h"

struct run_progress {
    size_t total, done, failed; /* of what this run has to do */
    size_t shared;              /* of those done: with the values of a network that is alike */
    size_t stored;              /* found in the store already */
    double seconds;             /* since the first job was sent */
};

struct run_options {
    int resume;
    int retry_failed;   /* score failed rows again */
    struct shard shard; /* {0}: all architectures.  Else those of the shard, in a folder
                                  shard-I-of-N below the run's, without population scores */
    int ranks;          /* more than 1: rank 0 of so many (remote.h); workers are on each */
    /* May refuse what the first worker made of the config, before the folder is touched. */
    tcet_status (*accept)(void *arg, const struct wire_plan *plan, struct error *err);
    /* May put what else belongs into the folder, which has the run's columns and architectures (a
     * shard's: its own), before the first is scored. */
    tcet_status (*opened)(void *arg, struct store *s, struct error *err);
    const volatile int *stop; /* set by a signal handler: stop handing out, commit, return */
    void (*progress)(void *arg, const struct run_progress *p); /* at most ten times a second */
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

struct run_result {
    struct arena arena;
    struct wire_plan plan; /* columns, architectures, provenance */
    const char *folder;    /* absolute */
    struct run_progress progress;
    size_t failed;          /* architectures recorded as failed, by this run or before */
    struct reasons reasons; /* why */
    size_t completed;       /* architectures of progress.total that had part of their values */
    const char *lacked;     /* what those lacked: "snip_mu, tcet and 2 more" */
    int stopped;            /* stop was asked for */
    int workers;
};

/* Runs [run] of config into its output folder.  TCET_E_CANCELLED is not an error: see
 * result->stopped.  The result is valid on success. */
tcet_status run_supervise(struct config *config, const struct run_options *options,
                          struct run_result *result, struct error *err);
void run_result_free(struct run_result *r);

/* The folder of [run] output, absolute, in the arena; a relative one is taken from the
 * current folder, not from the config's, so that a shipped config can be run anywhere. */
tcet_status run_folder(const struct config *config, struct arena *a, const char **out,
                       struct error *err);

#endif
