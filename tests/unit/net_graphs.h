/* net_graphs.h -- networks for the tests of core/net: a small one, and one with every operation.
 * Room: tests. */
#ifndef TESTS_NET_GRAPHS_H
#define TESTS_NET_GRAPHS_H

#include "graph/graph.h"

static inline int32_t net_op(tcet_builder *b, uint32_t op, int32_t module, int32_t x, int32_t y)
{
    const int32_t inputs[] = {x, y};
    tcet_op o = tcet_op_from(op, module, inputs, y < 0 ? 1 : 2);

    o.groups = op >= TCET_OP_MATMUL_T && op <= TCET_OP_SOFTMAX ? 2 : 0;
    return b->add(b, &o);
}

static inline int32_t net_norm(tcet_builder *b, uint32_t op, const char *name, int32_t x,
                               int affine, int track)
{
    tcet_op o = tcet_op_from(op, b->module(b, -1, name, -1), &x, 1);

    o.affine = affine;
    o.track = track;
    o.eps = 1e-3;
    return b->add(b, &o);
}

/* x [8, 4, 4] with its rows turned and the last left out, and a learned number a channel added, and of
 * other numbers, a buffer's and a constant's. */
static inline int32_t net_own_numbers(tcet_builder *b, int32_t x)
{
    static const int32_t turned[] = {12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, -1, -1, -1, -1};
    static const char *const names[] = {"token", "mask", "offset"};
    static const float offset[8] = {1, -1, 2, -2, 0.5f, 0, 0, 3};
    int32_t sum[4], spread[8 * 16], c, h, w;
    tcet_op o = tcet_op_from(TCET_OP_ARRANGE, -1, &x, 1);

    b->shape(b, x, &c, &h, &w);
    for (int32_t k = 0; k < c * h * w && k < 8 * 16; k++)
        spread[k] = k / (h * w);
    o.kernel_h = h;
    o.kernel_w = w;
    o.index = turned;
    o.index_count = h * w;
    sum[0] = b->add(b, &o);
    for (int32_t k = 0; k < 3; k++) {
        int32_t module = b->module(b, -1, names[k], -1), node;

        o = tcet_op_from(TCET_OP_PARAMETER, module, NULL, 0);
        o.affine = k == 0;
        o.track = k == 1;
        o.extent_count = 2;
        o.extents[0] = 2;
        o.extents[1] = 4;
        node = b->add(b, &o);
        b->values(b, TCET_VALUES_WEIGHT, module, offset, 8);
        o = tcet_op_from(TCET_OP_ARRANGE, -1, &node, 1);
        o.channels = c;
        o.kernel_h = h;
        o.kernel_w = w;
        o.index = spread;
        o.index_count = c * h * w;
        sum[k + 1] = b->add(b, &o);
    }
    return tcet_add_sum(b, -1, sum, 4);
}

/* Images [3, 8, 8], five classes. */
static inline void net_every_op(struct graph *g)
{
    const tcet_task task = {sizeof task, 3, 8, 8, 5, 0, 0};
    tcet_builder *b;
    tcet_op o;
    int32_t in, x, y, zero, k, v, two[2], stem;

    graph_reset(g, &task);
    b = graph_builder(g);
    stem = b->module(b, -1, "stem", -1);
    in = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    x = tcet_add_conv(b, b->module(b, stem, "conv", 0), in, 8, 3, 1, 1, 1);
    x = tcet_add_norm(b, b->module(b, stem, "norm", -1), x);
    y = tcet_add_op(b, TCET_OP_SWISH, -1, x);
    zero = tcet_add_op(b, TCET_OP_ZERO, -1, x);
    two[0] = zero;
    two[1] = y;
    x = tcet_add_sum(b, -1, two, 2);
    o = tcet_op_from(TCET_OP_CONV2D, b->module(b, -1, "dilated", -1), &x, 1);
    o.channels = 8;
    o.kernel_h = 3;
    o.kernel_w = 1;
    o.padding_h = o.dilation_h = 2;
    o.groups = 4;
    y = b->add(b, &o);
    y = net_norm(b, TCET_OP_BATCH_NORM, "plain", y, 0, 1);
    y = net_op(b, TCET_OP_HSWISH, -1, y, -1);
    y = net_norm(b, TCET_OP_BATCH_NORM, "batch", y, 1, 0);
    k = net_op(b, TCET_OP_SIGMOID, -1, tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, y), -1);
    x = net_op(b, TCET_OP_MUL, -1, x, k);
    two[0] = tcet_add_pool(b, TCET_OP_AVG_POOL, -1, x, 3, 2, 1);
    two[1] = tcet_add_pool(b, TCET_OP_MAX_POOL, -1, y, 3, 2, 1);
    x = b->add(b, &(tcet_op){.struct_size = sizeof o,
                             .op = TCET_OP_CONCAT,
                             .module = -1,
                             .inputs = two,
                             .input_count = 2});
    o = tcet_op_from(TCET_OP_ZERO, -1, &x, 1); /* of other channels, used for itself */
    o.channels = 4;
    o.stride_h = o.stride_w = 2;
    zero = net_op(b, TCET_OP_IDENTITY, -1, b->add(b, &o), -1);
    o = tcet_op_from(TCET_OP_SLICE, -1, &x, 1);
    o.channels = 8;
    o.offset_c = 4;
    o.offset_h = o.offset_w = 1;
    y = b->add(b, &o);
    o = tcet_op_from(TCET_OP_PAD, -1, &y, 1);
    o.padding_h = o.padding_w = 1;
    y = net_op(b, TCET_OP_RELU6, -1, b->add(b, &o), -1);
    y = net_norm(b, TCET_OP_LAYER_NORM, "layer", y, 1, 0);
    k = tcet_add_conv(b, b->module(b, -1, "k", -1), y, 8, 1, 1, 0, 0);
    v = tcet_add_conv(b, b->module(b, -1, "v", -1), y, 8, 1, 1, 0, 1);
    k = net_op(b, TCET_OP_SOFTMAX, -1, net_op(b, TCET_OP_MATMUL_T, -1, y, k), -1);
    y = net_op(b, TCET_OP_MATMUL, -1, k, v);
    y = net_op(b, TCET_OP_GELU, -1, y, -1);
    o = tcet_op_from(TCET_OP_LEAKY_RELU, -1, &y, 1);
    o.eps = 0.1;
    y = net_op(b, TCET_OP_HSIGMOID, -1, b->add(b, &o), -1);
    o = tcet_op_from(TCET_OP_CONV_TRANSPOSE, b->module(b, -1, "up", -1), &y, 1);
    o.channels = 12;
    o.kernel_h = o.kernel_w = 3;
    o.stride_h = o.stride_w = 2;
    o.padding_h = o.padding_w = o.offset_h = o.offset_w = 1;
    o.groups = 2;
    o.bias = 1;
    y = net_op(b, TCET_OP_TANH, -1, b->add(b, &o), -1);
    y = tcet_add_conv(b, b->module(b, -1, "down", -1), y, 8, 3, 2, 1, 0);
    o = tcet_op_from(TCET_OP_SHUFFLE, -1, &y, 1);
    o.groups = 4;
    y = b->add(b, &o);
    o = tcet_op_from(TCET_OP_SCALE, -1, &y, 1);
    o.eps = 1.5;
    y = net_own_numbers(b, tcet_add_op(b, TCET_OP_RELU, -1, b->add(b, &o)));
    two[0] = tcet_add_pool(b, TCET_OP_AVG_POOL, -1, y, 2, 2, 0);
    two[1] = zero;
    x = b->add(b, &(tcet_op){.struct_size = sizeof o,
                             .op = TCET_OP_CONCAT,
                             .module = -1,
                             .inputs = two,
                             .input_count = 2});
    x = tcet_add_linear(b, b->module(b, -1, "hidden", -1), x, 12, 1);
    x = tcet_add_op(b, TCET_OP_RELU, -1, x);
    x = tcet_add_linear(b, b->module(b, -1, "classifier", -1), x, 5, 1);
    b->output(b, x);
}

/* conv (bias) - norm - linear: 1 x 2 x 2 images, two classes, 12 parameters. */
static inline void net_small(struct graph *g)
{
    const tcet_task task = {sizeof task, 1, 2, 2, 2, 0, 0};
    tcet_builder *b;
    int32_t x, stem;

    graph_reset(g, &task);
    b = graph_builder(g);
    stem = b->module(b, -1, "stem", -1);
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    x = tcet_add_conv(b, b->module(b, stem, "", 0), x, 1, 1, 1, 0, 1);
    x = tcet_add_norm(b, b->module(b, stem, "", 1), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "fc", -1), x, 2, 0));
}

#endif
