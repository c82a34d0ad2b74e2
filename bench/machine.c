/* machine.c -- see machine.h.  Room: bench. */
#include "machine.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void sweep(void)
{
    enum { N = 1 << 24, TIMES = 4 }; /* three of 64 MiB */
    float *x =
        mmap(NULL, 3 * N * sizeof *x, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (x == MAP_FAILED)
        _exit(1);
    madvise(x, 3 * N * sizeof *x, MADV_HUGEPAGE);
    memset(x, 0, 3 * N * sizeof *x);
    for (int t = 0; t < TIMES; t++) {
        for (int i = 0; i < N; i++)
            x[i] = x[i + N] + x[i + 2 * N];
        __asm__ volatile("" : : "r"(x) : "memory");
    }
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
