/* test_base_json.c -- protects exports and stores: what is written as JSON or CSV is read back as
 * it was, and what is no object of numbers is refused.  Room: tests. */
#include "base/csv.h"
#include "base/utf8.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

struct member {
    char name[32];
    double number;
};

struct members {
    struct member item[4];
    size_t count;
};

static void add(void *user, const char *name, size_t length, double number)
{
    struct members *m = user;

    assert_true(m->count < 4 && length < sizeof m->item->name);
    memcpy(m->item[m->count].name, name, length);
    m->item[m->count++].number = number;
}

static void reads_objects(void **state)
{
    struct members m = {.count = 0};

    (void)state;
    assert_int_equal(
        json_numbers(" {\t\"a\" : -1.5e-3 ,\"b c\":0,\"d\":9007199254740992}", add, &m), 0);
    assert_int_equal(m.count, 3);
    assert_string_equal(m.item[0].name, "a");
    assert_true(m.item[0].number == -1.5e-3);
    assert_string_equal(m.item[1].name, "b c");
    assert_true(m.item[1].number == 0 && m.item[2].number == JSON_NUMBER_MAX);
    m.count = 0;
    assert_int_equal(json_numbers("{}", add, &m), 0);
    assert_int_equal(m.count, 0);
}

static void refuses_others(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1}}",
                                      "{\"a\":nan}",
                                      "{\"a\n\":1}",
                                      "{\"t\":01}",
                                      "{\"t\":1.}",
                                      "{\"t\":.5}",
                                      "{\"t\":+1}",
                                      "{\"t\":1e}",
                                      "{\"t\":-}",
                                      "{\"\\q\":1}",
                                      "{\"\xff\":1}",
                                      "{a:1}",
                                      "{\"a\":1 2}",
                                      "{\"t\":1e999}",
                                      "{\"t\":9007199254740994}",
                                      "{\"\\u12g4\":1}",
                                      "{\"t\":1},\"x\":{}",
                                      "{\"a\":\"b\"}",
                                      "{\"a\":{}}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct members m = {.count = 0};

        if (json_numbers(bad[i], add, &m) != -1)
            fail_msg("%s is read", bad[i]);
    }
}

/* Whatever stands in a name is a name again. */
static void names_come_back(void **state)
{
    static const char *const names[] = {
        "plain",     "a \"b\"",      "back\\slash",          "tab\there",
        "line\nend", "\x01\x1f\x7f", "\xc3\xa9\xe2\x82\xac", ""};
    struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct members m = {.count = 0};
        struct buf b = {0};

        buf_puts(&b, "{");
        json_write_string(&b, names[i]);
        buf_puts(&b, ":1}");
        assert_int_equal(json_numbers(b.data, add, &m), 0);
        assert_string_equal(json_unescape(&a, m.item[0].name, strlen(m.item[0].name)), names[i]);
        buf_free(&b);
    }
    arena_free(&a);
}

static void writes_json(void **state)
{
    struct buf b = {0};

    (void)state;
    json_write_string(&b, "a\"\\\n\t\x02\xff");
    json_write_f64(&b, 0.1);
    json_write_f64(&b, NAN);
    json_write_f64(&b, -INFINITY);
    assert_string_equal(b.data, "\"a\\\"\\\\\\n\\t\\u0002\xef\xbf\xbd\"0.10000000000000001"
                                "\"nan\"\"-inf\"");
    buf_free(&b);
}

static void writes_csv(void **state)
{
    static const char *const fields[][2] = {{"plain text", "plain text"},
                                            {"", ""},
                                            {"a,b", "\"a,b\""},
                                            {"say \"a\"", "\"say \"\"a\"\"\""},
                                            {"two\nlines", "\"two\nlines\""},
                                            {"cr\r", "\"cr\r\""},
                                            {"=1+2", "'=1+2"},
                                            {"-s", "'-s"},
                                            {"+cmd|' /C calc'!A0,1", "\"'+cmd|' /C calc'!A0,1\""},
                                            {"@SUM(1)", "'@SUM(1)"},
                                            {"\t=1", "'\t=1"},
                                            {"\r=1", "\"'\r=1\""},
                                            {"'-s", "''-s"},
                                            {"'s", "'s"},
                                            {"-1.5e-3", "-1.5e-3"},
                                            {"+2", "+2"},
                                            {"-inf", "-inf"},
                                            {"'-1", "''-1"}};

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct buf b = {0};

        csv_write(&b, fields[i][0]);
        assert_string_equal(b.data, fields[i][1]);
        buf_free(&b);
    }
    assert_true(csv_is_shielded("'-s") && csv_is_shielded("''=a") && csv_is_shielded("'-1"));
    assert_false(csv_is_shielded("-s") || csv_is_shielded("'s") || csv_is_shielded("'"));
}

/* What is printed moves no cursor and turns nothing around. */
static void shows_text(void **state)
{
    static const char *const texts[][2] = {{"plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                            "plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
                                           {"a\x1b[31mb\a", "a\\x1b[31mb\\x07"},
                                           {"\tx\ny\r", "\tx\\x0ay\\x0d"},
                                           {"\xc2\x9b"
                                            "1m\x7f",
                                            "\\xc2\\x9b1m\\x7f"},
                                           {"\x9b\xff", "\\x9b\\xff"},
                                           {"\xe2\x80\xaetxt.exe", "\\xe2\\x80\\xaetxt.exe"},
                                           {"\xe2\x80", "\\xe2\\x80"}};
    struct buf b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        b.len = 0;
        utf8_show(&b, texts[i][0], strlen(texts[i][0]), "\t");
        assert_string_equal(b.data, texts[i][1]);
    }
    b.len = 0;
    utf8_show(&b, "a\0b\xe2\x82\xac", 5, "");
    assert_string_equal(b.data, "a\\x00b\\xe2\\x82");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_objects),   cmocka_unit_test(refuses_others),
        cmocka_unit_test(names_come_back), cmocka_unit_test(writes_json),
        cmocka_unit_test(writes_csv),      cmocka_unit_test(shows_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
