/* aznas.c -- three of the four parts of AZ-NAS (Lee and Ham, CVPR 2024): expressivity and
 * progressivity, and complexity; trainability is missing.
 *
 * Expressivity of a layer is the entropy of the principal components of its features (saliency
 * `az_entropy`, summed); progressivity is the least gain from one layer to the next (aggregator
 * `az_progress`).  The complexity is the built-in saliency macs, and the built-in combiner
 * logrank joins them.  The official code looks at the outputs of blocks; here it is the input
 * of every ReLU.  Trainability needs the gradient of a block's output along random signs, which
 * a pass of the SDK does not offer: a score without it is not AZ-NAS's. */
#include <math.h>
#include <tcet/tcet.h>

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->sites = TCET_SITE_ACTIVATION;
    request->wants = TCET_WANT_OUTPUT;
    request->form = TCET_FORM_SCALAR;
    request->pass->input = TCET_INPUT_GAUSSIAN;
    return TCET_OK;
}

/* Features [n, c, h, w] as c rows of n h w observations, each less its mean. */
static void centre(const tcet_view *f, int64_t n, int64_t channels, int64_t area, double *rows)
{
    for (int64_t c = 0; c < channels; c++) {
        double *row = rows + c * n * area, mean = 0;

        for (int64_t i = 0; i < n; i++) {
            for (int64_t k = 0; k < area; k++)
                row[i * area + k] = tcet_get(f, (i * channels + c) * area + k);
        }
        for (int64_t i = 0; i < n * area; i++)
            mean += row[i] / (double)(n * area);
        for (int64_t i = 0; i < n * area; i++)
            row[i] -= mean;
    }
}

/* Entropy of the eigenvalues' shares of their sum; rounding's negative ones count for nothing. */
static double entropy(tcet_ctx *cx, const double *values, int64_t n)
{
    double sum = 0, e = 0;

    for (int64_t i = 0; i < n; i++)
        sum += fmax(values[i], 0);
    if (isnan(values[0]))
        return NAN;
    if (sum == 0) {
        cx->host->guard(cx, "az_flat_features");
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        double share = fmax(values[i], 0) / sum;

        e -= share * log(share + 1e-8);
    }
    return e;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_host *host = cx->host;
    int64_t n = in->output.shape[0], channels = in->output.shape[1];
    int64_t area = in->output.count / n / channels, count = n * area;
    double *rows = host->scratch(cx, (size_t)in->output.count * sizeof *rows);
    double *sigma = host->scratch(cx, (size_t)(channels * channels) * sizeof *sigma);
    double *values = host->scratch(cx, (size_t)channels * sizeof *values);
    tcet_status st;

    (void)self;
    if (!rows || !sigma || !values)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the covariance");
    centre(&in->output, n, channels, area, rows);
    st = host->gemm(cx, 0, 1, channels, channels, count, 1.0 / (double)count, rows, rows, 0.0,
                    sigma);
    if (st == TCET_OK)
        st = host->eigvalsh(cx, sigma, channels, values);
    if (st == TCET_OK)
        tcet_f64(out)[0] = entropy(cx, values, channels);
    return st;
}

/* The layer's one number as it is; an empty matrix has none. */
static tcet_status progress_reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    (void)self;
    if (s->count != 1)
        return tcet_fail(cx, TCET_E_ARG, "wants one number a layer (saliency az_entropy)");
    *out = tcet_get(s, 0);
    return TCET_OK;
}

/* The least difference of neighbours. */
static tcet_status progress_finish(tcet_ctx *cx, void *self, const double *values, int64_t n,
                                   double *out)
{
    double least = INFINITY;

    (void)self;
    for (int64_t i = 1; i < n; i++) {
        double d = values[i] - values[i - 1];

        if (!(d >= least)) /* NaN too */
            least = d;
        if (isnan(least))
            break;
    }
    if (n < 2) {
        cx->host->guard(cx, "az_one_layer");
        least = 0;
    }
    *out = least;
    return TCET_OK;
}

static const tcet_saliency_ops entropy_ops = {
    .struct_size = sizeof entropy_ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin entropy_plugin = {
    .struct_size = sizeof entropy_plugin,
    .kind = TCET_SALIENCY,
    .id = "az_entropy",
    .version = "1.0.0",
    .summary = "Entropy of the principal components of each ReLU's input.",
    .cite = "Lee, Ham: AZ-NAS, CVPR 2024, expressivity",
    .ops = &entropy_ops};

static const tcet_aggregator_ops progress_ops = {.struct_size = sizeof progress_ops,
                                                 .direction = 1,
                                                 .reduce = progress_reduce,
                                                 .finish = progress_finish,
                                                 .forms = TCET_FORM_BIT(TCET_FORM_SCALAR)};
static const tcet_plugin progress_plugin = {
    .struct_size = sizeof progress_plugin,
    .kind = TCET_AGGREGATOR,
    .id = "az_progress",
    .version = "1.0.0",
    .summary = "Least difference of one layer's number and the one before.",
    .cite = "Lee, Ham: AZ-NAS, CVPR 2024, progressivity",
    .ops = &progress_ops};

TCET_MODULE(&entropy_plugin, &progress_plugin)
