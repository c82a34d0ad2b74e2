/* reasons.h -- why architectures failed, each once and counted, for the summary of a run or a search.
 * Room: core/run. */
#ifndef CORE_REASONS_H
#define CORE_REASONS_H

#include "store/store.h"

enum { REASONS_SHOWN = 3 };

struct reasons {
    struct {
        const char *text;
        size_t count;      /* architectures */
    } item[REASONS_SHOWN]; /* the most frequent first */
    size_t count;          /* of item */
    size_t other;          /* architectures that failed for other reasons */
};

/* Of texts, one an architecture.  Those of *out live in the arena, here and below. */
void reasons_count(const char *const *texts, size_t count, struct arena *a, struct reasons *out);
/* The reasons of the run's failed architectures. */
tcet_status reasons_read(struct store *s, struct arena *a, struct reasons *out, struct error *err);

#endif
