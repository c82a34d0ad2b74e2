/* costs.c -- see costs.h.  Room: core/score. */
#include "score/costs.h"

#include <stdlib.h>
#include <string.h>

void costs_open(struct costs *c, const struct plan *p)
{
    c->plan = p;
    c->pass = mem_alloc((p->pass_count + 1) * sizeof *c->pass);
    c->used = mem_alloc(p->pass_count + 1);
}

void costs_close(struct costs *c)
{
    free(c->pass);
    free(c->used);
}

void costs_begin(struct costs *c)
{
    memset(c->pass, 0, c->plan->pass_count * sizeof *c->pass);
    c->forward = c->backward = 0;
}

void costs_take_run(struct costs *c, int pass, int before, const tcet_run *run, double seconds)
{
    struct pass_cost *cost = &c->pass[pass];

    c->forward += run->seconds_forward;
    c->backward += run->seconds_backward + run->seconds_hvp;
    *cost = (struct pass_cost){.forward = run->seconds_forward, .hvp = run->seconds_hvp};
    cost->rest = seconds - cost->forward - cost->hvp;
    if (before >= 0 && c->pass[before].forward > cost->forward)
        cost->forward = c->pass[before].forward; /* the backend ran none */
}

enum { USED_PASS = 1, USED_HVP = 2 };

/* Marks the passes that a column stands on, and what of them. */
static void mark_passes(struct costs *cs, int column)
{
    const struct plan *p = cs->plan;
    const struct result_column *c = &p->columns[column];

    if (!c->is_score) {
        const struct plan_saliency *ps = &p->saliencies[p->metrics[c->index].saliency];

        if (ps->pass >= 0)
            cs->used[ps->pass] |= USED_PASS | (ps->request.wants & TCET_WANT_HVP ? USED_HVP : 0);
        return;
    }
    for (size_t i = 0; i < p->scores[c->index].input_count; i++)
        mark_passes(cs, p->scores[c->index].inputs[i]);
}

/* What a column costs alone: passes and forwards that it shares with others count whole, H g only
 * where it is read. */
static double seconds_of(struct costs *c, double networks, int column)
{
    const struct plan *p = c->plan;
    double seconds = networks;
    int forward = -1; /* the last one charged; passes of the same stand together */

    memset(c->used, 0, p->pass_count);
    mark_passes(c, column);
    for (size_t k = 0; k < p->pass_count; k++) {
        const struct pass_cost *cost = &c->pass[k];

        if (!c->used[k])
            continue;
        seconds += cost->rest + (c->used[k] & USED_HVP ? cost->hvp : 0);
        if (p->passes[k].forward != forward)
            seconds += cost->forward;
        forward = p->passes[k].forward;
    }
    return seconds;
}

/* Passes that were not run because what stands on them is stored: what is left of its time when
 * what was run is taken off. */
static void cost_of_stored(struct costs *c, double networks, const uint8_t *needed,
                           const struct result_value *values)
{
    const struct plan *p = c->plan;

    for (size_t i = 0; i < p->column_count; i++) {
        double rest;

        if (needed[i] || !result_has(&values[i]))
            continue;
        rest = values[i].seconds - seconds_of(c, networks, (int)i);
        for (size_t k = 0; k < p->pass_count && rest > 0; k++) {
            struct pass_cost *cost = &c->pass[k];

            if (c->used[k] && cost->forward + cost->hvp + cost->rest <= 0) {
                cost->rest = rest;
                break;
            }
        }
    }
}

void costs_charge(struct costs *c, double networks, const uint8_t *needed,
                  struct result_value *values)
{
    cost_of_stored(c, networks, needed, values);
    for (size_t i = 0; i < c->plan->column_count; i++) {
        if (needed[i] && result_has(&values[i]))
            values[i].seconds = seconds_of(c, networks, (int)i);
    }
}
