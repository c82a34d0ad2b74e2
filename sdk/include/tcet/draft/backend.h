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
    int32_t reserved;
    double eps, momentum;
} tcet_node;

/* A module with parameters has its float32 values at params[weight .. weight+weight_count)
 * and params[bias .. bias+bias_count); other modules have counts of 0.  For a norm,
 * weight is gamma and bias is beta. */
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
    int32_t output;                           /* node of the logits */
    int32_t features;                         /* input node of the last global pooling, -1: none */
    int32_t channels, height, width, classes; /* the task */
    int64_t param_floats;                     /* length of params */
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
 * after another (MIXUP: 2; several mini-batches: their number); y the labels [forwards, n],
 * NULL where the loss needs none.  data_id is equal for equal x, so a device may keep it.
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
} tcet_backend_ops;

#ifdef __cplusplus
}
#endif
#endif
