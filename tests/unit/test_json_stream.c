/* test_json_stream.c -- protects the SDK's reader of JSON: what it takes and refuses is what JSON is,
 * however the bytes come in, and nothing makes it use more than it was given. */
#include <tcet/draft/json.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct source {
    const char *at;
    size_t left, step;
};

static int64_t more(void *user, char *buffer, size_t size)
{
    struct source *s = user;
    size_t n = s->step < s->left ? s->step : s->left;

    if (n > size)
        n = size;
    memcpy(buffer, s->at, n);
    s->at += n;
    s->left -= n;
    return (int64_t)n;
}

/* The events as text, then the error with its position. */
static void trace(const char *json, size_t step, char *out, size_t cap)
{
    static const char marks[] = ".{}[]nsvw";
    char text[32], buffer[8];
    struct source s = {json, strlen(json), step};
    tcet_json j = tcet_json_of(json, step ? 0 : s.left, text, sizeof text);
    size_t at = 0;
    int event;

    if (step) {
        j.read = more;
        j.user = &s;
        j.buffer = buffer;
        j.buffer_size = sizeof buffer;
    }
    do {
        event = tcet_json_next(&j);
        if (event > 0)
            at += (size_t)snprintf(out + at, cap - at, "%c%s ", marks[event],
                                   event >= TCET_JSON_NAME ? j.text : "");
    } while (event > 0 && at < cap);
    if (event < 0)
        snprintf(out + at, cap - at, "%lld:%lld: %s", (long long)j.line, (long long)j.position,
                 j.error);
    else
        snprintf(out + at, cap - at, "%c", marks[event]);
}

static void test_events(void **state)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{\"a\": [1, -2.5e+3, {}], \"b\": null}", "{ na [ v1 v-2.5e+3 { } ] nb wnull } ."},
        {" [true , false,NaN,-Infinity,0.0] ", "[ wtrue wfalse vNaN v-Infinity v0.0 ] ."},
        {"\"\\u0041\\n\\u00e9\\ud83d\\ude00\\/\"", "sA\n\xc3\xa9\xf0\x9f\x98\x80/ ."},
        {"\"\\ud83d\"", "1:8: no character's \\u escape"},
        {"\"\\ud83d\\u0041\"", "1:14: no character's \\u escape"},
        {"\"\\u0000\"", "1:8: no character's \\u escape"},
        {"\"\\x\"", "1:3: no escape of JSON"},
        {"\"a\nb\"", "1:3: a control character"},
        {"\"ab", "1:4: the string is not closed"},
        {"[1,]", "[ v1 1:4: a value is expected"},
        {"[1 2]", "[ v1 1:4: ',' or ']' is expected"},
        {"{\"a\":1,}", "{ na v1 1:8: a name in quotes is expected"},
        {"{\"a\" 1}", "{ 1:6: ':' is expected"},
        {"{a:1}", "{ 1:2: a name in quotes is expected"},
        {"[1}", "[ v1 1:3: ',' or ']' is expected"},
        {"[01]", "[ 1:4: neither a number nor true, false or null"},
        {"[1.]", "[ 1:4: neither a number nor true, false or null"},
        {"[+1]", "[ 1:4: neither a number nor true, false or null"},
        {"[tru]", "[ 1:5: neither a number nor true, false or null"},
        {"[1]\n\n x", "[ v1 ] 3:7: nothing is expected behind the value"},
        {"", "1:1: a value is expected"},
        {"[", "[ 1:2: a value is expected"},
        {"\"1234567890123456789012345678901\"", "s1234567890123456789012345678901 ."},
        {"\"12345678901234567890123456789012\"",
         "1:34: a name, string or number that is longer than any expected here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 0; step < 9; step += 1 + step) {
            char got[256];

            trace(rows[i].json, step, got, sizeof got);
            if (strcmp(got, rows[i].want) != 0)
                fail_msg("%s by %zu: \"%s\", not \"%s\"", rows[i].json, step, got, rows[i].want);
        }
}

static void test_depth(void **state)
{
    char json[2 * TCET_JSON_DEPTH + 3], got[1024];

    (void)state;
    memset(json, '[', TCET_JSON_DEPTH);
    memset(json + TCET_JSON_DEPTH, ']', TCET_JSON_DEPTH);
    json[2 * TCET_JSON_DEPTH] = '\0';
    trace(json, 0, got, sizeof got);
    assert_int_equal(got[strlen(got) - 1], '.');
    memset(json, '[', TCET_JSON_DEPTH + 1);
    trace(json, 0, got, sizeof got);
    assert_non_null(strstr(got, "65: more than 64 lists and objects within each other"));
}

static void test_skip(void **state)
{
    static const char json[] = "[{\"a\": [[1], {\"b\": \"]}\"}]}, 2, [3";
    char text[8];
    tcet_json j = tcet_json_of(json, strlen(json), text, sizeof text);

    (void)state;
    assert_int_equal(tcet_json_next(&j), TCET_JSON_LIST);
    assert_int_equal(tcet_json_skip(&j, tcet_json_next(&j)), TCET_JSON_OBJECT_END);
    assert_int_equal(tcet_json_skip(&j, tcet_json_next(&j)), TCET_JSON_NUMBER);
    assert_string_equal(j.text, "2");
    assert_int_equal(tcet_json_skip(&j, tcet_json_next(&j)), TCET_JSON_ERROR);
    assert_int_equal(tcet_json_next(&j), TCET_JSON_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_skip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
