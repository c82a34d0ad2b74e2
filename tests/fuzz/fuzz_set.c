/* fuzz_set.c -- texts of --set, one a line.  What is taken can be printed and read again.
 * Room: tests/fuzz. */
#include "fuzz.h"

#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = config_new(), *again;
    char *text = fuzz_text(data, size), *state;
    struct buf printed = {0}, reprinted = {0};
    struct error err = {0};

    for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        if (config_set(c, line, &err) < 0)
            CHECK(err.text[0]);
    }
    config_print(c, &printed);
    CHECK(config_load(fuzz_file("printed.ini", printed.data ? printed.data : "", printed.len),
                      &again, &err) == TCET_OK);
    config_print(again, &reprinted);
    CHECK(printed.len == reprinted.len &&
          (!printed.len || !memcmp(printed.data, reprinted.data, printed.len)));
    config_free(again);
    config_free(c);
    buf_free(&printed);
    buf_free(&reprinted);
    free(text);
    return 0;
}
