/* layers.c -- memory for what layers want, and the visits.  Room: plugins/backend/torch. */
#include "ops.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* -- before the forwards --------------------------------------------------------------- */

static int is_weight_layer(const tcet_graph_module *m)
{
    return m->layer >= 0;
}

static int is_norm_layer(const tcet_graph_module *m)
{
    return m->kind == TCET_LAYER_NORM && m->weight_count > 0;
}

static tcet_status open_modules(struct job *j)
{
    for (int32_t k = 0; k < j->graph->module_count; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];
        int wanted = (is_weight_layer(m) && j->plan.weight_gradients) ||
                     (is_norm_layer(m) && j->plan.norm_gradients);

        if (wanted) {
            int64_t rows = j->plan.one_gradient && is_weight_layer(m) ? 1 : j->plan.rows;

            j->now.gradient[k] =
                job_alloc(j, USE_SHOW, (size_t)(rows * m->weight_count) * j->ask.size);
            if (!j->now.gradient[k])
                return TCET_E_MEMORY;
        }
        if (m->bias_count && j->plan.calls[k] &&
            ((is_weight_layer(m) && j->plan.weight_biases) ||
             (is_norm_layer(m) && j->plan.norm_biases))) {
            j->now.bias_gradient[k] = job_alloc(
                j, USE_SHOW,
                (size_t)(j->plan.calls[k] * j->plan.rows * m->bias_count) * sizeof(double));
            if (!j->now.bias_gradient[k])
                return TCET_E_MEMORY;
        }
        if (is_weight_layer(m) && j->plan.hvp) {
            size_t bytes = (size_t)(j->plan.hvp_rows * m->weight_count) * j->ask.size;

            j->now.hessian[k] = pool_get(bytes);
            if (!j->now.hessian[k])
                return job_fail(j, TCET_E_MEMORY, "out of memory");
            memset(j->now.hessian[k], 0, bytes);
        }
    }
    return TCET_OK;
}

/* Running variances, which begin at 1; those of later repeats are set when they begin. */
static tcet_status open_variances(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        float *ones;
        int status;

        if (!job_op(j, i)->statistics || !node->track || j->now.running[node->module])
            continue;
        j->now.running[node->module] = job_alloc(
            j, USE_SHOW, (size_t)(j->ask.forwards / j->run->forwards * node->c) * j->ask.size);
        ones = pool_get((size_t)node->c * sizeof *ones);
        if (!ones || !j->now.running[node->module]) {
            pool_put(ones);
            return job_fail(j, TCET_E_MEMORY, "out of memory");
        }
        for (int32_t k = 0; k < node->c; k++)
            ones[k] = 1;
        status = j->k->load(j->d, ones, 1, 1, node->c, j->now.running[node->module]);
        pool_put(ones);
        if (status != 0)
            return job_fail(j, status, "running variance");
    }
    return TCET_OK;
}

static tcet_status open_values(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const struct node_plan *p = &j->plan.node[i];
        struct value *v = &j->now.v[i];
        int64_t units = node_units(job_node(j, i));
        size_t bytes = (size_t)(j->ask.forwards * j->ask.n * units) * j->ask.size;

        if (p->rep != i)
            continue;
        if (p->keep && !(v->kept = job_alloc(j, USE_SHOW, bytes)))
            return TCET_E_MEMORY;
        if (p->keep_gradient && !(v->kept_gradient = job_alloc(j, USE_SHOW, bytes)))
            return TCET_E_MEMORY;
        if (p->keep_product &&
            !(v->kept_product =
                  job_alloc(j, USE_SHOW, bytes / (size_t)units * (size_t)job_node(j, i)->c)))
            return TCET_E_MEMORY;
        if (p->keep_bits) {
            bytes = (size_t)(j->ask.n * kernels_words(units)) * sizeof *v->kept_bits;
            if (!(v->kept_bits = job_alloc(j, USE_SHOW, bytes)))
                return TCET_E_MEMORY;
        }
    }
    return TCET_OK;
}

tcet_status layers_open(struct job *j)
{
    tcet_status st;

    st = open_modules(j);
    if (st == TCET_OK && job_wants(j, TCET_SITE_NORM) & TCET_WANT_VARIANCE)
        st = open_variances(j);
    if (st == TCET_OK && j->plan.wants & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN)) {
        size_t slots = (size_t)j->plan.slots;

        j->now.agreement = job_alloc(
            j, USE_SHOW, slots * (size_t)(j->ask.n * j->ask.n) * sizeof *j->now.agreement);
        j->now.positive = job_alloc(j, USE_SHOW, slots * sizeof *j->now.positive);
        if (!j->now.agreement || !j->now.positive)
            st = TCET_E_MEMORY;
    }
    return st == TCET_OK ? open_values(j) : st;
}

/* -- visits ---------------------------------------------------------------------------- */

enum { VIEWS = 12, AXES = 5 };

/* One layer in the making, and its views' extents. */
struct visit {
    uint32_t site;
    int32_t index;
    tcet_views views;
    int64_t shape[VIEWS][AXES], stride[VIEWS][AXES];
    int count;
    uint64_t *bits; /* of the pattern; ends with the visit */
};

/* CUDA: all that layers may want goes to the host in one burst. */
tcet_status layers_send(struct job *j)
{
    const struct held *h = &j->now.held[USE_SHOW];

    j->now.sent = j->d->cuda;
    for (int32_t k = 0; j->d->cuda && k < h->count; k++) {
        struct memory *m = h->block[k];

        m->mirror = ts_alloc_host(j->d, m->used, &m->host);
        if (!m->mirror || ts_to_host(j->d, m->host, m->data, m->used) != 0)
            return job_fail(j, TCET_E_BACKEND, "copying to the host");
    }
    return TCET_OK;
}

/* Where the host reads memory of job_alloc's, of USE_SHOW. */
static const void *host_of(const struct job *j, const void *data)
{
    const struct held *h = &j->now.held[USE_SHOW];
    uintptr_t at = (uintptr_t)data;

    for (int32_t k = 0; j->d->cuda && k < h->count; k++) {
        const struct memory *m = h->block[k];

        if (at - (uintptr_t)m->data < m->used)
            return (const char *)m->host + (at - (uintptr_t)m->data);
    }
    return data;
}

/* Fills a view with numbers of job_alloc's or the host's memory. */
static void show(struct job *j, struct visit *v, tcet_view *view, const void *data, uint8_t dtype,
                 const int64_t *shape, int32_t ndim)
{
    int at = v->count++;
    int64_t count = 1;

    for (int32_t k = ndim - 1; k >= 0; k--) {
        v->shape[at][k] = shape[k];
        v->stride[at][k] = count;
        count *= shape[k];
    }
    *view = (tcet_view){.data = (void *)(uintptr_t)host_of(j, data),
                        .shape = v->shape[at],
                        .stride = v->stride[at],
                        .count = count,
                        .ndim = ndim,
                        .dtype = dtype};
}

static uint8_t number_type(const struct job *j)
{
    return j->d->f64 ? TCET_F64 : TCET_F32;
}

/* A value of the graph as [forwards * n, c, h, w], or [.., c] where it is flat. */
static void show_value(struct job *j, struct visit *v, tcet_view *view, const void *data,
                       int32_t rep, int flat)
{
    const tcet_node *node = job_node(j, rep);
    int64_t images = j->ask.forwards * j->ask.n;
    int64_t image[4] = {images, node->c, node->h, node->w}, line[2] = {images, node_units(node)};

    if (data)
        show(j, v, view, data, number_type(j), flat ? line : image, flat ? 2 : 4);
}

/* What the backward left of a value: its gradient, and the channels' products with it. */
static void show_gradient(struct job *j, struct visit *v, int32_t rep, int flat)
{
    int64_t line[2] = {j->ask.forwards * j->ask.n, job_node(j, rep)->c};

    show_value(j, v, &v->views.output_gradient, j->now.v[rep].kept_gradient, rep, flat);
    if (j->now.v[rep].kept_product)
        show(j, v, &v->views.channel_product, j->now.v[rep].kept_product, number_type(j), line, 2);
}

/* Bit u of the image's pattern, u in NCHW order, from bits in NHWC order. */
static void reorder_bits(const uint64_t *from, const tcet_node *node, uint64_t *to, int64_t at)
{
    int64_t hw = (int64_t)node->h * node->w;

    for (int64_t c = 0; c < node->c; c++) {
        for (int64_t p = 0; p < hw; p++, at++) {
            int64_t u = p * node->c + c;

            to[at / 64] |= (from[u / 64] >> (u % 64) & 1) << (at % 64);
        }
    }
}

/* The same from NCHW numbers. */
static void bits_of_numbers(const struct job *j, int32_t rep, uint64_t *to, int64_t words,
                            int64_t at)
{
    int64_t units = node_units(job_node(j, rep));
    const void *x = host_of(j, j->now.v[rep].kept);

    for (int64_t i = 0; i < j->ask.n; i++) {
        for (int64_t u = 0; u < units; u++) {
            double number = j->d->f64 ? ((const double *)x)[i * units + u]
                                      : (double)((const float *)x)[i * units + u];

            to[i * words + (at + u) / 64] |= (uint64_t)(number > 0) << ((at + u) % 64);
        }
    }
}

/* Does node i's value belong to a pattern: of all executions of a module, or (-1) of one value? */
static int is_of_pattern(const struct job *j, int32_t i, int32_t module, int32_t rep)
{
    return module >= 0 ? job_node(j, i)->module == module && j->plan.node[i].slot >= 0 : i == rep;
}

static tcet_status show_pattern(struct job *j, struct visit *v, int32_t module, int32_t rep)
{
    int64_t units = 0, words, shape[2] = {j->ask.n}, at = 0;
    uint64_t *bits;

    for (int32_t i = 0; i < j->graph->node_count; i++)
        units += is_of_pattern(j, i, module, rep) ? node_units(job_node(j, i)) : 0;
    shape[1] = words = kernels_words(units);
    bits = pool_get((size_t)(j->ask.n * words) * sizeof *bits + 8);
    if (!bits)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    v->bits = bits;
    memset(bits, 0, (size_t)(j->ask.n * words) * sizeof *bits);
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);

        if (!is_of_pattern(j, i, module, rep))
            continue;
        if (!j->k->packs)
            bits_of_numbers(j, i, bits, words, at);
        for (int64_t b = 0; b < j->ask.n && j->k->packs; b++)
            reorder_bits(j->now.v[i].kept_bits + b * kernels_words(node_units(node)), node,
                         bits + b * words, at);
        at += node_units(node);
    }
    show(j, v, &v->views.pattern, bits, TCET_U64, shape, 2);
    return TCET_OK;
}

/* Agreement and pattern of slot `slot` (-1: no signs). */
static tcet_status show_signs(struct job *j, struct visit *v, int32_t slot, int32_t module,
                              int32_t rep)
{
    int64_t square[2] = {j->ask.n, j->ask.n};

    if (slot < 0 || !j->now.agreement)
        return TCET_OK;
    v->views.positive = (int64_t)((const double *)host_of(j, j->now.positive))[slot];
    if (job_wants(j, v->site) & TCET_WANT_AGREEMENT)
        show(j, v, &v->views.agreement, j->now.agreement + slot * j->ask.n * j->ask.n, TCET_F64,
             square, 2);
    if (job_wants(j, v->site) & TCET_WANT_PATTERN)
        return show_pattern(j, v, module, rep);
    return TCET_OK;
}

static void begin(struct visit *v, uint32_t site, int32_t index)
{
    v->site = site;
    v->index = index;
    v->count = 0;
    v->views = (tcet_views){.struct_size = sizeof v->views};
}

/* Gives the layer to the host, unless making it failed. */
static tcet_status finish(struct job *j, struct visit *v, tcet_status st)
{
    if (st == TCET_OK)
        st = j->run->visit(j->run->arg, v->site, v->index, &v->views);
    pool_put(v->bits);
    v->bits = NULL;
    return st;
}

/* Views of a module's bias and of its gradient, which is summed over the module's calls. */
static void show_bias(struct job *j, struct visit *v, int32_t module)
{
    const tcet_graph_module *m = &j->graph->modules[module];
    int64_t shape[2] = {j->plan.rows, m->bias_count}, count = j->plan.rows * m->bias_count;
    double *sum;

    if (!m->bias_count)
        return;
    if (job_wants(j, v->site) & TCET_WANT_BIAS)
        show(j, v, &v->views.bias, (const char *)j->now.params + (size_t)m->bias * j->ask.size,
             number_type(j), shape + 1, 1);
    if (!(job_wants(j, v->site) & TCET_WANT_BIAS_GRADIENT) || !j->now.bias_gradient[module])
        return;
    show(j, v, &v->views.bias_gradient, j->now.bias_gradient[module], TCET_F64, shape, 2);
    sum = v->views.bias_gradient.data;
    for (int64_t i = count; i < j->plan.calls[module] * count; i++)
        sum[i % count] += sum[i];
}

/* Views of a module's weight and of what has its extents. */
static void show_weight(struct job *j, struct visit *v, int32_t module)
{
    const tcet_graph_module *m = &j->graph->modules[module];
    int64_t shape[AXES] = {j->plan.rows};

    for (int32_t k = 0; k < m->ndim; k++)
        shape[k + 1] = m->shape[k];
    if (job_wants(j, v->site) & TCET_WANT_WEIGHT)
        show(j, v, &v->views.weight, (const char *)j->now.params + (size_t)m->weight * j->ask.size,
             number_type(j), shape + 1, m->ndim);
    if (job_wants(j, v->site) & TCET_WANT_GRADIENT && j->now.gradient[module])
        show(j, v, &v->views.gradient, j->now.gradient[module], number_type(j), shape, m->ndim + 1);
    if (j->plan.hvp && m->layer >= 0) {
        int several = j->run->pass->gradient == TCET_GRADIENT_SAMPLE;

        shape[0] = j->plan.hvp_rows;
        show(j, v, &v->views.hvp, j->now.hessian[module], number_type(j),
             several ? shape : shape + 1, m->ndim + several);
    }
    show_bias(j, v, module);
}

static tcet_status visit_weight(struct job *j, struct visit *v, int32_t module)
{
    const tcet_graph_module *m = &j->graph->modules[module];
    int32_t first = j->plan.order[module];

    begin(v, TCET_SITE_WEIGHT, m->layer);
    show_weight(j, v, module);
    if (first >= 0) {
        int flat = m->kind == TCET_LAYER_LINEAR;
        int32_t in = job_input(j, first, 0);

        if (job_wants(j, v->site) & TCET_WANT_INPUT)
            show_value(j, v, &v->views.input, j->now.v[in].kept, in, flat);
        if (job_wants(j, v->site) & TCET_WANT_OUTPUT)
            show_value(j, v, &v->views.output, j->now.v[first].kept, first, flat);
        show_gradient(j, v, first, flat);
    }
    return finish(j, v, show_signs(j, v, m->layer, module, -1));
}

static tcet_status visit_norm(struct job *j, struct visit *v, int32_t module, int32_t index)
{
    const tcet_graph_module *m = &j->graph->modules[module];

    begin(v, TCET_SITE_NORM, index);
    show_weight(j, v, module);
    if (j->plan.order[module] >= 0) {
        int32_t rep = j->plan.node[j->plan.order[module]].rep;

        if (job_wants(j, v->site) & TCET_WANT_NORM_OUTPUT)
            show_value(j, v, &v->views.output, j->now.v[rep].kept, rep, 0);
    }
    if (j->now.running[module]) {
        int64_t shape[2] = {j->ask.forwards / j->run->forwards, m->shape[0]};
        int several = shape[0] > 1;

        show(j, v, &v->views.variance, j->now.running[module], number_type(j), shape + !several,
             1 + several);
    }
    return finish(j, v, TCET_OK);
}

/* A value of the graph as a layer: output, its gradient, its signs. */
static tcet_status visit_value(struct job *j, struct visit *v, int32_t rep, int32_t slot, int flat)
{
    if (job_wants(j, v->site) & TCET_WANT_OUTPUT)
        show_value(j, v, &v->views.output, j->now.v[rep].kept, rep, flat);
    show_gradient(j, v, rep, flat);
    return finish(j, v, show_signs(j, v, slot, -1, rep));
}

static tcet_status visit_modules(struct job *j, struct visit *v)
{
    tcet_status st = TCET_OK;
    int32_t norms = 0;

    for (int32_t k = 0; k < j->graph->module_count && st == TCET_OK; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];

        if (j->ask.sites & TCET_SITE_WEIGHT && is_weight_layer(m))
            st = visit_weight(j, v, k);
        else if (j->ask.sites & TCET_SITE_NORM && is_norm_layer(m))
            st = visit_norm(j, v, k, norms++);
    }
    return st;
}

static tcet_status visit_values(struct job *j, struct visit *v)
{
    const tcet_node *out = job_node(j, j->plan.output);
    tcet_status st = TCET_OK;
    int32_t acts = 0;

    for (int32_t i = 0; i < j->graph->node_count && st == TCET_OK; i++) {
        int32_t in;

        if (j->ask.sites & TCET_SITE_INPUT && job_op(j, i)->input) {
            begin(v, TCET_SITE_INPUT, 0);
            st = visit_value(j, v, i, -1, 0);
        }
        if (st != TCET_OK || !(j->ask.sites & TCET_SITE_ACTIVATION) || !job_op(j, i)->activation)
            continue;
        in = job_input(j, i, 0);
        begin(v, TCET_SITE_ACTIVATION, acts++);
        st = visit_value(j, v, in, j->plan.node[in].relu_slot, 0);
    }
    if (st == TCET_OK && j->ask.sites & TCET_SITE_FEATURES && j->plan.features >= 0) {
        begin(v, TCET_SITE_FEATURES, 0);
        st = visit_value(j, v, j->plan.features, -1, 0);
    }
    if (st == TCET_OK && j->ask.sites & TCET_SITE_LOGITS) {
        begin(v, TCET_SITE_LOGITS, 0);
        st = visit_value(j, v, j->plan.output, -1, out->h * out->w == 1);
    }
    return st;
}

tcet_status layers_visit(struct job *j)
{
    struct visit *v = calloc(1, sizeof *v);
    tcet_status st = v ? TCET_OK : job_fail(j, TCET_E_MEMORY, "out of memory");

    if (st == TCET_OK && ts_synchronize(j->d) != 0)
        st = job_fail(j, TCET_E_BACKEND, "waiting for the device");
    if (st == TCET_OK) {
        j->now.sent = 0;
        st = visit_modules(j, v);
    }
    if (st == TCET_OK)
        st = visit_values(j, v);
    free(v);
    return st;
}
