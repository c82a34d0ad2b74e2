/* arrays.c -- your own images as arrays: npy (numpy's .npy and .npz) and raw (numbers, no header).  What is
 * no image is one of a row (signals [n, c, length]) or of a single pixel (features [n, c]).
 *
 * Room: plugins/dataset.  Touches common/, the SDK and libc, and the files that it is given. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/set.h"

enum {
    SIDE_MAX = 4096,
    LENGTH_MAX = 1 << 20,  /* of an image of one row */
    NUMBERS_MAX = 1 << 26, /* of an image */
    CLASSES_MAX = 100000,
    ERROR = 700,
    BLOCK = 1 << 16,
    TEXT_MAX = 1 << 28
};

struct arrays {
    struct set set;
    const char *path, *labels, *test_path, *test_labels;
    const char *x, *y, *x_test, *y_test; /* npy: names in an archive */
    const char *shape, *mean, *std, *permutations;
    int32_t layout, gray, type, balance, jigsaw;
    int64_t first_label, classes;
    int raw;
    struct array images[TCET_SPLITS];
    struct array target; /* of the training images, where it is more than a label */
    int32_t channels, height, width, channels_last; /* of an image in the file */
    int lines;                                      /* [n, a, b] is read as [n, c, length] */
    char hint[300];                                 /* for networks of other channels */
};

enum { LAYOUT_AUTO, LAYOUT_NCHW, LAYOUT_NHWC, LAYOUT_NHW, LAYOUT_NCL };
enum { TYPE_FLOAT32, TYPE_UINT8 };
static const char *const types[] = {"float32", "uint8", NULL};

/* The file of a split's images. */
static const char *image_file(const struct arrays *p, uint32_t split)
{
    return split && *p->test_path ? p->test_path : p->path;
}

static int64_t image_bytes(const struct arrays *p, const struct array *a)
{
    return (int64_t)p->channels * p->height * p->width * a->element;
}

/* -- Shapes ------------------------------------------------------------------------------------ */

/* Gray or red, green and blue: what `auto` takes for channels. */
static int usual(int64_t n)
{
    return n == 1 || n == 3;
}

static int can_be(int64_t c, int64_t h, int64_t w)
{
    return c >= 1 && c <= SET_CHANNELS_MAX && h >= 1 && h <= SIDE_MAX && w >= 1 &&
           w <= (h == 1 ? LENGTH_MAX : SIDE_MAX) && c * h * w <= NUMBERS_MAX;
}

static tcet_status set_shape(tcet_ctx *cx, struct arrays *p, int64_t c, int64_t h, int64_t w)
{
    if (!can_be(c, h, w))
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: images of %" PRId64 " channels and %" PRId64 " x %" PRId64
                          "; 1 to %d channels and 1 to %d pixels on a side are read (of one row "
                          "%d), and %d numbers in all",
                          p->set.where, c, h, w, SET_CHANNELS_MAX, SIDE_MAX, LENGTH_MAX,
                          NUMBERS_MAX);
    p->channels = (int32_t)c;
    p->height = (int32_t)h;
    p->width = (int32_t)w;
    return TCET_OK;
}

/* shape = CxHxW */
static tcet_status shape_from_text(tcet_ctx *cx, struct arrays *p)
{
    long long c = 0, h = 0, w = 0;
    char rest;

    if (sscanf(p->shape, "%7lldx%7lldx%7lld%c", &c, &h, &w, &rest) != 3)
        return tcet_failf(cx, TCET_E_ARG, "shape = %.60s: want CxHxW, such as 3x32x32", p->shape);
    return set_shape(cx, p, c, h, w);
}

/* A key that is given and would change nothing is refused. */
static tcet_status check_keys(tcet_ctx *cx, const struct arrays *p, const struct array *a)
{
    static const int dims[] = {0, 4, 4, 3, 3};
    static const char *const names[] = {"auto", "nchw", "nhwc", "nhw", "ncl"};
    int of = dims[p->layout];

    if (*p->shape && a->dims != 2)
        return tcet_failf(
            cx, TCET_E_ARG,
            "%s: shape = %.60s is of arrays of 2 dimensions, [n, c h w]; this has %d: "
            "leave shape out",
            p->set.where, p->shape, a->dims);
    if (of && of != a->dims && !(of == 4 && *p->shape))
        return tcet_failf(
            cx, TCET_E_ARG,
            "%s: layout = %s is of arrays of %d dimensions, this has %d: leave layout "
            "out%s",
            p->set.where, names[p->layout], of, a->dims,
            a->dims == 3 ? ", or set it to nhw or ncl" : "");
    return TCET_OK;
}

/* [n, a, b]: a channels of b numbers, or a rows of b pixels. */
static tcet_status set_lines(tcet_ctx *cx, struct arrays *p, const struct array *a, int lines)
{
    p->lines = lines;
    return lines ? set_shape(cx, p, a->shape[1], 1, a->shape[2])
                 : set_shape(cx, p, 1, a->shape[1], a->shape[2]);
}

/* [n, c h w] with a shape; without one n images of one pixel. */
static tcet_status shape_of_rows(tcet_ctx *cx, struct arrays *p, const struct array *a)
{
    tcet_status st;

    if (!*p->shape)
        return set_shape(cx, p, a->shape[1], 1, 1);
    st = shape_from_text(cx, p);
    return st < 0 || (int64_t)p->channels * p->height * p->width == a->shape[1]
               ? st
               : tcet_failf(cx, TCET_E_ARG, "%s: rows of %" PRId64 " numbers, no %s", p->set.where,
                            a->shape[1], p->shape);
}

static tcet_status shape_from_array(tcet_ctx *cx, struct arrays *p, const struct array *a)
{
    const int64_t *s = a->shape;
    tcet_status st = check_keys(cx, p, a);

    if (st < 0)
        return st;
    p->channels_last = p->layout == LAYOUT_NHWC;
    if (a->dims == 3)
        return set_lines(cx, p, a,
                         p->layout == LAYOUT_NCL ||
                             (p->layout == LAYOUT_AUTO && !can_be(1, s[1], s[2])));
    if (a->dims == 2)
        return shape_of_rows(cx, p, a);
    if (a->dims != 4)
        return tcet_failf(
            cx, TCET_E_ARG,
            "%s: an array of %d dimensions; want [n, c, h, w], [n, h, w, c], [n, h, w], "
            "[n, c, length], [n, features], or [n, c h w] with shape = CxHxW",
            p->set.where, a->dims);
    if (p->layout == LAYOUT_AUTO && usual(s[1]) == usual(s[3]))
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: [%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                          "]: which are the channels? set layout to nchw or nhwc",
                          p->set.where, s[0], s[1], s[2], s[3]);
    if (p->layout == LAYOUT_AUTO)
        p->channels_last = usual(s[3]);
    return p->channels_last ? set_shape(cx, p, s[3], s[1], s[2])
                            : set_shape(cx, p, s[1], s[2], s[3]);
}

/* What the set says of the images in the file. */
static tcet_status describe(tcet_ctx *cx, struct arrays *p)
{
    p->set.channels = p->channels == 1 && p->gray ? 3 : p->channels;
    p->set.height = p->height;
    p->set.width = p->width;
    return set_statistics(cx, &p->set, p->mean, p->std);
}

/* [n, a, b] without a layout: what the network takes says which it is. */
static tcet_status suit(tcet_ctx *cx, void *self, const tcet_data_request *r)
{
    struct arrays *p = self;
    const struct array *a = &p->images[TCET_SPLIT_TRAIN];
    const int64_t *s = a->shape;
    uint32_t planes = TCET_TARGET_BIT(TCET_TARGET_PIXELS) | TCET_TARGET_BIT(TCET_TARGET_MAP);
    int lines;
    tcet_status st;

    if (a->dims != 3 || p->layout != LAYOUT_AUTO || p->gray || p->jigsaw || p->set.targets & planes)
        return TCET_OK;
    lines = !can_be(1, s[1], s[2]);
    if (r && r->channels == 1 && r->height == 1 && s[1] > 1)
        return tcet_failf(
            cx, TCET_E_ARG,
            "%s: [%" PRId64 ", %" PRId64 ", %" PRId64
            "]: the network takes one row of one channel; set layout to nhw (the mean "
            "of the rows), or to ncl for one of %" PRId64 " channels",
            p->set.where, s[0], s[1], s[2], s[1]);
    if (r && r->channels)
        lines |= r->height == 1 && r->channels == s[1];
    if (lines == p->lines)
        return TCET_OK;
    st = set_lines(cx, p, a, lines);
    if (st == TCET_OK)
        st = describe(cx, p);
    if (st < 0)
        p->lines = -1; /* neither: the next request begins anew */
    return st;
}

/* What to do where the network's channels are others. */
static void give_hint(struct arrays *p, const struct array *a)
{
    const int64_t *s = a->shape;

    *p->hint = '\0';
    if (a->dims == 2 && !*p->shape)
        snprintf(p->hint, sizeof p->hint,
                 "; of images as rows [n, c h w], set [data] shape = CxHxW");
    else if (a->dims == 3)
        snprintf(
            p->hint, sizeof p->hint,
            "; an array [n, %" PRId64 ", %" PRId64
            "] is [n, h, w] ([data] layout = nhw), or [n, c, length] (ncl) where c and length are "
            "the network's",
            s[1], s[2]);
    p->set.channels_hint = *p->hint ? p->hint : NULL;
}

/* -- Labels ------------------------------------------------------------------------------------ */

static tcet_status add_label(tcet_ctx *cx, struct arrays *p, uint32_t split, const char *path,
                             int64_t label)
{
    int64_t top = p->classes ? p->classes
                  : split    ? p->set.top_label[TCET_SPLIT_TRAIN] + INT64_C(1)
                             : CLASSES_MAX;
    int64_t image = p->set.count[split];

    if (label < p->first_label || label - p->first_label >= top)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: image %" PRId64 ": label %" PRId64 ", want %" PRId64 " to %" PRId64
                          " (first_label, classes)",
                          path, image, label, p->first_label, p->first_label + top - 1);
    label -= p->first_label;
    p->set.checksum[split] = set_hash(p->set.checksum[split], &label, sizeof label);
    return set_add(cx, &p->set, split, label);
}

/* Numbers of one image's target. */
static int64_t target_numbers(const struct array *a)
{
    return a->bytes / a->element / a->shape[0];
}

/* Image's target into out: floats as they are, integers less the first label. */
static tcet_status read_target(tcet_ctx *cx, void *self, int64_t image, float *out)
{
    const struct arrays *p = self;
    const struct array *a = &p->target;
    int64_t n = target_numbers(a), bytes = n * a->element;
    unsigned char *numbers = malloc((size_t)bytes + 1);
    double d;

    if (!numbers)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a target");
    if (array_read(a, image * bytes, bytes, numbers) < 0) {
        free(numbers);
        return tcet_failf(cx, TCET_E_IO, "%s: target %" PRId64 " cannot be read any more",
                          p->set.where, image);
    }
    for (int64_t k = 0; k < n; k++) {
        if (a->kind != 'f') {
            out[k] = (float)(array_whole(a, numbers, k) - p->first_label);
        } else if (a->element == 4) {
            memcpy(&out[k], numbers + 4 * k, sizeof *out);
        } else {
            memcpy(&d, numbers + 8 * k, sizeof d);
            out[k] = (float)d;
        }
    }
    free(numbers);
    return TCET_OK;
}

/* What kinds of targets an array holds: floats [n, k] and [n, c, h, w], integers [n, h, w]; 0: none. */
static uint32_t kinds_of(const struct arrays *p, const struct array *a)
{
    int32_t d = a->dims;
    int planes = d > 2 && a->shape[d - 2] == p->height && a->shape[d - 1] == p->width;

    if (a->kind != 'f')
        return d == 3 && planes ? TCET_TARGET_BIT(TCET_TARGET_PIXELS) : 0;
    return d == 2 ? TCET_TARGET_BIT(TCET_TARGET_SHARES) | TCET_TARGET_BIT(TCET_TARGET_NUMBERS)
           : d == 4 && planes ? TCET_TARGET_BIT(TCET_TARGET_MAP)
                              : 0;
}

/* Looks at one image's target: numbers are finite, classes in their range, shares not below 0. */
static tcet_status check_target(tcet_ctx *cx, struct arrays *p, const char *path, int64_t image,
                                const float *t, int64_t n)
{
    int classes = p->set.targets == TCET_TARGET_BIT(TCET_TARGET_PIXELS);
    int64_t top = 0;

    for (int64_t k = 0; k < n; k++) {
        float v = t[k];

        if (classes ? v < 0 || v >= (float)(p->classes ? p->classes : CLASSES_MAX) : !isfinite(v))
            return tcet_failf(cx, TCET_E_ARG,
                              "%s: target %" PRId64 ": number %" PRId64
                              " is %g (first_label, classes)",
                              path, image, k, (double)v);
        if (v < 0)
            p->set.targets &= ~TCET_TARGET_BIT(TCET_TARGET_SHARES);
        top = t[k] > t[top] ? k : top;
    }
    if (classes && (int32_t)t[top] > p->set.top_label[TCET_SPLIT_TRAIN])
        p->set.top_label[TCET_SPLIT_TRAIN] = (int32_t)t[top];
    return set_add(cx, &p->set, TCET_SPLIT_TRAIN,
                   p->set.targets & TCET_TARGET_BIT(TCET_TARGET_NUMBERS) ? top : 0);
}

/* The array that is open as p->target, of n images. */
static tcet_status take_targets(tcet_ctx *cx, struct arrays *p, const char *path, int64_t n)
{
    const struct array *a = &p->target;
    uint32_t kinds = kinds_of(p, a);
    int64_t numbers = target_numbers(a);
    float *t;
    tcet_status st = TCET_OK;

    if (!kinds || numbers < 1 || numbers > INT32_MAX)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: labels are no integers [%" PRId64
                          "]; nor, as other targets, floats [n, k] or [n, c, %d, %d], or integers "
                          "[n, %d, %d]",
                          path, n, p->height, p->width, p->height, p->width);
    t = malloc((size_t)numbers * sizeof *t);
    if (!t)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a target");
    p->set.targets = kinds;
    p->set.target = read_target;
    p->set.target_channels =
        kinds == TCET_TARGET_BIT(TCET_TARGET_PIXELS) ? 1 : (int32_t)a->shape[1];
    for (int64_t i = 0; i < n && st == TCET_OK; i++) {
        st = read_target(cx, p, i, t);
        if (st == TCET_OK)
            st = check_target(cx, p, path, i, t, numbers);
        p->set.checksum[TCET_SPLIT_TRAIN] =
            set_hash(p->set.checksum[TCET_SPLIT_TRAIN], t, (size_t)numbers * sizeof *t);
    }
    free(t);
    return st;
}

static tcet_status labels_from_array(tcet_ctx *cx, struct arrays *p, uint32_t split,
                                     const char *path, const char *name, int64_t n)
{
    struct array a;
    char error[ERROR];
    unsigned char *numbers = NULL;
    tcet_status st = TCET_OK;

    if (array_open(path, name, &a, error, sizeof error) < 0) {
        st = tcet_failf(cx, TCET_E_ARG, "%s%s", error,
                        strstr(error, "holds no array")
                            ? "; where there are no labels, set y to nothing (`y =`) and classes"
                            : "");
    } else if (split == TCET_SPLIT_TRAIN && a.dims > 1 && a.shape[0] == n &&
               (a.kind == 'f' || a.bytes != n * a.element)) {
        p->target = a; /* closed with the rest */
        return take_targets(cx, p, path, n);
    } else if (a.kind == 'f' || a.dims < 1 || a.shape[0] != n || a.bytes != n * a.element)
        st = tcet_failf(cx, TCET_E_ARG, "%s: labels are no integers [%" PRId64 "]", path, n);
    else if (!(numbers = malloc((size_t)a.bytes + 1)))
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for the labels");
    else if (array_read(&a, 0, a.bytes, numbers) < 0)
        st = tcet_failf(cx, TCET_E_IO, "%s: cannot be read any more", path);
    for (int64_t i = 0; i < n && st == TCET_OK; i++)
        st = add_label(cx, p, split, path, array_whole(&a, numbers, i));
    array_close(&a);
    free(numbers);
    return st;
}

/* Integers parted by blanks or lines. */
static tcet_status labels_from_text(tcet_ctx *cx, struct arrays *p, uint32_t split,
                                    const char *path, int64_t n)
{
    unsigned char *bytes;
    char *text, *at;
    size_t size;
    tcet_status st = set_file(cx, path, TEXT_MAX, &bytes, &size);

    if (st < 0)
        return st;
    text = malloc(size + 1);
    if (text) {
        memcpy(text, bytes, size);
        text[size] = '\0';
    }
    free(bytes);
    if (!text)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the labels");
    at = text;
    for (int64_t i = 0; i < n && st == TCET_OK; i++) {
        char *end;
        long long v = strtoll(at, &end, 10);

        if (end == at || !strchr(" \t\r\n", *end))
            st = tcet_failf(cx, TCET_E_ARG,
                            "%s: no integer for image %" PRId64 " of %" PRId64
                            ", as many as type = %s and shape = %.60s make of %s",
                            path, i, n, types[p->type], p->shape, image_file(p, split));
        else
            st = add_label(cx, p, split, path, v);
        at = end;
    }
    at += strspn(at, " \t\r\n");
    if (st == TCET_OK && at != text + size)
        st = tcet_failf(cx, TCET_E_ARG,
                        "%s: more than the labels of %" PRId64
                        " images, as many as type = %s and shape = %.60s make of %s; of type = %s "
                        "there would be %" PRId64,
                        path, n, types[p->type], p->shape, image_file(p, split), types[!p->type],
                        p->type == TYPE_UINT8 ? n / 4 : n * 4);
    free(text);
    return st;
}

/* The labels of a split's n images: of a file, of the archive, or counted around the classes. */
static tcet_status read_labels(tcet_ctx *cx, struct arrays *p, uint32_t split, int64_t n)
{
    const char *path = split ? p->test_labels : p->labels;
    const char *name = split && *p->y_test ? p->y_test : p->y;
    tcet_status st = TCET_OK;

    if (*path && p->raw)
        return labels_from_text(cx, p, split, path, n);
    if (*path)
        return labels_from_array(cx, p, split, path, name, n);
    if (p->images[split].archived && *name)
        return labels_from_array(cx, p, split, image_file(p, split), name, n);
    if (!p->classes && !p->jigsaw)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: set %s to a file of labels; or classes, and they count 0, 1, 2 ... "
                          "around these",
                          p->set.where, split ? "test_labels" : "labels");
    for (int64_t i = 0; i < n && st == TCET_OK; i++)
        st = add_label(cx, p, split, p->set.where,
                       p->first_label + (p->classes ? i % p->classes : 0));
    return st;
}

/* -- Images ------------------------------------------------------------------------------------ */

/* The numbers of `n` images from `images` on to planes. */
static tcet_status pixels(tcet_ctx *cx, void *self, uint32_t split, const int64_t *images,
                          int64_t n, int32_t h, int32_t w, void *out)
{
    const struct arrays *p = self;
    const struct array *a = &p->images[split];
    int64_t bytes = image_bytes(p, a), plane = (int64_t)h * w;
    unsigned char *image = malloc((size_t)bytes);
    tcet_status st = image ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory for an image");

    for (int64_t i = 0; i < n && st == TCET_OK; i++) {
        int64_t to = i * p->set.channels * plane;

        if (array_read(a, images[i] * bytes, bytes, image) < 0) {
            st = tcet_failf(cx, TCET_E_IO, "%s: image %" PRId64 " cannot be read any more",
                            p->set.where, images[i]);
            break;
        }
        for (int64_t k = 0; k < p->set.channels * plane; k++) {
            int64_t c = p->channels == 1 ? 0 : k / plane;
            int64_t at = p->channels_last ? k % plane * p->channels + c : c * plane + k % plane;
            float v = 0;

            if (a->element == 1) {
                ((unsigned char *)out)[to + k] = image[at];
                continue;
            }
            if (a->element == 4) {
                memcpy(&v, image + 4 * at, sizeof v);
            } else {
                double d;

                memcpy(&d, image + 8 * at, sizeof d);
                v = (float)d;
            }
            if (!isfinite(v)) {
                st = tcet_failf(cx, TCET_E_ARG,
                                "%s: image %" PRId64 ": number %" PRId64
                                " is %g, which is no finite float32",
                                p->set.where, images[i], at, (double)v);
                break;
            }
            ((float *)out)[to + k] = v;
        }
    }
    free(image);
    return st;
}

/* Opens a split's images and takes their labels. */
static tcet_status open_split(tcet_ctx *cx, struct arrays *p, uint32_t split, const char *path,
                              const char *name)
{
    struct array *a = &p->images[split];
    unsigned char *block;
    char error[ERROR];
    int32_t c = p->channels, h = p->height, w = p->width;
    int64_t n;
    tcet_status st;

    array_close(a);
    if ((p->raw ? array_open_raw(
                      path, p->type == TYPE_UINT8 ? 'u' : 'f', p->type == TYPE_UINT8 ? 1 : 4,
                      (int64_t)c * h * w * (p->type == TYPE_UINT8 ? 1 : 4), a, error, sizeof error)
                : array_open(path, name, a, error, sizeof error)) < 0)
        return p->raw && a->file ? tcet_failf(cx, TCET_E_ARG, "%s (type = %s, shape = %.60s)",
                                              error, types[p->type], p->shape)
                                 : tcet_fail(cx, TCET_E_ARG, error);
    if (a->kind != 'f' && (a->kind != 'u' || a->element != 1))
        return tcet_failf(cx, TCET_E_ARG, "%s: images are uint8, float32 or float64", path);
    st = p->raw ? TCET_OK : shape_from_array(cx, p, a);
    if (st < 0)
        return st;
    if (split == TCET_SPLIT_TEST && (p->channels != c || p->height != h || p->width != w ||
                                     a->element != p->images[TCET_SPLIT_TRAIN].element))
        return tcet_failf(cx, TCET_E_ARG, "%s: its images are not like those of %s", path, p->path);
    n = a->shape[0];
    if (n < 1 || n >= INT32_MAX)
        return tcet_failf(cx, TCET_E_ARG, "%s: holds %" PRId64 " images", path, n);
    block = malloc(BLOCK);
    if (!block)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory to read the images");
    for (int64_t at = 0, part; at < a->bytes && st == TCET_OK; at += part) {
        part = a->bytes - at < BLOCK ? a->bytes - at : BLOCK;
        if (array_read(a, at, part, block) < 0)
            st = tcet_failf(cx, TCET_E_IO, "%s: cannot be read to its end", path);
        else
            p->set.checksum[split] = set_hash(p->set.checksum[split], block, (size_t)part);
    }
    free(block);
    return st < 0 ? st : read_labels(cx, p, split, n);
}

static tcet_status find_test(tcet_ctx *cx, void *self)
{
    struct arrays *p = self;

    if (!*p->test_path && !*p->x_test)
        return TCET_OK;
    return open_split(cx, p, TCET_SPLIT_TEST, image_file(p, TCET_SPLIT_TEST),
                      *p->x_test ? p->x_test : p->x);
}

static void fini(void *self)
{
    struct arrays *p = self;

    set_forget(&p->set);
    for (uint32_t split = 0; split < TCET_SPLITS; split++)
        array_close(&p->images[split]);
    array_close(&p->target);
    jigsaw_close(&p->set.jigsaw);
    p->set.targets = 0;
}

static tcet_status open_arrays(tcet_ctx *cx, struct arrays *p, const char *id)
{
    tcet_status st = TCET_OK;

    fini(p);
    snprintf(p->set.where, sizeof p->set.where, "%.500s", p->path);
    snprintf(p->set.name, sizeof p->set.name, "%s", id);
    p->set.balance = p->balance;
    p->set.pixels = pixels;
    p->set.find_test = find_test;
    p->set.test_hint = p->raw ? "set test_path and test_labels"
                              : "set x_test and y_test, or test_path and test_labels";
    if (!*p->path)
        return tcet_fail(cx, TCET_E_ARG,
                         p->raw ? "set path to a file of numbers"
                                : "set path to a .npy or .npz file");
    if (p->raw)
        st = shape_from_text(cx, p);
    if (st == TCET_OK)
        st = open_split(cx, p, TCET_SPLIT_TRAIN, p->path, p->x);
    if (st < 0)
        return st;
    p->set.suit = p->raw ? NULL : suit;
    p->set.first_label = p->first_label == 0;
    give_hint(p, &p->images[TCET_SPLIT_TRAIN]);
    p->set.floats = p->images[TCET_SPLIT_TRAIN].kind == 'f';
    p->set.classes = p->classes ? (int32_t)p->classes : p->set.top_label[TCET_SPLIT_TRAIN] + 1;
    if (p->jigsaw) {
        st = p->set.targets ? tcet_fail(cx, TCET_E_ARG, "jigsaw = 1 is of images without targets")
                            : jigsaw_open(cx, p->permutations, &p->set.jigsaw);
        if (st < 0)
            return st;
    }
    if (p->set.targets & ~TCET_TARGET_BIT(TCET_TARGET_PIXELS))
        p->set.classes = p->set.target_channels;
    return describe(cx, p);
}

static tcet_status open_npy(tcet_ctx *cx, void *self)
{
    return open_arrays(cx, self, "npy");
}

static tcet_status open_raw(tcet_ctx *cx, void *self)
{
    struct arrays *p = self;

    p->raw = 1;
    p->x = p->y = p->x_test = p->y_test = "";
    return open_arrays(cx, p, "raw");
}

static const char *const layouts[] = {"auto", "nchw", "nhwc", "nhw", "ncl", NULL};
static const char *const grays[] = {"one", "three", NULL};
#define COMMON                                                                                   \
    TCET_PARAM_PATH(struct arrays, test_path, "", "The same of the test images, for training."), \
        TCET_PARAM_PATH(struct arrays, test_labels, "", "Labels of the test images."),           \
        TCET_PARAM_CHOICE(struct arrays, gray, "one", grays,                                     \
                          "Images of one channel stay so, or become three times the same."),     \
        TCET_PARAM_I64(struct arrays, first_label, "0", 0, 1000, "The label of class 0."),       \
        TCET_PARAM_I64(struct arrays, classes, "0", 0, CLASSES_MAX,                              \
                       "How many there are; 0: as the largest label says."),                     \
        TCET_PARAM_TEXT(struct arrays, mean, "0",                                                \
                        "Of each channel, in the numbers' own units, of uint8 for values in "    \
                        "[0, 1]: numbers, or computed."),                                        \
        TCET_PARAM_TEXT(struct arrays, std, "1", "The deviation, likewise."),                    \
        TCET_PARAM_BOOL(struct arrays, jigsaw, "0",                                              \
                        "Puzzles: nine tiles of each image as channels, in a random order, "     \
                        "which is the class; for TransNAS's task jigsaw."),                      \
        TCET_PARAM_PATH(struct arrays, permutations, "",                                         \
                        "With jigsaw: a .npy file of integers [n, 9], the orders; none: 1,000 "  \
                        "of our own."),                                                          \
        TCET_PARAM_BOOL(struct arrays, balance, "0",                                             \
                        "As many images of every class in a mini-batch, class by class.")

static const tcet_param params_npy[] = {
    TCET_PARAM_PATH(
        struct arrays, path, "",
        "A .npy file of images, uint8, float32 or float64: [n, c, h, w], [n, h, w, c], "
        "[n, h, w], [n, c, length], [n, features] or, with shape, [n, c h w]; or a .npz "
        "archive of images and labels."),
    TCET_PARAM_PATH(struct arrays, labels, "",
                    "A .npy file of integers [n]; or of other targets: floats [n, k] (soft labels, "
                    "numbers), integers [n, h, w] (a class at every pixel), floats [n, c, h, w]."),
    TCET_PARAM_TEXT(struct arrays, x, "x", "The images' name in the archive."),
    TCET_PARAM_TEXT(struct arrays, y, "y", "The labels' name in the archive."),
    TCET_PARAM_TEXT(struct arrays, x_test, "",
                    "That of test images; none, there is no such array."),
    TCET_PARAM_TEXT(struct arrays, y_test, "", "That of their labels; none, it is y."),
    TCET_PARAM_TEXT(struct arrays, shape, "", "CxHxW of the images of an array [n, c h w]."),
    TCET_PARAM_CHOICE(
        struct arrays, layout, "auto", layouts,
        "Of 4 dimensions nchw or nhwc; auto: channels are the axis of 1 or 3.  Of 3 "
        "nhw (one channel) or ncl (c channels of a length); auto: as the network takes "
        "them."),
    COMMON,
};
static const tcet_param params_raw[] = {
    TCET_PARAM_PATH(struct arrays, path, "",
                    "A file of numbers [n, c, h, w], least significant byte first."),
    TCET_PARAM_PATH(struct arrays, labels, "", "A text file of n integers, or none (see classes)."),
    TCET_PARAM_TEXT(struct arrays, shape, "3x32x32", "CxHxW of an image."),
    TCET_PARAM_CHOICE(struct arrays, type, "float32", types, "Of the numbers."),
    COMMON,
};

static const tcet_dataset_ops ops_npy = SET_OPS(open_npy);
static const tcet_plugin npy = {
    .struct_size = sizeof npy,
    .kind = TCET_DATASET,
    .id = "npy",
    .version = "1.0.0",
    .summary = "Your own images as arrays of numpy: .npy and .npz files.",
    TCET_PARAMS(struct arrays, params_npy),
    .ops = &ops_npy,
    .fini = fini,
};
static const tcet_dataset_ops ops_raw = SET_OPS(open_raw);
static const tcet_plugin raw = {
    .struct_size = sizeof raw,
    .kind = TCET_DATASET,
    .id = "raw",
    .version = "1.0.0",
    .summary = "Your own images as numbers without a header: float32 or uint8.",
    TCET_PARAMS(struct arrays, params_raw),
    .ops = &ops_raw,
    .fini = fini,
};

TCET_MODULE(&npy, &raw)
