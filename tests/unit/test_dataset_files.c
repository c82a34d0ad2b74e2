/* test_dataset_files.c -- the readers below the datasets of stored images: pictures, numpy's arrays,
 * pickles.  tests/data/dataset holds small files that Pillow, numpy and Python wrote.  Protects the
 * numbers that come out, and that a file that is cut, damaged or made to do harm is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include <cmocka.h>

#include "common/array.h"
#include "common/picture.h"
#include "common/pickle.h"

#define DATA TCET_TEST_DATA "/dataset/"

static char error[700], scratch[512];

static int set_up(void **state)
{
    (void)state;
    snprintf(scratch, sizeof scratch, "%s/test-dataset-files-XXXXXX", TCET_TEST_BUILD);
    return close(mkstemp(scratch));
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(scratch);
}

static size_t slurp(const char *name, unsigned char *out, size_t cap)
{
    char path[600];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, DATA "%s", name);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(out, 1, cap, f);
    fclose(f);
    assert_true(n > 0 && n < cap);
    return n;
}

/* Bytes as the scratch file. */
static const char *spill(const void *bytes, size_t n)
{
    FILE *f = fopen(scratch, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
    return scratch;
}

static void says(const char *word)
{
    if (!strstr(error, word))
        fail_msg("\"%s\" does not say \"%s\"", error, word);
}

/* -- Pictures ------------------------------------------------------------------------------------ */

static const struct picture_rules RGB = {1000000, 3, ALPHA_DROP}, GRAY = {1000000, 1, ALPHA_DROP};

static const unsigned char FIRST[] = {241, 160, 175,
                                      229, 148, 198}; /* rgb.png's pixels; 57 is of the third */

static struct picture picture(const char *name, const struct picture_rules *rules)
{
    struct picture p;
    char path[600];

    snprintf(path, sizeof path, DATA "%s", name);
    if (picture_read(path, rules, &p, error, sizeof error) < 0)
        fail_msg("%s", error);
    assert_int_equal(p.channels, rules->channels);
    return p;
}

/* Every kind of PNG to the bytes that Pillow put in: three channels, one, by alpha, by palette. */
static void test_png(void **state)
{
    static const struct picture_rules black = {100, 3, ALPHA_BLACK}, white = {100, 3, ALPHA_WHITE};
    static const char *const same[] = {"rgb.png", "palette.png", "rgba.png"};
    struct picture p;

    (void)state;
    for (int i = 0; i < 3; i++) {
        p = picture(same[i], &RGB);
        assert_int_equal(p.height, 4);
        assert_int_equal(p.width, 6);
        assert_memory_equal(p.pixels, FIRST, sizeof FIRST);
        assert_int_equal(p.pixels[4 * 6 * 3 - 1], 51);
        picture_free(&p);
    }
    p = picture("gray.png", &RGB);
    assert_memory_equal(p.pixels, ((unsigned char[]){241, 241, 241, 229, 229, 229}), 6);
    picture_free(&p);
    p = picture("gray16.png", &GRAY); /* 256 v + 77 */
    assert_memory_equal(p.pixels, ((unsigned char[]){241, 229, 213, 76}), 4);
    picture_free(&p);
    p = picture("rgb.png", &GRAY); /* (299 241 + 587 160 + 114 175 + 500) / 1000 = 186.4 */
    assert_int_equal(p.pixels[0], 186);
    picture_free(&p);
    p = picture("rgba.png", &black); /* 241 184 / 255 = 173.9; the fourth pixel has alpha 0 */
    assert_int_equal(p.pixels[0], 174);
    assert_int_equal(p.pixels[9] + p.pixels[10] + p.pixels[11], 0);
    picture_free(&p);
    p = picture("rgba.png", &white); /* (241 184 + 255 71) / 255 = 244.9 */
    assert_int_equal(p.pixels[0], 245);
    assert_int_equal(p.pixels[9] + p.pixels[10] + p.pixels[11], 3 * 255);
    picture_free(&p);
}

/* 24 x 40, left (200, 40, 90), right (20, 160, 250); JPEG comes near. */
static void test_jpeg(void **state)
{
    static const char *const names[] = {"rgb.jpg", "progressive.jpg"};
    static const unsigned char left[] = {200, 40, 90}, right[] = {20, 160, 250};
    struct picture p;

    (void)state;
    for (int i = 0; i < 2; i++) {
        p = picture(names[i], &RGB);
        assert_int_equal(p.height, 24);
        assert_int_equal(p.width, 40);
        for (int c = 0; c < 3; c++) {
            assert_true(abs(p.pixels[c] - left[c]) < 5);
            assert_true(abs(p.pixels[39 * 3 + c] - right[c]) < 5);
        }
        picture_free(&p);
    }
    p = picture("gray.jpg", &RGB);
    assert_true(abs(p.pixels[0] - 200) < 5);
    assert_int_equal(p.pixels[0], p.pixels[2]);
    picture_free(&p);
    assert_int_equal(picture_read(DATA "cmyk.jpg", &RGB, &p, error, sizeof error), -1);
    says("cmyk.jpg: a JPEG of four colours");
}

static void refused(const void *bytes, size_t n, const struct picture_rules *rules,
                    const char *word)
{
    struct picture p;

    assert_int_equal(picture_read(spill(bytes, n), rules, &p, error, sizeof error), -1);
    assert_null(p.pixels);
    says(scratch);
    says(word);
}

/* No part of a file is a picture, and a byte that is another one does no harm. */
static void test_damaged_pictures(void **state)
{
    static const char *const names[] = {"rgb.png", "gray16.png", "rgb.jpg", "progressive.jpg"};
    unsigned char bytes[2000];
    struct picture p;

    (void)state;
    for (int i = 0; i < 4; i++) {
        size_t n = slurp(names[i], bytes, sizeof bytes);

        for (size_t cut = 0; cut < n; cut++)
            refused(bytes, cut, &RGB, "");
        for (size_t at = 0; at < n; at++) {
            bytes[at] ^= 0x41;
            picture_read(spill(bytes, n), &RGB, &p, error, sizeof error);
            picture_free(&p);
            bytes[at] ^= 0x41;
        }
    }
    refused("GIF89a", 6, &RGB, "neither PNG nor JPEG");
}

/* The size is looked at before anything is decoded. */
static void test_bombs(void **state)
{
    static const struct picture_rules few = {23, 3, ALPHA_DROP};
    unsigned char bytes[2000];
    size_t n = slurp("rgb.png", bytes, sizeof bytes);
    uLong crc;

    (void)state;
    refused(bytes, n, &few, "4 x 6 pixels; at most 23 (max_pixels)");
    for (int i = 0; i < 2; i++) { /* width and height 60000 */
        memcpy(bytes + 16 + 4 * i, "\0\0\xea\x60", 4);
    }
    crc = crc32(0, bytes + 12, 17);
    for (int i = 0; i < 4; i++)
        bytes[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
    refused(bytes, n, &RGB, "60000 x 60000 pixels");
    n = slurp("rgb.jpg", bytes, sizeof bytes);
    for (size_t i = 0; i + 9 < n; i++) {
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0)
            memcpy(bytes + i + 5, "\xea\x60\xea\x60", 4);
    }
    refused(bytes, n, &RGB, "60000 x 60000 pixels");
}

/* Figures of the formula in picture.h, computed by matrices in another language; Pillow's BILINEAR
 * differs from them by 1 at most, for it rounds between its two passes. */
static void test_fit(void **state)
{
    static unsigned char g[] = {186, 129, 156, 223, 175, 92,  164, 153, 27,  15,  169, 99,
                                153, 82,  57,  38,  97,  208, 102, 97,  147, 250, 100, 151,
                                112, 154, 114, 163, 140, 173, 244, 38,  143, 112, 91};
    static const unsigned char small[] = {141, 112, 132, 116, 145, 133};
    static const unsigned char large[] = {186, 161, 131, 148, 177, 219, 196, 175};
    const struct picture p = {7, 5, 1, g};
    unsigned char out[9 * 8], cut[9 * 8];

    (void)state;
    assert_int_equal(picture_fit(&p, 1, 0, 3, 2, out, error, sizeof error), 0);
    assert_memory_equal(out, small, sizeof small);
    assert_int_equal(picture_fit(&p, 1, 0, 9, 8, out, error, sizeof error), 0);
    assert_memory_equal(out, large, sizeof large);
    assert_int_equal(out[71], 91);
    assert_int_equal(picture_fit(&p, 0, 0, 7, 5, out, error, sizeof error), 0);
    assert_memory_equal(out, g, sizeof g);

    /* to cover 3 x 5 it stays 7 x 5, and rows 2 to 4 are cut out; a side of 5 says the same */
    assert_int_equal(picture_fit(&p, 0, 0, 3, 5, cut, error, sizeof error), 0);
    assert_memory_equal(cut, g + 10, 15);
    assert_int_equal(picture_fit(&p, 0, 5, 3, 3, cut, error, sizeof error), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(cut[i], g[(2 + i / 3) * 5 + 1 + i % 3]);
    assert_int_equal(picture_fit(&p, 0, 5, 6, 6, cut, error, sizeof error), -1);
    says("7 x 5 pixels cannot be made 6 x 6: scaled (resize) it has 7 x 5");
}

/* -- Arrays -------------------------------------------------------------------------------------- */

static void opens(const char *name, const char *member, char kind, int element, int dims)
{
    struct array a;
    char path[600];
    unsigned char bytes[1000];

    snprintf(path, sizeof path, DATA "%s", name);
    if (array_open(path, member, &a, error, sizeof error) < 0)
        fail_msg("%s", error);
    assert_int_equal(a.kind, kind);
    assert_int_equal(a.element, element);
    assert_int_equal(a.dims, dims);
    assert_true(a.bytes <= (int64_t)sizeof bytes);
    assert_int_equal(array_read(&a, 0, a.bytes, bytes), 0);
    if (dims == 4) { /* 2 x 3 x 4 x 5 numbers that count, halves where they are floats */
        double d;
        float f;

        assert_int_equal(a.bytes, 120 * element);
        memcpy(&d, bytes + 8 * 3, sizeof d);
        memcpy(&f, bytes + 4 * 3, sizeof f);
        assert_true(element == 8 ? d == 1.5 : element == 4 ? f == 1.5f : bytes[3] == 3);
    }
    array_close(&a);
}

static void test_arrays(void **state)
{
    struct array a;
    int64_t two[2];

    (void)state;
    opens("nchw.npy", NULL, 'u', 1, 4);
    opens("float32.npy", NULL, 'f', 4, 4);
    opens("float64.npy", "x", 'f', 8, 4);
    opens("labels.npy", NULL, 'i', 8, 1);
    opens("stored.npz", "x", 'u', 1, 4);
    opens("stored.npz", "y.npy", 'u', 1, 1);
    opens("deflated.npz", "y", 'i', 4, 1);
    assert_int_equal(array_open(DATA "deflated.npz", "x", &a, error, sizeof error), 0);
    assert_int_equal(a.shape[3], 3);
    assert_int_equal(array_read(&a, 1, 1, two), 0);
    assert_int_equal(*(unsigned char *)two, 20); /* of pixel 0: 0, 20, 40 */
    array_close(&a);
    a = (struct array){.kind = 'i', .element = 2};
    assert_int_equal(array_whole(&a, "\xff\xff\1\1", 0), -1);
    assert_int_equal(array_whole(&a, "\xff\xff\1\1", 1), 257);
    a = (struct array){.kind = 'u', .element = 8};
    memset(two, 0xff, sizeof two);
    assert_true(array_whole(&a, two, 1) == INT64_MAX);
}

static void no_array(const char *path, const char *member, const char *word)
{
    struct array a;

    assert_int_equal(array_open(path, member, &a, error, sizeof error), -1);
    array_close(&a);
    says(path);
    says(word);
}

/* Every header that numpy would not write, or that asks for something to be evaluated. */
static void test_bad_headers(void **state)
{
    static const struct {
        const char *dict, *word;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", NULL},
        {"{\"shape\": (2,), \"fortran_order\": False, \"descr\": \"<f4\"}", NULL},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", "Fortran's order"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", "big-endian"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "numbers of type \"|O\""},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }", "numbers of type"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "numbers of type"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "not numpy's"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False}", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),)}", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
         "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627775,1099511627775,9)}",
         "more numbers than a file"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", "not numpy's"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "fewer numbers"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "more numbers"},
        {"", "not numpy's"},
        {"{", "not numpy's"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char file[300] = "\x93NUMPY\1\0";
        size_t n = strlen(cases[i].dict);
        struct array a;

        file[8] = (unsigned char)n;
        memcpy(file + 10, cases[i].dict, n);
        spill(file, 10 + n + 8); /* two float32 */
        if (cases[i].word) {
            no_array(scratch, NULL, cases[i].word);
            continue;
        }
        if (array_open(scratch, NULL, &a, error, sizeof error) < 0)
            fail_msg("%s: %s", cases[i].dict, error);
        assert_int_equal(a.bytes, 8);
        array_close(&a);
    }
}

/* No part of a file is an array, and a byte that is another one does no harm. */
static void test_damaged_arrays(void **state)
{
    static const char *const names[] = {"nchw.npy", "stored.npz", "deflated.npz"};
    unsigned char bytes[2000], numbers[1000];
    struct array a;

    (void)state;
    no_array(DATA "big_endian.npy", NULL, "newbyteorder");
    no_array(DATA "fortran.npy", NULL, "ascontiguousarray");
    no_array(DATA "stored.npz", "z", "holds no array \"z\"; it has: x, y");
    no_array(DATA "stored.npz", "", "which of its arrays");
    for (int i = 0; i < 3; i++) {
        size_t n = slurp(names[i], bytes, sizeof bytes);

        for (size_t cut = 0; cut < n; cut++)
            no_array(spill(bytes, cut), "x", "");
        for (size_t at = 0; at < n; at++) {
            bytes[at] ^= 0x41;
            if (array_open(spill(bytes, n), "x", &a, error, sizeof error) == 0)
                array_read(&a, 0, a.bytes < 1000 ? a.bytes : 1000, numbers);
            array_close(&a);
            bytes[at] ^= 0x41;
        }
    }
}

/* A directory that promises 4 GiB of some hundred bytes, and one that promises less than there is. */
static void test_zip_bombs(void **state)
{
    unsigned char bytes[2000];
    size_t n = slurp("deflated.npz", bytes, sizeof bytes), entry = 0;

    (void)state;
    while (memcmp(bytes + entry, "PK\1\2", 4) != 0)
        entry++;
    memcpy(bytes + entry + 24, "\0\0\0\xf0", 4);
    no_array(spill(bytes, n), "x", "larger than its deflated bytes can give");
    memcpy(bytes + entry + 24, "\x90\0\0\0", 4);
    no_array(spill(bytes, n), "x", "damaged, or not as large");
}

/* -- Pickles ------------------------------------------------------------------------------------- */

static const char *const LABELS[PICKLE_LISTS] = {"labels"};

/* What Python 2 (by hand) and Python 3's protocols 3 and 4 make of one dict. */
static void test_pickles(void **state)
{
    static const char *const names[] = {"python2.pickle", "protocol3.pickle", "protocol4.pickle",
                                        "int64.pickle",   "int32.pickle",     "uint8.pickle"};
    static const int32_t labels[] = {3, 0, 1, 300}, small[] = {3, 0, 1, 200};
    unsigned char bytes[2000];
    struct pickle p;

    (void)state;
    for (int i = 0; i < 6; i++) {
        size_t n = slurp(names[i], bytes, sizeof bytes);

        if (pickle_read(bytes, n, LABELS, &p, error, sizeof error) < 0)
            fail_msg("%s: %s", names[i], error);
        assert_int_equal(p.rows, 4);
        assert_int_equal(p.columns, 12);
        for (int k = 0; k < 48; k++)
            assert_int_equal(bytes[p.at + (size_t)k], k);
        assert_memory_equal(p.labels[0], i == 5 ? small : labels, sizeof labels);
        assert_null(p.labels[1]);
        pickle_free(&p);
    }
}

static void no_pickle(const void *bytes, size_t n, const char *word)
{
    struct pickle p;

    error[0] = '\0';
    assert_int_equal(pickle_read(bytes, n, LABELS, &p, error, sizeof error), -1);
    pickle_free(&p);
    says(word);
    assert_true(error[0]);
}

/* Nothing is called, whatever a pickle names; opcodes that no official file has are refused. */
static void test_bad_pickles(void **state)
{
#define P(text) "\x80\2" text, sizeof("\x80\2" text) - 1
    static const char *const names[] = {"python2.pickle", "protocol3.pickle", "protocol4.pickle",
                                        "int64.pickle"};
    unsigned char bytes[2000];
    struct pickle p;

    (void)state;
    no_pickle(bytes, slurp("turned.pickle", bytes, sizeof bytes), "most significant byte");
    no_pickle(bytes, slurp("square.pickle", bytes, sizeof bytes),
              "holds no list \"labels\", or array");
    no_pickle(bytes, slurp("below.pickle", bytes, sizeof bytes), "\"labels\": label 1 is none");
    no_pickle(bytes, slurp("evil.pickle", bytes, sizeof bytes), "posix.system");
    says("nothing was run");
    no_pickle(P("cos\nsystem\n(U\4true\x85R."), "names os.system");
    no_pickle(P("cnumpy\nload\n."), "names numpy.load");
    no_pickle(P("(I1\nU\1ai__main__\nx\n."), "opcode 0x49");
    no_pickle(P("(cnumpy\ndtype\no."), "opcode 0x6f"); /* OBJ */
    no_pickle(P("Pfile\n."), "opcode 0x50");           /* PERSID */
    no_pickle(P("\x82\1."), "opcode 0x82");            /* EXT1 */
    no_pickle(P("cnumpy\nndarray\nU\1a\x85R."), "calls something else");
    no_pickle(P("K\1\x85U\1a\x85R."), "calls something else");
    no_pickle(P("}U\1aU\1b\x85"
                "b."),
              "gives a state to something else");
    no_pickle(P("K\1."), "no dict");
    no_pickle(P("}}."), "no dict");
    no_pickle(P("}"), "has no end");
    no_pickle(P("}."), "no array \"data\"");
    no_pickle(P("}e."), "above a mark that is not there");
    no_pickle(P("}(U\1au."), "a key without a value");
    no_pickle(P("](u."), "no dict");
    no_pickle(P("}(a."), "appends to what is no list");
    no_pickle(P("]((ee."), "appends to what is no list");
    no_pickle(P("h\7."), "not remembered");
    no_pickle(P("q\1."), "remembers what is not there");
    no_pickle(P("}r\xff\xff\xff\x7f."), "holds more than");
    no_pickle(P("T\xff\xff\xff\xff."), "ends within a text");
    no_pickle(P("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "ends within a text");
    no_pickle(P("R."), "takes what is not there");
    no_pickle(P("b."), "takes what is not there");
    no_pickle(P("\x87."), "takes what is not there");
    no_pickle(P("\x93."), "takes what is not there");
    for (int i = 0; i < 4; i++) {
        size_t n = slurp(names[i], bytes, sizeof bytes);

        for (size_t cut = 0; cut < n; cut++)
            no_pickle(bytes, cut, "");
        for (size_t at = 0; at < n; at++) {
            bytes[at] ^= 0x41;
            if (pickle_read(bytes, n, LABELS, &p, error, sizeof error) == 0)
                assert_true(p.at + (size_t)(p.rows * p.columns) <= n);
            pickle_free(&p);
            bytes[at] ^= 0x41;
        }
    }
    memset(bytes, '(', sizeof bytes);
    memcpy(bytes, "\x80\2", 2);
    no_pickle(bytes, sizeof bytes, "no end");
#undef P
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),         cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_fit),         cmocka_unit_test(test_damaged_pictures),
        cmocka_unit_test(test_bombs),       cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_damaged_arrays),
        cmocka_unit_test(test_zip_bombs),   cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_bad_pickles),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
