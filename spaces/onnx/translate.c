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
        return ONNX_REFUSE(x, n, "input %d, \"%.100s\", has elements of type %s, which is not read",
                           k + 1, v->name, onnx_type_name(v->constant->type));
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

tcet_status onnx_net_values(struct onnx_net *x, const struct onnx_node *n, uint32_t what,
                            int32_t module, const struct onnx_tensor *t, int transposed)
{
    float *values;
    int64_t rows = transposed ? t->dims[1] : t->count, columns = transposed ? t->dims[0] : 1;

    if (!t->count)
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

tcet_status onnx_net_numbers(struct onnx_net *x, const struct onnx_node *n, uint32_t what,
                             int32_t module, const struct onnx_tensor *t, int transposed)
{
    return x->from_file ? onnx_net_values(x, n, what, module, t, transposed) : TCET_OK;
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

static tcet_status tangent_h(struct onnx_net *x, const struct onnx_node *n)
{
    return unary(x, n, TCET_OP_TANH);
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
    int32_t heads = 1, atom, node;
    struct onnx_layout l;
    tcet_status st = onnx_net_data(x, n, 0, &v);
    tcet_op op;

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    axis = axis < 0 ? axis + l.rank : axis;
    if (axis < 0 || axis >= l.rank || axis == l.batch ||
        (axis != l.rank - 1 && x->model->opset < 13))
        return ONNX_REFUSE(x, n, "along axis %lld of rank %d", (long long)axis, l.rank);
    atom = onnx_layout_atom(&l, (int32_t)axis);
    for (int32_t i = 0; i < l.count && atom >= 0; i++)
        if (i != atom && l.atom[i].part == ONNX_CHANNELS && l.atom[i].place > l.atom[atom].place)
            atom = -1;
    if (atom < 0 || l.atom[atom].part != ONNX_CHANNELS) {
        st = onnx_net_along(x, n, (int32_t)axis, &l, &node);
        if (st < 0)
            return st;
    }
    for (int32_t i = 0; i < l.count; i++)
        if (l.atom[i].part == ONNX_CHANNELS && l.atom[i].axis != axis)
            heads *= (int32_t)l.atom[i].size;
    op = tcet_op_from(TCET_OP_SOFTMAX, onnx_net_module(x, n, NULL), &node, 1);
    op.groups = heads;
    return onnx_net_give(x, n, &op, &l);
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

/* The one number of a constant input, which no weight is; 0: it is none. */
static int number_at(struct onnx_net *x, const struct onnx_node *n, int32_t k, double *out)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    if (!v || !v->constant || v->constant->count != 1 || !onnx_type_size(v->constant->type) ||
        (v->constant->rank && onnx_net_learned(x, v->constant)))
        return 0;
    *out = onnx_real(v->constant, 0);
    return 1;
}

/* The dims of an operand, a constant or data. */
static const int64_t *dims_of(const struct onnx_value *v, int32_t *rank)
{
    *rank = v->constant ? v->constant->rank : v->layout->rank;
    return v->constant ? v->constant->dims : v->layout->dims;
}

/* Does l have an axis of that extent, or b's is 1, for every axis of b? */
static int covers(const struct onnx_layout *l, const struct onnx_value *b)
{
    int32_t rank;
    const int64_t *dims = dims_of(b, &rank);

    for (int32_t k = 0; k < rank && rank <= l->rank; k++)
        if (dims[k] != 1 && dims[k] != l->dims[l->rank - rank + k])
            return 0;
    return rank <= l->rank;
}

/* The operands of an operation element by element, the widest of which the others are spread to; *lead:
 * which. */
static tcet_status operands(struct onnx_net *x, const struct onnx_node *n, struct onnx_value **v,
                            int32_t *lead)
{
    char one[128], two[128];
    int32_t rank = 0, other = 0;

    *lead = -1;
    for (int32_t k = 0; k < n->input_count; k++) {
        v[k] = onnx_net_input(x, n, k);
        if (!v[k] || !v[k]->constant) {
            tcet_status st = onnx_net_data(x, n, k, &v[k]);

            if (st < 0)
                return st;
        }
    }
    for (int32_t k = 0; k < n->input_count; k++) {
        int all = !v[k]->constant;

        for (int32_t i = 0; i < n->input_count && all; i++) {
            all = covers(v[k]->layout, v[i]);
            if (!all)
                other = i;
        }
        if (all && *lead < 0)
            *lead = k;
    }
    if (*lead >= 0)
        return TCET_OK;
    if (n->input_count < 2)
        return ONNX_REFUSE(x, n, "it has no input");
    onnx_dims_text(dims_of(v[other ? 0 : 1], &rank), rank, one);
    onnx_dims_text(dims_of(v[other], &rank), rank, two);
    return ONNX_REFUSE(x, n,
                       "of shapes %s and %s it is not read; where one is spread to the other's it "
                       "is",
                       one, two);
}

/* The sum, or a - b: then b is taken times -1. */
static tcet_status total(struct onnx_net *x, const struct onnx_node *n, int minus)
{
    int32_t *nodes = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof *nodes), lead;
    struct onnx_value **v = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof(void *));
    struct onnx_layout l;
    tcet_op op;
    tcet_status st = nodes && v ? operands(x, n, v, &lead) : TCET_E_MEMORY;

    if (st < 0)
        return st;
    l = *v[lead]->layout;
    for (int32_t k = 0; k < n->input_count && st >= 0; k++)
        st = onnx_net_as(x, n, v[k], &l, &nodes[k]);
    if (st < 0)
        return st;
    if (minus) {
        op = tcet_op_from(TCET_OP_SCALE, -1, &nodes[1], 1);
        op.eps = -1;
        nodes[1] = x->b->add(x->b, &op);
    }
    op = tcet_op_from(TCET_OP_ADD, onnx_net_module(x, n, NULL), nodes, n->input_count);
    return onnx_net_give(x, n, &op, &l);
}

static tcet_status add(struct onnx_net *x, const struct onnx_node *n)
{
    return total(x, n, 0);
}

static tcet_status sub(struct onnx_net *x, const struct onnx_node *n)
{
    return n->input_count == 2 ? total(x, n, 1) : ONNX_REFUSE(x, n, "it must have two inputs");
}

/* l with one number a channel, if b is such; 0: it is none. */
static int gate_of(const struct onnx_layout *l, const struct onnx_value *b,
                   struct onnx_layout *gate)
{
    int32_t rank;
    const int64_t *dims = dims_of(b, &rank);

    *gate = *l;
    gate->count = 0;
    if (onnx_layout_extent(l, l->batch) != 1)
        return 0;
    for (int32_t axis = 0; axis < l->rank; axis++) {
        int32_t own = axis - (l->rank - rank), first = gate->count;

        for (int32_t i = 0; i < l->count; i++)
            if (l->atom[i].axis == axis && l->atom[i].part == ONNX_CHANNELS)
                gate->atom[gate->count++] = l->atom[i];
        if (axis == l->batch || onnx_layout_extent(gate, axis) == l->dims[axis])
            continue;
        if (gate->count > first || (own >= 0 && dims[own] != 1))
            return 0; /* of channels and places, or a number a place */
        gate->dims[axis] = 1;
    }
    return 1;
}

static tcet_status mul(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *v[2];
    struct onnx_layout l, gate;
    double by;
    tcet_status st;
    int32_t nodes[2], lead;
    tcet_op op;

    if (n->input_count != 2)
        return ONNX_REFUSE(x, n, "it must have two inputs");
    for (int32_t k = 0; k < 2; k++)
        if (number_at(x, n, k, &by)) {
            st = onnx_net_data(x, n, 1 - k, &v[0]);
            return st < 0 ? st : scale(x, n, v[0], by);
        }
    st = operands(x, n, v, &lead);
    if (st < 0)
        return st;
    l = *v[lead]->layout;
    st = onnx_net_as(x, n, v[lead], &l, &nodes[0]);
    if (st >= 0 && gate_of(&l, v[1 - lead], &gate))
        st = onnx_net_as(x, n, v[1 - lead], &gate, &nodes[1]);
    else if (st >= 0)
        st = onnx_net_as(x, n, v[1 - lead], &l, &nodes[1]);
    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_MUL, onnx_net_module(x, n, NULL), nodes, 2);
    return onnx_net_give(x, n, &op, &l);
}

/* Refuses what is not divided by. */
static tcet_status check_divisor(struct onnx_net *x, const struct onnx_node *n,
                                 const struct onnx_tensor *t)
{
    if (!t)
        return ONNX_REFUSE(x, n, "its divisor is missing");
    if (onnx_is_whole(t))
        return ONNX_REFUSE(x, n, "division by numbers of type %s is not read; of type float it is",
                           onnx_type_name(t->type));
    if (t->computed)
        return ONNX_REFUSE(x, n, "division by numbers that are computed of weights is not read");
    if (onnx_net_learned(x, t))
        return ONNX_REFUSE(
            x, n,
            "division by the initializer \"%.100s\", which counts as learned, is not "
            "read; where it is not, set [space] buffers = %.100s",
            (t->origin ? t->origin : t)->name, (t->origin ? t->origin : t)->name);
    return TCET_OK;
}

/* By one number, or by constants: their inverses are multiplied with. */
static tcet_status divide(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t;
    struct onnx_tensor *inverse;
    struct onnx_value *a, *v;
    struct onnx_node times = *n;
    double by, *data;
    tcet_status st = onnx_net_data(x, n, 0, &a);

    if (st >= 0)
        st = onnx_net_constant(x, n, 1, &t);
    if (st < 0)
        return st;
    if (number_at(x, n, 1, &by) && fabs(by) > 0)
        return scale(x, n, a, 1 / by);
    st = check_divisor(x, n, t);
    if (st < 0)
        return st;
    inverse = onnx_net_tensor(x, ONNX_DOUBLE, t->rank, t->dims, &data);
    times.inputs = onnx_alloc(x->m, 2, sizeof *times.inputs);
    if (!inverse || !times.inputs)
        return TCET_E_MEMORY;
    for (int64_t k = 0; k < t->count; k++) {
        if (!(fabs(onnx_real(t, k)) > 0))
            return ONNX_REFUSE(x, n, "division by 0");
        data[k] = 1 / onnx_real(t, k);
    }
    v = onnx_net_input(x, n, 1);
    times.inputs[0] = n->inputs[0];
    times.inputs[1] = n->inputs[1];
    v->constant = inverse; /* for this product alone */
    st = mul(x, &times);
    v->constant = t;
    return st;
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
    {"Expand", onnx_expand},
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
    {"Resize", onnx_resize},
    {"Sigmoid", sigmoid},
    {"Slice", onnx_slice},
    {"Softmax", softmax},
    {"Split", onnx_split},
    {"Squeeze", onnx_squeeze},
    {"Sub", sub},
    {"Sum", add},
    {"Swish", swish},
    {"Tanh", tangent_h},
    {"Transpose", onnx_transpose},
    {"Unsqueeze", onnx_squeeze},
    {"Upsample", onnx_resize},
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
    if (!strcmp(n->op, "LogSoftmax"))
        return ONNX_REFUSE(
            x, n,
            "this operation is not read; export the network without it: the loss that "
            "proxies take has a softmax of its own");
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
    onnx_layout_image(l, in->rank, x->batch, c, h, w);
    v->layout = l;
    return TCET_OK;
}

static tcet_status put_output(struct onnx_net *x, const struct onnx_value_info *out)
{
    const struct onnx_value *v = onnx_net_value(x, out->name);
    struct onnx_layout l;
    int32_t node = v->node;
    char text[128];
    tcet_status st = TCET_OK;

    if (!v->layout)
        return ONNX_REFUSE(x, NULL, "nothing gives its output \"%.100s\"", v->name);
    l = *v->layout;
    if (l.rank != 2 || l.batch || onnx_layout_extent(&l, 0) != 1)
        return ONNX_REFUSE(x, NULL,
                           "its output \"%.100s\" has shape %s; a network is scored that gives "
                           "[batch, classes], one number a class",
                           v->name, onnx_dims_text(v->layout->dims, v->layout->rank, text));
    if (!onnx_layout_flat(&l, 1))
        st = onnx_net_along(x, NULL, 1, &l, &node);
    if (st < 0)
        return st;
    x->b->output(x->b, node);
    return x->b->status(x->b);
}

/* What can be known without shapes: constants, needed nodes, patterns. */
static tcet_status prepare(struct onnx_net *x)
{
    const struct onnx_value_info *in, *out;
    struct onnx_model *m = x->model;
    tcet_status st = onnx_net_ends(x, &in, &out);

    if (st >= 0)
        x->batch = in->dims[0] ? in->dims[0] : ONNX_OPEN_BATCH;
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
