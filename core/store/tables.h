/* tables.h -- what a table of a store is: its definition, and what holds of its rows; of this format (tables.c) and of
 * earlier ones (earlier.c).
 *
 * Room: core/store, private to it. */
#ifndef CORE_STORE_TABLES_H
#define CORE_STORE_TABLES_H

#include "store/internal.h"

/* Conditions on a column, in SQL.  A text with a zero byte would end early. */
#define INT(c)           "typeof(" c ") = 'integer'"
#define INT_OR_NULL(c)   "typeof(" c ") IN ('integer', 'null')"
#define REAL_OR_NULL(c)  "typeof(" c ") IN ('real', 'null')"
#define TEXT(c)          "typeof(" c ") = 'text' AND instr(" c ", char(0)) = 0"
#define TEXT_OR_NULL(c)  "(" c " IS NULL OR (" TEXT(c) "))"
#define ABSENT(c, table) "(" c " IS NOT NULL AND " c " NOT IN (SELECT id FROM " table "))"

struct form {
    const char *name;
    const char *columns;    /* all but sum */
    const char *define;     /* the same with their types */
    const char *keys, *end; /* of the definition */
    const char *index;      /* NULL: none */
    const char *valid;      /* of every row */
    const char *lacking;    /* a row refers to what is not there; NULL: it cannot */
    const char *row;        /* what a row is called in messages */
    const char *format1;    /* where a store of format 1 has these columns */
    int since;              /* the first format that has it; 0: all have */
    int until;              /* the last one, where this one has it no more; 0: this one has it */
    int counted;            /* made of the other tables, never copied */
};

/* Tables that are as they were, in tables.c. */
extern const struct form table_meta, table_key, table_run_arch, table_run_column, table_run_size,
    table_accuracy_column, table_accuracy;
/* The tables of formats 1 to 4, those that this one has too among them; what is referred to stands first; ends with
 * NULL. */
extern const struct form *const tables_earlier[];
/* All definitions of format 1 as SQLite keeps them. */
extern const char tables_format1[];

/* SQL functions for earlier_convert(): an SQLite code. */
int earlier_add_functions(struct store *s);
/* Adds SQL that fills the tables of this format in database `to` ("main.", "temp.") from those of format 4 that it has no
 * more: `from` and the table's name. */
void earlier_convert(struct buf *b, const char *from, const char *to);

#endif
