/* train.h -- trains one network: epochs of optimiser steps, measured and saved after each.
 *
 * Room: core/train.  Lives in a worker: runs space, dataset and backend.  Prints nothing; what it
 * computes goes to files of its folder:
 *
 *   train.csv      a line an epoch (or a step): epoch, step, lr, loss, top1 and, where the epoch was
 *                  measured, test_loss, test_top1, test_top5
 *   times.csv      what an epoch took; no two trainings have the same
 *   last.ckpt      all that it needs to go on, previous.ckpt the one before (checkpoint.h)
 *   best.ckpt      the network of the epoch with the best test_top1
 *
 * All but times.csv depends on config, data, seed and the processor's instruction sets alone, however often
 * it is stopped and resumed. */
#ifndef CORE_TRAIN_H
#define CORE_TRAIN_H

#include "plan/plan.h"
#include "train/images.h"
#include "train/settings.h"

struct train_progress {
    int64_t epoch, epochs; /* at work on, from 1 */
    int64_t step, steps;   /* done of the epoch's */
    double lr, loss, top1; /* of the last step; mean over the epoch so far; percent */
    double test_top1;      /* of the last epoch that was measured; NaN: none */
    double test_loss, test_top5;
    double best;        /* test_top1 of best_epoch */
    int64_t best_epoch; /* 0: none */
    int64_t done;       /* images of all epochs so far, those before a resume too */
    int64_t total;      /* of all */
    double rate;        /* images a second since it was opened */
    double waited;      /* seconds in which images were waited for */
    int64_t train_images, test_images, params, classes;
    int64_t began; /* epochs that were done before: 0, or where it was resumed */
    int64_t ended;
};

struct train_task {
    struct plan *plan; /* plan_make_train, its backend open */
    const struct train_settings *settings;
    const char *arch;
    uint64_t seed;
    const char *folder; /* absolute; there */
    int resume;         /* 0: the folder must hold no training */
    /* After each step; a negative status stops.  log: notes for people. */
    tcet_status (*report)(void *arg, const struct train_progress *p, struct error *err);
    void (*log)(void *arg, const char *text);
    void *arg;
};

/* Measures the weights of the .safetensors file that task->folder names, those of task->arch, on the test
 * images; the last report has what came out. */
tcet_status train_evaluate(const struct train_task *task, struct error *err);
/* Writes the network of a checkpoint (FOLDER/last.ckpt, best.ckpt), which is task->arch's, as a file of
 * net.h's formats, by the ending of its name; the report has its parameters and epoch. */
tcet_status train_export(const struct train_task *task, const char *from, const char *to,
                         struct error *err);
/* The images of a plan's first dataset that [train] wants: to learn from, which may be NULL, and to
 * measure on (none: a count of 0), as parts of *all, which is images_free()d afterwards. */
tcet_status train_images(struct plan *p, const struct train_settings *s, struct images *all,
                         struct batch_images *train, struct batch_images *test, struct error *err);

/* Trains to the end.  Errors: bad input (TCET_E_ARG); a loss that is not finite, with epoch and step
 * (TCET_E_NUMERIC), files (TCET_E_IO), the plugins'.  Checkpoints written before stay. */
tcet_status train_run(const struct train_task *task, struct error *err);

#endif
