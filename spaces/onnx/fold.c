/* fold.c -- constants that are computed: the arithmetic of shapes that exporters write, and weights that
 * they turn; see net.h.  Room: spaces/onnx. */
#include <stdlib.h>
#include <string.h>

#include "onnx/net.h"

/* A constant of that type and shape, whose elements are to be written. */
static struct onnx_tensor *new_tensor(struct onnx_net *x, int32_t type, int32_t rank,
                                      const int64_t *dims, void *data_out)
{
    struct onnx_tensor *t = onnx_alloc(x->m, 1, sizeof *t);
    unsigned char *data;

    if (!t)
        return NULL;
    *t = (struct onnx_tensor){.name = "", .type = type, .rank = rank, .place = -1, .count = 1};
    for (int32_t k = 0; k < rank; k++) {
        t->dims[k] = dims[k];
        if (__builtin_mul_overflow(t->count, dims[k], &t->count) || t->count > ONNX_FOLD_MAX) {
            tcet_failf(x->cx, TCET_E_ARG, "%s: a constant that is computed is too large",
                       x->model->file);
            return NULL;
        }
    }
    data = onnx_alloc(x->m, (size_t)t->count, onnx_type_size(type));
    t->data = t->source = data;
    memcpy(data_out, &data, sizeof data);
    return data ? t : NULL;
}

struct onnx_tensor *onnx_net_whole(struct onnx_net *x, int32_t rank, int64_t count, int64_t **data)
{
    return new_tensor(x, ONNX_INT64, rank, &count, data);
}

static tcet_status give(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *t)
{
    if (!t)
        return TCET_E_MEMORY; /* and the error is recorded */
    onnx_net_value(x, n->outputs[0])->constant = t;
    return TCET_OK;
}

static const struct onnx_tensor *in(struct onnx_net *x, const struct onnx_node *n, int32_t k)
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
        return give(x, n, out);
    }
    if (f) {
        out = new_tensor(x, ONNX_DOUBLE, 0, NULL, &real);
        if (out)
            *real = (double)f->f;
        return give(x, n, out);
    }
    if (!i && !is)
        return ONNX_REFUSE(x, n, "a constant of this kind is not read");
    out = onnx_net_whole(x, is ? 1 : 0, is ? is->count : 1, &whole);
    for (int64_t k = 0; out && k < out->count; k++)
        whole[k] = is ? is->ints[k] : i->i;
    return give(x, n, out);
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
    return give(x, n, out);
}

/* The same elements under another shape. */
static tcet_status give_shaped(struct onnx_net *x, const struct onnx_node *n,
                               const struct onnx_tensor *t, const int64_t *dims, int32_t rank)
{
    struct onnx_tensor *out = onnx_alloc(x->m, 1, sizeof *out);
    int64_t count = 1;

    if (!out)
        return TCET_E_MEMORY;
    *out = *t;
    out->rank = rank;
    for (int32_t k = 0; k < rank; k++) {
        out->dims[k] = dims[k];
        if (dims[k] < 0 || __builtin_mul_overflow(count, dims[k], &count))
            count = -1;
    }
    if (count != t->count)
        return ONNX_REFUSE(x, n, "a constant of %lld elements cannot have this shape",
                           (long long)t->count);
    return give(x, n, out);
}

static tcet_status fold_squeeze(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0);
    int unsqueeze = !strcmp(n->op, "Unsqueeze");
    int64_t axes[ONNX_RANK_MAX * 2], dims[ONNX_RANK_MAX * 3];
    int64_t rank = t->rank;
    tcet_status st = TCET_OK;
    int32_t count = onnx_net_ints(x, n, "axes", 1, axes, &st), at = 0;
    uint32_t marked = 0;

    if (st < 0)
        return st;
    if (unsqueeze)
        rank += count > 0 ? count : 0;
    for (int32_t k = 0; k < count; k++) {
        int64_t axis = axes[k] < 0 ? axes[k] + rank : axes[k];

        if (axis < 0 || axis >= rank || rank > ONNX_RANK_MAX)
            return ONNX_REFUSE(x, n, "axis %lld is outside rank %lld", (long long)axes[k],
                               (long long)rank);
        marked |= 1u << axis;
    }
    for (int32_t k = 0, from = 0; k < rank; k++) {
        int mark = count < 0 ? t->dims[k] == 1 : (int)(marked >> k & 1);

        if (unsqueeze)
            dims[at++] = mark ? 1 : from < t->rank ? t->dims[from++] : 1;
        else if (!mark)
            dims[at++] = t->dims[k];
    }
    return give_shaped(x, n, t, dims, at);
}

static tcet_status fold_reshape(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0), *to = in(x, n, 1);
    int64_t dims[ONNX_RANK_MAX], known = 1;
    int32_t open = -1;

    if (to->count > ONNX_RANK_MAX || !onnx_is_whole(to))
        return ONNX_REFUSE(x, n, "a shape of more than %d dimensions", ONNX_RANK_MAX);
    for (int32_t k = 0; k < to->count; k++) {
        dims[k] = onnx_int(to, k);
        if (!dims[k] && k < t->rank)
            dims[k] = t->dims[k];
        if (dims[k] == -1)
            open = k;
        else if (dims[k] < 0 || __builtin_mul_overflow(known, dims[k], &known))
            return ONNX_REFUSE(x, n, "a shape with dimension %lld", (long long)dims[k]);
    }
    if (open >= 0)
        dims[open] = known ? t->count / known : 0;
    return give_shaped(x, n, t, dims, (int32_t)to->count);
}

static tcet_status fold_same(struct onnx_net *x, const struct onnx_node *n)
{
    return give(x, n, in(x, n, 0));
}

/* Weights are turned once where a product wants them so. */
static tcet_status fold_transpose(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0);
    const struct onnx_attr *perm = onnx_attr_of(n, "perm");
    size_t size = onnx_type_size(t->type);
    struct onnx_tensor *out;
    unsigned char *data;

    if (t->rank != 2 || (perm && (perm->count != 2 || perm->ints[0] != 1 || perm->ints[1] != 0)))
        return ONNX_REFUSE(x, n, "of constants only matrices are transposed");
    out = onnx_alloc(x->m, 1, sizeof *out);
    data = onnx_alloc(x->m, (size_t)t->count, size);
    if (!out || !data)
        return TCET_E_MEMORY;
    *out = *t;
    out->dims[0] = t->dims[1];
    out->dims[1] = t->dims[0];
    out->data = data;
    for (int64_t i = 0; i < t->dims[0]; i++)
        for (int64_t k = 0; k < t->dims[1]; k++)
            memcpy(data + (size_t)(k * t->dims[0] + i) * size,
                   t->data + (size_t)(i * t->dims[1] + k) * size, size);
    return give(x, n, out);
}

static tcet_status fold_concat(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_tensor *out;
    int64_t total = 0, *whole;

    for (int32_t i = 0; i < n->input_count; i++) {
        const struct onnx_tensor *t = in(x, n, i);

        if (!t || t->rank > 1 || !onnx_is_whole(t))
            return ONNX_REFUSE(x, n, "of constants only lists of whole numbers are joined");
        total += t->count;
    }
    out = onnx_net_whole(x, 1, total, &whole);
    for (int32_t i = 0; out && i < n->input_count; i++)
        for (int64_t k = 0; k < in(x, n, i)->count; k++)
            *whole++ = onnx_int(in(x, n, i), k);
    return give(x, n, out);
}

static tcet_status fold_gather(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0), *at = in(x, n, 1);
    struct onnx_tensor *out;
    int64_t *whole;

    if (t->rank != 1 || at->rank > 1 || !onnx_is_whole(t) || !onnx_is_whole(at))
        return ONNX_REFUSE(x, n, "of constants only lists of whole numbers are gathered from");
    out = onnx_net_whole(x, at->rank, at->count, &whole);
    for (int64_t k = 0; out && k < at->count; k++) {
        int64_t i = onnx_int(at, k);

        i = i < 0 ? i + t->count : i;
        if (i < 0 || i >= t->count)
            return ONNX_REFUSE(x, n, "index %lld is outside a list of %lld",
                               (long long)onnx_int(at, k), (long long)t->count);
        whole[k] = onnx_int(t, i);
    }
    return give(x, n, out);
}

/* Elements from, from + step ... of an axis, `count` of them, as a constant of its own. */
static struct onnx_tensor *stride_axis(struct onnx_net *x, const struct onnx_tensor *t,
                                       int32_t axis, int64_t from, int64_t step, int64_t count)
{
    size_t size = onnx_type_size(t->type);
    int64_t dims[ONNX_RANK_MAX], outer = 1, inner = 1;
    struct onnx_tensor *out;
    unsigned char *data;

    for (int32_t k = 0; k < t->rank; k++) {
        dims[k] = k == axis ? count : t->dims[k];
        *(k < axis ? &outer : &inner) *= k == axis ? 1 : t->dims[k];
    }
    out = new_tensor(x, t->type, t->rank, dims, &data);
    for (int64_t o = 0; out && o < outer; o++)
        for (int64_t k = 0; k < count; k++)
            memcpy(data + (size_t)((o * count + k) * inner) * size,
                   t->data + (size_t)((o * t->dims[axis] + from + k * step) * inner) * size,
                   (size_t)inner * size);
    return out;
}

/* A bound of a slice: from the end where it is negative, and within low .. high. */
static int64_t slice_bound(int64_t v, int64_t extent, int64_t low, int64_t high)
{
    v = v < 0 && v > INT64_MIN + extent ? v + extent : v;
    return v < low ? low : v > high ? high : v;
}

static tcet_status fold_slice(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0);
    int64_t from[ONNX_RANK_MAX * 2], to[ONNX_RANK_MAX * 2], axes[ONNX_RANK_MAX * 2],
        steps[ONNX_RANK_MAX * 2];
    tcet_status st = TCET_OK;
    int32_t count = onnx_net_ints(x, n, "starts", 1, from, &st);
    int32_t ends = onnx_net_ints(x, n, "ends", 2, to, &st);
    int32_t named = onnx_net_ints(x, n, "axes", 3, axes, &st);
    int32_t stepped = onnx_net_ints(x, n, "steps", 4, steps, &st);

    if (st < 0)
        return st;
    if (ends != count || (named >= 0 && named != count) || (stepped >= 0 && stepped != count))
        return ONNX_REFUSE(x, n, "its starts, ends, axes and steps are not as many");
    for (int32_t k = 0; k < count; k++) {
        int64_t axis = named < 0 ? k : axes[k] < 0 ? axes[k] + t->rank : axes[k];
        int64_t step = stepped < 0 ? 1 : steps[k], extent, first, last;

        if (axis < 0 || axis >= t->rank || !step || step > INT32_MAX || step < -INT32_MAX)
            return ONNX_REFUSE(x, n, "axis %lld of rank %d by step %lld", (long long)axis, t->rank,
                               (long long)step);
        extent = t->dims[axis];
        first = slice_bound(from[k], extent, 0, step > 0 ? extent : extent - 1);
        last = slice_bound(to[k], extent, step > 0 ? 0 : -1, extent);
        if (step > 0)
            last = last > first ? (last - first + step - 1) / step : 0;
        else
            last = first > last ? (first - last - step - 1) / -step : 0;
        t = stride_axis(x, t, (int32_t)axis, first, step, last);
        if (!t)
            return TCET_E_MEMORY;
    }
    return give(x, n, t);
}

static tcet_status fold_filled(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *shape = in(x, n, 0);
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
        out = new_tensor(x, ONNX_INT64, (int32_t)shape->count, dims, &whole);
        for (int64_t k = 0; out && k < out->count; k++)
            whole[k] = onnx_int(value->t, 0);
    } else {
        out = new_tensor(x, ONNX_DOUBLE, (int32_t)shape->count, dims, &real);
        for (int64_t k = 0; out && k < out->count; k++)
            real[k] = value ? onnx_real(value->t, 0) : 0;
    }
    return give(x, n, out);
}

static tcet_status fold_cast(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = in(x, n, 0);
    int64_t to = onnx_attr_int(n, "to", 0), *whole;
    int real = to == ONNX_FLOAT || to == ONNX_DOUBLE, is_real = !onnx_is_whole(t);
    struct onnx_tensor *out;
    double *values;

    if (real == is_real)
        return give(x, n, t);
    if (real) {
        out = new_tensor(x, ONNX_DOUBLE, t->rank, t->dims, &values);
        for (int64_t k = 0; out && k < t->count; k++)
            values[k] = onnx_real(t, k);
    } else {
        out = new_tensor(x, ONNX_INT64, t->rank, t->dims, &whole);
        for (int64_t k = 0; out && k < t->count; k++)
            whole[k] = onnx_int(t, k);
    }
    return give(x, n, out);
}

static int whole_of(char op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case 'A': return !__builtin_add_overflow(a, b, out);
    case 'S': return !__builtin_sub_overflow(a, b, out);
    case 'M': return !__builtin_mul_overflow(a, b, out);
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

/* Add, Sub, Mul and Div of lists of one length, or with one number. */
static tcet_status fold_arithmetic(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *a = in(x, n, 0), *b = in(x, n, 1);
    const struct onnx_tensor *shape = a->rank >= b->rank ? a : b;
    int whole = onnx_is_whole(a) && onnx_is_whole(b);
    struct onnx_tensor *out;
    void *data;

    if ((a->count != b->count && a->count != 1 && b->count != 1) || !a->count || !b->count)
        return ONNX_REFUSE(x, n, "constants of %lld and %lld elements", (long long)a->count,
                           (long long)b->count);
    if (shape->count < a->count || shape->count < b->count)
        shape = a->count > b->count ? a : b;
    out = new_tensor(x, whole ? ONNX_INT64 : ONNX_DOUBLE, shape->rank, shape->dims, &data);
    for (int64_t k = 0; out && k < out->count; k++) {
        int64_t i = a->count > 1 ? k : 0, j = b->count > 1 ? k : 0;

        if (!whole)
            ((double *)data)[k] = real_of(n->op[0], onnx_real(a, i), onnx_real(b, j));
        else if (!whole_of(n->op[0], onnx_int(a, i), onnx_int(b, j), (int64_t *)data + k))
            return ONNX_REFUSE(x, n, "%lld and %lld give no number", (long long)onnx_int(a, i),
                               (long long)onnx_int(b, j));
    }
    return give(x, n, out);
}

static const struct {
    const char *op;
    onnx_rule *rule;
    int32_t inputs;
} rules[] = {
    {"Constant", fold_constant, 0}, {"Identity", fold_same, 1},
    {"Squeeze", fold_squeeze, 1},   {"Unsqueeze", fold_squeeze, 1},
    {"Reshape", fold_reshape, 2},   {"Transpose", fold_transpose, 1},
    {"Concat", fold_concat, 1},     {"Gather", fold_gather, 2},
    {"Slice", fold_slice, 1},       {"ConstantOfShape", fold_filled, 1},
    {"Cast", fold_cast, 1},         {"Add", fold_arithmetic, 2},
    {"Sub", fold_arithmetic, 2},    {"Mul", fold_arithmetic, 2},
    {"Div", fold_arithmetic, 2},
};

static onnx_rule *rule_of(const struct onnx_node *n)
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
