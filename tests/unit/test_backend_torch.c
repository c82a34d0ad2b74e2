/* test_backend_torch.c -- the torch backend against finite differences, closed forms and
 * itself in other guises.  Graphs are written by hand: the backend is tested without core.
 * Without libtorch in the build every test is skipped. */
#include "backend_host.h"

#include <math.h>
#include <time.h>

/* -- graphs by hand -------------------------------------------------------------------- */

enum { NODES = 64, BATCH = 4, CLASSES = 5, SIDE = 8 };

struct net {
    tcet_graph graph;
    tcet_node nodes[NODES];
    int32_t inputs[2 * NODES];
    tcet_graph_module modules[NODES];
    int32_t used;
    float *params, *x;
    int64_t *y;
};

static tcet_node *node(struct net *n, uint32_t op, int32_t count, int32_t a, int32_t b, int32_t c)
{
    tcet_node *x = &n->nodes[n->graph.node_count++];
    const int32_t in[3] = {a, b, c};

    memset(x, 0, sizeof *x);
    x->op = op;
    x->module = -1;
    x->first_input = n->used;
    x->input_count = count;
    for (int32_t i = 0; i < count; i++)
        n->inputs[n->used++] = in[i];
    if (count > 0) {
        x->c = n->nodes[a].c;
        x->h = n->nodes[a].h;
        x->w = n->nodes[a].w;
    }
    return x;
}

static int32_t last(const struct net *n)
{
    return n->graph.node_count - 1;
}

static int32_t plain(struct net *n, uint32_t op, int32_t a)
{
    tcet_node *x = node(n, op, 1, a, 0, 0);

    if (op == TCET_OP_GLOBAL_POOL)
        x->h = x->w = 1;
    return last(n);
}

/* Shape after a window. */
static void slide(tcet_node *x, int32_t kernel, int32_t stride, int32_t pad)
{
    x->kernel_h = x->kernel_w = kernel;
    x->stride_h = x->stride_w = stride;
    x->padding_h = x->padding_w = pad;
    x->dilation_h = x->dilation_w = x->groups = 1;
    x->h = (x->h + 2 * pad - kernel) / stride + 1;
    x->w = (x->w + 2 * pad - kernel) / stride + 1;
}

static int32_t module(struct net *n, const char *name, uint32_t kind, int64_t weight, int64_t bias)
{
    tcet_graph_module *m = &n->modules[n->graph.module_count++];

    *m = (tcet_graph_module){.parent = -1,
                             .index = n->graph.module_count,
                             .name = name,
                             .kind = kind,
                             .cell = 3,
                             .layer = -1,
                             .weight_count = weight,
                             .bias_count = bias};
    m->weight = n->graph.param_floats;
    m->bias = m->weight + weight;
    n->graph.param_floats += weight + bias;
    if (kind == TCET_LAYER_CONV || kind == TCET_LAYER_LINEAR)
        m->layer = n->graph.layer_count++;
    return n->graph.module_count - 1;
}

static int32_t conv(struct net *n, int32_t a, int32_t channels, int32_t kernel, int32_t stride,
                    int32_t groups, int32_t bias)
{
    tcet_node *x = node(n, TCET_OP_CONV2D, 1, a, 0, 0);
    int64_t shape[4] = {channels, x->c / groups, kernel, kernel};

    slide(x, kernel, stride, kernel / 2);
    x->groups = groups;
    x->c = channels;
    x->bias = bias;
    x->module = module(n, "conv", TCET_LAYER_CONV, shape[0] * shape[1] * kernel * kernel,
                       bias ? channels : 0);
    n->modules[x->module].ndim = 4;
    memcpy(n->modules[x->module].shape, shape, sizeof shape);
    return last(n);
}

static int32_t linear(struct net *n, int32_t a, int32_t outputs)
{
    tcet_node *x = node(n, TCET_OP_LINEAR, 1, a, 0, 0);
    int64_t in = (int64_t)x->c * x->h * x->w;

    x->c = outputs;
    x->h = x->w = 1;
    x->bias = 1;
    x->module = module(n, "linear", TCET_LAYER_LINEAR, outputs * in, outputs);
    n->modules[x->module].ndim = 2;
    n->modules[x->module].shape[0] = outputs;
    n->modules[x->module].shape[1] = in;
    return last(n);
}

static int32_t norm(struct net *n, int32_t a, int32_t affine)
{
    tcet_node *x = node(n, TCET_OP_BATCH_NORM, 1, a, 0, 0);

    x->affine = affine;
    x->track = 1;
    x->eps = 1e-5;
    x->momentum = 0.1;
    x->module = module(n, "bn", TCET_LAYER_NORM, affine ? x->c : 0, affine ? x->c : 0);
    n->modules[x->module].ndim = 1;
    n->modules[x->module].shape[0] = x->c;
    return last(n);
}

static int32_t pool(struct net *n, uint32_t op, int32_t a, int32_t kernel, int32_t stride,
                    int32_t pad, int32_t count)
{
    tcet_node *x = node(n, op, 1, a, 0, 0);

    slide(x, kernel, stride, pad);
    x->count_include_pad = count;
    return last(n);
}

static int32_t add(struct net *n, int32_t count, int32_t a, int32_t b, int32_t c)
{
    node(n, TCET_OP_ADD, count, a, b, c);
    return last(n);
}

static struct net *net_new(int32_t channels)
{
    struct net *n = calloc(1, sizeof *n);
    tcet_node *x = node(n, TCET_OP_INPUT, 0, 0, 0, 0);

    x->c = channels;
    x->h = x->w = SIDE;
    n->graph = (tcet_graph){.struct_size = sizeof n->graph,
                            .node_count = 1,
                            .nodes = n->nodes,
                            .inputs = n->inputs,
                            .modules = n->modules,
                            .features = -1,
                            .channels = channels,
                            .height = SIDE,
                            .width = SIDE,
                            .classes = CLASSES};
    return n;
}

/* Ends with the head, draws weights and two mini-batches. */
static struct net *net_finish(struct net *n, int32_t a, int flat)
{
    size_t image = (size_t)n->graph.channels * SIDE * SIDE;

    n->graph.features = flat ? -1 : a;
    n->graph.output = linear(n, flat ? a : plain(n, TCET_OP_GLOBAL_POOL, a), CLASSES);
    n->params = calloc((size_t)n->graph.param_floats, sizeof *n->params);
    n->x = calloc(2 * BATCH * image, sizeof *n->x);
    n->y = calloc((size_t)2 * BATCH, sizeof *n->y);
    for (int64_t i = 0; i < n->graph.param_floats; i++)
        n->params[i] = 0.6f * uniform();
    for (int32_t k = 0; k < n->graph.module_count; k++) {
        for (int64_t i = 0; n->modules[k].kind == TCET_LAYER_NORM && i < n->modules[k].weight_count;
             i++)
            n->params[n->modules[k].weight + i] += 1;
    }
    for (size_t i = 0; i < 2 * BATCH * image; i++)
        n->x[i] = 1.5f * uniform();
    for (int64_t i = 0; i < (int64_t)2 * BATCH; i++)
        n->y[i] = (i * 7 + 2) % CLASSES;
    return n;
}

static void net_free(struct net *n)
{
    free(n->params);
    free(n->x);
    free(n->y);
    free(n);
}

/* Every operation once, several readers of one value, a module called twice, one never. */
static struct net *everything(void)
{
    struct net *n = net_new(3);
    int32_t x, y, z, s, gate;
    tcet_node *m;

    x = norm(n, conv(n, 0, 6, 3, 1, 1, 0), 1);
    /* a cell: shared ReLU, one of a ReLU, skip, pools, a dead edge */
    y = plain(n, TCET_OP_RELU, plain(n, TCET_OP_RELU, x));
    z = norm(n, conv(n, y, 6, 3, 1, 1, 0), 1);
    s = norm(n, conv(n, plain(n, TCET_OP_RELU, x), 6, 1, 1, 1, 1), 0);
    y = add(n, 3, z, plain(n, TCET_OP_IDENTITY, x), plain(n, TCET_OP_ZERO, x));
    z = add(n, 3, s, pool(n, TCET_OP_AVG_POOL, x, 3, 1, 1, 0), y);
    z = add(n, 2, z, pool(n, TCET_OP_MAX_POOL, y, 3, 1, 1, 0), 0);
    /* depthwise, and its module a second time */
    y = conv(n, plain(n, TCET_OP_SWISH, z), 6, 3, 1, 6, 0);
    m = node(n, TCET_OP_CONV2D, 1, plain(n, TCET_OP_RELU, y), 0, 0);
    *m = (tcet_node){.op = TCET_OP_CONV2D,
                     .module = n->nodes[y].module,
                     .first_input = m->first_input,
                     .input_count = 1,
                     .c = 6,
                     .h = SIDE,
                     .w = SIDE,
                     .kernel_h = 3,
                     .kernel_w = 3,
                     .stride_h = 1,
                     .stride_w = 1,
                     .padding_h = 1,
                     .padding_w = 1,
                     .dilation_h = 1,
                     .dilation_w = 1,
                     .groups = 6};
    n->inputs[m->first_input] = last(n) - 1;
    z = last(n);
    /* squeeze and excitation */
    s = plain(n, TCET_OP_GLOBAL_POOL, z);
    gate = plain(n, TCET_OP_SIGMOID, conv(n, plain(n, TCET_OP_HSWISH, s), 6, 1, 1, 1, 1));
    node(n, TCET_OP_MUL, 2, z, gate, 0);
    z = last(n);
    /* slice, pad, concatenate, scale, multiply by equals */
    m = node(n, TCET_OP_SLICE, 1, z, 0, 0);
    m->offset_c = 1;
    m->offset_h = m->offset_w = 1;
    m->c = 3;
    m->h = m->w = SIDE - 1;
    m = node(n, TCET_OP_PAD, 1, last(n), 0, 0);
    m->padding_h = m->padding_w = 1;
    m->h = m->w = SIDE;
    y = last(n);
    node(n, TCET_OP_CONCAT, 2, y, z, 0)->c = 9;
    z = last(n);
    node(n, TCET_OP_SCALE, 1, z, 0, 0)->eps = 0.7;
    y = plain(n, TCET_OP_RELU6, last(n));
    node(n, TCET_OP_MUL, 2, y, z, 0);
    z = conv(n, last(n), 10, 3, 2, 1, 1);
    z = pool(n, TCET_OP_AVG_POOL, z, 2, 2, 0, 1);
    module(n, "unused", TCET_LAYER_CONV, 6, 0);
    n->modules[n->graph.module_count - 1].ndim = 4;
    for (int i = 0; i < 4; i++)
        n->modules[n->graph.module_count - 1].shape[i] = i == 0 ? 6 : 1;
    return net_finish(n, plain(n, TCET_OP_RELU, norm(n, z, 1)), 0);
}

/* Every operation whose tangent the backend makes itself: several readers of one value, sums of
 * normed and plain terms, a norm of a sum, an image beside a value, a module called twice, dead
 * branches; ends in a global pooling or (flat) in two linear layers. */
static struct net *moving(int flat)
{
    struct net *n = net_new(3);
    int32_t x, y, z, s;
    tcet_node *m;

    x = norm(n, conv(n, 0, 6, 3, 1, 1, 0), 1);
    y = plain(n, TCET_OP_RELU, x);
    z = norm(n, conv(n, y, 6, 3, 1, 1, 0), 1);
    s = norm(n, conv(n, plain(n, TCET_OP_RELU, x), 6, 1, 1, 1, 1), 0);
    y = add(n, 3, z, plain(n, TCET_OP_IDENTITY, x), plain(n, TCET_OP_ZERO, x));
    z = add(n, 3, s, pool(n, TCET_OP_AVG_POOL, x, 3, 1, 1, 0), y);
    z = add(n, 2, z, pool(n, TCET_OP_MAX_POOL, y, 3, 1, 1, 0), 0);
    conv(n, z, 4, 3, 1, 1, 0); /* nobody reads it */
    node(n, TCET_OP_CONCAT, 2, 0, z, 0)->c = 9;
    z = last(n);
    m = node(n, TCET_OP_SLICE, 1, z, 0, 0);
    m->offset_c = 2;
    m->offset_h = m->offset_w = 1;
    m->c = 5;
    m->h = m->w = SIDE - 1;
    m = node(n, TCET_OP_PAD, 1, last(n), 0, 0);
    m->padding_h = m->padding_w = 1;
    m->h = m->w = SIDE;
    y = last(n);
    node(n, TCET_OP_CONCAT, 2, z, y, 0)->c = 14;
    y = conv(n, plain(n, TCET_OP_RELU, last(n)), 9, 3, 1, 1, 1);
    node(n, TCET_OP_SCALE, 1, y, 0, 0)->eps = 0.7;
    s = last(n);
    z = add(n, 3, s, norm(n, conv(n, y, 9, 1, 1, 1, 0), 1), z);
    z = plain(n, TCET_OP_RELU, norm(n, z, 1));
    /* depthwise, and its module a second time */
    y = conv(n, z, 9, 3, 1, 9, 0);
    m = node(n, TCET_OP_CONV2D, 1, plain(n, TCET_OP_RELU, y), 0, 0);
    n->inputs[m->first_input] = last(n) - 1;
    s = m->first_input;
    *m = n->nodes[y];
    m->first_input = s;
    z = add(n, 2, last(n), z, 0);
    y = norm(n, conv(n, z, 10, 3, 2, 1, 1), 1);
    s = pool(n, TCET_OP_MAX_POOL, conv(n, z, 10, 1, 1, 1, 0), 3, 2, 1, 0);
    z = plain(n, TCET_OP_RELU, add(n, 2, y, s, 0));
    z = pool(n, TCET_OP_AVG_POOL, z, 2, 2, 0, 1);
    if (flat)
        z = plain(n, TCET_OP_RELU, linear(n, z, 7));
    else
        z = norm(n, conv(n, z, 8, 1, 1, 1, 0), 1);
    return net_finish(n, z, flat);
}

/* -- running --------------------------------------------------------------------------- */

/* Numbers of one image in a layer's output, of all its calls: as the host counts them. */
static int64_t units_of(const struct net *n, uint32_t site, int32_t index, int *calls)
{
    int64_t units = 0;
    int32_t activations = 0;

    *calls = 0;
    for (int32_t i = 0; i < n->graph.node_count; i++) {
        const tcet_node *x = &n->nodes[i];
        int active = x->op == TCET_OP_RELU || x->op == TCET_OP_RELU6 || x->op == TCET_OP_SWISH ||
                     x->op == TCET_OP_HSWISH;
        int is_it = site == TCET_SITE_WEIGHT
                        ? x->module >= 0 && n->modules[x->module].layer == index
                        : active && activations++ == index;

        *calls += is_it;
        units += is_it ? (int64_t)x->c * x->h * x->w : 0;
    }
    return units;
}

static tcet_status run_images(void *self, const struct net *n, tcet_pass pass, uint32_t sites,
                              uint32_t wants, int32_t forwards, int64_t images, struct result *r)
{
    return run_graph(self, &n->graph, n->params, n->x, n->y, pass, sites, wants, forwards, images,
                     r);
}

static tcet_status run_raw(void *self, const struct net *n, tcet_pass pass, uint32_t sites,
                           uint32_t wants, int32_t forwards, struct result *r)
{
    return run_images(self, n, pass, sites, wants, forwards, BATCH, r);
}

static struct result *run(void *self, const struct net *n, tcet_pass pass, uint32_t sites,
                          uint32_t wants, int32_t forwards)
{
    struct result *r = calloc(1, sizeof *r);

    if (run_raw(self, n, pass, sites, wants, forwards, r) != TCET_OK)
        fail_msg("%s", host.message);
    return r;
}

/* The loss in double from the logits of a forward. */
static double loss_of(struct net *n, tcet_pass pass)
{
    struct result *r;
    double sum = 0, t = pass.temperature != 0 ? pass.temperature : 1;

    pass.gradient = TCET_GRADIENT_NONE;
    pass.hvp = 0;
    r = run(cpu, n, pass, TCET_SITE_LOGITS, TCET_WANT_OUTPUT, 1);
    for (int i = 0; i < BATCH; i++) {
        const double *z = r->numbers[0][OUTPUT] + i * CLASSES;
        double all = 0;

        for (int k = 0; k < CLASSES; k++)
            all += pass.loss == TCET_LOSS_SUM ? z[k] / t : exp(z[k] / t);
        sum += pass.loss == TCET_LOSS_SUM ? all : (log(all) - z[n->y[i]] / t) / BATCH;
    }
    result_free(r);
    return sum;
}

/* d loss / d *p by central differences. */
static double slope(struct net *n, float *p, tcet_pass pass)
{
    const float keep = *p, up = keep + 6e-5f, down = keep - 6e-5f;
    double high, low;

    *p = up;
    high = loss_of(n, pass);
    *p = down;
    low = loss_of(n, pass);
    *p = keep;
    return (high - low) / ((double)up - (double)down);
}

/* -- tests ----------------------------------------------------------------------------- */

/* Gradients of weights, of gammas, of biases and of the input are the slopes of the loss:
 * protects every backward, the gathering of several readers, and shared modules. */
static void test_gradients(void **state)
{
    const tcet_pass passes[] = {
        {.loss = TCET_LOSS_CROSS_ENTROPY},
        {.loss = TCET_LOSS_CROSS_ENTROPY, .norm = TCET_NORM_EVAL, .temperature = 2},
        {.loss = TCET_LOSS_SUM, .norm = TCET_NORM_REMOVED},
    };
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
        tcet_pass pass = passes[k];
        struct result *r;
        int32_t norms = 0, biases = 0;

        pass.precision = TCET_PRECISION_F64;
        pass.gradient = TCET_GRADIENT_BATCH;
        r = run(cpu, n, pass, TCET_SITE_WEIGHT | TCET_SITE_NORM | TCET_SITE_INPUT,
                TCET_WANT_GRADIENT | TCET_WANT_OUTPUT_GRADIENT | TCET_WANT_BIAS |
                    TCET_WANT_BIAS_GRADIENT,
                1);
        for (int a = 0; a < r->count; a++) {
            uint32_t site = r->layer[a].site;
            int32_t index = r->layer[a].index;
            const double *g = r->numbers[a][site == TCET_SITE_INPUT ? OUTPUT_GRADIENT : GRADIENT];
            int64_t count = r->counts[a][site == TCET_SITE_INPUT ? OUTPUT_GRADIENT : GRADIENT];
            const tcet_graph_module *module = NULL;
            float *p = n->x;

            for (int32_t m = 0, seen = 0; m < n->graph.module_count; m++) {
                if (site == TCET_SITE_WEIGHT && n->modules[m].layer == index)
                    module = &n->modules[m];
                if (site == TCET_SITE_NORM && n->modules[m].kind == TCET_LAYER_NORM &&
                    n->modules[m].weight_count > 0 && seen++ == index)
                    module = &n->modules[m];
            }
            if (module)
                p = n->params + module->weight;
            norms += site == TCET_SITE_NORM;
            assert_non_null(g);
            for (int64_t i = 0; i < count; i += 1 + count / 5)
                assert_near(g[i], slope(n, p + i, pass), 2e-5, r->name[a], i);
            for (int64_t i = 0; module && i < module->bias_count; i++) {
                float *bias = n->params + module->bias + i;
                int removed = site == TCET_SITE_NORM && pass.norm == TCET_NORM_REMOVED;

                assert_near(r->numbers[a][BIAS][i], (double)*bias, 1e-12, "bias", i);
                assert_near(removed ? 0 : r->numbers[a][BIAS_GRADIENT][i], slope(n, bias, pass),
                            2e-5, r->name[a], i);
                biases++;
            }
        }
        assert_int_equal(norms, 3);
        assert_true(biases > 20);
        result_free(r);
    }
    net_free(n);
}

/* H g is the slope of the gradient along itself. */
static void test_hessian(void **state)
{
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .hvp = 1,
                      .precision = TCET_PRECISION_F64};
    struct result *r, *side[2];
    double worst = 0, size = 0;
    const double step = 1e-4;
    struct net *n;
    float *keep;

    (void)state;
    NEED_TORCH();
    n = everything();
    r = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP, 1);
    keep = malloc((size_t)n->graph.param_floats * sizeof *keep);
    memcpy(keep, n->params, (size_t)n->graph.param_floats * sizeof *keep);
    pass.hvp = 0;
    for (int s = 0; s < 2; s++) {
        for (int32_t m = 0; m < n->graph.module_count; m++) {
            const tcet_graph_module *mod = &n->modules[m];

            for (int64_t i = 0; mod->layer >= 0 && i < mod->weight_count; i++)
                n->params[mod->weight + i] =
                    (float)((double)keep[mod->weight + i] +
                            (s ? step : -step) * r->numbers[mod->layer][GRADIENT][i]);
        }
        side[s] = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT, 1);
    }
    for (int a = 0; a < r->count; a++) {
        for (int64_t i = 0; i < r->counts[a][HVP]; i++) {
            double want =
                (side[1]->numbers[a][GRADIENT][i] - side[0]->numbers[a][GRADIENT][i]) / (2 * step);

            worst = fmax(worst, fabs(r->numbers[a][HVP][i] - want));
            size = fmax(size, fabs(want));
        }
    }
    assert_true(size > 0);
    assert_true(worst < 1e-3 * size);
    result_free(side[0]);
    result_free(side[1]);
    result_free(r);
    free(keep);
    net_free(n);
}

/* Of two mini-batches, g and H are sums: where nothing couples the images, H g is four times that
 * of the one mini-batch of both, whose loss is half the sum. */
static void test_hessian_batches(void **state)
{
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .norm = TCET_NORM_EVAL,
                      .hvp = 1,
                      .batches = 2,
                      .precision = TCET_PRECISION_F64};
    struct result *halves, whole = {.count = 0};
    double size = 0;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    halves = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP, 2);
    pass.batches = 1;
    if (run_images(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1, 2 * BATCH, &whole) != TCET_OK)
        fail_msg("%s", host.message);
    for (int a = 0; a < whole.count; a++) {
        for (int64_t i = 0; i < whole.counts[a][HVP]; i++) {
            assert_near(halves->numbers[a][HVP][i], 4 * whole.numbers[a][HVP][i], 1e-9, "H g", i);
            size = fmax(size, fabs(whole.numbers[a][HVP][i]));
        }
    }
    assert_true(size > 0);
    result_free(halves);
    result_drop(&whole);
    net_free(n);
}

/* A network without kinks, so that differences over any step are slopes. */
static struct net *smooth(void)
{
    struct net *n = net_new(3);
    int32_t x = norm(n, conv(n, 0, 4, 3, 1, 1, 0), 1), y, gate;

    y = norm(n, conv(n, plain(n, TCET_OP_SWISH, x), 4, 3, 1, 1, 0), 1);
    y = pool(n, TCET_OP_AVG_POOL, add(n, 2, x, y, 0), 3, 1, 1, 0);
    gate = plain(n, TCET_OP_SIGMOID, conv(n, plain(n, TCET_OP_GLOBAL_POOL, y), 4, 1, 1, 1, 1));
    node(n, TCET_OP_MUL, 2, y, gate, 0);
    y = conv(n, last(n), 5, 3, 2, 1, 1);
    return net_finish(n, plain(n, TCET_OP_SWISH, norm(n, y, 1)), 0);
}

/* Moves every conv and linear weight from `from` by step times row b of its gradient. */
static void move_weights(struct net *n, const float *from, const struct result *r, int64_t b,
                         double step)
{
    for (int32_t m = 0; m < n->graph.module_count; m++) {
        const tcet_graph_module *mod = &n->modules[m];
        int64_t count = mod->layer >= 0 ? mod->weight_count : 0;

        for (int64_t i = 0; i < count; i++)
            n->params[mod->weight + i] =
                (float)((double)from[mod->weight + i] +
                        step * r->numbers[mod->layer][GRADIENT][b * count + i]);
    }
}

/* Row b of H g is the slope of image b's own gradient along itself, statistics of the batch
 * included. */
static void test_hessian_rows(void **state)
{
    const tcet_pass passes[] = {
        {.loss = TCET_LOSS_CROSS_ENTROPY},
        {.loss = TCET_LOSS_CROSS_ENTROPY, .norm = TCET_NORM_EVAL, .temperature = 2},
        {.loss = TCET_LOSS_SUM},
    };
    const double step = 1e-3;
    struct net *n;
    float *keep;

    (void)state;
    NEED_TORCH();
    n = smooth();
    keep = malloc((size_t)n->graph.param_floats * sizeof *keep);
    memcpy(keep, n->params, (size_t)n->graph.param_floats * sizeof *keep);
    for (size_t k = 0; k < BATCH * sizeof passes / sizeof *passes; k++) {
        struct result *r, *side[2];
        tcet_pass pass = passes[k / BATCH];
        int64_t b = k % BATCH;
        double worst = 0, size = 0;

        memcpy(n->params, keep, (size_t)n->graph.param_floats * sizeof *keep);
        pass.precision = TCET_PRECISION_F64;
        pass.gradient = TCET_GRADIENT_SAMPLE;
        pass.hvp = 1;
        r = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP, 1);
        pass.hvp = 0;
        for (int s = 0; s < 2; s++) {
            move_weights(n, keep, r, b, s ? step : -step);
            side[s] = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT, 1);
        }
        for (int a = 0; a < r->count; a++) {
            int64_t count = r->counts[a][HVP] / BATCH;

            assert_int_equal(r->counts[a][HVP], r->counts[a][GRADIENT]);
            for (int64_t i = b * count; i < (b + 1) * count; i++) {
                double want =
                    (side[1]->numbers[a][GRADIENT][i] - side[0]->numbers[a][GRADIENT][i]) /
                    (2 * step);

                worst = fmax(worst, fabs(r->numbers[a][HVP][i] - want));
                size = fmax(size, fabs(want));
            }
        }
        if (!(size > 0 && worst < 1e-3 * size))
            fail_msg("pass %zu, image %ld: %g of %g apart", k / BATCH, (long)b, worst, size);
        result_free(side[0]);
        result_free(side[1]);
        result_free(r);
    }
    free(keep);
    net_free(n);
}

/* Where nothing couples the images, row b is H g of a batch that holds image b alone, again and
 * again: by autograd of all operations, and by tangents of those that have them. */
static void test_hessian_lone_rows(void **state)
{
    (void)state;
    NEED_TORCH();
    for (int k = 0; k < 2; k++) {
        struct net *n = k ? moving(0) : everything();
        int64_t image = n->graph.channels * SIDE * SIDE;
        tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                          .norm = TCET_NORM_EVAL,
                          .gradient = TCET_GRADIENT_SAMPLE,
                          .hvp = 1,
                          .precision = TCET_PRECISION_F64};
        struct result *rows = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
        float *x = malloc((size_t)(BATCH * image) * sizeof *x);
        int64_t y[BATCH];

        memcpy(x, n->x, (size_t)(BATCH * image) * sizeof *x);
        memcpy(y, n->y, sizeof y);
        pass.gradient = TCET_GRADIENT_BATCH;
        for (int64_t b = 0; b < BATCH; b++) {
            struct result *lone;

            for (int64_t i = 0; i < BATCH; i++) {
                memcpy(n->x + i * image, x + b * image, (size_t)image * sizeof *x);
                n->y[i] = y[b];
            }
            lone = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
            for (int a = 0; a < lone->count; a++) {
                int64_t count = lone->counts[a][HVP];
                double size = 0, apart = 0;

                assert_int_equal(rows->counts[a][HVP], BATCH * count);
                for (int64_t i = 0; i < count; i++)
                    size = fmax(size, fabs(lone->numbers[a][HVP][i]));
                for (int64_t i = 0; i < count; i++)
                    apart = fmax(apart, fabs(rows->numbers[a][HVP][b * count + i] -
                                             lone->numbers[a][HVP][i]));
                if (!(apart <= 1e-8 * size))
                    fail_msg("%s, image %ld: %g of %g apart", rows->name[a], (long)b, apart, size);
            }
            result_free(lone);
        }
        free(x);
        result_free(rows);
        net_free(n);
    }
}

/* Rows of single images add up to the batch's: with statistics that couple the images, and
 * without, where each backward sees one image alone. */
static void test_sample_rows(void **state)
{
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    for (uint32_t mode = 0; mode < 3; mode++) {
        tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                          .norm = mode,
                          .gradient = TCET_GRADIENT_BATCH,
                          .precision = TCET_PRECISION_F64};
        const uint32_t sites = TCET_SITE_WEIGHT | TCET_SITE_NORM;
        const uint32_t wants = TCET_WANT_GRADIENT | TCET_WANT_BIAS_GRADIENT;
        struct result *whole = run(cpu, n, pass, sites, wants, 1), *rows;

        pass.gradient = TCET_GRADIENT_SAMPLE;
        rows = run(cpu, n, pass, sites, wants, 2);
        assert_int_equal(rows->count, whole->count);
        for (int a = 0; a < rows->count; a++) {
            assert_int_equal(rows->layer[a].rows, 2 * BATCH);
            for (int v = GRADIENT; v <= BIAS_GRADIENT; v += BIAS_GRADIENT - GRADIENT) {
                int64_t count = whole->counts[a][v];

                if (v == BIAS_GRADIENT && count < 0) /* no bias, or its norm is removed */
                    continue;
                assert_int_equal(rows->counts[a][v], 2 * BATCH * count);
                for (int64_t i = 0; i < count; i++) {
                    double sum = 0;

                    for (int64_t b = 0; b < BATCH; b++)
                        sum += rows->numbers[a][v][b * count + i] / BATCH;
                    assert_near(sum, whole->numbers[a][v][i], 1e-9, rows->name[a], i);
                }
            }
        }
        result_free(rows);
        result_free(whole);
    }
    net_free(n);
}

/* Patterns are the signs of the outputs in their order, agreements follow from them, and
 * neither depends on whether outputs are asked for too. */
static void test_signs(void **state)
{
    const uint32_t sites = TCET_SITE_WEIGHT | TCET_SITE_ACTIVATION;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    for (uint32_t mode = 0; mode < 3; mode++) {
        tcet_pass pass = {.norm = mode, .precision = TCET_PRECISION_F32};
        struct result *r =
            run(cpu, n, pass, sites, TCET_WANT_AGREEMENT | TCET_WANT_PATTERN | TCET_WANT_OUTPUT, 1);
        struct result *lean = run(cpu, n, pass, sites, TCET_WANT_AGREEMENT, 1);
        int activations = 0;

        for (int a = 0; a < r->count; a++) {
            uint32_t site = r->layer[a].site;
            int calls;
            int64_t units = units_of(n, site, r->layer[a].index, &calls);
            int64_t words = (units + 63) / 64, positive = 0, first = calls > 0 ? units / calls : 0;

            activations += site == TCET_SITE_ACTIVATION;
            assert_int_equal(r->layer[a].views.positive, lean->layer[a].views.positive);
            assert_memory_equal(r->numbers[a][AGREEMENT], lean->numbers[a][AGREEMENT],
                                BATCH * BATCH * sizeof(double));
            if (calls == 0)
                continue;
            for (int64_t i = 0; i < BATCH; i++) {
                for (int64_t j = 0; j < BATCH; j++) {
                    int64_t differ = 0;

                    for (int64_t w = 0; w < words; w++)
                        differ += __builtin_popcountll(r->bits[a][i * words + w] ^
                                                       r->bits[a][j * words + w]);
                    assert_true(r->numbers[a][AGREEMENT][i * BATCH + j] ==
                                (double)(units - differ));
                }
                for (int64_t u = 0; u < units; u++)
                    positive += (int64_t)(r->bits[a][i * words + u / 64] >> (u % 64) & 1);
                for (int64_t u = 0; u < first; u++)
                    assert_int_equal(r->numbers[a][OUTPUT][i * first + u] > 0,
                                     r->bits[a][i * words + u / 64] >> (u % 64) & 1);
            }
            assert_int_equal(positive, r->layer[a].views.positive);
        }
        assert_int_equal(activations, 8);
        result_free(lean);
        result_free(r);
    }
    net_free(n);
}

/* Which layers are shown, in which order; a module called twice and one never called. */
static void test_layers(void **state)
{
    tcet_pass pass = {
        .loss = TCET_LOSS_SUM, .gradient = TCET_GRADIENT_BATCH, .precision = TCET_PRECISION_F32};
    struct result *r;
    struct net *n;
    int twice = 0, never = 0;

    (void)state;
    NEED_TORCH();
    n = everything();
    r = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_WEIGHT | TCET_WANT_GRADIENT | TCET_WANT_INPUT,
            1);
    assert_int_equal(r->count, n->graph.layer_count);
    for (int64_t i = 0; i < r->counts[0][INPUT]; i++)
        assert_true(r->numbers[0][INPUT][i] == (double)n->x[i]);
    for (int a = 0; a < r->count; a++) {
        double size = 0;
        int calls;

        assert_int_equal(r->layer[a].index, a);
        units_of(n, TCET_SITE_WEIGHT, a, &calls);
        for (int64_t i = 0; i < r->counts[a][GRADIENT]; i++)
            size += fabs(r->numbers[a][GRADIENT][i]);
        twice += calls == 2;
        never += calls == 0;
        assert_true(calls == 0 ? size == 0 : size > 0);
    }
    assert_int_equal(twice, 1);
    assert_int_equal(never, 1);
    result_free(r);
    net_free(n);
}

/* Running variance after two forwards, and batch statistics, in closed form. */
static void test_norm(void **state)
{
    tcet_pass pass = {.precision = TCET_PRECISION_F64};
    enum { AREA = SIDE * SIDE, COUNT = BATCH * AREA };
    struct result *r, *outputs;
    struct net *n;
    int32_t bn;

    (void)state;
    NEED_TORCH();
    n = net_new(2);
    bn = norm(n, 0, 1);
    n = net_finish(n, bn, 0);
    r = run(cpu, n, pass, TCET_SITE_NORM | TCET_SITE_FEATURES,
            TCET_WANT_VARIANCE | TCET_WANT_OUTPUT, 2);
    for (int c = 0; c < 2; c++) {
        double running = 1;

        for (int f = 0; f < 2; f++) {
            const float *x = n->x + f * BATCH * 2 * AREA;
            double mean = 0, var = 0;

            for (int i = 0; i < COUNT; i++)
                mean += (double)x[(i / AREA * 2 + c) * AREA + i % AREA] / COUNT;
            for (int i = 0; i < COUNT; i++)
                var += pow((double)x[(i / AREA * 2 + c) * AREA + i % AREA] - mean, 2) / COUNT;
            running = 0.9 * running + 0.1 * var * COUNT / (COUNT - 1);
            for (int i = 0; i < COUNT; i++) {
                int at = (i / AREA * 2 + c) * AREA + i % AREA;
                double y = ((double)x[at] - mean) / sqrt(var + 1e-5) * (double)n->params[c] +
                           (double)n->params[2 + c];

                assert_near(r->numbers[1][OUTPUT][f * BATCH * 2 * AREA + at], y, 1e-12, "y", at);
            }
        }
        assert_near(r->numbers[0][VARIANCE][c], running, 1e-12, "running variance", c);
    }
    assert_null(r->numbers[0][OUTPUT]);
    outputs = run(cpu, n, pass, TCET_SITE_NORM, TCET_WANT_NORM_OUTPUT, 2);
    assert_int_equal(outputs->counts[0][OUTPUT], r->counts[1][OUTPUT]);
    assert_memory_equal(outputs->numbers[0][OUTPUT], r->numbers[1][OUTPUT],
                        (size_t)r->counts[1][OUTPUT] * sizeof(double));
    result_free(outputs);
    result_free(r);
    net_free(n);
}

/* What redraw does to the inputs of test_norm_repeats. */
struct redraw {
    struct result r; /* first: visit's argument */
    struct net *n;
    int times;
};

static tcet_status redraw(void *arg)
{
    struct redraw *d = arg;

    d->times++;
    for (int i = 0; i < BATCH * 2 * SIDE * SIDE; i++)
        d->n->x[i] *= 2;
    for (int c = 0; c < 2; c++)
        d->n->params[c] += 1;
    return TCET_OK;
}

/* Repeats: new weights and inputs are read, running variances go on, one row a repeat. */
static void test_norm_repeats(void **state)
{
    tcet_pass pass = {.input = TCET_INPUT_GAUSSIAN, .repeat = 3};
    struct redraw *d;
    struct net *n;
    void *aten;
    int32_t bn;

    (void)state;
    NEED_TORCH();
    aten = instance("device", device_of_test(), "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, aten), TCET_OK);
    n = net_new(2);
    bn = norm(n, 0, 1);
    n = net_finish(n, bn, 0);
    for (int k = 0; k < 4; k++) { /* both types, both tables */
        void *self = k % 2 ? aten : cpu;
        tcet_model *model = NULL;
        tcet_run run = {.struct_size = sizeof run,
                        .forwards = 1,
                        .pass = &pass,
                        .sites = TCET_SITE_NORM | TCET_SITE_FEATURES,
                        .params = n->params,
                        .x = n->x,
                        .n = BATCH,
                        .visit = visit,
                        .redraw = redraw};
        enum { IMAGE = SIDE * SIDE, COUNT = BATCH * IMAGE };
        double tolerance = k / 2 ? 1e-12 : 1e-5, running[2] = {1, 1};
        float gamma[2];
        float first[2 * COUNT];

        d = calloc(1, sizeof *d);
        d->n = n;
        run.arg = d;
        pass.precision = k / 2 ? TCET_PRECISION_F64 : TCET_PRECISION_F32;
        want(&run, TCET_WANT_VARIANCE | TCET_WANT_OUTPUT);
        memcpy(first, n->x, sizeof first);
        for (int c = 0; c < 2; c++)
            gamma[c] = n->params[c];
        assert_int_equal(ops->supports(&host.cx, self, &pass, run.sites, TCET_WANT_VARIANCE),
                         TCET_OK);
        assert_int_equal(ops->prepare(&host.cx, self, &n->graph, &model), TCET_OK);
        if (ops->run(&host.cx, self, model, &run) != TCET_OK)
            fail_msg("%s", host.message);
        ops->release(self, model);
        assert_int_equal(d->times, 2);
        assert_int_equal(d->r.counts[0][VARIANCE], 6);
        assert_int_equal(d->r.layer[0].views.variance.ndim, 2);
        assert_int_equal(d->r.counts[1][OUTPUT], 3 * 2 * COUNT);
        for (int c = 0; c < 2; c++) {
            double mean = 0, var = 0;

            for (int i = 0; i < COUNT; i++)
                mean += (double)first[(i / IMAGE * 2 + c) * IMAGE + i % IMAGE] / COUNT;
            for (int i = 0; i < COUNT; i++)
                var +=
                    pow((double)first[(i / IMAGE * 2 + c) * IMAGE + i % IMAGE] - mean, 2) / COUNT;
            n->params[c] = gamma[c];
            for (int r = 0; r < 3; r++, n->params[c] += 1) {
                double scale = 1 << r, eps = 1e-5;
                double y = ((double)first[c * IMAGE] - mean) * scale /
                               sqrt(var * scale * scale + eps) * (double)n->params[c] +
                           (double)n->params[2 + c];

                running[c] = 0.9 * running[c] + 0.1 * var * scale * scale * COUNT / (COUNT - 1);
                assert_near(d->r.numbers[0][VARIANCE][2 * r + c], running[c], tolerance,
                            "running variance", r);
                assert_near(d->r.numbers[1][OUTPUT][r * 2 * COUNT + c * IMAGE], y, tolerance, "y",
                            r);
            }
            n->params[c] = gamma[c];
        }
        memcpy(n->x, first, sizeof first);
        result_drop(&d->r);
        free(d);
    }
    drop(aten);
    net_free(n);
}

/* A linear layer on an unpooled map reads it in NCHW order. */
static void test_flatten(void **state)
{
    tcet_pass pass = {
        .loss = TCET_LOSS_SUM, .gradient = TCET_GRADIENT_BATCH, .precision = TCET_PRECISION_F64};
    enum { IN = 2 * SIDE * SIDE };
    struct result *r;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = net_new(2);
    n = net_finish(n, plain(n, TCET_OP_IDENTITY, 0), 1);
    r = run(cpu, n, pass, TCET_SITE_WEIGHT | TCET_SITE_INPUT,
            TCET_WANT_OUTPUT | TCET_WANT_GRADIENT | TCET_WANT_OUTPUT_GRADIENT, 1);
    for (int k = 0; k < CLASSES; k++) {
        double y = (double)n->params[CLASSES * IN + k];

        for (int i = 0; i < IN; i++)
            y += (double)n->params[k * IN + i] * (double)n->x[i];
        assert_near(r->numbers[0][OUTPUT][k], y, 1e-12, "y", k);
    }
    for (int i = 0; i < IN; i++) {
        double dx = 0, dw = 0;

        for (int k = 0; k < CLASSES; k++)
            dx += (double)n->params[k * IN + i];
        for (int b = 0; b < BATCH; b++)
            dw += (double)n->x[b * IN + i];
        assert_near(r->numbers[1][OUTPUT_GRADIENT][i], dx, 1e-12, "dx", i);
        assert_near(r->numbers[0][GRADIENT][i], dw, 1e-12, "dw", i);
    }
    result_free(r);
    net_free(n);
}

static double distance(const struct result *a, const struct result *b)
{
    double worst = 0;

    assert_int_equal(a->count, b->count);
    for (int l = 0; l < a->count; l++) {
        assert_int_equal(a->layer[l].views.positive, b->layer[l].views.positive);
        for (int v = 0; v < VIEWS; v++) {
            assert_int_equal(a->counts[l][v], b->counts[l][v]);
            for (int64_t i = 0; i < a->counts[l][v]; i++) {
                if (v == PATTERN)
                    assert_true(a->bits[l][i] == b->bits[l][i]);
                else
                    worst = fmax(worst, fabs(a->numbers[l][v][i] - b->numbers[l][v][i]) /
                                            (1 + fabs(b->numbers[l][v][i])));
            }
        }
    }
    return worst;
}

/* The fused kernels of every instruction set give the same bits, and libtorch's own
 * operators (the GPU's code path) the same numbers to rounding. */
static void test_kernels(void **state)
{
    const char *const names[] = {"baseline", "avx2", "avx512", "aten"};
    const uint32_t sites = 63, values = TCET_WANT_WEIGHT | TCET_WANT_INPUT | TCET_WANT_OUTPUT |
                                        TCET_WANT_AGREEMENT | TCET_WANT_PATTERN |
                                        TCET_WANT_VARIANCE;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    for (size_t k = 0; k < 4; k++) {
        void *other = instance("device", "cpu", "kernels", names[k], NULL);

        if (ops->open(&host.cx, other) != TCET_OK) {
            assert_non_null(strstr(host.message, "instruction set"));
            free(other);
            continue;
        }
        for (uint32_t mode = 0; mode < 9; mode++) {
            tcet_pass pass = {.norm = mode % 3,
                              .loss = TCET_LOSS_CROSS_ENTROPY,
                              .gradient = mode / 3,
                              .precision = TCET_PRECISION_F64};
            uint32_t wants = values | (mode / 3 ? TCET_WANT_GRADIENT : 0) |
                             (mode / 3 == 1 ? TCET_WANT_OUTPUT_GRADIENT : 0);
            struct result *a = run(cpu, n, pass, sites, wants, 1);
            struct result *b = run(other, n, pass, sites, wants, 1);
            double apart = distance(a, b);

            if (!(apart <= (k < 3 && !strcmp(device_of_test(), "cpu") ? 0 : 1e-10)))
                fail_msg("%s, mode %u: %g apart", names[k], mode, apart);
            result_free(a);
            result_free(b);
        }
        drop(other);
    }
    net_free(n);
}

/* A ReLU of a ReLU passes on what is positive, and the gradient there: at 0 it is 0, as PyTorch has it. */
static void test_relu_of_relu(void **state)
{
    const tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .precision = TCET_PRECISION_F64};

    (void)state;
    NEED_TORCH();
    for (int direct = 0; direct < 2; direct++) {
        struct net *n = net_new(3);
        int32_t first = plain(n, TCET_OP_RELU, norm(n, conv(n, 0, 6, 3, 1, 1, 0), 1));
        int32_t second = plain(n, TCET_OP_RELU, plain(n, TCET_OP_IDENTITY, first));
        struct result *r;
        int64_t live = 0, at_zero = 0;

        net_finish(n, direct ? add(n, 2, second, first, 0) : second, 1);
        r = run(cpu, n, pass, TCET_SITE_ACTIVATION, TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT,
                1);
        assert_int_equal(r->count, 2);
        for (int64_t i = 0; i < r->counts[0][OUTPUT]; i++) {
            double x = r->numbers[0][OUTPUT][i], g = r->numbers[0][OUTPUT_GRADIENT][i],
                   after = r->numbers[1][OUTPUT_GRADIENT][i];

            assert_true(r->numbers[1][OUTPUT][i] == fmax(x, 0));
            assert_true(g == (x > 0 ? after : 0));
            at_zero += x <= 0 && after != 0;
            live += g != 0;
        }
        assert_true(live > 0 && (direct ? at_zero > 0 : at_zero == 0));
        result_free(r);
        net_free(n);
    }
}

/* Less than `count`. */
static int32_t any_of(int32_t count)
{
    return (int32_t)(fabs((double)uniform()) * count);
}

/* An operation over a (and b), of as many channels. */
static int32_t any_operation(struct net *n, int32_t a, int32_t b)
{
    static const uint32_t plains[] = {TCET_OP_RELU, TCET_OP_SWISH, TCET_OP_RELU6, TCET_OP_IDENTITY};
    int32_t c = n->nodes[a].c;

    switch (any_of(12)) {
    case 0: return norm(n, conv(n, plain(n, TCET_OP_RELU, a), c, 3, 1, 1, 0), 1);
    case 1: return norm(n, conv(n, plain(n, TCET_OP_RELU, a), c, 1, 1, 1, 0), 1);
    case 2: return conv(n, a, c, 3, 1, 1, 1);
    case 3: return conv(n, a, c, 1, 1, 1, 0);
    case 4: return conv(n, plain(n, TCET_OP_RELU, a), c, 3, 1, c, 0);
    case 5: return plain(n, plains[any_of(7) % 4], a);
    case 6: return add(n, 2, a, b, 0);
    case 7: return add(n, 3, a, plain(n, TCET_OP_ZERO, b), a);
    case 8: return norm(n, a, 1);
    case 9: return pool(n, any_of(2) ? TCET_OP_AVG_POOL : TCET_OP_MAX_POOL, a, 3, 1, 1, 0);
    case 10: node(n, TCET_OP_MUL, 2, a, b, 0); return last(n);
    default: node(n, TCET_OP_SCALE, 1, a, 0, 0)->eps = 0.7; return last(n);
    }
}

/* A network whose nodes are read by convolutions, sums, norms and pools in any order, itself and its ReLU. */
static struct net *anything(int32_t channels)
{
    enum { TRIES = 16 };
    struct net *n = net_new(3);
    int32_t made[TRIES + 1];

    made[0] = norm(n, conv(n, 0, channels, 3, 1, 1, 0), 1);
    for (int32_t k = 0; k < TRIES; k++)
        made[k + 1] = any_operation(n, made[any_of(k + 1)], made[any_of(k + 1)]);
    return net_finish(n, add(n, 3, made[TRIES], made[TRIES - 1], made[TRIES / 2]), 0);
}

/* How far two backends are apart. */
static double apart_of(void *other, const struct net *n, tcet_pass pass, uint32_t sites,
                       uint32_t wants)
{
    struct result *a = run(cpu, n, pass, sites, wants, 1),
                  *b = run(other, n, pass, sites, wants, 1);
    double apart = distance(a, b);

    result_free(a);
    result_free(b);
    return apart;
}

/* Whoever makes a sum, gathers a gradient or measures a batch norm's input, as part of a convolution or by itself:
 * the numbers are those of libtorch's own operators, which go by the same plan but drive nothing. */
static void test_any_network(void **state)
{
    void *other;

    (void)state;
    NEED_TORCH();
    other = instance("device", "cpu", "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, other), TCET_OK);
    for (int k = 0; k < 150; k++) {
        struct net *n = anything(k % 4 == 3 ? 64 : 8);
        tcet_pass pass = {.norm = k % 3 ? TCET_NORM_TRAIN : TCET_NORM_EVAL,
                          .loss = TCET_LOSS_CROSS_ENTROPY,
                          .gradient = k % 5 ? TCET_GRADIENT_BATCH : TCET_GRADIENT_SAMPLE,
                          .precision = TCET_PRECISION_F64};
        uint32_t sites = TCET_SITE_WEIGHT | TCET_SITE_NORM | TCET_SITE_LOGITS,
                 wants = TCET_WANT_GRADIENT | (k % 2 && k % 5 ? TCET_WANT_OUTPUT_GRADIENT : 0);
        double exact = apart_of(other, n, pass, sites | (k % 7 ? 0 : TCET_SITE_ACTIVATION),
                                wants | TCET_WANT_AGREEMENT),
               single;

        pass.precision = TCET_PRECISION_F32;
        single = apart_of(other, n, pass, sites, wants);
        pass.precision = TCET_PRECISION_F64;
        pass.hvp = k % 2 && k % 5;
        if (pass.hvp)
            exact = fmax(exact, apart_of(other, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP));
        if (!(exact <= 1e-8 && single <= 5e-3))
            fail_msg("network %d: %g and, in float, %g apart", k, exact, single);
        net_free(n);
    }
    drop(other);
}

/* The largest difference of two runs' H g, over the largest number of its layer. */
static double hessian_distance(const struct result *a, const struct result *b)
{
    double worst = 0;

    assert_int_equal(a->count, b->count);
    for (int l = 0; l < a->count; l++) {
        double size = 0, apart = 0;

        assert_int_equal(a->counts[l][HVP], b->counts[l][HVP]);
        for (int64_t i = 0; i < a->counts[l][HVP]; i++) {
            size = fmax(size, fabs(b->numbers[l][HVP][i]));
            apart = fmax(apart, fabs(a->numbers[l][HVP][i] - b->numbers[l][HVP][i]));
        }
        worst = fmax(worst, size > 0 ? apart / size : 0);
    }
    return worst;
}

/* Tangents give autograd's H g (the plain kernels', which have no tangents), the same bits on
 * every instruction set, and nearly the same in float; whatever else the pass hands over. */
static void test_tangents(void **state)
{
    const char *const names[] = {"baseline", "avx2", "avx512"};
    const tcet_pass passes[] = {
        {.loss = TCET_LOSS_CROSS_ENTROPY},
        {.loss = TCET_LOSS_CROSS_ENTROPY, .temperature = 3},
        {.loss = TCET_LOSS_CROSS_ENTROPY, .norm = TCET_NORM_EVAL, .temperature = 0.5},
        {.loss = TCET_LOSS_CROSS_ENTROPY, .norm = TCET_NORM_REMOVED},
        {.loss = TCET_LOSS_SUM, .norm = TCET_NORM_EVAL},
    };
    void *other[4] = {NULL};

    (void)state;
    NEED_TORCH();
    if (strcmp(device_of_test(), "cpu") != 0) /* which alone has kernels for R */
        skip();
    for (int k = 0; k < 4; k++) {
        other[k] = instance("device", "cpu", "kernels", k < 3 ? names[k] : "aten", NULL);
        if (ops->open(&host.cx, other[k]) != TCET_OK) {
            free(other[k]);
            other[k] = NULL;
        }
    }
    for (size_t p = 0; p < 2 * (sizeof passes / sizeof *passes); p++) {
        struct net *n = moving((int)(p % 2));
        tcet_pass pass = passes[p / 2];
        struct result *ours, *more, *tape, *narrow;
        double apart;

        pass.hvp = 1;
        pass.gradient = TCET_GRADIENT_BATCH;
        pass.precision = TCET_PRECISION_F64;
        ours = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
        tape = run(other[3], n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
        assert_int_equal(ours->counts[0][GRADIENT], -1);
        apart = hessian_distance(ours, tape);
        if (!(apart > 0 && apart < 1e-10))
            fail_msg("pass %d: %g from autograd", (int)p, apart);
        for (int k = 0; k < 3; k++) {
            if (!other[k])
                continue;
            more = run(other[k], n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
            assert_true(hessian_distance(more, ours) == 0);
            result_free(more);
        }
        result_free(tape);
        more = run(cpu, n, pass, 63, 2 * TCET_WANT_CHANNEL_PRODUCT - 1, 1);
        tape = run(other[3], n, pass, 63, 2 * TCET_WANT_CHANNEL_PRODUCT - 1, 1);
        assert_true(distance(more, tape) < 1e-10);
        pass.precision = TCET_PRECISION_F32;
        narrow = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1);
        apart = hessian_distance(narrow, ours);
        if (!(apart > 0 && apart < 1e-3))
            fail_msg("pass %d: float %g from double", (int)p, apart);
        result_free(narrow);
        result_free(ours);
        result_free(more);
        result_free(tape);
        net_free(n);
    }
    for (int k = 0; k < 4; k++) {
        if (other[k])
            drop(other[k]);
    }
}

/* The same of single images' rows, with and without their gradients being asked for. */
static void test_tangent_rows(void **state)
{
    const uint32_t sites = TCET_SITE_WEIGHT | TCET_SITE_NORM;
    void *aten;

    (void)state;
    NEED_TORCH();
    aten = instance("device", device_of_test(), "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, aten), TCET_OK);
    for (uint32_t k = 0; k < 6; k++) {
        struct net *n = moving((int)(k % 2));
        tcet_pass pass = {.loss = k == 5 ? TCET_LOSS_SUM : TCET_LOSS_CROSS_ENTROPY,
                          .norm = k / 2,
                          .temperature = k == 1 ? 3 : 0,
                          .gradient = TCET_GRADIENT_SAMPLE,
                          .hvp = 1,
                          .precision = TCET_PRECISION_F64};
        struct result *tape = run(aten, n, pass, sites, TCET_WANT_GRADIENT | TCET_WANT_HVP, 1);
        struct result *both = run(cpu, n, pass, sites, TCET_WANT_GRADIENT | TCET_WANT_HVP, 1);
        struct result *lean = run(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_HVP, 1), *narrow;
        double apart = hessian_distance(both, tape);

        if (!(apart < 1e-10))
            fail_msg("pass %u: %g from autograd", k, apart);
        /* numbers of a million, and small ones that are their differences */
        assert_true(distance(both, tape) < 1e-8);
        for (int a = 0, at = 0; a < both->count; a++) {
            if (both->layer[a].site != TCET_SITE_WEIGHT)
                continue;
            assert_int_equal(lean->counts[at][GRADIENT], -1);
            assert_int_equal(lean->counts[at][HVP], both->counts[a][HVP]);
            assert_memory_equal(lean->numbers[at][HVP], both->numbers[a][HVP],
                                (size_t)both->counts[a][HVP] * sizeof(double));
            at++;
        }
        pass.precision = TCET_PRECISION_F32;
        narrow = run(cpu, n, pass, sites, TCET_WANT_GRADIENT | TCET_WANT_HVP, 1);
        apart = hessian_distance(narrow, both);
        if (!(apart < 1e-3))
            fail_msg("pass %u: float %g from double", k, apart);
        result_free(narrow);
        result_free(lean);
        result_free(both);
        result_free(tape);
        net_free(n);
    }
    drop(aten);
}

/* Convolutions in double are the backend's own: every kind of window against libtorch's. */
static void test_convolutions(void **state)
{
    static const struct {
        int32_t in, out, kernel, stride, pad, dilation, groups;
    } kinds[] = {
        {3, 16, 3, 1, 1, 1, 1}, {16, 17, 3, 2, 1, 1, 1}, {5, 3, 1, 1, 0, 1, 1},
        {4, 9, 1, 2, 0, 1, 1},  {9, 33, 2, 2, 0, 1, 1},  {2, 5, 5, 1, 2, 1, 1},
        {3, 8, 3, 1, 2, 2, 1},  {6, 4, 3, 3, 0, 1, 1},   {1, 1, 7, 2, 3, 1, 1},
        {4, 6, 3, 1, 1, 1, 2},  {3, 20, 1, 1, 1, 1, 1},  {7, 2, 3, 2, 4, 2, 1},
        {2, 3, 8, 1, 0, 1, 1},
    };
    const uint32_t wants = TCET_WANT_GRADIENT | TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT;
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .precision = TCET_PRECISION_F64};
    void *aten;

    (void)state;
    NEED_TORCH();
    aten = instance("device", device_of_test(), "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, aten), TCET_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct net *n = net_new(kinds[k].in);
        int32_t at = conv(n, 0, kinds[k].out, kinds[k].kernel, 1, kinds[k].groups, 1);
        tcet_node *x = &n->nodes[at];
        struct result *a, *b;

        x->stride_h = x->stride_w = kinds[k].stride;
        x->padding_h = x->padding_w = kinds[k].pad;
        x->dilation_h = x->dilation_w = kinds[k].dilation;
        x->h = x->w = (SIDE + 2 * kinds[k].pad - kinds[k].dilation * (kinds[k].kernel - 1) - 1) /
                          kinds[k].stride +
                      1;
        n = net_finish(n, at, 1);
        a = run(cpu, n, pass, TCET_SITE_WEIGHT | TCET_SITE_INPUT, wants, 1);
        b = run(aten, n, pass, TCET_SITE_WEIGHT | TCET_SITE_INPUT, wants, 1);
        if (!(distance(a, b) < 1e-12))
            fail_msg("kind %zu: %g apart", k, distance(a, b));
        result_free(a);
        result_free(b);
        net_free(n);
    }
    drop(aten);
}

/* Our float convolutions (3 x 3 by Winograd, 1 x 1) against libtorch's, on even and odd images,
 * channels that fill vectors and tiles that do not fill a block; the same bits on both instruction
 * sets. */
static void test_fast_convolutions(void **state)
{
    static const int32_t kinds[][3] = {{16, 16, 3}, {16, 32, 3}, {32, 48, 3}, {48, 16, 3},
                                       {64, 64, 3}, {16, 16, 1}, {32, 48, 1}, {48, 64, 1}};
    const uint32_t wants = TCET_WANT_GRADIENT | TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT;
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .precision = TCET_PRECISION_F32};
    const char *const names[] = {"avx2", "avx512"};
    void *aten;

    (void)state;
    NEED_TORCH();
    noise = 1;
    aten = instance("device", device_of_test(), "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, aten), TCET_OK);
    for (size_t k = 0; k < 2 * (sizeof kinds / sizeof *kinds); k++) {
        int32_t in = kinds[k / 2][0], out = kinds[k / 2][1], odd = k % 2;
        struct net *n = net_new(3);
        int32_t at = conv(n, 0, in, odd ? 2 : 1, 1, 1, 0), size = SIDE - odd;
        struct result *plain_one, *before = NULL;

        n->nodes[at].padding_h = n->nodes[at].padding_w = 0;
        n->nodes[at].h = n->nodes[at].w = size;
        at = conv(n, at, out, kinds[k / 2][2], 1, 1, 1);
        n = net_finish(n, at, 1);
        plain_one = run(aten, n, pass, TCET_SITE_WEIGHT | TCET_SITE_INPUT, wants, 1);
        for (int isa = 0; isa < 2; isa++) {
            void *ours = instance("device", "cpu", "kernels", names[isa], NULL);

            if (ops->open(&host.cx, ours) == TCET_OK) {
                struct result *r = run(ours, n, pass, TCET_SITE_WEIGHT | TCET_SITE_INPUT, wants, 1);

                if (!(distance(plain_one, r) < 3e-4))
                    fail_msg("%s, %d to %d: %g apart", names[isa], in, out, distance(plain_one, r));
                if (before && distance(before, r) != 0)
                    fail_msg("%d to %d: the instruction sets differ", in, out);
                if (before)
                    result_free(before);
                before = r;
            }
            drop(ours);
        }
        if (before)
            result_free(before);
        result_free(plain_one);
        net_free(n);
    }
    drop(aten);
}

/* Same bits whatever was scored before; float32 is near float64. */
static void test_repeats(void **state)
{
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .precision = TCET_PRECISION_F32};
    const uint32_t wants = TCET_WANT_GRADIENT | TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT;
    struct result *first, *again, *wide;
    struct net *n, *other;

    (void)state;
    NEED_TORCH();
    n = everything();
    other = net_new(4);
    other = net_finish(other, norm(other, conv(other, 0, 17, 3, 2, 1, 1), 1), 0);
    first = run(cpu, n, pass, 63, wants, 2);
    result_free(run(cpu, other, pass, 63, wants, 1));
    again = run(cpu, n, pass, 63, wants, 2);
    assert_true(distance(first, again) == 0);
    pass.precision = TCET_PRECISION_F64;
    wide = run(cpu, n, pass, 63, wants, 2);
    assert_true(distance(first, wide) < 1e-3);
    assert_true(distance(first, wide) > 0);
    result_free(first);
    result_free(again);
    result_free(wide);
    net_free(n);
    net_free(other);
}

/* What this backend alone cannot run is refused before open(), with a reason. */
static void test_refusals(void **state)
{
    static const struct {
        tcet_pass pass;
        uint32_t wants;
        const char *why;
    } bad[] = {
        {{.loss = TCET_LOSS_SUM, .gradient = TCET_GRADIENT_SAMPLE},
         TCET_WANT_OUTPUT_GRADIENT,
         "per-sample"},
        {{.loss = TCET_LOSS_SUM, .hvp = 1, .batches = 2, .gradient = TCET_GRADIENT_SAMPLE},
         TCET_WANT_HVP,
         "one mini-batch"},
        {{.loss = TCET_LOSS_SUM, .hvp = 1, .input = TCET_INPUT_MIXUP},
         TCET_WANT_HVP,
         "mixup input has none"},
    };
    void *closed;

    (void)state;
    NEED_TORCH();
    closed = instance(NULL);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_int_equal(
            ops->supports(&host.cx, closed, &bad[k].pass, TCET_SITE_WEIGHT, bad[k].wants),
            TCET_E_UNSUPPORTED);
        assert_non_null(strstr(host.message, bad[k].why));
    }
    drop(closed);
}

/* A device that is not there is bad input, and the message names it. */
static void test_devices(void **state)
{
    const char *const names[] = {"cuda:4000", "gpu", "cuda:x", "cuda:-1"};

    (void)state;
    NEED_TORCH();
    for (size_t k = 0; k < 4; k++) {
        void *self = instance("device", names[k], NULL);

        assert_int_equal(ops->open(&host.cx, self), TCET_E_ARG);
        assert_non_null(strstr(host.message, names[k]));
        drop(self);
    }
}

/* Channel products are the sums over pixels of output times output gradient. */
static void test_channel_products(void **state)
{
    const uint32_t both = TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT,
                   sites = TCET_SITE_WEIGHT | TCET_SITE_ACTIVATION;
    tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .precision = TCET_PRECISION_F64};
    struct result *full, *r;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    full = run(cpu, n, pass, sites, both, 1);
    r = run(cpu, n, pass, sites, TCET_WANT_CHANNEL_PRODUCT, 1);
    assert_int_equal(r->count, full->count);
    for (int a = 0; a < r->count; a++) {
        int64_t pixels = full->counts[a][OUTPUT] / r->counts[a][PRODUCT];
        int calls;

        units_of(n, r->layer[a].site, r->layer[a].index, &calls);
        if (!calls) /* never executed: nothing to be had */
            continue;
        assert_true(r->counts[a][PRODUCT] > 0 && r->counts[a][PRODUCT] % BATCH == 0);
        for (int64_t i = 0; i < r->counts[a][PRODUCT]; i++) {
            double sum = 0;

            for (int64_t k = i * pixels; k < (i + 1) * pixels; k++)
                sum += full->numbers[a][OUTPUT][k] * full->numbers[a][OUTPUT_GRADIENT][k];
            assert_near(r->numbers[a][PRODUCT][i], sum, 1e-11, r->name[a], i);
        }
    }
    result_free(full);
    result_free(r);
    net_free(n);
}

/* Bit by bit where the tolerance is 0. */
static void assert_same(const struct result *r, const struct result *alone, double tolerance)
{
    assert_int_equal(r->count, alone->count);
    for (int a = 0; a < r->count; a++) {
        for (int i = 0; i < VIEWS; i++) {
            assert_int_equal(r->counts[a][i], alone->counts[a][i]);
            if (r->numbers[a][i] && tolerance == 0)
                assert_memory_equal(r->numbers[a][i], alone->numbers[a][i],
                                    (size_t)r->counts[a][i] * sizeof(double));
            for (int64_t k = 0; r->numbers[a][i] && k < r->counts[a][i]; k++)
                assert_near(r->numbers[a][i][k], alone->numbers[a][i][k], tolerance, r->name[a], k);
        }
        if (r->bits[a])
            assert_memory_equal(r->bits[a], alone->bits[a],
                                (size_t)r->counts[a][PATTERN] * sizeof(uint64_t));
    }
}

/* A backward on the forward that the run before it kept gives the bits of one with its own. */
static void test_shared_forward(void **state)
{
    tcet_pass first = {.struct_size = sizeof first,
                       .loss = TCET_LOSS_CROSS_ENTROPY,
                       .gradient = TCET_GRADIENT_BATCH,
                       .precision = TCET_PRECISION_F32},
              second = first;
    struct net *n;

    (void)state;
    NEED_TORCH();
    second.loss = TCET_LOSS_SUM;
    n = everything();
    for (int hvp = 0; hvp < 2; hvp++) {
        const uint32_t wants[3] = {TCET_WANT_GRADIENT | TCET_WANT_AGREEMENT |
                                       (hvp ? TCET_WANT_HVP : 0),
                                   TCET_WANT_OUTPUT_GRADIENT, TCET_WANT_GRADIENT};
        tcet_model *model;

        first.hvp = (uint32_t)hvp;
        assert_int_equal(ops->prepare(&host.cx, cpu, &n->graph, &model), TCET_OK);
        for (int k = 0; k < 3; k++) {
            struct result *alone, *r = calloc(1, sizeof *r);
            tcet_run run_of = {.struct_size = sizeof run_of,
                               .forwards = 1,
                               .pass = k == 0 ? &first : &second,
                               .sites = TCET_SITE_WEIGHT | TCET_SITE_INPUT,
                               .params = n->params,
                               .x = n->x,
                               .y = n->y,
                               .n = BATCH,
                               .visit = visit,
                               .arg = r,
                               .same_forward = k > 0,
                               .keep_forward = k < 2};

            want(&run_of, wants[k]);
            assert_int_equal(ops->run(&host.cx, cpu, model, &run_of), TCET_OK);
            alone = run(cpu, n, *run_of.pass, run_of.sites, wants[k], 1);
            assert_same(r, alone, 0);
            result_free(alone);
            result_free(r);
        }
        ops->release(cpu, model);
    }
    net_free(n);
}

enum { NETS = 2, RUNS = 3 };

/* Runs of two models that are submitted in turn, of which the second shares the first one's
 * forward and the third has other weights, in the place of the others'; collected with another
 * model's submissions between.  They must say what runs on their own say. */
static void interleave(void *self, uint32_t precision, uint32_t hvp, double tolerance)
{
    const uint32_t wants[RUNS] = {TCET_WANT_WEIGHT | TCET_WANT_GRADIENT | TCET_WANT_AGREEMENT |
                                      TCET_WANT_PATTERN | (hvp ? TCET_WANT_HVP : 0),
                                  TCET_WANT_OUTPUT_GRADIENT, TCET_WANT_WEIGHT | TCET_WANT_OUTPUT};
    struct net *n[NETS] = {everything(), moving(0)};
    tcet_pass pass[RUNS] = {{.struct_size = sizeof *pass,
                             .loss = TCET_LOSS_CROSS_ENTROPY,
                             .gradient = TCET_GRADIENT_BATCH,
                             .hvp = hvp,
                             .precision = precision},
                            {.struct_size = sizeof *pass,
                             .loss = TCET_LOSS_SUM,
                             .gradient = TCET_GRADIENT_BATCH,
                             .precision = precision},
                            {.struct_size = sizeof *pass, .precision = precision}};
    struct result *r[NETS][RUNS], *alone;
    tcet_run run_of[NETS][RUNS];
    tcet_model *model[NETS];

    for (int m = 0; m < NETS; m++)
        assert_int_equal(ops->prepare(&host.cx, self, &n[m]->graph, &model[m]), TCET_OK);
    for (int k = 0; k < RUNS; k++) {
        for (int m = 0; m < NETS; m++) {
            size_t bytes = (size_t)n[m]->graph.param_floats * sizeof(float);
            size_t images = (size_t)(BATCH * 3 * SIDE * SIDE) * sizeof(float);
            float *params = malloc(bytes), *x = malloc(images);

            r[m][k] = calloc(1, sizeof *r[m][k]);
            for (int64_t i = 0; i < n[m]->graph.param_floats; i++)
                params[i] = k == 2 ? -n[m]->params[i] : n[m]->params[i];
            memcpy(x, n[m]->x, images);
            run_of[m][k] = (tcet_run){.struct_size = sizeof run_of[m][k],
                                      .forwards = 1,
                                      .pass = &pass[k],
                                      .sites = TCET_SITE_WEIGHT | TCET_SITE_INPUT,
                                      .defer = 1,
                                      .params = params,
                                      .x = x,
                                      .y = n[m]->y,
                                      .n = BATCH,
                                      .visit = visit,
                                      .arg = r[m][k],
                                      .same_forward = k == 1,
                                      .keep_forward = k == 0};
            want(&run_of[m][k], wants[k]);
            assert_int_equal(ops->run(&host.cx, self, model[m], &run_of[m][k]), TCET_OK);
            assert_int_equal(r[m][k]->count, 0);
            memset(params, 0xff, bytes); /* they are ours again */
            memset(x, 0xff, images);
            free(params);
            free(x);
        }
    }
    assert_int_equal(ops->collect(&host.cx, self, model[0], &run_of[0][1]), TCET_E_ARG);
    for (int m = 0; m < NETS; m++) {
        for (int k = 0; k < RUNS; k++) {
            assert_int_equal(ops->collect(&host.cx, self, model[m], &run_of[m][k]), TCET_OK);
            assert_true(r[m][k]->count > 0);
            assert_true(run_of[m][k].seconds_other >= 0);
        }
        assert_int_equal(ops->collect(&host.cx, self, model[m], &run_of[m][0]), TCET_E_ARG);
        ops->release(self, model[m]);
        for (int k = 0; k < RUNS; k++) {
            for (int64_t i = 0; k == 2 && i < n[m]->graph.param_floats; i++)
                n[m]->params[i] = -n[m]->params[i];
            alone = run(self, n[m], pass[k], run_of[m][k].sites, wants[k], 1);
            assert_same(r[m][k], alone, tolerance);
            result_free(alone);
            result_free(r[m][k]);
        }
        net_free(n[m]);
    }
}

static void test_deferred(void **state)
{
    void *aten, *cuda;
    int has_cuda;

    (void)state;
    NEED_TORCH();
    aten = instance("device", device_of_test(), "kernels", "aten", NULL);
    assert_int_equal(ops->open(&host.cx, aten), TCET_OK);
    cuda = instance("device", "cuda", NULL);
    has_cuda = ops->open(&host.cx, cuda) == TCET_OK;
    for (uint32_t hvp = 0; hvp < 2; hvp++) {
        interleave(cpu, TCET_PRECISION_F32, hvp, 0);
        interleave(cpu, TCET_PRECISION_F64, hvp, 0);
        interleave(aten, TCET_PRECISION_F32, hvp, 0);
        if (has_cuda) /* whose sums have no order */
            interleave(cuda, TCET_PRECISION_F64, hvp, 1e-9);
    }
    drop(aten);
    drop(cuda);
}

/* A model with runs that nobody collects, one of them kept for the next, is released whole; a
 * failing visit is collect's failure, and costs no other run. */
static void test_uncollected(void **state)
{
    tcet_pass pass = {.struct_size = sizeof pass,
                      .loss = TCET_LOSS_CROSS_ENTROPY,
                      .gradient = TCET_GRADIENT_BATCH,
                      .precision = TCET_PRECISION_F32};
    struct result *r = calloc(1, sizeof *r);
    tcet_run run_of[3];
    tcet_model *model;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    assert_int_equal(ops->prepare(&host.cx, cpu, &n->graph, &model), TCET_OK);
    for (int k = 0; k < 3; k++) {
        run_of[k] = (tcet_run){.struct_size = sizeof run_of[k],
                               .forwards = 1,
                               .pass = &pass,
                               .sites = TCET_SITE_WEIGHT,
                               .defer = 1,
                               .params = n->params,
                               .x = n->x,
                               .y = n->y,
                               .n = BATCH,
                               .visit = visit,
                               .arg = r,
                               .keep_forward = 1};
        want(&run_of[k], TCET_WANT_GRADIENT);
        assert_int_equal(ops->run(&host.cx, cpu, model, &run_of[k]), TCET_OK);
    }
    r->stop_at = 2;
    assert_int_equal(ops->collect(&host.cx, cpu, model, &run_of[0]), TCET_E_PLUGIN);
    assert_int_equal(ops->collect(&host.cx, cpu, model, &run_of[1]), TCET_OK);
    ops->release(cpu, model);
    result_free(r);
    net_free(n);
}

/* H g has a time of its own, by autograd and by tangents, and no moment counts twice. */
static void test_times(void **state)
{
    (void)state;
    NEED_TORCH();
    for (int k = 0; k < 4; k++) {
        struct net *n = k % 2 ? moving(0) : everything();
        tcet_pass pass = {.struct_size = sizeof pass,
                          .loss = TCET_LOSS_CROSS_ENTROPY,
                          .gradient = TCET_GRADIENT_BATCH,
                          .hvp = (uint32_t)(k / 2),
                          .precision = TCET_PRECISION_F32};
        struct result *r = calloc(1, sizeof *r);
        tcet_run run_of = {.struct_size = sizeof run_of,
                           .forwards = 1,
                           .pass = &pass,
                           .sites = TCET_SITE_WEIGHT,
                           .params = n->params,
                           .x = n->x,
                           .y = n->y,
                           .n = BATCH,
                           .visit = visit,
                           .arg = r};
        struct timespec a, b;
        tcet_model *model;
        double all;

        want(&run_of, TCET_WANT_GRADIENT | (k / 2 ? TCET_WANT_HVP : 0));
        assert_int_equal(ops->prepare(&host.cx, cpu, &n->graph, &model), TCET_OK);
        clock_gettime(CLOCK_MONOTONIC, &a);
        assert_int_equal(ops->run(&host.cx, cpu, model, &run_of), TCET_OK);
        clock_gettime(CLOCK_MONOTONIC, &b);
        all = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        assert_true(run_of.seconds_forward > 0 && run_of.seconds_backward > 0);
        assert_true(k / 2 ? run_of.seconds_hvp > 0 : run_of.seconds_hvp == 0);
        assert_true(run_of.seconds_forward + run_of.seconds_backward + run_of.seconds_hvp +
                        run_of.seconds_other <=
                    all * (1 + 1e-9));
        ops->release(cpu, model);
        result_free(r);
        net_free(n);
    }
}

/* A failing visit and a cancelled run end the pass with their status. */
static void test_stops(void **state)
{
    tcet_pass pass = {.precision = TCET_PRECISION_F32};
    struct result *r;
    struct net *n;

    (void)state;
    NEED_TORCH();
    n = everything();
    r = calloc(1, sizeof *r);
    r->stop_at = 2;
    assert_int_equal(run_raw(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_OUTPUT, 1, r),
                     TCET_E_PLUGIN);
    assert_int_equal(r->count, 2);
    result_free(r);
    r = calloc(1, sizeof *r);
    host.stop = 1;
    assert_int_equal(run_raw(cpu, n, pass, TCET_SITE_WEIGHT, TCET_WANT_OUTPUT, 1, r),
                     TCET_E_CANCELLED);
    host.stop = 0;
    assert_int_equal(r->count, 0);
    result_free(r);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_hessian),
        cmocka_unit_test(test_hessian_batches),
        cmocka_unit_test(test_tangents),
        cmocka_unit_test(test_sample_rows),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_norm_repeats),
        cmocka_unit_test(test_flatten),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_relu_of_relu),
        cmocka_unit_test(test_any_network),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_fast_convolutions),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_channel_products),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_shared_forward),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_uncollected),
        cmocka_unit_test(test_hessian_rows),
        cmocka_unit_test(test_hessian_lone_rows),
        cmocka_unit_test(test_tangent_rows),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
