/* seeker.h -- a search inside a worker process: what the supervisor's WIRE_SEEK asks for.
 * Room: core/run. */
#ifndef CORE_SEEKER_H
#define CORE_SEEKER_H

#include "plan/plan.h"

struct seeker; /* what one search leaves for the next: settings, table */

/* Makes the search that a WIRE_SEEK's content describes, answering by WIRE_ASKS as it goes on and reading
 * WIRE_TOLD, until it has ended.  nonce: the request's.  *seeker: NULL at first.  Errors: of the search; of the supervisor, who
 * is gone. */
tcet_status seeker_serve(struct seeker **seeker, int fd, uint64_t nonce, struct plan *plan,
                         const void *data, size_t n, struct error *err);
void seeker_free(struct seeker *s); /* NULL is fine */

#endif
