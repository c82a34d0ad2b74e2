/* stored.c -- see stored.h.  Room: core/run. */
#include "run/stored.h"

#include "base/file.h"

#include <string.h>

tcet_status stored_write(const char *folder, const char *text, struct error *err)
{
    struct buf path = {0};
    tcet_status st;

    buf_printf(&path, "%s/config.ini", folder);
    st = file_replace(path.data, NULL, &(struct file_part){text, strlen(text)}, 1, err);
    buf_free(&path);
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
