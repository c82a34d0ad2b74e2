/* arrange.c -- numbers that must move: a value as a layout wants it, elements of an axis, and constants of
 * several numbers as parameters; see net.h.  Room: spaces/onnx. */
#include <string.h>

#include "onnx/net.h"

/* Of each axis, where its elements stand in an image: the sum over the axes is a number's place, one
 * below 0 is none. */
struct places {
    int32_t rank;
    int64_t extent[ONNX_RANK_MAX];
    int64_t *at[ONNX_RANK_MAX];
};

enum { NOWHERE = -1 };
static const int64_t OUTSIDE = -((int64_t)1 << 40);

static tcet_status no_memory(struct onnx_net *x)
{
    return tcet_fail(x->cx, TCET_E_MEMORY, "no memory for the places of a network's numbers");
}

/* Of a node, by its layout; of the batch's axis what is not the batch. */
static tcet_status places_of(struct onnx_net *x, const struct onnx_layout *l, struct places *p)
{
    p->rank = l->rank;
    for (int32_t axis = 0; axis < l->rank; axis++) {
        p->extent[axis] = axis == l->batch ? onnx_layout_extent(l, axis) : l->dims[axis];
        p->at[axis] = onnx_alloc(x->m, (size_t)p->extent[axis] + 1, sizeof(int64_t));
        if (!p->at[axis])
            return no_memory(x);
        for (int64_t k = 0; k < p->extent[axis]; k++) {
            int64_t rest = k;

            for (int32_t i = l->count; i-- > 0;) {
                const struct onnx_atom *a = &l->atom[i];
                int64_t stride = 1;

                if (a->axis != axis)
                    continue;
                for (int32_t j = 0; j < l->count; j++)
                    stride *= l->atom[j].place > a->place ? l->atom[j].size : 1;
                p->at[axis][k] += rest % a->size * stride;
                rest /= a->size;
            }
        }
    }
    return TCET_OK;
}

/* Of a constant. */
static tcet_status places_of_constant(struct onnx_net *x, const struct onnx_tensor *t,
                                      struct places *p)
{
    int64_t stride = t->count;

    p->rank = t->rank;
    for (int32_t axis = 0; axis < t->rank; axis++) {
        p->extent[axis] = t->dims[axis];
        stride /= t->dims[axis] ? t->dims[axis] : 1;
        p->at[axis] = onnx_alloc(x->m, (size_t)p->extent[axis] + 1, sizeof(int64_t));
        if (!p->at[axis])
            return no_memory(x);
        for (int64_t k = 0; k < p->extent[axis]; k++)
            p->at[axis][k] = k * stride;
    }
    return TCET_OK;
}

/* index[place in `to`] = place in `from`, whose axes are the last ones of `to`, and where they have 1 are
 * the same all over. */
static void pair(const struct places *to, const struct places *from, int32_t axis, int64_t at,
                 int64_t source, int32_t *index)
{
    int32_t own = axis - (to->rank - from->rank);

    if (axis == to->rank) {
        index[at] = source < 0 ? NOWHERE : (int32_t)source;
        return;
    }
    for (int64_t k = 0; k < to->extent[axis]; k++) {
        int64_t more = own < 0 ? 0 : from->at[own][from->extent[own] == 1 ? 0 : k];

        pair(to, from, axis + 1, at + to->at[axis][k], source + more, index);
    }
}

static int pairs(const struct places *to, const struct places *from)
{
    for (int32_t axis = 0; axis < to->rank; axis++) {
        int32_t own = axis - (to->rank - from->rank);

        if (own >= 0 && from->extent[own] != 1 && from->extent[own] != to->extent[axis])
            return 0;
    }
    return from->rank <= to->rank;
}

/* Does each position keep its channels?  Then index becomes that of positions. */
static int is_whole(int32_t *index, const int32_t from[3], const int32_t to[3])
{
    int64_t area = (int64_t)to[1] * to[2], before = (int64_t)from[1] * from[2];

    if (from[0] != to[0])
        return 0;
    for (int64_t p = 0; p < area; p++)
        if (index[p] >= before)
            return 0;
    for (int64_t k = area; k < to[0] * area; k++) {
        int32_t first = index[k % area];

        if (index[k] != (first < 0 ? NOWHERE : first + k / area * before))
            return 0;
    }
    return 1;
}

/* The node with its numbers moved: from [c, h, w] to [c, h, w]. */
static tcet_status move(struct onnx_net *x, int32_t *index, const int32_t from[3],
                        const int32_t to[3], int32_t *node)
{
    int64_t count = (int64_t)to[0] * to[1] * to[2];
    int same = !memcmp(from, to, 3 * sizeof *from);
    tcet_op op = tcet_op_from(TCET_OP_ARRANGE, -1, node, 1);

    for (int64_t k = 0; k < count && same; k++)
        same = index[k] == k;
    if (same)
        return TCET_OK;
    op.index = index;
    op.kernel_h = to[1];
    op.kernel_w = to[2];
    op.channels = is_whole(index, from, to) ? 0 : to[0];
    op.index_count = op.channels ? count : (int64_t)to[1] * to[2];
    *node = x->b->add(x->b, &op);
    return *node < 0 ? *node : TCET_OK;
}

/* Room for the index of a layout's numbers, within what a network may have of them. */
static tcet_status open_index(struct onnx_net *x, const struct onnx_node *n,
                              const struct onnx_layout *l, int32_t **index)
{
    int64_t count = 1;

    for (int32_t i = 0; i < l->count; i++)
        if (__builtin_mul_overflow(count, l->atom[i].size, &count) || count > ONNX_MOVES_MAX)
            count = ONNX_MOVES_MAX + 1;
    x->moves += count;
    if (count > ONNX_MOVES_MAX || x->moves > ONNX_MOVES_MAX)
        return ONNX_REFUSE(x, n, "up to here more than %d numbers of an image would be moved",
                           ONNX_MOVES_MAX);
    *index = onnx_alloc(x->m, (size_t)count, sizeof **index);
    return *index ? TCET_OK : no_memory(x);
}

static tcet_status mismatch(struct onnx_net *x, const struct onnx_node *n, const int64_t *dims,
                            int32_t rank, const struct onnx_layout *want)
{
    char one[128], two[128];

    return ONNX_REFUSE(x, n, "of shapes %s and %s it is not read",
                       onnx_dims_text(want->dims, want->rank, one),
                       onnx_dims_text(dims, rank, two));
}

/* ---- constants as parameters ---- */

/* Is it named as one of [space] buffers? */
static int is_buffer(const struct onnx_net *x, const char *name)
{
    const char *last = strrchr(name, '.');
    size_t n = strlen(name), tail = last ? strlen(last + 1) : n;

    for (const char *at = x->buffers ? x->buffers : ""; *at;) {
        size_t word = strcspn(at, ", ");

        if ((word == n && !memcmp(at, name, n)) ||
            (word == tail && word && !memcmp(at, name + n - tail, tail)))
            return 1;
        at += word + strspn(at + word, ", ");
    }
    return 0;
}

int onnx_net_learned(const struct onnx_net *x, const struct onnx_tensor *t)
{
    const struct onnx_tensor *own = t->origin ? t->origin : t;

    return own->place >= 0 && *own->name && !onnx_is_whole(own) && !is_buffer(x, own->name);
}

/* The node of a constant's own numbers, [numbers, 1, 1]: one for all who read it. */
static tcet_status parameter(struct onnx_net *x, const struct onnx_node *n,
                             const struct onnx_tensor *t, int32_t *node)
{
    struct onnx_value *v = *t->name ? onnx_net_value(x, t->name) : NULL;
    int in_state = t->place >= 0 && *t->name;
    tcet_op op = tcet_op_from(TCET_OP_PARAMETER, -1, NULL, 0);
    tcet_status st;

    if (v && v->constant == t && v->node >= 0) {
        *node = v->node;
        return TCET_OK;
    }
    if (v && v->weighs)
        return ONNX_REFUSE(
            x, n,
            "\"%.100s\" is the weight of a layer too; numbers that are shared so are "
            "not read",
            t->name);
    op.module = onnx_net_own_module(x, in_state ? t->name : NULL);
    if (op.module < 0)
        return x->b->status(x->b) < 0 ? x->b->status(x->b) : TCET_E_MEMORY;
    op.affine = onnx_net_learned(x, t);
    op.track = in_state;
    op.extent_count = t->rank < 1 ? 1 : t->rank > 4 ? 4 : t->rank;
    for (int32_t k = 0; k < op.extent_count; k++)
        op.extents[k] = 1;
    for (int32_t k = 0; k < t->rank; k++) /* of more than four the first ones are one */
        op.extents[t->rank <= 4 ? k : k < t->rank - 3 ? 0 : k - (t->rank - 4)] *= t->dims[k];
    *node = x->b->add(x->b, &op);
    if (*node < 0)
        return *node;
    if (v && v->constant == t)
        v->node = *node;
    st = onnx_net_values(x, n, TCET_VALUES_WEIGHT, op.module, t, 0);
    return st;
}

/* A constant as `want` has it; a number that stands in several places is one. */
static tcet_status constant_as(struct onnx_net *x, const struct onnx_node *n,
                               const struct onnx_value *v, const struct onnx_layout *want,
                               int32_t *node)
{
    const struct onnx_tensor *t = v->constant, *own = t->origin ? t->origin : t;
    struct places from = {0}, to = {0};
    int32_t *index, shape[3], before[3] = {(int32_t)own->count, 1, 1};
    tcet_status st;

    if (!onnx_type_size(t->type) || onnx_is_whole(t) || !t->count || own->count > INT32_MAX)
        return ONNX_REFUSE(x, n, "\"%.100s\" is a constant of numbers that are not read", v->name);
    if (t->computed)
        return ONNX_REFUSE(x, n, "\"%.100s\" is computed of weights, which is not read", v->name);
    st = places_of(x, want, &to);
    if (st >= 0)
        st = places_of_constant(x, t, &from);
    if (st < 0)
        return st;
    if (!pairs(&to, &from))
        return mismatch(x, n, t->dims, t->rank, want);
    st = open_index(x, n, want, &index);
    if (st >= 0)
        st = parameter(x, n, own, node);
    if (st < 0)
        return st;
    pair(&to, &from, 0, 0, 0, index);
    onnx_layout_shape(want, shape);
    for (int64_t k = 0; k < (int64_t)shape[0] * shape[1] * shape[2]; k++)
        index[k] = (int32_t)onnx_origin_at(t, index[k]);
    return move(x, index, before, shape, node);
}

/* ---- values ---- */

tcet_status onnx_net_as(struct onnx_net *x, const struct onnx_node *n, const struct onnx_value *v,
                        const struct onnx_layout *want, int32_t *node)
{
    struct places from = {0}, to = {0};
    int32_t *index, shape[3], before[3];
    tcet_status st;

    if (v->constant)
        return constant_as(x, n, v, want, node);
    *node = v->node;
    if (onnx_layout_same(v->layout, want))
        return TCET_OK;
    st = places_of(x, want, &to);
    if (st >= 0)
        st = places_of(x, v->layout, &from);
    if (st < 0)
        return st;
    if (v->layout->batch != want->batch - (want->rank - v->layout->rank) ||
        v->layout->before != want->before ||
        onnx_layout_batch(v->layout) != onnx_layout_batch(want) || !pairs(&to, &from))
        return mismatch(x, n, v->layout->dims, v->layout->rank, want);
    st = open_index(x, n, want, &index);
    if (st < 0)
        return st;
    pair(&to, &from, 0, 0, 0, index);
    onnx_layout_shape(v->layout, before);
    onnx_layout_shape(want, shape);
    return move(x, index, before, shape, node);
}

tcet_status onnx_net_parts(struct onnx_net *x, const struct onnx_node *n, const int32_t *parts,
                           struct onnx_layout *l, int32_t *node)
{
    struct onnx_layout from = *l;
    const struct onnx_value v = {.name = "", .node = *node, .layout = &from};

    onnx_layout_parts(l, &from, parts);
    return onnx_net_as(x, n, &v, l, node);
}

tcet_status onnx_net_along(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                           struct onnx_layout *l, int32_t *node)
{
    int32_t parts[ONNX_RANK_MAX], columns = axis == l->rank - 1 ? l->rank - 2 : l->rank - 1;

    for (int32_t k = 0; k < l->rank; k++)
        parts[k] = k == axis ? ONNX_CHANNELS : k == columns ? ONNX_COLUMNS : ONNX_ROWS;
    return onnx_net_parts(x, n, parts, l, node);
}

void onnx_net_parts_of(const struct onnx_layout *l, int32_t *parts)
{
    for (int32_t axis = 0; axis < l->rank; axis++)
        parts[axis] = axis == l->rank - 1 ? ONNX_COLUMNS : ONNX_ROWS;
    for (int32_t i = 0; i < l->count; i++)
        parts[l->atom[i].axis] = l->atom[i].part;
}

tcet_status onnx_net_pick(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                          const int64_t *at, int64_t count, struct onnx_layout *l, int32_t *node)
{
    struct places from = {0}, to = {0};
    struct onnx_layout want = *l;
    int32_t *index, parts[ONNX_RANK_MAX], shape[3], before[3];
    tcet_status st = places_of(x, l, &from);
    int64_t *picked;

    if (st < 0)
        return st;
    want.dims[axis] = count;
    onnx_net_parts_of(l, parts);
    onnx_layout_parts(&want, &want, parts);
    st = open_index(x, n, &want, &index);
    if (st >= 0)
        st = places_of(x, &want, &to);
    picked = st < 0 ? NULL : onnx_alloc(x->m, (size_t)count + 1, sizeof *picked);
    if (!picked)
        return st < 0 ? st : no_memory(x);
    for (int64_t k = 0; k < count; k++)
        picked[k] = at[k] < 0 ? OUTSIDE : from.at[axis][at[k]];
    from.at[axis] = picked;
    from.extent[axis] = count;
    pair(&to, &from, 0, 0, 0, index);
    onnx_layout_shape(l, before);
    onnx_layout_shape(&want, shape);
    *l = want;
    return move(x, index, before, shape, node);
}
