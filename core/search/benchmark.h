/* benchmark.h -- the table of [benchmark], and an architecture's row of it.
 *
 * Room: core/search. */
#ifndef CORE_SEARCH_BENCHMARK_H
#define CORE_SEARCH_BENCHMARK_H

#include "config/config.h"
#include "plugin/instance.h"
#include "table/table.h"

struct benchmark {
    struct table *table;
    struct instance *space;
    struct table_keys keys; /* made when an architecture is not spelt as in the table */
    struct arena arena;     /* of the keys */
};

/* Opens the table.  space reads the architectures that the table spells otherwise. */
tcet_status benchmark_open(const struct config *config, struct instance *space,
                           struct benchmark *out, struct error *err);
void benchmark_close(struct benchmark *b);
/* Values (one a row of the table) at an architecture: of its own row, else by its
 * canonical key; NaN where there is none. */
double benchmark_value(struct benchmark *b, const double *values, const char *arch);

#endif
