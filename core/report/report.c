/* report.c -- see report.h.  Room: core/report. */
#include "report/internal.h"

#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void report_pick(const struct report_input *in, const struct report_series *c, struct arena *a,
                 struct picked *out)
{
    double low = INFINITY, high = -INFINITY;

    out->score = arena_alloc(a, (in->count + 1) * sizeof(double));
    out->accuracy = arena_alloc(a, (in->count + 1) * sizeof(double));
    out->n = out->nan = out->ranked = 0;
    for (size_t i = 0; i < in->count; i++) {
        double v = c->column.direction < 0 ? -c->values[i] : c->values[i];

        if (isnan(in->accuracy[i]) || (in->mask && !in->mask[i]))
            continue;
        if (isnan(v)) {
            out->nan++;
            if (in->nan == REPORT_DROP)
                continue;
        } else {
            low = v < low ? v : low;
            high = v > high ? v : high;
            out->ranked++;
        }
        out->score[out->n] = v;
        out->accuracy[out->n++] = in->accuracy[i];
    }
    /* NaN that rank lowest are a place of their own below a number. */
    if (!(low < high) && !(out->nan && in->nan == REPORT_LOWEST && low > -INFINITY))
        out->ranked = 0;
    /* Below every number: -inf, unless that is taken, when it ties with it. */
    for (size_t i = 0; i < out->n && out->nan; i++) {
        if (isnan(out->score[i]))
            out->score[i] = -INFINITY;
    }
}

static void make_line(const struct report_input *in, const struct report_series *series,
                      struct stats_order *accuracies, struct arena *of_report,
                      struct report_line *l)
{
    static const size_t ks[] = {1, 10, 100};
    double *number = arena_alloc(of_report, LINE_STATISTIC_COUNT * sizeof *number);
    struct arena a = {0};
    struct picked p;
    struct sample sample;

    report_pick(in, series, &a, &p);
    *l = (struct report_line){.series = series, .n = p.n, .nan = p.nan, .number = number};
    stats_relate(p.score, p.accuracy, p.n, in->replicates, in->seed, accuracies, &l->relation);
    /* Which k are best is no question to scores that are equal or no numbers. */
    for (int i = 0; i < 3; i++) {
        if (p.ranked >= ks[i])
            stats_top_k(p.score, p.accuracy, p.n, ks[i], &l->top[i]);
    }
    sample = (struct sample){l, p.score, p.accuracy};
    for (size_t i = 0; i < LINE_STATISTIC_COUNT; i++)
        number[i] = LINE_STATISTICS[i].of_line ? LINE_STATISTICS[i].of_line(&sample) : NAN;
    arena_free(&a);
}

/* What a paper has of a pair, NaN: nothing. */
static double published(const struct report_input *in, const struct report_series *x,
                        const struct report_series *y)
{
    for (size_t i = 0; i < in->published_count; i++) {
        const struct report_published *p = &in->published[i];

        if ((!strcmp(p->x, x->column.name) && !strcmp(p->y, y->column.name)) ||
            (!strcmp(p->y, x->column.name) && !strcmp(p->x, y->column.name)))
            return p->tau;
    }
    return NAN;
}

/* Pairs are compared where both metrics and the accuracy are numbers. */
static void make_pair(const struct report_input *in, const struct report_series *of_x,
                      const struct report_series *of_y, struct arena *of_report,
                      struct report_pair *out)
{
    double *number = arena_alloc(of_report, PAIR_STATISTIC_COUNT * sizeof *number), share;
    struct arena a = {0};
    double *x = arena_alloc(&a, (in->count + 1) * sizeof *x);
    double *y = arena_alloc(&a, (in->count + 1) * sizeof *y);
    double *z = arena_alloc(&a, (in->count + 1) * sizeof *z);
    struct pair_sample sample;
    size_t n = 0;

    for (size_t i = 0; i < in->count; i++) {
        if (isnan(in->accuracy[i]) || (in->mask && !in->mask[i]) || !isfinite(of_x->values[i]) ||
            !isfinite(of_y->values[i]))
            continue;
        x[n] = of_x->column.direction < 0 ? -of_x->values[i] : of_x->values[i];
        y[n] = of_y->column.direction < 0 ? -of_y->values[i] : of_y->values[i];
        z[n++] = in->accuracy[i];
    }
    sample = (struct pair_sample){
        x, y, z, n, stats_kendall(x, y, n), stats_moments(x, n), stats_moments(y, n)};
    for (size_t i = 0; i < PAIR_STATISTIC_COUNT; i++)
        number[i] = PAIR_STATISTICS[i].of_pair(&sample);
    share = stats_product_share(sample.mx, sample.my);
    *out = (struct report_pair){.x = of_x,
                                .y = of_y,
                                .dominant = isnan(share)   ? ""
                                            : share >= 0.5 ? of_x->column.name
                                                           : of_y->column.name,
                                .number = number,
                                .published = published(in, of_x, of_y)};
    arena_free(&a);
}

tcet_status report_make(const struct report_input *in, int with_pairs, struct report *out,
                        struct error *err)
{
    struct report r = {.line_count = in->series_count};
    struct stats_order accuracies = {.n = 0};

    for (size_t i = 0; i < in->count; i++) {
        r.covered += !isnan(in->accuracy[i]) && (!in->mask || in->mask[i]);
        r.masked += in->mask && !in->mask[i];
    }
    if (!r.covered)
        return error_set(err, TCET_E_ARG,
                         "none of the %zu architectures has a value of %s in the table%s",
                         in->count, in->accuracy_name, r.masked ? " and is in the population" : "");
    r.lines = arena_alloc(&r.arena, (in->series_count + 1) * sizeof *r.lines);
    for (size_t i = 0; i < in->series_count; i++)
        make_line(in, &in->series[i], &accuracies, &r.arena, &r.lines[i]);
    stats_order_free(&accuracies);
    r.pairs = arena_alloc(&r.arena, (in->series_count * in->series_count + 1) * sizeof *r.pairs);
    for (size_t i = 0; i < in->series_count; i++) {
        const struct report_series *x = &in->series[i], *y = x + 1;

        for (; !x->baseline && y < in->series + in->series_count; y++) {
            if (!y->baseline && (with_pairs || !isnan(published(in, x, y))))
                make_pair(in, x, y, &r.arena, &r.pairs[r.pair_count++]);
        }
    }
    *out = r;
    return TCET_OK;
}

double report_tau(const struct report_pair *p)
{
    return p->number[0];
}

void report_free(struct report *r)
{
    arena_free(&r->arena);
}

/* -- Printing ---------------------------------------------------------------------------- */

static int by_tau(const void *a, const void *b)
{
    const struct report_line *x = *(const struct report_line *const *)a;
    const struct report_line *y = *(const struct report_line *const *)b;

    double u = x->relation.kendall, v = y->relation.kendall;

    if (x->series->baseline != y->series->baseline)
        return x->series->baseline - y->series->baseline;
    if (isnan(u) || isnan(v))
        return isnan(u) - isnan(v);
    return (u < v) - (u > v);
}

/* What stands where there is no number: CSV is read by machines, to which a dash is text. */
static const char *missing(enum report_format f)
{
    return f == REPORT_CSV ? "" : "-";
}

const char *report_accuracy(const struct report_input *in, double accuracy, struct arena *a)
{
    for (size_t i = 0; i < in->count; i++) {
        if (fabs(in->accuracy[i]) > 1)
            return arena_printf(a, "%.2f", accuracy);
    }
    return arena_printf(a, "%.4f", accuracy);
}

/* A number in the digits that people read, or in CSV all of them. */
static const char *cell_of(struct arena *a, const struct report_input *in, enum report_format f,
                           const struct statistic *t, double number)
{
    double v = t->scale != 0 ? t->scale * number : number;
    char text[32];

    if (isnan(v))
        return missing(f);
    if (!t->format && !t->accuracy)
        return arena_printf(a, "%.0f", v);
    if (f == REPORT_CSV || !isfinite(v))
        return arena_strdup(a, text_f64(text, v));
    if (t->accuracy)
        return report_accuracy(in, v, a);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return arena_printf(a, t->format, v);
#pragma GCC diagnostic pop
}

/* Is statistic i a column of a table of these lines? */
static int is_shown(const struct report_line *const *lines, size_t count, size_t i)
{
    const struct statistic *t = &LINE_STATISTICS[i];
    int known = 0;

    for (size_t k = 0; k < count; k++)
        known |= !isnan(lines[k]->number[i]) && (t->format || lines[k]->number[i] != 0);
    return t->head && (known || !t->optional);
}

static void print_lines(const struct report_input *in, const struct report_line *const *lines,
                        size_t count, enum report_format f, struct buf *out)
{
    size_t *shown = mem_alloc(LINE_STATISTIC_COUNT * sizeof *shown), columns = 1, rows = 1;
    struct arena a = {0};
    const char **cell;

    for (size_t i = 0; i < LINE_STATISTIC_COUNT; i++) {
        if (is_shown(lines, count, i))
            shown[columns++ - 1] = i;
    }
    cell = arena_alloc(&a, (count + 1) * columns * sizeof *cell);
    cell[0] = "proxy";
    for (size_t c = 1; c < columns; c++)
        cell[c] = LINE_STATISTICS[shown[c - 1]].head;
    for (size_t k = 0; k < count; k++) {
        const struct report_series *series = lines[k]->series;
        const char *name = series->column.name, **row = cell + rows * columns;

        if ((series->repeat || series->hidden) && f == REPORT_TEXT)
            continue;
        row[0] = series->baseline ? arena_printf(&a, "(%s)", name) : name;
        for (size_t c = 1; c < columns; c++)
            row[c] =
                cell_of(&a, in, f, &LINE_STATISTICS[shown[c - 1]], lines[k]->number[shown[c - 1]]);
        rows++;
    }
    report_table(out, cell, rows, columns, f, in->wide);
    arena_free(&a);
    free(shown);
}

static void print_pairs(const struct report_input *in, const struct report *r, enum report_format f,
                        struct buf *out)
{
    const size_t has = in->published_count > 0; /* a column behind tau(x,y), the first statistic */
    size_t columns = PAIR_STATISTIC_COUNT + 3 + has;
    struct arena a = {0};
    const char **cell = arena_alloc(&a, (r->pair_count + 1) * columns * sizeof *cell);

    cell[0] = "x";
    cell[1] = "y";
    for (size_t i = 0; i < PAIR_STATISTIC_COUNT; i++)
        cell[2 + i + (i ? has : 0)] = PAIR_STATISTICS[i].head;
    cell[columns - 1] = "dominates x*y";
    if (has)
        cell[3] = "published tau(x,y)";
    for (size_t k = 0; k < r->pair_count; k++) {
        const struct report_pair *p = &r->pairs[k];
        const char **row = cell + (k + 1) * columns;

        row[0] = p->x->column.name;
        row[1] = p->y->column.name;
        for (size_t i = 0; i < PAIR_STATISTIC_COUNT; i++)
            row[2 + i + (i ? has : 0)] = cell_of(&a, in, f, &PAIR_STATISTICS[i], p->number[i]);
        row[columns - 1] = *p->dominant ? p->dominant : missing(f);
        if (has)
            row[3] = isnan(p->published) ? missing(f) : arena_printf(&a, "%.4g", p->published);
    }
    report_table(out, cell, r->pair_count + 1, columns, f, in->wide);
    arena_free(&a);
}

static void json_number(struct buf *out, const struct statistic *t, double number)
{
    buf_printf(out, ",\"%s\":", t->json);
    if (t->format)
        json_write_f64(out, number);
    else
        buf_printf(out, "%.0f", number);
}

/* A line's statistics, the first or the others. */
static void json_statistics(struct buf *out, const struct report_line *l, int first)
{
    for (size_t i = 0; i < LINE_STATISTIC_COUNT; i++) {
        const struct statistic *t = &LINE_STATISTICS[i];

        if (!t->json || t->json_first != first || (t->optional && isnan(l->number[i])) ||
            (t->no_baseline && l->series->baseline))
            continue;
        if (!t->word) {
            json_number(out, t, l->number[i]);
            continue;
        }
        buf_printf(out, ",\"%s\":", t->json);
        json_write_string(out, t->word(l));
    }
}

static void json_tops(struct buf *out, const struct report_line *l)
{
    buf_puts(out, ",\"top\":[");
    for (int k = 0; k < 3 && l->top[k].k; k++) {
        buf_printf(out, "%s{\"k\":%zu,\"best\":", k ? "," : "", l->top[k].k);
        json_write_f64(out, l->top[k].best);
        buf_puts(out, ",\"regret\":");
        json_write_f64(out, l->top[k].regret);
        buf_puts(out, ",\"mean\":");
        json_write_f64(out, l->top[k].mean);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static void print_json(const struct report_input *in, const struct report *r, struct buf *out)
{
    buf_puts(out, "{\"accuracy\":");
    json_write_string(out, in->accuracy_name);
    buf_puts(out, ",\"population\":");
    json_write_string(out, in->population);
    buf_printf(out,
               ",\"tau\":\"b\",\"nan\":\"%s\",\"architectures\":%zu,\"covered\":%zu,"
               "\"metrics\":[",
               in->nan == REPORT_DROP ? "drop" : "lowest", in->count, r->covered);
    for (size_t i = 0; i < r->line_count; i++) {
        const struct report_line *l = &r->lines[i];

        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_write_string(out, l->series->column.name);
        buf_printf(out, ",\"direction\":%d,\"baseline\":%s", l->series->column.direction,
                   l->series->baseline ? "true" : "false");
        json_statistics(out, l, 1);
        json_statistics(out, l, 0);
        json_tops(out, l);
        buf_puts(out, "}");
    }
    buf_puts(out, "],\"pairs\":[");
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct report_pair *p = &r->pairs[i];

        buf_puts(out, i ? ",{\"x\":" : "{\"x\":");
        json_write_string(out, p->x->column.name);
        buf_puts(out, ",\"y\":");
        json_write_string(out, p->y->column.name);
        for (size_t k = 0; k < PAIR_STATISTIC_COUNT; k++)
            json_number(out, &PAIR_STATISTICS[k], p->number[k]);
        buf_puts(out, ",\"dominant\":");
        json_write_string(out, p->dominant);
        if (!isnan(p->published)) {
            buf_puts(out, ",\"published_tau\":");
            json_write_f64(out, p->published);
        }
        buf_puts(out, "}");
    }
    buf_puts(out, "]}\n");
}

void report_print(const struct report_input *in, const struct report *r, enum report_format f,
                  int sorted, struct buf *out)
{
    const struct report_line **order = mem_alloc((r->line_count + 1) * sizeof *order);

    for (size_t i = 0; i < r->line_count; i++)
        order[i] = &r->lines[i];
    if (sorted)
        qsort(order, r->line_count, sizeof *order, by_tau);
    if (f == REPORT_JSON) {
        print_json(in, r, out);
    } else if (f == REPORT_CSV && r->pair_count) {
        print_pairs(in, r, f, out); /* one table a file */
    } else {
        print_lines(in, order, r->line_count, f, out);
        if (r->pair_count) {
            buf_puts(out, "\n");
            print_pairs(in, r, f, out);
        }
    }
    free(order);
}

/* Is a series base@SEED, or (itself) `base`? */
static int is_repeat(const char *name, const char *base, size_t n, int itself)
{
    return !strncmp(name, base, n) &&
           (name[n] == '@' ? isdigit((unsigned char)name[n + 1]) : !name[n] && itself);
}

/* Of what both have a number for: NaN has no place in a ranking. */
static double agreement(const double *x, const double *y, size_t n)
{
    struct arena a = {0};
    double *u = arena_alloc(&a, (n + 1) * sizeof *u), *v = arena_alloc(&a, (n + 1) * sizeof *v);
    size_t both = 0;
    double tau;

    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        u[both] = x[i];
        v[both++] = y[i];
    }
    tau = stats_kendall(u, v, both);
    arena_free(&a);
    return tau;
}

struct report_stability report_stability(const struct report_series *series, size_t count,
                                         size_t archs, const char *base, int itself)
{
    struct report_stability r = {0, 0, NAN};
    size_t n = strlen(base);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_repeat(series[i].column.name, base, n, itself))
            continue;
        for (size_t k = i + 1; k < count; k++) {
            double tau;

            if (!is_repeat(series[k].column.name, base, n, itself))
                continue;
            r.pairs++;
            tau = agreement(series[i].values, series[k].values, archs);
            if (isnan(tau))
                continue;
            sum += tau;
            r.compared++;
        }
    }
    if (r.compared)
        r.tau = sum / (double)r.compared;
    return r;
}
