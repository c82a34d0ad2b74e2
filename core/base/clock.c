/* clock.c -- see clock.h.  Room: core/base. */
#include "base/clock.h"

#include <sys/wait.h>
#include <time.h>

static const double LOOKS_APART = 0.5; /* more than this, on a loaded machine too, is no wait */

double clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void waiting_start(struct waiting *w)
{
    *w = (struct waiting){.looked = clock_now()};
}

/* Its end, if it has ended, stays to be waited for. */
static int is_stopped(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};

    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

double waiting_look(struct waiting *w, pid_t pid)
{
    double t = clock_now(), step = t - w->looked;

    w->looked = t;
    if (step > LOOKS_APART)
        step = LOOKS_APART;
    if (is_stopped(pid)) {
        w->halted += step;
    } else {
        w->halted = 0;
        w->spent += step;
    }
    return w->spent;
}
