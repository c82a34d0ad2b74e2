/* ops_weight.c -- convolutions and linear layers: forward, backward, and R of both.
 * Room: plugins/backend/torch. */
#include "ops.h"

/* -- convolution, by our kernels or libtorch's ----------------------------------------- */

/* Shapes of node i for the images in hand. */
static struct ts_conv conv_shape(const struct job *j, int32_t i)
{
    const tcet_node *o = job_node(j, i), *in = job_node(j, job_input(j, i, 0));

    return (struct ts_conv){.n = j->now.count,
                            .c = in->c,
                            .h = in->h,
                            .w = in->w,
                            .oc = o->c,
                            .oh = o->h,
                            .ow = o->w,
                            .kh = o->kernel_h,
                            .kw = o->kernel_w,
                            .stride_h = o->stride_h,
                            .stride_w = o->stride_w,
                            .pad_h = o->padding_h,
                            .pad_w = o->padding_w,
                            .dilation_h = o->dilation_h,
                            .dilation_w = o->dilation_w,
                            .groups = o->groups};
}

/* Which of its kernels are ours: KERNELS_FORWARD ... */
static uint32_t conv_ours(const struct job *j, const struct ts_conv *s)
{
    return j->k->conv_takes ? j->k->conv_takes(j->d, s) : 0;
}

/* *y = conv(x, w) + bias: new memory, the caller's to drop; bias may be NULL. */
static tcet_status run_forward(struct job *j, int32_t i, const struct ts_conv *s, const void *x,
                               const void *w, const void *bias, struct memory **y)
{
    ts_tensor *t;
    void *data;

    *y = NULL;
    if (conv_ours(j, s) & KERNELS_FORWARD) {
        tcet_status st;

        *y = memory_new(j, (size_t)(s->n * s->oc * s->oh * s->ow) * j->ask.size);
        if (!*y)
            return TCET_E_MEMORY;
        st = job_check(j, j->k->conv_forward(j->d, s, x, w, bias, (*y)->data), i, "convolution");
        if (st != TCET_OK) {
            memory_drop(*y);
            *y = NULL;
        }
        return st;
    }
    t = ts_conv_forward(j->d, s, x, w, bias, &data);
    if (!t)
        return job_check(j, TCET_E_BACKEND, i, "convolution");
    *y = memory_adopt(j, t, data);
    return *y ? TCET_OK : TCET_E_MEMORY;
}

/* dw += the gradient of w (NULL: not wanted; x may then be NULL), *dx = that of x: new memory where *dx is NULL, the
 * caller's to drop (dx NULL: not wanted; *dx is NULL after a failure). */
static tcet_status run_backward(struct job *j, int32_t i, const struct ts_conv *s, const void *g,
                                const void *x, const void *w, void *dw, struct memory **dx)
{
    uint32_t ours = conv_ours(j, s);
    int own_dw = dw && ours & KERNELS_WEIGHTS, own_dx = dx && ours & KERNELS_INPUT, status = 0;
    ts_tensor *t = NULL;
    void *data = NULL;

    if (own_dx && !*dx && !(*dx = memory_new(j, (size_t)(s->n * s->c * s->h * s->w) * j->ask.size)))
        return TCET_E_MEMORY;
    if (own_dw)
        status = j->k->conv_weights(j->d, s, g, x, dw);
    if (own_dx && status == 0)
        status = j->k->conv_input(j->d, s, g, w, (*dx)->data);
    if (((dw && !own_dw) || (dx && !own_dx)) && status == 0)
        status = ts_conv_backward(j->d, s, g, own_dw ? NULL : x, w, own_dw ? NULL : dw,
                                  dx && !own_dx ? &t : NULL, &data);
    if (status != 0) {
        if (dx) {
            memory_drop(*dx);
            *dx = NULL;
        }
        return job_check(j, status, i, "backward of convolution");
    }
    if (t && !(*dx = memory_adopt(j, t, data)))
        return TCET_E_MEMORY;
    return TCET_OK;
}

/* Of zeros nothing is multiplied. */
static tcet_status write_zeros(struct job *j, int32_t i, struct memory **y)
{
    *y = job_tensor(j, i);
    return *y ? job_check(j, j->k->zero(j->d, (*y)->data, (*y)->bytes), i, "convolution of zeros")
              : TCET_E_MEMORY;
}

/* By our kernel, along with the sweeps of plan.drives and plan.measured_by. */
static tcet_status forward_along(struct job *j, int32_t i, struct ts_conv *s)
{
    const tcet_node *node = job_node(j, i);
    int32_t sum = j->plan.node[i].drives, norm = j->plan.node[i].measured_by;
    struct along along = {.before = sum >= 0 ? forward_summing(j, sum) : NULL};
    struct value *v = &j->now.v[i];
    uint64_t *bits = NULL;
    tcet_status st = TCET_OK;

    v->val = job_tensor(j, i);
    if (!v->val)
        return TCET_E_MEMORY;
    if (norm >= 0)
        st = forward_open_bits(j, i, &bits);
    if (norm >= 0 && st == TCET_OK) {
        along.after =
            j->k->moments_sweep(j->d, v->val->data, j->now.count, (int64_t)node->h * node->w,
                                node->c, bits, j->now.v[norm].part);
        st = job_check(j, along.after ? 0 : TCET_E_MEMORY, i, "convolution");
    }
    s->along = &along;
    if (st == TCET_OK)
        st = job_check(j,
                       j->k->conv_forward(j->d, s, job_value(j, job_input(j, i, 0)),
                                          job_weight(j, node), job_bias(j, node), v->val->data),
                       i, "convolution");
    if (st != TCET_OK) {
        sweep_drop(along.after);
    } else if (norm >= 0) {
        sweep_end(along.after);
        forward_use_bits(j, i, bits);
        j->now.v[norm].measured = 1;
    }
    if (st == TCET_OK && sum >= 0)
        forward_end_sum(j, sum);
    return st;
}

tcet_status conv_forward(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t sum = j->plan.node[i].drives;
    struct ts_conv s = conv_shape(j, i);

    if (j->plan.node[i].nil)
        return write_zeros(j, i, &j->now.v[i].val);
    if (conv_ours(j, &s) & KERNELS_FORWARD)
        return forward_along(j, i, &s);
    if (sum >= 0)
        forward_end_sum(j, sum);
    return run_forward(j, i, &s, job_value(j, job_input(j, i, 0)), job_weight(j, node),
                       job_bias(j, node), &j->now.v[i].val);
}

int conv_takes_norm(const struct job *j, int32_t i)
{
    struct ts_conv s = conv_shape(j, i);

    return j->k->conv_takes_norm && j->k->conv_takes_norm(&s);
}

/* run_backward of a gradient that batch norm `norm` has not gone back through, and the bias's. */
static tcet_status run_norm_back(struct job *j, int32_t i, const struct ts_conv *s, int32_t norm,
                                 const void *g, const void *x, const void *w, void *dw, void *dx)
{
    const struct value *v = &j->now.v[norm];
    const struct ts_norm_back back = {.g = g,
                                      .x = job_value(j, i),
                                      .k1 = v->k1,
                                      .k2 = v->k2,
                                      .k3 = v->k3,
                                      .sums = backward_bias(j, i)};

    return job_check(j, j->k->conv_norm_back(j->d, s, &back, x, w, dw, dx), i,
                     "backward of convolution");
}

tcet_status conv_back(struct job *j, int32_t i, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0), norm = j->now.v[i].late;
    struct ts_conv s = conv_shape(j, i);
    void *dw = j->plan.node[in].nil ? NULL : job_gradient(j, node);
    const void *x = dw ? job_value(j, in) : NULL, *w = job_weight(j, node);
    int up = j->plan.node[in].up, ours = norm >= 0 || conv_ours(j, &s) & KERNELS_INPUT,
        gathers = up && ours && j->plan.node[i].gathers >= 0;
    struct memory *dx = NULL;
    struct along along = {.before = NULL};
    tcet_status st = TCET_OK;

    if (up && ours && !(dx = job_tensor(j, in)))
        return TCET_E_MEMORY;
    if (gathers)
        st = gradient_gather_along(j, i, dx, &along.after);
    s.along = &along;
    if (st == TCET_OK)
        st = norm >= 0 ? run_norm_back(j, i, &s, norm, g->data, x, w, dw, dx ? dx->data : NULL)
                       : run_backward(j, i, &s, g->data, x, w, dw, up ? &dx : NULL);
    if (st == TCET_OK && gathers)
        gradient_gathered(j, i);
    if (st == TCET_OK && dx && !gathers)
        gradient_give(j, in, dx);
    else
        memory_drop(dx);
    return st;
}

tcet_status conv_tangent(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = conv_shape(j, i);
    struct tangent *t = &j->now.v[i].tangent;
    tcet_status st = TCET_OK;

    if (j->plan.node[in].moves)
        st = run_forward(j, i, &s, j->now.v[in].tangent.val->data, job_weight(j, node), NULL,
                         &t->terms[0]);
    if (st == TCET_OK)
        st = run_forward(j, i, &s, job_value(j, in), job_direction(j, node), NULL, &t->terms[1]);
    return st;
}

/* R(dy * w) = R dy * w + dy * g, and the same of the weight's gradient with x. */
tcet_status conv_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = conv_shape(j, i);
    void *h = job_product(j, node);
    struct memory *dx = NULL;
    int up = j->plan.node[in].moves;
    tcet_status st;

    st =
        run_backward(j, i, &s, rg->data, job_value(j, in), job_weight(j, node), h, up ? &dx : NULL);
    if (st != TCET_OK || !up)
        return st;
    gradient_give(j, in, dx);
    dx = NULL;
    st = run_backward(j, i, &s, j->now.v[i].dy->data, j->now.v[in].tangent.val->data,
                      job_direction(j, node), h, &dx);
    if (st == TCET_OK)
        gradient_give(j, in, dx);
    return st;
}

/* -- transposed convolution: the gradient by its input of one the other way ------------- */

/* The convolution of node i's output that gives its input's shape. */
static struct ts_conv transposed_shape(const struct job *j, int32_t i)
{
    struct ts_conv s = conv_shape(j, i), turned = s;

    turned.c = s.oc;
    turned.h = s.oh;
    turned.w = s.ow;
    turned.oc = s.c;
    turned.oh = s.h;
    turned.ow = s.w;
    return turned;
}

/* *y = the transposed convolution of x, without bias: new memory, the caller's to drop. */
static tcet_status run_transposed(struct job *j, int32_t i, const void *x, struct memory **y)
{
    struct ts_conv s = transposed_shape(j, i);

    *y = NULL;
    return run_backward(j, i, &s, x, NULL, job_weight(j, job_node(j, i)), NULL, y);
}

tcet_status transposed_forward(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->now.v[i];
    struct ts_term sum = {.b = job_bias(j, node)};
    tcet_status st = run_transposed(j, i, job_value(j, job_input(j, i, 0)), &v->val);

    if (st != TCET_OK || !sum.b)
        return st;
    sum.x = v->val->data;
    return job_check(j,
                     j->k->combine(j->d, &sum, 1, j->now.count, (int64_t)node->h * node->w, node->c,
                                   v->val->data, NULL, NULL),
                     i, "bias of a transposed convolution");
}

/* Its weight's gradient is training's alone. */
tcet_status transposed_back(struct job *j, int32_t i, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = transposed_shape(j, i);
    void *dw = job_gradient(j, node);
    struct memory *dx = NULL;
    tcet_status st = TCET_OK;

    if (dw)
        st = run_backward(j, i, &s, job_value(j, in), g->data, job_weight(j, node), dw, NULL);
    if (st == TCET_OK && j->plan.node[in].up)
        st = run_forward(j, i, &s, g->data, job_weight(j, node), NULL, &dx);
    if (st == TCET_OK && dx)
        gradient_give(j, in, dx);
    return st;
}

tcet_status transposed_tangent(struct job *j, int32_t i)
{
    const struct tangent *in = &j->now.v[job_input(j, i, 0)].tangent;

    return run_transposed(j, i, in->val->data, &j->now.v[i].tangent.val);
}

tcet_status transposed_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = transposed_shape(j, i);
    struct memory *dx;
    tcet_status st;

    if (!j->plan.node[in].moves)
        return TCET_OK;
    st = run_forward(j, i, &s, rg->data, job_weight(j, job_node(j, i)), NULL, &dx);
    if (st == TCET_OK)
        gradient_give(j, in, dx);
    return st;
}

/* -- linear ---------------------------------------------------------------------------- */

/* x, the input of linear layer i, in the order of its weight's columns; *own is to be
 * dropped.  NULL: failed. */
static const void *flat_input(struct job *j, int32_t i, const void *x, struct memory **own)
{
    int32_t at = job_input(j, i, 0);
    const tcet_node *in = job_node(j, at);
    int64_t hw = (int64_t)in->h * in->w;

    *own = NULL;
    if (hw == 1)
        return x;
    *own = job_tensor(j, at);
    if (!*own ||
        job_check(j, j->k->to_nchw(j->d, x, j->now.count, in->c, hw, (*own)->data), i, "flatten"))
        return NULL;
    return (*own)->data;
}

/* y = x w^T + bias of linear layer i. */
static tcet_status linear_product(struct job *j, int32_t i, const void *x, const void *w,
                                  const void *bias, struct memory **y, const char *what)
{
    struct memory *own;
    const void *column = flat_input(j, i, x, &own);
    tcet_status st = TCET_E_BACKEND;

    if (column && (*y = job_tensor(j, i)))
        st = job_check(j,
                       ts_linear(j->d, j->now.count, node_units(job_node(j, job_input(j, i, 0))),
                                 job_node(j, i)->c, column, w, bias, (*y)->data),
                       i, what);
    memory_drop(own);
    return st;
}

/* dw += g^T x (NULL: not wanted), and gives the input g w where `up`. */
static tcet_status linear_product_back(struct job *j, int32_t i, const void *g, const void *x,
                                       const void *w, void *dw, int up, const char *what)
{
    int32_t in = job_input(j, i, 0);
    const tcet_node *from = job_node(j, in);
    int64_t hw = (int64_t)from->h * from->w;
    struct memory *own = NULL, *dx = NULL, *flat = NULL;
    const void *column = NULL;
    tcet_status st = TCET_E_MEMORY;

    if (dw && !(column = flat_input(j, i, x, &own)))
        goto out;
    if (up && !(dx = job_tensor(j, in)))
        goto out;
    if (dx && hw > 1 && !(flat = job_tensor(j, in)))
        goto out;
    st = job_check(j,
                   ts_linear_back(j->d, j->now.count, node_units(from), job_node(j, i)->c, g,
                                  column, w,
                                  flat ? flat->data
                                  : dx ? dx->data
                                       : NULL,
                                  dw),
                   i, what);
    if (st == TCET_OK && flat)
        st = job_check(j, j->k->from_nchw(j->d, flat->data, j->now.count, from->c, hw, dx->data), i,
                       "flatten");
    if (st == TCET_OK && dx) {
        gradient_give(j, in, dx);
        dx = NULL;
    }
out:
    memory_drop(own);
    memory_drop(flat);
    memory_drop(dx);
    return st;
}

tcet_status linear_forward(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);

    return linear_product(j, i, job_value(j, job_input(j, i, 0)), job_weight(j, node),
                          job_bias(j, node), &j->now.v[i].val, "linear");
}

tcet_status linear_back(struct job *j, int32_t i, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    void *dw = job_gradient(j, node);

    return linear_product_back(j, i, g->data, dw ? job_value(j, in) : NULL, job_weight(j, node), dw,
                               j->plan.node[in].up, "backward of linear");
}

tcet_status linear_tangent(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct tangent *t = &j->now.v[i].tangent;
    tcet_status st = TCET_OK;

    if (j->plan.node[in].moves)
        st = linear_product(j, i, j->now.v[in].tangent.val->data, job_weight(j, node), NULL,
                            &t->terms[0], "tangent of linear");
    if (st == TCET_OK)
        st = linear_product(j, i, job_value(j, in), job_direction(j, node), NULL, &t->terms[1],
                            "tangent of linear");
    return st;
}

tcet_status linear_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    int up = j->plan.node[in].moves;
    tcet_status st = linear_product_back(j, i, rg->data, job_value(j, in), job_weight(j, node),
                                         job_product(j, node), up, "tangent of linear");

    if (st != TCET_OK || !up)
        return st;
    return linear_product_back(j, i, j->now.v[i].dy->data, j->now.v[in].tangent.val->data,
                               job_direction(j, node), job_product(j, node), up,
                               "tangent of linear");
}
