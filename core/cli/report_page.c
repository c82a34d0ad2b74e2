/* report_page.c -- the page of a report, from folders of runs, searches and trainings (report_parts.h).
 * Room: core/cli. */
#include "cli/report_parts.h"

#include "base/text.h"
#include "report/agreement.h"
#include "report/page.h"
#include "run/stored.h"

#include <math.h>
#include <string.h>

/* The folders by what they are of. */
struct kinds {
    const char **run, **search, **training;
    size_t runs, searches, trainings;
};

static tcet_status sort_out(const char *const *paths, size_t count, struct arena *a,
                            struct kinds *out, struct error *err)
{
    const char *first;

    out->run = arena_alloc(a, (count + 1) * sizeof *out->run);
    out->search = arena_alloc(a, (count + 1) * sizeof *out->search);
    out->training = arena_alloc(a, (count + 1) * sizeof *out->training);
    for (size_t i = 0; i < count; i++) {
        if (stored_has(paths[i], "search.csv"))
            out->search[out->searches++] = paths[i];
        else if (stored_has(paths[i], "scores.db"))
            out->run[out->runs++] = paths[i];
        else if (score_table_is(paths[i]))
            out->run[out->runs++] = paths[i];
        else if (report_training_folders(paths[i], a, &first, 1))
            out->training[out->trainings++] = paths[i];
        else
            return error_set(err, TCET_E_ARG,
                             "%.300s: is no folder of a run, a search or a training: it has no "
                             "scores.db, search.csv or train.csv; nor is it a table of scores",
                             paths[i]);
    }
    return TCET_OK;
}

/* Where each path's numbers come from, as far as runs have been read for it. */
static struct report_origin *origins(const char *const *paths, size_t count,
                                     const struct kinds *kinds, const struct source *runs,
                                     struct arena *a)
{
    struct report_origin *out = arena_alloc(a, (count + 1) * sizeof *out);

    for (size_t k = 0; k < count; k++) {
        out[k].path = paths[k];
        for (size_t i = 0; i < kinds->runs; i++) {
            if (kinds->run[i] != paths[k])
                continue;
            out[k].store = runs->part[i].store;
            out[k].config = runs->config[i];
            out[k].is_table = runs->part[i].store == NULL;
        }
    }
    return out;
}

/* -- runs --------------------------------------------------------------------------------- */

/* The best of a folder by its main score, NULL: none has a value. */
static const char *best_arch(const struct folder *f)
{
    const struct report_series *c = f->column_count ? &f->columns[f->main_column] : NULL;
    double sign = c && c->column.direction < 0 ? -1 : 1;
    size_t best = f->arch_count;

    for (size_t i = 0; c && i < f->arch_count; i++) {
        if (!isnan(c->values[i]) &&
            (best == f->arch_count || sign * c->values[i] > sign * c->values[best]))
            best = i;
    }
    return best < f->arch_count ? f->archs[best] : NULL;
}

static const double *params_of(const struct comparison *c)
{
    for (size_t i = 0; i < c->in.series_count; i++) {
        if (c->series[i].baseline && !strcmp(c->series[i].column.name, "#params"))
            return c->series[i].values;
    }
    return NULL;
}

/* The table of scores, for the page and outside of it. */
static void put_scores(const struct report_input *in, const struct report *r,
                       struct report_out *out)
{
    struct report_text *t = report_tables_add(&out->tables, "scores");

    report_print(in, r, REPORT_HTML, 1, &out->page);
    report_print(in, r, REPORT_MARKDOWN, 1, &t->markdown);
    report_print(in, r, REPORT_LATEX, 1, &t->latex);
}

static tcet_status compared(struct comparison *cmp, const struct source *s, struct report_out *out,
                            struct error *err)
{
    struct buf *page = &out->page;
    const struct folder *f = &s->all;
    struct report r = {.line_count = 0};
    struct agreement g = {.in = &cmp->in,
                          .arch = f->archs,
                          .params = params_of(cmp),
                          .main = f->column_count ? &f->columns[f->main_column] : NULL};
    struct buf join = {0};

    if (s->config[0]) /* whose [reference_pairs] are beside ours too */
        TRY(comparison_reference(cmp, s->config[0], 0, err));
    if (cmp->in.accuracy)
        TRY(report_make(&cmp->in, 0, &r, err));
    g.report = cmp->in.accuracy ? &r : NULL;
    page_heading(page, "Scores");
    if (f->arch_count < f->listed)
        page_text(page,
                  arena_printf(&cmp->arena,
                               "%zu of %zu architectures are scored; the others are left out.",
                               f->arch_count, f->listed));
    if (g.report) {
        comparison_say_join(cmp, &join);
        page_text(page, arena_printf(&cmp->arena,
                                     "%s of table %s, population %s; Kendall is tau-b, %zu "
                                     "architectures covered, NaN ranks lowest. %s",
                                     cmp->column, cmp->table, cmp->in.population, r.covered,
                                     join.len ? join.data : ""));
        put_scores(&cmp->in, &r, out);
    } else {
        page_text(page, "The run names no [benchmark] table: there are no accuracies to compare "
                        "with (--table and --column).");
    }
    agreement_figures(&g, &out->figures);
    report_free(&r);
    buf_free(&join);
    return TCET_OK;
}

static tcet_status show_runs(const struct report_page *p, const struct kinds *k,
                             const struct source *s, struct report_out *out, struct error *err)
{
    struct comparison cmp;
    struct buf stability = {0};
    tcet_status st;

    TRY(source_compare(&p->from, s, &cmp, err));
    st = compared(&cmp, s, out, err);
    comparison_free(&cmp);
    folder_stability(&s->all, &stability);
    if (st >= 0 && stability.len)
        page_text(&out->page, stability.data);
    for (size_t i = 0; i < k->runs && st >= 0; i++)
        st = report_hours(s->config[i], &s->part[i], out, err);
    for (size_t i = 0; i < k->runs && st >= 0; i++) {
        const char *arch = p->arch ? p->arch : best_arch(&s->part[i]);

        if (arch && s->part[i].store)
            st = report_layers(s->part[i].store, s->config[i], arch, &out->figures, err);
    }
    buf_free(&stability);
    return st;
}

/* -- the page ----------------------------------------------------------------------------- */

/* Of these kinds, the runs read. */
static tcet_status show(const struct report_page *p, const char *const *paths, size_t count,
                        const struct kinds *kinds, const struct source *runs, struct arena *a,
                        struct report_out *out, struct error *err)
{
    page_begin(&out->page, count == 1
                               ? arena_printf(a, "Report of %s", paths[0])
                               : arena_printf(a, "Report of %s and %zu more", paths[0], count - 1));
    TRY(report_provenance(origins(paths, count, kinds, runs, a), count, out, err));
    if (kinds->runs)
        TRY(show_runs(p, kinds, runs, out, err));
    if (kinds->searches)
        TRY(report_searches(kinds->search, kinds->searches, &out->figures, err));
    if (kinds->trainings)
        TRY(report_trainings(kinds->training, kinds->trainings, &out->figures, err));
    page_figures(&out->page, &out->figures);
    page_end(&out->page);
    return TCET_OK;
}

static tcet_status make_page(const struct report_page *p, const char *const *paths, size_t count,
                             struct arena *a, struct report_out *out, struct error *err)
{
    struct kinds kinds = {.runs = 0};
    struct source runs = {.count = 0};
    tcet_status st;

    TRY(sort_out(paths, count, a, &kinds, err));
    if (kinds.runs)
        TRY(source_read(&p->from, kinds.run, kinds.runs, &runs, err));
    st = show(p, paths, count, &kinds, &runs, a, out, err);
    if (kinds.runs)
        source_free(&runs);
    return st;
}

tcet_status report_page_write(const struct report_page *p, const char *const *paths, size_t count,
                              struct error *err)
{
    struct report_out out = {.page = {0}};
    struct arena a = {0};
    tcet_status st = report_check_converter(p, err);

    if (st >= 0)
        st = make_page(p, paths, count, &a, &out, err);
    if (st >= 0)
        st = report_write_files(p, &out, err);
    buf_free(&out.page);
    figures_free(&out.figures);
    report_tables_free(&out.tables);
    arena_free(&a);
    return st;
}
