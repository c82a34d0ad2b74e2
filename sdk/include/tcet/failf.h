/* tcet/failf.h -- tcet_fail() with a format, for plugins whose messages name a place or a value.
 *
 * Room: sdk.  A help for C plugins, no part of the ABI: it needs libc's vsnprintf, which the rest of
 * the SDK does without. */
#ifndef TCET_FAILF_H
#define TCET_FAILF_H

#include <stdarg.h>
#include <stdio.h>
#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records a message as printf writes it (at most 1,023 bytes; the rest is cut) and returns code:
 * `return tcet_failf(cx, TCET_E_ARG, "position %zu: ...", at)`.  [any] for distinct contexts. */
__attribute__((format(printf, 3, 4), unused)) static tcet_status
tcet_failf(tcet_ctx *cx, tcet_status code, const char *format, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return tcet_fail(cx, code, text);
}

#ifdef __cplusplus
}
#endif
#endif
