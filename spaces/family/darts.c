/* darts.c -- see darts.h.  Room: spaces/family. */
#include "family/darts.h"

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

int32_t darts_separable(tcet_builder *b, int32_t parent, int32_t first, int32_t x, int32_t channels,
                        int32_t kernel, int32_t stride, int32_t dilation)
{
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "op", first), x);
    x = darts_conv(b, b->module(b, parent, "op", first + 1), x, channels, kernel, stride, dilation,
                   channels);
    x = darts_conv(b, b->module(b, parent, "op", first + 2), x, channels, 1, 1, 1, 1);
    return tcet_add_norm(b, b->module(b, parent, "op", first + 3), x);
}

int32_t darts_sep_conv(tcet_builder *b, int32_t parent, int32_t x, int32_t channels, int32_t kernel,
                       int32_t stride)
{
    x = darts_separable(b, parent, 0, x, channels, kernel, stride, 1);
    return darts_separable(b, parent, 4, x, channels, kernel, 1, 1);
}

int32_t darts_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x, int32_t channels)
{
    b->module_class(b, parent, "ReLUConvBN");
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "op", 0), x);
    x = tcet_add_conv(b, b->module(b, parent, "op", 1), x, channels, 1, 1, 0, 0);
    return tcet_add_norm(b, b->module(b, parent, "op", 2), x);
}

int32_t darts_factorized_reduce(tcet_builder *b, int32_t parent, int32_t x, int32_t channels)
{
    int32_t halves[2], moved;
    tcet_op o;

    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, parent, "relu", -1), x);
    halves[0] = tcet_add_conv(b, b->module(b, parent, "conv_1", -1), x, channels / 2, 1, 2, 0, 0);
    o = tcet_op_from(TCET_OP_SLICE, -1, &x, 1);
    o.offset_h = o.offset_w = 1;
    moved = b->add(b, &o);
    halves[1] =
        tcet_add_conv(b, b->module(b, parent, "conv_2", -1), moved, channels / 2, 1, 2, 0, 0);
    o = tcet_op_from(TCET_OP_CONCAT, -1, halves, 2);
    return tcet_add_norm(b, b->module(b, parent, "bn", -1), b->add(b, &o));
}
