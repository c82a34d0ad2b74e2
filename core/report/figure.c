/* figure.c -- the list of figures, and what all pictures begin with.  Room: core/report. */
#include "report/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters, digits, - and _ of a text, others as _; at most `most`. */
static char *plain(struct arena *a, const char *text, size_t most)
{
    char *out = arena_strndup(a, text, strnlen(text, most));

    for (char *p = out; *p; p++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *p))
            *p = '_';
    }
    return out;
}

static int is_taken(const struct figures *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!strcmp(f->item[i].name, name))
            return 1;
    }
    return 0;
}

struct figure *figures_add(struct figures *f, const char *kind, const char *what, const char *title)
{
    const char *base =
                   what ? arena_printf(&f->arena, "%s-%s", kind, plain(&f->arena, what, 60)) : kind,
               *name = base;
    struct figure *out;

    for (size_t k = 2; is_taken(f, name); k++)
        name = arena_printf(&f->arena, "%s-%zu", base, k);
    if (f->count == f->cap) {
        f->cap = 2 * f->cap + 8;
        f->item = mem_resize(f->item, f->cap * sizeof *f->item);
    }
    out = &f->item[f->count++];
    *out = (struct figure){.name = name, .heading = f->heading, .title = title};
    f->heading = NULL;
    return out;
}

void figures_keep(struct figures *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct figure *g = &f->item[i];
        size_t n = g->cell && !g->kept ? g->rows * g->columns : 0;
        const char **copy = n ? arena_alloc(&f->arena, n * sizeof *copy) : NULL;

        for (size_t k = 0; k < n; k++)
            copy[k] = arena_strdup(&f->arena, g->cell[k]);
        g->cell = n ? copy : g->cell;
        g->kept = 1;
    }
}

const char **figure_cells(struct figure *f, struct arena *a, size_t rows, const char *const *heads,
                          size_t columns)
{
    const char **cell = arena_alloc(a, rows * columns * sizeof *cell);

    memcpy(cell, heads, columns * sizeof *cell);
    f->cell = cell;
    f->rows = rows;
    f->columns = columns;
    return cell + columns;
}

void figures_free(struct figures *f)
{
    for (size_t i = 0; i < f->count; i++)
        buf_free(&f->item[i].svg);
    free(f->item);
    arena_free(&f->arena);
    memset(f, 0, sizeof *f);
}

double picture_begin(struct svg *s, struct figures *of, struct figure *f, double width,
                     double height, const char *note, const char *desc)
{
    double y = 16;

    f->width = width;
    *s = (struct svg){.out = &f->svg,
                      .name = f->name,
                      .width = width,
                      .height = height + (note ? 36 : 20),
                      .sized = f->sized};
    svg_begin(s, f->title, desc);
    svg_text(s, 4, y, SVG_START, "t", svg_fit_title(&of->arena, f->title, width - 8));
    if (note)
        svg_text(s, 4, y += 16, SVG_START, "q", svg_fit(&of->arena, note, SVG_FONT, width - 8));
    return y + 4;
}

int picture_bin(const struct scale *s, double v)
{
    double at = isfinite(v) ? scale_at(s, v) : 0;

    return at < 0 ? 0 : at >= SVG_BINS ? SVG_BINS - 1 : (int)at;
}

void picture_colours(struct svg *s, double x, double y, const char *name, const char *below,
                     const struct scale *scale)
{
    enum { SWATCH = 12 };
    char least[24], low[40], high[24];

    scale_text(least, scale->low, 3);
    snprintf(low, sizeof low, "%.8s%s", below, least);
    scale_text(high, scale->high, 3);
    svg_text(s, x, y + 9, SVG_START, "s", name);
    x += svg_width(name, SVG_SMALL) + 8;
    svg_text(s, x, y + 9, SVG_START, "s", low);
    x += svg_width(low, SVG_SMALL) + 6;
    for (int i = 0; i < SVG_BINS; i++) {
        char class[16];

        snprintf(class, sizeof class, "b%d", i);
        svg_rect(s, x + i * SWATCH, y, SWATCH, 11, class, NULL);
    }
    svg_text(s, x + SVG_BINS * SWATCH + 6, y + 9, SVG_START, "s", high);
}

double legend_next(const struct legend *l, const char *text, double *x, double *y)
{
    double wide = 22 + svg_width(text, SVG_SMALL) + 10;

    if (*x + wide > l->to && *x > l->from) {
        *x = l->from;
        *y += 15;
    }
    return wide;
}
