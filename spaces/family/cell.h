/* cell.h -- cells of four nodes and six edges, each edge one operation, each node the sum of
 * its edges (NAS-Bench-201, TransNAS-Bench-101 micro): dead edges and isomorphism.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_CELL_H
#define SPACES_CELL_H

#include "family/common.h"

/* Edges in the order of the encodings: node 1 <- 0, 2 <- 0, 2 <- 1, 3 <- 0, 1, 2. */
enum { CELL_EDGES = 6, CELL_NODES = 4 };

extern const int32_t cell_from[CELL_EDGES];
extern const int32_t cell_to[CELL_EDGES];

/* Bit e is set where edge e has operation op. */
uint32_t cell_edges_of(const int32_t *ops, int32_t op);

/* live: every operation other than `none` lies on a way from input to output; depth: the edges of
 * `convs`, a mask. */
void cell_traits(const int32_t *ops, int32_t none, uint32_t convs, tcet_traits *out);

/* NAS-Bench-201's unique string (an identity is its input, terms are sorted) from which zeros
 * are dropped: a `none` edge, and any operation on a node that is zero.  In a network as drawn
 * that is exact, since without batch-norm shift every operation maps zero to zero.
 * identity: mask of the edges that are the identity. */
tcet_status cell_key(tcet_ctx *cx, const int32_t *ops, int32_t none, uint32_t identity,
                     const char *const *names, char *key, size_t cap);

#endif
