/* kernels_cuda.c -- the table of a CUDA device: its own kernels (cuda_kernels.inc), a launch each, and for what
 * they do not take, libtorch's operations.
 * Room: plugins/backend/torch. */
#include "cuda.h"
#include "kernels.h"

#include <tcet/draft/backend.h>

/* -- how a launch is cut up ---------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Threads by channels: a power of two, at most 32, that leaves few of them idle. */
static unsigned int lanes(int64_t c)
{
    unsigned int all = 1;

    while (all < 32 && all < c)
        all *= 2;
    while (all > 8 && divide_up(c, all) * all * 7 > c * 8)
        all /= 2;
    return all;
}

/* A grid over [pixels, c] in which a thread has `each` pixels, with at most `most` blocks by pixels. */
static struct cuda_grid sweep(int64_t pixels, int64_t c, int64_t each, int64_t most)
{
    unsigned int x = lanes(c), y = CUDA_THREADS / x;
    int64_t blocks = least(divide_up(pixels, (int64_t)y * each), most);

    return (struct cuda_grid){
        .blocks = {(unsigned int)divide_up(c, x), (unsigned int)(blocks > 0 ? blocks : 1)},
        .threads = {x, y}};
}

enum { EACH = 4, MOST = 65535 };

static struct cuda_grid over(int64_t pixels, int64_t c)
{
    return sweep(pixels, c, EACH, MOST);
}

/* The same where all blocks leave `sums` sums a channel in scratch; 0 where these have no room. */
static int over_sums(int64_t pixels, int64_t c, int sums, struct cuda_grid *grid)
{
    enum { PIXELS = 16, BLOCKS = 512 };
    int64_t most = least(CUDA_PARTS / (sums * c), BLOCKS);

    if (most < 1 || divide_up(c, lanes(c)) > CUDA_COLUMNS)
        return 0;
    *grid = sweep(pixels, c, PIXELS, most);
    return 1;
}

static struct cuda_scratch scratch(const struct ts_device *d)
{
    double *part = d->scratch;

    return (struct cuda_scratch){.part = part,
                                 .count = (unsigned int *)(void *)(part + CUDA_PARTS)};
}

static int launch(struct ts_device *d, enum cuda_kernel kernel, struct cuda_grid grid,
                  void *argument)
{
    return cuda_launch(d, kernel, &grid, argument);
}

/* -- sums, batch norms --------------------------------------------------------------------- */

static int combine(struct ts_device *d, const struct ts_term *t, int32_t count, int64_t n,
                   int64_t hw, int64_t c, void *raw, void *act, uint64_t *bits)
{
    struct cuda_combine s = {.raw = raw, .act = act, .pixels = n * hw, .count = count, .c = (int)c};

    if (count > CUDA_TERMS)
        return ts_combine(d, t, count, n, hw, c, raw, act, bits);
    for (int32_t k = 0; k < count; k++) {
        s.x[k] = t[k].x;
        s.a[k] = t[k].a;
        s.b[k] = t[k].b;
    }
    return launch(d, CUDA_combine, over(s.pixels, c), &s);
}

static int gather(struct ts_device *d, const void *const *plain, int32_t plain_count,
                  const void *const *masked, int32_t masked_count, const void *mask, int64_t pixels,
                  int64_t c, void *out, double *s1, const struct ts_sum *sums, int32_t sum_count)
{
    struct cuda_gather s = {.mask = mask,
                            .out = out,
                            .s1 = s1,
                            .scratch = scratch(d),
                            .pixels = pixels,
                            .plains = plain_count,
                            .maskeds = masked_count,
                            .sums = sum_count,
                            .c = (int)c};
    struct cuda_grid grid;

    if (plain_count > CUDA_TERMS || masked_count > CUDA_TERMS || sum_count > CUDA_SUMS ||
        !over_sums(pixels, c, sum_count + 1, &grid))
        return ts_gather(d, plain, plain_count, masked, masked_count, mask, pixels, c, out, s1,
                         sums, sum_count);
    for (int32_t k = 0; k < plain_count; k++)
        s.plain[k] = plain[k];
    for (int32_t k = 0; k < masked_count; k++)
        s.masked[k] = masked[k];
    for (int32_t k = 0; k < sum_count; k++) {
        s.x[k] = sums[k].x;
        s.mean[k] = sums[k].mean;
        s.s2[k] = sums[k].s2;
    }
    if (!s1 && sum_count == 0)
        return out ? launch(d, CUDA_gather, over(pixels, c), &s) : 0;
    return launch(d, CUDA_gather_sums, grid, &s);
}

static struct cuda_norm norm_of(const struct ts_device *d, int64_t c, const struct ts_norm *s)
{
    return (struct cuda_norm){.gamma = s->gamma,
                              .beta = s->beta,
                              .mean = s->mean,
                              .invstd = s->invstd,
                              .a = s->a,
                              .b = s->b,
                              .running_mean = s->running_mean,
                              .running_var = s->running_var,
                              .scratch = scratch(d),
                              .eps = s->eps,
                              .momentum = s->momentum,
                              .c = (int)c};
}

static int norm_train(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                      const struct ts_norm *norm, uint64_t *bits)
{
    struct cuda_norm s = norm_of(d, c, norm);
    struct cuda_grid grid;

    if (!over_sums(n * hw, c, 2, &grid))
        return ts_norm_train(d, x, n, hw, c, norm, bits);
    s.x = x;
    s.pixels = n * hw;
    return launch(d, CUDA_norm_train, grid, &s);
}

static int norm_eval(struct ts_device *d, int64_t c, const struct ts_norm *norm)
{
    struct cuda_norm s = norm_of(d, c, norm);

    return launch(d, CUDA_norm_eval, over(1, c), &s);
}

static int norm_slope(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *norm,
                      const double *s1, const double *s2, void *k1, void *k2, void *k3,
                      void *dgamma)
{
    struct cuda_norm s = norm_of(d, c, norm);

    s.pixels = pixels;
    s.s1 = s1;
    s.s2 = s2;
    s.k1 = k1;
    s.k2 = k2;
    s.k3 = k3;
    s.dgamma = dgamma;
    return launch(d, CUDA_norm_slope, over(1, c), &s);
}

/* -- pooling, products, windows -------------------------------------------------------------- */

static int pool(struct ts_device *d, enum cuda_kernel kernel, const struct ts_pool *s,
                const void *x, const void *g, void *y, int64_t pixels)
{
    struct cuda_pool p = {.x = x,
                          .g = g,
                          .y = y,
                          .n = (int)s->n,
                          .c = (int)s->c,
                          .h = (int)s->h,
                          .w = (int)s->w,
                          .oh = (int)s->oh,
                          .ow = (int)s->ow,
                          .kh = (int)s->kh,
                          .kw = (int)s->kw,
                          .stride_h = (int)s->stride_h,
                          .stride_w = (int)s->stride_w,
                          .pad_h = (int)s->pad_h,
                          .pad_w = (int)s->pad_w,
                          .count_padding = s->count_padding != 0};

    return launch(d, kernel, sweep(pixels, s->c, 1, MOST), &p);
}

static int avg_pool(struct ts_device *d, const struct ts_pool *s, const void *x, void *y)
{
    return pool(d, CUDA_avg_pool, s, x, NULL, y, s->n * s->oh * s->ow);
}

static int avg_pool_back(struct ts_device *d, const struct ts_pool *s, const void *g, void *dx)
{
    return pool(d, CUDA_avg_pool_back, s, NULL, g, dx, s->n * s->h * s->w);
}

static int max_pool(struct ts_device *d, const struct ts_pool *s, const void *x, void *y)
{
    return pool(d, CUDA_max_pool, s, x, NULL, y, s->n * s->oh * s->ow);
}

static int max_pool_back(struct ts_device *d, const struct ts_pool *s, const void *x, const void *g,
                         void *dx)
{
    return pool(d, CUDA_max_pool_back, s, x, g, dx, s->n * s->h * s->w);
}

/* y[n, c] = factor * the sum over pixels of x g; n is at most MOST. */
static int total(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x,
                 const void *g, double factor, void *y)
{
    struct cuda_total s = {.x = x, .g = g, .y = y, .factor = factor, .n = n, .hw = hw, .c = (int)c};
    struct cuda_grid grid = over(hw, c);

    grid.blocks[1] = (unsigned int)n;
    return launch(d, CUDA_total, grid, &s);
}

static int global_pool(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x,
                       void *y)
{
    return n > MOST ? ts_global_pool(d, n, hw, c, x, y)
                    : total(d, n, hw, c, x, NULL, 1 / (double)hw, y);
}

static int multiply_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                         const void *x, void *ds)
{
    return n > MOST ? ts_multiply_back(d, n, hw, c, g, x, ds) : total(d, n, hw, c, x, g, 1, ds);
}

static int multiply(struct ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread,
                    const void *x, const void *factor, void *y)
{
    struct cuda_multiply s = {
        .x = x, .s = factor, .y = y, .n = n, .hw = hw, .c = (int)c, .spread = spread != 0};

    return launch(d, CUDA_multiply, over(n * hw, c), &s);
}

static int global_pool_back(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                            void *dx)
{
    struct cuda_multiply s = {
        .s = g, .y = dx, .factor = 1 / (double)hw, .n = n, .hw = hw, .c = (int)c, .spread = 1};

    return launch(d, CUDA_multiply, over(n * hw, c), &s);
}

static int window(struct ts_device *d, const struct ts_window *w, const void *x, void *y)
{
    struct cuda_window s = {.x = x,
                            .y = y,
                            .n = w->n,
                            .dh = (int)w->dh,
                            .dw = (int)w->dw,
                            .dc = (int)w->dc,
                            .sh = (int)w->sh,
                            .sw = (int)w->sw,
                            .sc = (int)w->sc,
                            .dst_h = (int)w->dst_h,
                            .dst_w = (int)w->dst_w,
                            .dst_c = (int)w->dst_c,
                            .src_h = (int)w->src_h,
                            .src_w = (int)w->src_w,
                            .src_c = (int)w->src_c,
                            .h = (int)w->h,
                            .w = (int)w->w,
                            .c = (int)w->c,
                            .clear = w->clear != 0};

    return launch(d, CUDA_window, over(w->n * w->dh * w->dw, w->dc), &s);
}

/* -- convolutions --------------------------------------------------------------------------------- */

/* In the numbers' own precision, one group, and images that 32 bits count. */
static uint32_t conv_takes(const struct ts_device *d, const struct ts_conv *s)
{
    int64_t most = INT32_MAX;

    return d->own_conv && (d->f64 || d->conv == TS_CONV_FULL) && s->groups == 1 &&
                   s->n * s->h * s->w < most && s->n * s->oh * s->ow < most &&
                   s->kh * s->kw * s->c < most && s->kh * s->kw * s->oc < most
               ? KERNELS_FORWARD | KERNELS_WEIGHTS | KERNELS_INPUT
               : 0;
}

static struct cuda_taps taps_of(const struct ts_conv *c)
{
    return (struct cuda_taps){.kh = (int)c->kh,
                              .kw = (int)c->kw,
                              .stride_h = (int)c->stride_h,
                              .stride_w = (int)c->stride_w,
                              .pad_h = (int)c->pad_h,
                              .pad_w = (int)c->pad_w,
                              .dilation_h = (int)c->dilation_h,
                              .dilation_w = (int)c->dilation_w};
}

/* A kernel's tile: how many rows and columns, and of how many threads. */
struct tile {
    int64_t rows, columns;
    unsigned int threads;
};

static int64_t tiles_of(const struct tile *t, int64_t rows, int64_t columns)
{
    return divide_up(rows, t->rows) * divide_up(columns, t->columns);
}

static size_t number(const struct ts_device *d)
{
    return d->f64 ? sizeof(double) : sizeof(float);
}

static void add_filters(struct cuda_filters *s, int64_t at, int64_t oc, int64_t c, int64_t taps)
{
    s->of[s->count].at = at;
    s->of[s->count].oc = (int)oc;
    s->of[s->count].c = (int)c;
    s->of[s->count++].taps = (int)taps;
}

static int turn(struct ts_device *d, struct cuda_filters *s)
{
    struct cuda_grid grid = {.blocks = {64, (unsigned int)s->count}, .threads = {CUDA_THREADS, 1}};
    int status = s->count ? launch(d, CUDA_filters, grid, s) : 0;

    s->count = 0;
    return status;
}

/* All convolutions' at once, into numbers beside the parameters. */
static int use_params(struct ts_device *d, const tcet_graph *g, const void *params, void *beside)
{
    struct cuda_filters s = {.w = params, .to = beside};
    int status = 0;

    d->params = d->filters = NULL;
    for (int32_t i = 0; i < g->module_count && status == 0; i++) {
        const tcet_graph_module *m = &g->modules[i];

        if (m->ndim != 4) /* convolutions, and those that are one backwards */
            continue;
        add_filters(&s, m->weight, m->shape[0], m->shape[1], m->shape[2] * m->shape[3]);
        if (s.count == CUDA_FILTERS)
            status = turn(d, &s);
    }
    if (status == 0)
        status = turn(d, &s);
    if (status != 0)
        return status;
    d->params = params;
    d->filters = beside;
    d->param_bytes = (size_t)g->param_floats * number(d);
    return 0;
}

/* The filters in the order that the kernels read; *own is what the caller frees, NULL where they are among all
 * parameters' or there is no memory (then the function gives NULL). */
static const void *filters_of(struct ts_device *d, const struct ts_conv *c, const void *w,
                              ts_tensor **own)
{
    uintptr_t at = (uintptr_t)w - (uintptr_t)d->params;
    struct cuda_filters s = {.w = w};

    *own = NULL;
    if (d->filters && at < d->param_bytes)
        return (const char *)d->filters + at;
    *own = ts_alloc(d, (size_t)(c->oc * c->c * c->kh * c->kw) * number(d), &s.to);
    if (!*own)
        return NULL;
    add_filters(&s, 0, c->oc, c->c, c->kh * c->kw);
    if (turn(d, &s) == 0)
        return s.to;
    ts_free(*own);
    *own = NULL;
    return NULL;
}

/* Of kernels.h's conv_forward and (back) conv_input: `s` has the extents as the kernel sees them. */
static int convolve(struct ts_device *d, const struct ts_conv *c, struct cuda_conv *s,
                    const void *w, int back)
{
    static const struct tile tile[] = {
        {256, 16, 256}, {128, 32, 256}, {64, 64, 256}, {128, 64, 128}};
    enum { ENOUGH = 264 }; /* blocks that keep a device busy */
    int64_t pixels = (int64_t)s->n * s->oh * s->ow;
    int k = s->oc <= 16                                                         ? 0
            : s->oc <= 32 || divide_up(s->oc, 64) * 64 * 4 > (int64_t)s->oc * 5 ? 1
                                                                                : 3;
    struct cuda_grid grid;
    ts_tensor *own;
    int status;

    if (k == 3 && (d->f64 || tiles_of(&tile[3], pixels, s->oc) < ENOUGH))
        k = 2; /* fewer registers, and more blocks */
    s->filters = filters_of(d, c, w, &own);
    if (!s->filters)
        return TCET_E_BACKEND;
    grid = (struct cuda_grid){.blocks = {(unsigned int)divide_up(pixels, tile[k].rows),
                                         (unsigned int)divide_up(s->oc, tile[k].columns)},
                              .threads = {tile[k].threads, 1}};
    status = launch(d, (enum cuda_kernel)((back ? CUDA_back_16 : CUDA_conv_16) + k), grid, s);
    ts_free(own); /* whose memory serves this stream alone, behind this kernel */
    return status;
}

static int conv_forward(struct ts_device *d, const struct ts_conv *c, const void *x, const void *w,
                        const void *bias, void *y)
{
    struct cuda_conv s = {.in = x,
                          .bias = bias,
                          .out = y,
                          .n = (int)c->n,
                          .ic = (int)c->c,
                          .ih = (int)c->h,
                          .iw = (int)c->w,
                          .oc = (int)c->oc,
                          .oh = (int)c->oh,
                          .ow = (int)c->ow,
                          .by = taps_of(c)};

    return convolve(d, c, &s, w, 0);
}

static int conv_input(struct ts_device *d, const struct ts_conv *c, const void *g, const void *w,
                      void *dx)
{
    struct cuda_conv s = {.in = g,
                          .out = dx,
                          .n = (int)c->n,
                          .ic = (int)c->oc,
                          .ih = (int)c->oh,
                          .iw = (int)c->ow,
                          .oc = (int)c->c,
                          .oh = (int)c->h,
                          .ow = (int)c->w,
                          .by = taps_of(c)};

    return convolve(d, c, &s, w, 1);
}

/* Splits of the pixels: so many that a device is busy, so few that each has some steps, and none so long that
 * float's sums lose digits. */
static int64_t splits_of(int64_t pixels, int64_t tiles)
{
    enum { BLOCKS = 1056, FEWEST = 128, LONGEST = 4096 };
    int64_t splits = least(divide_up(BLOCKS, tiles), divide_up(pixels, FEWEST));

    return splits > divide_up(pixels, LONGEST) ? splits : divide_up(pixels, LONGEST);
}

static int conv_weights(struct ts_device *d, const struct ts_conv *c, const void *g, const void *x,
                        void *dw)
{
    static const struct tile tile[] = {{16, 64, 64}, {32, 64, 128}, {64, 64, 256}, {64, 128, 128}};
    int64_t all = c->kh * c->kw * c->c, pixels = c->n * c->oh * c->ow, splits, tiles;
    struct cuda_weigh s = {.g = g,
                           .x = x,
                           .dw = dw,
                           .pixels = pixels,
                           .n = (int)c->n,
                           .c = (int)c->c,
                           .h = (int)c->h,
                           .w = (int)c->w,
                           .oc = (int)c->oc,
                           .oh = (int)c->oh,
                           .ow = (int)c->ow,
                           .by = taps_of(c)};
    int k = c->oc <= 16 ? 0 : c->oc <= 32 ? 1 : d->f64 || all < 128 ? 2 : 3, status;
    struct cuda_grid grid;
    ts_tensor *part;

    tiles = tiles_of(&tile[k], c->oc, all);
    splits = splits_of(pixels, tiles);
    s.each = divide_up(divide_up(pixels, splits), 16) * 16;
    s.splits = (int)divide_up(pixels, s.each);
    part = ts_alloc(d, (size_t)(s.splits * c->oc * all) * number(d), &s.part);
    if (!part)
        return TCET_E_MEMORY;
    grid = (struct cuda_grid){.blocks = {(unsigned int)tiles, (unsigned int)s.splits},
                              .threads = {tile[k].threads, 1}};
    status = launch(d, (enum cuda_kernel)(CUDA_weigh_16 + k), grid, &s);
    if (status == 0)
        status = launch(d, CUDA_add_parts, over(c->oc * all, 1), &s);
    ts_free(part);
    return status;
}

/* -- signs, losses, training ----------------------------------------------------------------- */

static int agreement(struct ts_device *d, const void *x, int64_t n, int64_t units, double *k,
                     double *positive)
{
    enum { WORDS = 64, PAIRS = CUDA_THREADS / 32 };
    struct cuda_agreement s = {.x = x,
                               .k = k,
                               .positive = positive,
                               .n = n,
                               .units = units,
                               .words = divide_up(units, 32)};
    struct cuda_grid grid = {.blocks = {(unsigned int)divide_up(s.words, WORDS), (unsigned int)n},
                             .threads = {WORDS, 1}};
    ts_tensor *bits;
    void *data = NULL;
    int status;

    if (n > MOST)
        return ts_agreement(d, x, n, units, k, positive);
    bits = ts_alloc(d, (size_t)(n * s.words) * sizeof *s.bits, &data);
    if (!bits)
        return TCET_E_MEMORY;
    s.bits = data;
    status = launch(d, CUDA_signs, grid, &s);
    grid = (struct cuda_grid){.blocks = {(unsigned int)n, (unsigned int)divide_up(n, PAIRS)},
                              .threads = {32, PAIRS}};
    if (status == 0)
        status = launch(d, CUDA_agree, grid, &s);
    ts_free(bits); /* whose memory serves this stream alone, behind these kernels */
    return status;
}

/* Numbers of the host's on the device; *out is the caller's to free. */
static int send(struct ts_device *d, const void *from, size_t bytes, ts_tensor **out, void **data)
{
    int status;

    *out = ts_alloc(d, bytes, data);
    if (!*out)
        return TCET_E_MEMORY;
    status = ts_to_device(d, *data, from, bytes);
    if (status != 0)
        ts_free(*out);
    return status;
}

static int loss(struct ts_device *d, const struct ts_loss *l, const void *z, void *g)
{
    struct cuda_loss s = {.z = z,
                          .g = g,
                          .temperature = l->temperature,
                          .share = l->temperature * (l->only < 0 ? (double)l->n : 1),
                          .n = l->n,
                          .only = l->only,
                          .c = (int)l->c};
    ts_tensor *labels;
    void *data;
    int status;

    if (l->kind != TS_LOSS_CLASS || l->hw != 1)
        return ts_loss_back(d, l, z, g);
    status = send(d, l->labels, (size_t)l->n * sizeof *l->labels, &labels, &data);
    if (status != 0)
        return status;
    s.labels = data;
    status = launch(d, CUDA_class_loss, sweep(l->n, 1, 1, MOST), &s);
    ts_free(labels);
    return status;
}

static int soft_loss(struct ts_device *d, const void *logits, const double *targets, int64_t n,
                     int64_t whole, int64_t c, void *g, double *result)
{
    struct cuda_loss s = {
        .z = logits, .g = g, .result = result, .share = (double)whole, .n = n, .c = (int)c};
    ts_tensor *t;
    void *data;
    int status = send(d, targets, (size_t)(n * c) * sizeof *targets, &t, &data);

    if (status != 0)
        return status;
    s.targets = data;
    status = launch(d, CUDA_soft_loss, sweep(n, 1, 1, 1), &s);
    ts_free(t);
    return status;
}

static int add_sums(struct ts_device *d, const double *sums, int64_t rows, int64_t c, void *out)
{
    struct cuda_add s = {.sums = sums, .out = out, .rows = rows, .c = c};

    return launch(d, CUDA_add_sums, sweep(c, 1, 1, MOST), &s);
}

static int update(struct ts_device *d, const struct ts_update *u)
{
    struct cuda_update s = {.w = u->w,
                            .first = u->first,
                            .second = u->second,
                            .g = u->g,
                            .decay = u->decay,
                            .lr = u->lr,
                            .wd = u->wd,
                            .momentum = u->momentum,
                            .beta1 = u->beta1,
                            .beta2 = u->beta2,
                            .eps = u->eps,
                            .unbias1 = u->unbias1,
                            .unbias2 = u->unbias2,
                            .count = u->count,
                            .adamw = u->adamw,
                            .nesterov = u->nesterov};

    return launch(d, CUDA_update, over(u->count, 1), &s);
}

static int average(struct ts_device *d, const void *x, int64_t count, double decay, void *mean)
{
    struct cuda_update s = {
        .w = (void *)(uintptr_t)x, .first = mean, .momentum = decay, .count = count};

    return launch(d, CUDA_average, over(count, 1), &s);
}

#define CUDA_TABLE(type)                                                                           \
    {                                                                                              \
        .name = "cuda", .f64 = (type), .load = ts_load, .to_nchw = ts_to_nchw,                     \
        .from_nchw = ts_from_nchw, .combine = combine, .gather = gather, .norm_train = norm_train, \
        .norm_eval = norm_eval, .norm_slope = norm_slope, .avg_pool = avg_pool,                    \
        .avg_pool_back = avg_pool_back, .max_pool = max_pool, .max_pool_back = max_pool_back,      \
        .global_pool = global_pool, .global_pool_back = global_pool_back, .plain = ts_plain_step,  \
        .multiply = multiply, .multiply_back = multiply_back, .window = window, .zero = ts_zero,   \
        .loss = loss, .soft_loss = soft_loss, .add_sums = add_sums, .clip = ts_clip,               \
        .update = update, .average = average, .agreement = agreement, .conv_takes = conv_takes,    \
        .conv_forward = conv_forward, .conv_weights = conv_weights, .conv_input = conv_input,      \
        .use_params = use_params,                                                                  \
    }

static const struct kernels cuda[2] = {CUDA_TABLE(0), CUDA_TABLE(1)};

const struct kernels *kernels_cuda(int32_t f64)
{
    return &cuda[f64 != 0];
}
