/* benchmark_table.c -- see benchmark_table.h.  Room: core/plan. */
#include "plan/benchmark_table.h"

#include "plugin/registry.h"

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

tcet_status benchmark_load(const struct config *config, struct table **out, struct error *err)
{
    struct config_key *k = config_get(config, "benchmark", "", "table");
    struct table_options options;
    struct arena a = {0};
    const char *path;
    tcet_status st;

    TRY(benchmark_options(config, &options, err));
    st = table_path(k->value, paths_data(), &a, &path, err);
    if (st >= 0 && !strcmp(path, k->value)) {
        path = config_path(&a, k);
        config_replace(k, path);
    }
    if (st >= 0)
        st = table_load(path, &options, out, err);
    arena_free(&a);
    return st < 0 ? config_error_at(err, k) : TCET_OK;
}
