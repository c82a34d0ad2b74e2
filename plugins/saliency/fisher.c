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
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_OUTPUT | TCET_WANT_OUTPUT_GRADIENT;
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
    const tcet_view a = in->output, g = in->output_gradient;
    int64_t n, channels = in->weight.shape[0], area, share = out->count / channels;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    if (in->order < 0 || a.count == 0)
        return TCET_OK;
    n = a.shape[0];
    area = a.count / (n * channels);
    for (int64_t c = 0; c < channels; c++) {
        double delta = 0.0;

        for (int64_t i = 0; i < n; i++) {
            int64_t at = (i * channels + c) * area;
            double q = 0.0;

            for (int64_t k = 0; k < area; k++)
                q += tcet_get(&a, at + k) * tcet_get(&g, at + k);
            delta += q * q;
        }
        for (int64_t k = 0; k < share; k++)
            s[c * share + k] = 0.5 * delta / (double)n;
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
