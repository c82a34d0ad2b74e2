/* fpstate.h -- the floating-point state of a thread: rounding, denormal numbers, traps, precision.
 * Numbers depend on it, so code that is not ours must leave it as it was.
 *
 * Room: core/base. */
#ifndef CORE_FPSTATE_H
#define CORE_FPSTATE_H

#include <stdint.h>

struct fpstate {
    uint64_t vector; /* the control bits of MXCSR, or of FPCR on ARM */
    uint32_t x87;    /* the x87's control word */
};

/* Of the calling thread. */
struct fpstate fpstate_get(void);
void fpstate_set(struct fpstate s);
/* What differs, in words that follow "changed": "the rounding mode"; NULL: nothing.  A static text. */
const char *fpstate_difference(struct fpstate before, struct fpstate after);

#endif
