/* picture.h -- what the kinds of figures share.  Room: core/report, private to it. */
#ifndef CORE_PICTURE_H
#define CORE_PICTURE_H

#include "report/figure.h"

/* Begins a picture with its title and note, to which height is added.  Returns where the rest begins. */
double picture_begin(struct svg *s, struct figures *of, struct figure *f, double width,
                     double height, const char *note, const char *desc);

/* The colour of a value: bins of a scale from 0 to SVG_BINS. */
int picture_bin(const struct scale *s, double v);
/* The bins side by side, with the scale's ends; below: what else has the lowest colour, before its end. */
void picture_colours(struct svg *s, double x, double y, const char *name, const char *below,
                     const struct scale *scale);

/* Where a legend may be. */
struct legend {
    double from, to;
};
/* Makes room for an entry at *x, *y, in the next line where it does not fit.  Returns how wide it is. */
double legend_next(const struct legend *l, const char *text, double *x, double *y);

#endif
