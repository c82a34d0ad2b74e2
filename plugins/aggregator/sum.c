/* sum.c -- plain totals of S^l: sum, mean, l2, log_sum.
 *
 * Room: plugins/aggregator.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/tcet.h>

/* Eight sums side by side: the compiler makes vectors of them, and rounding errors stay small. */
static double total(const double *x, int64_t n, int squares)
{
    double lane[8] = {0};
    int64_t i = 0;

    if (squares) {
        for (; i + 8 <= n; i += 8) {
            for (int k = 0; k < 8; k++)
                lane[k] += x[i + k] * x[i + k];
        }
    } else {
        for (; i + 8 <= n; i += 8) {
            for (int k = 0; k < 8; k++)
                lane[k] += x[i + k];
        }
    }
    for (; i < n; i++)
        lane[i % 8] += squares ? x[i] * x[i] : x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static tcet_status sum_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    (void)cx;
    (void)self;
    *out = total(tcet_f64(s), s->count, 0);
    return TCET_OK;
}

static tcet_status mean_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    (void)self;
    if (s->count == 0)
        cx->host->guard(cx, "empty");
    *out = s->count ? total(tcet_f64(s), s->count, 0) / (double)s->count : 0.0;
    return TCET_OK;
}

/* Squares of very large or small elements leave the range of a double: scale by a power of
 * two, which costs no digit. */
static tcet_status l2_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const double *x = tcet_f64(s);
    double squares = total(x, s->count, 1), top = 0.0;

    (void)cx;
    (void)self;
    if (squares > 1e-200 && squares < 1e300) {
        *out = sqrt(squares);
        return TCET_OK;
    }
    for (int64_t i = 0; i < s->count; i++) {
        if (!(fabs(x[i]) <= top))
            top = fabs(x[i]);
    }
    if (top > 0.0 && isfinite(top)) {
        int shift = ilogb(top);

        squares = 0.0;
        for (int64_t i = 0; i < s->count; i++) {
            double v = scalbn(x[i], -shift);

            squares += v * v;
        }
        *out = scalbn(sqrt(squares), shift);
    } else {
        *out = sqrt(squares);
    }
    return TCET_OK;
}

static tcet_status log_sum_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    double v = total(tcet_f64(s), s->count, 0);

    (void)self;
    if (v <= 0.0) {
        cx->host->guard(cx, "log_of_nonpositive");
        *out = 0.0;
    } else {
        *out = log(v);
    }
    return TCET_OK;
}

static const tcet_aggregator_ops sum_ops = {
    .struct_size = sizeof sum_ops, .direction = 1, .reduce = sum_reduce};
static const tcet_aggregator_ops mean_ops = {
    .struct_size = sizeof mean_ops, .direction = 1, .reduce = mean_reduce};
static const tcet_aggregator_ops l2_ops = {
    .struct_size = sizeof l2_ops, .direction = 1, .reduce = l2_reduce};
static const tcet_aggregator_ops log_sum_ops = {
    .struct_size = sizeof log_sum_ops, .direction = 1, .reduce = log_sum_reduce};

static const tcet_plugin sum = {
    .struct_size = sizeof sum,
    .kind = TCET_AGGREGATOR,
    .id = "sum",
    .version = "1.0.0",
    .summary = "Sum of all elements of S^l; summed over the layers.",
    .cite = "SamsungLabs/zero-cost-nas p_utils.py sum_arr",
    .ops = &sum_ops,
};
static const tcet_plugin mean = {
    .struct_size = sizeof mean,
    .kind = TCET_AGGREGATOR,
    .id = "mean",
    .version = "1.0.0",
    .summary = "Mean of all elements of S^l; summed over the layers.",
    .cite = "T-CET, AutoML 2023, eq. 3: S^l over its n; as a reduction of its own in pprp/PicoNAS "
            "autozc/unary_ops.py (to_mean_scalar)",
    .ops = &mean_ops,
};
static const tcet_plugin l2 = {
    .struct_size = sizeof l2,
    .kind = TCET_AGGREGATOR,
    .id = "l2",
    .version = "1.0.0",
    .summary = "Euclidean norm of S^l (Frobenius for matrices); summed over the layers.",
    .cite = "SamsungLabs/zero-cost-nas measures/grad_norm.py, measures/l2_norm.py",
    .ops = &l2_ops,
};
static const tcet_plugin log_sum = {
    .struct_size = sizeof log_sum,
    .kind = TCET_AGGREGATOR,
    .id = "log_sum",
    .version = "1.0.0",
    .summary = "Natural log of the sum of S^l; a sum <= 0 gives 0 (guard log_of_nonpositive).",
    .cite = "automl/NASLib predictors/zerocost.py: ln of the whole network's Synflow, hence with "
            "partition = network",
    .ops = &log_sum_ops,
};

TCET_MODULE(&sum, &mean, &l2, &log_sum)
