/* run.c -- one run from its plan to its layers, and the forward that it may share with the
 * next; see executor.h.  Room: plugins/backend/torch. */
#include "ops.h"
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

void job_drop_values(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        memory_drop(j->now.v[i].val);
        memory_drop(j->now.v[i].bits);
        memory_drop(j->now.v[i].dy);
        j->now.v[i].val = j->now.v[i].bits = j->now.v[i].dy = NULL;
        j->now.v[i].measured = 0;
        forward_drop_sum(&j->now.v[i]);
    }
}

/* The weights in the device's memory and type, which stays where it is in later repeats. */
static tcet_status load_params(struct job *j)
{
    int64_t count = j->graph->param_floats;
    void *to = (void *)(uintptr_t)j->now.params;
    enum use use = j->plan.wants & (TCET_WANT_WEIGHT | TCET_WANT_BIAS) ? USE_SHOW : USE_WORK;

    if (!j->d->cuda && !j->d->f64 && !j->run->defer) {
        j->now.params = j->run->params;
        return TCET_OK;
    }
    if (!to && !(to = job_alloc(j, use, (size_t)count * j->ask.size)))
        return TCET_E_MEMORY;
    j->now.params = to;
    if (count == 0)
        return TCET_OK;
    return job_check(j, j->k->load(j->d, j->run->params, 1, 1, count, to), 0, "weights");
}

tcet_status job_use_params(struct job *j)
{
    size_t bytes = (size_t)j->graph->param_floats * j->ask.size;

    if (!j->k->use_params || !j->d->own_conv || bytes == 0)
        return TCET_OK;
    if (!j->now.beside && !(j->now.beside = job_alloc(j, USE_WORK, bytes)))
        return TCET_E_MEMORY;
    return job_check(j, j->k->use_params(j->d, j->graph, j->now.params, j->now.beside), 0,
                     "weights");
}

tcet_status job_open_lines(struct job *j)
{
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < j->graph->node_count && st == TCET_OK; i++) {
        const struct node_plan *p = &j->plan.node[i];

        if (p->rep == i && p->exec && p->lines)
            st = lines_open(j, i);
    }
    return st;
}

/* Takes the values that the backward reads from `from`, the last run, where that has them all
 * and nobody asks this forward for more; else does nothing and gives 0. */
static int adopt_forward(struct job *j, const struct job *from)
{
    int32_t count = j->graph->node_count;

    if (from->ask.size != j->ask.size || from->ask.n != j->ask.n || j->plan.tangents)
        return 0;
    for (int32_t i = 0; i < count; i++) {
        const struct node_plan *p = &j->plan.node[i];

        if (p->rep != i || !p->exec)
            continue;
        if (p->keep || p->signs ||
            (p->batch_stats && job_wants(j, TCET_SITE_NORM) & TCET_WANT_VARIANCE) ||
            (p->first_back >= 0 && !from->now.v[i].val) ||
            (p->lines && p->reach && p->up && !from->plan.node[i].exec))
            return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        const struct node_plan *p = &j->plan.node[i];
        const struct value *old = &from->now.v[i];
        struct value *v = &j->now.v[i];

        if (p->rep != i || !p->exec)
            continue;
        if (p->first_back >= 0)
            v->val = memory_ref(old->val);
        if (p->lines) {
            v->norm.mean = old->norm.mean;
            v->norm.invstd = old->norm.invstd;
            v->norm.a = old->norm.a;
            v->norm.b = old->norm.b;
        }
    }
    j->now.adopted = 1;
    return 1;
}

tcet_status job_hessian(struct job *j, int64_t row)
{
    double begin = seconds();
    tcet_status st;

    j->now.hvp_row = row;
    st = tangent_hessian(j);
    j->run->seconds_hvp += seconds() - begin;
    return st;
}

/* Running variances go on: the next repeat's begin as the last one's ended. */
static tcet_status carry_variances(struct job *j)
{
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < j->graph->node_count && st == TCET_OK; i++) {
        const struct node_plan *p = &j->plan.node[i];
        struct value *v = &j->now.v[i];
        int32_t c = job_node(j, i)->c;

        if (p->rep != i || !p->exec || !v->norm.running_var || norm_is_given(j, i))
            continue;
        if (p->call == 0) {
            char *next = (char *)v->norm.running_var + (size_t)c * j->ask.size;
            struct ts_term last = {.x = v->norm.running_var};

            st = job_check(j, j->k->combine(j->d, &last, 1, 1, 1, c, next, NULL, NULL), i,
                           "running variance");
        }
        v->norm.running_var = (char *)v->norm.running_var + (size_t)c * j->ask.size;
    }
    return st;
}

/* The next repeat: other weights and inputs.  What is in a device's queue reads the old ones. */
static tcet_status next_repeat(struct job *j)
{
    tcet_status st = job_check(j, ts_synchronize(j->d), j->plan.output, "waiting for the device");

    if (st == TCET_OK)
        st = j->run->redraw(j->run->arg);
    if (st == TCET_OK)
        st = load_params(j);
    if (st == TCET_OK)
        st = job_use_params(j);
    if (st == TCET_OK)
        st = carry_variances(j);
    return st;
}

static tcet_status all_forwards(struct job *j)
{
    tcet_status st = TCET_OK;

    for (j->now.forward = 0; j->now.forward < j->ask.forwards && st == TCET_OK; j->now.forward++) {
        double begin = seconds(), before = j->run->seconds_hvp, middle, end;

        if (j->now.forward && j->now.forward % j->run->forwards == 0)
            st = next_repeat(j);
        if (st == TCET_OK && !(j->ask.model->kept && adopt_forward(j, j->ask.model->kept)))
            st = forward_run(j);
        middle = seconds();
        j->run->seconds_forward += middle - begin;
        if (st == TCET_OK && j->plan.gradients)
            st = backward_run(j);
        if (!j->run->keep_forward)
            job_drop_values(j);
        if (st == TCET_OK && j->plan.hvp) /* what is in a device's queue is not its own */
            st = job_check(j, ts_synchronize(j->d), j->plan.output, "waiting for the device");
        end = seconds();
        j->run->seconds_backward += end - middle - (j->run->seconds_hvp - before);
    }
    if (st == TCET_OK && j->plan.hvp && !j->plan.tangents) {
        double begin = seconds();

        st = tape_hessian(j);
        j->run->seconds_hvp += seconds() - begin;
    }
    return st;
}

void job_free(struct job *j)
{
    if (!j)
        return;
    if (j->now.sent) /* nobody else may get memory that a copy still writes to */
        ts_synchronize(j->d);
    if (j->now.v) {
        job_drop_values(j);
        tangent_close(j);
    }
    for (int32_t k = 0; j->now.hessian && k < j->graph->module_count; k++)
        pool_put(j->now.hessian[k]);
    for (int use = 0; use < USES; use++) {
        for (int32_t i = 0; i < j->now.held[use].count; i++)
            memory_drop(j->now.held[use].block[i]);
        free(j->now.held[use].block);
    }
    free(j->now.v);
    free(j->plan.node);
    free(j->plan.order);
    free(j->plan.calls);
    free(j->now.part);
    free(j->now.gradient);
    free(j->now.bias_gradient);
    free(j->now.hessian);
    free(j->now.running);
    free(j);
}

static tcet_status open_state(struct job *j)
{
    size_t nodes = (size_t)j->graph->node_count, modules = (size_t)j->graph->module_count + 1;
    size_t edges = 0;

    for (size_t i = 0; i < nodes; i++)
        edges += (size_t)j->graph->nodes[i].input_count;
    j->plan.node = calloc(nodes, sizeof *j->plan.node);
    j->now.v = calloc(nodes, sizeof *j->now.v);
    j->plan.order = malloc(modules * sizeof *j->plan.order);
    j->plan.calls = calloc(modules, sizeof *j->plan.calls);
    j->now.part = calloc(edges + nodes + 1, sizeof *j->now.part);
    j->now.gradient = calloc(modules, sizeof *j->now.gradient);
    j->now.bias_gradient = calloc(modules, sizeof *j->now.bias_gradient);
    j->now.hessian = calloc(modules, sizeof *j->now.hessian);
    j->now.running = calloc(modules, sizeof *j->now.running);
    if (!j->plan.node || !j->now.v || !j->plan.order || !j->plan.calls || !j->now.part ||
        !j->now.gradient || !j->now.bias_gradient || !j->now.hessian || !j->now.running)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    memset(j->plan.order, -1, modules * sizeof *j->plan.order);
    return TCET_OK;
}

struct job *job_new(const struct job *begun)
{
    struct job *j = malloc(sizeof *j);

    if (!j) {
        begun->cx->host->fail(begun->cx, TCET_E_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(j, begun, sizeof *j); /* whose request is constant */
    j->d->message[0] = '\0';
    if (open_state(j) == TCET_OK)
        return j;
    job_free(j);
    return NULL;
}

/* Everything of a run but its layers; the job is to be freed whatever the status. */
static tcet_status job_submit(struct job *j)
{
    tcet_status st = plan_make(j);

    if (st == TCET_OK)
        st = load_params(j);
    if (st == TCET_OK)
        st = job_use_params(j);
    if (st == TCET_OK)
        st = layers_open(j);
    if (st == TCET_OK)
        st = job_open_lines(j);
    if (st == TCET_OK && j->plan.tangents)
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
        job_drop_values(m->kept);
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
    const struct job begun = {
        .cx = cx,
        .run = run,
        .d = &m->device[f64],
        .k = x->kernels[f64],
        .graph = m->graph,
        .ask = {.model = m,
                .sites = run->sites,
                .n = run->n,
                .forwards = run->forwards * (int32_t)(run->pass->repeat ? run->pass->repeat : 1),
                .size = f64 ? sizeof(double) : sizeof(float)}};
    struct job *j;
    tcet_status st;

    if (!run->same_forward)
        drop_kept(m);
    j = job_new(&begun);
    if (!j)
        return TCET_E_MEMORY;
    st = job_submit(j);
    if (st == TCET_OK && !run->defer)
        st = layers_visit(j);
    keep = st == TCET_OK && run->keep_forward && j->ask.forwards == 1 && !j->now.adopted;
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
