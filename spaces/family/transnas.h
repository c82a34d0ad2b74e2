/* transnas.h -- the network of TransNAS-Bench-101 around its cells: stem, modules of two cells, the
 * head of a task, and the second drawing of the encoder's weights.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Tasks: class_scene and class_object, whose labels may be soft; room_layout, of nine numbers; jigsaw, the
 * published Siamese network: one encoder on nine tiles, which an image of 27 channels holds one after the
 * other; segmentsemantic, autoencoder and normal, whose decoders make images.  The last two's official loss
 * has a discriminator's beside L1, which is not here; a network has none. */
#ifndef SPACES_TRANSNAS_H
#define SPACES_TRANSNAS_H

#include "family/common.h"

enum { TRANSNAS_CONVS = 128, TRANSNAS_MODULES = 512 };

extern const char *const transnas_tasks[9];
extern const char *const transnas_readings[3];

/* The parameters `task` and `reading` of a space whose struct is `type`. */
#define TRANSNAS_PARAMS(type)                                                                     \
    TCET_PARAM_CHOICE(type, task, "class_scene", transnas_tasks,                                  \
                      "whose input, head and classes the network has; jigsaw: nine tiles, as 27 " \
                      "channels; jigsaw_tile: one of them"),                                      \
        TCET_PARAM_CHOICE(type, reading, "official", transnas_readings,                           \
                          "official: the classifier as part of the encoder, 47 scenes or 75 "     \
                          "objects; naslib: a decoder of its own, 63 and 100, as "                \
                          "NAS-Bench-Suite-Zero scored")

void transnas_task(int32_t task, int32_t reading, tcet_task *out);

/* A network under construction; every convolution is remembered, to be drawn again. */
struct transnas {
    tcet_builder *b;
    int32_t root; /* module that holds the encoder, -1: none */
    int32_t count;
    int32_t module[TRANSNAS_CONVS], fan_out[TRANSNAS_CONVS];
    /* The encoder's modules in their order; it takes them again for every tile but the first. */
    int32_t again, made, taken;
    int32_t encoder[TRANSNAS_MODULES];
};

/* tcet_builder.module() of the encoder. */
int32_t transnas_module(struct transnas *t, int32_t parent, const char *name, int32_t index);

int32_t transnas_conv(struct transnas *t, int32_t module, int32_t x, int32_t channels,
                      int32_t kernel, int32_t stride);

/* ReLUConvBN: parent.ops.0 to .2. */
int32_t transnas_relu_conv_norm(struct transnas *t, int32_t parent, int32_t x, int32_t channels,
                                int32_t kernel, int32_t stride);

/* One cell or block: `channels` after it, `stride` in it. */
typedef int32_t transnas_cell(struct transnas *t, int32_t module, const int32_t *code, int32_t x,
                              int32_t in_channels, int32_t channels, int32_t stride);

/* An encoder: macro[i] is 1 as it was, 2 twice the channels, 3 half the size, 4 both; two cells a module. */
struct transnas_encoder {
    const int32_t *macro;
    int32_t modules;
    const int32_t *code; /* what `cell` is given */
    transnas_cell *cell;
};

/* TCET_E_ARG with a message where images are of a size that a decoder cannot make; else b's status. */
tcet_status transnas_build(tcet_ctx *cx, tcet_builder *b, int32_t task, int32_t reading,
                           const struct transnas_encoder *e, const tcet_task *t);

#endif
