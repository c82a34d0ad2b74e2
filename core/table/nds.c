/* nds.c -- the files of NDS as tables (table.h): a list of entries, or lists "top" and "mid".
 * Room: core/table.  Stands on core/base and the SDK's reader of JSON.
 *
 * The file is read as a stream: of an entry its `net` and four numbers are kept. */
#include "table/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/draft/json.h>

#include "base/file.h"
#include "base/json.h"

enum { TEST, TEST_BEST, PARAMS, FLOPS, COLUMNS };
static const char *const columns[COLUMNS] = {"test", "test_best", "params", "flops"};

enum { LISTS = 2 };
static const char *const lists[LISTS] = {"top", "mid"};

struct entry {
    size_t arch; /* where its text begins */
    double value[COLUMNS];
    uint32_t line, list;
};

struct reader {
    const char *path;
    tcet_json json;
    struct buf text, entries;
    size_t count;
    struct error *err;
};

int64_t table_more(void *user, char *buffer, size_t size)
{
    FILE *f = user;
    size_t n = fread(buffer, 1, size, f);

    return n || !ferror(f) ? (int64_t)n : -1;
}

static tcet_status fail(struct reader *r, int event, const char *want)
{
    return error_set(r->err, TCET_E_ARG, "%s:%lld: entry %zu: %s%s", r->path,
                     (long long)r->json.line, r->count + 1,
                     event == TCET_JSON_ERROR ? r->json.error : want,
                     event == TCET_JSON_ERROR ? "" : " is expected");
}

/* Writes the value of which `event` is the beginning without blanks. */
static tcet_status copy(struct reader *r, int event)
{
    size_t start = r->text.len;
    int32_t depth = r->json.depth - (event == TCET_JSON_OBJECT || event == TCET_JSON_LIST);
    int comma = 0;

    for (;; event = tcet_json_next(&r->json)) {
        int ends = event == TCET_JSON_OBJECT_END || event == TCET_JSON_LIST_END;

        if (event == TCET_JSON_ERROR)
            return fail(r, event, "");
        if (comma && !ends)
            buf_puts(&r->text, ",");
        if (event == TCET_JSON_STRING || event == TCET_JSON_NAME)
            json_write_string(&r->text, r->json.text);
        else
            buf_puts(&r->text, event == TCET_JSON_OBJECT       ? "{"
                               : event == TCET_JSON_OBJECT_END ? "}"
                               : event == TCET_JSON_LIST       ? "["
                               : event == TCET_JSON_LIST_END   ? "]"
                                                               : r->json.text);
        if (event == TCET_JSON_NAME)
            buf_puts(&r->text, ":");
        comma = event != TCET_JSON_NAME && event != TCET_JSON_OBJECT && event != TCET_JSON_LIST;
        if (r->text.len - start > TABLE_FIELD_MAX)
            return error_set(r->err, TCET_E_ARG,
                             "%s:%lld: entry %zu: its \"net\" has more than %d bytes", r->path,
                             (long long)r->json.line, r->count + 1, TABLE_FIELD_MAX);
        if (r->json.depth == depth && event != TCET_JSON_NAME)
            break;
    }
    buf_add(&r->text, "", 1);
    return TCET_OK;
}

/* A number, or the last of a list of numbers; NaN where there is none. */
static tcet_status last_number(struct reader *r, int event, double *out)
{
    int32_t depth = r->json.depth - (event == TCET_JSON_OBJECT || event == TCET_JSON_LIST);

    *out = NAN;
    for (;; event = tcet_json_next(&r->json)) {
        if (event == TCET_JSON_ERROR)
            return fail(r, event, "");
        if (event == TCET_JSON_NUMBER)
            *out = strtod(r->json.text, NULL);
        else if (event == TCET_JSON_WORD)
            *out = NAN;
        else if (event == TCET_JSON_STRING || event == TCET_JSON_OBJECT)
            return fail(r, event, "a number, or a list of them");
        if (r->json.depth == depth)
            return TCET_OK;
    }
}

static tcet_status read_entry(struct reader *r, uint32_t list)
{
    static const char *const names[COLUMNS] = {"test_ep_top1", "min_test_top1", "params", "flops"};
    struct entry e = {r->text.len, {NAN, NAN, NAN, NAN}, (uint32_t)r->json.line, list};
    int event, have_net = 0;

    while ((event = tcet_json_next(&r->json)) == TCET_JSON_NAME) {
        int column = 0, is_net = !strcmp(r->json.text, "net");

        while (column < COLUMNS && strcmp(r->json.text, names[column]) != 0)
            column++;
        event = tcet_json_next(&r->json);
        if (is_net && have_net)
            return fail(r, 0, "one \"net\"");
        if (is_net)
            TRY(copy(r, event));
        else if (column < COLUMNS)
            TRY(last_number(r, event, &e.value[column]));
        else if (tcet_json_skip(&r->json, event) == TCET_JSON_ERROR)
            break;
        have_net |= is_net;
    }
    if (r->json.error)
        return fail(r, TCET_JSON_ERROR, "");
    if (!have_net)
        return fail(r, event, "its \"net\"");
    if (r->count == TABLE_ROWS_MAX)
        return error_set(r->err, TCET_E_ARG, "%s: more than %u entries", r->path, TABLE_ROWS_MAX);
    e.value[TEST] = 100 - e.value[TEST]; /* the file has errors */
    e.value[TEST_BEST] = 100 - e.value[TEST_BEST];
    buf_add(&r->entries, &e, sizeof e);
    r->count++;
    return TCET_OK;
}

static tcet_status read_list(struct reader *r, uint32_t list)
{
    int event;

    while ((event = tcet_json_next(&r->json)) != TCET_JSON_LIST_END) {
        if (event != TCET_JSON_OBJECT)
            return fail(r, event, "an object");
        TRY(read_entry(r, list));
    }
    return TCET_OK;
}

static tcet_status read_lists(struct reader *r)
{
    int event = tcet_json_next(&r->json);

    if (event == TCET_JSON_LIST) {
        TRY(read_list(r, 0));
    } else {
        if (event != TCET_JSON_OBJECT)
            return fail(r, event, "a list of entries, or \"top\" and \"mid\",");
        while ((event = tcet_json_next(&r->json)) != TCET_JSON_OBJECT_END) {
            uint32_t list = 0;

            while (list < LISTS && event == TCET_JSON_NAME &&
                   strcmp(r->json.text, lists[list]) != 0)
                list++;
            if (event != TCET_JSON_NAME || list == LISTS)
                return fail(r, event, "\"top\" or \"mid\"");
            event = tcet_json_next(&r->json);
            if (event != TCET_JSON_LIST)
                return fail(r, event, "a list of entries");
            TRY(read_list(r, list));
        }
    }
    event = tcet_json_next(&r->json);
    if (event != TCET_JSON_END)
        return fail(r, event, "the end");
    return r->count ? TCET_OK : error_set(r->err, TCET_E_ARG, "%s: holds no entry", r->path);
}

/* Entries become rows, those of "top" first. */
static tcet_status fill(struct reader *r, struct table *t, uint32_t **line_of)
{
    const struct entry *entries = (const struct entry *)(void *)r->entries.data;
    const char **arch = mem_try(r->count, sizeof *arch);
    size_t row = 0;

    t->text = r->text.data;
    r->text = (struct buf){0};
    t->comment = "trained = test test_best";
    t->key = "net";
    t->column = columns;
    t->columns = COLUMNS;
    t->rows = r->count;
    t->no_number = arena_alloc(&t->arena, COLUMNS * sizeof *t->no_number);
    t->arch = arch;
    t->values = mem_try(r->count * COLUMNS, sizeof *t->values);
    *line_of = mem_try(r->count, sizeof **line_of);
    if (!t->arch || !t->values || !*line_of)
        return error_set(r->err, TCET_E_MEMORY, "%s: no memory for %zu entries", r->path, r->count);
    for (uint32_t list = 0; list < LISTS; list++)
        for (size_t i = 0; i < r->count; i++) {
            if (entries[i].list != list)
                continue;
            arch[row] = t->text + entries[i].arch;
            (*line_of)[row] = entries[i].line;
            for (size_t c = 0; c < COLUMNS; c++)
                t->values[c * r->count + row] = entries[i].value[c];
            row++;
        }
    return TCET_OK;
}

tcet_status table_read_nds(struct table *t, uint32_t **line_of, struct error *err)
{
    enum { WORD = 4096, BUFFER = 1 << 16 };
    char *word = mem_alloc(WORD + BUFFER);
    FILE *f = file_open(t->path, INT64_MAX, NULL, err);
    struct reader r = {.path = t->path, .json = tcet_json_of("", 0, word, WORD), .err = err};
    tcet_status st = err->status;

    if (f) {
        r.json.read = table_more;
        r.json.user = f;
        r.json.buffer = word + WORD;
        r.json.buffer_size = BUFFER;
        st = read_lists(&r);
        fclose(f);
    }
    if (f && st >= 0)
        st = fill(&r, t, line_of);
    buf_free(&r.text);
    buf_free(&r.entries);
    free(word);
    return st;
}
