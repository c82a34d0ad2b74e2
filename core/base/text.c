/* text.c -- see text.h.  Room: core/base. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_ = 96, SHOWN_MOST = 110 };

/* Optimal string alignment distance; names are short, longer ones never match. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), d[3][NAME_MAX_ + 1];

    if (n > NAME_MAX_ || m > NAME_MAX_)
        return NAME_MAX_ * 2;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best =
                up[j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));

            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

const char *text_nearest(const char *name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_d = strlen(name) / 3 + 2; /* one slip for every three letters, and one more */

    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, candidates[i]);

        if (d < best_d && d < strlen(candidates[i])) {
            best = candidates[i];
            best_d = d;
        }
    }
    return best;
}

const char *text_suggest(char *out, size_t cap, const char *name, const char *const *candidates,
                         size_t count)
{
    const char *near = text_nearest(name, candidates, count);

    if (near)
        snprintf(out, cap, " (did you mean \"%s\"?)", near);
    else if (cap)
        out[0] = '\0';
    return out;
}

int text_to_i64(const char *text, int64_t *out)
{
    char *end;
    long long v;

    if (!*text || isspace((unsigned char)*text))
        return -1;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno || *end)
        return -1;
    *out = v;
    return 0;
}

int text_to_u64(const char *text, uint64_t *out)
{
    char *end;
    unsigned long long v;

    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || *end)
        return -1;
    *out = v;
    return 0;
}

int text_to_f64(const char *text, double *out)
{
    char *end;
    double v;

    if (!*text || isspace((unsigned char)*text))
        return -1;
    errno = 0;
    v = strtod(text, &end);
    if (*end || end == text || (errno == ERANGE && isinf(v)))
        return -1;
    *out = v;
    return 0;
}

int text_to_bool(const char *text, int32_t *out)
{
    static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no",
                                                                                "off"};

    for (int i = 0; i < 4; i++) {
        if (!strcasecmp(text, yes[i]) || !strcasecmp(text, no[i])) {
            *out = !strcasecmp(text, yes[i]);
            return 0;
        }
    }
    return -1;
}

char *text_line_end(const char *line, const char *end)
{
    return line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
}

int text_begins(const char *at, const char *end, const char *with, size_t n)
{
    return (size_t)(end - at) >= n && !memcmp(at, with, n);
}

/* How much of what is left of a line is shown. */
static int shown(const char *from, const char *end)
{
    const char *to = text_line_end(from, end);
    ptrdiff_t n = (to ? to : end) - from;

    return n < SHOWN_MOST ? (int)n : SHOWN_MOST;
}

struct text_difference text_difference(const char *one, size_t one_n, const char *other,
                                       size_t other_n)
{
    size_t same = 0, start;

    while (same < one_n && same < other_n && one[same] == other[same])
        same++;
    for (start = same; start && other[start - 1] != '\n'; start--)
        continue;
    if (same - start > SHOWN_MOST / 2)
        start = same - SHOWN_MOST / 2;
    return (struct text_difference){one + start, other + start, shown(one + start, one + one_n),
                                    shown(other + start, other + other_n)};
}

char *text_strip(char *text)
{
    size_t n;

    while (isspace((unsigned char)*text))
        text++;
    n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

size_t text_split(struct arena *a, const char *text, char separator, const char *const **parts)
{
    size_t count = 1, n = 0;
    const char **list;

    for (const char *p = text; *p; p++)
        count += *p == separator;
    list = arena_alloc(a, count * sizeof *list);
    for (const char *p = text;;) {
        const char *end = strchr(p, separator);
        size_t len = end ? (size_t)(end - p) : strlen(p);
        char *part = text_strip(arena_strndup(a, p, len));

        if (*part)
            list[n++] = part;
        if (!end)
            break;
        p = end + 1;
    }
    *parts = list;
    return n;
}

const char *text_f64(char out[32], double value)
{
    if (isnan(value))
        return "nan";
    if (isinf(value))
        return value > 0 ? "inf" : "-inf";
    snprintf(out, 32, "%.17g", value);
    return out;
}
