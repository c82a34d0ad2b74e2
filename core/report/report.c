/* report.c -- see report.h.  Room: core/report. */
#include "report/report.h"

#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The values of one column that take part, turned so that larger is better. */
struct picked {
    double *score, *accuracy;
    size_t n, nan;
    size_t ranked; /* how many of them have a place of their own: 0 where all are equal */
};

static void pick(const struct report_input *in, const struct report_column *c, struct arena *a,
                 struct picked *out)
{
    double low = INFINITY, high = -INFINITY;

    out->score = arena_alloc(a, (in->count + 1) * sizeof(double));
    out->accuracy = arena_alloc(a, (in->count + 1) * sizeof(double));
    out->n = out->nan = out->ranked = 0;
    for (size_t i = 0; i < in->count; i++) {
        double v = c->direction < 0 ? -c->values[i] : c->values[i];

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
    if (!(low < high))
        out->ranked = 0;
    /* Below every number: -inf, unless that is taken, when it ties with it. */
    for (size_t i = 0; i < out->n && out->nan; i++) {
        if (isnan(out->score[i]))
            out->score[i] = -INFINITY;
    }
}

static void make_line(const struct report_input *in, const struct report_column *c,
                      struct report_line *l)
{
    static const size_t ks[] = {1, 10, 100};
    struct stats_relation relation;
    struct arena a = {0};
    struct picked p;

    pick(in, c, &a, &p);
    *l = (struct report_line){.name = c->name,
                              .direction = c->direction,
                              .baseline = c->baseline,
                              .n = p.n,
                              .nan = p.nan,
                              .seconds = c->seconds,
                              .guards = c->guards,
                              .published = c->published,
                              .twin = c->twin};
    stats_relate(p.score, p.accuracy, p.n, in->replicates, in->seed, &relation);
    l->tau = relation.kendall;
    l->spearman = relation.spearman;
    l->interval = relation.interval;
    l->pearson = stats_pearson(p.score, p.accuracy, p.n);
    /* Which k are best is no question to scores that are equal or no numbers. */
    for (int i = 0; i < 3; i++) {
        if (p.ranked >= ks[i])
            stats_top_k(p.score, p.accuracy, p.n, ks[i], &l->top[i]);
    }
    arena_free(&a);
}

/* Pairs are compared where both metrics and the accuracy are numbers. */
static void make_pair(const struct report_input *in, const struct report_column *cx,
                      const struct report_column *cy, struct report_pair *out)
{
    struct arena a = {0};
    double *x = arena_alloc(&a, (in->count + 1) * sizeof *x);
    double *y = arena_alloc(&a, (in->count + 1) * sizeof *y);
    double *z = arena_alloc(&a, (in->count + 1) * sizeof *z);
    size_t n = 0;

    for (size_t i = 0; i < in->count; i++) {
        if (isnan(in->accuracy[i]) || (in->mask && !in->mask[i]) || !isfinite(cx->values[i]) ||
            !isfinite(cy->values[i]))
            continue;
        x[n] = cx->direction < 0 ? -cx->values[i] : cx->values[i];
        y[n] = cy->direction < 0 ? -cy->values[i] : cy->values[i];
        z[n++] = in->accuracy[i];
    }
    out->x = cx->name;
    out->y = cy->name;
    out->tau_xy = stats_kendall(x, y, n);
    out->partial = stats_partial(out->tau_xy, stats_kendall(x, z, n), stats_kendall(y, z, n));
    out->mx = stats_moments(x, n);
    out->my = stats_moments(y, n);
    out->share = stats_product_share(out->mx, out->my);
    out->dominant = isnan(out->share) ? "" : out->share >= 0.5 ? cx->name : cy->name;
    arena_free(&a);
}

tcet_status report_make(const struct report_input *in, int with_pairs, struct report *out,
                        struct error *err)
{
    struct report r = {.line_count = in->column_count};

    for (size_t i = 0; i < in->count; i++) {
        r.covered += !isnan(in->accuracy[i]) && (!in->mask || in->mask[i]);
        r.masked += in->mask && !in->mask[i];
    }
    if (!r.covered)
        return error_set(err, TCET_E_ARG,
                         "none of the %zu architectures has a value of %s in the table%s",
                         in->count, in->accuracy_name, r.masked ? " and is in the population" : "");
    r.lines = arena_alloc(&r.arena, (in->column_count + 1) * sizeof *r.lines);
    for (size_t i = 0; i < in->column_count; i++)
        make_line(in, &in->columns[i], &r.lines[i]);
    r.pairs = arena_alloc(&r.arena, (in->column_count * in->column_count + 1) * sizeof *r.pairs);
    for (size_t i = 0; with_pairs && i < in->column_count; i++) {
        for (size_t k = i + 1; !in->columns[i].baseline && k < in->column_count; k++) {
            if (!in->columns[k].baseline)
                make_pair(in, &in->columns[i], &in->columns[k], &r.pairs[r.pair_count++]);
        }
    }
    *out = r;
    return TCET_OK;
}

void report_free(struct report *r)
{
    arena_free(&r->arena);
}

/* -- Tables ----------------------------------------------------------------------------- */

/* A number, or what stands in the place of one.  An encoding such as 00112 is none. */
static int is_number(const char *s)
{
    const char *digits = s + (*s == '-');
    double v;

    if (!*s || !strcmp(s, "-"))
        return 1;
    if (digits[0] == '0' && isdigit((unsigned char)digits[1]))
        return 0;
    return text_to_f64(s, &v) == 0;
}

/* Is a column right-aligned?  All of its numbers, or none: a gap must not stand out of line. */
static int is_numeric(const char *const *cells, size_t rows, size_t columns, size_t c)
{
    for (size_t r = 1; r < rows; r++) {
        if (!is_number(cells[r * columns + c]))
            return 0;
    }
    return rows > 1 && c;
}

/* Characters on the screen: UTF-8 continuation bytes take no place. */
static size_t width(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

static void pad(struct buf *out, size_t n)
{
    while (n--)
        buf_puts(out, " ");
}

static void csv_cell(struct buf *out, const char *s)
{
    if (!strpbrk(s, ",\"\n\r")) {
        buf_puts(out, s);
        return;
    }
    buf_puts(out, "\"");
    for (; *s; s++)
        buf_printf(out, *s == '"' ? "\"\"" : "%c", *s);
    buf_puts(out, "\"");
}

void report_table(struct buf *out, const char *const *cells, size_t rows, size_t columns,
                  enum report_format f)
{
    size_t *w = mem_alloc(columns * sizeof *w);
    int *right = mem_alloc(columns * sizeof *right);

    for (size_t c = 0; c < columns; c++)
        right[c] = is_numeric(cells, rows, columns, c);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            size_t n = width(cells[r * columns + c]);

            w[c] = n > w[c] ? n : w[c];
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            const char *s = cells[r * columns + c];
            size_t gap = w[c] - width(s);

            if (f == REPORT_CSV) {
                buf_puts(out, c ? "," : "");
                csv_cell(out, s);
                continue;
            }
            buf_puts(out, f == REPORT_MARKDOWN ? "| " : c ? "  " : "");
            if (right[c])
                pad(out, gap);
            buf_puts(out, s);
            if (!right[c] && (f == REPORT_MARKDOWN || c + 1 < columns))
                pad(out, gap);
            buf_puts(out, f == REPORT_MARKDOWN ? " " : "");
        }
        buf_puts(out, f == REPORT_MARKDOWN ? "|\n" : "\n");
        for (size_t c = 0; f == REPORT_MARKDOWN && r == 0 && c < columns; c++)
            buf_printf(out, "|---%s", c + 1 == columns ? "|\n" : "");
    }
    free(w);
    free(right);
}

static int by_tau(const void *a, const void *b)
{
    const struct report_line *x = *(const struct report_line *const *)a;
    const struct report_line *y = *(const struct report_line *const *)b;

    if (x->baseline != y->baseline)
        return x->baseline - y->baseline;
    if (isnan(x->tau) || isnan(y->tau))
        return isnan(x->tau) - isnan(y->tau);
    return (x->tau < y->tau) - (x->tau > y->tau);
}

/* What stands where there is no number: CSV is read by machines, to which a dash is text. */
static const char *missing(enum report_format f)
{
    return f == REPORT_CSV ? "" : "-";
}

/* A number in the digits that people read, or in CSV all of them. */
static const char *number(struct arena *a, enum report_format f, const char *format, double v)
{
    char text[32];

    if (isnan(v))
        return missing(f);
    if (f == REPORT_CSV)
        return arena_strdup(a, text_f64(text, v));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return isfinite(v) ? arena_printf(a, format, v) : arena_strdup(a, text_f64(text, v));
#pragma GCC diagnostic pop
}

/* Which of the columns that not every report has are shown. */
struct shown {
    int published, seconds, guards;
};

static struct shown what_is_known(const struct report_line *const *lines, size_t count)
{
    struct shown k = {0, 0, 0};

    for (size_t i = 0; i < count; i++) {
        k.published |= lines[i]->published != 0;
        k.seconds |= lines[i]->seconds > 0;
        k.guards |= lines[i]->guards > 0;
    }
    return k;
}

static size_t print_head(const char **c, struct shown k)
{
    static const char *const head[] = {"proxy",    "Kendall",  "95 % low", "95 % high",
                                       "Spearman", "Pearson",  "top-1",    "top-10",
                                       "top-100",  "regret@1", "n",        "nan"};
    size_t n = sizeof head / sizeof *head;

    memcpy(c, head, sizeof head);
    if (k.published)
        c[n++] = "published";
    if (k.seconds)
        c[n++] = "ms/arch";
    if (k.guards)
        c[n++] = "guards";
    return n;
}

static void print_line(struct arena *a, const struct report_line *l, struct shown k,
                       enum report_format f, const char **c)
{
    size_t n = 12;

    c[0] = l->baseline ? arena_printf(a, "(%s)", l->name) : l->name;
    c[1] = number(a, f, "%.4f", l->tau);
    c[2] = number(a, f, "%.4f", l->interval.low);
    c[3] = number(a, f, "%.4f", l->interval.high);
    c[4] = number(a, f, "%.4f", l->spearman);
    c[5] = number(a, f, "%.4f", l->pearson);
    for (int i = 0; i < 3; i++)
        c[6 + i] = l->top[i].k ? number(a, f, "%.2f", l->top[i].best) : missing(f);
    c[9] = l->top[0].k ? number(a, f, "%.2f", l->top[0].regret) : missing(f);
    c[10] = arena_printf(a, "%zu", l->n);
    c[11] = arena_printf(a, "%zu", l->nan);
    if (k.published)
        c[n++] = l->published != 0 ? number(a, f, "%.2f", l->published) : missing(f);
    if (k.seconds)
        c[n++] = l->seconds > 0 ? number(a, f, "%.1f", 1e3 * l->seconds) : missing(f);
    if (k.guards)
        c[n++] = arena_printf(a, "%lld", (long long)l->guards);
}

static void print_lines(const struct report_line *const *lines, size_t count, enum report_format f,
                        struct buf *out)
{
    enum { MOST = 15 };
    struct shown k = what_is_known(lines, count);
    struct arena a = {0};
    const char *head[MOST], **cell;
    size_t n = print_head(head, k), rows = 1;

    cell = arena_alloc(&a, (count + 1) * n * sizeof *cell);
    memcpy(cell, head, n * sizeof *cell);
    for (size_t i = 0; i < count; i++) {
        if (!lines[i]->twin || f != REPORT_TEXT)
            print_line(&a, lines[i], k, f, cell + rows++ * n);
    }
    report_table(out, cell, rows, n, f);
    arena_free(&a);
}

static void print_pairs(const struct report *r, enum report_format f, struct buf *out)
{
    static const char *const head[] = {"x",      "y",          "tau(x,y)",   "partial tau",
                                       "mean x", "std x",      "mean/std x", "mean y",
                                       "std y",  "mean/std y", "share of x", "dominates x*y"};
    enum { N = sizeof head / sizeof *head };
    struct arena a = {0};
    const char **cell = arena_alloc(&a, (r->pair_count + 1) * N * sizeof *cell);

    memcpy(cell, head, sizeof head);
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct report_pair *p = &r->pairs[i];
        const double v[] = {p->tau_xy,  p->partial, p->mx.mean,  p->mx.std, p->mx.ratio,
                            p->my.mean, p->my.std,  p->my.ratio, p->share};
        const char **c = cell + (i + 1) * N;

        c[0] = p->x;
        c[1] = p->y;
        for (int k = 0; k < 9; k++)
            c[2 + k] = number(&a, f, k < 2 || k == 8 ? "%.4f" : "%.4g", v[k]);
        c[11] = *p->dominant ? p->dominant : missing(f);
    }
    report_table(out, cell, r->pair_count + 1, N, f);
    arena_free(&a);
}

static void json_field(struct buf *out, const char *name, double v)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_f64(out, v);
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
        json_write_string(out, l->name);
        buf_printf(out, ",\"direction\":%d,\"baseline\":%s,\"n\":%zu,\"nan\":%zu", l->direction,
                   l->baseline ? "true" : "false", l->n, l->nan);
        json_field(out, "kendall", l->tau);
        json_field(out, "kendall_low", l->interval.low);
        json_field(out, "kendall_high", l->interval.high);
        buf_puts(out, ",\"interval\":");
        json_write_string(out, l->interval.method);
        json_field(out, "spearman", l->spearman);
        json_field(out, "pearson", l->pearson);
        if (l->published != 0)
            json_field(out, "published", l->published);
        if (l->seconds > 0)
            json_field(out, "seconds", l->seconds);
        if (!l->baseline)
            buf_printf(out, ",\"guards\":%lld", (long long)l->guards);
        buf_puts(out, ",\"top\":[");
        for (int k = 0; k < 3 && l->top[k].k; k++) {
            buf_printf(out, "%s{\"k\":%zu", k ? "," : "", l->top[k].k);
            json_field(out, "best", l->top[k].best);
            json_field(out, "regret", l->top[k].regret);
            json_field(out, "mean", l->top[k].mean);
            buf_puts(out, "}");
        }
        buf_puts(out, "]}");
    }
    buf_puts(out, "],\"pairs\":[");
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct report_pair *p = &r->pairs[i];

        buf_puts(out, i ? ",{\"x\":" : "{\"x\":");
        json_write_string(out, p->x);
        buf_puts(out, ",\"y\":");
        json_write_string(out, p->y);
        json_field(out, "tau", p->tau_xy);
        json_field(out, "partial_tau", p->partial);
        json_field(out, "mean_x", p->mx.mean);
        json_field(out, "std_x", p->mx.std);
        json_field(out, "ratio_x", p->mx.ratio);
        json_field(out, "mean_y", p->my.mean);
        json_field(out, "std_y", p->my.std);
        json_field(out, "ratio_y", p->my.ratio);
        json_field(out, "share_x", p->share);
        buf_puts(out, ",\"dominant\":");
        json_write_string(out, p->dominant);
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
        print_pairs(r, f, out); /* one table a file */
    } else {
        print_lines(order, r->line_count, f, out);
        if (r->pair_count) {
            buf_puts(out, "\n");
            print_pairs(r, f, out);
        }
    }
    free(order);
}

/* Is a column base@SEED, or (itself) `base`? */
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

struct report_stability report_stability(const struct report_column *columns, size_t count,
                                         size_t archs, const char *base, int itself)
{
    struct report_stability r = {0, 0, NAN};
    size_t n = strlen(base);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_repeat(columns[i].name, base, n, itself))
            continue;
        for (size_t k = i + 1; k < count; k++) {
            double tau;

            if (!is_repeat(columns[k].name, base, n, itself))
                continue;
            r.pairs++;
            tau = agreement(columns[i].values, columns[k].values, archs);
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
