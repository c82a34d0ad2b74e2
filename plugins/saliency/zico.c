/* zico.c -- ZiCo's saliency matrix: one gradient a mini-batch.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

struct zico {
    int64_t batches;
    int32_t source, accumulate;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct zico *p = self;

    (void)cx;
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_GRADIENT; /* the weight sizes S */
    request->form = TCET_FORM_ROWS;
    request->pass->loss = TCET_LOSS_CROSS_ENTROPY;
    request->pass->gradient = TCET_GRADIENT_BATCH;
    request->pass->batches = (uint32_t)p->batches;
    request->pass->source = p->source ? TCET_SOURCE_PARTS : TCET_SOURCE_LOADER;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct zico *p = self;
    const tcet_view g = in->gradient;
    int64_t cols = out->shape[1];
    double *s = tcet_f64(out);

    (void)cx;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = tcet_get(&g, i);
    for (int64_t i = cols; p->accumulate && i < out->count; i++)
        s[i] += s[i - cols];
    return TCET_OK;
}

static const char *const source[] = {"loader", "halves", NULL};
static const tcet_param params[] = {
    TCET_PARAM_I64(struct zico, batches, "2", 2, 1024, "Mini-batches, hence rows of S."),
    TCET_PARAM_CHOICE(struct zico, source, "loader", source,
                      "Successive mini-batches of the dataset (the original), or equal parts of "
                      "the first one."),
    TCET_PARAM_BOOL(struct zico, accumulate, "0",
                    "Gradients are not cleared between mini-batches, as in zero-cost-proxies and "
                    "MeCo: row b is the sum of the first b + 1 gradients."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin zico = {
    .struct_size = sizeof zico,
    .kind = TCET_SALIENCY,
    .id = "zico",
    .version = "1.0.0",
    .summary = "Gradients of several mini-batches, one row each; for aggregator zico.",
    .cite = "Li et al.: ZiCo, ICLR 2023; SLDGroup/ZiCo ZeroShotProxy/compute_zico.py",
    TCET_PARAMS(struct zico, params),
    .ops = &ops,
};

TCET_MODULE(&zico)
