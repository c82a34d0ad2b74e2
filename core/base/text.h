/* text.h -- reading and comparing small texts: numbers, names, nearest name.
 * Room: core/base. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "base/error.h"
#include "base/mem.h"

/* The candidate nearest to name by edit distance (transpositions count 1), or NULL when
 * none is near enough to be what was meant. */
const char *text_nearest(const char *name, const char *const *candidates, size_t count);
/* " (did you mean "snr"?)" or "" into out; returns out. */
const char *text_suggest(char *out, size_t cap, const char *name, const char *const *candidates,
                         size_t count);
/* Whole text as a number; 0 on success, -1 on anything else in the text or out of range. */
int text_to_i64(const char *text, int64_t *out);
int text_to_u64(const char *text, uint64_t *out);
int text_to_f64(const char *text, double *out);
int text_to_bool(const char *text, int32_t *out); /* 0 1 true false yes no on off */
/* The '\n' of the line that begins at line, or NULL; end: of the text.  Looks at that line alone, where
 * strchr() of a checked build looks at all that follows. */
char *text_line_end(const char *line, const char *end);
/* Does the text from `at` to `end` begin with these n bytes? */
int text_begins(const char *at, const char *end, const char *with, size_t n);
/* Two texts that differ: what to show of the first line in which they do, 110 bytes at most; of a longer
 * line from shortly before the difference on. */
struct text_difference {
    const char *one, *other;
    int one_n, other_n;
};
struct text_difference text_difference(const char *one, size_t one_n, const char *other,
                                       size_t other_n);
/* Strips blanks at both ends, in place; returns the start. */
char *text_strip(char *text);
/* Splits at commas, strips each part, skips empty ones; parts live in the arena. */
size_t text_split(struct arena *a, const char *text, char separator, const char *const **parts);
/* A double with 17 significant digits; non-finite: nan, inf, -inf (no quotes). */
const char *text_f64(char out[32], double value);

#endif
