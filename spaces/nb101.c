/* nb101.c -- NAS-Bench-101: cells that are graphs of up to seven vertices and nine edges with
 * three operations, 423,624 different ones (Ying et al., ICML 2019).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#include "family/nb101_order.h"
#include "family/nb101_space.h"

#include <stdlib.h>
#include <string.h>

static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)
{
    (void)cx, (void)self;
    *out = NB101_CELLS;
    return TCET_OK;
}

static tcet_status get_order(tcet_ctx *cx, const uint32_t **out)
{
    *out = nb101_order();
    return *out ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory for the list of all cells");
}

static tcet_status cell_at(tcet_ctx *cx, int64_t index, struct nb101_cell *out)
{
    const uint32_t *order;
    tcet_status st = get_order(cx, &order);

    if (st < 0)
        return st;
    if (index < 0 || index >= NB101_CELLS)
        return tcet_failf(cx, TCET_E_ARG, "cells are numbered from 0 to %d", NB101_CELLS - 1);
    nb101_order_cell(order[index], out);
    return TCET_OK;
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    struct nb101_cell c;
    tcet_status st = cell_at(cx, index, &c);

    (void)self;
    return st < 0 ? st : nb101_print(cx, &c, text, cap);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Of any spelling: that of the isomorphic cell which is listed. */
static tcet_status space_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    struct nb101_cell c, pruned;
    tcet_status st = nb101_parse(cx, text, &c, &pruned);
    const uint32_t *order, *found;
    uint32_t number;

    (void)self;
    if (st >= 0)
        st = get_order(cx, &order);
    if (st < 0)
        return st;
    number = nb101_order_number(&pruned);
    found = bsearch(&number, order, NB101_CELLS, sizeof number, by_number);
    *out = found ? found - order : -1;
    return TCET_OK;
}

/* A cell of seven vertices: loose ones are added before the output. */
static void fill_up(struct nb101_cell *c)
{
    for (int32_t last = c->vertices - 1; c->vertices < NB101_VERTICES; last++) {
        c->vertices++;
        for (int32_t i = 0; i < last; i++) {
            c->edge[i][last + 1] = c->edge[i][last];
            c->edge[i][last] = 0;
        }
        c->code[last] = NB101_CONV3;
        c->code[last + 1] = NB101_OUTPUT;
    }
}

/* Even over the cells, with seven vertices, as a mutation has them; the official random_spec() draws edges
 * and operations until a cell is valid. */
static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    struct nb101_cell c;
    tcet_status st = cell_at(cx, space_pick(cx, NB101_CELLS), &c);

    (void)self;
    if (st < 0)
        return st;
    fill_up(&c);
    return nb101_print(cx, &c, text, cap);
}

/* One edge comes or goes, or one vertex has another operation, in a cell of seven vertices. */
static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    struct nb101_cell c, to, pruned;
    tcet_status st = nb101_parse(cx, from, &c, &pruned);

    (void)self;
    if (st < 0)
        return st;
    fill_up(&c);
    do {
        int32_t i = space_pick(cx, NB101_VERTICES), j = space_pick(cx, NB101_VERTICES);

        to = c;
        if (i < j)
            to.edge[i][j] = !c.edge[i][j];
        else if (i == j && i > 0 && i < NB101_VERTICES - 1)
            to.code[i] = NB101_MAX_POOL + space_pick_other(cx, NB101_CODES - NB101_MAX_POOL,
                                                           c.code[i] - NB101_MAX_POOL);
        else
            continue;
        nb101_prune(&to, &pruned);
    } while (memcmp(&to, &c, sizeof c) == 0 || !nb101_valid(&pruned));
    return nb101_print(cx, &to, text, cap);
}

/* What a mutation may make: first the edges, then the operations. */
static tcet_status space_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                                    int64_t *count, char *text, size_t cap)
{
    enum { OPS = NB101_CODES - NB101_MAX_POOL };
    struct nb101_cell c, to, pruned, wanted = {.vertices = 0};
    tcet_status st = nb101_parse(cx, from, &c, &pruned);
    int64_t n = 0;

    (void)self;
    if (st < 0)
        return st;
    fill_up(&c);
    for (int32_t i = 0; i < NB101_VERTICES; i++) {
        for (int32_t j = i + 1; j < NB101_VERTICES; j++) {
            to = c;
            to.edge[i][j] = !c.edge[i][j];
            nb101_prune(&to, &pruned);
            if (nb101_valid(&pruned) && n++ == index)
                wanted = to;
        }
    }
    for (int32_t i = 1; i < NB101_VERTICES - 1; i++) { /* which may be no other network */
        for (int32_t code = NB101_MAX_POOL; code < NB101_MAX_POOL + OPS; code++) {
            to = c;
            to.code[i] = code;
            if (code != c.code[i] && n++ == index)
                wanted = to;
        }
    }
    *count = n;
    return wanted.vertices ? nb101_print(cx, &wanted, text, cap) : TCET_OK;
}

static const tcet_space_ops ops = {
    .struct_size = sizeof(tcet_space_ops),
    .size = space_size,
    .task = space_cifar10_task,
    .at = space_at,
    .check = nb101_space_check,
    .canonical = nb101_space_canonical,
    .traits = nb101_space_traits,
    .build = nb101_space_build,
    .random = space_random,
    .mutate = space_mutate,
    .index_of = space_index_of,
    .neighbours = space_neighbours,
};

static const tcet_plugin nb101 = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nb101",
    .version = "1.0.0",
    .summary = "NAS-Bench-101: cells of up to seven vertices and nine edges",
    .cite = "Ying et al., NAS-Bench-101, ICML 2019",
    .instance_size = sizeof(struct nb101_space),
    .ops = &ops,
};

TCET_MODULE(&nb101)
