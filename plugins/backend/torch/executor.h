/* executor.h -- running a graph forward and backward: the parts' shared structures.
 *
 * Room: plugins/backend/torch.  plan.c decides what must be computed and kept, executor.c
 * computes it, run.c makes a run of it, layers.c hands it over; tangent.c does Hessian-vector
 * products, tape.c those that tangent.c cannot.
 *
 * Batch norms, scalings, sums and ReLUs are not computed one by one.  A batch norm is a
 * pair of lines a[c] x + b[c] until somebody needs its numbers; a sum reads its terms through
 * such lines and writes, in the same sweep, its ReLU and its sign bits.  Backward, a node
 * gathers the gradients of all its readers in one sweep that also makes the sums its batch
 * norms need. */
#ifndef BACKEND_TORCH_EXECUTOR_H
#define BACKEND_TORCH_EXECUTOR_H

#include "impl.h"
#include "kernels.h"

/* Numbers in the device's memory, counted. */
struct memory {
    void *data;
    size_t bytes;
    ts_tensor *owner; /* NULL: from the pool */
    int32_t refs;
    ts_tensor *mirror; /* CUDA, while layers are visited: its copy on the host, NULL */
    void *host;
};

enum { STREAMS = 16 };

struct executor {
    struct ts_device device[2]; /* by f64 */
    const struct kernels *kernels[2];
    char version[64], name[64];
    int64_t stream[STREAMS]; /* CUDA: 0 where none was asked for yet */
    uint8_t lent[STREAMS];
};

struct tcet_model {
    const tcet_graph *graph;
    struct executor *x;
    struct ts_device device[2]; /* the executor's, with a stream of its own */
    int32_t stream;             /* which of the executor's, -1: the default one */
    struct job *kept;           /* the last run, where the next one reads its forward; NULL */
    struct job *first;          /* runs to be collected, in order; NULL */
};

/* A gradient that reached a node; list in the order of arrival. */
struct part {
    struct memory *g;
    int32_t next;
};

/* What the plan says of a node, and the state of its computation. */
struct value {
    int32_t rep;        /* the node that computes it; everything below is the rep's */
    int32_t relu;       /* the ReLU computed in the same sweep, -1 */
    int32_t slot;       /* agreement matrix of its signs as a layer's output, -1 */
    int32_t relu_slot;  /* and as a ReLU's input, -1 */
    int32_t call;       /* which of its module's executions it is */
    int32_t readers;    /* edges that bring it a gradient */
    int32_t last;       /* forward step after which nobody reads it */
    int32_t next_last;  /* list of those with equal `last` */
    int32_t first_back; /* backward step after which nobody reads it, -1: none does */
    int32_t next_back;
    int32_t retire_head, retire_back_head; /* lists that end at this step */
    int32_t parts, parts_tail;             /* gradients gathered so far, -1 */
    int32_t masked;                        /* the same, behind the ReLU */
    uint8_t exec;                          /* computed at all */
    uint8_t stored;                        /* as numbers, not only as lines */
    uint8_t lines;               /* batch norm or scaling: known as lines over its input */
    uint8_t batch_stats;         /* batch norm with the batch's statistics */
    uint8_t reach;               /* the loss depends on it */
    uint8_t up;                  /* something at or above it wants its gradient */
    uint8_t keep, keep_gradient; /* handed to layers */
    uint8_t keep_product;        /* per channel, of the two */
    uint8_t keep_bits;
    uint8_t signs;   /* somebody wants its sign bits */
    uint8_t settled; /* and has got them, in this forward */
    uint8_t summed;  /* s1, s2 are made */
    uint8_t keep_dy; /* its whole gradient stays, as dy, for tangent.c */
    struct memory *val, *bits, *dy;
    struct ts_norm norm;
    double *s1, *s2; /* backward sums; s1 may be another node's */
    void *k1, *k2, *k3;
    void *kept, *kept_gradient; /* NCHW, forwards * n images */
    void *kept_product;         /* [forwards * n, c] */
    uint64_t *kept_bits;        /* n images */
};

/* One run. */
struct job {
    tcet_ctx *cx;
    struct executor *x;
    tcet_model *model;
    struct ts_device *d;
    const struct kernels *k;
    const tcet_graph *graph;
    tcet_run *run;
    uint32_t wants, sites; /* wants: of all sites together */
    int64_t n;             /* images in a forward */
    int64_t first, count;  /* images of the backward in hand */
    int32_t forward;       /* the one in hand, of all repeats */
    int32_t forwards;      /* of all repeats */
    int32_t coupled;       /* images depend on one another */
    int32_t adopted;       /* the forward is that of model->kept */
    int32_t gradients;     /* 1: a backward is run */
    int32_t weight_gradients, norm_gradients;
    int32_t weight_biases, norm_biases; /* gradients of biases, and of betas */
    int32_t hvp, tangents;              /* H g is wanted, and tangent.c makes it */
    size_t size;                        /* of a number */
    int64_t rows;                       /* of gradients */
    int64_t hvp_rows;                   /* of H g: one, or one an image */
    int64_t hvp_row;                    /* the one in hand */
    int32_t one_gradient;     /* weights' gradients are tangent.c's alone: the row in hand */
    int32_t output, features; /* reps, -1 */
    struct value *v;          /* a node's */
    int32_t *order, *calls;   /* a module's: first step (-1) and steps */
    struct part *part;
    int32_t parts;
    struct tangent *t;            /* a node's, where `tangents` */
    const void *params;           /* in the device's memory and type */
    void **gradient;              /* a module's [rows, weight], NULL; see one_gradient */
    double **bias_gradient;       /* a module's [calls, rows, bias], NULL */
    void **hessian;               /* a module's [hvp_rows, weight] in host memory, NULL */
    void **running;               /* a norm module's running variance [repeat, c], NULL */
    double *agreement, *positive; /* [slots][n, n], [slots] */
    int32_t slots;
    struct memory **held; /* everything that lives as long as the job */
    int32_t held_count, held_cap;
    int32_t sent;     /* CUDA: copies to held memory's mirrors may be under way */
    struct job *next; /* to be collected after it */
};

/* Records text (and the device's message) and returns status. */
tcet_status job_fail(struct job *j, tcet_status status, const char *what);
/* Device memory; NULL after job_fail. */
struct memory *memory_new(struct job *j, size_t bytes);
struct memory *memory_adopt(struct job *j, ts_tensor *t, void *data);
struct memory *memory_ref(struct memory *m);
void memory_drop(struct memory *m);
/* Zeroed device memory that lives as long as the job. */
void *job_alloc(struct job *j, size_t bytes);

static inline const tcet_node *job_node(const struct job *j, int32_t i)
{
    return &j->graph->nodes[i];
}

/* What is wanted of the layers of one site. */
static inline uint32_t job_wants(const struct job *j, uint32_t site)
{
    return j->run->wants[__builtin_ctz(site)];
}

/* The k-th input of a node: a rep. */
static inline int32_t job_input(const struct job *j, int32_t i, int32_t k)
{
    return j->v[j->graph->inputs[job_node(j, i)->first_input + k]].rep;
}

/* Numbers in one image. */
static inline int64_t node_units(const tcet_node *n)
{
    return (int64_t)n->c * n->h * n->w;
}

static inline int node_is_relu(const tcet_node *n)
{
    switch (n->op) {
    case TCET_OP_RELU:
    case TCET_OP_RELU6:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH: return 1;
    default: return 0;
    }
}

/* executor.c: convolutions of node i (named in messages) with any weights, by whichever kernels
 * are the fastest for the shape s.  Memory is in the device's, images NHWC.
 * *y = conv(x, w) + bias: new memory, the caller's to drop; bias may be NULL. */
tcet_status conv_run_forward(struct job *j, int32_t i, const struct ts_conv *s, const void *x,
                             const void *w, const void *bias, struct memory **y);
/* dw += the gradient of w (NULL: not wanted; x may then be NULL), *dx = that of x: new memory,
 * the caller's to drop (dx NULL: not wanted). */
tcet_status conv_run_backward(struct job *j, int32_t i, const struct ts_conv *s, const void *g,
                              const void *x, const void *w, void *dw, struct memory **dx);

/* executor.c: what the sweeps over the nodes share with tangent.c.
 * TCET_OK for status 0; else job_fail with `what` of node i. */
tcet_status job_check(struct job *j, int status, int32_t i, const char *what);
/* The weight of a node's module; NULL where it has none. */
const void *job_weight(const struct job *j, const tcet_node *node);
const void *job_bias(const struct job *j, const tcet_node *node);
/* A forward value, from the first image of the backward in hand. */
const void *job_value(const struct job *j, int32_t i);
/* Shapes of node i for n images; of a window: how part k of a concatenation, a slice or a
 * padding moves from its input, and the way back. */
struct ts_conv conv_shape(const struct job *j, int32_t i, int64_t n);
struct ts_pool pool_shape(const struct job *j, int32_t i, int64_t n);
struct ts_window window_shape(const struct job *j, int32_t i, int32_t k, int64_t n);
struct ts_window window_reversed(struct ts_window s);
/* x[n], the input of a linear layer i, in the order of its weight's columns; *own is to be
 * dropped.  NULL: failed. */
const void *flat_input(struct job *j, int32_t i, int64_t n, const void *x, struct memory **own);
/* Gives node i one more gradient; takes g. */
void gradient_give(struct job *j, int32_t i, struct memory *g);
/* Drops the gradients of a list, and empties it. */
void gradient_drop(struct job *j, int32_t *head);

/* plan.c: fills the first half of struct value, and the job's flags. */
tcet_status plan_make(struct job *j);
/* layers.c: memory for what layers want; its way to the host; and, once that is over, the visits.
 */
tcet_status layers_open(struct job *j);
tcet_status layers_send(struct job *j);
tcet_status layers_visit(struct job *j);
/* Row of the gradient in hand of a module's weight. */
void *gradient_row(const struct job *j, const tcet_node *node, int64_t row);

/* tangent.c: can it make the job's H g, rather than tape.c?  It works on one mini-batch, on
 * kernels that have tangents, with operations that it knows. */
int tangent_supports(const struct job *j);
/* Before the forward, after plan_make and open_norms; and at the job's end, in any state. */
tcet_status tangent_open(struct job *j);
void tangent_close(struct job *j);
/* After the backward of a row, with all that the plan saves for it still there: fills the row of
 * j->hessian. */
tcet_status tangent_hessian(struct job *j);
/* tape.c: all rows by libtorch's autograd, of any graph on any device; of several mini-batches
 * one, of the sum of their losses. */
tcet_status tape_hessian(struct job *j);
/* executor.c: the forward in hand, and all backwards of it. */
tcet_status executor_forward(struct job *j);
tcet_status executor_backwards(struct job *j);
/* run.c: tangent_hessian of a row, in a time of its own. */
tcet_status job_hessian(struct job *j, int64_t row);
void executor_release(tcet_model *m);
tcet_status executor_run(tcet_ctx *cx, struct executor *x, tcet_model *m, tcet_run *run);
tcet_status executor_collect(tcet_ctx *cx, tcet_model *m, tcet_run *run);

#endif
