/* kernels_type.h -- the kernels for one type, NUM; included by kernels.c alone.
 * Room: plugins/backend/torch. */

static int OF(load)(struct ts_device *d, const float *x, int64_t n, int64_t c, int64_t hw,
                    void *out)
{
    NUM *y = out;

    (void)d;
    for (int64_t i = 0; i < n; i++, x += c * hw, y += c * hw) {
        for (int64_t k = 0; k < c; k++) {
            for (int64_t p = 0; p < hw; p++)
                y[p * c + k] = (NUM)x[k * hw + p];
        }
    }
    return 0;
}

/* out[cols, rows] = x[rows, cols]^T, in tiles that keep both sides in cache. */
static void OF(transpose)(const NUM *x, int64_t rows, int64_t cols, NUM *out)
{
    enum { TILE = 32 };

    for (int64_t r0 = 0; r0 < rows; r0 += TILE) {
        int64_t r1 = r0 + TILE < rows ? r0 + TILE : rows;

        for (int64_t c0 = 0; c0 < cols; c0 += TILE) {
            int64_t c1 = c0 + TILE < cols ? c0 + TILE : cols;

            for (int64_t k = c0; k < c1; k++) {
                for (int64_t r = r0; r < r1; r++)
                    out[k * rows + r] = x[r * cols + k];
            }
        }
    }
}

static int OF(to_nchw)(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw,
                       void *out)
{
    (void)d;
    for (int64_t i = 0; i < n; i++)
        OF(transpose)((const NUM *)x + i * c * hw, hw, c, (NUM *)out + i * c * hw);
    return 0;
}

static int OF(from_nchw)(struct ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw,
                         void *out)
{
    (void)d;
    for (int64_t i = 0; i < n; i++)
        OF(transpose)((const NUM *)x + i * c * hw, c, hw, (NUM *)out + i * c * hw);
    return 0;
}

/* Signs of x[count] to bits from position `at` of bits on; bits begin zeroed where a word is
 * shared with an earlier block. */
static void OF(pack_block)(const NUM *x, int64_t count, uint64_t *bits, int64_t at)
{
    int64_t i = 0;

    if (at % 64 == 0) {
        for (; i + 64 <= count; i += 64)
            bits[(at + i) / 64] = OF(signs)(x + i);
    }
    for (; i < count; i++) {
        int64_t u = at + i;
        uint64_t one = (uint64_t)(x[i] > 0) << (u % 64);

        bits[u / 64] = u % 64 ? bits[u / 64] | one : one;
    }
}

static void OF(pack)(const void *x, int64_t n, int64_t units, uint64_t *bits)
{
    for (int64_t i = 0; i < n; i++)
        OF(pack_block)((const NUM *)x + i * units, units, bits + i * kernels_words(units), 0);
}

/* A per-channel vector repeated to fill a block. */
static void OF(repeat)(const NUM *v, NUM otherwise, int64_t c, int64_t block, NUM *out)
{
    for (int64_t i = 0; i < block; i += c) {
        for (int64_t k = 0; k < c; k++)
            out[i + k] = v ? v[k] : otherwise;
    }
}

/* y = a x + b, or the sum of two or three such lines, over one block.  `add`: on top of y. */
static void OF(lines)(NUM *y, const NUM *const *x, const NUM *ab, int32_t terms, int64_t block,
                      int64_t count, int add)
{
    const NUM *x0 = x[0], *a0 = ab, *b0 = ab + block, *x1, *a1, *b1, *x2, *a2, *b2;

    if (terms == 1) {
        if (add) {
            INDEPENDENT
            for (int64_t i = 0; i < count; i++)
                y[i] += FMA(a0[i], x0[i], b0[i]);
        } else {
            INDEPENDENT
            for (int64_t i = 0; i < count; i++)
                y[i] = FMA(a0[i], x0[i], b0[i]);
        }
        return;
    }
    x1 = x[1];
    a1 = ab + 2 * block;
    b1 = ab + 3 * block;
    if (terms == 2) {
        if (add) {
            INDEPENDENT
            for (int64_t i = 0; i < count; i++)
                y[i] = y[i] + FMA(a0[i], x0[i], b0[i]) + FMA(a1[i], x1[i], b1[i]);
        } else {
            INDEPENDENT
            for (int64_t i = 0; i < count; i++)
                y[i] = FMA(a0[i], x0[i], b0[i]) + FMA(a1[i], x1[i], b1[i]);
        }
        return;
    }
    x2 = x[2];
    a2 = ab + 4 * block;
    b2 = ab + 5 * block;
    if (add) {
        INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            y[i] = y[i] + FMA(a0[i], x0[i], b0[i]) + FMA(a1[i], x1[i], b1[i]) +
                   FMA(a2[i], x2[i], b2[i]);
    } else {
        INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            y[i] = FMA(a0[i], x0[i], b0[i]) + FMA(a1[i], x1[i], b1[i]) + FMA(a2[i], x2[i], b2[i]);
    }
}

/* y may be x. */
static inline void OF(rectify)(const NUM *x, int64_t count, NUM *y)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] < 0 ? 0 : x[i]; /* NaN stays */
}

/* A block buffer of `rows` rows. */
static NUM *OF(rows)(struct ts_device *d, int64_t rows, int64_t block)
{
    NUM *x = pool_get((size_t)(rows * block) * sizeof *x);

    if (!x)
        out_of_memory(d);
    return x;
}

static int OF(combine)(struct ts_device *d, const struct ts_term *t, int32_t count, int64_t n,
                       int64_t hw, int64_t c, void *raw, void *act, uint64_t *bits)
{
    int64_t block = block_of(c), each = hw * c, words = kernels_words(each);
    NUM *table = OF(rows)(d, 2 * count + 1, block);

    if (!table)
        return TCET_E_MEMORY;
    for (int32_t k = 0; k < count; k++) {
        OF(repeat)(t[k].a, 1, c, block, table + 2 * k * block);
        OF(repeat)(t[k].b, 0, c, block, table + (2 * k + 1) * block);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t o = 0; o < each; o += block) {
            int64_t len = each - o < block ? each - o : block, at = i * each + o;
            NUM *sum = raw ? (NUM *)raw + at : act ? (NUM *)act + at : table + 2 * count * block;

            /* before sum is written: it may be the x of a term */
            for (int32_t k = 0; k < count; k++) {
                if (t[k].bits)
                    OF(pack_block)((const NUM *)t[k].x + at, len, t[k].bits + i * words, o);
            }
            if (count == 0)
                memset(sum, 0, (size_t)len * sizeof *sum);
            for (int32_t k = 0; k < count; k += 3) {
                int32_t terms = count - k < 3 ? count - k : 3;
                const NUM *x[3];

                for (int32_t p = 0; p < terms; p++)
                    x[p] = (const NUM *)t[k + p].x + at;
                OF(lines)(sum, x, table + 2 * k * block, terms, block, len, k > 0);
            }
            if (bits)
                OF(pack_block)(sum, len, bits + i * words, o);
            if (act)
                OF(rectify)(sum, len, (NUM *)act + at);
        }
    }
    pool_put(table);
    return 0;
}

/* Adds the lanes of acc to total, channel by channel, and clears them. */
static void OF(flush)(NUM *acc, int64_t block, int64_t c, double *total)
{
    for (int64_t i = 0; i < block; i += c) {
        for (int64_t k = 0; k < c; k++) {
            total[k] += (double)acc[i + k];
            acc[i + k] = 0;
        }
    }
}

/* y = the first where mask > 0, plus the others */
static inline void OF(masked)(NUM *restrict y, const NUM *restrict x, const NUM *restrict mask,
                              int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = mask[i] > 0 ? x[i] : 0;
}

static inline void OF(masked_pair)(NUM *restrict y, const NUM *restrict x0, const NUM *restrict x1,
                                   const NUM *restrict mask, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = mask[i] > 0 ? x0[i] + x1[i] : 0;
}

static inline void OF(add_masked)(NUM *restrict y, const NUM *restrict x, const NUM *restrict mask,
                                  int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] += mask[i] > 0 ? x[i] : 0;
}

static inline void OF(pair)(NUM *restrict y, const NUM *restrict x0, const NUM *restrict x1,
                            int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x0[i] + x1[i];
}

static inline void OF(add_to)(NUM *restrict sum, const NUM *restrict x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += x[i];
}

/* acc1 += g; acc2 += g (x - mean) */
static inline void OF(add_product)(NUM *restrict acc1, NUM *restrict acc2, const NUM *restrict g,
                                   const NUM *restrict x, const NUM *restrict mean, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        acc1[i] += g[i];
        acc2[i] = FMA(g[i], x[i] - mean[i], acc2[i]);
    }
}

/* Two products; acc2 and mean of the second follow those of the first. */
static inline void OF(add_products)(NUM *restrict acc2, const NUM *restrict g,
                                    const NUM *restrict x0, const NUM *restrict x1,
                                    const NUM *restrict mean, int64_t block, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        acc2[i] = FMA(g[i], x0[i] - mean[i], acc2[i]);
        acc2[i + block] = FMA(g[i], x1[i] - mean[i + block], acc2[i + block]);
    }
}

static int OF(gather)(struct ts_device *d, const void *const *plain, int32_t plain_count,
                      const void *const *masked, int32_t masked_count, const void *mask,
                      int64_t pixels, int64_t c, void *out, double *s1, const struct ts_sum *sums,
                      int32_t sum_count)
{
    int64_t block = block_of(c), total = pixels * c, done = 0;
    NUM *table = OF(rows)(d, 2 * sum_count + 2, block), *acc1, *mean, *acc2;

    if (!table)
        return TCET_E_MEMORY;
    acc1 = table + block;
    mean = table + 2 * block;
    acc2 = mean + sum_count * block;
    memset(acc1, 0, (size_t)block * sizeof *acc1);
    memset(acc2, 0, (size_t)(block * sum_count) * sizeof *acc2);
    if (s1)
        memset(s1, 0, (size_t)c * sizeof *s1);
    for (int32_t k = 0; k < sum_count; k++) {
        OF(repeat)(sums[k].mean, 0, c, block, mean + k * block);
        memset(sums[k].s2, 0, (size_t)c * sizeof *sums[k].s2);
    }
    for (int64_t o = 0; o < total; o += block) {
        int64_t len = total - o < block ? total - o : block;
        NUM *sum = out ? (NUM *)out + o : table;
        const NUM *g = sum, *gate = (const NUM *)mask + o;
        int32_t p = 0;

        if (masked_count > 1) {
            OF(masked_pair)(sum, (const NUM *)masked[0] + o, (const NUM *)masked[1] + o, gate, len);
            for (int32_t k = 2; k < masked_count; k++)
                OF(add_masked)(sum, (const NUM *)masked[k] + o, gate, len);
        } else if (masked_count == 1) {
            OF(masked)(sum, (const NUM *)masked[0] + o, gate, len);
        } else if (plain_count > 1) {
            OF(pair)(sum, (const NUM *)plain[0] + o, (const NUM *)plain[1] + o, len);
            p = 2;
        } else {
            g = (const NUM *)plain[0] + o;
            p = 1;
        }
        for (; p < plain_count; p++)
            OF(add_to)(sum, (const NUM *)plain[p] + o, len);
        int32_t k = sum_count & 1;

        if (k)
            OF(add_product)(acc1, acc2, g, (const NUM *)sums[0].x + o, mean, len);
        else if (s1)
            OF(add_to)(acc1, g, len);
        for (; k < sum_count; k += 2)
            OF(add_products)
        (acc2 + k * block, g, (const NUM *)sums[k].x + o, (const NUM *)sums[k + 1].x + o,
         mean + k * block, block, len);
        if (out && g != sum)
            memcpy(sum, g, (size_t)len * sizeof *g);
        if (++done % FLUSH == 0 || o + block >= total) {
            if (s1)
                OF(flush)(acc1, block, c, s1);
            for (int32_t k = 0; k < sum_count; k++)
                OF(flush)(acc2 + k * block, block, c, sums[k].s2);
        }
    }
    pool_put(table);
    return 0;
}

static void OF(norm_lines)(int64_t c, const struct ts_norm *s)
{
    const NUM *gamma = s->gamma, *beta = s->beta, *mean = s->mean, *invstd = s->invstd;
    NUM *a = s->a, *b = s->b;

    for (int64_t k = 0; k < c; k++) {
        a[k] = gamma ? gamma[k] * invstd[k] : invstd[k];
        b[k] = FMA(-mean[k], a[k], beta ? beta[k] : 0);
    }
}

/* Sums of x - pivot and of its square. */
static inline void OF(moments)(const NUM *restrict x, const NUM *restrict pivot,
                               NUM *restrict first, NUM *restrict second, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        NUM v = x[i] - pivot[i];

        first[i] += v;
        second[i] = FMA(v, v, second[i]);
    }
}

static int OF(norm_train)(struct ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c,
                          const struct ts_norm *s, uint64_t *bits)
{
    int64_t block = block_of(c), each = hw * c, words = kernels_words(each), done = 0;
    double m = (double)(n * hw), *total = pool_get((size_t)(2 * c) * sizeof *total);
    NUM *pivot = OF(rows)(d, 3, block), *first, *second, *mean = s->mean, *invstd = s->invstd,
        *running = s->running_var;

    if (!total || !pivot) {
        pool_put(total);
        pool_put(pivot);
        return out_of_memory(d);
    }
    first = pivot + block;
    second = first + block;
    memset(first, 0, (size_t)(2 * block) * sizeof *first);
    memset(total, 0, (size_t)(2 * c) * sizeof *total);
    /* about the first pixel: no cancellation where the mean is far from zero */
    OF(repeat)(x, 0, c, block, pivot);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t o = 0; o < each; o += block) {
            int64_t len = each - o < block ? each - o : block;
            const NUM *from = (const NUM *)x + i * each + o;

            OF(moments)(from, pivot, first, second, len);
            if (bits)
                OF(pack_block)(from, len, bits + i * words, o);
            if (++done % FLUSH == 0) {
                OF(flush)(first, block, c, total);
                OF(flush)(second, block, c, total + c);
            }
        }
    }
    OF(flush)(first, block, c, total);
    OF(flush)(second, block, c, total + c);
    for (int64_t k = 0; k < c; k++) {
        double shift = total[k] / m, var = total[c + k] / m - shift * shift;

        var = var < 0 ? 0 : var; /* NaN stays */
        mean[k] = (NUM)((double)pivot[k] + shift);
        invstd[k] = (NUM)(1 / sqrt(var + s->eps));
        if (running)
            running[k] = (NUM)((double)running[k] + s->momentum * (var * (m > 1 ? m / (m - 1) : 1) -
                                                                   (double)running[k]));
    }
    OF(norm_lines)(c, s);
    pool_put(total);
    pool_put(pivot);
    return 0;
}

static int OF(norm_eval)(struct ts_device *d, int64_t c, const struct ts_norm *s)
{
    NUM *mean = s->mean, *invstd = s->invstd;

    (void)d;
    for (int64_t k = 0; k < c; k++) {
        mean[k] = 0;
        invstd[k] = (NUM)(1 / sqrt(1 + s->eps));
    }
    OF(norm_lines)(c, s);
    return 0;
}

static int OF(norm_slope)(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *s,
                          const double *s1, const double *s2, void *k1, void *k2, void *k3,
                          void *dgamma)
{
    const NUM *a = s->a, *mean = s->mean, *invstd = s->invstd;

    (void)d;
    for (int64_t k = 0; k < c; k++) {
        double slope = s2 ? s2[k] * (double)invstd[k] : 0;

        if (dgamma)
            ((NUM *)dgamma)[k] += (NUM)slope;
        ((NUM *)k1)[k] = a[k];
        if (k2) {
            double x = -(double)a[k] * (double)invstd[k] * slope / (double)pixels;

            ((NUM *)k2)[k] = (NUM)x;
            ((NUM *)k3)[k] = (NUM)(-(double)a[k] * s1[k] / (double)pixels - x * (double)mean[k]);
        }
    }
    return 0;
}

/* The input rows (or columns) [*from, *to) that window i covers. */
static inline void OF(span)(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t extent,
                            int64_t *from, int64_t *to)
{
    int64_t lo = i * stride - pad, hi = lo + kernel;

    *from = lo < 0 ? 0 : lo;
    *to = hi > extent ? extent : hi;
}

/* What an average divides by; padding beyond the bottom and right edge never counts. */
static inline NUM OF(share)(const struct ts_pool *s, int64_t i, int64_t j, int64_t rows,
                            int64_t cols)
{
    int64_t h, w;

    if (!s->count_padding)
        return (NUM)1 / (NUM)(rows * cols);
    h = i * s->stride_h - s->pad_h + s->kh;
    w = j * s->stride_w - s->pad_w + s->kw;
    h = (h > s->h + s->pad_h ? s->h + s->pad_h : h) - (i * s->stride_h - s->pad_h);
    w = (w > s->w + s->pad_w ? s->w + s->pad_w : w) - (j * s->stride_w - s->pad_w);
    return (NUM)1 / (NUM)(h * w);
}

static inline void OF(scaled)(NUM *restrict y, const NUM *restrict x, NUM f, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] * f;
}

/* Is this the 3 x 3 window of stride 1 that keeps the size and leaves padding out?  Then the
 * average and its transpose are one filter, with the division after or before the sums. */
static int OF(is_box)(const struct ts_pool *s)
{
    return s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->pad_h == 1 &&
           s->pad_w == 1 && !s->count_padding && s->h > 1 && s->w > 1;
}

static inline void OF(box_down)(NUM *restrict y, const NUM *const *x, const NUM *f,
                                const NUM *restrict across, int64_t count)
{
    const NUM *restrict x0 = x[0], *restrict x1 = x[1], *restrict x2 = x[2];
    NUM f0 = f[0], f1 = f[1], f2 = f[2];

    for (int64_t i = 0; i < count; i++)
        y[i] = (x0[i] * f0 + x1[i] * f1 + x2[i] * f2) * across[i];
}

static inline void OF(box_across)(NUM *restrict y, const NUM *restrict x, int64_t c,
                                  const NUM *restrict across, NUM down, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = (x[i] + x[i + c] + x[i + 2 * c]) * (across[i] * down);
}

static int OF(box)(struct ts_device *d, const struct ts_pool *s, const void *x, void *y, int before)
{
    int64_t c = s->c, line = s->w * c;
    NUM *sums = OF(rows)(d, 4, line + 2 * c), *none, *ones, *share;

    if (!sums)
        return TCET_E_MEMORY;
    /* a pixel of zeros at either end of `sums`, and a row of them, stand for the padding */
    memset(sums, 0, (size_t)(2 * (line + 2 * c)) * sizeof *sums);
    none = sums + line + 2 * c;
    ones = none + line;
    share = ones + line;
    for (int64_t i = 0; i < line; i++) {
        ones[i] = 1;
        share[i] = (NUM)1 / (i < c || i >= line - c ? 2 : 3);
    }
    for (int64_t i = 0; i < s->n * s->h; i++) {
        const NUM *in = (const NUM *)x + i * line;
        int64_t row = i % s->h;
        const NUM *rows[3] = {row > 0 ? in - line : none, in, row < s->h - 1 ? in + line : none};
        NUM f[3];

        for (int64_t k = 0; k < 3; k++)
            f[k] = (NUM)1 / (row + k - 1 <= 0 || row + k - 1 >= s->h - 1 ? 2 : 3);
        if (before) {
            OF(box_down)(sums + c, rows, f, share, line);
            OF(box_across)((NUM *)y + i * line, sums, c, ones, 1, line);
        } else {
            const NUM one[3] = {1, 1, 1};

            OF(box_down)(sums + c, rows, one, ones, line);
            OF(box_across)((NUM *)y + i * line, sums, c, share, f[1], line);
        }
    }
    pool_put(sums);
    return 0;
}

/* Average pooling: first down the columns into a row of sums, then along it. */
static int OF(avg_pool)(struct ts_device *d, const struct ts_pool *s, const void *x, void *y)
{
    int64_t c = s->c, line = s->w * c;
    NUM *down, *sum;

    if (OF(is_box)(s))
        return OF(box)(d, s, x, y, 0);
    down = OF(rows)(d, 1, line + c);
    if (!down)
        return TCET_E_MEMORY;
    sum = down + line;
    for (int64_t n = 0; n < s->n; n++) {
        const NUM *in = (const NUM *)x + n * s->h * line;

        for (int64_t i = 0; i < s->oh; i++) {
            NUM *to = (NUM *)y + (n * s->oh + i) * s->ow * c;
            int64_t r0, r1;

            OF(span)(i, s->stride_h, s->pad_h, s->kh, s->h, &r0, &r1);
            memcpy(down, in + r0 * line, (size_t)line * sizeof *down);
            for (int64_t r = r0 + 1; r < r1; r++)
                OF(add_to)(down, in + r * line, line);
            for (int64_t j = 0; j < s->ow; j++) {
                int64_t c0, c1;

                OF(span)(j, s->stride_w, s->pad_w, s->kw, s->w, &c0, &c1);
                memcpy(sum, down + c0 * c, (size_t)c * sizeof *sum);
                for (int64_t q = c0 + 1; q < c1; q++)
                    OF(add_to)(sum, down + q * c, c);
                OF(scaled)(to + j * c, sum, OF(share)(s, i, j, r1 - r0, c1 - c0), c);
            }
        }
    }
    pool_put(down);
    return 0;
}

static inline void OF(add_scaled)(NUM *restrict y, const NUM *restrict x, NUM f, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = FMA(x[i], f, y[i]);
}

/* The transpose: along the rows into a row of sums, then up the columns. */
static int OF(avg_pool_back)(struct ts_device *d, const struct ts_pool *s, const void *g, void *dx)
{
    int64_t c = s->c, line = s->w * c;
    NUM *across;

    if (OF(is_box)(s))
        return OF(box)(d, s, g, dx, 1);
    across = OF(rows)(d, 1, line);
    if (!across)
        return TCET_E_MEMORY;
    memset(dx, 0, (size_t)(s->n * s->h * line) * sizeof *across);
    for (int64_t n = 0; n < s->n; n++) {
        NUM *to = (NUM *)dx + n * s->h * line;

        for (int64_t i = 0; i < s->oh; i++) {
            const NUM *from = (const NUM *)g + (n * s->oh + i) * s->ow * c;
            int64_t r0, r1;

            OF(span)(i, s->stride_h, s->pad_h, s->kh, s->h, &r0, &r1);
            memset(across, 0, (size_t)line * sizeof *across);
            for (int64_t j = 0; j < s->ow; j++) {
                int64_t c0, c1;

                OF(span)(j, s->stride_w, s->pad_w, s->kw, s->w, &c0, &c1);
                for (int64_t q = c0; q < c1; q++)
                    OF(add_scaled)
                (across + q * c, from + j * c, OF(share)(s, i, j, r1 - r0, c1 - c0), c);
            }
            for (int64_t r = r0; r < r1; r++)
                OF(add_to)(to + r * line, across, line);
        }
    }
    pool_put(across);
    return 0;
}

static inline void OF(larger)(NUM *restrict y, const NUM *restrict x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
}

static int OF(max_pool)(struct ts_device *d, const struct ts_pool *s, const void *x, void *y)
{
    int64_t c = s->c, line = s->w * c;

    (void)d;
    for (int64_t n = 0; n < s->n; n++) {
        const NUM *in = (const NUM *)x + n * s->h * line;

        for (int64_t i = 0; i < s->oh; i++) {
            int64_t r0, r1;

            OF(span)(i, s->stride_h, s->pad_h, s->kh, s->h, &r0, &r1);
            for (int64_t j = 0; j < s->ow; j++) {
                NUM *to = (NUM *)y + ((n * s->oh + i) * s->ow + j) * c;
                int64_t c0, c1;

                OF(span)(j, s->stride_w, s->pad_w, s->kw, s->w, &c0, &c1);
                memcpy(to, in + r0 * line + c0 * c, (size_t)c * sizeof *to);
                for (int64_t r = r0; r < r1; r++) {
                    for (int64_t q = c0; q < c1; q++)
                        OF(larger)(to, in + r * line + q * c, c);
                }
            }
        }
    }
    return 0;
}

static int OF(max_pool_back)(struct ts_device *d, const struct ts_pool *s, const void *x,
                             const void *g, void *dx)
{
    int64_t c = s->c, line = s->w * c;

    (void)d;
    memset(dx, 0, (size_t)(s->n * s->h * line) * sizeof(NUM));
    for (int64_t n = 0; n < s->n; n++) {
        const NUM *in = (const NUM *)x + n * s->h * line;
        NUM *to = (NUM *)dx + n * s->h * line;

        for (int64_t o = 0; o < s->oh * s->ow; o++) {
            const NUM *from = (const NUM *)g + (n * s->oh * s->ow + o) * c;
            int64_t r0, r1, c0, c1;

            OF(span)(o / s->ow, s->stride_h, s->pad_h, s->kh, s->h, &r0, &r1);
            OF(span)(o % s->ow, s->stride_w, s->pad_w, s->kw, s->w, &c0, &c1);
            for (int64_t k = 0; k < c; k++) {
                int64_t best = r0 * line + c0 * c + k;

                for (int64_t r = r0; r < r1; r++) {
                    for (int64_t q = c0; q < c1; q++) {
                        int64_t at = r * line + q * c + k;

                        if (in[at] > in[best] || in[at] != in[at])
                            best = at;
                    }
                }
                to[best] += from[k];
            }
        }
    }
    return 0;
}

static int OF(global_pool)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x,
                           void *y)
{
    double *sum = pool_get((size_t)c * sizeof *sum);

    if (!sum)
        return out_of_memory(d);
    for (int64_t i = 0; i < n; i++) {
        const NUM *in = (const NUM *)x + i * hw * c;

        memset(sum, 0, (size_t)c * sizeof *sum);
        for (int64_t p = 0; p < hw; p++) {
            for (int64_t k = 0; k < c; k++)
                sum[k] += (double)in[p * c + k];
        }
        for (int64_t k = 0; k < c; k++)
            ((NUM *)y)[i * c + k] = (NUM)(sum[k] / (double)hw);
    }
    pool_put(sum);
    return 0;
}

static int OF(global_pool_back)(struct ts_device *d, int64_t n, int64_t hw, int64_t c,
                                const void *g, void *dx)
{
    NUM *to = dx;

    (void)d;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t p = 0; p < hw; p++, to += c) {
            for (int64_t k = 0; k < c; k++)
                to[k] = ((const NUM *)g)[i * c + k] / (NUM)hw;
        }
    }
    return 0;
}

static int OF(curve)(struct ts_device *d, uint32_t op, int64_t count, const void *x, void *y)
{
    const NUM *in = x;
    NUM *out = y;

    (void)d;
    for (int64_t i = 0; i < count; i++) {
        double v = (double)in[i], r;

        switch (op) {
        case TCET_OP_SIGMOID: r = 1 / (1 + exp(-v)); break;
        case TCET_OP_SWISH: r = v / (1 + exp(-v)); break;
        case TCET_OP_HSWISH: r = v <= -3 ? 0 : v >= 3 ? v : v * (v + 3) / 6; break;
        default: r = v < 0 ? 0 : v > 6 ? 6 : v; break;
        }
        out[i] = (NUM)r;
    }
    return 0;
}

static int OF(curve_back)(struct ts_device *d, uint32_t op, int64_t count, const void *x,
                          const void *g, void *dx)
{
    const NUM *in = x, *from = g;
    NUM *out = dx;

    (void)d;
    for (int64_t i = 0; i < count; i++) {
        double v = (double)in[i], s = 1 / (1 + exp(-v)), slope;

        switch (op) {
        case TCET_OP_SIGMOID: slope = s * (1 - s); break;
        case TCET_OP_SWISH: slope = s * (1 + v * (1 - s)); break;
        case TCET_OP_HSWISH: slope = v <= -3 ? 0 : v >= 3 ? 1 : (2 * v + 3) / 6; break;
        default: slope = v > 0 && v < 6; break;
        }
        out[i] = (NUM)((double)from[i] * slope);
    }
    return 0;
}

static int OF(multiply)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread,
                        const void *x, const void *s, void *y)
{
    const NUM *in = x;
    NUM *out = y;

    (void)d;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t p = 0; p < hw; p++, in += c, out += c) {
            const NUM *f = (const NUM *)s + (spread ? i : i * hw + p) * c;

            for (int64_t k = 0; k < c; k++)
                out[k] = in[k] * f[k];
        }
    }
    return 0;
}

static int OF(multiply_back)(struct ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g,
                             const void *x, void *ds)
{
    double *sum = pool_get((size_t)c * sizeof *sum);

    if (!sum)
        return out_of_memory(d);
    for (int64_t i = 0; i < n; i++) {
        const NUM *a = (const NUM *)g + i * hw * c, *b = (const NUM *)x + i * hw * c;

        memset(sum, 0, (size_t)c * sizeof *sum);
        for (int64_t p = 0; p < hw; p++) {
            for (int64_t k = 0; k < c; k++)
                sum[k] += (double)a[p * c + k] * (double)b[p * c + k];
        }
        for (int64_t k = 0; k < c; k++)
            ((NUM *)ds)[i * c + k] = (NUM)sum[k];
    }
    pool_put(sum);
    return 0;
}

static int OF(window)(struct ts_device *d, const struct ts_window *s, const void *x, void *y)
{
    (void)d;
    if (s->clear)
        memset(y, 0, (size_t)(s->n * s->dh * s->dw * s->dc) * sizeof(NUM));
    for (int64_t i = 0; i < s->n; i++) {
        for (int64_t r = 0; r < s->h; r++) {
            const NUM *from =
                (const NUM *)x + ((i * s->sh + s->src_h + r) * s->sw + s->src_w) * s->sc + s->src_c;
            NUM *to = (NUM *)y + ((i * s->dh + s->dst_h + r) * s->dw + s->dst_w) * s->dc + s->dst_c;

            for (int64_t q = 0; q < s->w; q++)
                memcpy(to + q * s->dc, from + q * s->sc, (size_t)s->c * sizeof *to);
        }
    }
    return 0;
}

static int OF(loss)(struct ts_device *d, int32_t cross_entropy, const void *logits,
                    const int64_t *labels, int64_t n, int64_t c, double temperature, int64_t only,
                    void *g)
{
    NUM *to = g;

    (void)d;
    for (int64_t i = 0; i < n; i++, to += c) {
        const NUM *z = (const NUM *)logits + i * c;
        double top = (double)z[0] / temperature, sum = 0, share;

        if (only >= 0 && i != only) {
            memset(to, 0, (size_t)c * sizeof *to);
            continue;
        }
        if (!cross_entropy) {
            for (int64_t k = 0; k < c; k++)
                to[k] = (NUM)(1 / temperature);
            continue;
        }
        share = temperature * (only < 0 ? (double)n : 1.0);
        for (int64_t k = 1; k < c; k++)
            top = (double)z[k] / temperature > top ? (double)z[k] / temperature : top;
        for (int64_t k = 0; k < c; k++)
            sum += exp((double)z[k] / temperature - top);
        for (int64_t k = 0; k < c; k++) {
            double p = exp((double)z[k] / temperature - top) / sum;

            to[k] = (NUM)((p - (k == labels[i])) / share);
        }
    }
    return 0;
}

#include "kernels_tangent.h"

#if !IS_F64 && defined(__AVX2__)
#include "kernels_product.h"
#include "kernels_winograd.h"
#include "kernels_pointwise.h"
#endif

static const struct kernels OF(table) = {
    .name = KERNELS_TEXT(KERNELS_ISA),
    .f64 = IS_F64,
    .packs = 1,
    .load = OF(load),
    .to_nchw = OF(to_nchw),
    .from_nchw = OF(from_nchw),
    .combine = OF(combine),
    .gather = OF(gather),
    .norm_train = OF(norm_train),
    .norm_eval = OF(norm_eval),
    .norm_slope = OF(norm_slope),
    .avg_pool = OF(avg_pool),
    .avg_pool_back = OF(avg_pool_back),
    .max_pool = OF(max_pool),
    .max_pool_back = OF(max_pool_back),
    .global_pool = OF(global_pool),
    .global_pool_back = OF(global_pool_back),
    .curve = OF(curve),
    .curve_back = OF(curve_back),
    .multiply = OF(multiply),
    .multiply_back = OF(multiply_back),
    .window = OF(window),
    .zero = zero,
    .loss = OF(loss),
    .combine_gated = OF(combine_gated),
    .norm_tangent = OF(norm_tangent),
    .norm_tangent_back = OF(norm_tangent_back),
    .max_pool_tangent = OF(max_pool_tangent),
    .loss_tangent = OF(loss_tangent),
    .pack = OF(pack),
    .agreement_bits = agreement_bits,
#if IS_F64
    .conv_takes = conv_takes,
    .conv_forward = conv_forward,
    .conv_weights = conv_weights,
    .conv_input = conv_input,
#elif defined(__AVX2__)
    .conv_takes = fast_takes,
    .conv_forward = fast_forward,
    .conv_weights = fast_weights,
    .conv_input = fast_input,
#endif
};
