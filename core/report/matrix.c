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

static size_t entries(const struct report_input *in, int repeats, struct entry *out)
{
    size_t n = 0;

    for (size_t i = 0; i < in->series_count; i++) {
        const struct report_series *s = &in->series[i];

        if (s->repeat && !repeats)
            continue;
        out[n++] = (struct entry){s->column.name, s->values, s->column.direction};
    }
    if (in->accuracy)
        out[n++] = (struct entry){in->accuracy_name, in->accuracy, 1};
    return n;
}

/* Equation 1 of those where both and the accuracy are finite, as report_make has it. */
static double partial_of(const struct report_input *in, const struct entry *x,
                         const struct entry *y, double *u, double *v, double *z)
{
    size_t n = 0;

    for (size_t i = 0; i < in->count; i++) {
        if ((in->mask && !in->mask[i]) || !isfinite(x->values[i]) || !isfinite(y->values[i]) ||
            isnan(in->accuracy[i]))
            continue;
        u[n] = x->direction < 0 ? -x->values[i] : x->values[i];
        v[n] = y->direction < 0 ? -y->values[i] : y->values[i];
        z[n++] = in->accuracy[i];
    }
    return stats_partial(stats_kendall(u, v, n), stats_kendall(u, z, n), stats_kendall(v, z, n));
}

/* Has every architecture of the population a finite one? */
static int is_complete(const struct report_input *in, const struct entry *e)
{
    for (size_t i = 0; i < in->count; i++) {
        if ((!in->mask || in->mask[i]) && !isfinite(e->values[i]))
            return 0;
    }
    return 1;
}

static void make_partial(const struct report_input *in, const struct entry *e, double *u, double *v,
                         struct arena *a, struct report_taus *out)
{
    size_t n = out->n, z = n - 1; /* the accuracy is the last */
    double *w = arena_alloc(a, (in->count + 1) * sizeof *w);
    int *complete = arena_alloc(a, (n + 1) * sizeof *complete);

    for (size_t i = 0; i < n; i++)
        complete[i] = is_complete(in, &e[i]);
    for (size_t i = 0; i < z; i++) {
        for (size_t k = i + 1; k < z; k++) {
            double p =
                complete[i] && complete[k] && complete[z]
                    ? stats_partial(out->tau[i * n + k], out->tau[i * n + z], out->tau[k * n + z])
                    : partial_of(in, &e[i], &e[k], u, v, w);

            out->partial[i * n + k] = out->partial[k * n + i] = p;
        }
    }
}

void report_taus(const struct report_input *in, int repeats, int partial, struct arena *a,
                 struct report_taus *out)
{
    struct arena own = {0};
    struct entry *e = arena_alloc(&own, (in->series_count + 2) * sizeof *e);
    size_t n = entries(in, repeats, e);
    double *u = arena_alloc(&own, (in->count + 1) * sizeof *u);
    double *v = arena_alloc(&own, (in->count + 1) * sizeof *v);

    *out = (struct report_taus){.name = arena_alloc(a, (n + 1) * sizeof *out->name), .n = n};
    out->tau = arena_alloc(a, (n * n + 1) * sizeof *out->tau);
    for (size_t i = 0; i < n; i++) {
        out->name[i] = e[i].name;
        for (size_t k = i; k < n; k++)
            out->tau[i * n + k] = out->tau[k * n + i] = tau(in, &e[i], &e[k], u, v);
    }
    if (partial) {
        out->partial = arena_alloc(a, (n * n + 1) * sizeof *out->partial);
        for (size_t i = 0; i < n * n; i++)
            out->partial[i] = NAN;
        if (in->accuracy)
            make_partial(in, e, u, v, &own, out);
    }
    arena_free(&own);
}

static void print_json(const struct report_input *in, const struct report_taus *t, struct buf *out)
{
    buf_puts(out, "{\"population\":");
    json_write_string(out, in->population);
    buf_printf(out, ",\"tau\":\"b\",\"architectures\":%zu,\"names\":[", in->count);
    for (size_t i = 0; i < t->n; i++) {
        buf_puts(out, i ? "," : "");
        json_write_string(out, t->name[i]);
    }
    buf_puts(out, "],\"matrix\":[");
    for (size_t i = 0; i < t->n; i++) {
        buf_puts(out, i ? ",[" : "[");
        for (size_t k = 0; k < t->n; k++) {
            buf_puts(out, k ? "," : "");
            json_write_f64(out, t->tau[i * t->n + k]);
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "]}\n");
}

static void print_table(const struct report_input *in, const struct report_taus *t,
                        enum report_format f, struct arena *a, struct buf *out)
{
    size_t n = t->n, columns = n + 1;
    const char **cell = arena_alloc(a, (n + 1) * columns * sizeof *cell);

    cell[0] = "tau";
    for (size_t i = 0; i < t->n; i++) {
        cell[i + 1] = t->name[i];
        cell[(i + 1) * columns] = t->name[i];
        for (size_t k = 0; k < n; k++) {
            double v = t->tau[i * n + k];
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
    struct report_taus t;

    report_taus(in, f != REPORT_TEXT, 0, &a, &t);
    if (f == REPORT_JSON)
        print_json(in, &t, out);
    else
        print_table(in, &t, f, &a, out);
    arena_free(&a);
}
