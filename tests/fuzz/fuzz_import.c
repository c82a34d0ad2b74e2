/* fuzz_import.c -- official files of benchmarks (first byte: which format).  What is imported is a table.
 * Room: tests/fuzz. */
#include "fuzz.h"

#include "table/import.h"
#include "table/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct import_format *f;
    struct error err = {0};
    const char *files[2], *out;
    struct table *t;
    size_t rows = 0;
    struct arena a = {0};

    if (!size)
        return 0;
    f = &IMPORT_FORMATS[*data % IMPORT_FORMAT_COUNT];
    files[0] = files[1] = arena_strdup(&a, fuzz_file("import.json", data + 1, size - 1));
    out = arena_printf(&a, "%s.tsv", files[0]);
    if (table_import(f->name, files, f->least, out, &rows, &err) < 0) {
        CHECK(err.text[0]);
    } else {
        CHECK(rows > 0);
        if (table_load(out, NULL, &t, &err) == TCET_OK) {
            CHECK(t->rows <= rows);
            table_free(t);
        } else {
            CHECK(err.text[0]);
        }
        remove(out);
    }
    arena_free(&a);
    return 0;
}
