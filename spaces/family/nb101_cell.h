/* nb101_cell.h -- cells of NAS-Bench-101: graphs of up to seven vertices; their text, what is
 * left after pruning, and the benchmark's hash.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Encoding: NASLib's tuple, the adjacency matrix row by row and then one code a vertex
 * (0 input, 1 output, 2 max pool 3x3, 3 conv 1x1, 4 conv 3x3), for 2 to 7 vertices.  Vertices
 * off every way from input to output are allowed and left out of the network. */
#ifndef SPACES_NB101_CELL_H
#define SPACES_NB101_CELL_H

#include "family/common.h"
#include "family/md5.h"

enum { NB101_VERTICES = 7, NB101_EDGES = 9 };
enum { NB101_NUMBERS = NB101_VERTICES * NB101_VERTICES + NB101_VERTICES };
enum { NB101_INPUT, NB101_OUTPUT, NB101_MAX_POOL, NB101_CONV1, NB101_CONV3, NB101_CODES };

struct nb101_cell {
    int32_t vertices;
    int32_t edge[NB101_VERTICES][NB101_VERTICES]; /* from, to */
    int32_t code[NB101_VERTICES];
};

/* Leaves out what lies on no way from input to output; 0 vertices when there is none. */
static inline void nb101_prune(const struct nb101_cell *from, struct nb101_cell *to)
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

static inline int32_t nb101_edges(const struct nb101_cell *c)
{
    int32_t n = 0;

    for (int32_t i = 0; i < c->vertices; i++)
        for (int32_t j = 0; j < c->vertices; j++)
            n += c->edge[i][j];
    return n;
}

/* Whether the space has the cell, once pruned. */
static inline int nb101_valid(const struct nb101_cell *pruned)
{
    return pruned->vertices >= 2 && nb101_edges(pruned) <= NB101_EDGES;
}

/* Reads one-digit numbers apart by commas and blanks, within brackets. */
static inline tcet_status nb101_read(tcet_ctx *cx, const char *text, int32_t *number,
                                     int32_t *count)
{
    const char *at = text + strspn(text, " ([");

    for (*count = 0; *at >= '0' && *at <= '9'; ++*count) {
        if (*count == NB101_NUMBERS)
            return space_fail(cx, TCET_E_ARG, "position %zu: more than %d numbers",
                              (size_t)(at - text) + 1, NB101_NUMBERS);
        number[*count] = *at++ - '0';
        at += strspn(at, " ,");
    }
    at += strspn(at, ")]");
    if (*at)
        return space_fail(cx, TCET_E_ARG, "position %zu: \"%.8s\" is not a digit",
                          (size_t)(at - text) + 1, at);
    return TCET_OK;
}

static inline tcet_status nb101_parse(tcet_ctx *cx, const char *text, struct nb101_cell *c,
                                      struct nb101_cell *pruned)
{
    int32_t number[NB101_NUMBERS], count, v = 2;
    tcet_status st = nb101_read(cx, text, number, &count);

    if (st < 0)
        return st;
    while (v < NB101_VERTICES && v * v + v < count)
        v++;
    if (v * v + v != count)
        return space_fail(cx, TCET_E_ARG,
                          "%d numbers: a cell of V vertices has V V of its matrix and V codes",
                          count);
    memset(c, 0, sizeof *c);
    c->vertices = v;
    for (int32_t i = 0; i < v; i++) {
        int32_t code = number[v * v + i];

        if (i == 0       ? code != NB101_INPUT
            : i == v - 1 ? code != NB101_OUTPUT
                         : code < NB101_MAX_POOL || code >= NB101_CODES)
            return space_fail(
                cx, TCET_E_ARG,
                "vertex %d: code %d (0 input first, 1 output last, between them 2 max "
                "pool, 3 conv 1x1, 4 conv 3x3)",
                i + 1, code);
        c->code[i] = code;
        for (int32_t j = 0; j < v; j++) {
            if (number[i * v + j] > (i < j))
                return space_fail(cx, TCET_E_ARG,
                                  "row %d, column %d of the matrix is %d: only 0, and 1 above the "
                                  "diagonal, are allowed",
                                  i + 1, j + 1, number[i * v + j]);
            c->edge[i][j] = number[i * v + j];
        }
    }
    nb101_prune(c, pruned);
    if (pruned->vertices < 2)
        return space_fail(cx, TCET_E_ARG, "the input does not reach the output");
    if (!nb101_valid(pruned))
        return space_fail(cx, TCET_E_ARG, "%d edges, at most %d are allowed", nb101_edges(pruned),
                          NB101_EDGES);
    return TCET_OK;
}

static inline tcet_status nb101_print(tcet_ctx *cx, const struct nb101_cell *c, char *text,
                                      size_t cap)
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

/* live: nothing is left out; depth: convolutions of the cell. */
static inline void nb101_traits(const struct nb101_cell *c, const struct nb101_cell *pruned,
                                tcet_traits *out)
{
    out->live = nb101_edges(c) == nb101_edges(pruned) && c->vertices == pruned->vertices;
    out->alive = 1;
    out->depth = 0;
    for (int32_t v = 0; v < pruned->vertices; v++)
        out->depth += pruned->code[v] == NB101_CONV1 || pruned->code[v] == NB101_CONV3;
}

static inline void nb101_sort(char (*hash)[MD5_DIGITS], int32_t n)
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
static inline size_t nb101_join(const struct nb101_cell *c, char (*hash)[MD5_DIGITS], int32_t v,
                                int into, char *out)
{
    char near[NB101_VERTICES][MD5_DIGITS];
    int32_t n = 0;

    for (int32_t w = 0; w < c->vertices; w++)
        if (into ? c->edge[w][v] : c->edge[v][w])
            memcpy(near[n++], hash[w], MD5_DIGITS);
    nb101_sort(near, n);
    out[0] = '\0';
    for (int32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * (MD5_DIGITS - 1), near[i], MD5_DIGITS);
    return (size_t)n * (MD5_DIGITS - 1);
}

/* The benchmark's own hash of a cell (its hash_module). */
static inline void nb101_hash(const struct nb101_cell *c, char out[MD5_DIGITS])
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
            at = nb101_join(c, hash, v, 1, text);
            text[at++] = '|';
            at += nb101_join(c, hash, v, 0, text + at);
            text[at++] = '|';
            memcpy(text + at, hash[v], MD5_DIGITS);
            md5_hex(text, next[v]);
        }
        memcpy(hash, next, sizeof hash);
    }
    nb101_sort(hash, c->vertices);
    at = 0;
    for (int32_t v = 0; v < c->vertices; v++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s'%s'", v ? ", " : "[", hash[v]);
    snprintf(text + at, sizeof text - at, "]");
    md5_hex(text, out);
}

#endif
