/* internal.h -- what the files of core/table share.  Room: core/table. */
#ifndef CORE_TABLE_INTERNAL_H
#define CORE_TABLE_INTERNAL_H

#include "table/table.h"

enum { TABLE_FIELD_MAX = 64 * 1024, TABLE_ROWS_MAX = UINT32_MAX / 4 };

/* Reads a file of NDS (table.h) into t, whose path is set: all but the slots.  *line_of, a row's line,
 * is the caller's to free. */
tcet_status table_read_nds(struct table *t, uint32_t **line_of, struct error *err);

/* tcet_json's read of a FILE. */
int64_t table_more(void *user, char *buffer, size_t size);

/* Does the text end in this, and is longer? */
int table_ends_in(const char *text, const char *end);

#endif
