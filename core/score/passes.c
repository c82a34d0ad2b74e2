/* passes.c -- see passes.h.  Room: core/score. */
#include "score/passes.h"

#include "base/clock.h"
#include "plugin/calls.h"

#include <stdlib.h>

static void release_models(struct passes *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->models[i])
            backend_release(p->subject->plan->backend, p->models[i]);
        p->models[i] = NULL;
    }
}

void passes_open(struct passes *p, struct subject *s, struct network *networks,
                 struct layers *layers, struct costs *costs)
{
    const struct plan *plan = s->plan;

    p->subject = s;
    p->networks = networks;
    p->layers = layers;
    p->costs = costs;
    p->defer = plan->in_flight > 1 && OPS(tcet_backend_ops, plan->backend)->collect;
    p->submitted = mem_alloc((plan->pass_count + 1) * sizeof *p->submitted);
}

void passes_close(struct passes *p)
{
    release_models(p);
    free(p->absolute.data);
    free(p->gaussian.data);
    free(p->images.data);
    free(p->submitted);
}

/* The network of a pass. */
static struct network *network_of(const struct passes *p, int pass)
{
    return &p->networks[p->subject->plan->passes[pass].pass.network];
}

/* -- Weights and inputs ------------------------------------------------------------------ */

static tcet_status make_room(struct floats *f, size_t n, struct error *err)
{
    return floats_grow(&f->data, &f->cap, n, err);
}

/* Weights from the generator where it stands. */
static tcet_status draw_gaussian(struct passes *p, const struct network *n, const float **out,
                                 struct error *err)
{
    TRY(make_room(&p->gaussian, (size_t)graph_view(n->graph)->param_floats, err));
    graph_draw_gaussian(n->graph, n->params, &p->rng, p->gaussian.data);
    *out = p->gaussian.data;
    return TCET_OK;
}

/* The weights that a pass runs with; the generator stands where its images begin. */
static tcet_status choose_weights(struct passes *p, const struct plan_pass *pp, struct network *n,
                                  const float **out, struct error *err)
{
    uint64_t seed = pp->seed + p->subject->again;

    TRY(network_draw(n, p->subject, seed, err));
    rng_seed(&p->rng, pp->pass.own_seed ? pp->pass.seed : seed);
    switch (pp->pass.weights) {
    case TCET_WEIGHTS_ABSOLUTE:
        TRY(make_room(&p->absolute, (size_t)graph_view(n->graph)->param_floats, err));
        graph_absolute(n->graph, n->params, p->absolute.data);
        *out = p->absolute.data;
        return TCET_OK;
    case TCET_WEIGHTS_GAUSSIAN: return draw_gaussian(p, n, out, err);
    default: *out = n->params; return TCET_OK;
    }
}

/* Numbers in an image of a network. */
static int64_t image_floats(const struct network *n)
{
    const tcet_graph *g = graph_view(n->graph);

    return (int64_t)g->channels * g->height * g->width;
}

/* Images of noise from the generator where it stands, [forwards, n, ...]. */
static tcet_status draw_images(struct passes *p, const tcet_pass *pass, int64_t floats,
                               int32_t forwards, struct error *err)
{
    TRY(make_room(&p->images, (size_t)(floats * forwards), err));
    rng_normal(&p->rng, p->images.data, floats, 0, 1);
    if (pass->input == TCET_INPUT_MIXUP) {
        float *second = p->images.data + floats, gamma = (float)pass->mixup;

        rng_normal(&p->rng, second, floats, 0, 1);
        for (int64_t i = 0; i < floats; i++)
            second[i] = p->images.data[i] + gamma * second[i];
    }
    return TCET_OK;
}

/* The inputs: successive mini-batches, parts of the first one, ones, or noise that goes on
 * where the weights' generator stopped (Zen-score's order of draws). */
static tcet_status choose_inputs(struct passes *p, const struct plan_pass *pp,
                                 const struct network *net, tcet_run *run, struct error *err)
{
    const struct plan_data *d = &p->subject->plan->data[pp->data];
    const tcet_pass *pass = &pp->pass;
    int64_t image = image_floats(net);
    int64_t n = pass->samples ? pass->samples : d->batch;

    run->n = n;
    run->forwards = (int32_t)pass->batches;
    switch (pass->input) {
    case TCET_INPUT_BATCH:
        if (pass->source == TCET_SOURCE_PARTS)
            run->n = pass->samples ? n : d->batch / pass->batches;
        run->x = pass->network == TCET_NETWORK_THIN ? d->thin : d->x;
        if (pass->loss == TCET_LOSS_CROSS_ENTROPY) {
            run->y = d->target == TCET_TARGET_CLASS ? d->y : NULL;
            run->targets = d->targets;
            run->target = d->target;
            run->share_epsilon = p->subject->plan->task.share_epsilon;
        }
        run->data_id = 2 + 2 * (uint64_t)pp->data + pass->network;
        return TCET_OK;
    case TCET_INPUT_ONES:
        run->n = 1;
        run->forwards = 1;
        TRY(make_room(&p->images, (size_t)image, err));
        for (int64_t i = 0; i < image; i++)
            p->images.data[i] = 1;
        run->x = p->images.data;
        run->data_id = 1;
        return TCET_OK;
    default:
        run->forwards = pass->input == TCET_INPUT_MIXUP ? 2 : 1;
        TRY(draw_images(p, pass, n * image, run->forwards, err));
        run->x = p->images.data;
        run->y = NULL;
        run->data_id = 0;
        return TCET_OK;
    }
}

/* A batch norm that trains needs more than one value a channel: of one it makes 0 plus noise, and
 * PyTorch refuses it. */
static tcet_status check_norms(const struct network *net, const struct plan_pass *pp,
                               const tcet_run *run, struct error *err)
{
    const tcet_graph *g = graph_view(net->graph);
    char name[256];

    for (int32_t i = 0; run->n == 1 && i < g->node_count; i++) {
        const tcet_node *node = &g->nodes[i];
        int trains =
            pp->pass.norm == TCET_NORM_TRAIN || (pp->pass.norm == TCET_NORM_REMOVED && node->kept);

        if (node->op == TCET_OP_BATCH_NORM && trains && node->h == 1 && node->w == 1)
            return error_set(err, TCET_E_ARG,
                             "%s: of one image the batch norm gets one value a channel, and its "
                             "variance takes two (pass of %s); give more images ([data] batch) or "
                             "larger ones (resolution)",
                             graph_module_name(net->graph, node->module, name, sizeof name),
                             pp->reasons);
    }
    return TCET_OK;
}

/* -- Runs -------------------------------------------------------------------------------- */

/* A layer of the pass in hand: what the graph says of it, with the views that the backend shows. */
static tcet_layer make_layer(const struct passes *p, uint32_t site, int32_t index,
                             const tcet_views *v, int64_t shape[4])
{
    const struct plan_pass *pp = &p->subject->plan->passes[p->at];
    const tcet_run *run = &p->submitted[p->at].run;
    const struct plan_data *d = &p->subject->plan->data[pp->data];
    tcet_layer l = network_layer(network_of(p, p->at), site, (size_t)index, shape);

    l.rows = (int64_t)run->forwards * pp->pass.repeat;
    if (pp->pass.gradient == TCET_GRADIENT_SAMPLE)
        l.rows *= run->n;
    l.batch = run->n;
    if (pp->pass.input == TCET_INPUT_BATCH && d->target <= TCET_TARGET_NUMBERS)
        l.labels = d->y;
    l.positive = v->positive;
    l.weight = v->weight;
    l.gradient = v->gradient;
    l.input = v->input;
    l.output = v->output;
    l.output_gradient = v->output_gradient;
    l.agreement = v->agreement;
    l.pattern = v->pattern;
    l.hvp = v->hvp;
    l.variance = v->variance;
    l.channel_product = v->channel_product;
    l.bias = v->bias;
    l.bias_gradient = v->bias_gradient;
    return l;
}

static tcet_status visit(void *arg, uint32_t site, int32_t index, const tcet_views *views)
{
    struct passes *p = arg;
    uint32_t sites = p->submitted[p->at].run.sites;
    int known = site && !(site & (site - 1)) && (site & sites);
    size_t count = known ? network_of(p, p->at)->site[site_number(site)].count : 0;
    int64_t shape[4];
    tcet_layer layer;
    struct error err;

    if (index < 0 || (size_t)index >= count) {
        error_set(&err, TCET_E_BACKEND, "backend %s visits layer %d of a site with %zu",
                  p->subject->plan->backend->plugin->desc.id, index, count);
        layers_fail_pass(p->layers, p->at, &err);
        return TCET_OK;
    }
    layer = make_layer(p, site, index, views, shape);
    layers_take(p->layers, p->at, &layer);
    return TCET_OK;
}

/* The next of a pass's repeats: the buffers are large enough, so they stay where they are. */
static tcet_status redraw(void *arg)
{
    struct passes *p = arg;
    const tcet_run *run = &p->submitted[p->at].run;
    const struct network *n = network_of(p, p->at);
    const float *params;
    struct error err;

    if (run->pass->weights == TCET_WEIGHTS_GAUSSIAN)
        TRY(draw_gaussian(p, n, &params, &err));
    return draw_images(p, run->pass, run->n * image_floats(n), run->forwards, &err);
}

/* What the active saliencies of a pass ask of its layers. */
static void gather_wants(const struct passes *p, int pass, tcet_run *run)
{
    const struct plan *plan = p->subject->plan;

    for (size_t i = 0; i < plan->saliency_count; i++) {
        const tcet_request *r = &plan->saliencies[i].request;

        if (plan->saliencies[i].pass != pass || !p->layers->outcomes[i].active)
            continue;
        run->sites |= r->sites;
        for (int site = 0; site < TCET_SITES; site++)
            run->wants[site] |= r->sites >> site & 1 ? r->wants : 0;
    }
}

/* before, after: the passes that run before and after it, -1 none. */
static tcet_status run_pass(struct passes *p, int pass, int before, int after, struct error *err)
{
    const struct plan *plan = p->subject->plan;
    const struct plan_pass *pp = &plan->passes[pass];
    struct network *n = network_of(p, pass);
    tcet_model **model = &p->models[pp->pass.network];
    tcet_run *run = &p->submitted[pass].run; /* where collect_pass finds it */
    double start = clock_now();
    tcet_status st;

    *run = (tcet_run){.struct_size = sizeof *run,
                      .pass = &pp->pass,
                      .visit = visit,
                      .arg = p,
                      .redraw = redraw,
                      .defer = (uint32_t)p->defer,
                      .same_forward = before >= 0 && plan->passes[before].forward == pp->forward,
                      .keep_forward = after >= 0 && plan->passes[after].forward == pp->forward};
    if (!*model)
        TRY(backend_prepare(plan->backend, graph_view(n->graph), model, err));
    gather_wants(p, pass, run);
    TRY(choose_weights(p, pp, n, &run->params, err));
    TRY(choose_inputs(p, pp, n, run, err));
    TRY(check_norms(n, pp, run, err));
    p->at = pass;
    st = backend_run(plan->backend, *model, run, err);
    costs_take_run(p->costs, pass, run->same_forward ? before : -1, run, clock_now() - start);
    return st;
}

/* Waits for a submitted pass and takes its layers. */
static tcet_status collect_pass(struct passes *p, int pass, struct error *err)
{
    const struct plan *plan = p->subject->plan;
    double start = clock_now();
    tcet_status st;

    p->at = pass;
    st = backend_collect(plan->backend, p->models[plan->passes[pass].pass.network],
                         &p->submitted[pass].run, err);
    p->costs->pass[pass].rest += clock_now() - start;
    return st;
}

/* The first pass from k on that some saliency reads, -1: none. */
static int next_pass(const struct passes *p, int k)
{
    int count = (int)p->subject->plan->pass_count;

    while (k < count && !layers_read_pass(p->layers, k))
        k++;
    return k < count ? k : -1;
}

static tcet_status start_pass(struct passes *p, int pass, struct error *err)
{
    int before = p->last;

    p->last = -1; /* what fails serves no other */
    TRY(run_pass(p, pass, before, next_pass(p, pass + 1), err));
    p->last = pass;
    return TCET_OK;
}

void passes_begin(struct passes *p)
{
    p->last = -1;
    for (int k = next_pass(p, 0); p->defer && k >= 0; k = next_pass(p, k + 1))
        p->submitted[k].status = start_pass(p, k, &p->submitted[k].err);
}

void passes_run(struct passes *p)
{
    for (int k = next_pass(p, 0); k >= 0; k = next_pass(p, k + 1)) {
        struct submitted *s = &p->submitted[k];

        if (!p->defer)
            s->status = start_pass(p, k, &s->err);
        else if (s->status >= 0)
            s->status = collect_pass(p, k, &s->err);
        if (s->status < 0)
            layers_fail_pass(p->layers, k, &s->err);
    }
    release_models(p);
}
