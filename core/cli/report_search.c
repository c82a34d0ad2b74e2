/* report_search.c -- figures of searches (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "run/findings.h"
#include "run/stored.h"

#include <math.h>
#include <string.h>

enum { LINES = 7 }; /* a figure: as many as there are colours */

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

/* A curve as the line of a chart: the mean, and quartiles as its band. */
static struct chart_line line_of(const struct search *s, const struct found_point *p, size_t n,
                                 int category, struct arena *a)
{
    double *v = arena_alloc(a, (4 * n + 1) * sizeof *v);
    size_t searches = 0;

    for (size_t i = 0; i < n; i++) {
        v[i] = (double)p[i].evaluations;
        v[n + i] = p[i].mean;
        v[2 * n + i] = p[i].low;
        v[3 * n + i] = p[i].high;
        searches = p[i].n > searches ? p[i].n : searches;
    }
    return (struct chart_line){.name = arena_printf(a, "%s (%s)", s->path, s->settings.strategy),
                               .x = v,
                               .y = v + n,
                               .low = searches > 1 ? v + 2 * n : NULL,
                               .high = searches > 1 ? v + 3 * n : NULL,
                               .n = n,
                               .category = category};
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
    struct chart_line line[LINES];
    size_t lines = 0, rows = 1, n[LINES];
    const char **cell;
    struct figure *f;

    for (size_t i = first; i < count && lines < LINES; i++) {
        if (strcmp(s[i].settings.objective[0].written, objective))
            continue;
        p[lines] = found_curve(&s[i].found, accuracy, &n[lines]);
        if (!n[lines])
            continue;
        rows += n[lines];
        line[lines] = line_of(&s[i], p[lines], n[lines], (int)lines, a);
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
    chart_draw(&(struct chart){.note = "mean over the searches; band: quartiles",
                               .desc =
                                   "A line a folder of searches: how good the best was after so "
                                   "many evaluations.",
                               .x_name = "evaluations",
                               .y_name = what,
                               .x_wish = SCALE_POWERS,
                               .lines = line,
                               .line_count = lines},
               out, f);
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
    chart_draw(&(struct chart){.note = note,
                               .desc = "What was asked, by two objectives, and those that no other "
                                       "is better than in both.",
                               .x_name = set->objective[0].written,
                               .y_name = set->objective[1].written,
                               .x_wish = SCALE_WIDE,
                               .y_wish = SCALE_WIDE,
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
