/* machine.h -- what the machine itself grants two processes that share nothing: the bound of
 * two_workers.  Room: bench.  Touches libc alone. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* What both do: count in a register, multiply and add in the first-level cache, or sweep memory
 * that no cache holds, in large pages. */
enum machine_work { MACHINE_COUNT, MACHINE_MULTIPLY, MACHINE_SWEEP, MACHINE_WORKS };
extern const char *const machine_name[MACHINE_WORKS];

/* Throughput of two processes at once over that of one, which runs before and after them. */
double machine_two(enum machine_work work);

#endif
