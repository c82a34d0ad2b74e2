/* cell.h -- cells of four nodes and six edges, each edge one operation, each node the sum of
 * its edges (NAS-Bench-201, TransNAS-Bench-101 micro): dead edges and isomorphism.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_CELL_H
#define SPACES_CELL_H

#include "family/common.h"

/* Edges in the order of the encodings: node 1 <- 0, 2 <- 0, 2 <- 1, 3 <- 0, 1, 2. */
enum { CELL_EDGES = 6, CELL_NODES = 4 };

static const int32_t cell_from[CELL_EDGES] = {0, 0, 1, 0, 1, 2};
static const int32_t cell_to[CELL_EDGES] = {1, 2, 2, 3, 3, 3};

/* Bit e is set where edge e has operation op. */
static inline uint32_t cell_edges_of(const int32_t *ops, int32_t op)
{
    uint32_t mask = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++)
        mask |= (uint32_t)(ops[e] == op) << e;
    return mask;
}

/* present: the edges other than `none`; useful: those of them on a way from the input to the
 * output. */
static inline void cell_reach(const int32_t *ops, int32_t none, uint32_t *present, uint32_t *useful)
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

/* A node as an expression; empty is zero. */
struct cell_term {
    char text[512];
};

/* Joins the sorted terms of one node. */
static inline void cell_sum(struct cell_term *terms, int32_t n, struct cell_term *out)
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

/* NAS-Bench-201's unique string (an identity is its input, terms are sorted) from which zeros
 * are dropped: a `none` edge, and any operation on a node that is zero.  In a network as drawn
 * that is exact, since without batch-norm shift every operation maps zero to zero.
 * identity: mask of the edges that are the identity. */
static inline tcet_status cell_key(tcet_ctx *cx, const int32_t *ops, int32_t none,
                                   uint32_t identity, const char *const *names, char *key,
                                   size_t cap)
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

#endif
