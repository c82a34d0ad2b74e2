/* tcet/strategy.h -- search-strategy plugins: asked for an architecture, told what became of it.
 * Room: sdk.
 *
 * The host asks and tells one after the other, never two calls at a time, in an order that depends
 * on the config alone: ask k comes when the outcomes of asks 1 .. k - window were told, in the
 * order of the asks.  A strategy keeps no file and no clock: its state follows from its parameters
 * and what it was told, and its random numbers are host->random's, which in ask k begin anew from
 * the search's seed and k.  So a search that was killed goes on by being asked and told again. */
#ifndef TCET_STRATEGY_H
#define TCET_STRATEGY_H

#include <tcet/plugin.h>
#include <tcet/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The space as a strategy sees it.  Functions are as tcet_space_ops has them, for the ask() that
 * the view was given to: cx is that call's, random numbers come from its stream, and what fails has
 * its message already, so that `return st` is all there is to do. */
typedef struct tcet_space_view {
    uint32_t struct_size;
    int32_t value_count; /* objectives: values of a tcet_told */
    int64_t size;        /* -1: too many to number, or without an order */
    void *space;         /* the first argument after cx */
    tcet_status (*at)(tcet_ctx *cx, void *space, int64_t index, char *text, size_t cap);
    tcet_status (*random)(tcet_ctx *cx, void *space, char *text, size_t cap);
    tcet_status (*mutate)(tcet_ctx *cx, void *space, const char *from, char *text, size_t cap);
    /* NULL where the space has none, as the next but one. */
    tcet_status (*crossover)(tcet_ctx *cx, void *space, const char *a, const char *b, char *text,
                             size_t cap);
    tcet_status (*canonical)(tcet_ctx *cx, void *space, const char *text, char *key, size_t cap);
    tcet_status (*neighbours)(tcet_ctx *cx, void *space, const char *from, int64_t index,
                              int64_t *count, char *text, size_t cap);
} tcet_space_view;

/* What ask() answers. */
enum {
    TCET_ASK_ARCH = 0, /* text is to be scored */
    TCET_ASK_WAIT = 1, /* nothing before more is told; an error when all was told */
    TCET_ASK_END = 2   /* nothing any more: the search ends when all is told */
};
typedef struct tcet_ask {
    uint32_t struct_size;
    uint32_t answer; /* TCET_ASK_*; ARCH when the call begins */
    int64_t number;  /* of this ask, from 1; one that is rejected and asked again ([search] reject =
                           redraw) keeps it, and of its first architecture nothing is told */
    char *text;      /* for the encoding and its NUL */
    size_t cap;      /* bytes of text: TCET_ARCH_MAX */
    int64_t parents[2]; /* numbers of the asks that it was made from; 0: none */
    const char *origin; /* how it was made, "mutation": a static string, [a-z_]+; NULL: not said */
} tcet_ask;

/* What became of an ask. */
enum {
    TCET_TOLD_SCORED = 0,
    TCET_TOLD_REUSED = 1,  /* of a canonical key met before, whose values these are */
    TCET_TOLD_FAILED = 2,  /* no values */
    TCET_TOLD_REJECTED = 3 /* outside of a limit of the search: not scored, no values */
};
typedef struct tcet_told {
    uint32_t struct_size;
    uint32_t status;      /* TCET_TOLD_* */
    int64_t number;       /* of the ask, from 1 */
    int32_t asked;        /* 1: by this strategy; 0: the search began with it (warm start) */
    int32_t value_count;  /* 0 where failed or rejected */
    const double *values; /* the objectives, larger is better; finite or infinite; borrowed */
    const char *text;     /* the encoding; borrowed */
    double violation;     /* rejected: by how much, over all limits, in parts of each; else 0 */
    const char *reason;   /* failed, rejected: why, one line; else ""; borrowed */
} tcet_told;

typedef struct tcet_strategy_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* [instance] The next architecture.  After a status below 0 the search ends with its message. */
    tcet_status (*ask)(tcet_ctx *cx, void *self, const tcet_space_view *space, tcet_ask *out);
    /* [instance] The outcome of one ask; each is told once, in the order of the asks. */
    tcet_status (*tell)(tcet_ctx *cx, void *self, const tcet_told *told);
    /* [instance] Optional: an architecture that was told has other values now, since these are ranks
     * among all that were scored so far.  Members of a population take the new ones. */
    tcet_status (*rescored)(tcet_ctx *cx, void *self, const tcet_told *told);
} tcet_strategy_ops;

#ifdef __cplusplus
}
#endif
#endif
