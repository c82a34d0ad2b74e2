/* figure.h -- a figure: a picture, and its numbers as a table.  And the kinds that there are: a chart of
 * points and lines over two axes, bars beside names, a heat map.
 *
 * Room: core/report.  Plain arrays in, text out; what they are of is the caller's to say. */
#ifndef CORE_FIGURE_H
#define CORE_FIGURE_H

#include "report/scale.h"
#include "report/svg.h"

struct figure {
    const char *name;    /* of its file and marks: letters, digits, - and _; no two the same */
    const char *heading; /* NULL: it follows the one before */
    const char *title;
    double width;            /* of its viewBox */
    struct buf svg;          /* as it stands in a page */
    int sized;               /* its file is shown as large as width, not as its place */
    const char *const *cell; /* [rows][columns], the first row a header; NULL: no table */
    size_t rows, columns;
    int kept; /* its texts are the list's own */
};

struct figures {
    struct arena arena; /* all but the pictures */
    struct figure *item;
    size_t count, cap;
    const char *heading; /* of the next */
};

/* The next one, without picture and table; kind-what as its name, made one of its own.  what: any text or
 * NULL.  Lives until the next. */
struct figure *figures_add(struct figures *f, const char *kind, const char *what,
                           const char *title);
/* Copies the texts of all tables, so that what they were taken from may go. */
void figures_keep(struct figures *f);
/* Gives it a table of so many rows with these heads, the first row; returns where the second begins.  In
 * `a`. */
const char **figure_cells(struct figure *f, struct arena *a, size_t rows, const char *const *heads,
                          size_t columns);
void figures_free(struct figures *f);

/* Points; colour: a number each, by whose size they are coloured, or NULL. */
struct chart_dots {
    const char *name; /* in the legend; NULL: not there */
    const double *x, *y;
    size_t n; /* those that are not finite are not drawn */
    const double *colour;
    int category;
    enum svg_shape shape;
    const char *const *label; /* [n], for tooltips; NULL: none */
    const char *const *mark;  /* [n], short texts beside them; NULL: none */
};

struct chart_line {
    const char *name;
    const double *x, *y;      /* y that is no number is left out */
    const double *low, *high; /* a band; NULL: none */
    size_t n;
    int category;
    int steps, dashed;
    int plain; /* thin, without marks at its points */
};

struct chart {
    const char *note, *desc; /* a second line, NULL: none; what is to be seen, in words */
    const char *x_name, *y_name, *colour_name;
    enum scale_wish x_wish, y_wish;
    const double *x_range, *y_range; /* [2]: no more than that of the axis; NULL: all.  What is
                                        outside is not drawn */
    const struct chart_dots *dots;
    size_t dots_count;
    const struct chart_line *lines;
    size_t line_count;
};
void chart_draw(const struct chart *c, struct figures *of, struct figure *f);

/* A bar or a box beside each name. */
struct bar {
    const char *name;
    double value, low, high; /* low, high: an interval, NaN: none */
    double mark;             /* published; NaN: none */
    int grey;                /* a baseline */
    const double *points;    /* those that a box is made of; NULL: a bar */
    size_t n;
};
struct bars {
    const char *note, *desc, *x_name, *mark_name;
    const struct bar *bar;
    size_t count;
};
void bars_draw(const struct bars *b, struct figures *of, struct figure *f);

/* Numbers from -1 to 1 of every two names: below the diagonal one kind, above it another. */
struct heat {
    const char *note, *desc, *below_name, *above_name;
    const char *const *name;
    size_t n;
    const double *below, *above; /* [n][n]; NaN: none */
};
void heat_draw(const struct heat *h, struct figures *of, struct figure *f);

#endif
