/* utf8.h -- is this text well-formed UTF-8?  Room: core/base. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed sequence at p (1 to 4; 1 for NUL), or 0.  Reads no byte behind
 * the first that does not fit, so a NUL-terminated text is safe. */
size_t utf8_length(const char *p);
/* 1 when text is well-formed UTF-8 without control characters other than tab. */
int utf8_line(const char *text);
/* Copies text as one clean line: '?' for what is no UTF-8, a blank for control characters
 * and line ends, cut at a whole character.  NULL reads as "".  Returns out; cap >= 1. */
char *utf8_clean(char *out, size_t cap, const char *text);

#endif
