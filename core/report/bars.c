/* bars.c -- bars and boxes beside names (figure.h).  Room: core/report. */
#include "num/stats.h"
#include "report/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 400, ROW = 19, NAMES = 130, VALUES = 48 };

/* A rectangle between two places, in either order. */
static void span(struct svg *s, double x, double x2, double y, double h, const char *classes,
                 const char *tip)
{
    svg_rect(s, fmin(x, x2), y, fmax(fabs(x2 - x), 0.5), h, classes, tip);
}

/* The quartiles as a box, the median as a line, every point as a dot. */
static void box(struct svg *s, const struct scale *x, const struct bar *b, double y)
{
    double *sorted = mem_alloc((b->n + 1) * sizeof *sorted);
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (isfinite(b->points[i]))
            sorted[n++] = b->points[i];
    }
    stats_sort(sorted, n);
    if (n) {
        double median = scale_at(x, stats_quantile(sorted, n, 0.5));

        svg_line(s, scale_at(x, sorted[0]), y + ROW / 2.0, scale_at(x, sorted[n - 1]),
                 y + ROW / 2.0, "w");
        span(s, scale_at(x, stats_quantile(sorted, n, 0.25)),
             scale_at(x, stats_quantile(sorted, n, 0.75)), y + 4, ROW - 8, "f5", NULL);
        svg_line(s, median, y + 3, median, y + ROW - 3, "w");
    }
    for (size_t i = 0; i < n; i++)
        svg_mark(s, scale_at(x, sorted[i]), y + ROW / 2.0, 2, SVG_DOT, "f0", NULL);
    free(sorted);
}

static void whiskers(struct svg *s, const struct scale *x, const struct bar *b, double y)
{
    double low = scale_at(x, b->low), high = scale_at(x, b->high);

    svg_line(s, low, y, high, y, "w");
    svg_line(s, low, y - 3, low, y + 3, "w");
    svg_line(s, high, y - 3, high, y + 3, "w");
}

static void row(struct svg *s, struct arena *a, const struct scale *x, const struct bars *of,
                const struct bar *b, double y)
{
    char value[24], mark[24], tip[512];
    const char *name = svg_fit(a, b->name, SVG_SMALL, NAMES - 10);
    double zero = scale_at(x, 0);

    snprintf(value, sizeof value, isfinite(b->value) ? "%.4f" : "-", b->value);
    snprintf(mark, sizeof mark, "%.4g", b->mark);
    snprintf(tip, sizeof tip, "%.200s: %s", b->name, value);
    svg_text(s, NAMES - 6, y + ROW / 2.0 + 3.5, SVG_END, "s", name);
    svg_text(s, WIDTH - 6, y + ROW / 2.0 + 3.5, SVG_END, "s", value);
    if (b->points)
        box(s, x, b, y);
    else if (isfinite(b->value))
        span(s, zero, scale_at(x, b->value), y + 4, ROW - 8, b->grey ? "f6" : "f0", tip);
    if (isfinite(b->low) && isfinite(b->high))
        whiskers(s, x, b, y + ROW / 2.0);
    if (isfinite(b->mark)) {
        snprintf(tip, sizeof tip, "%.200s: %s %s", b->name, of->mark_name, mark);
        svg_mark(s, scale_at(x, b->mark), y + ROW / 2.0, 4, SVG_DIAMOND, "mk", tip);
    }
}

static void fit(const struct bars *b, struct scale *x)
{
    size_t most = 4, n = 0;
    double *all;

    for (size_t i = 0; i < b->count; i++)
        most += 4 + b->bar[i].n;
    all = mem_alloc(most * sizeof *all);
    for (size_t i = 0; i < b->count; i++) {
        const struct bar *r = &b->bar[i];

        for (size_t k = 0; r->points && k < r->n; k++)
            all[n++] = r->points[k];
        all[n++] = r->value;
        all[n++] = r->low;
        all[n++] = r->high;
        all[n++] = r->mark;
    }
    if (!b->count || !b->bar[0].points)
        all[n++] = 0; /* bars begin there */
    scale_fit(x, all, n, SCALE_PLAIN);
    x->from = NAMES;
    x->to = WIDTH - VALUES;
    free(all);
}

void bars_draw(const struct bars *b, struct figures *of, struct figure *f)
{
    struct svg s;
    struct scale x;
    struct tick t[SCALE_TICKS];
    size_t n, marks = 0;
    double top, bottom, height = ROW * (double)b->count;

    fit(b, &x);
    for (size_t i = 0; i < b->count; i++)
        marks += isfinite(b->bar[i].mark);
    top = picture_begin(&s, of, f, WIDTH, height + 44 + (marks ? 15 : 0), b->note, b->desc) + 4;
    bottom = top + height;
    n = scale_ticks(&x, 6, t);
    for (size_t i = 0; i < n; i++) {
        double at = scale_at(&x, t[i].at);

        svg_line(&s, at, top, at, bottom, t[i].at == 0 ? "a" : "g");
        svg_text(&s, at, bottom + 13, SVG_MIDDLE, "s", t[i].text);
    }
    for (size_t i = 0; i < b->count; i++)
        row(&s, &of->arena, &x, b, &b->bar[i], top + ROW * (double)i);
    svg_text(&s, (x.from + x.to) / 2, bottom + 30, SVG_MIDDLE, "l", b->x_name);
    if (marks) {
        svg_mark(&s, NAMES + 6, bottom + 43, 4, SVG_DIAMOND, "mk", NULL);
        svg_text(&s, NAMES + 16, bottom + 46.5, SVG_START, "s", b->mark_name);
    }
    svg_end(&s);
}
