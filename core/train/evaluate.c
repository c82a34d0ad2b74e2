/* evaluate.c -- a network that was trained, measured or written for other programs (train.h).
 * Room: core/train. */
#include "train/train.h"

#include "base/sha256.h"
#include "plugin/calls.h"
#include "train/checkpoint.h"
#include "train/images.h"
#include "train/measure.h"
#include "train/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- measuring ---------------------------------------------------------------------------- */

struct evaluation {
    const struct train_task *task;
    struct train_network net;
    struct images images;
    struct measure measure;
    tcet_model *model;
    tcet_training *training;
    struct train_progress p;
};

static tcet_status alive(void *arg, struct error *err)
{
    struct evaluation *e = arg;

    return e->task->report(e->task->arg, &e->p, err);
}

/* Puts count float32 numbers into a state, whose numbers are double where it is wide. */
static tcet_status put(struct evaluation *e, uint32_t state, const float *from, int64_t count,
                       struct error *err)
{
    double *wide = NULL;
    tcet_status st;

    if (e->task->settings->how.precision == TCET_TRAIN_F64) {
        wide = mem_try((size_t)count + 1, sizeof *wide);
        if (!wide)
            return error_set(err, TCET_E_MEMORY, "no memory for %lld weights", (long long)count);
        for (int64_t i = 0; i < count; i++)
            wide[i] = (double)from[i];
    }
    st = backend_train_write(e->task->plan->backend, e->training, state,
                             wide ? (const void *)wide : from, err);
    free(wide);
    return st;
}

static tcet_status open_training(struct evaluation *e, struct error *err)
{
    struct instance *b = e->task->plan->backend;
    const tcet_graph *g = graph_view(e->net.graph);
    tcet_train how = e->task->settings->how;
    uint8_t *decay = mem_alloc(2 * (size_t)g->module_count + 1);
    tcet_status st;

    how.ema = 0;
    st = backend_trains(b) ? backend_prepare(b, g, &e->model, err)
                           : error_set(err, TCET_E_UNSUPPORTED,
                                       "backend %s cannot measure networks", b->plugin->desc.id);
    if (st >= 0)
        st = backend_train_open(b, e->model, &how, e->net.params, decay, &e->training, err);
    free(decay);
    TRY(st);
    return put(e, TCET_STATE_RUNNING, e->net.running, e->net.running_count, err);
}

static tcet_status evaluate(struct evaluation *e, struct error *err)
{
    const struct train_task *task = e->task;
    struct graph_counts counts;
    struct batch_images test;
    struct measured m;

    TRY(train_network_build(&e->net, task->plan, task->settings, task->arch, 0, err));
    TRY(train_network_read(&e->net, task->folder, err));
    graph_count(e->net.graph, &counts);
    e->p.params = counts.params;
    e->p.classes = graph_view(e->net.graph)->classes;
    TRY(train_images(task->plan, task->settings, &e->images, NULL, &test, err));
    if (!test.count)
        return error_set(err, TCET_E_ARG, "[train] test = none: there is nothing to measure on");
    e->p.test_images = test.count;
    TRY(open_training(e, err));
    TRY(measure_open(&e->measure, task->plan, &test, task->settings->batch.batch, err));
    TRY(measure_run(&e->measure, e->training, 0, alive, e, &m, err));
    e->p.test_loss = m.loss;
    e->p.test_top1 = m.top1;
    e->p.test_top5 = m.top5;
    e->p.ended = 1;
    return task->report(task->arg, &e->p, err);
}

tcet_status train_evaluate(const struct train_task *task, struct error *err)
{
    struct evaluation e = {.task = task, .p = {.best = NAN}};
    tcet_status st = evaluate(&e, err);

    measure_close(&e.measure);
    images_free(&e.images);
    backend_train_close(task->plan->backend, e.training);
    if (e.model)
        backend_release(task->plan->backend, e.model);
    train_network_free(&e.net);
    return st;
}

/* -- writing ------------------------------------------------------------------------------ */

static tcet_status export_file(const struct train_task *task, const char *from, const char *to,
                               struct train_network *n, struct arena *a, struct error *err)
{
    struct checkpoint c;
    struct sha256 sum;
    char digest[65];
    struct net net = {.space = task->plan->space->plugin->desc.id, .arch = task->arch};
    struct graph_counts counts;
    enum net_format format;

    TRY(net_format_of(to, &format, err));
    TRY(checkpoint_read_file(from, a, &c, err));
    TRY(train_network_build(n, task->plan, task->settings, task->arch, 0, err));
    TRY(train_network_take(n, task->settings, &c, from, err));
    sha256_init(&sum); /* of what the numbers depend on */
    sha256_add(&sum, c.about, strlen(c.about));
    sha256_hex(&sum, digest);
    net.graph = n->graph;
    net.params = n->params;
    net.running = n->running;
    net.steps = n->steps;
    net.digest = digest;
    net.epoch = arena_printf(a, "%lld", (long long)c.epochs);
    TRY(net_write(&net, format, to, err));
    graph_count(n->graph, &counts);
    return task->report(task->arg,
                        &(struct train_progress){.epoch = c.epochs,
                                                 .epochs = task->settings->epochs,
                                                 .params = counts.params,
                                                 .ended = 1},
                        err);
}

tcet_status train_export(const struct train_task *task, const char *from, const char *to,
                         struct error *err)
{
    struct train_network n = {.graph = NULL};
    struct arena a = {0};
    tcet_status st = export_file(task, from, to, &n, &a, err);

    train_network_free(&n);
    arena_free(&a);
    return st;
}
