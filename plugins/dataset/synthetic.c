/* synthetic.c -- images without a file: gaussian noise with random labels; ones.
 *
 * Room: plugins/dataset.  Touches the SDK and libc alone. */
#include <stdio.h>
#include <tcet/dataset.h>

/* Natural sizes, taken where nobody asks for others: those of CIFAR-10. */
enum { CHANNELS = 3, SIDE = 32, CLASSES = 10 };

static int64_t image_size(const tcet_data_request *r)
{
    int64_t c = r->channels ? r->channels : CHANNELS, h = r->height ? r->height : SIDE;

    return c * h * (r->width ? r->width : SIDE);
}

static int32_t class_count(const tcet_data_request *r)
{
    return r->classes ? r->classes : CLASSES;
}

struct gaussian {
    int32_t soft;
};

static tcet_status open_nothing(tcet_ctx *cx, void *self)
{
    (void)cx;
    (void)self;
    return TCET_OK;
}

static tcet_status gaussian_info(tcet_ctx *cx, void *self, tcet_data_info *out)
{
    const struct gaussian *p = self;

    (void)cx;
    snprintf(out->identity, sizeof out->identity, "gaussian");
    snprintf(out->description, sizeof out->description,
             "Gaussian images, uniform labels (PyTorch's stream)");
    out->targets = TCET_TARGET_BIT(TCET_TARGET_CLASS) | TCET_TARGET_BIT(TCET_TARGET_SHARES) |
                   TCET_TARGET_BIT(TCET_TARGET_NUMBERS) | TCET_TARGET_BIT(TCET_TARGET_PIXELS) |
                   TCET_TARGET_BIT(TCET_TARGET_MAP);
    if (p->soft)
        out->targets &= ~TCET_TARGET_BIT(TCET_TARGET_CLASS);
    return TCET_OK;
}

/* Targets of a mini-batch, t [batch, ...]: of PIXELS randint(0, classes, (batch, h, w)), of NUMBERS and
 * MAP randn of their shape, of SHARES rand(batch, classes) over its rows' sums.  whole: room for PIXELS. */
static void draw_targets(tcet_ctx *cx, tcet_rng *rng, const tcet_data_request *r, int64_t count,
                         int64_t *whole, float *t)
{
    int64_t c = class_count(r);

    if (r->target == TCET_TARGET_NUMBERS || r->target == TCET_TARGET_MAP) {
        cx->host->rng_normal(rng, t, count, 0.0, 1.0);
        return;
    }
    if (r->target == TCET_TARGET_PIXELS) {
        cx->host->rng_randint(rng, whole, count, 0, c);
        for (int64_t i = 0; i < count; i++)
            t[i] = (float)whole[i];
        return;
    }
    cx->host->rng_uniform(rng, t, count, 0.0, 1.0);
    for (int64_t i = 0; i < r->batch; i++) {
        double sum = 0.0;

        for (int64_t k = 0; k < c; k++)
            sum += (double)t[i * c + k];
        for (int64_t k = 0; k < c; k++)
            t[i * c + k] = (float)((double)t[i * c + k] / sum);
    }
}

/* The places of the largest numbers of each target. */
static void find_largest(const float *t, int64_t batch, int64_t c, int64_t *y)
{
    for (int64_t i = 0; i < batch; i++) {
        y[i] = 0;
        for (int64_t k = 1; k < c; k++)
            y[i] = t[i * c + k] > t[i * c + y[i]] ? k : y[i];
    }
}

/* torch.manual_seed(seed); then for each mini-batch randn(batch, c, h, w) and randint(0, classes,
 * (batch,)), or the targets in their place, all from one stream.  x or t may be NULL. */
static tcet_status draw_gaussian(tcet_ctx *cx, const tcet_data_request *r, float *x, int64_t *y,
                                 float *t)
{
    int64_t images = r->batch * image_size(r), c = class_count(r);
    int64_t h = r->height ? r->height : SIDE, w = r->width ? r->width : SIDE;
    int64_t numbers = r->batch * tcet_target_numbers(r->target, c, h, w);
    tcet_rng *rng = cx->host->rng(cx, r->seed);
    float *image = x ? x : cx->host->scratch(cx, (size_t)images * sizeof *x);
    float *own = t ? t : cx->host->scratch(cx, (size_t)numbers * sizeof *t);
    int64_t *whole = cx->host->scratch(cx, (size_t)numbers * sizeof *whole);

    if (!rng || !image || (numbers && (!own || !whole)))
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the generator");
    for (int64_t b = 0; b < r->batches; b++) {
        cx->host->rng_normal(rng, x ? x + b * images : image, images, 0.0, 1.0);
        if (!numbers)
            cx->host->rng_randint(rng, y + b * r->batch, r->batch, 0, c);
        else
            draw_targets(cx, rng, r, numbers, whole, t ? t + b * numbers : own);
        for (int64_t i = 0; y && numbers && i < r->batch; i++)
            y[b * r->batch + i] = 0;
        if (y && numbers && r->target <= TCET_TARGET_NUMBERS)
            find_largest(own, r->batch, c, y + b * r->batch);
    }
    return TCET_OK;
}

static tcet_status gaussian_draw(tcet_ctx *cx, void *self, const tcet_data_request *r, float *x,
                                 int64_t *y)
{
    (void)self;
    return draw_gaussian(cx, r, x, y, NULL);
}

static tcet_status gaussian_targets(tcet_ctx *cx, void *self, const tcet_data_request *r, float *t)
{
    (void)self;
    return draw_gaussian(cx, r, NULL, NULL, t);
}

static tcet_status ones_info(tcet_ctx *cx, void *self, tcet_data_info *out)
{
    (void)cx;
    (void)self;
    snprintf(out->identity, sizeof out->identity, "ones");
    snprintf(out->description, sizeof out->description, "images of ones, labels 0, 1, 2 ...");
    return TCET_OK;
}

static tcet_status ones_draw(tcet_ctx *cx, void *self, const tcet_data_request *r, float *x,
                             int64_t *y)
{
    int64_t images = r->batch * r->batches, floats = images * image_size(r);

    (void)cx;
    (void)self;
    for (int64_t i = 0; i < floats; i++)
        x[i] = 1.0f;
    for (int64_t i = 0; i < images; i++)
        y[i] = i % class_count(r);
    return TCET_OK;
}

static const tcet_dataset_ops gaussian_ops = {.struct_size = sizeof gaussian_ops,
                                              .open = open_nothing,
                                              .info = gaussian_info,
                                              .draw = gaussian_draw,
                                              .targets = gaussian_targets};
static const tcet_param gaussian_params[] = {
    TCET_PARAM_BOOL(struct gaussian, soft, "0",
                    "1: labels of classes are soft, uniform numbers over their sum."),
};
static const tcet_plugin gaussian = {
    .struct_size = sizeof gaussian,
    .kind = TCET_DATASET,
    .id = "gaussian",
    .version = "1.0.0",
    .summary = "N(0,1) images and uniform random labels, as torch.randn and torch.randint draw "
               "them; other targets likewise.",
    TCET_PARAMS(struct gaussian, gaussian_params),
    .ops = &gaussian_ops,
};

static const tcet_dataset_ops ones_ops = {
    .struct_size = sizeof ones_ops, .open = open_nothing, .info = ones_info, .draw = ones_draw};
static const tcet_plugin ones = {
    .struct_size = sizeof ones,
    .kind = TCET_DATASET,
    .id = "ones",
    .version = "1.0.0",
    .summary = "Images of ones; labels count 0, 1, 2 ... around the classes.",
    .ops = &ones_ops,
};

TCET_MODULE(&gaussian, &ones)
