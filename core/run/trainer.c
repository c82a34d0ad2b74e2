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

    if (st >= 0 && (count != TRAINER_TEXTS || text_to_u64(text[TRAINER_SEED], &task.seed) < 0 ||
                    !plan->identity))
        st = error_set(err, TCET_E_PLUGIN, "not a training");
    if (st >= 0)
        st = train_settings_read(plan->config, &settings, err);
    if (st >= 0) {
        task.settings = &settings;
        task.arch = text[TRAINER_ARCH];
        task.folder = text[TRAINER_FOLDER];
        task.resume = !strcmp(text[TRAINER_RESUME], "1");
        st = train_run(&task, err);
    }
    buf_free(&t.out);
    arena_free(&a);
    return st;
}
