/* store_other.h -- a run's folder as another program sees it, by SQLite alone.  Room: tests. */
#ifndef TEST_STORE_OTHER_H
#define TEST_STORE_OTHER_H

#include <sqlite3.h>

#include "base/mem.h"

static inline sqlite3 *open_other(const char *folder, int flags)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/scores.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, flags, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return db;
}

static inline void change(const char *folder, const char *sql)
{
    sqlite3 *db = open_other(folder, SQLITE_OPEN_READWRITE);

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* All rows of a query, as "a|b|c\n"; free() it. */
static inline char *rows(const char *folder, const char *sql)
{
    sqlite3 *db = open_other(folder, SQLITE_OPEN_READWRITE);
    sqlite3_stmt *stmt;
    struct buf b = {0};
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            buf_printf(&b, "%s%s", i ? "|" : "", text ? text : "NULL");
        }
        buf_puts(&b, "\n");
    }
    if (rc != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return b.data ? b.data : mem_strdup("");
}

static inline void says(const char *folder, const char *sql, const char *want)
{
    char *got = rows(folder, sql);

    if (strcmp(got, want) != 0)
        fail_msg("%s\n%s\nwant\n%s", sql, got, want);
    free(got);
}

#endif
