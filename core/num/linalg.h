/* linalg.h -- dense linear algebra for plugins, loaded on first use.
 *
 * Room: core/num.  The BLAS lives in one private module, tcet-linalg.so (core/linalg), and
 * never in the executable: a host that links BLAS itself would capture libtorch's calls. */
#ifndef CORE_LINALG_H
#define CORE_LINALG_H

#include "base/error.h"

/* All matrices row-major float64; inputs are left unchanged; sizes below 2^31, 0 allowed.  One
 * thread; any number of callers at once.  All return 0, or -1 out of memory (or too large). */
struct linalg {
    /* LU: log|det| (-inf when singular), sign (then 0), smallest |pivot| (inf for n = 0). */
    int (*logdet)(const double *a, int64_t n, double *logabs, int32_t *sign, double *min_pivot);
    /* n ascending eigenvalues of a symmetric matrix (its lower triangle is read); > 0: no
     * convergence.  An input that is not finite gives NaN throughout. */
    int (*eigvalsh)(const double *a, int64_t n, double *out);
    /* min(m, n) descending singular values; otherwise as eigvalsh */
    int (*svdvals)(const double *a, int64_t m, int64_t n, double *out);
    /* c = alpha op(a) op(b) + beta c, op(a) m x k, op(b) k x n; op transposes where ta, tb != 0.
     * beta 0 overwrites c unread. */
    int (*gemm)(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                const double *b, double beta, double *c);
    /* The processor that its routines were chosen for, on which the last digits depend. */
    const char *(*core)(void);
};

/* The table of tcet-linalg.so at path (paths_linalg()); the same pointer every time.
 * Thread-safe.  Errors: the module cannot be loaded. */
tcet_status linalg_get(const char *path, const struct linalg **out, struct error *err);

#define LINALG_SYMBOL "tcet_linalg_v1" /* const struct linalg *(*)(void) */

#endif
