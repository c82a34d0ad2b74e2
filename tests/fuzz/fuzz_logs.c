/* fuzz_logs.c -- train.csv of a training, or search.csv of a search of so many objectives (first byte: 0, or
 * how many).  What is read is in order and within the file.  Room: tests/fuzz. */
#include "fuzz.h"

#include "search/found.h"
#include "train/log.h"

#include <string.h>

static void read_training(const char *path)
{
    struct arena a = {0};
    struct train_line *line;
    size_t count;
    struct error err = {0};

    if (train_log_read(path, &a, &line, &count, &err) < 0)
        CHECK(strstr(err.text, "log.csv"));
    arena_free(&a);
}

static void read_search(const char *path, size_t values)
{
    double sign[SEARCH_OBJECTIVES];
    struct found f;
    struct error err = {0};
    size_t count;

    for (size_t i = 0; i < SEARCH_OBJECTIVES; i++)
        sign[i] = i % 2 ? -1 : 1;
    if (found_read(path, values, sign, &f, &err) < 0) {
        CHECK(strstr(err.text, "log.csv"));
        return;
    }
    CHECK(!found_best(&f) || found_best(&f)->has);
    found_top(&f, 3, &count);
    CHECK(count <= 3 && count <= f.count);
    found_front(&f, &count);
    CHECK(count <= f.count);
    if (values == 2)
        found_hypervolume(&f, (double[2]){0, 0}, -1);
    for (int accuracy = 0; accuracy < 2; accuracy++)
        found_curve(&f, accuracy, &count);
    found_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path;

    if (size == 0)
        return 0;
    path = fuzz_file("log.csv", data + 1, size - 1);
    if (data[0] % (SEARCH_OBJECTIVES + 1) == 0)
        read_training(path);
    else
        read_search(path, data[0] % (SEARCH_OBJECTIVES + 1));
    return 0;
}
