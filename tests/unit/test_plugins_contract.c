/* test_plugins_contract.c -- what every built-in plugin owes its reader and the host: a
 * complete descriptor, parameters whose defaults bind and which say what they do. */
#include <ctype.h>
#include <dirent.h>

#include "fake_host.h"

static char files[128][256]; /* every built-in module of the five kinds, without ".so" */
static int file_count;

static int set_up(void **state)
{
    static const char *const kinds[] = {"saliency_", "aggregator_", "combiner_", "dataset_",
                                        "strategy_"};
    DIR *dir = opendir(TCET_TEST_BUILD "/lib/tcet/plugins-1");
    struct dirent *e;

    (void)state;
    while (dir && (e = readdir(dir))) {
        size_t n = strlen(e->d_name);

        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            if (!strncmp(e->d_name, kinds[k], strlen(kinds[k])) && n > 3 &&
                !strcmp(e->d_name + n - 3, ".so"))
                snprintf(files[file_count++], sizeof files[0], "%.*s", (int)n - 3, e->d_name);
        }
    }
    if (dir)
        closedir(dir);
    return file_count >= 20 ? 0 : -1;
}

/* Its default; the socket of a function in Python alone has none, and must be given. */
static int is_bound(const tcet_plugin *p, const tcet_param *param)
{
    return param->initial || (!strcmp(p->id, "python") && !strcmp(param->name, "socket"));
}

static void check_param(const tcet_plugin *p, const tcet_param *param)
{
    size_t sizes[] = {[TCET_P_F64] = 8,  [TCET_P_I64] = 8,    [TCET_P_BOOL] = 4,
                      [TCET_P_TEXT] = 8, [TCET_P_CHOICE] = 4, [TCET_P_PATH] = 8};

    if (!param->doc || !*param->doc || !is_bound(p, param) || param->size != sizes[param->type] ||
        param->offset + param->size > p->instance_size ||
        (param->type == TCET_P_CHOICE) != (param->choices != NULL))
        fail_msg("%s: parameter %s is incomplete", p->id, param->name);
}

static void test_descriptors(void **state)
{
    (void)state;
    for (int i = 0; i < file_count; i++) {
        const tcet_module *m = fake_module(files[i]);

        assert_int_equal(m->abi_major, TCET_ABI_MAJOR);
        assert_ptr_equal(m, fake_module(files[i]));
        for (uint32_t k = 0; k < m->plugin_count; k++) {
            const tcet_plugin *p = m->plugins[k];
            uint32_t ops_size;

            assert_int_equal(p->struct_size, sizeof *p);
            for (const char *c = p->id; *c; c++)
                assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
            assert_non_null(p->summary);
            assert_null(strchr(p->summary, '\n'));
            assert_non_null(p->version);
            assert_int_equal(strspn(p->version, "0123456789."), strlen(p->version));
            memcpy(&ops_size, p->ops, sizeof ops_size);
            assert_true(ops_size >= 16);
            for (uint32_t j = 0; j < p->param_count; j++)
                check_param(p, &p->params[j]);
            fake_free(fake_new(files[i], p->id, strcmp(p->id, "python") ? "" : "socket=s"));
        }
    }
}

/* Whether more is better is said, never guessed. */
static void test_directions(void **state)
{
    (void)state;
    for (int i = 0; i < file_count; i++) {
        const tcet_module *m = fake_module(files[i]);

        for (uint32_t k = 0; k < m->plugin_count; k++) {
            const tcet_saliency_ops *s = m->plugins[k]->ops;
            const tcet_aggregator_ops *a = m->plugins[k]->ops;

            if (m->plugins[k]->kind == TCET_SALIENCY)
                assert_true(s->direction == 1 || s->direction == -1);
            if (m->plugins[k]->kind == TCET_AGGREGATOR)
                assert_true(a->direction == 1 || a->direction == -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_directions),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
