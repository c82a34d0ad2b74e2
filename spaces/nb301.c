/* nb301.c -- the DARTS space as NAS-Bench-301 scores it: a normal and a reduction cell of four
 * nodes with two inputs each, seven operations, 1.08e18 architectures (Liu et al., ICLR 2019;
 * Zela et al., ICLR 2022).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encodings: the official Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4,
 * 5], reduce=...), also with concat=range(2, 6) as its own code prints it, and NASLib's pairs of input and operation, (((0, 3), (1, 3), ...), (...)).
 * Printed is the first.  The order of a node's two inputs is kept in the network: it is the
 * order in which weights are drawn. */
#include "family/choices.h"
#include "family/genotype.h"

#include <stdio.h>
#include <string.h>

enum { MAX_POOL, AVG_POOL, SKIP, SEP3, SEP5, DIL3, DIL5, OPS };
enum { CELLS = DARTS_CELLS, NODES = GENOTYPE_NODES, EDGES = GENOTYPE_EDGES };
enum { PLACES = CELLS * NODES * 3 };

struct nb301 {
    struct choices_space base;
    int64_t channels, layers;
    int32_t reading;
};

enum { OFFICIAL, NASLIB };
static const char *const readings[] = {"official", "naslib", NULL};

static const char *const op_names[OPS] = {"max_pool_3x3", "avg_pool_3x3", "skip_connect",
                                          "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3",
                                          "dil_conv_5x5"};

/* ---- encodings ---- */

/* Number of the pair a < b among the pairs of 0 .. inputs-1, and back. */
static int32_t pair_number(int32_t a, int32_t b, int32_t inputs)
{
    return a * (2 * inputs - a - 1) / 2 + b - a - 1;
}

static void pair_of(int32_t number, int32_t inputs, int32_t *a, int32_t *b)
{
    for (*a = 0; number >= inputs - 1 - *a; ++*a)
        number -= inputs - 1 - *a;
    *b = *a + 1 + number;
}

/* Three places a node: its pair of inputs, and the operations on the lower and the higher. */
static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *choice)
{
    struct genotype g;
    tcet_status st = genotype_parse(cx, text, op_names, OPS, &g);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < CELLS; i++)
        for (int32_t node = 0; node < NODES; node++, choice += 3) {
            const int32_t *in = &g.cell[i].input[2 * node], *op = &g.cell[i].op[2 * node];
            int32_t low = in[0] < in[1] ? 0 : 1;

            choice[0] = pair_number(in[low], in[!low], 2 + node);
            choice[1] = op[low];
            choice[2] = op[!low];
        }
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap)
{
    char out[1024];
    size_t at = (size_t)snprintf(out, sizeof out, "Genotype(");

    for (int32_t i = 0; i < CELLS; i++) {
        at +=
            (size_t)snprintf(out + at, sizeof out - at, "%s%s=[", i ? ", " : "", genotype_cells[i]);
        for (int32_t node = 0; node < NODES; node++, choice += 3) {
            int32_t a, b;

            pair_of(choice[0], 2 + node, &a, &b);
            at +=
                (size_t)snprintf(out + at, sizeof out - at, "%s('%s', %d), ('%s', %d)",
                                 node ? ", " : "", op_names[choice[1]], a, op_names[choice[2]], b);
        }
        at += (size_t)snprintf(out + at, sizeof out - at, "], %s_concat=[2, 3, 4, 5]",
                               genotype_cells[i]);
    }
    at += (size_t)snprintf(out + at, sizeof out - at, ")");
    return space_put(cx, text, cap, out, at);
}

static const int32_t sizes[PLACES] = {1, OPS, OPS, 3, OPS, OPS, 6, OPS, OPS, 10, OPS, OPS,
                                      1, OPS, OPS, 3, OPS, OPS, 6, OPS, OPS, 10, OPS, OPS};
static const struct choices darts = {PLACES, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    (void)cx;
    ((struct choices_space *)self)->choices = &darts;
    return TCET_OK;
}

static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    char out[CELLS * DARTS_KEY_MAX];
    struct genotype g;
    tcet_status st = genotype_parse(cx, text, op_names, OPS, &g);

    (void)self;
    if (st < 0)
        return st;
    darts_cell_key(&g.cell[DARTS_NORMAL], out);
    darts_cell_key(&g.cell[DARTS_REDUCE], out + strlen(out));
    return space_put(cx, key, cap, out, strlen(out));
}

/* depth: convolutions among the 16 operations. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct genotype g;
    tcet_status st = genotype_parse(cx, text, op_names, OPS, &g);

    (void)self;
    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = 0;
    for (int32_t i = 0; i < CELLS * EDGES; i++)
        out->depth += g.cell[i / EDGES].op[i % EDGES] >= SEP3;
    return TCET_OK;
}

/* ---- the network ---- */

/* A pool; NASLib puts a norm after it, and neither has a name there. */
static int32_t add_pool(tcet_builder *b, uint32_t op, int32_t module, int32_t x, int32_t stride,
                        int32_t naslib)
{
    if (!naslib)
        return tcet_add_pool(b, op, module, x, 3, stride, 1);
    x = tcet_add_pool(b, op, b->module(b, module, "pool", 0), x, 3, stride, 1);
    return darts_norm(b, b->module(b, module, "pool", 1), x, 0);
}

static int32_t add_one_op(tcet_builder *b, int32_t module, int32_t op, int32_t x, int32_t channels,
                          int32_t stride, int32_t naslib)
{
    switch (op) {
    case MAX_POOL: return add_pool(b, TCET_OP_MAX_POOL, module, x, stride, naslib);
    case AVG_POOL: return add_pool(b, TCET_OP_AVG_POOL, module, x, stride, naslib);
    case SEP3: return darts_sep_conv(b, module, x, channels, 3, stride, 1, !naslib);
    case SEP5: return darts_sep_conv(b, module, x, channels, 5, stride, 1, !naslib);
    case DIL3: return darts_separable(b, module, 0, x, channels, 3, stride, 2, !naslib);
    case DIL5: return darts_separable(b, module, 0, x, channels, 5, stride, 2, !naslib);
    default:
        return stride == 1 ? tcet_add_op(b, TCET_OP_IDENTITY, module, x)
                           : darts_factorized_reduce(b, module, x, channels, 0, !naslib);
    }
}

static int32_t add_official(tcet_builder *b, int32_t module, int32_t op, int32_t x,
                            int32_t channels, int32_t stride)
{
    return add_one_op(b, module, op, x, channels, stride, 0);
}

static int32_t add_naslib(tcet_builder *b, int32_t module, int32_t op, int32_t x, int32_t channels,
                          int32_t stride)
{
    return add_one_op(b, module, op, x, channels, stride, 1);
}

/* NetworkCIFAR without its auxiliary head. */
static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    const struct nb301 *s = self;
    struct genotype g;
    struct darts_network net = {g.cell, (int32_t)s->channels, (int32_t)s->layers,
                                .add_op = s->reading == NASLIB ? add_naslib : add_official};
    tcet_status st = genotype_parse(cx, text, op_names, OPS, &g);
    int32_t x;

    if (st < 0)
        return st;
    x = darts_build(b, &net);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, b->module(b, -1, "global_pooling", -1), x);
    b->output(b, tcet_add_linear(b, b->module(b, -1, "classifier", -1), x, task->classes, 1));
    return b->status(b);
}

static const tcet_param params[] = {
    TCET_PARAM_I64(struct nb301, channels, "32", 1, 1024, "channels of the first cell"),
    TCET_PARAM_I64(struct nb301, layers, "8", 3, 64, "number of cells"),
    TCET_PARAM_CHOICE(struct nb301, reading, "official", readings,
                      "official: DARTS's network; naslib: norms of operations without scale and "
                      "shift, and one after each pool, as NAS-Bench-Suite-Zero scored"),
};

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_cifar10_task,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
};

static const tcet_plugin nb301 = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nb301",
    .version = "1.0.0",
    .summary = "DARTS space as in NAS-Bench-301: a normal and a reduction cell",
    .cite = "Liu et al., DARTS, ICLR 2019; Zela et al., NAS-Bench-301, ICLR 2022",
    TCET_PARAMS(struct nb301, params),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&nb301)
