/* fuzz_archs.c -- a list of architectures (archs = file:PATH), read for NATS-TSS.  What is
 * taken are lines of the file that the space accepts.  Room: tests/fuzz. */
#include <string.h>
#include <tcet/space.h>

#include "plugins.h"
#include "plan/plan.h"

static struct plugin *plugin;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct plugin *plugins[PLUGINS];

    (void)argc, (void)argv;
    CHECK(load_plugins("space_nats_tss.so", plugins) == 1);
    plugin = plugins[0];
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan p = {.config = config_new()};
    const char *const *archs;
    size_t count;
    struct error err = {0};
    char value[600];

    snprintf(value, sizeof value, "file:%s", fuzz_file("list.txt", data, size));
    config_put(p.config, "run", "", "archs", value, "fuzz", "/", 0);
    CHECK(instance_new(plugin, NULL, 0, "space", &p.arena, &p.space, &err) == TCET_OK);
    if (plan_archs(&p, &p.arena, &archs, &count, &err) == TCET_OK) {
        CHECK(count > 0);
        for (size_t i = 0; i < count; i++)
            CHECK(strlen(archs[i]) < TCET_ARCH_MAX);
    } else {
        CHECK(strstr(err.text, "list.txt"));
    }
    instance_free(p.space);
    arena_free(&p.arena);
    config_free(p.config);
    return 0;
}
