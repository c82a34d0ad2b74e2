/* values.c -- the names of a graph and what they stand for; see net.h.  Room: spaces/onnx. */
#include <string.h>

#include "onnx/net.h"

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h ^ h >> 15;
}

struct onnx_value *onnx_net_value(struct onnx_net *x, const char *name)
{
    uint32_t at = hash_of(name) & (x->slots - 1);

    /* Twice as many slots as names: there is always a free one. */
    while (x->values[at].name && strcmp(x->values[at].name, name) != 0)
        at = (at + 1) & (x->slots - 1);
    if (!x->values[at].name)
        x->values[at] = (struct onnx_value){.name = name, .node = -1, .producer = -1};
    return &x->values[at];
}

struct onnx_value *onnx_net_input(struct onnx_net *x, const struct onnx_node *n, int32_t k)
{
    return k < n->input_count && *n->inputs[k] ? onnx_net_value(x, n->inputs[k]) : NULL;
}

struct onnx_node *onnx_net_producer(struct onnx_net *x, const struct onnx_value *v)
{
    return v && v->producer >= 0 ? &x->model->nodes[v->producer] : NULL;
}

tcet_status onnx_net_open(struct onnx_net *x)
{
    const struct onnx_model *m = x->model;
    uint64_t names = 4;

    for (int32_t i = 0; i < m->node_count; i++)
        names += (uint64_t)(m->nodes[i].input_count + m->nodes[i].output_count) + 2;
    names += (uint64_t)(m->tensor_count + m->input_count + m->output_count);
    for (x->slots = 64; x->slots < 2 * names; x->slots *= 2)
        if (x->slots > 1u << 26)
            return ONNX_REFUSE(x, NULL, "it has more names than are read");
    x->values = onnx_alloc(x->m, x->slots, sizeof *x->values);
    if (!x->values)
        return TCET_E_MEMORY;
    for (int32_t i = 0; i < m->tensor_count; i++) {
        struct onnx_value *v = onnx_net_value(x, m->tensors[i].name);

        if (v->constant)
            return ONNX_REFUSE(x, NULL, "two initializers are called \"%.100s\"",
                               m->tensors[i].name);
        v->constant = &m->tensors[i];
    }
    for (int32_t i = 0; i < m->node_count; i++) {
        for (int32_t k = 0; k < m->nodes[i].input_count; k++)
            onnx_net_value(x, m->nodes[i].inputs[k])->readers++;
        for (int32_t k = 0; k < m->nodes[i].output_count; k++) {
            struct onnx_value *v = onnx_net_value(x, m->nodes[i].outputs[k]);

            if (!*v->name)
                continue;
            if (v->constant || v->producer >= 0)
                return ONNX_REFUSE(x, &m->nodes[i], "it gives \"%.100s\", which is given already",
                                   v->name);
            v->producer = i;
        }
    }
    return TCET_OK;
}

tcet_status onnx_net_ends(struct onnx_net *x, const struct onnx_value_info **in,
                          const struct onnx_value_info **out)
{
    const struct onnx_model *m = x->model;
    int32_t inputs = 0;

    for (int32_t i = 0; i < m->input_count; i++)
        if (!onnx_net_value(x, m->inputs[i].name)->constant) {
            *in = &m->inputs[i];
            inputs++;
        }
    if (inputs != 1)
        return ONNX_REFUSE(x, NULL, "it has %d inputs; a network with one, its images, is scored",
                           inputs);
    if (m->output_count != 1)
        return ONNX_REFUSE(x, NULL,
                           "it has %d outputs; a network with one, its class scores, is scored",
                           m->output_count);
    *out = &m->outputs[0];
    return TCET_OK;
}

tcet_status onnx_net_reach(struct onnx_net *x)
{
    const struct onnx_model *m = x->model;

    for (uint32_t i = 0; i < x->slots; i++)
        x->values[i].readers = 0;
    onnx_net_value(x, m->outputs[0].name)->readers = 1;
    for (int32_t i = m->node_count; i-- > 0;) {
        struct onnx_node *n = &m->nodes[i];

        n->dead = 1;
        for (int32_t k = 0; k < n->output_count && n->dead; k++)
            n->dead = !*n->outputs[k] || !onnx_net_value(x, n->outputs[k])->readers;
        for (int32_t k = 0; k < n->input_count && !n->dead; k++) {
            struct onnx_value *v = onnx_net_value(x, n->inputs[k]);

            if (v->producer >= i)
                return ONNX_REFUSE(x, n, "it reads \"%.100s\", which a later node gives", v->name);
            v->readers++;
        }
    }
    return TCET_OK;
}
