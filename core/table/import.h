/* import.h -- official files of benchmarks as tables of ours (table.h).
 *
 * Room: core/table.  Stands on core/base and the SDK's reader of JSON.  Nothing in a file is executed;
 * each is read once, from its beginning, and everything in it is bounded. */
#ifndef CORE_TABLE_IMPORT_H
#define CORE_TABLE_IMPORT_H

#include "base/error.h"
#include "base/mem.h"

struct import_format {
    const char *name, *files; /* "blox", "blox-base-0.csv blox-info.csv" */
    const char *what;         /* what it is, for people */
    size_t least, most;       /* how many files */
    size_t whole; /* how many architectures the official files have; 0: several numbers */
    /* private: adds comments, header and rows to out */
    tcet_status (*read)(const char *const *files, size_t count, struct buf *out, size_t *rows,
                        struct error *err);
};
extern const struct import_format IMPORT_FORMATS[];
extern const size_t IMPORT_FORMAT_COUNT;
/* NULL: there is none of that name. */
const struct import_format *import_format(const char *name);

/* Reads the files and puts a table in the place of out at once (file_replace); *rows: its
 * architectures.  Errors name the file and the line, the byte or the record: what is cut or damaged,
 * of another type, twice there or out of bounds; and which formats there are. */
tcet_status table_import(const char *format, const char *const *files, size_t count,
                         const char *out, size_t *rows, struct error *err);

#endif
