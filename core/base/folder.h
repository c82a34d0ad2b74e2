/* folder.h -- the folder of a run's results: made, and held by one process.  Room: core/base. */
#ifndef CORE_FOLDER_H
#define CORE_FOLDER_H

#include "base/error.h"

/* mkdir -p: 0755, less what the umask takes.  Errors: TCET_E_IO, naming the folder. */
tcet_status folder_make(const char *folder, struct error *err);
/* Takes FOLDER/lock, into which it writes who has it; *fd: close() lets go of it.  The lock is the
 * kernel's (flock), so it dies with the process.  The file stays: removing it would race with the next
 * run.  Errors: TCET_E_IO; of a folder in use with the process that uses it. */
tcet_status folder_lock(const char *folder, int *fd, struct error *err);

#endif
