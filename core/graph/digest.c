/* digest.c -- what makes two graphs one network, as a digest; see graph.h.
 * Room: core/graph.  Stands on core/base and the SDK. */
#include "graph/internal.h"

#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

static void add_i32(struct sha256 *h, int32_t v)
{
    sha256_add(h, &v, sizeof v);
}

static void add_text(struct sha256 *h, const char *text)
{
    sha256_add(h, text, strlen(text) + 1);
}

/* What a saliency is told of a layer's module. */
static void add_labels(const struct graph *g, struct sha256 *h, int32_t module, int names)
{
    char name[512];

    add_i32(h, g->modules[module].cell);
    add_text(h, graph_module_class(g, g->modules[module].parent));
    if (names)
        add_text(h, graph_module_name(g, module, name, sizeof name));
}

/* Numbers that the space gives. */
static void add_given(const struct graph *g, struct sha256 *h, int32_t module)
{
    const struct graph_cost *c = &g->costs[module];

    for (int32_t what = TCET_VALUES_WEIGHT; what <= TCET_VALUES_VARIANCE; what++) {
        add_i32(h, c->given[what] != 0);
        if (c->given[what])
            sha256_add(h, g->given + c->given[what] - 1,
                       (size_t)c->given_as[what] * sizeof *g->given);
    }
}

/* Modules with parameters, in the order in which they are drawn; place[module]: which of them, -1
 * none. */
static void add_modules(const struct graph *g, struct sha256 *h, const struct graph_strict *how,
                        int32_t *place)
{
    int32_t count = 0, s = 0;

    for (int32_t i = 0; i <= g->module_count; i++) {
        const tcet_graph_module *m;

        for (; s < g->step_count && g->steps[s].after <= i; s++) {
            const struct graph_step *step = &g->steps[s];
            double values[2] = {step->a, step->b};

            add_i32(h, -2);
            add_i32(h, (int32_t)step->kind);
            add_i32(h, step->module < 0 ? -1 : place[step->module]);
            sha256_add(h, values, sizeof values);
        }
        if (i == g->module_count)
            break;
        m = &g->modules[i];
        place[i] = m->weight_count ? count++ : -1;
        if (!m->weight_count)
            continue;
        add_i32(h, (int32_t)m->kind);
        add_i32(h, m->bias_count != 0);
        sha256_add(h, m->shape, sizeof m->shape);
        add_labels(g, h, i, how->names);
        if (g->given_count)
            add_given(g, h, i);
    }
}

/* -- Nodes ---------------------------------------------------------------------------------- */

/* A layer of a site, or the network's end: somebody looks at it. */
static int is_seen(const struct graph *g, int32_t i)
{
    const struct graph_op *op = graph_op(g->nodes[i].op);

    return i == g->view.output || i == g->view.features || op->activation ||
           op->weight != GRAPH_WEIGHT_NONE || g->nodes[i].op == TCET_OP_INPUT;
}

/* A sum's one term that is not 0, -1: there is none, or more. */
static int32_t only_term(const struct graph *g, const tcet_node *n)
{
    int32_t only = -1, count = 0;

    for (int32_t k = 0; k < n->input_count; k++) {
        int32_t in = g->inputs[n->first_input + k];

        if (g->fates[in].zero)
            continue;
        only = in;
        count++;
    }
    return count == 1 ? only : -1;
}

/* The node that gives node i its number: itself, or what it hands on. */
static int32_t source_of(const struct graph *g, int32_t i)
{
    for (;;) {
        const tcet_node *n = &g->nodes[i];
        int32_t from = n->op == TCET_OP_IDENTITY ? g->inputs[n->first_input]
                       : n->op == TCET_OP_ADD    ? only_term(g, n)
                                                 : -1;

        if (from < 0 || g->fates[i].zero)
            return i;
        i = from;
    }
}

/* Marks, as alive, what somebody looks at, and what that is made of. */
static void find_needed(struct graph *g)
{
    for (int32_t i = g->node_count; i-- > 0;) {
        struct graph_fate *f = &g->fates[i];

        if (is_seen(g, i))
            g->fates[source_of(g, i)].live = 1;
        for (int32_t k = 0; f->live && !f->zero && k < g->nodes[i].input_count; k++) {
            int32_t in = source_of(g, g->inputs[g->nodes[i].first_input + k]);

            g->fates[in].live = 1;
        }
    }
}

/* What is 0 goes unsaid: most of it is. */
static void add_attributes(const tcet_node *n, struct sha256 *h)
{
    const int32_t of[] = {(int32_t)n->op,
                          n->c,
                          n->h,
                          n->w,
                          n->kernel_h,
                          n->kernel_w,
                          n->stride_h,
                          n->stride_w,
                          n->padding_h,
                          n->padding_w,
                          n->dilation_h,
                          n->dilation_w,
                          n->groups,
                          n->bias,
                          n->affine,
                          n->track,
                          n->count_include_pad,
                          n->offset_c,
                          n->offset_h,
                          n->offset_w,
                          n->kept,
                          n->eps != 0 || n->momentum != 0};
    const double reals[] = {n->eps, n->momentum};
    int32_t said[TCET_COUNT(of) + 1] = {0}, count = 1;

    for (size_t i = 0; i < TCET_COUNT(of); i++) {
        said[0] |= (of[i] != 0) << i;
        if (of[i])
            said[count++] = of[i];
    }
    sha256_add(h, said, (size_t)count * sizeof *said);
    if (of[TCET_COUNT(of) - 1])
        sha256_add(h, reals, sizeof reals);
    if (n->index)
        sha256_add(h, n->index, (size_t)n->index_count * sizeof *n->index);
}

/* Where a value comes from: the node's place among those that are needed, or zeros. */
static void add_source(const struct graph *g, struct sha256 *h, int32_t node)
{
    int32_t from = node < 0 ? -1 : source_of(g, node);
    int zero = from >= 0 && g->fates[from].zero;

    add_i32(h, from < 0 ? -1 : zero ? -2 : g->fates[from].now);
    if (zero) {
        add_i32(h, g->nodes[from].c);
        add_i32(h, g->nodes[from].h);
        add_i32(h, g->nodes[from].w);
    }
}

/* A sum's terms that are not 0; of the first two the order makes no difference to a number. */
static void add_terms(const struct graph *g, struct sha256 *h, const tcet_node *n,
                      const struct graph_strict *how)
{
    int32_t held = -1, count = 0;

    for (int32_t k = 0; k < n->input_count; k++) {
        int32_t in = source_of(g, g->inputs[n->first_input + k]);

        if (g->fates[in].zero)
            continue;
        if (count++ == 0) {
            held = in;
            continue;
        }
        if (count == 2 && !how->sums && in < held) {
            add_source(g, h, in);
            add_source(g, h, held);
        } else {
            if (count == 2)
                add_source(g, h, held);
            add_source(g, h, in);
        }
    }
    if (count == 1)
        add_source(g, h, held);
}

static void add_nodes(struct graph *g, struct sha256 *h, const struct graph_strict *how,
                      const int32_t *place)
{
    int32_t next = 0;

    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *n = &g->nodes[i];
        struct graph_fate *f = &g->fates[i];

        if (!f->live || f->zero)
            continue;
        f->now = next++;
        add_attributes(n, h);
        add_i32(h, n->module < 0 ? -1 : place[n->module]);
        if (graph_op(n->op)->activation && n->module >= 0)
            add_labels(g, h, n->module, how->names);
        if (n->op == TCET_OP_ADD)
            add_terms(g, h, n, how);
        for (int32_t k = 0; n->op != TCET_OP_ADD && k < n->input_count; k++)
            add_source(g, h, g->inputs[n->first_input + k]);
        add_i32(h, -3); /* the inputs' end */
    }
}

void graph_digest(struct graph *g, const struct graph_strict *how, char out[65])
{
    int32_t *place = mem_alloc(((size_t)g->module_count + 1) * sizeof *place);
    struct sha256 h;

    sha256_init(&h);
    add_modules(g, &h, how, place);
    graph_find_zeros(g, 0);
    for (int32_t i = 0; i < g->node_count && how->sums; i++)
        g->fates[i].zero = 0;
    find_needed(g);
    add_nodes(g, &h, how, place);
    add_source(g, &h, g->view.output);
    add_source(g, &h, g->view.features);
    sha256_hex(&h, out);
    free(place);
}
