/* benchmark.c -- see benchmark.h.  Room: core/search. */
#include "search/benchmark.h"

#include "plugin/calls.h"
#include "plugin/registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row's canonical key. */
struct benchmark_key {
    const char *key;
    size_t row;
};

tcet_status benchmark_options(const struct config *config, struct table_options *out,
                              struct error *err)
{
    static const char *const duplicates[] = {"auto", "error", "mean", "first", NULL};
    int choice;

    TRY(config_choice(config, "benchmark", "", "duplicates", duplicates, 0, &choice, err));
    *out = (struct table_options){config_text(config, "benchmark", "", "key", NULL),
                                  (enum table_duplicates)choice};
    return TCET_OK;
}

tcet_status benchmark_open(const struct config *config, struct instance *space,
                           struct benchmark *out, struct error *err)
{
    struct config_key *k = config_get(config, "benchmark", "", "table");
    struct table_options options;
    struct arena a = {0};
    const char *path;
    tcet_status st;

    *out = (struct benchmark){.space = space};
    TRY(benchmark_options(config, &options, err));
    st = table_path(k->value, paths_data(), &a, &path, err);
    if (st >= 0)
        st = table_load(strcmp(path, k->value) ? path : config_path(&a, k), &options, &out->table,
                        err);
    arena_free(&a);
    return st < 0 ? config_error_at(err, k) : TCET_OK;
}

void benchmark_close(struct benchmark *b)
{
    table_free(b->table);
    free(b->keys);
    arena_free(&b->arena);
}

static int by_key(const void *a, const void *b)
{
    const struct benchmark_key *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->row > y->row) - (x->row < y->row);
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
    char key[TCET_ARCH_MAX];

    b->keys = mem_alloc((b->table->rows + 1) * sizeof *b->keys);
    for (size_t i = 0; i < b->table->rows; i++) {
        if (key_of(b, b->table->arch[i], key))
            b->keys[b->key_count++] = (struct benchmark_key){arena_strdup(&b->arena, key), i};
    }
    qsort(b->keys, b->key_count, sizeof *b->keys, by_key);
}

double benchmark_value(struct benchmark *b, const double *values, const char *arch)
{
    int64_t row = table_row(b->table, arch);
    char key[TCET_ARCH_MAX];
    size_t low = 0, high, n = 0;
    double sum = 0;

    if (row >= 0)
        return values[row];
    if (!b->keys)
        make_keys(b);
    if (!key_of(b, arch, key))
        return NAN;
    for (high = b->key_count; low < high;) { /* the first that is not before it */
        size_t middle = low + (high - low) / 2;

        if (strcmp(b->keys[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low + n < b->key_count && !strcmp(b->keys[low + n].key, key); n++)
        sum += values[b->keys[low + n].row];
    return n ? sum / (double)n : NAN;
}
