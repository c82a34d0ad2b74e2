/* shapes.c -- operations that move, join and cut; see net.h.  Room: spaces/onnx. */
#include <string.h>

#include "onnx/net.h"

enum { FEW = 2 * ONNX_RANK_MAX };

static int64_t count_of(const struct onnx_layout *l)
{
    int64_t n = 1;

    for (int32_t k = 0; k < l->rank; k++)
        n *= l->dims[k];
    return n;
}

/* An axis that may count from the end; -1, refused: it is outside, or is the batch. */
static int32_t axis_of(struct onnx_net *x, const struct onnx_node *n, int64_t axis, int32_t rank,
                       int32_t batch, tcet_status *st)
{
    int64_t at = axis < 0 ? axis + rank : axis;

    if (at >= 0 && at < rank && at != batch)
        return (int32_t)at;
    *st = ONNX_REFUSE(x, n, "axis %lld of rank %d%s", (long long)axis, rank,
                      at == batch ? " is the batch, which stays as it is" : " is none");
    return -1;
}

/* ---- new shapes ---- */

/* Target dims of a Reshape: 0 is the input's, -1 what is left. */
static tcet_status reshape_dims(struct onnx_net *x, const struct onnx_node *n,
                                const struct onnx_layout *l, int64_t dims[FEW], int32_t *rank)
{
    int64_t known = 1;
    int32_t open = -1;
    tcet_status st = TCET_OK;

    *rank = onnx_net_ints(x, n, "shape", 1, dims, &st);
    if (st < 0)
        return st;
    if (*rank < 1 || *rank > ONNX_RANK_MAX)
        return ONNX_REFUSE(x, n, "a shape of %d dimensions; 1 to %d are read", *rank,
                           ONNX_RANK_MAX);
    for (int32_t k = 0; k < *rank; k++) {
        if (!dims[k] && k < l->rank && !onnx_attr_int(n, "allowzero", 0))
            dims[k] = l->dims[k];
        if (dims[k] == -1 && open < 0)
            open = k;
        else if (dims[k] < 1 || __builtin_mul_overflow(known, dims[k], &known))
            return ONNX_REFUSE(x, n, "a shape with dimension %lld", (long long)dims[k]);
    }
    if (open >= 0)
        dims[open] = count_of(l) % known ? 0 : count_of(l) / known;
    return TCET_OK;
}

static tcet_status flat_dims(struct onnx_net *x, const struct onnx_node *n,
                             const struct onnx_layout *l, int64_t dims[FEW], int32_t *rank)
{
    int64_t axis = onnx_attr_int(n, "axis", 1);

    axis = axis < 0 ? axis + l->rank : axis;
    if (axis != 1)
        return ONNX_REFUSE(x, n, "from axis %lld on; from 1 it is read", (long long)axis);
    dims[0] = l->dims[0];
    dims[1] = count_of(l) / l->dims[0];
    *rank = 2;
    return TCET_OK;
}

/* Axes of 1 that are left out or put in. */
tcet_status onnx_squeeze(struct onnx_net *x, const struct onnx_node *n)
{
    int unsqueeze = !strcmp(n->op, "Unsqueeze");
    struct onnx_layout l;
    struct onnx_value *v;
    int64_t axes[FEW];
    uint32_t marked = 0;
    int32_t count, full;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    count = onnx_net_ints(x, n, "axes", 1, axes, &st);
    if (st < 0)
        return st;
    full = l.rank + (unsqueeze && count > 0 ? count : 0);
    if (full > ONNX_RANK_MAX || (unsqueeze && count < 1))
        return ONNX_REFUSE(x, n, "rank %d; at most %d is read", full, ONNX_RANK_MAX);
    for (int32_t k = 0; k < count; k++) {
        int32_t axis = axis_of(x, n, axes[k], full, unsqueeze ? -1 : l.batch, &st);

        if (axis < 0)
            return st;
        marked |= 1u << axis;
    }
    for (int32_t k = 0; k < l.rank && count < 0; k++)
        marked |= l.dims[k] == 1 && k != l.batch ? 1u << k : 0;
    if (count > 0 && __builtin_popcount(marked) != count)
        return ONNX_REFUSE(x, n, "an axis stands twice in its axes");
    for (int32_t k = 0; k < full && unsqueeze; k++)
        if (marked >> k & 1)
            onnx_layout_insert(&l, k);
    for (int32_t k = l.rank; k-- > 0 && !unsqueeze;)
        if (marked >> k & 1) {
            if (l.dims[k] != 1)
                return ONNX_REFUSE(x, n, "axis %d has %lld, not 1", k, (long long)l.dims[k]);
            onnx_layout_drop(&l, k);
        }
    return onnx_net_set(x, n, v->node, &l);
}

/* Channels that a reshape leaves in another order, as ShuffleNet's groups do, are put into it. */
static tcet_status put_in_order(struct onnx_net *x, struct onnx_layout *l, int32_t *node)
{
    for (int32_t i = 0; i + 1 < l->count; i++) {
        const struct onnx_atom *a = &l->atom[i], *b = a + 1;
        int32_t c, h, w, axis = a->axis;
        tcet_op op = tcet_op_from(TCET_OP_SHUFFLE, -1, node, 1);

        x->b->shape(x->b, *node, &c, &h, &w);
        if (a->axis != b->axis || a->part != ONNX_CHANNELS || b->part != ONNX_CHANNELS ||
            a->place != 1 || b->place != 0 || a->size * b->size != c)
            continue;
        op.groups = (int32_t)b->size;
        *node = x->b->add(x->b, &op);
        if (*node >= 0)
            onnx_layout_widen(l, axis, c);
        return *node < 0 ? *node : TCET_OK;
    }
    return TCET_OK;
}

/* Reshape and Flatten. */
tcet_status onnx_reshape(struct onnx_net *x, const struct onnx_node *n)
{
    char from[128], to[128];
    int64_t dims[FEW];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t rank = 0, node;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    st = !strcmp(n->op, "Reshape") ? reshape_dims(x, n, &l, dims, &rank)
                                   : flat_dims(x, n, &l, dims, &rank);
    if (st < 0)
        return st;
    if (!onnx_layout_reshape(&l, dims, rank))
        return ONNX_REFUSE(x, n, "shape %s to %s: the batch changes, or the elements do not fit",
                           onnx_dims_text(l.dims, l.rank, from), onnx_dims_text(dims, rank, to));
    node = v->node;
    st = put_in_order(x, &l, &node);
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

tcet_status onnx_transpose(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_attr *perm = onnx_attr_of(n, "perm");
    struct onnx_layout l;
    struct onnx_value *v;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    if (!perm || !onnx_layout_transpose(&l, perm->ints, perm->count))
        return ONNX_REFUSE(x, n, "its perm is no order of %d axes", l.rank);
    return onnx_net_set(x, n, v->node, &l);
}

/* ---- joining and cutting ---- */

/* Do two values differ in the extent of the channels on this axis alone? */
static int same_but(const struct onnx_layout *a, const struct onnx_layout *b, int32_t axis)
{
    struct onnx_layout one = *a, two = *b;

    if (a->rank != b->rank || !onnx_layout_channels(a, axis) || !onnx_layout_channels(b, axis))
        return 0;
    for (int k = 0; k < 2; k++) {
        struct onnx_layout *l = k ? &two : &one;
        int32_t atom = onnx_layout_atom(l, axis);

        if (atom >= 0)
            onnx_layout_resize(l, atom, 1);
    }
    return onnx_layout_same(&one, &two);
}

tcet_status onnx_concat(struct onnx_net *x, const struct onnx_node *n)
{
    int32_t *nodes = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof *nodes), axis = -1;
    struct onnx_value *first = NULL, *v;
    struct onnx_layout l;
    int64_t total = 0;
    tcet_op op;
    tcet_status st = nodes ? TCET_OK : TCET_E_MEMORY;

    for (int32_t k = 0; k < n->input_count && st >= 0; k++) {
        char one[128], two[128];

        st = onnx_net_data(x, n, k, &v);
        if (st < 0)
            return st;
        first = first ? first : v;
        axis = axis_of(x, n, onnx_attr_int(n, "axis", 1), first->layout->rank, first->layout->batch,
                       &st);
        if (st >= 0 && !same_but(first->layout, v->layout, axis))
            st = ONNX_REFUSE(x, n,
                             "shapes %s and %s along axis %d: along the channels, of equal images, "
                             "it is read",
                             onnx_dims_text(first->layout->dims, first->layout->rank, one),
                             onnx_dims_text(v->layout->dims, v->layout->rank, two), axis);
        total += st < 0 ? 0 : v->layout->dims[axis];
        nodes[k] = v->node;
    }
    if (st < 0 || !first)
        return st < 0 ? st : ONNX_REFUSE(x, n, "it has no input");
    l = *first->layout;
    onnx_layout_widen(&l, axis, total);
    op = tcet_op_from(TCET_OP_CONCAT, onnx_net_module(x, n, NULL), nodes, n->input_count);
    return onnx_net_give(x, n, &op, &l);
}

/* [from, to) of an axis of v, as a node; *l becomes its layout. */
static tcet_status cut(struct onnx_net *x, const struct onnx_node *n, const struct onnx_value *v,
                       int32_t axis, int64_t from, int64_t to, struct onnx_layout *l, int32_t *node)
{
    int32_t atom = onnx_layout_atom(l, axis);
    const struct onnx_atom *a = &l->atom[atom < 0 ? 0 : atom];
    int64_t extent = l->dims[axis], inner = 1;
    tcet_op op = tcet_op_from(TCET_OP_SLICE, onnx_net_module(x, n, NULL), node, 1);

    (void)v;
    if (from < 0 || to > extent || from >= to)
        return ONNX_REFUSE(x, n, "elements %lld to %lld of an axis of %lld", (long long)from,
                           (long long)to, (long long)extent);
    if (from == 0 && to == extent)
        return TCET_OK;
    for (int32_t i = 0; i < l->count; i++)
        inner *= i != atom && l->atom[i].part == ONNX_CHANNELS ? l->atom[i].size : 1;
    if (atom >= 0 && a->part == ONNX_CHANNELS && a->place == 0) {
        op.offset_c = (int32_t)(from * inner);
        op.channels = (int32_t)((to - from) * inner);
    } else if (atom >= 0 && a->part != ONNX_CHANNELS && to == extent) {
        int32_t c, size[2];

        x->b->shape(x->b, *node, &c, &size[0], &size[1]);
        if (size[a->part == ONNX_COLUMNS] != extent)
            atom = -1;
        *(a->part == ONNX_ROWS ? &op.offset_h : &op.offset_w) = (int32_t)from;
    } else {
        atom = -1;
    }
    if (atom < 0)
        return ONNX_REFUSE(x, n,
                           "of axis %d elements %lld to %lld: channels, and rows or columns to the "
                           "end, are cut",
                           axis, (long long)from, (long long)to);
    *node = x->b->add(x->b, &op);
    onnx_layout_resize(l, atom, to - from);
    return *node < 0 ? *node : TCET_OK;
}

tcet_status onnx_split(struct onnx_net *x, const struct onnx_node *n)
{
    int64_t sizes[FEW], at = 0;
    struct onnx_value *v;
    int32_t axis, count;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    axis = axis_of(x, n, onnx_attr_int(n, "axis", 0), v->layout->rank, v->layout->batch, &st);
    count = st < 0 ? 0 : onnx_net_ints(x, n, "split", 1, sizes, &st);
    if (st < 0)
        return st;
    if (count >= 0 && count != n->output_count)
        return ONNX_REFUSE(x, n, "%d sizes for %d outputs", count, n->output_count);
    for (int32_t k = 0; k < n->output_count && st >= 0; k++) {
        int64_t extent = v->layout->dims[axis];
        int64_t each = (extent + n->output_count - 1) / n->output_count;
        int64_t to = at + (count >= 0 ? sizes[k] : each);
        struct onnx_node one = *n; /* a node of this output alone */
        struct onnx_layout l = *v->layout;
        int32_t node = v->node;

        to = count < 0 && to > extent ? extent : to;
        one.outputs = n->outputs + k;
        st = cut(x, n, v, axis, at, to, &l, &node);
        if (st >= 0)
            st = onnx_net_set(x, &one, node, &l);
        at = to;
    }
    return st;
}

tcet_status onnx_slice(struct onnx_net *x, const struct onnx_node *n)
{
    int64_t from[FEW], to[FEW], axes[FEW], steps[FEW];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t node, count, others;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    count = onnx_net_ints(x, n, "starts", 1, from, &st);
    if (st >= 0 && onnx_net_ints(x, n, "ends", 2, to, &st) != count && st >= 0)
        st = ONNX_REFUSE(x, n, "starts and ends are not as many");
    others = st < 0 ? -1 : onnx_net_ints(x, n, "axes", 3, axes, &st);
    for (int32_t k = 0; k < count && others < 0; k++)
        axes[k] = k;
    others = st < 0 ? -1 : onnx_net_ints(x, n, "steps", 4, steps, &st);
    for (int32_t k = 0; k < count && st >= 0; k++) {
        int whole = axes[k] == l.batch && from[k] == 0 && to[k] >= l.dims[l.batch];
        int32_t axis = whole ? l.batch : axis_of(x, n, axes[k], l.rank, l.batch, &st);
        int64_t extent = axis < 0 ? 0 : l.dims[axis];

        if (others > k && steps[k] != 1)
            return ONNX_REFUSE(x, n, "a step of %lld; 1 is read", (long long)steps[k]);
        if (axis < 0 || whole)
            continue;
        from[k] = from[k] < 0 ? from[k] + extent : from[k];
        to[k] = to[k] < 0 ? to[k] + extent : to[k] > extent ? extent : to[k];
        st = cut(x, n, v, axis, from[k], to[k], &l, &node);
    }
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

/* One element of an axis, which goes. */
tcet_status onnx_gather(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *index;
    int64_t at;
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t node, axis;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st >= 0)
        st = onnx_net_constant(x, n, 1, &index);
    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    axis = axis_of(x, n, onnx_attr_int(n, "axis", 0), l.rank, l.batch, &st);
    if (st < 0)
        return st;
    if (!index || index->rank != 0 || index->count != 1 || !onnx_is_whole(index))
        return ONNX_REFUSE(x, n, "one element is gathered, not several");
    at = onnx_int(index, 0);
    at = at < 0 ? at + l.dims[axis] : at;
    st = cut(x, n, v, axis, at, at + 1, &l, &node);
    if (st < 0)
        return st;
    onnx_layout_drop(&l, axis);
    return onnx_net_set(x, n, node, &l);
}

/* ---- rows and columns ---- */

tcet_status onnx_pad(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *value = NULL;
    int64_t pads[FEW];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t count, c, h, w;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    count = onnx_net_ints(x, n, "pads", 1, pads, &st);
    if (st >= 0)
        st = onnx_net_constant(x, n, 2, &value);
    if (st < 0)
        return st;
    if (l.rank < 3 || count != 2 * l.rank || !onnx_layout_is_image(&l) ||
        strcmp(onnx_attr_text(n, "mode", "constant"), "constant") != 0 ||
        (value && (value->count != 1 || onnx_real(value, 0) < 0 || onnx_real(value, 0) > 0)) ||
        onnx_attr_real(n, "value", 0) < 0 || onnx_attr_real(n, "value", 0) > 0 ||
        onnx_net_input(x, n, 3))
        return ONNX_REFUSE(x, n, "zeros around images are read");
    op = tcet_op_from(TCET_OP_PAD, onnx_net_module(x, n, NULL), &v->node, 1);
    for (int32_t k = 0; k < count; k++) {
        if (k < l.rank + 2 && pads[k])
            return ONNX_REFUSE(x, n,
                               "zeros before rows or columns are read where a convolution or an "
                               "average pool follows alone");
        if (pads[k] < 0 || pads[k] > INT16_MAX)
            return ONNX_REFUSE(x, n, "%lld zeros", (long long)pads[k]);
    }
    op.padding_w = (int32_t)pads[count - 1];
    op.padding_h = l.rank == 4 ? (int32_t)pads[count - 2] : 0;
    st = onnx_net_give(x, n, &op, &l);
    if (st < 0)
        return st;
    x->b->shape(x->b, onnx_net_value(x, n->outputs[0])->node, &c, &h, &w);
    onnx_layout_image(&l, l.rank, x->batch, c, h, w);
    return onnx_net_set(x, n, onnx_net_value(x, n->outputs[0])->node, &l);
}

/* The mean over all rows and columns. */
tcet_status onnx_mean(struct onnx_net *x, const struct onnx_node *n)
{
    int global = !strcmp(n->op, "GlobalAveragePool"), keep = 1;
    int64_t axes[FEW];
    uint32_t marked = 0;
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t count;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    count = global ? l.rank - 2 : onnx_net_ints(x, n, "axes", 1, axes, &st);
    keep = global || onnx_attr_int(n, "keepdims", 1) != 0;
    for (int32_t k = 0; k < count && st >= 0; k++) {
        int32_t axis = axis_of(x, n, global ? k + 2 : axes[k], l.rank, l.batch, &st);

        marked |= axis < 0 ? 0 : 1u << axis;
    }
    if (st < 0)
        return st;
    for (int32_t i = 0; i < l.count; i++)
        if ((l.atom[i].part != ONNX_CHANNELS) != (int)(marked >> l.atom[i].axis & 1))
            return ONNX_REFUSE(x, n,
                               "means over all rows and columns, and over nothing else, are "
                               "read");
    for (int32_t i = l.count; i-- > 0;)
        if (l.atom[i].part != ONNX_CHANNELS)
            onnx_layout_resize(&l, i, 1);
    for (int32_t k = l.rank; k-- > 0 && !keep;)
        if (marked >> k & 1)
            onnx_layout_drop(&l, k);
    if (count < 1)
        return ONNX_REFUSE(x, n, "means over all rows and columns are read");
    op = tcet_op_from(TCET_OP_GLOBAL_POOL, onnx_net_module(x, n, NULL), &v->node, 1);
    return onnx_net_give(x, n, &op, &l);
}
