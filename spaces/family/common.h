/* common.h -- what every built-in space needs: messages with a format, a random choice, the
 * nearest of a few names.
 * Room: spaces/family.  Stands on the SDK and libc. */
#ifndef SPACES_COMMON_H
#define SPACES_COMMON_H

#include <tcet/space.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cx->host->fail with a format; returns code. */
__attribute__((format(printf, 3, 4), unused)) static tcet_status
space_fail(tcet_ctx *cx, tcet_status code, const char *format, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return tcet_fail(cx, code, text);
}

/* A uniform choice among 0 .. n-1; the bias of 2^-32 n is of no consequence. */
static inline int32_t space_pick(tcet_ctx *cx, int32_t n)
{
    return (int32_t)(((cx->host->random(cx) >> 32) * (uint64_t)n) >> 32);
}

/* A uniform choice among 0 .. n-1 other than `not`. */
static inline int32_t space_pick_other(tcet_ctx *cx, int32_t n, int32_t not )
{
    int32_t i = space_pick(cx, n - 1);

    return i >= not ? i + 1 : i;
}

/* Copies n bytes of an encoding and its NUL into text[cap]. */
__attribute__((unused)) static tcet_status space_put(tcet_ctx *cx, char *text, size_t cap,
                                                     const char *from, size_t n)
{
    if (n >= cap)
        return space_fail(cx, TCET_E_PLUGIN, "an encoding of %zu bytes does not fit into %zu", n,
                          cap);
    memcpy(text, from, n);
    text[n] = '\0';
    return TCET_OK;
}

/* Insertions, deletions and replacements that turn a[na] into the name b. */
__attribute__((unused)) static int space_distance(const char *a, size_t na, const char *b)
{
    enum { LONGEST = 64 };
    int row[LONGEST + 1];
    size_t nb = strlen(b);

    if (nb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            int shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[nb];
}

/* "position 17: unknown operation "x" (did you mean ...; operations: ...)". */
__attribute__((unused)) static tcet_status space_unknown(tcet_ctx *cx, size_t position,
                                                         const char *what, const char *word,
                                                         size_t n, const char *const *names,
                                                         int32_t count)
{
    char list[512] = "";
    int32_t best = 0;
    int best_distance = 1 << 30, shown = n > 40 ? 40 : (int)n;
    size_t at = 0;

    for (int32_t i = 0; i < count; i++) {
        int d = space_distance(word, (size_t)shown, names[i]);

        if (d < best_distance) {
            best_distance = d;
            best = i;
        }
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    }
    if (2 * best_distance > shown)
        return space_fail(cx, TCET_E_ARG, "position %zu: unknown %s \"%.*s\" (%ss: %s)", position,
                          what, shown, word, what, list);
    return space_fail(cx, TCET_E_ARG,
                      "position %zu: unknown %s \"%.*s\" (did you mean \"%s\"?; %ss: %s)", position,
                      what, shown, word, names[best], what, list);
}

#endif
