/* lines.c -- names, kinds and shapes of layers: each that differs is stored once, under a number, and a network has a
 * list of numbers.
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static uint64_t hash_of(const struct result_layer *l)
{
    uint64_t hash = fnv(FNV_START, l->name, strlen(l->name) + 1);

    hash = fnv(hash, l->kind, strlen(l->kind) + 1);
    return fnv(hash, l->shape, strlen(l->shape));
}

static int is_same(const struct result_layer *a, const struct result_layer *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->shape, b->shape) && !strcmp(a->kind, b->kind);
}

/* The slot of a line, or the one where it would be. */
static size_t slot_of(const struct layer_lines *n, const struct result_layer *l)
{
    size_t at = hash_of(l) & (n->slots - 1);

    while (n->slot[at] && !is_same(&n->line[n->slot[at] - 1], l))
        at = (at + 1) & (n->slots - 1);
    return at;
}

static void grow(struct layer_lines *n)
{
    n->slots = n->slots ? n->slots * 2 : 1024;
    n->id = mem_resize(n->id, n->slots * sizeof *n->id);
    n->line = mem_resize(n->line, n->slots * sizeof *n->line);
    free(n->slot);
    n->slot = mem_alloc(n->slots * sizeof *n->slot);
    for (size_t i = 0; i < n->count; i++)
        n->slot[slot_of(n, &n->line[i])] = i + 1;
}

/* A line that is not there yet, with the largest number so far. */
static void add(struct layer_lines *n, int64_t id, const struct result_layer *l)
{
    struct result_layer *to;

    if (2 * (n->count + 1) > n->slots)
        grow(n);
    n->slot[slot_of(n, l)] = n->count + 1;
    to = &n->line[n->count];
    to->name = arena_strdup(&n->arena, l->name);
    to->kind = arena_strdup(&n->arena, l->kind);
    to->shape = arena_strdup(&n->arena, l->shape);
    n->id[n->count++] = id;
}

tcet_status lines_load(struct store *s, struct error *err)
{
    const enum sql q = SQL_LINES_AFTER;
    struct layer_lines *n = &s->lines;
    int64_t last = n->count ? n->id[n->count - 1] : 0;
    tcet_status st = sql_bind(s, q, err, "i", last);
    int have = 0;

    while (st >= 0 && (st = sql_step(s, q, &have, err)) >= 0 && have) {
        const struct result_layer line = {sql_text(s, q, 1), sql_text(s, q, 2), sql_text(s, q, 3)};

        if (shape_is_valid(line.shape))
            add(n, sql_i64(s, q, 0), &line);
        else
            st = sql_damaged(s, "a layer's shape", err);
    }
    sql_done(s, q);
    n->stored = n->count;
    n->loaded = st >= 0;
    return st;
}

void lines_forget(struct store *s)
{
    free(s->lines.id);
    free(s->lines.line);
    free(s->lines.slot);
    arena_free(&s->lines.arena);
    s->lines = (struct layer_lines){.arena = {0}};
}

/* -- Writing ------------------------------------------------------------------------------ */

/* The number of a line; 0: there are no more numbers. */
static int64_t number_of(struct layer_lines *n, const struct result_layer *l)
{
    int64_t last = n->count ? n->id[n->count - 1] : 0;
    size_t at = n->slots ? n->slot[slot_of(n, l)] : 0;

    if (at)
        return n->id[at - 1];
    if (last == INT64_MAX)
        return 0;
    add(n, last + 1, l);
    return last + 1;
}

int lines_list(struct layer_lines *n, const struct result_layer *layers, size_t count,
               struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        char text[24], *end = text + sizeof text, *p = end;
        int64_t id = number_of(n, &layers[i]);

        if (!id)
            return -1;
        for (; id; id /= 10)
            *--p = (char)('0' + id % 10);
        if (i)
            *--p = ',';
        buf_add(out, p, (size_t)(end - p));
    }
    buf_puts(out, "");
    return 0;
}

tcet_status lines_flush(struct store *s, struct error *err)
{
    struct layer_lines *n = &s->lines;

    for (; n->stored < n->count; n->stored++) {
        const struct result_layer *l = &n->line[n->stored];

        TRY(sql_run(s, SQL_LINE_ADD, err, "ittt", n->id[n->stored], l->name, l->kind, l->shape));
    }
    return TCET_OK;
}

/* -- Reading ------------------------------------------------------------------------------ */

/* The line of a number, NULL: none.  Numbers ascend, mostly from 1 without a gap. */
static const struct result_layer *line_of(const struct layer_lines *n, int64_t id)
{
    size_t low = 0, high = n->count;

    if (id > 0 && (uint64_t)id <= n->count && n->id[id - 1] == id)
        return &n->line[id - 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (n->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n->count && n->id[low] == id ? &n->line[low] : NULL;
}

tcet_status lines_read(struct store *s, const char *list, struct arena *a, struct result_row *out,
                       struct error *err)
{
    struct result_layer *layers;
    size_t count = *list != '\0';

    for (const char *p = list; *p; p++)
        count += *p == ',';
    if (!s->lines.loaded)
        TRY(lines_load(s, err));
    layers = arena_alloc(a, (count + 1) * sizeof *layers);
    for (size_t i = 0; i < count; i++) {
        char *end;
        int64_t id = strtoll(list, &end, 10);
        const struct result_layer *l = line_of(&s->lines, id);

        if (!l) { /* a run beside may have put it since */
            TRY(lines_load(s, err));
            l = line_of(&s->lines, id);
        }
        if (!l || (*end && *end != ','))
            return sql_damaged(s, "a network's layers", err);
        layers[i] = *l;
        list = end + 1;
    }
    out->layers = layers;
    out->layer_count = count;
    return TCET_OK;
}
