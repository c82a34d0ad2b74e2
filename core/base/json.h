/* json.h -- JSON as this program writes it: strings and numbers into a buffer, and back from a flat
 * object of numbers.  Room: core/base. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "base/mem.h"

/* What a number of json_numbers may be at most, either way: every whole number up to it is a
 * double. */
#define JSON_NUMBER_MAX 9007199254740992.0

/* Adds a JSON string with quotes and escapes; invalid UTF-8 bytes become U+FFFD. */
void json_write_string(struct buf *b, const char *text);
/* Adds a JSON number, or the strings "nan", "inf", "-inf". */
void json_write_f64(struct buf *b, double value);
/* A flat JSON object of numbers, {"name":3}, none beyond JSON_NUMBER_MAX: calls add for each, with
 * the name as it stands between its quotes; -1 when the text is not one, though add may have been
 * called.  What is one can be put into other JSON as it is. */
int json_numbers(const char *text,
                 void (*add)(void *user, const char *name, size_t length, double number),
                 void *user);
/* The text that a name given by json_numbers stands for, in the arena. */
char *json_unescape(struct arena *a, const char *text, size_t length);

#endif
