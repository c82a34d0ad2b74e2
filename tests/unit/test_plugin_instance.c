/* Instances: text bound to fields, wrong text refused at its file and line, init and fini,
 * and the parameter text that stands in store keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/tcet.h>

#include "plugin/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

struct self {
    double scale;
    int64_t ddof;
    int32_t absolute;
    int32_t empty;
    const char *note;
    const char *file;
    double wide;
};

static const char *const empties[] = {"zero", "fail", NULL};
static const tcet_param rows[] = {
    TCET_PARAM_F64(struct self, scale, "0.1", 0, 1, "Factor."),
    TCET_PARAM_I64(struct self, ddof, "1", 0, 2, "Not counted."),
    TCET_PARAM_BOOL(struct self, absolute, "no", "Absolute values."),
    TCET_PARAM_CHOICE(struct self, empty, "zero", empties, "What an empty layer gives."),
    TCET_PARAM_TEXT(struct self, note, "", "A note."),
    TCET_PARAM_PATH(struct self, file, "", "A file."),
    TCET_PARAM_F64(struct self, wide, "1e300", -__builtin_inf(), __builtin_inf(), "Any number."),
};

static int init_fails, inits, finis;

static tcet_status reduce(tcet_ctx *cx, void *self, const tcet_view *s, double *out)
{
    (void)cx;
    (void)self;
    (void)s;
    *out = 1;
    return TCET_OK;
}

/* Parameters are bound before init. */
static tcet_status init(tcet_ctx *cx, void *self)
{
    inits++;
    assert_true(((struct self *)self)->scale > 0);
    return init_fails ? tcet_fail(cx, TCET_E_IO, "no such device") : TCET_OK;
}

static void fini(void *self)
{
    assert_non_null(self);
    finis++;
}

static const tcet_aggregator_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .reduce = reduce};
static const tcet_plugin descriptor = {.struct_size = sizeof descriptor,
                                       .kind = TCET_AGGREGATOR,
                                       .id = "mean",
                                       .version = "1",
                                       .summary = "Mean.",
                                       .ops = &ops,
                                       .init = init,
                                       .fini = fini,
                                       TCET_PARAMS(struct self, rows)};
static const tcet_plugin *const list[] = {&descriptor};
static const tcet_module module = {
    sizeof module, TCET_ABI_MAJOR, TCET_ABI_MINOR, TCET_BUILD_ASAN, 1, list};

/* One config, its bindings, and the arena of both. */
static struct fixture {
    struct arena arena;
    struct config *config;
    struct plugin *plugin;
    struct binding bindings[8];
    size_t count;
    struct error err;
} f;

static int setup(void **state)
{
    size_t count;

    (void)state;
    memset(&f, 0, sizeof f);
    f.config = config_new();
    init_fails = inits = finis = 0;
    return loader_adopt(&module, "mean.so", &f.arena, &f.plugin, &count, &f.err);
}

static int teardown(void **state)
{
    (void)state;
    config_free(f.config);
    arena_free(&f.arena);
    return 0;
}

/* Adds line `n` of x.ini: aggregator.NAME = value. */
static struct config_key *bind(const char *name, const char *value, int n)
{
    char key[64];
    struct config_key *k;

    snprintf(key, sizeof key, "aggregator.%s", name);
    config_put(f.config, "metric", "m", key, value, "x.ini", "/conf", n);
    k = config_section_key(config_section(f.config, "metric", "m"), key);
    f.bindings[f.count++] = (struct binding){name, k};
    return k;
}

static tcet_status make(struct instance **out)
{
    return instance_new(f.plugin, f.bindings, f.count, "aggregator mean", &f.arena, out, &f.err);
}

static void defaults_are_bound(void **state)
{
    struct instance *i;
    const struct self *self;

    (void)state;
    assert_int_equal(make(&i), TCET_OK);
    self = i->self;
    assert_true(self->scale == 0.1);
    assert_int_equal(self->ddof, 1);
    assert_int_equal(self->absolute, 0);
    assert_int_equal(self->empty, 0);
    assert_string_equal(self->note, "");
    assert_string_equal(self->file, "");
    assert_true(self->wide == 1e300);
    assert_string_equal(i->params_text, "scale=0.10000000000000001 ddof=1 absolute=0 empty=zero "
                                        "note=\"\" wide=1.0000000000000001e+300");
    assert_ptr_equal(OPS(tcet_aggregator_ops, i)->reduce, reduce);
    assert_int_equal(inits, 1);
    instance_free(i);
    assert_int_equal(finis, 1);
    instance_free(NULL);
}

static void texts_are_bound(void **state)
{
    struct instance *i;
    const struct self *self;
    struct config_key *path;

    (void)state;
    bind("scale", "1e-8", 1);
    bind("ddof", "2", 2);
    bind("absolute", "on", 3);
    bind("empty", "fail", 4);
    bind("note", "a b=c", 5);
    path = bind("file", "images/x.bin", 6);
    bind("wide", "-inf", 7);
    assert_int_equal(make(&i), TCET_OK);
    self = i->self;
    assert_true(self->scale == 1e-8);
    assert_int_equal(self->ddof, 2);
    assert_int_equal(self->absolute, 1);
    assert_int_equal(self->empty, 1);
    assert_string_equal(self->note, "a b=c");
    assert_string_equal(self->file, "/conf/images/x.bin");
    assert_true(self->wide == -__builtin_inf());
    assert_string_equal(path->value, "/conf/images/x.bin");
    assert_string_equal(i->params_text, "scale=1e-08 ddof=2 absolute=1 empty=fail "
                                        "note=\"a b=c\" wide=-inf");
    config_free(f.config); /* the instance owns its texts */
    f.config = config_new();
    assert_string_equal(self->note, "a b=c");
    instance_free(i);
}

/* [aggregator mean] gives defaults, [metric m] overrides them. */
static void the_last_binding_wins(void **state)
{
    struct config_key *second;
    struct instance *i;

    (void)state;
    bind("ddof", "0", 1);
    config_put(f.config, "aggregator", "mean", "ddof", "2", "x.ini", "/conf", 9);
    second = config_section_key(config_section(f.config, "aggregator", "mean"), "ddof");
    f.bindings[f.count++] = (struct binding){"ddof", second};
    assert_int_equal(make(&i), TCET_OK);
    assert_int_equal(((struct self *)i->self)->ddof, 2);
    instance_free(i);
}

/* What is wrong is said of the key's line, by loading and by the check without code alike. */
static void refuse(const char *name, const char *value, const char *message)
{
    struct plugin_param params[8];
    struct plugin_info info = {.params = params, .param_count = f.plugin->desc.param_count};
    struct instance *i = NULL;

    for (size_t n = 0; n < info.param_count; n++) {
        const tcet_param *row = &f.plugin->desc.params[n];

        params[n] =
            (struct plugin_param){row->name, row->initial, row->doc,  row->choices, row->min,
                                  row->max,  row->imin,    row->imax, row->type};
    }
    f.count = 0;
    bind(name, value, 12);
    assert_int_equal(make(&i), TCET_E_ARG);
    assert_string_equal(f.err.text, message);
    assert_null(i);
    f.err.text[0] = '\0';
    assert_int_equal(params_check(&info, f.bindings, f.count, "aggregator mean", &f.err),
                     TCET_E_ARG);
    assert_string_equal(f.err.text, message);
    assert_int_equal(inits, 0);
}

static void errors_say_where_and_what(void **state)
{
    (void)state;
    refuse("dof", "1",
           "x.ini:12: aggregator.dof: aggregator mean has no parameter \"dof\" (did you mean "
           "\"ddof\"? parameters: scale, ddof, absolute, empty, note, file, wide)");
    refuse("scale", "2",
           "x.ini:12: aggregator.scale = \"2\": aggregator mean wants a number from "
           "0 to 1");
    refuse("scale", "",
           "x.ini:12: aggregator.scale = \"\": aggregator mean wants a number from 0 "
           "to 1");
    refuse("scale", "nan",
           "x.ini:12: aggregator.scale = \"nan\": aggregator mean wants a number "
           "from 0 to 1");
    refuse("wide", "1,5", "x.ini:12: aggregator.wide = \"1,5\": aggregator mean wants a number");
    refuse("ddof", "3",
           "x.ini:12: aggregator.ddof = \"3\": aggregator mean wants an integer from "
           "0 to 2");
    refuse("ddof", "1.0",
           "x.ini:12: aggregator.ddof = \"1.0\": aggregator mean wants an integer "
           "from 0 to 2");
    refuse("absolute", "maybe",
           "x.ini:12: aggregator.absolute = \"maybe\": aggregator mean wants "
           "0, 1, true, false, yes, no, on or off");
    refuse("empty", "zeros",
           "x.ini:12: aggregator.empty = \"zeros\": aggregator mean wants one of "
           "its choices (did you mean \"zero\"? choices: zero, fail)");
    config_set(f.config, "metric.m.aggregator.ddof=7", &f.err);
    f.bindings[0] = (struct binding){
        "ddof", config_section_key(config_section(f.config, "metric", "m"), "aggregator.ddof")};
    assert_int_equal(make(&(struct instance *){NULL}), TCET_E_ARG);
    assert_string_equal(f.err.text, "--set metric.m.aggregator.ddof: aggregator.ddof = \"7\": "
                                    "aggregator mean wants an integer from 0 to 2");
}

static void required_parameters(void **state)
{
    tcet_param some[1] = {TCET_PARAM_PATH(struct self, file, NULL, "The images.")};
    tcet_plugin p = descriptor;
    const tcet_plugin *const plugins[] = {&p};
    tcet_module m = module;
    struct instance *i;
    size_t count;

    (void)state;
    p.params = some;
    p.param_count = 1;
    p.init = NULL;
    m.plugins = plugins;
    assert_int_equal(loader_adopt(&m, "x.so", &f.arena, &f.plugin, &count, &f.err), TCET_OK);
    assert_int_equal(make(&i), TCET_E_ARG);
    assert_string_equal(f.err.text,
                        "aggregator mean: the parameter \"file\" must be given (The images.)");
    bind("file", "/abs", 1);
    assert_int_equal(make(&i), TCET_OK);
    assert_string_equal(((struct self *)i->self)->file, "/abs");
    assert_string_equal(i->params_text, "");
    instance_free(i);
    assert_int_equal(finis, 1); /* without an init, binding alone is success */

    p.params = NULL;
    p.param_count = 0;
    p.instance_size = 0;
    p.fini = NULL;
    f.count = 0;
    bind("x", "1", 3);
    assert_int_equal(loader_adopt(&m, "x.so", &f.arena, &f.plugin, &count, &f.err), TCET_OK);
    assert_int_equal(make(&i), TCET_E_ARG);
    assert_string_equal(f.err.text, "x.ini:3: aggregator.x: aggregator mean has no parameters");
    f.count = 0;
    assert_int_equal(make(&i), TCET_OK);
    assert_null(i->self);
    instance_free(i);
}

static void a_failed_init_is_not_finished(void **state)
{
    struct instance *i = NULL;

    (void)state;
    init_fails = 1;
    assert_int_equal(make(&i), TCET_E_IO);
    assert_string_equal(f.err.text, "aggregator mean: no such device");
    assert_null(i);
    assert_int_equal(finis, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_bound),    TEST(texts_are_bound),
        TEST(the_last_binding_wins), TEST(errors_say_where_and_what),
        TEST(required_parameters),   TEST(a_failed_init_is_not_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
