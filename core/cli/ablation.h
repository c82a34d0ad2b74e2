/* ablation.h -- the table of an [ablation]: a column a factor, mean and deviation over seeds, the mean
 * of each value of a factor.
 *
 * Room: core/cli. */
#ifndef CORE_CLI_ABLATION_H
#define CORE_CLI_ABLATION_H

#include "cli/cli.h"
#include "plan/expand.h"

/* One line: the cells that differ in their seed alone. */
struct ablation_row {
    const struct expand_cell *cell; /* the first of them that has a column */
    size_t column;                  /* its ordinal in the report */
    size_t seeds;                   /* cells with a tau */
    double tau, std;                /* over the seeds; std NaN for one */
    double spearman, seconds;       /* means */
    size_t nan;                     /* over the seeds */
};

struct ablation {
    struct arena arena;
    struct ablation_row *rows; /* the best first; those without a tau last */
    size_t count;
    int varies[EXPAND_FACTORS]; /* has the factor more than one value? */
};

/* Tells the cells' columns from the others', which text tables then leave out (their `hidden`). */
void ablation_hide(const struct config *config, struct comparison *cmp);
/* *out: to be freed; without rows where the config has no [ablation]. */
void ablation_make(const struct config *config, const struct report *r, struct ablation *out);
/* Rows that agree as well as the first, beside it. */
size_t ablation_ties(const struct ablation *a);
void ablation_free(struct ablation *a);
void ablation_print(const struct ablation *a, enum report_format f, size_t wide, struct buf *out);

#endif
