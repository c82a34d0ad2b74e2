/* join.h -- architectures beside the rows of a benchmark's table: by their spelling, else by the space's
 * canonical key.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_JOIN_H
#define CORE_CLI_JOIN_H

#include "config/config.h"
#include "store/store.h"
#include "table/table.h"

struct join {
    struct arena arena;
    const struct table *t;
    size_t count;
    struct join_place {
        uint32_t n;      /* rows of the table; 0: none */
        uint32_t by_key; /* 0: the one row, `first`; 1: rows[first] and so on */
        uint32_t first;
    } * place;            /* an architecture */
    const uint32_t *rows; /* in order of their keys */
};

/* Looks every architecture up.  Where some stand in the table under no spelling of theirs and config
 * names a space, a worker is asked for keys, of them and of the table; *stop, which may be NULL, set
 * meanwhile: TCET_E_CANCELLED.  *out: to be freed; borrows t. */
tcet_status join_make(const struct config *config, const char *const *archs, size_t count,
                      const struct table *t, const volatile int *stop, struct join *out,
                      struct error *err);
/* Of every `step`-th architecture from `first` on, a shard, remains the join. */
void join_take(struct join *j, size_t first, size_t step);
/* A column's value (values[rows of the table]) at architecture i: where several rows have its key their
 * mean, or as the table's rule says the first; NaN: none. */
double join_value(const struct join *j, const double *values, size_t i);
/* The same of a column by name, of all architectures: out[j->count]. */
tcet_status join_column(const struct join *j, const char *column, double *out, struct error *err);
void join_free(struct join *j);

/* Columns of a table, for a store or an export; name: what the user calls the table.  In a. */
tcet_status join_accuracies(const struct join *j, const char *name, const char *const *columns,
                            size_t count, struct arena *a, const struct store_accuracy **out,
                            struct error *err);

#endif
