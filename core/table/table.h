/* table.h -- benchmark tables: trained accuracies (and anything else) by architecture.
 *
 * Room: core/table.  Stands on core/base.  Plain text, UTF-8: TSV when the header line has a tab
 * in it, else CSV with "quoted" fields ("" is a quote; a field ends on its own line).  Spaces
 * around a field do not count.  One column is named "arch" (else it is the first).  Lines
 * starting with # before the header are provenance comments and kept; empty lines are
 * skipped. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "base/error.h"
#include "base/mem.h"

/* Read only after table_load; any thread may look things up. */
struct table {
    struct arena arena; /* names and comment */
    const char *path;
    const char *comment;       /* the # lines without their #, joined by \n; may be "" */
    size_t rows, columns;      /* columns without arch */
    const char *const *arch;   /* rows */
    const char *const *column; /* names */
    double *values;            /* [columns][rows]; NaN where empty or not a number */
    uint32_t *slots;           /* hash of arch -> row + 1; private */
    size_t slot_count;
    char *text; /* the file, where arch points into; private */
};

/* Reads a table; *out is table_free()d.  Errors name file and line: wrong number of fields, no
 * header, a column or an architecture twice, a NUL byte, an open quote, a field above 64 KiB,
 * nothing in it; and no regular file, or one above 1 GiB. */
tcet_status table_load(const char *path, struct table **out, struct error *err);
void table_free(struct table *t); /* NULL is fine */
/* Row of an architecture text, or -1. */
int64_t table_row(const struct table *t, const char *arch);
/* A column by name (rows values); the error suggests the nearest and lists all.  A comment
 * line "# alias NAME = COLUMN" gives a column a second name. */
tcet_status table_column(const struct table *t, const char *name, const double **values,
                         struct error *err);

/* Is a column measured after training, and so no proxy?  A comment line "# trained = NAME ..."
 * says which are, where test_* stands for all names that begin so; without one, none is. */
int table_is_trained(const struct table *t, const char *column);

/* Where a table is: a text with a slash, or that ends in .csv or .tsv, is a path and returned
 * as it is; another is the name of a shipped table, data_dir/tables/NAME.tsv.  *out lives in a.
 * The error lists what is shipped. */
tcet_status table_path(const char *name_or_path, const char *data_dir, struct arena *a,
                       const char **out, struct error *err);

#endif
