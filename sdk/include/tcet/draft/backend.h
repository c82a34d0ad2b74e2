/* tcet/draft/backend.h -- backend plugins: run one pass over one graph.  DRAFT: may change
 * in a minor version until a second backend exists; tcet.h does not include it.
 *
 * Room: sdk.  The host draws weights and inputs; a backend is a pure executor of the graph
 * and knows no seed, dataset or saliency. */
#ifndef TCET_DRAFT_BACKEND_H
#define TCET_DRAFT_BACKEND_H

#include <tcet/plugin.h>
#include <tcet/saliency.h>
#include <tcet/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A finished node.  Inputs are inputs[first_input .. first_input + input_count). */
typedef struct tcet_node {
    uint32_t op;
    int32_t module; /* index into modules, or -1 */
    int32_t first_input, input_count;
    int32_t c, h, w; /* output shape of one image */
    int32_t kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w;
    int32_t dilation_h, dilation_w, groups;
    int32_t bias, affine, track, count_include_pad;
    int32_t offset_c, offset_h, offset_w;
    int32_t kept; /* batch norm: TCET_NORM_REMOVED is TCET_NORM_TRAIN */
    double eps, momentum;
    const int32_t *index; /* of TCET_OP_ARRANGE; the graph's */
    int64_t index_count;
} tcet_node;

/* A module with parameters has its float32 values at params[weight .. weight+weight_count)
 * and params[bias .. bias+bias_count); other modules have counts of 0.  For a norm,
 * weight is gamma and bias is beta; for a parameter weight is its numbers. */
typedef struct tcet_graph_module {
    int32_t parent;   /* -1: the network */
    int32_t index;    /* number after the name, -1: none */
    const char *name; /* local name */
    uint32_t kind;    /* TCET_LAYER_* of what it holds, TCET_LAYER_OTHER for containers */
    int32_t cell;
    int32_t layer; /* position among the conv and linear modules, -1: not one of them */
    int32_t ndim;  /* of the weight */
    int64_t shape[4];
    int64_t weight, weight_count, bias, bias_count;
} tcet_graph_module;

typedef struct tcet_graph {
    uint32_t struct_size;
    int32_t node_count, module_count, layer_count;
    const tcet_node *nodes; /* topological order */
    const int32_t *inputs;
    const tcet_graph_module *modules;
    int32_t output;   /* node of the logits */
    int32_t features; /* input node of the last global pooling, or for maps conv, -1: none */
    int32_t channels, height, width, classes; /* the task; of a map of outputs `classes` are its
                                                 channels */
    int64_t param_floats;                     /* length of params */
    /* By module: [c] running statistics of a batch norm that passes of TCET_NORM_EVAL read, NULL: 0
     * and 1; and NULL where no module has any.  Passes of TCET_WEIGHTS_ABSOLUTE read their
     * magnitudes. */
    const float *const *norm_mean, *const *norm_variance;
} tcet_graph;

/* What a run shows of one layer: the views that are wanted of its site, as tcet_layer describes
 * them; others are empty, and so are those of a layer that is not executed where there is nothing
 * to show.  What else the layer is (name, kind, order, calls, MACs, units) the host knows. */
typedef struct tcet_views {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t positive; /* with agreement or pattern: how many output elements are > 0 */
    tcet_view weight, gradient, input, output, output_gradient, agreement, pattern, hvp, variance,
        channel_product, bias, bias_gradient;
} tcet_views;

/* One pass to run.  x holds `forwards` inputs of [n, channels, height, width] float32, one
 * after another (MIXUP: 2; several mini-batches: their number); y the labels [forwards, n] and
 * targets [forwards, n, ...] what a loss of other targets takes, NULL where the loss needs none.  data_id is equal for equal x, so a device may keep it.
 * A pass that repeats has all `forwards` done pass->repeat times. */
typedef struct tcet_run {
    uint32_t struct_size;
    int32_t forwards;
    const tcet_pass *pass; /* precision resolved to F32 or F64 */
    uint32_t sites;
    uint32_t defer;             /* 1: run() submits the pass, collect() ends it */
    uint32_t wants[TCET_SITES]; /* of each of the sites, in the order of their bits */
    const float *params;        /* as the pass wants them (absolute, gaussian ...) */
    const float *x;             /* like params and y the caller's again when run() returns */
    const int64_t *y;
    const float *targets;
    uint32_t target; /* TCET_TARGET_*, of TCET_LOSS_CROSS_ENTROPY; SELF comes as MAP */
    uint32_t reserved;
    double share_epsilon; /* of TCET_TARGET_SHARES */
    int64_t n;
    uint64_t data_id;
    /* Called once for every layer of the sites, in any order; its views die when it
     * returns.  site: TCET_SITE_*; index: from 0, of the weight site a module's `layer`, of the
     * norm site the place among modules of kind NORM with weights, of the activation site that
     * among the nodes of such operations.  A graph without features has no layer there.  A
     * negative status stops the pass and is returned. */
    tcet_status (*visit)(void *arg, uint32_t site, int32_t index, const tcet_views *views);
    void *arg;
    /* Before each repeat after the first: params and x get new numbers, in place. */
    tcet_status (*redraw)(void *arg);
    /* out: added to; no moment is in two of them.  hvp: what a run without H g would have
     * been spared, so that nobody pays for it who does not read it. */
    double seconds_forward, seconds_backward, seconds_hvp, seconds_other;
    /* 1: weights, inputs and norm are those of the model's last run, so its forward may be
     * used again; 1: the next run will say so.  A backend may ignore both. */
    uint32_t same_forward, keep_forward;
} tcet_run;

typedef struct tcet_backend_info {
    uint32_t struct_size;
    uint32_t in_flight; /* models that the device is best kept busy with; 0 or 1: it gains nothing
                           from more than one */
    char version[64];   /* "libtorch 1.13.1" */
    char device[64];    /* "cpu", "cuda:0 NVIDIA H100" */
    char code[4096];    /* file that the numbers come from beside the plugin's own, "" none: the
                         digests of both are in every value's key */
    char
        instructions[256]; /* sets of instructions that the numbers depend on, of which this machine
                               and its environment have a choice: "aten=AVX2 onednn=0x7"; "" none:
                               part of every value's key */
} tcet_backend_info;

typedef struct tcet_model tcet_model; /* a graph prepared by a backend */

/* -- training ------------------------------------------------------------------------------ */

enum { TCET_OPTIMISER_SGD = 0, TCET_OPTIMISER_ADAMW = 1 };

/* Numbers that training computes with.  All but F64 keep their state in float32. */
enum {
    TCET_TRAIN_F32 = 0,
    TCET_TRAIN_F64 = 1,
    TCET_TRAIN_TF32 = 2, /* convolutions in TensorFloat-32; CUDA alone */
    TCET_TRAIN_BF16 = 3  /* convolutions in bfloat16; CUDA alone */
};

/* What stays the same from a training's first step to its last.  With g the gradient of the mean
 * loss over all parameters, and d = g + wd w (wd 0 where the parameter does not decay):
 *   SGD    v = momentum v + d (v begins at 0); w -= lr (nesterov ? d + momentum v : v)
 *   AdamW  w -= lr wd w; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 *          w -= lr m / (1 - beta1^k) / (sqrt(v / (1 - beta2^k)) + eps), k the steps with this one
 * Parameters that the loss does not reach have g = 0 and decay like others. */
typedef struct tcet_train {
    uint32_t struct_size;
    uint32_t optimiser;       /* TCET_OPTIMISER_* */
    uint32_t precision;       /* TCET_TRAIN_* */
    int32_t nesterov;         /* SGD */
    double momentum;          /* SGD, 0 to 1 */
    double beta1, beta2, eps; /* AdamW */
    double norm_momentum; /* of batch norms' running statistics, in place of each node's own; < 0:
                             the node's own */
    double ema;  /* decay of an exponential moving average of parameters and running statistics,
                    after each step: e = ema e + (1 - ema) w, from their first values; 0: none */
    double clip; /* gradients are scaled by min(1, clip / (|g| + 1e-6)), |g| the Euclidean norm over
                    all parameters; 0: they are not */
} tcet_train;

/* A mini-batch, the caller's again when the call returns.  Its size may change from call to call,
 * at the price of planning anew. */
typedef struct tcet_batch {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t n;             /* images, at least 1 */
    const float *x;        /* [n, channels, height, width] */
    const double *targets; /* [n, classes]: the loss is -sum_c t log softmax(logits)_c, its class
                              the first of the largest t; a t of 0 takes no part */
} tcet_batch;

/* loss: the sum over the images, in double.  correct, correct5: images whose class has the largest
 * logit, or one of the five largest (of equal ones the first counts as larger; a NaN is never right). */
typedef struct tcet_train_result {
    uint32_t struct_size;
    uint32_t reserved;
    double loss;
    int64_t correct, correct5;
} tcet_train_result;

/* What outlives a step, each an array of numbers, float32 or (precision F64) double.  Parameters are
 * in the order of `params`.  Running statistics are the means of a batch norm's c channels, then their
 * c variances (unbiased), of every module of tracked batch norms in the order of modules; they begin
 * at 0 and 1, and a module that is not executed keeps that. */
enum {
    TCET_STATE_PARAMS = 0,
    TCET_STATE_FIRST = 1,  /* SGD: v; AdamW: m */
    TCET_STATE_SECOND = 2, /* AdamW: v; SGD: empty */
    TCET_STATE_RUNNING = 3,
    TCET_STATE_EMA = 4, /* of PARAMS, then of RUNNING; empty without ema */
    TCET_STATES = 5
};

typedef struct tcet_training tcet_training; /* a network in training, with all its state */

typedef struct tcet_backend_ops {
    uint32_t struct_size;
    /* [instance] Loads the tensor library and opens the device. */
    tcet_status (*open)(tcet_ctx *cx, void *self);
    tcet_status (*info)(tcet_ctx *cx, void *self, tcet_backend_info *out);
    /* [instance] Before open(): TCET_OK when such a pass can be run, else
     * TCET_E_UNSUPPORTED with the reason. */
    tcet_status (*supports)(tcet_ctx *cx, void *self, const tcet_pass *pass, uint32_t sites,
                            uint32_t wants);
    /* [instance] The graph outlives the model. */
    tcet_status (*prepare)(tcet_ctx *cx, void *self, const tcet_graph *graph, tcet_model **out);
    tcet_status (*run)(tcet_ctx *cx, void *self, tcet_model *model, tcet_run *run);
    /* Whatever was not collected is dropped. */
    void (*release)(void *self, tcet_model *model);
    /* Ends a run with defer = 1 that run() returned TCET_OK for: waits for it, visits its layers.
     * *run stays where it is until then.  A model's runs are collected in the order of their
     * submission; other models may be prepared, run and released in between.  NULL: no run
     * defers. */
    tcet_status (*collect)(tcet_ctx *cx, void *self, tcet_model *model, tcet_run *run);
    /* Training: all of these, or NULL for a backend that cannot.  One thread at a time for all of a
     * backend's models and trainings.  Same calls, machine, backend (info's instructions, parameters
     * such as threads): same bits, also from a state that was read and written again.
     *
     * train_open [instance]: of a prepared model, which outlives it and may be run meanwhile.  params:
     * graph->param_floats float32, the caller's again.  decay: two flags a module, [2 k] of module
     * k's weight (a norm's gamma) and [2 k + 1] of its bias (beta): does weight decay reach it?
     * TCET_E_UNSUPPORTED with the reason where the device lacks the precision.  *out:
     * train_close's. */
    tcet_status (*train_open)(tcet_ctx *cx, void *self, tcet_model *model, const tcet_train *how,
                              const float *params, const uint8_t *decay, tcet_training **out);
    /* One optimiser step: forward with the batch's statistics, which the running ones follow;
     * backward; update.  lr, wd: of this step; step: how many were done before it, from 0 (AdamW
     * reads it).  out: of the forward, so before the update; NULL: not wanted, and nobody waits for
     * the device.  Numbers that are not finite are no error: they are in out. After
     * an error, being cancelled too, the state is half a step's: go on from one that was read. */
    tcet_status (*train_step)(tcet_ctx *cx, void *self, tcet_training *t, const tcet_batch *batch,
                              double lr, double wd, int64_t step, tcet_train_result *out);
    /* Measures with the running statistics; changes nothing.  ema: 1 with the moving average's
     * parameters and statistics.  logits [n, classes] or NULL. */
    tcet_status (*train_eval)(tcet_ctx *cx, void *self, tcet_training *t, const tcet_batch *batch,
                              uint32_t ema, tcet_train_result *out, double *logits);
    /* How many numbers each state has, into counts[TCET_STATES]. */
    tcet_status (*train_sizes)(tcet_ctx *cx, void *self, const tcet_training *t, int64_t *counts);
    /* Copies a whole state (TCET_STATE_*) to the caller's memory, or from it. */
    tcet_status (*train_read)(tcet_ctx *cx, void *self, tcet_training *t, uint32_t state, void *to);
    tcet_status (*train_write)(tcet_ctx *cx, void *self, tcet_training *t, uint32_t state,
                               const void *from);
    /* t may be NULL. */
    void (*train_close)(void *self, tcet_training *t);
} tcet_backend_ops;

#ifdef __cplusplus
}
#endif
#endif
