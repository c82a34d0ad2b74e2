/* source.c -- see source.h.  Room: core/cli. */
#include "cli/source.h"

#include "base/text.h"
#include "run/stored.h"
#include "search/benchmark.h"

#include <stdlib.h>
#include <string.h>

/* In the order of enum table_duplicates. */
static const char *const DUPLICATES[] = {"auto", "error", "mean", "first", NULL};

tcet_status source_duplicates(const struct source_options *o, int *out, struct error *err)
{
    return cli_choose("--duplicates", o->duplicates, DUPLICATES, out, err);
}

tcet_status source_table(const char *name, const struct table_options *options, struct table **out,
                         struct error *err)
{
    struct arena a = {0};
    const char *path;
    tcet_status st = table_path(name, paths_data(), &a, &path, err);

    if (st >= 0)
        st = table_load(path, options, out, err);
    arena_free(&a);
    return st;
}

tcet_status source_folder_table(const struct source_options *o, const struct config *config,
                                const char *table, struct table **out, struct error *err)
{
    struct table_options options;
    int duplicates;

    TRY(benchmark_options(config, &options, err));
    duplicates = (int)options.duplicates;
    TRY(source_duplicates(o, &duplicates, err));
    options.duplicates = (enum table_duplicates)duplicates;
    if (o->key)
        options.key = o->key;
    return source_table(table, &options, out, err);
}

static tcet_status read_part(struct source *s, const struct source_options *o, const char *path,
                             struct error *err)
{
    struct folder *f = &s->part[s->count];
    struct config **config = &s->config[s->count];
    struct arena a = {0};
    const char *forgotten;
    tcet_status st;

    TRY(folder_read(path, f, err));
    s->count++;
    if (!f->arch_count)
        return error_set(err, TCET_E_ARG, "%s: none of the %zu architectures is scored yet", path,
                         f->listed);
    st = stored_read(path, cli_folders(&o->plugins, &a), o->plugins.count, config, &forgotten, err);
    arena_free(&a);
    TRY(st);
    if (!s->chosen || (!config_get(s->chosen, "benchmark", "", "table") &&
                       config_get(*config, "benchmark", "", "table"))) {
        s->chosen = *config;
        s->path = path;
        s->forgotten = forgotten;
    }
    return folder_reference(f, *config, err);
}

static tcet_status read_all(struct source *s, const struct source_options *o,
                            const char *const *paths, size_t count, struct error *err)
{
    s->part = mem_alloc(count * sizeof *s->part);
    s->config = mem_alloc(count * sizeof *s->config);
    for (size_t i = 0; i < count; i++)
        TRY(read_part(s, o, paths[i], err));
    if (count == 1) {
        s->all = s->part[0];
        return TCET_OK;
    }
    TRY(folder_join(s->part, paths, count, &s->all, err));
    return s->all.arch_count
               ? TCET_OK
               : error_set(err, TCET_E_ARG, "no architecture is scored in all of the %zu folders",
                           count);
}

void source_free(struct source *s)
{
    if (s->count != 1)
        folder_free(&s->all);
    for (size_t i = 0; i < s->count; i++) {
        folder_free(&s->part[i]);
        config_free(s->config[i]);
    }
    free(s->part);
    free(s->config);
}

tcet_status source_read(const struct source_options *o, const char *const *paths, size_t count,
                        struct source *out, struct error *err)
{
    struct source s = {.count = 0};
    tcet_status st = read_all(&s, o, paths, count, err);

    if (st < 0)
        source_free(&s);
    else
        *out = s;
    return st;
}

tcet_status source_compare(const struct source_options *o, const struct source *s,
                           struct comparison *out, struct error *err)
{
    const struct folder *f = &s->all;
    const char *table, *column, *population;
    struct join j = {.count = 0};
    struct table *t = NULL;
    tcet_status st = TCET_OK;

    table = o->table ? o->table : config_text(s->chosen, "benchmark", "", "table", NULL);
    column = o->column ? o->column : config_text(s->chosen, "benchmark", "", "column", NULL);
    population = o->population ? o->population
                               : config_text(s->chosen, "benchmark", "", "population", "all");
    if (table && !*table)
        table = column = NULL;
    if (!table != !column)
        st = error_set(err, TCET_E_ARG, "the run names no [benchmark] %s; give --%s",
                       table ? "column" : "table", table ? "column" : "table");
    if (st >= 0 && table)
        st = source_folder_table(o, s->chosen, table, &t, err);
    if (st >= 0)
        st = t ? join_make(s->chosen, f->archs, f->arch_count, t, NULL, &j, err) : TCET_OK;
    if (st >= 0)
        st = compare_with_table(s->chosen, f->archs, f->arch_count, f->columns, f->column_count,
                                t ? &j : NULL, table, column, population, out, err);
    join_free(&j);
    table_free(t);
    if (st < 0 && (t || !table))
        stored_error(s->path, s->forgotten, err);
    return st;
}
