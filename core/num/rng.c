/* rng.c -- see rng.h.  Room: core/num.  Stands on libc and libm.
 *
 * Follows what PyTorch's CPU kernels compute, to the last bit: where their compiled code
 * fuses a product with a sum there is an explicit fma here, and nowhere else (the build
 * forbids contraction).  log, sin and cos of the normal draw are the single-precision ones
 * of the Cephes library, since libm's differ from them in the last place. */
#if defined(__GNUC__) && !defined(__clang__)
/* Nobody reads errno or the exception flags here, and without them the loops vectorise. */
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif

#include "num/rng.h"

#include <math.h>
#include <string.h>

enum { MT_N = 624, MT_M = 397, NORMAL_CHUNK = 16, HALF = NORMAL_CHUNK / 2 };

/* The loops over floats are compiled twice: fma() is one instruction or a slow call, the
 * result is the same. */
#if defined(__x86_64__) && !defined(__FMA__)
#define WITH_FMA  __attribute__((target("avx2,fma")))
#define HAS_FMA() (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define WITH_FMA
#define HAS_FMA() 0
#endif
#define INLINE static inline __attribute__((always_inline))

void rng_seed(tcet_rng *r, uint64_t seed)
{
    uint32_t x = (uint32_t)seed; /* PyTorch's engine takes the low half, too */

    memset(r, 0, sizeof *r);
    r->state[0] = x;
    for (uint32_t i = 1; i < MT_N; i++) {
        x = 1812433253u * (x ^ (x >> 30)) + i;
        r->state[i] = x;
    }
}

INLINE uint32_t twist(uint32_t far, uint32_t u, uint32_t v)
{
    uint32_t mixed = (u & 0x80000000u) | (v & 0x7fffffffu);

    return far ^ (mixed >> 1) ^ (-(v & 1u) & 0x9908b0dfu);
}

INLINE uint32_t temper(uint32_t y)
{
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static void next_block(tcet_rng *r)
{
    uint32_t *s = r->state;

    for (int i = 0; i < MT_N - MT_M; i++)
        s[i] = twist(s[i + MT_M], s[i], s[i + 1]);
    for (int i = MT_N - MT_M; i < MT_N - 1; i++)
        s[i] = twist(s[i + MT_M - MT_N], s[i], s[i + 1]);
    s[MT_N - 1] = twist(s[MT_M - 1], s[MT_N - 1], s[0]);
    r->left = MT_N;
    r->next = 0;
}

/* The untempered outputs that can be taken at once: at most n, at least one. */
static const uint32_t *take(tcet_rng *r, int64_t n, int64_t *got)
{
    const uint32_t *p;

    if (!r->left)
        next_block(r);
    p = r->state + r->next;
    *got = n < r->left ? n : r->left;
    r->left -= (uint32_t)*got;
    r->next += (uint32_t)*got;
    return p;
}

uint32_t rng_u32(tcet_rng *r)
{
    int64_t got;

    return temper(*take(r, 1, &got));
}

uint64_t rng_u64(tcet_rng *r)
{
    uint64_t high = rng_u32(r);

    return high << 32 | rng_u32(r);
}

void rng_discard(tcet_rng *r, int64_t n)
{
    int64_t got;

    for (; n > 0; n -= got)
        take(r, n, &got);
}

INLINE void to_uniform(float *restrict out, const uint32_t *restrict raw, int64_t n, float low,
                       float width)
{
    for (int64_t i = 0; i < n; i++) {
        float u = (float)(int32_t)(temper(raw[i]) & 0xffffffu) * 0x1p-24f;

        out[i] = fmaf(u, width, low);
    }
}

WITH_FMA static void uniform_fma(float *out, const uint32_t *raw, int64_t n, float low, float width)
{
    to_uniform(out, raw, n, low, width);
}

static void uniform_any(float *out, const uint32_t *raw, int64_t n, float low, float width)
{
    to_uniform(out, raw, n, low, width);
}

void rng_uniform(tcet_rng *r, float *out, int64_t n, double low, double high)
{
    float a = (float)low, width = (float)high - a;
    int fast = HAS_FMA();
    int64_t got;

    for (; n > 0; n -= got, out += got) {
        const uint32_t *raw = take(r, n, &got);

        (fast ? uniform_fma : uniform_any)(out, raw, got, a, width);
    }
}

INLINE uint32_t bits_of(float x)
{
    uint32_t b;

    memcpy(&b, &x, sizeof b);
    return b;
}

INLINE float float_of(uint32_t b)
{
    float x;

    memcpy(&x, &b, sizeof x);
    return x;
}

/* Cephes logf for normal x > 0: x = m 2^e with m in [sqrt(1/2), sqrt 2), polynomial in m - 1,
 * ln 2 in two parts. */
INLINE float cephes_log(float x)
{
    int32_t exponent = (int32_t)(bits_of(x) >> 23) - 126;
    float m = float_of((bits_of(x) & 0x007fffffu) | 0x3f000000u);
    int small = m < 0.707106781186547524f;
    float e = (float)(exponent - small), t = small ? (m - 1.0f) + m : m - 1.0f;
    float z = t * t, p = 7.0376836292e-2f;

    p = fmaf(p, t, -1.1514610310e-1f);
    p = fmaf(p, t, 1.1676998740e-1f);
    p = fmaf(p, t, -1.2420140846e-1f);
    p = fmaf(p, t, 1.4249322787e-1f);
    p = fmaf(p, t, -1.6668057665e-1f);
    p = fmaf(p, t, 2.0000714765e-1f);
    p = fmaf(p, t, -2.4999993993e-1f);
    p = fmaf(p, t, 3.3333331174e-1f);
    p = fmaf(p * t, z, e * -2.12194440e-4f);
    p = fmaf(z, -0.5f, p);
    return fmaf(e, 0.693359375f, t + p);
}

/* Cephes sinf and cosf for 0 <= x < 2^13: nearest multiple of pi/4 taken off in three parts,
 * then one polynomial for each of the two curves, exchanged and signed by octant. */
INLINE void cephes_sincos(float x, float *sine, float *cosine)
{
    int32_t octant = ((int32_t)(x * 1.27323954473516f) + 1) & ~1;
    float y = (float)octant, z, c = 2.443315711809948e-5f, s = -1.9515295891e-4f;
    uint32_t sine_sign = (uint32_t)(octant & 4) << 29;
    uint32_t cosine_sign = (uint32_t)(~(octant - 2) & 4) << 29;
    int exchanged = (octant & 2) != 0;

    x = fmaf(y, -0.78515625f, x);
    x = fmaf(y, -2.4187564849853515625e-4f, x);
    x = fmaf(y, -3.77489497744594108e-8f, x);
    z = x * x;
    c = fmaf(c, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f);
    c = fmaf(c * z, z, z * -0.5f) + 1.0f;
    s = fmaf(s, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f);
    s = fmaf(s * z, x, x);
    *sine = float_of(bits_of(exchanged ? c : s) ^ sine_sign);
    *cosine = float_of(bits_of(exchanged ? s : c) ^ cosine_sign);
}

/* Box-Muller within a chunk: radius from the first half, angle from the second. */
INLINE void to_normal(float *v, int64_t chunks, float mean, float std)
{
    for (int64_t k = 0; k < chunks; k++, v += NORMAL_CHUNK) {
        float radius[HALF], sine[HALF], cosine[HALF];

        for (int i = 0; i < HALF; i++)
            radius[i] = -2.0f * cephes_log(1.0f - v[i]);
        for (int i = 0; i < HALF; i++)
            cephes_sincos(6.283185307179586f * v[HALF + i], &sine[i], &cosine[i]);
        for (int i = 0; i < HALF; i++)
            radius[i] = sqrtf(radius[i]);
        for (int i = 0; i < HALF; i++) {
            v[i] = fmaf(radius[i] * cosine[i], std, mean);
            v[HALF + i] = fmaf(radius[i] * sine[i], std, mean);
        }
    }
}

WITH_FMA static void normal_fma(float *v, int64_t chunks, float mean, float std)
{
    to_normal(v, chunks, mean, std);
}

static void normal_any(float *v, int64_t chunks, float mean, float std)
{
    to_normal(v, chunks, mean, std);
}

/* Uniform double in [0, 1) from 53 bits. */
static double uniform53(tcet_rng *r)
{
    return (double)(rng_u64(r) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* Box-Muller in double, one value a call; the second of each pair waits for the next call. */
static double scalar_normal(tcet_rng *r)
{
    double u1, u2, radius, angle;

    if (r->has_cached) {
        r->has_cached = 0;
        return r->cached;
    }
    u1 = uniform53(r);
    u2 = uniform53(r);
    radius = sqrt(-2.0 * log1p(-u2));
    angle = 2.0 * 3.14159265358979323846 * u1;
    r->cached = radius * sin(angle);
    r->has_cached = 1;
    return radius * cos(angle);
}

void rng_normal(tcet_rng *r, float *out, int64_t n, double mean, double std)
{
    void (*transform)(float *, int64_t, float, float) = HAS_FMA() ? normal_fma : normal_any;

    if (n < NORMAL_CHUNK) {
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)fma(scalar_normal(r), std, mean);
        return;
    }
    rng_uniform(r, out, n, 0, 1);
    transform(out, n / NORMAL_CHUNK, (float)mean, (float)std);
    if (n % NORMAL_CHUNK) { /* PyTorch draws the last 16 again rather than finish the rest */
        rng_uniform(r, out + n - NORMAL_CHUNK, NORMAL_CHUNK, 0, 1);
        transform(out + n - NORMAL_CHUNK, 1, (float)mean, (float)std);
    }
}

void rng_randint(tcet_rng *r, int64_t *out, int64_t n, int64_t low, int64_t high)
{
    uint64_t range = (uint64_t)high - (uint64_t)low;

    for (int64_t i = 0; i < n; i++) {
        uint64_t v = range >> 32 ? rng_u64(r) : rng_u32(r);

        out[i] = (int64_t)(v % range + (uint64_t)low);
    }
}

void rng_permutation(tcet_rng *r, int64_t *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t j = i + rng_u32(r) % (uint32_t)(n - i), other = out[j];

        out[j] = out[i];
        out[i] = other;
    }
}

uint64_t rng_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rng_hash(uint64_t seed, const char *text)
{
    uint64_t state = seed;

    for (; *text; text++)
        state = rng_mix(&state) ^ (unsigned char)*text;
    return rng_mix(&state);
}
