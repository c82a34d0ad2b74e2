/* zen.c -- Zen-score: how far a small step of a Gaussian image moves the features, put right
 * by the scale that each batch norm takes away.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct zen {
    double gamma;
    int64_t seed, repeat;
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
    request->pass->repeat = (uint32_t)p->repeat;
    if (p->seed >= 0) {
        request->pass->own_seed = 1;
        request->pass->seed = (uint64_t)p->seed;
    }
    return TCET_OK;
}

/* Mean over the images of sum |f(x) - f(x + gamma e)| in repeat r; the second forward's features
 * follow the first's. */
static double distance(const tcet_view *features, int64_t r, int64_t repeat)
{
    const tcet_view f = *features;
    int64_t half = f.count / repeat / 2, first = 2 * r * half;
    double sum = 0.0;

    for (int64_t i = first; i < first + half; i++)
        sum += fabs(tcet_get(&f, i) - tcet_get(&f, half + i));
    return sum / (double)(f.shape[0] / repeat / 2);
}

/* The mean over the repeats.  A batch norm that never ran, or keeps no running variance, scales
 * nothing that could be put right. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    int64_t repeat = ((const struct zen *)self)->repeat, channels = in->variance.count / repeat;
    double sum = 0.0;

    if (in->site == TCET_SITE_NORM && (in->order < 0 || channels == 0)) {
        cx->host->guard(cx, "zen_norm_without_variance");
        return TCET_OK;
    }
    for (int64_t r = 0; r < repeat; r++) {
        double mean = 0.0;

        if (in->site == TCET_SITE_FEATURES) {
            sum += log(distance(&in->output, r, repeat));
            continue;
        }
        for (int64_t i = 0; i < channels; i++)
            mean += tcet_get(&in->variance, r * channels + i) / (double)channels;
        sum += 0.5 * log(mean);
    }
    tcet_f64(out)[0] = sum / (double)repeat;
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_F64(struct zen, gamma, "0.01", 1e-12, 1.0, "Size of the step."),
    TCET_PARAM_I64(struct zen, seed, "-1", -1, INT64_MAX,
                   "Seed of weights and images; -1: the run's."),
    TCET_PARAM_I64(struct zen, repeat, "1", 1, 4096,
                   "Mean of so many draws of weights and images; the norms' running variances "
                   "go on from one to the next, as in the original (whose default is 32)."),
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
