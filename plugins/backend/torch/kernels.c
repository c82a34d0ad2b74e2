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
    FLUSH = 64,  /* blocks summed in the type itself before they go to double */
    RUN = 8      /* blocks that are swept together: what pays in the cache, and costs out of it */
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

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Ones of each byte: two looks into a table of the ones of four bits. */
static inline __m256i byte_ones(__m256i v)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4),
                  low = _mm256_set1_epi8(15);

    return _mm256_add_epi8(
        _mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
}

/* differ[p] = popcount(a ^ b[p]) over all words of four rows, which share the loads of a.  A byte's
 * count is at most 8 a step: 31 steps fit a byte before it is added to the sums. */
static void differ_from(const uint64_t *a, const uint64_t *const b[4], int64_t words,
                        int64_t differ[4])
{
    enum { STEPS = 31 };
    int64_t whole = words / 4 * 4;
    __m256i sum[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                      _mm256_setzero_si256()};

    for (int64_t w = 0; w < whole;) {
        int64_t end = whole - w < 4 * STEPS ? whole : w + 4 * STEPS;
        __m256i ones[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256()};

        for (; w < end; w += 4) {
            __m256i x = _mm256_loadu_si256((const void *)(a + w));

#pragma GCC unroll 4
            for (int p = 0; p < 4; p++)
                ones[p] = _mm256_add_epi8(
                    ones[p],
                    byte_ones(_mm256_xor_si256(x, _mm256_loadu_si256((const void *)(b[p] + w)))));
        }
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++)
            sum[p] = _mm256_add_epi64(sum[p], _mm256_sad_epu8(ones[p], _mm256_setzero_si256()));
    }
    for (int p = 0; p < 4; p++) {
        differ[p] = _mm256_extract_epi64(sum[p], 0) + _mm256_extract_epi64(sum[p], 1) +
                    _mm256_extract_epi64(sum[p], 2) + _mm256_extract_epi64(sum[p], 3);
        for (int64_t w = whole; w < words; w++)
            differ[p] += __builtin_popcountll(a[w] ^ b[p][w]);
    }
}

/* k += units - popcount(a ^ b) over all pairs. */
static void agreement_pairs(const uint64_t *bits, int64_t n, int64_t words, int64_t units,
                            double *k)
{
    for (int64_t i = 0; i < n; i++) {
        k[i * n + i] += (double)units;
        for (int64_t j = 0; j < i; j += 4) {
            int64_t pairs = i - j < 4 ? i - j : 4, differ[4];
            const uint64_t *b[4];

            for (int64_t p = 0; p < 4; p++)
                b[p] = bits + (p < pairs ? j + p : j) * words;
            differ_from(bits + i * words, b, words, differ);
            for (int64_t p = 0; p < pairs; p++) {
                double same = (double)(units - differ[p]);

                k[i * n + j + p] += same;
                k[(j + p) * n + i] += same;
            }
        }
    }
}
#else
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
#endif

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
