/* darts.c -- see darts.h.  Room: spaces/family. */
#include "family/darts.h"

#include <string.h>

/* A square convolution without bias, "same" padding. */
static int32_t darts_conv(tcet_builder *b, int32_t module, int32_t x, int32_t channels,
                          int32_t kernel, int32_t stride, int32_t dilation, int32_t groups)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, module, &x, 1);

    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = dilation * (kernel - 1) / 2;
    o.dilation_h = o.dilation_w = dilation;
    o.groups = groups;
    return b->add(b, &o);
}

int32_t darts_norm(tcet_builder *b, int32_t module, int32_t x, int32_t affine)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module, &x, 1);

    o.affine = affine;
    o.track = 1;
    o.eps = 1e-5;
    o.momentum = 0.1;
    return b->add(b, &o);
}

int32_t darts_separable(tcet_builder *b, int32_t parent, int32_t first, int32_t x, int32_t channels,
                        int32_t kernel, int32_t stride, int32_t dilation, int32_t affine)
{
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "op", first), x);
    x = darts_conv(b, b->module(b, parent, "op", first + 1), x, channels, kernel, stride, dilation,
                   channels);
    x = darts_conv(b, b->module(b, parent, "op", first + 2), x, channels, 1, 1, 1, 1);
    return darts_norm(b, b->module(b, parent, "op", first + 3), x, affine);
}

int32_t darts_sep_conv(tcet_builder *b, int32_t parent, int32_t x, int32_t channels, int32_t kernel,
                       int32_t stride, int32_t dilation, int32_t affine)
{
    x = darts_separable(b, parent, 0, x, channels, kernel, stride, dilation, affine);
    return darts_separable(b, parent, 4, x, channels, kernel, 1, dilation, affine);
}

int32_t darts_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x, int32_t channels)
{
    b->module_class(b, parent, "ReLUConvBN");
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "op", 0), x);
    x = tcet_add_conv(b, b->module(b, parent, "op", 1), x, channels, 1, 1, 0, 0);
    return tcet_add_norm(b, b->module(b, parent, "op", 2), x);
}

int32_t darts_factorized_reduce(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                                int32_t pad, int32_t affine)
{
    int32_t halves[2], moved;
    tcet_op o;

    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "relu", -1), x);
    halves[0] = tcet_add_conv(b, b->module(b, parent, "conv_1", -1), x, channels / 2, 1, 2, 0, 0);
    if (pad) {
        o = tcet_op_from(TCET_OP_PAD, -1, &x, 1);
        o.padding_h = o.padding_w = 1;
        x = b->add(b, &o);
    }
    o = tcet_op_from(TCET_OP_SLICE, -1, &x, 1);
    o.offset_h = o.offset_w = 1;
    moved = b->add(b, &o);
    halves[1] =
        tcet_add_conv(b, b->module(b, parent, "conv_2", -1), moved, channels / 2, 1, 2, 0, 0);
    o = tcet_op_from(TCET_OP_CONCAT, -1, halves, 2);
    return darts_norm(b, b->module(b, parent, "bn", -1), b->add(b, &o), affine);
}

/* The cell with its nodes renumbered by `to`, each node's edges sorted; 0 where the order of evaluation
 * forbids it. */
static int darts_renumber(const struct darts_cell *c, const int32_t *to, char *key)
{
    memset(key, 0, DARTS_KEY_MAX);
    for (int32_t node = 0; node < c->nodes; node++) {
        char edge[2][2], *out = key + 4 * to[node];
        int second;

        for (int32_t k = 0; k < 2; k++) {
            int32_t from = c->input[2 * node + k], now = from < 2 ? from : 2 + to[from - 2];

            if (now >= 2 + to[node])
                return 0;
            edge[k][0] = (char)('0' + now);
            edge[k][1] = (char)('a' + c->op[2 * node + k]);
        }
        second = memcmp(edge[0], edge[1], 2) > 0;
        memcpy(out, edge[second], 2);
        memcpy(out + 2, edge[!second], 2);
    }
    key += 4 * c->nodes;
    for (int32_t now = 0; now < c->nodes; now++)
        for (int32_t i = 0; i < c->concat_count; i++)
            if (to[c->concat[i] - 2] == now)
                *key++ = (char)('2' + now);
    return 1;
}

/* Tries all numberings of the nodes from `node` on; taken: a bit for each number that is given. */
static void darts_number(const struct darts_cell *c, int32_t node, int32_t *to, uint32_t taken,
                         char best[DARTS_KEY_MAX])
{
    char key[DARTS_KEY_MAX];

    if (node == c->nodes) {
        if (darts_renumber(c, to, key) && (!*best || strcmp(key, best) < 0))
            memcpy(best, key, DARTS_KEY_MAX);
        return;
    }
    for (to[node] = 0; to[node] < c->nodes; to[node]++)
        if (!(taken >> to[node] & 1))
            darts_number(c, node + 1, to, taken | 1u << to[node], best);
}

void darts_cell_key(const struct darts_cell *c, char key[DARTS_KEY_MAX])
{
    int32_t to[DARTS_NODES_MAX] = {0};

    *key = '\0';
    darts_number(c, 0, to, 0, key);
}

static int32_t darts_add_cell(tcet_builder *b, const struct darts_network *net, int32_t index,
                              int32_t s0, int32_t s1, int32_t channels, int32_t reduced_before)
{
    int32_t reduce = darts_is_reduction(index, net->layers);
    const struct darts_cell *c = &net->cells[reduce];
    int32_t state[2 + DARTS_NODES_MAX], out[DARTS_NODES_MAX], sum[2], module;
    tcet_op o = tcet_op_from(TCET_OP_CONCAT, -1, out, c->concat_count);

    b->cell(b, index);
    module = b->module(b, -1, "cells", index);
    state[0] = b->module(b, module, "preprocess0", -1);
    state[0] = reduced_before ? darts_factorized_reduce(b, state[0], s0, channels, net->pad, 1)
                              : darts_relu_conv_norm(b, state[0], s0, channels);
    state[1] = darts_relu_conv_norm(b, b->module(b, module, "preprocess1", -1), s1, channels);
    for (int32_t node = 0; node < c->nodes; node++) {
        for (int32_t k = 0; k < 2; k++) {
            int32_t e = 2 * node + k, from = c->input[e];

            sum[k] = net->add_op(b, b->module(b, module, "_ops", e), c->op[e], state[from],
                                 channels, reduce && from < 2 ? 2 : 1);
        }
        state[2 + node] = tcet_add_sum(b, -1, sum, 2);
    }
    for (int32_t i = 0; i < c->concat_count; i++)
        out[i] = state[c->concat[i]];
    return b->add(b, &o);
}

int32_t darts_is_reduction(int32_t layer, int32_t layers)
{
    return layer == layers / 3 || layer == 2 * layers / 3;
}

int32_t darts_build(tcet_builder *b, const struct darts_network *net)
{
    enum { STEM = 3 };
    int32_t channels = net->channels, s0, s1, before = 0;

    s1 = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    s1 = tcet_add_conv(b, b->module(b, -1, "stem", 0), s1, STEM * channels, 3, 1, 1, 0);
    s0 = s1 = tcet_add_norm(b, b->module(b, -1, "stem", 1), s1);
    for (int32_t i = 0; i < net->layers; i++) {
        int32_t reduce = darts_is_reduction(i, net->layers), out;

        channels *= 1 + reduce;
        out = darts_add_cell(b, net, i, s0, s1, channels, before);
        s0 = s1;
        s1 = out;
        before = reduce;
    }
    b->cell(b, -1);
    return s1;
}
