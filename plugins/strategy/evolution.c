/* evolution.c -- evolutionary search by mutation and, where the space has one, crossover.
 *
 * Room: plugins/strategy.  Touches the SDK and libc alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/draft/strategy.h>

struct member {
    char *text;
    double score;
};

struct evolution {
    int64_t population, sample;
    double crossover;
    int32_t evict;
    struct member *members; /* the oldest first */
    int64_t count;
};

enum { EVICT_OLDEST = 0, EVICT_WORST = 1 };

static tcet_status init(tcet_ctx *cx, void *self)
{
    struct evolution *p = self;

    p->members = calloc((size_t)p->population + 1, sizeof *p->members);
    if (!p->members)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    return TCET_OK;
}

static void fini(void *self)
{
    struct evolution *p = self;

    for (int64_t i = 0; i < p->count; i++)
        free(p->members[i].text);
    free(p->members);
}

/* The best of `sample` members drawn with replacement. */
static const char *parent(tcet_ctx *cx, const struct evolution *p)
{
    const struct member *best = NULL;

    for (int64_t i = 0; i < p->sample; i++) {
        const struct member *m = &p->members[cx->host->random(cx) % (uint64_t)p->count];

        if (!best || m->score > best->score)
            best = m;
    }
    return best->text;
}

/* Random architectures until the population is full, then children. */
static tcet_status ask(tcet_ctx *cx, void *self, const tcet_space_view *space, char *text,
                       size_t cap, int32_t *done)
{
    struct evolution *p = self;
    const char *a, *b;

    *done = 0;
    if (p->count < p->population)
        return space->random(cx, space->space, text, cap);
    a = parent(cx, p);
    if (p->crossover > 0.0 && (double)(cx->host->random(cx) >> 11) * 0x1p-53 < p->crossover) {
        b = parent(cx, p);
        if (!space->crossover)
            return tcet_fail(cx, TCET_E_UNSUPPORTED,
                             "this space has no crossover; set crossover = 0");
        if (strcmp(a, b) != 0)
            return space->crossover(cx, space->space, a, b, text, cap);
    }
    return space->mutate(cx, space->space, a, text, cap);
}

/* Failed architectures stay out. */
static tcet_status tell(tcet_ctx *cx, void *self, const char *text, double score)
{
    struct evolution *p = self;
    int64_t out = 0;

    if (isnan(score))
        return TCET_OK;
    p->members[p->count].text = strdup(text);
    p->members[p->count].score = score;
    if (!p->members[p->count].text)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    p->count++;
    if (p->count <= p->population)
        return TCET_OK;
    for (int64_t i = 1; i < p->count && p->evict == EVICT_WORST; i++) {
        if (p->members[i].score < p->members[out].score)
            out = i;
    }
    free(p->members[out].text);
    p->count--;
    memmove(&p->members[out], &p->members[out + 1], (size_t)(p->count - out) * sizeof *p->members);
    return TCET_OK;
}

static const char *const evict[] = {"oldest", "worst", NULL};
static const tcet_param params[] = {
    TCET_PARAM_I64(struct evolution, population, "64", 2, 1000000,
                   "Members; the first so many are random architectures."),
    TCET_PARAM_I64(struct evolution, sample, "10", 1, 1000000,
                   "A parent is the best of so many members drawn at random."),
    TCET_PARAM_F64(struct evolution, crossover, "0", 0.0, 1.0,
                   "Probability that a child has two parents instead of a mutation."),
    TCET_PARAM_CHOICE(struct evolution, evict, "oldest", evict,
                      "Who leaves a full population: oldest (aging evolution), or worst (with "
                      "population = 512, sample = 1: ZenNAS)."),
};
static const tcet_strategy_ops ops = {.struct_size = sizeof ops, .ask = ask, .tell = tell};
static const tcet_plugin evolution = {
    .struct_size = sizeof evolution,
    .kind = TCET_STRATEGY,
    .id = "evolution",
    .version = "1.0.0",
    .summary = "Evolution: the best of a random few is mutated, the oldest or worst leaves.",
    .cite = "Real et al.: Regularized evolution, AAAI 2019; idstcv/ZenNAS evolution_search.py",
    TCET_PARAMS(struct evolution, params),
    .ops = &ops,
    .init = init,
    .fini = fini,
};

TCET_MODULE(&evolution)
