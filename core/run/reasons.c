/* reasons.c -- see reasons.h.  Room: core/run. */
#include "run/reasons.h"

#include <stdlib.h>
#include <string.h>

enum { DISTINCT_MAX = 64 }; /* what comes after so many reasons counts as other */

struct reason {
    const char *text;
    size_t count;
};

static void count_reason(struct reason *list, size_t *n, size_t *other, const char *text,
                         struct arena *a)
{
    size_t i = 0;

    while (i < *n && strcmp(list[i].text, text) != 0)
        i++;
    if (i < *n)
        list[i].count++;
    else if (*n < DISTINCT_MAX)
        list[(*n)++] = (struct reason){arena_strdup(a, text), 1};
    else
        ++*other;
}

/* The most frequent first; of equals the one that came first. */
static void pick(struct reason *list, size_t n, struct reasons *out)
{
    for (; out->count < n && out->count < REASONS_SHOWN; out->count++) {
        struct reason *best = list;

        for (size_t i = 1; i < n; i++)
            best = list[i].count > best->count ? &list[i] : best;
        out->item[out->count].text = best->text;
        out->item[out->count].count = best->count;
        best->count = 0;
    }
    for (size_t i = 0; i < n; i++)
        out->other += list[i].count;
}

void reasons_count(const char *const *texts, size_t count, struct arena *a, struct reasons *out)
{
    struct reason list[DISTINCT_MAX];
    size_t n = 0;

    *out = (struct reasons){.count = 0};
    for (size_t i = 0; i < count; i++)
        count_reason(list, &n, &out->other, texts[i], a);
    pick(list, n, out);
}

/* Who failed: of those that lack something. */
struct failures {
    struct store *store;
    uint8_t *failed; /* [architectures] */
};

static void note_failure(void *arg, const struct store_stock *stock)
{
    struct failures *f = arg;

    for (size_t c = 0; c < store_column_count(f->store); c++)
        f->failed[stock->ordinal] |= stock->status == RESULT_FAILED && !stock->has[c] &&
                                     !store_column_at(f->store, c)->population;
}

tcet_status reasons_read(struct store *s, struct arena *a, struct reasons *out, struct error *err)
{
    struct failures f = {s, mem_alloc(store_arch_count(s) + 1)};
    struct reason list[DISTINCT_MAX];
    struct arena row_arena = {0};
    tcet_status st = store_survey(s, note_failure, &f, NULL, err);
    size_t n = 0;

    *out = (struct reasons){.count = 0};
    for (size_t i = 0; i < store_arch_count(s) && st >= 0; i++) {
        struct result_row row;

        if (!f.failed[i])
            continue;
        arena_reset(&row_arena);
        st = store_take(s, i, &row_arena, &row, err);
        if (st >= 0)
            count_reason(list, &n, &out->other, row.message, a);
    }
    pick(list, n, out);
    arena_free(&row_arena);
    free(f.failed);
    return st;
}
