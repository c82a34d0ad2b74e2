/* discover_read.c -- runs as sets to choose and to measure on (discover_parts.h).  Room: core/cli. */
#include "cli/discover_parts.h"

#include "base/hash.h"
#include "base/text.h"
#include "run/client.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A folder being read: one comparison an accuracy column, all of the same architectures. */
struct reading {
    struct source source;
    struct comparison cmp[DISCOVER_COLUMNS];
    size_t columns;
    size_t *index, count; /* architectures that take part: of the population, with all accuracies */
};

static void reading_free(struct reading *r)
{
    for (size_t i = 0; i < r->columns; i++)
        comparison_free(&r->cmp[i]);
    source_free(&r->source);
}

static void take_part(struct reading *r, struct arena *a)
{
    const struct folder *f = &r->source.all;

    r->index = arena_alloc(a, (f->arch_count + 1) * sizeof *r->index);
    for (size_t i = 0; i < f->arch_count; i++) {
        int all = 1;

        for (size_t k = 0; k < r->columns; k++)
            all &= !isnan(r->cmp[k].in.accuracy[i]) && (!r->cmp[k].in.mask || r->cmp[k].in.mask[i]);
        if (all)
            r->index[r->count++] = i;
    }
}

/* Columns: names with commas between; NULL: what the run's config says. */
static tcet_status reading_open(const struct source_options *from, const char *path,
                                const char *columns, struct arena *a, struct reading *r,
                                struct error *err)
{
    struct source_options one = *from;
    const char *const *name = NULL;
    size_t n = columns ? text_split(a, columns, ',', &name) : 1;

    TRY(source_read(from, &path, 1, &r->source, err));
    if (n > DISCOVER_COLUMNS)
        return error_set(err, TCET_E_ARG, "%zu accuracies; at most %d", n, DISCOVER_COLUMNS);
    for (size_t i = 0; i < n; i++) {
        one.column = columns ? name[i] : NULL;
        TRY(source_compare(&one, &r->source, &r->cmp[i], err));
        r->columns++;
        if (!r->cmp[i].in.accuracy)
            return error_set(err, TCET_E_ARG,
                             "%s: there is no accuracy to choose or measure by: its config names "
                             "no [benchmark] table; give --table and --column",
                             path);
    }
    take_part(r, a);
    if (r->count < STATS_INTERVAL_MIN)
        return error_set(
            err, TCET_E_ARG,
            "%s: of %zu architectures %zu have an accuracy and are of the population that "
            "was asked for, %d are needed",
            path, r->source.all.arch_count, r->count, STATS_INTERVAL_MIN);
    return TCET_OK;
}

/* Is a column a metric that can be combined: of its own, and not one of several seeds? */
static int is_metric(const struct report_series *c)
{
    return !c->column.is_score && !c->repeat && !c->hidden && !c->baseline;
}

static const struct report_series *find(const struct folder *f, const char *name)
{
    for (size_t i = 0; i < f->column_count; i++) {
        if (!strcmp(f->columns[i].column.name, name))
            return &f->columns[i];
    }
    return NULL;
}

/* What is compared of that name: a table of scores may hold accuracies, which are not. */
static const struct report_series *find_compared(const struct reading *r, const char *name)
{
    const struct report_input *in = &r->cmp[0].in;

    for (size_t i = 0; i < in->series_count; i++) {
        if (!in->series[i].baseline && !strcmp(in->series[i].column.name, name))
            return &in->series[i];
    }
    return NULL;
}

/* The names of --metrics, or of all metrics of the run. */
static tcet_status choose_metrics(const struct reading *r, const char *given, const char *path,
                                  struct arena *a, const char ***out, size_t *count,
                                  struct error *err)
{
    const struct report_input *in = &r->cmp[0].in;
    const char *const *part = NULL;
    size_t n = given ? text_split(a, given, ',', &part) : in->series_count;

    *out = arena_alloc(a, (n + 1) * sizeof **out);
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if (given && !find_compared(r, part[i]))
            return error_set(err, TCET_E_ARG,
                             "--metrics: %s has no \"%s\"; `tcet-host correlate` shows what it has",
                             path, part[i]);
        if (given || is_metric(&in->series[i]))
            (*out)[(*count)++] = given ? part[i] : arena_strdup(a, in->series[i].column.name);
    }
    return *count ? TCET_OK : error_set(err, TCET_E_ARG, "%s has no metric", path);
}

/* The layers' values of one architecture into the metrics' places; wider networks come later. */
static void put_layers(const struct result_row *row, const int *column, size_t metrics,
                       double **layers, size_t width, size_t at)
{
    for (size_t v = 0; v < row->value_count; v++) {
        for (size_t k = 0; k < metrics && row->values[v].layers; k++) {
            if (column[k] == row->values[v].column && layers[k] &&
                row->values[v].layer_count <= width)
                memcpy(layers[k] + at * width, row->values[v].layers,
                       row->values[v].layer_count * sizeof(double));
        }
    }
}

/* Calls see for the architectures that take part, in order. */
struct visit {
    const struct reading *r;
    const int *column;
    size_t metrics, width;
    double **layers; /* NULL: only the width is looked for */
};

static tcet_status visit_rows(struct visit *v, struct error *err)
{
    const struct folder *f = &v->r->source.all;
    tcet_status st = TCET_OK;

    for (size_t at = 0; at < v->r->count && st >= 0; at++) {
        struct result_row row;
        struct arena a = {0};

        st = store_take(f->store, f->place[v->r->index[at]], &a, &row, err);
        if (st >= 0 && v->layers)
            put_layers(&row, v->column, v->metrics, v->layers, v->width, at);
        else if (st >= 0 && row.layer_count > v->width)
            v->width = row.layer_count;
        arena_free(&a);
    }
    return st;
}

/* The layers' values of all metrics that have them for conv and linear layers. */
static tcet_status read_layers(const struct reading *r, const char *const *names, size_t count,
                               struct arena *a, double **layers, size_t *width, struct error *err)
{
    const struct folder *f = &r->source.all;
    int *column = arena_alloc(a, (count + 1) * sizeof *column);
    struct visit v = {r, column, count, 0, NULL};

    *width = 0;
    if (!f->store) /* a table has no layers */
        return TCET_OK;
    TRY(visit_rows(&v, err));
    for (size_t k = 0; k < count; k++) {
        column[k] = (int)(find(f, names[k]) - f->columns);
        layers[k] = store_column_at(f->store, (size_t)column[k])->layered == RESULT_ROW_LAYERS
                        ? arena_alloc(a, (r->count * v.width + 1) * sizeof **layers)
                        : NULL;
    }
    v.layers = layers;
    *width = v.width;
    return visit_rows(&v, err);
}

/* Values at the architectures that take part; turned: larger is better, NaN -infinity. */
static double *pick(const double *values, const size_t *index, size_t n, int direction, int turned,
                    struct arena *a)
{
    double *out = arena_alloc(a, (n + 1) * sizeof *out);

    for (size_t i = 0; i < n; i++) {
        out[i] = values[index[i]];
        if (turned)
            out[i] = isnan(out[i]) ? -INFINITY : direction < 0 ? -out[i] : out[i];
    }
    return out;
}

static tcet_status make_set(const struct reading *r, const char *const *names, size_t count,
                            const char *path, struct arena *a, struct discover_set *out,
                            struct error *err)
{
    struct discover_metric *m = arena_alloc(a, (count + 1) * sizeof *m);
    double **layers = arena_alloc(a, (count + 1) * sizeof *layers); /* zeroed */
    const double **accuracy = arena_alloc(a, (r->columns + 1) * sizeof *accuracy);

    *out = (struct discover_set){.count = r->count,
                                 .metric_count = count,
                                 .metrics = m,
                                 .accuracy = accuracy,
                                 .accuracy_count = r->columns};
    for (size_t k = 0; k < count; k++) {
        const struct report_series *c = find_compared(r, names[k]);

        if (!c)
            return error_set(err, TCET_E_ARG, "%s has no metric \"%s\"", path, names[k]);
        m[k] = (struct discover_metric){names[k], c->column.direction,
                                        pick(c->values, r->index, r->count, 1, 0, a), NULL};
    }
    for (size_t k = 0; k < r->columns; k++)
        accuracy[k] = pick(r->cmp[k].in.accuracy, r->index, r->count, 1, 0, a);
    TRY(read_layers(r, names, count, a, layers, &out->width, err));
    for (size_t k = 0; k < count; k++)
        m[k].layers = layers[k];
    return TCET_OK;
}

/* Places in the folder of these of those that take part (NULL: all n). */
static const size_t *places(const struct reading *r, const size_t *part, size_t n, struct arena *a)
{
    size_t *index = arena_alloc(a, (n + 1) * sizeof *index);

    for (size_t i = 0; i < n; i++)
        index[i] = r->index[part ? part[i] : i];
    return index;
}

/* The run's own scores and the counts, of these among those that take part (NULL: all n). */
static void add_lines(const struct reading *r, const size_t *part, size_t n, struct arena *a,
                      struct discover_sample *out)
{
    const struct report_input *in = &r->cmp[0].in;
    const size_t *index = places(r, part, n, a);

    out->line = arena_alloc(a, (in->series_count + 1) * sizeof *out->line);
    for (size_t k = 0; k < in->series_count; k++) {
        const struct report_series *s = &in->series[k];

        if ((s->column.is_score && !s->repeat && !s->hidden) || s->baseline)
            out->line[out->line_count++] =
                (struct discover_line){arena_strdup(a, s->column.name),
                                       pick(s->values, index, n, s->column.direction, 1, a)};
    }
    for (size_t k = 0; k < r->columns; k++)
        out->accuracy_name[k] = arena_strdup(a, r->cmp[k].column);
}

/* Which of those that take part are chosen on. */
static tcet_status split_networks(const struct reading *r, const struct discover_split *split,
                                  struct arena *a, uint8_t *chosen, struct error *err)
{
    const struct folder *f = &r->source.all;
    const char **archs = arena_alloc(a, (r->count + 1) * sizeof *archs);
    const char *const *keys = NULL;

    for (size_t i = 0; i < r->count; i++)
        archs[i] = f->archs[r->index[i]];
    if (!f->group && config_get(r->source.chosen, "run", "", "space"))
        TRY(client_keys(r->source.chosen, archs, r->count, NULL, a, &keys, err));
    for (size_t i = 0; i < r->count; i++) {
        const char *key = keys && *keys[i] ? keys[i] : archs[i];
        uint64_t h = fnv(FNV_START, &split->seed, sizeof split->seed);

        if (f->group)
            h = fnv(h, &f->group[r->index[i]], sizeof *f->group);
        else
            h = fnv(h, key, strlen(key));
        h ^= h >> 33; /* FNV's high bits know little of a short text's end */
        h *= UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 33;
        chosen[i] = (double)(h >> 11) * 0x1p-53 < split->share;
    }
    return TCET_OK;
}

static tcet_status add_near(const struct reading *r, const char *name, const size_t *part, size_t n,
                            struct discover_samples *out, struct error *err)
{
    const struct report_series *s = find_compared(r, name);

    if (!s)
        return error_set(err, TCET_E_ARG,
                         "--near: there is no \"%s\"; `tcet-host correlate` shows what there is",
                         name);
    out->near =
        pick(s->values, places(r, part, n, &out->arena), n, s->column.direction, 1, &out->arena);
    out->near_name = name;
    return TCET_OK;
}

/* The two parts of the first run. */
static tcet_status add_first(const struct reading *r, const struct discover_set *all,
                             const char *near, const struct discover_split *split,
                             size_t chosen_columns, struct discover_samples *out, struct error *err)
{
    struct arena *a = &out->arena;
    uint8_t *chosen = arena_alloc(a, r->count + 1);
    size_t *in = arena_alloc(a, (r->count + 1) * sizeof *in), n = 0;
    size_t *held = arena_alloc(a, (r->count + 1) * sizeof *held), m = 0;
    struct discover_sample *s = &out->sample[0];

    TRY(split_networks(r, split, a, chosen, err));
    for (size_t i = 0; i < r->count; i++) {
        if (chosen[i])
            in[n++] = i;
        else
            held[m++] = i;
    }
    if (n < STATS_INTERVAL_MIN || (m && m < STATS_INTERVAL_MIN) || (!m && split->share < 1))
        return error_set(err, TCET_E_ARG,
                         "%zu networks to choose on and %zu held out; at least %d of each", n, m,
                         STATS_INTERVAL_MIN);
    if (near)
        TRY(add_near(r, near, in, n, out, err));
    out->choosing = discover_part(all, in, n, a);
    out->choosing.accuracy_count = chosen_columns;
    s->name = "held out";
    s->set = discover_part(all, held, m, a);
    add_lines(r, held, m, a, s);
    out->sample_count = 1;
    return TCET_OK;
}

static tcet_status add_test(const struct source_options *from, const char *path,
                            const char *const *names, size_t count, struct discover_samples *out,
                            struct error *err)
{
    struct source_options own = {.plugins = from->plugins,
                                 .space = score_table_is(path) ? from->space : NULL};
    struct discover_sample *s = &out->sample[out->sample_count];
    struct reading r = {.columns = 0};
    tcet_status st = reading_open(&own, path, NULL, &out->arena, &r, err);

    if (st >= 0)
        st = make_set(&r, names, count, path, &out->arena, &s->set, err);
    if (st >= 0) {
        s->name = path;
        add_lines(&r, NULL, r.count, &out->arena, s);
        out->sample_count++;
    }
    reading_free(&r);
    return st;
}

tcet_status discover_read(const struct source_options *from, const char *path, const char *also,
                          const struct option_list *tests, const char *metrics, const char *near,
                          const struct discover_split *split, struct discover_samples *out,
                          struct error *err)
{
    struct arena *a = &out->arena;
    struct reading r = {.columns = 0};
    struct discover_set all;
    const char **names;
    const char *const *part, *columns = from->column;
    size_t count, chosen = columns ? text_split(a, columns, ',', &part) : 1;
    tcet_status st;

    if (also && !columns)
        return error_set(err, TCET_E_ARG,
                         "--also goes with --column, which says what is chosen by");
    if (also)
        columns = arena_printf(a, "%s,%s", columns, also);
    st = reading_open(from, path, columns, a, &r, err);
    if (st >= 0)
        st = choose_metrics(&r, metrics, path, a, &names, &count, err);
    if (st >= 0)
        st = make_set(&r, names, count, path, a, &all, err);
    if (st >= 0)
        st = add_first(&r, &all, near, split, chosen, out, err);
    if (st >= 0) {
        out->path = path;
        out->table = arena_strdup(a, r.cmp[0].table);
        out->population = arena_strdup(a, r.cmp[0].in.population);
    }
    for (size_t i = 0; i < tests->count && st >= 0; i++)
        st = add_test(from, tests->item[i], names, count, out, err);
    reading_free(&r);
    return st;
}

void discover_free(struct discover_samples *s)
{
    arena_free(&s->arena);
}
