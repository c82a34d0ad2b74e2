/* test_backend_train.c -- training on the torch backend: PyTorch's figures of two networks in float64
 *, the optimisers against plain C, every operation's gradients, and a state
 * that is read and written again.  Without libtorch it is skipped. */
#include "backend_trials.h"

#include "space_host.h"

/* -- images ------------------------------------------------------------------------------ */

enum { IMAGES = 320, PIXELS = 3 * 32 * 32, CLASSES = 10 };

static float images[IMAGES * PIXELS];
static int64_t labels[IMAGES];
static double targets[IMAGES * CLASSES];

/* The shipped images as torchvision's transforms give them, in float32. */
static void load_images(double smoothing)
{
    static const float mean[3] = {0.4914f, 0.4822f, 0.4465f}, std[3] = {0.2023f, 0.1994f, 0.2010f};
    FILE *f = fopen(TCET_TEST_SOURCE "/plugins/dataset/data/cifar10_train_320.bin", "rb");
    unsigned char row[1 + PIXELS];

    assert_non_null(f);
    for (int64_t i = 0; i < IMAGES; i++) {
        assert_int_equal(fread(row, 1, sizeof row, f), sizeof row);
        labels[i] = row[0];
        for (int64_t k = 0; k < PIXELS; k++) {
            int64_t c = k / 1024;

            images[i * PIXELS + k] = ((float)row[1 + k] / 255 - mean[c]) / std[c];
        }
        for (int64_t k = 0; k < CLASSES; k++)
            targets[i * CLASSES + k] = (1 - smoothing) * (k == labels[i]) + smoothing / CLASSES;
    }
    fclose(f);
}

static tcet_batch batch_at(int64_t first, int64_t n)
{
    return (tcet_batch){.struct_size = sizeof(tcet_batch),
                        .n = n,
                        .x = images + first * PIXELS,
                        .targets = targets + first * CLASSES};
}

/* -- a network in training ----------------------------------------------------------------- */

struct trainee {
    void *self;
    const tcet_graph *view;
    tcet_model *model;
    tcet_training *t;
    tcet_train how;
    uint8_t *decay;
    int64_t count[TCET_STATES];
};

static void ok(tcet_status st)
{
    if (st != TCET_OK)
        fail_msg("%s", host.message);
}

/* all: weight decay reaches all parameters, else conv and linear weights alone. */
static void train_open(struct trainee *s, void *self, const tcet_graph *view, const float *params,
                       tcet_train how, int all)
{
    *s = (struct trainee){.self = self, .view = view, .how = how};
    s->how.struct_size = sizeof s->how;
    s->decay = calloc((size_t)view->module_count, 2);
    for (int32_t k = 0; k < view->module_count; k++) {
        s->decay[2 * k] = (uint8_t)(all || view->modules[k].layer >= 0);
        s->decay[2 * k + 1] = (uint8_t)all;
    }
    ok(ops->prepare(&host.cx, self, view, &s->model));
    ok(ops->train_open(&host.cx, self, s->model, &s->how, params, s->decay, &s->t));
    ok(ops->train_sizes(&host.cx, self, s->t, s->count));
}

static void train_close(struct trainee *s)
{
    ops->train_close(s->self, s->t);
    ops->release(s->self, s->model);
    free(s->decay);
}

static tcet_train_result step(struct trainee *s, tcet_batch b, double lr, double wd, int64_t at)
{
    tcet_train_result r = {.struct_size = sizeof r};

    ok(ops->train_step(&host.cx, s->self, s->t, &b, lr, wd, at, &r));
    return r;
}

static tcet_train_result eval(struct trainee *s, tcet_batch b, uint32_t ema, double *logits)
{
    tcet_train_result r = {.struct_size = sizeof r};

    ok(ops->train_eval(&host.cx, s->self, s->t, &b, ema, &r, logits));
    return r;
}

static size_t bytes_of(const struct trainee *s, uint32_t state)
{
    return (size_t)s->count[state] * (s->how.precision == TCET_TRAIN_F64 ? 8 : 4);
}

/* Another instance on the CPU; drop() is the caller's. */
static void *open_with(const char *key, const char *value)
{
    void *self = instance("device", device_of_test(), key, value, NULL);

    ok(ops->open(&host.cx, self));
    return self;
}

/* A state's bytes, the caller's. */
static void *raw_state(struct trainee *s, uint32_t state)
{
    void *raw = calloc(1, bytes_of(s, state) + 1);

    ok(ops->train_read(&host.cx, s->self, s->t, state, raw));
    return raw;
}

/* A state as doubles, the caller's. */
static double *read_state(struct trainee *s, uint32_t state)
{
    double *out = calloc((size_t)s->count[state] + 1, sizeof *out);
    void *raw = raw_state(s, state);

    for (int64_t i = 0; i < s->count[state]; i++)
        out[i] =
            s->how.precision == TCET_TRAIN_F64 ? ((double *)raw)[i] : (double)((float *)raw)[i];
    free(raw);
    return out;
}

/* Sums as the figures have them. */
struct sums {
    double weights, all, means, variances;
};

static struct sums sum_up(struct trainee *s)
{
    struct sums sum = {0, 0, 0, 0};
    double *params = read_state(s, TCET_STATE_PARAMS), *running = read_state(s, TCET_STATE_RUNNING);
    int64_t at = 0;

    for (int64_t i = 0; i < s->count[TCET_STATE_PARAMS]; i++)
        sum.all += params[i];
    for (int32_t k = 0; k < s->view->module_count; k++) {
        const tcet_graph_module *m = &s->view->modules[k];

        for (int64_t i = 0; m->layer >= 0 && i < m->weight_count; i++)
            sum.weights += params[m->weight + i];
        if (m->kind != TCET_LAYER_NORM)
            continue;
        for (int64_t i = 0; i < m->shape[0]; i++) {
            sum.means += running[at + i];
            sum.variances += running[at + m->shape[0] + i];
        }
        at += 2 * m->shape[0];
    }
    assert_int_equal(at, s->count[TCET_STATE_RUNNING]);
    free(params);
    free(running);
    return sum;
}

static double furthest; /* relative difference of a figure so far */

static void figure(double got, double want, double tolerance, const char *name, int64_t at)
{
    double off = fabs(got - want) / fabs(want);

    furthest = fmax(furthest, off);
    if (!(off <= tolerance))
        fail_msg("%s[%ld]: %.17g, want %.17g", name, (long)at, got, want);
}

/* -- figures ------------------------------------------------------------------------------- */

static const tcet_train nesterov = {
    .optimiser = TCET_OPTIMISER_SGD, .nesterov = 1, .momentum = 0.9, .norm_momentum = -1};

/* A space's network, its parameters drawn with seed 1. */
struct network {
    struct space space;
    struct graph *graph;
    float *params;
    tcet_rng rng;
};

static void draw_network(struct network *n, const char *space, const char *key, const char *value,
                         const char *text, int train)
{
    tcet_task task = {
        .struct_size = sizeof task, .channels = 3, .height = 32, .width = 32, .classes = CLASSES};
    tcet_status (*build)(tcet_ctx *, void *, const char *, const tcet_task *, tcet_builder *);
    struct error err = {0};

    assert_int_equal(space_load_with(&n->space, space, key, value), 0);
    build = train ? n->space.ops->build_train : n->space.ops->build;
    n->graph = graph_new();
    graph_reset(n->graph, &task);
    assert_int_equal(build(&n->space.cx, n->space.self, text, &task, graph_builder(n->graph)),
                     TCET_OK);
    assert_int_equal(graph_finish(n->graph, &err), TCET_OK);
    n->params = calloc((size_t)graph_view(n->graph)->param_floats, sizeof *n->params);
    rng_seed(&n->rng, 1);
    graph_draw(n->graph, &n->rng, n->params);
}

static void drop_network(struct network *n)
{
    free(n->params);
    graph_free(n->graph);
    space_unload(&n->space);
}

static const char initial[] =
    "SuperConvK3BNRELU(3,8,1,1)SuperResK3K3(8,16,1,8,1)SuperResK3K3(16,32,2,16,1)"
    "SuperResK3K3(32,64,2,32,1)SuperResK3K3(64,64,2,32,1)SuperConvK1BNRELU(64,128,1,1)";

#ifdef __SANITIZE_ADDRESS__ /* all code runs slowly, and adds up to the same */
enum { STEPS_A = 3, STEPS_B = 2 };
#else
enum { STEPS_A = 20, STEPS_B = 10 };
#endif

static const double losses_a[20] = {3.082567362729, 3.737334849477, 3.600316354678, 3.230983838323,
                                    3.183957837961, 2.513247885163, 2.90083327758,  2.57679734575,
                                    2.509780202552, 2.42107775243,  2.27457945794,  2.429904367002,
                                    2.199854048826, 2.242281864313, 2.313454782007, 2.199546482408,
                                    2.282255453608, 2.137508463336, 2.147809533599, 2.273726968077};

/* 2.1's learning rate after n images. */
static double rate_a(double n)
{
    const double peak = 0.025, all = 320, epochs = 4;

    if (n < all)
        return peak * (n + 1) / all;
    return peak * (1 + cos(acos(-1) * (n - all + 1) / ((epochs - 1) * all))) / 2;
}

static void figure_a(struct network *n, void *self, uint32_t precision, double loss_tolerance)
{
    struct trainee s;
    tcet_train how = nesterov;
    struct sums sum;
    tcet_train_result r;

    how.precision = precision;
    how.norm_momentum = 0.01;
    load_images(0.1);
    train_open(&s, self, graph_view(n->graph), n->params, how, 0);
    furthest = 0;
    for (int64_t k = 0; k < STEPS_A; k++) {
        r = step(&s, batch_at(k % 5 * 64, 64), rate_a((double)(64 * (k + 1))), 5e-4, k);
        figure(r.loss / 64, losses_a[k], loss_tolerance, "loss of A", k);
    }
    print_message("figure A, precision %u: losses within %.1e", precision, furthest);
    if (precision == TCET_TRAIN_F64 && STEPS_A == 20) {
        sum = sum_up(&s);
        furthest = 0;
        figure(sum.weights, -24.482882543466964, 1e-9, "weights of A", 0);
        figure(sum.all, 371.5644446130803, 1e-9, "parameters of A", 0);
        figure(sum.means, -1.4907535424522766, 1e-9, "means of A", 0);
        figure(sum.variances, 773.7786952835207, 1e-9, "variances of A", 0);
        load_images(0);
        r = eval(&s, batch_at(0, IMAGES), 0, NULL);
        figure(r.loss / IMAGES, 57.65982257599417, 1e-9, "measured loss of A", 0);
        assert_int_equal(r.correct, 28);
        assert_true(r.correct5 >= r.correct && r.correct5 <= IMAGES);
        print_message(", sums within %.1e", furthest);
    }
    print_message("\n");
    train_close(&s);
}

/* Protects the whole of a training step: initialisation, soft targets, all gradients, Nesterov's
 * update, decay of weights alone, running statistics, and measuring with them. */
static void test_figure_a(void **state)
{
    struct network n;
    void *threads;
    int64_t next;

    (void)state;
    NEED_TORCH();
    draw_network(&n, "zennas", "reslink", "1", initial, 1);
    rng_randint(&n.rng, &next, 1, 0, 2147483647);
    assert_int_equal(next, 813102188);
    assert_int_equal(graph_view(n.graph)->param_floats, 90962);
    figure(graph_weight_sum(n.graph, n.params), -24.49059392833533, 1e-13, "drawn weights", 0);
    figure_a(&n, cpu, TCET_TRAIN_F64, 1e-10);
    figure_a(&n, cpu, TCET_TRAIN_F32, 2e-3);
    threads = open_with("threads", "3");
    figure_a(&n, threads, TCET_TRAIN_F64, 1e-10);
    drop(threads);
    drop_network(&n);
}

static const double losses_b[10] = {2.245086562234, 2.416193001618, 2.568373532849, 2.354807928801,
                                    2.312964414192, 2.180501672521, 2.471029417905, 2.281545094955,
                                    2.169709313816, 2.217517887358};

/* Protects pools, decay of all parameters, the nodes' own norm momentum, and logits. */
static void test_figure_b(void **state)
{
    double logits[64 * CLASSES], all = 0;
    struct network n;
    struct trainee s;
    struct sums sum;
    tcet_train how = nesterov;
    tcet_train_result r;

    (void)state;
    NEED_TORCH();
    draw_network(&n, "nats_tss", NULL, NULL,
                 "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+"
                 "|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",
                 0);
    figure(graph_weight_sum(n.graph, n.params), 28.230461356451066, 1e-13, "drawn weights", 0);
    load_images(0);
    how.precision = TCET_TRAIN_F64;
    train_open(&s, cpu, graph_view(n.graph), n.params, how, 1);
    furthest = 0;
    for (int64_t k = 0; k < STEPS_B; k++)
        figure(step(&s, batch_at(k % 5 * 16, 16), 0.1, 5e-4, k).loss / 16, losses_b[k], 1e-10,
               "loss of B", k);
    print_message("figure B: losses within %.1e", furthest);
    if (STEPS_B < 10) {
        train_close(&s);
        drop_network(&n);
        return;
    }
    furthest = 0;
    sum = sum_up(&s);
    figure(sum.weights, -38.536235680477574, 1e-9, "weights of B", 0);
    figure(sum.all, 1907.1090712948373, 1e-9, "parameters of B", 0);
    figure(sum.means, -32.54766145232251, 1e-9, "means of B", 0);
    figure(sum.variances, 12641.140014870978, 1e-9, "variances of B", 0);
    r = eval(&s, batch_at(0, 64), 0, logits);
    for (int i = 0; i < 64 * CLASSES; i++)
        all += logits[i];
    figure(all, 1929.852991965665, 1e-9, "logits of B", 0);
    figure(r.loss / 64, 16.001834882933295, 1e-9, "measured loss of B", 0);
    print_message(", sums within %.1e\n", furthest);
    train_close(&s);
    drop_network(&n);
}

/* -- optimisers against plain C -------------------------------------------------------------- */

/* A small network with everything that has parameters: normalised convolutions with biases of different width, the last
 * one of 1 x 1, and a linear layer. */
static struct graph *small_graph(void)
{
    const tcet_task task = {
        .struct_size = sizeof task, .channels = 3, .height = 32, .width = 32, .classes = CLASSES};
    struct graph *g = graph_new();
    tcet_builder *b = graph_builder(g);
    struct error err = {0};
    int32_t x;

    graph_reset(g, &task);
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    for (int32_t k = 0; k < 3; k++) {
        int32_t size = k < 2 ? 3 : 1;

        x = tcet_add_conv(b, b->module(b, -1, "conv", k), x, 8 + 5 * k, size, size, size / 2, 1);
        x = tcet_add_norm(b, b->module(b, -1, "norm", k), x);
        x = tcet_add_op(b, TCET_OP_RELU, -1, x);
    }
    b->output(b, tcet_add_linear(b, b->module(b, -1, "head", -1), x, CLASSES, 1));
    assert_int_equal(graph_finish(g, &err), TCET_OK);
    return g;
}

/* It in training, its parameters drawn. */
struct small {
    struct graph *graph;
    float *params;
    struct trainee trainee;
};

static struct trainee *small_open(struct small *s, void *self, tcet_train how, int all)
{
    tcet_rng rng;

    s->graph = small_graph();
    s->params = calloc((size_t)graph_view(s->graph)->param_floats, sizeof *s->params);
    rng_seed(&rng, 3);
    graph_draw(s->graph, &rng, s->params);
    train_open(&s->trainee, self, graph_view(s->graph), s->params, how, all);
    return &s->trainee;
}

static void small_close(struct small *s)
{
    train_close(&s->trainee);
    free(s->params);
    graph_free(s->graph);
}

/* The optimisers' state, in plain C. */
struct plain {
    int64_t count;
    double *w, *v, *m, *ema;
};

static void plain_step(const struct plain *p, const tcet_train *how, const struct trainee *s,
                       double *g, double lr, double wd, int64_t at)
{
    double norm = 0;

    for (int64_t i = 0; i < p->count; i++)
        norm += g[i] * g[i];
    norm = how->clip > 0 ? fmin(1, how->clip / (sqrt(norm) + 1e-6)) : 1;
    for (int32_t k = 0; k < s->view->module_count; k++) {
        const tcet_graph_module *mod = &s->view->modules[k];

        for (int part = 0; part < 2; part++) {
            int64_t first = part ? mod->bias : mod->weight;
            int64_t count = part ? mod->bias_count : mod->weight_count;
            double decay = s->decay[2 * k + part] ? wd : 0;

            for (int64_t i = first; i < first + count; i++) {
                double slope = norm * g[i], d = slope + decay * p->w[i];

                if (how->optimiser == TCET_OPTIMISER_SGD) {
                    p->v[i] = how->momentum * p->v[i] + d;
                    p->w[i] -= lr * (how->nesterov ? d + how->momentum * p->v[i] : p->v[i]);
                } else {
                    double k1 = (double)at + 1;

                    p->w[i] -= lr * decay * p->w[i];
                    p->m[i] = how->beta1 * p->m[i] + (1 - how->beta1) * slope;
                    p->v[i] = how->beta2 * p->v[i] + (1 - how->beta2) * slope * slope;
                    p->w[i] -= lr * p->m[i] / (1 - pow(how->beta1, k1)) /
                               (sqrt(p->v[i] / (1 - pow(how->beta2, k1))) + how->eps);
                }
                p->ema[i] = how->ema * p->ema[i] + (1 - how->ema) * p->w[i];
            }
        }
    }
}

/* The gradient at s's parameters, by a training whose step is w - g; the caller's. */
static double *gradient_of(struct trainee *s, tcet_batch b)
{
    tcet_train how = {.precision = TCET_TRAIN_F64, .norm_momentum = -1};
    double *before = read_state(s, TCET_STATE_PARAMS), *after;
    float *zeros = calloc((size_t)s->view->param_floats, sizeof *zeros);
    struct trainee probe;

    train_open(&probe, s->self, s->view, zeros, how, 0);
    ok(ops->train_write(&host.cx, s->self, probe.t, TCET_STATE_PARAMS, before));
    step(&probe, b, 1, 0, 0);
    after = read_state(&probe, TCET_STATE_PARAMS);
    for (int64_t i = 0; i < s->view->param_floats; i++)
        before[i] -= after[i];
    train_close(&probe);
    free(after);
    free(zeros);
    return before;
}

static void check_optimiser(tcet_train how, int all, const char *name)
{
    struct small net;
    struct trainee *s;
    struct plain p;
    double *got, *ema;
    int64_t count;

    how.precision = TCET_TRAIN_F64;
    how.norm_momentum = -1;
    s = small_open(&net, cpu, how, all);
    count = p.count = s->count[TCET_STATE_PARAMS];
    p.w = calloc((size_t)count, sizeof *p.w);
    p.v = calloc((size_t)count, sizeof *p.v);
    p.m = calloc((size_t)count, sizeof *p.m);
    p.ema = calloc((size_t)count, sizeof *p.ema);
    for (int64_t i = 0; i < count; i++)
        p.w[i] = p.ema[i] = (double)net.params[i];
    for (int64_t k = 0; k < 4; k++) {
        double lr = 0.05 / (double)(k + 1), *slope = gradient_of(s, batch_at(k * 16, 16));

        plain_step(&p, &how, s, slope, lr, 0.1, k);
        step(s, batch_at(k * 16, 16), lr, 0.1, k);
        free(slope);
    }
    got = read_state(s, TCET_STATE_PARAMS);
    for (int64_t i = 0; i < count; i++)
        assert_near(got[i], p.w[i], 1e-9, name, i);
    ema = read_state(s, TCET_STATE_EMA);
    for (int64_t i = 0; i < count && how.ema > 0; i++)
        assert_near(ema[i], p.ema[i], 1e-9, name, i);
    small_close(&net);
    free(got);
    free(ema);
    free(p.w);
    free(p.v);
    free(p.m);
    free(p.ema);
}

/* Protects each optimiser's formula, clipping, decay's flags and the moving average. */
static void test_optimisers(void **state)
{
    tcet_train how = {.momentum = 0.9, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};

    (void)state;
    NEED_TORCH();
    load_images(0.1);
    check_optimiser(how, 0, "SGD");
    how.nesterov = 1;
    check_optimiser(how, 1, "SGD, Nesterov, all decay");
    how.clip = 0.3;
    how.ema = 0.7;
    check_optimiser(how, 0, "SGD, Nesterov, clipped, averaged");
    how.optimiser = TCET_OPTIMISER_ADAMW;
    check_optimiser(how, 1, "AdamW, clipped, averaged");
    how.clip = 1e6; /* which no gradient has */
    check_optimiser(how, 0, "AdamW");
}

/* Protects float32's gradients, that of a bias before a batch norm among them, which is none but for rounding, where a
 * convolution's backward includes the norm's. */
static void test_float_gradients(void **state)
{
    const tcet_train how = {.precision = TCET_TRAIN_F32, .norm_momentum = -1},
                     exactly = {.precision = TCET_TRAIN_F64, .norm_momentum = -1};

    (void)state;
    NEED_TORCH();
    load_images(0.1);
    for (int k = 0; k < 2; k++) {
        void *self = open_with("threads", k ? "3" : "1");
        struct small net, exact;
        double *slope = gradient_of(small_open(&exact, self, exactly, 0), batch_at(0, 48)),
               size = 0;
        struct trainee *s = small_open(&net, self, how, 0);
        double *after;

        step(s, batch_at(0, 48), 1, 0, 0);
        after = read_state(s, TCET_STATE_PARAMS);
        for (int64_t i = 0; i < s->view->param_floats; i++)
            size = fmax(size, fabs(slope[i]));
        for (int64_t i = 0; i < s->view->param_floats; i++) {
            double got = (double)net.params[i] - after[i];

            if (!(fabs(got - slope[i]) <= 1e-5 * size))
                fail_msg("gradient of parameter %ld: %.9g, want %.9g", (long)i, got, slope[i]);
        }
        free(slope);
        free(after);
        small_close(&net);
        small_close(&exact);
        drop(self);
    }
}

/* Protects the moving average of running statistics, and measuring with both: what is measured is that
 * of a training that was given the average's numbers. */
static void test_moving_average(void **state)
{
    tcet_train how = nesterov;
    struct small net, averaged;
    struct trainee *s, *other;
    double *ema, *want, *running, logits[2][32 * CLASSES];
    tcet_train_result r[2];
    int64_t count;

    (void)state;
    NEED_TORCH();
    load_images(0);
    how.precision = TCET_TRAIN_F64;
    how.ema = 0.6;
    s = small_open(&net, cpu, how, 0);
    count = s->count[TCET_STATE_PARAMS];
    assert_int_equal(s->count[TCET_STATE_EMA], count + s->count[TCET_STATE_RUNNING]);
    want = read_state(s, TCET_STATE_RUNNING);
    for (int64_t k = 0; k < 3; k++) {
        step(s, batch_at(k * 32, 32), 0.02, 0, k);
        running = read_state(s, TCET_STATE_RUNNING);
        for (int64_t i = 0; i < s->count[TCET_STATE_RUNNING]; i++)
            want[i] = 0.6 * want[i] + 0.4 * running[i];
        free(running);
    }
    ema = read_state(s, TCET_STATE_EMA);
    for (int64_t i = 0; i < s->count[TCET_STATE_RUNNING]; i++)
        assert_near(ema[count + i], want[i], 1e-12, "average of running statistics", i);
    how.ema = 0;
    other = small_open(&averaged, cpu, how, 0);
    assert_int_equal(other->count[TCET_STATE_EMA], 0);
    ok(ops->train_write(&host.cx, cpu, other->t, TCET_STATE_PARAMS, ema));
    ok(ops->train_write(&host.cx, cpu, other->t, TCET_STATE_RUNNING, ema + count));
    r[0] = eval(s, batch_at(100, 32), 1, logits[0]);
    r[1] = eval(other, batch_at(100, 32), 0, logits[1]);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_memory_equal(&r[0], &r[1], sizeof r[0]);
    eval(s, batch_at(100, 32), 0, logits[1]);
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    small_close(&net);
    small_close(&averaged);
    free(ema);
    free(want);
}

/* -- state --------------------------------------------------------------------------------- */

static void copy_state(struct trainee *from, struct trainee *to)
{
    for (uint32_t k = 0; k < TCET_STATES; k++) {
        void *raw = raw_state(from, k);

        ok(ops->train_write(&host.cx, to->self, to->t, k, raw));
        free(raw);
    }
}

static void check_equal(struct trainee *a, struct trainee *b)
{
    for (uint32_t k = 0; k < TCET_STATES; k++) {
        void *x = raw_state(a, k), *y = raw_state(b, k);

        assert_memory_equal(x, y, bytes_of(a, k));
        free(x);
        free(y);
    }
}

static void check_round_trip(void *self, tcet_train how)
{
    struct small net[2];
    struct trainee *a = small_open(&net[0], self, how, 0), *b = small_open(&net[1], self, how, 0);

    for (int64_t k = 0; k < 3; k++)
        step(a, batch_at(k * 32, 32), 0.05, 5e-4, k);
    copy_state(a, b);
    for (int64_t k = 3; k < 6; k++) {
        int64_t n = k == 4 ? 20 : 32; /* the size of a mini-batch may change */

        eval(b, batch_at(0, 32), 0, NULL); /* changes nothing */
        assert_true(step(a, batch_at(k * 32, n), 0.05, 5e-4, k).loss ==
                    step(b, batch_at(k * 32, n), 0.05, 5e-4, k).loss);
    }
    check_equal(a, b);
    small_close(&net[0]);
    small_close(&net[1]);
}

/* Protects resuming: a training that was read and written goes on to the same bits. */
static void test_round_trip(void **state)
{
    tcet_train how = nesterov;
    void *threads;

    (void)state;
    NEED_TORCH();
    load_images(0.1);
    how.ema = 0.9;
    check_round_trip(cpu, how);
    how.precision = TCET_TRAIN_F64;
    check_round_trip(cpu, how);
    how = (tcet_train){.optimiser = TCET_OPTIMISER_ADAMW,
                       .beta1 = 0.9,
                       .beta2 = 0.999,
                       .eps = 1e-8,
                       .norm_momentum = -1};
    check_round_trip(cpu, how);
    threads = open_with("threads", "2");
    check_round_trip(threads, how);
    drop(threads);
}

/* -- every operation ------------------------------------------------------------------------- */

static tcet_batch trial_batch(const struct setup *s, double *soft)
{
    for (int64_t i = 0; i < s->images; i++)
        for (int64_t k = 0; k < OP_CLASSES; k++)
            soft[i * OP_CLASSES + k] = k == s->y[i];
    return (tcet_batch){
        .struct_size = sizeof(tcet_batch), .n = s->images, .x = s->x, .targets = soft};
}

/* Is it a constant's number, which stays? */
static int is_fixed(const struct setup *s, int64_t at)
{
    for (int32_t k = 0; k < s->view->module_count; k++) {
        const tcet_graph_module *m = &s->view->modules[k];

        if (at >= m->weight && at < m->weight + m->weight_count)
            return graph_module_role(s->graph, k) != GRAPH_LEARNED;
    }
    return 0;
}

/* Gradients of all parameters, biases, gammas and betas among them, by differences in plain C. */
static void check_trial(const struct trial *t, void *self, int beside)
{
    const tcet_train how = {.precision = TCET_TRAIN_F64, .norm_momentum = -1};
    double soft[OP_BATCH * OP_CLASSES], *after, size = 1e-3;
    struct setup s;
    struct trainee trained;

    set_up(&s, t, OP_SIDE, OP_BATCH, beside);
    train_open(&trained, self, s.view, s.params, how, 1);
    step(&trained, trial_batch(&s, soft), 1, 0, 0);
    after = read_state(&trained, TCET_STATE_PARAMS);
    for (int64_t i = 0; i < s.view->param_floats; i++)
        size = fmax(size, fabs(s.params_f64[i] - after[i]));
    for (int64_t i = 0; i < s.view->param_floats; i += 1 + s.view->param_floats / 60) {
        double got = s.params_f64[i] - after[i];
        double want = is_fixed(&s, i) ? 0 : slope_at(&s, i, 1e-5);

        if (!(fabs(got - want) <= 1e-7 * size))
            fail_msg("%s, gradient of parameter %ld: %.12g, want %.12g", what, (long)i, got, want);
    }
    train_close(&trained);
    free(after);
    tear_down(&s);
}

/* In float32 a few steps lower the loss of one mini-batch. */
static void check_learns(const struct trial *t, void *self)
{
    double soft[OP_BATCH * OP_CLASSES], first, last = 0;
    struct setup s;
    struct trainee trained;

    set_up(&s, t, OP_SIDE, OP_BATCH, 1);
    train_open(&trained, self, s.view, s.params, nesterov, 1);
    first = step(&trained, trial_batch(&s, soft), 0.01, 0, 0).loss;
    for (int64_t k = 1; k < 10; k++)
        last = step(&trained, trial_batch(&s, soft), 0.01, 0, k).loss;
    if (!(last < first))
        fail_msg("%s: loss %g after %g", what, last, first);
    train_close(&trained);
    tear_down(&s);
}

/* Protects every operation's gradients in training, in both kinds of kernels, and of an image a
 * thread. */
static void test_ops_train(void **state)
{
    static const char *const option[3][2] = {
        {"kernels", "auto"}, {"kernels", "aten"}, {"threads", "4"}};

    (void)state;
    NEED_TORCH();
    for (int k = 0; k < 3; k++) {
        void *self = open_with(option[k][0], option[k][1]);

        for (int t = 0; t < TRIALS; t++) {
            snprintf(what, sizeof what, "%s %s (%s %s)", graph_op(trials[t].op.op)->name,
                     trials[t].variant, option[k][0], option[k][1]);
            check_trial(&trials[t], self, 0);
            check_trial(&trials[t], self, 1);
            check_learns(&trials[t], self);
        }
        drop(self);
    }
}

/* Protects the plain kernels' optimisers (a GPU's): the same steps by both.  AdamW divides by the root of the
 * squares, so that rounding grows where a gradient is near 0. */
static void test_kernels_agree(void **state)
{
    tcet_train how = {.momentum = 0.9,
                      .nesterov = 1,
                      .beta1 = 0.9,
                      .beta2 = 0.99,
                      .eps = 1e-8,
                      .norm_momentum = 0.2,
                      .ema = 0.9,
                      .clip = 0.5,
                      .precision = TCET_TRAIN_F64};
    void *aten;

    (void)state;
    NEED_TORCH();
    load_images(0.1);
    aten = open_with("kernels", "aten");
    for (how.optimiser = TCET_OPTIMISER_SGD; how.optimiser <= TCET_OPTIMISER_ADAMW;
         how.optimiser++) {
        struct small net[2];
        struct trainee *s[2] = {small_open(&net[0], cpu, how, 0),
                                small_open(&net[1], aten, how, 0)};

        for (int64_t at = 0; at < 4; at++) {
            tcet_batch b = batch_at(at * 32, 32);
            tcet_train_result r[2] = {step(s[0], b, 0.05, 0.1, at), step(s[1], b, 0.05, 0.1, at)};

            assert_near(r[1].loss, r[0].loss, 1e-10, "loss", at);
            for (int k = 0; k < 2; k++)
                r[k] = eval(s[k], batch_at(128, 64), 1, NULL);
            assert_near(r[1].loss, r[0].loss, 1e-10, "measured loss", at);
            assert_int_equal(r[1].correct, r[0].correct);
            assert_int_equal(r[1].correct5, r[0].correct5);
        }
        for (uint32_t state_k = 0; state_k < TCET_STATES; state_k++) {
            double *x = read_state(s[0], state_k), *y = read_state(s[1], state_k);

            for (int64_t i = 0; i < s[0]->count[state_k]; i++)
                assert_near(y[i], x[i], how.optimiser == TCET_OPTIMISER_ADAMW ? 1e-6 : 1e-8,
                            "state", i);
            free(x);
            free(y);
        }
        small_close(&net[0]);
        small_close(&net[1]);
    }
    drop(aten);
}

/* -- measures, and what is not a number ------------------------------------------------------ */

/* Protects the counts of right answers against the logits. */
static void test_counts(void **state)
{
    double logits[IMAGES * CLASSES];
    int64_t correct = 0, correct5 = 0;
    struct small net;
    struct trainee *s;
    tcet_train_result r;

    (void)state;
    NEED_TORCH();
    load_images(0.1);
    s = small_open(&net, cpu, nesterov, 0);
    for (int64_t k = 0; k < 10; k++)
        step(s, batch_at(k % 5 * 64, 64), 0.02, 0, k);
    r = eval(s, batch_at(0, IMAGES), 0, logits);
    for (int64_t i = 0; i < IMAGES; i++) {
        int64_t before = 0;

        for (int64_t k = 0; k < CLASSES; k++)
            before += logits[i * CLASSES + k] > logits[i * CLASSES + labels[i]];
        correct += before == 0;
        correct5 += before < 5;
    }
    assert_true(correct > 0 && correct < correct5 && correct5 < IMAGES);
    assert_int_equal(r.correct, correct);
    assert_int_equal(r.correct5, correct5);
    small_close(&net);
}

/* Protects the report of a training that diverged: NaN is a loss, not an error or a right answer. */
static void test_not_a_number(void **state)
{
    struct small net;
    struct trainee *s;
    tcet_train_result r;

    (void)state;
    NEED_TORCH();
    load_images(0);
    s = small_open(&net, cpu, nesterov, 0);
    targets[3] = NAN;
    assert_true(isnan(step(s, batch_at(0, 32), 0.1, 0, 0).loss));
    r = step(s, batch_at(32, 32), 0.1, 0, 1); /* of parameters that are NaN now */
    assert_true(isnan(r.loss));
    assert_int_equal(r.correct, 0);
    r = eval(s, batch_at(32, 32), 0, NULL);
    assert_true(isnan(r.loss));
    assert_int_equal(r.correct5, 0);
    small_close(&net);
}

static void refused(tcet_status st, tcet_status want, const char *text)
{
    assert_int_equal(st, want);
    if (!strstr(host.message, text))
        fail_msg("\"%s\" does not say \"%s\"", host.message, text);
}

/* Protects the wording of what cannot be done. */
static void test_refusals(void **state)
{
    struct small net;
    struct trainee *s;
    tcet_train how = nesterov;
    tcet_batch none = batch_at(0, 0), some = batch_at(0, 8);
    tcet_train_result r = {.struct_size = sizeof r};
    tcet_training *t = NULL;

    (void)state;
    NEED_TORCH();
    s = small_open(&net, cpu, how, 0);
    how.struct_size = sizeof how;
    for (how.precision = TCET_TRAIN_TF32; how.precision <= TCET_TRAIN_BF16; how.precision++)
        refused(ops->train_open(&host.cx, cpu, s->model, &how, net.params, s->decay, &t),
                TCET_E_UNSUPPORTED, "CUDA");
    refused(ops->train_open(&host.cx, cpu, s->model, &how, net.params, s->decay, &t),
            TCET_E_UNSUPPORTED, "precision");
    assert_null(t);
    refused(ops->train_step(&host.cx, cpu, s->t, &none, 0.1, 0, 0, &r), TCET_E_ARG, "one image");
    refused(ops->train_eval(&host.cx, cpu, s->t, &some, 1, &r, NULL), TCET_E_ARG, "moving average");
    refused(ops->train_read(&host.cx, cpu, s->t, TCET_STATES, net.params), TCET_E_ARG, "state");
    ops->train_close(cpu, NULL);
    small_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure_a),        cmocka_unit_test(test_figure_b),
        cmocka_unit_test(test_optimisers),      cmocka_unit_test(test_moving_average),
        cmocka_unit_test(test_float_gradients), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_ops_train),       cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_counts),          cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_refusals),
    };

    if (getenv("TCET_TEST_ONLY")) /* of a device that is emulated, which takes long */
        cmocka_set_test_filter(getenv("TCET_TEST_ONLY"));
    return cmocka_run_group_tests(tests, load, unload);
}
