/* pattern.c -- the activation patterns themselves, one row an image; for linear regions.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <tcet/saliency.h>

enum { BITS = 32 }; /* signs in a number of S: exact in a double */

struct pattern {
    int64_t images, batches;
    int32_t network, input, mode;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct pattern *p = self;
    tcet_pass *pass = request->pass;

    (void)cx;
    request->sites = TCET_SITE_ACTIVATION;
    request->wants = TCET_WANT_OUTPUT;
    request->form = TCET_FORM_CUSTOM;
    pass->network = p->network ? TCET_NETWORK_THIN : TCET_NETWORK_FULL;
    pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    pass->samples = (uint32_t)p->images;
    if (p->input) {
        pass->input = TCET_INPUT_GAUSSIAN;
        pass->repeat = (uint32_t)p->batches;
    } else {
        pass->batches = (uint32_t)p->batches;
    }
    return TCET_OK;
}

/* Images by words of signs. */
static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = in->output.shape[0];
    *cols = (in->output.count / *rows + BITS - 1) / BITS;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view x = in->output;
    int64_t rows = out->shape[0], cols = out->shape[1], units = x.count / rows;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t u = 0; u < units; u++)
            s[i * cols + u / BITS] +=
                tcet_get(&x, i * units + u) > 0 ? (double)(UINT32_C(1) << (u % BITS)) : 0.0;
    }
    return TCET_OK;
}

static const char *const network[] = {"full", "thin", NULL};
static const char *const input[] = {"batch", "gaussian", NULL};
static const char *const mode[] = {"train", "eval", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct pattern, network, "full", network,
                      "The network itself; or its space's thin one, a cell of one channel without "
                      "stem for images of 1 x 3 x 3 (TE-NAS)."),
    TCET_PARAM_CHOICE(struct pattern, input, "batch", input,
                      "The dataset's images (thin: a random 3 x 3 of each, its first channel); or "
                      "Gaussian ones."),
    TCET_PARAM_I64(struct pattern, images, "0", 0, 65536,
                   "Images in a mini-batch; 0: as [data] batch (TE-NAS: 1000)."),
    TCET_PARAM_I64(struct pattern, batches, "1", 1, 1024,
                   "Mini-batches, all of whose images are rows of S (TE-NAS: 3)."),
    TCET_PARAM_CHOICE(struct pattern, mode, "train", mode,
                      "Batch norm: statistics of the mini-batch, or the running ones."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
static const tcet_plugin pattern = {
    .struct_size = sizeof pattern,
    .kind = TCET_SALIENCY,
    .id = "pattern",
    .version = "1.0.0",
    .summary = "Activation patterns: S has an image's signs at the inputs of a ReLU as a row; for "
               "aggregator distinct.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS "
            "lib/procedures/linear_region_counter.py",
    TCET_PARAMS(struct pattern, params),
    .ops = &ops,
};

TCET_MODULE(&pattern)
