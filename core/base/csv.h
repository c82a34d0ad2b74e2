/* csv.h -- a field of a CSV file.  Room: core/base. */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include "base/mem.h"

/* Adds a field, in quotes where it holds a comma, a quote or a line end. */
void csv_write(struct buf *b, const char *text);

#endif
