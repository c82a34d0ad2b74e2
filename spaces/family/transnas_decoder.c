/* transnas_decoder.c -- see transnas_decoder.h.  Room: spaces/family. */
#include "family/transnas_decoder.h"

enum { FEWEST = 2, MOST = 6, HEAD = 1024 };

int32_t transnas_doublings(int32_t height, int32_t width, int32_t to_height, int32_t to_width)
{
    for (int32_t k = FEWEST; k <= MOST; k++)
        if ((int64_t)height << k == to_height && (int64_t)width << k == to_width)
            return k;
    return 0;
}

/* ConvLayer and DeconvLayer, which doubles the size: a 3x3 convolution with bias. */
static int32_t add_conv(tcet_builder *b, int32_t layer, int32_t x, int32_t channels, int up)
{
    int32_t module = b->module(b, layer, "conv", -1);
    tcet_op o;

    b->module_class(b, layer, up ? "DeconvLayer" : "ConvLayer");
    if (!up)
        return tcet_add_conv(b, module, x, channels, 3, 1, 1, 1);
    o = tcet_op_from(TCET_OP_CONV_TRANSPOSE, module, &x, 1);
    o.channels = channels;
    o.kernel_h = o.kernel_w = 3;
    o.stride_h = o.stride_w = 2;
    o.padding_h = o.padding_w = o.offset_h = o.offset_w = 1;
    o.bias = 1;
    return b->add(b, &o);
}

/* With a norm and a leaky ReLU after it. */
static int32_t add_layer(tcet_builder *b, int32_t layer, int32_t x, int32_t channels, int up)
{
    int32_t activation;
    tcet_op o;

    x = add_conv(b, layer, x, channels, up);
    activation = b->module(b, layer, "activation", -1); /* before the norm, as it is registered */
    x = tcet_add_norm(b, b->module(b, layer, "norm", -1), x);
    o = tcet_op_from(TCET_OP_LEAKY_RELU, activation, &x, 1);
    o.eps = 0.2;
    return b->add(b, &o);
}

int32_t transnas_segmentation(tcet_builder *b, int32_t decoder, int32_t x, int32_t doublings,
                              int32_t channels)
{
    int32_t model = b->module(b, decoder, "model", -1), width = HEAD, number = 0;

    x = add_layer(b, b->module(b, model, "", number++), x, width, 0);
    for (int32_t k = 1; k < MOST; k++) {
        width /= 2;
        x = add_layer(b, b->module(b, model, "", number++), x, width, k > MOST - doublings);
    }
    x = add_layer(b, b->module(b, model, "", number++), x, width, 1);
    return add_conv(b, b->module(b, model, "", number), x, channels, 0);
}

int32_t transnas_generative(tcet_builder *b, int32_t decoder, int32_t x, int32_t doublings,
                            int32_t channels)
{
    /* Channels, and from how many doublings on the layer is one of them; 0: never. */
    static const struct {
        const char *name;
        int32_t channels, doubles;
    } layers[] = {{"conv1", HEAD, 0}, {"conv2", HEAD, 0}, {"conv3", 512, 6}, {"conv4", 512, 0},
                  {"conv5", 256, 5},  {"conv6", 128, 0},  {"conv7", 64, 4},  {"conv8", 64, 0},
                  {"conv9", 32, 3},   {"conv10", 32, 0},  {"conv11", 16, 2}, {"conv12", 32, 0},
                  {"conv13", 16, 2}};
    int32_t last;

    for (size_t k = 0; k < TCET_COUNT(layers); k++)
        x = add_layer(b, b->module(b, decoder, layers[k].name, -1), x, layers[k].channels,
                      layers[k].doubles && doublings >= layers[k].doubles);
    last = b->module(b, decoder, "conv14", -1);
    x = add_conv(b, last, x, channels, 0);
    return tcet_add_op(b, TCET_OP_TANH, b->module(b, last, "activation", -1), x);
}
