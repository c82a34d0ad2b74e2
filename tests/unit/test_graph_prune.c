/* test_graph_prune.c -- protects what is dead and what is left of it: zeros and what is made of them,
 * branches that reach no output, sums and concatenations of either, the counts of what is alive, the
 * draws of a pruned network, and one that does not look at its input. */
#include "graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 4, CHANNELS = 4, CLASSES = 3 };

struct net {
    struct graph *g;
    tcet_builder *b;
    int32_t x, stem; /* input, and 4 channels of it */
};

static struct net begin(void)
{
    const tcet_task task = {sizeof task, 3, SIDE, SIDE, CLASSES, 0, 0};
    struct net n = {.g = graph_new()};

    graph_reset(n.g, &task);
    n.b = graph_builder(n.g);
    n.x = tcet_add_op(n.b, TCET_OP_INPUT, -1, 0);
    n.stem = tcet_add_conv(n.b, n.b->module(n.b, -1, "stem", -1), n.x, CHANNELS, 3, 1, 1, 0);
    return n;
}

static int32_t conv(struct net *n, const char *name, int32_t x, int32_t bias)
{
    return tcet_add_conv(n->b, n->b->module(n->b, -1, name, -1), x, CHANNELS, 3, 1, 1, bias);
}

static int32_t plain(struct net *n, uint32_t op, int32_t x)
{
    return tcet_add_op(n->b, op, -1, x);
}

static int32_t two(struct net *n, uint32_t op, int32_t a, int32_t b)
{
    const int32_t in[] = {a, b};
    tcet_op o = tcet_op_from(op, -1, in, 2);

    return n->b->add(n->b, &o);
}

/* Pooling, classifier, output; the graph is finished. */
static void end(struct net *n, int32_t x)
{
    struct error err;

    x = plain(n, TCET_OP_GLOBAL_POOL, x);
    n->b->output(n->b, tcet_add_linear(n->b, n->b->module(n->b, -1, "fc", -1), x, CLASSES, 1));
    if (graph_finish(n->g, &err) < 0)
        fail_msg("%s", err.text);
}

/* The operations that are left, with the names of their modules: "input conv2d:stem ...". */
static void assert_left(struct net *n, const char *want)
{
    const tcet_graph *v = graph_view(n->g);
    char text[1024] = "", name[64];

    for (int32_t i = 0; i < v->node_count; i++) {
        size_t used = strlen(text);
        int32_t m = v->nodes[i].module;

        for (int32_t k = 0; k < v->nodes[i].input_count; k++)
            assert_in_range(v->inputs[v->nodes[i].first_input + k], 0, i - 1);
        snprintf(text + used, sizeof text - used, "%s%s%s%s", i ? " " : "",
                 graph_op(v->nodes[i].op)->name, m < 0 ? "" : ":",
                 m < 0 ? "" : graph_module_name(n->g, m, name, sizeof name));
    }
    assert_string_equal(text, want);
}

static int64_t params(const struct net *n)
{
    struct graph_counts c;

    graph_count(n->g, &c);
    return c.params;
}

enum { STEM = 3 * 9 * CHANNELS, CONV = CHANNELS * 9 * CHANNELS, FC = (CHANNELS + 1) * CLASSES };

/* A conv of zeros, one that nobody reads, and a term of 0 go; the counts are of the rest. */
static void test_cut_off(void **state)
{
    struct net n = begin();
    int32_t of_zero = conv(&n, "of_zero", plain(&n, TCET_OP_ZERO, n.stem), 0);
    struct graph_part live;
    struct graph_counts c;
    int32_t alive;

    (void)state;
    of_zero = tcet_add_norm(n.b, n.b->module(n.b, -1, "bn", -1), of_zero);
    of_zero = plain(&n, TCET_OP_RELU, tcet_add_pool(n.b, TCET_OP_MAX_POOL, -1, of_zero, 3, 1, 1));
    conv(&n, "unread", n.stem, 0);
    alive = conv(&n, "alive", n.stem, 0);
    end(&n, two(&n, TCET_OP_ADD, of_zero, alive));
    assert_int_equal(params(&n), STEM + 3 * CONV + 2 * CHANNELS + FC);

    graph_find_live(n.g);
    graph_module_live(n.g, 1, &live); /* of_zero */
    assert_int_equal(live.params + live.macs + live.bias_macs + live.chain, 0);
    assert_int_equal(graph_module_chain(n.g, 1), 1); /* it is on a longest chain all the same */
    graph_module_live(n.g, 4, &live);                /* alive */
    assert_int_equal(live.params, CONV);
    assert_int_equal(live.macs, CONV * SIDE * SIDE);
    assert_int_equal(live.chain, 1);
    graph_module_live(n.g, 5, &live); /* fc */
    assert_int_equal(live.bias_macs, CLASSES);

    assert_int_equal(graph_prune(n.g), 0);
    assert_left(&n, "input conv2d:stem conv2d:alive global_pool linear:fc");
    assert_int_equal(params(&n), STEM + CONV + FC);
    graph_count(n.g, &c);
    assert_int_equal(c.macs, (STEM + CONV) * SIDE * SIDE + CHANNELS * CLASSES);
    assert_int_equal(c.layers, 3);
    assert_int_equal(graph_view(n.g)->modules[1].weight_count, 0);
    assert_int_equal(graph_view(n.g)->modules[1].layer, -1);
    assert_int_equal(graph_view(n.g)->modules[4].layer, 1);
    assert_int_equal(graph_view(n.g)->features, 2);
    assert_int_equal(graph_prune(n.g), 0); /* nothing more to cut */
    assert_left(&n, "input conv2d:stem conv2d:alive global_pool linear:fc");
    graph_free(n.g);
}

/* Biases, betas and functions that make something of 0 keep what they follow. */
static void test_not_zero(void **state)
{
    struct net n = begin();
    int32_t zero = plain(&n, TCET_OP_ZERO, n.stem), norm = n.b->module(n.b, -1, "bn", -1);

    (void)state;
    end(&n, two(&n, TCET_OP_ADD, n.stem, conv(&n, "biased", zero, 1)));
    assert_int_equal(graph_prune(n.g), 0);
    assert_left(&n, "input conv2d:stem zero conv2d:biased add global_pool linear:fc");
    graph_free(n.g);

    n = begin();
    zero = plain(&n, TCET_OP_ZERO, n.stem);
    norm = n.b->module(n.b, -1, "bn", -1);
    zero = tcet_add_norm(n.b, norm, zero);
    n.b->init(n.b, TCET_INIT_BIAS, norm, 0.5, 0);
    end(&n, two(&n, TCET_OP_ADD, n.stem, zero));
    graph_prune(n.g);
    assert_left(&n, "input conv2d:stem zero batch_norm:bn add global_pool linear:fc");
    graph_free(n.g);

    n = begin(); /* a gate of 1/2, and one of 0 */
    zero = plain(&n, TCET_OP_ZERO, n.stem);
    zero = two(&n, TCET_OP_ADD, two(&n, TCET_OP_MUL, n.stem, plain(&n, TCET_OP_SIGMOID, zero)),
               two(&n, TCET_OP_MUL, n.stem, zero));
    end(&n, zero);
    graph_prune(n.g);
    assert_left(&n, "input conv2d:stem zero sigmoid mul global_pool linear:fc");
    graph_free(n.g);
}

/* A part of zeros keeps its place in a concatenation, whatever made it. */
static void test_concat(void **state)
{
    struct net n = begin();
    int32_t dead = conv(&n, "dead", plain(&n, TCET_OP_ZERO, n.x), 0);

    (void)state;
    end(&n, two(&n, TCET_OP_CONCAT, dead, n.stem));
    assert_int_equal(graph_prune(n.g), 0);
    assert_left(&n, "input conv2d:stem zero concat global_pool linear:fc");
    assert_int_equal(graph_view(n.g)->nodes[2].c, CHANNELS);
    assert_int_equal(graph_view(n.g)->nodes[3].c, 2 * CHANNELS);
    graph_free(n.g);
}

/* A module that runs twice is alive if one of its runs is, and counts that one. */
static void test_shared_module(void **state)
{
    struct net n = begin();
    int32_t m = n.b->module(n.b, -1, "twice", -1);
    struct graph_part live;

    (void)state;
    tcet_add_conv(n.b, m, n.stem, CHANNELS, 3, 1, 1, 0);
    end(&n, tcet_add_conv(n.b, m, n.stem, CHANNELS, 3, 1, 1, 0));
    graph_find_live(n.g);
    graph_module_live(n.g, m, &live);
    assert_int_equal(live.macs, CONV * SIDE * SIDE);
    assert_int_equal(graph_module_macs(n.g, m), 2 * CONV * SIDE * SIDE);
    graph_prune(n.g);
    assert_int_equal(graph_module_macs(n.g, m), CONV * SIDE * SIDE);
    graph_free(n.g);
}

/* Nothing but the head is left of a network that does not look at its input. */
static void test_constant(void **state)
{
    struct net n = begin();

    (void)state;
    end(&n, plain(&n, TCET_OP_RELU, conv(&n, "dead", plain(&n, TCET_OP_ZERO, n.stem), 0)));
    assert_int_equal(graph_prune(n.g), 1);
    assert_left(&n, "input zero global_pool linear:fc");
    assert_int_equal(params(&n), FC);
    assert_int_equal(graph_view(n.g)->features, 1);
    assert_int_equal(graph_view(n.g)->nodes[1].h, SIDE);
    graph_free(n.g);
}

/* A network and the parameters that seed 7 draws for it: free them. */
static float *drawn(struct net *n)
{
    float *w = calloc((size_t)graph_view(n->g)->param_floats, sizeof *w);
    tcet_rng rng;

    rng_seed(&rng, 7);
    graph_draw(n->g, &rng, w);
    return w;
}

/* What is left draws as a network that was built so, its own init steps included. */
static void test_draws(void **state)
{
    struct net n = begin(), same = begin();
    int32_t declared = n.b->module(n.b, -1, "declared", -1), dead, alive;
    tcet_op never = tcet_op_from(TCET_OP_LINEAR, declared, &n.x, 1);
    float *a, *b;

    (void)state;
    never.channels = 2;
    n.b->declare(n.b, &never);
    dead = n.b->module(n.b, -1, "dead", -1);
    tcet_add_conv(n.b, dead, n.stem, CHANNELS, 3, 1, 1, 0);
    alive = n.b->module(n.b, -1, "alive", -1);
    n.b->init(n.b, TCET_INIT_NORMAL, dead, 0, 1);
    n.b->init(n.b, TCET_INIT_NORMAL, alive, 0, 2);
    end(&n, tcet_add_conv(n.b, alive, n.stem, CHANNELS, 3, 1, 1, 1));
    graph_prune(n.g);

    alive = same.b->module(same.b, -1, "alive", -1);
    same.b->init(same.b, TCET_INIT_NORMAL, alive, 0, 2);
    end(&same, tcet_add_conv(same.b, alive, same.stem, CHANNELS, 3, 1, 1, 1));

    assert_int_equal(graph_view(n.g)->param_floats, graph_view(same.g)->param_floats);
    a = drawn(&n);
    b = drawn(&same);
    assert_memory_equal(a, b, (size_t)graph_view(n.g)->param_floats * sizeof *a);
    free(a);
    free(b);
    graph_free(n.g);
    graph_free(same.g);
}

/* -- Digests -------------------------------------------------------------------------------- */

enum {
    USUAL,
    NO_TERM,
    IDENTITY,
    NAMED,
    TWO_TERMS,
    THREE_TERMS,
    OTHER_SHAPE,
    OTHER_STEP,
    DEAD_CONV
};

/* One network in several spellings, and others that are not the same. */
static void digest_of(int what, const struct graph_strict *how, char out[65])
{
    struct net n = begin();
    int32_t zero = plain(&n, TCET_OP_ZERO, n.stem), x = n.stem, y, terms[3], third;
    int32_t m = n.b->module(n.b, -1, what == NAMED ? "other" : "conv", -1);

    third = tcet_add_pool(n.b, TCET_OP_AVG_POOL, -1, n.stem, 3, 1, 1);
    if (what == IDENTITY)
        x = plain(&n, TCET_OP_IDENTITY, x);
    y = tcet_add_conv(n.b, m, plain(&n, TCET_OP_RELU, x), CHANNELS, what == OTHER_SHAPE ? 1 : 3, 1,
                      what != OTHER_SHAPE, 0);
    if (what == OTHER_STEP)
        n.b->init(n.b, TCET_INIT_NORMAL, m, 0, 1);
    if (what == DEAD_CONV)
        conv(&n, "dead", n.stem, 0);
    if (what != NO_TERM)
        y = two(&n, TCET_OP_ADD, tcet_add_pool(n.b, TCET_OP_AVG_POOL, -1, zero, 3, 1, 1), y);
    terms[0] = what == TWO_TERMS ? y : x;
    terms[1] = what == TWO_TERMS ? x : what == THREE_TERMS ? third : y;
    terms[2] = what == THREE_TERMS ? y : third;
    end(&n, tcet_add_sum(n.b, -1, terms, 3));
    graph_digest(n.g, how, out);
    graph_free(n.g);
}

static int equal(int what, struct graph_strict how)
{
    char a[65], b[65];

    digest_of(USUAL, &how, a);
    digest_of(what, &how, b);
    return !strcmp(a, b);
}

static void test_digest(void **state)
{
    const struct graph_strict lax = {0}, names = {.names = 1}, sums = {.sums = 1};

    (void)state;
    assert_true(equal(USUAL, names) && equal(USUAL, sums));
    assert_true(equal(NO_TERM, names));
    assert_false(equal(NO_TERM, sums));
    assert_true(equal(IDENTITY, names) && equal(IDENTITY, sums));
    assert_true(equal(NAMED, lax));
    assert_false(equal(NAMED, names));
    assert_true(equal(TWO_TERMS, lax)); /* a sum's first two, in another order */
    assert_false(equal(TWO_TERMS, sums));
    assert_false(equal(THREE_TERMS, lax));
    assert_false(equal(OTHER_SHAPE, lax));
    assert_false(equal(OTHER_STEP, lax));
    assert_false(equal(DEAD_CONV, lax)); /* it is drawn, counted, and a layer */
}

/* Positions of the stem's maps in another order: turned by how many places. */
static int32_t turned(struct net *n, int32_t x, int32_t places)
{
    int32_t index[SIDE * SIDE];
    tcet_op o = tcet_op_from(TCET_OP_ARRANGE, -1, &x, 1);

    for (int32_t i = 0; i < SIDE * SIDE; i++)
        index[i] = (i + places) % (SIDE * SIDE);
    o.kernel_h = o.kernel_w = SIDE;
    o.index = index;
    o.index_count = SIDE * SIDE;
    return n->b->add(n->b, &o);
}

/* Where the numbers go is part of what a network is; zeros in other places are zeros. */
static void test_arrange(void **state)
{
    const struct graph_strict lax = {0};
    char digest[3][65];
    struct net n;

    (void)state;
    for (int i = 0; i < 3; i++) {
        n = begin();
        end(&n, turned(&n, n.stem, i == 2 ? 5 : 1));
        graph_digest(n.g, &lax, digest[i]);
        graph_free(n.g);
    }
    assert_string_equal(digest[0], digest[1]);
    assert_string_not_equal(digest[0], digest[2]);
    n = begin();
    end(&n, two(&n, TCET_OP_ADD, turned(&n, plain(&n, TCET_OP_ZERO, n.stem), 1), n.stem));
    graph_prune(n.g);
    assert_left(&n, "input conv2d:stem global_pool linear:fc");
    graph_free(n.g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrange),       cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_not_zero),      cmocka_unit_test(test_concat),
        cmocka_unit_test(test_shared_module), cmocka_unit_test(test_constant),
        cmocka_unit_test(test_draws),         cmocka_unit_test(test_digest)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
