/* seek.h -- a search from the supervisor's side: seekers, who ask and tell a strategy, and the pool of
 * workers, who score; committed rows, search.csv, resume.
 *
 * Room: core/run.  Runs no plugin code and prints nothing.
 *
 * Searches of several seeds stand in one folder.  Each is made by one seeker; as many seekers are at work as
 * it takes to keep the workers busy.  search.csv has the lines of the seeds one after the other. */
#ifndef CORE_SEEK_H
#define CORE_SEEK_H

#include "config/config.h"
#include "run/reasons.h"
#include "run/shard.h"
#include "run/wire.h"
#include "search/found.h"
#include "search/settings.h"

struct seek_progress {
    size_t seeds, ended; /* searches, and how many of them have ended */
    int64_t asks, scored, reused, failed, rejected;
    int64_t budget; /* asks or evaluations of all searches; 0: not known */
    int64_t of_budget;
    double best; /* of the search that began last; NaN: none */
    double seconds;
};

struct seek_options {
    int resume;
    struct shard
        shard; /* {0}: all seeds.  Else those of the shard, in a folder shard-I-of-N below the
                           config's, without population scores */
    int ranks; /* more than 1: rank 0 of so many */
    const volatile int *stop;
    void (*progress)(void *arg, const struct seek_progress *p); /* at most ten times a second */
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

struct seek_result {
    struct arena arena;
    const char *folder; /* absolute */
    struct seek_progress progress;
    const int64_t *seeds;   /* [progress.seeds] */
    const char **why;       /* [seeds]: why each search ended */
    struct reasons reasons; /* why asks failed */
    struct found found;     /* so far, when it was stopped */
    int64_t computed;       /* scores that were not stored before */
    int workers, stopped;
};

/* Searches as config, whose [search] is settings, says.  The result is valid on success. */
tcet_status seek_run(struct config *config, const struct search_settings *settings,
                     const struct seek_options *options, struct seek_result *result,
                     struct error *err);
void seek_result_free(struct seek_result *r);

#endif
