/* mpi.h -- messages between the processes of one mpirun, loaded on first use.
 *
 * Room: core/proc.  The MPI library lives in one private module, tcet-mpi.so (core/mpi), and
 * never in the executable: it takes tenths of a second to start, and most machines have none. */
#ifndef CORE_MPI_H
#define CORE_MPI_H

#include "base/error.h"

#include <stddef.h>

/* One thread, one user: whoever called start.  A rank that cannot be reached is an error of
 * its send, not of the program's; what the MPI library does of itself when a rank dies
 * (OpenMPI ends them all) is not in our hands. */
struct mpi {
    /* MPI_Init: which rank we are, of how many.  0, or -1. */
    int (*start)(int *rank, int *ranks);
    /* Sends a copy of n bytes (n <= 2^30 + 64) without waiting for anybody.  0; -1: no memory,
     * or that rank is gone. */
    int (*send)(int rank, const void *data, size_t n);
    /* The next message that has arrived whole, in the order its sender sent them: 1 and *data
     * (free() it); 0: none now; -1: the library failed. */
    int (*take)(int *rank, void **data, size_t *n);
    /* Lets what was sent arrive, then MPI_Finalize: returns when all ranks have called it. */
    void (*finish)(void);
};

/* The table of the module at path.  Errors: it cannot be loaded. */
tcet_status mpi_get(const char *path, const struct mpi **out, struct error *err);

#define MPI_SYMBOL "tcet_mpi_v1" /* const struct mpi *(*)(void) */

#endif
