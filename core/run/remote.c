/* remote.c -- see remote.h: the relay of rank 0, and what the other ranks do.  Room: core/run.
 * A message between ranks is a frame with the worker's number on its rank before it. */
#include "run/remote.h"

#include "base/clock.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "proc/frame.h"
#include "proc/mpi.h"
#include "run/process.h"
#include "run/rank.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOTS_MAX = 1024, /* workers on one rank */
    POLL_MS = 1       /* MPI has no descriptor to wait for: how long to look at sockets alone */
};

/* What a REMOTE_START holds. */
struct start_request {
    uint64_t memory; /* address-space limit in bytes, 0 none */
    double share;    /* struct link's */
};

/* Before the payload of a message between ranks. */
struct head {
    uint32_t slot, type;
};

/* -- Both sides ------------------------------------------------------------------------- */

/* Loads MPI and finds the rank that the environment promised. */
static tcet_status enter(const struct mpi **mpi, struct error *err)
{
    struct arena a = {0};
    int rank = -1, ranks = -1, launched, promised = rank_own(&launched);
    tcet_status st = mpi_get(arena_printf(&a, "%s/lib/tcet/tcet-mpi.so", paths_sdk()), mpi, err);

    arena_free(&a);
    TRY(st);
    if ((*mpi)->start(&rank, &ranks) != 0)
        return error_set(err, TCET_E_IO, "MPI does not start");
    if (rank != promised || ranks != launched)
        return error_set(err, TCET_E_IO,
                         "MPI says rank %d of %d, its launcher %d of %d: another "
                         "MPI than the one this tcet-host was built with?",
                         rank, ranks, promised, launched);
    return TCET_OK;
}

static int post(const struct mpi *mpi, int rank, uint32_t slot, uint32_t type, const char *data,
                size_t n)
{
    struct buf b = {0};
    struct head h = {slot, type};
    int rc;

    buf_add(&b, &h, sizeof h);
    buf_add(&b, data, n);
    rc = mpi->send(rank, b.data, b.len);
    buf_free(&b);
    return rc;
}

/* -- The relay of rank 0 ---------------------------------------------------------------- */

/* One remote worker, seen from the relay. */
struct channel {
    int fd; /* -1: closed */
    int rank;
    uint32_t slot;
    struct buf in, out;
    size_t read, written;
};

static void channel_close(struct channel *c)
{
    close(c->fd);
    c->fd = -1;
    buf_free(&c->in);
    buf_free(&c->out);
}

/* From the supervisor to the rank. */
static void channel_read(struct channel *c, const struct mpi *mpi)
{
    char chunk[65536];
    ssize_t got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    const char *data;
    uint32_t type;
    size_t n, used;

    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0) {
        channel_close(c);
        return;
    }
    buf_add(&c->in, chunk, (size_t)got);
    while (frame_take(&c->in, c->read, &type, &data, &n, &used) > 0) {
        c->read += used;
        if (post(mpi, c->rank, c->slot, type, data, n) != 0) {
            channel_close(c);
            return;
        }
    }
    memmove(c->in.data, c->in.data + c->read, c->in.len - c->read);
    c->in.len -= c->read;
    c->read = 0;
}

/* From the rank to the supervisor, as much as it takes now. */
static void channel_write(struct channel *c)
{
    while (c->written < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->written, c->out.len - c->written,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0 && errno != EINTR) {
            channel_close(c);
            return;
        }
        c->written += n > 0 ? (size_t)n : 0;
    }
    c->written = c->out.len = 0;
}

static void to_channel(struct channel *list, int count, int rank, const char *data, size_t n)
{
    struct head h;

    if (n < sizeof h)
        return;
    memcpy(&h, data, sizeof h);
    for (int i = 0; i < count; i++) {
        struct channel *c = &list[i];
        uint32_t frame[2] = {h.type, (uint32_t)(n - sizeof h)};

        if (c->fd < 0 || c->rank != rank || c->slot != h.slot)
            continue;
        buf_add(&c->out, frame, sizeof frame);
        buf_add(&c->out, data + sizeof h, n - sizeof h);
    }
}

/* Until the supervisor has closed all channels; false when MPI fails. */
static bool relay(struct channel *list, int count, const struct mpi *mpi)
{
    struct pollfd *p = mem_alloc((size_t)count * sizeof *p);
    int open, got = 0, rank;
    void *data;
    size_t n;

    do {
        for (int i = 0; i < count; i++)
            p[i] = (struct pollfd){list[i].fd, list[i].out.len ? POLLIN | POLLOUT : POLLIN, 0};
        poll(p, (nfds_t)count, POLL_MS);
        for (int i = 0; i < count; i++) {
            if (list[i].fd >= 0 && p[i].revents & ~POLLOUT)
                channel_read(&list[i], mpi);
        }
        while ((got = mpi->take(&rank, &data, &n)) > 0) {
            to_channel(list, count, rank, data, n);
            free(data);
        }
        open = 0;
        for (int i = 0; i < count; i++) {
            if (list[i].fd >= 0 && list[i].out.len)
                channel_write(&list[i]);
            open += list[i].fd >= 0;
        }
    } while (open && got == 0);
    free(p);
    return got == 0;
}

/* The relay's process, from fork to end. */
static void relay_main(struct channel *list, int count, int ranks, pid_t parent)
{
    const struct mpi *mpi;
    struct error err;
    int rank;
    void *data;
    size_t n;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGINT, SIG_IGN); /* the supervisor decides when to stop */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (enter(&mpi, &err) < 0) {
        for (int i = 0; i < count; i++) /* why, for the supervisor to say */
            (void)!frame_send(list[i].fd, REMOTE_ENDED, err.text, strlen(err.text), &err);
        _exit(1);
    }
    if (!relay(list, count, mpi))
        _exit(1);
    for (int r = 1; r < ranks; r++)
        (void)!post(mpi, r, 0, REMOTE_QUIT, "", 0);
    while (mpi->take(&rank, &data, &n) > 0) /* what nobody waits for */
        free(data);
    mpi->finish();
    _exit(0);
}

struct remote {
    pid_t relay;
    int count;
    int *links;
};

/* Channels in turn over the ranks, so that a run with less work than workers uses all. */
static tcet_status make_channels(struct remote *r, struct channel *list, int ranks,
                                 struct error *err)
{
    for (int i = 0; i < r->count; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
            return error_set(err, TCET_E_IO,
                             "cannot make a way to worker %d of %d on other ranks: "
                             "%s",
                             i + 1, r->count, strerror(errno));
        r->links[i] = pair[0];
        list[i] = (struct channel){
            .fd = pair[1], .rank = 1 + i % (ranks - 1), .slot = (uint32_t)(i / (ranks - 1))};
    }
    return TCET_OK;
}

tcet_status remote_open(int ranks, int each, struct remote **out, struct error *err)
{
    struct remote *r = mem_alloc(sizeof *r);
    pid_t parent = getpid();
    struct channel *list;
    tcet_status st;

    r->count = (ranks - 1) * (each < SLOTS_MAX ? each : SLOTS_MAX);
    r->links = mem_alloc((size_t)r->count * sizeof *r->links);
    list = mem_alloc((size_t)r->count * sizeof *list);
    st = make_channels(r, list, ranks, err);
    if (st >= 0 && (r->relay = fork()) < 0)
        st =
            error_set(err, TCET_E_IO, "cannot start the relay to other ranks: %s", strerror(errno));
    if (st >= 0 && r->relay == 0) {
        for (int i = 0; i < r->count; i++)
            close(r->links[i]);
        relay_main(list, r->count, ranks, parent);
    }
    for (int i = 0; i < r->count; i++) {
        if (list[i].fd > 0)
            close(list[i].fd);
    }
    free(list);
    if (st < 0) {
        r->relay = 0;
        remote_close(r);
        return st;
    }
    *out = r;
    return TCET_OK;
}

int remote_count(const struct remote *r)
{
    return r->count;
}

struct link remote_link_of(const struct remote *r, int i, double share)
{
    return remote_link(r->links[i], share);
}

void remote_close(struct remote *r)
{
    struct timespec pause = {0, 5000000};
    struct waiting waited;

    if (!r)
        return;
    waiting_start(&waited);
    for (int i = 0; i < r->count; i++) {
        if (r->links[i] > 0)
            close(r->links[i]);
    }
    while (r->relay > 0 && waitpid(r->relay, NULL, WNOHANG) == 0) {
        nanosleep(&pause, NULL);
        if (waiting_look(&waited, 0) > 10) /* a rank that does not go, or never came */
            kill(r->relay, SIGKILL);
    }
    free(r->links);
    free(r);
}

/* -- The link to one remote worker --------------------------------------------------------- */

static tcet_status remote_start(struct link *l, size_t memory, struct error *err)
{
    struct start_request request = {memory, l->share};
    struct error ignored;

    (void)err; /* a rank that is gone is met when its answer is read */
    l->child = (struct child){.fd = l->way, .output = -1};
    l->ended[0] = '\0';
    l->read = 0;
    (void)!frame_send(l->way, REMOTE_START, &request, sizeof request, &ignored);
    return TCET_OK;
}

/* The last frame is the rank's message that the worker has ended. */
static int remote_frame(struct link *l, uint32_t *type, const char **data, size_t *n)
{
    int got = link_frame(l, type, data, n);

    if (got <= 0 || *type != REMOTE_ENDED)
        return got;
    snprintf(l->ended, sizeof l->ended, "%.*s", (int)(*n < sizeof l->ended ? *n : sizeof l->ended),
             *data);
    return LINK_OVER;
}

/* Waits for the message that the remote worker has ended. */
static int remote_end(struct link *l, char *how, size_t cap)
{
    struct waiting waited;
    struct error ignored;
    const char *data;
    uint32_t type;
    size_t n;
    int got = 0;

    waiting_start(&waited);
    if (!*l->ended)
        (void)!frame_send(l->way, REMOTE_STOP, "", 0, &ignored);
    /* A rank answers in milliseconds. */
    while (!*l->ended && got >= 0 && waiting_look(&waited, 0) < 10) {
        struct pollfd p = {l->way, POLLIN, 0};

        poll(&p, 1, WAITING_LOOK_MS);
        while ((got = remote_frame(l, &type, &data, &n)) > 0)
            continue;
    }
    snprintf(how, cap, "%s", *l->ended ? l->ended : "is on a rank that does not answer");
    buf_free(&l->child.in);
    return *l->ended ? 0 : -1;
}

static void remote_finish(struct link *l)
{
    struct error ignored;

    (void)!frame_send(l->way, REMOTE_STOP, "", 0, &ignored);
    buf_free(&l->child.in);
}

struct link remote_link(int way, double share)
{
    static const struct link_ops ops = {remote_start, remote_frame, remote_end, remote_finish};

    return (struct link){.ops = &ops, .way = way, .share = share};
}

/* -- The other ranks -------------------------------------------------------------------- */

struct server {
    const struct mpi *mpi;
    struct link slot[SLOTS_MAX];
    int used; /* slots ever started */
    bool quit;
};

static struct link *slot_at(void *server, int i)
{
    return &((struct server *)server)->slot[i];
}

static void end(struct server *s, uint32_t slot)
{
    char how[1536];

    s->slot[slot].ops->end(&s->slot[slot], how, sizeof how);
    (void)!post(s->mpi, 0, slot, REMOTE_ENDED, how, strlen(how));
}

static void start(struct server *s, uint32_t slot, const char *data, size_t n)
{
    struct start_request request = {0};
    struct link *l = &s->slot[slot];
    struct error err;

    if (n == sizeof request)
        memcpy(&request, data, sizeof request);
    l->share = request.share;
    if ((int)slot >= s->used)
        s->used = (int)slot + 1;
    if (l->ops->start(l, request.memory, &err) < 0)
        (void)!post(s->mpi, 0, slot, REMOTE_ENDED, err.text, strlen(err.text));
}

/* One message from rank 0. */
static void take_message(struct server *s, const char *data, size_t n)
{
    struct error ignored;
    struct head h;
    bool up;

    if (n < sizeof h)
        return;
    memcpy(&h, data, sizeof h);
    data += sizeof h;
    n -= sizeof h;
    if (h.type == REMOTE_QUIT)
        s->quit = true;
    if (h.slot >= SLOTS_MAX || h.type == REMOTE_QUIT)
        return;
    up = process_up(&s->slot[h.slot]);
    if (h.type == REMOTE_START && !up)
        start(s, h.slot, data, n);
    else if (h.type == REMOTE_STOP && up)
        end(s, h.slot);
    else if (up) /* one that died meanwhile is met below */
        (void)!frame_send(s->slot[h.slot].child.fd, h.type, data, n, &ignored);
}

/* What one worker says goes to rank 0. */
static void forward(struct server *s, uint32_t slot)
{
    struct link *l = &s->slot[slot];
    const char *data;
    uint32_t type;
    size_t n;
    int got = 0;

    for (int i = 0; i < 1000 && (got = l->ops->frame(l, &type, &data, &n)) > 0; i++) {
        if (type >= REMOTE_START) /* not a worker's to say */
            got = LINK_NONSENSE;
        else
            (void)!post(s->mpi, 0, slot, type, data, n);
        if (got < 0)
            break;
    }
    if (got < 0)
        end(s, slot);
}

static tcet_status serve(struct server *s, struct error *err)
{
    struct pollfd *p = mem_alloc(2 * SLOTS_MAX * sizeof *p);
    tcet_status st = TCET_OK;

    while (!s->quit && st >= 0) {
        nfds_t k = 0;
        int got, rank, largest;
        void *data;
        size_t n;

        while ((got = s->mpi->take(&rank, &data, &n)) > 0) {
            take_message(s, data, n);
            free(data);
        }
        if (got < 0)
            st = error_set(err, TCET_E_IO, "MPI failed");
        for (int i = 0; i < s->used; i++) {
            if (!process_up(&s->slot[i]))
                continue;
            p[k++] = (struct pollfd){s->slot[i].child.fd, POLLIN, 0};
            p[k++] = (struct pollfd){s->slot[i].child.output, POLLIN, 0};
        }
        poll(p, k, POLL_MS);
        for (int i = 0; i < s->used; i++) {
            if (process_up(&s->slot[i]))
                forward(s, (uint32_t)i);
        }
        largest = process_largest(slot_at, s, s->used);
        if (largest >= 0)
            end(s, (uint32_t)largest);
    }
    free(p);
    return st;
}

tcet_status remote_serve(struct error *err)
{
    struct server *s = mem_alloc(sizeof *s);
    tcet_status st;

    for (int i = 0; i < SLOTS_MAX; i++)
        s->slot[i] = process_link(0);
    st = enter(&s->mpi, err);
    if (st >= 0)
        st = serve(s, err);
    for (int i = 0; i < s->used; i++) {
        char how[64];

        if (process_up(&s->slot[i]))
            s->slot[i].ops->end(&s->slot[i], how, sizeof how);
    }
    if (st >= 0)
        s->mpi->finish();
    free(s);
    return st;
}
