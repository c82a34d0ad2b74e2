/* backend_host.h -- a host for one backend plugin, for unit tests: loads backend_torch.so without
 * core, binds parameters, runs a pass over a graph and copies its layers.  Without libtorch in the
 * build `ops` stays NULL: begin tests with NEED_TORCH().  Room: tests; stands on the SDK. */
#ifndef TESTS_BACKEND_HOST_H
#define TESTS_BACKEND_HOST_H

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcet/draft/backend.h> /* before cmocka.h, which makes a macro of `fail` */

#include <cmocka.h>

/* -- a host ---------------------------------------------------------------------------- */

static struct {
    tcet_ctx cx; /* first */
    char message[1024];
    int stop;
} host;

static tcet_status host_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    (void)cx;
    snprintf(host.message, sizeof host.message, "%s", text);
    return code;
}

static int32_t host_cancelled(tcet_ctx *cx)
{
    (void)cx;
    return host.stop;
}

static const tcet_host host_table = {
    .struct_size = sizeof host_table, .fail = host_fail, .cancelled = host_cancelled};

static const tcet_plugin *plugin;
static const tcet_backend_ops *ops;

/* An instance with its parameters bound: KEY, VALUE, ..., NULL; others at their default. */
static void *instance(const char *first, ...)
{
    void *self = calloc(1, plugin->instance_size);

    for (uint32_t i = 0; i < plugin->param_count; i++) {
        const tcet_param *p = &plugin->params[i];
        const char *value = p->initial;
        int64_t number;
        int32_t choice = 0;
        va_list ap;

        va_start(ap, first);
        for (const char *key = first; key; key = va_arg(ap, const char *)) {
            const char *v = va_arg(ap, const char *);

            value = strcmp(key, p->name) == 0 ? v : value;
        }
        va_end(ap);
        number = atoll(value);
        if (p->type == TCET_P_CHOICE)
            while (strcmp(p->choices[choice], value) != 0)
                choice++;
        if (p->type == TCET_P_TEXT)
            memcpy((char *)self + p->offset, &value, sizeof value);
        else if (p->type == TCET_P_CHOICE)
            memcpy((char *)self + p->offset, &choice, sizeof choice);
        else
            memcpy((char *)self + p->offset, &number, sizeof number);
    }
    return self;
}

static void drop(void *self)
{
    plugin->fini(self);
    free(self);
}

/* Another backend_torch.so and device than this build's on the CPU: that of a GPU machine, or the emulated one. */
static const char *device_of_test(void)
{
    const char *device = getenv("TCET_TEST_DEVICE");

    return device ? device : "cpu";
}

static const char *kernels_of_test(void)
{
    const char *kernels = getenv("TCET_TEST_KERNELS");

    return kernels ? kernels : "auto";
}

/* The device, opened once. */
static void *cpu;

static int load(void **state)
{
    const tcet_module *(*entry)(void) = NULL;
    const char *path = getenv("TCET_TEST_BACKEND");
    void *so;

    (void)state;
    host.cx.host = &host_table;
    path = path ? path : TCET_TEST_BUILD "/lib/tcet/plugins-1/backend_torch.so";
    if (access(path, F_OK) != 0)
        return 0;
    so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    assert_non_null(so);
    *(void **)&entry = dlsym(so, TCET_ENTRY_SYMBOL);
    assert_non_null(entry);
    plugin = entry()->plugins[0];
    ops = plugin->ops;
    cpu = instance("device", device_of_test(), "kernels", kernels_of_test(), NULL);
    if (ops->open(&host.cx, cpu) != TCET_OK)
        fail_msg("%s", host.message);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    if (cpu)
        drop(cpu);
    return 0;
}

/* -- running --------------------------------------------------------------------------- */

enum { VIEWS = 12, LAYERS = 128 };

/* Deep copies of every layer of a run. */
struct result {
    int count;
    struct {
        uint32_t site;
        int32_t index;
        int64_t rows; /* of the gradient */
        tcet_views views;
    } layer[LAYERS];
    char name[LAYERS][64];          /* for messages */
    double *numbers[LAYERS][VIEWS]; /* of float views; NULL where not given */
    int64_t counts[LAYERS][VIEWS];
    uint64_t *bits[LAYERS];
    int stop_at;
    double seconds[2]; /* forward, backward */
};

static const tcet_view *view_of(const tcet_views *l, int i)
{
    const tcet_view *v[VIEWS] = {
        &l->weight,          &l->gradient,        &l->input, &l->output,
        &l->output_gradient, &l->agreement,       &l->hvp,   &l->variance,
        &l->pattern,         &l->channel_product, &l->bias,  &l->bias_gradient};

    return v[i];
}

enum {
    WEIGHT,
    GRADIENT,
    INPUT,
    OUTPUT,
    OUTPUT_GRADIENT,
    AGREEMENT,
    HVP,
    VARIANCE,
    PATTERN,
    PRODUCT,
    BIAS,
    BIAS_GRADIENT
};

static tcet_status visit(void *arg, uint32_t site, int32_t index, const tcet_views *views)
{
    struct result *r = arg;
    int at = r->count++;

    if (at + 1 == r->stop_at)
        return TCET_E_PLUGIN;
    assert_true(at < LAYERS);
    r->layer[at].site = site;
    r->layer[at].index = index;
    r->layer[at].rows = views->gradient.data ? views->gradient.shape[0] : 0;
    r->layer[at].views = *views;
    snprintf(r->name[at], sizeof r->name[at], "layer %d of site %u", index, site);
    for (int i = 0; i < VIEWS; i++) {
        const tcet_view *v = view_of(views, i);

        r->counts[at][i] = v->data ? v->count : -1;
        if (!v->data)
            continue;
        if (i == PATTERN) {
            r->bits[at] = malloc((size_t)v->count * 8 + 8);
            memcpy(r->bits[at], v->data, (size_t)v->count * 8);
            continue;
        }
        r->numbers[at][i] = malloc((size_t)v->count * sizeof(double) + 8);
        for (int64_t k = 0; k < v->count; k++)
            r->numbers[at][i][k] = tcet_get(v, k);
    }
    return TCET_OK;
}

static void result_drop(struct result *r)
{
    for (int a = 0; a < LAYERS; a++) {
        for (int i = 0; i < VIEWS; i++)
            free(r->numbers[a][i]);
        free(r->bits[a]);
    }
}

static inline void result_free(struct result *r)
{
    result_drop(r);
    free(r);
}

/* The same of every site of the run. */
static void want(tcet_run *run, uint32_t wants)
{
    for (int site = 0; site < TCET_SITES; site++)
        run->wants[site] = run->sites >> site & 1 ? wants : 0;
}

/* One run of a pass over a graph: what `sites` and `wants` say of `images` images a forward. */
static inline tcet_status run_graph(void *self, const tcet_graph *g, const float *params,
                                    const float *x, const int64_t *y, tcet_pass pass,
                                    uint32_t sites, uint32_t wants, int32_t forwards,
                                    int64_t images, struct result *r)
{
    tcet_model *model = NULL;
    tcet_run run = {.struct_size = sizeof run,
                    .forwards = forwards,
                    .pass = &pass,
                    .sites = sites,
                    .params = params,
                    .x = x,
                    .y = y,
                    .n = images,
                    .visit = visit,
                    .arg = r};
    tcet_status st;

    want(&run, wants);
    pass.struct_size = sizeof pass;
    st = ops->supports(&host.cx, self, &pass, sites, wants);
    if (st == TCET_OK)
        st = ops->prepare(&host.cx, self, g, &model);
    if (st == TCET_OK)
        st = ops->run(&host.cx, self, model, &run);
    if (model)
        ops->release(self, model);
    r->seconds[0] = run.seconds_forward;
    r->seconds[1] = run.seconds_backward;
    return st;
}

static uint64_t noise = 1;

/* Uniform in [-1, 1), always the same series. */
static float uniform(void)
{
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(noise >> 32) / 2147483648.0f;
}

static inline void assert_near(double got, double want, double tolerance, const char *what,
                               int64_t at)
{
    if (!(fabs(got - want) <= tolerance * (1e-3 + fabs(want))))
        fail_msg("%s[%ld]: %.12g, want %.12g", what, (long)at, got, want);
}

#define NEED_TORCH() \
    if (!ops)        \
    skip()

#endif
