/* build.c -- the tcet_builder that spaces are given: checks each operation, lets shape.c infer
 * its shape, gives parameters to modules and counts; see graph.h and <tcet/space.h>.
 * Room: core/graph.  Stands on core/base and the SDK.  No allocation a node, no name
 * formatted unless something is refused. */
#include "graph/internal.h"

#include <string.h>

/* Most elements of one tensor of one image, or of one weight: far above any real network. */
static const int64_t MAX_ELEMENTS = (int64_t)1 << 36;

static struct graph *graph_of(tcet_builder *b)
{
    return (struct graph *)b;
}

/* ---- parameters and costs ---- */

static int needs_weight(const tcet_op *op)
{
    uint32_t weight = graph_op(op->op)->weight;

    return weight == GRAPH_WEIGHT_NORM ? op->affine : weight != GRAPH_WEIGHT_NONE;
}

/* A weight's extents, the first `ndim` of them. */
static void set_extents(tcet_graph_module *m, int32_t ndim, int64_t e0, int64_t e1, int64_t e2,
                        int64_t e3)
{
    m->ndim = ndim;
    m->shape[0] = e0;
    m->shape[1] = e1;
    m->shape[2] = e2;
    m->shape[3] = e3;
}

/* The weight that op needs: kind, extents and bias of want. */
static void weight_of(const tcet_op *op, const tcet_node *x, const tcet_node *n,
                      tcet_graph_module *want)
{
    const struct graph_op *row = graph_op(op->op);

    want->kind = row->kind;
    want->bias_count = op->bias ? n->c : 0;
    switch (row->weight) {
    case GRAPH_WEIGHT_CONV:
        set_extents(want, 4, n->c, x->c / n->groups, n->kernel_h, n->kernel_w);
        break;
    case GRAPH_WEIGHT_TRANSPOSED:
        set_extents(want, 4, x->c, n->c / n->groups, n->kernel_h, n->kernel_w);
        break;
    case GRAPH_WEIGHT_LINEAR: set_extents(want, 2, n->c, (int64_t)x->c * x->h * x->w, 0, 0); break;
    case GRAPH_WEIGHT_OWN:
        want->bias_count = 0;
        set_extents(want, op->extent_count, op->extents[0], op->extents[1], op->extents[2],
                    op->extents[3]);
        for (int32_t k = op->extent_count; k < 4; k++)
            want->shape[k] = 0;
        break;
    default: /* a norm's gamma and beta */
        set_extents(want, 1, n->c, 0, 0, 0);
        want->bias_count = n->c;
        break;
    }
}

/* Product of the extents, or -1 above MAX_ELEMENTS. */
static int64_t elements(const int64_t *shape, int32_t ndim)
{
    int64_t count = 1;

    for (int32_t i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(count, shape[i], &count) || count > MAX_ELEMENTS)
            return -1;
    return count;
}

static int same_weight(const tcet_graph_module *a, const tcet_graph_module *b)
{
    return a->kind == b->kind && a->ndim == b->ndim && a->bias_count == b->bias_count &&
           memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

/* Gives the module its parameters, or checks that it already has just these. */
static tcet_status own_weight(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    tcet_graph_module want, *m;

    if (!needs_weight(op)) {
        if (op->module >= 0 && g->modules[op->module].kind == TCET_LAYER_OTHER)
            g->modules[op->module].kind = graph_op(op->op)->kind;
        return TCET_OK;
    }
    weight_of(op, x, n, &want);
    if (op->module < 0)
        return graph_refuse(g, TCET_E_PLUGIN, op, "parameters need a module to belong to");
    want.weight_count = elements(want.shape, want.ndim);
    if (want.weight_count < 0)
        return graph_refuse(g, TCET_E_PLUGIN, op, "the weight has too many elements");
    m = &g->modules[op->module];
    if (m->weight_count && !same_weight(m, &want))
        return graph_refuse(
            g, TCET_E_PLUGIN, op,
            "the module has a weight of shape [%lld, %lld, %lld, %lld] already; used "
            "again it would need [%lld, %lld, %lld, %lld]",
            (long long)m->shape[0], (long long)m->shape[1], (long long)m->shape[2],
            (long long)m->shape[3], (long long)want.shape[0], (long long)want.shape[1],
            (long long)want.shape[2], (long long)want.shape[3]);
    m->kind = want.kind;
    m->ndim = want.ndim;
    memcpy(m->shape, want.shape, sizeof m->shape);
    m->weight_count = want.weight_count;
    m->bias_count = want.bias_count;
    if (graph_op(op->op)->weight == GRAPH_WEIGHT_OWN && !op->affine)
        g->costs[op->module].role = op->track ? GRAPH_BUFFER : GRAPH_CONSTANT;
    return TCET_OK;
}

tcet_status graph_keep_index(struct graph *g, const tcet_op *op, tcet_node *n)
{
    size_t bytes = (size_t)op->index_count * sizeof *op->index;
    int32_t *copy = mem_try((size_t)op->index_count, sizeof *copy);

    if (!copy)
        return graph_refuse(g, TCET_E_MEMORY, op, "no memory for %lld places",
                            (long long)op->index_count);
    memcpy(copy, op->index, bytes);
    g->indices = graph_grow(g->indices, &g->index_cap, g->index_lists + 1, sizeof *g->indices);
    g->indices[g->index_lists++] = copy;
    n->index = copy;
    n->index_count = op->index_count;
    return TCET_OK;
}

/* Multiply-accumulates of a conv or linear node, added up over the uses of its module. */
static tcet_status count_node(struct graph *g, const tcet_op *op, const tcet_node *n)
{
    const tcet_graph_module *m = &g->modules[n->module];
    int64_t places = (int64_t)n->h * n->w;
    int64_t bias_macs = m->bias_count * places;
    int64_t macs, total;

    if (__builtin_mul_overflow(m->weight_count, places, &macs) ||
        __builtin_add_overflow(g->counts.macs, macs, &total))
        return graph_refuse(g, TCET_E_ARG, op, "too many multiply-accumulates to count");
    g->costs[n->module].macs += macs;
    g->costs[n->module].bias_macs += bias_macs;
    g->counts.macs = total;
    g->counts.bias_macs += bias_macs;
    return TCET_OK;
}

/* ---- the builder ---- */

static int32_t build_module(tcet_builder *b, int32_t parent, const char *name, int32_t index)
{
    struct graph *g = graph_of(b);
    int32_t at = g->module_count;
    tcet_graph_module *m;

    if (g->err.status < 0)
        return g->err.status;
    if (parent < -1 || parent >= at)
        return error_set(&g->err, TCET_E_PLUGIN, "module \"%s\": there is no parent module %d",
                         name, parent);
    g->modules = graph_grow(g->modules, &g->module_cap, at + 1, sizeof *g->modules);
    g->costs = graph_grow(g->costs, &g->cost_cap, at + 1, sizeof *g->costs);
    m = &g->modules[at];
    m->parent = parent;
    m->index = index < 0 ? -1 : index;
    m->name = name;
    m->kind = TCET_LAYER_OTHER;
    m->cell = g->cell;
    m->layer = -1;
    set_extents(m, 0, 0, 0, 0, 0);
    m->weight = m->weight_count = m->bias = m->bias_count = 0;
    g->costs[at] = (struct graph_cost){0};
    g->module_count++;
    return at;
}

static void build_cell(tcet_builder *b, int32_t cell)
{
    graph_of(b)->cell = cell;
}

static int any_negative(const tcet_op *op)
{
    return (op->channels | op->kernel_h | op->kernel_w | op->stride_h | op->stride_w |
            op->padding_h | op->padding_w | op->dilation_h | op->dilation_w | op->groups |
            op->offset_c | op->offset_h | op->offset_w) < 0;
}

static tcet_status check_op(struct graph *g, const tcet_op *op)
{
    const struct graph_op *row = graph_op(op->op);

    if (!row)
        return error_set(&g->err, TCET_E_PLUGIN, "node %d: there is no operation %u", g->node_count,
                         op->op);
    if (op->module < -1 || op->module >= g->module_count)
        return error_set(&g->err, TCET_E_PLUGIN, "node %d (%s): there is no module %d",
                         g->node_count, row->name, op->module);
    if (op->input_count < row->inputs || (op->input_count > row->inputs && !row->at_least))
        return graph_refuse(g, TCET_E_PLUGIN, op, "%d inputs, there must be %s%d", op->input_count,
                            row->at_least ? "at least " : "", row->inputs);
    for (int32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] < 0 || op->inputs[i] >= g->node_count)
            return graph_refuse(g, TCET_E_PLUGIN, op,
                                "input %d is node %d, which does not exist yet", i + 1,
                                op->inputs[i]);
    if (any_negative(op))
        return graph_refuse(g, TCET_E_PLUGIN, op, "an attribute is negative");
    return TCET_OK;
}

/* The node with op's attributes and, until its shape rule knows better, the input's shape. */
static void fill_node(const struct graph *restrict g, const tcet_op *restrict op,
                      const tcet_node *x, tcet_node *restrict n)
{
    n->op = op->op;
    n->module = op->module;
    n->first_input = g->input_count;
    n->input_count = op->input_count;
    n->c = x ? x->c : 0;
    n->h = x ? x->h : 0;
    n->w = x ? x->w : 0;
    n->kernel_h = op->kernel_h;
    n->kernel_w = op->kernel_w;
    n->stride_h = op->stride_h;
    n->stride_w = op->stride_w;
    n->padding_h = op->padding_h;
    n->padding_w = op->padding_w;
    n->dilation_h = op->dilation_h;
    n->dilation_w = op->dilation_w;
    n->groups = op->groups;
    n->bias = op->bias != 0;
    n->affine = op->affine != 0;
    n->track = op->track != 0;
    n->count_include_pad = op->count_include_pad != 0;
    n->offset_c = op->offset_c;
    n->offset_h = op->offset_h;
    n->offset_w = op->offset_w;
    n->eps = op->eps;
    n->momentum = op->momentum;
    n->kept = op->kept != 0;
    n->index = NULL;
    n->index_count = 0;
}

static void build_module_class(tcet_builder *b, int32_t module, const char *name)
{
    struct graph *g = graph_of(b);

    if (g->err.status < 0)
        return;
    if (module < 0 || module >= g->module_count)
        error_set(&g->err, TCET_E_PLUGIN, "class \"%s\": there is no module %d", name, module);
    else
        g->costs[module].class_name = name;
}

/* Another minor's op: its fields that are unknown here are dropped, those it lacks are 0. */
static const tcet_op *same_minor(const tcet_op *given, tcet_op *copy)
{
    if (given->struct_size == sizeof *given)
        return given;
    memset(copy, 0, sizeof *copy);
    memcpy(copy, given, given->struct_size < sizeof *copy ? given->struct_size : sizeof *copy);
    return copy;
}

/* Attributes and shape of a node for op, whose first input is x, and the parameters of its module. */
static tcet_status infer(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    fill_node(g, op, x, n);
    TRY(graph_op(op->op)->shape(g, op, x, n));
    if ((int64_t)n->h * n->w > MAX_ELEMENTS / n->c)
        return graph_refuse(g, TCET_E_ARG, op, "the output of shape [%d, %d, %d] is too large",
                            n->c, n->h, n->w);
    return own_weight(g, op, x, n);
}

static int32_t build_add(tcet_builder *b, const tcet_op *given)
{
    struct graph *g = graph_of(b);
    tcet_op copy;
    const tcet_op *op = same_minor(given, &copy);
    tcet_node *n;
    int32_t at = g->node_count;

    if (g->err.status < 0)
        return g->err.status;
    TRY(check_op(g, op));
    g->nodes = graph_grow(g->nodes, &g->node_cap, at + 1, sizeof *g->nodes);
    g->inputs =
        graph_grow(g->inputs, &g->input_cap, g->input_count + op->input_count, sizeof *g->inputs);
    n = &g->nodes[at];
    TRY(infer(g, op, op->input_count ? &g->nodes[op->inputs[0]] : NULL, n));
    if (needs_weight(op) && graph_is_layer(&g->modules[op->module]))
        TRY(count_node(g, op, n));
    for (int32_t i = 0; i < op->input_count; i++)
        g->inputs[g->input_count++] = op->inputs[i];
    g->node_count++;
    return at;
}

static void build_declare(tcet_builder *b, const tcet_op *given)
{
    struct graph *g = graph_of(b);
    tcet_op copy;
    const tcet_op *op = same_minor(given, &copy);
    tcet_node n;

    if (g->err.status >= 0 && check_op(g, op) >= 0)
        infer(g, op, op->input_count ? &g->nodes[op->inputs[0]] : NULL, &n);
}

static void build_output(tcet_builder *b, int32_t node)
{
    struct graph *g = graph_of(b);

    if (g->err.status < 0)
        return;
    if (node < 0 || node >= g->node_count)
        error_set(&g->err, TCET_E_PLUGIN, "output: there is no node %d", node);
    else if (g->view.output >= 0)
        error_set(&g->err, TCET_E_PLUGIN, "output: called twice, for nodes %d and %d",
                  g->view.output, node);
    else
        g->view.output = node;
}

static void build_init(tcet_builder *b, uint32_t step, int32_t module, double a, double c)
{
    struct graph *g = graph_of(b);
    int fits;

    if (g->err.status < 0)
        return;
    if (step < TCET_INIT_DEFAULT || step > TCET_INIT_DISCARD) {
        error_set(&g->err, TCET_E_PLUGIN, "init: there is no step %u", step);
        return;
    }
    fits = step == TCET_INIT_DISCARD ? module == -1 && a >= 0 && a < 0x1p53
                                     : module >= 0 && module < g->module_count;
    if (!fits) {
        error_set(&g->err, TCET_E_PLUGIN, "init: step %u cannot be for module %d and value %g",
                  step, module, a);
        return;
    }
    g->steps = graph_grow(g->steps, &g->step_cap, g->step_count + 1, sizeof *g->steps);
    g->steps[g->step_count++] = (struct graph_step){step, module, g->module_count, a, c};
}

static void build_values(tcet_builder *b, uint32_t what, int32_t module, const float *values,
                         int64_t count)
{
    struct graph *g = graph_of(b);

    if (g->err.status < 0)
        return;
    if (what < TCET_VALUES_WEIGHT || what > TCET_VALUES_VARIANCE || module < 0 ||
        module >= g->module_count || count < 1 || count > MAX_ELEMENTS) {
        error_set(&g->err, TCET_E_PLUGIN, "values: %lld of kind %u cannot be of module %d",
                  (long long)count, what, module);
        return;
    }
    if (g->given_count + count > g->given_cap) {
        g->given_cap = 2 * (g->given_count + count);
        g->given = mem_resize(g->given, (size_t)g->given_cap * sizeof *g->given);
    }
    g->costs[module].given[what] = 1 + g->given_count;
    g->costs[module].given_as[what] = count;
    memcpy(g->given + g->given_count, values, (size_t)count * sizeof *values);
    g->given_count += count;
}

static void build_shape(const tcet_builder *b, int32_t node, int32_t *c, int32_t *h, int32_t *w)
{
    const struct graph *g = (const struct graph *)b;
    int known = node >= 0 && node < g->node_count;

    *c = known ? g->nodes[node].c : 0;
    *h = known ? g->nodes[node].h : 0;
    *w = known ? g->nodes[node].w : 0;
}

static tcet_status build_status(const tcet_builder *b)
{
    return ((const struct graph *)b)->err.status;
}

void graph_builder_init(struct graph *g)
{
    g->builder = (tcet_builder){.struct_size = sizeof g->builder,
                                .module = build_module,
                                .cell = build_cell,
                                .add = build_add,
                                .output = build_output,
                                .init = build_init,
                                .shape = build_shape,
                                .status = build_status,
                                .module_class = build_module_class,
                                .declare = build_declare,
                                .values = build_values};
}
