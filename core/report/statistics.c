/* statistics.c -- every statistic of a score and of a pair of scores: what it is called, how it is
 * shown, and how it is computed.  A new one is a row here and no change elsewhere.
 * Room: core/report. */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* -- Of a line ---------------------------------------------------------------------------- */

static double kendall(const struct sample *s)
{
    return s->line->relation.kendall;
}

static double kendall_low(const struct sample *s)
{
    return s->line->relation.interval.low;
}

static double kendall_high(const struct sample *s)
{
    return s->line->relation.interval.high;
}

static const char *interval_method(const struct report_line *l)
{
    return l->relation.interval.method;
}

static double spearman(const struct sample *s)
{
    return s->line->relation.spearman;
}

/* Of the finite scores: infinities and NaN have a rank, but no place on a line. */
static double pearson(const struct sample *s)
{
    double *x = mem_alloc((s->line->n + 1) * sizeof *x),
           *y = mem_alloc((s->line->n + 1) * sizeof *y);
    double r;
    size_t n = 0;

    for (size_t i = 0; i < s->line->n; i++) {
        if (isfinite(s->score[i]) && isfinite(s->accuracy[i])) {
            x[n] = s->score[i];
            y[n++] = s->accuracy[i];
        }
    }
    r = stats_pearson(x, y, n);
    free(x);
    free(y);
    return r;
}

static double best_of(const struct stats_top *top)
{
    return top->k ? top->best : NAN;
}

static double top_1(const struct sample *s)
{
    return best_of(&s->line->top[0]);
}

static double top_10(const struct sample *s)
{
    return best_of(&s->line->top[1]);
}

static double top_100(const struct sample *s)
{
    return best_of(&s->line->top[2]);
}

static double regret_1(const struct sample *s)
{
    return s->line->top[0].k ? s->line->top[0].regret : NAN;
}

static double compared(const struct sample *s)
{
    return (double)s->line->n;
}

static double nans(const struct sample *s)
{
    return (double)s->line->nan;
}

static double published(const struct sample *s)
{
    return s->line->series->has_published ? s->line->series->published : NAN;
}

static double seconds(const struct sample *s)
{
    return s->line->series->seconds > 0 ? s->line->series->seconds : NAN;
}

static double guards(const struct sample *s)
{
    return (double)s->line->series->guards;
}

const struct statistic LINE_STATISTICS[] = {
    {.head = "Kendall", .json = "kendall", .format = "%.4f", .of_line = kendall},
    {.head = "95 % low", .json = "kendall_low", .format = "%.4f", .of_line = kendall_low},
    {.head = "95 % high", .json = "kendall_high", .format = "%.4f", .of_line = kendall_high},
    {.json = "interval", .word = interval_method},
    {.head = "Spearman", .json = "spearman", .format = "%.4f", .of_line = spearman},
    {.head = "Pearson", .json = "pearson", .format = "%.4f", .of_line = pearson},
    {.head = "top-1", .accuracy = 1, .of_line = top_1}, /* in JSON the tops have a list */
    {.head = "top-10", .accuracy = 1, .of_line = top_10},
    {.head = "top-100", .accuracy = 1, .of_line = top_100},
    {.head = "regret@1", .accuracy = 1, .of_line = regret_1},
    {.head = "n", .json = "n", .of_line = compared, .json_first = 1},
    {.head = "nan", .json = "nan", .of_line = nans, .json_first = 1},
    {.head = "published",
     .json = "published",
     .format = "%.2f",
     .of_line = published,
     .optional = 1},
    {.head = "ms/arch",
     .json = "seconds",
     .format = "%.1f",
     .of_line = seconds,
     .scale = 1e3,
     .optional = 1},
    {.head = "guards", .json = "guards", .of_line = guards, .optional = 1, .no_baseline = 1},
};
const size_t LINE_STATISTIC_COUNT = sizeof LINE_STATISTICS / sizeof *LINE_STATISTICS;

/* -- Of a pair ---------------------------------------------------------------------------- */

static double tau(const struct pair_sample *s)
{
    return s->tau;
}

/* Equation 1: of x and y given the accuracy. */
static double partial_tau(const struct pair_sample *s)
{
    return stats_partial(s->tau, stats_kendall(s->x, s->accuracy, s->n),
                         stats_kendall(s->y, s->accuracy, s->n));
}

static double mean_x(const struct pair_sample *s)
{
    return s->mx.mean;
}

static double std_x(const struct pair_sample *s)
{
    return s->mx.std;
}

static double ratio_x(const struct pair_sample *s)
{
    return s->mx.ratio;
}

static double mean_y(const struct pair_sample *s)
{
    return s->my.mean;
}

static double std_y(const struct pair_sample *s)
{
    return s->my.std;
}

static double ratio_y(const struct pair_sample *s)
{
    return s->my.ratio;
}

static double share_x(const struct pair_sample *s)
{
    return stats_product_share(s->mx, s->my);
}

/* The first is the one a paper's stands beside (report_tau). */
const struct statistic PAIR_STATISTICS[] = {
    {.head = "tau(x,y)", .json = "tau", .format = "%.4f", .of_pair = tau},
    {.head = "partial tau", .json = "partial_tau", .format = "%.4f", .of_pair = partial_tau},
    {.head = "mean x", .json = "mean_x", .format = "%.4g", .of_pair = mean_x},
    {.head = "std x", .json = "std_x", .format = "%.4g", .of_pair = std_x},
    {.head = "mean/std x", .json = "ratio_x", .format = "%.4g", .of_pair = ratio_x},
    {.head = "mean y", .json = "mean_y", .format = "%.4g", .of_pair = mean_y},
    {.head = "std y", .json = "std_y", .format = "%.4g", .of_pair = std_y},
    {.head = "mean/std y", .json = "ratio_y", .format = "%.4g", .of_pair = ratio_y},
    {.head = "share of x", .json = "share_x", .format = "%.4f", .of_pair = share_x},
};
const size_t PAIR_STATISTIC_COUNT = sizeof PAIR_STATISTICS / sizeof *PAIR_STATISTICS;
