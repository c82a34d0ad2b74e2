/* archs.c -- which architectures a run covers: all, first:N, sample:N, table, table:N, file:PATH,
 * index:N or one encoding (plan.h).  Room: core/plan. */
#include "plan/plan.h"

#include "base/file.h"
#include "base/text.h"
#include "plan/benchmark_table.h"
#include "plugin/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX_BYTES = 1 << 28,
    LIST_MAX = 1 << 20,     /* architectures that all, first:N and sample:N may give: more would
                               take weeks to score and gigabytes to list */
    PERMUTED_MAX = 1 << 24, /* a larger space is sampled without a permutation of its numbers */
    DRAWN_PART = 4          /* draws find this part of a space; beyond, nearly all are repeats */
};

struct list {
    struct arena *a;
    const char **item;
    size_t count, cap;
    int first_alone; /* 1: a list's others are not read */
};

static void list_add(struct list *l, const char *text)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->item = mem_resize(l->item, l->cap * sizeof *l->item);
    }
    l->item[l->count++] = text;
}

static tcet_status add_index(struct plan *p, struct list *l, int64_t i, struct error *err)
{
    char text[TCET_ARCH_MAX];

    TRY(space_at(p->space, i, text, sizeof text, err));
    list_add(l, arena_strdup(l->a, text));
    return TCET_OK;
}

/* size: -1 also where there is no order; count: of all, -1 unknown. */
static tcet_status count_archs(struct plan *p, int64_t *size, int64_t *count, struct error *err)
{
    char text[TCET_ARCH_MAX];

    TRY(space_size(p->space, count, err));
    *size = *count;
    if (*count > 0 && space_at(p->space, 0, text, sizeof text, err) == TCET_E_UNSUPPORTED)
        *size = -1;
    return TCET_OK;
}

/* [run] archs is missing where not all of the space are meant. */
static tcet_status missing(const struct plan *p, int64_t size, struct error *err)
{
    const char *space = p->space->plugin->desc.id;

    return size < 0 && OPS(tcet_space_ops, p->space)->task_of
               ? error_set(
                     err, TCET_E_ARG,
                     "[run] archs is missing: name the networks of space %s (--archs PATH, or "
                     "file:LIST; of a folder, if the space has one, all)",
                     space)
               : error_set(
                     err, TCET_E_ARG,
                     "[run] archs is missing; space %s is too large to score all: use sample:N",
                     space);
}

tcet_status plan_named(struct plan *p, struct error *err)
{
    int64_t size, count;

    if (config_get(p->config, "run", "", "archs") || config_get(p->config, "train", "", "arch"))
        return TCET_OK;
    TRY(count_archs(p, &size, &count, err));
    return size < 0 ? missing(p, size, err) : TCET_OK;
}

static tcet_status first(struct plan *p, struct list *l, int64_t n, struct error *err)
{
    for (int64_t i = 0; i < n; i++)
        TRY(add_index(p, l, i, err));
    return TCET_OK;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static tcet_status sample_seed(const struct plan *p, uint64_t *out, struct error *err)
{
    int64_t seed;

    TRY(config_i64(p->config, "run", "", "sample_seed", 1, 0, INT64_MAX, &seed, err));
    *out = (uint64_t)seed;
    return TCET_OK;
}

/* n distinct numbers below size in ascending order, to be free()d: a partial Fisher-Yates shuffle of the
 * PyTorch permutation under [run] sample_seed, so that a larger sample holds the smaller. */
static tcet_status sample_of(const struct plan *p, int64_t n, int64_t size, int64_t **out,
                             struct error *err)
{
    tcet_rng *rng;
    uint64_t seed;
    int64_t *order;

    TRY(sample_seed(p, &seed, err));
    order = mem_try((size_t)size, sizeof *order);
    if (!order)
        return error_set(err, TCET_E_MEMORY, "no memory to sample from %lld architectures",
                         (long long)size);
    rng = mem_alloc(sizeof *rng);
    rng_seed(rng, seed);
    rng_permutation(rng, order, size);
    qsort(order, (size_t)n, sizeof *order, by_number);
    free(rng);
    *out = order;
    return TCET_OK;
}

static tcet_status sample_numbered(struct plan *p, struct list *l, int64_t n, int64_t size,
                                   struct error *err)
{
    tcet_status st = TCET_OK;
    int64_t *order;

    TRY(sample_of(p, n, size, &order, err));
    for (int64_t i = 0; i < n && st >= 0; i++)
        st = add_index(p, l, order[i], err);
    free(order);
    return st;
}

/* From a space too large to number, or to permute: random draws, each canonical key once. */
static tcet_status sample_random(struct plan *p, struct list *l, int64_t n, struct error *err)
{
    uint64_t seed;
    struct arena keys = {0};
    size_t slots = 1024;
    const char **seen;
    tcet_status st = TCET_OK;
    size_t repeats = 0; /* in a row */

    TRY(sample_seed(p, &seed, err));
    seed = rng_hash(seed, "sample");
    while (slots < 4 * (size_t)n)
        slots *= 2;
    seen = arena_alloc(&keys, slots * sizeof *seen);
    while ((int64_t)l->count < n && st >= 0) {
        char text[TCET_ARCH_MAX], key[TCET_ARCH_MAX];
        size_t at;

        if (repeats++ > 1000 + 100 * l->count) {
            st = error_set(err, TCET_E_ARG, "space %s gave only %zu distinct architectures",
                           p->space->plugin->desc.id, l->count);
            break;
        }
        p->space->cx.random_state = rng_mix(&seed);
        st = space_random(p->space, text, sizeof text, err);
        if (st >= 0)
            st = space_canonical(p->space, text, key, sizeof key, err);
        if (st < 0)
            break;
        at = rng_hash(0, key) & (slots - 1);
        while (seen[at] && strcmp(seen[at], key))
            at = (at + 1) & (slots - 1);
        if (seen[at])
            continue;
        repeats = 0;
        seen[at] = arena_strdup(&keys, key);
        list_add(l, arena_strdup(l->a, text));
    }
    arena_free(&keys);
    return st;
}

static tcet_status sample(struct plan *p, struct list *l, int64_t n, int64_t size,
                          struct error *err)
{
    return size < 0 || size > PERMUTED_MAX ? sample_random(p, l, n, err)
                                           : sample_numbered(p, l, n, size, err);
}

tcet_status plan_arch_number(struct plan *p, const char *text, int64_t *out, struct error *err)
{
    int64_t size, count;

    TRY(count_archs(p, &size, &count, err));
    if (text_to_i64(text + 6, out) >= 0 && *out >= 0 && (size < 0 || *out < size))
        return TCET_OK;
    if (size < 0)
        return error_set(err, TCET_E_ARG, "\"%.80s\" is no architecture number", text);
    return error_set(err, TCET_E_ARG,
                     "\"%.80s\" is no architecture number; space %s has index:0 to index:%lld",
                     text, p->space->plugin->desc.id, (long long)size - 1);
}

static tcet_status add_text(struct plan *p, struct list *l, const char *line, struct error *err)
{
    char *text = text_strip(arena_strdup(l->a, line));
    int64_t index;

    if (!strncmp(text, "index:", 6)) {
        TRY(plan_arch_number(p, text, &index, err));
        return add_index(p, l, index, err);
    }
    TRY(space_check(p->space, text, err));
    if (OPS(tcet_space_ops, p->space)->listed) {
        char listed[TCET_ARCH_MAX];

        TRY(space_listed(p->space, text, listed, sizeof listed, err));
        line = arena_strdup(l->a, listed);
    }
    list_add(l, line);
    return TCET_OK;
}

/* A line that no text has: a file that is something else, as a network itself. */
static tcet_status no_text(const char *path, const char *what, struct error *err)
{
    size_t n = strlen(path);
    int network = n > 5 && !strcmp(path + n - 5, ".onnx");

    return error_set(
        err, TCET_E_ARG, "%s: this is no list, which is text of an architecture a line%s%s", what,
        network ? "; a network is an architecture itself: archs = " : "", network ? path : "");
}

static int has_control(const char *line)
{
    for (; *line; line++)
        if (((unsigned char)*line < ' ' && *line != '\t' && *line != '\r') || *line == 0x7f)
            return 1;
    return 0;
}

tcet_status plan_list_line(char *line, size_t n, int first, const char *path, struct error *err)
{
    if (first && n >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) /* byte order mark */
        memmove(line, line + 3, (n -= 3) + 1);
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        line[--n] = '\0';
    if (strlen(line) != n)
        return no_text(path, "a NUL byte", err);
    if (has_control(line))
        return no_text(path, "a control character", err);
    if (memchr(line, '\r', n))
        return error_set(
            err, TCET_E_ARG,
            "a carriage return within the line: lines end by \\n or \\r\\n, not by \\r "
            "alone");
    if (n >= TCET_ARCH_MAX)
        return error_set(err, TCET_E_ARG, "too long: a line may have %d bytes", TCET_ARCH_MAX - 1);
    return TCET_OK;
}

static tcet_status read_lines(struct plan *p, struct list *l, FILE *f, const char *path,
                              struct error *err)
{
    char *line = NULL;
    size_t cap = 0;
    tcet_status st = TCET_OK;
    ssize_t n;
    int number = 0;

    while (st >= 0 && !(l->first_alone && l->count) && (n = getline(&line, &cap, f)) >= 0) {
        st = plan_list_line(line, (size_t)n, !number++, path, err);
        if (st >= 0 && *text_strip(arena_strdup(l->a, line)))
            st = add_text(p, l, arena_strdup(l->a, line), err);
        if (st < 0)
            error_prefix(err, "%s:%d: ", path, number);
    }
    if (st >= 0 && ferror(f))
        st = error_set(err, TCET_E_IO, "%s: cannot read: %s", path, strerror(errno));
    free(line);
    return st;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = *(const char *const *const *)a, *const *y =
                                                               *(const char *const *const *)b;
    int order = strcmp(*x, *y);

    return order ? order : (x > y) - (x < y);
}

/* An architecture that a list names again is scored once; that is mentioned, since figures over "the
 * list" are over fewer then. */
static void drop_repeats(struct list *l, const char *path)
{
    const char ***sorted = mem_alloc((l->count + 1) * sizeof *sorted), *first = NULL;
    size_t lines = l->count, repeats;
    char text[256];

    for (size_t i = 0; i < lines; i++)
        sorted[i] = &l->item[i];
    qsort(sorted, lines, sizeof *sorted, by_text);
    for (size_t i = lines; i-- > 1;) { /* the first of equal ones stays */
        if (strcmp(*sorted[i - 1], *sorted[i]))
            continue;
        first = *sorted[i];
        *sorted[i] = NULL;
    }
    free(sorted);
    l->count = 0;
    for (size_t i = 0; i < lines; i++) {
        if (l->item[i])
            l->item[l->count++] = l->item[i];
    }
    repeats = lines - l->count;
    if (!repeats || !call_log)
        return;
    snprintf(text, sizeof text,
             "%zu of its %zu lines repeat%s an architecture (%.100s%s) and count%s once", repeats,
             lines, repeats == 1 ? "s" : "", first, repeats > 1 ? " and others" : "",
             repeats == 1 ? "s" : "");
    call_log(TCET_LOG_INFO, path, text);
}

static tcet_status from_path(struct plan *p, struct list *l, const struct config_key *k,
                             const char *path, struct error *err)
{
    FILE *f;
    tcet_status st;

    f = file_open(path, FILE_MAX_BYTES, NULL, err);
    if (!f) {
        error_prefix(err, "cannot open the list of architectures ");
        return config_error_at(err, k);
    }
    st = read_lines(p, l, f, path, err);
    fclose(f);
    if (st >= 0 && !l->count)
        return config_error(err, k, "%s holds no architecture", path);
    if (st >= 0)
        drop_repeats(l, path);
    return st;
}

static tcet_status from_file(struct plan *p, struct list *l, struct config_key *k,
                             struct error *err)
{
    struct config_key part = *k;
    const char *path;

    part.value = k->value + 5;
    path = config_path(l->a, &part);
    k->value = arena_printf(&p->arena, "file:%s", path); /* the resolved config says where */
    return from_path(p, l, k, path, err);
}

/* N of "KIND:N". */
static tcet_status read_count(const struct config_key *k, int64_t *n, struct error *err)
{
    const char *number = strchr(k->value, ':') + 1;

    if (text_to_i64(number, n) < 0 || *n < 1)
        return config_error(err, k, "\"%s\" is not a number of architectures, 1 or more", number);
    return TCET_OK;
}

/* table or table:N? */
static int names_table(const char *archs)
{
    return !strcmp(archs, "table") || !strncmp(archs, "table:", 6);
}

int plan_archs_list(const char *archs)
{
    return !strcmp(archs, "all") || !strncmp(archs, "first:", 6) || !strncmp(archs, "sample:", 7) ||
           !strncmp(archs, "file:", 5) || names_table(archs);
}

static tcet_status load_table(const struct plan *p, const struct config_key *k, struct table **out,
                              struct error *err)
{
    const struct config_key *table = config_get(p->config, "benchmark", "", "table");

    if (!table || !*table->value)
        return config_error(
            err, k, "\"%s\" is of the table that [benchmark] table names: it names none", k->value);
    return benchmark_load(p->config, out, err);
}

/* Some rows' architectures; rows NULL: the first n. */
static tcet_status add_rows(struct plan *p, struct list *l, const struct table *t,
                            const int64_t *rows, int64_t n, struct error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const char *arch = t->arch[rows ? rows[i] : i];

        if (add_text(p, l, arena_strdup(l->a, arch), err) < 0)
            return error_prefix(err, "%s: architecture \"%.100s\": ", t->path, arch);
    }
    return TCET_OK;
}

static tcet_status from_table(struct plan *p, struct list *l, const struct config_key *k,
                              struct error *err)
{
    struct table *t;
    int64_t n = 0, *rows = NULL;
    tcet_status st = TCET_OK;

    if (k->value[5])
        TRY(read_count(k, &n, err));
    TRY(load_table(p, k, &t, err));
    if (n > (int64_t)t->rows)
        st = config_error(err, k, "%lld architectures asked for, table %s has %zu", (long long)n,
                          t->path, t->rows);
    else if (n)
        st = sample_of(p, n, (int64_t)t->rows, &rows, err);
    if (st >= 0 && add_rows(p, l, t, rows, n ? n : (int64_t)t->rows, err) < 0)
        st = config_error_at(err, k);
    if (st >= 0)
        drop_repeats(l, t->path);
    free(rows);
    table_free(t);
    return st;
}

static tcet_status numbered(struct plan *p, struct list *l, const struct config_key *k,
                            struct error *err)
{
    int is_first = !strncmp(k->value, "first:", 6);
    int64_t n, size, count;

    TRY(count_archs(p, &size, &count, err));
    TRY(read_count(k, &n, err));
    if (count >= 0 && n > count)
        return config_error(err, k, "%lld architectures asked for, space %s has %lld", (long long)n,
                            p->space->plugin->desc.id, (long long)count);
    if (n > LIST_MAX)
        return config_error(err, k, "%lld architectures asked for, a run takes at most %d",
                            (long long)n, LIST_MAX);
    if (is_first && size < 0)
        return config_error(err, k, "the architectures of space %s have no order; use sample:N",
                            p->space->plugin->desc.id);
    if (size < 0 && count >= 0 && n > count / DRAWN_PART)
        return config_error(err, k,
                            "%lld architectures asked for; space %s has %lld, but no order, and "
                            "sample:N draws at most %lld of them: list more in a file",
                            (long long)n, p->space->plugin->desc.id, (long long)count,
                            (long long)(count / DRAWN_PART));
    return is_first ? first(p, l, n, err) : sample(p, l, n, size, err);
}

/* A mistyped keyword rather than an architecture with a mistake in it? */
static int is_word(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");

    return !*text || (n && (!text[n] || text[n] == ':') && strncmp(text, "index:", 6));
}

static tcet_status expand(struct plan *p, struct list *l, struct error *err)
{
    struct config_key *k = config_get(p->config, "run", "", "archs");
    int64_t size, count;

    if (!k || !strcmp(k->value, "all")) {
        TRY(count_archs(p, &size, &count, err));
        if ((size < 0 || size > LIST_MAX) && k)
            return config_error(err, k, "space %s is too large for all; use sample:N",
                                p->space->plugin->desc.id);
        if (size < 0 || size > LIST_MAX)
            return missing(p, size, err);
        return first(p, l, size, err);
    }
    if (!strncmp(k->value, "file:", 5))
        return from_file(p, l, k, err);
    if (names_table(k->value))
        return from_table(p, l, k, err);
    if (!strncmp(k->value, "first:", 6) || !strncmp(k->value, "sample:", 7))
        return numbered(p, l, k, err);
    if (add_text(p, l, arena_strdup(l->a, k->value), err) < 0)
        return config_error(err, k, "%s%s", arena_strdup(l->a, err->text),
                            is_word(k->value)
                                ? "; archs is all, first:N, sample:N, table, table:N, "
                                  "file:PATH, index:N or an architecture"
                                : "");
    return TCET_OK;
}

/* The first architecture of a list, as it is listed. */
static tcet_status first_line(struct plan *p, const struct config_key *k, char *out,
                              struct error *err)
{
    struct config_key part = *k;
    struct arena a = {0};
    struct list l = {.a = &a, .first_alone = 1};
    tcet_status st;

    part.value = k->value + 5;
    st = from_path(p, &l, k, config_path(&a, &part), err);
    if (st >= 0)
        snprintf(out, TCET_ARCH_MAX, "%s", l.item[0]);
    free(l.item);
    arena_free(&a);
    return st;
}

static tcet_status first_row(struct plan *p, const struct config_key *k, char *out,
                             struct error *err)
{
    struct table *t;

    TRY(load_table(p, k, &t, err));
    snprintf(out, TCET_ARCH_MAX, "%s", t->rows ? t->arch[0] : "");
    table_free(t);
    return TCET_OK;
}

tcet_status plan_first_arch(struct plan *p, char out[TCET_ARCH_MAX], struct error *err)
{
    struct config_key *k = config_get(p->config, "run", "", "archs");
    int64_t index = 0;

    out[0] = '\0';
    if (!k)
        k = config_get(p->config, "train", "", "arch");
    if (!k || !strncmp(k->value, "best:", 5))
        return TCET_OK;
    if (!strncmp(k->value, "file:", 5))
        return first_line(p, k, out, err);
    if (names_table(k->value))
        return first_row(p, k, out, err);
    if (!strncmp(k->value, "index:", 6) && text_to_i64(k->value + 6, &index) < 0)
        return TCET_OK; /* refused when it is listed */
    if (index || !strcmp(k->value, "all") || !strncmp(k->value, "first:", 6) ||
        !strncmp(k->value, "sample:", 7) || !strncmp(k->value, "index:", 6)) {
        tcet_status st = space_at(p->space, index, out, TCET_ARCH_MAX, err);

        return st < 0 ? config_error_at(err, k) : st;
    }
    if (strlen(k->value) < TCET_ARCH_MAX)
        strcpy(out, k->value);
    return TCET_OK;
}

/* The list as it is handed out; what it grew in is gone. */
static void list_end(struct list *l, const char *const **out, size_t *count)
{
    const char **kept = arena_alloc(l->a, (l->count + 1) * sizeof *kept);

    if (l->count)
        memcpy(kept, l->item, l->count * sizeof *kept);
    *out = kept;
    *count = l->count;
}

tcet_status plan_archs(struct plan *p, struct arena *a, const char *const **out, size_t *count,
                       struct error *err)
{
    struct list l = {.a = a};
    tcet_status st = expand(p, &l, err);

    if (st >= 0)
        list_end(&l, out, count);
    free(l.item);
    return st;
}

tcet_status plan_archs_file(struct plan *p, const struct config_key *k, struct arena *a,
                            const char *const **out, size_t *count, struct error *err)
{
    struct list l = {.a = a};
    tcet_status st = from_path(p, &l, k, config_path(a, k), err);

    if (st >= 0)
        list_end(&l, out, count);
    free(l.item);
    return st;
}
