/* guards.h -- guard counts: how often a value met a degenerate case that has a defined result.
 *
 * Room: core/result.  Stands on core/base. */
#ifndef CORE_GUARDS_H
#define CORE_GUARDS_H

#include "base/mem.h"

enum { GUARDS_MAX = 32 };

/* Counts by name, each name once. */
struct guards {
    struct guard {
        const char *name; /* kept by whoever counts */
        int64_t count;
    } item[GUARDS_MAX];
    size_t count;
};

/* name is kept.  The 32nd name and all after it are counted together as "other".  A sum stops at
 * the largest number there is. */
void guards_add(struct guards *g, const char *name, int64_t n);
/* Adds n to a count; the sum stops at the largest number there is. */
void guards_sum(int64_t *sum, int64_t n);
/* Adds a JSON object {"zero_sigma":3}; nothing without guards. */
void guards_write(struct buf *b, const struct guards *g);
/* Reads what guards_write wrote, "" for none; names live in the arena.  0, or -1 for what is not
 * a JSON object of counts. */
int guards_read(struct guards *g, const char *text, struct arena *a);

#endif
