/* test_backend_ops.c -- every operation of the graph on the torch backend, one at a time: its value
 * against plain C (backend_reference.h), the gradient that goes through it and H g against
 * differences of that, by the fused kernels and by libtorch's operators; and what it costs.
 * An operation without a case here fails the test.  Without libtorch it is skipped. */
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
    {.op = {.op = TCET_OP_SCALE, .input_count = 1, .eps = -0.7}, .variant = "", .channels = {5}},
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

static struct result *run_pass(void *self, const struct setup *s, tcet_pass pass, uint32_t sites,
                               uint32_t wants)
{
    struct result *r = calloc(1, sizeof *r);

    if (run_graph(self, s->view, s->params, s->x, s->y, pass, sites, wants, 1, s->images, r) !=
        TCET_OK)
        fail_msg("%s", host.message);
    return r;
}

/* -- checks ------------------------------------------------------------------------------ */

static char what[128]; /* the operation and kernels in hand, for messages */

static double largest(const double *x, int64_t count)
{
    double most = 0;

    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

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

/* The same along g, of all conv and linear weights: the parameter's place of H g. */
static double slope_along(const struct setup *s, const struct result *r, int64_t at)
{
    double step = 3e-5, most = 1e-9;
    double *moved = calloc((size_t)s->view->param_floats, sizeof *moved), side[2];
    const int32_t *layers = graph_layers(s->graph);

    for (int32_t l = 0; l < r->count; l++)
        most = fmax(most, largest(r->numbers[l][GRADIENT], r->counts[l][GRADIENT]));
    step /= most;
    for (int k = 0; k < 2; k++) {
        struct setup other = *s;

        memcpy(moved, s->params_f64, (size_t)s->view->param_floats * sizeof *moved);
        for (int32_t l = 0; l < s->view->layer_count; l++) {
            const tcet_graph_module *m = &s->view->modules[layers[l]];

            for (int64_t i = 0; i < m->weight_count; i++)
                moved[m->weight + i] += (k ? step : -step) * r->numbers[l][GRADIENT][i];
        }
        other.params_f64 = moved;
        side[k] = slope_at(&other, at, 3e-5);
    }
    free(moved);
    return (side[1] - side[0]) / (2 * step);
}

static void check_value(const struct setup *s, void *self)
{
    const tcet_pass pass = {.precision = TCET_PRECISION_F64};
    struct result *r = run_pass(self, s, pass, TCET_SITE_LOGITS, TCET_WANT_OUTPUT);
    double want[OP_BATCH * OP_CLASSES];

    reference_forward(s->view, s->params_f64, s->x_f64, s->images, want);
    for (int64_t i = 0; i < s->images * OP_CLASSES; i++)
        assert_near(r->numbers[0][OUTPUT][i], want[i], 1e-11, what, i);
    result_free(r);
}

/* Gradients and H g of the weights; the caller's. */
static struct result *check_derivatives(const struct setup *s, void *self)
{
    const tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .hvp = 1,
                            .precision = TCET_PRECISION_F64};
    struct result *r =
        run_pass(self, s, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP);
    const int32_t *layers = graph_layers(s->graph);

    assert_int_equal(r->count, s->view->layer_count);
    for (int l = 0; l < r->count; l++) {
        const tcet_graph_module *m = &s->view->modules[layers[l]];
        const double *g = r->numbers[l][GRADIENT], *h = r->numbers[l][HVP];
        double g_size = 1e-3 + largest(g, m->weight_count);
        double h_size = 1e-3 + largest(h, m->weight_count);

        for (int64_t i = 0; i < m->weight_count; i += 1 + m->weight_count / 7) {
            double slope = slope_at(s, m->weight + i, 1e-5),
                   bend = slope_along(s, r, m->weight + i);

            if (!(fabs(g[i] - slope) <= 1e-7 * g_size))
                fail_msg("%s, gradient of %s[%ld]: %.12g, want %.12g", what, r->name[l], (long)i,
                         g[i], slope);
            if (!(fabs(h[i] - bend) <= 2e-5 * h_size))
                fail_msg("%s, H g of %s[%ld]: %.12g, want %.12g", what, r->name[l], (long)i, h[i],
                         bend);
        }
    }
    return r;
}

/* All of two results, number by number. */
static void check_same(const struct result *a, const struct result *b)
{
    for (int l = 0; l < a->count; l++) {
        for (int k = 0; k < 2; k++) {
            int view = k ? HVP : GRADIENT;
            const double *x = a->numbers[l][view], *y = b->numbers[l][view];
            double size = 1e-3 + largest(y, b->counts[l][view]);

            assert_int_equal(a->counts[l][view], b->counts[l][view]);
            for (int64_t i = 0; i < a->counts[l][view]; i++)
                if (!(fabs(x[i] - y[i]) <= 1e-10 * size))
                    fail_msg("%s, %s of %s[%ld]: %.15g by one kernel, %.15g by the other", what,
                             k ? "H g" : "gradient", a->name[l], (long)i, x[i], y[i]);
        }
    }
}

/* What the graph's table calls an activation is a layer of that site. */
static void check_sites(const struct setup *s, void *self, uint32_t op)
{
    const tcet_pass pass = {.precision = TCET_PRECISION_F64};
    struct result *r = run_pass(self, s, pass, TCET_SITE_ACTIVATION, TCET_WANT_AGREEMENT);

    assert_int_equal(r->count, graph_op(op)->activation);
    result_free(r);
}

/* Milliseconds of a forward and a backward in float32, in a network of some size; the best of a
 * few runs. */
static void print_speed(const struct trial *t, void *const *kernels)
{
    const tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .precision = TCET_PRECISION_F32};
    struct setup s;

    set_up(&s, t, OP_SIDE, 64, 0);
    print_message("%-12s %-26s", graph_op(t->op.op)->name, t->variant);
    for (int k = 0; k < 2; k++) {
        double best[2] = {1e9, 1e9};

        for (int repeat = 0; repeat < 5; repeat++) {
            struct result *r = run_pass(kernels[k], &s, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT);

            for (int d = 0; d < 2; d++)
                best[d] = fmin(best[d], 1e3 * r->seconds[d]);
            result_free(r);
        }
        print_message("  %s %6.3f + %6.3f ms", k ? "aten" : "fused", best[0], best[1]);
    }
    print_message("\n");
    tear_down(&s);
}

static void check_trial(const struct trial *t, void *const *kernels, int beside)
{
    struct setup s;
    struct result *r[2];

    set_up(&s, t, OP_SIDE, OP_BATCH, beside);
    for (int k = 0; k < 2; k++) {
        snprintf(what, sizeof what, "%s %s%s (%s)", graph_op(t->op.op)->name, t->variant,
                 beside ? ", its input read twice" : "", k ? "aten" : "fused");
        check_value(&s, kernels[k]);
        check_sites(&s, kernels[k], t->op.op);
        r[k] = check_derivatives(&s, kernels[k]);
    }
    check_same(r[0], r[1]);
    result_free(r[0]);
    result_free(r[1]);
    tear_down(&s);
}

/* Protects every operation's forward, backward and R, in both kinds of kernels. */
static void test_ops(void **state)
{
    void *kernels[2];

    (void)state;
    NEED_TORCH();
    kernels[0] = cpu;
    kernels[1] = instance("device", "cpu", "kernels", "aten", NULL);
    if (ops->open(&host.cx, kernels[1]) != TCET_OK)
        fail_msg("%s", host.message);
    for (int t = 0; t < TRIALS; t++) {
        check_trial(&trials[t], kernels, 0);
        check_trial(&trials[t], kernels, 1);
        print_speed(&trials[t], kernels);
    }
    drop(kernels[1]);
}

/* Nobody adds an operation without a reference and a case. */
static void test_all_ops_have_a_case(void **state)
{
    (void)state;
    for (uint32_t op = 1; op < TCET_OPS; op++) {
        int found = 0;

        for (int t = 0; t < TRIALS; t++)
            found += trials[t].op.op == op;
        if (!found || !reference[op])
            fail_msg("operation %s has no case in test_backend_ops.c or no reference",
                     graph_op(op)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ops_have_a_case),
        cmocka_unit_test(test_ops),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
