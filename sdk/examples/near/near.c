/* near.c -- NEAR (Husistein et al., ICLR 2025): the effective rank of what each module with
 * weights (convolution, linear, batch norm) gives, and each activation, summed over all of them.
 *
 * Features are a matrix with a column a channel and a row a pixel of an image ([n, c] ones: a row
 * an image); of its rows, as many successive ones are used as it has columns.  So does the authors'
 * code, near_score.py of ReiherGroup/NEAR 1.0.0.  What a pass shows makes two differences:
 *   - The code takes as many images as a layer's rows need, here there is one mini-batch: `batch`
 *     should be no less than the classes.  If rows are too few, all are used, as in the code when
 *     images run out.
 *   - The code takes any activation, and all calls of a module.  A pass does not say which
 *     activation it is (a ReLU is assumed, right for the spaces that come with the host) and shows
 *     the first call. */
#include <math.h>
#include <tcet/tcet.h>

struct near {
    int32_t rows;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->sites = TCET_SITE_WEIGHT | TCET_SITE_NORM | TCET_SITE_ACTIVATION;
    request->wants = TCET_WANT_OUTPUT | TCET_WANT_NORM_OUTPUT;
    request->form = TCET_FORM_SCALAR;
    return TCET_OK;
}

/* The first row to use: where a column of pixels begins, or a block of c images, but never the
 * last one.  As in the code, a late beginning leaves fewer rows than columns. */
static int64_t begin(tcet_ctx *cx, const struct near *p, const tcet_layer *in, int64_t total,
                     int64_t columns)
{
    int64_t step = in->output.shape[in->output.ndim - 1], places = total / step - 1;
    int64_t site = in->site == TCET_SITE_WEIGHT ? 0 : in->site == TCET_SITE_ACTIVATION ? 1 : 2;
    uint64_t number = 0;

    if (p->rows || total < columns || places < 1)
        return 0;
    /* The host's stream begins anew in every call: each matrix takes another number of it. */
    for (int64_t k = 0; k <= 3 * in->index + site; k++)
        number = cx->host->random(cx);
    return (int64_t)(number % (uint64_t)places) * step;
}

/* Rows first ... of the matrix.  Pixels go down the image before they go right. */
static void gather(const tcet_view *v, int relu, int64_t first, int64_t count, double *out)
{
    int64_t channels = v->shape[1], h = v->ndim > 2 ? v->shape[2] : 1;
    int64_t w = v->ndim > 2 ? v->shape[3] : 1;

    for (int64_t i = 0; i < count; i++) {
        int64_t row = first + i, image = row / (h * w), x = row / h % w, y = row % h;

        for (int64_t c = 0; c < channels; c++) {
            double value = tcet_get(v, ((image * channels + c) * h + y) * w + x);

            out[i * channels + c] = relu && value < 0 ? 0 : value; /* NaN stays */
        }
    }
}

/* e to the entropy of the singular values' shares of their sum; 0 if all are 0, as in the code. */
static double effective_rank(tcet_ctx *cx, const double *values, int64_t n)
{
    double sum = 0, entropy = 0;

    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    if (sum == 0) {
        cx->host->guard(cx, "near_zero_features");
        return 0;
    }
    for (int64_t i = 0; i < n; i++)
        entropy -= values[i] == 0 ? 0 : values[i] / sum * log(values[i] / sum);
    return exp(entropy);
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct near *p = self;
    const tcet_host *host = cx->host;
    int64_t columns, total, first, rows;
    double *matrix, *values;
    tcet_status st;

    if (in->order < 0) { /* never executed: no hook is called */
        host->guard(cx, "near_unused_layer");
        return TCET_OK;
    }
    columns = in->output.shape[1];
    total = in->output.count / columns;
    first = begin(cx, p, in, total, columns);
    rows = total - first < columns ? total - first : columns;
    matrix = host->scratch(cx, (size_t)(rows * columns) * sizeof *matrix);
    values = host->scratch(cx, (size_t)rows * sizeof *values);
    if (!matrix || !values)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the features");
    if (rows < columns)
        host->guard(cx, "near_few_rows");
    gather(&in->output, in->site == TCET_SITE_ACTIVATION, first, rows, matrix);
    st = host->svdvals(cx, matrix, rows, columns, values);
    if (st == TCET_OK)
        tcet_f64(out)[0] = effective_rank(cx, values, rows);
    return st;
}

static const char *const rows[] = {"random", "first", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct near, rows, "random", rows,
                      "Which rows: a random column of pixels and those that follow (the code), or "
                      "the first."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin near = {
    .struct_size = sizeof near,
    .kind = TCET_SALIENCY,
    .id = "near",
    .version = "1.0.0",
    .summary = "Effective rank of each module's and activation's output; sum them.",
    .cite = "Husistein, Reiher, Eckhoff: NEAR, ICLR 2025; ReiherGroup/NEAR near_score.py",
    TCET_PARAMS(struct near, params),
    .ops = &ops};
TCET_MODULE(&near)
