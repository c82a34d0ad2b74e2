/* ranks.c -- see ranks.h.  Room: core/search. */
#include "search/ranks.h"

#include "score/score.h"

#include <math.h>
#include <stdlib.h>

static const struct plan_score *score_of(const struct ranks *r)
{
    return &r->plan->scores[r->score];
}

void ranks_open(struct ranks *r, struct plan *plan, int column)
{
    *r = (struct ranks){.plan = plan, .score = plan->columns[column].index};
    r->columns = mem_alloc((score_of(r)->input_count + 1) * sizeof *r->columns);
}

void ranks_close(struct ranks *r)
{
    for (size_t i = 0; r->columns && i < score_of(r)->input_count; i++)
        free(r->columns[i]);
    free(r->columns);
    free(r->out);
}

int ranks_lacks(const struct ranks *r, const double *values)
{
    const struct plan_score *s = score_of(r);
    int lacks = 0;

    for (size_t i = 0; i < s->input_count; i++)
        lacks |= isnan(values[s->inputs[i]]);
    return lacks;
}

/* Puts a newcomer behind the population. */
static void put_last(struct ranks *r, const double *values)
{
    const struct plan_score *s = score_of(r);

    if (r->count + 1 >= r->room) {
        r->room = r->room ? 2 * r->room : 64;
        for (size_t i = 0; i < s->input_count; i++)
            r->columns[i] = mem_resize(r->columns[i], r->room * sizeof(double));
        r->out = mem_resize(r->out, r->room * sizeof(double));
    }
    for (size_t i = 0; i < s->input_count; i++)
        r->columns[i][r->count] = values[s->inputs[i]];
}

void ranks_add(struct ranks *r, const double *values)
{
    put_last(r, values);
    r->count++;
}

tcet_status ranks_score(struct ranks *r, const double *values, double *out, struct error *err)
{
    put_last(r, values);
    TRY(score_population(r->plan, r->score, (const double *const *)r->columns, r->count + 1, r->out,
                         err));
    *out = r->out[r->count];
    return TCET_OK;
}

tcet_status ranks_all(struct ranks *r, const double **out, struct error *err)
{
    TRY(score_population(r->plan, r->score, (const double *const *)r->columns, r->count, r->out,
                         err));
    *out = r->out;
    return TCET_OK;
}
