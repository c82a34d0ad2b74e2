/* tcet/combiner.h -- combiner plugins: two or more metrics to one score.  Room: sdk. */
#ifndef TCET_COMBINER_H
#define TCET_COMBINER_H

#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a combiner needs of its metrics, and which function it must have. */
enum { TCET_SCOPE_PARAMETER = 1, /* elements(): S_i and S_j of one layer, before aggregation */
       TCET_SCOPE_LAYER = 2,     /* score(): per-layer numbers */
       TCET_SCOPE_NETWORK = 3,   /* score(): one number a metric */
       TCET_SCOPE_POPULATION = 4 /* rank(): the numbers of all architectures */ };

/* One metric of one architecture.  Arrays hold `layers` entries in creation order. */
typedef struct tcet_metric {
    uint32_t struct_size;
    int32_t direction;         /* +1: larger is better */
    const char *name;          /* as in the config */
    double value;              /* the network's number */
    int64_t layers;            /* 0 under partition = network */
    const int32_t *module;     /* key to join by: equal numbers are the same module */
    const int32_t *order;      /* order of first execution, -1: never executed */
    const char *const *layer;  /* module names */
    const double *values;      /* one a layer */
    int32_t activation;        /* 1: read from activations (execution order is its own) */
} tcet_metric;

/* One metric over all architectures. */
typedef struct tcet_column {
    uint32_t struct_size;
    int32_t direction;
    const char *name;
    int64_t count;
    const double *values; /* NaN: no value */
} tcet_column;

typedef struct tcet_combiner_ops {
    uint32_t struct_size;
    uint32_t scope;        /* TCET_SCOPE_* */
    int32_t direction;     /* of the score: +1 larger is better, -1 smaller, 0 as the metrics' */
    int32_t min_metrics;   /* at least this many; 0 means 2 */
    int32_t max_metrics;   /* at most; 0 means no limit */
    /* [instance] scope layer or network. */
    tcet_status (*score)(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                         int64_t count, double *out);
    /* [instance] scope parameter: `count` float64 matrices of equal shape to one. */
    tcet_status (*elements)(tcet_ctx *cx, void *self, const tcet_view *const *s, int64_t count,
                            tcet_view *out);
    /* [instance] scope population: `count` columns of equal length to one of that length. */
    tcet_status (*rank)(tcet_ctx *cx, void *self, const tcet_column *const *columns,
                        int64_t count, double *out);
} tcet_combiner_ops;

#ifdef __cplusplus
}
#endif
#endif
