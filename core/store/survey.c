/* survey.c -- all of a run's architectures in one reading of the tables: see store.h.
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* The value that stands ready. */
struct next {
    int64_t ordinal; /* whose it is; -1: there are no more */
    int64_t key;
    double value;
};

static tcet_status next_value(struct store *s, struct next *next, struct error *err)
{
    int have = 0;

    TRY(sql_step(s, SQL_SURVEY_VALUES, &have, err));
    next->ordinal = have ? sql_i64(s, SQL_SURVEY_VALUES, 0) : -1;
    next->key = have ? sql_i64(s, SQL_SURVEY_VALUES, 1) : 0;
    next->value = have ? sql_f64(s, SQL_SURVEY_VALUES, 2) : NAN;
    return TCET_OK;
}

/* Values of the architecture at an ordinal; those before it have been taken.  Ordinals ascend, and leave
 * some out where damaged ones were dropped. */
static tcet_status take_values(struct store *s, struct next *next, int64_t ordinal, uint8_t *has,
                               double *value, struct error *err)
{
    for (size_t c = 0; c < s->column_count; c++) {
        has[c] = 0;
        value[c] = NAN;
    }
    while (next->ordinal == ordinal) {
        for (size_t c = 0; c < s->column_count; c++) {
            if (s->column_key[c] != next->key)
                continue;
            has[c] = 1;
            value[c] = next->value;
        }
        TRY(next_value(s, next, err));
    }
    return TCET_OK;
}

/* The next architecture, and its values. */
static tcet_status take_one(struct store *s, struct next *next, uint8_t *has, double *value,
                            enum result_status *out, struct error *err)
{
    const char *status;
    int have = 0;

    TRY(sql_step(s, SQL_SURVEY_OUTCOMES, &have, err));
    if (!have)
        return sql_damaged(s, "the list of architectures is shorter than it was", err);
    TRY(take_values(s, next, sql_i64(s, SQL_SURVEY_OUTCOMES, 0), has, value, err));
    status = sql_text(s, SQL_SURVEY_OUTCOMES, 1); /* "": no outcome */
    return store_judge(s, *status != '\0', sql_i64(s, SQL_SURVEY_OUTCOMES, 2) == s->column_set,
                       !strcmp(status, "ok"), has, out, err);
}

static tcet_status each(struct store *s, uint8_t *has, double *value,
                        void (*see)(void *arg, const struct store_stock *stock), void *arg,
                        struct error *err)
{
    struct next next;

    TRY(next_value(s, &next, err));
    for (size_t i = 0; i < s->arch_count; i++) {
        struct store_stock stock = {.ordinal = i, .has = has, .value = value};

        TRY(take_one(s, &next, has, value, &stock.status, err));
        see(arg, &stock);
    }
    return TCET_OK;
}

tcet_status store_survey(struct store *s, void (*see)(void *arg, const struct store_stock *stock),
                         void *arg, struct error *err)
{
    double *value = mem_alloc((s->column_count + 1) * sizeof *value);
    uint8_t *has = mem_alloc(s->column_count + 1);
    tcet_status st;
    int ours;

    st = store_begin_reads(s, &ours, err);
    if (st >= 0)
        st = sql_bind(s, SQL_SURVEY_OUTCOMES, err, "");
    if (st >= 0)
        st = sql_bind(s, SQL_SURVEY_VALUES, err, "");
    if (st >= 0)
        st = each(s, has, value, see, arg, err);
    sql_done(s, SQL_SURVEY_OUTCOMES);
    sql_done(s, SQL_SURVEY_VALUES);
    free(has);
    free(value);
    return store_end_reads(s, ours, st, err);
}

struct summing {
    const struct store *store;
    struct store_summary sum;
};

static void sum_up(void *arg, const struct store_stock *stock)
{
    struct summing *to = arg;
    const struct store *s = to->store;
    int ranked = 1;

    for (size_t c = 0; c < s->column_count; c++)
        ranked &= stock->has[c] || !s->column[c].population;
    to->sum.unranked += stock->status == RESULT_OK && !ranked;
    to->sum.done += stock->status == RESULT_OK;
    to->sum.failed += stock->status == RESULT_FAILED;
    to->sum.missing += stock->status == RESULT_MISSING;
}

tcet_status store_summarise(struct store *s, struct store_summary *out, struct error *err)
{
    struct summing to = {.store = s};
    tcet_status st = store_survey(s, sum_up, &to, err);

    *out = to.sum;
    return st;
}

static void add_guard(void *user, const char *name, size_t length, double count)
{
    (void)name;
    (void)length;
    guards_sum(user, (int64_t)count);
}

/* The value that stands ready, into the sums of its columns; known[columns]: whose seconds are. */
static tcet_status add_cost(struct store *s, struct store_cost *sum, size_t *known,
                            struct error *err)
{
    int64_t key = sql_i64(s, SQL_SURVEY_COSTS, 0);
    double seconds = sql_f64(s, SQL_SURVEY_COSTS, 1);
    const char *guards = sql_text(s, SQL_SURVEY_COSTS, 2);

    for (size_t c = 0; c < s->column_count; c++) {
        if (s->column_key[c] != key)
            continue;
        if (seconds > 0) {
            sum[c].seconds += seconds;
            known[c]++;
        }
        if (*guards && json_numbers(guards, add_guard, &sum[c].guards) != 0)
            return sql_damaged(s, "guards", err);
    }
    return TCET_OK;
}

tcet_status store_costs(struct store *s, struct store_cost *out, struct error *err)
{
    size_t *known = mem_alloc((s->column_count + 1) * sizeof *known);
    tcet_status st;
    int have = 0;

    for (size_t c = 0; c < s->column_count; c++)
        out[c] = (struct store_cost){0, 0};
    st = sql_bind(s, SQL_SURVEY_COSTS, err, "");
    while (st >= 0 && (st = sql_step(s, SQL_SURVEY_COSTS, &have, err)) >= 0 && have)
        st = add_cost(s, out, known, err);
    sql_done(s, SQL_SURVEY_COSTS);
    for (size_t c = 0; c < s->column_count; c++)
        out[c].seconds = known[c] ? out[c].seconds / (double)known[c] : NAN;
    free(known);
    return st;
}
