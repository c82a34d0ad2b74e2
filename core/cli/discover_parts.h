/* discover_parts.h -- the parts of `tcet-host discover`: what it reads, measures and prints.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_DISCOVER_PARTS_H
#define CORE_CLI_DISCOVER_PARTS_H

#include "cli/source.h"
#include "report/discover.h"

enum { DISCOVER_COLUMNS = 8, DISCOVER_SAMPLES = 65 };

/* Which networks are chosen on: this share of them, drawn by the seed.  Networks of one canonical key
 * stay together, since they are one network. */
struct discover_split {
    double share;
    uint64_t seed;
};

/* A score that the run has already, or a count, for comparison. */
struct discover_line {
    const char *name;
    const double *score; /* of the sample's held-out part; larger is better, no NaN */
};

/* A run's folder. */
struct discover_sample {
    const char *name; /* "held out", or a --test folder's path */
    const char *accuracy_name[DISCOVER_COLUMNS];
    struct discover_set set; /* what is measured on */
    struct discover_line *line;
    size_t line_count;
};

struct discover_samples {
    struct arena arena;
    struct discover_set choosing; /* its accuracies are the first ones of sample[0] */
    const double *near;           /* [choosing.count]: what to be near to, larger is better; NULL */
    const char *near_name;
    const char *path, *table, *population;
    struct discover_sample sample[DISCOVER_SAMPLES];
    size_t sample_count;
};

/* A tau with its interval. */
struct discover_tau {
    double tau;
    struct stats_interval interval;
};

struct discover_result {
    struct arena arena;
    struct discover_candidate *best;
    size_t count, tried;
    size_t looked, within; /* of the best so many, those that the first is not better than */
    double seconds;
    /* [count + lines][targets]: of each sample all accuracies, in order */
    struct discover_tau *tau;
    size_t targets;
};

/* Reads the run and the test runs.  Errors: no accuracies, fewer than STATS_INTERVAL_MIN networks on
 * either side, a metric that a test run has not, a column `near` (NULL: none) that the run has not.  *out:
 * to be freed, on failure too. */
tcet_status discover_read(const struct source_options *from, const char *path, const char *also,
                          const struct option_list *tests, const char *metrics, const char *near,
                          const struct discover_split *split, struct discover_samples *out,
                          struct error *err);
void discover_free(struct discover_samples *s);
/* Fills the taus of all samples. */
void discover_measure(const struct discover_samples *s, struct discover_result *r);
void discover_print(const struct discover_samples *s, const struct discover_result *r,
                    enum report_format f, struct buf *out);

#endif
