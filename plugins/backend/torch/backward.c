/* backward.c -- the sweep over the nodes back from the output, and all backwards of a forward;
 * see executor.h.  Room: plugins/backend/torch. */
#include "ops.h"

/* -- one sweep ------------------------------------------------------------------------- */

static tcet_status reverse_node(struct job *j, const struct reverse *r, int32_t i)
{
    int gate = job_op(j, i)->form == FORM_GATE;
    struct memory *g;
    tcet_status st;

    if (gate && !r->wanted(j, i)) {
        gradient_hand_on(j, i);
        return TCET_OK;
    }
    st = gradient_gather(j, r->sweep, i, &g);
    if (st == TCET_OK && g)
        st = r->keep(j, i, g);
    if (st == TCET_OK && g && gate) {
        gradient_give(j, i, g);
        gradient_hand_on(j, i);
        return TCET_OK;
    }
    if (st == TCET_OK && g)
        st = r->back(j, i, g);
    memory_drop(g);
    return st;
}

tcet_status reverse_run(struct job *j, const struct reverse *r)
{
    tcet_status st = TCET_OK;

    for (int32_t i = j->graph->node_count - 1; i >= 0 && st == TCET_OK; i--) {
        if (r->active(j, i))
            st = reverse_node(j, r, i);
        r->retire(j, i);
        if (j->cx->host->cancelled(j->cx) && st == TCET_OK)
            st = job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        gradient_drop(j, &j->now.v[i].parts);
        gradient_drop(j, &j->now.v[i].masked);
        gradient_drop_whole(&j->now.v[i]);
    }
    return st;
}

/* -- of gradients ---------------------------------------------------------------------- */

static int is_active(const struct job *j, int32_t i)
{
    const struct node_plan *p = &j->plan.node[i];

    return p->rep == i && p->reach && p->up;
}

static int is_wanted(const struct job *j, int32_t i)
{
    return j->plan.node[i].keep_gradient || j->plan.node[i].keep_product;
}

/* Copies of node i's gradient, and of its products with the value, for the layers; and the
 * gradient itself for R. */
static tcet_status keep(struct job *j, int32_t i, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    const struct node_plan *p = &j->plan.node[i];
    struct value *v = &j->now.v[i];
    int64_t image = j->now.forward * j->ask.n + j->now.first, hw = (int64_t)node->h * node->w;
    size_t size = j->ask.size;
    tcet_status st = TCET_OK;

    if (p->keep_gradient)
        st = job_check(
            j,
            j->k->to_nchw(j->d, g->data, j->now.count, node->c, hw,
                          (char *)v->kept_gradient + (size_t)(image * node_units(node)) * size),
            i, "output gradient");
    if (st == TCET_OK && p->keep_product && job_op(j, i)->form != FORM_ZERO)
        st = job_check(
            j,
            j->k->multiply_back(j->d, j->now.count, hw, node->c, g->data, job_value(j, i),
                                (char *)v->kept_product + (size_t)(image * node->c) * size),
            i, "products with the output gradient");
    if (st == TCET_OK && p->keep_dy)
        v->dy = memory_ref(g);
    return st;
}

double *backward_bias(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);

    if (node->module < 0 || !j->now.bias_gradient[node->module])
        return NULL;
    return j->now.bias_gradient[node->module] + (j->plan.node[i].call * j->plan.rows + j->now.row) *
                                                    j->graph->modules[node->module].bias_count;
}

/* The gradient of a bias, or of a norm's beta, from g; that of a convolution that goes back through its batch norm
 * is made there. */
static tcet_status back_bias(struct job *j, int32_t i, const struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    const void *whole = g->data;
    double *to = backward_bias(j, i);

    if (!to || j->now.v[i].late >= 0)
        return TCET_OK;
    return job_check(j,
                     j->k->gather(j->d, &whole, 1, NULL, 0, NULL, j->now.count * node->h * node->w,
                                  node->c, NULL, to, NULL, 0),
                     i, "gradient of the bias");
}

static tcet_status back(struct job *j, int32_t i, struct memory *g)
{
    const struct op *op = job_op(j, i);
    tcet_status st = back_bias(j, i, g);

    return st == TCET_OK && op->back ? op->back(j, i, g) : st;
}

static void retire(struct job *j, int32_t i)
{
    if (j->run->keep_forward)
        return;
    for (int32_t k = j->plan.node[i].retire_back_head; k >= 0; k = j->plan.node[k].next_back) {
        memory_drop(j->now.v[k].val);
        j->now.v[k].val = NULL;
    }
}

static void retire_nothing(struct job *j, int32_t i)
{
    (void)j;
    (void)i;
}

tcet_status loss_soft(struct job *j, void *g)
{
    int32_t output = j->plan.output;

    return job_check(j,
                     j->k->soft_loss(j->d, job_value(j, output), j->soft->targets, j->ask.n,
                                     job_images(j), node_units(job_node(j, output)), g,
                                     j->soft->result),
                     output, "loss");
}

_Static_assert((int)TS_LOSS_CLASS == TCET_TARGET_CLASS &&
                   (int)TS_LOSS_SHARES == TCET_TARGET_SHARES &&
                   (int)TS_LOSS_NUMBERS == TCET_TARGET_NUMBERS &&
                   (int)TS_LOSS_PIXELS == TCET_TARGET_PIXELS && (int)TS_LOSS_MAP == TCET_TARGET_MAP,
               "kinds of losses are those of targets");

struct ts_loss loss_of(const struct job *j, int32_t at, int64_t first, int64_t n, int64_t only)
{
    const tcet_run *run = j->run;
    const tcet_node *o = job_node(j, j->plan.output);
    int64_t image = at * j->ask.n + first;
    struct ts_loss s = {.kind =
                            run->pass->loss == TCET_LOSS_CROSS_ENTROPY ? run->target : TS_LOSS_SUM,
                        .n = n,
                        .c = o->c,
                        .hw = (int64_t)o->h * o->w,
                        .labels = run->y ? run->y + image : NULL,
                        .target_numbers = tcet_target_numbers(run->target, o->c, o->h, o->w),
                        .temperature = run->pass->temperature != 0 ? run->pass->temperature : 1,
                        .share_epsilon = run->share_epsilon,
                        .only = only};

    s.targets = run->targets ? run->targets + image * s.target_numbers : NULL;
    return s;
}

/* The loss of the images in hand, and its gradient into g; only as of backward(). */
static tcet_status loss(struct job *j, int64_t only, void *g)
{
    int32_t output = j->plan.output;
    struct ts_loss s;

    if (j->soft)
        return loss_soft(j, g);
    s = loss_of(j, j->now.forward, j->now.first, j->now.count, only);
    return job_check(j, j->k->loss(j->d, &s, job_value(j, output), g), output, "loss");
}

/* One backward of the images in hand into row `row`; only: the image of them whose own loss it
 * is, -1 all; last: no other backward reads this forward. */
static tcet_status backward(struct job *j, int64_t row, int64_t only, int last)
{
    const struct reverse gradients = {.sweep = ORDINARY,
                                      .active = is_active,
                                      .wanted = is_wanted,
                                      .keep = keep,
                                      .back = back,
                                      .retire = last ? retire : retire_nothing};
    int32_t output = j->plan.output;
    struct memory *g = job_tensor(j, output);
    tcet_status st;

    if (!g)
        return TCET_E_MEMORY;
    j->now.row = row;
    j->now.parts = 0;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        j->now.v[i].parts = j->now.v[i].masked = j->now.v[i].late = -1;
        j->now.v[i].sums[ORDINARY].made = 0;
    }
    st = loss(j, only, g->data);
    if (st != TCET_OK) {
        memory_drop(g);
        return st;
    }
    gradient_give(j, output, g);
    return reverse_run(j, &gradients);
}

/* -- all of a forward ------------------------------------------------------------------ */

/* Where only the row in hand is held: clears it for the next one, which is added to it. */
static tcet_status clear_gradient(struct job *j)
{
    int status = 0;

    for (int32_t k = 0; j->plan.one_gradient && k < j->graph->module_count && status == 0; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];

        if (m->layer >= 0)
            status = j->k->zero(j->d, j->now.gradient[k], (size_t)m->weight_count * j->ask.size);
    }
    return job_check(j, status, j->plan.output, "gradient");
}

tcet_status backward_run(struct job *j)
{
    int64_t n = j->ask.n;
    tcet_status st = TCET_OK;

    j->now.first = 0;
    j->now.count = n;
    if (j->run->pass->gradient == TCET_GRADIENT_BATCH) {
        st = backward(j, j->now.forward, -1, !j->plan.tangents);
        return st == TCET_OK && j->plan.tangents ? job_hessian(j, 0) : st;
    }
    for (int64_t i = 0; i < n && st == TCET_OK; i++) {
        int64_t row = j->now.forward * n + i;

        if (j->plan.tangents) {
            st = clear_gradient(j);
            if (st == TCET_OK)
                st = backward(j, row, i, 0);
            if (st == TCET_OK)
                st = job_hessian(j, i);
        } else if (j->plan.coupled) {
            st = backward(j, row, i, i == n - 1);
        } else {
            /* nothing of the other images takes part */
            j->now.first = i;
            j->now.count = 1;
            st = backward(j, row, 0, i == n - 1);
        }
    }
    return st;
}
