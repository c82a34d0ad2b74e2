/* cache.c -- see cache.h.  Room: core/base. */
#include "base/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *cache_path(struct arena *a, const char *name, int make)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *dir;

    if (!base || *base != '/')
        base = home && *home == '/' ? arena_printf(a, "%s/.cache", home) : NULL;
    if (!base)
        return NULL;
    dir = arena_printf(a, "%s/tcet-host", base);
    if (make) {
        mkdir(base, 0700);
        mkdir(dir, 0700);
    }
    return arena_printf(a, "%s/%s", dir, name);
}

FILE *cache_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    FILE *file = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
        !(info.st_mode & (S_IWGRP | S_IWOTH)))
        file = fdopen(fd, "r");
    if (!file)
        close(fd);
    return file;
}

void cache_replace(const char *path, const char *text, size_t n)
{
    struct arena a = {0};
    char *temporary = arena_printf(&a, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    ssize_t written = fd >= 0 ? write(fd, text, n) : -1;

    if (fd >= 0 && (close(fd) < 0 || written != (ssize_t)n || rename(temporary, path) < 0))
        unlink(temporary);
    arena_free(&a);
}
