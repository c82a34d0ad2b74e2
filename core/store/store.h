/* store.h -- the results of a run: one SQLite file in the run's folder.
 *
 * Room: core/store.  Stands on core/result, core/base and sqlite3.  Knows metrics and scores as columns
 * with a key, nothing of plugins.  One writer at a time: the supervisor.
 *
 * FOLDER/scores.db   the tables of tables.c, WAL journal
 * FOLDER/lock        held by the writing process, its pid inside
 * FOLDER/config.ini  the resolved config
 * FOLDER/scores.csv|jsonl  exports asked for
 *
 * A column is a metric or a score.  Its key is the canonical text of everything that
 * determines its values (space, task, data identity, seeds, pass, parameters, plugin
 * files' SHA-256, backend version); a value is stored once per (architecture, key), so a
 * second run with one more metric computes only what is lacking.
 *
 * Every row has a checksum (tables.c); opening a store that has changed looks at all of it, and
 * what is damaged is an error that names the folder, the table and the row.
 *
 * A committed row outlives a kill of the process and a loss of power.  A store is used by
 * one thread; it must not be touched in a forked child.  After a database error (disk
 * full ...) an open batch is gone, what was committed before stays. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "base/error.h"
#include "result/result.h"

struct store;

/* The fact that a merge into the folder is not finished: "1". */
#define STORE_MERGING "merging"

enum store_mode {
    STORE_FRESH,  /* create (parents too); a folder that holds results is refused (the message
                     says --resume) */
    STORE_RESUME, /* create or go on; missing, empty or half-made folders are started; rows that
                     are damaged are dropped (store_dropped), so that they are missing */
    STORE_MERGE,  /* as FRESH; a folder that an unfinished merge left is begun anew */
    STORE_READ    /* export, correlate: read only; must exist.  Takes no lock: works beside a
                     run, and in folders that cannot be written */
};

/* Opens FOLDER/scores.db.  FRESH and RESUME take a lock that dies with the process (a
 * second run is refused, naming the pid that holds it).  Errors name the path and the cause:
 * not writable, disk full, not a store, made by a newer version. */
tcet_status store_open(const char *folder, enum store_mode mode, struct store **out,
                       struct error *err);
/* Was a store damaged that was opened to go on?  *rows: how many did not fit their checksum or
 * lacked what they refer to, and were dropped. */
int store_was_damaged(const struct store *s, int64_t *rows);
/* Drops a batch that was not committed.  NULL is fine. */
void store_close(struct store *s);

/* The run's columns, in config order (what a plan alone has of them is not kept); replaces the
 * current set, keeps stored values but those of population columns, which the run puts anew.
 * Names must differ; two columns may share a key, and with it the values.  Column i of the calls
 * below is i-th here. */
tcet_status store_set_columns(struct store *s, const struct result_column *columns, size_t count,
                              struct error *err);
/* The run's architectures: `arch` is the input line byte for byte, ordinal its place.
 * Replaces the list, keeps what is stored of others; a line may stand in it twice. */
tcet_status store_set_archs(struct store *s, const char *const *arch, size_t count,
                            struct error *err);
/* Free-text facts (provenance): "space", "data", "backend", "seed", "config" ... */
tcet_status store_set_meta(struct store *s, const char *name, const char *value, struct error *err);
/* NULL when absent; lives until the next call. */
const char *store_meta(struct store *s, const char *name);

/* Commits one row (in a transaction of its own, or the open batch's): values are merged
 * into what is stored of this architecture; a failed row keeps stored values.  Guards are kept a
 * value, so that adding a metric later merges.  A bad row (TCET_E_ARG) changes nothing, and leaves
 * an open batch as it was. */
tcet_status store_put(struct store *s, const struct result_row *row, struct error *err);
/* The same of the architecture at an ordinal, as the row says too: its text need not be looked for. */
tcet_status store_put_at(struct store *s, size_t ordinal, const struct result_row *row,
                         struct error *err);
/* Rows put between begin and commit become durable together; killed in between, none is.
 * The supervisor commits at least once a second. */
tcet_status store_begin(struct store *s, struct error *err);
tcet_status store_commit(struct store *s, struct error *err);

/* Which of the run's columns (population ones excluded) the architecture at an ordinal lacks:
 * missing[count], 1 = lacking.  A row recorded as failed lacks nothing unless retry is set, or the columns'
 * keys have changed since. */
tcet_status store_missing(struct store *s, size_t ordinal, int retry, uint8_t *missing,
                          struct error *err);
/* One stored value with its layers (in the arena) and what it cost, without guards; *found = 0, and
 * nothing else set, when there is none. */
tcet_status store_get(struct store *s, const char *arch, int column, struct arena *a,
                      struct result_value *out, int *found, struct error *err);
/* What is stored of an architecture under the run's columns, of the run or not: its status, why it
 * failed, params and MACs, and the values that there are, without layers, guards and costs; in the
 * arena. */
tcet_status store_find(struct store *s, const char *arch, struct arena *a, struct result_row *out,
                       struct error *err);
/* All values of one column in ordinal order, NaN where lacking: out[architectures]. */
tcet_status store_column_values(struct store *s, int column, double *out, struct error *err);
/* Replaces a population column's values, ordinal order.  NaN means "no value" for an
 * architecture that is not done, and is a value for one that is. */
tcet_status store_put_population(struct store *s, int column, const double *values,
                                 struct error *err);

/* A column of a benchmark's table at the run's architectures. */
enum { STORE_ACCURACIES_MAX = 64 };
struct store_accuracy {
    const char *name;     /* as the table, or whoever asks for it, calls it */
    const char *table;    /* what the table is called, without folders */
    const char *sha256;   /* of its file, in hex */
    const double *values; /* by ordinal; NaN: the table has none */
};
/* Replaces all such columns, STORE_ACCURACIES_MAX at most, by these, for the architectures set before; names
 * differ.  Writes nothing where they are there already. */
tcet_status store_set_accuracies(struct store *s, const struct store_accuracy *columns,
                                 size_t count, struct error *err);
/* Those that are there; in the arena. */
tcet_status store_accuracies(struct store *s, struct arena *a, const struct store_accuracy **out,
                             size_t *count, struct error *err);

/* Reading back what a folder holds. */
size_t store_arch_count(struct store *s);
const char *store_arch(struct store *s, size_t ordinal); /* lives until the next call; NULL:
                                                            no such, or unreadable */
/* All of them, store_arch_count, by ordinal; in the arena. */
tcet_status store_archs(struct store *s, struct arena *a, const char *const **out,
                        struct error *err);
size_t store_column_count(struct store *s);
/* Lives until the next store_set_columns; NULL: no such. */
const struct result_column *store_column_at(struct store *s, size_t i);

/* done: "ok", nothing lacking; failed: under the run's columns; missing: all others. */
struct store_summary {
    size_t done, failed, missing; /* architectures */
    size_t unranked;              /* of those done: without all their population scores */
};
tcet_status store_summarise(struct store *s, struct store_summary *out, struct error *err);
/* One architecture as a survey meets it. */
struct store_stock {
    size_t ordinal; /* its place in the list */
    enum result_status status;
    const uint8_t *has;  /* [columns]: 1: a value is stored */
    const double *value; /* [columns], NaN where lacking */
};
/* What a column's values cost, over the run's architectures. */
struct store_cost {
    double seconds; /* the mean; NaN when nothing is known */
    int64_t guards; /* the sum of the counts */
};
/* Calls see with every architecture of the run in ordinal order: one reading of the tables for all, where
 * store_missing asks for each.  see may not use the store.  costs[columns], or NULL. */
tcet_status store_survey(struct store *s, void (*see)(void *arg, const struct store_stock *stock),
                         void *arg, struct store_cost *costs, struct error *err);
/* How many architectures of the run's list have failed. */
tcet_status store_count_failed(struct store *s, size_t *out, struct error *err);

/* What is stored of the architecture at an ordinal, in the form store_put takes, so that it can
 * be put into another store with the same columns; population columns are left out.  All of
 * it lives in the arena, but for what is said of layers, which is the store's, until it is closed or a batch is
 * dropped.  A missing row is refused by store_put. */
tcet_status store_take(struct store *s, size_t ordinal, struct arena *a, struct result_row *out,
                       struct error *err);
/* Calls see with such a row of every architecture that the store knows, of the run or not, in the order
 * in which it met them, missing ones too; the row lives until the next.  Ends at the first failure. */
tcet_status store_each(struct store *s,
                       tcet_status (*see)(void *arg, const struct result_row *row,
                                          struct error *err),
                       void *arg, struct error *err);
/* Puts all facts (store_meta) of `from` into `into`. */
tcet_status store_copy_meta(struct store *into, struct store *from, struct error *err);

/* Exports (export.c) in ordinal order, the run's columns only; format by the name's ending:
 * .csv or .jsonl.  Written to a temporary beside the target and renamed.  Nothing in them
 * depends on time, date, path, worker or order of work unless `times`.
 * JSONL, one object a line: space (the fact of that name), arch, params, macs, x_sum, w_sum,
 * scores{name: value} (every metric and score, config order), accuracies{name: value} (where there are
 * any), layers[{name, kind,
 * shape: [16,3,3,3], metrics{name: value}}] (with `layers`; layered columns), guards{name: n},
 * status ("ok", "failed", "missing"), error (only when failed), times (only with `times`).
 * CSV: arch, status, params, macs, then one column each metric and score ("score.NAME" where one of ours
 * has the name) and accuracy ("table.NAME" where any has it); with `layers`, a
 * second file, scores.layers.csv beside scores.csv: arch, layer, kind, shape, then the layered
 * columns.  Numbers have 17 significant digits; non-finite ones are nan, inf, -inf, in JSON
 * as strings.  What is lacking is left out (JSON) or empty (CSV): params, macs and the sums
 * where the network was not built, scores without a value, accuracies that the table has not. */
struct store_export {
    int layers, times;
    const struct store_accuracy *accuracies; /* in the place of the store's; NULL: those */
    size_t accuracy_count;
};
tcet_status store_export(struct store *s, const char *path, const struct store_export *options,
                         struct error *err);

#endif
