/* layout.c -- see layout.h.  Room: spaces/onnx. */
#include "onnx/layout.h"

#include <string.h>

/* The atoms that stand before the batch: how many of all. */
static int32_t batch_at(const struct onnx_layout *l)
{
    int32_t at = l->before;

    for (int32_t i = 0; i < l->count; i++)
        at += l->atom[i].axis < l->batch;
    return at;
}

static void drop(struct onnx_layout *l, int32_t i)
{
    int32_t place = l->atom[i].place;

    if (l->atom[i].axis == l->batch && i < batch_at(l))
        l->before--;
    memmove(&l->atom[i], &l->atom[i + 1], (size_t)(l->count - i - 1) * sizeof *l->atom);
    l->count--;
    for (int32_t k = 0; k < l->count; k++)
        l->atom[k].place -= l->atom[k].place > place;
}

/* Leaves out factors of 1 and joins neighbours that are neighbours in the image too. */
static void simplify(struct onnx_layout *l)
{
    for (int32_t i = l->count; i-- > 0;)
        if (l->atom[i].size == 1)
            drop(l, i);
    for (int32_t i = l->count - 1; i-- > 0;) {
        struct onnx_atom *a = &l->atom[i], *b = a + 1;

        if (a->axis != b->axis || a->part != b->part || b->place != a->place + 1 ||
            (a->axis == l->batch && i + 1 == batch_at(l)))
            continue;
        a->size *= b->size;
        drop(l, i + 1);
    }
}

void onnx_layout_image(struct onnx_layout *l, int32_t rank, int64_t batch, int32_t c, int32_t h,
                       int32_t w)
{
    const int64_t extents[] = {c, h, w};

    *l = (struct onnx_layout){.rank = rank, .count = 3};
    l->dims[0] = batch;
    for (int32_t k = 0; k < 3; k++)
        l->atom[k] = (struct onnx_atom){extents[k], k, k, k + 1};
    if (rank == 3)
        l->atom[ONNX_ROWS].axis = l->atom[ONNX_COLUMNS].axis = 2;
    if (rank == 2)
        l->atom[ONNX_ROWS].axis = l->atom[ONNX_COLUMNS].axis = 1;
    for (int32_t k = 1; k < rank; k++)
        l->dims[k] = 1;
    for (int32_t k = 0; k < 3; k++)
        l->dims[l->atom[k].axis] *= extents[k];
    simplify(l);
}

int64_t onnx_layout_extent(const struct onnx_layout *l, int32_t axis)
{
    int64_t n = 1;

    for (int32_t i = 0; i < l->count; i++)
        n *= l->atom[i].axis == axis ? l->atom[i].size : 1;
    return n;
}

int64_t onnx_layout_batch(const struct onnx_layout *l)
{
    return l->dims[l->batch] / onnx_layout_extent(l, l->batch);
}

void onnx_layout_shape(const struct onnx_layout *l, int32_t shape[3])
{
    shape[0] = shape[1] = shape[2] = 1;
    for (int32_t i = 0; i < l->count; i++)
        shape[l->atom[i].part] *= (int32_t)l->atom[i].size;
}

void onnx_layout_parts(struct onnx_layout *l, const struct onnx_layout *like, const int32_t *parts)
{
    struct onnx_layout to = {.rank = like->rank, .batch = like->batch, .before = 0};
    int32_t place = 0, at = batch_at(like);
    int64_t first = 1;

    memcpy(to.dims, like->dims, sizeof to.dims);
    for (int32_t i = 0; i < at; i++)
        first *= like->atom[i].axis == like->batch ? like->atom[i].size : 1;
    for (int32_t axis = 0; axis < like->rank; axis++) {
        int64_t size = axis == like->batch ? onnx_layout_extent(like, axis) : like->dims[axis];

        if (axis == like->batch && first > 1) {
            to.atom[to.count++] = (struct onnx_atom){first, parts[axis], 0, axis};
            to.before = 1;
            size /= first;
        }
        if (size > 1)
            to.atom[to.count++] = (struct onnx_atom){size, parts[axis], 0, axis};
    }
    for (int32_t part = ONNX_CHANNELS; part <= ONNX_COLUMNS; part++)
        for (int32_t i = 0; i < to.count; i++)
            if (to.atom[i].part == part)
                to.atom[i].place = place++;
    *l = to;
}

/* Splits atom i into `first` and the rest behind it; 0: there are too many atoms. */
static int split(struct onnx_layout *l, int32_t i, int64_t first)
{
    if (l->count == ONNX_ATOMS_MAX)
        return 0;
    for (int32_t k = 0; k < l->count; k++)
        l->atom[k].place += l->atom[k].place > l->atom[i].place;
    memmove(&l->atom[i + 1], &l->atom[i], (size_t)(l->count - i) * sizeof *l->atom);
    l->count++;
    l->atom[i].size = first;
    l->atom[i + 1].size /= first;
    l->atom[i + 1].place++;
    return 1;
}

int onnx_layout_reshape(struct onnx_layout *l, const int64_t *dims, int32_t rank)
{
    struct onnx_layout to = *l;
    int32_t i = 0, at = batch_at(l), seen = 0;
    int64_t batch = onnx_layout_batch(l);

    if (rank < 1)
        return 0;
    to.rank = rank;
    memcpy(to.dims, dims, (size_t)rank * sizeof *dims);
    for (int32_t axis = 0; axis < rank; axis++) {
        int64_t left = dims[axis];
        int32_t first = i;

        while (left > 1 || (batch == 1 && i == at && !seen)) {
            if (i == at && !seen) {
                if (left % batch)
                    return 0;
                left /= batch;
                to.batch = axis;
                to.before = i - first;
                seen = 1;
                continue;
            }
            if (i == to.count)
                return 0;
            if (to.atom[i].size > left) {
                if (to.atom[i].size % left || !split(&to, i, left))
                    return 0;
                at += i < at;
            }
            if (left % to.atom[i].size)
                return 0;
            left /= to.atom[i].size;
            to.atom[i++].axis = axis;
        }
    }
    if (i != to.count || !seen)
        return 0;
    simplify(&to);
    *l = to;
    return 1;
}

int onnx_layout_transpose(struct onnx_layout *l, const int64_t *perm, int32_t rank)
{
    struct onnx_layout to = *l;
    uint32_t seen = 0;

    if (rank != l->rank)
        return 0;
    to.count = 0;
    for (int32_t axis = 0; axis < rank; axis++) {
        if (perm[axis] < 0 || perm[axis] >= rank || (seen >> perm[axis] & 1))
            return 0;
        seen |= 1u << perm[axis];
        if (perm[axis] == l->batch)
            to.batch = axis;
        to.dims[axis] = l->dims[perm[axis]];
        for (int32_t i = 0; i < l->count; i++)
            if (l->atom[i].axis == perm[axis]) {
                to.atom[to.count] = l->atom[i];
                to.atom[to.count++].axis = axis;
            }
    }
    *l = to;
    return 1;
}

void onnx_layout_drop(struct onnx_layout *l, int32_t axis)
{
    for (int32_t i = 0; i < l->count; i++)
        l->atom[i].axis -= l->atom[i].axis > axis;
    l->batch -= l->batch > axis;
    l->rank--;
    memmove(l->dims + axis, l->dims + axis + 1, (size_t)(l->rank - axis) * sizeof *l->dims);
}

void onnx_layout_insert(struct onnx_layout *l, int32_t axis)
{
    for (int32_t i = 0; i < l->count; i++)
        l->atom[i].axis += l->atom[i].axis >= axis;
    l->batch += l->batch >= axis;
    memmove(l->dims + axis + 1, l->dims + axis, (size_t)(l->rank - axis) * sizeof *l->dims);
    l->dims[axis] = 1;
    l->rank++;
}

void onnx_layout_resize(struct onnx_layout *l, int32_t atom, int64_t size)
{
    int32_t axis = l->atom[atom].axis;

    l->dims[axis] = l->dims[axis] / l->atom[atom].size * size;
    l->atom[atom].size = size;
    simplify(l);
}

/* The axis, whose atoms are gone, gets one of channels, which come after those on other axes. */
static void put_channels(struct onnx_layout *l, int32_t axis, int64_t size)
{
    int32_t place = 0, at = 0;

    l->dims[axis] = size;
    if (size == 1 || l->count == ONNX_ATOMS_MAX) /* the latter cannot be: see whoever calls */
        return;
    for (int32_t i = 0; i < l->count; i++) {
        place += l->atom[i].part == ONNX_CHANNELS;
        at += l->atom[i].axis < axis;
    }
    for (int32_t i = 0; i < l->count; i++)
        l->atom[i].place += l->atom[i].place >= place;
    memmove(&l->atom[at + 1], &l->atom[at], (size_t)(l->count - at) * sizeof *l->atom);
    l->atom[at] = (struct onnx_atom){size, ONNX_CHANNELS, place, axis};
    l->count++;
}

void onnx_layout_widen(struct onnx_layout *l, int32_t axis, int64_t size)
{
    for (int32_t i = l->count; i-- > 0;)
        if (l->atom[i].axis == axis)
            drop(l, i);
    put_channels(l, axis, size);
}

void onnx_layout_replace(struct onnx_layout *l, int64_t size)
{
    onnx_layout_widen(l, l->rank - 1, size);
}

int onnx_layout_is_image(const struct onnx_layout *l)
{
    int rows = 0;

    if (l->batch)
        return 0;
    for (int32_t i = 0; i < l->count; i++) {
        const struct onnx_atom *a = &l->atom[i];

        if (a->place != i || a->axis != (l->rank == 3 && a->part == ONNX_COLUMNS ? 2 : a->part + 1))
            return 0;
        rows |= a->part == ONNX_ROWS;
    }
    return l->rank == 4 || (l->rank == 3 && !rows) || (l->rank == 2 && l->count <= 1);
}

/* Is what is on the axis all that has one of the parts, in order, and nothing else? */
static int is_all(const struct onnx_layout *l, int32_t axis, uint32_t parts)
{
    int32_t place = -1;

    for (int32_t i = 0; i < l->count; i++) {
        const struct onnx_atom *a = &l->atom[i];
        int mine = parts >> a->part & 1;

        if (mine != (a->axis == axis) || (mine && a->place < place))
            return 0;
        if (mine)
            place = a->place;
    }
    return 1;
}

int onnx_layout_channels(const struct onnx_layout *l, int32_t axis)
{
    return is_all(l, axis, 1u << ONNX_CHANNELS);
}

int onnx_layout_flat(const struct onnx_layout *l, int32_t axis)
{
    return is_all(l, axis, 1u << ONNX_CHANNELS | 1u << ONNX_ROWS | 1u << ONNX_COLUMNS);
}

int onnx_layout_positions(const struct onnx_layout *l, int32_t axis)
{
    return is_all(l, axis, 1u << ONNX_ROWS | 1u << ONNX_COLUMNS);
}

int32_t onnx_layout_atom(const struct onnx_layout *l, int32_t axis)
{
    int32_t found = -1;

    for (int32_t i = 0; i < l->count; i++)
        if (l->atom[i].axis == axis) {
            if (found >= 0)
                return -1;
            found = i;
        }
    return found;
}

int onnx_layout_same(const struct onnx_layout *a, const struct onnx_layout *b)
{
    int same = a->rank == b->rank && a->count == b->count && a->batch == b->batch &&
               a->before == b->before;

    for (int32_t k = 0; same && k < a->rank; k++)
        same = a->dims[k] == b->dims[k];
    for (int32_t i = 0; same && i < a->count; i++) {
        const struct onnx_atom *x = &a->atom[i], *y = &b->atom[i];

        same =
            x->size == y->size && x->part == y->part && x->place == y->place && x->axis == y->axis;
    }
    return same;
}

const char *onnx_dims_text(const int64_t *dims, int32_t rank, char out[128])
{
    size_t n = 0;

    out[n++] = '[';
    for (int32_t k = 0; k < rank && n < 100; k++)
        n += (size_t)snprintf(out + n, 128 - n, "%s%lld", k ? ", " : "", (long long)dims[k]);
    snprintf(out + n, 128 - n, "]");
    return out;
}
