/* Reading INI files: what the grammar takes, and that everything else is refused with the
 * file, the line and what would be right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

static char folder[64];

static int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tcet-config-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_bytes(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* Loads text as x.ini. */
static struct config *load(const char *text)
{
    struct config *c = NULL;
    struct error err;

    write_text("x.ini", text);
    if (config_load("x.ini", &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

/* text as x.ini must be refused with exactly this message. */
static void refuse(const char *text, const char *message)
{
    struct config *c = NULL;
    struct error err;

    write_text("x.ini", text);
    assert_int_equal(config_load("x.ini", &c, &err), TCET_E_ARG);
    assert_string_equal(err.text, message);
    assert_null(c);
}

static void check(const struct config *c, const char *kind, const char *name, const char *key,
                  const char *value, int line)
{
    const struct config_key *k = config_get(c, kind, name, key);

    assert_non_null(k);
    assert_string_equal(k->value, value);
    assert_int_equal(k->line, line);
    assert_string_equal(k->file, "x.ini");
    assert_string_equal(k->dir, folder);
}

/* Values, comments and headers arrive as written, with their lines. */
static void reads_the_grammar(void **state)
{
    struct config *c = load("\xef\xbb\xbf; comment\n"
                            "# another\n"
                            "[run]\r\n"
                            "space = nats_tss   ; the cells\r\n"
                            "archs = |nor_conv_3x3~0|+|none~0|a:b=c|   # 25 % of it\n"
                            "\n"
                            "  [ metric   snip_snr ]\n"
                            "   saliency.site=a;b#c d\n"
                            "\taggregator\t=\tsnr\t\n"
                            "empty =\n"
                            "[score last]");

    (void)state;
    check(c, "run", "", "space", "nats_tss", 4);
    check(c, "run", "", "archs", "|nor_conv_3x3~0|+|none~0|a:b=c|", 5);
    check(c, "metric", "snip_snr", "saliency.site", "a;b#c d", 8);
    check(c, "metric", "snip_snr", "aggregator", "snr", 9);
    check(c, "metric", "snip_snr", "empty", "", 10);
    assert_int_equal(c->section_count, 3);
    assert_string_equal(c->sections[2]->kind, "score");
    assert_string_equal(c->sections[2]->name, "last");
    assert_int_equal(c->sections[2]->line, 11);
    assert_int_equal(c->sections[2]->key_count, 0);
    assert_string_equal(c->path, "x.ini");
    assert_null(config_get(c, "run", "", "nothing"));
    assert_string_equal(config_text(c, "run", "", "nothing", "else"), "else");
    config_free(c);
}

/* inih alone would cut these at 200 bytes and 49 bytes and call it a success. */
static void long_texts_arrive_whole(void **state)
{
    enum { LONG = 60000 };
    struct buf b = {0};
    char *value = mem_alloc(LONG + 1);
    struct config *c;
    struct error err;

    (void)state;
    memset(value, 'v', LONG);
    memcpy(value + 150, " x ", 3);
    buf_puts(&b, "[metric a_name_that_is_quite_a_bit_longer_than_forty_nine_letters]\n");
    for (int n = 180; n < 200; n++) /* around inih's own limit */
        buf_printf(&b, "key_%d = %.*s\n", n, n, value);
    buf_printf(&b, "long = %s ; note\n", value);
    c = load(b.data);
    assert_int_equal(c->sections[0]->key_count, 21);
    for (int n = 0; n < 20; n++)
        assert_int_equal(strlen(c->sections[0]->keys[n]->value), 180 + n);
    check(c, "metric", "a_name_that_is_quite_a_bit_longer_than_forty_nine_letters", "long", value,
          22);
    config_free(c);

    b.len = 0;
    buf_printf(&b, "[run]\nx = %s", value);
    for (int i = 0; i < 64 * 1024 - LONG - 4; i++)
        buf_puts(&b, "y");
    write_bytes("x.ini", b.data, b.len);
    assert_int_equal(config_load("x.ini", &c, &err), TCET_OK);
    config_free(c);
    buf_puts(&b, "z");
    refuse(b.data, "x.ini:2: the line is longer than 64 KiB");
    buf_free(&b);
    free(value);
}

static void bad_syntax_names_the_line(void **state)
{
    struct config *c;
    struct error err;

    (void)state;
    refuse("[run]\nspace nats\n", "x.ini:2: expected [SECTION] or KEY = VALUE");
    refuse("[run]\nspace: nats\n", "x.ini:2: expected [SECTION] or KEY = VALUE");
    refuse("[run]\na b = c\n", "x.ini:2: a key is made of letters, digits, _, - and .");
    refuse("[run]\n= c\n", "x.ini:2: a key is made of letters, digits, _, - and .");
    refuse("\n\n[run\nspace=x\n",
           "x.ini:3: a section is [KIND] or [KIND NAME], and nothing stands behind it");
    refuse("[run] x\n",
           "x.ini:1: a section is [KIND] or [KIND NAME], and nothing stands behind it");
    refuse("[]\n", "x.ini:1: a section begins with a word of small letters, digits and _");
    refuse("[Run]\n", "x.ini:1: a section begins with a word of small letters, digits and _");
    refuse("[run fast]\n", "x.ini:1: this section takes no name");
    refuse("[metric a b]\n", "x.ini:1: a section's name is one word without . , = [ ] ; #");
    refuse("[metric a.b]\n", "x.ini:1: a section's name is one word without . , = [ ] ; #");
    refuse("space = x\n[run]\n",
           "x.ini:1: \"space\" stands before any [section]; only include may");
    refuse("[run]\nspace = a\n[data]\n[run]\nspace = b\n",
           "x.ini:5: space is given twice in [run], first in line 2");
    refuse("[metric m]\na = a\na = b\n",
           "x.ini:3: a is given twice in [metric m], first in line 2");
    refuse("[run]\nx = \xff\n", "x.ini:2: the line is not UTF-8 text");
    refuse("[run]\nx = \xc0\xaf\n", "x.ini:2: the line is not UTF-8 text");
    refuse("[run]\nx = a\rb\n", "x.ini:2: a carriage return within the line: lines end by \\n or "
                                "\\r\\n, not by \\r alone");
    refuse("[run]\nx = 1\n   continued\n", "x.ini:3: expected [SECTION] or KEY = VALUE");
    write_bytes("x.ini", "[run]\nx = a\0b\n", 14);
    assert_int_equal(config_load("x.ini", &c, &err), TCET_E_ARG);
    assert_string_equal(err.text, "x.ini:2: the line holds a NUL byte");
    assert_int_equal(config_load("none.ini", &c, &err), TCET_E_IO);
    assert_string_equal(err.text, "none.ini: No such file or directory");
    assert_int_equal(config_load(".", &c, &err), TCET_E_IO);
    assert_string_equal(err.text, ".: Is a directory");
}

/* A file of keys without end must not make the reader slow or large. */
static void keys_are_limited(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_puts(&b, "[run]\n");
    for (int i = 0; i < CONFIG_KEYS_MAX + 1; i++)
        buf_printf(&b, "k%d = 1\n", i);
    refuse(b.data, "x.ini:10002: too many keys");
    b.len = 0;
    for (int i = 0; i < CONFIG_KEYS_MAX + 1; i++)
        buf_printf(&b, "[k%d]\n", i);
    refuse(b.data, "x.ini:10001: too many sections");
    buf_free(&b);
}

/* The including file wins wherever its include stands; included names are said from here. */
static void includes_come_first(void **state)
{
    struct config *c;
    struct config_key *k;
    struct arena a = {0};

    (void)state;
    mkdir("sub", 0700);
    write_text("sub/base.ini", "include = deeper.ini\n[run]\nspace = base\nseed = 1\n"
                               "[data]\npath = images\n");
    write_text("sub/deeper.ini", "[run]\nspace = deeper\nworkers = 7\n[backend]\nplugin = ref\n");
    c = load("[run]\nspace = mine\ninclude = sub/base.ini\n[metric m]\nsaliency = snip\n");
    assert_string_equal(config_text(c, "run", "", "space", ""), "mine");
    assert_string_equal(config_text(c, "run", "", "seed", ""), "1");
    assert_string_equal(config_text(c, "run", "", "workers", ""), "7");
    assert_null(config_get(c, "run", "", "include"));
    k = config_get(c, "data", "", "path");
    assert_string_equal(k->file, "sub/base.ini");
    assert_int_equal(k->line, 6);
    assert_string_equal(config_path(&a, k), arena_printf(&a, "%s/sub/images", folder));
    assert_string_equal(config_get(c, "run", "", "workers")->file, "sub/deeper.ini");
    assert_string_equal(c->sections[0]->kind, "run");
    assert_string_equal(c->sections[1]->kind, "backend");
    config_free(c);

    /* two includes: the later wins; the same file twice is no cycle */
    write_text("a.ini", "[run]\nx = a\ny = a\n");
    write_text("b.ini", "include = a.ini\n[run]\nx = b\n");
    c = load("include = a.ini ; first\ninclude = b.ini\n");
    assert_string_equal(config_text(c, "run", "", "x", ""), "b");
    assert_string_equal(config_text(c, "run", "", "y", ""), "a");
    config_free(c);
    arena_free(&a);
}

static void include_faults_say_the_way(void **state)
{
    struct config *c;
    struct error err;
    char name[32], text[64];

    (void)state;
    refuse("[run]\ninclude =\n", "x.ini:2: include wants a file");
    refuse("[data]\nx = 1\n[run]\ninclude = x.ini\n",
           "x.ini:4: include: x.ini: the file includes itself");
    write_text("loop.ini", "\ninclude = x.ini\n");
    refuse("include = loop.ini\n",
           "x.ini:1: include: loop.ini:2: include: x.ini: the file includes itself");
    write_text("bad.ini", "[run]\nnonsense\n");
    refuse("include = bad.ini\n", "x.ini:1: include: bad.ini:2: expected [SECTION] or KEY = VALUE");
    write_text("x.ini", "include = gone.ini\n");
    assert_int_equal(config_load("x.ini", &c, &err), TCET_E_IO);
    assert_string_equal(err.text, "x.ini:1: include: gone.ini: No such file or directory");
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "d%d.ini", i);
        snprintf(text, sizeof text, i < 19 ? "include = d%d.ini\n" : "[run]\nx = %d\n", i + 1);
        write_text(name, text);
    }
    assert_int_equal(config_load("d3.ini", &c, &err), TCET_OK); /* 16 deep */
    config_free(c);
    assert_int_equal(config_load("d2.ini", &c, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "d19.ini: files include each other more than 16 deep"));
    /* every file includes the next one twice: 2^16 readings */
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "e%d.ini", i);
        snprintf(text, sizeof text, "include = e%d.ini\ninclude = e%d.ini\n", i + 1, i + 1);
        write_text(name, i < 16 ? text : "[run]\n");
    }
    assert_int_equal(config_load("e0.ini", &c, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "more than 256 files are included"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_grammar, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(long_texts_arrive_whole, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(bad_syntax_names_the_line, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(keys_are_limited, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(includes_come_first, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(include_faults_say_the_way, enter_folder, leave_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
