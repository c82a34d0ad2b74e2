/* checkpoint.h -- a training between two epochs as a file.
 *
 * Room: core/train.  Stands on core/base.
 *
 * The file: "tcetckpt", version (uint32), bytes of the head (uint32), the head (lines NAME=VALUE), the
 * states one after the other (uint64 bytes, then these), and the SHA-256 of all before it as 64 hex
 * digits.  Numbers as the machine has them, least byte first. */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "base/error.h"
#include "base/mem.h"

enum { CHECKPOINT_STATES = 5 };

struct checkpoint {
    const char *about;                      /* lines: all that the training's numbers depend on */
    const char *made_by;                    /* backend and instruction sets, for people; one line */
    int64_t epochs, steps;                  /* that are done */
    int64_t best_epoch;                     /* from 1; 0: nothing was measured yet */
    double best;                            /* top-1 in percent of the best epoch */
    double test_loss, test_top1, test_top5; /* of the last that was measured; NaN: none */
    int64_t lines;                          /* bytes of train.csv that belong to it */
    struct checkpoint_state {               /* the backend's */
        const void *data;
        size_t n;
    } state[CHECKPOINT_STATES];
};

/* Writes FOLDER/last.ckpt; the one before it stays as FOLDER/previous.ckpt.  Errors: TCET_E_IO. */
tcet_status checkpoint_write(const char *folder, const struct checkpoint *c, struct error *err);
/* Writes FOLDER/best.ckpt in place of the one before it.  Errors: TCET_E_IO. */
tcet_status checkpoint_write_best(const char *folder, const struct checkpoint *c,
                                  struct error *err);
/* FOLDER/last.ckpt, or where it is lacking or damaged the one before, which *note then says; else it is
 * "".  A damaged one is kept as FOLDER/damaged.ckpt, so that it does not take the other's place.  *found = 0: there is neither.  What is read lives in the arena.  Errors: both are damaged. */
tcet_status checkpoint_read(const char *folder, struct arena *a, struct checkpoint *out, int *found,
                            const char **note, struct error *err);
/* One such file; errors name it. */
tcet_status checkpoint_read_file(const char *path, struct arena *a, struct checkpoint *out,
                                 struct error *err);
/* The checkpoint that n bytes are; what it points to is in data, or in the arena.  Errors say what is
 * wrong. */
tcet_status checkpoint_parse(const char *data, size_t n, struct arena *a, struct checkpoint *out,
                             struct error *err);

#endif
