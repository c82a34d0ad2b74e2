/* nb101_cell.h -- cells of NAS-Bench-101: graphs of up to seven vertices; their text, what is
 * left after pruning, and the benchmark's hash.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Encoding: NASLib's tuple, the adjacency matrix row by row and then one code a vertex
 * (0 input, 1 output, 2 max pool 3x3, 3 conv 1x1, 4 conv 3x3), for 2 to 7 vertices.  Read are also
 * nested lists, the official names of the operations for their codes, and both under the names
 * matrix and ops: {"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}.  Vertices off every way
 * from input to output are allowed and left out of the network. */
#ifndef SPACES_NB101_CELL_H
#define SPACES_NB101_CELL_H

#include "family/common.h"

enum { NB101_VERTICES = 7, NB101_EDGES = 9 };
enum { NB101_NUMBERS = NB101_VERTICES * NB101_VERTICES + NB101_VERTICES };
enum { NB101_INPUT, NB101_OUTPUT, NB101_MAX_POOL, NB101_CONV1, NB101_CONV3, NB101_CODES };

struct nb101_cell {
    int32_t vertices;
    int32_t edge[NB101_VERTICES][NB101_VERTICES]; /* from, to */
    int32_t code[NB101_VERTICES];
};

/* Leaves out what lies on no way from input to output; 0 vertices when there is none. */
void nb101_prune(const struct nb101_cell *from, struct nb101_cell *to);

int32_t nb101_edges(const struct nb101_cell *c);
/* Whether NAS-Bench-101 has the cell, once pruned. */
int nb101_valid(const struct nb101_cell *pruned);

/* Reads an encoding; TCET_E_ARG, with the position or the vertex, for what is none or outside of
 * NAS-Bench-101. */
tcet_status nb101_parse(tcet_ctx *cx, const char *text, struct nb101_cell *c,
                        struct nb101_cell *pruned);

/* Writes the encoding into text[cap]. */
tcet_status nb101_print(tcet_ctx *cx, const struct nb101_cell *c, char *text, size_t cap);

/* The benchmark's own hash of a pruned cell (its hash_module): key, with its NUL, needs
 * NB101_HASH bytes. */
enum { NB101_HASH = 33 };
void nb101_hash(const struct nb101_cell *pruned, char key[NB101_HASH]);

#endif
