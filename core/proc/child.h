/* child.h -- a worker process: this program re-executed, with one end of a socket pair.
 *
 * Room: core/proc.  Children stay in the parent's process group, die when it dies
 * (PR_SET_PDEATHSIG), have no standard input, and write what they print into a pipe of
 * which the parent keeps the tail. */
#ifndef CORE_CHILD_H
#define CORE_CHILD_H

#include "base/error.h"
#include "base/mem.h"

#include <sys/types.h>

enum { CHILD_FD = 3 }; /* the child's end of the socket pair */

struct child {
    pid_t pid;       /* 0: none */
    int fd;          /* our end */
    int output;      /* read end of its stdout and stderr, -1: none, or closed */
    struct buf in;   /* bytes gathered from fd, for frame_take */
    int drained;     /* the last read took all there was: poll before the next */
    int quiet;       /* poll has found nothing in output: it is not read */
    char tail[1024]; /* the last it printed */
    size_t tail_len;
};

/* Starts `path args...` (NULL-terminated, args[0] included).  memory: address-space limit
 * in bytes, 0 for none.  keep: a descriptor that the child inherits under the same number
 * (above 15), -1 for none. */
tcet_status child_start(struct child *c, const char *path, char *const args[], size_t memory,
                        int keep, struct error *err);
/* Reads what is there (some megabytes at most), without blocking, into c->in and the tail.
 * 0: more may come; -1: the child closed its socket.  Does nothing the first time after it took all. */
int child_read(struct child *c);
/* Kills (SIGKILL) if still there, reaps, closes.  Says how it ended: "exited with code 3",
 * "was killed by signal 11 (Segmentation fault)", and its last printed line. */
void child_stop(struct child *c, char *how, size_t cap);
/* Waits politely for a child that was told to go, then child_stop. */
void child_finish(struct child *c, double seconds);

#endif
