/* report_parts.h -- the page of `tcet-host report` and `run --report`, and its parts.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_REPORT_PARTS_H
#define CORE_CLI_REPORT_PARTS_H

#include "cli/source.h"
#include "report/figure.h"

struct report_page {
    struct source_options from;
    const char *arch;      /* whose layers are shown; NULL: the best by the main score */
    const char *file;      /* HTML */
    const char *svg, *png; /* folders for the pictures; NULL: none */
    const char *pdf;       /* a file with all of them, one a page; NULL: none */
};
/* Writes the page of folders of runs, searches and trainings. */
tcet_status report_page_write(const struct report_page *p, const char *const *paths, size_t count,
                              struct error *err);

/* Is rsvg-convert there, where pictures are asked for that are made by it?  Else an error that names its
 * package. */
tcet_status report_check_converter(const struct report_page *p, struct error *err);
/* Writes the page and the pictures. */
tcet_status report_write_files(const struct report_page *p, const struct buf *page,
                               const struct figures *f, struct error *err);

/* How the incumbents of searches grew, and the front of those with several objectives. */
tcet_status report_searches(const char *const *paths, size_t count, struct figures *out,
                            struct error *err);
/* Losses, accuracies and rates of trainings. */
tcet_status report_trainings(const char *const *paths, size_t count, struct figures *out,
                             struct error *err);
/* The folders of trainings, at most `most`: this one where it has train.csv, else its seed-N that have; 0:
 * it is no folder of trainings.  In `a`. */
size_t report_training_folders(const char *path, struct arena *a, const char **out, size_t most);
/* A table of where each folder's numbers come from, and their configs.  stores: of each, NULL: it is
 * opened here if there is one. */
tcet_status report_provenance(const char *const *paths, struct store *const *stores, size_t count,
                              struct arena *a, struct buf *page, struct error *err);
/* All that a run's folder holds of an architecture; *found: is it one of the run's? */
tcet_status report_row(struct store *s, const char *arch, struct arena *a, struct result_row *row,
                       int *found, struct error *err);
/* The row's values by layer of a column: a layered one's, or the products that a score by layerdot adds up;
 * NULL: it has none.  [row->layer_count], of the row or in `a`. */
const double *report_layer_values(struct store *s, const struct config *config,
                                  const struct result_row *row, const char *name, struct arena *a);
/* The layered columns of one architecture of a run, layer by layer, and the products that scores are which
 * multiply them so; nothing where it has none. */
tcet_status report_layers(struct store *s, const struct config *config, const char *arch,
                          struct figures *out, struct error *err);
/* A run's mean times over all networks of its space, beside [reference_hours]; nothing where no time or no
 * number of networks is known. */
tcet_status report_hours(const struct config *config, const struct folder *f, struct buf *page,
                         struct error *err);

#endif
