/* table.h -- benchmark tables: trained accuracies (and anything else) by architecture.
 *
 * Room: core/table.  Stands on core/base.  Formats: CSV with quotes or TSV (by the header
 * line), optionally xz- or gzip-less plain text only; one column is named "arch" (or is the
 * first).  Lines starting with # before the header are provenance comments and kept. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "base/error.h"
#include "base/mem.h"

struct table {
    struct arena arena;
    const char *path;
    const char *comment;           /* the # lines joined, may be "" */
    size_t rows, columns;          /* columns without arch */
    const char *const *arch;       /* rows */
    const char *const *column;     /* names */
    double *values;                /* [columns][rows]; NaN where empty or not a number */
    uint32_t *slots;               /* hash of arch -> row + 1; private */
    size_t slot_count;
};

/* Reads a table.  Errors name file and line: wrong number of fields, no header, an
 * architecture twice, nothing in it. */
tcet_status table_load(const char *path, struct table **out, struct error *err);
void table_free(struct table *t);
/* Row of an architecture text, or -1. */
int64_t table_row(const struct table *t, const char *arch);
/* A column by name; the error suggests the nearest and lists all. */
tcet_status table_column(const struct table *t, const char *name, const double **values,
                         struct error *err);

#endif
