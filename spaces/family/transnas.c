/* transnas.c -- see transnas.h.  Room: spaces/family. */
#include "family/transnas.h"

#include <math.h>

const char *const transnas_tasks[] = {"class_scene", "class_object", "jigsaw", NULL};

void transnas_task(int32_t task, tcet_task *out)
{
    static const int32_t size[] = {256, 256, 64};
    static const int32_t classes[] = {47, 75, 1000};

    out->channels = 3;
    out->height = out->width = size[task];
    out->classes = classes[task];
}

int32_t transnas_conv(struct transnas *t, int32_t module, int32_t x, int32_t channels,
                      int32_t kernel, int32_t stride)
{
    t->module[t->count] = module;
    t->fan_out[t->count++] = channels * kernel * kernel;
    return tcet_add_conv(t->b, module, x, channels, kernel, stride, kernel / 2, 0);
}

int32_t transnas_relu_conv_norm(struct transnas *t, int32_t parent, int32_t x, int32_t channels,
                                int32_t kernel, int32_t stride)
{
    tcet_builder *b = t->b;

    b->module_class(b, parent, "ReLUConvBN");
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "ops", 0), x);
    x = transnas_conv(t, b->module(b, parent, "ops", 1), x, channels, kernel, stride);
    return tcet_add_norm(b, b->module(b, parent, "ops", 2), x);
}

tcet_status transnas_build(tcet_builder *b, const int32_t *macro, int32_t modules,
                           const int32_t *code, transnas_cell *cell, int32_t classes)
{
    enum { BASE = 64 };
    struct transnas t = {.b = b};
    int32_t channels = BASE, number = 0;
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);

    x = transnas_conv(&t, b->module(b, -1, "stem", 0), x, BASE / 2, 3, 2);
    x = tcet_add_norm(b, b->module(b, -1, "stem", 1), x);
    x = transnas_relu_conv_norm(&t, b->module(b, -1, "stem", 2), x, BASE, 3, 2);
    for (int32_t i = 0; i < modules; i++) {
        static const char *const names[] = {"layer0", "layer1", "layer2",
                                            "layer3", "layer4", "layer5"};
        int32_t out = macro[i] % 2 ? channels : 2 * channels, stride = macro[i] > 2 ? 2 : 1;

        for (int32_t j = 0; j < 2; j++) {
            b->cell(b, number++);
            x = cell(&t, b->module(b, -1, names[i], j), code, x, channels, out, j ? 1 : stride);
            channels = out;
        }
    }
    b->cell(b, -1);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, -1, "avgpool", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "head", -1), x, classes, 1));
    /* kaiming_normal_(mode="fan_out", nonlinearity="relu") after all default draws */
    for (int32_t i = 0; i < t.count; i++)
        b->init(b, TCET_INIT_NORMAL, t.module[i], 0.0, sqrt(2.0) / sqrt(t.fan_out[i]));
    return b->status(b);
}
