/* fit.c -- see fit.h.  Room: core/run. */
#include "run/fit.h"

#include "base/clock.h"
#include "base/folder.h"
#include "run/client.h"
#include "run/stored.h"
#include "run/supervise.h"
#include "run/trainer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Starts a worker that trains, or that knows the space alone; *plan lives in the arena. */
static tcet_status start(struct client *c, const struct config *config, int space_only,
                         const struct fit_options *o, struct arena *a, struct wire_plan *plan,
                         struct error *err)
{
    const struct wire_hello hello = {.training = !space_only, .space_only = space_only};
    const char *data;
    size_t n;

    *c = client_here(CLIENT_SHARE);
    c->stop = o->stop;
    c->log = o->log;
    c->log_arg = o->arg;
    TRY(client_start(c, config, &hello, 0, err));
    TRY(client_wait(c, WIRE_PLAN, &data, &n, err));
    return wire_unpack_plan(data, n, a, plan, err);
}

/* What a training's folder says of where its numbers come from. */
static tcet_status describe(const char *folder, const struct wire_plan *plan, int64_t seed,
                            struct error *err)
{
    TRY(stored_write(folder, plan->config, err));
    return stored_write_facts(folder, plan, seed, err);
}

/* Asks for one training or measurement and listens until it has ended.  plan: of a training, what its
 * folder says of it. */
static tcet_status ask(struct client *c, const char *const *texts, const struct wire_plan *plan,
                       const struct fit_options *o, int64_t seed, struct train_progress *p,
                       struct error *err)
{
    struct buf b = {0};
    const char *data;
    size_t n;
    tcet_status st;

    wire_pack_texts(&b, texts, TRAINER_TEXTS);
    st = client_send(c, WIRE_TRAIN, &b, err);
    buf_free(&b);
    while (st >= 0) {
        st = client_wait(c, WIRE_TRAINED, &data, &n, err);
        if (st >= 0)
            st = wire_unpack_trained(data, n, p, err);
        if (st >= 0 && plan) /* it was taken: a training that is refused changes nothing */
            st = describe(texts[TRAINER_FROM], plan, seed, err);
        plan = NULL;
        if (st >= 0 && o->progress)
            o->progress(o->arg, seed, p);
        if (st >= 0 && p->ended)
            break;
    }
    if (st >= 0)
        client_answered(c);
    return st;
}

static tcet_status train_one(struct client *c, const char *arch, const struct wire_plan *plan,
                             const struct fit_options *o, struct fit_one *one, struct error *err)
{
    char seed[32];
    const char *const texts[TRAINER_TEXTS] = {
        [TRAINER_WHAT] = "train",
        [TRAINER_ARCH] = arch,
        [TRAINER_SEED] = seed,
        [TRAINER_FROM] = one->folder,
        [TRAINER_TO] = o->resume ? "1" : "0",
    };

    snprintf(seed, sizeof seed, "%lld", (long long)one->seed);
    return ask(c, texts, plan, o, one->seed, &one->p, err);
}

static tcet_status run(struct config *config, const struct train_settings *s, const char *arch,
                       const struct fit_options *o, struct fit_result *r, struct client *c,
                       int *lock, struct error *err)
{
    struct wire_plan plan;
    int apart;

    TRY(run_folder(config, &r->arena, &r->folder, err));
    TRY(start(c, config, 0, o, &r->arena, &plan, err));
    TRY(stored_takes(r->folder, 1, err));
    TRY(folder_make(r->folder, err));
    TRY(folder_lock(r->folder, lock, err));
    r->count = (size_t)(s->last_seed - s->first_seed + 1);
    r->one = arena_alloc(&r->arena, r->count * sizeof *r->one);
    apart = r->count > 1 || stored_has_seeds(r->folder); /* then one of one seed goes on there */
    for (size_t i = 0; i < r->count; i++) {
        struct fit_one *one = &r->one[i];

        one->seed = s->first_seed + (int64_t)i;
        one->folder =
            !apart ? r->folder
                   : arena_printf(&r->arena, "%s/seed-%lld", r->folder, (long long)one->seed);
    }
    for (size_t i = 0; i < r->count; i++) {
        TRY(folder_make(r->one[i].folder, err));
        TRY(train_one(c, arch, &plan, o, &r->one[i], err));
        r->ended++;
    }
    return TCET_OK;
}

tcet_status fit_run(struct config *config, const struct train_settings *settings, const char *arch,
                    const struct fit_options *options, struct fit_result *result, struct error *err)
{
    struct client c = client_here(CLIENT_SHARE);
    double began = clock_now();
    int lock = -1;
    char how[64];
    tcet_status st;

    memset(result, 0, sizeof *result);
    st = run(config, settings, arch, options, result, &c, &lock, err);
    result->seconds = clock_now() - began;
    if (st == TCET_E_CANCELLED) {
        result->stopped = 1;
        st = TCET_OK;
    }
    if (st >= 0 && !result->stopped)
        client_stop(&c);
    else if (client_up(&c))
        client_end(&c, how, sizeof how);
    if (lock >= 0)
        close(lock);
    if (st < 0)
        fit_result_free(result);
    return st;
}

/* One question to a worker of its own. */
static tcet_status ask_once(const struct config *config, int space_only, const char *const *texts,
                            const struct fit_options *o, struct train_progress *out,
                            struct error *err)
{
    struct arena a = {0};
    struct wire_plan plan;
    struct client c;
    tcet_status st = start(&c, config, space_only, o, &a, &plan, err);

    if (st >= 0)
        st = ask(&c, texts, NULL, o, 0, out, err);
    client_stop(&c);
    arena_free(&a);
    return st;
}

tcet_status fit_evaluate(const struct config *config, const char *arch, const char *file,
                         const struct fit_options *options, struct train_progress *out,
                         struct error *err)
{
    const char *const texts[TRAINER_TEXTS] = {
        [TRAINER_WHAT] = "evaluate", [TRAINER_ARCH] = arch, [TRAINER_SEED] = "0",
        [TRAINER_FROM] = file,       [TRAINER_TO] = "",
    };

    return ask_once(config, 0, texts, options, out, err);
}

tcet_status fit_export(const struct config *config, const char *arch, const char *from,
                       const char *to, const struct fit_options *options,
                       struct train_progress *out, struct error *err)
{
    const char *const texts[TRAINER_TEXTS] = {
        [TRAINER_WHAT] = "export", [TRAINER_ARCH] = arch, [TRAINER_SEED] = "0",
        [TRAINER_FROM] = from,     [TRAINER_TO] = to,
    };

    return ask_once(config, 1, texts, options, out, err);
}

void fit_result_free(struct fit_result *r)
{
    arena_free(&r->arena);
}
