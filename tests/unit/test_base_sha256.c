/* SHA-256 against the examples of FIPS 180-4, at every block boundary, and of files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/sha256.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* last: it makes a macro of 'fail' */

static void check(const char *text, size_t n, const char *expected)
{
    struct sha256 s;
    char hex[65];

    sha256_init(&s);
    sha256_add(&s, text, n);
    sha256_hex(&s, hex);
    assert_string_equal(hex, expected);
}

static void known_digests(void **state)
{
    char *a = mem_alloc(1000000);

    (void)state;
    check("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(a, 'a', 1000000);
    check(a, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(a);
}

/* Nothing, from nowhere, adds nothing, within a block too. */
static void nothing_adds_nothing(void **state)
{
    struct sha256 s;
    char hex[65];

    (void)state;
    sha256_init(&s);
    sha256_add(&s, NULL, 0);
    sha256_add(&s, "ab", 2);
    sha256_add(&s, NULL, 0);
    sha256_add(&s, "c", 1);
    sha256_hex(&s, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* However the bytes arrive, the digest is of all of them. */
static void pieces_do_not_matter(void **state)
{
    char data[200], whole[65], parts[65];
    struct sha256 s;

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    for (size_t n = 0; n < sizeof data; n++) {
        sha256_init(&s);
        sha256_add(&s, data, n);
        sha256_hex(&s, whole);
        sha256_init(&s);
        for (size_t at = 0, step = 1; at < n; at += step, step = step % 67 + 1)
            sha256_add(&s, data + at, at + step > n ? n - at : step);
        sha256_hex(&s, parts);
        assert_string_equal(whole, parts);
    }
}

static void files(void **state)
{
    char path[] = "/tmp/tcet-sha-XXXXXX", hex[65], message[128];
    int fd = mkstemp(path);
    struct error err;

    (void)state;
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_int_equal(sha256_file(path, 1 << 20, hex, &err), TCET_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unlink(path);
    assert_int_equal(sha256_file(path, 1 << 20, hex, &err), TCET_E_IO);
    snprintf(message, sizeof message, "%s: No such file or directory", path);
    assert_string_equal(err.text, message);
    assert_int_equal(sha256_file("/", 1 << 20, hex, &err), TCET_E_IO);
}

static void utf8(void **state)
{
    char out[16];

    (void)state;
    assert_true(utf8_line("plain\ttext \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"));
    assert_false(utf8_line("\xc3"));
    assert_false(utf8_line("\xc0\xaf"));
    assert_false(utf8_line("\xed\xa0\x80"));
    assert_false(utf8_line("\xf4\x90\x80\x80"));
    assert_false(utf8_line("two\nlines"));
    assert_false(utf8_line("\x7f"));
    assert_string_equal(utf8_clean(out, sizeof out, NULL), "");
    assert_string_equal(utf8_clean(out, sizeof out, "a\xff\n\xc3\xa9"), "a? \xc3\xa9");
    assert_string_equal(utf8_clean(out, 4, "ab\xc3\xa9"), "ab"); /* no half letters */
    assert_string_equal(utf8_clean(out, 5, "ab\xc3\xa9"), "ab\xc3\xa9");
    assert_string_equal(utf8_clean(out, 1, "ab"), "");
}

static void hints(void **state)
{
    static const char *const names[] = {"ddof", "eps"};
    char out[64];

    (void)state;
    assert_string_equal(names_hint(out, sizeof out, "keys", "dof", names, 2),
                        " (did you mean \"ddof\"? keys: ddof, eps)");
    assert_string_equal(names_hint(out, sizeof out, "keys", "zzzzzz", names, 2),
                        " (keys: ddof, eps)");
    assert_string_equal(names_hint(out, sizeof out, "keys", "x", names, 0), "");
    assert_string_equal(names_hint(out, 16, "keys", "zzzzzz", names, 2), " (keys: ddo...)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digests),
        cmocka_unit_test(nothing_adds_nothing),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(files),
        cmocka_unit_test(utf8),
        cmocka_unit_test(hints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
