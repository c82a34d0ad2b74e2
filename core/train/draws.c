/* draws.c -- see draws.h.  Room: core/train.  Stands on core/num and libm. */
#include "train/draws.h"

#include "num/rng.h"

#include <math.h>

uint64_t draws_start(uint64_t seed, enum draws_for what, int64_t epoch, int64_t index)
{
    const uint64_t parts[] = {(uint64_t)what, (uint64_t)epoch, (uint64_t)index};
    uint64_t state = seed;

    for (int i = 0; i < 3; i++)
        state = rng_mix(&state) ^ parts[i];
    return rng_mix(&state);
}

double draws_uniform(uint64_t *state)
{
    return (double)(rng_mix(state) >> 11) * 0x1p-53;
}

int64_t draws_below(uint64_t *state, int64_t n)
{
    uint64_t range = (uint64_t)n, refuse = (0 - range) % range, draw;

    do
        draw = rng_mix(state);
    while (draw < refuse); /* what is left is a multiple of n */
    return (int64_t)(draw % range);
}

void draws_permutation(uint64_t *state, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t k = (int32_t)draws_below(state, i + 1);

        if (k < i)
            out[i] = out[k];
        out[k] = i;
    }
}

/* Standard normal: the polar method. */
static double normal(uint64_t *state)
{
    double u, v, s;

    do {
        u = 2 * draws_uniform(state) - 1;
        v = 2 * draws_uniform(state) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}

/* The logarithm of a Gamma(a) variate: Marsaglia and Tsang 2000 for a + 1, times U^(1/a).  As a
 * logarithm, for small a underflows. */
static double log_gamma_variate(uint64_t *state, double a)
{
    double d = a + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        double x = normal(state), v = 1 + c * x, u = 1 - draws_uniform(state);

        v = v * v * v;
        if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v))
            return log(d * v) + log(1 - draws_uniform(state)) / a;
    }
}

double draws_beta(uint64_t *state, double a)
{
    double x = log_gamma_variate(state, a), y = log_gamma_variate(state, a);

    return 1 / (1 + exp(y - x));
}
