/* clock.h -- how long things take, and how long something may be waited for.  Room: core/base. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <sys/types.h>

/* Monotonic seconds from an arbitrary start.  Any thread. */
double clock_now(void);

/* A wait for another process.  What counts is the time in which both could run: who was stopped, by
 * Ctrl-Z say, is not silent.  A stop of our own shows as a long time between two looks, which should
 * be WAITING_LOOK_MS apart at most. */
enum { WAITING_LOOK_MS = 50 };
struct waiting {
    double spent;  /* seconds that count */
    double looked; /* when this was last brought up to date */
    double halted; /* seconds for which the other has been stopped, now */
};
void waiting_start(struct waiting *w);
/* Brings w up to date and gives w->spent.  pid: the other, a child of ours; 0: none that could be
 * asked. */
double waiting_look(struct waiting *w, pid_t pid);

#endif
