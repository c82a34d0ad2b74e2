/* graph.h -- the layer graph: building (the SDK's tcet_builder), exact counts, names, and
 * the drawing of weights.
 *
 * Room: core/graph.  Stands on core/base, core/num/rng and the SDK.  Touches no tensor
 * library; building and counting a NATS-TSS cell network must stay below 20 microseconds
 * (search lives on it), so names are formatted only when asked for. */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "base/error.h"
#include "base/mem.h"
#include "num/rng.h"

#include <tcet/draft/backend.h>
#include <tcet/space.h>

struct graph_counts {
    int64_t params;    /* all trainable parameters, biases and batch norms included */
    int64_t macs;      /* conv and linear multiply-accumulates of one image, no bias; products of
                          two values (matmul) count none, as they have no weight */
    int64_t bias_macs; /* their bias additions */
    int64_t layers;    /* conv and linear modules */
    int64_t weights;   /* elements of conv and linear weights */
};

/* Which parameters an operation has: a conv's or linear's weight and bias (a layer of
 * TCET_SITE_WEIGHT), a norm's gamma and beta, where it is affine, numbers of its own, or a transposed
 * conv's weight and bias, which are drawn as a layer's, and no layer. */
enum {
    GRAPH_WEIGHT_NONE,
    GRAPH_WEIGHT_CONV,
    GRAPH_WEIGHT_LINEAR,
    GRAPH_WEIGHT_NORM,
    GRAPH_WEIGHT_OWN,
    GRAPH_WEIGHT_TRANSPOSED
};
/* What a module's numbers are to its network: learned, a buffer (in its state_dict, and no parameter),
 * or a constant of its code. */
enum graph_role { GRAPH_LEARNED, GRAPH_BUFFER, GRAPH_CONSTANT };

/* When an operation's output is exactly 0, its biases and a norm's beta being 0. */
enum {
    GRAPH_ZERO_NEVER,
    GRAPH_ZERO_ALL, /* where all of its inputs are */
    GRAPH_ZERO_ANY, /* where one of its inputs is */
    GRAPH_ZERO_ALWAYS
};

/* What is known of an operation: its row of ops.def. */
struct graph;
struct graph_op {
    const char *name;
    int32_t inputs;   /* how many it takes */
    int32_t at_least; /* 1: so many or more */
    /* Output shape and attributes into n, which has op's attributes and the first input x's shape;
     * x is NULL where there is none.  Errors: recorded in g. */
    tcet_status (*shape)(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n);
    uint32_t kind;      /* TCET_LAYER_* of a module that holds it */
    uint32_t weight;    /* GRAPH_WEIGHT_* */
    int32_t activation; /* 1: a layer of TCET_SITE_ACTIVATION */
    int32_t zero;       /* GRAPH_ZERO_* */
};
/* NULL where there is no such operation.  Any thread. */
const struct graph_op *graph_op(uint32_t op);

/* Reusable: graph_reset forgets the graph and keeps the memory. */
struct graph *graph_new(void);
void graph_free(struct graph *g);
void graph_reset(struct graph *g, const tcet_task *task);
/* The builder to hand to a space's build(). */
tcet_builder *graph_builder(struct graph *g);
/* The task of build_thin(): images of [1, 3, 3], the classes as they are. */
void graph_thin_task(tcet_task *task);
/* Checks completeness (one output, at least one layer or none, no cycle by construction)
 * and freezes it.  Errors: what build() recorded first. */
tcet_status graph_finish(struct graph *g, struct error *err);

/* Valid after graph_finish, until the next reset. */
const tcet_graph *graph_view(const struct graph *g);
void graph_count(const struct graph *g, struct graph_counts *out);
/* Per module: macs and bias_macs of one image (0 for modules without). */
int64_t graph_module_macs(const struct graph *g, int32_t module);
int64_t graph_module_bias_macs(const struct graph *g, int32_t module);
/* Does the module hold a norm's gamma and beta, a layer's weight? */
int graph_is_norm(const tcet_graph_module *m);
int graph_is_layer(const tcet_graph_module *m);
/* A weight that is drawn: a layer's, or a transposed conv's? */
int graph_is_drawn(const tcet_graph_module *m);
enum graph_role graph_module_role(const struct graph *g, int32_t module);
/* Its class in the official model, "" where the space does not say, or module is -1. */
const char *graph_module_class(const struct graph *g, int32_t module);
/* Full name into out; returns out. */
const char *graph_module_name(const struct graph *g, int32_t module, char *out, size_t cap);
/* The modules of the conv and linear layers, in creation order: graph_view()->layer_count. */
const int32_t *graph_layers(const struct graph *g);

/* -- What is alive (prune.c) -- An operation is dead if what it gives never reaches the network's
 * output, or is exactly 0 for every input as the network is initialised: zeros and what is made of
 * zeros alone.  Sums lose their terms of 0; elsewhere zeros stand for what gave them. */

/* A module's counts, as they are or of its operations that are alive. */
struct graph_part {
    int64_t params, macs, bias_macs;
    int32_t chain; /* its conv and linear operations on one longest chain of such ones from input to
                      output */
};
/* Finds out what is alive in a finished graph, for graph_module_live and graph_module_chain. */
void graph_find_live(struct graph *g);
void graph_module_live(const struct graph *g, int32_t module, struct graph_part *out);
int32_t graph_module_chain(const struct graph *g, int32_t module);
/* Leaves of a finished graph what is alive: modules without a living operation keep their place and
 * name, and have no parameters.  1: the output does not depend on the input; its last global pooling
 * and what follows are left, fed by zeros. */
int graph_prune(struct graph *g);

/* What a digest tells apart beside what it always does. */
struct graph_strict {
    int names; /* modules by their names; their cells and classes always count */
    int sums; /* terms of 0, and which of a sum's first two terms is the first: H g by tangents rounds
                  by them */
};
/* Writes 64 hex digits that are equal for graphs whose networks give the same numbers bit for bit, in
 * any pass and with any seed: the same operations in the same order, but for those that make no
 * difference (identities, terms of 0, what no layer is made of), and the same draws. */
void graph_digest(struct graph *g, const struct graph_strict *how, char out[65]);

/* Runs the init program: params[graph_view()->param_floats], weights from rng as PyTorch's
 * constructors draw them; batch norm gamma 1, beta 0. */
void graph_draw(const struct graph *g, tcet_rng *rng, float *params);
/* Conv and linear weights drawn once more over graph_draw's, in layer order, by the same
 * generator: kaiming N(0, 2/fan_in), xavier N(0, 2/(fan_in + fan_out)), or zeros (zero-cost-nas's
 * init_w_type), xavier_linear that of linear weights alone (GraSP), kaiming_fan_out
 * N(0, 2/fan_out) (TE-NAS's NTK), gaussian N(0, 1) (ZenNAS); then, if zero_bias, biases 0. */
enum graph_init {
    GRAPH_INIT_NONE,
    GRAPH_INIT_KAIMING,
    GRAPH_INIT_KAIMING_FAN_OUT,
    GRAPH_INIT_XAVIER,
    GRAPH_INIT_XAVIER_LINEAR,
    GRAPH_INIT_GAUSSIAN,
    GRAPH_INIT_ZERO
};
void graph_draw_again(const struct graph *g, enum graph_init init, int zero_bias, tcet_rng *rng,
                      float *params);
/* TCET_WEIGHTS_GAUSSIAN: conv and linear weights normal_(0,1) in layer order, biases 0,
 * batch norm 1/0 (Zen-score); transposed convs as in `drawn`, which graph_draw made. */
void graph_draw_gaussian(const struct graph *g, const float *drawn, tcet_rng *rng, float *params);
/* TCET_WEIGHTS_ABSOLUTE, of all but constants: out may be in. */
void graph_absolute(const struct graph *g, const float *in, float *out);
/* Float64 sum of all conv and linear weights, in layer order. */
double graph_weight_sum(const struct graph *g, const float *params);

#endif
