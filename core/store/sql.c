/* sql.c -- the store's database: folder, lock, schema, statements, errors in words.
 *
 * Room: core/store.  May use base and sqlite3. */
#include "store/internal.h"

#include "base/folder.h"
#include "base/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 2000 };

#define LAST(table) "SELECT max(id) FROM " table
/* Several rows in one statement, but for those of which one is there.  FAIL: what fails drops the batch
 * (sql_fail), and SQLite need not keep what it would take to undo one statement alone. */
#define ADD_VALUES(rows) \
    "INSERT OR FAIL INTO value VALUES" rows " ON CONFLICT(arch, key) DO NOTHING"
#define VALUE       "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define TWICE(rows) rows ", " rows
/* The numbers of value v's layers, of its block b. */
#define LAYERED "substr(b.data, v.place * 8 + 1, v.layers * 8)"
/* What is stored again without a block keeps the one that it had, and where in it. */
#define KEPT(c)    "CASE WHEN excluded.block IS NULL THEN " c " ELSE excluded." c " END"
#define WITH_BLOCK "FROM value v JOIN value_block b ON b.id = v.block"

static const char *const statements[SQL_COUNT] = {
    [SQL_ARCH_ID] = "SELECT id FROM arch WHERE hash = ? AND text = ?",
    [SQL_ARCH_ADD] = "INSERT INTO arch VALUES(?, ?, ?, ?)",
    [SQL_ARCH_TEXT] = "SELECT text FROM arch WHERE id = ?",
    [SQL_ARCH_ALL] = "SELECT id, text FROM arch ORDER BY id",
    [SQL_ARCH_LAST] = LAST("arch"),
    [SQL_KEY_LAST] = LAST("key"),
    [SQL_BLOCK_LAST] = LAST("value_block"),
    [SQL_NETWORK_LAST] = LAST("network"),
    [SQL_KEY_ID] = "SELECT id FROM key WHERE text = ?",
    [SQL_KEY_ADD] = "INSERT INTO key VALUES(?, ?, ?)",
    [SQL_RUN_ARCHS] = "SELECT arch FROM run_arch ORDER BY ordinal",
    [SQL_RUN_TEXTS] = "SELECT a.text FROM run_arch r JOIN arch a ON a.id = r.arch"
                      " ORDER BY r.ordinal",
    [SQL_RUN_ARCH_ADD] = "INSERT OR REPLACE INTO run_arch VALUES(?, ?, ?)",
    [SQL_RUN_COLUMNS] = "SELECT c.name, k.id, k.text, c.is_score, c.population, c.direction,"
                        " c.layered FROM run_column c JOIN key k ON k.id = c.key"
                        " ORDER BY c.ordinal",
    [SQL_RUN_COLUMN_ADD] = "INSERT INTO run_column VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_RUN_SIZE_PUT] = "INSERT OR REPLACE INTO run_size SELECT ?1, n, tcet_sum('run_size', ?1, n)"
                         " FROM (SELECT CASE ?1 WHEN 'meta' THEN (SELECT count(*) FROM meta)"
                         " WHEN 'run_arch' THEN (SELECT count(*) FROM run_arch)"
                         " ELSE (SELECT count(*) FROM run_column) END AS n)",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?",
    [SQL_META_PUT] = "INSERT OR REPLACE INTO meta VALUES(?, ?, ?)",
    [SQL_META_ALL] = "SELECT name, value FROM meta ORDER BY name",
    [SQL_LINES_AFTER] = "SELECT id, name, kind, shape FROM layer_line WHERE id > ? ORDER BY id",
    [SQL_LINE_ADD] = "INSERT INTO layer_line VALUES(?, ?, ?, ?, ?)",
    [SQL_NETWORK_FIND] = "SELECT id FROM network WHERE arch = ? AND params = ? AND macs = ?"
                         " AND x_sum IS ? AND w_sum IS ? AND layers = ?",
    [SQL_NETWORK_ADD] = "INSERT INTO network VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_NETWORK_GET] = "SELECT params, macs, x_sum, w_sum, layers FROM network WHERE id = ?",
    [SQL_NETWORK_WEIGHTS] = "SELECT n.w_sum FROM run_column c"
                            " JOIN value v ON v.arch = ? AND v.key = c.key"
                            " JOIN value_block b ON b.id = v.block"
                            " JOIN network n ON n.id = b.network"
                            " WHERE n.w_sum IS NOT NULL ORDER BY c.ordinal LIMIT 1",
    [SQL_BLOCK_ADD] = "INSERT INTO value_block VALUES(?, ?, ?, ?, ?)",
    [SQL_BLOCK_NETWORK] = "SELECT network FROM value_block WHERE id = ?",
    [SQL_BLOCK_DROP] = "DELETE FROM value_block WHERE id = ? AND NOT EXISTS (SELECT 1 FROM value v"
                       " WHERE v.arch = value_block.arch AND v.block = value_block.id)",
    [SQL_VALUES_ADD] = ADD_VALUES(VALUE),
    [SQL_VALUES_ADD + 1] = ADD_VALUES(TWICE(VALUE)),
    [SQL_VALUES_ADD + 2] = ADD_VALUES(TWICE(TWICE(VALUE))),
    [SQL_VALUES_ADD + 3] = ADD_VALUES(TWICE(TWICE(TWICE(VALUE)))),
    [SQL_VALUES_ADD + 4] = ADD_VALUES(TWICE(TWICE(TWICE(TWICE(VALUE))))),
    /* What has no block, a score's place among others, leaves the one that there is. */
    [SQL_VALUE_PUT] =
        "INSERT INTO value VALUES" VALUE " ON CONFLICT(arch, key) DO UPDATE SET"
        " block = coalesce(excluded.block, block), value = excluded.value,"
        " guards = coalesce(excluded.guards, guards), us = excluded.us,"
        " place = " KEPT("place") ", layers = " KEPT(
            "layers") ","
                      " sum = tcet_sum('value', arch, key, coalesce(excluded.block, block),"
                      " excluded.value, coalesce(excluded.guards, guards), excluded.us,"
                      " " KEPT("place") ", " KEPT("layers") ")",
    [SQL_VALUE_GET] = "SELECT value, us FROM value WHERE arch = ? AND key = ?",
    [SQL_VALUE_BLOCK] = "SELECT block FROM value WHERE arch = ? AND key = ?",
    [SQL_VALUES] = "SELECT key, value, block FROM value WHERE arch = ?",
    [SQL_VALUES_FULL] = "SELECT key, value, guards, us FROM value WHERE arch = ?",
    [SQL_BLOCKS_DROP] = "DELETE FROM value_block WHERE id IN"
                        " (SELECT block FROM value WHERE key = ?1) AND NOT EXISTS (SELECT 1"
                        " FROM value v WHERE v.arch = value_block.arch"
                        " AND v.block = value_block.id AND v.key <> ?1)",
    [SQL_VALUE_DROP] = "DELETE FROM value WHERE key = ?",
    [SQL_LAYERED_GET] =
        "SELECT " LAYERED " " WITH_BLOCK " WHERE v.arch = ? AND v.key = ? AND v.layers IS NOT NULL",
    [SQL_LAYERED] =
        "SELECT v.key, " LAYERED " " WITH_BLOCK " WHERE v.arch = ? AND v.layers IS NOT NULL",
    [SQL_OUTCOME_PUT] = "INSERT INTO outcome VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        " ON CONFLICT(arch) DO UPDATE SET"
                        " status = excluded.status, message = excluded.message,"
                        " columns = excluded.columns,"
                        " network = coalesce(excluded.network, network),"
                        " build = excluded.build, init = excluded.init,"
                        " forward = excluded.forward, backward = excluded.backward,"
                        " total = excluded.total,"
                        " sum = tcet_sum('outcome', arch, excluded.status, excluded.message,"
                        " excluded.columns, coalesce(excluded.network, network), excluded.build,"
                        " excluded.init, excluded.forward, excluded.backward, excluded.total)",
    [SQL_OUTCOME_GET] = "SELECT status, message, columns, network, build, init, forward, backward,"
                        " total FROM outcome WHERE arch = ?",
    [SQL_OUTCOME_COUNT] = "SELECT count(*) FROM outcome",
    [SQL_SURVEY_OUTCOMES] = "SELECT r.ordinal, o.status, o.columns FROM run_arch r"
                            " LEFT JOIN outcome o ON o.arch = r.arch ORDER BY r.ordinal",
    [SQL_SURVEY_VALUES] = "SELECT r.ordinal, v.key, v.value FROM run_arch r"
                          " JOIN value v ON v.arch = r.arch ORDER BY r.ordinal",
    [SQL_SURVEY_COSTS] = "SELECT r.ordinal, v.key, v.value, v.us, v.guards FROM run_arch r"
                         " JOIN value v ON v.arch = r.arch ORDER BY r.ordinal",
    [SQL_FAILED_COUNT] = "SELECT count(*) FROM run_arch r JOIN outcome o ON o.arch = r.arch"
                         " WHERE o.status = 'failed' AND o.columns = ?",
    [SQL_GUARDS] = "SELECT key, guards FROM value WHERE arch = ? AND guards IS NOT NULL",
    [SQL_ACCURACY_COLUMNS] = "SELECT id, name, table_name, table_sha256 FROM accuracy_column"
                             " ORDER BY id",
    [SQL_ACCURACY_COLUMN_ADD] = "INSERT INTO accuracy_column SELECT ?1, ?2, ?3, ?4, n,"
                                " tcet_sum('accuracy_column', ?1, ?2, ?3, ?4, n)"
                                " FROM (SELECT count(*) AS n FROM accuracy WHERE column_id = ?1)",
    [SQL_ACCURACY_ADD] = "INSERT OR REPLACE INTO accuracy VALUES(?, ?, ?, ?)",
    [SQL_ACCURACY_GET] = "SELECT value FROM accuracy WHERE column_id = ? AND arch = ?",
};

/* The table into which a statement puts a row, or several; a row's sum is its last parameter. */
static const char *const puts_into[SQL_COUNT] = {
    [SQL_VALUES_ADD] = "value",
    [SQL_VALUES_ADD + 1] = "value",
    [SQL_VALUES_ADD + 2] = "value",
    [SQL_VALUES_ADD + 3] = "value",
    [SQL_VALUES_ADD + 4] = "value",
    [SQL_ARCH_ADD] = "arch",
    [SQL_KEY_ADD] = "key",
    [SQL_RUN_ARCH_ADD] = "run_arch",
    [SQL_RUN_COLUMN_ADD] = "run_column",
    [SQL_META_PUT] = "meta",
    [SQL_LINE_ADD] = "layer_line",
    [SQL_BLOCK_ADD] = "value_block",
    [SQL_NETWORK_ADD] = "network",
    [SQL_VALUE_PUT] = "value",
    [SQL_OUTCOME_PUT] = "outcome",
    [SQL_ACCURACY_ADD] = "accuracy",
};

tcet_status sql_fail(struct store *s, struct error *err)
{
    /* SQLite keeps the cause of a failed open, but not of a failed write (quota, file limit);
     * the callers clear errno, and of what it then holds only such causes are believed. */
    int left = errno == EDQUOT || errno == EFBIG || errno == ENOSPC || errno == EIO ? errno : 0;
    int rc = sqlite3_errcode(s->db), sys = sqlite3_system_errno(s->db);
    const char *path = s->path;
    tcet_status st;

    switch (rc) {
    case SQLITE_FULL:
        st = error_set(err, TCET_E_IO, "%s: no space left on the device", path);
        break;
    case SQLITE_READONLY: st = error_set(err, TCET_E_IO, "%s: not writable", path); break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        st = error_set(err, TCET_E_IO, "%s: locked by another program", path);
        break;
    case SQLITE_NOTADB: st = error_set(err, TCET_E_ARG, "%s: not a database", path); break;
    case SQLITE_CORRUPT:
        st = error_set(err, TCET_E_IO, "%s: damaged (%s)", path, sqlite3_errmsg(s->db));
        break;
    case SQLITE_NOMEM: st = error_set(err, TCET_E_MEMORY, "%s: out of memory", path); break;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        st = error_set(err, TCET_E_IO, "%s: %s", path,
                       sys    ? strerror(sys)
                       : left ? strerror(left)
                              : sqlite3_errmsg(s->db));
        break;
    default: st = error_set(err, TCET_E_IO, "%s: %s", path, sqlite3_errmsg(s->db)); break;
    }
    if (s->db && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->batch = 0;
    store_forget(s);
    return st;
}

tcet_status sql_damaged(struct store *s, const char *what, struct error *err)
{
    return error_set(err, TCET_E_IO, "%s: damaged (%s)", s->path, what);
}

tcet_status sql_exec(struct store *s, const char *text, struct error *err)
{
    errno = 0;
    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return sql_fail(s, err);
    return TCET_OK;
}

/* Binds the next argument, and goes on with the sum, where there is one. */
static int bind_one(sqlite3_stmt *stmt, int at, char type, va_list *ap, uint64_t *sum)
{
    const void *bytes;
    double number;
    int64_t i;
    size_t n;

    switch (type) {
    case 'd':
        number = va_arg(*ap, double);
        if (isnan(number))
            break;
        if (sum)
            *sum = sum_f64(*sum, number);
        return sqlite3_bind_double(stmt, at, number);
    case 't':
        bytes = va_arg(*ap, const char *);
        if (!bytes)
            break;
        n = strlen(bytes);
        if (sum)
            *sum = sum_text(*sum, bytes, n);
        return sqlite3_bind_text64(stmt, at, bytes, n, SQLITE_STATIC, SQLITE_UTF8);
    case 'b':
        bytes = va_arg(*ap, const void *);
        n = va_arg(*ap, size_t);
        if (sum)
            *sum = sum_blob(*sum, bytes, n);
        return sqlite3_bind_blob64(stmt, at, bytes, n, SQLITE_STATIC);
    default:
        i = va_arg(*ap, int64_t);
        if ((type == 'r' && !i) || (type == 'o' && i < 0))
            break;
        if (sum)
            *sum = sum_i64(*sum, i);
        return sqlite3_bind_int64(stmt, at, i);
    }
    if (sum)
        *sum = sum_nothing(*sum);
    return sqlite3_bind_null(stmt, at);
}

static tcet_status prepare(struct store *s, enum sql q, struct error *err)
{
    const char *table = puts_into[q];

    if (sqlite3_prepare_v3(s->db, statements[q], -1, SQLITE_PREPARE_PERSISTENT, &s->cached[q],
                           NULL) != SQLITE_OK)
        return sql_fail(s, err);
    if (table)
        s->row_sum[q] = sum_text(FNV_START, table, strlen(table));
    return TCET_OK;
}

/* Binds the parameters from `first` on. */
static tcet_status bind_all(struct store *s, enum sql q, int first, struct error *err,
                            const char *types, va_list *ap)
{
    int n = 0, rc = SQLITE_OK, row = puts_into[q] != NULL;
    uint64_t sum;

    if (!s->cached[q])
        TRY(prepare(s, q, err));
    sum = s->row_sum[q];
    for (; types[n] && rc == SQLITE_OK; n++)
        rc = bind_one(s->cached[q], first + n, types[n], ap, row ? &sum : NULL);
    if (rc == SQLITE_OK && row)
        rc = sqlite3_bind_int64(s->cached[q], first + n, (int64_t)sum);
    return rc == SQLITE_OK ? TCET_OK : sql_fail(s, err);
}

tcet_status sql_bind(struct store *s, enum sql q, struct error *err, const char *types, ...)
{
    tcet_status st;
    va_list ap;

    va_start(ap, types);
    st = bind_all(s, q, 1, err, types, &ap);
    va_end(ap);
    return st;
}

tcet_status sql_bind_row(struct store *s, enum sql q, size_t row, struct error *err,
                         const char *types, ...)
{
    tcet_status st;
    va_list ap;

    va_start(ap, types);
    st = bind_all(s, q, 1 + (int)(row * (strlen(types) + 1)), err, types, &ap);
    va_end(ap);
    return st;
}

tcet_status sql_step(struct store *s, enum sql q, int *have, struct error *err)
{
    int rc;

    errno = 0;
    rc = sqlite3_step(s->cached[q]);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_fail(s, err);
    *have = rc == SQLITE_ROW;
    return TCET_OK;
}

tcet_status sql_number(struct store *s, enum sql q, tcet_status st, int64_t *out, struct error *err)
{
    int have = 0;

    if (st >= 0)
        st = sql_step(s, q, &have, err);
    if (st >= 0)
        *out = have ? sql_i64(s, q, 0) : 0;
    sql_done(s, q);
    return st;
}

void sql_done(struct store *s, enum sql q)
{
    if (s->cached[q])
        sqlite3_reset(s->cached[q]);
}

tcet_status sql_run(struct store *s, enum sql q, struct error *err, const char *types, ...)
{
    tcet_status st;
    va_list ap;
    int have;

    va_start(ap, types);
    st = bind_all(s, q, 1, err, types, &ap);
    va_end(ap);
    if (st >= 0)
        st = sql_step(s, q, &have, err);
    sql_done(s, q);
    return st;
}

int64_t sql_i64(struct store *s, enum sql q, int column)
{
    return sqlite3_column_int64(s->cached[q], column);
}

double sql_f64(struct store *s, enum sql q, int column)
{
    if (sqlite3_column_type(s->cached[q], column) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(s->cached[q], column);
}

const char *sql_text(struct store *s, enum sql q, int column)
{
    const char *text = (const char *)sqlite3_column_text(s->cached[q], column);

    return text ? text : "";
}

const double *sql_f64s(struct store *s, enum sql q, int column, struct arena *a, size_t *count)
{
    const unsigned char *data = sqlite3_column_blob(s->cached[q], column);
    size_t n = (size_t)sqlite3_column_bytes(s->cached[q], column) / sizeof(double);
    double *out = arena_alloc(a, n * sizeof *out);

    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;

        for (size_t k = 0; k < sizeof bits; k++)
            bits |= (uint64_t)data[i * sizeof bits + k] << (8 * k);
        memcpy(&out[i], &bits, sizeof bits);
    }
    *count = n;
    return out;
}

tcet_status sql_ask(struct store *s, const char *text, int64_t *out, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    tcet_status st = TCET_OK;

    if (sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        st = sql_fail(s, err);
    else
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return st;
}

/* SQLite counts what it allocates, under a lock, for those who ask; nobody does. */
static void count_nothing(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static tcet_status connect_to(struct store *s, const char *file, int flags, const char *vfs,
                              const char *prepare, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t version = 0;

    pthread_once(&once, count_nothing);
    sqlite3_close(s->db);
    s->db = NULL;
    /* No lock around each call: a store is used by one thread. */
    if (sqlite3_open_v2(file, &s->db, flags | SQLITE_OPEN_NOMUTEX, vfs) != SQLITE_OK)
        return sql_fail(s, err);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (tables_add_sum(s->db) != SQLITE_OK)
        return sql_fail(s, err);
    TRY(sql_exec(s, prepare, err));
    return sql_ask(s, "PRAGMA schema_version", &version, err); /* the first real read */
}

/* "file:" and the path with what a URI gives a meaning escaped. */
static void add_uri(struct buf *b, const char *path)
{
    buf_puts(b, "file:");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if (*p == '%' || *p == '?' || *p == '#')
            buf_printf(b, "%%%02X", *p);
        else
            buf_add(b, p, 1);
    }
}

/* Opens for reading.  A WAL database wants to make files beside it even then; where it
 * cannot (read-only folder, full disk) it is read without: with the journal a killed run
 * left, by keeping its index in memory, else as a file that nobody changes. */
static tcet_status connect_reader(struct store *s, const char *file, struct error *err)
{
    struct buf name = {0};
    tcet_status st;
    struct stat info;
    int rc;

    if (stat(file, &info) != 0)
        return errno == ENOENT ? error_set(err, TCET_E_IO, "%s: no such file; %s holds no run",
                                           s->path, s->folder)
                               : error_set(err, TCET_E_IO, "%s: %s", s->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, TCET_E_ARG, "%s: is no file", s->path);
    st = connect_to(s, file, SQLITE_OPEN_READWRITE, NULL, "PRAGMA query_only = 1", err);
    if (st >= 0)
        return st;
    rc = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM;
    if (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY && rc != SQLITE_IOERR && rc != SQLITE_FULL)
        return st;
    buf_printf(&name, "%s-wal", file);
    if (stat(name.data, &info) == 0 && info.st_size > 0) {
        st = connect_to(s, file, SQLITE_OPEN_READONLY, "unix-none",
                        "PRAGMA locking_mode = EXCLUSIVE", err);
    } else {
        name.len = 0;
        add_uri(&name, file);
        buf_puts(&name, "?immutable=1");
        st = connect_to(s, name.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL,
                        "PRAGMA query_only = 1", err);
    }
    buf_free(&name);
    return st;
}

static tcet_status connect_writer(struct store *s, const char *file, struct error *err)
{
    struct stat info;

    if (stat(file, &info) == 0 && !S_ISREG(info.st_mode))
        return error_set(err, TCET_E_ARG, "%s: is no file", s->path);
    TRY(connect_to(s, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL, "", err));
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return error_set(err, TCET_E_IO, "%s: not writable", s->path);
    return TCET_OK;
}

/* Views, triggers and computed columns would run what somebody else wrote whenever a table is
 * looked at: every definition must be one of ours, and all of ours must be there.  Of earlier formats
 * the views are neither read nor kept. */
static tcet_status check_schema(struct store *s, struct error *err)
{
    const char *ours =
        s->format == STORE_FORMAT
            ? "SELECT count(*) FROM sqlite_master WHERE sql IS NOT NULL"
              " AND name NOT LIKE 'sqlite\\_%%' ESCAPE '\\'"
            : "SELECT count(*) FROM sqlite_master WHERE sql IS NOT NULL"
              " AND name NOT LIKE 'sqlite\\_%%' ESCAPE '\\'"
              " AND NOT (type = 'view' AND name IN ('scores', 'layers', 'accuracies'))";
    char *schema = tables_definition(s->format);
    int64_t foreign = 0, all = 0, made = 0;
    tcet_status st = TCET_OK;
    char *text[2];

    for (const char *p = schema; *p; p++)
        made += *p == ';';
    text[0] = sqlite3_mprintf(ours);
    text[1] = sqlite3_mprintf("%z AND instr(%Q, sql || ';') = 0", sqlite3_mprintf(ours), schema);
    free(schema);
    if (!text[0] || !text[1])
        st = error_set(err, TCET_E_MEMORY, "%s: out of memory", s->path);
    if (st >= 0)
        st = sql_ask(s, text[0], &all, err);
    if (st >= 0)
        st = sql_ask(s, text[1], &foreign, err);
    sqlite3_free(text[0]);
    sqlite3_free(text[1]);
    TRY(st);
    if (foreign)
        return error_set(err, TCET_E_ARG,
                         "%s: holds tables, views or triggers that tcet-host did not make",
                         s->path);
    return all == made ? TCET_OK : sql_damaged(s, "a table, an index or a view is not there", err);
}

/* Is it ours, and of this version?  s->format: 0 of a new file, or one killed before its tables. */
static tcet_status check_format(struct store *s, struct error *err)
{
    int64_t application = 0, version = 0, tables = 0, other = 0;

    TRY(sql_ask(s, "PRAGMA application_id", &application, err));
    TRY(sql_ask(s, "PRAGMA user_version", &version, err));
    TRY(sql_ask(s, "SELECT count(*) FROM sqlite_master", &tables, err));
    TRY(sql_ask(s, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", &other, err));
    if (other) /* SQLite would change a text that is bound, and its sum would not fit */
        return error_set(err, TCET_E_ARG, "%s: its texts are not in UTF-8", s->path);
    if (application == 0 && version == 0 && tables == 0)
        return TCET_OK;
    if (application != STORE_APPLICATION)
        return error_set(err, TCET_E_ARG, "%s: a database, but not one of tcet-host", s->path);
    if (version > STORE_FORMAT)
        return error_set(err, TCET_E_ARG,
                         "%s: made by a newer tcet-host (format %" PRId64
                         "; this one knows format %d)",
                         s->path, version, STORE_FORMAT);
    if (version < 1)
        return sql_damaged(s, "its format is no number of ours", err);
    s->format = (int)version;
    return check_schema(s, err);
}

/* A fresh run starts from nothing; a folder that holds results is somebody's work, but for what a
 * merge did not finish, where it is merged again. */
static tcet_status start_afresh(struct store *s, enum store_mode mode, struct error *err)
{
    int64_t rows = 0, half = 0;

    TRY(sql_ask(s, statements[SQL_OUTCOME_COUNT], &rows, err));
    TRY(sql_ask(s, "SELECT count(*) FROM meta WHERE name = '" STORE_MERGING "' AND value <> ''",
                &half, err));
    if (rows > 0 && mode == STORE_MERGE && !half)
        return error_set(err, TCET_E_ARG,
                         "%s holds results already (%" PRId64
                         " architectures); choose another folder to merge into",
                         s->folder, rows);
    if (rows > 0 && mode == STORE_FRESH)
        return error_set(err, TCET_E_ARG,
                         "%s holds results of an earlier run (%" PRId64
                         " architectures); use --resume to go on with it, or choose another"
                         " run.output",
                         s->folder, rows);
    return tables_make(s, err);
}

/* All of it is read as it is at one time: a run beside may bring the file to this format meanwhile. */
static tcet_status open_to_read(struct store *s, struct error *err)
{
    tcet_status st;
    int ours;

    TRY(sql_exec(s, "PRAGMA temp_store = MEMORY", err));
    TRY(store_begin_reads(s, &ours, err));
    st = check_format(s, err);
    if (st >= 0 && !s->format)
        st = error_set(err, TCET_E_ARG, "%s: holds no results yet", s->path);
    if (st >= 0)
        st = tables_check(s, err);
    st = store_end_reads(s, ours, st, err);
    if (st >= 0 && s->known && !s->sound)
        seen_add(s->path, &s->opened);
    return st;
}

tcet_status sql_open(struct store *s, enum store_mode mode, struct error *err)
{
    /* "./": a folder called "file:x" must not be taken for a URI. */
    struct buf file = {0};
    tcet_status st;

    s->reader = mode == STORE_READ;
    if (!s->reader) {
        TRY(folder_make(s->folder, err));
        TRY(folder_lock(s->folder, &s->lock, err));
    }
    buf_printf(&file, "%s%s", s->path[0] == '/' ? "" : "./", s->path);
    s->known = seen_file(s->path, &s->opened);
    s->sound = s->known && seen_before(&s->opened);
    st = s->reader ? connect_reader(s, file.data, err) : connect_writer(s, file.data, err);
    buf_free(&file);
    TRY(st);
    if (s->reader)
        return open_to_read(s, err);
    TRY(check_format(s, err));
    /* FULL: a commit is on the disk when it returns; the supervisor commits once a second. */
    TRY(sql_exec(s,
                 "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                 " PRAGMA cache_size = -16000",
                 err));
    if (!s->format)
        TRY(tables_make(s, err));
    else
        TRY(mode == STORE_RESUME ? tables_mend(s, err) : start_afresh(s, mode, err));
    /* What store.c binds is of the tables' types, and the rest it has looked at: SQLite need not try the
     * same conditions on every row. */
    TRY(sql_exec(s, "PRAGMA ignore_check_constraints = 1", err));
    s->sound = 1;
    return TCET_OK;
}

void sql_close(struct store *s)
{
    for (int q = 0; q < SQL_COUNT; q++)
        sqlite3_finalize(s->cached[q]);
    sqlite3_close(s->db);
    if (s->sound && !s->reader) {
        seen_add(s->path, NULL);
        if (s->known) /* nothing was written */
            seen_add(s->path, &s->opened);
    }
    if (s->lock >= 0)
        close(s->lock);
}
