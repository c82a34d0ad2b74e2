/* export.c -- the store as CSV and JSON lines: the same bytes for the same results.
 *
 * Room: core/store.  May use base; SQL stands in sql.c.  Rows come in ordinal order and
 * columns in config order; nothing of when, where or in which order the work was done. */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/names.h"
#include "base/text.h"

enum { FLUSH_AT = 1 << 20 };

/* A file in the making: PATH.tmp-PID until it is whole. */
struct output {
    int fd;
    char *path, *temporary;
    struct buf text;
};

struct exporter {
    struct store *s;
    const struct store_export *options;
    struct output main, layers; /* layers: CSV only */
    const char **json_name;     /* [columns] "name": ready to print */
    const struct store_accuracy *accuracies;
    const char **accuracy_json; /* [accuracies] the same */
    size_t accuracy_count;
    struct arena run; /* of what is made once */

    /* Of the architecture at hand; layered[column] is NULL or [layer_count]. */
    struct arena arena;
    const char *arch;
    struct result_row row; /* the network alone */
    const double **layered;
    struct guard *guards; /* with names as between JSON quotes */
    size_t guard_count, guard_cap;
};

static tcet_status output_open(struct output *o, const char *path, struct error *err)
{
    struct buf temporary = {0};

    buf_printf(&temporary, "%s.tmp-%ld", path, (long)getpid());
    o->path = mem_strdup(path);
    o->temporary = temporary.data;
    unlink(o->temporary); /* a link there may lead to any file, or be one */
    o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (o->fd < 0)
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
    return TCET_OK;
}

static tcet_status output_flush(struct output *o, size_t at_least, struct error *err)
{
    size_t done = 0;

    if (o->text.len < at_least)
        return TCET_OK;
    while (done < o->text.len) {
        ssize_t n = write(o->fd, o->text.data + done, o->text.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(n ? errno : ENOSPC));
        done += (size_t)n;
    }
    o->text.len = 0;
    return TCET_OK;
}

static tcet_status output_finish(struct output *o, struct error *err)
{
    int fd = o->fd;

    TRY(output_flush(o, 1, err));
    if (fsync(fd) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    o->fd = -1;
    if (close(fd) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    return TCET_OK;
}

static tcet_status output_publish(struct output *o, struct error *err)
{
    if (rename(o->temporary, o->path) != 0)
        return error_set(err, TCET_E_IO, "%s: %s", o->path, strerror(errno));
    free(o->temporary);
    o->temporary = NULL;
    return TCET_OK;
}

static void output_close(struct output *o)
{
    if (o->fd >= 0)
        close(o->fd);
    if (o->temporary)
        unlink(o->temporary);
    free(o->temporary);
    free(o->path);
    buf_free(&o->text);
}

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && !strcmp(text + n - m, end);
}

static int wanted_key(const struct exporter *x, int64_t key)
{
    for (size_t i = 0; i < x->s->column_count; i++) {
        if (x->s->column_key[i] == key)
            return 1;
    }
    return 0;
}

static void add_guard(void *user, const char *name, size_t length, double count)
{
    struct exporter *x = user;
    size_t i;

    for (i = 0; i < x->guard_count; i++) {
        if (strlen(x->guards[i].name) == length && !memcmp(x->guards[i].name, name, length))
            break;
    }
    if (i == x->guard_count) {
        if (x->guard_count == x->guard_cap) {
            x->guard_cap = x->guard_cap ? x->guard_cap * 2 : 16;
            x->guards = mem_resize(x->guards, x->guard_cap * sizeof *x->guards);
        }
        x->guards[x->guard_count++] = (struct guard){arena_strndup(&x->arena, name, length), 0};
    }
    guards_sum(&x->guards[i].count, (int64_t)count);
}

static int compare_guards(const void *a, const void *b)
{
    return strcmp(((const struct guard *)a)->name, ((const struct guard *)b)->name);
}

/* Counts of all the run's values, summed by name. */
static tcet_status look_guards(struct exporter *x, int64_t arch, struct error *err)
{
    struct store *s = x->s;
    tcet_status st;
    int have = 0;

    x->guard_count = 0;
    st = sql_bind(s, SQL_GUARDS, err, "i", arch);
    while (st >= 0 && (st = sql_step(s, SQL_GUARDS, &have, err)) >= 0 && have) {
        if (wanted_key(x, sql_i64(s, SQL_GUARDS, 0)) &&
            json_numbers(sql_text(s, SQL_GUARDS, 1), add_guard, x) != 0)
            st = sql_damaged(s, "guards", err);
    }
    sql_done(s, SQL_GUARDS);
    if (x->guard_count)
        qsort(x->guards, x->guard_count, sizeof *x->guards, compare_guards);
    return st;
}

static tcet_status look_layered(struct exporter *x, int64_t arch, struct error *err)
{
    struct store *s = x->s;
    tcet_status st;
    int have = 0;

    memset(x->layered, 0, s->column_count * sizeof *x->layered);
    st = sql_bind(s, SQL_LAYERED, err, "i", arch);
    while (st >= 0 && (st = sql_step(s, SQL_LAYERED, &have, err)) >= 0 && have) {
        int64_t key = sql_i64(s, SQL_LAYERED, 0);

        for (size_t i = 0; i < s->column_count && st >= 0; i++) {
            const double *list;
            size_t count;

            if (s->column_key[i] != key || s->column[i].layered != RESULT_ROW_LAYERS ||
                !s->view.has[i])
                continue;
            st = sql_layered(s, i, x->row.layer_count, &x->arena, &list, &count, err);
            x->layered[i] = count == x->row.layer_count ? list : NULL;
        }
    }
    sql_done(s, SQL_LAYERED);
    return st;
}

/* "NAME": in quotes, with what that takes. */
static const char *json_name(struct arena *a, const char *name)
{
    struct buf b = {0};

    json_write_string(&b, name);
    name = arena_printf(a, "%s:", b.data);
    buf_free(&b);
    return name;
}

static void json_member(struct buf *b, int *some, const char *name)
{
    buf_puts(b, *some ? "," : "");
    buf_puts(b, name);
    *some = 1;
}

static void json_layer(struct exporter *x, size_t l)
{
    struct buf *b = &x->main.text;
    const struct result_layer *layer = &x->row.layers[l];
    int some = 0;

    buf_puts(b, l ? ",{\"name\":" : "{\"name\":");
    json_write_string(b, layer->name);
    buf_puts(b, ",\"kind\":");
    json_write_string(b, layer->kind);
    buf_puts(b, ",\"shape\":[");
    buf_puts(b, layer->shape);
    buf_puts(b, "],\"metrics\":{");
    for (size_t i = 0; i < x->s->column_count; i++) {
        if (!x->layered[i])
            continue;
        json_member(b, &some, x->json_name[i]);
        json_write_f64(b, x->layered[i][l]);
    }
    buf_puts(b, "}}");
}

static void json_accuracies(struct exporter *x, size_t ordinal)
{
    struct buf *b = &x->main.text;
    int some = 0;

    if (!x->accuracy_count)
        return;
    buf_puts(b, ",\"accuracies\":{");
    for (size_t i = 0; i < x->accuracy_count; i++) {
        double value = x->accuracies[i].values[ordinal];

        if (isnan(value))
            continue;
        json_member(b, &some, x->accuracy_json[i]);
        json_write_f64(b, value);
    }
    buf_puts(b, "}");
}

/* Seconds to the microsecond. */
static void json_times(struct buf *b, const int64_t *us)
{
    static const char *const names[STORE_TIMES] = {"build", "init", "forward", "backward", "total"};
    int some = 0;

    buf_puts(b, ",\"times\":{");
    for (int k = 0; k < STORE_TIMES; k++, some = 1)
        buf_printf(b, "%s\"%s\":%" PRId64 ".%06" PRId64, some ? "," : "", names[k], us[k] / 1000000,
                   us[k] % 1000000);
    buf_puts(b, "}");
}

static void write_json(struct exporter *x, const char *space, size_t ordinal)
{
    const struct row_view *view = &x->s->view;
    struct buf *b = &x->main.text;
    int some = 0;

    buf_puts(b, "{\"space\":");
    json_write_string(b, space);
    buf_puts(b, ",\"arch\":");
    json_write_string(b, x->arch);
    if (view->network) {
        buf_printf(b, ",\"params\":%" PRId64 ",\"macs\":%" PRId64 ",\"x_sum\":", x->row.params,
                   x->row.macs);
        json_write_f64(b, x->row.x_sum);
        buf_puts(b, ",\"w_sum\":");
        json_write_f64(b, x->row.w_sum);
    }
    buf_puts(b, ",\"scores\":{");
    for (size_t i = 0; i < x->s->column_count; i++) {
        if (!view->has[i])
            continue;
        json_member(b, &some, x->json_name[i]);
        json_write_f64(b, view->value[i]);
    }
    buf_puts(b, "}");
    json_accuracies(x, ordinal);
    if (x->options->layers) {
        buf_puts(b, ",\"layers\":[");
        for (size_t l = 0; l < x->row.layer_count; l++)
            json_layer(x, l);
        buf_puts(b, "]");
    }
    buf_puts(b, ",\"guards\":{");
    for (size_t i = 0; i < x->guard_count; i++)
        buf_printf(b, "%s\"%s\":%" PRId64, i ? "," : "", x->guards[i].name, x->guards[i].count);
    buf_printf(b, "},\"status\":\"%s\"", result_status_name(view->state));
    if (view->state == RESULT_FAILED) {
        buf_puts(b, ",\"error\":");
        json_write_string(b, view->message.data);
    }
    if (x->options->times && view->us[STORE_TOTAL] > 0)
        json_times(b, view->us);
    buf_puts(b, "}\n");
}

enum { OWN = 4 }; /* columns of ours in either file */
static const char *const own_columns[OWN] = {"arch", "status", "params", "macs"};
static const char *const own_layer_columns[OWN] = {"arch", "layer", "kind", "shape"};

static void csv_own(struct buf *b, const char *const *own)
{
    for (int i = 0; i < OWN; i++)
        buf_printf(b, "%s%s", i ? "," : "", own[i]);
}

/* One more column; "score.NAME" where ours has the name.  Its name as it stands there, in x->run. */
static const char *csv_column(struct exporter *x, struct buf *b, const char *name,
                              const char *const *own)
{
    if (names_has(own, OWN, name))
        name = arena_printf(&x->run, "score.%s", name);
    buf_puts(b, ",");
    csv_write(b, name);
    return name;
}

static void csv_header(struct exporter *x)
{
    const struct store *s = x->s;
    size_t n = OWN, all = OWN + s->column_count + x->accuracy_count;
    const char **taken = arena_alloc(&x->run, all * sizeof *taken), *name;

    memcpy(taken, own_columns, sizeof own_columns);
    csv_own(&x->main.text, own_columns);
    csv_own(&x->layers.text, own_layer_columns);
    for (size_t i = 0; i < s->column_count; i++) {
        taken[n++] = csv_column(x, &x->main.text, s->column[i].name, own_columns);
        if (s->column[i].layered == RESULT_ROW_LAYERS)
            (void)csv_column(x, &x->layers.text, s->column[i].name, own_layer_columns);
    }
    for (size_t i = 0; i < x->accuracy_count; i++) {
        for (name = x->accuracies[i].name; names_has(taken, n, name);)
            name = arena_printf(&x->run, "table.%s", name);
        taken[n++] = name;
        buf_puts(&x->main.text, ",");
        csv_write(&x->main.text, name);
    }
    buf_puts(&x->main.text, "\n");
    buf_puts(&x->layers.text, "\n");
}

static void write_csv(struct exporter *x, size_t ordinal)
{
    const struct row_view *view = &x->s->view;
    struct buf *b = &x->main.text;
    char number[32];

    csv_write(b, x->arch);
    buf_printf(b, ",%s,", result_status_name(view->state));
    if (view->network)
        buf_printf(b, "%" PRId64 ",%" PRId64, x->row.params, x->row.macs);
    else
        buf_puts(b, ",");
    for (size_t i = 0; i < x->s->column_count; i++) {
        buf_puts(b, ",");
        if (view->has[i])
            buf_puts(b, text_f64(number, view->value[i]));
    }
    for (size_t i = 0; i < x->accuracy_count; i++) {
        double value = x->accuracies[i].values[ordinal];

        buf_puts(b, ",");
        if (!isnan(value))
            buf_puts(b, text_f64(number, value));
    }
    buf_puts(b, "\n");
}

static void write_csv_layers(struct exporter *x)
{
    struct buf *b = &x->layers.text;
    char number[32];

    for (size_t l = 0; l < x->row.layer_count; l++) {
        const struct result_layer *layer = &x->row.layers[l];
        const char *const own[OWN] = {x->arch, layer->name, layer->kind, layer->shape};

        for (int k = 0; k < OWN; k++) {
            buf_puts(b, k ? "," : "");
            csv_write(b, own[k]);
        }
        for (size_t i = 0; i < x->s->column_count; i++) {
            if (x->s->column[i].layered != RESULT_ROW_LAYERS)
                continue;
            buf_puts(b, ",");
            if (x->layered[i])
                buf_puts(b, text_f64(number, x->layered[i][l]));
        }
        buf_puts(b, "\n");
    }
}

static tcet_status export_rows(struct exporter *x, int csv, struct error *err)
{
    struct store *s = x->s;
    const char *meta = store_meta(s, "space");
    char *space = mem_strdup(meta ? meta : "");
    tcet_status st = TCET_OK;

    if (csv)
        csv_header(x);
    for (size_t i = 0; i < s->arch_count && st >= 0; i++) {
        arena_reset(&x->arena);
        st = store_look(s, s->arch[i], err);
        if (st >= 0)
            st = store_network(s, &x->arena, &x->row, err);
        if (st >= 0 && x->options->layers)
            st = look_layered(x, s->arch[i], err);
        if (st >= 0 && !csv)
            st = look_guards(x, s->arch[i], err);
        if (st < 0)
            break;
        x->arch = store_arch(s, i);
        if (!x->arch) {
            st = sql_damaged(s, "an architecture without its text", err);
        } else if (csv) {
            write_csv(x, i);
            if (x->options->layers)
                write_csv_layers(x);
        } else {
            write_json(x, space, i);
        }
        if (st >= 0)
            st = output_flush(&x->main, FLUSH_AT, err);
        if (st >= 0 && x->layers.path)
            st = output_flush(&x->layers, FLUSH_AT, err);
    }
    free(space);
    return st;
}

/* Those that are given, else the store's. */
static tcet_status look_accuracies(struct exporter *x, struct error *err)
{
    if (x->options->accuracies) {
        x->accuracies = x->options->accuracies;
        x->accuracy_count = x->options->accuracy_count;
    } else {
        TRY(store_accuracies(x->s, &x->run, &x->accuracies, &x->accuracy_count, err));
    }
    x->accuracy_json = arena_alloc(&x->run, (x->accuracy_count + 1) * sizeof *x->accuracy_json);
    for (size_t i = 0; i < x->accuracy_count; i++)
        x->accuracy_json[i] = json_name(&x->run, x->accuracies[i].name);
    return TCET_OK;
}

/* One snapshot of the store, though a run may be going on. */
static tcet_status export_snapshot(struct exporter *x, int csv, struct error *err)
{
    int own = sqlite3_get_autocommit(x->s->db);
    tcet_status st;

    if (own)
        TRY(sql_exec(x->s, "BEGIN", err));
    st = look_accuracies(x, err);
    if (st >= 0)
        st = export_rows(x, csv, err);
    if (own) /* only read: nothing can be lost */
        sqlite3_exec(x->s->db, "COMMIT", NULL, NULL, NULL);
    return st;
}

static tcet_status export_files(struct exporter *x, const char *path, int csv, struct error *err)
{
    int split = csv && x->options->layers;

    TRY(output_open(&x->main, path, err));
    if (split) {
        struct buf name = {0};
        tcet_status st;

        buf_printf(&name, "%.*s.layers.csv", (int)(strlen(path) - strlen(".csv")), path);
        st = output_open(&x->layers, name.data, err);
        buf_free(&name);
        TRY(st);
    }
    TRY(export_snapshot(x, csv, err));
    TRY(output_finish(&x->main, err));
    if (split) {
        TRY(output_finish(&x->layers, err));
        TRY(output_publish(&x->layers, err));
    }
    return output_publish(&x->main, err);
}

tcet_status store_export(struct store *s, const char *path, const struct store_export *options,
                         struct error *err)
{
    struct exporter x = {.s = s, .options = options, .main.fd = -1, .layers.fd = -1};
    int csv = ends_with(path, ".csv");
    tcet_status st;

    if (!csv && !ends_with(path, ".jsonl"))
        return error_set(err, TCET_E_ARG, "%s: an export's name ends in .csv or .jsonl", path);
    x.layered = arena_alloc(&x.run, s->column_count * sizeof *x.layered);
    x.json_name = arena_alloc(&x.run, s->column_count * sizeof *x.json_name);
    for (size_t i = 0; i < s->column_count; i++)
        x.json_name[i] = json_name(&x.run, s->column[i].name);
    st = export_files(&x, path, csv, err);
    output_close(&x.main);
    output_close(&x.layers);
    free(x.guards);
    arena_free(&x.arena);
    arena_free(&x.run);
    return st;
}
