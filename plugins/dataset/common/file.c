/* file.c -- see file.h.  Room: plugins/dataset/common.  Stands on libc. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *file_regular(const char *path, int64_t *size, const char **why)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    FILE *f = NULL;

    *why = NULL;
    if (fd < 0 || fstat(fd, &info) < 0)
        *why = strerror(errno);
    else if (!S_ISREG(info.st_mode))
        *why = "is no file";
    else if (!(f = fdopen(fd, "rb")))
        *why = strerror(errno);
    if (!f && fd >= 0)
        close(fd);
    *size = f ? info.st_size : 0;
    return f;
}
