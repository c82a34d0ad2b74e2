/* fuzz_store.c -- a run's scores.db from anywhere, opened to read and exported.  An input that
 * begins as SQLite files do is the file; any other is a list of texts, each ended by a NUL,
 * that replace those of a sound store: what a file holds that is well formed and still not
 * ours.  Every line of the JSON export is an object.  Room: tests/fuzz. */
#include <jansson.h>
#include <sqlite3.h>
#include <string.h>

#include "fuzz.h"
#include "store/store.h"

#include "../unit/store_seal.h"

static const char *database;
static char *sound; /* bytes of a sound store */
static size_t sound_size;

static void forget(void)
{
    free(sound);
}

/* A store of two columns and two architectures. */
static void make_sound(void)
{
    static const struct result_column columns[] = {
        {.name = "m", .key = "km", .direction = 1, .layered = 1},
        {.name = "s", .key = "ks", .is_score = 1, .direction = -1}};
    static const char *const archs[] = {"a", "b"};
    static const struct result_layer layer = {"l", "conv", "1,2,3,3"};
    static const double layers[] = {0.5};
    struct result_value values[] = {
        {.value = 1, .layers = layers, .layer_count = 1, .guards = {{{"g", 1}}, 1}, .seconds = 1},
        {.column = 1, .value = 2}};
    struct result_row row = {.arch = "a",
                             .status = RESULT_OK,
                             .message = "",
                             .params = 1,
                             .macs = 2,
                             .layers = &layer,
                             .layer_count = 1,
                             .times = {.total = 0.5},
                             .values = values,
                             .value_count = 2};
    static const double trained[] = {93.5, 0.25};
    static const struct store_accuracy accuracies[] = {{"acc", "t", "0", trained},
                                                       {"val", "t", "0", trained}};
    struct store *s;
    struct error err;
    sqlite3 *db;
    FILE *f;

    CHECK(store_open(fuzz_folder(), STORE_RESUME, &s, &err) == TCET_OK);
    CHECK(store_set_columns(s, columns, 2, &err) == TCET_OK);
    CHECK(store_set_archs(s, archs, 2, &err) == TCET_OK);
    CHECK(store_put(s, &row, &err) == TCET_OK);
    row.arch = "b";
    row.status = RESULT_FAILED;
    row.value_count = 1;
    CHECK(store_put(s, &row, &err) == TCET_OK);
    CHECK(store_set_accuracies(s, accuracies, 2, &err) == TCET_OK);
    store_close(s);
    /* small, and in one file */
    CHECK(sqlite3_open(database, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM", NULL,
                       NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK((f = fopen(database, "rb")));
    sound = malloc(1 << 20);
    CHECK(sound);
    sound_size = fread(sound, 1, 1 << 20, f);
    fclose(f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    database = fuzz_file("scores.db", NULL, 0);
    fuzz_file("lock", NULL, 0);
    fuzz_file("scores.db-wal", NULL, 0);
    fuzz_file("scores.db-shm", NULL, 0);
    fuzz_file("scores.db-journal", NULL, 0);
    atexit(forget);
    make_sound();
    return 0;
}

/* The sound store with texts replaced. */
static void replace_texts(const uint8_t *data, size_t size)
{
    static const char *const updates[] = {
        "UPDATE network SET layers = ?1",
        "UPDATE value SET guards = ?1",
        "UPDATE layer_line SET shape = ?1",
        "UPDATE value_block SET data = CAST(?1 AS BLOB)",
        "UPDATE outcome SET message = ?1",
        "UPDATE outcome SET status = ?1 WHERE arch = 1",
        "UPDATE run_column SET name = ?1 WHERE ordinal = 0",
        "UPDATE arch SET text = ?1, hash = tcet_sum(?1) WHERE id = 1",
        "UPDATE value SET value = ?1",
        "UPDATE network SET params = ?1, x_sum = ?1",
        "UPDATE run_column SET layered = ?1",
        "UPDATE outcome SET network = ?1",
        "UPDATE run_arch SET arch = ?1 WHERE ordinal = 1",
        "INSERT INTO meta VALUES('space', ?1, 0)",
        "UPDATE accuracy_column SET name = ?1 WHERE id = 1",
        "UPDATE accuracy_column SET table_name = ?1, table_sha256 = ?1",
        "UPDATE OR IGNORE accuracy_column SET id = ?1",
        "UPDATE accuracy_column SET count = ?1 WHERE id = 2",
        "UPDATE accuracy SET value = ?1 WHERE arch = 1",
        "UPDATE OR IGNORE accuracy SET arch = ?1, column_id = 1",
    };
    sqlite3_stmt *stmt;
    sqlite3 *db;

    fuzz_file("scores.db", sound, sound_size);
    db = store_seal_open(database);
    sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN", NULL, NULL,
                 NULL);
    for (size_t i = 0; i < sizeof updates / sizeof *updates && size; i++) {
        const uint8_t *end = memchr(data, '\0', size);
        size_t n = end ? (size_t)(end - data) : size;

        CHECK(sqlite3_prepare_v2(db, updates[i], -1, &stmt, NULL) == SQLITE_OK);
        sqlite3_bind_text(stmt, 1, (const char *)data, (int)n, SQLITE_STATIC);
        if (n) /* an empty text leaves what there is */
            sqlite3_step(stmt);
        sqlite3_finalize(stmt);
        data += n + (end != NULL);
        size -= n + (end != NULL);
    }
    store_seal(db); /* what a checksum finds is found before all else */
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

static void see_nothing(void *arg, const struct store_stock *stock)
{
    (void)arg, (void)stock;
}

static void check_lines(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    CHECK(f);
    while ((n = getline(&line, &cap, f)) > 0) {
        json_t *object = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);

        if (!json_is_object(object))
            fputs(line, stderr);
        CHECK(json_is_object(object));
        json_decref(object);
    }
    free(line);
    fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct store_export all = {.layers = 1, .times = 1};
    struct store_summary summary;
    struct store_cost *costs;
    const struct store_accuracy *accuracies;
    struct arena a = {0};
    size_t accuracy_count;
    struct store *s;
    struct error err = {0};

    if (size >= 6 && !memcmp(data, "SQLite", 6))
        fuzz_file("scores.db", data, size);
    else
        replace_texts(data, size);
    if (store_open(fuzz_folder(), STORE_READ, &s, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    if (store_export(s, fuzz_file("out.jsonl", NULL, 0), &all, &err) == TCET_OK)
        check_lines(fuzz_file("out.jsonl", NULL, 0));
    else
        CHECK(err.text[0]);
    fuzz_file("out.layers.csv", NULL, 0);
    if (store_export(s, fuzz_file("out.csv", NULL, 0), &all, &err) < 0)
        CHECK(err.text[0]);
    for (size_t i = 0; i < store_column_count(s); i++) {
        double *values = calloc(store_arch_count(s) + 1, sizeof *values);

        CHECK(values);
        (void)!store_column_values(s, (int)i, values, &err);
        free(values);
    }
    costs = calloc(store_column_count(s) + 1, sizeof *costs);
    CHECK(costs);
    (void)!store_survey(s, see_nothing, NULL, costs, &err);
    free(costs);
    for (size_t i = 0; i < store_arch_count(s); i++)
        store_arch(s, i);
    (void)!store_accuracies(s, &a, &accuracies, &accuracy_count, &err);
    arena_free(&a);
    (void)!store_summarise(s, &summary, &err);
    store_close(s);
    return 0;
}
