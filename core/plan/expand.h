/* expand.h -- [ablation] and [run] repeats: one config to many metrics and scores.
 *
 * Room: core/plan.  Works on the config's text: what it makes are ordinary [metric] and
 * [score] sections, so the rest of the plan knows nothing of ablations.
 *
 * [ablation] makes a metric SALIENCY_AGGREGATOR for every cell of its lists, and for every
 * combiner a score COMBINER_SALIENCY_AGGREGATOR that joins the cell with the metrics of
 * `with`.  Lists with more than one value add _network (partition), @SEED, _bBATCH, _DATA and
 * @drawDATA_SEED to the names.  [run] repeats = n gives every metric and score n - 1 repeats NAME@SEED
 * under the seeds that follow the run's, and scores NAME@mean and NAME@std over all n. */
#ifndef CORE_EXPAND_H
#define CORE_EXPAND_H

#include "config/config.h"
#include "plugin/registry.h"

/* Adds the sections.  Errors name file and line. */
tcet_status expand_config(struct config *c, const struct registry *r, struct error *err);

/* What an [ablation] varies, in the order of the columns of its table. */
enum expand_factor {
    EXPAND_COMBINER,
    EXPAND_SALIENCY,
    EXPAND_AGGREGATOR,
    EXPAND_PARTITION,
    EXPAND_BATCH,
    EXPAND_DATA,
    EXPAND_DATA_SEED,
    EXPAND_SEED,
    EXPAND_FACTORS
};
const char *expand_factor(enum expand_factor factor); /* as the config's key */
struct expand_cell {
    const char *name;                   /* of its metric or score */
    const char *factor[EXPAND_FACTORS]; /* its value; NULL: not varied, of combiners: none */
};
/* The cells that [ablation] stands for, before expand_config or after; none without one.  Some may have
 * no metric: the plan skips what cannot be.  In `a`; returns how many. */
size_t expand_cells(const struct config *c, struct arena *a, const struct expand_cell **out);
/* True for a section that expand_config made. */
int expand_made(const struct config *c, const struct config_section *s);

#endif
