/* local.c -- local search: scores all neighbours of an architecture, goes to the best of them if
 * that is better, and else begins again from a random one.
 *
 * Room: plugins/strategy.  Touches the SDK and libc alone. */
#include <stdlib.h>
#include <string.h>
#include <tcet/strategy.h>

struct place {
    char text[TCET_ARCH_MAX];
    int64_t number; /* of the ask; 0: nowhere */
    double value;   /* the first objective */
};

struct local {
    struct place here, best; /* where it is, and the best neighbour so far */
    int64_t *order;          /* of the neighbours */
    int64_t count, next;     /* neighbours, and how many of them were asked for */
    int64_t pending;         /* asked and not told */
    int64_t drawn;           /* number of the last ask that got an architecture */
};

static void fini(void *self)
{
    free(((struct local *)self)->order);
}

/* Stands at the best there is, with its neighbours in random order. */
static tcet_status settle(tcet_ctx *cx, struct local *p, const tcet_space_view *space)
{
    char unused[TCET_ARCH_MAX];
    tcet_status st;

    p->here = p->best;
    p->best.number = 0;
    p->next = 0;
    st = space->neighbours(cx, space->space, p->here.text, -1, &p->count, unused, sizeof unused);
    if (st < 0)
        return st;
    free(p->order);
    p->order = calloc((size_t)p->count + 1, sizeof *p->order);
    if (!p->order)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the neighbours");
    for (int64_t i = 0; i < p->count; i++) {
        int64_t at = (int64_t)(cx->host->random(cx) % (uint64_t)(i + 1));

        p->order[i] = p->order[at];
        p->order[at] = i;
    }
    return TCET_OK;
}

static tcet_status start(tcet_ctx *cx, struct local *p, const tcet_space_view *space, tcet_ask *out)
{
    p->here.number = p->best.number = 0;
    p->count = p->next = 0;
    p->pending++;
    p->drawn = out->number;
    out->origin = "start";
    return space->random(cx, space->space, out->text, out->cap);
}

static tcet_status ask(tcet_ctx *cx, void *self, const tcet_space_view *space, tcet_ask *out)
{
    struct local *p = self;
    tcet_status st;

    if (!space->neighbours)
        return tcet_fail(cx, TCET_E_UNSUPPORTED, "this space does not list neighbours");
    p->pending -= out->number == p->drawn; /* which is drawn again, since it was rejected */
    p->drawn = 0;
    if (p->next == p->count) {
        if (p->pending) {
            out->answer = TCET_ASK_WAIT;
            return TCET_OK;
        }
        if (!p->best.number || (p->here.number && !(p->best.value > p->here.value)))
            return start(cx, p, space, out);
        if ((st = settle(cx, p, space)) < 0)
            return st;
        if (!p->count)
            return start(cx, p, space, out);
    }
    p->pending++;
    p->drawn = out->number;
    out->origin = "neighbour";
    out->parents[0] = p->here.number;
    return space->neighbours(cx, space->space, p->here.text, p->order[p->next++], &p->count,
                             out->text, out->cap);
}

/* A start is the best so far of what is nowhere yet, as is what the search began with. */
static tcet_status tell(tcet_ctx *cx, void *self, const tcet_told *told)
{
    struct local *p = self;

    (void)cx;
    p->pending -= told->asked;
    if (!told->value_count || (p->best.number && !(told->values[0] > p->best.value)))
        return TCET_OK;
    strcpy(p->best.text, told->text);
    p->best.number = told->number;
    p->best.value = told->values[0];
    return TCET_OK;
}

static const tcet_strategy_ops ops = {.struct_size = sizeof ops, .ask = ask, .tell = tell};
static const tcet_plugin local = {
    .struct_size = sizeof local,
    .kind = TCET_STRATEGY,
    .id = "local",
    .version = "1.0.1",
    .summary = "Local search: all neighbours, then on from the best of them, or from a random one.",
    .cite =
        "White et al.: Exploring the loss landscape in NAS, UAI 2021; automl/NASLib discrete/ls",
    .instance_size = sizeof(struct local),
    .ops = &ops,
    .fini = fini,
};

TCET_MODULE(&local)
