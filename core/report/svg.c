/* svg.c -- see svg.h.  Room: core/report. */
#include "report/svg.h"

#include "base/text.h"
#include "base/utf8.h"

#include <tcet/plugin.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* -- text --------------------------------------------------------------------------------- */

/* U+FFFE and U+FFFF are no characters of XML. */
static int is_noncharacter(const char *p)
{
    return (unsigned char)p[0] == 0xef && (unsigned char)p[1] == 0xbf &&
           ((unsigned char)p[2] == 0xbe || (unsigned char)p[2] == 0xbf);
}

void svg_escape(struct buf *out, const char *text)
{
    static const char special[] = "<>&\"'";
    static const char *const entity[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
    struct buf shown = {0};

    utf8_show(&shown, text, strlen(text), "\n\t");
    for (const char *p = shown.len ? shown.data : ""; *p; p++) {
        const char *at = strchr(special, *p);

        if (at) {
            buf_puts(out, entity[at - special]);
        } else if (is_noncharacter(p)) {
            buf_puts(out, "?");
            p += 2;
        } else {
            buf_add(out, p, 1);
        }
    }
    buf_free(&shown);
}

/* In thousandths of the size, from blank to ~, of the widest of Helvetica and DejaVu Sans; and bold. */
static const short WIDTHS[] = {
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361,  318, 337, 637, 637, 637,
    637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 556, 1015, 685, 687, 722, 771, 667,
    611, 778, 752, 295, 500, 667, 558, 863, 749, 788, 667, 788, 722, 667,  611, 732, 685, 989, 686,
    667, 686, 391, 337, 391, 838, 556, 500, 613, 635, 550, 635, 616, 353,  635, 634, 278, 278, 580,
    278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592,  525, 637, 337, 637, 838};
static const short BOLD_WIDTHS[] = {
    349,  457, 521, 838, 696, 1002, 873, 307,  458, 458, 523, 838, 380, 416,  380, 366,
    696,  696, 696, 696, 696, 696,  696, 696,  696, 696, 400, 400, 838, 838,  838, 611,
    1000, 774, 763, 734, 831, 684,  684, 821,  837, 373, 556, 775, 638, 996,  837, 851,
    733,  851, 771, 721, 683, 813,  774, 1104, 771, 725, 726, 458, 366, 458,  838, 556,
    500,  675, 716, 593, 716, 679,  436, 716,  712, 343, 343, 666, 343, 1042, 712, 688,
    716,  716, 494, 596, 479, 712,  652, 924,  646, 652, 583, 712, 366, 712,  838};

/* A weight of a font: widths of ASCII, and of what else is not wide, in parts of the size. */
struct weight {
    const short *ascii;
    double other;
};
static const struct weight PLAIN = {WIDTHS, 1.0}, BOLD = {BOLD_WIDTHS, 1.15};

/* Of the character at p, which has n bytes.  What svg_escape shows as \x1b has four. */
static double glyph(const struct weight *w, const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;

    if (n > 1)
        return c >= 0xf0 ? 1.4 : c >= 0xe3 ? fmax(1, w->other) : w->other; /* from U+3000 wide */
    return c >= ' ' && c <= '~' ? w->ascii[c - ' '] / 1000.0 : 4 * w->other;
}

static double width(const struct weight *w, const char *text, double size)
{
    double sum = 0;

    for (size_t n; *text; text += n) {
        n = utf8_length(text);
        sum += glyph(w, text, n);
        n = n ? n : 1;
    }
    return sum * size;
}

static const char *fit(const struct weight *w, struct arena *a, const char *text, double size,
                       double room)
{
    double sum = 0, left = room / size - w->other; /* the ellipsis */
    const char *p = text;

    if (width(w, text, size) <= room)
        return text;
    for (size_t n; *p; p += n) {
        n = utf8_length(p);
        sum += glyph(w, p, n);
        n = n ? n : 1;
        if (sum > left)
            break;
    }
    return arena_printf(a, "%.*s\u2026", (int)(p - text), text);
}

double svg_width(const char *text, double size)
{
    return width(&PLAIN, text, size);
}

const char *svg_fit(struct arena *a, const char *text, double size, double room)
{
    return fit(&PLAIN, a, text, size, room);
}

const char *svg_fit_title(struct arena *a, const char *text, double room)
{
    return fit(&BOLD, a, text, SVG_FONT, room);
}

void svg_number(struct buf *out, double v)
{
    char text[32];
    size_t n;

    if (!(fabs(v) < 1e6))
        v = isnan(v) ? 0 : v > 0 ? 1e6 : -1e6;
    n = (size_t)snprintf(text, sizeof text, "%.1f", v);
    if (text[n - 1] == '0')
        text[n - 2] = '\0';
    buf_puts(out, strcmp(text, "-0") ? text : "0");
}

/* -- marks -------------------------------------------------------------------------------- */

static void attribute(struct svg *s, const char *name, double v)
{
    buf_printf(s->out, " %s=\"", name);
    svg_number(s->out, v);
    buf_puts(s->out, "\"");
}

/* Ends an element that is open up to its attributes. */
static void finish(struct svg *s, const char *element, const char *tip)
{
    if (!tip || s->tips >= SVG_TIPS) {
        buf_puts(s->out, "/>\n");
        return;
    }
    s->tips++;
    buf_puts(s->out, "><title>");
    svg_escape(s->out, tip);
    buf_printf(s->out, "</title></%s>\n", element);
}

void svg_begin(struct svg *s, const char *title, const char *desc)
{
    buf_printf(s->out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
               "aria-labelledby=\"t-%s d-%s\"",
               s->width, s->height, s->name, s->name);
    if (s->sized)
        buf_printf(s->out, " width=\"%.0f\" height=\"%.0f\"", s->width, s->height);
    buf_printf(s->out, ">\n<title id=\"t-%s\">", s->name);
    svg_escape(s->out, title);
    buf_printf(s->out, "</title>\n<desc id=\"d-%s\">", s->name);
    svg_escape(s->out, desc);
    buf_puts(s->out, "</desc>\n");
}

void svg_end(struct svg *s)
{
    buf_puts(s->out, "</svg>\n");
}

static const char *const ANCHORS[] = {"", " m", " e"};

static void text_at(struct svg *s, double x, double y, enum svg_anchor anchor, const char *classes,
                    int up, const char *text)
{
    buf_printf(s->out, "<text class=\"%s%s\"", classes, ANCHORS[anchor]);
    if (up) {
        buf_puts(s->out, " transform=\"translate(");
        svg_number(s->out, x);
        buf_puts(s->out, " ");
        svg_number(s->out, y);
        buf_puts(s->out, ")rotate(-90)\"");
    } else {
        attribute(s, "x", x);
        attribute(s, "y", y);
    }
    buf_puts(s->out, ">");
    svg_escape(s->out, text);
    buf_puts(s->out, "</text>\n");
}

void svg_text(struct svg *s, double x, double y, enum svg_anchor anchor, const char *classes,
              const char *text)
{
    text_at(s, x, y, anchor, classes, 0, text);
}

void svg_text_up(struct svg *s, double x, double y, enum svg_anchor anchor, const char *classes,
                 const char *text)
{
    text_at(s, x, y, anchor, classes, 1, text);
}

void svg_line(struct svg *s, double x, double y, double x2, double y2, const char *classes)
{
    buf_printf(s->out, "<line class=\"%s\"", classes);
    attribute(s, "x1", x);
    attribute(s, "y1", y);
    attribute(s, "x2", x2);
    attribute(s, "y2", y2);
    finish(s, "line", NULL);
}

void svg_rect(struct svg *s, double x, double y, double w, double h, const char *classes,
              const char *tip)
{
    buf_printf(s->out, "<rect class=\"%s\"", classes);
    attribute(s, "x", x);
    attribute(s, "y", y);
    attribute(s, "width", w);
    attribute(s, "height", h);
    finish(s, "rect", tip);
}

void svg_path(struct svg *s, const char *d, const char *classes)
{
    buf_printf(s->out, "<path class=\"%s\" d=\"%s\"", classes, d);
    finish(s, "path", NULL);
}

void svg_mark(struct svg *s, double x, double y, double r, enum svg_shape shape,
              const char *classes, const char *tip)
{
    /* Steps from the centre in units of r; of a cross every second one begins a line. */
    static const double steps[][4][2] = {[SVG_SQUARE] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}},
                                         [SVG_DIAMOND] = {{0, -1}, {1, 0}, {0, 1}, {-1, 0}},
                                         [SVG_CROSS] = {{-1, -1}, {1, 1}, {1, -1}, {-1, 1}}};
    int cross = shape == SVG_CROSS;

    if (shape == SVG_DOT || shape == SVG_RING) {
        buf_printf(s->out, "<circle class=\"%s\"", classes);
        attribute(s, "cx", x);
        attribute(s, "cy", y);
        attribute(s, "r", r);
        finish(s, "circle", tip);
        return;
    }
    buf_printf(s->out, "<path class=\"%s\" d=\"", classes);
    for (int i = 0; i < 4; i++) {
        buf_puts(s->out, i == 0 || (cross && i == 2) ? "M" : "L");
        svg_number(s->out, x + steps[shape][i][0] * r);
        buf_puts(s->out, " ");
        svg_number(s->out, y + steps[shape][i][1] * r);
    }
    buf_puts(s->out, cross ? "\"" : "Z\"");
    finish(s, "path", tip);
}

/* -- colours ------------------------------------------------------------------------------ */

struct colour {
    const char *name, *light, *dark;
};

/* Ink and ground; Okabe and Ito's categories, of which dark grounds get lighter ones; viridis, whose
 * darkest and lightest stand out from neither ground; blue to red for -1 to 1. */
static const struct colour COLOURS[] = {
    {"ink", "#1b1f24", "#e6e8eb"},  {"soft", "#57606a", "#a3abb5"},  {"grid", "#e3e6ea", "#31363d"},
    {"page", "#ffffff", "#15181c"}, {"panel", "#f6f7f9", "#1d2127"}, {"line", "#d0d5db", "#3a4048"},
    {"k0", "#0072b2", "#4ba6dc"},   {"k1", "#d55e00", "#f08a3c"},    {"k2", "#009e73", "#2fc79b"},
    {"k3", "#b5558f", "#dc94bf"},   {"k4", "#b87b00", "#e6b13d"},    {"k5", "#2b8fc7", "#8fcdf2"},
    {"k6", "#8a929c", "#7b838d"},   {"v0", "#440154", "#74429a"},    {"v1", "#482173", "#6b57ac"},
    {"v2", "#433e85", "#6069b4"},   {"v3", "#38598c", "#4f79b2"},    {"v4", "#2d708e", "#3f88ad"},
    {"v5", "#25858e", "#3297a5"},   {"v6", "#1e9b8a", "#2ba89a"},    {"v7", "#2bb07f", "#35b98b"},
    {"v8", "#51c56a", "#55ca72"},   {"v9", "#85d54a", "#85d54a"},    {"v10", "#b9d524", "#c2df23"},
    {"v11", "#e3cf1b", "#fde725"}};

static const char *const HEATS[SVG_HEATS] = {"#2166ac", "#4393c3", "#92c5de", "#c6e0ee",
                                             "#e4f0f6", "#f7f7f7", "#fde9df", "#fbc9b0",
                                             "#f4a582", "#d6604d", "#b2182b"};

/* What of which classes has a colour. */
static const struct {
    const char *selector, *property, *colour;
} PAINTS[] = {{".t,.l,.s", "fill", "ink"}, {".q", "fill", "soft"},   {".g", "stroke", "grid"},
              {".a,.w", "stroke", "soft"}, {".z", "stroke", "line"}, {".x", "fill", "grid"},
              {".mk", "fill", "page"},     {".mk", "stroke", "ink"}, {".y", "stroke", "grid"},
              {".j", "stroke", "panel"}};

static void paint(struct buf *out, const char *selector, const char *property,
                  const struct colour *c, int page, int dark)
{
    buf_printf(out, page ? "%s{%s:var(--%s)}\n" : "%s{%s:%s}\n", selector, property,
               page   ? c->name
               : dark ? c->dark
                      : c->light);
}

static const struct colour *colour_of(const char *name)
{
    for (size_t i = 0; i < TCET_COUNT(COLOURS); i++) {
        if (!strcmp(COLOURS[i].name, name))
            return &COLOURS[i];
    }
    return &COLOURS[0];
}

const char *svg_bin_colour(int bin)
{
    char name[16];

    snprintf(name, sizeof name, "v%d", bin);
    return colour_of(name)->light;
}

/* All rules that have a colour; f0..: filled, c0..: drawn, of a category; p0..: points of a bin, b0..: its
 * place in the legend. */
static void paint_all(struct buf *out, int page, int dark)
{
    for (size_t i = 0; i < TCET_COUNT(PAINTS); i++)
        paint(out, PAINTS[i].selector, PAINTS[i].property, colour_of(PAINTS[i].colour), page, dark);
    for (size_t i = 0; i < TCET_COUNT(COLOURS); i++) {
        const char *name = COLOURS[i].name;
        char fill[24], stroke[24];

        if ((*name != 'k' && *name != 'v') || name[1] < '0' || name[1] > '9')
            continue;
        snprintf(fill, sizeof fill, ".%c%.8s", *name == 'k' ? 'f' : 'b', name + 1);
        snprintf(stroke, sizeof stroke, ".%c%.8s", *name == 'k' ? 'c' : 'p', name + 1);
        paint(out, fill, "fill", &COLOURS[i], page, dark);
        paint(out, stroke, "stroke", &COLOURS[i], page, dark);
    }
}

static void variables(struct buf *out, int dark)
{
    buf_puts(out, ":root{");
    for (size_t i = 0; i < TCET_COUNT(COLOURS); i++)
        buf_printf(out, "%s--%s:%s", i ? ";" : "", COLOURS[i].name,
                   dark ? COLOURS[i].dark : COLOURS[i].light);
    buf_puts(out, "}\n");
}

void svg_style(struct buf *out, int page)
{
    if (page) {
        variables(out, 0);
        buf_puts(out, "@media screen and (prefers-color-scheme:dark){\n");
        variables(out, 1);
        buf_puts(out, "}\n");
    }
    buf_printf(
        out,
        "svg text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
        ".t{font-size:%dpx;font-weight:600}.l,.q{font-size:%dpx}.s{font-size:%dpx}.s9{font-size:"
        "9px}"
        ".m{text-anchor:middle}.e{text-anchor:end}\n"
        ".g,.a,.w,.z{stroke-width:1;fill:none}.w{stroke-width:1.5}.z{stroke-dasharray:4 3}\n"
        "svg [class^=c]{fill:none;stroke-width:2;stroke-linejoin:round}"
        ".o{stroke-dasharray:5 4}.i{fill-opacity:.18}.mk{stroke-width:1.5}"
        ".y,.j{paint-order:stroke;stroke-width:3px}\n" /* text that marks go behind */
        /* A dot is a stroke of no length: without round ends it is nothing. */
        "svg .d{fill:none;stroke-width:3;stroke-linecap:round}svg .u{stroke-width:1.3}\n",
        SVG_FONT, SVG_FONT, SVG_SMALL);
    for (int i = 0; i < SVG_HEATS; i++)
        buf_printf(out, ".h%d{fill:%s}", i, HEATS[i]);
    buf_puts(out, ".hd{fill:#1b1f24}.hl{fill:#fff}\n"); /* text on them */
    paint_all(out, page, 0);
    if (!page) {
        buf_puts(out, "@media(prefers-color-scheme:dark){\n");
        paint(out, "svg", "background", colour_of("page"), page, 1);
        paint_all(out, page, 1);
        buf_puts(out, "}\n");
    }
}
