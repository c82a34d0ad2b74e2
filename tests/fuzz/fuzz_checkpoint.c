/* fuzz_checkpoint.c -- a training's checkpoint whose SHA-256 is right, since else nothing of it is read:
 * refused with a message, or taken, with states that lie in it.  Room: tests/fuzz. */
#include "fuzz.h"

#include "base/sha256.h"
#include "train/checkpoint.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct checkpoint c = {.about = NULL};
    struct error err = {.text = ""};
    struct arena a = {0};
    struct buf file = {0};
    struct sha256 sum;
    char digest[65];

    sha256_init(&sum);
    sha256_add(&sum, data, size);
    sha256_hex(&sum, digest);
    buf_add(&file, data, size);
    buf_add(&file, digest, 64);
    if (checkpoint_parse(file.data, file.len, &a, &c, &err) < 0) {
        CHECK(err.text[0]);
    } else {
        CHECK(c.about && c.made_by && c.epochs >= 0 && c.steps >= 0 && c.lines >= 0);
        for (int i = 0; i < CHECKPOINT_STATES; i++) {
            const char *at = c.state[i].data;

            CHECK(at >= file.data && at + c.state[i].n <= file.data + size);
        }
    }
    buf_free(&file);
    arena_free(&a);
    return 0;
}
