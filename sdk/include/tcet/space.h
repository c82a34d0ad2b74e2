/* tcet/space.h -- search-space plugins: architectures as text, and how each is built as a
 * backend-free layer graph.  Room: sdk.
 *
 * An architecture travels as its official text encoding.  build() names modules as the
 * official PyTorch model does and creates them in its order: that order is the order in
 * which weights are drawn. */
#ifndef TCET_SPACE_H
#define TCET_SPACE_H

#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Operations of a graph node.  Shapes are [c, h, w] of one image; a flattened tensor is
 * [c, 1, 1].  The builder infers every output shape and refuses what does not fit. */
enum {
    TCET_OP_INPUT = 1,
    TCET_OP_CONV2D = 2,     /* kernel, stride, padding, dilation, groups, channels, bias */
    TCET_OP_LINEAR = 3,     /* channels (outputs), bias; input is flattened */
    TCET_OP_BATCH_NORM = 4, /* eps, momentum, affine, track */
    TCET_OP_RELU = 5,
    TCET_OP_AVG_POOL = 6,    /* kernel, stride, padding, count_include_pad */
    TCET_OP_MAX_POOL = 7,    /* kernel, stride, padding */
    TCET_OP_GLOBAL_POOL = 8, /* mean over h, w: [c, 1, 1] */
    TCET_OP_ADD = 9,         /* n >= 1 inputs, summed from left to right */
    TCET_OP_CONCAT = 10,     /* along channels */
    TCET_OP_MUL = 11,        /* two inputs; the second may be [c, 1, 1] */
    TCET_OP_ZERO = 12,       /* zeros of the input's shape, strided where stride > 1, of
                                `channels` channels where that is set; gradient 0 */
    TCET_OP_IDENTITY = 13,
    TCET_OP_SLICE = 14, /* channels [offset_c, offset_c + channels), rows from offset_h,
                                columns from offset_w to the end */
    TCET_OP_PAD = 15,   /* zeros: padding_h rows at the bottom, padding_w at the right */
    TCET_OP_SIGMOID = 16,
    TCET_OP_SWISH = 17,
    TCET_OP_HSWISH = 18,
    TCET_OP_RELU6 = 19,
    TCET_OP_SCALE = 20, /* times `eps` */
    /* Since 1.2, for attention.  The h * w positions are tokens, whose channels `groups` heads
     * share in equal parts, one after the other.  Products of two values count no MACs. */
    /* Of x [c, h, w] and y [c, ...] with T positions: [groups * T, h, w], channel g * T + s at a
     * position the product of x there and y at position s over head g's channels (Q K^T). */
    TCET_OP_MATMUL_T = 21,
    /* Of x [groups * T, h, w] and y [c, ...] with T positions: [c, h, w], a channel of head g at a
     * position the sum over s of x's channel g * T + s there times y's channel at position s. */
    TCET_OP_MATMUL = 22,
    TCET_OP_SOFTMAX = 23, /* over each head's channels, at every position */
    /* eps, affine: over all channels at every position, torch.nn.LayerNorm(c) of tokens.
     * TCET_SITE_NORM and a pass's norm are batch norms'. */
    TCET_OP_LAYER_NORM = 24,
    TCET_OP_GELU = 25,       /* x times the standard normal distribution function, by erf */
    TCET_OP_HSIGMOID = 26,   /* min(max(x + 3, 0), 6) / 6 */
    TCET_OP_LEAKY_RELU = 27, /* x, times `eps` where it is negative */
    TCET_OP_SHUFFLE =
        28, /* groups: channel k is the input's (k % groups) * (c / groups) + k / groups */
    /* No input; extents: the module's own numbers, of every image the same: [numbers, 1, 1].  affine:
     * it is learned, and counted; else track: a buffer, whose magnitudes passes of
     * TCET_WEIGHTS_ABSOLUTE read as they do parameters'; neither: a constant.  0, unless values() or
     * the init program say otherwise. */
    TCET_OP_PARAMETER = 29,
    /* The input's numbers in other places: [channels, kernel_h, kernel_w], whose k-th number in this
     * order is the input's index[k]-th, or 0 where that is -1.  channels 0: the input's; an index then
     * stands for a position with all its channels. */
    TCET_OP_ARRANGE = 30,
    /* As CONV2D, of which it is the gradient by the input: a weight [input channels, channels / groups,
     * kernel_h, kernel_w]; offset_h, offset_w: so many more rows and columns (output_padding).  It is
     * drawn and counted, but no layer of TCET_SITE_WEIGHT: no reference's proxies look at it. */
    TCET_OP_CONV_TRANSPOSE = 31,
    TCET_OP_TANH = 32
};
/* The length of a table by operation, in these headers: one more than the last number. */
#define TCET_OPS (TCET_OP_TANH + 1)

/* One operation to add.  Growable, passed by pointer; begin with TCET_OP_INIT. */
typedef struct tcet_op {
    uint32_t struct_size;
    uint32_t op;
    int32_t module; /* module that owns it; parameters belong to it.  Using a module
                             a second time shares its parameters. */
    int32_t input_count;
    const int32_t *inputs; /* node numbers; borrowed for the call */
    int32_t channels;      /* output channels; 0: as the input */
    int32_t kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w;
    int32_t dilation_h, dilation_w, groups;
    int32_t bias;              /* conv, linear */
    int32_t affine, track;     /* norms: learned scale and shift; batch norm: running statistics */
    int32_t count_include_pad; /* average pool */
    int32_t offset_c, offset_h, offset_w;
    double eps, momentum;
    int32_t kept;         /* since 1.2: batch norm that stays where a pass removes norms, with the
                             batch's statistics */
    int32_t extent_count; /* since 1.2: of a parameter, 1 to 4 */
    const int32_t *index; /* since 1.2: places of TCET_OP_ARRANGE; copied */
    int64_t index_count;  /* kernel_h * kernel_w, times channels where that is set */
    int64_t extents[4];   /* since 1.2: a parameter's shape in PyTorch */
} tcet_op;
/* Zero is "PyTorch's default" everywhere: stride 1 (pools: the kernel), dilation 1,
 * groups 1; affine and track must be said. */

/* Steps of the init program: how weights follow from the generator, in order.  Every conv
 * and linear module is drawn by default (PyTorch's constructor) in the order in which
 * module() created the modules, not in the order of execution; an explicit step runs after
 * the modules that existed when it was called. */
enum {
    TCET_INIT_DEFAULT = 1, /* weight, then bias: U(-b, b), b = 1/sqrt(fan_in) */
    TCET_INIT_NORMAL = 2,  /* weight.normal_(a, b) */
    TCET_INIT_UNIFORM = 3, /* weight.uniform_(a, b) */
    TCET_INIT_FILL = 4,    /* weight = a, nothing drawn */
    TCET_INIT_BIAS = 5,    /* bias = a, nothing drawn */
    TCET_INIT_DISCARD = 6  /* a 32-bit draws are thrown away (a module built and dropped) */
};

/* Since 1.2: what of a module's numbers a space may give (tcet_builder.values). */
enum {
    TCET_VALUES_WEIGHT = 1,  /* of a norm its gamma */
    TCET_VALUES_BIAS = 2,    /* of a norm its beta */
    TCET_VALUES_MEAN = 3,    /* of a tracking batch norm: its running statistics, which passes of */
    TCET_VALUES_VARIANCE = 4 /* TCET_NORM_EVAL read; others begin at 0 and 1 */
};

/* Network-wide facts of the task. */
typedef struct tcet_task {
    uint32_t struct_size;
    int32_t channels, height, width, classes;
    uint32_t
        target; /* since 1.2: TCET_TARGET_*; of CLASS, images that have shares are scored by these.
                        The network's output is [classes, 1, 1], of PIXELS, MAP and SELF [classes,
                        height, width] */
    double share_epsilon; /* since 1.2: e of TCET_TARGET_SHARES, at least 0 */
} tcet_task;

/* The builder that build() is given.  Errors are sticky: after the first failure every
 * call returns its negative status, so build() may go on and return b->status(b). */
typedef struct tcet_builder tcet_builder;
struct tcet_builder {
    uint32_t struct_size;
    /* A module under parent (-1: the network).  Its full name is the parent's, ".", name
     * and, where index >= 0, "." index ("cells", 3 gives "cells.3"); an empty name with an
     * index gives just the index.  name is a static string; kept, not copied. */
    int32_t (*module)(tcet_builder *b, int32_t parent, const char *name, int32_t index);
    /* Modules created from now on belong to this cell (-1: none). */
    void (*cell)(tcet_builder *b, int32_t cell);
    /* Adds a node and returns its number (>= 0). */
    int32_t (*add)(tcet_builder *b, const tcet_op *op);
    /* Marks the network's logits; exactly once. */
    void (*output)(tcet_builder *b, int32_t node);
    /* Appends a step to the init program; module -1 for TCET_INIT_DISCARD. */
    void (*init)(tcet_builder *b, uint32_t step, int32_t module, double a, double c);
    /* Shape of a node. */
    void (*shape)(const tcet_builder *b, int32_t node, int32_t *c, int32_t *h, int32_t *w);
    tcet_status (*status)(const tcet_builder *b);
    /* Since 1.2: the name of a module's class in the official model, "ReLUConvBN"; a static string;
     * kept, not copied.  For saliencies that ask by it (tcet_layer.container). */
    void (*module_class)(tcet_builder *b, int32_t module, const char *name);
    /* Since 1.2: op's module is one of the official model that never runs: it gets the parameters
     * that add() would give it, which are drawn and counted, and there is no node. */
    void (*declare)(tcet_builder *b, const tcet_op *op);
    /* Since 1.2: numbers of a module that are given and not drawn: `what` is TCET_VALUES_*, values
     * are as many as the module has (graph_finish checks it), in PyTorch's layout; copied.  A layer
     * whose weight is given draws nothing, and has a bias of 0 where none is given. */
    void (*values)(tcet_builder *b, uint32_t what, int32_t module, const float *values,
                   int64_t count);
};

/* Facts about one architecture that need no graph. */
typedef struct tcet_traits {
    uint32_t struct_size;
    int32_t live;  /* 1: no dead edge (population mask `live`) */
    int32_t alive; /* 1: the input reaches the output */
    int32_t depth; /* the space's own count of operations that compute (convolution edges,
                       non-identity layers) */
} tcet_traits;

/* Since 1.2: counts of one architecture as its official code makes them, where a search's limits are
 * meant by these ("size", "layers", "flops"). */
enum { TCET_FACTS_MAX = 8 };
typedef struct tcet_facts {
    uint32_t struct_size;
    int32_t count;
    const char *name[TCET_FACTS_MAX]; /* static strings, [a-z0-9_]+ */
    double value[TCET_FACTS_MAX];
} tcet_facts;

typedef struct tcet_space_ops {
    uint32_t struct_size;
    /* [instance] Number of architectures; -1: too many to number. */
    tcet_status (*size)(tcet_ctx *cx, void *self, int64_t *out);
    /* [instance] Natural input and classes; used where the config is silent. */
    tcet_status (*task)(tcet_ctx *cx, void *self, tcet_task *out);
    /* [instance] Architecture i in the official order, NUL-terminated into text[cap].
     * TCET_E_UNSUPPORTED: there is no order, though there may be a number of them. */
    tcet_status (*at)(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap);
    /* [instance] Checks an encoding; the error says what is wrong at which position. */
    tcet_status (*check)(tcet_ctx *cx, void *self, const char *text);
    /* [instance] A key equal for isomorphic architectures, different for others. */
    tcet_status (*canonical)(tcet_ctx *cx, void *self, const char *text, char *key, size_t cap);
    tcet_status (*traits)(tcet_ctx *cx, void *self, const char *text, tcet_traits *out);
    /* [instance] Builds the network of a checked encoding. */
    tcet_status (*build)(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                         tcet_builder *b);
    /* [instance] Randomness comes from host->random. */
    tcet_status (*random)(tcet_ctx *cx, void *self, char *text, size_t cap);
    /* [instance] One random change of one place; never the same architecture. */
    tcet_status (*mutate)(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap);
    /* [instance] Optional. */
    tcet_status (*crossover)(tcet_ctx *cx, void *self, const char *a, const char *b, char *text,
                             size_t cap);
    /* [instance] Optional: the official number of an encoding, -1 when it has none. */
    tcet_status (*index_of)(tcet_ctx *cx, void *self, const char *text, int64_t *out);
    /* [instance] Optional, since 1.1: builds the thin network of a checked encoding, one cell
     * of one channel without stem, for images of [1, 3, 3] (TE-NAS's linear regions).  task has
     * those and the run's classes. */
    tcet_status (*build_thin)(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                              tcet_builder *b);
    /* [instance] Optional, since 1.2: neighbour `index` of an encoding, from 0, into text[cap], and
     * how many there are into *count.  Neighbours are what one change of one place makes of it: none
     * is the encoding itself, and their order depends on it alone.  An index outside of 0 .. count-1
     * writes no text; -1 is how the host asks for the count. */
    tcet_status (*neighbours)(tcet_ctx *cx, void *self, const char *from, int64_t index,
                              int64_t *count, char *text, size_t cap);
    /* [instance] Optional, since 1.2: official counts of a checked encoding under a task. */
    tcet_status (*facts)(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                         tcet_facts *out);
    /* [instance] Optional, since 1.2: build() of a network that is to be trained: the same nodes and
     * modules, and an init program that goes on to how the official training script initialises it. */
    tcet_status (*build_train)(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b);
    /* [instance] Optional, since 1.2: the encoding under which an architecture is listed and stored,
     * where the text alone does not say which one it is: of a file its name with a digest. */
    tcet_status (*listed)(tcet_ctx *cx, void *self, const char *text, char *out, size_t cap);
    /* [instance] Optional, since 1.2: the natural input and classes of one architecture.  A run's
     * task is then that of its first one. */
    tcet_status (*task_of)(tcet_ctx *cx, void *self, const char *text, tcet_task *out);
} tcet_space_ops;

/* Longest encoding any space may print, with its NUL. */
#define TCET_ARCH_MAX 4096

/* Short forms for build(): one node each.  tcet_op_from() is the start of any other. */
static inline tcet_op tcet_op_from(uint32_t op, int32_t module, const int32_t *inputs, int32_t n)
{
    tcet_op o = TCET_ZERO;
    o.struct_size = sizeof o;
    o.op = op;
    o.module = module;
    o.inputs = inputs;
    o.input_count = n;
    return o;
}

/* Operations without attributes: input (x unused), relu, identity, zero, global pool ... */
static inline int32_t tcet_add_op(tcet_builder *b, uint32_t op, int32_t module, int32_t x)
{
    tcet_op o = tcet_op_from(op, module, &x, op == TCET_OP_INPUT ? 0 : 1);
    return b->add(b, &o);
}

static inline int32_t tcet_add_conv(tcet_builder *b, int32_t module, int32_t x, int32_t channels,
                                    int32_t kernel, int32_t stride, int32_t padding, int32_t bias)
{
    tcet_op o = tcet_op_from(TCET_OP_CONV2D, module, &x, 1);
    o.channels = channels;
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = padding;
    o.bias = bias;
    return b->add(b, &o);
}

/* Affine, tracked, eps 1e-5, momentum 0.1. */
static inline int32_t tcet_add_norm(tcet_builder *b, int32_t module, int32_t x)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module, &x, 1);
    o.affine = o.track = 1;
    o.eps = 1e-5;
    o.momentum = 0.1;
    return b->add(b, &o);
}

static inline int32_t tcet_add_linear(tcet_builder *b, int32_t module, int32_t x, int32_t outputs,
                                      int32_t bias)
{
    tcet_op o = tcet_op_from(TCET_OP_LINEAR, module, &x, 1);
    o.channels = outputs;
    o.bias = bias;
    return b->add(b, &o);
}

/* op: TCET_OP_AVG_POOL (padding not counted) or TCET_OP_MAX_POOL. */
static inline int32_t tcet_add_pool(tcet_builder *b, uint32_t op, int32_t module, int32_t x,
                                    int32_t kernel, int32_t stride, int32_t padding)
{
    tcet_op o = tcet_op_from(op, module, &x, 1);
    o.kernel_h = o.kernel_w = kernel;
    o.stride_h = o.stride_w = stride;
    o.padding_h = o.padding_w = padding;
    return b->add(b, &o);
}

static inline int32_t tcet_add_sum(tcet_builder *b, int32_t module, const int32_t *x, int32_t n)
{
    tcet_op o = tcet_op_from(TCET_OP_ADD, module, x, n);
    return b->add(b, &o);
}

#ifdef __cplusplus
}
#endif
#endif
