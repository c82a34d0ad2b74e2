/* cache.c -- answers of earlier scans, in one JSON file under the user's cache folder.
 * Room: core/plugin.  Stands on core/base and jansson.  A cache that is missing, damaged or
 * not the user's own is no cache; one that cannot be written is no loss. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugin/internal.h"

enum { ENTRIES_MAX = 2000, FORMAT = 1 };

/* The cache file's path, and its folder made when asked; NULL when there is none.  Hosts
 * that judge plugins differently have different files. */
static const char *cache_path(struct arena *a, int make)
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
    return arena_printf(a, "%s/plugins-%d.%d%s.json", dir, TCET_ABI_MAJOR, TCET_ABI_MINOR,
                        TCET_BUILD_ASAN ? "-asan" : "");
}

/* The parsed file, or NULL. */
static json_t *load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    json_t *cache = NULL;
    struct stat info;

    if (!file) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
        !(info.st_mode & (S_IWGRP | S_IWOTH)))
        cache = json_loadf(file, 0, NULL);
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
    const char *path = cache_path(a, 0);
    json_t *cache = path ? load(path) : NULL, *entries = json_object_get(cache, "files");

    for (size_t i = 0; i < count; i++) {
        json_t *entry = json_object_get(entries, files[i].path);

        if (entry)
            use_entry(&files[i], entry, a);
    }
    return cache;
}

/* Puts the text in place of the file, all of it or nothing. */
static void replace_file(const char *path, const char *text, struct arena *a)
{
    char *temporary = arena_printf(a, "%s.XXXXXX", path);
    size_t n = strlen(text);
    int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    ssize_t written;

    if (fd < 0)
        return;
    written = write(fd, text, n);
    if (close(fd) < 0 || written != (ssize_t)n || rename(temporary, path) < 0)
        unlink(temporary);
}

void cache_write(const struct plugin_file *files, size_t count, json_t *old)
{
    struct arena a = {0};
    const char *path = cache_path(&a, 1);
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
        replace_file(path, text, &a);
    free(text);
    json_decref(cache);
    arena_free(&a);
}
