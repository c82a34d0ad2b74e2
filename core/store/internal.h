/* internal.h -- the store's database handle: open, errors in words, cached statements; and what its
 * files share.
 *
 * Room: core/store, private to it.  The only files that call sqlite3 to open, prepare or
 * report are sql.c and this. */
#ifndef CORE_STORE_INTERNAL_H
#define CORE_STORE_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>
#include <time.h>

#include "store/store.h"

enum { SQL_SIZES = 5 }; /* of statements for several rows: 1, 2, 4, 8, 16 */
enum sql {
    SQL_ARCH_ID,
    SQL_ARCH_ADD,
    SQL_ARCH_TEXT,
    SQL_ARCH_ALL,
    SQL_ARCH_LAST, /* four together: STORE_NUMBERED */
    SQL_KEY_LAST,
    SQL_BLOCK_LAST,
    SQL_NETWORK_LAST,
    SQL_KEY_ID,
    SQL_KEY_ADD,
    SQL_RUN_ARCHS,
    SQL_RUN_TEXTS,
    SQL_RUN_ARCH_ADD,
    SQL_RUN_COLUMNS,
    SQL_RUN_COLUMN_ADD,
    SQL_RUN_SIZE_PUT,
    SQL_META_GET,
    SQL_META_PUT,
    SQL_META_ALL,
    SQL_LINES_AFTER,
    SQL_LINE_ADD,
    SQL_NETWORK_FIND,
    SQL_NETWORK_ADD,
    SQL_NETWORK_GET,
    SQL_NETWORK_WEIGHTS,
    SQL_BLOCK_ADD,
    SQL_BLOCK_NETWORK,
    SQL_BLOCK_DROP,
    SQL_VALUES_ADD, /* of one row; then of two, four ... */
    SQL_VALUE_PUT = SQL_VALUES_ADD + SQL_SIZES,
    SQL_VALUE_GET,
    SQL_VALUE_BLOCK,
    SQL_VALUES,
    SQL_VALUES_FULL,
    SQL_BLOCKS_DROP,
    SQL_VALUE_DROP,
    SQL_LAYERED_GET,
    SQL_LAYERED,
    SQL_OUTCOME_PUT,
    SQL_OUTCOME_GET,
    SQL_OUTCOME_COUNT,
    SQL_SURVEY_OUTCOMES,
    SQL_SURVEY_VALUES,
    SQL_SURVEY_COSTS,
    SQL_FAILED_COUNT,
    SQL_GUARDS,
    SQL_ACCURACY_COLUMNS,
    SQL_ACCURACY_COLUMN_ADD,
    SQL_ACCURACY_ADD,
    SQL_ACCURACY_GET,
    SQL_COUNT
};

enum { STORE_TIMES = 5 };

/* What stands in the store of one architecture, seen through the run's columns. */
struct row_view {
    enum result_status state;
    int64_t arch, network; /* ids; of the network that these values came from, 0: none known */
    uint8_t *has;          /* [columns] */
    double *value;         /* [columns], NaN where lacking */
    struct buf message;
    int64_t us[STORE_TIMES]; /* what it took, 0: unknown */
};

/* Microseconds of a row's struct result_times, in the order of its members. */
enum { STORE_TOTAL = STORE_TIMES - 1 };

/* The lines that say what layers are: lines.c. */
struct layer_lines {
    struct arena arena;
    struct result_layer *line; /* [count], in the order of their numbers */
    int64_t *id;               /* [count], ascending */
    size_t count, stored;      /* the first `stored` stand in the table */
    size_t *slot, slots;       /* by hash: index + 1, 0: none */
    int loaded;
};

enum { STORE_NUMBERED = 4 }; /* tables whose rows are numbered from 1 */
enum { STORE_FORMAT = 5, STORE_APPLICATION = 0x54434554 /* "TCET" */ };

/* What tells that a file is as it was. */
struct store_file {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed;
};

struct store {
    sqlite3 *db;
    char *folder, *path;          /* path: FOLDER/scores.db, for messages */
    int lock;                     /* file descriptor, -1: none */
    int batch;                    /* between store_begin and store_commit */
    int64_t last[STORE_NUMBERED]; /* the largest number given; 0: not known */
    sqlite3_stmt *cached[SQL_COUNT];
    uint64_t
        row_sum[SQL_COUNT]; /* of a statement that puts a row: its sum's start, the table's name */

    struct arena column_arena; /* of the next four */
    struct result_column *column;
    int64_t *column_key;
    size_t column_count;
    struct row_view view;
    int64_t column_set; /* hash of the keys that an outcome is about */

    int64_t *arch; /* ids by ordinal */
    size_t arch_count;
    int arch_open;  /* the list is of a transaction that is not yet ended */
    uint8_t *blank; /* by number of the architecture, [blank_count]: 1: nothing is stored of it */
    int64_t blank_count; /* 0: not known of any */
    int no_network;      /* there was no network at all when `blank` was made */
    struct buf arch_text, meta_text, scratch, numbers;
    struct layer_lines lines;
    int format; /* that it had when it was opened; 0: new */
    int reader; /* opened to read: what is damaged is an error, not missing */
    int sound;  /* all rows were looked at, or were before and the file is as it was */
    struct store_file opened; /* what its file was when it was opened */
    int known;                /* `opened` says so */
    int mended;               /* it was damaged when it was opened to go on */
    int64_t dropped;          /* rows that were dropped then */
};

/* Opens FOLDER/scores.db (with the lock, for the writing modes) and checks that it is a
 * store of this version; an empty one gets its tables. */
tcet_status sql_open(struct store *s, enum store_mode mode, struct error *err);
void sql_close(struct store *s);

/* The last database error in words, with the path.  Rolls an open transaction back. */
tcet_status sql_fail(struct store *s, struct error *err);
/* For what only a damaged or hand-edited file can hold. */
tcet_status sql_damaged(struct store *s, const char *what, struct error *err);
tcet_status sql_exec(struct store *s, const char *text, struct error *err);
/* One number of the database ("PRAGMA user_version"). */
tcet_status sql_ask(struct store *s, const char *text, int64_t *out, struct error *err);

/* Binds the arguments by `types`: i int64_t, r int64_t where 0 means NULL, o one where -1 does, d
 * double, t text, b bytes (const void *, size_t); and of a statement that puts a row its sum, the last
 * parameter.  Texts and bytes must live until sql_done. */
tcet_status sql_bind(struct store *s, enum sql q, struct error *err, const char *types, ...);
/* The same of row `row` of a statement that puts several. */
tcet_status sql_bind_row(struct store *s, enum sql q, size_t row, struct error *err,
                         const char *types, ...);
/* *have = 1: a row stands ready in s->cached[q]; 0: no more. */
tcet_status sql_step(struct store *s, enum sql q, int *have, struct error *err);
/* Of a statement that sql_bind has given `st`: the number that its first row begins with, 0 where there is none;
 * and ends it. */
tcet_status sql_number(struct store *s, enum sql q, tcet_status st, int64_t *out,
                       struct error *err);
/* Ends a statement: every sql_bind needs one, on failure too. */
void sql_done(struct store *s, enum sql q);
/* Bind, run to the end, done: for statements without rows. */
tcet_status sql_run(struct store *s, enum sql q, struct error *err, const char *types, ...);

/* Columns of the row that stands ready. */
int64_t sql_i64(struct store *s, enum sql q, int column);
double sql_f64(struct store *s, enum sql q, int column);       /* NULL is NaN */
const char *sql_text(struct store *s, enum sql q, int column); /* NULL is "" */

/* A blob of little-endian float64 in the arena, with how many they are. */
const double *sql_f64s(struct store *s, enum sql q, int column, struct arena *a, size_t *count);
/* The same of the row of SQL_LAYERED, for a column of the run: damaged where they are not one for each of the
 * network's `layers`.  In format 1 a column did not say whose layers it has. */
tcet_status sql_layered(struct store *s, size_t column, size_t layers, struct arena *a,
                        const double **out, size_t *count, struct error *err);

/* -- tables.c -- */

/* The SQL function tcet_sum(...): a row's checksum.  An SQLite code. */
int tables_add_sum(sqlite3 *db);
/* The same in C, cell after cell: goes on with `hash`, FNV_START before the table's name. */
uint64_t sum_nothing(uint64_t hash); /* NULL */
uint64_t sum_i64(uint64_t hash, int64_t number);
uint64_t sum_f64(uint64_t hash, double number); /* no NaN, which is NULL */
uint64_t sum_text(uint64_t hash, const char *text, size_t n);
uint64_t sum_blob(uint64_t hash, const void *bytes, size_t n);
/* All definitions of a format as SQLite keeps them, each with its semicolon, of earlier ones without views; free() it. */
char *tables_definition(int format);
/* Makes empty tables, in the place of those that are there. */
tcet_status tables_make(struct store *s, struct error *err);
/* Looks at a store opened to read: the first row that is damaged is an error.  One of an earlier format is read by a copy
 * in memory from then on. */
tcet_status tables_check(struct store *s, struct error *err);
/* Looks at a store opened to write: drops what is damaged, brings an earlier format to this one. */
tcet_status tables_mend(struct store *s, struct error *err);

/* -- lines.c -- */

/* Reads the lines that are stored and not known yet. */
tcet_status lines_load(struct store *s, struct error *err);
/* Knows none any more: after a transaction that was dropped, and at the end. */
void lines_forget(struct store *s);
/* Adds the numbers of these layers to `out`, "1,2,7", new ones where they must be; all lines are loaded.  -1: numbers are
 * used up. */
int lines_list(struct layer_lines *n, const struct result_layer *layers, size_t count,
               struct buf *out);
/* Stores the lines that lines_list() made. */
tcet_status lines_flush(struct store *s, struct error *err);
/* The layers of such a list, into out, in the arena; what is said of each stays in the cache, until lines_forget(). */
tcet_status lines_read(struct store *s, const char *list, struct arena *a, struct result_row *out,
                       struct error *err);

/* -- seen.c; any thread -- */

/* What the store's file is now; 0: it is small, or not all of it is in the file. */
int seen_file(const char *path, struct store_file *out);
/* Has this process, or one of the user's before, looked at the file as it is now? */
int seen_before(const struct store_file *f);
/* The store has been looked at, or is written, and is closed.  looked_at: what it was before, nothing is noted
 * where it is no more; NULL: it was written, which only this process need not look at.  Waits some 20 ms
 * where the file has just changed. */
void seen_add(const char *path, const struct store_file *looked_at);

/* -- store.c -- */

/* What is put between these is one transaction: the open batch's, or its own.  store_leave gives st, or
 * why it could not commit. */
tcet_status store_enter(struct store *s, struct error *err);
tcet_status store_leave(struct store *s, tcet_status st, struct error *err);
/* The same of many reads: outside of a transaction each takes the file's locks.  *ours: it was begun here. */
tcet_status store_begin_reads(struct store *s, int *ours, struct error *err);
tcet_status store_end_reads(struct store *s, int ours, tcet_status st, struct error *err);

/* Microseconds, as times are stored; what no clock gives is 0. */
int64_t store_us(double seconds);
/* After a transaction that was dropped: its list of architectures is none. */
void store_forget(struct store *s);
/* Is it known (store_survey) that an architecture has neither outcome nor values? */
int store_is_blank(const struct store *s, int64_t arch);
/* Something is to be stored of it. */
void store_note_put(struct store *s, int64_t arch);
/* Fills s->view for one architecture. */
tcet_status store_look(struct store *s, int64_t arch, struct error *err);
/* The state of an architecture with these values, has[columns]: `have` an outcome, `same`: of the run's
 * columns, `ok`: it did not fail. */
tcet_status store_judge(struct store *s, int have, int same, int ok, const uint8_t *has,
                        enum result_status *out, struct error *err);
/* The network of the architecture that is in s->view, into out, with its layers in the arena; of a
 * row without one -1, NaN and no layers.  a NULL: without layers. */
tcet_status store_network(struct store *s, struct arena *a, struct result_row *out,
                          struct error *err);
/* 1 for a layer's shape, "16,3,3,3": whole numbers as JSON has them, or nothing. */
int shape_is_valid(const char *text);

#endif
