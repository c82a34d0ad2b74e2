/* machine.h -- what the machine itself grants: two processes that share nothing, the bound of
 * two_workers, and one core.  Room: bench.  Touches libc alone. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* What both do: count in a register, multiply and add in the first-level cache, or sweep memory
 * that no cache holds, in large pages. */
enum machine_work { MACHINE_COUNT, MACHINE_MULTIPLY, MACHINE_SWEEP, MACHINE_WORKS };
extern const char *const machine_name[MACHINE_WORKS];

/* Throughput of two processes at once over that of one, which runs before and after them. */
double machine_two(enum machine_work work);

/* GFLOP/s of this thread's core in float, by multiplications and additions in registers, of the widest
 * vectors or of AVX2's; NaN where it has no AVX2. */
double machine_peak(int avx2);
/* GB/s of the three tensors of MACHINE_SWEEP, read and written by one thread. */
double machine_memory(void);

#endif
