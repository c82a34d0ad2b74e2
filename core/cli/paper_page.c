/* paper_page.c -- see paper.h.  Room: core/cli. */
#include "cli/paper.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 6, MAIN = 2 };

/* "validation, predicted; published: test" */
static const char *accuracy_of(const struct comparison *cmp, struct arena *a)
{
    const char *ours = cmp->split, *theirs = cmp->published, *rest;
    struct buf text = {0};
    const char *out;

    if (!ours)
        return NULL;
    rest = strchr(ours, ',');
    buf_printf(&text, "%.*s%s", (int)strcspn(ours, " "), ours, rest ? rest : "");
    if (theirs && strcmp(ours, theirs) != 0)
        buf_printf(&text, "; published: %.*s", (int)strcspn(theirs, " "), theirs);
    out = arena_strdup(a, text.data);
    buf_free(&text);
    return out;
}

/* The figures of a comparison: of scores, and of pairs that the paper has. */
static tcet_status take_figures(struct paper_item *it, const struct comparison *cmp,
                                struct arena *a, struct error *err)
{
    struct paper_figure *figure;
    struct report r;

    TRY(report_make(&cmp->in, 0, &r, err));
    it->figure = figure = arena_alloc(a, (r.line_count + r.pair_count + 1) * sizeof *figure);
    for (size_t i = 0; i < r.line_count; i++) {
        const struct report_series *s = r.lines[i].series;

        if (!s->baseline)
            figure[it->count++] =
                (struct paper_figure){arena_strdup(a, s->column.name), r.lines[i].relation.kendall,
                                      s->has_published ? s->published : NAN};
    }
    for (size_t i = 0; i < r.pair_count; i++) {
        const struct report_pair *p = &r.pairs[i];

        figure[it->count++] =
            (struct paper_figure){arena_printf(a, "%s, %s", p->x->column.name, p->y->column.name),
                                  report_tau(p), p->published};
    }
    report_free(&r);
    return TCET_OK;
}

tcet_status paper_read(struct paper_item *it, const char *path, struct arena *a, struct error *err)
{
    const char *column = config_text(it->config, "benchmark", "", "column", "");
    const char *population = config_text(it->config, "benchmark", "", "population", "all");
    const char *name = config_text(it->config, "benchmark", "", "table", "");
    struct comparison cmp = {.archs = 0};
    struct join j = {.count = 0};
    struct table *t = NULL;
    struct folder f;
    tcet_status st;

    TRY(folder_read(path, &f, err));
    st = folder_reference(&f, it->config, err);
    if (st >= 0)
        st = compare_check(it->config, &t, err);
    if (st >= 0 && t)
        st = join_make(it->config, f.archs, f.arch_count, t, NULL, &j, err);
    if (st >= 0 && t)
        st = compare_with_table(it->config, f.archs, f.arch_count, f.columns, f.column_count, &j,
                                name, column, population, &cmp, err);
    if (st >= 0 && t)
        st = comparison_reference(&cmp, it->config, 1, err);
    if (st >= 0 && t)
        st = take_figures(it, &cmp, a, err);
    if (st >= 0 && t)
        it->accuracy = accuracy_of(&cmp, a);
    comparison_free(&cmp);
    join_free(&j);
    table_free(t);
    folder_free(&f);
    return st;
}

void paper_details(const struct paper_item *it, struct buf *out)
{
    if (!it->count)
        return;
    buf_printf(out, "%s: %s\n  %-30s %7s %9s\n", it->name, it->about.what, "proxy", "ours",
               "published");
    for (size_t i = 0; i < it->count; i++) {
        const struct paper_figure *f = &it->figure[i];

        buf_printf(out, "  %-30s ", f->name);
        if (isnan(f->ours))
            buf_puts(out, "      -");
        else
            buf_printf(out, "%7.3f", f->ours);
        if (!isnan(f->published))
            buf_printf(out, " %9.2f", f->published);
        buf_puts(out, "\n");
    }
    buf_puts(out, "\n");
}

/* "snip_snr .677 (.68), tcet_snip .685 (.69)": the last that both have. */
static const char *main_of(const struct paper_item *it, struct arena *a)
{
    const char *text = "";
    size_t shown = 0;

    for (size_t i = it->count; i > 0 && shown < MAIN; i--) {
        const struct paper_figure *f = &it->figure[i - 1];

        if (isnan(f->published) || isnan(f->ours))
            continue;
        text = arena_printf(a, "%s %.3f (%.2f)%s%s", f->name, f->ours, f->published,
                            shown ? "; " : "", text);
        shown++;
    }
    return shown ? text : "-";
}

static void put_row(const struct paper_item *it, const char **row, struct arena *a)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < it->count; i++) {
        if (isnan(it->figure[i].published) || isnan(it->figure[i].ours))
            continue;
        sum += fabs(it->figure[i].ours - it->figure[i].published);
        n++;
    }
    row[0] = it->name;
    row[1] = it->state;
    row[2] = n ? arena_printf(a, "%zu", n) : "-";
    row[3] = n ? arena_printf(a, "%.3f", sum / (double)n) : "-";
    row[4] = main_of(it, a);
    row[5] = it->accuracy ? it->accuracy : "-";
}

/* What is wanted, in few words: up to what says where it is. */
static size_t want_length(const char *needs)
{
    const char *where = strstr(needs, " (");
    size_t n = strcspn(needs, ":;,");

    return where && (size_t)(where - needs) < n ? (size_t)(where - needs) : n;
}

static int is_same_want(const struct paper_item *x, const struct paper_item *y)
{
    size_t n = want_length(x->about.needs);

    return n == want_length(y->about.needs) && !strncmp(x->about.needs, y->about.needs, n);
}

/* Those that were not run, by what they want. */
static void list_wants(const struct paper_item *items, size_t count, struct buf *out)
{
    int any = 0;

    for (size_t i = 0; i < count; i++) {
        struct buf line = {0};
        size_t first = 0;

        if (items[i].ran || !items[i].about.needs)
            continue;
        while (items[first].ran || !items[first].about.needs ||
               !is_same_want(&items[first], &items[i]))
            first++;
        if (first < i)
            continue;
        buf_printf(&line, "  %.*s:", (int)want_length(items[i].about.needs), items[i].about.needs);
        for (size_t k = i; k < count; k++) {
            if (!items[k].ran && items[k].about.needs && is_same_want(&items[k], &items[i]))
                buf_printf(&line, "%s %s", k > i ? "," : "", items[k].name);
        }
        if (!any++)
            buf_puts(out, "\nnot run, for want of (tcet-host paper NAME says where it is from)\n");
        cli_wrap_result(out, 0, 4, line.data);
        buf_free(&line);
    }
    if (any)
        buf_puts(out, "\n");
}

void paper_page(const struct paper_item *items, size_t count, struct buf *out)
{
    static const char *const heads[COLUMNS] = {
        "config", "state", "figures", "mean difference", "ours (published)", "accuracy"};
    struct arena a = {0};
    const char **cell = arena_alloc(&a, (count + 1) * COLUMNS * sizeof *cell);
    size_t rows = 1;

    memcpy(cell, heads, sizeof heads);
    for (size_t i = 0; i < count; i++) {
        if (items[i].ran)
            put_row(&items[i], cell + rows++ * COLUMNS, &a);
    }
    if (rows > 1)
        report_table(out, cell, rows, COLUMNS, REPORT_TEXT, 0);
    list_wants(items, count, out);
    arena_free(&a);
}
