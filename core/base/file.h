/* file.h -- opening files that others may have made, and where we are.  Room: core/base. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include "base/error.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

/* Opens a file for reading that is a regular one, since a device or a pipe may have no end, and has
 * at most max bytes; *size, which may be NULL: how many.  The caller's to fclose; NULL after an error
 * that names the path: TCET_E_IO where the system refuses it or it is no regular file, TCET_E_ARG
 * where it is larger.  Never waits. */
FILE *file_open(const char *path, int64_t max, int64_t *size, struct error *err);
/* Bytes of a file to be written. */
struct file_part {
    const void *data;
    size_t n;
};
/* Makes a file of the parts, one after the other, that takes path's place at once when all of it is on
 * the disk: whoever opens path finds the old content or the new.  Until then it is PATH.new, of which
 * nothing stays after an error.  keep: the name that the old content gets, if there is any; NULL: it is
 * gone.  Errors: TCET_E_IO, naming path. */
tcet_status file_replace(const char *path, const char *keep, const struct file_part *part,
                         size_t count, struct error *err);
/* All of such a file, with a 0 behind it; the caller's to free(), NULL after an error.  *size: without
 * the 0. */
char *file_text(const char *path, int64_t max, size_t *size, struct error *err);
/* The current folder.  One that is gone is an error: what belongs there is put, or taken from, nowhere
 * else. */
tcet_status file_here(char out[PATH_MAX], struct error *err);

#endif
