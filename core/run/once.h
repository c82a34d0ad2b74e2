/* once.h -- architectures scored without a store: one, to look at; a few, to tell how long all take.
 *
 * Room: core/run. */
#ifndef CORE_ONCE_H
#define CORE_ONCE_H

#include "config/config.h"
#include "run/wire.h"

/* Where a worker's notes go. */
struct once_log {
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

/* Scores the first of [run] archs: columns and row live in the arena. */
tcet_status score_once(const struct config *config, const struct once_log *log, struct arena *a,
                       struct wire_plan *plan, struct result_row *row, struct error *err);

/* Seconds, measured in one worker that has the machine for itself. */
struct estimate {
    size_t archs;             /* of the run */
    size_t probes;            /* that were scored */
    int workers;              /* that the run would have */
    double start;             /* until the worker is ready */
    double mean, least, most; /* an architecture */
};
/* Scores at most `probes` architectures, spread evenly over the run's, and times them.  One that fails
 * is an error. */
tcet_status estimate_run(const struct config *config, size_t probes, const struct once_log *log,
                         struct arena *a, struct wire_plan *plan, struct estimate *out,
                         struct error *err);

#endif
