/* nb101_cell.c -- see nb101_cell.h.  Room: spaces/family. */
#include "family/nb101_cell.h"

#include "family/md5.h"

#include <stdio.h>
#include <string.h>

void nb101_prune(const struct nb101_cell *from, struct nb101_cell *to)
{
    uint32_t forth = 1, back = 1u << (from->vertices - 1);
    int32_t keep[NB101_VERTICES], n = 0;

    for (int32_t i = 0; i < from->vertices; i++)
        for (int32_t j = i + 1; j < from->vertices; j++)
            if (forth >> i & 1 && from->edge[i][j])
                forth |= 1u << j;
    for (int32_t i = from->vertices; i-- > 0;)
        for (int32_t j = i + 1; j < from->vertices; j++)
            if (back >> j & 1 && from->edge[i][j])
                back |= 1u << i;
    memset(to, 0, sizeof *to);
    for (int32_t i = 0; i < from->vertices; i++)
        if ((forth & back) >> i & 1)
            keep[n++] = i;
    to->vertices = n;
    for (int32_t i = 0; i < n; i++) {
        to->code[i] = from->code[keep[i]];
        for (int32_t j = 0; j < n; j++)
            to->edge[i][j] = from->edge[keep[i]][keep[j]];
    }
}

int32_t nb101_edges(const struct nb101_cell *c)
{
    int32_t n = 0;

    for (int32_t i = 0; i < c->vertices; i++)
        for (int32_t j = 0; j < c->vertices; j++)
            n += c->edge[i][j];
    return n;
}

int nb101_valid(const struct nb101_cell *pruned)
{
    return pruned->vertices >= 2 && nb101_edges(pruned) <= NB101_EDGES;
}

/* What a quoted word is when it is no operation: the name of a part. */
enum { PART_MATRIX = -1, PART_OPS = -2 };

/* A quoted word at *at: the code of an operation, or of the part that it names ("matrix":). */
static tcet_status read_word(tcet_ctx *cx, const char *text, const char **at, int32_t *code)
{
    static const char *const names[NB101_CODES] = {"input", "output", "maxpool3x3",
                                                   "conv1x1-bn-relu", "conv3x3-bn-relu"};
    static const char *const parts[] = {"matrix", "ops", "module_adjacency", "module_operations"};
    const char *word = *at + 1;
    size_t n = strcspn(word, "'\"");

    if (!word[n])
        return tcet_failf(cx, TCET_E_ARG, "position %zu: the quote is not closed",
                          (size_t)(word - text));
    *at = word + n + 1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i]) == n && !memcmp(word, parts[i], n) && **at == ':') {
            ++*at;
            *code = i % 2 ? PART_OPS : PART_MATRIX;
            return TCET_OK;
        }
    for (*code = 0; *code < NB101_CODES; ++*code)
        if (strlen(names[*code]) == n && !memcmp(word, names[*code], n))
            return TCET_OK;
    return space_unknown(cx, (size_t)(word - text) + 1, "operation", word, n, names, NB101_CODES);
}

/* Are brackets, of any kind, closed by their own, and commas between two things? */
static tcet_status check_between(tcet_ctx *cx, const char *text)
{
    static const char open[] = "([{", closed[] = ")]}";
    char due[16];
    int32_t depth = 0;
    char last = ',';

    for (const char *at = text; *at; at++) {
        const char *kind;

        if (*at == ' ')
            continue;
        if (*at == ',' && (last == ',' || strchr(open, last)))
            return tcet_failf(cx, TCET_E_ARG, "position %zu: nothing stands before the comma",
                              (size_t)(at - text) + 1);
        if ((kind = strchr(open, *at))) {
            if (depth == (int32_t)sizeof due)
                return tcet_failf(cx, TCET_E_ARG, "position %zu: brackets in brackets, %zu deep",
                                  (size_t)(at - text) + 1, sizeof due);
            due[depth++] = closed[kind - open];
        } else if (strchr(closed, *at) && (!depth || due[--depth] != *at)) {
            return tcet_failf(cx, TCET_E_ARG, "position %zu: '%c' closes no bracket",
                              (size_t)(at - text) + 1, *at);
        }
        last = *at;
    }
    return depth ? tcet_failf(cx, TCET_E_ARG, "'%c' is missing at the end", due[depth - 1])
                 : TCET_OK;
}

/* Numbers of the matrix before those of the operations, which begin at `ops` and end at `matrix`. */
static void put_matrix_first(int32_t *number, int32_t count, int32_t ops, int32_t matrix)
{
    int32_t turned[NB101_NUMBERS], n = 0;

    for (int32_t i = matrix; i < count; i++)
        turned[n++] = number[i];
    for (int32_t i = ops; i < matrix; i++)
        turned[n++] = number[i];
    memcpy(number, turned, (size_t)n * sizeof *number);
}

/* Reads the one-digit numbers of a matrix and codes or names of operations, with commas, blanks and
 * brackets of any kind between them; the matrix first, unless their parts have names. */
static tcet_status read_numbers(tcet_ctx *cx, const char *text, int32_t *number, int32_t *count)
{
    static const char between[] = " ,()[]{}";
    const char *at = text + strspn(text, between);
    int32_t ops = -1, matrix = -1;

    for (*count = 0; *at; at += strspn(at, between)) {
        int32_t code = *at - '0';
        tcet_status st = TCET_OK;

        if (*at == '\'' || *at == '"')
            st = read_word(cx, text, &at, &code);
        else if (*at < '0' || *at > '9' || (at[1] >= '0' && at[1] <= '9'))
            st = tcet_failf(cx, TCET_E_ARG,
                            "position %zu: \"%.8s\" is neither a digit nor the name of an "
                            "operation between quotes",
                            (size_t)(at - text) + 1, at);
        else
            at++;
        if (st < 0)
            return st;
        if (code < 0 && *count && ops < 0 && matrix < 0)
            return tcet_failf(cx, TCET_E_ARG, "position %zu: numbers before the first part",
                              (size_t)(at - text));
        if (code < 0) {
            *(code == PART_OPS ? &ops : &matrix) = *count;
            continue;
        }
        if (*count == NB101_NUMBERS)
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: more than %d numbers, which a cell of %d vertices "
                              "has, the most there are",
                              (size_t)(at - text) + 1, NB101_NUMBERS, NB101_VERTICES);
        number[(*count)++] = code;
    }
    if (ops >= 0 && ops < matrix)
        put_matrix_first(number, *count, ops, matrix);
    return check_between(cx, text);
}

tcet_status nb101_parse(tcet_ctx *cx, const char *text, struct nb101_cell *c,
                        struct nb101_cell *pruned)
{
    int32_t number[NB101_NUMBERS], count, v = 2;
    tcet_status st = read_numbers(cx, text, number, &count);

    if (st < 0)
        return st;
    while (v < NB101_VERTICES && v * v + v < count)
        v++;
    if (v * v + v != count)
        return tcet_failf(
            cx, TCET_E_ARG,
            "%d numbers: a cell of V vertices, 2 to %d, has V rows of V numbers and V "
            "operations",
            count, NB101_VERTICES);
    memset(c, 0, sizeof *c);
    c->vertices = v;
    for (int32_t i = 0; i < v; i++) {
        int32_t code = number[v * v + i];

        if (i == 0       ? code != NB101_INPUT
            : i == v - 1 ? code != NB101_OUTPUT
                         : code < NB101_MAX_POOL || code >= NB101_CODES)
            return tcet_failf(
                cx, TCET_E_ARG,
                "vertex %d: code %d (0 input first, 1 output last, between them 2 max "
                "pool, 3 conv 1x1, 4 conv 3x3)",
                i + 1, code);
        c->code[i] = code;
        for (int32_t j = 0; j < v; j++) {
            if (number[i * v + j] > (i < j))
                return tcet_failf(cx, TCET_E_ARG,
                                  "row %d, column %d of the matrix is %d: only 0, and 1 above the "
                                  "diagonal, are allowed",
                                  i + 1, j + 1, number[i * v + j]);
            c->edge[i][j] = number[i * v + j];
        }
    }
    nb101_prune(c, pruned);
    if (pruned->vertices < 2)
        return tcet_failf(cx, TCET_E_ARG, "the input does not reach the output");
    if (!nb101_valid(pruned))
        return tcet_failf(cx, TCET_E_ARG, "%d edges, at most %d are allowed", nb101_edges(pruned),
                          NB101_EDGES);
    return TCET_OK;
}

tcet_status nb101_print(tcet_ctx *cx, const struct nb101_cell *c, char *text, size_t cap)
{
    char out[4 * NB101_NUMBERS + 4] = "(";
    size_t at = 1;

    for (int32_t i = 0; i < c->vertices; i++)
        for (int32_t j = 0; j < c->vertices; j++)
            at += (size_t)snprintf(out + at, sizeof out - at, "%d, ", c->edge[i][j]);
    for (int32_t i = 0; i < c->vertices; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%d%s", c->code[i],
                               i + 1 < c->vertices ? ", " : ")");
    return space_put(cx, text, cap, out, at);
}

static void sort(char (*hash)[MD5_DIGITS], int32_t n)
{
    char t[MD5_DIGITS];

    for (int32_t i = 1; i < n; i++)
        for (int32_t j = i; j > 0 && strcmp(hash[j], hash[j - 1]) < 0; j--) {
            memcpy(t, hash[j], sizeof t);
            memcpy(hash[j], hash[j - 1], sizeof t);
            memcpy(hash[j - 1], t, sizeof t);
        }
}

/* Joins the sorted hashes of the neighbours of v: into it, or out of it. */
static size_t join(const struct nb101_cell *c, char (*hash)[MD5_DIGITS], int32_t v, int into,
                   char *out)
{
    char near[NB101_VERTICES][MD5_DIGITS];
    int32_t n = 0;

    for (int32_t w = 0; w < c->vertices; w++)
        if (into ? c->edge[w][v] : c->edge[v][w])
            memcpy(near[n++], hash[w], MD5_DIGITS);
    sort(near, n);
    out[0] = '\0';
    for (int32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * (MD5_DIGITS - 1), near[i], MD5_DIGITS);
    return (size_t)n * (MD5_DIGITS - 1);
}

_Static_assert((int)NB101_HASH == (int)MD5_DIGITS, "the hash is an MD5");

void nb101_hash(const struct nb101_cell *c, char out[NB101_HASH])
{
    static const int32_t labels[NB101_CODES] = {-1, -2, 2, 1, 0};
    char hash[NB101_VERTICES][MD5_DIGITS], next[NB101_VERTICES][MD5_DIGITS];
    char text[2 * NB101_VERTICES * MD5_DIGITS + 3 * MD5_DIGITS];
    size_t at;

    for (int32_t v = 0; v < c->vertices; v++) {
        int32_t in = 0, from = 0;

        for (int32_t w = 0; w < c->vertices; w++) {
            in += c->edge[w][v];
            from += c->edge[v][w];
        }
        snprintf(text, sizeof text, "(%d, %d, %d)", from, in, labels[c->code[v]]);
        md5_hex(text, hash[v]);
    }
    for (int32_t round = 0; round < c->vertices; round++) {
        for (int32_t v = 0; v < c->vertices; v++) {
            at = join(c, hash, v, 1, text);
            text[at++] = '|';
            at += join(c, hash, v, 0, text + at);
            text[at++] = '|';
            memcpy(text + at, hash[v], MD5_DIGITS);
            md5_hex(text, next[v]);
        }
        memcpy(hash, next, sizeof hash);
    }
    sort(hash, c->vertices);
    at = 0;
    for (int32_t v = 0; v < c->vertices; v++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s'%s'", v ? ", " : "[", hash[v]);
    snprintf(text + at, sizeof text - at, "]");
    md5_hex(text, out);
}
