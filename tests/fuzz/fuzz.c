/* fuzz.c -- see fuzz.h.  Room: tests/fuzz. */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 64 };

static char folder[256], *names[NAMES_MAX];

static int drop(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    for (int i = 0; i < NAMES_MAX && names[i]; i++)
        free(names[i]);
    nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (!*folder) {
        /* memory rather than a disk: a target writes a thousand files a second */
        const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

        snprintf(folder, sizeof folder, "%s/tcet-fuzz.XXXXXX", base);
        CHECK(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    char path[512];
    int i = 0, fd;

    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    while (names[i] && strcmp(names[i], path) != 0)
        CHECK(++i < NAMES_MAX);
    if (!names[i])
        names[i] = strdup(path);
    if (data) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    }
    return names[i];
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}
