/* fuzz_net.c -- a safetensors file, for a network of one convolution, norm and linear layer: refused with
 * a message, or taken, and then written and read again to the same numbers.  Room: tests/fuzz. */
#include "fuzz.h"

#include "net/net.h"
#include "../unit/net_graphs.h"

#include <string.h>

enum { PARAMS = 12, RUNNING = 2 };

static struct graph *graph;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error err;

    (void)argc, (void)argv;
    graph = graph_new();
    net_small(graph);
    CHECK(graph_finish(graph, &err) == TCET_OK);
    CHECK(graph_view(graph)->param_floats == PARAMS && net_running(graph) == RUNNING);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    float params[2][PARAMS] = {{0}}, running[2][RUNNING] = {{0}};
    struct net net = {.graph = graph, .params = params[0], .running = running[0]};
    int64_t steps[2] = {0, 0};
    struct net_about about = {.space = ""}, again;
    struct error err = {0};
    struct buf b = {0};

    if (net_unpack_about(data, size, &about, &err) < 0)
        CHECK(err.text[0]);
    CHECK(memchr(about.arch, '\0', sizeof about.arch) &&
          memchr(about.space, '\0', sizeof about.space));
    if (net_unpack(data, size, graph, params[0], running[0], &steps[0], &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    net.steps = steps[0];
    net.arch = about.arch;
    CHECK(net_pack(&net, NET_SAFETENSORS, &b, &err) == TCET_OK);
    CHECK(net_unpack(b.data, b.len, graph, params[1], running[1], &steps[1], &err) == TCET_OK);
    CHECK(!memcmp(params[0], params[1], sizeof params[0]));
    CHECK(!memcmp(running[0], running[1], sizeof running[0]) && steps[0] == steps[1]);
    CHECK(net_unpack_about(b.data, b.len, &again, &err) == TCET_OK);
    buf_free(&b);
    return 0;
}
