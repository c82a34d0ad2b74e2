/* stores.h -- sound stores, and changes of their rows by an input, for the targets that read stores
 * as tables: every change leaves a file that SQLite takes.  Room: tests/fuzz.
 *
 * An input is a list of changes, of at least five bytes each: what, table, column, row, and how many
 * bytes of it are the new content. */
#ifndef FUZZ_STORES_H
#define FUZZ_STORES_H

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "fuzz.h"
#include "store/store.h"

#include "../unit/store_seal.h"

/* A call that must succeed; `err` says why it does not. */
#define FINE(call)                             \
    do {                                       \
        if ((call) < 0) {                      \
            fprintf(stderr, "%s\n", err.text); \
            CHECK(!"it succeeds: " #call);     \
        }                                      \
    } while (0)

enum { STORE_COLUMNS = 2 };

static const struct result_column stores_columns[STORE_COLUMNS] = {
    {.name = "m", .key = "km", .direction = 1, .layered = 1},
    {.name = "s", .key = "ks", .is_score = 1, .direction = -1}};

/* What a run computes of an architecture: the same every time.  "f" fails, and has no values: which it
 * had nobody could tell. */
static inline struct result_row stores_row(const char *arch)
{
    static const struct result_layer layer = {"l", "conv", "1,2,3,3"};
    static const double layers[] = {0.5};
    static struct result_value values[STORE_COLUMNS];

    values[0] = (struct result_value){.value = *arch,
                                      .layers = layers,
                                      .layer_count = 1,
                                      .guards = {{{"g", 1}}, 1},
                                      .seconds = 1};
    values[1] = (struct result_value){.column = 1, .value = -*arch};
    return (struct result_row){.arch = arch,
                               .status = *arch == 'f' ? RESULT_FAILED : RESULT_OK,
                               .message = *arch == 'f' ? "why" : "",
                               .params = 1,
                               .macs = 2,
                               .layers = &layer,
                               .layer_count = 1,
                               .times = {.total = 0.5},
                               .values = values,
                               .value_count = *arch == 'f' ? 0 : STORE_COLUMNS};
}

/* What a table says of the same; of "b" nothing. */
static inline tcet_status stores_accuracies(struct store *s, const char *const *archs, size_t count,
                                            struct error *err)
{
    struct store_accuracy column = {.name = "acc", .table = "t", .sha256 = "0"};
    double *values = calloc(count + 1, sizeof *values);
    tcet_status st;

    CHECK(values);
    for (size_t i = 0; i < count; i++)
        values[i] = *archs[i] == 'b' ? NAN : *archs[i] - 0.5;
    column.values = values;
    st = store_set_accuracies(s, &column, 1, err);
    free(values);
    return st;
}

static inline void stores_see(void *arg, const struct store_stock *stock)
{
    (void)arg, (void)stock;
}

/* Puts what a folder lacks, as a run does. */
static inline tcet_status stores_run(struct store *s, const char *const *archs, size_t count,
                                     struct error *err)
{
    TRY(store_set_columns(s, stores_columns, STORE_COLUMNS, err));
    TRY(store_set_archs(s, archs, count, err));
    TRY(stores_accuracies(s, archs, count, err));
    TRY(store_survey(s, stores_see, NULL, NULL, err));
    for (size_t i = 0; i < count; i++) {
        uint8_t missing[STORE_COLUMNS];
        struct result_row row = stores_row(archs[i]);

        TRY(store_missing(s, i, 0, missing, err));
        if (missing[0] || missing[1])
            TRY(store_put_at(s, i, &row, err));
    }
    return TCET_OK;
}

/* A folder below fuzz_folder() with these architectures; its file's bytes, to be freed. */
static inline char *stores_make(const char *folder, const char *const *archs, size_t count,
                                const char *shard, size_t *size)
{
    char path[1024];
    char *bytes = malloc(1 << 20);
    struct store *s;
    struct error err;
    sqlite3 *db;
    FILE *f;

    CHECK(bytes);
    FINE(store_open(folder, STORE_RESUME, &s, &err));
    FINE(stores_run(s, archs, count, &err));
    FINE(store_set_meta(s, "space", "toy", &err));
    FINE(store_set_meta(s, "shard", shard, &err));
    store_close(s);
    snprintf(path, sizeof path, "%s/scores.db", folder);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK); /* small, and in one file */
    CHECK(sqlite3_exec(db, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM", NULL,
                       NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK((f = fopen(path, "rb")));
    *size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

static const struct {
    const char *name, *key, *columns[11];
} stores_tables[] = {
    {"meta", "name", {"name", "value", "sum"}},
    {"arch", "id", {"id", "hash", "text", "sum"}},
    {"key", "id", {"id", "text", "sum"}},
    {"run_arch", "ordinal", {"ordinal", "arch", "sum"}},
    {"run_column",
     "ordinal",
     {"ordinal", "name", "key", "is_score", "population", "direction", "layered", "sum"}},
    {"run_size", "name", {"name", "count", "sum"}},
    {"layer_line", "id", {"id", "name", "kind", "shape", "sum"}},
    {"network", "id", {"id", "arch", "params", "macs", "x_sum", "w_sum", "layers", "sum"}},
    {"outcome",
     "arch",
     {"arch", "status", "message", "columns", "network", "build", "init", "forward", "backward",
      "total", "sum"}},
    {"value",
     "arch, key",
     {"arch", "key", "block", "value", "guards", "us", "place", "layers", "sum"}},
    {"value_block", "id", {"id", "arch", "network", "data", "sum"}},
    {"accuracy_column", "id", {"id", "name", "table_name", "table_sha256", "count", "sum"}},
    {"accuracy", "column_id, arch", {"column_id", "arch", "value", "sum"}},
};

/* Binds the new content, in one of the ways that a column can hold something. */
static inline void stores_bind(sqlite3_stmt *stmt, int how, const uint8_t *data, size_t n)
{
    static const sqlite3_int64 edges[] = {0,         1,         -1,        2,         INT32_MAX,
                                          INT64_MAX, INT64_MIN, 1LL << 61, UINT32_MAX};
    sqlite3_int64 number = 0;
    double real = 0;

    memcpy(&number, data, n < sizeof number ? n : sizeof number);
    memcpy(&real, data, n < sizeof real ? n : sizeof real);
    switch (how) {
    case 0: sqlite3_bind_null(stmt, 1); break;
    case 1: sqlite3_bind_int64(stmt, 1, number); break;
    case 2: sqlite3_bind_int64(stmt, 1, edges[n ? data[0] % 9 : 0]); break;
    case 3: sqlite3_bind_double(stmt, 1, real); break;
    case 4: sqlite3_bind_text(stmt, 1, (const char *)data, (int)n, SQLITE_STATIC); break;
    default: sqlite3_bind_blob(stmt, 1, data, (int)n, SQLITE_STATIC);
    }
}

static inline void stores_change(sqlite3 *db, const uint8_t *head, const uint8_t *data, size_t n)
{
    size_t t = head[1] % TCET_COUNT(stores_tables), columns = 0;
    const char *table = stores_tables[t].name, *key = stores_tables[t].key, *column;
    sqlite3_stmt *stmt;
    char sql[512], row[256];

    while (columns < 11 && stores_tables[t].columns[columns])
        columns++;
    column = stores_tables[t].columns[head[2] % columns];
    snprintf(row, sizeof row, "(%s) = (SELECT %s FROM %s LIMIT 1 OFFSET %d)", key, key, table,
             head[3] % 4);
    switch (head[0] % 12) {
    case 6: snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s", table, row); break;
    case 7: /* the same of another row */
        snprintf(sql, sizeof sql,
                 "UPDATE %s SET %s = (SELECT %s FROM %s LIMIT 1 OFFSET %d) WHERE %s", table, column,
                 column, table, (head[3] + 1) % 4, row);
        break;
    case 8: /* a number beside */
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = %s + 1 WHERE %s", table, column, column, row);
        break;
    case 9: /* longer, or shorter */
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = CAST(%s || %s AS BLOB) WHERE %s", table,
                 column, column, column, row);
        break;
    case 10:
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = substr(%s, 2) WHERE %s", table, column,
                 column, row);
        break;
    case 11:
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1", table, column);
        break; /* all rows */
    default: snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1 WHERE %s", table, column, row);
    }
    CHECK(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    if (sqlite3_bind_parameter_count(stmt))
        stores_bind(stmt, head[0] % 12 == 11 ? head[3] % 6 : head[0] % 6, data, n);
    sqlite3_step(stmt); /* what the tables refuse is left out */
    sqlite3_finalize(stmt);
}

/* The file with the input's changes, and where seal is set with the checksums of what is there. */
static inline void stores_mutate(const char *path, int seal, const uint8_t *data, size_t size)
{
    sqlite3 *db = store_seal_open(path);

    CHECK(sqlite3_exec(db, "PRAGMA journal_mode = OFF; BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    for (int changes = 0; size >= 5 && changes < 16; changes++) {
        size_t n = data[4] < size - 5 ? data[4] : size - 5;

        stores_change(db, data, data + 5, n);
        data += 5 + n;
        size -= 5 + n;
    }
    if (seal)
        store_seal(db);
    CHECK(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

#endif
