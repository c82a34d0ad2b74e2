/* network.c -- see network.h.  Room: core/train. */
#include "train/network.h"

#include "plugin/calls.h"

#include <stdlib.h>
#include <string.h>

tcet_status train_network_build(struct train_network *n, struct plan *p,
                                const struct train_settings *s, const char *arch, uint64_t seed,
                                struct error *err)
{
    TRY(space_check(p->space, arch, err));
    n->graph = graph_new();
    graph_reset(n->graph, &p->task);
    if (s->default_init)
        TRY(space_build(p->space, 0, arch, &p->task, graph_builder(n->graph), err));
    else
        TRY(space_build_train(p->space, arch, &p->task, graph_builder(n->graph), err));
    TRY(graph_finish(n->graph, err));
    n->count = graph_view(n->graph)->param_floats;
    n->running_count = net_running(n->graph);
    n->params = mem_try((size_t)n->count + 1, sizeof *n->params);
    n->running = mem_try((size_t)n->running_count + 1, sizeof *n->running);
    if (!n->params || !n->running)
        return error_set(err, TCET_E_MEMORY, "no memory for %lld weights", (long long)n->count);
    plan_draw_weights(p, n->graph, seed, n->params);
    return TCET_OK;
}

/* count numbers of a state, from number `from` on, whatever their precision. */
static void copy(const struct checkpoint_state *s, int wide, int64_t from, float *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double d;
        float f;

        if (wide) {
            memcpy(&d, (const char *)s->data + (size_t)(from + i) * sizeof d, sizeof d);
            f = (float)d;
        } else {
            memcpy(&f, (const char *)s->data + (size_t)(from + i) * sizeof f, sizeof f);
        }
        to[i] = f;
    }
}

tcet_status train_network_take(struct train_network *n, const struct train_settings *s,
                               const struct checkpoint *c, const char *path, struct error *err)
{
    int wide = s->how.precision == TCET_TRAIN_F64, average = s->how.ema > 0;
    size_t element = wide ? sizeof(double) : sizeof(float);
    const struct checkpoint_state *params = &c->state[average ? TCET_STATE_EMA : TCET_STATE_PARAMS];
    const struct checkpoint_state *running =
        &c->state[average ? TCET_STATE_EMA : TCET_STATE_RUNNING];
    int64_t after = average ? n->count : 0;

    if (params->n != (size_t)(n->count + (average ? n->running_count : 0)) * element ||
        running->n != (size_t)(n->running_count + after) * element)
        return error_set(err, TCET_E_ARG, "%s: holds another network's weights", path);
    copy(params, wide, 0, n->params, n->count);
    copy(running, wide, after, n->running, n->running_count);
    n->steps = c->steps;
    return TCET_OK;
}

tcet_status train_network_read(struct train_network *n, const char *path, struct error *err)
{
    return net_read(path, n->graph, n->params, n->running, &n->steps, err);
}

void train_network_free(struct train_network *n)
{
    graph_free(n->graph);
    free(n->params);
    free(n->running);
    *n = (struct train_network){.graph = NULL};
}
