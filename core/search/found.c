/* found.c -- see found.h.  Room: core/search. */
#include "search/found.h"

#include "base/file.h"
#include "base/text.h"
#include "num/stats.h"
#include "search/lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- reading ------------------------------------------------------------------------------ */

static double number(const char *text)
{
    double v;

    return *text && text_to_f64(text, &v) == 0 ? v : NAN;
}

static int is_status(const char *text)
{
    return !strcmp(text, "scored") || !strcmp(text, "reused") || !strcmp(text, "failed") ||
           !strncmp(text, "over:", 5) || !strncmp(text, "under:", 6);
}

/* Asks of a seed are numbered, so that one that lacks is seen. */
static int is_next(const struct found *f, const struct found_ask *a)
{
    const struct found_ask *before = f->count ? a - 1 : NULL;

    return a->ask == (before && before->seed == a->seed ? before->ask + 1 : 1);
}

static int read_line(struct found *f, char *line)
{
    const char *field[LINE_FIELDS + SEARCH_OBJECTIVES], **rest;
    struct found_ask *a = &f->asks[f->count];
    size_t want = LINE_FIELDS + f->values - 1;

    if (line_split(line, field, want) != want || text_to_i64(field[LINE_SEED], &a->seed) < 0 ||
        text_to_i64(field[LINE_ASK], &a->ask) < 0 || !is_next(f, a) ||
        !is_status(field[LINE_STATUS]))
        return -1;
    a->arch = field[LINE_ARCH];
    a->scored = !strcmp(field[LINE_STATUS], "scored");
    a->failed = !strcmp(field[LINE_STATUS], "failed");
    a->has = a->scored || !strcmp(field[LINE_STATUS], "reused");
    for (size_t i = 0; i < f->values; i++)
        a->values[i] = number(field[LINE_SCORE + i]);
    rest = field + f->values - 1;
    a->params = number(rest[LINE_PARAMS]);
    a->macs = number(rest[LINE_MACS]);
    for (int i = 0; i < SEARCH_COUNTS; i++)
        a->counts.of[i] = NAN;
    a->counts.of[COUNT_SIZE] = number(rest[LINE_SIZE]);
    a->counts.of[COUNT_LAYERS] = number(rest[LINE_LAYERS]);
    a->counts.of[COUNT_FLOPS] = number(rest[LINE_FLOPS]);
    a->best = number(rest[LINE_BEST]);
    a->accuracy = number(rest[LINE_ACCURACY]);
    f->count++;
    return 0;
}

tcet_status found_read(const char *path, size_t values, const double *sign, struct found *out,
                       struct error *err)
{
    size_t lines = 0, at = 1, size;
    const char *end;
    char *next;

    memset(out, 0, sizeof *out);
    out->values = values;
    memcpy(out->sign, sign, values * sizeof *sign);
    out->text = file_text(path, INT64_MAX, &size, err);
    if (!out->text)
        return err->status;
    end = out->text + size;
    for (const char *p = out->text; (p = text_line_end(p, end)); p++)
        lines++;
    out->asks = mem_try(lines + 1, sizeof *out->asks);
    if (!out->asks) {
        found_free(out);
        return error_set(err, TCET_E_MEMORY, "%s: no memory to read it", path);
    }
    next = text_line_end(out->text, end); /* behind the header */
    for (char *line = next ? next + 1 : NULL; line && (next = text_line_end(line, end));
         line = next + 1) {
        *next = '\0';
        at++;
        if (read_line(out, line) == 0)
            continue;
        found_free(out);
        return error_set(err, TCET_E_ARG, "%s:%zu: no line of a search", path, at);
    }
    return TCET_OK;
}

void found_free(struct found *f)
{
    free(f->text);
    free(f->asks);
    arena_free(&f->arena);
    *f = (struct found){.count = 0};
}

/* -- the best ----------------------------------------------------------------------------- */

/* An ask with the order in which it is sorted. */
struct ranked {
    const struct found_ask *ask;
    double key, second;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* All asks with values, the best first: by the first objective, then the second. */
static struct ranked *rank(const struct found *f, int64_t seed, size_t *count)
{
    struct ranked *r = mem_alloc((f->count + 1) * sizeof *r);

    *count = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct found_ask *a = &f->asks[i];

        if (a->has && (seed < 0 || a->seed == seed))
            r[(*count)++] = (struct ranked){a, f->sign[0] * a->values[0],
                                            f->values > 1 ? f->sign[1] * a->values[1] : 0, i};
    }
    qsort(r, *count, sizeof *r, by_key);
    return r;
}

const struct found_ask *found_best(const struct found *f)
{
    const struct found_ask *best = NULL;

    for (size_t i = 0; i < f->count; i++) {
        const struct found_ask *a = &f->asks[i];

        if (a->has && (!best || f->sign[0] * a->values[0] > f->sign[0] * best->values[0]))
            best = a;
    }
    return best;
}

static int is_listed(const struct found_ask *const *list, size_t count, const char *arch)
{
    for (size_t i = count; i-- > 0;) {
        if (!strcmp(list[i]->arch, arch))
            return 1;
    }
    return 0;
}

const struct found_ask **found_top(struct found *f, size_t n, size_t *count)
{
    const struct found_ask **list = arena_alloc(&f->arena, (n + 1) * sizeof *list);
    size_t ranked;
    struct ranked *r = rank(f, -1, &ranked);

    *count = 0;
    for (size_t i = 0; i < ranked && *count < n; i++) {
        if (!is_listed(list, *count, r[i].ask->arch))
            list[(*count)++] = r[i].ask;
    }
    free(r);
    return list;
}

/* -- the front ---------------------------------------------------------------------------- */

static int dominates(const struct found *f, const struct found_ask *a, const struct found_ask *b)
{
    int better = 0;

    for (size_t i = 0; i < f->values; i++) {
        double x = f->sign[i] * a->values[i], y = f->sign[i] * b->values[i];

        if (x < y)
            return 0;
        better |= x > y;
    }
    return better;
}

/* Sorted by the first objective, what is dominated is so by one that stands before it, and then by one
 * of the front. */
static const struct found_ask **front_of(struct found *f, int64_t seed, size_t *count)
{
    const struct found_ask **list;
    size_t ranked;
    struct ranked *r = rank(f, seed, &ranked);

    list = arena_alloc(&f->arena, (ranked + 1) * sizeof *list);
    *count = 0;
    for (size_t i = 0; i < ranked; i++) {
        int out = is_listed(list, *count, r[i].ask->arch);

        for (size_t k = *count; k-- > 0 && !out;)
            out = dominates(f, list[k], r[i].ask);
        if (!out)
            list[(*count)++] = r[i].ask;
    }
    free(r);
    return list;
}

const struct found_ask **found_front(struct found *f, size_t *count)
{
    return front_of(f, -1, count);
}

double found_hypervolume(struct found *f, const double from[2], int64_t seed)
{
    size_t count;
    const struct found_ask **front = front_of(f, seed, &count);
    double worst[2] = {f->sign[0] * from[0], f->sign[1] * from[1]}, reached = worst[1], area = 0;

    for (size_t i = 0; i < count; i++) { /* falling in the first, rising in the second objective */
        double x = f->sign[0] * front[i]->values[0], y = f->sign[1] * front[i]->values[1];

        if (x <= worst[0] || y <= reached)
            continue;
        area += (x - worst[0]) * (y - reached);
        reached = y;
    }
    return area;
}

/* -- how the incumbent grew --------------------------------------------------------------- */

static void summarise(double *v, size_t n, struct found_point *p)
{
    double sum = 0, squares = 0;

    p->n = n;
    stats_sort(v, n);
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    p->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - p->mean) * (v[i] - p->mean);
    p->std = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
    p->low = stats_quantile(v, n, 0.25);
    p->median = stats_quantile(v, n, 0.5);
    p->high = stats_quantile(v, n, 0.75);
}

/* 1, 2, 3, 5, 10, 20 ... */
static int64_t next_step(int64_t n)
{
    int64_t lead = n, unit = 1;

    while (lead >= 10) {
        lead /= 10;
        unit *= 10;
    }
    return unit * (lead == 1 ? 2 : lead == 2 ? 3 : lead == 3 ? 5 : 10);
}

/* What each search had after n evaluations; those that are shorter have nothing. */
static size_t collect(const struct found *f, int64_t n, int accuracy, double *out)
{
    size_t count = 0;
    int64_t seed = -1, scored = 0;

    for (size_t i = 0; i < f->count; i++) {
        const struct found_ask *a = &f->asks[i];
        double v = accuracy ? a->accuracy : a->best;

        scored = a->seed == seed ? scored : 0;
        seed = a->seed;
        scored += a->scored;
        if (a->scored && scored == n && !isnan(v))
            out[count++] = v;
    }
    return count;
}

const struct found_point *found_curve(struct found *f, int accuracy, size_t *count)
{
    enum { POINTS_MOST = 128 };
    struct found_point *p = arena_alloc(&f->arena, POINTS_MOST * sizeof *p);
    double *v = mem_alloc((f->count + 1) * sizeof *v);
    int64_t last = 0, scored = 0, seed = -1;

    for (size_t i = 0; i < f->count; i++) {
        scored = f->asks[i].seed == seed ? scored : 0;
        seed = f->asks[i].seed;
        scored += f->asks[i].scored;
        last = scored > last ? scored : last;
    }
    *count = 0;
    for (int64_t n = last ? 1 : 0; n && *count < POINTS_MOST;) {
        size_t have = collect(f, n, accuracy, v);

        if (have) {
            summarise(v, have, &p[*count]);
            p[(*count)++].evaluations = n;
        }
        n = n == last ? 0 : next_step(n) < last ? next_step(n) : last;
    }
    free(v);
    return p;
}
