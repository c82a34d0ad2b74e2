/* linalg.c -- tcet-linalg.so: dense linear algebra by OpenBLAS and LAPACK.
 *
 * Room: core/linalg, the only one that may see a BLAS.  Stands on num/linalg.h (the table it
 * fills), OpenBLAS and LAPACKE; exports LINALG_SYMBOL and nothing else.  LAPACK is column-major:
 * a row-major matrix is passed as its transpose, whose determinant, eigenvalues (symmetric) and
 * singular values are the same, so nothing is ever transposed in memory. */
#include "num/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_OF_MEMORY = -1 };

/* A copy that LAPACK may overwrite; NULL without memory, or beyond its 32-bit sizes. */
static double *copy(const double *a, int64_t m, int64_t n)
{
    size_t bytes;
    double *p;

    if (m > INT32_MAX || n > INT32_MAX ||
        __builtin_mul_overflow((size_t)m * (size_t)n, sizeof *p, &bytes))
        return NULL;
    p = malloc(bytes ? bytes : 1);
    return p && bytes ? memcpy(p, a, bytes) : p;
}

static int all_finite(const double *a, int64_t count)
{
    double sum = 0; /* 0 * x is NaN exactly for infinities and NaN */

    for (int64_t i = 0; i < count; i++)
        sum += 0 * a[i];
    return sum == 0;
}

static int fill_nan(double *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = NAN;
    return 0;
}

static int logdet(const double *a, int64_t n, double *logabs, int32_t *sign, double *min_pivot)
{
    double *lu = copy(a, n, n), sum = 0, smallest = INFINITY;
    lapack_int *pivot = malloc((size_t)(n ? n : 1) * sizeof *pivot);
    int32_t s = 1;

    if (!lu || !pivot) {
        free(lu);
        free(pivot);
        return OUT_OF_MEMORY;
    }
    if (n)
        LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, (lapack_int)n, (lapack_int)n, lu, (lapack_int)n,
                            pivot);
    for (int64_t i = 0; i < n; i++) {
        double d = lu[i * n + i];

        sum += log(fabs(d));
        s = d == 0 ? 0 : (d < 0) != (pivot[i] != i + 1) ? -s : s;
        if (!(fabs(d) >= smallest)) /* a NaN stays */
            smallest = fabs(d);
    }
    *logabs = sum;
    *sign = s;
    *min_pivot = smallest;
    free(lu);
    free(pivot);
    return 0;
}

static int eigvalsh(const double *a, int64_t n, double *out)
{
    double *m, size, *work;
    lapack_int info, integers, *iwork;

    if (!all_finite(a, n * n))
        return fill_nan(out, n);
    if (n == 0)
        return 0;
    m = copy(a, n, n);
    if (!m)
        return OUT_OF_MEMORY;
    info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'U', (lapack_int)n, m, (lapack_int)n, out,
                               &size, -1, &integers, -1);
    work = malloc((size_t)size * sizeof *work);
    iwork = malloc((size_t)integers * sizeof *iwork);
    if (info == 0 && work && iwork)
        info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'U', (lapack_int)n, m, (lapack_int)n, out,
                                   work, (lapack_int)size, iwork, integers);
    else
        info = OUT_OF_MEMORY;
    free(work);
    free(iwork);
    free(m);
    return info;
}

static int svdvals(const double *a, int64_t m, int64_t n, double *out)
{
    int64_t small = m < n ? m : n;
    double *t, size, *work, unused;
    lapack_int info, *iwork, rows = (lapack_int)n, columns = (lapack_int)m;

    if (!all_finite(a, m * n))
        return fill_nan(out, small);
    if (small == 0)
        return 0;
    t = copy(a, m, n);
    if (!t)
        return OUT_OF_MEMORY;
    iwork = malloc((size_t)small * 8 * sizeof *iwork);
    info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'N', rows, columns, t, rows, out, &unused, 1,
                               &unused, 1, &size, -1, iwork);
    work = malloc((size_t)size * sizeof *work);
    if (info == 0 && work && iwork)
        info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'N', rows, columns, t, rows, out, &unused, 1,
                                   &unused, 1, work, (lapack_int)size, iwork);
    else
        info = OUT_OF_MEMORY;
    free(work);
    free(iwork);
    free(t);
    return info;
}

static int gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                const double *b, double beta, double *c)
{
    int64_t lda = ta ? m : k, ldb = tb ? k : n;

    if (m > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return OUT_OF_MEMORY;
    if (m == 0 || n == 0)
        return 0;
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)(lda ? lda : 1), b,
                (blasint)(ldb ? ldb : 1), beta, c, (blasint)n);
    return 0;
}

static const char *core(void)
{
    return openblas_get_corename();
}

static void one_thread(void)
{
    openblas_set_num_threads(1);
}

__attribute__((visibility("default"))) const struct linalg *tcet_linalg_v1(void);

const struct linalg *tcet_linalg_v1(void)
{
    static const struct linalg table = {logdet, eigvalsh, svdvals, gemm, core};
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, one_thread);
    return &table;
}
