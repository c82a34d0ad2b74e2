/* progress.h -- how far long work has come: a line that is overwritten on a terminal, else a line
 * now and then, for logs.
 *
 * Room: core/cli.  Writes to standard error. */
#ifndef CORE_CLI_PROGRESS_H
#define CORE_CLI_PROGRESS_H

#include <stddef.h>

struct progress {
    int terminal; /* is standard error one? */
    int ended;    /* all is done, which is said once */
    int standing; /* the terminal's line has our text */
    double every; /* seconds between lines where it is none; 0: no lines */
    double shown, seconds;
    size_t done;
    double recent_done, recent_seconds; /* fading sums, whose quotient is the rate of late */
};

enum { PROGRESS_EVERY = 60 };

/* quiet: nothing is ever written.  every: as in the struct. */
struct progress progress_begin(int quiet, double every);
/* done of total things (0: nobody knows how many) after so many seconds of work.  what: their name in
 * the plural; note: more to say, may be "".  Writes where it is time to. */
void progress_show(struct progress *p, size_t done, size_t total, double seconds, const char *what,
                   const char *note);
/* Before anything else is written to the terminal: leaves the line that stands there. */
void progress_end(struct progress *p);
/* Seconds as "1:02:03" or "2:03". */
void progress_clock(char *out, size_t cap, double seconds);

#endif
