/* file.c -- see file.h.  Room: core/base. */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tcet_status check_file(int fd, const char *path, int64_t max, int64_t *size,
                              struct error *err)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, TCET_E_IO, "%s: not a regular file", path);
    if (info.st_size > max && max >> 30)
        return error_set(err, TCET_E_ARG, "%s: larger than %lld GiB", path, (long long)(max >> 30));
    if (info.st_size > max)
        return error_set(err, TCET_E_ARG, "%s: larger than %lld MiB", path, (long long)(max >> 20));
    if (size)
        *size = info.st_size;
    return TCET_OK;
}

FILE *file_open(const char *path, int64_t max, int64_t *size, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not keep us */
    FILE *f;

    if (fd < 0) {
        error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (check_file(fd, path, max, size, err) < 0) {
        close(fd);
        return NULL;
    }
    f = fdopen(fd, "rb");
    if (!f) {
        error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
        close(fd);
    }
    return f;
}

char *file_text(const char *path, int64_t max, size_t *size, struct error *err)
{
    int64_t want;
    FILE *f = file_open(path, max, &want, err);
    char *text;

    if (!f)
        return NULL;
    text = mem_try((size_t)want + 1, 1);
    *size = text ? fread(text, 1, (size_t)want, f) : 0;
    if (!text)
        error_set(err, TCET_E_MEMORY, "%s: no memory to read it", path);
    else
        text[*size] = '\0';
    fclose(f);
    return text;
}

tcet_status file_here(char out[PATH_MAX], struct error *err)
{
    if (!getcwd(out, PATH_MAX))
        return error_set(err, TCET_E_IO, "the current folder %s: %s; go to one that is there (cd)",
                         errno == ENOENT ? "is gone" : "cannot be told", strerror(errno));
    if (*out != '/') /* as some systems say of one that is outside of our root */
        return error_set(err, TCET_E_IO,
                         "the current folder cannot be reached; go to another (cd)");
    return TCET_OK;
}
