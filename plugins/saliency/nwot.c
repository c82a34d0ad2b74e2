/* nwot.c -- NASWOT and Lnwot: how far apart a layer's activation patterns put the images.
 *
 * Room: plugins/saliency.  Touches the SDK alone. */
#include <string.h>
#include <tcet/saliency.h>

struct nwot {
    int32_t site, mode;
    const char *twice;
};

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    const struct nwot *p = self;

    (void)cx;
    request->sites = p->site ? TCET_SITE_ACTIVATION : TCET_SITE_WEIGHT;
    request->wants = TCET_WANT_AGREEMENT;
    request->form = TCET_FORM_KERNEL;
    request->merge = TCET_MERGE_SUM;
    request->pass->norm = p->mode ? TCET_NORM_TRAIN : TCET_NORM_EVAL;
    return TCET_OK;
}

/* Does word, n bytes long, name the ReLU: by the end of its name, ".op.0", or by the class of the module
 * that holds it, "ReLUConvBN"? */
static int names(const char *word, size_t n, const tcet_layer *in)
{
    size_t length = strlen(in->name);

    if (*word != '.')
        return strlen(in->container) == n && !memcmp(in->container, word, n);
    return length >= n && !memcmp(in->name + length - n, word, n);
}

/* Is it a ReLU that a wrapper's hook sees too? */
static int counts_twice(const struct nwot *p, const tcet_layer *in)
{
    const char *at = p->twice;

    if (in->site != TCET_SITE_ACTIVATION)
        return 0;
    while (*(at += strspn(at, ", "))) {
        size_t n = strcspn(at, ", ");

        if (names(at, n, in))
            return 1;
        at += n;
    }
    return 0;
}

/* A layer that was never executed keeps K = 0. */
static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    const double *k = in->agreement.data;
    double *s = tcet_f64(out), times = counts_twice(self, in) ? 2.0 : 1.0;

    (void)cx;
    if (in->order < 0)
        return TCET_OK;
    for (int64_t i = 0; i < out->count; i++)
        s[i] = times * k[i];
    return TCET_OK;
}

static const char *const site[] = {"conv_out", "relu_in", NULL};
static const char *const mode[] = {"eval", "train", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct nwot, site, "conv_out", site,
                      "Where signs are read: the output of every conv and linear module (Lnwot), "
                      "or the input of every ReLU (NASWOT)."),
    TCET_PARAM_CHOICE(struct nwot, mode, "eval", mode,
                      "Batch norm: running statistics (T-CET), or those of the batch (NASWOT)."),
    TCET_PARAM_TEXT(struct nwot, twice, "",
                    "With site = relu_in, ReLUs that count twice: those in a module of this class "
                    "(several with commas between), or, of a text that begins with a dot, whose "
                    "name ends in it. "
                    "ReLUConvBN: as NASWOT's code, which looks for \"ReLU\" in class names, hooks "
                    "it beside its "
                    "ReLU."),
};
static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin nwot = {
    .struct_size = sizeof nwot,
    .kind = TCET_SALIENCY,
    .id = "nwot",
    .version = "1.1.0",
    .summary = "Activation patterns: S = K, K_ij = units whose sign agrees on images i and j.",
    .cite =
        "Mellor et al.: NAS without Training, ICML 2021, K_H; of each layer: T-CET, AutoML 2023 "
        "(Lnwot), Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct nwot, params),
    .ops = &ops,
};

TCET_MODULE(&nwot)
