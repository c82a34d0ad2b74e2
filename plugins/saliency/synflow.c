/* synflow.c -- Synflow: how much of the flow through a linearised network each weight
 * carries.  Needs no data.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct synflow {
    int32_t norm, per, sign, precision;
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
    /* values pass 1e40 in deep networks */
    request->pass->precision = p->precision ? TCET_PRECISION_F32 : TCET_PRECISION_F64;
    request->form = p->per ? TCET_FORM_CUSTOM : TCET_FORM_VECTOR;
    return TCET_OK;
}

/* With per = channel: the weight's first extent is its output channels. */
static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = 1;
    *cols = in->weight.shape[0];
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct synflow *p = self;
    const tcet_view w = in->weight, g = in->gradient;
    double *s = tcet_f64(out), sign = p->sign ? -1.0 : 1.0;
    int64_t share = p->per ? w.count / out->count : 1;

    (void)cx;
    for (int64_t i = 0; i < w.count; i++)
        s[i / share] += sign * fabs(tcet_get(&w, i) * tcet_get(&g, i));
    return TCET_OK;
}

static const char *const norm[] = {"removed", "eval", "train", NULL};
static const char *const per[] = {"weight", "channel", NULL};
static const char *const sign[] = {"plus", "minus", NULL};
static const char *const precision[] = {"f64", "f32", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct synflow, norm, "removed", norm,
                      "Batch norm: replaced by the identity (zero-cost-nas); fresh running "
                      "statistics (the original); of the one image (synflow_bn, ZenNAS)."),
    TCET_PARAM_CHOICE(struct synflow, per, "weight", per,
                      "One number a weight; or one an output channel, the sum of its weights' "
                      "(ZenNAS, whose score has aggregator mean)."),
    TCET_PARAM_CHOICE(struct synflow, sign, "plus", sign,
                      "The sign of S: plus, or minus, which ranks the other way round (ZenNAS)."),
    TCET_PARAM_CHOICE(struct synflow, precision, "f64", precision,
                      "double (zero-cost-nas, NASLib, ZenNAS), or float (the original)."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
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
