/* fuzz_unpack.c -- a packed config, as a worker gets it.  What is taken packs again.
 * Room: tests/fuzz. */
#include "fuzz.h"

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c, *again;
    struct buf b = {0};
    struct error err = {0};

    if (config_unpack(data, size, &c, &err) < 0)
        return 0;
    config_print(c, &b);
    b.len = 0;
    config_pack(c, &b);
    CHECK(config_unpack(b.data, b.len, &again, &err) == TCET_OK);
    CHECK(again->key_count == c->key_count && again->section_count == c->section_count);
    config_free(again);
    config_free(c);
    buf_free(&b);
    return 0;
}
