/* kernels.c -- bench-kernels: T-CET(SNIP)'s two passes over architectures of a space, beside libtorch's
 * convolutions of the shapes that they ask for, in CPU seconds of one thread; and where the time goes,
 * by kernel and shape.  docs/performance.md says what the figures mean.
 * Room: bench.  Touches core/graph, a space's plugin and the parts of the backend (counted.h). */
#include "../plugins/backend/torch/impl.h"
#include "counted.h"
#include "machine.h"
#include "space_host.h"

#include <time.h>

struct options {
    const char *space, *isa, *key, *value, *arch;
    int64_t rounds, archs, seed, resolution, batch, lines;
    int kernels;
};

static tcet_status host_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    (void)cx;
    fprintf(stderr, "bench-kernels: %s\n", text);
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

static tcet_status look(void *arg, uint32_t site, int32_t index, const tcet_views *views)
{
    (void)arg;
    (void)site;
    (void)index;
    (void)views;
    return TCET_OK;
}

struct bench {
    struct options o;
    struct space space;
    struct graph *graph;
    tcet_rng rng;
    const struct torch_impl *impl;
    struct executor *executor;
    float *params, *x;
    size_t params_cap, x_cap;
    int64_t *y;
    float *of[4]; /* of the bare convolutions: x, w, y, dw */
    size_t cap[4];
    double seconds[2];   /* ours, bare; of all that was measured */
    double peak, memory; /* of the core; 0: not known */
    double limit[3];     /* seconds that products, that tensors, that the longer of both take */
};

static float *room(float *x, size_t *cap, int64_t count)
{
    if ((size_t)count <= *cap)
        return x;
    free(x);
    *cap = (size_t)count;
    x = mem_alloc(*cap * sizeof *x);
    for (size_t i = 0; i < *cap; i++) /* no denormals, and pages that are there */
        x[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
    return x;
}

/* -- one architecture -------------------------------------------------------------------- */

/* The passes of conf/tcet_snip.ini, as the host runs them. */
static void run_passes(struct bench *b, tcet_model *model)
{
    const tcet_pass snip = {.struct_size = sizeof snip,
                            .loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .norm = TCET_NORM_TRAIN,
                            .precision = TCET_PRECISION_F32},
                    nwot = {.struct_size = sizeof nwot,
                            .loss = TCET_LOSS_NONE,
                            .gradient = TCET_GRADIENT_NONE,
                            .norm = TCET_NORM_EVAL,
                            .precision = TCET_PRECISION_F32};
    const tcet_pass *pass[2] = {&snip, &nwot};

    for (int k = 0; k < 2; k++) {
        tcet_run run = {.struct_size = sizeof run,
                        .forwards = 1,
                        .pass = pass[k],
                        .sites = TCET_SITE_WEIGHT,
                        .params = b->params,
                        .x = b->x,
                        .y = k == 0 ? b->y : NULL,
                        .n = b->o.batch,
                        .data_id = 1,
                        .visit = look};

        run.wants[0] = k == 0 ? TCET_WANT_WEIGHT | TCET_WANT_GRADIENT : TCET_WANT_AGREEMENT;
        b->impl->run(&cx, b->executor, model, &run);
    }
}

/* What was asked for, in libtorch. */
static double run_bare(struct bench *b)
{
    size_t count;
    const struct counted_conv *c = counted_convs(&count);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct ts_conv *s = &c[i].s;
        const int64_t sizes[4] = {counted_inputs(s), counted_weights(s), counted_outputs(s),
                                  counted_weights(s)};
        double seconds;

        for (int k = 0; k < 4; k++)
            b->of[k] = room(b->of[k], &b->cap[k], sizes[k]);
        seconds = counted_bare(&c[i], b->of[0], b->of[1], b->of[2], b->of[3], b->o.kernels);
        if (seconds < 0) {
            fprintf(stderr, "bench-kernels: libtorch cannot do a convolution\n");
            exit(1);
        }
        sum += seconds;
    }
    return sum;
}

/* Multiplications that a kernel makes where a direct sum has one: Winograd's of windows that have such a kernel. */
static double share_of_products(const struct counted_conv *c)
{
    const struct ts_conv *s = &c->s;
    int winograd = s->kh == s->kw && s->stride_h == 1 && s->stride_w == 1 && s->dilation_h == 1 &&
                   s->c / s->groups >= 8 && s->oc / s->groups >= 8 && s->h >= 4 && s->w >= 4;

    switch (winograd ? s->kh : 0) {
    case 3: return 36.0 / 144;
    case 5: return c->dw && c->dx ? (40.0 / 100 + 64.0 / 400) / 2 : c->dw ? 40.0 / 100 : 64.0 / 400;
    case 7: return 70.0 / 196;
    default: return 1;
    }
}

/* What the architecture's convolutions would take if there were nothing else: their products at the core's peak,
 * transforms and sums between them for nothing; their tensors (and the output that a batch norm's backward reads) from
 * memory and to it once. */
static void add_limit(struct bench *b)
{
    double flop = 0, numbers = 0, times[2];
    size_t count;
    const struct counted_conv *c = counted_convs(&count);

    for (size_t i = 0; i < count; i++) {
        double in = (double)counted_inputs(&c[i].s), out = (double)counted_outputs(&c[i].s);
        int gradients = c[i].dw + c[i].dx;

        flop += 2 * (c[i].forward + gradients) * out * (double)counted_terms(&c[i].s) *
                share_of_products(&c[i]);
        numbers += c[i].forward ? in + out : 2 * out + gradients * in;
    }
    times[0] = 1e-9 * flop / b->peak;
    times[1] = 1e-9 * sizeof(float) * numbers / b->memory;
    b->limit[0] += times[0];
    b->limit[1] += times[1];
    b->limit[2] += times[0] > times[1] ? times[0] : times[1];
}

/* Builds and draws; 0, or -1 after a message. */
static int make_network(struct bench *b, const char *arch)
{
    tcet_task task = {.struct_size = sizeof task};
    const tcet_graph *view;
    struct error err;

    if (b->space.ops->task(&b->space.cx, b->space.self, &task) < 0)
        return -1;
    if (b->o.resolution)
        task.height = task.width = (int32_t)b->o.resolution;
    graph_reset(b->graph, &task);
    if (b->space.ops->build(&b->space.cx, b->space.self, arch, &task, graph_builder(b->graph)) <
            0 ||
        graph_finish(b->graph, &err) < 0) {
        fprintf(stderr, "bench-kernels: %s: cannot be built: %s\n", arch, b->space.error);
        return -1;
    }
    view = graph_view(b->graph);
    b->params = room(b->params, &b->params_cap, view->param_floats);
    graph_draw(b->graph, &b->rng, b->params);
    if (!b->x) {
        b->x = room(NULL, &b->x_cap, b->o.batch * view->channels * view->height * view->width);
        rng_normal(&b->rng, b->x, (int64_t)b->x_cap, 0, 1);
        b->y = mem_alloc((size_t)b->o.batch * sizeof *b->y);
        rng_randint(&b->rng, b->y, b->o.batch, 0, view->classes);
    }
    return 0;
}

static void run_once(struct bench *b)
{
    tcet_model *model;

    b->impl->prepare(&cx, b->executor, graph_view(b->graph), &model);
    run_passes(b, model);
    b->impl->release(model);
}

/* Both sides once; before that ours, whose memory stays from network to network as libtorch's does from
 * call to call.  Where `count` is not set all of it is to warm up. */
static int measure(struct bench *b, const char *arch, int count, double *ours, double *bare)
{
    double start, mine, theirs;

    if (make_network(b, arch) < 0)
        return -1;
    counted_pause(1);
    run_once(b);
    counted_pause(0);
    counted_reset_convs();
    start = counted_now();
    run_once(b);
    mine = counted_now() - start;
    theirs = run_bare(b);
    if (!count)
        return 0;
    if (b->peak > 0)
        add_limit(b);
    *ours += mine;
    *bare += theirs;
    b->seconds[0] += mine;
    b->seconds[1] += theirs;
    return 0;
}

/* -- tables ------------------------------------------------------------------------------ */

static int by_seconds(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    return (y->seconds > x->seconds) - (y->seconds < x->seconds);
}

static void print_row(const struct bench *b, const struct counted *r)
{
    double flops = 1e-9 * r->flop / r->seconds, bytes = 1e-9 * r->bytes / r->seconds;

    printf("%-18s%-40s%7lld%9.1f%7.1f", r->kernel, r->shape, (long long)r->calls, 1e3 * r->seconds,
           100 * r->seconds / b->seconds[0]);
    if (r->flop > 0)
        printf("%9.1f%7.0f", flops, 100 * flops / b->peak);
    else
        printf("%16s", "");
    printf("%8.1f%7.0f", bytes, 100 * bytes / b->memory);
    if (r->bare > 0)
        printf("%8.2f", r->seconds / r->bare);
    printf("\n");
}

/* Of each kernel, over all shapes. */
static void print_sums(const struct bench *b, const struct counted *r, size_t count)
{
    struct counted *sum = mem_alloc((count + 1) * sizeof *sum);
    size_t kinds = 0;

    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        while (k < kinds && sum[k].kernel != r[i].kernel)
            k++;
        if (k == kinds)
            sum[kinds++] = (struct counted){.kernel = r[i].kernel};
        sum[k].calls += r[i].calls;
        sum[k].seconds += r[i].seconds;
        sum[k].flop += r[i].flop;
        sum[k].bytes += r[i].bytes;
        sum[k].bare += r[i].bare;
    }
    qsort(sum, kinds, sizeof *sum, by_seconds);
    for (size_t k = 0; k < kinds; k++)
        print_row(b, &sum[k]);
    free(sum);
}

static void print_kernels(struct bench *b)
{
    double left, known = 0;
    size_t count;
    struct counted *r = counted_all(&count);

    qsort(r, count, sizeof *r, by_seconds);
    printf("the core: %.0f GFLOP/s, %.1f GB/s in sweeps of 192 MiB\n", b->peak, b->memory);
    printf("%-18s%-40s%7s%9s%7s%9s%7s%8s%7s%8s\n", "kernel", "shape", "calls", "ms", "%", "GFLOP/s",
           "% peak", "GB/s", "% mem", "/ torch");
    for (size_t i = 0; i < count; i++)
        known += r[i].seconds;
    left = b->seconds[0] - known;
    print_sums(b, r, count);
    for (size_t i = 0; i < count && (int64_t)i < b->o.lines; i++)
        print_row(b, &r[i]);
    printf("all kernels %.1f ms, what is between them %.1f\n", 1e3 * known, 1e3 * left);
    if (b->limit[2] > 0)
        printf("the limit: products at the peak %.1f ms, tensors of convolutions once %.1f, the "
               "longer of each architecture %.1f; ours %.2f times that\n",
               1e3 * b->limit[0], 1e3 * b->limit[1], 1e3 * b->limit[2],
               b->seconds[0] / b->limit[2]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The one that was asked for, or a random one. */
static int next_arch(struct bench *b, char *arch, size_t cap)
{
    if (!b->o.arch)
        return b->space.ops->random(&b->space.cx, b->space.self, arch, cap) < 0 ? -1 : 0;
    return snprintf(arch, cap, "%s", b->o.arch) < (int)cap ? 0 : -1;
}

static int bench_space(struct bench *b)
{
    double *ratio = mem_alloc((size_t)b->o.rounds * sizeof *ratio), middle;
    char arch[TCET_ARCH_MAX];
    int64_t n = b->o.rounds;

    if (b->o.kernels) {
        b->peak = machine_peak(!strcmp(b->o.isa, "avx2"));
        b->memory = machine_memory();
    }
    for (int64_t r = -1; r < n; r++) { /* the first warms up */
        double ours = 0, bare = 0;

        for (int64_t k = 0; k < b->o.archs; k++) {
            if (next_arch(b, arch, sizeof arch) < 0 || measure(b, arch, r >= 0, &ours, &bare) < 0)
                return -1;
            if (r < 0)
                break;
        }
        if (r < 0)
            counted_reset();
        else
            ratio[r] = ours / bare;
    }
    if (b->o.kernels)
        print_kernels(b);
    qsort(ratio, (size_t)n, sizeof *ratio, by_value);
    middle = (ratio[(n - 1) / 2] + ratio[n / 2]) / 2;
    printf("space=%s%s%s resolution=%lld vs_convolutions=%.3f spread %.3f to %.3f, median of %lld "
           "rounds; ms an architecture: ours %.1f, convolutions %.1f\n",
           b->o.space, b->o.key ? " " : "", b->o.key ? b->o.value : "", (long long)b->o.resolution,
           middle, ratio[0], ratio[n - 1], (long long)n,
           1e3 * b->seconds[0] / (double)(n * b->o.archs),
           1e3 * b->seconds[1] / (double)(n * b->o.archs));
    free(ratio);
    return 0;
}

/* -- command line ------------------------------------------------------------------------ */

static int usage(FILE *f)
{
    fputs("usage: bench/speed --space NAME | --kernels [--space NAME]\n"
          "           [--rounds N] [--archs N] [--arch TEXT] [--seed N] [--resolution N] [--batch "
          "N]\n"
          "           [--isa auto|baseline|avx2|avx512] [--set KEY=VALUE] [--lines N]\n\n"
          "  --space NAME  T-CET(SNIP) of random architectures of the space over libtorch's\n"
          "                convolutions of the same shapes, CPU seconds of one thread\n"
          "  --kernels     also where the time goes: calls, time, GFLOP/s and GB/s of each kernel\n"
          "                and shape, beside the core's, the time over libtorch's; a limit\n"
          "  --rounds N    rounds, whose median counts (5)\n"
          "  --archs N     architectures a round (4)\n"
          "  --arch TEXT   this one, in place of random ones\n"
          "  --seed N      which architectures (1)\n"
          "  --resolution N, --batch N  of the images (the space's own, 64)\n"
          "  --isa NAME    [backend] kernels (auto)\n"
          "  --set K=V     a parameter of the space\n"
          "  --lines N     of the table (40)\n",
          f);
    return f == stdout ? 0 : 2;
}

static int parse(int argc, char **argv, struct options *o)
{
    static const char *const names[] = {"--rounds",     "--archs", "--seed",
                                        "--resolution", "--batch", "--lines"};
    int64_t *const values[] = {&o->rounds,     &o->archs, &o->seed,
                               &o->resolution, &o->batch, &o->lines};

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        if (!strcmp(argv[i], "--kernels")) {
            o->kernels = 1;
            continue;
        }
        if (i + 1 == argc)
            return -1;
        if (!strcmp(argv[i], "--space")) {
            o->space = argv[++i];
            continue;
        }
        if (!strcmp(argv[i], "--arch")) {
            o->arch = argv[++i];
            continue;
        }
        if (!strcmp(argv[i], "--isa")) {
            o->isa = argv[++i];
            continue;
        }
        if (!strcmp(argv[i], "--set") && strchr(argv[i + 1], '=')) {
            char *at = strchr(argv[++i], '=');

            *at = '\0';
            o->key = argv[i];
            o->value = at + 1;
            continue;
        }
        while (k < sizeof names / sizeof *names && strcmp(argv[i], names[k]) != 0)
            k++;
        if (k == sizeof names / sizeof *names || (*values[k] = atoll(argv[++i])) < (k > 1 ? 0 : 1))
            return -1;
    }
    return o->batch > 0 ? 0 : -1;
}

static int32_t isa_of(const char *name)
{
    static const char *const names[] = {"auto", "baseline", "avx2", "avx512"};

    for (int32_t k = 0; k < 4; k++)
        if (!strcmp(name, names[k]))
            return k;
    return -1;
}

extern const struct torch_impl *tcet_torch_impl_v1(void);

int main(int argc, char **argv)
{
    struct bench b = {.o = {.space = "nats_tss",
                            .isa = "auto",
                            .rounds = 5,
                            .archs = 4,
                            .seed = 1,
                            .batch = 64,
                            .lines = 40}};
    int failed;

    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return usage(stdout);
    if (parse(argc, argv, &b.o) < 0 || isa_of(b.o.isa) < 0)
        return usage(stderr);
    if (space_load_with(&b.space, b.o.space, b.o.key, b.o.value) != 0) {
        fprintf(stderr, "bench-kernels: no space %s, or not such a parameter: %s\n", b.o.space,
                b.space.error);
        return 1;
    }
    b.space.random = (uint64_t)b.o.seed;
    rng_seed(&b.rng, (uint64_t)b.o.seed);
    b.graph = graph_new();
    b.impl = tcet_torch_impl_v1();
    b.impl->open(&cx, "cpu", 1, isa_of(b.o.isa), &b.executor);
    failed = bench_space(&b) < 0;
    b.impl->close(b.executor);
    space_unload(&b.space);
    graph_free(b.graph);
    return failed;
}
