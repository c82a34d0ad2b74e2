/* outcome.c -- what became of an ask: its objectives' values, the strategy told, its line written
 * (internal.h).  Room: core/search. */
#include "search/internal.h"

#include "base/text.h"
#include "num/rng.h"
#include "plugin/calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESCORE_EVERY = 100 };

/* -- what the objectives name ------------------------------------------------------------- */

static tcet_status resolve_column(struct search *s, struct objective *o, struct error *err)
{
    const char *name = o->setting->name, *mean = arena_printf(&s->arena, "%s@mean", name);
    const struct result_column *c;

    for (size_t i = 0; i < s->plan->column_count; i++) {
        c = &s->plan->columns[i];
        if (!strcmp(c->name, mean) || (o->column < 0 && !strcmp(c->name, name)))
            o->column = (int)i;
    }
    if (o->column < 0)
        return config_error(err, o->setting->key, "\"%.80s\" is no column of the plan", name);
    c = &s->plan->columns[o->column];
    if (c->direction < 0 && !o->setting->smaller)
        o->sign = -1;
    if (!c->population)
        return TCET_OK;
    o->ranks = arena_alloc(&s->arena, sizeof *o->ranks);
    ranks_open(o->ranks, s->plan, o->column);
    if (!s->ranks)
        s->ranks = o->ranks;
    return TCET_OK;
}

static tcet_status resolve_table(struct search *s, struct objective *o, struct error *err)
{
    if (!s->setup.benchmark)
        return config_error(err, o->setting->key,
                            "%s: column:%.80s is of the table of [benchmark], and there is none",
                            o->setting->key->name, o->setting->name);
    if (table_column(s->setup.benchmark->table, o->setting->name, &o->table, err) < 0)
        return config_error_at(err, o->setting->key);
    return TCET_OK;
}

static void resolve_count(struct objective *o)
{
    for (int i = 0; i < SEARCH_COUNTS; i++) {
        if (!strcmp(o->setting->name, SEARCH_COUNT_NAMES[i]))
            o->count = i;
    }
}

tcet_status outcome_resolve(struct search *s, struct error *err)
{
    const struct config *c = s->plan->config;
    const struct config_key *column = config_get(c, "benchmark", "", "column");

    s->objective_count = s->settings->objective_count;
    for (size_t i = 0; i < s->objective_count; i++) {
        struct objective *o = &s->objective[i];

        *o = (struct objective){
            .setting = &s->settings->objective[i], .sign = 1, .column = -1, .count = -1};
        if (o->setting->smaller)
            o->sign = -1;
        if (o->setting->source == SEARCH_COLUMN)
            TRY(resolve_column(s, o, err));
        if (o->setting->source == SEARCH_TABLE)
            TRY(resolve_table(s, o, err));
        if (o->setting->source == SEARCH_COUNT)
            resolve_count(o);
        s->takes_workers |= o->setting->source == SEARCH_COLUMN;
    }
    if (s->setup.benchmark && column &&
        table_column(s->setup.benchmark->table, column->value, &s->accuracy, err) < 0)
        return config_error_at(err, column);
    return TCET_OK;
}

void outcome_close(struct search *s)
{
    for (size_t i = 0; i < s->objective_count; i++) {
        if (s->objective[i].ranks)
            ranks_close(s->objective[i].ranks);
    }
    free(s->past);
}

/* -- values ------------------------------------------------------------------------------- */

void outcome_take(struct search *s, const struct result_row *row, struct known *out)
{
    out->columns = arena_alloc(&s->arena, (s->plan->column_count + 1) * sizeof *out->columns);
    for (size_t i = 0; i < s->plan->column_count; i++)
        out->columns[i] = NAN;
    for (size_t i = 0; i < row->value_count; i++) {
        if (result_has(&row->values[i]))
            out->columns[row->values[i].column] = row->values[i].value;
    }
    out->params = row->params > 0 ? (double)row->params : NAN;
    out->macs = row->params > 0 ? (double)row->macs : NAN;
    out->failed = row->status == RESULT_FAILED;
    out->reason = arena_strdup(&s->arena, row->message ? row->message : "");
    out->settled = 1;
}

/* N(0, 1) of this search and ask. */
static double noise(const struct search *s, int64_t number)
{
    uint64_t state = rng_hash((uint64_t)s->setup.seed, "noise") + (uint64_t)number;
    double u = ((double)(rng_mix(&state) >> 11) + 1) * 0x1p-53;
    double v = (double)(rng_mix(&state) >> 11) * 0x1p-53;

    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static tcet_status value_of(struct search *s, struct objective *o, const struct slot *slot,
                            double *out, struct error *err)
{
    const struct known *k = slot->known;

    switch (o->setting->source) {
    case SEARCH_NOISE: *out = noise(s, slot->number); return TCET_OK;
    case SEARCH_COUNT: *out = slot->counts.of[o->count]; return TCET_OK;
    case SEARCH_TABLE: *out = benchmark_value(s->setup.benchmark, o->table, slot->text); break;
    default: *out = k->columns[o->column];
    }
    if (o->ranks && !ranks_lacks(o->ranks, k->columns))
        return ranks_score(o->ranks, k->columns, out, err);
    return TCET_OK;
}

/* The values of a slot as they are written, and as they are told.  *why: "", or why there are none. */
static tcet_status values_of(struct search *s, const struct slot *slot, double *written,
                             double *told, const char **why, struct error *err)
{
    static const char *const lacks[] = {"%s has no value", "the table has no %s for it",
                                        "the space gives no %s", "%s is no number"};

    *why = slot->known && slot->known->failed ? slot->known->reason : "";
    for (size_t i = 0; i < s->objective_count && !**why; i++) {
        struct objective *o = &s->objective[i];

        TRY(value_of(s, o, slot, &written[i], err));
        told[i] = o->sign * written[i];
        if (isnan(written[i]))
            *why = arena_printf(&s->arena, lacks[o->setting->source], o->setting->name);
    }
    for (size_t i = 0; i < s->objective_count && **why; i++)
        written[i] = told[i] = NAN;
    return TCET_OK;
}

/* -- ranks among all that were scored ----------------------------------------------------- */

static tcet_status tell_again(struct search *s, const struct past *p, struct error *err)
{
    tcet_told t = {.struct_size = sizeof t,
                   .number = p->number,
                   .value_count = (int32_t)s->objective_count,
                   .values = p->values,
                   .text = p->text,
                   .reason = ""};

    if (!OPS(tcet_strategy_ops, s->strategy)->rescored)
        return TCET_OK;
    return strategy_rescored(s->strategy, &t, err);
}

/* All that were scored get the scores that they have now. */
static tcet_status rescore(struct search *s, struct error *err)
{
    const struct past *best = NULL;

    for (size_t i = 0; i < s->objective_count; i++) {
        struct objective *o = &s->objective[i];
        const double *now;

        if (!o->ranks)
            continue;
        TRY(ranks_all(o->ranks, &now, err));
        for (size_t k = 0; k < s->past_count; k++)
            s->past[k].values[i] = o->sign * now[k];
    }
    for (size_t k = 0; k < s->past_count; k++) {
        TRY(tell_again(s, &s->past[k], err));
        if (!best || s->past[k].values[0] > best->values[0])
            best = &s->past[k];
    }
    s->best_value = best->values[0];
    s->state.best = s->objective[0].sign * best->values[0];
    s->state.best_ask = best->number;
    s->best_accuracy =
        s->accuracy ? benchmark_value(s->setup.benchmark, s->accuracy, best->text) : NAN;
    return TCET_OK;
}

/* Takes a scored ask into the population. */
static tcet_status join_history(struct search *s, const struct slot *slot, const double *told,
                                struct error *err)
{
    struct past *p;

    if (!(s->past_count & (s->past_count - 1)))
        s->past = mem_resize(s->past, (s->past_count ? 2 * s->past_count : 1) * sizeof *s->past);
    p = &s->past[s->past_count++];
    *p = (struct past){.number = slot->number, .text = arena_strdup(&s->arena, slot->text)};
    memcpy(p->values, told, s->objective_count * sizeof *told);
    for (size_t i = 0; i < s->objective_count; i++) {
        if (s->objective[i].ranks)
            ranks_add(s->objective[i].ranks, slot->known->columns);
    }
    return s->past_count % RESCORE_EVERY ? TCET_OK : rescore(s, err);
}

/* -- telling ------------------------------------------------------------------------------ */

static void note_best(struct search *s, const struct slot *slot, double written, double told)
{
    if (!isnan(s->state.best) && !(told > s->best_value)) {
        s->since_best += !slot->reused;
        return;
    }
    s->since_best = 0;
    s->best_value = told;
    s->state.best = written;
    s->state.best_ask = slot->number;
    if (s->accuracy)
        s->best_accuracy = benchmark_value(s->setup.benchmark, s->accuracy, slot->text);
}

static void count(struct search *s, const struct slot *slot, uint32_t status)
{
    struct search_state *n = &s->state;

    n->asks++;
    n->scored += status == TCET_TOLD_SCORED;
    n->reused += status == TCET_TOLD_REUSED;
    n->failed += status == TCET_TOLD_FAILED;
    n->rejected += status == TCET_TOLD_REJECTED;
    s->rejected_in_row = status == TCET_TOLD_REJECTED ? s->rejected_in_row + 1 : 0;
    s->stale = status == TCET_TOLD_SCORED ? 0 : s->stale + 1;
    s->under_way -= slot->limit < 0 && !slot->reused;
}

/* A reason that all have is the plugin's or the data's, rather than the architecture's; that a table has
 * not many of them is no such reason. */
static void note_failure(struct search *s, const struct slot *slot, const char *reason)
{
    if (!slot->known)
        s->alike = 0;
    else
        s->alike = s->reason && !strcmp(reason, s->reason) ? s->alike + 1 : 1;
    s->reason = reason;
}

static void write_line(struct search *s, const struct slot *slot, uint32_t status,
                       const double *written)
{
    static const char *const names[] = {"scored", "reused", "failed"};
    char missed[32];
    struct line l = {.seed = s->setup.seed,
                     .ask = slot->number,
                     .arch = slot->text,
                     .parents = {slot->parents[0], slot->parents[1]},
                     .origin = slot->origin,
                     .status = missed,
                     .values = written,
                     .value_count = s->objective_count,
                     .params = slot->counts.of[COUNT_PARAMS],
                     .macs = slot->counts.of[COUNT_MACS],
                     .counts = slot->counts,
                     .best = s->state.best,
                     .accuracy = s->best_accuracy};

    if (status == TCET_TOLD_REJECTED)
        snprintf(missed, sizeof missed, "%s:%s", slot->over ? "over" : "under",
                 SEARCH_COUNT_NAMES[slot->limit]);
    else
        l.status = names[status];
    if (slot->known && !slot->reused && !isnan(slot->known->params)) { /* not another spelling's */
        l.params = slot->known->params;
        l.macs = slot->known->macs;
    }
    line_write(&l, &s->output.lines);
}

tcet_status outcome_tell(struct search *s, struct slot *slot, struct error *err)
{
    double written[SEARCH_OBJECTIVES], told[SEARCH_OBJECTIVES];
    tcet_told t = {.struct_size = sizeof t,
                   .number = slot->number,
                   .asked = slot->asked,
                   .values = told,
                   .text = slot->text,
                   .violation = slot->violation,
                   .reason = ""};

    for (size_t i = 0; i < s->objective_count; i++)
        written[i] = told[i] = NAN;
    if (slot->limit >= 0) {
        t.status = TCET_TOLD_REJECTED;
        t.reason = SEARCH_COUNT_NAMES[slot->limit];
    } else {
        TRY(values_of(s, slot, written, told, &t.reason, err));
        t.status = *t.reason      ? TCET_TOLD_FAILED
                   : slot->reused ? TCET_TOLD_REUSED
                                  : TCET_TOLD_SCORED;
    }
    if (t.status <= TCET_TOLD_REUSED) {
        t.value_count = (int32_t)s->objective_count;
        note_best(s, slot, written[0], told[0]);
    }
    if (t.status == TCET_TOLD_FAILED)
        note_failure(s, slot, t.reason);
    count(s, slot, t.status);
    write_line(s, slot, t.status, written);
    TRY(strategy_tell(s->strategy, &t, err));
    if (t.value_count && s->ranks && s->settings->ranks == RANKS_HISTORY)
        return join_history(s, slot, told, err);
    return TCET_OK;
}
