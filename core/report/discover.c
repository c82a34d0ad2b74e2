/* discover.c -- see discover.h.  Room: core/report. */
#include "report/discover.h"

#include "base/text.h"
#include "num/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const DISCOVER_FORM[DISCOVER_FORMS + 1] = {"single",  "layerdot", "logsum",
                                                       "logrank", "rankave",  NULL};

/* What is computed once for each metric of a set, [count] each. */
struct prepared {
    double *turned; /* larger is better, NaN is -infinity */
    double *rank, *log_rank, *log;
};

/* A set being searched. */
struct search {
    const struct discover_set *set;
    const struct discover_options *o;
    const struct prepared *metric;
    double *score;                   /* [count], room for one candidate's */
    struct discover_candidate *best; /* keep at most, best first */
    size_t best_count, keep, tried, total;
};

static struct prepared prepare(const struct discover_set *set, size_t m, struct arena *a)
{
    const struct discover_metric *x = &set->metrics[m];
    size_t n = set->count, bytes = (n + 1) * sizeof(double);
    struct prepared p = {arena_alloc(a, bytes), arena_alloc(a, bytes), arena_alloc(a, bytes),
                         arena_alloc(a, bytes)};

    for (size_t i = 0; i < n; i++) {
        double v = x->values[i], sign = x->direction < 0 ? -1.0 : 1.0;

        p.turned[i] = isnan(v) ? -INFINITY : sign * v;
        p.log[i] = v > 0.0 ? sign * log(v) : -INFINITY;
    }
    stats_rank(p.turned, n, STATS_AVERAGE, p.rank);
    for (size_t i = 0; i < n; i++)
        p.log_rank[i] = log(p.rank[i] / (double)n);
    return p;
}

static void layerdot(const struct discover_set *set, const struct discover_candidate *c,
                     double *out)
{
    for (size_t i = 0; i < set->count; i++) {
        double sum = 0.0;

        for (size_t l = 0; l < set->width; l++) {
            double product = 1.0;

            for (size_t k = 0; k < c->count; k++)
                product *= set->metrics[c->metric[k]].layers[i * set->width + l];
            sum += product;
        }
        out[i] = isnan(sum) ? -INFINITY : sum;
    }
}

/* p: of all metrics of the set, or of the candidate's alone, at their indices. */
static void values_of(const struct discover_set *set, const struct prepared *p,
                      const struct discover_candidate *c, double *out)
{
    if (c->form == DISCOVER_LAYERDOT) {
        layerdot(set, c, out);
        return;
    }
    for (size_t i = 0; i < set->count; i++)
        out[i] = 0.0;
    for (size_t k = 0; k < c->count; k++) {
        const struct prepared *m = &p[c->metric[k]];
        const double *part = c->form == DISCOVER_SINGLE    ? m->turned
                             : c->form == DISCOVER_LOGSUM  ? m->log
                             : c->form == DISCOVER_LOGRANK ? m->log_rank
                                                           : m->rank;

        for (size_t i = 0; i < set->count; i++)
            out[i] += c->weight[k] * part[i];
    }
    for (size_t i = 0; i < set->count; i++)
        out[i] = isnan(out[i]) ? -INFINITY : out[i]; /* of infinities of either sign */
}

void discover_values(const struct discover_set *set, const struct discover_candidate *c,
                     double *out)
{
    struct arena a = {0};
    struct prepared *p = arena_alloc(&a, (set->metric_count + 1) * sizeof *p);

    for (size_t k = 0; k < c->count; k++)
        p[c->metric[k]] = prepare(set, (size_t)c->metric[k], &a);
    values_of(set, p, c, out);
    arena_free(&a);
}

static double mean_tau(const struct discover_set *set, const double *score)
{
    double sum = 0.0;

    for (size_t k = 0; k < set->accuracy_count; k++)
        sum += stats_kendall(score, set->accuracy[k], set->count);
    return sum / (double)set->accuracy_count;
}

/* Sorted in where it belongs: behind equals, which were met before and have no more metrics. */
static void keep(struct search *s, const struct discover_candidate *c)
{
    size_t at = s->best_count;

    if (isnan(c->tau) || (at == s->keep && c->tau <= s->best[at - 1].tau))
        return;
    if (at == s->keep)
        at--;
    else
        s->best_count++;
    for (; at && s->best[at - 1].tau < c->tau; at--)
        s->best[at] = s->best[at - 1];
    s->best[at] = *c;
}

static tcet_status try_one(struct search *s, struct discover_candidate *c)
{
    enum { TELL = 256 };

    values_of(s->set, s->metric, c, s->score);
    c->tau = mean_tau(s->set, s->score);
    keep(s, c);
    if (++s->tried % TELL == 0 && s->o->progress)
        s->o->progress(s->o->arg, s->tried, s->total);
    return s->o->stop && *s->o->stop ? TCET_E_CANCELLED : TCET_OK;
}

/* The next choice of weights, at[k] of weight_count, like a number's digits; 0: that was the last. */
static int next_weights(size_t *at, size_t count, size_t weight_count)
{
    for (size_t k = count; k-- > 0;) {
        if (++at[k] < weight_count)
            return 1;
        at[k] = 0;
    }
    return 0;
}

/* Is it a multiple of weights that come before it, so that its order is theirs? */
static int is_multiple(const struct discover_options *o, const size_t *at, size_t count)
{
    for (size_t first = 0; first < at[0]; first++) {
        double factor = o->weight[first] / o->weight[at[0]];
        size_t k = 1;

        for (size_t w = 0; k < count; k++) {
            for (w = 0; w < o->weight_count; w++) {
                if (fabs(o->weight[w] - factor * o->weight[at[k]]) <= 1e-12 * o->weight[w])
                    break;
            }
            if (w == o->weight_count)
                break;
        }
        if (k == count)
            return 1;
    }
    return 0;
}

/* All weights of these metrics; count alone: only how many they are. */
static tcet_status try_logsum(struct search *s, struct discover_candidate *c, int count_alone)
{
    size_t at[DISCOVER_METRICS] = {0};

    do {
        if (is_multiple(s->o, at, c->count))
            continue;
        for (size_t k = 0; k < c->count; k++)
            c->weight[k] = s->o->weight[at[k]];
        if (count_alone)
            s->total++;
        else
            TRY(try_one(s, c));
    } while (next_weights(at, c->count, s->o->weight_count));
    return TCET_OK;
}

static int has_layers(const struct discover_set *set, const struct discover_candidate *c)
{
    for (size_t k = 0; k < c->count; k++) {
        if (!set->metrics[c->metric[k]].layers)
            return 0;
    }
    return 1;
}

/* All forms of the metrics that c names. */
static tcet_status try_forms(struct search *s, struct discover_candidate *c, int count_alone)
{
    for (int f = 0; f < DISCOVER_FORMS; f++) {
        if (!(s->o->forms >> f & 1) || (c->count == 1) != (f == DISCOVER_SINGLE) ||
            (f == DISCOVER_LAYERDOT && !has_layers(s->set, c)))
            continue;
        c->form = (enum discover_form)f;
        if (f == DISCOVER_LOGSUM) {
            TRY(try_logsum(s, c, count_alone));
            continue;
        }
        for (size_t k = 0; k < c->count; k++)
            c->weight[k] = f == DISCOVER_RANKAVE ? 1.0 / (double)c->count : 1.0;
        if (count_alone)
            s->total++;
        else
            TRY(try_one(s, c));
    }
    return TCET_OK;
}

/* All subsets of `size` metrics. */
static tcet_status try_subsets(struct search *s, size_t size, int count_alone)
{
    size_t n = s->set->metric_count, k;
    struct discover_candidate c = {.count = size};

    if (size > n)
        return TCET_OK;
    for (k = 0; k < size; k++)
        c.metric[k] = (int)k;
    for (;;) {
        TRY(try_forms(s, &c, count_alone));
        for (k = size; k-- > 0;) {
            if ((size_t)c.metric[k] < n - size + k)
                break;
        }
        if (k == SIZE_MAX)
            return TCET_OK;
        c.metric[k]++;
        for (k++; k < size; k++)
            c.metric[k] = c.metric[k - 1] + 1;
    }
}

/* So many of n, as evenly as it goes: one set for one n. */
static size_t *spread(size_t n, size_t wanted, struct arena *a)
{
    size_t *index = arena_alloc(a, (wanted + 1) * sizeof *index);

    for (size_t i = 0; i < wanted; i++)
        index[i] = i * n / wanted;
    return index;
}

struct discover_set discover_part(const struct discover_set *set, const size_t *index, size_t n,
                                  struct arena *a)
{
    struct discover_metric *m = arena_alloc(a, (set->metric_count + 1) * sizeof *m);
    const double **accuracy = arena_alloc(a, (set->accuracy_count + 1) * sizeof *accuracy);
    struct discover_set part = *set;

    for (size_t k = 0; k < set->metric_count; k++) {
        double *v = arena_alloc(a, (n + 1) * sizeof *v), *layers = NULL;

        m[k] = set->metrics[k];
        if (m[k].layers)
            layers = arena_alloc(a, (n * set->width + 1) * sizeof *layers);
        for (size_t i = 0; i < n; i++) {
            v[i] = m[k].values[index[i]];
            if (layers)
                memcpy(layers + i * set->width, m[k].layers + index[i] * set->width,
                       set->width * sizeof *layers);
        }
        m[k].values = v;
        m[k].layers = layers;
    }
    for (size_t k = 0; k < set->accuracy_count; k++) {
        double *v = arena_alloc(a, (n + 1) * sizeof *v);

        for (size_t i = 0; i < n; i++)
            v[i] = set->accuracy[k][index[i]];
        accuracy[k] = v;
    }
    part.count = n;
    part.metrics = m;
    part.accuracy = accuracy;
    return part;
}

/* All metrics of a set. */
static const struct prepared *prepare_all(const struct discover_set *set, struct arena *a)
{
    struct prepared *p = arena_alloc(a, (set->metric_count + 1) * sizeof *p);

    for (size_t k = 0; k < set->metric_count; k++)
        p[k] = prepare(set, k, a);
    return p;
}

static void search_begin(struct search *s, const struct discover_set *set, size_t keep,
                         struct arena *a)
{
    s->set = set;
    s->metric = prepare_all(set, a);
    s->score = arena_alloc(a, (set->count + 1) * sizeof *s->score);
    s->best = arena_alloc(a, (keep + 1) * sizeof *s->best);
    s->best_count = 0;
    s->keep = keep;
}

tcet_status discover_best(const struct discover_set *set, const struct discover_options *o,
                          struct arena *a, struct discover_candidate **out, size_t *count,
                          size_t *tried, struct error *err)
{
    enum { SECOND_LOOK = 10 };
    struct arena work = {0};
    struct discover_set screened = *set;
    struct search s = {.o = o}, all;
    int screens = o->screen && o->screen < set->count;
    tcet_status st = TCET_OK;

    if (screens)
        screened = discover_part(set, spread(set->count, o->screen, &work), o->screen, &work);
    search_begin(&s, &screened, screens ? SECOND_LOOK * o->keep : o->keep, &work);
    for (size_t size = 1; size <= o->most; size++)
        try_subsets(&s, size, 1);
    for (size_t size = 1; size <= o->most && st >= 0; size++)
        st = try_subsets(&s, size, 0);
    all = s;
    if (st >= 0 && screens) {
        search_begin(&all, set, o->keep, &work);
        for (size_t i = 0; i < s.best_count && st >= 0; i++) {
            st = o->stop && *o->stop ? TCET_E_CANCELLED : TCET_OK;
            values_of(set, all.metric, &s.best[i], all.score);
            s.best[i].tau = mean_tau(set, all.score);
            keep(&all, &s.best[i]);
        }
    }
    if (st >= 0) {
        *count = all.best_count;
        *tried = s.tried;
        *out = arena_alloc(a, (*count + 1) * sizeof **out);
        memcpy(*out, all.best, *count * sizeof **out);
    } else
        error_set(err, st, "stopped");
    arena_free(&work);
    return st;
}

/* The mean tau of all of a set, and that of all but each architecture: out[count]. */
static double mean_without(const struct discover_set *set, const double *score, double *out)
{
    double *one = mem_alloc((set->count + 1) * sizeof *one), sum = 0.0;

    memset(out, 0, set->count * sizeof *out);
    for (size_t k = 0; k < set->accuracy_count; k++) {
        sum += stats_kendall_without(score, set->accuracy[k], set->count, one);
        for (size_t i = 0; i < set->count; i++)
            out[i] += one[i] / (double)set->accuracy_count;
    }
    free(one);
    return sum / (double)set->accuracy_count;
}

static int by_agreement(const void *a, const void *b)
{
    const struct discover_candidate *x = a, *y = b;

    if (x->agreement != y->agreement)
        return x->agreement < y->agreement ? 1 : -1;
    return (x->tau < y->tau) - (x->tau > y->tau);
}

tcet_status discover_nearest(const struct discover_set *set, const double *near,
                             const volatile int *stop, struct discover_candidate *candidates,
                             size_t *count, struct error *err)
{
    size_t bytes = (set->count + 1) * sizeof(double), kept = 0;
    struct arena a = {0};
    double *score = arena_alloc(&a, bytes), *first = arena_alloc(&a, bytes),
           *other = arena_alloc(&a, bytes), best = NAN;
    const struct prepared *metric = prepare_all(set, &a);
    tcet_status st = TCET_OK;

    for (size_t i = 0; i < *count; i++) {
        struct discover_candidate c = candidates[i];
        double tau;

        if (stop && *stop) {
            st = error_set(err, TCET_E_CANCELLED, "stopped");
            break;
        }
        values_of(set, metric, &c, score);
        tau = mean_without(set, score, i ? other : first);
        if (!i)
            best = tau;
        else if (stats_is_better(first, best, other, tau, set->count))
            continue;
        c.agreement = stats_kendall(score, near, set->count);
        if (isnan(c.agreement))
            c.agreement = -1;
        candidates[kept++] = c;
    }
    *count = kept;
    qsort(candidates, kept, sizeof *candidates, by_agreement);
    arena_free(&a);
    return st;
}

const char *discover_name(const struct discover_set *set, const struct discover_candidate *c,
                          struct arena *a)
{
    struct buf text = {0};
    const char *out;

    if (c->form == DISCOVER_SINGLE)
        return set->metrics[c->metric[0]].name;
    buf_printf(&text, "%s(", DISCOVER_FORM[c->form]);
    for (size_t k = 0; k < c->count; k++) {
        buf_puts(&text, k ? ", " : "");
        if (c->form == DISCOVER_LOGSUM && c->weight[k] != 1.0)
            buf_printf(&text, "%g ", c->weight[k]);
        buf_puts(&text, set->metrics[c->metric[k]].name);
    }
    buf_puts(&text, ")");
    out = arena_strdup(a, text.data);
    buf_free(&text);
    return out;
}
