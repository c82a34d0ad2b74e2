/* kernels_conv.h -- convolution in double, which libtorch has only as im2col and a general
 * matrix product; included by kernels.c alone.
 *
 * Room: plugins/backend/torch.  A tile of up to TILE pixels by CHANNELS output channels stays
 * in registers while every window position and input channel is added to it.  Each sum runs
 * in the same order whatever the vectors' width.  Groups other than 1 stay with libtorch. */

#if defined(__AVX512F__)
typedef __m512d vec;
enum { WIDTH = 8 };
#define vec_load(p)      _mm512_loadu_pd(p)
#define vec_store(p, v)  _mm512_storeu_pd(p, v)
#define vec_all(x)       _mm512_set1_pd(x)
#define vec_fma(a, b, c) _mm512_fmadd_pd(a, b, c)
#elif defined(__AVX2__)
typedef __m256d vec;
enum { WIDTH = 4 };
#define vec_load(p)      _mm256_loadu_pd(p)
#define vec_store(p, v)  _mm256_storeu_pd(p, v)
#define vec_all(x)       _mm256_set1_pd(x)
#define vec_fma(a, b, c) _mm256_fmadd_pd(a, b, c)
#else
typedef double vec;
enum { WIDTH = 1 };
#define vec_load(p)      (*(p))
#define vec_store(p, v)  (*(p) = (v))
#define vec_all(x)       (x)
#define vec_fma(a, b, c) __builtin_fma(a, b, c)
#endif

enum { CHANNELS = 2 * WIDTH, TILE = WIDTH == 8 ? 8 : 4 };

/* acc[p] += sum over `count` steps of x[p * apart] times CHANNELS of w; x moves on by x_step,
 * w by w_step. */
#define TILE_LOOP(P)                                                                   \
    static inline __attribute__((always_inline)) void tile_##P(                        \
        vec acc[][2], const double *x, int64_t apart, int64_t x_step, const double *w, \
        int64_t w_step, int64_t count)                                                 \
    {                                                                                  \
        vec a[P][2];                                                                   \
                                                                                       \
        _Pragma("GCC unroll 8") for (int p = 0; p < (P); p++)                          \
        {                                                                              \
            a[p][0] = acc[p][0];                                                       \
            a[p][1] = acc[p][1];                                                       \
        }                                                                              \
        for (int64_t k = 0; k < count; k++, x += x_step, w += w_step) {                \
            vec w0 = vec_load(w), w1 = vec_load(w + WIDTH);                            \
                                                                                       \
            _Pragma("GCC unroll 8") for (int p = 0; p < (P); p++)                      \
            {                                                                          \
                vec v = vec_all(x[p * apart]);                                         \
                                                                                       \
                a[p][0] = vec_fma(v, w0, a[p][0]);                                     \
                a[p][1] = vec_fma(v, w1, a[p][1]);                                     \
            }                                                                          \
        }                                                                              \
        _Pragma("GCC unroll 8") for (int p = 0; p < (P); p++)                          \
        {                                                                              \
            acc[p][0] = a[p][0];                                                       \
            acc[p][1] = a[p][1];                                                       \
        }                                                                              \
    }

TILE_LOOP(8)
TILE_LOOP(4)
TILE_LOOP(2)
TILE_LOOP(1)

static inline void tile(vec acc[][2], int64_t size, const double *x, int64_t apart, int64_t x_step,
                        const double *w, int64_t w_step, int64_t count)
{
    switch (size) {
    case 8: tile_8(acc, x, apart, x_step, w, w_step, count); break;
    case 4: tile_4(acc, x, apart, x_step, w, w_step, count); break;
    case 2: tile_2(acc, x, apart, x_step, w, w_step, count); break;
    default: tile_1(acc, x, apart, x_step, w, w_step, count); break;
    }
}

/* The largest tile that fits into `rest`. */
static inline int64_t tile_size(int64_t rest)
{
    return rest >= TILE ? TILE : rest >= 4 ? 4 : rest >= 2 ? 2 : 1;
}

static int64_t channel_blocks(int64_t channels)
{
    return (channels + CHANNELS - 1) / CHANNELS;
}

/* A convolution of one image whose margins are in memory already. */
struct plane {
    int64_t c, row;     /* channels; numbers in a row of x */
    int64_t oh, ow, oc; /* output */
    int64_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
};

/* w[block][kh][kw][c][CHANNELS] */
static void plane_forward(const struct plane *s, const double *x, const double *w,
                          const double *bias, double *y)
{
    for (int64_t b = 0; b < channel_blocks(s->oc); b++, w += s->kh * s->kw * s->c * CHANNELS) {
        int64_t width = s->oc - b * CHANNELS < CHANNELS ? s->oc - b * CHANNELS : CHANNELS;
        double start[CHANNELS] = {0}, out[CHANNELS];

        if (bias)
            memcpy(start, bias + b * CHANNELS, (size_t)width * sizeof *start);
        for (int64_t i = 0; i < s->oh; i++) {
            int64_t size;

            for (int64_t j = 0; j < s->ow; j += size) {
                vec acc[TILE][2];
                const double *from = x + i * s->stride_h * s->row + j * s->stride_w * s->c;

                size = tile_size(s->ow - j);
                for (int64_t p = 0; p < size; p++) {
                    acc[p][0] = vec_load(start);
                    acc[p][1] = vec_load(start + WIDTH);
                }
                for (int64_t r = 0; r < s->kh; r++) {
                    for (int64_t q = 0; q < s->kw; q++)
                        tile(acc, size,
                             from + r * s->dilation_h * s->row + q * s->dilation_w * s->c,
                             s->stride_w * s->c, 1, w + (r * s->kw + q) * s->c * CHANNELS, CHANNELS,
                             s->c);
                }
                for (int64_t p = 0; p < size; p++) {
                    vec_store(out, acc[p][0]);
                    vec_store(out + WIDTH, acc[p][1]);
                    memcpy(y + (i * s->ow + j + p) * s->oc + b * CHANNELS, out,
                           (size_t)width * sizeof *out);
                }
            }
        }
    }
}

/* dw (as w above) += the image's part; g is [oh, ow, blocks * CHANNELS]. */
static void plane_weights(const struct plane *s, const double *x, const double *g, double *dw)
{
    int64_t blocks = channel_blocks(s->oc), wide = blocks * CHANNELS;

    for (int64_t b = 0; b < blocks; b++) {
        for (int64_t at = 0; at < s->kh * s->kw; at++) {
            const double *from =
                x + at / s->kw * s->dilation_h * s->row + at % s->kw * s->dilation_w * s->c;
            double *to = dw + (b * s->kh * s->kw + at) * s->c * CHANNELS;
            int64_t size;

            for (int64_t k = 0; k < s->c; k += size) {
                vec acc[TILE][2];

                size = tile_size(s->c - k);
                for (int64_t p = 0; p < size; p++) {
                    acc[p][0] = vec_load(to + (k + p) * CHANNELS);
                    acc[p][1] = vec_load(to + (k + p) * CHANNELS + WIDTH);
                }
                for (int64_t i = 0; i < s->oh; i++)
                    tile(acc, size, from + i * s->stride_h * s->row + k, 1, s->stride_w * s->c,
                         g + i * s->ow * wide + b * CHANNELS, wide, s->ow);
                for (int64_t p = 0; p < size; p++) {
                    vec_store(to + (k + p) * CHANNELS, acc[p][0]);
                    vec_store(to + (k + p) * CHANNELS + WIDTH, acc[p][1]);
                }
            }
        }
    }
}

/* Filters [oc, c, kh, kw] to the blocks of plane_forward; `back`: those of the transposed
 * convolution, channels exchanged and windows turned around. */
static void pack_filters(const struct ts_conv *s, const double *w, int back, double *to)
{
    int64_t in = back ? s->oc : s->c, out = back ? s->c : s->oc, area = s->kh * s->kw;

    memset(to, 0, (size_t)(channel_blocks(out) * CHANNELS * area * in) * sizeof *to);
    for (int64_t o = 0; o < s->oc; o++) {
        for (int64_t k = 0; k < s->c; k++, w += area) {
            int64_t from = back ? o : k, into = back ? k : o;
            double *first = to + (into / CHANNELS * area * in + from) * CHANNELS + into % CHANNELS;

            for (int64_t at = 0; at < area; at++)
                first[(back ? area - 1 - at : at) * in * CHANNELS] = w[at];
        }
    }
}

static void add_filters(const struct ts_conv *s, const double *from, double *dw)
{
    int64_t area = s->kh * s->kw;

    for (int64_t o = 0; o < s->oc; o++) {
        for (int64_t k = 0; k < s->c; k++, dw += area) {
            const double *first = from + (o / CHANNELS * area * s->c + k) * CHANNELS + o % CHANNELS;

            for (int64_t at = 0; at < area; at++)
                dw[at] += first[at * s->c * CHANNELS];
        }
    }
}

/* x[h, w, c] into the zeroed to[.., row]: pixel (i, j) to (top + i * step_h, left + j * step_w),
 * each `wide` numbers apart. */
static void spread_image(const double *x, int64_t h, int64_t w, int64_t c, double *to, int64_t row,
                         int64_t top, int64_t left, int64_t step_h, int64_t step_w, int64_t wide)
{
    for (int64_t i = 0; i < h; i++) {
        double *line = to + (top + i * step_h) * row + left * wide;

        if (step_w == 1 && wide == c) {
            memcpy(line, x + i * w * c, (size_t)(w * c) * sizeof *x);
            continue;
        }
        for (int64_t j = 0; j < w; j++)
            memcpy(line + j * step_w * wide, x + (i * w + j) * c, (size_t)c * sizeof *x);
    }
}

static double *zeros(struct ts_device *d, int64_t count)
{
    double *x = pool_get((size_t)count * sizeof *x);

    if (x)
        memset(x, 0, (size_t)count * sizeof *x);
    else
        out_of_memory(d);
    return x;
}

static int64_t reach_of(int64_t outputs, int64_t stride, int64_t kernel, int64_t dilation)
{
    return (outputs - 1) * stride + (kernel - 1) * dilation + 1;
}

/* The forward's plane, and the height of an image with its margins. */
static struct plane plane_of(const struct ts_conv *s, int64_t *height)
{
    int64_t width = reach_of(s->ow, s->stride_w, s->kw, s->dilation_w);

    *height = reach_of(s->oh, s->stride_h, s->kh, s->dilation_h);
    if (*height < s->pad_h + s->h)
        *height = s->pad_h + s->h;
    if (width < s->pad_w + s->w)
        width = s->pad_w + s->w;
    return (struct plane){.c = s->c,
                          .row = width * s->c,
                          .oh = s->oh,
                          .ow = s->ow,
                          .oc = s->oc,
                          .kh = s->kh,
                          .kw = s->kw,
                          .stride_h = s->stride_h,
                          .stride_w = s->stride_w,
                          .dilation_h = s->dilation_h,
                          .dilation_w = s->dilation_w};
}

static int conv_takes(const struct ts_conv *s)
{
    return s->groups == 1;
}

static int conv_forward(struct ts_device *d, const struct ts_conv *s, const void *x, const void *w,
                        const void *bias, void *y)
{
    int64_t height, area = s->kh * s->kw;
    struct plane p = plane_of(s, &height);
    double *padded = zeros(d, height * p.row);
    double *filters = zeros(d, channel_blocks(s->oc) * CHANNELS * area * s->c);
    int status = padded && filters ? 0 : TCET_E_MEMORY;

    if (status == 0)
        pack_filters(s, w, 0, filters);
    for (int64_t n = 0; n < s->n && status == 0; n++) {
        const double *image = (const double *)x + n * s->h * s->w * s->c;

        spread_image(image, s->h, s->w, s->c, padded, p.row, s->pad_h, s->pad_w, 1, 1, s->c);
        plane_forward(&p, padded, filters, bias, (double *)y + n * s->oh * s->ow * s->oc);
    }
    pool_put(padded);
    pool_put(filters);
    return status;
}

static int conv_weights(struct ts_device *d, const struct ts_conv *s, const void *g, const void *x,
                        void *dw)
{
    int64_t height, area = s->kh * s->kw, wide = channel_blocks(s->oc) * CHANNELS;
    struct plane p = plane_of(s, &height);
    double *padded = zeros(d, height * p.row), *sums = zeros(d, wide * area * s->c);
    double *lined = wide != s->oc ? zeros(d, s->oh * s->ow * wide) : NULL;
    int status = padded && sums && (lined || wide == s->oc) ? 0 : TCET_E_MEMORY;

    for (int64_t n = 0; n < s->n && status == 0; n++) {
        const double *image = (const double *)x + n * s->h * s->w * s->c;
        const double *from = (const double *)g + n * s->oh * s->ow * s->oc;

        spread_image(image, s->h, s->w, s->c, padded, p.row, s->pad_h, s->pad_w, 1, 1, s->c);
        if (lined) {
            spread_image(from, s->oh, s->ow, s->oc, lined, s->ow * wide, 0, 0, 1, 1, wide);
            from = lined;
        }
        plane_weights(&p, padded, from, sums);
    }
    if (status == 0)
        add_filters(s, sums, dw);
    pool_put(padded);
    pool_put(sums);
    pool_put(lined);
    return status;
}

/* dx: the gradient, its pixels `stride` apart among zeros, under the turned filters. */
static int conv_input(struct ts_device *d, const struct ts_conv *s, const void *g, const void *w,
                      void *dx)
{
    int64_t area = s->kh * s->kw;
    int64_t top = (s->kh - 1) * s->dilation_h - s->pad_h,
            left = (s->kw - 1) * s->dilation_w - s->pad_w;
    int64_t up = top < 0 ? -top : 0, aside = left < 0 ? -left : 0;
    int64_t height = up + reach_of(s->h, 1, s->kh, s->dilation_h);
    int64_t width = aside + reach_of(s->w, 1, s->kw, s->dilation_w);
    struct plane p = {.c = s->oc,
                      .oh = s->h,
                      .ow = s->w,
                      .oc = s->c,
                      .kh = s->kh,
                      .kw = s->kw,
                      .stride_h = 1,
                      .stride_w = 1,
                      .dilation_h = s->dilation_h,
                      .dilation_w = s->dilation_w};
    double *spread, *filters = zeros(d, channel_blocks(s->c) * CHANNELS * area * s->oc);
    int status;

    if (height < up + top + (s->oh - 1) * s->stride_h + 1)
        height = up + top + (s->oh - 1) * s->stride_h + 1;
    if (width < aside + left + (s->ow - 1) * s->stride_w + 1)
        width = aside + left + (s->ow - 1) * s->stride_w + 1;
    p.row = width * s->oc;
    spread = zeros(d, height * p.row);
    status = spread && filters ? 0 : TCET_E_MEMORY;
    if (status == 0)
        pack_filters(s, w, 1, filters);
    for (int64_t n = 0; n < s->n && status == 0; n++) {
        spread_image((const double *)g + n * s->oh * s->ow * s->oc, s->oh, s->ow, s->oc, spread,
                     p.row, up + top, aside + left, s->stride_h, s->stride_w, s->oc);
        plane_forward(&p, spread + up * p.row + aside * s->oc, filters, NULL,
                      (double *)dx + n * s->h * s->w * s->c);
    }
    pool_put(spread);
    pool_put(filters);
    return status;
}
