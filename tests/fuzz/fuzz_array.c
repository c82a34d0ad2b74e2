/* fuzz_array.c -- a .npy or .npz file, as the dataset `npy` reads it.  An array that is opened has all the
 * numbers of its shape.  Room: tests/fuzz. */
#include <string.h>

#include "common/array.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const members[] = {"x", "y", ""};
    const char *path = fuzz_file("array", data, size);
    static unsigned char block[4096];

    for (int k = 0; k < 3; k++) {
        struct array a;
        char error[700] = "";

        if (array_open(path, members[k], &a, error, sizeof error) < 0) {
            CHECK(strstr(error, ": "));
        } else {
            int64_t bytes = a.element;

            for (int i = 0; i < a.dims; i++)
                bytes *= a.shape[i];
            CHECK(bytes == a.bytes && a.dims <= ARRAY_DIMS);
            for (int64_t at = 0, n; at < bytes; at += n) {
                n = bytes - at < (int64_t)sizeof block ? bytes - at : (int64_t)sizeof block;
                CHECK(array_read(&a, at, n, block) == 0);
            }
            if (a.kind != 'f' && bytes >= a.element)
                array_whole(&a, block, 0);
        }
        array_close(&a);
    }
    return 0;
}
