/* kernels_tangent.h -- the kernels of tangent.c for one type, NUM; included by kernels_type.h
 * alone.  Room: plugins/backend/torch. */

/* y = x where mask > 0, else 0; y may be x. */
static inline void OF(gated)(NUM *y, const NUM *x, const NUM *mask, int64_t count)
{
    INDEPENDENT
    for (int64_t i = 0; i < count; i++)
        y[i] = mask[i] > 0 ? x[i] : 0;
}

static int OF(combine_gated)(struct ts_device *d, const struct ts_term *t, int32_t count,
                             int64_t pixels, int64_t c, const void *mask, void *raw, void *act)
{
    int64_t block = block_of(c), total = pixels * c;
    NUM *table = OF(rows)(d, 2 * count, block);

    if (!table)
        return TCET_E_MEMORY;
    for (int32_t k = 0; k < count; k++) {
        OF(repeat)(t[k].a, 1, c, block, table + 2 * k * block);
        OF(repeat)(t[k].b, 0, c, block, table + (2 * k + 1) * block);
    }
    for (int64_t o = 0; o < total; o += block) {
        int64_t len = total - o < block ? total - o : block;
        NUM *sum = raw ? (NUM *)raw + o : (NUM *)act + o;

        for (int32_t k = 0; k < count; k += 3) {
            int32_t terms = count - k < 3 ? count - k : 3;
            const NUM *x[3];

            for (int32_t p = 0; p < terms; p++)
                x[p] = (const NUM *)t[k + p].x + o;
            OF(lines)(sum, x, table + 2 * k * block, terms, block, len, k > 0);
        }
        if (act)
            OF(gated)((NUM *)act + o, sum, (const NUM *)mask + o, len);
    }
    pool_put(table);
    return 0;
}

static int OF(norm_tangent)(struct ts_device *d, int64_t c, int64_t pixels, const struct ts_norm *s,
                            const struct ts_norm_sums *sums, void *lines)
{
    const NUM *scale = s->a, *mean = s->mean, *invstd = s->invstd;
    double m = (double)pixels;
    NUM *to = lines;

    (void)d;
    for (int64_t k = 0; k < c; k++) {
        double a = (double)scale[k], i = (double)invstd[k], mu = (double)mean[k];
        double p = sums->rx[k] / m, q = sums->rx_x[k] * i / m; /* of Rx, and of Rx x^ */
        double m1 = sums->g[k] / m, m2 = sums->g_x[k] * i / m; /* of g, and of g x^ */
        double r1 = sums->rg[k] / m;
        double r2 = sums->rg_x[k] * i / m + i * (sums->g_rx[k] / m - p * m1 - q * m2);
        double x = -a * i * m2, rx = a * i * (2 * i * q * m2 - r2);

        to[k] = scale[k];
        to[c + k] = (NUM)x;
        to[2 * c + k] = (NUM)(-a * m1 - x * mu);
        to[3 * c + k] = (NUM)(-a * i * q);
        to[4 * c + k] = (NUM)rx;
        to[5 * c + k] = (NUM)(a * (i * q * m1 - r1 + i * p * m2) - rx * mu);
    }
    return 0;
}

static int OF(norm_tangent_back)(struct ts_device *d, int64_t pixels, int64_t c, const void *lines,
                                 const void *g, const void *rg, const void *x, const void *rx,
                                 void *dx, void *rdx)
{
    int64_t block = block_of(c), total = pixels * c;
    NUM *table = OF(rows)(d, 6, block);
    const NUM *a = table, *b = table + block, *e = table + 2 * block, *ra = table + 3 * block,
              *rb = table + 4 * block, *re = table + 5 * block;

    if (!table)
        return TCET_E_MEMORY;
    for (int64_t k = 0; k < 6; k++)
        OF(repeat)((const NUM *)lines + k * c, 0, c, block, table + k * block);
    for (int64_t o = 0; o < total; o += block) {
        int64_t len = total - o < block ? total - o : block;
        const NUM *g0 = (const NUM *)g + o, *g1 = (const NUM *)rg + o, *x0 = (const NUM *)x + o,
                  *x1 = (const NUM *)rx + o;
        NUM *y0 = dx ? (NUM *)dx + o : NULL, *y1 = (NUM *)rdx + o;

        INDEPENDENT
        for (int64_t i = 0; i < len; i++)
            y1[i] = FMA(a[i], g1[i], FMA(b[i], x1[i], FMA(ra[i], g0[i], FMA(rb[i], x0[i], re[i]))));
        if (!y0)
            continue;
        INDEPENDENT
        for (int64_t i = 0; i < len; i++)
            y0[i] = FMA(a[i], g0[i], FMA(b[i], x0[i], e[i]));
    }
    pool_put(table);
    return 0;
}

/* y = the larger, ry its tangent */
static inline void OF(larger_tangent)(NUM *restrict y, NUM *restrict ry, const NUM *restrict x,
                                      const NUM *restrict rx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int take = x[i] > y[i] || x[i] != x[i];

        ry[i] = take ? rx[i] : ry[i];
        y[i] = take ? x[i] : y[i];
    }
}

static int OF(max_pool_tangent)(struct ts_device *d, const struct ts_pool *s, const void *x,
                                const void *rx, void *ry)
{
    int64_t c = s->c, line = s->w * c;
    NUM *best = OF(rows)(d, 1, c);

    if (!best)
        return TCET_E_MEMORY;
    for (int64_t o = 0; o < s->n * s->oh * s->ow; o++) {
        int64_t from = o / (s->oh * s->ow) * s->h * line, r0, r1, c0, c1;
        NUM *to = (NUM *)ry + o * c;

        OF(span)(o / s->ow % s->oh, s->stride_h, s->pad_h, s->kh, s->h, &r0, &r1);
        OF(span)(o % s->ow, s->stride_w, s->pad_w, s->kw, s->w, &c0, &c1);
        memcpy(best, (const NUM *)x + from + r0 * line + c0 * c, (size_t)c * sizeof *best);
        memcpy(to, (const NUM *)rx + from + r0 * line + c0 * c, (size_t)c * sizeof *to);
        for (int64_t r = r0; r < r1; r++) {
            for (int64_t q = c0; q < c1; q++) {
                int64_t at = from + r * line + q * c;

                OF(larger_tangent)(best, to, (const NUM *)x + at, (const NUM *)rx + at, c);
            }
        }
    }
    pool_put(best);
    return 0;
}

static int OF(loss_tangent)(struct ts_device *d, int32_t cross_entropy, const void *logits,
                            const void *rlogits, int64_t n, int64_t c, double temperature,
                            int64_t only, void *rg)
{
    double share = temperature * temperature * (only < 0 ? (double)n : 1.0);
    NUM *to = rg;

    (void)d;
    if (!cross_entropy) {
        memset(rg, 0, (size_t)(n * c) * sizeof *to);
        return 0;
    }
    for (int64_t i = 0; i < n; i++, to += c) {
        const NUM *z = (const NUM *)logits + i * c, *rz = (const NUM *)rlogits + i * c;
        double top = (double)z[0] / temperature, sum = 0, dot = 0;

        if (only >= 0 && i != only) {
            memset(to, 0, (size_t)c * sizeof *to);
            continue;
        }
        for (int64_t k = 1; k < c; k++)
            top = (double)z[k] / temperature > top ? (double)z[k] / temperature : top;
        for (int64_t k = 0; k < c; k++) {
            double e = exp((double)z[k] / temperature - top);

            sum += e;
            dot += e * (double)rz[k];
        }
        for (int64_t k = 0; k < c; k++) {
            double p = exp((double)z[k] / temperature - top) / sum;

            to[k] = (NUM)(p * ((double)rz[k] - dot / sum) / share);
        }
    }
    return 0;
}
