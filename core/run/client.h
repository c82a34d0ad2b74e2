/* client.h -- the supervisor's end of one worker: start, greet, ask and wait.
 * Room: core/run. */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "config/config.h"
#include "proc/child.h"
#include "run/wire.h"

enum client_state { CLIENT_DOWN, CLIENT_GREETED, CLIENT_IDLE, CLIENT_BUSY };

struct client {
    struct child child;
    enum client_state state;
    size_t read;        /* bytes of child.in already consumed */
    char *trace;        /* shared page: the plugin whose code ran last */
    int trace_fd;
    size_t job;         /* what it works on, for the supervisor */
    double since;       /* monotonic seconds when the request was sent */
    void (*log)(void *arg, int level, const char *text);
    void *log_arg;
};

/* Starts a worker and greets it with config; how: the greeting's flags.  memory:
 * address-space limit in bytes, 0 none. */
tcet_status client_start(struct client *c, const struct config *config,
                         const struct wire_hello *how, size_t memory, struct error *err);
/* Sends one request. */
tcet_status client_send(struct client *c, uint32_t type, const struct buf *b, struct error *err);
/* Takes the next answer out of what arrived; log messages are handed on.  1: *type, *data
 * (borrowed until the next call), *n; 0: nothing whole yet; -1: the worker is gone or talks
 * nonsense. */
int client_take(struct client *c, uint32_t *type, const char **data, size_t *n);
/* Blocks until an answer of `type`; an ERROR answer or a dead worker is an error. */
tcet_status client_wait(struct client *c, uint32_t type, const char **data, size_t *n,
                        struct error *err);
/* Says how a dead or killed worker ended and which plugin ran last; the client is down. */
void client_bury(struct client *c, char *how, size_t cap);
/* Lets an idle worker end by itself. */
void client_stop(struct client *c);

/* Facts of many architectures from a worker made for it (no backend). */
tcet_status client_facts(const struct config *config, const char *const *archs, size_t count,
                         struct arena *a, const struct wire_fact **out, struct error *err);
/* Greets a worker without a backend and returns its plan. */
tcet_status client_plan(const struct config *config, int want_archs, struct arena *a,
                        struct wire_plan *out, struct error *err);

double client_clock(void); /* monotonic seconds */

#endif
