/* registry.c -- which plugins exist: the folders, their files, the list, and finding in it.
 * Room: core/plugin.  Stands on core/base. */
#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/names.h"
#include "base/text.h"
#include "base/trust.h"
#include "base/utf8.h"
#include "plugin/internal.h"

/* A folder to search. */
struct folder {
    const char *path;
    dev_t dev;
    ino_t ino;
    int asked; /* by the user's config: it must be there */
    int builtin;
};

/* What registry_open gathers before the lists are made. */
struct gathering {
    struct registry *registry;
    struct folder *folders;
    size_t folder_count;
    struct plugin_file *files;
    size_t file_count, file_cap;
    struct plugin_info *broken; /* files refused before they are opened */
    size_t broken_count, broken_cap;
};

static tcet_status add_folder(struct gathering *g, const char *path, int asked, int builtin,
                              struct error *err)
{
    struct folder *f = &g->folders[g->folder_count];
    struct arena *a = &g->registry->arena;
    struct distrust lacks;
    struct stat info;

    if (stat(path, &info) < 0) {
        if (asked)
            return error_set(err, TCET_E_IO, "plugin folder %s: %s", path, strerror(errno));
        return TCET_OK;
    }
    if (!S_ISDIR(info.st_mode)) {
        if (asked)
            return error_set(err, TCET_E_IO, "plugin folder %s: is no folder", path);
        return TCET_OK;
    }
    /* Who can replace what is above the built-in folder can replace this program. */
    if (builtin ? trust_lacks(a, &info, &lacks) : trust_lacks_path(a, path, NULL, &lacks))
        return error_set(err, TCET_E_ARG, "plugin folder %s: %s; code from there is not opened%s",
                         path, lacks.why, lacks.mend);
    for (size_t i = 0; i < g->folder_count; i++) {
        if (g->folders[i].dev == info.st_dev && g->folders[i].ino == info.st_ino) {
            g->folders[i].builtin |= builtin;
            return TCET_OK;
        }
    }
    *f = (struct folder){arena_strdup(a, path), info.st_dev, info.st_ino, asked, builtin};
    g->folder_count++;
    return TCET_OK;
}

static tcet_status add_folders(struct gathering *g, const char *const *extra, size_t extra_count,
                               struct error *err)
{
    struct arena *a = &g->registry->arena;
    const char *variable = getenv("TCET_PLUGIN_PATH"), *const * parts;
    size_t count = text_split(a, variable ? variable : "", ':', &parts);
    const char **dirs;

    g->folders = arena_alloc(a, (extra_count + count + 1) * sizeof *g->folders);
    for (size_t i = 0; i < extra_count; i++)
        TRY(add_folder(g, extra[i], 1, 0, err));
    for (size_t i = 0; i < count; i++) {
        if (parts[i][0] != '/')
            return error_set(err, TCET_E_ARG, "TCET_PLUGIN_PATH: \"%s\" is no absolute path",
                             parts[i]);
        TRY(add_folder(g, parts[i], 0, 0, err));
    }
    TRY(add_folder(g, paths_plugins(), 0, 1, err));
    dirs = arena_alloc(a, (g->folder_count + 1) * sizeof *dirs);
    for (size_t i = 0; i < g->folder_count; i++)
        dirs[i] = g->folders[i].path;
    g->registry->dirs = dirs;
    g->registry->dir_count = g->folder_count;
    return TCET_OK;
}

static void add_broken(struct gathering *g, const char *path, const char *error)
{
    if (g->broken_count == g->broken_cap) {
        g->broken_cap = g->broken_cap ? 2 * g->broken_cap : 16;
        g->broken = mem_resize(g->broken, g->broken_cap * sizeof *g->broken);
    }
    g->broken[g->broken_count++] = (struct plugin_info){
        .id = "", .version = "", .summary = "", .path = path, .sha256 = "", .error = error};
}

static void add_file(struct gathering *g, const struct folder *f, const char *name)
{
    struct arena *a = &g->registry->arena;
    const char *path = arena_printf(a, "%s/%s", f->path, name);
    struct distrust lacks;
    char shown[512];
    struct stat info;

    if (!utf8_line(path)) {
        add_broken(
            g, path,
            arena_printf(a, "%s: its name is not UTF-8", utf8_clean(shown, sizeof shown, path)));
        return;
    }
    if (stat(path, &info) < 0) {
        add_broken(g, path, arena_printf(a, "%s: %s", path, strerror(errno)));
        return;
    }
    if (!S_ISREG(info.st_mode))
        return;
    if (trust_lacks_path(a, path, f->path, &lacks)) {
        add_broken(g, path, arena_printf(a, "%s: %s; not opened%s", path, lacks.why, lacks.mend));
        return;
    }
    if (g->file_count == g->file_cap) {
        g->file_cap = g->file_cap ? 2 * g->file_cap : 64;
        g->files = mem_resize(g->files, g->file_cap * sizeof *g->files);
    }
    g->files[g->file_count++] = (struct plugin_file){
        .path = path,
        .builtin = f->builtin,
        .size = (int64_t)info.st_size,
        .mtime = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
        .inode = (int64_t)info.st_ino,
    };
}

static int is_module(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 3 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 3, ".so");
}

/* By name, whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static tcet_status add_files(struct gathering *g, const struct folder *f, struct error *err)
{
    struct dirent **entries;
    int n = scandir(f->path, &entries, is_module, by_name);

    if (n < 0)
        return error_set(err, TCET_E_IO, "plugin folder %s: %s", f->path, strerror(errno));
    for (int i = 0; i < n; i++) {
        add_file(g, f, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return TCET_OK;
}

static struct plugin_info *find(const struct registry *r, tcet_kind kind, const char *id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].kind == kind && !strcmp(r->items[i].id, id))
            return &r->items[i];
    }
    return NULL;
}

static int by_kind_and_id(const void *a, const void *b)
{
    const struct plugin_info *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* The registry's lists out of the files' infos; the first of a kind and id stays. */
static void make_lists(struct gathering *g)
{
    struct registry *r = g->registry;
    size_t total = 0;

    for (size_t i = 0; i < g->file_count; i++)
        total += g->files[i].info_count;
    r->items = arena_alloc(&r->arena, (total + 1) * sizeof *r->items);
    r->broken = arena_alloc(&r->arena, (total + g->broken_count + 1) * sizeof *r->broken);
    for (size_t i = 0; i < g->file_count; i++) {
        const struct plugin_file *f = &g->files[i];

        for (size_t j = 0; j < f->info_count; j++) {
            struct plugin_info *info = &f->infos[j], *first;

            info->path = f->path;
            info->sha256 = f->sha256;
            info->builtin = f->builtin;
            if (info->error)
                r->broken[r->broken_count++] = *info;
            else if (!(first = find(r, info->kind, info->id)))
                r->items[r->count++] = *info;
            else
                first->replaces |= info->builtin && !first->builtin;
        }
    }
    for (size_t i = 0; i < g->broken_count; i++)
        r->broken[r->broken_count++] = g->broken[i];
    qsort(r->items, r->count, sizeof *r->items, by_kind_and_id);
}

static tcet_status gather(struct gathering *g, const char *const *extra, size_t extra_count,
                          struct error *err)
{
    size_t known = 0;
    json_t *cache;
    tcet_status st = TCET_OK;

    TRY(add_folders(g, extra, extra_count, err));
    for (size_t i = 0; i < g->folder_count; i++)
        TRY(add_files(g, &g->folders[i], err));
    cache = cache_read(g->files, g->file_count, &g->registry->arena);
    for (size_t i = 0; i < g->file_count; i++)
        known += g->files[i].answer != NULL;
    if (known < g->file_count) {
        st = scan_files(g->files, g->file_count, &g->registry->arena, err);
        cache_write(g->files, g->file_count, cache);
    }
    json_decref(cache);
    if (st >= 0)
        make_lists(g);
    return st;
}

tcet_status registry_open(const char *const *extra, size_t extra_count, struct registry **out,
                          struct error *err)
{
    struct registry *r = mem_alloc(sizeof *r);
    struct gathering g = {.registry = r};
    tcet_status st = gather(&g, extra, extra_count, err);

    for (size_t i = 0; i < g.file_count; i++)
        json_decref(g.files[i].answer);
    free(g.files);
    free(g.broken);
    if (st < 0)
        registry_close(r);
    else
        *out = r;
    return st;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    free(r);
}

/* What files that could not be used, and that may be meant, say: those named like the
 * plugin, and where there is none, and no name is near either, one of the user's folders. */
static void mention_broken(const struct registry *r, const char *id, int near, struct buf *b)
{
    int named = near;

    for (size_t i = 0; i < r->broken_count; i++) {
        const char *slash = strrchr(r->broken[i].path, '/');

        if (*id && strstr(slash ? slash : r->broken[i].path, id)) {
            buf_printf(b, "; unusable: %s", r->broken[i].error);
            named = 1;
        }
    }
    for (size_t i = 0; !named && i < r->broken_count; i++) {
        if (!r->broken[i].builtin) {
            buf_printf(b, "; unusable: %s", r->broken[i].error);
            named = 1;
        }
    }
}

tcet_status registry_find(const struct registry *r, tcet_kind kind, const char *id,
                          const struct plugin_info **out, struct error *err)
{
    const struct plugin_info *info = find(r, kind, id);
    const char *name = kind_name(kind) ? kind_name(kind) : "plugin", **names;
    struct arena a = {0};
    struct buf more = {0};
    char hint[1024];
    size_t n = 0;

    if (info) {
        *out = info;
        return TCET_OK;
    }
    names = arena_alloc(&a, (r->count + 1) * sizeof *names);
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].kind == kind)
            names[n++] = r->items[i].id;
        else if (!strcmp(r->items[i].id, id))
            buf_printf(&more, "; \"%s\" is of kind %s", id, kind_name(r->items[i].kind));
    }
    mention_broken(r, id, text_nearest(id, names, n) != NULL, &more);
    names_hint(hint, sizeof hint, "there are", id, names, n);
    error_set(err, TCET_E_ARG, "there is no %s \"%.80s\"%s%s", name, id, hint,
              more.data ? more.data : "");
    buf_free(&more);
    arena_free(&a);
    return err->status;
}
