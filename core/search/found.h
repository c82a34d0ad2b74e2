/* found.h -- what searches found, read from search.csv: the best, the front, how the incumbent grew.
 *
 * Room: core/search. */
#ifndef CORE_SEARCH_FOUND_H
#define CORE_SEARCH_FOUND_H

#include "search/limits.h"

struct found_ask {
    int64_t seed, ask;
    const char *arch;
    int scored; /* for the first time; reused, failed, rejected: 0 */
    int failed;
    int has;                          /* scored or reused: it has values */
    double values[SEARCH_OBJECTIVES]; /* as written; NaN: none */
    double params, macs;
    struct counts counts;
    double best, accuracy; /* of the incumbent then; NaN: none */
};

struct found {
    struct arena arena;
    char *text;
    struct found_ask *asks;         /* in the file's order */
    size_t count, values;           /* values: objectives */
    double sign[SEARCH_OBJECTIVES]; /* values times this: larger is better */
};

/* At a number of evaluations: of what all searches had then that were so long. */
struct found_point {
    int64_t evaluations;
    size_t n;
    double mean, std, low, median, high; /* std over n - 1; low, high: quartiles */
};

/* Errors: the file cannot be read, or has a line that is none. */
tcet_status found_read(const char *path, size_t values, const double *sign, struct found *out,
                       struct error *err);
void found_free(struct found *f); /* once more does nothing */
/* The first of the best asks, NULL: none has a value. */
const struct found_ask *found_best(const struct found *f);
/* The best of different encodings, at most n, best first; in the arena. */
const struct found_ask **found_top(struct found *f, size_t n, size_t *count);
/* Different encodings that no other dominates, by falling first objective; in the arena. */
const struct found_ask **found_front(struct found *f, size_t *count);
/* Of two objectives: the area between the front and a worst point (as written).  seed: one search's;
 * -1: of all together. */
double found_hypervolume(struct found *f, const double from[2], int64_t seed);
/* The incumbent's accuracy, or where there is none its score, after 1, 2, 3, 5, 10 ... evaluations and
 * the last; in the arena. */
const struct found_point *found_curve(struct found *f, int accuracy, size_t *count);

#endif
