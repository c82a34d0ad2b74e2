/* draws.h -- the random numbers of training: streams named by numbers, on splitmix64.
 *
 * Room: core/train.  This header stands on core/num.  A stream is its state, a number of the
 * caller's; equal names give equal streams on every machine (gamma and beta to libm's last place).
 * Any thread. */
#ifndef CORE_DRAWS_H
#define CORE_DRAWS_H

#include <stdint.h>

/* What a stream of draws is for. */
enum draws_for { DRAWS_ORDER = 1, DRAWS_IMAGE, DRAWS_MIXUP };

/* The start of the stream for (seed, epoch, index). */
uint64_t draws_start(uint64_t seed, enum draws_for what, int64_t epoch, int64_t index);
/* In [0, 1), 53 bits. */
double draws_uniform(uint64_t *state);
/* In [0, n), n >= 1, every number equally likely. */
int64_t draws_below(uint64_t *state, int64_t n);
/* A random order of 0 .. n-1. */
void draws_permutation(uint64_t *state, int32_t *out, int32_t n);
/* Beta(a, a), a > 0. */
double draws_beta(uint64_t *state, double a);

#endif
