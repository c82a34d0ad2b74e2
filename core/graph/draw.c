/* draw.c -- weights from the generator, in the order of the official models; see graph.h.
 * Room: core/graph.  Stands on core/num/rng and the SDK. */
#include "graph/internal.h"

#include <math.h>
#include <string.h>

static void fill(float *out, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = value;
}

/* What nothing is drawn for.  Norms: gamma 1, beta 0; parameters of their own 0. */
static void fill_norms(const struct graph *g, float *params)
{
    for (int32_t i = 0; i < g->module_count; i++) {
        const tcet_graph_module *m = &g->modules[i];

        if (!m->weight_count || graph_is_drawn(m))
            continue;
        fill(params + m->weight, m->weight_count, graph_is_norm(m) ? 1.0f : 0.0f);
        fill(params + m->bias, m->bias_count, 0.0f);
    }
}

/* reset_parameters() of torch.nn.Conv2d, ConvTranspose2d and Linear.  The weight's bound is
 * kaiming_uniform_(a=sqrt(5))'s, in its order of rounding: mathematically it is the
 * bias's too. */
static void draw_default(const tcet_graph_module *m, tcet_rng *rng, float *params)
{
    double fan_in = (double)(m->weight_count / m->shape[0]);
    double weight = sqrt(3.0) * (sqrt(2.0 / 6.0) / sqrt(fan_in));
    double bias = 1.0 / sqrt(fan_in);

    rng_uniform(rng, params + m->weight, m->weight_count, -weight, weight);
    if (m->bias_count)
        rng_uniform(rng, params + m->bias, m->bias_count, -bias, bias);
}

static void run_step(const struct graph *g, const struct graph_step *s, tcet_rng *rng,
                     float *params)
{
    const tcet_graph_module *m;
    float *weight;

    if (s->kind == TCET_INIT_DISCARD) {
        rng_discard(rng, (int64_t)s->a);
        return;
    }
    m = &g->modules[s->module];
    weight = params + m->weight;
    switch (s->kind) {
    case TCET_INIT_DEFAULT: draw_default(m, rng, params); break;
    case TCET_INIT_NORMAL: rng_normal(rng, weight, m->weight_count, s->a, s->b); break;
    case TCET_INIT_UNIFORM: rng_uniform(rng, weight, m->weight_count, s->a, s->b); break;
    case TCET_INIT_FILL: fill(weight, m->weight_count, (float)s->a); break;
    default: fill(params + m->bias, m->bias_count, (float)s->a); break; /* TCET_INIT_BIAS */
    }
}

/* Of what a module has been given, its parameters. */
static void put_given(const struct graph *g, int32_t module, float *params)
{
    const tcet_graph_module *m = &g->modules[module];
    const struct graph_cost *own = &g->costs[module];
    int64_t weight = own->given[TCET_VALUES_WEIGHT], bias = own->given[TCET_VALUES_BIAS];

    if (weight)
        memcpy(params + m->weight, g->given + weight - 1, (size_t)m->weight_count * sizeof *params);
    if (bias)
        memcpy(params + m->bias, g->given + bias - 1, (size_t)m->bias_count * sizeof *params);
    else if (weight)
        fill(params + m->bias, m->bias_count, 0.0f);
}

void graph_draw(const struct graph *g, tcet_rng *rng, float *params)
{
    int32_t s = 0;

    fill_norms(g, params);
    for (int32_t i = 0; i <= g->module_count; i++) {
        while (s < g->step_count && g->steps[s].after <= i)
            run_step(g, &g->steps[s++], rng, params);
        if (i < g->module_count && g->modules[i].weight_count && graph_is_drawn(&g->modules[i]) &&
            !g->costs[i].given[TCET_VALUES_WEIGHT])
            draw_default(&g->modules[i], rng, params);
    }
    for (int32_t i = 0; i < g->module_count && g->given_count; i++)
        put_given(g, i, params);
}

/* torch.nn.init's kaiming_normal_, xavier_normal_ and normal_, in their order of rounding. */
static double init_std(const tcet_graph_module *m, enum graph_init init)
{
    double fan_in = (double)(m->weight_count / m->shape[0]);
    double fan_out = (double)(m->weight_count / m->shape[1]);

    switch (init) {
    case GRAPH_INIT_KAIMING: return sqrt(2.0) / sqrt(fan_in);
    case GRAPH_INIT_KAIMING_FAN_OUT: return sqrt(2.0) / sqrt(fan_out);
    case GRAPH_INIT_XAVIER:
    case GRAPH_INIT_XAVIER_LINEAR: return sqrt(2.0 / (fan_in + fan_out));
    default: return 1.0;
    }
}

void graph_draw_again(const struct graph *g, enum graph_init init, int zero_bias, tcet_rng *rng,
                      float *params)
{
    for (int32_t i = 0; i < g->view.layer_count; i++) {
        const tcet_graph_module *m = &g->modules[g->layers[i]];

        int kept = init == GRAPH_INIT_NONE ||
                   (init == GRAPH_INIT_XAVIER_LINEAR && m->kind != TCET_LAYER_LINEAR);

        if (init == GRAPH_INIT_ZERO)
            fill(params + m->weight, m->weight_count, 0.0f);
        else if (!kept)
            rng_normal(rng, params + m->weight, m->weight_count, 0.0, init_std(m, init));
        if (zero_bias)
            fill(params + m->bias, m->bias_count, 0.0f);
    }
}

void graph_draw_gaussian(const struct graph *g, const float *drawn, tcet_rng *rng, float *params)
{
    fill_norms(g, params);
    for (int32_t i = 0; i < g->module_count; i++) {
        const tcet_graph_module *m = &g->modules[i];

        if (m->weight_count && graph_is_drawn(m) && !graph_is_layer(m))
            memcpy(params + m->weight, drawn + m->weight,
                   (size_t)(m->weight_count + m->bias_count) * sizeof *params);
    }
    for (int32_t i = 0; i < g->module_count && g->given_count; i++)
        if (!graph_is_layer(&g->modules[i]) && !graph_is_norm(&g->modules[i]))
            put_given(g, i, params);
    for (int32_t i = 0; i < g->view.layer_count; i++) {
        const tcet_graph_module *m = &g->modules[g->layers[i]];

        rng_normal(rng, params + m->weight, m->weight_count, 0.0, 1.0);
        fill(params + m->bias, m->bias_count, 0.0f);
    }
}

void graph_absolute(const struct graph *g, const float *in, float *out)
{
    for (int32_t k = 0; k < g->module_count; k++) {
        const tcet_graph_module *m = &g->modules[k];
        int as_is = g->costs[k].role == GRAPH_CONSTANT;

        for (int64_t i = m->weight; i < m->weight + m->weight_count + m->bias_count; i++)
            out[i] = as_is ? in[i] : fabsf(in[i]);
    }
}

double graph_weight_sum(const struct graph *g, const float *params)
{
    double sum = 0.0;

    for (int32_t i = 0; i < g->view.layer_count; i++) {
        const tcet_graph_module *m = &g->modules[g->layers[i]];

        for (int64_t j = 0; j < m->weight_count; j++)
            sum += params[m->weight + j];
    }
    return sum;
}
