/* tables.c -- cells as a table: for a terminal, for programs, for papers and pages (report.h).
 * Room: core/report. */
#include "report/report.h"
#include "report/svg.h"

#include "base/csv.h"
#include "base/text.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

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

/* A text as Markdown shows it: no bar ends its cell, and no mark, link, tag or entity is made of it.  Between
 * letters and digits _ is none. */
static void markdown(struct buf *out, const char *s)
{
    for (const char *at = s; *at; at++) {
        int inside = at > s && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);

        if (strchr("|\\`*~[<&", *at) || (*at == '_' && !inside))
            buf_puts(out, "\\");
        buf_add(out, at, 1);
    }
}

/* The cells as they may be printed: names may come from a stranger's table or folder. */
static const char **show_cells(struct arena *a, const char *const *cells, size_t count,
                               enum report_format f)
{
    const char **shown = arena_alloc(a, (count + 1) * sizeof *shown);

    for (size_t i = 0; i < count; i++) {
        struct buf b = {0}, marked = {0};

        utf8_show(&b, cells[i], strlen(cells[i]), "");
        if (f == REPORT_MARKDOWN && b.len)
            markdown(&marked, b.data);
        shown[i] = arena_strdup(a, marked.len ? marked.data : b.len ? b.data : "");
        buf_free(&b);
        buf_free(&marked);
    }
    return shown;
}

/* A table whose cells have been measured. */
struct layout {
    const char *const *cell; /* [rows][columns], as shown */
    size_t rows, columns;
    size_t *wide; /* of each column */
    int *right;   /* is it right-aligned? */
};

static void write_cell(struct buf *out, const struct layout *t, size_t r, size_t c, int last,
                       enum report_format f)
{
    const char *s = t->cell[r * t->columns + c];
    size_t gap = t->wide[c] - width(s);

    if (f == REPORT_CSV) {
        buf_puts(out, c ? "," : "");
        csv_write(out, s);
        return;
    }
    buf_puts(out, f == REPORT_MARKDOWN ? "| " : c ? "  " : "");
    if (t->right[c])
        pad(out, gap);
    buf_puts(out, s);
    if (!t->right[c] && (f == REPORT_MARKDOWN || !last))
        pad(out, gap);
    buf_puts(out, f == REPORT_MARKDOWN ? " " : "");
}

/* A text as LaTeX prints it. */
static void latex(struct buf *out, const char *s)
{
    static const char special[] =
        "\\{}$&#^_%~|<>"; /* the last three print as others in its old encoding */
    static const char *const as[] = {"\\textbackslash{}",
                                     "\\{",
                                     "\\}",
                                     "\\$",
                                     "\\&",
                                     "\\#",
                                     "\\textasciicircum{}",
                                     "\\_",
                                     "\\%",
                                     "\\textasciitilde{}",
                                     "\\textbar{}",
                                     "\\textless{}",
                                     "\\textgreater{}"};

    for (; *s; s++) {
        const char *at = strchr(special, *s);

        if (at)
            buf_puts(out, as[at - special]);
        else
            buf_add(out, s, 1);
    }
}

/* A table for the package booktabs. */
static void write_latex(struct buf *out, const struct layout *t)
{
    buf_puts(out, "% \\usepackage{booktabs}\n\\begin{tabular}{");
    for (size_t c = 0; c < t->columns; c++)
        buf_puts(out, t->right[c] ? "r" : "l");
    buf_puts(out, "}\n\\toprule\n");
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t c = 0; c < t->columns; c++) {
            buf_puts(out, c ? " & " : "");
            latex(out, t->cell[r * t->columns + c]);
        }
        buf_puts(out, r ? " \\\\\n" : " \\\\\n\\midrule\n");
    }
    buf_puts(out, "\\bottomrule\n\\end{tabular}\n");
}

static void write_html(struct buf *out, const struct layout *t)
{
    buf_puts(out, "<div class=\"scroll\"><table>\n");
    for (size_t r = 0; r < t->rows; r++) {
        const char *tag = r ? "td" : "th";

        buf_puts(out, "<tr>");
        for (size_t c = 0; c < t->columns; c++) {
            buf_printf(out, t->right[c] ? "<%s class=\"n\">" : "<%s>", tag);
            svg_escape(out, t->cell[r * t->columns + c]);
            buf_printf(out, "</%s>", tag);
        }
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table></div>\n");
}

/* The first column and those from `from` to before `to`. */
static void write_columns(struct buf *out, const struct layout *t, size_t from, size_t to,
                          enum report_format f)
{
    for (size_t r = 0; r < t->rows; r++) {
        write_cell(out, t, r, 0, to == from, f);
        for (size_t c = from; c < to; c++)
            write_cell(out, t, r, c, c + 1 == to, f);
        buf_puts(out, f == REPORT_MARKDOWN ? "|\n" : "\n");
        for (size_t c = 0; f == REPORT_MARKDOWN && r == 0 && c < t->columns; c++)
            buf_printf(out, "|---%s", c + 1 == t->columns ? "|\n" : "");
    }
}

void report_table(struct buf *out, const char *const *cells, size_t rows, size_t columns,
                  enum report_format f, size_t wide)
{
    struct arena a = {0};
    struct layout t = {show_cells(&a, cells, rows * columns, f), rows, columns,
                       arena_alloc(&a, (columns + 1) * sizeof *t.wide),
                       arena_alloc(&a, (columns + 1) * sizeof *t.right)};

    for (size_t c = 0; c < columns; c++)
        t.right[c] = is_numeric(cells, rows, columns, c);
    if (f == REPORT_LATEX || f == REPORT_HTML) {
        (f == REPORT_LATEX ? write_latex : write_html)(out, &t);
        arena_free(&a);
        return;
    }
    for (size_t i = 0; i < rows * columns; i++) {
        size_t n = width(t.cell[i]);

        t.wide[i % columns] = n > t.wide[i % columns] ? n : t.wide[i % columns];
    }
    for (size_t from = 1, to; from == 1 || from < columns; from = to) {
        size_t used = t.wide[0];

        for (to = from; to < columns; to++) {
            used += 2 + t.wide[to];
            if (f == REPORT_TEXT && wide && used > wide && to > from)
                break;
        }
        buf_puts(out, from > 1 ? "\n" : "");
        write_columns(out, &t, from, to, f);
        if (columns < 2)
            break;
    }
    arena_free(&a);
}
