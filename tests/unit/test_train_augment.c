/* Protects: the operations of AutoAugment to the byte (CRC-32 of PIL's output of the first shipped
 * image), the policy's table and how often its operations are made, where crops, flips, erased
 * rectangles and cutouts lie, images of other sizes; that an image's changes follow from its seed. */
#include "base/hash.h"
#include "train/augment.h"
#include "train/draws.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE };
static const struct augment_shape cifar = {3, SIDE, SIDE};

static void first_image(uint8_t image[PIXELS])
{
    FILE *f = fopen(TCET_TEST_SOURCE "/plugins/dataset/data/cifar10_train_320.bin", "rb");

    assert_non_null(f);
    assert_int_equal(fgetc(f), 6);
    assert_int_equal(fread(image, 1, PIXELS, f), PIXELS);
    fclose(f);
    assert_int_equal(crc32(image, PIXELS), 0xd8bbe584u);
}

/* Of PIL 9.4.0, computed by the official transforms. */
static void operations_to_the_byte(void **state)
{
    static const struct {
        enum augment_op op;
        int32_t level, sign;
        uint32_t crc;
    } cases[] = {
        {AUGMENT_SHEAR_X, 9, 1, 0xb0dc9562},     {AUGMENT_SHEAR_X, 9, -1, 0xa39b3d17},
        {AUGMENT_SHEAR_Y, 7, 1, 0x7d5414b4},     {AUGMENT_SHEAR_Y, 7, -1, 0x38ee9a14},
        {AUGMENT_TRANSLATE_X, 9, 1, 0x100aa6ad}, {AUGMENT_TRANSLATE_X, 9, -1, 0xdf64ed39},
        {AUGMENT_TRANSLATE_Y, 3, 1, 0xc5a9a856}, {AUGMENT_TRANSLATE_Y, 3, -1, 0xef8ff793},
        {AUGMENT_ROTATE, 2, 1, 0x2e4fe9d3},      {AUGMENT_ROTATE, 9, 1, 0x621daab2},
        {AUGMENT_COLOR, 3, 1, 0x78a82010},       {AUGMENT_COLOR, 3, -1, 0x66280aab},
        {AUGMENT_COLOR, 9, 1, 0x48abb282},       {AUGMENT_COLOR, 9, -1, 0xd51432ee},
        {AUGMENT_CONTRAST, 6, 1, 0xfd5452ff},    {AUGMENT_CONTRAST, 6, -1, 0x1f6f51df},
        {AUGMENT_SHARPNESS, 3, 1, 0xd6e38033},   {AUGMENT_SHARPNESS, 3, -1, 0x2a5d6232},
        {AUGMENT_SHARPNESS, 9, 1, 0x0f751b51},   {AUGMENT_SHARPNESS, 9, -1, 0x9218ed61},
        {AUGMENT_BRIGHTNESS, 7, 1, 0xebbb2570},  {AUGMENT_BRIGHTNESS, 7, -1, 0x05f0a86f},
        {AUGMENT_POSTERIZE, 7, 1, 0x7ac53615},   {AUGMENT_SOLARIZE, 2, 1, 0x1b295ee9},
        {AUGMENT_SOLARIZE, 8, 1, 0x5b9b9a57},    {AUGMENT_AUTOCONTRAST, 0, 1, 0xe88b88a2},
        {AUGMENT_EQUALIZE, 0, 1, 0x45aa7fc9},    {AUGMENT_INVERT, 0, 1, 0x02d814d6},
    };
    uint8_t image[PIXELS], changed[PIXELS], scratch[PIXELS];
    size_t bad = 0;

    (void)state;
    assert_int_equal(sizeof cases / sizeof *cases, 28);
    first_image(image);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t crc;

        memcpy(changed, image, PIXELS);
        augment_op(cases[i].op, cases[i].level, cases[i].sign, &cifar, changed, scratch);
        crc = crc32(changed, PIXELS);
        if (crc != cases[i].crc) {
            print_error("operation %d level %d sign %d: CRC %08x, want %08x\n", (int)cases[i].op,
                        (int)cases[i].level, (int)cases[i].sign, crc, cases[i].crc);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* The table as the paper's code prints it: name probability level. */
static void the_policy(void **state)
{
    static const char *const short_names[AUGMENT_OPS] = {"shX", "shY", "trX", "trY", "rot",
                                                         "col", "pos", "sol", "con", "sha",
                                                         "bri", "aut", "equ", "inv"};
    static const char expected[] =
        "inv .1 7 con .2 6|rot .7 2 trX .3 9|sha .8 1 sha .9 3|shY .5 8 trY .7 9|aut .5 8 equ .9 2|"
        "shY .2 7 pos .3 7|col .4 3 bri .6 7|sha .3 9 bri .7 9|equ .6 5 equ .5 1|con .6 7 sha .6 5|"
        "col .7 7 trX .5 8|equ .3 7 aut .4 8|trY .4 3 sha .2 6|bri .9 6 col .2 8|sol .5 2 inv .0 3|"
        "equ .2 0 aut .6 0|equ .2 8 equ .8 4|col .9 9 equ .6 6|aut .8 4 sol .2 8|bri .1 3 col .7 0|"
        "sol .4 5 aut .9 3|trY .9 9 trY .7 9|aut .9 2 sol .8 3|equ .8 8 inv .1 3|trY .7 9 aut .9 "
        "1|";
    char text[1024] = "";
    size_t at = 0;

    (void)state;
    for (int i = 0; i < AUGMENT_PAIRS; i++) {
        for (int k = 0; k < 2; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s .%d %d%s",
                                   short_names[AUGMENT_CIFAR[i].step[k].op],
                                   (int)lround(10 * AUGMENT_CIFAR[i].step[k].p),
                                   (int)AUGMENT_CIFAR[i].step[k].level, k ? "|" : " ");
    }
    assert_string_equal(text, expected);
}

/* The share of images that a policy leaves as they are, against the table's: made up of levels that
 * change nothing and probabilities.  On an image on which every operation with a level above 0 shows. */
static void policy_probabilities(void **state)
{
    enum { N = 40000 };
    const struct augment a = {.auto_augment = 1};
    uint8_t image[PIXELS], out[PIXELS], scratch[PIXELS], once[PIXELS];
    struct augment_hole holes[AUGMENT_HOLES];
    double same = 0, expected = 0, error;

    (void)state;
    first_image(image);
    for (int i = 0; i < AUGMENT_PAIRS; i++) {
        double stays = 1;

        for (int k = 0; k < 2; k++) { /* of two steps neither undoes the other */
            memcpy(once, image, PIXELS);
            augment_op(AUGMENT_CIFAR[i].step[k].op, AUGMENT_CIFAR[i].step[k].level, 1, &cifar, once,
                       scratch);
            if (memcmp(once, image, PIXELS) != 0)
                stays *= 1 - AUGMENT_CIFAR[i].step[k].p;
        }
        expected += stays / AUGMENT_PAIRS;
    }
    /* trY +9 then -9 leaves black bars; nothing else cancels */
    for (int64_t i = 0; i < N; i++) {
        augment_image(&a, &cifar, draws_start(1, DRAWS_IMAGE, 0, i), image, out, scratch, holes);
        same += !memcmp(out, image, PIXELS);
    }
    error = sqrt(expected * (1 - expected) / N);
    if (fabs(same / N - expected) > 5 * error)
        fail_msg("%.4f stay as they are, want %.4f +- %.4f", same / N, expected, error);
}

/* Every window of the padded image, mirrored or not, is drawn, and nothing else. */
static void crops_and_flips(void **state)
{
    enum { H = 5, W = 7, PAD = 2, N = 4000 };
    const struct augment_shape s = {2, H, W};
    const struct augment a = {.crop = PAD, .flip = 1};
    struct augment_hole holes[AUGMENT_HOLES];
    uint8_t image[2 * H * W], out[2 * H * W], scratch[2 * H * W];
    int seen[2 * PAD + 1][2 * PAD + 1][2] = {{{0}}};

    (void)state;
    for (int i = 0; i < 2 * H * W; i++)
        image[i] = (uint8_t)(i + 1);
    for (int64_t n = 0; n < N; n++) {
        int found = 0;

        augment_image(&a, &s, draws_start(3, DRAWS_IMAGE, 1, n), image, out, scratch, holes);
        for (int top = -PAD; top <= PAD; top++) {
            for (int left = -PAD; left <= PAD; left++) {
                for (int mirrored = 0; mirrored < 2; mirrored++) {
                    int equal = 1;

                    for (int i = 0; i < 2 * H * W; i++) {
                        int c = i / (H * W), row = i / W % H + top;
                        int column = (mirrored ? W - 1 - i % W : i % W) + left;
                        int v = row < 0 || row >= H || column < 0 || column >= W
                                    ? 0
                                    : image[(c * H + row) * W + column];

                        equal = equal && v == out[i];
                    }
                    found += equal;
                    seen[top + PAD][left + PAD][mirrored] += equal;
                }
            }
        }
        assert_int_equal(found, 1);
    }
    for (int i = 0; i < 2 * (2 * PAD + 1) * (2 * PAD + 1);
         i++) /* 80 each; 35 is 5 deviations off */
        assert_in_range((&seen[0][0][0])[i], 35, 125);
}

/* Erased: half of the images, area and ratio within the official bounds but for rounding, inside. */
static void erasing_bounds(void **state)
{
    enum { N = 20000 };
    const struct augment a = {.erase = 1};
    uint8_t image[PIXELS] = {0}, out[PIXELS], scratch[PIXELS];
    struct augment_hole holes[AUGMENT_HOLES];
    int erased = 0, at_end = 0;

    (void)state;
    for (int64_t i = 0; i < N; i++) {
        const struct augment_hole *hole = &holes[0];

        augment_image(&a, &cifar, draws_start(5, DRAWS_IMAGE, 2, i), image, out, scratch, holes);
        assert_int_equal(holes[1].h, 0);
        if (!hole->h)
            continue;
        erased++;
        assert_in_range(hole->h, 1, SIDE - 1);
        assert_in_range(hole->w, 1, SIDE - 1);
        assert_in_range(hole->top, 0, SIDE - hole->h);
        assert_in_range(hole->left, 0, SIDE - hole->w);
        at_end += hole->top == SIDE - hole->h;
        assert_true((hole->h + .5) * (hole->w + .5) >= .02 * SIDE * SIDE);
        assert_true((hole->h - .5) * (hole->w - .5) <= .33 * SIDE * SIDE);
        assert_true((hole->h + .5) / (hole->w - .5) >= .3);
        assert_true((hole->h - .5) / (hole->w + .5) <= 3.3);
    }
    assert_in_range(erased, N / 2 - 400, N / 2 + 400);
    assert_true(at_end > 0);
}

/* A square of an even side around a pixel, cut off at the edges. */
static void cutout_squares(void **state)
{
    const struct augment_shape s = {1, 9, 12};
    const struct augment a = {.cutout = 6};
    struct augment_hole holes[AUGMENT_HOLES];
    uint8_t image[9 * 12] = {0}, out[9 * 12], scratch[9 * 12];
    int whole = 0, corner = 0;

    (void)state;
    for (int64_t i = 0; i < 3000; i++) {
        const struct augment_hole *hole = &holes[1];

        augment_image(&a, &s, draws_start(7, DRAWS_IMAGE, 0, i), image, out, scratch, holes);
        assert_int_equal(holes[0].h, 0);
        assert_in_range(hole->h, 3, 6);
        assert_in_range(hole->w, 3, 6);
        assert_true(hole->top >= 0 && hole->top + hole->h <= 9);
        assert_true(hole->left >= 0 && hole->left + hole->w <= 12);
        assert_true(hole->h == 6 || hole->top == 0 || hole->top + hole->h == 9);
        assert_true(hole->w == 6 || hole->left == 0 || hole->left + hole->w == 12);
        whole += hole->h == 6 && hole->w == 6;
        corner += hole->h == 3 && hole->w == 3;
    }
    assert_true(whole > 0 && corner > 0);
}

/* Sizes other than CIFAR's, the smallest too; the sanitizers say whether anything is read outside. */
static void other_sizes(void **state)
{
    static const int32_t sizes[][2] = {{1, 1}, {1, 5}, {4, 1}, {2, 3}, {16, 16}, {24, 40}};
    const struct augment a = {4, 1, 1, 1, 8};

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const struct augment_shape s = {3, sizes[k][0], sizes[k][1]};
        size_t n = augment_scratch(&s);
        uint8_t *image = malloc(n), *out = malloc(n), *scratch = malloc(n), *again = malloc(n);
        struct augment_hole holes[AUGMENT_HOLES];
        uint64_t seed = 11;

        assert_true(image && out && scratch && again);
        for (size_t i = 0; i < n; i++)
            image[i] = (uint8_t)draws_below(&seed, 256);
        for (int64_t i = 0; i < 400; i++) {
            augment_image(&a, &s, draws_start(2, DRAWS_IMAGE, 0, i), image, out, scratch, holes);
            augment_image(&a, &s, draws_start(2, DRAWS_IMAGE, 0, i), image, again, scratch, holes);
            assert_memory_equal(out, again, n);
        }
        for (int op = 0; op < AUGMENT_OPS; op++) {
            for (int32_t level = 0; level < 10; level++) {
                memcpy(out, image, n);
                augment_op((enum augment_op)op, level, level % 2 ? 1 : -1, &s, out, scratch);
            }
        }
        free(image);
        free(out);
        free(scratch);
        free(again);
    }
}

/* Level 0 and probability 0 change nothing; inverting twice neither. */
static void identities(void **state)
{
    static const enum augment_op movements[] = {
        AUGMENT_SHEAR_X,    AUGMENT_SHEAR_Y,  AUGMENT_TRANSLATE_X, AUGMENT_TRANSLATE_Y,
        AUGMENT_ROTATE,     AUGMENT_COLOR,    AUGMENT_CONTRAST,    AUGMENT_SHARPNESS,
        AUGMENT_BRIGHTNESS, AUGMENT_POSTERIZE};
    const struct augment none = {0};
    struct augment_hole holes[AUGMENT_HOLES];
    uint8_t image[PIXELS], out[PIXELS], scratch[PIXELS];

    (void)state;
    first_image(image);
    augment_image(&none, &cifar, 1, image, out, scratch, holes);
    assert_memory_equal(out, image, PIXELS);
    assert_true(!holes[0].h && !holes[1].h);
    for (size_t i = 0; i < sizeof movements / sizeof *movements; i++) {
        memcpy(out, image, PIXELS);
        augment_op(movements[i], 0, 1, &cifar, out, scratch);
        assert_memory_equal(out, image, PIXELS);
    }
    augment_op(AUGMENT_INVERT, 0, 1, &cifar, out, scratch);
    augment_op(AUGMENT_INVERT, 0, 1, &cifar, out, scratch);
    assert_memory_equal(out, image, PIXELS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_to_the_byte),
        cmocka_unit_test(the_policy),
        cmocka_unit_test(policy_probabilities),
        cmocka_unit_test(crops_and_flips),
        cmocka_unit_test(erasing_bounds),
        cmocka_unit_test(cutout_squares),
        cmocka_unit_test(other_sizes),
        cmocka_unit_test(identities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
