/* snip.c -- what weight and gradient say of a weight: snip, grad, plain.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct gradient {
    int32_t rows, mode;
    int32_t of, matrix; /* grad */
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

/* grad: of = all takes batch norms and biases in, which FORM_ROWS, sized by the weight, has no
 * place for; nor has it for a row an output. */
static tcet_status grad_describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct gradient *p = self;
    tcet_status st = describe(cx, self, request);

    if (p->matrix && (p->of || p->rows))
        return tcet_fail(cx, TCET_E_ARG,
                         "matrix = 1 needs rows = batch and of = weights: its rows are outputs");
    if (p->matrix)
        request->form = TCET_FORM_CUSTOM;
    if (!p->of)
        return st;
    request->sites = TCET_SITE_WEIGHT | TCET_SITE_NORM;
    request->wants |= TCET_WANT_BIAS_GRADIENT;
    request->form = TCET_FORM_CUSTOM;
    return st;
}

static tcet_status grad_shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                              int64_t *cols)
{
    const struct gradient *p = self;

    (void)cx;
    *rows = p->matrix ? in->weight.shape[0] : in->rows;
    *cols = p->matrix ? in->weight.count / *rows : in->params;
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
    const tcet_view g = in->gradient, b = in->bias_gradient;
    int64_t rows = in->rows, cols = out->count / rows;
    int64_t weights = g.count / rows, biases = b.count / rows;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < weights; i++)
            s[r * cols + i] = tcet_get(&g, r * weights + i);
        for (int64_t i = 0; i < biases; i++)
            s[r * cols + weights + i] = tcet_get(&b, r * biases + i);
    }
    return TCET_OK;
}

static const char *const rows[] = {"batch", "sample", NULL};
static const char *const mode[] = {"train", "eval", NULL};
static const char *const of[] = {"weights", "all", NULL};
#define ROWS_AND_MODE                                                                 \
    TCET_PARAM_CHOICE(                                                                \
        struct gradient, rows, "batch", rows,                                         \
        "Rows of S: one, of the mean loss of the batch; or one an image, of its own " \
        "loss."),                                                                     \
        TCET_PARAM_CHOICE(struct gradient, mode, "train", mode,                       \
                          "Batch norm: statistics of the batch, or the running ones.")
static const tcet_param params[] = {ROWS_AND_MODE};
static const tcet_param grad_params[] = {
    ROWS_AND_MODE,
    TCET_PARAM_CHOICE(struct gradient, of, "weights", of,
                      "Gradients of conv and linear weights, or of all parameters: biases and "
                      "batch norms too (ZenNAS, with partition = network)."),
    TCET_PARAM_BOOL(struct gradient, matrix, "0",
                    "S is [outputs, inputs * kernel height * width] instead of one row: for "
                    "aggregator spectral_entropy."),
};

static const tcet_saliency_ops snip_ops = {
    .struct_size = sizeof snip_ops, .direction = 1, .describe = describe, .layer = snip_layer};
static const tcet_saliency_ops grad_ops = {.struct_size = sizeof grad_ops,
                                           .direction = 1,
                                           .describe = grad_describe,
                                           .layer = grad_layer,
                                           .shape = grad_shape};
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
    .version = "1.1.0",
    .summary = "Gradient of the loss: S = dL/dtheta, signed; with aggregator l2: grad_norm.",
    .cite = "Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS, ICLR 2021; "
            "SamsungLabs/zero-cost-nas measures/grad_norm.py",
    TCET_PARAMS(struct gradient, grad_params),
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
