/* trust.c -- see trust.h.  Room: core/base. */
#include "base/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

static int ours(uid_t uid)
{
    struct stat top;

    /* Whoever has / is root, also where a container numbers its users otherwise. */
    return uid == 0 || uid == geteuid() || (stat("/", &top) == 0 && uid == top.st_uid);
}

static int in_group(gid_t gid)
{
    gid_t groups[1024];
    int n = getgroups(1024, groups), found = gid == getegid();

    for (int i = 0; i < n; i++)
        found |= groups[i] == gid;
    return found;
}

/* `what`: "it", or the name of a folder above it. */
static int writable(struct arena *a, const struct stat *info, const char *what,
                    struct distrust *out)
{
    int anyone = (info->st_mode & S_IWOTH) != 0;

    if (!anyone && (!(info->st_mode & S_IWGRP) || ours(info->st_uid) ||
                    info->st_gid == info->st_uid || in_group(info->st_gid)))
        return 0;
    out->why =
        arena_printf(a, "%s may write to %s", anyone ? "anyone" : "a group of strangers", what);
    out->mend = arena_printf(a, " (chmod %c-w%s%s)", anyone ? 'o' : 'g', *what == '/' ? " " : "",
                             *what == '/' ? what : "");
    return 1;
}

int trust_lacks(struct arena *a, const struct stat *info, struct distrust *out)
{
    return writable(a, info, "it", out);
}

/* Is a folder the known one or above it: by its path, or as the system sees it, however either is
 * spelt?  Whoever may change it may change what stands in the known one. */
static int is_above(struct arena *a, const char *folder, const struct stat *info, const char *known)
{
    size_t n = strlen(folder);
    struct stat at = {.st_ino = 0}, below;

    if (n == 1 || (!strncmp(folder, known, n) && (known[n] == '/' || !known[n])))
        return 1;
    do {
        below = at;
        if (S_ISLNK(info->st_mode) || stat(known, &at) < 0)
            return 0;
        if (at.st_dev == info->st_dev && at.st_ino == info->st_ino)
            return 1;
        known = arena_printf(a, "%s/..", known);
    } while (at.st_dev != below.st_dev || at.st_ino != below.st_ino);
    return 0;
}

/* The folder of our own program, "" where the system does not say.  Whoever may change it, or one
 * above it, may change the program: distrust of that folder would come too late. */
static const char *program_folder(struct arena *a)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    while (n > 0 && path[n - 1] != '/')
        n--;
    return arena_strndup(a, path, n > 1 ? (size_t)n - 1 : 0);
}

/* A way from / to a thing: every folder and every link on it, but for those above `known` (NULL:
 * none) and `program`. */
static int way_lacks(struct arena *a, const char *path, const char *known, const char *program,
                     uid_t owner, int links, struct distrust *out)
{
    size_t n = 0;

    for (;;) {
        const char *at = n ? arena_strndup(a, path, n) : "/", *rest = path + n;
        int last = !rest[strspn(rest, "/")];
        char target[PATH_MAX];
        struct stat info;
        ssize_t got;

        if (lstat(at, &info) < 0 || (last && !S_ISLNK(info.st_mode)))
            return 0;
        if (!(known && is_above(a, at, &info, known)) && !is_above(a, at, &info, program)) {
            if (info.st_uid != owner && !ours(info.st_uid)) {
                out->why = arena_printf(a, "%s belongs to another user", at);
                out->mend = "";
                return 1;
            }
            if (S_ISDIR(info.st_mode) && !(info.st_mode & S_ISVTX) && writable(a, &info, at, out))
                return 1;
        }
        if (S_ISLNK(info.st_mode)) { /* from here it is another way */
            got = readlink(at, target, sizeof target - 1);
            if (got < 0 || links == LINKS_MAX)
                return 0;
            target[got] = '\0';
            path = *target == '/' ? arena_printf(a, "%s%s", target, rest)
                                  : arena_printf(a, "%.*s/%s%s", (int)(strrchr(at, '/') - at), at,
                                                 target, rest);
            return way_lacks(a, path, known, program, owner, links + 1, out);
        }
        n += strspn(rest, "/");
        n += strcspn(path + n, "/");
    }
}

int trust_lacks_path(struct arena *a, const char *path, const char *known, struct distrust *out)
{
    char here[PATH_MAX];
    struct stat info;

    if (stat(path, &info) < 0)
        return 0;
    if (writable(a, &info, "it", out))
        return 1;
    if (*path != '/' && getcwd(here, sizeof here))
        path = arena_printf(a, "%s/%s", here, path);
    return way_lacks(a, path, known, program_folder(a), info.st_uid, 0, out);
}
