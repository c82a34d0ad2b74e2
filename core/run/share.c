/* share.c -- see share.h.  Room: core/run. */
#include "run/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void share_open(struct share *s, const char *const *archs, size_t count)
{
    s->count = count;
    s->of = mem_alloc((count + 1) * sizeof *s->of);
    s->next = mem_alloc((count + 1) * sizeof *s->next);
    s->classes = mem_alloc((count + 1) * sizeof *s->classes);
    s->stands = archs;
    for (size_t i = 0; i < count; i++) {
        s->of[i] = i;
        s->next[i] = SHARE_NOBODY;
        s->classes[i] =
            (struct share_class){SHARE_NOBODY, SHARE_NOBODY, SHARE_NOBODY, SHARE_NOBODY};
    }
}

void share_close(struct share *s)
{
    free(s->of);
    free(s->next);
    free(s->classes);
}

/* -- Who is alike ------------------------------------------------------------------------- */

struct labelled {
    const char *text; /* "": alone */
    size_t at;
};

static int by_text(const void *a, const void *b)
{
    const struct labelled *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Joins those of a list sorted by text: the least item of each text, and who stands for it. */
static void join(struct share *s, const struct labelled *sorted, size_t count, int canonical,
                 const char *const *all, size_t first, size_t step, struct arena *a)
{
    const char **stands = arena_alloc(a, (s->count + 1) * sizeof *stands);
    size_t least = SHARE_NOBODY, head = 0;

    for (size_t i = 0; i < count; i++) {
        size_t at = sorted[i].at, item = (at - first) / step;
        int same = i && *sorted[i].text && !strcmp(sorted[i].text, sorted[i - 1].text);

        head = same ? head : i;
        least = same ? least : SHARE_NOBODY;
        if (at < first || (at - first) % step)
            continue;
        least = least == SHARE_NOBODY ? item : least;
        s->of[item] = least;
        stands[item] = all[canonical ? sorted[head].at : at];
    }
    s->stands = stands;
}

tcet_status share_ask(struct share *s, struct pool *pool, int canonical, const char *const *all,
                      size_t all_count, size_t first, size_t step, struct arena *a,
                      struct error *err)
{
    struct labelled *list = mem_alloc((all_count + 1) * sizeof *list);
    const char *const *said;
    tcet_status st = client_alike(&pool->clients[0], all, all_count, a, &said, err);
    char text[512];

    for (size_t i = 0; i < all_count; i++)
        list[i] = (struct labelled){said[i] ? said[i] : "", i};
    if (st < 0 && st != TCET_E_CANCELLED) {
        snprintf(text, sizeof text,
                 "not all networks that are equal are found ([run] share): %.400s", err->text);
        if (pool->owner.log)
            pool->owner.log(pool->owner.log_arg, TCET_LOG_WARN, text);
        st = TCET_OK;
    }
    if (st >= 0) {
        qsort(list, all_count, sizeof *list, by_text);
        join(s, list, all_count, canonical, all, first, step, a);
    }
    free(list);
    return st;
}

/* -- Who waits ---------------------------------------------------------------------------- */

static struct share_class *class_of(const struct share *s, size_t item)
{
    return &s->classes[s->of[item]];
}

void share_stored(struct share *s, size_t item)
{
    struct share_class *c = class_of(s, item);

    c->source = c->source == SHARE_NOBODY ? item : c->source;
}

int share_add(struct share *s, size_t item)
{
    struct share_class *c = class_of(s, item);

    if (c->source != SHARE_NOBODY)
        return 1;
    if (c->leader == SHARE_NOBODY) {
        c->leader = item;
        return 1;
    }
    if (c->head == SHARE_NOBODY)
        c->head = item;
    else
        s->next[c->tail] = item;
    c->tail = item;
    return 0;
}

size_t share_source(const struct share *s, size_t item)
{
    size_t source = class_of(s, item)->source;

    return source == item ? SHARE_NOBODY : source;
}

size_t share_next(struct share *s, size_t item, int ok)
{
    struct share_class *c = class_of(s, item);
    size_t next = c->head;

    if (c->leader != item)
        return SHARE_NOBODY;
    if (ok)
        c->source = item;
    if (next != SHARE_NOBODY)
        c->head = s->next[next];
    if (!ok || next == SHARE_NOBODY) /* the next one leads */
        c->leader = next;
    return next;
}
