/* store.h -- the results of a run: one SQLite file in the run's folder.
 *
 * Room: core/store.  Stands on core/base and sqlite3.  Knows metrics and scores as columns
 * with a key, nothing of plugins.  One writer at a time: the supervisor.
 *
 * FOLDER/scores.db   tables below, WAL journal
 * FOLDER/config.ini  the resolved config
 * FOLDER/scores.csv|jsonl  exports asked for
 *
 * A column is a metric or a score.  Its key is the canonical text of everything that
 * determines its values (space, task, data identity, seeds, pass, parameters, plugin
 * files' SHA-256, backend version); a value is stored once per (architecture, key), so a
 * second run with one more metric computes only what is lacking. */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "base/error.h"
#include "base/mem.h"

struct store;

enum store_mode {
    STORE_FRESH,  /* create; a folder that holds results is refused (message says --resume) */
    STORE_RESUME, /* create or go on; missing, empty or half-made folders are started */
    STORE_READ    /* export, correlate: read only; must exist */
};

/* Opens FOLDER/scores.db.  FRESH and RESUME take a lock that dies with the process (a
 * second run is refused, naming the pid that holds it).  Errors name the path and the cause:
 * not writable, disk full, not a store, made by a newer version. */
tcet_status store_open(const char *folder, enum store_mode mode, struct store **out,
                       struct error *err);
void store_close(struct store *s);

struct store_column {
    const char *name;    /* as in the config */
    const char *key;     /* what determines the values */
    int32_t is_score;    /* 0: a [metric], 1: a [score] */
    int32_t population;  /* 1: value depends on all architectures; rewritten at the end */
    int32_t direction;   /* +1: larger is better */
    int32_t layered;     /* 1: has per-layer values */
};

/* The run's columns, in config order; replaces the current set, keeps stored values.
 * Column i of the calls below is i-th here. */
tcet_status store_set_columns(struct store *s, const struct store_column *columns, size_t count,
                              struct error *err);
/* The run's architectures: `arch` is the input line byte for byte, ordinal its place. */
tcet_status store_set_archs(struct store *s, const char *const *arch, size_t count,
                            struct error *err);
/* Free-text facts (provenance): "space", "data", "backend", "seed", "config" ... */
tcet_status store_set_meta(struct store *s, const char *name, const char *value,
                           struct error *err);
/* NULL when absent; lives until the next call. */
const char *store_meta(struct store *s, const char *name);

/* One value of one column. */
struct store_value {
    int32_t column;        /* index into the run's columns */
    double value;
    const double *layers;  /* one per layer of the row, or NULL */
};

/* Everything learnt of one architecture in one go. */
struct store_row {
    const char *arch;
    const char *status;    /* "ok", or "failed" */
    const char *message;   /* "" or why it failed */
    int64_t params, macs;
    double x_sum, w_sum;
    const char *const *layer_name; /* layer_count of them, creation order */
    const char *const *layer_kind; /* "conv", "linear" */
    const char *const *layer_shape;/* "16,3,3,3" */
    size_t layer_count;
    const char *guards;    /* JSON object text: {"zero_sigma":3} */
    const char *times;     /* JSON object text of seconds by part */
    const struct store_value *values;
    size_t value_count;
};

/* Commits one row (in a transaction of its own, or the open batch's): values are merged
 * into what is stored of this architecture; a failed row keeps stored values. */
tcet_status store_put(struct store *s, const struct store_row *row, struct error *err);
/* Rows put between begin and commit become durable together; killed in between, none is.
 * The supervisor commits at least once a second. */
tcet_status store_begin(struct store *s, struct error *err);
tcet_status store_commit(struct store *s, struct error *err);

/* Which of the run's columns (population ones excluded) architecture lacks: missing[count],
 * 1 = lacking.  A row recorded as failed lacks nothing unless retry is set. */
tcet_status store_missing(struct store *s, const char *arch, int retry, uint8_t *missing,
                          struct error *err);
/* One stored value with its layers (in the arena); *found = 0 when there is none. */
tcet_status store_get(struct store *s, const char *arch, int32_t column, struct arena *a,
                      double *value, const double **layers, size_t *layer_count, int *found,
                      struct error *err);
/* All values of one column in ordinal order, NaN where lacking: out[architectures]. */
tcet_status store_column_values(struct store *s, int32_t column, double *out, struct error *err);
/* Replaces a population column's values, ordinal order. */
tcet_status store_put_population(struct store *s, int32_t column, const double *values,
                                 struct error *err);

/* Reading back what a folder holds. */
size_t store_arch_count(struct store *s);
const char *store_arch(struct store *s, size_t ordinal); /* lives until the next call */
size_t store_column_count(struct store *s);
const struct store_column *store_column_at(struct store *s, size_t i);

struct store_summary {
    size_t done, failed, missing; /* architectures */
};
tcet_status store_summarise(struct store *s, struct store_summary *out, struct error *err);

/* Exports (export.c) in ordinal order; format by the name's ending: .csv or .jsonl.
 * Written to a temporary beside the target and renamed.  Nothing in them depends on time,
 * date, path, worker or order of work unless `times`.
 * JSONL, one object a line: space, arch, params, macs, x_sum, w_sum, scores{name: value}
 * (every metric and score, config order), layers[{name, kind, shape, metrics{name: value}}]
 * (with `layers`), guards{name: n}, status ("ok"/"failed"), error (only when failed), times
 * (only with `times`).  CSV: arch, status, params, macs, then one column a score; with
 * `layers`, a second file NAME.layers.csv: arch, layer, kind, shape, then metrics. */
struct store_export {
    int layers, times;
};
tcet_status store_export(struct store *s, const char *path, const struct store_export *options,
                         struct error *err);

#endif
