/* Protects: mini-batches that do not depend on how many threads make them or from which epoch on they
 * are asked for; each image once an epoch, in a new order; targets, mixup and erased rectangles as
 * defined; the first batch's sum of a published run; a loader that is closed early; bad options.
 * And the draws of Beta(a, a), and the learning rates of the published recipe. */
#include "train/batch.h"
#include "train/draws.h"
#include "train/schedule.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 53, CHANNELS = 3, H = 6, W = 5, PIXELS = CHANNELS * H * W, CLASSES = 4 };

static uint8_t pixels[COUNT * PIXELS];
static int64_t labels[COUNT];
static const struct batch_images images = {
    .shape = {CHANNELS, H, W},
    .count = COUNT,
    .pixels = pixels,
    .labels = labels,
    .classes = CLASSES,
    .mean = {0.4f, 0.5f, 0.6f},
    .std = {0.2f, 0.3f, 0.1f},
};
static const struct batch_options all = {
    .batch = 8,
    .shuffle = 1,
    .augment = {.crop = 2, .flip = 1, .auto_augment = 1, .erase = 1, .cutout = 2},
    .smoothing = 0.1,
    .mixup = 0.2,
    .seed = 17,
};

static int make_images(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)draws_below(&seed, 256);
    for (int i = 0; i < COUNT; i++)
        labels[i] = draws_below(&seed, CLASSES);
    return 0;
}

static struct batch_loader *open_loader(const struct batch_options *o, int64_t epoch)
{
    struct batch_loader *l = NULL;
    struct error err;

    if (batch_open(o, &images, epoch, &l, &err) < 0)
        fail_msg("%s", err.text);
    return l;
}

static void same_batch(const struct batch *a, const struct batch *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(&a->gamma, &b->gamma, sizeof a->gamma);
    assert_memory_equal(a->x, b->x, (size_t)a->n * PIXELS * sizeof *a->x);
    assert_memory_equal(a->targets, b->targets, (size_t)a->n * CLASSES * sizeof *a->targets);
    assert_memory_equal(a->labels, b->labels, (size_t)a->n * sizeof *a->labels);
    assert_memory_equal(a->indices, b->indices, (size_t)a->n * sizeof *a->indices);
}

static void threads_do_not_matter(void **state)
{
    static const int32_t ways[][2] = {{1, 1}, {1, 0}, {2, 2}, {3, 0}, {5, 2}};

    (void)state;
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        struct batch_options threaded = all;
        struct batch_loader *one = open_loader(&all, 0), *many;

        threaded.threads = ways[k][0];
        threaded.ring = ways[k][1];
        many = open_loader(&threaded, 0);
        for (int i = 0; i < 25; i++)
            same_batch(batch_next(one), batch_next(many));
        batch_close(one);
        batch_close(many);
    }
}

static void an_epoch_by_itself(void **state)
{
    struct batch_loader *through = open_loader(&all, 0), *from = open_loader(&all, 2);

    (void)state;
    for (int64_t i = 0; i < 2 * batch_count(&all, COUNT); i++)
        batch_next(through);
    for (int64_t i = 0; i < batch_count(&all, COUNT); i++)
        same_batch(batch_next(through), batch_next(from));
    batch_close(through);
    batch_close(from);
}

static void each_image_once(void **state)
{
    struct batch_options o = {.batch = 8, .shuffle = 1, .seed = 3};
    int32_t order[2][COUNT];

    (void)state;
    for (o.drop_last = 0; o.drop_last < 2; o.drop_last++) {
        struct batch_loader *l = open_loader(&o, 0);

        assert_int_equal(batch_count(&o, COUNT), o.drop_last ? 6 : 7);
        for (int epoch = 0; epoch < 2; epoch++) {
            int seen[COUNT] = {0}, taken = 0;

            for (int64_t i = 0; i < batch_count(&o, COUNT); i++) {
                const struct batch *b = batch_next(l);

                assert_int_equal(b->epoch, epoch);
                assert_int_equal(b->number, i);
                assert_int_equal(b->n, i < 6 ? 8 : COUNT - 48);
                for (int64_t k = 0; k < b->n; k++) {
                    int64_t at = b->indices[k];

                    order[epoch][taken++] = (int32_t)at;
                    assert_int_equal(seen[at]++, 0);
                    assert_int_equal(b->labels[k], labels[at]);
                    for (int p = 0; p < PIXELS; p++) {
                        int c = p / (H * W);
                        float v = ((float)pixels[at * PIXELS + p] / 255.0f - images.mean[c]) /
                                  images.std[c];

                        assert_true(b->x[k * PIXELS + p] == v);
                    }
                }
            }
            assert_int_equal(taken, o.drop_last ? 48 : COUNT);
        }
        assert_true(memcmp(order[0], order[1], 40 * sizeof **order) != 0);
        batch_close(l);
    }
}

/* Without shuffling images come as they stand; smoothing's targets; what is erased is 0, the mean. */
static void targets_and_holes(void **state)
{
    struct batch_options o = {.batch = COUNT, .smoothing = 0.1, .augment = {.erase = 1}, .seed = 5};
    struct batch_loader *l = open_loader(&o, 0);
    const struct batch *b = batch_next(l);
    int erased = 0;

    (void)state;
    for (int64_t i = 0; i < COUNT; i++) {
        int zeros = 0;

        assert_int_equal(b->indices[i], i);
        for (int c = 0; c < CLASSES; c++) {
            double want = (c == labels[i] ? 0.9 : 0) + 0.1 / CLASSES;

            assert_true(fabs(b->targets[i * CLASSES + c] - want) < 1e-15);
        }
        for (int p = 0; p < PIXELS; p++) {
            float plain[PIXELS];

            batch_plain(&images, i, 1, plain);
            zeros += b->x[i * PIXELS + p] == 0;
            assert_true(b->x[i * PIXELS + p] == 0 || b->x[i * PIXELS + p] == plain[p]);
        }
        erased += zeros >= CHANNELS;
    }
    assert_in_range(erased, COUNT / 4, COUNT * 3 / 4);
    batch_close(l);
}

/* A mixed image is gamma of itself and the rest of another of the batch, the targets alike. */
static void mixup(void **state)
{
    struct batch_options plain = {.batch = 8, .shuffle = 1, .smoothing = 0.1, .seed = 5};
    struct batch_options mixed = plain;
    struct batch_loader *one, *two;
    int joined = 0;

    (void)state;
    mixed.mixup = 0.2;
    one = open_loader(&plain, 0);
    two = open_loader(&mixed, 0);
    for (int t = 0; t < 7; t++) {
        const struct batch *a = batch_next(one), *b = batch_next(two);
        int used[8] = {0};

        assert_true(b->gamma >= 0 && b->gamma <= 1 && a->gamma == 1);
        for (int64_t i = 0; i < b->n; i++) {
            int64_t partner = -1;

            for (int64_t k = 0; k < b->n && partner < 0; k++) {
                double off = 0;

                for (int p = 0; p < PIXELS; p++)
                    off = fmax(off,
                               fabs(b->gamma * a->x[i * PIXELS + p] +
                                    (1 - b->gamma) * a->x[k * PIXELS + p] - b->x[i * PIXELS + p]));
                for (int c = 0; c < CLASSES; c++)
                    off = fmax(off, fabs(b->gamma * a->targets[i * CLASSES + c] +
                                         (1 - b->gamma) * a->targets[k * CLASSES + c] -
                                         b->targets[i * CLASSES + c]));
                if (off < 1e-5 && !used[k])
                    partner = k;
            }
            assert_true(partner >= 0);
            /* where gamma is as good as 1 any partner will do */
            used[partner] = b->gamma < 0.999;
            joined += partner != i;
        }
    }
    assert_true(joined > 7);
    batch_close(one);
    batch_close(two);
}

/* The first mini-batch of the shipped images in file order has the sum that PyTorch's has. */
static void published_first_batch(void **state)
{
    enum { N = 64, RECORD = 3073 };
    static const struct batch_options o = {.batch = N};
    uint8_t *data = malloc((size_t)N * RECORD);
    int64_t label[N];
    struct batch_images cifar = {.shape = {3, 32, 32},
                                 .count = N,
                                 .pixels = data,
                                 .labels = label,
                                 .classes = 10,
                                 .mean = {0.4914f, 0.4822f, 0.4465f},
                                 .std = {0.2023f, 0.1994f, 0.2010f}};
    FILE *f = fopen(TCET_TEST_SOURCE "/plugins/dataset/data/cifar10_train_320.bin", "rb");
    struct batch_loader *l;
    struct error err;
    const struct batch *b;
    double sum = 0;

    (void)state;
    assert_non_null(f);
    assert_non_null(data);
    for (int i = 0; i < N; i++) {
        label[i] = fgetc(f);
        assert_int_equal(fread(data + (size_t)i * 3072, 1, 3072, f), 3072);
    }
    fclose(f);
    assert_true(batch_open(&o, &cifar, 0, &l, &err) >= 0);
    b = batch_next(l);
    for (int i = 0; i < N * 3072; i++)
        sum += b->x[i];
    if (fabs(sum - -18656.33023147314) > 1e-9 * 18656)
        fail_msg("%.17g", sum);
    batch_close(l);
    free(data);
}

static void closed_early(void **state)
{
    struct batch_options o = all;

    (void)state;
    o.threads = 4;
    for (int asked = 0; asked < 6; asked++) {
        struct batch_loader *l = open_loader(&o, 0);

        for (int i = 0; i < asked; i++)
            batch_next(l);
        batch_close(l);
    }
    batch_close(NULL);
}

static void refused(const struct batch_options *o, const struct batch_images *i, const char *words)
{
    struct batch_loader *l;
    struct error err = {.status = TCET_OK};

    assert_int_equal(batch_open(o, i, 0, &l, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, words));
}

static void bad_options(void **state)
{
    struct batch_options o = all;
    struct batch_images gray = images, strange = images;
    int64_t wrong[COUNT] = {0};

    (void)state;
    o.batch = 0;
    refused(&o, &images, "batch = 0");
    o.batch = COUNT + 1;
    o.drop_last = 1;
    refused(&o, &images, "1 to 53");
    o = all;
    o.smoothing = 1;
    refused(&o, &images, "label_smoothing = 1");
    o = all;
    o.mixup = NAN;
    refused(&o, &images, "mixup");
    o = all;
    o.threads = BATCH_THREADS_MAX + 1;
    refused(&o, &images, "threads");
    gray.shape.channels = 1;
    refused(&all, &gray, "auto_augment");
    wrong[7] = CLASSES;
    strange.labels = wrong;
    refused(&all, &strange, "image 7 has label 4");
}

static void beta(void **state)
{
    static const double as[] = {0.01, 0.2, 1, 4};
    enum { N = 40000 };

    (void)state;
    for (size_t k = 0; k < sizeof as / sizeof *as; k++) {
        double a = as[k], mean = 0, square = 0, variance = 1 / (4 * (2 * a + 1));
        uint64_t stream = draws_start(9, DRAWS_MIXUP, 0, (int64_t)k);

        for (int i = 0; i < N; i++) {
            double v = draws_beta(&stream, a);

            assert_true(v >= 0 && v <= 1);
            mean += v / N;
            square += (v - 0.5) * (v - 0.5) / N;
        }
        assert_true(fabs(mean - 0.5) < 5 * sqrt(variance / N));
        assert_true(fabs(square - variance) < 5 * 0.25 / sqrt(N));
    }
}

static void close_to(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void rates(void **state)
{
    struct schedule s = {SCHEDULE_COSINE, 0.025, 0, 1, 4, 320, {0}, 0, 0};
    double expected[] = {.005078125, .010078125,      .015078125,
                         .020078125, .02499993306752, .02471827468679};

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_true(fabs(schedule_rate(&s, schedule_seen(&s, i / 5, i % 5, 64, 64)) - expected[i]) <
                    1e-14);
    assert_true(fabs(schedule_rate(&s, schedule_seen(&s, 3, 4, 64, 64)) - 6.693247879205e-08) <
                1e-17);
    s.kind = SCHEDULE_LINEAR;
    s.target = 0.005;
    close_to(schedule_rate(&s, 64), .005078125);
    close_to(schedule_rate(&s, 320 + 479), 0.015);
    close_to(schedule_rate(&s, 1280), 0.005);
    s.kind = SCHEDULE_CONSTANT;
    close_to(schedule_rate(&s, 1280), 0.025);
    s.kind = SCHEDULE_STEP;
    s.warmup = 0;
    s.steps = 2;
    s.step[0] = 2;
    s.step[1] = 3;
    s.factor = 0.1;
    close_to(schedule_rate(&s, schedule_seen(&s, 1, 4, 64, 64)), 0.025);
    close_to(schedule_rate(&s, schedule_seen(&s, 2, 0, 64, 64)), 0.0025);
    close_to(schedule_rate(&s, schedule_seen(&s, 3, 4, 64, 64)), 0.00025);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(an_epoch_by_itself),
        cmocka_unit_test(each_image_once),
        cmocka_unit_test(targets_and_holes),
        cmocka_unit_test(mixup),
        cmocka_unit_test(published_first_batch),
        cmocka_unit_test(closed_early),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(beta),
        cmocka_unit_test(rates),
    };

    return cmocka_run_group_tests(tests, make_images, NULL);
}
