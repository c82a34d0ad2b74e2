/* ntk.c -- the neural tangent kernel of the summed logits, layer by layer.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

struct ntk {
    int64_t samples;
    int32_t norm, mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct ntk *p = self;

    (void)cx;
    request->sites = p->norm ? TCET_SITE_WEIGHT | TCET_SITE_NORM : TCET_SITE_WEIGHT;
    request->wants = TCET_WANT_GRADIENT;
    request->form = TCET_FORM_KERNEL;
    request->merge = TCET_MERGE_SUM;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    request->pass->samples = (uint32_t)p->samples;
    request->pass->loss = TCET_LOSS_SUM;
    request->pass->gradient = TCET_GRADIENT_SAMPLE;
    return TCET_OK;
}

/* S = G G^T, one row of G an image: the Gram matrices of the layers sum to the network's. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view g = in->gradient;
    int64_t n = out->shape[0], cols = g.count / n;
    double *rows = cx->host->scratch(cx, (size_t)g.count * sizeof *rows);

    (void)self;
    if (!rows)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the gradients of every image");
    for (int64_t i = 0; i < g.count; i++)
        rows[i] = tcet_get(&g, i);
    return cx->host->gemm(cx, 0, 1, n, n, cols, 1.0, rows, rows, 0.0, tcet_f64(out));
}

static const char *const mode[] = {"train", "eval", NULL};
static const tcet_param params[] = {
    TCET_PARAM_I64(struct ntk, samples, "0", 0, 65536,
                   "Only the first images of the mini-batch; 0: all.  One backward pass each."),
    TCET_PARAM_BOOL(struct ntk, norm, "1", "Take the batch norms' gammas too, as TE-NAS."),
    TCET_PARAM_CHOICE(struct ntk, mode, "train", mode,
                      "Batch norm: statistics of the batch, or the running ones."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin ntk = {
    .struct_size = sizeof ntk,
    .kind = TCET_SALIENCY,
    .id = "ntk",
    .version = "1.0.0",
    .summary = "Neural tangent kernel: S_ij = g_i . g_j, g_i the gradient of image i's summed "
               "logits.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS lib/procedures/ntk.py",
    TCET_PARAMS(struct ntk, params),
    .ops = &ops,
};

TCET_MODULE(&ntk)
