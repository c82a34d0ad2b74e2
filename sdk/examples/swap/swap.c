/* swap.c -- SWAP-Score (Peng et al., ICLR 2024): how many different patterns the neurons of a
 * network show.  A neuron's pattern is the set of images on which it is active.
 *
 * Three plugins make the proxy: saliency `swap` gives every neuron its pattern, aggregator
 * `distinct` counts the different ones (over the whole network: partition = network), and
 * combiner `swap_regular` prefers networks near a size. */
#include <math.h>
#include <stdlib.h>
#include <tcet/tcet.h>

enum { IMAGES_MAX = 53 }; /* bits that a double holds exactly */

struct swap {
    int64_t images;
};

struct regular {
    double mu, sigma, unit;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct swap *p = self;

    (void)cx;
    request->sites = TCET_SITE_ACTIVATION;
    request->wants = TCET_WANT_PATTERN;
    request->form = TCET_FORM_CUSTOM;
    request->pass->samples = (uint32_t)p->images;
    return TCET_OK;
}

/* One row, one column a neuron: the layers' rows join to the network's. */
static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = 1;
    *cols = in->units;
    return TCET_OK;
}

/* The pattern of neuron u as a number: bit i is image i. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const uint64_t *bits = in->pattern.data;
    int64_t words = (in->units + 63) / 64;
    double *s = tcet_f64(out);

    (void)self;
    if (in->batch > IMAGES_MAX)
        return tcet_fail(cx, TCET_E_ARG, "more than 53 images");
    for (int64_t i = 0; i < in->batch; i++) {
        for (int64_t u = 0; u < out->count; u++)
            s[u] += (double)(bits[i * words + u / 64] >> (u % 64) & 1) * ldexp(1.0, (int)i);
    }
    return TCET_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static tcet_status distinct(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    double *sorted = cx->host->scratch(cx, (size_t)(s->count + 1) * sizeof *sorted);
    int64_t count = 0;

    (void)self;
    if (!sorted)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory to sort the patterns");
    for (int64_t i = 0; i < s->count; i++) {
        sorted[i] = tcet_get(s, i);
        if (isnan(sorted[i])) {
            *out = NAN;
            return TCET_OK;
        }
    }
    qsort(sorted, (size_t)s->count, sizeof *sorted, ascending);
    for (int64_t i = 0; i < s->count; i++)
        count += i == 0 || sorted[i] != sorted[i - 1];
    *out = (double)count;
    return TCET_OK;
}

/* SWAP times exp(-(size - mu)^2 / sigma); the second metric is the number of parameters. */
static tcet_status regular(tcet_ctx *cx, void *self, const tcet_metric *const *metrics,
                           int64_t count, double *out)
{
    const struct regular *p = self;
    double off = metrics[1]->value / p->unit - p->mu;

    (void)cx;
    (void)count;
    *out = metrics[0]->value * exp(-off * off / p->sigma);
    return TCET_OK;
}

static const tcet_param swap_params[] = {
    TCET_PARAM_I64(struct swap, images, "16", 1, IMAGES_MAX, "Images that patterns are read on."),
};
static const tcet_saliency_ops swap_ops = {.struct_size = sizeof swap_ops,
                                           .direction = 1,
                                           .describe = describe,
                                           .layer = layer,
                                           .shape = shape};
static const tcet_plugin swap = {
    .struct_size = sizeof swap,
    .kind = TCET_SALIENCY,
    .id = "swap",
    .version = "1.0.0",
    .summary = "Activation pattern of every neuron over the images, as a number.",
    .cite = "Peng et al.: SWAP-NAS, ICLR 2024",
    TCET_PARAMS(struct swap, swap_params),
    .ops = &swap_ops};

static const tcet_aggregator_ops distinct_ops = {
    .struct_size = sizeof distinct_ops, .direction = 1, .reduce = distinct};
static const tcet_plugin distinct_plugin = {.struct_size = sizeof distinct_plugin,
                                            .kind = TCET_AGGREGATOR,
                                            .id = "distinct",
                                            .version = "1.0.0",
                                            .summary = "How many different numbers S^l holds.",
                                            .cite = "Peng et al.: SWAP-NAS, ICLR 2024",
                                            .ops = &distinct_ops};

static const tcet_param regular_params[] = {
    TCET_PARAM_F64(struct regular, mu, "1000", 0.0, 1e12, "Size that is liked best."),
    TCET_PARAM_F64(struct regular, sigma, "1000000", 1e-12, 1e24,
                   "Square of a distance from it that costs a factor e."),
    TCET_PARAM_F64(struct regular, unit, "1000", 1e-12, 1e12,
                   "Parameters that mu and sigma count as one."),
};
static const tcet_combiner_ops regular_ops = {.struct_size = sizeof regular_ops,
                                              .scope = TCET_SCOPE_NETWORK,
                                              .direction = 1,
                                              .min_metrics = 2,
                                              .max_metrics = 2,
                                              .score = regular};
static const tcet_plugin regular_plugin = {
    .struct_size = sizeof regular_plugin,
    .kind = TCET_COMBINER,
    .id = "swap_regular",
    .version = "1.0.0",
    .summary = "SWAP of the first metric, regularised by the second, a size.",
    .cite = "Peng et al.: SWAP-NAS, ICLR 2024, regularised variant",
    TCET_PARAMS(struct regular, regular_params),
    .ops = &regular_ops};

TCET_MODULE(&swap, &distinct_plugin, &regular_plugin)
