/* kernels_winograd.h -- 3 x 3 convolution of float images with less than half the
 * multiplications: Winograd's F(2 x 2, 3 x 3) (Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2015); included by kernels.c alone.
 *
 * Room: plugins/backend/torch.  An output tile of 2 x 2 pixels is A^T[(G w G^T) . (B^T x B)]A
 * with x its 4 x 4 inputs: 16 products a channel pair in place of 36.  BLOCK tiles at a time
 * are transformed, multiplied as 16 small matrix products that stay in cache, and transformed
 * back.  Input gradients are the same with turned filters; weight gradients its transpose,
 * G^T[(B^T x B) . (A g A^T)]G summed over tiles.  Every sum has one order, whatever the
 * vectors' width.  libtorch's convolution is the plain version that tests compare with. */

enum {
    POINTS = 16, /* of a transformed tile */
    BLOCK = 48   /* tiles: a multiple of ROWS_AT_ONCE */
};

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
    return (struct tiles){.h = h, .w = w, .c = c, .left = n * ((h + 1) / 2) * ((w + 1) / 2)};
}

static inline void tiles_next(struct tiles *t)
{
    t->left--;
    t->j += 2;
    if (t->j < t->w)
        return;
    t->j = 0;
    t->i += 2;
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

/* B^T x B of the next tiles, at most BLOCK: to[point][tile][c]; gives their number. */
static int64_t transform_input(struct tiles *t, const float *x, const float *outside, float *to)
{
    int64_t step = point_step(t->c), count = 0;

    for (; count < BLOCK && t->left > 0; count++, tiles_next(t)) {
        const float *pixel[POINTS];

        tile_pixels(t, x, t->i - 1, t->j - 1, 4, outside, pixel);
        for (int64_t c = 0; c < t->c; c += FWIDTH) {
            float *at = to + count * t->c + c;
            fvec m[4][4];

#pragma GCC unroll 4
            for (int q = 0; q < 4; q++) {
                fvec x0 = fvec_load(pixel[q] + c), x1 = fvec_load(pixel[4 + q] + c),
                     x2 = fvec_load(pixel[8 + q] + c), x3 = fvec_load(pixel[12 + q] + c);

                m[0][q] = x0 - x2;
                m[1][q] = x1 + x2;
                m[2][q] = x2 - x1;
                m[3][q] = x1 - x3;
            }
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                fvec_store(at + (4 * r) * step, m[r][0] - m[r][2]);
                fvec_store(at + (4 * r + 1) * step, m[r][1] + m[r][2]);
                fvec_store(at + (4 * r + 2) * step, m[r][2] - m[r][1]);
                fvec_store(at + (4 * r + 3) * step, m[r][1] - m[r][3]);
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
        const float *pixel[4];

        tile_pixels(t, g, t->i, t->j, 2, outside, pixel);
        for (int64_t c = 0; c < t->c; c += FWIDTH) {
            float *at = to + count * t->c + c;
            fvec m[4][2];

#pragma GCC unroll 2
            for (int q = 0; q < 2; q++) {
                fvec g0 = fvec_load(pixel[q] + c), g1 = fvec_load(pixel[2 + q] + c);

                m[0][q] = g0;
                m[1][q] = g0 + g1;
                m[2][q] = g0 - g1;
                m[3][q] = -g1;
            }
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                fvec_store(at + (4 * r) * step, m[r][0]);
                fvec_store(at + (4 * r + 1) * step, m[r][0] + m[r][1]);
                fvec_store(at + (4 * r + 2) * step, m[r][0] - m[r][1]);
                fvec_store(at + (4 * r + 3) * step, -m[r][1]);
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
        int right = t->j + 1 < t->w, below = t->i + 1 < t->h;

        for (int64_t c = 0; c < t->c; c += FWIDTH, to += FWIDTH) {
            const float *at = m + k * t->c + c;
            fvec start = bias ? fvec_load(bias + c) : fvec_all(0), s[2][4];

#pragma GCC unroll 4
            for (int q = 0; q < 4; q++) {
                fvec m0 = fvec_load(at + q * step), m1 = fvec_load(at + (4 + q) * step),
                     m2 = fvec_load(at + (8 + q) * step), m3 = fvec_load(at + (12 + q) * step);

                s[0][q] = m0 + m1 + m2;
                s[1][q] = m1 - m2 - m3;
            }
            fvec_store(to, s[0][0] + s[0][1] + s[0][2] + start);
            if (right)
                fvec_store(to + t->c, s[0][1] - s[0][2] - s[0][3] + start);
            if (below)
                fvec_store(to + t->w * t->c, s[1][0] + s[1][1] + s[1][2] + start);
            if (right && below)
                fvec_store(to + (t->w + 1) * t->c, s[1][1] - s[1][2] - s[1][3] + start);
        }
    }
}

/* G w G^T of filters [oc, c, 3, 3]: to[point][c][oc]; `back`: of the turned filters, channels
 * exchanged: to[point][oc][c]. */
static void transform_filters(const struct ts_conv *s, const float *w, int back, float *to)
{
    int64_t step = s->c * s->oc;

    for (int64_t o = 0; o < s->oc; o++) {
        for (int64_t c = 0; c < s->c; c++, w += 9) {
            float *at = to + (back ? o * s->c + c : c * s->oc + o);
            float m[4][3];

            for (int q = 0; q < 3; q++) {
                float w0 = w[back ? 8 - q : q], w1 = w[back ? 5 - q : 3 + q],
                      w2 = w[back ? 2 - q : 6 + q];

                m[0][q] = w0;
                m[1][q] = 0.5F * (w0 + w1 + w2);
                m[2][q] = 0.5F * (w0 - w1 + w2);
                m[3][q] = w2;
            }
            for (int r = 0; r < 4; r++) {
                at[(4 * r) * step] = m[r][0];
                at[(4 * r + 1) * step] = 0.5F * (m[r][0] + m[r][1] + m[r][2]);
                at[(4 * r + 2) * step] = 0.5F * (m[r][0] - m[r][1] + m[r][2]);
                at[(4 * r + 3) * step] = m[r][2];
            }
        }
    }
}

/* dw += G^T u G, from u[point][c][oc]. */
static void add_filter_gradient(const struct ts_conv *s, const float *u, float *dw)
{
    int64_t step = s->c * s->oc;

    for (int64_t o = 0; o < s->oc; o++) {
        for (int64_t c = 0; c < s->c; c++, dw += 9) {
            const float *at = u + c * s->oc + o;
            float m[3][4];

            for (int q = 0; q < 4; q++) {
                float u0 = at[q * step], u1 = at[(4 + q) * step], u2 = at[(8 + q) * step],
                      u3 = at[(12 + q) * step];

                m[0][q] = u0 + 0.5F * (u1 + u2);
                m[1][q] = 0.5F * (u1 - u2);
                m[2][q] = 0.5F * (u1 + u2) + u3;
            }
            for (int r = 0; r < 3; r++) {
                dw[3 * r] += m[r][0] + 0.5F * (m[r][1] + m[r][2]);
                dw[3 * r + 1] += 0.5F * (m[r][1] - m[r][2]);
                dw[3 * r + 2] += 0.5F * (m[r][1] + m[r][2]) + m[r][3];
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

/* The same with the filters w, turned and from outputs to inputs where `back`. */
static int winograd_filtered(struct ts_device *d, const struct ts_conv *s, const float *x,
                             const float *w, int back, const float *bias, float *y)
{
    float *u = float_memory(d, POINTS * s->c * s->oc);
    int status = TCET_E_MEMORY;

    if (u) {
        transform_filters(s, w, back, u);
        status = winograd_run(d, s, x, back ? s->oc : s->c, u, back ? s->c : s->oc, bias, y);
    }
    pool_put(u);
    return status;
}

static int winograd_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                            const void *w, const void *bias, void *y)
{
    return winograd_filtered(d, s, x, w, 0, bias, y);
}

static int winograd_input(struct ts_device *d, const struct ts_conv *s, const void *g,
                          const void *w, void *dx)
{
    return winograd_filtered(d, s, g, w, 1, NULL, dx);
}

static int winograd_weights(struct ts_device *d, const struct ts_conv *s, const void *g,
                            const void *x, void *dw)
{
    struct tiles in = tiles_of(s->n, s->h, s->w, s->c), out = tiles_of(s->n, s->h, s->w, s->oc);
    int64_t outside = s->c > s->oc ? s->c : s->oc, first = POINTS * point_step(s->c),
            second = POINTS * point_step(s->oc), count;
    float *v = float_memory(d, first + second + outside + POINTS * s->c * s->oc), *t, *none, *u;

    if (!v)
        return TCET_E_MEMORY;
    t = v + first;
    none = t + second;
    u = none + outside;
    memset(none, 0, (size_t)(outside + POINTS * s->c * s->oc) * sizeof *none);
    while ((count = transform_input(&in, x, none, v)) > 0) {
        transform_gradient(&out, g, none, t);
        multiply_gradients(v, t, count, s->c, s->oc, u);
    }
    add_filter_gradient(s, u, dw);
    pool_put(v);
    return 0;
}
