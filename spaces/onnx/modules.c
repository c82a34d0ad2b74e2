/* modules.c -- the modules of a network by the names of its weights: "layer1.0.conv1.weight" is of
 * module layer1.0.conv1; see net.h.  Nodes are of one module where all of their initializers are the same
 * ones; where some are, each module has its own copy of them.  Room: spaces/onnx. */
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
    int32_t taken;  /* 1: it has weights */
    int32_t copies; /* how many others are named after it, with a number */
};

enum { PARTS = 4, PLACE_LAST = INT32_MAX };

/* A node with weights: what its module is known by. */
struct use {
    const struct onnx_node *node;
    const struct onnx_tensor *part[PARTS]; /* weight, bias, mean, variance; NULL none */
    int32_t count;                         /* of parts, NULL ones among them */
    uint32_t kind, turned, shared; /* shared: a bit for each part that other modules have too */
    int64_t place;                 /* among the file's initializers */
    struct use *first;             /* of the same module */
};

struct onnx_modules {
    struct module *slot;
    uint32_t slots;
    int32_t *of_node; /* of the nodes with weights, by their numbers: 1 + the module; 0 none */
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
    static const char *const ends[] = {
        ".weight",       "_weight",      ".kernel",      ".gamma",           ".scale", ".bias",
        ".running_mean", ".running_var", ".moving_mean", ".moving_variance", "_bias",  ".beta",
    };
    size_t n = strlen(name);

    for (size_t i = 0; i < TCET_COUNT(ends); i++) {
        size_t end = strlen(ends[i]);

        if (n > end && !strcmp(name + n - end, ends[i]))
            return n - end;
    }
    return n;
}

static int is_made_up(const struct onnx_tensor *t)
{
    return !*t->name || strstr(t->name, "::") || t->place < 0;
}

/* What a module is named after: its weight, or what it has of its own where others have that too.  NULL: it
 * has nothing of its own. */
static const struct onnx_tensor *own_part(const struct use *u)
{
    for (int32_t k = 0; k < u->count; k++)
        if (u->part[k] && !(u->shared >> k & 1) && (!k || !is_made_up(u->part[k])))
            return u->part[k];
    return NULL;
}

/* A module that nobody has, of that name or, where it is taken, of another's. */
static struct module *free_module(struct onnx_net *x, const char *name, size_t n, const char *whole)
{
    struct module *first = module_of(x, name, n), *m = first;
    char text[2 * ONNX_NAME_MAX];

    if (m && m->taken && *whole)
        m = module_of(x, whole, strlen(whole));
    while (m && m->taken) {
        snprintf(text, sizeof text, "%.*s_%d", (int)n, name, ++first->copies + 1);
        m = module_of(x, text, strlen(text));
    }
    if (m)
        m->taken = 1;
    return m;
}

/* The module of a node with weights; NULL: an error is recorded. */
static struct module *make_module(struct onnx_net *x, const struct use *u)
{
    const struct onnx_tensor *own = own_part(u), *weight = u->part[0];
    char scope[ONNX_NAME_MAX];

    scope_of(u->node->name, scope);
    if (*scope && (!own || is_made_up(own)))
        return free_module(x, scope, strlen(scope), own ? own->name : "");
    own = own ? own : weight;
    if (!*own->name)
        return free_module(x, "weight", 6, "");
    return free_module(x, own->name, stem_of(own->name), u->shared & 1 ? "" : own->name);
}

int32_t onnx_net_module(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *w)
{
    int32_t *known = &x->modules->of_node[n->number];
    const struct use late = {.node = n, .part = {w}, .count = 1}; /* a weight that shapes made */
    char scope[ONNX_NAME_MAX];
    struct module *m;

    if (w && *known)
        return *known - 1;
    scope_of(n->name, scope);
    if (!w) {
        m = *scope ? module_of(x, scope, strlen(scope)) : NULL;
        return m ? m->id : -1;
    }
    m = make_module(x, &late);
    if (m)
        *known = 1 + m->id;
    return m ? m->id : -1;
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

/* Products, convolutions and norms: whose parts are never one module's; 0: no operation with weights. */
static uint32_t kind_of(const struct onnx_node *n)
{
    static const struct {
        const char *op;
        uint32_t kind;
    } ops[] = {{"Conv", 1},
               {"Gemm", 2},
               {"MatMul", 2},
               {"Linear", 2},
               {"BatchNormalization", 3},
               {"LayerNormalization", 4}};

    for (size_t i = 0; i < TCET_COUNT(ops); i++)
        if (!strcmp(n->op, ops[i].op))
            return ops[i].kind;
    return 0;
}

/* Is a product's matrix, as the file has it, [in, out]? */
static uint32_t is_turned(const struct use *u)
{
    int given = !strcmp(u->node->op, "Gemm") ? !onnx_attr_int(u->node, "transB", 0) : u->kind == 2;

    return given != (u->part[0]->turned != 0);
}

static int by_parts(const struct use *p, const struct use *q)
{
    if (p->kind != q->kind || p->turned != q->turned)
        return p->kind * 2 + p->turned > q->kind * 2 + q->turned ? 1 : -1;
    for (int32_t k = 0; k < PARTS; k++) {
        uintptr_t a = p->part[k] ? (uintptr_t)p->part[k]->source : 0;
        uintptr_t b = q->part[k] ? (uintptr_t)q->part[k]->source : 0;

        if (a != b)
            return a > b ? 1 : -1;
    }
    return 0;
}

static int by_module(const void *a, const void *b)
{
    const struct use *p = *(struct use *const *)a, *q = *(struct use *const *)b;
    int order = by_parts(p, q);

    return order ? order
                 : (p->node->number > q->node->number) - (p->node->number < q->node->number);
}

static int by_place(const void *a, const void *b)
{
    const struct use *p = *(struct use *const *)a, *q = *(struct use *const *)b;

    if (p->place != q->place)
        return p->place > q->place ? 1 : -1;
    return (p->node->number > q->node->number) - (p->node->number < q->node->number);
}

/* A part of a module. */
struct part {
    uintptr_t source;
    struct use *module;
    int32_t k;
};

static int by_source(const void *a, const void *b)
{
    const struct part *p = a, *q = b;

    if (p->source != q->source)
        return p->source > q->source ? 1 : -1;
    return by_place(&p->module, &q->module);
}

/* The nodes with weights, in the file's order. */
static size_t list_uses(struct onnx_net *x, struct use *list)
{
    const struct onnx_model *m = x->model;
    size_t count = 0;

    for (int32_t i = 0; i < m->node_count; i++) {
        const struct onnx_node *n = &m->nodes[i];
        struct use *u = &list[count];
        struct onnx_value *w = n->dead || !kind_of(n) ? NULL : onnx_net_input(x, n, 1);

        if (!w || !w->constant)
            continue;
        *u = (struct use){.node = n, .kind = kind_of(n)};
        for (int32_t k = 1; k < n->input_count; k++) {
            struct onnx_value *own = onnx_net_input(x, n, k);

            if (own)
                own->weighs = 1;
            if (own && k <= PARTS) {
                u->part[k - 1] = own->constant;
                u->count = k;
            }
        }
        u->turned = is_turned(u);
        count++;
    }
    return count;
}

/* Marks the parts that several modules have. */
static tcet_status mark_shared(struct onnx_net *x, struct use *const *modules, size_t count)
{
    struct part *parts = onnx_alloc(x->m, count * PARTS + 1, sizeof *parts);
    size_t n = 0;

    if (!parts)
        return TCET_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        for (int32_t k = 0; k < modules[i]->count; k++)
            if (modules[i]->part[k])
                parts[n++] = (struct part){(uintptr_t)modules[i]->part[k]->source, modules[i], k};
    qsort(parts, n, sizeof *parts, by_source);
    for (size_t i = 0, end; i < n; i = end) {
        int several = 0;

        for (end = i; end < n && parts[end].source == parts[i].source; end++)
            several |= parts[end].module != parts[i].module;
        for (size_t k = i; k < end && several; k++)
            parts[k].module->shared |= 1u << parts[k].k;
        x->shared += several;
        if (several && !x->shared_as)
            x->shared_as = parts[i].module->part[parts[i].k]->name;
    }
    return TCET_OK;
}

/* Where modules stand: where the first initializer of their own does, without one after the module that is
 * computed before. */
static void set_places(struct use *list, size_t count)
{
    int64_t before = 0;

    for (size_t i = 0; i < count; i++) {
        struct use *u = &list[i];
        int64_t place = -1;

        if (u->first != u)
            continue;
        for (int32_t k = u->count; k-- > 0;)
            if (u->part[k] && !(u->shared >> k & 1) && !u->part[k]->merged &&
                u->part[k]->place >= 0)
                place = u->part[k]->place;
        if (place < 0 && u->part[0]->place < 0)
            place = PLACE_LAST;
        u->place = place < 0 ? before : place;
        before = place < 0 || place == PLACE_LAST ? before : place;
    }
}

/* Room for every module that a name may make. */
static tcet_status open_modules(struct onnx_net *x)
{
    struct onnx_modules *m = onnx_alloc(x->m, 1, sizeof *m);
    uint64_t parts = 16;

    for (int32_t i = 0; i < x->model->node_count; i++) {
        const struct onnx_node *n = &x->model->nodes[i];

        for (const char *at = n->name; *at; at++)
            parts += *at == '/' || *at == '.' || at == n->name;
        for (const char *at = n->output_count ? n->outputs[0] : ""; *at; at++) /* merged ones' */
            parts += 2 * (*at == '.');
    }
    for (int32_t i = 0; i < x->model->tensor_count; i++) {
        parts += 2;
        for (const char *at = x->model->tensors[i].name; *at; at++)
            parts += 2 * (*at == '.');
    }
    parts += 8 * (uint64_t)x->model->node_count; /* and constants' */
    if (!m)
        return TCET_E_MEMORY;
    for (m->slots = 64; m->slots < 2 * parts; m->slots *= 2)
        if (m->slots > 1u << 24)
            return ONNX_REFUSE(x, NULL, "it has more names than are read");
    m->slot = onnx_alloc(x->m, m->slots, sizeof *m->slot);
    m->of_node = onnx_alloc(x->m, (size_t)x->model->node_count + 1, sizeof *m->of_node);
    x->modules = m;
    return m->slot && m->of_node ? TCET_OK : TCET_E_MEMORY;
}

/* The first use of each module, and what others of them are of; returns how many modules there are. */
static size_t group(struct onnx_net *x, struct use *list, size_t count, struct use **modules)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        modules[i] = &list[i];
    qsort(modules, count, sizeof *modules, by_module);
    for (size_t i = 0; i < count; i++) {
        struct use *u = modules[i];

        if (found && !by_parts(modules[found - 1], u)) {
            u->first = modules[found - 1];
            x->again++;
            x->again_as = x->again_as ? x->again_as : u->part[0]->name;
        } else {
            u->first = u;
            modules[found++] = u;
        }
    }
    return found;
}

tcet_status onnx_net_modules(struct onnx_net *x)
{
    size_t room = (size_t)x->model->node_count + 1, count, found;
    struct use *list = onnx_alloc(x->m, room, sizeof *list);
    struct use **modules = onnx_alloc(x->m, room, sizeof *modules);
    tcet_status st = open_modules(x);

    if (st < 0 || !list || !modules)
        return st < 0 ? st : TCET_E_MEMORY;
    count = list_uses(x, list);
    found = group(x, list, count, modules);
    st = mark_shared(x, modules, found);
    if (st < 0)
        return st;
    set_places(list, count);
    qsort(modules, found, sizeof *modules, by_place);
    for (size_t i = 0; i < found; i++) {
        const struct module *m = make_module(x, modules[i]);

        if (!m)
            return x->b->status(x->b) < 0 ? x->b->status(x->b) : TCET_E_MEMORY;
        x->modules->of_node[modules[i]->node->number] = 1 + m->id;
    }
    for (size_t i = 0; i < count; i++)
        x->modules->of_node[list[i].node->number] =
            x->modules->of_node[list[i].first->node->number];
    return TCET_OK;
}
