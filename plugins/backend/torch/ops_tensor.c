/* ops_tensor.c -- operations that write one new tensor: the input, zeros, pools, moves, products,
 * and all of struct ts_plain; see op_forward and its like in ops.h.
 * Room: plugins/backend/torch. */
#include "ops.h"

/* What a sweep reads of node i's k-th input; of R NULL where that is 0. */
static const void *source(const struct job *j, int32_t i, int32_t k, enum sweep_of sweep)
{
    int32_t in = job_input(j, i, k);

    if (sweep == ORDINARY)
        return job_value(j, in);
    return j->plan.node[in].moves ? j->now.v[in].tangent.val->data : NULL;
}

static const tcet_node *first_input(const struct job *j, int32_t i)
{
    return job_node(j, job_input(j, i, 0));
}

static int64_t pixels(const tcet_node *node)
{
    return (int64_t)node->h * node->w;
}

/* -- input and zeros ------------------------------------------------------------------- */

int input_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    const tcet_node *node = job_node(j, i);
    int64_t image = j->now.forward % j->run->forwards * j->ask.n;

    (void)sweep;
    return j->k->load(j->d, j->run->x + image * node_units(node), j->ask.n, node->c, pixels(node),
                      y);
}

int zero_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    (void)sweep;
    return j->k->zero(j->d, y, (size_t)(j->now.count * node_units(job_node(j, i))) * j->ask.size);
}

/* -- pools ----------------------------------------------------------------------------- */

static struct ts_pool pool_shape(const struct job *j, int32_t i)
{
    const tcet_node *o = job_node(j, i), *in = first_input(j, i);

    return (struct ts_pool){.n = j->now.count,
                            .c = in->c,
                            .h = in->h,
                            .w = in->w,
                            .oh = o->h,
                            .ow = o->w,
                            .kh = o->kernel_h,
                            .kw = o->kernel_w,
                            .stride_h = o->stride_h,
                            .stride_w = o->stride_w,
                            .pad_h = o->padding_h,
                            .pad_w = o->padding_w,
                            .count_padding = o->count_include_pad};
}

int avg_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    struct ts_pool s = pool_shape(j, i);

    return j->k->avg_pool(j->d, &s, source(j, i, 0, sweep), y);
}

int avg_pool_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    struct ts_pool s = pool_shape(j, i);

    (void)k;
    return j->k->avg_pool_back(j->d, &s, g, dx);
}

int max_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    struct ts_pool s = pool_shape(j, i);
    const void *x = source(j, i, 0, ORDINARY);

    if (sweep == ORDINARY)
        return j->k->max_pool(j->d, &s, x, y);
    return j->k->max_pool_tangent(j->d, &s, x, source(j, i, 0, TANGENT), y);
}

int max_pool_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    struct ts_pool s = pool_shape(j, i);

    (void)k;
    return j->k->max_pool_back(j->d, &s, source(j, i, 0, ORDINARY), g, dx);
}

int global_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    const tcet_node *in = first_input(j, i);

    return j->k->global_pool(j->d, j->now.count, pixels(in), in->c, source(j, i, 0, sweep), y);
}

int global_pool_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    const tcet_node *in = first_input(j, i);

    (void)k;
    return j->k->global_pool_back(j->d, j->now.count, pixels(in), in->c, g, dx);
}

/* -- concatenation, slice, padding ----------------------------------------------------- */

/* How part k moves from its input, for the images in hand. */
static struct ts_window window_shape(const struct job *j, int32_t i, int32_t k)
{
    const tcet_node *o = job_node(j, i), *in = job_node(j, job_input(j, i, k));
    struct ts_window s = {.n = j->now.count,
                          .h = in->h,
                          .w = in->w,
                          .c = in->c,
                          .sh = in->h,
                          .sw = in->w,
                          .sc = in->c,
                          .dh = o->h,
                          .dw = o->w,
                          .dc = o->c};

    if (o->op == TCET_OP_CONCAT) {
        for (int32_t p = 0; p < k; p++)
            s.dst_c += job_node(j, job_input(j, i, p))->c;
    } else if (o->op == TCET_OP_SLICE) {
        s.h = o->h;
        s.w = o->w;
        s.c = o->c;
        s.src_h = o->offset_h;
        s.src_w = o->offset_w;
        s.src_c = o->offset_c;
    } else {
        s.clear = 1;
    }
    return s;
}

/* The way back. */
static struct ts_window reversed(struct ts_window s)
{
    return (struct ts_window){.n = s.n,
                              .h = s.h,
                              .w = s.w,
                              .c = s.c,
                              .sh = s.dh,
                              .sw = s.dw,
                              .sc = s.dc,
                              .src_h = s.dst_h,
                              .src_w = s.dst_w,
                              .src_c = s.dst_c,
                              .dh = s.sh,
                              .dw = s.sw,
                              .dc = s.sc,
                              .dst_h = s.src_h,
                              .dst_w = s.src_w,
                              .dst_c = s.src_c,
                              .clear = s.h != s.sh || s.w != s.sw || s.c != s.sc};
}

int window_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    int32_t parts = job_node(j, i)->input_count;
    int status = 0;

    for (int32_t k = 0; k < parts && status == 0; k++) {
        if (!source(j, i, k, sweep))
            status = zero_write(j, i, sweep, y);
    }
    for (int32_t k = 0; k < parts && status == 0; k++) {
        struct ts_window s = window_shape(j, i, k);
        const void *x = source(j, i, k, sweep);

        if (x)
            status = j->k->window(j->d, &s, x, y);
    }
    return status;
}

int window_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    struct ts_window s = reversed(window_shape(j, i, k));

    return j->k->window(j->d, &s, g, dx);
}

/* -- product --------------------------------------------------------------------------- */

/* 1: the second factor is one number a channel and image. */
static int32_t is_spread(const struct job *j, int32_t i)
{
    return node_units(job_node(j, job_input(j, i, 1))) != node_units(job_node(j, i));
}

int mul_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    const tcet_node *node = job_node(j, i);

    return j->k->multiply(j->d, j->now.count, pixels(node), node->c, is_spread(j, i),
                          source(j, i, 0, sweep), source(j, i, 1, sweep), y);
}

int mul_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    const tcet_node *node = job_node(j, i);
    const void *other = source(j, i, 1 - k, ORDINARY);
    int32_t spread = is_spread(j, i);

    if (spread && k == 1)
        return j->k->multiply_back(j->d, j->now.count, pixels(node), node->c, g, other, dx);
    return j->k->multiply(j->d, j->now.count, pixels(node), node->c, spread, g, other, dx);
}

/* -- those that are kernels alone ------------------------------------------------------ */

/* A call of node i for the images in hand, with all of the forward that is still there. */
static struct ts_plain plain_call(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct ts_plain s = {.node = node, .n = j->now.count};

    for (int32_t k = 0; k < node->input_count && k < TS_INPUTS; k++) {
        int32_t in = job_input(j, i, k);

        s.in[k] = job_node(j, in);
        s.x[k] = j->now.v[in].val ? job_value(j, in) : NULL;
        s.rx[k] = j->now.v[in].tangent.val ? source(j, i, k, TANGENT) : NULL;
    }
    s.y = j->now.v[i].val ? job_value(j, i) : NULL;
    if (job_has_params(j, node)) {
        s.w = job_weight(j, node);
        s.b = job_bias(j, node);
    }
    return s;
}

int plain_write(struct job *j, int32_t i, enum sweep_of sweep, void *y)
{
    struct ts_plain s = plain_call(j, i);

    return j->k->plain(j->d, sweep == ORDINARY ? TS_FORWARD : TS_TANGENT, &s, y);
}

int plain_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx)
{
    struct ts_plain s = plain_call(j, i);

    s.k = k;
    s.g = g;
    return j->k->plain(j->d, TS_BACK, &s, dx);
}

int plain_write_tangent_back(struct job *j, int32_t i, int32_t k, const void *rg, void *rdx)
{
    struct ts_plain s = plain_call(j, i);

    s.k = k;
    s.g = job_op(j, i)->curved ? j->now.v[i].dy->data : NULL;
    s.rg = rg;
    return j->k->plain(j->d, TS_TANGENT_BACK, &s, rdx);
}

int plain_write_weight(struct job *j, int32_t i, const void *g, void *dw)
{
    struct ts_plain s = plain_call(j, i);

    s.g = g;
    return j->k->plain(j->d, TS_WEIGHT, &s, dw);
}
