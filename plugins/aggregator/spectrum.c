/* spectrum.c -- what eigenvalues say: cond (of a kernel), jacob_cov (of the correlation of
 * rows), eig_min (of any symmetric S), spectral_entropy (of any S: of its singular values).
 *
 * Room: plugins/aggregator.  Touches the SDK and libc's float.h and math.h alone. */
#include <float.h>
#include <math.h>
#include <tcet/tcet.h>

struct cond {
    int32_t singular, nan;
};

enum { SINGULAR_INFINITE = 0, SINGULAR_RATIO = 1 };

struct jacob_cov {
    double k;
    int32_t clamp;
};

static const char no_memory[] = "no memory for the eigenvalues";

static int all_finite(const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return 0;
    }
    return 1;
}

/* A number that is none, as the parameter says. */
static double not_a_number(tcet_ctx *cx, const struct cond *p)
{
    if (!p->nan)
        return NAN;
    cx->host->guard(cx, "cond_nan");
    return 1e5;
}

static tcet_status cond_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const struct cond *p = self;
    int64_t n = s->shape[0];
    double *values;
    tcet_status st;

    if (n != s->shape[1] || n == 0)
        return tcet_fail(cx, TCET_E_ARG,
                         "needs a square S^l, a kernel of the images (saliency ntk)");
    if (!all_finite(tcet_f64(s), s->count)) {
        *out = not_a_number(cx, p);
        return TCET_OK;
    }
    values = cx->host->scratch(cx, (size_t)n * sizeof *values);
    if (!values)
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    st = cx->host->eigvalsh(cx, tcet_f64(s), n, values);
    if (st < 0)
        return st;
    if (p->singular == SINGULAR_INFINITE &&
        values[0] <= (double)n * cx->host->epsilon(cx) * fabs(values[n - 1])) {
        cx->host->guard(cx, "cond_singular");
        *out = INFINITY;
    } else {
        *out = values[n - 1] / values[0];
        if (isnan(*out))
            *out = not_a_number(cx, p);
    }
    return TCET_OK;
}

/* Rows of x made to have mean 0 and length 1; 0 where a row has no spread. */
static int standardise(const double *x, int64_t rows, int64_t cols, double *out)
{
    for (int64_t r = 0; r < rows; r++) {
        const double *a = x + r * cols;
        double *b = out + r * cols, mean = 0.0, squares = 0.0;

        for (int64_t i = 0; i < cols; i++)
            mean += (a[i] - a[0]) / (double)cols; /* from a[0]: equal elements give exactly 0 */
        for (int64_t i = 0; i < cols; i++) {
            b[i] = a[i] - a[0] - mean;
            squares += b[i] * b[i];
        }
        if (!(squares > 0.0) || !isfinite(squares))
            return 0;
        for (int64_t i = 0; i < cols; i++)
            b[i] /= sqrt(squares);
    }
    return 1;
}

/* -sum ln(v + k) + 1/(v + k) over the eigenvalues v of the correlation of the rows; NaN where
 * a row has no spread, since its correlations do not exist. */
static tcet_status jacob_cov_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const struct jacob_cov *p = self;
    int64_t n = s->shape[0], cols = s->shape[1];
    double *rows = cx->host->scratch(cx, (size_t)s->count * sizeof *rows);
    double *corr = cx->host->scratch(cx, (size_t)(n * n + n) * sizeof *corr);
    double *values = corr + n * n, sum = 0.0;
    int clamped = 0;
    tcet_status st;

    if (!rows || !corr)
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    if (!standardise(tcet_f64(s), n, cols, rows)) {
        *out = NAN;
        return TCET_OK;
    }
    st = cx->host->gemm(cx, 0, 1, n, n, cols, 1.0, rows, rows, 0.0, corr);
    if (st == TCET_OK)
        st = cx->host->eigvalsh(cx, corr, n, values);
    if (st < 0)
        return st;
    for (int64_t i = 0; i < n; i++) {
        double v = values[i];

        if (p->clamp && v < 0.0) {
            clamped = 1;
            v = 0.0;
        }
        sum += log(v + p->k) + 1.0 / (v + p->k);
    }
    if (clamped)
        cx->host->guard(cx, "jacob_cov_clamped");
    *out = -sum;
    return TCET_OK;
}

/* Eigenvalues of the symmetric S, ascending, into *values, or its singular values, descending;
 * *values is NULL where S holds a NaN or infinity. */
static tcet_status spectrum(tcet_ctx *cx, const tcet_view *s, int symmetric, double **values)
{
    int64_t m = s->shape[0], n = s->shape[1];
    double *v;

    *values = NULL;
    if (!all_finite(tcet_f64(s), s->count))
        return TCET_OK;
    v = cx->host->scratch(cx, (size_t)(m < n ? m : n) * sizeof *v);
    if (!v)
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    *values = v;
    return symmetric ? cx->host->eigvalsh(cx, tcet_f64(s), n, v)
                     : cx->host->svdvals(cx, tcet_f64(s), m, n, v);
}

/* Of an empty S, a layer that was never executed, 0. */
static tcet_status eig_min_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    double none = 0.0, *values = &none;
    tcet_status st = TCET_OK;

    (void)self;
    if (s->shape[0] != s->shape[1])
        return tcet_fail(cx, TCET_E_ARG, "needs a square S^l (saliency meco, nwot or ntk)");
    if (s->count)
        st = spectrum(cx, s, 1, &values);
    if (st >= 0)
        *out = values ? values[0] : NAN;
    return st;
}

/* -sum p ln p, p the singular values over their sum; of a matrix of zeros 0. */
static tcet_status entropy_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    int64_t n = s->shape[0] < s->shape[1] ? s->shape[0] : s->shape[1];
    double *values = NULL, sum = 0.0, entropy = 0.0;
    tcet_status st = n ? spectrum(cx, s, 0, &values) : TCET_OK;

    (void)self;
    if (st < 0)
        return st;
    if (n && !values) {
        *out = NAN;
        return TCET_OK;
    }
    for (int64_t i = 0; i < n && values[0] > 0.0; i++)
        sum += values[i] / values[0]; /* of the largest: a sum that neither over- nor underflows */
    for (int64_t i = 0; i < n && values[0] > 0.0; i++) {
        double p = values[i] / values[0] / sum;

        if (p > 0.0)
            entropy -= p * log(p);
    }
    *out = entropy;
    return TCET_OK;
}

static const char *const singular[] = {"infinite", "ratio", NULL};
static const char *const nan_is[] = {"keep", "1e5", NULL};
static const tcet_param cond_params[] = {
    TCET_PARAM_CHOICE(struct cond, singular, "infinite", singular,
                      "Where the smallest eigenvalue is not above n eps times the largest: "
                      "infinity (guard cond_singular), or the ratio as it comes (TE-NAS)."),
    TCET_PARAM_CHOICE(
        struct cond, nan, "keep", nan_is,
        "A kernel with a NaN or infinity, or the ratio 0/0: NaN, or 1e5 (TE-NAS; guard "
        "cond_nan)."),
};
static const tcet_aggregator_ops cond_ops = {
    .struct_size = sizeof cond_ops,
    .direction = -1,
    .reduce = cond_reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_KERNEL),
};
static const tcet_plugin cond = {
    .struct_size = sizeof cond,
    .kind = TCET_AGGREGATOR,
    .id = "cond",
    .version = "1.0.0",
    .summary = "Condition number of a kernel: largest over smallest eigenvalue; smaller is better.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS lib/procedures/ntk.py",
    TCET_PARAMS(struct cond, cond_params),
    .ops = &cond_ops,
};

static const tcet_param jacob_params[] = {
    TCET_PARAM_F64(struct jacob_cov, k, "1e-5", 0.0, 1.0, "Added to every eigenvalue."),
    TCET_PARAM_BOOL(struct jacob_cov, clamp, "1",
                    "Eigenvalues below 0, which only rounding makes, count as 0 (guard "
                    "jacob_cov_clamped)."),
};
static const tcet_aggregator_ops jacob_ops = {
    .struct_size = sizeof jacob_ops,
    .direction = 1,
    .reduce = jacob_cov_reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_ROWS) | TCET_FORM_BIT(TCET_FORM_CUSTOM),
};
static const tcet_plugin jacob_cov = {
    .struct_size = sizeof jacob_cov,
    .kind = TCET_AGGREGATOR,
    .id = "jacob_cov",
    .version = "1.0.0",
    .summary = "Eigenvalue score -sum(ln(v + k) + 1/(v + k)) of the rows' correlation matrix.",
    .cite = "Mellor et al.: NAS without Training, arXiv 2006.04647v1; "
            "SamsungLabs/zero-cost-nas measures/jacob_cov.py",
    TCET_PARAMS(struct jacob_cov, jacob_params),
    .ops = &jacob_ops,
};

static const tcet_aggregator_ops eig_min_ops = {
    .struct_size = sizeof eig_min_ops,
    .direction = 1,
    .reduce = eig_min_reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_KERNEL) | TCET_FORM_BIT(TCET_FORM_CUSTOM),
};
static const tcet_plugin eig_min = {
    .struct_size = sizeof eig_min,
    .kind = TCET_AGGREGATOR,
    .id = "eig_min",
    .version = "1.0.0",
    .summary = "Smallest eigenvalue of a symmetric S^l; summed over the layers.",
    .cite = "Jiang, Wang, Bie: MeCo, NeurIPS 2023; HamsterMimi/MeCo measures/meco.py",
    .ops = &eig_min_ops,
};

static const tcet_aggregator_ops entropy_ops = {
    .struct_size = sizeof entropy_ops,
    .direction = 1,
    .reduce = entropy_reduce,
};
static const tcet_plugin spectral_entropy = {
    .struct_size = sizeof spectral_entropy,
    .kind = TCET_AGGREGATOR,
    .id = "spectral_entropy",
    .version = "1.0.0",
    .summary =
        "Entropy of the singular values of S^l over their sum: the log of its effective rank.",
    .cite = "Roy, Vetterli: The effective rank, EUSIPCO 2007",
    .ops = &entropy_ops,
};

TCET_MODULE(&cond, &jacob_cov, &eig_min, &spectral_entropy)
