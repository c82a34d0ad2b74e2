/* plan.c -- what one run must compute, in which sweep, and how long each value lives.
 * Room: plugins/backend/torch. */
#include "executor.h"

#include <string.h>

/* Operations without parameters: two of them over one input are the same value. */
static int is_pure(uint32_t op)
{
    switch (op) {
    case TCET_OP_RELU:
    case TCET_OP_RELU6:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH:
    case TCET_OP_SIGMOID:
    case TCET_OP_AVG_POOL:
    case TCET_OP_MAX_POOL:
    case TCET_OP_GLOBAL_POOL: return 1;
    default: return 0;
    }
}

static int same_window(const tcet_node *a, const tcet_node *b)
{
    return a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w && a->stride_h == b->stride_h &&
           a->stride_w == b->stride_w && a->padding_h == b->padding_h &&
           a->padding_w == b->padding_w && a->count_include_pad == b->count_include_pad;
}

/* The one input of a sum that is not zero; -1: none or several. */
static int32_t only_term(const struct job *j, int32_t i)
{
    int32_t found = -1, count = 0;

    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (job_node(j, in)->op != TCET_OP_ZERO) {
            found = in;
            count++;
        }
    }
    return count == 1 ? found : -1;
}

static int32_t find_rep(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = node->input_count ? job_input(j, i, 0) : -1;

    if (node->op == TCET_OP_IDENTITY ||
        (node->op == TCET_OP_BATCH_NORM && j->run->pass->norm == TCET_NORM_REMOVED))
        return in;
    if (node->op == TCET_OP_ADD) {
        int32_t only = only_term(j, i);

        return only >= 0 ? only : i;
    }
    if (is_pure(node->op)) {
        for (int32_t p = i - 1; p > in; p--) {
            const tcet_node *other = job_node(j, p);

            if (j->v[p].rep == p && other->op == node->op && job_input(j, p, 0) == in &&
                same_window(node, other))
                return p;
        }
    }
    return i;
}

static void find_reps(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        struct value *v = &j->v[i];

        v->relu = v->slot = v->relu_slot = v->next_last = v->first_back = v->next_back = -1;
        v->retire_head = v->retire_back_head = v->parts = v->parts_tail = v->masked = -1;
        v->last = i;
        v->rep = i; /* find_rep compares with earlier nodes only */
        v->rep = find_rep(j, i);
        v->lines = node->op == TCET_OP_BATCH_NORM || node->op == TCET_OP_SCALE;
        v->batch_stats = node->op == TCET_OP_BATCH_NORM &&
                         (j->run->pass->norm == TCET_NORM_TRAIN || !node->track);
        if (v->rep == i && node->op == TCET_OP_RELU)
            j->v[job_input(j, i, 0)].relu = i;
        if (node->module >= 0) {
            v->call = j->calls[node->module]++;
            if (v->call == 0)
                j->order[node->module] = i;
        }
    }
    j->output = j->v[j->graph->output].rep;
    j->features = j->graph->features >= 0 ? j->v[j->graph->features].rep : -1;
}

static void ask(struct job *j, int32_t rep, uint32_t wants)
{
    struct value *v = &j->v[rep];

    if (wants & TCET_WANT_OUTPUT)
        v->keep = v->exec = 1;
    if (wants & TCET_WANT_OUTPUT_GRADIENT)
        v->keep_gradient = 1;
    if (wants & TCET_WANT_CHANNEL_PRODUCT && j->gradients)
        v->keep_product = 1;
}

static void ask_signs(struct job *j, int32_t rep, uint32_t wants, int32_t *slot, int32_t number)
{
    struct value *v = &j->v[rep];

    if (!(wants & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN)))
        return;
    *slot = number;
    v->signs = v->exec = 1;
    if (wants & TCET_WANT_PATTERN) {
        if (j->k->packs)
            v->keep_bits = 1;
        else
            v->keep = 1;
    }
}

/* Marks what the sites and wants ask of each node. */
static void ask_all(struct job *j)
{
    const tcet_graph *g = j->graph;
    uint32_t sites = j->sites, weight = job_wants(j, TCET_SITE_WEIGHT),
             activation = job_wants(j, TCET_SITE_ACTIVATION);

    j->slots = g->layer_count;
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *node = job_node(j, i);

        if (sites & TCET_SITE_WEIGHT &&
            (node->op == TCET_OP_CONV2D || node->op == TCET_OP_LINEAR)) {
            ask(j, i, weight);
            ask_signs(j, i, weight, &j->v[i].slot, g->modules[node->module].layer);
            if (weight & TCET_WANT_INPUT) {
                int32_t in = job_input(j, i, 0);

                j->v[in].keep = j->v[in].exec = 1;
            }
        }
        if (sites & TCET_SITE_ACTIVATION && node_is_relu(node)) {
            int32_t in = job_input(j, i, 0), *slot = &j->v[in].relu_slot;

            ask(j, in, activation);
            if (*slot < 0)
                ask_signs(j, in, activation, slot, j->slots++);
        }
        if (sites & TCET_SITE_NORM && node->op == TCET_OP_BATCH_NORM) {
            uint32_t norm = job_wants(j, TCET_SITE_NORM);

            if (node->affine && norm & TCET_WANT_NORM_OUTPUT)
                ask(j, j->v[i].rep, TCET_WANT_OUTPUT);
            if (norm & TCET_WANT_VARIANCE && j->v[i].rep == i)
                j->v[i].exec = 1;
        }
        if (sites & TCET_SITE_INPUT && node->op == TCET_OP_INPUT)
            ask(j, i, job_wants(j, TCET_SITE_INPUT));
    }
    if (sites & TCET_SITE_FEATURES && j->features >= 0)
        ask(j, j->features, job_wants(j, TCET_SITE_FEATURES));
    if (sites & TCET_SITE_LOGITS)
        ask(j, j->output, job_wants(j, TCET_SITE_LOGITS));
    if (j->run->pass->loss != TCET_LOSS_NONE)
        j->v[j->output].exec = 1;
    j->v[j->output].reach = (uint8_t)(j->gradients != 0);
}

/* Back from what is asked: what must be computed, and what the loss depends on. */
static void spread_back(struct job *j)
{
    for (int32_t i = j->graph->node_count - 1; i >= 0; i--) {
        const tcet_node *node = job_node(j, i);

        if (j->v[i].rep != i || !j->v[i].exec || node->op == TCET_OP_ZERO)
            continue;
        j->coupled |= j->v[i].batch_stats;
        for (int32_t k = 0; k < node->input_count; k++) {
            struct value *in = &j->v[job_input(j, i, k)];

            in->exec = 1;
            in->reach |= j->v[i].reach;
        }
    }
}

static int wants_gradient(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int kept = j->v[i].keep_gradient || j->v[i].keep_product;

    switch (node->op) {
    case TCET_OP_CONV2D:
    case TCET_OP_LINEAR: return j->weight_gradients || (j->weight_biases && node->bias) || kept;
    case TCET_OP_BATCH_NORM: return ((j->norm_gradients || j->norm_biases) && node->affine) || kept;
    default: return kept;
    }
}

/* Forward: who has a gradient worth carrying, and who must stand as numbers. */
static void spread_forward(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        struct value *v = &j->v[i];

        if (v->rep != i || !v->exec)
            continue;
        v->up = (uint8_t)wants_gradient(j, i);
        v->stored |= !v->lines && node->op != TCET_OP_ADD;
        v->stored |= v->keep || v->keep_product || i == j->output || (v->signs && !j->k->packs);
        for (int32_t k = 0; k < node->input_count; k++) {
            struct value *in = &j->v[job_input(j, i, k)];

            if (node->op != TCET_OP_ZERO)
                v->up |= in->up;
            if (node->op != TCET_OP_RELU && !(node->op == TCET_OP_ADD && in->lines))
                in->stored = 1;
        }
    }
}

static void read_at(struct job *j, int32_t step, int32_t i)
{
    struct value *v = &j->v[i];

    if (!v->stored && v->lines)
        v = &j->v[job_input(j, i, 0)];
    if (v->last < step)
        v->last = step;
}

static void save_for(struct job *j, int32_t step, int32_t i)
{
    struct value *v = &j->v[i];

    if (v->first_back < 0 || step < v->first_back)
        v->first_back = step;
}

/* What the backward step of node i reads of the forward. */
static void save_inputs(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = node->input_count ? job_input(j, i, 0) : -1;

    switch (node->op) {
    case TCET_OP_CONV2D:
    case TCET_OP_LINEAR:
        if (j->weight_gradients)
            save_for(j, i, in);
        break;
    case TCET_OP_BATCH_NORM:
        if (j->v[i].batch_stats || (j->norm_gradients && node->affine))
            save_for(j, i, in);
        break;
    case TCET_OP_RELU: save_for(j, in, i); break;
    case TCET_OP_MAX_POOL:
    case TCET_OP_SIGMOID:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH:
    case TCET_OP_RELU6: save_for(j, i, in); break;
    case TCET_OP_MUL:
        save_for(j, i, in);
        save_for(j, i, job_input(j, i, 1));
        break;
    default: break;
    }
}

static void find_lifetimes(struct job *j)
{
    int32_t count = j->graph->node_count;

    for (int32_t i = 0; i < count; i++) {
        const tcet_node *node = job_node(j, i);
        struct value *v = &j->v[i];

        if (v->rep != i || !v->exec)
            continue;
        if (node->op != TCET_OP_RELU && node->op != TCET_OP_ZERO) {
            for (int32_t k = 0; k < node->input_count; k++)
                read_at(j, i, job_input(j, i, k));
        }
        if (!v->reach || !v->up || node->op == TCET_OP_ZERO)
            continue;
        save_inputs(j, i);
        if (v->keep_product)
            save_for(j, i, i);
        for (int32_t k = 0; k < node->input_count; k++)
            j->v[job_input(j, i, k)].readers += j->v[job_input(j, i, k)].up;
    }
    j->v[j->output].last = count - 1;
    if (j->gradients)
        save_for(j, j->output, j->output);
    for (int32_t i = 0; i < count; i++) {
        struct value *v = &j->v[i];

        if (v->rep != i || !v->exec)
            continue;
        v->next_last = j->v[v->last].retire_head;
        j->v[v->last].retire_head = i;
        if (v->first_back >= 0) {
            v->next_back = j->v[v->first_back].retire_back_head;
            j->v[v->first_back].retire_back_head = i;
        }
    }
}

tcet_status plan_make(struct job *j)
{
    const tcet_pass *pass = j->run->pass;

    j->gradients = pass->gradient != TCET_GRADIENT_NONE;
    if (j->gradients && pass->loss == TCET_LOSS_NONE)
        return job_fail(j, TCET_E_ARG, "a pass with gradients needs a loss");
    for (int32_t site = 0; site < TCET_SITES; site++)
        j->wants |= j->run->wants[site];
    if (j->gradients) {
        j->weight_gradients = (job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_GRADIENT) != 0;
        j->norm_gradients = (job_wants(j, TCET_SITE_NORM) & TCET_WANT_GRADIENT) != 0;
        j->weight_biases = (job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_BIAS_GRADIENT) != 0;
        j->norm_biases = (job_wants(j, TCET_SITE_NORM) & TCET_WANT_BIAS_GRADIENT) != 0;
    }
    j->hvp = pass->hvp && job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_HVP;
    j->tangents = j->hvp && tangent_supports(j);
    j->one_gradient = j->tangents && !j->weight_gradients;
    j->weight_gradients |= j->tangents;
    find_reps(j);
    ask_all(j);
    spread_back(j);
    spread_forward(j);
    find_lifetimes(j);
    return TCET_OK;
}
