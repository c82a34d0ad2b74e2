/* rank.c -- combiners that look at all architectures at once: rankave, logrank, tenas, vote.
 *
 * Room: plugins/combiner.  Touches the SDK and libc alone. */
#include <math.h>
#include <stdlib.h>
#include <tcet/combiner.h>

struct rank {
    int32_t ties;
};

struct tenas {
    int64_t digits;
};

enum { TIES_AVERAGE = 0, TIES_DENSE = 1, TIES_MIN = 2 };

struct item {
    double value;
    int64_t index;
};

static const char no_memory[] = "no memory for the ranks";

static int ascending(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks of values, from 1 for the worst; NaN is worse than anything. */
static tcet_status rank(tcet_ctx *cx, const double *values, int64_t n, int32_t direction,
                        int32_t ties, double *out)
{
    struct item *items = cx->host->scratch(cx, (size_t)n * sizeof *items);
    int64_t nans = 0, dense = 0, m;

    if (!items)
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    for (int64_t i = 0; i < n; i++)
        nans += isnan(values[i]);
    m = nans;
    for (int64_t i = 0, bad = 0; i < n; i++) {
        if (isnan(values[i]))
            items[bad++].index = i;
        else
            items[m++] = (struct item){direction < 0 ? -values[i] : values[i], i};
    }
    qsort(items + nans, (size_t)(n - nans), sizeof *items, ascending);
    for (int64_t from = 0, to; from < n; from = to) {
        double r;

        to = from < nans ? nans : from + 1;
        while (from >= nans && to < n && items[to].value == items[from].value)
            to++;
        dense++;
        r = ties == TIES_AVERAGE ? 0.5 * (double)(from + 1 + to)
            : ties == TIES_DENSE ? (double)dense
                                 : (double)(from + 1);
        for (int64_t i = from; i < to; i++)
            out[items[i].index] = r;
    }
    return TCET_OK;
}

/* out_i = mean over the columns of f(rank), f the identity or ln(rank / n). */
static tcet_status rank_sum(tcet_ctx *cx, int32_t ties, int logs, const tcet_column *const *columns,
                            int64_t count, double *out)
{
    int64_t n = columns[0]->count;
    double *sum = cx->host->scratch(cx, (size_t)n * sizeof *sum);
    double *ranks = cx->host->scratch(cx, (size_t)n * sizeof *ranks);

    if (n && (!sum || !ranks))
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    for (int64_t k = 0; k < count; k++) {
        tcet_status st = rank(cx, columns[k]->values, n, columns[k]->direction, ties, ranks);

        if (st < 0)
            return st;
        for (int64_t i = 0; i < n; i++)
            sum[i] += logs ? log(ranks[i] / (double)n) : ranks[i] / (double)count;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = sum[i];
    return TCET_OK;
}

static tcet_status rankave_rank(tcet_ctx *cx, void *self, const tcet_column *const *columns,
                                int64_t count, double *out)
{
    const struct rank *p = self;

    return rank_sum(cx, p->ties, 0, columns, count, out);
}

static tcet_status logrank_rank(tcet_ctx *cx, void *self, const tcet_column *const *columns,
                                int64_t count, double *out)
{
    const struct rank *p = self;

    return rank_sum(cx, p->ties, 1, columns, count, out);
}

/* x with so many significant digits; halves go to the even digit, as numpy's around. */
static double rounded(double x, int64_t digits)
{
    double scale;

    if (x == 0.0 || !isfinite(x))
        return x;
    scale = pow(10.0, (double)(digits - 1) - floor(log10(fabs(x))));
    return nearbyint(x * scale) / scale;
}

static tcet_status tenas_rank(tcet_ctx *cx, void *self, const tcet_column *const *columns,
                              int64_t count, double *out)
{
    const struct tenas *p = self;
    int64_t n = columns[0]->count;
    double *values = cx->host->scratch(cx, (size_t)n * sizeof *values);
    double *ranks = cx->host->scratch(cx, (size_t)n * sizeof *ranks);
    double *sum = cx->host->scratch(cx, (size_t)n * sizeof *sum);

    if (n && (!values || !ranks || !sum))
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    for (int64_t k = 0; k < count; k++) {
        tcet_status st;

        for (int64_t i = 0; i < n; i++)
            values[i] = rounded(columns[k]->values[i], p->digits);
        st = rank(cx, values, n, columns[k]->direction, TIES_DENSE, ranks);
        if (st < 0)
            return st;
        for (int64_t i = 0; i < n; i++)
            sum[i] += ranks[i];
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = sum[i];
    return TCET_OK;
}

/* Of all duels of two architectures, the share won: by whom more metrics prefer; half for a
 * draw. */
static tcet_status vote_rank(tcet_ctx *cx, void *self, const tcet_column *const *columns,
                             int64_t count, double *out)
{
    int64_t n = columns[0]->count;
    double *ranks = cx->host->scratch(cx, (size_t)(n * count) * sizeof *ranks);
    int64_t *won2 = cx->host->scratch(cx, (size_t)n * sizeof *won2); /* twice the points */

    (void)self;
    if (n && (!ranks || !won2))
        return tcet_fail(cx, TCET_E_MEMORY, no_memory);
    for (int64_t k = 0; k < count; k++) {
        tcet_status st =
            rank(cx, columns[k]->values, n, columns[k]->direction, TIES_DENSE, ranks + k * n);

        if (st < 0)
            return st;
    }
    for (int64_t i = 0; i < n; i++) {
        if (cx->host->cancelled(cx))
            return tcet_fail(cx, TCET_E_CANCELLED, "stopped");
        for (int64_t j = i + 1; j < n; j++) {
            int64_t balance = 0;

            for (int64_t k = 0; k < count; k++) {
                double a = ranks[k * n + i], b = ranks[k * n + j];

                balance += (a > b) - (a < b);
            }
            won2[i] += (balance > 0) + (balance >= 0);
            won2[j] += (balance < 0) + (balance <= 0);
        }
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = n > 1 ? 0.5 * (double)won2[i] / (double)(n - 1) : 0.0;
    return TCET_OK;
}

static const char *const ties[] = {"average", "dense", "min", NULL};
static const tcet_param rank_params[] = {
    TCET_PARAM_CHOICE(struct rank, ties, "average", ties,
                      "Rank of equal values: their mean; the same, the next one higher; the "
                      "lowest of them."),
};
static const tcet_param tenas_params[] = {
    TCET_PARAM_I64(struct tenas, digits, "3", 1, 17,
                   "Values are rounded to so many significant digits before they are ranked."),
};

static const tcet_combiner_ops rankave_ops = {.struct_size = sizeof rankave_ops,
                                              .scope = TCET_SCOPE_POPULATION,
                                              .direction = 1,
                                              .min_metrics = 2,
                                              .rank = rankave_rank};
static const tcet_combiner_ops logrank_ops = {.struct_size = sizeof logrank_ops,
                                              .scope = TCET_SCOPE_POPULATION,
                                              .direction = 1,
                                              .min_metrics = 2,
                                              .rank = logrank_rank};
static const tcet_combiner_ops tenas_ops = {.struct_size = sizeof tenas_ops,
                                            .scope = TCET_SCOPE_POPULATION,
                                            .direction = 1,
                                            .min_metrics = 2,
                                            .rank = tenas_rank};
static const tcet_combiner_ops vote_ops = {.struct_size = sizeof vote_ops,
                                           .scope = TCET_SCOPE_POPULATION,
                                           .direction = 1,
                                           .min_metrics = 2,
                                           .rank = vote_rank};

static const tcet_plugin rankave = {
    .struct_size = sizeof rankave,
    .kind = TCET_COMBINER,
    .id = "rankave",
    .version = "1.0.0",
    .summary = "RankAve: mean of the ranks among all architectures, 1 the worst; NaN ranks worst.",
    .cite = "T-CET (AutoML 2023), table 1",
    TCET_PARAMS(struct rank, rank_params),
    .ops = &rankave_ops,
};
static const tcet_plugin logrank = {
    .struct_size = sizeof logrank,
    .kind = TCET_COMBINER,
    .id = "logrank",
    .version = "1.0.0",
    .summary = "Non-linear rank sum: sum of ln(rank / n), n the best; NaN ranks worst.",
    .cite = "Lee, Ham: AZ-NAS, CVPR 2024; cvlab-yonsei/AZ-NAS",
    TCET_PARAMS(struct rank, rank_params),
    .ops = &logrank_ops,
};
static const tcet_plugin tenas = {
    .struct_size = sizeof tenas,
    .kind = TCET_COMBINER,
    .id = "tenas",
    .version = "1.0.0",
    .summary = "TE-NAS rank sum: dense ranks of rounded values, 1 the worst; NaN ranks worst.",
    .cite = "Chen, Gong, Wang: TE-NAS, ICLR 2021; VITA-Group/TENAS prune_tenas.py",
    TCET_PARAMS(struct tenas, tenas_params),
    .ops = &tenas_ops,
};
static const tcet_plugin vote = {
    .struct_size = sizeof vote,
    .kind = TCET_COMBINER,
    .id = "vote",
    .version = "1.0.0",
    .summary = "Majority vote: share of duels with other architectures that most metrics award.",
    .cite = "Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS, ICLR 2021",
    .ops = &vote_ops,
};

TCET_MODULE(&rankave, &logrank, &tenas, &vote)
