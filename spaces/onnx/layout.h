/* layout.h -- where a value's elements stand: how the axes of an ONNX tensor [batch, ...] are made of
 * the channels, rows and columns of a graph node [c, h, w], so that reshapes and transposes of static
 * shapes cost nothing and only what no node can give is refused.
 * Room: spaces/onnx.  Pure. */
#ifndef SPACES_ONNX_LAYOUT_H
#define SPACES_ONNX_LAYOUT_H

#include "onnx/model.h"

enum { ONNX_ATOMS_MAX = 16 };
enum { ONNX_CHANNELS = 0, ONNX_ROWS = 1, ONNX_COLUMNS = 2 };

/* A factor of c, h or w, larger than 1. */
struct onnx_atom {
    int64_t size;
    int32_t part;  /* ONNX_CHANNELS, ONNX_ROWS or ONNX_COLUMNS */
    int32_t place; /* among all atoms in the order of [c, h, w] */
    int32_t axis;  /* of the tensor */
};

/* Atoms stand in the tensor's order.  The batch is no atom: it is on axis `batch`, behind the first
 * `before` atoms there; windows that attention stays within join it on its axis. */
struct onnx_layout {
    int32_t rank, count, batch, before;
    int64_t dims[ONNX_RANK_MAX];
    struct onnx_atom atom[ONNX_ATOMS_MAX];
};

/* A node [c, h, w] as a tensor of rank 2 [batch, c], 3 [batch, c, w] or 4. */
void onnx_layout_image(struct onnx_layout *l, int32_t rank, int64_t batch, int32_t c, int32_t h,
                       int32_t w);
/* How many images the batch has; and how many numbers of one image stand on an axis. */
int64_t onnx_layout_batch(const struct onnx_layout *l);
int64_t onnx_layout_extent(const struct onnx_layout *l, int32_t axis);
/* The tensor of `like`, of which axis k is of channels, rows or columns, as parts[k] says: as many atoms
 * as axes. */
void onnx_layout_parts(struct onnx_layout *l, const struct onnx_layout *like, const int32_t *parts);
/* [c, h, w] of the node that a layout is of. */
void onnx_layout_shape(const struct onnx_layout *l, int32_t shape[3]);
/* 0: the tensor cannot be seen so without moving its numbers. */
int onnx_layout_reshape(struct onnx_layout *l, const int64_t *dims, int32_t rank);
int onnx_layout_transpose(struct onnx_layout *l, const int64_t *perm, int32_t rank);
/* An axis of 1 goes. */
void onnx_layout_drop(struct onnx_layout *l, int32_t axis);
/* An axis of 1 comes in; there is room for it. */
void onnx_layout_insert(struct onnx_layout *l, int32_t axis);
/* The extent of one atom changes to `size`, and of its axis. */
void onnx_layout_resize(struct onnx_layout *l, int32_t atom, int64_t size);

/* An axis that is the channels, or has none where there is one, becomes `size` of them. */
void onnx_layout_widen(struct onnx_layout *l, int32_t axis, int64_t size);
/* The last axis becomes `size` channels, which come after those on other axes. */
void onnx_layout_replace(struct onnx_layout *l, int64_t size);

/* Is it as onnx_layout_image makes it? */
int onnx_layout_is_image(const struct onnx_layout *l);
/* Is this axis the channels, all of them in their order? */
int onnx_layout_channels(const struct onnx_layout *l, int32_t axis);
/* Is this axis all of the image, in the order of [c, h, w]? */
int onnx_layout_flat(const struct onnx_layout *l, int32_t axis);
/* Are all rows and columns on this axis, in their order, and nothing else? */
int onnx_layout_positions(const struct onnx_layout *l, int32_t axis);
/* The one atom of an axis; -1: it has none, or several. */
int32_t onnx_layout_atom(const struct onnx_layout *l, int32_t axis);
int onnx_layout_same(const struct onnx_layout *a, const struct onnx_layout *b);
/* "[2, 16, 8, 8]"; returns out. */
const char *onnx_dims_text(const int64_t *dims, int32_t rank, char out[128]);

#endif
