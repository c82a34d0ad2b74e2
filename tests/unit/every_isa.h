/* every_isa.h -- a test of the backend's kernels on every instruction set of this CPU.
 * Room: tests; stands on kernels_isa.h. */
#ifndef TESTS_EVERY_ISA_H
#define TESTS_EVERY_ISA_H

#include "../../plugins/backend/torch/kernels_isa.h"

/* How many failed of what `check` runs, a set after the other. */
static int every_isa(int (*check)(const struct kernels *(*isa)(int32_t f64)))
{
    int failed = check(kernels_baseline);

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        failed += check(kernels_avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        failed += check(kernels_avx512);
#endif
    return failed;
}

#endif
