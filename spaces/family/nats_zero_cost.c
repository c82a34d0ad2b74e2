/* nats_zero_cost.c -- zero-cost-nas's network of a NAS-Bench-201 cell: all five operations stand on
 * every edge, and the chosen one runs.  Room: spaces/family. */
#include "family/nats.h"

/* In a cell convolutions have a bias, and norms are of the batch alone; those of a reduction stay where
 * others are removed, since its copy for Synflow has them. */
enum place { OUTSIDE, CELL, REDUCTION };

static int32_t zero_cost_norm(tcet_builder *b, int32_t module, int32_t x, enum place place)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module, &x, 1);

    o.affine = o.track = place != CELL;
    o.kept = place == REDUCTION;
    o.eps = 1e-5;
    o.momentum = 0.1;
    return b->add(b, &o);
}

static tcet_op zero_cost_conv(int32_t module, const int32_t *x, int32_t channels, int32_t kernel,
                              int32_t stride)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, module, x, 1);

    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = kernel / 2;
    return o;
}

/* ReLU, convolution, norm; without `runs` it has its weights and no more. */
static int32_t zero_cost_relu_conv_norm(tcet_builder *b, int32_t parent, int32_t x,
                                        int32_t channels, int32_t kernel, int32_t stride,
                                        enum place place, int32_t runs)
{
    int32_t relu = b->module(b, parent, "op", 0), conv = b->module(b, parent, "op", 1);
    tcet_op o;

    b->module_class(b, parent, "ReLUConvBN");
    if (runs)
        x = tcet_add_op(b, TCET_OP_RELU, relu, x);
    o = zero_cost_conv(conv, &x, channels, kernel, stride);
    o.bias = place == CELL;
    if (!runs) {
        b->declare(b, &o);
        return x;
    }
    return zero_cost_norm(b, b->module(b, parent, "op", 2), b->add(b, &o), place);
}

/* The five operations of edge `edge`; what the chosen one gives. */
static int32_t zero_cost_edge(tcet_builder *b, int32_t cell, int32_t edge, int32_t op, int32_t x,
                              int32_t channels)
{
    static const int32_t order[NATS_OPS] = {NATS_NONE, NATS_AVG, NATS_CONV3, NATS_CONV1, NATS_SKIP};
    int32_t out = x;

    for (int32_t i = 0; i < NATS_OPS; i++) {
        int32_t module = b->module(b, cell, "options", edge * NATS_OPS + i), runs = order[i] == op;

        if (order[i] == NATS_CONV3 || order[i] == NATS_CONV1) {
            int32_t y = zero_cost_relu_conv_norm(b, module, x, channels,
                                                 order[i] == NATS_CONV3 ? 3 : 1, 1, CELL, runs);

            out = runs ? y : out;
        } else if (runs && op == NATS_AVG) {
            out =
                tcet_add_pool(b, TCET_OP_AVG_POOL, b->module(b, module, "avgpool", -1), x, 3, 1, 1);
        } else if (runs) {
            out = tcet_add_op(b, op == NATS_NONE ? TCET_OP_ZERO : TCET_OP_IDENTITY, module, x);
        }
    }
    return out;
}

static int32_t zero_cost_cell(tcet_builder *b, int32_t module, const int32_t *ops, int32_t x,
                              int32_t channels)
{
    int32_t node[CELL_NODES] = {x}, terms[CELL_NODES], n = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++) {
        terms[n++] = zero_cost_edge(b, module, e, ops[e], node[cell_from[e]], channels);
        if (e + 1 == CELL_EDGES || cell_to[e + 1] != cell_to[e]) {
            node[cell_to[e]] = n == 1 ? terms[0] : tcet_add_sum(b, -1, terms, n);
            n = 0;
        }
    }
    return node[CELL_NODES - 1];
}

/* The shortcut is created first and runs last. */
static int32_t zero_cost_reduction(tcet_builder *b, int32_t module, int32_t x, int32_t channels)
{
    int32_t pool = b->module(b, module, "residual", 0), conv = b->module(b, module, "residual", 1);
    int32_t sum[2] = {x, x};
    tcet_op o;

    sum[1] = zero_cost_relu_conv_norm(b, b->module(b, module, "conv_a", -1), x, channels, 3, 2,
                                      REDUCTION, 1);
    sum[1] = zero_cost_relu_conv_norm(b, b->module(b, module, "conv_b", -1), sum[1], channels, 3, 1,
                                      REDUCTION, 1);
    x = tcet_add_pool(b, TCET_OP_AVG_POOL, pool, x, 2, 2, 0);
    o = zero_cost_conv(conv, &x, channels, 1, 1);
    sum[0] = b->add(b, &o);
    return tcet_add_sum(b, -1, sum, 2);
}

void nats_zero_cost(tcet_builder *b, const int32_t *ops, int32_t classes)
{
    enum { CHANNELS = 16, CELLS = 5, STAGES = 3 };
    static const char *const stacks[STAGES] = {"stack_cell1", "stack_cell2", "stack_cell3"};
    static const char *const reductions[STAGES - 1] = {"reduction1", "reduction2"};
    int32_t x = tcet_add_op(b, TCET_OP_INPUT, -1, 0), cell = 0, channels = CHANNELS, top;

    x = tcet_add_conv(b, b->module(b, -1, "stem.net", 0), x, channels, 3, 1, 1, 0);
    x = zero_cost_norm(b, b->module(b, -1, "stem.net", 1), x, OUTSIDE);
    for (int32_t stage = 0; stage < STAGES; stage++) {
        if (stage > 0) {
            channels *= 2;
            b->cell(b, cell++);
            x = zero_cost_reduction(b, b->module(b, -1, reductions[stage - 1], -1), x, channels);
        }
        for (int32_t i = 0; i < CELLS; i++) {
            b->cell(b, cell++);
            x = zero_cost_cell(b, b->module(b, -1, stacks[stage], i), ops, x, channels);
        }
    }
    b->cell(b, -1);
    top = b->module(b, -1, "top", -1);
    x = zero_cost_norm(b, b->module(b, top, "lastact", 0), x, OUTSIDE);
    x = tcet_add_op(b, TCET_OP_RELU, b->module(b, top, "lastact", 1), x);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, top, "global_pooling", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, top, "classifier", -1), x, classes, 1));
}
