/* source.c -- see source.h.  Room: core/cli. */
#include "cli/source.h"

#include "base/text.h"
#include "plan/benchmark_table.h"
#include "run/stored.h"

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

/* A run's folder and its config. */
static tcet_status read_folder(const struct source_options *o, const char *path, struct folder *f,
                               struct config **config, const char **forgotten, struct error *err)
{
    struct arena a = {0};
    tcet_status st = TCET_OK;

    TRY(folder_read(path, f, err));
    if (!f->arch_count)
        st = error_set(err, TCET_E_ARG, "%s: none of the %zu architectures is scored yet", path,
                       f->listed);
    if (st >= 0 && o->space)
        st = error_set(err, TCET_E_ARG,
                       "--space goes with tables of scores; %s is a run's folder, whose config "
                       "names its space",
                       path);
    if (st >= 0)
        st = stored_read(path, cli_folders(&o->plugins, &a), o->plugins.count, config, forgotten,
                         err);
    arena_free(&a);
    if (st < 0)
        folder_free(f);
    return st;
}

static tcet_status read_part(struct source *s, const struct source_options *o, const char *path,
                             struct error *err)
{
    struct folder *f = &s->part[s->count];
    struct config **config = &s->config[s->count];
    const char *forgotten = "";

    if (score_table_is(path))
        TRY(score_table_read(o, path, f, config, err));
    else
        TRY(read_folder(o, path, f, config, &forgotten, err));
    s->count++;
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

/* Is a name that of an accuracy of the table, by either of its names? */
static int is_accuracy(const struct table *t, const char *name)
{
    struct error none = {0};
    const double *values;

    if (table_column(t, name, &values, &none) < 0)
        return 0;
    return table_is_trained(t, t->column[(size_t)(values - t->values) / t->rows]);
}

/* The columns to compare: of a table of scores, which may hold accuracies too (an export does), without
 * those.  The caller's to free(). */
static struct report_series *scores_of(const struct source *s, const struct table *t, size_t *count)
{
    const struct folder *f = &s->all;
    struct report_series *columns = mem_alloc((f->column_count + 1) * sizeof *columns);
    int tables = 0;

    *count = 0;
    for (size_t i = 0; i < s->count; i++)
        tables |= s->part[i].table != NULL;
    for (size_t i = 0; i < f->column_count; i++) {
        if (!tables || !t || !is_accuracy(t, f->columns[i].column.name))
            columns[(*count)++] = f->columns[i];
    }
    return columns;
}

tcet_status source_compare(const struct source_options *o, const struct source *s,
                           struct comparison *out, struct error *err)
{
    const struct folder *f = &s->all;
    const char *table, *column, *population;
    struct join j = {.count = 0};
    struct table *t = NULL;
    struct report_series *columns;
    size_t count;
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
    columns = scores_of(s, t, &count);
    if (st >= 0)
        st = t ? join_make(s->chosen, f->archs, f->arch_count, t, NULL, &j, err) : TCET_OK;
    if (st >= 0)
        st = compare_with_table(s->chosen, f->archs, f->arch_count, columns, count, t ? &j : NULL,
                                table, column, population, out, err);
    join_free(&j);
    free(columns);
    table_free(t);
    if (st < 0 && (t || !table))
        stored_error(s->path, s->forgotten, err);
    return st;
}
