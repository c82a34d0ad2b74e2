/* gather.c -- a node's whole gradient from those of its readers, for backward.c and, of R, for
 * tangent.c; see executor.h.  Room: plugins/backend/torch. */
#include "ops.h"

#include <stdlib.h>

void gradient_give(struct job *j, int32_t i, struct memory *g)
{
    struct value *v = &j->now.v[i];
    int32_t p = j->now.parts++;

    j->now.part[p] = (struct part){.g = g, .next = -1};
    if (v->parts < 0)
        v->parts = p;
    else
        j->now.part[v->parts_tail].next = p;
    v->parts_tail = p;
}

void gradient_drop(struct job *j, int32_t *head)
{
    for (int32_t p = *head; p >= 0; p = j->now.part[p].next) {
        memory_drop(j->now.part[p].g);
        j->now.part[p].g = NULL;
    }
    *head = -1;
}

/* Numbers of a list's gradients into x (NULL: only counted); returns how many. */
static int32_t list(const struct job *j, int32_t head, const void **x)
{
    int32_t count = 0;

    for (int32_t p = head; p >= 0; p = j->now.part[p].next, count++) {
        if (x)
            x[count] = j->now.part[p].g->data;
    }
    return count;
}

/* Batch norms whose sums are made in the sweep that gathers a gradient. */
struct batch {
    struct ts_sum *sum;
    int32_t *norm;
    int32_t count;
};

static void add_sum(struct job *j, enum sweep sweep, int32_t i, struct batch *b)
{
    const struct value *v = &j->now.v[i];
    const struct norm_sums *s = &v->sums[sweep];

    if (!s->wanted || s->made)
        return;
    b->sum[b->count] =
        (struct ts_sum){.x = job_value(j, job_input(j, i, 0)), .mean = v->norm.mean, .s2 = s->s2};
    b->norm[b->count++] = i;
}

/* Node i itself, and the terms of a sum that have the sum's gradient and no other. */
static void find_sums(struct job *j, enum sweep sweep, int32_t i, struct batch *b)
{
    add_sum(j, sweep, i, b);
    if (job_op(j, i)->form != FORM_SUM)
        return;
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->plan.node[in].readers == 1)
            add_sum(j, sweep, in, b);
    }
}

/* gradient_gather with memory for its lists. */
static tcet_status gather(struct job *j, enum sweep sweep, int32_t i, const void **x,
                          struct batch *b, struct memory **out)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->now.v[i];
    int32_t plain = list(j, v->parts, x), masked = list(j, v->masked, x + plain);
    int whole = plain == 1 && masked == 0;
    tcet_status st = TCET_OK;

    find_sums(j, sweep, i, b);
    *out = whole ? memory_ref(j->now.part[v->parts].g) : job_tensor(j, i);
    if (!*out)
        st = TCET_E_MEMORY;
    else if (!whole || b->count)
        st = job_check(
            j,
            j->k->gather(j->d, x, plain, x + plain, masked,
                         masked ? job_value(j, j->plan.node[i].relu) : NULL,
                         j->now.count * node->h * node->w, node->c, whole ? NULL : (*out)->data,
                         b->count ? j->now.v[b->norm[0]].sums[sweep].s1 : NULL, b->sum, b->count),
            i, sweep == TANGENT ? "tangent of gradient" : "gradient");
    for (int32_t k = 0; k < b->count; k++) {
        struct norm_sums *s = &j->now.v[b->norm[k]].sums[sweep];

        s->made = 1;
        s->s1 = j->now.v[b->norm[0]].sums[sweep].s1;
    }
    return st;
}

tcet_status gradient_gather(struct job *j, enum sweep sweep, int32_t i, struct memory **out)
{
    size_t edges = (size_t)job_node(j, i)->input_count + 1;
    struct value *v = &j->now.v[i];
    int32_t parts = list(j, v->parts, NULL) + list(j, v->masked, NULL);
    struct batch b = {.count = 0};
    const void **x;
    tcet_status st;

    *out = NULL;
    if (parts == 0)
        return TCET_OK;
    b.sum = calloc(edges, sizeof *b.sum);
    b.norm = calloc(edges, sizeof *b.norm);
    x = calloc((size_t)parts, sizeof *x);
    st = b.sum && b.norm && x ? gather(j, sweep, i, x, &b, out)
                              : job_fail(j, TCET_E_MEMORY, "out of memory");
    free(b.sum);
    free(b.norm);
    free(x);
    gradient_drop(j, &v->parts);
    gradient_drop(j, &v->masked);
    return st;
}
