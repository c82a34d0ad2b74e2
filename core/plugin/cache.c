/* cache.c -- answers of earlier scans, in one JSON file of the user's cache (base/cache.h).
 * Room: core/plugin.  Stands on core/base and jansson. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cache.h"
#include "plugin/internal.h"

enum { ENTRIES_MAX = 2000, FORMAT = 1 };

/* Hosts that judge plugins differently have different files. */
static const char *own_path(struct arena *a, int make)
{
    const char *name = arena_printf(a, "plugins-%d.%d%s.json", TCET_ABI_MAJOR, TCET_ABI_MINOR,
                                    TCET_BUILD_ASAN ? "-asan" : "");

    return cache_path(a, name, make);
}

/* The parsed file, or NULL. */
static json_t *load(const char *path)
{
    FILE *file = cache_open(path);
    json_t *cache = file ? json_loadf(file, 0, NULL) : NULL;

    if (file)
        fclose(file);
    if (json_integer_value(json_object_get(cache, "format")) != FORMAT ||
        !json_is_object(json_object_get(cache, "files"))) {
        json_decref(cache);
        return NULL;
    }
    return cache;
}

static void use_entry(struct plugin_file *f, json_t *entry, struct arena *a)
{
    json_int_t size, mtime, inode, expires;
    const char *sha256;
    json_t *answer;

    if (json_unpack(entry, "{s:I, s:I, s:I, s:I, s:s, s:o}", "size", &size, "mtime", &mtime,
                    "inode", &inode, "expires", &expires, "sha256", &sha256, "answer", &answer) < 0)
        return;
    if (size != f->size || mtime != f->mtime || inode != f->inode || strlen(sha256) != 64 ||
        (expires && expires < (json_int_t)time(NULL)) ||
        describe_read(answer, a, &f->infos, &f->info_count) < 0)
        return;
    f->sha256 = arena_strdup(a, sha256);
    f->expires = expires;
    f->answer = json_incref(answer);
}

json_t *cache_read(struct plugin_file *files, size_t count, struct arena *a)
{
    const char *path = own_path(a, 0);
    json_t *cache = path ? load(path) : NULL, *entries = json_object_get(cache, "files");

    for (size_t i = 0; i < count; i++) {
        json_t *entry = json_object_get(entries, files[i].path);

        if (entry)
            use_entry(&files[i], entry, a);
    }
    return cache;
}

void cache_write(const struct plugin_file *files, size_t count, json_t *old)
{
    struct arena a = {0};
    const char *path = own_path(&a, 1);
    json_t *entries = json_object(), *cache;
    char *text;

    if (json_object_size(json_object_get(old, "files")) <= ENTRIES_MAX)
        json_object_update(entries, json_object_get(old, "files"));
    for (size_t i = 0; i < count; i++) {
        const struct plugin_file *f = &files[i];

        json_object_del(entries, f->path);
        if (f->answer && f->expires >= 0)
            json_object_set_new(
                entries, f->path,
                json_pack("{s:I, s:I, s:I, s:I, s:s, s:O}", "size", (json_int_t)f->size, "mtime",
                          (json_int_t)f->mtime, "inode", (json_int_t)f->inode, "expires",
                          (json_int_t)f->expires, "sha256", f->sha256, "answer", f->answer));
    }
    cache = json_pack("{s:i, s:o}", "format", FORMAT, "files", entries);
    text = path && cache ? json_dumps(cache, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (text)
        cache_replace(path, text, strlen(text));
    free(text);
    json_decref(cache);
    arena_free(&a);
}
