/* sweep.h -- a pass over the pixels of a tensor, a block of them after the other, that something else may drive:
 * a convolution makes of it what it is about to read, and hands it what it has just written, while that is in
 * the cache.
 *
 * Room: plugins/backend/torch; stands on pool.h.  Blocks have the same places whoever drives it and how far at a
 * time, and so have the bits of what it makes.  One thread. */
#ifndef BACKEND_TORCH_SWEEP_H
#define BACKEND_TORCH_SWEEP_H

#include "pool.h"

#include <stdint.h>

enum { SWEEP_STREAMS = 8 };

/* The first member of a kernel's own state, in one block of pool.h. */
struct sweep {
    /* Sweeps the pixels [done, end) of one image: whole blocks, and what is left at its end. */
    void (*step)(struct sweep *s, int64_t end);
    /* After the last of them; NULL: nothing is left then. */
    void (*finish)(struct sweep *s);
    int64_t done, total; /* pixels */
    int64_t block, span; /* of a block, and of an image, where blocks begin anew */
    int64_t run;         /* blocks at a time, */
    int64_t run_fetched; /* and once a driver fetches what it reads before */
    int64_t edge;        /* the pixel after the image in hand */
    void *room;          /* of pool.h */
    int streams;         /* tensors that it reads or writes: what may be fetched ahead */
    struct {
        const char *at;
        int64_t pixel; /* bytes */
    } stream[SWEEP_STREAMS];
};

/* Sweeps that go along with a convolution, each NULL where there is none.  When it returns all is made that it
 * reads; what it wrote need not all be swept. */
struct along {
    struct sweep *before; /* makes what a forward reads */
    struct sweep *after;  /* reads what that, or a gradient of the input, writes */
};

static inline void sweep_open(struct sweep *s, int64_t total, int64_t span, int64_t block)
{
    s->done = 0;
    s->total = total;
    s->span = s->edge = span;
    s->block = block;
}

/* Takes note of a tensor that it reads or writes; of more than fit none. */
static inline void sweep_touches(struct sweep *s, const void *x, int64_t pixel)
{
    if (!x || s->streams == SWEEP_STREAMS)
        return;
    s->stream[s->streams].at = x;
    s->stream[s->streams++].pixel = pixel;
}

/* Until the pixel `end`, where a block ends. */
static inline void sweep_step(struct sweep *s, int64_t end)
{
    s->step(s, end);
    s->done = end;
    if (end == s->edge)
        s->edge += s->span;
}

/* Until the first `pixels` are swept, and the rest of their last block. */
static inline void sweep_make(struct sweep *s, int64_t pixels)
{
    if (s && s->done == 0 && pixels >= s->total)
        s->run = 1; /* nobody drives it */
    while (s && s->done < pixels && s->done < s->total) {
        int64_t blocks =
                    ((pixels < s->edge ? pixels : s->edge) - s->done + s->block - 1) / s->block,
                end = s->done + blocks * s->block;

        sweep_step(s, end < s->edge ? end : s->edge);
    }
}

/* The blocks that the first `pixels` hold entirely. */
static inline void sweep_take(struct sweep *s, int64_t pixels)
{
    while (s && s->done < s->total && pixels > s->done) {
        int64_t end =
            pixels < s->edge ? s->done + (pixels - s->done) / s->block * s->block : s->edge;

        if (end == s->done)
            return;
        sweep_step(s, end);
    }
}

/* Frees it, as far as it is; NULL is ignored. */
static inline void sweep_drop(struct sweep *s)
{
    if (!s)
        return;
    pool_put(s->room);
    pool_put(s);
}

/* Sweeps what is left, and frees it; NULL is ignored. */
static inline void sweep_end(struct sweep *s)
{
    if (!s)
        return;
    sweep_make(s, s->total);
    if (s->finish)
        s->finish(s);
    sweep_drop(s);
}

#endif
