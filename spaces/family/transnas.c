/* transnas.c -- see transnas.h.  Room: spaces/family. */
#include "family/transnas.h"

#include <math.h>

enum { SCENE, OBJECT, JIGSAW, JIGSAW_TILE, ROOM_LAYOUT, TASKS };
enum { OFFICIAL, NASLIB };
enum { TILES = 9, COLOURS = 3 };

const char *const transnas_tasks[] = {
    [SCENE] = "class_scene",       [OBJECT] = "class_object",     [JIGSAW] = "jigsaw",
    [JIGSAW_TILE] = "jigsaw_tile", [ROOM_LAYOUT] = "room_layout", NULL};

/* Of a task: size of its images, outputs of the official network and of NASLib's, what these are. */
static const struct {
    int32_t size, outputs[2];
    uint32_t target;
} tasks[TASKS] = {
    [SCENE] = {256, {47, 63}, TCET_TARGET_CLASS},
    [OBJECT] = {256, {75, 100}, TCET_TARGET_CLASS},
    [JIGSAW] = {64, {1000, 1000}, TCET_TARGET_CLASS},
    [JIGSAW_TILE] = {64, {1000, 1000}, TCET_TARGET_CLASS},
    [ROOM_LAYOUT] = {256, {9, 9}, TCET_TARGET_NUMBERS},
};

const char *const transnas_readings[] = {[OFFICIAL] = "official", [NASLIB] = "naslib", NULL};

void transnas_task(int32_t task, int32_t reading, tcet_task *out)
{
    out->channels = task == JIGSAW ? TILES * COLOURS : COLOURS;
    out->height = out->width = tasks[task].size;
    out->classes = tasks[task].outputs[reading];
    out->target = tasks[task].target;
    out->share_epsilon = 1e-5; /* of class_scene's and class_object's loss of soft labels */
}

int32_t transnas_module(struct transnas *t, int32_t parent, const char *name, int32_t index)
{
    int32_t module;

    if (t->again)
        return t->encoder[t->taken++];
    module = t->b->module(t->b, parent < 0 ? t->root : parent, name, index);
    t->encoder[t->made++] = module;
    return module;
}

int32_t transnas_conv(struct transnas *t, int32_t module, int32_t x, int32_t channels,
                      int32_t kernel, int32_t stride)
{
    if (!t->again) {
        t->module[t->count] = module;
        t->fan_out[t->count++] = channels * kernel * kernel;
    }
    return tcet_add_conv(t->b, module, x, channels, kernel, stride, kernel / 2, 0);
}

int32_t transnas_relu_conv_norm(struct transnas *t, int32_t parent, int32_t x, int32_t channels,
                                int32_t kernel, int32_t stride)
{
    tcet_builder *b = t->b;

    b->module_class(b, parent, "ReLUConvBN");
    x = tcet_add_op(b, TCET_OP_RELU, transnas_module(t, parent, "ops", 0), x);
    x = transnas_conv(t, transnas_module(t, parent, "ops", 1), x, channels, kernel, stride);
    return tcet_add_norm(b, transnas_module(t, parent, "ops", 2), x);
}

/* What the encoder makes of image x. */
static int32_t add_encoder(struct transnas *t, const struct transnas_encoder *e, int32_t x)
{
    enum { BASE = 64 };
    static const char *const names[] = {"layer0", "layer1", "layer2", "layer3", "layer4", "layer5"};
    tcet_builder *b = t->b;
    int32_t channels = BASE, number = 0;

    b->cell(b, -1);
    x = transnas_conv(t, transnas_module(t, -1, "stem", 0), x, BASE / 2, 3, 2);
    x = tcet_add_norm(b, transnas_module(t, -1, "stem", 1), x);
    x = transnas_relu_conv_norm(t, transnas_module(t, -1, "stem", 2), x, BASE, 3, 2);
    for (int32_t i = 0; i < e->modules; i++) {
        int32_t out = e->macro[i] % 2 ? channels : 2 * channels, stride = e->macro[i] > 2 ? 2 : 1;

        for (int32_t j = 0; j < 2; j++) {
            b->cell(b, number++);
            x = e->cell(t, transnas_module(t, -1, names[i], j), e->code, x, channels, out,
                        j ? 1 : stride);
            channels = out;
        }
    }
    b->cell(b, -1);
    return x;
}

/* The encoder of each tile, one beside the other. */
static int32_t add_tiles(struct transnas *t, const struct transnas_encoder *e, int32_t image,
                         int32_t tiles)
{
    int32_t out[TILES];
    tcet_op o;

    for (int32_t i = 0; i < tiles; i++) {
        int32_t tile = image;

        t->again = i > 0;
        t->taken = 0;
        if (tiles > 1) {
            o = tcet_op_from(TCET_OP_SLICE, -1, &image, 1);
            o.offset_c = i * COLOURS;
            o.channels = COLOURS;
            tile = t->b->add(t->b, &o);
        }
        out[i] = add_encoder(t, e, tile);
    }
    o = tcet_op_from(TCET_OP_CONCAT, -1, out, tiles);
    return tiles > 1 ? t->b->add(t->b, &o) : out[0];
}

/* kaiming_normal_(mode="fan_out", nonlinearity="relu") after the default draws of all there is. */
static void draw_again(struct transnas *t)
{
    for (int32_t i = 0; i < t->count; i++)
        t->b->init(t->b, TCET_INIT_NORMAL, t->module[i], 0.0, sqrt(2.0) / sqrt(t->fan_out[i]));
}

tcet_status transnas_build(tcet_builder *b, int32_t task, int32_t reading,
                           const struct transnas_encoder *e, int32_t classes)
{
    int32_t decodes = task == JIGSAW || reading == NASLIB, home = -1;
    struct transnas t = {.b = b, .root = decodes ? b->module(b, -1, "encoder", -1) : -1};
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);

    x = add_tiles(&t, e, x, task == JIGSAW ? TILES : 1);
    if (decodes) {
        draw_again(&t);
        home = b->module(b, -1, "decoder", -1);
    }
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, home, "avgpool", -1), x);
    x = tcet_add_linear(b, b->module(b, home, decodes ? "fc" : "head", -1), x, classes, 1);
    b->output(b, x);
    if (!decodes)
        draw_again(&t);
    return b->status(b);
}
