/* synflow.c -- Synflow: how much of the flow through a linearised network each weight
 * carries.  Needs no data.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct synflow {
    int32_t norm;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    static const uint32_t norms[] = {TCET_NORM_REMOVED, TCET_NORM_EVAL, TCET_NORM_TRAIN};
    const struct synflow *p = self;

    (void)cx;
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_GRADIENT;
    request->pass->weights = TCET_WEIGHTS_ABSOLUTE;
    request->pass->input = TCET_INPUT_ONES;
    request->pass->norm = norms[p->norm];
    request->pass->loss = TCET_LOSS_SUM;
    request->pass->gradient = TCET_GRADIENT_BATCH;
    request->pass->precision = TCET_PRECISION_F64; /* values pass 1e40 in deep networks */
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view w = in->weight, g = in->gradient;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < w.count; i++)
        s[i] = fabs(tcet_get(&w, i) * tcet_get(&g, i));
    return TCET_OK;
}

static const char *const norm[] = {"removed", "eval", "train", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct synflow, norm, "removed", norm,
                      "Batch norm: replaced by the identity (zero-cost-nas); fresh running "
                      "statistics (the original); of the one image (synflow_bn)."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin synflow = {
    .struct_size = sizeof synflow,
    .kind = TCET_SALIENCY,
    .id = "synflow",
    .version = "1.0.0",
    .summary = "Synflow: S = |theta * dR/dtheta|, R the sum of outputs of ones through |theta|.",
    .cite = "Tanaka et al.: Pruning neural networks without any data, NeurIPS 2020; "
            "SamsungLabs/zero-cost-nas measures/synflow.py",
    TCET_PARAMS(struct synflow, params),
    .ops = &ops,
};

TCET_MODULE(&synflow)
