/* limits.h -- how much of everything an architecture has, and whether that is within the limits.
 *
 * Room: core/search. */
#ifndef CORE_SEARCH_LIMITS_H
#define CORE_SEARCH_LIMITS_H

#include "score/score.h"
#include "search/settings.h"

struct counter {
    struct plan *plan;
    const struct search_settings *settings;
    struct scorer *scorer;       /* builds graphs; NULL until one is needed */
    int official[SEARCH_COUNTS]; /* place of a count among the space's facts, -1 none */
    int graph;                   /* some count that is needed comes of the graph alone */
    int64_t over[SEARCH_COUNTS]; /* how many were rejected for it */
};

/* One architecture's counts; NaN: not known. */
struct counts {
    double of[SEARCH_COUNTS];
};

tcet_status counter_open(struct counter *c, struct plan *plan,
                         const struct search_settings *settings, struct error *err);
void counter_close(struct counter *c);
/* Counts of a checked encoding. */
tcet_status counter_count(struct counter *c, const char *text, struct counts *out,
                          struct error *err);
/* The first limit that is not kept, by the official order (layers, size, flops, params, macs), or -1;
 * *over: above it, rather than below.  *violation: by how much, over all limits, in parts of each. */
int counter_judge(struct counter *c, const struct counts *n, int *over, double *violation);
/* "max_size = 1000 (rejects 12), max_layers = 3 (rejects 88)": what rejected so many, in the arena. */
const char *counter_blame(const struct counter *c, struct arena *a);

#endif
