/* stored.c -- see stored.h.  Room: core/run. */
#include "run/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

tcet_status stored_write(const char *folder, const char *text, struct error *err)
{
    struct buf path = {0}, temp = {0};
    tcet_status st = TCET_OK;
    FILE *f;
    int fd;

    buf_printf(&path, "%s/config.ini", folder);
    buf_printf(&temp, "%s/.config.ini.tmp", folder);
    unlink(temp.data); /* a link there may lead to any file */
    fd = open(temp.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f || fputs(text, f) < 0 || fflush(f) || fsync(fileno(f)))
        st = error_set(err, TCET_E_IO, "%s: cannot write: %s", path.data, strerror(errno));
    if (f && fclose(f) && st >= 0)
        st = error_set(err, TCET_E_IO, "%s: cannot write: %s", path.data, strerror(errno));
    if (st >= 0 && rename(temp.data, path.data))
        st = error_set(err, TCET_E_IO, "%s: cannot write: %s", path.data, strerror(errno));
    buf_free(&path);
    buf_free(&temp);
    return st;
}

tcet_status stored_read(const char *folder, const char *const *allowed, size_t count,
                        struct config **out, const char **forgotten, struct error *err)
{
    struct arena a = {0};
    struct buf path = {0};
    struct config *c = NULL;
    tcet_status st = config_load(arena_printf(&a, "%s/config.ini", folder), &c, err);

    arena_free(&a);
    TRY(st);
    *forgotten = arena_strdup(&c->arena, config_text(c, "plugins", "", "path", ""));
    for (size_t i = 0; i < count && st >= 0; i++) {
        if (strchr(allowed[i], ':'))
            st = error_set(err, TCET_E_ARG, "--plugins %s: a name that holds a colon", allowed[i]);
        buf_printf(&path, "%s%s", i ? ":" : "", allowed[i]);
    }
    if (count || **forgotten)
        config_put(c, "plugins", "", "path", path.len ? path.data : "", "--plugins", "/", 0);
    if (count)
        *forgotten = "";
    buf_free(&path);
    if (st < 0)
        config_free(c);
    else
        *out = c;
    return st;
}

tcet_status stored_error(const char *folder, const char *forgotten, struct error *err)
{
    struct error was = *err;

    if (!*forgotten || err->status != TCET_E_ARG)
        return err->status;
    return error_set(err, was.status,
                     "%s; plugins in %.200s, which the config of %.200s names, are opened with "
                     "--plugins DIR alone",
                     was.text, forgotten, folder);
}
