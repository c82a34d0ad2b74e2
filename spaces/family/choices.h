/* choices.h -- spaces whose architectures are a row of independent choices: random, mutation,
 * crossover and numbering follow from how many values each place has.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_CHOICES_H
#define SPACES_CHOICES_H

#include "family/common.h"

enum { CHOICES_MAX = 32 };

/* parse and print translate between the encoding and places of 0 .. sizes[place]-1. */
struct choices {
    int32_t places;
    const int32_t *sizes;
    tcet_status (*parse)(tcet_ctx *cx, const char *text, int32_t *choice);
    tcet_status (*print)(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap);
};

static inline int64_t choices_size(const struct choices *s)
{
    int64_t n = 1;

    for (int32_t i = 0; i < s->places; i++)
        n *= s->sizes[i];
    return n;
}

/* Lexicographic, last place fastest. */
static inline tcet_status choices_at(tcet_ctx *cx, const struct choices *s, int64_t index,
                                     char *text, size_t cap)
{
    int32_t choice[CHOICES_MAX];

    if (index < 0 || index >= choices_size(s))
        return space_fail(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %lld",
                          (long long)index, (long long)choices_size(s) - 1);
    for (int32_t i = s->places; i-- > 0; index /= s->sizes[i])
        choice[i] = (int32_t)(index % s->sizes[i]);
    return s->print(cx, choice, text, cap);
}

static inline tcet_status choices_index_of(tcet_ctx *cx, const struct choices *s, const char *text,
                                           int64_t *out)
{
    int32_t choice[CHOICES_MAX];
    int64_t index = 0;
    tcet_status st = s->parse(cx, text, choice);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < s->places; i++)
        index = index * s->sizes[i] + choice[i];
    *out = index;
    return TCET_OK;
}

static inline tcet_status choices_check(tcet_ctx *cx, const struct choices *s, const char *text)
{
    int32_t choice[CHOICES_MAX];

    return s->parse(cx, text, choice);
}

static inline tcet_status choices_random(tcet_ctx *cx, const struct choices *s, char *text,
                                         size_t cap)
{
    int32_t choice[CHOICES_MAX];

    for (int32_t i = 0; i < s->places; i++)
        choice[i] = space_pick(cx, s->sizes[i]);
    return s->print(cx, choice, text, cap);
}

/* Another value at one of the places that have more than one. */
static inline tcet_status choices_mutate(tcet_ctx *cx, const struct choices *s, const char *from,
                                         char *text, size_t cap)
{
    int32_t choice[CHOICES_MAX], place;
    tcet_status st = s->parse(cx, from, choice);

    if (st < 0)
        return st;
    do
        place = space_pick(cx, s->places);
    while (s->sizes[place] == 1);
    choice[place] = space_pick_other(cx, s->sizes[place], choice[place]);
    return s->print(cx, choice, text, cap);
}

/* Each place from one parent or the other. */
static inline tcet_status choices_crossover(tcet_ctx *cx, const struct choices *s, const char *a,
                                            const char *b, char *text, size_t cap)
{
    int32_t choice[CHOICES_MAX], other[CHOICES_MAX];
    tcet_status st;

    if ((st = s->parse(cx, a, choice)) < 0 || (st = s->parse(cx, b, other)) < 0)
        return st;
    for (int32_t i = 0; i < s->places; i++)
        if (space_pick(cx, 2))
            choice[i] = other[i];
    return s->print(cx, choice, text, cap);
}

/* The plugin functions of `const struct choices s`, for CHOICES_OPS. */
#define CHOICES_FUNCTIONS(s)                                                                   \
    static tcet_status space_check(tcet_ctx *cx, void *self, const char *text)                 \
    {                                                                                          \
        (void)self;                                                                            \
        return choices_check(cx, &(s), text);                                                  \
    }                                                                                          \
    static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)          \
    {                                                                                          \
        (void)self;                                                                            \
        return choices_random(cx, &(s), text, cap);                                            \
    }                                                                                          \
    static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text,    \
                                    size_t cap)                                                \
    {                                                                                          \
        (void)self;                                                                            \
        return choices_mutate(cx, &(s), from, text, cap);                                      \
    }                                                                                          \
    static tcet_status space_crossover(tcet_ctx *cx, void *self, const char *a, const char *b, \
                                       char *text, size_t cap)                                 \
    {                                                                                          \
        (void)self;                                                                            \
        return choices_crossover(cx, &(s), a, b, text, cap);                                   \
    }                                                                                          \
    static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)                      \
    {                                                                                          \
        (void)cx, (void)self;                                                                  \
        *out = choices_size(&(s));                                                             \
        return TCET_OK;                                                                        \
    }

/* Numbering for a space whose official order is the lexicographic one, or that has none. */
#define CHOICES_ORDER(s)                                                                         \
    static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap) \
    {                                                                                            \
        (void)self;                                                                              \
        return choices_at(cx, &(s), index, text, cap);                                           \
    }                                                                                            \
    static tcet_status space_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)  \
    {                                                                                            \
        (void)self;                                                                              \
        return choices_index_of(cx, &(s), text, out);                                            \
    }

/* Fields of tcet_space_ops for the functions above and the space's own space_task,
 * space_canonical, space_traits and space_build. */
#define CHOICES_OPS                                                                                \
    .struct_size = sizeof(tcet_space_ops), .size = space_size, .task = space_task, .at = space_at, \
    .check = space_check, .canonical = space_canonical, .traits = space_traits,                    \
    .build = space_build, .random = space_random, .mutate = space_mutate,                          \
    .crossover = space_crossover, .index_of = space_index_of

#endif
