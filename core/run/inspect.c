/* inspect.c -- see inspect.h.  Room: core/run. */
#include "run/inspect.h"

#include "base/text.h"
#include "graph/graph.h"
#include "net/net.h"
#include "plugin/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer that grows. */
struct answer {
    struct arena *a;
    struct buf texts; /* const char * */
};

static void put(struct answer *out, const char *text)
{
    const char *copy = arena_strdup(out->a, text);

    buf_add(&out->texts, &copy, sizeof copy);
}

static void put_number(struct answer *out, int64_t n)
{
    put(out, arena_printf(out->a, "%lld", (long long)n));
}

/* An encoding, or the one of index:N. */
static tcet_status find(struct plan *p, const char *ask, char text[TCET_ARCH_MAX],
                        struct error *err)
{
    int64_t index;

    if (!strncmp(ask, "index:", 6)) {
        TRY(plan_arch_number(p, ask, &index, err));
        return space_at(p->space, index, text, TCET_ARCH_MAX, err);
    }
    if (strlen(ask) >= TCET_ARCH_MAX)
        return error_set(err, TCET_E_ARG, "an encoding of %zu bytes; it may have %d", strlen(ask),
                         TCET_ARCH_MAX - 1);
    strcpy(text, ask);
    return space_check(p->space, text, err);
}

static tcet_status about(struct plan *p, struct answer *out, struct error *err)
{
    char text[TCET_ARCH_MAX], target[PLAN_TARGET_TEXT];
    int64_t size;
    int ordered;

    TRY(space_size(p->space, &size, err));
    ordered = size > 0 && space_at(p->space, 0, text, sizeof text, err) >= 0;
    p->space->cx.random_state = 1;
    if (!ordered || OPS(tcet_space_ops, p->space)->listed == NULL) {
        tcet_status st = space_random(p->space, text, sizeof text, err);

        if (st == TCET_E_UNSUPPORTED)
            snprintf(text, sizeof text, "none: %s", err->text);
        else if (st < 0)
            return st;
    }
    put_number(out, size);
    put_number(out, ordered);
    put_number(out, p->task.channels);
    put_number(out, p->task.height);
    put_number(out, p->task.width);
    put_number(out, p->task.classes);
    put(out, text);
    put(out, plan_target_text(p, p->task.target, target));
    return TCET_OK;
}

/* Random ones, or of a parent. */
static tcet_status draw(struct plan *p, const char *parent, const char *count, const char *seed,
                        struct answer *out, struct error *err)
{
    char from[TCET_ARCH_MAX], text[TCET_ARCH_MAX];
    int64_t n, number;
    uint64_t state;

    if (text_to_i64(count, &n) < 0 || n < 1 || n > INSPECT_COUNT_MAX)
        return error_set(err, TCET_E_ARG, "\"%.40s\" is no number of architectures, 1 to %d", count,
                         INSPECT_COUNT_MAX);
    if (text_to_i64(seed, &number) < 0 || number < 0)
        return error_set(err, TCET_E_ARG, "\"%.40s\" is no seed, 0 or more", seed);
    if (parent)
        TRY(find(p, parent, from, err));
    state = rng_hash((uint64_t)number, parent ? "mutate" : "random");
    for (int64_t i = 0; i < n; i++) {
        p->space->cx.random_state = rng_mix(&state);
        TRY(parent ? space_mutate(p->space, from, text, sizeof text, err)
                   : space_random(p->space, text, sizeof text, err));
        put(out, text);
    }
    return TCET_OK;
}

static tcet_status canonical(struct plan *p, const char *ask, struct answer *out, struct error *err)
{
    char text[TCET_ARCH_MAX], key[TCET_ARCH_MAX];
    struct error none;
    int64_t index;

    TRY(find(p, ask, text, err));
    TRY(space_canonical(p->space, text, key, sizeof key, err));
    if (!OPS(tcet_space_ops, p->space)->index_of ||
        space_index_of(p->space, text, &index, &none) < 0)
        index = -1;
    put(out, key);
    put_number(out, index);
    put(out, text);
    return TCET_OK;
}

static void put_shape(struct answer *out, const int64_t *shape, int32_t n)
{
    char text[96] = "";
    size_t at = 0;

    for (int32_t i = 0; i < n && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld", i ? "x" : "",
                               (long long)shape[i]);
    put(out, text);
}

/* "3x3/2"; nothing where an operation has no window. */
static void put_kernel(struct answer *out, const tcet_node *node)
{
    char stride[48] = "";
    int window =
        node->op == TCET_OP_CONV2D || node->op == TCET_OP_AVG_POOL || node->op == TCET_OP_MAX_POOL;

    if (!window) {
        put(out, "");
        return;
    }
    if (node->stride_h != node->stride_w)
        snprintf(stride, sizeof stride, "/%dx%d", node->stride_h, node->stride_w);
    else if (node->stride_h != 1)
        snprintf(stride, sizeof stride, "/%d", node->stride_h);
    put(out, arena_printf(out->a, "%dx%d%s", node->kernel_h, node->kernel_w, stride));
}

/* The cells of operations, "" outside.  An operation without a module is where the last one that it reads
 * is. */
static const char **find_cells(const tcet_graph *view, struct arena *a)
{
    const char **cell = arena_alloc(a, ((size_t)view->node_count + 1) * sizeof *cell);

    for (int32_t i = 0; i < view->node_count; i++) {
        const tcet_node *node = &view->nodes[i];
        int32_t of = node->module < 0 ? -1 : view->modules[node->module].cell, last = -1;

        for (int32_t k = 0; k < node->input_count; k++) {
            int32_t input = view->inputs[node->first_input + k];

            last = input > last ? input : last;
        }
        cell[i] = node->module < 0 && last >= 0 ? cell[last]
                  : of >= 0                     ? arena_printf(a, "cell %d", of)
                                                : "";
    }
    return cell;
}

static void put_inputs(struct answer *out, const tcet_graph *view, const tcet_node *node)
{
    struct buf text = {0};

    for (int32_t k = 0; k < node->input_count; k++)
        buf_printf(&text, "%s%d", k ? " " : "", view->inputs[node->first_input + k]);
    put(out, text.len ? text.data : "");
    buf_free(&text);
}

/* The operations; of a module that is used twice the parameters stand at its first use. */
static void put_layers(const struct graph *g, struct answer *out)
{
    const tcet_graph *view = graph_view(g);
    uint8_t *seen = arena_alloc(out->a, (size_t)view->module_count + 1);
    const char **cell = find_cells(view, out->a);

    for (int32_t i = 0; i < view->node_count; i++) {
        const tcet_node *node = &view->nodes[i];
        const tcet_graph_module *m = node->module < 0 ? NULL : &view->modules[node->module];
        int64_t shape[3] = {node->c, node->h, node->w};
        int first = m && !seen[node->module]++;
        int parameters = m && graph_op(node->op)->weight != GRAPH_WEIGHT_NONE;
        char name[512];

        put(out, m ? graph_module_name(g, node->module, name, sizeof name) : "");
        put(out, graph_op(node->op)->name);
        put_shape(out, m ? m->shape : NULL, parameters && m->weight_count ? m->ndim : 0);
        put_number(out, parameters && first ? m->weight_count + m->bias_count : 0);
        put_number(out, parameters && first ? graph_module_macs(g, node->module) : 0);
        put_shape(out, shape, 3);
        put_kernel(out, node);
        put(out, m && m->layer >= 0 ? "1" : "0");
        put(out, cell[i]);
        put_inputs(out, view, node);
    }
}

/* The network of an encoding, or of index:N, which is written to text. */
static tcet_status build(struct plan *p, const char *ask, char text[TCET_ARCH_MAX], struct graph *g,
                         struct error *err)
{
    tcet_task task = p->task;

    TRY(find(p, ask, text, err));
    if (OPS(tcet_space_ops, p->space)->task_of)
        TRY(space_task_of(p->space, text, &task, err));
    graph_reset(g, &task);
    TRY(space_build(p->space, 0, text, &task, graph_builder(g), err));
    return graph_finish(g, err);
}

static tcet_status layers(struct plan *p, const char *ask, struct answer *out, struct error *err)
{
    char text[TCET_ARCH_MAX];
    tcet_traits traits = {.struct_size = sizeof traits};
    struct graph *g = graph_new();
    struct graph_counts n;
    tcet_status st = build(p, ask, text, g, err);

    if (st >= 0)
        st = space_traits(p->space, text, &traits, err);
    if (st >= 0) {
        graph_count(g, &n);
        put(out, text);
        put_number(out, n.params);
        put_number(out, n.macs);
        put_number(out, traits.live);
        put_number(out, traits.alive);
        put_number(out, traits.depth);
        put_layers(g, out);
    }
    graph_free(g);
    return st;
}

/* The network with the weights that a run draws. */
static tcet_status write_net(struct plan *p, const char *ask, const char *path, struct answer *out,
                             struct error *err)
{
    char text[TCET_ARCH_MAX];
    struct graph *g = graph_new();
    struct graph_counts n;
    enum net_format format;
    float *params = NULL;
    tcet_status st = net_format_of(path, &format, err);

    if (st >= 0)
        st = build(p, ask, text, g, err);
    if (st >= 0) {
        params = mem_try((size_t)graph_view(g)->param_floats + 1, sizeof *params);
        if (!params)
            st = error_set(err, TCET_E_MEMORY, "no memory for %lld parameters",
                           (long long)graph_view(g)->param_floats);
    }
    if (st >= 0) {
        struct net net = {.graph = g, .params = params, .space = p->space->plugin->desc.id};

        plan_draw_weights(p, g, p->seed, params);
        net.arch = text;
        net.digest =
            arena_printf(out->a, "drawn seed=%llu%s", (unsigned long long)p->seed, p->init_text);
        st = net_write(&net, format, path, err);
    }
    if (st >= 0) {
        graph_count(g, &n);
        put(out, text);
        put_number(out, n.params);
    }
    free(params);
    graph_free(g);
    return st;
}

static tcet_status check(struct plan *p, const char *const *ask, size_t count, struct answer *out)
{
    char text[TCET_ARCH_MAX];

    for (size_t i = 0; i < count; i++) {
        struct error why = {0};

        put(out, find(p, ask[i], text, &why) < 0 ? why.text : "");
    }
    return TCET_OK;
}

static tcet_status answer(struct plan *p, const char *const *ask, size_t count, struct answer *out,
                          struct error *err)
{
    const char *verb = count ? ask[0] : "";

    if (!strcmp(verb, "about") && count == 1)
        return about(p, out, err);
    if (!strcmp(verb, "random") && count == 3)
        return draw(p, NULL, ask[1], ask[2], out, err);
    if (!strcmp(verb, "mutate") && count == 4)
        return draw(p, ask[1], ask[2], ask[3], out, err);
    if (!strcmp(verb, "canonical") && count == 2)
        return canonical(p, ask[1], out, err);
    if (!strcmp(verb, "layers") && count == 2)
        return layers(p, ask[1], out, err);
    if (!strcmp(verb, "net") && count == 3)
        return write_net(p, ask[1], ask[2], out, err);
    if (!strcmp(verb, "check"))
        return check(p, ask + 1, count - 1, out);
    return error_set(err, TCET_E_PLUGIN, "no question about a space: \"%.40s\"", verb);
}

tcet_status inspect_space(struct plan *p, const char *const *ask, size_t count, struct arena *a,
                          const char *const **out, size_t *out_count, struct error *err)
{
    struct answer all = {.a = a};
    tcet_status st = answer(p, ask, count, &all, err);
    const char **texts = arena_alloc(a, all.texts.len + sizeof *texts);

    if (all.texts.len)
        memcpy(texts, all.texts.data, all.texts.len);
    *out = texts;
    *out_count = all.texts.len / sizeof *texts;
    buf_free(&all.texts);
    return st;
}
