/* benchmark.c -- see benchmark.h.  Room: core/search. */
#include "search/benchmark.h"

#include "plan/benchmark_table.h"
#include "plugin/calls.h"

#include <math.h>
#include <string.h>

tcet_status benchmark_open(const struct config *config, struct instance *space,
                           struct benchmark *out, struct error *err)
{
    *out = (struct benchmark){.space = space};
    return benchmark_load(config, &out->table, err);
}

void benchmark_close(struct benchmark *b)
{
    table_free(b->table);
    arena_free(&b->arena);
}

static const char *key_of(struct benchmark *b, const char *arch, char *key)
{
    struct error unused;

    return space_check(b->space, arch, &unused) >= 0 &&
                   space_canonical(b->space, arch, key, TCET_ARCH_MAX, &unused) >= 0
               ? key
               : NULL;
}

/* Of every row that the space can read. */
static void make_keys(struct benchmark *b)
{
    const struct table *t = b->table;
    const char **keys = arena_alloc(&b->arena, (t->rows + 1) * sizeof *keys);
    char key[TCET_ARCH_MAX];

    for (size_t i = 0; i < t->rows; i++)
        keys[i] = key_of(b, t->arch[i], key) ? arena_strdup(&b->arena, key) : NULL;
    table_sort_keys(t, keys, &b->arena, &b->keys);
}

double benchmark_value(struct benchmark *b, const double *values, const char *arch)
{
    int64_t row = table_row(b->table, arch);
    char key[TCET_ARCH_MAX];
    double value = NAN;

    if (row >= 0)
        return values[row];
    if (!b->keys.sorted)
        make_keys(b);
    if (key_of(b, arch, key))
        (void)table_at_key(&b->keys, values, key, &value);
    return value;
}
