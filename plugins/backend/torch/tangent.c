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
#include "ops.h"

#include <stdlib.h>

int tangent_supports(const struct job *j)
{
    if (!j->k->norm_tangent || !j->plan.gradients || j->run->forwards != 1)
        return 0;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const struct op *op = job_op(j, i);
        int writes = op->form == FORM_TENSOR || op->form == FORM_LINES || op->form == FORM_SUM;

        if (writes && !op->input && !op->tangent)
            return 0;
        if (op->form == FORM_GATE && job_op(j, job_input(j, i, 0))->form == FORM_GATE)
            return 0; /* R of a ReLU is written with its input's, which has one of its own */
    }
    return 1;
}

/* -- before the forward ---------------------------------------------------------------- */

/* Batch norms whose statistics move with the weights. */
static int has_moments(const struct job *j, int32_t i)
{
    return j->plan.node[i].batch_stats && j->plan.node[i].moves;
}

/* Who reads R of node i's inputs, and how. */
static void mark_inputs(struct job *j, int32_t i)
{
    const struct op *op = job_op(j, i);

    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);
        struct node_plan *p = &j->plan.node[in];

        if (op->form != FORM_GATE && !(op->form == FORM_SUM && p->lines))
            p->moves_stored = 1;
        if (op->weight || op->curved || has_moments(j, i))
            p->moves_saved = 1;
        if (has_moments(j, i) && job_op(j, in)->weight && p->readers == 1)
            p->moves_norm = i;
    }
}

void tangent_plan(struct job *j)
{
    int32_t count = j->graph->node_count;

    for (int32_t i = 0; i < count; i++) {
        const struct op *op = job_op(j, i);
        struct node_plan *p = &j->plan.node[i];

        if (p->rep != i || !p->reach || !p->up || op->form == FORM_ZERO)
            continue;
        p->moves = op->weight;
        for (int32_t k = 0; k < job_node(j, i)->input_count; k++)
            p->moves |= j->plan.node[job_input(j, i, k)].moves;
        if (!p->moves)
            continue;
        p->moves_stored |= p->lines && p->stored; /* the plan's lifetimes count on it */
        mark_inputs(j, i);
    }
    j->plan.node[j->plan.output].moves_stored = 1;
    for (int32_t i = 0; i < count; i++) {
        struct node_plan *p = &j->plan.node[i];
        const struct op *op = job_op(j, i);

        p->keep_dy = (uint8_t)(has_moments(j, i) || (p->moves && p->moves_norm < 0 && op->weight) ||
                               (p->moves && op->curved));
    }
}

tcet_status tangent_open(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        tcet_status st = has_moments(j, i) ? lines_open_tangent(j, i) : TCET_OK;

        if (st != TCET_OK)
            return st;
    }
    return TCET_OK;
}

void tangent_drop_terms(struct tangent *t)
{
    memory_drop(t->terms[0]);
    memory_drop(t->terms[1]);
    t->terms[0] = t->terms[1] = NULL;
}

static void drop_value(struct tangent *t)
{
    tangent_drop_terms(t);
    memory_drop(t->val);
    t->val = NULL;
}

void tangent_close(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++)
        drop_value(&j->now.v[i].tangent);
}

/* -- forward --------------------------------------------------------------------------- */

int32_t tangent_terms(const struct job *j, int32_t i, struct ts_term *t)
{
    const struct value *v = &j->now.v[i];
    const struct tangent *own = &v->tangent;
    int32_t count = 0;

    if (own->val) {
        t[count++] = (struct ts_term){.x = own->val->data};
    } else if (j->plan.node[i].lines) {
        int32_t in = job_input(j, i, 0);
        const void *x = j->now.v[in].tangent.val->data;

        if (own->sums) {
            t[count++] = (struct ts_term){.x = x, .a = v->k1, .b = v->k3};
            t[count++] = (struct ts_term){.x = job_value(j, in), .a = v->k2};
        } else {
            t[count++] = (struct ts_term){.x = x, .a = v->norm.a};
        }
    } else {
        for (int p = 0; p < 2; p++) {
            if (own->terms[p])
                t[count++] = (struct ts_term){.x = own->terms[p]->data};
        }
    }
    return count;
}

tcet_status tangent_sum(struct job *j, int32_t i, const int32_t *nodes, int32_t count)
{
    const tcet_node *node = job_node(j, i);
    const struct node_plan *p = &j->plan.node[i];
    struct tangent *t = &j->now.v[i].tangent;
    int32_t relu = p->relu >= 0 && j->plan.node[p->relu].moves ? p->relu : -1, terms = 0;
    struct memory *raw = NULL, *act = NULL;
    struct ts_term *term;
    tcet_status st = TCET_OK;

    if (!p->moves_stored && relu < 0)
        return TCET_OK;
    term = calloc(2 * (size_t)count, sizeof *term);
    if (!term)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < count; k++)
        terms += tangent_terms(j, nodes[k], term + terms);
    if (p->moves_stored && !t->val && !(raw = job_tensor(j, i)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && relu >= 0 && !(act = job_tensor(j, relu)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && (raw || act))
        st = job_check(j,
                       j->k->combine_gated(j->d, term, terms, j->now.count * node->h * node->w,
                                           node->c, relu >= 0 ? job_value(j, relu) : NULL,
                                           raw ? raw->data : NULL, act ? act->data : NULL),
                       i, "tangent");
    free(term);
    if (raw)
        t->val = raw;
    if (relu >= 0)
        j->now.v[relu].tangent.val = act;
    return st;
}

static tcet_status forward_node(struct job *j, int32_t i)
{
    const struct op *op = job_op(j, i);
    tcet_status st = op->tangent ? op->tangent(j, i) : TCET_OK;

    if (op->form == FORM_GATE || op->form == FORM_SUM) /* written with its input; all written */
        return st;
    if (st == TCET_OK && j->plan.node[i].moves_norm < 0) {
        st = tangent_sum(j, i, &i, 1);
        tangent_drop_terms(&j->now.v[i].tangent);
    }
    return st;
}

static tcet_status forward(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        tcet_status st = j->plan.node[i].moves ? forward_node(j, i) : TCET_OK;

        if (st != TCET_OK)
            return st;
        for (int32_t k = j->plan.node[i].retire_head; k >= 0; k = j->plan.node[k].next_last) {
            if (!j->plan.node[k].moves_saved && k != j->plan.output)
                drop_value(&j->now.v[k].tangent);
        }
        if (j->cx->host->cancelled(j->cx))
            return job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    return TCET_OK;
}

/* -- backward -------------------------------------------------------------------------- */

static int is_active(const struct job *j, int32_t i)
{
    return j->plan.node[i].moves;
}

static int is_wanted(const struct job *j, int32_t i)
{
    (void)j;
    (void)i;
    return 0;
}

static tcet_status keep_nothing(struct job *j, int32_t i, struct memory *rg)
{
    (void)j;
    (void)i;
    (void)rg;
    return TCET_OK;
}

static tcet_status back(struct job *j, int32_t i, struct memory *rg)
{
    return job_op(j, i)->tangent_back(j, i, rg);
}

/* Ends the lives that end with step i of the sweep back. */
static void retire(struct job *j, int32_t i)
{
    memory_drop(j->now.v[i].dy);
    j->now.v[i].dy = NULL;
    for (int32_t k = j->plan.node[i].retire_back_head; k >= 0; k = j->plan.node[k].next_back) {
        drop_value(&j->now.v[k].tangent);
        if (j->run->keep_forward || j->now.hvp_row + 1 < j->plan.hvp_rows)
            continue;
        memory_drop(j->now.v[k].val);
        j->now.v[k].val = NULL;
    }
}

/* R of the loss's gradient by the logits. */
static tcet_status seed(struct job *j)
{
    int32_t output = j->plan.output;
    int64_t only = j->run->pass->gradient == TCET_GRADIENT_SAMPLE ? j->now.hvp_row : -1;
    struct ts_loss s = loss_of(j, j->now.forward, j->now.first, j->now.count, only);
    struct memory *rg = job_tensor(j, output);
    int status;

    if (!rg)
        return TCET_E_MEMORY;
    status = j->k->loss_tangent(j->d, &s, job_value(j, output), j->now.v[output].tangent.val->data,
                                rg->data);
    if (status != 0)
        memory_drop(rg);
    else
        gradient_give(j, output, rg);
    return job_check(j, status, output, "tangent of loss");
}

/* Forgets what the row before left. */
static void reset(struct job *j)
{
    j->now.parts = 0;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        drop_value(&j->now.v[i].tangent);
        lines_reset_tangent(j, i);
    }
}

tcet_status tangent_hessian(struct job *j)
{
    const struct reverse tangents = {.sweep = TANGENT,
                                     .active = is_active,
                                     .wanted = is_wanted,
                                     .keep = keep_nothing,
                                     .back = back,
                                     .retire = retire};
    tcet_status st;

    if (!j->plan.node[j->plan.output].moves)
        return TCET_OK;
    reset(j);
    st = forward(j);
    if (st == TCET_OK)
        st = seed(j);
    return st == TCET_OK ? reverse_run(j, &tangents) : st;
}
