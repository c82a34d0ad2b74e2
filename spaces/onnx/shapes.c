/* shapes.c -- operations that move, join and cut; see net.h.  Room: spaces/onnx. */
#include <math.h>
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
    int32_t rank = 0, node, parts[ONNX_RANK_MAX];
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    st = !strcmp(n->op, "Reshape") ? reshape_dims(x, n, &l, dims, &rank)
                                   : flat_dims(x, n, &l, dims, &rank);
    if (st < 0)
        return st;
    node = v->node;
    if (!onnx_layout_reshape(&l, dims,
                             rank)) { /* with the numbers in their order any shape is one */
        for (int32_t k = 0; k < l.rank; k++)
            parts[k] = ONNX_CHANNELS;
        st = onnx_net_parts(x, n, parts, &l, &node);
        if (st < 0)
            return st;
        if (!onnx_layout_reshape(&l, dims, rank))
            return ONNX_REFUSE(
                x, n, "shape %s to %s: the batch changes, or the elements do not fit",
                onnx_dims_text(l.dims, l.rank, from), onnx_dims_text(dims, rank, to));
    }
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

/* Values along an axis that is not all channels' or not of all of them: first as channels, which are joined,
 * then as the first value had it. */
static tcet_status join(struct onnx_net *x, const struct onnx_node *n, struct onnx_value **v,
                        int32_t axis, const struct onnx_layout *first, int32_t *nodes)
{
    int32_t parts[ONNX_RANK_MAX], node;
    struct onnx_layout l = *first;
    int64_t total = 0;
    tcet_op op;
    tcet_status st = TCET_OK;

    for (int32_t k = 0; k < l.rank; k++)
        parts[k] = k == axis ? ONNX_CHANNELS : k == l.rank - 1 ? ONNX_COLUMNS : ONNX_ROWS;
    for (int32_t k = 0; k < n->input_count && st >= 0; k++) {
        struct onnx_layout want = *first;
        int32_t rank = v[k]->constant ? v[k]->constant->rank : v[k]->layout->rank;
        const int64_t *dims = v[k]->constant ? v[k]->constant->dims : v[k]->layout->dims;

        if (rank != l.rank)
            return ONNX_REFUSE(x, n, "of ranks %d and %d", l.rank, rank);
        want.dims[axis] = dims[axis];
        onnx_layout_parts(&want, &want, parts);
        st = onnx_net_as(x, n, v[k], &want, &nodes[k]);
        total += dims[axis];
    }
    if (st < 0)
        return st;
    op = tcet_op_from(TCET_OP_CONCAT, onnx_net_module(x, n, NULL), nodes, n->input_count);
    node = x->b->add(x->b, &op);
    if (node < 0)
        return node;
    l.dims[axis] = total;
    onnx_layout_parts(&l, &l, parts);
    onnx_net_parts_of(first, parts);
    st = onnx_net_parts(x, n, parts, &l, &node);
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

tcet_status onnx_concat(struct onnx_net *x, const struct onnx_node *n)
{
    int32_t *nodes = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof *nodes), axis = -1;
    struct onnx_value **v = onnx_alloc(x->m, (size_t)n->input_count + 1, sizeof(void *));
    const struct onnx_layout *first = NULL;
    struct onnx_layout l;
    int64_t total = 0;
    int channels = 1;
    tcet_op op;
    tcet_status st = nodes && v ? TCET_OK : TCET_E_MEMORY;

    for (int32_t k = 0; k < n->input_count && st >= 0; k++) {
        v[k] = onnx_net_input(x, n, k);
        if (!v[k] || !v[k]->constant)
            st = onnx_net_data(x, n, k, &v[k]);
        if (st >= 0 && !first && v[k]->layout)
            first = v[k]->layout;
    }
    if (st < 0 || !first)
        return st < 0 ? st : ONNX_REFUSE(x, n, "it has no input");
    axis = axis_of(x, n, onnx_attr_int(n, "axis", 1), first->rank, first->batch, &st);
    for (int32_t k = 0; k < n->input_count && st >= 0; k++) {
        channels &= !v[k]->constant && same_but(first, v[k]->layout, axis);
        nodes[k] = v[k]->node;
        total += channels ? v[k]->layout->dims[axis] : 0;
    }
    if (st < 0 || !channels)
        return st < 0 ? st : join(x, n, v, axis, first, nodes);
    l = *first;
    onnx_layout_widen(&l, axis, total);
    op = tcet_op_from(TCET_OP_CONCAT, onnx_net_module(x, n, NULL), nodes, n->input_count);
    return onnx_net_give(x, n, &op, &l);
}

/* `count` elements of an axis, from one on by a step. */
static tcet_status pick_range(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                              int64_t from, int64_t step, int64_t count, struct onnx_layout *l,
                              int32_t *node)
{
    int64_t *at = onnx_alloc(x->m, (size_t)count + 1, sizeof *at);

    if (!at)
        return TCET_E_MEMORY;
    for (int64_t k = 0; k < count; k++)
        at[k] = from + k * step;
    return onnx_net_pick(x, n, axis, at, count, l, node);
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
        return pick_range(x, n, axis, from, 1, to - from, l, node);
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

/* Every step-th element; of a negative step backwards. */
static tcet_status stepped(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                           int64_t from, int64_t to, int64_t step, struct onnx_layout *l,
                           int32_t *node)
{
    int64_t extent = l->dims[axis], low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
    int64_t count;

    if (!step || step > extent || step < -extent || axis == l->batch)
        return ONNX_REFUSE(x, n, "a step of %lld along axis %d of %lld", (long long)step, axis,
                           (long long)extent);
    from = from < 0 ? from + extent : from;
    to = to < 0 && to >= -extent ? to + extent : to;
    from = from < 0 ? 0 : from > high ? high : from;
    to = to < low ? low : to > extent ? extent : to;
    count = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
    if (count < 1)
        return ONNX_REFUSE(x, n, "no element of an axis of %lld", (long long)extent);
    return pick_range(x, n, axis, from, step, count, l, node);
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

        if (axis < 0 || (whole && others <= k) || (whole && steps[k] == 1))
            continue;
        if (others > k && steps[k] != 1) {
            st = stepped(x, n, axis, from[k], to[k], steps[k], &l, &node);
            continue;
        }
        from[k] = from[k] < 0 ? from[k] + extent : from[k];
        to[k] = to[k] < 0 ? to[k] + extent : to[k] > extent ? extent : to[k];
        st = cut(x, n, v, axis, from[k], to[k], &l, &node);
    }
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

/* Elements of an axis by a constant's indices; of one without dims the axis goes. */
tcet_status onnx_gather(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *index;
    int64_t *at;
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
    if (!index || index->rank > 1 || index->count < 1 || index->count > ONNX_MOVES_MAX ||
        !onnx_is_whole(index))
        return ONNX_REFUSE(x, n, "by one constant index, or a list of them, it is read");
    at = onnx_alloc(x->m, (size_t)index->count, sizeof *at);
    if (!at)
        return TCET_E_MEMORY;
    for (int64_t k = 0; k < index->count; k++) {
        at[k] = onnx_int(index, k);
        at[k] = at[k] < 0 ? at[k] + l.dims[axis] : at[k];
        if (at[k] < 0 || at[k] >= l.dims[axis])
            return ONNX_REFUSE(x, n, "element %lld of an axis of %lld",
                               (long long)onnx_int(index, k), (long long)l.dims[axis]);
    }
    if (index->rank) {
        st = onnx_net_pick(x, n, axis, at, index->count, &l, &node);
    } else {
        st = cut(x, n, v, axis, at[0], at[0] + 1, &l, &node);
        if (st >= 0)
            onnx_layout_drop(&l, axis);
    }
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

/* Axes of 1 that become longer. */
tcet_status onnx_expand(struct onnx_net *x, const struct onnx_node *n)
{
    int64_t dims[FEW];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t rank, node;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    rank = onnx_net_ints(x, n, "shape", 1, dims, &st);
    if (st < 0)
        return st;
    if (rank < 0 || rank > l.rank)
        return ONNX_REFUSE(x, n, "to rank %d from %d", rank, l.rank);
    for (int32_t k = 0; k < rank && st >= 0; k++) {
        int32_t axis = l.rank - rank + k;

        if (dims[k] == 1 || dims[k] == l.dims[axis])
            continue;
        if (l.dims[axis] != 1 || dims[k] < 1 || dims[k] > ONNX_MOVES_MAX || axis == l.batch)
            return ONNX_REFUSE(x, n, "an axis of %lld to %lld", (long long)l.dims[axis],
                               (long long)dims[k]);
        st = pick_range(x, n, axis, 0, 0, dims[k], &l, &node);
    }
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

/* ---- rows and columns ---- */

/* Zeros around what stands on each axis, or less of it. */
static tcet_status pad_axes(struct onnx_net *x, const struct onnx_node *n, const int64_t *pads,
                            struct onnx_layout *l, int32_t *node)
{
    tcet_status st = TCET_OK;

    for (int32_t axis = 0; axis < l->rank && st >= 0; axis++) {
        int64_t before = pads[axis], after = pads[l->rank + axis], extent = l->dims[axis], *at;

        if (!before && !after)
            continue;
        if (axis == l->batch || before + after + extent < 1)
            return ONNX_REFUSE(x, n, "%lld zeros before and %lld after axis %d", (long long)before,
                               (long long)after, axis);
        at = onnx_alloc(x->m, (size_t)(before + extent + after), sizeof *at);
        if (!at)
            return TCET_E_MEMORY;
        for (int64_t k = 0; k < before + extent + after; k++)
            at[k] = k < before || k >= before + extent ? -1 : k - before;
        st = onnx_net_pick(x, n, axis, at, before + extent + after, l, node);
    }
    return st;
}

tcet_status onnx_pad(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *value = NULL;
    int64_t pads[FEW];
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t count, node, c, h, w, simple = 1;
    tcet_op op;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    count = onnx_net_ints(x, n, "pads", 1, pads, &st);
    if (st >= 0)
        st = onnx_net_constant(x, n, 2, &value);
    if (st < 0)
        return st;
    if (count != 2 * l.rank || onnx_net_input(x, n, 3) ||
        strcmp(onnx_attr_text(n, "mode", "constant"), "constant") != 0 ||
        (value && (value->count != 1 || onnx_real(value, 0) < 0 || onnx_real(value, 0) > 0)) ||
        onnx_attr_real(n, "value", 0) < 0 || onnx_attr_real(n, "value", 0) > 0)
        return ONNX_REFUSE(x, n, "zeros are read, of every axis");
    for (int32_t k = 0; k < count; k++) {
        simple &= (k >= l.rank + 2 || !pads[k]) && pads[k] >= 0;
        if (pads[k] < -INT16_MAX || pads[k] > INT16_MAX)
            return ONNX_REFUSE(x, n, "%lld zeros", (long long)pads[k]);
    }
    if (l.rank < 3 || !onnx_layout_is_image(&l) || !simple) {
        st = pad_axes(x, n, pads, &l, &node);
        return st < 0 ? st : onnx_net_set(x, n, node, &l);
    }
    op = tcet_op_from(TCET_OP_PAD, onnx_net_module(x, n, NULL), &node, 1);
    op.padding_w = (int32_t)pads[count - 1];
    op.padding_h = l.rank == 4 ? (int32_t)pads[count - 2] : 0;
    node = x->b->add(x->b, &op);
    if (node < 0)
        return node;
    x->b->shape(x->b, node, &c, &h, &w);
    onnx_layout_image(&l, l.rank, x->batch, c, h, w);
    return onnx_net_set(x, n, node, &l);
}

/* Which element of `from` element k of `to` is, to the nearest; the scale is to / from, or what is said. */
static int64_t nearest(const struct onnx_node *n, int64_t k, int64_t from, int64_t to, double scale)
{
    const char *mode = onnx_attr_text(n, "nearest_mode", "round_prefer_floor");
    const char *way = onnx_attr_text(n, "coordinate_transformation_mode", "half_pixel");
    double at;

    if (!strcmp(n->op, "Upsample")) {
        mode = "floor";
        way = "asymmetric";
    }
    if (!strcmp(way, "asymmetric"))
        at = (double)k / scale;
    else if (!strcmp(way, "align_corners"))
        at = to > 1 ? (double)k * (double)(from - 1) / (double)(to - 1) : 0;
    else if (!strcmp(way, "half_pixel") || (!strcmp(way, "pytorch_half_pixel") && to > 1))
        at = ((double)k + 0.5) / scale - 0.5;
    else if (!strcmp(way, "pytorch_half_pixel"))
        at = 0;
    else
        return -1;
    at = !strcmp(mode, "floor")                ? floor(at)
         : !strcmp(mode, "ceil")               ? ceil(at)
         : !strcmp(mode, "round_prefer_floor") ? ceil(at - 0.5)
         : !strcmp(mode, "round_prefer_ceil")  ? floor(at + 0.5)
                                               : NAN;
    if (isnan(at))
        return -1;
    return at < 0 ? 0 : at > (double)(from - 1) ? from - 1 : (int64_t)at;
}

/* How long an axis becomes, by the input that has sizes, or factors; *scale: the factor. */
static tcet_status resized(struct onnx_net *x, const struct onnx_node *n,
                           const struct onnx_tensor *sizes, const struct onnx_tensor *scales,
                           int32_t axis, int64_t extent, int64_t *to, double *scale)
{
    if (sizes) {
        *to = onnx_int(sizes, axis);
        *scale = (double)*to / (double)extent;
    } else {
        *scale = onnx_real(scales, axis);
        if (!(*scale > 0) || *scale > INT16_MAX)
            return ONNX_REFUSE(x, n, "by a factor of %g", *scale);
        *to = (int64_t)floor((double)extent * *scale);
    }
    if (*to < 1 || *to > ONNX_MOVES_MAX)
        return ONNX_REFUSE(x, n, "an axis of %lld to %lld", (long long)extent, (long long)*to);
    return TCET_OK;
}

/* Resize and Upsample, to the nearest. */
tcet_status onnx_resize(struct onnx_net *x, const struct onnx_node *n)
{
    int upsample = !strcmp(n->op, "Upsample"), old = upsample || x->model->opset < 11;
    const struct onnx_tensor *scales = NULL, *sizes = NULL;
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t node;
    tcet_status st = onnx_net_data(x, n, 0, &v);

    if (st >= 0)
        st = onnx_net_constant(x, n, old ? 1 : 2, &scales);
    if (st >= 0 && !old)
        st = onnx_net_constant(x, n, 3, &sizes);
    if (st < 0)
        return st;
    l = *v->layout;
    node = v->node;
    sizes = sizes && sizes->count ? sizes : NULL;
    scales = scales && scales->count ? scales : NULL;
    if (strcmp(onnx_attr_text(n, "mode", "nearest"), "nearest") != 0)
        return ONNX_REFUSE(x, n, "to the nearest it is read, not by mode \"%.40s\"",
                           onnx_attr_text(n, "mode", "nearest"));
    if ((!sizes && (!scales || scales->count != l.rank || onnx_is_whole(scales))) ||
        (sizes && (sizes->count != l.rank || !onnx_is_whole(sizes))) || onnx_attr_of(n, "axes"))
        return ONNX_REFUSE(x, n, "by a constant size or factor of each of %d axes it is read",
                           l.rank);
    for (int32_t axis = 0; axis < l.rank && st >= 0; axis++) {
        int64_t extent = l.dims[axis], to = 0, *at;
        double scale;

        if (axis == l.batch &&
            (sizes || (onnx_real(scales, axis) <= 1 && onnx_real(scales, axis) >= 1)))
            continue;
        st = resized(x, n, sizes, scales, axis, extent, &to, &scale);
        if (st < 0 || to == extent)
            continue;
        if (axis == l.batch)
            return ONNX_REFUSE(x, n, "the batch stays as it is");
        at = onnx_alloc(x->m, (size_t)to, sizeof *at);
        if (!at)
            return TCET_E_MEMORY;
        for (int64_t k = 0; k < to; k++) {
            at[k] = old && !upsample
                        ? nearest(&(struct onnx_node){.op = "Upsample"}, k, extent, to, scale)
                        : nearest(n, k, extent, to, scale);
            if (at[k] < 0)
                return ONNX_REFUSE(
                    x, n, "coordinates by \"%.40s\", rounded by \"%.40s\"",
                    onnx_attr_text(n, "coordinate_transformation_mode", "half_pixel"),
                    onnx_attr_text(n, "nearest_mode", "round_prefer_floor"));
        }
        st = onnx_net_pick(x, n, axis, at, to, &l, &node);
    }
    return st < 0 ? st : onnx_net_set(x, n, node, &l);
}

/* The mean over all rows and columns. */
tcet_status onnx_mean(struct onnx_net *x, const struct onnx_node *n)
{
    int global = !strcmp(n->op, "GlobalAveragePool"), keep = 1;
    int64_t axes[FEW];
    uint32_t marked = 0;
    struct onnx_layout l;
    struct onnx_value *v;
    int32_t count, node, parts[ONNX_RANK_MAX];
    int moves = 0;
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
    node = v->node;
    for (int32_t i = 0; i < l.count; i++)
        moves |= (l.atom[i].part != ONNX_CHANNELS) != (int)(marked >> l.atom[i].axis & 1);
    for (int32_t k = 0; k < l.rank; k++)
        parts[k] = marked >> k & 1 ? ONNX_COLUMNS : ONNX_CHANNELS;
    if (moves)
        st = onnx_net_parts(x, n, parts, &l, &node);
    if (st < 0)
        return st;
    for (int32_t i = l.count; i-- > 0;)
        if (l.atom[i].part != ONNX_CHANNELS)
            onnx_layout_resize(&l, i, 1);
    for (int32_t k = l.rank; k-- > 0 && !keep;)
        if (marked >> k & 1)
            onnx_layout_drop(&l, k);
    if (count < 1)
        return ONNX_REFUSE(x, n, "means over all rows and columns are read");
    op = tcet_op_from(TCET_OP_GLOBAL_POOL, onnx_net_module(x, n, NULL), &node, 1);
    return onnx_net_give(x, n, &op, &l);
}
