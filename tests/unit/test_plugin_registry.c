/* The registry: folders and their order, scanning in children that may crash, hang or exit,
 * the cache, finding and loading.  This executable is its own scanning child. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "plugin/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

#define FIXTURES TCET_TEST_BUILD "/tests/fixtures/"

/* A folder of the test's own: plugins/ is searched, cache/ is the user's cache. */
static char root[64], plugins[96], cache_file[128];

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
    char command[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    char cache[96];

    (void)state;
    strcpy(root, "/tmp/tcet-registry-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(plugins, sizeof plugins, "%s/plugins", root);
    snprintf(cache_file, sizeof cache_file, "%s/cache/tcet-host/plugins-1.2%s.json", root,
             TCET_BUILD_ASAN ? "-asan" : "");
    mkdir(plugins, 0700);
    shell("cp %sgood_minimal.so %s/", FIXTURES, plugins);
    snprintf(cache, sizeof cache, "%s/cache", root);
    setenv("XDG_CACHE_HOME", cache, 1);
    unsetenv("TCET_PLUGIN_PATH");
    unsetenv("TCET_SCAN_EXE");
    setenv("TCET_SCAN_SECONDS", "2", 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shell("rm -rf %s", root);
    return 0;
}

/* A registry of plugins/ before the built-in ones. */
static struct registry *open_registry(void)
{
    const char *const extra[] = {plugins};
    struct registry *r;
    struct error err;

    if (registry_open(extra, 1, &r, &err) < 0)
        fail_msg("%s", err.text);
    return r;
}

static void refuse_open(const char *const *extra, size_t count, const char *message)
{
    struct registry *r = NULL;
    struct error err;

    assert_true(registry_open(extra, count, &r, &err) < 0);
    assert_string_equal(err.text, message);
    assert_null(r);
}

static const struct plugin_info *broken(const struct registry *r, const char *file)
{
    for (size_t i = 0; i < r->broken_count; i++) {
        if (!strcmp(strrchr(r->broken[i].path, '/') + 1, file))
            return &r->broken[i];
    }
    fail_msg("%s is not among the broken", file);
    return NULL;
}

/* What a scan brings over from the child is what the file says. */
static void describes_plugins(void **state)
{
    struct registry *r = open_registry();
    const struct plugin_info *info;
    const struct plugin_param *p;
    struct error err;

    (void)state;
    assert_int_equal(registry_find(r, TCET_AGGREGATOR, "good_mean", &info, &err), TCET_OK);
    assert_string_equal(info->version, "1.2.3");
    assert_string_equal(info->summary, "Mean with every type of parameter.");
    assert_null(info->cite);
    assert_null(info->error);
    assert_int_equal(info->direction, 1);
    assert_int_equal(info->builtin, 0);
    assert_int_equal(strlen(info->sha256), 64);
    assert_string_equal(strrchr(info->path, '/'), "/good_minimal.so");
    assert_int_equal(info->param_count, 6);
    p = info->params;
    assert_string_equal(p[0].name, "scale");
    assert_string_equal(p[0].initial, "1");
    assert_int_equal(p[0].type, TCET_P_F64);
    assert_true(p[0].min == 0 && p[0].max == __builtin_inf());
    assert_null(p[0].choices);
    assert_int_equal(p[1].imax, 2);
    assert_string_equal(p[3].choices[1], "fail");
    assert_null(p[3].choices[2]);
    assert_string_equal(p[3].doc, "What an empty layer gives.");
    assert_int_equal(p[5].type, TCET_P_PATH);
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_weight", &info, &err), TCET_OK);
    assert_string_equal(info->cite, "nobody");
    for (size_t i = 1; i < r->count; i++)
        assert_true(r->items[i - 1].kind < r->items[i].kind ||
                    (r->items[i - 1].kind == r->items[i].kind &&
                     strcmp(r->items[i - 1].id, r->items[i].id) < 0));
    registry_close(r);
}

/* A file that misbehaves when it is opened costs itself and nothing else. */
static void survives_bad_files(void **state)
{
    struct registry *r;
    const struct plugin_info *info;
    struct error err;
    time_t start = time(NULL);

    (void)state;
    shell("cp %sbad_ctor_*.so %shang/*.so %sgood_noisy.so %sbad_duplicate.so %s/", FIXTURES,
          FIXTURES, FIXTURES, FIXTURES, plugins);
    shell("echo text > %s/text.so; mkdir %s/folder.so; ln -s nowhere %s/link.so; "
          "cp %sgood_noisy.so %s/open.so; chmod o+w %s/open.so; touch %s/.hidden.so %s/readme",
          plugins, plugins, plugins, FIXTURES, plugins, plugins, plugins, plugins);
    r = open_registry();
    assert_true(time(NULL) - start < 60);
    assert_non_null(strstr(broken(r, "bad_ctor_crash.so")->error,
                           "/bad_ctor_crash.so: crashed when it was opened (signal 11, "));
    assert_non_null(strstr(broken(r, "bad_ctor_hang.so")->error,
                           "/bad_ctor_hang.so: was still not open after 2 s"));
    assert_non_null(strstr(broken(r, "bad_ctor_exit.so")->error,
                           "/bad_ctor_exit.so: ended the program when it was opened (exit code "
                           "3): cannot find my licence"));
    assert_non_null(
        strstr(broken(r, "bad_duplicate.so")->error, "saliency \"twin\" is there twice"));
    assert_non_null(strstr(broken(r, "text.so")->error, "/text.so: "));
    assert_non_null(strstr(broken(r, "link.so")->error, "No such file or directory"));
    assert_non_null(
        strstr(broken(r, "open.so")->error, "anyone may write to it; not opened (chmod o-w)"));
    assert_int_equal(r->broken_count, 7);
    assert_string_equal(broken(r, "text.so")->id, "");
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_noisy", &info, &err), TCET_OK);
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_weight", &info, &err), TCET_OK);
    registry_close(r);
}

/* 1 when a registry can be opened although no child can be started. */
static int opens_without_children(void)
{
    const char *const extra[] = {plugins};
    struct registry *r;
    struct error err;
    tcet_status st;

    setenv("TCET_SCAN_EXE", "/nonexistent", 1);
    st = registry_open(extra, 1, &r, &err);
    unsetenv("TCET_SCAN_EXE");
    if (st == TCET_OK)
        registry_close(r);
    else
        assert_string_equal(err.text,
                            "cannot scan plugins: /nonexistent: No such file or directory");
    return st == TCET_OK;
}

static void caches_scans(void **state)
{
    struct stat info;
    struct registry *r;
    const struct plugin_info *found;
    struct error err;
    char sha[65];

    (void)state;
    shell("cp %sbad_ctor_exit.so %sbad_duplicate.so %s/", FIXTURES, FIXTURES, plugins);
    assert_false(opens_without_children());
    registry_close(open_registry());
    assert_true(opens_without_children()); /* refusals and crashes are known, too */
    assert_int_equal(stat(cache_file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    r = open_registry();
    assert_int_equal(r->broken_count, 2);
    assert_int_equal(registry_find(r, TCET_AGGREGATOR, "good_mean", &found, &err), TCET_OK);
    assert_string_equal(found->params[3].choices[1], "fail");
    strcpy(sha, found->sha256);
    registry_close(r);

    /* another file of that name is another file */
    shell("cp %sgood_noisy.so %s/new; mv %s/new %s/good_minimal.so", FIXTURES, plugins, plugins,
          plugins);
    assert_false(opens_without_children());
    r = open_registry();
    assert_true(registry_find(r, TCET_AGGREGATOR, "good_mean", &found, &err) < 0);
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_noisy", &found, &err), TCET_OK);
    assert_string_not_equal(sha, found->sha256);
    registry_close(r);
    assert_true(opens_without_children());

    /* what the system's loader refuses may be mended elsewhere: it is asked every time */
    shell("echo text > %s/text.so", plugins);
    registry_close(open_registry());
    assert_false(opens_without_children());
    unlink(cache_file);
    assert_false(opens_without_children());
}

/* A cache that cannot be trusted is rewritten, one that cannot be written is done without. */
static void mends_the_cache(void **state)
{
    static const char *const contents[] = {
        "",
        "{",
        "[]",
        "{\"format\":99,\"files\":{}}",
        "{\"format\":1,\"files\":[]}",
        "{\"format\":1,\"files\":{\"x\":null}}",
    };
    struct registry *r;
    struct error err;

    (void)state;
    registry_close(open_registry());
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        shell("printf '%%s' '%s' > %s", contents[i], cache_file);
        assert_false(opens_without_children());
        registry_close(open_registry());
        assert_true(opens_without_children());
    }
    /* entries that lie about their shape */
    shell("sed -i 's/\"type\":1/\"type\":77/' %s", cache_file);
    assert_false(opens_without_children());
    registry_close(open_registry());
    shell("sed -i 's/\"choices\":/\"chances\":/' %s", cache_file);
    assert_false(opens_without_children());
    registry_close(open_registry());
    shell("sed -i 's/\"id\":\"good/\"id\":\"..\\/good/' %s", cache_file);
    assert_false(opens_without_children());
    registry_close(open_registry());
    /* somebody else could have written it */
    shell("chmod 0666 %s", cache_file);
    assert_false(opens_without_children());
    registry_close(open_registry());
    assert_true(opens_without_children());
    /* no place for a cache */
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    registry_close(open_registry());
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_int_equal(registry_open(NULL, 0, &r, &err), TCET_OK);
    registry_close(r);
}

static void searches_folders_in_order(void **state)
{
    char other[128], variable[512];
    const char *const extra[] = {plugins, other}, *const none[] = {"/nonexistent"};
    const struct plugin_info *info;
    struct registry *r;
    struct error err;

    (void)state;
    snprintf(other, sizeof other, "%s/other", root);
    mkdir(other, 0700);
    shell("cp %sgood_minimal.so %s/a.so; cp %sgood_noisy.so %s/b.so", FIXTURES, other, FIXTURES,
          other);
    /* the folder of the config wins over that of the environment */
    snprintf(variable, sizeof variable, "/nonexistent:%s::%s", other, plugins);
    setenv("TCET_PLUGIN_PATH", variable, 1);
    assert_int_equal(registry_open(extra, 1, &r, &err), TCET_OK);
    assert_string_equal(r->dirs[0], plugins);
    assert_string_equal(r->dirs[1], other);
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_weight", &info, &err), TCET_OK);
    assert_memory_equal(info->path, plugins, strlen(plugins));
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_noisy", &info, &err), TCET_OK);
    assert_memory_equal(info->path, other, strlen(other));
    registry_close(r);
    assert_int_equal(registry_open(NULL, 0, &r, &err), TCET_OK);
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_weight", &info, &err), TCET_OK);
    assert_memory_equal(info->path, other, strlen(other));
    registry_close(r);

    setenv("TCET_PLUGIN_PATH", "plugins", 1);
    refuse_open(NULL, 0, "TCET_PLUGIN_PATH: \"plugins\" is no absolute path");
    unsetenv("TCET_PLUGIN_PATH");
    refuse_open(none, 1, "plugin folder /nonexistent: No such file or directory");
    shell("chmod o+w %s", other);
    snprintf(variable, sizeof variable,
             "plugin folder %s: anyone may write to it; code from there "
             "is not opened (chmod o-w)",
             other);
    refuse_open(extra, 2, variable);
    shell("rm -rf %s; touch %s", other, other);
    snprintf(variable, sizeof variable, "plugin folder %s: is no folder", other);
    refuse_open(extra, 2, variable);
}

/* The answer to a wrong name: the right one, the list, another kind's, and a broken file. */
static void suggests(void **state)
{
    struct registry *r;
    const struct plugin_info *info = NULL;
    struct error err;

    (void)state;
    shell("cp %sbad_ctor_exit.so %s/saliency_mine.so", FIXTURES, plugins);
    r = open_registry();
    assert_int_equal(registry_find(r, TCET_SALIENCY, "good_wieght", &info, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "there is no saliency \"good_wieght\" (did you mean "
                                     "\"good_weight\"? there are: "));
    assert_int_equal(registry_find(r, TCET_COMBINER, "good_mean", &info, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "; \"good_mean\" is of kind aggregator"));
    assert_int_equal(registry_find(r, TCET_SALIENCY, "mine", &info, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "; unusable: "));
    assert_non_null(strstr(err.text, "/saliency_mine.so: ended the program when it was opened"));
    assert_null(info);
    registry_close(r);
}

/* The code that runs is the code whose checksum stands in every key. */
static void loads_what_was_scanned(void **state)
{
    struct arena a = {0};
    struct registry *r = open_registry();
    const struct plugin_info *info;
    struct plugin *p;
    struct error err;

    (void)state;
    assert_int_equal(registry_find(r, TCET_AGGREGATOR, "good_mean", &info, &err), TCET_OK);
    assert_int_equal(registry_load(info, &a, &p, &err), TCET_OK);
    assert_ptr_equal(p->info, info);
    assert_string_equal(p->desc.id, "good_mean");
    assert_string_equal(p->path, info->path);
    shell("cp %sgood_noisy.so %s/new; mv %s/new %s/good_minimal.so", FIXTURES, plugins, plugins,
          plugins);
    assert_int_equal(registry_load(info, &a, &p, &err), TCET_E_PLUGIN);
    assert_non_null(strstr(err.text, "/good_minimal.so: has changed since this program started"));
    unlink(info->path);
    assert_int_equal(registry_load(info, &a, &p, &err), TCET_E_IO);
    registry_close(r);
    arena_free(&a);
}

/* A child that answers with anything but an answer. */
static void distrusts_answers(void **state)
{
    static const char *const answers[] = {
        "",
        "text",
        "{}",
        "{\"error\":\"text\",\"status\":-8}",
        "{\"tcet_scan\":3}",
        "{\"tcet_scan\":{\"plugins\":[]}}",
        "{\"tcet_scan\":{\"plugins\":[{\"kind\":\"saliency\"}]}}",
        ("{\"tcet_scan\":{\"plugins\":[{\"kind\":\"metric\",\"id\":\"x\",\"version\":\"1\","
         "\"summary\":\"x\",\"direction\":1,\"scope\":0,\"params\":[]}]}}"),
        "{\"tcet_scan\":{\"error\":3}}",
    };
    struct registry *r;
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/child", root);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        unlink(cache_file);
        shell("printf '#!/bin/sh\\necho noise\\necho '\"'\"'%s'\"'\"'\\n' > %s; chmod +x %s",
              answers[i], path, path);
        setenv("TCET_SCAN_EXE", path, 1);
        r = open_registry();
        unsetenv("TCET_SCAN_EXE");
        assert_int_equal(r->count, 0);
        assert_non_null(broken(r, "good_minimal.so")->error);
        registry_close(r);
    }
}

/* A program that does not know scan-plugin must not start itself without end. */
static void never_scans_within_a_scan(void **state)
{
    (void)state;
    setenv("TCET_SCANNING", "1", 1);
    assert_false(registry_open((const char *const[]){plugins}, 1, &(struct registry *){NULL},
                               &(struct error){0}) == TCET_OK);
    unsetenv("TCET_SCANNING");
}

static void knows_its_own_place(void **state)
{
    (void)state;
    assert_string_equal(paths_self(), TCET_TEST_BUILD "/bin/test_plugin_registry");
    assert_string_equal(paths_plugins(), TCET_TEST_BUILD "/lib/tcet/plugins-1");
    assert_string_equal(paths_data(), TCET_TEST_BUILD "/share/tcet");
    assert_string_equal(paths_linalg(), TCET_TEST_BUILD "/lib/tcet/tcet-linalg.so");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(describes_plugins),
        TEST(survives_bad_files),
        TEST(caches_scans),
        TEST(mends_the_cache),
        TEST(searches_folders_in_order),
        TEST(suggests),
        TEST(loads_what_was_scanned),
        TEST(distrusts_answers),
        TEST(never_scans_within_a_scan),
        cmocka_unit_test(knows_its_own_place),
    };

    if (argc > 2 && !strcmp(argv[1], "scan-plugin"))
        return scan_main(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
