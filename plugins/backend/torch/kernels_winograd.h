/* kernels_winograd.h -- 3 x 3 convolution of float images with a quarter of the multiplications:
 * Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
 * 2015); included by kernels.c alone.
 *
 * Room: plugins/backend/torch.  An output tile of 4 x 4 pixels is A^T[(G w G^T) . (B^T x B)]A
 * with x its 6 x 6 inputs: 36 products a channel pair in place of 144.  BLOCK tiles at a time
 * are transformed, multiplied as 36 small matrix products that stay in cache, and transformed
 * back.  Input gradients are the same with turned filters; weight gradients its transpose,
 * G^T[(B^T x B) . (A g A^T)]G summed over tiles.
 *
 * The polynomials are taken at 0, +-P, +-Q and infinity.  P = 3/4 and Q = 3/2 are exact in all
 * the powers that occur and lose about one bit to the direct sum; the usual 1 and 2 lose two and
 * a half.  Every sum has one order, whatever the vectors' width.  libtorch's convolution is the
 * plain version that tests compare with. */

enum {
    SIDE = 4, /* pixels of an output tile, each way */
    SPAN = SIDE + 2,
    POINTS = SPAN * SPAN,
    TAPS = 9,
    BLOCK = 24 /* tiles: a multiple of ROWS_AT_ONCE */
};

#define P1 0.75F
#define Q1 1.5F
#define P2 (P1 * P1)
#define Q2 (Q1 * Q1)
#define P3 (P2 * P1)
#define Q3 (Q2 * Q1)
/* The interpolation's denominators at 0, P and Q. */
#define AT_0 (1 / (P2 * Q2))
#define AT_P (1 / (2 * P2 * (P2 - Q2)))
#define AT_Q (1 / (2 * Q2 * (Q2 - P2)))

static int winograd_takes(const struct ts_conv *s)
{
    return s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->pad_h == 1 &&
           s->pad_w == 1 && s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1 &&
           s->c % UNIT == 0 && s->oc % UNIT == 0;
}

/* Images and the walk over their tiles, row by row. */
struct tiles {
    int64_t h, w, c;
    int64_t left;    /* tiles still to come */
    int64_t n, i, j; /* the next one: image, row and column of its first pixel */
};

static struct tiles tiles_of(int64_t n, int64_t h, int64_t w, int64_t c)
{
    return (struct tiles){
        .h = h, .w = w, .c = c, .left = n * ((h + SIDE - 1) / SIDE) * ((w + SIDE - 1) / SIDE)};
}

static inline void tiles_next(struct tiles *t)
{
    t->left--;
    t->j += SIDE;
    if (t->j < t->w)
        return;
    t->j = 0;
    t->i += SIDE;
    if (t->i < t->h)
        return;
    t->i = 0;
    t->n++;
}

/* Pixels of rows [i, i + rows) and columns [j, j + rows) of the walk's image; those outside it
 * are `outside`. */
static inline __attribute__((always_inline)) void tile_pixels(const struct tiles *t, const float *x,
                                                              int64_t i, int64_t j, int rows,
                                                              const float *outside,
                                                              const float **pixel)
{
    int64_t line = t->w * t->c;
    const float *first = x + ((t->n * t->h + i) * t->w + j) * t->c;

    if (i >= 0 && j >= 0 && i + rows <= t->h && j + rows <= t->w) {
        for (int r = 0; r < rows; r++) {
            for (int q = 0; q < rows; q++)
                pixel[r * rows + q] = first + r * line + q * t->c;
        }
        return;
    }
    for (int r = 0; r < rows; r++) {
        for (int q = 0; q < rows; q++) {
            int inside = i + r >= 0 && i + r < t->h && j + q >= 0 && j + q < t->w;

            pixel[r * rows + q] = inside ? first + r * line + q * t->c : outside;
        }
    }
}

/* Numbers between two points of a block; the odd end keeps them off one set of the cache. */
static int64_t point_step(int64_t channels)
{
    return BLOCK * channels + UNIT;
}

/* B^T x, A y, A^T m, G w and G^T u of a column. */

static inline __attribute__((always_inline)) void input_column(const fvec *x, fvec *to)
{
    fvec even_p = fvec_fma(fvec_all(-Q2), x[2], x[4]), odd_p = fvec_fma(fvec_all(-Q2), x[1], x[3]),
         even_q = fvec_fma(fvec_all(-P2), x[2], x[4]), odd_q = fvec_fma(fvec_all(-P2), x[1], x[3]);

    to[0] = fvec_fma(fvec_all(P2 * Q2), x[0], fvec_fma(fvec_all(-P2 - Q2), x[2], x[4]));
    to[1] = fvec_fma(fvec_all(P1), odd_p, even_p);
    to[2] = fvec_fma(fvec_all(-P1), odd_p, even_p);
    to[3] = fvec_fma(fvec_all(Q1), odd_q, even_q);
    to[4] = fvec_fma(fvec_all(-Q1), odd_q, even_q);
    to[5] = fvec_fma(fvec_all(P2 * Q2), x[1], fvec_fma(fvec_all(-P2 - Q2), x[3], x[5]));
}

static inline __attribute__((always_inline)) void spread_column(const fvec *y, fvec *to)
{
    fvec even_p = fvec_fma(fvec_all(P2), y[2], y[0]), odd_p = fvec_fma(fvec_all(P2), y[3], y[1]),
         even_q = fvec_fma(fvec_all(Q2), y[2], y[0]), odd_q = fvec_fma(fvec_all(Q2), y[3], y[1]);

    to[0] = y[0];
    to[1] = fvec_fma(fvec_all(P1), odd_p, even_p);
    to[2] = fvec_fma(fvec_all(-P1), odd_p, even_p);
    to[3] = fvec_fma(fvec_all(Q1), odd_q, even_q);
    to[4] = fvec_fma(fvec_all(-Q1), odd_q, even_q);
    to[5] = y[3];
}

static inline __attribute__((always_inline)) void output_column(const fvec *m, fvec *to)
{
    fvec even_p = m[1] + m[2], odd_p = m[1] - m[2], even_q = m[3] + m[4], odd_q = m[3] - m[4];

    to[0] = m[0] + even_p + even_q;
    to[1] = fvec_fma(fvec_all(P1), odd_p, fvec_all(Q1) * odd_q);
    to[2] = fvec_fma(fvec_all(P2), even_p, fvec_all(Q2) * even_q);
    to[3] = fvec_fma(fvec_all(P3), odd_p, fvec_fma(fvec_all(Q3), odd_q, m[5]));
}

static inline __attribute__((always_inline)) void filter_column(const fvec *w, fvec *to)
{
    fvec even_p = fvec_all(AT_P) * fvec_fma(fvec_all(P2), w[2], w[0]),
         even_q = fvec_all(AT_Q) * fvec_fma(fvec_all(Q2), w[2], w[0]);

    to[0] = fvec_all(AT_0) * w[0];
    to[1] = fvec_fma(fvec_all(P1 * AT_P), w[1], even_p);
    to[2] = fvec_fma(fvec_all(-P1 * AT_P), w[1], even_p);
    to[3] = fvec_fma(fvec_all(Q1 * AT_Q), w[1], even_q);
    to[4] = fvec_fma(fvec_all(-Q1 * AT_Q), w[1], even_q);
    to[5] = w[2];
}

static inline __attribute__((always_inline)) void gradient_column(const fvec *u, fvec *to)
{
    fvec even_p = fvec_all(AT_P) * (u[1] + u[2]), odd_p = fvec_all(P1 * AT_P) * (u[1] - u[2]),
         even_q = fvec_all(AT_Q) * (u[3] + u[4]), odd_q = fvec_all(Q1 * AT_Q) * (u[3] - u[4]);

    to[0] = fvec_fma(fvec_all(AT_0), u[0], even_p + even_q);
    to[1] = odd_p + odd_q;
    to[2] = fvec_fma(fvec_all(P2), even_p, fvec_fma(fvec_all(Q2), even_q, u[5]));
}

/* B^T x B of the next tiles, at most BLOCK: to[point][tile][c]; gives their number. */
static int64_t transform_input(struct tiles *t, const float *x, const float *outside, float *to)
{
    int64_t step = point_step(t->c), count = 0;

    for (; count < BLOCK && t->left > 0; count++, tiles_next(t)) {
        const float *pixel[POINTS];

        tile_pixels(t, x, t->i - 1, t->j - 1, SPAN, outside, pixel);
        for (int64_t c = 0; c < t->c; c += FWIDTH) {
            float *at = to + count * t->c + c;
            fvec m[SPAN][SPAN];

#pragma GCC unroll 6
            for (int r = 0; r < SPAN; r++) {
                fvec row[SPAN];

#pragma GCC unroll 6
                for (int q = 0; q < SPAN; q++)
                    row[q] = fvec_load(pixel[SPAN * r + q] + c);
                input_column(row, m[r]);
            }
#pragma GCC unroll 6
            for (int q = 0; q < SPAN; q++) {
                fvec column[SPAN], v[SPAN];

#pragma GCC unroll 6
                for (int r = 0; r < SPAN; r++)
                    column[r] = m[r][q];
                input_column(column, v);
#pragma GCC unroll 6
                for (int r = 0; r < SPAN; r++)
                    fvec_store(at + (SPAN * r + q) * step, v[r]);
            }
        }
    }
    return count;
}

/* A g A^T of the next tiles: to[point][tile][c]. */
static int64_t transform_gradient(struct tiles *t, const float *g, const float *outside, float *to)
{
    int64_t step = point_step(t->c), count = 0;

    for (; count < BLOCK && t->left > 0; count++, tiles_next(t)) {
        const float *pixel[SIDE * SIDE];

        tile_pixels(t, g, t->i, t->j, SIDE, outside, pixel);
        for (int64_t c = 0; c < t->c; c += FWIDTH) {
            float *at = to + count * t->c + c;
            fvec m[SIDE][SPAN];

#pragma GCC unroll 4
            for (int r = 0; r < SIDE; r++) {
                fvec row[SIDE];

#pragma GCC unroll 4
                for (int q = 0; q < SIDE; q++)
                    row[q] = fvec_load(pixel[SIDE * r + q] + c);
                spread_column(row, m[r]);
            }
#pragma GCC unroll 6
            for (int q = 0; q < SPAN; q++) {
                fvec column[SIDE], v[SPAN];

#pragma GCC unroll 4
                for (int r = 0; r < SIDE; r++)
                    column[r] = m[r][q];
                spread_column(column, v);
#pragma GCC unroll 6
                for (int r = 0; r < SPAN; r++)
                    fvec_store(at + (SPAN * r + q) * step, v[r]);
            }
        }
    }
    return count;
}

/* A^T m A + bias of the next `count` tiles of the walk over y. */
static void transform_output(struct tiles *t, const float *m, int64_t count, const float *bias,
                             float *y)
{
    int64_t step = point_step(t->c);

    for (int64_t k = 0; k < count; k++, tiles_next(t)) {
        float *to = y + ((t->n * t->h + t->i) * t->w + t->j) * t->c;
        int64_t rows = t->h - t->i, columns = t->w - t->j;

        for (int64_t c = 0; c < t->c; c += FWIDTH, to += FWIDTH) {
            const float *at = m + k * t->c + c;
            fvec start = bias ? fvec_load(bias + c) : fvec_all(0), s[SIDE][SPAN];

#pragma GCC unroll 6
            for (int q = 0; q < SPAN; q++) {
                fvec column[SPAN], v[SIDE];

#pragma GCC unroll 6
                for (int r = 0; r < SPAN; r++)
                    column[r] = fvec_load(at + (SPAN * r + q) * step);
                output_column(column, v);
#pragma GCC unroll 4
                for (int r = 0; r < SIDE; r++)
                    s[r][q] = v[r];
            }
#pragma GCC unroll 4
            for (int r = 0; r < SIDE; r++) {
                fvec v[SIDE];

                output_column(s[r], v);
#pragma GCC unroll 4
                for (int q = 0; q < SIDE; q++) {
                    if (r < rows && q < columns)
                        fvec_store(to + (r * t->w + q) * t->c, v[q] + start);
                }
            }
        }
    }
}

/* G w G^T of filters [in, TAPS, out]: to[point][in][out]; `turned`: by half a turn. */
static void transform_filters(const float *w, int64_t in, int64_t out, int turned, float *to)
{
    for (int64_t i = 0; i < in; i++, w += TAPS * out) {
        for (int64_t k = 0; k < out; k += FWIDTH) {
            float *at = to + i * out + k;
            fvec m[3][SPAN];

            for (int r = 0; r < 3; r++) {
                fvec row[3];

                for (int q = 0; q < 3; q++) {
                    int tap = 3 * r + q;

                    row[q] = fvec_load(w + (turned ? TAPS - 1 - tap : tap) * out + k);
                }
                filter_column(row, m[r]);
            }
            for (int q = 0; q < SPAN; q++) {
                fvec column[3] = {m[0][q], m[1][q], m[2][q]}, v[SPAN];

                filter_column(column, v);
                for (int r = 0; r < SPAN; r++)
                    fvec_store(at + (SPAN * r + q) * in * out, v[r]);
            }
        }
    }
}

/* to[c, TAPS, oc] = G^T u G, from u[point][c][oc]. */
static void filter_gradient(const float *u, int64_t c, int64_t oc, float *to)
{
    for (int64_t i = 0; i < c; i++, to += TAPS * oc) {
        for (int64_t k = 0; k < oc; k += FWIDTH) {
            fvec m[SPAN][3];

            for (int r = 0; r < SPAN; r++) {
                fvec row[SPAN];

                for (int q = 0; q < SPAN; q++)
                    row[q] = fvec_load(u + ((SPAN * r + q) * c + i) * oc + k);
                gradient_column(row, m[r]);
            }
            for (int q = 0; q < 3; q++) {
                fvec column[SPAN], v[3];

                for (int r = 0; r < SPAN; r++)
                    column[r] = m[r][q];
                gradient_column(column, v);
                for (int r = 0; r < 3; r++)
                    fvec_store(to + (3 * r + q) * oc + k, v[r]);
            }
        }
    }
}

/* Tiles times filters, point by point: m[point][tile][out] from v[point][tile][in] and
 * u[point][in][out]; whole groups of tiles, so the rows after the last one must be numbers. */
static void multiply_tiles(const float *v, const float *u, int64_t tiles, int64_t in, int64_t out,
                           float *m)
{
    int64_t rows = (tiles + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE * ROWS_AT_ONCE;

    for (int64_t p = 0; p < POINTS; p++)
        multiply_rows(v + p * point_step(in), rows, in, u + p * in * out, out,
                      m + p * point_step(out), 0);
}

/* u[point][c][oc] += tiles of the input, transposed, times those of the gradient. */
static void multiply_gradients(const float *v, const float *g, int64_t tiles, int64_t c, int64_t oc,
                               float *u)
{
    for (int64_t p = 0; p < POINTS; p++)
        multiply_columns(v + p * point_step(c), tiles, c, g + p * point_step(oc), oc,
                         u + p * c * oc);
}

/* Zeros for the rows between the last of `tiles` tiles and the end of its group. */
static void fill_group(float *v, int64_t tiles, int64_t channels)
{
    int64_t rest = (ROWS_AT_ONCE - tiles % ROWS_AT_ONCE) % ROWS_AT_ONCE;

    for (int64_t p = 0; p < POINTS && rest > 0; p++)
        memset(v + p * point_step(channels) + tiles * channels, 0,
               (size_t)(rest * channels) * sizeof *v);
}

/* y[.., out] = x[.., in] under the filters u[point][in][out] */
static int winograd_run(struct ts_device *d, const struct ts_conv *s, const float *x, int64_t in,
                        const float *u, int64_t out, const float *bias, float *y)
{
    struct tiles from = tiles_of(s->n, s->h, s->w, in), to = tiles_of(s->n, s->h, s->w, out);
    int64_t first = POINTS * point_step(in), count;
    float *v = float_memory(d, first + in + POINTS * point_step(out)), *outside, *m;

    if (!v)
        return TCET_E_MEMORY;
    outside = v + first;
    m = outside + in;
    memset(outside, 0, (size_t)in * sizeof *outside);
    while ((count = transform_input(&from, x, outside, v)) > 0) {
        fill_group(v, count, in);
        multiply_tiles(v, u, count, in, out, m);
        transform_output(&to, m, count, bias, y);
    }
    pool_put(v);
    return 0;
}

static int winograd_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                            const void *w, const void *bias, void *y)
{
    int64_t size = s->c * s->oc;
    float *u = float_memory(d, (POINTS + TAPS) * size), *sorted;
    int status = TCET_E_MEMORY;

    if (u) {
        sorted = u + POINTS * size;
        transpose_float(w, s->oc, s->c * TAPS, sorted);
        transform_filters(sorted, s->c, s->oc, 0, u);
        status = winograd_run(d, s, x, s->c, u, s->oc, bias, y);
    }
    pool_put(u);
    return status;
}

static int winograd_input(struct ts_device *d, const struct ts_conv *s, const void *g,
                          const void *w, void *dx)
{
    int64_t size = s->c * s->oc;
    float *u = float_memory(d, (POINTS + TAPS) * size), *sorted;
    int status = TCET_E_MEMORY;

    if (u) {
        sorted = u + POINTS * size;
        for (int64_t o = 0; o < s->oc; o++)
            transpose_float((const float *)w + o * s->c * TAPS, s->c, TAPS,
                            sorted + o * s->c * TAPS);
        transform_filters(sorted, s->oc, s->c, 1, u);
        status = winograd_run(d, s, g, s->oc, u, s->c, NULL, dx);
    }
    pool_put(u);
    return status;
}

static int winograd_weights(struct ts_device *d, const struct ts_conv *s, const void *g,
                            const void *x, void *dw)
{
    struct tiles in = tiles_of(s->n, s->h, s->w, s->c), out = tiles_of(s->n, s->h, s->w, s->oc);
    int64_t outside = s->c > s->oc ? s->c : s->oc, first = POINTS * point_step(s->c),
            second = POINTS * point_step(s->oc), size = s->c * s->oc, count;
    float *v = float_memory(d, first + second + outside + (POINTS + 2 * TAPS) * size), *t, *none,
          *u, *sorted, *turned;

    if (!v)
        return TCET_E_MEMORY;
    t = v + first;
    none = t + second;
    u = none + outside;
    sorted = u + POINTS * size;
    turned = sorted + TAPS * size;
    memset(none, 0, (size_t)(outside + POINTS * size) * sizeof *none);
    while ((count = transform_input(&in, x, none, v)) > 0) {
        transform_gradient(&out, g, none, t);
        multiply_gradients(v, t, count, s->c, s->oc, u);
    }
    filter_gradient(u, s->c, s->oc, sorted);
    transpose_float(sorted, s->c * TAPS, s->oc, turned);
    for (int64_t i = 0; i < TAPS * size; i++)
        ((float *)dw)[i] += turned[i];
    pool_put(v);
    return 0;
}
