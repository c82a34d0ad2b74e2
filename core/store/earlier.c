/* earlier.c -- stores of formats 1 to 4: what their tables looked like, and how they become this format's.
 *
 * Room: core/store.  May use base and sqlite3.
 *
 * Format 1 had no checksums, format 2 no views, format 3 no accuracies.  Until format 4 each network had the text of all
 * its layers, each value a row of its own for its layers, and an outcome its times as JSON. */
#include "store/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define LAYERS_OF_VALUE                                    \
    "(SELECT length(l.data) / 8 FROM layer_value l WHERE " \
    "l.arch = value.arch AND l.key = value.key)"
/* Whatever was computed of an architecture ended somehow; population scores have no network. */
#define NO_OUTCOME "(network IS NOT NULL AND arch NOT IN (SELECT arch FROM outcome))"

/* clang-format off */
static const struct form arch = {
    .name = "arch",
    .columns = "id, text",
    .define = "id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE",
    .valid = INT("id") " AND id > 0 AND " TEXT("text"),
    .row = "id",
    .format1 = "main.arch",
    .until = 4};
/* text: name, kind and shape of each layer, a line each */
static const struct form layer_list = {
    .name = "layer_list",
    .columns = "id, hash, text",
    .define = "id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL",
    .index = "layer_list_hash ON layer_list(hash)",
    .valid = INT("id") " AND id > 0 AND " INT("hash") " AND " TEXT("text"),
    .row = "id",
    .format1 = "main.layer_list",
    .until = 4};
static const struct form network = {
    .name = "network",
    .columns = "id, arch, params, macs, x_sum, w_sum, layers",
    .define = "id INTEGER PRIMARY KEY, arch INTEGER NOT NULL, params INTEGER, macs INTEGER,"
              " x_sum REAL, w_sum REAL, layers INTEGER NOT NULL",
    .index = "network_arch ON network(arch)",
    .valid = INT("id") " AND id > 0 AND " INT("arch") " AND " INT("params") " AND " INT("macs")
             " AND " REAL_OR_NULL("x_sum") " AND " REAL_OR_NULL("w_sum") " AND " INT("layers"),
    .lacking = ABSENT("arch", "arch") " OR " ABSENT("layers", "layer_list"),
    .row = "id",
    .format1 = "main.network",
    .until = 4};
/* columns: the set of columns the outcome is about; times: JSON */
static const struct form outcome = {
    .name = "outcome",
    .columns = "arch, status, message, columns, network, times",
    .define = "arch INTEGER PRIMARY KEY, status TEXT NOT NULL, message TEXT,"
              " columns INTEGER NOT NULL, network INTEGER, times TEXT",
    .valid = INT("arch") " AND status IN ('ok', 'failed') AND " TEXT_OR_NULL("message")
             " AND " INT("columns") " AND " INT_OR_NULL("network") " AND " TEXT_OR_NULL("times"),
    .lacking = ABSENT("arch", "arch") " OR " ABSENT("network", "network"),
    .row = "arch",
    .format1 = "main.outcome",
    .until = 4};
/* value has no type, so that SQLite keeps -0.0 as it is; layers: how many numbers layer_value has, NULL none */
static const struct form value = {
    .name = "value",
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
               " FROM main.value v)",
    .until = 4};
/* data: float64, little-endian */
static const struct form layer_value = {
    .name = "layer_value",
    .columns = "arch, key, data",
    .define = "arch INTEGER, key INTEGER, data BLOB NOT NULL",
    .keys = "UNIQUE(arch, key), ",
    .valid = INT("arch") " AND " INT("key") " AND typeof(data) = 'blob' AND length(data) % 8 = 0",
    .lacking = "(SELECT v.layers FROM value v WHERE v.arch = layer_value.arch"
               " AND v.key = layer_value.key) IS NULL",
    .row = "arch || ',' || key",
    .format1 = "main.layer_value",
    .until = 4};
/* clang-format on */

const struct form *const tables_earlier[] = {&table_meta,       &arch,
                                             &table_key,        &table_run_arch,
                                             &table_run_column, &table_run_size,
                                             &layer_list,       &network,
                                             &outcome,          &value,
                                             &layer_value,      &table_accuracy_column,
                                             &table_accuracy,   NULL};

/* Of format 1, to know them again. */
const char tables_format1[] =
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

/* -- Conversion --------------------------------------------------------------------------- */

/* tcet_lines(text): a list's lines as their numbers; those that are new are stored by lines_flush(). */
static void list_lines(sqlite3_context *context, int count, sqlite3_value **cells)
{
    struct store *s = sqlite3_user_data(context);
    const char *given = (const char *)sqlite3_value_text(cells[0]);
    char *text = mem_strdup(given ? given : ""), *at = text;
    struct buf out = {0};
    int bad = 0;

    (void)count;
    while (*at && !bad) {
        char *part[3];
        struct result_layer layer;

        for (int k = 0; k < 3 && !bad; k++) {
            char *end = strchr(at, '\n');

            part[k] = at;
            bad = !end;
            if (end) {
                *end = '\0';
                at = end + 1;
            }
        }
        if (bad)
            break;
        layer = (struct result_layer){part[0], part[1], part[2]};
        if (out.len)
            buf_puts(&out, ",");
        bad = !shape_is_valid(layer.shape) || lines_list(&s->lines, &layer, 1, &out) != 0;
    }
    buf_puts(&out, "");
    if (bad)
        sqlite3_result_error(context, "damaged (layer list)", -1);
    else
        sqlite3_result_text(context, out.data, -1, SQLITE_TRANSIENT);
    buf_free(&out);
    free(text);
}

struct wanted {
    const char *name;
    double seconds;
};

static void take_time(void *user, const char *name, size_t length, double seconds)
{
    struct wanted *w = user;

    if (strlen(w->name) == length && !memcmp(w->name, name, length))
        w->seconds = seconds;
}

/* tcet_us(times, name): of an outcome's times one, in microseconds. */
static void one_time(sqlite3_context *context, int count, sqlite3_value **cells)
{
    const char *times = (const char *)sqlite3_value_text(cells[0]);
    struct wanted w = {.name = (const char *)sqlite3_value_text(cells[1])};

    (void)count;
    if (times && *times && json_numbers(times, take_time, &w) != 0)
        sqlite3_result_error(context, "damaged (times)", -1);
    else
        sqlite3_result_int64(context, store_us(w.seconds));
}

int earlier_add_functions(struct store *s)
{
    int rc =
        sqlite3_create_function(s->db, "tcet_lines", 1, SQLITE_UTF8, s, list_lines, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(s->db, "tcet_us", 2, SQLITE_UTF8, NULL, one_time, NULL, NULL);
    return rc;
}

#define US(name) "tcet_us(times, '" name "') AS " name
/* What a row of `columns` is with its checksum, from a query that gives them. */
#define PUT(table, columns) \
    "INSERT INTO %s" table " SELECT " columns ", tcet_sum('" table "', " columns ") FROM ("
/* Old values in order, each with what it has in a block; the blocks are numbered by `n`. */
#define OLD_VALUES                                                                         \
    "SELECT v.*, l.data, v.network IS NOT NULL OR l.data IS NOT NULL AS has,"              \
    " sum(v.network IS NOT NULL OR l.data IS NOT NULL) OVER (ORDER BY v.arch, v.key) AS n" \
    " FROM %svalue v LEFT JOIN %slayer_value l ON l.arch = v.arch AND l.key = v.key"

void earlier_convert(struct buf *b, const char *from, const char *to)
{
    buf_printf(
        b, PUT("arch", "id, hash, text") "SELECT id, tcet_sum(text) AS hash, text FROM %sarch);",
        to, from);
    buf_printf(b,
               PUT("network", "id, arch, params, macs, x_sum, w_sum, layers") //
               "SELECT n.id, n.arch, n.params, n.macs, n.x_sum, n.w_sum, tcet_lines(l.text)"
               " AS layers FROM %snetwork n JOIN %slayer_list l ON l.id = n.layers LIMIT -1);",
               to, from, from);
    buf_printf(
        b,
        PUT("outcome", "arch, status, message, columns, network, build, init, forward,"
                       " backward, total") //
        "SELECT arch, status, message, columns, network, " US("build") ", " US("init") ", " US(
            "forward") ", " US("backward") ", " US("total") " FROM %soutcome LIMIT -1);",
        to, from);
    buf_printf(b,
               PUT("value", "arch, key, block, value, guards, us, place, layers") //
               "SELECT arch, key, CASE WHEN has THEN n END AS block, value, guards,"
               " CASE WHEN seconds > 0 AND seconds < 1e9 THEN CAST(round(seconds * 1e6) AS INTEGER)"
               " ELSE 0 END AS us, CASE WHEN data IS NOT NULL THEN 0 END AS place,"
               " length(data) / 8 AS layers FROM (" OLD_VALUES "));",
               to, from, from);
    buf_printf(b,
               PUT("value_block", "id, arch, network, data") //
               "SELECT n AS id, arch, network, coalesce(data, x'') AS data FROM (" OLD_VALUES
               ") WHERE has);",
               to, from, from);
}
