/* tcet/aggregator.h -- aggregator plugins: S^l to one number a layer, then the layers'
 * numbers to one a network.  Room: sdk. */
#ifndef TCET_AGGREGATOR_H
#define TCET_AGGREGATOR_H

#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tcet_aggregator_ops {
    uint32_t struct_size;
    int32_t direction; /* +1: keeps the saliency's direction, -1: turns it around */
    /* [instance] s: float64 [rows, cols], contiguous; values may be NaN or infinite.
     * Under partition = network it is the merged matrix of the whole network. */
    tcet_status (*reduce)(tcet_ctx *cx, void *self, const tcet_view *s, double *out);
    /* [instance] Optional: the n layers' numbers (creation order) to the network's.
     * NULL: their sum. */
    tcet_status (*finish)(tcet_ctx *cx, void *self, const double *values, int64_t n, double *out);
    /* Forms of S^l it can reduce: a mask of TCET_FORM_BIT(TCET_FORM_*); 0: any.  What does
     * not fit is refused when the plan is made. */
    uint32_t forms;
    uint32_t reserved;
} tcet_aggregator_ops;

#ifdef __cplusplus
}
#endif
#endif
