/* pool.h -- the workers of a run or a search, on this machine and on other ranks, and the architectures
 * that they score: handed out, tried again, given up.
 *
 * Room: core/run.  Whose architectures these are is the owner's matter: items are numbers of his, and he
 * is asked for an item's job, and told its row or why there is none.  Workers that die or hang cost one
 * architecture a retry; then it has failed.  The pool runs no plugin code and prints nothing. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "config/config.h"
#include "run/client.h"
#include "run/wire.h"

#include <poll.h>

struct pool_owner {
    /* What to send for an item, in a or longer; its architecture's text lives until its row or
     * failure. */
    tcet_status (*job)(void *arg, size_t item, struct arena *a, struct wire_job *out,
                       struct error *err);
    /* Its row.  TCET_E_ARG: a row that cannot be taken, which costs the item, not the run. */
    tcet_status (*row)(void *arg, size_t item, const struct result_row *row, struct error *err);
    tcet_status (*failed)(void *arg, size_t item, const char *why, struct error *err);
    const volatile int *stop; /* set by a signal handler; may be NULL */
    void (*log)(void *arg, int level, const char *text);
    void *log_arg, *arg;
};

struct pool {
    const struct config *config;
    struct pool_owner owner;
    int ranks;
    const struct wire_plan *plan; /* of the first worker: columns, provenance; the owner's */
    struct remote *remote;        /* NULL: all workers are here */
    struct client *clients;
    int client_count;
    int each;      /* workers a rank */
    size_t memory; /* address space of a worker, 0: no limit */
    double share;  /* struct link's */
    int64_t retries;
    struct pool_job *queue; /* pending jobs are [head, tail) */
    size_t head, tail, room;
    struct pool_job *retry; /* to be tried again, taken first */
    size_t retry_count, retry_room;
    struct workload *workloads; /* one a client */
    int depth;                  /* jobs of a workload at most */
    struct arena arena;         /* of one message */
    int broken_starts;          /* workers that died before they were ready, in a row */
};

/* Reads [run] workers, retries, memory; ranks: more than 1: rank 0 of so many (remote.h).  On
 * failure too the pool is pool_close()d. */
tcet_status pool_open(struct pool *p, const struct config *config, int ranks,
                      const struct pool_owner *owner, struct error *err);
/* Makes the clients and asks the first worker what the config means, with its architectures where
 * want_archs.  *out, whose texts live in a, outlives the pool. */
tcet_status pool_plan(struct pool *p, int want_archs, struct arena *a, struct wire_plan *out,
                      struct error *err);
/* No more workers than that are started. */
void pool_limit(struct pool *p, size_t most);
void pool_add(struct pool *p, size_t item);
size_t pool_pending(const struct pool *p); /* items that no worker has */
int pool_busy(const struct pool *p);       /* workers at work */
/* Gives workers something to do and starts those that are needed. */
tcet_status pool_assign(struct pool *p, struct error *err);
/* What to wait for: at most two entries a client.  Returns how many. */
int pool_waits(struct pool *p, struct pollfd *out);
/* Takes what has arrived, as poll has found it; ends workers that are silent too long, or hold too much
 * memory. */
tcet_status pool_listen(struct pool *p, const struct pollfd *polled, struct error *err);
void pool_close(struct pool *p);

/* A client with the pool's log and stop, for a worker of another use. */
struct client pool_client(const struct pool *p, struct link link);
/* [run] memory: MiB of address space a worker, or P% of a machine's memory for all its workers. */
tcet_status pool_memory_limits(const struct config *config, size_t *space, double *share,
                               struct error *err);
/* The words in which two columns' keys first differ, for messages, in the arena. */
void run_key_words(const char *one, const char *other, struct arena *a, const char **word_one,
                   const char **word_other);
/* Cores that we may use: fewer than the machine's under a batch system. */
int64_t pool_cores(void);

#endif
