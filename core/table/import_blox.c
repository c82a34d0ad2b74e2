/* import_blox.c -- BLOX's accuracies and counts (import.h): YAML between lines of ---, which names the
 * columns, and CSV below it without a header.  Room: core/table. */
#include "table/import_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum { COLUMNS_MAX = 32, FILE_MAX_BYTES = 1 << 28, ROWS_MAX = 1 << 22 };

struct sheet {
    const char *path;
    struct arena arena;
    char *text, *at;
    long long line;
    const char *column[COLUMNS_MAX];
    char *field[COLUMNS_MAX];
    size_t columns;
    struct error *err;
};

static tcet_status fail(struct sheet *s, const char *why)
{
    return error_set(s->err, TCET_E_ARG, "%s:%lld: %s", s->path, s->line, why);
}

/* The next line, without its end; NULL: there is none. */
static char *next_line(struct sheet *s)
{
    char *line = s->at, *end;

    if (!*line)
        return NULL;
    end = line + strcspn(line, "\n");
    s->at = *end ? end + 1 : end;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    s->line++;
    return line;
}

static tcet_status add_column(struct sheet *s, char *name)
{
    size_t n;

    name = text_strip(name);
    n = strlen(name);
    if (n >= 2 && (*name == '"' || *name == '\'') && name[n - 1] == *name) {
        name[n - 1] = '\0';
        name++;
    }
    if (!*name || s->columns == COLUMNS_MAX)
        return fail(s, "its columns have no names, or are more than 32");
    s->column[s->columns++] = name;
    return TCET_OK;
}

/* columns: [a, b], or a line "- a" each. */
static tcet_status read_head(struct sheet *s)
{
    char *line = next_line(s);
    int listing = 0;

    if (!line || strcmp(text_strip(line), "---") != 0)
        return fail(s, "a line --- is expected, and below it YAML with the columns");
    while ((line = next_line(s)) && strcmp(line = text_strip(line), "---") != 0) {
        if (!strncmp(line, "columns:", 8)) {
            size_t n;

            line = text_strip(line + 8);
            n = strlen(line);
            listing = !n;
            if (!n)
                continue;
            if (*line != '[' || line[n - 1] != ']')
                return fail(s, "columns: [NAME, NAME] is expected");
            line[n - 1] = '\0';
            for (char *part = line + 1, *comma; part; part = comma) {
                comma = strchr(part, ',');
                if (comma)
                    *comma++ = '\0';
                TRY(add_column(s, part));
            }
        } else if (listing && *line == '-') {
            TRY(add_column(s, line + 1));
        } else {
            listing = 0;
        }
    }
    if (!line)
        return fail(s, "the second line --- is missing");
    return s->columns ? TCET_OK : fail(s, "its YAML names no columns");
}

/* The fields of the next line; *end: there is none. */
static tcet_status next_row(struct sheet *s, int *end)
{
    char *p = next_line(s), *to;
    size_t n = 0;

    *end = !p;
    while (p) {
        if (n == s->columns)
            return fail(s, "more fields than columns");
        s->field[n++] = p;
        if (*p == '"') {
            for (s->field[n - 1] = to = ++p; *p && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                *to++ = *p;
            }
            if (*p++ != '"')
                return fail(s, "a quote is not closed");
            if (*p && *p != ',')
                return fail(s, "a comma is expected behind the quote");
            p = *p ? p + 1 : NULL;
        } else {
            to = p + strcspn(p, ",");
            p = *to ? to + 1 : NULL;
        }
        *to = '\0';
    }
    return *end || n == s->columns ? TCET_OK : fail(s, "fewer fields than columns");
}

static tcet_status open_sheet(struct sheet *s, const char *path, struct error *err)
{
    size_t size;

    *s = (struct sheet){.path = path, .err = err, .line = 0};
    s->text = file_text(path, FILE_MAX_BYTES, &size, err);
    if (!s->text)
        return err->status;
    s->at = s->text;
    if (strlen(s->text) != size)
        return fail(s, "it holds a NUL byte");
    return read_head(s);
}

/* Where a column is; an error lists what there is. */
static tcet_status column(struct sheet *s, const char *name, size_t *out)
{
    struct buf list = {0};
    tcet_status st;

    for (*out = 0; *out < s->columns; ++*out) {
        if (!strcmp(s->column[*out], name)) {
            buf_free(&list);
            return TCET_OK;
        }
        buf_printf(&list, "%s%.40s", *out ? ", " : "", s->column[*out]);
    }
    st = error_set(s->err, TCET_E_ARG, "%s: no column \"%s\"; columns: %.300s", s->path, name,
                   list.data);
    buf_free(&list);
    return st;
}

static tcet_status number(struct sheet *s, size_t at, double *out)
{
    if (text_to_f64(s->field[at], out) >= 0)
        return TCET_OK;
    return error_set(s->err, TCET_E_ARG, "%s:%lld: \"%.40s\" is no number for %s", s->path, s->line,
                     s->field[at], s->column[at]);
}

struct entry {
    double test, seconds, params, flops;
    char *arch; /* NULL: not in the other file */
};

static tcet_status read_base(struct sheet *s, struct import_names *hashes, struct buf *entries)
{
    size_t hash, test, seconds;
    int end, fresh;

    TRY(column(s, "model_hash", &hash));
    TRY(column(s, "test_top1", &test));
    TRY(column(s, "train_time_s", &seconds));
    for (;;) {
        struct entry e = {NAN, NAN, NAN, NAN, NULL};

        TRY(next_row(s, &end));
        if (end)
            return TCET_OK;
        import_names_put(hashes, s->field[hash], &fresh);
        if (!fresh || hashes->count > ROWS_MAX)
            return fail(s, fresh ? "more rows than any expected here" : "its model stands above");
        TRY(number(s, test, &e.test));
        TRY(number(s, seconds, &e.seconds));
        buf_add(entries, &e, sizeof e);
    }
}

static tcet_status read_info(struct sheet *s, struct import_names *hashes, struct buf *entries)
{
    size_t hash, params, flops, arch, trained = hashes->count;
    int end, fresh;

    TRY(column(s, "model_hash", &hash));
    TRY(column(s, "params", &params));
    TRY(column(s, "flops", &flops));
    TRY(column(s, "arch_vec", &arch));
    for (;;) {
        struct entry *e;
        size_t at;

        TRY(next_row(s, &end));
        if (end)
            return TCET_OK;
        at = import_names_put(hashes, s->field[hash], &fresh);
        if (at >= trained) /* not trained: no row */
            continue;
        e = (struct entry *)(void *)entries->data + at;
        if (e->arch)
            return fail(s, "its model stands above");
        TRY(number(s, params, &e->params));
        TRY(number(s, flops, &e->flops));
        if (!import_arch_ok(s->field[arch]))
            return fail(s,
                        "an architecture is expected in arch_vec, as [[[0], [1, 1, 0, 1]], ...]");
        e->arch = s->field[arch];
    }
}

tcet_status import_blox(const char *const *files, size_t count, struct buf *out, size_t *rows,
                        struct error *err)
{
    struct sheet base = {.text = NULL}, info = {.text = NULL};
    struct import_names hashes = {.count = 0};
    struct buf entries = {0};
    tcet_status st = open_sheet(&base, files[0], err);

    (void)count;
    if (st >= 0)
        st = open_sheet(&info, files[1], err);
    if (st >= 0)
        st = read_base(&base, &hashes, &entries);
    if (st >= 0)
        st = read_info(&info, &hashes, &entries);
    buf_printf(
        out,
        "# BLOX: trained accuracies, one line an architecture (column arch).\n# "
        "test_cifar100: accuracy in percent; seconds: of the training; params, flops: as its "
        "authors count them.\n# Source: %s, %s (github.com/SamsungLabs/blox, CC BY-NC: not "
        "for commercial use), by tcet-host import.\n# trained = test_*\n"
        "arch\ttest_cifar100\tseconds\tparams\tflops\n",
        import_name(files[0]), import_name(files[1]));
    *rows = 0;
    for (size_t i = 0; st >= 0 && i < entries.len / sizeof(struct entry); i++) {
        const struct entry *e = (const struct entry *)(void *)entries.data + i;

        if (!e->arch) {
            st = error_set(err, TCET_E_ARG, "%s: has no model %.64s, of which %s has an accuracy",
                           files[1], hashes.name[i], files[0]);
            break;
        }
        buf_puts(out, e->arch);
        import_put(out, e->test);
        import_put(out, e->seconds);
        import_put(out, e->params);
        import_put(out, e->flops);
        buf_puts(out, "\n");
        ++*rows;
    }
    free(base.text);
    free(info.text);
    import_names_free(&hashes);
    buf_free(&entries);
    return st;
}
