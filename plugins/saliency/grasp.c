/* grasp.c -- GraSP: how a weight's removal changes the gradient flow.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct grasp {
    double T;
    int32_t absolute, rows;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct grasp *p = self;

    (void)cx;
    request->wants = TCET_WANT_WEIGHT | TCET_WANT_HVP;
    request->form = p->rows ? TCET_FORM_ROWS : TCET_FORM_VECTOR;
    request->pass->loss = TCET_LOSS_CROSS_ENTROPY;
    request->pass->gradient = p->rows ? TCET_GRADIENT_SAMPLE : TCET_GRADIENT_BATCH;
    request->pass->hvp = 1;
    request->pass->temperature = p->T == 1.0 ? 0.0 : p->T; /* 0: one pass with snip at T = 1 */
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct grasp *p = self;
    const tcet_view w = in->weight, h = in->hvp;
    double *s = tcet_f64(out);

    (void)cx;
    for (int64_t r = 0; r * w.count < h.count; r++) {
        for (int64_t i = 0; i < w.count; i++) {
            double v = -tcet_get(&w, i) * tcet_get(&h, r * w.count + i);

            s[r * w.count + i] = p->absolute ? fabs(v) : v;
        }
    }
    return TCET_OK;
}

static const char *const rows[] = {"batch", "sample", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct grasp, rows, "batch", rows,
                      "Rows of S: one, of the mean loss of the batch; or one an image, H and g of "
                      "its own loss (a Hessian-vector product for every image)."),
    TCET_PARAM_F64(struct grasp, T, "1", 1e-6, 1e6,
                   "Temperature: logits are divided by it (1: zero-cost-nas; 200: the original)."),
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
