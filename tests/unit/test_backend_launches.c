/* test_backend_launches.c -- protects what a network costs a GPU's host: how many kernels T-CET(SNIP)'s two passes
 * over NATS-Bench's largest network launch, counted by the emulated device (TCET_TEST_DEVICE = cuda:0,
 * cuda_emulated_device.c); elsewhere, and without libtorch, it is skipped. */
#include "backend_host.h"

#include "space_host.h"

enum { IMAGES = 2, PIXELS = 3 * 32 * 32 };

/* The emulated device's count; NULL where the backend has another device. */
static int64_t *counter(void)
{
    const char *plugin_path = getenv("TCET_TEST_BACKEND");
    char path[4096];
    void *module, *count;

    if (!plugin_path)
        return NULL;
    snprintf(path, sizeof path, "%.*s/../backend_torch_impl.so",
             (int)(strrchr(plugin_path, '/') - plugin_path), plugin_path);
    module = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    count = module ? dlsym(module, "tcet_test_launches") : NULL;
    return count;
}

static void launches(void **state)
{
    const char *arch = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
                       "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    tcet_pass snip = {.loss = TCET_LOSS_CROSS_ENTROPY, .gradient = TCET_GRADIENT_BATCH};
    tcet_pass nwot = {.norm = TCET_NORM_EVAL};
    int64_t y[IMAGES] = {1, 2}, *count, before, passes[2];
    static float x[IMAGES * PIXELS];
    struct result *r[2];
    struct graph *g;
    struct space space;
    float *params;

    (void)state;
    NEED_TORCH();
    count = counter();
    if (!count)
        skip();
    r[0] = calloc(1, sizeof *r[0]);
    r[1] = calloc(1, sizeof *r[1]);
    g = graph_new();
    assert_int_equal(space_load(&space, "nats_tss"), 0);
    assert_int_equal(space_build(&space, g, arch), 0);
    params = calloc((size_t)graph_view(g)->param_floats, sizeof *params);
    for (int64_t i = 0; i < graph_view(g)->param_floats; i++)
        params[i] = uniform();
    for (int i = 0; i < IMAGES * PIXELS; i++)
        x[i] = uniform();
    before = *count;
    if (run_graph(cpu, graph_view(g), params, x, y, snip, TCET_SITE_WEIGHT,
                  TCET_WANT_WEIGHT | TCET_WANT_GRADIENT, 1, IMAGES, r[0]) != TCET_OK)
        fail_msg("%s", host.message);
    passes[0] = *count - before;
    if (run_graph(cpu, graph_view(g), params, x, y, nwot, TCET_SITE_WEIGHT, TCET_WANT_AGREEMENT, 1,
                  IMAGES, r[1]) != TCET_OK)
        fail_msg("%s", host.message);
    passes[1] = *count - before - passes[0];
    print_message("%d layers: %d launches of the pass with gradients, %d of the other\n",
                  r[0]->count, (int)passes[0], (int)passes[1]);
    /* a layer: forward 2 for its convolution and 2 for its batch norm, backward 4 and 2; signs are 2 */
    assert_in_range(passes[0], r[0]->count, r[0]->count * 10);
    assert_in_range(passes[1], r[1]->count, r[1]->count * 6);
    result_free(r[0]);
    result_free(r[1]);
    free(params);
    graph_free(g);
    space_unload(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(launches)};

    return cmocka_run_group_tests(tests, load, unload);
}
