/* share.h -- which of a run's architectures get the values of another, and when.
 *
 * Room: core/run.  Architectures are alike where a worker says the same text of them (WIRE_ALIKE).  Of
 * those that are alike one is scored, the others wait for it; the supervisor does what is said here.
 *
 * An item is an ordinal of the run's list, a class the least item of those that are alike. */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "run/pool.h"

/* No item. */
#define SHARE_NOBODY SIZE_MAX

struct share_class {
    size_t source; /* an item whose values are all stored, NOBODY: none yet */
    size_t leader; /* the item that is being scored */
    size_t head;   /* items that wait for it, through share.next */
    size_t tail;
};

struct share {
    size_t count;
    size_t *of;                  /* one an item: its class */
    size_t *next;                /* one an item */
    struct share_class *classes; /* one an item; those of least items are used */
    const char *const *stands;   /* one an item: the architecture that is scored for it */
};

/* Nobody is alike: count items. */
void share_open(struct share *s, const char *const *archs, size_t count);
/* Asks the pool's first worker who is.  all: the whole list, of which the share's items are those from
 * `first` on by steps of `step`; the first of all that are alike stands for them where `canonical`,
 * else each for itself.  A worker that fails leaves the rest alone, which the pool's log is told. */
tcet_status share_ask(struct share *s, struct pool *pool, int canonical, const char *const *all,
                      size_t all_count, size_t first, size_t step, struct arena *a,
                      struct error *err);
void share_close(struct share *s);

/* An item's values are all stored. */
void share_stored(struct share *s, size_t item);
/* An item is to be scored: 1: now (share_source says whether there are values for it), 0: it waits. */
int share_add(struct share *s, size_t item);
/* Where an item's values are stored, NOBODY: it has to be scored itself. */
size_t share_source(const struct share *s, size_t item);
/* An item was scored, or has failed: the next one of those that waited for it and are now to go on,
 * NOBODY where there are none (left).  To be called until then. */
size_t share_next(struct share *s, size_t item, int ok);

#endif
