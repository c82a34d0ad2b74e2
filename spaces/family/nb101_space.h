/* nb101_space.h -- what NAS-Bench-101 and the spaces cut out of it (NAS-Bench-1Shot1) answer alike.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_NB101_SPACE_H
#define SPACES_NB101_SPACE_H

#include "family/choices.h"
#include "family/nb101_cell.h"

/* A space whose cells have `vertices` vertices, vertex v just parents[v] of them. */
struct nb101_rule {
    int32_t vertices;
    int32_t parents[NB101_VERTICES];
};

/* How the instance of such a space begins. */
struct nb101_space {
    struct choices_space base;     /* of NAS-Bench-1Shot1 alone */
    const struct nb101_rule *rule; /* NULL: all of NAS-Bench-101 */
};

/* nb101_parse, and TCET_E_ARG for a cell outside of the rule, which may be NULL. */
tcet_status nb101_space_parse(tcet_ctx *cx, const struct nb101_rule *rule, const char *text,
                              struct nb101_cell *c, struct nb101_cell *pruned);

/* Functions of tcet_space_ops; self begins with an nb101_space.  The key is the benchmark's hash of
 * the pruned cell; live: nothing is left out; depth: convolutions of the cell. */
tcet_status nb101_space_check(tcet_ctx *cx, void *self, const char *text);
tcet_status nb101_space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                  size_t cap);
tcet_status nb101_space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out);
tcet_status nb101_space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                              tcet_builder *b);

#endif
