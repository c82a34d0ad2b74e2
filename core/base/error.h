/* error.h -- errors as values: a status, a message, and the context that callers add.
 *
 * Room: core/base (what every other room of core stands on).  May use libc alone.
 * Convention of all of core: a fallible function returns tcet_status and takes a
 * `struct error *err` last; the place that finds the error writes the message, callers may
 * only put context before it.  Outputs are untouched on failure. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <tcet/plugin.h>

struct error {
    tcet_status status;
    char text[2048]; /* one line, UTF-8 */
};

/* Sets the message and returns code, so that `return error_set(err, TCET_E_ARG, ...)`. */
tcet_status error_set(struct error *err, tcet_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts text before the message and returns its status. */
tcet_status error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "bad argument", "out of memory" ...: words for a status. */
const char *error_name(tcet_status status);

/* Returns upwards from a failed call. */
#define TRY(expr)                     \
    do {                              \
        tcet_status try_st_ = (expr); \
        if (try_st_ < 0)              \
            return try_st_;           \
    } while (0)

#endif
