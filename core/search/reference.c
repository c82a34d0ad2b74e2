/* reference.c -- the reference population of scores that are ranks: drawn at random and scored before
 * the first ask (internal.h).  Room: core/search. */
#include "search/internal.h"

#include "num/rng.h"
#include "plugin/calls.h"

enum { AT_ONCE = 64 }; /* wanted and not told */

int reference_lacks(const struct search *s)
{
    return s->ranks && s->settings->ranks == RANKS_REFERENCE &&
           s->reference_told < s->settings->reference;
}

/* Member i is the same whoever asks for it, and in which order. */
tcet_status reference_advance(struct search *s, int *waits, struct error *err)
{
    uint64_t base = rng_hash((uint64_t)s->setup.seed, "reference");
    char text[TCET_ARCH_MAX];

    while (s->reference_asked < s->settings->reference &&
           s->reference_asked - s->reference_told < AT_ONCE) {
        uint64_t state = base + (uint64_t)s->reference_asked;

        s->plan->space->cx.random_state = rng_mix(&state);
        TRY(space_random(s->plan->space, text, sizeof text, err));
        search_want(s, -++s->reference_asked, text, 0);
    }
    *waits = 1;
    return TCET_OK;
}

/* Those without a value stay out; their order does not matter to ranks. */
tcet_status reference_take(struct search *s, const struct result_row *row, struct error *err)
{
    struct known k = {.key = NULL};

    outcome_take(s, row, &k);
    for (size_t i = 0; i < s->objective_count; i++) {
        struct ranks *r = s->objective[i].ranks;

        if (r && !k.failed && !ranks_lacks(r, k.columns))
            ranks_add(r, k.columns);
    }
    if (++s->reference_told == s->settings->reference && s->ranks->count < 2)
        return error_set(err, TCET_E_ARG,
                         "of the %lld architectures of the reference population none or one has a "
                         "score: %s",
                         (long long)s->settings->reference, k.reason);
    return TCET_OK;
}
