/* picture.h -- a PNG or JPEG file to bytes, and these to another size.
 *
 * Room: plugins/dataset/common.  Stands on libpng, libjpeg and libc.  [any]: no state, no host, so that
 * several threads may decode at a time. */
#ifndef DATASET_PICTURE_H
#define DATASET_PICTURE_H

#include <stddef.h>
#include <stdint.h>

enum { PICTURE_SIDE_MAX = 65500, PICTURE_BYTES_MAX = 1 << 26 };

enum { ALPHA_DROP = 0, ALPHA_BLACK = 1, ALPHA_WHITE = 2 };

struct picture_rules {
    int64_t max_pixels; /* more are refused before they are decoded */
    int32_t channels;   /* wanted: 1 or 3.  Gray becomes three equal channels; colour becomes
                           (299 R + 587 G + 114 B + 500) / 1000 */
    int32_t alpha;      /* ALPHA_*: dropped, or the picture put on black or white:
                           (v a + ground (255 - a) + 127) / 255 */
};

struct picture {
    int32_t height, width, channels;
    unsigned char *pixels; /* [height, width, channels] */
};

/* Reads a file of at most PICTURE_BYTES_MAX bytes; what it is, its first bytes say.  16-bit values keep
 * their high byte; gamma, profiles and orientation are not looked at.  0, or -1 with a message that
 * names the file.  picture_free() afterwards. */
int picture_read(const char *path, const struct picture_rules *rules, struct picture *out,
                 char *error, size_t cap);
void picture_free(struct picture *p);

/* To planes [channels, h, w].  stretch: each side by its own factor.  Else the picture keeps its shape:
 * it is scaled so that its shorter side is `side`, or with 0 so that it just covers h x w (the other
 * side rounded down), and the middle is cut out ((scaled - h) / 2 rows, rounded down, are above it).
 * Scaling is bilinear: output i of a side is the mean of the input pixels x, weighted by
 * max(0, 1 - |x + 1/2 - (i + 1/2) f| / max(f, 1)), where f is input / output size; along rows, then
 * along columns, rounded once.  0, or -1 with a message. */
int picture_fit(const struct picture *p, int stretch, int32_t side, int32_t h, int32_t w,
                unsigned char *out, char *error, size_t cap);

#endif
