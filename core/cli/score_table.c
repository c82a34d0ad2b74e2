/* score_table.c -- a table of scores as if it were a run's folder (source.h): an export, a file of
 * another program, or a shipped table of scores.  Room: core/cli. */
#include "cli/source.h"

#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int score_table_is(const char *path)
{
    struct stat st;
    struct arena a = {0};
    struct error none = {0};
    const char *where;
    int is = 0;

    if (!stat(path, &st))
        return !S_ISDIR(st.st_mode);
    if (!table_is_path(path))
        is = table_path(path, paths_data(), &a, &where, &none) >= 0;
    arena_free(&a);
    return is;
}

int score_table_has_text(const struct table *t, size_t column)
{
    const struct table_text *text = &t->no_number[column];
    char said[512];

    if (!text->fields || text->numbers)
        return 0;
    snprintf(said, sizeof said,
             "%.200s:%zu: column \"%.100s\" holds text (\"%.40s\") and is left out", t->path,
             text->line, t->column[column], text->first);
    cli_log(NULL, TCET_LOG_INFO, said);
    return 1;
}

/* All columns that are neither accuracies nor say which networks are one. */
static tcet_status add_columns(struct folder *f, struct error *err)
{
    const struct table *t = f->table;
    const char *group = table_says(t, "group", &f->arena);

    if (group)
        TRY(table_column(t, group, &f->group, err));
    f->columns = arena_alloc(&f->arena, (t->columns + 1) * sizeof *f->columns);
    for (size_t i = 0; i < t->columns; i++) {
        const char *name = t->column[i];
        const double *values;

        if (table_is_trained(t, name) || (group && !strcmp(group, name)) ||
            !strcmp(name, "status") || /* an export's */
            score_table_has_text(t, i))
            continue;
        TRY(table_column(t, name, &values, err));
        f->columns[f->column_count++] = (struct report_series){
            .column = {.name = name,
                       .key = "",
                       .is_score = table_lists(t, "scores", name),
                       .direction = table_lists(t, "less", name) ? -1 : 1},
            .values = values,
        };
    }
    return f->column_count ? TCET_OK
                           : error_set(err, TCET_E_ARG, "%s: has no column of scores", t->path);
}

/* What a run's config would say: the command line, else the table's comments. */
static struct config *make_config(const struct source_options *o, const struct table *t)
{
    static const char *const said[] = {"table", "column"};
    struct config *c = config_new();
    struct arena a = {0};
    const char *space = o->space ? o->space : table_says(t, "space", &a);

    if (space)
        cli_put_run(c, "space", space);
    for (size_t i = 0; i < TCET_COUNT(said); i++) {
        const char *value = table_says(t, said[i], &a);

        if (value)
            config_put(c, "benchmark", "", said[i], value, t->path, "/", 0);
    }
    arena_free(&a);
    return c;
}

tcet_status score_table_read(const struct source_options *o, const char *path, struct folder *out,
                             struct config **config, struct error *err)
{
    struct folder f = {.data = "", .config_text = ""};
    struct table_options options = {.key = NULL};
    int duplicates = 0;
    tcet_status st;

    TRY(source_duplicates(o, &duplicates, err));
    options.duplicates = (enum table_duplicates)duplicates;
    TRY(source_table(path, &options, &f.table, err));
    f.archs = f.table->arch;
    f.arch_count = f.listed = f.table->rows;
    st = add_columns(&f, err);
    if (st < 0) {
        folder_free(&f);
        return st;
    }
    *config = make_config(o, f.table);
    f.space = arena_strdup(&f.arena, config_text(*config, "run", "", "space", ""));
    *out = f;
    return TCET_OK;
}
