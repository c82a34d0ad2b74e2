/* scale.c -- see scale.h.  Room: core/report. */
#include "report/scale.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "num/stats.h"

/* What is farther out is drawn at the end, so that no difference or sum here overflows. */
static const double FAR = 1e300;

static double clamp(double v)
{
    return v > FAR ? FAR : v < -FAR ? -FAR : v;
}

/* What nearly all |v| that are not 0 are above, as a power of ten. */
static double typical(const double *v, size_t n)
{
    double *sorted = mem_alloc((n + 1) * sizeof *sorted), low;
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (isfinite(v[i]) && v[i] != 0)
            sorted[count++] = fabs(v[i]);
    }
    stats_sort(sorted, count);
    low = count ? sorted[count / 20] : 1;
    free(sorted);
    return pow(10, floor(log10(low)));
}

static void widen(struct scale *s)
{
    double gap;

    if (s->kind == SCALE_LOG) {
        double by = exp((log(s->high) - log(s->low)) * 0.03);

        s->low = fmax(s->low / by, DBL_MIN);
        s->high = fmin(s->high * by, FAR);
        return;
    }
    gap = (s->high - s->low) * 0.04;
    if (s->kind == SCALE_SYMLOG) {
        s->low = clamp(s->low < 0 ? s->low * 1.5 : s->low);
        s->high = clamp(s->high > 0 ? s->high * 1.5 : s->high);
        gap = 0;
    } else if (!(s->high - s->low > fmax(1e-290, fabs(s->high) * 1e-13))) { /* as good as equal */
        gap = s->high != 0 ? fmax(fabs(s->high) * 0.05, 1e-290) : 1;
    }
    s->low = clamp(s->low - gap);
    s->high = clamp(s->high + gap);
}

void scale_fit(struct scale *s, const double *v, size_t n, enum scale_wish wish)
{
    double least = INFINITY, most = 0; /* of |v|, which is not 0 */

    *s = (struct scale){.low = INFINITY,
                        .high = -INFINITY,
                        .unit = 1,
                        .from = 0,
                        .to = 1,
                        .whole = wish == SCALE_WHOLE};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            continue;
        s->low = fmin(s->low, clamp(v[i]));
        s->high = fmax(s->high, clamp(v[i]));
        if (v[i] != 0) {
            least = fmin(least, fabs(v[i]));
            most = fmax(most, fabs(v[i]));
        }
    }
    if (!(s->low <= s->high)) {
        s->low = 0;
        s->high = 1;
        return;
    }
    if (wish == SCALE_POWERS && s->low > 0 && s->low < s->high) {
        s->kind = SCALE_LOG;
    } else if (wish == SCALE_WIDE && least < most && most / 1e3 > least) {
        s->kind = s->low > 0 ? SCALE_LOG : SCALE_SYMLOG;
        s->unit = s->kind == SCALE_SYMLOG ? fmax(typical(v, n), clamp(most) * 1e-200) : 1;
    }
    widen(s);
}

double scale_at(const struct scale *s, double v)
{
    double part;

    v = v < s->low ? s->low : v > s->high ? s->high : v;
    if (s->kind == SCALE_LOG)
        part = (log(v) - log(s->low)) / (log(s->high) - log(s->low));
    else if (s->kind == SCALE_SYMLOG)
        part = (asinh(v / s->unit) - asinh(s->low / s->unit)) /
               (asinh(s->high / s->unit) - asinh(s->low / s->unit));
    else
        part = (v - s->low) / (s->high - s->low);
    return s->from + part * (s->to - s->from);
}

void scale_text(char out[24], double v, int digits)
{
    char *e;

    if (fabs(v) >= 1 && fabs(v) < 99999.5 && digits < 5) /* 100 rather than 1e2 */
        digits = (int)fmax(digits, floor(log10(fabs(v))) + 1);
    snprintf(out, 24, "%.*g", digits, v);
    e = strchr(out, 'e'); /* 1e+06 is 1e6, 1e-05 1e-5 */
    if (e) {
        char *to = e + 1, *from = e + 1;

        if (*from == '-')
            to++;
        from++;
        while (*from == '0' && from[1])
            from++;
        memmove(to, from, strlen(from) + 1);
    }
    if (!strcmp(out, "-0"))
        memcpy(out, "0", 2);
}

static void add(struct tick *out, size_t *count, size_t most, double v, int digits)
{
    struct tick *t = &out[*count];

    if (*count >= most || *count >= SCALE_TICKS)
        return;
    t->at = v;
    scale_text(t->text, v, digits);
    if (!*count || strcmp(out[*count - 1].text, t->text))
        ++*count;
}

static size_t linear(const struct scale *s, size_t most, struct tick *out)
{
    static const int steps[] = {1, 2, 5, 10};
    double range = s->high - s->low, power, step = 0, first;
    size_t count = 0;
    int digits;

    power = pow(10, floor(log10(range / (double)most)));
    for (int i = 0; i < 4; i++) {
        step = power * steps[i];
        if (range / step <= (double)most - 1)
            break;
    }
    step = s->whole && step < 1 ? 1 : step;
    first = ceil(s->low / step - 1e-9);
    digits = (int)ceil(log10((fmax(fabs(s->low), fabs(s->high)) + step) / step)) + 1;
    digits = digits > 15 ? 15 : digits < 2 ? 2 : digits;
    for (size_t i = 0; i < most + 1; i++) {
        double v = (first + (double)i) * step;

        if (v > s->high + step * 1e-9)
            break;
        add(out, &count, most, v, digits);
    }
    return count;
}

/* Powers of ten, every so many; within two decades 2 and 5 times them as well. */
static size_t powers(const struct scale *s, size_t most, struct tick *out)
{
    static const int parts[] = {1, 2, 5};
    int first = (int)floor(log10(s->low)), last = (int)ceil(log10(s->high));
    int every = 1 + (last - first) / (int)most, all = s->high / 300 <= s->low && most >= 6;
    size_t count = 0;

    first -= ((first % every) + every) % every;
    for (int e = first; e <= last; e += every) {
        for (int k = 0; k < (all ? 3 : 1); k++) {
            double v = parts[k] * pow(10, e);

            if (v >= s->low * (1 - 1e-12) && v <= s->high * (1 + 1e-12))
                add(out, &count, most, v, 3);
        }
    }
    return count;
}

/* 0 and powers of ten to both sides. */
static size_t symmetric(const struct scale *s, size_t most, struct tick *out)
{
    int unit = (int)floor(log10(s->unit) + 1e-9);
    int last = (int)floor(log10(fmax(fabs(s->low), fabs(s->high))));
    int every = 1 + (last - unit + 1) * 2 / (int)most;
    size_t count = 0;

    for (int e = unit + (last - unit) / every * every; e >= unit; e -= every) {
        if (-pow(10, e) >= s->low)
            add(out, &count, most, -pow(10, e), 3);
    }
    if (s->low <= 0 && s->high >= 0)
        add(out, &count, most, 0, 3);
    for (int e = unit; e <= last; e += every) {
        if (pow(10, e) <= s->high)
            add(out, &count, most, pow(10, e), 3);
    }
    return count;
}

size_t scale_ticks(const struct scale *s, size_t most, struct tick out[SCALE_TICKS])
{
    size_t count = 0;

    most = most < 2 ? 2 : most > SCALE_TICKS ? SCALE_TICKS : most;
    if (s->kind == SCALE_LOG)
        count = powers(s, most, out);
    else if (s->kind == SCALE_SYMLOG)
        count = symmetric(s, most, out);
    return count >= 2 ? count : linear(s, most, out);
}
