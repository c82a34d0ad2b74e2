/* stored.c -- see stored.h.  Room: core/run. */
#include "run/stored.h"

#include "base/file.h"
#include "base/utf8.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char FACTS[] = "provenance.txt";

int stored_has(const char *folder, const char *name)
{
    struct buf path = {0};
    int found;

    buf_printf(&path, "%s/%s", folder, name);
    found = access(path.data, F_OK) == 0;
    buf_free(&path);
    return found;
}

int stored_is_seed(const char *name)
{
    return !strncmp(name, "seed-", 5);
}

int stored_has_seeds(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int found = 0;

    while (dir && !found && (entry = readdir(dir)))
        found = stored_is_seed(entry->d_name);
    if (dir)
        closedir(dir);
    return found;
}

int stored_is_trained(const char *folder)
{
    return stored_has(folder, "train.csv") || stored_has(folder, "last.ckpt");
}

tcet_status stored_takes(const char *folder, int training, struct error *err)
{
    if (training ? stored_has(folder, "scores.db") : stored_is_trained(folder))
        return error_set(err, TCET_E_ARG, "%s holds a %s; choose another run.output", folder,
                         training ? "run or a search" : "training");
    return TCET_OK;
}

tcet_status stored_write(const char *folder, const char *text, struct error *err)
{
    struct buf path = {0};
    tcet_status st;

    buf_printf(&path, "%s/config.ini", folder);
    st = file_replace(path.data, NULL, &(struct file_part){text, strlen(text)}, 1, err);
    buf_free(&path);
    return st;
}

static void add_fact(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s: ", name);
    utf8_show(out, value, strlen(value), ""); /* one line, whatever a plugin said */
    buf_puts(out, "\n");
}

tcet_status stored_write_facts(const char *folder, const struct wire_plan *plan, int64_t seed,
                               struct error *err)
{
    struct arena a = {0};
    struct buf text = {0};
    tcet_status st;

    for (size_t i = 0; i < plan->meta_count; i++)
        add_fact(&text, plan->meta[i].name, plan->meta[i].value);
    add_fact(&text, "seed", arena_printf(&a, "%lld", (long long)seed));
    st = file_replace(arena_printf(&a, "%s/%s", folder, FACTS), NULL,
                      &(struct file_part){text.data, text.len}, 1, err);
    buf_free(&text);
    arena_free(&a);
    return st;
}

const char *stored_fact(const char *folder, const char *name, struct arena *a)
{
    enum { MOST = 1 << 20 };
    const char *path = arena_printf(a, "%s/%s", folder, FACTS), *out = NULL;
    size_t size, n = strlen(name);
    struct error none;
    char *text = access(path, R_OK) ? NULL : file_text(path, MOST, &size, &none);

    for (const char *line = text; line && *line && !out; line += strspn(line, "\n")) {
        size_t len = strcspn(line, "\n");

        if (len > n + 2 && !strncmp(line, name, n) && !strncmp(line + n, ": ", 2))
            out = arena_strndup(a, line + n + 2, len - n - 2);
        line += len;
    }
    free(text);
    return out;
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
