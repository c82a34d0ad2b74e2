/* move.c -- constants whose elements are moved: shapes that exporters compute, and weights that are turned,
 * picked from or spread; of an initializer's it stays known where they were.  See net.h.
 * Room: spaces/onnx. */
#include <string.h>

#include "onnx/net.h"

/* The elements at[0 .. count) of t, under another shape. */
static struct onnx_tensor *moved(struct onnx_net *x, const struct onnx_tensor *t, int32_t rank,
                                 const int64_t *dims, const int32_t *at)
{
    size_t size = onnx_type_size(t->type);
    const struct onnx_tensor *own = t->origin ? t->origin : t->place >= 0 ? t : NULL;
    unsigned char *data;
    struct onnx_tensor *out = onnx_net_tensor(x, t->type, rank, dims, &data);
    int32_t *from;

    if (!out)
        return NULL;
    for (int64_t k = 0; k < out->count; k++)
        memcpy(data + (size_t)k * size, t->data + (size_t)at[k] * size, size);
    out->computed = t->computed;
    if (!own)
        return out;
    from = onnx_alloc(x->m, (size_t)out->count + 1, sizeof *from);
    if (!from)
        return NULL;
    for (int64_t k = 0; k < out->count; k++)
        from[k] = (int32_t)onnx_origin_at(t, at[k]);
    out->origin = own;
    out->from = from;
    return out;
}

/* Room for the places of a constant of that shape; NULL, and the error is recorded, where it is too large. */
static int32_t *open_places(struct onnx_net *x, const struct onnx_node *n, int32_t rank,
                            const int64_t *dims)
{
    int64_t count = 1;

    for (int32_t k = 0; k < rank; k++)
        if (dims[k] < 0 || __builtin_mul_overflow(count, dims[k], &count) || count > ONNX_FOLD_MAX)
            count = ONNX_FOLD_MAX + 1;
    x->folded += count;
    if (count > ONNX_FOLD_MAX || x->folded > ONNX_FOLDS_MAX) {
        ONNX_REFUSE(x, n, "constants that are computed are too large");
        return NULL;
    }
    return onnx_alloc(x->m, (size_t)count + 1, sizeof(int32_t));
}

/* Of row-major elements of that shape, where the next one is along each axis. */
static void strides_of(const struct onnx_tensor *t, int64_t stride[ONNX_RANK_MAX])
{
    int64_t all = 1;

    for (int32_t k = t->rank; k-- > 0;) {
        stride[k] = all;
        all *= t->dims[k];
    }
}

/* Places of a shape's elements where axis k advances by stride[k]. */
static void walk(int32_t rank, const int64_t *dims, const int64_t *stride, int64_t first,
                 int32_t **out)
{
    if (!rank) {
        *(*out)++ = (int32_t)first;
        return;
    }
    for (int64_t k = 0; k < dims[0]; k++)
        walk(rank - 1, dims + 1, stride + 1, first + k * stride[0], out);
}

/* t with its axes so long, and so far apart in memory. */
static struct onnx_tensor *walked(struct onnx_net *x, const struct onnx_node *n,
                                  const struct onnx_tensor *t, int32_t rank, const int64_t *dims,
                                  const int64_t *stride, int64_t first)
{
    int32_t *at = open_places(x, n, rank, dims), *end = at;

    if (!at)
        return NULL;
    walk(rank, dims, stride, first, &end);
    return moved(x, t, rank, dims, at);
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
    out->origin = t->origin ? t->origin : t->place >= 0 ? t : NULL;
    out->rank = rank;
    for (int32_t k = 0; k < rank; k++) {
        out->dims[k] = dims[k];
        if (dims[k] < 0 || __builtin_mul_overflow(count, dims[k], &count))
            count = -1;
    }
    if (count != t->count)
        return ONNX_REFUSE(x, n, "a constant of %lld elements cannot have this shape",
                           (long long)t->count);
    return onnx_net_fold_give(x, n, out);
}

tcet_status onnx_fold_squeeze(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
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

tcet_status onnx_fold_reshape(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0), *to = onnx_net_folded(x, n, 1);
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

/* A matrix that stays an initializer's, turned: weights are so written where a product wants them. */
static tcet_status turn(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *t)
{
    size_t size = onnx_type_size(t->type);
    struct onnx_tensor *out = onnx_alloc(x->m, 1, sizeof *out);
    unsigned char *data = onnx_alloc(x->m, (size_t)t->count, size);

    if (!out || !data)
        return TCET_E_MEMORY;
    *out = *t;
    out->dims[0] = t->dims[1];
    out->dims[1] = t->dims[0];
    out->data = data;
    out->origin = t;
    out->turned = out->dims[0];
    for (int64_t i = 0; i < t->dims[0]; i++)
        for (int64_t k = 0; k < t->dims[1]; k++)
            memcpy(data + (size_t)(k * t->dims[0] + i) * size,
                   t->data + (size_t)(i * t->dims[1] + k) * size, size);
    return onnx_net_fold_give(x, n, out);
}

tcet_status onnx_fold_transpose(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
    const struct onnx_attr *perm = onnx_attr_of(n, "perm");
    int64_t own[ONNX_RANK_MAX], dims[ONNX_RANK_MAX], stride[ONNX_RANK_MAX];
    uint32_t seen = 0;

    if (perm && perm->count != t->rank)
        return ONNX_REFUSE(x, n, "its perm is no order of %d axes", t->rank);
    strides_of(t, own);
    for (int32_t k = 0; k < t->rank; k++) {
        int64_t axis = perm ? perm->ints[k] : t->rank - 1 - k;

        if (axis < 0 || axis >= t->rank || (seen >> axis & 1))
            return ONNX_REFUSE(x, n, "its perm is no order of %d axes", t->rank);
        seen |= 1u << axis;
        dims[k] = t->dims[axis];
        stride[k] = own[axis];
    }
    if (t->rank == 2 && stride[0] < stride[1] && !t->origin && t->count)
        return turn(x, n, t);
    return onnx_net_fold_give(x, n, walked(x, n, t, t->rank, dims, stride, 0));
}

/* Does t have the shape of the first, but for the axis? */
static int joins(const struct onnx_tensor *t, const struct onnx_tensor *first, int64_t axis)
{
    int same = t && t->rank == first->rank && onnx_is_whole(t) == onnx_is_whole(first);

    for (int32_t k = 0; same && k < t->rank; k++)
        same = k == axis || t->dims[k] == first->dims[k];
    return same;
}

/* What is joined is whole numbers, or float64 that no initializer's place is known of. */
tcet_status onnx_fold_concat(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *first = onnx_net_folded(x, n, 0);
    int64_t axis = onnx_attr_int(n, "axis", 0), dims[ONNX_RANK_MAX] = {0}, outer = 1, inner = 1,
            *to;
    int whole = onnx_is_whole(first);
    struct onnx_tensor *out;
    int64_t before = 0;

    axis = axis < 0 ? axis + first->rank : axis;
    for (int32_t i = 0; i < n->input_count; i++) {
        const struct onnx_tensor *t = onnx_net_folded(x, n, i);

        if (axis < 0 || axis >= first->rank || !joins(t, first, axis))
            return ONNX_REFUSE(x, n, "constants of these shapes and types are not joined");
        dims[axis] += t->dims[axis];
    }
    for (int32_t k = 0; k < first->rank; k++) {
        dims[k] = k == axis ? dims[k] : first->dims[k];
        *(k < axis ? &outer : &inner) *= k == axis ? 1 : first->dims[k];
    }
    out = onnx_net_tensor(x, whole ? ONNX_INT64 : ONNX_DOUBLE, first->rank, dims, &to);
    for (int32_t i = 0; out && i < n->input_count; i++) {
        const struct onnx_tensor *t = onnx_net_folded(x, n, i);
        int64_t row = t->dims[axis] * inner;

        out->computed |= t->computed || (!whole && onnx_net_learned(x, t));
        for (int64_t k = 0; k < t->count; k++) {
            int64_t at = k / row * dims[axis] * inner + before + k % row;
            double real;

            if (whole) {
                to[at] = onnx_int(t, k);
            } else {
                real = onnx_real(t, k);
                memcpy(to + at, &real, sizeof real);
            }
        }
        before += row;
    }
    return onnx_net_fold_give(x, n, out);
}

/* Elements of an axis by a constant's indices, whose shape takes its place. */
tcet_status onnx_fold_gather(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0), *index = onnx_net_folded(x, n, 1);
    int64_t axis = onnx_attr_int(n, "axis", 0), dims[ONNX_RANK_MAX], outer = 1, inner = 1;
    int32_t rank = t->rank - 1 + index->rank, *at, *to;

    axis = axis < 0 ? axis + t->rank : axis;
    if (axis < 0 || axis >= t->rank || rank > ONNX_RANK_MAX || !onnx_is_whole(index))
        return ONNX_REFUSE(x, n, "of a constant of rank %d along axis %lld", t->rank,
                           (long long)axis);
    for (int32_t k = 0; k < rank; k++)
        dims[k] = k < axis                 ? t->dims[k]
                  : k < axis + index->rank ? index->dims[k - axis]
                                           : t->dims[k - index->rank + 1];
    for (int32_t k = 0; k < t->rank; k++)
        *(k < axis ? &outer : &inner) *= k == axis ? 1 : t->dims[k];
    at = to = open_places(x, n, rank, dims);
    for (int64_t o = 0; at && o < outer; o++)
        for (int64_t k = 0; k < index->count; k++) {
            int64_t i = onnx_int(index, k);

            i = i < 0 ? i + t->dims[axis] : i;
            if (i < 0 || i >= t->dims[axis])
                return ONNX_REFUSE(x, n, "index %lld is outside a list of %lld",
                                   (long long)onnx_int(index, k), (long long)t->dims[axis]);
            for (int64_t j = 0; j < inner; j++)
                *to++ = (int32_t)((o * t->dims[axis] + i) * inner + j);
        }
    return at ? onnx_net_fold_give(x, n, moved(x, t, rank, dims, at)) : TCET_E_MEMORY;
}

/* To a shape that its axes of 1 reach; the batch's stays 1, for a constant is of every image the same. */
tcet_status onnx_fold_expand(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0), *to = onnx_net_folded(x, n, 1);
    int64_t own[ONNX_RANK_MAX], dims[ONNX_RANK_MAX], stride[ONNX_RANK_MAX];
    int32_t rank = t->rank;

    if (to->count > ONNX_RANK_MAX || !onnx_is_whole(to))
        return ONNX_REFUSE(x, n, "to a shape of more than %d dimensions", ONNX_RANK_MAX);
    rank = to->count > rank ? (int32_t)to->count : rank;
    strides_of(t, own);
    for (int32_t k = 0; k < rank; k++) {
        int64_t ask = k < rank - to->count ? 1 : onnx_int(to, k - (rank - to->count));
        int64_t have = k < rank - t->rank ? 1 : t->dims[k - (rank - t->rank)];

        if (k == 0 && ask == x->batch && have == 1)
            ask = 1;
        if (ask < 1 || (have != ask && have != 1 && ask != 1))
            return ONNX_REFUSE(x, n, "an axis of %lld to %lld", (long long)have, (long long)ask);
        dims[k] = have > 1 ? have : ask;
        stride[k] = have > 1 ? own[k - (rank - t->rank)] : 0;
    }
    return onnx_net_fold_give(x, n, walked(x, n, t, rank, dims, stride, 0));
}

/* A bound of a slice: from the end where it is negative, and within low .. high. */
static int64_t slice_bound(int64_t v, int64_t extent, int64_t low, int64_t high)
{
    v = v < 0 && v > INT64_MIN + extent ? v + extent : v;
    return v < low ? low : v > high ? high : v;
}

tcet_status onnx_fold_slice(struct onnx_net *x, const struct onnx_node *n)
{
    const struct onnx_tensor *t = onnx_net_folded(x, n, 0);
    int64_t from[ONNX_RANK_MAX * 2], to[ONNX_RANK_MAX * 2], axes[ONNX_RANK_MAX * 2],
        steps[ONNX_RANK_MAX * 2], dims[ONNX_RANK_MAX], stride[ONNX_RANK_MAX];
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
        strides_of(t, stride);
        memcpy(dims, t->dims, sizeof dims);
        dims[axis] = last;
        first *= stride[axis];
        stride[axis] *= step;
        t = walked(x, n, t, t->rank, dims, stride, first);
        if (!t)
            return TCET_E_MEMORY;
    }
    return onnx_net_fold_give(x, n, t);
}
