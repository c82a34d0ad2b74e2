/* table.h -- benchmark tables: trained accuracies (and anything else) by architecture.
 *
 * Room: core/table.  Stands on core/base and zlib.  Plain text, as it is or in gzip, UTF-8, a byte
 * order mark or not, lines that end by \n, \r\n or \r.  Fields are apart by what stands first in the header of: tab, comma,
 * semicolon, bar, blanks; they may be "quoted" ("" is a quote; a field ends on its own line), and
 * spaces around them do not count.  The architecture is the column asked for, else the one named
 * "arch", else the first that has a name (pandas' index has none).  Lines starting with # before the
 * header are provenance comments and kept, unless the last of them is the header, as numpy's savetxt
 * writes it; empty lines are skipped.  A number beyond a double is infinite; a field that is empty,
 * nan, na, n/a, null, none, -, ? or . has no value; any other text is none that may be asked for.
 *
 * A path that ends in .json is a file of NDS: a list of entries, or {"top": [...], "mid": [...]} (top
 * first), each with a `net`, the architecture, which here stands without blanks.  Columns: test and
 * test_best, 100 less the last test_ep_top1 and less min_test_top1; params; flops.  It is read as a
 * stream, whatever its size. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "base/error.h"
#include "base/mem.h"

/* What table_load cannot tell from the file. */
enum table_duplicates {
    TABLE_DUPLICATES_AUTO, /* an error; in a .json the first */
    TABLE_DUPLICATES_ERROR,
    TABLE_DUPLICATES_MEAN,
    TABLE_DUPLICATES_FIRST
};
struct table_options {
    const char *key;                  /* name of the column of architectures; NULL: see above */
    enum table_duplicates duplicates; /* rows of one architecture */
};

/* The fields of a column that are text where a number should stand. */
struct table_text {
    size_t fields, numbers; /* how many are text, and how many numbers */
    const char *first;      /* the first that is text */
    size_t line;            /* where it stands */
};

/* Read only after table_load; any thread may look things up. */
struct table {
    struct arena arena; /* names and comment */
    const char *path;
    const char *comment;          /* the # lines without their #, joined by \n; may be "" */
    const char *key;              /* name of the column of architectures */
    size_t rows, columns;         /* columns without arch */
    enum table_duplicates rule;   /* AUTO no more */
    size_t duplicates;            /* rows that went into an earlier one */
    const char *const *arch;      /* rows */
    const char *const *column;    /* names */
    double *values;               /* [columns][rows]; NaN where there is no number */
    struct table_text *no_number; /* columns */
    uint32_t *slots;              /* hash of arch -> row + 1; private */
    size_t slot_count;
    char *text; /* the file, where arch points into; private */
};

/* Reads a table; *out is table_free()d; options may be NULL.  Errors name file and line: wrong number
 * of fields, no header, a column or an architecture twice, a NUL byte, an open quote, a field above
 * 64 KiB, more than 10,000 columns, nothing in it; and no regular file, or one above 1 GiB. */
tcet_status table_load(const char *path, const struct table_options *options, struct table **out,
                       struct error *err);
void table_free(struct table *t); /* NULL is fine */
/* Row of an architecture text, or -1. */
int64_t table_row(const struct table *t, const char *arch);

/* Rows by the canonical key of their architectures, which whoever has the space knows: for what a table
 * spells otherwise. */
struct table_keys {
    struct table_key {
        const char *key;
        size_t row;
    } * sorted;
    size_t count;
    int first; /* of several rows of a key the first counts; else their mean */
};
/* keys[rows], "" or NULL: the row has none; they live as long as *out, which is in a. */
void table_sort_keys(const struct table *t, const char *const *keys, struct arena *a,
                     struct table_keys *out);
/* How many rows count under a key: sorted[*first] and those behind it. */
size_t table_key_rows(const struct table_keys *k, const char *key, size_t *first);
/* The value of a column (values[rows]) under a key; 0: no row has it. */
int table_at_key(const struct table_keys *k, const double *values, const char *key, double *out);

/* A column by name (rows values); the error suggests the nearest and lists all, or names the first
 * line in which the column has text for a number.  A comment line "# alias NAME = COLUMN" gives a
 * column a second name. */
tcet_status table_column(const struct table *t, const char *name, const double **values,
                         struct error *err);

/* Is there a column of that name, or with it as its second one? */
int table_has(const struct table *t, const char *name);

/* Does a comment line "# WHAT = NAME ..." list the column?  test_* there stands for all names that begin
 * so.  What says which columns are measured after training ("trained"), and of which less is better
 * ("less"). */
int table_lists(const struct table *t, const char *what, const char *column);

/* Is a column measured after training, and so no proxy?  Without a line of that, none is. */
int table_is_trained(const struct table *t, const char *column);

/* "test accuracy" or "validation accuracy", as the column's name has it (test_*, *_test, val_* ...), and
 * ", predicted" where the comment's line "# COLUMN: ..." says so; NULL: the name says neither. */
const char *table_split(const struct table *t, const char *column);

/* What a comment line "# NAME = VALUE" says, in a; NULL: nothing does. */
const char *table_says(const struct table *t, const char *name, struct arena *a);

/* Names of the shipped tables, data_dir/tables/NAME.tsv and NAME.tsv.gz, sorted; they live in a. */
const char *const *table_shipped(const char *data_dir, struct arena *a, size_t *count);

/* Is a text the path of a table: has it a slash, or ends it in .csv, .tsv (with .gz or not) or .json? */
int table_is_path(const char *text);

/* Where a table is: a path as it is; another text is the name of a shipped table,
 * data_dir/tables/NAME.tsv or NAME.tsv.gz.  *out lives in a.
 * The error lists what is shipped. */
tcet_status table_path(const char *name_or_path, const char *data_dir, struct arena *a,
                       const char **out, struct error *err);

#endif
