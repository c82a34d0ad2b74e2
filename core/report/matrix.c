/* matrix.c -- how the scores agree with one another: Kendall's tau between every two (report.h).
 * Room: core/report. */
#include "report/report.h"

#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* One row and column of the matrix. */
struct entry {
    const char *name;
    const double *values;
    int direction;
};

/* Of the architectures where both are numbers; NaN where there is no tau. */
static double tau(const struct report_input *in, const struct entry *x, const struct entry *y,
                  double *u, double *v)
{
    size_t n = 0;

    for (size_t i = 0; i < in->count; i++) {
        if ((in->mask && !in->mask[i]) || isnan(x->values[i]) || isnan(y->values[i]))
            continue;
        u[n] = x->direction < 0 ? -x->values[i] : x->values[i];
        v[n++] = y->direction < 0 ? -y->values[i] : y->values[i];
    }
    return stats_kendall(u, v, n);
}

static size_t entries(const struct report_input *in, enum report_format f, struct entry *out)
{
    size_t n = 0;

    for (size_t i = 0; i < in->series_count; i++) {
        const struct report_series *s = &in->series[i];

        if (s->repeat && f == REPORT_TEXT)
            continue;
        out[n++] = (struct entry){s->column.name, s->values, s->column.direction};
    }
    if (in->accuracy)
        out[n++] = (struct entry){in->accuracy_name, in->accuracy, 1};
    return n;
}

static void print_json(const struct report_input *in, const struct entry *e, size_t n,
                       const double *t, struct buf *out)
{
    buf_puts(out, "{\"population\":");
    json_write_string(out, in->population);
    buf_printf(out, ",\"tau\":\"b\",\"architectures\":%zu,\"names\":[", in->count);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? "," : "");
        json_write_string(out, e[i].name);
    }
    buf_puts(out, "],\"matrix\":[");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ",[" : "[");
        for (size_t k = 0; k < n; k++) {
            buf_puts(out, k ? "," : "");
            json_write_f64(out, t[i * n + k]);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "]}\n");
}

static void print_table(const struct report_input *in, const struct entry *e, size_t n,
                        const double *t, enum report_format f, struct arena *a, struct buf *out)
{
    size_t columns = n + 1;
    const char **cell = arena_alloc(a, (n + 1) * columns * sizeof *cell);

    cell[0] = "tau";
    for (size_t i = 0; i < n; i++) {
        cell[i + 1] = e[i].name;
        cell[(i + 1) * columns] = e[i].name;
        for (size_t k = 0; k < n; k++) {
            double v = t[i * n + k];
            char digits[32];

            if (isnan(v))
                cell[(i + 1) * columns + k + 1] = f == REPORT_CSV ? "" : "-";
            else
                cell[(i + 1) * columns + k + 1] = f == REPORT_CSV
                                                      ? arena_strdup(a, text_f64(digits, v))
                                                      : arena_printf(a, "%.4f", v);
        }
    }
    report_table(out, cell, n + 1, columns, f, in->wide);
}

void report_matrix(const struct report_input *in, enum report_format f, struct buf *out)
{
    struct arena a = {0};
    struct entry *e = arena_alloc(&a, (in->series_count + 2) * sizeof *e);
    size_t n = entries(in, f, e);
    double *u = arena_alloc(&a, (in->count + 1) * sizeof *u);
    double *v = arena_alloc(&a, (in->count + 1) * sizeof *v);
    double *t = arena_alloc(&a, (n * n + 1) * sizeof *t);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = i; k < n; k++)
            t[i * n + k] = t[k * n + i] = tau(in, &e[i], &e[k], u, v);
    }
    if (f == REPORT_JSON)
        print_json(in, e, n, t, out);
    else
        print_table(in, e, n, t, f, &a, out);
    arena_free(&a);
}
