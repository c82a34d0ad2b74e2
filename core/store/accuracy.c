/* accuracy.c -- a benchmark's accuracies beside a run's scores (store.h).
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <math.h>
#include <string.h>

/* Of the run's architectures, by ordinal. */
static tcet_status get_values(struct store *s, int64_t column, double *out, struct error *err)
{
    tcet_status st = TCET_OK;

    for (size_t i = 0; i < s->arch_count && st >= 0; i++) {
        int have = 0;

        out[i] = NAN;
        st = sql_bind(s, SQL_ACCURACY_GET, err, "ii", column, s->arch[i]);
        if (st >= 0)
            st = sql_step(s, SQL_ACCURACY_GET, &have, err);
        if (st >= 0 && have)
            out[i] = sql_f64(s, SQL_ACCURACY_GET, 0);
        sql_done(s, SQL_ACCURACY_GET);
    }
    return st;
}

/* The columns without values; ids[STORE_ACCURACIES_MAX]. */
static tcet_status get_columns(struct store *s, struct arena *a, struct store_accuracy *out,
                               int64_t *ids, size_t *count, struct error *err)
{
    enum sql q = SQL_ACCURACY_COLUMNS;
    tcet_status st = sql_bind(s, q, err, "");
    size_t n = 0;
    int have = 0;

    while (st >= 0 && (st = sql_step(s, q, &have, err)) >= 0 && have && n < STORE_ACCURACIES_MAX) {
        ids[n] = sql_i64(s, q, 0);
        out[n++] = (struct store_accuracy){.name = arena_strdup(a, sql_text(s, q, 1)),
                                           .table = arena_strdup(a, sql_text(s, q, 2)),
                                           .sha256 = arena_strdup(a, sql_text(s, q, 3))};
    }
    sql_done(s, q);
    *count = n;
    return st;
}

tcet_status store_accuracies(struct store *s, struct arena *a, const struct store_accuracy **out,
                             size_t *count, struct error *err)
{
    struct store_accuracy *columns = arena_alloc(a, STORE_ACCURACIES_MAX * sizeof *columns);
    int64_t ids[STORE_ACCURACIES_MAX];
    tcet_status st;
    int ours;

    *count = 0;
    TRY(store_begin_reads(s, &ours, err));
    st = get_columns(s, a, columns, ids, count, err);
    for (size_t i = 0; i < *count && st >= 0; i++) {
        double *values = arena_alloc(a, (s->arch_count + 1) * sizeof *values);

        columns[i].values = values;
        st = get_values(s, ids[i], values, err);
    }
    *out = columns;
    return store_end_reads(s, ours, st, err);
}

/* Bit for bit, but for NaN, which says that there is none. */
static int same_values(const double *x, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i])))
            return 0;
    }
    return 1;
}

/* Is this what is there? */
static tcet_status has_accuracies(struct store *s, const struct store_accuracy *columns,
                                  size_t count, int *same, struct error *err)
{
    const struct store_accuracy *had;
    struct arena a = {0};
    size_t n;
    tcet_status st = store_accuracies(s, &a, &had, &n, err);

    *same = st >= 0 && n == count;
    for (size_t i = 0; i < count && *same; i++)
        *same = !strcmp(had[i].name, columns[i].name) && !strcmp(had[i].table, columns[i].table) &&
                !strcmp(had[i].sha256, columns[i].sha256) &&
                same_values(had[i].values, columns[i].values, s->arch_count);
    arena_free(&a);
    return st;
}

static tcet_status put_accuracies(struct store *s, const struct store_accuracy *columns,
                                  size_t count, struct error *err)
{
    int same;

    TRY(has_accuracies(s, columns, count, &same, err));
    if (same)
        return TCET_OK;
    TRY(sql_exec(s, "DELETE FROM accuracy; DELETE FROM accuracy_column", err));
    for (size_t c = 0; c < count; c++) {
        int64_t id = (int64_t)c + 1;

        for (size_t i = 0; i < s->arch_count; i++) {
            if (!isnan(columns[c].values[i]))
                TRY(sql_run(s, SQL_ACCURACY_ADD, err, "iid", id, s->arch[i], columns[c].values[i]));
        }
        TRY(sql_run(s, SQL_ACCURACY_COLUMN_ADD, err, "ittt", id, columns[c].name, columns[c].table,
                    columns[c].sha256));
    }
    return TCET_OK;
}

tcet_status store_set_accuracies(struct store *s, const struct store_accuracy *columns,
                                 size_t count, struct error *err)
{
    if (count > STORE_ACCURACIES_MAX)
        return error_set(err, TCET_E_ARG, "%zu columns of accuracies, at most %d are kept", count,
                         STORE_ACCURACIES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!*columns[i].name)
            return error_set(err, TCET_E_ARG, "column %zu of accuracies has no name", i);
    }
    TRY(store_enter(s, err));
    return store_leave(s, put_accuracies(s, columns, count, err), err);
}
