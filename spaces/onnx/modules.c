/* modules.c -- the modules of a network by the names of its weights: "layer1.0.conv1.weight" is of
 * module layer1.0.conv1; see net.h.  Room: spaces/onnx. */
#include <stdlib.h>
#include <string.h>

#include "onnx/net.h"

/* A word that the builder keeps. */
struct onnx_word {
    struct onnx_word *next;
    char text[];
};

/* Modules by their full names; a free slot has no name. */
struct module {
    const char *name;
    int32_t id;
    const unsigned char *weight; /* whose module it is, NULL none yet */
};

struct onnx_modules {
    struct module *slot;
    uint32_t slots;
};

static uint32_t hash_of(const char *name, size_t n)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h ^ h >> 15;
}

const char *onnx_intern(struct onnx_names *names, const char *word, size_t n)
{
    struct onnx_word **list = &names->words[hash_of(word, n) % 256], *w;

    for (w = *list; w; w = w->next)
        if (!strncmp(w->text, word, n) && !w->text[n])
            return w->text;
    w = calloc(1, sizeof *w + n + 1);
    if (!w)
        return NULL;
    memcpy(w->text, word, n);
    w->next = *list;
    *list = w;
    return w->text;
}

void onnx_names_free(struct onnx_names *names)
{
    for (size_t i = 0; i < TCET_COUNT(names->words); i++)
        while (names->words[i]) {
            struct onnx_word *w = names->words[i];

            names->words[i] = w->next;
            free(w);
        }
}

static struct module *find(struct onnx_net *x, const char *name, size_t n)
{
    struct onnx_modules *m = x->modules;
    uint32_t at = hash_of(name, n) & (m->slots - 1);

    while (m->slot[at].name && (strncmp(m->slot[at].name, name, n) || m->slot[at].name[n]))
        at = (at + 1) & (m->slots - 1);
    return &m->slot[at];
}

/* A word that is a number as Python prints it, 0 to 999,999; -1: another word. */
static int32_t number_of(const char *word, size_t n)
{
    int32_t out = 0;

    if (!n || n > 6 || (*word == '0' && n > 1))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9')
            return -1;
        out = 10 * out + (word[i] - '0');
    }
    return out;
}

/* The module of name[n] and those that it stands in; NULL: an error is recorded. */
static struct module *module_of(struct onnx_net *x, const char *name, size_t n)
{
    struct module *own = find(x, name, n);
    int32_t parent = -1, index;
    size_t word = n;
    const char *kept;
    char *copy;

    if (own->name)
        return own;
    while (word && name[word - 1] != '.')
        word--;
    if (word) {
        struct module *above = module_of(x, name, word - 1);

        if (!above)
            return NULL;
        parent = above->id;
        own = find(x, name, n);
    }
    index = number_of(name + word, n - word);
    kept = index < 0 ? onnx_intern(x->names, name + word, n - word) : "";
    copy = onnx_alloc(x->m, n + 1, 1);
    if (!kept || !copy) {
        tcet_fail(x->cx, TCET_E_MEMORY, "no memory for the names of modules");
        return NULL;
    }
    memcpy(copy, name, n);
    *own = (struct module){.name = copy, .id = x->b->module(x->b, parent, kept, index)};
    return own->id < 0 ? NULL : own;
}

/* The module's name in a node's: of "/layer1/layer1.0/conv1/Conv" layer1.0.conv1, as PyTorch nests
 * them.  Empty where there is none. */
static void scope_of(const char *node, char out[ONNX_NAME_MAX])
{
    size_t n = 0, last = 0; /* length, and where the last part begins */

    out[0] = '\0';
    if (*node != '/')
        return;
    for (const char *at = node + 1, *end; (end = strchr(at, '/')); at = end + 1) {
        size_t length = (size_t)(end - at);

        if (n && length > n - last && !strncmp(at, out + last, n - last) && at[n - last] == '.') {
            n = last; /* "layer1.0" says layer1 again */
        } else if (n) {
            out[n++] = '.';
            last = n;
        }
        memcpy(out + n, at, length);
        n += length;
        out[n] = '\0';
    }
}

/* Without what says which of a module's numbers it is. */
static size_t stem_of(const char *name)
{
    static const char *const ends[] = {".weight", "_weight", ".kernel", ".gamma", ".scale"};
    size_t n = strlen(name);

    for (size_t i = 0; i < TCET_COUNT(ends); i++) {
        size_t end = strlen(ends[i]);

        if (n > end && !strcmp(name + n - end, ends[i]))
            return n - end;
    }
    return n;
}

int32_t onnx_net_module(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *w)
{
    char scope[ONNX_NAME_MAX];
    struct module *m;

    scope_of(n->name, scope);
    if (!w) {
        m = *scope ? module_of(x, scope, strlen(scope)) : NULL;
        return m ? m->id : -1;
    }
    if (*scope && (!*w->name || strstr(w->name, "::") || w->place < 0))
        m = module_of(x, scope, strlen(scope));
    else
        m = module_of(x, *w->name ? w->name : "weight", *w->name ? stem_of(w->name) : 6);
    if (m && m->weight && m->weight != w->source && *w->name) /* another weight's: the whole name */
        m = module_of(x, w->name, strlen(w->name));
    if (!m)
        return -1;
    m->weight = w->source;
    return m->id;
}

int32_t onnx_net_own_module(struct onnx_net *x, const char *name)
{
    char made_up[32];
    struct module *m;

    snprintf(made_up, sizeof made_up, "constants.%d", name ? 0 : x->constants++);
    name = name ? name : made_up;
    m = module_of(x, name, strlen(name));
    return m ? m->id : -1;
}

/* A weight and the node that has it first. */
struct holder {
    const struct onnx_tensor *weight;
    const struct onnx_node *node;
};

static int by_place(const void *a, const void *b)
{
    const struct holder *p = a, *q = b;
    int64_t x = p->weight->place < 0 ? INT32_MAX : p->weight->place;
    int64_t y = q->weight->place < 0 ? INT32_MAX : q->weight->place;

    if (x != y)
        return (x > y) - (x < y);
    return (p->node->number > q->node->number) - (p->node->number < q->node->number);
}

static int has_weight(const struct onnx_node *n)
{
    static const char *const ops[] = {
        "Conv", "Gemm", "MatMul", "Linear", "BatchNormalization", "LayerNormalization"};

    for (size_t i = 0; i < TCET_COUNT(ops); i++)
        if (!strcmp(n->op, ops[i]))
            return 1;
    return 0;
}

/* Room for every module that a name may make. */
static tcet_status open_modules(struct onnx_net *x)
{
    struct onnx_modules *m = onnx_alloc(x->m, 1, sizeof *m);
    uint64_t parts = 16;

    for (int32_t i = 0; i < x->model->node_count; i++)
        for (const char *at = x->model->nodes[i].name; *at; at++)
            parts += *at == '/' || *at == '.' || at == x->model->nodes[i].name;
    for (int32_t i = 0; i < x->model->tensor_count; i++) {
        parts += 2;
        for (const char *at = x->model->tensors[i].name; *at; at++)
            parts += 2 * (*at == '.');
    }
    parts += 4 * (uint64_t)x->model->node_count; /* and constants' */
    if (!m)
        return TCET_E_MEMORY;
    for (m->slots = 64; m->slots < 2 * parts; m->slots *= 2)
        if (m->slots > 1u << 24)
            return ONNX_REFUSE(x, NULL, "it has more names than are read");
    m->slot = onnx_alloc(x->m, m->slots, sizeof *m->slot);
    x->modules = m;
    return m->slot ? TCET_OK : TCET_E_MEMORY;
}

tcet_status onnx_net_modules(struct onnx_net *x)
{
    const struct onnx_model *m = x->model;
    struct holder *list = onnx_alloc(x->m, (size_t)m->node_count, sizeof *list);
    size_t count = 0;
    tcet_status st = open_modules(x);

    if (st < 0 || !list)
        return TCET_E_MEMORY;
    for (int32_t i = 0; i < m->node_count; i++) {
        const struct onnx_node *n = &m->nodes[i];
        struct onnx_value *w = n->dead || !has_weight(n) ? NULL : onnx_net_input(x, n, 1);

        if (!w || !w->constant)
            continue;
        list[count++] = (struct holder){w->constant, n};
        for (int32_t k = 1; k < n->input_count; k++) {
            struct onnx_value *own = onnx_net_input(x, n, k);

            if (own)
                own->weighs = 1;
        }
    }
    qsort(list, count, sizeof *list, by_place);
    for (size_t i = 0; i < count; i++)
        if (onnx_net_module(x, list[i].node, list[i].weight) < 0)
            return x->b->status(x->b) < 0 ? x->b->status(x->b) : TCET_E_MEMORY;
    return TCET_OK;
}
