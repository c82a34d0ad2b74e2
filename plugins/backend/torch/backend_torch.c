/* backend_torch.c -- the torch backend's descriptor; libtorch comes in with open().
 *
 * Room: plugins/backend/torch.  This file becomes backend_torch.so, which needs no libtorch;
 * open() loads backend_torch_impl.so from the folder above the plugins. */
#include "impl.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct backend {
    const char *device;
    int64_t threads;
    int32_t kernels;
    const struct torch_impl *impl;
    struct executor *executor;
};

/* In the order of KERNELS_*. */
static const char *const kernels_choices[] = {"auto", "baseline", "avx2", "avx512",
                                              "aten", "own",      NULL};

static const tcet_param params[] = {
    TCET_PARAM_TEXT(struct backend, device, "auto",
                    "auto (cuda:0 where there is one, else cpu), cpu, cuda, or cuda:N"),
    TCET_PARAM_I64(struct backend, threads, "1", 1, 256,
                   "threads inside one operator, or of a training, which parts its mini-batches; "
                   "small networks "
                   "gain more from workers"),
    TCET_PARAM_CHOICE(
        struct backend, kernels, "auto", kernels_choices,
        "code beside libtorch's: on a CPU fused for the widest instruction set (auto) "
        "or a given one, on a GPU fused (auto) or with convolutions too (own); or "
        "libtorch's operators alone (aten)"),
};

/* backend_torch_impl.so stands beside the folder of this file. */
static tcet_status find_impl(tcet_ctx *cx, char *path, size_t cap)
{
    Dl_info here;
    char *slash;
    int len;

    if (!dladdr((const void *)params, &here) || !here.dli_fname)
        return tcet_fail(cx, TCET_E_IO, "cannot tell where backend_torch.so was loaded from");
    snprintf(path, cap, "%s", here.dli_fname);
    slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(path, cap, ".");
    len = (int)strlen(path);
    if (snprintf(path + len, cap - (size_t)len, "/../backend_torch_impl.so") >=
        (int)(cap - (size_t)len))
        return tcet_fail(cx, TCET_E_IO, "the path of backend_torch_impl.so is too long");
    return TCET_OK;
}

static tcet_status load(tcet_ctx *cx, struct backend *b)
{
    char path[PATH_MAX], text[PATH_MAX + 512];
    torch_impl_entry *entry = NULL;
    tcet_status st = find_impl(cx, path, sizeof path);
    void *module, *symbol;

    if (st != TCET_OK)
        return st;
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    symbol = module ? dlsym(module, TORCH_IMPL_SYMBOL) : NULL;
    if (!symbol) {
        const char *why = dlerror();

        snprintf(text, sizeof text, "cannot load libtorch's part of the backend: %s",
                 why ? why : path);
        return tcet_fail(cx, TCET_E_BACKEND, text);
    }
    memcpy(&entry, &symbol, sizeof entry);
    b->impl = entry();
    return TCET_OK;
}

static tcet_status open_backend(tcet_ctx *cx, void *self)
{
    struct backend *b = self;
    tcet_status st = b->impl ? TCET_OK : load(cx, b);

    if (st != TCET_OK || b->executor)
        return st;
    return b->impl->open(cx, b->device, (int32_t)b->threads, b->kernels, &b->executor);
}

static void fini(void *self)
{
    struct backend *b = self;

    if (b->executor)
        b->impl->close(b->executor);
}

static tcet_status info(tcet_ctx *cx, void *self, tcet_backend_info *out)
{
    struct backend *b = self;
    tcet_status st = find_impl(cx, out->code, sizeof out->code);

    return st == TCET_OK ? b->impl->info(cx, b->executor, out) : st;
}

/* What no backend is asked for (gradients of no loss and the like) the host has refused before. */
static tcet_status supports(tcet_ctx *cx, void *self, const tcet_pass *pass, uint32_t sites,
                            uint32_t wants)
{
    const char *why = NULL;

    (void)self;
    if (wants & TCET_WANT_OUTPUT_GRADIENT && pass->gradient == TCET_GRADIENT_SAMPLE &&
        sites != TCET_SITE_NORM)
        why = "output gradients of per-sample losses are not kept; use gradient = batch";
    else if (pass->hvp && pass->input == TCET_INPUT_MIXUP)
        why = "hvp is for mini-batches; mixup input has none";
    else if (pass->hvp && pass->batches > 1 && pass->gradient == TCET_GRADIENT_SAMPLE)
        why = "hvp of single images is for one mini-batch; set batches = 1";
    return why ? tcet_fail(cx, TCET_E_UNSUPPORTED, why) : TCET_OK;
}

static tcet_status prepare(tcet_ctx *cx, void *self, const tcet_graph *graph, tcet_model **out)
{
    struct backend *b = self;

    return b->impl->prepare(cx, b->executor, graph, out);
}

static tcet_status run(tcet_ctx *cx, void *self, tcet_model *model, tcet_run *run)
{
    struct backend *b = self;

    return b->impl->run(cx, b->executor, model, run);
}

static void release(void *self, tcet_model *model)
{
    struct backend *b = self;

    b->impl->release(model);
}

static tcet_status collect(tcet_ctx *cx, void *self, tcet_model *model, tcet_run *run)
{
    struct backend *b = self;

    return b->impl->collect(cx, model, run);
}

static tcet_status train_open(tcet_ctx *cx, void *self, tcet_model *model, const tcet_train *how,
                              const float *params, const uint8_t *decay, tcet_training **out)
{
    struct backend *b = self;

    return b->impl->train_open(cx, b->executor, model, how, params, decay, out);
}

static tcet_status train_step(tcet_ctx *cx, void *self, tcet_training *t, const tcet_batch *batch,
                              double lr, double wd, int64_t step, tcet_train_result *out)
{
    struct backend *b = self;

    return b->impl->train_step(cx, t, batch, lr, wd, step, out);
}

static tcet_status train_eval(tcet_ctx *cx, void *self, tcet_training *t, const tcet_batch *batch,
                              uint32_t ema, tcet_train_result *out, double *logits)
{
    struct backend *b = self;

    return b->impl->train_eval(cx, t, batch, ema, out, logits);
}

static tcet_status train_sizes(tcet_ctx *cx, void *self, const tcet_training *t, int64_t *counts)
{
    struct backend *b = self;

    (void)cx;
    b->impl->train_sizes(t, counts);
    return TCET_OK;
}

static tcet_status train_read(tcet_ctx *cx, void *self, tcet_training *t, uint32_t state, void *to)
{
    struct backend *b = self;

    return b->impl->train_move(cx, t, state, to, 0);
}

static tcet_status train_write(tcet_ctx *cx, void *self, tcet_training *t, uint32_t state,
                               const void *from)
{
    struct backend *b = self;

    return b->impl->train_move(cx, t, state, (void *)(uintptr_t)from, 1);
}

static void train_close(void *self, tcet_training *t)
{
    struct backend *b = self;

    b->impl->train_close(t);
}

static const tcet_backend_ops ops = {
    .struct_size = sizeof ops,
    .open = open_backend,
    .info = info,
    .supports = supports,
    .prepare = prepare,
    .run = run,
    .release = release,
    .collect = collect,
    .train_open = train_open,
    .train_step = train_step,
    .train_eval = train_eval,
    .train_sizes = train_sizes,
    .train_read = train_read,
    .train_write = train_write,
    .train_close = train_close,
};

static const tcet_plugin torch = {
    .struct_size = sizeof torch,
    .kind = TCET_BACKEND,
    .id = "torch",
    .version = "1.0.9",
    .summary = "libtorch on CPU or CUDA: own forward and backward, fused CPU kernels",
    TCET_PARAMS(struct backend, params),
    .ops = &ops,
    .fini = fini,
};

TCET_MODULE(&torch)
