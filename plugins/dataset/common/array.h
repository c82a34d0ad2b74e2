/* array.h -- numpy's files: an array of a .npy file, or of a .npz archive, stored or deflated.
 *
 * The header of an array is a Python dict in text; it is taken apart here, and nothing is evaluated.
 *
 * Room: plugins/dataset/common.  Stands on zlib and libc. */
#ifndef DATASET_ARRAY_H
#define DATASET_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ARRAY_DIMS = 8 };
/* A deflated array is kept in memory, so it has at most so many bytes. */
#define ARRAY_MEMORY_MAX (INT64_C(1) << 32)

struct array {
    char kind;   /* 'u', 'i', 'f' or 'b': unsigned, signed, float, bool */
    int element; /* bytes of a number: 1, 2, 4 or 8, least significant first */
    int dims;
    int64_t shape[ARRAY_DIMS]; /* row-major; none below 0 */
    int64_t bytes;             /* of all numbers */
    int archived;              /* 1: it is of an archive */
    FILE *file;                /* where they are, from `at` on; NULL: in memory */
    int64_t at;
    unsigned char *memory;
    int64_t start; /* of the numbers in memory */
};

/* Opens an array: member of the archive, or with NULL, and where path is no archive, the .npy file.
 * 0, or -1 with a message that names the file.  array_close() afterwards, also after an error. */
int array_open(const char *path, const char *member, struct array *out, char *error, size_t cap);

/* A file of numbers without a header: dimension 0 is how many rows of `row` bytes it has. */
int array_open_raw(const char *path, char kind, int element, int64_t row, struct array *out,
                   char *error, size_t cap);

/* n bytes of the numbers, from `first` on: 0, or -1 where the file cannot be read any more. */
int array_read(const struct array *a, int64_t first, int64_t n, void *out);
void array_close(struct array *a);

/* Number i of those that array_read() gave, of a kind that is whole (not 'f'); what is beyond the range
 * of int64 becomes INT64_MAX. */
int64_t array_whole(const struct array *a, const void *numbers, int64_t i);

#endif
