/* fuzz_space.c -- an architecture's text, given to every built-in space.  What a space accepts
 * it can name, describe, number, change and build.  Room: tests/fuzz. */
#include <string.h>
#include <tcet/space.h>

#include "graph/graph.h"
#include "plugins.h"

static struct instance *spaces[PLUGINS];
static tcet_task tasks[PLUGINS];
static size_t count;
static struct graph *graph;
static struct arena arena;

static void forget(void)
{
    for (size_t i = 0; i < count; i++)
        instance_free(spaces[i]);
    graph_free(graph);
    arena_free(&arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct plugin *plugins[PLUGINS];
    struct error err;

    (void)argc, (void)argv;
    count = load_plugins("space_*.so", plugins);
    for (size_t i = 0; i < count; i++) {
        CHECK(instance_new(plugins[i], NULL, 0, plugins[i]->desc.id, &arena, &spaces[i], &err) ==
              TCET_OK);
        tasks[i].struct_size = sizeof tasks[i];
        CHECK(OPS(tcet_space_ops, spaces[i])
                  ->task(call_begin(&spaces[i]->cx, "task"), spaces[i]->self, &tasks[i]) ==
              TCET_OK);
    }
    graph = graph_new();
    atexit(forget);
    return 0;
}

#define CALL(space, function, ...)                                                            \
    call_end(&(space)->cx,                                                                    \
             OPS(tcet_space_ops, space)                                                       \
                 ->function(call_begin(&(space)->cx, #function), (space)->self, __VA_ARGS__), \
             &err)

static void ask(size_t i, const char *text)
{
    struct instance *s = spaces[i];
    const tcet_space_ops *ops = OPS(tcet_space_ops, s);
    tcet_traits traits = {.struct_size = sizeof traits};
    char key[TCET_ARCH_MAX], other[TCET_ARCH_MAX], twin[TCET_ARCH_MAX];
    struct error err = {0};
    int64_t index = -1;

    if (CALL(s, check, text) < 0) {
        CHECK(err.status == TCET_E_ARG && err.text[0]);
        return;
    }
    CHECK(CALL(s, canonical, text, key, sizeof key) == TCET_OK);
    CHECK(strlen(key) < sizeof key);
    CHECK(CALL(s, traits, text, &traits) == TCET_OK);
    graph_reset(graph, &tasks[i]);
    if (CALL(s, build, text, &tasks[i], graph_builder(graph)) == TCET_OK &&
        graph_finish(graph, &err) == TCET_OK)
        CHECK(graph_view(graph)->node_count > 0);
    else
        CHECK(err.status == TCET_E_ARG && err.text[0]); /* too large, or for larger images */
    if (ops->index_of && CALL(s, index_of, text, &index) == TCET_OK && index >= 0) {
        CHECK(CALL(s, at, index, other, sizeof other) == TCET_OK);
        CHECK(CALL(s, canonical, other, twin, sizeof twin) == TCET_OK && !strcmp(key, twin));
    }
    s->cx.random_state = 1;
    if (CALL(s, mutate, text, other, sizeof other) == TCET_OK)
        CHECK(strcmp(text, other) != 0 && CALL(s, check, other) == TCET_OK);
    if (ops->crossover && CALL(s, crossover, text, other, twin, sizeof twin) == TCET_OK)
        CHECK(CALL(s, check, twin) == TCET_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    for (size_t i = 0; i < count; i++)
        ask(i, text);
    free(text);
    return 0;
}
