/* train.c -- see train.h.  Room: core/train. */
#include "train/train.h"

#include "base/clock.h"
#include "base/text.h"
#include "plugin/calls.h"
#include "train/images.h"
#include "train/log.h"
#include "train/measure.h"
#include "train/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trainee {
    const struct train_task *task;
    const struct train_settings *s;
    struct plan *plan;
    struct arena arena;
    char arch[TCET_ARCH_MAX]; /* as a run lists it: of a file with what is in it */
    struct train_network net; /* as drawn */
    tcet_model *model;
    tcet_training *training;
    int64_t count[TCET_STATES];
    void *state[TCET_STATES]; /* room to copy each to */
    size_t element;           /* bytes of a number of it */
    struct images images;
    struct batch_images train, test; /* parts of them */
    struct batch_loader *loader;
    struct measure measure;
    struct schedule schedule;
    struct train_log log;
    const char *about, *made_by;
    int64_t epochs, steps; /* that are done */
    struct train_progress p;
    double started;
    int64_t images_now; /* seen since then */
};

/* -- the network -------------------------------------------------------------------------- */

/* Which parameters decay: all, or weights of convolutions and linear layers. */
static const uint8_t *decay_flags(struct trainee *t)
{
    const tcet_graph *g = graph_view(t->net.graph);
    uint8_t *flags = arena_alloc(&t->arena, 2 * (size_t)g->module_count + 1);

    for (int32_t k = 0; k < g->module_count; k++) {
        int weighs = g->modules[k].weight_count && graph_is_drawn(&g->modules[k]);
        int learned = graph_module_role(t->net.graph, k) == GRAPH_LEARNED;

        flags[2 * k] = (uint8_t)((t->s->decay_all && learned) || weighs);
        flags[2 * k + 1] = (uint8_t)t->s->decay_all;
    }
    return flags;
}

static tcet_status open_training(struct trainee *t, struct error *err)
{
    struct instance *b = t->plan->backend;

    if (!backend_trains(b))
        return error_set(err, TCET_E_UNSUPPORTED, "backend %s cannot train", b->plugin->desc.id);
    TRY(backend_prepare(b, graph_view(t->net.graph), &t->model, err));
    TRY(backend_train_open(b, t->model, &t->s->how, t->net.params, decay_flags(t), &t->training,
                           err));
    TRY(backend_train_sizes(b, t->training, t->count, err));
    t->element = t->s->how.precision == TCET_TRAIN_F64 ? sizeof(double) : sizeof(float);
    for (int i = 0; i < TCET_STATES; i++) {
        t->state[i] = mem_try((size_t)t->count[i] + 1, t->element);
        if (!t->state[i])
            return error_set(err, TCET_E_MEMORY, "no memory for a checkpoint");
    }
    return TCET_OK;
}

/* -- checkpoints -------------------------------------------------------------------------- */

/* What the training's numbers depend on. */
static void describe(struct trainee *t)
{
    struct buf about = {0};

    buf_printf(&about, "training=1\narch=%s\nseed=%llu\nclasses=%d\nimage=%dx%dx%d\n%s", t->arch,
               (unsigned long long)t->task->seed, t->plan->task.classes, t->plan->task.channels,
               t->plan->task.height, t->plan->task.width, t->plan->identity);
    buf_printf(&about, "images=%s\ninit=%s\nparameters=%lld\n", t->images.identity,
               t->plan->init_text, (long long)t->p.params);
    train_settings_print(t->s, &about);
    t->about = arena_strdup(&t->arena, about.data);
    buf_free(&about);
    t->made_by = arena_printf(&t->arena, "%s, %s, code %.12s", t->plan->backend_info.version,
                              t->plan->instructions, t->plan->backend_code);
}

static tcet_status read_states(struct trainee *t, const int *which, size_t n, struct checkpoint *c,
                               struct error *err)
{
    *c = (struct checkpoint){.about = t->about,
                             .made_by = t->made_by,
                             .epochs = t->epochs,
                             .steps = t->steps,
                             .best_epoch = t->p.best_epoch,
                             .best = t->p.best,
                             .test_loss = t->p.test_loss,
                             .test_top1 = t->p.test_top1,
                             .test_top5 = t->p.test_top5,
                             .lines = train_log_bytes(&t->log)};
    for (size_t i = 0; i < n; i++) {
        int k = which[i];

        TRY(backend_train_read(t->plan->backend, t->training, (uint32_t)k, t->state[k], err));
        c->state[k] = (struct checkpoint_state){t->state[k], (size_t)t->count[k] * t->element};
    }
    return TCET_OK;
}

static tcet_status save(struct trainee *t, struct error *err)
{
    static const int all[] = {TCET_STATE_PARAMS, TCET_STATE_FIRST, TCET_STATE_SECOND,
                              TCET_STATE_RUNNING, TCET_STATE_EMA};
    struct checkpoint c;

    TRY(train_log_sync(&t->log, err));
    TRY(read_states(t, all, TCET_COUNT(all), &c, err));
    return checkpoint_write(t->task->folder, &c, err);
}

/* The network as it was measured. */
static tcet_status save_best(struct trainee *t, struct error *err)
{
    static const int network[] = {TCET_STATE_PARAMS, TCET_STATE_RUNNING, TCET_STATE_EMA};
    struct checkpoint c;

    TRY(read_states(t, network, TCET_COUNT(network), &c, err));
    return checkpoint_write_best(t->task->folder, &c, err);
}

static tcet_status put_states(struct trainee *t, const struct checkpoint *c, struct error *err)
{
    for (int i = 0; i < TCET_STATES; i++) {
        if (c->state[i].n != (size_t)t->count[i] * t->element)
            return error_set(err, TCET_E_ARG, "the checkpoint in %s holds another network's states",
                             t->task->folder);
        memcpy(t->state[i], c->state[i].data, c->state[i].n); /* where numbers may stand */
        TRY(backend_train_write(t->plan->backend, t->training, (uint32_t)i, t->state[i], err));
    }
    t->epochs = t->p.began = c->epochs;
    t->steps = c->steps;
    t->p.best = c->best;
    t->p.best_epoch = c->best_epoch;
    t->p.test_loss = c->test_loss;
    t->p.test_top1 = c->test_top1;
    t->p.test_top5 = c->test_top5;
    return TCET_OK;
}

static tcet_status differs(struct trainee *t, const char *was, const char *is, struct error *err)
{
    struct text_difference d = text_difference(was, strlen(was), is, strlen(is));

    return error_set(
        err, TCET_E_ARG,
        "%s holds another training: it has \"%.*s\" where this one has \"%.*s\"; choose "
        "another run.output",
        t->task->folder, d.one_n, d.one, d.other_n, d.other);
}

/* Where the folder's training stopped, or its beginning. */
static tcet_status resume(struct trainee *t, struct error *err)
{
    const char *folder = t->task->folder, *note;
    struct checkpoint c = {.lines = 0};
    struct arena file = {0};
    int found;
    tcet_status st = checkpoint_read(folder, &file, &c, &found, &note, err);

    if (st >= 0 && found && !t->task->resume)
        st = error_set(err, TCET_E_ARG,
                       "%s holds an earlier training; use --resume to go on with it, or choose "
                       "another run.output",
                       folder);
    if (st >= 0 && found && strcmp(c.about, t->about))
        st = differs(t, c.about, t->about, err);
    if (st >= 0 && found && strcmp(c.made_by, t->made_by))
        t->task->log(t->task->arg,
                     arena_printf(&file,
                                  "the training was begun with another program (%s), and goes on "
                                  "with %s: the last bits may differ",
                                  c.made_by, t->made_by));
    if (st >= 0 && *note)
        t->task->log(t->task->arg, note);
    if (st >= 0 && found)
        st = put_states(t, &c, err);
    if (st >= 0)
        st = train_log_open(&t->log, folder, found ? c.lines : 0, t->task->resume, err);
    arena_free(&file);
    return st;
}

static tcet_status report(struct trainee *t, struct error *err)
{
    double seconds = clock_now() - t->started;

    t->p.rate = seconds > 0 ? (double)t->images_now / seconds : 0;
    t->p.waited = batch_waited(t->loader);
    return t->task->report(t->task->arg, &t->p, err);
}

/* -- measuring ---------------------------------------------------------------------------- */

static tcet_status alive(void *arg, struct error *err)
{
    return report(arg, err);
}

static tcet_status measure(struct trainee *t, struct error *err)
{
    struct measured m;

    TRY(measure_run(&t->measure, t->training, t->s->how.ema > 0, alive, t, &m, err));
    t->p.test_loss = m.loss;
    t->p.test_top1 = m.top1;
    t->p.test_top5 = m.top5;
    return TCET_OK;
}

/* Is this epoch measured?  The last one always. */
static int measures(const struct trainee *t)
{
    return t->s->test != TEST_NONE &&
           (t->epochs % t->s->eval_every == 0 || t->epochs == t->s->epochs);
}

/* -- training ----------------------------------------------------------------------------- */

static struct train_line line_of(const struct trainee *t, double loss, double top1)
{
    return (struct train_line){.epoch = t->p.epoch,
                               .step = t->steps,
                               .lr = t->p.lr,
                               .loss = loss,
                               .top1 = top1,
                               .test_loss = NAN,
                               .test_top1 = NAN,
                               .test_top5 = NAN};
}

/* What an epoch adds up. */
struct sums {
    double loss;
    int64_t right, n;
};

/* The training ends in the step in hand: what is no number, and what is left. */
static tcet_status broken(struct trainee *t, const char *what, struct error *err)
{
    int64_t saved = t->epochs - t->epochs % t->s->checkpoint_every;

    return error_set(err, TCET_E_NUMERIC, "%s in epoch %lld, step %lld (lr %g); %s", what,
                     (long long)t->p.epoch, (long long)t->p.step, t->p.lr,
                     saved ? arena_printf(&t->arena, "the last checkpoint is that of epoch %lld",
                                          (long long)saved)
                           : "there is no checkpoint yet");
}

/* The last step of an epoch may have left parameters that are no numbers, which no loss has shown yet. */
static tcet_status check_parameters(struct trainee *t, struct error *err)
{
    const void *state = t->state[TCET_STATE_PARAMS];
    int finite = 1;

    TRY(backend_train_read(t->plan->backend, t->training, TCET_STATE_PARAMS,
                           t->state[TCET_STATE_PARAMS], err));
    for (int64_t i = 0; i < t->count[TCET_STATE_PARAMS]; i++)
        finite &= isfinite(t->element == sizeof(double) ? ((const double *)state)[i]
                                                        : (double)((const float *)state)[i]) != 0;
    return finite ? TCET_OK
                  : broken(t, "a parameter is no number, or infinite, behind the step", err);
}

/* One step of the epoch; *line: its line, so far. */
static tcet_status step(struct trainee *t, struct sums *sums, struct train_line *line,
                        struct error *err)
{
    const struct train_settings *s = t->s;
    const struct batch *b = batch_next(t->loader);
    const tcet_batch batch = {
        .struct_size = sizeof batch, .n = b->n, .x = b->x, .targets = b->targets};
    tcet_train_result r;

    t->p.lr = schedule_rate(
        &t->schedule, schedule_seen(&t->schedule, t->epochs, t->p.step, s->batch.batch, b->n));
    TRY(backend_train_step(t->plan->backend, t->training, &batch, t->p.lr, s->weight_decay,
                           t->steps, &r, err));
    t->steps++;
    t->p.step++;
    if (!isfinite(r.loss))
        return broken(t, isnan(r.loss) ? "the loss is no number" : "the loss is infinite", err);
    sums->loss += r.loss;
    sums->right += r.correct;
    sums->n += b->n;
    t->images_now += b->n;
    t->p.done += b->n;
    t->p.loss = sums->loss / (double)sums->n;
    t->p.top1 = 100 * (double)sums->right / (double)sums->n;
    *line = s->log_steps ? line_of(t, r.loss / (double)b->n, 100 * (double)r.correct / (double)b->n)
                         : line_of(t, t->p.loss, t->p.top1);
    return report(t, err);
}

static tcet_status run_epoch(struct trainee *t, struct error *err)
{
    double start = clock_now();
    struct sums sums = {0};
    struct train_line line;
    int best = 0;

    t->p.epoch = t->epochs + 1;
    t->p.step = 0;
    while (t->p.step < t->p.steps) {
        TRY(step(t, &sums, &line, err));
        if (t->s->log_steps && t->p.step < t->p.steps)
            train_log_add(&t->log, &line);
    }
    TRY(check_parameters(t, err));
    t->epochs++;
    if (measures(t)) {
        TRY(measure(t, err));
        line.test_loss = t->p.test_loss;
        line.test_top1 = t->p.test_top1;
        line.test_top5 = t->p.test_top5;
        best = !t->p.best_epoch || t->p.test_top1 > t->p.best;
    }
    train_log_add(&t->log, &line);
    if (best) {
        t->p.best = t->p.test_top1;
        t->p.best_epoch = t->epochs;
        TRY(save_best(t, err));
    }
    TRY(train_log_time(&t->log, t->epochs, clock_now() - start, sums.n, err));
    if (t->epochs % t->s->checkpoint_every && t->epochs < t->s->epochs)
        return train_log_flush(&t->log, err);
    return save(t, err);
}

/* -- the whole ---------------------------------------------------------------------------- */

static struct batch_images first_of(struct batch_images all, int64_t n)
{
    if (n && n < all.count)
        all.count = n;
    return all;
}

tcet_status train_images(struct plan *p, const struct train_settings *s, struct images *all,
                         struct batch_images *train, struct batch_images *test, struct error *err)
{
    const struct images_options want = {p->task.height, p->task.width, p->task.classes, s->holdout};

    TRY(images_read(p->data[0].dataset, &want, all, err));
    if (train)
        *train = first_of(all->train, s->images);
    *test = first_of(s->test == TEST_TRAIN ? first_of(all->train, s->images) : all->test,
                     s->test_images);
    if (s->test == TEST_NONE)
        test->count = 0;
    if (s->test == TEST_TEST && !test->count)
        return error_set(err, TCET_E_ARG,
                         "dataset %s has no test images here; set [train] holdout = N (the last N "
                         "training images), test = train, or test = none",
                         p->data[0].id);
    return TCET_OK;
}

/* Says so where fewer images are there than a key of [train] asks for. */
static void note_fewer(struct trainee *t, const char *key, int64_t wanted, int64_t there)
{
    char note[160];

    if (wanted <= there)
        return;
    snprintf(note, sizeof note, "%s = %lld: there are %lld, all of which are used", key,
             (long long)wanted, (long long)there);
    t->task->log(t->task->arg, note);
}

static tcet_status open_images(struct trainee *t, struct error *err)
{
    const struct train_settings *s = t->s;

    TRY(train_images(t->plan, s, &t->images, &t->train, &t->test, err));
    note_fewer(t, "[train] images", s->images, t->train.count);
    if (s->test != TEST_NONE)
        note_fewer(t, "[train] test_images", s->test_images, t->test.count);
    t->p.train_images = t->train.count;
    t->p.test_images = t->test.count;
    t->p.epochs = s->epochs;
    t->p.steps = batch_count(&s->batch, t->p.train_images);
    if (!t->p.steps)
        return error_set(err, TCET_E_ARG,
                         "[train] batch = %lld: the %lld training images make no batch; a smaller "
                         "one, or drop_last = no",
                         (long long)s->batch.batch, (long long)t->p.train_images);
    t->schedule = s->schedule;
    t->schedule.images = t->p.train_images;
    return measure_open(&t->measure, t->plan, &t->test, s->batch.batch, err);
}

static tcet_status run(struct trainee *t, struct error *err)
{
    struct batch_options how = t->s->batch;
    struct graph_counts counts;
    int64_t each;

    how.seed = t->task->seed;
    TRY(space_listed(t->plan->space, t->task->arch, t->arch, sizeof t->arch, err));
    TRY(train_network_build(&t->net, t->plan, t->s, t->arch, t->task->seed, err));
    graph_count(t->net.graph, &counts);
    t->p.params = counts.params;
    t->p.classes = graph_view(t->net.graph)->classes;
    TRY(open_images(t, err));
    TRY(open_training(t, err));
    describe(t);
    TRY(resume(t, err));
    TRY(batch_open(&how, &t->train, t->epochs, &t->loader, err));
    each = t->s->batch.drop_last ? t->p.steps * t->s->batch.batch : t->p.train_images;
    t->p.total = each * t->s->epochs;
    t->p.done = each * t->epochs;
    t->started = clock_now();
    TRY(report(t, err));
    while (t->epochs < t->s->epochs)
        TRY(run_epoch(t, err));
    t->p.ended = 1;
    t->p.epoch = t->epochs;
    return report(t, err);
}

tcet_status train_run(const struct train_task *task, struct error *err)
{
    struct trainee t = {.task = task,
                        .s = task->settings,
                        .plan = task->plan,
                        .log = TRAIN_LOG_CLOSED,
                        .p = {.test_top1 = NAN, .test_loss = NAN, .test_top5 = NAN, .best = NAN}};
    tcet_status st = run(&t, err);

    batch_close(t.loader);
    train_log_close(&t.log);
    images_free(&t.images);
    backend_train_close(t.plan->backend, t.training);
    if (t.model)
        backend_release(t.plan->backend, t.model);
    for (int i = 0; i < TCET_STATES; i++)
        free(t.state[i]);
    measure_close(&t.measure);
    train_network_free(&t.net);
    arena_free(&t.arena);
    return st;
}
