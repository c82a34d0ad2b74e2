/* fit.h -- trainings from the supervisor's side: one worker that trains, a folder a seed.
 *
 * Room: core/run.  Runs no plugin code and prints nothing. */
#ifndef CORE_FIT_H
#define CORE_FIT_H

#include "config/config.h"
#include "train/train.h"

struct fit_options {
    int resume;
    const volatile int *stop;
    /* As often as the trainer says something, ten times a second at most. */
    void (*progress)(void *arg, int64_t seed, const struct train_progress *p);
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

/* One seed's training. */
struct fit_one {
    int64_t seed;
    const char *folder;
    struct train_progress p; /* its last */
};

struct fit_result {
    struct arena arena;
    const char *folder; /* absolute: the one seed's, or the one that seed-N of each stand in */
    struct fit_one *one;
    size_t count, ended;
    double seconds;
    int stopped;
};

/* Trains arch as [train] of config says, once a seed of it: in the folder of [run] output where there
 * is one seed, else in its folders seed-N.  arch is an encoding.  *result is valid on success; after an
 * error its folders hold what was saved. */
tcet_status fit_run(struct config *config, const struct train_settings *settings, const char *arch,
                    const struct fit_options *options, struct fit_result *result,
                    struct error *err);
/* Measures the weights of a file, those of arch, on the test images of [train] of config. */
tcet_status fit_evaluate(const struct config *config, const char *arch, const char *file,
                         const struct fit_options *options, struct train_progress *out,
                         struct error *err);
/* Writes the network of a training's checkpoint, which is arch's, as the file `to` (net.h's formats), and
 * says what it wrote (train_export).  Both paths absolute. */
tcet_status fit_export(const struct config *config, const char *arch, const char *from,
                       const char *to, const struct fit_options *options,
                       struct train_progress *out, struct error *err);
void fit_result_free(struct fit_result *r);

#endif
