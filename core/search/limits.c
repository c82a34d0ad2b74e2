/* limits.c -- see limits.h.  Room: core/search. */
#include "search/limits.h"

#include "plugin/calls.h"

#include <math.h>
#include <string.h>

static const char *const fact_names[SEARCH_COUNTS] = {"layers", "size", "flops", NULL, NULL};

/* A limit, or an objective, is about it. */
static int is_asked(const struct search_settings *s, size_t count)
{
    const struct search_limit *l = &s->limit[count];
    int asked = l->min > -INFINITY || l->max < INFINITY;

    for (size_t i = 0; i < s->objective_count; i++)
        asked |= s->objective[i].source == SEARCH_COUNT &&
                 !strcmp(s->objective[i].name, SEARCH_COUNT_NAMES[count]);
    return asked;
}

tcet_status counter_open(struct counter *c, struct plan *plan,
                         const struct search_settings *settings, struct error *err)
{
    tcet_facts facts = {.count = 0};
    char text[TCET_ARCH_MAX];

    *c = (struct counter){.plan = plan, .settings = settings};
    if (OPS(tcet_space_ops, plan->space)->facts) { /* the names are those of any architecture */
        plan->space->cx.random_state = 1;
        TRY(space_random(plan->space, text, sizeof text, err));
        TRY(space_facts(plan->space, text, &plan->task, &facts, err));
        if (facts.count < 0 || facts.count > TCET_FACTS_MAX)
            return error_set(err, TCET_E_PLUGIN, "space %s: facts() gives %d counts",
                             plan->space->plugin->desc.id, facts.count);
    }
    for (size_t i = 0; i < SEARCH_COUNTS; i++) {
        c->official[i] = -1;
        for (int32_t k = 0; k < facts.count && fact_names[i]; k++) {
            if (!strcmp(facts.name[k], fact_names[i]))
                c->official[i] = k;
        }
        c->graph |= c->official[i] < 0 && is_asked(settings, i);
    }
    if (c->graph)
        c->scorer = scorer_new(plan);
    return TCET_OK;
}

void counter_close(struct counter *c)
{
    scorer_free(c->scorer);
}

tcet_status counter_count(struct counter *c, const char *text, struct counts *out,
                          struct error *err)
{
    tcet_facts facts = {.count = 0};
    struct arch_facts graph = {.traits = {.live = 0}};

    if (OPS(tcet_space_ops, c->plan->space)->facts)
        TRY(space_facts(c->plan->space, text, &c->plan->task, &facts, err));
    if (c->graph)
        TRY(scorer_facts(c->scorer, text, &graph, err));
    for (size_t i = 0; i < SEARCH_COUNTS; i++) {
        const struct graph_counts *g = &graph.counts;
        double of_graph[SEARCH_COUNTS] = {(double)g->layers, (double)g->params, (double)g->macs,
                                          (double)g->params, (double)g->macs};

        out->of[i] = c->official[i] >= 0 ? facts.value[c->official[i]]
                     : c->graph          ? of_graph[i]
                                         : NAN;
    }
    return TCET_OK;
}

int counter_judge(struct counter *c, const struct counts *n, int *over, double *violation)
{
    int first = -1;

    *violation = 0;
    for (int i = 0; i < SEARCH_COUNTS; i++) {
        const struct search_limit *l = &c->settings->limit[i];
        double by = n->of[i] > l->max ? n->of[i] - l->max : l->min - n->of[i];
        double part = n->of[i] > l->max ? l->max : l->min;

        if (!(by > 0))
            continue;
        *violation += by / (part > 0 ? part : 1);
        if (first >= 0)
            continue;
        first = i;
        *over = n->of[i] > l->max;
    }
    if (first >= 0)
        c->over[first]++;
    return first;
}

const char *counter_blame(const struct counter *c, struct arena *a)
{
    struct buf b = {0};
    const char *text;

    for (int i = 0; i < SEARCH_COUNTS; i++) {
        const struct search_limit *l = &c->settings->limit[i];

        if (!c->over[i])
            continue;
        buf_puts(&b, b.len ? ", " : "");
        if (l->min > -INFINITY)
            buf_printf(&b, "min_%s = %.15g ", SEARCH_COUNT_NAMES[i], l->min);
        if (l->max < INFINITY)
            buf_printf(&b, "max_%s = %.15g ", SEARCH_COUNT_NAMES[i], l->max);
        buf_printf(&b, "(rejects %lld)", (long long)c->over[i]);
    }
    text = arena_strdup(a, b.len ? b.data : "");
    buf_free(&b);
    return text;
}
