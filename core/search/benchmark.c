/* benchmark.c -- see benchmark.h.  Room: core/search. */
#include "search/benchmark.h"

#include "plugin/calls.h"
#include "plugin/registry.h"

#include <math.h>
#include <string.h>

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
