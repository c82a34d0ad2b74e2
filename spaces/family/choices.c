/* choices.c -- see choices.h.  Room: spaces/family. */
#include "family/choices.h"

static const struct choices *choices_of(const void *self)
{
    return ((const struct choices_space *)self)->choices;
}

static int64_t count(const struct choices *s)
{
    int64_t n = 1;

    for (int32_t i = 0; i < s->places; i++)
        n *= s->sizes[i];
    return n;
}

tcet_status choices_size(tcet_ctx *cx, void *self, int64_t *out)
{
    (void)cx;
    *out = count(choices_of(self));
    return TCET_OK;
}

tcet_status choices_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX];

    if (index < 0 || index >= count(s))
        return tcet_failf(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %lld",
                          (long long)index, (long long)count(s) - 1);
    for (int32_t i = s->places; i-- > 0; index /= s->sizes[i])
        choice[i] = (int32_t)(index % s->sizes[i]);
    return s->print(cx, choice, text, cap);
}

tcet_status choices_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    const struct choices *s = choices_of(self);
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

tcet_status choices_check(tcet_ctx *cx, void *self, const char *text)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX];

    return s->parse(cx, text, choice);
}

tcet_status choices_canonical(tcet_ctx *cx, void *self, const char *text, char *key, size_t cap)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX];
    tcet_status st = s->parse(cx, text, choice);

    return st < 0 ? st : s->print(cx, choice, key, cap);
}

tcet_status choices_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX];

    for (int32_t i = 0; i < s->places; i++)
        choice[i] = space_pick(cx, s->sizes[i]);
    return s->print(cx, choice, text, cap);
}

tcet_status choices_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    const struct choices *s = choices_of(self);
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

tcet_status choices_crossover(tcet_ctx *cx, void *self, const char *a, const char *b, char *text,
                              size_t cap)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX], other[CHOICES_MAX];
    tcet_status st;

    if ((st = s->parse(cx, a, choice)) < 0 || (st = s->parse(cx, b, other)) < 0)
        return st;
    for (int32_t i = 0; i < s->places; i++)
        if (space_pick(cx, 2))
            choice[i] = other[i];
    return s->print(cx, choice, text, cap);
}

tcet_status choices_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                               int64_t *count, char *text, size_t cap)
{
    const struct choices *s = choices_of(self);
    int32_t choice[CHOICES_MAX];
    int64_t all = 0;
    tcet_status st = s->parse(cx, from, choice);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < s->places; i++) {
        int64_t at = index - all; /* among this place's */

        all += s->sizes[i] - 1;
        if (at >= 0 && at < s->sizes[i] - 1)
            choice[i] = (int32_t)(at + (at >= choice[i]));
    }
    *count = all;
    return index < 0 || index >= all ? TCET_OK : s->print(cx, choice, text, cap);
}
