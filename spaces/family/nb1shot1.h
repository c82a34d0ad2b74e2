/* nb1shot1.h -- a search space of NAS-Bench-1Shot1: cells of NAS-Bench-101 in which vertex i
 * has a fixed number of parents.  A template: the file that includes it defines before
 *   NB1SHOT1_ID        the plugin's name
 *   NB1SHOT1_VERTICES  vertices of a cell, input and output included
 *   NB1SHOT1_PARENTS   number of parents of each of them
 *   NB1SHOT1_SIZES     choices of parents of vertices 1 .. last, then of operations
 *   NB1SHOT1_SUMMARY   the plugin's description
 * and becomes the plugin.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Encoding: NAS-Bench-101's.  Numbered are all cells the rule makes, loose ends included; the
 * published counts of different networks are those of the canonical keys. */
#ifndef SPACES_NB1SHOT1_H
#define SPACES_NB1SHOT1_H

#include "family/choices.h"
#include "family/nb101_net.h"

/* Places: the parents of vertices 1 .. last, then the operations of the inner ones. */
enum { LAST = NB1SHOT1_VERTICES - 1, PLACES = LAST + LAST - 1 };

static const int32_t parents[NB1SHOT1_VERTICES] = NB1SHOT1_PARENTS;

/* How many sets of `size` of n things there are below `set`, in the order of their bits; all
 * of them for set = 1 << n. */
static int32_t sets_below(uint32_t set, int32_t size)
{
    int32_t n = 0;

    for (uint32_t s = 0; s < set; s++)
        n += __builtin_popcount(s) == size;
    return n;
}

static tcet_status parse_cell(tcet_ctx *cx, const char *text, struct nb101_cell *c,
                              struct nb101_cell *pruned)
{
    tcet_status st = nb101_parse(cx, text, c, pruned);

    if (st < 0)
        return st;
    if (c->vertices != NB1SHOT1_VERTICES)
        return space_fail(cx, TCET_E_ARG, "%d vertices, the space's cells have %d", c->vertices,
                          NB1SHOT1_VERTICES);
    for (int32_t v = 1; v <= LAST; v++) {
        int32_t n = 0;

        for (int32_t from = 0; from < v; from++)
            n += c->edge[from][v];
        if (n != parents[v])
            return space_fail(cx, TCET_E_ARG, "vertex %d has %d parents, the space wants %d", v + 1,
                              n, parents[v]);
    }
    return TCET_OK;
}

static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *choice)
{
    struct nb101_cell c, pruned;
    tcet_status st = parse_cell(cx, text, &c, &pruned);

    if (st < 0)
        return st;
    for (int32_t v = 1; v <= LAST; v++) {
        uint32_t set = 0;

        for (int32_t from = 0; from < v; from++)
            set |= (uint32_t)c.edge[from][v] << from;
        choice[v - 1] = sets_below(set, parents[v]);
        if (v < LAST)
            choice[LAST + v - 1] = c.code[v] - NB101_MAX_POOL;
    }
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap)
{
    struct nb101_cell c = {.vertices = NB1SHOT1_VERTICES};

    for (int32_t v = 1; v <= LAST; v++) {
        uint32_t set = (1u << parents[v]) - 1;

        while (__builtin_popcount(set) != parents[v] || sets_below(set, parents[v]) < choice[v - 1])
            set++;
        for (int32_t from = 0; from < v; from++)
            c.edge[from][v] = set >> from & 1;
        c.code[v] = v < LAST ? NB101_MAX_POOL + choice[LAST + v - 1] : NB101_OUTPUT;
    }
    return nb101_print(cx, &c, text, cap);
}

static const int32_t sizes[PLACES] = NB1SHOT1_SIZES;
static const struct choices space_choices = {PLACES, sizes, parse, print};

CHOICES_FUNCTIONS(space_choices)
CHOICES_ORDER(space_choices)

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx, (void)self;
    out->channels = 3;
    out->height = out->width = 32;
    out->classes = 10;
    return TCET_OK;
}

static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    struct nb101_cell c, pruned;
    char hash[MD5_DIGITS];
    tcet_status st = parse_cell(cx, text, &c, &pruned);

    (void)self;
    if (st < 0)
        return st;
    nb101_hash(&pruned, hash);
    return space_put(cx, key, cap, hash, MD5_DIGITS - 1);
}

static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct nb101_cell c, pruned;
    tcet_status st = parse_cell(cx, text, &c, &pruned);

    (void)self;
    if (st < 0)
        return st;
    nb101_traits(&c, &pruned, out);
    return TCET_OK;
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    struct nb101_cell c, pruned;
    tcet_status st = parse_cell(cx, text, &c, &pruned);

    (void)self;
    return st < 0 ? st : nb101_build(b, &pruned, task->classes);
}

static const tcet_space_ops ops = {CHOICES_OPS};

static const tcet_plugin nb1shot1 = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = NB1SHOT1_ID,
    .version = "1.0.0",
    .summary = NB1SHOT1_SUMMARY,
    .cite = "Zela et al., NAS-Bench-1Shot1, ICLR 2020",
    .ops = &ops,
};

TCET_MODULE(&nb1shot1)

#endif
