/* weight.c -- the weights themselves.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->wants = TCET_WANT_WEIGHT;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view w = in->weight;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < w.count; i++)
        s[i] = tcet_get(&w, i);
    return TCET_OK;
}

static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin weight = {
    .struct_size = sizeof weight,
    .kind = TCET_SALIENCY,
    .id = "weight",
    .version = "1.0.0",
    .summary = "The weights: S = theta; with aggregator l2: l2_norm.  Needs no data.",
    .cite = "SamsungLabs/zero-cost-nas measures/l2_norm.py",
    .ops = &ops,
};

TCET_MODULE(&weight)
