/* saliency_tiny.c -- |weight| to a power: the least that a plugin outside the tree needs. */
#include <math.h>
#include <tcet/tcet.h>

struct tiny {
    double power;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    (void)cx;
    (void)self;
    request->wants = TCET_WANT_WEIGHT;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct tiny *tiny = self;
    double *s = tcet_f64(out);

    (void)cx;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = pow(fabs(tcet_get(&in->weight, i)), tiny->power);
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_F64(struct tiny, power, "1", 0.0, 8.0, "Exponent of |weight|."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin tiny = {.struct_size = sizeof tiny,
                                 .kind = TCET_SALIENCY,
                                 .id = "tiny",
                                 .version = "1.0.0",
                                 .summary = "A power of the weight's magnitude.",
                                 TCET_PARAMS(struct tiny, params),
                                 .ops = &ops};
TCET_MODULE(&tiny)
