/* transnas.c -- see transnas.h.  Room: spaces/family. */
#include "family/transnas.h"
#include "family/transnas_decoder.h"

#include <math.h>

enum { SCENE, OBJECT, JIGSAW, JIGSAW_TILE, ROOM_LAYOUT, SEGMENT, AUTOENCODER, NORMAL, TASKS };
enum { OFFICIAL, NASLIB };
enum { TILES = 9, COLOURS = 3 };

const char *const transnas_tasks[] = {
    [SCENE] = "class_scene",       [OBJECT] = "class_object",     [JIGSAW] = "jigsaw",
    [JIGSAW_TILE] = "jigsaw_tile", [ROOM_LAYOUT] = "room_layout", [SEGMENT] = "segmentsemantic",
    [AUTOENCODER] = "autoencoder", [NORMAL] = "normal",           NULL};

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
    [SEGMENT] = {256, {17, 17}, TCET_TARGET_PIXELS},
    [AUTOENCODER] = {256, {3, 3}, TCET_TARGET_SELF},
    [NORMAL] = {256, {3, 3}, TCET_TARGET_MAP},
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

/* A classifier of one vector, or of nine numbers. */
static int32_t add_classifier(tcet_builder *b, int32_t home, const char *name, int32_t x,
                              int32_t outputs)
{
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, home, "avgpool", -1), x);
    return tcet_add_linear(b, b->module(b, home, name, -1), x, outputs, 1);
}

/* A decoder that makes an image of what the encoder made of one. */
static tcet_status add_image(tcet_ctx *cx, tcet_builder *b, int32_t task, const tcet_task *t,
                             int32_t home, int32_t x)
{
    int32_t c, h, w, doublings;

    b->shape(b, x, &c, &h, &w);
    doublings = transnas_doublings(h, w, t->height, t->width);
    if (!doublings && b->status(b) >= 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "the encoder makes %d x %d of images of %d x %d, and the decoder 4 to 64 "
                          "times as large ones of that: set [data] resolution to a multiple of 32, "
                          "or of 64 for networks of four halvings",
                          h, w, t->height, t->width);
    b->output(b, task == SEGMENT ? transnas_segmentation(b, home, x, doublings, t->classes)
                                 : transnas_generative(b, home, x, doublings, t->classes));
    return b->status(b);
}

tcet_status transnas_build(tcet_ctx *cx, tcet_builder *b, int32_t task, int32_t reading,
                           const struct transnas_encoder *e, const tcet_task *t)
{
    int32_t decodes = task == JIGSAW || task >= SEGMENT || reading == NASLIB, home = -1;
    struct transnas build = {.b = b, .root = decodes ? b->module(b, -1, "encoder", -1) : -1};
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);

    x = add_tiles(&build, e, x, task == JIGSAW ? TILES : 1);
    if (decodes) {
        draw_again(&build);
        home = b->module(b, -1, "decoder", -1);
    }
    if (task >= SEGMENT)
        return add_image(cx, b, task, t, home, x);
    b->output(b, add_classifier(b, home, decodes ? "fc" : "head", x, t->classes));
    if (!decodes)
        draw_again(&build);
    return b->status(b);
}
