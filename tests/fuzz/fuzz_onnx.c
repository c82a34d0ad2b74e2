/* fuzz_onnx.c -- an ONNX file, as an architecture of the space onnx.  What the space accepts it lists,
 * describes and builds, or says what it does not read.  Room: tests/fuzz. */
#include <string.h>
#include <tcet/space.h>

#include "graph/graph.h"
#include "plugins.h"

/* Networks with more weights are built, but not drawn. */
enum { FLOATS_MAX = 1 << 22 };

static struct instance *space;
static struct graph *graph;
static struct arena arena;

static void forget(void)
{
    instance_free(space);
    graph_free(graph);
    arena_free(&arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct plugin *plugins[PLUGINS];
    struct error err;

    (void)argc, (void)argv;
    CHECK(load_plugins("space_onnx.so", plugins) == 1);
    CHECK(instance_new(plugins[0], NULL, 0, "onnx", &arena, &space, &err) == TCET_OK);
    graph = graph_new();
    atexit(forget);
    return 0;
}

#define CALL(function, ...)                                                               \
    call_end(&space->cx,                                                                  \
             OPS(tcet_space_ops, space)                                                   \
                 ->function(call_begin(&space->cx, #function), space->self, __VA_ARGS__), \
             &err)

static void draw(void)
{
    float *params;
    tcet_rng rng;

    if (graph_view(graph)->param_floats > FLOATS_MAX)
        return;
    params = calloc((size_t)graph_view(graph)->param_floats + 1, sizeof *params);
    CHECK(params);
    rng_seed(&rng, 1);
    graph_draw(graph, &rng, params);
    free(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file("net.onnx", data, size);
    tcet_traits traits = {.struct_size = sizeof traits};
    tcet_task task = {.struct_size = sizeof task};
    char listed[TCET_ARCH_MAX], key[TCET_ARCH_MAX];
    struct error err = {0};

    if (CALL(check, path) < 0) {
        CHECK(err.status == TCET_E_ARG && strstr(err.text, "net.onnx"));
        return 0;
    }
    CHECK(CALL(listed, path, listed, sizeof listed) == TCET_OK);
    CHECK(strlen(listed) == strlen(path) + 17 && CALL(check, listed) == TCET_OK);
    CHECK(CALL(canonical, listed, key, sizeof key) == TCET_OK && strlen(key) == 64);
    CHECK(CALL(traits, listed, &traits) == TCET_OK);
    CHECK(CALL(task_of, listed, &task) == TCET_OK);
    graph_reset(graph, &task);
    if (CALL(build, listed, &task, graph_builder(graph)) == TCET_OK &&
        graph_finish(graph, &err) == TCET_OK)
        draw();
    else
        CHECK(err.text[0]);
    return 0;
}
