/* plainnet.h -- ZenNAS's structure strings: chains of super blocks, their text, the
 * published way to count their size, and the replacement of one block by another.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_PLAINNET_H
#define SPACES_PLAINNET_H

#include "family/common.h"

/* SuperConvKxBNRELU(in,out,stride,layers): x by x convolutions.
 * SuperResKxKx(in,out,stride,bottleneck,layers): residuals of two x by x convolutions.
 * SuperResK1KxK1(same): twice as many residuals of 1x1, x by x, 1x1.
 * SuperResIDWEeKx(same): as many pairs of residuals of 1x1, depthwise x by x, 1x1, which is inverted
 * by the expansion e: the first to `bottleneck` channels, the second to `out`. */
enum plainnet_kind { PLAINNET_CONV, PLAINNET_RES, PLAINNET_BOTTLENECK, PLAINNET_INVERTED };
enum { PLAINNET_BLOCKS = 64, PLAINNET_SPLIT = 6 };

struct plainnet_block {
    enum plainnet_kind kind;
    int32_t kernel, expansion, in, out, stride, bottleneck, layers;
};

struct plainnet {
    int32_t count;
    struct plainnet_block block[PLAINNET_BLOCKS];
};

/* ---- text ---- */

tcet_status plainnet_parse(tcet_ctx *cx, const char *text, struct plainnet *p);

tcet_status plainnet_print(tcet_ctx *cx, const struct plainnet *p, char *text, size_t cap);

/* ---- size ---- */

/* How wide an inverted residual that gives `channels` is inside: a multiple of 8. */
int32_t plainnet_wide(const struct plainnet_block *b, int32_t channels);

int32_t plainnet_layers(const struct plainnet *p);

/* get_model_size() of the official MasterNet with residual links, which budgets are set in:
 * a batch norm counts one number a channel, a projection no bias, the classifier one bias. */
int64_t plainnet_size(const struct plainnet *p, int32_t classes);

/* get_FLOPs() of the same, for images of side x side pixels: multiply-accumulates of convolutions
 * and the classifier, one a number of a batch norm's output, and the projection's at the side that
 * follows its own stride once more. */
double plainnet_flops(const struct plainnet *p, int32_t side, int32_t classes);

/* ---- variation ---- */

/* Replaces the block by a random one of the official search space, an inverted one by an inverted
 * one of any kernel and expansion.  The official list of the others has the kernels 3, 5 and 7 in the
 * ratio 3 : 3 : 2. */
void plainnet_replace(tcet_ctx *cx, struct plainnet_block *b);

/* How many different blocks it may be replaced by, itself among them where it is one, and the i-th
 * of them. */
int64_t plainnet_candidates(const struct plainnet_block *b);
void plainnet_candidate(const struct plainnet_block *from, int64_t i, struct plainnet_block *to);

/* Hands channels on from block to block, and parts residual blocks of six layers or more. */
void plainnet_settle(const struct plainnet *from, struct plainnet *to);

#endif
