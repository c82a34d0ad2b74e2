/* heat.c -- numbers of every two names as coloured cells (figure.h).  Room: core/report. */
#include "report/picture.h"

#include <math.h>
#include <stdio.h>

enum { CELL = 30, LABEL = 130, LEAST = 400 };

/* ".93", "-.2", "1": two digits in a narrow cell. */
static void digits(char out[16], double v)
{
    char text[16];
    const char *p = text;

    snprintf(text, sizeof text, "%.2f", v);
    if (fabs(v) < 0.995 && *p == '-')
        snprintf(out, 16, "-%s", p + 2);
    else
        snprintf(out, 16, "%s", fabs(v) < 0.995 ? p + 1 : *p == '-' ? "-1" : "1");
}

static void cell(struct svg *s, const struct heat *h, size_t row, size_t column, double x, double y)
{
    int above = column > row;
    double v = (above ? h->above : h->below)[row * h->n + column];
    char class[16], text[16], tip[512];
    int bin = isnan(v) ? 0 : (int)floor((fmax(-1, fmin(1, v)) + 1) / 2 * SVG_HEATS);

    if (isnan(v)) {
        svg_rect(s, x, y, CELL - 1, CELL - 1, "x", NULL);
        svg_text(s, x + CELL / 2.0 - 0.5, y + CELL / 2.0 + 3, SVG_MIDDLE, "s", "-");
        return;
    }
    bin = bin >= SVG_HEATS ? SVG_HEATS - 1 : bin;
    snprintf(class, sizeof class, "h%d", bin);
    snprintf(tip, sizeof tip, "%s of %.200s and %.200s: %.4f",
             above ? h->above_name : h->below_name, h->name[row], h->name[column], v);
    svg_rect(s, x, y, CELL - 1, CELL - 1, class, tip);
    digits(text, v);
    svg_text(s, x + CELL / 2.0 - 0.5, y + CELL / 2.0 + 3, SVG_MIDDLE,
             bin <= 1 || bin >= SVG_HEATS - 2 ? "s9 hl" : "s9 hd", text);
}

void heat_draw(const struct heat *h, struct figures *of, struct figure *f)
{
    double side = CELL * (double)h->n, label = 0, width, top, left;
    const char **name = arena_alloc(&of->arena, (h->n + 1) * sizeof *name);
    struct svg s;

    for (size_t i = 0; i < h->n; i++) {
        name[i] = svg_fit(&of->arena, h->name[i], SVG_SMALL, LABEL);
        label = fmax(label, svg_width(name[i], SVG_SMALL));
    }
    width = fmax(LEAST, side + label + 20);
    top = picture_begin(&s, of, f, width, side + label + 24, h->note, h->desc) + label + 12;
    left = label + 12;
    for (size_t i = 0; i < h->n; i++) {
        double at = CELL * (double)i + CELL / 2.0 + 3;

        svg_text(&s, left - 5, top + at, SVG_END, "s", name[i]);
        svg_text_up(&s, left + at, top - 5, SVG_START, "s", name[i]);
        for (size_t k = 0; k < h->n; k++) {
            if (k != i)
                cell(&s, h, i, k, left + CELL * (double)k, top + CELL * (double)i);
            else
                svg_rect(&s, left + CELL * (double)k, top + CELL * (double)i, CELL - 1, CELL - 1,
                         "x", NULL);
        }
    }
    svg_end(&s);
}
