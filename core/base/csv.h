/* csv.h -- a field of a CSV file.  Room: core/base. */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include "base/mem.h"

/* Adds a field, in quotes where it holds a comma, a quote or a line end.  A text that a spreadsheet
 * would run, which begins with = + - @ tab or carriage return and is no number, gets an apostrophe in
 * front; and so does one that begins with apostrophes and then one of these, so that whoever takes one
 * apostrophe away has the text again. */
void csv_write(struct buf *b, const char *text);
/* Has a field such an apostrophe, to be taken away? */
int csv_is_shielded(const char *text);

#endif
