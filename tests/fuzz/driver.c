/* driver.c -- runs a fuzz target over files, without a fuzzer: TARGET FILE|FOLDER...  So the
 * seeds, and every input that once broke something, are ordinary tests under any compiler.
 * Room: tests/fuzz. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#pragma weak LLVMFuzzerInitialize

static int ran;

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, got;

    CHECK(f);
    do {
        data = realloc(data, size + 4096);
        CHECK(data);
        got = fread(data + size, 1, 4096, f);
        size += got;
    } while (got);
    fclose(f);
    data = realloc(data, size ? size : 1); /* exact, so that a read behind it is seen */
    CHECK(data);
    fprintf(stderr, "%s: %zu bytes\n", path, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    ran++;
}

static void run_path(const char *path)
{
    struct stat info;
    struct dirent **entries;
    char inner[4096];
    int n;

    CHECK(stat(path, &info) == 0);
    if (!S_ISDIR(info.st_mode)) {
        run_file(path);
        return;
    }
    n = scandir(path, &entries, NULL, alphasort);
    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_path(inner);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    fprintf(stderr, "%d inputs\n", ran);
    return ran == 0;
}
