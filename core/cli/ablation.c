/* ablation.c -- see ablation.h.  Room: core/cli. */
#include "cli/ablation.h"

#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int find_column(const struct report *r, const char *name, size_t *out)
{
    for (size_t i = 0; i < r->line_count; i++) {
        const struct report_series *s = r->lines[i].series;

        if (s->baseline || strcmp(s->column.name, name))
            continue;
        *out = i;
        return 1;
    }
    return 0;
}

static int same_text(const char *x, const char *y)
{
    return x == y || (x && y && !strcmp(x, y));
}

/* Do two cells differ in their seed alone? */
static int same_row(const struct expand_cell *x, const struct expand_cell *y)
{
    for (int f = 0; f < EXPAND_FACTORS; f++) {
        if (f != EXPAND_SEED && !same_text(x->factor[f], y->factor[f]))
            return 0;
    }
    return 1;
}

void ablation_hide(const struct config *config, struct comparison *cmp)
{
    struct arena a = {0};
    const struct expand_cell *cells;
    size_t n = expand_cells(config, &a, &cells);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < cmp->in.series_count; k++) {
            if (!cmp->series[k].baseline && !strcmp(cmp->series[k].column.name, cells[i].name))
                cmp->series[k].hidden = 1;
        }
    }
    arena_free(&a);
}

/* NaN below every number; equal ones in the order of the config. */
static int by_tau(const void *a, const void *b)
{
    const struct ablation_row *x = a, *y = b;

    if (isnan(x->tau) != isnan(y->tau))
        return isnan(x->tau) - isnan(y->tau);
    if (x->tau > y->tau || x->tau < y->tau)
        return x->tau < y->tau ? 1 : -1;
    return (x->column > y->column) - (x->column < y->column);
}

/* A row's means over the seeds from cell `from` on. */
static void make_row(const struct report *r, const struct expand_cell *cells, size_t n, size_t from,
                     struct arena *a, struct ablation_row *out)
{
    double *tau = arena_alloc(a, (n + 1) * sizeof *tau);
    size_t columns = 0, column;
    double squares = 0;

    *out = (struct ablation_row){.cell = &cells[from], .tau = 0, .std = NAN};
    for (size_t i = from; i < n; i++) {
        const struct report_line *l;

        if (!same_row(&cells[from], &cells[i]) || !find_column(r, cells[i].name, &column))
            continue;
        l = &r->lines[column];
        out->column = columns ? out->column : column;
        columns++;
        out->nan += l->nan;
        out->seconds += l->series->seconds;
        if (isnan(l->relation.kendall))
            continue;
        tau[out->seeds++] = l->relation.kendall;
        out->tau += l->relation.kendall;
        out->spearman += l->relation.spearman;
    }
    out->seconds /= (double)columns;
    out->tau = out->seeds ? out->tau / (double)out->seeds : NAN;
    out->spearman = out->seeds ? out->spearman / (double)out->seeds : NAN;
    for (size_t i = 0; i < out->seeds; i++)
        squares += (tau[i] - out->tau) * (tau[i] - out->tau);
    if (out->seeds > 1)
        out->std = sqrt(squares / (double)(out->seeds - 1));
}

void ablation_make(const struct config *config, const struct report *r, struct ablation *out)
{
    struct ablation ab = {.count = 0};
    const struct expand_cell *cells;
    size_t n = expand_cells(config, &ab.arena, &cells), column;
    uint8_t *taken = arena_alloc(&ab.arena, n + 1);

    ab.rows = arena_alloc(&ab.arena, (n + 1) * sizeof *ab.rows);
    for (size_t i = 0; i < n; i++) {
        for (int f = 0; f < EXPAND_FACTORS; f++)
            ab.varies[f] |= !same_text(cells[0].factor[f], cells[i].factor[f]);
        if (taken[i] || !find_column(r, cells[i].name, &column))
            continue;
        for (size_t k = i; k < n; k++)
            taken[k] |= (uint8_t)same_row(&cells[i], &cells[k]);
        make_row(r, cells, n, i, &ab.arena, &ab.rows[ab.count++]);
    }
    qsort(ab.rows, ab.count, sizeof *ab.rows, by_tau);
    *out = ab;
}

void ablation_free(struct ablation *a)
{
    arena_free(&a->arena);
}

/* -- Printing --------------------------------------------------------------------------- */

static const char *number(struct arena *a, enum report_format f, const char *format, double v)
{
    char text[32];

    if (isnan(v))
        return f == REPORT_CSV ? "" : "-";
    if (f == REPORT_CSV)
        return arena_strdup(a, text_f64(text, v));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return arena_printf(a, format, v);
#pragma GCC diagnostic pop
}

/* Rows that agree equally well share their rank. */
static size_t rank_of(const struct ablation *ab, size_t row)
{
    while (row && ab->rows[row - 1].tau == ab->rows[row].tau)
        row--;
    return row + 1;
}

size_t ablation_ties(const struct ablation *ab)
{
    size_t n = ab->count ? 1 : 0;

    while (n && n < ab->count && rank_of(ab, n) == 1)
        n++;
    return n ? n - 1 : 0;
}

static const char *value_of(const struct ablation_row *row, int factor, enum report_format f)
{
    return row->cell->factor[factor] ? row->cell->factor[factor] : f == REPORT_CSV ? "" : "-";
}

static void print_cells(const struct ablation *ab, enum report_format f, size_t wide,
                        struct arena *a, struct buf *out)
{
    enum { NUMBERS = 5 };
    size_t factors = 0, columns;
    int shown[EXPAND_FACTORS], seeds = ab->varies[EXPAND_SEED];
    const char **cell;

    for (int k = 0; k < EXPAND_FACTORS; k++) {
        if (ab->varies[k] && k != EXPAND_SEED)
            shown[factors++] = k;
    }
    columns = factors + NUMBERS + (seeds ? 2 : 0);
    cell = arena_alloc(a, (ab->count + 1) * columns * sizeof *cell);
    for (size_t i = 0; i <= ab->count; i++) {
        const struct ablation_row *row = i ? &ab->rows[i - 1] : NULL;
        const char **at = cell + i * columns;

        *at++ = row ? arena_printf(a, "%zu", rank_of(ab, i - 1)) : "rank";
        for (size_t k = 0; k < factors; k++)
            *at++ = row ? value_of(row, shown[k], f) : expand_factor((enum expand_factor)shown[k]);
        *at++ = row ? number(a, f, "%.4f", row->tau) : "Kendall";
        if (seeds) {
            *at++ = row ? number(a, f, "%.4f", row->std) : "std";
            *at++ = row ? arena_printf(a, "%zu", row->seeds) : "seeds";
        }
        *at++ = row ? number(a, f, "%.4f", row->spearman) : "Spearman";
        *at++ = row ? arena_printf(a, "%zu", row->nan) : "nan";
        *at++ =
            row ? number(a, f, "%.1f", row->seconds > 0 ? 1000 * row->seconds : NAN) : "ms/arch";
    }
    report_table(out, cell, ab->count + 1, columns, f, wide);
}

/* One value of a factor: the mean over all rows that have it. */
struct margin {
    const char *value;
    double tau;
    size_t rows;
};

static int by_mean(const void *a, const void *b)
{
    const struct margin *x = a, *y = b;

    return (x->tau < y->tau) - (x->tau > y->tau);
}

static size_t margins(const struct ablation *ab, int factor, struct margin *out)
{
    size_t n = 0, at;

    for (size_t i = 0; i < ab->count; i++) {
        const char *value = value_of(&ab->rows[i], factor, REPORT_TEXT);

        for (at = 0; at < n && strcmp(out[at].value, value); at++)
            continue;
        if (isnan(ab->rows[i].tau))
            continue;
        if (at == n)
            out[n++] = (struct margin){value, 0, 0};
        out[at].tau += ab->rows[i].tau;
        out[at].rows++;
    }
    for (size_t i = 0; i < n; i++)
        out[i].tau /= (double)out[i].rows;
    qsort(out, n, sizeof *out, by_mean);
    return n;
}

static void print_margins(const struct ablation *ab, enum report_format f, size_t wide,
                          struct arena *a, struct buf *out)
{
    size_t rows = 1;
    const char **cell = arena_alloc(a, (ab->count * EXPAND_FACTORS + 1) * 4 * sizeof *cell);
    struct margin *m = arena_alloc(a, (ab->count + 1) * sizeof *m);

    cell[0] = "factor";
    cell[1] = "value";
    cell[2] = "mean Kendall";
    cell[3] = "cells";
    for (int k = 0; k < EXPAND_SEED; k++) {
        size_t n = ab->varies[k] ? margins(ab, k, m) : 0;

        for (size_t i = 0; i < n; i++) {
            const char **at = cell + 4 * rows++;

            at[0] = expand_factor((enum expand_factor)k);
            at[1] = m[i].value;
            at[2] = number(a, f, "%.4f", m[i].tau);
            at[3] = arena_printf(a, "%zu", m[i].rows);
        }
    }
    report_table(out, cell, rows, 4, f, wide);
}

static void json_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    if (value)
        json_write_string(out, value);
    else
        buf_puts(out, "null");
}

static void json_number(struct buf *out, const char *name, double v)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_f64(out, v);
}

static void print_json(const struct ablation *ab, struct buf *out)
{
    buf_puts(out, "{\"cells\":[");
    for (size_t i = 0; i < ab->count; i++) {
        const struct ablation_row *row = &ab->rows[i];

        buf_puts(out, i ? ",{" : "{");
        for (int k = 0; k < EXPAND_SEED; k++) {
            buf_puts(out, k ? "," : "");
            json_text(out, expand_factor((enum expand_factor)k), row->cell->factor[k]);
        }
        json_number(out, "kendall", row->tau);
        json_number(out, "std", row->std);
        buf_printf(out, ",\"seeds\":%zu", row->seeds);
        json_number(out, "spearman", row->spearman);
        buf_printf(out, ",\"nan\":%zu}", row->nan);
    }
    buf_puts(out, "]}\n");
}

void ablation_print(const struct ablation *ab, enum report_format f, size_t wide, struct buf *out)
{
    struct arena a = {0};

    if (f == REPORT_JSON) {
        print_json(ab, out);
        return;
    }
    print_cells(ab, f, wide, &a, out);
    if (f != REPORT_CSV) { /* a CSV file is one table */
        buf_puts(out, "\n");
        print_margins(ab, f, wide, &a, out);
    }
    arena_free(&a);
}
