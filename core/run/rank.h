/* rank.h -- which process of an `mpirun tcet-host run` this is, from what the launcher put into the
 * environment (OpenMPI, MPICH and its kin, Slurm with PMIx).  Room: core/run. */
#ifndef CORE_RANK_H
#define CORE_RANK_H

/* This process's rank and their number.  *ranks = 1: nobody else. */
int rank_own(int *ranks);
/* How many ranks there are on this machine, as the launcher says; 1 where it does not. */
int rank_beside(void);

#endif
