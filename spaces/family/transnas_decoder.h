/* transnas_decoder.h -- the decoders of TransNAS-Bench-101 that make images of features.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_TRANSNAS_DECODER_H
#define SPACES_TRANSNAS_DECODER_H

#include "family/common.h"

/* SegmentationDecoder: outputs are `channels` logits a pixel. */
int32_t transnas_segmentation(tcet_builder *b, int32_t decoder, int32_t x, int32_t doublings,
                              int32_t channels);
/* GenerativeDecoder: outputs are in [-1, 1]. */
int32_t transnas_generative(tcet_builder *b, int32_t decoder, int32_t x, int32_t doublings,
                            int32_t channels);

/* How often features double to become so large images, 2 to 6; 0: that cannot be. */
int32_t transnas_doublings(int32_t height, int32_t width, int32_t to_height, int32_t to_width);

#endif
