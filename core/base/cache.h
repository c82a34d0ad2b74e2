/* cache.h -- files of the user's cache folder, $XDG_CACHE_HOME/tcet-host (else ~/.cache/tcet-host): what
 * can be found out again, kept since that takes time.  One that is missing, damaged or not the user's
 * own is no cache; one that cannot be written is no loss.  Room: core/base.  Any thread. */
#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"

/* The path of a file there, in the arena; `make`: and its folder.  NULL: the user has no such folder. */
const char *cache_path(struct arena *a, const char *name, int make);
/* Opens it for reading if it is a regular file that the user alone can write; NULL: it is not.  The
 * caller's to fclose. */
FILE *cache_open(const char *path);
/* Puts the text in place of the file, all of it or nothing. */
void cache_replace(const char *path, const char *text, size_t n);

#endif
