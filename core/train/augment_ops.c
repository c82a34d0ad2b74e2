/* augment_ops.c -- the operations of AutoAugment's policy for CIFAR as PIL makes them, to the byte.
 *
 * Room: core/train.  Stands on libc and libm.  Written from the definitions; single precision and
 * the order of additions are PIL's. */
#include "train/augment.h"

#include <math.h>
#include <string.h>

enum { RGB = 3, OUTSIDE = 128 };

/* numpy.linspace(0, most, 10)[level] */
static double magnitude(double most, int32_t level)
{
    return level == 9 ? most : level * (most / 9);
}

static uint8_t clip(double v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)v;
}

static int32_t between(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* -- Movements: a place of the output to one of the input ---------------------------------- */

static double cubic(double a, double b, double c, double d, double t)
{
    return b + t * (c - a + t * (2 * (a - b) + c - d + t * (b - a + d - c)));
}

/* The plane at (x, y), pixel centres at whole numbers.  The first of the four rows is clamped; a later
 * one outside is the row before. */
static uint8_t bicubic(const uint8_t *plane, int32_t h, int32_t w, double x, double y)
{
    int32_t column = (int32_t)floor(x), row = (int32_t)floor(y);
    double value[4] = {0};

    for (int32_t i = 0; i < 4; i++) {
        int32_t at = row - 1 + i;
        const uint8_t *line = plane + (ptrdiff_t)between(at, 0, h - 1) * w;

        if (i > 0 && (at < 0 || at >= h))
            value[i] = value[i - 1];
        else
            value[i] = cubic(line[between(column - 1, 0, w - 1)], line[between(column, 0, w - 1)],
                             line[between(column + 1, 0, w - 1)],
                             line[between(column + 2, 0, w - 1)], x - column);
    }
    return clip(cubic(value[0], value[1], value[2], value[3], y - row));
}

static void shear(const struct augment_shape *s, double along_x, double along_y, const uint8_t *in,
                  uint8_t *out)
{
    for (int32_t i = 0; i < s->h * s->w; i++) {
        double u = i % s->w + 0.5, v = i / s->w + 0.5; /* NOLINT(bugprone-integer-division) */
        double x = u + along_x * v, y = along_y * u + v;
        int outside = x < 0 || x >= s->w || y < 0 || y >= s->h;

        for (int32_t c = 0; c < RGB; c++) {
            ptrdiff_t plane = (ptrdiff_t)c * s->h * s->w;

            out[plane + i] = outside ? OUTSIDE : bicubic(in + plane, s->h, s->w, x - 0.5, y - 0.5);
        }
    }
}

/* out = in at (column, row) of the nearest pixel. */
static void take(const struct augment_shape *s, int32_t i, int32_t column, int32_t row,
                 const uint8_t *in, uint8_t *out)
{
    int outside = column < 0 || column >= s->w || row < 0 || row >= s->h;

    for (int32_t c = 0; c < RGB; c++) {
        ptrdiff_t plane = (ptrdiff_t)c * s->h * s->w;

        out[plane + i] = outside ? OUTSIDE : in[plane + (ptrdiff_t)row * s->w + column];
    }
}

static void translate(const struct augment_shape *s, double by_x, double by_y, const uint8_t *in,
                      uint8_t *out)
{
    for (int32_t i = 0; i < s->h * s->w; i++)
        take(s, i, (int32_t)floor(i % s->w + 0.5 + by_x),
             (int32_t)floor(i / s->w + 0.5 + by_y), /* NOLINT(bugprone-integer-division) */
             in, out);
}

static double round15(double v)
{
    return rint(v * 1e15) / 1e15;
}

static int64_t fixed(double v)
{
    return (int64_t)floor(65536 * v + 0.5);
}

/* Counter-clockwise around the middle, in 16.16 fixed point. */
static void rotate(const struct augment_shape *s, double degrees, const uint8_t *in, uint8_t *out)
{
    static const double pi = 3.14159265358979323846;
    double r = -(degrees * pi / 180), cosine = round15(cos(r)), sine = round15(sin(r));
    double mx = s->w / 2.0, my = s->h / 2.0;
    int64_t along = fixed(cosine), down = fixed(sine), back = fixed(-sine);
    int64_t x0 = fixed(mx - mx * cosine - my * sine + (cosine + sine) / 2);
    int64_t y0 = fixed(my + mx * sine - my * cosine + (cosine - sine) / 2);

    for (int32_t row = 0; row < s->h; row++) {
        for (int32_t column = 0; column < s->w; column++) {
            int64_t x = x0 + row * down + column * along, y = y0 + row * along + column * back;

            /* >> floors: what is negative stays so */
            take(s, row * s->w + column, (int32_t)(x >> 16), (int32_t)(y >> 16), in, out);
        }
    }
}

/* -- Blends: away from, or towards, a plainer image --------------------------------------- */

static uint8_t gray(const uint8_t *image, int32_t plane, int32_t i)
{
    return (uint8_t)((19595u * image[i] + 38470u * image[plane + i] + 7471u * image[2 * plane + i] +
                      32768u) >>
                     16);
}

static uint8_t blend(uint8_t plain, uint8_t v, float share)
{
    float mixed = (float)plain + share * ((float)v - (float)plain);

    return share >= 0 && share <= 1 ? (uint8_t)mixed : clip(mixed);
}

/* A 3 x 3 of ones with 5 in the middle, over 13; borders as they are. */
static void smooth(const struct augment_shape *s, const uint8_t *in, uint8_t *out)
{
    const float one = 1.0f / 13, five = 5.0f / 13;

    memcpy(out, in, (size_t)s->h * (size_t)s->w);
    for (int32_t row = 1; row + 1 < s->h; row++) {
        for (int32_t column = 1; column + 1 < s->w; column++) {
            const uint8_t *p = in + (ptrdiff_t)row * s->w + column;
            const uint8_t *above = p - s->w, *below = p + s->w;
            float sum = 0.5f;

            sum += (float)below[-1] * one + (float)below[0] * one + (float)below[1] * one;
            sum += (float)p[-1] * one + (float)p[0] * five + (float)p[1] * one;
            sum += (float)above[-1] * one + (float)above[0] * one + (float)above[1] * one;
            out[(ptrdiff_t)row * s->w + column] = clip(sum);
        }
    }
}

static void blend_all(enum augment_op op, const struct augment_shape *s, float share,
                      uint8_t *image, uint8_t *scratch)
{
    int32_t plane = s->h * s->w;
    int64_t sum = 0;
    uint8_t mean;

    for (int32_t i = 0; i < plane; i++)
        sum += gray(image, plane, i);
    mean = (uint8_t)((double)sum / plane + 0.5);
    for (int32_t i = 0; i < plane; i++) { /* the plainer image */
        uint8_t v = op == AUGMENT_COLOR ? gray(image, plane, i) : op == AUGMENT_CONTRAST ? mean : 0;

        for (int32_t c = 0; c < RGB; c++)
            scratch[c * plane + i] = v;
    }
    for (int32_t c = 0; c < RGB && op == AUGMENT_SHARPNESS; c++)
        smooth(s, image + (ptrdiff_t)c * plane, scratch + (ptrdiff_t)c * plane);
    for (int32_t i = 0; i < RGB * plane; i++)
        image[i] = blend(scratch[i], image[i], share);
}

/* -- Tables: a value of the output for each of the input ----------------------------------- */

static void autocontrast(const int32_t *histogram, uint8_t *table)
{
    int32_t low = 0, high = 255;
    double scale;

    while (low < 255 && !histogram[low])
        low++;
    while (high > 0 && !histogram[high])
        high--;
    if (high <= low)
        return;
    scale = 255.0 / (high - low);
    for (int32_t v = 0; v < 256; v++)
        table[v] = clip(trunc(v * scale - low * scale));
}

static void equalize(const int32_t *histogram, int32_t pixels, uint8_t *table)
{
    int32_t high = 255, step, n;

    while (high > 0 && !histogram[high])
        high--;
    step = (pixels - histogram[high]) / 255; /* 0 where there is one value alone */
    if (!step)
        return;
    n = step / 2;
    for (int32_t v = 0; v < 256; v++) {
        table[v] = (uint8_t)(n / step > 255 ? 255 : n / step);
        n += histogram[v];
    }
}

static void apply_table(enum augment_op op, int32_t level, const struct augment_shape *s,
                        uint8_t *image)
{
    static const int32_t bits[] = {8, 8, 7, 7, 6, 6, 5, 5, 4, 4};
    int32_t plane = s->h * s->w;

    for (int32_t c = 0; c < RGB; c++, image += plane) {
        int32_t histogram[256] = {0};
        uint8_t table[256];

        for (int32_t i = 0; i < plane; i++)
            histogram[image[i]]++;
        for (int32_t v = 0; v < 256; v++) {
            int flip = op == AUGMENT_INVERT ||
                       (op == AUGMENT_SOLARIZE && v >= 256 - magnitude(256, level));

            table[v] = (uint8_t)(flip ? 255 - v : v);
            if (op == AUGMENT_POSTERIZE)
                table[v] = (uint8_t)(v >> (8 - bits[level]) << (8 - bits[level]));
        }
        if (op == AUGMENT_AUTOCONTRAST)
            autocontrast(histogram, table);
        if (op == AUGMENT_EQUALIZE)
            equalize(histogram, plane, table);
        for (int32_t i = 0; i < plane; i++)
            image[i] = table[image[i]];
    }
}

void augment_op(enum augment_op op, int32_t level, int32_t sign, const struct augment_shape *s,
                uint8_t *image, uint8_t *scratch)
{
    double shear_by = sign * magnitude(0.3, level), move = sign * magnitude(150.0 / 331, level);

    switch (op) {
    case AUGMENT_SHEAR_X:
    case AUGMENT_SHEAR_Y:
    case AUGMENT_TRANSLATE_X:
    case AUGMENT_TRANSLATE_Y:
    case AUGMENT_ROTATE:
        memcpy(scratch, image, (size_t)RGB * (size_t)s->h * (size_t)s->w);
        if (op == AUGMENT_SHEAR_X)
            shear(s, shear_by, 0, scratch, image);
        else if (op == AUGMENT_SHEAR_Y)
            shear(s, 0, shear_by, scratch, image);
        else if (op == AUGMENT_TRANSLATE_X)
            translate(s, s->w * move, 0, scratch, image);
        else if (op == AUGMENT_TRANSLATE_Y)
            translate(s, 0, s->h * move, scratch, image);
        else
            rotate(s, magnitude(30, level), scratch, image);
        break;
    case AUGMENT_COLOR:
    case AUGMENT_CONTRAST:
    case AUGMENT_SHARPNESS:
    case AUGMENT_BRIGHTNESS:
        blend_all(op, s, (float)(1 + sign * magnitude(0.9, level)), image, scratch);
        break;
    default: apply_table(op, level, s, image);
    }
}
