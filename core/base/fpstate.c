/* fpstate.c -- see fpstate.h.  Room: core/base. */
#include "base/fpstate.h"

#include <fenv.h>
#include <stddef.h>

#if defined(__SSE__)
/* MXCSR: what it does, without the flags of past operations; its parts. */
enum { VECTOR = 0xffc0, ROUNDING = 0x6000, DENORMALS = 0x8040, X87_ROUNDING = 0x0c00 };
#elif defined(__aarch64__)
/* FPCR: all of it decides what operations do; its parts. */
enum { ROUNDING = 0xc00000, DENORMALS = 0x1080003, X87_ROUNDING = 0 };
#else
enum { ROUNDING = 0, DENORMALS = 0, X87_ROUNDING = 0 };
#endif

struct fpstate fpstate_get(void)
{
    struct fpstate s = {0};
#if defined(__SSE__)
    uint16_t word;

    __asm__ volatile("fnstcw %0" : "=m"(word));
    s.x87 = word;
    s.vector = __builtin_ia32_stmxcsr() & VECTOR;
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(s.vector));
#else
    s.vector = (uint64_t)fegetround();
#endif
    return s;
}

void fpstate_set(struct fpstate s)
{
#if defined(__SSE__)
    uint16_t word = (uint16_t)s.x87;

    __asm__ volatile("fldcw %0" : : "m"(word));
    __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~(unsigned)VECTOR) | (unsigned)s.vector);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(s.vector));
#else
    fesetround((int)s.vector);
#endif
}

const char *fpstate_difference(struct fpstate before, struct fpstate after)
{
    uint64_t vector = before.vector ^ after.vector;
    uint32_t x87 = before.x87 ^ after.x87;

    if (!vector && !x87)
        return NULL;
    if (vector & ROUNDING || x87 & X87_ROUNDING || (!ROUNDING && vector))
        return "the rounding mode";
    if (vector & DENORMALS)
        return "how denormal numbers are treated";
    return "floating-point traps or precision";
}
