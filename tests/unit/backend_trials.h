/* backend_trials.h -- every operation of the graph in a small network of its own, for tests of a
 * backend; with backend_reference.h.  Room: tests; stands on backend_host.h and core/graph. */
#ifndef TESTS_BACKEND_TRIALS_H
#define TESTS_BACKEND_TRIALS_H

#include "backend_host.h"
#include "backend_reference.h"

#include "graph/graph.h"

enum { STEMS = 3, OP_BATCH = 3, OP_SIDE = 6, OP_CHANNELS = 3, OP_CLASSES = 4 };

/* One operation between stems (3 x 3 convolutions of the image, one an input, of so many channels
 * and that stride; pooled: then globally pooled) and a linear layer. */
struct trial {
    tcet_op op; /* without struct_size, inputs, module */
    const char *variant;
    int32_t channels[STEMS], stride[STEMS], pooled[STEMS];
};

/* Some places of 36 positions, and of 2 x 36 numbers; one twice, one left out. */
static const int32_t some_positions[] = {7, 0, 35, -1, 7, 12},
                     some_numbers[] = {71, 3, 40, 3, -1, 8};

static const struct trial trials[] = {
    {.op = {.op = TCET_OP_INPUT}, .variant = ""},
    {.op = {.op = TCET_OP_CONV2D,
            .input_count = 1,
            .channels = 6,
            .kernel_h = 3,
            .kernel_w = 3,
            .padding_h = 1,
            .padding_w = 1},
     .variant = "3x3",
     .channels = {4}},
    {.op = {.op = TCET_OP_CONV2D,
            .input_count = 1,
            .channels = 6,
            .kernel_h = 3,
            .kernel_w = 2,
            .padding_h = 2,
            .padding_w = 1,
            .stride_h = 2,
            .stride_w = 1,
            .dilation_h = 2,
            .dilation_w = 1,
            .groups = 2,
            .bias = 1},
     .variant = "grouped, dilated, strided",
     .channels = {4}},
    {.op = {.op = TCET_OP_CONV_TRANSPOSE,
            .input_count = 1,
            .channels = 6,
            .kernel_h = 3,
            .kernel_w = 3,
            .padding_h = 1,
            .padding_w = 1,
            .stride_h = 2,
            .stride_w = 2,
            .offset_h = 1,
            .offset_w = 1,
            .bias = 1},
     .variant = "twice the size",
     .channels = {4}},
    {.op = {.op = TCET_OP_CONV_TRANSPOSE,
            .input_count = 1,
            .channels = 6,
            .kernel_h = 3,
            .kernel_w = 2,
            .padding_h = 2,
            .padding_w = 1,
            .stride_h = 2,
            .stride_w = 1,
            .dilation_h = 2,
            .dilation_w = 1,
            .groups = 2},
     .variant = "grouped, dilated",
     .channels = {4}},
    {.op = {.op = TCET_OP_LINEAR, .input_count = 1, .channels = 7, .bias = 1},
     .variant = "",
     .channels = {3},
     .stride = {2}},
    {.op = {.op = TCET_OP_BATCH_NORM, .input_count = 1, .affine = 1, .track = 1},
     .variant = "affine",
     .channels = {5}},
    {.op = {.op = TCET_OP_BATCH_NORM, .input_count = 1}, .variant = "plain", .channels = {5}},
    {.op = {.op = TCET_OP_RELU, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_AVG_POOL,
            .input_count = 1,
            .kernel_h = 3,
            .kernel_w = 3,
            .stride_h = 1,
            .stride_w = 1,
            .padding_h = 1,
            .padding_w = 1},
     .variant = "3x3",
     .channels = {5}},
    {.op = {.op = TCET_OP_AVG_POOL,
            .input_count = 1,
            .kernel_h = 3,
            .kernel_w = 2,
            .stride_h = 2,
            .stride_w = 2,
            .padding_h = 1,
            .count_include_pad = 1},
     .variant = "padding counted",
     .channels = {5}},
    {.op = {.op = TCET_OP_MAX_POOL,
            .input_count = 1,
            .kernel_h = 3,
            .kernel_w = 3,
            .stride_h = 2,
            .stride_w = 2,
            .padding_h = 1,
            .padding_w = 1},
     .variant = "3x3",
     .channels = {5}},
    {.op = {.op = TCET_OP_GLOBAL_POOL, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_ADD, .input_count = 3}, .variant = "", .channels = {5, 5, 5}},
    {.op = {.op = TCET_OP_CONCAT, .input_count = 3}, .variant = "", .channels = {2, 5, 1}},
    {.op = {.op = TCET_OP_MUL, .input_count = 2}, .variant = "", .channels = {5, 5}},
    {.op = {.op = TCET_OP_MUL, .input_count = 2},
     .variant = "a number a channel",
     .channels = {5, 5},
     .pooled = {0, 1}},
    {.op = {.op = TCET_OP_ZERO, .input_count = 1, .stride_h = 2, .stride_w = 2},
     .variant = "",
     .channels = {5}},
    {.op = {.op = TCET_OP_IDENTITY, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_SLICE,
            .input_count = 1,
            .channels = 2,
            .offset_c = 1,
            .offset_h = 1,
            .offset_w = 2},
     .variant = "",
     .channels = {5}},
    {.op = {.op = TCET_OP_PAD, .input_count = 1, .padding_h = 1, .padding_w = 2},
     .variant = "",
     .channels = {5}},
    {.op = {.op = TCET_OP_SIGMOID, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_SWISH, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_HSWISH, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_RELU6, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_GELU, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_HSIGMOID, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_LEAKY_RELU, .input_count = 1, .eps = 0.2},
     .variant = "",
     .channels = {5}},
    {.op = {.op = TCET_OP_TANH, .input_count = 1}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_SHUFFLE, .input_count = 1, .groups = 2}, .variant = "", .channels = {6}},
    {.op = {.op = TCET_OP_SCALE, .input_count = 1, .eps = -0.7}, .variant = "", .channels = {5}},
    {.op = {.op = TCET_OP_PARAMETER, .affine = 1, .extent_count = 2, .extents = {2, 3}},
     .variant = "learned"},
    {.op = {.op = TCET_OP_PARAMETER, .extent_count = 1, .extents = {4}}, .variant = "constant"},
    {.op = {.op = TCET_OP_ARRANGE,
            .input_count = 1,
            .kernel_h = 2,
            .kernel_w = 3,
            .index = some_positions,
            .index_count = 6},
     .variant = "positions",
     .channels = {5}},
    {.op = {.op = TCET_OP_ARRANGE,
            .input_count = 1,
            .channels = 3,
            .kernel_h = 1,
            .kernel_w = 2,
            .index = some_numbers,
            .index_count = 6},
     .variant = "numbers",
     .channels = {2}},
    {.op = {.op = TCET_OP_MATMUL_T, .input_count = 2}, .variant = "one head", .channels = {3, 3}},
    {.op = {.op = TCET_OP_MATMUL_T, .input_count = 2, .groups = 2},
     .variant = "two heads, fewer keys",
     .channels = {6, 6},
     .stride = {1, 2}},
    {.op = {.op = TCET_OP_MATMUL, .input_count = 2, .groups = 2},
     .variant = "two heads, one key",
     .channels = {2, 6},
     .pooled = {0, 1}},
    {.op = {.op = TCET_OP_MATMUL, .input_count = 2, .groups = 2},
     .variant = "two heads, fewer keys",
     .channels = {18, 4},
     .stride = {1, 2}},
    {.op = {.op = TCET_OP_SOFTMAX, .input_count = 1}, .variant = "one head", .channels = {5}},
    {.op = {.op = TCET_OP_SOFTMAX, .input_count = 1, .groups = 2},
     .variant = "two heads",
     .channels = {6}},
    {.op = {.op = TCET_OP_LAYER_NORM, .input_count = 1, .affine = 1},
     .variant = "affine",
     .channels = {5}},
    {.op = {.op = TCET_OP_LAYER_NORM, .input_count = 1, .eps = 0.1},
     .variant = "plain",
     .channels = {5}},
};
enum { TRIALS = sizeof trials / sizeof *trials };

/* -- a network for a trial --------------------------------------------------------------- */

/* The parameters and images twice: as the backend gets them, and as the reference does. */
struct setup {
    struct graph *graph;
    const tcet_graph *view;
    float *params, *x;
    double *params_f64, *x_f64;
    int64_t *y, images;
};

static int32_t stem(tcet_builder *b, const struct trial *t, int32_t image, int32_t k)
{
    int32_t stride = t->stride[k] ? t->stride[k] : 1;
    int32_t x =
        tcet_add_conv(b, b->module(b, -1, "stem", k), image, t->channels[k], 3, stride, 1, 1);

    return t->pooled[k] ? tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, x) : x;
}

/* beside: another linear layer reads the first stem too, after the operation. */
static void make_network(const struct trial *t, struct graph *g, int32_t side, int beside)
{
    const tcet_task task = {.struct_size = sizeof task,
                            .channels = OP_CHANNELS,
                            .height = side,
                            .width = side,
                            .classes = OP_CLASSES};
    tcet_builder *b = graph_builder(g);
    struct error err = {0};
    int32_t in[STEMS], image, x[2];
    tcet_op op = t->op;

    graph_reset(g, &task);
    image = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    for (int32_t k = 0; k < op.input_count; k++)
        in[k] = stem(b, t, image, k);
    op.struct_size = sizeof op;
    op.inputs = in;
    op.module = b->module(b, -1, "op", -1);
    x[0] = op.op == TCET_OP_INPUT ? image : b->add(b, &op);
    x[0] = tcet_add_linear(b, b->module(b, -1, "head", -1), x[0], OP_CLASSES, 1);
    if (beside && op.input_count) {
        x[1] = tcet_add_linear(b, b->module(b, -1, "beside", -1), in[0], OP_CLASSES, 0);
        x[0] = tcet_add_sum(b, -1, x, 2);
    }
    b->output(b, x[0]);
    if (graph_finish(g, &err) != TCET_OK)
        fail_msg("%s", err.text);
}

static void set_up(struct setup *s, const struct trial *t, int32_t side, int64_t images, int beside)
{
    int64_t pixels;

    s->graph = graph_new();
    make_network(t, s->graph, side, beside);
    s->view = graph_view(s->graph);
    s->images = images;
    pixels = images * OP_CHANNELS * side * side;
    s->params = calloc((size_t)s->view->param_floats, sizeof *s->params);
    s->params_f64 = calloc((size_t)s->view->param_floats, sizeof *s->params_f64);
    s->x = calloc((size_t)pixels, sizeof *s->x);
    s->x_f64 = calloc((size_t)pixels, sizeof *s->x_f64);
    s->y = calloc((size_t)images, sizeof *s->y);
    noise = 7;
    for (int64_t i = 0; i < s->view->param_floats; i++)
        s->params_f64[i] = (double)(s->params[i] = 0.4f * uniform());
    for (int64_t i = 0; i < pixels; i++)
        s->x_f64[i] = (double)(s->x[i] = 1.5f * uniform());
    for (int64_t i = 0; i < images; i++)
        s->y[i] = (3 * i + 1) % OP_CLASSES;
}

static void tear_down(struct setup *s)
{
    graph_free(s->graph);
    free(s->params);
    free(s->params_f64);
    free(s->x);
    free(s->x_f64);
    free(s->y);
}

/* -- checks ------------------------------------------------------------------------------ */

static char what[128]; /* the operation and kernels in hand, for messages */

static double loss_at(const struct setup *s, const double *params)
{
    return reference_loss(s->view, params, s->x_f64, s->y, s->images);
}

/* d loss / d parameter `at`. */
static double slope_at(const struct setup *s, int64_t at, double step)
{
    const double keep = s->params_f64[at];
    double high, low;

    s->params_f64[at] = keep + step;
    high = loss_at(s, s->params_f64);
    s->params_f64[at] = keep - step;
    low = loss_at(s, s->params_f64);
    s->params_f64[at] = keep;
    return (high - low) / (2 * step);
}

#endif
