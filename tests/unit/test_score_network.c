/* What the graph says of every layer (network.h), which is all that a saliency is told besides the
 * numbers: names, orders, calls, parameters and MACs, also of a module that is called twice. */
#include <string.h>

#include "score/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { SIDE = 8 };

/* stem conv -> bn -> relu; a conv that is used twice; a strided one -> relu6 -> features -> pool ->
 * linear. */
static struct network made(struct arena *a)
{
    const tcet_task task = {sizeof task, 3, SIDE, SIDE, 5, 0, 0};
    struct network n;
    struct error err;
    tcet_builder *b;
    int32_t late, stem, norm, twice, head, x, y, sum[2];

    network_open(&n, 0);
    graph_reset(n.graph, &task);
    b = graph_builder(n.graph);
    b->cell(b, 3);
    late = b->module(b, -1, "late", -1); /* created first, executed last */
    stem = b->module(b, -1, "stem", -1);
    norm = b->module(b, stem, "", 1);
    b->module_class(b, stem, "Stem");
    stem = b->module(b, stem, "", 0);
    b->cell(b, -1);
    twice = b->module(b, -1, "cells", 0);
    head = b->module(b, -1, "head", -1);
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    x = tcet_add_conv(b, stem, x, 6, 3, 1, 1, 0);
    x = tcet_add_norm(b, norm, x);
    x = tcet_add_op(b, TCET_OP_RELU, -1, x);
    sum[0] = tcet_add_conv(b, twice, x, 6, 3, 1, 1, 1);
    sum[1] = tcet_add_conv(b, twice, sum[0], 6, 3, 1, 1, 1);
    y = tcet_add_sum(b, -1, sum, 2);
    x = tcet_add_conv(b, late, y, 4, 1, 2, 0, 0);
    x = tcet_add_op(b, TCET_OP_RELU6, -1, x);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, x);
    b->output(b, tcet_add_linear(b, head, x, 5, 1));
    if (graph_finish(n.graph, &err) < 0)
        fail_msg("%s", err.text);
    network_list(&n, a);
    return n;
}

static void free_it(struct network *n, struct arena *a)
{
    network_close(n);
    arena_free(a);
}

static tcet_layer layer(const struct network *n, uint32_t site, size_t i)
{
    static int64_t shape[4];

    return network_layer(n, site, i, shape);
}

/* The class of the module that holds a layer, where the space says it. */
static void containers(void **state)
{
    struct arena a = {0};
    struct network n = made(&a);

    (void)state;
    assert_string_equal(layer(&n, TCET_SITE_WEIGHT, 0).container, "");     /* late */
    assert_string_equal(layer(&n, TCET_SITE_WEIGHT, 1).container, "Stem"); /* stem.0 */
    assert_string_equal(layer(&n, TCET_SITE_NORM, 0).container, "Stem");
    assert_string_equal(layer(&n, TCET_SITE_ACTIVATION, 0).container, ""); /* without a module */
    assert_string_equal(layer(&n, TCET_SITE_LOGITS, 0).container, "");
    free_it(&n, &a);
}

static void weights(void **state)
{
    static const struct {
        const char *name;
        uint32_t kind;
        int32_t order, calls, cell;
        int64_t params, macs, bias_macs, units, weights;
    } want[] = {
        {"late", TCET_LAYER_CONV, 2, 1, 3, 24, 24 * 16, 0, 4 * 16, 24},
        {"stem.0", TCET_LAYER_CONV, 0, 1, 3, 6 * 27, 6 * 27 * 64, 0, 6 * 64, 6 * 27},
        {"cells.0", TCET_LAYER_CONV, 1, 2, -1, 6 * 54 + 6, 2 * 6 * 54 * 64, 2 * 6 * 64, 2 * 6 * 64,
         6 * 54},
        {"head", TCET_LAYER_LINEAR, 3, 1, -1, 25, 20, 5, 5, 20},
    };
    struct arena a = {0};
    struct network n = made(&a);

    (void)state;
    assert_int_equal(n.site[0].count, TCET_COUNT(want));
    for (size_t i = 0; i < TCET_COUNT(want); i++) {
        tcet_layer l = layer(&n, TCET_SITE_WEIGHT, i);

        assert_string_equal(l.name, want[i].name);
        assert_int_equal(l.struct_size, sizeof l);
        assert_int_equal(l.site, TCET_SITE_WEIGHT);
        assert_int_equal(l.index, i);
        assert_int_equal(l.kind, want[i].kind);
        assert_int_equal(l.order, want[i].order);
        assert_int_equal(l.calls, want[i].calls);
        assert_int_equal(l.cell, want[i].cell);
        assert_int_equal(l.params, want[i].params);
        assert_int_equal(l.macs, want[i].macs);
        assert_int_equal(l.bias_macs, want[i].bias_macs);
        assert_int_equal(l.units, want[i].units);
        assert_int_equal(l.weight.count, want[i].weights);
        assert_null(l.weight.data);
        assert_int_equal(network_layer_weights(&n, TCET_SITE_WEIGHT, i), want[i].weights);
    }
    assert_int_equal(layer(&n, TCET_SITE_WEIGHT, 1).weight.shape[1], 3);
    free_it(&n, &a);
}

static void values(void **state)
{
    static const struct {
        uint32_t site, kind;
        size_t index;
        const char *name;
        int64_t units;
    } want[] = {
        {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, 0, "", 6 * 64},
        {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, 1, "", 4 * 16},
        {TCET_SITE_INPUT, TCET_LAYER_INPUT, 0, "input", 3 * 64},
        {TCET_SITE_FEATURES, TCET_LAYER_FEATURES, 0, "features", 4 * 16},
        {TCET_SITE_LOGITS, TCET_LAYER_LOGITS, 0, "logits", 5},
        {TCET_SITE_NORM, TCET_LAYER_NORM, 0, "stem.1", 6 * 64},
    };
    struct arena a = {0};
    struct network n = made(&a);

    (void)state;
    assert_int_equal(n.site[site_number(TCET_SITE_ACTIVATION)].count, 2);
    assert_int_equal(n.site[site_number(TCET_SITE_NORM)].count, 1);
    for (size_t i = 0; i < TCET_COUNT(want); i++) {
        tcet_layer l = layer(&n, want[i].site, want[i].index);
        int norm = want[i].site == TCET_SITE_NORM;

        assert_int_equal(l.kind, want[i].kind);
        assert_string_equal(l.name, want[i].name);
        assert_int_equal(l.order, want[i].index);
        assert_int_equal(l.calls, 1);
        assert_int_equal(l.units, want[i].units);
        assert_int_equal(l.cell, norm ? 3 : -1);
        assert_int_equal(l.params, norm ? 12 : 0);
        assert_int_equal(network_layer_weights(&n, want[i].site, want[i].index), norm ? 6 : 0);
    }
    free_it(&n, &a);
}

/* Whatever else is learned is at a site of its own, so that who counts sees all of #params: a layer norm and
 * numbers of a module's own; no buffers. */
static void other_parameters(void **state)
{
    const tcet_task task = {sizeof task, 3, SIDE, SIDE, 5, 0, 0};
    struct arena a = {0};
    struct network n;
    struct error err;
    tcet_builder *b;
    int32_t x, more[3];
    struct graph_counts counts;
    int64_t seen = 0;
    tcet_op op;

    (void)state;
    network_open(&n, 0);
    graph_reset(n.graph, &task);
    b = graph_builder(n.graph);
    more[0] = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    for (int track = 0; track < 2; track++) { /* learned, and a buffer */
        op = tcet_op_from(TCET_OP_PARAMETER, b->module(b, -1, track ? "mean" : "token", -1), NULL,
                          0);
        op.affine = !track;
        op.track = track;
        op.extent_count = 3;
        op.extents[0] = 3;
        op.extents[1] = op.extents[2] = SIDE;
        more[1 + track] = b->add(b, &op);
        op = tcet_op_from(TCET_OP_ARRANGE, -1, &more[1 + track], 1);
        op.kernel_h = op.kernel_w = SIDE;
        op.channels = 3;
        op.index_count = 3 * SIDE * SIDE;
        op.index = (int32_t[3 * SIDE * SIDE]){0};
        more[1 + track] = b->add(b, &op);
    }
    x = tcet_add_sum(b, -1, more, 3);
    op = tcet_op_from(TCET_OP_LAYER_NORM, b->module(b, -1, "norm", -1), &x, 1);
    op.affine = 1;
    op.eps = 1e-5;
    x = b->add(b, &op);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "head", -1), x, 5, 1));
    if (graph_finish(n.graph, &err) < 0)
        fail_msg("%s", err.text);
    network_list(&n, &a);
    assert_int_equal(n.site[site_number(TCET_SITE_PARAMETER)].count, 2);
    assert_string_equal(layer(&n, TCET_SITE_PARAMETER, 0).name, "token");
    assert_int_equal(layer(&n, TCET_SITE_PARAMETER, 0).kind, TCET_LAYER_PARAMETER);
    assert_int_equal(layer(&n, TCET_SITE_PARAMETER, 0).params, 3 * SIDE * SIDE);
    assert_string_equal(layer(&n, TCET_SITE_PARAMETER, 1).name, "norm");
    assert_int_equal(layer(&n, TCET_SITE_PARAMETER, 1).kind, TCET_LAYER_LAYER_NORM);
    assert_int_equal(layer(&n, TCET_SITE_PARAMETER, 1).params, 6);
    for (int site = 0; site < REQUEST_SITES; site++)
        for (size_t i = 0; i < n.site[site].count; i++) {
            seen += layer(&n, 1u << site, i).params;
            assert_int_equal(layer(&n, 1u << site, i).params, layer(&n, 1u << site, i).live_params);
        }
    graph_count(n.graph, &counts);
    assert_int_equal(seen, counts.params);
    free_it(&n, &a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(containers), cmocka_unit_test(weights),
                                       cmocka_unit_test(values),
                                       cmocka_unit_test(other_parameters)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
