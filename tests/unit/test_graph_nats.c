/* test_graph_nats.c -- protects the NATS spaces against the official models: module names and
 * shapes in creation order, weights as drawn, parameters and multiply-accumulates to the
 * unit, the official order, isomorphism, dead edges, and messages. */
#include "space_host.h" /* before cmocka.h, whose macro `fail` would break it */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const sets[] = {"cifar10", "cifar100", "ImageNet16-120"};

/* One reference network: header line fields, then its layers until the next "arch". */
static void check_reference(FILE *file, struct graph *g, const char *arch, int32_t classes,
                            int32_t size, int64_t params, int64_t macs, int32_t layers,
                            double w_sum, uint32_t rng_after)
{
    struct graph_counts n;
    const tcet_graph *v;
    struct space s;
    float *w;
    tcet_rng r;

    assert_int_equal(space_load(&s, "nats_tss"), 0);
    assert_int_equal(space_set(&s, "dataset", sets[(classes > 10) + (classes > 100)]), 0);
    assert_int_equal(space_build(&s, g, arch), 0);
    v = graph_view(g);
    assert_int_equal(v->classes, classes);
    assert_int_equal(v->height, size);
    graph_count(g, &n);
    assert_int_equal(n.params, params);
    assert_int_equal(n.macs, macs);
    assert_int_equal(v->layer_count, layers);

    w = mem_try((size_t)v->param_floats, sizeof *w);
    rng_seed(&r, 1);
    graph_draw(g, &r, w);
    assert_true(fabs(graph_weight_sum(g, w) - w_sum) < 1e-9);
    for (int32_t i = 0; i < layers; i++) {
        const tcet_graph_module *m = &v->modules[graph_layers(g)[i]];
        char name[128], kind[16], got[128];
        long long shape[4], layer_macs;
        double sum, first, have = 0;

        assert_int_equal(fscanf(file, "%127s %15s %lld %lld %lld %lld %lld %lf %lf\n", name, kind,
                                &shape[0], &shape[1], &shape[2], &shape[3], &layer_macs, &sum,
                                &first),
                         9);
        assert_string_equal(graph_module_name(g, graph_layers(g)[i], got, sizeof got), name);
        assert_int_equal(m->kind, kind[0] == 'C' ? TCET_LAYER_CONV : TCET_LAYER_LINEAR);
        for (int32_t d = 0; d < m->ndim; d++)
            assert_int_equal(m->shape[d], shape[d]);
        assert_int_equal(graph_module_macs(g, graph_layers(g)[i]), layer_macs);
        assert_true(w[m->weight] == (float)first);
        for (int64_t j = 0; j < m->weight_count; j++)
            have += w[m->weight + j];
        assert_true(fabs(have - sum) < 1e-9);
    }
    assert_int_equal(rng_u32(&r) % 2147483647u, rng_after);
    free(w);
    space_unload(&s);
}

static void test_reference_networks(void **state)
{
    struct graph *g = graph_new();
    FILE *file = fopen(TCET_TEST_DATA "/space/nats_tss.txt", "r");
    char line[512];
    int networks = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char arch[128];
        long long params, macs;
        int classes, size, layers;
        double w_sum;
        unsigned rng_after;

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "arch %127s %d %d %lld %lld %d %lf %u", arch, &classes, &size,
                                &params, &macs, &layers, &w_sum, &rng_after),
                         8);
        check_reference(file, g, arch, classes, size, params, macs, layers, w_sum, rng_after);
        networks++;
    }
    assert_int_equal(networks, 6);
    fclose(file);
    graph_free(g);
}

/* Entries of the benchmark itself: parameters, and FLOPs, which count biases. */
static void test_published_counts(void **state)
{
    static const struct {
        const char *space;
        int64_t index, params[3], flops[3];
    } known[] = {
        {"nats_tss", 0, {129306, 135156, 136456}, {15647370, 15653220, 3919480}},
        {"nats_tss", 11, {802426, 808276, 809576}, {113951370, 113957220, 28495480}},
        {"nats_tss", 284, {101306, 107156, 108456}, {11715210, 11721060, 2936440}},
        {"nats_sss", 0, {11714, 12524, 12704}, {4481114, 4481924, 1121336}},
        {"nats_sss", 11, {49202, 52172, 52832}, {6840650, 6843620, 1714040}},
        {"nats_sss", 284, {144834, 148524, 149344}, {21827994, 21831684, 5461816}},
    };
    struct graph *g = graph_new();

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (int32_t set = 0; set < 3; set++) {
            struct graph_counts n;
            struct space s;
            char text[128];

            assert_int_equal(space_load(&s, known[i].space), 0);
            assert_int_equal(space_set(&s, "dataset", sets[set]), 0);
            assert_int_equal(s.ops->at(&s.cx, s.self, known[i].index, text, sizeof text), 0);
            assert_int_equal(space_build(&s, g, text), 0);
            graph_count(g, &n);
            assert_int_equal(n.params, known[i].params[set]);
            assert_int_equal(n.macs + n.bias_macs, known[i].flops[set]);
            space_unload(&s);
        }
    graph_free(g);
}

/* Sums over a whole space: no architecture is a special case. */
static void check_aggregate(const char *name, int64_t size, int64_t params_min, int64_t params_max,
                            int64_t params_sum, int64_t flops_min, int64_t flops_max,
                            int64_t flops_sum)
{
    int64_t p_min = INT64_MAX, p_max = 0, p_sum = 0, f_min = INT64_MAX, f_max = 0, f_sum = 0, have;
    struct graph *g = graph_new();
    struct space s;

    assert_int_equal(space_load(&s, name), 0);
    assert_int_equal(s.ops->size(&s.cx, s.self, &have), 0);
    assert_int_equal(have, size);
    for (int64_t i = 0; i < size; i++) {
        struct graph_counts n;
        char text[128];
        int64_t flops, index;

        assert_int_equal(s.ops->at(&s.cx, s.self, i, text, sizeof text), 0);
        assert_int_equal(s.ops->index_of(&s.cx, s.self, text, &index), 0);
        assert_int_equal(index, i);
        assert_int_equal(space_build(&s, g, text), 0);
        graph_count(g, &n);
        flops = n.macs + n.bias_macs;
        p_min = n.params < p_min ? n.params : p_min;
        p_max = n.params > p_max ? n.params : p_max;
        p_sum += n.params;
        f_min = flops < f_min ? flops : f_min;
        f_max = flops > f_max ? flops : f_max;
        f_sum += flops;
    }
    assert_int_equal(p_min, params_min);
    assert_int_equal(p_max, params_max);
    assert_int_equal(p_sum, params_sum);
    assert_int_equal(f_min, flops_min);
    assert_int_equal(f_max, flops_max);
    assert_int_equal(f_sum, flops_sum);
    space_unload(&s);
    graph_free(g);
}

static void test_aggregates(void **state)
{
    (void)state;
    check_aggregate("nats_tss", 15625, 73306, 1531546, 6227406250, 7783050, 220119690,
                    858890156250);
    check_aggregate("nats_sss", 32768, 11714, 713674, 8804237312, 4481114, 274399882,
                    3504881598464);
}

/* The shipped table agrees with the space: order, parameters, FLOPs, depth, dead edges. */
static void test_table_agrees(void **state)
{
    FILE *file = fopen(TCET_TEST_SOURCE "/spaces/tables/nats_tss.tsv", "r");
    struct graph *g = graph_new();
    int64_t rows = 0, live = 0, dead = 0;
    char line[4096];
    struct space s;

    (void)state;
    assert_non_null(file);
    assert_int_equal(space_load(&s, "nats_tss"), 0);
    while (fgets(line, sizeof line, file)) {
        tcet_traits t = {.struct_size = sizeof t};
        struct graph_counts n;
        char arch[128], text[128];
        long long index, params, flops;
        int depth, all_live;

        if (line[0] != '|')
            continue;
        assert_int_equal(sscanf(line, "%127s %lld %lld %lld %d %d", arch, &index, &params, &flops,
                                &depth, &all_live),
                         6);
        assert_int_equal(index, rows++);
        assert_int_equal(s.ops->at(&s.cx, s.self, index, text, sizeof text), 0);
        assert_string_equal(arch, text);
        assert_int_equal(s.ops->traits(&s.cx, s.self, arch, &t), 0);
        assert_int_equal(t.live, all_live);
        assert_int_equal(t.depth, depth);
        live += t.live;
        dead += !t.alive;
        assert_int_equal(space_build(&s, g, arch), 0);
        graph_count(g, &n);
        assert_int_equal(n.params, params);
        assert_int_equal(n.macs + n.bias_macs, flops);
    }
    assert_int_equal(rows, 15625);
    assert_int_equal(live, 9445);
    assert_int_equal(dead, 341);
    fclose(file);
    space_unload(&s);
    graph_free(g);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Norms that stay where a pass removes norms. */
static int count_kept(const struct graph *g)
{
    const tcet_graph *v = graph_view(g);
    int n = 0;

    for (int32_t i = 0; i < v->node_count; i++)
        n += v->nodes[i].kept;
    return n;
}

/* zero-cost-nas: every architecture has the weights of all 180 convolutions of its cells, and runs the
 * official ones; naslib is the official network. */
static void test_readings(void **state)
{
    static const struct {
        const char *arch;
        int64_t macs; /* of the official network */
    } rows[] = {
        {"|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|"
         "nor_conv_3x3~2|",
         220119680},
        {"|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|"
         "skip_connect~2|",
         15647360},
    };
    struct graph *g = graph_new();
    struct graph_counts n, official;
    struct space s;
    char name[64];

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(rows); i++) {
        assert_int_equal(space_load(&s, "nats_tss"), 0);
        assert_int_equal(space_build(&s, g, rows[i].arch), 0);
        graph_count(g, &official);
        assert_int_equal(official.macs, rows[i].macs);
        assert_int_equal(count_kept(g), 0);
        assert_int_equal(space_set(&s, "reading", "naslib"), 0);
        assert_int_equal(space_build(&s, g, rows[i].arch), 0);
        graph_count(g, &n);
        assert_memory_equal(&n, &official, sizeof n);
        assert_int_equal(space_set(&s, "reading", "zero_cost_nas"), 0);
        assert_int_equal(space_build(&s, g, rows[i].arch), 0);
        graph_count(g, &n);
        assert_int_equal(n.macs, official.macs);
        assert_int_equal(n.params, 1692826);
        assert_int_equal(n.layers, 188);
        assert_int_equal(count_kept(g), 4); /* of two reductions */
        assert_string_equal(graph_module_name(g, graph_layers(g)[1], name, sizeof name),
                            "stack_cell1.0.options.2.op.1");
        assert_string_equal(graph_module_name(g, graph_layers(g)[2], name, sizeof name),
                            "stack_cell1.0.options.3.op.1");
        space_unload(&s);
    }
    graph_free(g);
}

/* 5,390 classes: the published number for the rule that drops zeros. */
static void test_canonical_keys(void **state)
{
    enum { SIZE = 15625 };
    static char *keys[SIZE];
    int64_t different = 0;
    struct space s;
    char a[512], b[512];

    (void)state;
    assert_int_equal(space_load(&s, "nats_tss"), 0);
    for (int64_t i = 0; i < SIZE; i++) {
        char text[128];

        assert_int_equal(s.ops->at(&s.cx, s.self, i, text, sizeof text), 0);
        assert_int_equal(s.ops->canonical(&s.cx, s.self, text, a, sizeof a), 0);
        keys[i] = mem_strdup(a);
    }
    qsort(keys, SIZE, sizeof *keys, compare_keys);
    for (int64_t i = 0; i < SIZE; i++)
        different += i == 0 || strcmp(keys[i], keys[i - 1]) != 0;
    assert_int_equal(different, 5390);
    for (int64_t i = 0; i < SIZE; i++)
        free(keys[i]);

    /* skip_connect is its input, a sum does not depend on its order */
    s.ops->canonical(&s.cx, s.self,
                     "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|none~0|avg_pool_3x3~1|"
                     "nor_conv_1x1~2|",
                     a, sizeof a);
    s.ops->canonical(&s.cx, s.self,
                     "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|"
                     "nor_conv_1x1~2|",
                     b, sizeof b);
    assert_string_equal(a, b);
    space_unload(&s);
}

static int differences(const char *a, const char *b)
{
    char x[128], y[128], *p, *q, *sp, *sq;
    int n = 0;

    strcpy(x, a);
    strcpy(y, b);
    for (p = strtok_r(x, "|+", &sp), q = strtok_r(y, "|+", &sq); p && q;
         p = strtok_r(NULL, "|+", &sp), q = strtok_r(NULL, "|+", &sq))
        n += strcmp(p, q) != 0;
    return n;
}

/* Random draws reach every architecture; a mutation changes exactly one edge; a child takes
 * each edge from a parent. */
static void test_random_mutate_crossover(void **state)
{
    static uint8_t seen[15625];
    int64_t index, distinct = 0;
    struct space s;
    char a[128], b[128], c[128];

    (void)state;
    assert_int_equal(space_load(&s, "nats_tss"), 0);
    for (int i = 0; i < 60000; i++) {
        assert_int_equal(s.ops->random(&s.cx, s.self, a, sizeof a), 0);
        assert_int_equal(s.ops->index_of(&s.cx, s.self, a, &index), 0);
        distinct += !seen[index];
        seen[index] = 1;
        assert_int_equal(s.ops->mutate(&s.cx, s.self, a, b, sizeof b), 0);
        assert_int_equal(s.ops->check(&s.cx, s.self, b), 0);
        assert_int_equal(differences(a, b), 1);
    }
    assert_true(distinct > 15000); /* expected 15,289 */
    s.ops->random(&s.cx, s.self, b, sizeof b);
    assert_int_equal(s.ops->crossover(&s.cx, s.self, a, b, c, sizeof c), 0);
    assert_true(differences(a, c) + differences(b, c) <= 6);
    assert_int_equal(s.ops->crossover(&s.cx, s.self, a, a, c, sizeof c), 0);
    assert_string_equal(a, c);
    space_unload(&s);

    assert_int_equal(space_load(&s, "nats_sss"), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(s.ops->random(&s.cx, s.self, a, sizeof a), 0);
        assert_int_equal(s.ops->mutate(&s.cx, s.self, a, b, sizeof b), 0);
        assert_int_equal(s.ops->check(&s.cx, s.self, b), 0);
        assert_string_not_equal(a, b);
    }
    space_unload(&s);
}

static void assert_error(struct space *s, const char *text, const char *want)
{
    s->error[0] = '\0';
    assert_int_equal(s->ops->check(&s->cx, s->self, text), TCET_E_ARG);
    if (!strstr(s->error, want))
        fail_msg("\"%s\": message \"%s\" lacks \"%s\"", text, s->error, want);
}

/* A wrong encoding is refused with the position and what would be right. */
static void test_errors(void **state)
{
    struct space s;
    char text[8];

    (void)state;
    assert_int_equal(space_load(&s, "nats_tss"), 0);
    assert_error(&s, "", "position 1: the encoding ends where '|' is expected");
    assert_error(&s, "|nor_conv_3x3~0|+|nor_conv_5x5~0|none~1|+|none~0|none~1|none~2|",
                 "position 19: unknown operation \"nor_conv_5x5\" (did you mean \"nor_conv_");
    assert_error(&s, "|nor_conv_5x5~0|", "operations: none, skip_connect, nor_conv_1x1");
    assert_error(&s, "|zzz~0|", "unknown operation \"zzz\" (operations: none");
    assert_error(&s, "|none~0|+|none~1|none~0|+|none~0|none~1|none~2|",
                 "position 15: \"~0\" is expected");
    assert_error(&s, "|none~0|+|none~0|none~1|", "position 25: the encoding ends where '+'");
    assert_error(&s, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|x", "position 48");
    assert_int_equal(s.ops->at(&s.cx, s.self, 15625, text, sizeof text), TCET_E_ARG);
    assert_non_null(strstr(s.error, "0 to 15624"));
    assert_int_equal(s.ops->at(&s.cx, s.self, 0, text, sizeof text), TCET_E_PLUGIN);
    space_unload(&s);

    assert_int_equal(space_load(&s, "nats_sss"), 0);
    assert_error(&s, "8:8:9:8:8", "position 5: unknown channel count \"9\"");
    assert_error(&s, "8:8:8:8", "position 8: 4 channel counts, there must be 5");
    assert_error(&s, "8:8:8:8:8:8", "position 10: more than 5");
    space_unload(&s);
}

/* The features node is what global pooling reads: the last activation, 64 channels of 8 x 8. */
static void test_features(void **state)
{
    struct graph *g = graph_new();
    const tcet_node *n;
    struct space s;
    char text[128];

    (void)state;
    assert_int_equal(space_load(&s, "nats_tss"), 0);
    assert_int_equal(s.ops->at(&s.cx, s.self, 0, text, sizeof text), 0);
    assert_int_equal(space_build(&s, g, text), 0);
    n = &graph_view(g)->nodes[graph_view(g)->features];
    assert_int_equal(n->op, TCET_OP_RELU);
    assert_int_equal(n->c, 64);
    assert_int_equal(n->h, 8);
    space_unload(&s);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_networks),
        cmocka_unit_test(test_published_counts),
        cmocka_unit_test(test_aggregates),
        cmocka_unit_test(test_table_agrees),
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_canonical_keys),
        cmocka_unit_test(test_random_mutate_crossover),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
