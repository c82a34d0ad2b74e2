/* kernels.c -- the fused CPU kernels, for float and double; see kernels.h.
 *
 * Room: plugins/backend/torch.  Compiled once for every instruction set (KERNELS_ISA); the
 * source fixes every rounding (fma() where a product is added, sums in lanes of fixed
 * number), so that all of them give the same bits; float convolutions alone are libtorch's
 * where the processor lacks AVX2. */
#include "kernels.h"
#include "kernels_isa.h"
#include "pool.h"

#include <tcet/draft/backend.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* Before a loop whose output may be one of its inputs, number by number. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

enum {
    LANES = 512, /* numbers swept together: 2 or 4 KiB, so blocks stay in the L1 cache */
    FLUSH = 64   /* blocks summed in the type itself before they go to double */
};

static int out_of_memory(struct ts_device *d)
{
    snprintf(d->message, sizeof d->message, "out of memory");
    return TCET_E_MEMORY;
}

/* Numbers in a block of whole pixels: a multiple of c, and of 64 where that is near. */
static int64_t block_of(int64_t c)
{
    int64_t block = c >= LANES ? c : LANES / c * c;

    for (int64_t b = block; b >= c && b >= LANES / 2; b -= c) {
        if (b % 64 == 0)
            return b;
    }
    return block;
}

/* k += units - popcount(a ^ b) over all pairs. */
static void agreement_pairs(const uint64_t *bits, int64_t n, int64_t words, int64_t units,
                            double *k)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t *a = bits + i * words;

        k[i * n + i] += (double)units;
        for (int64_t j = 0; j < i; j++) {
            const uint64_t *b = bits + j * words;
            int64_t differ = 0;
            double same;

            for (int64_t w = 0; w < words; w++)
                differ += __builtin_popcountll(a[w] ^ b[w]);
            same = (double)(units - differ);
            k[i * n + j] += same;
            k[j * n + i] += same;
        }
    }
}

#if defined(__AVX512F__)
/* Eight words an instruction; two rows against four share their loads. */
__attribute__((target("avx512vpopcntdq"))) static void
agreement_pairs_vector(const uint64_t *bits, int64_t n, int64_t words, int64_t units, double *k)
{
    int64_t whole = words / 8 * 8;
    __mmask8 rest = (__mmask8)((1u << (words - whole)) - 1);

    for (int64_t i = 0; i < n; i++) {
        const uint64_t *a = bits + i * words;

        k[i * n + i] += (double)units;
        for (int64_t j = 0; j < i; j += 4) {
            __m512i sum[4];
            const uint64_t *b[4];
            int64_t pairs = i - j < 4 ? i - j : 4;

            for (int64_t p = 0; p < 4; p++) {
                sum[p] = _mm512_setzero_si512();
                b[p] = bits + (p < pairs ? j + p : j) * words;
            }
            for (int64_t w = 0; w < whole; w += 8) {
                __m512i x = _mm512_loadu_si512(a + w);

                for (int64_t p = 0; p < 4; p++) {
                    __m512i y = _mm512_xor_si512(x, _mm512_loadu_si512(b[p] + w));

                    sum[p] = _mm512_add_epi64(sum[p], _mm512_popcnt_epi64(y));
                }
            }
            if (rest) {
                __m512i x = _mm512_maskz_loadu_epi64(rest, a + whole);

                for (int64_t p = 0; p < 4; p++) {
                    __m512i y = _mm512_maskz_loadu_epi64(rest, b[p] + whole);

                    sum[p] = _mm512_add_epi64(sum[p], _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
                }
            }
            for (int64_t p = 0; p < pairs; p++) {
                double same = (double)(units - _mm512_reduce_add_epi64(sum[p]));

                k[i * n + j + p] += same;
                k[(j + p) * n + i] += same;
            }
        }
    }
}
#endif

static void agreement_bits(const uint64_t *bits, int64_t n, int64_t units, double *k,
                           double *positive)
{
    int64_t words = kernels_words(units), ones = 0;

    for (int64_t w = 0; w < n * words; w++)
        ones += __builtin_popcountll(bits[w]);
    *positive += (double)ones;
#if defined(__AVX512F__)
    if (__builtin_cpu_supports("avx512vpopcntdq")) {
        agreement_pairs_vector(bits, n, words, units, k);
        return;
    }
#endif
    agreement_pairs(bits, n, words, units, k);
}

static int zero(struct ts_device *d, void *x, size_t bytes)
{
    (void)d;
    memset(x, 0, bytes);
    return 0;
}

/* 64 signs to a word. */
static inline uint64_t signs_float(const float *x)
{
    uint64_t word = 0;

#if defined(__AVX512F__)
    for (int i = 0; i < 4; i++)
        word |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(x + 16 * i), _mm512_setzero_ps(),
                                             _CMP_GT_OQ)
                << (16 * i);
#elif defined(__AVX2__)
    for (int i = 0; i < 8; i++)
        word |= (uint64_t)(unsigned)_mm256_movemask_ps(
                    _mm256_cmp_ps(_mm256_loadu_ps(x + 8 * i), _mm256_setzero_ps(), _CMP_GT_OQ))
                << (8 * i);
#else
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)(x[i] > 0) << i;
#endif
    return word;
}

static inline uint64_t signs_double(const double *x)
{
    uint64_t word = 0;

#if defined(__AVX512F__)
    for (int i = 0; i < 8; i++)
        word |= (uint64_t)_mm512_cmp_pd_mask(_mm512_loadu_pd(x + 8 * i), _mm512_setzero_pd(),
                                             _CMP_GT_OQ)
                << (8 * i);
#elif defined(__AVX2__)
    for (int i = 0; i < 16; i++)
        word |= (uint64_t)(unsigned)_mm256_movemask_pd(
                    _mm256_cmp_pd(_mm256_loadu_pd(x + 4 * i), _mm256_setzero_pd(), _CMP_GT_OQ))
                << (4 * i);
#else
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)(x[i] > 0) << i;
#endif
    return word;
}

#include "kernels_conv.inc"

#define NUM          float
#define OF(name)     name##_float
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#define IS_F64       0
#include "kernels_type.inc"
#undef NUM
#undef OF
#undef FMA
#undef IS_F64

#define NUM          double
#define OF(name)     name##_double
#define FMA(a, b, c) __builtin_fma(a, b, c)
#define IS_F64       1
#include "kernels_type.inc"

const struct kernels *KERNELS_NAME(int32_t f64)
{
    return f64 ? &table_double : &table_float;
}
