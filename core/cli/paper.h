/* paper.h -- a sample of the paper's configs, as one page: our taus beside the published.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_PAPER_H
#define CORE_CLI_PAPER_H

#include "cli/about.h"
#include "cli/cli.h"
#include "cli/report_parts.h"

/* One of our figures; published NaN: the paper has none. */
struct paper_figure {
    const char *name; /* of a score, or of two */
    double ours, published;
};

/* One config. */
struct paper_item {
    const char *name, *path;
    struct config_about about;
    struct config *config;
    int ran;
    const char *state; /* how its run ended */
    const struct paper_figure *figure;
    size_t count;
    const char *accuracy; /* which ours and the published are of; NULL: unknown */
};

/* Our figures of a run's folder.  In a. */
tcet_status paper_read(struct paper_item *it, const char *folder, struct arena *a,
                       struct error *err);
/* All figures of one, and what it is. */
void paper_details(const struct paper_item *it, struct buf *out);
/* A line a config that was run, with the last two figures that the paper has, and which were not run for
 * want of what. */
void paper_page(const struct paper_item *items, size_t count, struct buf *out);

#endif
