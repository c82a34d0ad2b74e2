/* diagram.c -- the picture of a network (diagram.h), and the same for Graphviz.  Room: core/report. */
#include "report/layout.h"
#include "report/picture.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MARGIN = 12, STRIP = 7, FIRST_LINE = 16, NEXT_LINE = 14, LEAST_WIDTH = 420 };

/* A picture while it is drawn: the layout's 0, 0 is at left, top. */
struct drawing {
    const struct diagram *n;
    struct layout l;
    struct svg svg;
    struct scale colour;
    double left, top;
};

/* The range of colours: of powers where no value is negative, when 0 has the lowest; returns whether there is one then. */
static int fit_colours(const struct diagram *n, struct arena *a, struct scale *out)
{
    double *v = arena_alloc(a, (n->count + 1) * sizeof *v), least = 0;
    double low = INFINITY, high = -INFINITY;
    size_t count = 0;
    int zero = 0;

    for (size_t i = 0; i < n->count; i++) {
        if (n->op[i].layer && isfinite(n->op[i].value))
            least = fmin(least, n->op[i].value);
    }
    for (size_t i = 0; i < n->count; i++) {
        double value = n->op[i].value;

        if (!n->op[i].layer || !isfinite(value))
            continue;
        if (least >= 0 && value <= 0) {
            zero = 1;
            continue;
        }
        v[count++] = value;
        low = fmin(low, value);
        high = fmax(high, value);
    }
    scale_fit(out, v, count, least < 0 ? SCALE_WIDE : SCALE_POWERS);
    if (low < high) { /* their own ends, which are no wider */
        out->low = low;
        out->high = high;
    }
    out->from = 0;
    out->to = SVG_BINS;
    return zero && count;
}

/* -- lines -------------------------------------------------------------------------------- */

static void number_to(struct buf *d, const char *before, double v)
{
    buf_puts(d, before);
    svg_number(d, v);
}

/* From below one point to above the next; across the row of a bend. */
static void segment(const struct drawing *w, size_t from, size_t to, struct buf *d)
{
    const struct layout_point *a = &w->l.point[from], *b = &w->l.point[to];
    double x = w->left + a->x, x2 = w->left + b->x, middle;
    double y = w->top + w->l.row_y[a->row], y2 = w->top + w->l.row_y[b->row];

    y += a->bend ? w->l.row_h[a->row] : w->l.unit[from].h;
    middle = (w->top + w->l.row_y[a->row] + w->l.row_h[a->row] + y2) / 2;
    number_to(d, "M", x);
    number_to(d, " ", y);
    if (fabs(x - x2) < .1) {
        number_to(d, "V", y2);
    } else {
        number_to(d, "C", x);
        number_to(d, " ", middle);
        number_to(d, " ", x2);
        number_to(d, " ", middle);
        number_to(d, " ", x2);
        number_to(d, " ", y2);
    }
    if (b->bend)
        number_to(d, "V", y2 + w->l.row_h[b->row]);
}

static void draw_lines(struct drawing *w)
{
    const struct layout *l = &w->l;

    for (size_t i = l->unit_count; i < l->point_count; i++) {
        struct buf d = {0};

        segment(w, l->point[i].from, i, &d);
        svg_path(&w->svg, d.data, "a");
        buf_free(&d);
    }
    for (size_t i = 0; i < l->unit_count; i++) {
        struct buf d = {0};

        for (size_t k = 0; k < l->unit[i].input_count; k++)
            segment(w, layout_above(l, l->unit[i].input[k], l->unit[i].row), i, &d);
        if (d.len)
            svg_path(&w->svg, d.data, "a");
        buf_free(&d);
    }
}

/* -- boxes -------------------------------------------------------------------------------- */

/* What a unit holds, a line each. */
static void unit_tip(const struct diagram *n, const struct layout_unit *u, struct buf *out)
{
    enum { MOST = 24 };

    for (size_t i = 0; i < u->op_count && i < MOST; i++) {
        const struct diagram_op *op = &n->op[u->op[i]];

        buf_printf(out, "%s%s%s%s%s%s", i ? "\n" : "", op->name, *op->name ? ": " : "",
                   op->operation, *op->kernel ? " " : "", op->kernel);
        if (*op->shape)
            buf_printf(out, ", weight %s", op->shape);
        buf_printf(out, ", output %s", op->output);
        if (op->params || op->macs)
            buf_printf(out, ", %lld parameters, %lld MACs", (long long)op->params,
                       (long long)op->macs);
        if (n->value_name && op->layer && isfinite(op->value))
            buf_printf(out, ", %s %.9g", n->value_name, op->value);
    }
    if (u->op_count > MOST)
        buf_printf(out, "\nand %zu more", u->op_count - MOST);
}

static void draw_unit(struct drawing *w, const struct layout_unit *u)
{
    double x = w->left + u->x, y = w->top + u->y;
    int coloured = w->n->value_name && isfinite(u->value);
    struct buf tip = {0};

    unit_tip(w->n, u, &tip);
    svg_rect(&w->svg, x, y, u->w, u->h, "mk", tip.data);
    buf_free(&tip);
    if (coloured) {
        char class[16];

        snprintf(class, sizeof class, "b%d", picture_bin(&w->colour, u->value));
        svg_rect(&w->svg, x + 1, y + 1, STRIP, u->h - 2, class, NULL);
    }
    for (size_t k = 0; k < LAYOUT_LINES && u->line[k]; k++)
        svg_text(&w->svg, x + (u->w + (coloured ? STRIP : 0)) / 2,
                 y + FIRST_LINE + NEXT_LINE * (double)k, SVG_MIDDLE, k ? "s" : "l", u->line[k]);
}

static void draw_group(struct drawing *w, const struct layout_group *g)
{
    if (*g->cell)
        svg_rect(&w->svg, w->left + g->x, w->top + g->y, g->w, g->h, "x", NULL);
}

/* A cell's name and counts, over the lines that come in. */
static void head_group(struct drawing *w, const struct layout_group *g)
{
    if (g->head)
        svg_text(&w->svg, w->left + g->x + LAYOUT_INSET, w->top + g->y + 14, SVG_START, "s y",
                 g->head);
}

/* -- the picture -------------------------------------------------------------------------- */

/* Lays it out; where it is tall and has no colours, shortened: *how. */
static tcet_status lay_out(struct drawing *w, struct arena *a, enum layout_short *how,
                           struct error *err)
{
    static const struct {
        enum layout_short how;
        double enough; /* so high it may be */
    } all[] = {
        {LAYOUT_ALL, DIAGRAM_TALL}, {LAYOUT_ONCE, 2 * DIAGRAM_TALL}, {LAYOUT_CHAINS, INFINITY}};
    tcet_status st = TCET_OK;

    for (size_t i = 0; i < TCET_COUNT(all); i++) {
        *how = all[i].how;
        w->l = (struct layout){.a = a};
        layout_units(w->n, *how, &w->l);
        st = layout_place(&w->l, err);
        if (w->n->value_name || (st >= 0 && w->l.height <= all[i].enough))
            return st;
    }
    return st;
}

/* All of it, once it is laid out. */
static void draw(struct drawing *w, const char *desc, struct figures *of, struct figure *f)
{
    double wide = w->l.width, bar = w->n->value_name ? 22 : 0;
    double width = fmax(LEAST_WIDTH, ceil(wide) + 2 * MARGIN);

    f->sized = 1;
    w->top = picture_begin(&w->svg, of, f, width, ceil(w->l.height) + bar + 3 * MARGIN, w->n->note,
                           desc);
    if (bar) {
        int zero = fit_colours(w->n, w->l.a, &w->colour);

        picture_colours(&w->svg, 4, w->top + 4, w->n->value_name, zero ? "0, " : "", &w->colour);
    }
    w->top += bar + MARGIN;
    w->left = (width - wide) / 2;
    for (size_t i = 0; i < w->l.group_count; i++)
        draw_group(w, &w->l.group[i]);
    draw_lines(w);
    for (size_t i = 0; i < w->l.group_count; i++)
        head_group(w, &w->l.group[i]);
    for (size_t i = 0; i < w->l.unit_count; i++)
        draw_unit(w, &w->l.unit[i]);
    svg_end(&w->svg);
}

tcet_status diagram_draw(const struct diagram *n, struct figures *of, struct figure *f,
                         struct error *err)
{
    static const char *const descs[] = {
        [LAYOUT_ALL] =
            "Operations as boxes, from the input down to the output; cells are boxes around them.",
        [LAYOUT_ONCE] = "Operations as boxes, from the input down to the output; cells are boxes "
                        "around them, and a cell that is like an earlier one is one box.",
        [LAYOUT_CHAINS] =
            "Chains of operations as boxes, from the input down to the output; cells are boxes "
            "around them, and a cell that is like an earlier one is one box."};
    struct arena a = {0};
    struct drawing w = {.n = n};
    enum layout_short how;
    tcet_status st;

    if (n->count > DIAGRAM_OPS)
        return error_set(err, TCET_E_ARG,
                         "the network has %zu operations; a picture has at most %d (a file ending "
                         "in .dot may have more)",
                         n->count, DIAGRAM_OPS);
    st = lay_out(&w, &a, &how, err);
    if (st >= 0)
        draw(&w, descs[how], of, f);
    arena_free(&a);
    return st;
}

/* -- Graphviz ----------------------------------------------------------------------------- */

static void dot_text(struct buf *out, const char *text)
{
    struct buf shown = {0};

    utf8_show(&shown, text, strlen(text), "");
    buf_puts(out, "\"");
    for (const char *p = shown.len ? shown.data : ""; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_puts(out, "\\");
        buf_add(out, p, 1);
    }
    buf_puts(out, "\"");
    buf_free(&shown);
}

/* One operation; its lines are joined by what dot breaks at. */
static void dot_op(const struct diagram *n, size_t i, const struct scale *colour, struct arena *a,
                   struct buf *out)
{
    const struct diagram_op *op = &n->op[i];
    int coloured = n->value_name && op->layer && isfinite(op->value);

    buf_printf(out, "  n%zu [label=", i);
    dot_text(out, arena_printf(a, "%s%s%s", op->operation, *op->kernel ? " " : "", op->kernel));
    buf_printf(out, " + \"\\n\" + ");
    dot_text(out, op->output);
    if (op->params || op->macs)
        buf_printf(out, " + \"\\n%s params, %s MACs\"", diagram_count(a, op->params),
                   diagram_count(a, op->macs));
    buf_puts(out, " tooltip=");
    dot_text(out, *op->name ? op->name : op->operation);
    if (coloured) {
        int bin = picture_bin(colour, op->value);

        buf_puts(out, " xlabel=");
        dot_text(out, arena_printf(a, "%s %.4g", n->value_name, op->value));
        buf_printf(out, " fillcolor=\"%s\"%s", svg_bin_colour(bin),
                   bin < SVG_BINS / 2 ? " fontcolor=white" : "");
    }
    buf_puts(out, "]\n");
}

void diagram_dot(const struct diagram *n, struct buf *out)
{
    struct arena a = {0};
    struct scale colour;
    size_t cells = 0;

    (void)fit_colours(n, &a, &colour);
    buf_puts(out, "digraph network {\n  label=");
    dot_text(out, n->arch);
    buf_puts(out, "\n  labelloc=t\n  node [shape=box style=filled fillcolor=white]\n");
    for (size_t i = 0; i < n->count; i++) {
        const char *cell = n->op[i].cell;

        if (*cell && (!i || strcmp(n->op[i - 1].cell, cell))) {
            buf_printf(out, "  subgraph cluster_%zu {\n  label=", cells++);
            dot_text(out, cell);
            buf_puts(out, "\n");
        }
        dot_op(n, i, &colour, &a, out);
        if (*cell && (i + 1 == n->count || strcmp(n->op[i + 1].cell, cell)))
            buf_puts(out, "  }\n");
    }
    for (size_t i = 0; i < n->count; i++) {
        for (size_t k = 0; k < n->op[i].input_count; k++)
            buf_printf(out, "  n%zu -> n%zu\n", n->op[i].input[k], i);
    }
    buf_puts(out, "}\n");
    arena_free(&a);
}
