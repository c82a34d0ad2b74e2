/* plan.c -- what one run must compute, in which sweep, and how long each value lives.
 * Room: plugins/backend/torch. */
#include "ops.h"

#include <string.h>

static int same_attributes(const tcet_node *a, const tcet_node *b)
{
    return a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w && a->stride_h == b->stride_h &&
           a->stride_w == b->stride_w && a->padding_h == b->padding_h &&
           a->padding_w == b->padding_w && a->count_include_pad == b->count_include_pad &&
           a->groups == b->groups;
}

/* The one input of a sum that is not zero; -1: none or several. */
static int32_t only_term(const struct job *j, int32_t i)
{
    int32_t found = -1, count = 0;

    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (job_op(j, in)->form != FORM_ZERO) {
            found = in;
            count++;
        }
    }
    return count == 1 ? found : -1;
}

/* Does the pass leave batch norm i out? */
static int is_removed(const struct job *j, int32_t i)
{
    return j->run->pass->norm == TCET_NORM_REMOVED && !job_node(j, i)->kept;
}

static int32_t find_rep(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    const struct op *op = job_op(j, i);
    int32_t in = node->input_count ? job_input(j, i, 0) : -1;

    if (op->form == FORM_SAME || (op->statistics && is_removed(j, i)))
        return in;
    if (op->form == FORM_SUM) {
        int32_t only = only_term(j, i);

        return only >= 0 ? only : i;
    }
    if (op->pure) {
        for (int32_t p = i - 1; p > in; p--) {
            const tcet_node *other = job_node(j, p);

            if (j->plan.node[p].rep == p && other->op == node->op && job_input(j, p, 0) == in &&
                same_attributes(node, other))
                return p;
        }
    }
    return i;
}

/* Is rep i zeros by construction, as what comes of an edge that is none is until a batch norm? */
static int is_nil(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);

    if (job_op(j, i)->form == FORM_ZERO)
        return 1;
    for (int32_t k = 0; k < node->input_count; k++)
        if (!j->plan.node[job_input(j, i, k)].nil)
            return 0;
    return job_op(j, i)->keeps_zero && !node->bias;
}

static void find_reps(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        const struct op *op = job_op(j, i);
        struct node_plan *p = &j->plan.node[i];

        p->relu = p->slot = p->relu_slot = p->next_last = p->first_back = p->next_back = -1;
        p->retire_head = p->retire_back_head = p->moves_norm = -1;
        p->driver = p->drives = p->gathered_by = p->gathers = p->measured_by = -1;
        p->last = i;
        p->rep = i; /* find_rep compares with earlier nodes only */
        p->rep = find_rep(j, i);
        p->nil = p->rep == i && is_nil(j, i);
        p->lines = op->form == FORM_LINES;
        p->batch_stats = op->statistics && (j->run->pass->norm != TCET_NORM_EVAL || !node->track);
        if (p->rep == i && op->form == FORM_GATE)
            j->plan.node[job_input(j, i, 0)].relu = i;
        if (node->module >= 0) {
            p->call = j->plan.calls[node->module]++;
            if (p->call == 0)
                j->plan.order[node->module] = i;
        }
    }
    j->plan.output = j->plan.node[j->graph->output].rep;
    j->plan.features = j->graph->features >= 0 ? j->plan.node[j->graph->features].rep : -1;
}

static void ask(struct job *j, int32_t rep, uint32_t wants)
{
    struct node_plan *p = &j->plan.node[rep];

    if (wants & TCET_WANT_OUTPUT)
        p->keep = p->exec = 1;
    if (wants & TCET_WANT_OUTPUT_GRADIENT)
        p->keep_gradient = 1;
    if (wants & TCET_WANT_CHANNEL_PRODUCT && j->plan.gradients)
        p->keep_product = 1;
}

static void ask_signs(struct job *j, int32_t rep, uint32_t wants, int32_t *slot, int32_t number)
{
    struct node_plan *p = &j->plan.node[rep];

    if (!(wants & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN)))
        return;
    *slot = number;
    p->signs = p->exec = 1;
    if (wants & TCET_WANT_PATTERN) {
        if (j->k->packs)
            p->keep_bits = 1;
        else
            p->keep = 1;
    }
}

/* Marks what the sites and wants ask of each node. */
static void ask_all(struct job *j)
{
    const tcet_graph *g = j->graph;
    uint32_t sites = j->ask.sites, weight = job_wants(j, TCET_SITE_WEIGHT),
             activation = job_wants(j, TCET_SITE_ACTIVATION);

    j->plan.slots = g->layer_count;
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        const struct op *op = job_op(j, i);

        if (sites & TCET_SITE_WEIGHT && op->weight) {
            ask(j, i, weight);
            ask_signs(j, i, weight, &j->plan.node[i].slot, g->modules[node->module].layer);
            if (weight & TCET_WANT_INPUT) {
                int32_t in = job_input(j, i, 0);

                j->plan.node[in].keep = j->plan.node[in].exec = 1;
            }
        }
        if (sites & TCET_SITE_ACTIVATION && op->activation) {
            int32_t in = job_input(j, i, 0), *slot = &j->plan.node[in].relu_slot;

            ask(j, in, activation);
            if (*slot < 0)
                ask_signs(j, in, activation, slot, j->plan.slots++);
        }
        if (sites & TCET_SITE_NORM && op->statistics) {
            uint32_t norm = job_wants(j, TCET_SITE_NORM);

            if (node->affine && norm & TCET_WANT_NORM_OUTPUT)
                ask(j, j->plan.node[i].rep, TCET_WANT_OUTPUT);
            if (norm & TCET_WANT_VARIANCE && j->plan.node[i].rep == i)
                j->plan.node[i].exec = 1;
        }
        if (sites & TCET_SITE_INPUT && op->input)
            ask(j, i, job_wants(j, TCET_SITE_INPUT));
    }
    if (sites & TCET_SITE_FEATURES && j->plan.features >= 0)
        ask(j, j->plan.features, job_wants(j, TCET_SITE_FEATURES));
    if (sites & TCET_SITE_LOGITS)
        ask(j, j->plan.output, job_wants(j, TCET_SITE_LOGITS));
    if (j->run->pass->loss != TCET_LOSS_NONE)
        j->plan.node[j->plan.output].exec = 1;
    j->plan.node[j->plan.output].reach = (uint8_t)(j->plan.gradients != 0);
}

/* Back from what is asked: what must be computed, and what the loss depends on. */
static void spread_back(struct job *j)
{
    for (int32_t i = j->graph->node_count - 1; i >= 0; i--) {
        const tcet_node *node = job_node(j, i);

        if (j->plan.node[i].rep != i || !j->plan.node[i].exec || job_op(j, i)->form == FORM_ZERO)
            continue;
        j->plan.coupled |= j->plan.node[i].batch_stats;
        for (int32_t k = 0; k < node->input_count; k++) {
            struct node_plan *in = &j->plan.node[job_input(j, i, k)];

            in->exec = 1;
            in->reach |= j->plan.node[i].reach;
        }
    }
}

static int wants_gradient(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    const struct op *op = job_op(j, i);
    const struct node_plan *p = &j->plan.node[i];

    return p->keep_gradient || p->keep_product ||
           (op->weight && (j->plan.weight_gradients || (j->plan.weight_biases && node->bias))) ||
           ((op->statistics || (op->affine && j->soft)) &&
            (j->plan.norm_gradients || j->plan.norm_biases) && node->affine);
}

/* Forward: who has a gradient worth carrying, and who must stand as numbers. */
static void spread_forward(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        const struct op *op = job_op(j, i);
        struct node_plan *p = &j->plan.node[i];

        if (p->rep != i || !p->exec)
            continue;
        p->up = (uint8_t)wants_gradient(j, i);
        p->stored |= !p->lines && op->form != FORM_SUM;
        p->stored |=
            p->keep || p->keep_product || i == j->plan.output || (p->signs && !j->k->packs);
        for (int32_t k = 0; k < node->input_count; k++) {
            struct node_plan *in = &j->plan.node[job_input(j, i, k)];

            if (op->form != FORM_ZERO)
                p->up |= in->up;
            if (op->form != FORM_GATE && !(op->form == FORM_SUM && in->lines))
                in->stored = 1;
        }
        p->sums =
            op->statistics && p->up && (p->batch_stats || (j->plan.norm_gradients && node->affine));
    }
}

/* The node whose sweep writes what input k of node i reads: of a ReLU its input. */
static int32_t written_by(const struct job *j, int32_t i, int32_t k)
{
    int32_t in = job_input(j, i, k);

    return job_op(j, in)->form == FORM_GATE ? job_input(j, in, 0) : in;
}

static void read_at(struct job *j, int32_t step, int32_t i)
{
    struct node_plan *p = &j->plan.node[i];

    if (!p->stored && p->lines)
        p = &j->plan.node[job_input(j, i, 0)];
    if (p->last < step)
        p->last = step;
}

static void save_for(struct job *j, int32_t step, int32_t i)
{
    struct node_plan *p = &j->plan.node[i];

    if (p->first_back < 0 || step < p->first_back)
        p->first_back = step;
}

/* Does the backward step of node i read the inputs that are saved for it? */
static int reads_inputs(const struct job *j, int32_t i)
{
    const struct op *op = job_op(j, i);

    if (op->weight)
        return j->plan.weight_gradients;
    if (op->own) /* for the weight's gradient */
        return j->soft != NULL;
    return op->statistics ? j->plan.node[i].sums : 1;
}

/* What the backward step of node i reads of the forward. */
static void save_for_back(struct job *j, int32_t i)
{
    const struct op *op = job_op(j, i);

    if (op->form == FORM_GATE) /* its input's gradient is masked by it */
        save_for(j, job_input(j, i, 0), i);
    else if (op->saved == SAVED_OUTPUT)
        save_for(j, i, i);
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        if ((op->saved == SAVED_INPUTS && reads_inputs(j, i)) || (op->curved && j->plan.tangents))
            save_for(j, i, job_input(j, i, k));
    }
}

/* Batch norms whose backward is left to that of their input, which nobody else reads and whose gradient
 * nobody else wants. */
static void find_late(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count && !j->plan.tangents; i++) {
        struct node_plan *p = &j->plan.node[i];
        int32_t in = p->rep == i && p->batch_stats && p->sums && p->reach ? job_input(j, i, 0) : -1;
        const struct node_plan *from = in >= 0 ? &j->plan.node[in] : NULL;

        if (!from || !from->up || from->readers != 1 || from->relu >= 0 || from->keep_gradient ||
            from->keep_product || !job_op(j, in)->takes_norm || !job_op(j, in)->takes_norm(j, in))
            continue;
        p->gives_late = 1;
        save_for(j, in, in);
    }
}

/* Who reads a node's numbers first, and so gives its gradient the last part: of a ReLU of a ReLU the latter. */
static void find_first_readers(struct job *j)
{
    for (int32_t r = 0; r < j->graph->node_count; r++) {
        const struct node_plan *reader = &j->plan.node[r];
        int form = job_op(j, r)->form;

        if (reader->rep != r || !reader->exec || form == FORM_ZERO ||
            (form == FORM_GATE && job_op(j, job_input(j, r, 0))->form != FORM_GATE))
            continue;
        for (int32_t k = 0; k < job_node(j, r)->input_count; k++) {
            const struct node_plan *in = &j->plan.node[job_input(j, r, k)];
            struct node_plan *p = &j->plan.node[written_by(j, r, k)];
            int through_lines = form == FORM_SUM && in == p && p->lines && !p->stored;

            if (p->driver < 0 && !through_lines)
                p->driver = r;
            if (p->gathered_by < 0 && reader->reach && in->up)
                p->gathered_by = r;
        }
    }
}

/* May its driver make the numbers of node i?  Layers take theirs at once, and a ReLU of its ReLU reads that at once. */
static int may_be_driven(const struct job *j, int32_t i)
{
    const struct node_plan *p = &j->plan.node[i],
                           *gate = p->relu >= 0 ? &j->plan.node[p->relu] : NULL;
    int form = job_op(j, i)->form;

    return (form == FORM_SUM || form == FORM_LINES) && !p->keep && job_op(j, p->driver)->drives &&
           !(gate && (gate->keep || gate->relu >= 0));
}

/* And gather its gradient?  Layers take a ReLU's before its input has it. */
static int may_be_gathered(const struct job *j, int32_t i)
{
    const struct node_plan *p = &j->plan.node[i],
                           *gate = p->relu >= 0 ? &j->plan.node[p->relu] : NULL;

    return p->reach && p->up && job_op(j, i)->form != FORM_GATE &&
           job_op(j, p->gathered_by)->drives &&
           !(gate && (gate->keep_gradient || gate->keep_product));
}

/* Sums, gradients and moments that a convolution drives. */
static void find_drivers(struct job *j)
{
    find_first_readers(j);
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        struct node_plan *p = &j->plan.node[i];
        int live = p->rep == i && p->exec && !p->nil;
        int32_t in;

        if (p->driver >= 0 && !(live && may_be_driven(j, i)))
            p->driver = -1;
        if (p->gathered_by >= 0 && !(live && may_be_gathered(j, i)))
            p->gathered_by = -1;
        if (p->driver >= 0)
            j->plan.node[p->driver].drives = i;
        if (p->gathered_by >= 0)
            j->plan.node[p->gathered_by].gathers = i;
        in = live && p->batch_stats ? job_input(j, i, 0) : -1;
        if (in >= 0 && job_op(j, in)->drives && j->plan.node[in].measured_by < 0)
            j->plan.node[in].measured_by = i;
    }
}

/* What a convolution drives is written until that step, whoever reads it. */
static void live_until_driven(struct job *j, int32_t i)
{
    struct node_plan *p = &j->plan.node[i];

    if (p->driver < 0)
        return;
    if (p->last < p->driver)
        p->last = p->driver;
    if (p->relu >= 0 && j->plan.node[p->relu].last < p->driver)
        j->plan.node[p->relu].last = p->driver;
}

static void find_lifetimes(struct job *j)
{
    int32_t count = j->graph->node_count;

    for (int32_t i = 0; i < count; i++) {
        const tcet_node *node = job_node(j, i);
        struct node_plan *p = &j->plan.node[i];
        int form = job_op(j, i)->form;

        if (p->rep != i || !p->exec)
            continue;
        live_until_driven(j, i);
        if (form != FORM_GATE && form != FORM_ZERO) {
            for (int32_t k = 0; k < node->input_count; k++)
                read_at(j, p->driver >= 0 ? p->driver : i, job_input(j, i, k));
        }
        if (!p->reach || !p->up || form == FORM_ZERO)
            continue;
        save_for_back(j, i);
        if (p->keep_product)
            save_for(j, i, i);
        for (int32_t k = 0; k < node->input_count; k++)
            j->plan.node[job_input(j, i, k)].readers += j->plan.node[job_input(j, i, k)].up;
    }
    find_late(j);
    j->plan.node[j->plan.output].last = count - 1;
    if (j->plan.gradients || j->soft) /* whose loss is measured after the forward */
        save_for(j, j->plan.output, j->plan.output);
    for (int32_t i = 0; i < count; i++) {
        struct node_plan *p = &j->plan.node[i];

        if (p->rep != i || !p->exec)
            continue;
        p->next_last = j->plan.node[p->last].retire_head;
        j->plan.node[p->last].retire_head = i;
        if (p->first_back >= 0) {
            p->next_back = j->plan.node[p->first_back].retire_back_head;
            j->plan.node[p->first_back].retire_back_head = i;
        }
    }
}

tcet_status plan_make(struct job *j)
{
    const tcet_pass *pass = j->run->pass;

    j->plan.gradients = pass->gradient != TCET_GRADIENT_NONE;
    if (j->plan.gradients && pass->loss == TCET_LOSS_NONE)
        return job_fail(j, TCET_E_ARG, "a pass with gradients needs a loss");
    for (int32_t site = 0; site < TCET_SITES; site++)
        j->plan.wants |= j->run->wants[site];
    if (j->plan.gradients) {
        j->plan.weight_gradients = (job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_GRADIENT) != 0;
        j->plan.norm_gradients = (job_wants(j, TCET_SITE_NORM) & TCET_WANT_GRADIENT) != 0;
        j->plan.weight_biases = (job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_BIAS_GRADIENT) != 0;
        j->plan.norm_biases = (job_wants(j, TCET_SITE_NORM) & TCET_WANT_BIAS_GRADIENT) != 0;
    }
    find_reps(j);
    j->plan.hvp = pass->hvp && job_wants(j, TCET_SITE_WEIGHT) & TCET_WANT_HVP;
    j->plan.tangents = j->plan.hvp && tangent_supports(j);
    j->plan.one_gradient = j->plan.tangents && !j->plan.weight_gradients;
    j->plan.weight_gradients |= j->plan.tangents;
    j->plan.rows = j->ask.forwards;
    j->plan.hvp_rows = 1;
    if (pass->gradient == TCET_GRADIENT_SAMPLE) {
        j->plan.rows *= j->ask.n;
        j->plan.hvp_rows = j->ask.n;
    }
    ask_all(j);
    spread_back(j);
    spread_forward(j);
    if (j->k->combine_sweep && !j->plan.tangents)
        find_drivers(j);
    find_lifetimes(j);
    if (j->plan.tangents)
        tangent_plan(j);
    return TCET_OK;
}
