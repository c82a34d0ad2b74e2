/* names.h -- lists of names: membership, and the hint that ends every "no such name" message.
 * Room: core/base. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stddef.h>

/* ` (did you mean "eps"? parameters: ddof, eps)` into out, `what` being "parameters";
 * without the question when no name is near, "" when there are no names at all.  A list too
 * long for out ends in "...".  Returns out; cap is at least 8. */
const char *names_hint(char *out, size_t cap, const char *what, const char *name,
                       const char *const *names, size_t count);

/* Is name one of them? */
int names_has(const char *const *names, size_t count, const char *name);

#endif
