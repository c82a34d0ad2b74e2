/* graph.c -- life of a graph, its completion, names and counts; see graph.h.
 * Room: core/graph.  Stands on core/base and the SDK. */
#include "graph/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *graph_grow(void *old, int32_t *cap, int32_t need, size_t size)
{
    if (need <= *cap)
        return old;
    *cap = need < 32 ? 64 : need * 2;
    return mem_resize(old, (size_t)*cap * size);
}

struct graph *graph_new(void)
{
    struct graph *g = mem_alloc(sizeof *g);
    tcet_task none = {.struct_size = sizeof none};

    graph_builder_init(g);
    graph_reset(g, &none);
    return g;
}

static void drop_indices(struct graph *g)
{
    while (g->index_lists)
        free(g->indices[--g->index_lists]);
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    drop_indices(g);
    free(g->indices);
    free(g->nodes);
    free(g->inputs);
    free(g->modules);
    free(g->costs);
    free(g->layers);
    free(g->steps);
    free(g->given);
    free(g->means);
    free(g->variances);
    free(g->fates);
    free(g);
}

void graph_reset(struct graph *g, const tcet_task *task)
{
    g->view = (tcet_graph){.struct_size = sizeof g->view,
                           .output = -1,
                           .features = -1,
                           .channels = task->channels,
                           .height = task->height,
                           .width = task->width,
                           .classes = task->classes};
    g->node_count = g->input_count = g->module_count = g->step_count = 0;
    g->given_count = 0;
    g->maps = task->target >= TCET_TARGET_PIXELS;
    drop_indices(g);
    g->cell = -1;
    g->counts = (struct graph_counts){0};
    g->err.status = TCET_OK;
    g->err.text[0] = '\0';
}

tcet_builder *graph_builder(struct graph *g)
{
    return &g->builder;
}

/* Lays the parameters out in creation order and numbers the layers. */
static void lay_out(struct graph *g)
{
    int32_t layers = 0;
    int64_t at = 0, weights = 0, fixed = 0;

    for (int32_t i = 0; i < g->module_count; i++) {
        tcet_graph_module *m = &g->modules[i];

        m->layer = -1;
        if (!m->weight_count)
            continue;
        m->weight = at;
        m->bias = at + m->weight_count;
        at = m->bias + m->bias_count;
        fixed += g->costs[i].role == GRAPH_LEARNED ? 0 : m->weight_count;
        if (!graph_is_layer(m))
            continue;
        g->layers = graph_grow(g->layers, &g->layer_cap, layers + 1, sizeof *g->layers);
        g->layers[layers] = i;
        m->layer = layers++;
        weights += m->weight_count;
    }
    g->counts.weights = weights;
    g->counts.layers = layers;
    g->counts.params = at - fixed;
    g->view.layer_count = layers;
    g->view.param_floats = at;
}

static int32_t input_of_last(const struct graph *g, uint32_t op)
{
    for (int32_t i = g->node_count; i-- > 0;)
        if (g->nodes[i].op == op)
            return g->inputs[g->nodes[i].first_input];
    return -1;
}

/* What the last global pooling reads, of a map without one the last convolution; -1: there is none. */
static int32_t features_of(const struct graph *g)
{
    int32_t pooled = input_of_last(g, TCET_OP_GLOBAL_POOL);

    return pooled >= 0 || !g->maps ? pooled : input_of_last(g, TCET_OP_CONV2D);
}

/* Running statistics that are given, for the view. */
static void list_statistics(struct graph *g)
{
    int some = 0;

    g->means = graph_grow(g->means, &g->mean_cap, g->module_count + 1, sizeof *g->means);
    g->variances =
        graph_grow(g->variances, &g->variance_cap, g->module_count + 1, sizeof *g->variances);
    for (int32_t i = 0; i < g->module_count; i++) {
        const int64_t *at = g->costs[i].given;

        g->means[i] = at[TCET_VALUES_MEAN] ? g->given + at[TCET_VALUES_MEAN] - 1 : NULL;
        g->variances[i] = at[TCET_VALUES_VARIANCE] ? g->given + at[TCET_VALUES_VARIANCE] - 1 : NULL;
        some |= g->means[i] || g->variances[i];
    }
    g->view.norm_mean = some ? g->means : NULL;
    g->view.norm_variance = some ? g->variances : NULL;
}

/* Values that are given are as many as the module has. */
static tcet_status check_values(struct graph *g)
{
    char name[256];

    for (int32_t i = 0; i < g->module_count && g->given_count; i++) {
        const tcet_graph_module *m = &g->modules[i];
        int64_t norm = m->kind == TCET_LAYER_NORM ? m->weight_count : 0;
        const int64_t want[] = {0, m->weight_count, m->bias_count, norm, norm};

        for (uint32_t what = TCET_VALUES_WEIGHT; what <= TCET_VALUES_VARIANCE; what++) {
            int64_t have = g->costs[i].given_as[what];

            if (g->costs[i].given[what] && have != want[what])
                return error_set(&g->err, TCET_E_PLUGIN,
                                 "%s: %lld values of kind %u, the module has %lld",
                                 graph_module_name(g, i, name, sizeof name), (long long)have, what,
                                 (long long)want[what]);
        }
    }
    return TCET_OK;
}

/* Checks what can only be known at the end. */
static tcet_status check_complete(struct graph *g)
{
    const tcet_node *out;
    char name[256];

    if (g->view.output < 0)
        return error_set(&g->err, TCET_E_PLUGIN,
                         "the network has no output: build() must call output() once");
    out = &g->nodes[g->view.output];
    if (out->c != g->view.classes || out->h != (g->maps ? g->view.height : 1) ||
        out->w != (g->maps ? g->view.width : 1))
        return error_set(&g->err, TCET_E_PLUGIN,
                         "the network's output has shape [%d, %d, %d], the task wants [%d, %d, %d]",
                         out->c, out->h, out->w, g->view.classes, g->maps ? g->view.height : 1,
                         g->maps ? g->view.width : 1);
    for (int32_t i = 0; i < g->step_count; i++) {
        const struct graph_step *s = &g->steps[i];
        const tcet_graph_module *m = s->module < 0 ? NULL : &g->modules[s->module];

        if (m && (s->kind == TCET_INIT_BIAS ? m->bias_count : m->weight_count) == 0)
            return error_set(&g->err, TCET_E_PLUGIN, "%s: init step for a %s that is not there",
                             graph_module_name(g, s->module, name, sizeof name),
                             s->kind == TCET_INIT_BIAS ? "bias" : "weight");
    }
    return TCET_OK;
}

void graph_lay_out(struct graph *g)
{
    lay_out(g);
    if (g->given_count)
        list_statistics(g);
    g->view.nodes = g->nodes;
    g->view.inputs = g->inputs;
    g->view.modules = g->modules;
    g->view.node_count = g->node_count;
    g->view.module_count = g->module_count;
    g->view.features = features_of(g);
}

tcet_status graph_finish(struct graph *g, struct error *err)
{
    if (g->err.status < 0 || check_complete(g) < 0 || check_values(g) < 0) {
        *err = g->err;
        return err->status;
    }
    graph_lay_out(g);
    return TCET_OK;
}

void graph_thin_task(tcet_task *task)
{
    task->channels = 1;
    task->height = task->width = 3;
}

const tcet_graph *graph_view(const struct graph *g)
{
    return &g->view;
}

void graph_count(const struct graph *g, struct graph_counts *out)
{
    *out = g->counts;
}

enum graph_role graph_module_role(const struct graph *g, int32_t module)
{
    return g->costs[module].role;
}

const char *graph_module_class(const struct graph *g, int32_t module)
{
    const char *name = module < 0 ? NULL : g->costs[module].class_name;

    return name ? name : "";
}

int64_t graph_module_macs(const struct graph *g, int32_t module)
{
    return g->costs[module].macs;
}

int64_t graph_module_bias_macs(const struct graph *g, int32_t module)
{
    return g->costs[module].bias_macs;
}

const int32_t *graph_layers(const struct graph *g)
{
    return g->layers;
}

/* Writes the name of a module and returns its length, as if there were room. */
static size_t print_name(const struct graph *g, int32_t module, char *out, size_t cap)
{
    const tcet_graph_module *m = &g->modules[module];
    size_t n = m->parent < 0 ? 0 : print_name(g, m->parent, out, cap);
    const char *dot = n ? "." : "";
    char *at = n < cap ? out + n : NULL;
    size_t left = n < cap ? cap - n : 0;

    if (m->index < 0)
        n += (size_t)snprintf(at, left, "%s%s", dot, m->name);
    else if (m->name[0])
        n += (size_t)snprintf(at, left, "%s%s.%d", dot, m->name, m->index);
    else
        n += (size_t)snprintf(at, left, "%s%d", dot, m->index);
    return n;
}

const char *graph_module_name(const struct graph *g, int32_t module, char *out, size_t cap)
{
    print_name(g, module, out, cap);
    return out;
}
