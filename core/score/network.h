/* network.h -- one of an architecture's networks: its graph, the layers of each site, its weights.
 *
 * Room: core/score.  Runs the space's build(). */
#ifndef CORE_SCORE_NETWORK_H
#define CORE_SCORE_NETWORK_H

#include "plugin/request.h"
#include "score/subject.h"

/* The layers of one site, in creation order; memory of the architecture's arena. */
struct site {
    size_t count;
    const char **names;
    int32_t *modules; /* in the graph, -1 none */
    int32_t *order;   /* of first execution, -1: never */
    int32_t *calls;   /* executions in one forward */
    int64_t *units;   /* numbers of its output, of one image */
};

struct network {
    int thin;     /* the space's thin one */
    int constant; /* it was pruned, and its output does not depend on the input */
    struct graph *graph;
    int made; /* graph and sites are those of the current architecture */
    struct site site[REQUEST_SITES];
    float *params; /* [graph_view()->param_floats], reused from one architecture to the next */
    size_t params_cap;
    int drawn; /* params hold what the seed draws */
    uint64_t drawn_seed;
    double w_sum;                       /* of what the run's seed drew; NaN: nothing read it */
    double seconds_build, seconds_init; /* that making it took */
};

void network_open(struct network *n, int thin);
void network_close(struct network *n);
/* Another architecture begins. */
void network_begin(struct network *n);
/* The graph alone, with all that the space builds. */
tcet_status network_build(struct network *n, const struct subject *s, struct error *err);
/* Lists every site's layers, and the order in which the finished graph first executes them. */
void network_list(struct network *n, struct arena *a);
/* The graph, without what is dead where the plan says so. */
tcet_status network_build_scored(struct network *n, const struct subject *s, struct error *err);
/* The same, and its layers listed. */
tcet_status network_make(struct network *n, struct subject *s, struct error *err);
/* Draws the weights from a seed, unless they are: for who reads them, since it takes most of the time
 * where nothing else does. */
tcet_status network_draw(struct network *n, const struct subject *s, uint64_t seed,
                         struct error *err);

/* What the graph says of layer `index` of a site (TCET_SITE_*): all but rows, batch, labels and
 * views, of which the weight's has its extents and no data.  shape[4]: memory for these. */
tcet_layer network_layer(const struct network *n, uint32_t site, size_t index, int64_t shape[4]);
/* Elements of its weight, 0 none. */
int64_t network_layer_weights(const struct network *n, uint32_t site, size_t index);
/* A site's place in network.site: its bit's number. */
int site_number(uint32_t site);

/* Makes room for n floats; what was there is lost. */
tcet_status floats_grow(float **p, size_t *cap, size_t n, struct error *err);

#endif
