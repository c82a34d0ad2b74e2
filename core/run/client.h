/* client.h -- the supervisor's end of one worker: start, greet, ask and wait.
 * Room: core/run.
 *
 * A worker is a process of this machine, or sits on another rank; which of the two only the link
 * knows. */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "base/clock.h"
#include "config/config.h"
#include "run/link.h"
#include "run/wire.h"

/* Requests to one worker that have no answer yet: no more than it may have in flight, and some. */
enum { CLIENT_ASKED_MAX = 16 };

/* Share of a machine's memory that the workers there may hold together if nothing else is said:
 * a run that holds more is about to meet the system's own end of those without memory. */
#define CLIENT_SHARE 0.9

enum client_state {
    CLIENT_DOWN, /* may be started */
    CLIENT_GREETED,
    CLIENT_IDLE,
    CLIENT_BUSY,
    CLIENT_LOST /* its rank cannot be reached any more */
};

struct client {
    struct link link;
    enum client_state state;
    double timeout;        /* [run] timeout of the config that it was started with */
    struct waiting waited; /* for the answer to the oldest request */
    uint32_t call;         /* of foreign code that was last seen running, and waited.spent when */
    double call_began;     /* it was first seen */
    /* The oldest first: numbers that nobody else knows, which an answer repeats.  So an answer to
     * nothing, one of another request, and what a plugin writes to the socket are told from it. */
    uint64_t asked[CLIENT_ASKED_MAX];
    int asked_count;
    struct buf
        unsent; /* frames for a worker that may itself wait for us to read; sent up to `sent` */
    size_t sent;
    const volatile int *stop; /* set by a signal handler; may be NULL */
    void (*log)(void *arg, int level, const char *text);
    void *log_arg;
};

/* What clients log to that have no log of their own; NULL: nothing.  Process-wide, set once. */
extern void (*client_log)(void *arg, int level, const char *text);

/* The client of a process on this machine, not started.  share: struct link's. */
struct client client_here(double share);
/* Starts a worker and greets it with config, whose [run] timeout holds for all its answers; how: the
 * greeting's flags.  One that dies at once is met when its answer is read. */
tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err);
/* Sends one request; its answer is awaited from when those before it have been answered.  To a worker
 * that died meanwhile: no error here, but where its answer is read, which says how it ended. */
tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err);
/* The oldest request has been answered by its last part. */
void client_answered(struct client *c);

/* Sends what belongs to the oldest request and is not answered by itself: without waiting for the worker
 * to read, which may be waiting for us.  What its socket has no room for goes by client_flush. */
tcet_status client_tell(struct client *c, uint32_t type, const struct buf *b, struct error *err);
/* Sends what waits, as far as there is room; client_unsent: does anything wait? */
void client_flush(struct client *c);
int client_unsent(const struct client *c);
/* What the link's frame gives, less the log messages and the names of foreign code, which
 * are handed on, a name once.  A frame that does not
 * answer the oldest request is LINK_NONSENSE.  ASKS and TRAINED come in parts: the request stays the oldest until
 * client_answered. */
int client_take(struct client *c, uint32_t *type, const char **data, size_t *n);
/* Is its answer overdue?  To be asked every WAITING_LOOK_MS.  why: "no answer within 2 s ...; " */
int client_late(struct client *c, char *why, size_t cap);
/* Blocks until an answer of `type`.  An ERROR answer, a dead worker, and a late one are errors; so
 * is *stop (TCET_E_CANCELLED). */
tcet_status client_wait(struct client *c, uint32_t type, const char **data, size_t *n,
                        struct error *err);
/* Where the workers of the list that are processes of ours hold more memory than they may: the
 * one that holds the most, to be ended; else -1.  Looks twenty times a second at most. */
int client_largest(struct client *list, int count);
/* Ends a worker by force if it has not ended; says how it ended and which plugin ran last.  The
 * client is down, or lost. */
void client_end(struct client *c, char *how, size_t cap);
/* Lets an idle worker end by itself. */
void client_stop(struct client *c);
/* A worker is there: it may send. */
int client_up(const struct client *c);

/* What makes architectures alike for [run] share (WIRE_ALIKE), from a worker that has its plan: texts in
 * a.  On failure too *out has what was answered, NULL for the rest. */
tcet_status client_alike(struct client *c, const char *const *archs, size_t count, struct arena *a,
                         const char *const **out, struct error *err);

/* Facts of many architectures from a worker made for it (no backend). */
tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err);
/* Canonical keys of the same, "" of what the space cannot read; no network is built.  stop: struct
 * client's. */
tcet_status client_keys(const struct config *config, const char *const *archs, size_t count,
                        const volatile int *stop, struct arena *a, const char *const **out,
                        struct error *err);
/* A question about the space (inspect.h) to a worker made for it. */
tcet_status client_space(const struct config *config, const char *const *texts, size_t count,
                         struct arena *a, const char *const **out, size_t *out_count,
                         struct error *err);
/* Greets a worker without a backend and returns its plan. */
tcet_status client_plan(const struct config *config, int want_archs, struct arena *a,
                        struct wire_plan *out, struct error *err);

#endif
