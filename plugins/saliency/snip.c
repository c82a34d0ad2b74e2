/* snip.c -- what weight and gradient say of a weight: snip, grad, plain.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct gradient {
    int32_t rows, mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct gradient *p = self;

    (void)cx;
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_GRADIENT;
    request->form = p->rows ? TCET_FORM_ROWS : TCET_FORM_VECTOR;
    request->pass->loss = TCET_LOSS_CROSS_ENTROPY;
    request->pass->gradient = p->rows ? TCET_GRADIENT_SAMPLE : TCET_GRADIENT_BATCH;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    return TCET_OK;
}

/* theta * g into every row of S.  The views are copied so that the compiler sees that the
 * stores do not change them, and takes the type test out of the loop. */
static void product(const tcet_layer *in, tcet_view *out)
{
    const tcet_view w = in->weight, g = in->gradient;
    double *s = tcet_f64(out);

    for (int64_t r = 0; r * w.count < g.count; r++) {
        for (int64_t i = 0; i < w.count; i++)
            s[r * w.count + i] = tcet_get(&w, i) * tcet_get(&g, r * w.count + i);
    }
}

static tcet_status snip_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    product(in, out);
    for (int64_t i = 0; i < out->count; i++)
        s[i] = fabs(s[i]);
    return TCET_OK;
}

static tcet_status plain_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    (void)cx;
    (void)self;
    product(in, out);
    return TCET_OK;
}

static tcet_status grad_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view g = in->gradient;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = tcet_get(&g, i);
    return TCET_OK;
}

static const char *const rows[] = {"batch", "sample", NULL};
static const char *const mode[] = {"train", "eval", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct gradient, rows, "batch", rows,
                      "Rows of S: one, of the mean loss of the batch; or one an image, of its own "
                      "loss."),
    TCET_PARAM_CHOICE(struct gradient, mode, "train", mode,
                      "Batch norm: statistics of the batch, or the running ones."),
};

static const tcet_saliency_ops snip_ops = {
    .struct_size = sizeof snip_ops, .direction = 1, .describe = describe, .layer = snip_layer};
static const tcet_saliency_ops grad_ops = {
    .struct_size = sizeof grad_ops, .direction = 1, .describe = describe, .layer = grad_layer};
static const tcet_saliency_ops plain_ops = {
    .struct_size = sizeof plain_ops, .direction = 1, .describe = describe, .layer = plain_layer};

static const tcet_plugin snip = {
    .struct_size = sizeof snip,
    .kind = TCET_SALIENCY,
    .id = "snip",
    .version = "1.0.0",
    .summary = "SNIP: S = |theta * dL/dtheta|, cross-entropy.",
    .cite = "Lee, Ajanthan, Torr: SNIP, ICLR 2019; SamsungLabs/zero-cost-nas measures/snip.py",
    TCET_PARAMS(struct gradient, params),
    .ops = &snip_ops,
};
static const tcet_plugin grad = {
    .struct_size = sizeof grad,
    .kind = TCET_SALIENCY,
    .id = "grad",
    .version = "1.0.0",
    .summary = "Gradient of the loss: S = dL/dtheta, signed; with aggregator l2: grad_norm.",
    .cite = "Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS, ICLR 2021; "
            "SamsungLabs/zero-cost-nas measures/grad_norm.py",
    TCET_PARAMS(struct gradient, params),
    .ops = &grad_ops,
};
static const tcet_plugin plain = {
    .struct_size = sizeof plain,
    .kind = TCET_SALIENCY,
    .id = "plain",
    .version = "1.0.0",
    .summary = "Plain product: S = theta * dL/dtheta, signed.",
    .cite =
        "Mozer, Smolensky: Skeletonization, NIPS 1988; SamsungLabs/zero-cost-nas measures/plain.py",
    TCET_PARAMS(struct gradient, params),
    .ops = &plain_ops,
};

TCET_MODULE(&snip, &grad, &plain)
