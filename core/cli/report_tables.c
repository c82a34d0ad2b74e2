/* report_tables.c -- a report's tables for notes and papers (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "base/file.h"
#include "base/folder.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static int is_taken(const struct report_tables *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!strcmp(t->item[i].name, name))
            return 1;
    }
    return 0;
}

struct report_text *report_tables_add(struct report_tables *t, const char *name)
{
    const char *own = name;
    struct report_text *out;

    for (size_t k = 2; is_taken(t, own); k++)
        own = arena_printf(&t->arena, "%s-%zu", name, k);
    if (t->count == t->cap) {
        t->cap = 2 * t->cap + 8;
        t->item = mem_resize(t->item, t->cap * sizeof *t->item);
    }
    out = &t->item[t->count++];
    *out = (struct report_text){.name = own};
    return out;
}

static void print_cells(struct report_text *out, const char *const *cell, size_t rows,
                        size_t columns)
{
    report_table(&out->markdown, cell, rows, columns, REPORT_MARKDOWN, 0);
    report_table(&out->latex, cell, rows, columns, REPORT_LATEX, 0);
}

void report_tables_cells(struct report_tables *t, const char *name, const char *const *cell,
                         size_t rows, size_t columns)
{
    print_cells(report_tables_add(t, name), cell, rows, columns);
}

static void free_text(struct report_text *t)
{
    buf_free(&t->markdown);
    buf_free(&t->latex);
}

void report_tables_free(struct report_tables *t)
{
    for (size_t i = 0; i < t->count; i++)
        free_text(&t->item[i]);
    free(t->item);
    arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}

static tcet_status write_text(const char *folder, const struct report_text *t, struct error *err)
{
    struct arena a = {0};
    const struct file_part markdown = {t->markdown.data, t->markdown.len};
    const struct file_part latex = {t->latex.data, t->latex.len};
    tcet_status st =
        file_replace(arena_printf(&a, "%s/%s.md", folder, t->name), NULL, &markdown, 1, err);

    if (st >= 0)
        st = file_replace(arena_printf(&a, "%s/%s.tex", folder, t->name), NULL, &latex, 1, err);
    arena_free(&a);
    return st;
}

tcet_status report_tables_write(const char *folder, const struct report_tables *t,
                                const struct figures *f, struct error *err)
{
    TRY(folder_make(folder, err));
    for (size_t i = 0; i < t->count; i++)
        TRY(write_text(folder, &t->item[i], err));
    for (size_t i = 0; i < f->count; i++) {
        const struct figure *g = &f->item[i];
        struct report_text text = {.name = g->name};
        tcet_status st = TCET_OK;

        if (g->cell) {
            print_cells(&text, g->cell, g->rows, g->columns);
            st = write_text(folder, &text, err);
        }
        free_text(&text);
        TRY(st);
    }
    return TCET_OK;
}
