/* net.c -- see net.h: the tensors of a network, and the ways to a file.
 *
 * Room: core/net.  Stands on core/graph and core/base. */
#include "net/internal.h"

#include "base/file.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are of little-endian numbers");

/* Channels of the module's tracked batch norm, 0: it is none. */
static int32_t *tracked(const tcet_graph *view, struct arena *a)
{
    int32_t *channels = arena_alloc(a, ((size_t)view->module_count + 1) * sizeof *channels);

    for (int32_t i = 0; i < view->node_count; i++) {
        const tcet_node *node = &view->nodes[i];

        if (node->op == TCET_OP_BATCH_NORM && node->track && node->module >= 0)
            channels[node->module] = node->c;
    }
    return channels;
}

static struct tensor *add(struct tensors *t, struct arena *a, int32_t module, const char *prefix,
                          const char *name, int32_t ndim, const int64_t *shape)
{
    struct tensor *new = &t->list[t->count++];

    new->name = arena_printf(a, "%s%s%s", prefix, *prefix ? "." : "", name);
    new->module = module;
    new->ndim = ndim;
    new->count = 1;
    for (int32_t i = 0; i < ndim; i++)
        new->count *= new->shape[i] = shape[i];
    return new;
}

void net_tensors(const struct graph *g, struct arena *a, struct tensors *out)
{
    enum { PER_MODULE = 5 };
    const tcet_graph *view = graph_view(g);
    const int32_t *channels = tracked(view, a);
    char name[512];

    *out = (struct tensors){.count = 0};
    out->list = arena_alloc(a, ((size_t)view->module_count * PER_MODULE + 1) * sizeof *out->list);
    for (int32_t i = 0; i < view->module_count; i++) {
        const tcet_graph_module *m = &view->modules[i];
        int64_t c = channels[i];

        graph_module_name(g, i, name, sizeof name);
        if (graph_module_role(g, i) == GRAPH_CONSTANT)
            continue; /* of the code, not of the state */
        if (m->weight_count && m->kind == TCET_LAYER_PARAMETER)
            add(out, a, i, "", name, m->ndim, m->shape)->place = m->weight;
        else if (m->weight_count)
            add(out, a, i, name, "weight", m->ndim, m->shape)->place = m->weight;
        if (m->bias_count)
            add(out, a, i, name, "bias", 1, &m->bias_count)->place = m->bias;
        if (!c)
            continue;
        for (int k = 0; k < 2; k++, out->running += c) {
            struct tensor *t = add(out, a, i, name, k ? "running_var" : "running_mean", 1, &c);

            t->kind = TENSOR_RUNNING;
            t->initial = (float)k;
            t->place = out->running;
        }
        add(out, a, i, name, "num_batches_tracked", 0, NULL)->kind = TENSOR_STEPS;
    }
}

int64_t net_running(const struct graph *g)
{
    struct arena a = {0};
    struct tensors t;

    net_tensors(g, &a, &t);
    arena_free(&a);
    return t.running;
}

size_t net_tensor_bytes(const struct tensor *t)
{
    return (size_t)t->count * (t->kind == TENSOR_STEPS ? sizeof(int64_t) : sizeof(float));
}

void net_add_tensor(const struct net *n, const struct tensor *t, struct buf *out)
{
    const float *from = t->kind == TENSOR_PARAM ? n->params : n->running;

    if (t->kind == TENSOR_STEPS)
        buf_add(out, &n->steps, sizeof n->steps);
    else if (from)
        buf_add(out, from + t->place, net_tensor_bytes(t));
    else
        for (int64_t i = 0; i < t->count; i++)
            buf_add(out, &t->initial, sizeof t->initial);
}

static const char *const endings[] = {".safetensors", ".pth", ".onnx"};

tcet_status net_format_of(const char *path, enum net_format *out, struct error *err)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);

        if (n > m && !strcmp(path + n - m, endings[i])) {
            *out = (enum net_format)i;
            return TCET_OK;
        }
    }
    return error_set(err, TCET_E_ARG, "%s: a network goes into a .safetensors, .pth or .onnx file",
                     path);
}

tcet_status net_pack(const struct net *n, enum net_format format, struct buf *out,
                     struct error *err)
{
    switch (format) {
    case NET_SAFETENSORS: return net_pack_safetensors(n, out, err);
    case NET_PTH: return net_pack_pth(n, out, err);
    default: return net_pack_onnx(n, out, err);
    }
}

tcet_status net_write(const struct net *n, enum net_format format, const char *path,
                      struct error *err)
{
    struct buf b = {0};
    tcet_status st = net_pack(n, format, &b, err);

    st = st < 0 ? error_prefix(err, "%s: ", path)
                : file_replace(path, NULL, &(struct file_part){b.data, b.len}, 1, err);
    buf_free(&b);
    return st;
}
