/* result.h -- what is learnt of an architecture: the columns of a run, and one row an architecture
 * with its values.
 *
 * Room: core/result.  Stands on core/base.  Scoring fills a row, the wire carries it, the store
 * keeps it, reports and exports read it; who makes a struct owns what it points to. */
#ifndef CORE_RESULT_H
#define CORE_RESULT_H

#include "result/guards.h"

/* Whose values a column has for layers: those of the row's conv and linear modules, or of others
 * (batch norms, activations, a thin network), which are kept for combiners and not exported. */
enum result_layered { RESULT_NO_LAYERS, RESULT_ROW_LAYERS, RESULT_OTHER_LAYERS };

/* A metric or a score: what is stored and exported, in config order. */
struct result_column {
    const char *name; /* as in the config */
    const char *key;  /* canonical text of all that determines the values */
    int is_score;     /* 0: a [metric], 1: a [score] */
    int population;   /* 1: a value depends on all architectures; rewritten at the end */
    int direction;    /* +1: larger is better, -1: smaller, 0: not said */
    enum result_layered layered;
    /* Of a plan alone; not stored. */
    int index;         /* among the plan's metrics, or its scores */
    const int *inputs; /* of a score: the columns that it joins, input_count of them */
    size_t input_count;
};

/* One value of one column. */
struct result_value {
    int column; /* index into the run's columns; -1: no value */
    double value;
    const double *layers; /* layer_count of them, or NULL */
    size_t layer_count;   /* the row's, where the column has RESULT_ROW_LAYERS */
    struct guards guards;
    double seconds; /* what it cost: build, weights, the passes it needs; 0: unknown */
};

static inline int result_has(const struct result_value *v)
{
    return v->column >= 0;
}

/* A conv or linear layer. */
struct result_layer {
    const char *name, *kind, *shape; /* "stem.0", "conv" or "linear", "16,3,3,3" */
};

enum result_status { RESULT_MISSING, RESULT_OK, RESULT_FAILED };

/* Seconds by part; all 0: unknown. */
struct result_times {
    double build, init, forward, backward, total;
};

/* All that is learnt of one architecture in one go. */
struct result_row {
    const char *arch; /* whose it is: the input line byte for byte */
    enum result_status status;
    const char *message;               /* "" or why it failed */
    int64_t params, macs;              /* 0 or less, and no layers: the network was not built */
    double x_sum, w_sum;               /* of the first mini-batch, of the weights; NaN: unknown */
    const struct result_layer *layers; /* in creation order */
    size_t layer_count;
    struct result_value *values;
    size_t value_count;
    struct result_times times;
};

/* A row of which nothing but its end is known. */
struct result_row result_failure(const char *arch, const char *message);
/* "missing", "ok", "failed". */
const char *result_status_name(enum result_status status);

#endif
