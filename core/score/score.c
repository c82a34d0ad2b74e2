/* score.c -- see score.h.  Room: core/score. */
#include "score/score.h"

#include "base/text.h"
#include "plugin/calls.h"
#include "plugin/request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* S^l of one layer, kept after the pass. */
struct kept {
    double *data; /* arena of the architecture; NULL: layer not seen */
    int64_t rows, cols;
};

/* What one saliency produced for the current architecture. */
struct salience {
    int active;        /* some wanted metric needs it */
    int failed;        /* its pass or its code failed: its metrics have no value */
    size_t count;      /* layers over its sites */
    size_t site_at[6]; /* first position of each site, by bit */
    struct kept *kept; /* [count], when the plan keeps S^l */
    struct guards guards;
};

/* What a pass took of the current architecture. */
struct cost {
    double forward; /* its own, or that of the pass whose forward it uses */
    double hvp, rest;
};

/* A pass that was submitted, until it is collected. */
struct submitted {
    tcet_run run;
    tcet_status status;
    struct error err;
};

/* One of an architecture's networks: its graph, its layers by site, its weights. */
struct net {
    struct graph *graph;
    tcet_model *model;     /* NULL until a pass needs it */
    int built;             /* 1: of the current architecture */
    size_t site_count[6];  /* layers of each site */
    const char **names[6]; /* module names by site */
    int32_t *modules[6], *order[6];
    float *params; /* reused, as large as params_cap */
    size_t params_cap;
    uint64_t drawn_seed; /* of what params hold, when drawn is set */
    int drawn;
};

struct scorer {
    struct plan *plan;
    int defer;          /* passes are submitted in scorer_begin, and collected in scorer_end */
    struct net nets[2]; /* by TCET_NETWORK_* */
    struct net *net;    /* the one in hand */
    struct arena arena; /* of one architecture */
    const char *arch;
    float *absolute, *gaussian, *noise; /* reused buffers, sizes below */
    size_t absolute_cap, gaussian_cap, noise_cap;
    tcet_rng rng;
    double *matrix; /* S^l of the current layer */
    size_t matrix_cap;
    struct salience *salience;
    struct score_row row;
    struct cost *pass_cost;      /* one a pass */
    struct submitted *submitted; /* one a pass */
    int last_pass;               /* that was run, and whose forward may serve the next; -1 */
    tcet_status begun;           /* of scorer_begin */
    uint8_t *pass_used;          /* scratch: one a pass, of USED_* */
    uint8_t *needed;             /* columns to compute, inputs of scores included */
    uint8_t *given_up;           /* one a metric: its own numbers failed, its saliency's did not */
    struct error first;          /* the first failure of the current architecture */
    int failed;
    int pass; /* being visited */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sites are bits; arrays are indexed by the bit's number. */
enum { SITES = 6 };

static int site_bit(uint32_t site)
{
    return __builtin_ctz(site);
}

static tcet_status grow(float **p, size_t *cap, size_t n, struct error *err)
{
    if (n > *cap) {
        free(*p);
        *cap = 0;
        *p = mem_try(n, sizeof **p);
        if (!*p)
            return error_set(err, TCET_E_MEMORY, "no memory for %zu weights", n);
        *cap = n;
    }
    return TCET_OK;
}

/* -- Layers of the graph ---------------------------------------------------------------- */

static int is_activation(uint32_t op)
{
    return op == TCET_OP_RELU || op == TCET_OP_RELU6 || op == TCET_OP_SWISH || op == TCET_OP_HSWISH;
}

static const char *module_name(struct scorer *s, int32_t module)
{
    char name[512];

    return module < 0 ? ""
                      : arena_strdup(&s->arena,
                                     graph_module_name(s->net->graph, module, name, sizeof name));
}

static void site_alloc(struct scorer *s, int site, size_t cap)
{
    s->net->names[site] = arena_alloc(&s->arena, (cap + 1) * sizeof *s->net->names[site]);
    s->net->modules[site] = arena_alloc(&s->arena, (cap + 1) * sizeof *s->net->modules[site]);
    s->net->order[site] = arena_alloc(&s->arena, (cap + 1) * sizeof *s->net->order[site]);
    s->net->site_count[site] = 0;
}

static void site_add(struct scorer *s, int site, int32_t module, const char *name)
{
    size_t n = s->net->site_count[site]++;

    s->net->names[site][n] = name;
    s->net->modules[site][n] = module;
    s->net->order[site][n] = -1;
}

/* Lists every site's layers, and the order in which the graph first executes them. */
static void list_sites(struct scorer *s)
{
    const tcet_graph *g = graph_view(s->net->graph);
    const int32_t *layers = graph_layers(s->net->graph);
    int weight = site_bit(TCET_SITE_WEIGHT), norm = site_bit(TCET_SITE_NORM);
    int activation = site_bit(TCET_SITE_ACTIVATION);
    int32_t *place = arena_alloc(&s->arena, ((size_t)g->module_count + 1) * sizeof *place);
    int32_t next[2] = {0, 0};

    site_alloc(s, weight, (size_t)g->layer_count);
    site_alloc(s, norm, (size_t)g->module_count);
    site_alloc(s, activation, (size_t)g->node_count);
    for (int32_t i = 0; i < g->layer_count; i++) {
        place[layers[i]] = i;
        site_add(s, weight, layers[i], module_name(s, layers[i]));
    }
    for (int32_t m = 0; m < g->module_count; m++) {
        if (g->modules[m].kind == TCET_LAYER_NORM && g->modules[m].weight_count) {
            place[m] = (int32_t)s->net->site_count[norm];
            site_add(s, norm, m, module_name(s, m));
        }
    }
    for (int32_t n = 0; n < g->node_count; n++) {
        const tcet_node *node = &g->nodes[n];
        int is_norm = node->op == TCET_OP_BATCH_NORM;

        if (is_activation(node->op)) {
            size_t at = s->net->site_count[activation];

            site_add(s, activation, node->module, module_name(s, node->module));
            s->net->order[activation][at] = (int32_t)at;
        } else if (node->module >= 0 && ((is_norm && g->modules[node->module].weight_count) ||
                                         g->modules[node->module].layer >= 0)) {
            int32_t *order = &s->net->order[is_norm ? norm : weight][place[node->module]];

            if (*order < 0)
                *order = next[is_norm]++;
        }
    }
    for (uint32_t bit = TCET_SITE_INPUT; bit <= TCET_SITE_LOGITS; bit <<= 1) {
        int site = site_bit(bit);

        site_alloc(s, site, 1);
        site_add(s, site, -1,
                 bit == TCET_SITE_INPUT    ? "input"
                 : bit == TCET_SITE_LOGITS ? "logits"
                                           : "features");
        s->net->order[site][0] = 0;
    }
}

static const char *shape_text(struct scorer *s, const tcet_graph_module *m)
{
    struct buf b = {0};
    const char *text;

    for (int32_t i = 0; i < m->ndim; i++)
        buf_printf(&b, "%s%lld", i ? "," : "", (long long)m->shape[i]);
    text = arena_strdup(&s->arena, b.len ? b.data : "");
    buf_free(&b);
    return text;
}

static void list_layers(struct scorer *s)
{
    const tcet_graph *g = graph_view(s->net->graph);
    const int32_t *modules = graph_layers(s->net->graph);
    struct score_layer *l = arena_alloc(&s->arena, ((size_t)g->layer_count + 1) * sizeof *l);

    for (int32_t i = 0; i < g->layer_count; i++) {
        const tcet_graph_module *m = &g->modules[modules[i]];

        l[i].name = s->net->names[site_bit(TCET_SITE_WEIGHT)][i];
        l[i].kind = m->kind == TCET_LAYER_LINEAR ? "linear" : "conv";
        l[i].shape = shape_text(s, m);
    }
    s->row.layers = l;
    s->row.layer_count = (size_t)g->layer_count;
}

/* -- Saliency and aggregator ------------------------------------------------------------ */

static uint64_t stream(const struct scorer *s, const struct instance *i)
{
    return rng_hash(rng_hash(s->plan->seed, s->arch), i->cx.who);
}

/* The instance, to be called with this architecture's random stream and guard counters. */
static struct instance *enter(struct scorer *s, struct instance *i, struct guards *g)
{
    i->cx.guards = g;
    i->cx.random_state = stream(s, i);
    return i;
}

/* Elements of the layer's weight, whether or not the weight is among the views. */
static int64_t weight_count(const struct scorer *s, const tcet_layer *layer)
{
    int32_t module = s->net->modules[site_bit(layer->site)][layer->index];

    return module < 0 ? 0 : graph_view(s->net->graph)->modules[module].weight_count;
}

static tcet_status matrix_size(struct scorer *s, struct plan_saliency *ps, struct guards *guards,
                               const tcet_layer *layer, int64_t *rows, int64_t *cols,
                               struct error *err)
{
    if (!request_matrix(ps->request.form, layer, weight_count(s, layer), rows, cols)) {
        *rows = *cols = 0;
        TRY(saliency_shape(enter(s, ps->instance, guards), layer, rows, cols, err));
    }
    if (!request_matrix_fits(*rows, *cols, REQUEST_ELEMENTS_MAX))
        return error_set(
            err, TCET_E_PLUGIN, "saliency %s wants a matrix of %lld x %lld for layer %s",
            ps->instance->plugin->desc.id, (long long)*rows, (long long)*cols, layer->name);
    return TCET_OK;
}

static tcet_view matrix_view(double *data, int64_t rows, int64_t cols, int64_t shape[4])
{
    shape[0] = rows;
    shape[1] = cols;
    shape[2] = cols; /* strides */
    shape[3] = 1;
    return (tcet_view){.data = data,
                       .shape = shape,
                       .stride = shape + 2,
                       .count = rows * cols,
                       .ndim = 2,
                       .dtype = TCET_F64};
}

/* One thing failed; what does not depend on it goes on. */
static void note_failure(struct scorer *s, const struct error *err)
{
    if (!s->failed)
        s->first = *err;
    s->failed = 1;
}

/* A non-finite number is counted, and kept, dropped (a layer's counts as 0, a network's is no
 * value) or refused as the config says. */
static tcet_status admit(const struct scorer *s, const char *name, const char *layer, double *v,
                         struct guards *g, struct error *err)
{
    char text[32];

    if (isfinite(*v))
        return TCET_OK;
    guards_add(g, "nonfinite", 1);
    if (s->plan->nonfinite == NONFINITE_FAIL)
        return error_set(err, TCET_E_NUMERIC, "metric %s is %s%s%s", name, text_f64(text, *v),
                         layer ? " at layer " : "", layer ? layer : "");
    if (s->plan->nonfinite == NONFINITE_DROP)
        *v = layer ? 0 : NAN;
    return TCET_OK;
}

/* Doubles after S^l that must stay as they are: who writes past its end is named, not whoever
 * meets the damage later. */
enum { FENCE = 512, FENCE_BYTE = 0x5c };

static int fence_holds(const double *fence)
{
    const unsigned char *byte = (const unsigned char *)fence;
    unsigned damage = 0;

    for (size_t i = 0; i < FENCE * sizeof *fence; i++)
        damage |= byte[i] ^ FENCE_BYTE;
    return !damage;
}

/* A layer's number for one metric. */
static tcet_status reduce_layer(struct scorer *s, const struct plan_metric *pm, const char *layer,
                                const tcet_view *view, double *out, struct error *err)
{
    struct guards *g = &s->row.values[pm->column].guards;

    if (aggregator_reduce(enter(s, pm->aggregator, g), view, out, err) < 0)
        return error_prefix(err, "metric %s, layer %s: ", pm->name, layer);
    return admit(s, pm->name, layer, out, g, err);
}

/* S^l of one layer, and its number for every metric that reads this saliency by layer.  A
 * metric that fails costs its own value, not those of the others. */
static tcet_status take_layer(struct scorer *s, int saliency, const tcet_layer *layer,
                              struct error *err)
{
    struct plan *p = s->plan;
    struct plan_saliency *ps = &p->saliencies[saliency];
    struct salience *out = &s->salience[saliency];
    int site = site_bit(layer->site);
    size_t at = out->site_at[site] + (size_t)layer->index, need;
    int64_t rows, cols, shape[4];
    tcet_view view;
    double *data;

    if (layer->index < 0 || (size_t)layer->index >= s->net->site_count[site])
        return error_set(err, TCET_E_BACKEND, "backend %s visits layer %d of a site with %zu",
                         p->backend->plugin->desc.id, layer->index, s->net->site_count[site]);
    TRY(matrix_size(s, ps, &out->guards, layer, &rows, &cols, err));
    need = (size_t)(rows * cols);
    if (ps->keep) {
        data = arena_alloc(&s->arena, (need + FENCE) * sizeof *data);
        out->kept[at] = (struct kept){data, rows, cols};
    } else {
        if (!s->matrix || need > s->matrix_cap) {
            free(s->matrix);
            s->matrix_cap = 0;
            if (!(s->matrix = mem_try(need + FENCE, sizeof *s->matrix)))
                return error_set(err, TCET_E_MEMORY, "no memory for a saliency matrix");
            s->matrix_cap = need;
        }
        data = s->matrix;
        memset(data, 0, need * sizeof *data);
    }
    memset(data + need, FENCE_BYTE, FENCE * sizeof *data);
    view = matrix_view(data, rows, cols, shape);
    TRY(saliency_layer(enter(s, ps->instance, &out->guards), layer, &view, err));
    if (!fence_holds(data + need))
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: it writes past the end of S^l of "
                         "layer %s",
                         ps->instance->cx.who, layer->name);
    for (size_t m = 0; m < p->metric_count; m++) {
        struct plan_metric *pm = &p->metrics[m];
        struct score_value *v = &s->row.values[pm->column];

        if (pm->saliency != saliency || pm->network || !s->needed[pm->column] || s->given_up[m])
            continue;
        view = matrix_view(data, rows, cols, shape);
        if (reduce_layer(s, pm, layer->name, &view, (double *)&v->layers[at], err) < 0) {
            s->given_up[m] = 1;
            note_failure(s, err);
        }
    }
    return TCET_OK;
}

/* The layer without what others of the pass asked for: what a saliency sees depends on its own
 * request alone. */
static tcet_layer only_wanted(const tcet_layer *layer, const struct plan_saliency *ps,
                              const tcet_pass *pass)
{
    tcet_layer l = request_only_wanted(layer, ps->request.wants);

    if (pass->gradient == TCET_GRADIENT_SAMPLE && ps->asked.gradient != TCET_GRADIENT_SAMPLE)
        l.rows /= l.batch; /* it only looks at the forward */
    return l;
}

/* The network that a saliency looks at. */
static struct net *net_of(struct scorer *s, int saliency)
{
    return &s->nets[s->plan->saliencies[saliency].asked.network];
}

static tcet_status visit(void *arg, const tcet_layer *layer)
{
    struct scorer *s = arg;
    struct plan *p = s->plan;
    const struct plan_pass *pass = &p->passes[s->pass];
    tcet_layer full = *layer;

    full.labels = pass->pass.input == TCET_INPUT_BATCH ? p->data[pass->data].y : NULL;
    for (size_t i = 0; i < p->saliency_count; i++) {
        tcet_layer wanted = only_wanted(&full, &p->saliencies[i], &pass->pass);
        struct error err;

        if (p->saliencies[i].pass != s->pass || !s->salience[i].active || s->salience[i].failed ||
            !(p->saliencies[i].request.sites & layer->site) ||
            take_layer(s, (int)i, &wanted, &err) >= 0)
            continue;
        s->salience[i].failed = 1;
        note_failure(s, &err);
    }
    return TCET_OK;
}

/* Saliencies that need facts alone are shown every module of their sites. */
static tcet_status visit_static(struct scorer *s, int saliency, struct error *err)
{
    const tcet_graph *g;
    uint32_t sites = s->plan->saliencies[saliency].request.sites;

    s->net = net_of(s, saliency);
    g = graph_view(s->net->graph);
    for (uint32_t bit = TCET_SITE_WEIGHT; bit <= TCET_SITE_NORM; bit <<= 1) {
        int site = site_bit(bit);

        for (size_t i = 0; (sites & bit) && i < s->net->site_count[site]; i++) {
            int32_t module = s->net->modules[site][i];
            const tcet_graph_module *m = module < 0 ? NULL : &g->modules[module];
            int64_t shape[4] = {0};
            tcet_layer l = {.struct_size = sizeof l,
                            .site = bit,
                            .index = (int32_t)i,
                            .order = s->net->order[site][i],
                            .name = s->net->names[site][i],
                            .cell = m ? m->cell : -1,
                            .rows = 1,
                            .batch = s->plan->data[0].batch,
                            .kind = bit == TCET_SITE_ACTIVATION ? TCET_LAYER_ACTIVATION : m->kind};

            if (m) {
                memcpy(shape, m->shape, sizeof shape);
                l.params = m->weight_count + m->bias_count;
                l.macs = graph_module_macs(s->net->graph, module);
                l.bias_macs = graph_module_bias_macs(s->net->graph, module);
                l.weight.count = m->weight_count;
                l.weight.shape = shape;
                l.weight.ndim = m->ndim;
            }
            TRY(take_layer(s, saliency, &l, err));
        }
    }
    return TCET_OK;
}

/* -- Passes ----------------------------------------------------------------------------- */

/* The weights as drawn from a seed; drawn again only when it changes. */
static void draw(struct scorer *s, uint64_t seed)
{
    if (s->net->drawn && s->net->drawn_seed == seed)
        return;
    rng_seed(&s->rng, seed);
    graph_draw(s->net->graph, &s->rng, s->net->params);
    graph_draw_again(s->net->graph, s->plan->init, s->plan->zero_bias, &s->rng, s->net->params);
    s->net->drawn = 1;
    s->net->drawn_seed = seed;
}

/* Weights from the generator where it stands. */
static tcet_status pass_gaussian(struct scorer *s, const float **out, struct error *err)
{
    TRY(grow(&s->gaussian, &s->gaussian_cap, (size_t)graph_view(s->net->graph)->param_floats, err));
    graph_draw_gaussian(s->net->graph, &s->rng, s->gaussian);
    *out = s->gaussian;
    return TCET_OK;
}

/* The weights that a pass runs with. */
static tcet_status pass_params(struct scorer *s, const struct plan_pass *pp, const float **out,
                               struct error *err)
{
    const tcet_pass *pass = &pp->pass;
    size_t n = (size_t)graph_view(s->net->graph)->param_floats;
    uint64_t seed = pass->own_seed ? pass->seed : pp->seed;

    draw(s, pp->seed);

    if (pass->weights == TCET_WEIGHTS_ABSOLUTE) {
        TRY(grow(&s->absolute, &s->absolute_cap, n, err));
        graph_absolute(s->net->graph, s->net->params, s->absolute);
        *out = s->absolute;
    } else if (pass->weights == TCET_WEIGHTS_GAUSSIAN) {
        rng_seed(&s->rng, seed);
        TRY(pass_gaussian(s, out, err));
    } else {
        rng_seed(&s->rng, seed);
        *out = s->net->params;
    }
    return TCET_OK;
}

/* Numbers in an image of the network in hand. */
static int64_t image_floats(const struct scorer *s)
{
    const tcet_graph *g = graph_view(s->net->graph);

    return (int64_t)g->channels * g->height * g->width;
}

/* Images of noise from the generator where it stands, [forwards, n, ...]. */
static tcet_status pass_noise(struct scorer *s, const tcet_pass *pass, int64_t n, int32_t forwards,
                              struct error *err)
{
    int64_t floats = n * image_floats(s);

    TRY(grow(&s->noise, &s->noise_cap, (size_t)(floats * forwards), err));
    rng_normal(&s->rng, s->noise, floats, 0, 1);
    if (pass->input == TCET_INPUT_MIXUP) {
        float *second = s->noise + floats, gamma = (float)pass->mixup;

        rng_normal(&s->rng, second, floats, 0, 1);
        for (int64_t i = 0; i < floats; i++)
            second[i] = s->noise[i] + gamma * second[i];
    }
    return TCET_OK;
}

/* The inputs: successive mini-batches, parts of the first one, ones, or noise that goes on
 * where the weights' generator stopped (Zen-score's order of draws). */
static tcet_status pass_inputs(struct scorer *s, const struct plan_pass *pp, tcet_run *run,
                               struct error *err)
{
    const struct plan *p = s->plan;
    const struct plan_data *d = &p->data[pp->data];
    const tcet_pass *pass = &pp->pass;
    int64_t image = image_floats(s);
    int64_t n = pass->samples ? pass->samples : d->batch;

    run->n = n;
    run->forwards = (int32_t)pass->batches;
    switch (pass->input) {
    case TCET_INPUT_BATCH:
        if (pass->source == TCET_SOURCE_PARTS)
            run->n = pass->samples ? n : d->batch / pass->batches;
        run->x = pass->network == TCET_NETWORK_THIN ? d->thin : d->x;
        run->y = pass->loss == TCET_LOSS_CROSS_ENTROPY ? d->y : NULL;
        run->data_id = 2 + 2 * (uint64_t)pp->data + pass->network;
        return TCET_OK;
    case TCET_INPUT_ONES:
        run->n = 1;
        run->forwards = 1;
        TRY(grow(&s->noise, &s->noise_cap, (size_t)image, err));
        for (int64_t i = 0; i < image; i++)
            s->noise[i] = 1;
        run->x = s->noise;
        run->data_id = 1;
        return TCET_OK;
    default:
        run->forwards = pass->input == TCET_INPUT_MIXUP ? 2 : 1;
        TRY(pass_noise(s, pass, n, run->forwards, err));
        run->x = s->noise;
        run->y = NULL;
        run->data_id = 0;
        return TCET_OK;
    }
}

/* The next of a pass's repeats: the buffers are large enough, so they stay where they are. */
static tcet_status redraw(void *arg)
{
    struct scorer *s = arg;
    const tcet_run *run = &s->submitted[s->pass].run;
    const float *params;
    struct error err;

    if (run->pass->weights == TCET_WEIGHTS_GAUSSIAN)
        TRY(pass_gaussian(s, &params, &err));
    return pass_noise(s, run->pass, run->n, run->forwards, &err);
}

/* before, after: the passes that run before and after it, -1 none. */
static tcet_status run_pass(struct scorer *s, int pass, int before, int after, struct error *err)
{
    struct plan *p = s->plan;
    const struct plan_pass *pp = &p->passes[pass];
    tcet_run *run = &s->submitted[pass].run; /* where collect_pass finds it */
    struct cost *cost = &s->pass_cost[pass];
    double start = now();
    tcet_status st;

    *run = (tcet_run){.struct_size = sizeof *run,
                      .pass = &pp->pass,
                      .visit = visit,
                      .arg = s,
                      .redraw = redraw,
                      .defer = (uint32_t)s->defer,
                      .same_forward = before >= 0 && p->passes[before].forward == pp->forward,
                      .keep_forward = after >= 0 && p->passes[after].forward == pp->forward};
    s->net = &s->nets[pp->pass.network];
    if (!s->net->model)
        TRY(backend_prepare(p->backend, graph_view(s->net->graph), &s->net->model, err));
    for (size_t i = 0; i < p->saliency_count; i++) {
        if (p->saliencies[i].pass == pass && s->salience[i].active) {
            const tcet_request *r = &p->saliencies[i].request;

            run->sites |= r->sites;
            for (int site = 0; site < TCET_SITES; site++)
                run->wants[site] |= r->sites >> site & 1 ? r->wants : 0;
        }
    }
    TRY(pass_params(s, pp, &run->params, err));
    TRY(pass_inputs(s, pp, run, err));
    s->pass = pass;
    st = backend_run(p->backend, s->net->model, run, err);
    s->row.seconds_forward += run->seconds_forward;
    s->row.seconds_backward += run->seconds_backward + run->seconds_hvp;
    *cost = (struct cost){.forward = run->seconds_forward, .hvp = run->seconds_hvp};
    cost->rest = now() - start - cost->forward - cost->hvp;
    if (run->same_forward && s->pass_cost[before].forward > cost->forward)
        cost->forward = s->pass_cost[before].forward; /* the backend ran none */
    return st;
}

/* Waits for a submitted pass and takes its layers. */
static tcet_status collect_pass(struct scorer *s, int pass, struct error *err)
{
    double start = now();
    tcet_status st;

    s->pass = pass;
    s->net = &s->nets[s->plan->passes[pass].pass.network];
    st = backend_collect(s->plan->backend, s->net->model, &s->submitted[pass].run, err);
    s->pass_cost[pass].rest += now() - start;
    return st;
}

/* Does a pass have anything to do for this architecture? */
static int pass_active(const struct scorer *s, int pass)
{
    for (size_t i = 0; i < s->plan->saliency_count; i++) {
        if (s->salience[i].active && s->plan->saliencies[i].pass == pass)
            return 1;
    }
    return 0;
}

/* The first pass from k on that has something to do, -1: none. */
static int next_pass(const struct scorer *s, int k)
{
    while (k < (int)s->plan->pass_count && !pass_active(s, k))
        k++;
    return k < (int)s->plan->pass_count ? k : -1;
}

static void fail_pass(struct scorer *s, int pass, const struct error *err)
{
    for (size_t i = 0; i < s->plan->saliency_count; i++)
        s->salience[i].failed |= s->plan->saliencies[i].pass == pass;
    note_failure(s, err);
}

static tcet_status start_pass(struct scorer *s, int pass, struct error *err)
{
    int before = s->last_pass;

    s->last_pass = -1; /* what fails serves no other */
    TRY(run_pass(s, pass, before, next_pass(s, pass + 1), err));
    s->last_pass = pass;
    return TCET_OK;
}

static void submit_passes(struct scorer *s)
{
    for (int k = next_pass(s, 0); k >= 0; k = next_pass(s, k + 1))
        s->submitted[k].status = start_pass(s, k, &s->submitted[k].err);
}

static void release_models(struct scorer *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->nets[i].model)
            backend_release(s->plan->backend, s->nets[i].model);
        s->nets[i].model = NULL;
    }
}

static void run_passes(struct scorer *s)
{
    struct plan *p = s->plan;
    struct error err;

    for (size_t i = 0; i < p->saliency_count; i++) {
        if (s->salience[i].active && p->saliencies[i].pass < 0 &&
            visit_static(s, (int)i, &err) < 0) {
            s->salience[i].failed = 1;
            note_failure(s, &err);
        }
    }
    for (int k = next_pass(s, 0); k >= 0; k = next_pass(s, k + 1)) {
        struct submitted *pass = &s->submitted[k];

        if (!s->defer)
            pass->status = start_pass(s, k, &pass->err);
        else if (pass->status >= 0)
            pass->status = collect_pass(s, k, &pass->err);
        if (pass->status < 0)
            fail_pass(s, k, &pass->err);
    }
    release_models(s);
}

/* -- From layers to the network --------------------------------------------------------- */

/* The whole network's matrix: S^l one after another, or added up. */
static tcet_status merge_network(struct scorer *s, const struct plan_saliency *ps,
                                 const struct salience *in, tcet_view *out, int64_t shape[4],
                                 struct error *err)
{
    const char *id = ps->instance->plugin->desc.id;
    int64_t rows = -1, cols = 0;
    double *data;

    for (size_t i = 0; i < in->count; i++) {
        if (!in->kept[i].data)
            continue;
        if (rows >= 0 && (in->kept[i].rows != rows ||
                          (ps->request.merge == TCET_MERGE_SUM && in->kept[i].cols != cols)))
            return error_set(err, TCET_E_PLUGIN,
                             "saliency %s: matrices of %lld and %lld rows cannot be merged over "
                             "the network",
                             id, (long long)rows, (long long)in->kept[i].rows);
        rows = in->kept[i].rows;
        cols = ps->request.merge == TCET_MERGE_SUM ? in->kept[i].cols : cols + in->kept[i].cols;
    }
    if (rows < 0)
        rows = 0;
    data = arena_alloc(&s->arena, ((size_t)(rows * cols) + 1) * sizeof *data);
    for (size_t i = 0, at = 0; i < in->count; i++) {
        const struct kept *k = &in->kept[i];

        if (!k->data)
            continue;
        if (ps->request.merge == TCET_MERGE_SUM) {
            for (int64_t e = 0; e < rows * cols; e++)
                data[e] += k->data[e];
            continue;
        }
        for (int64_t r = 0; r < rows; r++)
            memcpy(data + r * cols + (int64_t)at, k->data + r * k->cols,
                   (size_t)k->cols * sizeof *data);
        at += (size_t)k->cols;
    }
    *out = matrix_view(data, rows, cols, shape);
    return TCET_OK;
}

/* Were all of a metric's layers dropped?  Then the network has no value either, rather than a
 * 0 that some proxies would rank best. */
static int all_dropped(const struct scorer *s, const struct score_value *v)
{
    size_t n = 0;

    for (size_t i = 0; i < v->guards.count; i++)
        n += strcmp(v->guards.item[i].name, "nonfinite") ? 0 : (size_t)v->guards.item[i].count;
    return s->plan->nonfinite == NONFINITE_DROP && n && n >= v->layer_count;
}

static tcet_status finish_metric(struct scorer *s, const struct plan_metric *pm, struct error *err)
{
    struct score_value *v = &s->row.values[pm->column];
    const struct salience *in = &s->salience[pm->saliency];

    if (pm->network) {
        int64_t shape[4];
        tcet_view view;

        TRY(merge_network(s, &s->plan->saliencies[pm->saliency], in, &view, shape, err));
        TRY(aggregator_reduce(enter(s, pm->aggregator, &v->guards), &view, &v->value, err));
    } else {
        TRY(aggregator_finish(enter(s, pm->aggregator, &v->guards), v->layers, v->layer_count,
                              &v->value, err));
        if (all_dropped(s, v))
            v->value = NAN;
    }
    for (size_t i = 0; i < in->guards.count; i++)
        guards_add(&v->guards, in->guards.item[i].name, in->guards.item[i].count);
    TRY(admit(s, pm->name, NULL, &v->value, &v->guards, err));
    v->have = 1;
    return TCET_OK;
}

static void finish_metrics(struct scorer *s)
{
    const struct plan *p = s->plan;
    struct error err;

    for (size_t m = 0; m < p->metric_count; m++) {
        const struct plan_metric *pm = &p->metrics[m];

        if (s->needed[pm->column] && !s->row.values[pm->column].have &&
            !s->salience[pm->saliency].failed && !s->given_up[m] && finish_metric(s, pm, &err) < 0)
            note_failure(s, &err);
    }
}

/* -- Scores ----------------------------------------------------------------------------- */

static tcet_metric metric_of(struct scorer *s, int column)
{
    const struct plan *p = s->plan;
    const struct plan_column *c = &p->columns[column];
    const struct score_value *v = &s->row.values[column];
    tcet_metric m = {
        .struct_size = sizeof m, .direction = c->direction, .name = c->name, .value = v->value};
    int thin, several, site;
    uint32_t sites;

    if (c->is_score || !v->layers)
        return m;
    s->net = net_of(s, p->metrics[c->index].saliency);
    sites = p->saliencies[p->metrics[c->index].saliency].request.sites;
    site = site_bit(sites & -sites);
    m.layers = (int64_t)v->layer_count;
    m.values = v->layers;
    m.activation = p->saliencies[p->metrics[c->index].saliency].request.wants &
                           (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN | TCET_WANT_OUTPUT)
                       ? 1
                       : 0;
    several = (sites & (sites - 1)) != 0;
    thin = s->net == &s->nets[TCET_NETWORK_THIN];
    if (several || thin) { /* one list after another; other networks' modules are others */
        int32_t shift = thin ? graph_view(s->nets[TCET_NETWORK_FULL].graph)->module_count : 0;
        int32_t *modules = arena_alloc(&s->arena, (v->layer_count + 1) * sizeof *modules);
        int32_t *order = arena_alloc(&s->arena, (v->layer_count + 1) * sizeof *order);
        const char **names = arena_alloc(&s->arena, (v->layer_count + 1) * sizeof *names);
        size_t at = 0;

        for (int i = 0; i < SITES; i++) {
            for (size_t k = 0; (sites >> i & 1) && k < s->net->site_count[i]; k++, at++) {
                modules[at] = s->net->modules[i][k] + (s->net->modules[i][k] >= 0 ? shift : 0);
                order[at] = several ? (int32_t)at : s->net->order[i][k];
                names[at] = s->net->names[i][k];
            }
        }
        m.module = modules;
        m.order = order;
        m.layer = names;
        return m;
    }
    m.module = s->net->modules[site];
    m.order = s->net->order[site];
    m.layer = s->net->names[site];
    return m;
}

/* Scope parameter: S of every layer combined element by element, then aggregated. */
static tcet_status score_elements(struct scorer *s, const struct plan_score *sc,
                                  struct score_value *v, struct error *err)
{
    const struct plan *p = s->plan;
    tcet_view *views = arena_alloc(&s->arena, sc->input_count * sizeof *views);
    const tcet_view **inputs = arena_alloc(&s->arena, sc->input_count * sizeof *inputs);
    int64_t(*shapes)[4] = arena_alloc(&s->arena, (sc->input_count + 1) * sizeof *shapes);
    const struct salience *first =
        &s->salience[p->metrics[p->columns[sc->inputs[0]].index].saliency];
    double *layers = arena_alloc(&s->arena, (first->count + 1) * sizeof *layers);

    for (size_t l = 0; l < first->count; l++) {
        const struct kept *k0 = &first->kept[l];
        tcet_view out;
        double *data;

        for (size_t i = 0; i < sc->input_count; i++) {
            const struct plan_metric *pm = &p->metrics[p->columns[sc->inputs[i]].index];
            const struct salience *in = &s->salience[pm->saliency];

            if (in->count != first->count || in->kept[l].rows != k0->rows ||
                in->kept[l].cols != k0->cols)
                return error_set(err, TCET_E_ARG,
                                 "score %s: the saliencies of %s and %s have no common shape",
                                 sc->name, p->columns[sc->inputs[0]].name, pm->name);
            views[i] = matrix_view(in->kept[l].data, k0->rows, k0->cols, shapes[i]);
            inputs[i] = &views[i];
        }
        data = arena_alloc(&s->arena, ((size_t)(k0->rows * k0->cols) + 1) * sizeof *data);
        out = matrix_view(data, k0->rows, k0->cols, shapes[sc->input_count]);
        TRY(combiner_elements(enter(s, sc->combiner, &v->guards), inputs, sc->input_count, &out,
                              err));
        out = matrix_view(data, k0->rows, k0->cols, shapes[sc->input_count]);
        TRY(aggregator_reduce(enter(s, sc->aggregator, &v->guards), &out, &layers[l], err));
        TRY(admit(s, sc->name, "", &layers[l], &v->guards, err));
    }
    v->layers = layers;
    v->layer_count = first->count;
    return aggregator_finish(enter(s, sc->aggregator, &v->guards), layers, first->count, &v->value,
                             err);
}

static tcet_status run_score(struct scorer *s, const struct plan_score *sc, struct error *err)
{
    struct score_value *v = &s->row.values[sc->column];
    tcet_metric *metrics;
    const tcet_metric **inputs;

    if (!sc->combiner) {
        v->value = s->row.values[sc->inputs[0]].value;
        v->have = 1;
        return TCET_OK;
    }
    if (sc->scope == TCET_SCOPE_PARAMETER) {
        TRY(score_elements(s, sc, v, err));
    } else {
        metrics = arena_alloc(&s->arena, sc->input_count * sizeof *metrics);
        inputs = arena_alloc(&s->arena, sc->input_count * sizeof *inputs);
        for (size_t i = 0; i < sc->input_count; i++) {
            metrics[i] = metric_of(s, sc->inputs[i]);
            inputs[i] = &metrics[i];
        }
        if (combiner_score(enter(s, sc->combiner, &v->guards), inputs, sc->input_count, &v->value,
                           err) < 0)
            return error_prefix(err, "score %s: ", sc->name);
    }
    TRY(admit(s, sc->name, NULL, &v->value, &v->guards, err));
    v->have = 1;
    return TCET_OK;
}

/* Scores whose inputs all have a value. */
static void run_scores(struct scorer *s)
{
    const struct plan *p = s->plan;
    struct error err;

    for (size_t k = 0; k < p->score_count; k++) {
        const struct plan_score *sc = &p->scores[k];
        int ready = s->needed[sc->column] && !s->row.values[sc->column].have &&
                    sc->scope != TCET_SCOPE_POPULATION;

        for (size_t i = 0; i < sc->input_count; i++)
            ready = ready && s->row.values[sc->inputs[i]].have;
        if (ready && run_score(s, sc, &err) < 0)
            note_failure(s, &err);
    }
}

/* -- One architecture ------------------------------------------------------------------- */

struct scorer *scorer_new(struct plan *p)
{
    struct scorer *s = mem_alloc(sizeof *s);

    s->plan = p;
    s->defer = p->in_flight > 1 && OPS(tcet_backend_ops, p->backend)->collect;
    for (int i = 0; i < 2; i++)
        s->nets[i].graph = graph_new();
    s->net = s->nets;
    s->salience = mem_alloc((p->saliency_count + 1) * sizeof *s->salience);
    s->needed = mem_alloc(p->column_count + 1);
    s->given_up = mem_alloc(p->metric_count + 1);
    s->pass_cost = mem_alloc((p->pass_count + 1) * sizeof *s->pass_cost);
    s->submitted = mem_alloc((p->pass_count + 1) * sizeof *s->submitted);
    s->pass_used = mem_alloc(p->pass_count + 1);
    return s;
}

void scorer_free(struct scorer *s)
{
    if (!s)
        return;
    release_models(s);
    for (int i = 0; i < 2; i++) {
        graph_free(s->nets[i].graph);
        free(s->nets[i].params);
    }
    arena_free(&s->arena);
    free(s->absolute);
    free(s->gaussian);
    free(s->noise);
    free(s->matrix);
    free(s->salience);
    free(s->needed);
    free(s->given_up);
    free(s->pass_cost);
    free(s->submitted);
    free(s->pass_used);
    free(s);
}

/* The lookup text of an input line: blanks at the ends are not part of the encoding. */
static const char *encoding(struct scorer *s, const char *arch)
{
    return text_strip(arena_strdup(&s->arena, arch));
}

/* The graph of the network in hand. */
static tcet_status build(struct scorer *s, struct error *err)
{
    struct instance *space = s->plan->space;
    int thin = s->net == &s->nets[TCET_NETWORK_THIN];
    tcet_task task = s->plan->task;

    if (thin)
        graph_thin_task(&task);
    graph_reset(s->net->graph, &task);
    space->cx.random_state = stream(s, space);
    TRY(space_build(space, thin, s->arch, &task, graph_builder(s->net->graph), err));
    return graph_finish(s->net->graph, err);
}

/* The network in hand, its layers listed and its weights drawn. */
static tcet_status make_net(struct scorer *s, struct error *err)
{
    double start = now(), at;

    TRY(build(s, err));
    list_sites(s);
    at = now();
    s->row.seconds_build += at - start;
    TRY(grow(&s->net->params, &s->net->params_cap, (size_t)graph_view(s->net->graph)->param_floats,
             err));
    s->net->drawn = 0;
    draw(s, s->plan->seed);
    s->net->built = 1;
    s->row.seconds_init += now() - at;
    return TCET_OK;
}

/* Columns to compute: the wanted ones, and the inputs of wanted scores that are not known. */
static void choose(struct scorer *s, const uint8_t *wanted, const struct score_value *known)
{
    const struct plan *p = s->plan;

    for (size_t c = 0; c < p->column_count; c++)
        s->needed[c] = wanted[c] && !p->columns[c].population;
    for (size_t k = p->score_count; k-- > 0;) {
        const struct plan_score *sc = &p->scores[k];

        for (size_t i = 0; s->needed[sc->column] && i < sc->input_count; i++) {
            int c = sc->inputs[i];

            /* S^l itself is never stored, so parameter scope computes its inputs again. */
            if (known && known[c].have && sc->scope != TCET_SCOPE_PARAMETER) {
                if (!s->needed[c])
                    s->row.values[c] = known[c];
            } else {
                s->needed[c] = 1;
                s->row.values[c] = (struct score_value){.have = 0}; /* if a later score took it */
            }
        }
    }
}

/* Where a saliency's layers begin, by site; its network is made when it is the first to need it. */
static tcet_status lay_out_saliency(struct scorer *s, int saliency, struct error *err)
{
    struct salience *sa = &s->salience[saliency];

    s->net = net_of(s, saliency);
    if (!s->net->built)
        TRY(make_net(s, err));
    for (int site = 0; site < SITES; site++) {
        sa->site_at[site] = sa->count;
        if (s->plan->saliencies[saliency].request.sites >> site & 1)
            sa->count += s->net->site_count[site];
    }
    sa->active = 1;
    return TCET_OK;
}

/* A score joins a stored metric's layers by their modules: its network is made for these alone. */
static void name_known(struct scorer *s, int saliency, struct score_value *v)
{
    struct error err;

    s->net = net_of(s, saliency);
    if (make_net(s, &err) >= 0)
        return;
    v->have = 0;
    note_failure(s, &err);
}

/* Memory for every saliency and metric that takes part. */
static void lay_out(struct scorer *s)
{
    struct plan *p = s->plan;
    struct error err;

    memset(s->salience, 0, p->saliency_count * sizeof *s->salience);
    for (size_t m = 0; m < p->metric_count; m++) {
        struct plan_metric *pm = &p->metrics[m];
        struct score_value *v = &s->row.values[pm->column];
        struct salience *sa = &s->salience[pm->saliency];

        if (v->have && v->layers && !net_of(s, pm->saliency)->built)
            name_known(s, pm->saliency, v);
        if (!s->needed[pm->column] || v->have || sa->failed)
            continue;
        if (!sa->active && lay_out_saliency(s, pm->saliency, &err) < 0) {
            sa->failed = 1;
            note_failure(s, &err);
            continue;
        }
        if (p->saliencies[pm->saliency].keep && !sa->kept)
            sa->kept = arena_alloc(&s->arena, (sa->count + 1) * sizeof *sa->kept);
        if (!pm->network) {
            v->layer_count = sa->count;
            v->layers = arena_alloc(&s->arena, (sa->count + 1) * sizeof *v->layers);
        }
    }
}

enum { USED_PASS = 1, USED_HVP = 2 };

/* Marks the passes that a column stands on, and what of them. */
static void mark_passes(struct scorer *s, int column)
{
    const struct plan *p = s->plan;
    const struct plan_column *c = &p->columns[column];

    if (!c->is_score) {
        const struct plan_saliency *ps = &p->saliencies[p->metrics[c->index].saliency];

        if (ps->pass >= 0)
            s->pass_used[ps->pass] |=
                USED_PASS | (ps->request.wants & TCET_WANT_HVP ? USED_HVP : 0);
        return;
    }
    for (size_t i = 0; i < p->scores[c->index].input_count; i++)
        mark_passes(s, p->scores[c->index].inputs[i]);
}

/* What a column costs alone: passes and forwards that it shares with others count whole, H g only
 * where it is read. */
static double seconds_of(struct scorer *s, int column)
{
    const struct plan *p = s->plan;
    double seconds = s->row.seconds_build + s->row.seconds_init;
    int forward = -1; /* the last one charged; passes of the same stand together */

    memset(s->pass_used, 0, p->pass_count);
    mark_passes(s, column);
    for (size_t k = 0; k < p->pass_count; k++) {
        const struct cost *cost = &s->pass_cost[k];

        if (!s->pass_used[k])
            continue;
        seconds += cost->rest + (s->pass_used[k] & USED_HVP ? cost->hvp : 0);
        if (p->passes[k].forward != forward)
            seconds += cost->forward;
        forward = p->passes[k].forward;
    }
    return seconds;
}

/* Passes that were not run because what stands on them is stored: what is left of its time when
 * what was run is taken off. */
static void cost_of_stored(struct scorer *s)
{
    const struct plan *p = s->plan;

    for (size_t c = 0; c < p->column_count; c++) {
        const struct score_value *v = &s->row.values[c];
        double rest;

        if (s->needed[c] || !v->have)
            continue;
        rest = v->seconds - seconds_of(s, (int)c);
        for (size_t k = 0; k < p->pass_count && rest > 0; k++) {
            struct cost *cost = &s->pass_cost[k];

            if (s->pass_used[k] && cost->forward + cost->hvp + cost->rest <= 0) {
                cost->rest = rest;
                break;
            }
        }
    }
}

static void charge(struct scorer *s)
{
    cost_of_stored(s);
    for (size_t c = 0; c < s->plan->column_count; c++) {
        struct score_value *v = &s->row.values[c];

        if (s->needed[c] && v->have)
            v->seconds = seconds_of(s, (int)c);
    }
}

static tcet_status begin(struct scorer *s, const char *arch, const uint8_t *wanted,
                         const struct score_value *known, struct error *err)
{
    struct plan *p = s->plan;

    arena_reset(&s->arena);
    s->failed = 0;
    s->last_pass = -1;
    memset(&s->row, 0, sizeof s->row);
    memset(s->pass_cost, 0, p->pass_count * sizeof *s->pass_cost);
    memset(s->given_up, 0, p->metric_count);
    s->row.values = arena_alloc(&s->arena, (p->column_count + 1) * sizeof *s->row.values);
    s->row.x_sum = p->data[0].x_sum;
    s->row.w_sum = NAN;
    s->arch = encoding(s, arch);
    for (int i = 0; i < 2; i++)
        s->nets[i].built = 0;
    s->net = &s->nets[TCET_NETWORK_FULL];
    TRY(make_net(s, err));
    graph_count(s->net->graph, &s->row.counts);
    list_layers(s);
    s->row.w_sum = graph_weight_sum(s->net->graph, s->net->params);

    choose(s, wanted, known);
    lay_out(s);
    if (s->defer)
        submit_passes(s);
    return TCET_OK;
}

void scorer_begin(struct scorer *s, const char *arch, const uint8_t *wanted,
                  const struct score_value *known)
{
    double start = now();

    s->begun = begin(s, arch, wanted, known, &s->first);
    s->row.seconds_total = now() - start;
}

/* Its total leaves out what lies between begin and end: others' time. */
tcet_status scorer_end(struct scorer *s, struct score_row **out, struct error *err)
{
    double start = now();

    *out = &s->row;
    if (s->begun >= 0) {
        run_passes(s);
        finish_metrics(s);
        run_scores(s);
        charge(s);
        s->row.seconds_total += now() - start;
    }
    if (s->begun >= 0 && !s->failed)
        return TCET_OK;
    *err = s->first;
    return err->status;
}

tcet_status scorer_facts(struct scorer *s, const char *arch, struct arch_facts *out,
                         struct error *err)
{
    struct instance *space = s->plan->space;

    arena_reset(&s->arena);
    s->arch = encoding(s, arch);
    TRY(space_check(space, s->arch, err));
    TRY(space_traits(space, s->arch, &out->traits, err));
    s->net = &s->nets[TCET_NETWORK_FULL];
    TRY(build(s, err));
    graph_count(s->net->graph, &out->counts);
    return TCET_OK;
}

tcet_status score_population(struct plan *p, int score, const double *const *columns, size_t count,
                             double *out, struct error *err)
{
    const struct plan_score *sc = &p->scores[score];
    struct arena a = {0};
    tcet_column *c = arena_alloc(&a, sc->input_count * sizeof *c);
    const tcet_column **inputs = arena_alloc(&a, sc->input_count * sizeof *inputs);
    tcet_status st;

    for (size_t i = 0; i < sc->input_count; i++) {
        const struct plan_column *pc = &p->columns[sc->inputs[i]];

        c[i] = (tcet_column){sizeof *c, pc->direction, pc->name, (int64_t)count, columns[i]};
        inputs[i] = &c[i];
    }
    st = combiner_rank(sc->combiner, inputs, sc->input_count, out, err);
    arena_free(&a);
    return st;
}
