/* page.h -- a page of tables and figures: one file of HTML that is XML as well, without scripts, and without
 * anything from elsewhere.
 *
 * Room: core/report. */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include "report/figure.h"

void page_begin(struct buf *out, const char *title);
void page_heading(struct buf *out, const char *text);
void page_text(struct buf *out, const char *text);
/* A table of long texts, whose lines are broken; cell[rows][columns], the first row a header. */
void page_facts(struct buf *out, const char *const *cell, size_t rows, size_t columns);
/* A text that is shown when asked for, its line ends kept. */
void page_details(struct buf *out, const char *summary, const char *text);
/* Pictures, each with its numbers below; a heading where a figure has one. */
void page_figures(struct buf *out, const struct figures *f);
void page_end(struct buf *out);

/* A picture as a file of its own. */
void figure_file(const struct figure *f, struct buf *out);

#endif
