/* fuzz_config.c -- an INI file from anywhere.  What is read survives printing and reading
 * again, and packing and unpacking.  Room: tests/fuzz. */
#include "fuzz.h"

#include <string.h>

#include "config/config.h"

static void same(const struct config *a, const struct config *b)
{
    struct buf x = {0}, y = {0};

    config_print(a, &x);
    config_print(b, &y);
    CHECK(x.len == y.len && (!x.len || !memcmp(x.data, y.data, x.len)));
    buf_free(&x);
    buf_free(&y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c, *again;
    struct buf text = {0};
    struct error err = {0};

    if (config_load(fuzz_file("input.ini", data, size), &c, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    config_print(c, &text);
    CHECK(config_load(fuzz_file("printed.ini", text.data ? text.data : "", text.len), &again,
                      &err) == TCET_OK);
    same(c, again);
    config_free(again);
    text.len = 0;
    config_pack(c, &text);
    CHECK(config_unpack(text.data, text.len, &again, &err) == TCET_OK);
    same(c, again);
    config_free(again);
    buf_free(&text);
    config_free(c);
    return 0;
}
