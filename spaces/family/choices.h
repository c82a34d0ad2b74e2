/* choices.h -- spaces whose architectures are a row of independent choices: random, mutation,
 * crossover and numbering follow from how many values each place has.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_CHOICES_H
#define SPACES_CHOICES_H

#include "family/common.h"

enum { CHOICES_MAX = 32 };

/* parse and print translate between the encoding and places of 0 .. sizes[place]-1. */
struct choices {
    int32_t places; /* at most CHOICES_MAX */
    const int32_t *sizes;
    tcet_status (*parse)(tcet_ctx *cx, const char *text, int32_t *choice);
    tcet_status (*print)(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap);
};

/* How the instance of such a space begins.  Its init() says which choices they are. */
struct choices_space {
    const struct choices *choices;
};

/* Functions of tcet_space_ops, as <tcet/space.h> has them; self begins with a choices_space.
 * Numbers are lexicographic, the last place fastest: for a space whose official order is that, or
 * that has none.  A mutation is another value at one of the places that have more than one; a
 * crossover has each place from one parent or the other.  The canonical key is the encoding that
 * print makes of what parse read. */
tcet_status choices_size(tcet_ctx *cx, void *self, int64_t *out);
tcet_status choices_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap);
tcet_status choices_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out);
tcet_status choices_check(tcet_ctx *cx, void *self, const char *text);
tcet_status choices_canonical(tcet_ctx *cx, void *self, const char *text, char *key, size_t cap);
tcet_status choices_random(tcet_ctx *cx, void *self, char *text, size_t cap);
tcet_status choices_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap);
tcet_status choices_crossover(tcet_ctx *cx, void *self, const char *a, const char *b, char *text,
                              size_t cap);
/* Each other value of each place: the first place's first. */
tcet_status choices_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                               int64_t *count, char *text, size_t cap);

/* Their fields of tcet_space_ops; a space adds task, traits and build, canonical, and the order. */
#define CHOICES_OPS                                                                      \
    .struct_size = sizeof(tcet_space_ops), .size = choices_size, .check = choices_check, \
    .random = choices_random, .mutate = choices_mutate, .crossover = choices_crossover,  \
    .neighbours = choices_neighbours
#define CHOICES_ORDER .at = choices_at, .index_of = choices_index_of

#endif
