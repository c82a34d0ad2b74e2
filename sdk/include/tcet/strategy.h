/* tcet/draft/strategy.h -- search-strategy plugins: ask for an architecture, tell its score.
 * DRAFT: may change in a minor version; tcet.h does not include it.  Room: sdk. */
#ifndef TCET_DRAFT_STRATEGY_H
#define TCET_DRAFT_STRATEGY_H

#include <tcet/plugin.h>
#include <tcet/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The space as a strategy sees it: the host's own functions, each in the plugin's place. */
typedef struct tcet_space_view {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t size; /* -1: too many to number */
    void *space;
    tcet_status (*at)(tcet_ctx *cx, void *space, int64_t index, char *text, size_t cap);
    tcet_status (*random)(tcet_ctx *cx, void *space, char *text, size_t cap);
    tcet_status (*mutate)(tcet_ctx *cx, void *space, const char *from, char *text, size_t cap);
    tcet_status (*crossover)(tcet_ctx *cx, void *space, const char *a, const char *b, char *text,
                             size_t cap);
} tcet_space_view;

typedef struct tcet_strategy_ops {
    uint32_t struct_size;
    uint32_t reserved;
    /* [instance] Next architecture to score; *done = 1 when there is none. */
    tcet_status (*ask)(tcet_ctx *cx, void *self, const tcet_space_view *space, char *text,
                       size_t cap, int32_t *done);
    /* [instance] A score; NaN when the architecture failed. */
    tcet_status (*tell)(tcet_ctx *cx, void *self, const char *text, double score);
} tcet_strategy_ops;

#ifdef __cplusplus
}
#endif
#endif
