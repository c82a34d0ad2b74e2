/* genotype.h -- reads the two encodings of DARTS-like architectures: the official
 * Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=...), and
 * NASLib's pairs of input and operation, (((0, 3), (1, 3), ...), (...)).
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_GENOTYPE_H
#define SPACES_GENOTYPE_H

#include "family/common.h"

#include <stdlib.h>

enum { GENOTYPE_CELLS = 2, GENOTYPE_NODES = 4, GENOTYPE_EDGES = 2 * GENOTYPE_NODES };

static const char *const genotype_cells[GENOTYPE_CELLS] = {"normal", "reduce"};

/* Edges 2 i and 2 i + 1 end at node i + 2; inputs 0 and 1 are the two cells before. */
struct genotype {
    int32_t op[GENOTYPE_CELLS][GENOTYPE_EDGES], input[GENOTYPE_CELLS][GENOTYPE_EDGES];
};

/* Where reading stands.  Errors are sticky: after the first one nothing more is read. */
struct genotype_reader {
    tcet_ctx *cx;
    const char *text, *at;
    tcet_status status;
};

static inline size_t genotype_position(const struct genotype_reader *r)
{
    return (size_t)(r->at - r->text) + 1;
}

/* Reads a word after blanks, if it stands there. */
static inline int genotype_take(struct genotype_reader *r, const char *word)
{
    size_t n = strlen(word);

    r->at += strspn(r->at, " ");
    if (strncmp(r->at, word, n) != 0)
        return 0;
    r->at += n;
    return 1;
}

static inline void genotype_expect(struct genotype_reader *r, const char *word)
{
    if (r->status == TCET_OK && !genotype_take(r, word))
        r->status = space_fail(r->cx, TCET_E_ARG, "position %zu: \"%s\" is expected, not \"%.12s\"",
                               genotype_position(r), word, r->at);
}

static inline void genotype_number(struct genotype_reader *r, int32_t limit, const char *what,
                                   int32_t *out)
{
    size_t n;

    if (r->status < 0)
        return;
    r->at += strspn(r->at, " ");
    n = strspn(r->at, "0123456789");
    if (n == 0 || n > 2 || atoi(r->at) >= limit) {
        r->status =
            space_fail(r->cx, TCET_E_ARG, "position %zu: \"%.4s\" is not an %s from 0 to %d",
                       genotype_position(r), r->at, what, limit - 1);
        return;
    }
    *out = atoi(r->at);
    r->at += n;
}

/* An operation's name between quotes. */
static inline void genotype_operation(struct genotype_reader *r, const char *const *names,
                                      int32_t ops, int32_t *out)
{
    size_t n;
    int32_t op = 0;

    genotype_expect(r, "'");
    if (r->status < 0)
        return;
    n = strcspn(r->at, "'");
    while (op < ops && (strlen(names[op]) != n || memcmp(names[op], r->at, n) != 0))
        op++;
    if (op == ops) {
        r->status = space_unknown(r->cx, genotype_position(r), "operation", r->at, n, names, ops);
        return;
    }
    *out = op;
    r->at += n;
    genotype_expect(r, "'");
}

/* ('op', input) in a Genotype, (input, op) in the short form. */
static inline void genotype_edge(struct genotype_reader *r, int named, int32_t edge,
                                 const char *const *names, int32_t ops, int32_t *op, int32_t *input)
{
    int32_t inputs = 2 + edge / 2;

    genotype_expect(r, "(");
    if (named)
        genotype_operation(r, names, ops, op);
    else
        genotype_number(r, inputs, "input", input);
    genotype_expect(r, ",");
    if (named)
        genotype_number(r, inputs, "input", input);
    else
        genotype_number(r, ops, "operation", op);
    genotype_expect(r, ")");
    if (r->status == TCET_OK && edge % 2 && input[0] == input[-1])
        r->status = space_fail(r->cx, TCET_E_ARG, "position %zu: a node takes input %d twice",
                               genotype_position(r) - 1, *input);
}

/* Reads an encoding whose operations are names[0 .. ops); the error says where it is wrong. */
static inline tcet_status genotype_parse(tcet_ctx *cx, const char *text, const char *const *names,
                                         int32_t ops, struct genotype *g)
{
    struct genotype_reader r = {cx, text, text, TCET_OK};
    int named = genotype_take(&r, "Genotype");
    int square = !named && genotype_take(&r, "["); /* lists instead of tuples */

    if (!square)
        genotype_expect(&r, "(");
    for (int32_t i = 0; i < GENOTYPE_CELLS; i++) {
        if (i > 0)
            genotype_expect(&r, ",");
        if (named) {
            genotype_expect(&r, genotype_cells[i]);
            genotype_expect(&r, "=");
        }
        genotype_expect(&r, named || square ? "[" : "(");
        for (int32_t e = 0; e < GENOTYPE_EDGES; e++) {
            if (e > 0)
                genotype_expect(&r, ",");
            genotype_edge(&r, named, e, names, ops, &g->op[i][e], &g->input[i][e]);
        }
        genotype_expect(&r, named || square ? "]" : ")");
        if (named) {
            static const char *const rest[] = {"_concat", "=", "[", "2", ",", "3",
                                               ",",       "4", ",", "5", "]"};

            genotype_expect(&r, ",");
            genotype_expect(&r, genotype_cells[i]);
            for (size_t k = 0; k < sizeof rest / sizeof *rest; k++)
                genotype_expect(&r, rest[k]);
        }
    }
    genotype_expect(&r, square ? "]" : ")");
    if (r.status == TCET_OK && *r.at)
        r.status =
            space_fail(cx, TCET_E_ARG, "position %zu: nothing is expected after the genotype",
                       genotype_position(&r));
    return r.status;
}

#endif
