/* space.c -- how many candidates a second a search can make: random, mutate, build, count,
 * on one core.  Usage: bench-space [SPACE [COUNT]], nats_tss and 200000 by default.
 * Room: bench. */
#include "space_host.h"

#include <time.h>

/* CPU time: the machine may be busy with other things. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "nats_tss";
    int64_t count = argc > 2 ? atoll(argv[2]) : 200000, macs = 0;
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX];
    struct graph *g = graph_new();
    struct graph_counts n;
    struct space s;
    double start;

    if (space_load(&s, name) < 0)
        return 1;
    start = now();
    for (int64_t i = 0; i < count; i++) {
        if (s.ops->random(&s.cx, s.self, a, sizeof a) < 0 ||
            s.ops->mutate(&s.cx, s.self, a, b, sizeof b) < 0 || space_build(&s, g, b) < 0)
            return 1;
        graph_count(g, &n);
        macs += n.macs;
    }
    printf("%s: %.0f candidates a second of CPU (mean %.1f M multiply-accumulates)\n", name,
           (double)count / (now() - start), 1e-6 * (double)macs / (double)count);
    space_unload(&s);
    graph_free(g);
    return 0;
}
