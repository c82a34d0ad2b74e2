/* store_seal.h -- changes a store as somebody would who knows how its checksums are made, so that
 * what else is asked of a row can be tested.  Room: tests. */
#ifndef TEST_STORE_SEAL_H
#define TEST_STORE_SEAL_H

#include <sqlite3.h>
#include <stdlib.h>

#include "store/internal.h"

static inline void store_seal_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        abort();
}

static inline int store_seal_table(void *user, int count, char **cell, char **name)
{
    char *sql =
        sqlite3_mprintf("UPDATE %s SET sum = tcet_sum('%s', %s)", cell[0], cell[0], cell[1]);

    (void)count, (void)name;
    store_seal_run(user, sql);
    sqlite3_free(sql);
    return 0;
}

/* A connection that may break the tables' constraints. */
static inline sqlite3 *store_seal_open(const char *path)
{
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK || tables_add_sum(db) != SQLITE_OK)
        abort();
    store_seal_run(db, "PRAGMA ignore_check_constraints = 1; PRAGMA synchronous = OFF");
    return db;
}

/* Gives every row the checksum of what is in it, and the run's tables their sizes. */
static inline void store_seal(sqlite3 *db)
{
    store_seal_run(db, "UPDATE run_size SET count = CASE name"
                       " WHEN 'meta' THEN (SELECT count(*) FROM meta)"
                       " WHEN 'run_arch' THEN (SELECT count(*) FROM run_arch)"
                       " ELSE (SELECT count(*) FROM run_column) END");
    if (sqlite3_exec(db,
                     "SELECT m.name, (SELECT group_concat(c.name, ', ') FROM (SELECT name FROM"
                     " pragma_table_info(m.name) WHERE name <> 'sum' ORDER BY cid) c)"
                     " FROM sqlite_master m WHERE m.type = 'table'",
                     store_seal_table, db, NULL) != SQLITE_OK)
        abort();
}

#endif
