/* darts.h -- the building blocks of the DARTS networks, with the official module names.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_DARTS_H
#define SPACES_DARTS_H

#include "family/common.h"

/* relu, depthwise, pointwise, norm as parent.op.first to first + 3. */
int32_t darts_separable(tcet_builder *b, int32_t parent, int32_t first, int32_t x, int32_t channels,
                        int32_t kernel, int32_t stride, int32_t dilation);

int32_t darts_sep_conv(tcet_builder *b, int32_t parent, int32_t x, int32_t channels, int32_t kernel,
                       int32_t stride);

/* ReLUConvBN with a 1x1 kernel. */
int32_t darts_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x, int32_t channels);

/* Two 1x1 convolutions of stride 2, the second on the input moved by one pixel, side by side. */
int32_t darts_factorized_reduce(tcet_builder *b, int32_t parent, int32_t x, int32_t channels);

#endif
