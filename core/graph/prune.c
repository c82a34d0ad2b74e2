/* prune.c -- what of a graph is alive, and a graph without the rest; see graph.h.
 * Room: core/graph.  Stands on core/base and the SDK. */
#include "graph/internal.h"

#include <string.h>

static int32_t input_of(const struct graph *g, const tcet_node *n, int32_t k)
{
    return g->inputs[n->first_input + k];
}

/* -- Zeros -------------------------------------------------------------------------------- */

/* Has the module an init step that gives its bias (a norm's beta) another value than 0? */
static int step_sets_bias(const struct graph *g, int32_t module)
{
    for (int32_t i = 0; i < g->step_count; i++)
        if (g->steps[i].kind == TCET_INIT_BIAS && g->steps[i].module == module &&
            g->steps[i].a != 0)
            return 1;
    return 0;
}

/* Do the parameters of a node make 0 of 0, as they are initialised?  A conv's or linear's bias is
 * drawn; a norm's mean and beta are 0 unless the space says otherwise. */
static int parameters_keep_zero(const struct graph *g, const tcet_node *n)
{
    const struct graph_cost *own = n->module < 0 ? NULL : &g->costs[n->module];

    switch (graph_op(n->op)->weight) {
    case GRAPH_WEIGHT_NONE: return 1;
    case GRAPH_WEIGHT_NORM:
        return !own || (!own->given[TCET_VALUES_MEAN] && !own->given[TCET_VALUES_BIAS] &&
                        !step_sets_bias(g, n->module));
    default: return !n->bias;
    }
}

/* Without parameters: no layer is taken for 0 either, since somebody looks at it. */
static int is_zero(const struct graph *g, const tcet_node *n, int parameters)
{
    const struct graph_op *op = graph_op(n->op);
    int32_t zeros = 0;

    if (op->zero == GRAPH_ZERO_NEVER || op->zero == GRAPH_ZERO_ALWAYS)
        return op->zero == GRAPH_ZERO_ALWAYS;
    if (parameters ? !parameters_keep_zero(g, n)
                   : op->weight != GRAPH_WEIGHT_NONE || op->activation)
        return 0;
    for (int32_t k = 0; k < n->input_count; k++)
        zeros += g->fates[input_of(g, n, k)].zero;
    return op->zero == GRAPH_ZERO_ANY ? zeros > 0 : zeros == n->input_count;
}

void graph_find_zeros(struct graph *g, int parameters)
{
    g->fates = graph_grow(g->fates, &g->fate_cap, g->node_count, sizeof *g->fates);
    for (int32_t i = 0; i < g->node_count; i++) {
        struct graph_fate *f = &g->fates[i];

        *f = (struct graph_fate){.now = -1, .before = -1};
        f->zero = (uint8_t)is_zero(g, &g->nodes[i], parameters);
        f->depends = !f->zero && g->nodes[i].op == TCET_OP_INPUT;
        for (int32_t k = 0; k < g->nodes[i].input_count && !f->zero; k++)
            f->depends |= g->fates[input_of(g, &g->nodes[i], k)].depends;
    }
}

/* -- What is alive -------------------------------------------------------------------------- */

/* A sum reads no term of 0, unless it has no other. */
static int is_read(const struct graph *g, const tcet_node *n, int32_t k)
{
    int others = 0;

    if (n->op != TCET_OP_ADD || !g->fates[input_of(g, n, k)].zero)
        return 1;
    for (int32_t i = 0; i < n->input_count; i++)
        others |= i < k || !g->fates[input_of(g, n, i)].zero;
    return !others;
}

/* A network that does not look at its input keeps its head, the last global pooling and what follows. */
static void keep_head(struct graph *g)
{
    int32_t pool = g->node_count - 1;

    while (pool >= 0 && g->nodes[pool].op != TCET_OP_GLOBAL_POOL)
        pool--;
    for (int32_t i = pool; i >= 0 && i < g->node_count; i++) {
        struct graph_fate *f = &g->fates[i];

        f->depends = i == pool;
        for (int32_t k = 0; k < g->nodes[i].input_count && i > pool; k++)
            f->depends |= input_of(g, &g->nodes[i], k) >= pool &&
                          g->fates[input_of(g, &g->nodes[i], k)].depends;
        f->zero = f->zero && !f->depends;
    }
}

/* 1: the output does not depend on the input. */
static int find_live(struct graph *g)
{
    int constant;

    graph_find_zeros(g, 1);
    constant = !g->fates[g->view.output].depends;
    if (constant)
        keep_head(g);
    g->fates[g->view.output].live = !g->fates[g->view.output].zero;
    g->fates[g->view.output].fills = g->fates[g->view.output].zero;
    for (int32_t i = g->node_count; i-- > 0;) {
        const tcet_node *n = &g->nodes[i];

        for (int32_t k = 0; g->fates[i].live && k < n->input_count; k++) {
            struct graph_fate *in = &g->fates[input_of(g, n, k)];

            if (!is_read(g, n, k))
                continue;
            in->live |= !in->zero;
            in->fills |= in->zero;
        }
    }
    return constant;
}

/* -- Counts --------------------------------------------------------------------------------- */

static int is_layer(const struct graph *g, const tcet_node *n)
{
    return n->module >= 0 && g->modules[n->module].layer >= 0 &&
           graph_op(n->op)->weight != GRAPH_WEIGHT_NONE;
}

/* Marks one longest chain of conv and linear nodes to the output, among all nodes or those alive. */
static void mark_chain(struct graph *g, int alive)
{
    struct graph_fate *f = g->fates;

    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *n = &g->nodes[i];

        f[i].deep = 0;
        f[i].before = -1;
        for (int32_t k = 0; k < n->input_count; k++) {
            int32_t in = input_of(g, n, k);

            if ((!alive || f[in].live) && (f[i].before < 0 || f[in].deep > f[f[i].before].deep))
                f[i].before = in;
        }
        f[i].deep = (f[i].before < 0 ? 0 : f[f[i].before].deep) + is_layer(g, n);
    }
    for (int32_t i = g->view.output; i >= 0; i = f[i].before) {
        struct graph_cost *c = is_layer(g, &g->nodes[i]) ? &g->costs[g->nodes[i].module] : NULL;

        if (c && alive)
            c->live.chain++;
        else if (c)
            c->chain++;
    }
}

/* Counts of what is alive, of every module. */
static void count_live(struct graph *g)
{
    for (int32_t m = 0; m < g->module_count; m++) {
        g->costs[m].live = (struct graph_part){0};
        g->costs[m].chain = 0;
    }
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *n = &g->nodes[i];
        const tcet_graph_module *m = n->module < 0 ? NULL : &g->modules[n->module];
        int64_t places = (int64_t)n->h * n->w;

        if (!m || !g->fates[i].live || graph_op(n->op)->weight == GRAPH_WEIGHT_NONE)
            continue;
        g->costs[n->module].live.params = m->weight_count + m->bias_count;
        if (m->layer < 0)
            continue;
        g->costs[n->module].live.macs += m->weight_count * places;
        g->costs[n->module].live.bias_macs += m->bias_count * places;
    }
    mark_chain(g, 0);
    mark_chain(g, 1);
}

void graph_find_live(struct graph *g)
{
    find_live(g);
    count_live(g);
}

void graph_module_live(const struct graph *g, int32_t module, struct graph_part *out)
{
    *out = g->costs[module].live;
}

int32_t graph_module_chain(const struct graph *g, int32_t module)
{
    return g->costs[module].chain;
}

/* -- Pruning -------------------------------------------------------------------------------- */

/* Zeros of n's shape. */
static tcet_node zeros_like(const tcet_node *n)
{
    return (tcet_node){.op = TCET_OP_ZERO, .module = -1, .c = n->c, .h = n->h, .w = n->w};
}

/* Node i reads what is left of its inputs, the numbers of which go to `at`: returns how many.  They are
 * no further on than those that they come from. */
static int32_t move_inputs(struct graph *g, int32_t i, int32_t at)
{
    int32_t from = g->nodes[i].first_input, count = 0;

    for (int32_t k = 0; k < g->nodes[i].input_count; k++)
        if (is_read(g, &g->nodes[i], k))
            g->inputs[at + count++] = g->fates[g->inputs[from + k]].now;
    return count;
}

/* Moves what is left of the nodes together, in place: nothing grows. */
static void compact_nodes(struct graph *g)
{
    int32_t nodes = 0, inputs = 0, first = -1;

    for (int32_t i = 0; i < g->node_count; i++) {
        tcet_node n = g->nodes[i];
        struct graph_fate *f = &g->fates[i];

        if (n.op == TCET_OP_INPUT && first < 0)
            first = nodes;
        else if (!f->live && !f->fills)
            continue;
        if (f->fills) { /* it reads the input, which nothing comes of */
            n = zeros_like(&n);
            n.input_count = 1;
            g->inputs[inputs] = first;
        } else {
            n.input_count = move_inputs(g, i, inputs);
        }
        f->now = nodes;
        if (n.op == TCET_OP_ADD && n.input_count == 1) { /* the sum is its one term */
            f->now = g->inputs[inputs];
            continue;
        }
        n.first_input = inputs;
        inputs += n.input_count;
        g->nodes[nodes++] = n;
    }
    g->view.output = g->fates[g->view.output].now;
    g->node_count = nodes;
    g->input_count = inputs;
}

/* Takes their parameters from modules that nothing alive runs. */
static void clear_modules(struct graph *g)
{
    int32_t steps = 0;

    g->counts.macs = g->counts.bias_macs = 0;
    for (int32_t i = 0; i < g->module_count; i++) {
        tcet_graph_module *m = &g->modules[i];
        struct graph_cost *c = &g->costs[i];

        c->macs = c->live.macs;
        c->bias_macs = c->live.bias_macs;
        g->counts.macs += c->macs;
        g->counts.bias_macs += c->bias_macs;
        if (!m->weight_count || c->live.params)
            continue;
        m->kind = TCET_LAYER_OTHER;
        m->ndim = 0;
        memset(m->shape, 0, sizeof m->shape);
        m->weight = m->weight_count = m->bias = m->bias_count = 0;
        memset(c->given, 0, sizeof c->given);
        memset(c->given_as, 0, sizeof c->given_as);
    }
    for (int32_t i = 0; i < g->step_count; i++) {
        int32_t m = g->steps[i].module;

        if (m < 0 || g->modules[m].weight_count)
            g->steps[steps++] = g->steps[i];
    }
    g->step_count = steps;
}

int graph_prune(struct graph *g)
{
    int constant = find_live(g);

    count_live(g);
    compact_nodes(g);
    clear_modules(g);
    graph_lay_out(g);
    return constant;
}
