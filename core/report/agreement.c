/* agreement.c -- see agreement.h.  Room: core/report. */
#include "report/agreement.h"
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *number(struct arena *a, const char *format, double v)
{
    if (!isfinite(v))
        return isnan(v) ? "-" : v > 0 ? "inf" : "-inf";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return arena_printf(a, format, v);
#pragma GCC diagnostic pop
}

static const char DRAW[] = "@draw"; /* in the name of one that is over other mini-batches */

/* -- lines in order ----------------------------------------------------------------------- */

static int by_tau(const void *x, const void *y)
{
    const struct report_line *a = *(const struct report_line *const *)x;
    const struct report_line *b = *(const struct report_line *const *)y;
    double u = a->relation.kendall, v = b->relation.kendall;

    if (isnan(u) || isnan(v) || u == v)
        return isnan(u) != isnan(v) ? isnan(u) - isnan(v) : (a > b) - (a < b);
    return (u < v) - (u > v);
}

/* Those that are shown: no seeds of a score, no cells of an ablation; by falling tau.  baselines: them
 * too. */
static size_t shown_lines(const struct agreement *g, int baselines, struct arena *a,
                          const struct report_line ***out)
{
    const struct report *r = g->report;
    const struct report_line **line = arena_alloc(a, (r->line_count + 1) * sizeof *line);
    size_t n = 0;

    for (size_t i = 0; i < r->line_count; i++) {
        const struct report_series *s = r->lines[i].series;

        if (!s->repeat && !s->hidden && (baselines || !s->baseline))
            line[n++] = &r->lines[i];
    }
    qsort(line, n, sizeof *line, by_tau);
    *out = line;
    return n;
}

/* The main score's before all others. */
static void main_first(const struct agreement *g, const struct report_line **line, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct report_line *l = line[i];

        if (!g->main || strcmp(l->series->column.name, g->main->column.name))
            continue;
        memmove(line + 1, line, i * sizeof *line);
        line[0] = l;
        return;
    }
}

/* Letters of a name before a mark and its number; 0: it has none. */
static size_t base_length(const char *name, const char *mark)
{
    const char *at = NULL;

    for (const char *p = name; (p = strstr(p, mark)); p++) {
        if (p[strlen(mark)] >= '0' && p[strlen(mark)] <= '9')
            at = p;
    }
    return at ? (size_t)(at - name) : 0;
}

/* Are both of one score, over other seeds or mini-batches? */
static int same_score(const char *x, const char *y)
{
    size_t n = base_length(x, DRAW), m = base_length(y, DRAW);

    n = n ? n : strlen(x);
    return n == (m ? m : strlen(y)) && !strncmp(x, y, n);
}

/* As pictures show them: the main score, then one of each by tau, then further draws of those. */
static void in_order(const struct agreement *g, const struct report_line **line, size_t n,
                     struct arena *a)
{
    const struct report_line **again = arena_alloc(a, (n + 1) * sizeof *again);
    size_t kept = 0, agains = 0;

    main_first(g, line, n);
    for (size_t i = 0; i < n; i++) {
        size_t like = 0;

        while (like < kept &&
               !same_score(line[like]->series->column.name, line[i]->series->column.name))
            like++;
        if (like < kept)
            again[agains++] = line[i];
        else
            line[kept++] = line[i];
    }
    memcpy(line + kept, again, agains * sizeof *again);
}

static const char *what_was_compared(const struct agreement *g, struct arena *a)
{
    return arena_printf(a, "%s, population %s, Kendall's tau-b", g->in->accuracy_name,
                        g->in->population);
}

/* -- bars --------------------------------------------------------------------------------- */

static void tau_bars(const struct agreement *g, struct figures *out)
{
    static const char *const heads[] = {"proxy", "tau", "95 % low", "95 % high", "published", "n"};
    struct arena *a = &out->arena;
    const struct report_line **line;
    size_t n = shown_lines(g, 1, a, &line);
    struct figure *f = figures_add(out, "tau", NULL, "Agreement with accuracy, 95 % intervals");
    struct bar *bar = arena_alloc(a, (n + 1) * sizeof *bar);
    const char **cell = figure_cells(f, a, n + 1, heads, TCET_COUNT(heads));
    struct bars b = {.note = what_was_compared(g, a),
                     .desc = "A bar a score: its Kendall tau with the accuracy; counts of the "
                             "network are grey.",
                     .x_name = "Kendall's tau",
                     .mark_name = "published",
                     .bar = bar,
                     .count = n};

    for (size_t i = 0; i < n; i++) {
        const struct stats_relation *x = &line[i]->relation;
        const struct report_series *s = line[i]->series;

        bar[i] = (struct bar){.name = s->column.name,
                              .value = x->kendall,
                              .low = x->interval.low,
                              .high = x->interval.high,
                              .mark = s->has_published ? s->published : NAN,
                              .grey = s->baseline};
        *cell++ = s->column.name;
        *cell++ = number(a, "%.4f", x->kendall);
        *cell++ = number(a, "%.4f", x->interval.low);
        *cell++ = number(a, "%.4f", x->interval.high);
        *cell++ = number(a, "%.4g", bar[i].mark);
        *cell++ = arena_printf(a, "%zu", line[i]->n);
    }
    bars_draw(&b, out, f);
}

/* -- heat map ----------------------------------------------------------------------------- */

static void heat_map(const struct agreement *g, struct figures *out)
{
    struct arena *a = &out->arena;
    struct report_series *series = arena_alloc(a, (g->in->series_count + 1) * sizeof *series);
    struct report_input in = *g->in;
    struct report_taus t;
    struct figure *f;
    const char **cell, **head;
    size_t left_out = 0;

    in.series = series;
    in.series_count = 0;
    for (size_t i = 0; i < g->in->series_count; i++) {
        const struct report_series *s = &g->in->series[i];

        if (s->repeat || s->hidden)
            continue;
        if (in.series_count < AGREEMENT_HEAT)
            series[in.series_count++] = *s;
        else
            left_out++;
    }
    report_taus(&in, 0, 1, a, &t);
    f = figures_add(out, "heat", NULL,
                    in.accuracy ? "Kendall's tau below, partial tau above the diagonal"
                                : "Kendall's tau between the scores");
    head = arena_alloc(a, (t.n + 1) * sizeof *head);
    head[0] = in.accuracy ? "tau \\ partial" : "tau";
    memcpy(head + 1, t.name, t.n * sizeof *head);
    cell = figure_cells(f, a, t.n + 1, head, t.n + 1);
    for (size_t i = 0; i < t.n; i++) {
        *cell++ = t.name[i];
        for (size_t k = 0; k < t.n; k++)
            *cell++ =
                i == k ? ""
                       : number(a, "%.4f", (k > i && in.accuracy ? t.partial : t.tau)[i * t.n + k]);
    }
    heat_draw(&(struct heat){.note = left_out
                                         ? arena_printf(a, "population %s; %zu more are left out",
                                                        in.population, left_out)
                                         : arena_printf(a, "population %s", in.population),
                             .desc = "A cell every two scores; partial tau is of the two given the "
                                     "accuracy.",
                             .below_name = "tau",
                             .above_name = in.accuracy ? "partial tau" : "tau",
                             .name = t.name,
                             .n = t.n,
                             .below = t.tau,
                             .above = in.accuracy ? t.partial : t.tau},
              out, f);
}

/* -- scatter ------------------------------------------------------------------------------ */

enum { EXTREMES = 10 };

/* The architectures of a line whose score and accuracy are finite. */
struct cloud {
    double *x, *y, *colour;
    const char **arch;
    double *off; /* rank of the score, larger is better, less that of the accuracy */
    size_t n, undrawn;
};

static void make_cloud(const struct agreement *g, const struct report_series *s, struct arena *a,
                       struct cloud *c)
{
    size_t most = g->in->count + 1;
    double *turned = arena_alloc(a, most * sizeof *turned);
    double *rank = arena_alloc(a, most * sizeof *rank);

    *c = (struct cloud){.x = arena_alloc(a, most * sizeof(double)),
                        .y = arena_alloc(a, most * sizeof(double)),
                        .colour = g->params ? arena_alloc(a, most * sizeof(double)) : NULL,
                        .arch = arena_alloc(a, most * sizeof(char *)),
                        .off = arena_alloc(a, most * sizeof(double))};
    for (size_t i = 0; i < g->in->count; i++) {
        if (isnan(g->in->accuracy[i]) || (g->in->mask && !g->in->mask[i]))
            continue;
        if (!isfinite(s->values[i]) || !isfinite(g->in->accuracy[i])) {
            c->undrawn++;
            continue;
        }
        turned[c->n] = s->column.direction < 0 ? -s->values[i] : s->values[i];
        c->x[c->n] = s->values[i];
        c->y[c->n] = g->in->accuracy[i];
        if (c->colour)
            c->colour[c->n] = g->params[i];
        c->arch[c->n++] = g->arch[i];
    }
    stats_rank(turned, c->n, STATS_AVERAGE, c->off);
    stats_rank(c->y, c->n, STATS_AVERAGE, rank);
    for (size_t i = 0; i < c->n; i++)
        c->off[i] -= rank[i];
}

/* Those of the largest keys, largest first, of equal ones the first; at most a quarter of all, so that they
 * stand out, and none where all keys are equal. */
static size_t largest(const double *key, size_t n, size_t out[EXTREMES])
{
    size_t count = 0, most = n / 4 < EXTREMES ? n / 4 : EXTREMES, equal = 1;

    while (equal < n && key[equal] == key[0])
        equal++;
    most = equal == n ? 0 : most;

    for (size_t i = 0; i < n; i++) {
        size_t at = count;

        while (at && key[out[at - 1]] < key[i])
            at--;
        if (at == most)
            continue;
        count += count < most;
        memmove(out + at + 1, out + at, (count - at - 1) * sizeof *out);
        out[at] = i;
    }
    return count;
}

/* What stands beside the i-th of those: its number, or a letter. */
static const char *mark_of(size_t i, int letters, struct arena *a)
{
    return letters ? arena_printf(a, "%c", "abcdefghij"[i]) : arena_printf(a, "%zu", i + 1);
}

static struct chart_dots some_of(const struct cloud *c, const size_t *at, size_t n, int letters,
                                 struct arena *a)
{
    double *x = arena_alloc(a, (n + 1) * sizeof *x), *y = arena_alloc(a, (n + 1) * sizeof *y);
    const char **label = arena_alloc(a, (n + 1) * sizeof *label);
    const char **mark = arena_alloc(a, (n + 1) * sizeof *mark);

    for (size_t i = 0; i < n; i++) {
        mark[i] = mark_of(i, letters, a);
        x[i] = c->x[at[i]];
        y[i] = c->y[at[i]];
        label[i] = c->arch[at[i]];
    }
    return (struct chart_dots){.x = x, .y = y, .n = n, .label = label, .mark = mark};
}

static void cloud_table(const struct agreement *g, const struct cloud *c, const size_t *best,
                        size_t best_count, const size_t *off, size_t off_count, struct arena *a,
                        struct figure *f)
{
    static const char *const heads[] = {"which", "score", "accuracy", "ranks off", "architecture"};
    const char **cell = figure_cells(f, a, best_count + off_count + 1, heads, TCET_COUNT(heads));

    for (size_t i = 0; i < best_count + off_count; i++) {
        size_t at = i < best_count ? best[i] : off[i - best_count];

        *cell++ = i < best_count ? arena_printf(a, "best %s", mark_of(i, 0, a))
                                 : arena_printf(a, "misplaced %s", mark_of(i - best_count, 1, a));
        *cell++ = number(a, "%.6g", c->x[at]);
        *cell++ = report_accuracy(g->in, c->y[at], a);
        *cell++ = number(a, "%+.0f", c->off[at]);
        *cell++ = arena_strdup(a, c->arch[at]);
    }
}

static const char *tau_text(const struct agreement *g, const struct report_line *l, struct arena *a)
{
    const struct stats_relation *x = &l->relation;
    const char *tau = number(a, "%.4f", x->kendall);

    if (!isnan(x->interval.low))
        tau = arena_printf(a, "%s [%.4f, %.4f]", tau, x->interval.low, x->interval.high);
    return arena_printf(a, "tau %s, n = %zu, population %s", tau, l->n, g->in->population);
}

static void scatter(const struct agreement *g, const struct report_line *l, struct figures *out)
{
    const struct report_series *s = l->series;
    struct arena *a = &out->arena, own = {0};
    struct cloud c;
    struct figure *f =
        figures_add(out, "scatter", s->column.name,
                    arena_printf(a, "%s against %s", s->column.name, g->in->accuracy_name));
    double *key = arena_alloc(&own, (g->in->count + 1) * sizeof *key);
    size_t best[EXTREMES + 1], off[EXTREMES + 1], best_count, off_count;
    struct chart_dots dots[3];
    struct chart chart = {.note = tau_text(g, l, a),
                          .x_name = s->column.direction < 0
                                        ? arena_printf(a, "%s (less is better)", s->column.name)
                                        : s->column.name,
                          .y_name = g->in->accuracy_name,
                          .colour_name = "#params",
                          .x_wish = SCALE_WIDE,
                          .dots = dots,
                          .dots_count = 3};

    make_cloud(g, s, &own, &c);
    for (size_t i = 0; i < c.n; i++)
        key[i] = s->column.direction < 0 ? -c.x[i] : c.x[i];
    best_count = largest(key, c.n, best);
    for (size_t i = 0; i < c.n; i++)
        key[i] = fabs(c.off[i]);
    off_count = best_count ? largest(key, c.n, off) : 0; /* equal scores place nobody */
    dots[0] =
        (struct chart_dots){.x = c.x, .y = c.y, .n = c.n, .colour = c.colour, .label = c.arch};
    dots[1] = some_of(&c, best, best_count, 0, &own);
    dots[1].name = best_count ? arena_printf(&own, "%zu best by the score", best_count) : NULL;
    dots[1].shape = SVG_RING;
    dots[1].category = 1;
    dots[2] = some_of(&c, off, off_count, 1, &own);
    dots[2].name = off_count ? arena_printf(&own, "%zu most misplaced ranks", off_count) : NULL;
    dots[2].shape = SVG_CROSS;
    dots[2].category = 3;
    chart.desc = arena_printf(&own,
                              "%zu architectures by score and accuracy; %zu without a finite "
                              "number are not drawn.",
                              c.n, c.undrawn);
    cloud_table(g, &c, best, best_count, off, off_count, a, f);
    chart_draw(&chart, out, f);
    arena_free(&own);
}

struct ranked {
    double by_score, by_accuracy;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->by_score != y->by_score)
        return x->by_score < y->by_score ? -1 : 1;
    return (x->by_accuracy > y->by_accuracy) - (x->by_accuracy < y->by_accuracy);
}

/* The cloud in tenths of the ranks by score: where the ranks by accuracy lie in each. */
static void rank_table(const double *x, const double *y, size_t n, struct arena *a,
                       struct figure *f)
{
    enum { PARTS = 10 };
    static const char *const heads[] = {"ranks by score", "n", "least rank by accuracy", "mean",
                                        "most"};
    size_t parts = n < PARTS ? n : PARTS;
    const char **cell = figure_cells(f, a, parts + 1, heads, TCET_COUNT(heads));
    struct ranked *r = arena_alloc(a, (n + 1) * sizeof *r);

    for (size_t i = 0; i < n; i++)
        r[i] = (struct ranked){x[i], y[i]};
    qsort(r, n, sizeof *r, by_rank);
    for (size_t k = 0; k < parts; k++) {
        size_t from = k * n / parts, to = (k + 1) * n / parts;
        double sum = 0, least = INFINITY, most = 0;

        for (size_t i = from; i < to; i++) {
            sum += r[i].by_accuracy;
            least = fmin(least, r[i].by_accuracy);
            most = fmax(most, r[i].by_accuracy);
        }
        *cell++ = arena_printf(a, "%.6g to %.6g", r[from].by_score, r[to - 1].by_score);
        *cell++ = arena_printf(a, "%zu", to - from);
        *cell++ = number(a, "%.6g", least);
        *cell++ = number(a, "%.1f", sum / (double)(to - from));
        *cell++ = number(a, "%.6g", most);
    }
}

static void rank_rank(const struct agreement *g, const struct report_line *l, struct figures *out)
{
    struct arena *a = &out->arena, own = {0};
    struct figure *f = figures_add(out, "ranks", l->series->column.name,
                                   arena_printf(a, "Ranks of %s", l->series->column.name));
    struct picked p;
    struct chart_dots dots = {.category = 0};
    double *x, *y, ends[2] = {1, 1};
    struct chart_line line = {
        .name = "equal ranks", .x = ends, .y = ends, .n = 2, .category = 6, .dashed = 1};

    report_pick(g->in, l->series, &own, &p);
    x = arena_alloc(&own, (p.n + 1) * sizeof *x);
    y = arena_alloc(&own, (p.n + 1) * sizeof *y);
    stats_rank(p.score, p.n, STATS_AVERAGE, x);
    stats_rank(p.accuracy, p.n, STATS_AVERAGE, y);
    ends[1] = p.n ? (double)p.n : 1;
    rank_table(x, y, p.n, a, f);
    dots.x = x;
    dots.y = y;
    dots.n = p.n;
    chart_draw(&(struct chart){.note = arena_printf(a, "tau %s, rho %s, n = %zu",
                                                    number(a, "%.4f", l->relation.kendall),
                                                    number(a, "%.4f", l->relation.spearman), p.n),
                               .desc = "Average ranks, 1 the lowest, of score and accuracy.",
                               .x_name = "rank by score",
                               .y_name = arena_printf(a, "rank by %s", g->in->accuracy_name),
                               .dots = &dots,
                               .dots_count = 1,
                               .lines = &line,
                               .line_count = 1},
               out, f);
    arena_free(&own);
}

/* -- top-k -------------------------------------------------------------------------------- */

enum { TOPS = 5 }; /* scores in the figure */

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* The expected best of k that are drawn from n accuracies, the largest first. */
static double random_best(const double *sorted, size_t n, size_t k)
{
    double sum = 0, none = 1; /* that none of those before is drawn */

    for (size_t i = 0; i < n && none > 1e-15; i++) {
        double drawn = fmin(1, (double)k / (double)(n - i));

        sum += none * drawn * sorted[i];
        none *= 1 - drawn;
    }
    return sum;
}

/* 1, 2, 5, 10 ... and n. */
static size_t sizes(size_t n, double *out)
{
    static const size_t parts[] = {1, 2, 5};
    size_t count = 0;

    for (size_t power = 1; power < n; power *= 10) {
        for (int i = 0; i < 3; i++) {
            if (parts[i] * power < n)
                out[count++] = (double)(parts[i] * power);
        }
    }
    if (n)
        out[count++] = (double)n;
    return count;
}

static void top_table(const struct agreement *g, const struct chart_line *line, size_t lines,
                      struct arena *a, struct figure *f)
{
    const char **head = arena_alloc(a, (lines + 1) * sizeof *head), **cell;

    head[0] = "k";
    for (size_t i = 0; i < lines; i++)
        head[i + 1] = line[i].name;
    cell = figure_cells(f, a, line[0].n + 1, head, lines + 1);
    for (size_t k = 0; k < line[0].n; k++) {
        *cell++ = arena_printf(a, "%.0f", line[0].x[k]);
        for (size_t i = 0; i < lines; i++)
            *cell++ = isnan(line[i].y[k]) ? "-" : report_accuracy(g->in, line[i].y[k], a);
    }
}

/* Best, or mean, accuracy among the k best of one score; NULL: it ranks none. */
static double *top_of(const struct picked *p, const double *k, size_t count, int mean,
                      struct arena *a)
{
    double *out = arena_alloc(a, (count + 1) * sizeof *out);

    for (size_t j = 0; j < count; j++) {
        struct stats_top top = {0};

        stats_top_k(p->score, p->accuracy, p->n, (size_t)k[j], &top);
        out[j] = mean ? top.mean : top.best;
    }
    return out;
}

/* What a random order and the accuracies themselves reach; sorts them. */
static void add_bounds(struct picked *p, const double *k, size_t count, int mean, struct arena *a,
                       struct chart_line line[2])
{
    double *random = arena_alloc(a, (count + 1) * sizeof *random);
    double *most = arena_alloc(a, (count + 1) * sizeof *most), sum = 0;
    size_t summed = 0;

    qsort(p->accuracy, p->n, sizeof *p->accuracy, falling);
    for (size_t j = 0; j < count; j++) {
        for (; summed < (size_t)k[j]; summed++)
            sum += p->accuracy[summed];
        random[j] = random_best(p->accuracy, p->n, (size_t)k[j]);
        most[j] = mean ? sum / k[j] : p->accuracy[0];
    }
    for (size_t j = 0; mean && j < count; j++)
        random[j] = sum / (double)p->n; /* the last k is n */
    line[0] = (struct chart_line){
        .name = "random order", .x = k, .y = random, .n = count, .category = 6, .dashed = 1};
    line[1] = (struct chart_line){.name = mean ? "k best of all" : "best of all",
                                  .x = k,
                                  .y = most,
                                  .n = count,
                                  .category = 6};
}

/* mean: of the k, else the best of them. */
static void top_k(const struct agreement *g, int mean, struct figures *out)
{
    struct arena *a = &out->arena, own = {0};
    const struct report_line **of;
    size_t n = shown_lines(g, 0, &own, &of), lines = 0, count = 0;
    struct chart_line line[TOPS + 2];
    double *k = arena_alloc(&own, 64 * sizeof *k);
    struct picked p = {.n = 0};
    struct figure *f;

    in_order(g, of, n, &own);
    for (size_t i = 0; i < n && lines < TOPS; i++) {
        report_pick(g->in, of[i]->series, &own, &p);
        if (!lines)
            count = sizes(p.n, k);
        if (!p.ranked)
            continue;
        line[lines] = (struct chart_line){.name = of[i]->series->column.name,
                                          .x = k,
                                          .y = top_of(&p, k, count, mean, &own),
                                          .n = count,
                                          .category = (int)lines};
        lines++;
    }
    if (lines) {
        add_bounds(&p, k, count, mean, &own, line + lines);
        lines += 2;
        f = figures_add(out, mean ? "top-k-mean" : "top-k", NULL,
                        mean ? "Mean accuracy of the k best scores"
                             : "Best accuracy among the k best scores");
        top_table(g, line, lines, a, f);
        chart_draw(&(struct chart){.note = what_was_compared(g, a),
                                   .desc =
                                       "A line a score: the best, or mean, accuracy among the k "
                                       "architectures that it ranks highest.",
                                   .x_name = "k",
                                   .y_name = g->in->accuracy_name,
                                   .x_wish = SCALE_POWERS,
                                   .lines = line,
                                   .line_count = lines},
                   out, f);
    }
    arena_free(&own);
}

/* -- repeats ------------------------------------------------------------------------------ */

/* What repeats of a score differ in, by the mark before its number in their names. */
struct repeat {
    const char *mark, *figure, *title, *head, *one;
};

/* Is `name` of the same score as one whose first n letters are `base`?  Itself without a number too. */
static int same_base(const char *name, const char *base, size_t n, const char *mark)
{
    size_t own = base_length(name, mark);

    return !strncmp(name, base, n) && (own == n || !name[n]);
}

/* The taus of all repeats of the score whose name begins with n letters of `name`. */
static struct bar repeats_of(const struct report *r, const char *name, size_t n, const char *mark,
                             struct arena *a)
{
    struct bar b = {.name = arena_strndup(a, name, n), .low = NAN, .high = NAN, .mark = NAN};
    double *tau = arena_alloc(a, (r->line_count + 1) * sizeof *tau), sum = 0;

    for (size_t k = 0; k < r->line_count; k++) {
        const struct report_line *l = &r->lines[k];

        if (!same_base(l->series->column.name, name, n, mark) || isnan(l->relation.kendall))
            continue;
        tau[b.n++] = l->relation.kendall;
        sum += l->relation.kendall;
    }
    b.points = tau;
    b.value = sum / (double)b.n;
    return b;
}

/* A box a score that was repeated: its tau of each. */
static void repeat_boxes(const struct agreement *g, const struct repeat *by, struct figures *out)
{
    const char *const heads[] = {"score", by->head, "mean tau", "least", "most"};
    struct arena *a = &out->arena;
    const struct report *r = g->report;
    struct bar *bar = arena_alloc(a, (r->line_count + 1) * sizeof *bar);
    size_t count = 0;
    struct figure *f;
    const char **cell;

    for (size_t i = 0; i < r->line_count; i++) {
        const char *name = r->lines[i].series->column.name;
        size_t n = base_length(name, by->mark);
        int seen = 0;

        for (size_t k = 0; k < count && n; k++)
            seen |= strlen(bar[k].name) == n && !strncmp(bar[k].name, name, n);
        if (!n || seen)
            continue;
        bar[count] = repeats_of(r, name, n, by->mark, a);
        count += bar[count].n > 1;
    }
    if (!count)
        return;
    f = figures_add(out, by->figure, NULL, by->title);
    cell = figure_cells(f, a, count + 1, heads, TCET_COUNT(heads));
    for (size_t i = 0; i < count; i++) {
        double least = INFINITY, most = -INFINITY;

        for (size_t k = 0; k < bar[i].n; k++) {
            least = fmin(least, bar[i].points[k]);
            most = fmax(most, bar[i].points[k]);
        }
        *cell++ = bar[i].name;
        *cell++ = arena_printf(a, "%zu", bar[i].n);
        *cell++ = number(a, "%.4f", bar[i].value);
        *cell++ = number(a, "%.4f", least);
        *cell++ = number(a, "%.4f", most);
    }
    bars_draw(&(struct bars){.note = what_was_compared(g, a),
                             .desc = arena_printf(a,
                                                  "A box a score: quartiles and median of its "
                                                  "taus, a dot a %s; the number is the mean.",
                                                  by->one),
                             .x_name = "Kendall's tau",
                             .bar = bar,
                             .count = count},
              out, f);
}

void agreement_figures(const struct agreement *g, struct figures *out)
{
    static const struct repeat repeats[] = {
        {"@", "seeds", "Tau over seeds", "seeds", "seed"},
        {DRAW, "draws", "Tau over mini-batches", "mini-batches", "mini-batch"}};
    const struct report_line **line;
    struct arena a = {0};
    size_t n;

    if (!g->report) {
        out->heading = "Agreement between scores";
        heat_map(g, out);
        figures_keep(out);
        return;
    }
    out->heading = "Agreement with accuracy";
    tau_bars(g, out);
    heat_map(g, out);
    top_k(g, 0, out);
    top_k(g, 1, out);
    for (size_t i = 0; i < TCET_COUNT(repeats); i++)
        repeat_boxes(g, &repeats[i], out);
    n = shown_lines(g, 0, &a, &line);
    in_order(g, line, n, &a);
    out->heading = "Scores and accuracies";
    for (size_t i = 0; i < n && i < AGREEMENT_SCATTERS; i++)
        scatter(g, line[i], out);
    out->heading = "Ranks";
    for (size_t i = 0; i < n && i < AGREEMENT_RANKS; i++)
        rank_rank(g, line[i], out);
    out->heading = NULL;
    figures_keep(out);
    arena_free(&a);
}
