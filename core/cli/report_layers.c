/* report_layers.c -- figures of one architecture's layers (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "base/text.h"
#include "store/store.h"

#include <math.h>
#include <string.h>

enum { METRICS = 7 }; /* with values by layer that no score by layerdot is made of */

/* " (guards: zero_sigma 3)", nothing without any.  They are counted by network, not by layer. */
static const char *guards_of(struct arena *a, const struct result_value *v)
{
    struct buf text = {0};
    const char *out;

    for (size_t i = 0; i < v->guards.count; i++)
        buf_printf(&text, "%s%s %lld", i ? ", " : " (guards: ", v->guards.item[i].name,
                   (long long)v->guards.item[i].count);
    if (text.len)
        buf_puts(&text, ")");
    out = arena_strdup(a, text.len ? text.data : "");
    buf_free(&text);
    return out;
}

/* Which layers have their 0 from a guard, [layer_count], in `a`; NULL: none.  Guards are counted by network:
 * where more layers have a 0 than guards were met, or a guard's value is another one, nobody knows which. */
static const uint8_t *guarded_of(const struct result_value *v, struct arena *a)
{
    uint8_t *out = arena_alloc(a, v->layer_count + 1);
    int64_t met = 0, zeros = 0;

    for (size_t i = 0; i < v->guards.count; i++)
        guards_sum(&met, v->guards.item[i].count);
    for (size_t l = 0; l < v->layer_count; l++) {
        out[l] = v->layers[l] == 0;
        zeros += out[l];
    }
    return zeros && zeros <= met ? out : NULL;
}

/* Values layer by layer; guarded: as guarded_of gives them. */
static void draw_layers(const struct result_row *row, const struct result_value *v,
                        const uint8_t *guarded, const char *name, struct figures *out)
{
    static const char *const heads[] = {"layer", "name", "kind", "shape", "value", "guard"};
    struct arena *a = &out->arena;
    size_t n = row->layer_count, columns = TCET_COUNT(heads) - !guarded;
    double *x = arena_alloc(a, (n + 1) * sizeof *x), *mark = arena_alloc(a, (n + 1) * sizeof *mark);
    struct figure *f = figures_add(out, "layers", name, arena_printf(a, "%s by layer", name));
    const char **cell = figure_cells(f, a, n + 1, heads, columns);
    struct chart_line line = {.name = NULL, .x = x, .y = v->layers, .n = n};
    struct chart_dots dots = {
        .name = "0 by a guard", .x = x, .y = mark, .n = n, .category = 1, .shape = SVG_RING};

    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(i + 1);
        mark[i] = guarded && guarded[i] ? v->layers[i] : NAN;
        *cell++ = arena_printf(a, "%zu", i + 1);
        *cell++ = arena_strdup(a, row->layers[i].name);
        *cell++ = arena_strdup(a, row->layers[i].kind);
        *cell++ = arena_strdup(a, row->layers[i].shape);
        *cell++ = arena_printf(a, "%.9g", v->layers[i]);
        if (guarded)
            *cell++ = guarded[i] ? "0 by a guard" : "";
    }
    chart_draw(&(struct chart){.note = arena_printf(a, "%.6g%s of %s", v->value, guards_of(a, v),
                                                    row->arch),
                               .desc = "A value a layer with weights, in the order in which the "
                                       "network has them; a ring where it is 0 by a guard.",
                               .x_name = "layer, in creation order",
                               .y_name = name,
                               .x_wish = SCALE_WHOLE,
                               .y_wish = SCALE_WIDE,
                               .dots = &dots,
                               .dots_count = guarded ? 1 : 0,
                               .lines = &line,
                               .line_count = 1},
               out, f);
}

/* The layered value of the column of that name, NULL: it has none. */
static const struct result_value *layered(struct store *s, const struct result_row *row,
                                          const char *name)
{
    for (size_t i = 0; i < row->value_count; i++) {
        const struct result_value *v = &row->values[i];
        const struct result_column *c =
            result_has(v) ? store_column_at(s, (size_t)v->column) : NULL;

        if (c && !strcmp(c->name, name) && v->layers && c->layered == RESULT_ROW_LAYERS &&
            v->layer_count == row->layer_count && v->layer_count)
            return v;
    }
    return NULL;
}

/* The metrics of a score by layerdot; none where it is no such score. */
static size_t factors_of(const struct config_section *score, struct arena *a,
                         const char *const **name)
{
    const struct config_key *k = config_section_key(score, "combiner");
    const struct config_key *metrics = config_section_key(score, "metrics");

    return strcmp(score->kind, "score") || !k || strcmp(k->value, "layerdot") || !metrics
               ? 0
               : text_split(a, metrics->value, ',', name);
}

/* What a score by layerdot is the sum of: the product of its metrics, layer by layer.  NULL where it is
 * none, or a metric has no values by layer. */
static const double *product_of(struct store *s, const struct config_section *score,
                                const struct result_row *row, struct arena *a)
{
    const char *const *name;
    size_t n = factors_of(score, a, &name);
    double *product;

    if (!n || !row->layer_count)
        return NULL;
    product = arena_alloc(a, row->layer_count * sizeof *product);
    for (size_t l = 0; l < row->layer_count; l++)
        product[l] = 1;
    for (size_t i = 0; i < n; i++) {
        const struct result_value *m = layered(s, row, name[i]);

        if (!m)
            return NULL;
        for (size_t l = 0; l < row->layer_count; l++)
            product[l] *= m->layers[l];
    }
    return n > 1 ? product : NULL;
}

/* A product, which is guarded where one of its factors is. */
static void draw_product(struct store *s, const struct config_section *score,
                         const struct result_row *row, struct figures *out)
{
    struct arena a = {0};
    const double *product = product_of(s, score, row, &a);
    struct result_value v = {.value = 0, .layers = product, .layer_count = row->layer_count};
    uint8_t *guarded = arena_alloc(&a, row->layer_count + 1), any = 0;
    const char *const *name;
    size_t n = factors_of(score, &a, &name);

    for (size_t i = 0; product && i < n; i++) {
        const struct result_value *m = layered(s, row, name[i]);
        const uint8_t *of = m ? guarded_of(m, &a) : NULL;

        for (size_t l = 0; of && l < row->layer_count; l++)
            any |= guarded[l] |= of[l];
    }
    for (size_t l = 0; product && l < row->layer_count; l++)
        v.value += product[l];
    if (product && !isnan(v.value))
        draw_layers(row, &v, any ? guarded : NULL, arena_strdup(&out->arena, score->name), out);
    arena_free(&a);
}

const double *report_layer_values(struct store *s, const struct config *config,
                                  const struct result_row *row, const char *name, struct arena *a)
{
    const struct result_value *v = layered(s, row, name);

    for (size_t i = 0; !v && i < config->section_count; i++) {
        const struct config_section *section = config->sections[i];

        if (!strcmp(section->kind, "score") && !strcmp(section->name, name))
            return product_of(s, section, row, a);
    }
    return v ? v->layers : NULL;
}

tcet_status report_row(struct store *s, const char *arch, struct arena *a, struct result_row *row,
                       int *found, struct error *err)
{
    size_t at = 0, count = store_arch_count(s);
    const char *const *all;

    *row = (struct result_row){.arch = NULL};
    TRY(store_archs(s, a, &all, err));
    while (at < count && strcmp(all[at], arch) != 0)
        at++;
    *found = at < count;
    return *found ? store_take(s, at, a, row, err) : TCET_OK;
}

/* The columns of the row that have pictures. */
struct drawn {
    struct store *store;
    const struct result_row *row;
    uint8_t *done; /* [columns] */
    struct figures *out;
};

/* Draws the column of that name unless it was or has no values by layer; returns whether it did. */
static int draw_metric(struct drawn *d, const char *name)
{
    const struct result_value *v = layered(d->store, d->row, name);
    struct arena a = {0};

    if (!v || d->done[v->column])
        return 0;
    d->done[v->column] = 1;
    draw_layers(d->row, v, guarded_of(v, &a), arena_strdup(&d->out->arena, name), d->out);
    arena_free(&a);
    return 1;
}

/* A score by layerdot and what it is made of. */
static void draw_score(struct drawn *d, const struct config_section *score)
{
    struct arena a = {0};
    const char *const *name;
    size_t n = factors_of(score, &a, &name);

    if (n)
        draw_product(d->store, score, d->row, d->out);
    for (size_t i = 0; i < n; i++)
        draw_metric(d, name[i]);
    arena_free(&a);
}

tcet_status report_layers(struct store *s, const struct config *config, const char *arch,
                          struct figures *out, struct error *err)
{
    struct arena a = {0};
    struct result_row row;
    struct drawn d = {s, &row, arena_alloc(&a, store_column_count(s) + 1), out};
    size_t others = 0;
    int found;
    tcet_status st = report_row(s, arch, &a, &row, &found, err);

    out->heading = "Layers";
    for (size_t i = 0; st >= 0 && found && i < config->section_count; i++)
        draw_score(&d, config->sections[i]);
    for (size_t i = 0; st >= 0 && i < store_column_count(s) && others < METRICS; i++)
        others += (size_t)draw_metric(&d, store_column_at(s, i)->name);
    out->heading = NULL;
    arena_free(&a);
    return st;
}
