/* survey.c -- all of a run's architectures in one reading of the tables: see store.h.
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { BLANK_LEAST = 1 << 20 };

/* The values on their way, and what is made of them. */
struct survey {
    struct store *s;
    enum sql q;               /* gives them by ordinal */
    int64_t ordinal;          /* whose the value is that stands ready; -1: there are no more */
    uint8_t *has;             /* [columns] */
    double *value;            /* [columns] */
    struct store_cost *costs; /* [columns], NULL: not asked */
    size_t *known;            /* [columns]: values whose seconds are known */
    int any;                  /* the last one had a value, of the run's columns or not */
};

int store_is_blank(const struct store *s, int64_t arch)
{
    return arch > 0 && arch < s->blank_count && s->blank[arch];
}

void store_note_put(struct store *s, int64_t arch)
{
    if (store_is_blank(s, arch))
        s->blank[arch] = 0;
}

/* Room to note who is blank, of a store that is written: who only reads looks at each once. */
static tcet_status begin_blank(struct store *s, struct error *err)
{
    int64_t count = 0, networks, most = BLANK_LEAST + 64 * (int64_t)s->arch_count;

    if (s->reader)
        return TCET_OK;
    TRY(sql_ask(s, "SELECT coalesce(max(id), 0) FROM network", &networks, err));
    for (size_t i = 0; i < s->arch_count; i++) {
        if (s->arch[i] >= count && s->arch[i] < most) /* a file may give any number */
            count = s->arch[i] + 1;
    }
    free(s->blank);
    s->blank = mem_alloc((size_t)count);
    s->blank_count = count;
    s->no_network = !networks;
    return TCET_OK;
}

static tcet_status next_value(struct survey *v, struct error *err)
{
    int have = 0;

    TRY(sql_step(v->s, v->q, &have, err));
    v->ordinal = have ? sql_i64(v->s, v->q, 0) : -1;
    return TCET_OK;
}

static void add_guard(void *user, const char *name, size_t length, double count)
{
    (void)name;
    (void)length;
    guards_sum(user, (int64_t)count);
}

/* What the value that stands ready cost, into its column's sums. */
static tcet_status add_cost(struct survey *v, size_t column, struct error *err)
{
    double seconds = (double)sql_i64(v->s, v->q, 3) / 1e6;
    const char *guards = sql_text(v->s, v->q, 4);

    if (seconds > 0) {
        v->costs[column].seconds += seconds;
        v->known[column]++;
    }
    if (*guards && json_numbers(guards, add_guard, &v->costs[column].guards) != 0)
        return sql_damaged(v->s, "guards", err);
    return TCET_OK;
}

/* Values of the architecture at an ordinal; those before it have been taken.  Ordinals ascend, and leave
 * some out where damaged ones were dropped. */
static tcet_status take_values(struct survey *v, int64_t ordinal, struct error *err)
{
    const struct store *s = v->s;

    for (size_t c = 0; c < s->column_count; c++) {
        v->has[c] = 0;
        v->value[c] = NAN;
    }
    v->any = v->ordinal == ordinal;
    while (v->ordinal == ordinal) {
        int64_t key = sql_i64(v->s, v->q, 1);
        double value = sql_f64(v->s, v->q, 2);

        for (size_t c = 0; c < s->column_count; c++) {
            if (s->column_key[c] != key)
                continue;
            v->has[c] = 1;
            v->value[c] = value;
            if (v->costs)
                TRY(add_cost(v, c, err));
        }
        TRY(next_value(v, err));
    }
    return TCET_OK;
}

/* The next architecture, and its values; *any: something is stored of it. */
static tcet_status take_one(struct survey *v, enum result_status *out, int *any, struct error *err)
{
    struct store *s = v->s;
    const char *status;
    int have = 0;

    TRY(sql_step(s, SQL_SURVEY_OUTCOMES, &have, err));
    if (!have)
        return sql_damaged(s, "the list of architectures is shorter than it was", err);
    TRY(take_values(v, sql_i64(s, SQL_SURVEY_OUTCOMES, 0), err));
    status = sql_text(s, SQL_SURVEY_OUTCOMES, 1); /* "": no outcome */
    *any = v->any || *status;
    return store_judge(s, *status != '\0', sql_i64(s, SQL_SURVEY_OUTCOMES, 2) == s->column_set,
                       !strcmp(status, "ok"), v->has, out, err);
}

static tcet_status each(struct survey *v, void (*see)(void *arg, const struct store_stock *stock),
                        void *arg, struct error *err)
{
    TRY(next_value(v, err));
    for (size_t i = 0; i < v->s->arch_count; i++) {
        struct store_stock stock = {.ordinal = i, .has = v->has, .value = v->value};
        int any = 0;

        TRY(take_one(v, &stock.status, &any, err));
        if (!any && v->s->arch[i] > 0 && v->s->arch[i] < v->s->blank_count)
            v->s->blank[v->s->arch[i]] = 1;
        see(arg, &stock);
    }
    return TCET_OK;
}

/* Sums to means. */
static void end_costs(struct survey *v)
{
    for (size_t c = 0; v->costs && c < v->s->column_count; c++)
        v->costs[c].seconds = v->known[c] ? v->costs[c].seconds / (double)v->known[c] : NAN;
}

tcet_status store_survey(struct store *s, void (*see)(void *arg, const struct store_stock *stock),
                         void *arg, struct store_cost *costs, struct error *err)
{
    struct arena a = {0};
    struct survey v = {.s = s,
                       .q = costs ? SQL_SURVEY_COSTS : SQL_SURVEY_VALUES,
                       .has = arena_alloc(&a, s->column_count + 1),
                       .value = arena_alloc(&a, (s->column_count + 1) * sizeof *v.value),
                       .costs = costs,
                       .known = arena_alloc(&a, (s->column_count + 1) * sizeof *v.known)};
    tcet_status st;
    int ours;

    for (size_t c = 0; costs && c < s->column_count; c++)
        costs[c] = (struct store_cost){0, 0};
    st = store_begin_reads(s, &ours, err);
    if (st >= 0)
        st = begin_blank(s, err);
    if (st >= 0)
        st = sql_bind(s, SQL_SURVEY_OUTCOMES, err, "");
    if (st >= 0)
        st = sql_bind(s, v.q, err, "");
    if (st >= 0)
        st = each(&v, see, arg, err);
    sql_done(s, SQL_SURVEY_OUTCOMES);
    sql_done(s, v.q);
    end_costs(&v);
    arena_free(&a);
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
    tcet_status st = store_survey(s, sum_up, &to, NULL, err);

    *out = to.sum;
    return st;
}

tcet_status store_count_failed(struct store *s, size_t *out, struct error *err)
{
    int64_t count;

    TRY(sql_number(s, SQL_FAILED_COUNT, sql_bind(s, SQL_FAILED_COUNT, err, "i", s->column_set),
                   &count, err));
    *out = (size_t)count;
    return TCET_OK;
}
