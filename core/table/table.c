/* table.c -- see table.h.  Room: core/table.  Stands on core/base.
 *
 * The file is read whole and walked twice: check() finds every error and counts the rows, fill()
 * then cuts the text into fields in place and cannot fail. */
#include "table/gzip.h"
#include "table/internal.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/names.h"
#include "base/text.h"

enum { COLUMNS_MAX = 10000, FILE_MAX = 1 << 30, HINT = 320, SHOWN = 200 };

struct source {
    const char *path;
    const struct table_options *options;
    char *text, *end;    /* NUL at end */
    char newline;        /* '\n', or '\r' where that alone ends lines */
    char separator;      /* ' ': any run of blanks */
    size_t fields, arch; /* of the header: how many, and which is the architecture */
    size_t rows;
    uint32_t *line_of; /* row -> line, for messages */
};

struct field {
    char *start;
    size_t length;
    int quotes; /* "" inside: to be undone */
    char *next; /* behind the separator; NULL for the last field of a line */
};

enum cut { CUT_OK, CUT_OPEN_QUOTE, CUT_AFTER_QUOTE };

/* A quoted field; p is behind the opening quote. */
static enum cut cut_quoted(char *p, char *end, char separator, struct field *f)
{
    f->start = p;
    for (;;) {
        p = memchr(p, '"', (size_t)(end - p));
        if (!p)
            return CUT_OPEN_QUOTE;
        if (p + 1 == end || p[1] != '"')
            break;
        f->quotes = 1;
        p += 2;
    }
    f->length = (size_t)(p - f->start);
    for (p++; p < end && *p == ' ' && separator != '\t';)
        p++;
    if (separator == ' ')
        f->next = p < end ? p : NULL;
    else if (p < end && *p != separator)
        return CUT_AFTER_QUOTE;
    else
        f->next = p < end ? p + 1 : NULL;
    return CUT_OK;
}

/* The field at p in a line that ends at `end`; spaces around it do not count.  Between tabs, quotes
 * are quotes only where they close. */
static enum cut cut_field(char *p, char *end, char separator, struct field *f)
{
    char *stop;

    f->quotes = 0;
    while (p < end && *p == ' ')
        p++;
    if (p < end && *p == '"') {
        enum cut cut = cut_quoted(p + 1, end, separator, f);

        if (cut == CUT_OK || separator != '\t')
            return cut;
        f->quotes = 0;
    }
    for (stop = p; stop < end && *stop != separator;)
        stop++;
    f->next = stop < end ? stop + 1 : NULL;
    if (separator == ' ' && stop < end) {
        for (f->next = stop; f->next < end && *f->next == ' ';)
            f->next++;
        if (f->next == end) /* blanks at the end of a line */
            f->next = NULL;
    }
    while (stop > p && stop[-1] == ' ')
        stop--;
    f->start = p;
    f->length = (size_t)(stop - p);
    return CUT_OK;
}

/* Makes a field a text of its own, in place. */
static char *own_text(const struct field *f)
{
    char *to = f->start, *from = f->start, *stop = f->start + f->length;

    if (f->quotes) {
        while (from < stop) {
            from += from[0] == '"'; /* the first of two */
            *to++ = *from++;
        }
        stop = to;
    }
    *stop = '\0';
    return f->start + csv_is_shielded(f->start);
}

/* End of the line at p, without its \r; *next is the start of the line after it. */
static char *line_end(const struct source *s, char *p, char **next)
{
    char *end = memchr(p, s->newline, (size_t)(s->end - p));

    *next = end ? end + 1 : s->end;
    if (!end)
        end = s->end;
    return end > p && end[-1] == '\r' ? end - 1 : end;
}

static tcet_status no_nul(const struct source *s, struct error *err)
{
    const char *nul = memchr(s->text, '\0', (size_t)(s->end - s->text));
    size_t line = 1;

    if (!nul)
        return TCET_OK;
    for (const char *p = s->text; p < nul; p++)
        line += *p == s->newline;
    return error_set(err, TCET_E_ARG, "%s:%zu: a NUL byte; tables are plain text, or such in gzip",
                     s->path, line);
}

/* The comment lines; returns the header's line and counts lines up to it.  *above: the comment
 * line above it, without its #, or NULL. */
static char *skip_comments(const struct source *s, struct buf *comment, size_t *line, char **above)
{
    char *p = s->text, *next;

    *above = NULL;
    if (s->end - p >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) /* byte order mark */
        p += 3;
    for (*line = 1; p < s->end; p = next, ++*line) {
        char *end = line_end(s, p, &next);

        if (end == p)
            continue;
        if (*p != '#')
            break;
        p += 1 + (end > p + 1 && p[1] == ' ');
        *above = p;
        if (comment->len)
            buf_puts(comment, "\n");
        buf_add(comment, p, (size_t)(end - p));
    }
    return p;
}

/* Counts the fields of a line and checks their form. */
static tcet_status check_line(const struct source *s, char *p, char *end, size_t line,
                              size_t *fields, struct error *err)
{
    struct field f = {.next = p};

    for (*fields = 0; f.next; ++*fields) {
        enum cut cut = cut_field(f.next, end, s->separator, &f);

        if (cut == CUT_OPEN_QUOTE)
            return error_set(err, TCET_E_ARG, "%s:%zu: field %zu: the quote is not closed", s->path,
                             line, *fields + 1);
        if (cut == CUT_AFTER_QUOTE)
            return error_set(err, TCET_E_ARG, "%s:%zu: field %zu: text after the closing quote",
                             s->path, line, *fields + 1);
        if (f.length > TABLE_FIELD_MAX)
            return error_set(err, TCET_E_ARG,
                             "%s:%zu: field %zu has %zu bytes, at most %d are allowed", s->path,
                             line, *fields + 1, f.length, TABLE_FIELD_MAX);
    }
    return TCET_OK;
}

/* All lines below the header: their number of fields, and how many there are. */
static tcet_status check(struct source *s, char *body, size_t line, struct error *err)
{
    char *next;

    for (char *p = body; p < s->end; p = next, line++) {
        char *end = line_end(s, p, &next);
        size_t fields;

        if (end == p)
            continue;
        TRY(check_line(s, p, end, line, &fields, err));
        if (fields != s->fields)
            return error_set(err, TCET_E_ARG, "%s:%zu: %zu fields, but the header has %zu", s->path,
                             line, fields, s->fields);
        s->rows++;
    }
    if (!s->rows)
        return error_set(err, TCET_E_ARG, "%s: no rows below the header", s->path);
    if (s->rows > TABLE_ROWS_MAX)
        return error_set(err, TCET_E_ARG, "%s: %zu rows are too many", s->path, s->rows);
    return TCET_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the fields of a line are apart by: a tab, a comma, a semicolon, a bar or blanks, the first of
 * them that stands in it. */
static char separator_of(const char *p, const char *end)
{
    static const char separators[] = "\t,;|";

    for (const char *c = separators; *c; c++) {
        if (memchr(p, *c, (size_t)(end - p)))
            return *c;
    }
    return ' ';
}

/* A number that is the whole text (what is beyond a double: infinity, as strtod has it), NaN where
 * there is none; *text: 1 where something stands in its place. */
static double number(const char *text, int *is_text);

/* Of the line's fields, how many are numbers. */
static size_t numbers_in(const struct source *s, const char *p, const char *end, size_t *fields)
{
    struct arena a = {0};
    char *copy = arena_strndup(&a, p, (size_t)(end - p));
    struct field f = {.next = copy};
    size_t numbers = 0;

    for (*fields = 0; f.next; ++*fields) {
        int is_text;

        if (cut_field(f.next, copy + (end - p), s->separator, &f) != CUT_OK)
            break;
        numbers += !isnan(number(own_text(&f), &is_text));
    }
    arena_free(&a);
    return numbers;
}

/* numpy's savetxt writes the header as a comment: a comment line of as many names stands above a line
 * in which there are numbers. */
static int header_is_comment(const struct source *s, const char *above, const char *p,
                             const char *end)
{
    char *next;
    size_t names, fields;

    return above && !numbers_in(s, above, line_end(s, (char *)(uintptr_t)above, &next), &names) &&
           numbers_in(s, p, end, &fields) && fields == names && fields > 1;
}

/* The field of the architectures: of the name asked for, else "arch", else the first with a name. */
static tcet_status find_arch(struct source *s, const char *const *names, size_t line,
                             struct error *err)
{
    const char *key = s->options->key;
    char hint[HINT];

    for (size_t i = 0; i < s->fields; i++) {
        if (!strcmp(names[i], key ? key : "arch")) {
            s->arch = i;
            return TCET_OK;
        }
    }
    if (key)
        return error_set(err, TCET_E_ARG, "%s:%zu: no column \"%.*s\" of architectures%s", s->path,
                         line, SHOWN, key,
                         names_hint(hint, sizeof hint, "columns", key, names, s->fields));
    while (s->arch + 1 < s->fields && !*names[s->arch])
        s->arch++;
    return TCET_OK;
}

/* Column names, and which column is the architecture. */
static tcet_status read_header(struct source *s, struct table *t, char *p, char *end, size_t line,
                               struct error *err)
{
    struct field f = {.next = p};
    const char **names, **sorted;
    size_t count = 0;

    TRY(check_line(s, p, end, line, &s->fields, err));
    if (s->fields > COLUMNS_MAX)
        return error_set(err, TCET_E_ARG, "%s:%zu: %zu columns, at most %d are read", s->path, line,
                         s->fields, COLUMNS_MAX);
    if (s->fields == 1)
        return error_set(
            err, TCET_E_ARG,
            "%s:%zu: the header \"%.*s\" is one column; a table has an architecture and "
            "values, apart by tabs, commas, semicolons, bars or blanks",
            s->path, line, (int)(end - p < SHOWN ? end - p : SHOWN), p);
    names = arena_alloc(&t->arena, s->fields * sizeof *names);
    for (size_t i = 0; i < s->fields; i++) {
        cut_field(f.next, end, s->separator, &f);
        names[i] = own_text(&f);
        if (!*names[i] && i) /* the first is pandas' index */
            return error_set(err, TCET_E_ARG, "%s:%zu: column %zu has no name", s->path, line,
                             i + 1);
    }
    TRY(find_arch(s, names, line, err));
    sorted = arena_alloc(&t->arena, s->fields * sizeof *sorted);
    memcpy(sorted, names, s->fields * sizeof *sorted);
    qsort(sorted, s->fields, sizeof *sorted, by_text);
    for (size_t i = 1; i < s->fields; i++) {
        if (!strcmp(sorted[i], sorted[i - 1]))
            return error_set(err, TCET_E_ARG, "%s:%zu: column \"%.*s\" twice", s->path, line, SHOWN,
                             sorted[i]);
    }
    t->key = names[s->arch];
    for (size_t i = 0; i < s->fields; i++) {
        if (i != s->arch)
            names[count++] = names[i];
    }
    t->column = names;
    t->columns = count;
    t->no_number = arena_alloc(&t->arena, (count + 1) * sizeof *t->no_number);
    return TCET_OK;
}

__extension__ typedef unsigned __int128 wide;

/* digits / 10^decimals, at most 19 digits, to the nearest double: up to 2^53 by one division, which
 * rounds exactly; more by 63 bits of the quotient, and whether anything is left. */
static double divide(uint64_t digits, int decimals)
{
    uint64_t power = 1, quotient;
    int up, down;
    wide from;

    for (int i = 0; i < decimals; i++)
        power *= 10;
    if (digits <= UINT64_C(1) << 53)
        return (double)digits / (double)power;
    up = __builtin_clzll(digits);
    down = __builtin_clzll(power);
    power <<= down;
    from = (wide)(digits << up) << 63;
    quotient = (uint64_t)(from / power);
    quotient |= (wide)quotient * power != from;
    return ldexp((double)quotient, down - up - 63);
}

/* What people write where there is no value. */
static int is_missing(const char *text)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "null", "none", "-", "?", "."};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcasecmp(text, words[i]))
            return 1;
    }
    return 0;
}

static double number(const char *text, int *is_text)
{
    const char *p = text + (*text == '-');
    uint64_t digits = 0;
    int count = 0, decimals = 0;
    char *stop;
    double value;

    *is_text = 0;
    for (; *p >= '0' && *p <= '9' && count < 19; p++, count++)
        digits = digits * 10 + (uint64_t)(*p - '0');
    if (count && *p == '.') {
        for (p++; *p >= '0' && *p <= '9' && count < 19; p++, count++, decimals++)
            digits = digits * 10 + (uint64_t)(*p - '0');
    }
    if (count && !*p) {
        value = divide(digits, decimals);
        return *text == '-' ? -value : value;
    }
    if (is_missing(text))
        return NAN;
    value = strtod(text, &stop);
    *is_text = stop == text || *stop;
    return *is_text ? NAN : value;
}

/* Notes the first field of a column that is text, and how many there are of either kind. */
static void note_field(struct table_text *c, int is_text, double value, const char *text,
                       size_t line)
{
    if (is_text && !c->fields) {
        c->first = text;
        c->line = line;
    }
    c->fields += (size_t)is_text;
    c->numbers += !isnan(value);
}

static void fill(struct source *s, struct table *t, char *body, size_t line)
{
    const char **arch = (const char **)(uintptr_t)t->arch;
    size_t row = 0;
    char *next;

    for (char *p = body; p < s->end; p = next, line++) {
        char *end = line_end(s, p, &next);
        struct field f = {.next = p};
        size_t column = 0;

        if (end == p)
            continue;
        for (size_t i = 0; i < s->fields; i++) {
            int is_text;
            double value;
            char *text;

            cut_field(f.next, end, s->separator, &f);
            text = own_text(&f);
            if (i == s->arch) {
                arch[row] = text;
                continue;
            }
            value = number(text, &is_text);
            note_field(&t->no_number[column], is_text, value, text, line);
            t->values[column++ * t->rows + row] = value;
        }
        s->line_of[row++] = (uint32_t)line;
    }
}

static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* The slot of an architecture, or the empty one where it would stand. */
static size_t find_slot(const struct table *t, const char *arch)
{
    size_t i = hash(arch) & (t->slot_count - 1);

    while (t->slots[i] && strcmp(t->arch[t->slots[i] - 1], arch))
        i = (i + 1) & (t->slot_count - 1);
    return i;
}

/* Rows of one architecture become their mean, over those that have a number, or stay what the first
 * is, in the place of that; the others are taken out.  first: the first row of each row's
 * architecture. */
static void join_rows(struct table *t, const uint32_t *first)
{
    const char **arch = (const char **)(uintptr_t)t->arch;
    double *sum = mem_alloc((t->rows + 1) * sizeof *sum);
    uint32_t *count = mem_alloc((t->rows + 1) * sizeof *count);
    size_t kept = 0;

    for (size_t c = 0; c < t->columns; c++) {
        const double *from = t->values + c * t->rows;

        memset(sum, 0, t->rows * sizeof *sum);
        memset(count, 0, t->rows * sizeof *count);
        for (size_t row = 0; row < t->rows; row++) {
            if (!isnan(from[row]) && (t->rule == TABLE_DUPLICATES_MEAN || first[row] == row)) {
                sum[first[row]] += from[row];
                count[first[row]]++;
            }
        }
        kept = 0;
        for (size_t row = 0; row < t->rows; row++) { /* never behind what is read */
            if (first[row] == row)
                t->values[c * t->rows + kept++] = count[row] ? sum[row] / count[row] : NAN;
        }
    }
    kept = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (first[row] == row)
            arch[kept++] = t->arch[row];
    }
    for (size_t c = 1; c < t->columns; c++)
        memmove(t->values + c * kept, t->values + c * t->rows, kept * sizeof *t->values);
    t->duplicates = t->rows - kept;
    t->rows = kept;
    memset(t->slots, 0, t->slot_count * sizeof *t->slots);
    for (size_t row = 0; row < kept; row++)
        t->slots[find_slot(t, t->arch[row])] = (uint32_t)row + 1;
    free(sum);
    free(count);
}

static tcet_status index_rows(struct table *t, const uint32_t *line_of, struct error *err)
{
    uint32_t *first;
    int again = 0;

    for (t->slot_count = 2; t->slot_count < 2 * t->rows;)
        t->slot_count *= 2;
    t->slots = mem_try(t->slot_count, sizeof *t->slots);
    first = mem_try(t->rows + 1, sizeof *first);
    if (!t->slots || !first) {
        free(first);
        return error_set(err, TCET_E_MEMORY, "%s: no memory for %zu rows", t->path, t->rows);
    }
    err->status = TCET_OK;
    for (size_t row = 0; row < t->rows && err->status >= 0; row++) {
        size_t slot = find_slot(t, t->arch[row]);

        first[row] = t->slots[slot] ? t->slots[slot] - 1 : (uint32_t)row;
        if (!*t->arch[row])
            error_set(err, TCET_E_ARG, "%s:%u: the architecture is empty", t->path, line_of[row]);
        else if (!t->slots[slot])
            t->slots[slot] = (uint32_t)row + 1;
        else if (t->rule != TABLE_DUPLICATES_ERROR)
            again = 1;
        else
            error_set(err, TCET_E_ARG,
                      "%s:%u: architecture \"%.*s\" stands in line %u already; duplicates = mean "
                      "takes their mean",
                      t->path, line_of[row], SHOWN, t->arch[row], line_of[first[row]]);
    }
    if (err->status >= 0 && again)
        join_rows(t, first);
    free(first);
    return err->status;
}

static tcet_status parse(struct source *s, struct table *t, struct error *err)
{
    struct buf comment = {0};
    size_t line;
    char *header, *body, *end, *above;

    s->newline = memchr(s->text, '\n', (size_t)(s->end - s->text)) ? '\n' : '\r';
    TRY(no_nul(s, err));
    header = skip_comments(s, &comment, &line, &above);
    t->comment = arena_strdup(&t->arena, comment.data ? comment.data : "");
    buf_free(&comment);
    if (header == s->end)
        return error_set(err, TCET_E_ARG, "%s: empty; a table begins with a line of column names",
                         s->path);
    end = line_end(s, header, &body);
    s->separator = separator_of(header, end);
    if (header_is_comment(s, above, header, end)) {
        header = above;
        end = line_end(s, header, &body);
        line--;
    }
    TRY(read_header(s, t, header, end, line, err));
    TRY(check(s, body, line + 1, err));

    t->rows = s->rows;
    t->arch = mem_try(t->rows, sizeof *t->arch);
    t->values = mem_try(t->rows * t->columns, sizeof *t->values);
    s->line_of = mem_try(t->rows, sizeof *s->line_of);
    if (!t->arch || !t->values || !s->line_of)
        return error_set(err, TCET_E_MEMORY, "%s: no memory for %zu rows of %zu columns", s->path,
                         t->rows, t->columns);
    fill(s, t, body, line + 1);
    return TCET_OK;
}

static tcet_status read_text(struct source *s, struct table *t, struct error *err)
{
    size_t size;

    t->text = s->text = gzip_text(s->path, FILE_MAX, &size, err);
    if (!s->text)
        return err->status;
    s->end = s->text + size;
    return parse(s, t, err);
}

tcet_status table_load(const char *path, const struct table_options *options, struct table **out,
                       struct error *err)
{
    static const struct table_options defaults = {.key = NULL};
    struct source s = {.path = path, .options = options ? options : &defaults};
    struct table *t = mem_alloc(sizeof *t);
    int is_json = table_ends_in(path, ".json");
    tcet_status status;

    t->path = arena_strdup(&t->arena, path);
    t->rule = s.options->duplicates;
    if (t->rule == TABLE_DUPLICATES_AUTO)
        t->rule = is_json ? TABLE_DUPLICATES_FIRST : TABLE_DUPLICATES_ERROR;
    if (!is_json)
        status = read_text(&s, t, err);
    else if (s.options->key)
        status = error_set(err, TCET_E_ARG,
                           "%s: key = %.*s: the architectures of a .json are its "
                           "entries' \"net\"",
                           path, SHOWN, s.options->key);
    else
        status = table_read_nds(t, &s.line_of, err);
    if (status >= 0)
        status = index_rows(t, s.line_of, err);
    free(s.line_of);
    if (status >= 0)
        *out = t;
    else
        table_free(t);
    return status;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    free((void *)(uintptr_t)t->arch);
    free(t->values);
    free(t->slots);
    free(t->text);
    arena_free(&t->arena);
    free(t);
}

int64_t table_row(const struct table *t, const char *arch)
{
    return (int64_t)t->slots[find_slot(t, arch)] - 1;
}

/* The column that a comment line "alias NAME = COLUMN" gives another name, or NULL. */
static const char *alias(const struct table *t, const char *name, char *out, size_t cap)
{
    for (const char *line = t->comment; line; line = strchr(line, '\n')) {
        char other[128], column[128];

        line += *line == '\n';
        if (sscanf(line, " alias %127s = %127s", other, column) == 2 && !strcmp(other, name)) {
            snprintf(out, cap, "%s", column);
            return out;
        }
    }
    return NULL;
}

/* The names that a column can be asked for by, second names first; they live in a. */
static const char **all_names(const struct table *t, struct arena *a, size_t *count)
{
    struct buf names = {0};
    const char **list;
    char other[128];

    for (const char *line = t->comment; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, " alias %127s =", other) == 1) {
            char *name = arena_strdup(a, other);

            buf_add(&names, &name, sizeof name);
        }
    }
    if (t->columns)
        buf_add(&names, t->column, t->columns * sizeof *t->column);
    *count = names.len / sizeof *list;
    list = arena_alloc(a, names.len + 1);
    if (names.len)
        memcpy(list, names.data, names.len);
    buf_free(&names);
    return list;
}

/* Index of a column by either of its names, or -1. */
static int64_t find_column(const struct table *t, const char *name)
{
    char other[128];
    const char *column = alias(t, name, other, sizeof other);

    for (size_t i = 0; i < t->columns; i++) {
        if (!strcmp(t->column[i], column ? column : name))
            return (int64_t)i;
    }
    return -1;
}

int table_has(const struct table *t, const char *name)
{
    return find_column(t, name) >= 0;
}

tcet_status table_column(const struct table *t, const char *name, const double **values,
                         struct error *err)
{
    int64_t i = find_column(t, name);
    const struct table_text *text = i >= 0 ? &t->no_number[i] : NULL;
    struct arena a = {0};
    const char **names;
    char hint[HINT];
    size_t count;

    if (text && text->fields)
        return error_set(err, TCET_E_ARG, "%s:%zu: column \"%.*s\": \"%.80s\" is no number%s",
                         t->path, text->line, SHOWN, t->column[i], text->first,
                         text->fields > 1 ? ", nor are others below" : "");
    if (text) {
        *values = t->values + (size_t)i * t->rows;
        return TCET_OK;
    }
    names = all_names(t, &a, &count);
    error_set(err, TCET_E_ARG, "%s: no column \"%.*s\"%s", t->path, SHOWN, name,
              names_hint(hint, sizeof hint, "columns", name, names, count));
    arena_free(&a);
    return err->status;
}

/* Does a word of a comment, n bytes long, mean this column? */
static int word_means(const char *word, size_t n, const char *column)
{
    if (n && word[n - 1] == '*')
        return !strncmp(word, column, n - 1);
    return strlen(column) == n && !strncmp(word, column, n);
}

/* Behind the = of a comment line "NAME = ...", or NULL. */
static const char *said_of(const char *line, const char *name)
{
    size_t n = strlen(name);

    line += strspn(line, " \t");
    if (strncmp(line, name, n))
        return NULL;
    line += n;
    line += strspn(line, " \t");
    return *line == '=' ? line + 1 : NULL;
}

int table_lists(const struct table *t, const char *what, const char *column)
{
    for (const char *line = t->comment; line; line = strchr(line, '\n')) {
        const char *word;

        line += *line == '\n';
        for (word = said_of(line, what); word && *word && *word != '\n';) {
            size_t n;

            word += strspn(word, " \t,");
            n = strcspn(word, " \t,\n");
            if (word_means(word, n, column))
                return 1;
            word += n;
        }
    }
    return 0;
}

int table_is_trained(const struct table *t, const char *column)
{
    return table_lists(t, "trained", column);
}

const char *table_says(const struct table *t, const char *name, struct arena *a)
{
    for (const char *line = t->comment; line; line = strchr(line, '\n')) {
        const char *text;

        line += *line == '\n';
        text = said_of(line, name);
        if (text)
            return text_strip(arena_strndup(a, text, strcspn(text, "\n")));
    }
    return NULL;
}

int table_ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && !strcmp(text + n - m, end);
}

const char *const *table_shipped(const char *data_dir, struct arena *a, size_t *count)
{
    DIR *dir = opendir(arena_printf(a, "%s/tables", data_dir));
    struct dirent *entry;
    struct buf names = {0};
    const char **list;

    *count = 0;
    while (dir && (entry = readdir(dir))) {
        size_t end = table_ends_in(entry->d_name, ".tsv")      ? 4
                     : table_ends_in(entry->d_name, ".tsv.gz") ? 7
                                                               : 0;

        if (end) {
            char *name = arena_strndup(a, entry->d_name, strlen(entry->d_name) - end);

            buf_add(&names, &name, sizeof name);
            ++*count;
        }
    }
    if (dir)
        closedir(dir);
    list = arena_alloc(a, names.len);
    if (names.len)
        memcpy(list, names.data, names.len);
    buf_free(&names);
    qsort(list, *count, sizeof *list, by_text);
    return list;
}

int table_is_path(const char *text)
{
    static const char *const ends[] = {".csv", ".tsv", ".json", ".csv.gz", ".tsv.gz"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (table_ends_in(text, ends[i]))
            return 1;
    }
    return strchr(text, '/') != NULL;
}

tcet_status table_path(const char *name_or_path, const char *data_dir, struct arena *a,
                       const char **out, struct error *err)
{
    char hint[HINT], *path;
    const char *const *list;
    size_t count;

    if (table_is_path(name_or_path)) {
        *out = arena_strdup(a, name_or_path);
        return TCET_OK;
    }
    path = arena_printf(a, "%s/tables/%s.tsv", data_dir, name_or_path);
    if (access(path, R_OK))
        path = arena_printf(a, "%s.gz", path);
    if (!access(path, R_OK)) {
        *out = path;
        return TCET_OK;
    }
    list = table_shipped(data_dir, a, &count);
    names_hint(hint, sizeof hint, "shipped tables", name_or_path, list, count);
    return error_set(err, TCET_E_ARG,
                     "no table \"%.*s\"%s; a path has a / in it or ends in .csv, .tsv or .json",
                     SHOWN, name_or_path, hint);
}
