/* merge_parts.h -- the folders that are merged, as merge.c and merge_search.c share them.
 * Room: core/run, private to them. */
#ifndef CORE_MERGE_PARTS_H
#define CORE_MERGE_PARTS_H

#include "run/merge.h"
#include "search/settings.h"

/* One shard's folder.  Of a run it holds architectures, of a search whole seeds: its items. */
struct part {
    const char *folder;
    struct store *store;
    struct config *config;
    const char *forgotten; /* stored.h's */
    struct shard shard;
    size_t total;     /* items of the whole */
    const char *list; /* their digest */
    const struct store_accuracy *accuracies;
    size_t accuracy_count;
    const char *const *item;
    size_t item_count;
    char *lines; /* of a search: its search.csv; NULL: a run */
    size_t lines_len;
    const char *next;                /* of lines: behind those that were joined */
    struct search_settings settings; /* of a search */
};

struct merge {
    const struct merge_options *o;
    struct arena arena;
    struct part *part;
    size_t count;
    const char **items; /* of the whole, by ordinal */
    size_t *owner;      /* 1 + part that holds it, 0: none */
    struct store *out;
};

/* -- merge_search.c -- */

/* Reads a folder's search.csv, if it has one, and the settings of its search. */
tcet_status merge_read_search(struct part *p, struct error *err);
/* The seeds of the shard, as items. */
void merge_take_seeds(struct merge *m, struct part *p);
/* Writes the whole's search.csv, and what is made of it, once the rows are in m->out: the lines of the
 * seeds one after the other, as far as they go on.  Whether all have ended is noted there. */
tcet_status merge_searches(struct merge *m, const char *out, struct error *err);
/* What such a folder holds. */
tcet_status merge_count_search(const struct merge *m, const char *out, struct store *s,
                               struct merge_summary *summary, struct error *err);

#endif
