/* rng.h -- PyTorch's CPU random stream in C: MT19937, uniform_, normal_, randint, randperm,
 * bit for bit (float32).  Also splitmix64 for everything that need not be PyTorch's.
 *
 * Room: core/num.  Stands on libc and libm. */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stdint.h>

/* torch.Generator().manual_seed(seed).  The struct is public so that it can live anywhere;
 * use the functions. */
typedef struct tcet_rng tcet_rng;
struct tcet_rng {
    uint32_t state[624];
    uint32_t left, next; /* outputs left in the block, and where the next one stands */
    int has_cached;      /* second value of the scalar double Box-Muller */
    double cached;
};

void rng_seed(tcet_rng *r, uint64_t seed);
uint32_t rng_u32(tcet_rng *r);
uint64_t rng_u64(tcet_rng *r); /* two u32, high word first */
void rng_discard(tcet_rng *r, int64_t n);
/* tensor.uniform_(low, high) */
void rng_uniform(tcet_rng *r, float *out, int64_t n, double low, double high);
/* tensor.normal_(mean, std): the vectorised path for n >= 16, the scalar one below */
void rng_normal(tcet_rng *r, float *out, int64_t n, double mean, double std);
/* torch.randint(low, high, (n,)) */
void rng_randint(tcet_rng *r, int64_t *out, int64_t n, int64_t low, int64_t high);
/* torch.randperm(n), n < 2^32 */
void rng_permutation(tcet_rng *r, int64_t *out, int64_t n);

/* splitmix64: next value of a 64-bit state; and a mix of a text into a seed. */
uint64_t rng_mix(uint64_t *state);
uint64_t rng_hash(uint64_t seed, const char *text);

#endif
