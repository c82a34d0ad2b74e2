/* meco.c -- MeCo (Jiang et al., NeurIPS 2023): the smallest eigenvalue of the correlation of a
 * layer's channels, on one image of noise, summed over the layers.
 *
 * The official code hooks every module; a pass of the SDK shows the outputs of convolutions and
 * linear modules, or the inputs of ReLUs. */
#include <math.h>
#include <tcet/tcet.h>

struct meco {
    int32_t site;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct meco *p = self;

    (void)cx;
    request->sites = p->site ? TCET_SITE_ACTIVATION : TCET_SITE_WEIGHT;
    request->wants = TCET_WANT_OUTPUT;
    request->form = TCET_FORM_SCALAR;
    request->pass->input = TCET_INPUT_GAUSSIAN;
    request->pass->samples = 1;
    return TCET_OK;
}

/* Rows of mean 0 and length 1, so that correlations are products.  A channel without spread
 * has none: its row stays 0, as the official code puts 0 for what is not a number. */
static void standardise(tcet_ctx *cx, const tcet_view *features, int64_t channels, int64_t area,
                        double *rows)
{
    for (int64_t c = 0; c < channels; c++) {
        double *row = rows + c * area, first = tcet_get(features, c * area), mean = 0, squares = 0;

        for (int64_t i = 0; i < area; i++) {
            row[i] = tcet_get(features, c * area + i) - first; /* equal ones give exactly 0 */
            mean += row[i] / (double)area;
        }
        for (int64_t i = 0; i < area; i++) {
            row[i] -= mean;
            squares += row[i] * row[i];
        }
        for (int64_t i = 0; i < area; i++)
            row[i] = squares > 0 ? row[i] / sqrt(squares) : squares == 0 ? 0 : NAN;
        if (squares == 0)
            cx->host->guard(cx, "meco_flat_channel");
    }
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_host *host = cx->host;
    int64_t channels, area;
    double *rows, *corr, *values;
    tcet_status st;

    (void)self;
    if (in->order < 0) { /* never executed */
        host->guard(cx, "meco_unused_layer");
        return TCET_OK;
    }
    channels = in->output.shape[1];
    area = in->output.count / in->output.shape[0] / channels;
    rows = host->scratch(cx, (size_t)(channels * area) * sizeof *rows);
    corr = host->scratch(cx, (size_t)(channels * channels) * sizeof *corr);
    values = host->scratch(cx, (size_t)channels * sizeof *values);
    if (!rows || !corr || !values)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the correlations");
    standardise(cx, &in->output, channels, area, rows);
    st = host->gemm(cx, 0, 1, channels, channels, area, 1.0, rows, rows, 0.0, corr);
    if (st == TCET_OK)
        st = host->eigvalsh(cx, corr, channels, values);
    if (st == TCET_OK)
        tcet_f64(out)[0] = values[0];
    return st;
}

static const char *const site[] = {"conv_out", "relu_in", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct meco, site, "conv_out", site,
                      "Whose features: the outputs of convolutions and linear modules, or the "
                      "inputs of ReLUs."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin meco = {
    .struct_size = sizeof meco,
    .kind = TCET_SALIENCY,
    .id = "meco",
    .version = "1.0.0",
    .summary = "Smallest eigenvalue of the channels' correlation on one noise image; sum it.",
    .cite = "Jiang, Wang, Bie: MeCo, NeurIPS 2023",
    TCET_PARAMS(struct meco, params),
    .ops = &ops};
TCET_MODULE(&meco)
