/* grasp.c -- GraSP: how a weight's removal changes the gradient flow.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct grasp {
    double T;
    int64_t batches;
    int32_t absolute, rows, source, sign, mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct grasp *p = self;

    if (p->rows && p->batches > 1)
        return tcet_fail(cx, TCET_E_ARG, "rows = sample is for one mini-batch; set batches to 1");
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_HVP;
    request->form = p->rows ? TCET_FORM_ROWS : TCET_FORM_VECTOR;
    request->pass->loss = TCET_LOSS_CROSS_ENTROPY;
    request->pass->gradient = p->rows ? TCET_GRADIENT_SAMPLE : TCET_GRADIENT_BATCH;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    request->pass->hvp = 1;
    request->pass->batches = (uint32_t)p->batches;
    request->pass->source = p->source ? TCET_SOURCE_PARTS : TCET_SOURCE_LOADER;
    request->pass->temperature = p->T == 1.0 ? 0.0 : p->T; /* 0: one pass with snip at T = 1 */
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct grasp *p = self;
    const tcet_view w = in->weight, h = in->hvp;
    double *s = tcet_f64(out), sign = p->sign ? 1.0 : -1.0;

    (void)cx;
    for (int64_t r = 0; r * w.count < h.count; r++) {
        for (int64_t i = 0; i < w.count; i++) {
            double v = sign * tcet_get(&w, i) * tcet_get(&h, r * w.count + i);

            s[r * w.count + i] = p->absolute ? fabs(v) : v;
        }
    }
    return TCET_OK;
}

static const char *const rows[] = {"batch", "sample", NULL};
static const char *const source[] = {"loader", "halves", NULL};
static const char *const mode[] = {"train", "eval", NULL};
static const char *const sign[] = {"minus", "plus", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct grasp, rows, "batch", rows,
                      "Rows of S: one, of the mean loss of the batch; or one an image, H and g of "
                      "its own loss (a Hessian-vector product for every image)."),
    TCET_PARAM_F64(struct grasp, T, "1", 1e-6, 1e6,
                   "Temperature: logits are divided by it (1: zero-cost-nas; 200: the original)."),
    TCET_PARAM_I64(struct grasp, batches, "1", 1, 1024,
                   "Mini-batches: g is the sum of their gradients, H of their Hessians (the "
                   "original: 2, of source = halves)."),
    TCET_PARAM_CHOICE(struct grasp, source, "loader", source,
                      "With batches > 1: successive mini-batches of the dataset, or equal parts "
                      "of the first one."),
    TCET_PARAM_CHOICE(struct grasp, mode, "train", mode,
                      "Batch norm: statistics of the batch, or the running ones (Synaptic-Flow)."),
    TCET_PARAM_CHOICE(struct grasp, sign, "minus", sign,
                      "S = -theta * H g (GraSP, zero-cost-nas), or +theta * H g "
                      "(Synaptic-Flow's GraSP)."),
    TCET_PARAM_BOOL(struct grasp, absolute, "0", "Take |S|, for ratios such as snr."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin grasp = {
    .struct_size = sizeof grasp,
    .kind = TCET_SALIENCY,
    .id = "grasp",
    .version = "1.0.0",
    .summary = "GraSP: S = -theta * H g, signed; H the Hessian, g the gradient of the loss.",
    .cite = "Wang, Zhang, Grosse: Picking winning tickets by preserving gradient flow, ICLR 2020; "
            "SamsungLabs/zero-cost-nas measures/grasp.py",
    TCET_PARAMS(struct grasp, params),
    .ops = &ops,
};

TCET_MODULE(&grasp)
