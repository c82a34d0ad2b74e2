/* join.c -- see join.h.  Room: core/cli. */
#include "cli/join.h"

#include "base/sha256.h"
#include "base/text.h"
#include "run/client.h"

#include <math.h>
#include <string.h>

/* Those that the table spells otherwise: of one canonical key, hence the same network. */
static tcet_status join_by_key(const struct config *config, struct join *j,
                               const char *const *archs, const size_t *missing, size_t count,
                               const volatile int *stop, struct arena *a, struct error *err)
{
    const char **asked = arena_alloc(a, (count + 1) * sizeof *asked);
    const char *const *of_missing, *const *of_table;
    struct table_keys keys;
    uint32_t *rows;

    for (size_t i = 0; i < count; i++)
        asked[i] = archs[missing[i]];
    TRY(client_keys(config, asked, count, stop, a, &of_missing, err));
    TRY(client_keys(config, j->t->arch, j->t->rows, stop, a, &of_table, err));
    table_sort_keys(j->t, of_table, a, &keys);
    j->rows = rows = arena_alloc(&j->arena, (keys.count + 1) * sizeof *rows);
    for (size_t i = 0; i < keys.count; i++)
        rows[i] = (uint32_t)keys.sorted[i].row;
    for (size_t i = 0; i < count; i++) {
        size_t first, n = table_key_rows(&keys, of_missing[i], &first);

        j->place[missing[i]] =
            (struct join_place){.n = (uint32_t)n, .by_key = 1, .first = (uint32_t)first};
    }
    return TCET_OK;
}

tcet_status join_make(const struct config *config, const char *const *archs, size_t count,
                      const struct table *t, const volatile int *stop, struct join *out,
                      struct error *err)
{
    struct join j = {.t = t, .count = count};
    struct arena scratch = {0};
    size_t *missing = arena_alloc(&scratch, (count + 1) * sizeof *missing), lacks = 0;
    tcet_status st = TCET_OK;

    j.place = arena_alloc(&j.arena, (count + 1) * sizeof *j.place);
    for (size_t i = 0; i < count; i++) {
        int64_t row = archs == t->arch ? (int64_t)i /* the table's own */
                                       : table_row(t, text_strip(arena_strdup(&scratch, archs[i])));

        if (row < 0)
            missing[lacks++] = i;
        else
            j.place[i] = (struct join_place){.n = 1, .first = (uint32_t)row};
    }
    if (lacks && config && config_get(config, "run", "", "space"))
        st = join_by_key(config, &j, archs, missing, lacks, stop, &scratch, err);
    arena_free(&scratch);
    if (st < 0)
        join_free(&j);
    else
        *out = j;
    return st;
}

void join_take(struct join *j, size_t first, size_t step)
{
    size_t n = 0;

    for (size_t i = first; i < j->count; i += step)
        j->place[n++] = j->place[i];
    j->count = n;
}

double join_value(const struct join *j, const double *values, size_t i)
{
    const struct join_place *p = &j->place[i];
    double sum = 0;

    if (!p->n)
        return NAN;
    if (!p->by_key)
        return values[p->first];
    for (uint32_t k = 0; k < p->n; k++)
        sum += values[j->rows[p->first + k]];
    return sum / (double)p->n;
}

tcet_status join_column(const struct join *j, const char *column, double *out, struct error *err)
{
    const double *values;

    TRY(table_column(j->t, column, &values, err));
    for (size_t i = 0; i < j->count; i++)
        out[i] = join_value(j, values, i);
    return TCET_OK;
}

void join_free(struct join *j)
{
    arena_free(&j->arena);
}

tcet_status join_accuracies(const struct join *j, const char *name, const char *const *columns,
                            size_t count, struct arena *a, const struct store_accuracy **out,
                            struct error *err)
{
    struct store_accuracy *made = arena_alloc(a, (count + 1) * sizeof *made);
    const char *slash = strrchr(name, '/');
    char digest[65];

    TRY(sha256_file(j->t->path, INT64_MAX, digest, err));
    for (size_t i = 0; i < count; i++) {
        double *values = arena_alloc(a, (j->count + 1) * sizeof *values);

        TRY(join_column(j, columns[i], values, err));
        made[i] = (struct store_accuracy){.name = arena_strdup(a, columns[i]),
                                          .table = arena_strdup(a, slash ? slash + 1 : name),
                                          .sha256 = arena_strdup(a, digest),
                                          .values = values};
    }
    *out = made;
    return TCET_OK;
}
