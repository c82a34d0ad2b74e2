/* ledger.h -- search.csv as it is written: lines that an earlier execution left are compared, new ones
 * appended.
 *
 * Room: core/run.  A line that a kill cut off is taken away when the file is opened. */
#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "base/error.h"
#include "base/mem.h"

struct ledger {
    char *path;
    int fd;
    char *old; /* what was there */
    size_t old_len, compared;
    const char *next; /* line of a seed that was not looked for yet */
    int dirty;        /* written since the last sync */
};

/* Opens FOLDER/search.csv.  A file that is there is an error unless resume, and so is another header. */
tcet_status ledger_open(struct ledger *l, const char *folder, const char *header, int resume,
                        struct error *err);
/* How many of the lines that were there are of this seed; *first: where they begin, NULL without any.  To
 * be asked in the order of the seeds. */
int64_t ledger_stored(struct ledger *l, int64_t seed, const char **first);
/* The end of such a line; NULL behind the last. */
const char *ledger_line_end(const struct ledger *l, const char *line);
/* Whole lines.  TCET_E_ARG: the file has another in the place of one, which the error names. */
tcet_status ledger_add(struct ledger *l, const char *lines, size_t n, struct error *err);
/* All searches have ended: a file that has more is of another. */
tcet_status ledger_end(const struct ledger *l, struct error *err);
/* What was added is on the disk. */
tcet_status ledger_sync(struct ledger *l, struct error *err);
void ledger_close(struct ledger *l);

#endif
