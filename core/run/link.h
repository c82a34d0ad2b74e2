/* link.h -- the way to one worker: start it, hear what it says, end it.  What a client (client.h)
 * stands on, whether the worker is a process of this machine (process.h) or of another rank
 * (remote.h).
 *
 * Room: core/run. */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include "plugin/instance.h"
#include "proc/child.h"

/* What link_ops.frame gives beside 1, a frame, and 0, nothing whole yet. */
enum { LINK_NONSENSE = -1, LINK_OVER = -2 };

struct link {
    const struct link_ops *ops;
    struct child child; /* of a worker of another rank: fd, output (-1) and in alone */
    size_t read;        /* bytes of child.in already consumed */
    double share;       /* of a machine's memory: what the workers there may hold together; 0: no
                           limit */
    /* process.c */
    struct call_trace *trace; /* a page shared with the worker; NULL: none */
    int trace_fd;
    uint64_t allowed; /* share in bytes, of this machine; 0: no limit */
    uint64_t held;    /* ended for its memory: what all held then, in bytes; else 0 */
    double looked;    /* when process_largest last looked */
    /* remote.c */
    int way;          /* descriptor; ours to use, not to close */
    char ended[1536]; /* how the worker ended, once it has */
};

struct link_ops {
    /* Starts a worker.  memory: address-space limit in bytes, 0 none. */
    tcet_status (*start)(struct link *l, size_t memory, struct error *err);
    /* The next whole frame that has arrived, without waiting: 1; *type, *data (borrowed until the
     * next call), *n; 0: nothing whole yet; LINK_NONSENSE; LINK_OVER: the worker is gone and all
     * it said was taken. */
    int (*frame)(struct link *l, uint32_t *type, const char **data, size_t *n);
    /* Ends the worker by force if it has not ended, and says how it ended.  0; -1: none can be
     * started any more. */
    int (*end)(struct link *l, char *how, size_t cap);
    /* Lets an idle worker end by itself. */
    void (*finish)(struct link *l);
};

/* link_ops.frame of what arrives at child.fd, for implementations. */
int link_frame(struct link *l, uint32_t *type, const char **data, size_t *n);

#endif
