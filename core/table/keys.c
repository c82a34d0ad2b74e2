/* keys.c -- rows by canonical key (table.h).  Room: core/table. */
#include "table/table.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    const struct table_key *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

void table_sort_keys(const struct table *t, const char *const *keys, struct arena *a,
                     struct table_keys *out)
{
    *out = (struct table_keys){.sorted = arena_alloc(a, (t->rows + 1) * sizeof *out->sorted),
                               .first = t->rule == TABLE_DUPLICATES_FIRST};
    for (size_t i = 0; i < t->rows; i++) {
        if (keys[i] && *keys[i])
            out->sorted[out->count++] = (struct table_key){keys[i], i};
    }
    qsort(out->sorted, out->count, sizeof *out->sorted, by_key);
}

size_t table_key_rows(const struct table_keys *k, const char *key, size_t *first)
{
    size_t low = 0, high = k->count, n = 0;

    while (low < high) { /* the first that is not before it */
        size_t middle = low + (high - low) / 2;

        if (strcmp(k->sorted[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + n < k->count && !strcmp(k->sorted[low + n].key, key) && !(n && k->first))
        n++;
    *first = low;
    return n;
}

int table_at_key(const struct table_keys *k, const double *values, const char *key, double *out)
{
    size_t first, n = table_key_rows(k, key, &first);
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[k->sorted[first + i].row];
    if (n)
        *out = sum / (double)n;
    return n > 0;
}
