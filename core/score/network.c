/* network.c -- see network.h.  Room: core/score. */
#include "score/network.h"

#include "base/clock.h"
#include "plugin/calls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int site_number(uint32_t site)
{
    return __builtin_ctz(site);
}

tcet_status floats_grow(float **p, size_t *cap, size_t n, struct error *err)
{
    if (n > *cap) {
        free(*p);
        *cap = 0;
        *p = mem_try(n, sizeof **p);
        if (!*p)
            return error_set(err, TCET_E_MEMORY, "no memory for %zu weights", n);
        *cap = n;
    }
    return TCET_OK;
}

void network_open(struct network *n, int thin)
{
    *n = (struct network){.thin = thin, .graph = graph_new()};
}

void network_close(struct network *n)
{
    graph_free(n->graph);
    free(n->params);
}

void network_begin(struct network *n)
{
    n->made = n->drawn = n->constant = 0;
    n->w_sum = NAN;
    n->seconds_build = n->seconds_init = 0;
}

/* -- Sites ------------------------------------------------------------------------------ */

static int64_t units_of(const tcet_node *node)
{
    return (int64_t)node->c * node->h * node->w;
}

static const char *module_name(const struct network *n, struct arena *a, int32_t module)
{
    char name[512];

    return module < 0 ? ""
                      : arena_strdup(a, graph_module_name(n->graph, module, name, sizeof name));
}

static void site_open(struct site *s, struct arena *a, size_t cap)
{
    s->names = arena_alloc(a, (cap + 1) * sizeof *s->names);
    s->modules = arena_alloc(a, (cap + 1) * sizeof *s->modules);
    s->order = arena_alloc(a, (cap + 1) * sizeof *s->order);
    s->calls = arena_alloc(a, (cap + 1) * sizeof *s->calls);
    s->units = arena_alloc(a, (cap + 1) * sizeof *s->units);
    s->count = 0;
}

/* Adds a layer that is not executed, and gives its index. */
static size_t site_add(struct site *s, int32_t module, const char *name)
{
    size_t n = s->count++;

    s->names[n] = name;
    s->modules[n] = module;
    s->order[n] = -1;
    return n;
}

/* A value of the graph as a layer. */
static void site_add_value(struct site *s, const tcet_node *value, int32_t module, const char *name)
{
    size_t n = site_add(s, module, name);

    s->order[n] = (int32_t)n;
    s->calls[n] = 1;
    s->units[n] = value ? units_of(value) : 0;
}

/* One execution of layer i. */
static void site_execute(struct site *s, int32_t i, const tcet_node *node, int32_t *next)
{
    if (s->order[i] < 0)
        s->order[i] = (*next)++;
    s->calls[i]++;
    s->units[i] += units_of(node);
}

/* The sites of single values. */
static void list_values(struct network *n, struct arena *a)
{
    const tcet_graph *g = graph_view(n->graph);
    const tcet_node *input = NULL;

    for (int32_t i = 0; i < g->node_count && !input; i++)
        input = g->nodes[i].op == TCET_OP_INPUT ? &g->nodes[i] : NULL;
    for (uint32_t bit = TCET_SITE_INPUT; bit <= TCET_SITE_LOGITS; bit <<= 1) {
        struct site *s = &n->site[site_number(bit)];

        site_open(s, a, 1);
        if (bit == TCET_SITE_INPUT)
            site_add_value(s, input, -1, "input");
        else if (bit == TCET_SITE_LOGITS)
            site_add_value(s, &g->nodes[g->output], -1, "logits");
        else
            site_add_value(s, g->features < 0 ? NULL : &g->nodes[g->features], -1, "features");
    }
}

void network_list(struct network *n, struct arena *a)
{
    const tcet_graph *g = graph_view(n->graph);
    const int32_t *layers = graph_layers(n->graph);
    struct site *weight = &n->site[site_number(TCET_SITE_WEIGHT)];
    struct site *norm = &n->site[site_number(TCET_SITE_NORM)];
    struct site *activation = &n->site[site_number(TCET_SITE_ACTIVATION)];
    struct site *other = &n->site[site_number(TCET_SITE_PARAMETER)];
    int32_t *place = arena_alloc(a, ((size_t)g->module_count + 1) * sizeof *place);
    int32_t next_weight = 0, next_norm = 0;

    graph_find_live(n->graph);
    site_open(weight, a, (size_t)g->layer_count);
    site_open(norm, a, (size_t)g->module_count);
    site_open(activation, a, (size_t)g->node_count);
    site_open(other, a, (size_t)g->module_count);
    for (int32_t i = 0; i < g->layer_count; i++) {
        place[layers[i]] = i;
        site_add(weight, layers[i], module_name(n, a, layers[i]));
    }
    for (int32_t m = 0; m < g->module_count; m++) {
        if (!g->modules[m].weight_count || g->modules[m].layer >= 0)
            continue;
        if (g->modules[m].kind == TCET_LAYER_NORM)
            place[m] = (int32_t)site_add(norm, m, module_name(n, a, m));
        else if (graph_module_role(n->graph, m) == GRAPH_LEARNED)
            site_add(other, m, module_name(n, a, m));
    }
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *node = &g->nodes[i];
        const struct graph_op *op = graph_op(node->op);
        int32_t m = node->module;

        if (op->activation)
            site_add_value(activation, node, m, module_name(n, a, m));
        else if (m >= 0 && op->kind == TCET_LAYER_NORM && g->modules[m].weight_count)
            site_execute(norm, place[m], node, &next_norm);
        else if (m >= 0 && op->kind != TCET_LAYER_NORM && g->modules[m].layer >= 0)
            site_execute(weight, place[m], node, &next_weight);
    }
    list_values(n, a);
}

static uint32_t kind_of(uint32_t site, const tcet_graph_module *m)
{
    switch (site) {
    case TCET_SITE_ACTIVATION: return TCET_LAYER_ACTIVATION;
    case TCET_SITE_INPUT: return TCET_LAYER_INPUT;
    case TCET_SITE_FEATURES: return TCET_LAYER_FEATURES;
    case TCET_SITE_LOGITS: return TCET_LAYER_LOGITS;
    default: return m->kind;
    }
}

/* Of a layer, NULL none. */
static const tcet_graph_module *module_of(const struct network *n, uint32_t site, size_t index)
{
    int32_t module = n->site[site_number(site)].modules[index];

    return module < 0 ? NULL : &graph_view(n->graph)->modules[module];
}

int64_t network_layer_weights(const struct network *n, uint32_t site, size_t index)
{
    const tcet_graph_module *m = module_of(n, site, index);

    return m ? m->weight_count : 0;
}

tcet_layer network_layer(const struct network *n, uint32_t site, size_t index, int64_t shape[4])
{
    const struct site *s = &n->site[site_number(site)];
    const tcet_graph_module *m = module_of(n, site, index);
    struct graph_part live;
    tcet_layer l = {.struct_size = sizeof l,
                    .kind = kind_of(site, m),
                    .site = site,
                    .index = (int32_t)index,
                    .order = s->order[index],
                    .calls = s->calls[index],
                    .cell = m ? m->cell : -1,
                    .name = s->names[index],
                    .units = s->units[index],
                    .container = graph_module_class(n->graph, m ? m->parent : -1)};

    if (m) {
        memcpy(shape, m->shape, sizeof m->shape);
        l.params = m->weight_count + m->bias_count;
        l.macs = graph_module_macs(n->graph, s->modules[index]);
        l.bias_macs = graph_module_bias_macs(n->graph, s->modules[index]);
        l.chain = graph_module_chain(n->graph, s->modules[index]);
        graph_module_live(n->graph, s->modules[index], &live);
        l.live_params = live.params;
        l.live_macs = live.macs;
        l.live_bias_macs = live.bias_macs;
        l.live_chain = live.chain;
        l.weight.count = m->weight_count;
        l.weight.shape = shape;
        l.weight.ndim = m->ndim;
    }
    return l;
}

/* -- Graph and weights ------------------------------------------------------------------- */

tcet_status network_build(struct network *n, const struct subject *s, struct error *err)
{
    struct instance *space = s->plan->space;
    tcet_task task = s->plan->task;

    if (n->thin)
        graph_thin_task(&task);
    graph_reset(n->graph, &task);
    TRY(space_build(subject_call(s, space, NULL), n->thin, s->arch, &task, graph_builder(n->graph),
                    err));
    return graph_finish(n->graph, err);
}

tcet_status network_build_scored(struct network *n, const struct subject *s, struct error *err)
{
    TRY(network_build(n, s, err));
    n->constant = s->plan->prune ? graph_prune(n->graph) : 0;
    return TCET_OK;
}

tcet_status network_draw(struct network *n, const struct subject *s, uint64_t seed,
                         struct error *err)
{
    double start = clock_now();

    if (n->drawn && n->drawn_seed == seed)
        return TCET_OK;
    TRY(floats_grow(&n->params, &n->params_cap, (size_t)graph_view(n->graph)->param_floats, err));
    plan_draw_weights(s->plan, n->graph, seed, n->params);
    n->drawn = 1;
    n->drawn_seed = seed;
    if (seed == s->plan->seed + s->again)
        n->w_sum = graph_weight_sum(n->graph, n->params);
    n->seconds_init += clock_now() - start;
    return TCET_OK;
}

tcet_status network_make(struct network *n, struct subject *s, struct error *err)
{
    double start = clock_now();

    TRY(network_build_scored(n, s, err));
    network_list(n, &s->arena);
    n->made = 1;
    n->seconds_build = clock_now() - start;
    return TCET_OK;
}
