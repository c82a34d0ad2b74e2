/* backend_reference.h -- every operation of the graph in plain C: float64, NCHW, one image after
 * another, no care for speed; what a backend is tested against.  Room: tests; stands on the SDK.
 *
 * A new operation gets a function here and a row in `reference`. */
#ifndef TESTS_BACKEND_REFERENCE_H
#define TESTS_BACKEND_REFERENCE_H

#include <tcet/draft/backend.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A forward of `n` images: inputs [n, c, h, w], parameters, and every node's values. */
struct forward {
    const tcet_graph *graph;
    const double *params, *image;
    int64_t n;
    double **value;
};

static const tcet_node *in_node(const struct forward *f, const tcet_node *o, int32_t k)
{
    return &f->graph->nodes[f->graph->inputs[o->first_input + k]];
}

static const double *in_value(const struct forward *f, const tcet_node *o, int32_t k)
{
    return f->value[f->graph->inputs[o->first_input + k]];
}

static int64_t units(const tcet_node *o)
{
    return (int64_t)o->c * o->h * o->w;
}

static const double *weight_of(const struct forward *f, const tcet_node *o)
{
    return f->params + f->graph->modules[o->module].weight;
}

static const double *bias_of(const struct forward *f, const tcet_node *o)
{
    return f->params + f->graph->modules[o->module].bias;
}

/* The place of a number in [n, c, h, w]. */
static int64_t place(const tcet_node *o, int64_t b, int64_t c, int64_t h, int64_t w)
{
    return ((b * o->c + c) * o->h + h) * o->w + w;
}

#define EACH_OUTPUT(f, o)                        \
    for (int64_t b = 0; b < (f)->n; b++)         \
        for (int64_t c = 0; c < (o)->c; c++)     \
            for (int64_t h = 0; h < (o)->h; h++) \
                for (int64_t w = 0; w < (o)->w; w++)

static void ref_input(const struct forward *f, const tcet_node *o, double *y)
{
    memcpy(y, f->image, (size_t)(f->n * units(o)) * sizeof *y);
}

static void ref_conv2d(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0);
    const double *x = in_value(f, o, 0), *k = weight_of(f, o);
    int64_t each = i->c / o->groups;

    EACH_OUTPUT(f, o)
    {
        double sum = o->bias ? bias_of(f, o)[c] : 0;
        int64_t first = c / (o->c / o->groups) * each;

        for (int64_t s = 0; s < each; s++) {
            for (int64_t p = 0; p < o->kernel_h; p++) {
                for (int64_t q = 0; q < o->kernel_w; q++) {
                    int64_t r = h * o->stride_h - o->padding_h + p * o->dilation_h;
                    int64_t t = w * o->stride_w - o->padding_w + q * o->dilation_w;

                    if (r >= 0 && r < i->h && t >= 0 && t < i->w)
                        sum += x[place(i, b, first + s, r, t)] *
                               k[((c * each + s) * o->kernel_h + p) * o->kernel_w + q];
                }
            }
        }
        y[place(o, b, c, h, w)] = sum;
    }
}

/* Every input spreads over the window that it stands for. */
static void ref_conv_transpose(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0);
    const double *x = in_value(f, o, 0), *k = weight_of(f, o);
    int64_t each = o->c / o->groups;

    EACH_OUTPUT(f, o)
    y[place(o, b, c, h, w)] = o->bias ? bias_of(f, o)[c] : 0;
    EACH_OUTPUT(f, i)
    {
        for (int64_t s = 0; s < each; s++) {
            for (int64_t p = 0; p < o->kernel_h; p++) {
                for (int64_t q = 0; q < o->kernel_w; q++) {
                    int64_t r = h * o->stride_h - o->padding_h + p * o->dilation_h;
                    int64_t t = w * o->stride_w - o->padding_w + q * o->dilation_w;

                    if (r >= 0 && r < o->h && t >= 0 && t < o->w)
                        y[place(o, b, c / (i->c / o->groups) * each + s, r, t)] +=
                            x[place(i, b, c, h, w)] *
                            k[((c * each + s) * o->kernel_h + p) * o->kernel_w + q];
                }
            }
        }
    }
}

static void ref_linear(const struct forward *f, const tcet_node *o, double *y)
{
    const double *x = in_value(f, o, 0), *k = weight_of(f, o);
    int64_t count = units(in_node(f, o, 0));

    EACH_OUTPUT(f, o)
    {
        double sum = o->bias ? bias_of(f, o)[c] : 0;

        for (int64_t s = 0; s < count; s++)
            sum += x[b * count + s] * k[c * count + s];
        y[place(o, b, c, h, w)] = sum;
    }
}

/* With the batch's statistics. */
static void ref_batch_norm(const struct forward *f, const tcet_node *o, double *y)
{
    const double *x = in_value(f, o, 0);
    int64_t hw = (int64_t)o->h * o->w;
    double m = (double)(f->n * hw);

    for (int64_t c = 0; c < o->c; c++) {
        double mean = 0, var = 0;

        for (int64_t i = 0; i < f->n * hw; i++)
            mean += x[(i / hw * o->c + c) * hw + i % hw] / m;
        for (int64_t i = 0; i < f->n * hw; i++)
            var += pow(x[(i / hw * o->c + c) * hw + i % hw] - mean, 2) / m;
        for (int64_t i = 0; i < f->n * hw; i++) {
            int64_t at = (i / hw * o->c + c) * hw + i % hw;

            y[at] = (x[at] - mean) / sqrt(var + o->eps);
            if (o->affine)
                y[at] = y[at] * weight_of(f, o)[c] + bias_of(f, o)[c];
        }
    }
}

/* Average or largest of a window. */
static void pool_windows(const struct forward *f, const tcet_node *o, double *y, int largest)
{
    const tcet_node *i = in_node(f, o, 0);
    const double *x = in_value(f, o, 0);

    EACH_OUTPUT(f, o)
    {
        double sum = 0, most = -INFINITY;
        int64_t count = 0, rows = 0, inside;

        for (int64_t p = 0; p < o->kernel_h; p++) {
            for (int64_t q = 0; q < o->kernel_w; q++) {
                int64_t r = h * o->stride_h - o->padding_h + p;
                int64_t t = w * o->stride_w - o->padding_w + q;

                inside = r >= 0 && r < i->h && t >= 0 && t < i->w;
                rows += r < i->h + o->padding_h && t < i->w + o->padding_w;
                count += inside;
                if (inside) {
                    sum += x[place(i, b, c, r, t)];
                    most = fmax(most, x[place(i, b, c, r, t)]);
                }
            }
        }
        y[place(o, b, c, h, w)] =
            largest ? most : sum / (double)(o->count_include_pad ? rows : count);
    }
}

static void ref_avg_pool(const struct forward *f, const tcet_node *o, double *y)
{
    pool_windows(f, o, y, 0);
}

static void ref_max_pool(const struct forward *f, const tcet_node *o, double *y)
{
    pool_windows(f, o, y, 1);
}

static void ref_global_pool(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0);
    int64_t hw = (int64_t)i->h * i->w;

    for (int64_t k = 0; k < f->n * o->c; k++) {
        y[k] = 0;
        for (int64_t p = 0; p < hw; p++)
            y[k] += in_value(f, o, 0)[k * hw + p] / (double)hw;
    }
}

static void ref_add(const struct forward *f, const tcet_node *o, double *y)
{
    for (int64_t k = 0; k < f->n * units(o); k++) {
        y[k] = 0;
        for (int32_t i = 0; i < o->input_count; i++)
            y[k] += in_value(f, o, i)[k];
    }
}

static void ref_concat(const struct forward *f, const tcet_node *o, double *y)
{
    for (int64_t b = 0; b < f->n; b++) {
        for (int32_t i = 0; i < o->input_count; i++) {
            int64_t count = units(in_node(f, o, i));

            memcpy(y, in_value(f, o, i) + b * count, (size_t)count * sizeof *y);
            y += count;
        }
    }
}

static void ref_mul(const struct forward *f, const tcet_node *o, double *y)
{
    int spread = units(in_node(f, o, 1)) != units(o);

    EACH_OUTPUT(f, o)
    {
        int64_t at = place(o, b, c, h, w);

        y[at] = in_value(f, o, 0)[at] * in_value(f, o, 1)[spread ? b * o->c + c : at];
    }
}

static void ref_zero(const struct forward *f, const tcet_node *o, double *y)
{
    memset(y, 0, (size_t)(f->n * units(o)) * sizeof *y);
}

static void ref_slice(const struct forward *f, const tcet_node *o, double *y)
{
    EACH_OUTPUT(f, o)
    y[place(o, b, c, h, w)] = in_value(
        f, o, 0)[place(in_node(f, o, 0), b, c + o->offset_c, h + o->offset_h, w + o->offset_w)];
}

static void ref_pad(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0);

    EACH_OUTPUT(f, o)
    y[place(o, b, c, h, w)] = h < i->h && w < i->w ? in_value(f, o, 0)[place(i, b, c, h, w)] : 0;
}

/* Element by element. */
#define CURVE(name, expression)                                                    \
    static void ref_##name(const struct forward *f, const tcet_node *o, double *y) \
    {                                                                              \
        for (int64_t k = 0; k < f->n * units(o); k++) {                            \
            double x = in_value(f, o, 0)[k];                                       \
                                                                                   \
            y[k] = expression;                                                     \
        }                                                                          \
    }

CURVE(relu, x > 0 ? x : 0)
CURVE(identity, x)
CURVE(scale, x * o->eps)
CURVE(tanh, tanh(x))
CURVE(sigmoid, 1 / (1 + exp(-x)))
CURVE(swish, x / (1 + exp(-x)))
CURVE(hswish, x *fmin(fmax(x + 3, 0), 6) / 6)
CURVE(gelu, x * 0.5 * erfc(-x / sqrt(2)))
CURVE(relu6, fmin(fmax(x, 0), 6))
CURVE(hsigmoid, fmin(fmax(x + 3, 0), 6) / 6)
CURVE(leaky_relu, x > 0 ? x : x * o->eps)

static void ref_shuffle(const struct forward *f, const tcet_node *o, double *y)
{
    int64_t area = (int64_t)o->h * o->w, each = o->c / o->groups;

    for (int64_t i = 0; i < f->n; i++)
        for (int64_t k = 0; k < o->c; k++)
            for (int64_t p = 0; p < area; p++)
                y[(i * o->c + k) * area + p] =
                    in_value(f, o, 0)[(i * o->c + k % o->groups * each + k / o->groups) * area + p];
}

static void ref_parameter(const struct forward *f, const tcet_node *o, double *y)
{
    for (int64_t i = 0; i < f->n; i++)
        memcpy(y + i * o->c, weight_of(f, o), (size_t)o->c * sizeof *y);
}

static void ref_arrange(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *x = in_node(f, o, 0);
    int64_t area = (int64_t)o->h * o->w, from = (int64_t)x->h * x->w;

    for (int64_t i = 0; i < f->n; i++)
        for (int64_t k = 0; k < o->c * area; k++) {
            int whole = o->index_count == area; /* of positions with their channels */
            int64_t at = o->index[whole ? k % area : k];

            at = at < 0 ? -1 : whole ? k / area * from + at : at;
            y[i * o->c * area + k] = at < 0 ? 0 : in_value(f, o, 0)[i * x->c * from + at];
        }
}

/* Products of tokens: positions are the last two axes. */
static void ref_matmul_t(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0), *j = in_node(f, o, 1);
    int64_t keys = (int64_t)j->h * j->w, each = i->c / o->groups;

    EACH_OUTPUT(f, o)
    {
        int64_t first = c / keys * each, key = c % keys;
        double sum = 0;

        for (int64_t s = first; s < first + each; s++)
            sum += in_value(f, o, 0)[place(i, b, s, h, w)] *
                   in_value(f, o, 1)[place(j, b, s, key / j->w, key % j->w)];
        y[place(o, b, c, h, w)] = sum;
    }
}

static void ref_matmul(const struct forward *f, const tcet_node *o, double *y)
{
    const tcet_node *i = in_node(f, o, 0), *j = in_node(f, o, 1);
    int64_t keys = (int64_t)j->h * j->w, each = j->c / o->groups;

    EACH_OUTPUT(f, o)
    {
        double sum = 0;

        for (int64_t k = 0; k < keys; k++)
            sum += in_value(f, o, 0)[place(i, b, c / each * keys + k, h, w)] *
                   in_value(f, o, 1)[place(j, b, c, k / j->w, k % j->w)];
        y[place(o, b, c, h, w)] = sum;
    }
}

static void ref_softmax(const struct forward *f, const tcet_node *o, double *y)
{
    int64_t each = o->c / o->groups;

    EACH_OUTPUT(f, o)
    {
        double sum = 0;

        for (int64_t s = c / each * each; s < (c / each + 1) * each; s++)
            sum += exp(in_value(f, o, 0)[place(o, b, s, h, w)]);
        y[place(o, b, c, h, w)] = exp(in_value(f, o, 0)[place(o, b, c, h, w)]) / sum;
    }
}

static void ref_layer_norm(const struct forward *f, const tcet_node *o, double *y)
{
    const double *x = in_value(f, o, 0);

    EACH_OUTPUT(f, o)
    {
        int64_t at = place(o, b, c, h, w);
        double mean = 0, var = 0;

        for (int64_t s = 0; s < o->c; s++)
            mean += x[place(o, b, s, h, w)] / o->c;
        for (int64_t s = 0; s < o->c; s++)
            var += pow(x[place(o, b, s, h, w)] - mean, 2) / o->c;
        y[at] = (x[at] - mean) / sqrt(var + o->eps);
        if (o->affine)
            y[at] = y[at] * weight_of(f, o)[c] + bias_of(f, o)[c];
    }
}

typedef void reference_op(const struct forward *f, const tcet_node *o, double *y);

static reference_op *const reference[TCET_OPS] = {
    [TCET_OP_INPUT] = ref_input,
    [TCET_OP_CONV2D] = ref_conv2d,
    [TCET_OP_CONV_TRANSPOSE] = ref_conv_transpose,
    [TCET_OP_TANH] = ref_tanh,
    [TCET_OP_LINEAR] = ref_linear,
    [TCET_OP_BATCH_NORM] = ref_batch_norm,
    [TCET_OP_RELU] = ref_relu,
    [TCET_OP_AVG_POOL] = ref_avg_pool,
    [TCET_OP_MAX_POOL] = ref_max_pool,
    [TCET_OP_GLOBAL_POOL] = ref_global_pool,
    [TCET_OP_ADD] = ref_add,
    [TCET_OP_CONCAT] = ref_concat,
    [TCET_OP_MUL] = ref_mul,
    [TCET_OP_ZERO] = ref_zero,
    [TCET_OP_IDENTITY] = ref_identity,
    [TCET_OP_SLICE] = ref_slice,
    [TCET_OP_PAD] = ref_pad,
    [TCET_OP_SIGMOID] = ref_sigmoid,
    [TCET_OP_SWISH] = ref_swish,
    [TCET_OP_HSWISH] = ref_hswish,
    [TCET_OP_RELU6] = ref_relu6,
    [TCET_OP_SCALE] = ref_scale,
    [TCET_OP_MATMUL_T] = ref_matmul_t,
    [TCET_OP_MATMUL] = ref_matmul,
    [TCET_OP_SOFTMAX] = ref_softmax,
    [TCET_OP_LAYER_NORM] = ref_layer_norm,
    [TCET_OP_GELU] = ref_gelu,
    [TCET_OP_HSIGMOID] = ref_hsigmoid,
    [TCET_OP_LEAKY_RELU] = ref_leaky_relu,
    [TCET_OP_SHUFFLE] = ref_shuffle,
    [TCET_OP_PARAMETER] = ref_parameter,
    [TCET_OP_ARRANGE] = ref_arrange,
};

/* The logits [n, classes] of n images with the graph's parameters, into `logits`. */
static inline void reference_forward(const tcet_graph *g, const double *params, const double *image,
                                     int64_t n, double *logits)
{
    struct forward f = {.graph = g, .params = params, .image = image, .n = n};

    f.value = calloc((size_t)g->node_count, sizeof *f.value);
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *o = &g->nodes[i];

        f.value[i] = calloc((size_t)(n * units(o)) + 1, sizeof **f.value);
        reference[o->op](&f, o, f.value[i]);
    }
    memcpy(logits, f.value[g->output], (size_t)(n * g->classes) * sizeof *logits);
    for (int32_t i = 0; i < g->node_count; i++)
        free(f.value[i]);
    free(f.value);
}

/* The mean cross entropy of n images. */
static inline double reference_loss(const tcet_graph *g, const double *params, const double *image,
                                    const int64_t *y, int64_t n)
{
    double *z = calloc((size_t)(n * g->classes), sizeof *z), sum = 0;

    reference_forward(g, params, image, n, z);
    for (int64_t i = 0; i < n; i++) {
        const double *line = z + i * g->classes;
        double all = 0;

        for (int64_t k = 0; k < g->classes; k++)
            all += exp(line[k]);
        sum += (log(all) - line[y[i]]) / (double)n;
    }
    free(z);
    return sum;
}

#endif
