/* memory.c -- see memory.h.  Room: core/proc. */
#include "proc/memory.h"

#include "base/error.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first 8 KiB of one of the system's files; "" without it. */
static const char *read_small(const char *path, char out[8192])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, 8191);

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

/* "NAME:  123 kB" of such a file, in bytes; 0 without it.  At a line's beginning: a process may
 * call itself what it likes. */
static uint64_t field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    while (at && at != text && at[-1] != '\n')
        at = strstr(at + 1, name);
    return at ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

/* The least of `least` and the limits of a group and of those above it. */
static uint64_t group_limit(uint64_t least, const char *root, const char *group, const char *file)
{
    struct buf path = {0};
    char text[8192];
    size_t n = strlen(group);

    for (;;) {
        char *end;
        uint64_t limit;

        path.len = 0;
        buf_printf(&path, "%s%.*s/%s", root, (int)n, group, file);
        limit = strtoull(read_small(path.data, text), &end, 10);
        if (end > text && limit < least) /* else there is no such file, or it says "max" */
            least = limit;
        if (!n)
            break;
        while (n && group[--n] != '/')
            continue;
    }
    buf_free(&path);
    return least;
}

uint64_t memory_total(void)
{
    char text[8192], *rest = text;
    const char *told = getenv("TCET_MEMORY");
    uint64_t total = told ? strtoull(told, NULL, 10) << 20 : 0;

    if (total)
        return total;
    total = field(read_small("/proc/meminfo", text), "MemTotal:");
    read_small("/proc/self/cgroup", text); /* lines of NUMBER:CONTROLLERS:GROUP */
    for (char *line; total && (line = strsep(&rest, "\n"));) {
        char *which = strchr(line, ':'), *group = which ? strchr(++which, ':') : NULL;

        if (!group)
            continue;
        *group++ = '\0';
        if (!*which)
            total = group_limit(total, "/sys/fs/cgroup", group, "memory.max");
        else if (strstr(which, "memory"))
            total = group_limit(total, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    }
    return total;
}

uint64_t memory_held(pid_t pid)
{
    char path[64], text[8192];

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    read_small(path, text);
    return field(text, "RssAnon:") + field(text, "RssShmem:") + field(text, "VmSwap:");
}
