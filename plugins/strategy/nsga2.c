/* nsga2.c -- NSGA-II: evolution towards the front of several objectives (Deb et al., 2002).
 *
 * Room: plugins/strategy.  Touches the SDK and libc alone.
 *
 * What is feasible is before what is not, of two infeasible ones the smaller violation.  Of parents
 * and children together the best fronts stay; of the last that fits in part, those that stand most
 * alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/strategy.h>

enum { VALUES_MOST = 8 };

struct member {
    char *text;
    int64_t number; /* of the ask */
    int32_t count;  /* values; 0: rejected */
    double value[VALUES_MOST];
    double violation;
    int32_t front;   /* 0 is the best */
    double crowding; /* larger stands more alone */
    int32_t beaten;  /* scratch: by how many that have no front yet */
    double key;      /* scratch: what by_key sorts by */
};

struct nsga2 {
    int64_t population;
    double crossover, mutation;
    struct member *members; /* parents, then children that were told */
    int64_t count, room;
    int64_t parents; /* how many are ranked; 0: the first generation is random */
    int64_t asked;   /* of this generation */
    int64_t pending; /* asked and not told */
    int64_t drawn;   /* number of the last ask that got an architecture */
};

static void fini(void *self)
{
    struct nsga2 *p = self;

    for (int64_t i = 0; i < p->count; i++)
        free(p->members[i].text);
    free(p->members);
}

static int dominates(const struct member *a, const struct member *b)
{
    int better = 0;

    if (!a->count || !b->count)
        return a->count ? 1 : !b->count && a->violation < b->violation;
    for (int32_t i = 0; i < a->count; i++) {
        if (a->value[i] < b->value[i])
            return 0;
        better |= a->value[i] > b->value[i];
    }
    return better;
}

/* Gives every member the number of its front. */
static void rank_fronts(struct nsga2 *p)
{
    int64_t ranked = 0;

    for (int64_t i = 0; i < p->count; i++) {
        p->members[i].front = -1;
        p->members[i].beaten = 0;
        for (int64_t j = 0; j < p->count; j++)
            p->members[i].beaten += dominates(&p->members[j], &p->members[i]);
    }
    for (int32_t front = 0; ranked < p->count; front++) {
        for (int64_t i = 0; i < p->count; i++) {
            if (p->members[i].front < 0 && !p->members[i].beaten) {
                p->members[i].front = front;
                ranked++;
            }
        }
        for (int64_t i = 0; i < p->count; i++) {
            if (p->members[i].front != front)
                continue;
            for (int64_t j = 0; j < p->count; j++)
                p->members[j].beaten -= dominates(&p->members[i], &p->members[j]);
        }
    }
}

static int by_front(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    if (x->front != y->front)
        return x->front < y->front ? -1 : 1;
    if (x->crowding != y->crowding)
        return x->crowding > y->crowding ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Crowding distances of the n members of one front. */
static void crowd(struct member *m, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        m[i].crowding = 0;
    for (int32_t k = 0; k < m->count; k++) {
        double range;

        for (int64_t i = 0; i < n; i++)
            m[i].key = m[i].value[k];
        qsort(m, (size_t)n, sizeof *m, by_key);
        range = m[n - 1].key - m[0].key;
        m[0].crowding = m[n - 1].crowding = INFINITY;
        for (int64_t i = 1; i + 1 < n && range > 0; i++)
            m[i].crowding += (m[i + 1].key - m[i - 1].key) / range;
    }
}

/* Of parents and children the next parents. */
static void select_parents(struct nsga2 *p)
{
    rank_fronts(p);
    for (int64_t i = 0; i < p->count; i++)
        p->members[i].crowding = 0;
    qsort(p->members, (size_t)p->count, sizeof *p->members, by_front);
    for (int64_t i = 0, n; i < p->count; i += n) {
        for (n = 1; i + n < p->count && p->members[i + n].front == p->members[i].front; n++)
            continue;
        crowd(&p->members[i], n);
    }
    qsort(p->members, (size_t)p->count, sizeof *p->members, by_front);
    while (p->count > p->population)
        free(p->members[--p->count].text);
    p->parents = p->count;
    p->asked = 0;
}

/* The better of two drawn: since parents are sorted, the one that stands before the other. */
static const struct member *parent(tcet_ctx *cx, const struct nsga2 *p)
{
    uint64_t a = cx->host->random(cx) % (uint64_t)p->parents;
    uint64_t b = cx->host->random(cx) % (uint64_t)p->parents;

    return &p->members[a < b ? a : b];
}

static int chance(tcet_ctx *cx, double probability)
{
    return (double)(cx->host->random(cx) >> 11) * 0x1p-53 < probability;
}

static tcet_status make_child(tcet_ctx *cx, struct nsga2 *p, const tcet_space_view *space,
                              tcet_ask *out)
{
    const struct member *a = parent(cx, p), *b;
    char *joined = cx->host->scratch(cx, out->cap);
    tcet_status st;

    if (!joined)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a child");
    out->parents[0] = a->number;
    out->origin = "mutation";
    if (!chance(cx, p->crossover))
        return space->mutate(cx, space->space, a->text, out->text, out->cap);
    if (!space->crossover)
        return tcet_fail(cx, TCET_E_UNSUPPORTED, "this space has no crossover; set crossover = 0");
    b = parent(cx, p);
    out->parents[1] = b->number;
    out->origin = "crossover";
    if (!chance(cx, p->mutation) && strcmp(a->text, b->text) != 0)
        return space->crossover(cx, space->space, a->text, b->text, out->text, out->cap);
    st = space->crossover(cx, space->space, a->text, b->text, joined, out->cap);
    return st < 0 ? st : space->mutate(cx, space->space, joined, out->text, out->cap);
}

static tcet_status ask(tcet_ctx *cx, void *self, const tcet_space_view *space, tcet_ask *out)
{
    struct nsga2 *p = self;

    if (space->value_count > VALUES_MOST)
        return tcet_fail(cx, TCET_E_UNSUPPORTED, "more than 8 objectives");
    if (out->number == p->drawn) { /* it is drawn again, since it was rejected */
        p->asked--;
        p->pending--;
    }
    p->drawn = 0;
    if (p->asked == p->population) {
        if (p->pending) {
            out->answer = TCET_ASK_WAIT;
            return TCET_OK;
        }
        select_parents(p);
    }
    p->asked++;
    p->pending++;
    p->drawn = out->number;
    if (p->parents)
        return make_child(cx, p, space, out);
    out->origin = "random";
    return space->random(cx, space->space, out->text, out->cap);
}

static tcet_status make_room(tcet_ctx *cx, struct nsga2 *p)
{
    int64_t room = p->room ? 2 * p->room : 2 * p->population;
    struct member *more;

    if (p->count < p->room)
        return TCET_OK;
    more = realloc(p->members, (size_t)room * sizeof *more);
    if (!more)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    p->members = more;
    p->room = room;
    return TCET_OK;
}

/* Failed ones stay out. */
static tcet_status tell(tcet_ctx *cx, void *self, const tcet_told *told)
{
    struct nsga2 *p = self;
    struct member *m;
    tcet_status st = make_room(cx, p);

    if (st < 0)
        return st;
    p->pending -= told->asked;
    if (told->status == TCET_TOLD_FAILED)
        return TCET_OK;
    m = &p->members[p->count];
    *m = (struct member){.text = strdup(told->text),
                         .number = told->number,
                         .count = told->value_count,
                         .violation = told->violation};
    if (!m->text)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the population");
    for (int32_t i = 0; i < told->value_count && i < VALUES_MOST; i++)
        m->value[i] = told->values[i];
    p->count++;
    return TCET_OK;
}

static tcet_status rescored(tcet_ctx *cx, void *self, const tcet_told *told)
{
    struct nsga2 *p = self;

    (void)cx;
    for (int64_t k = 0; k < p->count; k++) {
        for (int32_t i = 0; i < told->value_count && p->members[k].number == told->number; i++)
            p->members[k].value[i] = told->values[i];
    }
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_I64(struct nsga2, population, "40", 2, 10000,
                   "Parents, and children of a generation; the first generation is random."),
    TCET_PARAM_F64(struct nsga2, crossover, "0.5", 0.0, 1.0,
                   "Probability that a child has two parents; else it is a mutation of one."),
    TCET_PARAM_F64(struct nsga2, mutation, "1", 0.0, 1.0,
                   "Probability that a child of two parents is mutated too."),
};
static const tcet_strategy_ops ops = {
    .struct_size = sizeof ops, .ask = ask, .tell = tell, .rescored = rescored};
static const tcet_plugin nsga2 = {
    .struct_size = sizeof nsga2,
    .kind = TCET_STRATEGY,
    .id = "nsga2",
    .version = "1.0.1",
    .summary = "NSGA-II: evolution towards the Pareto front of several objectives.",
    .cite = "Deb et al.: A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002",
    TCET_PARAMS(struct nsga2, params),
    .ops = &ops,
    .fini = fini,
};

TCET_MODULE(&nsga2)
