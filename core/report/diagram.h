/* diagram.h -- a picture of a network: its operations as boxes, in rows from the input down to the output,
 * its cells as boxes around them.
 *
 * Room: core/report.  Plain arrays in, text out; knows nothing of graphs and spaces. */
#ifndef CORE_DIAGRAM_H
#define CORE_DIAGRAM_H

#include "base/error.h"
#include "report/figure.h"

#include <stdint.h>

/* An operation, which reads others that come before it. */
struct diagram_op {
    const char *name;      /* of its module; "": it has none */
    const char *operation; /* "conv2d" */
    const char *kernel;    /* "3x3", "3x3/2", or "" */
    const char *shape;     /* of its weight; "": it has none */
    const char *output;    /* its shape */
    const char *cell;      /* whose it is; "": of none */
    int64_t params, macs;
    int layer;    /* a layer with weights: a conv or a linear one */
    double value; /* of the layer, shown as its colour; NaN: none */
    const size_t *input;
    size_t input_count;
};

struct diagram {
    const char *arch, *note;
    const struct diagram_op *op;
    size_t count;
    const char *value_name; /* NULL: no colours */
};

/* The most operations of a picture, and the most places that boxes and lines have in rows; the height above
 * which equal cells are shown once, and where it is still twice that, chains of layers as one box (without
 * colours). */
enum { DIAGRAM_OPS = 4000, DIAGRAM_POINTS = 200000, DIAGRAM_TALL = 2400 };

/* Draws it into f.  Errors: TCET_E_ARG, too many operations or long lines. */
tcet_status diagram_draw(const struct diagram *n, struct figures *of, struct figure *f,
                         struct error *err);
/* A count for people, as boxes have it: 3 digits, k, M, G.  In `a`. */
const char *diagram_count(struct arena *a, int64_t n);
/* The same as text for Graphviz's dot: all operations, the cells as clusters. */
void diagram_dot(const struct diagram *n, struct buf *out);

#endif
