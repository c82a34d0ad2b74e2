/* worker.h -- the worker's side: a loop that answers the supervisor.
 * Room: core/run. */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

/* Entry of a re-executed worker; fd is its end of the socket pair.  Returns the exit code;
 * 0 when the supervisor closed its end. */
int worker_main(int fd);

#endif
