/* nds_net.c -- see nds_net.h.  Room: spaces/family. */
#include "family/nds_net.h"

#include <math.h>

/* ---- cells ---- */

/* relu, a row, a column and a norm. */
static int32_t nds_add_cross(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                             int32_t kernel, int32_t stride)
{
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "", 0), x);
    for (int32_t column = 0; column < 2; column++) {
        tcet_op o = tcet_op_from(TCET_OP_CONV2D, b->module(b, parent, "", 1 + column), &x, 1);

        o.channels = channels;
        o.kernel_h = column ? kernel : 1;
        o.kernel_w = column ? 1 : kernel;
        o.stride_h = column ? stride : 1;
        o.stride_w = column ? 1 : stride;
        o.padding_h = o.kernel_h / 2;
        o.padding_w = o.kernel_w / 2;
        x = b->add(b, &o);
    }
    return tcet_add_norm(b, b->module(b, parent, "", 3), x);
}

static int32_t nds_add_dense(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                             int32_t kernel, int32_t stride)
{
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "", 0), x);
    x = tcet_add_conv(b, b->module(b, parent, "", 1), x, channels, kernel, stride, kernel / 2, 0);
    return tcet_add_norm(b, b->module(b, parent, "", 2), x);
}

static int32_t nds_zero(tcet_builder *b, int32_t module, int32_t x, int32_t stride)
{
    tcet_op o = tcet_op_from(TCET_OP_ZERO, module, &x, 1);

    o.stride_h = o.stride_w = stride;
    return b->add(b, &o);
}

static int32_t nds_add_op(tcet_builder *b, int32_t module, int32_t op, int32_t x, int32_t channels,
                          int32_t stride)
{
    switch (op) {
    case NDS_NONE: return nds_zero(b, module, x, stride);
    case NDS_AVG3: return tcet_add_pool(b, TCET_OP_AVG_POOL, module, x, 3, stride, 1);
    case NDS_MAX3: return tcet_add_pool(b, TCET_OP_MAX_POOL, module, x, 3, stride, 1);
    case NDS_MAX5: return tcet_add_pool(b, TCET_OP_MAX_POOL, module, x, 5, stride, 2);
    case NDS_MAX7: return tcet_add_pool(b, TCET_OP_MAX_POOL, module, x, 7, stride, 3);
    case NDS_CONV1: return nds_add_dense(b, module, x, channels, 1, stride);
    case NDS_CONV3: return nds_add_dense(b, module, x, channels, 3, stride);
    case NDS_CONV31: return nds_add_cross(b, module, x, channels, 3, stride);
    case NDS_CONV71: return nds_add_cross(b, module, x, channels, 7, stride);
    case NDS_SEP3: return darts_sep_conv(b, module, x, channels, 3, stride, 1, 1);
    case NDS_SEP5: return darts_sep_conv(b, module, x, channels, 5, stride, 1, 1);
    case NDS_SEP7: return darts_sep_conv(b, module, x, channels, 7, stride, 1, 1);
    case NDS_DIL3: return darts_separable(b, module, 0, x, channels, 3, stride, 2, 1);
    case NDS_DIL5: return darts_separable(b, module, 0, x, channels, 5, stride, 2, 1);
    case NDS_DIL_SEP3: return darts_sep_conv(b, module, x, channels, 3, stride, 2, 1);
    default:
        return stride == 1 ? tcet_add_op(b, TCET_OP_IDENTITY, module, x)
                           : darts_factorized_reduce(b, module, x, channels, 1, 1);
    }
}

static void nds_build_cells(tcet_builder *b, const struct nds_net *net, int32_t classes)
{
    const struct darts_network cells = {net->cell, net->width, net->depth, 1, nds_add_op};
    int32_t x = darts_build(b, &cells), module = b->module(b, -1, "classifier", -1);

    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, module, "pooling", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, module, "classifier", -1), x, classes, 1));
}

/* Which nodes hold something else than zeros, bits, when the two inputs of the cell do or not. */
static uint32_t nds_nonzero(const struct darts_cell *c, uint32_t inputs)
{
    uint32_t full = inputs;

    for (int32_t e = 0; e < 2 * c->nodes; e++)
        if (c->op[e] != NDS_NONE && full >> c->input[e] & 1)
            full |= 1u << (2 + e / 2);
    return full;
}

static uint32_t nds_given(const struct darts_cell *c)
{
    uint32_t mask = 0;

    for (int32_t i = 0; i < c->concat_count; i++)
        mask |= 1u << c->concat[i];
    return mask;
}

/* Has a cell whose inputs are there no operation, `none` aside, that does nothing? */
static int nds_is_live(const struct darts_cell *c)
{
    uint32_t full = nds_nonzero(c, 3), useful = nds_given(c);

    for (int32_t e = 2 * c->nodes; e-- > 0;)
        if (c->op[e] != NDS_NONE && useful >> (2 + e / 2) & 1)
            useful |= 1u << c->input[e];
    for (int32_t e = 0; e < 2 * c->nodes; e++)
        if (c->op[e] != NDS_NONE && !(full >> c->input[e] & 1 && useful >> (2 + e / 2) & 1))
            return 0;
    return 1;
}

static void nds_cell_traits(const struct nds_net *net, tcet_traits *out)
{
    uint32_t s0 = 1, s1 = 1;

    for (int32_t i = 0; i < net->depth; i++) {
        const struct darts_cell *c = &net->cell[darts_is_reduction(i, net->depth)];
        uint32_t full = nds_nonzero(c, s0 | s1 << 1);

        s0 = s1;
        s1 = (full & nds_given(c)) != 0;
    }
    out->alive = (int32_t)s1;
    out->live = out->alive && nds_is_live(&net->cell[0]) && nds_is_live(&net->cell[1]);
    for (int32_t i = 0; i < DARTS_CELLS; i++)
        for (int32_t e = 0; e < 2 * net->nodes; e++)
            out->depth += net->cell[i].op[e] >= NDS_CONV1;
}

/* ---- stages of blocks ---- */

enum { NDS_CONVS = 1 + NDS_STAGES_MAX * NDS_DEPTH_MAX * 4 };

/* The convolutions, in order, to be drawn again. */
struct nds_blocks {
    tcet_builder *b;
    int32_t count, module[NDS_CONVS];
    double std[NDS_CONVS];
};

int32_t nds_first_stage(const struct nds_net *net)
{
    return net->reading == NDS_PYCLS;
}

static int32_t nds_stem_width(const struct nds_net *net)
{
    return net->reading == NDS_PYCLS ? net->stage[0].width : 12;
}

static int32_t nds_groups(const struct nds_net *net, const struct nds_stage *s)
{
    return net->reading == NDS_PYCLS ? s->groups : nds_inner(s) / s->groups;
}

tcet_status nds_check(tcet_ctx *cx, struct nds_net *net, enum nds_reading reading)
{
    int32_t first;

    if (net->nodes)
        return TCET_OK;
    if (reading == NDS_AUTO)
        reading = net->stages > 1 && net->stage[1].stride == 1 ? NDS_PYCLS : NDS_NWOT;
    net->reading = reading;
    first = nds_first_stage(net);
    if (first && (net->stages < 2 || net->stage[0].depth != 1 || net->stage[0].stride != 1))
        return tcet_failf(
            cx, TCET_E_ARG,
            "entry 1 is the stem: its \"ds\" and \"ss\" are 1, not %d and %d, and stages "
            "follow (reading = nwot takes lists without a stem)",
            net->stage[0].depth, net->stage[0].stride);
    for (int32_t i = first; i < net->stages && net->block == NDS_BOTTLENECK; i++) {
        const struct nds_stage *s = &net->stage[i];
        int32_t inner = nds_inner(s), groups = nds_groups(net, s);

        if (inner < 1 || groups < 1 || inner % groups)
            return tcet_failf(cx, TCET_E_ARG,
                              "entry %d: %d channels times %g are %d, which do not fall into %s %d",
                              i + 1, s->width, s->ratio, inner,
                              reading == NDS_PYCLS ? "groups, num_gs =" : "groups of width",
                              s->groups);
    }
    return TCET_OK;
}

/* Convolution and norm, "same" padding. */
static int32_t nds_conv(struct nds_blocks *n, int32_t conv, int32_t norm, int32_t x,
                        int32_t channels, int32_t kernel, int32_t stride, int32_t groups)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, conv, &x, 1);

    n->module[n->count] = conv;
    n->std[n->count++] = sqrt(2.0 / ((double)kernel * kernel * channels));
    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = kernel / 2;
    o.groups = groups;
    return tcet_add_norm(n->b, norm, n->b->add(n->b, &o));
}

static int32_t nds_relu(tcet_builder *b, int32_t parent, const char *name, int32_t x)
{
    return tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, name, -1), x);
}

static const char *const nds_conv_names[3][3] = {
    {"a", "a_bn", "a_relu"}, {"b", "b_bn", "b_relu"}, {"c", "c_bn", NULL}};

/* Convolution number i of a block, with its relu unless it is the last of a residual one. */
static int32_t nds_named_conv(struct nds_blocks *n, int32_t parent, int32_t i, int relu, int32_t x,
                              int32_t channels, int32_t kernel, int32_t stride, int32_t groups)
{
    int32_t conv = n->b->module(n->b, parent, nds_conv_names[i][0], -1);
    int32_t norm = n->b->module(n->b, parent, nds_conv_names[i][1], -1);

    x = nds_conv(n, conv, norm, x, channels, kernel, stride, groups);
    return relu ? nds_relu(n->b, parent, nds_conv_names[i][2], x) : x;
}

static int32_t nds_add_block(struct nds_blocks *n, int32_t module, const struct nds_net *net,
                             const struct nds_stage *s, int32_t x, int32_t in_channels,
                             int32_t stride)
{
    tcet_builder *b = n->b;
    int32_t sum[2] = {x, x}, f, inner = nds_inner(s);

    if (net->block == NDS_PLAIN) {
        x = nds_named_conv(n, module, 0, 1, x, s->width, 3, stride, 1);
        return nds_named_conv(n, module, 1, 1, x, s->width, 3, 1, 1);
    }
    if (in_channels != s->width || stride != 1) {
        int32_t proj = b->module(b, module, "proj", -1);

        sum[0] = nds_conv(n, proj, b->module(b, module, "bn", -1), x, s->width, 1, stride, 1);
    }
    f = b->module(b, module, "f", -1);
    if (net->block == NDS_BASIC) {
        x = nds_named_conv(n, f, 0, 1, x, s->width, 3, stride, 1);
        sum[1] = nds_named_conv(n, f, 1, 0, x, s->width, 3, 1, 1);
    } else {
        x = nds_named_conv(n, f, 0, 1, x, inner, 1, 1, 1);
        x = nds_named_conv(n, f, 1, 1, x, inner, 3, stride, nds_groups(net, s));
        sum[1] = nds_named_conv(n, f, 2, 0, x, s->width, 1, 1, 1);
    }
    return nds_relu(b, module, "relu", tcet_add_sum(b, -1, sum, 2));
}

static int32_t nds_add_stem(struct nds_blocks *n, const struct nds_net *net)
{
    tcet_builder *b = n->b;
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0), stem = b->module(b, -1, "stem", -1);
    int32_t conv = b->module(b, stem, "conv", -1), norm = b->module(b, stem, "bn", -1);
    int32_t pooled = net->reading == NDS_NWOT && net->block != NDS_PLAIN;

    x = nds_conv(n, conv, norm, x, nds_stem_width(net), pooled ? 7 : 3,
                 net->reading == NDS_NWOT ? 2 : 1, 1);
    x = nds_relu(b, stem, "relu", x);
    return pooled ? tcet_add_pool(b, TCET_OP_MAX_POOL, b->module(b, stem, "pool", -1), x, 3, 2, 1)
                  : x;
}

/* clang-format off */
static const char *const nds_stage_names[NDS_STAGES_MAX] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"};
static const char *const nds_block_names[NDS_DEPTH_MAX] = {
    "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10", "b11", "b12", "b13", "b14", "b15", "b16",
    "b17", "b18", "b19", "b20", "b21", "b22", "b23", "b24", "b25", "b26", "b27", "b28", "b29", "b30", "b31", "b32",
    "b33", "b34", "b35", "b36", "b37", "b38", "b39", "b40", "b41", "b42", "b43", "b44", "b45", "b46", "b47", "b48",
    "b49", "b50", "b51", "b52", "b53", "b54", "b55", "b56", "b57", "b58", "b59", "b60", "b61", "b62", "b63", "b64"};
/* clang-format on */

static void nds_build_blocks(tcet_builder *b, const struct nds_net *net, int32_t classes)
{
    struct nds_blocks n = {.b = b};
    int32_t x = nds_add_stem(&n, net), channels = nds_stem_width(net), head;
    int32_t first = nds_first_stage(net);

    for (int32_t i = first; i < net->stages; i++) {
        const struct nds_stage *s = &net->stage[i];
        int32_t stage = b->module(b, -1, nds_stage_names[i - first], -1);

        for (int32_t k = 0; k < s->depth; k++) {
            b->cell(b, i - first);
            x = nds_add_block(&n, b->module(b, stage, nds_block_names[k], -1), net, s, x, channels,
                              k ? 1 : s->stride);
            channels = s->width;
        }
    }
    b->cell(b, -1);
    head = b->module(b, -1, "head", -1);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, head, "avg_pool", -1), x);
    head = b->module(b, head, "fc", -1);
    b->output(b, tcet_add_linear(b, head, x, classes, 1));
    for (int32_t i = 0; i < n.count; i++)
        b->init(b, TCET_INIT_NORMAL, n.module[i], 0.0, n.std[i]);
    b->init(b, TCET_INIT_NORMAL, head, 0.0, 0.01);
    b->init(b, TCET_INIT_BIAS, head, 0.0, 0.0);
}

/* ---- either ---- */

tcet_status nds_build(tcet_builder *b, const struct nds_net *net, int32_t classes)
{
    if (net->nodes)
        nds_build_cells(b, net, classes);
    else
        nds_build_blocks(b, net, classes);
    return b->status(b);
}

void nds_traits(const struct nds_net *net, tcet_traits *out)
{
    out->depth = 0;
    if (net->nodes) {
        nds_cell_traits(net, out);
        return;
    }
    out->live = out->alive = 1;
    for (int32_t i = nds_first_stage(net); i < net->stages; i++)
        out->depth += net->stage[i].depth * (net->block == NDS_BOTTLENECK ? 3 : 2);
}
