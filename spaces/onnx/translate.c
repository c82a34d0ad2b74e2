/* translate.c -- an ONNX graph node by node: what is constant is folded, the rest is given to the
 * builder by a rule a kind; see net.h.  Room: spaces/onnx. */
#include <math.h>
#include <string.h>

#include "onnx/net.h"

/* ---- what rules share ---- */

tcet_status onnx_net_data(struct onnx_net *x, const struct onnx_node *n, int32_t k,
                          struct onnx_value **out)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    *out = v;
    if (!v)
        return ONNX_REFUSE(x, n, "input %d is missing", k + 1);
    if (v->constant)
        return ONNX_REFUSE(
            x, n,
            "input %d, \"%.100s\", is a constant tensor, which this operation is not "
            "read with",
            k + 1, v->name);
    if (!v->layout)
        return ONNX_REFUSE(x, n, "it reads \"%.100s\", which nothing gives", v->name);
    return TCET_OK;
}

tcet_status onnx_net_constant(struct onnx_net *x, const struct onnx_node *n, int32_t k,
                              const struct onnx_tensor **out)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    *out = NULL;
    if (!v)
        return TCET_OK;
    if (!v->constant)
        return ONNX_REFUSE(x, n, "input %d, \"%.100s\", is no constant; it must be one", k + 1,
                           v->name);
    if (!onnx_type_size(v->constant->type))
        return ONNX_REFUSE(x, n, "input %d, \"%.100s\", has elements of type %d, which is not read",
                           k + 1, v->name, v->constant->type);
    *out = v->constant;
    return TCET_OK;
}

tcet_status onnx_net_set(struct onnx_net *x, const struct onnx_node *n, int32_t node,
                         const struct onnx_layout *layout)
{
    struct onnx_layout *copy = onnx_alloc(x->m, 1, sizeof *copy);
    struct onnx_value *v;

    if (!copy)
        return TCET_E_MEMORY;
    if (!n->output_count)
        return ONNX_REFUSE(x, n, "it has no output");
    *copy = *layout;
    v = onnx_net_value(x, n->outputs[0]);
    v->node = node;
    v->layout = copy;
    return TCET_OK;
}

tcet_status onnx_net_give(struct onnx_net *x, const struct onnx_node *n, const tcet_op *op,
                          const struct onnx_layout *layout)
{
    int32_t node = x->b->add(x->b, op);

    return node < 0 ? node : onnx_net_set(x, n, node, layout);
}

tcet_status onnx_net_numbers(struct onnx_net *x, const struct onnx_node *n, uint32_t what,
                             int32_t module, const struct onnx_tensor *t, int transposed)
{
    float *values;
    int64_t rows = transposed ? t->dims[1] : t->count, columns = transposed ? t->dims[0] : 1;

    if (!x->from_file || !t->count)
        return TCET_OK;
    if (onnx_is_whole(t))
        return ONNX_REFUSE(x, n, "its weights are whole numbers, which are not read");
    values = onnx_alloc(x->m, (size_t)t->count, sizeof *values);
    if (!values)
        return TCET_E_MEMORY;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            values[r * columns + c] = (float)onnx_real(t, transposed ? c * rows + r : r);
    x->b->values(x->b, what, module, values, t->count);
    return x->b->status(x->b);
}

/* ---- element by element ---- */

static tcet_status unary(struct onnx_net *x, const struct onnx_node *n, uint32_t kind)
{
    struct onnx_value *v;
    tcet_status st = onnx_net_data(x, n, 0, &v);
    tcet_op op;

    if (st < 0)
        return st;
    op = tcet_op_from(kind, onnx_net_module(x, n, NULL), &v->node, 1);
    return onnx_net_give(x, n, &op, v->layout);
}

static tcet_status relu(struct onnx_net *x, const struct onnx_node *n)
{
    return unary(x, n, TCET_OP_RELU);
}

static tcet_status sigmoid(struct onnx_net *x, const struct onnx_node *n)
{
    return unary(x, n, TCET_OP_SIGMOID);
}

static tcet_status swish(struct onnx_net *x, const struct onnx_node *n)
{
    return unary(x, n, TCET_OP_SWISH);
}

static tcet_status hard_swish(struct onnx_net *x, const struct onnx_node *n)
{
    return unary(x, n, TCET_OP_HSWISH);
}

static tcet_status hard_sigmoid(struct onnx_net *x, const struct onnx_node *n)
{
    double alpha = onnx_attr_real(n, "alpha", 0.2), beta = onnx_attr_real(n, "beta", 0.5);

    if (fabs(alpha - 1.0 / 6) > 1e-6 || fabs(beta - 0.5) > 1e-6)
        return ONNX_REFUSE(x, n, "of %g x + %g; with 1/6 and 1/2, as PyTorch has it, it is read",
                           alpha, beta);
    return unary(x, n, TCET_OP_HSIGMOID);
}

static tcet_status leaky_relu(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *v;
    tcet_status st = onnx_net_data(x, n, 0, &v);
    tcet_op op;

    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_LEAKY_RELU, onnx_net_module(x, n, NULL), &v->node, 1);
    op.eps = onnx_decimal(onnx_attr_real(n, "alpha", 0.01f));
    return onnx_net_give(x, n, &op, v->layout);
}

static tcet_status gelu(struct onnx_net *x, const struct onnx_node *n)
{
    if (strcmp(onnx_attr_text(n, "approximate", "none"), "none") != 0)
        return ONNX_REFUSE(x, n,
                           "GELU by tanh is another function than GELU by erf, which is read");
    return unary(x, n, TCET_OP_GELU);
}

/* The value under the output's name too. */
static tcet_status same(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *v;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    return st < 0 ? st : onnx_net_set(x, n, v->node, v->layout);
}

/* One bound: the attribute, or the input of later opsets. */
static tcet_status bound(struct onnx_net *x, const struct onnx_node *n, const char *attr,
                         int32_t input, double otherwise, double *out)
{
    const struct onnx_tensor *t;
    tcet_status st = onnx_net_constant(x, n, input, &t);

    if (st < 0)
        return st;
    if (t && t->count != 1)
        return ONNX_REFUSE(x, n, "its %s is no single number", attr);
    *out = t ? onnx_real(t, 0) : onnx_attr_real(n, attr, otherwise);
    return TCET_OK;
}

static tcet_status clip(struct onnx_net *x, const struct onnx_node *n)
{
    double low = 0, high = 0;
    tcet_status st = bound(x, n, "min", 1, -3.4028234663852886e38, &low);

    if (st >= 0)
        st = bound(x, n, "max", 2, 3.4028234663852886e38, &high);
    if (st < 0)
        return st;
    if (!(low < 0) && !(low > 0) && fabs(high - 6) < 1e-6)
        return unary(x, n, TCET_OP_RELU6);
    if (!(low < 0) && !(low > 0) && high > 3e38)
        return unary(x, n, TCET_OP_RELU);
    return ONNX_REFUSE(x, n, "clipping to [%g, %g]; to [0, 6] (ReLU6) and from 0 are read", low,
                       high);
}

static tcet_status softmax(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *v;
    int64_t axis = onnx_attr_int(n, "axis", x->model->opset < 13 ? 1 : -1);
    int32_t atom, heads = 1;
    tcet_status st = onnx_net_data(x, n, 0, &v);
    tcet_op op;

    if (st < 0)
        return st;
    axis = axis < 0 ? axis + v->layout->rank : axis;
    if (axis != v->layout->rank - 1)
        return ONNX_REFUSE(x, n, "along axis %lld of rank %d; along the last one it is read",
                           (long long)axis, v->layout->rank);
    atom = onnx_layout_atom(v->layout, (int32_t)axis);
    for (int32_t i = 0; i < v->layout->count && atom >= 0; i++) {
        const struct onnx_atom *a = &v->layout->atom[i], *last = &v->layout->atom[atom];

        if (i != atom && a->part == ONNX_CHANNELS) {
            heads *= (int32_t)a->size;
            if (a->place > last->place)
                atom = -1;
        }
    }
    if (atom < 0 || v->layout->atom[atom].part != ONNX_CHANNELS)
        return ONNX_REFUSE(x, n, "along rows or columns of an image; along channels it is read");
    op = tcet_op_from(TCET_OP_SOFTMAX, onnx_net_module(x, n, NULL), &v->node, 1);
    op.groups = heads;
    return onnx_net_give(x, n, &op, v->layout);
}

/* ---- of two ---- */

static tcet_status scale(struct onnx_net *x, const struct onnx_node *n, struct onnx_value *v,
                         double by)
{
    tcet_op op = tcet_op_from(TCET_OP_SCALE, onnx_net_module(x, n, NULL), &v->node, 1);

    if (!isfinite(by))
        return ONNX_REFUSE(x, n, "times %g", by);
    op.eps = by;
    return onnx_net_give(x, n, &op, v->layout);
}

/* The one number of a constant input; 0: it is none. */
static int number_at(struct onnx_net *x, const struct onnx_node *n, int32_t k, double *out)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    if (!v || !v->constant || v->constant->count != 1 || !onnx_type_size(v->constant->type))
        return 0;
    *out = onnx_real(v->constant, 0);
    return 1;
}

static tcet_status mismatch(struct onnx_net *x, const struct onnx_node *n,
                            const struct onnx_value *a, const struct onnx_value *b)
{
    char one[128], two[128];

    return ONNX_REFUSE(x, n,
                       "of shapes %s and %s, or of numbers that stand in another order, it is "
                       "not read",
                       onnx_dims_text(a->layout->dims, a->layout->rank, one),
                       onnx_dims_text(b->layout->dims, b->layout->rank, two));
}

static tcet_status add(struct onnx_net *x, const struct onnx_node *n)
{
    int32_t *nodes = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof *nodes);
    struct onnx_value *first = NULL, *v;
    tcet_op op;

    if (!nodes)
        return TCET_E_MEMORY;
    for (int32_t k = 0; k < n->input_count; k++) {
        tcet_status st = onnx_net_data(x, n, k, &v);

        if (st < 0)
            return st;
        first = first ? first : v;
        if (!onnx_layout_same(first->layout, v->layout))
            return mismatch(x, n, first, v);
        nodes[k] = v->node;
    }
    if (!first)
        return ONNX_REFUSE(x, n, "it has no input");
    op = tcet_op_from(TCET_OP_ADD, onnx_net_module(x, n, NULL), nodes, n->input_count);
    return onnx_net_give(x, n, &op, first->layout);
}

static tcet_status sub(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *a, *b;
    tcet_status st = onnx_net_data(x, n, 0, &a);
    int32_t nodes[2];
    tcet_op op;

    if (st >= 0)
        st = onnx_net_data(x, n, 1, &b);
    if (st < 0)
        return st;
    if (!onnx_layout_same(a->layout, b->layout))
        return mismatch(x, n, a, b);
    op = tcet_op_from(TCET_OP_SCALE, -1, &b->node, 1);
    op.eps = -1;
    nodes[0] = a->node;
    nodes[1] = x->b->add(x->b, &op);
    op = tcet_op_from(TCET_OP_ADD, onnx_net_module(x, n, NULL), nodes, 2);
    return onnx_net_give(x, n, &op, a->layout);
}

/* Is b of a's channels, one number each? */
static int is_gate(const struct onnx_layout *a, const struct onnx_layout *b)
{
    struct onnx_layout kept = *a;

    if (a->rank != b->rank)
        return 0;
    kept.count = 0;
    for (int32_t i = 0; i < a->count; i++)
        if (a->atom[i].part == ONNX_CHANNELS)
            kept.atom[kept.count++] = a->atom[i];
        else if (b->dims[a->atom[i].axis] != 1)
            return 0;
    for (int32_t k = 0; k < a->rank; k++)
        kept.dims[k] = b->dims[k] == 1 && k != a->batch ? 1 : a->dims[k];
    return onnx_layout_same(&kept, b);
}

static tcet_status mul(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *a, *b;
    double by;
    tcet_status st;
    int32_t nodes[2];
    tcet_op op;

    for (int32_t k = 0; k < 2; k++)
        if (number_at(x, n, k, &by)) {
            st = onnx_net_data(x, n, 1 - k, &a);
            return st < 0 ? st : scale(x, n, a, by);
        }
    st = onnx_net_data(x, n, 0, &a);
    if (st >= 0)
        st = onnx_net_data(x, n, 1, &b);
    if (st < 0)
        return st;
    if (!onnx_layout_same(a->layout, b->layout) && !is_gate(a->layout, b->layout)) {
        struct onnx_value *other = a;

        if (!is_gate(b->layout, a->layout))
            return mismatch(x, n, a, b);
        a = b;
        b = other;
    }
    nodes[0] = a->node;
    nodes[1] = b->node;
    op = tcet_op_from(TCET_OP_MUL, onnx_net_module(x, n, NULL), nodes, 2);
    return onnx_net_give(x, n, &op, a->layout);
}

static tcet_status divide(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *a;
    double by;
    tcet_status st;

    if (!number_at(x, n, 1, &by) || !(fabs(by) > 0))
        return ONNX_REFUSE(x, n, "division by a number that is not 0 is read");
    st = onnx_net_data(x, n, 0, &a);
    return st < 0 ? st : scale(x, n, a, 1 / by);
}

static tcet_status refuse_transposed(struct onnx_net *x, const struct onnx_node *n)
{
    return ONNX_REFUSE(x, n,
                       "transposed convolutions are not read: no proxy here has a rule for "
                       "them");
}

/* ---- the graph ---- */

static const struct {
    const char *op;
    onnx_rule *rule;
} rules[] = {
    {"Add", add},
    {"AveragePool", onnx_pool},
    {"BatchNormalization", onnx_batch_norm},
    {"Clip", clip},
    {"Concat", onnx_concat},
    {"Conv", onnx_conv},
    {"ConvTranspose", refuse_transposed},
    {"Div", divide},
    {"Dropout", same},
    {"Flatten", onnx_reshape},
    {"Gather", onnx_gather},
    {"Gelu", gelu},
    {"Gemm", onnx_gemm},
    {"GlobalAveragePool", onnx_mean},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", hard_swish},
    {"Identity", same},
    {"LayerNormalization", onnx_layer_norm},
    {"LeakyRelu", leaky_relu},
    {"Linear", onnx_linear},
    {"MatMul", onnx_matmul},
    {"MaxPool", onnx_pool},
    {"Mul", mul},
    {"Pad", onnx_pad},
    {"ReduceMean", onnx_mean},
    {"Relu", relu},
    {"Reshape", onnx_reshape},
    {"Sigmoid", sigmoid},
    {"Slice", onnx_slice},
    {"Softmax", softmax},
    {"Split", onnx_split},
    {"Squeeze", onnx_squeeze},
    {"Sub", sub},
    {"Sum", add},
    {"Swish", swish},
    {"Transpose", onnx_transpose},
    {"Unsqueeze", onnx_squeeze},
};

static onnx_rule *rule_of(const char *op)
{
    for (size_t i = 0; i < TCET_COUNT(rules); i++)
        if (!strcmp(rules[i].op, op))
            return rules[i].rule;
    return NULL;
}

static tcet_status put_node(struct onnx_net *x, const struct onnx_node *n)
{
    onnx_rule *rule;

    if (*n->domain && strcmp(n->domain, "ai.onnx") != 0)
        return ONNX_REFUSE(x, n, "operations of domain \"%.60s\" are not read", n->domain);
    if (onnx_net_folds(x, n))
        return onnx_net_fold(x, n);
    rule = rule_of(n->op);
    if (!rule)
        return ONNX_REFUSE(x, n, "this operation is not read; docs/onnx.md lists those that are");
    return rule(x, n);
}

/* The input's node, and its layout from its rank. */
static tcet_status put_input(struct onnx_net *x, const struct onnx_value_info *in)
{
    struct onnx_layout *l = onnx_alloc(x->m, 1, sizeof *l);
    struct onnx_value *v = onnx_net_value(x, in->name);
    int32_t none = 0, c, h, w;

    if (!l)
        return TCET_E_MEMORY;
    v->node = tcet_add_op(x->b, TCET_OP_INPUT, -1, none);
    if (v->node < 0)
        return v->node;
    x->b->shape(x->b, v->node, &c, &h, &w);
    x->batch = in->dims[0] ? in->dims[0] : ONNX_OPEN_BATCH;
    onnx_layout_image(l, in->rank, x->batch, c, h, w);
    v->layout = l;
    return TCET_OK;
}

static tcet_status put_output(struct onnx_net *x, const struct onnx_value_info *out)
{
    const struct onnx_value *v = onnx_net_value(x, out->name);
    char text[128];

    if (!v->layout)
        return ONNX_REFUSE(x, NULL, "nothing gives its output \"%.100s\"", v->name);
    if (v->layout->rank != 2 || v->layout->batch || !onnx_layout_flat(v->layout, 1))
        return ONNX_REFUSE(x, NULL,
                           "its output \"%.100s\" has shape %s; a network is scored that gives "
                           "[batch, classes], one number a class",
                           v->name, onnx_dims_text(v->layout->dims, v->layout->rank, text));
    x->b->output(x->b, v->node);
    return x->b->status(x->b);
}

/* What can be known without shapes: constants, needed nodes, patterns. */
static tcet_status prepare(struct onnx_net *x)
{
    struct onnx_model *m = x->model;
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < m->node_count && st >= 0; i++)
        if (strcmp(m->nodes[i].op, "Shape") != 0 && !*m->nodes[i].domain &&
            onnx_net_folds(x, &m->nodes[i]))
            st = onnx_net_fold(x, &m->nodes[i]);
    if (st >= 0)
        st = onnx_net_reach(x);
    if (st >= 0)
        st = onnx_net_match(x);
    return st < 0 ? st : onnx_net_reach(x);
}

tcet_status onnx_net_check(struct onnx_net *x)
{
    tcet_status st = prepare(x);

    for (int32_t i = 0; i < x->model->node_count && st >= 0; i++) {
        const struct onnx_node *n = &x->model->nodes[i];
        onnx_rule *rule = rule_of(n->op);

        if (n->dead || (rule && rule != refuse_transposed && !*n->domain))
            continue;
        if (rule == refuse_transposed || !onnx_net_shapes(n))
            st = put_node(x, n);
    }
    return st;
}

tcet_status onnx_net_translate(struct onnx_net *x)
{
    const struct onnx_value_info *in, *out;
    tcet_status st = onnx_net_ends(x, &in, &out);

    if (st >= 0)
        st = prepare(x);
    if (st >= 0)
        st = onnx_net_modules(x);
    if (st >= 0)
        st = put_input(x, in);
    for (int32_t i = 0; i < x->model->node_count && st >= 0; i++) {
        const struct onnx_node *n = &x->model->nodes[i];

        if (!n->dead && !(n->output_count && onnx_net_value(x, n->outputs[0])->constant))
            st = put_node(x, n);
    }
    return st < 0 ? st : put_output(x, out);
}
