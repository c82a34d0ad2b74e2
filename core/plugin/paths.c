/* paths.c -- where this program's parts lie: PREFIX/bin holds the executable, in a build
 * tree as in an installation.  Room: core/plugin.  Stands on libc. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugin/registry.h"

static char self[PATH_MAX], plugins[PATH_MAX + 32], data[PATH_MAX + 32], linalg[PATH_MAX + 32];
static char sdk[PATH_MAX];

static void find(void)
{
    static const char deleted[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char prefix[PATH_MAX];

    self[n > 0 ? n : 0] = '\0';
    /* the kernel's note on a file that was replaced while it runs */
    if (n > (ssize_t)sizeof deleted && !strcmp(self + n - (sizeof deleted - 1), deleted))
        self[n - (ssize_t)(sizeof deleted - 1)] = '\0';
    strcpy(prefix, self);
    for (int i = 0; i < 2; i++) { /* the file, then "bin" */
        char *slash = strrchr(prefix, '/');

        if (slash)
            *slash = '\0';
    }
    strcpy(sdk, prefix);
    snprintf(plugins, sizeof plugins, "%s/lib/tcet/plugins-1", prefix);
    snprintf(data, sizeof data, "%s/share/tcet", prefix);
    snprintf(linalg, sizeof linalg, "%s/lib/tcet/tcet-linalg.so", prefix);
}

static const char *found(const char *path)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find);
    return path;
}

const char *paths_self(void)
{
    return found(self);
}

const char *paths_plugins(void)
{
    return found(plugins);
}

const char *paths_data(void)
{
    return found(data);
}

const char *paths_linalg(void)
{
    return found(linalg);
}

const char *paths_sdk(void)
{
    return found(sdk);
}
