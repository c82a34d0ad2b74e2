/* output.c -- see output.h.  Room: core/base. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tcet_status output_open(struct output *o, const char *path, struct error *err)
{
    struct buf temporary = {0};

    buf_printf(&temporary, "%s.tmp-%ld", path, (long)getpid());
    o->path = mem_strdup(path);
    o->temporary = temporary.data;
    unlink(o->temporary); /* a link there may lead to any file, or be one */
    o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (o->fd < 0)
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
    return TCET_OK;
}

tcet_status output_flush(struct output *o, size_t at_least, struct error *err)
{
    size_t done = 0;

    if (o->text.len < at_least)
        return TCET_OK;
    while (done < o->text.len) {
        ssize_t n = write(o->fd, o->text.data + done, o->text.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(n ? errno : ENOSPC));
        done += (size_t)n;
    }
    o->text.len = 0;
    return TCET_OK;
}

tcet_status output_finish(struct output *o, struct error *err)
{
    int fd = o->fd;

    TRY(output_flush(o, 1, err));
    if (fsync(fd) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    o->fd = -1;
    if (close(fd) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    return TCET_OK;
}

tcet_status output_publish(struct output *o, struct error *err)
{
    if (rename(o->temporary, o->path) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    free(o->temporary);
    o->temporary = NULL;
    return TCET_OK;
}

void output_close(struct output *o)
{
    if (o->fd >= 0)
        close(o->fd);
    if (o->temporary)
        unlink(o->temporary);
    free(o->temporary);
    free(o->path);
    buf_free(&o->text);
}
