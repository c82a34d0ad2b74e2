/* train.c -- a network in training: parameters, optimiser and running statistics that stay in the
 * device's memory, and steps over the executor's sweeps; see tcet_backend_ops.
 * Room: plugins/backend/torch.
 *
 * A mini-batch's plan (struct planned) is kept for the next one of its size.  Parameters and running
 * statistics are one array, as are their moving averages.  With several threads each has a seat: a job
 * for its part of the images, with gradients of its own, in step with the others (struct share). */
#include "ops.h"
#include "pool.h"
#include "team.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN, EVAL, MODES };

/* A planned pass over a seat's part of mini-batches of one size. */
struct planned {
    struct job *job; /* NULL: none yet */
    tcet_pass pass;
    tcet_run run;
    struct soft_loss soft;
    struct share share;
};

struct seat {
    tcet_ctx cx; /* first: of seats that are not the caller's */
    tcet_training *training;
    struct ts_device device;
    char *gradient;
    double *result; /* of soft_loss */
    struct planned planned[MODES];
    tcet_status status; /* of the work in hand */
    char message[704];
};

struct tcet_training {
    tcet_model *model;
    struct executor *executor;
    const struct kernels *k;
    tcet_train how;
    int64_t params, running; /* how many */
    int64_t *statistics;     /* where a module's begin among the running ones; -1: it has none */
    struct job *home;        /* holds the memory below, in the device */
    char *state[TCET_STATES], *decay;
    struct team *team; /* the executor's; NULL: one seat */
    int32_t seats;
    struct seat *seat;
    struct job **job[MODES]; /* of each seat */
    int32_t at_work[MODES];  /* how many seats the planned mini-batch has parts for */
    int64_t images[MODES];   /* of it */
    int32_t mode;            /* in hand */
};

/* -- opening --------------------------------------------------------------------------- */

static struct ts_device *device(const tcet_training *t)
{
    return &t->seat[0].device;
}

static size_t number(const tcet_training *t)
{
    return t->how.precision == TCET_TRAIN_F64 ? sizeof(double) : sizeof(float);
}

/* A job of seat s: of p's pass over n images, or (p NULL) one that only holds memory. */
static struct job *new_job(tcet_ctx *cx, struct seat *s, struct planned *p, int64_t n)
{
    tcet_training *t = s->training;
    const struct job begun = {.cx = cx,
                              .run = p ? &p->run : NULL,
                              .share = p && p->share.members > 1 ? &p->share : NULL,
                              .soft = p ? &p->soft : NULL,
                              .d = &s->device,
                              .k = t->k,
                              .graph = t->model->graph,
                              .ask = {.model = t->model,
                                      .sites = TCET_SITE_WEIGHT | TCET_SITE_NORM,
                                      .n = n,
                                      .forwards = 1,
                                      .size = number(t)}};

    return job_new(&begun);
}

static tcet_status check_how(tcet_ctx *cx, const struct executor *x, const tcet_train *how)
{
    const char *why = NULL;

    if (how->optimiser > TCET_OPTIMISER_ADAMW)
        why = "training: no such optimiser";
    else if (how->precision > TCET_TRAIN_BF16)
        why = "training: no such precision";
    else if (!x->device[0].cuda && how->precision >= TCET_TRAIN_TF32)
        why = "training in tf32 or bf16 is for CUDA devices; on a CPU use f32 or f64";
    return why ? cx->host->fail(cx, TCET_E_UNSUPPORTED, why) : TCET_OK;
}

/* Places of the running statistics, in the order of modules. */
static tcet_status place_statistics(tcet_ctx *cx, tcet_training *t)
{
    const tcet_graph *g = t->model->graph;

    t->statistics = malloc(((size_t)g->module_count + 1) * sizeof *t->statistics);
    if (!t->statistics)
        return cx->host->fail(cx, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < g->module_count; k++)
        t->statistics[k] = -1;
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *node = &g->nodes[i];

        if (op_of(node->op)->statistics && node->track && node->module >= 0)
            t->statistics[node->module] = node->c;
    }
    for (int32_t k = 0; k < g->module_count; k++) {
        int64_t c = t->statistics[k];

        if (c < 0)
            continue;
        t->statistics[k] = t->running;
        t->running += 2 * c;
    }
    return TCET_OK;
}

/* Host numbers in float32 to the device's, in its type. */
static tcet_status load(tcet_training *t, const float *from, int64_t count, void *to)
{
    if (count == 0)
        return TCET_OK;
    return job_check(t->home, t->k->load(device(t), from, 1, 1, count, to), 0, "state of training");
}

/* Where weight decay holds, and the running statistics of a network that saw nothing: 1 and 0 in
 * other words. */
static void fill_flags(const tcet_training *t, const uint8_t *decay, float *flags, float *running)
{
    const tcet_graph *g = t->model->graph;

    for (int32_t k = 0; k < g->module_count; k++) {
        const tcet_graph_module *m = &g->modules[k];

        for (int64_t i = 0; i < m->weight_count; i++)
            flags[m->weight + i] = decay[2 * k] != 0;
        for (int64_t i = 0; i < m->bias_count; i++)
            flags[m->bias + i] = decay[2 * k + 1] != 0;
    }
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *node = &g->nodes[i];
        int64_t at = node->module >= 0 ? t->statistics[node->module] : -1;

        for (int32_t c = 0; at >= 0 && op_of(node->op)->statistics && c < node->c; c++)
            running[at + node->c + c] = 1;
    }
}

static tcet_status fill_state(tcet_training *t, const float *params, const uint8_t *decay)
{
    float *flags = calloc((size_t)(t->params + t->running) + 1, sizeof *flags);
    float *running = flags ? flags + t->params : NULL;
    tcet_status st;

    if (!flags)
        return job_fail(t->home, TCET_E_MEMORY, "out of memory");
    fill_flags(t, decay, flags, running);
    st = load(t, flags, t->params, t->decay);
    if (st == TCET_OK)
        st = load(t, running, t->running, t->state[TCET_STATE_RUNNING]);
    free(flags);
    if (st == TCET_OK)
        st = load(t, params, t->params, t->state[TCET_STATE_PARAMS]);
    if (st == TCET_OK && t->state[TCET_STATE_EMA])
        st = job_check(t->home,
                       t->k->average(device(t), t->state[TCET_STATE_PARAMS], t->params + t->running,
                                     0, t->state[TCET_STATE_EMA]),
                       0, "moving average");
    return st;
}

/* Memory for `count` numbers of the device's type; NULL after job_fail. */
static char *numbers(tcet_training *t, int64_t count)
{
    return job_alloc(t->home, USE_WORK, (size_t)(count ? count : 1) * number(t));
}

static tcet_status open_state(tcet_training *t)
{
    int64_t all = t->params + t->running;

    t->state[TCET_STATE_PARAMS] = numbers(t, all);
    t->state[TCET_STATE_FIRST] = numbers(t, t->params);
    t->decay = numbers(t, t->params);
    if (!t->state[TCET_STATE_PARAMS] || !t->state[TCET_STATE_FIRST] || !t->decay)
        return TCET_E_MEMORY;
    for (int32_t m = 0; m < t->seats; m++) {
        t->seat[m].gradient = numbers(t, t->params);
        t->seat[m].result = job_alloc(t->home, USE_WORK, 3 * sizeof *t->seat[m].result);
        if (!t->seat[m].gradient || !t->seat[m].result)
            return TCET_E_MEMORY;
    }
    t->state[TCET_STATE_RUNNING] = t->state[TCET_STATE_PARAMS] + (size_t)t->params * number(t);
    if (t->how.optimiser == TCET_OPTIMISER_ADAMW &&
        !(t->state[TCET_STATE_SECOND] = numbers(t, t->params)))
        return TCET_E_MEMORY;
    if (t->how.ema > 0 && !(t->state[TCET_STATE_EMA] = numbers(t, all)))
        return TCET_E_MEMORY;
    return TCET_OK;
}

/* A failure on a thread that is not the caller's, who says it when all have ended. */
static tcet_status seat_fail(tcet_ctx *cx, tcet_status status, const char *text)
{
    struct seat *s = (struct seat *)(void *)cx;

    snprintf(s->message, sizeof s->message, "%s", text);
    return status;
}

/* The caller asks for all seats. */
static int32_t seat_cancelled(tcet_ctx *cx)
{
    (void)cx;
    return 0;
}

static const tcet_host seat_host = {
    .struct_size = sizeof seat_host, .fail = seat_fail, .cancelled = seat_cancelled};

static tcet_status open_seats(tcet_ctx *cx, tcet_training *t)
{
    int f64 = t->how.precision == TCET_TRAIN_F64;
    size_t seats;

    t->seats = t->k->norm_merge ? t->executor->threads : 1;
    seats = (size_t)t->seats;
    t->seat = calloc(seats, sizeof *t->seat);
    for (int mode = 0; mode < MODES; mode++)
        t->job[mode] = calloc(seats, sizeof(struct job *));
    if (!t->seat || !t->job[TRAIN] || !t->job[EVAL])
        return cx->host->fail(cx, TCET_E_MEMORY, "out of memory");
    for (size_t m = 0; m < seats; m++) {
        t->seat[m].cx.host = &seat_host;
        t->seat[m].training = t;
        t->seat[m].device = t->model->device[f64];
        t->seat[m].device.conv = t->how.precision == TCET_TRAIN_TF32   ? TS_CONV_TF32
                                 : t->how.precision == TCET_TRAIN_BF16 ? TS_CONV_BF16
                                                                       : TS_CONV_FULL;
    }
    if (seats > 1 && !t->executor->team && !(t->executor->team = team_new(t->seats)))
        return cx->host->fail(cx, TCET_E_MEMORY, "training: cannot start its threads");
    t->team = seats > 1 ? t->executor->team : NULL;
    t->home = new_job(cx, &t->seat[0], NULL, 0);
    return t->home ? TCET_OK : TCET_E_MEMORY;
}

tcet_status training_open(tcet_ctx *cx, struct executor *x, tcet_model *m, const tcet_train *how,
                          const float *params, const uint8_t *decay, tcet_training **out)
{
    tcet_status st = check_how(cx, x, how);
    tcet_training *t;

    if (st != TCET_OK)
        return st;
    t = calloc(1, sizeof *t);
    if (!t)
        return cx->host->fail(cx, TCET_E_MEMORY, "out of memory");
    *t = (tcet_training){.model = m,
                         .executor = x,
                         .k = x->kernels[how->precision == TCET_TRAIN_F64],
                         .how = *how,
                         .params = m->graph->param_floats};
    st = open_seats(cx, t);
    if (st == TCET_OK)
        st = place_statistics(cx, t);
    if (st == TCET_OK)
        st = open_state(t);
    if (st == TCET_OK)
        st = fill_state(t, params, decay);
    if (st == TCET_OK)
        *out = t;
    else
        training_close(t);
    return st;
}

/* Of all seats. */
static void drop_plan(tcet_training *t, int mode)
{
    t->images[mode] = 0;
    for (int32_t m = 0; t->seat && m < t->seats; m++) {
        job_free(t->seat[m].planned[mode].job);
        t->seat[m].planned[mode].job = NULL;
    }
}

void training_close(tcet_training *t)
{
    if (!t)
        return;
    for (int mode = 0; mode < MODES; mode++) {
        drop_plan(t, mode);
        free(t->job[mode]);
    }
    job_free(t->home);
    free(t->seat);
    free(t->statistics);
    free(t);
}

/* -- planning -------------------------------------------------------------------------- */

/* Where the gradients of weights go, all in one array, and the sums that those of biases are; a batch
 * norm's backward makes those of betas anyway. */
static tcet_status open_gradients(const struct seat *s, struct job *j)
{
    for (int32_t k = 0; k < j->graph->module_count; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];

        if (m->weight_count)
            j->now.gradient[k] = s->gradient + (size_t)m->weight * j->ask.size;
        if (!m->bias_count || !j->plan.calls[k] || job_op(j, j->plan.order[k])->statistics)
            continue;
        j->now.bias_gradient[k] =
            job_alloc(j, USE_WORK, (size_t)(j->plan.calls[k] * m->bias_count) * sizeof(double));
        if (!j->now.bias_gradient[k])
            return TCET_E_MEMORY;
    }
    return TCET_OK;
}

/* A seat's pass over its part of the mini-batch, p->run.n images. */
static tcet_status plan_seat(tcet_training *t, tcet_ctx *cx, struct seat *s, int mode)
{
    struct planned *p = &s->planned[mode];
    uint32_t wants = mode == TRAIN ? TCET_WANT_GRADIENT | TCET_WANT_BIAS_GRADIENT : 0;
    tcet_status st;

    p->pass = (tcet_pass){.struct_size = sizeof p->pass,
                          .loss = TCET_LOSS_CROSS_ENTROPY,
                          .gradient = mode == TRAIN ? TCET_GRADIENT_BATCH : TCET_GRADIENT_NONE,
                          .norm = mode == TRAIN ? TCET_NORM_TRAIN : TCET_NORM_EVAL};
    p->run = (tcet_run){.struct_size = sizeof p->run,
                        .forwards = 1,
                        .pass = &p->pass,
                        .sites = TCET_SITE_WEIGHT | TCET_SITE_NORM,
                        .n = p->run.n};
    p->run.wants[__builtin_ctz(TCET_SITE_WEIGHT)] = p->run.wants[__builtin_ctz(TCET_SITE_NORM)] =
        wants;
    p->soft.result = s->result;
    p->job = new_job(cx, s, p, p->run.n);
    if (!p->job)
        return TCET_E_MEMORY;
    st = plan_make(p->job);
    p->job->now.params = t->state[TCET_STATE_PARAMS];
    if (st == TCET_OK)
        st = job_open_lines(p->job);
    if (st == TCET_OK && mode == TRAIN)
        st = open_gradients(s, p->job);
    return st;
}

/* Plans for mini-batches of n images in place of the mode's last ones. */
static tcet_status plan_for(tcet_training *t, tcet_ctx *cx, int mode, int64_t n)
{
    int32_t members = n < t->seats ? (int32_t)n : t->seats;
    tcet_status st = TCET_OK;

    if (t->images[mode] == n)
        return TCET_OK;
    drop_plan(t, mode);
    for (int32_t m = 0; m < members && st == TCET_OK; m++) {
        struct planned *p = &t->seat[m].planned[mode];

        p->run.n = n * (m + 1) / members - n * m / members;
        p->share = (struct share){
            .team = t->team, .member = m, .members = members, .jobs = t->job[mode], .images = n};
        st = plan_seat(t, cx, &t->seat[m], mode);
        t->job[mode][m] = p->job;
    }
    if (st != TCET_OK) {
        drop_plan(t, mode);
        return st;
    }
    t->images[mode] = n;
    t->at_work[mode] = members;
    return TCET_OK;
}

/* Lets the job's network be of the parameters and running statistics in `state`. */
static void use_state(const tcet_training *t, struct job *j, const char *state)
{
    const char *running = state + (size_t)t->params * number(t);

    j->now.params = state;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        const tcet_node *node = job_node(j, i);
        const struct node_plan *p = &j->plan.node[i];
        struct ts_norm *norm = &j->now.v[i].norm;

        if (!job_op(j, i)->statistics || p->rep != i || !p->exec)
            continue;
        norm->gamma = node->affine ? job_weight(j, node) : NULL;
        norm->beta = node->affine ? job_bias(j, node) : NULL;
        if (t->how.norm_momentum >= 0)
            norm->momentum = t->how.norm_momentum;
        if (!node->track || node->module < 0)
            continue;
        norm->running_mean =
            (void *)(uintptr_t)(running + (size_t)t->statistics[node->module] * number(t));
        norm->running_var = (char *)norm->running_mean + (size_t)node->c * number(t);
    }
}

/* Plans the mini-batch, over the given state. */
static tcet_status begin(tcet_training *t, tcet_ctx *cx, int mode, const tcet_batch *batch,
                         const char *state)
{
    int64_t image =
        (int64_t)t->model->graph->channels * t->model->graph->height * t->model->graph->width;
    int64_t first = 0;
    tcet_status st;

    if (batch->n < 1)
        return cx->host->fail(cx, TCET_E_ARG, "training: a mini-batch has at least one image");
    st = plan_for(t, cx, mode, batch->n);
    for (int32_t m = 0; st == TCET_OK && m < t->at_work[mode]; m++) {
        struct seat *s = &t->seat[m];
        struct planned *p = &s->planned[mode];

        p->job->cx = m ? &s->cx : cx;
        p->run.x = batch->x + first * image;
        p->soft.targets = batch->targets + first * t->model->graph->classes;
        first += p->run.n;
        s->device.message[0] = s->message[0] = '\0';
        use_state(t, p->job, state);
        if (!m)
            st = job_use_params(p->job);
    }
    t->mode = mode;
    return st;
}

/* -- a seat's work --------------------------------------------------------------------- */

/* The gradients of biases and betas, which are sums in double, to the others. */
static tcet_status add_biases(struct job *j, char *gradient)
{
    tcet_status st = TCET_OK;

    for (int32_t i = 0; i < j->graph->node_count && st == TCET_OK; i++) {
        const struct norm_sums *sums = &j->now.v[i].sums[ORDINARY];
        const tcet_node *node = job_node(j, i);

        if (sums->made && node->affine)
            st = job_check(j,
                           j->k->add_sums(j->d, sums->s1, 1, node->c,
                                          gradient + (size_t)j->graph->modules[node->module].bias *
                                                         j->ask.size),
                           i, "gradient of beta");
    }
    for (int32_t k = 0; k < j->graph->module_count && st == TCET_OK; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];

        if (j->now.bias_gradient[k])
            st = job_check(j,
                           j->k->add_sums(j->d, j->now.bias_gradient[k], j->plan.calls[k],
                                          m->bias_count, gradient + (size_t)m->bias * j->ask.size),
                           j->plan.order[k], "gradient of the bias");
    }
    return st;
}

/* Gradients of all parameters, of the seat's images. */
static tcet_status differentiate(const struct seat *s, struct job *j)
{
    size_t bytes = (size_t)s->training->params * j->ask.size;
    tcet_status st = job_check(j, j->k->zero(j->d, s->gradient, bytes), j->plan.output, "gradient");

    if (st == TCET_OK)
        st = forward_run(j);
    if (st == TCET_OK)
        st = backward_run(j);
    job_drop_values(j);
    return st == TCET_OK ? add_biases(j, s->gradient) : st;
}

/* The logits stay. */
static tcet_status measure(struct job *j)
{
    tcet_status st = forward_run(j);

    return st == TCET_OK ? loss_soft(j, NULL) : st;
}

static void work(void *arg, int32_t member)
{
    tcet_training *t = arg;
    struct seat *s = &t->seat[member];
    struct job *j = s->planned[t->mode].job;
    int32_t threads = t->team ? ts_threads_here(1) : 0;

    s->status = t->mode == TRAIN ? differentiate(s, j) : measure(j);
    if (!t->team)
        return;
    ts_threads_here(threads);
    if (s->status != TCET_OK)
        team_fail(t->team);
}

/* All seats' work; the first failure that says why is the caller's. */
static tcet_status work_all(tcet_training *t, tcet_ctx *cx)
{
    tcet_status st = TCET_OK;

    if (t->team) {
        ts_threads_blas(1);
        team_run(t->team, t->at_work[t->mode], work, t);
        ts_threads_blas(t->executor->threads);
    } else {
        work(t, 0);
    }
    for (int32_t m = 0; m < t->at_work[t->mode]; m++) {
        struct seat *s = &t->seat[m];

        if (s->message[0])
            return cx->host->fail(cx, s->status, s->message);
        st = st == TCET_OK ? s->status : st;
    }
    return st;
}

/* -- a step ---------------------------------------------------------------------------- */

/* Loss and counts of all seats, in their order. */
static tcet_status read_result(tcet_training *t, tcet_train_result *out)
{
    double sums[3] = {0}, part[3];
    int status = 0;

    for (int32_t m = 0; m < t->at_work[t->mode] && status == 0; m++) {
        status = ts_to_host(device(t), part, t->seat[m].result, sizeof part);
        if (status == 0)
            status = ts_synchronize(device(t));
        for (int k = 0; k < 3 && status == 0; k++)
            sums[k] += part[k];
    }
    if (status == 0) {
        out->loss = sums[0];
        out->correct = (int64_t)sums[1];
        out->correct5 = (int64_t)sums[2];
    }
    return job_check(t->job[t->mode][0], status, 0, "loss");
}

/* The seats' gradients into the first's. */
static tcet_status add_gradients(tcet_training *t, struct job *j)
{
    tcet_status st = TCET_OK;

    for (int32_t m = 1; m < t->at_work[TRAIN] && st == TCET_OK; m++) {
        const struct ts_term terms[2] = {{.x = t->seat[0].gradient}, {.x = t->seat[m].gradient}};

        st = job_check(
            j, t->k->combine(j->d, terms, 2, 1, t->params, 1, t->seat[0].gradient, NULL, NULL),
            j->plan.output, "gradient");
    }
    return st;
}

static tcet_status update(tcet_training *t, struct job *j, double lr, double wd, int64_t step)
{
    const struct ts_update u = {.count = t->params,
                                .adamw = t->how.optimiser == TCET_OPTIMISER_ADAMW,
                                .nesterov = t->how.nesterov,
                                .w = t->state[TCET_STATE_PARAMS],
                                .first = t->state[TCET_STATE_FIRST],
                                .second = t->state[TCET_STATE_SECOND],
                                .g = t->seat[0].gradient,
                                .decay = t->decay,
                                .lr = lr,
                                .wd = wd,
                                .momentum = t->how.momentum,
                                .beta1 = t->how.beta1,
                                .beta2 = t->how.beta2,
                                .eps = t->how.eps,
                                .unbias1 = 1 - pow(t->how.beta1, (double)(step + 1)),
                                .unbias2 = 1 - pow(t->how.beta2, (double)(step + 1))};
    int status = 0;

    if (t->how.clip > 0)
        status = t->k->clip(j->d, t->seat[0].gradient, t->params, t->how.clip);
    if (status == 0)
        status = t->k->update(j->d, &u);
    if (status == 0 && t->state[TCET_STATE_EMA])
        status = t->k->average(j->d, t->state[TCET_STATE_PARAMS], t->params + t->running,
                               t->how.ema, t->state[TCET_STATE_EMA]);
    return job_check(j, status, j->plan.output, "optimiser");
}

tcet_status training_step(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, double lr,
                          double wd, int64_t step, tcet_train_result *out)
{
    tcet_status st = begin(t, cx, TRAIN, batch, t->state[TCET_STATE_PARAMS]);

    if (st == TCET_OK)
        st = work_all(t, cx);
    if (st == TCET_OK)
        st = add_gradients(t, t->job[TRAIN][0]);
    if (st == TCET_OK)
        st = update(t, t->job[TRAIN][0], lr, wd, step);
    return st == TCET_OK && out ? read_result(t, out) : st;
}

/* -- measuring ------------------------------------------------------------------------- */

/* Of one seat's images. */
static tcet_status read_logits(tcet_training *t, struct job *j, double *logits)
{
    int64_t count = j->ask.n * node_units(job_node(j, j->plan.output));
    void *host = pool_get((size_t)count * j->ask.size);
    int status;

    if (!host)
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    status = ts_to_host(j->d, host, job_value(j, j->plan.output), (size_t)count * j->ask.size);
    if (status == 0)
        status = ts_synchronize(j->d);
    for (int64_t i = 0; status == 0 && i < count; i++)
        logits[i] = number(t) == sizeof(double) ? ((const double *)host)[i]
                                                : (double)((const float *)host)[i];
    pool_put(host);
    return job_check(j, status, j->plan.output, "logits");
}

tcet_status training_eval(tcet_ctx *cx, tcet_training *t, const tcet_batch *batch, uint32_t ema,
                          tcet_train_result *out, double *logits)
{
    const char *state = t->state[ema ? TCET_STATE_EMA : TCET_STATE_PARAMS];
    tcet_status st;

    if (!state)
        return cx->host->fail(cx, TCET_E_ARG, "training: there is no moving average");
    st = begin(t, cx, EVAL, batch, state);
    if (st != TCET_OK)
        return st;
    st = work_all(t, cx);
    if (st == TCET_OK)
        st = read_result(t, out);
    for (int32_t m = 0; m < t->at_work[EVAL]; m++) {
        struct job *j = t->job[EVAL][m];

        j->cx = cx;
        if (st == TCET_OK && logits) {
            st = read_logits(t, j, logits);
            logits += j->ask.n * t->model->graph->classes;
        }
        job_drop_values(j);
    }
    return st;
}

/* -- its state ------------------------------------------------------------------------- */

void training_sizes(const tcet_training *t, int64_t *counts)
{
    counts[TCET_STATE_PARAMS] = counts[TCET_STATE_FIRST] = t->params;
    counts[TCET_STATE_SECOND] = t->state[TCET_STATE_SECOND] ? t->params : 0;
    counts[TCET_STATE_RUNNING] = t->running;
    counts[TCET_STATE_EMA] = t->state[TCET_STATE_EMA] ? t->params + t->running : 0;
}

tcet_status training_move(tcet_ctx *cx, tcet_training *t, uint32_t state, void *numbers, int write)
{
    int64_t counts[TCET_STATES];
    size_t bytes;
    int status;

    if (state >= TCET_STATES)
        return cx->host->fail(cx, TCET_E_ARG, "training: no such state");
    training_sizes(t, counts);
    bytes = (size_t)counts[state] * number(t);
    if (bytes == 0)
        return TCET_OK;
    t->home->cx = cx;
    status = write ? ts_to_device(device(t), t->state[state], numbers, bytes)
                   : ts_to_host(device(t), numbers, t->state[state], bytes);
    if (status == 0)
        status = ts_synchronize(device(t));
    return status == 0 ? TCET_OK : job_fail(t->home, status, "state of training");
}
