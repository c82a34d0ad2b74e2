/* genotype.c -- see genotype.h.  Room: spaces/family. */
#include "family/genotype.h"

#include <stdlib.h>
#include <string.h>

const char *const genotype_cells[DARTS_CELLS] = {"normal", "reduce"};

static size_t genotype_position(const struct genotype_reader *r)
{
    return (size_t)(r->at - r->text) + 1;
}

/* Reads a word after blanks, if it stands there. */
static int genotype_take(struct genotype_reader *r, const char *word)
{
    size_t n = strlen(word);

    r->at += strspn(r->at, " ");
    if (strncmp(r->at, word, n) != 0)
        return 0;
    r->at += n;
    return 1;
}

static void genotype_expect(struct genotype_reader *r, const char *word)
{
    if (r->status == TCET_OK && !genotype_take(r, word))
        r->status = tcet_failf(r->cx, TCET_E_ARG, "position %zu: \"%s\" is expected, not \"%.12s\"",
                               genotype_position(r), word, r->at);
}

static void genotype_number(struct genotype_reader *r, int32_t limit, const char *what,
                            int32_t *out)
{
    size_t n;

    if (r->status < 0)
        return;
    r->at += strspn(r->at, " ");
    n = strspn(r->at, "0123456789");
    if (n == 0 || n > 2 || atoi(r->at) >= limit) {
        r->status =
            tcet_failf(r->cx, TCET_E_ARG, "position %zu: \"%.4s\" is not an %s from 0 to %d",
                       genotype_position(r), r->at, what, limit - 1);
        return;
    }
    *out = atoi(r->at);
    r->at += n;
}

/* An operation's name between quotes of either kind. */
static void genotype_operation(struct genotype_reader *r, const char *const *names, int32_t ops,
                               int32_t *out)
{
    const char *quote = genotype_take(r, "\"") ? "\"" : "'";
    size_t n;
    int32_t op = 0;

    if (*quote == '\'')
        genotype_expect(r, quote);
    if (r->status < 0)
        return;
    n = strcspn(r->at, quote);
    while (op < ops && (strlen(names[op]) != n || memcmp(names[op], r->at, n) != 0))
        op++;
    if (op == ops) {
        r->status = space_unknown(r->cx, genotype_position(r), "operation", r->at, n, names, ops);
        return;
    }
    *out = op;
    r->at += n;
    genotype_expect(r, quote);
}

/* ('op', input) in a Genotype, (input, op) in the short form. */
static void genotype_edge(struct genotype_reader *r, int named, int32_t edge,
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
        r->status = tcet_failf(r->cx, TCET_E_ARG, "position %zu: a node takes input %d twice",
                               genotype_position(r) - 1, *input);
}

/* "_concat=[2, 3, 4, 5]", as a tuple, or as DARTS itself prints it, range(2, 6). */
static void genotype_concat(struct genotype_reader *r)
{
    static const char *const list[] = {"2", ",", "3", ",", "4", ",", "5"};
    static const char *const range[] = {"(", "2", ",", "6", ")"};

    genotype_expect(r, "_concat");
    genotype_expect(r, "=");
    if (genotype_take(r, "range")) {
        for (size_t k = 0; k < sizeof range / sizeof *range; k++)
            genotype_expect(r, range[k]);
    } else {
        int tuple = genotype_take(r, "(");

        if (!tuple)
            genotype_expect(r, "[");
        for (size_t k = 0; k < sizeof list / sizeof *list; k++)
            genotype_expect(r, list[k]);
        genotype_expect(r, tuple ? ")" : "]");
    }
}

tcet_status genotype_parse(tcet_ctx *cx, const char *text, const char *const *names, int32_t ops,
                           struct genotype *g)
{
    struct genotype_reader r = {cx, text, text, TCET_OK};
    int named = genotype_take(&r, "Genotype");
    int square = !named && genotype_take(&r, "["); /* lists instead of tuples */

    if (!square)
        genotype_expect(&r, "(");
    for (int32_t i = 0; i < DARTS_CELLS; i++) {
        struct darts_cell *c = &g->cell[i];

        *c = (struct darts_cell){
            .nodes = GENOTYPE_NODES, .concat = {2, 3, 4, 5}, .concat_count = GENOTYPE_NODES};
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
            genotype_edge(&r, named, e, names, ops, &c->op[e], &c->input[e]);
        }
        genotype_expect(&r, named || square ? "]" : ")");
        if (named) {
            genotype_expect(&r, ",");
            genotype_expect(&r, genotype_cells[i]);
            genotype_concat(&r);
        }
    }
    genotype_expect(&r, square ? "]" : ")");
    if (r.status == TCET_OK && *r.at)
        r.status =
            tcet_failf(cx, TCET_E_ARG, "position %zu: nothing is expected after the genotype",
                       genotype_position(&r));
    return r.status;
}
