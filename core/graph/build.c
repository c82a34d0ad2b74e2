/* build.c -- the tcet_builder that spaces are given: checks each operation and infers its
 * shape; see graph.h and <tcet/space.h>.
 * Room: core/graph.  Stands on core/base and the SDK.  No allocation a node, no name
 * formatted unless something is refused. */
#include "graph/internal.h"

#include <stdio.h>
#include <string.h>

/* Most elements of one tensor of one image, or of one weight: far above any real network. */
static const int64_t MAX_ELEMENTS = (int64_t)1 << 36;

static const char *const op_names[] = {
    [TCET_OP_INPUT] = "input",        [TCET_OP_CONV2D] = "conv2d",
    [TCET_OP_LINEAR] = "linear",      [TCET_OP_BATCH_NORM] = "batch_norm",
    [TCET_OP_RELU] = "relu",          [TCET_OP_AVG_POOL] = "avg_pool",
    [TCET_OP_MAX_POOL] = "max_pool",  [TCET_OP_GLOBAL_POOL] = "global_pool",
    [TCET_OP_ADD] = "add",            [TCET_OP_CONCAT] = "concat",
    [TCET_OP_MUL] = "mul",            [TCET_OP_ZERO] = "zero",
    [TCET_OP_IDENTITY] = "identity",  [TCET_OP_SLICE] = "slice",
    [TCET_OP_PAD] = "pad",            [TCET_OP_SIGMOID] = "sigmoid",
    [TCET_OP_SWISH] = "swish",        [TCET_OP_HSWISH] = "hswish",
    [TCET_OP_RELU6] = "relu6",        [TCET_OP_SCALE] = "scale",
};

static struct graph *graph_of(tcet_builder *b)
{
    return (struct graph *)b;
}

/* Records the first failure, with the module and the operation it befell. */
__attribute__((format(printf, 4, 5))) static tcet_status
refuse(struct graph *g, tcet_status code, const tcet_op *op, const char *format, ...)
{
    char where[384], name[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(g->err.text, sizeof g->err.text, format, ap);
    va_end(ap);
    g->err.status = code;
    if (op->module >= 0)
        snprintf(where, sizeof where, "%s (%s): ",
                 graph_module_name(g, op->module, name, sizeof name), op_names[op->op]);
    else
        snprintf(where, sizeof where, "node %d (%s): ", g->node_count, op_names[op->op]);
    return error_prefix(&g->err, "%s", where);
}

/* ---- shapes ---- */

static int32_t or_one(int32_t value)
{
    return value ? value : 1;
}

/* Extent after a window slides over it; 0 or less when the window does not fit. */
static int64_t slide(int64_t extent, int32_t kernel, int32_t stride, int32_t padding,
                     int32_t dilation)
{
    int64_t room = extent + 2 * (int64_t)padding - (int64_t)dilation * (kernel - 1) - 1;

    return room < 0 ? 0 : room / stride + 1;
}

static tcet_status shape_window(struct graph *g, const tcet_op *op, const tcet_node *x,
                                tcet_node *n)
{
    int64_t h = slide(x->h, n->kernel_h, n->stride_h, n->padding_h, n->dilation_h);
    int64_t w = slide(x->w, n->kernel_w, n->stride_w, n->padding_w, n->dilation_w);

    if (n->kernel_h < 1 || n->kernel_w < 1)
        return refuse(g, TCET_E_PLUGIN, op, "the kernel is %d x %d, it must be at least 1 x 1",
                      n->kernel_h, n->kernel_w);
    if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
        return refuse(g, TCET_E_ARG, op,
                      "a kernel of %d x %d does not fit the input of shape [%d, %d, %d]",
                      n->kernel_h, n->kernel_w, x->c, x->h, x->w);
    n->h = (int32_t)h;
    n->w = (int32_t)w;
    return TCET_OK;
}

static tcet_status shape_conv(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    n->stride_h = or_one(n->stride_h);
    n->stride_w = or_one(n->stride_w);
    n->dilation_h = or_one(n->dilation_h);
    n->dilation_w = or_one(n->dilation_w);
    n->groups = or_one(n->groups);
    n->c = op->channels ? op->channels : x->c;
    if (x->c % n->groups || n->c % n->groups)
        return refuse(g, TCET_E_PLUGIN, op,
                      "%d groups divide neither or only one of %d input and %d output channels",
                      n->groups, x->c, n->c);
    return shape_window(g, op, x, n);
}

static tcet_status shape_pool(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    n->stride_h = n->stride_h ? n->stride_h : n->kernel_h;
    n->stride_w = n->stride_w ? n->stride_w : n->kernel_w;
    n->dilation_h = n->dilation_w = 1;
    if (2 * n->padding_h > n->kernel_h || 2 * n->padding_w > n->kernel_w)
        return refuse(g, TCET_E_PLUGIN, op, "padding %d x %d is more than half the kernel %d x %d",
                      n->padding_h, n->padding_w, n->kernel_h, n->kernel_w);
    return shape_window(g, op, x, n);
}

static tcet_status shape_mul(struct graph *g, const tcet_op *op, const tcet_node *x,
                             const tcet_node *y)
{
    if (x->c != y->c || ((y->h != 1 || y->w != 1) && (y->h != x->h || y->w != x->w)))
        return refuse(g, TCET_E_PLUGIN, op, "shapes [%d, %d, %d] and [%d, %d, %d] do not multiply",
                      x->c, x->h, x->w, y->c, y->h, y->w);
    return TCET_OK;
}

/* Sum and concatenation: the inputs agree, in channels too where they are summed. */
static tcet_status shape_join(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    int64_t c = x->c;

    for (int32_t i = 1; i < op->input_count; i++) {
        const tcet_node *y = &g->nodes[op->inputs[i]];

        if (y->h != x->h || y->w != x->w || (op->op == TCET_OP_ADD && y->c != x->c))
            return refuse(g, TCET_E_PLUGIN, op,
                          "shapes [%d, %d, %d] and [%d, %d, %d] of inputs 1 and %d do not match",
                          x->c, x->h, x->w, y->c, y->h, y->w, i + 1);
        c += y->c;
    }
    if (op->op == TCET_OP_CONCAT) {
        if (c > INT32_MAX)
            return refuse(g, TCET_E_PLUGIN, op, "%lld channels are too many", (long long)c);
        n->c = (int32_t)c;
    }
    return TCET_OK;
}

static tcet_status shape_slice(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    n->c = op->channels ? op->channels : x->c - op->offset_c;
    n->h = x->h - op->offset_h;
    n->w = x->w - op->offset_w;
    if (n->c < 1 || n->h < 1 || n->w < 1 || (int64_t)op->offset_c + n->c > x->c)
        return refuse(g, TCET_E_PLUGIN, op,
                      "channels from %d, %d of them, rows from %d, columns from %d are outside the "
                      "input of shape [%d, %d, %d]",
                      op->offset_c, n->c, op->offset_h, op->offset_w, x->c, x->h, x->w);
    return TCET_OK;
}

/* Output shape of op into n, whose attributes are already op's; x is its first input. */
static tcet_status infer(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    switch (op->op) {
    case TCET_OP_INPUT:
        n->c = g->view.channels;
        n->h = g->view.height;
        n->w = g->view.width;
        if (n->c < 1 || n->h < 1 || n->w < 1)
            return refuse(g, TCET_E_ARG, op, "the task's input shape [%d, %d, %d] is empty", n->c,
                          n->h, n->w);
        return TCET_OK;
    case TCET_OP_CONV2D: return shape_conv(g, op, x, n);
    case TCET_OP_LINEAR:
        n->c = op->channels;
        n->h = n->w = 1;
        if (n->c < 1)
            return refuse(g, TCET_E_PLUGIN, op, "%d outputs, there must be at least 1", n->c);
        return TCET_OK;
    case TCET_OP_AVG_POOL:
    case TCET_OP_MAX_POOL: return shape_pool(g, op, x, n);
    case TCET_OP_GLOBAL_POOL:
        n->h = n->w = 1;
        return TCET_OK;
    case TCET_OP_ADD:
    case TCET_OP_CONCAT: return shape_join(g, op, x, n);
    case TCET_OP_MUL: return shape_mul(g, op, x, &g->nodes[op->inputs[1]]);
    case TCET_OP_ZERO:
        n->stride_h = or_one(n->stride_h);
        n->stride_w = or_one(n->stride_w);
        n->c = op->channels ? op->channels : x->c;
        n->h = (x->h - 1) / n->stride_h + 1;
        n->w = (x->w - 1) / n->stride_w + 1;
        return TCET_OK;
    case TCET_OP_SLICE: return shape_slice(g, op, x, n);
    case TCET_OP_PAD:
        if (op->padding_h > INT32_MAX - x->h || op->padding_w > INT32_MAX - x->w)
            return refuse(g, TCET_E_PLUGIN, op, "padding %d x %d is too large", op->padding_h,
                          op->padding_w);
        n->h = x->h + op->padding_h;
        n->w = x->w + op->padding_w;
        return TCET_OK;
    default: return TCET_OK; /* element by element: the input's shape */
    }
}

/* ---- parameters and costs ---- */

static uint32_t layer_kind(uint32_t op)
{
    switch (op) {
    case TCET_OP_CONV2D: return TCET_LAYER_CONV;
    case TCET_OP_LINEAR: return TCET_LAYER_LINEAR;
    case TCET_OP_BATCH_NORM: return TCET_LAYER_NORM;
    case TCET_OP_RELU:
    case TCET_OP_RELU6:
    case TCET_OP_SIGMOID:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH: return TCET_LAYER_ACTIVATION;
    case TCET_OP_INPUT: return TCET_LAYER_INPUT;
    default: return TCET_LAYER_OTHER;
    }
}

/* The weight that op needs into want; ndim stays 0 where it needs none. */
static void weight_of(const tcet_op *op, const tcet_node *x, const tcet_node *n,
                      tcet_graph_module *want)
{
    want->kind = layer_kind(op->op);
    if (op->op == TCET_OP_CONV2D) {
        want->ndim = 4;
        want->shape[0] = n->c;
        want->shape[1] = x->c / n->groups;
        want->shape[2] = n->kernel_h;
        want->shape[3] = n->kernel_w;
        want->bias_count = op->bias ? n->c : 0;
    } else if (op->op == TCET_OP_LINEAR) {
        want->ndim = 2;
        want->shape[0] = n->c;
        want->shape[1] = (int64_t)x->c * x->h * x->w;
        want->bias_count = op->bias ? n->c : 0;
    } else if (op->op == TCET_OP_BATCH_NORM && op->affine) {
        want->ndim = 1;
        want->shape[0] = want->bias_count = n->c;
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
    tcet_graph_module want = {0}, *m;

    weight_of(op, x, n, &want);
    if (!want.ndim) {
        if (op->module >= 0 && g->modules[op->module].kind == TCET_LAYER_OTHER)
            g->modules[op->module].kind = want.kind;
        return TCET_OK;
    }
    if (op->module < 0)
        return refuse(g, TCET_E_PLUGIN, op, "parameters need a module to belong to");
    want.weight_count = elements(want.shape, want.ndim);
    if (want.weight_count < 0)
        return refuse(g, TCET_E_PLUGIN, op, "the weight has too many elements");
    m = &g->modules[op->module];
    if (m->weight_count && !same_weight(m, &want))
        return refuse(g, TCET_E_PLUGIN, op,
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
        return refuse(g, TCET_E_ARG, op, "too many multiply-accumulates to count");
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

    if (g->err.status < 0)
        return g->err.status;
    if (parent < -1 || parent >= at)
        return error_set(&g->err, TCET_E_PLUGIN, "module \"%s\": there is no parent module %d",
                         name, parent);
    g->modules = graph_grow(g->modules, &g->module_cap, at + 1, sizeof *g->modules);
    g->costs = graph_grow(g->costs, &g->cost_cap, at + 1, sizeof *g->costs);
    g->modules[at] = (tcet_graph_module){.parent = parent,
                                         .index = index < 0 ? -1 : index,
                                         .name = name,
                                         .cell = g->cell,
                                         .layer = -1};
    g->costs[at] = (struct graph_cost){0};
    g->module_count++;
    return at;
}

static void build_cell(tcet_builder *b, int32_t cell)
{
    graph_of(b)->cell = cell;
}

/* How many inputs an operation takes: exactly, or at least where `least` is set. */
static int32_t input_count(uint32_t op, int *least)
{
    *least = op == TCET_OP_ADD || op == TCET_OP_CONCAT;
    return op == TCET_OP_INPUT ? 0 : op == TCET_OP_MUL ? 2 : 1;
}

static int any_negative(const tcet_op *op)
{
    return (op->channels | op->kernel_h | op->kernel_w | op->stride_h | op->stride_w |
            op->padding_h | op->padding_w | op->dilation_h | op->dilation_w | op->groups |
            op->offset_c | op->offset_h | op->offset_w) < 0;
}

static tcet_status check_op(struct graph *g, const tcet_op *op)
{
    int least;
    int32_t want;

    if (op->op < TCET_OP_INPUT || op->op > TCET_OP_SCALE)
        return error_set(&g->err, TCET_E_PLUGIN, "node %d: there is no operation %u",
                         g->node_count, op->op);
    if (op->module < -1 || op->module >= g->module_count)
        return error_set(&g->err, TCET_E_PLUGIN, "node %d (%s): there is no module %d",
                         g->node_count, op_names[op->op], op->module);
    want = input_count(op->op, &least);
    if (op->input_count < want || (op->input_count > want && !least))
        return refuse(g, TCET_E_PLUGIN, op, "%d inputs, there must be %s%d", op->input_count,
                      least ? "at least " : "", want);
    for (int32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] < 0 || op->inputs[i] >= g->node_count)
            return refuse(g, TCET_E_PLUGIN, op, "input %d is node %d, which does not exist yet",
                          i + 1, op->inputs[i]);
    if (any_negative(op))
        return refuse(g, TCET_E_PLUGIN, op, "an attribute is negative");
    return TCET_OK;
}

/* The node with op's attributes and, until infer() knows better, the input's shape. */
static void fill_node(const struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    *n = (tcet_node){
        .op = op->op,
        .module = op->module,
        .first_input = g->input_count,
        .input_count = op->input_count,
        .c = x ? x->c : 0,
        .h = x ? x->h : 0,
        .w = x ? x->w : 0,
        .kernel_h = op->kernel_h,
        .kernel_w = op->kernel_w,
        .stride_h = op->stride_h,
        .stride_w = op->stride_w,
        .padding_h = op->padding_h,
        .padding_w = op->padding_w,
        .dilation_h = op->dilation_h,
        .dilation_w = op->dilation_w,
        .groups = op->groups,
        .bias = op->bias != 0,
        .affine = op->affine != 0,
        .track = op->track != 0,
        .count_include_pad = op->count_include_pad != 0,
        .offset_c = op->offset_c,
        .offset_h = op->offset_h,
        .offset_w = op->offset_w,
        .eps = op->eps,
        .momentum = op->momentum,
    };
    if (op->op == TCET_OP_BATCH_NORM) {
        n->eps = op->eps != 0 ? op->eps : 1e-5;
        n->momentum = op->momentum != 0 ? op->momentum : 0.1;
    }
}

static int32_t build_add(tcet_builder *b, const tcet_op *given)
{
    struct graph *g = graph_of(b);
    const tcet_op *op = given;
    tcet_op copy;
    const tcet_node *x;
    tcet_node *n;
    int32_t at = g->node_count;

    if (g->err.status < 0)
        return g->err.status;
    if (given->struct_size != sizeof *given) { /* another minor: unknown fields are 0 */
        memset(&copy, 0, sizeof copy);
        memcpy(&copy, given,
               given->struct_size < sizeof copy ? given->struct_size : sizeof copy);
        op = &copy;
    }
    TRY(check_op(g, op));
    g->nodes = graph_grow(g->nodes, &g->node_cap, at + 1, sizeof *g->nodes);
    g->inputs = graph_grow(g->inputs, &g->input_cap, g->input_count + op->input_count,
                           sizeof *g->inputs);
    x = op->input_count ? &g->nodes[op->inputs[0]] : NULL;
    n = &g->nodes[at];
    fill_node(g, op, x, n);
    TRY(infer(g, op, x, n));
    if ((int64_t)n->h * n->w > MAX_ELEMENTS / n->c)
        return refuse(g, TCET_E_ARG, op, "the output of shape [%d, %d, %d] is too large", n->c,
                      n->h, n->w);
    TRY(own_weight(g, op, x, n));
    if (op->op == TCET_OP_CONV2D || op->op == TCET_OP_LINEAR)
        TRY(count_node(g, op, n));
    for (int32_t i = 0; i < op->input_count; i++)
        g->inputs[g->input_count++] = op->inputs[i];
    g->node_count++;
    return at;
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
                                .status = build_status};
}
