/* about.h -- what a config's first comment says, up to an empty line of it: a sentence on what the config is,
 * more sentences, and last where it cannot do without the user, one that begins with "Needs " and the
 * commands that go with it.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_ABOUT_H
#define CORE_CLI_ABOUT_H

#include "base/error.h"
#include "base/mem.h"

struct config_about {
    const char *what;  /* the first sentence, "" without a comment */
    const char *needs; /* what follows "Needs ", NULL: nothing */
    const char *how;   /* the commands; NULL without needs */
};

/* Texts live in a. */
tcet_status config_about(const char *path, struct arena *a, struct config_about *out,
                         struct error *err);

/* tables/sources.ini: where more accuracies of a space come from, and how they become a table; NULL: it does
 * not say.  In a. */
const char *space_sources(const char *space, struct arena *a);

#endif
