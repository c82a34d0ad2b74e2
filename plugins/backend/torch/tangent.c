/* tangent.c -- exact Hessian-vector products: the graph's values and gradients once more, as
 * derivatives along g, the gradient of the loss over all conv and linear weights.
 * Room: plugins/backend/torch.
 *
 * R is the derivative along g (Pearlmutter, "Fast exact multiplication by the Hessian", Neural
 * Computation 1994): R w = g, so R of the gradient is H g.  After the ordinary forward and
 * backward, with the values and some gradients kept, one sweep forward makes R of the values and
 * one back R of the gradients.  Both are linear in R, and go through the same operations as the
 * ordinary ones; a product has two terms: R(x * w) = R x * w + x * g.
 *
 * A batch norm's R y is its own backward's formula with R x for the gradient: again lines over R x
 * and x, which a sum reads in passing.  R of its backward is lines over R dy, dy, R x and x. */
#include "executor.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* Of a node (a rep). */
struct tangent {
    uint8_t live;            /* its numbers change with the weights; else R is 0 */
    uint8_t stored;          /* somebody reads R's numbers, not only lines */
    uint8_t saved;           /* and so does the backward sweep */
    int32_t norm;            /* conv, linear: the one reader, which adds the parts; -1 */
    struct memory *val;      /* R of the value */
    struct memory *terms[2]; /* conv, linear: R x * w and x * g, before they are added */
    void *lines;             /* batch norm: 6 lines */
    double *sums;            /* batch norm with batch statistics: 5 of struct ts_norm_sums */
    double *rg;              /* one more, perhaps another node's */
    int32_t summed;          /* rg, rg_x are made */
};

enum { RX = 0, RX_X = 1, G_RX = 2, RG_X = 3, RG = 4, SUMS = 5, LINES = 6 };

int tangent_supports(const struct job *j)
{
    if (!j->k->norm_tangent || !j->gradients || j->run->forwards != 1)
        return 0;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        switch (job_node(j, i)->op) {
        case TCET_OP_INPUT:
        case TCET_OP_IDENTITY:
        case TCET_OP_ZERO:
        case TCET_OP_CONV2D:
        case TCET_OP_LINEAR:
        case TCET_OP_BATCH_NORM:
        case TCET_OP_SCALE:
        case TCET_OP_RELU:
        case TCET_OP_ADD:
        case TCET_OP_CONCAT:
        case TCET_OP_SLICE:
        case TCET_OP_PAD:
        case TCET_OP_AVG_POOL:
        case TCET_OP_MAX_POOL:
        case TCET_OP_GLOBAL_POOL: break;
        default: return 0;
        }
    }
    return 1;
}

/* -- before the forward ---------------------------------------------------------------- */

static int has_weight(const tcet_node *node)
{
    return node->op == TCET_OP_CONV2D || node->op == TCET_OP_LINEAR;
}

/* Batch norms whose statistics move with the weights. */
static int has_moments(const struct job *j, int32_t i)
{
    return job_node(j, i)->op == TCET_OP_BATCH_NORM && j->v[i].batch_stats && j->t[i].live;
}

/* Who reads R of node i's inputs, and how. */
static void mark_inputs(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);

    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t in = job_input(j, i, k);
        struct tangent *t = &j->t[in];

        if (node->op != TCET_OP_RELU && !(node->op == TCET_OP_ADD && j->v[in].lines))
            t->stored = 1;
        if (has_weight(node) || has_moments(j, i))
            t->saved = 1;
        if (has_moments(j, i) && has_weight(job_node(j, in)) && j->v[in].readers == 1)
            t->norm = i;
    }
}

tcet_status tangent_open(struct job *j)
{
    int32_t count = j->graph->node_count;

    j->t = calloc((size_t)count, sizeof *j->t);
    if (!j->t)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t i = 0; i < count; i++) {
        const tcet_node *node = job_node(j, i);
        struct tangent *t = &j->t[i];

        t->norm = -1;
        if (j->v[i].rep != i || !j->v[i].reach || !j->v[i].up || node->op == TCET_OP_ZERO)
            continue;
        t->live = (uint8_t)has_weight(node);
        for (int32_t k = 0; k < node->input_count; k++)
            t->live |= j->t[job_input(j, i, k)].live;
        if (!t->live)
            continue;
        t->stored |= j->v[i].lines && j->v[i].stored; /* the plan's lifetimes count on it */
        mark_inputs(j, i);
        if (has_moments(j, i)) {
            size_t c = (size_t)node->c;

            t->sums = job_alloc(j, SUMS * c * sizeof *t->sums);
            t->lines = job_alloc(j, LINES * c * j->size);
            if (!t->sums || !t->lines)
                return TCET_E_MEMORY;
        }
    }
    j->t[j->output].stored = 1;
    for (int32_t i = 0; i < count; i++)
        j->v[i].keep_dy = (uint8_t)(has_moments(j, i) || (j->t[i].live && j->t[i].norm < 0 &&
                                                          has_weight(job_node(j, i))));
    return TCET_OK;
}

static void drop_terms(struct tangent *t)
{
    memory_drop(t->terms[0]);
    memory_drop(t->terms[1]);
    t->terms[0] = t->terms[1] = NULL;
}

static void drop_value(struct tangent *t)
{
    drop_terms(t);
    memory_drop(t->val);
    t->val = NULL;
}

void tangent_close(struct job *j)
{
    for (int32_t i = 0; j->t && i < j->graph->node_count; i++)
        drop_value(&j->t[i]);
    free(j->t);
    j->t = NULL;
}

/* -- forward --------------------------------------------------------------------------- */

static struct memory *new_tangent(struct job *j, int32_t i)
{
    return memory_new(j, (size_t)(j->n * node_units(job_node(j, i))) * j->size);
}

static const void *value_data(const struct job *j, int32_t i)
{
    return j->v[i].val->data;
}

/* g of a node's weight. */
static const void *direction(const struct job *j, const tcet_node *node)
{
    return gradient_row(j, node, j->hvp_row);
}

/* Where H g of a node's weight goes. */
static void *product(const struct job *j, const tcet_node *node)
{
    int64_t count = j->graph->modules[node->module].weight_count;

    return (char *)j->hessian[node->module] + (size_t)(j->hvp_row * count) * j->size;
}

/* R of node i as terms of a sum, at most two; those of a live node. */
static int32_t terms_of(const struct job *j, int32_t i, struct ts_term *t)
{
    const struct value *v = &j->v[i];
    int32_t count = 0, in;

    if (j->t[i].val) {
        t[count++] = (struct ts_term){.x = j->t[i].val->data};
    } else if (v->lines) {
        in = job_input(j, i, 0);
        if (j->t[i].sums) {
            t[count++] = (struct ts_term){.x = j->t[in].val->data, .a = v->k1, .b = v->k3};
            t[count++] = (struct ts_term){.x = value_data(j, in), .a = v->k2};
        } else {
            t[count++] = (struct ts_term){.x = j->t[in].val->data, .a = v->norm.a};
        }
    } else {
        for (int p = 0; p < 2; p++) {
            if (j->t[i].terms[p])
                t[count++] = (struct ts_term){.x = j->t[i].terms[p]->data};
        }
    }
    return count;
}

/* Writes what is wanted of R of node i, the sum of R of `nodes`: its numbers, its ReLU's. */
static tcet_status sum(struct job *j, int32_t i, const int32_t *nodes, int32_t count)
{
    const tcet_node *node = job_node(j, i);
    struct tangent *t = &j->t[i];
    int32_t relu = j->v[i].relu >= 0 && j->t[j->v[i].relu].live ? j->v[i].relu : -1, terms = 0;
    struct memory *raw = NULL, *act = NULL;
    struct ts_term *term;
    tcet_status st = TCET_OK;

    if (!t->stored && relu < 0)
        return TCET_OK;
    term = calloc(2 * (size_t)count, sizeof *term);
    if (!term)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < count; k++)
        terms += terms_of(j, nodes[k], term + terms);
    if (t->stored && !t->val && !(raw = new_tangent(j, i)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && relu >= 0 && !(act = new_tangent(j, relu)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && (raw || act))
        st = job_check(j,
                       j->k->combine_gated(j->d, term, terms, j->n * node->h * node->w, node->c,
                                           relu >= 0 ? value_data(j, relu) : NULL,
                                           raw ? raw->data : NULL, act ? act->data : NULL),
                       i, "tangent");
    free(term);
    if (raw)
        t->val = raw;
    if (relu >= 0)
        j->t[relu].val = act;
    return st;
}

static tcet_status forward_conv(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = conv_shape(j, i, j->n);
    struct tangent *t = &j->t[i];
    tcet_status st = TCET_OK;

    if (j->t[in].live)
        st =
            conv_run_forward(j, i, &s, j->t[in].val->data, job_weight(j, node), NULL, &t->terms[0]);
    if (st == TCET_OK)
        st = conv_run_forward(j, i, &s, value_data(j, in), direction(j, node), NULL, &t->terms[1]);
    return st;
}

static tcet_status forward_linear(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    const void *from[2] = {j->t[in].live ? j->t[in].val->data : NULL, value_data(j, in)};
    const void *w[2] = {job_weight(j, node), direction(j, node)};
    tcet_status st = TCET_OK;

    for (int p = 0; p < 2 && st == TCET_OK; p++) {
        struct memory *own = NULL;
        const void *x = from[p] ? flat_input(j, i, j->n, from[p], &own) : NULL;

        if (x && (j->t[i].terms[p] = new_tangent(j, i)))
            st = job_check(j,
                           ts_linear(j->d, j->n, node_units(job_node(j, in)), node->c, x, w[p],
                                     NULL, j->t[i].terms[p]->data),
                           i, "tangent of linear");
        else if (from[p])
            st = TCET_E_MEMORY;
        memory_drop(own);
    }
    return st;
}

/* R of a batch norm's input with the sums of the norm; adds up the terms that wait for it. */
static tcet_status norm_sums(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0), count;
    struct tangent *t = &j->t[i], *from = &j->t[in];
    struct ts_term term[2];
    const void *x[2];
    const struct ts_sum sums[2] = {
        {.x = value_data(j, in), .mean = j->v[i].norm.mean, .s2 = t->sums + RX_X * node->c},
        {.x = j->v[i].dy->data, .s2 = t->sums + G_RX * node->c}};
    int64_t pixels = j->n * node->h * node->w;
    struct memory *out = NULL;
    int status;

    count = terms_of(j, in, term);
    for (int32_t k = 0; k < count; k++)
        x[k] = term[k].x;
    if (count > 1 && !(out = new_tangent(j, in)))
        return TCET_E_MEMORY;
    status = j->k->gather(j->d, x, count, NULL, 0, NULL, pixels, node->c, out ? out->data : NULL,
                          t->sums + RX * node->c, sums, 2);
    if (!from->val && !out)
        out = memory_ref(from->terms[0] ? from->terms[0] : from->terms[1]);
    if (!from->val) {
        drop_terms(from);
        from->val = out;
    }
    if (status == 0)
        status =
            j->k->norm_slope(j->d, node->c, pixels, &j->v[i].norm, t->sums + RX * node->c,
                             t->sums + RX_X * node->c, j->v[i].k1, j->v[i].k2, j->v[i].k3, NULL);
    return job_check(j, status, i, "tangent of batch norm");
}

static tcet_status forward_add(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t *nodes = calloc((size_t)node->input_count, sizeof *nodes), count = 0;
    tcet_status st;

    if (!nodes)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->t[in].live)
            nodes[count++] = in;
    }
    st = sum(j, i, nodes, count);
    free(nodes);
    return st;
}

/* Operations that are linear but for the choice of the largest. */
static tcet_status forward_plain(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    const tcet_node *from = job_node(j, in);
    struct ts_pool pool;
    struct ts_window window;
    int status = 0;
    void *y;

    j->t[i].val = new_tangent(j, i);
    if (!j->t[i].val)
        return TCET_E_MEMORY;
    y = j->t[i].val->data;
    switch (node->op) {
    case TCET_OP_AVG_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->avg_pool(j->d, &pool, j->t[in].val->data, y);
        break;
    case TCET_OP_MAX_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->max_pool_tangent(j->d, &pool, value_data(j, in), j->t[in].val->data, y);
        break;
    case TCET_OP_GLOBAL_POOL:
        status = j->k->global_pool(j->d, j->n, (int64_t)from->h * from->w, from->c,
                                   j->t[in].val->data, y);
        break;
    default: /* concatenation, slice, padding */
        for (int32_t k = 0; k < node->input_count; k++) {
            if (!j->t[job_input(j, i, k)].live && status == 0)
                status = j->k->zero(j->d, y, (size_t)(j->n * node_units(node)) * j->size);
        }
        for (int32_t k = 0; k < node->input_count && status == 0; k++) {
            in = job_input(j, i, k);
            window = window_shape(j, i, k, j->n);
            if (j->t[in].live)
                status = j->k->window(j->d, &window, j->t[in].val->data, y);
        }
        break;
    }
    return job_check(j, status, i, "tangent");
}

static tcet_status forward_node(struct job *j, int32_t i)
{
    tcet_status st = TCET_OK;

    switch (job_node(j, i)->op) {
    case TCET_OP_RELU: return TCET_OK; /* written with its input */
    case TCET_OP_ADD: return forward_add(j, i);
    case TCET_OP_CONV2D: st = forward_conv(j, i); break;
    case TCET_OP_LINEAR: st = forward_linear(j, i); break;
    case TCET_OP_BATCH_NORM:
    case TCET_OP_SCALE: st = j->t[i].sums ? norm_sums(j, i) : TCET_OK; break;
    default: st = forward_plain(j, i); break;
    }
    if (st == TCET_OK && j->t[i].norm < 0) {
        st = sum(j, i, &i, 1);
        drop_terms(&j->t[i]);
    }
    return st;
}

static tcet_status forward(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        tcet_status st = j->t[i].live ? forward_node(j, i) : TCET_OK;

        if (st != TCET_OK)
            return st;
        for (int32_t k = j->v[i].retire_head; k >= 0; k = j->v[k].next_last) {
            if (!j->t[k].saved && k != j->output)
                drop_value(&j->t[k]);
        }
        if (j->cx->host->cancelled(j->cx))
            return job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    return TCET_OK;
}

/* -- backward -------------------------------------------------------------------------- */

/* Adds batch norm i to those whose sums ride on a gathering. */
static void ride(struct job *j, int32_t i, struct ts_sum *sums, int32_t *norms, int32_t *count)
{
    if (!j->t[i].sums || j->t[i].summed)
        return;
    sums[*count] = (struct ts_sum){.x = value_data(j, job_input(j, i, 0)),
                                   .mean = j->v[i].norm.mean,
                                   .s2 = j->t[i].sums + RG_X * job_node(j, i)->c};
    norms[(*count)++] = i;
}

/* R of the whole gradient of node i from its parts; *out is NULL when there is none. */
static tcet_status gather(struct job *j, int32_t i, struct memory **out)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->v[i];
    int32_t edges = node->input_count + 1, plain = 0, masked = 0, count = 0, *norms;
    struct ts_sum *sums;
    const void **x;
    tcet_status st = TCET_OK;

    *out = NULL;
    for (int32_t p = v->parts; p >= 0; p = j->part[p].next)
        plain++;
    for (int32_t p = v->masked; p >= 0; p = j->part[p].next)
        masked++;
    if (plain + masked == 0)
        return TCET_OK;
    sums = calloc((size_t)edges, sizeof *sums);
    norms = calloc((size_t)edges, sizeof *norms);
    x = calloc((size_t)(plain + masked), sizeof *x);
    if (sums && norms && x) {
        int whole = plain == 1 && masked == 0;
        int32_t at = 0;

        for (int32_t p = v->parts; p >= 0; p = j->part[p].next)
            x[at++] = j->part[p].g->data;
        for (int32_t p = v->masked; p >= 0; p = j->part[p].next)
            x[at++] = j->part[p].g->data;
        ride(j, i, sums, norms, &count);
        for (int32_t k = 0; node->op == TCET_OP_ADD && k < node->input_count; k++) {
            if (j->v[job_input(j, i, k)].readers == 1)
                ride(j, job_input(j, i, k), sums, norms, &count);
        }
        *out = whole ? memory_ref(j->part[v->parts].g) : new_tangent(j, i);
        if (!*out)
            st = TCET_E_MEMORY;
        else if (!whole || count)
            st = job_check(j,
                           j->k->gather(j->d, x, plain, x + plain, masked,
                                        masked ? value_data(j, v->relu) : NULL,
                                        j->n * node->h * node->w, node->c,
                                        whole ? NULL : (*out)->data,
                                        count ? j->t[norms[0]].rg : NULL, sums, count),
                           i, "tangent of gradient");
    } else {
        st = job_fail(j, TCET_E_MEMORY, "out of memory");
    }
    for (int32_t k = 0; k < count; k++) {
        j->t[norms[k]].summed = 1;
        j->t[norms[k]].rg = j->t[norms[0]].rg;
    }
    free(sums);
    free(norms);
    free(x);
    gradient_drop(j, &v->parts);
    gradient_drop(j, &v->masked);
    return st;
}

/* R(dy * w) = R dy * w + dy * g, and the same of the weight's gradient with x. */
static tcet_status back_conv(struct job *j, int32_t i, const struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = conv_shape(j, i, j->n);
    void *h = product(j, node);
    struct memory *dx = NULL;
    int up = j->t[in].live;
    tcet_status st;

    st = conv_run_backward(j, i, &s, rg->data, value_data(j, in), job_weight(j, node), h,
                           up ? &dx : NULL);
    if (st != TCET_OK || !up)
        return st;
    gradient_give(j, in, dx);
    st = conv_run_backward(j, i, &s, j->v[i].dy->data, j->t[in].val->data, direction(j, node), h,
                           &dx);
    if (st == TCET_OK)
        gradient_give(j, in, dx);
    return st;
}

static tcet_status back_linear(struct job *j, int32_t i, const struct memory *rg)
{
    const tcet_node *node = job_node(j, i), *from = job_node(j, job_input(j, i, 0));
    int32_t in = job_input(j, i, 0);
    int64_t hw = (int64_t)from->h * from->w;
    int up = j->t[in].live;
    const void *g[2] = {rg->data, j->v[i].dy->data};
    const void *x[2] = {value_data(j, in), up ? j->t[in].val->data : NULL};
    const void *w[2] = {job_weight(j, node), direction(j, node)};
    tcet_status st = TCET_OK;

    for (int p = 0; p <= up && st == TCET_OK; p++) {
        struct memory *own, *flat = NULL, *dx = NULL;
        const void *column = flat_input(j, i, j->n, x[p], &own);

        if (!column || (up && !(dx = new_tangent(j, in))) ||
            (dx && hw > 1 && !(flat = new_tangent(j, in))))
            st = TCET_E_MEMORY;
        if (st == TCET_OK)
            st = job_check(j,
                           ts_linear_back(j->d, j->n, node_units(from), node->c, g[p], column, w[p],
                                          flat ? flat->data
                                          : dx ? dx->data
                                               : NULL,
                                          product(j, node)),
                           i, "tangent of linear");
        if (st == TCET_OK && flat)
            st = job_check(j, j->k->from_nchw(j->d, flat->data, j->n, from->c, hw, dx->data), i,
                           "flatten");
        if (st == TCET_OK && dx)
            gradient_give(j, in, dx);
        else
            memory_drop(dx);
        memory_drop(flat);
        memory_drop(own);
    }
    return st;
}

/* Also makes the ordinary gradient of a conv or linear that only this batch norm reads. */
static tcet_status back_norm(struct job *j, int32_t i, struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    int64_t pixels = j->n * node->h * node->w;
    struct tangent *t = &j->t[i];
    struct memory *rdx, *dx = NULL;
    int status;

    rdx = rg->refs == 1 ? memory_ref(rg) : new_tangent(j, in);
    if (rdx && j->t[in].norm == i)
        dx = j->v[in].dy = new_tangent(j, in);
    if (!rdx || (j->t[in].norm == i && !dx)) {
        memory_drop(rdx);
        return TCET_E_MEMORY;
    }
    if (t->sums) {
        const struct ts_norm_sums sums = {.rx = t->sums + RX * node->c,
                                          .rx_x = t->sums + RX_X * node->c,
                                          .g = j->v[i].s1,
                                          .g_x = j->v[i].s2,
                                          .g_rx = t->sums + G_RX * node->c,
                                          .rg = t->rg,
                                          .rg_x = t->sums + RG_X * node->c};

        status = j->k->norm_tangent(j->d, node->c, pixels, &j->v[i].norm, &sums, t->lines);
        if (status == 0)
            status = j->k->norm_tangent_back(j->d, pixels, node->c, t->lines, j->v[i].dy->data,
                                             rg->data, value_data(j, in), j->t[in].val->data,
                                             dx ? dx->data : NULL, rdx->data);
    } else {
        const struct ts_term term = {.x = rg->data, .a = j->v[i].norm.a};

        status = j->k->combine_gated(j->d, &term, 1, pixels, node->c, NULL, rdx->data, NULL);
    }
    if (status == 0)
        gradient_give(j, in, rdx);
    else
        memory_drop(rdx);
    return job_check(j, status, i, "tangent of batch norm");
}

/* R of the gradient of input k, by the transposes of forward_plain. */
static tcet_status back_plain(struct job *j, int32_t i, int32_t k, const struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, k);
    const tcet_node *from = job_node(j, in);
    struct memory *m;
    struct ts_pool pool;
    struct ts_window window;
    int status;

    if (!j->t[in].live)
        return TCET_OK;
    m = new_tangent(j, in);
    if (!m)
        return TCET_E_MEMORY;
    switch (node->op) {
    case TCET_OP_AVG_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->avg_pool_back(j->d, &pool, rg->data, m->data);
        break;
    case TCET_OP_MAX_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->max_pool_back(j->d, &pool, value_data(j, in), rg->data, m->data);
        break;
    case TCET_OP_GLOBAL_POOL:
        status = j->k->global_pool_back(j->d, j->n, (int64_t)from->h * from->w, from->c, rg->data,
                                        m->data);
        break;
    default: /* concatenation, slice, padding */
        window = window_reversed(window_shape(j, i, k, j->n));
        status = j->k->window(j->d, &window, rg->data, m->data);
        break;
    }
    if (status == 0)
        gradient_give(j, in, m);
    else
        memory_drop(m);
    return job_check(j, status, i, "tangent of gradient");
}

static tcet_status back_node(struct job *j, int32_t i, struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    tcet_status st = TCET_OK;

    switch (node->op) {
    case TCET_OP_CONV2D: return back_conv(j, i, rg);
    case TCET_OP_LINEAR: return back_linear(j, i, rg);
    case TCET_OP_BATCH_NORM:
    case TCET_OP_SCALE: return back_norm(j, i, rg);
    case TCET_OP_ADD:
        for (int32_t k = 0; k < node->input_count; k++) {
            if (j->t[job_input(j, i, k)].live)
                gradient_give(j, job_input(j, i, k), memory_ref(rg));
        }
        return TCET_OK;
    default:
        for (int32_t k = 0; k < node->input_count && st == TCET_OK; k++)
            st = back_plain(j, i, k, rg);
        return st;
    }
}

/* Ends the lives that end with step i of the sweep back. */
static void retire(struct job *j, int32_t i)
{
    memory_drop(j->v[i].dy);
    j->v[i].dy = NULL;
    for (int32_t k = j->v[i].retire_back_head; k >= 0; k = j->v[k].next_back) {
        drop_value(&j->t[k]);
        if (j->run->keep_forward || j->hvp_row + 1 < j->hvp_rows)
            continue;
        memory_drop(j->v[k].val);
        j->v[k].val = NULL;
    }
}

/* R of the loss's gradient by the logits. */
static tcet_status seed(struct job *j)
{
    const tcet_pass *pass = j->run->pass;
    struct memory *rg = new_tangent(j, j->output);
    tcet_status st;

    if (!rg)
        return TCET_E_MEMORY;
    st = job_check(
        j,
        j->k->loss_tangent(j->d, pass->loss == TCET_LOSS_CROSS_ENTROPY, value_data(j, j->output),
                           j->t[j->output].val->data, j->n, node_units(job_node(j, j->output)),
                           pass->temperature != 0 ? pass->temperature : 1,
                           pass->gradient == TCET_GRADIENT_SAMPLE ? j->hvp_row : -1, rg->data),
        j->output, "tangent of loss");
    gradient_give(j, j->output, rg);
    return st;
}

static tcet_status backward(struct job *j)
{
    tcet_status st;

    j->parts = 0;
    st = seed(j);
    for (int32_t i = j->graph->node_count - 1; i >= 0 && st == TCET_OK; i--) {
        struct value *v = &j->v[i];
        struct memory *rg;

        if (j->t[i].live && job_node(j, i)->op == TCET_OP_RELU) {
            j->v[job_input(j, i, 0)].masked = v->parts;
            v->parts = -1;
        } else if (j->t[i].live) {
            st = gather(j, i, &rg);
            if (st == TCET_OK && rg)
                st = back_node(j, i, rg);
            memory_drop(rg);
        }
        retire(j, i);
        if (j->cx->host->cancelled(j->cx) && st == TCET_OK)
            st = job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        gradient_drop(j, &j->v[i].parts);
        gradient_drop(j, &j->v[i].masked);
    }
    return st;
}

/* Forgets what the row before left. */
static void reset(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        struct tangent *t = &j->t[i];

        drop_value(t);
        t->summed = 0;
        if (t->sums)
            t->rg = t->sums + RG * job_node(j, i)->c;
    }
}

tcet_status tangent_hessian(struct job *j)
{
    tcet_status st;

    if (!j->t[j->output].live)
        return TCET_OK;
    reset(j);
    st = forward(j);
    return st == TCET_OK ? backward(j) : st;
}
