/* genotype.h -- reads the two encodings of DARTS-like architectures: the official
 * Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=...), and
 * NASLib's pairs of input and operation, (((0, 3), (1, 3), ...), (...)).
 * Room: spaces/family.  Stands on family/darts and the SDK. */
#ifndef SPACES_GENOTYPE_H
#define SPACES_GENOTYPE_H

#include "family/darts.h"

enum { GENOTYPE_NODES = 4, GENOTYPE_EDGES = 2 * GENOTYPE_NODES };

extern const char *const genotype_cells[DARTS_CELLS];

struct genotype {
    struct darts_cell cell[DARTS_CELLS];
};

/* Where reading stands.  Errors are sticky: after the first one nothing more is read. */
struct genotype_reader {
    tcet_ctx *cx;
    const char *text, *at;
    tcet_status status;
};

/* Reads an encoding whose operations are names[0 .. ops); the error says where it is wrong. */
tcet_status genotype_parse(tcet_ctx *cx, const char *text, const char *const *names, int32_t ops,
                           struct genotype *g);

#endif
