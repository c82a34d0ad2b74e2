/* nb_macro.c -- NAS-Bench-Macro: eight layers, each the identity or one of two inverted
 * residuals, 6,561 architectures (Su et al., CVPR 2021).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#include "family/choices.h"

enum { LAYERS = 8, OPS = 3, STAGES = 3 };
enum { IDENTITY, MB3_K3, MB6_K5 };

static const int32_t stage_layers[STAGES] = {2, 3, 3};

static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *choice)
{
    for (int32_t i = 0; i < LAYERS; i++) {
        if (!text[i])
            return tcet_failf(cx, TCET_E_ARG, "position %d: %d digits, there must be %d", i + 1, i,
                              LAYERS);
        if (text[i] < '0' || text[i] >= '0' + OPS)
            return tcet_failf(cx, TCET_E_ARG,
                              "position %d: '%c' is not a layer (0: identity, 1: kernel 3 "
                              "expansion 3, 2: kernel 5 expansion 6)",
                              i + 1, text[i]);
        choice[i] = text[i] - '0';
    }
    if (text[LAYERS])
        return tcet_failf(cx, TCET_E_ARG, "position %d: more than %d digits", LAYERS + 1, LAYERS);
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap)
{
    char out[LAYERS];

    for (int32_t i = 0; i < LAYERS; i++)
        out[i] = (char)('0' + choice[i]);
    return space_put(cx, text, cap, out, LAYERS);
}

static const int32_t sizes[LAYERS] = {OPS, OPS, OPS, OPS, OPS, OPS, OPS, OPS};
static const struct choices macro = {LAYERS, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    (void)cx;
    ((struct choices_space *)self)->choices = &macro;
    return TCET_OK;
}

/* An identity other than a stage's first layer does nothing: it moves to the stage's end.
 * 3,969 keys. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    int32_t choice[LAYERS], out[LAYERS] = {0}, at = 0;
    tcet_status st = parse(cx, text, choice);

    (void)self;
    if (st < 0)
        return st;
    for (int32_t stage = 0; stage < STAGES; stage++) {
        int32_t n = at;

        for (int32_t i = 0; i < stage_layers[stage]; i++)
            if (i == 0 || choice[at + i] != IDENTITY)
                out[n++] = choice[at + i];
        at += stage_layers[stage];
    }
    return print(cx, out, key, cap);
}

/* depth: layers other than the identity. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    int32_t choice[LAYERS];
    tcet_status st = parse(cx, text, choice);

    (void)self;
    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = 0;
    for (int32_t i = 0; i < LAYERS; i++)
        out->depth += choice[i] != IDENTITY;
    return TCET_OK;
}

/* Convolution and batch norm as parent.name.at and parent.name.at+1. */
static int32_t conv_norm(tcet_builder *b, int32_t parent, const char *name, int32_t at, int32_t x,
                         int32_t channels, int32_t kernel, int32_t stride, int32_t groups)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, b->module(b, parent, name, at), &x, 1);

    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = kernel / 2;
    o.groups = groups;
    x = b->add(b, &o);
    return tcet_add_norm(b, b->module(b, parent, name, at + 1), x);
}

/* Identity where neither channels nor stride change, else a bare 1x1 convolution and norm;
 * or the inverted residual, with a shortcut where nothing changes. */
static int32_t add_layer(tcet_builder *b, int32_t index, int32_t op, int32_t x, int32_t channels,
                         int32_t out_channels, int32_t stride)
{
    int32_t module = b->module(b, -1, "features", index);
    int32_t same = stride == 1 && channels == out_channels;
    int32_t hidden = channels * (op == MB3_K3 ? 3 : 6), kernel = op == MB3_K3 ? 3 : 5, y[2];

    if (op == IDENTITY && same)
        return tcet_add_op(b, TCET_OP_IDENTITY, module, x);
    if (op == IDENTITY)
        return conv_norm(b, module, "downsample", 0, x, out_channels, 1, stride, 1);
    y[0] = conv_norm(b, module, "conv", 0, x, hidden, 1, 1, 1);
    y[0] = tcet_add_op(b, TCET_OP_RELU, b->module(b, module, "conv", 2), y[0]);
    y[0] = conv_norm(b, module, "conv", 3, y[0], hidden, kernel, stride, hidden);
    y[0] = tcet_add_op(b, TCET_OP_RELU, b->module(b, module, "conv", 5), y[0]);
    y[0] = conv_norm(b, module, "conv", 6, y[0], out_channels, 1, 1, 1);
    y[1] = x;
    return same ? tcet_add_sum(b, module, y, 2) : y[0];
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    enum { FIRST = 32, LAST = 1280 };
    int32_t choice[LAYERS], x, channels = FIRST, layer = 0;
    tcet_status st = parse(cx, text, choice);

    (void)self;
    if (st < 0)
        return st;
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    x = conv_norm(b, -1, "stem", 0, x, FIRST, 3, 1, 1);
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, -1, "stem", 2), x);
    for (int32_t stage = 0; stage < STAGES; stage++)
        for (int32_t i = 0; i < stage_layers[stage]; i++, layer++) {
            int32_t out = i ? channels : 2 * channels;

            b->cell(b, layer);
            x = add_layer(b, layer, choice[layer], x, channels, out, i ? 1 : 2);
            channels = out;
        }
    b->cell(b, -1);
    x = conv_norm(b, -1, "out", 0, x, LAST, 1, 1, 1);
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, -1, "out", 2), x);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, -1, "out", 3), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "classifier", -1), x, task->classes, 1));
    return b->status(b);
}

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_cifar10_task,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
};

static const tcet_plugin nb_macro = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nb_macro",
    .version = "1.0.0",
    .summary = "NAS-Bench-Macro: eight layers of three kinds, 6,561 networks",
    .cite = "Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021",
    .instance_size = sizeof(struct choices_space),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&nb_macro)
