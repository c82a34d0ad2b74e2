/* folder.c -- a run's folder, or several of one space, as columns over architectures (cli.h).
 * Room: core/cli. */
#include "cli/cli.h"

#include "base/text.h"
#include "store/store.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_seed(const char *at)
{
    return at && isdigit((unsigned char)at[1]);
}

/* Does the folder hold a column NAME@mean, NAME being the first n letters: is it repeated? */
static int is_repeated(const struct folder *f, const char *name, size_t n)
{
    for (size_t i = 0; i < f->column_count; i++) {
        const char *other = f->columns[i].column.name;

        if (!strncmp(other, name, n) && !strcmp(other + n, "@mean"))
            return 1;
    }
    return 0;
}

/* One of several seeds of [run] repeats, NAME@2, or their deviation, NAME@std: not a proxy of its
 * own, as NAME@2 of an ablation over seeds is. */
static void find_repeats(struct folder *f)
{
    for (size_t i = 0; i < f->column_count; i++) {
        const char *name = f->columns[i].column.name, *at = strrchr(name, '@');

        f->columns[i].repeat =
            at && (is_seed(at) || !strcmp(at, "@std")) && is_repeated(f, name, (size_t)(at - name));
    }
}

/* A store's architectures that were tried, as they are met. */
struct reading {
    struct folder *f;
    const char *const *all;
    const char **archs;
    double **values; /* [columns][architectures] */
    size_t *place;
};

static void take_row(void *arg, const struct store_stock *stock)
{
    struct reading *r = arg;
    size_t at = r->f->arch_count;

    if (stock->status == RESULT_MISSING)
        return;
    r->archs[at] = r->all[stock->ordinal];
    r->place[at] = stock->ordinal;
    for (size_t c = 0; c < r->f->column_count; c++)
        r->values[c][at] = stock->value[c];
    r->f->arch_count++;
}

/* The architectures that were tried, their ordinals, the values of all columns and what they cost. */
static tcet_status read_rows(struct folder *f, struct store *s, struct store_cost *cost,
                             struct error *err)
{
    struct reading r = {.f = f,
                        .archs = arena_alloc(&f->arena, (f->listed + 1) * sizeof *r.archs),
                        .values = arena_alloc(&f->arena, (f->column_count + 1) * sizeof *r.values),
                        .place = arena_alloc(&f->arena, (f->listed + 1) * sizeof *r.place)};

    f->archs = r.archs;
    f->place = r.place;
    for (size_t c = 0; c < f->column_count; c++)
        f->columns[c].values = r.values[c] =
            arena_alloc(&f->arena, (f->listed + 1) * sizeof **r.values);
    TRY(store_archs(s, &f->arena, &r.all, err));
    return store_survey(s, take_row, &r, cost, err);
}

static tcet_status read_columns(struct folder *f, struct store *s, struct error *err)
{
    struct store_cost *cost = arena_alloc(&f->arena, (f->column_count + 1) * sizeof *cost);

    f->columns = arena_alloc(&f->arena, (f->column_count + 1) * sizeof *f->columns);
    for (size_t i = 0; i < f->column_count; i++) {
        const struct result_column *c = store_column_at(s, i);

        f->columns[i] = (struct report_series){.column = *c};
        f->columns[i].column.name = arena_strdup(&f->arena, c->name);
        f->columns[i].column.key = arena_strdup(&f->arena, c->key);
    }
    TRY(read_rows(f, s, cost, err));
    for (size_t i = 0; i < f->column_count; i++) {
        f->columns[i].seconds = cost[i].seconds;
        f->columns[i].guards = cost[i].guards;
    }
    return TCET_OK;
}

tcet_status folder_read(const char *path, struct folder *out, struct error *err)
{
    struct folder f = {.arch_count = 0};
    struct store *s;
    const char *text;
    tcet_status st;

    TRY(store_open(path, STORE_READ, &s, err));
    f.listed = store_arch_count(s);
    f.column_count = store_column_count(s);
    st = read_columns(&f, s, err);
    f.store = s;
    if (st < 0) {
        folder_free(&f);
        return st;
    }
    find_repeats(&f);
    text = store_meta(s, "main");
    for (size_t i = 0; i < f.column_count; i++) {
        if (text && !strcmp(text, f.columns[i].column.name))
            f.main_column = i;
    }
    f.space = arena_strdup(&f.arena, (text = store_meta(s, "space")) ? text : "");
    f.data = arena_strdup(&f.arena, (text = store_meta(s, "data_used")) ? text : "");
    f.config_text = arena_strdup(&f.arena, (text = store_meta(s, "config")) ? text : "");
    *out = f;
    return TCET_OK;
}

tcet_status folder_reference(struct folder *f, const struct config *config, struct error *err)
{
    const struct config_section *s = config_section(config, "reference", "");

    for (size_t k = 0; s && k < s->key_count; k++) {
        double value = 0;
        size_t at = f->column_count;

        for (size_t i = 0; i < f->column_count; i++) {
            if (!strcmp(f->columns[i].column.name, s->keys[k]->name))
                at = i;
        }
        if (at == f->column_count)
            return config_error(err, s->keys[k],
                                "[reference] names \"%s\", which is neither a "
                                "metric nor a score",
                                s->keys[k]->name);
        if (text_to_f64(s->keys[k]->value, &value) < 0)
            return config_error(err, s->keys[k], "\"%s\" is no number", s->keys[k]->value);
        f->columns[at].has_published = 1;
        f->columns[at].published = value;
    }
    return TCET_OK;
}

/* Is column i the first of the seeds of an ablation?  *n: letters of its name without the seed. */
static int is_first_seed(const struct folder *f, size_t i, size_t *n)
{
    const char *name = f->columns[i].column.name, *at = strrchr(name, '@');

    if (!is_seed(at) || f->columns[i].repeat)
        return 0;
    *n = (size_t)(at - name);
    for (size_t k = 0; k < i; k++) {
        const char *other = f->columns[k].column.name;

        if (!strncmp(other, name, *n) && other[*n] == '@' && is_seed(other + *n))
            return 0;
    }
    return 1;
}

void folder_stability(const struct folder *f, struct buf *out)
{
    size_t start = out->len;

    for (size_t i = 0; i < f->column_count; i++) {
        const char *column = f->columns[i].column.name;
        size_t n = strlen(column);
        int alone = is_first_seed(f, i, &n);
        struct report_stability r;
        char name[256];

        if (n >= sizeof name || (!alone && !is_repeated(f, column, n)))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n, column);
        r = report_stability(f->columns, f->column_count, f->arch_count, name, !alone);
        if (r.compared)
            buf_printf(out,
                       "rank stability of %s over seeds: mean agreement %.4f (tau-b, %zu "
                       "pair%s)\n",
                       name, r.tau, r.compared, r.compared == 1 ? "" : "s");
        else if (r.pairs)
            buf_printf(out, "rank stability of %s over seeds: - (no two seeds rank anything)\n",
                       name);
    }
    if (out->len > start)
        buf_puts(out, "\n");
}

void folder_free(struct folder *f)
{
    store_close(f->store);
    table_free(f->table);
    arena_free(&f->arena);
}

/* -- Several ---------------------------------------------------------------------------- */

/* An architecture of a folder and where it stands there. */
struct place {
    const char *arch;
    size_t at;
};

static int by_arch(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->arch, ((const struct place *)b)->arch);
}

/* at[k * first count + i]: where folder k has architecture i of the first, SIZE_MAX: nowhere. */
static size_t *find_places(const struct folder *f, size_t count, struct arena *a)
{
    size_t n = f[0].arch_count, *at = arena_alloc(a, (count * n + 1) * sizeof *at);

    for (size_t k = 0; k < count; k++) {
        struct place *p = arena_alloc(a, (f[k].arch_count + 1) * sizeof *p), *found;

        for (size_t i = 0; i < f[k].arch_count; i++)
            p[i] = (struct place){f[k].archs[i], i};
        qsort(p, f[k].arch_count, sizeof *p, by_arch);
        for (size_t i = 0; i < n; i++) {
            struct place wanted = {f[0].archs[i], 0};

            found = bsearch(&wanted, p, f[k].arch_count, sizeof *p, by_arch);
            at[k * n + i] = found ? found->at : SIZE_MAX;
        }
    }
    return at;
}

/* Is a column of folder k also one of another's? */
static int is_shared(const struct folder *f, size_t count, size_t k, const char *name)
{
    for (size_t other = 0; other < count; other++) {
        for (size_t i = 0; other != k && i < f[other].column_count; i++) {
            if (!strcmp(f[other].columns[i].column.name, name))
                return 1;
        }
    }
    return 0;
}

/* The last part of a folder's path. */
static const char *last_name(struct arena *a, const char *path)
{
    size_t end = strlen(path), start;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start && path[start - 1] != '/'; start--)
        continue;
    return arena_strndup(a, path + start, end - start);
}

tcet_status folder_join(const struct folder *f, const char *const *paths, size_t count,
                        struct folder *out, struct error *err)
{
    struct folder j = {.space = f[0].space, .data = f[0].data, .config_text = f[0].config_text};
    size_t n = f[0].arch_count, columns = 0;
    size_t *at = find_places(f, count, &j.arena), *kept;
    const char **archs = arena_alloc(&j.arena, (n + 1) * sizeof *archs);

    for (size_t k = 0; k < count; k++) {
        columns += f[k].column_count;
        if (*f[k].space && *f[0].space && strcmp(f[k].space, f[0].space)) {
            arena_free(&j.arena);
            return error_set(err, TCET_E_ARG, "%s is of space %s, %s of space %s", paths[0],
                             f[0].space, paths[k], f[k].space);
        }
    }
    kept = arena_alloc(&j.arena, (n + 1) * sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        int everywhere = 1;

        for (size_t k = 0; k < count; k++)
            everywhere &= at[k * n + i] != SIZE_MAX;
        if (!everywhere)
            continue;
        kept[j.arch_count] = i;
        archs[j.arch_count++] = f[0].archs[i];
    }
    j.archs = archs;
    j.listed = j.arch_count;
    j.columns = arena_alloc(&j.arena, (columns + 1) * sizeof *j.columns);
    for (size_t k = 0; k < count; k++) {
        for (size_t c = 0; c < f[k].column_count; c++) {
            struct report_series *s = &j.columns[j.column_count++];
            double *v = arena_alloc(&j.arena, (j.arch_count + 1) * sizeof *v);

            *s = f[k].columns[c];
            if (is_shared(f, count, k, s->column.name))
                s->column.name =
                    arena_printf(&j.arena, "%s/%s", last_name(&j.arena, paths[k]), s->column.name);
            for (size_t i = 0; i < j.arch_count; i++)
                v[i] = f[k].columns[c].values[at[k * n + kept[i]]];
            s->values = v;
        }
    }
    *out = j;
    return TCET_OK;
}
