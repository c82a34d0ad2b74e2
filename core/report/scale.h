/* scale.h -- an axis: numbers to places, and where its ticks are.
 *
 * Room: core/report. */
#ifndef CORE_SCALE_H
#define CORE_SCALE_H

#include <stddef.h>

enum scale_kind {
    SCALE_LINEAR,
    SCALE_LOG,
    SCALE_SYMLOG /* linear around 0, logarithmic far from it */
};

struct scale {
    enum scale_kind kind;
    double low, high; /* low < high */
    double unit;      /* of symlog: linear below it */
    double from, to;  /* places of low and high */
    int whole;        /* ticks are whole numbers */
};

/* What an axis may be. */
enum scale_wish {
    SCALE_PLAIN, /* linear */
    SCALE_WHOLE, /* the same of whole numbers: no ticks between them */
    SCALE_WIDE, /* logarithmic where the largest is more than 1000 times the smallest, and symmetrically so
                    where there are signs or zeros */
    SCALE_POWERS /* logarithmic where all are above 0 */
};
/* The range of the finite ones of v, a bit wider; 0 to 1 without any. */
void scale_fit(struct scale *s, const double *v, size_t n, enum scale_wish wish);
/* The place of v, which is finite; what is outside is at an end. */
double scale_at(const struct scale *s, double v);

enum { SCALE_TICKS = 24 };
struct tick {
    double at;
    char text[24];
};
/* Round numbers (1, 2, 5 times a power of ten, or powers) within the range, at most `most`, ascending, no
 * two of the same text. */
size_t scale_ticks(const struct scale *s, size_t most, struct tick out[SCALE_TICKS]);
/* A number for people: 4 digits. */
void scale_text(char out[24], double v, int digits);

#endif
