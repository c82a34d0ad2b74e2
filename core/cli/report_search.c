/* report_search.c -- figures of searches (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "num/stats.h"
#include "run/findings.h"
#include "run/stored.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 7, WITH_QUARTILES = 3 }; /* a figure: as many as there are colours; and so crowded */

struct search {
    const char *path;
    struct config *config;
    struct search_settings settings;
    struct found found;
};

static tcet_status read_search(const char *path, struct search *s, struct error *err)
{
    struct store *store;
    const char *forgotten;
    tcet_status st;

    *s = (struct search){.path = path};
    TRY(stored_read(path, NULL, 0, &s->config, &forgotten, err));
    st = search_settings_read(s->config, &s->settings, err);
    if (st >= 0)
        st = store_open(path, STORE_READ, &store, err);
    if (st < 0)
        return st;
    st = findings_read(path, &s->settings, store_column_at(store, 0), store_column_count(store),
                       &s->found, err);
    store_close(store);
    return st;
}

static void free_search(struct search *s)
{
    found_free(&s->found);
    search_settings_free(&s->settings);
    config_free(s->config);
}

/* A curve as the line of a chart: the mean, and a deviation to both sides as its band.  quartile: [2], NULL:
 * not wanted; lines of their own. */
static struct chart_line line_of(const struct search *s, const struct found_point *p, size_t n,
                                 int category, struct chart_line *quartile, struct arena *a)
{
    double *v = arena_alloc(a, (6 * n + 1) * sizeof *v);
    size_t searches = 0;

    for (size_t i = 0; i < n; i++) {
        v[i] = (double)p[i].evaluations;
        v[n + i] = p[i].mean;
        v[2 * n + i] = p[i].mean - p[i].std;
        v[3 * n + i] = p[i].mean + p[i].std;
        v[4 * n + i] = p[i].low;
        v[5 * n + i] = p[i].high;
        searches = p[i].n > searches ? p[i].n : searches;
    }
    for (size_t k = 0; quartile && k < 2; k++)
        quartile[k] = (struct chart_line){.x = v,
                                          .y = v + (4 + k) * n,
                                          .n = searches > 1 ? n : 0,
                                          .category = category,
                                          .dashed = 1,
                                          .plain = 1};
    return (struct chart_line){.name = arena_printf(a, "%s (%s)", s->path, s->settings.strategy),
                               .x = v,
                               .y = v + n,
                               .low = searches > 1 ? v + 2 * n : NULL,
                               .high = searches > 1 ? v + 3 * n : NULL,
                               .n = n,
                               .category = category};
}

/* Where an axis of v is to begin so that a few bad ones do not squeeze all others to its end: at the
 * quantile q, where the half of the range lies below it, else at the least.  Sorts v. */
static double begin_of(double *v, size_t n, double q)
{
    double from;

    stats_sort(v, n);
    from = n ? stats_quantile(v, n, q) : 0;
    return n && from - v[0] > (v[n - 1] - v[0]) / 2 ? from : n ? v[0] : 0;
}

/* An axis for means and quartiles, which deviations may leave, without the worst of them where they take half
 * of it: returns whether.  quartile: two a line. */
static int cut_start(const struct chart_line *line, const struct chart_line *quartile, size_t lines,
                     double range[2], struct arena *a)
{
    size_t n = 0;
    double *v, margin;

    for (size_t i = 0; i < lines; i++)
        n += 3 * line[i].n;
    v = arena_alloc(a, (n + 1) * sizeof *v);
    n = 0;
    for (size_t i = 0; i < 3 * lines; i++) {
        const struct chart_line *l = i < lines ? &line[i] : &quartile[i - lines];

        for (size_t k = 0; k < l->n; k++) {
            if (isfinite(l->y[k]))
                v[n++] = l->y[k];
        }
    }
    range[0] = begin_of(v, n, 0.1);
    range[1] = n ? v[n - 1] : 0;
    margin = (range[1] - range[0]) * 0.04;
    range[0] -= margin;
    range[1] += margin;
    return n && range[0] > v[0];
}

static void add_rows(const char *name, const struct found_point *p, size_t n, const char **cell,
                     struct arena *a)
{
    for (size_t i = 0; i < n; i++) {
        const double number[] = {p[i].mean, p[i].std, p[i].low, p[i].median, p[i].high};

        *cell++ = name;
        *cell++ = arena_printf(a, "%lld", (long long)p[i].evaluations);
        *cell++ = arena_printf(a, "%zu", p[i].n);
        for (size_t k = 0; k < TCET_COUNT(number); k++)
            *cell++ = isnan(number[k]) ? "-" : arena_printf(a, "%.6g", number[k]);
    }
}

/* The incumbents of those searches whose first objective is that of `first`. */
static void anytime(struct search *s, size_t count, size_t first, int accuracy, struct figures *out)
{
    static const char *const heads[] = {"search", "evaluations", "searches", "mean",
                                        "std",    "25 %",        "median",   "75 %"};
    struct arena *a = &out->arena;
    const char *objective = s[first].settings.objective[0].written;
    const char *what =
        accuracy ? config_text(s[first].config, "benchmark", "", "column", "accuracy") : objective;
    const struct found_point *p[LINES];
    struct chart_line line[LINES + 2 * WITH_QUARTILES], quartile[2 * LINES];
    size_t lines = 0, rows = 1, n[LINES], drawn;
    double range[2];
    int cut;
    const char **cell;
    struct figure *f;

    for (size_t i = first; i < count && lines < LINES; i++) {
        if (strcmp(s[i].settings.objective[0].written, objective))
            continue;
        p[lines] = found_curve(&s[i].found, accuracy, &n[lines]);
        if (!n[lines])
            continue;
        rows += n[lines];
        line[lines] = line_of(&s[i], p[lines], n[lines], (int)lines, quartile + 2 * lines, a);
        lines++;
    }
    if (!lines)
        return;
    f = figures_add(out, accuracy ? "anytime-accuracy" : "anytime", what,
                    arena_printf(a, "%s of the incumbent", what));
    cell = figure_cells(f, a, rows, heads, TCET_COUNT(heads));
    for (size_t i = 0; i < lines; i++) {
        add_rows(line[i].name, p[i], n[i], cell, a);
        cell += n[i] * TCET_COUNT(heads);
    }
    cut = cut_start(line, quartile, lines, range, a);
    drawn = lines;
    for (size_t i = 0; lines <= WITH_QUARTILES && i < 2 * lines; i++)
        line[drawn++] = quartile[i];
    chart_draw(
        &(struct chart){.note = arena_printf(a, "mean over the searches; band: std%s%s",
                                             lines <= WITH_QUARTILES ? "; dashed: quartiles" : "",
                                             cut ? "; without the worst 10 %" : ""),
                        .desc = "A line a folder of searches: how good the best was after so "
                                "many evaluations.",
                        .x_name = "evaluations",
                        .y_name = what,
                        .x_wish = SCALE_POWERS,
                        .y_range = range[0] < range[1] ? range : NULL,
                        .lines = line,
                        .line_count = drawn},
        out, f);
}

/* From where to where two objectives are shown: all of the front, and of what was asked nearly all, unless a
 * few of it take half an axis.  Returns how many lie outside. */
static size_t cut_asked(const double *x, const double *y, size_t n, const double *front_x,
                        const double *front_y, size_t count, double range[2][2], struct arena *a)
{
    const double *all[2] = {x, y}, *front[2] = {front_x, front_y};
    size_t outside = 0;

    for (int k = 0; k < 2; k++) {
        double *v = arena_alloc(a, (n + 1) * sizeof *v), low, high;

        memcpy(v, all[k], n * sizeof *v);
        low = begin_of(v, n, 0.05);
        for (size_t i = 0; i < n; i++)
            v[i] = -all[k][i];
        high = -begin_of(v, n, 0.05);
        for (size_t i = 0; i < count; i++) {
            low = fmin(low, front[k][i]);
            high = fmax(high, front[k][i]);
        }
        range[k][0] = low - (high - low) * 0.04;
        range[k][1] = high + (high - low) * 0.04;
    }
    for (size_t i = 0; i < n; i++)
        outside +=
            x[i] < range[0][0] || x[i] > range[0][1] || y[i] < range[1][0] || y[i] > range[1][1];
    return outside;
}

/* All that has both objectives, and the front as steps. */
static void pareto(struct search *s, struct figures *out)
{
    const struct search_settings *set = &s->settings;
    const char *const heads[] = {set->objective[0].written, set->objective[1].written,
                                 "architecture"};
    struct arena *a = &out->arena, own = {0};
    size_t n = 0, count;
    const struct found_ask **front = found_front(&s->found, &count);
    double *x = arena_alloc(&own, (s->found.count + 1) * sizeof *x);
    double *y = arena_alloc(&own, (s->found.count + 1) * sizeof *y);
    double *of_front = arena_alloc(&own, (2 * count + 1) * sizeof *of_front);
    const char **cell;
    struct figure *f =
        figures_add(out, "front", s->path, arena_printf(a, "Pareto front: %s", s->path));
    struct chart_dots dots = {.name = "asked", .category = 6};
    double range[2][2];
    size_t outside;
    struct chart_line line = {.name = "front", .category = 1, .steps = 1, .n = count};
    const char *note = arena_printf(a, "%zu on the front", count);

    for (size_t i = 0; i < s->found.count; i++) {
        const struct found_ask *k = &s->found.asks[i];

        if (k->has && isfinite(k->values[0]) && isfinite(k->values[1])) {
            x[n] = k->values[0];
            y[n++] = k->values[1];
        }
    }
    cell = figure_cells(f, a, count + 1, heads, TCET_COUNT(heads));
    for (size_t i = 0; i < count; i++) {
        of_front[i] = front[i]->values[0];
        of_front[count + i] = front[i]->values[1];
        *cell++ = arena_printf(a, "%.9g", front[i]->values[0]);
        *cell++ = arena_printf(a, "%.9g", front[i]->values[1]);
        *cell++ = arena_strdup(a, front[i]->arch);
    }
    if (set->has_from)
        note = arena_printf(a, "%s; hypervolume to (%g, %g): %.6g", note, set->from[0],
                            set->from[1], found_hypervolume(&s->found, set->from, -1));
    dots.x = x;
    dots.y = y;
    dots.n = n;
    line.x = of_front;
    line.y = of_front + count;
    outside = cut_asked(x, y, n, line.x, line.y, count, range, &own);
    if (outside)
        dots.name = arena_printf(a, "asked; %zu more lie outside", outside);
    chart_draw(&(struct chart){.note = note,
                               .desc = "What was asked, by two objectives, and those that no other "
                                       "is better than in both.",
                               .x_name = set->objective[0].written,
                               .y_name = set->objective[1].written,
                               .x_wish = SCALE_WIDE,
                               .y_wish = SCALE_WIDE,
                               .x_range = outside ? range[0] : NULL,
                               .y_range = outside ? range[1] : NULL,
                               .dots = &dots,
                               .dots_count = 1,
                               .lines = &line,
                               .line_count = 1},
               out, f);
    arena_free(&own);
}

/* Is it the first with its objective? */
static int is_first(const struct search *s, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!strcmp(s[k].settings.objective[0].written, s[i].settings.objective[0].written))
            return 0;
    }
    return 1;
}

tcet_status report_searches(const char *const *paths, size_t count, struct figures *out,
                            struct error *err)
{
    struct search *s = arena_alloc(&out->arena, (count + 1) * sizeof *s);
    tcet_status st = TCET_OK;
    size_t n = 0;

    while (n < count && st >= 0) {
        st = read_search(paths[n], &s[n], err);
        n++;
    }
    out->heading = "Searches";
    for (size_t i = 0; i < n && st >= 0; i++) {
        if (!is_first(s, i))
            continue;
        anytime(s, n, i, 0, out);
        anytime(s, n, i, 1, out);
    }
    for (size_t i = 0; i < n && st >= 0; i++) {
        if (s[i].settings.objective_count > 1)
            pareto(&s[i], out);
    }
    out->heading = NULL;
    figures_keep(out);
    for (size_t i = 0; i < n; i++)
        free_search(&s[i]);
    return st;
}
