/* take.c -- rows of one store in the form another store takes them: for merging.
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <math.h>
#include <string.h>

/* The sum of weights that values were computed with, where those of the first column read none. */
static tcet_status take_weights(struct store *s, double *out, struct error *err)
{
    tcet_status st = sql_bind(s, SQL_NETWORK_WEIGHTS, err, "i", s->view.arch);
    int have = 0;

    if (st >= 0)
        st = sql_step(s, SQL_NETWORK_WEIGHTS, &have, err);
    if (st >= 0 && have)
        *out = sql_f64(s, SQL_NETWORK_WEIGHTS, 0);
    sql_done(s, SQL_NETWORK_WEIGHTS);
    return st;
}

tcet_status store_network(struct store *s, struct arena *a, struct result_row *out,
                          struct error *err)
{
    tcet_status st;
    int have = 0;

    out->params = out->macs = -1;
    out->x_sum = out->w_sum = __builtin_nan("");
    out->layer_count = 0;
    if (!s->view.network)
        return TCET_OK;
    st = sql_bind(s, SQL_NETWORK_GET, err, "i", s->view.network);
    if (st >= 0)
        st = sql_step(s, SQL_NETWORK_GET, &have, err);
    if (st >= 0 && !have)
        st = sql_damaged(s, "a value without its network", err);
    if (st >= 0) {
        out->params = sql_i64(s, SQL_NETWORK_GET, 0);
        out->macs = sql_i64(s, SQL_NETWORK_GET, 1);
        out->x_sum = sql_f64(s, SQL_NETWORK_GET, 2);
        out->w_sum = sql_f64(s, SQL_NETWORK_GET, 3);
        if (a)
            st = lines_read(s, sql_text(s, SQL_NETWORK_GET, 4), a, out, err);
    }
    sql_done(s, SQL_NETWORK_GET);
    return st >= 0 && isnan(out->w_sum) ? take_weights(s, &out->w_sum, err) : st;
}

/* The first of the run's columns under a key; later ones share its value. */
static int column_of(const struct store *s, int64_t key)
{
    for (size_t i = 0; i < s->column_count; i++) {
        if (s->column_key[i] == key)
            return s->column[i].population ? -1 : (int)i;
    }
    return -1;
}

tcet_status sql_layered(struct store *s, size_t column, size_t layers, struct arena *a,
                        const double **out, size_t *count, struct error *err)
{
    *out = sql_f64s(s, SQL_LAYERED, 1, a, count);
    return *count != layers && s->format > 1 && s->column[column].layered == RESULT_ROW_LAYERS
               ? sql_damaged(s, "a metric's layers: not one for each layer", err)
               : TCET_OK;
}

static tcet_status take_values(struct store *s, int64_t arch, struct arena *a,
                               struct result_row *out, struct error *err)
{
    struct result_value *v = arena_alloc(a, (s->column_count + 1) * sizeof *v);
    tcet_status st;
    int have = 0;

    out->values = v;
    st = sql_bind(s, SQL_VALUES_FULL, err, "i", arch);
    while (st >= 0 && (st = sql_step(s, SQL_VALUES_FULL, &have, err)) >= 0 && have) {
        int column = column_of(s, sql_i64(s, SQL_VALUES_FULL, 0));

        if (column < 0)
            continue;
        v[out->value_count] =
            (struct result_value){.column = column,
                                  .value = sql_f64(s, SQL_VALUES_FULL, 1),
                                  .seconds = (double)sql_i64(s, SQL_VALUES_FULL, 3) / 1e6};
        if (guards_read(&v[out->value_count++].guards, sql_text(s, SQL_VALUES_FULL, 2), a) != 0)
            st = sql_damaged(s, "guards", err);
    }
    sql_done(s, SQL_VALUES_FULL);
    TRY(st);
    st = sql_bind(s, SQL_LAYERED, err, "i", arch);
    while (st >= 0 && (st = sql_step(s, SQL_LAYERED, &have, err)) >= 0 && have) {
        int column = column_of(s, sql_i64(s, SQL_LAYERED, 0));

        for (size_t i = 0; i < out->value_count && st >= 0; i++) {
            if (v[i].column == column)
                st = sql_layered(s, (size_t)column, out->layer_count, a, &v[i].layers,
                                 &v[i].layer_count, err);
        }
    }
    sql_done(s, SQL_LAYERED);
    return st;
}

tcet_status store_archs(struct store *s, struct arena *a, const char *const **out,
                        struct error *err)
{
    const char **list = arena_alloc(a, (s->arch_count + 1) * sizeof *list);
    tcet_status st = sql_bind(s, SQL_RUN_TEXTS, err, "");
    size_t n = 0;
    int have = 0;

    *out = list;
    while (st >= 0 && n < s->arch_count && (st = sql_step(s, SQL_RUN_TEXTS, &have, err)) >= 0 &&
           have)
        list[n++] = arena_strdup(a, sql_text(s, SQL_RUN_TEXTS, 0));
    sql_done(s, SQL_RUN_TEXTS);
    TRY(st);
    return n == s->arch_count ? TCET_OK : sql_damaged(s, "an architecture is not there", err);
}

static tcet_status take_row(struct store *s, int64_t id, const char *arch, struct arena *a,
                            struct result_row *out, struct error *err)
{
    struct result_row row = {.arch = arena_strdup(a, arch)};
    const int64_t *us = s->view.us;

    TRY(store_look(s, id, err));
    row.status = s->view.state;
    row.message = arena_strdup(a, s->view.message.data);
    row.times = (struct result_times){.build = (double)us[0] / 1e6,
                                      .init = (double)us[1] / 1e6,
                                      .forward = (double)us[2] / 1e6,
                                      .backward = (double)us[3] / 1e6,
                                      .total = (double)us[STORE_TOTAL] / 1e6};
    TRY(store_network(s, a, &row, err));
    TRY(take_values(s, id, a, &row, err));
    *out = row;
    return TCET_OK;
}

tcet_status store_take(struct store *s, size_t ordinal, struct arena *a, struct result_row *out,
                       struct error *err)
{
    const char *arch = store_arch(s, ordinal);

    if (!arch)
        return error_set(err, TCET_E_ARG, "%s: no architecture %zu", s->path, ordinal);
    return take_row(s, s->arch[ordinal], arch, a, out, err);
}

tcet_status store_each(struct store *s,
                       tcet_status (*see)(void *arg, const struct result_row *row,
                                          struct error *err),
                       void *arg, struct error *err)
{
    tcet_status st = sql_bind(s, SQL_ARCH_ALL, err, "");
    struct arena a = {0};
    int have = 0;

    while (st >= 0 && (st = sql_step(s, SQL_ARCH_ALL, &have, err)) >= 0 && have) {
        struct result_row row;

        arena_reset(&a);
        st = take_row(s, sql_i64(s, SQL_ARCH_ALL, 0), sql_text(s, SQL_ARCH_ALL, 1), &a, &row, err);
        if (st >= 0)
            st = see(arg, &row, err);
    }
    sql_done(s, SQL_ARCH_ALL);
    arena_free(&a);
    return st;
}

tcet_status store_copy_meta(struct store *into, struct store *from, struct error *err)
{
    tcet_status st = sql_bind(from, SQL_META_ALL, err, "");
    int have = 0;

    while (st >= 0 && (st = sql_step(from, SQL_META_ALL, &have, err)) >= 0 && have)
        st = store_set_meta(into, sql_text(from, SQL_META_ALL, 0), sql_text(from, SQL_META_ALL, 1),
                            err);
    sql_done(from, SQL_META_ALL);
    return st;
}
