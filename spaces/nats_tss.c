/* nats_tss.c -- NATS-Bench's topology space, which is NAS-Bench-201: cells of four nodes and
 * six edges, five operations, 15,625 architectures (Dong and Yang, ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#include "family/nats.h"
#include "family/nats_tss_order.h"

enum { SIZE = 15625, TEXT = 128 };

_Static_assert(sizeof nats_tss_order / sizeof nats_tss_order[0] == SIZE, "one code a cell");

struct tss {
    int32_t dataset;
    uint16_t index[SIZE]; /* official index of a code */
};

static const char *const op_names[NATS_OPS] = {"none", "skip_connect", "nor_conv_1x1",
                                               "nor_conv_3x3", "avg_pool_3x3"};
static const size_t op_lengths[NATS_OPS] = {4, 12, 12, 12, 12};

/* ---- encodings ---- */

/* A cell as one number: its operations as digits to base 5, first edge first. */
static int32_t code_of(const uint8_t ops[NATS_EDGES])
{
    int32_t code = 0;

    for (int32_t e = 0; e < NATS_EDGES; e++)
        code = code * NATS_OPS + ops[e];
    return code;
}

static void ops_of(int32_t code, uint8_t ops[NATS_EDGES])
{
    for (int32_t e = NATS_EDGES; e-- > 0; code /= NATS_OPS)
        ops[e] = (uint8_t)(code % NATS_OPS);
}

static tcet_status expect(tcet_ctx *cx, const char *text, const char *at, char want)
{
    if (*at == want)
        return TCET_OK;
    if (!*at)
        return space_fail(cx, TCET_E_ARG, "position %zu: the encoding ends where '%c' is expected",
                          (size_t)(at - text) + 1, want);
    return space_fail(cx, TCET_E_ARG, "position %zu: '%c' is expected, not \"%.8s\"",
                      (size_t)(at - text) + 1, want, at);
}

/* Reads "op~K" at *at, K being the edge's input node. */
static tcet_status parse_edge(tcet_ctx *cx, const char *text, const char **at, int32_t from,
                              uint8_t *out)
{
    size_t n = strcspn(*at, "~|+");
    const char *rest = *at + n;
    uint8_t op = 0;

    while (op < NATS_OPS && (n != op_lengths[op] || memcmp(*at, op_names[op], n) != 0))
        op++;
    if (op == NATS_OPS)
        return space_unknown(cx, (size_t)(*at - text) + 1, "operation", *at, n, op_names, NATS_OPS);
    if (rest[0] != '~' || rest[1] != '0' + from)
        return space_fail(cx, TCET_E_ARG,
                          "position %zu: \"~%d\" is expected, the node this edge comes from",
                          (size_t)(rest - text) + 1, from);
    *at = rest + 2;
    *out = op;
    return TCET_OK;
}

/* "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|" */
static tcet_status parse(tcet_ctx *cx, const char *text, uint8_t ops[NATS_EDGES])
{
    const char *at = text;
    tcet_status st;

    for (int32_t e = 0; e < NATS_EDGES; e++) {
        if (nats_from[e] == 0) { /* the first edge of a node */
            if (e > 0 && (st = expect(cx, text, at++, '+')) < 0)
                return st;
            if ((st = expect(cx, text, at++, '|')) < 0)
                return st;
        }
        if ((st = parse_edge(cx, text, &at, nats_from[e], &ops[e])) < 0 ||
            (st = expect(cx, text, at++, '|')) < 0)
            return st;
    }
    return expect(cx, text, at, '\0');
}

static tcet_status print(tcet_ctx *cx, const uint8_t ops[NATS_EDGES], char *text, size_t cap)
{
    char out[TEXT], *p = out;

    for (int32_t e = 0; e < NATS_EDGES; e++) {
        if (nats_from[e] == 0) {
            if (e > 0)
                *p++ = '+';
            *p++ = '|';
        }
        memcpy(p, op_names[ops[e]], op_lengths[ops[e]]);
        p += op_lengths[ops[e]];
        *p++ = '~';
        *p++ = (char)('0' + nats_from[e]);
        *p++ = '|';
    }
    return space_put(cx, text, cap, out, (size_t)(p - out));
}

/* ---- what can be said without a graph ---- */

/* Bit e is set for every edge other than `none`; those on a way from input to output too. */
static void reach(const uint8_t ops[NATS_EDGES], uint32_t *present, uint32_t *useful)
{
    uint32_t forth = 1u, back = 1u << (NATS_NODES - 1);

    *present = *useful = 0;
    for (int32_t e = 0; e < NATS_EDGES; e++)
        if (ops[e] != NATS_NONE) {
            *present |= 1u << e;
            if (forth >> nats_from[e] & 1)
                forth |= 1u << nats_to[e];
        }
    for (int32_t e = NATS_EDGES; e-- > 0;)
        if (*present >> e & 1 && back >> nats_to[e] & 1) {
            back |= 1u << nats_from[e];
            if (forth >> nats_from[e] & 1)
                *useful |= 1u << e;
        }
}

/* A node as an expression; empty is zero. */
struct term {
    char text[TEXT * 4];
};

/* Sums the sorted terms of one node, as the official unique string does. */
static void sum_terms(struct term *terms, int32_t n, struct term *out)
{
    size_t at = 0;

    for (int32_t i = 1; i < n; i++)
        for (int32_t j = i; j > 0 && strcmp(terms[j].text, terms[j - 1].text) < 0; j--) {
            struct term t = terms[j];

            terms[j] = terms[j - 1];
            terms[j - 1] = t;
        }
    out->text[0] = '\0';
    for (int32_t i = 0; i < n && at < sizeof out->text; i++)
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%s%s", i ? "+" : "",
                               terms[i].text);
}

/* The official unique string (skip_connect is its input, terms are sorted) from which zeros
 * are dropped: a `none` edge, and any operation on a node that is zero.  5,390 cells differ.
 * Cells with one key compute the same function of the same weights as drawn, since without
 * batch-norm shift every operation maps zero to zero; the weights that never reach the
 * output, and so the parameter count, may differ. */
static void canonical_text(const uint8_t ops[NATS_EDGES], struct term *out)
{
    struct term node[NATS_NODES] = {{"0"}}, terms[NATS_NODES];
    int32_t n = 0;

    for (int32_t e = 0; e < NATS_EDGES; e++) {
        const char *x = node[nats_from[e]].text;

        if (ops[e] == NATS_SKIP && *x)
            terms[n++] = node[nats_from[e]];
        else if (ops[e] != NATS_NONE && *x)
            snprintf(terms[n++].text, sizeof terms->text, "(%s)@%s", x, op_names[ops[e]]);
        if (e + 1 == NATS_EDGES || nats_to[e + 1] != nats_to[e]) {
            sum_terms(terms, n, &node[nats_to[e]]);
            n = 0;
        }
    }
    *out = node[NATS_NODES - 1];
}

/* ---- the plugin's functions ---- */

static tcet_status tss_init(tcet_ctx *cx, void *self)
{
    struct tss *s = self;

    (void)cx;
    for (int32_t i = 0; i < SIZE; i++)
        s->index[nats_tss_order[i]] = (uint16_t)i;
    return TCET_OK;
}

static tcet_status tss_size(tcet_ctx *cx, void *self, int64_t *out)
{
    (void)cx, (void)self;
    *out = SIZE;
    return TCET_OK;
}

static tcet_status tss_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx;
    nats_task(((struct tss *)self)->dataset, out);
    return TCET_OK;
}

static tcet_status tss_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    uint8_t ops[NATS_EDGES];

    (void)self;
    if (index < 0 || index >= SIZE)
        return space_fail(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %d",
                          (long long)index, SIZE - 1);
    ops_of(nats_tss_order[index], ops);
    return print(cx, ops, text, cap);
}

static tcet_status tss_check(tcet_ctx *cx, void *self, const char *text)
{
    uint8_t ops[NATS_EDGES];

    (void)self;
    return parse(cx, text, ops);
}

static tcet_status tss_canonical(tcet_ctx *cx, void *self, const char *text, char *key, size_t cap)
{
    uint8_t ops[NATS_EDGES];
    struct term t;
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
    canonical_text(ops, &t);
    return space_put(cx, key, cap, t.text, strlen(t.text));
}

/* live: every operation other than `none` lies on a way from input to output (9,445 cells,
 * the one of six `none` among them); depth: convolutions. */
static tcet_status tss_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    uint8_t ops[NATS_EDGES];
    uint32_t present, useful;
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
    reach(ops, &present, &useful);
    out->live = present == useful;
    out->alive = useful != 0;
    out->depth = 0;
    for (int32_t e = 0; e < NATS_EDGES; e++)
        out->depth += ops[e] == NATS_CONV1 || ops[e] == NATS_CONV3;
    return TCET_OK;
}

/* TinyNetwork(C=16, N=5) */
static tcet_status tss_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                             tcet_builder *b)
{
    enum { CHANNELS = 16, CELLS = 5, STAGES = 3 };
    uint8_t ops[NATS_EDGES];
    int32_t x, cell = 0, channels = CHANNELS;
    tcet_status st = parse(cx, text, ops);

    (void)self;
    if (st < 0)
        return st;
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

static tcet_status tss_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    uint8_t ops[NATS_EDGES];

    (void)self;
    ops_of(space_pick(cx, SIZE), ops);
    return print(cx, ops, text, cap);
}

/* Another operation on one edge. */
static tcet_status tss_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    uint8_t ops[NATS_EDGES];
    int32_t e;
    tcet_status st = parse(cx, from, ops);

    (void)self;
    if (st < 0)
        return st;
    e = space_pick(cx, NATS_EDGES);
    ops[e] = (uint8_t)space_pick_other(cx, NATS_OPS, ops[e]);
    return print(cx, ops, text, cap);
}

/* Each edge from one parent or the other. */
static tcet_status tss_crossover(tcet_ctx *cx, void *self, const char *a, const char *b, char *text,
                                 size_t cap)
{
    uint8_t ops[NATS_EDGES], other[NATS_EDGES];
    tcet_status st;

    (void)self;
    if ((st = parse(cx, a, ops)) < 0 || (st = parse(cx, b, other)) < 0)
        return st;
    for (int32_t e = 0; e < NATS_EDGES; e++)
        if (space_pick(cx, 2))
            ops[e] = other[e];
    return print(cx, ops, text, cap);
}

static tcet_status tss_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    uint8_t ops[NATS_EDGES];
    tcet_status st = parse(cx, text, ops);

    if (st < 0)
        return st;
    *out = ((struct tss *)self)->index[code_of(ops)];
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct tss, dataset, "cifar10", nats_datasets,
                      "whose input size and classes the network has"),
};

static const tcet_space_ops tss_ops = {
    .struct_size = sizeof(tcet_space_ops),
    .size = tss_size,
    .task = tss_task,
    .at = tss_at,
    .check = tss_check,
    .canonical = tss_canonical,
    .traits = tss_traits,
    .build = tss_build,
    .random = tss_random,
    .mutate = tss_mutate,
    .crossover = tss_crossover,
    .index_of = tss_index_of,
};

static const tcet_plugin nats_tss = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nats_tss",
    .version = "1.0.0",
    .summary = "NATS-Bench topology space (NAS-Bench-201): 15,625 cells of six edges",
    .cite = "Dong and Yang, NAS-Bench-201, ICLR 2020; Dong et al., NATS-Bench, TPAMI 2021",
    TCET_PARAMS(struct tss, params),
    .ops = &tss_ops,
    .init = tss_init,
};

TCET_MODULE(&nats_tss)
