/* log.h -- train.csv and times.csv of a training.
 *
 * Room: core/train.  Stands on core/base.  Lines are kept until they are flushed, so that a checkpoint
 * can say how many bytes of train.csv belong to it. */
#ifndef CORE_TRAIN_LOG_H
#define CORE_TRAIN_LOG_H

#include "base/error.h"
#include "base/mem.h"

struct train_log {
    int fd; /* of train.csv; -1: not open */
    char *path, *times;
    int64_t written; /* bytes of it */
    struct buf text; /* that are not written */
};
#define TRAIN_LOG_CLOSED \
    {                    \
        .fd = -1         \
    }

/* One epoch, or one step; what is NaN was not measured. */
struct train_line {
    int64_t epoch, step;
    double lr, loss, top1, test_loss, test_top1, test_top5;
};

/* Opens FOLDER/train.csv, of which the first `bytes` belong to what is gone on with; bytes 0: the
 * training begins, and a file that is there is an error unless `again`.  Errors: TCET_E_IO, or
 * TCET_E_ARG where it has fewer bytes. */
tcet_status train_log_open(struct train_log *l, const char *folder, int64_t bytes, int again,
                           struct error *err);
void train_log_add(struct train_log *l, const struct train_line *line);
/* How long train.csv will be when what was added is flushed. */
int64_t train_log_bytes(const struct train_log *l);
/* Writes what was added; sync also waits until it is on the disk. */
tcet_status train_log_flush(struct train_log *l, struct error *err);
tcet_status train_log_sync(struct train_log *l, struct error *err);
/* A line of times.csv: an epoch's seconds and images. */
tcet_status train_log_time(struct train_log *l, int64_t epoch, double seconds, int64_t images,
                           struct error *err);
void train_log_close(struct train_log *l);
/* All lines of a train.csv, in the arena.  Errors name the line. */
tcet_status train_log_read(const char *path, struct arena *a, struct train_line **out,
                           size_t *count, struct error *err);

#endif
