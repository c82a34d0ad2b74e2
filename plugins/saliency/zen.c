/* zen.c -- Zen-score: how far a small step of a Gaussian image moves the features, put right
 * by the scale that each batch norm takes away.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct zen {
    double gamma;
    int64_t seed;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct zen *p = self;

    (void)cx;
    request->sites = TCET_SITE_FEATURES | TCET_SITE_NORM;
    request->wants = TCET_WANT_OUTPUT | TCET_WANT_VARIANCE;
    request->form = TCET_FORM_SCALAR;
    request->merge = TCET_MERGE_SUM;
    request->pass->weights = TCET_WEIGHTS_GAUSSIAN;
    request->pass->input = TCET_INPUT_MIXUP;
    request->pass->mixup = p->gamma;
    if (p->seed >= 0) {
        request->pass->own_seed = 1;
        request->pass->seed = (uint64_t)p->seed;
    }
    return TCET_OK;
}

/* Mean over the images of sum |f(x) - f(x + gamma e)|; the second forward's features follow
 * the first's. */
static double distance(const tcet_view *features)
{
    const tcet_view f = *features;
    int64_t half = f.count / 2;
    double sum = 0.0;

    for (int64_t i = 0; i < half; i++)
        sum += fabs(tcet_get(&f, i) - tcet_get(&f, half + i));
    return sum / (double)(f.shape[0] / 2);
}

/* A batch norm that never ran, or keeps no running variance, scales nothing that could be put
 * right. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    int64_t channels = in->variance.count;
    double mean = 0.0;

    (void)self;
    if (in->site == TCET_SITE_FEATURES) {
        tcet_f64(out)[0] = log(distance(&in->output));
    } else if (in->order < 0 || channels == 0) {
        cx->host->guard(cx, "zen_norm_without_variance");
    } else {
        for (int64_t i = 0; i < channels; i++)
            mean += tcet_get(&in->variance, i) / (double)channels;
        tcet_f64(out)[0] = 0.5 * log(mean);
    }
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_F64(struct zen, gamma, "0.01", 1e-12, 1.0, "Size of the step."),
    TCET_PARAM_I64(struct zen, seed, "-1", -1, INT64_MAX,
                   "Seed of weights and images; -1: the run's."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin zen = {
    .struct_size = sizeof zen,
    .kind = TCET_SALIENCY,
    .id = "zen",
    .version = "1.0.0",
    .summary = "Zen-score: ln of the features' move, ln std of each batch norm; sum them.",
    .cite = "Lin et al.: Zen-NAS, ICCV 2021; idstcv/ZenNAS ZeroShotProxy/compute_zen_score.py",
    TCET_PARAMS(struct zen, params),
    .ops = &ops,
};

TCET_MODULE(&zen)
