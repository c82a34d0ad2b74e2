/* svg.h -- the marks that pictures are made of, and the colours that they and pages have.
 *
 * Room: core/report.  Adds well-formed XML to a buffer; knows nothing of scores.  Places and sizes are
 * in units of the picture's viewBox, y downwards.  The same calls give the same bytes. */
#ifndef CORE_SVG_H
#define CORE_SVG_H

#include "base/mem.h"

#include <stddef.h>

enum { SVG_FONT = 12, SVG_SMALL = 10 }; /* sizes of text: of class "t" and "l", and of class "s" */

/* Adds text as XML has it: <>&"' as entities, control characters and what is no UTF-8 as \x1b. */
void svg_escape(struct buf *out, const char *text);
/* How wide a text is at most in the common sans-serif fonts. */
double svg_width(const char *text, double size);
/* The text, or as much of its beginning as is no wider than room and an ellipsis.  In `a`, or the text. */
const char *svg_fit(struct arena *a, const char *text, double size, double room);
/* The same of a title, which is bold. */
const char *svg_fit_title(struct arena *a, const char *text, double room);
/* Adds a number with at most one decimal; one that is none is 0. */
void svg_number(struct buf *out, double v);

/* A picture; name: of letters, digits, - and _.  title and desc are read aloud. */
struct svg {
    struct buf *out;
    const char *name;
    double width, height;
    size_t tips; /* so far */
    int sized;   /* as large as its viewBox where it stands alone; 0: as its place */
};
enum { SVG_TIPS = 300 }; /* more tooltips make a page slow */

void svg_begin(struct svg *s, const char *title, const char *desc);
void svg_end(struct svg *s);

/* classes: "t" title, "l" label, "s" small label, "a" axis, "g" grid line ... (svg_style).  In all marks
 * `tip` is what is shown of it under the mouse, NULL: nothing; left out after SVG_TIPS of them. */
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
void svg_text(struct svg *s, double x, double y, enum svg_anchor anchor, const char *classes,
              const char *text);
/* The same, reading upwards. */
void svg_text_up(struct svg *s, double x, double y, enum svg_anchor anchor, const char *classes,
                 const char *text);
void svg_line(struct svg *s, double x, double y, double x2, double y2, const char *classes);
void svg_rect(struct svg *s, double x, double y, double w, double h, const char *classes,
              const char *tip);
/* A path that is not filled; d: as SVG has it. */
void svg_path(struct svg *s, const char *d, const char *classes);
/* Shapes tell categories apart where colours do not. */
enum svg_shape { SVG_DOT, SVG_SQUARE, SVG_DIAMOND, SVG_CROSS, SVG_RING, SVG_SHAPES };
void svg_mark(struct svg *s, double x, double y, double r, enum svg_shape shape,
              const char *classes, const char *tip);

/* What pictures and pages look like, as CSS; of a page by variables, in which it also prints light.
 * Alone a picture has literal colours, since few programs but browsers know variables. */
void svg_style(struct buf *out, int page);
/* The colour of class bBIN on light ground, #rrggbb. */
const char *svg_bin_colour(int bin);
enum { SVG_BINS = 12, SVG_CATEGORIES = 7, SVG_HEATS = 11 };

#endif
