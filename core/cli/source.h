/* source.h -- runs' folders, or tables of scores, beside a table of accuracies, as the command line says
 * or their config.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_SOURCE_H
#define CORE_CLI_SOURCE_H

#include "cli/cli.h"

/* As given on the command line; NULL: not given. */
struct source_options {
    struct option_list plugins;
    const char *table, *column, *key, *duplicates, *population;
    const char *space; /* of tables of scores */
};

/* One or more folders as one, and the config of the first that names a table, else of the first. */
struct source {
    struct folder *part;
    struct config **config; /* one a part */
    size_t count;
    struct folder all;
    const struct config *chosen;
    const char *path,
        *forgotten; /* the chosen one's folder; plugin folders that it names in vain */
};

/* Each path is a run's folder, or a table of scores: a file, or a shipped one's name.  *out is freed by
 * source_free. */
tcet_status source_read(const struct source_options *o, const char *const *paths, size_t count,
                        struct source *out, struct error *err);
void source_free(struct source *s);
/* Its scores against the table; *out is freed by comparison_free, before the source. */
tcet_status source_compare(const struct source_options *o, const struct source *s,
                           struct comparison *out, struct error *err);
/* A table by name or path; what --duplicates says, an enum table_duplicates. */
tcet_status source_table(const char *name, const struct table_options *options, struct table **out,
                         struct error *err);
/* The same for a run's folder, read as the command line says, else its config. */
tcet_status source_folder_table(const struct source_options *o, const struct config *config,
                                const char *table, struct table **out, struct error *err);
tcet_status source_duplicates(const struct source_options *o, int *out, struct error *err);

/* Is this a table of scores, and no folder?  What is neither is taken for a folder. */
int score_table_is(const char *path);
/* Reads one as if it were a run's folder: its columns but for accuracies.  In the table's comments
 * "# space = NAME", "# table = NAME" and "# column = NAME" say what a run's config would, "# scores = A B"
 * which columns are combinations of others, "# less = A B" of which less is better, "# group = A" that
 * networks of one number there are one network.  *out and *config: the caller's to free. */
tcet_status score_table_read(const struct source_options *o, const char *path, struct folder *out,
                             struct config **config, struct error *err);
/* Is a column nothing but text, the architecture in another spelling say?  That is said, once a call. */
int score_table_has_text(const struct table *t, size_t column);

#endif
