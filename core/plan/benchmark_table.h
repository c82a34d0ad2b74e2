/* benchmark_table.h -- the table that [benchmark] names, read as it says.
 *
 * Room: core/plan.  A table is a file: what architectures it has the space alone can tell. */
#ifndef CORE_PLAN_BENCHMARK_TABLE_H
#define CORE_PLAN_BENCHMARK_TABLE_H

#include "config/config.h"
#include "table/table.h"

/* How [benchmark] says that its table is read: key and duplicates.  *out borrows from config. */
tcet_status benchmark_options(const struct config *config, struct table_options *out,
                              struct error *err);
/* Reads the table of [benchmark] table, which config has; *out is table_free()d.  A path takes the place
 * of the key's value as it is found from here.  Errors name the key's file and line. */
tcet_status benchmark_load(const struct config *config, struct table **out, struct error *err);

#endif
