/* import_parts.h -- what the readers of official files share.  Room: core/table, private to it. */
#ifndef CORE_TABLE_IMPORT_PARTS_H
#define CORE_TABLE_IMPORT_PARTS_H

#include <stdio.h>
#include <tcet/draft/json.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum { IMPORT_WORD = 1 << 16, IMPORT_BUFFER = 1 << 16 };

/* A file of JSON as a stream; close it after an error of open too. */
struct import_json {
    const char *path;
    FILE *file;
    char *word;
    tcet_json json;
};
tcet_status import_open(struct import_json *j, const char *path, struct error *err);
void import_close(struct import_json *j);
/* What is wrong at the event: the reader's own error, or that `want` is expected. */
tcet_status import_fail(const struct import_json *j, int event, const char *want,
                        struct error *err);
/* The next event is a number, or null, which is NaN. */
tcet_status import_number(struct import_json *j, const char *what, double *out, struct error *err);

/* A tab and a number; nothing behind it for NaN. */
void import_put(struct buf *out, double value);
/* Can the text stand in the first column as it is? */
int import_arch_ok(const char *text);
/* A path without its folders. */
const char *import_name(const char *path);

/* Different names in the order in which they came; {0} is empty. */
struct import_names {
    struct arena arena;
    const char **name;
    uint32_t *slot;
    size_t count, cap, slot_count;
};
/* Its number; *fresh: it was not there. */
size_t import_names_put(struct import_names *n, const char *name, int *fresh);
void import_names_free(struct import_names *n);

/* struct import_format's read, one a format. */
typedef tcet_status import_read(const char *const *files, size_t count, struct buf *out,
                                size_t *rows, struct error *err);
import_read import_nasbench101, import_blox, import_nb_macro, import_nds, import_zc;

#endif
