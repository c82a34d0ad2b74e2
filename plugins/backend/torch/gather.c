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

void gradient_hand_on(struct job *j, int32_t relu)
{
    struct value *v = &j->now.v[relu];

    /* what a ReLU of it has handed on, it masks as well */
    if (v->parts >= 0)
        j->now.part[v->parts_tail].next = v->masked;
    else
        v->parts = v->masked;
    j->now.v[job_input(j, relu, 0)].masked = v->parts;
    v->parts = v->masked = -1;
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

/* A gradient in the making: its parts, those to be masked behind the plain ones, and the batch norms whose sums
 * are made with it. */
struct gathering {
    enum sweep_of sweep;
    const void **x;
    int32_t plain, masked;
    struct ts_sum *sum;
    int32_t *norm, count;
    struct memory *out;
    struct sweep *along;
};

static void add_sum(struct job *j, int32_t i, struct gathering *g)
{
    const struct value *v = &j->now.v[i];
    const struct norm_sums *s = &v->sums[g->sweep];

    if (!s->wanted || s->made)
        return;
    g->sum[g->count] =
        (struct ts_sum){.x = job_value(j, job_input(j, i, 0)), .mean = v->norm.mean, .s2 = s->s2};
    g->norm[g->count++] = i;
}

/* Node i itself, and the terms of a sum that have the sum's gradient and no other. */
static void find_sums(struct job *j, int32_t i, struct gathering *g)
{
    add_sum(j, i, g);
    if (job_op(j, i)->form != FORM_SUM)
        return;
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->plan.node[in].readers == 1)
            add_sum(j, in, g);
    }
}

static void close_gathering(struct gathering *g)
{
    sweep_drop(g->along);
    memory_drop(g->out);
    free(g->x);
    free(g->sum);
    free(g->norm);
}

/* Of node i, which has parts; to be closed in whatever status. */
static tcet_status open_gathering(struct job *j, enum sweep_of sweep, int32_t i,
                                  struct gathering *g)
{
    size_t edges = (size_t)job_node(j, i)->input_count + 1;
    const struct value *v = &j->now.v[i];

    *g = (struct gathering){
        .sweep = sweep, .plain = list(j, v->parts, NULL), .masked = list(j, v->masked, NULL)};
    g->sum = calloc(edges, sizeof *g->sum);
    g->norm = calloc(edges, sizeof *g->norm);
    g->x = calloc((size_t)(g->plain + g->masked), sizeof *g->x);
    if (!g->sum || !g->norm || !g->x)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    list(j, v->parts, g->x);
    list(j, v->masked, g->x + g->plain);
    find_sums(j, i, g);
    return TCET_OK;
}

/* Is the gradient its one part as that is? */
static int is_whole(const struct gathering *g)
{
    return g->plain == 1 && g->masked == 0;
}

/* The sums are made; drops the parts. */
static void end_gathering(struct job *j, int32_t i, const struct gathering *g)
{
    for (int32_t k = 0; k < g->count; k++) {
        struct norm_sums *s = &j->now.v[g->norm[k]].sums[g->sweep];

        s->made = 1;
        s->s1 = j->now.v[g->norm[0]].sums[g->sweep].s1;
    }
    gradient_drop(j, &j->now.v[i].parts);
    gradient_drop(j, &j->now.v[i].masked);
}

/* The sweep over all of node i's parts into g->out, now; or (along) opened, for a convolution to drive. */
static tcet_status sweep(struct job *j, int32_t i, struct gathering *g, int along)
{
    const tcet_node *node = job_node(j, i);
    int64_t pixels = j->now.count * node->h * node->w;
    const void **masked = g->x + g->plain;
    const void *mask = g->masked ? job_value(j, j->plan.node[i].relu) : NULL;
    double *s1 = g->count ? j->now.v[g->norm[0]].sums[g->sweep].s1 : NULL;
    void *out = is_whole(g) ? NULL : g->out->data;
    int status;

    if (along) {
        g->along = j->k->gather_sweep(j->d, g->x, g->plain, masked, g->masked, mask, pixels,
                                      node->c, out, s1, g->sum, g->count);
        status = g->along ? 0 : TCET_E_MEMORY;
    } else {
        status = j->k->gather(j->d, g->x, g->plain, masked, g->masked, mask, pixels, node->c, out,
                              s1, g->sum, g->count);
    }
    return job_check(j, status, i, g->sweep == TANGENT ? "tangent of gradient" : "gradient");
}

tcet_status gradient_gather(struct job *j, enum sweep_of of, int32_t i, struct memory **out)
{
    struct value *v = &j->now.v[i];
    struct gathering g;
    tcet_status st;

    *out = v->whole;
    v->whole = NULL;
    if (*out || (v->parts < 0 && v->masked < 0))
        return TCET_OK;
    st = open_gathering(j, of, i, &g);
    if (st == TCET_OK) {
        g.out = is_whole(&g) ? memory_ref(j->now.part[v->parts].g) : job_tensor(j, i);
        st = g.out ? TCET_OK : TCET_E_MEMORY;
    }
    if (st == TCET_OK && (!is_whole(&g) || g.count))
        st = sweep(j, i, &g, 0);
    end_gathering(j, i, &g);
    if (st == TCET_OK)
        *out = memory_ref(g.out);
    close_gathering(&g);
    return st;
}

static void drop_gathering(struct value *v)
{
    if (v->gathering)
        close_gathering(v->gathering);
    free(v->gathering);
    v->gathering = NULL;
}

tcet_status gradient_gather_along(struct job *j, int32_t i, struct memory *g, struct sweep **after)
{
    int32_t in = job_input(j, i, 0), to = j->plan.node[i].gathers, relu = j->plan.node[to].relu;
    struct value *v = &j->now.v[to];
    struct gathering *made = malloc(sizeof *made);
    tcet_status st;

    *after = NULL;
    if (!made)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    gradient_give(j, in, memory_ref(g));
    if (relu >= 0 && v->masked < 0) /* which would do so in its turn */
        gradient_hand_on(j, relu);
    st = open_gathering(j, ORDINARY, to, made);
    if (st == TCET_OK && (!is_whole(made) || made->count)) {
        made->out = memory_ref(g);
        st = sweep(j, to, made, 1);
    }
    *after = made->along;
    v->gathering = made;
    if (!made->along)
        drop_gathering(v);
    return st;
}

void gradient_gathered(struct job *j, int32_t i)
{
    int32_t to = j->plan.node[i].gathers;
    struct value *v = to >= 0 ? &j->now.v[to] : NULL;

    if (!v || !v->gathering)
        return;
    sweep_end(v->gathering->along);
    v->gathering->along = NULL;
    end_gathering(j, to, v->gathering);
    v->whole = memory_ref(v->gathering->out);
    drop_gathering(v);
}

void gradient_drop_whole(struct value *v)
{
    drop_gathering(v);
    memory_drop(v->whole);
    v->whole = NULL;
}
