/* team.h -- threads that do the parts of one mini-batch in step.
 * Room: plugins/backend/torch. */
#ifndef BACKEND_TORCH_TEAM_H
#define BACKEND_TORCH_TEAM_H

#include <stdint.h>

struct team;

/* Of `members`, whose first is whoever calls team_run; NULL: no memory, or no thread. */
struct team *team_new(int32_t members);
/* team may be NULL. */
void team_free(struct team *team);
/* work(arg, m) of members 0 to count - 1, each on a thread of its own; returns when all have. */
void team_run(struct team *team, int32_t count, void (*work)(void *arg, int32_t member), void *arg);
/* Of a member at work: waits for the others to come here too.  0, or -1 once one has failed. */
int team_meet(struct team *team);
/* Of a member at work that will not come to where the others wait for it. */
void team_fail(struct team *team);

#endif
