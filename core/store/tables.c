/* tables.c -- the store's tables: what they look like, what holds of every row, its checksum; how a
 * store of an older format, or a damaged one, becomes one of this format.
 *
 * Room: core/store.  May use base and sqlite3.
 *
 * Every row ends with `sum`, tcet_sum(TABLE, COLUMNS...) of all its other columns, with their types.
 * The definitions demand the same of a row as is looked for here; SQLite does not try that on rows that this
 * program puts (sql_open), since what is bound is of these types and the rest is looked at before.
 * A store is looked at once, when it is first opened (seen.c): that each row is valid and has its sum, that what it
 * refers to is there, and that the indices say what the tables say.  Format 1 had no sums; its rows
 * are taken as they are and get theirs.  Format 2 had no views, format 3 no accuracies. */
#include "store/internal.h"

#include <string.h>

#include "base/hash.h"

/* Conditions on a column, in SQL.  A text with a zero byte would end early. */
#define INT(c)           "typeof(" c ") = 'integer'"
#define INT_OR_NULL(c)   "typeof(" c ") IN ('integer', 'null')"
#define REAL_OR_NULL(c)  "typeof(" c ") IN ('real', 'null')"
#define TEXT(c)          "typeof(" c ") = 'text' AND instr(" c ", char(0)) = 0"
#define TEXT_OR_NULL(c)  "(" c " IS NULL OR (" TEXT(c) "))"
#define ABSENT(c, table) "(" c " IS NOT NULL AND " c " NOT IN (SELECT id FROM " table "))"
#define ROWS_OF_COLUMN   "(SELECT count(*) FROM accuracy a WHERE a.column_id = accuracy_column.id)"
#define LAYERS_OF_VALUE                                    \
    "(SELECT length(l.data) / 8 FROM layer_value l WHERE " \
    "l.arch = value.arch AND l.key = value.key)"
/* Whatever was computed of an architecture ended somehow; population scores have no network. */
#define NO_OUTCOME "(network IS NOT NULL AND arch NOT IN (SELECT arch FROM outcome))"
#define RUN_SIZE                                              \
    "(CASE name WHEN 'meta' THEN (SELECT count(*) FROM meta)" \
    " WHEN 'run_arch' THEN (SELECT count(*) FROM run_arch)"   \
    " WHEN 'run_column' THEN (SELECT count(*) FROM run_column) END)"

/* One table.  Values live apart from per-layer values, so that looking for what is lacking reads
 * little.  A value points at the network it was computed on: a folder may hold results of one
 * architecture under several configurations.  NULL stands for NaN, which SQLite cannot hold. */
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
    int counted;            /* made of the other tables, never copied */
};

/* clang-format off */
static const struct form forms[] = {
    {.name = "meta",
     .columns = "name, value",
     .define = "name TEXT PRIMARY KEY, value TEXT NOT NULL",
     .end = " WITHOUT ROWID",
     .valid = TEXT("name") " AND " TEXT("value"),
     .row = "name",
     .format1 = "main.meta"},
    {.name = "arch",
     .columns = "id, text",
     .define = "id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE",
     .valid = INT("id") " AND id > 0 AND " TEXT("text"),
     .row = "id",
     .format1 = "main.arch"},
    {.name = "key",
     .columns = "id, text",
     .define = "id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE",
     .valid = INT("id") " AND id > 0 AND " TEXT("text"),
     .row = "id",
     .format1 = "main.key"},
    {.name = "run_arch",
     .columns = "ordinal, arch",
     .define = "ordinal INTEGER PRIMARY KEY, arch INTEGER NOT NULL",
     .valid = INT("ordinal") " AND ordinal >= 0 AND " INT("arch"),
     .lacking = ABSENT("arch", "arch"),
     .row = "ordinal",
     .format1 = "main.run_arch"},
    {.name = "run_column",
     .columns = "ordinal, name, key, is_score, population, direction, layered",
     .define = "ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL, key INTEGER NOT NULL,"
               " is_score INTEGER, population INTEGER, direction INTEGER, layered INTEGER",
     .valid = INT("ordinal") " AND ordinal >= 0 AND " TEXT("name") " AND name <> '' AND " INT("key")
              " AND is_score IN (0, 1) AND population IN (0, 1) AND direction IN (-1, 0, 1)"
              " AND layered IN (0, 1, 2)",
     .lacking = ABSENT("key", "key"),
     .row = "ordinal",
     .format1 = "main.run_column"},
    /* How many rows the run's own tables have. */
    {.name = "run_size",
     .columns = "name, count",
     .define = "name TEXT PRIMARY KEY, count INTEGER NOT NULL",
     .end = " WITHOUT ROWID",
     .valid = TEXT("name") " AND " INT("count"),
     .lacking = "count IS NOT " RUN_SIZE,
     .row = "name",
     .since = 2,
     .counted = 1},
    /* text: name, kind and shape of each layer, a line each */
    {.name = "layer_list",
     .columns = "id, hash, text",
     .define = "id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL",
     .index = "layer_list_hash ON layer_list(hash)",
     .valid = INT("id") " AND id > 0 AND " INT("hash") " AND " TEXT("text"),
     .row = "id",
     .format1 = "main.layer_list"},
    {.name = "network",
     .columns = "id, arch, params, macs, x_sum, w_sum, layers",
     .define = "id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, params INTEGER, macs INTEGER,"
               " x_sum REAL, w_sum REAL, layers INTEGER NOT NULL",
     .index = "network_arch ON network(arch)",
     .valid = INT("id") " AND id > 0 AND " INT("arch") " AND " INT("params") " AND " INT("macs")
              " AND " REAL_OR_NULL("x_sum") " AND " REAL_OR_NULL("w_sum") " AND " INT("layers"),
     .lacking = ABSENT("arch", "arch") " OR " ABSENT("layers", "layer_list"),
     .row = "id",
     .format1 = "main.network"},
    /* columns: the set of columns the outcome is about */
    {.name = "outcome",
     .columns = "arch, status, message, columns, network, times",
     .define = "arch INTEGER PRIMARY KEY, status TEXT NOT NULL, message TEXT,"
               " columns INTEGER NOT NULL, network INTEGER, times TEXT",
     .valid = INT("arch") " AND status IN ('ok', 'failed') AND " TEXT_OR_NULL("message")
              " AND " INT("columns") " AND " INT_OR_NULL("network") " AND " TEXT_OR_NULL("times"),
     .lacking = ABSENT("arch", "arch") " OR " ABSENT("network", "network"),
     .row = "arch",
     .format1 = "main.outcome"},
    /* value has no type, so that SQLite keeps -0.0 as it is; layers: how many numbers layer_value
     * has, NULL none */
    {.name = "value",
     .columns = "arch, key, network, value, guards, seconds, layers",
     .define = "arch INTEGER, key INTEGER, network INTEGER, value, guards TEXT, seconds REAL,"
               " layers INTEGER",
     .keys = "PRIMARY KEY(arch, key), ",
     .end = " WITHOUT ROWID",
     .valid = INT("arch") " AND " INT("key") " AND " INT_OR_NULL("network")
              " AND " REAL_OR_NULL("value") " AND " TEXT_OR_NULL("guards")
              " AND " REAL_OR_NULL("seconds") " AND " INT_OR_NULL("layers"),
     .lacking = ABSENT("arch", "arch") " OR " ABSENT("key", "key") " OR " ABSENT("network", "network")
                " OR layers IS NOT " LAYERS_OF_VALUE " OR " NO_OUTCOME,
     .row = "arch || ',' || key",
     .format1 = "(SELECT arch, key, network, value, guards, seconds, (SELECT length(l.data) / 8"
                " FROM main.layer_value l WHERE l.arch = v.arch AND l.key = v.key) AS layers"
                " FROM main.value v)"},
    /* data: float64, little-endian */
    {.name = "layer_value",
     .columns = "arch, key, data",
     .define = "arch INTEGER, key INTEGER, data BLOB NOT NULL",
     .keys = "UNIQUE(arch, key), ",
     .valid = INT("arch") " AND " INT("key") " AND typeof(data) = 'blob' AND length(data) % 8 = 0",
     .lacking = "(SELECT v.layers FROM value v WHERE v.arch = layer_value.arch"
                " AND v.key = layer_value.key) IS NULL",
     .row = "arch || ',' || key",
     .format1 = "main.layer_value"},
    /* Columns of the run's benchmark table; count: how many accuracies of it there are. */
    {.name = "accuracy_column",
     .columns = "id, name, table_name, table_sha256, count",
     .define = "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, table_name TEXT NOT NULL,"
               " table_sha256 TEXT NOT NULL, count INTEGER NOT NULL",
     .valid = INT("id") " AND id BETWEEN 1 AND 64 AND " TEXT("name") " AND name <> '' AND " TEXT("table_name")
              " AND " TEXT("table_sha256") " AND " INT("count"),
     .lacking = "count IS NOT " ROWS_OF_COLUMN,
     .row = "id",
     .since = 4},
    /* Without a type for -0.0, as above; what the table has no value of has no row. */
    {.name = "accuracy",
     .columns = "column_id, arch, value",
     .define = "column_id INTEGER, arch INTEGER, value",
     .keys = "PRIMARY KEY(column_id, arch), ",
     .end = " WITHOUT ROWID",
     .valid = INT("column_id") " AND " INT("arch") " AND typeof(value) = 'real'",
     .lacking = ABSENT("column_id", "accuracy_column") " OR " ABSENT("arch", "arch"),
     .row = "column_id || ',' || arch",
     .since = 4},
};
/* clang-format on */

enum { FORMS = sizeof forms / sizeof *forms };
_Static_assert(STORE_ACCURACIES_MAX == 64, "accuracy_column's ids");

/* A layer list's lines as a JSON array, for json_each, which is one of the few of SQLite's functions on
 * JSON that a view may use where the schema is not trusted.  None of a list that JSON cannot hold so. */
#define LINES                                                                                  \
    "CASE WHEN l.text GLOB '*[' || char(1) || '-' || char(9, 11) || '-' || char(31) || ']*'"   \
    " THEN '[]' ELSE '[\"' || replace(replace(replace(l.text, char(92), char(92) || 'u005c')," \
    " char(34), char(92) || 'u0022'), char(10), '\",\"') || '\"]' END"
#define LINE(k) "max(CASE j.key % 3 WHEN " k " THEN j.value END)"
/* Byte k - 1 of number t.n of y.data. */
#define BYTE(k)  "(instr(b.listed, substr(y.data, 8 * t.n + " k ", 1)) - 1)"
#define EXPONENT "(" BYTE("8") " % 128 * 16 + " BYTE("7") " / 16)"
#define MANTISSA                                                                                  \
    "(" BYTE("1") " + 256 * (" BYTE("2") " + 256 * (" BYTE("3") " + 256 * (" BYTE(                \
        "4") " + 256 * (" BYTE("5") " + 256 * (" BYTE("6") " + 256 * (" BYTE("7") " % 16 + 16 * " \
                                                                                  "(" EXPONENT    \
                                                                                  " > 0))))))))"

/* What other programs read, as SQLite keeps it: docs/store.md.  They use nothing but SQLite's own
 * innocuous functions.  The program itself reads the tables alone. */
static const struct {
    const char *name;
    int since; /* the first format that has it */
    const char *define;
} views[] = {
    {"scores", 3,
     "SELECT a.text AS arch, c.name AS name, v.value AS value,"
     " CASE c.is_score WHEN 1 THEN 'score' ELSE 'metric' END AS kind, c.direction AS direction,"
     " n.params AS params, n.macs AS macs, v.guards AS guards, v.seconds AS seconds,"
     " r.ordinal AS ordinal"
     " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN run_column c"
     " JOIN value v ON v.arch = r.arch AND v.key = c.key"
     " LEFT JOIN outcome o ON o.arch = r.arch"
     " LEFT JOIN network n ON n.id = coalesce(v.network, o.network)"},
    /* A float64 is m 2^(e - 1075), m its mantissa with the leading one: power.p, whose products with
     * m are exact. */
    {"layers", 3,
     "WITH RECURSIVE power(e, p) AS (VALUES(1075, 1.0), (1074, 0.5) UNION ALL"
     " SELECT CASE WHEN e >= 1075 THEN e + 1 ELSE e - 1 END,"
     " CASE WHEN e >= 1075 THEN p * 2 ELSE p / 2 END FROM power WHERE e BETWEEN 2 AND 2046),"
     " line(list, n, name, kind, shape) AS (SELECT l.id, j.key / 3, " LINE("0") ", " LINE(
         "1") ", " LINE("2") " FROM layer_list l JOIN json_each(" LINES
                             ") j GROUP BY l.id, j.key / 3),"
                             " byte(listed) AS (VALUES(x'"
                             "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                             "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                             "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
                             "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
                             "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                             "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                             "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                             "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'))"
                             " SELECT a.text AS arch, c.name AS metric, t.n AS layer, t.name AS "
                             "name, t.kind AS kind,"
                             " '[' || t.shape || ']' AS shape,"
                             " CASE WHEN p.e = 2047 AND " MANTISSA
                             " > 4503599627370496 THEN NULL" /* NaN */
                             " WHEN " BYTE(
                                 "8") " > 127 THEN -p.p * " MANTISSA " ELSE p.p * " MANTISSA
                                      " END AS value,"
                                      " r.ordinal AS ordinal"
                                      " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN "
                                      "run_column c"
                                      " JOIN value v ON v.arch = r.arch AND v.key = c.key"
                                      " JOIN layer_value y ON y.arch = v.arch AND y.key = v.key"
                                      " JOIN network w ON w.id = v.network CROSS JOIN line t CROSS "
                                      "JOIN byte b CROSS JOIN power p"
                                      " WHERE c.layered = 1 AND t.list = w.layers AND t.n < "
                                      "v.layers AND p.e = max(" EXPONENT ", 1)"},
    {"accuracies", 4,
     "SELECT a.text AS arch, c.name AS name, v.value AS value, c.table_name AS table_name,"
     " r.ordinal AS ordinal, c.table_sha256 AS table_sha256"
     " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN accuracy_column c"
     " JOIN accuracy v ON v.column_id = c.id AND v.arch = r.arch"},
};

/* Of format 1, to know them again. */
static const char format1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE arch(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE key(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE run_arch(ordinal INTEGER PRIMARY KEY, arch INTEGER NOT NULL);"
    "CREATE TABLE run_column(ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " key INTEGER NOT NULL, is_score INTEGER, population INTEGER, direction INTEGER,"
    " layered INTEGER);"
    "CREATE TABLE layer_list(id INTEGER PRIMARY KEY, hash INTEGER NOT NULL,"
    " text TEXT NOT NULL);"
    "CREATE INDEX layer_list_hash ON layer_list(hash);"
    "CREATE TABLE network(id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, params INTEGER,"
    " macs INTEGER, x_sum REAL, w_sum REAL, layers INTEGER NOT NULL);"
    "CREATE INDEX network_arch ON network(arch);"
    "CREATE TABLE value(arch INTEGER, key INTEGER, network INTEGER, value, guards TEXT,"
    " seconds REAL,"
    " PRIMARY KEY(arch, key)) WITHOUT ROWID;"
    "CREATE TABLE layer_value(arch INTEGER, key INTEGER, data BLOB NOT NULL,"
    " UNIQUE(arch, key));"
    "CREATE TABLE outcome(arch INTEGER PRIMARY KEY, status TEXT NOT NULL, message TEXT,"
    " columns INTEGER NOT NULL, network INTEGER, times TEXT);";

/* -- Checksums -------------------------------------------------------------------------- */

static uint64_t add_type(uint64_t hash, int type)
{
    unsigned char byte = (unsigned char)type;

    return fnv(hash, &byte, 1);
}

/* fnv() of the number's eight bytes, the lowest first. */
static uint64_t add_bits(uint64_t hash, uint64_t bits)
{
    for (int k = 0; k < 8; k++)
        hash = (hash ^ (bits >> 8 * k & 255)) * FNV_PRIME;
    return hash;
}

uint64_t sum_nothing(uint64_t hash)
{
    return add_type(hash, SQLITE_NULL);
}

uint64_t sum_i64(uint64_t hash, int64_t number)
{
    return add_bits(add_type(hash, SQLITE_INTEGER), (uint64_t)number);
}

uint64_t sum_f64(uint64_t hash, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    return add_bits(add_type(hash, SQLITE_FLOAT), bits);
}

static uint64_t sum_bytes(uint64_t hash, int type, const void *bytes, size_t n)
{
    return fnv(add_bits(add_type(hash, type), n), bytes, n);
}

uint64_t sum_text(uint64_t hash, const char *text, size_t n)
{
    return sum_bytes(hash, SQLITE_TEXT, text, n);
}

uint64_t sum_blob(uint64_t hash, const void *bytes, size_t n)
{
    return sum_bytes(hash, SQLITE_BLOB, bytes, n);
}

static uint64_t add_cell(uint64_t hash, sqlite3_value *v)
{
    const void *bytes = NULL;
    int type = sqlite3_value_type(v);

    switch (type) {
    case SQLITE_NULL: return sum_nothing(hash);
    case SQLITE_INTEGER: return sum_i64(hash, sqlite3_value_int64(v));
    case SQLITE_FLOAT: return sum_f64(hash, sqlite3_value_double(v));
    case SQLITE_TEXT: bytes = sqlite3_value_text(v); break;
    default: bytes = sqlite3_value_blob(v); break;
    }
    return sum_bytes(hash, type, bytes, bytes ? (size_t)sqlite3_value_bytes(v) : 0);
}

static void sum(sqlite3_context *context, int count, sqlite3_value **cells)
{
    uint64_t hash = FNV_START;

    for (int i = 0; i < count; i++)
        hash = add_cell(hash, cells[i]);
    sqlite3_result_int64(context, (sqlite3_int64)hash);
}

int tables_add_sum(sqlite3 *db)
{
    return sqlite3_create_function(db, "tcet_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                   sum, NULL, NULL);
}

/* -- Definitions ------------------------------------------------------------------------- */

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

/* What of the formats above `after` and up to `format` is new: as SQLite keeps it where `in` is "", else
 * to be made in that database. */
static void define(struct buf *b, const char *in, int after, int format)
{
    for (size_t i = 0; i < FORMS; i++) {
        const struct form *f = &forms[i];
        int since = f->since ? f->since : 1;

        if (since <= after || since > format)
            continue;
        buf_printf(b, "CREATE TABLE %s%s(%s, sum INTEGER NOT NULL, %sCHECK(%s))%s;", in, f->name,
                   f->define, or_nothing(f->keys), f->valid, or_nothing(f->end));
        if (f->index)
            buf_printf(b, "CREATE INDEX %s%s;", in, f->index);
    }
}

static void define_views(struct buf *b, const char *in, int after, int format)
{
    for (size_t i = 0; i < TCET_COUNT(views); i++) {
        if (views[i].since > after && views[i].since <= format)
            buf_printf(b, "CREATE VIEW %s%s AS %s;", in, views[i].name, views[i].define);
    }
}

/* To make all anew. */
static void drop(struct buf *b)
{
    for (size_t i = 0; i < TCET_COUNT(views); i++)
        buf_printf(b, "DROP VIEW IF EXISTS main.%s;", views[i].name);
    for (size_t i = 0; i < FORMS; i++)
        buf_printf(b, "DROP TABLE IF EXISTS main.%s;", forms[i].name);
}

char *tables_definition(int format)
{
    struct buf b = {0};

    if (format == 1)
        return mem_strdup(format1);
    define(&b, "", 0, format);
    define_views(&b, "", 0, format);
    return b.data;
}

/* The size of each of the run's own tables. */
static void add_sizes(struct buf *b, const char *in)
{
    buf_printf(b,
               "INSERT INTO %srun_size SELECT name, " RUN_SIZE
               ", tcet_sum('run_size', name, " RUN_SIZE
               ") FROM (SELECT 'meta' AS name UNION ALL SELECT 'run_arch' UNION ALL"
               " SELECT 'run_column');",
               in);
}

static void add_header(struct buf *b)
{
    buf_printf(b, "PRAGMA application_id = %d; PRAGMA user_version = %d;", STORE_APPLICATION,
               STORE_FORMAT);
}

static tcet_status execute(struct store *s, struct buf *b, struct error *err)
{
    tcet_status st = sql_exec(s, b->data, err);

    buf_free(b);
    return st;
}

tcet_status tables_make(struct store *s, struct error *err)
{
    struct buf b = {0};

    buf_puts(&b, "BEGIN IMMEDIATE;");
    drop(&b);
    define(&b, "main.", 0, STORE_FORMAT);
    define_views(&b, "main.", 0, STORE_FORMAT);
    add_sizes(&b, "main.");
    add_header(&b);
    buf_puts(&b, "COMMIT");
    return execute(s, &b, err);
}

/* -- Looking ----------------------------------------------------------------------------- */

/* The first text that a query gives, into s->scratch; *have = 0: none. */
static tcet_status ask_text(struct store *s, const char *query, int *have, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    tcet_status st = TCET_OK;
    int rc = sqlite3_prepare_v2(s->db, query, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *have = rc == SQLITE_ROW;
    s->scratch.len = 0;
    buf_puts(&s->scratch, "");
    if (rc == SQLITE_ROW)
        buf_puts(&s->scratch, or_nothing((const char *)sqlite3_column_text(stmt, 0)));
    else if (rc != SQLITE_DONE)
        st = sql_fail(s, err);
    sqlite3_finalize(stmt);
    return st;
}

/* Is there a row of `from` of which `bad` holds?  Then err says which, and what it is: an SQL text. */
static tcet_status find_row(struct store *s, const struct form *f, const char *from,
                            const char *bad, const char *what, int *found, struct error *err)
{
    struct buf query = {0};
    tcet_status st;

    *found = 0;
    buf_printf(&query,
               "SELECT 'row ' || coalesce(substr(quote(%s), 1, 60), 'NULL') || ': ' || %s"
               " FROM %s WHERE %s LIMIT 1",
               f->row, what, from, bad);
    st = ask_text(s, query.data, found, err);
    buf_free(&query);
    if (st >= 0 && *found)
        error_set(err, TCET_E_IO, "%s: damaged (table %s, %s)", s->path, f->name, s->scratch.data);
    return st;
}

static void add_invalid(struct buf *b, const struct form *f, int format)
{
    buf_printf(b, "NOT coalesce(%s, 0)", f->valid);
    if (format > 1)
        buf_printf(b, " OR sum IS NOT tcet_sum('%s', %s)", f->name, f->columns);
}

static tcet_status find_invalid(struct store *s, int format, int *found, struct error *err)
{
    *found = 0;
    for (size_t i = 0; i < FORMS && !*found; i++) {
        const struct form *f = &forms[i];
        const char *from = format == 1 ? f->format1 : f->name;
        struct buf bad = {0}, what = {0};
        tcet_status st;

        if (f->since > format)
            continue;
        add_invalid(&bad, f, format);
        buf_printf(&what,
                   "CASE WHEN coalesce(%s, 0) THEN 'its checksum does not fit'"
                   " ELSE 'not what such a row may hold' END",
                   f->valid);
        st = find_row(s, f, from, bad.data, what.data, found, err);
        buf_free(&bad);
        buf_free(&what);
        TRY(st);
    }
    return TCET_OK;
}

static tcet_status find_lacking(struct store *s, int format, int *found, struct error *err)
{
    int64_t sizes;

    TRY(sql_ask(s, "SELECT count(*) FROM run_size", &sizes, err));
    *found = sizes != 3;
    if (*found)
        (void)!sql_damaged(s, "table run_size, a row is not there", err);
    for (size_t i = 0; i < FORMS && !*found; i++) {
        if (forms[i].lacking && forms[i].since <= format)
            TRY(find_row(s, &forms[i], forms[i].name, forms[i].lacking,
                         "'what belongs to it is not there'", found, err));
    }
    return TCET_OK;
}

/* Do the pages and indices fit the tables?  What the definitions demand of rows, find_invalid() has seen. */
static tcet_status check_pages(struct store *s, int *found, struct error *err)
{
    int have;

    TRY(sql_exec(s, "PRAGMA ignore_check_constraints = 1", err));
    TRY(ask_text(s, "PRAGMA main.integrity_check(1)", &have, err));
    *found = !have || strcmp(s->scratch.data, "ok") != 0;
    TRY(sql_exec(s, "PRAGMA ignore_check_constraints = 0", err));
    return *found
               ? (error_set(err, TCET_E_IO, "%s: damaged (%s)", s->path, s->scratch.data), TCET_OK)
               : TCET_OK;
}

static tcet_status look(struct store *s, int format, int *found, struct error *err)
{
    *found = 0;
    if (s->sound)
        return TCET_OK;
    TRY(find_invalid(s, format, found, err));
    if (!*found && format > 1)
        TRY(find_lacking(s, format, found, err));
    return *found ? TCET_OK : check_pages(s, found, err);
}

/* -- Mending ----------------------------------------------------------------------------- */

/* Is the table copied, from a store of this format? */
static int is_copied(const struct form *f, int format)
{
    return !f->counted && f->since <= format;
}

/* Copies what is valid of the tables into temporary ones, which hide them; prunes what then lacks
 * something, what is referred to first. */
static void add_copy(struct buf *b, int format)
{
    define(b, "temp.", 0, STORE_FORMAT);
    for (size_t i = 0; i < FORMS; i++) {
        const struct form *f = &forms[i];

        if (!is_copied(f, format))
            continue;
        buf_printf(b, "INSERT OR IGNORE INTO temp.%s SELECT %s, tcet_sum('%s', %s) FROM ", f->name,
                   f->columns, f->name, f->columns);
        if (format == 1)
            buf_puts(b, f->format1);
        else
            buf_printf(b, "main.%s", f->name);
        buf_puts(b, " WHERE NOT (");
        add_invalid(b, f, format);
        buf_puts(b, ");");
    }
}

static void add_prune(struct buf *b)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (forms[i].lacking && !forms[i].counted)
            buf_printf(b, "DELETE FROM temp.%s WHERE %s;", forms[i].name, forms[i].lacking);
    }
}

/* Nothing says which values an architecture had that failed: where any were dropped, those that failed
 * are missing. */
static void add_retry(struct buf *b)
{
    static const char *const tables[] = {"value", "layer_value"};

    for (size_t i = 0; i < TCET_COUNT(tables); i++)
        buf_printf(b,
                   "DELETE FROM temp.outcome WHERE status = 'failed' AND (SELECT count(*) FROM"
                   " main.%s NOT INDEXED) > (SELECT count(*) FROM temp.%s);",
                   tables[i], tables[i]);
}

static tcet_status count_rows(struct store *s, const char *in, int64_t *out, struct error *err)
{
    struct buf b = {0};
    tcet_status st;

    for (size_t i = 0; i < FORMS; i++) {
        if (is_copied(&forms[i], s->format))
            buf_printf(&b, "%s(SELECT count(*) FROM %s.%s NOT INDEXED)", b.len ? " + " : "SELECT ",
                       in, forms[i].name);
    }
    st = sql_ask(s, b.data, out, err);
    buf_free(&b);
    return st;
}

static tcet_status replace_tables(struct store *s, struct error *err)
{
    int64_t before, after;
    struct buf b = {0};

    TRY(sql_exec(s, "PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE", err));
    add_copy(&b, s->format);
    add_prune(&b);
    add_retry(&b);
    add_prune(&b);
    add_sizes(&b, "temp.");
    TRY(execute(s, &b, err));
    TRY(count_rows(s, "main", &before, err));
    TRY(count_rows(s, "temp", &after, err));
    s->dropped = before - after;
    drop(&b);
    define(&b, "main.", 0, STORE_FORMAT);
    define_views(&b, "main.", 0, STORE_FORMAT);
    for (size_t i = 0; i < FORMS; i++)
        buf_printf(&b, "INSERT INTO main.%s SELECT * FROM temp.%s; DROP TABLE temp.%s;",
                   forms[i].name, forms[i].name, forms[i].name);
    add_header(&b);
    buf_puts(&b, "COMMIT");
    return execute(s, &b, err);
}

/* From format 2 on tables stay as they are, and others are added. */
static tcet_status add_newer(struct store *s, struct error *err)
{
    struct buf b = {0};

    buf_puts(&b, "BEGIN IMMEDIATE;");
    define(&b, "main.", s->format, STORE_FORMAT);
    define_views(&b, "main.", s->format, STORE_FORMAT);
    add_header(&b);
    buf_puts(&b, "COMMIT");
    return execute(s, &b, err);
}

tcet_status tables_mend(struct store *s, struct error *err)
{
    int found;

    TRY(look(s, s->format, &found, err));
    if (!found && s->format > 1)
        return s->format == STORE_FORMAT ? TCET_OK : add_newer(s, err);
    s->mended = found;
    TRY(replace_tables(s, err));
    TRY(look(s, STORE_FORMAT, &found, err));
    return found ? TCET_E_IO : TCET_OK;
}

tcet_status tables_check(struct store *s, struct error *err)
{
    struct buf b = {0};
    int found;

    TRY(look(s, s->format, &found, err));
    if (found)
        return TCET_E_IO;
    if (s->format == STORE_FORMAT)
        return TCET_OK;
    buf_puts(&b, "PRAGMA query_only = 0; PRAGMA temp_store = MEMORY; BEGIN;");
    if (s->format == 1) {
        add_copy(&b, 1);
        add_sizes(&b, "temp.");
    } else {
        define(&b, "temp.", s->format, STORE_FORMAT);
    }
    buf_puts(&b, "COMMIT; PRAGMA query_only = 1");
    TRY(execute(s, &b, err));
    if (s->format > 1)
        return TCET_OK;
    TRY(find_lacking(s, STORE_FORMAT, &found, err));
    return found ? TCET_E_IO : TCET_OK;
}
