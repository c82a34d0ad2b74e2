/* ops.c -- the table of operations, and what most of them share; see ops.h.
 * Room: plugins/backend/torch. */
#include "ops.h"

#include "kernels_plain.inc" /* the rows of PLAIN_OPS; no kernels where NUM is not a type */

/* -- the table ------------------------------------------------------------------------- */

/* An operation that is not in the table. */
static tcet_status unknown_forward(struct job *j, int32_t i)
{
    return job_check(j, TCET_E_UNSUPPORTED, i, "this backend does not know the operation");
}

/* The functions of an operation that writes one new tensor; of a linear one R goes the same way. */
#define WRITES(name)      .forward = op_forward, .write = name##_write
#define WRITES_BACK(name) WRITES(name), .back = op_back, .write_back = name##_write_back
#define WRITES_LINEAR(name)                                                    \
    WRITES_BACK(name), .tangent = op_tangent, .tangent_back = op_tangent_back, \
                       .write_tangent_back = name##_write_back
#define FUNCTIONS(name)                                                        \
    .forward = name##_forward, .back = name##_back, .tangent = name##_tangent, \
    .tangent_back = name##_tangent_back

/* Those with functions of their own here. */
#define OWN_OPS(ROW)                                                                          \
    ROW(INPUT, WRITES(input), .input = 1)                                                     \
    ROW(CONV2D, FUNCTIONS(conv), .takes_norm = conv_takes_norm, .drives = 1, .weight = 1,     \
        .saved = SAVED_INPUTS, .keeps_zero = 1)                                               \
    ROW(CONV_TRANSPOSE, FUNCTIONS(transposed), .affine = 1, .own = 1, .saved = SAVED_INPUTS)  \
    ROW(LINEAR, FUNCTIONS(linear), .weight = 1, .saved = SAVED_INPUTS)                        \
    ROW(BATCH_NORM, FUNCTIONS(norm), .form = FORM_LINES, .statistics = 1, .affine = 1,        \
        .saved = SAVED_INPUTS)                                                                \
    ROW(RELU, .form = FORM_GATE, .activation = 1, .pure = 1, .saved = SAVED_OUTPUT,           \
        .keeps_zero = 1)                                                                      \
    ROW(AVG_POOL, WRITES_LINEAR(avg_pool), .pure = 1, .keeps_zero = 1)                        \
    ROW(MAX_POOL, WRITES_LINEAR(max_pool), .pure = 1, .saved = SAVED_INPUTS, .keeps_zero = 1) \
    ROW(GLOBAL_POOL, WRITES_LINEAR(global_pool), .pure = 1)                                   \
    ROW(ADD, FUNCTIONS(add), .form = FORM_SUM, .keeps_zero = 1)                               \
    ROW(CONCAT, WRITES_LINEAR(window))                                                        \
    ROW(MUL, WRITES_BACK(mul), .saved = SAVED_INPUTS)                                         \
    ROW(ZERO, WRITES(zero), .form = FORM_ZERO)                                                \
    ROW(IDENTITY, .form = FORM_SAME)                                                          \
    ROW(SLICE, WRITES_LINEAR(window))                                                         \
    ROW(PAD, WRITES_LINEAR(window))                                                           \
    ROW(SCALE, .forward = scale_forward, .back = scale_back, .tangent = norm_tangent,         \
        .tangent_back = norm_tangent_back, .form = FORM_LINES)

static const struct op unknown = {.forward = unknown_forward};

static const struct op table[TCET_OPS] = {
#define ROW(suffix, ...) [TCET_OP_##suffix] = {__VA_ARGS__},
    OWN_OPS(ROW)
#undef ROW
/* Those that are kernels alone. */
#define ROW(suffix, name, has_tangent, has_weight, ...)                           \
    [TCET_OP_##suffix] = {WRITES_BACK(plain),                                     \
                          .tangent = has_tangent ? op_tangent : NULL,             \
                          .tangent_back = has_tangent ? op_tangent_back : NULL,   \
                          .write_tangent_back = plain_write_tangent_back,         \
                          .write_weight = has_weight ? plain_write_weight : NULL, \
                          __VA_ARGS__},
        PLAIN_OPS(ROW)
#undef ROW
};

#define ROW(...) +1
_Static_assert(0 OWN_OPS(ROW) PLAIN_OPS(ROW) == TCET_OPS - 1, "an operation has no row, or two");
#undef ROW

const struct op *op_of(uint32_t op)
{
    return op >= 1 && op < TCET_OPS ? &table[op] : &unknown;
}

/* -- parameters ------------------------------------------------------------------------ */

static const void *param(const struct job *j, int64_t at, int64_t count)
{
    return count ? (const char *)j->now.params + (size_t)at * j->ask.size : NULL;
}

const void *job_weight(const struct job *j, const tcet_node *node)
{
    const tcet_graph_module *m = &j->graph->modules[node->module];

    return param(j, m->weight, m->weight_count);
}

const void *job_bias(const struct job *j, const tcet_node *node)
{
    const tcet_graph_module *m = &j->graph->modules[node->module];

    return param(j, m->bias, m->bias_count);
}

int job_has_params(const struct job *j, const tcet_node *node)
{
    const struct op *op = op_of(node->op);

    (void)j;
    return node->module >= 0 && (op->weight || op->own || (op->affine && node->affine));
}

/* Row `row` of the gradient of a node's weight; NULL: not wanted. */
static void *gradient_row(const struct job *j, const tcet_node *node, int64_t row)
{
    const tcet_graph_module *m;

    if (node->module < 0 || !j->now.gradient[node->module])
        return NULL;
    m = &j->graph->modules[node->module];
    if (j->plan.one_gradient && m->layer >= 0)
        row = 0;
    return (char *)j->now.gradient[node->module] + (size_t)(row * m->weight_count) * j->ask.size;
}

void *job_gradient(const struct job *j, const tcet_node *node)
{
    return gradient_row(j, node, j->now.row);
}

const void *job_direction(const struct job *j, const tcet_node *node)
{
    return gradient_row(j, node, j->now.hvp_row);
}

void *job_product(const struct job *j, const tcet_node *node)
{
    int64_t count = j->graph->modules[node->module].weight_count;

    return (char *)j->now.hessian[node->module] + (size_t)(j->now.hvp_row * count) * j->ask.size;
}

/* -- operations that write one new tensor ---------------------------------------------- */

tcet_status op_forward(struct job *j, int32_t i)
{
    struct value *v = &j->now.v[i];

    v->val = job_tensor(j, i);
    if (!v->val)
        return TCET_E_MEMORY;
    return job_check(j, job_op(j, i)->write(j, i, ORDINARY, v->val->data), i, "forward");
}

tcet_status op_tangent(struct job *j, int32_t i)
{
    struct tangent *t = &j->now.v[i].tangent;

    t->val = job_tensor(j, i);
    if (!t->val)
        return TCET_E_MEMORY;
    return job_check(j, job_op(j, i)->write(j, i, TANGENT, t->val->data), i, "tangent");
}

/* Gives input k its gradient from g. */
static tcet_status back_input(struct job *j, int32_t i, int32_t k, enum sweep_of sweep,
                              const struct memory *g)
{
    const struct op *op = job_op(j, i);
    op_write_back *write = sweep == ORDINARY ? op->write_back : op->write_tangent_back;
    int32_t in = job_input(j, i, k);
    struct memory *dx = job_tensor(j, in);
    int status;

    if (!dx)
        return TCET_E_MEMORY;
    status = write(j, i, k, g->data, dx->data);
    if (status == 0)
        gradient_give(j, in, dx);
    else
        memory_drop(dx);
    return job_check(j, status, i, sweep == ORDINARY ? "backward" : "tangent of gradient");
}

static tcet_status back_inputs(struct job *j, int32_t i, enum sweep_of sweep,
                               const struct memory *g)
{
    tcet_status st = TCET_OK;

    for (int32_t k = 0; k < job_node(j, i)->input_count && st == TCET_OK; k++) {
        const struct node_plan *in = &j->plan.node[job_input(j, i, k)];

        if (sweep == ORDINARY ? in->up : in->moves)
            st = back_input(j, i, k, sweep, g);
    }
    return st;
}

tcet_status op_back(struct job *j, int32_t i, struct memory *g)
{
    const struct op *op = job_op(j, i);
    void *dw = op->write_weight ? job_gradient(j, job_node(j, i)) : NULL;
    tcet_status st = TCET_OK;

    if (dw)
        st = job_check(j, op->write_weight(j, i, g->data, dw), i, "gradient of the weight");
    return st == TCET_OK ? back_inputs(j, i, ORDINARY, g) : st;
}

tcet_status op_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    return back_inputs(j, i, TANGENT, rg);
}
