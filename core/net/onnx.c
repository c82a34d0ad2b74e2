/* onnx.c -- a network as an ONNX file of opset 13: the graph in eval mode with its weights.
 *
 * Room: core/net.  Stands on core/graph and core/base.  One function writes an operation's nodes.  Values
 * have four dimensions as in the graph, [batch, c, h, w], but for what a linear layer gives, which becomes
 * so when it is asked for.  Nodes that the output does not need are left out, and so are zeros that are
 * added. */
#include "net/internal.h"

#include "net/proto.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers of onnx.proto: fields, and types of elements and attributes. */
enum { IR_VERSION = 7, OPSET = 13 };
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20
};
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum {
    ELEMENT_FLOAT = 1,
    ELEMENT_INT64 = 7,
    TYPE_FLOAT = 1,
    TYPE_INT = 2,
    TYPE_TENSOR = 4,
    TYPE_INTS = 7
};

struct value {
    const char *whole; /* name of [batch, c, h, w]; NULL: not there yet */
    const char *flat;  /* name of [batch, c]; NULL: not there */
    int needed;        /* by the output */
    int zero;
};

struct writer {
    const struct net *net;
    const tcet_graph *g;
    struct arena arena;
    struct tensors tensors;
    const struct tensor **first; /* a module's first tensor; NULL: it has none */
    uint8_t *written;            /* modules whose tensors are initializers */
    struct value *values;        /* one a node */
    struct buf nodes, initializers;
    struct buf attributes; /* of the next node */
    int counter;
    const tcet_node *at;
};

/* -- Attributes, initializers, nodes ------------------------------------------------------- */

static void add_int(struct writer *w, const char *name, int64_t v)
{
    struct buf a = {0};

    proto_text(&a, ATTRIBUTE_NAME, name);
    proto_int(&a, ATTRIBUTE_I, v);
    proto_int(&a, ATTRIBUTE_TYPE, TYPE_INT);
    proto_message(&w->attributes, NODE_ATTRIBUTE, &a);
}

static void add_float(struct writer *w, const char *name, double v)
{
    struct buf a = {0};

    proto_text(&a, ATTRIBUTE_NAME, name);
    proto_float(&a, ATTRIBUTE_F, (float)v);
    proto_int(&a, ATTRIBUTE_TYPE, TYPE_FLOAT);
    proto_message(&w->attributes, NODE_ATTRIBUTE, &a);
}

static void add_ints(struct writer *w, const char *name, const int64_t *v, int n)
{
    struct buf a = {0};

    proto_text(&a, ATTRIBUTE_NAME, name);
    for (int i = 0; i < n; i++)
        proto_int(&a, ATTRIBUTE_INTS, v[i]);
    proto_int(&a, ATTRIBUTE_TYPE, TYPE_INTS);
    proto_message(&w->attributes, NODE_ATTRIBUTE, &a);
}

/* [n] floats. */
static void add_tensor(struct writer *w, const char *name, const float *v, int64_t n)
{
    struct buf t = {0}, a = {0};

    proto_int(&t, TENSOR_DIMS, n);
    proto_int(&t, TENSOR_TYPE, ELEMENT_FLOAT);
    proto_bytes(&t, TENSOR_RAW, v, (size_t)n * sizeof *v);
    proto_text(&a, ATTRIBUTE_NAME, name);
    proto_message(&a, ATTRIBUTE_T, &t);
    proto_int(&a, ATTRIBUTE_TYPE, TYPE_TENSOR);
    proto_message(&w->attributes, NODE_ATTRIBUTE, &a);
}

static const char *initializer(struct writer *w, const char *name, int32_t type,
                               const int64_t *dims, int32_t ndim, const void *data, size_t bytes)
{
    struct buf t = {0};

    for (int32_t i = 0; i < ndim; i++)
        proto_int(&t, TENSOR_DIMS, dims[i]);
    proto_int(&t, TENSOR_TYPE, type);
    proto_text(&t, TENSOR_NAME, name);
    proto_bytes(&t, TENSOR_RAW, data, bytes);
    proto_message(&w->initializers, GRAPH_INITIALIZER, &t);
    return name;
}

static const char *unique(struct writer *w, const char *what)
{
    return arena_printf(&w->arena, "%s_%d", what, w->counter++);
}

static const char *constant(struct writer *w, double v)
{
    float number = (float)v;

    return initializer(w, unique(w, "constant"), ELEMENT_FLOAT, NULL, 0, &number, sizeof number);
}

static const char *integers(struct writer *w, const int64_t *v, int64_t n)
{
    return initializer(w, unique(w, "constant"), ELEMENT_INT64, &n, 1, v, (size_t)n * sizeof *v);
}

/* n equal floats [n] or, with rest, [n, rest, 1, 1]. */
static const char *filled(struct writer *w, float v, int64_t n, int64_t rest)
{
    const int64_t dims[] = {n, rest, 1, 1};
    struct buf b = {0};
    const char *name = unique(w, "constant");

    for (int64_t i = 0; i < n * (rest ? rest : 1); i++)
        buf_add(&b, &v, sizeof v);
    initializer(w, name, ELEMENT_FLOAT, dims, rest ? 4 : 1, b.data, b.len);
    buf_free(&b);
    return name;
}

/* A node of up to five inputs, the first NULL ends them; its output's name. */
static const char *node(struct writer *w, const char *op, const char *const in[5])
{
    char module[512];
    const char *out = unique(w, "value");
    struct buf n = {0};

    for (int i = 0; i < 5 && in[i]; i++)
        proto_text(&n, NODE_INPUT, in[i]);
    proto_text(&n, NODE_OUTPUT, out);
    if (w->at && w->at->module >= 0)
        graph_module_name(w->net->graph, w->at->module, module, sizeof module);
    else
        *module = '\0';
    proto_text(&n, NODE_NAME, arena_printf(&w->arena, "%s%s%s", module, *module ? "/" : "", out));
    proto_text(&n, NODE_OP, op);
    if (w->attributes.len)
        buf_add(&n, w->attributes.data, w->attributes.len);
    w->attributes.len = 0;
    proto_message(&w->nodes, GRAPH_NODE, &n);
    return out;
}
#define NODE(w, op, ...) node(w, op, (const char *const[5]){__VA_ARGS__})

/* -- Weights ------------------------------------------------------------------------------ */

/* The initializers of a module: weight, bias, running_mean, running_var, NULL where there is none. */
struct weights {
    const char *weight, *bias, *mean, *var;
};

static struct weights weights_of(struct writer *w, int32_t module)
{
    const struct tensor *end = w->tensors.list + w->tensors.count;
    struct weights out = {NULL, NULL, NULL, NULL};
    struct buf data = {0};

    for (const struct tensor *t = module < 0 ? NULL : w->first[module];
         t && t < end && t->module == module; t++) {
        const tcet_graph_module *m = &w->g->modules[module];
        int64_t dims[4] = {t->shape[0], t->shape[1], t->shape[2], t->shape[3]};
        int32_t ndim = t->ndim;

        if (t->kind == TENSOR_STEPS)
            continue;
        if (t->kind == TENSOR_RUNNING)
            *(t->initial > 0 ? &out.var : &out.mean) = t->name;
        else
            *(t->place == m->weight ? &out.weight : &out.bias) = t->name;
        if (m->kind == TCET_LAYER_LAYER_NORM) { /* of every position */
            dims[1] = dims[2] = 1;
            ndim = 3;
        }
        if (w->written[module])
            continue;
        data.len = 0;
        net_add_tensor(w->net, t, &data);
        initializer(w, t->name, ELEMENT_FLOAT, dims, ndim, data.data, data.len);
    }
    if (module >= 0)
        w->written[module] = 1;
    buf_free(&data);
    return out;
}

/* -- Values ------------------------------------------------------------------------------- */

static const char *reshaped(struct writer *w, const char *x, int64_t c, int64_t h, int64_t width)
{
    const int64_t shape[] = {0, c, h, width};

    return NODE(w, "Reshape", x, integers(w, shape, 4));
}

/* Node i as [batch, c, h, w]. */
static const char *whole(struct writer *w, int32_t i)
{
    const tcet_node *n = &w->g->nodes[i];
    struct value *v = &w->values[i];

    if (v->whole)
        return v->whole;
    if (v->zero) { /* asked for after all: a convolution of the input with 0 */
        const tcet_node *x = &w->g->nodes[w->g->inputs[n->first_input]];
        const int64_t strides[] = {n->stride_h, n->stride_w};
        int alike = x->c == n->c;

        if (n->op == TCET_OP_ZERO) {
            const char *from = whole(w, w->g->inputs[n->first_input]);

            add_ints(w, "strides", strides, 2);
            add_int(w, "group", alike ? x->c : 1);
            v->whole = NODE(w, "Conv", from, filled(w, 0, n->c, alike ? 1 : x->c));
        } else { /* a sum or a copy of zeros */
            v->whole = whole(w, w->g->inputs[n->first_input]);
        }
    } else {
        v->whole = reshaped(w, v->flat, n->c, 1, 1);
    }
    return v->whole;
}

static const char *flat(struct writer *w, int32_t i)
{
    struct value *v = &w->values[i];

    if (!v->flat) {
        const char *x = whole(w, i);

        add_int(w, "axis", 1);
        v->flat = NODE(w, "Flatten", x);
    }
    return v->flat;
}

/* -- Operations --------------------------------------------------------------------------- */

static void add_window(struct writer *w, const tcet_node *n)
{
    const int64_t kernel[] = {n->kernel_h, n->kernel_w}, strides[] = {n->stride_h, n->stride_w};
    const int64_t pads[] = {n->padding_h, n->padding_w, n->padding_h, n->padding_w};

    add_ints(w, "kernel_shape", kernel, 2);
    add_ints(w, "strides", strides, 2);
    add_ints(w, "pads", pads, 4);
}

static const char *window_of_weights(struct writer *w, const tcet_node *n, const char *op,
                                     const char *x, const struct weights *p)
{
    const int64_t dilations[] = {n->dilation_h, n->dilation_w};

    add_window(w, n);
    add_ints(w, "dilations", dilations, 2);
    add_int(w, "group", n->groups);
    return NODE(w, op, x, p->weight, p->bias);
}

static const char *conv(struct writer *w, const tcet_node *n, const char *x)
{
    struct weights p = weights_of(w, n->module);

    return window_of_weights(w, n, "Conv", x, &p);
}

static const char *conv_transpose(struct writer *w, const tcet_node *n, const char *x)
{
    const int64_t more[] = {n->offset_h, n->offset_w};
    struct weights p = weights_of(w, n->module);

    add_ints(w, "output_padding", more, 2);
    return window_of_weights(w, n, "ConvTranspose", x, &p);
}

static const char *linear(struct writer *w, const tcet_node *n, const char *x)
{
    struct weights p = weights_of(w, n->module);

    add_int(w, "transB", 1);
    return NODE(w, "Gemm", x, p.weight, p.bias);
}

/* x less its mean over the axes, over its deviation. */
static const char *standardised(struct writer *w, const char *x, const int64_t *axes, int count,
                                double eps)
{
    const char *mean, *apart, *variance;

    add_ints(w, "axes", axes, count);
    mean = NODE(w, "ReduceMean", x);
    apart = NODE(w, "Sub", x, mean);
    variance = NODE(w, "Mul", apart, apart);
    add_ints(w, "axes", axes, count);
    variance = NODE(w, "ReduceMean", variance);
    variance = NODE(w, "Sqrt", NODE(w, "Add", variance, constant(w, eps)));
    return NODE(w, "Div", apart, variance);
}

static const char *batch_norm(struct writer *w, const tcet_node *n, const char *x)
{
    static const int64_t all[] = {0, 2, 3};
    struct weights p = weights_of(w, n->module);
    const char *gamma = n->affine ? p.weight : filled(w, 1, n->c, 0);
    const char *beta = n->affine ? p.bias : filled(w, 0, n->c, 0);

    if (!n->track) { /* no statistics of its own: the batch's, as PyTorch */
        const int64_t shape[] = {1, n->c, 1, 1};
        const char *to = integers(w, shape, 4);

        x = standardised(w, x, all, 3, n->eps);
        x = NODE(w, "Mul", x, NODE(w, "Reshape", gamma, to));
        return NODE(w, "Add", x, NODE(w, "Reshape", beta, to));
    }
    add_float(w, "epsilon", n->eps);
    return NODE(w, "BatchNormalization", x, gamma, beta, p.mean, p.var);
}

static const char *layer_norm(struct writer *w, const tcet_node *n, const char *x)
{
    static const int64_t channels[] = {1};
    struct weights p = weights_of(w, n->module);

    x = standardised(w, x, channels, 1, n->eps);
    return n->affine ? NODE(w, "Add", NODE(w, "Mul", x, p.weight), p.bias) : x;
}

static const char *sum(struct writer *w, const tcet_node *n)
{
    const char *total = NULL;

    for (int32_t i = 0; i < n->input_count; i++) {
        int32_t input = w->g->inputs[n->first_input + i];
        const char *x = w->values[input].zero ? NULL : whole(w, input);

        if (x)
            total = total ? NODE(w, "Add", total, x) : x;
    }
    return total;
}

static const char *concat(struct writer *w, const tcet_node *n)
{
    struct buf b = {0};
    const char *out = unique(w, "value");

    for (int32_t i = 0; i < n->input_count; i++) /* first: they may be written just now */
        whole(w, w->g->inputs[n->first_input + i]);
    for (int32_t i = 0; i < n->input_count; i++)
        proto_text(&b, NODE_INPUT, whole(w, w->g->inputs[n->first_input + i]));
    proto_text(&b, NODE_OUTPUT, out);
    proto_text(&b, NODE_NAME, out);
    proto_text(&b, NODE_OP, "Concat");
    add_int(w, "axis", 1);
    buf_add(&b, w->attributes.data, w->attributes.len);
    w->attributes.len = 0;
    proto_message(&w->nodes, GRAPH_NODE, &b);
    return out;
}

static const char *slice(struct writer *w, const tcet_node *n, const char *x)
{
    static const int64_t axes[] = {1, 2, 3};
    const int64_t from[] = {n->offset_c, n->offset_h, n->offset_w};
    const int64_t to[] = {(int64_t)n->offset_c + n->c, INT32_MAX, INT32_MAX};

    return NODE(w, "Slice", x, integers(w, from, 3), integers(w, to, 3), integers(w, axes, 3));
}

static const char *pad(struct writer *w, const tcet_node *n, const char *x)
{
    const int64_t pads[] = {0, 0, 0, 0, 0, 0, n->padding_h, n->padding_w};

    return NODE(w, "Pad", x, integers(w, pads, 8));
}

/* [batch, heads, channels of one, positions] */
static const char *heads(struct writer *w, const tcet_node *n, int32_t channels, const char *x)
{
    return reshaped(w, x, n->groups, channels / n->groups, -1);
}

static const char *matmul(struct writer *w, const tcet_node *n, const char *x, int32_t other)
{
    static const int64_t swapped[] = {0, 1, 3, 2};
    const tcet_node *in = &w->g->nodes[w->g->inputs[n->first_input]], *y = &w->g->nodes[other];
    const char *left = heads(w, n, y->c, whole(w, other));

    x = heads(w, n, in->c, x);
    if (n->op == TCET_OP_MATMUL_T) {
        add_ints(w, "perm", swapped, 4);
        left = NODE(w, "Transpose", left);
    }
    return reshaped(w, NODE(w, "MatMul", left, x), n->c, n->h, n->w);
}

static const char *softmax(struct writer *w, const tcet_node *n, const char *x)
{
    x = heads(w, n, n->c, x);
    add_int(w, "axis", 2);
    return reshaped(w, NODE(w, "Softmax", x), n->c, n->h, n->w);
}

static const char *hsigmoid(struct writer *w, const char *x)
{
    add_float(w, "alpha", 1.0 / 6);
    add_float(w, "beta", 0.5);
    return NODE(w, "HardSigmoid", x);
}

static const char *shuffle(struct writer *w, const tcet_node *n, const char *x)
{
    static const int64_t turned[] = {0, 2, 1, 3};

    x = heads(w, n, n->c, x);
    add_ints(w, "perm", turned, 4);
    return reshaped(w, NODE(w, "Transpose", x), n->c, n->h, n->w);
}

/* A module's own numbers, for every image of the batch. */
static const char *parameter(struct writer *w, const tcet_node *n)
{
    static const int64_t first = 0;
    const int64_t ones[] = {1, 1, 1}, image[] = {1, n->c, 1, 1};
    const tcet_graph_module *m = &w->g->modules[n->module];
    const char *name = weights_of(w, n->module).weight, *batch;

    if (!name) { /* a constant, which is none of the network's tensors, and no initializer */
        add_tensor(w, "value", w->net->params + m->weight, m->weight_count);
        name = NODE(w, "Constant", NULL);
    }
    batch = NODE(w, "Gather", NODE(w, "Shape", "input"), integers(w, &first, 1));
    add_int(w, "axis", 0);
    batch = NODE(w, "Concat", batch, integers(w, ones, 3));
    return NODE(w, "Expand", NODE(w, "Reshape", name, integers(w, image, 4)), batch);
}

/* Numbers in other places: those that are to be 0 are a number more, behind the last. */
static const char *arrange(struct writer *w, const tcet_node *n, const char *x)
{
    static const int64_t one_after[] = {0, 0, 0, 0, 0, 1};
    const tcet_node *in = &w->g->nodes[w->g->inputs[n->first_input]];
    int64_t from = (int64_t)in->h * in->w, *at;
    int whole = n->index_count == (int64_t)n->h * n->w && in->c == n->c, zeros = 0;
    int64_t shape[] = {0, whole ? in->c : 1, -1};

    from *= whole ? 1 : in->c;
    at = arena_alloc(&w->arena, (size_t)n->index_count * sizeof *at);
    for (int64_t k = 0; k < n->index_count; k++) {
        at[k] = n->index[k] < 0 ? from : n->index[k];
        zeros |= n->index[k] < 0;
    }
    x = NODE(w, "Reshape", x, integers(w, shape, 3));
    if (zeros)
        x = NODE(w, "Pad", x, integers(w, one_after, 6));
    add_int(w, "axis", 2);
    return reshaped(w, NODE(w, "Gather", x, integers(w, at, n->index_count)), n->c, n->h, n->w);
}

static const char *leaky_relu(struct writer *w, const tcet_node *n, const char *x)
{
    add_float(w, "alpha", n->eps);
    return NODE(w, "LeakyRelu", x);
}

static const char *gelu(struct writer *w, const char *x)
{
    const char *erf = NODE(w, "Erf", NODE(w, "Mul", x, constant(w, sqrt(0.5))));

    return NODE(w, "Mul", NODE(w, "Mul", x, constant(w, 0.5)), NODE(w, "Add", erf, constant(w, 1)));
}

/* The one value of an operation with one input, or a first one; NULL: there is no such. */
static const char *operation(struct writer *w, const tcet_node *n, const char *x)
{
    int32_t other = n->input_count > 1 ? w->g->inputs[n->first_input + 1] : -1;

    switch (n->op) {
    case TCET_OP_CONV2D: return conv(w, n, x);
    case TCET_OP_BATCH_NORM: return batch_norm(w, n, x);
    case TCET_OP_LAYER_NORM: return layer_norm(w, n, x);
    case TCET_OP_RELU: return NODE(w, "Relu", x);
    case TCET_OP_AVG_POOL:
        add_window(w, n);
        add_int(w, "count_include_pad", n->count_include_pad);
        return NODE(w, "AveragePool", x);
    case TCET_OP_MAX_POOL: add_window(w, n); return NODE(w, "MaxPool", x);
    case TCET_OP_GLOBAL_POOL: return NODE(w, "GlobalAveragePool", x);
    case TCET_OP_MUL: return NODE(w, "Mul", x, whole(w, other));
    case TCET_OP_SLICE: return slice(w, n, x);
    case TCET_OP_PAD: return pad(w, n, x);
    case TCET_OP_SIGMOID: return NODE(w, "Sigmoid", x);
    case TCET_OP_SWISH: return NODE(w, "Mul", x, NODE(w, "Sigmoid", x));
    case TCET_OP_HSWISH: return NODE(w, "Mul", x, hsigmoid(w, x));
    case TCET_OP_RELU6: return NODE(w, "Clip", x, constant(w, 0), constant(w, 6));
    case TCET_OP_SCALE: return NODE(w, "Mul", x, constant(w, n->eps));
    case TCET_OP_MATMUL_T:
    case TCET_OP_MATMUL: return matmul(w, n, x, other);
    case TCET_OP_SOFTMAX: return softmax(w, n, x);
    case TCET_OP_GELU: return gelu(w, x);
    case TCET_OP_HSIGMOID: return hsigmoid(w, x);
    case TCET_OP_SHUFFLE: return shuffle(w, n, x);
    case TCET_OP_ARRANGE: return arrange(w, n, x);
    case TCET_OP_LEAKY_RELU: return leaky_relu(w, n, x);
    case TCET_OP_CONV_TRANSPOSE: return conv_transpose(w, n, x);
    case TCET_OP_TANH: return NODE(w, "Tanh", x);
    default: return NULL;
    }
}

static tcet_status put_node(struct writer *w, int32_t i, struct error *err)
{
    const tcet_node *n = &w->g->nodes[i];
    const int32_t *inputs = w->g->inputs + n->first_input;
    struct value *v = &w->values[i];

    w->at = n;
    switch (n->op) {
    case TCET_OP_INPUT: v->whole = "input"; break;
    case TCET_OP_LINEAR: v->flat = linear(w, n, flat(w, inputs[0])); break;
    case TCET_OP_ZERO: v->zero = 1; break;
    case TCET_OP_PARAMETER: v->whole = parameter(w, n); break;
    case TCET_OP_ADD:
        v->whole = sum(w, n);
        v->zero = !v->whole;
        break;
    case TCET_OP_CONCAT: v->whole = concat(w, n); break;
    case TCET_OP_IDENTITY: *v = w->values[inputs[0]]; break;
    default:
        v->whole = operation(w, n, whole(w, inputs[0]));
        if (!v->whole)
            return error_set(err, TCET_E_UNSUPPORTED, "the operation %s has no form in ONNX",
                             graph_op(n->op)->name);
    }
    return TCET_OK;
}

/* -- The model ---------------------------------------------------------------------------- */

static void put_value(struct buf *graph, uint32_t field, const char *name, const int64_t *dims,
                      int n)
{
    struct buf shape = {0}, dim = {0}, tensor = {0}, type = {0}, info = {0};

    proto_text(&dim, 2, "batch");
    proto_message(&shape, 1, &dim);
    for (int i = 0; i < n; i++) {
        proto_int(&dim, 1, dims[i]);
        proto_message(&shape, 1, &dim);
    }
    proto_int(&tensor, 1, ELEMENT_FLOAT);
    proto_message(&tensor, 2, &shape);
    proto_message(&type, 1, &tensor);
    proto_text(&info, 1, name);
    proto_message(&info, 2, &type);
    proto_message(graph, field, &info);
}

static void put_metadata(struct buf *model, const char *key, const char *value)
{
    struct buf pair = {0};

    if (!value)
        return;
    proto_text(&pair, 1, key);
    proto_text(&pair, 2, value);
    proto_message(model, MODEL_METADATA, &pair);
}

static void put_model(struct writer *w, struct buf *out)
{
    const tcet_node *end = &w->g->nodes[w->g->output];
    const int64_t image[] = {w->g->channels, w->g->height, w->g->width};
    const int64_t logits[] = {end->c, end->h, end->w};
    int map = end->h > 1 || end->w > 1;
    struct buf graph = {0}, opset = {0}, last = {0};

    w->at = NULL;
    proto_text(&last, NODE_INPUT, map ? whole(w, w->g->output) : flat(w, w->g->output));
    proto_text(&last, NODE_OUTPUT, "logits");
    proto_text(&last, NODE_NAME, "logits");
    proto_text(&last, NODE_OP, "Identity");
    proto_message(&w->nodes, GRAPH_NODE, &last);
    buf_add(&graph, w->nodes.data, w->nodes.len);
    proto_text(&graph, GRAPH_NAME, w->net->space ? w->net->space : "network");
    if (w->initializers.len)
        buf_add(&graph, w->initializers.data, w->initializers.len);
    put_value(&graph, GRAPH_INPUT, "input", image, 3);
    put_value(&graph, GRAPH_OUTPUT, "logits", logits, map ? 3 : 1);
    proto_int(out, MODEL_IR, IR_VERSION);
    proto_text(out, MODEL_PRODUCER, "tcet-host");
    proto_message(out, MODEL_GRAPH, &graph);
    proto_text(&opset, 1, "");
    proto_int(&opset, 2, OPSET);
    proto_message(out, MODEL_OPSET, &opset);
    put_metadata(out, "space", w->net->space);
    put_metadata(out, "arch", w->net->arch);
    put_metadata(out, "digest", w->net->digest);
    put_metadata(out, "epoch", w->net->epoch);
}

static void find_needed(struct writer *w)
{
    w->values[w->g->output].needed = 1;
    for (int32_t i = w->g->node_count - 1; i >= 0; i--) {
        const tcet_node *n = &w->g->nodes[i];

        for (int32_t k = 0; k < n->input_count && w->values[i].needed; k++)
            w->values[w->g->inputs[n->first_input + k]].needed = 1;
    }
}

tcet_status net_pack_onnx(const struct net *n, struct buf *out, struct error *err)
{
    struct writer w = {.net = n, .g = graph_view(n->graph)};
    size_t modules = (size_t)w.g->module_count + 1;
    tcet_status st = TCET_OK;

    net_tensors(n->graph, &w.arena, &w.tensors);
    w.first = arena_alloc(&w.arena, modules * sizeof(const struct tensor *));
    w.written = arena_alloc(&w.arena, modules);
    w.values = arena_alloc(&w.arena, (size_t)w.g->node_count * sizeof *w.values + 1);
    for (size_t i = w.tensors.count; i-- > 0;)
        w.first[w.tensors.list[i].module] = &w.tensors.list[i];
    find_needed(&w);
    for (int32_t i = 0; i < w.g->node_count && st >= 0; i++) {
        if (w.values[i].needed)
            st = put_node(&w, i, err);
    }
    if (st >= 0 && w.nodes.len + w.initializers.len > INT32_MAX)
        st = error_set(err, TCET_E_UNSUPPORTED,
                       "an ONNX file of %zu bytes would be larger than protobuf allows",
                       w.nodes.len + w.initializers.len);
    if (st >= 0)
        put_model(&w, out);
    buf_free(&w.nodes);
    buf_free(&w.initializers);
    buf_free(&w.attributes);
    arena_free(&w.arena);
    return st;
}
