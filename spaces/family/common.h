/* common.h -- what every built-in space needs: a random choice, an encoding copied out, the
 * nearest of a few names.
 * Room: spaces/family, a static library that each space links whole or in part, with its symbols
 * hidden.  Stands on the SDK and libc.  All functions are [any] for distinct contexts. */
#ifndef SPACES_COMMON_H
#define SPACES_COMMON_H

#include <tcet/failf.h>
#include <tcet/space.h>

/* A uniform choice among 0 .. n-1; the bias of 2^-32 n is of no consequence. */
int32_t space_pick(tcet_ctx *cx, int32_t n);

/* A uniform choice among 0 .. n-1 other than `not`. */
int32_t space_pick_other(tcet_ctx *cx, int32_t n, int32_t not );

/* Copies n bytes of an encoding and its NUL into text[cap]; TCET_E_PLUGIN where they do not fit. */
tcet_status space_put(tcet_ctx *cx, char *text, size_t cap, const char *from, size_t n);

/* TCET_E_ARG with the nearest of names[count] to word[n], and all of them:
 * "position 17: unknown operation "x" (did you mean ...; operations: ...)". */
tcet_status space_unknown(tcet_ctx *cx, size_t position, const char *what, const char *word,
                          size_t n, const char *const *names, int32_t count);

/* Reads "(4, 0, 3)", NASLib's way to write an architecture, or the same as a list: count numbers of
 * one digit below limit into out.  TCET_E_ARG with the position. */
tcet_status space_digits(tcet_ctx *cx, const char *text, int32_t limit, int32_t *out,
                         int32_t count);

/* Says by the log, once (*said: 0 at first, kept by the instance), that text is another's spelling than
 * the space's own, and which edges its numbers belong to; nothing of a text that is no such list. */
void space_say_digits(tcet_ctx *cx, int32_t *said, const char *text, const char *order);

/* Colour images of side x side pixels. */
void space_images(tcet_task *out, int32_t side, int32_t classes);

/* tcet_space_ops.task of spaces that were made for CIFAR-10. */
tcet_status space_cifar10_task(tcet_ctx *cx, void *self, tcet_task *out);

#endif
