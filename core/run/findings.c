/* findings.c -- see findings.h.  Room: core/run. */
#include "run/findings.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- reading ------------------------------------------------------------------------------ */

/* Values of an objective times this: larger is better.  Of repeated scores the mean has the name. */
static double sign_of(const struct search_objective *o, const struct result_column *columns,
                      size_t count)
{
    size_t n = strlen(o->name);

    for (size_t i = 0; i < count && o->source == SEARCH_COLUMN; i++) {
        const char *name = columns[i].name;

        if (!strncmp(name, o->name, n) && (!name[n] || !strcmp(name + n, "@mean")) &&
            columns[i].direction < 0)
            return -1;
    }
    return o->smaller ? -1 : 1;
}

tcet_status findings_read(const char *folder, const struct search_settings *settings,
                          const struct result_column *columns, size_t count, struct found *out,
                          struct error *err)
{
    double sign[SEARCH_OBJECTIVES];
    struct buf path = {0};
    tcet_status st;

    for (size_t i = 0; i < settings->objective_count; i++)
        sign[i] = sign_of(&settings->objective[i], columns, count);
    buf_printf(&path, "%s/search.csv", folder);
    st = found_read(path.data, settings->objective_count, sign, out, err);
    buf_free(&path);
    return st;
}

/* -- the list ----------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    const struct found_ask *const *x = a, *const *y = b;
    int order = strcmp((*x)->arch, (*y)->arch);

    return order ? order : (*x > *y) - (*x < *y);
}

tcet_status findings_list(struct found *f, struct store *s, struct error *err)
{
    const struct found_ask **sorted = mem_alloc((f->count + 1) * sizeof *sorted);
    const char **archs = arena_alloc(&f->arena, (f->count + 1) * sizeof *archs);
    uint8_t *again = mem_alloc(f->count + 1);
    struct arena a = {0};
    tcet_status st = TCET_OK;
    size_t n = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (f->asks[i].scored)
            sorted[n++] = &f->asks[i];
    }
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 1; i < n; i++)
        again[sorted[i] - f->asks] = !strcmp(sorted[i]->arch, sorted[i - 1]->arch);
    free(sorted);
    n = 0;
    for (size_t i = 0; i < f->count && st >= 0; i++) {
        struct result_row row = {.status = RESULT_MISSING};

        if (!f->asks[i].scored || again[i])
            continue;
        arena_reset(&a);
        st = store_find(s, f->asks[i].arch, &a, &row, err);
        if (row.status != RESULT_MISSING) /* else its key had another spelling, and another seed */
            archs[n++] = f->asks[i].arch;
    }
    free(again);
    arena_free(&a);
    return st < 0 ? st : store_set_archs(s, archs, n, err);
}

tcet_status findings_reasons(const struct found *f, struct store *s, struct arena *a,
                             struct reasons *out, struct error *err)
{
    const char **texts = mem_alloc((f->count + 1) * sizeof *texts);
    tcet_status st = TCET_OK;
    size_t n = 0;

    for (size_t i = 0; i < f->count && st >= 0; i++) {
        struct result_row row = {.status = RESULT_MISSING};

        if (!f->asks[i].failed)
            continue;
        st = store_find(s, f->asks[i].arch, a, &row, err);
        texts[n++] = row.status == RESULT_FAILED ? row.message : "a score is lacking, or no number";
    }
    reasons_count(texts, st < 0 ? 0 : n, a, out);
    free(texts);
    return st;
}

/* -- files -------------------------------------------------------------------------------- */

static void add_number(struct buf *b, double v)
{
    char text[32];

    buf_puts(b, ",");
    buf_puts(b, isnan(v) ? "" : text_f64(text, v));
}

/* rank, objectives, counts, architecture; of the best or of the front. */
static void list_text(const struct search_settings *s, const struct found_ask *const *list,
                      size_t count, struct buf *out)
{
    buf_puts(out, "rank");
    for (size_t i = 0; i < s->objective_count; i++)
        buf_printf(out, ",%s", s->objective[i].written);
    buf_puts(out, ",params,macs,size,layers,flops,seed,ask,arch\n");
    for (size_t i = 0; i < count; i++) {
        const struct found_ask *a = list[i];

        buf_printf(out, "%zu", i + 1);
        for (size_t k = 0; k < s->objective_count; k++)
            add_number(out, a->values[k]);
        add_number(out, a->params);
        add_number(out, a->macs);
        add_number(out, a->counts.of[COUNT_SIZE]);
        add_number(out, a->counts.of[COUNT_LAYERS]);
        add_number(out, a->counts.of[COUNT_FLOPS]);
        buf_printf(out, ",%lld,%lld,", (long long)a->seed, (long long)a->ask);
        csv_write(out, a->arch);
        buf_puts(out, "\n");
    }
}

static void curve_text(const struct found_point *p, size_t count, struct buf *out)
{
    buf_puts(out, "evaluations,searches,mean,std,quartile1,median,quartile3\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%lld,%zu", (long long)p[i].evaluations, p[i].n);
        add_number(out, p[i].mean);
        add_number(out, p[i].std);
        add_number(out, p[i].low);
        add_number(out, p[i].median);
        add_number(out, p[i].high);
        buf_puts(out, "\n");
    }
}

static tcet_status write_file(const char *folder, const char *name, const struct buf *b,
                              struct error *err)
{
    struct buf path = {0};
    tcet_status st;

    buf_printf(&path, "%s/%s", folder, name);
    st = file_replace(path.data, NULL, &(struct file_part){b->data, b->len}, 1, err);
    buf_free(&path);
    return st;
}

tcet_status findings_write(const char *folder, const struct search_settings *s, int accuracy,
                           struct found *f, struct error *err)
{
    const struct found_ask *best = found_best(f), **list;
    const struct found_point *curve;
    struct buf b = {0};
    size_t count;
    tcet_status st;

    buf_printf(&b, "%s\n", best ? best->arch : "");
    st = write_file(folder, "best.txt", &b, err);
    b.len = 0;
    list = found_top(f, (size_t)s->top, &count);
    list_text(s, list, count, &b);
    if (st >= 0)
        st = write_file(folder, "top.csv", &b, err);
    b.len = 0;
    curve = found_curve(f, accuracy, &count);
    curve_text(curve, count, &b);
    if (st >= 0)
        st = write_file(folder, "curve.csv", &b, err);
    b.len = 0;
    if (st >= 0 && s->objective_count > 1) {
        list = found_front(f, &count);
        list_text(s, list, count, &b);
        st = write_file(folder, "front.csv", &b, err);
    }
    buf_free(&b);
    return st;
}
