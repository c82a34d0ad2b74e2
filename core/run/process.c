/* process.c -- see process.h.  Room: core/run. */
#include "run/process.h"

#include "base/clock.h"
#include "plugin/registry.h"
#include "proc/memory.h"
#include "run/rank.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A page that outlives the worker, in which it notes whose code it runs.  Its descriptor is
 * inherited; without it (no memfd) crashes are only less well named. */
static void share_trace(struct link *l)
{
    int fd = memfd_create("tcet-trace", MFD_CLOEXEC);

    l->trace = NULL;
    l->trace_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 16);
    if (fd >= 0)
        close(fd);
    if (l->trace_fd < 0)
        return;
    if (ftruncate(l->trace_fd, sizeof *l->trace) == 0) {
        void *page =
            mmap(NULL, sizeof *l->trace, PROT_READ | PROT_WRITE, MAP_SHARED, l->trace_fd, 0);

        l->trace = page == MAP_FAILED ? NULL : page;
    }
}

static void unshare_trace(struct link *l)
{
    if (l->trace)
        munmap(l->trace, sizeof *l->trace);
    if (l->trace_fd >= 0)
        close(l->trace_fd);
    l->trace = NULL;
    l->trace_fd = -1;
}

static tcet_status start(struct link *l, size_t memory, struct error *err)
{
    char trace[16];
    char *args[] = {"tcet-host", "worker", trace, NULL};
    tcet_status st;

    share_trace(l);
    snprintf(trace, sizeof trace, "%d", l->trace_fd);
    st = child_start(&l->child, paths_self(), args, memory, l->trace_fd, err);
    if (st < 0) {
        unshare_trace(l);
        return st;
    }
    l->read = 0;
    l->held = 0;
    l->allowed = l->share > 0 ? (uint64_t)(l->share * (double)memory_total() / rank_beside()) : 0;
    return TCET_OK;
}

static int end(struct link *l, char *how, size_t cap)
{
    struct call_trace t = {.calls = 0};
    char ended[1200];

    if (l->trace) /* the worker's to spoil, as long as it lives */
        t = *l->trace;
    t.now.who[sizeof t.now.who - 1] = t.foreign[sizeof t.foreign - 1] = '\0';
    t.now.function[sizeof t.now.function - 1] = '\0';
    child_stop(&l->child, ended, sizeof ended);
    if (l->held)
        snprintf(ended, sizeof ended,
                 "was ended: this machine's workers held %llu MiB, [run] memory = %.4g%% allows "
                 "%llu MiB",
                 (unsigned long long)l->held >> 20, 100 * l->share,
                 (unsigned long long)l->allowed >> 20);
    unshare_trace(l);
    l->read = 0;
    snprintf(how, cap, "%s", ended);
    if (*t.now.who)
        snprintf(how + strlen(how), cap - strlen(how), "; the plugin that ran last is %s (in %s)",
                 t.now.who, t.now.function);
    if (*t.foreign && strcmp(t.foreign, t.now.who) != 0)
        snprintf(how + strlen(how), cap - strlen(how), ", the last that is not built in %s",
                 t.foreign);
    return 0;
}

static void finish(struct link *l)
{
    child_finish(&l->child, 2.0);
    unshare_trace(l);
}

struct link process_link(double share)
{
    static const struct link_ops ops = {start, link_frame, end, finish};

    return (struct link){.ops = &ops, .share = share, .trace_fd = -1};
}

int process_up(const struct link *l)
{
    return l->child.pid > 0;
}

int process_largest(struct link *(*at)(void *list, int i), void *list, int count)
{
    struct link *first = at(list, 0);
    double t = clock_now();
    uint64_t all = 0, most = 0;
    int largest = -1;

    if (!first->allowed || t - first->looked < 0.05)
        return -1;
    first->looked = t;
    for (int i = 0; i < count; i++) {
        const struct link *l = at(list, i);
        uint64_t held = process_up(l) ? memory_held(l->child.pid) : 0;

        all += held;
        if (held <= most)
            continue;
        most = held;
        largest = i;
    }
    if (all <= first->allowed)
        return -1;
    at(list, largest)->held = all;
    return largest;
}
