/* population.c -- see population.h.  Room: core/run. */
#include "run/population.h"

#include "run/client.h"

/* One score; the worker is started by the first. */
static tcet_status one_score(struct store *store, const struct wire_plan *p, size_t column,
                             struct client *c, const struct config *config, size_t memory,
                             struct arena *a, struct error *err)
{
    const struct result_column *col = &p->columns[column];
    size_t count = store_arch_count(store), n;
    struct wire_population w = {
        .score = col->index, .input_count = col->input_count, .count = count};
    const double **columns = arena_alloc(a, (col->input_count + 1) * sizeof *columns);
    const double *values;
    struct buf b = {0};
    struct unpack u;
    const char *data;
    tcet_status st;

    for (size_t k = 0; k < col->input_count; k++) {
        double *v = arena_alloc(a, (count + 1) * sizeof *v);

        TRY(store_column_values(store, col->inputs[k], v, err));
        columns[k] = v;
    }
    w.columns = columns;
    if (c->state == CLIENT_DOWN) {
        TRY(client_start(c, config, &(struct wire_hello){0}, memory, err));
        TRY(client_wait(c, WIRE_PLAN, &data, &n, err));
    }
    wire_pack_population(&b, &w);
    st = client_send(c, WIRE_POPULATION, &b, err);
    buf_free(&b);
    TRY(st);
    TRY(client_wait(c, WIRE_VALUES, &data, &n, err));
    u = unpack_from(data, n, a);
    values = unpack_f64s(&u, &n);
    if (n != count)
        return error_set(err, TCET_E_PLUGIN, "%zu values for %zu architectures", n, count);
    TRY(unpack_done(&u, "values", err));
    return store_put_population(store, (int)column, values, err);
}

tcet_status population_scores(struct store *store, const struct config *config,
                              const struct wire_plan *plan, struct client *c, size_t memory,
                              int64_t retries, struct error *err)
{
    struct arena a = {0};
    tcet_status st = TCET_OK;

    for (size_t i = 0; i < plan->column_count && st >= 0; i++) {
        if (!plan->columns[i].population)
            continue;
        for (int64_t tries = 0; tries <= retries; tries++) {
            arena_reset(&a);
            st = one_score(store, plan, i, c, config, memory, &a, err);
            if (st >= 0 || st == TCET_E_CANCELLED || client_up(c))
                break; /* else the worker died: another may live */
        }
        if (st < 0)
            error_prefix(err, "score %s: ", plan->columns[i].name);
    }
    client_stop(c);
    arena_free(&a);
    return st;
}
