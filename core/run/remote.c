/* remote.c -- see remote.h: the relay of rank 0, and what the other ranks do.  Room: core/run.
 * A message between ranks is a frame with the worker's number on its rank before it. */
#include "run/remote.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/registry.h"
#include "proc/frame.h"
#include "proc/mpi.h"
#include "run/client.h"

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
    NAP_MS = 1        /* MPI has no descriptor to wait for: how long to look at sockets alone */
};

/* Before the payload of a message between ranks. */
struct head {
    uint32_t slot, type;
};

int remote_rank(int *ranks)
{
    static const char *const names[][2] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                           {"PMI_RANK", "PMI_SIZE"},
                                           {"PMIX_RANK", "SLURM_NTASKS"}};

    for (size_t i = 0; i < TCET_COUNT(names); i++) {
        const char *rank = getenv(names[i][0]), *size = getenv(names[i][1]);
        int64_t r, n;

        if (rank && size && text_to_i64(rank, &r) == 0 && text_to_i64(size, &n) == 0 && r >= 0 &&
            r < n && n <= 1 << 20) {
            *ranks = (int)n;
            return (int)r;
        }
    }
    *ranks = 1;
    return 0;
}

int remote_beside(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                        "SLURM_STEP_TASKS_PER_NODE"};
    int ranks;

    remote_rank(&ranks);
    for (size_t i = 0; ranks > 1 && i < TCET_COUNT(names); i++) {
        const char *text = getenv(names[i]);
        int n = text ? atoi(text) : 0; /* Slurm's goes on: "4(x2),3" */

        if (n > 0 && n <= ranks)
            return n;
    }
    return 1;
}

/* -- Both sides ------------------------------------------------------------------------- */

/* Loads MPI and finds the rank that the environment promised. */
static tcet_status enter(const struct mpi **mpi, struct error *err)
{
    struct arena a = {0};
    int rank = -1, ranks = -1, told, promised = remote_rank(&told);
    tcet_status st = mpi_get(arena_printf(&a, "%s/lib/tcet/tcet-mpi.so", paths_sdk()), mpi, err);

    arena_free(&a);
    TRY(st);
    if ((*mpi)->start(&rank, &ranks) != 0)
        return error_set(err, TCET_E_IO, "MPI does not start");
    if (rank != promised || ranks != told)
        return error_set(err, TCET_E_IO,
                         "MPI says rank %d of %d, its launcher %d of %d: another "
                         "MPI than the one this tcet-host was built with?",
                         rank, ranks, promised, told);
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
        poll(p, (nfds_t)count, NAP_MS);
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
            (void)!frame_send(list[i].fd, LINK_ENDED, err.text, strlen(err.text), &err);
        _exit(1);
    }
    if (!relay(list, count, mpi))
        _exit(1);
    for (int r = 1; r < ranks; r++)
        (void)!post(mpi, r, 0, LINK_QUIT, "", 0);
    while (mpi->take(&rank, &data, &n) > 0) /* last words that nobody waits for */
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

const int *remote_links(const struct remote *r, int *count)
{
    *count = r->count;
    return r->links;
}

void remote_close(struct remote *r)
{
    struct timespec nap = {0, 5000000};
    double until = clock_now() + 10;

    if (!r)
        return;
    for (int i = 0; i < r->count; i++) {
        if (r->links[i] > 0)
            close(r->links[i]);
    }
    while (r->relay > 0 && waitpid(r->relay, NULL, WNOHANG) == 0) {
        nanosleep(&nap, NULL);
        if (clock_now() > until) /* a rank that does not go, or never came */
            kill(r->relay, SIGKILL);
    }
    free(r->links);
    free(r);
}

/* -- The other ranks -------------------------------------------------------------------- */

struct server {
    const struct mpi *mpi;
    struct client slot[SLOTS_MAX];
    int used; /* slots ever started */
    bool quit;
};

static void bury(struct server *s, uint32_t slot)
{
    char how[1536];

    client_bury(&s->slot[slot], how, sizeof how);
    (void)!post(s->mpi, 0, slot, LINK_ENDED, how, strlen(how));
}

static void start(struct server *s, uint32_t slot, const char *data, size_t n)
{
    struct link_start how = {0};
    struct error err;

    if (n == sizeof how)
        memcpy(&how, data, sizeof how);
    s->slot[slot].share = how.share;
    if ((int)slot >= s->used)
        s->used = (int)slot + 1;
    if (client_launch(&s->slot[slot], how.memory, &err) < 0)
        (void)!post(s->mpi, 0, slot, LINK_ENDED, err.text, strlen(err.text));
}

/* One message from rank 0. */
static void obey(struct server *s, const char *data, size_t n)
{
    struct error ignored;
    struct head h;
    bool up;

    if (n < sizeof h)
        return;
    memcpy(&h, data, sizeof h);
    data += sizeof h;
    n -= sizeof h;
    if (h.type == LINK_QUIT)
        s->quit = true;
    if (h.slot >= SLOTS_MAX || h.type == LINK_QUIT)
        return;
    up = client_up(&s->slot[h.slot]);
    if (h.type == LINK_START && !up)
        start(s, h.slot, data, n);
    else if (h.type == LINK_STOP && up)
        bury(s, h.slot);
    else if (up) /* one that died meanwhile is met below */
        (void)!frame_send(s->slot[h.slot].child.fd, h.type, data, n, &ignored);
}

/* What one worker says goes to rank 0. */
static void hear(struct server *s, uint32_t slot)
{
    struct client *c = &s->slot[slot];
    const char *data;
    uint32_t type;
    size_t n;
    int got = 0;

    for (int i = 0; i < 1000 && (got = client_frame(c, &type, &data, &n)) > 0; i++) {
        if (type >= LINK_START) /* not a worker's to say */
            got = CLIENT_NONSENSE;
        else
            (void)!post(s->mpi, 0, slot, type, data, n);
        if (got < 0)
            break;
    }
    if (got < 0)
        bury(s, slot);
}

static tcet_status serve(struct server *s, struct error *err)
{
    struct pollfd *p = mem_alloc(2 * SLOTS_MAX * sizeof *p);
    tcet_status st = TCET_OK;

    while (!s->quit && st >= 0) {
        nfds_t k = 0;
        int got, rank, glutton;
        void *data;
        size_t n;

        while ((got = s->mpi->take(&rank, &data, &n)) > 0) {
            obey(s, data, n);
            free(data);
        }
        if (got < 0)
            st = error_set(err, TCET_E_IO, "MPI failed");
        for (int i = 0; i < s->used; i++) {
            if (!client_up(&s->slot[i]))
                continue;
            p[k++] = (struct pollfd){s->slot[i].child.fd, POLLIN, 0};
            p[k++] = (struct pollfd){s->slot[i].child.output, POLLIN, 0};
        }
        poll(p, k, NAP_MS);
        for (int i = 0; i < s->used; i++) {
            if (client_up(&s->slot[i]))
                hear(s, (uint32_t)i);
        }
        glutton = client_glutton(s->slot, s->used);
        if (glutton >= 0)
            bury(s, (uint32_t)glutton);
    }
    free(p);
    return st;
}

tcet_status remote_serve(struct error *err)
{
    struct server *s = mem_alloc(sizeof *s);
    tcet_status st;

    st = enter(&s->mpi, err);
    if (st >= 0)
        st = serve(s, err);
    for (int i = 0; i < s->used; i++) {
        char how[64];

        if (client_up(&s->slot[i]))
            client_bury(&s->slot[i], how, sizeof how);
    }
    if (st >= 0)
        s->mpi->finish();
    free(s);
    return st;
}
