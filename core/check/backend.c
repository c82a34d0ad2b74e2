/* backend.c -- rules of backends: small graphs are run, and every number that is shown is held
 * against the plain reference (reference.h).
 *
 * Room: core/check.  Stands on core/plugin and core/graph. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/internal.h"
#include "check/reference.h"
#include "graph/graph.h"
#include "plugin/request.h"

enum { IMAGES = 3, FORWARDS = 2, HEIGHT = 7, WIDTH = 6, CLASSES = 4, VIEWS = 12, AXES = 5 };
enum {
    ALL_SITES = (1 << TCET_SITES) - 1,
    MODULES = TCET_SITE_WEIGHT | TCET_SITE_NORM,
    VALUES = ALL_SITES & ~TCET_SITE_NORM
};

/* -- Graphs ------------------------------------------------------------------------------ */

static int32_t module(tcet_builder *b)
{
    return b->module(b, -1, "layer", -1);
}

static int32_t conv(tcet_builder *b, int32_t x, int32_t channels, int32_t kernel, int32_t stride)
{
    return tcet_add_conv(b, module(b), x, channels, kernel, stride, kernel / 2, 1);
}

static int32_t conv_with(tcet_builder *b, int32_t x, int32_t channels, int32_t groups,
                         int32_t dilation)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, module(b), &x, 1);

    o.channels = channels;
    o.kernel_h = o.kernel_w = 3;
    o.padding_h = o.padding_w = dilation;
    o.dilation_h = o.dilation_w = dilation;
    o.groups = groups;
    return b->add(b, &o);
}

static int32_t norm(tcet_builder *b, int32_t x)
{
    return tcet_add_norm(b, module(b), x);
}

/* One that no pass removes. */
static int32_t kept_norm(tcet_builder *b, int32_t x)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module(b), &x, 1);

    o.affine = o.track = o.kept = 1;
    o.eps = 1e-5;
    o.momentum = 0.1;
    return b->add(b, &o);
}

static int32_t plain(tcet_builder *b, uint32_t op, int32_t x)
{
    return tcet_add_op(b, op, -1, x);
}

static int32_t join(tcet_builder *b, uint32_t op, int32_t x, int32_t y)
{
    const int32_t in[2] = {x, y};
    tcet_op o = tcet_op_from(op, -1, in, 2);

    return b->add(b, &o);
}

static void end(tcet_builder *b, int32_t x)
{
    b->output(b, tcet_add_linear(b, module(b), x, CLASSES, 1));
}

/* One layer after another. */
static void build_chain(tcet_builder *b, int32_t x)
{
    x = plain(b, TCET_OP_RELU, norm(b, conv(b, x, 5, 3, 1)));
    x = tcet_add_pool(b, TCET_OP_MAX_POOL, -1, x, 3, 2, 1);
    x = plain(b, TCET_OP_RELU6, norm(b, conv(b, x, 6, 1, 1)));
    x = tcet_add_pool(b, TCET_OP_AVG_POOL, -1, x, 3, 1, 1);
    end(b, plain(b, TCET_OP_GLOBAL_POOL, conv(b, x, 4, 3, 2)));
}

/* A sum of branches: grouped, depthwise, dilated, without bias, used twice, and dead. */
static void build_branches(tcet_builder *b, int32_t x)
{
    int32_t stem = plain(b, TCET_OP_RELU, norm(b, conv(b, x, 4, 3, 1))), twice = module(b);
    int32_t grouped = conv_with(b, stem, 4, 2, 1), dilated = conv_with(b, stem, 4, 1, 2);
    int32_t depthwise = norm(b, conv_with(b, stem, 4, 4, 1));
    tcet_op zero = tcet_op_from(TCET_OP_ZERO, -1, &stem, 1);

    x = join(b, TCET_OP_ADD, grouped, dilated);
    x = join(b, TCET_OP_ADD, x, depthwise);
    x = join(b, TCET_OP_ADD, x, plain(b, TCET_OP_IDENTITY, stem));
    x = join(b, TCET_OP_ADD, x, b->add(b, &zero));
    x = plain(b, TCET_OP_SWISH, tcet_add_conv(b, twice, x, 4, 3, 1, 1, 1));
    x = plain(b, TCET_OP_RELU, tcet_add_conv(b, twice, x, 4, 3, 1, 1, 1));
    end(b, plain(b, TCET_OP_GLOBAL_POOL, norm(b, x)));
}

/* Gates (squeeze and excite), parts of values, and a linear layer on a map. */
static void build_gates(tcet_builder *b, int32_t x)
{
    int32_t stem = plain(b, TCET_OP_HSWISH, norm(b, conv(b, x, 6, 3, 2))), gate, part;
    tcet_op slice = tcet_op_from(TCET_OP_SLICE, -1, &stem, 1), pad, scale;

    gate = plain(b, TCET_OP_RELU, conv(b, plain(b, TCET_OP_GLOBAL_POOL, stem), 3, 1, 1));
    gate = plain(b, TCET_OP_SIGMOID, conv(b, gate, 6, 1, 1));
    x = join(b, TCET_OP_MUL, stem, gate);
    slice.channels = 3;
    slice.offset_c = 2;
    slice.offset_h = slice.offset_w = 1;
    part = b->add(b, &slice);
    pad = tcet_op_from(TCET_OP_PAD, -1, &part, 1);
    pad.padding_h = pad.padding_w = 1;
    part = b->add(b, &pad);
    x = join(b, TCET_OP_CONCAT, x, join(b, TCET_OP_MUL, part, part));
    scale = tcet_op_from(TCET_OP_SCALE, -1, &x, 1);
    scale.eps = 1.5;
    end(b, plain(b, TCET_OP_RELU, kept_norm(b, b->add(b, &scale))));
}

/* A map of outputs. */
static void build_map(tcet_builder *b, int32_t x)
{
    x = plain(b, TCET_OP_RELU, norm(b, conv(b, x, 3, 3, 1)));
    b->output(b, conv(b, x, CLASSES, 1, 1));
}

/* Those of other targets than classes are for losses of these alone. */
static const struct {
    const char *name;
    void (*build)(tcet_builder *b, int32_t input);
    uint32_t target;
} graphs[] = {{"chain", build_chain, TCET_TARGET_CLASS},
              {"branches", build_branches, TCET_TARGET_CLASS},
              {"gates", build_gates, TCET_TARGET_CLASS},
              {"chain to soft labels", build_chain, TCET_TARGET_SHARES},
              {"chain to numbers", build_chain, TCET_TARGET_NUMBERS},
              {"map of classes", build_map, TCET_TARGET_PIXELS},
              {"map of numbers", build_map, TCET_TARGET_MAP}};
enum { OF_CLASSES = 3 };
static const double SHARE_EPSILON = 0.01;

/* A graph with weights and inputs. */
struct net {
    const char *name;
    struct graph *graph;
    const tcet_graph *view;
    float *params, *x;
    int64_t y[FORWARDS * IMAGES];
    uint32_t target;
    float targets[FORWARDS * IMAGES * CLASSES * HEIGHT * WIDTH];
};

static size_t image_floats(const struct net *n)
{
    return (size_t)n->view->channels * HEIGHT * WIDTH;
}

static tcet_status make_net(struct probe *p, size_t which, struct net *n, struct error *err)
{
    const tcet_task task = {sizeof task,  3, HEIGHT, WIDTH, CLASSES, graphs[which].target,
                            SHARE_EPSILON};
    size_t floats;
    tcet_rng *rng = arena_alloc(&p->arena, sizeof *rng);

    n->name = graphs[which].name;
    n->graph = graph_new(); /* as long as the child */
    graph_reset(n->graph, &task);
    graphs[which].build(graph_builder(n->graph),
                        tcet_add_op(graph_builder(n->graph), TCET_OP_INPUT, -1, 0));
    TRY(graph_finish(n->graph, err));
    n->view = graph_view(n->graph);
    floats = FORWARDS * IMAGES * image_floats(n);
    n->params = arena_alloc(&p->arena, (size_t)n->view->param_floats * sizeof *n->params);
    n->x = arena_alloc(&p->arena, floats * sizeof *n->x);
    rng_seed(rng, which + 1);
    graph_draw(n->graph, rng, n->params);
    rng_normal(rng, n->x, (int64_t)floats, 0, 1);
    for (int32_t m = 0; m < n->view->module_count; m++) {
        const tcet_graph_module *mod = &n->view->modules[m];

        for (int64_t i = 0; mod->kind == TCET_LAYER_NORM && i < 2 * mod->weight_count; i++)
            n->params[mod->weight + i] += 0.3F * (float)sample(ORDINARY, 71 + (uint64_t)m, i);
    }
    for (int64_t i = 0; i < FORWARDS * IMAGES; i++)
        n->y[i] = (3 * i + 1) % CLASSES;
    n->target = graphs[which].target;
    for (size_t i = 0; i < TCET_COUNT(n->targets); i++)
        n->targets[i] = n->target == TCET_TARGET_SHARES ? (float)(i % 5) / 8 : (float)(i % CLASSES);
    return TCET_OK;
}

/* -- A run, and what it should show ------------------------------------------------------ */

static const struct {
    const char *name;
    size_t offset;
} views[VIEWS] = {
#define VIEW(name, field)                 \
    {                                     \
        name, offsetof(tcet_views, field) \
    }
    VIEW("weight", weight),
    VIEW("gradient", gradient),
    VIEW("input", input),
    VIEW("output", output),
    VIEW("gradient of the output", output_gradient),
    VIEW("agreement", agreement),
    VIEW("pattern", pattern),
    VIEW("H g", hvp),
    VIEW("running variance", variance),
    VIEW("channel product", channel_product),
    VIEW("bias", bias),
    VIEW("gradient of the bias", bias_gradient),
#undef VIEW
};
_Static_assert(sizeof(tcet_views) == 16 + VIEWS * sizeof(tcet_view), "a layer has another view");

/* One layer's views, by value. */
struct expected {
    uint32_t site;
    int32_t index, times; /* how often it was shown */
    int64_t positive;
    tcet_view view[VIEWS];
};

/* One run of a backend. */
struct trial {
    struct probe *p;
    const struct net *net;
    tcet_pass pass;
    tcet_run run;
    tcet_model *model;
    double tolerance;
    int refused;      /* supports() says that it cannot be run */
    const char *what; /* for messages */
    float *params, *x;
    int64_t *y;
    struct expected *layers;
    size_t count;
    struct error found; /* the first difference */
};

static const tcet_view *view_at(const tcet_views *v, int k)
{
    return (const tcet_view *)(const void *)((const char *)v + views[k].offset);
}

static struct expected *find_layer(struct trial *t, uint32_t site, int32_t index)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->layers[i].site == site && t->layers[i].index == index)
            return &t->layers[i];
    }
    return NULL;
}

/* The reference shows a layer. */
static tcet_status expect(void *arg, uint32_t site, int32_t index, const tcet_views *shown)
{
    struct trial *t = arg;
    struct expected *e = &t->layers[t->count++];

    *e = (struct expected){.site = site, .index = index, .positive = shown->positive};
    for (int k = 0; k < VIEWS; k++) {
        const tcet_view *v = view_at(shown, k);
        size_t bytes = (size_t)v->count * sizeof(double);

        if (!v->data)
            continue;
        e->view[k] =
            view_of(t->p, arena_alloc(&t->p->arena, bytes + 1), v->dtype, v->shape, v->ndim);
        memcpy(e->view[k].data, v->data, bytes);
    }
    return TCET_OK;
}

static const char *site_name(uint32_t site)
{
    static const char *const names[] = {"weight", "activation", "norm",
                                        "input",  "features",   "logits"};

    return names[__builtin_ctz(site)];
}

static void differs(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Records the first difference. */
static void differs(struct trial *t, const char *format, ...)
{
    char text[512];
    va_list ap;

    if (t->found.status < 0)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    error_set(&t->found, TCET_E_PLUGIN, "%s: %s", t->what, text);
}

/* The type of a view's numbers, in a pass of this precision. */
static uint8_t type_of(const struct trial *t, const tcet_view *want, int k)
{
    int always = want->dtype != TCET_F64 || views[k].offset == offsetof(tcet_views, agreement) ||
                 views[k].offset == offsetof(tcet_views, bias_gradient);

    return always ? want->dtype : t->pass.precision == TCET_PRECISION_F64 ? TCET_F64 : TCET_F32;
}

static int same_extents(const tcet_view *a, const tcet_view *b)
{
    int same = a->count == b->count && a->ndim == b->ndim;

    for (int32_t k = 0; same && k < a->ndim; k++)
        same = a->shape[k] == b->shape[k];
    return same;
}

static double largest(const tcet_view *v)
{
    double most = 0;

    for (int64_t i = 0; i < v->count; i++)
        most = fmax(most, fabs(tcet_get(v, i)));
    return most;
}

static void compare_view(struct trial *t, const struct expected *e, const tcet_view *got, int k)
{
    const tcet_view *want = &e->view[k];
    const char *site = site_name(e->site), *name = views[k].name;
    double allowed;

    if (!want->data || !got->data) {
        if (want->data || got->data)
            differs(t, "the %s of layer %d of the %s site is %s", name, e->index, site,
                    got->data ? "there, and should be empty" : "missing");
        return;
    }
    if (!same_extents(want, got) || got->dtype != type_of(t, want, k)) {
        differs(t,
                "the %s of layer %d of the %s site has %lld numbers in %d axes of type %d, not "
                "%lld in %d of type %d, or other extents",
                name, e->index, site, (long long)got->count, got->ndim, got->dtype,
                (long long)want->count, want->ndim, type_of(t, want, k));
        return;
    }
    if (want->dtype == TCET_U64) {
        if (memcmp(want->data, got->data, (size_t)want->count * sizeof(uint64_t)))
            differs(t, "the %s of layer %d of the %s site has other bits", name, e->index, site);
        return;
    }
    allowed = t->tolerance * (1 + largest(want));
    for (int64_t i = 0; i < want->count; i++) {
        double is = tcet_get(got, i), right = tcet_get(want, i), apart = fabs(is - right);

        if (!(apart <= allowed)) {
            differs(t,
                    "the %s of layer %d of the %s site: element %lld of %lld is %.17g, %.17g "
                    "would be right, %.3g apart",
                    name, e->index, site, (long long)i, (long long)want->count, is, right, apart);
            return;
        }
    }
}

/* The backend shows a layer. */
static tcet_status compare(void *arg, uint32_t site, int32_t index, const tcet_views *shown)
{
    struct trial *t = arg;
    struct expected *e = find_layer(t, site, index);

    if (!e) {
        differs(t, "it shows layer %d of site %u, which is none", index, site);
        return TCET_OK;
    }
    e->times++;
    if (shown->positive != e->positive)
        differs(t, "layer %d of the %s site: %lld outputs are positive, not %lld", index,
                site_name(site), (long long)e->positive, (long long)shown->positive);
    for (int k = 0; k < VIEWS; k++)
        compare_view(t, e, view_at(shown, k), k);
    return TCET_OK;
}

/* The next repeat's numbers. */
static tcet_status redraw(void *arg)
{
    struct trial *t = arg;

    for (int64_t i = 0; i < t->net->view->param_floats; i++)
        t->params[i] = 0.9F * t->params[i] + 0.01F;
    for (size_t i = 0; i < (size_t)t->run.forwards * IMAGES * image_floats(t->net); i++)
        t->x[i] = 0.5F - t->x[i];
    return TCET_OK;
}

static void fill_inputs(struct trial *t)
{
    memcpy(t->params, t->net->params, (size_t)t->net->view->param_floats * sizeof *t->params);
    memcpy(t->x, t->net->x, FORWARDS * IMAGES * image_floats(t->net) * sizeof *t->x);
    memcpy(t->y, t->net->y, sizeof t->net->y);
}

/* A run of a net and what it should show; sites and wants: of which those that go together are
 * asked for. */
static tcet_status open_trial(struct trial *t, struct probe *p, const struct net *n, tcet_pass pass,
                              uint32_t sites, uint32_t wants, struct error *err)
{
    struct buf text = {0};
    tcet_run run;
    tcet_status st;

    *t = (struct trial){.p = p, .net = n, .pass = pass, .tolerance = 1e-9};
    t->pass.struct_size = sizeof t->pass;
    if (!t->pass.precision)
        t->pass.precision = TCET_PRECISION_F64;
    else
        t->tolerance = 1e-3;
    pass_fill(&t->pass);
    pass_text(&t->pass, &text);
    t->what = arena_printf(&p->arena, "graph %s, %s", n->name, text.data);
    buf_free(&text);
    t->params = arena_alloc(&p->arena, (size_t)n->view->param_floats * sizeof *t->params);
    t->x = arena_alloc(&p->arena, FORWARDS * IMAGES * image_floats(n) * sizeof *t->x);
    t->y = arena_alloc(&p->arena, sizeof n->y);
    t->layers = arena_alloc(&p->arena, (size_t)(n->view->module_count + n->view->node_count + 3) *
                                           sizeof *t->layers);
    t->run = (tcet_run){.struct_size = sizeof t->run,
                        .forwards = pass.input == TCET_INPUT_MIXUP ? 2 : (int32_t)t->pass.batches,
                        .sites = sites,
                        .params = t->params,
                        .x = t->x,
                        .y = pass.loss == TCET_LOSS_CROSS_ENTROPY ? t->y : NULL,
                        .targets = n->target != TCET_TARGET_CLASS ? n->targets : NULL,
                        .target = n->target,
                        .share_epsilon = SHARE_EPSILON,
                        .n = IMAGES,
                        .arg = t,
                        .visit = compare,
                        .redraw = redraw};
    for (int site = 0; site < TCET_SITES; site++)
        t->run.wants[site] = sites >> site & 1 ? request_wants_at(wants, 1U << site) : 0;
    fill_inputs(t);
    run = t->run;
    run.pass = &t->pass;
    run.visit = expect;
    st = reference_run(n->view, &run);
    fill_inputs(t);
    return st < 0
               ? error_set(err, st, "%s: the reference itself failed (%s)", t->what, error_name(st))
               : TCET_OK;
}

/* Prepares the model (NULL: a new one) and runs it, or submits it. */
static tcet_status run_trial(struct trial *t, struct instance *i, tcet_model *model,
                             struct error *err)
{
    uint32_t wants = 0;
    tcet_status st;

    t->run.pass = &t->pass;
    for (int site = 0; site < TCET_SITES; site++)
        wants |= t->run.wants[site];
    probe_stage("supports() of %s", t->what);
    st = probe_end(i, backend_supports(probe_enter(t->p, i), &t->pass, t->run.sites, wants, err),
                   err);
    t->refused = st == TCET_E_UNSUPPORTED;
    TRY(st);
    t->model = model;
    if (!model) {
        probe_stage("prepare() of the graph %s", t->net->name);
        TRY(probe_end(i, backend_prepare(probe_enter(t->p, i), t->net->view, &t->model, err), err));
    }
    probe_stage("run() of %s", t->what);
    return probe_end(i, backend_run(probe_enter(t->p, i), t->model, &t->run, err), err);
}

/* A run's failure: that of the rule, or a reason not to try it. */
static tcet_status failed(struct trial *t, struct error *err)
{
    return t->refused ? probe_note(t->p, CHECK_SKIP, "it does not support this: %s", err->text)
                      : err->status;
}

/* After a run, or its collection: was every layer shown once, and as it should be? */
static tcet_status judge(struct trial *t, struct error *err)
{
    for (size_t k = 0; k < t->count; k++) {
        if (t->layers[k].times != 1)
            differs(t, "layer %d of the %s site is shown %d times", t->layers[k].index,
                    site_name(t->layers[k].site), t->layers[k].times);
    }
    if (t->found.status < 0)
        *err = t->found;
    return t->found.status;
}

static void release(struct trial *t, struct instance *i)
{
    probe_stage("release() of the graph %s", t->net->name);
    backend_release(i, t->model);
}

static tcet_status open_backend(struct probe *p, struct instance **out, struct error *err)
{
    TRY(probe_instance(p, &p->arena, NULL, NULL, out, err));
    probe_stage("open()");
    return probe_end(*out, backend_open(probe_enter(p, *out), err), err);
}

/* Passes over all graphs.  What the backend does not support is left out, but not all of it. */
static tcet_status try_passes(struct probe *p, const tcet_pass *passes, size_t count,
                              uint32_t sites, uint32_t wants, struct error *err)
{
    size_t unsupported = 0, tried = 0;
    struct instance *i;
    struct trial t;
    struct net n;
    tcet_status st;

    TRY(open_backend(p, &i, err));
    for (size_t g = 0; g < TCET_COUNT(graphs); g++) {
        TRY(make_net(p, g, &n, err));
        for (size_t k = 0; k < count; k++) {
            if (g >= OF_CLASSES && passes[k].loss != TCET_LOSS_CROSS_ENTROPY)
                continue;
            tried++;
            TRY(open_trial(&t, p, &n, passes[k], sites, wants, err));
            st = run_trial(&t, i, NULL, err);
            if (t.refused) {
                unsupported++;
                continue;
            }
            TRY(st);
            TRY(judge(&t, err));
            release(&t, i);
        }
    }
    return unsupported == tried ? failed(&t, err) : TCET_OK;
}

/* -- Rules ------------------------------------------------------------------------------- */

enum {
    LOSS_CE = TCET_LOSS_CROSS_ENTROPY,
    OF_BATCH = TCET_GRADIENT_BATCH,
    OF_SAMPLE = TCET_GRADIENT_SAMPLE
};

tcet_status backend_device(struct probe *p, struct error *err)
{
    tcet_backend_info info = {.in_flight = 0};
    struct instance *i;

    TRY(open_backend(p, &i, err));
    probe_stage("info()");
    TRY(probe_end(i, backend_info(probe_enter(p, i), &info, err), err));
    if (!memchr(info.version, '\0', sizeof info.version) ||
        !memchr(info.device, '\0', sizeof info.device) ||
        !memchr(info.code, '\0', sizeof info.code))
        return error_set(err, TCET_E_PLUGIN, "info() gives a text without an end");
    if (!*info.version || !*info.device)
        return error_set(err, TCET_E_PLUGIN, "info() names no version or no device");
    return TCET_OK;
}

tcet_status backend_forward(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {{.batches = FORWARDS},
                                       {.norm = TCET_NORM_EVAL, .batches = 1}};
    static const tcet_pass removed[] = {{.norm = TCET_NORM_REMOVED, .batches = 1}};
    const uint32_t wants = TCET_WANT_WEIGHT | TCET_WANT_BIAS | TCET_WANT_INPUT | TCET_WANT_OUTPUT;

    TRY(try_passes(p, passes, TCET_COUNT(passes), ALL_SITES, wants | TCET_WANT_NORM_OUTPUT, err));
    return try_passes(p, removed, TCET_COUNT(removed), VALUES, wants, err);
}

tcet_status backend_gradients(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {
        {.loss = LOSS_CE, .gradient = OF_BATCH, .batches = FORWARDS},
        {.loss = LOSS_CE, .gradient = OF_BATCH, .batches = 1, .temperature = 2.5},
        {.loss = LOSS_CE, .gradient = OF_BATCH, .batches = 1, .norm = TCET_NORM_EVAL},
        {.loss = TCET_LOSS_SUM, .gradient = OF_BATCH, .batches = 1, .norm = TCET_NORM_EVAL},
        {.loss = TCET_LOSS_SUM, .gradient = OF_BATCH, .batches = 1, .temperature = 0.5},
    };
    static const tcet_pass removed[] = {
        {.loss = LOSS_CE, .gradient = OF_BATCH, .batches = FORWARDS, .norm = TCET_NORM_REMOVED}};
    const uint32_t wants = TCET_WANT_GRADIENT | TCET_WANT_BIAS_GRADIENT |
                           TCET_WANT_OUTPUT_GRADIENT | TCET_WANT_CHANNEL_PRODUCT;

    TRY(try_passes(p, passes, TCET_COUNT(passes), ALL_SITES, wants, err));
    return try_passes(p, removed, TCET_COUNT(removed), VALUES, wants, err);
}

tcet_status backend_rows(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {
        {.loss = LOSS_CE, .gradient = OF_SAMPLE, .batches = FORWARDS},
        {.loss = LOSS_CE, .gradient = OF_SAMPLE, .batches = 1, .norm = TCET_NORM_EVAL},
        {.loss = TCET_LOSS_SUM, .gradient = OF_SAMPLE, .batches = 1},
    };

    return try_passes(p, passes, TCET_COUNT(passes), MODULES,
                      TCET_WANT_GRADIENT | TCET_WANT_BIAS_GRADIENT, err);
}

tcet_status backend_signs(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {{.batches = 1}, {.norm = TCET_NORM_EVAL, .batches = 1}};
    const uint32_t sites = TCET_SITE_WEIGHT | TCET_SITE_ACTIVATION;

    TRY(try_passes(p, passes, TCET_COUNT(passes), sites, TCET_WANT_AGREEMENT | TCET_WANT_PATTERN,
                   err));
    return try_passes(p, passes, 1, sites, TCET_WANT_AGREEMENT, err);
}

tcet_status backend_variances(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {{.batches = 1}, {.batches = FORWARDS}};

    return try_passes(p, passes, TCET_COUNT(passes), TCET_SITE_NORM, TCET_WANT_VARIANCE, err);
}

tcet_status backend_hessian(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {
        {.loss = LOSS_CE, .gradient = OF_BATCH, .hvp = 1, .batches = 1},
        {.loss = LOSS_CE, .gradient = OF_BATCH, .hvp = 1, .batches = FORWARDS},
        {.loss = LOSS_CE, .gradient = OF_BATCH, .hvp = 1, .batches = 1, .norm = TCET_NORM_EVAL},
        {.loss = LOSS_CE, .gradient = OF_SAMPLE, .hvp = 1, .batches = 1},
    };

    return try_passes(p, passes, TCET_COUNT(passes), TCET_SITE_WEIGHT,
                      TCET_WANT_GRADIENT | TCET_WANT_HVP, err);
}

tcet_status backend_repeats(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {{.input = TCET_INPUT_GAUSSIAN, .repeat = 3, .batches = 1},
                                       {.input = TCET_INPUT_MIXUP, .repeat = 2, .batches = 1}};

    return try_passes(p, passes, TCET_COUNT(passes),
                      TCET_SITE_NORM | TCET_SITE_FEATURES | TCET_SITE_LOGITS,
                      TCET_WANT_VARIANCE | TCET_WANT_OUTPUT, err);
}

tcet_status backend_single(struct probe *p, struct error *err)
{
    static const tcet_pass passes[] = {{.precision = TCET_PRECISION_F32,
                                        .loss = LOSS_CE,
                                        .gradient = OF_BATCH,
                                        .batches = FORWARDS}};

    return try_passes(p, passes, TCET_COUNT(passes), ALL_SITES,
                      TCET_WANT_WEIGHT | TCET_WANT_INPUT | TCET_WANT_OUTPUT | TCET_WANT_GRADIENT |
                          TCET_WANT_BIAS_GRADIENT | TCET_WANT_VARIANCE,
                      err);
}

/* Passes that have one forward, the one that wants most of it first. */
static const tcet_pass shared[] = {
    {.loss = LOSS_CE, .gradient = OF_BATCH, .batches = 1},
    {.loss = TCET_LOSS_SUM, .gradient = OF_BATCH, .batches = 1},
    {.loss = LOSS_CE, .gradient = OF_SAMPLE, .batches = 1},
};
static const uint32_t shared_wants[] = {TCET_WANT_GRADIENT | TCET_WANT_OUTPUT,
                                        TCET_WANT_GRADIENT | TCET_WANT_OUTPUT_GRADIENT,
                                        TCET_WANT_GRADIENT};
enum { SHARED = 3, NETS = 2 };

tcet_status backend_shared(struct probe *p, struct error *err)
{
    struct instance *i;
    struct net n;

    TRY(open_backend(p, &i, err));
    for (size_t g = 0; g < OF_CLASSES; g++) {
        struct trial t = {.model = NULL};

        TRY(make_net(p, g, &n, err));
        for (int k = 0; k < SHARED; k++) {
            tcet_model *model = t.model;

            TRY(open_trial(&t, p, &n, shared[k], MODULES | TCET_SITE_FEATURES, shared_wants[k],
                           err));
            t.run.same_forward = k > 0;
            t.run.keep_forward = k + 1 < SHARED;
            if (run_trial(&t, i, model, err) < 0)
                return failed(&t, err);
            TRY(judge(&t, err));
        }
        release(&t, i);
    }
    return TCET_OK;
}

/* Waits for a run, which must be the next one of its model. */
static tcet_status collect(struct trial *t, struct instance *i, struct error *err)
{
    probe_stage("collect() of %s", t->what);
    TRY(probe_end(i, backend_collect(probe_enter(t->p, i), t->model, &t->run, err), err));
    return judge(t, err);
}

/* Runs of two models are submitted in turn, their numbers spoilt once run() has returned, and
 * collected, one model's after the other's. */
static tcet_status submit_all(struct trial (*t)[SHARED], struct probe *p, const struct net *nets,
                              struct instance *i, struct error *err)
{
    for (int k = 0; k < SHARED; k++) {
        for (int m = 0; m < NETS; m++) {
            struct trial *now = &t[m][k];

            TRY(open_trial(now, p, &nets[m], shared[k], MODULES, shared_wants[k], err));
            now->run.defer = 1;
            now->run.same_forward = k > 0;
            now->run.keep_forward = k + 1 < SHARED;
            if (run_trial(now, i, k ? t[m][0].model : NULL, err) < 0)
                return failed(now, err);
            for (size_t l = 0; l < now->count; l++) {
                if (now->layers[l].times)
                    return error_set(err, TCET_E_PLUGIN, "%s: run() with defer = 1 shows layers",
                                     now->what);
            }
            memset(now->params, 0xff, (size_t)nets[m].view->param_floats * sizeof *now->params);
            memset(now->x, 0xff, FORWARDS * IMAGES * image_floats(&nets[m]) * sizeof *now->x);
            memset(now->y, 0, sizeof nets[m].y);
        }
    }
    return TCET_OK;
}

tcet_status backend_deferred(struct probe *p, struct error *err)
{
    struct trial(*t)[SHARED] = arena_alloc(&p->arena, NETS * sizeof *t), *next;
    struct net nets[NETS];
    struct instance *i;

    TRY(open_backend(p, &i, err));
    if (!OPS(tcet_backend_ops, i)->collect)
        return probe_note(p, CHECK_SKIP, "it has no collect(): no run is deferred");
    for (size_t m = 0; m < NETS; m++)
        TRY(make_net(p, m, &nets[m], err));
    TRY(submit_all(t, p, nets, i, err));
    if (p->verdict == CHECK_SKIP)
        return TCET_OK;
    next = &t[0][1];
    probe_stage("collect() out of turn");
    if (backend_collect(probe_enter(p, i), next->model, &next->run, err) >= 0)
        return error_set(err, TCET_E_PLUGIN,
                         "collect() takes a model's second run before its first");
    for (int m = NETS - 1; m >= 0; m--) {
        for (int k = 0; k + (m == 0) < SHARED; k++) /* the last one of all is dropped */
            TRY(collect(&t[m][k], i, err));
        release(&t[m][0], i);
    }
    return TCET_OK;
}
