/* picture.c -- see picture.h.  Room: plugins/dataset/common.  Stands on libpng, libjpeg and libc. */
#include "common/picture.h"

#include "common/file.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include <jerror.h>

enum { SCANS_MAX = 500, MESSAGE = 200 };

/* One file while it is read: in memory, with what it becomes. */
struct reading {
    const struct picture_rules *rules;
    unsigned char *file;
    size_t size, at;
    int32_t height, width, stored; /* stored: channels in the file, 1 to 4 */
    unsigned char *pixels;         /* [height, width, stored] */
    unsigned char **row;
    char message[MESSAGE];
    jmp_buf failed;
};

static int say(struct reading *r, const char *what)
{
    snprintf(r->message, sizeof r->message, "%s", what);
    return -1;
}

/* Memory for the pixels, after the size was looked at. */
static int make_room(struct reading *r, uint64_t height, uint64_t width, int channels)
{
    if (!height || !width || height > PICTURE_SIDE_MAX || width > PICTURE_SIDE_MAX ||
        height * width > (uint64_t)r->rules->max_pixels) {
        snprintf(r->message, sizeof r->message,
                 "%" PRIu64 " x %" PRIu64 " pixels; at most %" PRId64
                 " (max_pixels), and %d on a side, are read",
                 height, width, r->rules->max_pixels, PICTURE_SIDE_MAX);
        return -1;
    }
    r->height = (int32_t)height;
    r->width = (int32_t)width;
    r->stored = channels;
    r->pixels = malloc((size_t)height * (size_t)width * (size_t)channels);
    r->row = malloc((size_t)height * sizeof *r->row);
    if (!r->pixels || !r->row)
        return say(r, "no memory for its pixels");
    for (size_t i = 0; i < height; i++)
        r->row[i] = r->pixels + i * (size_t)width * (size_t)channels;
    return 0;
}

/* -- PNG ----------------------------------------------------------------------------------- */

static void png_failed(png_structp png, png_const_charp text)
{
    struct reading *r = png_get_error_ptr(png);

    snprintf(r->message, sizeof r->message, "%.150s", text);
    longjmp(r->failed, 1);
}

static void png_warned(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static void png_bytes(png_structp png, png_bytep out, png_size_t n)
{
    struct reading *r = png_get_io_ptr(png);

    if (n > r->size - r->at)
        png_error(png, "the file is cut");
    memcpy(out, r->file + r->at, n);
    r->at += n;
}

static void read_png_rows(struct reading *r, png_structp png, png_infop info)
{
    png_set_user_limits(png, 1000000, 1000000); /* make_room() has the message */
    png_set_chunk_malloc_max(png, 1 << 23);
    png_set_chunk_cache_max(png, 64);
    png_set_read_fn(png, r, png_bytes);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (make_room(r, png_get_image_height(png, info), png_get_image_width(png, info),
                  png_get_channels(png, info)) < 0)
        longjmp(r->failed, 1);
    png_read_image(png, r->row);
    png_read_end(png, NULL);
}

static int read_png(struct reading *r)
{
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, png_failed, png_warned);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int failed;

    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return say(r, "no memory to decode it");
    }
    failed = setjmp(r->failed);
    if (!failed)
        read_png_rows(r, png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return failed ? -1 : 0;
}

/* -- JPEG ---------------------------------------------------------------------------------- */

struct jpeg {
    struct jpeg_decompress_struct d; /* must stay first */
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct reading *reading;
};

static void jpeg_failed(j_common_ptr d)
{
    struct reading *r = ((struct jpeg *)d)->reading;
    char text[JMSG_LENGTH_MAX];

    d->err->format_message(d, text);
    snprintf(r->message, sizeof r->message, "%.150s", text);
    longjmp(r->failed, 1);
}

/* A warning means that pixels were invented, unless it is about bytes between markers. */
static void jpeg_said(j_common_ptr d, int level)
{
    if (level < 0 && d->err->msg_code != JWRN_EXTRANEOUS_DATA)
        jpeg_failed(d);
}

static void jpeg_silent(j_common_ptr d)
{
    (void)d;
}

/* A small file may make a decoder go over all pixels very often. */
static void jpeg_scans(j_common_ptr d)
{
    struct jpeg *j = (struct jpeg *)d;

    if (j->d.input_scan_number <= SCANS_MAX)
        return;
    say(j->reading, "has more than 500 scans");
    longjmp(j->reading->failed, 1);
}

static void read_jpeg_rows(struct reading *r, struct jpeg *j)
{
    struct jpeg_decompress_struct *d = &j->d;

    jpeg_create_decompress(d);
    j->progress.progress_monitor = jpeg_scans;
    d->progress = &j->progress;
    jpeg_mem_src(d, r->file, r->size);
    jpeg_read_header(d, TRUE);
    if (d->num_components != 1 && d->num_components != 3) {
        say(r, "a JPEG of four colours (CMYK) is not read");
        longjmp(r->failed, 1);
    }
    d->out_color_space = d->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    d->dct_method = JDCT_ISLOW;
    if (make_room(r, d->image_height, d->image_width, d->num_components) < 0)
        longjmp(r->failed, 1);
    jpeg_start_decompress(d);
    while (d->output_scanline < d->output_height)
        jpeg_read_scanlines(d, r->row + d->output_scanline, 1);
    jpeg_finish_decompress(d);
}

static int read_jpeg(struct reading *r)
{
    struct jpeg *j = calloc(1, sizeof *j);
    int failed;

    if (!j)
        return say(r, "no memory to decode it");
    j->reading = r;
    j->d.err = jpeg_std_error(&j->errors);
    j->errors.error_exit = jpeg_failed;
    j->errors.emit_message = jpeg_said;
    j->errors.output_message = jpeg_silent;
    failed = setjmp(r->failed);
    if (!failed)
        read_jpeg_rows(r, j);
    jpeg_destroy_decompress(&j->d);
    free(j);
    return failed ? -1 : 0;
}

/* -- Files --------------------------------------------------------------------------------- */

/* What is stored to the channels that are wanted. */
static int convert(const struct reading *r, struct picture *out)
{
    size_t n = (size_t)r->height * (size_t)r->width;
    int colours = r->stored > 2 ? 3 : 1, alpha = r->stored % 2 == 0;
    int ground = r->rules->alpha == ALPHA_WHITE ? 255 : 0;

    *out = (struct picture){r->height, r->width, r->rules->channels, NULL};
    out->pixels = malloc(n * (size_t)out->channels);
    if (!out->pixels)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *from = r->pixels + i * (size_t)r->stored;
        unsigned char *to = out->pixels + i * (size_t)out->channels;
        int a = alpha && r->rules->alpha != ALPHA_DROP ? from[colours] : 255, v[3];

        for (int c = 0; c < 3; c++)
            v[c] = (from[colours == 3 ? c : 0] * a + ground * (255 - a) + 127) / 255;
        if (out->channels == 1)
            to[0] =
                (unsigned char)(colours == 1 ? v[0]
                                             : (299 * v[0] + 587 * v[1] + 114 * v[2] + 500) / 1000);
        for (int c = 0; c < 3 && out->channels == 3; c++)
            to[c] = (unsigned char)v[c];
    }
    return 0;
}

/* The whole file into r->file. */
static int load(struct reading *r, const char *path)
{
    const char *why;
    int64_t size;
    FILE *f = file_regular(path, &size, &why);
    int done = 0;

    if (!f)
        return say(r, why);
    if (size > PICTURE_BYTES_MAX) {
        snprintf(r->message, sizeof r->message, "has %" PRId64 " bytes, at most %d are read", size,
                 PICTURE_BYTES_MAX);
        done = -1;
    } else {
        r->size = (size_t)size;
        r->file = malloc(r->size + 1);
        if (!r->file)
            done = say(r, "no memory for the file");
        else if (fread(r->file, 1, r->size, f) != r->size)
            done = say(r, "cannot be read to its end");
    }
    fclose(f);
    return done;
}

int picture_read(const char *path, const struct picture_rules *rules, struct picture *out,
                 char *error, size_t cap)
{
    struct reading *r = calloc(1, sizeof *r); /* longjmp() keeps what is in memory */
    int done;

    *out = (struct picture){.pixels = NULL};
    if (!r) {
        snprintf(error, cap, "%s: no memory to read it", path);
        return -1;
    }
    r->rules = rules;
    done = load(r, path);
    if (done == 0) {
        if (r->size >= 8 && !memcmp(r->file, "\x89PNG\r\n\x1a\n", 8))
            done = read_png(r);
        else if (r->size >= 3 && !memcmp(r->file, "\xff\xd8\xff", 3))
            done = read_jpeg(r);
        else
            done = say(r, "is neither PNG nor JPEG, whatever its name says");
    }
    if (done == 0 && convert(r, out) < 0)
        done = say(r, "no memory for its pixels");
    if (done < 0)
        snprintf(error, cap, "%s: %s", path, r->message);
    free(r->pixels);
    free(r->row);
    free(r->file);
    free(r);
    return done;
}

void picture_free(struct picture *p)
{
    free(p->pixels);
    *p = (struct picture){.pixels = NULL};
}

/* -- Sizes --------------------------------------------------------------------------------- */

/* Of which input pixels an output pixel is the mean: `n` from `first` on, weights in `weight`. */
struct taps {
    int32_t first, n;
    double *weight;
};

/* Taps of the outputs from `skip` on, `n` of them, of a side that goes from `in` to `out` pixels; one
 * block of memory, or NULL. */
static struct taps *taps_of(int32_t in, int32_t out, int32_t skip, int32_t n)
{
    double f = (double)in / out, support = f > 1 ? f : 1;
    size_t most = (size_t)ceil(support) * 2 + 1;
    struct taps *t = malloc((size_t)n * (sizeof *t + most * sizeof(double)));

    for (int32_t i = 0; t && i < n; i++) {
        double centre = ((double)skip + i + 0.5) * f, sum = 0.0;
        double low = floor(centre - support + 0.5), high = floor(centre + support + 0.5);

        t[i].weight = (double *)(void *)(t + n) + (size_t)i * most;
        t[i].first = low < 0 ? 0 : (int32_t)low;
        t[i].n = (high > in ? in : (int32_t)high) - t[i].first;
        for (int32_t k = 0; k < t[i].n; k++) {
            double v = 1 - fabs(t[i].first + k + 0.5 - centre) / support;

            t[i].weight[k] = v > 0 ? v : 0;
            sum += t[i].weight[k];
        }
        for (int32_t k = 0; k < t[i].n; k++)
            t[i].weight[k] /= sum;
    }
    return t;
}

/* The rows of the picture that the columns' taps need, at the new width: [rows, w, channels]. */
static float *along_rows(const struct picture *p, const struct taps *x, int32_t w, int32_t first,
                         int32_t rows)
{
    int32_t c = p->channels;
    float *out = malloc((size_t)rows * (size_t)w * (size_t)c * sizeof *out);

    for (int32_t y = 0; out && y < rows; y++) {
        const unsigned char *row = p->pixels + (size_t)(first + y) * (size_t)p->width * (size_t)c;
        float *to = out + (size_t)y * (size_t)w * (size_t)c;

        for (int32_t i = 0; i < w * c; i++) {
            const struct taps *t = &x[i / c];
            double sum = 0.0;

            for (int32_t k = 0; k < t->n; k++)
                sum += t->weight[k] * row[(size_t)(t->first + k) * (size_t)c + (size_t)(i % c)];
            to[i] = (float)sum;
        }
    }
    return out;
}

static void along_columns(const float *rows, const struct taps *y, int32_t first, int32_t channels,
                          int32_t h, int32_t w, unsigned char *out)
{
    for (int32_t r = 0; r < h; r++) {
        for (int32_t i = 0; i < w * channels; i++) {
            const float *from = rows + (size_t)(y[r].first - first) * (size_t)(w * channels) + i;
            double sum = 0.0;

            for (int32_t k = 0; k < y[r].n; k++)
                sum += y[r].weight[k] * (double)from[(size_t)k * (size_t)(w * channels)];
            out[((size_t)(i % channels) * (size_t)h + (size_t)r) * (size_t)w +
                (size_t)(i / channels)] = (unsigned char)floor(sum + 0.5);
        }
    }
}

int picture_fit(const struct picture *p, int stretch, int32_t side, int32_t h, int32_t w,
                unsigned char *out, char *error, size_t cap)
{
    int64_t sh = h, sw = w; /* the whole picture's new size */
    struct taps *x, *y;
    float *rows = NULL;
    int32_t first, last;
    int done;

    if (!stretch && side) {
        int32_t shorter = p->height < p->width ? p->height : p->width;

        sh = (int64_t)side * p->height / shorter;
        sw = (int64_t)side * p->width / shorter;
    } else if (!stretch && (int64_t)h * p->width >= (int64_t)w * p->height) {
        sw = (int64_t)h * p->width / p->height;
    } else if (!stretch) {
        sh = (int64_t)w * p->height / p->width;
    }
    if (sh < h || sw < w || sh > INT32_MAX || sw > INT32_MAX) {
        snprintf(error, cap,
                 "%d x %d pixels cannot be made %d x %d: scaled (resize) it has %" PRId64
                 " x %" PRId64,
                 p->height, p->width, h, w, sh, sw);
        return -1;
    }
    x = taps_of(p->width, (int32_t)sw, (int32_t)(sw - w) / 2, w);
    y = taps_of(p->height, (int32_t)sh, (int32_t)(sh - h) / 2, h);
    if (x && y) {
        first = y[0].first;
        last = y[h - 1].first + y[h - 1].n;
        rows = along_rows(p, x, w, first, last - first);
        if (rows)
            along_columns(rows, y, first, p->channels, h, w, out);
    }
    done = rows ? 0 : -1;
    if (done < 0)
        snprintf(error, cap, "no memory to scale it");
    free(x);
    free(y);
    free(rows);
    return done;
}
