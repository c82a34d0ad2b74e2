/* memory.h -- how much memory there is, and how much of it a process holds.
 *
 * Room: core/proc. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Bytes that this process may hope for: the machine's, or less where a control group of ours (a
 * batch job's, a container's) has a limit; $TCET_MEMORY, MiB, says it where we cannot see it.
 * 0: cannot be told. */
uint64_t memory_total(void);
/* Bytes that a process alone holds: its pages less those of files, which many share and the
 * system can drop; not address space, of which CUDA and the sanitizers take terabytes. */
uint64_t memory_held(pid_t pid);

#endif
