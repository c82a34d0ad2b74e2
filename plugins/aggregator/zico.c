/* zico.c -- ZiCo's reduction: inverse coefficient of variation over mini-batches.
 *
 * Room: plugins/aggregator.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/tcet.h>

/* ln of sum_i mean_b |g_bi| / std_b g_bi; the deviation over b, elements where it is 0 left
 * out.  Nothing left gives 0. */
static tcet_status reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    const double *g = tcet_f64(s);
    int64_t rows = s->shape[0], cols = s->shape[1], skipped = 0;
    double sum = 0.0;

    (void)self;
    if (rows < 2)
        return tcet_fail(cx, TCET_E_ARG,
                         "needs an S^l of at least two rows, one a mini-batch (saliency zico)");
    for (int64_t i = 0; i < cols; i++) {
        double mean = 0.0, magnitude = 0.0, m2 = 0.0;

        for (int64_t b = 0; b < rows; b++) {
            mean += g[b * cols + i];
            magnitude += fabs(g[b * cols + i]);
        }
        mean /= (double)rows;
        magnitude /= (double)rows;
        for (int64_t b = 0; b < rows; b++)
            m2 += (g[b * cols + i] - mean) * (g[b * cols + i] - mean);
        if (m2 == 0.0)
            skipped++;
        else
            sum += magnitude / sqrt(m2 / (double)rows);
    }
    if (skipped)
        cx->host->guard(cx, "zico_zero_sigma");
    if (sum == 0.0)
        cx->host->guard(cx, "zico_zero_layer");
    *out = sum == 0.0 ? 0.0 : log(sum);
    return TCET_OK;
}

static const tcet_aggregator_ops ops = {
    .struct_size = sizeof ops,
    .direction = 1,
    .reduce = reduce,
    .forms = TCET_FORM_BIT(TCET_FORM_ROWS),
};
static const tcet_plugin zico = {
    .struct_size = sizeof zico,
    .kind = TCET_AGGREGATOR,
    .id = "zico",
    .version = "1.0.0",
    .summary = "ZiCo: ln sum_i mean|g_i| / std g_i over the rows; std over n, zero std left out.",
    .cite = "Li et al.: ZiCo, ICLR 2023; SLDGroup/ZiCo ZeroShotProxy/compute_zico.py",
    .ops = &ops,
};

TCET_MODULE(&zico)
