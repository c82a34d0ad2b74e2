/* logdet.c -- ln |det K| of a kernel: logdet; number of different images: regions, of different
 * rows: distinct.
 *
 * Room: plugins/aggregator.  Touches the SDK and libc's float.h, math.h and string.h alone. */
#include <float.h>
#include <math.h>
#include <string.h>
#include <tcet/tcet.h>

struct logdet {
    int32_t singular;
};

enum { SINGULAR_ZERO = 0, SINGULAR_LAPACK = 1 };

static tcet_status square(tcet_ctx *cx, const tcet_view *s)
{
    if (s->shape[0] == s->shape[1])
        return TCET_OK;
    return tcet_fail(cx, TCET_E_ARG,
                     "needs a square S^l, a kernel of the images (saliency nwot or ntk)");
}

/* Rows i and j of a Gram matrix are equal exactly when their distance
 * K_ii - 2 K_ij + K_jj is 0; for patterns K_ii = K_jj is the number of units. */
static int same(const double *k, int64_t n, int64_t i, int64_t j)
{
    return k[i * n + j] == k[i * n + i] && k[i * n + j] == k[j * n + j];
}

static int has_equal_rows(const double *k, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) {
            if (same(k, n, i, j))
                return 1;
        }
    }
    return 0;
}

/* All-zero patterns need no rule of their own: their rows are equal. */
static tcet_status logdet_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const struct logdet *p = self;
    const double *k = tcet_f64(s);
    int64_t n = s->shape[0];
    double logabs, pivot, top = 0.0;
    int counts = 1; /* kernels of patterns hold whole numbers, which no precision rounds */
    int32_t sign;
    tcet_status st = square(cx, s);

    if (st < 0)
        return st;
    if (p->singular == SINGULAR_ZERO && has_equal_rows(k, n)) {
        cx->host->guard(cx, "logdet_equal_rows");
        *out = 0.0;
        return TCET_OK;
    }
    st = cx->host->logdet(cx, k, n, &logabs, &sign, &pivot);
    if (st < 0)
        return st;
    for (int64_t i = 0; i < n * n; i++) {
        if (fabs(k[i]) > top)
            top = fabs(k[i]);
        counts &= k[i] == floor(k[i]);
    }
    if (p->singular == SINGULAR_ZERO &&
        pivot <= (double)n * (counts ? DBL_EPSILON : cx->host->epsilon(cx)) * top) {
        cx->host->guard(cx, "logdet_small_pivot");
        logabs = 0.0;
    } else if (sign == 0) {
        cx->host->guard(cx, "logdet_singular");
        logabs = 0.0;
    }
    *out = logabs;
    return TCET_OK;
}

/* Each image counts for 1 / (images with its pattern). */
static tcet_status regions_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const double *k = tcet_f64(s);
    int64_t n = s->shape[0], count = 0;
    tcet_status st = square(cx, s);

    (void)self;
    if (st < 0)
        return st;
    for (int64_t i = 0; i < n; i++) {
        int64_t first = 0;

        while (first < i && !same(k, n, first, i))
            first++;
        count += first == i;
    }
    *out = (double)count;
    return TCET_OK;
}

static uint64_t row_hash(const double *row, int64_t cols)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (int64_t i = 0; i < cols; i++) {
        double v = row[i] + 0.0; /* -0 is 0 */
        uint64_t bits;

        memcpy(&bits, &v, sizeof bits);
        h = (h ^ bits) * UINT64_C(0x100000001b3);
        h ^= h >> 29;
    }
    return h;
}

static int same_rows(const double *a, const double *b, int64_t cols)
{
    int64_t i = 0;

    while (i < cols && a[i] == b[i])
        i++;
    return i == cols;
}

/* Rows into a table of twice as many places, by their hash. */
static tcet_status distinct_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const double *x = tcet_f64(s);
    int64_t rows = s->shape[0], cols = s->shape[1], places = 2 * rows + 1, count = 0;
    int64_t *table = cx->host->scratch(cx, (size_t)places * sizeof *table); /* row + 1; 0: free */

    (void)self;
    if (!table)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a table of the rows");
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = (int64_t)(row_hash(x + i * cols, cols) % (uint64_t)places);

        while (table[at] && !same_rows(x + (table[at] - 1) * cols, x + i * cols, cols))
            at = (at + 1) % places;
        count += !table[at];
        if (!table[at])
            table[at] = i + 1;
    }
    *out = (double)count;
    return TCET_OK;
}

static const char *const singular[] = {"zero", "lapack", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct logdet, singular, "zero", singular,
                      "zero: two equal rows, or a pivot below n eps max|K|, give 0 (guards "
                      "logdet_equal_rows, logdet_small_pivot).  lapack: whatever LU returns, 0 "
                      "only where it is exactly singular (the official code)."),
};
static const tcet_aggregator_ops logdet_ops = {
    .struct_size = sizeof logdet_ops,
    .direction = 1,
    .reduce = logdet_reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_KERNEL),
};
static const tcet_plugin logdet = {
    .struct_size = sizeof logdet,
    .kind = TCET_AGGREGATOR,
    .id = "logdet",
    .version = "1.0.0",
    .summary = "ln |det S^l| of a kernel; singular gives 0.",
    .cite = "Mellor et al.: NAS without Training, ICML 2021; of each layer: T-CET, AutoML 2023 "
            "(Lnwot), Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct logdet, params),
    .ops = &logdet_ops,
};

static const tcet_aggregator_ops regions_ops = {
    .struct_size = sizeof regions_ops,
    .direction = 1,
    .reduce = regions_reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_KERNEL),
};
static const tcet_plugin regions = {
    .struct_size = sizeof regions,
    .kind = TCET_AGGREGATOR,
    .id = "regions",
    .version = "1.0.0",
    .summary = "Linear regions: how many of the images' patterns differ, read from a kernel.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS "
            "lib/procedures/linear_region_counter.py",
    .ops = &regions_ops,
};

static const tcet_aggregator_ops distinct_ops = {
    .struct_size = sizeof distinct_ops,
    .direction = 1,
    .reduce = distinct_reduce,
};
static const tcet_plugin distinct = {
    .struct_size = sizeof distinct,
    .kind = TCET_AGGREGATOR,
    .id = "distinct",
    .version = "1.0.0",
    .summary = "How many rows of S^l differ: linear regions of saliency pattern, with partition = "
               "network.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS "
            "lib/procedures/linear_region_counter.py",
    .ops = &distinct_ops,
};

TCET_MODULE(&logdet, &regions, &distinct)
