/* remote.h -- workers on other machines: the ranks of one `mpirun tcet-host run`.
 *
 * Room: core/run.  Rank 0 is the supervisor and has a process of its own for MPI, its relay,
 * which it talks to over socket pairs, one a remote worker: so the supervisor sees no MPI, and a
 * descriptor is all there is to a remote worker.  Every other rank serves: it starts
 * worker processes when told to and passes their frames on.
 *
 *   supervisor == socket pairs == relay of rank 0 -- MPI -- rank r == socket pair == worker */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include "run/link.h"

/* Frames about a worker, beside those between supervisor and worker (enum wire_type).  To
 * every START there is exactly one ENDED. */
enum remote_type {
    REMOTE_START = 256, /* to a rank: start a worker */
    REMOTE_STOP,        /* end it by force */
    REMOTE_ENDED,       /* text: how it ended */
    REMOTE_QUIT         /* to a rank: end all and go; never from a supervisor */
};

struct remote;
/* On rank 0, before the store is opened: starts the relay, with `each` workers on each of the
 * other ranks. */
tcet_status remote_open(int ranks, int each, struct remote **out, struct error *err);
/* How many remote workers there can be, of all ranks in turn, and the link to one of them. */
int remote_count(const struct remote *r);
struct link remote_link_of(const struct remote *r, int i, double share);
/* A link whose worker's rank is reached through a descriptor, which stays the caller's. */
struct link remote_link(int way, double share);
/* Lets all ranks go and waits until they have gone (some seconds at most).  NULL is fine. */
void remote_close(struct remote *r);

/* On every other rank: serves until rank 0 lets it go. */
tcet_status remote_serve(struct error *err);

#endif
