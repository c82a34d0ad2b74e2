/* test_graph_spaces.c -- protects the other built-in spaces: parameters and multiply-
 * accumulates of known networks to the unit, module names, sizes, isomorphism, messages. */
#include "space_host.h" /* before cmocka.h, whose macro `fail` would break it */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

static void assert_counts(struct space *s, struct graph *g, const char *text, int64_t params,
                          int64_t macs)
{
    struct graph_counts n;

    assert_int_equal(space_build(s, g, text), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, params);
    assert_int_equal(n.macs, macs);
}

static void assert_error(struct space *s, const char *text, const char *want)
{
    s->error[0] = '\0';
    assert_int_equal(s->ops->check(&s->cx, s->self, text), TCET_E_ARG);
    if (!strstr(s->error, want))
        fail_msg("\"%s\": message \"%s\" lacks \"%s\"", text, s->error, want);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Walks a whole space: at and index_of are inverse, every network builds.  Returns the number
 * of canonical keys. */
static int64_t count_keys(struct space *s, int64_t size)
{
    char **keys = mem_alloc((size_t)size * sizeof *keys), text[TCET_ARCH_MAX], key[TCET_ARCH_MAX];
    int64_t have, index, different = 0;

    assert_int_equal(s->ops->size(&s->cx, s->self, &have), 0);
    assert_int_equal(have, size);
    for (int64_t i = 0; i < size; i++) {
        assert_int_equal(s->ops->at(&s->cx, s->self, i, text, sizeof text), 0);
        assert_int_equal(s->ops->index_of(&s->cx, s->self, text, &index), 0);
        assert_int_equal(index, i);
        assert_int_equal(s->ops->canonical(&s->cx, s->self, text, key, sizeof key), 0);
        keys[i] = mem_strdup(key);
    }
    qsort(keys, (size_t)size, sizeof *keys, compare_keys);
    for (int64_t i = 0; i < size; i++) {
        different += i == 0 || strcmp(keys[i], keys[i - 1]) != 0;
        if (i > 0)
            free(keys[i - 1]);
    }
    free(keys[size - 1]);
    free(keys);
    return different;
}

/* random gives valid encodings, mutate valid others, both of which build. */
static void check_variation(struct space *s, struct graph *g, int times)
{
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX];

    for (int i = 0; i < times; i++) {
        assert_int_equal(s->ops->random(&s->cx, s->self, a, sizeof a), 0);
        assert_int_equal(s->ops->mutate(&s->cx, s->self, a, b, sizeof b), 0);
        assert_string_not_equal(a, b);
        assert_int_equal(s->ops->check(&s->cx, s->self, b), 0);
        assert_int_equal(space_build(s, g, b), 0);
        if (s->ops->crossover) {
            assert_int_equal(s->ops->crossover(&s->cx, s->self, a, b, a, sizeof a), 0);
            assert_int_equal(s->ops->check(&s->cx, s->self, a), 0);
        }
    }
}

/* The benchmark's file states params and flops of all 6,561: known ones, and weighted sums
 * over all. */
static void test_nb_macro(void **state)
{
    struct graph *g = graph_new();
    int64_t params = 0, macs = 0;
    struct graph_counts n;
    char text[16], name[64];
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "nb_macro"), 0);
    assert_counts(&s, g, "00000000", 387882, 7713280);
    assert_counts(&s, g, "11111111", 1588874, 53246464);
    assert_counts(&s, g, "22222222", 2932586, 105660928);
    assert_counts(&s, g, "22212220", 1985514, 85164544);
    assert_counts(&s, g, "02012100", 890666, 47327744);
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name),
                        "features.0.downsample.0");
    assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name),
                        "features.1.conv.0");
    for (int64_t i = 0; i < 6561; i++) {
        assert_int_equal(s.ops->at(&s.cx, s.self, i, text, sizeof text), 0);
        assert_int_equal(space_build(&s, g, text), 0);
        graph_count(g, &n);
        params += i * n.params;
        macs += i * n.macs;
    }
    assert_int_equal(params, 35523173591136);
    assert_int_equal(macs, 1276339311562752);
    assert_int_equal(count_keys(&s, 6561), 3969);
    check_variation(&s, g, 1000);
    assert_error(&s, "0123", "position 4: '3' is not a layer");
    assert_error(&s, "0120", "position 5: 4 digits, there must be 8");
    assert_error(&s, "012012012", "more than 8");
    space_unload(&s);
    graph_free(g);
}

/* Encoder only: the head has 512 x classes weights and as many biases as classes. */
static void assert_encoder(struct space *s, struct graph *g, const char *text, int64_t params,
                           int64_t macs)
{
    assert_counts(s, g, text, params + 512 * 47 + 47, macs + 512 * 47);
}

static void test_transnas_micro(void **state)
{
    struct graph *g = graph_new();
    int64_t dead = 0;
    struct space s;
    char text[32], name[64];
    float *w;
    tcet_rng r, check;

    (void)state;
    assert_int_equal(space_load(&s, "transnas_micro"), 0);
    assert_encoder(&s, g, "64-41414-1_02_333", 22520608, 4585947136);
    assert_encoder(&s, g, "64-41414-3_33_333", 41411616, 8469872640);
    assert_encoder(&s, g, "64-41414-0_00_000", 19488, 89653248);
    assert_encoder(&s, g, "64-41414-2_01_213", 9062432, 1884815360);
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name),
                        "stem.2.ops.1");
    assert_string_equal(graph_module_name(g, graph_layers(g)[3], name, sizeof name),
                        "layer0.0.edges.3.ops.1");

    /* every default draw, then the convolutions again; the head keeps its first weights */
    w = mem_try((size_t)graph_view(g)->param_floats, sizeof *w);
    rng_seed(&r, 1);
    graph_draw(g, &r, w);
    rng_seed(&check, 1);
    {
        struct graph_counts n;
        float first[32 * 27];

        graph_count(g, &n);
        rng_discard(&check, n.weights + 47);
        rng_normal(&check, first, 32 * 27, 0.0, 0.083333333333333329); /* sqrt(2/(32*9)) */
        assert_memory_equal(first, w, sizeof first);
    }
    free(w);

    for (int64_t i = 0; i < 4096; i++) {
        tcet_traits t = {.struct_size = sizeof t};

        assert_int_equal(s.ops->at(&s.cx, s.self, i, text, sizeof text), 0);
        assert_int_equal(s.ops->traits(&s.cx, s.self, text, &t), 0);
        dead += !t.alive;
    }
    assert_int_equal(dead, 169);
    assert_int_equal(count_keys(&s, 4096), 1343); /* by a second implementation of the rule */
    check_variation(&s, g, 1000);
    assert_error(&s, "64-41414-1_02_433", "position 15: \"433\" does not fit");
    assert_error(&s, "64-41414-1_02_3333", "position 18");
    assert_error(&s, "64-4141", "position 8");
    space_unload(&s);
    graph_free(g);
}

/* Heads and inputs of the tasks: parameters and multiply-accumulates follow from the encoder's. */
static void test_transnas_tasks(void **state)
{
    enum { ENCODER = 22520608 };
    const int64_t tile = 4585947136 / 16; /* 64 x 64 for 256 x 256 */
    static const char arch[] = "64-41414-1_02_333";
    struct graph *g = graph_new();
    struct space s;
    char name[64];

    (void)state;
    assert_int_equal(space_load(&s, "transnas_micro"), 0);
    assert_int_equal(space_set(&s, "task", "class_object"), 0);
    assert_counts(&s, g, arch, ENCODER + 513 * 75, 16 * tile + 512 * 75);
    assert_int_equal(space_set(&s, "task", "jigsaw_tile"), 0);
    assert_counts(&s, g, arch, ENCODER + 513 * 1000, tile + 512 * 1000);
    /* nine tiles through one encoder */
    assert_int_equal(space_set(&s, "task", "jigsaw"), 0);
    assert_counts(&s, g, arch, ENCODER + 4609 * 1000, 9 * tile + 4608 * 1000);
    assert_int_equal(graph_view(g)->channels, 27);
    /* decoders; transposed convolutions count as parameters alone */
    assert_int_equal(space_set(&s, "task", "segmentsemantic"), 0);
    assert_counts(&s, g, arch, ENCODER + 11024177, 16 * tile + 924844032);
    assert_int_equal(space_set(&s, "task", "autoencoder"), 0);
    assert_counts(&s, g, arch, ENCODER + 22871859, 16 * tile + 1613758464);
    assert_int_equal(graph_view(g)->layer_count, 48 + 9); /* 5 of 14 double */
    assert_int_equal(space_set(&s, "task", "jigsaw"), 0);
    assert_counts(&s, g, arch, ENCODER + 4609 * 1000, 9 * tile + 4608 * 1000);
    assert_string_equal(graph_module_name(g, graph_layers(g)[0], name, sizeof name),
                        "encoder.stem.0");
    assert_string_equal(
        graph_module_name(g, graph_layers(g)[graph_view(g)->layer_count - 1], name, sizeof name),
        "decoder.fc");
    assert_int_equal(space_set(&s, "reading", "naslib"), 0);
    assert_counts(&s, g, arch, ENCODER + 4609 * 1000, 9 * tile + 4608 * 1000);
    assert_int_equal(space_set(&s, "task", "class_object"), 0);
    assert_counts(&s, g, arch, ENCODER + 513 * 100, 16 * tile + 512 * 100);
    assert_int_equal(space_set(&s, "task", "class_scene"), 0);
    assert_counts(&s, g, arch, ENCODER + 513 * 63, 16 * tile + 512 * 63);
    space_unload(&s);
    assert_int_equal(space_load_with(&s, "transnas_macro", "task", "jigsaw"), 0);
    check_variation(&s, g, 100);
    assert_int_equal(space_build(&s, g, "64-1424-basic"), 0);
    assert_string_equal(graph_module_name(g, graph_layers(g)[8], name, sizeof name),
                        "encoder.layer1.0.downsample.0");
    space_unload(&s);
    graph_free(g);
}

static void test_transnas_macro(void **state)
{
    struct graph *g = graph_new();
    int64_t last = 0;
    struct space s;
    char text[32], name[64];

    (void)state;
    assert_int_equal(space_load(&s, "transnas_macro"), 0);
    assert_int_equal(count_keys(&s, 3256), 3256);
    assert_int_equal(s.ops->at(&s.cx, s.self, 0, text, sizeof text), 0);
    assert_string_equal(text, "64-111114-basic");
    assert_int_equal(s.ops->index_of(&s.cx, s.self, "64-444311-basic", &last), 0);
    assert_int_equal(last, 3255);
    assert_int_equal(space_build(&s, g, "64-1424-basic"), 0);
    assert_string_equal(graph_module_name(g, graph_layers(g)[6], name, sizeof name),
                        "layer1.0.conv_a.ops.1");
    assert_string_equal(graph_module_name(g, graph_layers(g)[8], name, sizeof name),
                        "layer1.0.downsample.0");
    check_variation(&s, g, 1000);
    assert_error(&s, "64-1111-basic", "outside the space");
    assert_error(&s, "64-1411111-basic", "position 10: more than 6 modules");
    assert_error(&s, "64-145-basic", "position 6");
    assert_error(&s, "32-1444-basic", "position 1");
    space_unload(&s);
    graph_free(g);
}

/* DARTS_V2 in the sizes people use, and both encodings. */
static void test_nb301(void **state)
{
    static const char v2[] =
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
        "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, "
        "5])";
    static const char brief[] = "(((0,3),(1,3),(0,3),(1,3),(1,3),(0,2),(0,2),(2,5)),"
                                "((0,0),(1,0),(2,2),(1,0),(0,0),(2,2),(2,2),(1,0)))";
    static const char renumbered[] = /* nodes 2 and 3 of the normal cell change places */
        "[[(0, 3), (1, 3), (1, 3), (0, 3), (1, 3), (0, 2), (0, 2), (3, 5)], "
        "[(0, 0), (1, 0), (2, 2), (1, 0), (0, 0), (2, 2), (2, 2), (1, 0)]]";
    struct graph *g = graph_new();
    struct graph_counts n;
    struct space s;
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX], name[64];
    int64_t size, index, again;

    (void)state;
    assert_int_equal(space_load(&s, "nb301"), 0);
    assert_int_equal(space_build(&s, g, v2), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 919722);
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name),
                        "cells.0.preprocess0.op.1");
    assert_string_equal(graph_module_name(g, graph_layers(g)[3], name, sizeof name),
                        "cells.0._ops.0.op.1");
    assert_int_equal(space_set(&s, "channels", "16"), 0);
    assert_int_equal(space_build(&s, g, v2), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 246106);
    assert_int_equal(space_set(&s, "channels", "36"), 0);
    assert_int_equal(space_set(&s, "layers", "20"), 0);
    assert_counts(&s, g, v2, 3349342, 528359040);
    assert_counts(&s, g, brief, 3349342, 528359040);

    assert_int_equal(s.ops->canonical(&s.cx, s.self, v2, a, sizeof a), 0);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, brief, b, sizeof b), 0);
    assert_string_equal(a, b);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, renumbered, b, sizeof b), 0);
    assert_string_equal(a, b);

    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 1037664180LL * 1037664180LL);
    assert_int_equal(s.ops->index_of(&s.cx, s.self, v2, &index), 0);
    assert_int_equal(s.ops->at(&s.cx, s.self, index, a, sizeof a), 0);
    assert_int_equal(s.ops->index_of(&s.cx, s.self, a, &again), 0);
    assert_int_equal(index, again);
    assert_int_equal(s.ops->at(&s.cx, s.self, size - 1, a, sizeof a), 0);
    assert_int_equal(s.ops->index_of(&s.cx, s.self, a, &again), 0);
    assert_int_equal(again, size - 1);
    assert_int_equal(space_set(&s, "layers", "8"), 0);
    check_variation(&s, g, 1000);

    assert_error(&s, "Genotype(normal=[('sep_conv_7x7', 0)", "position 20: unknown operation");
    assert_error(&s, "(((0,3),(0,3)", "position 13: a node takes input 0 twice");
    assert_error(&s, "(((0,3),(2,3)", "position 10: \"2,3)\" is not an input from 0 to 1");
    assert_error(&s, "(((0,7)", "position 6: \"7)\" is not an operation from 0 to 6");
    assert_error(&s, "", "position 1: \"(\" is expected");
    space_unload(&s);
    graph_free(g);
}

/* NAS-Bench-101's cells are 423,624 in all (its paper's number): every one is found under its own number, and
 * other spellings of a cell, mutations with vertices off every way, under that of a cell of the same
 * official hash. */
static void test_nb101_order(void **state)
{
    static const char chain[] = "(0,1,0, 0,0,1, 0,0,0, 0,4,1)";
    char text[512], again[512], key[64], other[64];
    struct space s;
    int64_t index, size;

    (void)state;
    assert_int_equal(space_load(&s, "nb101"), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 423624);
    for (int64_t i = 0; i < size; i += i + 37 < size ? 37 : 1) {
        assert_int_equal(s.ops->at(&s.cx, s.self, i, text, sizeof text), 0);
        assert_int_equal(s.ops->check(&s.cx, s.self, text), 0);
        assert_int_equal(s.ops->index_of(&s.cx, s.self, text, &index), 0);
        assert_int_equal(index, i);
    }
    for (int i = 0; i < 500; i++) {
        assert_int_equal(s.ops->random(&s.cx, s.self, again, sizeof again), 0);
        assert_int_equal(s.ops->mutate(&s.cx, s.self, again, text, sizeof text), 0);
        assert_int_equal(s.ops->index_of(&s.cx, s.self, text, &index), 0);
        assert_in_range(index, 0, size - 1);
        assert_int_equal(s.ops->at(&s.cx, s.self, index, again, sizeof again), 0);
        assert_int_equal(s.ops->canonical(&s.cx, s.self, text, key, sizeof key), 0);
        assert_int_equal(s.ops->canonical(&s.cx, s.self, again, other, sizeof other), 0);
        assert_string_equal(key, other);
    }
    assert_int_equal(s.ops->index_of(&s.cx, s.self, chain, &index), 0);
    assert_int_equal(index, 3); /* after the cell without operations, and pool and 1x1 alone */
    space_unload(&s);
}

/* The Inception-like cell of the paper and the simplest ones: parameters and hashes as
 * published; dangling vertices change nothing. */
static void test_nb101(void **state)
{
    static const char inception[] = "(0,1,1,1,0,1,0, 0,0,0,0,0,0,1, 0,0,0,0,0,0,1, 0,0,0,0,1,0,0, "
                                    "0,0,0,0,0,0,1, 0,0,0,0,0,0,1, "
                                    "0,0,0,0,0,0,0, 0,3,4,4,4,2,1)";
    static const char chain[] = "(0,1,0, 0,0,1, 0,0,0, 0,4,1)";
    static const char dangling[] = /* the chain with a vertex that leads nowhere */
        "(0,1,1,0, 0,0,0,1, 0,0,0,0, 0,0,0,0, 0,4,3,1)";
    static const char split[] = /* 512 channels and fewer shared by three: 43 + 43 + 42 */
        "(0,1,1,1,0, 0,0,0,0,1, 0,0,0,0,1, 0,0,0,0,1, 0,0,0,0,0, 0,3,3,3,1)";
    struct graph *g = graph_new();
    struct graph_counts n;
    const tcet_graph *v;
    struct space s;
    char a[64], b[64], name[64];
    tcet_traits t = {.struct_size = sizeof t};
    float *w, first[128 * 27];
    tcet_rng r, check;

    (void)state;
    assert_int_equal(space_load(&s, "nb101"), 0);
    assert_int_equal(space_build(&s, g, inception), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 2694282);
    assert_int_equal(n.macs + n.bias_macs, 402002954);
    assert_int_equal(space_build(&s, g, chain), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 10177674);
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name),
                        "layers.1.vertex_op.1.conv3x3.conv_bn_relu.0");
    assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name),
                        "layers.1.input_op.1.conv_bn_relu.0");

    /* default draws of everything, then all again */
    v = graph_view(g);
    w = mem_try((size_t)v->param_floats, sizeof *w);
    rng_seed(&r, 1);
    graph_draw(g, &r, w);
    rng_seed(&check, 1);
    rng_discard(&check, n.weights + 10);
    rng_normal(&check, first, 128 * 27, 0.0, 0.041666666666666664); /* sqrt(2/(9 * 128)) */
    assert_memory_equal(first, w, sizeof first);
    assert_true(w[v->modules[graph_layers(g)[v->layer_count - 1]].bias] == 0.0f);
    free(w);

    assert_int_equal(space_build(&s, g, dangling), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 10177674);
    assert_int_equal(space_build(&s, g, "(0, 1, 0, 0, 0, 1)"), 0);
    graph_count(g, &n);
    assert_int_equal(n.params, 882570);
    assert_int_equal(space_build(&s, g, split), 0);
    v = graph_view(g);
    assert_int_equal(v->modules[graph_layers(g)[1]].shape[0], 43);
    assert_int_equal(v->modules[graph_layers(g)[2]].shape[0], 43);
    assert_int_equal(v->modules[graph_layers(g)[3]].shape[0], 42);

    assert_int_equal(s.ops->canonical(&s.cx, s.self, chain, a, sizeof a), 0);
    assert_string_equal(a, "b49ac8c578b4561d79ac7087988f1c61");
    assert_int_equal(s.ops->canonical(&s.cx, s.self, dangling, b, sizeof b), 0);
    assert_string_equal(a, b);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, inception, a, sizeof a), 0);
    assert_string_equal(a, "28cfc7874f6d200472e1a9dcd8650aa0");
    assert_int_equal(s.ops->traits(&s.cx, s.self, inception, &t), 0);
    assert_int_equal(t.live, 1);
    assert_int_equal(t.depth, 4);
    assert_int_equal(s.ops->traits(&s.cx, s.self, dangling, &t), 0);
    assert_int_equal(t.live, 0);

    check_variation(&s, g, 1000);
    assert_error(&s, "(0,1,0)", "3 numbers");
    assert_error(&s, "(0,1,0,0,x)", "position 10: \"x)\" is neither a digit nor");
    assert_error(&s, "(0,1,1,0,0,1)", "row 2, column 1");
    assert_error(&s, "(0,0,0,0,0,1)", "the input does not reach the output");
    assert_error(&s, "(0,1,0, 0,0,1, 0,0,0, 0,5,1)", "vertex 2: code 5");
    space_unload(&s);
    graph_free(g);
}

/* The official count of parameters, from the network itself with its residual links: a batch
 * norm counts one number a channel, a projection no bias, the classifier one bias. */
static int64_t zennas_size(struct graph *g, int32_t classes)
{
    const tcet_graph *v = graph_view(g);
    struct graph_counts n;

    graph_count(g, &n);
    for (int32_t i = 0; i < v->module_count; i++)
        if (v->modules[i].kind == TCET_LAYER_NORM || v->modules[i].kind == TCET_LAYER_CONV)
            n.params -= v->modules[i].bias_count;
    return n.params - (classes - 1);
}

/* NASLib's network: parameters that NAS-Bench-Suite-Zero published. */
static void test_nb301_naslib(void **state)
{
    static const struct {
        const char *text;
        int64_t params;
    } rows[] = {
        {"(((0,0),(1,5),(1,1),(0,1),(1,3),(0,3),(1,3),(3,2)),((1,0),(0,2),(1,3),(0,3),(3,0),(0,1),("
         "2,0),(3,6)))",
         856298},
        {"(((0,5),(1,0),(2,1),(0,2),(3,2),(0,3),(1,0),(3,5)),((1,1),(0,2),(0,5),(1,0),(0,6),(2,2),("
         "4,6),(0,0)))",
         673834},
        {"(((1,6),(0,3),(1,1),(0,2),(3,5),(1,5),(0,3),(2,1)),((1,5),(0,6),(1,0),(0,2),(1,3),(0,5),("
         "3,5),(0,1)))",
         885674},
        {"(((0,2),(1,4),(0,5),(1,6),(0,2),(3,0),(2,0),(0,2)),((0,0),(1,4),(1,0),(0,6),(2,0),(1,3),("
         "1,6),(3,5)))",
         769834},
    };
    struct graph *g = graph_new();
    struct graph_counts n;
    struct space s;

    (void)state;
    assert_int_equal(space_load_with(&s, "nb301", "reading", "naslib"), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(space_build(&s, g, rows[i].text), 0);
        graph_count(g, &n);
        assert_int_equal(n.params, rows[i].params);
    }
    space_unload(&s);
    graph_free(g);
}

/* Inverted blocks: figures of the official MasterNet (seed 1), with residual links and without. */
static void test_zennas_inverted(void **state)
{
    static const struct {
        const char *text, *reslink;
        int64_t params, macs, layers, size;
        double weights;
    } rows[] = {
        {"SuperConvK3BNRELU(3,16,2,1)SuperResIDWE2K3(16,24,1,16,1)SuperResIDWE4K5(24,40,2,32,2)"
         "SuperResIDWE1K7(40,40,1,40,1)SuperResIDWE6K3(40,16,2,24,1)SuperConvK1BNRELU(16,64,1,1)",
         "0", 95652, 6286336, 33, 0, -17.235445075376447},
        {"SuperConvK3BNRELU(3,16,2,1)SuperResIDWE2K3(16,24,1,16,1)SuperResIDWE4K5(24,40,2,32,2)"
         "SuperResIDWE1K7(40,40,1,40,1)SuperResIDWE6K3(40,16,2,24,1)SuperConvK1BNRELU(16,64,1,1)",
         "1", 104636, 6868992, 42, 101673, -2.7284623625023414},
        {"SuperConvK3BNRELU(3,8,1,1)SuperResIDWE6K7(8,20,2,12,1)SuperResK3K3(20,24,1,8,1)"
         "SuperResIDWE1K5(24,24,1,24,3)SuperConvK1BNRELU(24,32,1,1)",
         "0", 34492, 8125568, 29, 0, -3.091548087640149},
        {"SuperConvK3BNRELU(3,8,1,1)SuperResIDWE6K7(8,20,2,12,1)SuperResK3K3(20,24,1,8,1)"
         "SuperResIDWE1K5(24,24,1,24,3)SuperConvK1BNRELU(24,32,1,1)",
         "1", 36124, 8481920, 33, 34945, 5.870747123972478},
    };
    struct graph *g = graph_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX];
        struct graph_counts n;
        struct space s;
        tcet_rng r;
        float *w;

        assert_int_equal(space_load_with(&s, "zennas", "reslink", rows[i].reslink), 0);
        assert_counts(&s, g, rows[i].text, rows[i].params, rows[i].macs);
        graph_count(g, &n);
        assert_int_equal(n.layers, rows[i].layers);
        if (rows[i].size)
            assert_int_equal(zennas_size(g, 100), rows[i].size);
        w = mem_alloc((size_t)graph_view(g)->param_floats * sizeof *w);
        rng_seed(&r, 1);
        graph_draw(g, &r, w);
        assert_true(fabs(graph_weight_sum(g, w) - rows[i].weights) < 1e-9);
        free(w);
        strcpy(a, rows[i].text); /* mutations stay within the budget, by the same count */
        for (int k = 0; k < 200 && rows[i].size; k++) {
            assert_int_equal(s.ops->mutate(&s.cx, s.self, a, b, sizeof b), 0);
            assert_int_equal(space_build(&s, g, b), 0);
            assert_true(zennas_size(g, 100) <= 1000000);
            strcpy(a, b);
        }
        space_unload(&s);
    }
    graph_free(g);
}

/* The count of a structure's neighbours, and that all are different, and others than it. */
static int64_t count_neighbours(struct space *s, const char *from)
{
    char text[TCET_ARCH_MAX], **all;
    int64_t count, counted;

    assert_int_equal(s->ops->neighbours(&s->cx, s->self, from, -1, &count, text, sizeof text), 0);
    all = mem_alloc((size_t)(count + 1) * sizeof *all);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(s->ops->neighbours(&s->cx, s->self, from, i, &counted, text, sizeof text),
                         0);
        assert_int_equal(counted, count);
        assert_int_equal(s->ops->check(&s->cx, s->self, text), 0);
        assert_string_not_equal(text, from);
        all[i] = mem_strdup(text);
    }
    qsort(all, (size_t)count, sizeof *all, compare_keys);
    for (int64_t i = 1; i < count; i++)
        assert_string_not_equal(all[i], all[i - 1]);
    for (int64_t i = 0; i < count; i++)
        free(all[i]);
    free(all);
    return count;
}

/* Neighbourhoods of spaces of several families. */
static void test_neighbours(void **state)
{
    static const struct {
        const char *space, *arch;
        int64_t count;
    } cases[] = {
        {"nats_tss",
         "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|"
         "skip_connect~2|",
         6 * 4},
        {"nats_sss", "64:64:64:64:64", 5 * 7},
        /* kinds of 5 modules 15, 5 taken out, 5 x 4 put in before one, less those that give the
         * same or are outside of the space */
        {"transnas_macro", "64-12341-basic", 36},
    };
    struct space s;

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(cases); i++) {
        assert_int_equal(space_load(&s, cases[i].space), 0);
        assert_int_equal(count_neighbours(&s, cases[i].arch), cases[i].count);
        space_unload(&s);
    }
}

/* Sizes, FLOPs and layers of children that ZenNAS's own classes made (MasterNet's get_model_size and
 * get_FLOPs, 10 classes, residual links); and how many candidates its search space gives for each
 * block of the initial structure, the block itself among them. */
static void test_zennas_official(void **state)
{
    static const struct {
        const char *text;
        double size10, size100, flops10, layers;
    } children[] = {
        {"SuperConvK3BNRELU(3,16,1,1)SuperResK5K5(16,16,1,8,2)SuperResK3K3(16,32,2,16,1)"
         "SuperResK5K5(32,200,2,80,2)SuperResK3K3(200,64,2,32,1)SuperConvK1BNRELU(64,128,1,1)",
         1390825, 1402345, 98151552, 8},
        {"SuperConvK3BNRELU(3,8,1,1)SuperResK1K5K1(8,8,1,8,1)SuperResK3K3(8,80,2,40,1)"
         "SuperResK1K3K1(80,8,2,64,3)SuperResK1K3K1(8,8,1,64,3)SuperResK1K7K1(8,32,2,24,3)"
         "SuperConvK1BNRELU(32,128,1,1)",
         682193, 693713, 45521536, 13},
        {"SuperConvK3BNRELU(3,40,1,1)SuperResK5K5(40,16,1,48,2)SuperResK5K5(16,64,2,16,5)"
         "SuperResK5K5(64,40,2,40,3)SuperResK1K5K1(40,16,2,32,3)SuperResK1K5K1(16,24,1,32,3)"
         "SuperResK1K5K1(24,24,1,32,3)SuperConvK1BNRELU(24,64,1,1)",
         1103961, 1109721, 195736640, 21},
        {"SuperConvK3BNRELU(3,8,1,1)SuperResK5K5(8,8,1,24,2)SuperResK3K3(8,32,2,16,1)"
         "SuperResK1K7K1(32,160,2,40,2)SuperResK5K5(160,96,2,24,2)SuperConvK1BNRELU(96,128,1,1)",
         689769, 701289, 49520000, 9},
    };
    /* one structure a block, whose neighbours are the block's own: candidates less itself */
    static const struct {
        const char *text;
        int64_t candidates;
    } blocks[] = {
        {"SuperConvK3BNRELU(3,8,1,1)", 2},      {"SuperResK3K3(8,16,1,8,1)", 180},
        {"SuperResK3K3(16,32,2,16,1)", 630},    {"SuperResK3K3(32,64,2,32,1)", 1134},
        {"SuperResK3K3(64,64,2,32,1)", 1134},   {"SuperConvK1BNRELU(64,128,1,1)", 9},
        {"SuperResK1K7K1(88,120,1,16,1)", 810}, {"SuperResK1K7K1(120,192,2,16,3)", 1350},
    };
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "zennas"), 0);
    for (size_t i = 0; i < TCET_COUNT(children); i++) {
        tcet_facts f = {.struct_size = sizeof f};
        tcet_task task = {sizeof task, 3, 32, 32, 10, 0, 0};

        assert_int_equal(s.ops->facts(&s.cx, s.self, children[i].text, &task, &f), 0);
        assert_int_equal(f.count, 3);
        assert_string_equal(f.name[0], "size");
        assert_true(f.value[0] == children[i].size10);
        assert_true(f.value[1] == children[i].layers);
        assert_true(f.value[2] == children[i].flops10);
        task.classes = 100;
        assert_int_equal(s.ops->facts(&s.cx, s.self, children[i].text, &task, &f), 0);
        assert_true(f.value[0] == children[i].size100);
    }
    for (size_t i = 0; i < TCET_COUNT(blocks); i++)
        assert_int_equal(count_neighbours(&s, blocks[i].text), blocks[i].candidates - 1);
    space_unload(&s);
}

static void test_zennas(void **state)
{
    static const char initial[] =
        "SuperConvK3BNRELU(3,8,1,1)SuperResK3K3(8,16,1,8,1)SuperResK3K3(16,32,2,16,1)"
        "SuperResK3K3(32,64,2,32,1)SuperResK3K3(64,64,2,32,1)SuperConvK1BNRELU(64,128,1,1)";
    struct graph *g = graph_new();
    tcet_traits t = {.struct_size = sizeof t};
    int64_t largest = 0;
    int32_t deepest = 0;
    struct space s;
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX], name[64];

    (void)state;
    assert_int_equal(space_load(&s, "zennas"), 0);
    assert_int_equal(space_build(&s, g, initial), 0);
    assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name),
                        "module_list.1.module_list.3.netblock");
    assert_int_equal(space_set(&s, "classes", "10"), 0);
    assert_int_equal(space_build(&s, g, initial), 0);
    assert_int_equal(zennas_size(g, 10), 83241);
    assert_int_equal(space_set(&s, "reslink", "1"), 0);
    assert_int_equal(space_build(&s, g, initial), 0);
    assert_string_equal(graph_module_name(g, graph_layers(g)[3], name, sizeof name),
                        "module_list.1.module_list.0.proj.0");
    assert_int_equal(zennas_size(g, 10), 90201);
    {
        struct graph_counts n;

        graph_count(g, &n);
        assert_int_equal(n.params, 90962);
        assert_int_equal(space_set(&s, "classes", "100"), 0);
        assert_int_equal(space_build(&s, g, initial), 0);
        graph_count(g, &n);
        assert_int_equal(n.params, 102572);
        assert_int_equal(zennas_size(g, 100), 101721);
    }
    assert_int_equal(s.ops->traits(&s.cx, s.self, initial, &t), 0);
    assert_int_equal(t.depth, 6);

    check_variation(&s, g, 300);
    /* a walk of mutations fills the budget and never leaves it */
    strcpy(a, initial);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(s.ops->mutate(&s.cx, s.self, a, b, sizeof b), 0);
        assert_int_equal(space_build(&s, g, b), 0);
        assert_int_equal(s.ops->traits(&s.cx, s.self, b, &t), 0);
        assert_true(zennas_size(g, 100) <= 1000000 && t.depth <= 18);
        largest = zennas_size(g, 100) > largest ? zennas_size(g, 100) : largest;
        deepest = t.depth > deepest ? t.depth : deepest;
        strcpy(a, b);
    }
    assert_true(largest > 900000 && deepest == 18);

    /* six layers or more become three and the rest */
    assert_int_equal(space_set(&s, "max_size", "0"), 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(s.ops->mutate(&s.cx, s.self, "SuperResK3K3(3,8,2,8,5)", b, sizeof b), 0);
        assert_null(strstr(b, ",6)"));
        assert_null(strstr(b, ",7)"));
        largest = strstr(b, ",3)SuperRes") ? -1 : largest;
    }
    assert_int_equal(largest, -1);

    assert_int_equal(space_set(&s, "max_size", "1000"), 0);
    assert_int_equal(s.ops->mutate(&s.cx, s.self, initial, b, sizeof b), TCET_E_ARG);
    assert_non_null(strstr(s.error, "no structure of at most 1000 parameters"));
    assert_error(&s, "", "position 1: a block is expected");
    assert_error(&s, "SuperResK4K4(3,8,1,8,1)", "position 1: unknown block \"SuperResK4K4\"");
    assert_error(&s, "SuperResK3K3(3,8,1,8)", "position 21: ',' is expected");
    assert_error(&s, "SuperConvK3BNRELU(3,8,1,1)SuperConvK3BNRELU(16,8,1,1)",
                 "position 27: the block takes 16 channels, the one before gives 8");
    space_unload(&s);
    graph_free(g);
}

static int64_t blox_params(struct space *s, struct graph *g, const char *cell)
{
    struct graph_counts n;
    char text[128];

    snprintf(text, sizeof text, "[%s, %s, %s]", cell, cell, cell);
    assert_int_equal(space_build(s, g, text), 0);
    graph_count(g, &n);
    return n.params;
}

/* 45 different cells of 72 configurations; one and two blocks of every kind. */
static void test_blox(void **state)
{
    struct graph *g = graph_new();
    struct space s;
    char a[128], b[128], name[64];
    int64_t size;

    (void)state;
    assert_int_equal(space_load(&s, "blox"), 0);
    assert_int_equal(blox_params(&s, g, "[[0], [0, 0, 0, 1]]"), 2140772);
    assert_int_equal(blox_params(&s, g, "[[0], [0, 1, 0, 0]]"), 2917604);
    assert_int_equal(blox_params(&s, g, "[[1], [0, 0, 0, 1]]"), 2573988);
    assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name),
                        "blocks.0.layers.0.nodes.0.op.layers.1.c1");
    assert_int_equal(blox_params(&s, g, "[[1], [1, 1, 1, 0]]"), 3784036);
    assert_int_equal(blox_params(&s, g, "[[2], [0, 0, 0, 1]]"), 1717636);
    assert_string_equal(
        graph_module_name(g, graph_layers(g)[graph_view(g)->layer_count - 2], name, sizeof name),
        "blocks.2.layers.1.proj.0");
    assert_int_equal(blox_params(&s, g, "[[2], [2, 0, 1, 1]]"), 2071332);
    assert_int_equal(blox_params(&s, g, "[[2], [1, 0, 1, 0]]"), 2573988); /* the first unused */

    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 45 * 45 * 45);
    for (int64_t i = 0; i < size; i += 7) {
        int64_t index;

        assert_int_equal(s.ops->at(&s.cx, s.self, i, a, sizeof a), 0);
        assert_int_equal(s.ops->index_of(&s.cx, s.self, a, &index), 0);
        assert_int_equal(index, i);
        assert_int_equal(s.ops->canonical(&s.cx, s.self, a, b, sizeof b), 0);
        assert_string_equal(a, b);
    }
    s.ops->canonical(&s.cx, s.self, "[[[0],[2,0,1,1]],[[1],[2,0,0,1]],[[1],[0,0,1,0]]]", a,
                     sizeof a);
    s.ops->canonical(&s.cx, s.self, "[[[2],[0,0,1,1]],[[2],[1,0,1,0]],[[0],[0,0,0,1]]]", b,
                     sizeof b);
    assert_string_equal(a, b);
    check_variation(&s, g, 300);
    assert_error(&s, "[[[3], [0, 1, 0, 0]]", "position 4: an operation (0 conv, 1 mbconv");
    assert_error(&s, "[[[0], [0, 2, 0, 0]]", "position 12: a flag 0 or 1 is expected");
    assert_error(&s, "[[[0],[0,0,0,0]],[[0],[0,1,0,0]],[[0],[0,1,0,0]]]",
                 "cell 1: nothing reaches its output");
    space_unload(&s);
    graph_free(g);
}

/* Different networks among all that the rules of the spaces make. */
static void test_nb1shot1(void **state)
{
    struct graph *g = graph_new();
    struct space s;
    int64_t size;

    (void)state;
    assert_int_equal(space_load(&s, "nb1shot1_1"), 0);
    assert_int_equal(count_keys(&s, 14580), 2685);
    check_variation(&s, g, 200);
    assert_error(&s, "(0,1,0, 0,0,1, 0,0,0, 0,4,1)", "3 vertices, the space's cells have 6");
    assert_error(&s,
                 "(0,1,1,1,0,0, 0,0,0,0,1,1, 0,0,0,1,0,1, 0,0,0,0,1,0, 0,0,0,0,0,0, 0,0,0,0,0,0, "
                 "0,4,4,4,4,1)",
                 "vertex 3 has 1 parents, the space wants 2");
    space_unload(&s);
    assert_int_equal(space_load(&s, "nb1shot1_2"), 0);
    assert_int_equal(count_keys(&s, 29160), 7773);
    check_variation(&s, g, 200);
    space_unload(&s);
    assert_int_equal(space_load(&s, "nb1shot1_3"), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 1312200);
    check_variation(&s, g, 200);
    space_unload(&s);
    graph_free(g);
}

/* Two spellings of one architecture have one key, and the second builds the same network. */
static void assert_same(struct space *s, const char *official, const char *other)
{
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX];
    struct graph *g = graph_new();
    struct graph_counts first, second;

    s->error[0] = '\0';
    if (s->ops->canonical(&s->cx, s->self, other, b, sizeof b) < 0)
        fail_msg("%s: %s", other, s->error);
    assert_int_equal(s->ops->canonical(&s->cx, s->self, official, a, sizeof a), 0);
    assert_string_equal(a, b);
    assert_int_equal(space_build(s, g, official), 0);
    graph_count(g, &first);
    assert_int_equal(space_build(s, g, other), 0);
    graph_count(g, &second);
    assert_memory_equal(&first, &second, sizeof first);
    graph_free(g);
}

#define CELL_OF(concat)                                                                    \
    "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "     \
    "('sep_conv_3x3', 2), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), " \
    "('skip_connect', 1)], normal_concat=" concat ", reduce=[('max_pool_3x3', 0), "        \
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('max_pool_3x3', 0), " \
    "('dil_conv_5x5', 3), ('skip_connect', 2), ('skip_connect', 3)], reduce_concat=" concat ")"

/* What other tools write for an architecture is read. */
static void test_other_spellings(void **state)
{
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "nats_tss"), 0); /* as NASLib writes it */
    assert_same(&s,
                "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|"
                "nor_conv_1x1~2|",
                "(4, 0, 3, 1, 4, 3)");
    assert_same(&s,
                "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|"
                "nor_conv_3x3~2|",
                "[2,3,0,4,1,2]");
    assert_error(&s, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,91.2",
                 "position 48: nothing is expected after the cell, not \",91.2\"");
    assert_error(&s, "(4, 0, 3, 1, 4, 5)", "position 17: a number from 0 to 4 is expected");
    assert_error(&s, "(4, 0, 3)", "position 9: ',' is expected, not \")\": 6 numbers in all");
    assert_error(&s, "(4, 0, 3, 1, 4, 3) x", "position 20: nothing is expected after 6 numbers");
    space_unload(&s);

    assert_int_equal(space_load(&s, "transnas_micro"), 0);
    assert_same(&s, "64-41414-2_32_323", "(2, 3, 2, 3, 2, 3)");
    assert_error(&s, "(2, 3, 2, 3, 2, 4)", "position 17: a number from 0 to 3 is expected");
    space_unload(&s);

    assert_int_equal(space_load(&s, "nb101"), 0);
    assert_same(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 4, 1)",
                "([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ['input', 'conv3x3-bn-relu', 'output'])");
    assert_same(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 2, 1)",
                "[[0, 1, 1], [0, 0, 1], [0, 0, 0]], [0, 2, 1]");
    assert_same(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1)",
                "{\"matrix\": [[0, 1, 1], [0, 0, 1], [0, 0, 0]], "
                "\"ops\": [\"input\", \"conv1x1-bn-relu\", \"output\"]}");
    assert_same(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1)",
                "{\"ops\": [\"input\", \"conv1x1-bn-relu\", \"output\"], "
                "\"matrix\": [[0, 1, 1], [0, 0, 1], [0, 0, 0]]}");
    assert_error(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1", "')' is missing at the end");
    assert_error(&s, "(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1))", "position 37: ')' closes no bracket");
    assert_error(&s, "([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1)]",
                 "position 37: ')' closes no bracket");
    assert_error(&s, "(0,, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1)", "position 4: nothing stands before");
    assert_error(&s, "(, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1)", "position 2: nothing stands before");
    assert_error(&s, "7,{\"ops\":[0,0,0],\"matrix\":[0,1]}", "numbers before the first part");
    assert_error(&s, "[[[[[[[[[[[[[[[[[0, 1]", "position 17: brackets in brackets, 16 deep");
    assert_error(&s, "([[0, 1], [0, 0]], ['input', 'conv3x3'])",
                 "position 31: unknown operation \"conv3x3\"");
    assert_error(&s, "(0, 1, 0, 0, 0, 'output", "position 17: the quote is not closed");
    space_unload(&s);

    assert_int_equal(space_load(&s, "nb1shot1_1"), 0); /* a loose seventh vertex */
    assert_same(&s,
                "(0,1,1,0,1,1, 0,0,1,1,1,0, 0,0,0,1,0,1, 0,0,0,0,0,0, 0,0,0,0,0,0, 0,0,0,0,0,0, "
                "0,3,2,4,2,1)",
                "(0,1,1,0,1,0,1, 0,0,1,1,1,0,0, 0,0,0,1,0,0,1, 0,0,0,0,0,0,0, 0,0,0,0,0,0,0, "
                "0,0,0,0,0,0,0, 0,0,0,0,0,0,0, 0,3,2,4,2,3,1)");
    assert_error(&s,
                 "(0,1,1,0,1,1,1, 0,0,1,1,1,0,0, 0,0,0,1,0,0,1, 0,0,0,0,0,0,0, 0,0,0,0,0,0,0, "
                 "0,0,0,0,0,0,0, 0,0,0,0,0,0,0, 0,3,2,4,2,3,1)",
                 "7 vertices, the space's cells have 6");
    space_unload(&s);

    assert_int_equal(space_load(&s, "nb301"), 0);
    assert_same(&s, CELL_OF("[2, 3, 4, 5]"), CELL_OF("range(2, 6)"));
    assert_same(&s, CELL_OF("[2, 3, 4, 5]"), CELL_OF("(2, 3, 4, 5)"));
    assert_error(&s, CELL_OF("range(2, 5)"), "\"6\" is expected");
    space_unload(&s);
}

/* The published ImageNet networks of ZenNAS have more than 4,096 channels. */
static void test_zennas_wide(void **state)
{
    struct graph *g = graph_new();
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "zennas"), 0);
    assert_int_equal(space_build(&s, g, "SuperConvK3BNRELU(3,8,2,1)SuperConvK1BNRELU(8,6704,1,1)"),
                     0);
    assert_error(&s, "SuperConvK3BNRELU(3,65537,2,1)", "a number from 1 to 65536 is expected");
    space_unload(&s);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_spellings), cmocka_unit_test(test_zennas_wide),
        cmocka_unit_test(test_nb_macro),        cmocka_unit_test(test_transnas_micro),
        cmocka_unit_test(test_transnas_tasks),  cmocka_unit_test(test_transnas_macro),
        cmocka_unit_test(test_nb301),           cmocka_unit_test(test_nb101),
        cmocka_unit_test(test_nb101_order),     cmocka_unit_test(test_zennas),
        cmocka_unit_test(test_zennas_inverted), cmocka_unit_test(test_zennas_official),
        cmocka_unit_test(test_neighbours),      cmocka_unit_test(test_blox),
        cmocka_unit_test(test_nb301_naslib),    cmocka_unit_test(test_nb1shot1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
