/* nats.h -- the pieces of NATS-Bench's TinyNetwork, which nats_tss and nats_sss are made of,
 * with the module names and the order of D-X-Y's official models.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_NATS_H
#define SPACES_NATS_H

#include "family/cell.h"

/* Operations of an edge, in D-X-Y's order. */
enum { NATS_NONE, NATS_SKIP, NATS_CONV1, NATS_CONV3, NATS_AVG, NATS_OPS };

extern const char *const nats_datasets[4];

/* Input and classes of the benchmark's three data sets. */
void nats_task(int32_t dataset, tcet_task *out);

/* Cell number `cell`: edges from node 0 take in_channels to channels. */
int32_t nats_cell(tcet_builder *b, int32_t cell, const int32_t *ops, int32_t x, int32_t in_channels,
                  int32_t channels);

/* ResNetBasicblock of stride 2, standing as cell number `cell`. */
int32_t nats_block(tcet_builder *b, int32_t cell, int32_t x, int32_t channels);

int32_t nats_stem(tcet_builder *b, int32_t channels);

void nats_head(tcet_builder *b, int32_t x, int32_t classes);

/* zero-cost-nas's whole network of a cell of nats_tss, with its module names and order.  Operations
 * that are not chosen have their weights, which are drawn, and never run. */
void nats_zero_cost(tcet_builder *b, const int32_t *ops, int32_t classes);

#endif
