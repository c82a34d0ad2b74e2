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
    const char *tables;    /* a folder for all tables as Markdown and LaTeX; NULL: none */
};

/* A table outside the page; name: of its files. */
struct report_text {
    const char *name;
    struct buf markdown, latex;
};
/* Those that belong to no figure. */
struct report_tables {
    struct arena arena;
    struct report_text *item;
    size_t count, cap;
};
/* The next one, empty, of that name or one made of it; lives until the next. */
struct report_text *report_tables_add(struct report_tables *t, const char *name);
/* The same of cells, the first row a header. */
void report_tables_cells(struct report_tables *t, const char *name, const char *const *cell,
                         size_t rows, size_t columns);
/* Writes them, and the figures', into a folder: NAME.md and NAME.tex each. */
tcet_status report_tables_write(const char *folder, const struct report_tables *t,
                                const struct figures *f, struct error *err);
void report_tables_free(struct report_tables *t);

/* What a report is made of. */
struct report_out {
    struct buf page;
    struct figures figures;
    struct report_tables tables;
};

/* Writes the page of folders of runs, searches and trainings, and of tables of scores. */
tcet_status report_page_write(const struct report_page *p, const char *const *paths, size_t count,
                              struct error *err);

/* Is rsvg-convert there, where pictures are asked for that are made by it?  Else an error that names its
 * package. */
tcet_status report_check_converter(const struct report_page *p, struct error *err);
/* Writes the page, the pictures and the tables. */
tcet_status report_write_files(const struct report_page *p, const struct report_out *out,
                               struct error *err);

/* How the incumbents of searches grew, and the front of those with several objectives. */
tcet_status report_searches(const char *const *paths, size_t count, struct figures *out,
                            struct error *err);
/* Losses, accuracies and rates of trainings. */
tcet_status report_trainings(const char *const *paths, size_t count, struct figures *out,
                             struct error *err);
/* The folders of trainings, at most `most`: this one where it has train.csv, else its seed-N that have; 0:
 * it is no folder of trainings.  In `a`. */
size_t report_training_folders(const char *path, struct arena *a, const char **out, size_t most);
/* Where the numbers of a folder come from: its store, NULL: it is opened here if there is one; its config,
 * NULL: it is read here; is it a table of scores? */
struct report_origin {
    const char *path;
    struct store *store;
    const struct config *config;
    int is_table;
};
/* A table of that, and the folders' configs. */
tcet_status report_provenance(const struct report_origin *of, size_t count, struct report_out *out,
                              struct error *err);
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
tcet_status report_hours(const struct config *config, const struct folder *f,
                         struct report_out *out, struct error *err);
/* The same in words, a line for each score that [reference_hours] has; nothing where it has none of the folder's. */
tcet_status hours_say(const struct config *config, const struct folder *f, struct buf *out,
                      struct error *err);
/* How many networks the hours are of: [benchmark] networks, else the space's; 0: unknown, -1: no number. */
tcet_status hours_networks(const struct config *config, double *out, struct error *err);

#endif
