/* meco.c -- correlation of the channels of feature maps: MeCo, with aggregator eig_min.
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct meco {
    int32_t site, input, mode;
    int64_t images;
};

enum { SITE_CONV_OUT = 0, SITE_CONV_IN, SITE_RELU_IN, SITE_FEATURES };

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    static const uint32_t sites[] = {TCET_SITE_WEIGHT, TCET_SITE_WEIGHT, TCET_SITE_ACTIVATION,
                                     TCET_SITE_FEATURES};
    const struct meco *p = self;

    (void)cx;
    request->sites = sites[p->site];
    request->wants = p->site == SITE_CONV_IN ? TCET_WANT_INPUT : TCET_WANT_OUTPUT;
    request->form = TCET_FORM_CUSTOM;
    request->pass->input = p->input ? TCET_INPUT_BATCH : TCET_INPUT_GAUSSIAN;
    request->pass->samples = (uint32_t)p->images;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    return TCET_OK;
}

/* The feature maps [n, c, h, w] or [n, c] that are looked at. */
static const tcet_view *maps(const struct meco *p, const tcet_layer *in)
{
    return p->site == SITE_CONV_IN ? &in->input : &in->output;
}

static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    const tcet_view *f = maps(self, in);

    (void)cx;
    *rows = *cols = f->ndim > 1 ? f->shape[1] : 0; /* none of a layer that was never executed */
    return TCET_OK;
}

/* Rows [c, n * area], each a channel over all images and pixels, of mean 0 and length 1; of a channel
 * without spread all 0. */
static void standardise(const tcet_view *maps, double *rows)
{
    const tcet_view f = *maps;
    int64_t n = f.shape[0], c = f.shape[1], area = f.count / (n * c), cols = n * area;

    for (int64_t k = 0; k < c; k++) {
        double *row = rows + k * cols, first = tcet_get(&f, k * area), mean = 0.0, squares = 0.0;

        for (int64_t i = 0; i < n; i++) {
            for (int64_t q = 0; q < area; q++) {
                row[i * area + q] = tcet_get(&f, (i * c + k) * area + q) - first;
                mean += row[i * area + q];
            }
        }
        mean /= (double)cols;
        for (int64_t i = 0; i < cols; i++) {
            row[i] -= mean;
            squares += row[i] * row[i];
        }
        for (int64_t i = 0; i < cols; i++)
            row[i] = squares == 0.0 ? 0.0 : row[i] / sqrt(squares);
    }
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view *f = maps(self, in);
    int64_t c = out->shape[0];
    double *rows;

    if (in->order < 0 || c == 0 || f->count == 0)
        return TCET_OK;
    rows = cx->host->scratch(cx, (size_t)f->count * sizeof *rows);
    if (!rows)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the feature maps");
    standardise(f, rows);
    return cx->host->gemm(cx, 0, 1, c, c, f->count / c, 1.0, rows, rows, 0.0, tcet_f64(out));
}

static const char *const site[] = {"conv_out", "conv_in", "relu_in", "features", NULL};
static const char *const input[] = {"gaussian", "batch", NULL};
static const char *const mode[] = {"train", "eval", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct meco, site, "conv_out", site,
                      "Feature maps: outputs or inputs of every conv and linear module, inputs of "
                      "every ReLU, or what goes into the global pooling."),
    TCET_PARAM_CHOICE(struct meco, input, "gaussian", input,
                      "Images: N(0,1), or the dataset's mini-batch."),
    TCET_PARAM_I64(struct meco, images, "1", 0, 1048576,
                   "How many images, over all of which a channel's values are taken; 0: as many as "
                   "the mini-batch has."),
    TCET_PARAM_CHOICE(struct meco, mode, "train", mode,
                      "Batch norm: statistics of these images, or the running ones."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
static const tcet_plugin meco = {
    .struct_size = sizeof meco,
    .kind = TCET_SALIENCY,
    .id = "meco",
    .version = "1.0.0",
    .summary = "Channel correlations: S = [c, c] Pearson correlations of a layer's feature maps.",
    .cite = "Jiang, Wang, Bie: MeCo, NeurIPS 2023; HamsterMimi/MeCo measures/meco.py",
    TCET_PARAMS(struct meco, params),
    .ops = &ops,
};

TCET_MODULE(&meco)
