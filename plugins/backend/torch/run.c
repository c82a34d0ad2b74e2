/* run.c -- one run from its plan to its layers, and the forward that it may share with the
 * next; see executor.h.  Room: plugins/backend/torch. */
#include "executor.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void drop_values(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        memory_drop(j->v[i].val);
        memory_drop(j->v[i].bits);
        memory_drop(j->v[i].dy);
        j->v[i].val = j->v[i].bits = j->v[i].dy = NULL;
    }
}

/* The weights in the device's memory and type, which stays where it is in later repeats. */
static tcet_status load_params(struct job *j)
{
    int64_t count = j->graph->param_floats;
    void *to = (void *)(uintptr_t)j->params;

    if (!j->d->cuda && !j->d->f64 && !j->run->defer) {
        j->params = j->run->params;
        return TCET_OK;
    }
    if (!to && !(to = job_alloc(j, (size_t)count * j->size)))
        return TCET_E_MEMORY;
    j->params = to;
    if (count == 0)
        return TCET_OK;
    return job_check(j, j->k->load(j->d, j->run->params, 1, 1, count, to), 0, "weights");
}

/* Lines of batch norms and scalings, and what their backward needs. */
static tcet_status open_norms(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        struct value *v = &j->v[i];
        size_t c = (size_t)node->c, line = (c * j->size + 63) / 64 * 64;
        char *slab;

        if (v->rep != i || !v->exec || !v->lines)
            continue;
        slab = job_alloc(j, 7 * line + 2 * c * sizeof(double));
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
        v->s1 = (double *)(void *)(slab + 7 * line);
        v->s2 = v->s1 + c;
        if (node->op == TCET_OP_BATCH_NORM) {
            v->norm.gamma = node->affine ? job_weight(j, node) : NULL;
            v->norm.beta = node->affine ? job_bias(j, node) : NULL;
            v->norm.running_var = j->running[node->module];
        } else {
            char *factor = pool_get(c * j->size);
            float narrow = (float)node->eps;
            int status;

            if (!factor)
                return job_fail(j, TCET_E_MEMORY, "out of memory");
            for (size_t k = 0; k < c; k++)
                memcpy(factor + k * j->size, j->d->f64 ? (const void *)&node->eps : &narrow,
                       j->size);
            status = ts_to_device(j->d, v->norm.a, factor, c * j->size);
            pool_put(factor);
            if (status != 0)
                return job_check(j, status, i, "scale");
        }
    }
    return TCET_OK;
}

/* Takes the values that the backward reads from `from`, the last run, where that has them all
 * and nobody asks this forward for more; else does nothing and gives 0. */
static int adopt_forward(struct job *j, const struct job *from)
{
    int32_t count = j->graph->node_count;

    if (from->size != j->size || from->n != j->n || j->tangents)
        return 0;
    for (int32_t i = 0; i < count; i++) {
        const struct value *v = &j->v[i], *old = &from->v[i];

        if (v->rep != i || !v->exec)
            continue;
        if (v->keep || v->signs ||
            (v->batch_stats && job_wants(j, TCET_SITE_NORM) & TCET_WANT_VARIANCE) ||
            (v->first_back >= 0 && !old->val) || (v->lines && v->reach && v->up && !old->exec))
            return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        struct value *v = &j->v[i];
        const struct value *old = &from->v[i];

        if (v->rep != i || !v->exec)
            continue;
        if (v->first_back >= 0)
            v->val = memory_ref(old->val);
        if (v->lines) {
            v->norm.mean = old->norm.mean;
            v->norm.invstd = old->norm.invstd;
            v->norm.a = old->norm.a;
            v->norm.b = old->norm.b;
        }
    }
    j->adopted = 1;
    return 1;
}

tcet_status job_hessian(struct job *j, int64_t row)
{
    double begin = seconds();
    tcet_status st;

    j->hvp_row = row;
    st = tangent_hessian(j);
    j->run->seconds_hvp += seconds() - begin;
    return st;
}

/* Running variances go on: the next repeat's begin as the last one's ended. */
static tcet_status carry_variances(struct job *j)
{
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < j->graph->node_count && st == TCET_OK; i++) {
        struct value *v = &j->v[i];
        int32_t c = job_node(j, i)->c;

        if (v->rep != i || !v->exec || !v->norm.running_var)
            continue;
        if (v->call == 0) {
            char *next = (char *)v->norm.running_var + (size_t)c * j->size;
            struct ts_term last = {.x = v->norm.running_var};

            st = job_check(j, j->k->combine(j->d, &last, 1, 1, 1, c, next, NULL, NULL), i,
                           "running variance");
        }
        v->norm.running_var = (char *)v->norm.running_var + (size_t)c * j->size;
    }
    return st;
}

/* The next repeat: other weights and inputs.  What is in a device's queue reads the old ones. */
static tcet_status next_repeat(struct job *j)
{
    tcet_status st = job_check(j, ts_synchronize(j->d), j->output, "waiting for the device");

    if (st == TCET_OK)
        st = j->run->redraw(j->run->arg);
    if (st == TCET_OK)
        st = load_params(j);
    if (st == TCET_OK)
        st = carry_variances(j);
    return st;
}

static tcet_status all_forwards(struct job *j)
{
    tcet_status st = TCET_OK;

    for (j->forward = 0; j->forward < j->forwards && st == TCET_OK; j->forward++) {
        double begin = seconds(), before = j->run->seconds_hvp, middle, end;

        if (j->forward && j->forward % j->run->forwards == 0)
            st = next_repeat(j);
        if (st == TCET_OK && !(j->model->kept && adopt_forward(j, j->model->kept)))
            st = executor_forward(j);
        middle = seconds();
        j->run->seconds_forward += middle - begin;
        if (st == TCET_OK && j->gradients)
            st = executor_backwards(j);
        if (!j->run->keep_forward)
            drop_values(j);
        if (st == TCET_OK && j->hvp) /* what is in a device's queue is not its own */
            st = job_check(j, ts_synchronize(j->d), j->output, "waiting for the device");
        end = seconds();
        j->run->seconds_backward += end - middle - (j->run->seconds_hvp - before);
    }
    if (st == TCET_OK && j->hvp && !j->tangents) {
        double begin = seconds();

        st = tape_hessian(j);
        j->run->seconds_hvp += seconds() - begin;
    }
    return st;
}

static void job_free(struct job *j)
{
    if (j->sent) /* nobody else may get memory that a copy still writes to */
        ts_synchronize(j->d);
    if (j->v)
        drop_values(j);
    tangent_close(j);
    for (int32_t k = 0; j->hessian && k < j->graph->module_count; k++)
        pool_put(j->hessian[k]);
    for (int32_t i = 0; i < j->held_count; i++)
        memory_drop(j->held[i]);
    free(j->held);
    free(j->v);
    free(j->order);
    free(j->calls);
    free(j->part);
    free(j->gradient);
    free(j->bias_gradient);
    free(j->hessian);
    free(j->running);
    free(j);
}

static tcet_status job_open(struct job *j)
{
    size_t nodes = (size_t)j->graph->node_count, modules = (size_t)j->graph->module_count + 1;
    size_t edges = 0;

    for (size_t i = 0; i < nodes; i++)
        edges += (size_t)j->graph->nodes[i].input_count;
    j->v = calloc(nodes, sizeof *j->v);
    j->order = malloc(modules * sizeof *j->order);
    j->calls = calloc(modules, sizeof *j->calls);
    j->part = calloc(edges + nodes + 1, sizeof *j->part);
    j->gradient = calloc(modules, sizeof *j->gradient);
    j->bias_gradient = calloc(modules, sizeof *j->bias_gradient);
    j->hessian = calloc(modules, sizeof *j->hessian);
    j->running = calloc(modules, sizeof *j->running);
    if (!j->v || !j->order || !j->calls || !j->part || !j->gradient || !j->bias_gradient ||
        !j->hessian || !j->running)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    memset(j->order, -1, modules * sizeof *j->order);
    return TCET_OK;
}

/* Everything of a run but its layers; the job is to be freed whatever the status. */
static tcet_status job_submit(struct job *j)
{
    tcet_status st = job_open(j);

    if (st == TCET_OK)
        st = plan_make(j);
    if (st == TCET_OK)
        st = load_params(j);
    if (st == TCET_OK)
        st = layers_open(j);
    if (st == TCET_OK)
        st = open_norms(j);
    if (st == TCET_OK && j->tangents)
        st = tangent_open(j);
    if (st == TCET_OK)
        st = all_forwards(j);
    if (st == TCET_OK)
        st = layers_send(j);
    return st;
}

/* Of one that is still to be collected, the values alone. */
static void drop_kept(tcet_model *m)
{
    if (m->kept && m->kept->run)
        drop_values(m->kept);
    else if (m->kept)
        job_free(m->kept);
    m->kept = NULL;
}

static void append(tcet_model *m, struct job *j)
{
    struct job **end = &m->first;

    while (*end)
        end = &(*end)->next;
    *end = j;
}

/* Time that is told apart. */
static double parts(const tcet_run *run)
{
    return run->seconds_forward + run->seconds_backward + run->seconds_hvp;
}

tcet_status executor_run(tcet_ctx *cx, struct executor *x, tcet_model *m, tcet_run *run)
{
    int f64 = run->pass->precision == TCET_PRECISION_F64, keep;
    double begin = seconds(), before = parts(run);
    struct job *j = malloc(sizeof *j);
    tcet_status st;

    if (!run->same_forward)
        drop_kept(m);
    if (!j)
        return cx->host->fail(cx, TCET_E_MEMORY, "out of memory");
    *j = (struct job){.cx = cx,
                      .x = x,
                      .d = &m->device[f64],
                      .k = x->kernels[f64],
                      .model = m,
                      .graph = m->graph,
                      .run = run,
                      .sites = run->sites,
                      .n = run->n,
                      .forwards =
                          run->forwards * (int32_t)(run->pass->repeat ? run->pass->repeat : 1),
                      .size = f64 ? sizeof(double) : sizeof(float)};
    j->d->message[0] = '\0';
    st = job_submit(j);
    if (st == TCET_OK && !run->defer)
        st = layers_visit(j);
    keep = st == TCET_OK && run->keep_forward && j->forwards == 1 && !j->adopted;
    if (keep || !run->keep_forward)
        drop_kept(m);
    if (keep)
        m->kept = j;
    if (st == TCET_OK && run->defer)
        append(m, j);
    else if (keep)
        j->run = NULL; /* which ends with this call */
    else
        job_free(j);
    run->seconds_other += seconds() - begin - (parts(run) - before);
    return st;
}

tcet_status executor_collect(tcet_ctx *cx, tcet_model *m, tcet_run *run)
{
    double begin = seconds();
    struct job *j = m->first;
    tcet_status st;

    if (!j || j->run != run)
        return cx->host->fail(cx, TCET_E_ARG, "collect: this run is not the next one to collect");
    m->first = j->next;
    j->cx = cx;
    j->d->message[0] = '\0';
    st = layers_visit(j);
    j->run = NULL;
    if (m->kept != j)
        job_free(j);
    run->seconds_other += seconds() - begin;
    return st;
}

void executor_release(tcet_model *m)
{
    drop_kept(m);
    while (m->first) {
        struct job *j = m->first;

        m->first = j->next;
        job_free(j);
    }
    if (m->stream >= 0)
        m->x->lent[m->stream] = 0;
    free(m);
}
