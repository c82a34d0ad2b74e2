/* ops_lines.c -- batch norms and scalings, which are lines a[c] x + b[c] over their input, and
 * sums, which read them: forward, backward, and R of both.
 * Room: plugins/backend/torch. */
#include "ops.h"
#include "pool.h"
#include "team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- opening --------------------------------------------------------------------------- */

/* The factor of a scaling, a channel. */
static tcet_status open_scale(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    size_t c = (size_t)node->c;
    char *factor = pool_get(c * j->ask.size);
    float narrow = (float)node->eps;
    int status;

    if (!factor)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (size_t k = 0; k < c; k++)
        memcpy(factor + k * j->ask.size, j->d->f64 ? (const void *)&node->eps : &narrow,
               j->ask.size);
    status = ts_to_device(j->d, j->now.v[i].norm.a, factor, c * j->ask.size);
    pool_put(factor);
    return job_check(j, status, i, "scale");
}

/* One of a norm's given running statistics, in the device's type; *to stays where there are none. */
static tcet_status load_given(struct job *j, int32_t i, const float *from, void **to)
{
    int32_t c = job_node(j, i)->c;
    float *magnitudes = NULL;
    int status;

    if (!from)
        return TCET_OK;
    *to = job_alloc(j, USE_WORK, (size_t)c * j->ask.size);
    if (!*to)
        return TCET_E_MEMORY;
    if (j->run->pass->weights == TCET_WEIGHTS_ABSOLUTE) {
        magnitudes = pool_get((size_t)c * sizeof *magnitudes);
        if (!magnitudes)
            return job_fail(j, TCET_E_MEMORY, "out of memory");
        for (int32_t k = 0; k < c; k++)
            magnitudes[k] = fabsf(from[k]);
    }
    status = j->k->load(j->d, magnitudes ? magnitudes : from, 1, 1, c, *to);
    pool_put(magnitudes);
    return job_check(j, status, i, "running statistics");
}

int norm_is_given(const struct job *j, int32_t i)
{
    int32_t module = job_node(j, i)->module;

    return j->graph->norm_mean && module >= 0 && !j->plan.node[i].batch_stats &&
           (j->graph->norm_mean[module] || j->graph->norm_variance[module]);
}

tcet_status lines_open(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->now.v[i];
    struct norm_sums *sums = &v->sums[ORDINARY];
    size_t c = (size_t)node->c, line = (c * j->ask.size + 63) / 64 * 64;
    size_t sums_count = (j->share ? 6 : 4) * c;
    char *slab = job_alloc(j, USE_WORK, 7 * line + sums_count * sizeof(double));

    if (!slab)
        return TCET_E_MEMORY;
    v->norm = (struct ts_norm){.mean = slab,
                               .invstd = slab + line,
                               .a = slab + 2 * line,
                               .b = slab + 3 * line,
                               .eps = node->eps,
                               .momentum = node->momentum};
    v->k1 = slab + 4 * line;
    v->k2 = slab + 5 * line;
    v->k3 = slab + 6 * line;
    sums->wanted = j->plan.node[i].sums;
    sums->s1 = (double *)(void *)(slab + 7 * line);
    sums->s2 = sums->s1 + c;
    v->part = sums->s2 + c;
    v->all = j->share ? sums->s2 + 3 * c : NULL;
    if (!job_op(j, i)->statistics)
        return open_scale(j, i);
    v->norm.gamma = node->affine ? job_weight(j, node) : NULL;
    v->norm.beta = node->affine ? job_bias(j, node) : NULL;
    v->norm.running_var = j->now.running[node->module];
    if (norm_is_given(j, i)) {
        tcet_status st = load_given(j, i, j->graph->norm_mean[node->module], &v->norm.running_mean);

        return st == TCET_OK
                   ? load_given(j, i, j->graph->norm_variance[node->module], &v->norm.running_var)
                   : st;
    }
    return TCET_OK;
}

/* Of struct tangent: sums and lines. */
enum { RX = 0, RX_X = 1, G_RX = 2, RG_X = 3, RG = 4, SUMS = 5, LINES = 6 };

tcet_status lines_open_tangent(struct job *j, int32_t i)
{
    size_t c = (size_t)job_node(j, i)->c;
    struct value *v = &j->now.v[i];
    struct tangent *t = &v->tangent;

    t->sums = job_alloc(j, USE_WORK, SUMS * c * sizeof *t->sums);
    t->lines = job_alloc(j, USE_WORK, LINES * c * j->ask.size);
    if (!t->sums || !t->lines)
        return TCET_E_MEMORY;
    v->sums[TANGENT].wanted = 1;
    v->sums[TANGENT].s2 = t->sums + RG_X * c;
    return TCET_OK;
}

void lines_reset_tangent(struct job *j, int32_t i)
{
    struct value *v = &j->now.v[i];

    v->sums[TANGENT].made = 0;
    if (v->tangent.sums)
        v->sums[TANGENT].s1 = v->tangent.sums + RG * job_node(j, i)->c;
}

/* -- forward --------------------------------------------------------------------------- */

tcet_status scale_forward(struct job *j, int32_t i)
{
    const struct node_plan *p = &j->plan.node[i];

    return p->stored || p->relu >= 0 || p->signs ? forward_sum(j, i, &i, 1) : TCET_OK;
}

/* Waits for the jobs of the other parts. */
static tcet_status meet(struct job *j)
{
    return team_meet(j->share->team) == 0 ? TCET_OK : TCET_E_CANCELLED;
}

/* norm_train of all parts. */
static tcet_status train_shared(struct job *j, int32_t i)
{
    enum { FEW = 16 };
    const tcet_node *node = job_node(j, i);
    const struct share *s = j->share;
    struct value *v = &j->now.v[i];
    struct ts_norm_part few[FEW], *part = few;
    struct ts_norm norm = v->norm;
    tcet_status st = TCET_OK;

    if (!v->measured)
        st = job_check(j,
                       j->k->norm_moments(j->d, job_value(j, job_input(j, i, 0)), j->ask.n,
                                          (int64_t)node->h * node->w, node->c, NULL, v->part),
                       i, "batch norm");
    if (st == TCET_OK)
        st = meet(j);
    if (st == TCET_OK && s->members > FEW && !(part = calloc((size_t)s->members, sizeof *part)))
        st = job_fail(j, TCET_E_MEMORY, "out of memory");
    if (st != TCET_OK)
        return st;
    for (int32_t m = 0; m < s->members; m++)
        part[m] = (struct ts_norm_part){.pixels = s->jobs[m]->ask.n * node->h * node->w,
                                        .moments = s->jobs[m]->now.v[i].part};
    if (s->member > 0)
        norm.running_mean = norm.running_var = NULL;
    st = job_check(j, j->k->norm_merge(j->d, node->c, part, s->members, &norm), i, "batch norm");
    if (part != few)
        free(part);
    return st;
}

tcet_status norm_forward(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct value *v = &j->now.v[i];
    uint64_t *bits;
    tcet_status st;

    if (!j->plan.node[i].batch_stats) {
        st = job_check(j, j->k->norm_eval(j->d, node->c, &v->norm), i, "batch norm");
    } else if (j->share) {
        st = train_shared(j, i);
    } else if (v->measured) {
        const struct ts_norm_part whole = {.pixels = j->ask.n * node->h * node->w,
                                           .moments = v->part};

        st = job_check(j, j->k->norm_merge(j->d, node->c, &whole, 1, &v->norm), i, "batch norm");
    } else {
        st = forward_open_bits(j, in, &bits);
        if (st == TCET_OK)
            st = job_check(j,
                           j->k->norm_train(j->d, j->now.v[in].val->data, j->ask.n,
                                            (int64_t)node->h * node->w, node->c, &v->norm, bits),
                           i, "batch norm");
        if (st == TCET_OK)
            forward_use_bits(j, in, bits);
    }
    v->measured = 0;
    return st == TCET_OK ? scale_forward(j, i) : st; /* which writes what is wanted of the lines */
}

tcet_status add_forward(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t few[8] = {0}, *nodes = few, count = 0;
    tcet_status st;

    if (node->input_count > 8 && !(nodes = calloc((size_t)node->input_count, sizeof *nodes)))
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (job_op(j, in)->form != FORM_ZERO)
            nodes[count++] = in;
    }
    st = forward_sum(j, i, nodes, count);
    if (nodes != few)
        free(nodes);
    return st;
}

/* -- backward -------------------------------------------------------------------------- */

/* Gives the input the sum of the terms, the first of which reads g; writes over g where nobody
 * else holds it. */
static tcet_status lines_back(struct job *j, int32_t i, struct memory *g, const struct ts_term *t,
                              int32_t terms)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct memory *dx;
    tcet_status st;

    if (!j->plan.node[in].up)
        return TCET_OK;
    dx = g->refs == 1 ? memory_ref(g) : job_tensor(j, in);
    if (!dx)
        return TCET_E_MEMORY;
    st = job_check(j,
                   j->k->combine(j->d, t, terms, j->now.count, (int64_t)node->h * node->w, node->c,
                                 dx->data, NULL, NULL),
                   i, "backward of batch norm");
    if (st == TCET_OK)
        gradient_give(j, in, dx);
    else
        memory_drop(dx);
    return st;
}

tcet_status scale_back(struct job *j, int32_t i, struct memory *g)
{
    const struct ts_term t = {.x = g->data, .a = j->now.v[i].norm.a};

    return lines_back(j, i, g, &t, 1);
}

/* The sums of all parts into v->all. */
static tcet_status add_parts(struct job *j, int32_t i)
{
    const struct share *s = j->share;
    int32_t c = job_node(j, i)->c;
    struct value *v = &j->now.v[i];
    tcet_status st = meet(j);

    for (int32_t k = 0; k < c && st == TCET_OK; k++) {
        v->all[k] = v->all[c + k] = 0;
        for (int32_t m = 0; m < s->members; m++) {
            const struct norm_sums *part = &s->jobs[m]->now.v[i].sums[ORDINARY];

            v->all[k] += part->s1[k];
            v->all[c + k] += part->s2[k];
        }
    }
    return st;
}

tcet_status norm_back(struct job *j, int32_t i, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    const struct node_plan *p = &j->plan.node[i];
    struct value *v = &j->now.v[i];
    struct norm_sums *sums = &v->sums[ORDINARY];
    struct ts_term t[2] = {{.x = g->data, .a = v->k1}};
    int shared = j->share && p->sums; /* then the whole gradient of gamma is the first part's */
    const double *s1 = shared ? v->all : sums->s1, *s2 = shared ? v->all + node->c : sums->s2;
    tcet_status st = shared ? add_parts(j, i) : TCET_OK;

    if (st == TCET_OK)
        st = job_check(j,
                       j->k->norm_slope(j->d, node->c, job_images(j) * node->h * node->w, &v->norm,
                                        s1, p->sums ? s2 : NULL, v->k1,
                                        p->batch_stats ? v->k2 : NULL, v->k3,
                                        shared && j->share->member ? NULL : job_gradient(j, node)),
                       i, "backward of batch norm");
    if (st == TCET_OK && p->gives_late) {
        j->now.v[job_input(j, i, 0)].late = i;
        gradient_give(j, job_input(j, i, 0), memory_ref(g));
        return TCET_OK;
    }
    if (p->batch_stats) {
        t[0].b = v->k3;
        t[1] = (struct ts_term){.x = job_value(j, job_input(j, i, 0)), .a = v->k2};
    }
    return st == TCET_OK ? lines_back(j, i, g, t, 1 + p->batch_stats) : st;
}

tcet_status add_back(struct job *j, int32_t i, struct memory *g)
{
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->plan.node[in].up && job_op(j, in)->form != FORM_ZERO)
            gradient_give(j, in, memory_ref(g));
    }
    return TCET_OK;
}

/* -- R --------------------------------------------------------------------------------- */

/* R of a batch norm's input with the sums of the norm; adds up the terms that wait for it. */
tcet_status norm_tangent(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0), count;
    struct value *v = &j->now.v[i];
    struct tangent *t = &v->tangent, *from = &j->now.v[in].tangent;
    struct ts_term term[2];
    const void *x[2];
    struct ts_sum sums[2];
    int64_t pixels = j->now.count * node->h * node->w;
    struct memory *out = NULL;
    int status;

    if (!t->sums)
        return TCET_OK;
    sums[0] = (struct ts_sum){
        .x = job_value(j, in), .mean = v->norm.mean, .s2 = t->sums + RX_X * node->c};
    sums[1] = (struct ts_sum){.x = v->dy->data, .s2 = t->sums + G_RX * node->c};
    count = tangent_terms(j, in, term);
    for (int32_t k = 0; k < count; k++)
        x[k] = term[k].x;
    if (count > 1 && !(out = job_tensor(j, in)))
        return TCET_E_MEMORY;
    status = j->k->gather(j->d, x, count, NULL, 0, NULL, pixels, node->c, out ? out->data : NULL,
                          t->sums + RX * node->c, sums, 2);
    if (!from->val && !out)
        out = memory_ref(from->terms[0] ? from->terms[0] : from->terms[1]);
    if (!from->val) {
        tangent_drop_terms(from);
        from->val = out;
    }
    if (status == 0)
        status = j->k->norm_slope(j->d, node->c, pixels, &v->norm, t->sums + RX * node->c,
                                  t->sums + RX_X * node->c, v->k1, v->k2, v->k3, NULL);
    return job_check(j, status, i, "tangent of batch norm");
}

/* Also makes the ordinary gradient of a conv or linear that only this batch norm reads. */
tcet_status norm_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0), whole = j->plan.node[in].moves_norm == i;
    int64_t pixels = j->now.count * node->h * node->w;
    struct value *v = &j->now.v[i];
    struct tangent *t = &v->tangent;
    struct memory *rdx, *dx = NULL;
    int status;

    rdx = rg->refs == 1 ? memory_ref(rg) : job_tensor(j, in);
    if (rdx && whole)
        dx = j->now.v[in].dy = job_tensor(j, in);
    if (!rdx || (whole && !dx)) {
        memory_drop(rdx);
        return TCET_E_MEMORY;
    }
    if (t->sums) {
        const struct ts_norm_sums sums = {.rx = t->sums + RX * node->c,
                                          .rx_x = t->sums + RX_X * node->c,
                                          .g = v->sums[ORDINARY].s1,
                                          .g_x = v->sums[ORDINARY].s2,
                                          .g_rx = t->sums + G_RX * node->c,
                                          .rg = v->sums[TANGENT].s1,
                                          .rg_x = v->sums[TANGENT].s2};

        status = j->k->norm_tangent(j->d, node->c, pixels, &v->norm, &sums, t->lines);
        if (status == 0)
            status = j->k->norm_tangent_back(j->d, pixels, node->c, t->lines, v->dy->data, rg->data,
                                             job_value(j, in), j->now.v[in].tangent.val->data,
                                             dx ? dx->data : NULL, rdx->data);
    } else {
        const struct ts_term term = {.x = rg->data, .a = v->norm.a};

        status = j->k->combine_gated(j->d, &term, 1, pixels, node->c, NULL, rdx->data, NULL);
    }
    if (status == 0)
        gradient_give(j, in, rdx);
    else
        memory_drop(rdx);
    return job_check(j, status, i, "tangent of batch norm");
}

tcet_status add_tangent(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t *nodes = calloc((size_t)node->input_count, sizeof *nodes), count = 0;
    tcet_status st;

    if (!nodes)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->plan.node[in].moves)
            nodes[count++] = in;
    }
    st = tangent_sum(j, i, nodes, count);
    free(nodes);
    return st;
}

tcet_status add_tangent_back(struct job *j, int32_t i, struct memory *rg)
{
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (j->plan.node[in].moves)
            gradient_give(j, in, memory_ref(rg));
    }
    return TCET_OK;
}
