/* stats.c -- see stats.h.  Room: core/num.  Stands on core/base and libm.
 *
 * Everything works on dense ranks: values are sorted once by radix, and from then on only
 * small integers are compared. */
#include "num/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "num/rng.h"

enum { DIGIT = 11, DIGITS = 6, UPPER = 3, BUCKETS = 1 << DIGIT }; /* 66 bits cover a double */
enum { FEW = 128, REPLICATES = 1000, BOOTSTRAP_LIMIT = 4000000 };

struct keyed {
    uint64_t key;
    uint32_t index;
};

/* Bits of a double that compare as unsigned integers as the numbers do; -0 becomes 0. */
static uint64_t sortable(double v)
{
    uint64_t b;

    v += 0.0;
    memcpy(&b, &v, sizeof b);
    return b >> 63 ? ~b : b | UINT64_C(1) << 63;
}

/* Stable by digits [first, last) of the keys.  Returns which of the two then holds them. */
static struct keyed *radix(struct keyed *from, struct keyed *to, size_t n, int first, int last,
                           uint32_t (*counts)[BUCKETS])
{
    memset(counts, 0, (size_t)(last - first) * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        for (int d = first; d < last; d++)
            counts[d - first][from[i].key >> (d * DIGIT) & (BUCKETS - 1)]++;
    }
    for (int d = first; d < last; d++) {
        uint32_t *at = counts[d - first], sum = 0;
        int shift = d * DIGIT;
        struct keyed *swap = from;

        if (at[from[0].key >> shift & (BUCKETS - 1)] == n)
            continue; /* this digit is the same everywhere */
        for (int b = 0; b < BUCKETS; b++) {
            uint32_t c = at[b];

            at[b] = sum;
            sum += c;
        }
        for (size_t i = 0; i < n; i++)
            to[at[from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
        from = to;
        to = swap;
    }
    return from;
}

/* Items whose upper digits are equal, and in their order: by the lower ones, which for FEW is
 * quickest one by one. */
static void sort_run(struct keyed *run, struct keyed *spare, size_t n, uint32_t (*counts)[BUCKETS])
{
    struct keyed *sorted = run;

    if (n > FEW)
        sorted = radix(run, spare, n, 0, UPPER, counts);
    if (sorted != run)
        memcpy(run, sorted, n * sizeof *run);
    for (size_t i = 1; i < n && n <= FEW; i++) {
        struct keyed item = run[i];
        size_t k = i;

        for (; k && run[k - 1].key > item.key; k--)
            run[k] = run[k - 1];
        run[k] = item;
    }
}

/* Stable order of x: perm[k] is the item at place k.  flip is 0, or ~0 for descending. */
static void sort_values(const double *x, size_t n, uint64_t flip, uint32_t *perm)
{
    struct keyed *one = mem_alloc(n * sizeof *one), *other = mem_alloc(n * sizeof *other), *sorted;
    uint32_t(*counts)[BUCKETS] = mem_alloc(UPPER * sizeof *counts);

    for (size_t i = 0; i < n; i++)
        one[i] = (struct keyed){sortable(x[i]) ^ flip, (uint32_t)i};
    sorted = n ? radix(one, other, n, UPPER, DIGITS, counts) : one;
    for (size_t start = 0, end; start < n; start = end) {
        for (end = start + 1; end < n && !((sorted[end].key ^ sorted[start].key) >> UPPER * DIGIT);)
            end++;
        sort_run(sorted + start, (sorted == one ? other : one) + start, end - start, counts);
    }
    for (size_t i = 0; i < n; i++)
        perm[i] = sorted[i].index;
    free(one);
    free(other);
    free(counts);
}

/* Dense ranks from 0 of x, whose order is perm; returns the number of distinct values. */
static uint32_t dense_ranks(const double *x, size_t n, const uint32_t *perm, uint32_t *rank)
{
    uint32_t r = 0;

    for (size_t k = 0; k < n; k++) {
        r += k && x[perm[k]] != x[perm[k - 1]];
        rank[perm[k]] = r;
    }
    return n ? r + 1 : 0;
}

void stats_rank(const double *x, size_t n, enum stats_ties ties, double *out)
{
    uint32_t *perm = mem_alloc(n * sizeof *perm);
    size_t dense = 0, end;

    sort_values(x, n, 0, perm);
    for (size_t k = 0; k < n; k = end) {
        double rank;

        dense++;
        for (end = k + 1; end < n && x[perm[end]] == x[perm[k]];)
            end++;
        rank = ties == STATS_DENSE ? (double)dense
               : ties == STATS_MIN ? (double)(k + 1)
                                   : (double)(k + 1 + end) / 2;
        for (size_t i = k; i < end; i++)
            out[perm[i]] = rank;
    }
    free(perm);
}

static double clamp1(double v)
{
    return v > 1 ? 1 : v < -1 ? -1 : v;
}

/* A power of two as two factors, since alone it may be beyond what a double holds. */
struct scale {
    double first, second;
};

static struct scale scale_by(int exponent)
{
    int half = exponent / 2;

    return (struct scale){ldexp(1, half), ldexp(1, exponent - half)};
}

/* Exponent of the largest |x|: divided by that power of two, sums of squares neither overflow nor
 * vanish, and no bit of a result without a unit changes.  0 where x is 0 or not finite. */
static int exponent_of(const double *x, size_t n)
{
    double largest = 0;
    int exponent = 0;

    for (size_t i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    if (isfinite(largest))
        frexp(largest, &exponent);
    return exponent;
}

static double scaled(double v, struct scale s)
{
    return v * s.first * s.second;
}

double stats_pearson(const double *x, const double *y, size_t n)
{
    struct scale sx = scale_by(-exponent_of(x, n)), sy = scale_by(-exponent_of(y, n));
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; i < n; i++) {
        mx += scaled(x[i], sx);
        my += scaled(y[i], sy);
    }
    mx /= (double)n;
    my /= (double)n;
    for (size_t i = 0; i < n; i++) {
        double a = scaled(x[i], sx) - mx, b = scaled(y[i], sy) - my;

        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return n < 2 || xx == 0 || yy == 0 ? NAN : clamp1(xy / sqrt(xx) / sqrt(yy));
}

double stats_partial(double xy, double xz, double yz)
{
    double d = (1 - xz * xz) * (1 - yz * yz);

    return d > 0 ? (xy - xz * yz) / sqrt(d) : NAN;
}

/* Dense ranks of both columns, items sorted by x, then y. */
struct joint {
    size_t n;
    uint32_t *x, *y;
    uint32_t distinct_x, distinct_y;
};

/* o is y's order from now on, if it was not. */
static void order_column(struct stats_order *o, const double *y, size_t n)
{
    if (o->y && o->n == n && !memcmp(o->y, y, n * sizeof *y))
        return;
    stats_order_free(o);
    o->n = n;
    o->y = mem_alloc(n * sizeof *o->y);
    memcpy(o->y, y, n * sizeof *y);
    o->perm = mem_alloc(n * sizeof *o->perm);
    o->rank = mem_alloc(n * sizeof *o->rank);
    sort_values(y, n, 0, o->perm);
    o->distinct = dense_ranks(y, n, o->perm, o->rank);
}

void stats_order_free(struct stats_order *o)
{
    free(o->y);
    free(o->perm);
    free(o->rank);
    *o = (struct stats_order){.n = 0};
}

/* item[n]: which item stands at each place; NULL: not asked. */
static struct joint joint_sort(const double *x, const double *y, size_t n, struct stats_order *kept,
                               uint32_t *item)
{
    struct stats_order own = {.n = 0}, *o = kept ? kept : &own;
    uint32_t *perm = mem_alloc(n * sizeof *perm), *rx = mem_alloc(n * sizeof *rx), *at, sum = 0;
    struct joint j = {n, mem_alloc(n * sizeof *j.x), mem_alloc(n * sizeof *j.y), 0, 0};

    sort_values(x, n, 0, perm);
    j.distinct_x = dense_ranks(x, n, perm, rx);
    order_column(o, y, n);
    j.distinct_y = o->distinct;
    at = mem_alloc(j.distinct_x * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[rx[i]]++;
    for (uint32_t r = 0; r < j.distinct_x; r++) {
        uint32_t c = at[r];

        at[r] = sum;
        sum += c;
    }
    for (size_t k = 0; k < n; k++) { /* in the order of y, so y ascends within each x */
        uint32_t i = o->perm[k], place = at[rx[i]]++;

        j.x[place] = rx[i];
        j.y[place] = o->rank[i];
        if (item)
            item[place] = i;
    }
    free(perm);
    free(rx);
    free(at);
    stats_order_free(&own);
    return j;
}

static void joint_free(struct joint *j)
{
    free(j->x);
    free(j->y);
}

/* Sorts v and returns the number of pairs that stood in descending order. */
static uint64_t inversions(uint32_t *v, uint32_t *spare, size_t n)
{
    enum { RUN = 8 };
    uint32_t *from = v, *to = spare;
    uint64_t count = 0;

    for (size_t start = 0; start < n; start += RUN) {
        size_t end = start + RUN < n ? start + RUN : n;

        for (size_t i = start + 1; i < end; i++) {
            uint32_t value = v[i];
            size_t k = i;

            for (; k > start && v[k - 1] > value; k--)
                v[k] = v[k - 1];
            v[k] = value;
            count += i - k;
        }
    }
    for (size_t width = RUN; width < n; width *= 2) {
        uint32_t *swap = from;

        for (size_t start = 0; start < n; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n;
            size_t end = middle + width < n ? middle + width : n;
            size_t a = start, b = middle, k = start;

            while (a < middle && b < end) { /* no branch on the data: they are hard to guess */
                uint32_t va = from[a], vb = from[b];
                size_t second = vb < va;

                to[k++] = second ? vb : va;
                count += (0 - second) & (middle - a);
                b += second;
                a += 1 - second;
            }
            memcpy(to + k, from + a, (middle - a) * sizeof *to);
            memcpy(to + k + (middle - a), from + b, (end - b) * sizeof *to);
        }
        from = to;
        to = swap;
    }
    return count;
}

static uint64_t pairs(uint64_t n)
{
    return n * (n - 1) / 2;
}

/* tau-b from (concordant - discordant) pairs and the pairs not tied in x and in y. */
static double tau_b(double balance, uint64_t untied_x, uint64_t untied_y)
{
    if (!untied_x || !untied_y)
        return NAN;
    return clamp1(balance / sqrt((double)untied_x) / sqrt((double)untied_y));
}

/* tau-b.  Destroys j->y; spare holds n values, counts distinct_y zeros and is left so. */
static double joint_tau(struct joint *j, uint32_t *spare, uint32_t *counts)
{
    uint64_t tied_x = 0, tied_y = 0, tied_both = 0, all = pairs(j->n), discordant;
    uint64_t run_x = 0, run_both = 0;

    for (size_t i = 0; i < j->n; i++) {
        int same = i && j->x[i] == j->x[i - 1];

        run_x = same ? run_x + 1 : 0;
        run_both = same && j->y[i] == j->y[i - 1] ? run_both + 1 : 0;
        tied_x += run_x;
        tied_both += run_both;
        tied_y += counts[j->y[i]]++;
    }
    memset(counts, 0, j->distinct_y * sizeof *counts);
    discordant = inversions(j->y, spare, j->n);
    return tau_b((double)(int64_t)(all - tied_x - tied_y + tied_both - 2 * discordant),
                 all - tied_x, all - tied_y);
}

static double joint_kendall(struct joint *j)
{
    uint32_t *spare = mem_alloc(j->n * sizeof *spare);
    uint32_t *counts = mem_alloc(j->distinct_y * sizeof *counts);
    double tau = joint_tau(j, spare, counts);

    free(spare);
    free(counts);
    return tau;
}

/* Average ranks of values with these dense ranks. */
static double *average_ranks(const uint32_t *dense, size_t n, uint32_t distinct)
{
    double *value = mem_alloc(distinct * sizeof *value), *out = mem_alloc(n * sizeof *out);
    double below = 0;

    for (size_t i = 0; i < n; i++)
        value[dense[i]]++;
    for (uint32_t r = 0; r < distinct; r++) {
        double count = value[r];

        value[r] = below + (count + 1) / 2;
        below += count;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = value[dense[i]];
    free(value);
    return out;
}

static double joint_spearman(const struct joint *j)
{
    double *x = average_ranks(j->x, j->n, j->distinct_x);
    double *y = average_ranks(j->y, j->n, j->distinct_y), rho = stats_pearson(x, y, j->n);

    free(x);
    free(y);
    return rho;
}

double stats_kendall(const double *x, const double *y, size_t n)
{
    struct joint j;
    double tau;

    if (n < 2)
        return NAN;
    j = joint_sort(x, y, n, NULL, NULL);
    tau = joint_kendall(&j);
    joint_free(&j);
    return tau;
}

double stats_spearman(const double *x, const double *y, size_t n)
{
    struct joint j;
    double rho;

    if (n < 2)
        return NAN;
    j = joint_sort(x, y, n, NULL, NULL);
    rho = joint_spearman(&j);
    joint_free(&j);
    return rho;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
}

/* Value at share p of sorted v, linear between neighbours. */
static double quantile(const double *v, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;

    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[i];
}

/* A resample keeps the order of the items, so only its multiplicities are drawn. */
static void bootstrap(const struct joint *j, size_t replicates, uint64_t seed,
                      struct stats_interval *out)
{
    size_t n = j->n, good = 0;
    struct joint sample = {n, mem_alloc(n * sizeof *j->x), mem_alloc(n * sizeof *j->y),
                           j->distinct_x, j->distinct_y};
    uint32_t *times = mem_alloc(n * sizeof *times), *spare = mem_alloc(n * sizeof *spare);
    uint32_t *counts = mem_alloc(j->distinct_y * sizeof *counts);
    double *taus = mem_alloc(replicates * sizeof *taus);

    for (size_t r = 0; r < replicates; r++) {
        size_t at = 0;
        double tau;

        memset(times, 0, n * sizeof *times);
        for (size_t i = 0; i < n; i++)
            times[(rng_mix(&seed) >> 32) * n >> 32]++;
        for (size_t i = 0; i < n; i++) {
            for (uint32_t t = times[i]; t; t--, at++) {
                sample.x[at] = j->x[i];
                sample.y[at] = j->y[i];
            }
        }
        tau = joint_tau(&sample, spare, counts);
        if (!isnan(tau))
            taus[good++] = tau;
    }
    if (good) {
        stats_sort(taus, good);
        out->low = quantile(taus, good, .025);
        out->high = quantile(taus, good, .975);
    }
    snprintf(out->method, sizeof out->method, "bootstrap %zu", replicates);
    joint_free(&sample);
    free(times);
    free(spare);
    free(counts);
    free(taus);
}

/* Fenwick tree over y ranks: number of items with rank < r. */
static uint32_t tree_below(const uint32_t *tree, uint32_t r)
{
    uint32_t sum = 0;

    for (; r; r &= r - 1)
        sum += tree[r];
    return sum;
}

static void tree_add(uint32_t *tree, uint32_t size, uint32_t r)
{
    for (r++; r <= size; r += r & -r)
        tree[r]++;
}

/* For each item (in joint order) concordant minus discordant partners.  below[r] is the number
 * of items with y rank < r. */
static void balances(const struct joint *j, const uint32_t *below, int64_t *balance)
{
    uint32_t *tree = mem_alloc((j->distinct_y + (size_t)1) * sizeof *tree);
    size_t end;

    for (size_t start = 0; start < j->n; start = end) {
        int64_t left = (int64_t)start, right, smaller = 0; /* others of this x with less y */
        size_t next;

        for (end = start; end < j->n && j->x[end] == j->x[start];)
            end++;
        right = (int64_t)(j->n - end);
        for (size_t i = start; i < end; i = next) {
            uint32_t y = j->y[i];
            int64_t left_less = tree_below(tree, y), left_upto = tree_below(tree, y + 1);
            int64_t right_less, right_upto, value, equal;

            for (next = i; next < end && j->y[next] == y;)
                next++;
            equal = (int64_t)(next - i);
            right_less = below[y] - left_less - smaller;
            right_upto = below[y + 1] - left_upto - smaller - equal;
            value = left_less - (left - left_upto) + (right - right_upto) - right_less;
            for (size_t k = i; k < next; k++)
                balance[k] = value;
            smaller += equal;
        }
        for (size_t i = start; i < end; i++)
            tree_add(tree, j->distinct_y, j->y[i]);
    }
    free(tree);
}

/* tau of all, and of all but each item (in joint order): out[n]. */
static double leave_one(const struct joint *j, double *out)
{
    size_t n = j->n, end;
    int64_t *balance = mem_alloc(n * sizeof *balance), total = 0;
    uint32_t *below = mem_alloc((j->distinct_y + (size_t)1) * sizeof *below);
    uint64_t untied_x = 0, untied_y = 0;

    for (size_t i = 0; i < n; i++)
        below[j->y[i] + 1]++;
    for (uint32_t r = 0; r < j->distinct_y; r++)
        below[r + 1] += below[r];
    balances(j, below, balance);
    for (size_t i = 0; i < n; i = end) { /* sums count each pair twice */
        for (end = i; end < n && j->x[end] == j->x[i]; end++) {
            total += balance[end];
            untied_y += n - (below[j->y[end] + 1] - below[j->y[end]]);
        }
        untied_x += (end - i) * (n - (end - i));
    }
    total /= 2;
    untied_x /= 2;
    untied_y /= 2;
    for (size_t i = 0; i < n; i = end) {
        for (end = i; end < n && j->x[end] == j->x[i];)
            end++;
        for (size_t k = i; k < end; k++) {
            uint64_t same_y = below[j->y[k] + 1] - below[j->y[k]];

            out[k] = tau_b((double)(total - balance[k]), untied_x - (n - (end - i)),
                           untied_y - (n - same_y));
        }
    }
    free(balance);
    free(below);
    return tau_b((double)total, untied_x, untied_y);
}

/* The standard error of an estimate that is so without each of n items. */
static double jackknife_error(const double *without, size_t n, double all)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        double d = without[i] - all;

        sum += d;
        squares += d * d;
    }
    return sqrt((double)(n - 1) / (double)n * (squares - sum * sum / (double)n));
}

#define NORMAL_95 1.959963984540054

static void jackknife(const struct joint *j, struct stats_interval *out)
{
    double *without = mem_alloc(j->n * sizeof *without), tau = leave_one(j, without);
    double error = jackknife_error(without, j->n, tau);

    out->low = clamp1(tau - NORMAL_95 * error);
    out->high = clamp1(tau + NORMAL_95 * error);
    snprintf(out->method, sizeof out->method, "jackknife");
    free(without);
}

double stats_kendall_without(const double *x, const double *y, size_t n, double *out)
{
    double *without = mem_alloc((n + 1) * sizeof *without), tau = NAN;
    uint32_t *item = mem_alloc((n + 1) * sizeof *item);
    struct joint j;

    for (size_t i = 0; i < n; i++)
        out[i] = NAN;
    if (n >= 3) {
        j = joint_sort(x, y, n, NULL, item);
        tau = leave_one(&j, without);
        for (size_t k = 0; k < n; k++)
            out[item[k]] = without[k];
        joint_free(&j);
    }
    free(without);
    free(item);
    return tau;
}

int stats_is_better(const double *without_a, double a, const double *without_b, double b, size_t n)
{
    double *difference = mem_alloc((n + 1) * sizeof *difference), error;

    for (size_t i = 0; i < n; i++) /* without the only one that differs a column tells nothing */
        difference[i] =
            (isnan(without_a[i]) ? 0 : without_a[i]) - (isnan(without_b[i]) ? 0 : without_b[i]);
    error = jackknife_error(difference, n, a - b);
    free(difference);
    return a - b > NORMAL_95 * error;
}

static struct stats_interval joint_interval(const struct joint *j, size_t replicates, uint64_t seed)
{
    struct stats_interval out = {NAN, NAN, "none"};

    if (j->n < STATS_INTERVAL_MIN)
        return out;
    if (!replicates)
        replicates = REPLICATES;
    if (replicates <= BOOTSTRAP_LIMIT / j->n)
        bootstrap(j, replicates, seed, &out);
    else
        jackknife(j, &out);
    return out;
}

struct stats_interval stats_kendall_interval(const double *x, const double *y, size_t n,
                                             size_t replicates, uint64_t seed)
{
    struct stats_interval out = {NAN, NAN, "none"};
    struct joint j;

    if (n < 2)
        return out;
    j = joint_sort(x, y, n, NULL, NULL);
    out = joint_interval(&j, replicates, seed);
    joint_free(&j);
    return out;
}

void stats_relate(const double *x, const double *y, size_t n, size_t replicates, uint64_t seed,
                  struct stats_order *kept, struct stats_relation *out)
{
    struct joint j;

    *out = (struct stats_relation){NAN, NAN, {NAN, NAN, "none"}};
    if (n < 2)
        return;
    j = joint_sort(x, y, n, kept, NULL);
    out->interval = joint_interval(&j, replicates, seed);
    out->spearman = joint_spearman(&j);
    out->kendall = joint_kendall(&j); /* last: it destroys j */
    joint_free(&j);
}

/* The first k places, FEW at most, of sort_values in descending order, without the others. */
static void pick_few(const double *x, size_t n, size_t k, uint32_t *perm)
{
    uint64_t keys[FEW];
    size_t count = 0;

    for (size_t i = 0; i < n && k; i++) {
        uint64_t key = ~sortable(x[i]);
        size_t at;

        if (count == k && key >= keys[k - 1])
            continue;
        count += count < k;
        for (at = count - 1; at && keys[at - 1] > key; at--) {
            keys[at] = keys[at - 1];
            perm[at] = perm[at - 1];
        }
        keys[at] = key;
        perm[at] = (uint32_t)i;
    }
}

/* The score at place k, 1 to n. */
static double score_at(const double *score, size_t n, size_t k)
{
    uint32_t *perm = mem_alloc(n * sizeof *perm);
    double value;

    if (k > FEW)
        sort_values(score, n, ~UINT64_C(0), perm);
    else
        pick_few(score, n, k, perm);
    value = score[perm[k - 1]];
    free(perm);
    return value;
}

/* Accuracies, sorted, of the items with a score above the last place's, and of those at it. */
struct top_items {
    double *above, *tied;
    size_t above_count, tied_count;
};

static struct top_items top_items(const double *score, const double *accuracy, size_t n,
                                  double last)
{
    struct top_items t = {mem_alloc(n * sizeof *t.above), mem_alloc(n * sizeof *t.tied), 0, 0};

    for (size_t i = 0; i < n; i++) {
        if (score[i] > last)
            t.above[t.above_count++] = accuracy[i];
        else if (score[i] == last)
            t.tied[t.tied_count++] = accuracy[i];
    }
    stats_sort(t.above, t.above_count);
    stats_sort(t.tied, t.tied_count);
    return t;
}

/* What `places` of the tied items add to the sum, and the best of all, on average over their
 * orders: item j (from 1) of t sorted ones is the best of r with probability C(j-1, r-1)/C(t, r). */
static void top_expect(const struct top_items *t, size_t places, double *best, double *sum)
{
    double above = t->above_count ? t->above[t->above_count - 1] : -INFINITY, all = 0;
    double chance = (double)places / (double)t->tied_count;

    *best = *sum = 0;
    for (size_t i = 0; i < t->above_count; i++)
        *sum += t->above[i];
    for (size_t i = 0; i < t->tied_count; i++)
        all += t->tied[i];
    *sum += places == t->tied_count ? all : all * ((double)places / (double)t->tied_count);
    for (size_t j = t->tied_count; j >= places; j--) {
        double a = t->tied[j - 1];

        *best += chance * (a > above ? a : above);
        if (j > 1)
            chance *= (double)(j - places) / (double)(j - 1);
        if (chance <= 0)
            break;
    }
}

void stats_top_k(const double *score, const double *accuracy, size_t n, size_t k,
                 struct stats_top *out)
{
    double best, sum, all = -INFINITY;
    struct top_items t;

    if (k > n)
        k = n;
    *out = (struct stats_top){0, NAN, NAN, NAN};
    if (!k)
        return;
    for (size_t i = 0; i < n; i++)
        all = accuracy[i] > all ? accuracy[i] : all;
    t = top_items(score, accuracy, n, score_at(score, n, k));
    top_expect(&t, k - t.above_count, &best, &sum);
    *out = (struct stats_top){k, best, all - best, sum / (double)k};
    free(t.above);
    free(t.tied);
}

struct stats_moments stats_moments(const double *x, size_t n)
{
    struct stats_moments m = {NAN, NAN, NAN};
    double sum = 0, squares = 0;
    int exponent = exponent_of(x, n);
    struct scale down = scale_by(-exponent), up = scale_by(exponent);

    for (size_t i = 0; i < n; i++)
        sum += scaled(x[i], down);
    if (n)
        m.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (scaled(x[i], down) - m.mean) * (scaled(x[i], down) - m.mean);
    if (n > 1)
        m.std = sqrt(squares / (double)(n - 1));
    if (m.std > 0)
        m.ratio = m.mean / m.std;
    m.mean = scaled(m.mean, up);
    m.std = scaled(m.std, up);
    return m;
}

double stats_product_share(struct stats_moments a, struct stats_moments b)
{
    double means[2] = {a.mean, b.mean}, stds[2] = {a.std, b.std};
    struct scale mean = scale_by(-exponent_of(means, 2)), std = scale_by(-exponent_of(stds, 2)), s;
    double from[2] = {scaled(b.mean, mean) * scaled(a.std, std),
                      scaled(a.mean, mean) * scaled(b.std, std)};

    s = scale_by(-exponent_of(from, 2));
    from[0] = scaled(from[0], s);
    from[1] = scaled(from[1], s);
    return from[0] * from[0] / (from[0] * from[0] + from[1] * from[1]);
}

double stats_quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;

    return low + 1 < n ? sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low])
                       : sorted[low];
}
