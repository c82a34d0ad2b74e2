/* store.c -- see store.h: what a run's folder holds, put and got.
 *
 * Room: core/store.  May use base; SQL stands in sql.c. */
#include "store/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"

tcet_status store_enter(struct store *s, struct error *err)
{
    return s->batch ? TCET_OK : sql_exec(s, "BEGIN IMMEDIATE", err);
}

void store_forget(struct store *s)
{
    if (s->arch_open)
        s->arch_count = 0;
    s->arch_open = 0;
    lines_forget(s);
}

static tcet_status commit(struct store *s, struct error *err)
{
    TRY(sql_exec(s, "COMMIT", err));
    s->arch_open = 0;
    return TCET_OK;
}

/* Ends what store_enter() began.  A database error has already rolled back (sql_fail). */
tcet_status store_leave(struct store *s, tcet_status st, struct error *err)
{
    if (s->batch || sqlite3_get_autocommit(s->db))
        return st;
    if (st >= 0)
        return commit(s, err);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    store_forget(s);
    return st;
}

tcet_status store_begin_reads(struct store *s, int *ours, struct error *err)
{
    *ours = sqlite3_get_autocommit(s->db);
    return *ours ? sql_exec(s, "BEGIN", err) : TCET_OK;
}

tcet_status store_end_reads(struct store *s, int ours, tcet_status st, struct error *err)
{
    if (!ours || sqlite3_get_autocommit(s->db))
        return st;
    if (st >= 0)
        return sql_exec(s, "COMMIT", err);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static tcet_status used_up(struct store *s, struct error *err)
{
    return sql_damaged(s, "a table's numbers are used up", err);
}

/* The number of a new row, by the statement that says which was the last.  Where a batch is dropped some
 * are left out. */
static tcet_status new_id(struct store *s, enum sql last, int64_t *id, struct error *err)
{
    int64_t *known = &s->last[last - SQL_ARCH_LAST];

    if (!*known)
        TRY(sql_number(s, last, sql_bind(s, last, err, ""), known, err));
    if (*known == INT64_MAX)
        return used_up(s, err);
    *id = ++*known;
    return TCET_OK;
}

static int64_t arch_hash(const char *arch)
{
    return (int64_t)sum_text(FNV_START, arch, strlen(arch));
}

/* The number of an architecture, 0: there is none. */
static tcet_status find_arch(struct store *s, const char *arch, int64_t *id, struct error *err)
{
    tcet_status st = sql_bind(s, SQL_ARCH_ID, err, "it", arch_hash(arch), arch);

    return sql_number(s, SQL_ARCH_ID, st, id, err);
}

static tcet_status find_or_add_arch(struct store *s, const char *arch, int64_t *id,
                                    struct error *err)
{
    TRY(find_arch(s, arch, id, err));
    if (*id)
        return TCET_OK;
    TRY(new_id(s, SQL_ARCH_LAST, id, err));
    return sql_run(s, SQL_ARCH_ADD, err, "iit", *id, arch_hash(arch), arch);
}

static tcet_status find_or_add_key(struct store *s, const char *key, int64_t *id, struct error *err)
{
    TRY(sql_number(s, SQL_KEY_ID, sql_bind(s, SQL_KEY_ID, err, "t", key), id, err));
    if (*id)
        return TCET_OK;
    TRY(new_id(s, SQL_KEY_LAST, id, err));
    return sql_run(s, SQL_KEY_ADD, err, "it", *id, key);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* What an outcome is about: the keys, whatever their order; population columns come later. */
static int64_t hash_columns(struct store *s)
{
    int64_t *ids = mem_alloc(s->column_count * sizeof *ids);
    uint64_t hash = FNV_START;
    size_t n = 0;

    for (size_t i = 0; i < s->column_count; i++) {
        if (!s->column[i].population)
            ids[n++] = s->column_key[i];
    }
    qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            hash = fnv(hash, &ids[i], sizeof ids[i]);
    }
    free(ids);
    return (int64_t)hash;
}

static tcet_status load_columns(struct store *s, struct error *err)
{
    struct arena *a = &s->column_arena;
    size_t cap = 0, n = 0;
    tcet_status st;
    int have = 0;

    arena_reset(a);
    s->column = NULL;
    s->column_key = NULL;
    s->column_count = 0;
    st = sql_bind(s, SQL_RUN_COLUMNS, err, "");
    while (st >= 0 && (st = sql_step(s, SQL_RUN_COLUMNS, &have, err)) >= 0 && have) {
        if (n == cap) {
            struct result_column *column = s->column;
            int64_t *key = s->column_key;

            cap = cap ? cap * 2 : 32;
            s->column = arena_alloc(a, cap * sizeof *s->column);
            s->column_key = arena_alloc(a, cap * sizeof *s->column_key);
            if (n) {
                memcpy(s->column, column, n * sizeof *column);
                memcpy(s->column_key, key, n * sizeof *key);
            }
        }
        s->column[n] = (struct result_column){
            .name = arena_strdup(a, sql_text(s, SQL_RUN_COLUMNS, 0)),
            .key = arena_strdup(a, sql_text(s, SQL_RUN_COLUMNS, 2)),
            .is_score = (int)sql_i64(s, SQL_RUN_COLUMNS, 3),
            .population = (int)sql_i64(s, SQL_RUN_COLUMNS, 4),
            .direction = (int)sql_i64(s, SQL_RUN_COLUMNS, 5),
            .layered = (enum result_layered)sql_i64(s, SQL_RUN_COLUMNS, 6),
        };
        s->column_key[n++] = sql_i64(s, SQL_RUN_COLUMNS, 1);
    }
    sql_done(s, SQL_RUN_COLUMNS);
    TRY(st);
    s->column_count = n;
    s->view.has = arena_alloc(a, n);
    s->view.value = arena_alloc(a, n * sizeof *s->view.value);
    s->column_set = hash_columns(s);
    return TCET_OK;
}

static tcet_status load_archs(struct store *s, struct error *err)
{
    size_t cap = 0, n = 0;
    tcet_status st;
    int have = 0;

    st = sql_bind(s, SQL_RUN_ARCHS, err, "");
    while (st >= 0 && (st = sql_step(s, SQL_RUN_ARCHS, &have, err)) >= 0 && have) {
        if (n == cap) {
            cap = cap ? cap * 2 : 1024;
            s->arch = mem_resize(s->arch, cap * sizeof *s->arch);
        }
        s->arch[n++] = sql_i64(s, SQL_RUN_ARCHS, 0);
    }
    sql_done(s, SQL_RUN_ARCHS);
    TRY(st);
    s->arch_count = n;
    return TCET_OK;
}

tcet_status store_open(const char *folder, enum store_mode mode, struct store **out,
                       struct error *err)
{
    struct store *s;
    struct buf path = {0};
    size_t n = strlen(folder);
    tcet_status st;

    if (n == 0)
        return error_set(err, TCET_E_ARG, "the run's folder has an empty name");
    s = mem_alloc(sizeof *s);
    s->lock = -1;
    s->folder = mem_strdup(folder);
    while (n > 1 && s->folder[n - 1] == '/')
        s->folder[--n] = '\0';
    buf_printf(&path, "%s/scores.db", s->folder);
    s->path = path.data;
    st = sql_open(s, mode, err);
    if (st >= 0)
        st = load_columns(s, err);
    if (st >= 0)
        st = load_archs(s, err);
    if (st < 0) {
        store_close(s);
        return st;
    }
    *out = s;
    return TCET_OK;
}

int store_was_damaged(const struct store *s, int64_t *rows)
{
    *rows = s->dropped;
    return s->mended;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sql_close(s);
    arena_free(&s->column_arena);
    buf_free(&s->view.message);
    buf_free(&s->arch_text);
    buf_free(&s->meta_text);
    buf_free(&s->scratch);
    buf_free(&s->numbers);
    lines_forget(s);
    free(s->arch);
    free(s->blank);
    free(s->folder);
    free(s->path);
    free(s);
}

/* All values of a key, and blocks that nobody else needs. */
static tcet_status drop_values(struct store *s, int64_t key, struct error *err)
{
    TRY(sql_run(s, SQL_BLOCKS_DROP, err, "i", key));
    return sql_run(s, SQL_VALUE_DROP, err, "i", key);
}

/* Are these the columns that are stored?  Not those whose values the run puts anew. */
static int has_columns(const struct store *s, const struct result_column *columns, size_t count)
{
    int same = count == s->column_count;

    for (size_t i = 0; i < count && same; i++) {
        const struct result_column *a = &columns[i], *b = &s->column[i];

        same = !strcmp(a->name, b->name) && !strcmp(a->key, b->key) && a->is_score == b->is_score &&
               !a->population && !b->population && a->direction == b->direction &&
               a->layered == b->layered;
    }
    return same;
}

static tcet_status put_columns(struct store *s, const struct result_column *columns, size_t count,
                               struct error *err)
{
    if (has_columns(s, columns, count))
        return TCET_OK;
    TRY(sql_exec(s, "DELETE FROM run_column", err));
    for (size_t i = 0; i < count; i++) {
        const struct result_column *c = &columns[i];
        int64_t key = 0;

        TRY(find_or_add_key(s, c->key, &key, err));
        TRY(sql_run(s, SQL_RUN_COLUMN_ADD, err, "itiiiii", (int64_t)i, c->name, key,
                    (int64_t)c->is_score, (int64_t)c->population, (int64_t)c->direction,
                    (int64_t)c->layered));
        /* Of another population, or of fewer architectures: not this run's. */
        if (c->population)
            TRY(drop_values(s, key, err));
    }
    TRY(sql_run(s, SQL_RUN_SIZE_PUT, err, "t", "run_column"));
    return load_columns(s, err);
}

/* What the table demands of a column; columns come from a worker. */
static int column_is_valid(const struct result_column *c)
{
    return *c->name && (c->is_score == 0 || c->is_score == 1) &&
           (c->population == 0 || c->population == 1) && c->direction >= -1 && c->direction <= 1 &&
           (unsigned)c->layered <= RESULT_OTHER_LAYERS;
}

tcet_status store_set_columns(struct store *s, const struct result_column *columns, size_t count,
                              struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!column_is_valid(&columns[i]))
            return error_set(err, TCET_E_ARG, "column %zu, \"%s\": not what a column may be", i,
                             columns[i].name);
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(columns[i].name, columns[j].name))
                return error_set(err, TCET_E_ARG, "two columns are called \"%s\"", columns[i].name);
        }
    }
    TRY(store_enter(s, err));
    return store_leave(s, put_columns(s, columns, count, err), err);
}

/* Is it the list that is stored? */
static tcet_status has_archs(struct store *s, const char *const *arch, size_t count, int *same,
                             struct error *err)
{
    tcet_status st;
    size_t n = 0;
    int have = 0;

    *same = count == s->arch_count;
    if (!*same)
        return TCET_OK;
    st = sql_bind(s, SQL_RUN_TEXTS, err, "");
    while (st >= 0 && *same && (st = sql_step(s, SQL_RUN_TEXTS, &have, err)) >= 0 && have) {
        *same = n < count && !strcmp(sql_text(s, SQL_RUN_TEXTS, 0), arch[n]);
        n++;
    }
    sql_done(s, SQL_RUN_TEXTS);
    *same = *same && n == count;
    return st;
}

static tcet_status put_archs(struct store *s, const char *const *arch, size_t count,
                             struct error *err)
{
    int same;

    TRY(has_archs(s, arch, count, &same, err));
    if (same && count)
        return TCET_OK;
    TRY(sql_exec(s, "DELETE FROM run_arch", err));
    for (size_t i = 0; i < count; i++) {
        int64_t id = 0;

        TRY(find_or_add_arch(s, arch[i], &id, err));
        TRY(sql_run(s, SQL_RUN_ARCH_ADD, err, "ii", (int64_t)i, id));
    }
    TRY(sql_run(s, SQL_RUN_SIZE_PUT, err, "t", "run_arch"));
    s->arch_open = 1;
    return load_archs(s, err);
}

tcet_status store_set_archs(struct store *s, const char *const *arch, size_t count,
                            struct error *err)
{
    TRY(store_enter(s, err));
    return store_leave(s, put_archs(s, arch, count, err), err);
}

/* The first column of the row that q finds, copied into b; NULL: none. */
static const char *copy_text(struct store *s, enum sql q, struct buf *b)
{
    struct error err;
    int have = 0;

    if (sql_step(s, q, &have, &err) >= 0 && have) {
        b->len = 0;
        buf_puts(b, sql_text(s, q, 0));
    } else {
        have = 0;
    }
    sql_done(s, q);
    return have ? b->data : NULL;
}

/* A fact that is stored as it is stays: a resume with nothing to do leaves the file as it was. */
static tcet_status put_meta(struct store *s, const char *name, const char *value, struct error *err)
{
    int have = 0, same = 0;
    tcet_status st;

    TRY(sql_bind(s, SQL_META_GET, err, "t", name));
    st = sql_step(s, SQL_META_GET, &have, err);
    if (st >= 0)
        same = have && !strcmp(sql_text(s, SQL_META_GET, 0), value);
    sql_done(s, SQL_META_GET);
    if (st < 0 || same)
        return st;
    TRY(sql_run(s, SQL_META_PUT, err, "tt", name, value));
    return sql_run(s, SQL_RUN_SIZE_PUT, err, "t", "meta");
}

tcet_status store_set_meta(struct store *s, const char *name, const char *value, struct error *err)
{
    TRY(store_enter(s, err));
    return store_leave(s, put_meta(s, name, value, err), err);
}

const char *store_meta(struct store *s, const char *name)
{
    struct error err;

    if (sql_bind(s, SQL_META_GET, &err, "t", name) < 0)
        return NULL;
    return copy_text(s, SQL_META_GET, &s->meta_text);
}

const char *store_arch(struct store *s, size_t ordinal)
{
    struct error err;

    if (ordinal >= s->arch_count || sql_bind(s, SQL_ARCH_TEXT, &err, "i", s->arch[ordinal]) < 0)
        return NULL;
    return copy_text(s, SQL_ARCH_TEXT, &s->arch_text);
}

size_t store_arch_count(struct store *s)
{
    return s->arch_count;
}

size_t store_column_count(struct store *s)
{
    return s->column_count;
}

const struct result_column *store_column_at(struct store *s, size_t i)
{
    return i < s->column_count ? &s->column[i] : NULL;
}

int shape_is_valid(const char *text)
{
    const char *p = text;

    if (!*p)
        return 1;
    for (;; p++) {
        const char *digits = p;

        while (*p >= '0' && *p <= '9')
            p++;
        if (p == digits || (*digits == '0' && p > digits + 1))
            return 0;
        if (*p != ',')
            return !*p;
    }
}

/* Everything that could be refused is refused before anything is written. */
static tcet_status check_row(struct store *s, const struct result_row *row, struct error *err)
{
    if (row->status != RESULT_OK && row->status != RESULT_FAILED)
        return error_set(err, TCET_E_ARG, "%s: status %d is neither ok nor failed", row->arch,
                         (int)row->status);
    for (size_t i = 0; i < row->value_count; i++) {
        const struct result_value *v = &row->values[i];

        if (v->column < 0 || (size_t)v->column >= s->column_count)
            return error_set(err, TCET_E_ARG, "%s: column %d of %zu", row->arch, v->column,
                             s->column_count);
        for (size_t k = 0; k < v->guards.count; k++) {
            if (fabs((double)v->guards.item[k].count) > JSON_NUMBER_MAX)
                return error_set(err, TCET_E_ARG, "%s: guard %s: a count out of range", row->arch,
                                 v->guards.item[k].name);
        }
    }
    for (size_t i = 0; i < row->layer_count; i++) {
        const struct result_layer *l = &row->layers[i];

        if (strchr(l->name, '\n') || strchr(l->kind, '\n') || !shape_is_valid(l->shape))
            return error_set(err, TCET_E_ARG, "%s: layer %zu: bad name, kind or shape", row->arch,
                             i);
    }
    return TCET_OK;
}

static tcet_status find_network(struct store *s, int64_t arch, const struct result_row *row,
                                double x_sum, double w_sum, const char *layers, int64_t *id,
                                struct error *err)
{
    tcet_status st = sql_bind(s, SQL_NETWORK_FIND, err, "iiiddt", arch, row->params, row->macs,
                              x_sum, w_sum, layers);

    return sql_number(s, SQL_NETWORK_FIND, st, id, err);
}

/* The network a row describes; 0 when the row knows of none. */
static tcet_status network_id(struct store *s, int64_t arch, const struct result_row *row,
                              int64_t *id, struct error *err)
{
    struct buf *list = &s->scratch;
    double x_sum, w_sum;

    *id = 0;
    if (row->layer_count == 0 && row->params <= 0)
        return TCET_OK;
    if (!s->lines.loaded)
        TRY(lines_load(s, err));
    list->len = 0;
    if (lines_list(&s->lines, row->layers, row->layer_count, list) != 0)
        return used_up(s, err);
    TRY(lines_flush(s, err));
    /* Such a column holds no -0.0: what is put must be what is read. */
    x_sum = row->x_sum + 0.0;
    w_sum = row->w_sum + 0.0;
    if (!s->no_network || !store_is_blank(s, arch)) {
        TRY(find_network(s, arch, row, x_sum, w_sum, list->data, id, err));
        if (*id)
            return TCET_OK;
    }
    TRY(new_id(s, SQL_NETWORK_LAST, id, err));
    return sql_run(s, SQL_NETWORK_ADD, err, "iiiiddt", *id, arch, row->params, row->macs, x_sum,
                   w_sum, list->data);
}

/* Numbers as they are stored. */
static void add_numbers(struct buf *b, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[sizeof(uint64_t)];
        uint64_t bits;

        memcpy(&bits, &numbers[i], sizeof bits);
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)(bits >> (8 * k));
        buf_add(b, bytes, sizeof bytes);
    }
}

int64_t store_us(double seconds)
{
    return seconds > 0 && seconds < 1e9 ? llround(seconds * 1e6) : 0;
}

/* Values on their way into the store, as many as one statement takes. */
struct values {
    int64_t arch, network;
    const struct result_value *v;
    size_t count;
    int64_t first_block;                 /* of the row that is put, 0: it has none yet */
    int64_t block[1 << (SQL_SIZES - 1)]; /* each one's, 0: none */
    int64_t spare[1 << (SQL_SIZES - 1)]; /* a block that it was to have and has not, 0: none */
    size_t at[1 << (SQL_SIZES - 1)];     /* where in it its layers begin */
    size_t guards[1 << (SQL_SIZES - 1)]; /* where in s->scratch */
};

/* A block that is longer by another value ends before it: of a row that does not fit a page SQLite wastes half a page. */
enum { BLOCK_BYTES = 1000 };

/* Stores the block of values from `first` up to `end`, whose layers' numbers stand in s->numbers; none where they have
 * neither layers nor a network. */
static tcet_status put_block(struct store *s, struct values *p, size_t first, size_t end,
                             struct error *err)
{
    struct buf *b = &s->numbers;
    int any = p->network != 0;
    int64_t id = 0;

    for (size_t i = first; i < end; i++)
        any |= p->v[i].layers != NULL;
    if (any) {
        TRY(new_id(s, SQL_BLOCK_LAST, &id, err));
        if (!p->first_block)
            p->first_block = id;
        TRY(sql_run(s, SQL_BLOCK_ADD, err, "iirb", id, p->arch, p->network, (const void *)b->data,
                    b->len));
    }
    for (size_t i = first; i < end; i++) {
        p->block[i] = id;
        p->spare[i] = 0;
    }
    b->len = 0;
    return TCET_OK;
}

/* Values that are put together share blocks, which hold their network and the numbers of their layers. */
static tcet_status put_blocks(struct store *s, struct values *p, struct error *err)
{
    struct buf *b = &s->numbers;
    size_t first = 0;

    b->len = 0;
    buf_puts(b, "");
    for (size_t i = 0; i < p->count; i++) {
        const struct result_value *v = &p->v[i];
        size_t n = v->layers ? v->layer_count : 0;

        if (b->len && b->len + n * sizeof *v->layers > BLOCK_BYTES) {
            TRY(put_block(s, p, first, i, err));
            first = i;
        }
        p->at[i] = b->len / sizeof *v->layers;
        add_numbers(b, v->layers, n);
    }
    return put_block(s, p, first, p->count, err);
}

static void encode_guards(struct store *s, struct values *p)
{
    struct buf *b = &s->scratch;

    b->len = 0;
    for (size_t i = 0; i < p->count; i++) {
        p->guards[i] = b->len;
        guards_write(b, &p->v[i].guards);
        buf_add(b, "", 1);
    }
}

static tcet_status bind_value(struct store *s, enum sql q, size_t row, const struct values *p,
                              size_t i, struct error *err)
{
    const struct result_value *v = &p->v[i];

    return sql_bind_row(s, q, row, err, "iirdtioo", p->arch, s->column_key[v->column], p->block[i],
                        v->value, v->guards.count ? s->scratch.data + p->guards[i] : NULL,
                        store_us(v->seconds), v->layers ? (int64_t)p->at[i] : (int64_t)-1,
                        v->layers ? (int64_t)v->layer_count : (int64_t)-1);
}

/* Runs statement q with `count` of these values to its end. */
static tcet_status put_some(struct store *s, enum sql q, const struct values *p, size_t first,
                            size_t count, struct error *err)
{
    tcet_status st = TCET_OK;
    int have;

    for (size_t k = 0; k < count && st >= 0; k++)
        st = bind_value(s, q, k, p, first + k, err);
    if (st >= 0)
        st = sql_step(s, q, &have, err);
    sql_done(s, q);
    return st;
}

/* One value that may be there already: then the block that it had goes, unless another value needs it.  Where two columns
 * share a key the layers of one are the layers of both. */
static tcet_status merge_value(struct store *s, struct values *p, size_t i, struct error *err)
{
    int64_t key = s->column_key[p->v[i].column], old = 0;

    TRY(sql_number(s, SQL_VALUE_BLOCK, sql_bind(s, SQL_VALUE_BLOCK, err, "ii", p->arch, key), &old,
                   err));
    if (!p->v[i].layers &&
        old >= p->first_block) { /* where no block is made there is none to spare */
        p->spare[i] = p->block[i];
        p->block[i] = 0;
    }
    TRY(put_some(s, SQL_VALUE_PUT, p, i, 1, err));
    return old ? sql_run(s, SQL_BLOCK_DROP, err, "i", old) : TCET_OK;
}

/* Adds values where they are new, by statements for several, else merges each into what is there. */
static tcet_status put_new(struct store *s, struct values *p, struct error *err)
{
    size_t at = 0;

    for (int size = SQL_SIZES - 1; size >= 0; size--) {
        size_t n = (size_t)1 << size;

        for (; p->count - at >= n; at += n) {
            TRY(put_some(s, (enum sql)(SQL_VALUES_ADD + size), p, at, n, err));
            if ((size_t)sqlite3_changes(s->db) == n)
                continue;
            for (size_t k = 0; k < n; k++)
                TRY(merge_value(s, p, at + k, err));
        }
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->spare[i])
            TRY(sql_run(s, SQL_BLOCK_DROP, err, "i", p->spare[i]));
    }
    return TCET_OK;
}

static tcet_status put_values(struct store *s, int64_t arch, int64_t network,
                              const struct result_value *v, size_t count, struct error *err)
{
    struct values p = {.arch = arch, .network = network};

    for (size_t at = 0; at < count; at += p.count) {
        p.v = v + at;
        p.count = count - at < TCET_COUNT(p.at) ? count - at : TCET_COUNT(p.at);
        TRY(put_blocks(s, &p, err));
        encode_guards(s, &p);
        TRY(put_new(s, &p, err));
    }
    return TCET_OK;
}

static tcet_status put_row(struct store *s, int64_t arch, const struct result_row *row,
                           struct error *err)
{
    const struct result_times *t = &row->times;
    int64_t network = 0;

    if (!arch)
        TRY(find_or_add_arch(s, row->arch, &arch, err));
    TRY(network_id(s, arch, row, &network, err));
    store_note_put(s, arch);
    TRY(put_values(s, arch, network, row->values, row->value_count, err));
    return sql_run(s, SQL_OUTCOME_PUT, err, "ittiriiiii", arch, result_status_name(row->status),
                   row->message ? row->message : "", s->column_set, network, store_us(t->build),
                   store_us(t->init), store_us(t->forward), store_us(t->backward),
                   store_us(t->total));
}

tcet_status store_put(struct store *s, const struct result_row *row, struct error *err)
{
    TRY(check_row(s, row, err));
    TRY(store_enter(s, err));
    return store_leave(s, put_row(s, 0, row, err), err);
}

static tcet_status check_ordinal(struct store *s, size_t ordinal, struct error *err)
{
    return ordinal < s->arch_count
               ? TCET_OK
               : error_set(err, TCET_E_ARG, "%s: no architecture %zu", s->path, ordinal);
}

tcet_status store_put_at(struct store *s, size_t ordinal, const struct result_row *row,
                         struct error *err)
{
    TRY(check_ordinal(s, ordinal, err));
    TRY(check_row(s, row, err));
    TRY(store_enter(s, err));
    return store_leave(s, put_row(s, s->arch[ordinal], row, err), err);
}

tcet_status store_begin(struct store *s, struct error *err)
{
    if (s->batch)
        return error_set(err, TCET_E_ARG, "%s: a batch is open already", s->path);
    TRY(sql_exec(s, "BEGIN IMMEDIATE", err));
    s->batch = 1;
    return TCET_OK;
}

tcet_status store_commit(struct store *s, struct error *err)
{
    if (!s->batch)
        return error_set(err, TCET_E_ARG, "%s: no batch is open", s->path);
    TRY(commit(s, err));
    s->batch = 0;
    return TCET_OK;
}

/* Values of one architecture into the view; its network is that of the first column that
 * has a block. */
static tcet_status look_values(struct store *s, int64_t arch, struct error *err)
{
    struct row_view *view = &s->view;
    size_t first = s->column_count;
    int64_t from = 0;
    tcet_status st;
    int have = 0;

    st = sql_bind(s, SQL_VALUES, err, "i", arch);
    while (st >= 0 && (st = sql_step(s, SQL_VALUES, &have, err)) >= 0 && have) {
        int64_t key = sql_i64(s, SQL_VALUES, 0), block = sql_i64(s, SQL_VALUES, 2);

        for (size_t i = 0; i < s->column_count; i++) {
            if (s->column_key[i] != key)
                continue;
            view->has[i] = 1;
            view->value[i] = sql_f64(s, SQL_VALUES, 1);
            if (block && i < first) {
                first = i;
                from = block;
            }
        }
    }
    sql_done(s, SQL_VALUES);
    if (st < 0 || !from)
        return st;
    st = sql_bind(s, SQL_BLOCK_NETWORK, err, "i", from);
    return sql_number(s, SQL_BLOCK_NETWORK, st, &view->network, err);
}

tcet_status store_judge(struct store *s, int have, int same, int ok, const uint8_t *has,
                        enum result_status *out, struct error *err)
{
    int complete = 1;

    *out = RESULT_MISSING;
    for (size_t i = 0; i < s->column_count; i++)
        complete &= has[i] || s->column[i].population;
    if (s->reader && have && same && ok && !complete)
        return sql_damaged(s, "values that an outcome is about are not there", err);
    /* A failure is about the columns of its time; other columns may do without what failed. */
    if (have && same && !ok)
        *out = RESULT_FAILED;
    else if (have && complete)
        *out = RESULT_OK;
    return TCET_OK;
}

tcet_status store_look(struct store *s, int64_t arch, struct error *err)
{
    struct row_view *view = &s->view;
    int have = 0, same = 0, ok = 0;
    int64_t network = 0;
    tcet_status st;

    view->state = RESULT_MISSING;
    view->arch = arch;
    view->network = 0;
    view->message.len = 0;
    buf_puts(&view->message, "");
    memset(view->us, 0, sizeof view->us);
    for (size_t i = 0; i < s->column_count; i++) {
        view->has[i] = 0;
        view->value[i] = NAN;
    }
    if (!arch || store_is_blank(s, arch))
        return TCET_OK;
    st = sql_bind(s, SQL_OUTCOME_GET, err, "i", arch);
    if (st >= 0)
        st = sql_step(s, SQL_OUTCOME_GET, &have, err);
    if (st >= 0 && have) {
        ok = !strcmp(sql_text(s, SQL_OUTCOME_GET, 0), "ok");
        buf_puts(&view->message, sql_text(s, SQL_OUTCOME_GET, 1));
        same = sql_i64(s, SQL_OUTCOME_GET, 2) == s->column_set;
        network = sql_i64(s, SQL_OUTCOME_GET, 3);
        for (int k = 0; k < STORE_TIMES; k++)
            view->us[k] = sql_i64(s, SQL_OUTCOME_GET, 4 + k);
    }
    sql_done(s, SQL_OUTCOME_GET);
    TRY(st);
    TRY(look_values(s, arch, err));
    TRY(store_judge(s, have, same, ok, view->has, &view->state, err));
    if (!view->network && same)
        view->network = network;
    return TCET_OK;
}

tcet_status store_missing(struct store *s, size_t ordinal, int retry, uint8_t *missing,
                          struct error *err)
{
    TRY(check_ordinal(s, ordinal, err));
    TRY(store_look(s, s->arch[ordinal], err));
    for (size_t i = 0; i < s->column_count; i++)
        missing[i] = !s->view.has[i] && !s->column[i].population &&
                     (retry || s->view.state != RESULT_FAILED);
    return TCET_OK;
}

tcet_status store_find(struct store *s, const char *arch, struct arena *a, struct result_row *out,
                       struct error *err)
{
    struct result_row row = {.arch = arch, .message = ""};
    int64_t id = 0;

    TRY(find_arch(s, arch, &id, err));
    if (id) {
        TRY(store_look(s, id, err));
        row.status = s->view.state;
        row.message = arena_strdup(a, s->view.message.len ? s->view.message.data : "");
        TRY(store_network(s, NULL, &row, err));
        row.values = arena_alloc(a, (s->column_count + 1) * sizeof *row.values);
        for (size_t i = 0; i < s->column_count; i++) {
            if (s->view.has[i] && !s->column[i].population)
                row.values[row.value_count++] =
                    (struct result_value){.column = (int)i, .value = s->view.value[i]};
        }
    }
    *out = row;
    return TCET_OK;
}

static tcet_status check_column(struct store *s, int column, struct error *err)
{
    if (column < 0 || (size_t)column >= s->column_count)
        return error_set(err, TCET_E_ARG, "%s: column %d of %zu", s->path, column, s->column_count);
    return TCET_OK;
}

/* One value and (where not NULL) what it cost; *found = 0 when there is none. */
static tcet_status get_value(struct store *s, int64_t arch, int64_t key, double *value,
                             double *seconds, int *found, struct error *err)
{
    tcet_status st = sql_bind(s, SQL_VALUE_GET, err, "ii", arch, key);
    int have = 0;

    if (st >= 0)
        st = sql_step(s, SQL_VALUE_GET, &have, err);
    if (st >= 0 && have)
        *value = sql_f64(s, SQL_VALUE_GET, 0);
    if (st >= 0 && have && seconds)
        *seconds = (double)sql_i64(s, SQL_VALUE_GET, 1) / 1e6;
    if (st >= 0)
        *found = have;
    sql_done(s, SQL_VALUE_GET);
    return st;
}

tcet_status store_get(struct store *s, const char *arch, int column, struct arena *a,
                      struct result_value *out, int *found, struct error *err)
{
    struct result_value v = {.column = column};
    int64_t id = 0, key;
    tcet_status st;
    int have = 0;

    TRY(check_column(s, column, err));
    key = s->column_key[column];
    TRY(find_arch(s, arch, &id, err));
    TRY(get_value(s, id, key, &v.value, &v.seconds, found, err));
    if (!*found)
        return TCET_OK;
    st = sql_bind(s, SQL_LAYERED_GET, err, "ii", id, key);
    if (st >= 0)
        st = sql_step(s, SQL_LAYERED_GET, &have, err);
    if (st >= 0 && have)
        v.layers = sql_f64s(s, SQL_LAYERED_GET, 0, a, &v.layer_count);
    sql_done(s, SQL_LAYERED_GET);
    if (st >= 0)
        *out = v;
    return st;
}

tcet_status store_column_values(struct store *s, int column, double *out, struct error *err)
{
    tcet_status st;
    int ours;

    TRY(check_column(s, column, err));
    st = store_begin_reads(s, &ours, err);
    for (size_t i = 0; i < s->arch_count && st >= 0; i++) {
        int found;

        out[i] = NAN;
        st = get_value(s, s->arch[i], s->column_key[column], &out[i], NULL, &found, err);
    }
    return store_end_reads(s, ours, st, err);
}

static tcet_status put_population(struct store *s, int64_t key, const double *values,
                                  struct error *err)
{
    TRY(drop_values(s, key, err));
    for (size_t i = 0; i < s->arch_count; i++) {
        /* NaN of an architecture without results is "no value", not a value. */
        if (isnan(values[i])) {
            TRY(store_look(s, s->arch[i], err));
            if (s->view.state != RESULT_OK)
                continue;
        }
        store_note_put(s, s->arch[i]);
        TRY(sql_run(s, SQL_VALUE_PUT, err, "iirdtioo", s->arch[i], key, (int64_t)0, values[i],
                    (const char *)NULL, (int64_t)0, (int64_t)-1, (int64_t)-1));
    }
    return TCET_OK;
}

tcet_status store_put_population(struct store *s, int column, const double *values,
                                 struct error *err)
{
    TRY(check_column(s, column, err));
    TRY(store_enter(s, err));
    return store_leave(s, put_population(s, s->column_key[column], values, err), err);
}
