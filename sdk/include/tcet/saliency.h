/* tcet/saliency.h -- saliency plugins: one pass through an untrained network gives each
 * layer l a saliency matrix S^l (T-CET, section 3).
 *
 * Room: sdk.  A saliency describes the pass it needs; the host merges equal passes of all
 * metrics, runs each once, and calls layer() for every layer of the requested sites. */
#ifndef TCET_SALIENCY_H
#define TCET_SALIENCY_H

#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pass description.  Every field's 0 is its default.  Growable; passed by pointer, and
 * always allocated by the host.  Its canonical text is what the planner merges by and the
 * store keys on (`tcet-host show` prints it). */
typedef struct tcet_pass {
    uint32_t struct_size;
    uint32_t weights;   /* TCET_WEIGHTS_* */
    uint32_t input;     /* TCET_INPUT_* */
    uint32_t norm;      /* TCET_NORM_*: batch normalisation */
    uint32_t loss;      /* TCET_LOSS_* */
    uint32_t gradient;  /* TCET_GRADIENT_* */
    uint32_t precision; /* TCET_PRECISION_* */
    uint32_t batches;   /* mini-batches, each with its own gradient row; 0 means 1 */
    uint32_t source;    /* TCET_SOURCE_*: where mini-batches come from */
    uint32_t samples;   /* use the first n images of a batch; of drawn input: how many are drawn;
                           0 means all, as many as the batch has */
    uint32_t hvp;       /* 1: also H g, g the gradient of the loss over all weights (GraSP); with
                           TCET_GRADIENT_SAMPLE one row an image, both of its own loss; of
                           several mini-batches: both of the sum of their losses */
    uint32_t own_seed;  /* 1: draw GAUSSIAN/MIXUP numbers from seed, 0: from the run's */
    uint64_t seed;
    double mixup;       /* TCET_INPUT_MIXUP: gamma in x + gamma e */
    double temperature; /* logits are divided by it before the loss; 0 means 1 */
    /* Since 1.1.  GAUSSIAN and MIXUP inputs: this many times over, weights (if GAUSSIAN) and
     * images are drawn anew from the one stream and run; the norms' running statistics go on.
     * No gradient.  0 means 1. */
    uint32_t repeat;
    uint32_t network; /* since 1.1: TCET_NETWORK_* */
} tcet_pass;

enum {
    TCET_WEIGHTS_DRAWN = 0,    /* as the space's init program draws them */
    TCET_WEIGHTS_ABSOLUTE = 1, /* |.| of the whole state (Synflow) */
    TCET_WEIGHTS_GAUSSIAN = 2  /* conv, linear ~ N(0,1), biases 0 (Zen-score) */
};
enum {
    TCET_INPUT_BATCH = 0,    /* the dataset's mini-batch */
    TCET_INPUT_ONES = 1,     /* one all-ones image */
    TCET_INPUT_GAUSSIAN = 2, /* N(0,1), as large as the mini-batch */
    TCET_INPUT_MIXUP = 3     /* two forwards: x, then x + mixup*e; x, e ~ N(0,1) */
};
/* Since 1.1: which network of an architecture.  THIN is the space's build_thin(): one channel
 * wide, for images of [1, 3, 3] (TE-NAS's linear regions).  Its BATCH input is cut out of the
 * dataset's images; all of its sites and modules are its own. */
enum { TCET_NETWORK_FULL = 0, TCET_NETWORK_THIN = 1 };
enum { TCET_NORM_TRAIN = 0, TCET_NORM_EVAL = 1, TCET_NORM_REMOVED = 2 };
enum {
    TCET_LOSS_NONE = 0,
    TCET_LOSS_CROSS_ENTROPY =
        1,            /* mean over the batch, whose labels only input BATCH has; where the
                                    task has other targets, the loss of these (TCET_TARGET_*) */
    TCET_LOSS_SUM = 2 /* sum of all logits */
};
enum {
    TCET_GRADIENT_NONE = 0,
    TCET_GRADIENT_BATCH = 1, /* one row a mini-batch */
    TCET_GRADIENT_SAMPLE = 2 /* one row an image: gradient of that image's own loss
                                   term (not divided by N), batch norm still coupled */
};
enum {
    TCET_PRECISION_RUN = 0, /* as [backend] precision says */
    TCET_PRECISION_F32 = 1,
    TCET_PRECISION_F64 = 2
};
enum {
    TCET_SOURCE_LOADER = 0, /* successive mini-batches of the dataset */
    TCET_SOURCE_PARTS = 1   /* equal parts of the first mini-batch */
};

/* Sites: where a layer is read.  A saliency may ask for several at once. */
enum {
    TCET_SITE_WEIGHT = 1,     /* every conv and linear module, creation order */
    TCET_SITE_ACTIVATION = 2, /* every ReLU, ReLU6, swish, h-swish, GELU; `output` is its
                                 INPUT */
    TCET_SITE_NORM = 4,       /* every batch norm with affine weights */
    TCET_SITE_INPUT = 8,      /* the network's input, one layer */
    TCET_SITE_FEATURES = 16,  /* the input of the global pooling, one layer; where there is none and
                                 the output is a map, that of the last conv */
    TCET_SITE_LOGITS = 32     /* the network's output, one layer */
};
enum { TCET_SITES = 6 }; /* that a pass can show */
/* Since 1.2: every other module with learned parameters (layer norms, parameters of their own, transposed
 * convolutions), for who counts: it has facts alone (kind, name, params, live_params), and a saliency that
 * asks for it can ask for no pass. */
enum { TCET_SITE_PARAMETER = 64 };

/* Wants: which views of tcet_layer are filled, and at which sites; of others they stay empty.
 *   WEIGHT, GRADIENT, BIAS, BIAS_GRADIENT          weight, norm
 *   INPUT, HVP                                     weight
 *   OUTPUT, OUTPUT_GRADIENT, CHANNEL_PRODUCT       all but norm
 *   AGREEMENT, PATTERN                             weight, activation
 *   VARIANCE, NORM_OUTPUT                          norm
 * Biases are as long as their layer has outputs, or 0: no form but TCET_FORM_CUSTOM has that size,
 * and shape() may give 0 columns. */
enum {
    TCET_WANT_WEIGHT = 1,
    TCET_WANT_GRADIENT = 2, /* of the weight */
    TCET_WANT_INPUT = 4,
    TCET_WANT_OUTPUT = 8,
    TCET_WANT_OUTPUT_GRADIENT = 16,
    TCET_WANT_AGREEMENT = 32, /* K of the sign pattern of `output` */
    TCET_WANT_PATTERN = 64,   /* the packed sign bits themselves */
    TCET_WANT_HVP = 128,
    TCET_WANT_VARIANCE = 256,        /* running variance after the pass; norm site */
    TCET_WANT_CHANNEL_PRODUCT = 512, /* output times its gradient, summed over pixels */
    /* Since 1.1; at the weight and norm sites. */
    TCET_WANT_BIAS = 1024,
    TCET_WANT_BIAS_GRADIENT = 2048,
    TCET_WANT_NORM_OUTPUT = 4096 /* `output` at the norm site, where OUTPUT gives none */
};

/* How the S^l become one matrix under partition = network. */
enum { TCET_MERGE_CONCAT = 0, TCET_MERGE_SUM = 1 };

/* Layer kinds; open-ended, so that attention can join later. */
enum {
    TCET_LAYER_OTHER = 0,
    TCET_LAYER_CONV = 1,
    TCET_LAYER_LINEAR = 2,
    TCET_LAYER_NORM = 3,
    TCET_LAYER_ACTIVATION = 4,
    TCET_LAYER_INPUT = 5,
    TCET_LAYER_FEATURES = 6,
    TCET_LAYER_LOGITS = 7,
    /* Since 1.2; of TCET_SITE_PARAMETER alone. */
    TCET_LAYER_LAYER_NORM = 8,
    TCET_LAYER_PARAMETER = 9,
    TCET_LAYER_CONV_TRANSPOSE = 10
};

/* What a saliency needs.  The host gives it with defaults filled in (site weight, form
 * vector, merge concat, the pass all zero); describe() changes what differs. */
typedef struct tcet_request {
    uint32_t struct_size;
    uint32_t sites, wants, form, merge;
    tcet_pass *pass; /* owned by the host */
} tcet_request;

/* One layer of one finished pass.  Everything is borrowed; views not wanted have
 * data == NULL.  `forwards` below is how many there were in all: 2 for MIXUP, the number of
 * mini-batches for several, else 1, times the repeats; their images stand one forward after the
 * other (MIXUP that repeats: x1, x1 + g e1, x2, x2 + g e2, ...).
 * Float views are float32 or float64 as the pass ran: use tcet_get(). */
typedef struct tcet_layer {
    uint32_t struct_size;
    uint32_t kind;
    uint32_t site;
    int32_t index;      /* creation order among the layers of its site, from 0 */
    int32_t order;      /* order of first execution among them; -1: never executed */
    int32_t calls;      /* executions in one forward pass */
    int32_t cell;       /* the cell or block it belongs to, -1: none */
    const char *name;   /* module name in the official model, "cells.0.layers.1.op.1" */
    int64_t params;     /* all parameters of the module: weight and bias */
    int64_t macs;       /* multiply-accumulates of one image, without bias */
    int64_t bias_macs;  /* bias additions of one image */
    int64_t rows;       /* gradient rows: mini-batches, or images (TCET_GRADIENT_SAMPLE); without
                           a gradient one a forward */
    int64_t batch;      /* n: images in the (first) mini-batch */
    int64_t units;      /* D: elements of `output` of one image (all calls) */
    int64_t positive;   /* with AGREEMENT or PATTERN: how many output elements are > 0 */
    tcet_view weight;   /* conv [out, in/groups, kh, kw]; linear [out, in]; norm [c] */
    tcet_view gradient; /* [rows, weight shape...] */
    tcet_view input;    /* [forwards*n, ...] first call */
    tcet_view output;   /* [forwards*n, c, h, w] or [forwards*n, c]: before what follows */
    tcet_view output_gradient; /* as output */
    tcet_view agreement;       /* float64 [n, n]: K_ij = units where images i, j agree in
                                  (output > 0); exact integers, summed over calls */
    tcet_view pattern;         /* uint64 [n, words]: bit u of image i; trailing bits 0 */
    tcet_view hvp;             /* weight shape; TCET_GRADIENT_SAMPLE: [rows, weight shape...] */
    tcet_view variance;        /* [c]; [repeat, c] of a pass that repeats */
    tcet_view channel_product; /* [forwards*n, c]: sum over pixels of output * output_gradient;
                                  far cheaper than the two */
    const int64_t *labels;   /* [batch] of the first mini-batch, of shares or numbers the largest's
                                  place; NULL without a dataset, or where targets are no classes */
    tcet_view bias;          /* since 1.1: [out]; of a norm its beta [c]; without one count 0 and
                                  data NULL, also where it was wanted */
    tcet_view bias_gradient; /* since 1.1: float64 [rows, out]; as bias */
    const char *container;   /* since 1.2: class of the module that holds this one in the official
                                  model, "ReLUConvBN"; "" where the space does not say */
    /* Since 1.2: the module's counts without operations that are dead, which reach no output or are 0
     * for every input as the network is initialised. */
    int64_t live_params, live_macs, live_bias_macs;
    int32_t chain;      /* since 1.2: its executions on one longest chain of conv and linear
                           operations from the network's input to its output */
    int32_t live_chain; /* since 1.2: the same among operations that are not dead */
} tcet_layer;

typedef struct tcet_saliency_ops {
    uint32_t struct_size;
    int32_t direction; /* +1: larger S is better, -1: smaller is */
    /* [instance] Says what is needed; may depend on parameters, on nothing else. */
    tcet_status (*describe)(tcet_ctx *cx, void *self, tcet_request *request);
    /* [instance] Fills S^l: out is float64 [rows, cols], zeroed, not to be resized. */
    tcet_status (*layer)(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out);
    /* [instance] Size of S^l; required for TCET_FORM_CUSTOM, else NULL. */
    tcet_status (*shape)(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols);
} tcet_saliency_ops;

#ifdef __cplusplus
}
#endif
#endif
