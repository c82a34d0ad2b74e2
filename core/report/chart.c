/* chart.c -- points and lines over two axes (figure.h).  Room: core/report. */
#include "report/picture.h"

#include <tcet/plugin.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 400, HEIGHT = 250, MANY = 300 }; /* of the plot; points that are drawn one by one */
enum { MARKS = 64, MARK_FONT = 9 };             /* texts beside points */

struct box {
    double left, top, right, bottom;
};

struct plot {
    struct svg svg;
    const struct chart *c;
    struct figures *of;
    struct scale x, y, colour;
    double left, top, right, bottom;
    struct box mark[MARKS]; /* where texts beside points are */
    size_t marks;
};

/* -- ranges ------------------------------------------------------------------------------- */

static size_t value_count(const struct chart *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->dots_count; i++)
        n += c->dots[i].n;
    for (size_t i = 0; i < c->line_count; i++)
        n += 3 * c->lines[i].n;
    return n;
}

static void add(double *all, size_t *n, const double *v, const double *other, size_t count)
{
    for (size_t i = 0; v && i < count; i++) {
        if (isfinite(v[i]) && isfinite(other[i]))
            all[(*n)++] = v[i];
    }
}

/* An axis of no more than a range. */
static void cut(struct scale *s, const double *range)
{
    double low = range ? fmax(s->low, range[0]) : s->low;
    double high = range ? fmin(s->high, range[1]) : s->high;

    if (low < high) {
        s->low = low;
        s->high = high;
    }
}

static void fit(struct plot *p)
{
    const struct chart *c = p->c;
    double *all = mem_alloc((value_count(c) + 1) * sizeof *all);
    size_t n = 0;

    for (size_t i = 0; i < c->dots_count; i++)
        add(all, &n, c->dots[i].x, c->dots[i].y, c->dots[i].n);
    for (size_t i = 0; i < c->line_count; i++)
        add(all, &n, c->lines[i].x, c->lines[i].y, c->lines[i].n);
    scale_fit(&p->x, all, n, c->x_wish);
    cut(&p->x, c->x_range);
    n = 0;
    for (size_t i = 0; i < c->dots_count; i++)
        add(all, &n, c->dots[i].y, c->dots[i].x, c->dots[i].n);
    for (size_t i = 0; i < c->line_count; i++) {
        const struct chart_line *l = &c->lines[i];

        add(all, &n, l->y, l->x, l->n);
        add(all, &n, l->low, l->x, l->n);
        add(all, &n, l->high, l->x, l->n);
    }
    scale_fit(&p->y, all, n, c->y_wish);
    cut(&p->y, c->y_range);
    n = 0;
    for (size_t i = 0; i < c->dots_count; i++)
        add(all, &n, c->dots[i].colour, c->dots[i].x, c->dots[i].n);
    scale_fit(&p->colour, all, n, SCALE_WIDE);
    p->colour.to = SVG_BINS;
    free(all);
}

/* -- axes --------------------------------------------------------------------------------- */

static double widest(const struct tick *t, size_t n)
{
    double wide = 0;

    for (size_t i = 0; i < n; i++)
        wide = fmax(wide, svg_width(t[i].text, SVG_SMALL));
    return wide;
}

/* The places of ticks whose texts leave one another room: from 0, else from the first, outwards.  Half a
 * text's size is that of its height, or its width across. */
static double reach(const struct tick *t, int across)
{
    return across ? svg_width(t->text, SVG_SMALL) / 2 + 2 : SVG_SMALL * 0.65;
}

static size_t keep_apart(const struct scale *s, struct tick *t, size_t n, int across)
{
    int keep[SCALE_TICKS] = {0};
    size_t first = 0, kept = 0;

    for (size_t i = 0; i < n; i++)
        first = t[i].at == 0 ? i : first;
    for (int up = 0; up < 2; up++) {
        size_t last = first;

        for (size_t i = first; i < n; i = up ? i + 1 : i - 1) { /* below 0 it is not < n */
            double gap = fabs(scale_at(s, t[i].at) - scale_at(s, t[last].at));

            if (i != first && gap < reach(&t[i], across) + reach(&t[last], across))
                continue;
            keep[i] = 1;
            last = i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (keep[i])
            t[kept++] = t[i];
    }
    return kept;
}

/* As many ticks as their texts have room for. */
static size_t ticks_of_x(const struct plot *p, struct tick *t)
{
    size_t n = 0;

    for (size_t most = 9; most >= 2; most--) {
        n = scale_ticks(&p->x, most, t);
        if (!n || (widest(t, n) + 8) * (double)n <= p->right - p->left)
            break;
    }
    return n;
}

static void axes(struct plot *p)
{
    struct tick t[SCALE_TICKS];
    size_t n = keep_apart(&p->y, t, scale_ticks(&p->y, 7, t), 0);
    const char *x_name = svg_fit(&p->of->arena, p->c->x_name, SVG_FONT, p->right - p->left);
    const char *y_name = svg_fit(&p->of->arena, p->c->y_name, SVG_FONT, HEIGHT);

    for (size_t i = 0; i < n; i++) {
        double y = scale_at(&p->y, t[i].at);

        svg_line(&p->svg, p->left, y, p->right, y, "g");
        svg_text(&p->svg, p->left - 5, y + 3.5, SVG_END, "s", t[i].text);
    }
    n = keep_apart(&p->x, t, ticks_of_x(p, t), 1);
    for (size_t i = 0; i < n; i++) {
        double x = scale_at(&p->x, t[i].at), half = svg_width(t[i].text, SVG_SMALL) / 2;

        svg_line(&p->svg, x, p->top, x, p->bottom, "g");
        if (x + half <= WIDTH)
            svg_text(&p->svg, x, p->bottom + 13, SVG_MIDDLE, "s", t[i].text);
    }
    svg_line(&p->svg, p->left, p->bottom, p->right, p->bottom, "a");
    svg_line(&p->svg, p->left, p->top, p->left, p->bottom, "a");
    svg_text(&p->svg, (p->left + p->right) / 2, p->bottom + 30, SVG_MIDDLE, "l", x_name);
    svg_text_up(&p->svg, 13, (p->top + p->bottom) / 2, SVG_MIDDLE, "l", y_name);
}

/* -- points ------------------------------------------------------------------------------- */

static int is_on(const struct scale *s, const double *range, double v)
{
    return isfinite(v) && (!range || (v >= s->low && v <= s->high));
}

static int is_drawn(const struct plot *p, const struct chart_dots *d, size_t i)
{
    return is_on(&p->x, p->c->x_range, d->x[i]) && is_on(&p->y, p->c->y_range, d->y[i]);
}

static int is_free(const struct plot *p, const struct box *b)
{
    if (b->left < p->left || b->right > p->right || b->top < p->top || b->bottom > p->bottom)
        return 0;
    for (size_t i = 0; i < p->marks; i++) {
        const struct box *o = &p->mark[i];

        if (b->left < o->right && o->left < b->right && b->top < o->bottom && o->top < b->bottom)
            return 0;
    }
    return 1;
}

/* Points with texts keep other texts away. */
static void keep_clear(struct plot *p, const struct chart_dots *d)
{
    enum { AROUND = 5 };

    for (size_t i = 0; d->mark && i < d->n && p->marks < MARKS; i++) {
        double x = scale_at(&p->x, d->x[i]), y = scale_at(&p->y, d->y[i]);

        p->mark[p->marks++] = (struct box){x - AROUND, y - AROUND, x + AROUND, y + AROUND};
    }
}

/* A text beside a point, where none stands yet: right, left, above, below or between, or further away in these
 * directions, then with a line to its point. */
static void put_mark(struct plot *p, double x, double y, const char *text)
{
    static const double away[][2] = {{1, 0},  {-1, 0},  {0, -1}, {0, 1},
                                     {1, -1}, {-1, -1}, {1, 1},  {-1, 1}};
    enum { DIRECTIONS = TCET_COUNT(away), FURTHER = 12 };
    double wide = svg_width(text, MARK_FONT), high = MARK_FONT * 1.2;

    for (int i = 0; i < DIRECTIONS * FURTHER && p->marks < MARKS; i++) {
        const double *to = away[i % DIRECTIONS];
        double gap = 7 + 9 * (i / DIRECTIONS);
        double at_x = x + to[0] * (gap + wide / 2), at_y = y + to[1] * (gap + high / 2);
        struct box b = {at_x - wide / 2, at_y - high / 2, at_x + wide / 2, at_y + high / 2};

        if (!is_free(p, &b))
            continue;
        p->mark[p->marks++] = b;
        if (i >= DIRECTIONS)
            svg_line(&p->svg, x + to[0] * 5, y + to[1] * 5, x + to[0] * (gap - 1),
                     y + to[1] * (gap - 1), "g");
        svg_text(&p->svg, at_x, at_y + MARK_FONT * 0.36, SVG_MIDDLE, "l s9 j", text);
        return;
    }
}

static void few_dots(struct plot *p, const struct chart_dots *d)
{
    for (size_t i = 0; i < d->n; i++) {
        char class[24], x[24], y[24];
        int open = d->shape == SVG_RING || d->shape == SVG_CROSS;
        struct buf tip = {0};

        if (!is_drawn(p, d, i))
            continue;
        snprintf(class, sizeof class, "%s%d%s",
                 d->colour ? "b"
                 : open    ? "c"
                           : "f",
                 d->colour ? picture_bin(&p->colour, d->colour[i]) : d->category, open ? " u" : "");
        scale_text(x, d->x[i], 5);
        scale_text(y, d->y[i], 5);
        if (d->label)
            buf_printf(&tip, "%s\n%s %s, %s %s", d->label[i], p->c->x_name, x, p->c->y_name, y);
        svg_mark(&p->svg, scale_at(&p->x, d->x[i]), scale_at(&p->y, d->y[i]),
                 d->shape == SVG_RING ? 5 : 3, d->shape, class, tip.len ? tip.data : NULL);
        buf_free(&tip);
        if (d->mark)
            put_mark(p, scale_at(&p->x, d->x[i]), scale_at(&p->y, d->y[i]), d->mark[i]);
    }
}

/* One path of dots with round ends, in steps from one to the next, which are short: "m0 3h0". */
static void emit(struct plot *p, const uint8_t *grid, size_t wide, size_t high, const char *class)
{
    long at_x = 0, at_y = 0;

    buf_printf(p->svg.out, "<path class=\"%s d\" d=\"M%.0f %.0f", class, p->left, p->top);
    for (size_t x = 0; x < wide; x++) {
        for (size_t y = 0; y < high; y++) {
            long dx = (long)x - at_x, dy = (long)y - at_y;

            if (!grid[x * high + y])
                continue;
            buf_printf(p->svg.out, dy < 0 ? "m%ld%ldh0" : "m%ld %ldh0", dx, dy);
            at_x = (long)x;
            at_y = (long)y;
        }
    }
    buf_puts(p->svg.out, "\"/>\n");
}

/* Where thousands lie no eye tells them apart: one dot a unit and colour. */
static void many_dots(struct plot *p, const struct chart_dots *d)
{
    size_t wide = (size_t)(p->right - p->left) + 2, high = (size_t)(p->bottom - p->top) + 2;
    size_t bins = d->colour ? SVG_BINS : 1;
    uint8_t *grid = mem_alloc(bins * wide * high), *any = mem_alloc(bins);

    for (size_t i = 0; i < d->n; i++) {
        size_t bin = d->colour ? (size_t)picture_bin(&p->colour, d->colour[i]) : 0, x, y;

        if (!is_drawn(p, d, i))
            continue;
        x = (size_t)lround(scale_at(&p->x, d->x[i]) - p->left);
        y = (size_t)lround(scale_at(&p->y, d->y[i]) - p->top);
        grid[bin * wide * high + x * high + y] = any[bin] = 1;
    }
    for (size_t bin = 0; bin < bins; bin++) {
        char class[16];

        snprintf(class, sizeof class, d->colour ? "p%zu" : "c%zu",
                 d->colour ? bin : (size_t)d->category);
        if (any[bin])
            emit(p, grid + bin * wide * high, wide, high, class);
    }
    free(any);
    free(grid);
}

/* -- lines -------------------------------------------------------------------------------- */

static void put(struct plot *p, const char *command, double x, double y)
{
    buf_puts(p->svg.out, command);
    svg_number(p->svg.out, x);
    buf_puts(p->svg.out, " ");
    svg_number(p->svg.out, y);
}

static void point(struct plot *p, const char *command, double x, double y)
{
    put(p, command, scale_at(&p->x, x), scale_at(&p->y, y));
}

static void band(struct plot *p, const struct chart_line *l)
{
    const char *command = "M";

    if (!l->low || !l->high)
        return;
    buf_printf(p->svg.out, "<path class=\"f%d i\" d=\"", l->category);
    for (size_t i = 0; i < l->n; i++) {
        if (isfinite(l->x[i]) && isfinite(l->low[i]) && isfinite(l->high[i])) {
            point(p, command, l->x[i], l->low[i]);
            command = "L";
        }
    }
    for (size_t i = l->n; i--;) {
        if (isfinite(l->x[i]) && isfinite(l->low[i]) && isfinite(l->high[i]))
            point(p, command, l->x[i], l->high[i]);
    }
    buf_puts(p->svg.out, "\"/>\n");
}

/* Where a value is on the y axis, beyond its ends too where it is linear. */
static double beyond(const struct scale *s, double v)
{
    return s->kind == SCALE_LINEAR ? s->from + (v - s->low) / (s->high - s->low) * (s->to - s->from)
                                   : scale_at(s, v);
}

/* A line while it is drawn, of which what is above or below the plot is left out. */
struct pen {
    double x, y; /* the last point */
    int begun;   /* is there one? */
    int down;    /* does the path end there? */
};

static void draw_to(struct plot *p, struct pen *pen, double x, double y)
{
    double t0 = 0, t1 = 1, x0 = pen->x, y0 = pen->y, dy = y - y0;

    if (pen->begun && dy != 0) { /* y grows downwards */
        double a = (p->top - y0) / dy, b = (p->bottom - y0) / dy;

        t0 = fmax(t0, fmin(a, b));
        t1 = fmin(t1, fmax(a, b));
    } else if (y < p->top || y > p->bottom) {
        t1 = -1;
    }
    if (!pen->begun) {
        pen->down = t1 > 0;
        if (pen->down)
            put(p, "M", x, y);
    } else if (t0 < t1) {
        if (!pen->down)
            put(p, "M", x0 + t0 * (x - x0), y0 + t0 * dy);
        put(p, "L", x0 + t1 * (x - x0), y0 + t1 * dy);
        pen->down = t1 >= 1;
    } else {
        pen->down = 0;
    }
    pen->begun = 1;
    pen->x = x;
    pen->y = y;
}

static void line_marks(struct plot *p, const struct chart_line *l)
{
    for (size_t i = 0; i < l->n; i++) {
        char class[16], x[24], y[24], tip[160];

        if (!is_on(&p->x, p->c->x_range, l->x[i]) || !is_on(&p->y, p->c->y_range, l->y[i]))
            continue;
        scale_text(x, l->x[i], 6);
        scale_text(y, l->y[i], 6);
        snprintf(class, sizeof class, "f%d", l->category);
        snprintf(tip, sizeof tip, "%.80s at %s: %s", l->name ? l->name : "", x, y);
        svg_mark(&p->svg, scale_at(&p->x, l->x[i]), scale_at(&p->y, l->y[i]), 2.5,
                 (enum svg_shape)(l->category % 3), class, tip);
    }
}

static void line(struct plot *p, const struct chart_line *l)
{
    struct pen pen = {.begun = 0};
    size_t drawn = 0, last = 0;

    for (size_t i = 0; i < l->n; i++)
        drawn += isfinite(l->x[i]) && isfinite(l->y[i]);
    if (!drawn)
        return;
    band(p, l);
    buf_printf(p->svg.out, "<path class=\"c%d%s%s\" d=\"", l->category, l->dashed ? " o" : "",
               l->plain ? " u" : "");
    for (size_t i = 0; i < l->n; i++) {
        double x = scale_at(&p->x, l->x[i]);

        if (!isfinite(l->x[i]) || !isfinite(l->y[i]))
            continue;
        if (pen.begun && l->steps)
            draw_to(p, &pen, x, beyond(&p->y, l->y[last]));
        draw_to(p, &pen, x, beyond(&p->y, l->y[i]));
        last = i;
    }
    if (!pen.down) /* never without a place: a path has one */
        put(p, "M", pen.x, pen.y < p->top ? p->top : p->bottom);
    buf_puts(p->svg.out, "\"/>\n");
    if (drawn <= 30 && !l->plain)
        line_marks(p, l);
}

/* -- legend ------------------------------------------------------------------------------- */

/* Places the entries, and draws them unless it only asks how high they are. */
static double legend(struct plot *p, double y, int draw)
{
    const struct chart *c = p->c;
    struct legend l = {8, WIDTH - 4};
    double x = l.from, first = y;
    int any = 0;

    for (size_t i = 0; i < c->line_count + c->dots_count; i++) {
        const struct chart_line *line = i < c->line_count ? &c->lines[i] : NULL;
        const struct chart_dots *dots = line ? NULL : &c->dots[i - c->line_count];
        const char *name = line ? line->name : dots->name;
        char class[16];
        double wide;

        if (!name)
            continue;
        any = 1;
        name = svg_fit(&p->of->arena, name, SVG_SMALL, 200);
        wide = legend_next(&l, name, &x, &y);
        if (draw && line) {
            snprintf(class, sizeof class, "c%d%s", line->category, line->dashed ? " o" : "");
            svg_line(&p->svg, x, y, x + 18, y, class);
        } else if (draw) {
            int open = dots->shape == SVG_RING || dots->shape == SVG_CROSS;

            snprintf(class, sizeof class, open ? "c%d u" : "f%d", dots->category);
            svg_mark(&p->svg, x + 9, y, dots->shape == SVG_RING ? 5 : 3, dots->shape, class, NULL);
        }
        if (draw)
            svg_text(&p->svg, x + 22, y + 3.5, SVG_START, "s", name);
        x += wide;
    }
    return any ? y + 15 - first : 0;
}

static int is_coloured(const struct chart *c)
{
    return c->dots_count && c->dots[0].colour && c->colour_name;
}

void chart_draw(const struct chart *c, struct figures *of, struct figure *f)
{
    struct plot p = {.c = c, .of = of};
    struct tick t[SCALE_TICKS];
    double bar = is_coloured(c) ? 18 : 0, y;

    fit(&p);
    y = picture_begin(&p.svg, of, f, WIDTH, HEIGHT + 46 + bar + legend(&p, 0, 0), c->note, c->desc);
    p.top = y + 8;
    p.bottom = p.top + HEIGHT;
    p.left = ceil(28 + widest(t, scale_ticks(&p.y, 7, t)));
    p.right = WIDTH - 10;
    p.x.from = p.left;
    p.x.to = p.right;
    p.y.from = p.bottom;
    p.y.to = p.top;
    axes(&p);
    for (size_t i = 0; i < c->dots_count; i++)
        keep_clear(&p, &c->dots[i]);
    for (size_t i = 0; i < c->dots_count; i++) {
        if (c->dots[i].n > MANY)
            many_dots(&p, &c->dots[i]);
        else
            few_dots(&p, &c->dots[i]);
    }
    for (size_t i = 0; i < c->line_count; i++)
        line(&p, &c->lines[i]);
    if (bar > 0)
        picture_colours(&p.svg, p.left, p.bottom + 38, c->colour_name, "", &p.colour);
    legend(&p, p.bottom + 46 + bar, 1);
    svg_end(&p.svg);
}
