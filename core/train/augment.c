/* augment.c -- see augment.h: what is drawn for an image, and in which order it is changed.
 *
 * Room: core/train.  Stands on draws. */
#include "train/augment.h"

#include "train/draws.h"

#include <math.h>
#include <string.h>

enum { ERASE_TRIES = 10 };

#define PAIR(op1, p1, level1, op2, p2, level2) \
    {                                          \
        {                                      \
            {AUGMENT_##op1, p1, level1},       \
            {                                  \
                AUGMENT_##op2, p2, level2      \
            }                                  \
        }                                      \
    }
const struct augment_pair AUGMENT_CIFAR[AUGMENT_PAIRS] = {
    PAIR(INVERT, 0.1, 7, CONTRAST, 0.2, 6),          PAIR(ROTATE, 0.7, 2, TRANSLATE_X, 0.3, 9),
    PAIR(SHARPNESS, 0.8, 1, SHARPNESS, 0.9, 3),      PAIR(SHEAR_Y, 0.5, 8, TRANSLATE_Y, 0.7, 9),
    PAIR(AUTOCONTRAST, 0.5, 8, EQUALIZE, 0.9, 2),    PAIR(SHEAR_Y, 0.2, 7, POSTERIZE, 0.3, 7),
    PAIR(COLOR, 0.4, 3, BRIGHTNESS, 0.6, 7),         PAIR(SHARPNESS, 0.3, 9, BRIGHTNESS, 0.7, 9),
    PAIR(EQUALIZE, 0.6, 5, EQUALIZE, 0.5, 1),        PAIR(CONTRAST, 0.6, 7, SHARPNESS, 0.6, 5),
    PAIR(COLOR, 0.7, 7, TRANSLATE_X, 0.5, 8),        PAIR(EQUALIZE, 0.3, 7, AUTOCONTRAST, 0.4, 8),
    PAIR(TRANSLATE_Y, 0.4, 3, SHARPNESS, 0.2, 6),    PAIR(BRIGHTNESS, 0.9, 6, COLOR, 0.2, 8),
    PAIR(SOLARIZE, 0.5, 2, INVERT, 0.0, 3),          PAIR(EQUALIZE, 0.2, 0, AUTOCONTRAST, 0.6, 0),
    PAIR(EQUALIZE, 0.2, 8, EQUALIZE, 0.8, 4),        PAIR(COLOR, 0.9, 9, EQUALIZE, 0.6, 6),
    PAIR(AUTOCONTRAST, 0.8, 4, SOLARIZE, 0.2, 8),    PAIR(BRIGHTNESS, 0.1, 3, COLOR, 0.7, 0),
    PAIR(SOLARIZE, 0.4, 5, AUTOCONTRAST, 0.9, 3),    PAIR(TRANSLATE_Y, 0.9, 9, TRANSLATE_Y, 0.7, 9),
    PAIR(AUTOCONTRAST, 0.9, 2, SOLARIZE, 0.8, 3),    PAIR(EQUALIZE, 0.8, 8, INVERT, 0.1, 3),
    PAIR(TRANSLATE_Y, 0.7, 9, AUTOCONTRAST, 0.9, 1),
};

size_t augment_scratch(const struct augment_shape *s)
{
    return (size_t)s->channels * (size_t)s->h * (size_t)s->w;
}

static int32_t clamp(int32_t v, int32_t high)
{
    return v < 0 ? 0 : v > high ? high : v;
}

/* A window of the image's size, which begins at (top, left) of it and is black outside, mirrored. */
static void window(const struct augment_shape *s, int32_t top, int32_t left, int mirrored,
                   const uint8_t *in, uint8_t *out)
{
    int32_t from = clamp(left, s->w), to = clamp(s->w + left, s->w); /* columns inside */

    memset(out, 0, augment_scratch(s));
    for (int32_t line = 0; line < s->channels * s->h; line++, out += s->w) {
        int32_t row = line % s->h + top;
        const uint8_t *source = in + (ptrdiff_t)(line - line % s->h) * s->w;

        if (row < 0 || row >= s->h)
            continue;
        source += (ptrdiff_t)row * s->w;
        if (!mirrored)
            memcpy(out + (from - left), source + from, (size_t)(to - from));
        for (int32_t i = from; i < to && mirrored; i++)
            out[s->w - 1 - (i - left)] = source[i];
    }
}

static void apply_policy(const struct augment_shape *s, uint64_t *state, uint8_t *image,
                         uint8_t *scratch)
{
    const struct augment_pair *pair = &AUGMENT_CIFAR[draws_below(state, AUGMENT_PAIRS)];

    for (int i = 0; i < 2; i++) {
        int applied = draws_uniform(state) < pair->step[i].p;
        int32_t sign = draws_below(state, 2) ? 1 : -1;

        if (applied)
            augment_op(pair->step[i].op, pair->step[i].level, sign, s, image, scratch);
    }
}

static struct augment_hole erase(const struct augment_shape *s, uint64_t *state)
{
    struct augment_hole hole = {0};
    int tries = draws_below(state, 2) ? ERASE_TRIES : 0;

    while (tries-- > 0) {
        double area = (0.02 + 0.31 * draws_uniform(state)) * s->h * s->w;
        double ratio = 0.3 + 3 * draws_uniform(state);
        double h = rint(sqrt(area * ratio)), w = rint(sqrt(area / ratio));

        if (h < s->h && w < s->w) {
            hole.h = (int32_t)h;
            hole.w = (int32_t)w;
            hole.top = (int32_t)draws_below(state, s->h - hole.h + 1);
            hole.left = (int32_t)draws_below(state, s->w - hole.w + 1);
            break;
        }
    }
    return hole;
}

static struct augment_hole cutout(const struct augment_shape *s, int32_t side, uint64_t *state)
{
    int32_t y = (int32_t)draws_below(state, s->h), x = (int32_t)draws_below(state, s->w);
    struct augment_hole hole = {clamp(y - side / 2, s->h), clamp(x - side / 2, s->w), 0, 0};

    hole.h = clamp(y + side / 2, s->h) - hole.top;
    hole.w = clamp(x + side / 2, s->w) - hole.left;
    return hole;
}

void augment_image(const struct augment *a, const struct augment_shape *s, uint64_t seed,
                   const uint8_t *in, uint8_t *out, uint8_t *scratch,
                   struct augment_hole holes[AUGMENT_HOLES])
{
    uint64_t state = seed;
    int32_t top = 0, left = 0, mirrored = 0;

    if (a->crop) {
        top = (int32_t)draws_below(&state, 2 * (int64_t)a->crop + 1) - a->crop;
        left = (int32_t)draws_below(&state, 2 * (int64_t)a->crop + 1) - a->crop;
    }
    if (a->flip)
        mirrored = (int32_t)draws_below(&state, 2);
    window(s, top, left, mirrored, in, out);
    if (a->auto_augment)
        apply_policy(s, &state, out, scratch);
    memset(holes, 0, AUGMENT_HOLES * sizeof *holes);
    if (a->erase)
        holes[0] = erase(s, &state);
    if (a->cutout)
        holes[1] = cutout(s, a->cutout, &state);
}
