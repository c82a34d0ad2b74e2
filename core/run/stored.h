/* stored.h -- FOLDER/config.ini, which a run leaves and what goes on with the folder reads.
 * Room: core/run. */
#ifndef CORE_STORED_H
#define CORE_STORED_H

#include "config/config.h"

/* Writes FOLDER/config.ini, whole or not at all. */
tcet_status stored_write(const char *folder, const char *text, struct error *err);

/* Reads it.  A folder may come from anywhere, so no plugin is opened because its config says so:
 * the folders that [plugins] path names are forgotten, and those in `allowed`, absolute, stand in
 * their place.  *forgotten: what it named, in the config's arena; "" nothing. */
tcet_status stored_read(const char *folder, const char *const *allowed, size_t count,
                        struct config **out, const char **forgotten, struct error *err);
/* To an error of what such a config was used for: that plugins were forgotten, if there were any. */
tcet_status stored_error(const char *folder, const char *forgotten, struct error *err);

#endif
