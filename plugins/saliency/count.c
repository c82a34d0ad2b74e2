/* count.c -- what a network's graph says without a tensor: ones (#params), macs (FLOPs), depth.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

struct ones {
    int32_t live;
};

struct macs {
    int32_t bias, live;
};

static tcet_status ones_describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->sites = TCET_SITE_WEIGHT | TCET_SITE_NORM | TCET_SITE_PARAMETER;
    request->form = TCET_FORM_CUSTOM;
    return TCET_OK;
}

static tcet_status ones_shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                              int64_t *cols)
{
    (void)cx;
    *rows = 1;
    *cols = ((const struct ones *)self)->live ? in->live_params : in->params;
    return TCET_OK;
}

static tcet_status ones_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    (void)in;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = 1.0;
    return TCET_OK;
}

static tcet_status macs_describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->form = TCET_FORM_SCALAR;
    return TCET_OK;
}

static tcet_status macs_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct macs *p = self;
    int64_t macs = p->live ? in->live_macs : in->macs;
    int64_t bias = p->live ? in->live_bias_macs : in->bias_macs;

    (void)cx;
    tcet_f64(out)[0] = (double)(macs + (p->bias ? bias : 0));
    return TCET_OK;
}

static tcet_status depth_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    (void)cx;
    tcet_f64(out)[0] = ((const struct ones *)self)->live ? in->live_chain : in->chain;
    return TCET_OK;
}

#define LIVE(T)                                                                             \
    TCET_PARAM_BOOL(T, live, "0",                                                           \
                    "Count without operations that are dead: that reach no output, or are " \
                    "0 for every input as the network is initialised.")

static const tcet_param ones_params[] = {LIVE(struct ones)};
static const tcet_saliency_ops ones_ops = {.struct_size = sizeof ones_ops,
                                           .direction = 1,
                                           .describe = ones_describe,
                                           .layer = ones_layer,
                                           .shape = ones_shape};
static const tcet_plugin ones = {
    .struct_size = sizeof ones,
    .kind = TCET_SALIENCY,
    .id = "ones",
    .version = "1.1.0",
    .summary = "A one for every parameter, those of no layer included; its sum is #params.",
    .cite = "Dong, Yang: NAS-Bench-201, ICLR 2020 (the tables' parameter counts)",
    TCET_PARAMS(struct ones, ones_params),
    .ops = &ones_ops,
};

static const tcet_param macs_params[] = {
    TCET_PARAM_BOOL(struct macs, bias, "0",
                    "Count bias additions too, as the NATS-Bench tables' FLOPs do."),
    LIVE(struct macs),
};
static const tcet_saliency_ops macs_ops = {
    .struct_size = sizeof macs_ops, .direction = 1, .describe = macs_describe, .layer = macs_layer};
static const tcet_plugin macs = {
    .struct_size = sizeof macs,
    .kind = TCET_SALIENCY,
    .id = "macs",
    .version = "1.0.0",
    .summary = "Multiply-accumulates of conv and linear layers for one image (FLOPs).",
    .cite = "D-X-Y/AutoDL-Projects flop_benchmark.py (with bias = 1)",
    TCET_PARAMS(struct macs, macs_params),
    .ops = &macs_ops,
};

static const tcet_saliency_ops depth_ops = {.struct_size = sizeof depth_ops,
                                            .direction = 1,
                                            .describe = macs_describe,
                                            .layer = depth_layer};
static const tcet_plugin depth = {
    .struct_size = sizeof depth,
    .kind = TCET_SALIENCY,
    .id = "depth",
    .version = "1.0.0",
    .summary = "A layer's executions on one longest chain of conv and linear layers; their sum is "
               "the depth.",
    TCET_PARAMS(struct ones, ones_params),
    .ops = &depth_ops,
};

TCET_MODULE(&ones, &macs, &depth)
