/* presets.h -- proxies by name: `[run] proxy = naswot, tcet` stands for the sections of those names in
 * the shipped conf/proxies.ini.
 *
 * Room: core/plan.  Works on the config's text, as expand.h does: what it adds are ordinary [metric]
 * and [score] sections, which say that file and its lines. */
#ifndef CORE_PRESETS_H
#define CORE_PRESETS_H

#include "base/error.h"
#include "base/mem.h"
#include "config/config.h"

/* Adds the sections that [run] proxy names, and the metrics that they join, to the config.  One that
 * the config has already must be the same.  Errors name the key, the nearest name and all of them. */
tcet_status presets_add(struct config *c, struct error *err);

/* For people: a proxy's text in the file, what its comment says and its sections.  TCET_E_ARG where
 * there is none of that name. */
tcet_status presets_text(const char *name, struct buf *out, struct error *err);
/* All of them, a line each: the name, and unless names_only what its comment says. */
tcet_status presets_list(int names_only, struct buf *out, struct error *err);

#endif
