/* trainer.c -- see trainer.h.  Room: core/run. */
#include "run/trainer.h"

#include "base/clock.h"
#include "base/text.h"
#include "plugin/instance.h"
#include "run/wire.h"

#include <string.h>

/* Answers are this many seconds apart at least. */
static const double PAUSE = 0.1;

struct trainer {
    int fd;
    uint64_t nonce;
    double last; /* when something was sent */
    struct buf out;
};

static tcet_status report(void *arg, const struct train_progress *p, struct error *err)
{
    struct trainer *t = arg;
    double now = clock_now();

    if (!p->ended && now - t->last < PAUSE)
        return TCET_OK;
    t->last = now;
    t->out.len = 0;
    buf_add(&t->out, &t->nonce, sizeof t->nonce);
    wire_pack_trained(&t->out, p);
    return frame_send(t->fd, WIRE_TRAINED, t->out.data, t->out.len, err);
}

static void note(void *arg, const char *text)
{
    (void)arg;
    if (call_log)
        call_log(TCET_LOG_WARN, "training", text);
}

static tcet_status serve(const struct train_task *task, const char *const *text, struct error *err)
{
    const char *what = text[TRAINER_WHAT];

    if (!strcmp(what, "export"))
        return train_export(task, text[TRAINER_FROM], text[TRAINER_TO], err);
    if (!task->plan->identity)
        return error_set(err, TCET_E_PLUGIN, "a plan without data and backend");
    return strcmp(what, "train") ? train_evaluate(task, err) : train_run(task, err);
}

tcet_status trainer_serve(int fd, uint64_t nonce, struct plan *plan, const void *data, size_t n,
                          struct error *err)
{
    struct trainer t = {.fd = fd, .nonce = nonce};
    struct train_task task = {.plan = plan, .report = report, .log = note, .arg = &t};
    struct train_settings settings;
    const char *const *text;
    struct arena a = {0};
    size_t count;
    tcet_status st = wire_unpack_texts(data, n, &a, &text, &count, err);

    if (st >= 0 && (count != TRAINER_TEXTS || text_to_u64(text[TRAINER_SEED], &task.seed) < 0))
        st = error_set(err, TCET_E_PLUGIN, "not a training");
    if (st >= 0)
        st = train_settings_read(plan->config, &settings, err);
    if (st >= 0) {
        task.settings = &settings;
        task.arch = text[TRAINER_ARCH];
        task.folder = text[TRAINER_FROM];
        task.resume = !strcmp(text[TRAINER_TO], "1");
        st = serve(&task, text, err);
    }
    buf_free(&t.out);
    arena_free(&a);
    return st;
}
