/* utf8.h -- is this text well-formed UTF-8, and how is any text printed?  Room: core/base. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>

#include "base/mem.h"

/* Bytes of the well-formed sequence at p (1 to 4; 1 for NUL), or 0.  Reads no byte behind
 * the first that does not fit, so a NUL-terminated text is safe. */
size_t utf8_length(const char *p);
/* 1 when text is well-formed UTF-8 without control characters other than tab. */
int utf8_line(const char *text);
/* Copies text as one clean line: '?' for what is no UTF-8, a blank for control characters
 * and line ends, cut at a whole character.  NULL reads as "".  Returns out; cap >= 1. */
char *utf8_clean(char *out, size_t cap, const char *text);

/* Adds n bytes of text as a terminal may be given them: control characters but those in `keep`, marks
 * that turn the order of letters around, and what is no UTF-8, as \x1b. */
void utf8_show(struct buf *b, const char *text, size_t n, const char *keep);

#endif
