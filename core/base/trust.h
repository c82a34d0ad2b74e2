/* trust.h -- may strangers change what a path names?
 *
 * Room: core/base.  Trusted are root, we, and the owner of the thing itself, of whom whoever names
 * it knows; and groups of theirs: those of root and ours, those that we are in, and an owner's own
 * (the same number). */
#ifndef CORE_TRUST_H
#define CORE_TRUST_H

#include "base/mem.h"

#include <sys/stat.h>

/* What is wrong: "anyone may write to it", and how to mend it: " (chmod o-w)", or "". */
struct distrust {
    const char *why, *mend;
};

/* Of a file or folder by itself; 0: nothing is wrong.  Texts live in the arena. */
int trust_lacks(struct arena *a, const struct stat *info, struct distrust *out);
/* Also of all folders above it, up to / and along symbolic links: who may rename one can put
 * another in its place (in a sticky folder, such as /tmp, only an owner can).  known: that folder
 * and those above it are not asked about; NULL for none; nor are those above our own program.
 * Nothing is wrong with what is not there. */
int trust_lacks_path(struct arena *a, const char *path, const char *known, struct distrust *out);

#endif
