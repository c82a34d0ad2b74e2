/* reference.c -- see reference.h.  Room: core/check.  Stands on libc and the SDK. */
#include "check/reference.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef double complex number;

/* -- The record -------------------------------------------------------------------------- */

enum { PARTS = 3 }; /* what a number is made of, at the most */

struct entry {
    number value, adjoint;
    number slope[PARTS]; /* derivative by each part */
    int32_t part[PARTS]; /* -1: none */
};

struct record {
    struct entry *entry;
    int32_t count, cap;
    int failed; /* out of memory */
};

/* A number made of up to three others; parts that are none have the index -1. */
static int32_t put(struct record *r, number value, int32_t a, number by_a, int32_t b, number by_b,
                   int32_t c, number by_c)
{
    if (r->count == r->cap) {
        int32_t cap = r->cap ? 2 * r->cap : 4096;
        struct entry *grown = realloc(r->entry, (size_t)cap * sizeof *grown);

        if (!grown) {
            r->failed = 1;
            return 0;
        }
        r->entry = grown;
        r->cap = cap;
    }
    r->entry[r->count] =
        (struct entry){.value = value, .slope = {by_a, by_b, by_c}, .part = {a, b, c}};
    return r->count++;
}

static number value(const struct record *r, int32_t i)
{
    return r->entry[i].value;
}

static double real_value(const struct record *r, int32_t i)
{
    return creal(r->entry[i].value);
}

static int32_t leaf(struct record *r, number v)
{
    return put(r, v, -1, 0, -1, 0, -1, 0);
}

/* A function of one number. */
static int32_t of_one(struct record *r, number v, int32_t a, number slope)
{
    return put(r, v, a, slope, -1, 0, -1, 0);
}

static int32_t add(struct record *r, int32_t a, int32_t b)
{
    return put(r, value(r, a) + value(r, b), a, 1, b, 1, -1, 0);
}

static int32_t times(struct record *r, int32_t a, double k)
{
    return of_one(r, value(r, a) * k, a, k);
}

static int32_t mul(struct record *r, int32_t a, int32_t b)
{
    return put(r, value(r, a) * value(r, b), a, value(r, b), b, value(r, a), -1, 0);
}

/* sum + a b; sum: -1 for nothing. */
static int32_t add_product(struct record *r, int32_t sum, int32_t a, int32_t b)
{
    return put(r, (sum < 0 ? 0 : value(r, sum)) + value(r, a) * value(r, b), sum, 1, a, value(r, b),
               b, value(r, a));
}

/* The same number as another one, with a derivative of its own. */
static int32_t copy(struct record *r, int32_t a)
{
    return of_one(r, value(r, a), a, 1);
}

static int32_t sum_of(struct record *r, const int32_t *list, int64_t n)
{
    int32_t sum = list[0];

    for (int64_t i = 1; i < n; i++)
        sum = add(r, sum, list[i]);
    return sum;
}

/* Derivatives of the numbers in seeds, added up, by every number. */
static void sweep_back(struct record *r, const int32_t *seeds, int64_t count, double weight)
{
    for (int32_t i = 0; i < r->count; i++)
        r->entry[i].adjoint = 0;
    for (int64_t i = 0; i < count; i++)
        r->entry[seeds[i]].adjoint += weight;
    for (int32_t i = r->count - 1; i >= 0; i--) {
        const struct entry *e = &r->entry[i];

        for (int k = 0; k < PARTS; k++) {
            if (e->part[k] >= 0)
                r->entry[e->part[k]].adjoint += e->slope[k] * e->adjoint;
        }
    }
}

/* -- One forward ------------------------------------------------------------------------- */

enum { VIEWS = 12, AXES = 5 };
enum view {
    WEIGHT,
    GRADIENT,
    INPUT,
    OUTPUT,
    OUTPUT_GRADIENT,
    AGREEMENT,
    PATTERN,
    HVP,
    VARIANCE,
    CHANNEL_PRODUCT,
    BIAS,
    BIAS_GRADIENT
};

/* A layer of a site, and what is shown of it. */
struct shown {
    uint32_t site, wants;
    int32_t index;
    int32_t module; /* -1: a value alone */
    int32_t node;   /* whose value is its output, -1: never executed */
    int flat;       /* output [n, c] */
    int64_t units;  /* of the output, all calls */
    tcet_views views;
    int64_t shape[VIEWS][AXES], stride[VIEWS][AXES];
    double *running; /* of a norm's module: variance of the forward in hand */
};

struct reference {
    const tcet_graph *g;
    const tcet_run *run;
    struct record r;
    int64_t n, images; /* of a forward, of all */
    int32_t forwards;  /* of all repeats */
    int32_t **nodes;   /* a node's numbers, [n, c, h, w]: entries */
    int32_t *params;   /* entries */
    int32_t *terms;    /* [n]: losses of single images */
    double *running;   /* [param_floats]: at a norm's weights, its running variance */
    struct shown *layers;
    int32_t layer_count;
};

static const tcet_node *input_of(const struct reference *f, const tcet_node *node, int32_t k)
{
    return &f->g->nodes[f->g->inputs[node->first_input + k]];
}

static const int32_t *numbers_of(const struct reference *f, const tcet_node *node, int32_t k)
{
    return f->nodes[f->g->inputs[node->first_input + k]];
}

static int64_t units_of(const tcet_node *node)
{
    return (int64_t)node->c * node->h * node->w;
}

/* Element (image, channel, row, column) of a node's numbers. */
static int64_t at(const tcet_node *x, int64_t b, int64_t c, int64_t h, int64_t w)
{
    return ((b * x->c + c) * x->h + h) * x->w + w;
}

static void conv(struct reference *f, const tcet_node *o, int32_t *y)
{
    const tcet_node *x = input_of(f, o, 0);
    const int32_t *in = numbers_of(f, o, 0);
    const tcet_graph_module *m = &f->g->modules[o->module];
    const int32_t *w = f->params + m->weight;
    int32_t c_in = x->c / o->groups, c_out = o->c / o->groups;

    for (int64_t e = 0; e < f->n * units_of(o); e++) {
        int64_t j = e % o->w, i = e / o->w % o->h, c = e / o->w / o->h % o->c;
        int64_t b = e / units_of(o), group = c / c_out;
        int32_t sum = m->bias_count ? f->params[m->bias + c] : leaf(&f->r, 0);

        for (int64_t k = 0; k < (int64_t)c_in * o->kernel_h * o->kernel_w; k++) {
            int64_t kj = k % o->kernel_w, ki = k / o->kernel_w % o->kernel_h;
            int64_t kc = k / o->kernel_w / o->kernel_h;
            int64_t h = i * o->stride_h - o->padding_h + ki * o->dilation_h;
            int64_t v = j * o->stride_w - o->padding_w + kj * o->dilation_w;

            if (h >= 0 && h < x->h && v >= 0 && v < x->w)
                sum = add_product(&f->r, sum, in[at(x, b, group * c_in + kc, h, v)],
                                  w[c * c_in * o->kernel_h * o->kernel_w + k]);
        }
        y[e] = sum;
    }
}

static void linear(struct reference *f, const tcet_node *o, int32_t *y)
{
    const tcet_graph_module *m = &f->g->modules[o->module];
    const int32_t *in = numbers_of(f, o, 0);
    int64_t units = units_of(input_of(f, o, 0));

    for (int64_t e = 0; e < f->n * o->c; e++) {
        int64_t c = e % o->c, b = e / o->c;
        int32_t sum = m->bias_count ? f->params[m->bias + c] : leaf(&f->r, 0);

        for (int64_t k = 0; k < units; k++)
            sum = add_product(&f->r, sum, in[b * units + k], f->params[m->weight + c * units + k]);
        y[e] = sum;
    }
}

/* Mean and variance of one channel over a mini-batch. */
static void moments(struct reference *f, const tcet_node *o, const int32_t *in, int64_t c,
                    int32_t *mean, int32_t *variance)
{
    int64_t pixels = (int64_t)o->h * o->w, count = f->n * pixels;
    int32_t sum = leaf(&f->r, 0), squares = leaf(&f->r, 0);

    for (int64_t k = 0; k < count; k++)
        sum = add(&f->r, sum, in[at(o, k / pixels, c, 0, 0) + k % pixels]);
    *mean = times(&f->r, sum, 1 / (double)count);
    for (int64_t k = 0; k < count; k++) {
        int32_t x = in[at(o, k / pixels, c, 0, 0) + k % pixels];
        int32_t apart = put(&f->r, value(&f->r, x) - value(&f->r, *mean), x, 1, *mean, -1, -1, 0);

        squares = add_product(&f->r, squares, apart, apart);
    }
    *variance = times(&f->r, squares, 1 / (double)count);
}

static void batch_norm(struct reference *f, const tcet_node *o, int32_t *y)
{
    const int32_t *in = numbers_of(f, o, 0);
    const tcet_graph_module *m = &f->g->modules[o->module];
    int own = f->run->pass->norm != TCET_NORM_EVAL || !o->track;
    int64_t pixels = (int64_t)o->h * o->w, count = f->n * pixels;

    for (int64_t c = 0; c < o->c; c++) {
        int32_t mean = leaf(&f->r, 0), variance = leaf(&f->r, 1), scale;
        number root;

        if (own)
            moments(f, o, in, c, &mean, &variance);
        if (own && o->track && m->weight_count) {
            double *running = &f->running[m->weight + c];

            *running = (1 - o->momentum) * *running + o->momentum * real_value(&f->r, variance) *
                                                          (double)count / (double)(count - 1);
        }
        root = csqrt(value(&f->r, variance) + o->eps);
        scale = of_one(&f->r, 1 / root, variance, -0.5 / (root * root * root));
        for (int64_t k = 0; k < count; k++) {
            int64_t e = at(o, k / pixels, c, 0, 0) + k % pixels;
            int32_t v =
                put(&f->r, value(&f->r, in[e]) - value(&f->r, mean), in[e], 1, mean, -1, -1, 0);

            v = mul(&f->r, v, scale);
            if (m->weight_count)
                v = add_product(&f->r, f->params[m->bias + c], v, f->params[m->weight + c]);
            y[e] = v;
        }
    }
}

static void pool(struct reference *f, const tcet_node *o, int32_t *y)
{
    const tcet_node *x = input_of(f, o, 0);
    const int32_t *in = numbers_of(f, o, 0);

    for (int64_t e = 0; e < f->n * units_of(o); e++) {
        int64_t j = e % o->w, i = e / o->w % o->h, c = e / o->w / o->h % o->c, b = e / units_of(o);
        int32_t sum = -1, best = -1, count = 0;

        for (int32_t k = 0; k < o->kernel_h * o->kernel_w; k++) {
            int64_t h = i * o->stride_h - o->padding_h + k / o->kernel_w;
            int64_t w = j * o->stride_w - o->padding_w + k % o->kernel_w;
            int32_t v;

            if (h < 0 || h >= x->h || w < 0 || w >= x->w)
                continue;
            v = in[at(x, b, c, h, w)];
            count++;
            sum = sum < 0 ? v : add(&f->r, sum, v);
            if (best < 0 || real_value(&f->r, v) > real_value(&f->r, best))
                best = v;
        }
        if (o->op == TCET_OP_MAX_POOL)
            y[e] = copy(&f->r, best);
        else
            y[e] =
                times(&f->r, sum, 1.0 / (o->count_include_pad ? o->kernel_h * o->kernel_w : count));
    }
}

static void global_pool(struct reference *f, const tcet_node *o, int32_t *y)
{
    const tcet_node *x = input_of(f, o, 0);
    const int32_t *in = numbers_of(f, o, 0);
    int64_t pixels = (int64_t)x->h * x->w;

    for (int64_t e = 0; e < f->n * o->c; e++)
        y[e] = times(&f->r, sum_of(&f->r, in + e * pixels, pixels), 1 / (double)pixels);
}

/* Slice, pad and zero: elements of the input from an offset, and zeros where it has none. */
static void move(struct reference *f, const tcet_node *o, int32_t *y)
{
    const tcet_node *x = input_of(f, o, 0);
    const int32_t *in = numbers_of(f, o, 0);
    int slice = o->op == TCET_OP_SLICE;

    for (int64_t e = 0; e < f->n * units_of(o); e++) {
        int64_t w = e % o->w + (slice ? o->offset_w : 0);
        int64_t h = e / o->w % o->h + (slice ? o->offset_h : 0);
        int64_t c = e / o->w / o->h % o->c + (slice ? o->offset_c : 0);

        y[e] = o->op != TCET_OP_ZERO && h < x->h && w < x->w
                   ? copy(&f->r, in[at(x, e / units_of(o), c, h, w)])
                   : leaf(&f->r, 0);
    }
}

static void join(struct reference *f, const tcet_node *o, int32_t *y)
{
    int64_t units = units_of(o);

    for (int64_t b = 0, to = 0; b < f->n; b++) {
        for (int32_t k = 0; o->op == TCET_OP_CONCAT && k < o->input_count; k++) {
            int64_t part = units_of(input_of(f, o, k));

            for (int64_t e = 0; e < part; e++)
                y[to++] = copy(&f->r, numbers_of(f, o, k)[b * part + e]);
        }
    }
    for (int64_t e = 0; o->op == TCET_OP_ADD && e < f->n * units; e++) {
        y[e] = copy(&f->r, numbers_of(f, o, 0)[e]);
        for (int32_t k = 1; k < o->input_count; k++)
            y[e] = add(&f->r, y[e], numbers_of(f, o, k)[e]);
    }
}

static void product(struct reference *f, const tcet_node *o, int32_t *y)
{
    int64_t pixels = (int64_t)o->h * o->w;
    const tcet_node *b = input_of(f, o, 1);
    int64_t share = (int64_t)b->h * b->w == pixels ? 1 : pixels;

    for (int64_t e = 0; e < f->n * units_of(o); e++)
        y[e] = mul(&f->r, numbers_of(f, o, 0)[e], numbers_of(f, o, 1)[e / share]);
}

/* Functions of single numbers. */
static int32_t pointwise(struct record *r, const tcet_node *o, int32_t a)
{
    number x = value(r, a), s = 1 / (1 + cexp(-x));
    double at_x = creal(x);

    switch (o->op) {
    case TCET_OP_RELU: return at_x > 0 ? copy(r, a) : leaf(r, 0);
    case TCET_OP_RELU6: return at_x <= 0 ? leaf(r, 0) : at_x < 6 ? copy(r, a) : leaf(r, 6);
    case TCET_OP_SIGMOID: return of_one(r, s, a, s * (1 - s));
    case TCET_OP_SWISH: return of_one(r, x * s, a, s * (1 + x * (1 - s)));
    case TCET_OP_HSWISH:
        return at_x <= -3  ? leaf(r, 0)
               : at_x >= 3 ? copy(r, a)
                           : of_one(r, x * (x + 3) / 6, a, (2 * x + 3) / 6);
    case TCET_OP_SCALE: return times(r, a, o->eps);
    default: return copy(r, a); /* identity, and a norm that is removed */
    }
}

static tcet_status compute(struct reference *f, const tcet_node *o, int32_t *y)
{
    switch (o->op) {
    case TCET_OP_INPUT: return TCET_OK; /* they are there */
    case TCET_OP_CONV2D: conv(f, o, y); return TCET_OK;
    case TCET_OP_LINEAR: linear(f, o, y); return TCET_OK;
    case TCET_OP_AVG_POOL:
    case TCET_OP_MAX_POOL: pool(f, o, y); return TCET_OK;
    case TCET_OP_GLOBAL_POOL: global_pool(f, o, y); return TCET_OK;
    case TCET_OP_ADD:
    case TCET_OP_CONCAT: join(f, o, y); return TCET_OK;
    case TCET_OP_MUL: product(f, o, y); return TCET_OK;
    case TCET_OP_ZERO:
    case TCET_OP_SLICE:
    case TCET_OP_PAD: move(f, o, y); return TCET_OK;
    case TCET_OP_BATCH_NORM:
        if (f->run->pass->norm != TCET_NORM_REMOVED || o->kept) {
            batch_norm(f, o, y);
            return TCET_OK;
        } /* fall through */
    case TCET_OP_RELU:
    case TCET_OP_RELU6:
    case TCET_OP_SIGMOID:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH:
    case TCET_OP_SCALE:
    case TCET_OP_IDENTITY:
        for (int64_t e = 0; e < f->n * units_of(o); e++)
            y[e] = pointwise(&f->r, o, numbers_of(f, o, 0)[e]);
        return TCET_OK;
    default: return TCET_E_UNSUPPORTED;
    }
}

/* ln of the sum of e^(z / t) over the classes at z[0], z[hw], ... */
static int32_t log_sum(struct reference *f, const int32_t *z, int64_t classes, int64_t hw, double t)
{
    int32_t sum = leaf(&f->r, 0);

    for (int64_t k = 0; k < classes; k++) {
        number e = cexp(value(&f->r, z[k * hw]) / t);

        sum = add(&f->r, sum, of_one(&f->r, e, z[k * hw], e / t));
    }
    return of_one(&f->r, clog(value(&f->r, sum)), sum, 1 / value(&f->r, sum));
}

/* -ln p of a class. */
static int32_t class_loss(struct reference *f, const int32_t *z, int64_t classes, int64_t hw,
                          double t, int64_t label)
{
    int32_t all = log_sum(f, z, classes, hw, t), own = z[label * hw];

    return put(&f->r, value(&f->r, all) - value(&f->r, own) / t, all, 1, own, -1 / t, -1, 0);
}

/* -sum_c t_c ln(p_c + epsilon) */
static int32_t shares_loss(struct reference *f, const int32_t *z, int64_t classes, double t,
                           const float *shares)
{
    int32_t all = log_sum(f, z, classes, 1, t), sum = leaf(&f->r, 0);
    double epsilon = f->run->share_epsilon;

    for (int64_t k = 0; k < classes; k++) {
        number ln = value(&f->r, z[k]) / t - value(&f->r, all), p = cexp(ln);
        int32_t entry = put(&f->r, ln, z[k], 1 / t, all, -1, -1, 0);

        entry = of_one(&f->r, clog(p + epsilon), entry, p / (p + epsilon));
        sum = add(&f->r, sum, times(&f->r, entry, -(double)shares[k]));
    }
    return sum;
}

/* The mean square (or magnitude) of what the outputs are apart from the targets. */
static int32_t distance(struct reference *f, const int32_t *z, int64_t units, double t,
                        const float *targets, int square)
{
    int32_t sum = leaf(&f->r, 0);

    for (int64_t k = 0; k < units; k++) {
        number apart = value(&f->r, z[k]) / t - (double)targets[k];
        double sign = creal(apart) < 0 ? -1 : 1;

        sum = add(&f->r, sum,
                  square ? of_one(&f->r, apart * apart, z[k], 2 * apart / t)
                         : of_one(&f->r, sign * apart, z[k], sign / t));
    }
    return times(&f->r, sum, 1 / (double)units);
}

/* The loss of an image of forward k: not divided by their number. */
static int32_t loss_term(struct reference *f, int32_t k, int64_t image)
{
    const tcet_run *run = f->run;
    const tcet_node *o = &f->g->nodes[f->g->output];
    int64_t units = units_of(o), hw = (int64_t)o->h * o->w, place = k * f->n + image;
    int64_t numbers = tcet_target_numbers(run->target, o->c, o->h, o->w);
    const float *targets = run->targets ? run->targets + place * numbers : NULL;
    const int32_t *z = f->nodes[f->g->output] + image * units;
    double t = run->pass->temperature != 0 ? run->pass->temperature : 1;
    int32_t sum;

    if (run->pass->loss == TCET_LOSS_SUM)
        return times(&f->r, sum_of(&f->r, z, units), 1 / t);
    switch (run->target) {
    case TCET_TARGET_CLASS: return class_loss(f, z, units, 1, t, run->y ? run->y[place] : 0);
    case TCET_TARGET_SHARES: return shares_loss(f, z, units, t, targets);
    case TCET_TARGET_NUMBERS: return distance(f, z, units, t, targets, 1);
    case TCET_TARGET_MAP: return distance(f, z, units, t, targets, 0);
    default: break;
    }
    sum = leaf(&f->r, 0);
    for (int64_t p = 0; p < hw; p++)
        sum = add(&f->r, sum, class_loss(f, z + p, o->c, hw, t, (int64_t)targets[p]));
    return times(&f->r, sum, 1 / (double)hw);
}

/* Records forward k (of one repeat) with the weights moved by i * direction (NULL: not). */
static tcet_status forward(struct reference *f, int32_t k, const double *direction)
{
    static const double tiny = 1e-30;
    const tcet_graph *g = f->g;
    int64_t image = (int64_t)g->channels * g->height * g->width;

    f->r.count = 0;
    for (int64_t i = 0; i < g->param_floats; i++)
        f->params[i] =
            leaf(&f->r, (double)f->run->params[i] + (direction ? I * tiny * direction[i] : 0));
    for (int32_t i = 0; i < g->node_count; i++) {
        tcet_status st;

        for (int64_t e = 0; g->nodes[i].op == TCET_OP_INPUT && e < f->n * image; e++)
            f->nodes[i][e] = leaf(&f->r, (double)f->run->x[k * f->n * image + e]);
        st = compute(f, &g->nodes[i], f->nodes[i]);
        if (st < 0)
            return st;
    }
    for (int64_t i = 0; f->run->pass->loss != TCET_LOSS_NONE && i < f->n; i++)
        f->terms[i] = loss_term(f, k, i);
    return f->r.failed ? TCET_E_MEMORY : TCET_OK;
}

/* Sweeps back from the loss of one image (-1: of the mini-batch). */
static void backward(struct reference *f, int64_t image)
{
    int mean = f->run->pass->loss == TCET_LOSS_CROSS_ENTROPY;

    if (image >= 0)
        sweep_back(&f->r, &f->terms[image], 1, 1);
    else
        sweep_back(&f->r, f->terms, f->n, mean ? 1 / (double)f->n : 1);
}

/* -- What layers show -------------------------------------------------------------------- */

static tcet_view *view_of(struct shown *s, enum view v)
{
    tcet_view *const views[VIEWS] = {&s->views.weight,
                                     &s->views.gradient,
                                     &s->views.input,
                                     &s->views.output,
                                     &s->views.output_gradient,
                                     &s->views.agreement,
                                     &s->views.pattern,
                                     &s->views.hvp,
                                     &s->views.variance,
                                     &s->views.channel_product,
                                     &s->views.bias,
                                     &s->views.bias_gradient};

    return views[v];
}

/* Makes a view of zeros of these extents; of one with a 0 among them, none. */
static int open_view(struct shown *s, enum view v, uint8_t dtype, int32_t ndim,
                     const int64_t *shape)
{
    tcet_view *view = view_of(s, v);
    int64_t count = 1;

    for (int32_t k = ndim - 1; k >= 0; k--) {
        s->shape[v][k] = shape[k];
        s->stride[v][k] = count;
        count *= shape[k];
    }
    if (!count)
        return 1;
    *view = (tcet_view){.data = calloc((size_t)count, sizeof(double)),
                        .shape = s->shape[v],
                        .stride = s->stride[v],
                        .count = count,
                        .ndim = ndim,
                        .dtype = dtype};
    return view->data != NULL;
}

/* What has the extents of a module's weight or bias. */
static int open_module(struct reference *f, struct shown *s)
{
    const tcet_graph_module *m = &f->g->modules[s->module];
    int sample = f->run->pass->gradient == TCET_GRADIENT_SAMPLE;
    int64_t shape[AXES] = {sample ? f->images : f->forwards};
    int64_t biases[2] = {shape[0], m->bias_count};
    int64_t repeats[2] = {f->forwards / f->run->forwards, m->shape[0]};
    int ok = 1;

    memcpy(shape + 1, m->shape, sizeof m->shape);
    if (s->wants & TCET_WANT_WEIGHT)
        ok &= open_view(s, WEIGHT, TCET_F64, m->ndim, shape + 1);
    if (s->wants & TCET_WANT_GRADIENT)
        ok &= open_view(s, GRADIENT, TCET_F64, m->ndim + 1, shape);
    if (s->wants & TCET_WANT_BIAS)
        ok &= open_view(s, BIAS, TCET_F64, 1, biases + 1);
    if (s->wants & TCET_WANT_BIAS_GRADIENT)
        ok &= open_view(s, BIAS_GRADIENT, TCET_F64, 2, biases);
    if (s->wants & TCET_WANT_HVP && s->site == TCET_SITE_WEIGHT)
        ok &= open_view(s, HVP, TCET_F64, m->ndim + sample, shape + !sample);
    if (s->wants & TCET_WANT_VARIANCE && s->site == TCET_SITE_NORM)
        ok &= open_view(s, VARIANCE, TCET_F64, 1 + (repeats[0] > 1), repeats + (repeats[0] == 1));
    return ok;
}

/* What has the extents of a value of the graph. */
static int open_value(struct reference *f, struct shown *s)
{
    const tcet_node *o = &f->g->nodes[s->node];
    int64_t shape[4] = {f->images, o->c, o->h, o->w}, square[2] = {f->n, f->n};
    int64_t packed[2] = {f->n, (s->units + 63) / 64};
    int norm = s->site == TCET_SITE_NORM, ok = 1;
    int signs = s->site == TCET_SITE_WEIGHT || s->site == TCET_SITE_ACTIVATION;

    if (s->wants & (norm ? TCET_WANT_NORM_OUTPUT : TCET_WANT_OUTPUT))
        ok &= open_view(s, OUTPUT, TCET_F64, s->flat ? 2 : 4, shape);
    if (s->wants & TCET_WANT_OUTPUT_GRADIENT && !norm)
        ok &= open_view(s, OUTPUT_GRADIENT, TCET_F64, s->flat ? 2 : 4, shape);
    if (s->wants & TCET_WANT_CHANNEL_PRODUCT && !norm)
        ok &= open_view(s, CHANNEL_PRODUCT, TCET_F64, 2, shape);
    if (s->wants & TCET_WANT_INPUT && s->site == TCET_SITE_WEIGHT) {
        const tcet_node *x = input_of(f, o, 0);
        int64_t in[4] = {f->images, s->flat ? units_of(x) : x->c, x->h, x->w};

        ok &= open_view(s, INPUT, TCET_F64, s->flat ? 2 : 4, in);
    }
    if (s->wants & TCET_WANT_AGREEMENT && signs)
        ok &= open_view(s, AGREEMENT, TCET_F64, 2, square);
    if (s->wants & TCET_WANT_PATTERN && signs)
        ok &= open_view(s, PATTERN, TCET_U64, 2, packed);
    return ok;
}

static int is_activation(const tcet_node *o)
{
    return o->op == TCET_OP_RELU || o->op == TCET_OP_RELU6 || o->op == TCET_OP_SWISH ||
           o->op == TCET_OP_HSWISH;
}

static void add_layer(struct reference *f, uint32_t site, int32_t index, int32_t module,
                      int32_t node)
{
    struct shown *s = &f->layers[f->layer_count];

    if (!(f->run->sites & site))
        return;
    *s = (struct shown){.site = site, .index = index, .module = module, .node = node};
    s->wants = f->run->wants[__builtin_ctz(site)];
    s->views.struct_size = sizeof s->views;
    for (int32_t i = 0; i < f->g->node_count; i++) {
        int is_it = module >= 0 ? f->g->nodes[i].module == module : i == node;

        s->units += is_it ? units_of(&f->g->nodes[i]) : 0;
        if (is_it && s->node < 0)
            s->node = i;
    }
    s->flat = (site == TCET_SITE_LOGITS && f->g->nodes[node].h * f->g->nodes[node].w == 1) ||
              (module >= 0 && f->g->modules[module].kind == TCET_LAYER_LINEAR);
    f->layer_count++;
}

static tcet_status open_layers(struct reference *f)
{
    const tcet_graph *g = f->g;
    int32_t norms = 0, activations = 0;

    for (int32_t m = 0; m < g->module_count; m++) {
        if (g->modules[m].layer >= 0)
            add_layer(f, TCET_SITE_WEIGHT, g->modules[m].layer, m, -1);
        else if (g->modules[m].kind == TCET_LAYER_NORM && g->modules[m].weight_count)
            add_layer(f, TCET_SITE_NORM, norms++, m, -1);
    }
    for (int32_t i = 0; i < g->node_count; i++) {
        if (g->nodes[i].op == TCET_OP_INPUT)
            add_layer(f, TCET_SITE_INPUT, 0, -1, i);
        else if (is_activation(&g->nodes[i]))
            add_layer(f, TCET_SITE_ACTIVATION, activations++, -1,
                      g->inputs[g->nodes[i].first_input]);
    }
    if (g->features >= 0)
        add_layer(f, TCET_SITE_FEATURES, 0, -1, g->features);
    add_layer(f, TCET_SITE_LOGITS, 0, -1, g->output);
    for (int32_t i = 0; i < f->layer_count; i++) {
        struct shown *s = &f->layers[i];

        if ((s->module >= 0 && !open_module(f, s)) || (s->node >= 0 && !open_value(f, s)))
            return TCET_E_MEMORY;
    }
    return TCET_OK;
}

/* The numbers of a view, NULL where there is none. */
static double *data_of(struct shown *s, enum view v)
{
    return view_of(s, v)->data;
}

/* Pattern, agreement and positive of the first mini-batch, over all calls. */
static void take_signs(struct reference *f, struct shown *s)
{
    uint64_t *bits = s->views.pattern.data;
    double *k = s->views.agreement.data;
    int64_t words = (s->units + 63) / 64, first = 0;

    for (int32_t i = 0; (bits || k) && i < f->g->node_count; i++) {
        const tcet_node *o = &f->g->nodes[i];
        int64_t units = units_of(o);

        if (s->module >= 0 ? o->module != s->module : i != s->node)
            continue;
        for (int64_t e = 0; e < f->n * units; e++) {
            int64_t b = e / units, u = first + e % units;
            int positive = real_value(&f->r, f->nodes[i][e]) > 0;

            s->views.positive += positive;
            if (bits)
                bits[b * words + u / 64] |= (uint64_t)positive << (u % 64);
            for (int64_t other = 0; k && other < f->n; other++) {
                int32_t its = f->nodes[i][other * units + e % units];

                k[b * f->n + other] += positive == (real_value(&f->r, its) > 0);
            }
        }
        first += units;
    }
}

static void take_values(struct reference *f, struct shown *s, int32_t forward)
{
    const tcet_node *o = &f->g->nodes[s->node];
    int64_t count = f->n * units_of(o);
    double *output = data_of(s, OUTPUT), *input = data_of(s, INPUT);

    for (int64_t e = 0; output && e < count; e++)
        output[forward * count + e] = real_value(&f->r, f->nodes[s->node][e]);
    if (input) {
        int64_t in = f->n * units_of(input_of(f, o, 0));

        for (int64_t e = 0; e < in; e++)
            input[forward * in + e] = real_value(&f->r, numbers_of(f, o, 0)[e]);
    }
    if (forward == 0)
        take_signs(f, s);
}

/* Weights, biases and running variances as they are after a forward. */
static void take_module(struct reference *f, struct shown *s, int32_t forward)
{
    const tcet_graph_module *m = &f->g->modules[s->module];
    double *weight = data_of(s, WEIGHT), *bias = data_of(s, BIAS), *v = data_of(s, VARIANCE);
    int32_t repeat = forward / f->run->forwards;

    for (int64_t i = 0; weight && i < m->weight_count; i++)
        weight[i] = real_value(&f->r, f->params[m->weight + i]);
    for (int64_t i = 0; bias && i < m->bias_count; i++)
        bias[i] = real_value(&f->r, f->params[m->bias + i]);
    for (int64_t c = 0; v && c < m->weight_count; c++)
        v[repeat * m->weight_count + c] = f->running[m->weight + c];
}

/* What a sweep back left, as one row of gradients, and the values' gradients of a forward. */
static void take_gradients(struct reference *f, int64_t row, int32_t forward)
{
    for (int32_t k = 0; k < f->layer_count; k++) {
        struct shown *s = &f->layers[k];
        const tcet_graph_module *m = s->module < 0 ? NULL : &f->g->modules[s->module];
        double *weight = data_of(s, GRADIENT), *bias = data_of(s, BIAS_GRADIENT);
        double *output = data_of(s, OUTPUT_GRADIENT), *channel = data_of(s, CHANNEL_PRODUCT);
        const tcet_node *o = s->node < 0 ? NULL : &f->g->nodes[s->node];

        for (int64_t i = 0; weight && i < m->weight_count; i++)
            weight[row * m->weight_count + i] = creal(f->r.entry[f->params[m->weight + i]].adjoint);
        for (int64_t i = 0; bias && i < m->bias_count; i++)
            bias[row * m->bias_count + i] = creal(f->r.entry[f->params[m->bias + i]].adjoint);
        for (int64_t e = 0; (output || channel) && e < f->n * units_of(o); e++) {
            const struct entry *x = &f->r.entry[f->nodes[s->node][e]];
            int64_t pixels = (int64_t)o->h * o->w;

            if (output)
                output[forward * f->n * units_of(o) + e] = creal(x->adjoint);
            if (channel)
                channel[forward * f->n * o->c + e / pixels] += creal(x->value) * creal(x->adjoint);
        }
    }
}

static tcet_status take_forward(struct reference *f, int32_t forward_at)
{
    int sample = f->run->pass->gradient == TCET_GRADIENT_SAMPLE;
    tcet_status st = forward(f, forward_at % f->run->forwards, NULL);

    if (st < 0)
        return st;
    for (int32_t k = 0; k < f->layer_count; k++) {
        if (f->layers[k].module >= 0)
            take_module(f, &f->layers[k], forward_at);
        if (f->layers[k].node >= 0)
            take_values(f, &f->layers[k], forward_at);
    }
    if (f->run->pass->gradient == TCET_GRADIENT_NONE)
        return TCET_OK;
    for (int64_t i = 0; i < (sample ? f->n : 1); i++) {
        backward(f, sample ? i : -1);
        take_gradients(f, sample ? forward_at * f->n + i : forward_at, forward_at);
    }
    return TCET_OK;
}

/* -- H g --------------------------------------------------------------------------------- */

/* Adds the gradient of all weights (conv and linear ones), or its imaginary part, to out. */
static void add_gradient(const struct reference *f, int imaginary, double *out)
{
    for (int32_t m = 0; m < f->g->module_count; m++) {
        const tcet_graph_module *mod = &f->g->modules[m];

        for (int64_t i = mod->weight; mod->layer >= 0 && i < mod->weight + mod->weight_count; i++) {
            number a = f->r.entry[f->params[i]].adjoint;

            out[i] += imaginary ? cimag(a) * 1e30 : creal(a);
        }
    }
}

/* H g of the losses of one image (-1: of all mini-batches together) into row `row`. */
static tcet_status take_hessian(struct reference *f, int32_t first, int32_t count, int64_t image,
                                int64_t row)
{
    size_t floats = (size_t)f->g->param_floats + 1;
    double *g = calloc(2 * floats, sizeof *g), *hg = g + floats;
    tcet_status st = g ? TCET_OK : TCET_E_MEMORY;

    for (int pass = 0; pass < 2; pass++) {
        for (int32_t k = first; k < first + count && st >= 0; k++) {
            st = forward(f, k, pass ? g : NULL);
            if (st >= 0) {
                backward(f, image);
                add_gradient(f, pass, pass ? hg : g);
            }
        }
    }
    for (int32_t k = 0; k < f->layer_count && st >= 0; k++) {
        double *out = data_of(&f->layers[k], HVP);
        const tcet_graph_module *m = out ? &f->g->modules[f->layers[k].module] : NULL;

        if (out)
            memcpy(out + row * m->weight_count, hg + m->weight,
                   (size_t)m->weight_count * sizeof *out);
    }
    free(g);
    return st;
}

static tcet_status take_hessians(struct reference *f)
{
    int sample = f->run->pass->gradient == TCET_GRADIENT_SAMPLE;
    tcet_status st = TCET_OK;

    if (!f->run->pass->hvp)
        return TCET_OK;
    if (!sample)
        return take_hessian(f, 0, f->run->forwards, -1, 0);
    for (int64_t i = 0; i < f->images && st >= 0; i++)
        st = take_hessian(f, (int32_t)(i / f->n), 1, i % f->n, i);
    return st;
}

/* -- A run ------------------------------------------------------------------------------- */

static tcet_status open_reference(struct reference *f)
{
    const tcet_graph *g = f->g;
    size_t layers = (size_t)g->module_count + (size_t)g->node_count + 3;

    f->nodes = calloc((size_t)g->node_count + 1, sizeof *f->nodes);
    f->params = calloc((size_t)g->param_floats + 1, sizeof *f->params);
    f->terms = calloc((size_t)f->n, sizeof *f->terms);
    f->running = calloc((size_t)g->param_floats + 1, sizeof *f->running);
    f->layers = calloc(layers, sizeof *f->layers);
    if (!f->nodes || !f->params || !f->terms || !f->running || !f->layers)
        return TCET_E_MEMORY;
    for (int64_t i = 0; i < g->param_floats; i++)
        f->running[i] = 1;
    for (int32_t i = 0; i < g->node_count; i++) {
        size_t count = (size_t)(f->n * units_of(&g->nodes[i]));

        if (!(f->nodes[i] = calloc(count, sizeof **f->nodes)))
            return TCET_E_MEMORY;
    }
    return open_layers(f);
}

static void close_reference(struct reference *f)
{
    for (int32_t k = 0; k < f->layer_count; k++) {
        for (int v = 0; v < VIEWS; v++)
            free(view_of(&f->layers[k], (enum view)v)->data);
    }
    for (int32_t i = 0; f->nodes && i < f->g->node_count; i++)
        free(f->nodes[i]);
    free(f->nodes);
    free(f->params);
    free(f->terms);
    free(f->running);
    free(f->layers);
    free(f->r.entry);
}

static tcet_status run_all(struct reference *f)
{
    tcet_status st = open_reference(f);

    for (int32_t k = 0; k < f->forwards && st >= 0; k++) {
        if (k && k % f->run->forwards == 0)
            st = f->run->redraw(f->run->arg);
        if (st >= 0)
            st = take_forward(f, k);
    }
    if (st >= 0)
        st = take_hessians(f);
    for (int32_t k = 0; k < f->layer_count && st >= 0; k++)
        st = f->run->visit(f->run->arg, f->layers[k].site, f->layers[k].index, &f->layers[k].views);
    return st;
}

tcet_status reference_run(const tcet_graph *graph, const tcet_run *run)
{
    int32_t repeat = run->pass->repeat ? (int32_t)run->pass->repeat : 1;
    struct reference f = {.g = graph,
                          .run = run,
                          .n = run->n,
                          .forwards = run->forwards * repeat,
                          .images = run->forwards * repeat * run->n};
    tcet_status st;

    for (int site = 0; site < TCET_SITES; site++) {
        if (run->wants[site] & (TCET_WANT_OUTPUT_GRADIENT | TCET_WANT_CHANNEL_PRODUCT) &&
            run->pass->gradient == TCET_GRADIENT_SAMPLE)
            return TCET_E_UNSUPPORTED;
    }
    st = run_all(&f);
    close_reference(&f);
    return st;
}
