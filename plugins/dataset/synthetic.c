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

static tcet_status open_nothing(tcet_ctx *cx, void *self)
{
    (void)cx;
    (void)self;
    return TCET_OK;
}

static tcet_status gaussian_info(tcet_ctx *cx, void *self, tcet_data_info *out)
{
    (void)cx;
    (void)self;
    snprintf(out->identity, sizeof out->identity, "gaussian");
    snprintf(out->description, sizeof out->description,
             "Gaussian images, uniform labels (PyTorch's stream)");
    return TCET_OK;
}

/* torch.manual_seed(seed); then for each mini-batch randn(batch, c, h, w) and
 * randint(0, classes, (batch,)), all from one stream. */
static tcet_status gaussian_draw(tcet_ctx *cx, void *self, const tcet_data_request *r, float *x,
                                 int64_t *y)
{
    int64_t per_batch = r->batch * image_size(r);
    tcet_rng *rng = cx->host->rng(cx, r->seed);

    (void)self;
    if (!rng)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the generator");
    for (int64_t b = 0; b < r->batches; b++) {
        cx->host->rng_normal(rng, x + b * per_batch, per_batch, 0.0, 1.0);
        cx->host->rng_randint(rng, y + b * r->batch, r->batch, 0, class_count(r));
    }
    return TCET_OK;
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
                                              .draw = gaussian_draw};
static const tcet_plugin gaussian = {
    .struct_size = sizeof gaussian,
    .kind = TCET_DATASET,
    .id = "gaussian",
    .version = "1.0.0",
    .summary = "N(0,1) images and uniform random labels, as torch.randn and torch.randint draw "
               "them.",
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
