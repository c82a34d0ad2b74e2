/* seeker.c -- see seeker.h.  Room: core/run. */
#include "run/seeker.h"

#include "run/wire.h"
#include "search/search.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { ASKS_A_MESSAGE = 256 };

struct seeker {
    struct search_settings settings;
    struct benchmark benchmark;
    int has_benchmark;
    const char *const *warm; /* of a file */
    size_t warm_count;
    int fd;
    uint64_t
        nonce; /* of the request, which all parts of its answer and what belongs to it repeat */
    struct plan *plan;
    struct buf in, out;
    struct arena arena; /* of one search */
    struct arena message;
};

static tcet_status open_benchmark(struct seeker *s, struct error *err)
{
    const struct config *c = s->plan->config;

    if (!*config_text(c, "benchmark", "", "table", ""))
        return TCET_OK;
    TRY(benchmark_open(c, s->plan->space, &s->benchmark, err));
    s->has_benchmark = 1;
    return TCET_OK;
}

static tcet_status open_seeker(struct seeker **out, struct plan *plan, int fd, struct error *err)
{
    struct seeker *s;

    if (*out)
        return TCET_OK;
    s = mem_alloc(sizeof *s);
    s->plan = plan;
    s->fd = fd;
    if (search_settings_read(plan->config, &s->settings, err) < 0 || open_benchmark(s, err) < 0) {
        seeker_free(s);
        return err->status;
    }
    *out = s;
    return TCET_OK;
}

void seeker_free(struct seeker *s)
{
    if (!s)
        return;
    if (s->has_benchmark)
        benchmark_close(&s->benchmark);
    search_settings_free(&s->settings);
    buf_free(&s->in);
    buf_free(&s->out);
    arena_free(&s->arena);
    arena_free(&s->message);
    free(s);
}

/* The architectures to begin with: those of a run's folder come with the request, those of a file are
 * read here, where they can be checked. */
static tcet_status find_warm(struct seeker *s, const struct wire_seek *w,
                             struct search_setup *setup, struct error *err)
{
    const struct config_key *k = s->settings.warm;

    setup->warm = w->warm;
    setup->warm_count = w->warm_count;
    if (!k || w->warm_count)
        return TCET_OK;
    return plan_archs_file(s->plan, k, &s->arena, &setup->warm, &setup->warm_count, err);
}

/* Sends what came up. */
static tcet_status report(struct seeker *s, struct search *search, struct error *err)
{
    struct search_output *o = search_output(search);
    const struct wire_asks m = {*search_state(search), o->lines.data, o->lines.len, o->wants,
                                o->want_count};

    s->out.len = 0;
    buf_add(&s->out, &s->nonce, sizeof s->nonce);
    wire_pack_asks(&s->out, &m);
    o->lines.len = o->want_count = 0;
    return frame_send(s->fd, WIRE_ASKS, s->out.data, s->out.len, err);
}

static tcet_status take_told(struct seeker *s, struct search *search, struct error *err)
{
    struct wire_told t;
    uint64_t nonce = 0;
    uint32_t type;

    arena_reset(&s->message);
    TRY(frame_recv(s->fd, &type, &s->in, err));
    if (type != WIRE_TOLD || s->in.len < sizeof nonce)
        return error_set(err, TCET_E_PLUGIN, "message %u while a search waits for a score", type);
    memcpy(&nonce, s->in.data, sizeof nonce);
    if (nonce != s->nonce) /* it came too late for the search before */
        return TCET_OK;
    TRY(wire_unpack_told(s->in.data + sizeof nonce, s->in.len - sizeof nonce, s->plan->column_count,
                         &s->message, &t, err));
    return search_tell(search, t.number, &t.row, err);
}

static int has_arrived(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 0) > 0;
}

static tcet_status go_on(struct seeker *s, struct search *search, struct error *err)
{
    int waits;

    do {
        TRY(search_advance(search, ASKS_A_MESSAGE, &waits, err));
        TRY(report(s, search, err));
        if (waits)
            TRY(take_told(s, search, err));
        while (!search_state(search)->ended && has_arrived(s->fd))
            TRY(take_told(s, search, err));
    } while (!search_state(search)->ended); /* which was reported */
    return TCET_OK;
}

tcet_status seeker_serve(struct seeker **seeker, int fd, uint64_t nonce, struct plan *plan,
                         const void *data, size_t n, struct error *err)
{
    struct search *search = NULL;
    struct search_setup setup = {.plan = plan};
    struct wire_seek w;
    struct seeker *s;
    tcet_status st;

    TRY(open_seeker(seeker, plan, fd, err));
    s = *seeker;
    s->nonce = nonce;
    arena_reset(&s->arena);
    TRY(wire_unpack_seek(data, n, &s->arena, &w, err));
    setup.settings = &s->settings;
    setup.benchmark = s->has_benchmark ? &s->benchmark : NULL;
    setup.seed = w.seed;
    setup.stored = w.stored;
    TRY(find_warm(s, &w, &setup, err));
    TRY(search_open(&setup, &search, err));
    st = go_on(s, search, err);
    search_close(search);
    return st;
}
