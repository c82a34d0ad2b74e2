/* test_graph_nds.c -- protects the spaces of NDS: published records and generated networks to the
 * unit, encodings and their messages, random changes, and files as the benchmark ships them. */
#include "space_host.h" /* before cmocka.h, whose macro `fail` would break it */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <unistd.h>

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

static const char resnext_a[] =
    "{\"block_type\":\"res_bottleneck_block\",\"ds\":[1,16,1,4],\"ws\":[16,64,128,16],"
    "\"ss\":[1,1,2,2],\"bot_muls\":[0.0,0.25,0.25,0.25],\"num_gs\":[1,2,1,2]}";
static const char resnet[] = "{\"block_type\":\"res_basic_block\",\"ds\":[1,12,12,12],"
                             "\"ws\":[16,24,24,40],\"ss\":[1,1,2,2]}";
static const char amoeba[] =
    "{\"genotype\":{\"normal\":[[\"avg_pool_3x3\",0],[\"conv_7x1_1x7\",1],[\"sep_conv_3x3\",2],"
    "[\"sep_conv_5x5\",0],[\"dil_sep_conv_3x3\",2],[\"dil_sep_conv_3x3\",2],[\"skip_connect\",4],"
    "[\"dil_sep_conv_3x3\",4],[\"conv_7x1_1x7\",2],[\"sep_conv_3x3\",4]],"
    "\"normal_concat\":[3,5,6],\"reduce\":[[\"avg_pool_3x3\",0],[\"dil_sep_conv_3x3\",1],"
    "[\"sep_conv_3x3\",0],[\"sep_conv_3x3\",0],[\"skip_connect\",2],[\"sep_conv_7x7\",0],"
    "[\"conv_7x1_1x7\",4],[\"skip_connect\",4],[\"conv_7x1_1x7\",0],[\"conv_7x1_1x7\",5]],"
    "\"reduce_concat\":[3,6]},\"width\":32,\"depth\":12}";

/* Four records that NNI's documentation prints: parameters as there; multiply-accumulates of the
 * official model. */
static void test_records(void **state)
{
    struct graph *g = graph_new();
    struct space s;
    char name[64];

    (void)state;
    assert_int_equal(space_load(&s, "nds_resnext"), 0);
    assert_counts(&s, g, resnext_a, 83002, 61044896);
    assert_string_equal(graph_module_name(g, graph_layers(g)[0], name, sizeof name), "stem.conv");
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name), "s1.b1.proj");
    assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name), "s1.b1.f.a");
    space_unload(&s);
    assert_int_equal(space_load(&s, "nds_resnet"), 0);
    assert_counts(&s, g, resnet, 594138, 180277648);
    assert_counts(&s, g,
                  "{\"ss\":[1,1,2,2],\"ws\":[16,24,32,40],\"ds\":[1,12,12,12],\"num_gs\":[],"
                  "\"block_type\":\"double_plain_block\",\"bot_muls\":[]}",
                  689770, 204042640);
    space_unload(&s);
    assert_int_equal(space_load(&s, "nds_amoeba"), 0);
    assert_counts(&s, g, amoeba, 4190314, 654774016);
    space_unload(&s);
    graph_free(g);
}

/* One cell of the generated networks: operation of edge e is ops[(e + a) mod n], its input
 * (b e^2 + 1) mod (i + 2). */
static void put_cell(char *out, size_t cap, const char *name, const char *const *ops, int n,
                     int nodes, int a, int b, const char *concat)
{
    size_t at = (size_t)snprintf(out, cap, "\"%s\":[", name);

    for (int e = 0; e < 2 * nodes; e++)
        at += (size_t)snprintf(out + at, cap - at, "%s[\"%s\",%d]", e ? "," : "", ops[(e + a) % n],
                               (b * e * e + 1) % (e / 2 + 2));
    snprintf(out + at, cap - at, "],\"%s_concat\":[%s]", name, concat);
}

/* The five networks that the official builders gave these figures for: NetworkCIFAR(16, 10, 8),
 * seed 1. */
static const struct {
    const char *space;
    int n, nodes;
    const char *ops[13];
    int64_t params, macs;
    int layers;
    double weights;
} generated[] = {
    {"nds_darts",
     8,
     4,
     {"avg_pool_3x3", "dil_conv_3x3", "dil_conv_5x5", "max_pool_3x3", "none", "sep_conv_3x3",
      "sep_conv_5x5", "skip_connect"},
     237754,
     40675840,
     120,
     20.75242068482612},
    {"nds_enas",
     5,
     5,
     {"avg_pool_3x3", "max_pool_3x3", "sep_conv_3x3", "sep_conv_5x5", "skip_connect"},
     244026,
     39896320,
     152,
     9.721022756995808},
    {"nds_nasnet",
     13,
     5,
     {"avg_pool_3x3", "conv_1x1", "conv_3x1_1x3", "conv_3x3", "conv_7x1_1x7", "dil_conv_3x3",
      "max_pool_3x3", "max_pool_5x5", "max_pool_7x7", "sep_conv_3x3", "sep_conv_5x5",
      "sep_conv_7x7", "skip_connect"},
     599226,
     88126720,
     126,
     34.48928904258515},
    {"nds_amoeba",
     8,
     5,
     {"avg_pool_3x3", "conv_7x1_1x7", "dil_sep_conv_3x3", "max_pool_3x3", "sep_conv_3x3",
      "sep_conv_5x5", "sep_conv_7x7", "skip_connect"},
     645562,
     95888640,
     188,
     71.63482212832218},
    {"nds_pnas",
     8,
     5,
     {"avg_pool_3x3", "conv_7x1_1x7", "dil_conv_3x3", "max_pool_3x3", "sep_conv_3x3",
      "sep_conv_5x5", "sep_conv_7x7", "skip_connect"},
     687738,
     104701056,
     172,
     12.1870248149283},
};

static void test_generated(void **state)
{
    struct graph *g = graph_new();

    (void)state;
    for (size_t i = 0; i < sizeof generated / sizeof *generated; i++) {
        int all =
            !strcmp(generated[i].space, "nds_darts") ? 1 : !strcmp(generated[i].space, "nds_pnas");
        char normal[512], reduce[512], text[1100];
        const char *every = generated[i].nodes == 4 ? "2,3,4,5" : "2,3,4,5,6";
        struct graph_counts n;
        struct space s;
        tcet_rng r;
        float *w;

        put_cell(normal, sizeof normal, "normal", generated[i].ops, generated[i].n,
                 generated[i].nodes, 0, 1, all ? every : "3,6");
        put_cell(reduce, sizeof reduce, "reduce", generated[i].ops, generated[i].n,
                 generated[i].nodes, 3, 3, all ? every : "2,5,6");
        snprintf(text, sizeof text, "{\"depth\":8,\"width\":16,\"genotype\":{%s,%s}}", reduce,
                 normal);
        assert_int_equal(space_load(&s, generated[i].space), 0);
        assert_counts(&s, g, text, generated[i].params, generated[i].macs);
        graph_count(g, &n);
        assert_int_equal(n.layers, generated[i].layers);
        w = mem_alloc((size_t)graph_view(g)->param_floats * sizeof *w);
        rng_seed(&r, 1);
        graph_draw(g, &r, w);
        assert_true(fabs(graph_weight_sum(g, w) - generated[i].weights) < 1e-9);
        free(w);
        space_unload(&s);
    }
    graph_free(g);
}

/* Key order, blanks, aux and drop_prob do not matter; what is printed is the same. */
static void test_encodings(void **state)
{
    static const char other[] =
        " { \"family\" : \"ResNet\", \"net\": {\"ss\": [1, 1, 2, 2], \"ws\": [16, 24, 24, 4e1], "
        "\"ds\": [1,12,12,12], \"block_type\": \"res_basic\\u005fblock\", \"bot_muls\": []} } ";
    char key[TCET_ARCH_MAX];
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "nds_resnet"), 0);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, other, key, sizeof key), 0);
    assert_string_equal(key, resnet);
    assert_error(&s, "{\"block_type\":\"res_basic_blok\"}", "did you mean \"res_basic_block\"");
    assert_error(&s, "{\"ds\":[1,2]}", "\"block_type\" is missing");
    assert_error(&s, "{\"ds\":[1,2],\"ds\":[1,2]}", "position 13: \"ds\" twice");
    assert_error(&s, "{\"ds\":[1,0]}", "position 10: a whole number from 1 to 64 is expected");
    assert_error(&s, "{\"ds\":[1,1,1,1,1,1,1,1,1]}", "the end of a list of 8");
    assert_error(&s, "{\"ds\":[1,2", "',' or ']' is expected");
    assert_error(&s, "[]", "position 1: an object");
    assert_error(&s,
                 "{\"block_type\":\"res_basic_block\",\"ds\":[2,1],\"ws\":[16,16],\"ss\":[1,1]}",
                 "entry 1 is the stem");
    assert_error(&s, "{\"block_type\":\"res_basic_block\",\"ds\":[1,1],\"ws\":[16],\"ss\":[1,1]}",
                 "\"ws\" has 1 numbers, \"ds\" 2");
    space_unload(&s);
    assert_int_equal(space_load(&s, "nds_resnext"), 0);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, resnext_a, key, sizeof key), 0);
    assert_string_equal(key, resnext_a);
    assert_error(
        &s,
        "{\"block_type\":\"res_bottleneck_block\",\"ds\":[1,1],\"ws\":[16,64],\"ss\":[1,1],"
        "\"bot_muls\":[0.0,0.25],\"num_gs\":[1,3]}",
        "entry 2: 64 channels times 0.25 are 16, which do not fall into groups, num_gs = 3");
    space_unload(&s);
    assert_int_equal(space_load(&s, "nds_enas"), 0);
    assert_error(&s, amoeba, "position 44: unknown operation \"conv_7x1_1x7\"");
    assert_error(&s, "{\"genotype\":{\"normal\":[[\"skip_connect\",2]]}}",
                 "position 40: a whole number from 0 to 1 is expected, not \"2\"");
    assert_error(&s, "{\"genotype\":{\"normal\":[[\"skip_connect\",1]]}}",
                 "1 operations; a cell has 10");
    assert_error(&s, "{\"genotype\":{\"normal_concat\":[2,2]}}", "node 2 twice");
    assert_error(&s, "{\"genotype\":{\"normal_concat\":[]}}", "one node or more");
    assert_error(&s, "{\"widht\":16}", "did you mean \"width\"");
    space_unload(&s);
}

/* Lists without a stem are nas-without-training's networks, unless another reading is asked for. */
static void test_readings(void **state)
{
    static const char lists[] = "{\"block_type\":\"res_bottleneck_block\",\"ds\":[1,1,1],"
                                "\"ws\":[16,48,32],\"ss\":[1,2,2],\"bot_muls\":[2.0,2.0,1.0],"
                                "\"num_gs\":[8,1,2]}";
    struct graph *g = graph_new();
    char name[64];
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "nds_resnext"), 0);
    assert_counts(&s, g, lists, 18982, 904256);
    assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name), "s1.b1.proj");
    space_unload(&s);
    assert_int_equal(space_load_with(&s, "nds_resnext", "reading", "pycls"), 0);
    assert_int_equal(space_build(&s, g, lists), 0);
    assert_int_equal(graph_layers(g) ? graph_view(g)->layer_count : 0, 1 + 2 * 4 + 1);
    space_unload(&s);
    assert_int_equal(space_load_with(&s, "nds_resnext", "reading", "nwot"), 0);
    assert_error(&s, resnext_a, "entry 1: 16 channels times 0 are 0");
    space_unload(&s);
    graph_free(g);
}

/* Cells whose nodes are only numbered otherwise have one key; another operation has another. */
static void test_isomorphism(void **state)
{
    static const char form[] =
        "{\"genotype\":{\"normal\":[[\"%s\",0],[\"sep_conv_3x3\",1],[\"%s\",1],[\"sep_conv_3x3\",0]"
        ","
        "[\"none\",0],[\"skip_connect\",%d],[\"none\",0],[\"skip_connect\",1]],"
        "\"normal_concat\":[2,3,4,5],\"reduce\":[[\"none\",0],[\"none\",1],[\"none\",0],"
        "[\"none\",1],[\"none\",0],[\"none\",1],[\"none\",0],[\"none\",1]],"
        "\"reduce_concat\":[5,4,3,2]},\"width\":16,\"depth\":4}";
    char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX], c[TCET_ARCH_MAX], text[1024];
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "nds_darts"), 0);
    snprintf(text, sizeof text, form, "sep_conv_5x5", "max_pool_3x3", 2);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, text, a, sizeof a), 0);
    snprintf(text, sizeof text, form, "max_pool_3x3", "sep_conv_5x5", 2);
    assert_int_equal(s.ops->canonical(&s.cx, s.self, text, c, sizeof c), 0);
    /* nodes 2 and 3 exchanged would also exchange inputs 0 and 1: another cell */
    assert_string_not_equal(a, c);
    snprintf(text, sizeof text,
             "{\"genotype\":{\"normal\":[[\"sep_conv_3x3\",0],[\"max_pool_3x3\",1],"
             "[\"sep_conv_3x3\",1],[\"sep_conv_5x5\",0],[\"skip_connect\",1],[\"none\",0],"
             "[\"skip_connect\",3],[\"none\",0]],\"normal_concat\":[2,3,4,5],"
             "\"reduce\":[[\"none\",1],[\"none\",0],[\"none\",0],[\"none\",1],[\"none\",0],"
             "[\"none\",1],[\"none\",0],[\"none\",1]],\"reduce_concat\":[2,3,4,5]},\"width\":16,"
             "\"depth\":4}");
    assert_int_equal(s.ops->canonical(&s.cx, s.self, text, b, sizeof b), 0);
    assert_string_equal(a, b);
    space_unload(&s);
}

/* Every space: what is drawn, changed and crossed is valid, builds, and a change is one. */
static void test_variation(void **state)
{
    static const char *const names[] = {"nds_darts", "nds_nasnet", "nds_enas",   "nds_amoeba",
                                        "nds_pnas",  "nds_resnet", "nds_resnext"};
    struct graph *g = graph_new();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char a[TCET_ARCH_MAX], b[TCET_ARCH_MAX], c[TCET_ARCH_MAX];
        struct space s;

        assert_int_equal(space_load(&s, names[i]), 0);
        for (int k = 0; k < 150; k++) {
            tcet_traits t = {.struct_size = sizeof t};

            assert_int_equal(s.ops->random(&s.cx, s.self, a, sizeof a), 0);
            assert_int_equal(s.ops->mutate(&s.cx, s.self, a, b, sizeof b), 0);
            assert_string_not_equal(a, b);
            assert_int_equal(s.ops->random(&s.cx, s.self, c, sizeof c), 0);
            assert_int_equal(s.ops->crossover(&s.cx, s.self, b, c, a, sizeof a), 0);
            assert_int_equal(space_build(&s, g, k % 10 ? b : a), 0);
            assert_int_equal(s.ops->check(&s.cx, s.self, a), 0);
            assert_int_equal(s.ops->traits(&s.cx, s.self, a, &t), 0);
            assert_true(t.live <= t.alive);
        }
        space_unload(&s);
    }
    graph_free(g);
}

/* Blocks have a grid: numbers and encodings are each other's inverse. */
static void test_grid(void **state)
{
    static const struct {
        const char *name;
        int64_t size;
    } rows[] = {{"nds_resnet", 1259712}, {"nds_resnext", 52734375}};
    char text[TCET_ARCH_MAX];
    int64_t size, index;
    struct space s;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(space_load(&s, rows[i].name), 0);
        assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
        assert_int_equal(size, rows[i].size);
        for (int64_t at = 0; at < size; at += size / 997) {
            assert_int_equal(s.ops->at(&s.cx, s.self, at, text, sizeof text), 0);
            assert_int_equal(s.ops->index_of(&s.cx, s.self, text, &index), 0);
            assert_int_equal(index, at);
        }
        space_unload(&s);
    }
    assert_int_equal(space_load(&s, "nds_resnet"), 0);
    assert_int_equal(s.ops->index_of(&s.cx, s.self, resnet, &index), 0);
    assert_int_equal(s.ops->at(&s.cx, s.self, index, text, sizeof text), 0);
    assert_string_equal(text, resnet);
    space_unload(&s);
    assert_int_equal(space_load(&s, "nds_pnas"), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, -1);
    assert_int_equal(s.ops->at(&s.cx, s.self, 0, text, sizeof text), TCET_E_UNSUPPORTED);
    space_unload(&s);
}

/* A file of that content as the space's; what init() says. */
static tcet_status load_file(struct space *s, const char *content)
{
    static char path[] = "/tmp/tcet-nds-XXXXXX";
    tcet_status st;
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    st = space_load_with(s, "nds_resnet", "file", path);
    unlink(path);
    return st;
}

#define ENTRY(ds)                                                                               \
    "{\"params\": 594138, \"flops\": 1.8e8, \"test_ep_top1\": [50.1, NaN, 6.51], \"optim\": "   \
    "{\"wd\": [{}]}, \"net\": {\"block_type\": \"res_basic_block\", \"ws\": [16, 24], \"ss\": " \
    "[1, 1], \"ds\": [1, " ds "]}, \"job_id\": \"a \\\" b\"}"
#define PRINTED(ds) \
    "{\"block_type\":\"res_basic_block\",\"ds\":[1," ds "],\"ws\":[16,24],\"ss\":[1,1]}"

static void assert_file_error(const char *content, const char *want)
{
    struct space s;

    assert_true(load_file(&s, content) < 0);
    if (!strstr(s.error, want))
        fail_msg("message \"%s\" lacks \"%s\"", s.error, want);
    free(s.self);
}

/* Both forms of file; `top` comes first wherever it stands. */
static void test_files(void **state)
{
    char text[TCET_ARCH_MAX];
    int64_t size, index;
    struct space s;

    (void)state;
    assert_int_equal(load_file(&s, " [" ENTRY("3") ",\n" ENTRY("4") "]\n"), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 2);
    assert_int_equal(s.ops->at(&s.cx, s.self, 1, text, sizeof text), 0);
    assert_string_equal(text, PRINTED("4"));
    assert_int_equal(s.ops->at(&s.cx, s.self, 2, text, sizeof text), TCET_E_ARG);
    space_unload(&s);
    assert_int_equal(
        load_file(&s, "{\"mid\": [" ENTRY("3") "], \"top\": [" ENTRY("4") "," ENTRY("3") "]}"), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &size), 0);
    assert_int_equal(size, 3);
    assert_int_equal(s.ops->at(&s.cx, s.self, 0, text, sizeof text), 0);
    assert_string_equal(text, PRINTED("4"));
    assert_int_equal(s.ops->index_of(&s.cx, s.self, PRINTED("3"), &index), 0);
    assert_int_equal(index, 1);
    assert_int_equal(s.ops->index_of(&s.cx, s.self, PRINTED("5"), &index), 0);
    assert_int_equal(index, -1);
    space_unload(&s);
    assert_file_error("[]", "holds no entry");
    assert_file_error("[" ENTRY("3") ",\n" ENTRY("0") "]", ":2: entry 2: position");
    assert_file_error("[" ENTRY("3") ",\n{\"net\": {\"ds\"", ":2: entry 2: position");
    assert_file_error("[" ENTRY("3") ",\n{\"job_id\": 3}]", ":2: entry 2: its \"net\" is expected");
    assert_file_error("[" ENTRY("3") ",\n{\"optim\": [[[", ":2: entry 2: a value is expected");
    assert_file_error("{\"low\": []}", ":1: entry 1: \"top\" or \"mid\" is expected");
    assert_file_error("[" ENTRY("3") "] []", "nothing is expected behind the value");
    assert_int_equal(space_load_with(&s, "nds_resnet", "file", "/nowhere/x.json"), TCET_E_IO);
    assert_non_null(strstr(s.error, "/nowhere/x.json: No such file"));
    free(s.self);
    assert_int_equal(space_load_with(&s, "nds_resnet", "file", "/dev/null"), TCET_E_IO);
    free(s.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),   cmocka_unit_test(test_generated),
        cmocka_unit_test(test_encodings), cmocka_unit_test(test_isomorphism),
        cmocka_unit_test(test_readings),  cmocka_unit_test(test_variation),
        cmocka_unit_test(test_grid),      cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
