/* shape.c -- the table of operations (ops.def), and what each makes of the shapes it is given, by
 * PyTorch's rules, with the words for what does not fit.
 * Room: core/graph.  Stands on core/base and the SDK. */
#include "graph/internal.h"

#include <stdio.h>

#define OP(suffix, text, count, least, rule, layer, parameters, site, zeros) \
    static tcet_status rule(struct graph *, const tcet_op *, const tcet_node *, tcet_node *);
#include "graph/ops.def"
#undef OP

static const struct graph_op rows[TCET_OPS] = {
#define OP(suffix, text, count, least, rule, layer, parameters, site, zeros) \
    [TCET_OP_##suffix] = {.name = text,                                      \
                          .inputs = count,                                   \
                          .at_least = least,                                 \
                          .shape = rule,                                     \
                          .kind = TCET_LAYER_##layer,                        \
                          .weight = GRAPH_WEIGHT_##parameters,               \
                          .activation = site,                                \
                          .zero = GRAPH_ZERO_##zeros},
#include "graph/ops.def"
#undef OP
};

/* Row k is operation k + 1, so that none is forgotten or stands twice. */
enum {
#define OP(suffix, ...) ROW_##suffix,
#include "graph/ops.def"
#undef OP
    ROWS
};
#define OP(suffix, ...) \
    _Static_assert(ROW_##suffix + 1 == TCET_OP_##suffix, "ops.def: " #suffix " is out of place");
#include "graph/ops.def"
#undef OP
_Static_assert(ROWS + 1 == TCET_OPS, "ops.def lacks a row");

const struct graph_op *graph_op(uint32_t op)
{
    return op >= 1 && op < TCET_OPS ? &rows[op] : NULL;
}

/* The rule of what a module holds. */
static uint32_t weight_rule(const tcet_graph_module *m)
{
    for (uint32_t op = 1; op < TCET_OPS; op++)
        if (rows[op].kind == m->kind)
            return rows[op].weight;
    return GRAPH_WEIGHT_NONE;
}

int graph_is_norm(const tcet_graph_module *m)
{
    return weight_rule(m) == GRAPH_WEIGHT_NORM;
}

int graph_is_layer(const tcet_graph_module *m)
{
    uint32_t rule = weight_rule(m);

    return rule == GRAPH_WEIGHT_CONV || rule == GRAPH_WEIGHT_LINEAR;
}

int graph_is_drawn(const tcet_graph_module *m)
{
    return graph_is_layer(m) || weight_rule(m) == GRAPH_WEIGHT_TRANSPOSED;
}

tcet_status graph_refuse(struct graph *g, tcet_status code, const tcet_op *op, const char *format,
                         ...)
{
    char where[384], name[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(g->err.text, sizeof g->err.text, format, ap);
    va_end(ap);
    g->err.status = code;
    if (op->module >= 0)
        snprintf(where, sizeof where,
                 "%s (%s): ", graph_module_name(g, op->module, name, sizeof name),
                 graph_op(op->op)->name);
    else
        snprintf(where, sizeof where, "node %d (%s): ", g->node_count, graph_op(op->op)->name);
    return error_prefix(&g->err, "%s", where);
}

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
        return graph_refuse(g, TCET_E_PLUGIN, op,
                            "the kernel is %d x %d, it must be at least 1 x 1", n->kernel_h,
                            n->kernel_w);
    if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
        return graph_refuse(g, TCET_E_ARG, op,
                            "a kernel of %d x %d does not fit the input of shape [%d, %d, %d]",
                            n->kernel_h, n->kernel_w, x->c, x->h, x->w);
    n->h = (int32_t)h;
    n->w = (int32_t)w;
    return TCET_OK;
}

/* Fills in what a convolution of either direction leaves out; its channels and groups fit. */
static tcet_status conv_defaults(struct graph *g, const tcet_op *op, const tcet_node *x,
                                 tcet_node *n)
{
    n->stride_h = or_one(n->stride_h);
    n->stride_w = or_one(n->stride_w);
    n->dilation_h = or_one(n->dilation_h);
    n->dilation_w = or_one(n->dilation_w);
    n->groups = or_one(n->groups);
    n->c = op->channels ? op->channels : x->c;
    if (x->c % n->groups || n->c % n->groups)
        return graph_refuse(
            g, TCET_E_PLUGIN, op,
            "%d groups divide neither or only one of %d input and %d output channels", n->groups,
            x->c, n->c);
    return TCET_OK;
}

static tcet_status shape_conv(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    tcet_status st = conv_defaults(g, op, x, n);

    return st < 0 ? st : shape_window(g, op, x, n);
}

/* Its weight is learned wherever it stands. */
static tcet_status shape_conv_transpose(struct graph *g, const tcet_op *op, const tcet_node *x,
                                        tcet_node *n)
{
    tcet_status st = conv_defaults(g, op, x, n);
    int64_t h, w;

    if (st < 0)
        return st;
    n->affine = 1;
    if (n->kernel_h < 1 || n->kernel_w < 1 || n->offset_h >= n->stride_h ||
        n->offset_w >= n->stride_w)
        return graph_refuse(
            g, TCET_E_PLUGIN, op,
            "a kernel of %d x %d with %d and %d more rows and columns, which must be "
            "fewer than the stride %d x %d",
            n->kernel_h, n->kernel_w, n->offset_h, n->offset_w, n->stride_h, n->stride_w);
    h = (int64_t)n->stride_h * (x->h - 1) - 2 * (int64_t)n->padding_h +
        (int64_t)n->dilation_h * (n->kernel_h - 1) + n->offset_h + 1;
    w = (int64_t)n->stride_w * (x->w - 1) - 2 * (int64_t)n->padding_w +
        (int64_t)n->dilation_w * (n->kernel_w - 1) + n->offset_w + 1;
    if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
        return graph_refuse(g, TCET_E_ARG, op,
                            "a kernel of %d x %d makes nothing of the input of shape [%d, %d, %d]",
                            n->kernel_h, n->kernel_w, x->c, x->h, x->w);
    n->h = (int32_t)h;
    n->w = (int32_t)w;
    return TCET_OK;
}

static tcet_status shape_pool(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    enum { MOST = 1 << 24 }; /* places in a window: as many as a float tells apart */

    n->stride_h = n->stride_h ? n->stride_h : n->kernel_h;
    n->stride_w = n->stride_w ? n->stride_w : n->kernel_w;
    n->dilation_h = n->dilation_w = 1;
    if ((int64_t)n->kernel_h * n->kernel_w > MOST)
        return graph_refuse(g, TCET_E_PLUGIN, op, "a kernel of %d x %d has more than %d places",
                            n->kernel_h, n->kernel_w, MOST);
    if (n->padding_h > n->kernel_h / 2 || n->padding_w > n->kernel_w / 2)
        return graph_refuse(g, TCET_E_PLUGIN, op,
                            "padding %d x %d is more than half the kernel %d x %d", n->padding_h,
                            n->padding_w, n->kernel_h, n->kernel_w);
    return shape_window(g, op, x, n);
}

static tcet_status shape_mul(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    const tcet_node *y = &g->nodes[op->inputs[1]];

    (void)n;
    if (x->c != y->c || ((y->h != 1 || y->w != 1) && (y->h != x->h || y->w != x->w)))
        return graph_refuse(g, TCET_E_PLUGIN, op,
                            "shapes [%d, %d, %d] and [%d, %d, %d] do not multiply", x->c, x->h,
                            x->w, y->c, y->h, y->w);
    return TCET_OK;
}

/* Inputs that are joined agree in height and width, and in channels where `channels`. */
static tcet_status check_join(struct graph *g, const tcet_op *op, const tcet_node *x, int channels)
{
    for (int32_t i = 1; i < op->input_count; i++) {
        const tcet_node *y = &g->nodes[op->inputs[i]];

        if (y->h != x->h || y->w != x->w || (channels && y->c != x->c))
            return graph_refuse(
                g, TCET_E_PLUGIN, op,
                "shapes [%d, %d, %d] and [%d, %d, %d] of inputs 1 and %d do not match", x->c, x->h,
                x->w, y->c, y->h, y->w, i + 1);
    }
    return TCET_OK;
}

static tcet_status shape_add(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    (void)n;
    return check_join(g, op, x, 1);
}

static tcet_status shape_concat(struct graph *g, const tcet_op *op, const tcet_node *x,
                                tcet_node *n)
{
    int64_t c = 0;

    TRY(check_join(g, op, x, 0));
    for (int32_t i = 0; i < op->input_count; i++)
        c += g->nodes[op->inputs[i]].c;
    if (c > INT32_MAX)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%lld channels are too many", (long long)c);
    n->c = (int32_t)c;
    return TCET_OK;
}

static tcet_status shape_slice(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    n->c = op->channels ? op->channels : x->c - op->offset_c;
    n->h = x->h - op->offset_h;
    n->w = x->w - op->offset_w;
    if (n->c < 1 || n->h < 1 || n->w < 1 || (int64_t)op->offset_c + n->c > x->c)
        return graph_refuse(
            g, TCET_E_PLUGIN, op,
            "channels from %d, %d of them, rows from %d, columns from %d are outside the "
            "input of shape [%d, %d, %d]",
            op->offset_c, n->c, op->offset_h, op->offset_w, x->c, x->h, x->w);
    return TCET_OK;
}

/* Element by element: the input's shape, which n has already. */
static tcet_status shape_same(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    (void)g;
    (void)op;
    (void)x;
    (void)n;
    return TCET_OK;
}

static tcet_status shape_norm(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    (void)g;
    (void)x;
    n->eps = op->eps != 0 ? op->eps : 1e-5;
    n->momentum = op->momentum != 0 ? op->momentum : 0.1;
    return TCET_OK;
}

static tcet_status shape_input(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    (void)x;
    n->c = g->view.channels;
    n->h = g->view.height;
    n->w = g->view.width;
    if (n->c < 1 || n->h < 1 || n->w < 1)
        return graph_refuse(g, TCET_E_ARG, op, "the task's input shape [%d, %d, %d] is empty", n->c,
                            n->h, n->w);
    return TCET_OK;
}

static tcet_status shape_linear(struct graph *g, const tcet_op *op, const tcet_node *x,
                                tcet_node *n)
{
    (void)x;
    n->c = op->channels;
    n->h = n->w = 1;
    if (n->c < 1)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%d outputs, there must be at least 1", n->c);
    return TCET_OK;
}

static tcet_status shape_global_pool(struct graph *g, const tcet_op *op, const tcet_node *x,
                                     tcet_node *n)
{
    (void)g;
    (void)op;
    (void)x;
    n->h = n->w = 1;
    return TCET_OK;
}

static tcet_status shape_zero(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    (void)g;
    n->stride_h = or_one(n->stride_h);
    n->stride_w = or_one(n->stride_w);
    n->c = op->channels ? op->channels : x->c;
    n->h = (x->h - 1) / n->stride_h + 1;
    n->w = (x->w - 1) / n->stride_w + 1;
    return TCET_OK;
}

static tcet_status shape_pad(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    if (op->padding_h > INT32_MAX - x->h || op->padding_w > INT32_MAX - x->w)
        return graph_refuse(g, TCET_E_PLUGIN, op, "padding %d x %d is too large", op->padding_h,
                            op->padding_w);
    n->h = x->h + op->padding_h;
    n->w = x->w + op->padding_w;
    return TCET_OK;
}

/* Do `groups` heads share the channels in equal parts? */
static tcet_status check_heads(struct graph *g, const tcet_op *op, int32_t channels, tcet_node *n)
{
    n->groups = or_one(n->groups);
    if (channels % n->groups)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%d groups do not divide %d channels", n->groups,
                            channels);
    return TCET_OK;
}

static tcet_status shape_matmul_t(struct graph *g, const tcet_op *op, const tcet_node *x,
                                  tcet_node *n)
{
    const tcet_node *y = &g->nodes[op->inputs[1]];
    int64_t c;

    TRY(check_heads(g, op, x->c, n));
    if (x->c != y->c)
        return graph_refuse(g, TCET_E_PLUGIN, op,
                            "shapes [%d, %d, %d] and [%d, %d, %d] differ in channels", x->c, x->h,
                            x->w, y->c, y->h, y->w);
    c = (int64_t)y->h * y->w * n->groups;
    if (c > INT32_MAX)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%lld channels are too many", (long long)c);
    n->c = (int32_t)c;
    return TCET_OK;
}

static tcet_status shape_matmul(struct graph *g, const tcet_op *op, const tcet_node *x,
                                tcet_node *n)
{
    const tcet_node *y = &g->nodes[op->inputs[1]];
    int64_t tokens = (int64_t)y->h * y->w;

    TRY(check_heads(g, op, y->c, n));
    if (x->c != tokens * n->groups)
        return graph_refuse(g, TCET_E_PLUGIN, op,
                            "the first input has %d channels, it must have %d groups of %lld, one "
                            "a position of the second of shape [%d, %d, %d]",
                            x->c, n->groups, (long long)tokens, y->c, y->h, y->w);
    n->c = y->c;
    return TCET_OK;
}

/* Element by element, over the channels of heads. */
static tcet_status shape_heads(struct graph *g, const tcet_op *op, const tcet_node *x, tcet_node *n)
{
    return check_heads(g, op, x->c, n);
}

/* Its numbers, as channels. */
static tcet_status shape_parameter(struct graph *g, const tcet_op *op, const tcet_node *x,
                                   tcet_node *n)
{
    int64_t count = 1;

    (void)x;
    if (op->extent_count < 1 || op->extent_count > 4)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%d extents, there must be 1 to 4",
                            op->extent_count);
    for (int32_t k = 0; k < op->extent_count; k++)
        if (op->extents[k] < 1 || __builtin_mul_overflow(count, op->extents[k], &count) ||
            count > INT32_MAX)
            return graph_refuse(g, TCET_E_PLUGIN, op, "extent %lld is empty or too large",
                                (long long)op->extents[k]);
    n->c = (int32_t)count;
    n->h = n->w = 1;
    return TCET_OK;
}

/* Every index is -1 or a place of the input. */
static tcet_status shape_arrange(struct graph *g, const tcet_op *op, const tcet_node *x,
                                 tcet_node *n)
{
    int64_t places = (int64_t)op->kernel_h * op->kernel_w, from = (int64_t)x->h * x->w;

    if (op->channels) {
        from *= x->c;
        if (__builtin_mul_overflow(places, op->channels, &places))
            places = -1;
    }
    if (places < 1 || places != op->index_count || !op->index)
        return graph_refuse(g, TCET_E_PLUGIN, op, "%lld indices for shape [%d, %d, %d]",
                            (long long)op->index_count, op->channels, op->kernel_h, op->kernel_w);
    for (int64_t k = 0; k < places; k++)
        if (op->index[k] < -1 || op->index[k] >= from)
            return graph_refuse(g, TCET_E_PLUGIN, op, "index %lld is %d, of %lld places",
                                (long long)k, op->index[k], (long long)from);
    n->c = op->channels ? op->channels : x->c;
    n->h = op->kernel_h;
    n->w = op->kernel_w;
    return graph_keep_index(g, op, n);
}
