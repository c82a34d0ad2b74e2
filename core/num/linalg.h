/* linalg.h -- dense linear algebra for plugins, loaded on first use.
 *
 * Room: core/num.  The BLAS lives in one private module, tcet-linalg.so (core/linalg), and
 * never in the executable: a host that links BLAS itself would capture libtorch's calls. */
#ifndef CORE_LINALG_H
#define CORE_LINALG_H

#include "base/error.h"

/* All matrices row-major float64; inputs are left unchanged.  One thread. */
struct linalg {
    /* LU: log|det|, sign, smallest |pivot|.  0, or -1 out of memory. */
    int (*logdet)(const double *a, int64_t n, double *logabs, int32_t *sign, double *min_pivot);
    /* ascending eigenvalues of a symmetric matrix; 0, -1 memory, > 0 no convergence */
    int (*eigvalsh)(const double *a, int64_t n, double *out);
    /* descending singular values */
    int (*svdvals)(const double *a, int64_t m, int64_t n, double *out);
    int (*gemm)(int ta, int tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                const double *b, double beta, double *c);
};

/* The table of tcet-linalg.so at path (paths_linalg()); the same pointer every time.
 * Thread-safe.  Errors: the module cannot be loaded. */
tcet_status linalg_get(const char *path, const struct linalg **out, struct error *err);

#define LINALG_SYMBOL "tcet_linalg_v1" /* const struct linalg *(*)(void) */

#endif
