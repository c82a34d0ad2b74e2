/* augment.h -- changes of a training image that keep its class: crop, flip, AutoAugment's policy for
 * CIFAR, random erasing, cutout.
 *
 * Room: core/train.  This header stands on core/num.  Every draw follows from the seed given,
 * so an image's changes depend on nothing but (seed, epoch, image).  No errors, any thread. */
#ifndef CORE_AUGMENT_H
#define CORE_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

/* The changes asked for, in the order in which they are made; zero is none of them. */
struct augment {
    int32_t crop;         /* black pixels on each side, then a random window of the image's size */
    int32_t flip;         /* 1: mirrored with probability 1/2 */
    int32_t auto_augment; /* 1: one of the 25 sub-policies for CIFAR; images of three channels */
    int32_t erase;        /* 1: with probability 1/2 a random rectangle is erased */
    int32_t cutout;       /* side of a square around a random pixel that is erased; 0: none */
};

/* A rectangle of the image that becomes 0 after normalisation, in all channels; h = 0: none. */
struct augment_hole {
    int32_t top, left, h, w;
};
enum { AUGMENT_HOLES = 2 }; /* random erasing's, cutout's */

/* Planar uint8 images [channels, h, w]. */
struct augment_shape {
    int32_t channels, h, w;
};

/* Bytes that augment_image needs to work in. */
size_t augment_scratch(const struct augment_shape *s);
/* in to out, which are not the same; scratch: augment_scratch() bytes; holes: for the caller to fill
 * once the image is normalised. */
void augment_image(const struct augment *a, const struct augment_shape *s, uint64_t seed,
                   const uint8_t *in, uint8_t *out, uint8_t *scratch,
                   struct augment_hole holes[AUGMENT_HOLES]);

/* One operation of the policy, as PIL makes it to the byte, in place on [3, h, w]. */
enum augment_op {
    AUGMENT_SHEAR_X,
    AUGMENT_SHEAR_Y,
    AUGMENT_TRANSLATE_X,
    AUGMENT_TRANSLATE_Y,
    AUGMENT_ROTATE,
    AUGMENT_COLOR,
    AUGMENT_POSTERIZE,
    AUGMENT_SOLARIZE,
    AUGMENT_CONTRAST,
    AUGMENT_SHARPNESS,
    AUGMENT_BRIGHTNESS,
    AUGMENT_AUTOCONTRAST,
    AUGMENT_EQUALIZE,
    AUGMENT_INVERT,
    AUGMENT_OPS
};
/* level 0 .. 9; sign 1 or -1, which shear, translate, color, contrast, sharpness and brightness
 * heed; scratch: augment_scratch() bytes. */
void augment_op(enum augment_op op, int32_t level, int32_t sign, const struct augment_shape *s,
                uint8_t *image, uint8_t *scratch);

/* A sub-policy: two operations, each made with its probability. */
struct augment_pair {
    struct {
        enum augment_op op;
        double p;
        int32_t level;
    } step[2];
};
enum { AUGMENT_PAIRS = 25 };
extern const struct augment_pair AUGMENT_CIFAR[AUGMENT_PAIRS];

#endif
