/* values.c -- each architecture's accuracy and scores, as they were joined.  Room: core/report. */
#include "report/internal.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

static void print_json(const struct report_input *in, const char *const *archs, struct buf *out)
{
    size_t rows = 0;

    buf_puts(out, "{\"accuracy\":");
    if (in->accuracy)
        json_write_string(out, in->accuracy_name);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"population\":");
    json_write_string(out, in->population);
    buf_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < in->count; i++) {
        if (in->mask && !in->mask[i])
            continue;
        buf_puts(out, rows++ ? ",{\"arch\":" : "{\"arch\":");
        json_write_string(out, archs[i]);
        buf_puts(out, ",\"accuracy\":");
        json_write_f64(out, in->accuracy ? in->accuracy[i] : NAN);
        buf_puts(out, ",\"scores\":{");
        for (size_t k = 0; k < in->series_count; k++) {
            buf_puts(out, k ? "," : "");
            json_write_string(out, in->series[k].column.name);
            buf_puts(out, ":");
            json_write_f64(out, in->series[k].values[i]);
        }
        buf_puts(out, "}}");
    }
    buf_puts(out, "]}\n");
}

/* "cifar10" and "val_accuracy" or "test_accuracy" of "val_cifar10" or "cifar10_test". */
static const char *task_of(const char *accuracy, const char **field, struct arena *a)
{
    static const char *const marks[] = {"val", "valid", "test"};
    size_t n = strlen(accuracy);

    *field = "accuracy";
    for (size_t i = 0; i < TCET_COUNT(marks); i++) {
        size_t m = strlen(marks[i]);

        if (n <= m + 1)
            continue;
        *field = i == 2 ? "test_accuracy" : "val_accuracy";
        if (!strncmp(accuracy, marks[i], m) && accuracy[m] == '_')
            return arena_strdup(a, accuracy + m + 1);
        if (!strcmp(accuracy + n - m, marks[i]) && accuracy[n - m - 1] == '_')
            return arena_strndup(a, accuracy, n - m - 1);
        *field = "accuracy";
    }
    return accuracy;
}

static void print_zc(const struct report_input *in, const char *const *archs, struct buf *out)
{
    struct arena a = {0};
    const char *field, *task = task_of(in->accuracy_name, &field, &a);
    size_t rows = 0;

    buf_puts(out, "{");
    json_write_string(out, task);
    buf_puts(out, ":{");
    for (size_t i = 0; i < in->count; i++) {
        if ((in->mask && !in->mask[i]) || isnan(in->accuracy[i]))
            continue;
        buf_puts(out, rows ? ",\n" : "\n");
        json_write_string(out, archs[i]);
        buf_printf(out, ":{\"idx\":\"%zu\",\"arch\":", rows++);
        json_write_string(out, archs[i]);
        for (size_t k = 0; k < in->series_count; k++) {
            const struct report_series *s = &in->series[k];

            if (!isfinite(s->values[i])) /* JSON has no such number */
                continue;
            buf_puts(out, ",");
            json_write_string(out, s->column.name);
            buf_puts(out, ":{\"score\":");
            json_write_f64(out, s->values[i]);
            buf_puts(out, ",\"time\":");
            json_write_f64(out, s->seconds > 0 ? s->seconds : 0);
            buf_puts(out, "}");
        }
        buf_printf(out, ",\"%s\":", field);
        json_write_f64(out, in->accuracy[i]);
        buf_puts(out, "}");
    }
    buf_puts(out, "\n}}\n");
    arena_free(&a);
}

static const char *number(double v, enum report_format f, struct arena *a)
{
    char digits[32];

    if (isnan(v))
        return f == REPORT_CSV ? "" : "-";
    return f == REPORT_CSV ? arena_strdup(a, text_f64(digits, v)) : arena_printf(a, "%.6g", v);
}

void report_values(const struct report_input *in, const char *const *archs, enum report_format f,
                   struct buf *out)
{
    size_t first = in->accuracy ? 2 : 1, columns = first + in->series_count, rows = 1;
    struct arena a = {0};
    const char **cell;

    if (f == REPORT_JSON) {
        print_json(in, archs, out);
        return;
    }
    if (f == REPORT_ZC) {
        print_zc(in, archs, out);
        return;
    }
    cell = arena_alloc(&a, (in->count + 1) * columns * sizeof *cell);
    cell[0] = "arch";
    if (in->accuracy)
        cell[1] = in->accuracy_name;
    for (size_t k = 0; k < in->series_count; k++)
        cell[first + k] = in->series[k].column.name;
    for (size_t i = 0; i < in->count; i++) {
        const char **row = cell + rows * columns;

        if (in->mask && !in->mask[i])
            continue;
        rows++;
        row[0] = archs[i];
        if (in->accuracy)
            row[1] = number(in->accuracy[i], f, &a);
        for (size_t k = 0; k < in->series_count; k++)
            row[first + k] = number(in->series[k].values[i], f, &a);
    }
    report_table(out, cell, rows, columns, f, in->wide);
    arena_free(&a);
}
