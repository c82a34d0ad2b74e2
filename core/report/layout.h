/* layout.h -- where the boxes and lines of a network's picture are.  Room: core/report, private to it.
 *
 * Chains of operations are one box, a unit, of at most one layer with weights.  Units in a row of
 * neighbours of one cell make a group.  Each unit has a row below those of its inputs; a line that
 * crosses rows has a bend in each: beside the group where none of the group reads it, else within. */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "report/diagram.h"

enum { LAYOUT_LINES = 4, LAYOUT_INSET = 8 }; /* of a unit; from a cell's box to its name */

struct layout_unit {
    size_t *op, op_count; /* in order; op_count 0: a part of the one that stands for its cell */
    size_t *input, input_count; /* units before it, no two the same */
    size_t group, row;
    const char *line[LAYOUT_LINES]; /* its texts; NULL: no more */
    double value;                   /* of its layer; NaN: none */
    double x, y, w, h;
};

struct layout_group {
    const char *cell;    /* "": none, nothing is drawn around it */
    const char *head;    /* its name and counts, as they stand in its box */
    size_t first, count; /* units */
    size_t row, rows;    /* the first, and how many */
    int64_t params, macs;
    double x, y, w, h;
};

/* A place of a line: a unit, or where it crosses a row. */
struct layout_point {
    size_t source; /* unit */
    size_t row;
    int bend, outside;
    size_t from; /* of a bend: the point above it, of the same source */
    double x, w;
};

struct layout {
    struct arena *a;
    struct layout_unit *unit;
    struct layout_group *group;
    struct layout_point *point; /* the first of them the units */
    size_t unit_count, group_count, point_count, row_count;
    size_t *bends; /* [unit_count]: the first of each unit's, a row below it; others follow */
    double *row_y, *row_h; /* [row_count] */
    double width, height;
};

/* Units and groups, with texts and sizes: what is shortened to make a picture less high. */
enum layout_short {
    LAYOUT_ALL,
    LAYOUT_ONCE,  /* a cell that is like an earlier one is one unit */
    LAYOUT_CHAINS /* and a chain is one however many layers it has */
};
void layout_units(const struct diagram *n, enum layout_short how, struct layout *out);
/* Places them, from 0, 0.  Errors: TCET_E_ARG, more than DIAGRAM_POINTS. */
tcet_status layout_place(struct layout *l, struct error *err);
/* The point at which a unit's line leaves the row above that of its reader. */
size_t layout_above(const struct layout *l, size_t source, size_t row);

#endif
