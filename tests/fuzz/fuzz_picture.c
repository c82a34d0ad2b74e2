/* fuzz_picture.c -- a PNG or JPEG file, as the dataset `images` reads it.  What is decoded is of a size
 * that was allowed, and can be brought to another one.  Room: tests/fuzz. */
#include <string.h>

#include "common/picture.h"
#include "fuzz.h"

enum { PIXELS = 1 << 16, H = 5, W = 9 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct picture_rules rules = {
        .max_pixels = PIXELS, .channels = size % 2 ? 1 : 3, .alpha = (int32_t)(size % 3)};
    unsigned char out[3 * H * W];
    struct picture p;
    char error[300] = "";

    if (picture_read(fuzz_file("picture", data, size), &rules, &p, error, sizeof error) < 0) {
        CHECK(strstr(error, ": ") && !p.pixels);
        return 0;
    }
    CHECK(p.height > 0 && p.width > 0 && (int64_t)p.height * p.width <= PIXELS);
    CHECK(p.channels == rules.channels);
    CHECK(picture_fit(&p, 0, 0, H, W, out, error, sizeof error) == 0);
    CHECK(picture_fit(&p, 1, 0, H, W, out, error, sizeof error) == 0);
    if (picture_fit(&p, 0, 7, H, W, out, error, sizeof error) < 0)
        CHECK(strstr(error, "cannot be made"));
    picture_free(&p);
    return 0;
}
