/* machine.c -- see machine.h.  Room: bench. */
#include "machine.h"

#include "base/clock.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

const char *const machine_name[MACHINE_WORKS] = {"count in a register", "multiply in cache",
                                                 "sweep memory"};

static void count(void)
{
    for (uint64_t k = 0; k < UINT64_C(100000000); k++)
        __asm__ volatile("" : "+r"(k));
}

static void multiply(void)
{
    enum { N = 1024, TIMES = 400000 };
    static float x[N];

    for (int t = 0; t < TIMES; t++) {
        for (int i = 0; i < N; i++)
            x[i] = x[i] * 0.999f + 0.5f;
        __asm__ volatile("" : : "r"(x) : "memory");
    }
}

enum { SWEPT = 1 << 24, SWEEPS = 4 }; /* numbers: three of 64 MiB */

static float *swept(void)
{
    float *x = mmap(NULL, 3 * SWEPT * sizeof *x, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (x == MAP_FAILED)
        _exit(1);
    madvise(x, 3 * SWEPT * sizeof *x, MADV_HUGEPAGE);
    memset(x, 0, 3 * SWEPT * sizeof *x);
    return x;
}

static void sweep_over(float *x)
{
    for (int t = 0; t < SWEEPS; t++) {
        for (int i = 0; i < SWEPT; i++)
            x[i] = x[i + SWEPT] + x[i + 2 * SWEPT];
        __asm__ volatile("" : : "r"(x) : "memory");
    }
}

static void sweep(void)
{
    sweep_over(swept());
}

static double seconds_of(enum machine_work work, int processes)
{
    static void (*const works[MACHINE_WORKS])(void) = {count, multiply, sweep};
    double start = clock_now();
    pid_t pid[2];

    for (int i = 0; i < processes; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            works[work]();
            _exit(0);
        }
    }
    for (int i = 0; i < processes; i++)
        waitpid(pid[i], NULL, 0);
    return clock_now() - start;
}

double machine_two(enum machine_work work)
{
    double before = seconds_of(work, 1), two = seconds_of(work, 2), after = seconds_of(work, 1);

    return (before + after) / two;
}

/* -- what a core can do ------------------------------------------------------------------ */

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
/* Ten sums in registers, which hide the latency of a multiplication and addition. */
#define MULTIPLY_ADD(name, isa, vector, all, fma)                                                  \
    __attribute__((target(isa))) static double name(void)                                          \
    {                                                                                              \
        enum { TIMES = 10000000 };                                                                 \
        vector x = all(0.999f), y = all(0.001f), a = y, b = y, c = y, d = y, e = y, f = y, g = y,  \
               h = y, i = y, j = y;                                                                \
        double start = cpu_now();                                                                  \
                                                                                                   \
        for (int t = 0; t < TIMES; t++) {                                                          \
            a = fma(a, x, y), b = fma(b, x, y), c = fma(c, x, y), d = fma(d, x, y);                \
            e = fma(e, x, y), f = fma(f, x, y), g = fma(g, x, y), h = fma(h, x, y);                \
            i = fma(i, x, y), j = fma(j, x, y);                                                    \
            __asm__ volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e));                    \
            __asm__ volatile("" : "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j));                    \
        }                                                                                          \
        return 2e-9 * 10 * TIMES * (double)(sizeof(vector) / sizeof(float)) / (cpu_now() - start); \
    }
MULTIPLY_ADD(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
MULTIPLY_ADD(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)
#endif

double machine_peak(int avx2)
{
#if defined(__x86_64__)
    if (!avx2 && __builtin_cpu_supports("avx512f"))
        return peak_avx512();
    if (__builtin_cpu_supports("avx2"))
        return peak_avx2();
#endif
    (void)avx2;
    return NAN;
}

double machine_memory(void)
{
    float *x = swept();
    double start = cpu_now(), rate;

    sweep_over(x);
    rate = 12e-9 * SWEPT * SWEEPS / (cpu_now() - start);
    munmap(x, 3 * SWEPT * sizeof *x);
    return rate;
}
