/* worker.c -- see worker.h: holds the plan, runs plugin code, answers requests in their order.
 * Room: core/run.
 *
 * Of the architectures that have arrived it begins as many as the plan has in flight before it ends
 * the oldest, so that a device has work while the host looks at results. */
#include "run/worker.h"

#include "score/score.h"
#include "plugin/calls.h"
#include "run/inspect.h"
#include "run/seeker.h"
#include "run/trainer.h"
#include "run/wire.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* An architecture in flight. */
struct slot {
    struct scorer *scorer;
    struct buf in;      /* its request */
    struct arena arena; /* what that was unpacked to */
    struct wire_job job;
    uint64_t nonce; /* its request's */
};

struct worker {
    int fd;
    uint64_t nonce; /* of the request that is served: its answer repeats it */
    struct config *config;
    struct plan *plan;
    struct slot *slots;
    struct seeker *seeker;        /* NULL: it was not asked to search */
    int slot_count, oldest, busy; /* busy ones from the oldest on, in a ring */
    struct arena arena;           /* of one request or answer */
    struct buf out;
};

static pid_t forker;    /* who forks */
static int log_fd = -1; /* where plugins' log lines go; set once by worker_main */
static int
    notes_off; /* 1: of networks that were scored, whose run has said what there is to note */

static void send_log(int level, const char *who, const char *text)
{
    struct buf b = {0};
    struct error ignored;

    if (notes_off && level <= TCET_LOG_INFO)
        return;
    pack_u32(&b, (uint32_t)level);
    buf_printf(&b, "%s: %s", who, text);
    buf_add(&b, "", 1); /* its NUL travels along */
    (void)!frame_send(log_fd, WIRE_LOG, b.data, b.len, &ignored);
    buf_free(&b);
}

static void send_foreign(const char *text)
{
    struct error ignored;

    (void)!frame_send(log_fd, WIRE_FOREIGN, text, strlen(text), &ignored);
}

/* Empties w->out for the answer to a request of that number. */
static void begin_answer(struct worker *w, uint64_t nonce)
{
    w->out.len = 0;
    buf_add(&w->out, &nonce, sizeof nonce);
}

static tcet_status answer(struct worker *w, uint32_t type, struct error *err)
{
    return frame_send(w->fd, type, w->out.data, w->out.len, err);
}

static void add_meta(struct arena *a, struct wire_plan *p, struct wire_pair *pairs,
                     const char *name, const char *value)
{
    pairs[p->meta_count].name = name;
    pairs[p->meta_count++].value = arena_strdup(a, value);
}

/* Facts without which a number cannot be compared: of any plan those of its space. */
static struct wire_pair *space_provenance(struct worker *w, struct wire_plan *out)
{
    const struct plan *p = w->plan;
    char target[PLAN_TARGET_TEXT];
    struct wire_pair *pairs = arena_alloc(&w->arena, 16 * sizeof *pairs);
    const char *task = arena_printf(&w->arena, "%dx%dx%d, %s", p->task.channels, p->task.height,
                                    p->task.width, plan_target_text(p, p->task.target, target));

    out->meta = pairs;
    add_meta(&w->arena, out, pairs, "space", p->space->plugin->desc.id);
    add_meta(&w->arena, out, pairs, "space_version", p->space->plugin->desc.version);
    add_meta(&w->arena, out, pairs, "space_parameters", p->space->params_text);
    add_meta(&w->arena, out, pairs, "task", task);
    return pairs;
}

/* Of a training, whose seeds are the supervisor's to name. */
static void train_provenance(struct worker *w, struct wire_plan *out)
{
    const struct plan *p = w->plan;
    struct wire_pair *pairs = space_provenance(w, out);
    const char *precision = config_text(w->config, "backend", "", "precision", "f32");

    add_meta(&w->arena, out, pairs, "data_used",
             arena_printf(&w->arena, "%s: %s", p->data[0].id, p->data[0].info.description));
    add_meta(&w->arena, out, pairs, "backend", p->backend_info.version);
    add_meta(&w->arena, out, pairs, "device", p->backend_info.device);
    add_meta(&w->arena, out, pairs, "instructions", p->instructions);
    add_meta(&w->arena, out, pairs, "precision",
             config_text(w->config, "train", "", "precision", precision));
}

static void provenance(struct worker *w, struct wire_plan *out)
{
    const struct plan *p = w->plan;
    struct buf data = {0};
    struct wire_pair *pairs = space_provenance(w, out);

    add_meta(&w->arena, out, pairs, "seed",
             arena_printf(&w->arena, "%llu", (unsigned long long)p->seed));
    add_meta(&w->arena, out, pairs, "data", p->data[0].info.identity);
    for (size_t i = 0; i < p->data_count; i++) {
        const struct plan_data *d = &p->data[i];

        buf_printf(&data, "%s%s: %s; %lld mini-batch%s of %lld, seed %llu", i ? "; " : "", d->id,
                   d->info.description, (long long)d->batches, d->batches == 1 ? "" : "es",
                   (long long)d->batch, (unsigned long long)d->seed);
    }
    add_meta(&w->arena, out, pairs, "data_used", data.data);
    buf_free(&data);
    add_meta(&w->arena, out, pairs, "main", p->columns[p->main_column].name);
    add_meta(&w->arena, out, pairs, "backend",
             p->pass_count ? p->backend_info.version : "none (no metric needs a pass)");
    add_meta(&w->arena, out, pairs, "device", p->backend_info.device);
    add_meta(&w->arena, out, pairs, "instructions", p->instructions);
    add_meta(&w->arena, out, pairs, "precision",
             p->precision == TCET_PRECISION_F64 ? "f64" : "f32");
}

static void open_slots(struct worker *w, int count)
{
    w->slots = mem_alloc((size_t)count * sizeof *w->slots);
    w->slot_count = count;
    for (int i = 0; i < count; i++)
        w->slots[i].scorer = scorer_new(w->plan);
}

/* The answer of a worker whose plan has no columns: its space, and the config. */
static tcet_status answer_space(struct worker *w, int training, struct error *err)
{
    struct wire_plan p = {.space = w->plan->space->plugin->desc.id};
    struct buf config = {0};

    if (training)
        train_provenance(w, &p);
    else
        space_provenance(w, &p);
    open_slots(w, 1);
    config_print(w->config, &config);
    p.config = config.data;
    wire_pack_plan(&w->out, &p);
    buf_free(&config);
    return answer(w, WIRE_PLAN, err);
}

static tcet_status hello(struct worker *w, const struct buf *in, struct error *err)
{
    struct wire_hello h;
    struct wire_plan p = {0};
    struct buf text = {0}, config = {0};

    if (w->plan)
        return error_set(err, TCET_E_PLUGIN, "a worker is greeted once");
    TRY(wire_unpack_hello(in->data, in->len, &w->arena, &h, err));
    TRY(config_unpack(h.config, h.config_len, &w->config, err));
    if (h.space_only) {
        TRY(plan_make_space(w->config, &w->plan, err));
        return answer_space(w, 0, err);
    }
    if (h.training) {
        TRY(plan_make_train(w->config, &w->plan, err));
        TRY(plan_open_backend(w->plan, err));
        return answer_space(w, 1, err);
    }
    TRY(plan_make(w->config, &w->plan, err));
    if (h.want_archs)
        TRY(plan_archs(w->plan, &w->arena, &p.archs, &p.arch_count, err));
    if (h.open_backend && w->plan->pass_count) /* what needs no pass needs no backend */
        TRY(plan_open_backend(w->plan, err));
    open_slots(w, w->plan->in_flight);
    p.columns = w->plan->columns;
    p.column_count = w->plan->column_count;
    provenance(w, &p);
    plan_print(w->plan, &text);
    config_print(w->config, &config);
    p.text = text.data;
    p.config = config.data;
    p.space = w->plan->space->plugin->desc.id;
    p.in_flight = w->plan->in_flight;
    p.share = plan_shares(w->plan);
    wire_pack_plan(&w->out, &p);
    buf_free(&text);
    buf_free(&config);
    return answer(w, WIRE_PLAN, err);
}

static tcet_status begin_job(struct worker *w, struct buf *in, struct error *err)
{
    struct slot *slot = &w->slots[(w->oldest + w->busy) % w->slot_count];
    struct wire_job *j = &slot->job;
    struct buf old = slot->in;

    slot->in = *in; /* the request stays until the job's end */
    *in = old;
    slot->nonce = w->nonce;
    arena_reset(&slot->arena);
    TRY(wire_unpack_job(slot->in.data, slot->in.len, &slot->arena, j, err));
    if (!w->plan->backend || j->column_count != w->plan->column_count)
        return error_set(err, TCET_E_PLUGIN, "a job for another plan");
    scorer_begin(slot->scorer, j->arch, (uint64_t)j->again, j->wanted, &j->known);
    w->busy++;
    return TCET_OK;
}

static tcet_status end_job(struct worker *w, struct error *err)
{
    struct slot *slot = &w->slots[w->oldest];

    w->oldest = (w->oldest + 1) % w->slot_count;
    w->busy--;
    begin_answer(w, slot->nonce);
    wire_pack_row(&w->out, scorer_end(slot->scorer));
    return answer(w, WIRE_ROW, err);
}

static tcet_status facts(struct worker *w, const struct buf *in, struct error *err)
{
    const char *const *archs;
    size_t count;
    struct wire_fact *f;

    TRY(wire_unpack_texts(in->data, in->len, &w->arena, &archs, &count, err));
    f = arena_alloc(&w->arena, (count + 1) * sizeof *f);
    for (size_t i = 0; i < count; i++) {
        struct arch_facts af = {.traits = {0}};
        struct error why;

        if (scorer_facts(w->slots[0].scorer, archs[i], &af, &why) < 0) {
            f[i].error = arena_strdup(&w->arena, why.text);
            continue;
        }
        f[i] = (struct wire_fact){
            af.counts.params, af.counts.macs,  af.counts.bias_macs, af.counts.layers,
            af.traits.live,   af.traits.alive, af.traits.depth,     ""};
    }
    wire_pack_facts(&w->out, f, count);
    return answer(w, WIRE_FACTS_ANSWER, err);
}

static tcet_status keys(struct worker *w, const struct buf *in, struct error *err)
{
    const char *const *archs;
    size_t count;
    const char **key;

    TRY(wire_unpack_texts(in->data, in->len, &w->arena, &archs, &count, err));
    key = arena_alloc(&w->arena, (count + 1) * sizeof *key);
    for (size_t i = 0; i < count; i++) {
        char text[TCET_ARCH_MAX];
        struct error unused;
        int known = space_check(w->plan->space, archs[i], &unused) >= 0 &&
                    space_canonical(w->plan->space, archs[i], text, sizeof text, &unused) >= 0;

        key[i] = arena_strdup(&w->arena, known ? text : "");
    }
    wire_pack_texts(&w->out, key, count);
    return answer(w, WIRE_KEYS_ANSWER, err);
}

/* What cannot be built is alone: a job says why. */
static tcet_status alike(struct worker *w, const struct buf *in, struct error *err)
{
    const char *const *archs;
    struct buf text = {0};
    size_t count;
    const char **of;

    TRY(wire_unpack_texts(in->data, in->len, &w->arena, &archs, &count, err));
    of = arena_alloc(&w->arena, (count + 1) * sizeof *of);
    for (size_t i = 0; i < count; i++) {
        struct error unused;

        text.len = 0;
        of[i] = scorer_alike(w->slots[0].scorer, archs[i], &text, &unused) >= 0
                    ? arena_strdup(&w->arena, text.data)
                    : "";
    }
    buf_free(&text);
    wire_pack_texts(&w->out, of, count);
    return answer(w, WIRE_ALIKE_ANSWER, err);
}

static tcet_status space(struct worker *w, const struct buf *in, struct error *err)
{
    const char *const *ask, *const *texts;
    size_t count, n;

    TRY(wire_unpack_texts(in->data, in->len, &w->arena, &ask, &count, err));
    TRY(inspect_space(w->plan, ask, count, &w->arena, &texts, &n, err));
    wire_pack_texts(&w->out, texts, n);
    return answer(w, WIRE_SPACE_ANSWER, err);
}

static tcet_status population(struct worker *w, const struct buf *in, struct error *err)
{
    struct wire_population p;
    double *out;

    TRY(wire_unpack_population(in->data, in->len, &w->arena, &p, err));
    if (p.score < 0 || (size_t)p.score >= w->plan->score_count ||
        w->plan->scores[p.score].scope != TCET_SCOPE_POPULATION ||
        w->plan->scores[p.score].input_count != p.input_count)
        return error_set(err, TCET_E_PLUGIN, "not a population score");
    out = arena_alloc(&w->arena, (p.count + 1) * sizeof *out);
    TRY(score_population(w->plan, p.score, p.columns, p.count, out, err));
    pack_f64s(&w->out, out, p.count);
    return answer(w, WIRE_VALUES, err);
}

static tcet_status serve(struct worker *w, uint32_t type, struct buf *in, struct error *err)
{
    notes_off = type == WIRE_FACTS;
    if (type != WIRE_HELLO && !w->slots)
        return error_set(err, TCET_E_PLUGIN, "a worker without a plan");
    switch (type) {
    case WIRE_HELLO: return hello(w, in, err);
    case WIRE_JOB: return begin_job(w, in, err);
    case WIRE_FACTS: return facts(w, in, err);
    case WIRE_POPULATION: return population(w, in, err);
    case WIRE_KEYS: return keys(w, in, err);
    case WIRE_SPACE: return space(w, in, err);
    case WIRE_ALIKE: return alike(w, in, err);
    case WIRE_TOLD: return TCET_OK; /* came early for a search that ended without it */
    case WIRE_SEEK:
        return seeker_serve(&w->seeker, w->fd, w->nonce, w->plan, in->data, in->len, err);
    case WIRE_TRAIN: return trainer_serve(w->fd, w->nonce, w->plan, in->data, in->len, err);
    default: return error_set(err, TCET_E_PLUGIN, "unknown message %u", type);
    }
}

static int has_arrived(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 0) > 0;
}

/* Takes its number off a request. */
static tcet_status take_nonce(struct worker *w, struct buf *in, struct error *err)
{
    if (in->len < sizeof w->nonce)
        return error_set(err, TCET_E_PLUGIN, "a request without a number");
    memcpy(&w->nonce, in->data, sizeof w->nonce);
    in->len -= sizeof w->nonce;
    memmove(in->data, in->data + sizeof w->nonce, in->len);
    begin_answer(w, w->nonce);
    return TCET_OK;
}

/* Ends the oldest job when nothing can be begun before it, else takes a request; 0: the
 * supervisor is gone. */
static int step(struct worker *w, struct buf *in, tcet_status *st, struct error *err)
{
    uint32_t type;

    arena_reset(&w->arena);
    err->text[0] = '\0';
    if (w->busy && (w->busy == w->slot_count || !has_arrived(w->fd))) {
        *st = end_job(w, err);
        return 1;
    }
    if (frame_recv(w->fd, &type, in, err) < 0)
        return 0;
    *st = take_nonce(w, in, err);
    if (*st < 0)
        return 1;
    *st = type != WIRE_JOB && w->busy
              ? error_set(err, TCET_E_PLUGIN, "message %u while architectures are in flight", type)
              : serve(w, type, in, err);
    return 1;
}

static void before_fork(void)
{
    forker = getpid();
}

/* In a process that a plugin forks: it ends with the worker, and does not keep the supervisor
 * from seeing the worker's end. */
static void in_child(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != forker) /* who has ended already: no signal will come */
        _exit(0);
    close(log_fd);
}

int worker_main(int fd)
{
    struct worker w = {.fd = fd};
    struct buf in = {0};
    struct error err;
    tcet_status st;
    int code = 0;

    log_fd = fd;
    pthread_atfork(before_fork, NULL, in_child);
    call_log = send_log;
    call_strict = 1;
    registry_foreign = send_foreign;
    while (step(&w, &in, &st, &err)) {
        if (st >= 0)
            continue;
        w.out.len = sizeof w.nonce; /* which it keeps */
        pack_u32(&w.out, (uint32_t)err.status);
        pack_text(&w.out, err.text);
        if (answer(&w, WIRE_ERROR, &err) < 0) {
            code = 1;
            break;
        }
    }
    for (int i = 0; i < w.slot_count; i++) {
        scorer_free(w.slots[i].scorer);
        buf_free(&w.slots[i].in);
        arena_free(&w.slots[i].arena);
    }
    free(w.slots);
    seeker_free(w.seeker);
    plan_free(w.plan);
    config_free(w.config);
    arena_free(&w.arena);
    buf_free(&w.out);
    buf_free(&in);
    return code;
}
