/* file.c -- see file.h.  Room: core/base. */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

static int write_parts(int fd, const struct file_part *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *data = part[i].data;

        for (size_t done = 0; done < part[i].n;) {
            ssize_t n = write(fd, data + done, part[i].n - done);

            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return -1;
            done += (size_t)n;
        }
    }
    return fsync(fd);
}

/* A name in a folder is as lasting as the folder is on the disk; where that cannot be asked for, it
 * cannot be had. */
static void sync_folder(const char *path)
{
    char *folder = mem_strdup(path), *slash = strrchr(folder, '/');
    int fd;

    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(folder);
}

tcet_status file_replace(const char *path, const char *keep, const struct file_part *part,
                         size_t count, struct error *err)
{
    struct buf beside = {0};
    int fd, bad;

    buf_printf(&beside, "%s.new", path);
    unlink(beside.data); /* a link there may lead to any file */
    fd = open(beside.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    bad = fd < 0 || write_parts(fd, part, count);
    if (fd >= 0 && close(fd))
        bad = 1;
    if (!bad && keep && rename(path, keep) && errno != ENOENT)
        bad = 1;
    if (bad || rename(beside.data, path)) {
        error_set(err, TCET_E_IO, "%s: cannot write: %s", path, strerror(errno));
        unlink(beside.data);
        buf_free(&beside);
        return err->status;
    }
    sync_folder(path);
    buf_free(&beside);
    return TCET_OK;
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
    if (!text) {
        error_set(err, TCET_E_MEMORY, "%s: no memory for its %lld bytes", path, (long long)want);
    } else if (ferror(f)) {
        error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    } else {
        text[*size] = '\0';
    }
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
