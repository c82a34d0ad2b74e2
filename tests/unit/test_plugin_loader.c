/* The loader takes what follows the ABI and says what is wrong with everything else: files
 * first, then each rule of validate.c on a descriptor built here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/draft/backend.h>
#include <tcet/strategy.h>
#include <tcet/tcet.h>

#include "plugin/instance.h"
#include "plugin/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

#define FIXTURES TCET_TEST_BUILD "/tests/fixtures/"

static void takes_a_good_file(void **state)
{
    struct arena a = {0};
    struct plugin *list, *again;
    struct error err;
    size_t count, count2;

    (void)state;
    if (loader_open(FIXTURES "good_minimal.so", &a, &list, &count, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].desc.kind, TCET_SALIENCY);
    assert_string_equal(list[0].desc.id, "good_weight");
    assert_string_equal(list[0].desc.cite, "nobody");
    assert_string_equal(list[0].path, FIXTURES "good_minimal.so");
    assert_null(list[0].info);
    assert_non_null(((const tcet_saliency_ops *)list[0].desc.ops)->layer);
    assert_string_equal(list[1].desc.id, "good_mean");
    assert_string_equal(list[1].desc.version, "1.2.3");
    assert_int_equal(list[1].desc.param_count, 6);
    assert_string_equal(list[1].desc.params[3].name, "empty");
    assert_ptr_equal(list[1].desc.ops, list[1].ops.bytes);
    /* a second time is the same code */
    assert_int_equal(loader_open(FIXTURES "good_minimal.so", &a, &again, &count2, &err), TCET_OK);
    assert_ptr_equal(((const tcet_saliency_ops *)list[0].desc.ops)->layer,
                     ((const tcet_saliency_ops *)again[0].desc.ops)->layer);
    arena_free(&a);
}

static void refuse_file(const char *path, tcet_status status, const char *message)
{
    struct arena a = {0};
    struct plugin *list = NULL;
    struct error err;
    size_t count = 77;
    char expected[1024];

    assert_int_equal(loader_open(path, &a, &list, &count, &err), status);
    snprintf(expected, sizeof expected, "%s: %s", path, message);
    assert_string_equal(err.text, expected);
    assert_null(list);
    assert_int_equal(count, 77);
    arena_free(&a);
}

/* Both versions, and what to rebuild; everything else names the plugin and the fault. */
static void refuses_bad_files(void **state)
{
    (void)state;
    refuse_file(FIXTURES "none.so", TCET_E_IO,
                "cannot open shared object file: No such file or directory");
    refuse_file(TCET_TEST_SOURCE "/tests/fixtures/good_minimal.c", TCET_E_IO, "invalid ELF header");
    refuse_file(FIXTURES "bad_no_symbol.so", TCET_E_PLUGIN,
                "is no tcet plugin: it lacks the symbol tcet_module_v1");
    refuse_file(FIXTURES "bad_other_major.so", TCET_E_PLUGIN,
                "built for tcet ABI 2, this tcet-host has 1.2: rebuild the plugin against this "
                "tcet-host's SDK, or use a newer tcet-host");
    refuse_file(FIXTURES "bad_newer_minor.so", TCET_E_PLUGIN,
                "built for tcet ABI 1.7, this tcet-host has 1.2: rebuild the plugin against this "
                "tcet-host's SDK, or use a newer tcet-host");
    refuse_file(FIXTURES "bad_null_module.so", TCET_E_PLUGIN, "tcet_module_v1() gives NULL");
    refuse_file(FIXTURES "bad_module_size.so", TCET_E_PLUGIN,
                "struct_size of its module is 8, it should be 24 to 24: rebuild it with the SDK's "
                "headers");
    refuse_file(FIXTURES "bad_null_name.so", TCET_E_PLUGIN,
                "plugin 1: its id is not [a-z0-9_]+ of at most 64 letters");
    refuse_file(FIXTURES "bad_duplicate.so", TCET_E_PLUGIN, "saliency \"twin\" is there twice");
    refuse_file(FIXTURES "bad_huge_count.so", TCET_E_PLUGIN,
                "says it holds 2147483647 plugins; 1 to 4096 are possible");
    refuse_file(FIXTURES "bad_huge_params.so", TCET_E_PLUGIN,
                "saliency \"huge\": says it has 2147483647 parameters; 0 to 4096 are possible");
    refuse_file(FIXTURES "bad_default.so", TCET_E_PLUGIN,
                "saliency \"default\": parameter \"ddof\": its default \"2\" is not an integer "
                "from 0 to 1");
    refuse_file(FIXTURES "bad_overlap.so", TCET_E_PLUGIN,
                "saliency \"overlap\": parameters \"x\" and \"z\" overlap");
    refuse_file(FIXTURES "bad_param_size.so", TCET_E_PLUGIN,
                "saliency \"param_size\": parameter \"x\" fills a field of another size than its "
                "type has");
    refuse_file(FIXTURES "bad_missing_op.so", TCET_E_PLUGIN,
                "saliency \"missing_op\": a saliency must have the function layer");
    if (!TCET_BUILD_ASAN)
        refuse_file(FIXTURES "bad_asan_flag.so", TCET_E_PLUGIN,
                    "built with AddressSanitizer, this tcet-host is not: rebuild one of them");
}

/* An aggregator to spoil, one field at a time. */
struct self {
    double a;
    int64_t b;
    int32_t c;
    int32_t d;
    const char *e;
    const char *f;
};

static tcet_status reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    (void)cx;
    (void)self;
    (void)s;
    *out = 1;
    return TCET_OK;
}

static const char *const choices[] = {"one", "two", NULL};
static tcet_param rows[6];
static tcet_aggregator_ops ops;
static tcet_plugin plugin;
static tcet_module module;
static const tcet_plugin *list[1];

static void restore(void)
{
    const tcet_param good[6] = {
        TCET_PARAM_F64(struct self, a, "1", 0, 1, "A."),
        TCET_PARAM_I64(struct self, b, "1", 0, 1, "B."),
        TCET_PARAM_BOOL(struct self, c, "1", "C."),
        TCET_PARAM_CHOICE(struct self, d, "one", choices, "D."),
        TCET_PARAM_TEXT(struct self, e, "", "E."),
        TCET_PARAM_PATH(struct self, f, "", "F."),
    };

    memcpy(rows, good, sizeof rows);
    ops = (tcet_aggregator_ops){.struct_size = sizeof ops, .direction = 1, .reduce = reduce};
    plugin = (tcet_plugin){.struct_size = sizeof plugin,
                           .kind = TCET_AGGREGATOR,
                           .id = "it",
                           .version = "1",
                           .summary = "It.",
                           .ops = &ops,
                           TCET_PARAMS(struct self, rows)};
    list[0] = &plugin;
    module = (tcet_module){sizeof module, TCET_ABI_MAJOR, TCET_ABI_MINOR, TCET_BUILD_ASAN, 1, list};
}

/* Adopts the spoiled module; NULL: it must be taken. */
static void adopt(const char *message)
{
    struct arena a = {0};
    struct plugin *out;
    struct error err = {0};
    size_t count;
    tcet_status st = loader_adopt(&module, "it.so", &a, &out, &count, &err);

    if (message) {
        assert_string_equal(err.text, message);
        assert_int_equal(st, TCET_E_PLUGIN);
    } else if (st < 0) {
        fail_msg("%s", err.text);
    }
    arena_free(&a);
    restore();
}

#define SPOIL(change, message)                       \
    do {                                             \
        change;                                      \
        adopt("it.so: aggregator \"it\": " message); \
    } while (0)

static void checks_descriptors(void **state)
{
    static char long_id[66];

    (void)state;
    restore();
    adopt(NULL);
    module.abi_major = 3;
    adopt("it.so: built for tcet ABI 3.2, this tcet-host has 1.2: rebuild the plugin against this "
          "tcet-host's SDK, or use a newer tcet-host");
    module.abi_major = 0;
    adopt("it.so: built for tcet ABI 0.2, this tcet-host has 1.2: rebuild the plugin against this "
          "tcet-host's SDK");
    module.struct_size++;
    adopt("it.so: struct_size of its module is 25, it should be 24 to 24: rebuild it with the "
          "SDK's headers");
    module.plugin_count = 0;
    adopt("it.so: says it holds 0 plugins; 1 to 4096 are possible");
    module.plugins = NULL;
    adopt("it.so: says it holds 1 plugins; 1 to 4096 are possible");
    list[0] = NULL;
    adopt("it.so: plugin 1: there is none");
    plugin.struct_size = 4;
    adopt("it.so: plugin 1: struct_size of its descriptor is 4, it should be 88 to 88: rebuild it "
          "with the SDK's headers");
    plugin.kind = 99;
    adopt("it.so: plugin 1: its kind 99 is unknown");
    plugin.id = "";
    adopt("it.so: plugin 1: its id is not [a-z0-9_]+ of at most 64 letters");
    plugin.id = "It";
    adopt("it.so: plugin 1: its id is not [a-z0-9_]+ of at most 64 letters");
    memset(long_id, 'i', 65);
    plugin.id = long_id;
    adopt("it.so: plugin 1: its id is not [a-z0-9_]+ of at most 64 letters");
    SPOIL(plugin.version = NULL, "it has no version, or one with blanks");
    SPOIL(plugin.version = "1 beta", "it has no version, or one with blanks");
    SPOIL(plugin.summary = "", "it has no summary in one line");
    SPOIL(plugin.summary = "two\nlines", "it has no summary in one line");
    SPOIL(plugin.summary = "caf\xe9", "it has no summary in one line");
    SPOIL(plugin.cite = "", "its citation is no line of text");
    SPOIL(plugin.flags = 2, "it sets flags (0x2) that do not exist");
    SPOIL(plugin.instance_size = 1u << 31, "its instance is larger than 64 MiB");
    SPOIL(plugin.ops = NULL, "it has no ops");
    SPOIL(ops.struct_size = 16, "struct_size of its ops is 16, it should be 32 to 32: rebuild it "
                                "with the SDK's headers");
    SPOIL(ops.reduce = NULL, "an aggregator must have the function reduce");
    SPOIL(ops.direction = 0, "it does not state its direction (+1 or -1)");
    SPOIL(ops.direction = 5, "its direction is 5");
    SPOIL(plugin.params = NULL, "says it has 6 parameters; 0 to 4096 are possible");
    SPOIL(plugin.param_stride = 8, "its parameters lie 8 bytes apart, should be 80");
    SPOIL(plugin.param_stride = 0x7ffffff8, "its parameters lie 2147483640 bytes apart, should be "
                                            "80");
}

static void checks_parameters(void **state)
{
    static const char *const none[] = {NULL}, *const twice[] = {"one", "one", NULL},
                             *const blank[] = {"one", "two three", NULL};

    (void)state;
    restore();
    SPOIL(rows[1].name = NULL, "parameter 2: its name is not [A-Za-z0-9_]+");
    SPOIL(rows[1].name = "b.c", "parameter 2: its name is not [A-Za-z0-9_]+");
    SPOIL(rows[1].name = "a", "parameter \"a\" is there twice");
    SPOIL(rows[1].type = 0, "parameter \"b\" is of an unknown type");
    SPOIL(rows[1].type = 9, "parameter \"b\" is of an unknown type");
    SPOIL(rows[1].size = 4, "parameter \"b\" fills a field of another size than its type has");
    SPOIL(rows[1].offset = 4, "parameter \"b\" fills a field that is not aligned");
    SPOIL(rows[1].offset = sizeof(struct self), "parameter \"b\" lies outside the instance");
    SPOIL(rows[1].offset = 0xfffffff8, "parameter \"b\" lies outside the instance");
    SPOIL(rows[1].offset = 0, "parameters \"a\" and \"b\" overlap");
    SPOIL(rows[1].doc = "", "parameter \"b\" has no description");
    SPOIL(rows[1].doc = NULL, "parameter \"b\" has no description");
    SPOIL(rows[1].imin = 2, "parameter \"b\" has an empty range");
    SPOIL(rows[0].min = 2, "parameter \"a\" has an empty range");
    SPOIL(rows[0].max = __builtin_nan(""), "parameter \"a\" has an empty range");
    SPOIL(rows[0].initial = "1.5", "parameter \"a\": its default \"1.5\" is not a number from 0 to "
                                   "1");
    SPOIL(rows[0].initial = "nan", "parameter \"a\": its default \"nan\" is not a number from 0 to "
                                   "1");
    SPOIL(rows[0].initial = "", "parameter \"a\": its default \"\" is not a number from 0 to 1");
    SPOIL(rows[1].initial = "0x1", "parameter \"b\": its default \"0x1\" is not an integer from 0 "
                                   "to 1");
    SPOIL(rows[2].initial = "2", "parameter \"c\": its default \"2\" is not 0, 1, true, false, "
                                 "yes, no, on or off");
    SPOIL(rows[3].initial = "three", "parameter \"d\": its default \"three\" is not one of its "
                                     "choices");
    SPOIL(rows[3].choices = NULL, "parameter \"d\" is a choice without choices");
    SPOIL(rows[3].choices = none, "parameter \"d\" is a choice without choices");
    SPOIL(rows[3].choices = twice, "parameter \"d\" has the same choice twice");
    SPOIL(rows[3].choices = blank, "parameter \"d\" has a choice that is no single word");
    SPOIL(rows[2].choices = choices, "parameter \"c\" has choices, but is no choice");
    SPOIL(rows[4].initial = "two\nlines", "parameter \"e\" has a default that is no text");
    SPOIL(rows[5].initial = "images", "parameter \"f\" has a default that is no absolute path");
    rows[0].initial = NULL; /* required parameters are fine */
    adopt(NULL);
    rows[0].max = __builtin_inf();
    adopt(NULL);
}

/* Rows of a later minor may lie further apart: the host reads its own part of each. */
static void reads_rows_by_their_stride(void **state)
{
    struct {
        tcet_param row;
        double later;
    } wide[2];
    struct arena a = {0};
    struct plugin *out;
    struct error err;
    size_t count;

    (void)state;
    restore();
    memset(wide, 0xff, sizeof wide);
    wide[0].row = rows[0];
    wide[1].row = rows[1];
    plugin.params = &wide[0].row;
    plugin.param_count = 2;
    plugin.param_stride = sizeof wide[0];
    assert_int_equal(loader_adopt(&module, "it.so", &a, &out, &count, &err), TCET_OK);
    assert_string_equal(out->desc.params[1].name, "b");
    assert_int_equal(out->desc.param_stride, sizeof(tcet_param));
    arena_free(&a);
}

static tcet_status any(tcet_ctx *cx)
{
    (void)cx;
    return TCET_OK;
}

/* A plugin of that kind whose `count` functions begin at `offset` of ops; function `missing`
 * is left out. */
static void adopt_kind(tcet_kind kind, void *the_ops, uint32_t size, size_t offset, int count,
                       int missing, const char *message)
{
    tcet_status (*function)(tcet_ctx *) = any, (*none)(tcet_ctx *) = NULL;

    restore();
    memcpy(the_ops, &size, sizeof size);
    for (int i = 0; i < count; i++)
        memcpy((char *)the_ops + offset + (size_t)i * sizeof function,
               i == missing ? &none : &function, sizeof function);
    plugin.kind = kind;
    plugin.ops = the_ops;
    adopt(message);
}

/* Each kind with all its functions is taken, and missed when one lacks; optional ones may. */
static void checks_the_ops_of_every_kind(void **state)
{
    tcet_space_ops space = {0};
    tcet_dataset_ops dataset = {0};
    tcet_backend_ops backend = {0};
    tcet_strategy_ops strategy = {0};
    tcet_combiner_ops combiner = {.scope = TCET_SCOPE_LAYER};
    const size_t at = offsetof(tcet_combiner_ops, score);

    (void)state;
    for (int i = -1; i < 11; i++) {
        static const char *const name[] = {"size",   "task",  "at",     "check", "canonical",
                                           "traits", "build", "random", "mutate"};
        char message[128];

        snprintf(message, sizeof message, "it.so: space \"it\": a space must have the function %s",
                 i >= 0 && i < 9 ? name[i] : "");
        adopt_kind(TCET_SPACE, &space, sizeof space, offsetof(tcet_space_ops, size), 11, i,
                   i >= 0 && i < 9 ? message : NULL);
    }
    adopt_kind(TCET_DATASET, &dataset, sizeof dataset, offsetof(tcet_dataset_ops, open), 3, -1,
               NULL);
    adopt_kind(TCET_DATASET, &dataset, sizeof dataset, offsetof(tcet_dataset_ops, open), 3, 2,
               "it.so: dataset \"it\": a dataset must have the function draw");
    adopt_kind(TCET_BACKEND, &backend, sizeof backend, offsetof(tcet_backend_ops, open), 6, -1,
               NULL);
    adopt_kind(TCET_BACKEND, &backend, sizeof backend, offsetof(tcet_backend_ops, open), 6, 5,
               "it.so: backend \"it\": a backend must have the function release");
    adopt_kind(TCET_STRATEGY, &strategy, sizeof strategy, offsetof(tcet_strategy_ops, ask), 2, -1,
               NULL);
    adopt_kind(TCET_STRATEGY, &strategy, sizeof strategy, offsetof(tcet_strategy_ops, ask), 2, 1,
               "it.so: strategy \"it\": a strategy must have the function tell");
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, 1, NULL);
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, 0,
               "it.so: combiner \"it\": its scope wants the function score");
    combiner.scope = TCET_SCOPE_PARAMETER;
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, 1,
               "it.so: combiner \"it\": its scope wants the function elements");
    combiner.scope = TCET_SCOPE_POPULATION;
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, 2,
               "it.so: combiner \"it\": its scope wants the function rank");
    combiner.scope = 5;
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, -1,
               "it.so: combiner \"it\": its scope 5 is unknown");
    combiner.scope = TCET_SCOPE_NETWORK;
    combiner.min_metrics = 3;
    combiner.max_metrics = 2;
    adopt_kind(TCET_COMBINER, &combiner, sizeof combiner, at, 3, -1,
               "it.so: combiner \"it\": it takes 3 to 2 metrics");
}

static void names_kinds(void **state)
{
    (void)state;
    for (tcet_kind kind = TCET_SALIENCY; kind <= TCET_STRATEGY; kind++)
        assert_int_equal(kind_from_name(kind_name(kind)), kind);
    assert_string_equal(kind_name(TCET_DATASET), "dataset");
    assert_null(kind_name(0));
    assert_null(kind_name(8));
    assert_int_equal(kind_from_name("metric"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_good_file),
        cmocka_unit_test(refuses_bad_files),
        cmocka_unit_test(checks_descriptors),
        cmocka_unit_test(checks_parameters),
        cmocka_unit_test(reads_rows_by_their_stride),
        cmocka_unit_test(checks_the_ops_of_every_kind),
        cmocka_unit_test(names_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
