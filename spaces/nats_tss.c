/* nats_tss.c -- NATS-Bench's topology space, which is NAS-Bench-201: cells of four nodes and
 * six edges, five operations, 15,625 architectures (Dong and Yang, ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encodings: the official |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, which is printed, and NASLib's tuple of
 * six numbers. */
#include "family/choices.h"
#include "family/nats.h"
#include "family/nats_tss_order.inc"

#include <string.h>

enum { SIZE = 15625, TEXT = 128 };

_Static_assert(sizeof nats_tss_order / sizeof nats_tss_order[0] == SIZE, "one code a cell");

struct tss {
    struct choices_space base;
    int32_t dataset, reading;
    uint16_t index[SIZE]; /* official index of a code */
    int32_t said;         /* that an encoding is NASLib's */
};

enum { OFFICIAL, ZERO_COST_NAS, NASLIB };
static const char *const readings[] = {
    [OFFICIAL] = "official", [ZERO_COST_NAS] = "zero_cost_nas", [NASLIB] = "naslib", NULL};

static const char *const op_names[NATS_OPS] = {"none", "skip_connect", "nor_conv_1x1",
                                               "nor_conv_3x3", "avg_pool_3x3"};
static const size_t op_lengths[NATS_OPS] = {4, 12, 12, 12, 12};

/* ---- encodings ---- */

/* A cell as one number: its operations as digits to base 5, first edge first. */
static int32_t code_of(const int32_t *ops)
{
    int32_t code = 0;

    for (int32_t e = 0; e < CELL_EDGES; e++)
        code = code * NATS_OPS + ops[e];
    return code;
}

static void ops_of(int32_t code, int32_t *ops)
{
    for (int32_t e = CELL_EDGES; e-- > 0; code /= NATS_OPS)
        ops[e] = code % NATS_OPS;
}

static tcet_status expect(tcet_ctx *cx, const char *text, const char *at, char want)
{
    if (*at == want)
        return TCET_OK;
    if (!want)
        return tcet_failf(cx, TCET_E_ARG,
                          "position %zu: nothing is expected after the cell, not \"%.8s\"",
                          (size_t)(at - text) + 1, at);
    if (!*at)
        return tcet_failf(cx, TCET_E_ARG, "position %zu: the encoding ends where '%c' is expected",
                          (size_t)(at - text) + 1, want);
    return tcet_failf(cx, TCET_E_ARG, "position %zu: '%c' is expected, not \"%.8s\"",
                      (size_t)(at - text) + 1, want, at);
}

/* Reads "op~K" at *at, K being the edge's input node. */
static tcet_status parse_edge(tcet_ctx *cx, const char *text, const char **at, int32_t from,
                              int32_t *out)
{
    size_t n = strcspn(*at, "~|+");
    const char *rest = *at + n;
    int32_t op = 0;

    while (op < NATS_OPS && (n != op_lengths[op] || memcmp(*at, op_names[op], n) != 0))
        op++;
    if (op == NATS_OPS)
        return space_unknown(cx, (size_t)(*at - text) + 1, "operation", *at, n, op_names, NATS_OPS);
    if (rest[0] != '~' || rest[1] != '0' + from)
        return tcet_failf(cx, TCET_E_ARG,
                          "position %zu: \"~%d\" is expected, the node this edge comes from",
                          (size_t)(rest - text) + 1, from);
    *at = rest + 2;
    *out = op;
    return TCET_OK;
}

/* NASLib's "(4, 0, 3, 1, 4, 3)": its numbers of the operations, of the edges 1<-0, 2<-0, 3<-0, 2<-1,
 * 3<-1, 3<-2. */
static tcet_status parse_naslib(tcet_ctx *cx, const char *text, int32_t *ops)
{
    static const int32_t names[NATS_OPS] = {NATS_SKIP, NATS_NONE, NATS_CONV3, NATS_CONV1, NATS_AVG};
    static const int32_t edges[CELL_EDGES] = {0, 1, 3, 2, 4, 5};
    int32_t number[CELL_EDGES];
    tcet_status st = space_digits(cx, text, NATS_OPS, number, CELL_EDGES);

    for (int32_t i = 0; i < CELL_EDGES && st == TCET_OK; i++)
        ops[edges[i]] = names[number[i]];
    return st;
}

/* "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|" */
static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *ops)
{
    const char *at = text;
    tcet_status st;

    if (*text == '(' || *text == '[')
        return parse_naslib(cx, text, ops);
    for (int32_t e = 0; e < CELL_EDGES; e++) {
        if (cell_from[e] == 0) { /* the first edge of a node */
            if (e > 0 && (st = expect(cx, text, at++, '+')) < 0)
                return st;
            if ((st = expect(cx, text, at++, '|')) < 0)
                return st;
        }
        if ((st = parse_edge(cx, text, &at, cell_from[e], &ops[e])) < 0 ||
            (st = expect(cx, text, at++, '|')) < 0)
            return st;
    }
    return expect(cx, text, at, '\0');
}

static tcet_status print(tcet_ctx *cx, const int32_t *ops, char *text, size_t cap)
{
    char out[TEXT], *p = out;

    for (int32_t e = 0; e < CELL_EDGES; e++) {
        if (cell_from[e] == 0) {
            if (e > 0)
                *p++ = '+';
            *p++ = '|';
        }
        memcpy(p, op_names[ops[e]], op_lengths[ops[e]]);
        p += op_lengths[ops[e]];
        *p++ = '~';
        *p++ = (char)('0' + cell_from[e]);
        *p++ = '|';
    }
    return space_put(cx, text, cap, out, (size_t)(p - out));
}

static const int32_t sizes[CELL_EDGES] = {NATS_OPS, NATS_OPS, NATS_OPS,
                                          NATS_OPS, NATS_OPS, NATS_OPS};
static const struct choices tss = {CELL_EDGES, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    struct tss *s = self;

    (void)cx;
    s->base.choices = &tss;
    for (int32_t i = 0; i < SIZE; i++)
        s->index[nats_tss_order[i]] = (uint16_t)i;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx;
    nats_task(((struct tss *)self)->dataset, out);
    return TCET_OK;
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    int32_t ops[CELL_EDGES];

    (void)self;
    if (index < 0 || index >= SIZE)
        return tcet_failf(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %d",
                          (long long)index, SIZE - 1);
    ops_of(nats_tss_order[index], ops);
    return print(cx, ops, text, cap);
}

/* Cells with one key compute the same function of the same weights as drawn; the weights that
 * never reach the output, and so the parameter count, may differ.  5,390 keys.  In zero_cost_nas too,
 * where a norm makes a bias zero, but for Synflow, which has no norms. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    int32_t ops[CELL_EDGES];
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
    return cell_key(cx, ops, NATS_NONE, cell_edges_of(ops, NATS_SKIP), op_names, key, cap);
}

/* 9,445 cells are live, the one of six `none` among them. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    int32_t ops[CELL_EDGES];
    uint32_t convs;
    tcet_status st = parse(cx, text, ops);

    if (st < 0)
        return st;
    space_say_digits(cx, &((struct tss *)self)->said, text, "0-1, 0-2, 0-3, 1-2, 1-3, 2-3");
    convs = cell_edges_of(ops, NATS_CONV1) | cell_edges_of(ops, NATS_CONV3);
    cell_traits(ops, NATS_NONE, convs, out);
    return TCET_OK;
}

/* TinyNetwork(C=16, N=5), which is NASLib's network too. */
static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    enum { CHANNELS = 16, CELLS = 5, STAGES = 3 };
    int32_t ops[CELL_EDGES];
    int32_t x, cell = 0, channels = CHANNELS;
    tcet_status st = parse(cx, text, ops);

    if (st < 0)
        return st;
    if (((struct tss *)self)->reading == ZERO_COST_NAS) {
        nats_zero_cost(b, ops, task->classes);
        return b->status(b);
    }
    x = nats_stem(b, channels);
    for (int32_t stage = 0; stage < STAGES; stage++) {
        if (stage > 0) {
            channels *= 2;
            x = nats_block(b, cell++, x, channels);
        }
        for (int32_t i = 0; i < CELLS; i++)
            x = nats_cell(b, cell++, ops, x, channels, channels);
    }
    nats_head(b, x, task->classes);
    return b->status(b);
}

/* TE-NAS's TinyNetwork(C=1, N=1, depth=1, use_stem=False), of the one cell. */
static tcet_status space_build_thin(tcet_ctx *cx, void *self, const char *text,
                                    const tcet_task *task, tcet_builder *b)
{
    int32_t ops[CELL_EDGES];
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
    nats_head(b, nats_cell(b, 0, ops, tcet_add_op(b, TCET_OP_INPUT, -1, 0), 1, 1), task->classes);
    return b->status(b);
}

static tcet_status space_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    int32_t ops[CELL_EDGES];
    tcet_status st = parse(cx, text, ops);

    if (st < 0)
        return st;
    *out = ((struct tss *)self)->index[code_of(ops)];
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct tss, dataset, "cifar10", nats_datasets,
                      "whose input size and classes the network has"),
    TCET_PARAM_CHOICE(
        struct tss, reading, "official", readings,
        "official: NAS-Bench-201's network; zero_cost_nas: all operations on every "
        "edge, of which one runs, biases, and norms in cells without scale, shift and "
        "running statistics; naslib: the official network, as "
        "NAS-Bench-Suite-Zero scored it"),
};

static const tcet_space_ops ops = {
    CHOICES_OPS,
    .at = space_at,
    .index_of = space_index_of,
    .task = space_task,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
    .build_thin = space_build_thin,
};

static const tcet_plugin nats_tss = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nats_tss",
    .version = "1.0.0",
    .summary = "NATS-Bench topology space (NAS-Bench-201): 15,625 cells of six edges",
    .cite = "Dong and Yang, NAS-Bench-201, ICLR 2020; Dong et al., NATS-Bench, TPAMI 2021",
    TCET_PARAMS(struct tss, params),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&nats_tss)
