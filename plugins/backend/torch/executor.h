/* executor.h -- one run of a graph: what was asked, what is to be done, what is being done.
 *
 * Room: plugins/backend/torch.  plan.c decides what must be computed and kept; forward.c and
 * backward.c sweep over the nodes, whose operations are the rows of ops.h; gather.c adds up a
 * node's gradients; run.c makes a run of it, layers.c hands it over; tangent.c does
 * Hessian-vector products, tape.c those that tangent.c cannot.
 *
 * Batch norms, scalings, sums and ReLUs are not computed one by one.  A batch norm is a
 * pair of lines a[c] x + b[c] until somebody needs its numbers; a sum reads its terms through
 * such lines and writes, in the same sweep, its ReLU and its sign bits.  Backward, a node
 * gathers the gradients of all its readers in one sweep that also makes the sums its batch
 * norms need; a batch norm's own backward is lines again, which a convolution before it may
 * apply as it reads. */
#ifndef BACKEND_TORCH_EXECUTOR_H
#define BACKEND_TORCH_EXECUTOR_H

#include "impl.h"
#include "kernels.h"
#include "memory.h"

enum { STREAMS = 16 };

struct executor {
    struct ts_device device[2]; /* by f64 */
    const struct kernels *kernels[2];
    int32_t threads;   /* of one operator, or of a training's mini-batch */
    struct team *team; /* of the latter; NULL until it is needed */
    char version[64], name[64];
    int64_t stream[STREAMS]; /* CUDA: 0 where none was asked for yet */
    uint8_t lent[STREAMS];
    struct cuda_code *code[2];       /* by f64; NULL: CPU, or kernels = aten */
    ts_tensor *scratch[STREAMS + 1]; /* of code's, by stream, the last of the default one; NULL */
};

struct tcet_model {
    const tcet_graph *graph;
    struct executor *x;
    struct ts_device device[2]; /* the executor's, with a stream of its own */
    int32_t stream;             /* which of the executor's, -1: the default one */
    struct job *kept;           /* the last run, where the next one reads its forward; NULL */
    struct job *first;          /* runs to be collected, in order; NULL */
};

/* What was asked. */
struct request {
    tcet_model *model;
    uint32_t sites;
    int64_t n;        /* images in a forward */
    int32_t forwards; /* of all repeats */
    size_t size;      /* of a number */
};

/* What the plan says of a node; all but `rep` is of the rep. */
struct node_plan {
    int32_t rep;       /* the node that computes it */
    int32_t relu;      /* the ReLU computed in the same sweep, -1 */
    int32_t slot;      /* agreement matrix of its signs as a layer's output, -1 */
    int32_t relu_slot; /* and as an activation's input, -1 */
    int32_t call;      /* which of its module's executions it is */
    int32_t readers;   /* edges that bring it a gradient */
    int32_t last;      /* forward step after which nobody reads it */
    /* What sweeps go along with which convolution (sweep.h), -1 where none does. */
    int32_t driver;      /* sum, lines: the convolution that reads their numbers first */
    int32_t drives;      /* of that one: the sum or lines */
    int32_t gathered_by; /* the convolution that gives it the last part of its gradient */
    int32_t gathers;     /* of that one: the node */
    int32_t measured_by; /* convolution: a batch norm over it, measured as it is written */
    int32_t next_last;   /* list of those with equal `last` */
    int32_t first_back;  /* backward step after which nobody reads it, -1: none does */
    int32_t next_back;
    int32_t retire_head, retire_back_head; /* lists that end at this step */
    uint8_t exec;                          /* computed at all */
    uint8_t nil;                           /* zeros, whatever the images and weights */
    uint8_t stored;                        /* as numbers, not only as lines */
    uint8_t lines;                         /* known as lines over its input */
    uint8_t batch_stats;                   /* batch norm with the batch's statistics */
    uint8_t sums;                          /* batch norm that needs sums over its gradient */
    uint8_t gives_late;                    /* batch norm whose backward its input's applies */
    uint8_t reach;                         /* the loss depends on it */
    uint8_t up;                            /* something at or above it wants its gradient */
    uint8_t keep, keep_gradient;           /* handed to layers */
    uint8_t keep_product;                  /* per channel, of the two */
    uint8_t keep_bits;
    uint8_t signs; /* somebody wants its sign bits */
    /* Of R, the derivative along g, where plan.tangents; see tangent.c. */
    uint8_t keep_dy;      /* its whole gradient stays, as dy */
    uint8_t moves;        /* its numbers change with the weights; else R is 0 */
    uint8_t moves_stored; /* somebody reads R's numbers, not only lines */
    uint8_t moves_saved;  /* and so does the backward sweep */
    int32_t moves_norm;   /* conv, linear: the one reader, which adds the terms of R; -1 */
};

/* What plan.c decided; does not change after plan_make. */
struct plan {
    uint32_t wants;    /* of all sites together */
    int32_t gradients; /* 1: a backward is run */
    int32_t weight_gradients, norm_gradients;
    int32_t weight_biases, norm_biases; /* gradients of biases, and of betas */
    int32_t hvp, tangents;              /* H g is wanted, and tangent.c makes it */
    int32_t one_gradient;               /* weights' gradients are tangent.c's alone: one row */
    int32_t coupled;                    /* images depend on one another */
    int64_t rows;                       /* of gradients */
    int64_t hvp_rows;                   /* of H g: one, or one an image */
    int32_t output, features;           /* reps, -1 */
    int32_t slots;
    struct node_plan *node;
    int32_t *order, *calls; /* a module's: first step (-1) and steps */
};

/* Sums over the pixels of a batch norm's gradient, or of that's R. */
struct norm_sums {
    double *s1, *s2; /* of g, of g (x - mean); s1 may be another node's */
    uint8_t wanted, made;
};

/* Sweeps over the nodes: of values and gradients, or of their derivatives along g. */
enum sweep_of { ORDINARY, TANGENT, SWEEPS };

/* R of a node; see tangent.c. */
struct tangent {
    struct memory *val;
    struct memory *terms[2]; /* conv, linear: R x * w and x * g, before they are added */
    void *lines;             /* batch norm: 6 lines */
    double *sums;            /* batch norm with batch statistics: those of norm_tangent */
};

/* A gradient that reached a node; list in the order of arrival. */
struct part {
    struct memory *g;
    int32_t next;
};

/* A node's numbers. */
struct value {
    struct memory *val, *bits, *dy;
    struct ts_norm norm;
    void *k1, *k2, *k3; /* a batch norm's backward as lines */
    double *part;       /* batch statistics: the moments, with job.share of its part */
    double *all;        /* with job.share: the sums of all parts */
    struct norm_sums sums[SWEEPS];
    struct summing *summing;     /* forward.c: the sum is in the making; NULL */
    struct gathering *gathering; /* gather.c: so is its gradient; NULL */
    struct memory *whole;        /* its gradient, gathered already; NULL */
    uint8_t measured;            /* batch norm: `part` is made, in this forward */
    struct tangent tangent;
    int32_t late;               /* batch norm whose backward the gradient lacks, -1 */
    int32_t parts, parts_tail;  /* gradients gathered so far, -1 */
    int32_t masked;             /* the same, behind the ReLU */
    uint8_t packed;             /* its sign bits are made, in this forward */
    void *kept, *kept_gradient; /* NCHW, forwards * n images */
    void *kept_product;         /* [forwards * n, c] */
    uint64_t *kept_bits;        /* n images */
};

/* Memory that lives as long as the job. */
struct held {
    struct memory **block;
    int32_t count, cap;
};

/* What is being computed. */
struct state {
    int32_t forward;      /* the one in hand, of all repeats */
    int64_t first, count; /* images in hand */
    int64_t row;          /* of the gradient in hand */
    int64_t hvp_row;      /* of H g */
    int32_t adopted;      /* the forward is that of model->kept */
    struct value *v;      /* a node's */
    struct part *part;
    int32_t parts;
    const void *params;           /* in the device's memory and type */
    void *beside;                 /* of kernels.h's use_params; NULL */
    void **gradient;              /* a module's [rows, weight], NULL; see plan.one_gradient */
    double **bias_gradient;       /* a module's [calls, rows, bias], NULL */
    void **hessian;               /* a module's [hvp_rows, weight] in host memory, NULL */
    void **running;               /* a norm module's running variance [repeat, c], NULL */
    double *agreement, *positive; /* [slots][n, n], [slots] */
    struct held held[USES];       /* everything that lives as long as the job */
    int32_t sent;                 /* CUDA: copies to held memory's mirrors may be under way */
};

/* The loss of a training's mini-batch, in place of the pass's. */
struct soft_loss {
    const double *targets; /* [n, classes], in the host's memory */
    double *result;        /* of soft_loss in kernels.h, in the device's */
};

/* One of several jobs on threads of their own, each with a part of one mini-batch, in step: the
 * statistics of batch norms are those of all parts. */
struct share {
    struct team *team;
    int32_t member, members;
    struct job *const *jobs; /* of all members */
    int64_t images;          /* of all parts */
};

/* One run. */
struct job {
    tcet_ctx *cx;                 /* of the call in hand */
    const struct share *share;    /* NULL: it has all images */
    const struct soft_loss *soft; /* NULL: as the pass says */
    tcet_run *run;                /* NULL once it has ended */
    struct ts_device *d;
    const struct kernels *k;
    const tcet_graph *graph;
    const struct request ask;
    struct plan plan;
    struct state now;
    struct job *next; /* to be collected after it */
};

/* Records text (and the device's message) and returns status. */
tcet_status job_fail(struct job *j, tcet_status status, const char *what);
/* TCET_OK for status 0; else job_fail with `what` of node i. */
tcet_status job_check(struct job *j, int status, int32_t i, const char *what);

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
    return j->plan.node[j->graph->inputs[job_node(j, i)->first_input + k]].rep;
}

/* Images of the mini-batch in hand: of all its parts. */
static inline int64_t job_images(const struct job *j)
{
    return j->share ? j->share->images : j->now.count;
}

/* Numbers in one image. */
static inline int64_t node_units(const tcet_node *n)
{
    return (int64_t)n->c * n->h * n->w;
}

/* A forward value, from the first image in hand. */
static inline const void *job_value(const struct job *j, int32_t i)
{
    int64_t at = j->now.first * node_units(job_node(j, i));

    return (const char *)j->now.v[i].val->data + (size_t)at * j->ask.size;
}

/* Memory for node i's numbers of the images in hand. */
static inline struct memory *job_tensor(struct job *j, int32_t i)
{
    return memory_new(j, (size_t)(j->now.count * node_units(job_node(j, i))) * j->ask.size);
}

/* plan.c: fills j->plan, whose arrays run.c has made. */
tcet_status plan_make(struct job *j);
/* layers.c: memory for what layers want; its way to the host; and, once that is over, the visits.
 */
tcet_status layers_open(struct job *j);
tcet_status layers_send(struct job *j);
tcet_status layers_visit(struct job *j);

/* forward.c: the forward in hand. */
tcet_status forward_run(struct job *j);
/* Writes what is wanted of node i, the sum of `nodes`: its numbers, its ReLU, its signs. */
tcet_status forward_sum(struct job *j, int32_t i, const int32_t *nodes, int32_t count);
/* The sweep that makes a sum for plan.driver; NULL: it is made.  Ends it; drops it as it is. */
struct sweep *forward_summing(const struct job *j, int32_t i);
void forward_end_sum(struct job *j, int32_t i);
void forward_drop_sum(struct value *v);
/* Where the next sweep over node i's numbers should write their signs (NULL: nowhere), and what
 * to do with them after it. */
tcet_status forward_open_bits(struct job *j, int32_t i, uint64_t **out);
void forward_use_bits(struct job *j, int32_t i, const uint64_t *bits);

/* backward.c: all backwards of the forward in hand. */
tcet_status backward_run(struct job *j);

/* A sweep over the nodes back from the output, to which a gradient was given: each node's whole
 * gradient is gathered and handed on. */
struct reverse {
    enum sweep_of sweep;
    /* Does node i take part? */
    int (*active)(const struct job *j, int32_t i);
    /* Does somebody want the whole gradient of node i, a ReLU's too? */
    int (*wanted)(const struct job *j, int32_t i);
    /* Takes note of it. */
    tcet_status (*keep)(struct job *j, int32_t i, struct memory *g);
    /* Gives node i's inputs their gradients. */
    tcet_status (*back)(struct job *j, int32_t i, struct memory *g);
    /* Ends the lives that end with step i. */
    void (*retire)(struct job *j, int32_t i);
};
/* backward.c: leaves no gradient behind, in whatever status. */
tcet_status reverse_run(struct job *j, const struct reverse *r);
/* Where the gradient of node i's bias, or of a norm's beta, goes, each channel's sum of the node's gradient: the place of
 * this call of the module, NULL where it is not wanted. */
double *backward_bias(const struct job *j, int32_t i);

/* gather.c: gives node i one more gradient; takes g. */
void gradient_give(struct job *j, int32_t i, struct memory *g);
/* A ReLU's gradient goes on in parts: its input's gathering masks them. */
void gradient_hand_on(struct job *j, int32_t relu);
/* Drops the gradients of a list, and empties it. */
void gradient_drop(struct job *j, int32_t *head);
/* The whole gradient of node i (of a tangent sweep its R) from its parts, which are dropped, and
 * the sums of batch norms that are made in passing; *out is the caller's to drop, NULL where no
 * gradient came. */
tcet_status gradient_gather(struct job *j, enum sweep_of sweep, int32_t i, struct memory **out);

/* Gives convolution i's input its gradient g, the last part of that of node plan.gathers, before it is there; what
 * is returned in *after gathers while g is written (NULL: nothing is to be done), and is ended by
 * gradient_gathered once it is. */
tcet_status gradient_gather_along(struct job *j, int32_t i, struct memory *g, struct sweep **after);
void gradient_gathered(struct job *j, int32_t i);
/* Drops a node's gradient in the making, and what was gathered already. */
void gradient_drop_whole(struct value *v);

/* tangent.c: can it make the job's H g, rather than tape.c?  Once the plan has reps.  It works on one mini-batch, on
 * kernels that have tangents, with operations that have them. */
int tangent_supports(const struct job *j);
/* The part of plan_make about R; once all else is planned. */
void tangent_plan(struct job *j);
/* Memory for what the plan says; before the forward.  And at the job's end, in any state. */
tcet_status tangent_open(struct job *j);
void tangent_close(struct job *j);
/* After the backward of a row, with all that the plan saves for it still there: fills the row of
 * now.hessian. */
tcet_status tangent_hessian(struct job *j);
/* Writes what is wanted of R of node i, the sum of R of `nodes`: its numbers, its ReLU's. */
tcet_status tangent_sum(struct job *j, int32_t i, const int32_t *nodes, int32_t count);
/* R of node i, which moves, as terms of a sum; returns how many: at most two. */
int32_t tangent_terms(const struct job *j, int32_t i, struct ts_term *t);
void tangent_drop_terms(struct tangent *t);
/* tape.c: all rows by libtorch's autograd, of any graph on any device; of several mini-batches
 * one, of the sum of their losses. */
tcet_status tape_hessian(struct job *j);

/* backward.c: the pass's loss of `n` images from image `first` of forward `at` on. */
struct ts_loss loss_of(const struct job *j, int32_t at, int64_t first, int64_t n, int64_t only);
/* backward.c: the soft loss of the forward in hand, and its gradient into g (NULL: not wanted). */
tcet_status loss_soft(struct job *j, void *g);

/* run.c: a job with memory for its plan and state, NULL after cx->host->fail; job_free takes NULL. */
struct job *job_new(const struct job *begun);
void job_free(struct job *j);
/* Drops the values of a forward. */
void job_drop_values(struct job *j);
/* Before each forward with other parameters, where these kernels want to see all of them. */
tcet_status job_use_params(struct job *j);
/* Memory for lines of batch norms and scalings; once the plan is made. */
tcet_status job_open_lines(struct job *j);
/* run.c: tangent_hessian of a row, in a time of its own. */
tcet_status job_hessian(struct job *j, int64_t row);
void executor_release(tcet_model *m);
/* train.c: see tcet_backend_ops. */
tcet_status training_open(tcet_ctx *cx, struct executor *x, tcet_model *m, const tcet_train *how,
                          const float *params, const uint8_t *decay, tcet_training **out);
tcet_status training_step(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, double lr,
                          double wd, int64_t step, tcet_train_result *out);
tcet_status training_eval(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, uint32_t ema,
                          tcet_train_result *out, double *logits);
void training_sizes(const tcet_training *t, int64_t *counts);
/* write: from the caller's memory; else to it. */
tcet_status training_move(tcet_ctx *cx, tcet_training *t, uint32_t state, void *numbers, int write);
void training_close(tcet_training *t);
tcet_status executor_run(tcet_ctx *cx, struct executor *x, tcet_model *m, tcet_run *run);
tcet_status executor_collect(tcet_ctx *cx, tcet_model *m, tcet_run *run);

#endif
