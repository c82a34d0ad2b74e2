/* output.h -- a file that is whole or not there: written beside under another name, synced, renamed.
 *
 * Room: core/base.  Errors name the path. */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include "base/error.h"
#include "base/mem.h"

/* A file in the making: PATH.tmp-PID until it is published. */
struct output {
    int fd;
    char *path, *temporary;
    struct buf text; /* what is not written yet; add to it */
};

/* output_close() afterwards, after an error too; fd is -1 in one that was never opened. */
tcet_status output_open(struct output *o, const char *path, struct error *err);
/* Writes the text where there are at_least bytes of it. */
tcet_status output_flush(struct output *o, size_t at_least, struct error *err);
/* Writes the rest, syncs and closes. */
tcet_status output_finish(struct output *o, struct error *err);
/* Gives the finished file its name. */
tcet_status output_publish(struct output *o, struct error *err);
/* Forgets it; what was not published is gone. */
void output_close(struct output *o);

#endif
