/* search.h -- one search: asks its strategy, waits for scores, tells it what became of each.
 *
 * Room: core/search.  Lives in a seeker, a worker process: it runs plugin code (strategy, space).  It
 * does no input or output: lines for search.csv and wants of scores are taken out of it, rows are told
 * to it.  What it asks and writes depends on the settings, the seed and the scores alone. */
#ifndef CORE_SEARCH_SEARCH_H
#define CORE_SEARCH_SEARCH_H

#include "result/result.h"
#include "search/benchmark.h"
#include "search/settings.h"

/* What a search is made of; all of it is the caller's and outlives the search. */
struct search_setup {
    struct plan *plan;
    const struct search_settings *settings;
    struct benchmark *benchmark; /* NULL: none */
    int64_t seed;
    const char *const *warm; /* architectures to begin with, checked */
    size_t warm_count;
    int64_t stored; /* asks that an earlier execution made: the budget of time begins behind them */
};

/* A score that the search needs. */
struct search_want {
    int64_t number; /* of the ask; below 0: of the reference population */
    const char *arch;
    int64_t again; /* under the run's weight seed plus so many */
};

struct search_output {
    struct buf lines; /* whole ones */
    struct search_want *wants;
    size_t want_count, want_room;
};

/* How far it is. */
struct search_state {
    int64_t asks; /* told, rejected ones included */
    int64_t scored, reused, failed, rejected;
    int ended;
    char why[512]; /* it ended */
    double best;   /* score, as it is written; NaN: none yet */
    int64_t best_ask;
};

struct search;
/* Errors name the key. */
tcet_status search_open(const struct search_setup *setup, struct search **out, struct error *err);
void search_close(struct search *s);
/* Asks and tells, until it waits for a score, has ended, or has told `most`.  *waits: it cannot go on
 * before a score comes. */
tcet_status search_advance(struct search *s, size_t most, int *waits, struct error *err);
/* The row of an architecture that was wanted; values by the plan's columns.  One may come before it is
 * wanted, at most SEARCH_AHEAD asks before it: then nothing is wanted if the ask is what was thought. */
enum { SEARCH_AHEAD = 512 };
tcet_status search_tell(struct search *s, int64_t number, const struct result_row *row,
                        struct error *err);
/* What came up since the caller emptied it: lines.len and want_count are his to set to 0. */
struct search_output *search_output(struct search *s);
const struct search_state *search_state(const struct search *s);

#endif
