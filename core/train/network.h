/* network.h -- a network that is trained, was trained, or comes from a file: graph and weights.
 *
 * Room: core/train.  Runs the space. */
#ifndef CORE_TRAIN_NETWORK_H
#define CORE_TRAIN_NETWORK_H

#include "net/net.h"
#include "plan/plan.h"
#include "train/checkpoint.h"
#include "train/settings.h"

struct train_network {
    struct graph *graph;
    float *params;  /* [param_floats] */
    float *running; /* [net_running()]; NULL: not known, so that nothing can be measured */
    int64_t count, running_count;
    int64_t steps; /* that the running statistics have seen */
};

/* The network of arch as [train] init says, with the weights that seed draws.  Errors: an architecture
 * that the space does not have. */
tcet_status train_network_build(struct train_network *n, struct plan *p,
                                const struct train_settings *s, const char *arch, uint64_t seed,
                                struct error *err);
/* Weights and running statistics of a checkpoint, those that were measured: of the moving average where
 * there is one.  Errors: TCET_E_ARG where it is another network's. */
tcet_status train_network_take(struct train_network *n, const struct train_settings *s,
                               const struct checkpoint *c, const char *path, struct error *err);
/* Those of a .safetensors file. */
tcet_status train_network_read(struct train_network *n, const char *path, struct error *err);
void train_network_free(struct train_network *n); /* {0} is fine */

#endif
