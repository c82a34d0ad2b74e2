/* combine.c -- see combine.h.  Room: core/score. */
#include "score/combine.h"

#include "plugin/calls.h"

#include <math.h>
#include <string.h>

/* -- From layers to the network --------------------------------------------------------- */

/* The whole network's matrix: S^l one after another, or added up. */
static tcet_status merge_network(struct combine *c, const struct plan_saliency *ps,
                                 const struct outcome *in, tcet_view *out, int64_t shape[4],
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
    data = arena_alloc(&c->subject->arena, ((size_t)(rows * cols) + 1) * sizeof *data);
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
static int all_dropped(const struct combine *c, const struct result_value *v)
{
    size_t n = 0;

    for (size_t i = 0; i < v->guards.count; i++)
        n += strcmp(v->guards.item[i].name, "nonfinite") ? 0 : (size_t)v->guards.item[i].count;
    return c->subject->plan->nonfinite == NONFINITE_DROP && n && n >= v->layer_count;
}

static tcet_status finish_metric(struct combine *c, const struct plan_metric *pm, struct error *err)
{
    struct result_value *v = &c->values[pm->column];
    const struct outcome *in = &c->layers->outcomes[pm->saliency];

    if (pm->network) {
        int64_t shape[4];
        tcet_view view;

        TRY(merge_network(c, &c->subject->plan->saliencies[pm->saliency], in, &view, shape, err));
        TRY(aggregator_reduce(subject_call(c->subject, pm->aggregator, &v->guards), &view,
                              &v->value, err));
    } else {
        TRY(aggregator_finish(subject_call(c->subject, pm->aggregator, &v->guards), v->layers,
                              v->layer_count, &v->value, err));
        if (all_dropped(c, v))
            v->value = NAN;
    }
    for (size_t i = 0; i < in->guards.count; i++)
        guards_add(&v->guards, in->guards.item[i].name, in->guards.item[i].count);
    TRY(subject_admit(c->subject, pm->name, NULL, &v->value, &v->guards, err));
    v->column = pm->column;
    return TCET_OK;
}

void combine_metrics(struct combine *c)
{
    const struct plan *p = c->subject->plan;
    struct error err;

    for (size_t m = 0; m < p->metric_count; m++) {
        const struct plan_metric *pm = &p->metrics[m];

        if (c->needed[pm->column] && !result_has(&c->values[pm->column]) &&
            !c->layers->outcomes[pm->saliency].failed && !c->layers->given_up[m] &&
            finish_metric(c, pm, &err) < 0)
            subject_fail(c->subject, &err);
    }
}

/* -- Scores ----------------------------------------------------------------------------- */

/* The modules, orders and names of a saliency's layers, as a combiner joins them. */
static void name_layers(struct combine *c, int saliency, tcet_metric *m)
{
    const struct network *n = layers_network(c->layers, saliency);
    uint32_t sites = c->subject->plan->saliencies[saliency].request.sites;
    int several = (sites & (sites - 1)) != 0;
    size_t count = (size_t)m->layers, at = 0;
    struct arena *a = &c->subject->arena;
    int32_t *modules, *order, shift;
    const char **names;

    if (!several && !n->thin) {
        const struct site *s = &n->site[site_number(sites)];

        m->module = s->modules;
        m->order = s->order;
        m->layer = s->names;
        return;
    }
    /* one list after another; other networks' modules are others */
    modules = arena_alloc(a, (count + 1) * sizeof *modules);
    order = arena_alloc(a, (count + 1) * sizeof *order);
    names = arena_alloc(a, (count + 1) * sizeof *names);
    shift = n->thin ? graph_view(c->layers->networks[TCET_NETWORK_FULL].graph)->module_count : 0;
    for (int i = 0; i < REQUEST_SITES; i++) {
        const struct site *s = &n->site[i];

        for (size_t k = 0; (sites >> i & 1) && k < s->count; k++, at++) {
            modules[at] = s->modules[k] + (s->modules[k] >= 0 ? shift : 0);
            order[at] = several ? (int32_t)at : s->order[k];
            names[at] = s->names[k];
        }
    }
    m->module = modules;
    m->order = order;
    m->layer = names;
}

static tcet_metric metric_of(struct combine *c, int column)
{
    const struct plan *p = c->subject->plan;
    const struct result_column *pc = &p->columns[column];
    const struct result_value *v = &c->values[column];
    tcet_metric m = {
        .struct_size = sizeof m, .direction = pc->direction, .name = pc->name, .value = v->value};
    const uint32_t activations = TCET_WANT_AGREEMENT | TCET_WANT_PATTERN | TCET_WANT_OUTPUT;
    int saliency;

    if (pc->is_score || !v->layers)
        return m;
    saliency = p->metrics[pc->index].saliency;
    m.layers = (int64_t)v->layer_count;
    m.values = v->layers;
    m.activation = (p->saliencies[saliency].request.wants & activations) != 0;
    name_layers(c, saliency, &m);
    return m;
}

/* Scope parameter: S of every layer combined element by element, then aggregated. */
static tcet_status score_elements(struct combine *c, const struct plan_score *sc,
                                  struct result_value *v, struct error *err)
{
    const struct plan *p = c->subject->plan;
    tcet_view *views = arena_alloc(&c->subject->arena, sc->input_count * sizeof *views);
    const tcet_view **inputs = arena_alloc(&c->subject->arena, sc->input_count * sizeof *inputs);
    int64_t(*shapes)[4] = arena_alloc(&c->subject->arena, (sc->input_count + 1) * sizeof *shapes);
    const struct outcome *first =
        &c->layers->outcomes[p->metrics[p->columns[sc->inputs[0]].index].saliency];
    double *layers = arena_alloc(&c->subject->arena, (first->count + 1) * sizeof *layers);

    for (size_t l = 0; l < first->count; l++) {
        const struct kept *k0 = &first->kept[l];
        tcet_view out;
        double *data;

        for (size_t i = 0; i < sc->input_count; i++) {
            const struct plan_metric *pm = &p->metrics[p->columns[sc->inputs[i]].index];
            const struct outcome *in = &c->layers->outcomes[pm->saliency];

            if (in->count != first->count || in->kept[l].rows != k0->rows ||
                in->kept[l].cols != k0->cols)
                return error_set(err, TCET_E_ARG,
                                 "score %s: the saliencies of %s and %s have no common shape",
                                 sc->name, p->columns[sc->inputs[0]].name, pm->name);
            views[i] = matrix_view(in->kept[l].data, k0->rows, k0->cols, shapes[i]);
            inputs[i] = &views[i];
        }
        data = arena_alloc(&c->subject->arena, ((size_t)(k0->rows * k0->cols) + 1) * sizeof *data);
        out = matrix_view(data, k0->rows, k0->cols, shapes[sc->input_count]);
        TRY(combiner_elements(subject_call(c->subject, sc->combiner, &v->guards), inputs,
                              sc->input_count, &out, err));
        out = matrix_view(data, k0->rows, k0->cols, shapes[sc->input_count]);
        TRY(aggregator_reduce(subject_call(c->subject, sc->aggregator, &v->guards), &out,
                              &layers[l], err));
        TRY(subject_admit(c->subject, sc->name, "", &layers[l], &v->guards, err));
    }
    v->layers = layers;
    v->layer_count = first->count;
    return aggregator_finish(subject_call(c->subject, sc->aggregator, &v->guards), layers,
                             first->count, &v->value, err);
}

static tcet_status run_score(struct combine *c, const struct plan_score *sc, struct error *err)
{
    struct result_value *v = &c->values[sc->column];
    tcet_metric *metrics;
    const tcet_metric **inputs;

    if (!sc->combiner) {
        v->value = c->values[sc->inputs[0]].value;
        v->column = sc->column;
        return TCET_OK;
    }
    if (sc->scope == TCET_SCOPE_PARAMETER) {
        TRY(score_elements(c, sc, v, err));
    } else {
        metrics = arena_alloc(&c->subject->arena, sc->input_count * sizeof *metrics);
        inputs = arena_alloc(&c->subject->arena, sc->input_count * sizeof *inputs);
        for (size_t i = 0; i < sc->input_count; i++) {
            metrics[i] = metric_of(c, sc->inputs[i]);
            inputs[i] = &metrics[i];
        }
        if (combiner_score(subject_call(c->subject, sc->combiner, &v->guards), inputs,
                           sc->input_count, &v->value, err) < 0)
            return error_prefix(err, "score %s: ", sc->name);
    }
    TRY(subject_admit(c->subject, sc->name, NULL, &v->value, &v->guards, err));
    v->column = sc->column;
    return TCET_OK;
}

/* Scores whose inputs all have a value. */
void combine_scores(struct combine *c)
{
    const struct plan *p = c->subject->plan;
    struct error err;

    for (size_t k = 0; k < p->score_count; k++) {
        const struct plan_score *sc = &p->scores[k];
        int ready = c->needed[sc->column] && !result_has(&c->values[sc->column]) &&
                    sc->scope != TCET_SCOPE_POPULATION;

        for (size_t i = 0; i < sc->input_count; i++)
            ready = ready && result_has(&c->values[sc->inputs[i]]);
        if (ready && run_score(c, sc, &err) < 0)
            subject_fail(c->subject, &err);
    }
}
