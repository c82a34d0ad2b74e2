/* internal.h -- what the files of core/report share: the statistics, each with the way it is shown.
 * Room: core/report, private to it. */
#ifndef CORE_REPORT_INTERNAL_H
#define CORE_REPORT_INTERNAL_H

#include "report/report.h"

/* The values of one series that take part, turned so that larger is better. */
struct picked {
    double *score, *accuracy;
    size_t n, nan;
    size_t ranked; /* how many of them have a place of their own: 0 where all are equal */
};
/* In `a`.  NaN that rank lowest are -inf. */
void report_pick(const struct report_input *in, const struct report_series *c, struct arena *a,
                 struct picked *out);

/* What a statistic of a line is computed from: of the architectures that take part, the scores,
 * turned so that larger is better, and the accuracies, both [line->n]. */
struct sample {
    const struct report_line *line; /* all but its numbers */
    const double *score, *accuracy;
};

/* The same of a pair of scores, [n], where both and the accuracy are numbers. */
struct pair_sample {
    const double *x, *y, *accuracy;
    size_t n;
    double tau;                  /* of x and y */
    struct stats_moments mx, my; /* equations 5 and 6 */
};

/* A column of the tables and a member of the JSON objects. */
struct statistic {
    const char *head;   /* of the column; NULL: in JSON alone */
    const char *json;   /* of the member; NULL: in tables alone */
    const char *format; /* in text, of a double; NULL: a count */
    int accuracy;       /* an accuracy, or a difference of two: shown as report_accuracy says */
    double (*of_line)(const struct sample *s); /* NaN: there is none */
    double (*of_pair)(const struct pair_sample *s);
    const char *(*word)(const struct report_line *l); /* in place of a number; JSON alone */
    double scale;                                     /* tables show scale times the number; 0: 1 */
    int optional;    /* a column only where a line has a number, and of a count one but 0; no
                        member without a number */
    int json_first;  /* before all others in JSON */
    int no_baseline; /* no member of a baseline */
};

extern const struct statistic LINE_STATISTICS[], PAIR_STATISTICS[];
extern const size_t LINE_STATISTIC_COUNT, PAIR_STATISTIC_COUNT;

#endif
