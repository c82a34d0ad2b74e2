/* product.c -- arithmetic on metrics of one architecture: product, wproduct, sum, logsum,
 * param_product.
 *
 * Room: plugins/combiner.  Touches the SDK and libc alone. */
#include <math.h>
#include <stdlib.h>
#include <tcet/failf.h>
#include <tcet/tcet.h>

enum { WEIGHTS_MAX = 64 };

struct wproduct {
    double alpha;
};

struct sum {
    const char *weights;
    double weight[WEIGHTS_MAX];
    int64_t count;     /* 0: all weights are 1 */
    int32_t transform; /* logsum */
};

enum { TRANSFORM_LOG = 0, TRANSFORM_LOG1P, TRANSFORM_SIGNED };

static tcet_status product_score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                                 int64_t count, double *out)
{
    double v = 1.0;

    (void)cx;
    (void)self;
    for (int64_t k = 0; k < count; k++)
        v *= metrics[k]->value;
    *out = v;
    return TCET_OK;
}

static tcet_status wproduct_score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                                  int64_t count, double *out)
{
    const struct wproduct *p = self;

    (void)cx;
    (void)count;
    *out = pow(metrics[0]->value, p->alpha) * metrics[1]->value;
    return TCET_OK;
}

/* Reads the numbers of `weights`. */
static tcet_status sum_init(tcet_ctx *cx, void *self)
{
    struct sum *p = self;
    const char *at = p->weights;
    char *end;

    while (at && *at) {
        double w = strtod(at, &end);

        while (*end == ' ')
            end++;
        if (end == at || (*end && *end != ',') || (*end == ',' && !end[1]) ||
            p->count == WEIGHTS_MAX || !isfinite(w)) {
            return tcet_failf(
                cx, TCET_E_ARG,
                "weights = %.100s: want at most %d finite numbers with commas between", p->weights,
                WEIGHTS_MAX);
        }
        p->weight[p->count++] = w;
        at = *end ? end + 1 : end;
    }
    return TCET_OK;
}

/* The monotone transform of one number; of what log has no value for, -infinity. */
static double transformed(tcet_ctx *cx, int32_t transform, double x)
{
    if (transform == TRANSFORM_SIGNED)
        return copysign(log1p(fabs(x)), x);
    if (x <= (transform == TRANSFORM_LOG ? 0.0 : -1.0)) {
        cx->host->guard(cx, "log_of_nonpositive");
        return -INFINITY;
    }
    return transform == TRANSFORM_LOG ? log(x) : log1p(x);
}

/* Weighted sum of the metrics' numbers, or of their transforms. */
static tcet_status weigh(tcet_ctx *cx, const struct sum *p, const tcet_metric *const *metrics,
                         int64_t count, int transforms, double *out)
{
    double v = 0.0;

    if (p->count && p->count != count)
        return tcet_failf(cx, TCET_E_ARG, "weights has %lld numbers for %lld metrics",
                          (long long)p->count, (long long)count);
    for (int64_t k = 0; k < count; k++) {
        double w = p->count ? p->weight[k] : 1.0, x = metrics[k]->value;

        if (transforms)
            x = transformed(cx, p->transform, x);
        v += w * (metrics[k]->direction < 0 ? -x : x);
    }
    *out = v;
    return TCET_OK;
}

static tcet_status sum_score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                             int64_t count, double *out)
{
    return weigh(cx, self, metrics, count, 0, out);
}

static tcet_status logsum_score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                                int64_t count, double *out)
{
    return weigh(cx, self, metrics, count, 1, out);
}

static tcet_status param_product_elements(tcet_ctx *cx, void *self, const tcet_view *const *s,
                                          int64_t count, tcet_view *out)
{
    double *v = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < out->count; i++)
        v[i] = 1.0;
    for (int64_t k = 0; k < count; k++) {
        const double *x = tcet_f64(s[k]);

        for (int64_t i = 0; i < out->count; i++)
            v[i] *= x[i];
    }
    return TCET_OK;
}

static const tcet_combiner_ops product_ops = {.struct_size = sizeof product_ops,
                                              .scope = TCET_SCOPE_NETWORK,
                                              .min_metrics = 2,
                                              .score = product_score};
static const tcet_plugin product = {
    .struct_size = sizeof product,
    .kind = TCET_COMBINER,
    .id = "product",
    .version = "1.0.0",
    .summary = "Product of the networks' numbers.",
    .cite = "T-CET (AutoML 2023), section 3.3",
    .ops = &product_ops,
};

static const tcet_param wproduct_params[] = {
    TCET_PARAM_F64(struct wproduct, alpha, "1", -100.0, 100.0,
                   "Power of the first metric.  A negative number to a broken power is NaN."),
};
static const tcet_combiner_ops wproduct_ops = {.struct_size = sizeof wproduct_ops,
                                               .scope = TCET_SCOPE_NETWORK,
                                               .min_metrics = 2,
                                               .max_metrics = 2,
                                               .score = wproduct_score};
static const tcet_plugin wproduct = {
    .struct_size = sizeof wproduct,
    .kind = TCET_COMBINER,
    .id = "wproduct",
    .version = "1.0.0",
    .summary = "Weighted product of two networks' numbers: first^alpha * second.",
    .cite = "T-CET (AutoML 2023)",
    TCET_PARAMS(struct wproduct, wproduct_params),
    .ops = &wproduct_ops,
};

static const char *const transforms[] = {"log", "log1p", "signed", NULL};
#define WEIGHTS \
    TCET_PARAM_TEXT(struct sum, weights, "", "One number a metric, commas between; empty: all 1.")
static const tcet_param sum_params[] = {WEIGHTS};
static const tcet_param logsum_params[] = {
    WEIGHTS,
    TCET_PARAM_CHOICE(struct sum, transform, "log", transforms,
                      "ln x, of x <= 0 -infinity (guard log_of_nonpositive); ln(1 + x); or of any "
                      "number sign(x) ln(1 + |x|)."),
};
static const tcet_combiner_ops sum_ops = {.struct_size = sizeof sum_ops,
                                          .scope = TCET_SCOPE_NETWORK,
                                          .direction = 1,
                                          .min_metrics = 2,
                                          .score = sum_score};
static const tcet_plugin sum = {
    .struct_size = sizeof sum,
    .kind = TCET_COMBINER,
    .id = "sum",
    .version = "1.0.0",
    .summary = "Weighted sum of the networks' numbers; metrics of which less is better count "
               "negative.",
    .cite = "idstcv/ZenNAS compute_te_nas_score.py (regions - kappa)",
    TCET_PARAMS(struct sum, sum_params),
    .ops = &sum_ops,
    .init = sum_init,
};

static const tcet_combiner_ops logsum_ops = {.struct_size = sizeof logsum_ops,
                                             .scope = TCET_SCOPE_NETWORK,
                                             .direction = 1,
                                             .min_metrics = 2,
                                             .score = logsum_score};
static const tcet_plugin logsum = {
    .struct_size = sizeof logsum,
    .kind = TCET_COMBINER,
    .id = "logsum",
    .version = "1.0.0",
    .summary = "Weighted sum of the logs of the networks' numbers: a product of powers; metrics of "
               "which less is better count negative.",
    .cite = "after the weighted product of T-CET (AutoML 2023)",
    TCET_PARAMS(struct sum, logsum_params),
    .ops = &logsum_ops,
    .init = sum_init,
};

static const tcet_combiner_ops param_product_ops = {.struct_size = sizeof param_product_ops,
                                                    .scope = TCET_SCOPE_PARAMETER,
                                                    .min_metrics = 2,
                                                    .elements = param_product_elements};
static const tcet_plugin param_product = {
    .struct_size = sizeof param_product,
    .kind = TCET_COMBINER,
    .id = "param_product",
    .version = "1.0.0",
    .summary = "Element-wise product of the metrics' S^l, before aggregation.",
    .cite = "T-CET (AutoML 2023)",
    .ops = &param_product_ops,
};

TCET_MODULE(&product, &wproduct, &sum, &logsum, &param_product)
