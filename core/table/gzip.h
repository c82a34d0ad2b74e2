/* gzip.h -- a table's file as text, compressed or not.  Room: core/table, private to it. */
#ifndef CORE_TABLE_GZIP_H
#define CORE_TABLE_GZIP_H

#include "base/error.h"

#include <stdint.h>

/* All of a regular file (file_open); one that begins as gzip does (RFC 1952) is inflated, all its
 * members.  Read and inflated at most max bytes.  The text has a NUL behind it and is the caller's to
 * free(); NULL after an error, which names the path: not to be read, too large, cut or damaged. */
char *gzip_text(const char *path, size_t max, size_t *size, struct error *err);

#endif
