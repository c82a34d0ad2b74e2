/* plugins.h -- built-in plugins under the real host, for the targets that need some.
 * Room: tests/fuzz. */
#ifndef FUZZ_PLUGINS_H
#define FUZZ_PLUGINS_H

#include <glob.h>

#include "fuzz.h"
#include "plugin/instance.h"

enum { PLUGINS = 32 };

/* Every plugin of lib/tcet/plugins-1/PATTERN of the build tree. */
static inline size_t load_plugins(const char *pattern, struct plugin *out[PLUGINS])
{
    static struct arena a;
    size_t n = 0;
    struct error err;
    char path[4096];
    glob_t files;

    snprintf(path, sizeof path, "%s/lib/tcet/plugins-1/%s", TCET_TEST_BUILD, pattern);
    CHECK(glob(path, 0, NULL, &files) == 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct plugin *list;
        size_t count;

        CHECK(loader_open(files.gl_pathv[i], &a, &list, &count, &err) == TCET_OK);
        for (size_t k = 0; k < count; k++) {
            CHECK(n < PLUGINS);
            out[n++] = &list[k];
        }
    }
    globfree(&files);
    return n;
}

#endif
