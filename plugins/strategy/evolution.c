/* evolution.c -- evolutionary search by mutation and, where the space has one, crossover: aging
 * evolution, and ZenNAS's, whose population loses its worst.
 *
 * Room: plugins/strategy.  Touches the SDK and libc alone. */
#include <stdlib.h>
#include <string.h>
#include <tcet/failf.h>
#include <tcet/strategy.h>

struct member {
    char *text;
    int64_t number; /* of the ask */
    double value;   /* the first objective */
};

struct evolution {
    int64_t population, sample, initial;
    double crossover;
    int32_t evict;
    const char *parents;
    int64_t best;                 /* K of parents = best:K; 0: a tournament */
    struct member *members;       /* the oldest first */
    const struct member **ranked; /* scratch: the K best */
    int64_t count, pending;       /* pending: asked and not told */
    int64_t drawn;                /* number of the last ask */
};

enum { EVICT_OLDEST = 0, EVICT_WORST = 1 };

/* parents = tournament | best:K */
static tcet_status read_parents(tcet_ctx *cx, struct evolution *p)
{
    char *end;

    if (!strcmp(p->parents, "tournament"))
        return TCET_OK;
    if (!strncmp(p->parents, "best:", 5)) {
        p->best = strtoll(p->parents + 5, &end, 10);
        if (p->best > 0 && p->best <= p->population && !*end)
            return TCET_OK;
    }
    return tcet_failf(cx, TCET_E_ARG,
                      "parents = \"%.40s\": expected tournament, or best:K with K from 1 to the "
                      "population, %lld",
                      p->parents, (long long)p->population);
}

static tcet_status init(tcet_ctx *cx, void *self)
{
    struct evolution *p = self;
    tcet_status st = read_parents(cx, p);

    if (st < 0)
        return st;
    if (p->initial > p->population)
        return tcet_failf(cx, TCET_E_ARG, "initial = %lld is more than the population, %lld",
                          (long long)p->initial, (long long)p->population);
    if (!p->initial)
        p->initial = p->population;
    p->members = calloc((size_t)p->population + 1, sizeof *p->members);
    p->ranked = calloc((size_t)p->best + 1, sizeof *p->ranked);
    if (!p->members || !p->ranked) {
        free(p->members);
        free(p->ranked);
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    }
    return TCET_OK;
}

static void fini(void *self)
{
    struct evolution *p = self;

    for (int64_t i = 0; i < p->count; i++)
        free(p->members[i].text);
    free(p->members);
    free(p->ranked);
}

/* One of the K best members; of equal ones the older is better. */
static const struct member *one_of_best(tcet_ctx *cx, struct evolution *p)
{
    int64_t n = 0;

    for (int64_t i = 0; i < p->count; i++) {
        int64_t at = n;

        while (at > 0 && p->ranked[at - 1]->value < p->members[i].value)
            at--;
        if (at >= p->best)
            continue;
        if (n < p->best)
            n++;
        memmove(&p->ranked[at + 1], &p->ranked[at], (size_t)(n - 1 - at) * sizeof *p->ranked);
        p->ranked[at] = &p->members[i];
    }
    return p->ranked[cx->host->random(cx) % (uint64_t)n];
}

/* The best of `sample` members drawn with replacement, the first of equals; or one of the K best. */
static const struct member *parent(tcet_ctx *cx, struct evolution *p)
{
    const struct member *best = NULL;

    if (p->best)
        return one_of_best(cx, p);
    for (int64_t i = 0; i < p->sample; i++) {
        const struct member *m = &p->members[cx->host->random(cx) % (uint64_t)p->count];

        if (!best || m->value > best->value)
            best = m;
    }
    return best;
}

static tcet_status make_child(tcet_ctx *cx, struct evolution *p, const tcet_space_view *space,
                              tcet_ask *out)
{
    const struct member *a = parent(cx, p), *b;

    out->parents[0] = a->number;
    if (p->crossover > 0.0 && (double)(cx->host->random(cx) >> 11) * 0x1p-53 < p->crossover) {
        b = parent(cx, p);
        if (!space->crossover)
            return tcet_fail(cx, TCET_E_UNSUPPORTED,
                             "this space has no crossover; set crossover = 0");
        if (strcmp(a->text, b->text) != 0) {
            out->origin = "crossover";
            out->parents[1] = b->number;
            return space->crossover(cx, space->space, a->text, b->text, out->text, out->cap);
        }
    }
    out->origin = "mutation";
    return space->mutate(cx, space->space, a->text, out->text, out->cap);
}

/* Random architectures until so many are members, or may become ones; then children. */
static tcet_status ask(tcet_ctx *cx, void *self, const tcet_space_view *space, tcet_ask *out)
{
    struct evolution *p = self;
    int random;

    p->pending -= out->number == p->drawn; /* which is drawn again, since it was rejected */
    p->drawn = out->number;
    random = !p->count || p->count + p->pending < p->initial;
    p->pending++;
    if (!random)
        return make_child(cx, p, space, out);
    out->origin = "random";
    return space->random(cx, space->space, out->text, out->cap);
}

/* Who leaves a population that has one too many: the oldest, or the first of the worst. */
static void evict(struct evolution *p)
{
    int64_t out = 0;

    for (int64_t i = 1; i < p->count && p->evict == EVICT_WORST; i++) {
        if (p->members[i].value < p->members[out].value)
            out = i;
    }
    free(p->members[out].text);
    p->count--;
    memmove(&p->members[out], &p->members[out + 1], (size_t)(p->count - out) * sizeof *p->members);
}

/* Failed and rejected ones stay out. */
static tcet_status tell(tcet_ctx *cx, void *self, const tcet_told *told)
{
    struct evolution *p = self;
    char *text;

    p->pending -= told->asked;
    if (!told->value_count)
        return TCET_OK;
    text = strdup(told->text);
    if (!text)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    p->members[p->count++] = (struct member){text, told->number, told->values[0]};
    if (p->count > p->population)
        evict(p);
    return TCET_OK;
}

static tcet_status rescored(tcet_ctx *cx, void *self, const tcet_told *told)
{
    struct evolution *p = self;

    (void)cx;
    for (int64_t i = 0; i < p->count; i++) {
        if (p->members[i].number == told->number)
            p->members[i].value = told->values[0];
    }
    return TCET_OK;
}

static const char *const evictions[] = {"oldest", "worst", NULL};
static const tcet_param params[] = {
    TCET_PARAM_I64(struct evolution, population, "64", 2, 1000000, "Members."),
    TCET_PARAM_I64(struct evolution, initial, "0", 0, 1000000,
                   "The first so many are random architectures; 0: the population."),
    TCET_PARAM_I64(struct evolution, sample, "10", 1, 1000000,
                   "A parent is the best of so many members drawn at random, with replacement."),
    TCET_PARAM_TEXT(struct evolution, parents, "tournament",
                    "Who becomes a parent: tournament, see sample; or best:K, any of the K best."),
    TCET_PARAM_F64(struct evolution, crossover, "0", 0.0, 1.0,
                   "Probability that a child has two parents instead of a mutation."),
    TCET_PARAM_CHOICE(struct evolution, evict, "oldest", evictions,
                      "Who leaves a full population: oldest (aging evolution), or worst (with "
                      "population = 512, initial = 11, sample = 1: ZenNAS)."),
};
static const tcet_strategy_ops ops = {
    .struct_size = sizeof ops, .ask = ask, .tell = tell, .rescored = rescored};
static const tcet_plugin evolution = {
    .struct_size = sizeof evolution,
    .kind = TCET_STRATEGY,
    .id = "evolution",
    .version = "1.1.1",
    .summary = "Evolution: the best of a random few is mutated, the oldest or worst leaves.",
    .cite = "Real et al.: Regularized evolution, AAAI 2019; idstcv/ZenNAS evolution_search.py",
    TCET_PARAMS(struct evolution, params),
    .ops = &ops,
    .init = init,
    .fini = fini,
};

TCET_MODULE(&evolution)
