/* test_backend_attention.c -- an attention block on the torch backend against PyTorch's figures
 * (tests/data/backend/attention.py): logits, gradients of all weights and H g, to 1e-10 in
 * float64, by the fused kernels and by libtorch's operators.  Without libtorch it is skipped. */
#include "backend_host.h"

#include "graph/graph.h"

enum { IMAGES = 3, CHANNELS = 3, SIDE = 4, WIDTH = 6, HEADS = 2, CLASSES = 4 };

/* -- the network ------------------------------------------------------------------------- */

static int32_t conv(tcet_builder *b, const char *name, int32_t x, int32_t channels)
{
    return tcet_add_conv(b, b->module(b, -1, name, -1), x, channels, 1, 1, 0, 1);
}

static int32_t with(tcet_builder *b, uint32_t op, int32_t x, int32_t y, double eps)
{
    const int32_t in[2] = {x, y};
    tcet_op o = tcet_op_from(op, -1, in, y < 0 ? 1 : 2);

    o.groups = HEADS;
    o.eps = eps;
    return b->add(b, &o);
}

static int32_t layer_norm(tcet_builder *b, int32_t x, int32_t affine, double eps)
{
    tcet_op o = tcet_op_from(TCET_OP_LAYER_NORM, b->module(b, -1, "norm", affine), &x, 1);

    o.affine = affine;
    o.eps = eps;
    return b->add(b, &o);
}

static void build(tcet_builder *b)
{
    int32_t image = tcet_add_op(b, TCET_OP_INPUT, -1, 0), t, q, k, v;

    t = conv(b, "embed", image, WIDTH);
    q = conv(b, "query", t, WIDTH);
    k = conv(b, "key", t, WIDTH);
    v = conv(b, "value", t, WIDTH);
    q = with(b, TCET_OP_MATMUL_T, q, k, 0);
    q = with(b, TCET_OP_SCALE, q, -1, 1 / sqrt(WIDTH / HEADS));
    q = with(b, TCET_OP_MATMUL, with(b, TCET_OP_SOFTMAX, q, -1, 0), v, 0);
    t = layer_norm(b, with(b, TCET_OP_ADD, t, conv(b, "project", q, WIDTH), 0), 1, 0);
    q = tcet_add_op(b, TCET_OP_GELU, b->module(b, -1, "gelu", -1), conv(b, "up", t, 2 * WIDTH));
    q = conv(b, "down", q, WIDTH);
    t = layer_norm(b, with(b, TCET_OP_ADD, t, q, 0), 0, 1e-3);
    t = tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, t);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "head", -1), t, CLASSES, 1));
}

static struct {
    struct graph *graph;
    const tcet_graph *view;
    float params[512], x[IMAGES * CHANNELS * SIDE * SIDE];
    int64_t y[IMAGES];
    void *kernels[2];
} net;

static int set_up(void **state)
{
    const tcet_task task = {.struct_size = sizeof task,
                            .channels = CHANNELS,
                            .height = SIDE,
                            .width = SIDE,
                            .classes = CLASSES};
    struct error err = {0};

    load(state);
    net.graph = graph_new();
    graph_reset(net.graph, &task);
    build(graph_builder(net.graph));
    if (graph_finish(net.graph, &err) != TCET_OK)
        fail_msg("%s", err.text);
    net.view = graph_view(net.graph);
    assert_true(net.view->param_floats <= 512);
    noise = 7;
    for (int64_t i = 0; i < net.view->param_floats; i++)
        net.params[i] = 0.5f * uniform();
    for (size_t i = 0; i < sizeof net.x / sizeof *net.x; i++)
        net.x[i] = 0.5f * uniform();
    for (int64_t i = 0; i < IMAGES; i++)
        net.y[i] = (3 * i + 1) % CLASSES;
    net.kernels[0] = cpu;
    if (!ops)
        return 0;
    net.kernels[1] = instance("device", device_of_test(), "kernels", "aten", NULL);
    return ops->open(&host.cx, net.kernels[1]) == TCET_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    graph_free(net.graph);
    if (net.kernels[1])
        drop(net.kernels[1]);
    return unload(state);
}

static struct result *run_pass(int k, tcet_pass pass, uint32_t sites, uint32_t wants)
{
    struct result *r = calloc(1, sizeof *r);

    pass.precision = TCET_PRECISION_F64;
    if (run_graph(net.kernels[k], net.view, net.params, net.x, net.y, pass, sites, wants, 1, IMAGES,
                  r) != TCET_OK)
        fail_msg("%s", host.message);
    for (int32_t m = 0; sites == TCET_SITE_WEIGHT && m < net.view->module_count; m++) {
        const tcet_graph_module *module = &net.view->modules[m];

        if (module->layer >= 0)
            snprintf(r->name[module->layer], sizeof r->name[0], "%s", module->name);
    }
    return r;
}

/* -- figures ----------------------------------------------------------------------------- */

/* The figures under a name; *count of them, the caller's. */
static double *figures(const char *name, int64_t *count)
{
    FILE *f = fopen(TCET_TEST_DATA "/backend/attention.txt", "r");
    char found[64];
    double *out = NULL;
    long n;

    assert_non_null(f);
    while (!out && fscanf(f, "%63s %ld", found, &n) == 2) {
        double *block = calloc((size_t)n, sizeof *block);

        for (long i = 0; i < n; i++)
            assert_int_equal(fscanf(f, "%lf", &block[i]), 1);
        if (strcmp(found, name) == 0) {
            out = block;
            *count = n;
        } else {
            free(block);
        }
    }
    fclose(f);
    if (!out)
        fail_msg("no figures of %s", name);
    return out;
}

/* 1e-10 of the largest figure. */
static void compare(const char *kernels, const char *name, const double *got, int64_t count)
{
    int64_t wanted;
    double *want = figures(name, &wanted), most = 0;

    assert_int_equal(count, wanted);
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(want[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-10 * most))
            fail_msg("%s, %s[%ld]: %.15g, PyTorch says %.15g", kernels, name, (long)i, got[i],
                     want[i]);
    free(want);
}

/* -- tests ------------------------------------------------------------------------------- */

/* Protects the operations of attention together: what plain C says of each alone, PyTorch says of
 * the block. */
static void test_pytorch(void **state)
{
    const tcet_pass pass = {
        .loss = TCET_LOSS_CROSS_ENTROPY, .gradient = TCET_GRADIENT_BATCH, .hvp = 1};
    static const char *const kernels[2] = {"fused", "aten"};

    (void)state;
    NEED_TORCH();
    for (int k = 0; k < 2; k++) {
        struct result *r = run_pass(k, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP);

        assert_int_equal(r->count, 8);
        for (int l = 0; l < r->count; l++) {
            char name[80];

            snprintf(name, sizeof name, "%s.gradient", r->name[l]);
            compare(kernels[k], name, r->numbers[l][GRADIENT], r->counts[l][GRADIENT]);
            snprintf(name, sizeof name, "%s.hvp", r->name[l]);
            compare(kernels[k], name, r->numbers[l][HVP], r->counts[l][HVP]);
        }
        result_free(r);
        r = run_pass(k, (tcet_pass){0}, TCET_SITE_LOGITS, TCET_WANT_OUTPUT);
        compare(kernels[k], "logits", r->numbers[0][OUTPUT], r->counts[0][OUTPUT]);
        result_free(r);
    }
}

/* Gradients of single images, each of which is run alone, add up to the batch's; and their H g is
 * autograd's. */
static void test_samples(void **state)
{
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY, .gradient = TCET_GRADIENT_SAMPLE};
    struct result *rows, *tangent, *tape;

    (void)state;
    NEED_TORCH();
    rows = run_pass(0, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT);
    pass.hvp = 1;
    tangent = run_pass(0, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP);
    tape = run_pass(1, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP);
    for (int l = 0; l < rows->count; l++) {
        int64_t count = rows->counts[l][GRADIENT] / IMAGES;
        double *mean = calloc((size_t)count, sizeof *mean);
        char name[80];

        for (int64_t i = 0; i < IMAGES * count; i++) {
            mean[i % count] += rows->numbers[l][GRADIENT][i] / IMAGES;
            assert_near(tangent->numbers[l][HVP][i], tape->numbers[l][HVP][i], 1e-9, rows->name[l],
                        i);
        }
        snprintf(name, sizeof name, "%s.gradient", rows->name[l]);
        compare("rows", name, mean, count);
        free(mean);
    }
    result_free(rows);
    result_free(tangent);
    result_free(tape);
}

/* GELU is the one activation, whose input and signs a layer shows; layer norms are at no site, and
 * a pass without batch norms keeps them. */
static void test_sites(void **state)
{
    const tcet_pass removed = {.norm = TCET_NORM_REMOVED};
    struct result *r;

    (void)state;
    NEED_TORCH();
    for (int k = 0; k < 2; k++) {
        int64_t positive = 0;

        r = run_pass(k, (tcet_pass){0}, TCET_SITE_ACTIVATION | TCET_SITE_NORM,
                     TCET_WANT_OUTPUT | TCET_WANT_AGREEMENT);
        assert_int_equal(r->count, 1);
        assert_int_equal(r->layer[0].site, TCET_SITE_ACTIVATION);
        assert_int_equal(r->counts[0][OUTPUT], IMAGES * 2 * WIDTH * SIDE * SIDE);
        for (int64_t i = 0; i < r->counts[0][OUTPUT]; i++)
            positive += r->numbers[0][OUTPUT][i] > 0;
        assert_true(positive > 0 && positive < r->counts[0][OUTPUT]);
        assert_int_equal(r->layer[0].views.positive, positive);
        result_free(r);
        r = run_pass(k, removed, TCET_SITE_LOGITS, TCET_WANT_OUTPUT);
        compare("norms removed", "logits", r->numbers[0][OUTPUT], r->counts[0][OUTPUT]);
        result_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_sites),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
