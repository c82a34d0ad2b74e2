/* jacob.c -- the network's Jacobian at its input, one row an image.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

struct jacob {
    int32_t mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct jacob *p = self;

    (void)cx;
    request->sites = TCET_SITE_INPUT;
    request->wants = TCET_WANT_OUTPUT_GRADIENT;
    request->form = TCET_FORM_CUSTOM;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    request->pass->loss = TCET_LOSS_SUM;
    request->pass->gradient = TCET_GRADIENT_BATCH;
    return TCET_OK;
}

static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = in->output_gradient.shape[0];
    *cols = in->output_gradient.count / *rows;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view g = in->output_gradient;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < g.count; i++)
        s[i] = tcet_get(&g, i);
    return TCET_OK;
}

static const char *const mode[] = {"train", "eval", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct jacob, mode, "train", mode,
                      "Batch norm: statistics of the batch, which couple the images; or the "
                      "running ones."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
static const tcet_plugin jacob = {
    .struct_size = sizeof jacob,
    .kind = TCET_SALIENCY,
    .id = "jacob",
    .version = "1.0.0",
    .summary = "Input Jacobian: S = d(sum of all logits)/dx, a row an image; for jacob_cov.",
    .cite = "Mellor et al.: NAS without Training, arXiv 2006.04647v1; "
            "SamsungLabs/zero-cost-nas measures/jacob_cov.py",
    TCET_PARAMS(struct jacob, params),
    .ops = &ops,
};

TCET_MODULE(&jacob)
