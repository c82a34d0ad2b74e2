/* request.h -- what a saliency may ask, in one place: the rules of a request, the fields of a pass
 * (its text, equality and covering), which wants give a view at which sites, the size of S^l.
 *
 * Room: core/plugin.  Pure functions; runs no plugin code.  The plan, `check` and scoring all
 * call these, so none of them has a rule or a list of fields of its own. */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include <tcet/saliency.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    REQUEST_BATCHES_MAX = 4096,    /* mini-batches of a pass, and its repeats */
    REQUEST_IMAGES_MAX = 1 << 20,  /* images in a mini-batch */
    REQUEST_SITES = TCET_SITES + 1 /* all sites, that of facts alone among them */
};
#define REQUEST_ELEMENTS_MAX (INT64_C(1) << 31) /* of S^l */

/* The request that describe() is given: a vector of the weights' size at the weight site, of a
 * pass that is all defaults.  pass: the host's, kept as r->pass. */
void request_init(tcet_request *r, tcet_pass *pass);

/* What describe() left.  pass: what request_init was given; has_shape: the saliency has shape().
 * Errors, with a message that begins "it ...": TCET_E_PLUGIN for what no saliency may ask;
 * TCET_E_ARG for a number beyond its limit, which may be a parameter's. */
tcet_status request_check(const tcet_request *r, const tcet_pass *pass, int has_shape,
                          struct error *err);
/* True when the two ask for the same, of equal passes. */
int request_equal(const tcet_request *a, const tcet_request *b);
/* False when facts of the graph are all that is asked. */
int request_needs_pass(const tcet_request *r);

/* Those of the wants that give something at one site. */
uint32_t request_wants_at(uint32_t wants, uint32_t site);
/* The layer with those views alone that these wants give at its site; `positive` is 0 unless it is
 * one of them. */
tcet_layer request_only_wanted(const tcet_layer *layer, uint32_t wants);

/* Size of S^l of a layer whose weight has so many elements; 0, and outputs untouched, where it is
 * shape()'s to say (TCET_FORM_CUSTOM). */
int request_matrix(uint32_t form, const tcet_layer *layer, int64_t weights, int64_t *rows,
                   int64_t *cols);
/* True for sizes that are not negative and a product of at most `most`. */
int request_matrix_fits(int64_t rows, int64_t cols, int64_t most);

/* One field of tcet_pass, struct_size aside. */
struct pass_field {
    const char *name;
    size_t offset, size;
    enum { PASS_CHOICE, PASS_COUNT, PASS_FLAG, PASS_SEED, PASS_REAL } type;
    enum { PASS_FORWARD, PASS_BACKWARD } half; /* the half of the pass that it changes */
    uint32_t zero;                             /* what 0 means */
    const char *const *choices;                /* of PASS_CHOICE, by value, NULL-terminated */
};
/* In the order of the text; NULL behind the last. */
const struct pass_field *pass_field_at(size_t i);

/* Puts what it means in the place of every 0. */
void pass_fill(tcet_pass *p);
/* Adds the canonical text of a pass (without seed of the run, data and backend): equal for equal
 * passes; it is part of the store's keys. */
void pass_text(const tcet_pass *p, struct buf *out);
/* True when all fields are equal. */
int pass_equal(const tcet_pass *a, const tcet_pass *b);
/* True when the two differ in their backward halves alone. */
int pass_same_forward(const tcet_pass *a, const tcet_pass *b);
/* True when what `a` needs is also computed by `b`: equal passes (`b` may give H g beside), or
 * `a` only looks at the forward half of `b`. */
int pass_covers(const tcet_pass *b, const tcet_pass *a);

#endif
