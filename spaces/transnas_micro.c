/* transnas_micro.c -- TransNAS-Bench-101, micro level: one cell of six edges in a fixed
 * network, 4,096 architectures (Duan et al., CVPR 2021).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encodings: the official 64-41414-a_bc_def, which is printed, and NASLib's (a, b, c, d, e, f). */
#include "family/cell.h"
#include "family/choices.h"
#include "family/transnas.h"

enum { NONE, SKIP, CONV1, CONV3, OPS };
enum { MODULES = 5 };

struct micro {
    struct choices_space base;
    int32_t task, reading;
    int32_t said; /* that an encoding is NASLib's */
};

static const char *const op_names[OPS] = {"none", "skip", "conv1", "conv3"};
static const char pattern[] = "64-41414-0_00_000"; /* 0: any operation */

static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *ops)
{
    int32_t e = 0;

    if (*text == '(' || *text == '[')
        return space_digits(cx, text, OPS, ops, CELL_EDGES);
    for (size_t i = 0; i < sizeof pattern; i++) {
        int32_t is_op = pattern[i] == '0';

        if (is_op && text[i] >= '0' && text[i] < '0' + OPS)
            ops[e++] = text[i] - '0';
        else if (is_op || text[i] != pattern[i])
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: \"%.8s\" does not fit 64-41414-a_bc_def with the "
                              "operations 0 none, 1 skip, 2 conv 1x1, 3 conv 3x3",
                              i + 1, text + i);
    }
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *ops, char *text, size_t cap)
{
    char out[sizeof pattern];
    int32_t e = 0;

    for (size_t i = 0; i < sizeof pattern; i++)
        out[i] = pattern[i] == '0' ? (char)('0' + ops[e++]) : pattern[i];
    return space_put(cx, text, cap, out, sizeof pattern - 1);
}

static const int32_t sizes[CELL_EDGES] = {OPS, OPS, OPS, OPS, OPS, OPS};
static const struct choices micro = {CELL_EDGES, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    (void)cx;
    ((struct choices_space *)self)->choices = &micro;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    const struct micro *m = self;

    (void)cx;
    transnas_task(m->task, m->reading, out);
    return TCET_OK;
}

/* As for NAS-Bench-201, except that a skip from the input is no identity in every cell: where
 * size or channels change it is a factorized reduction. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    uint32_t from_input = 0;
    int32_t ops[CELL_EDGES];
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
    for (int32_t e = 0; e < CELL_EDGES; e++)
        from_input |= (uint32_t)(cell_from[e] == 0) << e;
    return cell_key(cx, ops, NONE, cell_edges_of(ops, SKIP) & ~from_input, op_names, key, cap);
}

static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    int32_t ops[CELL_EDGES];
    tcet_status st = parse(cx, text, ops);

    if (st < 0)
        return st;
    space_say_digits(cx, &((struct micro *)self)->said, text, "0-1, 0-2, 1-2, 0-3, 1-3, 2-3");
    cell_traits(ops, NONE, cell_edges_of(ops, CONV1) | cell_edges_of(ops, CONV3), out);
    return TCET_OK;
}

/* Two strided 1x1 convolutions, the second on the input moved by one pixel, side by side. */
static int32_t add_factorized_reduce(struct transnas *t, int32_t module, int32_t x,
                                     int32_t channels, int32_t stride)
{
    tcet_builder *b = t->b;
    int32_t halves[2], moved;
    tcet_op o;

    x = tcet_add_op(b, TCET_OP_RELU, transnas_module(t, module, "relu", -1), x);
    o = tcet_op_from(TCET_OP_PAD, transnas_module(t, module, "pad", -1), &x, 1);
    o.padding_h = o.padding_w = 1;
    moved = b->add(b, &o);
    o = tcet_op_from(TCET_OP_SLICE, -1, &moved, 1);
    o.offset_h = o.offset_w = 1;
    moved = b->add(b, &o);
    halves[0] =
        transnas_conv(t, transnas_module(t, module, "convs", 0), x, channels / 2, 1, stride);
    halves[1] = transnas_conv(t, transnas_module(t, module, "convs", 1), moved,
                              channels - channels / 2, 1, stride);
    o = tcet_op_from(TCET_OP_CONCAT, -1, halves, 2);
    return tcet_add_norm(b, transnas_module(t, module, "bn", -1), b->add(b, &o));
}

static int32_t add_edge(struct transnas *t, int32_t module, int32_t op, int32_t x,
                        int32_t in_channels, int32_t channels, int32_t stride)
{
    tcet_op o;

    if (op == CONV1 || op == CONV3)
        return transnas_relu_conv_norm(t, module, x, channels, op == CONV1 ? 1 : 3, stride);
    if (op == SKIP && (stride != 1 || in_channels != channels))
        return add_factorized_reduce(t, module, x, channels, stride);
    o = tcet_op_from(op == SKIP ? TCET_OP_IDENTITY : TCET_OP_ZERO, module, &x, 1);
    if (op == NONE) {
        o.stride_h = o.stride_w = stride;
        o.channels = channels;
    }
    return t->b->add(t->b, &o);
}

static int32_t add_cell(struct transnas *t, int32_t module, const int32_t *ops, int32_t x,
                        int32_t in_channels, int32_t channels, int32_t stride)
{
    tcet_builder *b = t->b;
    int32_t node[CELL_NODES] = {x}, terms[CELL_NODES], n = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++) {
        int32_t from = cell_from[e], to = cell_to[e];

        terms[n++] = add_edge(t, transnas_module(t, module, "edges", e), ops[e], node[from],
                              from ? channels : in_channels, channels, from ? 1 : stride);
        if (e + 1 == CELL_EDGES || cell_to[e + 1] != to) {
            node[to] = n == 1 ? terms[0] : tcet_add_sum(b, -1, terms, n);
            n = 0;
        }
    }
    return node[CELL_NODES - 1];
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    static const int32_t macro[MODULES] = {4, 1, 4, 1, 4};
    const struct micro *m = self;
    int32_t ops[CELL_EDGES];
    const struct transnas_encoder e = {macro, MODULES, ops, add_cell};
    tcet_status st = parse(cx, text, ops);

    return st < 0 ? st : transnas_build(cx, b, m->task, m->reading, &e, task);
}

static const tcet_param params[] = {
    TRANSNAS_PARAMS(struct micro),
};

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_task,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
};

static const tcet_plugin transnas_micro = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "transnas_micro",
    .version = "1.0.0",
    .summary = "TransNAS-Bench-101 micro: 4,096 cells of six edges",
    .cite = "Duan et al., TransNAS-Bench-101, CVPR 2021",
    TCET_PARAMS(struct micro, params),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&transnas_micro)
