/* layers.c -- operations with weights, windows and products; see net.h.  Room: spaces/onnx. */
#include <stdlib.h>
#include <string.h>

#include "onnx/net.h"

double onnx_decimal(double value)
{
    char text[32];
    double out = value;

    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        out = strtod(text, NULL);
        if (!((float)out < (float)value) && !((float)out > (float)value))
            break;
    }
    return out;
}

/* ---- windows ---- */

/* Kernel, stride, padding and dilation of rows and columns; 1-d ones have rows of 1. */
struct window {
    int64_t kernel[2], stride[2], begin[2], end[2], dilation[2];
};

/* An attribute of `each` numbers a spatial axis: those of rows, then of columns. */
static tcet_status spatial(struct onnx_net *x, const struct onnx_node *n, const char *name,
                           int32_t axes, int64_t least, int64_t *first, int64_t *second)
{
    const struct onnx_attr *a = onnx_attr_of(n, name);
    int32_t want = second ? 2 * axes : axes;

    if (!a)
        return TCET_OK;
    if (a->count != want)
        return ONNX_REFUSE(x, n, "its %s are %d numbers; there must be %d", name, a->count, want);
    for (int32_t k = 0; k < a->count; k++) {
        if (a->ints[k] < least || a->ints[k] > INT16_MAX)
            return ONNX_REFUSE(x, n, "its %s hold %lld; %lld to %d is read", name,
                               (long long)a->ints[k], (long long)least, INT16_MAX);
        *(k < axes ? &first[k + 2 - axes] : &second[k - axes + 2 - axes]) = a->ints[k];
    }
    return TCET_OK;
}

/* auto_pad, by the extents of the input. */
static tcet_status auto_pad(struct onnx_net *x, const struct onnx_node *n, const int32_t size[2],
                            struct window *w)
{
    const char *mode = onnx_attr_text(n, "auto_pad", "NOTSET");
    int lower = !strcmp(mode, "SAME_LOWER");

    if (!strcmp(mode, "NOTSET"))
        return TCET_OK;
    memset(w->begin, 0, sizeof w->begin);
    memset(w->end, 0, sizeof w->end);
    if (!strcmp(mode, "VALID"))
        return TCET_OK;
    if (!lower && strcmp(mode, "SAME_UPPER") != 0)
        return ONNX_REFUSE(x, n, "auto_pad \"%.40s\"", mode);
    for (int k = 0; k < 2; k++) {
        int64_t total = ((size[k] - 1) / w->stride[k]) * w->stride[k] +
                        (w->kernel[k] - 1) * w->dilation[k] + 1 - size[k];

        total = total < 0 ? 0 : total;
        w->begin[k] = lower ? total - total / 2 : total / 2;
        w->end[k] = total - w->begin[k];
    }
    return TCET_OK;
}

static int64_t places(int64_t size, int64_t begin, int64_t end, const struct window *w, int k)
{
    return (size + begin + end - (w->kernel[k] - 1) * w->dilation[k] - 1) / w->stride[k] + 1;
}

static tcet_status read_window(struct onnx_net *x, const struct onnx_node *n, int32_t axes,
                               const int32_t size[2], struct window *w)
{
    tcet_status st = spatial(x, n, "kernel_shape", axes, 1, w->kernel, NULL);

    if (st >= 0)
        st = spatial(x, n, "strides", axes, 1, w->stride, NULL);
    if (st >= 0)
        st = spatial(x, n, "dilations", axes, 1, w->dilation, NULL);
    if (st >= 0)
        st = spatial(x, n, "pads", axes, 0, w->begin, w->end);
    if (st >= 0)
        st = auto_pad(x, n, size, w);
    return st;
}

static void set_window(tcet_op *op, const struct window *w)
{
    op->kernel_h = (int32_t)w->kernel[0];
    op->kernel_w = (int32_t)w->kernel[1];
    op->stride_h = (int32_t)w->stride[0];
    op->stride_w = (int32_t)w->stride[1];
    op->dilation_h = (int32_t)w->dilation[0];
    op->dilation_w = (int32_t)w->dilation[1];
    op->padding_h = (int32_t)w->begin[0];
    op->padding_w = (int32_t)w->begin[1];
}

/* The builder pads both ends alike: what an end has more than its beginning is zeros added to the
 * input; what it has less must not be reached by any place of the window. */
static tcet_status even_padding(struct onnx_net *x, const struct onnx_node *n,
                                const int32_t size[2], const struct window *w, int zeros,
                                int32_t *node)
{
    int64_t more[2] = {0, 0};
    tcet_op op = tcet_op_from(TCET_OP_PAD, -1, node, 1);

    for (int k = 0; k < 2; k++) {
        if (places(size[k], w->begin[k], w->end[k], w, k) ==
            places(size[k], w->begin[k], w->begin[k], w, k))
            continue;
        if (w->end[k] < w->begin[k] || !zeros)
            return ONNX_REFUSE(x, n, "its padding of %lld before and %lld after %s is not read%s",
                               (long long)w->begin[k], (long long)w->end[k], k ? "columns" : "rows",
                               zeros ? "; more after than before is"
                                     : " where zeros are not the same (ceil_mode adds some)");
        more[k] = w->end[k] - w->begin[k];
    }
    if (!more[0] && !more[1])
        return TCET_OK;
    op.padding_h = (int32_t)more[0];
    op.padding_w = (int32_t)more[1];
    *node = x->b->add(x->b, &op);
    return *node < 0 ? *node : TCET_OK;
}

/* An input as an image, its node and size. */
static tcet_status image(struct onnx_net *x, const struct onnx_node *n, struct onnx_value **v,
                         int32_t *node, int32_t size[2])
{
    static const int32_t flat[] = {ONNX_ROWS, ONNX_CHANNELS, ONNX_COLUMNS},
                         parts[] = {ONNX_ROWS, ONNX_CHANNELS, ONNX_ROWS, ONNX_COLUMNS};
    struct onnx_layout l;
    char text[128];
    int32_t c;
    tcet_status st = onnx_net_data(x, n, 0, v);

    if (st < 0)
        return st;
    l = *(*v)->layout;
    *node = (*v)->node;
    if ((l.rank != 3 && l.rank != 4) || l.batch || onnx_layout_extent(&l, 0) != 1)
        return ONNX_REFUSE(x, n,
                           "its input of shape %s is no image [batch, channels, rows, columns] or "
                           "[batch, channels, length]",
                           onnx_dims_text(l.dims, l.rank, text));
    if (!onnx_layout_is_image(&l))
        st = onnx_net_parts(x, n, l.rank == 3 ? flat : parts, &l, node);
    if (st >= 0)
        x->b->shape(x->b, *node, &c, &size[0], &size[1]);
    return st;
}

/* Gives op with the layout of the image that it makes. */
static tcet_status give_image(struct onnx_net *x, const struct onnx_node *n, const tcet_op *op,
                              int32_t rank)
{
    int32_t node = x->b->add(x->b, op), c, h, w;
    struct onnx_layout l;

    if (node < 0)
        return node;
    x->b->shape(x->b, node, &c, &h, &w);
    onnx_layout_image(&l, rank, x->batch, c, h, w);
    return onnx_net_set(x, n, node, &l);
}

/* A vector of so many constants, or none. */
static tcet_status vector(struct onnx_net *x, const struct onnx_node *n, int32_t k, int64_t count,
                          const struct onnx_tensor **out)
{
    tcet_status st = onnx_net_constant(x, n, k, out);

    if (st >= 0 && *out && (*out)->count != count)
        return ONNX_REFUSE(x, n, "input %d has %lld numbers; there must be %lld", k + 1,
                           (long long)(*out)->count, (long long)count);
    return st;
}

/* A weight's and its bias's numbers. */
static tcet_status numbers(struct onnx_net *x, const struct onnx_node *n, int32_t module,
                           const struct onnx_tensor *weight, int transposed,
                           const struct onnx_tensor *bias)
{
    tcet_status st = onnx_net_numbers(x, n, TCET_VALUES_WEIGHT, module, weight, transposed);

    return st < 0 || !bias ? st : onnx_net_numbers(x, n, TCET_VALUES_BIAS, module, bias, 0);
}

tcet_status onnx_conv(struct onnx_net *x, const struct onnx_node *n)
{
    struct window w = {{1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}};
    const struct onnx_tensor *weight, *bias = NULL;
    int64_t group = onnx_attr_int(n, "group", 1);
    struct onnx_value *v;
    int32_t size[2], axes, node;
    tcet_op op;
    tcet_status st = image(x, n, &v, &node, size);

    if (st >= 0)
        st = onnx_net_constant(x, n, 1, &weight);
    if (st < 0)
        return st;
    axes = v->layout->rank - 2;
    if (!weight || weight->rank != axes + 2 || !weight->count || group < 1 ||
        group > weight->dims[0] || weight->dims[1] * group != v->layout->dims[1])
        return ONNX_REFUSE(x, n, "its weight does not fit %lld channels in %lld groups",
                           (long long)v->layout->dims[1], (long long)group);
    for (int32_t k = 0; k < axes; k++)
        w.kernel[k + 2 - axes] = weight->dims[2 + k];
    st = read_window(x, n, axes, size, &w);
    for (int32_t k = 0; k < axes && st >= 0; k++)
        if (w.kernel[k + 2 - axes] != weight->dims[2 + k] || w.kernel[k + 2 - axes] > INT16_MAX)
            st = ONNX_REFUSE(x, n, "kernel_shape is not that of its weight");
    if (st >= 0)
        st = vector(x, n, 2, weight->dims[0], &bias);
    if (st >= 0)
        st = even_padding(x, n, size, &w, 1, &node);
    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_CONV2D, onnx_net_module(x, n, weight), &node, 1);
    set_window(&op, &w);
    op.channels = (int32_t)weight->dims[0];
    op.groups = (int32_t)group;
    op.bias = bias != NULL;
    st = give_image(x, n, &op, v->layout->rank);
    return st < 0 ? st : numbers(x, n, op.module, weight, 0, bias);
}

/* Is every number of a value 0 or more, by what gives it?  Then zeros around it are to a maximum what
 * padding is, and win nothing: a window begins with a number of the image, and the first maximum counts. */
static int is_positive(struct onnx_net *x, const struct onnx_value *v, int depth)
{
    static const char *const sure[] = {"Relu", "Sigmoid", "HardSigmoid", "Clip", "Softmax"};
    static const char *const passes[] = {"MaxPool", "AveragePool", "Concat", "Dropout", "Identity"};
    const struct onnx_node *n = onnx_net_producer(x, v);

    if (!n || depth > 8)
        return 0;
    for (size_t i = 0; i < TCET_COUNT(sure); i++)
        if (!strcmp(n->op, sure[i])) /* Clip is read from 0 alone */
            return 1;
    for (size_t i = 0; i < TCET_COUNT(passes); i++) {
        int all = !strcmp(n->op, passes[i]);

        for (int32_t k = 0; k < n->input_count && all && (!k || !strcmp(n->op, "Concat")); k++)
            all = is_positive(x, onnx_net_input(x, n, k), depth + 1);
        if (all)
            return 1;
    }
    return 0;
}

/* ceil_mode: what the last window, which must begin within the image, reaches beyond the end. */
static void add_ceiling(const int32_t size[2], struct window *w, int *added)
{
    for (int k = 0; k < 2; k++) {
        int64_t reach = size[k] + w->begin[k] + w->end[k] - w->kernel[k];
        int64_t rest = reach < 0 ? 0 : reach % w->stride[k];

        if (rest && reach + w->stride[k] - rest < size[k] + w->begin[k]) {
            w->end[k] += w->stride[k] - rest;
            *added = 1;
        }
    }
}

tcet_status onnx_pool(struct onnx_net *x, const struct onnx_node *n)
{
    struct window w = {{0, 0}, {1, 1}, {0, 0}, {0, 0}, {1, 1}};
    int max = !strcmp(n->op, "MaxPool"), counted, ceiling = 0;
    struct onnx_value *v;
    int32_t size[2], axes, node;
    tcet_op op;
    tcet_status st = image(x, n, &v, &node, size);

    if (st < 0)
        return st;
    axes = v->layout->rank - 2;
    if (axes == 1)
        w.kernel[0] = 1;
    st = read_window(x, n, axes, size, &w);
    if (st < 0)
        return st;
    if (!w.kernel[0] || !w.kernel[1] || w.dilation[0] != 1 || w.dilation[1] != 1)
        return ONNX_REFUSE(x, n, "pooling without kernel_shape, or dilated, is not read");
    counted = !max && onnx_attr_int(n, "count_include_pad", 0) != 0;
    if (onnx_attr_int(n, "ceil_mode", 0))
        add_ceiling(size, &w, &ceiling);
    st = even_padding(x, n, size, &w, max ? is_positive(x, v, 0) : counted && !ceiling, &node);
    if (st < 0)
        return st;
    op = tcet_op_from(max ? TCET_OP_MAX_POOL : TCET_OP_AVG_POOL, onnx_net_module(x, n, NULL), &node,
                      1);
    set_window(&op, &w);
    op.dilation_h = op.dilation_w = 0;
    op.count_include_pad = counted;
    return give_image(x, n, &op, v->layout->rank);
}

/* ---- norms ---- */

static tcet_status norm_vectors(struct onnx_net *x, const struct onnx_node *n, int64_t channels,
                                const struct onnx_tensor *out[4], int32_t count)
{
    for (int32_t k = 0; k < count; k++) {
        tcet_status st = vector(x, n, k + 1, channels, &out[k]);

        if (st < 0)
            return st;
        if (!out[k])
            return ONNX_REFUSE(x, n, "input %d is missing", k + 2);
    }
    return TCET_OK;
}

tcet_status onnx_batch_norm(struct onnx_net *x, const struct onnx_node *n)
{
    static const uint32_t what[] = {TCET_VALUES_WEIGHT, TCET_VALUES_BIAS, TCET_VALUES_MEAN,
                                    TCET_VALUES_VARIANCE};
    const struct onnx_tensor *parts[4] = {NULL};
    static const int32_t image[] = {ONNX_ROWS, ONNX_CHANNELS, ONNX_ROWS, ONNX_COLUMNS};
    struct onnx_value *v;
    struct onnx_layout l;
    int32_t node;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    if (l.rank < 2 || l.rank > 4 || l.batch == 1 || onnx_attr_int(n, "spatial", 1) != 1)
        return ONNX_REFUSE(x, n, "its axis 1 is not the channels of an image");
    if (!onnx_layout_channels(&l, 1))
        st = onnx_net_parts(x, n, image, &l, &node);
    if (st >= 0)
        st = norm_vectors(x, n, l.dims[1], parts, 4);
    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_BATCH_NORM, onnx_net_module(x, n, parts[0]), &node, 1);
    op.affine = op.track = 1;
    op.eps = onnx_decimal(onnx_attr_real(n, "epsilon", 1e-5f));
    op.momentum = onnx_decimal((float)(1 - onnx_decimal(onnx_attr_real(n, "momentum", 0.9f))));
    st = onnx_net_give(x, n, &op, &l);
    for (int k = 0; k < 4 && st >= 0; k++)
        st = onnx_net_numbers(x, n, what[k], op.module, parts[k], 0);
    return st;
}

/* Do a vector's numbers stand on the axis that is `from_end` from the end, 1 the last? */
static int is_along(const struct onnx_tensor *t, int32_t from_end)
{
    return t->count == 1 || (t->rank >= from_end && t->dims[t->rank - from_end] == t->count);
}

tcet_status onnx_layer_norm(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *parts[4] = {NULL};
    int64_t axis = onnx_attr_int(n, "axis", -1);
    struct onnx_value *v;
    struct onnx_layout l;
    int32_t node;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    axis = axis < 0 ? axis + l.rank : axis;
    if (axis < 0 || axis >= l.rank || axis == l.batch ||
        (axis != l.rank - 1 && !onnx_attr_int(n, "one_axis", 0)))
        return ONNX_REFUSE(x, n, "over the last axis it is read, or over one of an image");
    if (!onnx_layout_channels(&l, (int32_t)axis))
        st = onnx_net_along(x, n, (int32_t)axis, &l, &node);
    if (st >= 0)
        st = norm_vectors(x, n, l.dims[axis], parts, 2);
    for (int k = 0; k < 2 && st >= 0; k++)
        if (!is_along(parts[k], l.rank - (int32_t)axis))
            st = ONNX_REFUSE(x, n, "its scale and shift are not of the axis it is over");
    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_LAYER_NORM, onnx_net_module(x, n, parts[0]), &node, 1);
    op.affine = 1;
    op.eps = onnx_decimal(onnx_attr_real(n, "epsilon", 1e-5f));
    st = onnx_net_give(x, n, &op, &l);
    return st < 0 ? st : numbers(x, n, op.module, parts[0], 0, parts[1]);
}

/* ---- products with a weight ---- */

/* x's last axis times a matrix [in, out], or [out, in] where not transposed: a linear layer of whole
 * images, a 1x1 convolution of tokens. */
static tcet_status product(struct onnx_net *x, const struct onnx_node *n,
                           const struct onnx_tensor *weight, int transposed,
                           const struct onnx_tensor *bias)
{
    int64_t out = weight->dims[transposed], in = weight->dims[!transposed];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t last, node;
    int flat;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    last = l.rank - 1;
    node = v->node;
    if (last < 1 || last == l.batch || l.dims[last] != in || !out)
        return ONNX_REFUSE(x, n, "its input's last axis is not of %lld numbers", (long long)in);
    flat = onnx_layout_flat(&l, last);
    if (!flat && !onnx_layout_channels(&l, last)) {
        st = onnx_net_along(x, n, last, &l, &node);
        if (st < 0)
            return st;
        flat = onnx_layout_flat(&l, last);
    }
    op = tcet_op_from(flat ? TCET_OP_LINEAR : TCET_OP_CONV2D, onnx_net_module(x, n, weight), &node,
                      1);
    op.channels = (int32_t)out;
    op.bias = bias != NULL;
    if (!flat)
        op.kernel_h = op.kernel_w = 1;
    onnx_layout_replace(&l, out);
    st = onnx_net_give(x, n, &op, &l);
    return st < 0 ? st : numbers(x, n, op.module, weight, transposed, bias);
}

tcet_status onnx_linear(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *weight, *bias;
    tcet_status st = onnx_net_constant(x, n, 1, &weight);

    if (st >= 0)
        st = onnx_net_constant(x, n, 2, &bias);
    return st < 0 ? st : product(x, n, weight, 1, bias);
}

static int is_one(double v)
{
    return !(v < 1) && !(v > 1);
}

tcet_status onnx_gemm(struct onnx_net *x, const struct onnx_node *n)
{
    int transposed = onnx_attr_int(n, "transB", 0) == 0;
    const struct onnx_tensor *weight, *bias = NULL;
    tcet_status st = onnx_net_constant(x, n, 1, &weight);

    if (st < 0)
        return st;
    if (!weight || weight->rank != 2 || onnx_attr_int(n, "transA", 0) ||
        !is_one(onnx_attr_real(n, "alpha", 1)) || !is_one(onnx_attr_real(n, "beta", 1)))
        return ONNX_REFUSE(x, n,
                           "with a constant matrix, alpha = beta = 1 and transA = 0 it is "
                           "read");
    st = vector(x, n, 2, weight->dims[transposed], &bias);
    return st < 0 ? st : product(x, n, weight, transposed, bias);
}

/* ---- attention ---- */

/* Is it a layout with the positions on one axis and, of the channels, the heads on others before the rest,
 * which is on axis `rest`?  *heads: how many. */
static int heads_of(const struct onnx_layout *l, int32_t rest, int32_t positions, int32_t *heads)
{
    int32_t last = -1, next = 0;

    *heads = 1;
    for (int32_t i = 0; i < l->count; i++) {
        const struct onnx_atom *a = &l->atom[i];

        if ((a->part != ONNX_CHANNELS) != (a->axis == positions))
            return 0;
        if (a->part == ONNX_CHANNELS && a->axis != rest) {
            if (a->place != next++)
                return 0;
            *heads *= (int32_t)a->size;
        } else if (a->axis == positions) { /* in their order */
            if (a->place < last)
                return 0;
            last = a->place;
        }
    }
    return onnx_layout_atom(l, rest) >= 0 || l->dims[rest] == 1;
}

/* An operand of a product as heads_of has it. */
static tcet_status as_heads(struct onnx_net *x, const struct onnx_node *n, int32_t positions,
                            struct onnx_layout *l, int32_t *node, int32_t *heads)
{
    int32_t parts[ONNX_RANK_MAX], rest = 2 * l->rank - 3 - positions;
    tcet_status st;

    if (heads_of(l, rest, positions, heads))
        return TCET_OK;
    for (int32_t axis = 0; axis < l->rank; axis++)
        parts[axis] = axis == positions ? ONNX_COLUMNS : ONNX_CHANNELS;
    st = onnx_net_parts(x, n, parts, l, node);
    if (st >= 0 && !heads_of(l, rest, positions, heads))
        st = ONNX_REFUSE(x, n, "products of two values are read as attention has them");
    return st;
}

tcet_status onnx_matmul(struct onnx_net *x, const struct onnx_node *n)
{
    struct onnx_value *a, *b, *w = onnx_net_input(x, n, 1);
    int32_t rank, heads, nodes[2], turned;
    struct onnx_layout la, lb;
    int alike = 1;
    tcet_status st;
    tcet_op op;

    if (w && w->constant) {
        if (w->constant->rank != 2 || !onnx_type_size(w->constant->type))
            return ONNX_REFUSE(x, n, "of constants only a matrix is multiplied with");
        return product(x, n, w->constant, 1, NULL);
    }
    st = onnx_net_data(x, n, 0, &a);
    if (st >= 0)
        st = onnx_net_data(x, n, 1, &b);
    if (st < 0)
        return st;
    la = *a->layout;
    lb = *b->layout;
    rank = la.rank;
    for (int32_t k = 0; k < rank - 2 && lb.rank == rank; k++)
        alike &= la.dims[k] == lb.dims[k];
    if (rank < 3 || lb.rank != rank || la.batch > rank - 3 || lb.batch != la.batch || !alike ||
        la.before != lb.before || la.dims[rank - 1] != lb.dims[rank - 2])
        return ONNX_REFUSE(x, n,
                           "products of two values are read as attention has them, of equal "
                           "batch and heads");
    nodes[0] = a->node;
    nodes[1] = b->node;
    /* Q K^T where what b's columns are of stands on them, else A V */
    turned =
        heads_of(&lb, rank - 2, rank - 1, &heads) || !heads_of(&lb, rank - 1, rank - 2, &heads);
    st = as_heads(x, n, rank - 2, &la, &nodes[0], &heads);
    if (st >= 0)
        st = as_heads(x, n, turned ? rank - 1 : rank - 2, &lb, &nodes[1], &heads);
    if (st < 0)
        return st;
    op = tcet_op_from(turned ? TCET_OP_MATMUL_T : TCET_OP_MATMUL, onnx_net_module(x, n, NULL),
                      nodes, 2);
    op.groups = heads;
    onnx_layout_replace(&la, lb.dims[rank - 1]);
    return onnx_net_give(x, n, &op, &la);
}
