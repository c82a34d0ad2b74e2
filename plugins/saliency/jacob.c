/* jacob.c -- the network's Jacobian at its input: as it is, one row an image (jacob), or its
 * correlations within each class (epe).
 *
 * Room: plugins/saliency.  Touches the SDK and libm alone. */
#include <math.h>
#include <tcet/saliency.h>

struct jacob {
    int32_t mode;
    int32_t combine; /* epe */
};

enum { COMBINE_SUM = 0, COMBINE_PAIRS = 1 };

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct jacob *p = self;

    (void)cx;
    request->sites = TCET_SITE_INPUT;
    request->wants = TCET_WANT_OUTPUT_GRADIENT;
    request->form = TCET_FORM_CUSTOM;
    request->pass->norm = p->mode ? TCET_NORM_EVAL : TCET_NORM_TRAIN;
    request->pass->loss = TCET_LOSS_SUM;
    request->pass->gradient = TCET_GRADIENT_BATCH;
    return TCET_OK;
}

static tcet_status shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                         int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = in->output_gradient.shape[0];
    *cols = in->output_gradient.count / *rows;
    return TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const tcet_view g = in->output_gradient;
    double *s = tcet_f64(out);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = tcet_get(&g, i);
    return TCET_OK;
}

static tcet_status epe_shape(tcet_ctx *cx, void *self, const tcet_layer *in, int64_t *rows,
                             int64_t *cols)
{
    (void)cx;
    (void)self;
    *rows = 1;
    *cols = in->output_gradient.shape[0];
    return TCET_OK;
}

/* Rows of mean 0 and length 1, so that correlations are products; NaN for a row without
 * spread, whose correlations do not exist. */
static void standardise(const tcet_view *jacobian, int64_t rows, int64_t cols, double *out)
{
    const tcet_view g = *jacobian;

    for (int64_t r = 0; r < rows; r++) {
        double *b = out + r * cols, first = tcet_get(&g, r * cols), mean = 0.0, squares = 0.0;

        for (int64_t i = 0; i < cols; i++) {
            b[i] = tcet_get(&g, r * cols + i) - first; /* equal elements give exactly 0 */
            mean += b[i] / (double)cols;
        }
        for (int64_t i = 0; i < cols; i++) {
            b[i] -= mean;
            squares += b[i] * b[i];
        }
        for (int64_t i = 0; i < cols; i++)
            b[i] = squares > 0.0 ? b[i] / sqrt(squares) : NAN;
    }
}

/* Sum of ln(|R| + 1e-5) over the correlation matrix R of the rows with one label; *members:
 * how many they are. */
static double class_score(const double *rows, int64_t n, int64_t cols, const int64_t *labels,
                          int64_t label, int64_t *members)
{
    double sum = 0.0;

    *members = 0;
    for (int64_t i = 0; i < n; i++) {
        *members += labels[i] == label;
        for (int64_t j = 0; j < n && labels[i] == label; j++) {
            double r = 0.0;

            if (labels[j] != label)
                continue;
            for (int64_t k = 0; k < cols; k++)
                r += rows[i * cols + k] * rows[j * cols + k];
            sum += log(fabs(r) + 1e-5);
        }
    }
    return sum;
}

/* One column a class, in order of first appearance, the rest of the columns 0. */
static tcet_status epe_layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const struct jacob *p = self;
    int64_t n = out->count, cols = in->output_gradient.count / n, classes = 0;
    double *rows = cx->host->scratch(cx, (size_t)(n * cols) * sizeof *rows);
    double *score = cx->host->scratch(cx, (size_t)n * sizeof *score), *s = tcet_f64(out);

    if (!in->labels)
        return tcet_fail(cx, TCET_E_ARG, "needs a dataset with labels");
    if (!rows || !score)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the Jacobian");
    standardise(&in->output_gradient, n, cols, rows);
    for (int64_t i = 0; i < n; i++) {
        int64_t first = 0, members;
        double v;

        while (in->labels[first] != in->labels[i])
            first++;
        if (first < i)
            continue;
        v = class_score(rows, n, cols, in->labels, in->labels[i], &members);
        if (p->combine == COMBINE_SUM)
            score[classes++] = v;
        else if (members > 1)
            score[classes++] = v / (double)members;
        else
            cx->host->guard(cx, "epe_lone_image");
    }
    for (int64_t a = 0; a < classes; a++) {
        if (p->combine == COMBINE_SUM)
            s[a] = fabs(score[a]);
        for (int64_t b = 0; b < classes && p->combine == COMBINE_PAIRS; b++)
            s[a] += fabs(score[a] - score[b]) / (double)classes;
    }
    return TCET_OK;
}

static const char *const mode[] = {"train", "eval", NULL};
static const char *const combine[] = {"sum", "pairs", NULL};
#define MODE                                                                                  \
    TCET_PARAM_CHOICE(struct jacob, mode, "train", mode,                                      \
                      "Batch norm: statistics of the batch, which couple the images; or the " \
                      "running ones.")
static const tcet_param params[] = {MODE};
static const tcet_param epe_params[] = {
    MODE,
    TCET_PARAM_CHOICE(struct jacob, combine, "sum", combine,
                      "Sum of the classes' |scores|; or, as the original does above 100 classes, "
                      "mean scores and the differences of all pairs over the number of classes."),
};
static const tcet_saliency_ops ops = {.struct_size = sizeof ops,
                                      .direction = 1,
                                      .describe = describe,
                                      .layer = layer,
                                      .shape = shape};
static const tcet_plugin jacob = {
    .struct_size = sizeof jacob,
    .kind = TCET_SALIENCY,
    .id = "jacob",
    .version = "1.0.0",
    .summary = "Input Jacobian: S = d(sum of all logits)/dx, a row an image; for jacob_cov.",
    .cite = "Mellor et al.: NAS without Training, arXiv 2006.04647v1; "
            "SamsungLabs/zero-cost-nas measures/jacob_cov.py",
    TCET_PARAMS(struct jacob, params),
    .ops = &ops,
};

static const tcet_saliency_ops epe_ops = {.struct_size = sizeof epe_ops,
                                          .direction = 1,
                                          .describe = describe,
                                          .layer = epe_layer,
                                          .shape = epe_shape};
static const tcet_plugin epe = {
    .struct_size = sizeof epe,
    .kind = TCET_SALIENCY,
    .id = "epe",
    .version = "1.0.0",
    .summary = "EPE-NAS: correlations of the input Jacobian within each class; sum them.",
    .cite = "Lopes, Alirezazadeh, Alexandre: EPE-NAS, ICANN 2021; VascoLopes/EPE-NAS",
    TCET_PARAMS(struct jacob, epe_params),
    .ops = &epe_ops,
};

TCET_MODULE(&jacob, &epe)
