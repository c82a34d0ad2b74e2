/* plan_parts.h -- what the files that make a plan share.  Room: core/plan; included by
 * plan*.c alone. */
#ifndef CORE_PLAN_PARTS_H
#define CORE_PLAN_PARTS_H

#include "plan/plan.h"

/* plan_plugins.c */

/* The plugin that a key names, or the fallback where k is NULL. */
tcet_status plan_find_plugin(struct plan *p, tcet_kind kind, const struct config_key *k,
                             const char *fallback, struct plugin **out, struct error *err);
struct bindings {
    struct binding item[128];
    size_t count;
};
/* Adds every key of a section that begins with prefix (without it) and is not the host's own. */
tcet_status plan_bind_section(struct bindings *b, const struct config_section *s,
                              const char *prefix, const char *const *own, size_t own_count,
                              struct error *err);
/* An instance from the defaults of [kind ID] and a section's own keys. */
tcet_status plan_make_instance(struct plan *p, const struct plugin *plugin,
                               const struct config_section *s, const char *prefix,
                               const char *const *own, size_t own_count, struct instance **out,
                               struct error *err);
/* "snip/1.0.0/SHA256{ddof=1}": a plugin and its parameters in a key. */
const char *plan_instance_key(struct plan *p, const struct instance *i);
tcet_status plan_open_space(struct plan *p, struct error *err);
tcet_status plan_open_first_data(struct plan *p, struct error *err);
/* The data that a metric's keys `data`, `batch` and `data_seed` select; opened when new. */
tcet_status plan_metric_data(struct plan *p, const struct config_section *s, int *out,
                             struct error *err);
tcet_status plan_draw_data(struct plan *p, struct plan_data *d, struct error *err);
tcet_status plan_make_backend(struct plan *p, struct error *err);

/* archs.c: TCET_E_ARG where no key names an architecture and the space does not number them. */
tcet_status plan_named(struct plan *p, struct error *err);

/* plan_metrics.c: one section each; TCET_E_UNSUPPORTED for what cannot be, as against what is
 * misspelt. */
tcet_status plan_add_metric(struct plan *p, const struct config_section *s, struct error *err);
tcet_status plan_add_score(struct plan *p, const struct config_section *s, struct error *err);
tcet_status plan_merge_passes(struct plan *p, struct error *err);

/* plan_text.c */
void plan_make_keys(struct plan *p);

#endif
