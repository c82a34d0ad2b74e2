/* nats.c -- see nats.h.  Room: spaces/family. */
#include "family/nats.h"

const char *const nats_datasets[] = {"cifar10", "cifar100", "ImageNet16-120", NULL};

void nats_task(int32_t dataset, tcet_task *out)
{
    static const int32_t size[] = {32, 32, 16};
    static const int32_t classes[] = {10, 100, 120};

    out->channels = 3;
    out->height = out->width = size[dataset];
    out->classes = classes[dataset];
}

/* ReLUConvBN: relu, convolution without bias, batch norm, as `parent`.op.0 to .2. */
static int32_t nats_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x, int32_t channels,
                                   int32_t kernel, int32_t stride)
{
    b->module_class(b, parent, "ReLUConvBN");
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "op", 0), x);
    x = tcet_add_conv(b, b->module(b, parent, "op", 1), x, channels, kernel, stride, kernel / 2, 0);
    return tcet_add_norm(b, b->module(b, parent, "op", 2), x);
}

/* One edge of a cell: x goes through op and has `channels` channels after it. */
static int32_t nats_edge(tcet_builder *b, int32_t layer, int32_t op, int32_t x, int32_t in_channels,
                         int32_t channels)
{
    switch (op) {
    case NATS_NONE: return tcet_add_op(b, TCET_OP_ZERO, layer, x);
    case NATS_CONV1: return nats_relu_conv_norm(b, layer, x, channels, 1, 1);
    case NATS_CONV3: return nats_relu_conv_norm(b, layer, x, channels, 3, 1);
    case NATS_AVG:
        return tcet_add_pool(b, TCET_OP_AVG_POOL, b->module(b, layer, "op", -1), x, 3, 1, 1);
    default: break;
    }
    if (in_channels == channels)
        return tcet_add_op(b, TCET_OP_IDENTITY, layer, x);
    /* A skip that widens is the official FactorizedReduce of stride 1, whose relu is declared
     * but not applied. */
    x = tcet_add_conv(b, b->module(b, layer, "conv", -1), x, channels, 1, 1, 0, 0);
    return tcet_add_norm(b, b->module(b, layer, "bn", -1), x);
}

int32_t nats_cell(tcet_builder *b, int32_t cell, const int32_t *ops, int32_t x, int32_t in_channels,
                  int32_t channels)
{
    int32_t node[CELL_NODES] = {x}, terms[CELL_NODES];
    int32_t module, n = 0;

    b->cell(b, cell);
    module = b->module(b, -1, "cells", cell);
    for (int32_t e = 0; e < CELL_EDGES; e++) {
        int32_t from = cell_from[e], to = cell_to[e];

        terms[n++] = nats_edge(b, b->module(b, module, "layers", e), ops[e], node[from],
                               from ? channels : in_channels, channels);
        if (e + 1 == CELL_EDGES || cell_to[e + 1] != to) {
            node[to] = n == 1 ? terms[0] : tcet_add_sum(b, -1, terms, n);
            n = 0;
        }
    }
    return node[CELL_NODES - 1];
}

int32_t nats_block(tcet_builder *b, int32_t cell, int32_t x, int32_t channels)
{
    int32_t module, y, terms[2];

    b->cell(b, cell);
    module = b->module(b, -1, "cells", cell);
    y = nats_relu_conv_norm(b, b->module(b, module, "conv_a", -1), x, channels, 3, 2);
    y = nats_relu_conv_norm(b, b->module(b, module, "conv_b", -1), y, channels, 3, 1);
    x = tcet_add_pool(b, TCET_OP_AVG_POOL, b->module(b, module, "downsample", 0), x, 2, 2, 0);
    x = tcet_add_conv(b, b->module(b, module, "downsample", 1), x, channels, 1, 1, 0, 0);
    terms[0] = x;
    terms[1] = y;
    return tcet_add_sum(b, -1, terms, 2);
}

int32_t nats_stem(tcet_builder *b, int32_t channels)
{
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);

    x = tcet_add_conv(b, b->module(b, -1, "stem", 0), x, channels, 3, 1, 1, 0);
    return tcet_add_norm(b, b->module(b, -1, "stem", 1), x);
}

void nats_head(tcet_builder *b, int32_t x, int32_t classes)
{
    b->cell(b, -1);
    x = tcet_add_norm(b, b->module(b, -1, "lastact", 0), x);
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, -1, "lastact", 1), x);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, -1, "global_pooling", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "classifier", -1), x, classes, 1));
}
