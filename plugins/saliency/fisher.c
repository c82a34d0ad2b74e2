/* fisher.c -- Fisher pruning: the loss that each channel's removal is expected to cost.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

struct fisher {
    int32_t broadcast;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_CHANNEL_PRODUCT;
    request->form = TCET_FORM_CUSTOM;
    request->pass->loss = TCET_LOSS_CROSS_ENTROPY;
    request->pass->gradient = TCET_GRADIENT_BATCH;
    return TCET_OK;
}

/* The first extent of a weight is its output channels, for conv and linear alike. */
static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    const struct fisher *p = self;

    (void)cx;
    *rows = 1;
    *cols = p->broadcast ? in->weight.count : in->weight.shape[0];
    return TCET_OK;
}

/* Delta_c = 1/2 mean_n (sum_hw a * dL/da)^2, repeated over the channel's columns of S. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view *q = &in->channel_product;
    int64_t channels = in->weight.shape[0], share = out->count / channels;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    if (in->order < 0 || q->count == 0)
        return TCET_OK;
    for (int64_t c = 0; c < channels; c++) {
        double delta = 0.0;

        for (int64_t i = 0; i < q->shape[0]; i++) {
            double x = tcet_get(q, i * channels + c);

            delta += x * x;
        }
        for (int64_t k = 0; k < share; k++)
            s[c * share + k] = 0.5 * delta / (double)q->shape[0];
    }
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_BOOL(struct fisher, broadcast, "1",
                    "Give every weight its channel's value (zero-cost-nas); 0: one column a "
                    "channel."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
static const tcet_plugin fisher = {
    .struct_size = sizeof fisher,
    .kind = TCET_SALIENCY,
    .id = "fisher",
    .version = "1.0.0",
    .summary = "Fisher: S = 1/2 mean_n (sum_hw a * dL/da)^2 of each output channel.",
    .cite = "Turner et al.: BlockSwap, ICLR 2020; SamsungLabs/zero-cost-nas measures/fisher.py",
    TCET_PARAMS(struct fisher, params),
    .ops = &ops,
};

TCET_MODULE(&fisher)
