/* layers.c -- see layers.h.  Room: core/score. */
#include "score/layers.h"

#include "plugin/calls.h"
#include "plugin/request.h"

#include <stdlib.h>
#include <string.h>

void layers_open(struct layers *l, struct subject *s, struct network *networks)
{
    const struct plan *p = s->plan;

    l->subject = s;
    l->networks = networks;
    l->outcomes = mem_alloc((p->saliency_count + 1) * sizeof *l->outcomes);
    l->given_up = mem_alloc(p->metric_count + 1);
}

void layers_close(struct layers *l)
{
    free(l->outcomes);
    free(l->given_up);
    free(l->matrix);
}

struct network *layers_network(const struct layers *l, int saliency)
{
    return &l->networks[l->subject->plan->saliencies[saliency].asked.network];
}

/* -- Before the layers ------------------------------------------------------------------ */

/* How many layers a saliency has in a network that is made. */
static size_t count_layers(const struct layers *l, int saliency)
{
    const struct network *n = layers_network(l, saliency);
    size_t count = 0;

    for (int site = 0; site < REQUEST_SITES; site++)
        count += l->subject->plan->saliencies[saliency].request.sites >> site & 1
                     ? n->site[site].count
                     : 0;
    return count;
}

/* Where a saliency's layers begin, by site; its network is made when it is the first to need it. */
static tcet_status open_saliency(struct layers *l, int saliency, struct error *err)
{
    struct outcome *out = &l->outcomes[saliency];
    struct network *n = layers_network(l, saliency);

    if (!n->made)
        TRY(network_make(n, l->subject, err));
    for (int site = 0; site < REQUEST_SITES; site++) {
        out->site_at[site] = out->count;
        if (l->subject->plan->saliencies[saliency].request.sites >> site & 1)
            out->count += n->site[site].count;
    }
    out->active = 1;
    return TCET_OK;
}

/* A score joins a stored metric's layers by their modules: its network is made for these alone. */
static void name_known(struct layers *l, struct network *n, struct result_value *v)
{
    struct error err;

    if (network_make(n, l->subject, &err) >= 0)
        return;
    v->column = -1;
    subject_fail(l->subject, &err);
}

static void open_metric(struct layers *l, const struct plan_metric *pm)
{
    struct arena *a = &l->subject->arena;
    struct result_value *v = &l->values[pm->column];
    struct outcome *out = &l->outcomes[pm->saliency];
    struct network *n = layers_network(l, pm->saliency);
    struct error err;

    if (result_has(v) && v->layers && !n->made)
        name_known(l, n, v);
    if (result_has(v) && v->layers && !l->needed[pm->column] &&
        v->layer_count != count_layers(l, pm->saliency)) {
        *v = (struct result_value){.column = -1}; /* what is stored is not of this network */
        l->needed[pm->column] = 1;
    }
    if (!l->needed[pm->column] || result_has(v) || out->failed)
        return;
    if (!out->active && open_saliency(l, pm->saliency, &err) < 0) {
        out->failed = 1;
        subject_fail(l->subject, &err);
        return;
    }
    if (l->subject->plan->saliencies[pm->saliency].keep && !out->kept)
        out->kept = arena_alloc(a, (out->count + 1) * sizeof *out->kept);
    if (!pm->network) {
        v->layer_count = out->count;
        v->layers = arena_alloc(a, (out->count + 1) * sizeof *v->layers);
    }
}

void layers_begin(struct layers *l, struct result_value *values, uint8_t *needed)
{
    const struct plan *p = l->subject->plan;

    l->values = values;
    l->needed = needed;
    memset(l->outcomes, 0, p->saliency_count * sizeof *l->outcomes);
    memset(l->given_up, 0, p->metric_count);
    for (size_t m = 0; m < p->metric_count; m++)
        open_metric(l, &p->metrics[m]);
}

/* -- One layer -------------------------------------------------------------------------- */

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

tcet_view matrix_view(double *data, int64_t rows, int64_t cols, int64_t shape[4])
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

static tcet_status matrix_size(struct layers *l, int saliency, const tcet_layer *layer,
                               int64_t *rows, int64_t *cols, struct error *err)
{
    const struct plan_saliency *ps = &l->subject->plan->saliencies[saliency];
    int64_t weights =
        network_layer_weights(layers_network(l, saliency), layer->site, (size_t)layer->index);

    if (!request_matrix(ps->request.form, layer, weights, rows, cols)) {
        *rows = *cols = 0;
        TRY(saliency_shape(subject_call(l->subject, ps->instance, &l->outcomes[saliency].guards),
                           layer, rows, cols, err));
    }
    if (!request_matrix_fits(*rows, *cols, REQUEST_ELEMENTS_MAX))
        return error_set(
            err, TCET_E_PLUGIN, "saliency %s wants a matrix of %lld x %lld for layer %s",
            ps->instance->plugin->desc.id, (long long)*rows, (long long)*cols, layer->name);
    return TCET_OK;
}

/* Memory for S^l, zeroed, with its fence: kept, or used again for the next layer. */
static tcet_status matrix_memory(struct layers *l, int keep, size_t count, double **out,
                                 struct error *err)
{
    if (keep) {
        *out = arena_alloc(&l->subject->arena, (count + FENCE) * sizeof **out);
    } else {
        if (!l->matrix || count > l->matrix_cap) {
            free(l->matrix);
            l->matrix_cap = 0;
            if (!(l->matrix = mem_try(count + FENCE, sizeof *l->matrix)))
                return error_set(err, TCET_E_MEMORY, "no memory for a saliency matrix");
            l->matrix_cap = count;
        }
        *out = l->matrix;
        memset(*out, 0, count * sizeof **out);
    }
    memset(*out + count, FENCE_BYTE, FENCE * sizeof **out);
    return TCET_OK;
}

/* A layer's number for one metric. */
static tcet_status reduce_layer(struct layers *l, const struct plan_metric *pm, const char *layer,
                                const tcet_view *view, double *out, struct error *err)
{
    struct guards *g = &l->values[pm->column].guards;

    if (aggregator_reduce(subject_call(l->subject, pm->aggregator, g), view, out, err) < 0)
        return error_prefix(err, "metric %s, layer %s: ", pm->name, layer);
    return subject_admit(l->subject, pm->name, layer, out, g, err);
}

/* The layer's number for every metric that reads this saliency by layer. */
static void reduce_all(struct layers *l, int saliency, const tcet_layer *layer, size_t at,
                       const struct kept *matrix)
{
    const struct plan *p = l->subject->plan;
    struct error err;

    for (size_t m = 0; m < p->metric_count; m++) {
        const struct plan_metric *pm = &p->metrics[m];
        struct result_value *v = &l->values[pm->column];
        int64_t shape[4];
        tcet_view view;

        if (pm->saliency != saliency || pm->network || !l->needed[pm->column] || l->given_up[m])
            continue;
        view = matrix_view(matrix->data, matrix->rows, matrix->cols, shape);
        if (reduce_layer(l, pm, layer->name, &view, (double *)&v->layers[at], &err) < 0) {
            l->given_up[m] = 1;
            subject_fail(l->subject, &err);
        }
    }
}

/* S^l of one layer, and its numbers. */
static tcet_status take_layer(struct layers *l, int saliency, const tcet_layer *layer,
                              struct error *err)
{
    struct plan_saliency *ps = &l->subject->plan->saliencies[saliency];
    struct outcome *out = &l->outcomes[saliency];
    size_t at = out->site_at[site_number(layer->site)] + (size_t)layer->index, count;
    struct kept matrix;
    int64_t shape[4];
    tcet_view view;

    TRY(matrix_size(l, saliency, layer, &matrix.rows, &matrix.cols, err));
    count = (size_t)(matrix.rows * matrix.cols);
    TRY(matrix_memory(l, ps->keep, count, &matrix.data, err));
    if (ps->keep)
        out->kept[at] = matrix;
    view = matrix_view(matrix.data, matrix.rows, matrix.cols, shape);
    TRY(saliency_layer(subject_call(l->subject, ps->instance, &out->guards), layer, &view, err));
    if (!fence_holds(matrix.data + count))
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: it writes past the end of S^l of layer %s",
                         ps->instance->cx.who, layer->name);
    reduce_all(l, saliency, layer, at, &matrix);
    return TCET_OK;
}

/* -- The layers of a pass ---------------------------------------------------------------- */

int layers_read_pass(const struct layers *l, int pass)
{
    for (size_t i = 0; i < l->subject->plan->saliency_count; i++) {
        if (l->outcomes[i].active && l->subject->plan->saliencies[i].pass == pass)
            return 1;
    }
    return 0;
}

static void fail_saliency(struct layers *l, size_t saliency, const struct error *err)
{
    l->outcomes[saliency].failed = 1;
    subject_fail(l->subject, err);
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

void layers_take(struct layers *l, int pass, const tcet_layer *layer)
{
    const struct plan *p = l->subject->plan;
    struct error err;

    for (size_t i = 0; i < p->saliency_count; i++) {
        const struct plan_saliency *ps = &p->saliencies[i];
        tcet_layer wanted;

        if (ps->pass != pass || !l->outcomes[i].active || l->outcomes[i].failed ||
            !(ps->request.sites & layer->site))
            continue;
        wanted = only_wanted(layer, ps, &p->passes[pass].pass);
        if (take_layer(l, (int)i, &wanted, &err) < 0)
            fail_saliency(l, i, &err);
    }
}

static tcet_status take_static(struct layers *l, int saliency, struct error *err)
{
    const struct network *n = layers_network(l, saliency);
    static const uint32_t of_facts[] = {TCET_SITE_WEIGHT, TCET_SITE_ACTIVATION, TCET_SITE_NORM,
                                        TCET_SITE_PARAMETER};
    uint32_t sites = l->subject->plan->saliencies[saliency].request.sites;

    for (size_t k = 0; k < TCET_COUNT(of_facts); k++) {
        uint32_t bit = of_facts[k];

        for (size_t i = 0; (sites & bit) && i < n->site[site_number(bit)].count; i++) {
            int64_t shape[4];
            tcet_layer layer = network_layer(n, bit, i, shape);

            layer.rows = 1;
            layer.batch = l->subject->plan->data[0].batch;
            TRY(take_layer(l, saliency, &layer, err));
        }
    }
    return TCET_OK;
}

void layers_take_static(struct layers *l)
{
    const struct plan *p = l->subject->plan;
    struct error err;

    for (size_t i = 0; i < p->saliency_count; i++) {
        if (l->outcomes[i].active && p->saliencies[i].pass < 0 && take_static(l, (int)i, &err) < 0)
            fail_saliency(l, i, &err);
    }
}

void layers_fail_pass(struct layers *l, int pass, const struct error *err)
{
    for (size_t i = 0; i < l->subject->plan->saliency_count; i++)
        l->outcomes[i].failed |= l->subject->plan->saliencies[i].pass == pass;
    subject_fail(l->subject, err);
}
