/* report.h -- scores against accuracies: one line a metric, one a pair of metrics.
 *
 * Room: core/report.  Stands on core/result, core/num and core/base.  Computes and formats into buffers;
 * prints nothing. */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "base/error.h"
#include "num/stats.h"
#include "result/result.h"

enum report_nan {
    REPORT_LOWEST, /* NaN ranks below every number */
    REPORT_DROP    /* such architectures are left out of that metric's line */
};
enum report_format {
    REPORT_TEXT,
    REPORT_CSV,
    REPORT_MARKDOWN,
    REPORT_JSON,
    REPORT_LATEX, /* of the package booktabs */
    REPORT_ZC,    /* of report_values alone: NAS-Bench-Suite-Zero's JSON */
    REPORT_HTML   /* for a page's inside */
};

/* A column, or a baseline in the shape of one, over all architectures: [count] values. */
struct report_series {
    struct result_column column; /* its name and direction alone are read */
    int baseline;                /* #params, FLOPs, depth */
    const double *values;
    double seconds; /* a network, 0 or NaN: unknown */
    int64_t guards; /* degenerate cases that got a defined value, over all architectures */
    int has_published;
    double published; /* a paper's Kendall tau to print beside */
    int repeat;       /* one of several seeds: left out of text tables */
    int hidden;       /* a cell of an ablation, which has a table of its own: left out likewise */
};

/* A paper's Kendall tau between two scores, to print beside; their order is no matter. */
struct report_published {
    const char *x, *y; /* names of series */
    double tau;
};

struct report_input {
    const struct report_series *series;
    size_t series_count, count;
    const double *
        accuracy; /* [count]; NaN: not in the table; NULL: none, for report_matrix and report_values alone */
    const uint8_t *mask;                    /* [count], NULL: all */
    const char *accuracy_name, *population; /* "cifar10_test", "all 15,625" */
    enum report_nan nan;
    size_t replicates; /* of the bootstrap; 0 automatic */
    uint64_t seed;
    size_t wide; /* of text tables, see report_table */
    const struct report_published *published;
    size_t published_count;
};

/* An accuracy, or a difference of two, as people read it: 91.20, or 0.9120 where all accuracies of the
 * input are fractions.  In `a`. */
const char *report_accuracy(const struct report_input *in, double accuracy, struct arena *a);

struct report_line {
    const struct report_series *series;
    size_t n, nan;                  /* architectures compared; NaN scores among them or dropped */
    struct stats_relation relation; /* of score and accuracy */
    struct stats_top top[3];        /* k = 1, 10, 100, as far as there are scores to rank by, which
                                   equal ones and NaN are not (k = 0: no) */
    const double *number;           /* one a statistic (statistics.c) */
};

struct report_pair {
    const struct report_series *x, *y;
    const char *dominant; /* in the spread of the product x y: the name of x or y, or "" when
                             undefined */
    const double *number; /* one a statistic of pairs */
    double published;     /* a paper's tau between the two; NaN: none */
};

/* Borrows the input's series. */
struct report {
    struct arena arena;
    struct report_line *lines; /* in input order */
    size_t line_count;
    struct report_pair *pairs; /* of series that are no baselines */
    size_t pair_count;
    size_t covered, masked; /* architectures with an accuracy; left out by the mask */
};

/* with_pairs: compute pairs too (quadratic in the number of series); else those alone of which a figure is
 * published. */
tcet_status report_make(const struct report_input *in, int with_pairs, struct report *out,
                        struct error *err);
void report_free(struct report *r);
/* Kendall's tau between a pair. */
double report_tau(const struct report_pair *p);
/* Lines as a table, then pairs; text: baselines last, and the order by tau when `sorted`.  CSV:
 * one table, that of the pairs where there are any; 17 significant digits, and an empty field
 * where text has a dash. */
void report_print(const struct report_input *in, const struct report *r, enum report_format f,
                  int sorted, struct buf *out);

/* Kendall's tau-b between every two series and, unless it is NULL, the accuracy, each of the
 * architectures of the population where both are numbers, as a symmetric table.  CSV has 17 digits. */
void report_matrix(const struct report_input *in, enum report_format f, struct buf *out);
/* The values themselves: a line an architecture of the population, with its accuracy, where the input has
 * accuracies, and all series; archs: [count] names.  REPORT_ZC: as zc_SPACE.json has them, {TASK: {ARCH:
 * {"idx", "arch", PROXY: {"score", "time"}, "val_accuracy"}}}; the task and whether the accuracy is one of
 * validation or of test are read from its name, time is the mean of the series. */
void report_values(const struct report_input *in, const char *const *archs, enum report_format f,
                   struct buf *out);

/* The same as numbers. */
struct report_taus {
    const char **name;
    size_t n;
    double *tau; /* [n][n] */
    double
        *partial; /* equation 1, given the accuracy, where all three are finite; NaN without one and
                        with itself; NULL unless asked for */
};
/* In `a`.  repeats: those as well that are one of several seeds. */
void report_taus(const struct report_input *in, int repeats, int partial, struct arena *a,
                 struct report_taus *out);

/* How well the seeds of one score agree: mean Kendall tau between the rankings of base@SEED and,
 * where `itself`, of `base`, over the pairs that have a tau.  No pairs: no seeds. */
struct report_stability {
    size_t pairs, compared;
    double tau; /* NaN: no pair could be compared */
};
struct report_stability report_stability(const struct report_series *series, size_t count,
                                         size_t archs, const char *base, int itself);

/* Aligned columns: cells[rows][columns], first row is the header; numbers right-aligned.  As text that
 * would be wider than so many columns (0: no limit) it is printed in parts one below the other, each
 * with the first column. */
void report_table(struct buf *out, const char *const *cells, size_t rows, size_t columns,
                  enum report_format f, size_t wide);

#endif
