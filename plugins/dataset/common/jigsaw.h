/* jigsaw.h -- the orders in which a puzzle's nine tiles may stand: a list of permutations, whose numbers are
 * the classes (Noroozi, Favaro: ECCV 2016; TransNAS-Bench-101's task jigsaw).
 *
 * Room: plugins/dataset/common.  Stands on the SDK and libc. */
#ifndef DATASET_JIGSAW_H
#define DATASET_JIGSAW_H

#include <stdint.h>
#include <tcet/dataset.h>

enum { JIGSAW_SIDE = 3, JIGSAW_TILES = 9, JIGSAW_OWN = 1000, JIGSAW_MAX = 362880 };

struct jigsaw {
    int64_t count;
    uint8_t (*order)[JIGSAW_TILES]; /* tile n is the image's cell order[n], row by row; malloc'd */
};

/* Those of a .npy file of integers [count, 9]; of "" JIGSAW_OWN of our own, that agree with one another in
 * few places.  jigsaw_close() afterwards.  Errors name the file and the row. */
tcet_status jigsaw_open(tcet_ctx *cx, const char *path, struct jigsaw *out);
void jigsaw_close(struct jigsaw *j);

/* An image's cells are as large to their tiles as 85 pixels to 64: its side for tiles of `tile`. */
int32_t jigsaw_side(int32_t tile);

#endif
