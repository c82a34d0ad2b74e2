/* fuzz_scan.c -- what a plugin's file says of itself: as the answer of a scanning child, and as
 * the cache of such answers.  What is taken can be shown on a terminal.  Room: tests/fuzz. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "plugin/internal.h"

static void check_infos(const struct plugin_info *infos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct plugin_info *p = &infos[i];

        CHECK(utf8_line(p->version) && utf8_line(p->summary) && (!p->cite || utf8_line(p->cite)));
        CHECK(p->error ? utf8_line(p->error) : p->kind && id_is_valid(p->id));
        for (size_t k = 0; k < p->param_count; k++) {
            const struct plugin_param *q = &p->params[k];

            CHECK(utf8_line(q->name) && utf8_line(q->doc));
            CHECK(!q->initial || utf8_line(q->initial));
            for (size_t n = 0; q->choices && q->choices[n]; n++)
                CHECK(utf8_line(q->choices[n]));
        }
    }
}

static const char *cache;

static void remove_cache(void)
{
    char folder[512];

    unlink(cache);
    snprintf(folder, sizeof folder, "%s/tcet-host", fuzz_folder());
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char name[64], folder[512];

    (void)argc, (void)argv;
    setenv("XDG_CACHE_HOME", fuzz_folder(), 1);
    snprintf(folder, sizeof folder, "%s/tcet-host", fuzz_folder());
    CHECK(mkdir(folder, 0700) == 0);
    snprintf(name, sizeof name, "tcet-host/plugins-%d.%d%s.json", TCET_ABI_MAJOR, TCET_ABI_MINOR,
             TCET_BUILD_ASAN ? "-asan" : "");
    cache = fuzz_file(name, NULL, 0);
    atexit(remove_cache);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plugin_file f = {.path = "/a.so", .size = 1, .mtime = 2, .inode = 3};
    struct buf said = {0};
    struct arena a = {0};
    json_t *json;

    buf_add(&said, data, size);
    json = scan_answer(&said);
    if (json && describe_read(json, &a, &f.infos, &f.info_count) == 0)
        check_infos(f.infos, f.info_count);
    json_decref(json);
    buf_free(&said);

    f.infos = NULL;
    f.info_count = 0;
    fuzz_file(strstr(cache, "tcet-host/"), data, size);
    json = cache_read(&f, 1, &a);
    check_infos(f.infos, f.info_count);
    json_decref(f.answer);
    json_decref(json);
    arena_free(&a);
    return 0;
}
