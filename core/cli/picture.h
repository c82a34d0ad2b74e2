/* picture.h -- the picture of one network, of `show --graph` and `space --arch A -o`.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_PICTURE_H
#define CORE_CLI_PICTURE_H

#include "cli/cli.h"

/* What is asked for. */
struct picture_options {
    const char *arch;   /* an encoding, or index:N */
    const char *file;   /* .svg or .dot */
    const char *run;    /* a run's folder, whose values by layer are colours; NULL: none */
    const char *column; /* which; NULL: the first that has such */
};

/* Writes the file; the network is built by a worker as the config says.  said: a line that says what it
 * shows.  Errors: TCET_E_ARG: another ending, no such architecture or column, values of another network;
 * TCET_E_IO. */
tcet_status picture_write(const struct picture_options *o, const struct config *config,
                          struct buf *said, struct error *err);

#endif
