/* test_plugins_dataset.c -- the datasets: layout, normalisation, order, and every way a file
 * can be wrong. */
#include <sys/stat.h>
#include <unistd.h>

#include "fake_host.h"

enum { PLANE = 1024, PIXELS = 3 * PLANE, RECORD = 1 + PIXELS };

static char folder[512]; /* temporary; everything below it is made by write_file() */
static char made[64][600];
static int made_count;

static const tcet_dataset_ops *ops(struct fake_plugin f)
{
    return f.ops;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/test-cifar-XXXXXX", TCET_TEST_BUILD);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    while (made_count--)
        remove(made[made_count]);
    return rmdir(folder);
}

/* folder/name with `bytes` bytes; image i has label i % labels, and every red byte i, green
 * 100 + i, blue 255 but for the first, which is 0. */
static const char *write_file(const char *name, int label_bytes, long bytes, int labels)
{
    char *path = made[made_count++];
    int size = label_bytes + PIXELS;
    FILE *f;

    snprintf(path, sizeof made[0], "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    for (long i = 0; i < bytes; i++) {
        long image = i / size, at = i % size - label_bytes;
        long byte = at < 0            ? (label_bytes == 2 && at == -2 ? image % 20 : image % labels)
                    : at < PLANE      ? image
                    : at < 2 * PLANE  ? 100 + image
                    : at == 2 * PLANE ? 0
                                      : 255;

        fputc((int)byte, f);
    }
    fclose(f);
    return path;
}

static struct fake_plugin with_path(const char *id, const char *path, const char *more)
{
    char settings[1200];

    snprintf(settings, sizeof settings, "path=%s%s", path, more);
    return fake_new("dataset_cifar", id, settings);
}

static tcet_data_request request(int64_t batch, int64_t batches)
{
    return (tcet_data_request){.struct_size = sizeof(tcet_data_request),
                               .channels = 3,
                               .height = 32,
                               .width = 32,
                               .classes = 10,
                               .batch = batch,
                               .batches = batches,
                               .seed = 1};
}

static float normalised(double byte, int channel)
{
    static const float mean[] = {0.4914f, 0.4822f, 0.4465f}, std[] = {0.2023f, 0.1994f, 0.2010f};

    return ((float)byte / 255.0f - mean[channel]) / std[channel];
}

/* Images come in the generator's order (here: backwards), normalised channel by channel. */
static void test_draw(void **state)
{
    struct fake_plugin f = with_path("cifar10", write_file("five.bin", 1, 5 * RECORD, 10), "");
    tcet_data_request r = request(2, 2);
    tcet_data_info info = {.struct_size = sizeof info};
    static float x[4 * PIXELS];
    int64_t y[4];

    (void)state;
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &info), TCET_OK);
    assert_int_equal(info.count, 5);
    assert_int_equal(info.classes, 10);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 4; i++) {
        int image = 4 - i;

        assert_int_equal(y[i], image);
        assert_true(x[i * PIXELS] == normalised(image, 0));
        assert_true(x[i * PIXELS + PLANE + 9] == normalised(100 + image, 1));
        assert_true(x[i * PIXELS + 2 * PLANE] == normalised(0, 2));
        assert_true(x[i * PIXELS + PIXELS - 1] == normalised(255, 2));
    }

    /* 16 x 16 from boxes of four pixels: the first blue one is (0 + 3 * 255) / 4 */
    r.height = r.width = 16;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_true(x[0] == normalised(4, 0));
    assert_true(x[2 * 256] == normalised(765 / 4.0, 2));
    assert_true(x[2 * 256 + 1] == normalised(255, 2));

    r.height = 20;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "20 x 16"));
    r = request(2, 3);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "needs 6 images"));
    assert_non_null(strstr(fake.message, "five.bin has 5"));
    r = request(2, 1);
    r.classes = 4;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "4 classes"));
    r = request(2, 1);
    r.channels = 1;
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    fake_free(f);
}

/* balance: each mini-batch has the first (here: last) unused images of every class, class by
 * class. */
static void test_balance(void **state)
{
    struct fake_plugin f =
        with_path("cifar10", write_file("forty.bin", 1, 40 * RECORD, 10), " balance=1");
    struct fake_plugin few =
        with_path("cifar10", write_file("halved.bin", 1, 40 * RECORD, 5), " balance=1");
    tcet_data_request r = request(20, 2);
    static float x[40 * PIXELS];
    int64_t y[40];

    (void)state;
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 40; i++) {
        int label = i % 20 / 2, image = 30 - 20 * (i / 20) - 10 * (i % 2) + label;

        assert_int_equal(y[i], label);
        assert_true(x[i * PIXELS] == normalised(image, 0));
    }
    r = request(15, 1);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "a multiple of 10, not 15"));
    assert_int_equal(ops(few)->open(fake_begin(), few.self), TCET_OK);
    r = request(20, 1);
    assert_int_equal(ops(few)->draw(fake_begin(), few.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "2 images of every class; of class 5 there are 0"));
    fake_free(f);
    fake_free(few);
}

/* Crops and flips are drawn image by image, after the order: rows 0, columns 1 of the padded
 * image and a flip, then rows 2, columns 3 and a flip, then rows 4, columns 5 and none. */
static void test_augment(void **state)
{
    struct fake_plugin f =
        with_path("cifar10", write_file("three.bin", 1, 3 * RECORD, 10), " augment=1");
    tcet_data_request r = request(3, 1);
    static float x[3 * PIXELS];
    int64_t y[3];

    (void)state;
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int k = 0; k < 3; k++) {
        const float *green = x + k * PIXELS + PLANE, *blue = green + PLANE;
        int image = 2 - k, top = 2 * k - 4, left = 2 * k - 3, flip = k < 2;

        assert_int_equal(y[k], image);
        for (int i = 0; i < PLANE; i++) {
            int row = i / 32 + top, column = (flip ? 31 - i % 32 : i % 32) + left;
            int inside = row >= 0 && row < 32 && column >= 0 && column < 32;

            assert_true(green[i] == normalised(inside ? 100 + image : 0, 1));
            assert_true(blue[i] == normalised(inside && (row || column) ? 255 : 0, 2));
        }
    }
    fake_free(f);
}

/* AutoDL-Projects' mean and deviation, for each CIFAR its own. */
static void test_norm_stats(void **state)
{
    static const double mean[][3] = {{125.3, 123.0, 113.9}, {129.3, 124.1, 112.4}};
    static const double std[][3] = {{63.0, 62.1, 66.7}, {68.2, 65.4, 70.4}};
    static const double byte[] = {0, 100, 255};

    (void)state;
    for (int hundred = 0; hundred < 2; hundred++) {
        struct fake_plugin f = with_path(
            hundred ? "cifar100" : "cifar10",
            write_file(hundred ? "own100.bin" : "own.bin", 1 + hundred, RECORD + hundred, 10),
            " norm_stats=autodl");
        tcet_data_request r = request(1, 1);
        static float x[PIXELS];
        int64_t y;

        r.classes = 0;
        assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
        assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, &y), TCET_OK);
        for (int c = 0; c < 3; c++)
            assert_true(fabs(x[c * PLANE + 9] - (byte[c] - mean[hundred][c]) / std[hundred][c]) <
                        1e-6);
        fake_free(f);
    }
}

/* A folder of batches is one data set; the identity follows contents, not places. */
static void test_folder(void **state)
{
    struct fake_plugin f;
    tcet_data_info whole = {.struct_size = sizeof whole}, parts = whole;
    tcet_data_request r = request(5, 1);
    static const int64_t labels[] = {1, 0, 2, 1, 0};
    static float x[5 * PIXELS];
    char inner[600];
    int64_t y[5];

    (void)state;
    snprintf(inner, sizeof inner, "%s/cifar-10-batches-bin", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    snprintf(made[made_count++], sizeof made[0], "%s", inner);
    write_file("cifar-10-batches-bin/data_batch_1.bin", 1, 3 * RECORD, 10);
    write_file("cifar-10-batches-bin/data_batch_2.bin", 1, 2 * RECORD, 10);
    f = with_path("cifar10", folder, "");
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_non_null(strstr(fake.logged, "2 of the 5"));
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &parts), TCET_OK);
    assert_int_equal(parts.count, 5);
    assert_null(strstr(parts.identity, "/"));
    assert_int_equal(ops(f)->draw(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(y[i], labels[i]);
    assert_true(x[0] == normalised(1, 0));
    fake_free(f);

    f = with_path("cifar10", write_file("again.bin", 1, 5 * RECORD, 10), "");
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->info(fake_begin(), f.self, &whole), TCET_OK);
    assert_string_not_equal(whole.identity, parts.identity); /* images 3, 4 are not 0, 1 */
    fake_free(f);
}

static void refuses(const char *id, const char *path, const char *word)
{
    struct fake_plugin f = with_path(id, path, "");

    assert_true(ops(f)->open(fake_begin(), f.self) < 0);
    if (!strstr(fake.message, word) || !strstr(fake.message, path))
        fail_msg("\"%s\" names not %s and %s", fake.message, word, path);
    fake_free(f);
}

/* Errors name the file, the byte and what is wrong. */
static void test_bad_files(void **state)
{
    char path[600];

    (void)state;
    refuses("cifar10", write_file("cut.bin", 1, 2 * RECORD + 100, 10),
            "record at byte 6146 has 100 bytes of 3073");
    refuses("cifar10", write_file("labels.bin", 1, 12 * RECORD, 11), "byte 30730: label 10");
    refuses("cifar10", write_file("empty.bin", 1, 0, 10), "empty");
    refuses("cifar100", write_file("fine.bin", 2, 101 * (RECORD + 1), 101),
            "byte 307401: label 100");
    snprintf(path, sizeof path, "%s/nowhere.bin", folder);
    refuses("cifar10", path, "No such file");
    refuses("cifar100", folder, "train.bin");
}

/* CIFAR-100: two label bytes, either of which may be asked for. */
static void test_cifar100(void **state)
{
    const char *path = write_file("train.bin", 2, 25 * (RECORD + 1), 100);
    struct fake_plugin fine = with_path("cifar100", folder, "");
    struct fake_plugin coarse = with_path("cifar100", path, " labels=coarse");
    tcet_data_info a = {.struct_size = sizeof a}, b = a;
    tcet_data_request r = request(2, 1);
    static float x[2 * PIXELS];
    int64_t y[2];

    (void)state;
    r.classes = 100;
    assert_int_equal(ops(fine)->open(fake_begin(), fine.self), TCET_OK);
    assert_int_equal(ops(fine)->draw(fake_begin(), fine.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 24);
    assert_true(x[0] == normalised(24, 0));
    assert_int_equal(ops(coarse)->open(fake_begin(), coarse.self), TCET_OK);
    assert_int_equal(ops(coarse)->draw(fake_begin(), coarse.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 4);
    assert_int_equal(ops(fine)->info(fake_begin(), fine.self, &a), TCET_OK);
    assert_int_equal(ops(coarse)->info(fake_begin(), coarse.self, &b), TCET_OK);
    assert_int_equal(a.classes, 100);
    assert_int_equal(b.classes, 20);
    assert_string_not_equal(a.identity, b.identity);
    fake_free(fine);
    fake_free(coarse);
}

/* The images in share/tcet/data: balanced, and byte for byte those that were shipped. */
static void test_shipped(void **state)
{
    struct fake_plugin ten = fake_new("dataset_cifar", "cifar10", "");
    struct fake_plugin hundred = fake_new("dataset_cifar", "cifar100", "");
    tcet_data_info info = {.struct_size = sizeof info};
    tcet_data_request r = request(64, 5);
    static float x[320 * PIXELS];
    int64_t y[320];
    int count[10] = {0};

    (void)state;
    assert_int_equal(ops(ten)->open(fake_begin(), ten.self), TCET_OK);
    assert_int_equal(ops(ten)->info(fake_begin(), ten.self, &info), TCET_OK);
    assert_string_equal(info.identity, "cifar10 n=320 fnv1a=88d7eccd67eeecdc");
    assert_int_equal(ops(ten)->draw(fake_begin(), ten.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 320; i++)
        count[y[i]]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(count[i], 32);
    assert_int_equal(y[319], 6);                       /* data_batch_1 begins 6, 9, 9, 4 */
    assert_true(x[319 * PIXELS] == normalised(59, 0)); /* ... and 59, 43, 50 */
    assert_int_equal(ops(hundred)->open(fake_begin(), hundred.self), TCET_OK);
    assert_int_equal(ops(hundred)->info(fake_begin(), hundred.self, &info), TCET_OK);
    assert_string_equal(info.identity, "cifar100 n=100 fnv1a=be240fdff3f53639");
    fake_free(ten);
    fake_free(hundred);
}

/* One stream: images of a mini-batch, its labels, the next mini-batch's images. */
static void test_synthetic(void **state)
{
    struct fake_plugin gaussian = fake_new("dataset_synthetic", "gaussian", "");
    struct fake_plugin ones = fake_new("dataset_synthetic", "ones", "");
    tcet_data_request r = {.struct_size = sizeof r,
                           .channels = 1,
                           .height = 2,
                           .width = 2,
                           .classes = 3,
                           .batch = 2,
                           .batches = 2,
                           .seed = 77};
    tcet_data_info info = {.struct_size = sizeof info};
    float x[16];
    int64_t y[4];

    (void)state;
    assert_int_equal(ops(gaussian)->open(fake_begin(), gaussian.self), TCET_OK);
    assert_int_equal(ops(gaussian)->info(fake_begin(), gaussian.self, &info), TCET_OK);
    assert_int_equal(info.count, 0);
    assert_int_equal(ops(gaussian)->draw(fake_begin(), gaussian.self, &r, x, y), TCET_OK);
    assert_int_equal(fake_rng_.seed, 77);
    for (int i = 0; i < 16; i++)
        assert_true(x[i] == 0.25f * (float)i);
    for (int i = 0; i < 4; i++)
        assert_int_equal(y[i], i % 3);
    assert_int_equal(ops(ones)->draw(fake_begin(), ones.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 16; i++)
        assert_true(x[i] == 1.0f);
    for (int i = 0; i < 4; i++)
        assert_int_equal(y[i], i % 3);
    fake_free(gaussian);
    fake_free(ones);
}

/* Other targets come after a mini-batch's images, in the place of labels, and are those of the same
 * images: the stream is one. */
static void test_synthetic_targets(void **state)
{
    struct fake_plugin gaussian = fake_new("dataset_synthetic", "gaussian", "soft=1");
    const int64_t numbers[] = {0, 3, 3, 4, 12};
    tcet_data_request r = {.struct_size = sizeof r,
                           .channels = 1,
                           .height = 2,
                           .width = 2,
                           .classes = 3,
                           .batch = 2,
                           .batches = 2};
    tcet_data_info info = {.struct_size = sizeof info};
    float x[16], t[48];
    int64_t y[4];

    (void)state;
    assert_int_equal(ops(gaussian)->info(fake_begin(), gaussian.self, &info), TCET_OK);
    assert_int_equal(info.targets & TCET_TARGET_BIT(TCET_TARGET_CLASS), 0);
    for (r.target = TCET_TARGET_SHARES; r.target <= TCET_TARGET_MAP; r.target++) {
        int64_t n = numbers[r.target];

        assert_int_equal(ops(gaussian)->draw(fake_begin(), gaussian.self, &r, x, y), TCET_OK);
        assert_int_equal(ops(gaussian)->targets(fake_begin(), gaussian.self, &r, t), TCET_OK);
        for (int64_t i = 0; i < 4; i++) {
            int64_t top = 0;
            double sum = 0;

            for (int64_t k = 0; k < n; k++) {
                top = t[i * n + k] > t[i * n + top] ? k : top;
                sum += (double)t[i * n + k];
                if (r.target == TCET_TARGET_PIXELS)
                    assert_true(t[k] == 0 || t[k] == 1 || t[k] == 2);
            }
            assert_int_equal(y[i], r.target <= TCET_TARGET_NUMBERS ? top : 0);
            if (r.target == TCET_TARGET_SHARES)
                assert_true(fabs(sum - 1) < 1e-6);
        }
        if (r.target == TCET_TARGET_NUMBERS || r.target == TCET_TARGET_MAP) {
            assert_true(t[0] == 0.25f * 8); /* after 8 pixels */
            assert_true(t[2 * n] ==
                        0.25f * (float)(16 + 2 * n)); /* and 8 more and the first targets */
            assert_true(x[8] == 0.25f * (float)(8 + 2 * n));
        }
    }
    fake_free(gaussian);
}

/* What training reads: the bytes as they are, by number or in a row, of both splits where the folder
 * has a test file. */
static void test_read(void **state)
{
    struct fake_plugin f;
    tcet_data_splits s = {.struct_size = sizeof s};
    tcet_read_request r = {.struct_size = sizeof r, .first = 1, .n = 2};
    static uint8_t x[4 * PIXELS], one[PIXELS];
    const int64_t some[] = {4, 0, 4};
    int64_t y[4];

    (void)state;
    write_file("data_batch_1.bin", 1, 3 * RECORD, 10);
    write_file("data_batch_2.bin", 1, 2 * RECORD, 10);
    f = with_path("cifar10", folder, "");
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TRAIN], 5);
    assert_int_equal(s.count[TCET_SPLIT_TEST], 0);
    r.split = TCET_SPLIT_TEST;
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "no test images"));
    assert_non_null(strstr(fake.message, "test_batch.bin"));

    write_file("test_batch.bin", 1, 4 * RECORD, 10);
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TRAIN], 5);
    assert_int_equal(s.count[TCET_SPLIT_TEST], 4);
    assert_int_equal(s.channels * s.height * s.width, PIXELS);
    assert_int_equal(s.classes, 10);
    assert_true(s.mean[1] == 0.4822f && s.std[2] == 0.2010f);
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(y[i], 1 + i);
        assert_int_equal(x[i * PIXELS], 1 + i);
        assert_int_equal(x[i * PIXELS + PLANE + 5], 101 + i);
        assert_int_equal(x[i * PIXELS + 2 * PLANE], 0);
        assert_int_equal(x[i * PIXELS + PIXELS - 1], 255);
    }

    r = (tcet_read_request){.struct_size = sizeof r, .n = 3, .indices = some};
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_OK);
    assert_int_equal(y[0], 1); /* the second file's second */
    assert_int_equal(y[1], 0);
    assert_int_equal(x[PIXELS], 0);
    assert_memory_equal(x, x + (size_t)2 * PIXELS, PIXELS);
    /* boxes of four bytes: the first blue one is (0 + 3 * 255) / 4 = 191.25 */
    r = (tcet_read_request){.struct_size = sizeof r, .n = 1, .height = 16, .width = 16};
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, one, y), TCET_OK);
    assert_int_equal(one[0], 0);
    assert_int_equal(one[256], 100);
    assert_int_equal(one[2 * 256], 191);
    assert_int_equal(one[2 * 256 + 1], 255);

    r.height = 20;
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "20 x 16"));
    r = (tcet_read_request){.struct_size = sizeof r, .first = 4, .n = 2};
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "2 images from number 4 on"));
    r = (tcet_read_request){.struct_size = sizeof r, .first = INT64_MAX, .n = INT64_MAX};
    assert_int_equal(ops(f)->read(fake_begin(), f.self, &r, x, y), TCET_E_ARG);
    fake_free(f);

    write_file("test_batch.bin", 1, 4 * RECORD - 1, 10);
    f = with_path("cifar10", folder, "");
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK); /* scores read no test images */
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "test_batch.bin: truncated"));
    fake_free(f);
    remove(made[made_count - 1]);

    f = with_path("cifar10", "", "");
    assert_int_equal(ops(f)->open(fake_begin(), f.self), TCET_OK);
    assert_int_equal(ops(f)->splits(fake_begin(), f.self, &s), TCET_OK);
    assert_int_equal(s.count[TCET_SPLIT_TRAIN], 320);
    assert_int_equal(s.count[TCET_SPLIT_TEST], 0);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draw),      cmocka_unit_test(test_balance),
        cmocka_unit_test(test_augment),   cmocka_unit_test(test_norm_stats),
        cmocka_unit_test(test_folder),    cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_cifar100),  cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_synthetic), cmocka_unit_test(test_synthetic_targets),
        cmocka_unit_test(test_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
