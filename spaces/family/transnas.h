/* transnas.h -- the network of TransNAS-Bench-101 around its cells: stem, modules of two
 * cells, classification head, and the second drawing of its weights.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Tasks: the two classification tasks, and jigsaw as one tile seen by the encoder and a
 * linear head (the published jigsaw network runs the encoder on nine tiles).  The tasks
 * whose decoders make images are not offered. */
#ifndef SPACES_TRANSNAS_H
#define SPACES_TRANSNAS_H

#include "family/common.h"

extern const char *const transnas_tasks[4];

void transnas_task(int32_t task, tcet_task *out);

enum { TRANSNAS_CONVS = 128 };

/* A network under construction; every convolution is remembered, to be drawn again. */
struct transnas {
    tcet_builder *b;
    int32_t count;
    int32_t module[TRANSNAS_CONVS], fan_out[TRANSNAS_CONVS];
};

int32_t transnas_conv(struct transnas *t, int32_t module, int32_t x, int32_t channels,
                      int32_t kernel, int32_t stride);

/* ReLUConvBN: parent.ops.0 to .2. */
int32_t transnas_relu_conv_norm(struct transnas *t, int32_t parent, int32_t x, int32_t channels,
                                int32_t kernel, int32_t stride);

/* One cell or block: `channels` after it, `stride` in it. */
typedef int32_t transnas_cell(struct transnas *t, int32_t module, const int32_t *code, int32_t x,
                              int32_t in_channels, int32_t channels, int32_t stride);

/* macro[i]: 1 as it was, 2 twice the channels, 3 half the size, 4 both; two cells a module. */
tcet_status transnas_build(tcet_builder *b, const int32_t *macro, int32_t modules,
                           const int32_t *code, transnas_cell *cell, int32_t classes);

#endif
