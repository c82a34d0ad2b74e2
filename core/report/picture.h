/* picture.h -- what the kinds of figures share.  Room: core/report, private to it. */
#ifndef CORE_PICTURE_H
#define CORE_PICTURE_H

#include "report/figure.h"

/* Begins a picture with its title and note, to which height is added.  Returns where the rest begins. */
double picture_begin(struct svg *s, struct figures *of, struct figure *f, double width,
                     double height, const char *note, const char *desc);

/* Where a legend may be. */
struct legend {
    double from, to;
};
/* Makes room for an entry at *x, *y, in the next line where it does not fit.  Returns how wide it is. */
double legend_next(const struct legend *l, const char *text, double *x, double *y);

#endif
