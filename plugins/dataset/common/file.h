/* file.h -- opening a file of images.  Room: plugins/dataset/common.  Stands on libc. */
#ifndef DATASET_FILE_H
#define DATASET_FILE_H

#include <stdint.h>
#include <stdio.h>

/* Opens a regular file for reading, and never waits, as opening a pipe may; *size: its bytes.  NULL: not
 * opened, and *why says so; it lives until errno changes.  Any thread. */
FILE *file_regular(const char *path, int64_t *size, const char **why);

#endif
