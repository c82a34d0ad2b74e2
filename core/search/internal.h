/* internal.h -- a search's parts, as its files share them.  Room: core/search, private to it. */
#ifndef CORE_SEARCH_INTERNAL_H
#define CORE_SEARCH_INTERNAL_H

#include "search/limits.h"
#include "search/lines.h"
#include "search/ranks.h"
#include "search/search.h"

#include <tcet/strategy.h>

/* What is known of a canonical key. */
struct known {
    const char *key;
    int64_t times; /* that it was scored, or will be */
    int settled;   /* the following is known */
    int failed;
    double *columns; /* [the plan's] */
    double params, macs;
    const char *reason;
};

/* An ask under way, from the strategy's answer until it is told. */
struct slot {
    char text[TCET_ARCH_MAX];
    int64_t number, parents[2];
    const char *origin;
    int asked;       /* by the strategy */
    int limit, over; /* the limit that it misses, -1 none; above it */
    double violation;
    struct counts counts;
    struct known *known; /* what it waits for or reuses; NULL: it needs no worker */
    int reused;          /* of an earlier ask */
    int64_t again;       /* which scoring of known it waits for */
    struct known own;    /* where it is scored once more under another seed */
};

/* An objective, resolved. */
struct objective {
    const struct search_objective *setting;
    double sign;         /* told values are this times the written ones: larger is better */
    int column;          /* of the plan; -1 none */
    struct ranks *ranks; /* of a population column; else NULL */
    const double *table; /* values of the table; else NULL */
    int count;           /* enum search_count; -1 none */
};

/* How the strategy sees the space: the first argument of the view's functions. */
struct view {
    tcet_space_view pub;
    struct instance *space, *strategy;
};
void view_open(struct view *v, struct instance *space, struct instance *strategy,
               int32_t value_count, struct error *err);

/* Canonical keys that were met. */
struct known_map {
    struct known **slots;
    size_t count, room;
    struct arena arena;
};
struct known *known_find(struct known_map *m, const char *key, int *is_new);
void known_free(struct known_map *m);

/* A row that came before it was wanted. */
struct ahead {
    int64_t number; /* 0: none */
    char *arch;
    struct known known;
};

/* Values told of a scored ask, kept where a population's scores change with each newcomer. */
struct past {
    int64_t number;
    const char *text;
    double values[SEARCH_OBJECTIVES];
};

struct search {
    struct search_setup setup;
    const struct search_settings *settings;
    struct plan *plan;
    struct arena arena;
    struct instance *strategy;
    struct view view;
    struct counter counter;
    struct objective objective[SEARCH_OBJECTIVES];
    size_t objective_count;
    int takes_workers; /* some objective does */
    struct known_map known;
    struct slot *slots;  /* a ring: ask n has place n modulo window */
    struct ahead *ahead; /* likewise, modulo twice SEARCH_AHEAD */
    int64_t asked, told;
    int asking;                     /* the strategy has not ended, and the budget neither */
    int waiting;                    /* the strategy waits for an outcome */
    int64_t under_way;              /* asks of slots that may come to be scored */
    int64_t rejected_in_row, stale; /* stale: asks since one was scored */
    int64_t since_best;             /* scored since the best one was */
    const char *reason;             /* why the last one failed; NULL: none did */
    int64_t alike;                  /* in a row whose worker said this */
    int64_t reference_asked, reference_told;
    struct ranks *ranks; /* the first population objective's, whose members all of them share */
    struct past *past;
    size_t past_count;
    const double *accuracy; /* of the table; NULL: none */
    double best_value, best_accuracy;
    uint64_t stream; /* of the strategy's random numbers */
    double began;    /* when the budget of time did; 0: not yet */
    struct search_output output;
    struct search_state state;
};

/* -- outcome.c: what became of an ask -- */

/* Finds the columns, tables and counts that the objectives name. */
tcet_status outcome_resolve(struct search *s, struct error *err);
void outcome_close(struct search *s);
/* What a row has to say of a key. */
void outcome_take(struct search *s, const struct result_row *row, struct known *out);
/* Tells the strategy the oldest ask, whose score is there, and writes its line. */
tcet_status outcome_tell(struct search *s, struct slot *slot, struct error *err);

/* -- reference.c: a reference population, drawn and scored before the first ask -- */

int reference_lacks(const struct search *s);
/* Draws and wants some more of it; *waits: all that may be wanted at once are. */
tcet_status reference_advance(struct search *s, int *waits, struct error *err);
tcet_status reference_take(struct search *s, const struct result_row *row, struct error *err);

void search_want(struct search *s, int64_t number, const char *arch, int64_t again);

#endif
