/* test_plugin_untrusted.c -- protects the reader of a scanning child's answer, which foreign
 * code may have written: nothing of it that would break a line or a terminal is taken. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "plugin/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h> /* last: it makes a macro of `fail` */

/* Is such an answer taken? */
static int takes(const char *line)
{
    struct plugin_info *infos = NULL;
    struct arena a = {0};
    struct buf said = {0};
    size_t count = 0;
    json_t *answer;
    int st;

    buf_printf(&said, "noise\n%s\n", line);
    answer = scan_answer(&said);
    st = answer ? describe_read(answer, &a, &infos, &count) : -1;
    json_decref(answer);
    buf_free(&said);
    arena_free(&a);
    return st == 0;
}

static int takes_plugin(const char *version, const char *summary, const char *name,
                        const char *choice)
{
    char line[1024];

    snprintf(line, sizeof line,
             "{\"tcet_scan\":{\"plugins\":[{\"kind\":\"saliency\",\"id\":\"x\",\"version\":\"%s\","
             "\"summary\":\"%s\",\"direction\":1,\"scope\":0,\"params\":[{\"name\":\"%s\","
             "\"doc\":\"d\",\"choices\":[\"%s\"],\"min\":\"0\",\"max\":\"inf\",\"imin\":0,"
             "\"imax\":1,\"type\":4}]}]}}",
             version, summary, name, choice);
    return takes(line);
}

static void texts_are_lines(void **state)
{
    (void)state;
    assert_true(takes_plugin("1", "summary", "mode", "a"));
    assert_false(takes_plugin("1\\n", "summary", "mode", "a"));
    assert_false(takes_plugin("1", "\\u001b[2J", "mode", "a"));
    assert_false(takes_plugin("1", "\\u009b2J", "mode", "a"));
    assert_false(takes_plugin("1", "summary", "mo\\rde", "a"));
    assert_false(takes_plugin("1", "summary", "mode", "\\u007f"));
    assert_true(takes("{\"tcet_scan\":{\"error\":\"why\",\"status\":-8}}"));
    assert_false(takes("{\"tcet_scan\":{\"error\":\"why\\nnot\",\"status\":-8}}"));
}

/* A message that was cut within a character is still a message. */
static void a_cut_message_is_told(void **state)
{
    json_t *answer = describe_error(TCET_E_PLUGIN, "its default \"\xc3");

    (void)state;
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "error")), "its default \"?");
    json_decref(answer);
}

static void control_characters(void **state)
{
    char out[16];

    (void)state;
    assert_true(utf8_line("a\tb \xc2\xa0 \xe2\x82\xac"));
    assert_false(utf8_line("\xc2\x9b"));
    assert_string_equal(utf8_clean(out, sizeof out, "a\xc2\x9b\x1b[\xff"), "a  [?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_lines),
        cmocka_unit_test(a_cut_message_is_told),
        cmocka_unit_test(control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
