/* stored.h -- FOLDER/config.ini, which a run leaves and what goes on with the folder reads; and what else
 * of it is text.  Room: core/run. */
#ifndef CORE_STORED_H
#define CORE_STORED_H

#include "config/config.h"
#include "run/wire.h"

/* Is there such a file in the folder? */
int stored_has(const char *folder, const char *name);
/* Does the folder hold a training; and one of several seeds, each in its "seed-N", whose name is_seed() knows? */
int stored_is_trained(const char *folder);
int stored_has_seeds(const char *folder);
int stored_is_seed(const char *name);
/* Refuses a folder that holds results of another kind, whose config.ini would be lost: scores where a training is to
 * go (training 1), a training where scores are (0).  Errors: TCET_E_ARG. */
tcet_status stored_takes(const char *folder, int training, struct error *err);

/* Writes FOLDER/config.ini, whole or not at all. */
tcet_status stored_write(const char *folder, const char *text, struct error *err);

/* FOLDER/provenance.txt of a training: facts without which its numbers cannot be compared, a line
 * "name: value" each, and its seed.  A run and a search have them in their store. */
tcet_status stored_write_facts(const char *folder, const struct wire_plan *plan, int64_t seed,
                               struct error *err);
/* The value of a fact there, in `a`; NULL: it is not recorded. */
const char *stored_fact(const char *folder, const char *name, struct arena *a);

/* Reads config.ini.  A folder may come from anywhere, so no plugin is opened because its config says so:
 * the folders that [plugins] path names are forgotten, and those in `allowed`, absolute, stand in
 * their place.  *forgotten: what it named, in the config's arena; "" nothing. */
tcet_status stored_read(const char *folder, const char *const *allowed, size_t count,
                        struct config **out, const char **forgotten, struct error *err);
/* To an error of what such a config was used for: that plugins were forgotten, if there were any. */
tcet_status stored_error(const char *folder, const char *forgotten, struct error *err);

#endif
