/* fuzz_dataset.c -- an image file for the CIFAR plugins: the first byte says how they are
 * configured, the rest is the file.  Labels that are drawn are below the number of classes,
 * numbers finite.  Room: tests/fuzz. */
#include <math.h>
#include <string.h>
#include <tcet/dataset.h>

#include "plugin/calls.h"
#include "plugins.h"

enum { BATCH = 2, SIDE = 8 };

static struct plugin *plugins[PLUGINS];
static size_t count;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    count = load_plugins("dataset_cifar.so", plugins);
    CHECK(count == 3);
    return 0;
}

/* What training reads of the same file. */
static void read_all(struct instance *d, const tcet_data_info *info, struct error *err)
{
    tcet_data_splits s;
    tcet_read_request r = {
        .struct_size = sizeof r, .height = SIDE, .width = SIDE, .first = info->count - 1, .n = 1};
    uint8_t image[3 * SIDE * SIDE];
    int64_t label;

    CHECK(dataset_splits(d, &s, err) == TCET_OK);
    CHECK(s.count[TCET_SPLIT_TRAIN] == info->count && s.count[TCET_SPLIT_TEST] == 0);
    CHECK(dataset_read(d, &r, image, &label, err) == TCET_OK);
    CHECK(label >= 0 && label < s.classes);
    r.first++;
    CHECK(dataset_read(d, &r, image, &label, err) == TCET_E_ARG);
}

static void use(struct instance *d, struct error *err)
{
    const tcet_dataset_ops *ops = OPS(tcet_dataset_ops, d);
    tcet_data_info info = {.struct_size = sizeof info};
    tcet_data_request want = {.struct_size = sizeof want,
                              .height = SIDE,
                              .width = SIDE,
                              .batch = BATCH,
                              .batches = 1,
                              .seed = 1};
    static float x[BATCH * 3 * SIDE * SIDE];
    int64_t y[BATCH];

    if (call_end(&d->cx, ops->open(call_begin(&d->cx, "open"), d->self), err) < 0)
        return;
    CHECK(call_end(&d->cx, ops->info(call_begin(&d->cx, "info"), d->self, &info), err) == TCET_OK);
    CHECK(info.count > 0 && info.channels == 3 && info.classes > 0);
    if (call_end(&d->cx, ops->draw(call_begin(&d->cx, "draw"), d->self, &want, x, y), err) < 0) {
        CHECK(info.count < BATCH);
        return;
    }
    for (size_t i = 0; i < BATCH; i++)
        CHECK(y[i] >= 0 && y[i] < info.classes);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        CHECK(isfinite(x[i]));
    read_all(d, &info, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = config_new();
    struct instance *d;
    struct error err = {0};
    struct arena a = {0};
    struct binding b[3] = {{.name = "path"}, {.name = "augment"}, {.name = "labels"}};
    struct plugin *plugin;
    int hundred;

    if (size) {
        plugin = plugins[data[0] & 16 ? 2 : data[0] & 1];
        hundred = !strcmp(plugin->desc.id, "cifar100");
        config_put(c, "data", "", "path", fuzz_file("images.bin", data + 1, size - 1), "fuzz", "/",
                   0);
        config_put(c, "data", "", "labels", data[0] & 4 ? "coarse" : "fine", "fuzz", "/", 0);
        config_put(c, "data", "", "augment", data[0] & 8 ? "1" : "0", "fuzz", "/", 0);
        for (int i = 0; i < 3; i++)
            b[i].key = config_section_key(config_section(c, "data", ""), b[i].name);
        CHECK(instance_new(plugin, b, 2 + hundred, "dataset", &a, &d, &err) == TCET_OK);
        use(d, &err);
        instance_free(d);
    }
    arena_free(&a);
    config_free(c);
    return 0;
}
