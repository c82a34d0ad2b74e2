/* settings.h -- [search] of a config: what is searched for, how long, within which limits.
 *
 * Room: core/search.  Reads the config alone: the supervisor, which runs no plugin code, and the seeker
 * see the same. */
#ifndef CORE_SEARCH_SETTINGS_H
#define CORE_SEARCH_SETTINGS_H

#include "config/config.h"

/* One objective; the first is the score. */
enum search_source {
    SEARCH_COLUMN, /* NAME: a metric or score of the run, computed by workers */
    SEARCH_TABLE,  /* column:NAME of the table of [benchmark] */
    SEARCH_COUNT,  /* count:NAME: size, layers, flops, params or macs */
    SEARCH_NOISE   /* noise: N(0, 1), another number each ask */
};
struct search_objective {
    enum search_source source;
    const char *name;    /* of the column, without "column:" and "count:" */
    const char *written; /* as in the config, without its sign */
    int smaller;         /* 1: "-NAME", smaller is better */
    const struct config_key *key;
};
enum { SEARCH_OBJECTIVES = 8 };

/* What an architecture has so many of.  Size, layers and flops are the space's official counts
 * (tcet_space_ops.facts); where it gives none, size is params, flops macs, and layers the
 * convolutions and linear layers of the graph, whose counts params and macs always are. */
enum search_count {
    COUNT_LAYERS,
    COUNT_SIZE,
    COUNT_FLOPS,
    COUNT_PARAMS,
    COUNT_MACS,
    SEARCH_COUNTS
};
extern const char *const SEARCH_COUNT_NAMES[SEARCH_COUNTS + 1]; /* NULL-terminated */

struct search_limit {
    double min, max; /* -inf, inf: none */
};

enum search_ranks { RANKS_REFERENCE, RANKS_HISTORY };

struct search_settings {
    struct arena arena;
    const char *strategy;
    const struct config_key *strategy_key;
    struct search_objective objective[SEARCH_OBJECTIVES];
    size_t objective_count;
    int64_t evaluations, iterations, patience; /* 0: without end by this */
    int64_t seconds;                           /* of one execution; 0: without end */
    struct search_limit limit[SEARCH_COUNTS];
    int redraw; /* a rejected ask is asked again and not counted */
    int again;  /* repeat = score: a key met again is scored under another weight seed */
    int64_t window;
    int64_t first_seed, last_seed;
    const struct config_key *warm; /* NULL: none */
    enum search_ranks ranks;
    int64_t reference; /* architectures of ranks = reference:N */
    int64_t top;
    double from[2]; /* where the hypervolume of two objectives is measured from */
    int has_from;
};

/* Errors name file, line, key and what is allowed.  *out is freed by search_settings_free. */
tcet_status search_settings_read(const struct config *c, struct search_settings *out,
                                 struct error *err);
void search_settings_free(struct search_settings *s);
/* Does any objective take workers? */
int search_needs_workers(const struct search_settings *s);
/* Takes the metrics and scores out of the config that no objective needs.  An objective that is neither
 * but a proxy by name becomes [run] proxy; one that is nothing is an error. */
tcet_status search_prune(struct config *c, const struct search_settings *s, struct error *err);
size_t search_seed_count(const struct search_settings *s);
/* The seeds as texts, in the arena. */
const char *const *search_seed_texts(const struct search_settings *s, struct arena *a);

#endif
