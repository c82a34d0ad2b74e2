/* fuzz_pickle.c -- a pickle, as the datasets of CIFAR and ImageNet16-120 read it.  Images and labels that
 * are taken are within the file.  Room: tests/fuzz. */
#include "common/pickle.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[][PICKLE_LISTS] = {{"labels"}, {"coarse_labels", "fine_labels"}};
    static volatile unsigned char sum; /* so that every byte is read */

    for (int k = 0; k < 2; k++) {
        struct pickle p;
        char error[200] = "";

        if (pickle_read(data, size, names[k], &p, error, sizeof error) < 0) {
            CHECK(error[0]);
        } else {
            CHECK(p.rows > 0 && p.columns > 0 && p.at < size);
            CHECK((uint64_t)p.rows * (uint64_t)p.columns <= size - p.at);
            for (int64_t i = 0; i < p.rows * p.columns; i++)
                sum = (unsigned char)(sum + data[p.at + (size_t)i]);
            for (int64_t i = 0; i < p.rows; i++)
                CHECK(p.labels[0][i] >= 0 && (k == 0 || p.labels[1][i] >= 0));
        }
        pickle_free(&p);
    }
    return 0;
}
