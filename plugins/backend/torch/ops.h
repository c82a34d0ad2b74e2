/* ops.h -- what the executor knows of an operation: one row each.
 *
 * Room: plugins/backend/torch.  plan.c, the sweeps and layers.c read these rows and never ask
 * for an operation by name.  ops.c holds the table; the functions stand in ops_weight.c (conv,
 * linear), ops_lines.c (batch norm, scaling, sum) and ops_tensor.c (everything that writes one
 * new tensor).  Operations whose kernels have the plain form of struct ts_plain need no function
 * here: their rows stand beside their kernels, in kernels_plain.inc.  R is the derivative along g, the
 * gradient of the loss over all conv and linear weights; see tangent.c. */
#ifndef BACKEND_TORCH_OPS_H
#define BACKEND_TORCH_OPS_H

#include "executor.h"

/* How a node gets its numbers. */
enum {
    FORM_TENSOR, /* writes them */
    FORM_LINES,  /* a[c] x + b[c] of its input, until somebody needs the numbers */
    FORM_SUM,    /* the sum of its inputs, read through their lines */
    FORM_GATE,   /* ReLU: written in its input's sweep, and masks the gradient of that */
    FORM_SAME,   /* its input is its value */
    FORM_ZERO    /* zeros; reads nothing, and no gradient goes on */
};

/* What the backward reads of the forward. */
enum { SAVED_NOTHING, SAVED_INPUTS, SAVED_OUTPUT };

typedef int op_write_back(struct job *j, int32_t i, int32_t k, const void *g, void *dx);

struct op {
    /* Can `back` of node i apply the backward of a batch norm, its one reader?  Then g is the gradient of
     * the norm's output.  NULL: no. */
    int (*takes_norm)(const struct job *j, int32_t i);
    /* Value of node i; NULL: nothing to do. */
    tcet_status (*forward)(struct job *j, int32_t i);
    /* Gives those of node i's inputs that want one their gradients, and its parameters theirs. */
    tcet_status (*back)(struct job *j, int32_t i, struct memory *g);
    /* R of the value, and of `back`: rg is R of the gradient.  NULL: tape.c does a graph that
     * holds the operation. */
    tcet_status (*tangent)(struct job *j, int32_t i);
    tcet_status (*tangent_back)(struct job *j, int32_t i, struct memory *rg);
    /* What op_forward and its like call: the value, or R of it, into y; the gradient of input k
     * from g, or R of it from rg, into dx. */
    int (*write)(struct job *j, int32_t i, enum sweep_of sweep, void *y);
    op_write_back *write_back, *write_tangent_back;
    /* Adds the gradient of the weight from g; NULL: it has none, or `back` does so. */
    int (*write_weight)(struct job *j, int32_t i, const void *g, void *dw);
    uint8_t form;
    uint8_t saved;
    uint8_t weight;     /* conv, linear: a layer of TCET_SITE_WEIGHT */
    uint8_t statistics; /* batch norm: the batch's, unless the pass or the node says otherwise */
    uint8_t affine;     /* learned where the node says so: a norm's gamma and beta */
    uint8_t own;        /* has its module's numbers even where they are not learned */
    uint8_t input;      /* the network's input */
    uint8_t activation; /* a layer of TCET_SITE_ACTIVATION */
    uint8_t pure;       /* two of them over one input are one value */
    uint8_t keeps_zero; /* of zeros it makes zeros, unless it adds a bias */
    uint8_t drives;     /* the sweeps of plan.c's find_drivers */
    uint8_t curved;     /* R of its backward reads its gradient, and R of its inputs */
};

/* The row of an operation; of one that is not known a row whose forward fails. */
const struct op *op_of(uint32_t op);

static inline const struct op *job_op(const struct job *j, int32_t i)
{
    return op_of(job_node(j, i)->op);
}

/* The weight of a node's module, and its bias, or gamma and beta; NULL where it has none. */
const void *job_weight(const struct job *j, const tcet_node *node);
const void *job_bias(const struct job *j, const tcet_node *node);
/* Does the node have parameters of its module's? */
int job_has_params(const struct job *j, const tcet_node *node);
/* The row in hand of the gradient of a node's weight; NULL: not wanted. */
void *job_gradient(const struct job *j, const tcet_node *node);
/* g of a node's weight, for R; and where H g of it goes. */
const void *job_direction(const struct job *j, const tcet_node *node);
void *job_product(const struct job *j, const tcet_node *node);

/* The four functions of an operation that writes one new tensor, by `write` and `write_back`. */
tcet_status op_forward(struct job *j, int32_t i);
tcet_status op_back(struct job *j, int32_t i, struct memory *g);
tcet_status op_tangent(struct job *j, int32_t i);
tcet_status op_tangent_back(struct job *j, int32_t i, struct memory *rg);

/* ops_weight.c */
int conv_takes_norm(const struct job *j, int32_t i);
tcet_status conv_forward(struct job *j, int32_t i);
tcet_status conv_back(struct job *j, int32_t i, struct memory *g);
tcet_status conv_tangent(struct job *j, int32_t i);
tcet_status conv_tangent_back(struct job *j, int32_t i, struct memory *rg);
tcet_status transposed_forward(struct job *j, int32_t i);
tcet_status transposed_back(struct job *j, int32_t i, struct memory *g);
tcet_status transposed_tangent(struct job *j, int32_t i);
tcet_status transposed_tangent_back(struct job *j, int32_t i, struct memory *rg);
tcet_status linear_forward(struct job *j, int32_t i);
tcet_status linear_back(struct job *j, int32_t i, struct memory *g);
tcet_status linear_tangent(struct job *j, int32_t i);
tcet_status linear_tangent_back(struct job *j, int32_t i, struct memory *rg);

/* ops_lines.c */
tcet_status norm_forward(struct job *j, int32_t i);
tcet_status norm_back(struct job *j, int32_t i, struct memory *g);
tcet_status norm_tangent(struct job *j, int32_t i);
tcet_status norm_tangent_back(struct job *j, int32_t i, struct memory *rg);
/* Does a batch norm read running statistics that the space has given, rather than 0 and 1? */
int norm_is_given(const struct job *j, int32_t i);
tcet_status scale_forward(struct job *j, int32_t i);
tcet_status scale_back(struct job *j, int32_t i, struct memory *g);
tcet_status add_forward(struct job *j, int32_t i);
tcet_status add_back(struct job *j, int32_t i, struct memory *g);
tcet_status add_tangent(struct job *j, int32_t i);
tcet_status add_tangent_back(struct job *j, int32_t i, struct memory *rg);
/* The lines of a node of FORM_LINES, and what its backward needs; before the first forward. */
tcet_status lines_open(struct job *j, int32_t i);
/* For R of a norm that moves. */
tcet_status lines_open_tangent(struct job *j, int32_t i);
/* Forgets the sums of the row before. */
void lines_reset_tangent(struct job *j, int32_t i);

/* ops_tensor.c */
int input_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
int zero_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
int avg_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back avg_pool_write_back;
int max_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back max_pool_write_back;
int global_pool_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back global_pool_write_back;
int window_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back window_write_back;
int mul_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back mul_write_back;
int plain_write(struct job *j, int32_t i, enum sweep_of sweep, void *y);
op_write_back plain_write_back;
op_write_back plain_write_tangent_back;
int plain_write_weight(struct job *j, int32_t i, const void *g, void *dw);

#endif
