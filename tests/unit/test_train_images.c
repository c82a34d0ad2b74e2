/* Protects: what training gets of a dataset: its test split, or the last images of the training split held
 * out; images at the network's size; an identity of the bytes and the split; datasets and numbers that
 * cannot be. */
#include "plugin/calls.h"
#include "plugin/registry.h"
#include "train/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIXELS = 3072, TRAIN = 7, TEST = 3 };

static struct arena arena;
static char folder[600];

/* An opened dataset of a plugin file of the build tree; path NULL: the shipped images. */
static struct instance *dataset(const char *file, const char *id, const char *path,
                                struct config *c)
{
    struct plugin *list;
    struct instance *out = NULL;
    struct binding b = {.name = "path"};
    struct error err = {.status = TCET_OK};
    char so[700];
    size_t count;

    snprintf(so, sizeof so, "%s/lib/tcet/plugins-1/%s.so", TCET_TEST_BUILD, file);
    assert_int_equal(loader_open(so, &arena, &list, &count, &err), TCET_OK);
    if (path) {
        config_put(c, "data", "", "path", path, "test", "/", 0);
        b.key = config_section_key(config_section(c, "data", ""), "path");
    }
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(list[i].desc.id, id))
            assert_int_equal(
                instance_new(&list[i], &b, path != NULL, "dataset", &arena, &out, &err), TCET_OK);
    }
    assert_non_null(out);
    if (dataset_open(out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

/* n images of label i and bytes `base` + i. */
static void write_images(const char *name, int n, int base)
{
    char path[700];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < n; i++) {
        fputc(i, f);
        for (int k = 0; k < PIXELS; k++)
            fputc(base + i, f);
    }
    fclose(f);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/test-images-XXXXXX", TCET_TEST_BUILD);
    if (!mkdtemp(folder))
        return -1;
    write_images("data_batch_1.bin", TRAIN, 10);
    write_images("test_batch.bin", TEST, 100);
    return 0;
}

static int tear_down(void **state)
{
    char path[700];

    (void)state;
    snprintf(path, sizeof path, "%s/data_batch_1.bin", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/test_batch.bin", folder);
    unlink(path);
    arena_free(&arena);
    return rmdir(folder);
}

static void both_splits(void **state)
{
    const struct images_options o = {16, 16, 10, 0}, held = {0, 0, 10, 2};
    struct config *c = config_new();
    struct instance *d = dataset("dataset_cifar", "cifar10", folder, c);
    struct images got;
    struct error err;
    char identity[300];

    (void)state;
    assert_int_equal(images_read(d, &o, &got, &err), TCET_OK);
    assert_int_equal(got.train.count, TRAIN);
    assert_int_equal(got.test.count, TEST);
    assert_int_equal(got.train.shape.h, 16);
    assert_int_equal(got.test.shape.w, 16);
    for (int i = 0; i < TRAIN; i++) {
        assert_int_equal(got.train.labels[i], i);
        assert_int_equal(got.train.pixels[i * 768 + 767], 10 + i);
    }
    assert_int_equal(got.test.labels[2], 2);
    assert_int_equal(got.test.pixels[2 * 768], 102);
    strcpy(identity, got.identity);
    images_free(&got);

    assert_int_equal(images_read(d, &held, &got, &err), TCET_OK);
    assert_int_equal(got.train.count, TRAIN - 2);
    assert_int_equal(got.test.count, 2);
    assert_int_equal(got.test.labels[0], TRAIN - 2);
    assert_int_equal(got.test.pixels[0], 10 + TRAIN - 2);
    assert_int_equal(got.test.pixels[2 * PIXELS - 1], 10 + TRAIN - 1);
    assert_string_not_equal(got.identity, identity);
    images_free(&got);
    instance_free(d);
    config_free(c);
}

static void shipped_images(void **state)
{
    const struct images_options all = {32, 32, 10, 0}, half = {32, 32, 10, 160};
    struct instance *d = dataset("dataset_cifar", "cifar10", NULL, NULL);
    struct images got;
    struct error err;

    (void)state;
    assert_int_equal(images_read(d, &all, &got, &err), TCET_OK);
    assert_int_equal(got.train.count, 320);
    assert_int_equal(got.test.count, 0);
    assert_true(got.train.mean[0] == 0.4914f);
    images_free(&got);
    assert_int_equal(images_read(d, &half, &got, &err), TCET_OK);
    assert_int_equal(got.train.count, 160);
    assert_int_equal(got.test.count, 160);
    images_free(&got);
    instance_free(d);
}

static void refused(struct instance *d, const struct images_options *o, tcet_status status,
                    const char *words)
{
    struct images got;
    struct error err = {.status = TCET_OK};

    assert_int_equal(images_read(d, o, &got, &err), status);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void what_cannot_be(void **state)
{
    struct instance *d = dataset("dataset_cifar", "cifar10", NULL, NULL);
    struct instance *noise = dataset("dataset_synthetic", "gaussian", NULL, NULL);

    (void)state;
    refused(d, &(struct images_options){0, 0, 9, 0}, TCET_E_ARG, "9 classes, cifar10 has 10");
    refused(d, &(struct images_options){0, 0, 10, 320}, TCET_E_ARG, "holdout = 320 leaves nothing");
    refused(d, &(struct images_options){20, 20, 10, 0}, TCET_E_ARG, "20 x 20");
    refused(noise, &(struct images_options){0, 0, 10, 0}, TCET_E_UNSUPPORTED, "gaussian");
    instance_free(d);
    instance_free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_splits),
        cmocka_unit_test(shipped_images),
        cmocka_unit_test(what_cannot_be),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
