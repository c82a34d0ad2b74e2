/* train.c -- bench-train ARCH BATCH THREADS STEPS [step]: how long an optimiser step of a zennas structure
 * takes, and the same forward and backward by a run of the pass alone, in turn; prints the medians
 * "STEP PASS" in seconds, with `step` the first alone.  bench-train --serve DEVICE KERNELS THREADS: a line
 * "ARCH BATCH STEPS PRECISION" of stdin after the other, the first median of each.  bench/train and bench/gpu.sh
 * compare with PyTorch.
 * Room: bench.  Touches core/graph, the space's and the backend's plugin. */
#include "space_host.h"

#include <tcet/draft/backend.h>

#include "base/clock.h"

#include <inttypes.h>

static tcet_status host_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    (void)cx;
    fprintf(stderr, "bench-train: %s\n", text);
    exit(1);
    return code;
}

static int32_t host_cancelled(tcet_ctx *cx)
{
    (void)cx;
    return 0;
}

static const tcet_host host_table = {
    .struct_size = sizeof host_table, .fail = host_fail, .cancelled = host_cancelled};
static tcet_ctx cx = {.host = &host_table};

/* The place of a text among a parameter's choices, 0 where it is none of them. */
static int32_t choice_of(const tcet_param *param, const char *text)
{
    for (int32_t k = 0; param->choices[k]; k++)
        if (!strcmp(param->choices[k], text))
            return k;
    return 0;
}

/* The backend on a device; exits where it cannot be opened. */
static void *open_backend(const tcet_backend_ops **ops, const char *device, const char *kernels,
                          int64_t threads)
{
    const char *path = TCET_TEST_BUILD "/lib/tcet/plugins-1/backend_torch.so";
    void *so = dlopen(path, RTLD_NOW | RTLD_NODELETE), *self;
    const tcet_module *(*entry)(void) = NULL;
    const tcet_plugin *plugin;

    if (so)
        *(void **)&entry = dlsym(so, TCET_ENTRY_SYMBOL);
    if (!entry) {
        fprintf(stderr, "bench-train: no torch backend in this build\n");
        exit(1);
    }
    plugin = entry()->plugins[0];
    self = mem_alloc(plugin->instance_size);
    for (uint32_t i = 0; i < plugin->param_count; i++) {
        char *field = (char *)self + plugin->params[i].offset;
        int32_t choice;

        if (!strcmp(plugin->params[i].name, "device"))
            memcpy(field, &device, sizeof device);
        else if (!strcmp(plugin->params[i].name, "threads"))
            memcpy(field, &threads, sizeof threads);
        else if (!strcmp(plugin->params[i].name, "kernels")) {
            choice = choice_of(&plugin->params[i], kernels);
            memcpy(field, &choice, sizeof choice);
        }
    }
    *ops = plugin->ops;
    (*ops)->open(&cx, self);
    return self;
}

static tcet_status look(void *arg, uint32_t site, int32_t index, const tcet_views *views)
{
    (void)arg;
    (void)site;
    (void)index;
    (void)views;
    return TCET_OK;
}

/* What both measure: a network, a mini-batch, and where it runs. */
struct bench {
    const tcet_backend_ops *ops;
    void *self;
    tcet_model *model;
    tcet_training *training;
    float *params, *x;
    double *targets;
    int64_t *y, n;
};

static double time_step(struct bench *b, int64_t step)
{
    const tcet_batch batch = {
        .struct_size = sizeof batch, .n = b->n, .x = b->x, .targets = b->targets};
    tcet_train_result r = {.struct_size = sizeof r};
    double begin = clock_now();

    b->ops->train_step(&cx, b->self, b->training, &batch, 1e-3, 5e-4, step, &r);
    return clock_now() - begin;
}

static double time_pass(struct bench *b)
{
    const tcet_pass pass = {.struct_size = sizeof pass,
                            .loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .norm = TCET_NORM_TRAIN,
                            .precision = TCET_PRECISION_F32};
    tcet_run run = {.struct_size = sizeof run,
                    .forwards = 1,
                    .pass = &pass,
                    .sites = TCET_SITE_WEIGHT | TCET_SITE_NORM,
                    .params = b->params,
                    .x = b->x,
                    .y = b->y,
                    .n = b->n,
                    .visit = look};

    for (int s = 0; s < TCET_SITES; s++)
        if (run.sites >> s & 1)
            run.wants[s] = TCET_WANT_GRADIENT | TCET_WANT_BIAS_GRADIENT;
    b->ops->run(&cx, b->self, b->model, &run);
    return run.seconds_forward + run.seconds_backward;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, int64_t count)
{
    qsort(x, (size_t)count, sizeof *x, ascending);
    return x[count / 2];
}

static void draw(struct bench *b, struct graph *g, int64_t pixels, int64_t classes)
{
    const tcet_graph *view = graph_view(g);
    tcet_rng rng;

    b->params = mem_alloc((size_t)view->param_floats * sizeof *b->params);
    b->x = mem_alloc((size_t)(b->n * pixels) * sizeof *b->x);
    b->targets = mem_alloc((size_t)(b->n * classes) * sizeof *b->targets);
    b->y = mem_alloc((size_t)b->n * sizeof *b->y);
    rng_seed(&rng, 1);
    graph_draw(g, &rng, b->params);
    rng_normal(&rng, b->x, b->n * pixels, 0, 1);
    rng_randint(&rng, b->y, b->n, 0, classes);
    for (int64_t i = 0; i < b->n * classes; i++)
        b->targets[i] = 0.1 / (double)classes + (i % classes == b->y[i / classes] ? 0.9 : 0);
}

/* What one line of numbers is of. */
struct request {
    const char *arch;
    int64_t n, steps;
    uint32_t precision; /* TCET_TRAIN_* */
    int pass;           /* the pass alone, too */
};

/* Prints the medians; b has the backend alone. */
static int measure(struct bench *b, struct space *space, struct graph *g, const struct request *r)
{
    const tcet_task task = {
        .struct_size = sizeof task, .channels = 3, .height = 32, .width = 32, .classes = 10};
    const tcet_train how = {.struct_size = sizeof how,
                            .optimiser = TCET_OPTIMISER_SGD,
                            .precision = r->precision,
                            .nesterov = 1,
                            .momentum = 0.9,
                            .norm_momentum = 0.01};
    double *times[2];
    struct error err;
    uint8_t *decay;

    graph_reset(g, &task);
    if (space->ops->build_train(&space->cx, space->self, r->arch, &task, graph_builder(g)) < 0 ||
        graph_finish(g, &err) < 0) {
        fprintf(stderr, "bench-train: %s\n", space->error);
        return 1;
    }
    b->n = r->n;
    draw(b, g, 3 * 32 * 32, task.classes);
    decay = mem_alloc(2 * (size_t)graph_view(g)->module_count);
    b->ops->prepare(&cx, b->self, graph_view(g), &b->model);
    b->ops->train_open(&cx, b->self, b->model, &how, b->params, decay, &b->training);
    for (int k = 0; k < 2; k++)
        times[k] = mem_alloc((size_t)r->steps * sizeof *times[k]);
    for (int64_t k = -3; k < r->steps; k++) { /* the first ones fault memory in */
        double step = time_step(b, k + 3), pass = r->pass ? time_pass(b) : 0;

        if (k >= 0) {
            times[0][k] = step;
            times[1][k] = pass;
        }
    }
    printf("%.6f", median(times[0], r->steps));
    if (r->pass)
        printf(" %.6f", median(times[1], r->steps));
    printf("\n");
    fflush(stdout);
    b->ops->train_close(b->self, b->training);
    b->ops->release(b->self, b->model);
    free(times[0]);
    free(times[1]);
    free(decay);
    free(b->params);
    free(b->x);
    free(b->targets);
    free(b->y);
    return 0;
}

/* Lines "ARCH BATCH STEPS PRECISION" until stdin ends. */
static int serve(struct bench *b, struct space *space, struct graph *g)
{
    static const char *const precisions[] = {"f32", "f64", "tf32", "bf16"}; /* TCET_TRAIN_* */
    char line[8192], arch[8000], precision[8];

    while (fgets(line, sizeof line, stdin)) {
        struct request r = {.arch = arch};

        if (sscanf(line, "%7999s %" SCNd64 " %" SCNd64 " %7s", arch, &r.n, &r.steps, precision) !=
            4)
            return 2;
        while (strcmp(precision, precisions[r.precision]) != 0)
            if (++r.precision > TCET_TRAIN_BF16)
                return 2;
        if (r.n < 1 || r.steps < 1 || measure(b, space, g, &r) != 0)
            return 2;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const int serves = argc == 5 && !strcmp(argv[1], "--serve");
    const struct request once = {.arch = argv[1],
                                 .n = argc >= 5 ? atoll(argv[2]) : 0,
                                 .steps = argc >= 5 ? atoll(argv[4]) : 0,
                                 .pass = argc == 5};
    struct bench b = {0};
    struct space space;

    if ((!serves && (once.n < 1 || once.steps < 1)) ||
        space_load_with(&space, "zennas", "reslink", "1") != 0) {
        fprintf(stderr, "usage: bench-train ARCH BATCH THREADS STEPS [step]\n"
                        "       bench-train --serve DEVICE KERNELS THREADS <REQUESTS\n");
        return 2;
    }
    b.self = open_backend(&b.ops, serves ? argv[2] : "cpu", serves ? argv[3] : "auto",
                          atoll(argv[serves ? 4 : 3]));
    return serves ? serve(&b, &space, graph_new()) : measure(&b, &space, graph_new(), &once);
}
