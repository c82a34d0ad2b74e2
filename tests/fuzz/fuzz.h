/* fuzz.h -- what the fuzz targets share: a folder of their own, and a check that stops.
 *
 * Room: tests/fuzz.  A target gives LLVMFuzzerTestOneInput; libFuzzer (clang) or driver.c (any
 * compiler, the seeds alone) calls it.  It must leave nothing behind: no memory, no file
 * descriptor. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold whatever the input was. */
#define CHECK(what)                                                                   \
    do {                                                                              \
        if (!(what)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

/* A folder of this process, made at the first call and removed at exit with all that is
 * in it. */
const char *fuzz_folder(void);
/* Path of a file there; it becomes these bytes, with data NULL nothing is written. */
const char *fuzz_file(const char *name, const void *data, size_t size);
/* The input as a text; free() it.  It ends at its first NUL. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
