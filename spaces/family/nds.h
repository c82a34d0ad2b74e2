/* nds.h -- the networks of NDS, as its files describe them: cells (a genotype, width and depth) or
 * stages of blocks (Radosavovic et al., ICCV 2019).  Reading, printing, and what a space may hold.
 * Room: spaces/family.  Stands on family/darts and the SDK. */
#ifndef SPACES_NDS_H
#define SPACES_NDS_H

#include "family/darts.h"

#include <tcet/draft/json.h>

/* Operations of cells, in the order of their names (docs/spaces.md lists each space's). */
enum nds_op {
    NDS_NONE,
    NDS_SKIP,
    NDS_AVG3,
    NDS_MAX3,
    NDS_MAX5,
    NDS_MAX7,
    NDS_CONV1,
    NDS_CONV3,
    NDS_CONV31,
    NDS_CONV71,
    NDS_SEP3,
    NDS_SEP5,
    NDS_SEP7,
    NDS_DIL3,
    NDS_DIL5,
    NDS_DIL_SEP3,
    NDS_OPS
};
extern const char *const nds_ops[NDS_OPS];

enum nds_block { NDS_BASIC, NDS_BOTTLENECK, NDS_PLAIN, NDS_BLOCKS };

/* How stages of blocks are read; cells know no difference.
 * PYCLS: pycls, which trained them: the first entry of the lists is the stem, a 3x3 convolution, and
 * num_gs is a number of groups.  The records' counts of parameters agree with it.
 * NWOT: nas-without-training's copy: a stem of 12 channels and stride 2 (with a pool before residual
 * blocks) comes before the first entry, and num_gs is the width of a group.
 * AUTO: PYCLS where the second entry has stride 1, as in all of NDS, else NWOT. */
enum nds_reading { NDS_AUTO, NDS_PYCLS, NDS_NWOT };

enum { NDS_STAGES_MAX = 8, NDS_WIDTH_MAX = 4096, NDS_DEPTH_MAX = 64, NDS_ENCODING_MAX = 2048 };

/* Values of a design space. */
struct nds_values {
    const int32_t *value;
    int32_t count;
};

/* One of the spaces: which networks it has.  The last three are of blocks alone. */
struct nds_family {
    int32_t nodes;        /* of a cell; 0: stages of blocks */
    uint32_t ops;         /* of a cell: a bit for each */
    int32_t loose;        /* a cell gives the nodes that no other takes, instead of all */
    enum nds_block block; /* that are drawn */
    struct nds_values width, depth, groups;
    const double *ratio; /* w_b / w, as many as groups has values; with NDS_BOTTLENECK */
    int32_t ratios;
};

struct nds_stage {
    int32_t depth, width, stride, groups;
    double ratio;
};

/* nodes > 0: cells.  stages > 0: blocks. */
struct nds_net {
    int32_t nodes, width, depth;
    struct darts_cell cell[DARTS_CELLS];
    enum nds_block block;
    int32_t stages;
    struct nds_stage stage[NDS_STAGES_MAX];
    enum nds_reading reading; /* nds_check() says */
    int32_t aux;              /* it had an auxiliary head, which is not built */
};

/* What a stage of bottlenecks with that many channels has inside: Python's round(width * ratio). */
int32_t nds_inner(const struct nds_stage *s);

/* Reads the value of which `event` is the beginning: a `net`, or an object with one and the name of its
 * family.  TCET_E_ARG with the position. */
tcet_status nds_read(tcet_ctx *cx, const struct nds_family *family, tcet_json *j, int event,
                     struct nds_net *out);

/* The same from an encoding. */
tcet_status nds_parse(tcet_ctx *cx, const struct nds_family *family, const char *text,
                      struct nds_net *out);

/* As one line of JSON without blanks; how long, below NDS_ENCODING_MAX. */
size_t nds_print(const struct nds_net *net, char text[NDS_ENCODING_MAX]);

/* What a cell of a space gives when it is drawn. */
void nds_set_concat(const struct nds_family *family, struct darts_cell *c);

#endif
