/* remote.h -- workers on other machines: the ranks of one `mpirun tcet-host run`.
 *
 * Room: core/run.  Rank 0 is the supervisor and has a process of its own for MPI, its relay,
 * which it talks to over socket pairs, one a remote worker: so the supervisor sees no MPI, and a
 * client's descriptor is all there is to a remote worker.  Every other rank serves: it starts
 * worker processes when told to and passes their frames on.
 *
 *   supervisor == socket pairs == relay of rank 0 -- MPI -- rank r == socket pair == worker */
#ifndef CORE_REMOTE_H
#define CORE_REMOTE_H

#include "base/error.h"

/* Frames about a worker, beside those between supervisor and worker (enum wire_type).  To
 * every START there is exactly one ENDED. */
enum link_type {
    LINK_START = 256, /* struct link_start */
    LINK_STOP,        /* end it by force */
    LINK_ENDED,       /* text: how it ended */
    LINK_QUIT         /* to a rank: end all and go; never from a supervisor */
};

struct link_start {
    uint64_t memory; /* address-space limit in bytes, 0 none */
    double share;    /* struct client's */
};

/* This process's rank and their number, from what the launcher put into the environment
 * (OpenMPI, MPICH and its kin, Slurm with PMIx).  *ranks = 1: nobody else. */
int remote_rank(int *ranks);
/* How many ranks there are on this machine, as the launcher says; 1 where it does not. */
int remote_beside(void);

struct remote;
/* On rank 0, before the store is opened: starts the relay, with `each` workers on each of the
 * other ranks. */
tcet_status remote_open(int ranks, int each, struct remote **out, struct error *err);
/* The ways to the remote workers (struct client's link), of all ranks in turn. */
const int *remote_links(const struct remote *r, int *count);
/* Lets all ranks go and waits until they have gone (some seconds at most).  NULL is fine. */
void remote_close(struct remote *r);

/* On every other rank: serves until rank 0 lets it go. */
tcet_status remote_serve(struct error *err);

#endif
