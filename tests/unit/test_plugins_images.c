/* test_plugins_images.c -- images, npy, raw, and the published pickles through the plugins: which image
 * has which label and number, what training reads, what is the same set, and what is refused. */
#include <sys/stat.h>
#include <unistd.h>

#include "fake_host.h"

#define DATA TCET_TEST_DATA "/dataset/"

static char folder[512];

static const tcet_dataset_ops *ops(struct fake_plugin f)
{
    return f.ops;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/test-images-XXXXXX", TCET_TEST_BUILD);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[600];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Bytes as folder/name; folders on the way are made. */
static void put(const char *name, const void *bytes, size_t n)
{
    char path[1200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A file of tests/data/dataset, as folder/name. */
static void copy(const char *from, const char *name)
{
    unsigned char bytes[3000];
    char path[600];
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, DATA "%s", from);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    put(name, bytes, n);
}

/* settings: %s is the folder. */
static struct fake_plugin opened(const char *file, const char *id, const char *settings,
                                 tcet_status status)
{
    char text[1200];
    struct fake_plugin f;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, settings, folder, folder);
#pragma GCC diagnostic pop
    f = fake_new(file, id, text);
    if (ops(f)->open(fake_begin(), f.self) != status)
        fail_msg("%s: \"%s\"", text, fake.message);
    return f;
}

static void refuses(const char *file, const char *id, const char *settings, const char *word)
{
    struct fake_plugin f = opened(file, id, settings, TCET_E_ARG);

    if (!strstr(fake.message, word))
        fail_msg("\"%s\" does not say \"%s\"", fake.message, word);
    fake_free(f);
}

static tcet_data_request request(int32_t channels, int32_t h, int32_t w, int64_t batch)
{
    return (tcet_data_request){.struct_size = sizeof(tcet_data_request),
                               .channels = channels,
                               .height = h,
                               .width = w,
                               .batch = batch,
                               .batches = 1};
}

static void identity(struct fake_plugin f, char out[256])
{
    tcet_data_info info = {.struct_size = sizeof info};

    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_null(strstr(info.identity, "/"));
    memcpy(out, info.identity, 256);
}

/* Classes b, a (sorted: a, b): a holds rgb, gray; b rgba; other names are left alone. */
static void make_set(const char *root)
{
    char name[100];

    snprintf(name, sizeof name, "%s/b/rgba.PNG", root);
    copy("rgba.png", name);
    snprintf(name, sizeof name, "%s/a/2.png", root);
    copy("gray.png", name);
    snprintf(name, sizeof name, "%s/a/1.png", root);
    copy("rgb.png", name);
    snprintf(name, sizeof name, "%s/a/notes.txt", root);
    put(name, "x", 1);
    snprintf(name, sizeof name, "%s/.hidden/1.png", root);
    put(name, "x", 1);
}

/* The order is that of the generator (here: backwards) over 1.png, rgba.PNG, 2.png: the first of each
 * class, then the second. */
static void test_images(void **state)
{
    struct fake_plugin f;
    tcet_data_request r = request(3, 4, 6, 3);
    static float x[3 * 72], four[3 * 72];
    char one[256], two[256];
    int64_t y[3];

    (void)state;
    make_set("set");
    f = opened("dataset_images", "images", "path=%s/set mean=0 std=1", TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0] * 100 + y[1] * 10 + y[2], 10); /* 2.png, rgba.PNG, 1.png: a, b, a */
    assert_true(x[0] == 241 / 255.0f && x[24] == 241 / 255.0f); /* gray, three times */
    assert_true(x[2 * 72] == 241 / 255.0f && x[2 * 72 + 24] == 160 / 255.0f);
    identity(f, one);
    assert_non_null(strstr(one, "images classes=2 n=3 "));
    r = request(1, 4, 6, 3);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "1 channels, these have 3"));
    assert_non_null(strstr(fake.message, "colour = gray makes one"));
    r = request(20, 4, 6, 3);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "20 channels, these have 3"));
    assert_null(strstr(fake.message, "colour")); /* which would not help */
    r = request(3, 4, 6, 4);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "needs 4 images"));
    r = request(3, 4, 6, 1);
    r.classes = 1;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "labels 0 to 1"));
    fake_free(f);

    /* any size, by any number of threads; elsewhere it is the same set */
    make_set("again");
    f = opened("dataset_images", "images", "path=%s/again threads=1", TCET_OK);
    identity(f, two);
    assert_string_equal(one, two);
    r = request(3, 2, 9, 3);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    fake_free(f);
    f = opened("dataset_images", "images", "path=%s/again threads=4", TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, four, y), TCET_OK);
    assert_memory_equal(x, four, 3 * 54 * sizeof *x);
    fake_free(f);
    copy("palette.png", "again/a/1.png"); /* the same pixels in another file */
    f = opened("dataset_images", "images", "path=%s/again", TCET_OK);
    identity(f, two);
    assert_string_not_equal(one, two);
    fake_free(f);
}

/* train and val are the splits; bytes as they are; a class that only val has is refused. */
static void test_splits(void **state)
{
    struct fake_plugin f;
    tcet_data_splits s = {.struct_size = sizeof s};
    tcet_read_request r = {.struct_size = sizeof r, .n = 3};
    const int64_t some[] = {2, 0};
    static uint8_t x[3 * 72];
    int64_t y[3];

    (void)state;
    make_set("both/train");
    copy("gray.png", "both/val/b/1.png");
    f = opened("dataset_images", "images", "path=%s/both", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TRAIN] * 10 + s.count[TCET_SPLIT_TEST], 31);
    assert_int_equal(s.height * 10 + s.width, 46);
    assert_int_equal(s.classes, 2);
    assert_true(s.mean[0] == 0.485f && s.std[2] == 0.225f);
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0] * 100 + y[1] * 10 + y[2], 10);
    assert_int_equal(x[0], 241);
    assert_int_equal(x[24], 160);
    r.n = 2;
    r.indices = some;
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(x[24], 241); /* 2.png, gray */
    assert_int_equal(x[72 + 24], 160);
    r = (tcet_read_request){.struct_size = sizeof r, .n = 1, .split = TCET_SPLIT_TEST};
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 1);
    fake_free(f);

    copy("gray.png", "both/val/c/1.png");
    f = opened("dataset_images", "images", "path=%s/both", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "both/val/c: a class that"));
    fake_free(f);
    f = opened("dataset_images", "images", "path=%s/both/train", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TEST], 0);
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "no test images; put them into folders train and val"));
    fake_free(f);
}

/* Mean and deviation that are computed: one red picture of halves 200 and 20, as JPEG has them. */
static void test_computed(void **state)
{
    struct fake_plugin f;
    tcet_data_splits s = {.struct_size = sizeof s};

    (void)state;
    copy("rgb.jpg", "halves/a/1.jpg");
    copy("rgb.jpg", "halves/b/1.jpg");
    f = opened("dataset_images", "images", "path=%s/halves mean=computed std=computed", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_true(fabsf(s.mean[0] - 110 / 255.0f) < 0.01f && fabsf(s.std[0] - 90 / 255.0f) < 0.01f);
    assert_true(fabsf(s.mean[1] - 100 / 255.0f) < 0.01f && fabsf(s.std[2] - 80 / 255.0f) < 0.01f);
    fake_free(f);
    refuses("dataset_images", "images", "path=%s/halves mean=computed",
            "computed both, or neither");
    refuses("dataset_images", "images", "path=%s/halves std=0", "want 3 numbers above 0");
    refuses("dataset_images", "images", "path=%s/halves mean=1,2",
            "has 2 numbers, want one for each of 3");
    refuses("dataset_images", "images", "path=%s/halves mean=1,nan,2", "want 3 numbers");
}

/* A file that cannot be decoded is named, or left out and counted. */
static void test_broken(void **state)
{
    struct fake_plugin f;
    tcet_data_request r = request(3, 4, 4, 3);
    tcet_data_info info = {.struct_size = sizeof info};
    static float x[4 * 48];
    int64_t y[4];

    (void)state;
    make_set("bad");
    put("bad/b/zero.jpg", "\xff\xd8\xff\xe0 no more", 12);
    f = opened("dataset_images", "images", "path=%s/bad", TCET_OK);
    r.batch = 4;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "bad/b/zero.jpg: "));
    assert_non_null(strstr(fake.message, "; [data] broken = skip leaves such files out"));
    fake_free(f);
    f = opened("dataset_images", "images", "path=%s/bad broken=skip", TCET_OK);
    assert_non_null(strstr(fake.logged, "1 of 4 files cannot be decoded"));
    assert_non_null(strstr(fake.logged, "b/zero.jpg"));
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.count, 3);
    r.batch = 3;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0] * 100 + y[1] * 10 + y[2], 10);
    fake_free(f);
    refuses("dataset_images", "images", "path=%s/bad max_pixels=23", "at most 23 (max_pixels)");
    refuses("dataset_images", "images", "path=%s/bad max_pixels=23 broken=skip",
            "no file can be decoded");
    refuses("dataset_images", "images", "", "set path to a folder");
    put("none/a/notes.txt", "x", 1);
    refuses("dataset_images", "images", "path=%s/none", "none/a: holds no .png, .jpg or .jpeg");
    refuses("dataset_images", "images", "path=%s/none/a", "has 0 sub-folders");
    f = opened("dataset_images", "images", "path=%s/nowhere", TCET_E_IO);
    assert_non_null(strstr(fake.message, "nowhere: No such file"));
    fake_free(f);
}

/* broken = skip is the folder without the file: its order, its checksum and its numbers, wherever the file
 * stood among the classes. */
static void test_broken_order(void **state)
{
    static const char *const names[] = {"a/0.png", "a/1.png", "a/2.png",
                                        "b/3.jpg", "b/4.jpg", "b/5.jpg"};
    static const char *const from[] = {"rgb.png", "gray.png", "rgba.png",
                                       "rgb.jpg", "gray.jpg", "palette.png"};
    tcet_data_request r = request(3, 4, 4, 5);
    static float x[2][5 * 48];
    int64_t y[2][5];

    (void)state;
    for (int k = 0; k < 6; k++) {
        char settings[2][100], name[100], without[256], skipped[256];

        for (int side = 0; side < 2;
             side++) { /* a folder without file k, and one where it is cut */
            snprintf(settings[side], sizeof settings[side], "path=%%s/turn%d%d broken=%s", k, side,
                     side ? "skip" : "error");
            for (int i = 0; i < 6; i++) {
                snprintf(name, sizeof name, "turn%d%d/%s", k, side, names[i]);
                if (i != k)
                    copy(from[i], name);
                else if (side)
                    put(name, "\x89PNG", 4);
            }
        }
        for (int side = 0; side < 2; side++) {
            struct fake_plugin f = opened("dataset_images", "images", settings[side], TCET_OK);

            identity(f, side ? skipped : without);
            assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x[side], y[side]), TCET_OK);
            fake_free(f);
        }
        assert_string_equal(skipped, without);
        assert_memory_equal(y[0], y[1], sizeof y[0]);
        assert_memory_equal(x[0], x[1], sizeof x[0]);
    }
}

/* numpy's two images, whichever file they are in: 3 x 4 x 5 numbers that count. */
static void test_npy(void **state)
{
    static const char *const settings[] = {"path=" DATA "nchw.npy labels=" DATA "labels.npy",
                                           "path=" DATA "stored.npz", "path=" DATA "deflated.npz",
                                           "path=" DATA "float64.npy labels=" DATA "labels.npy",
                                           "path=" DATA "float32.npy labels=" DATA "labels.npy"};
    tcet_data_request r = request(3, 4, 5, 2);
    tcet_data_splits s = {.struct_size = sizeof s};
    tcet_read_request read = {.struct_size = sizeof read, .n = 1, .split = TCET_SPLIT_TEST};
    float x[120];
    uint8_t bytes[60];
    int64_t y[2];
    struct fake_plugin f;

    (void)state;
    for (int i = 0; i < 5; i++) {
        f = opened("dataset_arrays", "npy", settings[i], TCET_OK);
        assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
        assert_int_equal(y[0], 0); /* backwards: image 1, then 0 */
        assert_int_equal(y[1], 1);
        for (int k = 0; k < 120; k++) {
            int number = k < 60 ? 60 + k : k - 60;

            assert_true(x[k] == (i > 2 ? (float)number / 2 : (float)number / 255.0f));
        }
        if (i > 2) {
            assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_E_UNSUPPORTED);
            assert_non_null(strstr(fake.message, "float images, training reads bytes"));
        }
        fake_free(f);
    }
    f = opened("dataset_arrays", "npy",
               "path=" DATA "deflated.npz x_test=x_test y_test=y_test mean=1,2,3 std=0.5", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[0] * 10 + s.count[1], 21);
    assert_true(s.mean[1] == 2 && s.std[1] == 0.5f && s.std[2] == 0.5f);
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &read, bytes, y), TCET_OK);
    assert_int_equal(bytes[59] * 10 + y[0], 591);
    fake_free(f);
#define REFUSES(settings, word) refuses("dataset_arrays", "npy", settings, word)
    REFUSES("path=" DATA "nchw.npy", "set labels to a file of labels; or classes");
    REFUSES("path=" DATA "nchw.npy labels=" DATA "nchw.npy", "labels are no integers [2]");
    REFUSES("path=" DATA "labels.npy", "images are uint8, float32 or float64");
    REFUSES("path=" DATA "stored.npz classes=1", "image 0: label 1, want 0 to 0");
    REFUSES("path=" DATA "stored.npz first_label=1", "image 1: label 0, want 1");
    REFUSES("path=" DATA "nchw.npy layout=ncl classes=2",
            "layout = ncl is of arrays of 3 dimensions");
    REFUSES("path=" DATA "nchw.npy shape=3x4x5 classes=2", "this has 4: leave shape out");
    REFUSES("path=" DATA "stored.npz x=y", "an array of 1 dimensions; want [n, c, h, w]");
    REFUSES("path=" DATA "none.npy", "No such file");
    REFUSES("", "set path to a .npy or .npz file");
#undef REFUSES
}

/* An array of numpy, as folder/name. */
static void put_array(const char *name, const char *type, const char *shape, const void *numbers,
                      size_t bytes)
{
    enum { HEAD = 128 };
    char file[4096] = "\x93NUMPY\x01";
    int n = snprintf(file + 10, HEAD - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);

    assert_true(HEAD + bytes <= sizeof file);
    memset(file + 10 + n, ' ', (size_t)(HEAD - 10 - n));
    file[8] = HEAD - 10;
    file[HEAD - 1] = '\n';
    memcpy(file + HEAD, numbers, bytes);
    put(name, file, HEAD + bytes);
}

/* Targets of a kind, of the two images backwards, as test_npy's; labels their places of the largest. */
static void expect_targets(const char *settings, uint32_t kinds, uint32_t kind, tcet_data_request r,
                           const float *want, int64_t count, const int64_t *labels)
{
    struct fake_plugin f = opened("dataset_arrays", "npy", settings, TCET_OK);
    tcet_data_info info = {.struct_size = sizeof info};
    tcet_data_splits splits = {.struct_size = sizeof splits};
    float x[120], t[64];
    int64_t y[2];

    r.target = kind;
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.targets, kinds);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_memory_equal(y, labels, sizeof y);
    assert_int_equal(ops(f)->targets(fake_begin(), f.self, &r, t), TCET_OK);
    for (int64_t k = 0; k < count; k++)
        if (t[k] != want[k])
            fail_msg("%s: target %ld is %g, want %g", settings, (long)k, (double)t[k],
                     (double)want[k]);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &splits), TCET_E_UNSUPPORTED);
    fake_free(f);
}

/* y that is more than a label: which kinds of targets it is, whose they are, what is refused, and that
 * training does not take its places of the largest for labels. */
static void test_npy_targets(void **state)
{
    static const float shares[] = {.25f, .75f, 0, .5f, .125f, .375f};
    static const float back[] = {.5f, .125f, .375f, .25f, .75f, 0};
    static const double numbers[] = {-1, 3, 2, .5};
    static const int64_t zero_one[] = {0, 1}, none[] = {0, 0};
    const uint32_t of_numbers = TCET_TARGET_BIT(TCET_TARGET_NUMBERS);
    uint8_t pixels[2 * 4 * 5];
    float map[2 * 2 * 4 * 5], want[40];
    tcet_data_request r = request(3, 4, 5, 2);
    struct fake_plugin f;
    char first[256], second[256];

    (void)state;
    put_array("shares.npy", "<f4", "2, 3", shares, sizeof shares);
    expect_targets("path=" DATA "nchw.npy labels=%s/shares.npy",
                   of_numbers | TCET_TARGET_BIT(TCET_TARGET_SHARES), TCET_TARGET_SHARES, r, back, 6,
                   zero_one);
    put_array("numbers.npy", "<f8", "2, 2", numbers, sizeof numbers);
    expect_targets("path=" DATA "nchw.npy labels=%s/numbers.npy", of_numbers, TCET_TARGET_NUMBERS,
                   r, (const float[]){2, .5f, -1, 3}, 4, zero_one);
    for (int k = 0; k < 40; k++)
        pixels[k] = (uint8_t)(1 + k % 17);
    for (int k = 0; k < 40; k++)
        want[k] = (float)(pixels[(k + 20) % 40] - 1);
    put_array("pixels.npy", "|u1", "2, 4, 5", pixels, sizeof pixels);
    expect_targets("path=" DATA "nchw.npy labels=%s/pixels.npy first_label=1",
                   TCET_TARGET_BIT(TCET_TARGET_PIXELS), TCET_TARGET_PIXELS, r, want, 40, none);
    /* at half the size the middle of each box, and of a map its mean */
    r = request(3, 2, 1, 2);
    for (int k = 0; k < 4; k++)
        want[k] = (float)(pixels[(k / 2 ? 0 : 20) + (k % 2 * 2 + 1) * 5 + 2] - 1);
    expect_targets("path=" DATA "nchw.npy labels=%s/pixels.npy first_label=1",
                   TCET_TARGET_BIT(TCET_TARGET_PIXELS), TCET_TARGET_PIXELS, r, want, 4, none);
    for (int k = 0; k < 80; k++)
        map[k] = (float)k;
    put_array("map.npy", "<f4", "2, 2, 4, 5", map, sizeof map);
    for (int k = 0; k < 8; k++)
        want[k] = (float)(k / 4 ? 0 : 40) + (float)(k % 4 * 10) + 4.5f;
    expect_targets("path=" DATA "nchw.npy labels=%s/map.npy", TCET_TARGET_BIT(TCET_TARGET_MAP),
                   TCET_TARGET_MAP, r, want, 8, none);
    /* the same images with other targets are another set */
    f = opened("dataset_arrays", "npy", "path=" DATA "nchw.npy labels=%s/shares.npy", TCET_OK);
    identity(f, first);
    r.target = TCET_TARGET_MAP;
    assert_int_equal(ops(f)->targets(fake_begin(), f.self, &r, want), TCET_E_UNSUPPORTED);
    r.target = TCET_TARGET_NUMBERS;
    r.classes = 4;
    assert_int_equal(ops(f)->targets(fake_begin(), f.self, &r, want), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "4 outputs"));
    fake_free(f);
    put_array("other.npy", "<f4", "2, 3", back, sizeof back);
    f = opened("dataset_arrays", "npy", "path=" DATA "nchw.npy labels=%s/other.npy", TCET_OK);
    identity(f, second);
    assert_string_not_equal(first, second);
    fake_free(f);
#define REFUSES(settings, word) refuses("dataset_arrays", "npy", settings, word)
    put_array("nan.npy", "<f4", "2, 3", (const float[]){0, 1, 2, 3, NAN, 5}, 24);
    REFUSES("path=" DATA "nchw.npy labels=%s/nan.npy", "target 1: number 1 is nan");
    REFUSES("path=" DATA "nchw.npy labels=%s/pixels.npy classes=16 first_label=1", "is 16 (first");
    put_array("flat.npy", "<f4", "2, 3, 1", shares, sizeof shares);
    REFUSES("path=" DATA "nchw.npy labels=%s/flat.npy", "floats [n, k] or [n, c, 4, 5]");
#undef REFUSES
}

/* Puzzles: tile n is the cell that the permutation says, moved within it at random; the class is the
 * permutation's number.  What they cannot be cut of is refused. */
static void test_puzzles(void **state)
{
    enum { SIDE = 15, TILE = 4, CELL = 5, N = 9 * TILE * TILE };
    static const int64_t orders[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    unsigned char pixels[SIDE * SIDE];
    tcet_data_request r = request(9, TILE, TILE, 1);
    tcet_data_info info = {.struct_size = sizeof info};
    tcet_data_splits splits = {.struct_size = sizeof splits};
    struct fake_plugin f;
    char first[256], second[256];
    float x[2 * N];
    int64_t y[2];

    (void)state;
    for (int k = 0; k < SIDE * SIDE; k++)
        pixels[k] = (unsigned char)k;
    put_array("board.npy", "|u1", "1, 15, 15", pixels, sizeof pixels);
    put_array("orders.npy", "<i8", "2, 9", orders, sizeof orders);
    f = opened("dataset_arrays", "npy", "path=%s/board.npy jigsaw=1 permutations=%s/orders.npy",
               TCET_OK);
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.channels * 10 + info.classes, 92);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 0);
    for (int k = 0; k < N; k++) { /* moves come after the class: 1 0 1 0 ... of two */
        int n = k / (TILE * TILE), row = n / 3 * CELL + 1 + k / TILE % TILE;

        assert_true(x[k] == (float)pixels[row * SIDE + n % 3 * CELL + k % TILE] / 255.0f);
    }
    r.classes = 3;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "3 classes, and there are 2 permutations"));
    r.classes = 0;
    r.height = r.width = 3; /* cells of 3, whose image of 9 x 9 does not divide 15 */
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "cut from images of 9 x 9"));
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &splits), TCET_E_UNSUPPORTED);
    identity(f, first);
    fake_free(f);
    put_array("turned.npy", "<i8", "1, 9", orders + 9, 72);
    f = opened("dataset_arrays", "npy", "path=%s/board.npy jigsaw=1 permutations=%s/turned.npy",
               TCET_OK);
    identity(f, second);
    assert_string_not_equal(first, second);
    r = request(9, TILE, TILE, 1);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_true(x[0] == (float)pixels[11 * SIDE + 10] / 255.0f ||
                x[0] == (float)pixels[10 * SIDE + 11] / 255.0f);
    fake_free(f);
#define REFUSES(settings, word) refuses("dataset_arrays", "npy", settings, word)
    put_array("worse.npy", "<i8", "1, 9", orders + 4, 72);
    REFUSES("path=%s/board.npy jigsaw=1 permutations=%s/worse.npy", "row 0 is no permutation");
    REFUSES("path=%s/board.npy jigsaw=1 permutations=%s/board.npy", "are integers [n, 9]");
#undef REFUSES
}

/* Signals [n, c, length]: channels of one row. */
static void test_signals(void **state)
{
    enum { N = 4, C = 6, L = 5 };
    static float numbers[N * C * L];
    static const int64_t labels[N] = {0, 1, 0, 2};
    tcet_data_request r = request(C, 1, L, N);
    tcet_data_splits s = {.struct_size = sizeof s};
    tcet_data_info info = {.struct_size = sizeof info};
    static float x[N * C * L], again[N * C * L];
    int64_t y[N];
    struct fake_plugin f;

    (void)state;
    for (int i = 0; i < N * C * L; i++)
        numbers[i] = (float)(i % 7 * i);
    put_array("y.npy", "<i8", "4,", labels, sizeof labels);
    put_array("ncl.npy", "<f4", "4, 6, 5", numbers, sizeof numbers);
    put_array("flat.npy", "<f4", "4, 2, 1", (float[]){1, 5, 2, 5, 3, 5, 4, 5}, 8 * sizeof(float));
    f = opened("dataset_arrays", "npy", "path=%s/ncl.npy labels=%s/y.npy layout=ncl", TCET_OK);
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.channels * 100 + info.height * 10 + info.width, 615);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < N; i++) { /* backwards */
        assert_int_equal(y[i], labels[N - 1 - i]);
        assert_memory_equal(x + i * C * L, numbers + (N - 1 - i) * C * L, C * L * sizeof *x);
    }
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_E_UNSUPPORTED);
    assert_non_null(strstr(fake.message, "images of 6 channels; training reads those of 1 to 4"));
    fake_free(f);

    /* Without a layout it is what the network takes, and of itself [n, h, w], in whichever order asked. */
    f = opened("dataset_arrays", "npy", "path=%s/ncl.npy labels=%s/y.npy", TCET_OK);
    for (int turn = 0; turn < 2; turn++) {
        r = request(C, 1, L, N);
        assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_OK);
        assert_memory_equal(x, again, sizeof x);
        r = request(1, C, L, N);
        assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_OK);
        assert_memory_equal(x, again, sizeof x);
        assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
        assert_int_equal(info.channels * 100 + info.height * 10 + info.width, 165);
    }
    r = request(1, 1, L, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "set layout to nhw (the mean of the rows), or to ncl"));
    r = request(L, 1, C, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_E_ARG);
    assert_non_null(
        strstr(fake.message, "5 channels, these have 1; an array [n, 6, 5] is [n, h, w]"));
    fake_free(f);
    f = opened("dataset_arrays", "npy", "path=%s/ncl.npy labels=%s/y.npy layout=nhw", TCET_OK);
    r = request(1, 1, L, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_OK);
    r = request(C, 1, L, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_E_ARG);
    fake_free(f);
    refuses("dataset_arrays", "npy", "path=%s/ncl.npy labels=%s/y.npy layout=nchw",
            "this has 3: leave layout out, or set it to nhw or ncl");
    refuses("dataset_arrays", "npy", "path=%s/ncl.npy labels=%s/y.npy shape=6x1x5",
            "this has 3: leave shape out");

    /* A channel of equal numbers has no deviation: refused each time, and other networks go on. */
    f = opened("dataset_arrays", "npy",
               "path=%s/flat.npy labels=%s/y.npy mean=computed std=computed", TCET_OK);
    for (int turn = 0; turn < 2; turn++) {
        r = request(2, 1, 1, N);
        assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_E_ARG);
        assert_non_null(strstr(fake.message, "channel 1 has the same value everywhere"));
    }
    r = request(1, 2, 1, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, again, y), TCET_OK);
    assert_true(isfinite(again[0]));
    fake_free(f);
}

/* Features [n, c], each a channel of one pixel; with a shape the rows are images as ever. */
static void test_features(void **state)
{
    enum { N = 4, C = 30 };
    static float numbers[N * C], x[N * C];
    static const int64_t labels[N] = {0, 1, 0, 2};
    tcet_data_request r = request(C, 1, 1, N);
    int64_t y[N];
    struct fake_plugin f;

    (void)state;
    for (int i = 0; i < N * C; i++)
        numbers[i] = (float)(i % 7 * i);
    put_array("y.npy", "<i8", "4,", labels, sizeof labels);
    put_array("rows.npy", "<f4", "4, 30", numbers, sizeof numbers);
    f = opened("dataset_arrays", "npy", "path=%s/rows.npy labels=%s/y.npy mean=1 std=2", TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < N * C; i++) /* backwards */
        assert_true(x[i] == (numbers[(N - 1 - i / C) * C + i % C] - 1) / 2);
    r = request(3, 2, 5, N);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "these have 30; of images as rows"));
    fake_free(f);
    f = opened("dataset_arrays", "npy", "path=%s/rows.npy labels=%s/y.npy shape=3x2x5", TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    fake_free(f);
    refuses("dataset_arrays", "npy", "path=%s/rows.npy labels=%s/y.npy layout=ncl",
            "layout = ncl is of arrays of 3 dimensions, this has 2");
}

/* Means and deviations of many channels: computed, or one number for all, or one each. */
static void test_many_channels(void **state)
{
    enum { N = 3, C = 300 };
    static float numbers[N * C], x[N * C];
    static const int64_t labels[N] = {0, 1, 2};
    tcet_data_request r = request(C, 1, 1, N);
    int64_t y[N];
    struct fake_plugin f;

    (void)state;
    for (int i = 0; i < N * C; i++)
        numbers[i] = (float)(i / C * (1 + i % C)); /* of feature c: 0, c + 1, 2 (c + 1) */
    put_array("y3.npy", "<i8", "3,", labels, sizeof labels);
    put_array("many.npy", "<f4", "3, 300", numbers, sizeof numbers);
    f = opened("dataset_arrays", "npy",
               "path=%s/many.npy labels=%s/y3.npy mean=computed std=computed", TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < N * C; i++)
        assert_true(fabsf(x[i] - (float)(1 - i / C) * sqrtf(1.5f)) < 1e-5f);
    r.classes = 2;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "has labels 0 to 2; score networks of 3 classes"));
    assert_null(strstr(fake.message, "first_label"));
    fake_free(f);
    put("many.bin", numbers, sizeof numbers);
    put("many.txt", "1 2 3", 5);
    f = opened("dataset_arrays", "raw", "path=%s/many.bin labels=%s/many.txt shape=300x1x1",
               TCET_OK);
    r.classes = 3;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "has labels 1 to 3;"));
    assert_non_null(strstr(fake.message, "set first_label = 1"));
    r.classes = 0;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < C; i++)
        assert_true(x[i] == numbers[2 * C + i]);
    fake_free(f);
    refuses("dataset_arrays", "npy", "path=%s/many.npy labels=%s/y3.npy mean=1,2",
            "has 2 numbers, want one for each of 300 channels, or one");
}

/* Numbers without a header, labels in a text; one channel may become three. */
static void test_raw(void **state)
{
    static const float numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, INFINITY};
    tcet_data_request r = request(3, 2, 2, 3);
    float x[36];
    int64_t y[3];
    struct fake_plugin f;

    (void)state;
    put("raw.bin", numbers, sizeof numbers);
    put("raw.txt", "7\n 5\r\n6 \n", 9);
    put("short.txt", "7 5", 3);
    put("long.txt", "7 5 6 7", 7);
    put("words.txt", "7 five 6", 8);
    f = opened("dataset_arrays", "raw",
               "path=%s/raw.bin labels=%s/raw.txt shape=1x2x2 gray=three first_label=5", TCET_OK);
    r.batch = 3;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "raw.bin: image 2: number 3 is inf"));
    fake_free(f);
    put("raw.bin", numbers, 8 * sizeof *numbers);
    f = opened("dataset_arrays", "raw",
               "path=%s/raw.bin shape=1x2x2 gray=three classes=3 mean=1 std=2", TCET_OK);
    r.batch = 2;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0] * 10 + y[1], 10); /* labels count */
    for (int k = 0; k < 12; k++)
        assert_true(x[k] == ((float)(4 + k % 4) - 1) / 2);
    fake_free(f);
#define REFUSES(settings, word) refuses("dataset_arrays", "raw", settings, word)
    put("raw.bin", numbers, sizeof numbers);
    REFUSES("path=%s/raw.bin labels=%s/short.txt shape=1x2x2", "no integer for image 2 of 3");
    REFUSES("path=%s/raw.bin labels=%s/words.txt shape=1x2x2", "no integer for image 1 of 3");
    REFUSES("path=%s/raw.bin labels=%s/long.txt shape=1x2x2", "more than the labels of 3 images");
    REFUSES("path=%s/raw.bin labels=%s/long.txt shape=1x2x2", "of type = uint8 there would be 12");
    REFUSES("path=%s/raw.bin shape=1x2x5 classes=2", "no number of images of 40 bytes");
    REFUSES("path=%s/raw.bin shape=1x2x5 classes=2", "(type = float32, shape = 1x2x5)");
    REFUSES("path=%s/raw.bin shape=2x2", "want CxHxW");
    REFUSES("path=%s/raw.bin shape=65537x1x1", "images of 65537 channels and 1 x 1; 1 to 65536");
    REFUSES("path=%s/raw.bin shape=5x4096x4096", "and 67108864 numbers in all");
    REFUSES("path=%s/raw.bin shape=1x2x2", "set labels to a file");
#undef REFUSES
}

/* A pickle of numpy's array and lists, with the opcodes that Python 2 wrote.  Row i is of bytes that
 * begin by i. */
static size_t pickle(unsigned char *out, int rows, int columns, const char *const lists[],
                     const unsigned char *labels)
{
    static const char array[] = "U\4datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
                                "K\0\x85U\1b\x87R(K\1";
    static const char dtype[] = "\x86"
                                "cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xff"
                                "J\xff\xff\xff\xffK\0tb\x89T";
    unsigned char *at = out;
    uint32_t bytes = (uint32_t)(rows * columns);

    at += sprintf((char *)at, "\x80\2}(");
    for (int k = 0; k < 2 && lists[k]; k++) {
        *at++ = 'U';
        *at++ = (unsigned char)strlen(lists[k]);
        at += sprintf((char *)at, "%s](", lists[k]);
        for (int i = 0; i < rows; i++) {
            *at++ = 'K';
            *at++ = labels[k * rows + i];
        }
        *at++ = 'e';
    }
    memcpy(at, array, sizeof array - 1);
    at += sizeof array - 1;
    *at++ = 'K';
    *at++ = (unsigned char)rows;
    *at++ = 'M';
    *at++ = (unsigned char)columns;
    *at++ = (unsigned char)(columns >> 8);
    memcpy(at, dtype, sizeof dtype - 1);
    at += sizeof dtype - 1;
    memcpy(at, &bytes, 4);
    at += 4;
    for (uint32_t i = 0; i < bytes; i++)
        *at++ = (unsigned char)(i % (uint32_t)columns ? i * 7 : i / (uint32_t)columns);
    memcpy(at, "tbu.", 4);
    return (size_t)(at + 4 - out);
}

/* CIFAR for Python is the same set as the binary version, to the identity. */
static void test_cifar_pickles(void **state)
{
    enum { ROWS = 5, PIXELS = 3072 };
    static const char *const ten[] = {"labels", NULL}, *const hundred[] = {"fine_labels",
                                                                           "coarse_labels"};
    static const unsigned char labels[] = {6, 9, 0, 4, 1, 19, 3, 2, 0, 7};
    static unsigned char bytes[ROWS * PIXELS + 1000], records[ROWS * (PIXELS + 2)];
    char one[256], two[256];
    size_t n;

    (void)state;
    for (int k = 0; k < 2; k++) {
        const char *id = k ? "cifar100" : "cifar10";
        struct fake_plugin f;

        n = pickle(bytes, ROWS, PIXELS, k ? hundred : ten, labels);
        put(k ? "py/cifar-100-python/train" : "py/cifar-10-batches-py/data_batch_1", bytes, n);
        put(k ? "py/cifar-100-python/test" : "py/cifar-10-batches-py/test_batch", bytes, n);
        for (int i = 0; i < ROWS; i++) {
            unsigned char *at = records + i * (PIXELS + 1 + k);

            at[0] = labels[k ? ROWS + i : i]; /* coarse, then fine */
            at[k] = labels[i];
            memcpy(at + 1 + k, bytes + n - 4 - (size_t)((ROWS - i) * PIXELS), PIXELS);
        }
        put("records.bin", records, ROWS * (size_t)(PIXELS + 1 + k));
        f = opened("dataset_cifar", id, "path=%s/records.bin", TCET_OK);
        identity(f, one);
        fake_free(f);
        f = opened("dataset_cifar", id, "path=%s/py", TCET_OK);
        identity(f, two);
        assert_string_equal(one, two);
        if (!k) {
            tcet_data_splits s = {.struct_size = sizeof s};
            tcet_read_request r = {.struct_size = sizeof r, .first = 3, .n = 1, .split = 1};
            static uint8_t x[PIXELS];
            int64_t y;

            assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
            assert_int_equal(s.count[0] * 10 + s.count[1], 55);
            assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, &y), TCET_OK);
            assert_int_equal(y * 10 + x[0], 43);
            assert_memory_equal(x, records + 3 * (PIXELS + 1) + 1, PIXELS);
        }
        fake_free(f);
    }
    n = pickle(bytes, ROWS, PIXELS, ten, (const unsigned char[]){0, 1, 2, 10, 3});
    put("py/cifar-10-batches-py/data_batch_1", bytes, n);
    refuses("dataset_cifar", "cifar10", "path=%s/py", "image 3: label 10, want one below 10");
    n = pickle(bytes, ROWS, 768, ten, labels);
    put("py/cifar-10-batches-py/data_batch_1", bytes, n);
    refuses("dataset_cifar", "cifar10", "path=%s/py",
            "images of 768 bytes, those of CIFAR-10 have 3072");
    n = pickle(bytes, ROWS, PIXELS, (const char *const[]){"Labels", NULL}, labels);
    put("py/cifar-10-batches-py/data_batch_1", bytes, n);
    refuses("dataset_cifar", "cifar10", "path=%s/py", "no list \"labels\"");
    copy("evil.pickle", "py/cifar-10-batches-py/data_batch_1");
    refuses("dataset_cifar", "cifar10", "path=%s/py", "posix.system, which no file of CIFAR");
}

/* ImageNet16-120: labels count from 1, the first 120 are kept; NATS-Bench's mean and deviation. */
static void test_imagenet16(void **state)
{
    static const unsigned char labels[] = {1, 121, 120, 255, 2};
    static unsigned char bytes[5 * 768 + 1000];
    static const char *const lists[] = {"labels", NULL};
    size_t n = pickle(bytes, 5, 768, lists, labels);
    tcet_data_request r = request(3, 16, 16, 5);
    tcet_data_info info = {.struct_size = sizeof info};
    tcet_data_splits s = {.struct_size = sizeof s};
    static float x[5 * 768];
    int64_t y[5];
    struct fake_plugin f;

    (void)state;
    put("in16/train_data_batch_1", bytes, n);
    put("in16/train_data_batch_2", bytes, n);
    put("in16/val_data", bytes, n);
    f = opened("dataset_cifar", "imagenet16_120", "path=%s/in16", TCET_OK);
    assert_non_null(strstr(fake.logged, "only 2 of the 10 train_data_batch"));
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.count, 6);
    assert_int_equal(info.classes, 120);
    assert_int_equal(info.height * 100 + info.width, 1616);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 1); /* backwards: 2, 120, 1, 2, 120 */
    assert_int_equal(y[1], 119);
    assert_int_equal(y[2], 0);
    assert_true(fabs(x[0] - (4 - 122.68) / 63.22) < 1e-5); /* row 4 begins by 4 */
    assert_true(fabs(x[768] - (2 - 122.68) / 63.22) < 1e-5);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TEST], 3);
    fake_free(f);
    put("in16/val_data", bytes, n - 1);
    f = opened("dataset_cifar", "imagenet16_120", "path=%s/in16", TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "val_data: byte"));
    fake_free(f);
    n = pickle(bytes, 2, 768, lists, (const unsigned char[]){1, 0});
    put("in16/train_data_batch_2", bytes, n);
    refuses("dataset_cifar", "imagenet16_120", "path=%s/in16",
            "batch_2: image 1: label 0, want 1 to 1000");
    refuses("dataset_cifar", "imagenet16_120", "", "set path to the folder with train_data_batch");
    n = pickle(bytes, 2, 768, lists, (const unsigned char[]){121, 122});
    put("late", bytes, n);
    refuses("dataset_cifar", "imagenet16_120", "path=%s/late", "no image of the first 120 classes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_computed),      cmocka_unit_test(test_broken),
        cmocka_unit_test(test_broken_order),  cmocka_unit_test(test_signals),
        cmocka_unit_test(test_features),      cmocka_unit_test(test_many_channels),
        cmocka_unit_test(test_npy),           cmocka_unit_test(test_raw),
        cmocka_unit_test(test_npy_targets),   cmocka_unit_test(test_puzzles),
        cmocka_unit_test(test_cifar_pickles), cmocka_unit_test(test_imagenet16),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
