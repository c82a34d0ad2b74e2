/* common.c -- see common.h.  Room: spaces/family. */
#include "family/common.h"

#include <stdio.h>
#include <string.h>

int32_t space_pick(tcet_ctx *cx, int32_t n)
{
    return (int32_t)(((cx->host->random(cx) >> 32) * (uint64_t)n) >> 32);
}

int32_t space_pick_other(tcet_ctx *cx, int32_t n, int32_t not )
{
    int32_t i = space_pick(cx, n - 1);

    return i >= not ? i + 1 : i;
}

tcet_status space_put(tcet_ctx *cx, char *text, size_t cap, const char *from, size_t n)
{
    if (n >= cap)
        return tcet_failf(cx, TCET_E_PLUGIN, "an encoding of %zu bytes does not fit into %zu", n,
                          cap);
    memcpy(text, from, n);
    text[n] = '\0';
    return TCET_OK;
}

/* Insertions, deletions and replacements that turn a[na] into the name b. */
static int space_distance(const char *a, size_t na, const char *b)
{
    enum { LONGEST = 64 };
    int row[LONGEST + 1];
    size_t nb = strlen(b);

    if (nb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            int shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[nb];
}

tcet_status space_unknown(tcet_ctx *cx, size_t position, const char *what, const char *word,
                          size_t n, const char *const *names, int32_t count)
{
    char list[512] = "";
    int32_t best = 0;
    int best_distance = 1 << 30, shown = n > 40 ? 40 : (int)n;
    size_t at = 0;

    for (int32_t i = 0; i < count; i++) {
        int d = space_distance(word, (size_t)shown, names[i]);

        if (d < best_distance) {
            best_distance = d;
            best = i;
        }
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    }
    if (2 * best_distance > shown)
        return tcet_failf(cx, TCET_E_ARG, "position %zu: unknown %s \"%.*s\" (%ss: %s)", position,
                          what, shown, word, what, list);
    return tcet_failf(cx, TCET_E_ARG,
                      "position %zu: unknown %s \"%.*s\" (did you mean \"%s\"?; %ss: %s)", position,
                      what, shown, word, names[best], what, list);
}

tcet_status space_cifar10_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx, (void)self;
    space_images(out, 32, 10);
    return TCET_OK;
}

void space_images(tcet_task *out, int32_t side, int32_t classes)
{
    out->channels = 3;
    out->height = out->width = side;
    out->classes = classes;
}

tcet_status space_digits(tcet_ctx *cx, const char *text, int32_t limit, int32_t *out, int32_t count)
{
    char close = *text == '[' ? ']' : ')';
    const char *at = text + 1;

    for (int32_t i = 0; i < count; i++) {
        at += strspn(at, " ");
        if (*at < '0' || *at >= '0' + limit)
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: a number from 0 to %d is expected, not \"%.8s\"",
                              (size_t)(at - text) + 1, limit - 1, at);
        out[i] = *at++ - '0';
        at += strspn(at, " ");
        if (*at != (i + 1 < count ? ',' : close))
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: '%c' is expected, not \"%.8s\": %d numbers in all",
                              (size_t)(at - text) + 1, i + 1 < count ? ',' : close, at, count);
        at++;
    }
    at += strspn(at, " ");
    if (*at)
        return tcet_failf(cx, TCET_E_ARG, "position %zu: nothing is expected after %d numbers",
                          (size_t)(at - text) + 1, count);
    return TCET_OK;
}

void space_say_digits(tcet_ctx *cx, int32_t *said, const char *text, const char *order)
{
    char line[256];

    if (*said || (*text != '(' && *text != '['))
        return;
    *said = 1;
    snprintf(line, sizeof line,
             "%.32s is not the space's own spelling: it is read as NASLib's, whose number at "
             "each position is an operation, of the edges %s",
             text, order);
    cx->host->log(cx, TCET_LOG_WARN, line); /* another order would be read without an error */
}
