/* forward.c -- the sweep over the nodes that makes their values; see executor.h.
 * Room: plugins/backend/torch. */
#include "ops.h"

#include <stdlib.h>

/* A copy of a finished value for the layers. */
static tcet_status keep(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->now.v[i];
    int64_t at = j->now.forward * j->ask.n * node_units(node);

    if (!j->plan.node[i].keep)
        return TCET_OK;
    return job_check(j,
                     j->k->to_nchw(j->d, v->val->data, j->ask.n, node->c,
                                   (int64_t)node->h * node->w,
                                   (char *)v->kept + (size_t)at * j->ask.size),
                     i, "output");
}

/* -- sign bits ------------------------------------------------------------------------- */

/* Are the signs of node i wanted, and still to be had? */
static int lacks_signs(const struct job *j, int32_t i)
{
    return j->plan.node[i].signs && !j->now.v[i].packed && j->now.forward == 0;
}

tcet_status forward_open_bits(struct job *j, int32_t i, uint64_t **out)
{
    struct value *v = &j->now.v[i];

    *out = NULL;
    if (!lacks_signs(j, i) || !j->k->packs)
        return TCET_OK;
    if (j->plan.node[i].keep_bits) {
        *out = v->kept_bits;
    } else {
        size_t words = (size_t)(j->ask.n * kernels_words(node_units(job_node(j, i))));

        v->bits = memory_new(j, words * sizeof **out);
        if (!v->bits)
            return TCET_E_MEMORY;
        *out = v->bits->data;
    }
    v->packed = 1;
    return TCET_OK;
}

/* Where an agreement matrix of node i goes, and its count of positive numbers; 0 for s = 0 or 1:
 * nowhere. */
static int agreement_slot(const struct job *j, int32_t i, int s, double **k, double **positive)
{
    const struct node_plan *p = &j->plan.node[i];
    int32_t slot = s == 0 ? p->slot : p->relu_slot;

    if (slot < 0)
        return 0;
    *k = j->now.agreement + slot * j->ask.n * j->ask.n;
    *positive = j->now.positive + slot;
    return 1;
}

void forward_use_bits(struct job *j, int32_t i, const uint64_t *bits)
{
    struct value *v = &j->now.v[i];
    double *k, *positive;

    if (!bits)
        return;
    for (int s = 0; s < 2; s++) {
        if (agreement_slot(j, i, s, &k, &positive))
            j->k->agreement_bits(bits, j->ask.n, node_units(job_node(j, i)), k, positive);
    }
    memory_drop(v->bits);
    v->bits = NULL;
}

/* Signs of a stored value that no sweep has packed. */
static tcet_status take_signs(struct job *j, int32_t i)
{
    struct value *v = &j->now.v[i];
    int64_t units = node_units(job_node(j, i));
    double *k, *positive;
    uint64_t *bits;
    tcet_status st = TCET_OK;

    if (!lacks_signs(j, i))
        return TCET_OK;
    if (j->k->packs) {
        st = forward_open_bits(j, i, &bits);
        if (st == TCET_OK) {
            j->k->pack(v->val->data, j->ask.n, units, bits);
            forward_use_bits(j, i, bits);
        }
        return st;
    }
    v->packed = 1;
    for (int s = 0; s < 2 && st == TCET_OK; s++) {
        if (agreement_slot(j, i, s, &k, &positive))
            st = job_check(j, j->k->agreement(j->d, v->val->data, j->ask.n, units, k, positive), i,
                           "agreement");
    }
    return st;
}

/* -- sums ------------------------------------------------------------------------------ */

/* A node as a term of a sum; packs the signs of what it reads on the way. */
static tcet_status term_of(struct job *j, int32_t i, struct ts_term *t, int32_t *packed)
{
    struct value *v = &j->now.v[i];
    int32_t from = i;
    tcet_status st;

    *t = (struct ts_term){.x = NULL};
    if (!v->val) {
        t->a = v->norm.a;
        t->b = v->norm.b;
        from = job_input(j, i, 0);
    }
    t->x = j->now.v[from].val->data;
    st = forward_open_bits(j, from, &t->bits);
    *packed = t->bits ? from : -1;
    return st;
}

/* The ReLU that is written with node i, -1. */
static int32_t gate_of(const struct job *j, int32_t i)
{
    int32_t relu = j->plan.node[i].relu;

    return relu >= 0 && j->plan.node[relu].exec ? relu : -1;
}

/* A sum in the making, and signs that are packed with it. */
struct summing {
    struct sweep *sweep;
    int32_t count;
    struct {
        int32_t node;
        const uint64_t *bits;
    } packed[];
};

struct sweep *forward_summing(const struct job *j, int32_t i)
{
    return j->now.v[i].summing ? j->now.v[i].summing->sweep : NULL;
}

void forward_end_sum(struct job *j, int32_t i)
{
    struct summing *s = j->now.v[i].summing;

    if (!s)
        return;
    sweep_end(s->sweep);
    for (int32_t k = 0; k < s->count; k++)
        forward_use_bits(j, s->packed[k].node, s->packed[k].bits);
    free(s);
    j->now.v[i].summing = NULL;
}

void forward_drop_sum(struct value *v)
{
    if (v->summing)
        sweep_drop(v->summing->sweep);
    free(v->summing);
    v->summing = NULL;
}

/* Writes node i, the sum of terms, whose signs are packed for the nodes in `packed` (-1: not), or leaves it to
 * the convolution that drives it. */
static tcet_status write_sum(struct job *j, int32_t i, const struct ts_term *t, int32_t count,
                             const int32_t *packed, void *raw, void *act, uint64_t *bits)
{
    const tcet_node *node = job_node(j, i);
    int64_t hw = (int64_t)node->h * node->w;
    struct summing *s;

    if (j->plan.node[i].driver < 0) {
        tcet_status st = job_check(
            j, j->k->combine(j->d, t, count, j->ask.n, hw, node->c, raw, act, bits), i, "sum");

        for (int32_t k = 0; k < count && st == TCET_OK; k++)
            forward_use_bits(j, packed[k], t[k].bits);
        if (st == TCET_OK)
            forward_use_bits(j, i, bits);
        return st;
    }
    s = calloc(1, sizeof *s + (size_t)(count + 1) * sizeof s->packed[0]);
    if (!s)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    j->now.v[i].summing = s;
    s->sweep = j->k->combine_sweep(j->d, t, count, j->ask.n, hw, node->c, raw, act, bits);
    if (!s->sweep)
        return job_check(j, TCET_E_MEMORY, i, "sum");
    for (int32_t k = 0; k <= count; k++) {
        s->packed[k].node = k < count ? packed[k] : i;
        s->packed[k].bits = k < count ? t[k].bits : bits;
    }
    s->count = count + 1;
    return TCET_OK;
}

/* forward_sum of terms, which have room for `count` and their places in `packed`. */
static tcet_status sum_terms(struct job *j, int32_t i, const int32_t *nodes, int32_t count,
                             struct ts_term *t, int32_t *packed)
{
    struct value *v = &j->now.v[i];
    int32_t gate = gate_of(j, i), stored = j->plan.node[i].stored;
    struct value *relu = gate >= 0 ? &j->now.v[gate] : NULL;
    uint64_t *bits;
    tcet_status st = forward_open_bits(j, i, &bits);

    if (!stored && !relu && !bits) /* no sweep, so none that packs the terms' signs either */
        return st;
    for (int32_t k = 0; k < count && st == TCET_OK; k++)
        st = term_of(j, nodes[k], &t[k], &packed[k]);
    if (st == TCET_OK && stored && !v->val && !(v->val = job_tensor(j, i)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && relu && !(relu->val = job_tensor(j, gate)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK) {
        void *raw = v->val && !(count == 1 && t[0].x == v->val->data) ? v->val->data : NULL;

        st = write_sum(j, i, t, count, packed, raw, relu ? relu->val->data : NULL, bits);
    }
    return st == TCET_OK && relu ? keep(j, gate) : st;
}

tcet_status forward_sum(struct job *j, int32_t i, const int32_t *nodes, int32_t count)
{
    struct ts_term small[8], *t = small;
    int32_t few[8], *packed = few;
    tcet_status st;

    if (count > 8) {
        t = calloc((size_t)count, sizeof *t);
        packed = calloc((size_t)count, sizeof *packed);
    }
    st = t && packed ? sum_terms(j, i, nodes, count, t, packed)
                     : job_fail(j, TCET_E_MEMORY, "out of memory");
    if (t != small)
        free(t);
    if (packed != few)
        free(packed);
    return st;
}

/* -- the sweep ------------------------------------------------------------------------- */

static tcet_status forward_node(struct job *j, int32_t i)
{
    const struct op *op = job_op(j, i);
    int32_t gate = gate_of(j, i);
    tcet_status st = op->forward ? op->forward(j, i) : TCET_OK;

    if (st == TCET_OK && gate >= 0 && !j->now.v[gate].val)
        st = forward_sum(j, i, &i, 1);
    if (op->form == FORM_GATE) /* written, and kept, with its input */
        return st;
    if (st == TCET_OK && j->now.v[i].val)
        st = keep(j, i);
    return st;
}

/* Ends the lives that end with forward step i. */
static tcet_status retire(struct job *j, int32_t i)
{
    for (int32_t k = j->plan.node[i].retire_head; k >= 0; k = j->plan.node[k].next_last) {
        struct value *v = &j->now.v[k];
        tcet_status st = v->val ? take_signs(j, k) : TCET_OK;

        if (st != TCET_OK)
            return st;
        if (j->plan.node[k].first_back < 0) {
            memory_drop(v->val);
            v->val = NULL;
        }
    }
    return TCET_OK;
}

tcet_status forward_run(struct job *j)
{
    j->now.first = 0;
    j->now.count = j->ask.n;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        tcet_status st = TCET_OK;

        if (j->plan.node[i].rep == i && j->plan.node[i].exec)
            st = forward_node(j, i);
        if (st == TCET_OK)
            st = retire(j, i);
        if (st != TCET_OK)
            return st;
        if (j->cx->host->cancelled(j->cx))
            return job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    return TCET_OK;
}
