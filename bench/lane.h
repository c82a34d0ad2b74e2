/* lane.h -- a process that scores one architecture after another: a worker of ours, or a
 * program of bench/reference.  Room: bench.  Touches core/run. */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include "run/client.h"

#include <stdio.h>

/* What a lane answers for one architecture: seconds, but for the score. */
enum lane_number {
    OURS_SCORE,
    OURS_BUILD,
    OURS_INIT,
    OURS_FORWARD,
    OURS_BACKWARD,
    OURS_TOTAL,
    REFERENCE_SCORE = 0,
    REFERENCE_TOTAL,
    CONV_EVAL = 0,
    CONV_TRAIN,
    CONV_BACKWARD,
    LANE_NUMBERS = 6
};

struct lane {
    const char *name;     /* for messages; borrowed */
    struct client worker; /* ours; down where the lane is a program */
    size_t columns;
    int column; /* whose value is OURS_SCORE */
    pid_t pid;
    FILE *to, *from; /* of a program */
    int numbers;     /* on each of its lines */
};

/* A worker with config's plan; score names the column that counts. */
tcet_status lane_worker(struct lane *l, const char *name, const struct config *config,
                        const char *score, struct error *err);
/* Debian's Python on bench/reference/SCRIPT, with one option or NULL. */
tcet_status lane_script(struct lane *l, const char *name, const char *script, const char *option,
                        int numbers, struct error *err);
/* Blocks until the lane has answered. */
tcet_status lane_ask(struct lane *l, const char *arch, double number[LANE_NUMBERS],
                     struct error *err);
/* A line of /proc/PID/status, such as "VmHWM", in MiB; NaN when there is none. */
double lane_memory(const struct lane *l, const char *field);
void lane_stop(struct lane *l);

/* `count` lanes at once, each over all architectures, every second one from the back: the
 * same work for each.  sums: NULL, or what the first lane's numbers add up to.  *seconds:
 * until the last is done. */
tcet_status lanes_run(struct lane *l, size_t count, const char *const *archs, size_t arch_count,
                      double sums[LANE_NUMBERS], double *seconds, struct error *err);

/* Runs PATH ARGS (args[0] included) to its end; what it prints is dropped unless show is set. */
tcet_status program_run(const char *path, char *const args[], int show, double *seconds,
                        struct error *err);

#endif
