/* view.c -- the space as a strategy sees it, and the canonical keys that a search met (internal.h).
 * Room: core/search. */
#include "search/internal.h"

#include "base/hash.h"
#include "num/rng.h"
#include "plugin/calls.h"

#include <stdlib.h>
#include <string.h>

/* -- the view ----------------------------------------------------------------------------- */

/* The space draws from the stream of the strategy's call. */
static struct instance *lend(void *view)
{
    struct view *v = view;

    v->space->cx.random_state = rng_mix(&v->strategy->cx.random_state);
    return v->space;
}

/* The space's failure becomes the strategy's. */
static tcet_status hand_on(tcet_ctx *cx, tcet_status st, const struct error *err)
{
    return st < 0 ? tcet_fail(cx, st, err->text) : st;
}

static tcet_status view_at(tcet_ctx *cx, void *view, int64_t index, char *text, size_t cap)
{
    struct error err;

    return hand_on(cx, space_at(lend(view), index, text, cap, &err), &err);
}

static tcet_status view_random(tcet_ctx *cx, void *view, char *text, size_t cap)
{
    struct error err;

    return hand_on(cx, space_random(lend(view), text, cap, &err), &err);
}

static tcet_status view_mutate(tcet_ctx *cx, void *view, const char *from, char *text, size_t cap)
{
    struct error err;

    return hand_on(cx, space_mutate(lend(view), from, text, cap, &err), &err);
}

static tcet_status view_crossover(tcet_ctx *cx, void *view, const char *a, const char *b,
                                  char *text, size_t cap)
{
    struct error err;

    return hand_on(cx, space_crossover(lend(view), a, b, text, cap, &err), &err);
}

static tcet_status view_canonical(tcet_ctx *cx, void *view, const char *text, char *key, size_t cap)
{
    struct error err;

    return hand_on(cx, space_canonical(lend(view), text, key, cap, &err), &err);
}

static tcet_status view_neighbours(tcet_ctx *cx, void *view, const char *from, int64_t index,
                                   int64_t *count, char *text, size_t cap)
{
    struct error err;

    return hand_on(cx, space_neighbours(lend(view), from, index, count, text, cap, &err), &err);
}

void view_open(struct view *v, struct instance *space, struct instance *strategy,
               int32_t value_count, struct error *err)
{
    const tcet_space_ops *ops = OPS(tcet_space_ops, space);
    char text[TCET_ARCH_MAX];
    int64_t size = -1;

    *v = (struct view){.space = space, .strategy = strategy};
    if (space_size(space, &size, err) < 0 ||
        (size > 0 && space_at(space, 0, text, sizeof text, err) < 0))
        size = -1;
    v->pub = (tcet_space_view){.struct_size = sizeof v->pub,
                               .value_count = value_count,
                               .size = size,
                               .space = v,
                               .at = view_at,
                               .random = view_random,
                               .mutate = view_mutate,
                               .crossover = ops->crossover ? view_crossover : NULL,
                               .canonical = view_canonical,
                               .neighbours = ops->neighbours ? view_neighbours : NULL};
}

/* -- keys --------------------------------------------------------------------------------- */

static struct known **place_of(struct known **slots, size_t room, const char *key)
{
    size_t at = (size_t)fnv(FNV_START, key, strlen(key)) & (room - 1);

    while (slots[at] && strcmp(slots[at]->key, key))
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static void grow(struct known_map *m)
{
    size_t room = m->room ? 2 * m->room : 1024;
    struct known **slots = mem_alloc(room * sizeof *slots);

    for (size_t i = 0; i < m->room; i++) {
        if (m->slots[i])
            *place_of(slots, room, m->slots[i]->key) = m->slots[i];
    }
    free(m->slots);
    m->slots = slots;
    m->room = room;
}

struct known *known_find(struct known_map *m, const char *key, int *is_new)
{
    struct known **at;

    if (2 * m->count >= m->room)
        grow(m);
    at = place_of(m->slots, m->room, key);
    *is_new = !*at;
    if (*is_new) {
        *at = arena_alloc(&m->arena, sizeof **at);
        (*at)->key = arena_strdup(&m->arena, key);
        m->count++;
    }
    return *at;
}

void known_free(struct known_map *m)
{
    free(m->slots);
    arena_free(&m->arena);
}
