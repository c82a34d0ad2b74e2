/* impl.c -- opening a device, and the table that backend_torch.so takes.
 * Room: plugins/backend/torch. */
#include "cuda.h"
#include "executor.h"
#include "pool.h"
#include "team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tcet_status fail(tcet_ctx *cx, tcet_status status, const char *text)
{
    return cx->host->fail(cx, status, text);
}

/* "auto", "cpu", "cuda", "cuda:N" to a device. */
static tcet_status parse_device(tcet_ctx *cx, const char *text, struct ts_device *d)
{
    int32_t count = strcmp(text, "cpu") == 0 ? 0 : ts_cuda_devices();
    char message[192];
    long index = 0;

    *d = (struct ts_device){.cuda = 0};
    if (strcmp(text, "cpu") == 0 || (strcmp(text, "auto") == 0 && count <= 0))
        return TCET_OK;
    if (strncmp(text, "cuda:", 5) == 0) {
        char *end;

        index = strtol(text + 5, &end, 10);
        if (end == text + 5 || *end != '\0' || index < 0 || index > 4095)
            index = -1;
    } else if (strcmp(text, "cuda") != 0 && strcmp(text, "auto") != 0) {
        index = -1;
    }
    if (index < 0) {
        snprintf(message, sizeof message,
                 "device = %.64s: not a device; allowed: auto, cpu, cuda, cuda:N", text);
        return fail(cx, TCET_E_ARG, message);
    }
    if (count < 0) {
        snprintf(message, sizeof message, "device = %.64s: this libtorch has no CUDA", text);
        return fail(cx, TCET_E_ARG, message);
    }
    if (index >= count) {
        if (count == 0)
            snprintf(message, sizeof message, "device = %.64s: no CUDA device found", text);
        else
            snprintf(message, sizeof message, "device = %.64s: there are %d CUDA devices, 0 to %d",
                     text, (int)count, (int)count - 1);
        return fail(cx, TCET_E_ARG, message);
    }
    d->cuda = 1;
    d->index = (int32_t)index;
    return TCET_OK;
}

static void close_executor(struct executor *x)
{
    team_free(x->team);
    for (int32_t k = 0; k <= STREAMS; k++)
        ts_free(x->scratch[k]);
    for (int32_t f64 = 0; f64 < 2; f64++)
        cuda_close(x->code[f64]);
    free(x);
}

static void warn_plain(tcet_ctx *cx, const struct ts_device *d)
{
    char text[600];

    snprintf(text, sizeof text, "cuda:%d: libtorch's operations serve in place of our kernels; %s",
             (int)d->index, d->message);
    if (cx->host->log) /* which a host of tests may lack */
        cx->host->log(cx, TCET_LOG_WARN, text);
}

/* The tables for both types.  A CUDA device whose libraries cannot compile has libtorch's operations. */
static tcet_status choose_kernels(tcet_ctx *cx, struct executor *x, int32_t which)
{
    int cuda = x->device[0].cuda;

    for (int32_t f64 = 0; f64 < 2; f64++) {
        struct ts_device *d = &x->device[f64];

        d->f64 = f64;
        if (cuda && which != KERNELS_ATEN && cuda_open(d, &x->code[f64]) != 0 && !f64)
            warn_plain(cx, d);
        d->code = x->code[f64];
        if (cuda || which == KERNELS_ATEN)
            x->kernels[f64] = d->code ? kernels_cuda(f64) : kernels_aten(f64);
        else
            x->kernels[f64] = kernels_cpu(which, f64);
        d->own_conv = which == KERNELS_OWN;
        d->message[0] = '\0';
        if (!x->kernels[f64])
            return fail(cx, TCET_E_ARG,
                        "kernels: this CPU lacks the instruction set; auto finds the widest");
    }
    return TCET_OK;
}

static tcet_status open_executor(tcet_ctx *cx, const char *device, int32_t threads, int32_t kernels,
                                 struct executor **out)
{
    struct ts_device d;
    tcet_status st = parse_device(cx, device, &d);
    struct executor *x;

    if (st != TCET_OK)
        return st;
    x = calloc(1, sizeof *x);
    if (!x)
        return fail(cx, TCET_E_MEMORY, "out of memory");
    x->device[0] = x->device[1] = d;
    st = choose_kernels(cx, x, kernels);
    x->threads = threads;
    if (st == TCET_OK) {
        ts_use_pool(pool_get, pool_put);
        ts_setup(threads, x->version, sizeof x->version);
        snprintf(x->name, sizeof x->name, "cpu");
        if (d.cuda && ts_cuda_name(&x->device[0], x->name, sizeof x->name) != 0)
            st = fail(cx, TCET_E_BACKEND, x->device[0].message);
    }
    if (st == TCET_OK)
        *out = x;
    else
        close_executor(x);
    return st;
}

static tcet_status info(tcet_ctx *cx, struct executor *x, tcet_backend_info *out)
{
    (void)cx;
    snprintf(out->version, sizeof out->version, "%s", x->version);
    snprintf(out->device, sizeof out->device, "%s", x->name);
    out->in_flight = x->device[0].cuda ? 2 : 1;
    if (x->device[0].cuda) {
        snprintf(out->instructions, sizeof out->instructions, "kernels=%s%s", x->kernels[0]->name,
                 x->device[0].own_conv ? " convolutions=own" : "");
    } else {
        char libraries[200];

        ts_instructions(libraries, sizeof libraries);
        snprintf(out->instructions, sizeof out->instructions, "kernels=%s%s", x->kernels[0]->name,
                 libraries);
    }
    return TCET_OK;
}

/* Lets a model's devices queue on stream k of the executor's, with its scratch. */
static int use_stream(struct executor *x, int32_t k, struct ts_device *device)
{
    struct ts_device *d = &device[0];
    void *data = NULL;
    int status = 0;

    if (k < STREAMS && !x->stream[k])
        status = ts_stream(d, &x->stream[k]);
    if (status == 0) {
        d->stream = k < STREAMS ? x->stream[k] : 0;
        status = ts_queue(d, &d->queue);
    }
    if (status == 0 && d->code && !x->scratch[k]) {
        x->scratch[k] = ts_alloc(d, CUDA_SCRATCH, &data);
        status = x->scratch[k] ? ts_zero(d, data, CUDA_SCRATCH) : TCET_E_MEMORY;
    }
    d->scratch = x->scratch[k] ? ts_data(x->scratch[k]) : NULL;
    device[1].stream = d->stream;
    device[1].queue = d->queue;
    device[1].scratch = d->scratch;
    return status;
}

/* CUDA: the first stream that no other model has, so that few come to hold memory; the default
 * one where all are lent. */
static tcet_status take_stream(tcet_ctx *cx, tcet_model *m)
{
    struct executor *x = m->x;
    int32_t k = 0;
    int status;

    m->stream = -1;
    if (!x->device[0].cuda)
        return TCET_OK;
    while (k < STREAMS && x->lent[k])
        k++;
    status = use_stream(x, k, m->device);
    if (status != 0)
        return fail(cx, status, m->device[0].message);
    if (k < STREAMS) {
        x->lent[k] = 1;
        m->stream = k;
    }
    return TCET_OK;
}

static tcet_status prepare(tcet_ctx *cx, struct executor *x, const tcet_graph *graph,
                           tcet_model **out)
{
    tcet_model *m = malloc(sizeof *m);

    if (!m)
        return fail(cx, TCET_E_MEMORY, "out of memory");
    *m = (tcet_model){.graph = graph, .x = x, .device = {x->device[0], x->device[1]}};
    if (take_stream(cx, m) != TCET_OK) {
        free(m);
        return TCET_E_BACKEND;
    }
    *out = m;
    return TCET_OK;
}

TCET_EXPORT torch_impl_entry tcet_torch_impl_v1;

const struct torch_impl *tcet_torch_impl_v1(void)
{
    static const struct torch_impl table = {.open = open_executor,
                                            .close = close_executor,
                                            .info = info,
                                            .prepare = prepare,
                                            .run = executor_run,
                                            .release = executor_release,
                                            .collect = executor_collect,
                                            .train_open = training_open,
                                            .train_step = training_step,
                                            .train_eval = training_eval,
                                            .train_sizes = training_sizes,
                                            .train_move = training_move,
                                            .train_close = training_close};

    return &table;
}
