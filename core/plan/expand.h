/* expand.h -- [ablation] and [run] repeats: one config to many metrics and scores.
 *
 * Room: core/plan.  Works on the config's text: what it makes are ordinary [metric] and
 * [score] sections, so the rest of the plan knows nothing of ablations.
 *
 * [ablation] makes a metric SALIENCY_AGGREGATOR for every cell of its lists, and for every
 * combiner a score COMBINER_SALIENCY_AGGREGATOR that joins the cell with the metrics of
 * `with`.  Lists with more than one value add _network (partition), @SEED, _bBATCH and
 * _DATA to the names.  [run] repeats = n gives every metric and score n - 1 repeats NAME@SEED
 * under the seeds that follow the run's, and scores NAME@mean and NAME@std over all n. */
#ifndef CORE_EXPAND_H
#define CORE_EXPAND_H

#include "config/config.h"
#include "plugin/registry.h"

/* Adds the sections.  Errors name file and line. */
tcet_status expand_config(struct config *c, const struct registry *r, struct error *err);
/* True for a section that expand_config made. */
int expand_made(const struct config *c, const struct config_section *s);

#endif
