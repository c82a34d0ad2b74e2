/* kernels_pointwise.h -- 1 x 1 convolution of float images, one matrix product over all their
 * pixels; included by kernels.c alone.
 *
 * Room: plugins/backend/torch.  Pixels are rows already (NHWC): nothing is packed but the
 * filters, and what libtorch spends on finding a primitive and its memory is most of its time
 * where channels are few.  libtorch's convolution is the plain version. */

enum { CHUNK = 256 }; /* pixels whose sums for a weight gradient are made from zero */

static int pointwise_takes(const struct ts_conv *s)
{
    return s->kh == 1 && s->kw == 1 && s->stride_h == 1 && s->stride_w == 1 && s->pad_h == 0 &&
           s->pad_w == 0 && s->groups == 1 && s->c % UNIT == 0 && s->oc % UNIT == 0;
}

static int pointwise_forward(struct ts_device *d, const struct ts_conv *s, const void *x,
                             const void *w, const void *bias, void *y)
{
    int64_t pixels = s->n * s->h * s->w;
    float *u = float_memory(d, s->c * s->oc);

    if (!u)
        return TCET_E_MEMORY;
    transpose_float(w, s->oc, s->c, u);
    for (int64_t p = 0; p < pixels && bias; p++)
        memcpy((float *)y + p * s->oc, bias, (size_t)s->oc * sizeof *u);
    multiply_rows(x, pixels, s->c, u, s->oc, y, bias != NULL);
    pool_put(u);
    return 0;
}

static int pointwise_input(struct ts_device *d, const struct ts_conv *s, const void *g,
                           const void *w, void *dx)
{
    (void)d;
    multiply_rows(g, s->n * s->h * s->w, s->oc, w, s->c, dx, 0);
    return 0;
}

static int pointwise_weights(struct ts_device *d, const struct ts_conv *s, const void *g,
                             const void *x, void *dw)
{
    int64_t pixels = s->n * s->h * s->w, size = s->c * s->oc;
    float *u = float_memory(d, 2 * size), *part, *to = dw;

    if (!u)
        return TCET_E_MEMORY;
    part = u + size;
    memset(u, 0, (size_t)size * sizeof *u);
    for (int64_t p = 0; p < pixels; p += CHUNK) {
        memset(part, 0, (size_t)size * sizeof *part);
        multiply_columns((const float *)x + p * s->c, pixels - p < CHUNK ? pixels - p : CHUNK, s->c,
                         (const float *)g + p * s->oc, s->oc, part);
        for (int64_t i = 0; i < size; i++)
            u[i] += part[i];
    }
    for (int64_t o = 0; o < s->oc; o++) {
        for (int64_t c = 0; c < s->c; c++)
            to[o * s->c + c] += u[c * s->oc + o];
    }
    pool_put(u);
    return 0;
}

/* -- the float convolutions of the table ------------------------------------------------- */

static int fast_takes(const struct ts_conv *s)
{
    return winograd_takes(s) || pointwise_takes(s);
}

static int fast_forward(struct ts_device *d, const struct ts_conv *s, const void *x, const void *w,
                        const void *bias, void *y)
{
    return (s->kh == 1 ? pointwise_forward : winograd_forward)(d, s, x, w, bias, y);
}

static int fast_weights(struct ts_device *d, const struct ts_conv *s, const void *g, const void *x,
                        void *dw)
{
    return (s->kh == 1 ? pointwise_weights : winograd_weights)(d, s, g, x, dw);
}

static int fast_input(struct ts_device *d, const struct ts_conv *s, const void *g, const void *w,
                      void *dx)
{
    return (s->kh == 1 ? pointwise_input : winograd_input)(d, s, g, w, dx);
}
