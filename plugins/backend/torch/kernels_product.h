/* kernels_product.h -- small products of float matrices, the heart of the float convolutions;
 * included by kernels.c alone.
 *
 * Room: plugins/backend/torch.  A few rows by one or two vectors of columns stay in registers
 * while the sum runs over the inner extent, in one order whatever the vectors' width.  Columns,
 * and rows of what multiply_columns() writes, come in multiples of UNIT. */

#if defined(__AVX512F__)
typedef __m512 fvec;
enum { FWIDTH = 16, ROWS_AT_ONCE = 12 };
#define fvec_load(p)      _mm512_loadu_ps(p)
#define fvec_store(p, v)  _mm512_storeu_ps(p, v)
#define fvec_all(x)       _mm512_set1_ps(x)
#define fvec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#else
typedef __m256 fvec;
enum { FWIDTH = 8, ROWS_AT_ONCE = 6 };
#define fvec_load(p)      _mm256_loadu_ps(p)
#define fvec_store(p, v)  _mm256_storeu_ps(p, v)
#define fvec_all(x)       _mm256_set1_ps(x)
#define fvec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#endif

enum { UNIT = 16 };

/* Numbers; NULL after out_of_memory. */
static float *float_memory(struct ts_device *d, int64_t count)
{
    float *x = pool_get((size_t)count * sizeof *x);

    if (!x)
        out_of_memory(d);
    return x;
}

/* y[p * y_step + q FWIDTH ..] (added to where `add`) = the sum over `count` steps of
 * x[p * apart + step * x_step] times w[step * w_step + q FWIDTH ..], for P rows p and Q vectors q.
 */
#define PRODUCT(P, Q)                                                                  \
    static inline __attribute__((always_inline)) void product_##P##_##Q(               \
        const float *x, int64_t apart, int64_t x_step, const float *w, int64_t w_step, \
        int64_t count, float *y, int64_t y_step, int add)                              \
    {                                                                                  \
        fvec a[P][Q];                                                                  \
                                                                                       \
        _Pragma("GCC unroll 16") for (int p = 0; p < (P); p++)                         \
        {                                                                              \
            _Pragma("GCC unroll 2") for (int q = 0; q < (Q); q++) a[p][q] =            \
                add ? fvec_load(y + p * y_step + q * FWIDTH) : fvec_all(0);            \
        }                                                                              \
        for (int64_t k = 0; k < count; k++, x += x_step, w += w_step) {                \
            fvec b[Q];                                                                 \
                                                                                       \
            _Pragma("GCC unroll 2") for (int q = 0; q < (Q); q++) b[q] =               \
                fvec_load(w + q * FWIDTH);                                             \
            _Pragma("GCC unroll 16") for (int p = 0; p < (P); p++)                     \
            {                                                                          \
                fvec v = fvec_all(x[p * apart]);                                       \
                                                                                       \
                _Pragma("GCC unroll 2") for (int q = 0; q < (Q); q++) a[p][q] =        \
                    fvec_fma(v, b[q], a[p][q]);                                        \
            }                                                                          \
        }                                                                              \
        _Pragma("GCC unroll 16") for (int p = 0; p < (P); p++)                         \
        {                                                                              \
            _Pragma("GCC unroll 2") for (int q = 0; q < (Q); q++)                      \
                fvec_store(y + p * y_step + q * FWIDTH, a[p][q]);                      \
        }                                                                              \
    }

PRODUCT(1, 2)
#if defined(__AVX512F__)
PRODUCT(12, 2)
PRODUCT(12, 1)
PRODUCT(1, 1)
PRODUCT(8, 2)
PRODUCT(16, 1)
#else
PRODUCT(6, 2)
PRODUCT(4, 2)
#endif

/* y[rows, out] (added to where `add`) = x[rows, in] u[in, out] */
static inline __attribute__((always_inline)) void multiply_rows(const float *x, int64_t rows,
                                                                int64_t in, const float *u,
                                                                int64_t out, float *y, int add)
{
    for (int64_t k = 0; k < out; k += 2 * FWIDTH) {
        int64_t t = 0;

        for (; t + ROWS_AT_ONCE <= rows; t += ROWS_AT_ONCE) {
#if defined(__AVX512F__)
            if (out - k < 2 * FWIDTH)
                product_12_1(x + t * in, in, 1, u + k, out, in, y + t * out + k, out, add);
            else
                product_12_2(x + t * in, in, 1, u + k, out, in, y + t * out + k, out, add);
#else
            product_6_2(x + t * in, in, 1, u + k, out, in, y + t * out + k, out, add);
#endif
        }
        for (; t < rows; t++) {
#if defined(__AVX512F__)
            if (out - k < 2 * FWIDTH) {
                product_1_1(x + t * in, in, 1, u + k, out, in, y + t * out + k, out, add);
                continue;
            }
#endif
            product_1_2(x + t * in, in, 1, u + k, out, in, y + t * out + k, out, add);
        }
    }
}

/* u[c, oc] += x[rows, c]^T g[rows, oc] */
static inline __attribute__((always_inline)) void
multiply_columns(const float *x, int64_t rows, int64_t c, const float *g, int64_t oc, float *u)
{
    for (int64_t k = 0; k < oc; k += 2 * FWIDTH) {
#if defined(__AVX512F__)
        if (oc - k < 2 * FWIDTH) {
            for (int64_t r = 0; r < c; r += 16)
                product_16_1(x + r, 1, c, g + k, oc, rows, u + r * oc + k, oc, 1);
            continue;
        }
        for (int64_t r = 0; r < c; r += 8)
            product_8_2(x + r, 1, c, g + k, oc, rows, u + r * oc + k, oc, 1);
#else
        for (int64_t r = 0; r < c; r += 4)
            product_4_2(x + r, 1, c, g + k, oc, rows, u + r * oc + k, oc, 1);
#endif
    }
}
