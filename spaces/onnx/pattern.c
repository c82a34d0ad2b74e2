/* pattern.c -- what exporters write as several nodes, found and written as one; see net.h.  A pattern
 * is taken only where it is exactly this function, with constants that are exactly these.
 * Room: spaces/onnx. */
#include <math.h>
#include <string.h>

#include "onnx/net.h"

static int is_op(const struct onnx_node *n, const char *op)
{
    return n && !strcmp(n->op, op) && !*n->domain;
}

static struct onnx_node *maker(struct onnx_net *x, const struct onnx_node *n, int32_t k)
{
    return onnx_net_producer(x, onnx_net_input(x, n, k));
}

/* Input k is the one number `value`, to the rounding of float32. */
static int is_number(struct onnx_net *x, const struct onnx_node *n, int32_t k, double value)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    return v && v->constant && v->constant->count == 1 && onnx_type_size(v->constant->type) &&
           fabs(onnx_real(v->constant, 0) - value) <= 1e-6 * fabs(value);
}

static int is_constant(struct onnx_net *x, const struct onnx_node *n, int32_t k)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    return v && v->constant;
}

/* Which of the two inputs has that name; -1: none. */
static int32_t side_of(const struct onnx_node *n, const char *name)
{
    for (int32_t k = 0; k < 2 && n->input_count == 2; k++)
        if (!strcmp(n->inputs[k], name))
            return k;
    return -1;
}

/* The node becomes `op` over these inputs, without attributes. */
static tcet_status become(struct onnx_net *x, struct onnx_node *n, const char *op,
                          const char *const *inputs, int32_t count)
{
    const char **copy = onnx_alloc(x->m, (size_t)count, sizeof *copy);

    if (!copy)
        return TCET_E_MEMORY;
    memcpy(copy, inputs, (size_t)count * sizeof *copy);
    n->op = op;
    n->inputs = copy;
    n->input_count = count;
    n->attr_count = 0;
    return TCET_OK;
}

/* x times sigmoid(x), or times hard sigmoid. */
static tcet_status match_swish(struct onnx_net *x, struct onnx_node *n)
{
    for (int32_t k = 0; k < 2 && n->input_count == 2; k++) {
        const struct onnx_node *gate = maker(x, n, k);
        const char *other = n->inputs[1 - k];

        if (!gate || gate->input_count != 1 || strcmp(gate->inputs[0], other) != 0)
            continue;
        if (is_op(gate, "Sigmoid"))
            return become(x, n, "Swish", &other, 1);
        if (is_op(gate, "HardSigmoid") &&
            fabs(onnx_attr_real(gate, "alpha", 0.2) - 1.0 / 6) < 1e-6 &&
            fabs(onnx_attr_real(gate, "beta", 0.5) - 0.5) < 1e-6)
            return become(x, n, "HardSwish", &other, 1);
    }
    return TCET_OK;
}

/* The factors of a product of nodes that nobody else reads; at most 4. */
static int32_t factors(struct onnx_net *x, const struct onnx_node *n, const char *out[4],
                       int32_t count)
{
    for (int32_t k = 0; k < 2; k++) {
        struct onnx_value *v = onnx_net_input(x, n, k);
        const struct onnx_node *p = onnx_net_producer(x, v);

        if (!v || count < 0)
            return -1;
        if (is_op(p, "Mul") && p->input_count == 2 && v->readers == 1)
            count = factors(x, p, out, count);
        else if (count < 4)
            out[count++] = v->name;
        else
            return -1;
    }
    return count;
}

static int is_half(struct onnx_net *x, const char *name)
{
    const struct onnx_tensor *t = onnx_net_value(x, name)->constant;

    return t && t->count == 1 && onnx_type_size(t->type) && fabs(onnx_real(t, 0) - 0.5) < 1e-6;
}

/* Is it 1 + erf(z / sqrt 2)? */
static int is_erf(struct onnx_net *x, const char *name, const char *z)
{
    const struct onnx_node *add = onnx_net_producer(x, onnx_net_value(x, name)), *erf, *root;

    if (!is_op(add, "Add") || add->input_count != 2)
        return 0;
    for (int32_t k = 0; k < 2; k++) {
        int32_t side;

        erf = maker(x, add, k);
        root = is_op(erf, "Erf") ? maker(x, erf, 0) : NULL;
        side = root ? side_of(root, z) : -1;
        if (side < 0 || !is_number(x, add, 1 - k, 1))
            continue;
        if (is_op(root, "Div") ? !side && is_number(x, root, 1, sqrt(2))
                               : is_op(root, "Mul") && is_number(x, root, 1 - side, sqrt(0.5)))
            return 1;
    }
    return 0;
}

/* x 0.5 (1 + erf(x / sqrt 2)), in any order. */
static tcet_status match_gelu(struct onnx_net *x, struct onnx_node *n)
{
    const char *f[4];

    if (n->input_count != 2 || factors(x, n, f, 0) != 3)
        return TCET_OK;
    for (int32_t i = 0; i < 3; i++)
        for (int32_t k = 0; k < 3; k++)
            if (i != k && is_half(x, f[i]) && is_erf(x, f[k], f[3 - i - k]))
                return become(x, n, "Gelu", &f[3 - i - k], 1);
    return TCET_OK;
}

/* A product with a constant matrix, and a constant that is added: torch.nn.Linear of tokens. */
static tcet_status match_linear(struct onnx_net *x, struct onnx_node *n)
{
    for (int32_t k = 0; k < 2 && n->input_count == 2; k++) {
        struct onnx_value *product = onnx_net_input(x, n, k), *bias = onnx_net_input(x, n, 1 - k);
        const struct onnx_node *p = onnx_net_producer(x, product);
        const char *inputs[3];

        if (!is_op(p, "MatMul") || p->input_count != 2 || product->readers != 1 || !bias ||
            !bias->constant || bias->constant->rank != 1 || !is_constant(x, p, 1) ||
            onnx_net_input(x, p, 1)->constant->rank != 2 ||
            onnx_net_input(x, p, 1)->constant->dims[1] != bias->constant->count)
            continue;
        inputs[0] = p->inputs[0];
        inputs[1] = p->inputs[1];
        inputs[2] = n->inputs[1 - k];
        return become(x, n, "Linear", inputs, 3);
    }
    return TCET_OK;
}

/* The last axis, of a ReduceMean over one; INT64_MIN: it is none. */
static int64_t mean_axis(struct onnx_net *x, const struct onnx_node *n)
{
    int64_t axes[ONNX_RANK_MAX * 2];
    tcet_status st = TCET_OK;

    if (!is_op(n, "ReduceMean") || n->input_count < 1 || onnx_attr_int(n, "keepdims", 1) != 1)
        return INT64_MIN;
    if (!onnx_attr_of(n, "axes") && !is_constant(x, n, 1))
        return INT64_MIN;
    return onnx_net_ints(x, n, "axes", 1, axes, &st) == 1 ? axes[0] : INT64_MIN;
}

/* Is it z less a mean of z? */
static int is_mean_of(struct onnx_net *x, const struct onnx_node *sub)
{
    const struct onnx_node *mean = maker(x, sub, 1);

    return mean && mean_axis(x, mean) != INT64_MIN && !strcmp(mean->inputs[0], sub->inputs[0]);
}

/* Are two inputs one value, or two differences of the same values? */
static int is_same(struct onnx_net *x, const struct onnx_node *a, int32_t i,
                   const struct onnx_node *b, int32_t k)
{
    const struct onnx_node *p = maker(x, a, i), *q = maker(x, b, k);

    if (!strcmp(a->inputs[i], b->inputs[k]))
        return 1;
    return is_op(p, "Sub") && is_op(q, "Sub") && p->input_count == 2 && q->input_count == 2 &&
           !strcmp(p->inputs[0], q->inputs[0]) && is_mean_of(x, p) && is_mean_of(x, q) &&
           mean_axis(x, maker(x, p, 1)) == mean_axis(x, maker(x, q, 1));
}

/* What (z - mean z) / sqrt(mean (z - mean z)^2 + eps) is of; NULL: the node is no such quotient. */
static const char *standardised(struct onnx_net *x, const struct onnx_node *div, int64_t *axis,
                                double *eps)
{
    const struct onnx_node *sub, *root, *add, *mean, *square, *inner;
    int32_t side;

    if (!is_op(div, "Div") || div->input_count != 2)
        return NULL;
    sub = maker(x, div, 0);
    root = maker(x, div, 1);
    add = is_op(root, "Sqrt") ? maker(x, root, 0) : NULL;
    if (!is_op(sub, "Sub") || sub->input_count != 2 || !is_op(add, "Add") || add->input_count != 2)
        return NULL;
    side = is_constant(x, add, 0) ? 0 : 1;
    if (!is_constant(x, add, side) || onnx_net_input(x, add, side)->constant->count != 1)
        return NULL;
    mean = maker(x, add, 1 - side);
    *eps = onnx_real(onnx_net_input(x, add, side)->constant, 0);
    *axis = mean ? mean_axis(x, mean) : INT64_MIN;
    square = *axis == INT64_MIN ? NULL : maker(x, mean, 0);
    if (!square || square->input_count != 2 || !is_same(x, square, 0, div, 0))
        return NULL;
    if (is_op(square, "Pow")
            ? !is_number(x, square, 1, 2)
            : !is_op(square, "Mul") || strcmp(square->inputs[1], square->inputs[0]))
        return NULL;
    inner = maker(x, sub, 1);
    if (!inner || mean_axis(x, inner) != *axis || strcmp(inner->inputs[0], sub->inputs[0]) != 0)
        return NULL;
    return sub->inputs[0];
}

/* Layer norm with scale and shift. */
static tcet_status match_layer_norm(struct onnx_net *x, struct onnx_node *n)
{
    for (int32_t k = 0; k < 4 && n->input_count == 2; k++) {
        const struct onnx_node *mul = maker(x, n, k & 1);
        int32_t side = k >> 1;
        const char *inputs[3];
        int64_t axis;
        double eps;
        tcet_status st;
        struct onnx_attr *attrs;

        if (!is_op(mul, "Mul") || mul->input_count != 2 || !is_constant(x, n, 1 - (k & 1)) ||
            !is_constant(x, mul, 1 - side))
            continue;
        inputs[0] = maker(x, mul, side) ? standardised(x, maker(x, mul, side), &axis, &eps) : NULL;
        if (!inputs[0])
            continue;
        inputs[1] = mul->inputs[1 - side];
        inputs[2] = n->inputs[1 - (k & 1)];
        attrs = onnx_alloc(x->m, 3, sizeof *attrs);
        st = attrs ? become(x, n, "LayerNormalization", inputs, 3) : TCET_E_MEMORY;
        if (st < 0)
            return st;
        attrs[0] = (struct onnx_attr){.name = "axis", .type = ONNX_ATTR_I, .i = axis};
        attrs[1] = (struct onnx_attr){.name = "epsilon", .type = ONNX_ATTR_F, .f = (float)eps};
        attrs[2] = (struct onnx_attr){.name = "one_axis", .type = ONNX_ATTR_I, .i = 1};
        n->attrs = attrs;
        n->attr_count = 3;
        return TCET_OK;
    }
    return TCET_OK;
}

/* A Pad of zeros before an AveragePool that has none of its own, as PyTorch writes
 * count_include_pad; or before a Conv, whose own zeros it joins. */
static tcet_status match_pad(struct onnx_net *x, struct onnx_node *n)
{
    struct onnx_value *v = onnx_net_input(x, n, 0);
    const struct onnx_node *pad = onnx_net_producer(x, v);
    const struct onnx_attr *own = onnx_attr_of(n, "pads");
    int64_t pads[ONNX_RANK_MAX * 2], *sum;
    int32_t count, spatial;
    struct onnx_attr *attrs;
    tcet_status st = TCET_OK;

    if (!is_op(pad, "Pad") || pad->input_count < 1 || v->readers != 1 ||
        onnx_attr_of(n, "auto_pad") ||
        strcmp(onnx_attr_text(pad, "mode", "constant"), "constant") != 0 ||
        onnx_attr_real(pad, "value", 0) != 0 || onnx_net_input(x, pad, 3) ||
        (onnx_net_input(x, pad, 2) && !(is_number(x, pad, 2, 0))) ||
        (!onnx_attr_of(pad, "pads") && !is_constant(x, pad, 1)))
        return TCET_OK;
    count = onnx_net_ints(x, pad, "pads", 1, pads, &st);
    spatial = count / 2 - 2;
    if (count < 6 || count > 8 || pads[0] || pads[1] || pads[count / 2] || pads[count / 2 + 1] ||
        (own && own->count != 2 * spatial))
        return st;
    for (int32_t k = 0; own && is_op(n, "AveragePool") && k < own->count; k++)
        if (own->ints[k])
            return TCET_OK;
    sum = onnx_alloc(x->m, (size_t)(2 * spatial), sizeof *sum);
    attrs = onnx_alloc(x->m, (size_t)n->attr_count + 2, sizeof *attrs);
    if (!sum || !attrs)
        return TCET_E_MEMORY;
    for (int32_t k = 0; k < 2 * spatial; k++) {
        int64_t more = pads[k < spatial ? 2 + k : count / 2 + 2 + k - spatial];

        if (more < 0 || more > INT16_MAX || (own && (own->ints[k] < 0 || own->ints[k] > INT16_MAX)))
            return TCET_OK;
        sum[k] = more + (own ? own->ints[k] : 0);
    }
    attrs[0] = (struct onnx_attr){
        .name = "pads", .type = ONNX_ATTR_INTS, .ints = sum, .count = 2 * spatial};
    attrs[1] = (struct onnx_attr){.name = "count_include_pad", .type = ONNX_ATTR_I, .i = 1};
    memcpy(attrs + 2, n->attrs, (size_t)n->attr_count * sizeof *attrs);
    n->attrs = attrs; /* the first of a name is read */
    n->attr_count += 2;
    n->inputs[0] = pad->inputs[0];
    return TCET_OK;
}

tcet_status onnx_net_match(struct onnx_net *x)
{
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < x->model->node_count && st >= 0; i++) {
        struct onnx_node *n = &x->model->nodes[i];

        if (n->dead || *n->domain)
            continue;
        if (is_op(n, "Mul"))
            st = match_swish(x, n);
        if (st >= 0 && is_op(n, "Mul"))
            st = match_gelu(x, n);
        if (st >= 0 && is_op(n, "Add"))
            st = match_linear(x, n);
        if (st >= 0 && is_op(n, "Add"))
            st = match_layer_norm(x, n);
        if (st >= 0 && (is_op(n, "Conv") || is_op(n, "AveragePool")) && n->input_count)
            st = match_pad(x, n);
    }
    return st;
}
