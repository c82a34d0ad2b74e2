/* cmd_tables.c -- `tcet-host tables`: which tables of trained accuracies there are, and what stands
 * in one.  Room: core/cli. */
#include "cli/cli.h"

#include "base/json.h"
#include "plugin/registry.h"

#include <math.h>

/* The values of a column that are numbers. */
struct extent {
    size_t count;
    double low, high;
};

static struct extent extent_of(const double *values, size_t rows)
{
    struct extent e = {0, INFINITY, -INFINITY};

    for (size_t i = 0; i < rows; i++) {
        if (isnan(values[i]))
            continue;
        e.count++;
        e.low = values[i] < e.low ? values[i] : e.low;
        e.high = values[i] > e.high ? values[i] : e.high;
    }
    return e;
}

static void json_table(struct buf *out, const char *name, const struct table *t)
{
    buf_puts(out, "{\"table\":");
    json_write_string(out, name);
    buf_puts(out, ",\"path\":");
    json_write_string(out, t->path);
    buf_printf(out, ",\"rows\":%zu,\"key\":", t->rows);
    json_write_string(out, t->key);
    buf_puts(out, ",\"comment\":");
    json_write_string(out, t->comment);
    buf_puts(out, ",\"columns\":[");
    for (size_t i = 0; i < t->columns; i++) {
        struct extent e = extent_of(t->values + i * t->rows, t->rows);

        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_write_string(out, t->column[i]);
        buf_printf(out, ",\"trained\":%s,\"numbers\":%zu,\"texts\":%zu",
                   table_is_trained(t, t->column[i]) ? "true" : "false", e.count,
                   t->no_number[i].fields);
        if (e.count) {
            buf_puts(out, ",\"min\":");
            json_write_f64(out, e.low);
            buf_puts(out, ",\"max\":");
            json_write_f64(out, e.high);
        }
        buf_puts(out, "}");
    }
    buf_puts(out, "]}\n");
}

/* One table: its comments, and a line a column. */
static void print_columns(struct buf *out, const struct table *t)
{
    struct arena a = {0};
    const char **cell = arena_alloc(&a, 5 * (t->columns + 1) * sizeof *cell);
    const char *const head[] = {"column", "trained", "numbers", "min", "max"};

    buf_printf(out, "%s: %zu architectures (column %s)\n", t->path, t->rows, t->key);
    if (*t->comment)
        buf_printf(out, "\n%s\n", t->comment);
    for (size_t k = 0; k < 5; k++)
        cell[k] = head[k];
    for (size_t i = 0; i < t->columns; i++) {
        const char **row = cell + 5 * (i + 1);
        struct extent e = extent_of(t->values + i * t->rows, t->rows);

        row[0] = t->column[i];
        row[1] = table_is_trained(t, t->column[i]) ? "yes" : "";
        row[2] = t->no_number[i].fields ? "text" : arena_printf(&a, "%zu", e.count);
        row[3] = e.count ? arena_printf(&a, "%.6g", e.low) : "-";
        row[4] = e.count ? arena_printf(&a, "%.6g", e.high) : "-";
    }
    buf_puts(out, "\n");
    report_table(out, cell, t->columns + 1, 5, REPORT_TEXT, cli_width());
    arena_free(&a);
}

/* A line of the list: the table, its rows, and which columns are accuracies. */
static void list_line(struct arena *a, const char *name, const struct table *t, const char **cell)
{
    struct buf trained = {0};
    size_t count = 0;

    for (size_t i = 0; i < t->columns; i++) {
        if (table_is_trained(t, t->column[i]) && count++ < 3)
            buf_printf(&trained, "%s%s", trained.len ? ", " : "", t->column[i]);
    }
    if (count > 3)
        buf_printf(&trained, " and %zu more", count - 3);
    cell[0] = arena_strdup(a, name);
    cell[1] = arena_printf(a, "%zu", t->rows);
    cell[2] = arena_printf(a, "%zu", t->columns);
    cell[3] = arena_strdup(a, trained.len ? trained.data : "");
    buf_free(&trained);
}

static tcet_status load_named(const char *name, struct arena *a, struct table **out,
                              struct error *err)
{
    const char *path;

    TRY(table_path(name, paths_data(), a, &path, err));
    return table_load(path, NULL, out, err);
}

static tcet_status list_tables(bool json, struct buf *out, struct error *err)
{
    struct arena a = {0};
    size_t count;
    const char *const *names = table_shipped(paths_data(), &a, &count);
    const char **cell = arena_alloc(&a, 4 * (count + 1) * sizeof *cell);
    const char *const head[] = {"table", "architectures", "columns", "accuracies"};
    tcet_status st = TCET_OK;

    for (size_t k = 0; k < 4; k++)
        cell[k] = head[k];
    for (size_t i = 0; i < count && st >= 0; i++) {
        struct table *t;

        st = load_named(names[i], &a, &t, err);
        if (st < 0)
            break;
        if (json)
            json_table(out, names[i], t);
        else
            list_line(&a, names[i], t, cell + 4 * (i + 1));
        table_free(t);
    }
    if (st >= 0 && !json) {
        report_table(out, cell, count + 1, 4, REPORT_TEXT, cli_width());
        buf_puts(out, "\n`tcet-host tables TABLE` prints one's columns and sources\n");
    }
    arena_free(&a);
    return st;
}

int cmd_tables(const struct command *c, int argc, char **argv)
{
    bool json = false, only_names = false;
    const struct option_spec specs[] = {
        {"--names", NULL, "the names of the tables alone, one a line", &only_names, NULL, NULL},
        {"--json", NULL, "one JSON object a table", &json, NULL, NULL},
    };
    struct error err = {.status = TCET_OK};
    struct arena a = {0};
    struct buf out = {0};
    struct table *t;
    const char *name;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &name, 0, 1, &count);

    if (code >= 0)
        return code;
    if (only_names && (json || count))
        return cli_usage(c, "--names goes alone");
    if (only_names) {
        const char *const *names = table_shipped(paths_data(), &a, &count);

        for (size_t i = 0; i < count; i++)
            buf_printf(&out, "%s\n", names[i]);
    } else if (!count) {
        list_tables(json, &out, &err);
    } else if (load_named(name, &a, &t, &err) >= 0) {
        if (json)
            json_table(&out, name, t);
        else
            print_columns(&out, t);
        table_free(t);
    }
    if (err.status >= 0 && json)
        cli_write(&out);
    else if (err.status >= 0)
        cli_write_text(&out);
    buf_free(&out);
    arena_free(&a);
    return err.status < 0 ? cli_fail(&err) : 0;
}
