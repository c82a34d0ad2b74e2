/* internal.h -- the graph's own state, shared by the files of this room.
 * Room: core/graph; no other room includes it. */
#ifndef CORE_GRAPH_INTERNAL_H
#define CORE_GRAPH_INTERNAL_H

#include "graph/graph.h"

/* One explicit step of the init program.  It runs after the default draws of the first
 * `after` modules: the modules that existed when build() asked for it. */
struct graph_step {
    uint32_t kind; /* TCET_INIT_* */
    int32_t module, after;
    double a, b;
};

/* What the graph knows of a module and backends need not. */
struct graph_cost {
    int64_t macs, bias_macs;
    const char *class_name; /* NULL: the space does not say */
    enum graph_role role;
    /* By TCET_VALUES_*: 1 + where its values begin among the given numbers, 0: they are not given;
     * and how many they are. */
    int64_t given[5], given_as[5];
    struct graph_part live; /* with the next: of graph_find_live */
    int32_t chain;
};

/* Arrays grow and are kept by graph_reset, so that building many graphs allocates once. */
struct graph {
    tcet_builder builder; /* first: build.c finds the graph from it */
    tcet_graph view;
    tcet_node *nodes;
    int32_t *inputs;
    tcet_graph_module *modules;
    struct graph_cost *costs; /* one a module */
    int32_t *layers;
    struct graph_step *steps;
    float *given;                     /* numbers that the space gives */
    int32_t **indices;                /* of nodes that move numbers */
    const float **means, **variances; /* a module's among them, of the view; NULL none */
    int64_t given_count, given_cap;
    int32_t node_count, node_cap, input_count, input_cap, module_count, module_cap, cost_cap;
    int32_t layer_cap, step_count, step_cap, mean_cap, variance_cap, fate_cap;
    int32_t index_lists, index_cap;
    struct graph_fate *fates; /* one a node */
    int32_t maps;             /* 1: the network's output is as large as the image */
    int32_t cell;             /* of modules created from now on */
    struct graph_counts counts;
    struct error err; /* the first failure */
};

/* What becomes of a node. */
struct graph_fate {
    uint8_t zero;    /* it is 0 whatever the input is */
    uint8_t depends; /* on the input */
    uint8_t live;    /* its output reaches the network's, and is not 0 */
    uint8_t fills;   /* it is 0 and something alive that is no sum reads it */
    int32_t deep;    /* conv and linear nodes on a longest chain to it, itself included */
    int32_t before;  /* the chain's node before it, -1 none */
    int32_t now;     /* its number after pruning, or in a digest; -1 none */
};

/* Lays parameters out, numbers the layers and fills in the view: graph_finish's last part. */
void graph_lay_out(struct graph *g);
/* Which nodes are 0 through operations without parameters alone, hence in every pass. */
void graph_find_zeros(struct graph *g, int parameters);
/* Makes room for `need` elements of `size` bytes. */
void *graph_grow(void *old, int32_t *cap, int32_t need, size_t size);
/* A copy of op's index for n. */
tcet_status graph_keep_index(struct graph *g, const tcet_op *op, tcet_node *n);
/* Fills in the functions of g->builder. */
void graph_builder_init(struct graph *g);
/* Records the first failure, with the module and the operation it befell; returns code. */
tcet_status graph_refuse(struct graph *g, tcet_status code, const tcet_op *op, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

#endif
