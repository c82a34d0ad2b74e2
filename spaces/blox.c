/* blox.c -- Blox: three stages, each a cell of one or two large blocks, 91,125 different
 * networks (Chau et al., NeurIPS 2022).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encoding: [[[op0], [op1, prev, input, sc]], ...], one cell a stage; op 0 conv, 1 mbconv,
 * 2 bconv.  prev and input: what the second block reads (the first's output, the cell's
 * input, or their sum); sc: the first's output is added to the second's.  Official
 * configurations that leave a block out of use are read as what remains. */
#include "family/choices.h"

#include <stdio.h>
#include <string.h>

enum { STAGES = 3, OPS = 3, CELLS = 45, STEM = 32 };
enum { CONV, MBCONV, BCONV };

/* What remains of a cell; one block where `blocks` is 1. */
struct cell {
    int32_t blocks, op[2], prev, input, sc;
};

/* ---- encodings ---- */

/* The flags of cells of two blocks; in the last kind both read the input, so that the order of
 * the blocks is no matter. */
static const int32_t flags[][3] = {{1, 0, 0}, {1, 0, 1}, {1, 1, 0}, {1, 1, 1}, {0, 1, 1}};

/* Numbers the different cells: 3 of one block, 4 x 9 in a row, 6 side by side. */
static int32_t number_of(const struct cell *c)
{
    int32_t a = c->op[0], b = c->op[1], kind = 0;

    if (c->blocks == 1)
        return a;
    while (flags[kind][0] != c->prev || flags[kind][1] != c->input || flags[kind][2] != c->sc)
        kind++;
    if (kind < 4)
        return OPS + kind * OPS * OPS + a * OPS + b;
    return OPS + 4 * OPS * OPS + (a < b ? a * (5 - a) / 2 + b : b * (5 - b) / 2 + a);
}

/* [op0], [op1, prev, input, sc] of cell `number`. */
static void config_of(int32_t number, int32_t *v)
{
    static const int32_t pairs[][2] = {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}};
    int32_t rest = number - OPS, kind = rest / (OPS * OPS);

    memset(v, 0, 5 * sizeof *v);
    if (number < OPS) {
        v[0] = number;
        v[4] = 1;
        return;
    }
    rest -= kind * OPS * OPS;
    v[0] = kind < 4 ? rest / OPS : pairs[rest][0];
    v[1] = kind < 4 ? rest % OPS : pairs[rest][1];
    memcpy(v + 2, flags[kind], sizeof flags[kind]);
}

/* Leaves out blocks that are not used; 0 where nothing reaches the output. */
static int minimise(const int32_t *v, struct cell *c)
{
    int32_t prev = v[2], input = v[3], sc = v[4];

    *c = (struct cell){.blocks = 2, .op = {v[0], v[1]}, .prev = prev, .input = input, .sc = sc};
    if (!prev && !input) {
        c->blocks = 1;
        return sc;
    }
    if (!prev && !sc) {
        c->blocks = 1;
        c->op[0] = v[1];
    }
    return 1;
}

/* Matches the text with a pattern in which 'o' is an operation and 'f' a flag; blanks in the
 * text are skipped. */
static tcet_status match(tcet_ctx *cx, const char *text, int32_t *value)
{
    static const char pattern[] = "[[[o],[o,f,f,f]],[[o],[o,f,f,f]],[[o],[o,f,f,f]]]";
    const char *at = text;

    for (const char *p = pattern; *p; p++) {
        at += strspn(at, " ");
        if (*p == 'o' && *at >= '0' && *at < '0' + OPS)
            *value++ = *at - '0';
        else if (*p == 'f' && (*at == '0' || *at == '1'))
            *value++ = *at - '0';
        else if (*p == 'o' || *p == 'f')
            return tcet_failf(
                cx, TCET_E_ARG, "position %zu: %s is expected, not \"%.8s\"",
                (size_t)(at - text) + 1,
                *p == 'o' ? "an operation (0 conv, 1 mbconv, 2 bconv)" : "a flag 0 or 1", at);
        else if (*at != *p)
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: '%c' is expected, as in [[[0], [1, 1, 0, 1]], ...]",
                              (size_t)(at - text) + 1, *p);
        at++;
    }
    if (*at)
        return tcet_failf(cx, TCET_E_ARG, "position %zu: nothing is expected after three cells",
                          (size_t)(at - text) + 1);
    return TCET_OK;
}

static tcet_status parse_cells(tcet_ctx *cx, const char *text, struct cell cells[STAGES])
{
    int32_t value[STAGES * 5];
    tcet_status st = match(cx, text, value);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < STAGES; i++)
        if (!minimise(value + 5 * i, &cells[i]))
            return tcet_failf(cx, TCET_E_ARG, "cell %d: nothing reaches its output", i + 1);
    return TCET_OK;
}

static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *choice)
{
    struct cell cells[STAGES];
    tcet_status st = parse_cells(cx, text, cells);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < STAGES; i++)
        choice[i] = number_of(&cells[i]);
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap)
{
    char out[128];
    size_t at = 0;

    for (int32_t i = 0; i < STAGES; i++) {
        int32_t v[5];

        config_of(choice[i], v);
        at += (size_t)snprintf(out + at, sizeof out - at, "%s[[%d], [%d, %d, %d, %d]]%s",
                               i ? ", " : "[", v[0], v[1], v[2], v[3], v[4],
                               i + 1 == STAGES ? "]" : "");
    }
    return space_put(cx, text, cap, out, at);
}

static const int32_t sizes[STAGES] = {CELLS, CELLS, CELLS};
static const struct choices blox_choices = {STAGES, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    (void)cx;
    ((struct choices_space *)self)->choices = &blox_choices;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx, (void)self;
    space_images(out, 32, 100);
    return TCET_OK;
}

/* live: every block is used; depth: blocks in use. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct cell cells[STAGES];
    tcet_status st = parse_cells(cx, text, cells);

    (void)self;
    if (st < 0)
        return st;
    out->alive = 1;
    out->depth = cells[0].blocks + cells[1].blocks + cells[2].blocks;
    out->live = out->depth == 2 * STAGES;
    return TCET_OK;
}

/* ---- the network; every convolution has a bias ---- */

/* GenericConv: parent.conv, parent.norm, parent.act. */
static int32_t add_conv(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                        int32_t kernel, int32_t groups)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, b->module(b, parent, "conv", -1), &x, 1);

    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.padding_h = o.padding_w = kernel / 2;
    o.groups = groups;
    o.bias = 1;
    x = b->add(b, &o);
    x = tcet_add_norm(b, b->module(b, parent, "norm", -1), x);
    return tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "act", -1), x);
}

static int32_t add_squeeze(tcet_builder *b, int32_t parent, int32_t x, int32_t channels)
{
    int32_t in[2] = {x, x};
    tcet_op o;

    in[1] = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, parent, "pool", -1), in[1]);
    in[1] = tcet_add_conv(b, b->module(b, parent, "c1", -1), in[1], channels, 1, 1, 0, 1);
    in[1] = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "relu", -1), in[1]);
    in[1] = tcet_add_conv(b, b->module(b, parent, "c2", -1), in[1], channels, 1, 1, 0, 1);
    in[1] = tcet_add_op(b, TCET_OP_SIGMOID, b->module(b, parent, "sigmoid", -1), in[1]);
    o = tcet_op_from(TCET_OP_MUL, parent, in, 2);
    return b->add(b, &o);
}

static int32_t sum(tcet_builder *b, int32_t x, int32_t y)
{
    int32_t in[2] = {x, y};

    return tcet_add_sum(b, -1, in, 2);
}

/* conv: four 3x3.  mbconv: twice 3x3 to double width, squeeze, 1x1 back.  bconv: six times
 * 1x1, depthwise 5x5, 1x1 through a half, the same and the double width.  The latter two add
 * their input after every three layers. */
static int32_t add_block(tcet_builder *b, int32_t module, int32_t op, int32_t x, int32_t channels)
{
    static const int32_t triples[OPS] = {4, 2, 6};
    int32_t layer = 0;

    for (int32_t i = 0; i < triples[op]; i++) {
        int32_t wide = op == MBCONV ? 2 * channels : channels * (1 << i % 3) / 2, y = x;

        if (op == CONV) {
            x = add_conv(b, b->module(b, module, "layers", layer++), x, channels, 3, 1);
            continue;
        }
        y = add_conv(b, b->module(b, module, "layers", layer++), y, wide, op == MBCONV ? 3 : 1, 1);
        y = op == MBCONV ? add_squeeze(b, b->module(b, module, "layers", layer++), y, wide)
                         : add_conv(b, b->module(b, module, "layers", layer++), y, wide, 5, wide);
        y = add_conv(b, b->module(b, module, "layers", layer++), y, channels, 1, 1);
        x = sum(b, y, x);
    }
    return x;
}

static int32_t add_cell(tcet_builder *b, int32_t module, const struct cell *c, int32_t x,
                        int32_t channels)
{
    int32_t node, first, second;

    node = b->module(b, module, "nodes", 0);
    first = add_block(b, b->module(b, node, "op", -1), c->op[0], x, channels);
    if (c->blocks == 1)
        return first;
    second = c->prev && c->input ? sum(b, first, x) : c->prev ? first : x;
    node = b->module(b, module, "nodes", 1);
    second = add_block(b, b->module(b, node, "op", -1), c->op[1], second, channels);
    return c->sc ? sum(b, second, first) : second;
}

/* Two 3x3 convolutions, the first of stride 2, plus a 2x2 projection of stride 2, which is made
 * last and run first. */
static int32_t add_reduction(tcet_builder *b, int32_t parent, int32_t x, int32_t channels)
{
    static const char *const names[] = {"conv1", "conv2", "proj"};
    int32_t m[3][3], p;

    for (int32_t i = 0; i < 3; i++)
        for (int32_t j = 0; j < 3; j++)
            m[i][j] = b->module(b, parent, names[i], j);
    p = tcet_add_conv(b, m[2][0], x, channels, 2, 2, 0, 1);
    p = tcet_add_op(b, TCET_OP_RELU, m[2][2], tcet_add_norm(b, m[2][1], p));
    x = tcet_add_conv(b, m[0][0], x, channels, 3, 2, 1, 1);
    x = tcet_add_op(b, TCET_OP_RELU, m[0][2], tcet_add_norm(b, m[0][1], x));
    x = tcet_add_conv(b, m[1][0], x, channels, 3, 1, 1, 1);
    x = tcet_add_op(b, TCET_OP_RELU, m[1][2], tcet_add_norm(b, m[1][1], x));
    return sum(b, x, p);
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    struct cell cells[STAGES];
    int32_t x, channels = STEM;
    tcet_status st = parse_cells(cx, text, cells);

    (void)self;
    if (st < 0)
        return st;
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    x = add_conv(b, b->module(b, -1, "stem", -1), x, channels, 3, 1);
    for (int32_t i = 0; i < STAGES; i++) {
        int32_t block = b->module(b, -1, "blocks", i);

        b->cell(b, i);
        x = add_cell(b, b->module(b, block, "layers", 0), &cells[i], x, channels);
        b->cell(b, -1);
        channels *= 2;
        x = add_reduction(b, b->module(b, block, "layers", 1), x, channels);
    }
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, -1, "pool", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "classifier", -1), x, task->classes, 1));
    return b->status(b);
}

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_task,
    .canonical = choices_canonical, /* parse leaves out what is not used */
    .traits = space_traits,
    .build = space_build,
};

static const tcet_plugin blox = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "blox",
    .version = "1.0.0",
    .summary = "Blox: three cells of large blocks, 91,125 networks",
    .cite = "Chau et al., BLOX, NeurIPS 2022",
    .instance_size = sizeof(struct choices_space),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&blox)
