/* lines.h -- the lines of search.csv: one an ask, in the order of the asks, written by a search and
 * read by whoever wants to know what it found.
 *
 * Room: core/search.  Nothing in a line depends on time, place or the order of work. */
#ifndef CORE_SEARCH_LINES_H
#define CORE_SEARCH_LINES_H

#include "search/limits.h"

/* The status of an ask: those of TCET_TOLD_*, a rejected one with the limit it missed. */
struct line {
    int64_t seed, ask;
    const char *arch;
    int64_t parents[2];
    const char *origin;
    const char *status;   /* scored, reused, failed, over:size, under:flops ... */
    const double *values; /* of the objectives; NaN: none */
    size_t value_count;
    double params, macs; /* of the network; NaN: not known */
    struct counts counts;
    double best;     /* the best score so far; NaN: none yet */
    double accuracy; /* of the architecture that has it; NaN: none */
};

/* The header; further objectives than the first have columns of their own names. */
void line_header(const struct search_settings *s, const char *accuracy, struct buf *out);
void line_write(const struct line *l, struct buf *out);
/* Takes the fields of one line (without its end) apart, in place: n at most; how many there are. */
size_t line_split(char *text, const char **field, size_t n);

/* Places of the fields; the objectives' values stand from LINE_SCORE on, and what follows them is
 * moved by as many as there are further objectives. */
enum {
    LINE_SEED,
    LINE_ASK,
    LINE_ARCH,
    LINE_PARENTS,
    LINE_ORIGIN,
    LINE_STATUS,
    LINE_SCORE,
    LINE_PARAMS,
    LINE_MACS,
    LINE_SIZE,
    LINE_LAYERS,
    LINE_FLOPS,
    LINE_BEST,
    LINE_ACCURACY,
    LINE_FIELDS
};

#endif
