/* test_graph_build.c -- protects the builder: shapes as PyTorch infers them, refusals that
 * name the module and the shapes, stickiness, counts, the parameter layout and the order of
 * the init program. */
#include "graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct graph *g;
    tcet_builder *b;
    int32_t x; /* input node */
};

static void start(struct fixture *f, int32_t c, int32_t h, int32_t w, int32_t classes)
{
    tcet_task task = {sizeof task, c, h, w, classes, 0, 0};

    if (!f->g)
        f->g = graph_new();
    graph_reset(f->g, &task);
    f->b = graph_builder(f->g);
    f->x = tcet_add_op(f->b, TCET_OP_INPUT, -1, 0);
}

static void assert_shape(struct fixture *f, int32_t node, int32_t c, int32_t h, int32_t w)
{
    int32_t nc, nh, nw;

    f->b->shape(f->b, node, &nc, &nh, &nw);
    assert_int_equal(nc, c);
    assert_int_equal(nh, h);
    assert_int_equal(nw, w);
}

static tcet_op with(uint32_t op, int32_t module, const int32_t *inputs, int32_t n)
{
    return tcet_op_from(op, module, inputs, n);
}

/* Every operation's output shape, with PyTorch's formulas and defaults. */
static void test_shapes(void **state)
{
    struct fixture f = {0};
    int32_t two[2], m;
    tcet_op o;

    (void)state;
    start(&f, 6, 11, 9, 10);
    assert_shape(&f, f.x, 6, 11, 9);
    m = f.b->module(f.b, -1, "conv", 0);
    o = with(TCET_OP_CONV2D, m, &f.x, 1);
    o.channels = 8;
    o.kernel_h = 3, o.kernel_w = 5;
    o.stride_h = 2;
    o.padding_w = 1;
    o.dilation_h = 2;
    o.groups = 2;
    /* h: (11 - 2*2 - 1)/2 + 1 = 4, w: 9 + 2 - 5 + 1 = 7 */
    assert_shape(&f, f.b->add(f.b, &o), 8, 4, 7);
    assert_int_equal(graph_module_macs(f.g, m), 8 * 3 * 3 * 5 * 4 * 7);

    assert_shape(&f, tcet_add_pool(f.b, TCET_OP_AVG_POOL, -1, f.x, 2, 0, 0), 6, 5, 4);
    assert_shape(&f, tcet_add_pool(f.b, TCET_OP_MAX_POOL, -1, f.x, 3, 2, 1), 6, 6, 5);
    assert_shape(&f, tcet_add_op(f.b, TCET_OP_GLOBAL_POOL, -1, f.x), 6, 1, 1);
    assert_shape(&f, tcet_add_norm(f.b, f.b->module(f.b, -1, "bn", -1), f.x), 6, 11, 9);

    two[0] = two[1] = f.x;
    o = with(TCET_OP_CONCAT, -1, two, 2);
    assert_shape(&f, f.b->add(f.b, &o), 12, 11, 9);
    assert_shape(&f, tcet_add_sum(f.b, -1, two, 2), 6, 11, 9);
    two[1] = tcet_add_op(f.b, TCET_OP_GLOBAL_POOL, -1, f.x);
    o = with(TCET_OP_MUL, -1, two, 2);
    assert_shape(&f, f.b->add(f.b, &o), 6, 11, 9);

    /* products of tokens: heads of scores, and back */
    two[0] = f.x;
    two[1] = tcet_add_pool(f.b, TCET_OP_AVG_POOL, -1, f.x, 3, 0, 0); /* [6, 3, 3] */
    o = with(TCET_OP_MATMUL_T, -1, two, 2);
    o.groups = 2;
    two[0] = f.b->add(f.b, &o);
    assert_shape(&f, two[0], 18, 11, 9);
    o = with(TCET_OP_MATMUL, -1, two, 2);
    o.groups = 2;
    assert_shape(&f, f.b->add(f.b, &o), 6, 11, 9);

    o = with(TCET_OP_ZERO, -1, &f.x, 1);
    o.stride_h = o.stride_w = 2;
    o.channels = 16;
    assert_shape(&f, f.b->add(f.b, &o), 16, 6, 5);
    o = with(TCET_OP_SLICE, -1, &f.x, 1);
    o.offset_c = 1, o.channels = 4, o.offset_h = 1, o.offset_w = 2;
    assert_shape(&f, f.b->add(f.b, &o), 4, 10, 7);
    o.channels = 0;
    assert_shape(&f, f.b->add(f.b, &o), 5, 10, 7);
    o = with(TCET_OP_PAD, -1, &f.x, 1);
    o.padding_h = 1, o.padding_w = 3;
    assert_shape(&f, f.b->add(f.b, &o), 6, 12, 12);

    m = f.b->module(f.b, -1, "fc", -1);
    assert_shape(&f, tcet_add_linear(f.b, m, f.x, 10, 1), 10, 1, 1);
    assert_int_equal(graph_module_macs(f.g, m), 10 * 6 * 11 * 9);
    assert_int_equal(graph_module_bias_macs(f.g, m), 10);
    assert_int_equal(f.b->status(f.b), TCET_OK);
    graph_free(f.g);
}

/* A refusal names module, operation and both shapes; later calls change nothing. */
static void assert_refused(struct fixture *f, tcet_status code, const char *want)
{
    struct error err = {0};

    assert_int_equal(f->b->status(f->b), code);
    assert_true(f->b->module(f->b, -1, "late", -1) < 0);
    assert_true(tcet_add_op(f->b, TCET_OP_RELU, -1, f->x) < 0);
    f->b->output(f->b, 12345);
    f->b->init(f->b, 99, 99, 0, 0);
    assert_int_equal(graph_finish(f->g, &err), code);
    if (!strstr(err.text, want))
        fail_msg("message \"%s\" lacks \"%s\"", err.text, want);
}

static void test_refusals(void **state)
{
    static const int32_t places[] = {0, 64, 1};
    struct fixture f = {0};
    int32_t m, two[2];
    tcet_op o;

    (void)state;
    start(&f, 3, 8, 8, 10);
    m = f.b->module(f.b, f.b->module(f.b, -1, "cells", 4), "op", 1);
    two[0] = f.x;
    two[1] = tcet_add_pool(f.b, TCET_OP_AVG_POOL, -1, f.x, 2, 2, 0);
    tcet_add_sum(f.b, m, two, 2);
    assert_refused(&f, TCET_E_PLUGIN,
                   "cells.4.op.1 (add): shapes [3, 8, 8] and [3, 4, 4] of inputs 1 and 2");

    start(&f, 3, 8, 8, 10); /* twice the padding is no int32 */
    o = with(TCET_OP_MAX_POOL, -1, &f.x, 1);
    o.kernel_h = o.kernel_w = 3, o.padding_h = 1 << 30, o.padding_w = 1;
    o.stride_h = INT32_MAX, o.stride_w = 1;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "padding 1073741824 x 1 is more than half the kernel 3 x 3");

    start(&f, 3, 8, 8, 10);
    tcet_add_pool(f.b, TCET_OP_AVG_POOL, -1, f.x, 8192, 1, 4096);
    assert_refused(&f, TCET_E_PLUGIN, "a kernel of 8192 x 8192 has more than 16777216 places");

    start(&f, 3, 2, 2, 10); /* the user's resolution is too small: not the plugin's fault */
    m = f.b->module(f.b, -1, "stem", 0);
    tcet_add_conv(f.b, m, f.x, 8, 3, 1, 0, 0);
    assert_refused(&f, TCET_E_ARG,
                   "stem.0 (conv2d): a kernel of 3 x 3 does not fit the input of shape [3, 2, 2]");

    start(&f, 3, 0, 8, 10);
    assert_refused(&f, TCET_E_ARG, "(input): the task's input shape [3, 0, 8] is empty");

    start(&f, 3, 8, 8, 10);
    m = f.b->module(f.b, -1, "conv", -1);
    tcet_add_conv(f.b, m, tcet_add_conv(f.b, m, f.x, 8, 3, 1, 1, 0), 8, 3, 1, 1, 0);
    assert_refused(&f, TCET_E_PLUGIN,
                   "[8, 3, 3, 3] already; used again it would need [8, 8, 3, 3]");

    start(&f, 3, 8, 8, 10);
    tcet_add_conv(f.b, -1, f.x, 8, 3, 1, 1, 0);
    assert_refused(&f, TCET_E_PLUGIN, "node 1 (conv2d): parameters need a module");

    start(&f, 3, 8, 8, 10);
    o = with(TCET_OP_CONV2D, f.b->module(f.b, -1, "c", -1), &f.x, 1);
    o.channels = 8, o.kernel_h = o.kernel_w = 1, o.groups = 2;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "c (conv2d): 2 groups");

    start(&f, 3, 8, 8, 10);
    tcet_add_op(f.b, TCET_OP_RELU, -1, 7);
    assert_refused(&f, TCET_E_PLUGIN, "node 1 (relu): input 1 is node 7, which does not exist");

    start(&f, 3, 8, 8, 10);
    tcet_add_op(f.b, TCET_OP_RELU, 7, f.x);
    assert_refused(&f, TCET_E_PLUGIN, "there is no module 7");

    start(&f, 3, 8, 8, 10);
    o = with(99, -1, &f.x, 1);
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "there is no operation 99");

    start(&f, 3, 8, 8, 10);
    o = with(TCET_OP_MUL, -1, &f.x, 1);
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "(mul): 1 inputs, there must be 2");

    start(&f, 3, 8, 8, 10);
    o = with(TCET_OP_SLICE, -1, &f.x, 1);
    o.offset_c = 2, o.channels = 2;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "outside the input of shape [3, 8, 8]");

    start(&f, 3, 8, 8, 10);
    two[0] = f.x;
    two[1] = tcet_add_conv(f.b, f.b->module(f.b, -1, "k", -1), f.x, 4, 1, 1, 0, 0);
    o = with(TCET_OP_MATMUL_T, -1, two, 2);
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN,
                   "(matmul_t): shapes [3, 8, 8] and [4, 8, 8] differ in channels");

    start(&f, 3, 8, 8, 10);
    two[0] = two[1] = f.x;
    o = with(TCET_OP_MATMUL_T, -1, two, 2);
    o.groups = 2;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "(matmul_t): 2 groups do not divide 3 channels");

    start(&f, 3, 8, 8, 10);
    two[0] = two[1] = f.x;
    o = with(TCET_OP_MATMUL, -1, two, 2);
    o.groups = 3;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN,
                   "(matmul): the first input has 3 channels, it must have 3 groups of 64, one a "
                   "position of the second of shape [3, 8, 8]");

    start(&f, 3, 8, 8, 10);
    o = with(TCET_OP_PARAMETER, f.b->module(f.b, -1, "token", -1), NULL, 0);
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "token (parameter): 0 extents, there must be 1 to 4");

    start(&f, 3, 8, 8, 10);
    o = with(TCET_OP_ARRANGE, -1, &f.x, 1);
    o.kernel_h = 2;
    o.kernel_w = 1;
    o.index = places;
    o.index_count = 3;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "(arrange): 3 indices for shape [0, 2, 1]");

    start(&f, 3, 8, 8, 10);
    o.inputs = &f.x;
    o.index_count = 2;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "(arrange): index 1 is 64, of 64 places");

    start(&f, 1 << 20, 1 << 20, 1 << 20, 10);
    assert_refused(&f, TCET_E_ARG, "too large");

    start(&f, 3, 8, 8, 10);
    tcet_add_linear(f.b, f.b->module(f.b, -1, "fc", -1), f.x, 7, 1);
    f.b->output(f.b, 1);
    assert_int_equal(f.b->status(f.b), TCET_OK);
    {
        struct error err;

        assert_int_equal(graph_finish(f.g, &err), TCET_E_PLUGIN);
        assert_non_null(strstr(err.text, "[7, 1, 1], the task wants [10, 1, 1]"));
    }
    start(&f, 3, 8, 8, 10);
    f.b->output(f.b, f.x);
    f.b->output(f.b, f.x);
    assert_refused(&f, TCET_E_PLUGIN, "called twice");
    start(&f, 3, 8, 8, 10);
    f.b->init(f.b, TCET_INIT_BIAS, f.b->module(f.b, -1, "empty", -1), 0, 0);
    tcet_add_linear(f.b, f.b->module(f.b, -1, "fc", -1), f.x, 10, 0);
    f.b->output(f.b, 1);
    {
        struct error err;

        assert_int_equal(graph_finish(f.g, &err), TCET_E_PLUGIN);
        assert_non_null(strstr(err.text, "empty: init step for a bias that is not there"));
    }
    graph_free(f.g);
}

/* What a module's own numbers are to the network: those that are not learned are not counted, a
 * constant's sign stays in passes of magnitudes, and no draw of weights touches them. */
static void test_own_numbers(void **state)
{
    static const float given[2] = {-3, 5};
    struct fixture f = {0};
    struct graph_counts n;
    struct error err;
    int32_t sum[3];
    tcet_rng r;
    float w[6 + 2 + 2];

    (void)state;
    start(&f, 2, 1, 1, 2);
    for (int k = 0; k < 3; k++) { /* learned, a buffer, a constant */
        tcet_op o = with(TCET_OP_PARAMETER, f.b->module(f.b, -1, "own", k), NULL, 0);

        o.affine = k == 0;
        o.track = k == 1;
        o.extent_count = 1;
        o.extents[0] = 2;
        sum[k] = f.b->add(f.b, &o);
        if (k)
            f.b->values(f.b, TCET_VALUES_WEIGHT, o.module, given, 2);
    }
    sum[0] = tcet_add_sum(f.b, -1, sum, 3);
    f.b->output(f.b, tcet_add_linear(f.b, f.b->module(f.b, -1, "fc", -1), sum[0], 2, 0));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    graph_count(f.g, &n);
    assert_int_equal(n.params, 2 + 4);
    assert_int_equal(n.layers, 1);
    assert_int_equal(graph_view(f.g)->param_floats, 10);
    for (int gaussian = 0; gaussian < 2; gaussian++) {
        rng_seed(&r, 1);
        if (gaussian)
            graph_draw_gaussian(f.g, w, &r, w);
        else
            graph_draw(f.g, &r, w);
        assert_true(w[0] == 0 && w[1] == 0 && w[2] == -3 && w[3] == 5 && w[4] == -3 && w[5] == 5);
    }
    graph_absolute(f.g, w, w);
    assert_true(w[2] == 3 && w[4] == -3);
    for (int k = 6; k < 10; k++)
        assert_true(w[k] >= 0);
    graph_free(f.g);
}

/* A transposed convolution's weight is drawn in its turn, by PyTorch's fan-in, and counted; it is no layer,
 * so that none of the references' proxies' terms is of it.  A map of outputs is as large as the images. */
static void test_transposed(void **state)
{
    enum { WEIGHT = 6 * 2 * 9, BIAS = 4, FIRST = 3 * 6, LAST = 4 * 2 };
    const double bound = 1 / sqrt(2 * 9);
    tcet_task task = {sizeof task, 3, 4, 6, 2, TCET_TARGET_PIXELS, 0};
    struct fixture f = {0};
    struct graph_counts n;
    struct error err;
    int32_t c, h, w, up, x;
    tcet_rng r, check;
    float params[FIRST + WEIGHT + BIAS + LAST], want[WEIGHT + BIAS], gaussian[TCET_COUNT(params)];
    tcet_op o;

    (void)state;
    start(&f, 3, 4, 6, 2);
    graph_reset(f.g, &task);
    x = tcet_add_op(f.b, TCET_OP_INPUT, -1, 0);
    x = tcet_add_conv(f.b, f.b->module(f.b, -1, "down", -1), x, 6, 1, 2, 0, 0);
    up = f.b->module(f.b, -1, "up", -1);
    o = with(TCET_OP_CONV_TRANSPOSE, up, &x, 1);
    o.channels = 4;
    o.kernel_h = o.kernel_w = 3;
    o.stride_h = o.stride_w = 2;
    o.padding_h = o.padding_w = o.offset_h = 1;
    o.groups = 2;
    o.bias = 1;
    o.offset_w = 1;
    x = f.b->add(f.b, &o);
    f.b->shape(f.b, x, &c, &h, &w);
    assert_true(c == 4 && h == 4 && w == 6);
    x = tcet_add_conv(f.b, f.b->module(f.b, -1, "head", -1), x, 2, 1, 1, 0, 0);
    f.b->output(f.b, x);
    if (graph_finish(f.g, &err) != TCET_OK)
        fail_msg("%s", err.text);
    assert_int_equal(graph_view(f.g)->features, x - 1); /* what the last convolution reads */
    graph_count(f.g, &n);
    assert_int_equal(n.params, TCET_COUNT(params));
    assert_int_equal(n.layers, 2);
    assert_int_equal(n.weights, FIRST + LAST);
    assert_int_equal(n.macs, FIRST * 6 + LAST * 24);
    assert_int_equal(
        graph_view(f.g)->modules[up].shape[0] * 10 + graph_view(f.g)->modules[up].shape[1], 62);
    rng_seed(&r, 3);
    rng_seed(&check, 3);
    graph_draw(f.g, &r, params);
    rng_discard(&check, FIRST);
    rng_uniform(&check, want, WEIGHT, -bound, bound);
    rng_uniform(&check, want + WEIGHT, BIAS, -bound, bound);
    for (int i = 0; i < WEIGHT + BIAS; i++)
        assert_true(fabsf(params[FIRST + i] - want[i]) < 1e-7f);
    graph_draw_gaussian(f.g, params, &r, gaussian);
    assert_memory_equal(gaussian + FIRST, params + FIRST, (WEIGHT + BIAS) * sizeof *params);
    graph_reset(f.g, &task);
    x = tcet_add_op(f.b, TCET_OP_INPUT, -1, 0);
    o.module = f.b->module(f.b, -1, "up", -1);
    o.groups = 0;
    o.offset_w = 2;
    f.b->add(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN,
                   "up (conv_transpose): a kernel of 3 x 3 with 1 and 2 more rows");
    graph_reset(f.g, &task);
    x = tcet_add_op(f.b, TCET_OP_INPUT, -1, 0);
    f.b->output(f.b, tcet_add_conv(f.b, f.b->module(f.b, -1, "c", -1), x, 2, 2, 2, 0, 0));
    assert_int_equal(graph_finish(f.g, &err), TCET_E_PLUGIN);
    assert_non_null(strstr(err.text, "has shape [2, 2, 3], the task wants [2, 4, 6]"));
    graph_free(f.g);
}

/* A module that is declared has its place among the layers and weights that are drawn, and never runs:
 * no node, no multiply-accumulates. */
static void test_declared(void **state)
{
    struct fixture f = {0};
    struct graph_counts n;
    const tcet_graph *v;
    struct error err;
    int32_t never;
    tcet_op o;
    tcet_rng r;
    float w[2 * 30];

    (void)state;
    start(&f, 2, 1, 1, 10);
    never = f.b->module(f.b, -1, "never", -1);
    o = tcet_op_from(TCET_OP_LINEAR, never, &f.x, 1);
    o.channels = 10;
    o.bias = 1;
    f.b->declare(f.b, &o);
    f.b->output(f.b, tcet_add_linear(f.b, f.b->module(f.b, -1, "fc", -1), f.x, 10, 1));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    v = graph_view(f.g);
    graph_count(f.g, &n);
    assert_int_equal(v->node_count, 2);
    assert_int_equal(v->layer_count, 2);
    assert_int_equal(graph_layers(f.g)[0], never);
    assert_int_equal(n.params, 2 * 30);
    assert_int_equal(n.macs, 20);
    assert_int_equal(graph_module_macs(f.g, never), 0);
    rng_seed(&r, 1);
    graph_draw(f.g, &r, w);
    for (size_t i = 0; i < 2 * 30; i++)
        assert_true(w[i] != 0);

    start(&f, 2, 1, 1, 10); /* what add() refuses is refused */
    o.module = -1;
    f.b->declare(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "parameters need a module");
    start(&f, 2, 1, 1, 10);
    o.op = 999;
    f.b->declare(f.b, &o);
    assert_refused(&f, TCET_E_PLUGIN, "there is no operation 999");
    graph_free(f.g);
}

/* A module used twice owns its weight once and costs twice; layers, names, cells, features
 * and the parameter layout follow the creation of modules, not the order of use. */
static void test_layout(void **state)
{
    struct fixture f = {0};
    struct graph_counts n;
    struct error err;
    const tcet_graph *v;
    int32_t first, second, bn, x;
    char name[64], small[6];

    (void)state;
    start(&f, 4, 6, 6, 10);
    first = f.b->module(f.b, -1, "first", -1);
    f.b->cell(f.b, 3);
    second = f.b->module(f.b, f.b->module(f.b, -1, "body", 2), "", 0);
    f.b->cell(f.b, -1);
    bn = f.b->module(f.b, -1, "bn", -1);
    x = tcet_add_conv(f.b, second, f.x, 4, 3, 1, 1, 0);
    x = tcet_add_conv(f.b, second, x, 4, 3, 1, 1, 0);
    x = tcet_add_norm(f.b, bn, x);
    x = tcet_add_op(f.b, TCET_OP_GLOBAL_POOL, -1, x);
    f.b->output(f.b, tcet_add_linear(f.b, first, x, 10, 1));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);

    v = graph_view(f.g);
    assert_int_equal(v->layer_count, 2);
    assert_int_equal(graph_layers(f.g)[0], first);
    assert_int_equal(graph_layers(f.g)[1], second);
    assert_int_equal(v->features, x - 1);
    assert_int_equal(v->modules[second].cell, 3);
    assert_int_equal(v->modules[bn].cell, -1);
    assert_int_equal(v->modules[bn].kind, TCET_LAYER_NORM);
    assert_int_equal(v->modules[bn].layer, -1);
    assert_int_equal(v->modules[first].weight, 0);
    assert_int_equal(v->modules[first].bias, 40);
    assert_int_equal(v->modules[second].weight, 50);
    assert_int_equal(v->modules[bn].weight, 50 + 144);
    assert_int_equal(v->param_floats, 50 + 144 + 8);
    assert_string_equal(graph_module_name(f.g, second, name, sizeof name), "body.2.0");
    assert_string_equal(graph_module_name(f.g, second, small, sizeof small), "body.");

    graph_count(f.g, &n);
    assert_int_equal(n.params, 202);
    assert_int_equal(n.weights, 184);
    assert_int_equal(n.layers, 2);
    assert_int_equal(n.macs, 2 * 144 * 36 + 40);
    assert_int_equal(n.bias_macs, 10);
    assert_int_equal(graph_module_macs(f.g, second), 2 * 144 * 36);

    start(&f, 4, 6, 6, 10); /* nothing of the old graph is left */
    f.b->output(f.b, tcet_add_linear(f.b, f.b->module(f.b, -1, "fc", -1), f.x, 10, 0));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    graph_count(f.g, &n);
    assert_int_equal(n.params, 1440);
    assert_int_equal(n.macs, 1440);
    assert_int_equal(graph_view(f.g)->features, -1);
    graph_free(f.g);
}

/* A layer norm has gamma 1 and beta 0, for which nothing is drawn, and is neither a weight layer
 * nor a batch norm. */
static void test_layer_norm(void **state)
{
    struct fixture f = {0};
    struct graph_counts n;
    struct error err;
    const tcet_graph *v;
    int32_t norm, fc;
    float params[8 + 40 + 10];
    tcet_rng drawn, wanted;
    tcet_op o;

    (void)state;
    start(&f, 4, 1, 1, 10);
    norm = f.b->module(f.b, -1, "norm", -1);
    fc = f.b->module(f.b, -1, "fc", -1);
    o = with(TCET_OP_LAYER_NORM, norm, &f.x, 1);
    o.affine = 1;
    f.b->output(f.b, tcet_add_linear(f.b, fc, f.b->add(f.b, &o), 10, 1));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    v = graph_view(f.g);
    assert_int_equal(v->modules[norm].kind, TCET_LAYER_LAYER_NORM);
    assert_int_equal(v->modules[norm].layer, -1);
    assert_int_equal(v->layer_count, 1);
    assert_true(v->nodes[1].eps == 1e-5);
    graph_count(f.g, &n);
    assert_int_equal(n.params, 8 + 50);
    assert_int_equal(n.weights, 40);
    assert_int_equal(n.macs, 40);
    rng_seed(&drawn, 7);
    rng_seed(&wanted, 7);
    graph_draw(f.g, &drawn, params);
    rng_discard(&wanted, 50);
    assert_int_equal(rng_u32(&drawn), rng_u32(&wanted));
    for (int i = 0; i < 8; i++)
        assert_true(params[i] == (i < 4 ? 1.0f : 0.0f));
    graph_free(f.g);
}

/* The init program: default draws in creation order; an explicit step stands after the
 * modules that existed when it was asked for. */
static void test_init_program(void **state)
{
    struct fixture f = {0};
    struct error err;
    int32_t a, b;
    float params[4 * 10 + 10 + 4 * 4 * 9 + 4 + 4], want[4 * 10 + 10 + 4 * 4 * 9];
    tcet_rng r;

    (void)state;
    start(&f, 4, 6, 6, 10);
    a = f.b->module(f.b, -1, "fc", -1);
    f.b->init(f.b, TCET_INIT_DISCARD, -1, 3, 0);
    b = f.b->module(f.b, -1, "conv", -1);
    f.b->init(f.b, TCET_INIT_NORMAL, a, 0.5, 0.25);
    f.b->init(f.b, TCET_INIT_BIAS, a, 0.125, 0);
    f.x = tcet_add_conv(f.b, b, f.x, 4, 3, 1, 1, 0);
    f.x = tcet_add_norm(f.b, f.b->module(f.b, -1, "bn", -1), f.x);
    f.x = tcet_add_op(f.b, TCET_OP_GLOBAL_POOL, -1, f.x);
    f.b->output(f.b, tcet_add_linear(f.b, a, f.x, 10, 1));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    assert_int_equal(graph_view(f.g)->param_floats, sizeof params / sizeof *params);

    rng_seed(&r, 7);
    graph_draw(f.g, &r, params);
    {
        tcet_rng check;

        rng_seed(&check, 7);
        rng_discard(&check, 50 + 3);
        rng_uniform(&check, want + 50, 144, -1 / 6.0, 1 / 6.0); /* fan-in 36 */
        rng_normal(&check, want, 40, 0.5, 0.25);
        assert_int_equal(rng_u32(&check), rng_u32(&r));
    }
    assert_memory_equal(params, want, 40 * sizeof *want);
    assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
    for (int i = 0; i < 10; i++)
        assert_true(params[40 + i] == 0.125f);
    for (int i = 0; i < 4; i++)
        assert_true(params[194 + i] == 1.0f && params[198 + i] == 0.0f);

    rng_seed(&r, 7);
    graph_draw(f.g, &r, params);
    graph_draw_again(f.g, GRAPH_INIT_NONE, 0, &r, params);
    assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
    assert_true(params[40] == 0.125f);
    graph_draw_again(f.g, GRAPH_INIT_KAIMING, 0, &r, params);
    {
        tcet_rng check;

        rng_seed(&check, 7);
        rng_discard(&check, 50 + 3 + 144 + 40 + 16); /* graph_draw's, of normal's last 16 twice */
        rng_normal(&check, want, 40, 0, sqrt(2) / sqrt(4));
        rng_normal(&check, want + 50, 144, 0, sqrt(2) / sqrt(36));
        assert_memory_equal(params, want, 40 * sizeof *want);
        assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
        assert_true(params[40] == 0.125f);
        graph_draw_again(f.g, GRAPH_INIT_XAVIER, 1, &r, params);
        rng_normal(&check, want, 40, 0, sqrt(2.0 / (4 + 10)));
        rng_normal(&check, want + 50, 144, 0, sqrt(2.0 / (36 + 36)));
    }
    assert_memory_equal(params, want, 40 * sizeof *want);
    assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
    assert_true(params[40] == 0.0f && params[194] == 1.0f);
    for (int k = 0; k < 2; k++) { /* fan-out 10 and 4 x 9; one */
        tcet_rng check;

        rng_seed(&r, 8);
        rng_seed(&check, 8);
        graph_draw_again(f.g, k ? GRAPH_INIT_GAUSSIAN : GRAPH_INIT_KAIMING_FAN_OUT, 0, &r, params);
        rng_normal(&check, want, 40, 0, k ? 1 : sqrt(2) / sqrt(10));
        rng_normal(&check, want + 50, 144, 0, k ? 1 : sqrt(2) / sqrt(36));
        assert_memory_equal(params, want, 40 * sizeof *want);
        assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
    }
    {
        tcet_rng check;

        rng_seed(&r, 9);
        rng_seed(&check, 9);
        graph_draw_again(f.g, GRAPH_INIT_XAVIER_LINEAR, 0, &r, params);
        rng_normal(&check, want, 40, 0, sqrt(2.0 / (4 + 10)));
        assert_memory_equal(params, want, 40 * sizeof *want);
        assert_memory_equal(params + 50, want + 50, 144 * sizeof *want); /* as it was */
    }
    graph_draw_again(f.g, GRAPH_INIT_ZERO, 0, &r, params);
    assert_true(params[0] == 0.0f && params[50] == 0.0f && params[194] == 1.0f);

    rng_seed(&r, 7);
    graph_draw_gaussian(f.g, params, &r, params);
    {
        tcet_rng check;

        rng_seed(&check, 7);
        rng_normal(&check, want, 40, 0, 1);
        rng_normal(&check, want + 50, 144, 0, 1);
    }
    assert_memory_equal(params, want, 40 * sizeof *want);
    assert_memory_equal(params + 50, want + 50, 144 * sizeof *want);
    assert_true(params[40] == 0.0f && params[194] == 1.0f);

    params[0] = -2.0f;
    graph_absolute(f.g, params, params);
    assert_true(params[0] == 2.0f);
    graph_free(f.g);
}

/* A network of two layers and a norm, the first layer's weight and the norm's statistics given. */
static void give(struct fixture *f, int64_t weights)
{
    static const float weight[] = {1, 2, 3, 4, 5, 6}, mean[] = {7, 8}, variance[] = {9, 10};
    int32_t a, bn;

    start(f, 3, 1, 1, 2);
    a = f->b->module(f->b, -1, "a", -1);
    bn = f->b->module(f->b, -1, "bn", -1);
    f->x = tcet_add_linear(f->b, a, f->x, 2, 1);
    f->x = tcet_add_norm(f->b, bn, f->x);
    f->b->values(f->b, TCET_VALUES_WEIGHT, a, weight, weights);
    f->b->values(f->b, TCET_VALUES_MEAN, bn, mean, 2);
    f->b->values(f->b, TCET_VALUES_VARIANCE, bn, variance, 2);
    f->b->output(f->b, tcet_add_linear(f->b, f->b->module(f->b, -1, "c", -1), f->x, 2, 0));
}

/* Numbers that a space gives take the place of drawn ones, which are then those of the others alone;
 * a count that is not the module's is refused. */
static void test_values(void **state)
{
    struct fixture f = {0};
    struct error err = {0};
    float params[6 + 2 + 4 + 4], want[4];
    tcet_rng r;

    (void)state;
    give(&f, 6);
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    assert_int_equal(graph_view(f.g)->param_floats, 16);
    assert_true(graph_view(f.g)->norm_mean[1][1] == 8.0f);
    assert_true(graph_view(f.g)->norm_variance[1][0] == 9.0f);
    assert_null(graph_view(f.g)->norm_mean[0]);
    rng_seed(&r, 3);
    graph_draw(f.g, &r, params);
    assert_true(params[0] == 1.0f && params[5] == 6.0f);
    assert_true(params[6] == 0.0f && params[7] == 0.0f); /* a bias that is not given */
    assert_true(params[8] == 1.0f && params[10] == 0.0f);
    rng_seed(&r, 3);
    rng_uniform(&r, want, 4, -1 / sqrt(2), 1 / sqrt(2));
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(params[12 + i] - want[i]) < 1e-6f);

    give(&f, 5);
    assert_int_equal(graph_finish(f.g, &err), TCET_E_PLUGIN);
    assert_non_null(strstr(err.text, "a: 5 values of kind 1, the module has 6"));
    start(&f, 3, 1, 1, 2); /* nothing stays */
    f.b->output(f.b, tcet_add_linear(f.b, f.b->module(f.b, -1, "a", -1), f.x, 2, 1));
    assert_int_equal(graph_finish(f.g, &err), TCET_OK);
    assert_null(graph_view(f.g)->norm_mean);
    graph_free(f.g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_transposed),  cmocka_unit_test(test_declared),
        cmocka_unit_test(test_own_numbers), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layer_norm),  cmocka_unit_test(test_init_program),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
