/* clock.h -- how long things take.  Room: core/base. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

/* Monotonic seconds from an arbitrary start.  Any thread. */
double clock_now(void);

#endif
