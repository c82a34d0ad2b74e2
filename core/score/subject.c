/* subject.c -- see subject.h.  Room: core/score. */
#include "score/subject.h"

#include "base/text.h"

#include <math.h>

void subject_fail(struct subject *s, const struct error *err)
{
    if (!s->failed)
        s->first = *err;
    s->failed = 1;
}

struct instance *subject_call(const struct subject *s, struct instance *i, struct guards *g)
{
    i->cx.guards = g;
    i->cx.random_state = rng_hash(s->random, i->cx.who);
    return i;
}

tcet_status subject_admit(const struct subject *s, const char *name, const char *layer, double *v,
                          struct guards *g, struct error *err)
{
    char text[32];

    if (isfinite(*v))
        return TCET_OK;
    guards_add(g, "nonfinite", 1);
    if (s->plan->nonfinite == NONFINITE_FAIL)
        return error_set(err, TCET_E_NUMERIC, "metric %s is %s%s%s", name, text_f64(text, *v),
                         layer ? " at layer " : "", layer ? layer : "");
    if (s->plan->nonfinite == NONFINITE_DROP)
        *v = layer ? 0 : NAN;
    return TCET_OK;
}
