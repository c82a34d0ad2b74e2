/* search.c -- see search.h: the order of asks and tells, and when it ends.  Room: core/search. */
#include "search/internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "num/rng.h"
#include "plan/plan.h"
#include "plugin/calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Asks in a row after which a search is given up, or ended. */
enum { REJECTED_MOST = 100000, STALE_MOST = 100000, FAILED_MOST = 1000, ALIKE_MOST = 100 };

/* -- open, close -------------------------------------------------------------------------- */

static tcet_status open_parts(struct search *s, struct error *err)
{
    struct plan *p = s->plan;

    TRY(plan_make_strategy(p, s->settings->strategy, s->settings->strategy_key, &s->strategy, err));
    TRY(outcome_resolve(s, err));
    TRY(counter_open(&s->counter, p, s->settings, err));
    view_open(&s->view, p->space, s->strategy, (int32_t)s->objective_count, err);
    s->stream = rng_hash((uint64_t)s->setup.seed, s->strategy->plugin->desc.id);
    return TCET_OK;
}

tcet_status search_open(const struct search_setup *setup, struct search **out, struct error *err)
{
    struct search *s = mem_alloc(sizeof *s);
    tcet_status st;

    s->setup = *setup;
    s->settings = setup->settings;
    s->plan = setup->plan;
    s->slots = mem_alloc((size_t)s->settings->window * sizeof *s->slots);
    s->ahead = mem_alloc(2 * SEARCH_AHEAD * sizeof *s->ahead);
    s->asking = 1;
    s->state.best = s->best_value = s->best_accuracy = NAN;
    st = open_parts(s, err);
    if (st < 0) {
        search_close(s);
        return st;
    }
    *out = s;
    return TCET_OK;
}

void search_close(struct search *s)
{
    if (!s)
        return;
    instance_free(s->strategy);
    outcome_close(s);
    counter_close(&s->counter);
    known_free(&s->known);
    buf_free(&s->output.lines);
    free(s->output.wants);
    free(s->slots);
    for (size_t i = 0; i < 2 * SEARCH_AHEAD; i++)
        free(s->ahead[i].arch);
    free(s->ahead);
    arena_free(&s->arena);
    free(s);
}

struct search_output *search_output(struct search *s)
{
    return &s->output;
}

const struct search_state *search_state(const struct search *s)
{
    return &s->state;
}

static struct slot *slot_of(struct search *s, int64_t number)
{
    return &s->slots[number % s->settings->window];
}

void search_want(struct search *s, int64_t number, const char *arch, int64_t again)
{
    struct search_output *o = &s->output;

    if (o->want_count == o->want_room) {
        o->want_room = o->want_room ? 2 * o->want_room : 16;
        o->wants = mem_resize(o->wants, o->want_room * sizeof *o->wants);
    }
    o->wants[o->want_count++] = (struct search_want){number, arena_strdup(&s->arena, arch), again};
}

static void end_asking(struct search *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void end_asking(struct search *s, const char *format, ...)
{
    va_list ap;

    s->asking = 0;
    va_start(ap, format);
    vsnprintf(s->state.why, sizeof s->state.why, format, ap);
    va_end(ap);
}

static void end_nothing_new(struct search *s, int64_t asks)
{
    end_asking(s, "the last %lld asks brought nothing new", (long long)asks);
}

/* -- one ask ------------------------------------------------------------------------------ */

/* Asks the strategy.  `draw` counts how often this ask was rejected and drawn anew. */
static tcet_status ask_strategy(struct search *s, struct slot *slot, int64_t draw, tcet_ask *a,
                                struct error *err)
{
    uint64_t state = s->stream + (uint64_t)slot->number * UINT64_C(0x9e3779b97f4a7c15);
    const char *who = s->strategy->cx.who;

    state = rng_mix(&state) + (uint64_t)draw;
    *a = (tcet_ask){.struct_size = sizeof *a,
                    .number = slot->number,
                    .text = slot->text,
                    .cap = sizeof slot->text};
    s->strategy->cx.random_state = rng_mix(&state);
    slot->text[0] = '\0';
    TRY(strategy_ask(s->strategy, &s->view.pub, a, err));
    if (a->answer > TCET_ASK_END)
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: ask %lld is answered by %u, which is "
                         "none of TCET_ASK_*",
                         who, (long long)slot->number, a->answer);
    if (a->answer != TCET_ASK_ARCH)
        return TCET_OK;
    slot->text[sizeof slot->text - 1] = '\0';
    if (space_check(s->plan->space, slot->text, err) < 0)
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: ask %lld gives \"%.200s\", which is no architecture: %s",
                         who, (long long)slot->number, slot->text,
                         arena_strdup(&s->arena, err->text));
    for (int i = 0; i < 2; i++)
        slot->parents[i] = a->parents[i] > 0 && a->parents[i] < slot->number ? a->parents[i] : 0;
    slot->origin =
        a->origin && strspn(a->origin, "abcdefghijklmnopqrstuvwxyz_") == strlen(a->origin)
            ? a->origin
            : "";
    return TCET_OK;
}

/* Counts, and the limit that is missed. */
static tcet_status judge(struct search *s, struct slot *slot, struct error *err)
{
    TRY(counter_count(&s->counter, slot->text, &slot->counts, err));
    slot->limit = counter_judge(&s->counter, &slot->counts, &slot->over, &slot->violation);
    return TCET_OK;
}

static tcet_status nothing_fits(struct search *s, struct error *err)
{
    return error_set(err, TCET_E_ARG,
                     "[search] limits that nothing satisfies?  %d asks in a row were rejected: %s",
                     REJECTED_MOST, counter_blame(&s->counter, &s->arena));
}

static struct ahead *ahead_of(struct search *s, int64_t number)
{
    return &s->ahead[number % (2 * SEARCH_AHEAD)];
}

/* Takes the row that came before, if it is this ask's. */
static int take_ahead(struct search *s, struct slot *slot)
{
    struct ahead *a = ahead_of(s, slot->number);
    const char *key = slot->known->key;
    int64_t times = slot->known->times;
    int fits = a->number == slot->number && !strcmp(a->arch, slot->text) && !slot->again;

    if (fits) {
        *slot->known = a->known;
        slot->known->key = key;
        slot->known->times = times;
    }
    return fits;
}

/* The score that an ask within the limits waits for. */
static tcet_status claim_score(struct search *s, struct slot *slot, struct error *err)
{
    char key[TCET_ARCH_MAX];
    int is_new;

    if (!s->takes_workers)
        return TCET_OK;
    TRY(space_canonical(s->plan->space, slot->text, key, sizeof key, err));
    slot->known = known_find(&s->known, key, &is_new);
    slot->reused = !is_new && !s->settings->again;
    if (slot->reused)
        return TCET_OK;
    slot->again = slot->known->times++;
    if (slot->again) {
        slot->own = (struct known){.key = slot->known->key};
        slot->known = &slot->own;
    }
    if (!take_ahead(s, slot))
        search_want(s, slot->number, slot->text, slot->again);
    return TCET_OK;
}

/* Ask `asked + 1`: a given one, or the strategy's.  What the strategy answered is in *answer. */
static tcet_status next_ask(struct search *s, uint32_t *answer, struct error *err)
{
    int64_t number = s->asked + 1, draw = 0;
    struct slot *slot = slot_of(s, number);
    tcet_ask a;

    *slot = (struct slot){.number = number, .limit = -1};
    *answer = TCET_ASK_ARCH;
    if (number <= (int64_t)s->setup.warm_count) {
        snprintf(slot->text, sizeof slot->text, "%s", s->setup.warm[number - 1]);
        slot->origin = "warm";
        if (space_check(s->plan->space, slot->text, err) < 0) { /* of a run of another space */
            error_prefix(err, "[search] warm: \"%.100s\": ", slot->text);
            return err->status;
        }
        TRY(judge(s, slot, err));
    } else {
        slot->asked = 1;
        do {
            if (draw > REJECTED_MOST && !s->state.scored)
                return nothing_fits(s, err);
            if (draw > REJECTED_MOST) {
                end_nothing_new(s, draw);
                *answer = TCET_ASK_END;
                return TCET_OK;
            }
            TRY(ask_strategy(s, slot, draw++, &a, err));
            *answer = a.answer;
            if (a.answer == TCET_ASK_ARCH)
                TRY(judge(s, slot, err));
        } while (a.answer == TCET_ASK_ARCH && slot->limit >= 0 && s->settings->redraw);
    }
    if (*answer != TCET_ASK_ARCH)
        return TCET_OK;
    s->asked++;
    if (slot->limit < 0)
        TRY(claim_score(s, slot, err));
    s->under_way += slot->limit < 0 && !slot->reused;
    return TCET_OK;
}

/* -- when it ends ------------------------------------------------------------------------- */

static int time_is_up(struct search *s)
{
    if (!s->settings->seconds || s->asked < s->setup.stored)
        return 0;
    if (s->began == 0)
        s->began = clock_now();
    return clock_now() - s->began > (double)s->settings->seconds;
}

/* May the next ask come?  *hold: not before more is told, since asks under way may fill the budget. */
static tcet_status check_budget(struct search *s, int *hold, struct error *err)
{
    const struct search_settings *b = s->settings;

    *hold = 0;
    if (s->rejected_in_row >= REJECTED_MOST && !s->state.scored)
        return nothing_fits(s, err);
    if (!s->state.scored && (s->state.failed >= FAILED_MOST || s->alike >= ALIKE_MOST))
        return error_set(err, TCET_E_ARG, "the first %lld architectures all failed%s: %s",
                         (long long)s->state.failed,
                         s->alike < s->state.failed ? ", the last one" : "", s->reason);
    if (b->iterations && s->asked >= b->iterations)
        end_asking(s, "%lld asks were made", (long long)s->asked);
    else if (b->evaluations && s->state.scored >= b->evaluations)
        end_asking(s, "%lld architectures were scored", (long long)s->state.scored);
    else if (b->patience && s->since_best >= b->patience)
        end_asking(s, "no better one among the last %lld", (long long)s->since_best);
    else if (s->stale >= STALE_MOST)
        end_nothing_new(s, s->stale);
    else if (time_is_up(s))
        end_asking(s, "the time is up: %lld s", (long long)b->seconds);
    else
        *hold = b->evaluations && s->state.scored + s->under_way >= b->evaluations;
    return TCET_OK;
}

/* -- the order of things ------------------------------------------------------------------ */

static tcet_status try_ask(struct search *s, struct error *err)
{
    uint32_t answer;

    TRY(next_ask(s, &answer, err));
    s->waiting = answer == TCET_ASK_WAIT;
    if (s->waiting && s->asked == s->told)
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: it waits for outcomes, though all %lld asks were told",
                         s->strategy->cx.who, (long long)s->told);
    if (answer == TCET_ASK_END && !s->asked)
        return error_set(err, TCET_E_PLUGIN, "%s: ended before its first architecture",
                         s->strategy->cx.who);
    if (answer == TCET_ASK_END && s->asking)
        end_asking(s, "the strategy has no more to ask");
    return TCET_OK;
}

static int is_ready(const struct slot *slot)
{
    return slot->limit >= 0 || !slot->known || slot->known->settled;
}

tcet_status search_advance(struct search *s, size_t most, int *waits, struct error *err)
{
    int hold;

    *waits = 0;
    if (reference_lacks(s))
        return reference_advance(s, waits, err);
    for (size_t told = 0; told < most && !s->state.ended;) {
        struct slot *oldest = slot_of(s, s->told + 1);

        if (s->asking && !s->waiting && s->asked - s->told < s->settings->window) {
            TRY(check_budget(s, &hold, err));
            if (!s->asking)
                continue;
            if (!hold) {
                TRY(try_ask(s, err));
                continue;
            }
        }
        if (s->told == s->asked) {
            s->state.ended = 1;
        } else if (!is_ready(oldest)) {
            *waits = 1;
            return TCET_OK;
        } else {
            TRY(outcome_tell(s, oldest, err));
            s->told++;
            s->waiting = 0;
            told++;
        }
    }
    return TCET_OK;
}

tcet_status search_tell(struct search *s, int64_t number, const struct result_row *row,
                        struct error *err)
{
    struct slot *slot;

    if (number < 0)
        return reference_take(s, row, err);
    slot = slot_of(s, number);
    if (number > s->asked && number <= s->told + 2 * SEARCH_AHEAD) {
        struct ahead *a = ahead_of(s, number);

        free(a->arch);
        *a = (struct ahead){.number = number, .arch = mem_strdup(row->arch)};
        outcome_take(s, row, &a->known);
        return TCET_OK;
    }
    if (number <= s->told || slot->number != number || !slot->known || slot->known->settled)
        return TCET_OK; /* it came before, and the ask did without */
    outcome_take(s, row, slot->known);
    return TCET_OK;
}
