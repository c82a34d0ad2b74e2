/* Keys in memory: --set, typed reading, what an unknown one is told, and the two ways out
 * (INI text and packed bytes). */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

static void set(struct config *c, const char *text)
{
    struct error err;

    if (config_set(c, text, &err) < 0)
        fail_msg("%s", err.text);
}

static void refuse_set(const char *text, const char *message)
{
    struct config *c = config_new();
    struct error err;

    assert_int_equal(config_set(c, text, &err), TCET_E_ARG);
    assert_string_equal(err.text, message);
    assert_int_equal(c->key_count, 0);
    config_free(c);
}

static const char *text_of(const struct config *c, const char *kind, const char *name,
                           const char *key)
{
    return config_text(c, kind, name, key, "(absent)");
}

/* Where the dots of --set fall. */
static void set_finds_the_section(void **state)
{
    struct config *c = config_new();

    (void)state;
    set(c, "run.space=nats_tss");
    set(c, "metric.snip_snr.aggregator=log_snr");
    set(c, "metric.m.aggregator.ddof = 0");
    set(c, "saliency.zico.batches=2");
    set(c, "space.a.b=dotted");
    set(c, "score.x=nameless");
    set(c, "run.archs=a=b");
    set(c, "run.note=");
    assert_string_equal(text_of(c, "run", "", "space"), "nats_tss");
    assert_string_equal(text_of(c, "metric", "snip_snr", "aggregator"), "log_snr");
    assert_string_equal(text_of(c, "metric", "m", "aggregator.ddof"), "0");
    assert_string_equal(text_of(c, "saliency", "zico", "batches"), "2");
    assert_string_equal(text_of(c, "space", "", "a.b"), "dotted");
    assert_string_equal(text_of(c, "score", "", "x"), "nameless");
    assert_string_equal(text_of(c, "run", "", "archs"), "a=b");
    assert_string_equal(text_of(c, "run", "", "note"), "");
    config_free(c);
}

/* An override keeps the key's place, loses its use, and is named as an override. */
static void set_overrides(void **state)
{
    struct config *c = config_new();
    struct config_key *k;
    struct error err;
    char cwd[PATH_MAX];

    (void)state;
    config_put(c, "run", "", "seed", "1", "x.ini", "/etc", 3);
    config_put(c, "run", "", "space", "a", "x.ini", "/etc", 4);
    config_put(c, "metric", "m", "k", "a", "x.ini", "/etc", 6);
    k = config_get(c, "run", "", "seed");
    config_error(&err, k, "is %d", 5);
    assert_string_equal(err.text, "x.ini:3: is 5");
    set(c, "run.seed=2");
    set(c, "metric.m.k=b");
    assert_ptr_equal(c->sections[0]->keys[0], k);
    assert_string_equal(k->value, "2");
    assert_string_equal(k->dir, getcwd(cwd, sizeof cwd));
    assert_int_equal(config_error(&err, k, "is %d", 5), TCET_E_ARG);
    assert_string_equal(err.text, "--set run.seed: is 5");
    config_error(&err, config_get(c, "metric", "m", "k"), "bad");
    assert_string_equal(err.text, "--set metric.m.k: bad");
    config_section_error(&err, config_section(c, "metric", "m"), "bad");
    assert_string_equal(err.text, "x.ini:6: bad");
    config_free(c);
}

static void set_refuses(void **state)
{
    (void)state;
    refuse_set("run.space",
               "--set run.space: expected SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE");
    refuse_set("space=a.b",
               "--set space=a.b: expected SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE");
    refuse_set("Run.space=a",
               "--set Run.space=a: a section begins with a word of small letters, digits and _");
    refuse_set("run.=a", "--set run.=a: a key is made of letters, digits, _, - and .");
    refuse_set("metric.a b.k=a",
               "--set metric.a b.k=a: a section's name is one word without . , = [ ] ; #");
    refuse_set("run.k=a\nb", "--set run.k=a\nb: a value is one line of UTF-8 text");
    refuse_set("run.k=a ;b", "--set run.k=a ;b: a value holds no ; or # after a blank, where a "
                             "comment begins");
    refuse_set("run.include=b.ini", "--set run.include=b.ini: files are included by files only");
    refuse_set("metric.\x8b.k=a",
               "--set metric.\x8b.k=a: a section's name is one word without . , = [ ] ; #");
}

/* What could not be read back from a file is not taken from the command line either. */
static void set_refuses_what_is_too_long(void **state)
{
    struct config *c = config_new();
    struct buf key = {0}, value = {0};
    struct error err;

    (void)state;
    buf_printf(&key, "run.%0128d=v", 0);
    assert_int_equal(config_set(c, key.data, &err), TCET_OK);
    key.len = 0;
    buf_printf(&key, "run.%0129d=v", 0);
    assert_int_equal(config_set(c, key.data, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "the key is longer than 128 letters"));
    buf_printf(&value, "run.k=%0*d", 64 * 1024 - 6, 0);
    assert_int_equal(config_set(c, value.data, &err), TCET_OK);
    buf_puts(&value, "0");
    assert_int_equal(config_set(c, value.data, &err), TCET_E_ARG);
    buf_free(&key);
    buf_free(&value);
    config_free(c);
}

static void typed_reading(void **state)
{
    static const char *const kinds[] = {"fail", "drop", "keep", NULL};
    struct config *c = config_new();
    struct error err;
    int64_t n = -1;
    int32_t flag = -1;
    int choice = -1;

    (void)state;
    config_put(c, "run", "", "workers", "12", "x.ini", "/", 3);
    config_put(c, "run", "", "many", "1000", "x.ini", "/", 4);
    config_put(c, "run", "", "text", "2x", "x.ini", "/", 5);
    config_put(c, "run", "", "flag", "Yes", "x.ini", "/", 6);
    config_put(c, "run", "", "on_nonfinite", "drop", "x.ini", "/", 7);
    config_put(c, "run", "", "wrong", "dorp", "x.ini", "/", 8);
    assert_int_equal(config_i64(c, "run", "", "workers", 1, 1, 64, &n, &err), TCET_OK);
    assert_int_equal(n, 12);
    assert_int_equal(config_i64(c, "run", "", "absent", 5, 1, 64, &n, &err), TCET_OK);
    assert_int_equal(n, 5);
    assert_int_equal(config_i64(c, "run", "", "many", 1, 1, 64, &n, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:4: many = \"1000\": expected an integer from 1 to 64");
    assert_int_equal(config_i64(c, "run", "", "text", 1, 1, 64, &n, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:5: text = \"2x\": expected an integer from 1 to 64");
    assert_int_equal(n, 5);
    assert_int_equal(config_bool(c, "run", "", "flag", 0, &flag, &err), TCET_OK);
    assert_int_equal(flag, 1);
    assert_int_equal(config_bool(c, "run", "", "text", 0, &flag, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:5: text = \"2x\": expected 0, 1, true, false, yes, no, "
                                  "on or off");
    assert_int_equal(config_choice(c, "run", "", "on_nonfinite", kinds, 0, &choice, &err), TCET_OK);
    assert_int_equal(choice, 1);
    assert_int_equal(config_choice(c, "run", "", "absent", kinds, 2, &choice, &err), TCET_OK);
    assert_int_equal(choice, 2);
    assert_int_equal(config_choice(c, "run", "", "wrong", kinds, 0, &choice, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:8: wrong = \"dorp\" is not a choice (did you mean "
                                  "\"drop\"? choices: fail, drop, keep)");
    config_free(c);
}

/* Nothing in a config is silently ignored. */
static void unknown_sections_and_keys_are_named(void **state)
{
    struct config *c = config_new();
    struct error err;

    (void)state;
    config_put(c, "run", "", "space", "nats_tss", "x.ini", "/", 2);
    config_put(c, "metric", "m", "anything", "of a plugin", "x.ini", "/", 5);
    assert_int_equal(config_check_sections(c, &err), TCET_OK);
    config_put(c, "run", "", "column", "x", "x.ini", "/", 3);
    assert_int_equal(config_check_sections(c, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "x.ini:3: [run] has no key \"column\" (it is a key of "
                                     "[benchmark]); keys: space, proxy, archs, "));
    config_free(c);

    c = config_new();
    config_put(c, "metrc", "n", "saliency", "snip", "x.ini", "/", 7);
    assert_int_equal(config_check_sections(c, &err), TCET_E_ARG);
    assert_string_equal(
        err.text,
        "x.ini:7: unknown section [metrc] (did you mean \"metric\"?); sections: "
        "run, backend, data, space, metric NAME, score NAME, saliency ID, "
        "aggregator ID, combiner ID, dataset ID, ablation, benchmark, reference, "
        "reference_pairs NAME, reference_hours, search, strategy ID, train, plugins, export");
    config_free(c);

    c = config_new();
    config_put(c, "metric", "", "saliency", "snip", "x.ini", "/", 8);
    assert_int_equal(config_check_sections(c, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:8: section [metric] needs a name: [metric NAME]");
    config_free(c);
}

/* A message made without a place gets the key's, or stays as it is. */
static void an_error_gets_its_place(void **state)
{
    struct config *c = config_new();
    struct error err;

    (void)state;
    config_put(c, "run", "", "space", "x", "x.ini", "/", 2);
    error_set(&err, TCET_E_IO, "no such file");
    assert_int_equal(config_error_at(&err, NULL), TCET_E_IO);
    assert_string_equal(err.text, "no such file");
    assert_int_equal(config_error_at(&err, config_get(c, "run", "", "space")), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:2: no such file");
    error_set(&err, TCET_E_IO, "no such folder");
    assert_int_equal(config_section_error_at(&err, config_section(c, "run", "")), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:2: no such folder");
    config_free(c);
}

static void paths_start_from_their_file(void **state)
{
    struct config *c = config_new();
    struct arena a = {0};

    (void)state;
    setenv("HOME", "/home/me", 1);
    config_put(c, "data", "", "a", "images", "x.ini", "/data/set", 1);
    config_put(c, "data", "", "b", "/abs", "x.ini", "/data/set", 2);
    config_put(c, "data", "", "c", "~/images", "x.ini", "/data/set", 3);
    config_put(c, "data", "", "d", "./images", "x.ini", "/", 4);
    config_put(c, "data", "", "e", "../up", "x.ini", "/data/set", 5);
    assert_string_equal(config_path(&a, config_get(c, "data", "", "a")), "/data/set/images");
    assert_string_equal(config_path(&a, config_get(c, "data", "", "b")), "/abs");
    assert_string_equal(config_path(&a, config_get(c, "data", "", "c")), "/home/me/images");
    assert_string_equal(config_path(&a, config_get(c, "data", "", "d")), "/images");
    assert_string_equal(config_path(&a, config_get(c, "data", "", "e")), "/data/set/../up");
    config_replace(config_get(c, "data", "", "a"), "/new");
    assert_string_equal(text_of(c, "data", "", "a"), "/new");
    arena_free(&a);
    config_free(c);
}

static struct config *sample(void)
{
    struct config *c = config_new();

    config_put(c, "run", "", "space", "nats_tss", "x.ini", "/d", 2);
    config_put(c, "run", "", "color", "#fff;a b", "x.ini", "/d", 3);
    config_put(c, "metric", "m", "saliency.site", "", "y.ini", "/e", 9);
    config_put(c, "metric", "m", "text", "\xc3\xa9t\xc3\xa9 = a;b", "--set", "/f", 0);
    return c;
}

/* `show` output can be run again. */
static void printed_text_reads_back(void **state)
{
    struct config *c = sample(), *again;
    char path[] = "/tmp/tcet-print-XXXXXX";
    int fd = mkstemp(path);
    struct buf b = {0}, b2 = {0};
    struct error err;

    (void)state;
    config_print(c, &b);
    assert_string_equal(b.data, "[run]\nspace = nats_tss\ncolor =#fff;a b\n\n[metric m]\n"
                                "saliency.site = \ntext = \xc3\xa9t\xc3\xa9 = a;b\n");
    assert_int_equal(write(fd, b.data, b.len), b.len);
    close(fd);
    assert_int_equal(config_load(path, &again, &err), TCET_OK);
    config_print(again, &b2);
    assert_string_equal(b.data, b2.data);
    unlink(path);
    buf_free(&b);
    buf_free(&b2);
    config_free(c);
    config_free(again);
}

/* What goes to a worker comes out the same there, and damage is refused at any byte. */
static void packing(void **state)
{
    struct config *c = sample(), *again = NULL;
    struct buf b = {0}, b2 = {0};
    struct error err;
    const struct config_key *k;

    (void)state;
    config_pack(c, &b);
    assert_int_equal(config_unpack(b.data, b.len, &again, &err), TCET_OK);
    config_pack(again, &b2);
    assert_int_equal(b.len, b2.len);
    assert_memory_equal(b.data, b2.data, b.len);
    k = config_get(again, "metric", "m", "text");
    assert_string_equal(k->file, "--set");
    assert_string_equal(k->dir, "/f");
    assert_int_equal(config_get(again, "metric", "m", "saliency.site")->line, 9);
    config_free(again);
    for (size_t n = 0; n < b.len; n++) {
        char *cut = mem_alloc(n + 1); /* its own block, so that a sanitizer sees overreads */

        memcpy(cut, b.data, n);
        cut = mem_resize(cut, n ? n : 1);
        assert_int_equal(config_unpack(cut, n, &again, &err), TCET_E_ARG);
        free(cut);
    }
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] = (char)~b.data[i];
        if (config_unpack(b.data, b.len, &again, &err) == TCET_OK)
            config_free(again);
        b.data[i] = (char)~b.data[i];
    }
    buf_free(&b);
    buf_free(&b2);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_finds_the_section),
        cmocka_unit_test(set_overrides),
        cmocka_unit_test(set_refuses),
        cmocka_unit_test(typed_reading),
        cmocka_unit_test(set_refuses_what_is_too_long),
        cmocka_unit_test(unknown_sections_and_keys_are_named),
        cmocka_unit_test(an_error_gets_its_place),
        cmocka_unit_test(paths_start_from_their_file),
        cmocka_unit_test(printed_text_reads_back),
        cmocka_unit_test(packing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
