/* nb101_order.c -- see nb101_order.h.  Room: spaces/family.
 *
 * Isomorphic cells differ by a renaming of the inner vertices that keeps every edge going from a lower to a
 * higher one.  A matrix is listed if no renaming makes it smaller; of such a matrix the operations are
 * listed if none of the renamings that keep it makes them smaller.  The first is asked of each of some
 * hundred thousand matrices, the second of few. */
#include "family/nb101_order.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    INNER = NB101_VERTICES - 2,
    RENAMINGS = 120, /* 5! */
    BASE = NB101_CODES - NB101_MAX_POOL,
    MATRIX_BITS = 21,
    LABEL_BITS = 8
};

/* Where the bit of edge i-j stands in the matrix of v vertices. */
static uint32_t edge_bit(int32_t v, int32_t i, int32_t j)
{
    int32_t total = v * (v - 1) / 2, before = i * v - i * (i + 1) / 2;

    return 1u << (total - 1 - (before + j - i - 1));
}

/* All orders of 0 .. n-1; returns how many. */
static int32_t permutations(int32_t n, int8_t out[RENAMINGS][INNER])
{
    int32_t count = 1;

    for (int32_t i = 0; i < INNER; i++)
        out[0][i] = (int8_t)i;
    for (int32_t k = 1; k < n; k++) { /* k goes into each place of those of 0 .. k-1 */
        int32_t had = count;

        for (int32_t p = 0; p < had; p++) {
            for (int32_t at = 0; at < k; at++) {
                int8_t *to = out[count++];

                memcpy(to, out[p], INNER);
                memmove(to + at + 1, to + at, (size_t)(k - at));
                to[at] = (int8_t)k;
            }
        }
    }
    return count;
}

/* One size of cells: its vertices, and the renamings of the inner ones. */
struct size {
    int32_t vertices, renamings;
    int8_t renaming[RENAMINGS][INNER];
    uint32_t bit[NB101_VERTICES][NB101_VERTICES];
};

static void size_make(struct size *s, int32_t vertices)
{
    s->vertices = vertices;
    s->renamings = permutations(vertices - 2, s->renaming);
    for (int32_t i = 0; i < vertices; i++)
        for (int32_t j = i + 1; j < vertices; j++)
            s->bit[i][j] = edge_bit(vertices, i, j);
}

/* The place of vertex i under a renaming. */
static int32_t renamed(const struct size *s, const int8_t *r, int32_t i)
{
    return i == 0 || i == s->vertices - 1 ? i : 1 + r[i - 1];
}

/* The matrix after a renaming, or UINT32_MAX where an edge would go down. */
static uint32_t rename_matrix(const struct size *s, const int8_t *r, uint32_t matrix)
{
    uint32_t out = 0;

    for (int32_t i = 0; i < s->vertices; i++) {
        for (int32_t j = i + 1; j < s->vertices; j++) {
            int32_t a, b;

            if (!(matrix & s->bit[i][j]))
                continue;
            a = renamed(s, r, i);
            b = renamed(s, r, j);
            if (a > b)
                return UINT32_MAX;
            out |= s->bit[a][b];
        }
    }
    return out;
}

/* The operations (digits in base 3) after a renaming. */
static uint32_t rename_label(const struct size *s, const int8_t *r, uint32_t label)
{
    uint8_t digit[INNER] = {0};
    uint32_t out = 0;

    for (int32_t i = s->vertices - 3; i >= 0; i--, label /= BASE)
        digit[r[i]] = (uint8_t)(label % BASE);
    for (int32_t i = 0; i < s->vertices - 2; i++)
        out = out * BASE + digit[i];
    return out;
}

static uint32_t number_of(const struct size *s, uint32_t matrix, uint32_t label)
{
    return (uint32_t)s->vertices << (MATRIX_BITS + LABEL_BITS) | matrix << LABEL_BITS | label;
}

/* Is every vertex on a way from the input to the output?  Since edges go up, that is: all but the last
 * have an edge out, all but the first one in. */
static int is_whole(const struct size *s, uint32_t matrix)
{
    uint32_t out = 0, in = 0;

    for (int32_t i = 0; i < s->vertices; i++) {
        for (int32_t j = i + 1; j < s->vertices; j++) {
            if (matrix & s->bit[i][j]) {
                out |= 1u << i;
                in |= 1u << j;
            }
        }
    }
    return out == (1u << (s->vertices - 1)) - 1 && in == (1u << s->vertices) - 2;
}

/* Adds the cells of a matrix, if it is the smallest of its renamings. */
static size_t add_cells(const struct size *s, uint32_t matrix, uint32_t labels, uint32_t *out,
                        size_t n)
{
    const int8_t *keeps[RENAMINGS];
    int32_t kept = 0;

    for (int32_t p = 0; p < s->renamings; p++) {
        uint32_t other = rename_matrix(s, s->renaming[p], matrix);

        if (other < matrix)
            return n;
        if (other == matrix)
            keeps[kept++] = s->renaming[p];
    }
    for (uint32_t label = 0; label < labels; label++) {
        int smallest = 1;

        for (int32_t p = 0; p < kept && smallest; p++)
            smallest = rename_label(s, keeps[p], label) >= label;
        if (smallest && n < NB101_CELLS)
            out[n++] = number_of(s, matrix, label);
    }
    return n;
}

static uint32_t *all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_all(void)
{
    uint32_t labels = 1;
    size_t n = 0;
    struct size s;

    all = malloc(NB101_CELLS * sizeof *all);
    for (int32_t v = 2; v <= NB101_VERTICES && all; v++, labels *= BASE) {
        uint32_t end = 1u << (v * (v - 1) / 2);

        size_make(&s, v);
        for (uint32_t matrix = 1; matrix < end; matrix++) {
            if (__builtin_popcount(matrix) <= NB101_EDGES && is_whole(&s, matrix))
                n = add_cells(&s, matrix, labels, all, n);
        }
    }
}

__attribute__((destructor)) static void free_all(void)
{
    free(all);
    all = NULL;
}

const uint32_t *nb101_order(void)
{
    pthread_once(&once, make_all);
    return all;
}

void nb101_order_cell(uint32_t number, struct nb101_cell *out)
{
    int32_t v = (int32_t)(number >> (MATRIX_BITS + LABEL_BITS));
    uint32_t label = number & ((1u << LABEL_BITS) - 1);
    uint32_t matrix = number >> LABEL_BITS & ((1u << MATRIX_BITS) - 1);

    *out = (struct nb101_cell){.vertices = v};
    for (int32_t i = 0; i < v; i++)
        for (int32_t j = i + 1; j < v; j++)
            out->edge[i][j] = (matrix & edge_bit(v, i, j)) != 0;
    for (int32_t i = v - 2; i > 0; i--, label /= BASE)
        out->code[i] = NB101_MAX_POOL + (int32_t)(label % BASE);
    out->code[0] = NB101_INPUT;
    out->code[v - 1] = NB101_OUTPUT;
}

uint32_t nb101_order_number(const struct nb101_cell *pruned)
{
    uint32_t matrix = 0, label = 0, least = UINT32_MAX;
    struct size s;

    size_make(&s, pruned->vertices);
    for (int32_t i = 0; i < s.vertices; i++)
        for (int32_t j = i + 1; j < s.vertices; j++)
            matrix |= pruned->edge[i][j] ? s.bit[i][j] : 0;
    for (int32_t i = 1; i < s.vertices - 1; i++)
        label = label * BASE + (uint32_t)(pruned->code[i] - NB101_MAX_POOL);
    for (int32_t p = 0; p < s.renamings; p++) {
        uint32_t other = rename_matrix(&s, s.renaming[p], matrix), number;

        if (other == UINT32_MAX)
            continue;
        number = number_of(&s, other, rename_label(&s, s.renaming[p], label));
        if (number < least)
            least = number;
    }
    return least;
}
