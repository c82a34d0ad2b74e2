/* fold.c -- constants that are computed: the arithmetic of shapes that exporters write; see net.h.
 * Room: spaces/onnx. */
#include <math.h>
#include <string.h>

#include "onnx/net.h"

struct onnx_tensor *onnx_net_tensor(struct onnx_net *x, int32_t type, int32_t rank,
                                    const int64_t *dims, void *data_out)
{
    struct onnx_tensor *t = onnx_alloc(x->m, 1, sizeof *t);
    unsigned char *data;

    if (!t)
        return NULL;
    *t = (struct onnx_tensor){.name = "", .type = type, .rank = rank, .place = -1, .count = 1};
    for (int32_t k = 0; k < rank; k++) {
        t->dims[k] = dims[k];
        if (__builtin_mul_overflow(t->count, dims[k], &t->count) || t->count > ONNX_FOLD_MAX)
            t->count = ONNX_FOLD_MAX + 1;
    }
    x->folded += t->count;
    if (t->count > ONNX_FOLD_MAX || x->folded > ONNX_FOLDS_MAX) {
        tcet_failf(x->cx, TCET_E_ARG, "%s: constants that are computed are too large",
                   x->model->file);
        return NULL;
    }
    data = onnx_alloc(x->m, (size_t)t->count, onnx_type_size(type));
    t->data = t->source = data;
    memcpy(data_out, &data, sizeof data);
    return data ? t : NULL;
}

struct onnx_tensor *onnx_net_whole(struct onnx_net *x, int32_t rank, int64_t count, int64_t **data)
{
    return onnx_net_tensor(x, ONNX_INT64, rank, &count, data);
}

tcet_status onnx_net_fold_give(struct onnx_net *x, const struct onnx_node *n,
                               const struct onnx_tensor *t)
{
    if (!t)
        return TCET_E_MEMORY; /* and the error is recorded */
    onnx_net_value(x, n->outputs[0])->constant = t;
    return TCET_OK;
}

const struct onnx_tensor *onnx_net_folded(struct onnx_net *x, const struct onnx_node *n, int32_t k)
{
    struct onnx_value *v = onnx_net_input(x, n, k);

    return v ? v->constant : NULL;
}

int32_t onnx_net_ints(struct onnx_net *x, const struct onnx_node *n, const char *attr,
                      int32_t input, int64_t out[ONNX_RANK_MAX * 2], tcet_status *st)
{
    const struct onnx_attr *a = onnx_attr_of(n, attr);
    struct onnx_value *v = onnx_net_input(x, n, input);
    int64_t count = a ? a->count : v && v->constant ? v->constant->count : -1;

    if (!a && !v)
        return -1;
    if (count < 0 || count > ONNX_RANK_MAX * 2 || (!a && !onnx_is_whole(v->constant))) {
        *st = ONNX_REFUSE(x, n, "its %s must be at most %d constant whole numbers", attr,
                          ONNX_RANK_MAX * 2);
        return -2;
    }
    for (int64_t i = 0; i < count; i++)
        out[i] = a ? a->ints[i] : onnx_int(v->constant, i);
    return (int32_t)count;
}

/* ---- rules ---- */

static tcet_status fold_constant(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_attr *t = onnx_attr_of(n, "value"), *i = onnx_attr_of(n, "value_int"),
                           *is = onnx_attr_of(n, "value_ints"), *f = onnx_attr_of(n, "value_float");
    struct onnx_tensor *out;
    int64_t *whole;
    double *real;

    if (t && t->t) {
        out = onnx_alloc(x->m, 1, sizeof *out);
        if (out) {
            *out = *t->t;
            if (!*out->name)
                out->name = n->outputs[0];
        }
        return onnx_net_fold_give(x, n, out);
    }
    if (f) {
        out = onnx_net_tensor(x, ONNX_DOUBLE, 0, NULL, &real);
        if (out)
            *real = (double)f->f;
        return onnx_net_fold_give(x, n, out);
    }
    if (!i && !is)
        return ONNX_REFUSE(x, n, "a constant of this kind is not read");
    out = onnx_net_whole(x, is ? 1 : 0, is ? is->count : 1, &whole);
    for (int64_t k = 0; out && k < out->count; k++)
        whole[k] = is ? is->ints[k] : i->i;
    return onnx_net_fold_give(x, n, out);
}

static tcet_status fold_shape(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_value *v = onnx_net_input(x, n, 0);
    const int64_t *dims = v->constant ? v->constant->dims : v->layout->dims;
    int64_t rank = v->constant ? v->constant->rank : v->layout->rank;
    int64_t start = onnx_attr_int(n, "start", 0), end = onnx_attr_int(n, "end", rank), *whole;
    struct onnx_tensor *out;

    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    if (start < 0 || end > rank || start > end)
        return ONNX_REFUSE(x, n, "its start and end are outside a shape of %lld", (long long)rank);
    out = onnx_net_whole(x, 1, end - start, &whole);
    if (out && end > start)
        memcpy(whole, dims + start, (size_t)(end - start) * sizeof *whole);
    return onnx_net_fold_give(x, n, out);
}

/* The same constant.  PyTorch's export in inference mode writes equal initializers once, and an Identity in
 * the name of each of the others: they are what they were. */
static tcet_status fold_same(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
    struct onnx_tensor *own;

    if (t->place < 0 || onnx_is_whole(t) || onnx_net_input(x, n, 0)->readers < 2)
        return onnx_net_fold_give(x, n, t);
    own = onnx_alloc(x->m, 1, sizeof *own);
    if (!own)
        return TCET_E_MEMORY;
    *own = *t;
    own->name = n->outputs[0];
    own->source = (const unsigned char *)own; /* nobody else's */
    own->merged = 1;
    x->merged++;
    x->merged_as = x->merged_as ? x->merged_as : own->name;
    return onnx_net_fold_give(x, n, own);
}

static tcet_status fold_filled(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *shape = onnx_net_folded(x, n, 0);
    const struct onnx_attr *value = onnx_attr_of(n, "value");
    int64_t dims[ONNX_RANK_MAX], *whole;
    struct onnx_tensor *out;
    double *real;

    if (shape->count > ONNX_RANK_MAX || !onnx_is_whole(shape) ||
        (value && (!value->t || value->t->count != 1)))
        return ONNX_REFUSE(x, n, "a constant of this shape is not read");
    for (int32_t k = 0; k < shape->count; k++) {
        dims[k] = onnx_int(shape, k);
        if (dims[k] < 0)
            return ONNX_REFUSE(x, n, "a shape with dimension %lld", (long long)dims[k]);
    }
    if (value && onnx_is_whole(value->t)) {
        out = onnx_net_tensor(x, ONNX_INT64, (int32_t)shape->count, dims, &whole);
        for (int64_t k = 0; out && k < out->count; k++)
            whole[k] = onnx_int(value->t, 0);
    } else {
        out = onnx_net_tensor(x, ONNX_DOUBLE, (int32_t)shape->count, dims, &real);
        for (int64_t k = 0; out && k < out->count; k++)
            real[k] = value ? onnx_real(value->t, 0) : 0;
    }
    return onnx_net_fold_give(x, n, out);
}

static tcet_status fold_cast(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
    int64_t to = onnx_attr_int(n, "to", 0), *whole;
    int real = to == ONNX_FLOAT || to == ONNX_DOUBLE, is_real = !onnx_is_whole(t);
    struct onnx_tensor *out;
    double *values;

    if (real == is_real)
        return onnx_net_fold_give(x, n, t);
    if (real) {
        out = onnx_net_tensor(x, ONNX_DOUBLE, t->rank, t->dims, &values);
        for (int64_t k = 0; out && k < t->count; k++)
            values[k] = onnx_real(t, k);
    } else {
        out = onnx_net_tensor(x, ONNX_INT64, t->rank, t->dims, &whole);
        for (int64_t k = 0; out && k < t->count; k++)
            whole[k] = onnx_int(t, k);
    }
    return onnx_net_fold_give(x, n, out);
}

static int whole_of(char op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case 'A': return !__builtin_add_overflow(a, b, out);
    case 'S': return !__builtin_sub_overflow(a, b, out);
    case 'M': return !__builtin_mul_overflow(a, b, out);
    case 'E': *out = a == b; return 1;
    default:
        if (!b || b == -1)
            return 0;
        *out = a / b;
        return 1;
    }
}

static double real_of(char op, double a, double b)
{
    return op == 'A' ? a + b : op == 'S' ? a - b : op == 'M' ? a * b : a / b;
}

static int is_of_weights(const struct onnx_net *x, const struct onnx_tensor *t)
{
    return t->computed || (t->count > 1 && !onnx_is_whole(t) && onnx_net_learned(x, t));
}

/* Add, Sub, Mul, Div and Equal of lists of one length, or with one number. */
static tcet_status fold_arithmetic(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *a = onnx_net_folded(x, n, 0), *b = onnx_net_folded(x, n, 1);
    const struct onnx_tensor *shape = a->rank >= b->rank ? a : b;
    int whole = onnx_is_whole(a) && onnx_is_whole(b);
    struct onnx_tensor *out;
    void *data;

    if ((a->count != b->count && a->count != 1 && b->count != 1) || !a->count || !b->count ||
        (!whole && *n->op == 'E'))
        return ONNX_REFUSE(x, n, "constants of %lld and %lld elements", (long long)a->count,
                           (long long)b->count);
    if (shape->count < a->count || shape->count < b->count)
        shape = a->count > b->count ? a : b;
    out = onnx_net_tensor(x, whole ? ONNX_INT64 : ONNX_DOUBLE, shape->rank, shape->dims, &data);
    for (int64_t k = 0; out && k < out->count; k++) {
        int64_t i = a->count > 1 ? k : 0, j = b->count > 1 ? k : 0;

        if (!whole)
            ((double *)data)[k] = real_of(n->op[0], onnx_real(a, i), onnx_real(b, j));
        else if (!whole_of(n->op[0], onnx_int(a, i), onnx_int(b, j), (int64_t *)data + k))
            return ONNX_REFUSE(x, n, "%lld and %lld give no number", (long long)onnx_int(a, i),
                               (long long)onnx_int(b, j));
    }
    if (out)
        out->computed = is_of_weights(x, a) || is_of_weights(x, b);
    return onnx_net_fold_give(x, n, out);
}

/* Of two lists of whole numbers of one length, or single ones. */
static tcet_status fold_where(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *part[3], *shape;
    struct onnx_tensor *out;
    int64_t *data;

    for (int32_t k = 0; k < 3; k++)
        part[k] = onnx_net_folded(x, n, k);
    shape = part[0];
    for (int32_t k = 1; k < 3; k++)
        shape = part[k]->count > shape->count ? part[k] : shape;
    for (int32_t k = 0; k < 3; k++)
        if (!onnx_is_whole(part[k]) || (part[k]->count != 1 && part[k]->count != shape->count))
            return ONNX_REFUSE(x, n, "of whole numbers, as shapes have them, it is read");
    out = onnx_net_tensor(x, ONNX_INT64, shape->rank, shape->dims, &data);
    for (int64_t k = 0; out && k < out->count; k++) {
        const struct onnx_tensor *t =
            onnx_int(part[0], part[0]->count > 1 ? k : 0) ? part[1] : part[2];

        data[k] = onnx_int(t, t->count > 1 ? k : 0);
    }
    return onnx_net_fold_give(x, n, out);
}

static tcet_status fold_floor(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
    struct onnx_tensor *out;
    double *data;

    if (onnx_is_whole(t))
        return onnx_net_fold_give(x, n, t);
    out = onnx_net_tensor(x, ONNX_DOUBLE, t->rank, t->dims, &data);
    for (int64_t k = 0; out && k < out->count; k++)
        data[k] = floor(onnx_real(t, k));
    if (out)
        out->computed = is_of_weights(x, t);
    return onnx_net_fold_give(x, n, out);
}

static tcet_status fold_range(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *part[3];
    int64_t value[3], count, *data;
    struct onnx_tensor *out;

    for (int32_t k = 0; k < 3; k++) {
        part[k] = onnx_net_folded(x, n, k);
        if (!onnx_is_whole(part[k]) || part[k]->count != 1)
            return ONNX_REFUSE(x, n, "of whole numbers it is read");
        value[k] = onnx_int(part[k], 0);
        if (value[k] > INT32_MAX || value[k] < -INT32_MAX)
            return ONNX_REFUSE(x, n, "from, to or by %lld", (long long)value[k]);
    }
    if (!value[2])
        return ONNX_REFUSE(x, n, "by 0");
    count = (value[1] - value[0] + value[2] - (value[2] > 0 ? 1 : -1)) / value[2];
    count = count < 0 ? 0 : count;
    out = onnx_net_whole(x, 1, count, &data);
    for (int64_t k = 0; out && k < count; k++)
        data[k] = value[0] + k * value[2];
    return onnx_net_fold_give(x, n, out);
}

static const struct {
    const char *op;
    onnx_fold *rule;
    int32_t inputs;
} rules[] = {
    {"Constant", fold_constant, 0},
    {"Identity", fold_same, 1},
    {"Squeeze", onnx_fold_squeeze, 1},
    {"Unsqueeze", onnx_fold_squeeze, 1},
    {"Reshape", onnx_fold_reshape, 2},
    {"Transpose", onnx_fold_transpose, 1},
    {"Concat", onnx_fold_concat, 1},
    {"Gather", onnx_fold_gather, 2},
    {"Slice", onnx_fold_slice, 1},
    {"Expand", onnx_fold_expand, 2},
    {"ConstantOfShape", fold_filled, 1},
    {"Cast", fold_cast, 1},
    {"Add", fold_arithmetic, 2},
    {"Sub", fold_arithmetic, 2},
    {"Mul", fold_arithmetic, 2},
    {"Div", fold_arithmetic, 2},
    {"Equal", fold_arithmetic, 2},
    {"Where", fold_where, 3},
    {"Floor", fold_floor, 1},
    {"Range", fold_range, 3},
};

static onnx_fold *rule_of(const struct onnx_node *n)
{
    for (size_t i = 0; i < TCET_COUNT(rules); i++)
        if (!strcmp(rules[i].op, n->op) && n->input_count >= rules[i].inputs &&
            n->output_count == 1)
            return rules[i].rule;
    return NULL;
}

static int is_shape(const struct onnx_node *n)
{
    return !strcmp(n->op, "Shape") && n->input_count == 1 && n->output_count == 1;
}

int onnx_net_shapes(const struct onnx_node *n)
{
    return is_shape(n) || rule_of(n);
}

int onnx_net_folds(struct onnx_net *x, const struct onnx_node *n)
{
    if (is_shape(n)) {
        struct onnx_value *v = onnx_net_input(x, n, 0);

        return v && (v->constant || v->layout);
    }
    for (int32_t k = 0; k < n->input_count; k++) {
        struct onnx_value *v = onnx_net_input(x, n, k);

        if (v && !(v->constant && onnx_type_size(v->constant->type)))
            return 0;
        if (!v && k < 2)
            return 0;
    }
    return rule_of(n) != NULL;
}

tcet_status onnx_net_fold(struct onnx_net *x, const struct onnx_node *n)
{
    return is_shape(n) ? fold_shape(x, n) : rule_of(n)(x, n);
}
