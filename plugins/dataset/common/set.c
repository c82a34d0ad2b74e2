/* set.c -- see set.h.  Room: plugins/dataset/common.  Stands on the SDK and libc. */
#include "common/set.h"

#include "common/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Images that are in memory as they are stored: so many, or fewer of so many bytes. */
enum { CHUNK = 256, CHUNK_BYTES = 1 << 26 };

/* -- What a set holds ---------------------------------------------------------------------- */

void set_clear(struct set *s, uint32_t split)
{
    free(s->label[split]);
    s->label[split] = NULL;
    s->count[split] = s->capacity[split] = 0;
    s->top_label[split] = 0;
    s->checksum[split] = SET_HASH;
}

void set_forget(struct set *s)
{
    for (uint32_t split = 0; split < TCET_SPLITS; split++)
        set_clear(s, split);
    s->test_known = 0;
    free(s->mean);
    free(s->std);
    s->mean = s->std = NULL;
}

tcet_status set_add(tcet_ctx *cx, struct set *s, uint32_t split, int64_t label)
{
    int64_t n = s->count[split];

    if (n == s->capacity[split]) {
        int64_t more = n ? 2 * n : 1024;
        int32_t *grown = realloc(s->label[split], (size_t)more * sizeof *grown);

        if (!grown)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the labels");
        s->label[split] = grown;
        s->capacity[split] = more;
    }
    s->label[split][s->count[split]++] = (int32_t)label;
    if (label > s->top_label[split])
        s->top_label[split] = (int32_t)label;
    return TCET_OK;
}

uint64_t set_hash(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* `channels` numbers of a parameter, or one for all; positive: 0 and less is refused. */
static tcet_status numbers(tcet_ctx *cx, const char *key, const char *text, int32_t channels,
                           int positive, float *out)
{
    const char *at = text;
    int32_t n = 0;

    for (;;) {
        char *end;
        double v;

        at += strspn(at, " \t,");
        if (!*at)
            break;
        v = strtod(at, &end);
        if (end == at || n == channels || !isfinite((float)v) || (positive && !((float)v > 0)))
            return tcet_failf(cx, TCET_E_ARG,
                              "%s = %.100s: want %d numbers%s, or one for all channels", key, text,
                              channels, positive ? " above 0" : "");
        out[n++] = (float)v;
        at = end;
    }
    if (n != 1 && n != channels)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s = %.100s: has %d numbers, want one for each of %d channels, or one",
                          key, text, n, channels);
    for (int32_t c = n; c < channels; c++)
        out[c] = out[0];
    return TCET_OK;
}

tcet_status set_file(tcet_ctx *cx, const char *path, int64_t most, unsigned char **bytes,
                     size_t *size)
{
    tcet_status st = TCET_OK;
    const char *why;
    int64_t have;
    FILE *f = file_regular(path, &have, &why);

    *bytes = NULL;
    if (!f)
        return tcet_failf(cx, TCET_E_IO, "%s: %s", path, why);
    if (have > most)
        st = tcet_failf(cx, TCET_E_ARG, "%s: has %" PRId64 " bytes, at most %" PRId64 " are read",
                        path, have, most);
    else if (have == 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: empty", path);
    if (st == TCET_OK) {
        *size = (size_t)have;
        *bytes = malloc(*size);
        if (!*bytes)
            st = tcet_failf(cx, TCET_E_MEMORY, "no memory for the %zu bytes of %s", *size, path);
        else if (fread(*bytes, 1, *size, f) != *size)
            st = tcet_failf(cx, TCET_E_IO, "%s: cannot be read to its end", path);
    }
    fclose(f);
    if (st < 0) {
        free(*bytes);
        *bytes = NULL;
    }
    return st;
}

/* -- Images -------------------------------------------------------------------------------- */

/* Images at the natural size, or where the set resizes at h x w: a chunk's buffer. */
struct load {
    const struct set *set;
    int32_t h, w;   /* of what pixels() gives */
    size_t element; /* bytes of a number */
    size_t image;   /* numbers of an image */
    int64_t chunk;  /* images in the buffer */
    void *buffer;
};

static tcet_status load_new(tcet_ctx *cx, const struct set *s, int32_t h, int32_t w, int64_t n,
                            struct load *out)
{
    *out = (struct load){.set = s,
                         .h = s->resizes ? h : s->height,
                         .w = s->resizes ? w : s->width,
                         .element = s->floats ? sizeof(float) : 1};
    out->image = (size_t)s->channels * (size_t)out->h * (size_t)out->w;
    out->chunk = (int64_t)(CHUNK_BYTES / (out->image * out->element));
    out->chunk = out->chunk < 1 ? 1 : out->chunk > CHUNK ? CHUNK : out->chunk;
    out->chunk = n < out->chunk ? n : out->chunk;
    out->buffer = cx->host->scratch(cx, (size_t)out->chunk * out->image * out->element);
    return out->buffer
               ? TCET_OK
               : tcet_fail(cx, TCET_E_MEMORY, "no memory for the images as they are stored");
}

/* torchvision's RandomCrop(size, padding) and RandomHorizontalFlip, with their draws. */
static void augment(const tcet_host *host, tcet_rng *rng, const struct load *l, int32_t padding,
                    unsigned char *pixels, unsigned char *whole)
{
    int32_t h = l->h, w = l->w;
    int64_t top, left;
    float coin;

    host->rng_randint(rng, &top, 1, 0, 2 * padding + 1);
    host->rng_randint(rng, &left, 1, 0, 2 * padding + 1);
    host->rng_uniform(rng, &coin, 1, 0.0, 1.0);
    memcpy(whole, pixels, l->image);
    for (int32_t i = 0; i < (int32_t)l->image; i++) {
        int32_t column = coin < 0.5f ? w - 1 - i % w : i % w;
        int32_t r = i % (h * w) / w + (int32_t)top - padding;
        int32_t c = column + (int32_t)left - padding;

        pixels[i] = r < 0 || r >= h || c < 0 || c >= w ? 0 : whole[i / (h * w) * h * w + r * w + c];
    }
}

/* Image k of the buffer to [channels, h, w]: the mean of each box, then as torchvision's ToTensor
 * and Normalize. */
static void convert(const struct load *l, int64_t k, int32_t h, int32_t w, float *x)
{
    const struct set *s = l->set;
    const unsigned char *bytes = (const unsigned char *)l->buffer + (size_t)k * l->image;
    const float *floats = (const float *)l->buffer + (size_t)k * l->image;
    int32_t bh = l->h / h, bw = l->w / w, box = bh * bw;

    for (int32_t c = 0; c < s->channels; c++) {
        for (int32_t i = 0; i < h * w; i++) {
            size_t at =
                (size_t)c * (size_t)(l->h * l->w) + (size_t)(i / w * bh * l->w + i % w * bw);
            int64_t sum = 0;
            double total = 0.0;
            float value;

            for (int32_t b = 0; b < box; b++) {
                size_t p = at + (size_t)(b / bw * l->w + b % bw);

                if (s->floats)
                    total += (double)floats[p];
                else
                    sum += bytes[p];
            }
            value = s->floats ? (float)(total / box) : (float)sum / (float)box / 255.0f;
            x[c * h * w + i] = (value - s->mean[c]) / s->std[c];
        }
    }
}

/* Image k of the buffer, bytes, to [channels, h, w]: the mean of each box, rounded. */
static void shrink(const struct load *l, int64_t k, int32_t h, int32_t w, uint8_t *out)
{
    const unsigned char *bytes = (const unsigned char *)l->buffer + (size_t)k * l->image;
    int32_t bh = l->h / h, bw = l->w / w, box = bh * bw;

    for (int32_t i = 0; i < l->set->channels * h * w; i++) {
        const unsigned char *at = bytes + (size_t)(i / (h * w)) * (size_t)(l->h * l->w) +
                                  i / w % h * bh * l->w + i % w * bw;
        int64_t sum = box / 2;

        for (int32_t b = 0; b < box; b++)
            sum += at[b / bw * l->w + b % bw];
        out[i] = (uint8_t)(sum / box);
    }
}

/* May images be had at this size? */
static tcet_status check_size(tcet_ctx *cx, const struct set *s, int32_t h, int32_t w)
{
    char natural[32];

    if (s->height == s->width)
        snprintf(natural, sizeof natural, "%d", s->height);
    else
        snprintf(natural, sizeof natural, "%dx%d", s->height, s->width);
    if (h < 1 || w < 1 || (!s->resizes && (s->height % h || s->width % w)))
        return tcet_failf(
            cx, TCET_E_ARG,
            "the network wants images of %d x %d, these are %d x %d; set [data] resolution "
            "to %s, or to a divisor of it (averaged), or [data] plugin to gaussian, "
            "which makes any size",
            h, w, s->height, s->width, natural);
    return TCET_OK;
}

/* -- Drawing ------------------------------------------------------------------------------- */

/* Channels of what is drawn. */
static int32_t set_channels(const struct set *s)
{
    return s->jigsaw.count ? JIGSAW_TILES * s->channels : s->channels;
}

/* May puzzles be cut whose tiles are h x w? */
static tcet_status check_puzzle(tcet_ctx *cx, const struct set *s, const tcet_data_request *r,
                                int32_t h, int32_t w)
{
    if (r->classes > s->jigsaw.count)
        return tcet_failf(cx, TCET_E_ARG,
                          "the network has %d classes, and there are %" PRId64
                          " permutations; set [run] classes",
                          r->classes, s->jigsaw.count);
    if (s->balance)
        return tcet_fail(cx, TCET_E_ARG, "balance = 1 is of classes, which puzzles have none of");
    if (h != w)
        return tcet_failf(cx, TCET_E_ARG, "tiles are squares, not %d x %d", h, w);
    if (!s->resizes && (s->height % jigsaw_side(h) || s->width % jigsaw_side(h)))
        return tcet_failf(
            cx, TCET_E_ARG,
            "tiles of %d x %d are cut from images of %d x %d, these are %d x %d; store "
            "them so, or as files, which [data] plugin = images scales",
            h, h, jigsaw_side(h), jigsaw_side(h), s->height, s->width);
    return TCET_OK;
}

static tcet_status suit(tcet_ctx *cx, struct set *s, const tcet_data_request *r)
{
    return s->suit ? s->suit(cx, s, r) : TCET_OK;
}

/* Are all labels below the request's classes? */
static tcet_status check_labels(tcet_ctx *cx, const struct set *s, const tcet_data_request *r)
{
    int32_t top = s->top_label[TCET_SPLIT_TRAIN], low = top;
    char first[80] = "";

    if (s->jigsaw.count || !r->classes || r->classes > top)
        return TCET_OK;
    for (int64_t i = 0; i < s->count[TCET_SPLIT_TRAIN]; i++)
        low = s->label[TCET_SPLIT_TRAIN][i] < low ? s->label[TCET_SPLIT_TRAIN][i] : low;
    if (s->first_label && low > 0)
        snprintf(first, sizeof first, "; or is class 0 labelled %d? then set first_label = %d", low,
                 low);
    return tcet_failf(cx, TCET_E_ARG,
                      "the network has %d classes, %s has labels %d to %d; score networks of %d "
                      "classes ([run] classes)%s",
                      r->classes, s->where, low, top, top + 1, first);
}

/* What of the request this set cannot give; *h, *w: the size that is wanted. */
static tcet_status check_request(tcet_ctx *cx, struct set *s, const tcet_data_request *r,
                                 int32_t *h, int32_t *w)
{
    int32_t channels;
    tcet_status st = suit(cx, s, r);

    *h = r->height ? r->height : s->height;
    *w = r->width ? r->width : s->width;
    if (st < 0)
        return st;
    channels = set_channels(s);
    if (r->channels && r->channels != channels)
        return tcet_failf(
            cx, TCET_E_ARG, "the network wants images of %d channels, these have %d%s", r->channels,
            channels,
            r->channels == JIGSAW_TILES * channels
                ? "; nine tiles of each are channels by [data] jigsaw = 1, of the "
                  "plugins images, npy and raw"
            : s->channels_hint && (!s->hint_channels || s->hint_channels == r->channels)
                ? s->channels_hint
                : "");
    st = s->jigsaw.count ? check_puzzle(cx, s, r, *h, *w) : check_size(cx, s, *h, *w);
    if (st == TCET_OK)
        st = check_labels(cx, s, r);
    if (st < 0)
        return st;
    if (r->batch < 1 || r->batches < 1 || r->batch > s->count[TCET_SPLIT_TRAIN] / r->batches)
        return tcet_failf(
            cx, TCET_E_ARG,
            "needs %" PRId64 " images (%" PRId64 " of batch %" PRId64 "), %s has %" PRId64
            "; set [data] path to a larger set, batch to at most %" PRId64
            ", or data = gaussian in the metric%s",
            r->batches * r->batch, r->batches, r->batch, s->where, s->count[TCET_SPLIT_TRAIN],
            s->count[TCET_SPLIT_TRAIN] / (r->batches < 1 ? 1 : r->batches),
            r->batches > 1 ? " that reads several mini-batches (ZiCo: 2)" : "");
    return TCET_OK;
}

/* balance: of the order's images the first of every class, class by class in each mini-batch. */
static tcet_status balance(tcet_ctx *cx, const struct set *s, const tcet_data_request *r,
                           int64_t *order)
{
    int64_t classes = s->classes, share = r->batch / classes, images = r->batch * r->batches;
    int64_t *to = cx->host->scratch(cx, (size_t)images * sizeof *to), found = 0;
    int64_t *taken = cx->host->scratch(cx, (size_t)classes * sizeof *taken);

    if (share * classes != r->batch)
        return tcet_failf(
            cx, TCET_E_ARG,
            "balance = 1 wants as many images of every class: a batch that is a multiple "
            "of %" PRId64 ", not %" PRId64,
            classes, r->batch);
    if (!to || !taken)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the order of images");
    for (int64_t i = 0; i < s->count[TCET_SPLIT_TRAIN] && found < images; i++) {
        int64_t label = s->label[TCET_SPLIT_TRAIN][order[i]], *n = &taken[label];

        if (*n == share * r->batches)
            continue;
        to[*n / share * r->batch + label * share + *n % share] = order[i];
        ++*n;
        found++;
    }
    for (int64_t k = 0; k < classes; k++) {
        if (taken[k] < share * r->batches)
            return tcet_failf(cx, TCET_E_ARG,
                              "balance = 1 wants %" PRId64
                              " images of every class; of class %" PRId64 " there are %" PRId64,
                              share * r->batches, k, taken[k]);
    }
    memcpy(order, to, (size_t)images * sizeof *to);
    return TCET_OK;
}

/* The images of a request, in the order of torch.randperm(count) under its seed: the first of *order,
 * which is scratch.  The generator goes on with their crops and flips. */
static tcet_status put_in_order(tcet_ctx *cx, const struct set *s, const tcet_data_request *r,
                                int64_t **order, tcet_rng **rng)
{
    *order = cx->host->scratch(cx, (size_t)s->count[TCET_SPLIT_TRAIN] * sizeof **order);
    *rng = cx->host->rng(cx, r->seed);
    if (!*order || !*rng)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the order of images");
    cx->host->rng_permutation(*rng, *order, s->count[TCET_SPLIT_TRAIN]);
    return s->balance ? balance(cx, s, r, *order) : TCET_OK;
}

/* A puzzle of an image [channels, side, side]: of each of its nine cells a tile, somewhere in it, in the
 * order of a random permutation, whose number is the class. */
static int64_t cut_puzzle(tcet_ctx *cx, const struct set *s, tcet_rng *rng, int64_t classes,
                          const float *image, int32_t tile, float *x)
{
    int32_t side = jigsaw_side(tile), cell = side / JIGSAW_SIDE;
    int64_t label, move[2];

    cx->host->rng_randint(rng, &label, 1, 0, classes);
    for (int32_t n = 0; n < JIGSAW_TILES; n++) {
        int32_t at = s->jigsaw.order[label][n];

        cx->host->rng_randint(rng, &move[0], 1, 0, cell - tile + 1);
        cx->host->rng_randint(rng, &move[1], 1, 0, cell - tile + 1);
        for (int32_t row = 0; row < s->channels * tile; row++, x += tile) {
            int32_t c = row / tile, top = at / JIGSAW_SIDE * cell + (int32_t)move[0] + row % tile;
            int32_t left = at % JIGSAW_SIDE * cell + (int32_t)move[1];

            memcpy(x, image + ((size_t)c * (size_t)side + (size_t)top) * (size_t)side + left,
                   (size_t)tile * sizeof *x);
        }
    }
    return label;
}

/* Puzzles, x [images, 9 channels, tile, tile]. */
static tcet_status draw_puzzles(tcet_ctx *cx, struct set *s, const tcet_data_request *r,
                                int32_t tile, float *x, int64_t *y)
{
    int32_t side = jigsaw_side(tile);
    int64_t images = r->batch * r->batches, *order;
    int64_t classes = r->classes ? r->classes : s->jigsaw.count;
    size_t floats = (size_t)s->channels * (size_t)side * (size_t)side;
    float *image = cx->host->scratch(cx, floats * sizeof *image);
    struct load l;
    tcet_rng *rng;
    tcet_status st = load_new(cx, s, side, side, images, &l);

    if (st == TCET_OK)
        st = put_in_order(cx, s, r, &order, &rng);
    if (!image && st == TCET_OK)
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for an image");
    for (int64_t i = 0, n; st == TCET_OK && i < images; i += n) {
        n = images - i < l.chunk ? images - i : l.chunk;
        st = s->pixels(cx, s, TCET_SPLIT_TRAIN, order + i, n, l.h, l.w, l.buffer);
        for (int64_t k = 0; k < n && st == TCET_OK; k++) {
            convert(&l, k, side, side, image);
            y[i + k] = cut_puzzle(cx, s, rng, classes, image, tile,
                                  x + (i + k) * set_channels(s) * tile * tile);
        }
    }
    return st;
}

tcet_status set_draw(tcet_ctx *cx, void *self, const tcet_data_request *r, float *x, int64_t *y)
{
    struct set *s = self;
    int32_t h, w;
    int64_t images = r->batch * r->batches, *order;
    unsigned char *whole;
    struct load l;
    tcet_rng *rng;
    tcet_status st = check_request(cx, s, r, &h, &w);

    if (st == TCET_OK && s->jigsaw.count)
        return draw_puzzles(cx, s, r, h, x, y);
    if (st == TCET_OK)
        st = load_new(cx, s, h, w, images, &l);
    if (st < 0)
        return st;
    whole = cx->host->scratch(cx, l.image);
    st = put_in_order(cx, s, r, &order, &rng);
    if (!whole && st == TCET_OK)
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for an image");
    for (int64_t i = 0, n; i < images && st == TCET_OK; i += n) {
        n = images - i < l.chunk ? images - i : l.chunk;
        st = s->pixels(cx, self, TCET_SPLIT_TRAIN, order + i, n, l.h, l.w, l.buffer);
        for (int64_t k = 0; k < n && st == TCET_OK; k++) {
            y[i + k] = s->label[TCET_SPLIT_TRAIN][order[i + k]];
            if (s->padding)
                augment(cx->host, rng, &l, s->padding,
                        (unsigned char *)l.buffer + (size_t)k * l.image, whole);
            convert(&l, k, h, w, x + (i + k) * s->channels * h * w);
        }
    }
    return st;
}

/* Does the set have targets of the request's kind and size? */
static tcet_status check_targets(tcet_ctx *cx, const struct set *s, const tcet_data_request *r)
{
    int exact = r->target != TCET_TARGET_PIXELS; /* of classes there may be fewer */

    if (!(s->targets & TCET_TARGET_BIT(r->target)))
        return tcet_failf(cx, TCET_E_UNSUPPORTED, "%s: has no targets of kind %u", s->where,
                          r->target);
    if (exact && r->classes && r->classes != s->target_channels)
        return tcet_failf(cx, TCET_E_ARG,
                          "the network has %d outputs, %s has targets of %d; set [run] classes",
                          r->classes, s->where, s->target_channels);
    return TCET_OK;
}

/* A target's planes at h x w: of classes the pixel in the middle of each box, of numbers their mean. */
static void shrink_target(const struct set *s, const float *from, int pixels, int32_t h, int32_t w,
                          float *t)
{
    int32_t bh = s->height / h, bw = s->width / w;

    for (int32_t i = 0; i < s->target_channels * h * w; i++) {
        const float *at = from + (size_t)(i / (h * w)) * (size_t)(s->height * s->width) +
                          i / w % h * bh * s->width + i % w * bw;
        double sum = 0.0;

        for (int32_t b = 0; b < bh * bw; b++)
            sum += (double)at[b / bw * s->width + b % bw];
        t[i] = pixels ? at[bh / 2 * s->width + bw / 2] : (float)(sum / (bh * bw));
    }
}

tcet_status set_targets(tcet_ctx *cx, void *self, const tcet_data_request *r, float *t)
{
    struct set *s = self;
    int32_t h, w;
    int maps = r->target >= TCET_TARGET_PIXELS;
    int64_t n, whole, *order;
    float *buffer;
    tcet_rng *rng;
    tcet_status st = check_request(cx, s, r, &h, &w);

    n = tcet_target_numbers(r->target, s->target_channels, h, w);
    whole = (int64_t)s->target_channels * (maps ? s->height * s->width : 1);
    if (st == TCET_OK)
        st = check_targets(cx, s, r);
    if (st == TCET_OK)
        st = put_in_order(cx, s, r, &order, &rng);
    if (st < 0)
        return st;
    buffer = cx->host->scratch(cx, (size_t)whole * sizeof *buffer);
    if (!buffer)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a target");
    for (int64_t i = 0; i < r->batch * r->batches && st == TCET_OK; i++) {
        st = s->target(cx, self, order[i], maps ? buffer : t + i * n);
        if (st == TCET_OK && maps)
            shrink_target(s, buffer, r->target == TCET_TARGET_PIXELS, h, w, t + i * n);
    }
    return st;
}

tcet_status set_info(tcet_ctx *cx, void *self, tcet_data_info *out)
{
    struct set *s = self;
    uint64_t sum = s->checksum[TCET_SPLIT_TRAIN];
    tcet_status st = suit(cx, s, NULL);

    if (st < 0)
        return st;
    out->channels = set_channels(s);
    out->height = s->resizes || s->jigsaw.count ? 0 : s->height;
    out->width = s->resizes || s->jigsaw.count ? 0 : s->width;
    out->classes = s->jigsaw.count ? (int32_t)s->jigsaw.count : s->classes;
    out->count = s->count[TCET_SPLIT_TRAIN];
    out->targets = s->targets;
    if (s->jigsaw.count)
        sum = set_hash(sum, s->jigsaw.order, (size_t)s->jigsaw.count * sizeof *s->jigsaw.order);
    snprintf(out->identity, sizeof out->identity, "%s%s n=%" PRId64 " fnv1a=%016" PRIx64, s->name,
             s->jigsaw.count ? " jigsaw" : "", s->count[TCET_SPLIT_TRAIN], sum);
    snprintf(out->description, sizeof out->description, "%" PRId64 " images of %.200s",
             s->count[TCET_SPLIT_TRAIN], s->where);
    return TCET_OK;
}

/* Of each image its channels' means and mean squares; their means over all images. */
static tcet_status measure(tcet_ctx *cx, struct set *s, int32_t h, int32_t w)
{
    size_t channels = (size_t)s->channels;
    double *mean = cx->host->scratch(cx, channels * sizeof *mean);
    double *square = cx->host->scratch(cx, channels * sizeof *square);
    int64_t count = s->count[TCET_SPLIT_TRAIN], order[CHUNK], plane;
    struct load l;
    tcet_status st = load_new(cx, s, h, w, count, &l);

    if (st == TCET_OK && (!mean || !square))
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for means and deviations");
    plane = (int64_t)l.h * l.w;
    for (int64_t i = 0, n; i < count && st == TCET_OK; i += n) {
        n = count - i < l.chunk ? count - i : l.chunk;
        for (int64_t k = 0; k < n; k++)
            order[k] = i + k;
        st = s->pixels(cx, s, TCET_SPLIT_TRAIN, order, n, l.h, l.w, l.buffer);
        for (int64_t k = 0; k < n * s->channels && st == TCET_OK; k++) {
            double sum = 0.0, squares = 0.0;

            for (int64_t p = 0; p < plane; p++) {
                double v = s->floats ? (double)((const float *)l.buffer)[k * plane + p]
                                     : ((const unsigned char *)l.buffer)[k * plane + p] / 255.0;

                sum += v;
                squares += v * v;
            }
            mean[k % s->channels] += sum / (double)plane;
            square[k % s->channels] += squares / (double)plane;
        }
    }
    for (int32_t c = 0; c < s->channels && st == TCET_OK; c++) {
        double m = mean[c] / (double)count, variance = square[c] / (double)count - m * m;

        s->mean[c] = (float)m;
        s->std[c] = (float)sqrt(variance);
        if (!(s->std[c] > 0) || !isfinite(s->std[c]))
            st = tcet_failf(cx, TCET_E_ARG,
                            "%s: channel %d has the same value everywhere, so that its "
                            "deviation cannot be computed; set mean and std",
                            s->where, c);
    }
    return st;
}

/* Makes room for means and deviations of the set's channels. */
static tcet_status statistics_new(tcet_ctx *cx, struct set *s)
{
    free(s->mean);
    free(s->std);
    s->mean = malloc((size_t)s->channels * sizeof *s->mean);
    s->std = malloc((size_t)s->channels * sizeof *s->std);
    return s->mean && s->std ? TCET_OK
                             : tcet_fail(cx, TCET_E_MEMORY, "no memory for means and deviations");
}

tcet_status set_normalise(tcet_ctx *cx, struct set *s, const float *mean, const float *std)
{
    tcet_status st = statistics_new(cx, s);

    if (st == TCET_OK) {
        memcpy(s->mean, mean, (size_t)s->channels * sizeof *mean);
        memcpy(s->std, std, (size_t)s->channels * sizeof *std);
    }
    return st;
}

tcet_status set_statistics(tcet_ctx *cx, struct set *s, const char *mean, const char *std)
{
    int computed = !strcmp(mean, "computed");
    tcet_status st = statistics_new(cx, s);

    if (st < 0)
        return st;
    if (computed != !strcmp(std, "computed"))
        return tcet_fail(cx, TCET_E_ARG, "mean and std are computed both, or neither is");
    if (computed)
        return measure(cx, s, s->height, s->width);
    st = numbers(cx, "mean", mean, s->channels, 0, s->mean);
    return st < 0 ? st : numbers(cx, "std", std, s->channels, 1, s->std);
}

/* -- What training reads ------------------------------------------------------------------- */

static tcet_status find_test(tcet_ctx *cx, struct set *s)
{
    tcet_status st = TCET_OK;

    if (!s->test_known && s->find_test) {
        set_clear(s, TCET_SPLIT_TEST);
        st = s->find_test(cx, s);
        if (st < 0)
            set_clear(s, TCET_SPLIT_TEST);
    }
    s->test_known = st == TCET_OK;
    return st;
}

tcet_status set_splits(tcet_ctx *cx, void *self, tcet_data_splits *out)
{
    struct set *s = self;
    tcet_status st = suit(cx, s, NULL);

    if (st == TCET_OK)
        st = find_test(cx, s);
    if (st == TCET_OK && s->channels > TCET_READ_CHANNELS_MAX)
        st = tcet_failf(cx, TCET_E_UNSUPPORTED,
                        "%s: images of %d channels; training reads those of 1 to %d", s->where,
                        s->channels, TCET_READ_CHANNELS_MAX);
    if (st == TCET_OK && s->floats)
        st = tcet_failf(cx, TCET_E_UNSUPPORTED,
                        "%s: holds float images, training reads bytes; store them as uint8",
                        s->where);
    if (st == TCET_OK && s->jigsaw.count)
        st = tcet_failf(cx, TCET_E_UNSUPPORTED,
                        "%s: jigsaw = 1 cuts puzzles for scores; training reads whole images",
                        s->where);
    if (st == TCET_OK && s->targets)
        st = tcet_failf(cx, TCET_E_UNSUPPORTED,
                        "%s: its targets are no classes, which training reads; store integers [n]",
                        s->where);
    if (st < 0)
        return st;
    out->channels = s->channels;
    out->height = s->height;
    out->width = s->width;
    out->classes = s->classes;
    for (uint32_t split = 0; split < TCET_SPLITS; split++)
        out->count[split] = s->count[split];
    memcpy(out->mean, s->mean, (size_t)s->channels * sizeof *s->mean);
    memcpy(out->std, s->std, (size_t)s->channels * sizeof *s->std);
    snprintf(out->identity, sizeof out->identity,
             "%s n=%" PRId64 " fnv1a=%016" PRIx64 " test n=%" PRId64 " fnv1a=%016" PRIx64, s->name,
             s->count[TCET_SPLIT_TRAIN], s->checksum[TCET_SPLIT_TRAIN], s->count[TCET_SPLIT_TEST],
             s->checksum[TCET_SPLIT_TEST]);
    return TCET_OK;
}

static tcet_status check_read(tcet_ctx *cx, const struct set *s, const tcet_read_request *r,
                              int32_t h, int32_t w)
{
    tcet_status st;
    int64_t count;

    if (r->split >= TCET_SPLITS)
        return tcet_failf(cx, TCET_E_ARG, "there is no split %u", r->split);
    if (s->floats)
        return tcet_failf(cx, TCET_E_UNSUPPORTED, "%s: holds float images, no bytes", s->where);
    st = check_size(cx, s, h, w);
    if (st < 0)
        return st;
    count = s->count[r->split];
    if (count == 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: has no test images; %s, or hold some of the training images out",
                          s->where, s->test_hint);
    if (r->n < 0 || (!r->indices && (r->first < 0 || r->first > count - r->n)))
        return tcet_failf(cx, TCET_E_ARG,
                          "%" PRId64 " images from number %" PRId64
                          " on are asked for, %s has %" PRId64,
                          r->n, r->first, s->where, count);
    for (int64_t i = 0; i < r->n && r->indices; i++) {
        if (r->indices[i] < 0 || r->indices[i] >= count)
            return tcet_failf(cx, TCET_E_ARG, "image %" PRId64 " is asked for, %s has %" PRId64,
                              r->indices[i], s->where, count);
    }
    return TCET_OK;
}

tcet_status set_read(tcet_ctx *cx, void *self, const tcet_read_request *r, uint8_t *images,
                     int64_t *labels)
{
    struct set *s = self;
    int32_t h, w;
    int64_t order[CHUNK];
    struct load l;
    tcet_status st = suit(cx, s, NULL);

    h = r->height ? r->height : s->height;
    w = r->width ? r->width : s->width;
    if (st == TCET_OK)
        st = find_test(cx, s);
    if (st == TCET_OK)
        st = check_read(cx, s, r, h, w);
    if (st == TCET_OK)
        st = load_new(cx, s, h, w, r->n, &l);
    for (int64_t i = 0, n; st == TCET_OK && i < r->n; i += n) {
        n = r->n - i < l.chunk ? r->n - i : l.chunk;
        for (int64_t k = 0; k < n; k++) {
            order[k] = r->indices ? r->indices[i + k] : r->first + i + k;
            labels[i + k] = s->label[r->split][order[k]];
        }
        st = s->pixels(cx, self, r->split, order, n, l.h, l.w, l.buffer);
        for (int64_t k = 0; k < n && st == TCET_OK; k++)
            shrink(&l, k, h, w, images + (i + k) * s->channels * h * w);
    }
    return st;
}
