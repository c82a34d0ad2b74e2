/* darts.h -- the DARTS networks, their cells and building blocks, with the official module names.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_DARTS_H
#define SPACES_DARTS_H

#include "family/common.h"

enum { DARTS_NORMAL, DARTS_REDUCE, DARTS_CELLS };
enum { DARTS_NODES_MAX = 5, DARTS_EDGES_MAX = 2 * DARTS_NODES_MAX };
enum { DARTS_KEY_MAX = 2 * DARTS_EDGES_MAX + DARTS_NODES_MAX + 1 };

/* Edges 2 i and 2 i + 1 end at node i + 2; inputs 0 and 1 are the two cells before.  The nodes of
 * `concat` side by side are what the cell gives. */
struct darts_cell {
    int32_t nodes, op[DARTS_EDGES_MAX], input[DARTS_EDGES_MAX];
    int32_t concat[DARTS_NODES_MAX], concat_count;
};

/* The least encoding over all numberings of the nodes, whose order only permutes channels: equal for
 * isomorphic cells, different for others.  Operations are below 26. */
void darts_cell_key(const struct darts_cell *c, char key[DARTS_KEY_MAX]);

/* A network of cells: a stem of 3 times `channels`, then `layers` cells, of which those at a third and
 * at two thirds are reductions with twice the channels. */
struct darts_network {
    const struct darts_cell *cells; /* DARTS_CELLS */
    int32_t channels, layers;
    int32_t pad; /* darts_factorized_reduce() */
    int32_t (*add_op)(tcet_builder *b, int32_t module, int32_t op, int32_t x, int32_t channels,
                      int32_t stride);
};

/* Which of its layers is a reduction. */
int32_t darts_is_reduction(int32_t layer, int32_t layers);

/* Without pooling and classifier; the node of the last cell. */
int32_t darts_build(tcet_builder *b, const struct darts_network *net);

/* A batch norm with PyTorch's defaults but for its scale and shift. */
int32_t darts_norm(tcet_builder *b, int32_t module, int32_t x, int32_t affine);

/* relu, depthwise, pointwise, norm as parent.op.first to first + 3. */
int32_t darts_separable(tcet_builder *b, int32_t parent, int32_t first, int32_t x, int32_t channels,
                        int32_t kernel, int32_t stride, int32_t dilation, int32_t affine);

/* Two of them, the first with the stride. */
int32_t darts_sep_conv(tcet_builder *b, int32_t parent, int32_t x, int32_t channels, int32_t kernel,
                       int32_t stride, int32_t dilation, int32_t affine);

/* ReLUConvBN with a 1x1 kernel. */
int32_t darts_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x, int32_t channels);

/* Two 1x1 convolutions of stride 2, the second on the input moved by one pixel, side by side.
 * pad: a row and a column of zeros behind it first, for sides that are odd. */
int32_t darts_factorized_reduce(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                                int32_t pad, int32_t affine);

#endif
