/* fuzz_table.c -- a benchmark table.  Every architecture of what is read is found where it
 * stands, every column by its name.  Room: tests/fuzz. */
#include "fuzz.h"

#include "table/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const double *values;
    struct table *t;
    struct error err = {0};

    if (table_load(fuzz_file("table.csv", data, size), NULL, &t, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    for (size_t i = 0; i < t->rows; i++)
        CHECK(table_row(t, t->arch[i]) == (int64_t)i);
    for (size_t i = 0; i < t->columns; i++)
        table_column(t, t->column[i], &values, &err); /* an alias may hide one */
    CHECK(table_row(t, "") == -1);
    if (table_column(t, "no such", &values, &err) < 0)
        CHECK(err.text[0]);
    table_free(t);
    return 0;
}
