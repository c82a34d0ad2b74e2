/* nwot.c -- NASWOT and Lnwot: how far apart a layer's activation patterns put the images.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <string.h>
#include <tcet/saliency.h>

struct nwot {
    int32_t site, mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct nwot *p = self;

    (void)cx;
    request->sites = p->site ? TCET_SITE_ACTIVATION : TCET_SITE_WEIGHT;
    request->wants = TCET_WANT_AGREEMENT;
    request->form = TCET_FORM_KERNEL;
    request->merge = TCET_MERGE_SUM;
    request->pass->norm = p->mode ? TCET_NORM_TRAIN : TCET_NORM_EVAL;
    return TCET_OK;
}

/* A layer that was never executed keeps K = 0. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    (void)cx;
    (void)self;
    if (in->order >= 0)
        memcpy(out->data, in->agreement.data, (size_t)out->count * sizeof(double));
    return TCET_OK;
}

static const char *const site[] = {"conv_out", "relu_in", NULL};
static const char *const mode[] = {"eval", "train", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct nwot, site, "conv_out", site,
                      "Where signs are read: the output of every conv and linear module (Lnwot), "
                      "or the input of every ReLU (NASWOT)."),
    TCET_PARAM_CHOICE(struct nwot, mode, "eval", mode,
                      "Batch norm: running statistics (T-CET), or those of the batch (NASWOT)."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin nwot = {
    .struct_size = sizeof nwot,
    .kind = TCET_SALIENCY,
    .id = "nwot",
    .version = "1.0.0",
    .summary = "Activation patterns: S = K, K_ij = units whose sign agrees on images i and j.",
    .cite =
        "Mellor et al.: NAS without Training, ICML 2021, K_H; of each layer: T-CET, AutoML 2023 "
        "(Lnwot), Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct nwot, params),
    .ops = &ops,
};

TCET_MODULE(&nwot)
