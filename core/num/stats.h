/* stats.h -- rank statistics of scores against accuracies.
 *
 * Room: core/num.  Stands on core/base.  Undefined results (a constant input, n < 2) are
 * NaN.  Inputs must be free of NaN (infinities may be ranked): callers drop such pairs and say
 * how many.  Sums are scaled, so that finite inputs of any size have finite moments.  n < 2^32.  Any
 * thread; nothing is kept between calls. */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Kendall's tau-b (ties corrected as scipy's default), O(n log n) merge sort. */
double stats_kendall(const double *x, const double *y, size_t n);
/* Spearman's rho: Pearson's r of the average ranks. */
double stats_spearman(const double *x, const double *y, size_t n);
double stats_pearson(const double *x, const double *y, size_t n);
/* Kendall's partial tau (T-CET eq. 1): (xy - xz yz)/sqrt((1-xz^2)(1-yz^2)). */
double stats_partial(double xy, double xz, double yz);

/* Ranks from 1, smallest value first; ties as named. */
enum stats_ties { STATS_AVERAGE, STATS_DENSE, STATS_MIN };
void stats_rank(const double *x, size_t n, enum stats_ties ties, double *out);

enum { STATS_INTERVAL_MIN = 10 };

struct stats_interval {
    double low, high; /* 95 % */
    char method[32];  /* "bootstrap 1000", "jackknife", "none": printed beside it */
};
/* 95 % interval of tau-b; NaN and "none" below STATS_INTERVAL_MIN items, too few to resample.
 * Percentile bootstrap with `replicates` resamples from seed
 * (resamples in which a column is constant are left out); where n * replicates is above 4
 * million, about half a second, the jackknife instead (tau of all but each item, from counts
 * of concordant pairs per item, O(n log n); normal interval).  replicates 0 means automatic:
 * 1000. */
struct stats_interval stats_kendall_interval(const double *x, const double *y, size_t n,
                                             size_t replicates, uint64_t seed);

/* tau-b of all items, and of all but each: out[n]; NaN where n < 3, or where what is left is constant. */
double stats_kendall_without(const double *x, const double *y, size_t n, double *out);
/* Is an estimate a of n items above b, of the same items, by more than their 95 % interval (paired jackknife,
 * normal)?  without_...: what each is without one of the items; NaN counts as 0. */
int stats_is_better(const double *without_a, double a, const double *without_b, double b, size_t n);

/* Remembers how a column is ordered, for the next one that is compared with it.  {0} at first; freed by
 * stats_order_free. */
struct stats_order {
    size_t n;
    double *y;             /* a copy; NULL: nothing yet */
    uint32_t *perm, *rank; /* which item is at each place; dense ranks of the items */
    uint32_t distinct;
};
void stats_order_free(struct stats_order *o);

/* All three from one sort: what a table of correlations needs.  kept: y's order from an earlier call or
 * for a later one, when y is the same; NULL: of no other. */
struct stats_relation {
    double kendall, spearman;
    struct stats_interval interval; /* of kendall */
};
void stats_relate(const double *x, const double *y, size_t n, size_t replicates, uint64_t seed,
                  struct stats_order *kept, struct stats_relation *out);

struct stats_top {
    size_t k;      /* as asked, at most n */
    double best;   /* best accuracy among the k with the highest score */
    double regret; /* best accuracy of all minus that */
    double mean;   /* mean accuracy of the k */
};
/* Where scores tie at rank k, best and mean are those expected over all orders of the tied, so that
 * they depend on no order of the input (k = 1: the mean accuracy of all that tie for the first
 * place). */
void stats_top_k(const double *score, const double *accuracy, size_t n, size_t k,
                 struct stats_top *out);

/* Parts of a product (T-CET eq. 5 and 6): mean and std of one metric's values and the
 * coefficient mean/std. */
struct stats_moments {
    double mean, std, ratio; /* ratio = mean/std */
};
struct stats_moments stats_moments(const double *x, size_t n); /* std over n - 1 */

/* Sorts n values, smallest first; NaN has no place. */
void stats_sort(double *v, size_t n);
/* The q-quantile (0 to 1) of n > 0 values that are sorted, smallest first, between two of them linear. */
double stats_quantile(const double *sorted, size_t n, double q);

/* How much of the spread of the product of two metrics comes from the first, 0 to 1: to first
 * order var(ab) = mean_b^2 var_a + mean_a^2 var_b for independent parts, so the part with the
 * smaller |mean/std| dominates the product's ranking.  Above 1/2 it is a. */
double stats_product_share(struct stats_moments a, struct stats_moments b);

#endif
