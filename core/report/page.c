/* page.c -- see page.h.  Room: core/report. */
#include "report/page.h"
#include "report/report.h"

#include <string.h>

static const char LOOKS[] =
    "*{box-sizing:border-box}\n"
    "html{color-scheme:light dark}\n"
    "body{margin:0 auto;max-width:1180px;padding:1rem;background:var(--page);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0;overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}\n"
    "p{margin:.4rem 0;max-width:75ch;overflow-wrap:anywhere}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr));"
    "gap:1rem;align-items:start;grid-auto-flow:dense}\n"
    "figure{margin:0;padding:.5rem;background:var(--panel);border:1px solid var(--line);"
    "border-radius:6px;min-width:0}figure.wide{grid-column:1/-1}\n"
    "svg{display:block;width:100%;height:auto}\n"
    /* Shadows where there is more to scroll to: covers go along with the table, shadows do not. */
    ".scroll{overflow-x:auto;background:linear-gradient(to right,var(--ground) 40%,transparent) 0 "
    "0/"
    "2rem 100% local no-repeat,linear-gradient(to left,var(--ground) 40%,transparent) 100% 0/2rem "
    "100% local no-repeat,linear-gradient(to right,var(--shade),transparent) 0 0/.8rem 100% "
    "no-repeat,linear-gradient(to left,var(--shade),transparent) 100% 0/.8rem 100% no-repeat}\n"
    ":root{--ground:var(--page);--shade:color-mix(in srgb,var(--soft) 45%,transparent)}"
    "figure{--ground:var(--panel)}\n"
    "table{border-collapse:collapse;font-size:13px;margin:.4rem 0}"
    "th,td{padding:.15rem .6rem;text-align:left;border-bottom:1px solid var(--line);"
    "white-space:nowrap}th{color:var(--soft);font-weight:600;white-space:normal;"
    "vertical-align:bottom}"
    ".facts td+td,.facts th+th{white-space:normal;overflow-wrap:anywhere;min-width:9rem}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "details{margin-top:.4rem;font-size:14px}summary{cursor:pointer;color:var(--soft);"
    "overflow-wrap:anywhere}\n"
    "pre{overflow-x:auto;font-size:12px;background:var(--panel);padding:.6rem;border-radius:6px}\n"
    "@media(max-width:480px){body{padding:.5rem}figure{padding:.2rem}}\n"
    /* On paper: two pictures beside one another, none cut; headings with what follows; tables that fit
     * the page, since nobody can scroll there. */
    "@media print{body{max-width:none;padding:0}h2{break-after:avoid;margin-top:1rem}"
    "figure{break-inside:avoid;background:none}tr{break-inside:avoid}"
    ".figures{grid-template-columns:1fr 1fr;gap:.6rem}"
    ".scroll,pre{overflow:visible;background:none}.scroll>div{min-width:0!important}pre{white-"
    "space:pre-wrap}"
    "table{font-size:6.8pt}th,td{padding:.1rem .22rem}"
    "details:not([open]){display:none}}\n";

void page_begin(struct buf *out, const char *title)
{
    buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                  "<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                  "content=\"width=device-width, initial-scale=1\"/>\n<title>");
    svg_escape(out, title);
    buf_puts(out, "</title>\n<style>\n");
    svg_style(out, 1);
    buf_puts(out, LOOKS);
    buf_puts(out, "</style>\n</head>\n<body>\n<h1>");
    svg_escape(out, title);
    buf_puts(out, "</h1>\n");
}

void page_heading(struct buf *out, const char *text)
{
    buf_puts(out, "<h2>");
    svg_escape(out, text);
    buf_puts(out, "</h2>\n");
}

void page_text(struct buf *out, const char *text)
{
    buf_puts(out, "<p>");
    svg_escape(out, text);
    buf_puts(out, "</p>\n");
}

void page_facts(struct buf *out, const char *const *cell, size_t rows, size_t columns)
{
    buf_puts(out, "<div class=\"facts\">");
    report_table(out, cell, rows, columns, REPORT_HTML, 0);
    buf_puts(out, "</div>\n");
}

void page_details(struct buf *out, const char *summary, const char *text)
{
    buf_puts(out, "<details><summary>");
    svg_escape(out, summary);
    buf_puts(out, "</summary><pre>");
    svg_escape(out, text);
    buf_puts(out, "</pre></details>\n");
}

void page_figures(struct buf *out, const struct figures *f)
{
    int open = 0;

    for (size_t i = 0; i < f->count; i++) {
        const struct figure *g = &f->item[i];
        int wide = g->width > 460;

        if (g->heading) {
            buf_puts(out, open ? "</div>\n" : "");
            page_heading(out, g->heading);
            open = 0;
        }
        buf_puts(out, open ? "" : "<div class=\"figures\">\n");
        open = 1;
        buf_printf(out, "<figure id=\"%s\"%s>\n<div class=\"scroll\">", g->name,
                   wide ? " class=\"wide\"" : "");
        if (wide)
            buf_printf(out, "<div style=\"min-width:%.0fpx;max-width:%.0fpx\">\n", g->width,
                       g->width * 1.1);
        buf_add(out, g->svg.data, g->svg.len);
        buf_puts(out, wide ? "</div></div>\n" : "</div>\n");
        if (g->cell) {
            buf_puts(out, "<details><summary>numbers</summary>\n");
            report_table(out, g->cell, g->rows, g->columns, REPORT_HTML, 0);
            buf_puts(out, "</details>\n");
        }
        buf_puts(out, "</figure>\n");
    }
    buf_puts(out, open ? "</div>\n" : "");
}

void page_end(struct buf *out)
{
    buf_puts(out, "</body>\n</html>\n");
}

void figure_file(const struct figure *f, struct buf *out)
{
    const char *rest = f->svg.data + strcspn(f->svg.data, "\n") + 1; /* after <svg ...> */

    buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buf_add(out, f->svg.data, (size_t)(rest - f->svg.data));
    buf_puts(out, "<style>\n");
    svg_style(out, 0);
    buf_puts(out, "</style>\n");
    buf_puts(out, rest);
}
