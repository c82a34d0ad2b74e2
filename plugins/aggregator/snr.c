/* snr.c -- spread of S^l and the signal-to-noise ratio sum / std: std, snr, log_snr,
 * log1p_snr, norm_snr.
 *
 * Room: plugins/aggregator.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/tcet.h>

struct spread {
    int64_t ddof;
    int32_t zero_sigma, axis;
};

enum { ZERO_SIGMA_SUM = 0, ZERO_SIGMA_SKIP = 1 };
enum { AXIS_COLUMNS = 0, AXIS_ROWS = 1 };
enum { BLOCK = 2048 }; /* elements that stay in the nearest cache for a second sweep */

/* Of x: their number and sum.  Of x - shift, times a scale: mean, and the sum of squared
 * distances from it.  The shift, one of the elements, makes the spread of equal elements an
 * exact 0. */
struct moments {
    int64_t n;
    double sum, mean, m2;
};

static double lanes_total(const double lane[8])
{
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* Eight sums side by side, which the compiler makes vectors of. */
static struct moments block_moments(const double *x, int64_t n, double shift, double scale)
{
    double sum[8] = {0}, off[8] = {0}, m2[8] = {0};
    struct moments m = {.n = n};
    int64_t i;

    for (i = 0; i + 8 <= n; i += 8) {
        for (int k = 0; k < 8; k++)
            sum[k] += x[i + k];
        for (int k = 0; k < 8; k++)
            off[k] += (x[i + k] - shift) * scale;
    }
    for (; i < n; i++) {
        sum[i % 8] += x[i];
        off[i % 8] += (x[i] - shift) * scale;
    }
    m.sum = lanes_total(sum);
    m.mean = lanes_total(off) / (double)n;
    for (i = 0; i + 8 <= n; i += 8) {
        for (int k = 0; k < 8; k++) {
            double d = (x[i + k] - shift) * scale - m.mean;

            m2[k] += d * d;
        }
    }
    for (; i < n; i++) {
        double d = (x[i] - shift) * scale - m.mean;

        m2[i % 8] += d * d;
    }
    m.m2 = lanes_total(m2);
    return m;
}

/* Of n elements `stride` apart, block by block; blocks are joined as Chan, Golub and LeVeque
 * do. */
static struct moments moments(const double *x, int64_t n, int64_t stride, double scale)
{
    struct moments all = {0};
    double block[BLOCK];

    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t len = n - at < BLOCK ? n - at : BLOCK;
        const double *p = x + at;
        struct moments m;
        double d, na = (double)all.n, nb = (double)len;

        if (stride != 1) {
            for (int64_t i = 0; i < len; i++)
                block[i] = x[(at + i) * stride];
            p = block;
        }
        m = block_moments(p, len, x[0], scale);
        d = m.mean - all.mean;
        all.n += len;
        all.sum += m.sum;
        all.mean += d * nb / (na + nb);
        all.m2 += m.m2 + d * d * na * nb / (na + nb);
    }
    return all;
}

/* Sum and standard deviation over n - ddof; 0 where there are too few elements for one. */
static void sum_std(const double *x, int64_t n, int64_t stride, int64_t ddof, double *sum,
                    double *sd)
{
    struct moments m = moments(x, n, stride, 1.0);
    double scale = 1.0, top = 0.0;

    /* Squares out of the range of a double: again, scaled by a power of two, which costs no
     * digit. */
    if (!(m.m2 > 1e-200 && m.m2 < 1e300)) {
        for (int64_t i = 0; i < n; i++) {
            if (fabs(x[i * stride]) > top)
                top = fabs(x[i * stride]);
        }
        if (top > 0.0 && isfinite(top)) {
            scale = scalbn(1.0, -ilogb(top));
            m = moments(x, n, stride, scale);
        }
    }
    *sum = m.sum;
    *sd = n > ddof ? sqrt(m.m2 / (double)(n - ddof)) / scale : 0.0;
}

enum form { FORM_STD, FORM_SNR, FORM_LOG, FORM_LOG1P };

/* One sample to one number, degenerate cases as their rules say. */
static double sample_value(tcet_ctx *cx, const struct spread *p, enum form form, const double *x,
                           int64_t n, int64_t stride)
{
    double sum, sd, ratio;

    sum_std(x, n, stride, p->ddof, &sum, &sd);
    if (form == FORM_STD)
        return sd;
    if (sd == 0.0)
        cx->host->guard(cx, "zero_sigma");
    if (sd == 0.0 && p->zero_sigma == ZERO_SIGMA_SKIP)
        return 0.0;
    ratio = sd == 0.0 ? sum : sum / sd;
    if (form == FORM_SNR)
        return ratio;
    if (form == FORM_LOG ? ratio <= 0.0 : ratio <= -1.0) {
        cx->host->guard(cx, "log_of_nonpositive");
        return 0.0;
    }
    return form == FORM_LOG ? log(ratio) : log1p(ratio);
}

/* axis = columns: each row over its columns, then the mean of the rows.  axis = rows: each
 * column over its rows, then the sum of the columns. */
static tcet_status reduce(tcet_ctx *cx, const struct spread *p, enum form form, const tcet_view *s,
                          double *out)
{
    int64_t rows = s->shape[0], cols = s->shape[1];
    double sum = 0.0;

    if (p->axis == AXIS_ROWS && rows < 2)
        return tcet_fail(cx, TCET_E_ARG,
                         "axis = rows needs an S^l of at least two rows (a saliency with "
                         "rows = sample, or several mini-batches)");
    if (p->axis == AXIS_ROWS) {
        for (int64_t c = 0; c < cols; c++)
            sum += sample_value(cx, p, form, tcet_f64(s) + c, rows, cols);
        *out = sum;
    } else {
        for (int64_t r = 0; r < rows; r++)
            sum += sample_value(cx, p, form, tcet_f64(s) + r * cols, cols, 1);
        *out = rows ? sum / (double)rows : 0.0;
    }
    return TCET_OK;
}

static tcet_status std_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    return reduce(cx, self, FORM_STD, s, out);
}

static tcet_status snr_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    return reduce(cx, self, FORM_SNR, s, out);
}

static tcet_status log_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    return reduce(cx, self, FORM_LOG, s, out);
}

static tcet_status log1p_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    return reduce(cx, self, FORM_LOG1P, s, out);
}

/* The layers' ratios divided by their standard deviation over n, unless that is 0. */
static tcet_status norm_finish(tcet_ctx *cx, void *self, const double *values, int64_t n,
                               double *out)
{
    double sum = 0.0, sd = 0.0;

    (void)self;
    if (n > 0)
        sum_std(values, n, 1, 0, &sum, &sd);
    if (sd == 0.0)
        cx->host->guard(cx, "norm_zero_sigma");
    *out = sd == 0.0 ? sum : sum / sd;
    return TCET_OK;
}

static const char *const zero_sigma[] = {"sum", "skip", NULL};
static const char *const axis[] = {"columns", "rows", NULL};
#define DDOF                                       \
    TCET_PARAM_I64(struct spread, ddof, "1", 0, 1, \
                   "The deviation divides by n - ddof: 1 as the official code, 0 as T-CET eq. 3.")
#define AXIS                                                                                    \
    TCET_PARAM_CHOICE(struct spread, axis, "columns", axis,                                     \
                      "Over the columns of each row, averaged over the rows; or over the rows " \
                      "of each column, summed over the columns.")
static const tcet_param std_params[] = {DDOF, AXIS};
static const tcet_param snr_params[] = {
    DDOF,
    TCET_PARAM_CHOICE(struct spread, zero_sigma, "sum", zero_sigma,
                      "Where the deviation is 0 (equal elements, one element): the plain sum, or "
                      "0.  Counted as guard zero_sigma."),
    AXIS,
};

static const tcet_aggregator_ops std_ops = {
    .struct_size = sizeof std_ops, .direction = 1, .reduce = std_reduce};
static const tcet_aggregator_ops snr_ops = {
    .struct_size = sizeof snr_ops, .direction = 1, .reduce = snr_reduce};
static const tcet_aggregator_ops log_ops = {
    .struct_size = sizeof log_ops, .direction = 1, .reduce = log_reduce};
static const tcet_aggregator_ops log1p_ops = {
    .struct_size = sizeof log1p_ops, .direction = 1, .reduce = log1p_reduce};
static const tcet_aggregator_ops norm_ops = {
    .struct_size = sizeof norm_ops, .direction = 1, .reduce = snr_reduce, .finish = norm_finish};

static const tcet_plugin std = {
    .struct_size = sizeof std,
    .kind = TCET_AGGREGATOR,
    .id = "std",
    .version = "1.0.0",
    .summary = "Standard deviation of S^l; summed over the layers.",
    .cite = "T-CET (AutoML 2023), eq. 3, sigma^l",
    TCET_PARAMS(struct spread, std_params),
    .ops = &std_ops,
};
static const tcet_plugin snr = {
    .struct_size = sizeof snr,
    .kind = TCET_AGGREGATOR,
    .id = "snr",
    .version = "1.0.0",
    .summary = "Signal-to-noise ratio of S^l: sum / std (SSNR); summed over the layers.",
    .cite = "T-CET (AutoML 2023), eq. 3 and 4; Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct spread, snr_params),
    .ops = &snr_ops,
};
static const tcet_plugin log_snr = {
    .struct_size = sizeof log_snr,
    .kind = TCET_AGGREGATOR,
    .id = "log_snr",
    .version = "1.0.0",
    .summary = "Natural log of the snr; a ratio <= 0 gives 0 (guard log_of_nonpositive).",
    .cite = "T-CET (AutoML 2023), footnote 1; Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct spread, snr_params),
    .ops = &log_ops,
};
static const tcet_plugin log1p_snr = {
    .struct_size = sizeof log1p_snr,
    .kind = TCET_AGGREGATOR,
    .id = "log1p_snr",
    .version = "1.0.0",
    .summary = "ln(1 + snr); a ratio <= -1 gives 0 (guard log_of_nonpositive).",
    .cite = "iViolinSolo/zero-cost-proxies t_cet.py, mode log1p",
    TCET_PARAMS(struct spread, snr_params),
    .ops = &log1p_ops,
};
static const tcet_plugin norm_snr = {
    .struct_size = sizeof norm_snr,
    .kind = TCET_AGGREGATOR,
    .id = "norm_snr",
    .version = "1.0.0",
    .summary = "snr of each layer; their sum divided by their std over the layers.",
    .cite = "iViolinSolo/zero-cost-proxies t_cet.py, mode norm",
    TCET_PARAMS(struct spread, snr_params),
    .ops = &norm_ops,
};

TCET_MODULE(&std, &snr, &log_snr, &log1p_snr, &norm_snr)
