/* report_layers.c -- figures of one architecture's layers (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "base/text.h"
#include "store/store.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 7 };

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

/* The values of a layered column, layer by layer. */
static void draw_layers(const struct result_row *row, const struct result_value *v,
                        const char *name, struct figures *out)
{
    static const char *const heads[] = {"layer", "name", "kind", "shape", "value"};
    struct arena *a = &out->arena;
    double *x = arena_alloc(a, (row->layer_count + 1) * sizeof *x);
    struct figure *f = figures_add(out, "layers", name, arena_printf(a, "%s by layer", name));
    const char **cell = figure_cells(f, a, row->layer_count + 1, heads, TCET_COUNT(heads));
    struct chart_line line = {.name = NULL, .x = x, .y = v->layers, .n = row->layer_count};

    for (size_t i = 0; i < row->layer_count; i++) {
        x[i] = (double)(i + 1);
        *cell++ = arena_printf(a, "%zu", i + 1);
        *cell++ = arena_strdup(a, row->layers[i].name);
        *cell++ = arena_strdup(a, row->layers[i].kind);
        *cell++ = arena_strdup(a, row->layers[i].shape);
        *cell++ = arena_printf(a, "%.9g", v->layers[i]);
    }
    chart_draw(&(struct chart){.note = arena_printf(a, "%.6g%s of %s", v->value, guards_of(a, v),
                                                    row->arch),
                               .desc = "A value a layer with weights, in the order in which the "
                                       "network has them.",
                               .x_name = "layer, in creation order",
                               .y_name = name,
                               .x_wish = SCALE_WHOLE,
                               .y_wish = SCALE_WIDE,
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

/* What a score by layerdot is the sum of: the product of its metrics, layer by layer.  NULL where it is
 * none, or a metric has no values by layer. */
static const double *product_of(struct store *s, const struct config_section *score,
                                const struct result_row *row, struct arena *a)
{
    const struct config_key *k = config_section_key(score, "combiner");
    const struct config_key *metrics = config_section_key(score, "metrics");
    const char *const *name;
    size_t n;
    double *product;

    if (strcmp(score->kind, "score") || !k || strcmp(k->value, "layerdot") || !metrics ||
        !row->layer_count)
        return NULL;
    n = text_split(a, metrics->value, ',', &name);
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

static void draw_product(struct store *s, const struct config_section *score,
                         const struct result_row *row, struct figures *out)
{
    struct arena a = {0};
    const double *product = product_of(s, score, row, &a);
    struct result_value v = {.value = 0, .layers = product, .layer_count = row->layer_count};

    for (size_t l = 0; product && l < row->layer_count; l++)
        v.value += product[l];
    if (product && !isnan(v.value))
        draw_layers(row, &v, arena_strdup(&out->arena, score->name), out);
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

tcet_status report_layers(struct store *s, const struct config *config, const char *arch,
                          struct figures *out, struct error *err)
{
    struct arena a = {0};
    struct result_row row;
    size_t drawn = 0;
    int found;
    tcet_status st = report_row(s, arch, &a, &row, &found, err);

    out->heading = "Layers";
    for (size_t i = 0; st >= 0 && found && i < config->section_count; i++)
        draw_product(s, config->sections[i], &row, out);
    for (size_t i = 0; st >= 0 && i < store_column_count(s) && drawn < COLUMNS; i++) {
        const char *name = store_column_at(s, i)->name;
        const struct result_value *v = layered(s, &row, name);

        if (v)
            draw_layers(&row, v, arena_strdup(&out->arena, name), out);
        drawn += v != NULL;
    }
    out->heading = NULL;
    arena_free(&a);
    return st;
}
