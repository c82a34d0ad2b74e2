/* cell.c -- see cell.h.  Room: spaces/family. */
#include "family/cell.h"

#include <stdio.h>
#include <string.h>

const int32_t cell_from[CELL_EDGES] = {0, 0, 1, 0, 1, 2};

const int32_t cell_to[CELL_EDGES] = {1, 2, 2, 3, 3, 3};

uint32_t cell_edges_of(const int32_t *ops, int32_t op)
{
    uint32_t mask = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++)
        mask |= (uint32_t)(ops[e] == op) << e;
    return mask;
}

/* present: the edges other than `none`; useful: those of them on a way from the input to the
 * output. */
static void cell_reach(const int32_t *ops, int32_t none, uint32_t *present, uint32_t *useful)
{
    uint32_t edges = ~cell_edges_of(ops, none) & ((1u << CELL_EDGES) - 1);
    uint32_t forth = 1u, back = 1u << (CELL_NODES - 1);

    *present = edges;
    *useful = 0;
    for (int32_t e = 0; e < CELL_EDGES; e++)
        if (edges >> e & 1 && forth >> cell_from[e] & 1)
            forth |= 1u << cell_to[e];
    for (int32_t e = CELL_EDGES; e-- > 0;)
        if (edges >> e & 1 && back >> cell_to[e] & 1) {
            back |= 1u << cell_from[e];
            if (forth >> cell_from[e] & 1)
                *useful |= 1u << e;
        }
}

void cell_traits(const int32_t *ops, int32_t none, uint32_t convs, tcet_traits *out)
{
    uint32_t present, useful;

    cell_reach(ops, none, &present, &useful);
    out->live = present == useful;
    out->alive = useful != 0;
    out->depth = __builtin_popcount(convs);
}

/* A node as an expression; empty is zero. */
struct cell_term {
    char text[512];
};

/* Joins the sorted terms of one node. */
static void cell_sum(struct cell_term *terms, int32_t n, struct cell_term *out)
{
    size_t at = 0;

    for (int32_t i = 1; i < n; i++)
        for (int32_t j = i; j > 0 && strcmp(terms[j].text, terms[j - 1].text) < 0; j--) {
            struct cell_term t = terms[j];

            terms[j] = terms[j - 1];
            terms[j - 1] = t;
        }
    out->text[0] = '\0';
    for (int32_t i = 0; i < n && at < sizeof out->text; i++)
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%s%s", i ? "+" : "",
                               terms[i].text);
}

tcet_status cell_key(tcet_ctx *cx, const int32_t *ops, int32_t none, uint32_t identity,
                     const char *const *names, char *key, size_t cap)
{
    struct cell_term node[CELL_NODES] = {{"0"}}, terms[CELL_NODES];
    const char *out = node[CELL_NODES - 1].text;
    int32_t n = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++) {
        const struct cell_term *x = &node[cell_from[e]];

        if (ops[e] != none && x->text[0]) {
            if (identity >> e & 1)
                terms[n++] = *x;
            else
                snprintf(terms[n++].text, sizeof terms->text, "(%.480s)@%s", x->text,
                         names[ops[e]]);
        }
        if (e + 1 == CELL_EDGES || cell_to[e + 1] != cell_to[e]) {
            cell_sum(terms, n, &node[cell_to[e]]);
            n = 0;
        }
    }
    return space_put(cx, key, cap, out, strlen(out));
}
