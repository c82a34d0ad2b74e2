/* discover.h -- combinations of stored metrics, tried one after the other for the score that ranks best.
 *
 * Room: core/report.  Stands on core/num and core/base.  No network is run: all is computed from values
 * and layers' values of one set of architectures, and looked at again on others. */
#ifndef CORE_REPORT_DISCOVER_H
#define CORE_REPORT_DISCOVER_H

#include "base/error.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

/* How metrics become one number.  Each metric is turned so that larger is better first; a NaN ranks
 * below every number. */
enum discover_form {
    DISCOVER_SINGLE,   /* the metric itself */
    DISCOVER_LAYERDOT, /* sum over layers of the product of the layers' values (T-CET, eq. 7) */
    DISCOVER_LOGSUM,   /* weighted sum of logs; of what is not above 0: -infinity */
    DISCOVER_LOGRANK,  /* sum of ln(rank / n) among the set (AZ-NAS) */
    DISCOVER_RANKAVE   /* mean rank among the set */
};
enum { DISCOVER_FORMS = 5, DISCOVER_METRICS = 4, DISCOVER_POWERS = 8 };
extern const char *const DISCOVER_FORM[DISCOVER_FORMS + 1]; /* their names, ends with NULL */

/* A metric over a set's architectures; arrays are borrowed. */
struct discover_metric {
    const char *name;
    int direction;        /* +1: larger is better, -1: smaller */
    const double *values; /* [count] */
    const double *layers; /* [count][width], 0 where a network has fewer layers; NULL: none */
};

struct discover_set {
    size_t count, width, metric_count;
    const struct discover_metric *metrics;
    const double *const *accuracy; /* [accuracy_count][count], no NaN */
    size_t accuracy_count;
};

struct discover_candidate {
    enum discover_form form;
    size_t count;                 /* metrics */
    int metric[DISCOVER_METRICS]; /* indices, ascending */
    double weight[DISCOVER_METRICS];
    double tau; /* mean over the accuracies of Kendall's tau-b, on the set that it was chosen by */
    double agreement; /* discover_nearest: tau-b with what it is to be near to */
};

struct discover_options {
    uint32_t forms; /* 1 << enum discover_form */
    size_t most;    /* metrics in a combination, 1 to DISCOVER_METRICS */
    double weight[DISCOVER_POWERS];
    size_t
        weight_count; /* that logsum tries for each metric; multiples of one another count once */
    size_t screen;    /* so many architectures of the set rank all; what ranks best is looked at on
                            all of it.  0: all */
    size_t keep;
    void (*progress)(void *arg, size_t done, size_t total); /* NULL: not told */
    void *arg;
    const volatile int *stop; /* set: ends with TCET_E_CANCELLED; NULL: never */
};

/* The best so many, best first, of *tried combinations; of equals the one with fewer metrics, then
 * that met first.  In `a`.  The order of architectures and the machine change nothing. */
tcet_status discover_best(const struct discover_set *set, const struct discover_options *o,
                          struct arena *a, struct discover_candidate **out, size_t *count,
                          size_t *tried, struct error *err);

/* Of candidates, best first, those that the first is not better than (stats_is_better of the mean taus on
 * the set), nearest to `near` first: by tau-b with it, [count], larger is better.  *count: how many there
 * are then.  stop: as in the options. */
tcet_status discover_nearest(const struct discover_set *set, const double *near,
                             const volatile int *stop, struct discover_candidate *candidates,
                             size_t *count, struct error *err);
/* The candidate's score of every architecture of a set whose metrics are in the same order: out[count],
 * larger is better, no NaN. */
void discover_values(const struct discover_set *set, const struct discover_candidate *c,
                     double *out);
/* "logrank(a, b)", "logsum(a, 2 b)"; in `a`. */
const char *discover_name(const struct discover_set *set, const struct discover_candidate *c,
                          struct arena *a);
/* A set of these architectures of another; in `a`. */
struct discover_set discover_part(const struct discover_set *set, const size_t *index, size_t n,
                                  struct arena *a);

#endif
