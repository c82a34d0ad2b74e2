/* jigsaw.c -- see jigsaw.h.  Room: plugins/dataset/common. */
#include "common/jigsaw.h"

#include "common/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/failf.h>

enum { CELL = 85, TILE = 64, CANDIDATES = 64, TRIES = 100000, ERROR = 700 };

int32_t jigsaw_side(int32_t tile)
{
    return (int32_t)(JIGSAW_SIDE * ((int64_t)tile * CELL / TILE));
}

void jigsaw_close(struct jigsaw *j)
{
    free(j->order);
    *j = (struct jigsaw){.count = 0};
}

static tcet_status make_room(tcet_ctx *cx, struct jigsaw *j, int64_t count)
{
    j->order = malloc((size_t)count * sizeof *j->order);
    return j->order ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory for the permutations");
}

static int is_there(const struct jigsaw *j, const int64_t *order)
{
    for (int64_t i = 0; i < j->count; i++) {
        int32_t n = 0;

        while (n < JIGSAW_TILES && j->order[i][n] == order[n])
            n++;
        if (n == JIGSAW_TILES)
            return 1;
    }
    return 0;
}

/* Of some random ones the one whose tiles stand where fewest of those before have them; the sum of
 * distances to all of these is largest. */
static tcet_status make_own(tcet_ctx *cx, struct jigsaw *out)
{
    int64_t taken[JIGSAW_TILES][JIGSAW_TILES] = {{0}}, order[JIGSAW_TILES], best[JIGSAW_TILES];
    tcet_rng *rng = cx->host->rng(cx, 0);

    if (!rng)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the generator");
    while (out->count < JIGSAW_OWN) {
        int64_t least = INT64_MAX;

        for (int32_t k = 0; k < CANDIDATES || (least == INT64_MAX && k < TRIES); k++) {
            int64_t alike = 0;

            cx->host->rng_permutation(rng, order, JIGSAW_TILES);
            for (int32_t n = 0; n < JIGSAW_TILES; n++)
                alike += taken[n][order[n]];
            if (alike >= least || is_there(out, order))
                continue;
            least = alike;
            memcpy(best, order, sizeof best);
        }
        if (least == INT64_MAX)
            return tcet_fail(cx, TCET_E_PLUGIN, "the generator repeats its permutations");
        for (int32_t n = 0; n < JIGSAW_TILES; n++) {
            out->order[out->count][n] = (uint8_t)best[n];
            taken[n][best[n]]++;
        }
        out->count++;
    }
    return TCET_OK;
}

/* Row `row` of the file. */
static tcet_status take_row(tcet_ctx *cx, const char *path, int64_t row, const struct array *a,
                            const unsigned char *numbers, struct jigsaw *out)
{
    uint32_t seen = 0;

    for (int32_t n = 0; n < JIGSAW_TILES; n++) {
        int64_t v = array_whole(a, numbers, row * JIGSAW_TILES + n);

        seen |= v >= 0 && v < JIGSAW_TILES ? 1U << v : 0;
        out->order[row][n] = (uint8_t)v;
    }
    if (seen != (1U << JIGSAW_TILES) - 1)
        return tcet_failf(cx, TCET_E_ARG, "%s: row %" PRId64 " is no permutation of 0 to 8", path,
                          row);
    out->count = row + 1;
    return TCET_OK;
}

static tcet_status read_file(tcet_ctx *cx, const char *path, struct jigsaw *out)
{
    struct array a;
    char error[ERROR];
    unsigned char *numbers = NULL;
    tcet_status st = TCET_OK;

    out->order = NULL;
    if (array_open(path, NULL, &a, error, sizeof error) < 0)
        st = tcet_fail(cx, TCET_E_ARG, error);
    else if (a.kind == 'f' || a.dims != 2 || a.shape[1] != JIGSAW_TILES || a.shape[0] < 1 ||
             a.shape[0] > JIGSAW_MAX)
        st = tcet_failf(cx, TCET_E_ARG, "%s: permutations are integers [n, 9]", path);
    else
        st = make_room(cx, out, a.shape[0]);
    if (st == TCET_OK && !(numbers = malloc((size_t)a.bytes)))
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for the permutations");
    if (st == TCET_OK && array_read(&a, 0, a.bytes, numbers) < 0)
        st = tcet_failf(cx, TCET_E_IO, "%s: cannot be read any more", path);
    for (int64_t row = 0; st == TCET_OK && out->order && row < a.shape[0]; row++)
        st = take_row(cx, path, row, &a, numbers, out);
    array_close(&a);
    free(numbers);
    return st;
}

tcet_status jigsaw_open(tcet_ctx *cx, const char *path, struct jigsaw *out)
{
    tcet_status st;

    jigsaw_close(out);
    if (*path)
        return read_file(cx, path, out);
    st = make_room(cx, out, JIGSAW_OWN);
    return st < 0 ? st : make_own(cx, out);
}
