/* pickle.h -- the Python pickles in which CIFAR-10, CIFAR-100 and the downsampled ImageNet are published:
 * a dict with an array of bytes, "data", and labels: lists, or arrays of uint8, int32 or int64.
 *
 * A pickle is a program, and reading one elsewhere runs it.  This reader knows the opcodes that these
 * files use and the three names of numpy that make an array, and calls nothing: any other opcode or
 * name is an error.
 *
 * Room: plugins/dataset/common.  Stands on libc. */
#ifndef DATASET_PICKLE_H
#define DATASET_PICKLE_H

#include <stddef.h>
#include <stdint.h>

enum { PICKLE_LISTS = 2 };

struct pickle {
    int64_t rows, columns;         /* of data, uint8 */
    size_t at;                     /* where its bytes begin in the file; rows x columns of them */
    int32_t *labels[PICKLE_LISTS]; /* `rows` each; NULL where there is no name for it */
};

/* Does a file begin as such a pickle (protocol 2 to 5)? */
int pickle_begins(const unsigned char *bytes, size_t size);

/* Reads a file's bytes; names: the keys of the labels, or NULL.  0, or -1 with a message, to
 * which the file's name belongs in front.  pickle_free() afterwards, also after an error. */
int pickle_read(const unsigned char *bytes, size_t size, const char *const names[PICKLE_LISTS],
                struct pickle *out, char *error, size_t cap);
void pickle_free(struct pickle *p);

#endif
