/* saliency.c -- describe() and its rules, and layers made up for every site that it asks for,
 * as a backend would give them.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <stdio.h>
#include <string.h>
#include <tcet/saliency.h>

#include "check/internal.h"
#include "plugin/request.h"

/* -- describe() -------------------------------------------------------------------------- */

tcet_status check_describe(struct probe *p, struct instance *i, struct request *out,
                           struct error *err)
{
    int has_shape = OPS(tcet_saliency_ops, i)->shape != NULL;

    memset(out, 0, sizeof *out);
    request_init(&out->pub, &out->pass);
    TRY(probe_end(i, saliency_describe(probe_enter(p, i), &out->pub, err), err));
    if (request_check(&out->pub, &out->pass, has_shape, err) < 0)
        err->status = TCET_E_PLUGIN; /* whichever rule it breaks */
    else
        err->status = TCET_OK;
    return err->status;
}

tcet_status calls_describe(struct probe *p, struct error *err)
{
    struct request a, b;
    struct instance *i;

    probe_stage("describe()");
    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    TRY(check_describe(p, i, &a, err));
    TRY(check_describe(p, i, &b, err));
    if (!request_equal(&a.pub, &b.pub))
        return error_set(err, TCET_E_PLUGIN, "the second description differs from the first");
    instance_free(i);
    return TCET_OK;
}

/* -- layers ------------------------------------------------------------------------------ */

enum { INPUT_SIDE = 8, CLASSES = 10, LABELS_MAX = 64 };

/* A layer to be made up: its weight, and the image of its output. */
struct recipe {
    uint32_t site, kind;
    const char *name;
    int64_t weight[4];
    int32_t ndim; /* 0: none */
    int64_t c, h, w;
    int flat; /* output [n, c] */
};

static const struct recipe ordinary[] = {
    {TCET_SITE_WEIGHT, TCET_LAYER_CONV, "stem.0", {6, 3, 3, 3}, 4, 6, 8, 8, 0},
    {TCET_SITE_WEIGHT, TCET_LAYER_CONV, "cells.0.conv", {6, 1, 3, 3}, 4, 6, 4, 4, 0},
    {TCET_SITE_WEIGHT, TCET_LAYER_LINEAR, "classifier", {5, 6}, 2, 5, 1, 1, 1},
    {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, "cells.0.relu", {0}, 0, 6, 4, 4, 0},
    {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, "last", {0}, 0, 7, 1, 1, 0},
    {TCET_SITE_NORM, TCET_LAYER_NORM, "stem.1", {6}, 1, 6, 8, 8, 0},
    {TCET_SITE_INPUT, TCET_LAYER_INPUT, "input", {0}, 0, 3, INPUT_SIDE, INPUT_SIDE, 0},
    {TCET_SITE_FEATURES, TCET_LAYER_FEATURES, "features", {0}, 0, 6, 4, 4, 0},
    {TCET_SITE_LOGITS, TCET_LAYER_LOGITS, "logits", {0}, 0, CLASSES, 1, 1, 1},
    {TCET_SITE_PARAMETER, TCET_LAYER_PARAMETER, "token", {1, 1, 6}, 3, 0, 0, 0, 0},
};
static const struct recipe one_element[] = {
    {TCET_SITE_WEIGHT, TCET_LAYER_CONV, "conv", {1, 1, 1, 1}, 4, 1, 1, 1, 0},
    {TCET_SITE_WEIGHT, TCET_LAYER_LINEAR, "linear", {1, 1}, 2, 1, 1, 1, 1},
    {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, "relu", {0}, 0, 1, 1, 1, 0},
    {TCET_SITE_NORM, TCET_LAYER_NORM, "norm", {1}, 1, 1, 1, 1, 0},
    {TCET_SITE_INPUT, TCET_LAYER_INPUT, "input", {0}, 0, 1, 1, 1, 0},
    {TCET_SITE_FEATURES, TCET_LAYER_FEATURES, "features", {0}, 0, 1, 1, 1, 0},
    {TCET_SITE_LOGITS, TCET_LAYER_LOGITS, "logits", {0}, 0, 1, 1, 1, 1},
};
static const struct recipe large[] = {
    {TCET_SITE_WEIGHT, TCET_LAYER_CONV, "conv", {64, 64, 3, 3}, 4, 64, 32, 32, 0},
    {TCET_SITE_WEIGHT, TCET_LAYER_LINEAR, "linear", {100, 1024}, 2, 100, 1, 1, 1},
    {TCET_SITE_ACTIVATION, TCET_LAYER_ACTIVATION, "relu", {0}, 0, 64, 32, 32, 0},
    {TCET_SITE_NORM, TCET_LAYER_NORM, "norm", {512}, 1, 512, 8, 8, 0},
    {TCET_SITE_INPUT, TCET_LAYER_INPUT, "input", {0}, 0, 3, 64, 64, 0},
    {TCET_SITE_FEATURES, TCET_LAYER_FEATURES, "features", {0}, 0, 256, 8, 8, 0},
    {TCET_SITE_LOGITS, TCET_LAYER_LOGITS, "logits", {0}, 0, 1000, 1, 1, 1},
};
static const struct recipe unused[] = {
    {TCET_SITE_WEIGHT, TCET_LAYER_CONV, "conv", {6, 3, 3, 3}, 4, 0, 0, 0, 0},
    {TCET_SITE_NORM, TCET_LAYER_NORM, "norm", {6}, 1, 0, 0, 0, 0},
};

/* The pass as it would run: how many images go in, how many gradient rows come out. */
struct stage {
    const struct request *request;
    enum scenario scenario;
    uint8_t dtype;
    int64_t n, forwards, rows;
};

static struct stage stage_of(const struct request *r, enum scenario s, uint8_t dtype)
{
    const tcet_pass *a = &r->pass;
    struct stage g = {.request = r,
                      .scenario = s,
                      .dtype = dtype,
                      .n = s == ONE_ELEMENT ? 1
                           : s == LARGE     ? 16
                                            : 4};

    if (a->samples)
        g.n = a->samples < LABELS_MAX ? a->samples : LABELS_MAX;
    g.forwards = a->batches ? a->batches : 1;
    if (a->input == TCET_INPUT_ONES)
        g.n = g.forwards = 1;
    else if (a->input == TCET_INPUT_MIXUP)
        g.forwards = 2;
    if (a->repeat > 1)
        g.forwards *= a->repeat;
    g.rows = a->gradient == TCET_GRADIENT_SAMPLE ? g.forwards * g.n : g.forwards;
    return g;
}

/* Elements of the weight. */
static int64_t weights_of(const struct recipe *r)
{
    int64_t count = r->ndim > 0;

    for (int32_t k = 0; k < r->ndim; k++)
        count *= r->weight[k];
    return count;
}

/* Pattern and agreement of the first n images of `output`. */
static void add_signs(struct probe *p, const struct stage *g, const tcet_view *output,
                      tcet_layer *out)
{
    int64_t n = g->n, units = out->units, words = (units + 63) / 64;
    int64_t square[2] = {n, n}, packed[2] = {n, words};
    uint64_t *bits = memory_new(p, "the pattern", (size_t)(n * words) * sizeof *bits, 1);
    double *k = memory_new(p, "the agreement", (size_t)(n * n) * sizeof *k, 1);

    for (int64_t i = 0; i < n; i++) {
        for (int64_t u = 0; u < units; u++) {
            if (tcet_get(output, i * units + u) > 0) {
                bits[i * words + u / 64] |= UINT64_C(1) << (u % 64);
                out->positive++;
            }
        }
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            int64_t differ = 0;

            for (int64_t w = 0; w < words; w++)
                differ += __builtin_popcountll(bits[i * words + w] ^ bits[j * words + w]);
            k[i * n + j] = (double)(units - differ);
        }
    }
    if (g->request->pub.wants & TCET_WANT_AGREEMENT)
        out->agreement = view_of(p, k, TCET_F64, square, 2);
    if (g->request->pub.wants & TCET_WANT_PATTERN)
        out->pattern = view_of(p, bits, TCET_U64, packed, 2);
}

/* Weight, gradient and what else has the weight's extents. */
static void add_weights(struct probe *p, const struct stage *g, const struct recipe *r,
                        tcet_layer *out)
{
    uint32_t wants = request_wants_at(g->request->pub.wants, r->site);
    int several = g->request->pass.gradient == TCET_GRADIENT_SAMPLE;
    int64_t shape[5] = {g->rows};

    memcpy(shape + 1, r->weight, sizeof r->weight);
    if (wants & TCET_WANT_WEIGHT)
        out->weight = view_input(p, "the weight", g->dtype, shape + 1, r->ndim, g->scenario, 11);
    if (wants & TCET_WANT_GRADIENT)
        out->gradient =
            view_input(p, "the gradient", g->dtype, shape, r->ndim + 1, g->scenario, 12);
    if (wants & TCET_WANT_HVP)
        out->hvp = view_input(p, "the hvp", g->dtype, shape + !several, r->ndim + several,
                              g->scenario, 13);
    if (wants & TCET_WANT_BIAS)
        out->bias = view_input(p, "the bias", g->dtype, shape + 1, 1, g->scenario, 15);
    if (wants & TCET_WANT_BIAS_GRADIENT)
        out->bias_gradient =
            view_input(p, "the bias's gradient", TCET_F64, shape, 2, g->scenario, 16);
    if (wants & TCET_WANT_VARIANCE) {
        uint32_t repeat = g->request->pass.repeat;
        int64_t grid[2] = {repeat, r->weight[0]};

        out->variance = view_input(p, "the variance", g->dtype, grid + (repeat <= 1),
                                   repeat > 1 ? 2 : 1, g->scenario, 14);
        for (int64_t c = 0; c < out->variance.count; c++) { /* a variance is positive */
            double v = tcet_get(&out->variance, c);

            v = v < 0 ? -v : v;
            if (g->dtype == TCET_F64)
                ((double *)out->variance.data)[c] = v;
            else
                ((float *)out->variance.data)[c] = (float)v;
        }
    }
}

/* Input, output, its gradient and its signs; a layer never executed has none of the first. */
static void add_values(struct probe *p, const struct stage *g, const struct recipe *r,
                       tcet_layer *out)
{
    uint32_t wants = request_wants_at(g->request->pub.wants, r->site);
    int64_t images = g->forwards * g->n, shape[4] = {images, r->c, r->h, r->w};
    int64_t input[4] = {images, r->ndim > 1 ? r->weight[1] : r->c, r->h, r->w};
    int32_t ndim = r->flat ? 2 : 4;
    tcet_view output = {.data = NULL};

    if (out->order >= 0) {
        output = view_input(p, "the output", g->dtype, shape, ndim, g->scenario, 21);
        if (wants & (TCET_WANT_OUTPUT | TCET_WANT_NORM_OUTPUT))
            out->output = output;
        if (wants & TCET_WANT_OUTPUT_GRADIENT)
            out->output_gradient =
                view_input(p, "the output's gradient", g->dtype, shape, ndim, g->scenario, 22);
        if (wants & TCET_WANT_CHANNEL_PRODUCT)
            out->channel_product =
                view_input(p, "the channel products", g->dtype, shape, 2, g->scenario, 18);
        if (wants & TCET_WANT_INPUT)
            out->input = view_input(p, "the input", g->dtype, input, ndim, g->scenario, 23);
    }
    if (wants & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN))
        add_signs(p, g, &output, out);
}

/* Facts and views of a layer.  A request that needs no pass gets the facts alone. */
static tcet_layer make_layer(struct probe *p, const struct stage *g, const struct recipe *r,
                             int32_t index)
{
    const tcet_pass *a = &g->request->pass;
    int64_t weights = weights_of(r), *labels;
    int executed = r->c > 0;
    tcet_layer l = {.struct_size = sizeof l,
                    .kind = r->kind,
                    .site = r->site,
                    .index = index,
                    .order = executed ? index : -1,
                    .calls = executed,
                    .cell = index - 1,
                    .name = r->name,
                    .container = "",
                    .params = weights ? weights + r->weight[0] : 0,
                    .rows = g->rows,
                    .batch = g->n,
                    .units = r->c * r->h * r->w};

    if (r->site == TCET_SITE_WEIGHT && executed) {
        l.macs = weights * r->h * r->w;
        l.bias_macs = l.units;
    }
    if (!request_needs_pass(&g->request->pub)) {
        l.weight = view_of(p, NULL, TCET_F32, r->weight, r->ndim);
        l.weight.count = weights;
        l.rows = 1;
        return l;
    }
    if (r->ndim)
        add_weights(p, g, r, &l);
    add_values(p, g, r, &l);
    if (a->input == TCET_INPUT_BATCH) {
        labels = memory_new(p, "the labels", (size_t)g->n * sizeof *labels, 1);
        for (int64_t i = 0; i < g->n; i++)
            labels[i] = i % 3;
        l.labels = labels;
    }
    return l;
}

static tcet_status matrix_size(struct probe *p, struct instance *i, const struct stage *g,
                               const struct recipe *r, const tcet_layer *l, int64_t *rows,
                               int64_t *cols, struct error *err)
{
    enum { ELEMENTS_MAX = 1 << 28 }; /* of the layers above, which are small */

    if (!request_matrix(g->request->pub.form, l, weights_of(r), rows, cols)) {
        probe_stage("shape() of the layer %s", l->name);
        *rows = *cols = -1;
        TRY(probe_end(i, saliency_shape(probe_enter(p, i), l, rows, cols, err), err));
    }
    if (!request_matrix_fits(*rows, *cols, ELEMENTS_MAX))
        return error_set(err, TCET_E_PLUGIN, "shape() gives %lld x %lld for the layer %s",
                         (long long)*rows, (long long)*cols, l->name);
    return TCET_OK;
}

/* S^l of one layer, added to out. */
static tcet_status take_layer(struct probe *p, struct instance *i, const struct stage *g,
                              const struct recipe *r, const tcet_layer *l, struct buf *out,
                              struct error *err)
{
    int64_t size[2];
    tcet_view s, given;
    tcet_layer layer = *l;
    size_t bytes;
    tcet_status st;

    TRY(matrix_size(p, i, g, r, l, &size[0], &size[1], err));
    bytes = (size_t)(size[0] * size[1]) * sizeof(double);
    s = view_of(p, memory_new(p, "S^l", bytes, 0), TCET_F64, size, 2);
    given = s;
    probe_stage("layer() of the layer %s", l->name);
    st = probe_end(i, saliency_layer(probe_enter(p, i), &layer, &given, err), err);
    if (st < 0) {
        TRY(untouched(s.data, bytes, 0, "layer()", err));
        return st;
    }
    TRY(view_same(&s, &given, "layer()", err));
    TRY(memory_intact(err));
    buf_add(out, s.data, bytes);
    return TCET_OK;
}

static tcet_status take_layers(struct probe *p, struct instance *i, const struct stage *g,
                               const struct recipe *recipes, size_t count, struct buf *out,
                               struct error *err)
{
    int32_t index[1 << REQUEST_SITES] = {0}; /* by site */
    tcet_layer l;

    for (size_t k = 0; k < count; k++) {
        const struct recipe *r = &recipes[k];

        if (!(g->request->pub.sites & r->site))
            continue;
        memory_reset();
        arena_reset(&p->inputs);
        l = make_layer(p, g, r, index[r->site]++);
        memory_seal(p);
        TRY(take_layer(p, i, g, r, &l, out, err));
    }
    return TCET_OK;
}

tcet_status saliency_exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                              struct error *err)
{
    static const struct {
        const struct recipe *list;
        size_t count;
    } recipes[] = {
        [ORDINARY] = {ordinary, TCET_COUNT(ordinary)},
        [ONE_ELEMENT] = {one_element, TCET_COUNT(one_element)},
        [LARGE] = {large, TCET_COUNT(large)},
        [ZEROS] = {ordinary, TCET_COUNT(ordinary)},
        [NONFINITE] = {ordinary, TCET_COUNT(ordinary)},
        [UNUSED] = {unused, TCET_COUNT(unused)},
    };
    struct request r;

    probe_stage("describe()");
    TRY(check_describe(p, i, &r, err));
    for (int dtype = TCET_F32; dtype <= TCET_F64; dtype++) {
        struct stage g = stage_of(&r, s, (uint8_t)dtype);

        if (r.pass.precision == (dtype == TCET_F32 ? TCET_PRECISION_F64 : TCET_PRECISION_F32))
            continue;
        TRY(take_layers(p, i, &g, recipes[s].list, recipes[s].count, out, err));
    }
    return TCET_OK;
}
