/* tables.c -- the store's tables: what they look like, what holds of every row, its checksum; how a
 * damaged store, or one of an earlier format (earlier.c), becomes one of this format.
 *
 * Room: core/store.  May use base and sqlite3.
 *
 * Every row ends with `sum`, tcet_sum(TABLE, COLUMNS...) of all its other columns, with their types.
 * The definitions demand the same of a row as is looked for here; SQLite does not try that on rows that this
 * program puts (sql_open), since what is bound is of these types and the rest is looked at before.
 * A store is looked at once, when it is first opened (seen.c): that each row is valid and has its sum, that what it
 * refers to is there, and that the indices say what the tables say. */
#include "store/tables.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/hash.h"

#define ROWS_OF_COLUMN "(SELECT count(*) FROM accuracy a WHERE a.column_id = accuracy_column.id)"
#define LIST(c)        "'[' || " c " || ']'"
/* Numbers from 1 with commas between them, which make a list in JSON; or nothing. */
#define LISTS(c)                                                                          \
    "(" c " = '' OR (" c " NOT GLOB '*[^0-9,]*' AND instr(',' || " c " || ',', ',,') = 0" \
    " AND instr(',' || " c ", ',0') = 0))"
#define TIME(c)       INT(c) " AND " c " >= 0"
#define OF_ARCH(c, a) "EXISTS (SELECT 1 FROM network n WHERE n.id = " c " AND n.arch = " a ")"
/* A network is not there, or is another architecture's. */
#define NO_NETWORK(table) \
    "(" table ".network IS NOT NULL AND NOT " OF_ARCH(table ".network", table ".arch") ")"
/* A value's block is not there, of another architecture or a network that is not there, or too short. */
#define NO_BLOCK                                                                            \
    "(block IS NOT NULL AND NOT EXISTS (SELECT 1 FROM value_block b WHERE b.id = block"     \
    " AND b.arch = value.arch AND (b.network IS NULL OR " OF_ARCH(                          \
        "b.network", "b.arch") ")"                                                          \
                               " AND coalesce((place + layers) * 8, 0) <= length(b.data)))" \
                               " OR (block IS NULL AND layers IS NOT NULL)"
/* Whatever was computed of an architecture ended somehow; population scores have no block. */
#define NO_OUTCOME "(block IS NOT NULL AND arch NOT IN (SELECT arch FROM outcome))"
#define RUN_SIZE                                              \
    "(CASE name WHEN 'meta' THEN (SELECT count(*) FROM meta)" \
    " WHEN 'run_arch' THEN (SELECT count(*) FROM run_arch)"   \
    " WHEN 'run_column' THEN (SELECT count(*) FROM run_column) END)"

/* Values live apart from per-layer values, so that looking for what is lacking reads little.  A value's block points at
 * the network it was computed on: a folder may hold results of one architecture under several configurations.
 * NULL stands for NaN, which SQLite cannot hold. */

/* clang-format off */
const struct form table_meta = {
    .name = "meta",
    .columns = "name, value",
    .define = "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    .end = " WITHOUT ROWID",
    .valid = TEXT("name") " AND " TEXT("value"),
    .row = "name",
    .format1 = "main.meta"};
/* hash: tcet_sum(text), by which a text is found: an index of long texts would be as large as they are. */
static const struct form arch = {
    .name = "arch",
    .columns = "id, hash, text",
    .define = "id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL",
    .index = "arch_hash ON arch(hash)",
    .valid = INT("id") " AND id > 0 AND " INT("hash") " AND " TEXT("text"),
    .lacking = "hash <> tcet_sum(text) OR EXISTS (SELECT 1 FROM arch a WHERE a.hash = arch.hash"
               " AND a.text = arch.text AND a.id < arch.id)",
    .row = "id",
    .since = 5};
const struct form table_key = {
    .name = "key",
    .columns = "id, text",
    .define = "id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE",
    .valid = INT("id") " AND id > 0 AND " TEXT("text"),
    .row = "id",
    .format1 = "main.key"};
const struct form table_run_arch = {
    .name = "run_arch",
    .columns = "ordinal, arch",
    .define = "ordinal INTEGER PRIMARY KEY, arch INTEGER NOT NULL",
    .valid = INT("ordinal") " AND ordinal >= 0 AND " INT("arch"),
    .lacking = ABSENT("arch", "arch"),
    .row = "ordinal",
    .format1 = "main.run_arch"};
const struct form table_run_column = {
    .name = "run_column",
    .columns = "ordinal, name, key, is_score, population, direction, layered",
    .define = "ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL, key INTEGER NOT NULL,"
              " is_score INTEGER, population INTEGER, direction INTEGER, layered INTEGER",
    .valid = INT("ordinal") " AND ordinal >= 0 AND " TEXT("name") " AND name <> '' AND " INT("key")
             " AND is_score IN (0, 1) AND population IN (0, 1) AND direction IN (-1, 0, 1)"
             " AND layered IN (0, 1, 2)",
    .lacking = ABSENT("key", "key"),
    .row = "ordinal",
    .format1 = "main.run_column"};
/* How many rows the run's own tables have. */
const struct form table_run_size = {
    .name = "run_size",
    .columns = "name, count",
    .define = "name TEXT PRIMARY KEY, count INTEGER NOT NULL",
    .end = " WITHOUT ROWID",
    .valid = TEXT("name") " AND " INT("count"),
    .lacking = "count IS NOT " RUN_SIZE,
    .row = "name",
    .since = 2,
    .counted = 1};
/* What is said of a layer; `layers` of a network lists the numbers of its own, "1,2,7". */
static const struct form layer_line = {
    .name = "layer_line",
    .columns = "id, name, kind, shape",
    .define = "id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, shape TEXT NOT NULL",
    .valid = INT("id") " AND id > 0 AND " TEXT("name") " AND " TEXT("kind") " AND " TEXT("shape")
             " AND instr(name || kind, char(10)) = 0",
    .row = "id",
    .since = 5};
static const struct form network = {
    .name = "network",
    .columns = "id, arch, params, macs, x_sum, w_sum, layers",
    .define = "id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, params INTEGER, macs INTEGER,"
              " x_sum REAL, w_sum REAL, layers TEXT NOT NULL",
    .index = "network_arch ON network(arch)",
    .valid = INT("id") " AND id > 0 AND " INT("arch") " AND " INT("params") " AND " INT("macs")
             " AND " REAL_OR_NULL("x_sum") " AND " REAL_OR_NULL("w_sum") " AND " TEXT("layers")
             " AND " LISTS("layers"),
    .lacking = ABSENT("arch", "arch") " OR EXISTS (SELECT 1 FROM json_each(" LIST("layers") ") j"
               " WHERE j.value NOT IN (SELECT id FROM layer_line))",
    .row = "id",
    .since = 5};
/* columns: the set of columns the outcome is about; build to total: microseconds, total 0 unknown */
static const struct form outcome = {
    .name = "outcome",
    .columns = "arch, status, message, columns, network, build, init, forward, backward, total",
    .define = "arch INTEGER PRIMARY KEY, status TEXT NOT NULL, message TEXT,"
              " columns INTEGER NOT NULL, network INTEGER, build INTEGER, init INTEGER,"
              " forward INTEGER, backward INTEGER, total INTEGER",
    .valid = INT("arch") " AND status IN ('ok', 'failed') AND " TEXT_OR_NULL("message")
             " AND " INT("columns") " AND " INT_OR_NULL("network") " AND " TIME("build") " AND " TIME("init")
             " AND " TIME("forward") " AND " TIME("backward") " AND " TIME("total"),
    .lacking = ABSENT("arch", "arch") " OR " NO_NETWORK("outcome"),
    .row = "arch",
    .since = 5};
/* value has no type, so that SQLite keeps -0.0 as it is; us: what it cost in microseconds, 0 unknown;
 * place, layers: where in its block its numbers begin, and how many there are, NULL none */
static const struct form value = {
    .name = "value",
    .columns = "arch, key, block, value, guards, us, place, layers",
    .define = "arch INTEGER, key INTEGER, block INTEGER, value, guards TEXT, us INTEGER,"
              " place INTEGER, layers INTEGER",
    .keys = "PRIMARY KEY(arch, key), ",
    .end = " WITHOUT ROWID",
    .valid = INT("arch") " AND " INT("key") " AND " INT_OR_NULL("block")
             " AND " REAL_OR_NULL("value") " AND " TEXT_OR_NULL("guards") " AND " TIME("us")
             " AND (place IS NULL AND layers IS NULL OR " INT("place") " AND place >= 0"
             " AND " INT("layers") " AND layers >= 0)",
    .lacking = ABSENT("arch", "arch") " OR " ABSENT("key", "key") " OR " NO_BLOCK " OR " NO_OUTCOME,
    .row = "arch || ',' || key",
    .since = 5};
/* What values that were put together have in common: the network that they are of; data: the numbers of their layers,
 * float64, little-endian. */
static const struct form value_block = {
    .name = "value_block",
    .columns = "id, arch, network, data",
    .define = "id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, network INTEGER, data BLOB NOT NULL",
    .valid = INT("id") " AND id > 0 AND " INT("arch") " AND " INT_OR_NULL("network")
             " AND typeof(data) = 'blob' AND length(data) % 8 = 0",
    .lacking = ABSENT("arch", "arch") " OR " NO_NETWORK("value_block")
               " OR NOT EXISTS (SELECT 1 FROM value v WHERE v.arch = value_block.arch"
               " AND v.block = value_block.id)",
    .row = "id",
    .since = 5};
/* Columns of the run's benchmark table; count: how many accuracies of it there are. */
const struct form table_accuracy_column = {
    .name = "accuracy_column",
    .columns = "id, name, table_name, table_sha256, count",
    .define = "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, table_name TEXT NOT NULL,"
              " table_sha256 TEXT NOT NULL, count INTEGER NOT NULL",
    .valid = INT("id") " AND id BETWEEN 1 AND 64 AND " TEXT("name") " AND name <> '' AND " TEXT("table_name")
             " AND " TEXT("table_sha256") " AND " INT("count"),
    .lacking = "count IS NOT " ROWS_OF_COLUMN,
    .row = "id",
    .since = 4};
/* Without a type for -0.0, as above; what the table has no value of has no row. */
const struct form table_accuracy = {
    .name = "accuracy",
    .columns = "column_id, arch, value",
    .define = "column_id INTEGER, arch INTEGER, value",
    .keys = "PRIMARY KEY(column_id, arch), ",
    .end = " WITHOUT ROWID",
    .valid = INT("column_id") " AND " INT("arch") " AND typeof(value) = 'real'",
    .lacking = ABSENT("column_id", "accuracy_column") " OR " ABSENT("arch", "arch"),
    .row = "column_id || ',' || arch",
    .since = 4};
/* clang-format on */

/* What is referred to stands first. */
static const struct form *const forms[] = {&table_meta,       &arch,
                                           &table_key,        &table_run_arch,
                                           &table_run_column, &table_run_size,
                                           &layer_line,       &network,
                                           &outcome,          &value,
                                           &value_block,      &table_accuracy_column,
                                           &table_accuracy,   NULL};

/* Byte k - 1 of number j.key of value v's, in y.data. */
#define BYTE(k)  "(instr(b.listed, substr(y.data, 8 * (v.place + j.key) + " k ", 1)) - 1)"
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
    const char *define;
} views[] = {
    {"scores",
     "SELECT a.text AS arch, c.name AS name, v.value AS value,"
     " CASE c.is_score WHEN 1 THEN 'score' ELSE 'metric' END AS kind, c.direction AS direction,"
     " n.params AS params, n.macs AS macs, v.guards AS guards, v.us / 1e6 AS seconds,"
     " r.ordinal AS ordinal"
     " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN run_column c"
     " JOIN value v ON v.arch = r.arch AND v.key = c.key"
     " LEFT JOIN outcome o ON o.arch = r.arch LEFT JOIN value_block b ON b.id = v.block"
     " LEFT JOIN network n ON n.id = coalesce(b.network, o.network)"},
    /* A float64 is m 2^(e - 1075), m its mantissa with the leading one: power.p, whose products with
     * m are exact. */
    {"layers",
     "WITH RECURSIVE power(e, p) AS (VALUES(1075, 1.0), (1074, 0.5) UNION ALL"
     " SELECT CASE WHEN e >= 1075 THEN e + 1 ELSE e - 1 END,"
     " CASE WHEN e >= 1075 THEN p * 2 ELSE p / 2 END FROM power WHERE e BETWEEN 2 AND 2046),"
     " byte(listed) AS (VALUES(x'"
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
     "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
     "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
     "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'))"
     " SELECT a.text AS arch, c.name AS metric, j.key AS layer, t.name AS name, t.kind AS kind,"
     " '[' || t.shape || ']' AS shape,"
     " CASE WHEN p.e = 2047 AND " MANTISSA " > 4503599627370496 THEN NULL" /* NaN */
     " WHEN " BYTE(
         "8") " > 127 THEN -p.p * " MANTISSA " ELSE p.p * " MANTISSA " END AS value,"
              " r.ordinal AS ordinal"
              " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN run_column c"
              " JOIN value v ON v.arch = r.arch AND v.key = c.key"
              " JOIN value_block y ON y.id = v.block JOIN network w ON w.id = y.network"
              " CROSS JOIN json_each(" LIST(
                  "w.layers") ") j JOIN layer_line t ON t.id = j.value"
                              " CROSS JOIN byte b CROSS JOIN power p"
                              " WHERE c.layered = 1 AND j.key < v.layers AND p.e = max(" EXPONENT
                              ", 1)"},
    {"accuracies",
     "SELECT a.text AS arch, c.name AS name, v.value AS value, c.table_name AS table_name,"
     " r.ordinal AS ordinal, c.table_sha256 AS table_sha256"
     " FROM run_arch r JOIN arch a ON a.id = r.arch CROSS JOIN accuracy_column c"
     " JOIN accuracy v ON v.column_id = c.id AND v.arch = r.arch"},
};

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

/* The tables of a format; of earlier ones some are later than it. */
static const struct form *const *forms_of(int format)
{
    return format < STORE_FORMAT ? tables_earlier : forms;
}

/* The format whose tables hold what a copy of a store holds: those without checksums get theirs. */
static int copied_as(int format)
{
    return format < STORE_FORMAT ? STORE_FORMAT - 1 : STORE_FORMAT;
}

/* As SQLite keeps them where `in` is "", else to be made in that database. */
static void define_one(struct buf *b, const char *in, const struct form *f)
{
    buf_printf(b, "CREATE TABLE %s%s(%s, sum INTEGER NOT NULL, %sCHECK(%s))%s;", in, f->name,
               f->define, or_nothing(f->keys), f->valid, or_nothing(f->end));
    if (f->index)
        buf_printf(b, "CREATE INDEX %s%s;", in, f->index);
}

static void define(struct buf *b, const char *in, int format)
{
    for (const struct form *const *f = forms_of(format); *f; f++) {
        if ((*f)->since <= format)
            define_one(b, in, *f);
    }
}

static void define_views(struct buf *b, const char *in)
{
    for (size_t i = 0; i < TCET_COUNT(views); i++)
        buf_printf(b, "CREATE VIEW %s%s AS %s;", in, views[i].name, views[i].define);
}

static void drop_views(struct buf *b)
{
    for (size_t i = 0; i < TCET_COUNT(views); i++)
        buf_printf(b, "DROP VIEW IF EXISTS main.%s;", views[i].name);
}

/* To make all anew, whatever its format was. */
static void drop(struct buf *b)
{
    drop_views(b);
    for (int format = STORE_FORMAT - 1; format <= STORE_FORMAT; format++) {
        for (const struct form *const *f = forms_of(format); *f; f++)
            buf_printf(b, "DROP TABLE IF EXISTS main.%s;", (*f)->name);
    }
}

char *tables_definition(int format)
{
    struct buf b = {0};

    if (format == 1)
        return mem_strdup(tables_format1);
    define(&b, "", format);
    if (format == STORE_FORMAT)
        define_views(&b, "");
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
    define(&b, "main.", STORE_FORMAT);
    define_views(&b, "main.");
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
    for (const struct form *const *all = forms_of(format); *all && !*found; all++) {
        const struct form *f = *all;
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
    for (const struct form *const *all = forms_of(format); *all && !*found; all++) {
        const struct form *f = *all;

        if (f->lacking && f->since <= format)
            TRY(find_row(s, f, f->name, f->lacking, "'what belongs to it is not there'", found,
                         err));
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
    define(b, "temp.", copied_as(format));
    for (const struct form *const *all = forms_of(format); *all; all++) {
        const struct form *f = *all;

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

static void add_prune(struct buf *b, int format)
{
    for (const struct form *const *f = forms_of(format); *f; f++) {
        if ((*f)->lacking && !(*f)->counted)
            buf_printf(b, "DELETE FROM temp.%s WHERE %s;", (*f)->name, (*f)->lacking);
    }
}

/* Nothing says which values an architecture had that failed: where any were dropped, those that failed
 * are missing. */
static void add_retry(struct buf *b, int format)
{
    const char *const tables[] = {"value", format < STORE_FORMAT ? "layer_value" : "value_block"};

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

    for (const struct form *const *f = forms_of(s->format); *f; f++) {
        if (is_copied(*f, s->format))
            buf_printf(&b, "%s(SELECT count(*) FROM %s.%s NOT INDEXED)", b.len ? " + " : "SELECT ",
                       in, (*f)->name);
    }
    st = sql_ask(s, b.data, out, err);
    buf_free(&b);
    return st;
}

/* The tables of database `in` ("main.", "temp.") that this format has no more, or otherwise, are called old_NAME. */
static void add_renaming(struct buf *b, const char *in)
{
    for (const struct form *const *f = tables_earlier; *f; f++) {
        const char *index = or_nothing((*f)->index);

        if (!(*f)->until)
            continue;
        if (*index)
            buf_printf(b, "DROP INDEX %s%.*s;", in, (int)strcspn(index, " "), index);
        buf_printf(b, "ALTER TABLE %s%s RENAME TO old_%s;", in, (*f)->name, (*f)->name);
    }
}

static void add_dropping(struct buf *b, const char *in)
{
    for (const struct form *const *f = tables_earlier; *f; f++) {
        if ((*f)->until)
            buf_printf(b, "DROP TABLE %sold_%s;", in, (*f)->name);
    }
}

/* Makes the tables of this format that those before have not, or otherwise, in a database that has the others. */
static void define_changed(struct buf *b, const char *in, int format)
{
    for (const struct form *const *f = forms; *f; f++) {
        if ((*f)->since > format)
            define_one(b, in, *f);
    }
}

/* Runs SQL with earlier_convert() in it. */
static tcet_status convert(struct store *s, struct buf *b, struct error *err)
{
    lines_forget(s);
    s->lines.loaded = 1; /* there are none */
    if (earlier_add_functions(s) != SQLITE_OK) {
        buf_free(b);
        return sql_fail(s, err);
    }
    TRY(execute(s, b, err));
    return lines_flush(s, err);
}

/* Fills this format's tables from the temporary ones. */
static tcet_status fill(struct store *s, struct error *err)
{
    struct buf b = {0};

    for (const struct form *const *f = forms; *f; f++) {
        if (s->format == STORE_FORMAT || (*f)->since < STORE_FORMAT)
            buf_printf(&b, "INSERT INTO main.%s SELECT * FROM temp.%s; DROP TABLE temp.%s;",
                       (*f)->name, (*f)->name, (*f)->name);
    }
    if (s->format == STORE_FORMAT)
        return execute(s, &b, err);
    add_renaming(&b, "temp.");
    earlier_convert(&b, "temp.old_", "main.");
    add_dropping(&b, "temp.");
    return convert(s, &b, err);
}

static tcet_status replace_tables(struct store *s, struct error *err)
{
    int64_t before, after;
    struct buf b = {0};

    TRY(sql_exec(s, "PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE", err));
    add_copy(&b, s->format);
    add_prune(&b, s->format);
    add_retry(&b, s->format);
    add_prune(&b, s->format);
    add_sizes(&b, "temp.");
    TRY(execute(s, &b, err));
    TRY(count_rows(s, "main", &before, err));
    TRY(count_rows(s, "temp", &after, err));
    s->dropped = before - after;
    drop(&b);
    define(&b, "main.", STORE_FORMAT);
    define_views(&b, "main.");
    TRY(execute(s, &b, err));
    TRY(fill(s, err));
    add_header(&b);
    buf_puts(&b, "COMMIT");
    return execute(s, &b, err);
}

/* To bring a store to this format takes its disk some three times the file more: both forms, and the log of it.  Where that
 * is not there, nothing is begun. */
static tcet_status find_room(struct store *s, struct error *err)
{
    struct statvfs disk;
    struct stat file;
    uint64_t room, needed;

    if (stat(s->path, &file) != 0 || statvfs(s->folder, &disk) != 0)
        return TCET_OK; /* SQLite says what is wrong */
    room = (uint64_t)disk.f_bavail * disk.f_frsize;
    needed = 3 * (uint64_t)file.st_size;
    if (room >= needed)
        return TCET_OK;
    return error_set(err, TCET_E_IO,
                     "%s: of format %d; to go on with it in format %d takes %" PRIu64
                     " MB of its disk meanwhile, which has no more than %" PRIu64,
                     s->path, s->format, STORE_FORMAT, needed / 1000000 + 1, room / 1000000);
}

/* A sound store of format 2 or later. */
static tcet_status convert_in_place(struct store *s, struct error *err)
{
    struct buf b = {0};

    buf_puts(&b, "BEGIN IMMEDIATE;");
    drop_views(&b);
    add_renaming(&b, "main.");
    define_changed(&b, "main.", s->format);
    define_views(&b, "main.");
    earlier_convert(&b, "main.old_", "main.");
    add_dropping(&b, "main.");
    TRY(convert(s, &b, err));
    add_header(&b);
    buf_puts(&b, "COMMIT");
    return execute(s, &b, err);
}

tcet_status tables_mend(struct store *s, struct error *err)
{
    int found;

    TRY(look(s, s->format, &found, err));
    if (s->format < STORE_FORMAT)
        TRY(find_room(s, err));
    if (!found && s->format > 1)
        return s->format == STORE_FORMAT ? TCET_OK : convert_in_place(s, err);
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
    buf_puts(&b, "PRAGMA query_only = 0;");
    if (s->format == 1) {
        add_copy(&b, 1);
        add_sizes(&b, "temp.");
        add_renaming(&b, "temp.");
        define_changed(&b, "temp.", STORE_FORMAT - 1);
        earlier_convert(&b, "temp.old_", "temp.");
        add_dropping(&b, "temp.");
    } else {
        define_changed(&b, "temp.", s->format);
        earlier_convert(&b, "main.", "temp.");
    }
    TRY(convert(s, &b, err));
    TRY(sql_exec(s, "PRAGMA query_only = 1", err));
    TRY(find_lacking(s, STORE_FORMAT, &found, err));
    return found ? TCET_E_IO : TCET_OK;
}
