/* check.h -- does a plugin file keep the contract of the SDK's headers?
 *
 * Room: core/check.  Stands on core/plugin, core/graph, core/proc and what they stand on.
 * Needs no backend.  Every rule cites a sentence of the contract and is tried in a process
 * of its own, `paths_self() check-child ...`, so that a plugin which crashes, exits, throws or
 * hangs is reported and not suffered: an executable that calls check_file() dispatches that
 * word to check_child_main(). */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "base/error.h"
#include "base/mem.h"

enum check_verdict {
    CHECK_PASS,
    CHECK_WARN, /* allowed, but somebody will regret it */
    CHECK_FAIL,
    CHECK_SKIP /* could not be tried; the reason says why */
};
const char *check_verdict_name(enum check_verdict v); /* "pass" "warn" "FAIL" "skip" */

struct check_rule {
    const char *name;     /* [a-z-]+, stable: what --only takes */
    const char *group;    /* "library", "descriptor", "params", "calls", "backend", "state" */
    const char *sentence; /* what the contract says */
};
/* Rule i, NULL behind the last; in the order in which they are tried. */
const struct check_rule *check_rule_at(size_t i);

struct check_result {
    const struct check_rule *rule;
    const char *plugin; /* "saliency snip"; "" for a rule of the whole file */
    enum check_verdict verdict;
    const char *reason; /* "" on CHECK_PASS */
};

struct check_options {
    const char *only;       /* name of a rule or a group; NULL: all */
    const char *const *set; /* "KEY=VALUE" for every plugin with a parameter KEY */
    size_t set_count;
    double seconds; /* that one rule may take */
    /* Called for every result as it comes; its texts die when it returns. */
    void (*report)(void *arg, const struct check_result *result);
    void *arg;
};

/* Tries all rules on a file.  count[v] is the number of results with verdict v.  Errors: the
 * file cannot be read, no such rule, no child can be started; a broken plugin is a result. */
tcet_status check_file(const char *path, const struct check_options *options, size_t count[4],
                       struct error *err);

/* Entry of the child: `check-child FILE RULE KIND ID [KEY=VALUE...]`, KIND and ID empty for a
 * rule of the file.  Answers on CHILD_FD and does not return. */
int check_child_main(int argc, char **argv);

#endif
